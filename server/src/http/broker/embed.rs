//! The browser helper's files, built into the program: the one thing that other origins may read (security D7).

use std::sync::LazyLock;

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use sha2::{Digest, Sha384};

use crate::http::files;
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

/// A file as it is sent: plain, by brotli, by gzip (`cargo xtask embed` makes them).
struct Sent {
    plain: &'static str,
    br: &'static [u8],
    gzip: &'static [u8],
}

const SCRIPT_SENT: Sent = Sent {
    plain: SCRIPT,
    br: include_bytes!("../../../embed/compressed/curfew-embed.js.br"),
    gzip: include_bytes!("../../../embed/compressed/curfew-embed.js.gz"),
};
const TYPES_SENT: Sent = Sent {
    plain: TYPES,
    br: include_bytes!("../../../embed/compressed/curfew-embed.d.ts.br"),
    gzip: include_bytes!("../../../embed/compressed/curfew-embed.d.ts.gz"),
};

/// `GET /embed/{name}`, compressed where the browser takes it; the integrity hash is of what comes out again.
pub async fn serve(Path(name): Path<String>, asked: HeaderMap) -> Response {
    const SCRIPT_KIND: &str = "text/javascript; charset=utf-8";
    const A_WHILE: &str = "public, max-age=300";
    let (file, kind, cache) = match name.as_str() {
        "curfew-embed.js" => (Some(SCRIPT_SENT), SCRIPT_KIND, A_WHILE),
        "curfew-embed.d.ts" => (Some(TYPES_SENT), "text/plain; charset=utf-8", A_WHILE),
        // Too short to be worth it.
        "integrity.json" => (None, "application/json", A_WHILE),
        versioned if versioned == FILES.versioned => (
            Some(SCRIPT_SENT),
            SCRIPT_KIND,
            "public, max-age=31536000, immutable",
        ),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let (body, encoding) = match file {
        None => (Body::from(FILES.integrity.as_str()), None),
        Some(file) => match files::encodings(&asked).first() {
            Some(("br", _)) => (Body::from(file.br), Some("br")),
            Some(("gzip", _)) => (Body::from(file.gzip), Some("gzip")),
            _ => (Body::from(file.plain), None),
        },
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, cache),
        (header::VARY, "Accept-Encoding"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}
