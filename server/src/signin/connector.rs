//! The `portal` connector: Curfew's own sessions as a connected system.
//!
//! The one connector that sits on a store of ours instead of a wire. A session's handle is its public id, which opens
//! nothing: the cookie's token is known to the browser alone. Ending deletes the row, so it bites at the next request.

use std::sync::Arc;

use app::sessions::wire::SessionKind;
use app::systems::wire::{SelfTestStep, StepResult};
use app::wire::{Limit, OperatorId, PortalSessionId, Timestamp};
use async_trait::async_trait;
use tower_sessions::session::Id;

use super::{store, tokens};
use crate::access::Access;
use crate::changes::{self, topic};
use crate::clock::Clock;
use crate::connectors::{
    Answer, Completeness, Connector, ConnectorError, EndEffect, EndSessions, Endable, ErrorKind, Handle,
    ListSessions, Proof, ReadLimits, ReadPolicy, SeenSession, SelfTest, Sink, Target, Wanted,
};
use crate::db::Db;
use crate::error::Error;
use crate::keys;
use crate::policies::Policies;

/// Rows of one batch.
const BATCH: i64 = 1_000;

/// Curfew's own sessions.
pub struct Portal {
    db: Db,
    clock: Arc<dyn Clock>,
    access: Arc<Access>,
    policies: Arc<Policies>,
}

impl Portal {
    /// The connector over the portal's own database.
    pub fn new(db: Db, clock: Arc<dyn Clock>, access: Arc<Access>, policies: Arc<Policies>) -> Self {
        Self {
            db,
            clock,
            access,
            policies,
        }
    }
}

/// The database is all there is between us and these sessions.
fn unreachable(cause: Error) -> ConnectorError {
    tracing::warn!(%cause, "could not read the portal's own sessions");
    ConnectorError::new(ErrorKind::Unreachable, "Curfew's own database did not answer.")
}

fn seen(row: store::PortalSession) -> SeenSession {
    let mut seen = SeenSession::new(Handle::new(row.portal_session_id), SessionKind::Portal);
    seen.account_id = row.operator_id;
    seen.account_name = row.login;
    seen.display_name = row.display_name;
    seen.email = row.email;
    seen.ip = row.ip;
    seen.user_agent = row.user_agent;
    seen.created_at = Some(Timestamp(row.created_at));
    seen.last_active_at = Some(Timestamp(row.last_active_at));
    seen.idle = Limit::Seconds(row.idle_timeout_s);
    seen.absolute_expires_at = Some(Timestamp(row.absolute_expires_at));
    seen.absolute_known = true;
    seen.endable = Endable::Yes;
    seen
}

impl Connector for Portal {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: "At the next click: the browser lands on the sign-in page.".to_owned(),
            survives: String::new(),
            residual: None,
            not_listed: Vec::new(),
            before_you_end: String::new(),
        }
    }

    fn list(&self) -> Option<&dyn ListSessions> {
        Some(self)
    }

    fn end(&self) -> Option<&dyn EndSessions> {
        Some(self)
    }

    fn policy(&self) -> Option<&dyn ReadPolicy> {
        Some(self)
    }

    fn self_test(&self) -> Option<&dyn SelfTest> {
        Some(self)
    }
}

#[async_trait]
impl ListSessions for Portal {
    async fn list(&self, wanted: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        let now = self.clock.now();
        match wanted {
            Wanted::Accounts(ids) => {
                for id in ids {
                    let mut conn = self.db.read().await.map_err(unreachable)?;
                    let rows = store::live_of(&mut conn, &OperatorId::from(id.as_str()), now)
                        .await
                        .map_err(unreachable)?;
                    drop(conn);
                    if !rows.is_empty() {
                        sink.push(rows.into_iter().map(seen).collect()).await?;
                    }
                }
            }
            Wanted::All => {
                let mut after = String::new();
                loop {
                    // A connection of its own per batch, here as above: nothing is held while the reader of the sink catches up.
                    let mut conn = self.db.read().await.map_err(unreachable)?;
                    let rows = store::live_after(&mut conn, &after, BATCH, now)
                        .await
                        .map_err(unreachable)?;
                    drop(conn);
                    let Some(last) = rows.last() else { break };
                    after = last.portal_session_id.clone();
                    sink.push(rows.into_iter().map(seen).collect()).await?;
                }
            }
        }
        Ok(Completeness::Complete)
    }

    fn narrows(&self) -> bool {
        true
    }
}

#[async_trait]
impl EndSessions for Portal {
    fn chunk(&self) -> usize {
        500
    }

    async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        let act = async {
            let mut conn = self.db.write().await?;
            let mut answers = Vec::with_capacity(targets.len());
            for target in targets {
                let id = PortalSessionId::from(target.handle.expose());
                let gone = store::delete(&mut conn, &id).await?;
                answers.push(if gone { Answer::Accepted } else { Answer::NotFound });
            }
            changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
            conn.commit().await?;
            Ok(answers)
        };
        act.await.map_err(unreachable)
    }
}

#[async_trait]
impl ReadPolicy for Portal {
    async fn read_policy(&self) -> Result<ReadLimits, ConnectorError> {
        let act = async {
            let mut conn = self.db.read().await?;
            self.policies.own(&mut conn).await
        };
        let own = act.await.map_err(unreachable)?;
        Ok(ReadLimits {
            idle: Limit::Seconds(own.idle_timeout_s),
            absolute: Limit::Seconds(own.absolute_lifetime_s),
            ..ReadLimits::default()
        })
    }
}

fn step(name: &str, passed: bool, detail: &str) -> SelfTestStep {
    SelfTestStep {
        name: name.to_owned(),
        result: if passed {
            StepResult::Passed
        } else {
            StepResult::Failed
        },
        detail: detail.to_owned(),
    }
}

impl Portal {
    /// Whether a cookie with this token would be taken for a session that lives.
    async fn cookie_finds(&self, token: &Id) -> Result<bool, Error> {
        let now = self.clock.now();
        let mut conn = self.db.read().await?;
        let row = store::by_token(&mut conn, &tokens::hash(token)).await?;
        Ok(row.is_some_and(|row| row.live(now)))
    }

    async fn is_listed(&self, operator: &OperatorId, id: &PortalSessionId) -> Result<bool, ConnectorError> {
        let (sink, mut batches) = Sink::channel(4);
        ListSessions::list(self, Wanted::Accounts(std::slice::from_ref(&operator.0)), &sink).await?;
        drop(sink);
        let mut found = false;
        while let Some(batch) = batches.recv().await {
            found |= batch.iter().any(|s| s.handle.expose() == id.as_str());
        }
        Ok(found)
    }

    /// A session of a person who can't sign in: it proves the way a cookie goes without being anybody's way in.
    async fn open_throw_away(&self, token: &Id) -> Result<(OperatorId, PortalSessionId), Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        let operator = self.access.throw_away_operator(&mut conn, now).await?;
        let limits = self.policies.own(&mut conn).await?;
        let id = PortalSessionId(keys::random_id());
        let new = store::NewSession {
            id: &id,
            token_hash: &tokens::hash(token),
            operator_id: &operator,
            idle_timeout_s: limits.idle_timeout_s,
            absolute_expires_at: now.plus_seconds(limits.absolute_lifetime_s.min(60)),
            policy_version: limits.version,
            ip: None,
            user_agent: Some("Curfew self-test"),
            methods: store::Methods::Password,
        };
        store::insert(&mut conn, &new, now).await?;
        conn.commit().await?;
        Ok((operator, id))
    }

    async fn clean_up(&self, operator: &OperatorId, id: &PortalSessionId) -> Result<(), Error> {
        let mut conn = self.db.write().await?;
        store::delete(&mut conn, id).await?;
        self.access.forget_throw_away(&mut conn, operator).await?;
        conn.commit().await
    }
}

#[async_trait]
impl SelfTest for Portal {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        let token = Id::default();
        let (operator, id) = self.open_throw_away(&token).await.map_err(unreachable)?;
        let steps = async {
            let mut steps = vec![step(
                "Open a throw-away session",
                true,
                "For a person who can't sign in.",
            )];
            let works = self.cookie_finds(&token).await.map_err(unreachable)?;
            steps.push(step("Its cookie finds the session", works, ""));
            let listed = self.is_listed(&operator, &id).await?;
            steps.push(step("It is in the list", listed, ""));
            let target = Target {
                handle: Handle::new(id.0.clone()),
                place: String::new(),
                kind: SessionKind::Portal,
                site: String::new(),
                account_id: operator.0.clone(),
                node: None,
            };
            let answers = EndSessions::end(self, &[target]).await?;
            steps.push(step("End it", answers == [Answer::Accepted], ""));
            let listed = self.is_listed(&operator, &id).await?;
            steps.push(step("It is not in the list any more", !listed, ""));
            let works = self.cookie_finds(&token).await.map_err(unreachable)?;
            steps.push(step("Its cookie is dead", !works, ""));
            Ok::<_, ConnectorError>(steps)
        }
        .await;
        self.clean_up(&operator, &id).await.map_err(unreachable)?;
        Ok(Proof {
            steps: steps?,
            build: env!("CARGO_PKG_VERSION").to_owned(),
        })
    }
}

#[cfg(test)]
#[path = "connector_tests.rs"]
mod tests;
