//! What every simulated system needs: answers over loopback, and secrets in files that settings name.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::serve::ListenerExt;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

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
