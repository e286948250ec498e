//! The browser helper's files, built into the program: the one thing that other origins may read (security D7).

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use sha2::{Digest, Sha384};

use crate::keys::sha256_hex;

const SCRIPT: &str = include_str!("../../../embed/curfew-embed.js");
const TYPES: &str = include_str!("../../../embed/curfew-embed.d.ts");

/// What stands under `/embed`.
struct Files {
    /// `curfew-embed-<hash>.js`: this very script, for ever.
    versioned: String,
    /// Names and integrity hash as JSON.
    integrity: String,
}

static FILES: LazyLock<Files> = LazyLock::new(|| {
    let versioned = format!("curfew-embed-{}.js", &sha256_hex(SCRIPT.as_bytes())[..16]);
    let hash = format!("sha384-{}", BASE64.encode(&Sha384::digest(SCRIPT.as_bytes())));
    let integrity = serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"),
        "curfew-embed.js": hash,
        (versioned.as_str()): hash,
    });
    Files {
        integrity: integrity.to_string(),
        versioned,
    }
});

/// `GET /embed/{name}`.
pub async fn serve(Path(name): Path<String>) -> Response {
    const SCRIPT_KIND: &str = "text/javascript; charset=utf-8";
    let (text, kind, cache): (&str, _, _) = match name.as_str() {
        "curfew-embed.js" => (SCRIPT, SCRIPT_KIND, "public, max-age=300"),
        "curfew-embed.d.ts" => (TYPES, "text/plain; charset=utf-8", "public, max-age=300"),
        "integrity.json" => (&FILES.integrity, "application/json", "public, max-age=300"),
        versioned if versioned == FILES.versioned => {
            (SCRIPT, SCRIPT_KIND, "public, max-age=31536000, immutable")
        }
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let mut response = text.to_owned().into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
