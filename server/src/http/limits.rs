//! How much and how often (security E7, E9): bodies by size, requests by time, callers and addresses by rate.

use std::sync::LazyLock;
use std::time::Duration;

use app::error::AppError;
use app::paths;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::num::NonZeroU32;

use super::plain;
use crate::caller::{Caller, Origin};

/// Longest body of an ordinary request, bytes.
const BODY: usize = 64 * 1024;
/// Longest body of the row form: a page of a thousand rows and their ticks.
const SELECTION_BODY: usize = 256 * 1024;
/// Longest a request may take.
const LONGEST: Duration = Duration::from_secs(10);
/// Longest a request may take that waits for a system's self-test or walks the whole audit chain.
const LONGEST_WALK: Duration = Duration::from_secs(60);
/// Longest address, bytes.
const ADDRESS: usize = 16 * 1024;

type Keyed = DefaultKeyedRateLimiter<String>;

fn per_minute(times: u32) -> Keyed {
    let times = NonZeroU32::new(times).unwrap_or(NonZeroU32::MIN);
    RateLimiter::keyed(Quota::per_minute(times))
}

/// Pages, lists and ticks of one person. Background refetches of several open pages fit in.
static READING: LazyLock<Keyed> = LazyLock::new(|| per_minute(600));
/// Acts of one person.
static ACTING: LazyLock<Keyed> = LazyLock::new(|| per_minute(240));
/// Confirmed endings and step-ups of one person.
static SERIOUS: LazyLock<Keyed> = LazyLock::new(|| per_minute(20));
/// Audit entries about one address that anybody can cause.
static NOTES: LazyLock<Keyed> = LazyLock::new(|| per_minute(3));
/// Audit entries about one person's rate.
static RATE_NOTES: LazyLock<Keyed> = LazyLock::new(|| per_minute(1));

fn take(limiter: &Keyed, key: &str) -> Result<(), AppError> {
    limiter.check_key(&key.to_owned()).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now());
        AppError::TooMany {
            retry_after_s: u32::try_from(wait.as_secs() + 1).unwrap_or(60),
        }
    })
}

/// Rates of one caller.
pub fn per_caller(path: &str, method: &Method, caller: &Caller) -> Result<(), AppError> {
    let key = caller.id.as_str();
    let serious = method == Method::POST && (path.ends_with("/confirm") || path == paths::STEP_UP);
    if serious {
        take(&SERIOUS, key)
    } else if method == Method::POST && path != paths::post::SELECTION {
        take(&ACTING, key)
    } else {
        take(&READING, key)
    }
}

/// Sign-in tries of one address; the portal's settings say how many a minute.
pub struct AddressLimit(Keyed);

impl AddressLimit {
    /// That many a minute.
    pub fn new(per_minute_: u32) -> Self {
        Self(per_minute(per_minute_))
    }

    /// One more from there.
    pub fn take(&self, origin: &Origin) -> Result<(), AppError> {
        take(&self.0, origin.ip.as_deref().unwrap_or("unknown"))
    }
}

/// Calls of one API token; the portal's settings say how many a minute.
pub struct CallLimit {
    limiter: RateLimiter<String, DefaultKeyedStateStore<String>, DefaultClock, StateInformationMiddleware>,
    per_minute: u32,
}

impl CallLimit {
    /// That many a minute.
    pub fn new(per_minute: u32) -> Self {
        let times = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
        Self {
            limiter: RateLimiter::keyed(Quota::per_minute(times)).with_middleware(),
            per_minute,
        }
    }

    /// How many a minute.
    pub const fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// One more call; how many are left at once.
    pub fn take(&self, token: &str) -> Result<u32, AppError> {
        match self.limiter.check_key(&token.to_owned()) {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(until) => {
                let wait = until.wait_time_from(DefaultClock::default().now());
                Err(AppError::TooMany {
                    retry_after_s: u32::try_from(wait.as_secs() + 1).unwrap_or(60),
                })
            }
        }
    }
}

/// Whether another entry about something anybody can cause may be written: a flood must not fill the log.
pub fn may_note_unknown(origin: &Origin) -> bool {
    take(&NOTES, origin.ip.as_deref().unwrap_or("unknown")).is_ok()
}

/// Whether another entry about this person's rate may be written.
pub fn may_note_rate(caller: &Caller) -> bool {
    take(&RATE_NOTES, caller.id.as_str()).is_ok()
}

/// Forgets who has been quiet, so that memory stays flat.
pub fn forget_quiet() {
    for limiter in [&READING, &ACTING, &SERIOUS, &NOTES, &RATE_NOTES] {
        limiter.retain_recent();
    }
}

/// The layer for size and time.
pub async fn guard(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let whole = request.uri().path_and_query().map_or(0, |p| p.as_str().len());
    if whole > ADDRESS {
        return plain::Text {
            status: StatusCode::URI_TOO_LONG,
            words: "This address is too long.",
        }
        .into_response();
    }
    let longest = match path {
        paths::post::SELECTION | paths::post::PREVIEW_KEYS | paths::SIGN_IN | paths::STEP_UP => {
            SELECTION_BODY
        }
        _ => BODY,
    };
    let streams = path == paths::LIVE || path == paths::AUDIT_JSONL || path == paths::AUDIT_CSV;
    let walks = [
        paths::post::SYSTEM,
        paths::post::CHECK_CHAIN,
        paths::post::TICKETS,
    ]
    .contains(&path);
    let answer = async {
        let (parts, body) = request.into_parts();
        match to_bytes(body, longest).await {
            Ok(bytes) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
            Err(_) => plain::Text {
                status: StatusCode::PAYLOAD_TOO_LARGE,
                words: "This is more than the portal takes at once. Nothing was changed.",
            }
            .into_response(),
        }
    };
    if streams {
        return answer.await;
    }
    let most = if walks { LONGEST_WALK } else { LONGEST };
    match tokio::time::timeout(most, answer).await {
        Ok(response) => response,
        Err(_) => plain::Text {
            status: StatusCode::SERVICE_UNAVAILABLE,
            words: "This took too long and was given up. Look at the page again before you repeat it.",
        }
        .into_response(),
    }
}
