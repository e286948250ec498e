//! Mounts the pages: one context, bound to the caller of this very request.

use std::sync::Arc;

use app::access::page::FreshLink;
use app::access::scope::Effect;
use app::access::tokens::FreshToken;
use app::backend::{Background, OpenRows, SetStatus};
use app::error::AppError;
use app::layout::{FrameAnswer, ShownAt, SiteVersion};
use app::paths;
use app::signin::second_factor::FreshCodes;
use app::wire::SessionKey;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use leptos::config::LeptosOptions;
use leptos::nonce::use_nonce;
use leptos::prelude::{provide_context, use_context};
use leptos_axum::ResponseOptions;

use super::authenticate::{BACKGROUND, Visit, is_call};
use super::{Http, doors, files, headers, plain};

/// What leptos needs to know of the site's files.
pub fn options() -> LeptosOptions {
    LeptosOptions::builder()
        .output_name("curfew")
        .site_root(files::root().display().to_string())
        .site_pkg_dir("pkg")
        .build()
}

/// The context of every page.
pub fn context(http: &Arc<Http>) -> impl Fn() + Clone + Send + Sync + 'static {
    let http = http.clone();
    move || {
        let Some(parts) = use_context::<Parts>() else {
            return;
        };
        let visit = parts.extensions.get::<Visit>().cloned().unwrap_or_default();
        if let Some(caller) = &visit.caller {
            provide_context((http.backend)(caller));
        }
        let path = parts.uri.path();
        let options = use_context::<ResponseOptions>();
        let noted = visit.clone();
        let answer = options.clone();
        let set_status: Arc<dyn Fn(u16) + Send + Sync> = Arc::new(move |status| {
            noted.note(status);
            if let (Some(options), Ok(status)) = (&answer, StatusCode::from_u16(status)) {
                options.set_status(status);
            }
        });
        provide_context(SetStatus(set_status.clone()));
        provide_context(Background(visit.background));
        provide_context(open_rows(&parts.headers));
        if let Some(frame) = visit.frame.clone() {
            if let Err(error) = &frame {
                set_status(error.status());
            }
            provide_context(FrameAnswer(frame));
        }
        provide_context(SiteVersion(files::version()));
        provide_context(ShownAt(match parts.uri.path_and_query() {
            Some(whole) => whole.as_str().to_owned(),
            None => path.to_owned(),
        }));
        provide_context(doors::view(&http, &visit, &parts));
        if let Some(echo) = visit.echo {
            provide_context(echo);
        }
        if let Some(flash) = visit.flash {
            provide_context(flash);
        }
        if let Some(fresh) = visit.fresh_link {
            provide_context(FreshLink(fresh));
        }
        if let Some(fresh) = visit.fresh_token {
            provide_context(FreshToken(fresh));
        }
        if let Some(effect) = visit.scope_effect {
            provide_context(Effect(effect));
        }
        if let Some(fresh) = visit.fresh_codes {
            provide_context(FreshCodes(fresh));
        }
        if let (Some(options), Some(nonce)) = (options, use_nonce())
            && let Ok(policy) = HeaderValue::from_str(&headers::page_policy(&nonce))
        {
            options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    }
}

/// The rows that a request of the page's own names: keys with commas between them.
fn open_rows(headers: &HeaderMap) -> OpenRows {
    let named = headers.get(BACKGROUND).and_then(|value| value.to_str().ok());
    let keys = named.unwrap_or_default().split(',').map(str::trim);
    OpenRows(
        keys.filter(|key| key.len() > 1 && key.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .map(SessionKey::from)
            .collect(),
    )
}

/// The layer around the pages: asks who is signed in and what they may, for the frame.
pub async fn frame(State(http): State<Arc<Http>>, mut request: Request, next: Next) -> Response {
    if let Some(visit) = request.extensions_mut().remove::<Visit>() {
        if request.uri().path() == paths::HOME
            && let Some(caller) = &visit.caller
        {
            // Where nothing was chosen, or may be seen, it is the plain list, which says why.
            let start = (http.backend)(caller).views.start_page().await;
            return plain::see_other(&paths::sessions(&start.unwrap_or_default()));
        }
        let visit = framed(&http, visit).await;
        request.extensions_mut().insert(visit);
    }
    next.run(request).await
}

async fn framed(http: &Http, mut visit: Visit) -> Visit {
    if let Some(caller) = &visit.caller {
        visit.frame = Some((http.backend)(caller).signin.frame().await);
    }
    visit
}

/// Draws the page at `address` (an own path with query) for this visit; `status` instead of the page's own.
///
/// For answers to forms: the browser shows what it would show at that address, with the form as it was sent.
pub async fn page(http: &Arc<Http>, visit: Visit, address: &str, status: Option<StatusCode>) -> Response {
    let request = Request::builder()
        .method(Method::GET)
        .uri(address)
        .body(Body::empty());
    let Ok(mut request) = request else {
        return plain::see_other(paths::HOME);
    };
    request.extensions_mut().insert(framed(http, visit).await);
    let options = options();
    let draw = leptos_axum::render_app_async_with_context(context(http), move || app::shell(options.clone()));
    let mut response = draw(request).await;
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    response
}

/// An error that no page or port has: data for calls, the plain page for the rest.
pub async fn error(_http: &Arc<Http>, _visit: Visit, request: Request, error: AppError) -> Response {
    if is_call(request.uri().path()) {
        plain::json(&error)
    } else {
        plain::page(&error)
    }
}
