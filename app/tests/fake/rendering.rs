//! A page as HTML, the way the server draws it for one request, and the words in it.

use std::sync::{Arc, Mutex};

use app::access::page::FreshLink;
use app::backend::{Backend, OpenRows, SetStatus};
use app::error::AppError;
use app::layout::{Flash, FormEcho, SiteVersion};
use app::signin::second_factor::FreshCodes;
use app::signin::view::SignInView;
use futures::StreamExt;
use hydration_context::{SharedContext, SsrSharedContext};
use leptos::prelude::*;
use leptos_meta::ServerMetaContext;
use leptos_router::location::RequestUrl;

use super::{Fake, World};

/// What the server would put into the context of one request.
#[derive(Clone, Default)]
pub struct Given {
    pub backend: Option<Backend>,
    pub view: Option<SignInView>,
    pub echo: Option<FormEcho>,
    pub flash: Option<Flash>,
    pub link: Option<FreshLink>,
    pub codes: Option<FreshCodes>,
    pub open: Option<OpenRows>,
}

impl Given {
    pub fn world(world: World) -> Self {
        Given {
            backend: Some(Fake::of(world)),
            ..Given::default()
        }
    }

    pub fn error(error: AppError) -> Self {
        Given {
            backend: Some(Fake::failing(World::many(), error)),
            ..Given::default()
        }
    }
}

/// Status and HTML of a page with the data behind it, as a browser without script gets it.
pub fn page(path: &str, given: Given) -> (u16, String) {
    // Whoever comes first starts it.
    let _ = any_spawner::Executor::init_tokio();
    let status = Arc::new(Mutex::new(200));
    let shared = Arc::new(SsrSharedContext::new());
    let owner = Owner::new_root(Some(shared.clone()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime of one thread");
    // One thread for one page: what the page spawns runs here too, and tests do not wait for each other.
    let html = tokio::task::LocalSet::new().block_on(&runtime, async {
        let (meta, output) = ServerMetaContext::new();
        let frame = match &given.backend {
            Some(backend) => Some(backend.signin.frame().await),
            None => None,
        };
        let stream = owner.with(|| {
            let status = status.clone();
            provide_context(SetStatus(Arc::new(move |code| {
                *status.lock().expect("one thread") = code;
            })));
            leptos::nonce::provide_nonce();
            provide_context(meta);
            provide_context(RequestUrl::new(path));
            provide_context(SiteVersion("7".to_owned()));
            if let Some(frame) = frame {
                provide_context(app::layout::FrameAnswer(frame));
            }
            if let Some(given) = given.backend {
                provide_context(given);
            }
            if let Some(given) = given.view {
                provide_context(given);
            }
            if let Some(given) = given.echo {
                provide_context(given);
            }
            if let Some(given) = given.flash {
                provide_context(given);
            }
            if let Some(given) = given.link {
                provide_context(given);
            }
            if let Some(given) = given.open {
                provide_context(given);
            }
            if let Some(given) = given.codes {
                provide_context(given);
            }
            let options = LeptosOptions::builder()
                .output_name("curfew")
                .site_pkg_dir("pkg")
                .build();
            app::shell(options).to_html_stream_in_order()
        });
        let html: String = stream.collect().await;
        let whole = output
            .inject_meta_context(Box::pin(futures::stream::once(async { html })))
            .await;
        let mut html = whole.collect::<String>().await;
        let data: Vec<String> = shared.pending_data().expect("a server render").collect().await;
        html.push_str(&data.concat());
        html
    });
    drop(owner);
    let status = *status.lock().expect("one thread");
    (status, html)
}

/// The document without the data that travels behind it for the browser.
pub fn markup(html: &str) -> &str {
    html.split_once("</html>").map_or(html, |(page, _)| page)
}

/// The words of a page: its body without tags, script and comments, one space between.
pub fn words(html: &str) -> String {
    let html = markup(html);
    let body = html.split_once("<body").map_or(html, |(_, body)| body);
    let mut out = String::new();
    let mut rest = body;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = if rest.starts_with("<script") {
            rest.find("</script>").map(|end| end + "</script>".len())
        } else if rest.starts_with("<!--") {
            rest.find("-->").map(|end| end + 3)
        } else {
            out.push(' ');
            rest.find('>').map(|end| end + 1)
        };
        rest = end.map_or("", |end| &rest[end..]);
    }
    out.push_str(rest);
    let out = out
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}
