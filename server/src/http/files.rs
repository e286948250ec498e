//! The site's files: embedded in a release, read from `target/site` in a debug build, so that a changed page needs no
//! new server. Served precompressed where the browser takes it, without any cookie.

use std::path::PathBuf;
use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::keys;

/// Where a debug build finds the site: `LEPTOS_SITE_ROOT`, else `target/site` of the clone it was built in.
pub fn root() -> PathBuf {
    std::env::var_os("LEPTOS_SITE_ROOT").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site")),
        PathBuf::from,
    )
}

#[cfg(not(debug_assertions))]
mod embedded {
    /// The site as it was when the program was built.
    #[derive(rust_embed::Embed)]
    #[folder = "../target/site"]
    pub struct Site;
}

#[cfg(not(debug_assertions))]
fn read(name: &str) -> Option<Vec<u8>> {
    embedded::Site::get(name).map(|file| file.data.into_owned())
}

#[cfg(debug_assertions)]
fn read(name: &str) -> Option<Vec<u8>> {
    std::fs::read(root().join(name)).ok()
}

/// What stands behind addresses of files, so that browsers may keep them for ever.
///
/// A release reads it once; a debug build each time, as the pages may have been built anew.
pub fn version() -> String {
    static BUILT: LazyLock<String> = LazyLock::new(|| {
        read("version.txt")
            .map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
            .unwrap_or_default()
    });
    if cfg!(debug_assertions) {
        read("version.txt")
            .map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned())
            .unwrap_or_default()
    } else {
        BUILT.clone()
    }
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Encodings the browser takes, best first.
pub(super) fn encodings(headers: &HeaderMap) -> Vec<(&'static str, &'static str)> {
    let accepted = headers
        .get(header::ACCEPT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let takes = |name: &str| {
        accepted.split(',').any(|part| {
            let mut parts = part.split(';').map(str::trim);
            parts.next() == Some(name) && parts.next() != Some("q=0")
        })
    };
    [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .filter(|(name, _)| takes(name))
        .collect()
}

/// One file of `/pkg`.
pub async fn serve(Path(name): Path<String>, request: Request) -> Response {
    let good = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b))
        && name
            .split('/')
            .all(|part| !part.is_empty() && !part.starts_with('.'));
    if !good {
        return StatusCode::NOT_FOUND.into_response();
    }
    let path = format!("pkg/{name}");
    let compressed = encodings(request.headers())
        .into_iter()
        .find_map(|(name, ending)| {
            let bytes = read(&format!("{path}.{ending}"))?;
            Some((bytes, Some(name)))
        });
    let found = match compressed {
        Some(found) => Some(found),
        None => read(&path).map(|bytes| (bytes, None)),
    };
    let Some((bytes, encoding)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let versioned = request
        .uri()
        .query()
        .is_some_and(|query| query.starts_with("v=") && query.len() > 2);
    let tag = format!("\"{}\"", &keys::sha256_hex(&bytes)[..24]);
    let known = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .is_some_and(|v| v.as_bytes() == tag.as_bytes());
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Response::new(Body::from(bytes))
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(&name)));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(if versioned {
            "public, max-age=31536000, immutable"
        } else {
            "public, no-cache"
        }),
    );
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

/// `/favicon.ico` is asked for by every browser; the mark of the pages is an SVG.
pub async fn no_icon() -> Response {
    (
        StatusCode::PERMANENT_REDIRECT,
        [(header::LOCATION, HeaderValue::from_static("/pkg/mark.svg"))],
    )
        .into_response()
}
