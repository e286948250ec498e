//! `/access`: who may do what, to be read by whoever may read the whole log. Nothing of it is changed by a program.

use axum::response::Response;

use super::ok;
use super::problem::Problem;
use super::take::{Api, Pairs};
use super::wire::systems::{Grant, GrantList, Operator, OperatorList, Role, RoleList};

/// Everyone who can sign in. Needs ReadAudit everywhere.
#[utoipa::path(get, path = "/access/people", tag = "access", operation_id = "list_operators",
    responses((status = 200, description = "The people.", body = OperatorList)))]
pub async fn people(api: Api, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let page = api.backend.access.access_page().await?;
    Ok(ok(&OperatorList {
        items: page.operators.into_iter().map(Operator::from).collect(),
    }))
}

/// The roles. Needs ReadAudit everywhere.
#[utoipa::path(get, path = "/access/roles", tag = "access", operation_id = "list_roles",
    responses((status = 200, description = "The roles.", body = RoleList)))]
pub async fn roles(api: Api, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let page = api.backend.access.access_page().await?;
    Ok(ok(&RoleList {
        items: page.roles.into_iter().map(Role::from).collect(),
    }))
}

/// The grants people hold. Needs ReadAudit everywhere.
#[utoipa::path(get, path = "/access/grants", tag = "access", operation_id = "list_grants",
    responses((status = 200, description = "The grants.", body = GrantList)))]
pub async fn grants(api: Api, pairs: Pairs) -> Result<Response, Problem> {
    pairs.nothing_else()?;
    let page = api.backend.access.access_page().await?;
    Ok(ok(&GrantList {
        items: page.grants.into_iter().map(Grant::from).collect(),
    }))
}
