//! Roles: one's own saved and removed, and which of them need a second factor.

use app::access::wire::{Protected, RoleEdit};
use app::error::AppError;
use app::wire::{Done, RoleId};

use super::{conflict, done, problem};
use crate::access::{Access, checked_text, store};
use crate::audit::Action;
use crate::caller::For;
use crate::changes::topic;
use crate::error::Error;
use crate::keys;

impl For<Access> {
    pub(super) async fn save_role_(&self, edit: RoleEdit) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut problems = Vec::new();
        let name = checked_text(&edit.name, 60).map_err(|m| problems.push(problem("name", m)));
        let mut permissions = edit.permissions.clone();
        permissions.sort();
        permissions.dedup();
        if permissions.is_empty() {
            problems.push(problem("permission", "Choose at least one permission."));
        }
        let (Ok(name), true) = (name, problems.is_empty()) else {
            return Err(AppError::Invalid { problems }.into());
        };
        let mut conn = self.room.db.write().await?;
        let before = match &edit.role_id {
            Some(id) => match store::role(&mut conn, id).await? {
                Some(role) if role.built_in != 0 => {
                    return Err(conflict(
                        "Built-in roles come with Curfew and can't be changed. Make an own one.",
                    ));
                }
                Some(role) => Some(role),
                None => return Err(AppError::not_found("role").into()),
            },
            None => None,
        };
        let id = match &edit.role_id {
            Some(id) => id.clone(),
            None => RoleId(keys::new_id()),
        };
        if store::role_named(&mut conn, &name)
            .await?
            .is_some_and(|other| other.role_id != id.0)
        {
            return Err(AppError::invalid("name", "There is a role of this name. Choose another.").into());
        }
        store::upsert_role(&mut conn, &id, &name, false, &permissions).await?;
        let names: Vec<&str> = permissions.iter().map(|p| p.name()).collect();
        let mut entry = self
            .entry(
                Action::PrivilegesChanged,
                match &before {
                    Some(_) => format!("Changed the role {name}"),
                    None => format!("Made the role {name}"),
                },
            )
            .fact("role_id", id.as_str())
            .fact("permissions", serde_json::to_value(&names)?);
        if let Some(before) = before {
            entry = entry
                .fact("before", before.permissions)
                .fact("name_before", before.name);
        }
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!("The role {name} is saved.")))
    }

    /// For built-in roles too: what they allow comes with the program, what it takes to hold them is the house's to say.
    pub(super) async fn ask_factor(&self, id: RoleId, needed: bool) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let Some(role) = store::role(&mut conn, &id).await? else {
            return Err(AppError::not_found("role").into());
        };
        store::set_needs_factor(&mut conn, &id, needed).await?;
        let words = match needed {
            true => format!("Asked people with the role {} for a second factor", role.name),
            false => format!(
                "Asked people with the role {} for a second factor no more",
                role.name
            ),
        };
        let entry = self
            .entry(Action::PrivilegesChanged, words)
            .fact("role_id", id.as_str())
            .fact("needs_second_factor", needed);
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(match needed {
            true => format!(
                "People with the role {} need a second factor. Who has none sets it up at their next page.",
                role.name
            ),
            false => format!("The role {} needs no second factor.", role.name),
        }))
    }

    pub(super) async fn drop_role(&self, id: RoleId) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let roles = store::roles(&mut conn, now).await?;
        let Some(role) = roles.into_iter().find(|r| r.role_id == id.0) else {
            return Err(AppError::not_found("role").into());
        };
        if role.built_in != 0 {
            return Err(conflict("Built-in roles come with Curfew and can't be removed."));
        }
        if role.grants_in_force > 0 {
            return Err(conflict("Grants in force use this role. Take them away first."));
        }
        let protects = store::protected(&mut conn).await?;
        if protects
            .iter()
            .any(|p| p.who() == Some(Protected::Role(id.clone())))
        {
            return Err(conflict("The protected list names this role. Take it off first."));
        }
        store::delete_role(&mut conn, &id).await?;
        let entry = self
            .entry(
                Action::PrivilegesChanged,
                format!("Removed the role {}", role.name),
            )
            .fact("role_id", id.as_str());
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!("The role {} is gone.", role.name)))
    }
}
