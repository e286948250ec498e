//! The forms of signing in and out: there is no caller yet, or they change who it is. The room decides, this file gives
//! and takes cookies.
//!
//! A form that came after its session was over is carried along: the sign-in page holds its fields, and after sign-in
//! by the same person the page shows it again, filled in. It is never sent by itself.

use std::sync::Arc;

use app::error::{AppError, FieldProblem};
use app::layout::{Flash, FormEcho};
use app::paths;
use app::signin::view::SignInView;
use app::wire::PortalSessionId;
use axum::Extension;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use tower_sessions::Session;

use super::authenticate::{Visit, forget_cookie, last_cookie};
use super::limits::AddressLimit;
use super::{Http, forms, plain, ui};
use crate::caller::SecondFactor;
use crate::error::Error;
use crate::signin::factor::STEP;
use crate::signin::{Entered, SignedIn, tokens};

/// Prefix of carried fields: they can't be taken for the door's own.
const KEPT: &str = "kept.";
/// Path the carried form was posted to.
const KEPT_PATH: &str = "kept.path";
/// Whose it was.
const KEPT_FOR: &str = "kept.for";
/// Prefix of its fields.
const KEPT_FIELD: &str = "kept.f.";
/// Longest carried form, bytes.
const KEPT_MOST: usize = 48 * 1024;
/// Query parameter of a sign-in page that follows a session's end.
const OVER: &str = "over";

const IS_OVER: &str =
    "Your last sign-in is over: it was idle too long, reached its longest life, or was ended.";
const SEND_AGAIN: &str =
    "Nothing was sent yet. This is what you had typed: look at it and send it once more.";

/// Fields of one request.
pub type Pairs = Vec<(String, String)>;

/// The first value of a field; empty when it was not sent.
pub fn value<'a>(pairs: &'a Pairs, name: &str) -> &'a str {
    pairs
        .iter()
        .find(|(n, _)| n == name)
        .map_or("", |(_, value)| value.as_str())
}

/// An address of our own to lead to, or nothing (security D15): a path, no other host, no control characters.
pub fn own_path(next: &str) -> Option<String> {
    let mut chars = next.chars();
    let own = chars.next() == Some('/')
        && !matches!(chars.next(), Some('/' | '\\'))
        && !next.contains('\\')
        && next.len() <= 4_096
        && !next.chars().any(|c| c.is_control() || c.is_whitespace())
        && next.parse::<axum::http::Uri>().is_ok();
    let path = next.split(['?', '#']).next().unwrap_or_default();
    let door = [paths::SIGN_IN, paths::SIGN_OUT, paths::WELCOME, paths::STEP_UP].contains(&path);
    (own && !door).then(|| next.to_owned())
}

/// The sign-in page that says that a session is over.
pub fn sign_in_after_end(next: &str) -> String {
    let mut pairs = vec![(OVER, "1")];
    if next != paths::HOME {
        pairs.insert(0, ("next", next));
    }
    paths::with_query(paths::SIGN_IN, &paths::query_string(&pairs))
}

/// What the pages of this room show, from the address and the visit.
pub fn view(http: &Http, visit: &Visit, parts: &Parts) -> SignInView {
    let path = parts.uri.path();
    if ![
        paths::SIGN_IN,
        paths::WELCOME,
        paths::STEP_UP,
        paths::SECOND_FACTOR,
    ]
    .contains(&path)
    {
        return SignInView::default();
    }
    let mut view = visit.view.clone();
    let query = paths::parse_query(parts.uri.query().unwrap_or_default());
    view.instance = http.signin.installation().instance.clone();
    if view.next.is_empty() {
        view.next = own_path(value(&query, "next")).unwrap_or_default();
    }
    if let Some(caller) = visit.caller.as_ref().filter(|_| path == paths::STEP_UP) {
        view.login = caller.login.clone();
        view.asks_code = caller.factor == SecondFactor::Set;
    }
    if !value(&query, OVER).is_empty() && view.notice.is_none() {
        view.notice = Some(IS_OVER.to_owned());
    }
    view.address_warning = address_warning(http, parts);
    view
}

/// Set when the address in the browser is not the one in the settings: then cookies and forms can't work.
fn address_warning(http: &Http, parts: &Parts) -> Option<String> {
    let host = parts.headers.get(header::HOST)?.to_str().ok()?;
    let (scheme, own) = http.public_url.split_once("://")?;
    let proto = parts
        .headers
        .get("x-forwarded-proto")
        .and_then(|v| v.to_str().ok())
        .filter(|_| http.trusted_proxy.is_some());
    let loopback = |h: &str| {
        h.rsplit_once(':')
            .map_or((h.to_owned(), String::new()), |(h, p)| {
                (h.to_owned(), p.to_owned())
            })
    };
    let (own_name, own_port) = loopback(own);
    let (name, port) = loopback(host);
    let is_loopback = |n: &str| n == "localhost" || n == "127.0.0.1" || n == "[::1]";
    let same_machine = scheme == "http" && own_port == port && is_loopback(&own_name) && is_loopback(&name);
    let same = host.eq_ignore_ascii_case(own) || same_machine;
    if same && proto.is_none_or(|proto| proto == scheme) {
        return None;
    }
    Some(format!(
        "You opened {}://{host}, but this portal is set up for {}. Open that address, or set public_url in \
         curfew.toml to the one people type.",
        proto.unwrap_or(if same { scheme } else { "…" }),
        http.public_url
    ))
}

/// Reads the fields of a request. Broken ones read as none.
pub async fn pairs_of(request: Request) -> Pairs {
    // The size was limited before anybody came here.
    let bytes = to_bytes(request.into_body(), usize::MAX)
        .await
        .unwrap_or_default();
    paths::parse_query(&String::from_utf8_lossy(&bytes))
}

/// The fields of a form that has to wait, to be carried by the sign-in or step-up page.
fn carried(path: &str, whose: &str, pairs: &Pairs) -> Pairs {
    let pairs = forms::without_secrets(path, pairs);
    let size: usize = pairs.iter().map(|(n, v)| n.len() + v.len() + 8).sum();
    if pairs.is_empty() || size > KEPT_MOST {
        return Vec::new();
    }
    let mut kept = vec![
        (KEPT_PATH.to_owned(), path.to_owned()),
        (KEPT_FOR.to_owned(), whose.to_owned()),
    ];
    kept.extend(pairs.into_iter().map(|(n, v)| (format!("{KEPT_FIELD}{n}"), v)));
    kept
}

/// The carried form, if it belongs to this person and to one of our forms.
fn uncarried(pairs: &Pairs, whose: &str) -> Option<FormEcho> {
    let path = value(pairs, KEPT_PATH);
    if path.is_empty() || value(pairs, KEPT_FOR) != whose || !forms::is_form(path) {
        return None;
    }
    Some(FormEcho {
        path: path.to_owned(),
        pairs: pairs
            .iter()
            .filter_map(|(n, v)| Some((n.strip_prefix(KEPT_FIELD)?.to_owned(), v.clone())))
            .collect(),
        problems: vec![FieldProblem {
            field: String::new(),
            message: SEND_AGAIN.to_owned(),
        }],
    })
}

/// The carried fields as they came, to be carried on.
fn still_carried(pairs: &Pairs) -> Pairs {
    pairs
        .iter()
        .filter(|(n, _)| n.starts_with(KEPT))
        .cloned()
        .collect()
}

/// A form without a caller: the sign-in page with its fields, if we know whose it was.
pub async fn form_too_late(http: &Arc<Http>, visit: Visit, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let whose = visit.was.clone();
    let pairs = pairs_of(request).await;
    let next = forms::page_of(&path, &pairs);
    let hidden = whose.map_or_else(Vec::new, |whose| carried(&path, whose.as_str(), &pairs));
    let notice = if hidden.is_empty() {
        "You are signed out, so nothing was changed.".to_owned()
    } else {
        "You were signed out, so nothing was changed. What you had typed is kept and shown again after you sign in."
            .to_owned()
    };
    let visit = Visit {
        view: SignInView {
            next: next.clone(),
            hidden,
            notice: Some(notice),
            ..SignInView::default()
        },
        ..visit
    };
    ui::page(
        http,
        visit,
        &paths::sign_in_for(&next),
        Some(StatusCode::UNAUTHORIZED),
    )
    .await
}

/// A form that needs the password once more: the step-up page with its fields.
pub async fn step_up_first(http: &Arc<Http>, visit: Visit, path: &str, pairs: &Pairs) -> Response {
    let next = forms::page_of(path, pairs);
    let whose = visit.caller.as_ref().map(|c| c.id.0.clone()).unwrap_or_default();
    let hidden = carried(path, &whose, pairs);
    let visit = Visit {
        view: SignInView {
            next: next.clone(),
            hidden,
            ..SignInView::default()
        },
        ..visit
    };
    ui::page(
        http,
        visit,
        &paths::step_up_for(&next),
        Some(StatusCode::UNAUTHORIZED),
    )
    .await
}

/// Keeps what belongs to the next page, gives the cookie, leads on.
async fn let_in(
    http: &Http,
    session: &Session,
    id: &PortalSessionId,
    whose: &str,
    pairs: &Pairs,
) -> Result<Response, Error> {
    tokens::attach(session, id).await?;
    if let Some(echo) = uncarried(pairs, whose) {
        http.signin.keep_echo(id, &echo).await?;
    }
    let next = own_path(value(pairs, "next")).unwrap_or_else(|| paths::HOME.to_owned());
    let mut response = plain::see_other(&next);
    response
        .headers_mut()
        .append(header::SET_COOKIE, last_cookie(http, Some(whose)));
    Ok(response)
}

/// Lets somebody in who just signed in, and says so when that cost a recovery code.
async fn signed_in(
    http: &Http,
    session: &Session,
    person: &SignedIn,
    pairs: &Pairs,
) -> Result<Response, Error> {
    let response = let_in(http, session, &person.session, person.operator.as_str(), pairs).await?;
    if let Some(left) = person.codes_left {
        let codes = app::ui::counted(u64::from(left), "recovery code", "recovery codes");
        let flash = Flash {
            message: format!(
                "You signed in by a recovery code: {codes} left. Make new ones on your account page."
            ),
            failed: false,
        };
        http.signin.keep_flash(&person.session, &flash).await?;
    }
    Ok(response)
}

/// The page that asks for the code: the sign-in page in its second step.
async fn ask_code(http: &Arc<Http>, visit: Visit, step: &str, pairs: &Pairs) -> Response {
    let visit = Visit {
        view: SignInView {
            next: own_path(value(pairs, "next")).unwrap_or_default(),
            step: step.to_owned(),
            hidden: still_carried(pairs),
            ..SignInView::default()
        },
        // Whoever was signed in here before stays so until the code is right, but this page is not theirs.
        caller: None,
        ..visit
    };
    ui::page(http, visit, paths::SIGN_IN, None).await
}

/// `POST /sign-in`: name and password, or the code of the second step.
pub async fn sign_in(
    State(http): State<Arc<Http>>,
    Extension(limit): Extension<Arc<AddressLimit>>,
    Extension(visit): Extension<Visit>,
    session: Session,
    request: Request,
) -> Response {
    let pairs = pairs_of(request).await;
    let login = value(&pairs, "login").to_owned();
    let step = value(&pairs, STEP).to_owned();
    let tried = async {
        limit.take(&visit.origin)?;
        let replaces = visit.caller.as_ref().and_then(|c| c.session.clone());
        let secret = |name: &str| SecretString::from(value(&pairs, name));
        if !step.is_empty() {
            let person = http
                .signin
                .second_step(&step, secret("code"), &visit.origin, replaces)
                .await?;
            return signed_in(&http, &session, &person, &pairs).await;
        }
        let entered = http
            .signin
            .sign_in(&login, secret("password"), &visit.origin, replaces)
            .await?;
        match entered {
            Entered::In(person) => signed_in(&http, &session, &person, &pairs).await,
            Entered::NeedsCode(step) => {
                Ok(ask_code(&http, visit.clone(), step.expose_secret(), &pairs).await)
            }
        }
    }
    .await;
    match tried {
        Ok(response) => response,
        Err(error) => {
            let error = AppError::from(error);
            let over =
                matches!(&error, AppError::Invalid { problems } if problems.iter().any(|p| p.field == STEP));
            let visit = Visit {
                view: SignInView {
                    next: own_path(value(&pairs, "next")).unwrap_or_default(),
                    step: if over { String::new() } else { step },
                    login,
                    problem: Some(error.sentence()),
                    hidden: still_carried(&pairs),
                    ..SignInView::default()
                },
                ..visit
            };
            refused(&http, visit, paths::SIGN_IN, &error).await
        }
    }
}

/// `POST /welcome`
pub async fn welcome(
    State(http): State<Arc<Http>>,
    Extension(limit): Extension<Arc<AddressLimit>>,
    Extension(visit): Extension<Visit>,
    session: Session,
    request: Request,
) -> Response {
    let pairs = pairs_of(request).await;
    let tried = async {
        limit.take(&visit.origin)?;
        let secret = |name: &str| SecretString::from(value(&pairs, name));
        let replaces = visit.caller.as_ref().and_then(|c| c.session.clone());
        let entered = http
            .signin
            .welcome(
                secret("code"),
                secret("new"),
                secret("again"),
                &visit.origin,
                replaces,
            )
            .await?;
        match entered {
            Entered::In(person) => signed_in(&http, &session, &person, &Vec::new()).await,
            Entered::NeedsCode(step) => {
                Ok(ask_code(&http, visit.clone(), step.expose_secret(), &Vec::new()).await)
            }
        }
    }
    .await;
    match tried {
        Ok(response) => response,
        Err(error) => {
            let error = AppError::from(error);
            let mut visit = visit;
            match &error {
                AppError::Invalid { problems } => {
                    visit.echo = Some(FormEcho {
                        path: paths::WELCOME.to_owned(),
                        pairs: Vec::new(),
                        problems: problems.clone(),
                    });
                }
                other => visit.view.problem = Some(other.sentence()),
            }
            refused(&http, visit, paths::WELCOME, &error).await
        }
    }
}

/// `POST /step-up`
pub async fn step_up(
    State(http): State<Arc<Http>>,
    Extension(visit): Extension<Visit>,
    session: Session,
    request: Request,
) -> Response {
    let pairs = pairs_of(request).await;
    let tried = async {
        let caller = visit.caller()?;
        let secret = |name: &str| SecretString::from(value(&pairs, name));
        let id = http
            .signin
            .step_up(caller, secret("password"), secret("code"))
            .await?;
        let_in(&http, &session, &id, caller.id.as_str(), &pairs).await
    }
    .await;
    match tried {
        Ok(response) => response,
        Err(error) => {
            let error = AppError::from(error);
            let visit = Visit {
                view: SignInView {
                    next: own_path(value(&pairs, "next")).unwrap_or_default(),
                    problem: Some(error.sentence()),
                    hidden: still_carried(&pairs),
                    ..SignInView::default()
                },
                ..visit
            };
            refused(&http, visit, paths::STEP_UP, &error).await
        }
    }
}

async fn refused(http: &Arc<Http>, visit: Visit, address: &str, error: &AppError) -> Response {
    let mut response = ui::page(http, visit, address, Some(plain::status(error))).await;
    plain::retry_after(error, &mut response);
    response
}

/// `POST /sign-out`: the session is over everywhere, the browser forgets what it kept of us (security A9).
pub async fn sign_out(
    State(http): State<Arc<Http>>,
    Extension(visit): Extension<Visit>,
    session: Session,
) -> Response {
    let done = async {
        http.signin.sign_out(visit.caller()?).await?;
        tokens::detach(&session).await
    }
    .await;
    if let Err(error) = done {
        return plain::page(&AppError::from(error));
    }
    let mut response = plain::see_other(paths::SIGN_IN);
    let headers = response.headers_mut();
    headers.append(header::SET_COOKIE, forget_cookie(&http));
    headers.append(header::SET_COOKIE, last_cookie(&http, None));
    // Not "cookies": that would sign people out of every neighbour under the same domain.
    headers.insert(
        HeaderName::from_static("clear-site-data"),
        HeaderValue::from_static("\"cache\", \"storage\""),
    );
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_d15_next_leads_to_own_paths_only() {
        for good in [
            "/",
            "/sessions?q=a+b&sort=person",
            "/endings/1042#items",
            "/access",
        ] {
            assert_eq!(own_path(good).as_deref(), Some(good));
        }
        for bad in [
            "",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/ok\r\nSet-Cookie: a=b",
            "/a b",
            "evil.example",
            "/sign-out",
            "/sign-in?next=/sign-in",
        ] {
            assert_eq!(own_path(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn ui_i5_a_late_form_is_carried_for_its_own_person_only() {
        let sent: Pairs = [("act", "protect"), ("account", "a"), ("reason", "b")]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .to_vec();
        let mut kept = carried(paths::post::ACCESS, "op1", &sent);
        kept.push(("login".to_owned(), "mara".to_owned()));
        let echo = uncarried(&kept, "op1").unwrap();
        assert_eq!(echo.path, paths::post::ACCESS);
        assert_eq!(echo.pairs, sent);
        assert!(uncarried(&kept, "op2").is_none());
        let secret: Pairs = [("act", "password"), ("current", "x"), ("new", "y")]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .to_vec();
        let kept = carried(paths::post::ACCOUNT, "op1", &secret);
        assert!(
            kept.iter()
                .all(|(n, _)| n != "kept.f.current" && n != "kept.f.new")
        );
    }
}
