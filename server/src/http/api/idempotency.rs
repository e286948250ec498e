//! `Idempotency-Key`: a POST that is sent again does nothing again and gets the answer it got before, for 24 hours.
//!
//! Only what succeeded is kept: a refused request may be sent again with the same key. Where a process died between
//! doing and keeping, the request is done again after a minute; confirming a preview is guarded by itself.

use std::sync::Arc;

use app::wire::Timestamp;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::problem::Problem;
use super::sessions::FIND;
use super::store;
use crate::caller::Caller;
use crate::db::Db;
use crate::error::Error;
use crate::http::Http;

/// The request header.
pub const KEY: &str = "idempotency-key";
/// Longest key, characters.
const LONGEST: usize = 200;
/// Answers are kept so long, seconds.
const KEPT_S: i64 = 24 * 60 * 60;
/// A request that did not end within that never will, seconds: longer than any may take.
const GIVEN_UP_S: i64 = 60;

fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(KEY) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() || text.len() > LONGEST {
        let words = format!("A key is 1 to {LONGEST} visible ASCII characters.");
        return Err(Problem::invalid("Idempotency-Key", words));
    }
    Ok(Some(text.to_owned()))
}

/// The layer; the body was bounded before.
pub async fn guard(State(http): State<Arc<Http>>, request: Request, next: Next) -> Response {
    if request.uri().path() == FIND {
        return next.run(request).await;
    }
    let caller = request.extensions().get::<Arc<Caller>>().cloned();
    let key = match key_of(request.headers()) {
        Ok(key) => key,
        Err(problem) => return problem.into_response(),
    };
    let (Some(key), Some(caller), &Method::POST) = (key, caller, request.method()) else {
        return next.run(request).await;
    };
    match once(&http, &caller, &key, request, next).await {
        Ok(response) => response,
        Err(cause) => Problem::from(cause).into_response(),
    }
}

async fn once(
    http: &Http,
    caller: &Caller,
    key: &str,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let mut hash = Sha256::new();
    hash.update(parts.uri.to_string().as_bytes());
    hash.update([0]);
    hash.update(&bytes);
    let hash = data_encoding::HEXLOWER.encode(&hash.finalize());
    let now = http.clock.now();
    let id = caller.id.as_str();
    let mut conn = http.db.write().await?;
    if !store::begin(&mut conn, id, key, &hash, now).await? {
        let Some(known) = store::known(&mut conn, id, key).await? else {
            return Ok(Problem::key_in_flight().into_response());
        };
        if known.request_hash != hash {
            return Ok(Problem::key_reused().into_response());
        }
        if let (Some(status), Some(body)) = (known.status, known.body) {
            return Ok(replay(status, known.location.as_deref(), body));
        }
        let given_up = Timestamp(known.created_at).plus_seconds(GIVEN_UP_S) <= now;
        if !given_up || !store::take_over(&mut conn, id, key, known.created_at, now).await? {
            return Ok(Problem::key_in_flight().into_response());
        }
    }
    conn.commit().await?;
    let response = next.run(Request::from_parts(parts, Body::from(bytes))).await;
    keep(&http.db, id, key, response).await
}

/// Keeps a successful answer; forgets the key of any other.
async fn keep(db: &Db, id: &str, key: &str, response: Response) -> Result<Response, Error> {
    if !response.status().is_success() {
        let mut conn = db.write().await?;
        store::forget(&mut conn, id, key).await?;
        conn.commit().await?;
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let location = parts.headers.get(header::LOCATION).and_then(|v| v.to_str().ok());
    let answer = (
        i64::from(parts.status.as_u16()),
        location,
        std::str::from_utf8(&bytes).unwrap_or_default(),
    );
    let mut conn = db.write().await?;
    store::finish(&mut conn, id, key, answer).await?;
    conn.commit().await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn replay(status: i64, location: Option<&str>, body: String) -> Response {
    let status = u16::try_from(status).ok();
    let status = status
        .and_then(|s| StatusCode::from_u16(s).ok())
        .unwrap_or_default();
    let mut response = (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    let headers = response.headers_mut();
    headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
    if let Some(Ok(location)) = location.map(HeaderValue::from_str) {
        headers.insert(header::LOCATION, location);
    }
    response
}

/// Forgets answers older than a day.
pub async fn forget_old(db: &Db, now: Timestamp) -> Result<(), Error> {
    let mut conn = db.write().await?;
    store::forget_old(&mut conn, now.plus_seconds(-KEPT_S)).await?;
    conn.commit().await
}
