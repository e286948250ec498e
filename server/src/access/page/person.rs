//! What one person can do: their grants in force, turned round to answer per permission.

use app::access::wire::{GrantLine, Permission, PersonPage};
use app::error::AppError;
use app::wire::OperatorId;

use super::grants::Named;
use super::operators::operator_row;
use crate::access::{Access, store};
use crate::caller::For;
use crate::error::Error;

impl For<Access> {
    pub(super) async fn person_of(&self, id: OperatorId) -> Result<PersonPage, Error> {
        let now = self.room.clock.now();
        self.may_read(now)?;
        let mut conn = self.room.db.read().await?;
        let operators = store::operators(&mut conn, now).await?;
        let Some(operator) = operators.into_iter().find(|o| o.operator_id == id.0) else {
            return Err(AppError::not_found("person").into());
        };
        let known = Named::read(&mut conn).await?;
        let held = store::grants_of(&mut conn, &id).await?;
        let lines = store::grants(&mut conn).await?;
        let permissions = Permission::ALL.map(|permission| {
            let gives = held
                .iter()
                .filter(|g| g.in_force(now) && g.permissions.contains(&permission));
            let lines = gives.map(|grant| GrantLine {
                scope_words: known.words(&grant.scope),
                role_name: lines
                    .iter()
                    .find(|line| line.grant_id == grant.grant_id.0)
                    .map_or_else(String::new, |line| line.role_name.clone()),
                expires_at: grant.expires_at,
            });
            (permission, lines.collect())
        });
        Ok(PersonPage {
            now,
            effect: self.room.effect(&mut conn, &held, now).await?,
            operator: operator_row(operator, now),
            permissions: permissions.into(),
        })
    }
}
