//! `/policies`: the session limits of the systems, and which advice on them may stay for a while.

use app::error::AppError;
use app::policies::advice;
use app::policies::wire as ours;
use app::wire::SystemId;
use axum::response::Response;

use super::ok;
use super::problem::Problem;
use super::take::{Api, Json, NoBody, Pairs, Part, moment};
use super::wire::systems::{AcceptAdvice, Policy, PolicyList};

/// The session limits of the systems in the token's scope.
#[utoipa::path(get, path = "/policies", tag = "policies", operation_id = "list_policies",
    responses((status = 200, description = "The limits.", body = PolicyList)))]
pub async fn list(api: Api, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let page = api.backend.policies.policies_page(None).await?;
    let advice = advice::advice(&page.systems);
    let policy = |limits| Policy::new(limits, &advice);
    Ok(ok(&PolicyList {
        items: page.systems.into_iter().map(policy).collect(),
    }))
}

/// Accepts a piece of advice for a while: it stays in sight with its reason, and is open again after its end or when the
/// value it is about changes.
#[utoipa::path(post, path = "/policies/{system_id}/accepted", tag = "policies", operation_id = "accept_advice",
    params(("system_id" = String, Path, description = "Its id.")),
    request_body = AcceptAdvice,
    responses((status = 200, description = "The limits of the system with its advice.", body = Policy)))]
pub async fn accept(
    api: Api,
    Part(system): Part<String>,
    pairs: Pairs,
    Json(asked): Json<AcceptAdvice>,
) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let accept = ours::AcceptAdvice {
        advice: asked.advice_id,
        ground: asked.ground,
        reason: asked.reason,
        until: moment("until", &asked.until)?,
    };
    let system = SystemId(system);
    api.backend.policies.accept_advice(system.clone(), accept).await?;
    one(&api, &system).await
}

/// Takes accepted advice back: it is open again.
#[utoipa::path(delete, path = "/policies/{system_id}/accepted/{advice_id}", tag = "policies",
    operation_id = "reopen_advice",
    params(("system_id" = String, Path, description = "Its id."),
        ("advice_id" = String, Path, description = "Which advice.")),
    responses((status = 200, description = "The limits of the system with its advice.", body = Policy)))]
pub async fn reopen(
    api: Api,
    Part((system, advice)): Part<(String, String)>,
    pairs: Pairs,
    _: NoBody,
) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let system = SystemId(system);
    api.backend.policies.reopen_advice(system.clone(), advice).await?;
    one(&api, &system).await
}

async fn one(api: &Api, system: &SystemId) -> Result<Response, Problem> {
    let page = api.backend.policies.policies_page(None).await?;
    let advice = advice::advice(&page.systems);
    let limits = page
        .systems
        .into_iter()
        .find(|limits| limits.system_id == *system);
    let limits = limits.ok_or_else(|| Problem::from(AppError::not_found("system")))?;
    Ok(ok(&Policy::new(limits, &advice)))
}
