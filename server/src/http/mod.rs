//! HTTP: the only room that knows it. Who is calling, may this request be taken at all, and which room answers.
//!
//! Order of the layers, outermost first: `watch` (request id, log line, metrics, panics), `headers` (what browsers must
//! not do), `limits` (time, size, rate), `origin` (foreign forms), the cookie layer, `authenticate` (who). Behind them
//! stand the pages (`ui`), the plain forms (`doors` for signing in, `forms` for everything else), `live` and the
//! lists as files (`exports`). Health, files of the site, metrics, the API (`api`, by token), the ticket
//! broker (`broker`, by tokens of apps) and the addresses for signals (`signals`) have no cookie layer at all.
//! Start reading at [`router`].

use std::net::SocketAddr;
use std::sync::Arc;

use app::backend::Backend;
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::audit::Audit;
use crate::caller::Caller;
use crate::changes::Changes;
use crate::clock::Clock;
use crate::config::{Tls, TrustedProxy};
use crate::db::Db;
use crate::sessions::Sessions;
use crate::signals::Signals;
use crate::signin::SignIn;
use crate::tickets::Tickets;

pub mod api;
mod authenticate;
mod broker;
mod doors;
mod exports;
mod files;
mod forms;
mod headers;
pub mod health;
mod limits;
mod live;
mod origin;
mod people;
mod plain;
mod reports;
mod router;
mod signals;
mod ui;
mod watch;

pub use authenticate::cookie_name;
pub use broker::router as broker_router;
pub use forms::ROUTES as FORM_ROUTES;
pub use limits::forget_quiet;
pub use router::{OPEN_PATHS, router};

/// Binds the ports to a caller: the portal's own business.
pub type BackendFor = Arc<dyn Fn(&Arc<Caller>) -> Backend + Send + Sync>;

/// What HTTP needs of the portal.
pub struct Http {
    /// Signing in.
    pub signin: Arc<SignIn>,
    /// The log.
    pub audit: Arc<Audit>,
    /// The inventory, for files of it.
    pub sessions: Arc<Sessions>,
    /// What changed.
    pub changes: Arc<Changes>,
    /// Now.
    pub clock: Arc<dyn Clock>,
    /// Asked whether it answers.
    pub db: Db,
    /// Knows tokens.
    pub access: Arc<Access>,
    /// The ticket broker.
    pub tickets: Arc<Tickets>,
    /// Signals of identity servers.
    pub signals: Arc<Signals>,
    /// The broker has a listener of its own: its addresses are not beside the pages.
    pub broker_apart: bool,
    /// The ports of a caller.
    pub backend: BackendFor,
    /// The address people type, without a slash at the end.
    pub public_url: String,
    /// Whose word about the browser's address counts.
    pub trusted_proxy: Option<TrustedProxy>,
    /// Sign-in tries a minute from one address.
    pub per_address_per_minute: u32,
    /// Calls a minute of one API token.
    pub api_per_minute: u32,
    /// Cancelled when the portal stops: long streams end.
    pub stop: CancellationToken,
}

impl Http {
    /// Whether people reach the portal by https.
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// Serves until `stop` is cancelled, then lets requests in hand finish for up to ten seconds.
///
/// `listener` is bound already, so that its port is known before anybody is told of it.
pub async fn serve(
    listener: std::net::TcpListener,
    tls: Option<&Tls>,
    router: axum::Router,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    use axum_server::accept::NoDelayAcceptor;

    listener.set_nonblocking(true)?;
    let handle = axum_server::Handle::new();
    let graceful = handle.clone();
    tokio::spawn(async move {
        stop.cancelled().await;
        graceful.graceful_shutdown(Some(std::time::Duration::from_secs(10)));
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        Some(files) => {
            install_tls();
            let config =
                axum_server::tls_rustls::RustlsConfig::from_pem_file(&files.certificate, &files.key).await?;
            axum_server::from_tcp(listener)?
                .acceptor(
                    axum_server::tls_rustls::RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new()),
                )
                .handle(handle)
                .serve(service)
                .await?;
        }
        None => {
            axum_server::from_tcp(listener)?
                .acceptor(NoDelayAcceptor::new())
                .handle(handle)
                .serve(service)
                .await?;
        }
    }
    Ok(())
}

/// Makes ring the process's TLS provider; a second call changes nothing.
pub fn install_tls() {
    rustls::crypto::ring::default_provider().install_default().ok();
}
