//! Answers that go wrong on their way, alike for every simulated system.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::Response;
use futures::StreamExt;

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
