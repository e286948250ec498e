//! What every simulated system needs: answers over loopback, and secrets in files that settings name.

use std::path::PathBuf;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::keys;

/// Answers there until it is aborted; `what` names it in the log, should it stop by itself.
pub fn serve(listener: TcpListener, router: Router, what: &'static str) -> JoinHandle<()> {
    // Without this an answer waits 40 ms for the other side's acknowledgement.
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).ok();
    });
    tokio::spawn(async move {
        if let Err(cause) = axum::serve(listener, router).await {
            tracing::error!(%cause, "{what} stopped");
        }
    })
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
