//! `/policies`: the session limits of the systems.

use axum::response::Response;

use super::ok;
use super::problem::Problem;
use super::take::{Api, Pairs};
use super::wire::systems::{Policy, PolicyList};

/// The session limits of the systems in the token's scope.
#[utoipa::path(get, path = "/policies", tag = "policies", operation_id = "list_policies",
    responses((status = 200, description = "The limits.", body = PolicyList)))]
pub async fn list(api: Api, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let page = api.backend.policies.policies_page(None).await?;
    Ok(ok(&PolicyList {
        items: page.systems.into_iter().map(Policy::from).collect(),
    }))
}
