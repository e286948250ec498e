//! Answers that go wrong on their way, alike for every simulated system.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use serde::{Deserialize, Serialize};

/// An answer in place of the proper one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bad {
    /// A page, with this status.
    Html(u16),
    /// An error as that system writes it.
    Error(u16, String),
    /// A redirect to another host.
    Redirect,
    /// 429.
    RateLimited,
    /// Bytes that are no JSON.
    Garbage,
    /// Does what it was asked, and the connection breaks half-way through the answer.
    CutOff,
    /// Never answers.
    Silent,
}

impl Bad {
    /// True = what was asked is done all the same.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::CutOff)
    }

    /// What a fault makes of an answer; `error` writes one as that system does.
    pub async fn spoil(self, good: Response, error: fn(u16, &str) -> Response) -> Response {
        match self {
            Self::Html(status) => {
                let page =
                    "<!DOCTYPE html><html><head><title>Gateway</title></head><body>Sorry</body></html>";
                (status_of(status), [(header::CONTENT_TYPE, "text/html")], page).into_response()
            }
            Self::Error(status, words) => error(status, &words),
            Self::Redirect => (
                StatusCode::FOUND,
                [(header::LOCATION, "http://elsewhere.invalid/")],
            )
                .into_response(),
            Self::RateLimited => error(429, "Too many requests"),
            Self::Garbage => (StatusCode::OK, "\u{0}\u{1}{{{ not json").into_response(),
            Self::CutOff => cut_off(good).await,
            Self::Silent => std::future::pending().await,
        }
    }
}

/// The first half of an answer, and then the connection breaks.
pub async fn cut_off(good: Response) -> Response {
    let (mut parts, body) = good.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    if parts.status == StatusCode::NO_CONTENT {
        parts.status = StatusCode::OK;
    }
    let whole = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let half = whole.slice(..whole.len() / 2);
    let first = futures::stream::once(async { Ok::<Bytes, std::io::Error>(half) });
    let cut = futures::stream::once(async {
        // Long enough for the first half to be on its way.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::other("cut"))
    });
    Response::from_parts(parts, Body::from_stream(first.chain(cut)))
}

/// A status as somebody wrote it; 500 where that is none.
pub fn status_of(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
