//! What every simulated system needs: answers over loopback, tasks that stop with it, its settings entry, and secrets in
//! files that settings name.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::serve::ListenerExt;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::config::SystemSettings;
use crate::keys;

/// Answers there until it is aborted; `what` names it in the log, should it stop by itself.
pub fn serve(listener: TcpListener, router: Router, what: &'static str) -> JoinHandle<()> {
    // Without this an answer waits 40 ms for the other side's acknowledgement.
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).ok();
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        if let Err(cause) = axum::serve(listener, service).await {
            tracing::error!(%cause, "{what} stopped");
        }
    })
}

/// The same by https on a port of its own, with certificate and key from PEM files; the address and the task.
pub async fn serve_tls(
    router: Router,
    certificate: &Path,
    key: &Path,
    what: &'static str,
) -> anyhow::Result<(SocketAddr, JoinHandle<()>)> {
    // Whoever came first has set the same one.
    rustls::crypto::ring::default_provider().install_default().ok();
    let config = RustlsConfig::from_pem_file(certificate, key).await?;
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let server = axum_server::from_tcp(listener)?
        .acceptor(RustlsAcceptor::new(config).acceptor(NoDelayAcceptor::new()));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let task = tokio::spawn(async move {
        if let Err(cause) = server.serve(service).await {
            tracing::error!(%cause, "{what} stopped");
        }
    });
    Ok((address, task))
}

/// Tasks of a simulated system; they stop when this is dropped.
pub struct Tasks(Vec<JoinHandle<()>>);

impl Tasks {
    /// The task that answers.
    pub fn new(server: JoinHandle<()>) -> Self {
        Self(vec![server])
    }

    /// Takes a `step` every so often, for as long as what it is a step of is there.
    pub fn repeat<T: Send + Sync + 'static>(
        &mut self,
        every: Duration,
        of: &Arc<T>,
        step: impl Fn(&T) + Send + 'static,
    ) {
        let of = Arc::downgrade(of);
        self.0.push(tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(of) = of.upgrade() else { return };
                step(&of);
            }
        }));
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

/// The settings entry of a simulated system, which needs no pause between requests.
pub fn entry(kind: &str, name: &str, own: toml::Table) -> SystemSettings {
    SystemSettings {
        kind: kind.to_owned(),
        name: Some(name.to_owned()),
        simulated: true,
        collect_every_s: None,
        profile: Default::default(),
        signs_in_by: None,
        timeout_ms: None,
        pace_ms: Some(0),
        connections: 4,
        own,
    }
}

/// Whether a call to `/control` carries the token that sets faults.
pub fn may_control(headers: &HeaderMap, token: &str) -> bool {
    let bearer = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    bearer == Some(&format!("Bearer {token}"))
}

/// Secrets that settings refer to, each in a file of its own; they go with it.
#[derive(Default)]
pub struct Secrets(Vec<PathBuf>);

impl Secrets {
    /// Puts a secret into a file; the reference that settings name it by.
    pub fn put(&mut self, secret: &str) -> anyhow::Result<String> {
        let file = std::env::temp_dir().join(format!("curfew-simulator-{}", keys::random_id()));
        keys::write_private(&file, secret)?;
        let reference = format!("file:{}", file.display());
        self.0.push(file);
        Ok(reference)
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        for file in &self.0 {
            std::fs::remove_file(file).ok();
        }
    }
}
