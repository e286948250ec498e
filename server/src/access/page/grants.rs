//! Grants: given and taken away, and a scope checked and in words.

use app::access::wire::{GrantRow, NewGrant, People, Places, Scope, ScopeEffect, ThesePeople};
use app::error::{AppError, FieldProblem};
use app::wire::{Done, GrantId, GroupId, OperatorId, RoleId, SystemId, Timestamp};

use super::{LAST_ADMINISTRATOR, conflict, done, problem};
use crate::access::{ADMINISTRATOR, Access, checked_domain, checked_text, groups, store};
use crate::audit::Action;
use crate::caller::{CallerKind, For};
use crate::changes::topic;
use crate::db::Conn;
use crate::domain::grant::Grant;
use crate::error::Error;
use crate::keys;

/// Most accounts, and most domains, in one scope.
const MOST_NAMES: usize = 500;

impl For<Access> {
    /// What a grant would mean; nothing is given.
    pub(super) async fn effect_of(&self, new: NewGrant) -> Result<ScopeEffect, Error> {
        let now = self.room.clock.now();
        self.may_read(now)?;
        let mut conn = self.room.db.read().await?;
        let Some(role) = store::role(&mut conn, &new.role_id).await? else {
            return Err(AppError::invalid("role", "Choose a role.").into());
        };
        let known = Named::read(&mut conn).await?;
        let scope = known
            .checked(new.scope)
            .map_err(|p| AppError::Invalid { problems: vec![p] })?;
        let grant = Grant {
            grant_id: GrantId::from("weighed"),
            permissions: store::permissions(&role.permissions),
            scope,
            expires_at: None,
        };
        self.room.effect(&mut conn, &[grant], now).await
    }

    pub(super) async fn give(&self, new: NewGrant) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let operator = self.operator(&mut conn, &new.operator_id).await?;
        let Some(role) = store::role(&mut conn, &new.role_id).await? else {
            return Err(AppError::invalid("role", "Choose a role.").into());
        };
        let mut problems = Vec::new();
        let reason = checked_text(&new.reason, 500).map_err(|m| problems.push(problem("reason", m)));
        let known = Named::read(&mut conn).await?;
        let scope = known.checked(new.scope).map_err(|p| problems.push(p));
        if new.expires_at.is_some_and(|end| end <= now) {
            problems.push(problem(
                "expires_at",
                "This moment has passed. Choose a later one, or no end.",
            ));
        }
        let (Ok(reason), Ok(scope), true) = (reason, scope, problems.is_empty()) else {
            return Err(AppError::Invalid { problems }.into());
        };
        let grant = store::GrantToStore {
            grant_id: &GrantId(keys::new_id()),
            caller_kind: CallerKind::Operator,
            caller_id: new.operator_id.as_str(),
            role_id: &new.role_id,
            scope: &scope,
            reason: &reason,
            granted_by: Some(&self.caller.id),
            expires_at: new.expires_at,
        };
        store::insert_grant(&mut conn, &grant, now).await?;
        let words = known.words(&scope);
        let mut entry = self
            .entry(
                Action::PrivilegesChanged,
                format!("Gave {} the role {}: {words}", operator.display_name, role.name),
            )
            .account(&operator.login)
            .reason(&reason, None)
            .fact("grant_id", grant.grant_id.as_str())
            .fact("role_id", new.role_id.as_str())
            .fact("scope", serde_json::to_value(&scope)?);
        if let Some(end) = new.expires_at {
            entry = entry.fact("expires_at", end.0);
        }
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!(
            "{} is now {}: {words}.",
            operator.display_name, role.name
        )))
    }

    pub(super) async fn revoke(&self, id: GrantId) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let Some(grant) = store::grant(&mut conn, &id).await? else {
            return Err(AppError::not_found("grant").into());
        };
        let everywhere = store::scope(&grant.scope) == Scope::EVERYWHERE;
        let in_force = grant.expires_at.is_none_or(|end| now.0 < end);
        if grant.role_id == ADMINISTRATOR && everywhere && in_force {
            let others = store::administrators_besides(&mut conn, None, Some(&id)).await?;
            if others == 0 {
                return Err(conflict(LAST_ADMINISTRATOR));
            }
        }
        store::revoke_grant(&mut conn, &id, &self.caller.id, now).await?;
        let known = Named::read(&mut conn).await?;
        let words = known.words(&store::scope(&grant.scope));
        let entry = self
            .entry(
                Action::PrivilegesChanged,
                format!(
                    "Took the role {} from {}: {words}",
                    grant.role_name, grant.operator_name
                ),
            )
            .account(&grant.operator_login)
            .fact("grant_id", id.as_str())
            .fact("role_id", grant.role_id.as_str());
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!(
            "{} is no longer {} ({words}).",
            grant.operator_name, grant.role_name
        )))
    }
}

/// What scopes can name, with the names people know it by.
pub(super) struct Named {
    pub systems: Vec<(SystemId, String)>,
    groups: Vec<(GroupId, String)>,
}

impl Named {
    pub(super) async fn read(conn: &mut Conn) -> Result<Self, Error> {
        let groups = groups::all(conn).await?;
        Ok(Self {
            systems: store::systems(conn).await?,
            groups: groups
                .into_iter()
                .map(|g| (GroupId(g.group_id), g.name))
                .collect(),
        })
    }

    fn knows(&self, id: &SystemId) -> bool {
        self.systems.iter().any(|(known, _)| known == id)
    }

    fn system<'n>(&'n self, id: &'n SystemId) -> &'n str {
        let known = self.systems.iter().find(|(known, _)| known == id);
        known.map_or(id.as_str(), |(_, name)| name)
    }

    /// The scope made tidy; the problem is one that names nothing, or something unknown.
    pub(super) fn checked(&self, scope: Scope) -> Result<Scope, FieldProblem> {
        let places = match scope.places {
            Places::Everywhere => Places::Everywhere,
            Places::Systems(mut systems) => {
                systems.sort();
                systems.dedup();
                if systems.is_empty() {
                    return Err(problem("systems", "Choose at least one system."));
                }
                if !systems.iter().all(|s| self.knows(s)) {
                    return Err(problem("systems", "There is no such system."));
                }
                Places::Systems(systems)
            }
            Places::Sites(mut sites) => {
                sites.sort();
                sites.dedup();
                if sites.is_empty() {
                    return Err(problem("sites", "Choose at least one site."));
                }
                if !sites
                    .iter()
                    .all(|s| self.knows(&s.system_id) && !s.site.is_empty())
                {
                    return Err(problem("sites", "There is no such site."));
                }
                Places::Sites(sites)
            }
        };
        let people = match scope.people {
            People::Everybody => People::Everybody,
            People::These(these) => People::These(self.checked_people(these)?),
        };
        Ok(Scope { places, people })
    }

    fn checked_people(&self, these: ThesePeople) -> Result<ThesePeople, FieldProblem> {
        let tidy = |names: Vec<String>| {
            let mut names: Vec<String> = names.iter().map(|n| n.trim().to_lowercase()).collect();
            names.retain(|n| !n.is_empty());
            names.sort();
            names.dedup();
            names
        };
        let accounts = tidy(these.accounts);
        let domains = tidy(these.domains);
        let mut groups = these.groups;
        groups.sort();
        groups.dedup();
        if !these.roles.is_empty() {
            return Err(problem("people", "Roles are for the protected list only."));
        }
        if accounts.is_empty() && domains.is_empty() && groups.is_empty() {
            return Err(problem("accounts", "Name an account, a mail domain or a group."));
        }
        for (field, names) in [("accounts", &accounts), ("domains", &domains)] {
            if names.len() > MOST_NAMES {
                let words = format!("At most {MOST_NAMES} in one grant. Import a group for more.");
                return Err(problem(field, words));
            }
        }
        let domains = domains
            .iter()
            .map(|domain| {
                checked_domain(domain).ok_or_else(|| {
                    problem(
                        "domains",
                        format!("“{domain}” is no mail domain. Write it as example.org."),
                    )
                })
            })
            .collect::<Result<Vec<_>, _>>()?;
        if !groups
            .iter()
            .all(|g| self.groups.iter().any(|(known, _)| known == g))
        {
            return Err(problem("groups", "There is no such group."));
        }
        Ok(ThesePeople {
            accounts,
            domains,
            groups,
            roles: Vec::new(),
        })
    }

    /// A scope in plain words.
    pub(super) fn words(&self, scope: &Scope) -> String {
        let places = match &scope.places {
            Places::Everywhere => None,
            Places::Systems(systems) => {
                let names: Vec<String> = systems.iter().map(|s| self.system(s).to_owned()).collect();
                Some(some_of(&names))
            }
            Places::Sites(sites) => {
                let names: Vec<String> = sites
                    .iter()
                    .map(|s| format!("{} of {}", s.site, self.system(&s.system_id)))
                    .collect();
                Some(some_of(&names))
            }
        };
        let people = match &scope.people {
            People::Everybody => None,
            People::These(these) => {
                let groups = these.groups.iter().map(|id| {
                    let known = self.groups.iter().find(|(known, _)| known == id);
                    format!("the group {}", known.map_or("that was removed", |(_, name)| name))
                });
                let domains = these.domains.iter().map(|d| format!("everybody at {d}"));
                let names: Vec<String> = groups
                    .chain(domains)
                    .chain(these.accounts.iter().cloned())
                    .collect();
                Some(some_of(&names))
            }
        };
        match (people, places) {
            (None, None) => "Everywhere".to_owned(),
            (None, Some(places)) => format!("Everybody in {places}"),
            (Some(people), None) => capital(&people),
            (Some(people), Some(places)) => format!("{} in {places}", capital(&people)),
        }
    }
}

/// Up to five names, and how many more.
fn some_of(names: &[String]) -> String {
    let mut shown: Vec<String> = names.iter().take(5).cloned().collect();
    if names.len() > 5 {
        shown.push(format!("{} more", names.len() - 5));
    }
    shown.join(", ")
}

/// "the group …" and "everybody at …" begin a sentence; a name stays as it is.
fn capital(words: &str) -> String {
    match words.strip_prefix("the group ") {
        Some(rest) => format!("The group {rest}"),
        None => match words.strip_prefix("everybody at ") {
            Some(rest) => format!("Everybody at {rest}"),
            None => words.to_owned(),
        },
    }
}

pub(super) fn grant_row(line: store::GrantLine, known: &Named) -> GrantRow {
    let scope = store::scope(&line.scope);
    GrantRow {
        grant_id: GrantId(line.grant_id),
        operator_id: OperatorId(line.operator_id),
        operator_name: line.operator_name,
        operator_login: line.operator_login,
        role_id: RoleId(line.role_id),
        role_name: line.role_name,
        scope_words: known.words(&scope),
        scope,
        expires_at: line.expires_at.map(Timestamp),
        granted_by: line.granted_by.unwrap_or_else(|| "first set-up".to_owned()),
        granted_at: Timestamp(line.granted_at),
        reason: line.reason,
    }
}
