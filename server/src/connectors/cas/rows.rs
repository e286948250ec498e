//! Sessions as CAS lists them: the fields Curfew takes, and what they are in our units. Everything else is left unread.

use std::collections::BTreeSet;
use std::fmt;

use app::sessions::wire::SessionKind;
use app::wire::{Limit, Timestamp};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::api::segment;
use crate::connectors::http::host_of;
use crate::connectors::{Handle, SeenSession};

/// Seconds from which on a limit means that there is none: CAS writes the largest number there is.
const NEVER_S: i64 = 100 * 365 * 86_400;
/// Applications remembered of one session.
const MOST_SERVICES: usize = 50;

/// One session of the list. It has no Debug: the id is a login.
#[derive(Deserialize)]
pub(super) struct Row {
    #[serde(default, rename = "ticket_granting_ticket", deserialize_with = "given")]
    pub id: String,
    #[serde(default, rename = "authenticated_principal", deserialize_with = "given")]
    pub principal: String,
    #[serde(default, rename = "authentication_date_formatted")]
    signed_in: Option<String>,
    /// CAS 7.
    #[serde(default, rename = "creation_date_formatted")]
    pub created: Option<String>,
    /// CAS 7.
    #[serde(default, rename = "last_used_date_formatted")]
    last_used: Option<String>,
    #[serde(default, deserialize_with = "given")]
    expiration_policy: Expiration,
    /// Of the sign-in; they hold what an administrator chooses to keep there, so only these two are taken.
    #[serde(default, rename = "authentication_attributes", deserialize_with = "given")]
    browser: Browser,
    #[serde(default, rename = "principal_attributes", deserialize_with = "given")]
    person: Person,
    #[serde(default, deserialize_with = "given")]
    pub remember_me: bool,
    #[serde(default, deserialize_with = "given")]
    is_proxied: bool,
    #[serde(default, rename = "authenticated_services", deserialize_with = "given")]
    pub services: Services,
}

/// What is there; `null` is as good as nothing.
fn given<'de, T: Default + Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Expiration {
    time_to_idle: Option<i64>,
    time_to_live: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Browser {
    client_ip_address: First,
    user_agent: First,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Person {
    mail: First,
    email: First,
    display_name: First,
    cn: First,
}

/// An attribute: a text, or the first of several; anything else is none.
#[derive(Default)]
struct First(Option<String>);

impl First {
    fn text(self) -> Option<String> {
        self.0.filter(|text| !text.trim().is_empty())
    }
}

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = First;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an attribute")
            }

            fn visit_str<E>(self, text: &str) -> Result<First, E> {
                Ok(First(Some(text.to_owned())))
            }

            fn visit_bool<E>(self, _: bool) -> Result<First, E> {
                Ok(First(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<First, E> {
                Ok(First(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<First, E> {
                Ok(First(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<First, E> {
                Ok(First(None))
            }

            fn visit_unit<E>(self) -> Result<First, E> {
                Ok(First(None))
            }

            fn visit_seq<S: SeqAccess<'de>>(self, mut all: S) -> Result<First, S::Error> {
                let mut first = First(None);
                while let Some(next) = all.next_element::<First>()? {
                    if first.0.is_none() {
                        first = next;
                    }
                }
                Ok(first)
            }

            fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<First, M::Error> {
                while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(First(None))
            }
        }
        from.deserialize_any(Any)
    }
}

/// Hosts of the applications that a session signed in to. The tickets they are keyed by, and what stands beside each
/// address (whole requests, with cookies that sign in), are left unread.
#[derive(Default)]
pub(super) struct Services(pub BTreeSet<String>);

impl<'de> Deserialize<'de> for Services {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Service {
            id: First,
        }
        struct ByTicket;
        impl<'de> Visitor<'de> for ByTicket {
            type Value = Services;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("services by ticket")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<Services, M::Error> {
                let mut hosts = BTreeSet::new();
                while let Some((_, service)) = fields.next_entry::<IgnoredAny, Option<Service>>()? {
                    let host = service
                        .unwrap_or_default()
                        .id
                        .text()
                        .and_then(|address| host_of(&address));
                    if hosts.len() < MOST_SERVICES {
                        hosts.extend(host);
                    }
                }
                Ok(Services(hosts))
            }
        }
        from.deserialize_map(ByTicket)
    }
}

fn moment(text: Option<&str>) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text?.parse().ok()?;
    let ms = moment.as_millisecond();
    (ms > 0).then_some(Timestamp(ms))
}

const fn limit(seconds: Option<i64>) -> Limit {
    match seconds {
        Some(seconds) if seconds >= NEVER_S => Limit::None,
        Some(seconds) if seconds > 0 => Limit::Seconds(seconds),
        _ => Limit::Unknown,
    }
}

impl Row {
    /// False = it lacks what a session can't do without, or its id could not stand in an address: nothing can be done
    /// about it.
    pub(super) fn is_whole(&self) -> bool {
        segment(&self.id).is_some() && !self.principal.is_empty()
    }

    /// Longest pause.
    pub(super) fn idle(&self) -> Limit {
        limit(self.expiration_policy.time_to_idle)
    }

    /// Longest life.
    pub(super) fn life(&self) -> Limit {
        limit(self.expiration_policy.time_to_live)
    }

    /// The session as the room knows it.
    pub(super) fn seen(self) -> SeenSession {
        let kind = match self.is_proxied {
            true => SessionKind::Leg,
            false => SessionKind::Sso,
        };
        let (idle, life) = (self.idle(), self.life());
        let mut seen = SeenSession::new(Handle::new(self.id), kind);
        seen.account_id.clone_from(&self.principal);
        seen.account_name = self.principal;
        seen.display_name = self
            .person
            .display_name
            .text()
            .or_else(|| self.person.cn.text())
            .unwrap_or_default();
        seen.email = self.person.mail.text().or_else(|| self.person.email.text());
        seen.ip = self.browser.client_ip_address.text();
        seen.user_agent = self.browser.user_agent.text();
        seen.created_at = moment(self.created.as_deref()).or_else(|| moment(self.signed_in.as_deref()));
        seen.last_active_at = moment(self.last_used.as_deref());
        seen.idle = idle;
        seen.absolute_known = life != Limit::Unknown;
        if let (Limit::Seconds(life), Some(created)) = (life, seen.created_at) {
            seen.absolute_expires_at = Some(created.plus_seconds(life));
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As 6.6.12 wrote it.
    const SIX: &str = r#"{"authentication_date":"2026-11-23T07:00:58.565060855Z","authentication_date_formatted":"2026-11-23T07:00:58Z","authentication_attributes":{"credentialType":["UsernamePasswordCredential"],"clientIpAddress":["127.0.0.1"],"authenticationDate":[1795417258],"geoLocation":["unknown"],"userAgent":["Mozilla/5.0 lab"],"credential":["planted-password"]},"authenticated_principal":"bob","number_of_uses":1,"ticket_granting_ticket":"TGT-2-zGQp-vm","principal_attributes":{"mail":["bob@example.org"],"displayName":"Bob Bakker","age":[7]},"remember_me":false,"is_proxied":false,"expiration_policy":{"timeToIdle":7200,"timeToLive":28800,"clock":"SystemClock[Z]","name":"TicketGrantingTicketExpirationPolicy-df16"},"authenticated_services":{"ST-2-FnOE":{"id":"http://127.0.0.1:8199/app/a?token=planted","attributes":{"cookie":["TGC=planted"]}},"ST-3-x":{"id":"https://mail.example.org/"}}}"#;

    fn row(text: &str) -> Row {
        serde_json::from_str(text).unwrap_or_else(|cause| panic!("{cause}"))
    }

    #[test]
    fn a_row_of_6_6_is_read_in_our_units() {
        let read = row(SIX);
        assert!(read.is_whole());
        let services: Vec<&String> = read.services.0.iter().collect();
        assert_eq!(services, ["127.0.0.1:8199", "mail.example.org"]);
        let seen = read.seen();
        assert_eq!((seen.account_id.as_str(), seen.kind), ("bob", SessionKind::Sso));
        assert_eq!(
            (seen.display_name.as_str(), seen.email.as_deref()),
            ("Bob Bakker", Some("bob@example.org"))
        );
        assert_eq!(seen.created_at, Some(Timestamp(1_795_417_258_000)));
        assert_eq!(seen.last_active_at, None, "6.6 does not tell");
        assert_eq!(
            (seen.idle, seen.absolute_expires_at),
            (Limit::Seconds(7_200), Some(Timestamp(1_795_446_058_000)))
        );
        assert_eq!(
            (seen.ip.as_deref(), seen.user_agent.as_deref()),
            (Some("127.0.0.1"), Some("Mozilla/5.0 lab"))
        );
    }

    #[test]
    fn seven_tells_when_a_session_began_and_was_used_last() {
        let seven = SIX.replacen(
            '{',
            r#"{"creation_date_formatted":"2026-11-23T07:00:00Z","last_used_date_formatted":"2026-11-23T08:00:00Z","#,
            1,
        );
        let seen = row(&seven).seen();
        assert_eq!(seen.created_at, Some(Timestamp(1_795_417_200_000)));
        assert_eq!(seen.last_active_at, Some(Timestamp(1_795_420_800_000)));
    }

    #[test]
    fn a_limit_that_is_none_and_one_that_nobody_tells_are_told_apart() {
        for (told, read) in [
            (r#"{"timeToLive":9223372036854775807}"#, Limit::None),
            (r#"{"timeToLive":0}"#, Limit::Unknown),
            (r#"{"timeToLive":null}"#, Limit::Unknown),
            ("{}", Limit::Unknown),
            (r#"{"timeToLive":60}"#, Limit::Seconds(60)),
        ] {
            let text = format!(
                r#"{{"ticket_granting_ticket":"TGT-1","authenticated_principal":"a","expiration_policy":{told}}}"#
            );
            assert_eq!(row(&text).life(), read, "{told}");
        }
    }

    #[test]
    fn a_row_without_a_person_or_with_an_id_that_means_more_than_itself_is_not_whole() {
        for (id, person) in [
            ("", "a"),
            ("TGT-1", ""),
            ("users", "a"),
            ("TGT-1;x", "a"),
            ("a/b", "a"),
        ] {
            let text = format!(r#"{{"ticket_granting_ticket":"{id}","authenticated_principal":"{person}"}}"#);
            assert!(!row(&text).is_whole(), "{id} {person}");
        }
        let nulls = SIX.replace("\"bob\",\"number", "null,\"number").replace(
            r#""principal_attributes":{"mail":["bob@example.org"],"displayName":"Bob Bakker","age":[7]}"#,
            r#""principal_attributes":null"#,
        );
        assert!(!row(&nulls).is_whole());
    }
}
