//! What Domo answers in place of what it was asked for. Its failures come in four shapes, and each needs another remedy:
//! JSON with a trace id, a page that blocks the address, a redirect to the list of allowed addresses, and status 200
//! with a reason. Source: docs/systems/domo.md, "When it does not work".

use serde_json::Value;

use crate::connectors::http::Answered;
use crate::connectors::{ConnectorError, ErrorKind};

/// Longest part of Domo's own words that is shown, characters.
const LONGEST_WORDS: usize = 200;
/// A word as long as this may be an id or a token and is left out.
const MAY_BE_SECRET: usize = 16;

/// An answer that is a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The page "Domo - Blocked": Curfew's address is not allowed.
    Blocked,
    /// A redirect to where Domo says that the address is not on its list.
    AllowList,
    /// Any other redirect.
    Elsewhere,
    /// Any other web page, with its status.
    Page(u16),
    /// Status 200 with the reason INVALID_CREDENTIALS.
    WrongPassword,
    /// Status 200 with the reason ACCOUNT_LOCKED.
    Locked,
    /// Status 200 with a reason that nobody has described, cleaned.
    Reason(String),
    /// An error in Domo's own words, or in none.
    Said(Said),
}

/// An error as Domo's JSON tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// HTTP status; the one in the body may disagree and is not looked at.
    pub status: u16,
    /// Its message, cleaned; empty = none.
    pub words: String,
    /// Its trace id (`toe`), for Domo's support; empty = none.
    pub trace: String,
}

impl Said {
    /// "403, trace AB12-CD34": what to tell Domo's support.
    pub(super) fn reference(&self) -> String {
        match self.trace.as_str() {
            "" => self.status.to_string(),
            trace => format!("{}, trace {trace}", self.status),
        }
    }

    /// Its own words with the reference.
    pub(super) fn in_its_words(&self) -> String {
        match self.words.as_str() {
            "" => format!("It refused ({}).", self.reference()),
            words => format!("{} ({}).", words.trim_end_matches('.'), self.reference()),
        }
    }
}

impl Trouble {
    /// What is wrong with an answer; `None` = it may be what was asked for.
    pub(super) fn of(answered: &Answered) -> Option<Self> {
        let body = answered.bytes();
        if (300..=399).contains(&answered.status) {
            let to = answered.location().unwrap_or_default().to_ascii_lowercase();
            let of_the_list = ["whitelist", "allowlist", "blocked"]
                .iter()
                .any(|word| to.contains(word));
            return Some(if of_the_list {
                Self::AllowList
            } else {
                Self::Elsewhere
            });
        }
        if answered.is_page() || body.trim_ascii_start().starts_with(b"<") {
            let text = String::from_utf8_lossy(body).to_ascii_lowercase();
            let blocked = text.contains("domo - blocked");
            return Some(if blocked {
                Self::Blocked
            } else {
                Self::Page(answered.status)
            });
        }
        // A list is no object, and may be long.
        let object = body
            .trim_ascii_start()
            .starts_with(b"{")
            .then(|| serde_json::from_slice::<Value>(body).ok());
        let object = object.flatten();
        if (200..=299).contains(&answered.status) {
            let reason = object.as_ref().and_then(|object| object["reason"].as_str())?;
            return Some(match reason {
                "INVALID_CREDENTIALS" => Self::WrongPassword,
                "ACCOUNT_LOCKED" => Self::Locked,
                other => Self::Reason(cleaned(other)),
            });
        }
        let text = |name: &str| {
            let value = object.as_ref().and_then(|object| object[name].as_str());
            value.unwrap_or_default()
        };
        let words = [text("message"), text("error_description"), text("error")];
        Some(Self::Said(Said {
            status: answered.status,
            words: cleaned(
                words
                    .into_iter()
                    .find(|words| !words.is_empty())
                    .unwrap_or_default(),
            ),
            trace: trace(text("toe")),
        }))
    }

    /// True when Domo turned us away before it looked at what was asked.
    pub(super) fn turned_away(&self) -> bool {
        match self {
            Self::Blocked | Self::AllowList | Self::Elsewhere | Self::WrongPassword | Self::Locked => true,
            Self::Said(said) => said.status == 401,
            Self::Page(_) | Self::Reason(_) => false,
        }
    }

    /// The failure with its next step. `doing` = what Curfew wanted, as in "to list sessions".
    pub(super) fn error(&self, doing: &str) -> ConnectorError {
        let (kind, words) = match self {
            Self::Blocked => (
                ErrorKind::Forbidden,
                "Domo blocks Curfew\u{2019}s address: it sent its page \u{201c}Domo - Blocked\u{201d}. Add the address to the \
                 allowlist in Domo (Admin, Security, IP allowlist)."
                    .to_owned(),
            ),
            Self::AllowList => (
                ErrorKind::Forbidden,
                "Domo blocks Curfew\u{2019}s address: it led to its page about allowed addresses (a redirect, not followed). \
                 Add the address to the allowlist in Domo (Admin, Security, IP allowlist)."
                    .to_owned(),
            ),
            Self::Elsewhere => (
                ErrorKind::Protocol,
                "It answered by sending us elsewhere (a redirect), which Curfew does not follow: url must be \
                 https://NAME.domo.com with the name of your Domo."
                    .to_owned(),
            ),
            Self::Page(status) => (
                match status {
                    401 => ErrorKind::Unauthorized,
                    403 => ErrorKind::Forbidden,
                    _ => ErrorKind::Protocol,
                },
                format!(
                    "It sent a web page instead of data (status {status}): is url the address of your Domo, and nothing \
                     in between?"
                ),
            ),
            Self::WrongPassword => (
                ErrorKind::Unauthorized,
                "Domo does not accept this mail address and password (INVALID_CREDENTIALS). They are not tried again by \
                 themselves, so that the account is not locked: mend the secret, then press Test. An account with a second \
                 factor or of a single sign-on can\u{2019}t sign in this way."
                    .to_owned(),
            ),
            Self::Locked => (
                ErrorKind::Unauthorized,
                "Domo has locked this account (ACCOUNT_LOCKED). Unlock it in Domo or wait, then press Test; it is not tried \
                 again by itself."
                    .to_owned(),
            ),
            Self::Reason(reason) => (
                ErrorKind::Protocol,
                format!("Domo answered with a reason instead of data: {reason}."),
            ),
            Self::Said(said) => said_error(said, doing),
        };
        ConnectorError::new(kind, words)
    }
}

fn said_error(said: &Said, doing: &str) -> (ErrorKind, String) {
    let reference = said.reference();
    let words = match said.words.as_str() {
        "" => String::new(),
        words => format!(" Its words: {}.", words.trim_end_matches('.')),
    };
    match said.status {
        401 => (
            ErrorKind::Unauthorized,
            format!(
                "Domo does not accept Curfew\u{2019}s credential ({reference}). It is not tried again by itself: mend the \
                 secret, then press Test.{words}"
            ),
        ),
        403 => (
            ErrorKind::Forbidden,
            format!("Domo does not allow Curfew {doing} ({reference}).{words}"),
        ),
        404 | 410 => (
            ErrorKind::Protocol,
            format!(
                "Domo has nothing at the address Curfew uses {doing} ({reference}): is url the address of your Domo, and \
                 is session management switched on there?{words}"
            ),
        ),
        500..=599 => (
            ErrorKind::Unreachable,
            format!("Domo reported a fault of its own ({reference}).{words}"),
        ),
        _ => (
            ErrorKind::Protocol,
            format!("Domo answered with a status that Curfew does not expect here ({reference}).{words}"),
        ),
    }
}

/// Words of Domo as they may be shown and logged: one line, no ids, nothing that could be a token.
pub(super) fn cleaned(words: &str) -> String {
    let kept: Vec<&str> = words
        .split_whitespace()
        .map(|word| {
            let digits = word.chars().filter(char::is_ascii_digit).count();
            if word.len() >= MAY_BE_SECRET || digits > 3 {
                "\u{2026}"
            } else {
                word
            }
        })
        .collect();
    let line = kept.join(" ");
    line.chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_WORDS)
        .collect()
}

/// A trace id as it may be shown; empty when it does not look like one.
fn trace(toe: &str) -> String {
    let fits = toe.len() <= 64
        && toe
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if fits { toe.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_words_are_shown_without_ids_and_tokens() {
        assert_eq!(cleaned("Forbidden"), "Forbidden");
        assert_eq!(
            cleaned("session 48211 of 7f0c0a52-1d7e-4a0e-9a53-3a5f9f6d2b10\nis\tgone"),
            "session \u{2026} of \u{2026} is gone"
        );
        assert_eq!(cleaned(&"ab ".repeat(200)).chars().count(), LONGEST_WORDS);
    }

    #[test]
    fn a_trace_id_is_kept_and_anything_else_in_its_place_is_not() {
        assert_eq!(trace("TOE-1A2B3C"), "TOE-1A2B3C");
        assert_eq!(trace("<script>"), "");
        assert_eq!(trace(&"a".repeat(65)), "");
    }
}
