//! Live changes as server-sent events: "something changed, version n". What changed is fetched again by the page, so
//! that authorization stays in one place.
//!
//! At most two events a second per topic. The session behind the stream is asked again at least once a minute and at
//! every change of portal sessions or access; when it is over, so is the stream (security D14).

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use app::access::wire::Permission;
use app::error::AppError;
use app::paths;
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{self, Stream};
use tokio::sync::watch;

use super::authenticate::Visit;
use super::doors::value;
use super::{Http, plain};
use crate::caller::Caller;
use crate::changes::topic;

/// Longest time between two looks at the session.
const ASK_AGAIN: Duration = Duration::from_secs(30);
/// Shortest time between two events.
const PAUSE: Duration = Duration::from_millis(500);
/// After how long a browser that lost the stream comes back, ms.
const RETRY: Duration = Duration::from_millis(2_000);

/// Whether the caller may follow a topic. Events carry nothing but a number.
fn may_follow(caller: &Caller, topic: &str, now: app::wire::Timestamp) -> Result<(), AppError> {
    let known = [topic::SESSIONS, topic::ENDINGS, topic::SYSTEMS].contains(&topic)
        || topic.strip_prefix("ending:").is_some_and(|id| {
            (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        });
    if !known {
        return Err(AppError::not_found("topic"));
    }
    caller
        .authorize_somewhere(Permission::SeeSessions, now)
        .map(|_| ())
}

struct Following {
    http: Arc<Http>,
    caller: Arc<Caller>,
    topic: String,
    version: watch::Receiver<i64>,
    sessions: watch::Receiver<i64>,
    access: watch::Receiver<i64>,
    started: bool,
}

impl Following {
    /// Whether the session holds and the grant is still there.
    async fn holds(&self) -> bool {
        let Some(id) = &self.caller.session else {
            return false;
        };
        match self.http.signin.caller_again(&self.caller, id).await {
            Ok(Some(caller)) => may_follow(&caller, &self.topic, self.http.clock.now()).is_ok(),
            Ok(None) => false,
            Err(cause) => {
                // The browser comes back in two seconds and asks anew.
                tracing::warn!(%cause, "a live stream could not look at its session");
                false
            }
        }
    }

    /// The next event, or the end.
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        if !self.started {
            self.started = true;
            let version = *self.version.borrow_and_update();
            return Some((Ok(event(version).retry(RETRY)), self));
        }
        tokio::time::sleep(PAUSE).await;
        loop {
            let stop = self.http.stop.clone();
            tokio::select! {
                () = stop.cancelled() => return None,
                changed = self.version.changed() => {
                    changed.ok()?;
                    if !self.holds().await {
                        return None;
                    }
                    let version = *self.version.borrow_and_update();
                    return Some((Ok(event(version)), self));
                }
                _ = self.sessions.changed() => {
                    if !self.holds().await {
                        return None;
                    }
                }
                _ = self.access.changed() => {
                    if !self.holds().await {
                        return None;
                    }
                }
                () = tokio::time::sleep(ASK_AGAIN) => {
                    if !self.holds().await {
                        return None;
                    }
                }
            }
        }
    }
}

fn event(version: i64) -> Event {
    let version = version.to_string();
    Event::default().id(version.clone()).data(version)
}

fn follow(following: Following) -> impl Stream<Item = Result<Event, Infallible>> {
    stream::unfold(following, Following::next)
}

/// `GET /live?topic=…`
pub async fn live(
    State(http): State<Arc<Http>>,
    Extension(visit): Extension<Visit>,
    request: Request,
) -> Response {
    let pairs = paths::parse_query(request.uri().query().unwrap_or_default());
    let topic = value(&pairs, "topic").to_owned();
    let allowed = visit
        .caller()
        .cloned()
        .and_then(|caller| may_follow(&caller, &topic, http.clock.now()).map(|()| caller));
    let caller = match allowed {
        Ok(caller) => caller,
        Err(error) => return plain::json(&error),
    };
    let mut sessions = http.changes.subscribe(topic::PORTAL_SESSIONS);
    let mut access = http.changes.subscribe(topic::ACCESS);
    sessions.mark_unchanged();
    access.mark_unchanged();
    let following = Following {
        version: http.changes.subscribe(&topic),
        sessions,
        access,
        http,
        caller,
        topic,
        started: false,
    };
    Sse::new(follow(following))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
        .into_response()
}
