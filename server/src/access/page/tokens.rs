//! API tokens as the access page makes, shows and revokes them.

use app::access::wire::{FreshToken, NewToken, TokenRow, TokenState};
use app::error::AppError;
use app::wire::{Done, GrantId, Timestamp, TokenId};

use super::grants::Named;
use super::{done, problem};
use crate::access::{Access, checked_text, store, tokens};
use crate::audit::Action;
use crate::caller::{CallerKind, For};
use crate::changes::topic;
use crate::domain::grant::VisibleScope;
use crate::error::Error;
use crate::keys;

/// Longest life of a token, seconds: 366 days.
const LONGEST_S: i64 = 366 * 86_400;

impl For<Access> {
    /// A new token with one grant. Who makes it must hold what its role allows, in the whole scope.
    pub(super) async fn new_token(&self, new: NewToken) -> Result<FreshToken, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let Some(role) = store::role(&mut conn, &new.role_id).await? else {
            return Err(AppError::invalid("role", "Choose a role.").into());
        };
        let mut problems = Vec::new();
        let name = checked_text(&new.name, 100).map_err(|m| problems.push(problem("name", m)));
        let reason = checked_text(&new.reason, 500).map_err(|m| problems.push(problem("reason", m)));
        let permissions = store::permissions(&role.permissions);
        if let Some(own) = permissions.iter().find(|p| p.is_for_people_only()) {
            let words = format!(
                "“{}” is for people only, and {} holds it. Choose another role.",
                own.label(),
                role.name
            );
            problems.push(problem("role", words));
        }
        let known = Named::read(&mut conn).await?;
        let scope = known.checked(new.scope).map_err(|p| problems.push(p));
        if new.expires_at <= now {
            problems.push(problem(
                "expires_at",
                "This moment has passed. Choose a later one.",
            ));
        } else if new.expires_at > now.plus_seconds(LONGEST_S) {
            problems.push(problem(
                "expires_at",
                "A token lives 366 days at most. Choose an earlier moment.",
            ));
        }
        let (Ok(name), Ok(reason), Ok(scope), true) = (name, reason, scope, problems.is_empty()) else {
            return Err(AppError::Invalid { problems }.into());
        };
        let asked = VisibleScope::union([scope.clone()], now);
        let lacking = permissions
            .iter()
            .find(|p| !self.caller.visible(**p, now).includes(&asked));
        if let Some(permission) = lacking {
            return Err(AppError::Forbidden {
                permission: *permission,
                who_can_give: self.caller.who_can_give.clone(),
            }
            .into());
        }
        let secret = tokens::new_secret();
        let token_id = TokenId(keys::new_id());
        let token = tokens::TokenToStore {
            token_id: &token_id,
            name: &name,
            secret: &secret,
            made_by: &self.caller.id,
            reason: &reason,
            expires_at: new.expires_at,
        };
        tokens::insert(&mut conn, &token, now).await?;
        let grant = store::GrantToStore {
            grant_id: &GrantId(keys::new_id()),
            caller_kind: CallerKind::Token,
            caller_id: token_id.as_str(),
            role_id: &new.role_id,
            scope: &scope,
            reason: &reason,
            granted_by: Some(&self.caller.id),
            expires_at: Some(new.expires_at),
        };
        store::insert_grant(&mut conn, &grant, now).await?;
        let words = known.words(&scope);
        let entry = self
            .entry(
                Action::TokenMade,
                format!("Made the API token {name}, {}: {words}", role.name),
            )
            .reason(&reason, None)
            .fact("token_id", token_id.as_str())
            .fact("role_id", new.role_id.as_str())
            .fact("scope", serde_json::to_value(&scope)?)
            .fact("expires_at", new.expires_at.0);
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(FreshToken {
            token_id,
            name,
            secret,
            expires_at: new.expires_at,
        })
    }

    /// Revokes a token: its next call is refused, what is left of its endings stops.
    pub(super) async fn drop_token(&self, id: TokenId, reason: String) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_change(now)?;
        let mut conn = self.room.db.write().await?;
        let Some(token) = tokens::by_id(&mut conn, id.as_str()).await? else {
            return Err(AppError::not_found("token").into());
        };
        let reason = checked_text(&reason, 500).map_err(|m| AppError::Invalid {
            problems: vec![problem("reason", m)],
        })?;
        if !tokens::revoke(&mut conn, &id, &self.caller.id, now).await? {
            return Ok(done(format!("{} is revoked already.", token.name)));
        }
        let entry = self
            .entry(
                Action::TokenRevoked,
                format!("Revoked the API token {}", token.name),
            )
            .reason(&reason, None)
            .fact("token_id", id.as_str());
        self.finish(conn, &permit, entry, now, &[topic::ACCESS]).await?;
        Ok(done(format!(
            "{} is revoked: its next call is refused.",
            token.name
        )))
    }
}

/// A token with its grants (of all tokens) in words.
pub(super) fn token_row(
    token: tokens::Token,
    grants: &[store::GrantLine],
    known: &Named,
    now: Timestamp,
) -> TokenRow {
    let state = match (token.revoked_at, token.maker_disabled_at) {
        (Some(at), _) => TokenState::Revoked(Timestamp(at)),
        _ if token.expires_at <= now.0 => TokenState::Expired,
        (None, Some(_)) => TokenState::MakerDisabled,
        (None, None) => TokenState::Works,
    };
    TokenRow {
        grants: grants
            .iter()
            .filter(|g| g.operator_id == token.token_id)
            .map(|g| format!("{}: {}", g.role_name, known.words(&store::scope(&g.scope))))
            .collect(),
        state,
        token_id: token.id(),
        name: token.name,
        hint: token.hint,
        made_by: token.made_by_name,
        made_at: Timestamp(token.made_at),
        reason: token.reason,
        expires_at: Timestamp(token.expires_at),
        last_used_at: token.last_used_at.map(Timestamp),
        last_used_ip: token.last_used_ip,
    }
}
