//! Sessions as Keycloak lists them, and what they are in our units: milliseconds in rows, seconds in limits.

use std::collections::BTreeMap;

use app::sessions::wire::SessionKind;
use app::wire::{Limit, Timestamp};
use serde::Deserialize;

use super::people::Person;
use crate::connectors::{Endable, Handle, SeenSession};

/// The remark on rows of people whom Keycloak lets in no more, though their sessions are listed.
const DISABLED: &str = "disabled in Keycloak";

/// One session of a list; every list has the same row.
#[derive(Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Row {
    /// Opaque; up to 36 characters.
    pub id: String,
    pub username: Option<String>,
    pub user_id: Option<String>,
    ip_address: Option<String>,
    /// Milliseconds, whole seconds.
    pub start: i64,
    last_access: i64,
    /// `None` = that list does not tell.
    remember_me: Option<bool>,
    /// The applications it reaches, by the ids Keycloak gives them.
    pub clients: BTreeMap<String, String>,
    /// `REGULAR` or `OFFLINE`; only in the console's list.
    #[serde(rename = "type")]
    pub list_type: Option<String>,
}

/// What a realm says of its sessions. Seconds; 0 = inherits.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RealmRules {
    /// `None` = the stub that Keycloak gives to who may not see the realm.
    pub sso_session_idle_timeout: Option<i64>,
    pub sso_session_max_lifespan: Option<i64>,
    pub sso_session_idle_timeout_remember_me: i64,
    pub sso_session_max_lifespan_remember_me: i64,
    pub remember_me: bool,
    pub client_session_idle_timeout: i64,
    pub client_session_max_lifespan: i64,
    pub offline_session_idle_timeout: Option<i64>,
    pub offline_session_max_lifespan_enabled: Option<bool>,
    pub offline_session_max_lifespan: i64,
    pub client_offline_session_idle_timeout: i64,
    pub client_offline_session_max_lifespan: i64,
    pub access_token_lifespan: Option<i64>,
    pub access_token_lifespan_for_implicit_flow: i64,
    pub revoke_refresh_token: Option<bool>,
    pub refresh_token_max_reuse: i64,
    /// Tokens from before are refused, seconds since 1970.
    pub not_before: i64,
    pub admin_events_enabled: Option<bool>,
}

impl RealmRules {
    /// Whether the account may see the realm's settings: the status says 200 either way.
    pub(super) const fn told(&self) -> bool {
        self.sso_session_idle_timeout.is_some()
    }

    /// Idle limit of a session of that kind.
    pub(super) fn idle(&self, offline: bool, remembered: Option<bool>) -> Limit {
        if offline {
            return seconds(self.offline_session_idle_timeout);
        }
        self.by_memory(
            self.sso_session_idle_timeout,
            self.sso_session_idle_timeout_remember_me,
            remembered,
        )
    }

    /// Longest life of a session of that kind.
    pub(super) fn life(&self, offline: bool, remembered: Option<bool>) -> Limit {
        if !offline {
            return self.by_memory(
                self.sso_session_max_lifespan,
                self.sso_session_max_lifespan_remember_me,
                remembered,
            );
        }
        match self.offline_session_max_lifespan_enabled {
            Some(true) => seconds(Some(self.offline_session_max_lifespan)),
            Some(false) => Limit::None,
            None => Limit::Unknown,
        }
    }

    /// Whoever ticked "remember me" may have a limit of their own.
    fn by_memory(&self, plain: Option<i64>, remembering: i64, remembered: Option<bool>) -> Limit {
        let other = self.remember_me && remembering > 0 && Some(remembering) != plain;
        match remembered {
            Some(true) if other => Limit::Seconds(remembering),
            // The console's list does not tell who did.
            None if other => Limit::Unknown,
            _ => seconds(plain),
        }
    }
}

const fn seconds(told: Option<i64>) -> Limit {
    match told {
        Some(seconds) if seconds > 0 => Limit::Seconds(seconds),
        _ => Limit::Unknown,
    }
}

impl Row {
    /// False = it lacks what a session can't do without; nothing can be said or done about it.
    pub(super) fn is_whole(&self) -> bool {
        !self.id.is_empty() && self.user_id.as_ref().is_some_and(|id| !id.is_empty())
    }

    /// Whether not-before of the realm or the person is past its start: Keycloak lists it and refuses its tokens.
    ///
    /// Whole seconds, and "older than": one of the same second is still good.
    pub(super) fn is_refused(&self, rules: &RealmRules, person: Option<&Person>) -> bool {
        let of_person = person.map_or(0, |person| person.not_before);
        // A session that was used later may hold newer tokens than its start: what was begun before and used since the
        // moment is not told apart from one that was not, so only the last use counts.
        self.last_access / 1_000 < rules.not_before.max(of_person)
    }

    /// The session as the room knows it.
    pub(super) fn seen(
        self,
        realm: &str,
        offline: bool,
        rules: &RealmRules,
        person: Option<&Person>,
        own: &[String],
    ) -> SeenSession {
        let kind = if offline {
            SessionKind::Offline
        } else {
            SessionKind::Sso
        };
        let mut seen = SeenSession::new(Handle::new(self.id), kind);
        seen.place = realm.to_owned();
        seen.site = realm.to_owned();
        seen.account_id = self.user_id.unwrap_or_default();
        seen.account_name = self
            .username
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| seen.account_id.clone());
        seen.ip = self.ip_address.filter(|ip| !ip.is_empty());
        seen.created_at = (self.start > 0).then_some(Timestamp(self.start));
        seen.last_active_at = (self.last_access > 0).then_some(Timestamp(self.last_access));
        seen.idle = rules.idle(offline, self.remember_me);
        let life = rules.life(offline, self.remember_me);
        seen.absolute_known = life != Limit::Unknown;
        if let (Limit::Seconds(life), Some(created)) = (life, seen.created_at) {
            seen.absolute_expires_at = Some(created.plus_seconds(life));
        }
        if own.contains(&seen.account_name) {
            seen.endable = Endable::OwnConnection;
        }
        if let Some(person) = person {
            seen.email.clone_from(&person.email);
            seen.display_name.clone_from(&person.name);
            if !person.enabled {
                seen.remark = Some(DISABLED.to_owned());
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> RealmRules {
        RealmRules {
            sso_session_idle_timeout: Some(1_800),
            sso_session_max_lifespan: Some(36_000),
            offline_session_idle_timeout: Some(2_592_000),
            offline_session_max_lifespan_enabled: Some(false),
            offline_session_max_lifespan: 5_184_000,
            ..RealmRules::default()
        }
    }

    fn row() -> Row {
        serde_json::from_str(
            r#"{"id":"--lAe-ZnSd4F29988iNuVou1","username":"alice","userId":"ef52","ipAddress":"127.0.0.1",
                "start":1795291642000,"lastAccess":1795291643000,"rememberMe":false,"clients":{"09a1":"app"},
                "transientUser":false}"#,
        )
        .unwrap()
    }

    #[test]
    fn a_row_of_keycloak_is_read_in_our_units() {
        let seen = row().seen("lab", false, &rules(), None, &[]);
        assert_eq!((seen.place.as_str(), seen.site.as_str()), ("lab", "lab"));
        assert_eq!((seen.kind, seen.idle), (SessionKind::Sso, Limit::Seconds(1_800)));
        assert_eq!(seen.absolute_expires_at, Some(Timestamp(1_795_327_642_000)));
        assert_eq!(
            (seen.account_id.as_str(), seen.account_name.as_str()),
            ("ef52", "alice")
        );
        let offline = row().seen("lab", true, &rules(), None, &[]);
        assert_eq!(
            (offline.kind, offline.idle),
            (SessionKind::Offline, Limit::Seconds(2_592_000))
        );
        assert_eq!(
            (offline.absolute_known, offline.absolute_expires_at),
            (true, None),
            "no end by age"
        );
    }

    #[test]
    fn a_stub_of_a_realm_tells_no_limits() {
        let stub: RealmRules = serde_json::from_str(r#"{"realm":"lab","enabled":true}"#).unwrap();
        assert!(!stub.told());
        assert_eq!(stub.idle(false, Some(false)), Limit::Unknown);
        assert_eq!(
            (stub.life(false, None), stub.life(true, None)),
            (Limit::Unknown, Limit::Unknown)
        );
    }

    #[test]
    fn who_is_remembered_has_limits_of_their_own_and_who_can_not_be_told_has_none_known() {
        let remembering = RealmRules {
            remember_me: true,
            sso_session_idle_timeout_remember_me: 86_400,
            ..rules()
        };
        assert_eq!(remembering.idle(false, Some(true)), Limit::Seconds(86_400));
        assert_eq!(remembering.idle(false, Some(false)), Limit::Seconds(1_800));
        assert_eq!(remembering.idle(false, None), Limit::Unknown);
        assert_eq!(
            remembering.life(false, None),
            Limit::Seconds(36_000),
            "0 inherits"
        );
        let off = RealmRules {
            remember_me: false,
            ..remembering
        };
        assert_eq!(off.idle(false, None), Limit::Seconds(1_800));
    }

    /// Whole seconds: what was used in the very second is still good.
    #[test]
    fn not_before_counts_from_the_second_after() {
        for (not_before, refused) in [(0, false), (1_795_291_643, false), (1_795_291_644, true)] {
            let realm = RealmRules {
                not_before,
                ..rules()
            };
            assert_eq!(row().is_refused(&realm, None), refused, "{not_before}");
            let person = Person {
                not_before,
                ..Person::default()
            };
            assert_eq!(row().is_refused(&rules(), Some(&person)), refused, "{not_before}");
        }
    }

    #[test]
    fn curfews_own_session_and_who_is_disabled_can_be_told() {
        let own = row().seen("lab", false, &rules(), None, &["alice".to_owned()]);
        assert_eq!(own.endable, Endable::OwnConnection);
        let person = Person {
            enabled: false,
            name: "Alice A".to_owned(),
            ..Person::default()
        };
        let seen = row().seen("lab", false, &rules(), Some(&person), &[]);
        assert_eq!(seen.display_name, "Alice A", "a name is a name");
        assert_eq!(seen.remark.as_deref(), Some("disabled in Keycloak"));
        let back = row().seen("lab", false, &rules(), Some(&Person::default()), &[]);
        assert_eq!(back.remark, None);
    }
}
