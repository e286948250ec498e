//! SQL of access: operators, roles, grants, one-time links, protected people.

use app::access::wire::{People, Permission, Places, Protected, Scope, ScopeSite, ThesePeople};
use app::wire::{GrantId, GroupId, OperatorId, RoleId, SystemId, Timestamp};

use crate::caller::CallerKind;
use crate::db::Conn;
use crate::domain::grant::Grant;
use crate::error::Error;
use crate::on;

/// An operator as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Operator {
    pub operator_id: String,
    pub login: String,
    pub display_name: String,
    pub disabled_at: Option<i64>,
}

/// An operator with what the access page shows of them.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct OperatorLine {
    pub operator_id: String,
    pub login: String,
    pub display_name: String,
    pub disabled_at: Option<i64>,
    pub last_seen_at: Option<i64>,
    pub has_password: i64,
    pub live_sessions: i64,
    /// ms UTC; the latest moment at which a throttled door of theirs opens again.
    pub blocked_until: Option<i64>,
    pub has_factor: i64,
    pub needs_factor: i64,
}

/// A role as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Role {
    pub role_id: String,
    pub name: String,
    pub built_in: i64,
    pub permissions: String,
}

/// A role with the number of grants in force that use it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct RoleLine {
    pub role_id: String,
    pub name: String,
    pub built_in: i64,
    pub permissions: String,
    pub needs_second_factor: i64,
    pub grants_in_force: i64,
}

/// A grant with the names a page shows.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct GrantLine {
    pub grant_id: String,
    pub operator_id: String,
    pub operator_name: String,
    pub operator_login: String,
    pub role_id: String,
    pub role_name: String,
    pub scope: String,
    pub reason: String,
    pub granted_by: Option<String>,
    pub granted_at: i64,
    pub expires_at: Option<i64>,
}

/// An entry of the protected list with the names a page shows.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ProtectedLine {
    pub protected_id: String,
    pub system_id: Option<String>,
    pub system_name: Option<String>,
    pub kind: String,
    pub who: String,
    /// Name of the group or role; `None` = another kind.
    pub who_name: Option<String>,
    pub reason: String,
    pub added_by: Option<String>,
    pub added_at: i64,
}

impl ProtectedLine {
    /// Whom it protects; `None` when its kind is unknown to this program.
    pub fn who(&self) -> Option<Protected> {
        Some(match self.kind.as_str() {
            "account" => Protected::Account(self.who.clone()),
            "domain" => Protected::Domain(self.who.clone()),
            "group" => Protected::Group(GroupId(self.who.clone())),
            "role" => Protected::Role(RoleId(self.who.clone())),
            _ => return None,
        })
    }

    /// The same as a scope.
    pub fn scope(&self) -> Option<Scope> {
        let mut these = ThesePeople::default();
        match self.who()? {
            Protected::Account(account) => these.accounts.push(account),
            Protected::Domain(domain) => these.domains.push(domain),
            Protected::Group(group) => these.groups.push(group),
            Protected::Role(role) => these.roles.push(role),
        }
        Some(Scope {
            places: match &self.system_id {
                Some(system) => Places::Systems(vec![SystemId(system.clone())]),
                None => Places::Everywhere,
            },
            people: People::These(these),
        })
    }
}

/// Names of permissions as stored; a name this program does not know allows nothing.
pub fn permissions(json: &str) -> Vec<Permission> {
    let names: Vec<String> = serde_json::from_str(json).unwrap_or_default();
    names.iter().filter_map(|n| Permission::from_name(n)).collect()
}

/// A scope as stored. One that can't be read covers nothing.
pub fn scope(json: &str) -> Scope {
    serde_json::from_str(json).unwrap_or_else(|_| Scope::systems(Vec::<SystemId>::new()))
}

fn permission_names(permissions: &[Permission]) -> Result<String, Error> {
    let names: Vec<&str> = permissions.iter().map(|p| p.name()).collect();
    Ok(serde_json::to_string(&names)?)
}

/// The operator of that id.
pub async fn operator(conn: &mut Conn, id: &OperatorId) -> Result<Option<Operator>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT operator_id, login, display_name, disabled_at FROM operator WHERE operator_id = $1")
        .bind(id.as_str()).fetch_optional(c).await?))
}

/// The operator of that sign-in name (lower-cased by the caller).
pub async fn operator_by_login(conn: &mut Conn, login: &str) -> Result<Option<Operator>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT operator_id, login, display_name, disabled_at FROM operator WHERE login = $1")
        .bind(login).fetch_optional(c).await?))
}

/// How many operators there are, disabled ones too.
pub async fn operator_count(conn: &mut Conn) -> Result<i64, Error> {
    Ok(
        on!(conn, c => sqlx::query_scalar("SELECT COUNT(*) FROM operator WHERE login NOT LIKE 'self-test:%'").fetch_one(c).await?),
    )
}

/// Everyone who can sign in, by name.
pub async fn operators(conn: &mut Conn, now: Timestamp) -> Result<Vec<OperatorLine>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT o.operator_id, o.login, o.display_name, o.disabled_at, o.last_seen_at, \
         (SELECT COUNT(*) FROM credential k WHERE k.operator_id = o.operator_id AND k.password_hash IS NOT NULL) \
         AS has_password, \
         (SELECT COUNT(*) FROM portal_session p WHERE p.operator_id = o.operator_id AND p.absolute_expires_at > $1 \
         AND p.last_active_at + p.idle_timeout_s * 1000 > $1) AS live_sessions, \
         (SELECT MAX(f.blocked_until) FROM sign_in_failure f \
         WHERE (f.source_kind = 'account' AND f.source = o.login) \
         OR (f.source_kind = 'known' AND substr(f.source, 1, length(o.login) + 1) = o.login || ' ')) \
         AS blocked_until, \
         (SELECT COUNT(*) FROM second_factor s WHERE s.operator_id = o.operator_id AND s.seed IS NOT NULL) \
         AS has_factor, \
         (SELECT COUNT(*) FROM role_grant g JOIN role r ON r.role_id = g.role_id \
         WHERE g.caller_kind = 'operator' AND g.caller_id = o.operator_id AND g.revoked_at IS NULL \
         AND (g.expires_at IS NULL OR g.expires_at > $1) AND r.needs_second_factor = 1) AS needs_factor \
         FROM operator o WHERE o.login NOT LIKE 'self-test:%' ORDER BY o.display_name, o.login")
        .bind(now.0).fetch_all(c).await?))
}

/// Adds a person.
pub async fn insert_operator(
    conn: &mut Conn,
    id: &OperatorId,
    login: &str,
    display_name: &str,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "INSERT INTO operator (operator_id, login, display_name, created_at) VALUES ($1, $2, $3, $4)")
        .bind(id.as_str()).bind(login).bind(display_name).bind(now.0).execute(c).await?; });
    Ok(())
}

/// Removes the self-test's person, unless another self-test's session still needs them.
pub async fn delete_throw_away(conn: &mut Conn, id: &OperatorId) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "DELETE FROM operator WHERE operator_id = $1 AND login LIKE 'self-test:%' \
         AND NOT EXISTS (SELECT 1 FROM portal_session p WHERE p.operator_id = operator.operator_id)")
        .bind(id.as_str()).execute(c).await?; });
    Ok(())
}

/// Disables a person at `at`, or enables them again.
pub async fn set_disabled(conn: &mut Conn, id: &OperatorId, at: Option<Timestamp>) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("UPDATE operator SET disabled_at = $2 WHERE operator_id = $1")
        .bind(id.as_str()).bind(at.map(|t| t.0)).execute(c).await?; });
    Ok(())
}

/// Grants of an operator that were not revoked, permissions filled in; expiry is looked at per question.
pub async fn grants_of(conn: &mut Conn, id: &OperatorId) -> Result<Vec<Grant>, Error> {
    let rows: Vec<(String, String, String, Option<i64>)> = on!(conn, c => sqlx::query_as(
        "SELECT g.grant_id, r.permissions, g.scope, g.expires_at FROM role_grant g \
         JOIN role r ON r.role_id = g.role_id \
         WHERE g.caller_kind = 'operator' AND g.caller_id = $1 AND g.revoked_at IS NULL ORDER BY g.grant_id")
        .bind(id.as_str()).fetch_all(c).await?);
    Ok(rows.into_iter().map(grant_of_row).collect())
}

/// Whether a role somebody holds by a grant in force needs a second factor, and whether they have one.
pub async fn second_factor(conn: &mut Conn, id: &OperatorId, now: Timestamp) -> Result<(bool, bool), Error> {
    let (needed, set): (i64, i64) = on!(conn, c => sqlx::query_as(
        "SELECT (SELECT COUNT(*) FROM role_grant g JOIN role r ON r.role_id = g.role_id \
         WHERE g.caller_kind = 'operator' AND g.caller_id = $1 AND g.revoked_at IS NULL \
         AND (g.expires_at IS NULL OR g.expires_at > $2) AND r.needs_second_factor = 1), \
         (SELECT COUNT(*) FROM second_factor f WHERE f.operator_id = $1 AND f.seed IS NOT NULL)")
        .bind(id.as_str()).bind(now.0).fetch_one(c).await?);
    Ok((needed > 0, set > 0))
}

/// Every operator's grants that were not revoked: operator and grant.
pub async fn all_grants(conn: &mut Conn) -> Result<Vec<(OperatorId, Grant)>, Error> {
    let rows: Vec<(String, String, String, String, Option<i64>)> = on!(conn, c => sqlx::query_as(
        "SELECT g.caller_id, g.grant_id, r.permissions, g.scope, g.expires_at FROM role_grant g \
         JOIN role r ON r.role_id = g.role_id \
         WHERE g.caller_kind = 'operator' AND g.revoked_at IS NULL ORDER BY g.caller_id, g.grant_id")
        .fetch_all(c).await?);
    Ok(rows
        .into_iter()
        .map(|(who, id, permissions, scope, end)| {
            (OperatorId(who), grant_of_row((id, permissions, scope, end)))
        })
        .collect())
}

fn grant_of_row((id, held, where_, end): (String, String, String, Option<i64>)) -> Grant {
    Grant {
        grant_id: GrantId(id),
        permissions: permissions(&held),
        scope: scope(&where_),
        expires_at: end.map(Timestamp),
    }
}

/// Enabled people who hold ManageAccess everywhere now, by name.
pub async fn access_managers(conn: &mut Conn, now: Timestamp) -> Result<Vec<String>, Error> {
    let rows: Vec<(String, String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT o.display_name, r.permissions, g.scope FROM role_grant g \
         JOIN role r ON r.role_id = g.role_id JOIN operator o ON o.operator_id = g.caller_id \
         WHERE g.caller_kind = 'operator' AND g.revoked_at IS NULL AND o.disabled_at IS NULL \
         AND (g.expires_at IS NULL OR g.expires_at > $1) AND r.permissions LIKE '%\"ManageAccess\"%' \
         ORDER BY o.display_name")
        .bind(now.0).fetch_all(c).await?);
    let mut names: Vec<String> = rows
        .into_iter()
        .filter(|(_, held, where_)| {
            permissions(held).contains(&Permission::ManageAccess) && scope(where_) == Scope::EVERYWHERE
        })
        .map(|(name, ..)| name)
        .collect();
    names.dedup();
    Ok(names)
}

/// How many people besides `but` are enabled, have a password and hold the Administrator role everywhere without end,
/// not counting the grant `but_grant`.
pub async fn administrators_besides(
    conn: &mut Conn,
    but: Option<&OperatorId>,
    but_grant: Option<&GrantId>,
) -> Result<i64, Error> {
    Ok(on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(DISTINCT o.operator_id) FROM role_grant g \
         JOIN operator o ON o.operator_id = g.caller_id \
         JOIN credential k ON k.operator_id = o.operator_id \
         WHERE g.caller_kind = 'operator' AND g.role_id = 'administrator' AND g.revoked_at IS NULL \
         AND g.expires_at IS NULL AND g.scope = $1 AND o.disabled_at IS NULL \
         AND k.password_hash IS NOT NULL AND o.operator_id <> $2 AND g.grant_id <> $3")
        .bind(serde_json::to_string(&Scope::EVERYWHERE)?)
        .bind(but.map_or("", OperatorId::as_str)).bind(but_grant.map_or("", GrantId::as_str))
        .fetch_one(c).await?))
}

/// True when the operator holds the Administrator role everywhere now.
pub async fn is_administrator(conn: &mut Conn, id: &OperatorId, now: Timestamp) -> Result<bool, Error> {
    let count: i64 = on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM role_grant WHERE caller_kind = 'operator' AND caller_id = $1 \
         AND role_id = 'administrator' AND revoked_at IS NULL AND scope = $2 \
         AND (expires_at IS NULL OR expires_at > $3)")
        .bind(id.as_str()).bind(serde_json::to_string(&Scope::EVERYWHERE)?).bind(now.0).fetch_one(c).await?);
    Ok(count > 0)
}

/// A new grant, ready to be stored.
pub struct GrantToStore<'a> {
    pub grant_id: &'a GrantId,
    pub caller_kind: CallerKind,
    /// operator_id or token_id.
    pub caller_id: &'a str,
    pub role_id: &'a RoleId,
    pub scope: &'a Scope,
    pub reason: &'a str,
    /// `None` = set-up or the command line.
    pub granted_by: Option<&'a OperatorId>,
    pub expires_at: Option<Timestamp>,
}

/// Gives a grant.
pub async fn insert_grant(conn: &mut Conn, grant: &GrantToStore<'_>, now: Timestamp) -> Result<(), Error> {
    let scope = serde_json::to_string(grant.scope)?;
    on!(conn, c => { sqlx::query(
        "INSERT INTO role_grant (grant_id, caller_kind, caller_id, role_id, scope, reason, granted_by, granted_at, \
         expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
        .bind(grant.grant_id.as_str()).bind(grant.caller_kind.name()).bind(grant.caller_id).bind(grant.role_id.as_str()).bind(&scope)
        .bind(grant.reason).bind(grant.granted_by.map(|o| o.0.clone())).bind(now.0)
        .bind(grant.expires_at.map(|t| t.0)).execute(c).await?; });
    Ok(())
}

/// Takes a grant away; false when it was not in force any more.
pub async fn revoke_grant(
    conn: &mut Conn,
    id: &GrantId,
    by: &OperatorId,
    now: Timestamp,
) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
        "UPDATE role_grant SET revoked_at = $2, revoked_by = $3 WHERE grant_id = $1 AND revoked_at IS NULL")
        .bind(id.as_str()).bind(now.0).bind(by.as_str()).execute(c).await?.rows_affected());
    Ok(touched > 0)
}

const GRANT_LINE: &str = "SELECT g.grant_id, g.caller_id AS operator_id, o.display_name AS operator_name, \
     o.login AS operator_login, g.role_id, r.name AS role_name, g.scope, g.reason, b.display_name AS granted_by, \
     g.granted_at, g.expires_at FROM role_grant g JOIN operator o ON o.operator_id = g.caller_id \
     JOIN role r ON r.role_id = g.role_id LEFT JOIN operator b ON b.operator_id = g.granted_by \
     WHERE g.caller_kind = 'operator' AND g.revoked_at IS NULL AND ($1 = '' OR g.grant_id = $1) \
     ORDER BY o.display_name, g.granted_at, g.grant_id";

/// Grants that were not revoked, by person.
pub async fn grants(conn: &mut Conn) -> Result<Vec<GrantLine>, Error> {
    Ok(on!(conn, c => sqlx::query_as(GRANT_LINE).bind("").fetch_all(c).await?))
}

/// The grant of that id, if it was not revoked.
pub async fn grant(conn: &mut Conn, id: &GrantId) -> Result<Option<GrantLine>, Error> {
    if id.0.is_empty() {
        return Ok(None);
    }
    Ok(on!(conn, c => sqlx::query_as(GRANT_LINE).bind(id.as_str()).fetch_optional(c).await?))
}

/// Roles: built-in ones first, then own ones by name.
pub async fn roles(conn: &mut Conn, now: Timestamp) -> Result<Vec<RoleLine>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT r.role_id, r.name, r.built_in, r.permissions, r.needs_second_factor, \
         (SELECT COUNT(*) FROM role_grant g WHERE g.role_id = r.role_id AND g.revoked_at IS NULL \
         AND (g.expires_at IS NULL OR g.expires_at > $1)) AS grants_in_force \
         FROM role r ORDER BY r.built_in DESC, r.name")
        .bind(now.0).fetch_all(c).await?))
}

/// The role of that id.
pub async fn role(conn: &mut Conn, id: &RoleId) -> Result<Option<Role>, Error> {
    Ok(
        on!(conn, c => sqlx::query_as("SELECT role_id, name, built_in, permissions FROM role WHERE role_id = $1")
        .bind(id.as_str()).fetch_optional(c).await?),
    )
}

/// Which other role has that name, compared without case.
pub async fn role_named(conn: &mut Conn, name: &str) -> Result<Option<Role>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT role_id, name, built_in, permissions FROM role WHERE lower(name) = lower($1)")
        .bind(name).fetch_optional(c).await?))
}

/// Makes or replaces a role.
pub async fn upsert_role(
    conn: &mut Conn,
    id: &RoleId,
    name: &str,
    built_in: bool,
    permissions: &[Permission],
) -> Result<(), Error> {
    let held = permission_names(permissions)?;
    on!(conn, c => { sqlx::query(
        "INSERT INTO role (role_id, name, built_in, permissions) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (role_id) DO UPDATE SET name = excluded.name, permissions = excluded.permissions")
        .bind(id.as_str()).bind(name).bind(i64::from(built_in)).bind(&held).execute(c).await?; });
    Ok(())
}

/// Says whether people with that role need a second factor.
pub async fn set_needs_factor(conn: &mut Conn, id: &RoleId, needed: bool) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("UPDATE role SET needs_second_factor = $2 WHERE role_id = $1")
        .bind(id.as_str()).bind(i64::from(needed)).execute(c).await?; });
    Ok(())
}

/// Removes a role with its grants that count no more (they stay in the audit).
pub async fn delete_role(conn: &mut Conn, id: &RoleId) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("DELETE FROM role_grant WHERE role_id = $1").bind(id.as_str()).execute(&mut *c).await?;
        sqlx::query("DELETE FROM role WHERE role_id = $1 AND built_in = 0").bind(id.as_str()).execute(c).await?;
    });
    Ok(())
}

/// The protected list, by kind and name.
pub async fn protected(conn: &mut Conn) -> Result<Vec<ProtectedLine>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT p.protected_id, p.system_id, s.name AS system_name, p.kind, p.who, \
         COALESCE(g.name, r.name) AS who_name, p.reason, o.display_name AS added_by, p.added_at \
         FROM protected_subject p LEFT JOIN system s ON s.system_id = p.system_id \
         LEFT JOIN operator o ON o.operator_id = p.added_by \
         LEFT JOIN subject_group g ON p.kind = 'group' AND g.group_id = p.who \
         LEFT JOIN role r ON p.kind = 'role' AND r.role_id = p.who \
         WHERE p.removed_at IS NULL ORDER BY p.kind, p.who, p.protected_id")
        .fetch_all(c).await?))
}

/// Adds an entry to the protected list (names lower-cased by the caller).
pub async fn insert_protected(
    conn: &mut Conn,
    id: &str,
    system_id: Option<&SystemId>,
    who: &Protected,
    reason: &str,
    by: &OperatorId,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "INSERT INTO protected_subject (protected_id, system_id, kind, who, reason, added_by, added_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(id).bind(system_id.map(|s| s.0.clone())).bind(who.kind()).bind(who.text()).bind(reason).bind(by.as_str())
        .bind(now.0).execute(c).await?; });
    Ok(())
}

/// Takes an entry off the protected list; false when it was not on it.
pub async fn remove_protected(conn: &mut Conn, id: &str, now: Timestamp) -> Result<bool, Error> {
    let touched = on!(conn, c => sqlx::query(
        "UPDATE protected_subject SET removed_at = $2 WHERE protected_id = $1 AND removed_at IS NULL")
        .bind(id).bind(now.0).execute(c).await?.rows_affected());
    Ok(touched > 0)
}

/// Systems a scope can name: id and name.
pub async fn systems(conn: &mut Conn) -> Result<Vec<(SystemId, String)>, Error> {
    let rows: Vec<(String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT system_id, name FROM system WHERE configured = 1 ORDER BY name, system_id")
        .fetch_all(c).await?);
    Ok(rows.into_iter().map(|(id, name)| (SystemId(id), name)).collect())
}

/// Sites that sessions were last seen in, by system and name; at most 1,000.
pub async fn sites(conn: &mut Conn) -> Result<Vec<ScopeSite>, Error> {
    let rows: Vec<(String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT DISTINCT system_id, site FROM session WHERE state = 'live' AND site <> '' \
         ORDER BY system_id, site LIMIT 1000")
        .fetch_all(c).await?);
    Ok(rows
        .into_iter()
        .map(|(system, site)| ScopeSite {
            system_id: SystemId(system),
            site,
        })
        .collect())
}
