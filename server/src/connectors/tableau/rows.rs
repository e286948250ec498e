//! Rows of the repository as sessions: whose they are, what form their id has, whether and how they can be ended.

use app::sessions::wire::SessionKind;
use app::wire::{Limit, Timestamp};
use data_encoding::BASE64URL_NOPAD;

use super::rest::{Role, Standing, Version};
use crate::connectors::{Endable, Handle, SeenSession};

/// First REST version with a method that ends somebody's session: Server 2020.3.
pub(super) const CAN_DELETE: Version = Version(3, 9);
/// Begins the account id of somebody without a user row.
const EXTERNAL: &str = "external:";

/// A session as the repository tells it; `None` = not told, or the column does not exist there.
pub(super) struct Row {
    /// As in `_sessions.session_id`.
    pub session_id: String,
    pub updated_at: Option<Timestamp>,
    pub created_at: Option<Timestamp>,
    pub user_name: Option<String>,
    /// The person, the same on every site.
    pub system_user_id: Option<i32>,
    /// Person without a user row, from 2023.3 on.
    pub external_user_id: Option<String>,
    pub friendly_name: Option<String>,
    pub email: Option<String>,
    pub domain_name: Option<String>,
    pub site_name: Option<String>,
    /// The site's contentUrl; empty = the Default site.
    pub url_namespace: Option<String>,
    /// Whether its secret is kept as a hash.
    pub hashed: Option<bool>,
    /// Who started it, where that is somebody else: name and domain.
    pub started_by: Option<(String, Option<String>)>,
}

/// What form a session id has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IdForm {
    /// The public part of a token whose secret is kept as a hash: it names the session, and nobody can sign in with it.
    Protected,
    /// A token of old: who knows it has the session.
    Legacy,
    /// A token with its secret.
    Whole,
    /// None of these.
    Unknown,
}

/// The form of an id. `hashed` = whether its secret is kept as a hash; `None` = not told.
pub(super) fn form(id: &str, hashed: Option<bool>) -> IdForm {
    // Before all else: what holds a secret must never be written into an address.
    if id.contains('|') {
        return IdForm::Whole;
    }
    if hashed == Some(true) || is_uuid4(id) {
        return IdForm::Protected;
    }
    if id.len() == 32 && id.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return IdForm::Legacy;
    }
    IdForm::Unknown
}

/// 22 characters of URL-safe Base64 that hold a random UUID.
fn is_uuid4(id: &str) -> bool {
    let decoded = (id.len() == 22)
        .then(|| BASE64URL_NOPAD.decode(id.as_bytes()).ok())
        .flatten();
    decoded.is_some_and(|bytes| bytes.len() == 16 && bytes[6] >> 4 == 4)
}

/// How a session is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// An administrator asks for it, by the id.
    Delete,
    /// A sign-out with the id as the token.
    SignOut,
}

/// How a session whose id has that form is ended, or why it can't be and what else works. `idle` = the idle limit.
pub(super) fn way(form: IdForm, standing: &Standing, idle: Limit) -> Result<Way, String> {
    reason(form, standing, idle).map_err(|why| format!("{why} {LEVERS}"))
}

fn reason(form: IdForm, standing: &Standing, idle: Limit) -> Result<Way, String> {
    let known = match standing {
        Standing::Known(known) => known,
        Standing::Unknown(why) => return Err(why.clone()),
    };
    match form {
        IdForm::Whole | IdForm::Legacy => Ok(Way::SignOut),
        IdForm::Unknown => Err(
            "Its id has a form that Curfew does not know, and the repository does not say that its secret is hashed: \
             nothing is claimed of it. Give Curfew the repository user \u{201c}readonly\u{201d}, which can tell."
                .to_owned(),
        ),
        IdForm::Protected if known.server.version < CAN_DELETE => Err(format!(
            "This server ({}) hides session secrets and has no method to end sessions. Upgrade to 2020.3 or later, or \
             wait for the idle limit ({}). Last resort, never verified, weakens the server, needs a restart: \
             features.ProtectVizPortalSessionIds = false.",
            known.server.words(),
            match idle {
                Limit::Seconds(s) => format!("{} minutes, as Curfew was told", s / 60),
                Limit::None => "there is none, as Curfew was told".to_owned(),
                Limit::Unknown => "not known here; 240 minutes where nothing is set".to_owned(),
            }
        )),
        IdForm::Protected => match &known.role {
            Role::Other(role) => Err(format!(
                "Curfew signs in there as {}, whose site role is {role}: only a server administrator may end the \
                 sessions of others.",
                known.who
            )),
            Role::Administrator | Role::NotTold => Ok(Way::Delete),
        },
    }
}

/// What else works, for rows that can't be ended.
const LEVERS: &str = "Other levers, none at once or none proven to cut a live session: make the user Unlicensed or \
                                 remove it, disable the account where it signs in, take its access tokens away, switch off \
                                 connected clients (Settings, General), lower wgserver.session.idle_limit (a restart).";

/// Limits of sessions, as people told them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KnownLimits {
    pub idle: Limit,
    pub lifetime: Limit,
}

impl Row {
    /// The account's id: the person's number, the same on every site and other for each domain.
    fn account_id(&self) -> String {
        match (self.system_user_id, &self.external_user_id) {
            (Some(number), _) => number.to_string(),
            (None, Some(external)) => format!("{EXTERNAL}{external}"),
            (None, None) => String::new(),
        }
    }

    /// The session in our words.
    pub(super) fn seen(self, standing: &Standing, limits: KnownLimits) -> SeenSession {
        let form = form(&self.session_id, self.hashed);
        let endable = if standing.is_own(&self.session_id) {
            Endable::OwnConnection
        } else {
            match way(form, standing, limits.idle) {
                Ok(_) => Endable::Yes,
                Err(why) => Endable::No(why),
            }
        };
        let account_id = self.account_id();
        let mut seen = SeenSession::new(Handle::new(self.session_id), SessionKind::Web);
        seen.account_id = account_id;
        seen.account_name = match (self.user_name, self.external_user_id) {
            (Some(name), _) => with_domain(&name, self.domain_name.as_deref()),
            (None, Some(external)) => external,
            (None, None) => String::new(),
        };
        seen.display_name = self.friendly_name.unwrap_or_default();
        seen.email = self.email.filter(|mail| !mail.is_empty());
        if let Some((name, domain)) = self.started_by {
            seen.kind = SessionKind::Other;
            seen.raw_kind = Some(format!(
                "Impersonated, started by {}",
                with_domain(&name, domain.as_deref())
            ));
        }
        seen.place = self.url_namespace.unwrap_or_default();
        seen.site = self.site_name.unwrap_or_default();
        seen.created_at = self.created_at;
        seen.last_active_at = self.updated_at;
        seen.idle = limits.idle;
        seen.absolute_known = limits.lifetime != Limit::Unknown;
        if let (Limit::Seconds(s), Some(created)) = (limits.lifetime, self.created_at) {
            seen.absolute_expires_at = Some(created.plus_seconds(s));
        }
        seen.endable = endable;
        seen
    }
}

/// `corp.example\alice`, or the name alone where the domain is Tableau's own.
fn with_domain(name: &str, domain: Option<&str>) -> String {
    match domain {
        None | Some("" | "local") => name.to_owned(),
        Some(domain) => format!("{domain}\\{name}"),
    }
}

/// Account ids as the repository knows them: numbers of persons, and ids of external users.
pub(super) fn of_accounts(accounts: &[String]) -> (Vec<i32>, Vec<String>) {
    let numbers = accounts.iter().filter_map(|id| id.parse().ok()).collect();
    let external = accounts.iter().filter_map(|id| id.strip_prefix(EXTERNAL));
    (numbers, external.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::super::rest::{Known, ServerInfo};
    use super::*;

    fn server(version: Version, role: Role) -> Standing {
        Standing::Known(Known {
            server: ServerInfo {
                product: "2020.3.0".to_owned(),
                build: "20203.20.0807.2057".to_owned(),
                version,
            },
            who: "the user \u{201c}svc\u{201d}".to_owned(),
            role,
            own: vec!["own".to_owned()],
        })
    }

    fn row(id: &str) -> Row {
        Row {
            session_id: id.to_owned(),
            updated_at: None,
            created_at: Some(Timestamp(1_000)),
            user_name: Some("bob".to_owned()),
            system_user_id: Some(7),
            external_user_id: None,
            friendly_name: None,
            email: None,
            domain_name: Some("corp.example".to_owned()),
            site_name: Some("Sales".to_owned()),
            url_namespace: Some("Sales".to_owned()),
            hashed: None,
            started_by: None,
        }
    }

    const PROTECTED: &str = "bw2fDjpSTBubfi1cikHj8A";
    const LEGACY: &str = "k3Vq8ZsT1mXb7RfYc5NdLw2HgJ9PaE4U";

    #[test]
    fn ids_are_told_apart_by_the_hash_and_then_by_their_shape() {
        for (id, hashed, expected) in [
            (PROTECTED, None, IdForm::Protected),
            ("wqTo0XewTzWOGVtvCp08cg", Some(false), IdForm::Protected),
            ("anything at all", Some(true), IdForm::Protected),
            (LEGACY, Some(true), IdForm::Protected),
            (LEGACY, Some(false), IdForm::Legacy),
            (LEGACY, None, IdForm::Legacy),
            ("bw2fDjpSTBubfi1cikHj8A|k3Vq|c2a4", None, IdForm::Whole),
            ("6b1c3d", None, IdForm::Unknown),
            ("AAAAAAAAAAAAAAAAAAAAAA", None, IdForm::Unknown),
            ("", None, IdForm::Unknown),
        ] {
            assert_eq!(form(id, hashed), expected, "{id} {hashed:?}");
        }
    }

    #[test]
    fn what_can_be_ended_follows_the_form_the_release_and_the_role() {
        let admin = || Role::Administrator;
        let old = server(Version(3, 8), admin());
        let new = server(Version(3, 10), admin());
        assert_eq!(way(IdForm::Protected, &new, Limit::Unknown), Ok(Way::Delete));
        assert_eq!(
            way(IdForm::Legacy, &new, Limit::Unknown),
            Ok(Way::SignOut),
            "no secret in an address"
        );
        assert_eq!(way(IdForm::Legacy, &old, Limit::Unknown), Ok(Way::SignOut));
        assert_eq!(way(IdForm::Whole, &old, Limit::Unknown), Ok(Way::SignOut));
        let why = way(IdForm::Protected, &old, Limit::Unknown).unwrap_err();
        assert!(
            why.contains("no method to end sessions") && why.contains("240 minutes where nothing is set"),
            "{why}"
        );
        let why_told = way(IdForm::Protected, &old, Limit::Seconds(1_800)).unwrap_err();
        assert!(why_told.contains("30 minutes, as Curfew was told"), "{why_told}");
        let why = way(
            IdForm::Protected,
            &server(Version(3, 27), Role::Other("Creator".to_owned())),
            Limit::Unknown,
        )
        .unwrap_err();
        assert!(why.contains("svc") && why.contains("Creator"), "{why}");
        let silent = Standing::Unknown("It did not answer.".to_owned());
        for (form, standing) in [
            (IdForm::Protected, &silent),
            (IdForm::Legacy, &silent),
            (IdForm::Protected, &old),
            (IdForm::Unknown, &new),
        ] {
            let why = way(form, standing, Limit::Unknown).unwrap_err();
            assert!(why.ends_with(LEVERS), "{why}");
        }
        assert!(
            way(IdForm::Whole, &silent, Limit::Unknown)
                .unwrap_err()
                .starts_with("It did not answer.")
        );
    }

    #[test]
    fn two_domains_are_two_people_and_externals_have_a_name() {
        let standing = server(Version(3, 10), Role::Administrator);
        let seen = row(PROTECTED).seen(&standing, KnownLimits::default());
        assert_eq!(
            (seen.account_id.as_str(), seen.account_name.as_str()),
            ("7", "corp.example\\bob")
        );
        assert_eq!((seen.place.as_str(), seen.idle), ("Sales", Limit::Unknown));
        assert!(!seen.absolute_known, "nobody typed a limit, so none is claimed");
        let local = Row {
            domain_name: Some("local".to_owned()),
            system_user_id: Some(8),
            ..row(PROTECTED)
        };
        let seen = local.seen(&standing, KnownLimits::default());
        assert_eq!(
            (seen.account_id.as_str(), seen.account_name.as_str()),
            ("8", "bob")
        );
        let external = Row {
            user_name: None,
            system_user_id: None,
            external_user_id: Some("guest@partner.example".to_owned()),
            ..row(PROTECTED)
        };
        let seen = external.seen(&standing, KnownLimits::default());
        assert_eq!(seen.account_id, "external:guest@partner.example");
        assert_eq!(
            of_accounts(&[seen.account_id, "7".to_owned()]),
            (vec![7], vec!["guest@partner.example".to_owned()])
        );
    }

    #[test]
    fn typed_limits_and_who_started_it_are_shown() {
        let standing = server(Version(3, 10), Role::Administrator);
        let limits = KnownLimits {
            idle: Limit::Seconds(14_400),
            lifetime: Limit::Seconds(60),
        };
        let begun = Row {
            started_by: Some(("ann".to_owned(), None)),
            ..row("own")
        };
        let seen = begun.seen(&standing, limits);
        assert_eq!(seen.idle, Limit::Seconds(14_400));
        assert_eq!(seen.absolute_expires_at, Some(Timestamp(61_000)));
        assert_eq!(seen.raw_kind.as_deref(), Some("Impersonated, started by ann"));
        assert_eq!(seen.endable, Endable::OwnConnection);
    }
}
