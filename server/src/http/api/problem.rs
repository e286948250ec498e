//! Every answer other than success, as RFC 9457 problem details: made from [`AppError`] in one place.

use app::error::{AppError, FieldProblem};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::plain;

/// What went wrong, what is missing and what to do next (RFC 9457).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct Details {
    /// Names the kind of problem: `urn:curfew:problem:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is the case here, in one sentence.
    pub detail: String,
    /// The kind as a word: what programs decide by.
    pub code: String,
    /// Each bad part of the request.
    pub problems: Vec<BadPart>,
    /// The permission that is missing; null = none is.
    pub permission: Option<String>,
    /// People who can give it.
    pub who_can_give: Vec<String>,
    /// What to do now; null = nothing in particular.
    pub next_step: Option<String>,
    /// Seconds until it is worth trying again; null = no use.
    pub retry_after_s: Option<u32>,
    /// Finds the portal's log line.
    pub request_id: String,
}

/// An answer other than success, on its way out.
#[derive(Clone, Debug)]
pub struct Problem(Box<Details>);

/// A bad part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BadPart {
    /// Its name; empty = the whole request.
    pub field: String,
    /// What is wrong, and what would be right.
    pub message: String,
}

/// A kind of problem: status, code, title.
type Kind = (StatusCode, &'static str, &'static str);

const UNAUTHORIZED: Kind = (StatusCode::UNAUTHORIZED, "unauthorized", "No valid token");
const FORBIDDEN: Kind = (StatusCode::FORBIDDEN, "forbidden", "Not allowed");
const NOT_FOUND: Kind = (StatusCode::NOT_FOUND, "not_found", "Not found");
const WRONG_METHOD: Kind = (
    StatusCode::METHOD_NOT_ALLOWED,
    "method_not_allowed",
    "Method not allowed",
);
const CONFLICT: Kind = (StatusCode::CONFLICT, "conflict", "Conflict");
const TOO_LARGE: Kind = (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "Body too large");
const TOO_LONG: Kind = (StatusCode::URI_TOO_LONG, "address_too_long", "Address too long");
const NOT_JSON: Kind = (
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    "unsupported_media_type",
    "Not JSON",
);
const INVALID: Kind = (StatusCode::UNPROCESSABLE_ENTITY, "invalid", "Invalid request");
const TOO_MANY: Kind = (
    StatusCode::TOO_MANY_REQUESTS,
    "too_many_requests",
    "Too many requests",
);
const INTERNAL: Kind = (
    StatusCode::INTERNAL_SERVER_ERROR,
    "internal",
    "Something broke on our side",
);
const UNAVAILABLE: Kind = (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available");

impl Problem {
    fn new((status, code, title): Kind, detail: impl Into<String>) -> Self {
        Problem(Box::new(Details {
            kind: format!("urn:curfew:problem:{code}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            code: code.to_owned(),
            problems: Vec::new(),
            permission: None,
            who_can_give: Vec::new(),
            next_step: None,
            retry_after_s: None,
            request_id: String::new(),
        }))
    }

    fn then(mut self, next_step: &str) -> Self {
        self.0.next_step = Some(next_step.to_owned());
        self
    }

    /// No token, or none that works.
    pub fn unauthorized() -> Self {
        Self::new(UNAUTHORIZED, "This needs an API token that works.").then(
            "Send “Authorization: Bearer curfew_…”. Tokens are made on the portal's page Access, API tokens.",
        )
    }

    /// An address that leads nowhere.
    pub fn no_such_path() -> Self {
        Self::new(NOT_FOUND, "The API has no such address.").then("Look at /api/v1/openapi.json.")
    }

    /// An address that is not for this method.
    pub fn wrong_method() -> Self {
        Self::new(WRONG_METHOD, "This address does not take this method.")
            .then("The header Allow names what it takes.")
    }

    /// A body that is too long.
    pub fn too_large(most: usize) -> Self {
        let words = format!("A body holds at most {} KiB. Nothing was changed.", most / 1024);
        Self::new(TOO_LARGE, words)
    }

    /// An address that is too long.
    pub fn too_long() -> Self {
        Self::new(TOO_LONG, "This address is too long.")
    }

    /// A body that does not say it is JSON.
    pub fn not_json() -> Self {
        Self::new(NOT_JSON, "The body must be JSON.").then("Send “Content-Type: application/json”.")
    }

    /// A request that can't be taken as it is; nothing was changed.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        AppError::invalid(field, message).into()
    }

    /// A key that named another request before.
    pub fn key_reused() -> Self {
        let mut problem = Self::invalid(
            "Idempotency-Key",
            "This key came with another request before. Use a new key for a new request.",
        );
        problem.0.code = "idempotency_key_reused".to_owned();
        problem.0.kind = "urn:curfew:problem:idempotency_key_reused".to_owned();
        problem
    }

    /// A key whose request is at work.
    pub fn key_in_flight() -> Self {
        let mut problem = Self::new(
            CONFLICT,
            "The request with this Idempotency-Key is still at work.",
        )
        .then("Send the same request again in a moment.");
        problem.0.code = "idempotency_in_flight".to_owned();
        problem.0.kind = "urn:curfew:problem:idempotency_in_flight".to_owned();
        problem.0.retry_after_s = Some(1);
        problem
    }

    /// It took too long and was given up.
    pub fn took_too_long() -> Self {
        Self::new(UNAVAILABLE, "This took too long and was given up.")
            .then("Read what is the case before you repeat it, or repeat it with the same Idempotency-Key.")
    }

    /// A fault of ours.
    pub fn broken(request_id: &str) -> Self {
        let words = format!("Something broke on our side. Reference {request_id}.");
        Self::new(INTERNAL, words).of_request(request_id)
    }

    /// With the id of the request it answers.
    pub fn of_request(mut self, request_id: &str) -> Self {
        request_id.clone_into(&mut self.0.request_id);
        self
    }

    /// The whole answer.
    pub fn answer(&self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = plain::data(status, "application/problem+json", &self.0);
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = HeaderValue::from_static("Bearer realm=\"Curfew API\"");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = self.0.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<FieldProblem> for BadPart {
    fn from(problem: FieldProblem) -> Self {
        BadPart {
            field: problem.field,
            message: problem.message,
        }
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let sentence = error.sentence();
        match error {
            AppError::SignedOut => Problem::unauthorized(),
            AppError::StepUp | AppError::FactorFirst => {
                Problem::new(FORBIDDEN, sentence).then("This is for people: do it on the portal's pages.")
            }
            AppError::Forbidden {
                permission,
                who_can_give,
            } => {
                let mut problem =
                    Problem::new(FORBIDDEN, sentence).then("Ask for a token whose role allows it.");
                problem.0.permission = Some(permission.name().to_owned());
                problem.0.who_can_give = who_can_give;
                problem
            }
            AppError::NotFound { .. } => Problem::new(NOT_FOUND, sentence),
            AppError::Invalid { problems } => {
                let mut problem = Problem::new(INVALID, sentence);
                problem.0.problems = problems.into_iter().map(BadPart::from).collect();
                problem
            }
            AppError::Conflict { .. } => Problem::new(CONFLICT, sentence),
            AppError::TooMany { retry_after_s } => {
                let mut problem = Problem::new(TOO_MANY, sentence);
                problem.0.retry_after_s = Some(retry_after_s);
                problem
            }
            AppError::Unavailable { .. } => Problem::new(UNAVAILABLE, sentence),
            AppError::Internal { .. } => Problem::new(INTERNAL, sentence),
        }
    }
}

impl From<crate::error::Error> for Problem {
    fn from(error: crate::error::Error) -> Self {
        AppError::from(error).into()
    }
}

/// Waits in the answer for the layer that knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        *response.status_mut() =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(self);
        response
    }
}
