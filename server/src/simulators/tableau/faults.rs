//! What can be wrong with a simulated Tableau Server, what nobody has documented, and what a fault makes of an answer.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::super::broken::{cut_off, status_of};
use super::problem::Problem;
use super::shape::DeleteTakes;

/// The calls there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// `serverinfo`.
    ServerInfo,
    /// `auth/signin`.
    SignIn,
    /// `auth/signout`.
    SignOut,
    /// `auth/switchSite`.
    SwitchSite,
    /// `sites`.
    Sites,
    /// `sites/…/users`.
    Users,
    /// `sessions/current`.
    Current,
    /// `DELETE sessions/…`.
    Delete,
    /// `/auth?format=xml` of the releases before serverinfo.
    OldInfo,
    /// `POST /trusted`.
    Trusted,
    /// `/trusted/{ticket}/…`.
    Redeem,
    /// `/views/…` and `/t/{site}/views/…`.
    View,
    /// The page that a browser without a session is led to.
    SignInPage,
}

/// An answer that is none of the server's own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// An HTML page of a gateway, or of a sign-in with 200.
    Html(u16),
    /// A status and nothing else.
    Empty(u16),
    /// The code as the server would write it: 429000, 403157, 500000, 400105 …
    Code(u32),
    /// Bytes that are neither XML nor JSON, status 200.
    Garbage,
    /// 301 to this base address and the same path.
    Redirect(String),
    /// Does what it was asked, and the connection breaks half-way through the answer.
    CutOff,
    /// Does nothing, and never answers.
    Silent,
    /// Does what it was asked, and answers this page all the same.
    DoneThenHtml(u16),
}

/// What can be wrong with the repository.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlBad {
    /// It answers properly.
    #[default]
    No,
    /// Refuses every statement with this SQLSTATE.
    Refused(String),
    /// Takes statements and never answers.
    Silent,
    /// Is switched over to another host in the middle of a list.
    CutOff,
    /// Says that it is only a copy, which may lag behind.
    Copy,
}

/// Some of the people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// None of them.
    #[default]
    Nobody,
    /// All of them.
    Everybody,
    /// By their keys in `system_users`.
    These(BTreeSet<i32>),
}

impl Who {
    /// Whether it means that person; nobody in particular is meant by `Everybody` only.
    pub(super) fn means(&self, system_user_id: Option<i32>) -> bool {
        match self {
            Self::Nobody => false,
            Self::Everybody => true,
            Self::These(people) => system_user_id.is_some_and(|id| people.contains(&id)),
        }
    }
}

/// How a method is refused that the release, or the version in the address, does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// 404003.
    #[default]
    Resource,
    /// 404001.
    Endpoint,
    /// 405000.
    Verb,
}

impl Missing {
    pub(super) fn problem(self) -> Problem {
        match self {
            Self::Resource => Problem::NoResource,
            Self::Endpoint => Problem::NoEndpoint,
            Self::Verb => Problem::WrongVerb,
        }
    }
}

/// What is wrong, and what is undocumented. The default is: nothing wrong, and the likeliest reading of the documents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Every answer comes so much later, ms.
    pub slow_ms: u64,
    /// Calls that are answered badly.
    pub bad: BTreeMap<Call, Bad>,
    /// Whose sessions are answered 204 and live on, by DELETE and by sign-out.
    pub lie: Who,
    /// Whose sessions DELETE refuses with 400105.
    pub refuse: Who,
    /// Who is let straight back in when their session is ended.
    pub let_back: Who,
    /// What DELETE knows a session by.
    pub delete_takes: DeleteTakes,
    /// The code a caller gets from DELETE who is no server administrator; none = 403004.
    pub not_administrator: Option<u32>,
    /// How a method is refused that is not there.
    pub missing: Missing,
    /// `sessions/current` is there from 3.8 on only, else from 3.1.
    pub late_current: bool,
    /// The token of one site is refused at another with 403004, else with 401002.
    pub other_site_is_forbidden: bool,
    /// XML answers begin without the declaration.
    pub no_declaration: bool,
    /// Signing in says nothing of the time to expiration.
    pub no_expiration: bool,
    /// What is wrong with the repository.
    pub repository: SqlBad,
    /// Trusts nobody with tickets, as when the address of whoever asks has changed.
    pub untrusted: bool,
    /// Reads a request for a ticket that was not sent as a form.
    pub lenient_trusted_form: bool,
    /// A ticket that is wrong, lapsed or used leads to 401, else to the sign-in page.
    pub spent_ticket_is_401: bool,
    /// A used ticket opens another session once its own was signed out, while it lasts.
    pub ticket_reuse_after_sign_out: bool,
}

/// What a fault makes of an answer.
pub(super) async fn spoil(bad: Bad, path: &str, good: Response) -> Response {
    let page = |status: u16| {
        let page =
            "<!doctype html><html><head><title>Gateway</title></head><body><h1>Sorry</h1></body></html>";
        (status_of(status), [(header::CONTENT_TYPE, "text/html")], page).into_response()
    };
    match bad {
        Bad::Html(status) | Bad::DoneThenHtml(status) => page(status),
        Bad::Empty(status) => status_of(status).into_response(),
        // Written where the server's own refusals are.
        Bad::Code(_) => good,
        Bad::Garbage => (StatusCode::OK, "\u{0}\u{1}{{{ <not xml").into_response(),
        Bad::Redirect(base) => {
            let location = format!("{base}{path}");
            (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, location)]).into_response()
        }
        Bad::CutOff => cut_off(good).await,
        Bad::Silent => std::future::pending().await,
    }
}
