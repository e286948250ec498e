//! Who is calling: from the cookie to a [`Caller`], once per request.
//!
//! Nobody: pages lead to sign-in and back, calls get 401, a form that came too late gets the sign-in page with its
//! fields carried along. The caller, the origin and what a page needs to know of the request travel in a [`Visit`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use app::access::wire::{FreshToken, OneTimeLink, ScopeEffect};
use app::error::AppError;
use app::layout::{Flash, FormEcho};
use app::paths;
use app::signin::view::SignInView;
use app::signin::wire::{Frame, RecoveryCodes};
use app::wire::OperatorId;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_sessions::Session;

use super::{Http, doors, limits, plain, ui};
use crate::audit::{Action, Entry};
use crate::caller::{Caller, Origin, SecondFactor};
use crate::config::TrustedProxy;
use crate::error::Error;
use crate::signin::presence::Presence;

/// What is known of a request once it was looked at.
#[derive(Clone, Default)]
pub struct Visit {
    /// Who; `None` only on the pages that need nobody.
    pub caller: Option<Arc<Caller>>,
    /// Where from.
    pub origin: Origin,
    /// Whose session it was, when a request comes after its end.
    pub was: Option<OperatorId>,
    /// The form that came back with this page.
    pub echo: Option<FormEcho>,
    /// The sentence about what led here.
    pub flash: Option<Flash>,
    /// A one-time link to show in this answer alone.
    pub fresh_link: Option<OneTimeLink>,
    /// A new API token with its secret, to show in this answer alone.
    pub fresh_token: Option<FreshToken>,
    /// What a grant would mean, to show in this answer alone.
    pub scope_effect: Option<ScopeEffect>,
    /// Recovery codes to show in this answer alone.
    pub fresh_codes: Option<RecoveryCodes>,
    /// What the sign-in pages show.
    pub view: SignInView,
    /// The open page asked on its own: no activity of a person.
    pub background: bool,
    /// What the frame of a page shows; asked by the layer around the pages.
    pub frame: Option<Result<Frame, AppError>>,
    /// Status that a port's error asked for; 0 = none. Written by [`Visit::note`].
    pub(super) said: Arc<AtomicU16>,
}

impl Visit {
    /// The caller, or the error that leads to sign-in.
    pub fn caller(&self) -> Result<&Arc<Caller>, AppError> {
        self.caller.as_ref().ok_or(AppError::SignedOut)
    }

    /// Notes what a port's error asked for: refusals leave an audit entry.
    pub fn note(&self, status: u16) {
        self.said.store(status, Ordering::Relaxed);
    }
}

/// Name of the cookie. `__Host-` needs Secure, which browsers honour on https alone.
pub fn cookie_name(https: bool) -> &'static str {
    if https { "__Host-id" } else { "curfew-id" }
}

/// Takes the cookie away in words every browser accepts: the `__Host-` prefix is refused without Secure and Path.
pub fn forget_cookie(http: &Http) -> HeaderValue {
    if http.is_https() {
        HeaderValue::from_static("__Host-id=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
    } else {
        HeaderValue::from_static("curfew-id=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
    }
}

/// Name of the cookie that says whose session this browser had last. It opens nothing: a form that comes after the end
/// of its session is kept for that person alone, and by then the session and its own cookie may be gone.
const fn last_name(https: bool) -> &'static str {
    if https { "__Host-last" } else { "curfew-last" }
}

/// Remembers whose session this browser has; `None` = forgets it.
pub fn last_cookie(http: &Http, whose: Option<&str>) -> HeaderValue {
    let name = last_name(http.is_https());
    let secure = if http.is_https() { " Secure;" } else { "" };
    let text = match whose {
        Some(whose) => format!("{name}={whose}; Path=/;{secure} HttpOnly; SameSite=Lax"),
        None => format!("{name}=; Path=/; Max-Age=0;{secure} HttpOnly; SameSite=Lax"),
    };
    // An operator's id holds no character that a header refuses.
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
}

/// Whose session this browser had last, as its cookie says.
fn last_of(http: &Http, headers: &HeaderMap) -> Option<OperatorId> {
    let name = last_name(http.is_https());
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(n, value)| *n == name && !value.is_empty())
        .map(|(_, value)| OperatorId::from(value))
}

/// Where a request came from: the peer, or what the trusted proxy says.
pub fn origin_of(request: &Request, proxy: Option<&TrustedProxy>) -> Origin {
    let headers = request.headers();
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let told = proxy
        .filter(|proxy| peer.is_some_and(|peer| proxy.networks.iter().any(|net| net.contains(&peer))))
        .and_then(|proxy| headers.get(&proxy.header)?.to_str().ok())
        .and_then(|value| value.rsplit(',').next()?.trim().parse::<std::net::IpAddr>().ok());
    Origin {
        request_id: request
            .extensions()
            .get::<super::watch::RequestId>()
            .map(|id| id.0.clone())
            .unwrap_or_default(),
        ip: told.or(peer).map(|ip| ip.to_canonical().to_string()),
        user_agent: headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .map(|value| value.chars().take(300).collect()),
    }
}

/// The header of a request that a page made on its own: "1", or the rows it shows.
pub const BACKGROUND: &str = "x-curfew-background";

/// A request the page made on its own.
pub fn is_background(path: &str, headers: &HeaderMap) -> bool {
    path == paths::LIVE
        || headers.contains_key(BACKGROUND)
        || headers
            .get("sec-purpose")
            .is_some_and(|v| v.as_bytes().starts_with(b"prefetch"))
}

/// Asked by script: answered as data, never with a page.
pub fn is_call(path: &str) -> bool {
    [paths::LIVE, paths::COUNT, paths::SUGGEST].contains(&path)
}

/// Pages that need nobody.
fn is_open(path: &str) -> bool {
    path == paths::SIGN_IN || path == paths::WELCOME
}

/// What stays open to who must set up a second factor first: just that, and the doors.
fn is_open_without_factor(path: &str) -> bool {
    let open = [
        paths::SECOND_FACTOR,
        paths::post::SECOND_FACTOR,
        paths::STEP_UP,
        paths::SIGN_OUT,
    ];
    is_open(path) || open.contains(&path)
}

/// What anything else answers them: the page on which they set it up, and from there back.
fn factor_first(request: &Request) -> Response {
    let path = request.uri().path();
    if is_call(path) {
        return plain::json(&AppError::FactorFirst);
    }
    let then = match request.uri().path_and_query() {
        Some(whole) if request.method() == Method::GET && path != paths::FRAME => whole.as_str(),
        _ => paths::HOME,
    };
    plain::see_other(&paths::second_factor_for(then))
}

/// The layer.
pub async fn authenticate(
    State(http): State<Arc<Http>>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let origin = origin_of(&request, http.trusted_proxy.as_ref());
    let background = is_background(&path, request.headers());
    let mut visit = Visit {
        origin: origin.clone(),
        background,
        ..Visit::default()
    };
    let mut forget = false;
    if let Some(token) = session.id() {
        match http.signin.caller_by_token(&token, origin, !background).await {
            Ok(Presence::Here(caller)) => visit.caller = Some(Arc::new(*caller)),
            Ok(Presence::Over(whose)) => {
                visit.was = Some(whose);
                forget = true;
            }
            Ok(Presence::Unknown) => {
                forget = true;
                if limits::may_note_unknown(&visit.origin)
                    && let Err(cause) = http.signin.note_unknown(&visit.origin).await
                {
                    return trouble(&http, visit, request, cause).await;
                }
            }
            Err(cause) => return trouble(&http, visit, request, cause).await,
        }
    }
    if visit.caller.is_none() && visit.was.is_none() {
        visit.was = last_of(&http, request.headers());
    }
    let mut response = if visit.caller.is_none() && !is_open(&path) {
        nobody(&http, visit, request, forget).await
    } else {
        if let Some(caller) = &visit.caller
            && let Err(error) = limits::per_caller(&path, request.method(), caller)
        {
            note_rate(&http, caller, &path).await;
            return ui::error(&http, visit, request, error).await;
        }
        let missing = visit
            .caller
            .as_ref()
            .is_some_and(|c| c.factor == SecondFactor::Missing);
        if missing && !is_open_without_factor(&path) {
            return factor_first(&request);
        }
        // What was kept waits for the page it was kept for; the first address only leads to one.
        let is_page = !is_call(&path) && path != paths::HOME;
        let takes_flash = request.method() == Method::GET && is_page && !background && !missing;
        if takes_flash && let Some(id) = visit.caller.as_ref().and_then(|c| c.session.as_ref()) {
            match http.signin.take_kept(id).await {
                Ok(kept) => {
                    visit.flash = kept.flash;
                    visit.echo = kept.echo;
                }
                Err(cause) => return trouble(&http, visit, request, cause).await,
            }
        }
        let caller = visit.caller.clone();
        let said = visit.said.clone();
        let method = request.method().clone();
        // An address that leads nowhere refuses nobody anything.
        let leads_somewhere = request.extensions().get::<MatchedPath>().is_some();
        request.extensions_mut().insert(visit);
        let response = next.run(request).await;
        if let Some(caller) = caller.filter(|_| leads_somewhere) {
            note_refusal(
                &http,
                &caller,
                &method,
                &path,
                response.status(),
                said.load(Ordering::Relaxed),
            )
            .await;
        }
        response
    };
    if forget && !response.headers().contains_key(header::SET_COOKIE) {
        response
            .headers_mut()
            .append(header::SET_COOKIE, forget_cookie(&http));
    }
    response
}

/// The database did not answer, or something of ours broke: said as a page or as data.
async fn trouble(http: &Arc<Http>, visit: Visit, request: Request, cause: Error) -> Response {
    ui::error(http, visit, request, cause.into()).await
}

/// What a request without a caller gets.
async fn nobody(http: &Arc<Http>, visit: Visit, request: Request, had_cookie: bool) -> Response {
    let path = request.uri().path();
    if is_call(path) {
        return plain::json(&AppError::SignedOut);
    }
    let target = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    if request.method() == Method::POST {
        return doors::form_too_late(http, visit, request).await;
    }
    let to = match (had_cookie, target.as_str()) {
        (true, _) => doors::sign_in_after_end(&target),
        (false, paths::HOME) => paths::SIGN_IN.to_owned(),
        (false, _) => paths::sign_in_for(&target),
    };
    plain::see_other(&to)
}

/// Every refusal of a port leaves an entry: who tried what.
async fn note_refusal(
    http: &Http,
    caller: &Caller,
    method: &Method,
    path: &str,
    status: StatusCode,
    said: u16,
) {
    let refused = status == StatusCode::FORBIDDEN || said == 403 || said == 404;
    if !refused {
        return;
    }
    let entry = Entry::by(caller, Action::AuthzFail)
        .target(format!("{method} {path}"))
        .result(app::audit::wire::AuditResult::Refused)
        .fact("status", if said == 404 { 404 } else { 403 });
    if let Err(cause) = http.audit.note(&entry).await {
        tracing::error!(%cause, "a refusal could not be written to the audit");
    }
}

/// Too many requests of one person, once a minute at most.
async fn note_rate(http: &Http, caller: &Caller, path: &str) {
    if !limits::may_note_rate(caller) {
        return;
    }
    let entry = Entry::by(caller, Action::RateLimit)
        .target(path)
        .result(app::audit::wire::AuditResult::Refused);
    if let Err(cause) = http.audit.note(&entry).await {
        tracing::error!(%cause, "a rate limit could not be written to the audit");
    }
}
