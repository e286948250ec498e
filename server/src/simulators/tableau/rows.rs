//! The rows of the repository, as the server keeps them and as somebody who reads its tables sees them.

use std::collections::BTreeMap;

use app::wire::Timestamp;
use data_encoding::BASE64;
use serde_json::json;
use uuid::Uuid;

use super::model::Model;
use super::release::Release;

/// A row of `domains`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    /// Key.
    pub id: i32,
    /// `local`, or the full name of a directory's domain.
    pub name: String,
    /// What stands before the backslash.
    pub short_name: String,
    /// `local` or `ActiveDirectory`.
    pub family: &'static str,
}

/// Whether a site lets people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteStatus {
    /// It does.
    Active,
    /// Server administrators only.
    Suspended,
}

impl SiteStatus {
    /// As `sites.status` has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
        }
    }
}

/// A row of `sites`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Key.
    pub id: i32,
    /// Its id in REST.
    pub luid: Uuid,
    /// As shown.
    pub name: String,
    /// `url_namespace`; empty for the Default site.
    pub content_url: String,
    /// Whether it lets people in.
    pub status: SiteStatus,
}

/// A row of `system_users`: a person, whatever the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemUser {
    /// Key.
    pub id: i32,
    /// Name to sign in with; unique within the domain only.
    pub name: String,
    /// Name as shown.
    pub friendly_name: String,
    /// Mail.
    pub email: Option<String>,
    /// Server administrator: `admin_level` 10, else 0.
    pub administrator: bool,
    /// Their domain.
    pub domain_id: i32,
}

/// What somebody may do on a site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteRole {
    /// Site administrator, not of the server.
    SiteAdministrator,
    /// Publishes.
    Publisher,
    /// Explores.
    Interactor,
    /// Looks.
    Viewer,
    /// May not sign in.
    Unlicensed,
}

impl SiteRole {
    /// `users.site_role_id`.
    pub fn id(self) -> i32 {
        match self {
            Self::SiteAdministrator => 0,
            Self::Publisher => 2,
            Self::Interactor => 3,
            Self::Viewer => 5,
            Self::Unlicensed => 8,
        }
    }

    /// As REST names it; the names changed with 2018.1.
    pub fn name(self, release: Release) -> &'static str {
        match (self, release.is_since(2018, 1)) {
            (Self::SiteAdministrator, true) => "SiteAdministratorExplorer",
            (Self::SiteAdministrator, false) => "SiteAdministrator",
            (Self::Publisher, true) => "Creator",
            (Self::Publisher, false) => "Publisher",
            (Self::Interactor, true) => "Explorer",
            (Self::Interactor, false) => "Interactor",
            (Self::Viewer, _) => "Viewer",
            (Self::Unlicensed, _) => "Unlicensed",
        }
    }
}

/// A row of `users`: a person on one site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteUser {
    /// Key.
    pub id: i32,
    /// Their id in REST, another on each site.
    pub luid: Uuid,
    /// The site.
    pub site_id: i32,
    /// The person.
    pub system_user_id: i32,
    /// What they may do there.
    pub role: SiteRole,
    /// They are there because they administer the server.
    pub system_admin_auto: bool,
    /// Last sign-in; none = never.
    pub login_at: Option<Timestamp>,
    /// Since when they are there.
    pub created_at: Timestamp,
}

/// How a session came to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Signed in with a browser.
    Browser,
    /// Signed in through REST.
    Rest,
    /// A trusted ticket was redeemed.
    TrustedTicket,
}

/// A row of `sessions`, and the secrets that belong to it.
#[derive(Clone, Debug)]
pub struct Session {
    /// Key.
    pub id: i32,
    /// As the table shows it.
    pub session_id: String,
    /// What its owner sends.
    pub token: String,
    /// Salt and hash of the secret part; none = nothing is hidden.
    pub hashed: Option<(String, String)>,
    /// The site user; none for somebody from outside.
    pub user_id: Option<i32>,
    /// Who it is instead (2023.3 and later).
    pub external_user_id: Option<String>,
    /// The site.
    pub site_id: i32,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub updated_at: Timestamp,
    /// The site user who started it.
    pub initiating_user_id: Option<i32>,
    /// How it came to be.
    pub kind: Kind,
    /// What its connected app allows it; none = not limited to scopes.
    pub scopes: Option<Vec<String>>,
}

/// A row of the base table `sessions`, every column of every release; which of them a release has is the reader's affair.
///
/// `data` and `shared_wg_write` hold the whole token on purpose: whoever reads them carries a living secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Key.
    pub id: i32,
    /// First part of the token, or all of it.
    pub session_id: String,
    /// Up to 2022.4; none for a redeemed ticket.
    pub data: Option<String>,
    /// Last use.
    pub updated_at: Timestamp,
    /// The site user; none for people from outside.
    pub user_id: Option<i32>,
    /// JSON; the token of a redeemed ticket.
    pub shared_wg_write: Option<String>,
    /// JSON.
    pub shared_vizql_write: Option<String>,
    /// The site.
    pub site_id: i32,
    /// Beginning.
    pub created_at: Timestamp,
    /// Salt of the hash; none = nothing is hidden.
    pub salt: Option<String>,
    /// Hash of the token's secret part; none = nothing is hidden.
    pub hashed_secret: Option<String>,
    /// 2020.4 and later.
    pub initiating_user_id: Option<i32>,
    /// 2023.3 and later.
    pub external_user_id: Option<String>,
    /// A limit has ended it, and the row is still there.
    pub is_over: bool,
}

/// Everything the repository shows, at one moment.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The release, for which tables and columns there are.
    pub release: Release,
    /// [`Model::changes`] of that moment: the same number = the same rows.
    pub changes: u64,
    /// Who is who, and where.
    pub people: PeopleRows,
    /// `sessions`.
    pub sessions: Vec<SessionRow>,
}

/// The rows that change seldom.
#[derive(Clone, Debug)]
pub struct PeopleRows {
    /// `domains`.
    pub domains: Vec<Domain>,
    /// `sites`.
    pub sites: Vec<Site>,
    /// `system_users`.
    pub system_users: Vec<SystemUser>,
    /// `users`.
    pub users: Vec<SiteUser>,
}

/// What changed since a mirror heard last.
#[derive(Clone, Debug)]
pub struct Change {
    /// All of them, when one of them changed.
    pub people: Option<PeopleRows>,
    /// Keys of the sessions that began, changed or ended.
    pub touched: Vec<i32>,
    /// Those of them that are there.
    pub sessions: Vec<SessionRow>,
}

impl Model {
    /// Everything the repository shows at `now`.
    pub fn rows(&self, now: Timestamp) -> Rows {
        let sessions = self.sessions.values();
        Rows {
            release: self.shape.release,
            changes: self.changes(),
            people: self.people_rows(),
            sessions: sessions.map(|session| self.session_row(session, now)).collect(),
        }
    }

    pub(super) fn people_rows(&self) -> PeopleRows {
        PeopleRows {
            domains: self.domains.clone(),
            sites: all(&self.sites),
            system_users: all(&self.people),
            users: all(&self.users),
        }
    }

    pub(super) fn session_row(&self, session: &Session, now: Timestamp) -> SessionRow {
        let by_ticket = session.kind == Kind::TrustedTicket;
        let blob = json!({ "workgroup_session_id": session.token }).to_string();
        let (salt, hashed_secret) = session.hashed.clone().unzip();
        SessionRow {
            id: session.id,
            session_id: session.session_id.clone(),
            data: (!by_ticket).then(|| BASE64.encode(blob.as_bytes())),
            updated_at: session.updated_at,
            user_id: session.user_id,
            shared_wg_write: by_ticket.then_some(blob),
            shared_vizql_write: None,
            site_id: session.site_id,
            created_at: session.created_at,
            salt,
            hashed_secret,
            initiating_user_id: session.initiating_user_id,
            external_user_id: session.external_user_id.clone(),
            is_over: self.is_over(session, now),
        }
    }
}

fn all<T: Clone>(of: &BTreeMap<i32, T>) -> Vec<T> {
    of.values().cloned().collect()
}
