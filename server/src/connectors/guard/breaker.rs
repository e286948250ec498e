//! The circuit breaker: a system that keeps failing, or refuses our identity, is left alone.

use app::wire::Timestamp;

use crate::connectors::{ConnectorError, ErrorKind};

/// Failures in a row after which a system is left alone.
const OPENS_AFTER: u32 = 5;
/// Rest after that, seconds; doubled each time it fails again, up to [`LONGEST_REST_S`].
pub(super) const REST_S: i64 = 15;
const LONGEST_REST_S: i64 = 240;

/// Whether a system is being called at all.
#[derive(Clone, Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    /// Left alone until then; one call may try after it.
    pub until: Option<Timestamp>,
    /// Identity refused: left alone until settings change or a person tests.
    refused: bool,
    last: Option<ConnectorError>,
}

impl Breaker {
    /// `Err` with the last failure while the system is left alone. After the rest exactly one call gets through.
    pub fn admit(&mut self, now: Timestamp) -> Result<(), ConnectorError> {
        let left_alone = self.refused || self.until.is_some_and(|until| now < until);
        if left_alone && let Some(last) = &self.last {
            return Err(last.clone());
        }
        if self.until.is_some() {
            // Half open: others wait until this call has told.
            self.until = Some(now.plus_seconds(REST_S));
        }
        Ok(())
    }

    /// Notes how a call went.
    pub fn note(&mut self, result: Result<(), &ConnectorError>, now: Timestamp) {
        match result {
            Ok(()) => *self = Self::default(),
            Err(error) => match error.kind {
                ErrorKind::Stopped | ErrorKind::Unsupported | ErrorKind::Forbidden => {}
                ErrorKind::Unauthorized => {
                    self.refused = true;
                    self.last = Some(error.clone());
                }
                ErrorKind::Unreachable | ErrorKind::RateLimited | ErrorKind::Protocol => {
                    self.failures = self.failures.saturating_add(1);
                    if self.failures >= OPENS_AFTER {
                        let doubled = (self.failures - OPENS_AFTER).min(8);
                        let rest = (REST_S << doubled).min(LONGEST_REST_S);
                        let rest = rest.max(error.retry_after_s.map_or(0, i64::from));
                        self.until = Some(now.plus_seconds(rest));
                    }
                    self.last = Some(error.clone());
                }
            },
        }
    }
}
