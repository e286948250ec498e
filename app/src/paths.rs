//! Every address of the portal, as a function. Nothing else writes one by hand.

use crate::wire::{EndingId, OperatorId, SubjectId, SystemId};

pub const SIGN_IN: &str = "/sign-in";
pub const SIGN_OUT: &str = "/sign-out";
/// Where a one-time link leads: its code is behind `#`, typed or filled in, and sent by form.
pub const WELCOME: &str = "/welcome";
pub const STEP_UP: &str = "/step-up";
/// Where one's own second factor is set up.
pub const SECOND_FACTOR: &str = "/second-factor";
pub const HOME: &str = "/";
pub const SESSIONS: &str = "/sessions";
/// People above accounts.
pub const PEOPLE: &str = "/people";
pub const ENDINGS: &str = "/endings";
pub const SYSTEMS: &str = "/systems";
pub const POLICIES: &str = "/policies";
pub const ACCESS: &str = "/access";
pub const AUDIT: &str = "/audit";
/// Requests of embedding apps for sign-in tickets.
pub const TICKETS: &str = "/tickets";
/// Signals of identity servers.
pub const SIGNALS: &str = "/signals";
pub const ACCOUNT: &str = "/account";
/// People, systems, views, endings and pages by what they are called: `q`, and `list` = query string of the open list.
pub const GO: &str = "/go";
/// The frame around pages without a page in it: what an open page asks again on its own.
pub const FRAME: &str = "/frame";
/// How many sessions a query matches, exactly, as plain text; `?` and the query string of the list behind it.
pub const COUNT: &str = "/sessions/count";
/// What the search box may go on with, as JSON; `q` = what stands in it.
pub const SUGGEST: &str = "/sessions/suggest";
/// Live changes, server-sent events.
pub const LIVE: &str = "/live";

/// The stream of changes of one topic (`ending:<ending_id>`, `endings`, `sessions`); each event carries its version.
pub fn live(topic: &str) -> String {
    with_query(LIVE, &query_string(&[("topic", topic)]))
}

/// Signals that came before this one.
pub fn signals_before(signal_id: &str) -> String {
    with_query(SIGNALS, &query_string(&[("before", signal_id)]))
}

/// The list with these pairs.
pub fn sessions(query_string: &str) -> String {
    with_query(SESSIONS, query_string)
}

/// Exactly the sessions of a system that are past a limit of their own.
pub fn sessions_over(system: &SystemId) -> String {
    sessions(&query_string(&[("system", system.as_str()), ("over", "1")]))
}

/// Exactly the sessions of a system that never end for idleness.
pub fn sessions_never_idle(system: &SystemId) -> String {
    sessions(&query_string(&[("system", system.as_str()), ("never_idle", "1")]))
}

/// Exactly the sessions of a system that began under an earlier policy.
pub fn sessions_earlier(system: &SystemId) -> String {
    sessions(&query_string(&[("system", system.as_str()), ("earlier", "1")]))
}

/// Exactly the sessions of a system that started more than so many hours ago.
pub fn sessions_older(system: &SystemId, hours: i64) -> String {
    sessions(&query_string(&[
        ("system", system.as_str()),
        ("started", &format!("{hours}h")),
        ("started.op", "older"),
    ]))
}

/// A preview.
pub fn preview(ending: &EndingId) -> String {
    format!("{ENDINGS}/preview/{ending}")
}

/// An ending by its number.
pub fn ending(ending_no: i64) -> String {
    format!("{ENDINGS}/{ending_no}")
}

/// What an ending did and what is known of it, to be printed.
pub fn ending_report(ending_no: i64) -> String {
    format!("{}/report", ending(ending_no))
}

/// The same as a signed file.
pub fn ending_report_file(ending_no: i64) -> String {
    format!("{}.json", ending_report(ending_no))
}

/// What a person who signs in here can do.
pub fn person(operator: &OperatorId) -> String {
    format!("{ACCESS}/people/{operator}")
}

/// One person over all systems.
pub fn subject(subject: &SubjectId) -> String {
    format!("{PEOPLE}/{subject}")
}

/// What was done so that a person is out, and what is known of it, to be printed.
pub fn subject_report(person: &SubjectId) -> String {
    format!("{}/report", subject(person))
}

/// The same as a signed file.
pub fn subject_report_file(person: &SubjectId) -> String {
    format!("{}.json", subject_report(person))
}

/// Exactly the sessions of one person.
pub fn sessions_of(subject: &SubjectId) -> String {
    sessions(&query_string(&[("subject", subject.as_str())]))
}

/// A connected system.
pub fn system(system: &SystemId) -> String {
    let id = query_string(&[("system", system.as_str())]);
    format!("{SYSTEMS}?{id}#system")
}

/// Advice on the limits of a system.
pub fn advice(system: &SystemId) -> String {
    format!("{POLICIES}#advice-{system}")
}

/// Where a plain form posts: the page's own path with the act behind it.
pub mod post {
    /// Row form of the sessions page; fields and acts: `sessions::form::SelectionForm`.
    pub const SELECTION: &str = "/sessions/selection";
    /// `act` = save | edit | delete | start | no-start; fields: `sessions::views::form`.
    pub const VIEWS: &str = "/sessions/views/act";
    /// `id` = a whole session id, `back` = query string of the list.
    pub const FIND: &str = "/sessions/find";
    /// `list` = people or addresses, `back` = query string of the list they narrow.
    pub const PASTE: &str = "/sessions/paste";
    /// Fields: `sessions::form::ColumnsForm`.
    pub const COLUMNS: &str = "/sessions/columns";
    /// Rows by key, straight to a preview.
    pub const PREVIEW_KEYS: &str = "/sessions/preview";
    /// Below a preview: `/endings/preview/{id}/confirm`, `/include`, `/decide`.
    pub fn confirm(ending: &crate::wire::EndingId) -> String {
        format!("{}/confirm", super::preview(ending))
    }
    pub fn include(ending: &crate::wire::EndingId) -> String {
        format!("{}/include", super::preview(ending))
    }
    /// `act` = approve | turn-down | withdraw | alone, with `note` or `why`.
    pub fn decide(ending: &crate::wire::EndingId) -> String {
        format!("{}/decide", super::preview(ending))
    }
    pub fn stop(ending_no: i64) -> String {
        format!("{}/stop", super::ending(ending_no))
    }
    pub fn retry(ending_no: i64) -> String {
        format!("{}/retry", super::ending(ending_no))
    }
    pub fn end_returned(ending_no: i64) -> String {
        format!("{}/end-returned", super::ending(ending_no))
    }
    pub fn resume(ending_no: i64) -> String {
        format!("{}/resume", super::ending(ending_no))
    }
    pub fn review(ending_no: i64) -> String {
        format!("{}/review", super::ending(ending_no))
    }
    pub const PAUSE_ALL: &str = "/endings/pause-all";
    pub const RESUME_ALL: &str = "/endings/resume-all";
    /// `act` = read | pause | resume | test, `system` = id.
    pub const SYSTEM: &str = "/systems/act";
    pub const POLICY: &str = "/policies/save";
    /// `act` = accept | reopen; fields: `policies::form`.
    pub const ADVICE: &str = "/policies/advice";
    /// `act` = create-operator | disable | enable | reset | unlock | reset-factor | grant | revoke | save-role |
    /// ask-factor | delete-role | protect | unprotect.
    pub const ACCESS: &str = "/access/act";
    /// `act` = end | link | cut, with `subject`, `account`, `reason`.
    pub const PEOPLE: &str = "/people/act";
    pub const CHECK_CHAIN: &str = "/audit/check";
    /// `act` = test | look, with `app`, `site`, `user`.
    pub const TICKETS: &str = "/tickets/act";
    /// `act` = end | end-others | theme | times | density | keys | screen-share | known | password | extend.
    pub const ACCOUNT: &str = "/account/act";
    /// `act` = begin | confirm | codes | remove; `then` = own path to go to afterwards.
    pub const SECOND_FACTOR: &str = "/second-factor/act";
}

/// Saved views of the list.
pub const VIEWS: &str = "/sessions/views";
/// Files of the list of sessions; `?` and the query string of the list behind it.
pub const SESSIONS_JSONL: &str = "/sessions/export.jsonl";
pub const SESSIONS_CSV: &str = "/sessions/export.csv";
/// Files of the audit log; `?` and the page's query behind it.
pub const AUDIT_JSONL: &str = "/audit/export.jsonl";
pub const AUDIT_CSV: &str = "/audit/export.csv";

/// The sign-in page that leads back to `next` (an own path with query).
pub fn sign_in_for(next: &str) -> String {
    with_query(SIGN_IN, &query_string(&[("next", next)]))
}

/// The step-up page that leads back to `next`.
pub fn step_up_for(next: &str) -> String {
    with_query(STEP_UP, &query_string(&[("next", next)]))
}

/// The page of one's second factor that leads on to `then`; empty = to the account page.
pub fn second_factor_for(then: &str) -> String {
    if then.is_empty() {
        return SECOND_FACTOR.to_owned();
    }
    with_query(SECOND_FACTOR, &query_string(&[("then", then)]))
}

/// `path?query`, or the path alone.
pub fn with_query(path: &str, query_string: &str) -> String {
    if query_string.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query_string}")
    }
}

/// Pairs as `application/x-www-form-urlencoded`.
pub fn query_string<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)]) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        encode(key.as_ref(), &mut out);
        out.push('=');
        encode(value.as_ref(), &mut out);
    }
    out
}

/// The pairs of a query string; broken escapes stay as they are.
pub fn parse_query(text: &str) -> Vec<(String, String)> {
    text.trim_start_matches('?')
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(key), decode(value))
        })
        .collect()
}

fn encode(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b'-'
            | b'_'
            | b'.'
            | b'~'
            | b','
            | b':'
            | b'@'
            | b'/' => out.push(byte as char),
            b' ' => out.push('+'),
            _ => {
                out.push('%');
                out.push(HEX[usize::from(byte >> 4)] as char);
                out.push(HEX[usize::from(byte & 15)] as char);
            }
        }
    }
}

fn decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (bytes[at], escaped) {
            (_, Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', None) => out.push(b' '),
            (byte, None) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
