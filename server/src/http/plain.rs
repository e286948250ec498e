//! Small answers that need no page: a redirect, data for a call, a line of text, the page of last resort.

use app::error::AppError;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

/// A line of text.
pub struct Text {
    /// Status.
    pub status: StatusCode,
    /// The line.
    pub words: &'static str,
}

impl IntoResponse for Text {
    fn into_response(self) -> Response {
        (
            self.status,
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            self.words,
        )
            .into_response()
    }
}

/// 303 to an own address.
pub fn see_other(to: &str) -> Response {
    let to = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response()
}

/// The status of an error.
pub fn status(error: &AppError) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// An error as script reads it.
pub fn json(error: &AppError) -> Response {
    let mut response = (status(error), Json(error)).into_response();
    retry_after(error, &mut response);
    response
}

/// A body of JSON under its own media type.
pub fn data<T: serde::Serialize>(status: StatusCode, kind: &'static str, body: &T) -> Response {
    let mut response = (status, Json(body)).into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// Says when it is worth trying again.
pub fn retry_after(error: &AppError, response: &mut Response) {
    if let AppError::TooMany { retry_after_s } = error {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
    }
}

/// An error as a page that needs nothing of the app: drawn with the site's style sheet alone.
pub fn page(error: &AppError) -> Response {
    let words = escape(&error.sentence());
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><title>Error {0} · Curfew</title>\
         <link rel=\"stylesheet\" href=\"/pkg/curfew.css\"></head><body><main class=\"main main-bare\">\
         <section class=\"error-page\"><p class=\"quiet\">Error {0}</p><h1>{words}</h1>\
         <p><a href=\"/\">To the first page</a></p></section></main></body></html>",
        error.status(),
    );
    let mut response = (
        status(error),
        [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (
                header::CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; \
                 frame-ancestors 'none'; form-action 'none'",
            ),
        ],
        html,
    )
        .into_response();
    retry_after(error, &mut response);
    response
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// The page of last resort: nothing of ours is needed to draw it.
pub fn broken(reference: &str) -> Response {
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Something broke · Curfew</title></head>\
         <body><main><h1>Something broke on our side</h1><p>Nothing was ended by this. Endings that were running go \
         on.</p><p>Reference <code>{reference}</code>: it finds the log line.</p>\
         <p><a href=\"/\">To the first page</a></p></main></body></html>"
    );
    (
        StatusCode::INTERNAL_SERVER_ERROR,
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        html,
    )
        .into_response()
}
