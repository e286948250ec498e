//! `/me` and `/systems`.

use app::access::wire::Permission;
use app::error::AppError;
use axum::response::Response;

use super::ok;
use super::problem::Problem;
use super::take::{Api, Pairs, Part};
use super::wire::systems::{Held, Me, System, SystemList};
use crate::domain::grant::About;

/// Who calls, and what they may do.
#[utoipa::path(get, path = "/me", tag = "me", operation_id = "me",
    responses((status = 200, description = "The token.", body = Me)))]
pub async fn me(api: Api, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let (caller, now) = (&api.caller, api.now);
    let held = |p: &Permission| Held {
        permission: p.name().to_owned(),
        everywhere: caller.visible(*p, now).covers(About::Portal),
    };
    let in_force = caller.grants.iter().filter(|g| g.in_force(now));
    Ok(ok(&Me {
        token_id: caller.id.0.clone(),
        name: caller.name.clone(),
        permissions: caller.permissions(now).iter().map(held).collect(),
        expires_at: in_force.filter_map(|g| g.expires_at).max().map(Into::into),
        calls_per_minute: api.http.api_per_minute,
        now: now.into(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}

/// The systems of which the token may see something.
#[utoipa::path(get, path = "/systems", tag = "systems", operation_id = "list_systems",
    responses((status = 200, description = "The systems.", body = SystemList)))]
pub async fn list(api: Api, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    api.caller
        .authorize_somewhere(Permission::SeeSessions, api.now)
        .map_err(Problem::from)?;
    let page = api.backend.systems.systems_page().await?;
    Ok(ok(&SystemList {
        items: page.systems.into_iter().map(System::from).collect(),
    }))
}

/// One system.
#[utoipa::path(get, path = "/systems/{system_id}", tag = "systems", operation_id = "get_system",
    params(("system_id" = String, Path, description = "Its id.")),
    responses((status = 200, description = "The system.", body = System)))]
pub async fn one(api: Api, Part(system_id): Part<String>, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let page = api.backend.systems.systems_page().await?;
    let found = page
        .systems
        .into_iter()
        .find(|s| s.brief.system_id.0 == system_id);
    match found {
        Some(system) => Ok(ok(&System::from(system))),
        None => Err(AppError::not_found("system").into()),
    }
}
