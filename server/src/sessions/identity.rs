//! From a session as a system reported it to a row of ours: its key, its twins for sorting, its text for searching.
//!
//! The raw id is hashed here and goes no further. Pure: `now` plays no part, so equal reports make equal rows.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv6Addr};

use app::sessions::wire::UNCERTAIN;
use app::wire::{Limit, SessionKey, SystemId};
use data_encoding::HEXLOWER;

use super::intake;
use crate::connectors::{Endable, SeenSession};
use crate::keys::{self, HashKey};

/// Longest name, mail or user agent that is kept, in characters.
const LONGEST: usize = 400;

/// What names the sessions of a system.
pub struct Naming<'n> {
    /// The keyed-hash key.
    pub key: &'n HashKey,
    /// The system.
    pub system_id: &'n SystemId,
    /// The system's name, lower-cased.
    pub system_sort: &'n str,
    /// Browsers met before: reading one costs more than the rest of its row.
    pub clients: &'n mut Clients,
}

/// Browser and system by user agent, as read before.
#[derive(Default)]
pub struct Clients(HashMap<String, (String, String)>);

/// Most user agents that are remembered; then it begins anew.
const MOST_CLIENTS: usize = 2_000;

/// A row of `session` as a reading fills it; columns and their meaning: migrations/*/0005_create_session.sql.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub session_key: String,
    pub key_id: String,
    pub system_id: String,
    pub place: String,
    pub handle_hint: String,
    pub account_id: String,
    pub account_name: String,
    pub display_name: String,
    pub person_doubt: Option<String>,
    pub remark: Option<String>,
    pub email: Option<String>,
    pub kind: &'static str,
    pub raw_kind: Option<String>,
    pub ip: Option<String>,
    pub user_agent: Option<String>,
    pub browser: String,
    pub os: String,
    pub node: Option<String>,
    pub site: String,
    pub created_at: Option<i64>,
    pub last_active_at: Option<i64>,
    pub idle_timeout_s: Option<i64>,
    pub idle_ends_at: Option<i64>,
    pub absolute_expires_at: Option<i64>,
    pub absolute_known: bool,
    pub endable: &'static str,
    pub endable_why: Option<String>,
    pub return_hint: Option<String>,
    pub row_hash: String,
    pub search_text: String,
    pub person_sort: String,
    pub mail_domain: String,
    pub account_sort: String,
    pub system_sort: String,
    pub client_sort: String,
    pub ip_sort: String,
    pub created_sort: i64,
    pub last_active_sort: i64,
    pub idle_ends_sort: i64,
    pub absolute_sort: i64,
}

/// The session's name in Curfew.
pub fn session_key(key: &HashKey, system: &SystemId, seen: &SeenSession) -> SessionKey {
    key.session_key(
        system.as_str(),
        &seen.place,
        seen.kind.name(),
        seen.handle.expose(),
    )
}

/// Names that the key before made, of sessions we have a row of.
pub type OldNames = HashSet<[u8; 16]>;

/// The key that names a session: the one before where a row has that name, so that selections, endings and addresses
/// that hold it stay true; else the current one.
pub fn naming_key<'k>(
    key: &'k HashKey,
    old: &OldNames,
    system: &SystemId,
    seen: &SeenSession,
) -> &'k HashKey {
    key.previous()
        .filter(|_| !old.is_empty())
        .filter(|previous| {
            intake::key_bits(session_key(previous, system, seen).as_str())
                .is_some_and(|bits| old.contains(&bits))
        })
        .unwrap_or(key)
}

/// Over what was reported, 16 hex digits: a row is written only when it changes.
///
/// The node is not part of it: a cluster lists one session on every node, in any order.
pub fn row_hash(seen: &SeenSession) -> String {
    let mut bytes = Vec::with_capacity(256);
    let mut text = |part: &str| {
        bytes.extend((part.len() as u32).to_be_bytes());
        bytes.extend(part.as_bytes());
    };
    for part in [
        seen.kind.name(),
        &seen.account_id,
        &seen.account_name,
        &seen.display_name,
        &seen.browser,
        &seen.os,
        &seen.site,
    ] {
        text(part);
    }
    for part in [
        &seen.raw_kind,
        &seen.person_doubt,
        &seen.email,
        &seen.ip,
        &seen.user_agent,
        &seen.return_hint,
    ] {
        text(part.as_deref().unwrap_or("\u{0}none"));
    }
    let (endable, why) = endable(&seen.endable);
    text(endable);
    text(why.unwrap_or_default());
    if let Some(remark) = &seen.remark {
        text(remark);
    }
    for moment in [seen.created_at, seen.last_active_at, seen.absolute_expires_at] {
        bytes.extend(moment.map_or(i64::MIN, |at| at.0).to_be_bytes());
    }
    bytes.extend(idle_seconds(seen.idle).unwrap_or(i64::MIN).to_be_bytes());
    bytes.push(u8::from(seen.absolute_known));
    let mut hash = keys::sha256_hex(&bytes);
    hash.truncate(16);
    hash
}

/// The whole row.
pub fn row(seen: &SeenSession, naming: &mut Naming<'_>) -> Row {
    let ip = seen.ip.as_deref().map(str::trim).filter(|ip| !ip.is_empty());
    let address: Option<IpAddr> = ip.and_then(|ip| ip.parse().ok());
    let ip = address.map(|a| a.to_string()).or_else(|| ip.map(clean));
    let user_agent = seen
        .user_agent
        .as_deref()
        .map(clean)
        .filter(|text| !text.is_empty());
    let (browser, os) = client(seen, user_agent.as_deref(), naming.clients);
    let (display_name, account_name) = (clean(&seen.display_name), clean(&seen.account_name));
    let email = seen.email.as_deref().map(clean).filter(|text| !text.is_empty());
    let hint = clean(&seen.handle.hint());
    let idle_timeout_s = idle_seconds(seen.idle);
    let idle_ends_at = match (seen.idle, seen.last_active_at) {
        (Limit::Seconds(s), Some(active)) if s > 0 => Some(active.plus_seconds(s).0),
        _ => None,
    };
    let person_doubt = seen.person_doubt.as_deref().map(clean);
    // Sorted and found by what is shown.
    let person = match (&person_doubt, display_name.is_empty()) {
        (Some(_), _) => UNCERTAIN,
        (None, true) => &account_name,
        (None, false) => &display_name,
    };
    let found_by = [
        person_doubt.as_ref().map_or("", |_| UNCERTAIN),
        display_name.as_str(),
        &account_name,
        email.as_deref().unwrap_or_default(),
        ip.as_deref().unwrap_or_default(),
        &hint,
    ];
    let search_text: Vec<String> = found_by
        .iter()
        .filter(|text| !text.is_empty())
        .map(|text| text.to_lowercase())
        .collect();
    let (endable, why) = endable(&seen.endable);
    Row {
        session_key: session_key(naming.key, naming.system_id, seen).0,
        key_id: naming.key.id().to_owned(),
        system_id: naming.system_id.0.clone(),
        place: clean(&seen.place),
        account_id: clean(&seen.account_id),
        kind: seen.kind.name(),
        raw_kind: seen.raw_kind.as_deref().map(clean),
        node: seen.node.as_deref().map(clean),
        site: clean(&seen.site),
        created_at: seen.created_at.map(|at| at.0),
        last_active_at: seen.last_active_at.map(|at| at.0),
        idle_timeout_s,
        idle_ends_at,
        absolute_expires_at: seen.absolute_expires_at.map(|at| at.0),
        absolute_known: seen.absolute_known,
        endable,
        endable_why: why.map(clean),
        return_hint: seen.return_hint.as_deref().map(clean),
        row_hash: row_hash(seen),
        search_text: search_text.join("\n"),
        person_sort: person.to_lowercase(),
        mail_domain: mail_domain(email.as_deref(), &account_name),
        account_sort: account_name.to_lowercase(),
        system_sort: naming.system_sort.to_owned(),
        client_sort: format!("{browser} {os}").trim().to_lowercase(),
        ip_sort: address.map_or_else(|| "~".to_owned(), ip_sort),
        created_sort: seen.created_at.map_or(0, |at| at.0),
        last_active_sort: seen.last_active_at.map_or(0, |at| at.0),
        idle_ends_sort: idle_ends_at.unwrap_or(i64::MAX),
        absolute_sort: seen.absolute_expires_at.map_or(i64::MAX, |at| at.0),
        handle_hint: hint,
        account_name,
        display_name,
        person_doubt,
        remark: seen.remark.as_deref().map(clean),
        email,
        ip,
        user_agent,
        browser,
        os,
    }
}

/// What stands behind the `@` of the mail, else of an account name that is one, lower-cased; empty = neither.
fn mail_domain(email: Option<&str>, account_name: &str) -> String {
    let mail = email.unwrap_or(account_name);
    match mail.rsplit_once('@') {
        Some((name, domain)) if !name.is_empty() => domain.to_lowercase(),
        _ => String::new(),
    }
}

/// An address as 32 hex digits, IPv4 mapped into IPv6, so that networks are ranges of text.
pub fn ip_sort(address: IpAddr) -> String {
    let v6: Ipv6Addr = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    HEXLOWER.encode(&v6.octets())
}

/// Seconds as stored: NULL = not reported, 0 = never.
fn idle_seconds(idle: Limit) -> Option<i64> {
    match idle {
        Limit::Unknown => None,
        Limit::None => Some(0),
        Limit::Seconds(s) => Some(s),
    }
}

fn endable(endable: &Endable) -> (&'static str, Option<&str>) {
    match endable {
        Endable::Yes => ("yes", None),
        Endable::OwnConnection => ("own_connection", None),
        Endable::No(why) => ("no", Some(why)),
    }
}

/// Browser with its main version, and operating system; empty = not told. What the system says itself comes first.
fn client(seen: &SeenSession, user_agent: Option<&str>, clients: &mut Clients) -> (String, String) {
    let (mut browser, mut os) = (clean(&seen.browser), clean(&seen.os));
    if let Some(text) = user_agent.filter(|_| browser.is_empty() || os.is_empty()) {
        if clients.0.len() >= MOST_CLIENTS {
            clients.0.clear();
        }
        let (its_browser, its_os) = match clients.0.get(text) {
            Some(known) => known,
            None => clients
                .0
                .entry(text.to_owned())
                .or_insert_with(|| read_user_agent(text)),
        };
        if browser.is_empty() {
            browser.clone_from(its_browser);
        }
        if os.is_empty() {
            os.clone_from(its_os);
        }
    }
    (browser, os)
}

/// Browser with its main version, and operating system, as a browser names itself; empty = not to be read from it.
fn read_user_agent(text: &str) -> (String, String) {
    let Some(parsed) = woothee::parser::Parser::new().parse(text) else {
        return (String::new(), String::new());
    };
    let known = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty() && t != "UNKNOWN");
    let main = parsed.version.split('.').next().and_then(known);
    let browser = match (known(parsed.name), main) {
        (Some(name), Some(main)) => format!("{name} {main}"),
        (name, _) => name.unwrap_or_default(),
    };
    let os = known(parsed.os).map_or_else(String::new, |name| family(&name).to_owned());
    (browser, os)
}

/// "Windows 10" and "Mac OSX" as people say them.
fn family(os: &str) -> &str {
    match os {
        _ if os.starts_with("Windows") && !os.contains("Phone") => "Windows",
        "Mac OSX" => "macOS",
        "iPhone" | "iPad" | "iPod" => "iOS",
        _ => os,
    }
}

/// Text from outside, made harmless: no NUL (can't be stored), no control characters, an end to its length.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use app::sessions::wire::SessionKind;
    use app::wire::Timestamp;

    use super::*;
    use crate::connectors::Handle;

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
         Chrome/149.0.0.0 Safari/537.36";

    fn key() -> HashKey {
        HashKey::new([7; 32])
    }

    fn seen(raw: &str) -> SeenSession {
        SeenSession::new(Handle::new(raw), SessionKind::Web)
    }

    fn row_of(seen: &SeenSession) -> Row {
        let mut naming = Naming {
            key: &key(),
            system_id: &SystemId::from("sim"),
            system_sort: "simulated",
            clients: &mut Clients::default(),
        };
        row(seen, &mut naming)
    }

    #[test]
    fn the_key_differs_by_place_and_kind_and_never_holds_the_id() {
        let system = SystemId::from("sim");
        let one = seen("5F00C0FFEE5F00C0FFEE");
        let mut elsewhere = seen("5F00C0FFEE5F00C0FFEE");
        elsewhere.place = "/other".to_owned();
        let mut otherwise = seen("5F00C0FFEE5F00C0FFEE");
        otherwise.kind = SessionKind::Sso;
        let keys: std::collections::BTreeSet<_> = [&one, &elsewhere, &otherwise]
            .map(|s| session_key(&key(), &system, s))
            .into();
        assert_eq!(keys.len(), 3);
        let row = format!("{:?}", row_of(&one));
        assert!(!row.contains("5F00C0FFEE5F"), "{row}");
        assert!(row.contains("FFEE"), "the last four characters are shown");
    }

    #[test]
    fn nothing_reported_sorts_as_nothing() {
        let row = row_of(&seen("x"));
        assert_eq!((row.created_sort, row.last_active_sort), (0, 0));
        assert_eq!((row.idle_ends_sort, row.absolute_sort), (i64::MAX, i64::MAX));
        assert_eq!(row.ip_sort, "~");
        assert_eq!((row.idle_timeout_s, row.absolute_known), (None, false));
        assert_eq!((row.person_sort.as_str(), row.browser.as_str()), ("", ""));
    }

    #[test]
    fn idle_ends_counts_from_the_last_activity_and_never_is_not_unknown() {
        let mut s = seen("x");
        s.last_active_at = Some(Timestamp(1_000_000));
        s.idle = Limit::Seconds(60);
        assert_eq!(row_of(&s).idle_ends_at, Some(1_060_000));
        s.idle = Limit::None;
        let never = row_of(&s);
        assert_eq!((never.idle_timeout_s, never.idle_ends_at), (Some(0), None));
        s.idle = Limit::Unknown;
        assert_eq!(row_of(&s).idle_timeout_s, None);
    }

    #[test]
    fn addresses_sort_as_numbers_in_one_line() {
        let sort = |ip: &str| {
            let mut s = seen("x");
            s.ip = Some(ip.to_owned());
            row_of(&s).ip_sort
        };
        assert_eq!(sort("203.0.113.9"), "00000000000000000000ffffcb007109");
        assert!(sort("9.0.0.1") < sort("10.0.0.1"));
        assert_eq!(sort("2001:DB8::1"), "20010db8000000000000000000000001");
        assert_eq!(sort("proxy-3"), "~");
    }

    #[test]
    fn the_browser_is_read_from_the_user_agent_unless_the_system_says_it() {
        let mut s = seen("x");
        s.user_agent = Some(CHROME.to_owned());
        let row = row_of(&s);
        assert_eq!((row.browser.as_str(), row.os.as_str()), ("Chrome 149", "Windows"));
        assert_eq!(row.client_sort, "chrome 149 windows");
        s.browser = "Domo app".to_owned();
        assert_eq!(row_of(&s).browser, "Domo app");
    }

    #[test]
    fn a_person_is_found_by_name_account_mail_address_and_hint() {
        let mut s = seen("abcdefgh-1234-WXYZ");
        s.display_name = "Siobhán Ní Dhomhnaill".to_owned();
        s.account_name = "S.NiDhomhnaill".to_owned();
        s.email = Some("s@Example.org".to_owned());
        s.ip = Some("192.0.2.7".to_owned());
        let row = row_of(&s);
        for needle in [
            "siobhán ní",
            "s.nidhomhnaill",
            "s@example.org",
            "192.0.2.7",
            "wxyz",
        ] {
            assert!(
                row.search_text.contains(needle),
                "{needle} in {}",
                row.search_text
            );
        }
        assert_eq!(row.person_sort, "siobhán ní dhomhnaill");
    }

    #[test]
    fn the_hash_follows_every_reported_field_but_not_the_node() {
        let base = || {
            let mut s = seen("x");
            s.created_at = Some(Timestamp(5));
            s
        };
        let same = row_hash(&base());
        let changes: Vec<fn(&mut SeenSession)> = vec![
            |s| s.account_name = "a".to_owned(),
            |s| s.display_name = "a".to_owned(),
            |s| s.email = Some(String::new()),
            |s| s.ip = Some("192.0.2.1".to_owned()),
            |s| s.last_active_at = Some(Timestamp(0)),
            |s| s.idle = Limit::None,
            |s| s.absolute_known = true,
            |s| s.endable = Endable::OwnConnection,
            |s| s.person_doubt = Some("two readings disagree".to_owned()),
            |s| s.remark = Some("disabled".to_owned()),
            |s| s.return_hint = Some("remember-me".to_owned()),
            |s| s.created_at = None,
        ];
        for (n, change) in changes.iter().enumerate() {
            let mut s = base();
            change(&mut s);
            assert_ne!(row_hash(&s), same, "change {n}");
        }
        let mut other_node = base();
        other_node.node = Some("b".to_owned());
        assert_eq!(row_hash(&other_node), same);
    }

    #[test]
    fn names_that_bite_are_kept_as_text_without_control_characters() {
        let mut s = seen("x");
        s.display_name = format!("<b>Robert</b>\u{0}\n'); DROP TABLE {}", "x".repeat(1_000));
        let row = row_of(&s);
        assert!(row.display_name.starts_with("<b>Robert</b>'); DROP TABLE"));
        assert_eq!(row.display_name.chars().count(), LONGEST);
    }
}
