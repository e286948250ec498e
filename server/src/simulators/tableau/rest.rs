//! The calls a simulated Tableau Server answers, and in what words.

use std::sync::Arc;
use std::time::Duration;

use app::wire::Timestamp;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};

use super::document::{self, Element, Format, Prologue};
use super::faults::{Bad, Call, Faults, spoil};
use super::model::Model;
use super::problem::Problem;
use super::release::Rest;
use super::rows::{Session, Site, SiteRole, SiteStatus, SiteUser, SystemUser};
use super::sign_in::{Proof, SignIn};
use super::{Inside, Shared, embedding};
use crate::simulators::loopback::may_control;

type App = State<Arc<Shared>>;
type Pairs = Query<Vec<(String, String)>>;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/auth", any(old_info))
        .route("/control", post(control))
        .route("/api/{version}/{resource}", any(top))
        .route("/api/{version}/auth/{act}", any(auth))
        .route("/api/{version}/sites/{site}/users", any(users))
        .route("/api/{version}/sessions/{id}", any(session))
        .merge(embedding::router())
        .fallback(elsewhere)
        .layer(middleware::from_fn_with_state(shared.clone(), cut_when_dark))
        .with_state(shared)
}

/// A connection that was open when the server was switched off is cut at its next request.
async fn cut_when_dark(State(shared): App, request: Request, next: Next) -> Response {
    if shared.inside().dark {
        let cut = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
        return Body::from_stream(cut).into_response();
    }
    next.run(request).await
}

/// What came with a request beside its address.
struct Asked {
    version: String,
    uri: Uri,
    headers: HeaderMap,
}

impl Asked {
    fn token(&self) -> Option<&str> {
        self.headers
            .get("x-tableau-auth")
            .and_then(|value| value.to_str().ok())
    }
}

/// What a call gives: nothing is 204.
type Given = Result<Option<Vec<Element>>, Problem>;

impl Shared {
    /// Answers a call: by its faults, else refused when the version does not have it, else by `work`.
    async fn answer(
        &self,
        asked: &Asked,
        call: Call,
        work: impl FnOnce(&mut Inside, Timestamp) -> Given,
    ) -> Response {
        let slow_ms = self.inside().faults.slow_ms;
        if slow_ms > 0 {
            tokio::time::sleep(Duration::from_millis(slow_ms)).await;
        }
        let (bad, response) = {
            let now = self.clock.now();
            let mut inside = self.inside();
            *inside.calls.entry(call).or_default() += 1;
            let bad = inside.faults.bad.get(&call).cloned();
            let given = match &bad {
                Some(Bad::Code(code)) => Err(Problem::Code(*code)),
                None | Some(Bad::CutOff | Bad::DoneThenHtml(_)) => {
                    let there = inside.has(call, &asked.version);
                    there.and_then(|()| work(&mut inside, now))
                }
                Some(_) => Ok(None),
            };
            (bad, inside.written(&asked.headers, given))
        };
        self.mirrored().await;
        match bad {
            Some(bad) => spoil(bad, asked.uri.path(), response).await,
            None => response,
        }
    }

    fn refuse(&self, asked: &Asked, problem: Problem) -> Response {
        let inside = self.inside();
        let known = inside.version(&asked.version).map(|_| ());
        inside.written(&asked.headers, known.and(Err(problem)))
    }
}

impl Inside {
    fn version(&self, text: &str) -> Result<Rest, Problem> {
        let version = Rest::parse(text).filter(|version| self.model.shape.release.speaks(*version));
        version.ok_or(Problem::NoResource)
    }

    /// Whether a call is there under that version; a version that is not known has nothing.
    fn has(&self, call: Call, version: &str) -> Result<(), Problem> {
        let since = match call {
            Call::SignIn | Call::SignOut | Call::Sites | Call::Users | Call::OldInfo => Rest(2, 0),
            Call::ServerInfo => Rest(2, 4),
            Call::SwitchSite => Rest(2, 6),
            Call::Current if self.faults.late_current => Rest(3, 8),
            Call::Current => Rest(3, 1),
            Call::Delete => Rest(3, 9),
            // Nothing of the REST interface.
            Call::Trusted | Call::Redeem | Call::View | Call::SignInPage => Rest(2, 0),
        };
        let nowhere = call == Call::Delete && self.model.shape.cloud;
        if self.version(version)? < since || nowhere {
            return Err(self.faults.missing.problem());
        }
        Ok(())
    }

    fn written(&self, headers: &HeaderMap, given: Given) -> Response {
        let (status, inside) = match given {
            Ok(None) => return StatusCode::NO_CONTENT.into_response(),
            Ok(Some(inside)) => (StatusCode::OK, inside),
            Err(problem) => {
                let status = StatusCode::from_u16(problem.status());
                (
                    status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                    vec![told(&problem)],
                )
            }
        };
        let format = Format::wanted(headers);
        let prologue = Prologue {
            namespace: if self.model.shape.release.is_since(10, 1) {
                "http://tableau.com/api"
            } else {
                "http://tableausoftware.com/api"
            },
            declared: !self.faults.no_declaration,
        };
        let body = document::answer(format, prologue, inside);
        (status, [(header::CONTENT_TYPE, format.media_type())], body).into_response()
    }
}

fn told(problem: &Problem) -> Element {
    Element::new("error")
        .with("code", format!("{:06}", problem.code()))
        .holding(Element::new("summary").saying(problem.summary()))
        .holding(Element::new("detail").saying(problem.detail()))
}

async fn elsewhere(State(shared): App, uri: Uri, headers: HeaderMap) -> Response {
    if uri.path().starts_with("/api/") {
        return shared.inside().written(&headers, Err(Problem::NoResource));
    }
    spoil(Bad::Html(404), uri.path(), StatusCode::NOT_FOUND.into_response()).await
}

/// Sets all faults at once, for whoever has the token of the simulator.
async fn control(State(shared): App, headers: HeaderMap, Json(faults): Json<Faults>) -> StatusCode {
    if !may_control(&headers, &shared.token) {
        return StatusCode::UNAUTHORIZED;
    }
    shared.inside().faults = faults;
    StatusCode::NO_CONTENT
}

/// How releases before serverinfo told their version.
async fn old_info(State(shared): App, uri: Uri, headers: HeaderMap) -> Response {
    let release = shared.inside().model.shape.release;
    if release.is_since(10, 1) {
        return elsewhere(State(shared), uri, headers).await;
    }
    *shared.inside().calls.entry(Call::OldInfo).or_default() += 1;
    let said = |name: &str, text: String| Element::new(name).saying(text);
    let version = Element::new("version")
        .with("version", release.rest().to_string())
        .holding(said("product_version", release.to_string()))
        .holding(said("build", release.build()));
    let body = document::xml(&Element::new("authinfo").holding(version), true);
    ([(header::CONTENT_TYPE, Format::Xml.media_type())], body).into_response()
}

async fn top(
    State(shared): App,
    Path((version, resource)): Path<(String, String)>,
    Query(query): Pairs,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked {
        version,
        uri,
        headers,
    };
    let server_info = resource.eq_ignore_ascii_case("serverinfo");
    if !server_info && resource != "sites" {
        return shared.refuse(&asked, Problem::NoResource);
    }
    if method != Method::GET {
        return shared.refuse(&asked, Problem::WrongVerb);
    }
    if server_info {
        let told = |inside: &mut Inside, _| Ok(Some(vec![server_info_of(&inside.model)]));
        return shared.answer(&asked, Call::ServerInfo, told).await;
    }
    let token = asked.token().map(str::to_owned);
    let work = |inside: &mut Inside, now| {
        let session = inside.model.used(token.as_deref(), now)?;
        if inside.model.shape.cloud {
            return Err(Problem::Cloud);
        }
        let sites = inside.model.sites_of(&session);
        let rows = sites.into_iter().map(site_row).collect();
        page(rows, "sites", "site", &query)
    };
    shared.answer(&asked, Call::Sites, work).await
}

fn server_info_of(model: &Model) -> Element {
    let release = model.shape.release;
    let product = Element::new("productVersion")
        .with("build", release.build())
        .saying(release.product_version());
    Element::new("serverInfo")
        .holding(product)
        .holding(Element::new("restApiVersion").saying(release.rest().to_string()))
}

impl Model {
    /// All sites for a server administrator, else those the person is on.
    fn sites_of(&self, session: &Session) -> Vec<&Site> {
        let person = self.person_of(session);
        let seen = |site: &&Site| {
            person.is_some_and(|person| person.administrator || self.member(person.id, site.id).is_some())
        };
        self.sites.values().filter(seen).collect()
    }
}

fn site_row(site: &Site) -> Element {
    let state = match site.status {
        SiteStatus::Active => "Active",
        SiteStatus::Suspended => "Suspended",
    };
    site_ref(site)
        .with("name", site.name.as_str())
        .with("adminMode", "ContentAndUsers")
        .with("state", state)
}

fn site_ref(site: &Site) -> Element {
    Element::new("site")
        .with("id", site.luid.to_string())
        .with("contentUrl", site.content_url.as_str())
}

/// One page of a list.
fn page(rows: Vec<Element>, name: &str, of: &'static str, query: &[(String, String)]) -> Given {
    let value = |name: &str| {
        query
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    };
    let number = |name: &str, unless: usize| match value(name).map(str::parse::<usize>) {
        None => Ok(unless),
        Some(Ok(number)) if number > 0 => Ok(number),
        Some(_) => Err(Problem::Malformed(
            "pageNumber and pageSize are numbers from 1 on.",
        )),
    };
    let (size, at) = (number("pageSize", 100)?.min(1_000), number("pageNumber", 1)?);
    let pagination = Element::new("pagination")
        .with("pageNumber", at.to_string())
        .with("pageSize", size.to_string())
        .with("totalAvailable", rows.len().to_string());
    let rows = rows.into_iter().skip((at - 1).saturating_mul(size)).take(size);
    Ok(Some(vec![pagination, Element::list(name, of, rows.collect())]))
}

async fn auth(
    State(shared): App,
    Path((version, act)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = Asked {
        version,
        uri,
        headers,
    };
    let call = match act.as_str() {
        "signin" => Call::SignIn,
        "signout" => Call::SignOut,
        "switchSite" => Call::SwitchSite,
        _ => return shared.refuse(&asked, Problem::NoResource),
    };
    if method != Method::POST {
        return shared.refuse(&asked, Problem::WrongVerb);
    }
    let work = |inside: &mut Inside, now| match call {
        Call::SignIn => {
            let wanted = document::request(&asked.headers, &body).and_then(|root| read_sign_in(&root));
            let wanted = wanted.ok_or(Problem::Malformed("Sign-in needs credentials and a site."))?;
            let session = inside.model.sign_in(&wanted, now)?;
            inside.credentials(session)
        }
        Call::SignOut => {
            let session = inside.model.of_token(asked.token(), now)?.clone();
            inside.end(&session, now);
            Ok(None)
        }
        _ => {
            let session = inside.model.used(asked.token(), now)?;
            let root = document::request(&asked.headers, &body);
            let site = root.as_ref().and_then(|root| root.child("site"));
            let site = site.ok_or(Problem::Malformed("The site to switch to is missing."))?;
            let url = site.attribute("contentUrl").unwrap_or_default();
            let opened = inside.model.switch_site(&session, url, now)?;
            inside.credentials(opened)
        }
    };
    shared.answer(&asked, call, work).await
}

/// None when something is missing. A site without `contentUrl` is Default.
fn read_sign_in(root: &Element) -> Option<SignIn> {
    let credentials = root.child("credentials")?;
    let both = |a, b| {
        Some((
            credentials.attribute(a)?.to_owned(),
            credentials.attribute(b)?.to_owned(),
        ))
    };
    let proof = if let Some(jwt) = credentials.attribute("jwt") {
        Proof::Jwt(jwt.to_owned())
    } else if let Some((name, secret)) = both("personalAccessTokenName", "personalAccessTokenSecret") {
        Proof::Pat(name, secret)
    } else {
        let (name, password) = both("name", "password")?;
        Proof::Password(name, password)
    };
    let user = credentials.child("user").and_then(|user| user.attribute("id"));
    Some(SignIn {
        proof,
        content_url: credentials
            .child("site")?
            .attribute("contentUrl")
            .unwrap_or_default()
            .to_owned(),
        impersonate: user.map(str::to_owned),
    })
}

impl Inside {
    /// What whoever signed in gets.
    fn credentials(&self, session: i32) -> Given {
        let model = &self.model;
        let session = model.session(session).ok_or(Problem::SignInFailed(None))?;
        let user = session.user_id.and_then(|id| model.users.get(&id));
        let (site, user) = (model.sites.get(&session.site_id), user);
        let (site, user) = site.zip(user).ok_or(Problem::SignInFailed(None))?;
        let mut credentials = Element::new("credentials").with("token", session.token.as_str());
        if !self.faults.no_expiration {
            let seconds = model.shape.idle_min * 60 - 1;
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            let left = format!("{hours}:{minutes:02}:{:02}", seconds % 60);
            credentials = credentials.with("estimatedTimeToExpiration", left);
        }
        let user = Element::new("user").with("id", user.luid.to_string());
        Ok(Some(vec![credentials.holding(site_ref(site)).holding(user)]))
    }
}

async fn session(
    State(shared): App,
    Path((version, id)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked {
        version,
        uri,
        headers,
    };
    match (method, id.as_str()) {
        (Method::GET, "current") => {
            let current = |inside: &mut Inside, now| inside.current(asked.token(), now);
            shared.answer(&asked, Call::Current, current).await
        }
        (Method::DELETE, id) if id != "current" => {
            let delete = |inside: &mut Inside, now| inside.delete(asked.token(), id, now);
            shared.answer(&asked, Call::Delete, delete).await
        }
        _ => shared.refuse(&asked, Problem::WrongVerb),
    }
}

impl Inside {
    fn current(&mut self, token: Option<&str>, now: Timestamp) -> Given {
        let session = self.model.used(token, now)?;
        let model = &self.model;
        let user = session.user_id.and_then(|id| model.users.get(&id));
        let site = model.sites.get(&session.site_id);
        let ((site, user), person) = site
            .zip(user)
            .zip(model.person_of(&session))
            .ok_or(Problem::BadToken)?;
        let mut site_ref = site_ref(site).with("name", site.name.as_str());
        if person.administrator {
            site_ref = site_ref.with("extractEncryptionMode", "disabled");
        }
        let row = user_row(model, user, person);
        Ok(Some(vec![Element::new("session").holding(site_ref).holding(row)]))
    }

    fn delete(&mut self, token: Option<&str>, id: &str, now: Timestamp) -> Given {
        let caller = self.model.used(token, now)?;
        if !self.model.may_delete(&caller) {
            let code = self.faults.not_administrator;
            return Err(code.map_or(Problem::NotAdministrator, Problem::Code));
        }
        let session = self.model.to_delete(id, self.faults.delete_takes, now)?.clone();
        let person = self.model.person_of(&session).map(|person| person.id);
        if self.faults.refuse.means(person) {
            return Err(Problem::NotDeleted);
        }
        self.end(&session, now);
        Ok(None)
    }
}

fn user_row(model: &Model, user: &SiteUser, person: &SystemUser) -> Element {
    let role = if person.administrator {
        "ServerAdministrator"
    } else {
        user.role.name(model.shape.release)
    };
    let row = Element::new("user")
        .with("id", user.luid.to_string())
        .with("name", person.name.as_str())
        .with("siteRole", role)
        .with("authSetting", "ServerDefault");
    let at = user
        .login_at
        .and_then(|at| jiff::Timestamp::from_millisecond(at.0).ok());
    match at {
        Some(at) => row.with("lastLogin", at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        None => row,
    }
}

async fn users(
    State(shared): App,
    Path((version, site)): Path<(String, String)>,
    Query(query): Pairs,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let asked = Asked {
        version,
        uri,
        headers,
    };
    if method != Method::GET {
        return shared.refuse(&asked, Problem::WrongVerb);
    }
    let list = |inside: &mut Inside, now| inside.users(asked.token(), &site, &query, now);
    shared.answer(&asked, Call::Users, list).await
}

impl Inside {
    fn users(
        &mut self,
        token: Option<&str>,
        luid: &str,
        query: &[(String, String)],
        now: Timestamp,
    ) -> Given {
        let session = self.model.used(token, now)?;
        let model = &self.model;
        let site = model.site_by_luid(luid).ok_or(Problem::NoSite)?;
        if site.id != session.site_id {
            let forbidden = self.faults.other_site_is_forbidden;
            return Err(if forbidden {
                Problem::NotAdministrator
            } else {
                Problem::BadToken
            });
        }
        let own = session.user_id.and_then(|id| model.users.get(&id));
        let of_site = own.is_some_and(|user| user.role == SiteRole::SiteAdministrator);
        if !of_site && !model.is_administrator(&session) {
            return Err(Problem::NotAdministrator);
        }
        let values = |name: &'static str| {
            let named = query.iter().filter(move |(own, _)| own == name);
            named.map(|(_, value)| value.as_str())
        };
        let filters: Vec<(&str, &str)> = values("filter")
            .flat_map(|all| all.split(','))
            .map(read_filter)
            .collect::<Result<_, _>>()?;
        let all_fields = values("fields").any(|fields| fields == "_all_");
        let domain = |id| model.domains.iter().find(|domain| domain.id == id);
        let rows = model.members(site.id).map(|(user, person)| {
            let mut row = user_row(model, user, person);
            if all_fields {
                row = row.with("fullName", person.friendly_name.as_str());
                row = row.with("email", person.email.as_deref().unwrap_or_default());
            }
            let name = domain(person.domain_id).map_or("local", |domain| domain.name.as_str());
            row.holding(Element::new("domain").with("name", name))
        });
        let fits = |row: &Element| {
            let equal = |(field, value): &(&str, &str)| row.attribute(field) == Some(*value);
            filters.iter().all(equal)
        };
        page(rows.filter(fits).collect(), "users", "user", query)
    }
}

/// `field:eq:value` of the fields that may be compared so.
fn read_filter(text: &str) -> Result<(&str, &str), Problem> {
    let mut parts = text.splitn(3, ':');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(field @ ("name" | "siteRole")), Some("eq"), Some(value)) => Ok((field, value)),
        _ => Err(Problem::Malformed("The filter is not understood.")),
    }
}
