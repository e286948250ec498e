//! What a simulated Tableau Server answers to embedding: `/trusted`, redemption, views, the sign-in page.
//!
//! A view's page is a few words; it stands for whatever a browser would show in a frame. How the Embedding API hands a
//! connected app's token on is not documented: here it is taken from a form posted to the view (field `token`), which a
//! page of another site can send into a frame, and from `Authorization: Bearer`.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use app::wire::Timestamp;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Form, FromRequest, Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use data_encoding::BASE64;

use super::document::{self, Element};
use super::faults::{Bad, Call, spoil};
use super::trusted::{Seen, TicketRequest};
use super::{Inside, Shared};

type App = State<Arc<Shared>>;
type From = ConnectInfo<SocketAddr>;

/// The connection is protected.
#[derive(Clone, Copy)]
pub(super) struct Protected;

/// Carries the session.
const COOKIE: &str = "workgroup_session_id";
const FORM: &str = "application/x-www-form-urlencoded";
/// One white pixel. A browser has to be able to decode it: the page that redeems a ticket waits for the picture.
const PIXEL: &[u8] =
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAAC0lEQVR42mP4DwQACfsD/Wj6HMwAAAAASUVORK5CYII=";

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/trusted", post(trusted))
        .route("/trusted/{*rest}", get(redeem))
        .route("/views/{workbook}/{view}", any(default_view))
        .route("/t/{site}/views/{workbook}/{view}", any(view))
        .route("/signin", get(sign_in_page))
}

impl Shared {
    /// Answers by the faults of that call, else by `work`.
    async fn show(
        &self,
        call: Call,
        path: &str,
        work: impl FnOnce(&mut Inside, Timestamp) -> Response,
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
            let response = match &bad {
                None | Some(Bad::CutOff | Bad::DoneThenHtml(_)) => work(&mut inside, now),
                Some(Bad::Code(code)) => {
                    let status = u16::try_from(code / 1_000).ok();
                    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
                    status
                        .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
                        .into_response()
                }
                Some(_) => StatusCode::OK.into_response(),
            };
            (bad, response)
        };
        self.mirrored().await;
        match bad {
            Some(bad) => spoil(bad, path, response).await,
            None => response,
        }
    }
}

async fn pairs(body: Bytes) -> Vec<(String, String)> {
    // Whatever type it was sent as: whether that is taken is decided elsewhere.
    let mut form = Request::new(Body::from(body));
    *form.method_mut() = Method::POST;
    form.headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
    let read = Form::<Vec<(String, String)>>::from_request(form, &()).await;
    read.map(|Form(pairs)| pairs).unwrap_or_default()
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE);
    kind.and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.to_ascii_lowercase().starts_with(FORM))
}

async fn trusted(
    State(shared): App,
    ConnectInfo(from): From,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let sent = pairs(body).await;
    let work = |inside: &mut Inside, now| {
        let read = inside.faults.lenient_trusted_form || is_form(&headers);
        let field = |name: &str| {
            let sent = sent.iter().find(|(own, _)| read && own == name);
            sent.map(|(_, value)| value.clone())
        };
        let untrusted = inside.faults.untrusted;
        let asked = TicketRequest {
            // An address that nobody lists.
            from: if untrusted { [0, 0, 0, 0].into() } else { from.ip() },
            username: field("username"),
            target_site: field("target_site").unwrap_or_default(),
            client_ip: field("client_ip").and_then(|ip| ip.parse().ok()),
        };
        let ticket = inside.model.issue_ticket(&asked, now);
        let kind = [(header::CONTENT_TYPE, "text/plain;charset=UTF-8")];
        (kind, ticket.unwrap_or_else(|| "-1".to_owned())).into_response()
    };
    shared.show(Call::Trusted, uri.path(), work).await
}

/// Ticket, site and view of what follows `/trusted/`; a ticket may hold slashes.
fn split(rest: &str) -> Option<(&str, &str, &str)> {
    let (before, view) = rest.split_at(rest.find("/views/")?);
    let (ticket, site) = match before.rsplit_once("/t/") {
        // No site has these in its address, and every ticket of two parts does.
        Some((ticket, site)) if !site.contains(['/', ':', '=']) => (ticket, site),
        _ => (before, ""),
    };
    Some((ticket, site, view.strip_prefix("/views/")?))
}

async fn redeem(
    State(shared): App,
    ConnectInfo(from): From,
    protected: Option<Extension<Protected>>,
    Path(rest): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let Some((ticket, site, view)) = split(&rest) else {
        return page(StatusCode::NOT_FOUND, "Not found", "There is no such address.");
    };
    let raw = uri.path().strip_prefix("/trusted/").and_then(split);
    let (raw_site, raw_view) = raw.map_or((site, view), |(_, site, view)| (site, view));
    let browser = browser_of(from.ip(), &headers);
    let work = |inside: &mut Inside, now| {
        let reusable = inside.faults.ticket_reuse_after_sign_out;
        let opened = inside.model.redeem(ticket, site, browser, reusable, now);
        let Some(opened) = opened else {
            return if inside.faults.spent_ticket_is_401 {
                page(
                    StatusCode::UNAUTHORIZED,
                    "Not authorized",
                    "HTTP 401 - Not Authorized",
                )
            } else {
                to_sign_in()
            };
        };
        let answer = if view.ends_with(".png") {
            inside.shown(site, view, opened)
        } else {
            let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            let site = if raw_site.is_empty() {
                String::new()
            } else {
                format!("/t/{raw_site}")
            };
            found(&format!("{site}/views/{raw_view}{query}"))
        };
        inside.with_cookie(
            opened,
            is_protected(protected.is_some(), from.ip(), &headers),
            answer,
        )
    };
    shared.show(Call::Redeem, uri.path(), work).await
}

async fn default_view(
    state: App,
    from: From,
    protected: Option<Extension<Protected>>,
    Path((workbook, view)): Path<(String, String)>,
    request: Request,
) -> Response {
    see(
        state,
        from,
        protected.is_some(),
        "",
        &format!("{workbook}/{view}"),
        request,
    )
    .await
}

async fn view(
    state: App,
    from: From,
    protected: Option<Extension<Protected>>,
    Path((site, workbook, view)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let path = format!("{workbook}/{view}");
    see(state, from, protected.is_some(), &site, &path, request).await
}

async fn see(
    State(shared): App,
    ConnectInfo(from): From,
    protected: bool,
    site: &str,
    view: &str,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers;
    let path = parts.uri.path().to_owned();
    let jwt = if parts.method == Method::POST {
        let body = axum::body::to_bytes(body, 65_536).await.unwrap_or_default();
        let sent = pairs(body).await.into_iter().find(|(name, _)| name == "token");
        sent.map(|(_, token)| token)
    } else {
        bearer(&headers)
    };
    let work = |inside: &mut Inside, now| {
        let Some(jwt) = jwt else {
            let session = inside.model.used(cookie(&headers).as_deref(), now);
            // One browser holds one session, and it is of one site.
            let own = session.ok().filter(|session| inside.is_of(session.site_id, site));
            return own.map_or_else(to_sign_in, |session| inside.shown(site, view, session.id));
        };
        match inside.model.embed(&jwt, site, now) {
            Ok(opened) => {
                let answer = inside.shown(site, view, opened);
                inside.with_cookie(opened, is_protected(protected, from.ip(), &headers), answer)
            }
            Err(problem) => page(StatusCode::UNAUTHORIZED, "Not authorized", &problem.detail()),
        }
    };
    shared.show(Call::View, &path, work).await
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    sent.strip_prefix("Bearer ").map(str::to_owned)
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let all = headers.get_all(header::COOKIE).into_iter();
    let texts = all.filter_map(|cookies| cookies.to_str().ok());
    texts
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value.to_owned())
}

/// What a proxy of this machine says of the other side, where one stands in front.
fn forwarded<'a>(name: &str, peer: IpAddr, headers: &'a HeaderMap) -> Option<&'a str> {
    let said = headers.get(name).filter(|_| peer.is_loopback())?;
    said.to_str().ok()?.split(',').next().map(str::trim)
}

fn browser_of(peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let said = forwarded("x-forwarded-for", peer, headers).and_then(|ip| ip.parse().ok());
    said.unwrap_or(peer)
}

fn is_protected(protected: bool, peer: IpAddr, headers: &HeaderMap) -> bool {
    protected || forwarded("x-forwarded-proto", peer, headers) == Some("https")
}

impl Inside {
    fn is_of(&self, site_id: i32, content_url: &str) -> bool {
        let site = self.model.sites.get(&site_id);
        site.is_some_and(|site| site.content_url == content_url)
    }

    /// A view, or its picture, to whom the session belongs.
    fn shown(&self, content_url: &str, view: &str, session: i32) -> Response {
        let model = &self.model;
        let (path, picture) = match view.strip_suffix(".png") {
            Some(path) => (path, true),
            None => (view, false),
        };
        let site = model.site_by_url(content_url);
        let seen = site.map_or(Seen::Nothing, |site| model.view(site.id, path));
        match seen {
            Seen::Nothing => page(StatusCode::NOT_FOUND, "Not found", "That view is not there."),
            Seen::Forbidden => page(StatusCode::FORBIDDEN, "Not for you", "You may not see that view."),
            Seen::View if picture => {
                let pixel = BASE64.decode(PIXEL).unwrap_or_default();
                fresh((StatusCode::OK, [(header::CONTENT_TYPE, "image/png")], pixel).into_response())
            }
            Seen::View => {
                let person = model
                    .session(session)
                    .and_then(|session| model.person_of(session));
                let name = person.map_or("somebody", |person| person.name.as_str());
                let site = site.map_or("Default", |site| site.name.as_str());
                page(StatusCode::OK, path, &format!("Signed in as {name} on {site}."))
            }
        }
    }

    /// The answer with the session in a cookie; from a protected server, one that pages of other sites may use.
    fn with_cookie(&self, session: i32, protected: bool, mut answer: Response) -> Response {
        let token = self.model.session(session).map(|session| session.token.clone());
        let rules = if protected { "; Secure; SameSite=None" } else { "" };
        let cookie = token.map(|token| format!("{COOKIE}={token}; Path=/; HttpOnly{rules}"));
        if let Some(Ok(cookie)) = cookie.map(|cookie| HeaderValue::from_str(&cookie)) {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
        answer
    }
}

/// Nothing of this may be kept: a picture from a cache redeems nothing.
fn fresh(mut answer: Response) -> Response {
    let never = HeaderValue::from_static("no-store");
    answer.headers_mut().insert(header::CACHE_CONTROL, never);
    answer
}

fn found(location: &str) -> Response {
    fresh((StatusCode::FOUND, [(header::LOCATION, location)]).into_response())
}

fn to_sign_in() -> Response {
    found("/signin")
}

async fn sign_in_page(State(shared): App, uri: Uri) -> Response {
    let work = |_: &mut Inside, _| {
        let what = "This is a simulated server: what a frame shows when nobody is signed in.";
        page(StatusCode::OK, "Sign in to Tableau Server", what)
    };
    shared.show(Call::SignInPage, uri.path(), work).await
}

/// A small page: heading and a sentence.
fn page(status: StatusCode, heading: &str, text: &str) -> Response {
    let said = |name: &str, text: &str| Element::new(name).saying(text);
    let root = Element::new("html")
        .with("lang", "en")
        .holding(Element::new("head").holding(said("title", heading)))
        .holding(
            Element::new("body")
                .holding(said("h1", heading))
                .holding(said("p", text)),
        );
    let mut html = b"<!doctype html>\n".to_vec();
    html.extend(document::xml(&root, false));
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    fresh((status, kind, html).into_response())
}
