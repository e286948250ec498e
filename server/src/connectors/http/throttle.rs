//! Limits on how often a system is asked, whatever it is asked for.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::connectors::ConnectorError;

/// Most requests at a time, and the pause between them. A list is many requests, so this is counted here, not per call.
pub(super) struct Throttle {
    slots: Arc<Semaphore>,
    pace: Duration,
    next: Mutex<Option<Instant>>,
}

impl Throttle {
    /// At least one request at a time; `pace` zero = no pause.
    pub(super) fn new(connections: usize, pace: Duration) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(connections.max(1))),
            pace,
            next: Mutex::new(None),
        }
    }

    /// Waits for its turn, which lasts until the slot is dropped.
    pub(super) async fn enter(&self) -> Result<OwnedSemaphorePermit, ConnectorError> {
        let slot = self.slots.clone().acquire_owned().await;
        let slot = slot.map_err(|_| ConnectorError::stopped())?;
        if !self.pace.is_zero() {
            let at = {
                let mut next = self.next.lock().await;
                let at = next.map_or_else(Instant::now, |due| due.max(Instant::now()));
                *next = Some(at + self.pace);
                at
            };
            tokio::time::sleep_until(at).await;
        }
        Ok(slot)
    }
}
