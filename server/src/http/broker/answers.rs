//! What the broker answers: what an app gets, and why it gets nothing as problem details (docs/broker.md).

use app::civil::rfc3339;
use app::error::AppError;
use app::tickets::wire::TicketOutcome;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::error::Error;
use crate::http::plain;
use crate::tickets::ask::{Given, GivenSomething, Refused};

/// What an app gets: the one place where a ticket leaves us.
pub fn given(given: &Given) -> Response {
    let mut body = json!({
        "reference": given.reference,
        "site": given.site,
        "user": given.user,
        "views_url": given.views_url,
        "fresh_s": given.fresh_s,
        "max_age_s": given.max_age_s,
    });
    match &given.something {
        GivenSomething::Ticket {
            ticket,
            redeem_url,
            redeem_before,
        } => {
            body["grant"] = "ticket".into();
            body["ticket"] = ticket.expose_secret().into();
            body["redeem_url"] = redeem_url.expose_secret().into();
            body["redeem_before"] = rfc3339(*redeem_before).into();
        }
        GivenSomething::Token { token, expires_at } => {
            body["grant"] = "jwt".into();
            body["token"] = token.expose_secret().into();
            body["expires_at"] = rfc3339(*expires_at).into();
        }
    }
    let mut response = plain::data(StatusCode::OK, "application/json", &body);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Why there is nothing.
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: String,
    next_step: Option<&'static str>,
    reference: Option<String>,
    retry_after_s: Option<u32>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: &str) -> Self {
        Self {
            status,
            code,
            title,
            detail: detail.to_owned(),
            next_step: None,
            reference: None,
            retry_after_s: None,
        }
    }

    fn then(mut self, next_step: &'static str) -> Self {
        self.next_step = Some(next_step);
        self
    }

    /// A refusal: its class, never which check failed. That stands on the Tickets page under the reference.
    pub fn of(refused: &Refused) -> Self {
        let (status, detail, next_step) = told(refused.outcome);
        Self {
            reference: Some(refused.reference.clone()),
            retry_after_s: refused.retry_after_s,
            ..Self::new(status, refused.outcome.name(), refused.outcome.label(), detail).then(next_step)
        }
    }

    /// Too many bad tokens from one address.
    pub fn too_many(reference: &str, retry_after_s: u32) -> Self {
        Self {
            reference: Some(reference.to_owned()),
            retry_after_s: Some(retry_after_s),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                TicketOutcome::TooManyRequests.name(),
                TicketOutcome::TooManyRequests.label(),
                "Too many tokens from this address were not accepted.",
            )
        }
    }

    /// A page of another origin asks, or the browser does not say whose page asks.
    pub fn foreign_page() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "foreign_page",
            "Another origin",
            "A browser asks here from a page of the app's own origin only (Sec-Fetch-Site: same-origin).",
        )
        .then("Pass /broker/v1/browser/tickets through the app's own address, by its reverse proxy.")
    }

    /// Not JSON.
    pub fn not_json() -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Not JSON",
            "The body must be JSON.",
        )
        .then("Send “Content-Type: application/json”.")
    }

    /// JSON of another shape.
    pub fn bad_body() -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "Invalid request",
            "The body is {\"site\": \"contentUrl\"} and nothing else.",
        )
    }

    /// A body that is too long.
    pub fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "Body too large",
            "A body holds at most 4 KiB here.",
        )
    }

    /// It took too long.
    pub fn took_too_long() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not available",
            "This took too long and was given up.",
        )
    }

    /// An address that leads nowhere.
    pub fn no_such_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "Not found",
            "The broker has no such address.",
        )
        .then("Look at docs/broker.md.")
    }

    /// An address that is not for this method.
    pub fn wrong_method() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "Method not allowed",
            "This address does not take this method.",
        )
        .then("The header Allow names what it takes.")
    }

    /// An ending that this app did not ask for.
    pub fn no_such_ending() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "Not found",
            "This app asked for no such ending.",
        )
    }

    /// A fault of ours, or the database's.
    pub fn broken(cause: Error) -> Self {
        let error = AppError::from(cause);
        let reference = match &error {
            AppError::Internal { reference } => Some(reference.clone()),
            _ => None,
        };
        Self {
            reference,
            ..Self::new(
                plain::status(&error),
                "unavailable",
                "Not available",
                &error.sentence(),
            )
        }
    }
}

/// Status, what is the case, and what to do.
fn told(outcome: TicketOutcome) -> (StatusCode, &'static str, &'static str) {
    match outcome {
        // Never a refusal.
        TicketOutcome::Issued => (StatusCode::OK, "", ""),
        TicketOutcome::Unauthorized => (
            StatusCode::UNAUTHORIZED,
            "The token was not accepted.",
            "Which check failed stands on Curfew's page Tickets, under this reference.",
        ),
        TicketOutcome::Replayed => (
            StatusCode::UNAUTHORIZED,
            "This token was used before.",
            "Make a token with a jti of its own for each request.",
        ),
        TicketOutcome::SiteNotAllowed => (
            StatusCode::FORBIDDEN,
            "This app may not ask for this site.",
            "Add the site to the app's entry in Curfew's settings.",
        ),
        TicketOutcome::UserNotAllowed => (
            StatusCode::FORBIDDEN,
            "This app may not ask for this user.",
            "The user has to fit the pattern in the app's entry in Curfew's settings.",
        ),
        TicketOutcome::SignedOut => (
            StatusCode::FORBIDDEN,
            "This person is signed out.",
            "Let them sign in at the app again; the new token carries a later auth_time.",
        ),
        TicketOutcome::TooManyRequests => (
            StatusCode::TOO_MANY_REQUESTS,
            "This app asks too often.",
            "Wait as long as Retry-After says.",
        ),
        TicketOutcome::Refused => (
            StatusCode::BAD_GATEWAY,
            "Tableau gave no ticket (-1).",
            "Four likely causes stand on Curfew's page Tickets, under this reference.",
        ),
        TicketOutcome::Html => (
            StatusCode::BAD_GATEWAY,
            "A web page came instead of a ticket.",
            "Something in front of Tableau answered; see Curfew's page Tickets.",
        ),
        TicketOutcome::Unreachable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "Tableau did not answer.",
            "Try again later with a new token.",
        ),
        TicketOutcome::Odd => (
            StatusCode::BAD_GATEWAY,
            "Tableau answered something else than a ticket.",
            "What it was stands on Curfew's page Tickets, under this reference.",
        ),
        TicketOutcome::NotConfigured => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Curfew's settings can't give this.",
            "Run curfew check-config: it names the setting.",
        ),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": format!("urn:curfew:problem:{}", self.code),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
            "next_step": self.next_step,
            "retry_after_s": self.retry_after_s.map_or(Value::Null, Value::from),
            "reference": self.reference,
        });
        let mut response = plain::data(self.status, "application/problem+json", &body);
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
