//! What a request brings: who calls, the pairs of its address, its JSON body. What is not understood is named and
//! refused; nothing is dropped in silence.

use std::sync::Arc;

use app::backend::Backend;
use app::civil::Civil;
use app::error::FieldProblem;
use app::paths;
use app::wire::Timestamp;
use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::caller::Caller;
use crate::http::Http;

/// What no text of ours holds, and PostgreSQL can't store.
const NUL: &str = "The character NUL can't stand here.";

/// Who calls, and the ports in their name.
pub struct Api {
    pub caller: Arc<Caller>,
    pub backend: Backend,
    pub http: Arc<Http>,
    pub now: Timestamp,
}

impl FromRequestParts<Arc<Http>> for Api {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, http: &Arc<Http>) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Arc<Caller>>();
        let caller = caller.ok_or_else(Problem::unauthorized)?.clone();
        Ok(Api {
            backend: (http.backend)(&caller),
            now: http.clock.now(),
            http: http.clone(),
            caller,
        })
    }
}

/// The pairs of an address: each name known, each value there.
pub struct Pairs(Vec<(String, String)>);

impl FromRequestParts<Arc<Http>> for Pairs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<Http>) -> Result<Self, Problem> {
        let pairs = paths::parse_query(parts.uri.query().unwrap_or_default());
        match pairs.iter().find(|(n, v)| n.contains('\0') || v.contains('\0')) {
            Some((name, _)) => Err(Problem::invalid(name, NUL)),
            None => Ok(Pairs(pairs)),
        }
    }
}

impl Pairs {
    /// Those that are left, once everything else was taken out.
    pub fn rest(self) -> Vec<(String, String)> {
        self.0
    }

    /// Takes the one value of `name` out; `None` = it is not there. Empty or twice is a problem.
    pub fn take(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v.clone());
        let first = values.next();
        if values.next().is_some() {
            return Err(Problem::invalid(
                name,
                format!("“{name}” is given twice. Keep one."),
            ));
        }
        drop(values);
        if first.as_deref().is_some_and(|value| value.trim().is_empty()) {
            return Err(Problem::invalid(
                name,
                format!("“{name}” is empty. Leave it out."),
            ));
        }
        self.0.retain(|(n, _)| n != name);
        Ok(first)
    }

    /// Takes a number of rows out, 1 to 1,000; 100 where nothing is said.
    pub fn take_limit(&mut self) -> Result<u32, Problem> {
        let Some(text) = self.take("limit")? else {
            return Ok(100);
        };
        let limit = text.parse().ok().filter(|n| (1..=1_000).contains(n));
        limit.ok_or_else(|| Problem::invalid("limit", "A limit is a number from 1 to 1000."))
    }

    /// A problem for each pair that is left.
    pub fn nothing_else(self) -> Result<(), Problem> {
        let problems: Vec<FieldProblem> = self
            .0
            .into_iter()
            .map(|(name, _)| FieldProblem {
                message: format!("There is no parameter “{name}” here."),
                field: name,
            })
            .collect();
        if problems.is_empty() {
            Ok(())
        } else {
            Err(app::error::AppError::Invalid { problems }.into())
        }
    }
}

/// A part of the address itself: one that can't be read names nothing.
pub struct Part<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Http>> for Part<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, http: &Arc<Http>) -> Result<Self, Problem> {
        if parts.uri.path().contains("%00") {
            return Err(Problem::no_such_path());
        }
        match Path::<T>::from_request_parts(parts, http).await {
            Ok(Path(part)) => Ok(Part(part)),
            Err(_) => Err(Problem::no_such_path()),
        }
    }
}

/// A JSON body.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<Http>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Http>) -> Result<Self, Problem> {
        let said = request.headers().get(header::CONTENT_TYPE);
        let kind = said.and_then(|v| v.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Problem::not_json());
        }
        // The layer around has read it already and bounded it.
        let bytes = to_bytes(request.into_body(), usize::MAX).await;
        read(&bytes.unwrap_or_default()).map(Json)
    }
}

/// Reads JSON; the problem names the line, and the field where the words of the reader name one.
fn read<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    if bytes.windows(6).any(|w| w == b"\\u0000") {
        return Err(Problem::invalid("", NUL));
    }
    serde_json::from_slice(bytes).map_err(|cause| {
        let words = cause.to_string();
        let mut quoted = words.split('`').skip(1).step_by(2);
        let names_field = words.starts_with("unknown field") || words.starts_with("missing field");
        let field = quoted.next().filter(|_| names_field).unwrap_or_default();
        Problem::invalid(field, format!("The body is not what is expected here: {words}."))
    })
}

/// A request that must bring no body of its own: an empty one, or `{}`.
pub struct NoBody;

impl FromRequest<Arc<Http>> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<Http>) -> Result<Self, Problem> {
        let bytes = to_bytes(request.into_body(), usize::MAX)
            .await
            .unwrap_or_default();
        let text = bytes.trim_ascii();
        if text.is_empty() || text == b"{}" {
            Ok(NoBody)
        } else {
            Err(Problem::invalid("", "This takes no body."))
        }
    }
}

/// A moment in UTC, as people write it or as this API answers it; `name` is what the field is called.
pub fn moment(name: &str, text: &str) -> Result<Timestamp, Problem> {
    let bare = text.trim().trim_end_matches('Z');
    let bare = bare.split_once('.').map_or(bare, |(whole, _)| whole);
    let civil = Civil::parse(bare)
        .ok_or_else(|| Problem::invalid(name, "Write a date and time in UTC, as 2027-03-31 18:00."))?;
    Ok(civil.timestamp(0))
}
