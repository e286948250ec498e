//! Sessions as Domo lists them, and what they are in our units: nanoseconds, year 1 and ids of two types end here.

use std::fmt;

use app::sessions::wire::SessionKind;
use app::wire::{Limit, Timestamp};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

use super::names::User;
use crate::connectors::{Endable, Handle, SeenSession};

/// Nanoseconds in a second.
const NANOSECONDS: i64 = 1_000_000_000;
/// Times before this are Go's zero time, "none": the year 1 as Domo writes it, and whatever an offset makes of it.
const ZERO_ENDS_MS: i64 = -62_135_000_000_000;

/// One session of the list. Fields of another type than expected count as not told.
#[derive(Default)]
pub(super) struct Row {
    /// The number that an ending takes; `None` = it can't be told.
    pub id: Option<i64>,
    /// Shown by Domo's page, and perhaps a login: never kept.
    session_id: Option<String>,
    /// Of whom.
    pub user_id: Option<String>,
    /// Code of the kind.
    pub token_type: String,
    ip: Option<String>,
    pub created: Option<Timestamp>,
    last_access: Option<Timestamp>,
    /// Nanoseconds; never a float: 180 days are more than 2^53 of them.
    idle_ns: Option<i64>,
    absolute: Option<Timestamp>,
    /// Fields that Curfew does not know.
    pub unknown: u32,
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct OfFields;
        impl<'de> Visitor<'de> for OfFields {
            type Value = Row;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a session")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<Row, M::Error> {
                let mut row = Row::default();
                while let Some(name) = fields.next_key::<String>()? {
                    match name.as_str() {
                        "id" => row.id = text(&fields.next_value()?).and_then(|id| number(&id)),
                        "sessionId" => row.session_id = text(&fields.next_value()?),
                        "userId" => row.user_id = text(&fields.next_value()?),
                        "tokenType" => row.token_type = text(&fields.next_value()?).unwrap_or_default(),
                        "ip" => row.ip = text(&fields.next_value()?),
                        "created" => row.created = moment(&fields.next_value()?),
                        "lastAccess" => row.last_access = moment(&fields.next_value()?),
                        "idleTimeout" => {
                            let value: Value = fields.next_value()?;
                            row.idle_ns = value
                                .as_i64()
                                .or_else(|| value.as_str().and_then(|text| text.parse().ok()));
                        }
                        "absoluteTimeout" => row.absolute = moment(&fields.next_value()?),
                        "customerId" => {
                            fields.next_value::<IgnoredAny>()?;
                        }
                        _ => {
                            fields.next_value::<IgnoredAny>()?;
                            row.unknown += 1;
                        }
                    }
                }
                Ok(row)
            }
        }
        from.deserialize_map(OfFields)
    }
}

/// Which codes are which kind. Nobody has written down what there is: only "sss" was ever seen.
#[derive(Clone, Debug)]
pub(super) struct Kinds {
    pub browser: Vec<String>,
    pub mobile: Vec<String>,
}

impl Kinds {
    /// The kind of a code; `Other` where nobody said.
    pub(super) fn of(&self, code: &str) -> SessionKind {
        let among = |codes: &[String]| codes.iter().any(|known| known == code);
        if among(&self.browser) {
            SessionKind::Web
        } else if among(&self.mobile) {
            SessionKind::Mobile
        } else {
            SessionKind::Other
        }
    }
}

impl Row {
    /// False = it lacks what a session can't do without; nothing can be said or done about it.
    pub(super) fn is_whole(&self) -> bool {
        self.id.is_some() && self.user_id.is_some()
    }

    /// The id people see, by which Curfew knows it too; where there is none, the number.
    pub(super) fn handle(&self) -> Handle {
        match &self.session_id {
            Some(id) => Handle::new(id.as_str()),
            None => Handle::new(self.id.unwrap_or_default().to_string()),
        }
    }

    /// Its idle limit; 0 or less = none.
    pub(super) fn idle(&self) -> Limit {
        match self.idle_ns {
            None => Limit::Unknown,
            Some(ns) if ns <= 0 => Limit::None,
            Some(ns) => Limit::Seconds(ns / NANOSECONDS),
        }
    }

    /// The session as the room knows it. `user` = what Domo says of its person; `own` = it is of whom Curfew signs in as.
    pub(super) fn seen(self, kinds: &Kinds, user: Option<&User>, own: bool) -> SeenSession {
        let kind = kinds.of(&self.token_type);
        let mut seen = SeenSession::new(self.handle(), kind);
        seen.idle = self.idle();
        seen.absolute_known = self.absolute.is_some();
        seen.absolute_expires_at = self.absolute.filter(|at| at.0 >= ZERO_ENDS_MS);
        if kind == SessionKind::Other {
            seen.raw_kind = Some(self.token_type).filter(|code| !code.is_empty());
        }
        seen.ip = self.ip.filter(|ip| !ip.is_empty());
        seen.created_at = self.created;
        seen.last_active_at = self.last_access;
        seen.account_id = self.user_id.unwrap_or_default();
        if own {
            seen.endable = Endable::OwnConnection;
        }
        match user {
            Some(user) => {
                seen.display_name.clone_from(&user.name);
                seen.email.clone_from(&user.email);
                let login = user.email.as_ref().filter(|email| !email.is_empty());
                seen.account_name = login.unwrap_or(&seen.account_id).clone();
            }
            // The id in place of a name, never an empty cell.
            None => seen.account_name.clone_from(&seen.account_id),
        }
        seen
    }
}

/// Text, or a number as text; `None` for anything else and for nothing.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The whole number that a text is.
fn number(text: &str) -> Option<i64> {
    text.parse().ok().filter(|number| *number >= 0)
}

/// RFC 3339 with 0 to 9 digits after the second and any offset.
fn moment(value: &Value) -> Option<Timestamp> {
    let moment: jiff::Timestamp = value.as_str()?.parse().ok()?;
    Some(Timestamp(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREATED: i64 = 1_772_438_504_000;

    fn row(more: &str) -> Row {
        let text = format!("{{\"id\": 48211, \"userId\": \"1893004417\"{more}}}");
        serde_json::from_str(&text).unwrap()
    }

    fn kinds() -> Kinds {
        Kinds {
            browser: vec!["sss".to_owned()],
            mobile: vec!["mob".to_owned()],
        }
    }

    /// The published example, with our own values.
    #[test]
    fn the_published_example_is_read() {
        let row = row(
            ", \"sessionId\": \"7f0c0a52-1d7e-4a0e-9a53-3a5f9f6d2b10\", \"customerId\": \"acme\", \"tokenType\": \"sss\", \
             \"ip\": \"203.0.113.24\", \"created\": \"2026-03-02T08:01:44Z\", \"lastAccess\": \"2026-03-02T09:12:05Z\", \
             \"idleTimeout\": 28800000000000, \"absoluteTimeout\": \"0001-01-01T00:00:00Z\"",
        );
        assert!(row.is_whole());
        assert_eq!((row.id, row.unknown), (Some(48_211), 0));
        let seen = row.seen(&kinds(), None, false);
        assert_eq!((seen.absolute_known, seen.absolute_expires_at), (true, None));
        assert_eq!(seen.handle.expose(), "7f0c0a52-1d7e-4a0e-9a53-3a5f9f6d2b10");
        assert_eq!((seen.kind, seen.raw_kind), (SessionKind::Web, None));
        assert_eq!(seen.created_at, Some(Timestamp(CREATED)));
        assert_eq!(seen.last_active_at, Some(Timestamp(1_772_442_725_000)));
        assert_eq!(seen.idle, Limit::Seconds(28_800));
        assert_eq!((seen.absolute_known, seen.absolute_expires_at), (true, None));
        assert_eq!(seen.account_id, "1893004417");
        assert_eq!(seen.account_name, "1893004417", "the id in place of a name");
    }

    #[test]
    fn ids_come_as_numbers_and_as_texts() {
        for (id, user) in [("7", "8"), ("\"7\"", "\"8\""), ("7", "\"8\""), ("\"7\"", "8")] {
            let row: Row = serde_json::from_str(&format!("{{\"id\": {id}, \"userId\": {user}}}")).unwrap();
            assert_eq!(
                (row.id, row.user_id.as_deref()),
                (Some(7), Some("8")),
                "{id} {user}"
            );
            assert_eq!(row.handle().expose(), "7", "no sessionId: the number");
        }
        for bad in ["\"\"", "null", "{}", "1.5", "-1", "\"x\"", "true", "[1]"] {
            let row: Row = serde_json::from_str(&format!("{{\"id\": {bad}, \"userId\": 8}}")).unwrap();
            assert!(!row.is_whole(), "{bad}");
        }
        let nobody: Row = serde_json::from_str("{\"id\": 7, \"userId\": null}").unwrap();
        assert!(!nobody.is_whole());
    }

    #[test]
    fn nanoseconds_are_whole_numbers_beyond_what_a_float_holds() {
        for (ns, idle) in [
            ("604800000000000", Limit::Seconds(604_800)),
            ("2592000000000000", Limit::Seconds(2_592_000)),
            ("15552000000000001", Limit::Seconds(15_552_000)),
            ("15551999999999999", Limit::Seconds(15_551_999)),
            ("\"28800000000000\"", Limit::Seconds(28_800)),
            ("0", Limit::None),
            ("-1", Limit::None),
            ("null", Limit::Unknown),
            ("\"soon\"", Limit::Unknown),
            ("1e400", Limit::Unknown),
        ] {
            let text = format!("{{\"id\": 1, \"userId\": 2, \"idleTimeout\": {ns}}}");
            // A number that no float holds is no JSON number to us at all.
            let read = serde_json::from_str::<Row>(&text);
            match read {
                Ok(row) => assert_eq!(row.idle(), idle, "{ns}"),
                Err(_) => assert_eq!(ns, "1e400"),
            }
        }
        assert_eq!(row("").idle(), Limit::Unknown);
    }

    #[test]
    fn moments_have_any_fraction_and_offset_and_year_1_is_none() {
        for (written, ms) in [
            ("2026-03-02T08:01:44Z", CREATED),
            ("2026-03-02T08:01:44.5Z", CREATED + 500),
            ("2026-03-02T08:01:44.123456789Z", CREATED + 123),
            ("2026-03-02T10:01:44+02:00", CREATED),
        ] {
            assert_eq!(moment(&Value::from(written)), Some(Timestamp(ms)), "{written}");
        }
        for bad in ["", "yesterday", "2026-03-02", "1772438504"] {
            assert_eq!(moment(&Value::from(bad)), None, "{bad}");
        }
        for zero in ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000-05:00"] {
            let row = row(&format!(", \"absoluteTimeout\": \"{zero}\""));
            let seen = row.seen(&kinds(), None, false);
            assert_eq!((seen.absolute_known, seen.absolute_expires_at), (true, None));
        }
        let limited =
            row(", \"created\": \"2026-03-02T08:01:44Z\", \"absoluteTimeout\": \"2026-03-02T16:01:44.002Z\"");
        let seen = limited.seen(&kinds(), None, false);
        assert_eq!(seen.absolute_expires_at, Some(Timestamp(CREATED + 28_800_002)));
        let untold = row("").seen(&kinds(), None, false);
        assert!(!untold.absolute_known);
    }

    #[test]
    fn a_code_nobody_named_is_shown_as_it_is() {
        for (code, kind, raw) in [
            ("sss", SessionKind::Web, None),
            ("mob", SessionKind::Mobile, None),
            ("xyz", SessionKind::Other, Some("xyz")),
            ("", SessionKind::Other, None),
        ] {
            let seen = row(&format!(", \"tokenType\": \"{code}\"")).seen(&kinds(), None, false);
            assert_eq!((seen.kind, seen.raw_kind.as_deref()), (kind, raw), "{code}");
        }
    }

    #[test]
    fn fields_nobody_knows_are_counted_and_any_address_is_taken() {
        let row = row(", \"device\": {\"a\": [1]}, \"risk\": 3, \"ip\": \"not an address\"");
        assert_eq!(row.unknown, 2);
        let seen = row.seen(&kinds(), None, true);
        assert_eq!(seen.ip.as_deref(), Some("not an address"));
        assert_eq!(seen.endable, Endable::OwnConnection);
    }
}
