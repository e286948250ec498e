//! Accepting advice (ASVS 7.1.1): one piece, for one system, on the ground it has now, with a reason and an end. Nothing of
//! the limits changes, and nothing is hidden: accepted advice stays in sight beside its reason.

use app::access::wire::Permission;
use app::error::{AppError, FieldProblem};
use app::policies::advice::{self, Advice};
use app::policies::wire::{AcceptAdvice, AdviceAccepted, SystemLimits, bounds};
use app::wire::{Done, SystemId, Timestamp};

use super::{Policies, accepted};
use crate::audit::{Action, Entry};
use crate::caller::{Caller, Permit};
use crate::db::Conn;
use crate::domain::grant::About;
use crate::domain::policy::REASON_MAX;
use crate::error::Error;

/// Adds what was accepted, whether the caller may accept, and how much is open.
pub(super) async fn tell(
    conn: &mut Conn,
    caller: &Caller,
    limits: &mut [SystemLimits],
    now: Timestamp,
) -> Result<(), Error> {
    let mut kept = accepted::in_force(conn, now).await?;
    let editable = caller.visible(Permission::EditPolicies, now);
    for system in limits.iter_mut() {
        system.may_accept = editable.covers_system(&system.system_id);
        let own = kept.extract_if(.., |(id, _)| *id == system.system_id);
        system.accepted = own.map(|(_, accepted)| accepted).collect();
    }
    let lines = advice::advice(limits);
    for system in limits.iter_mut() {
        let open = |line: &&Advice| line.system_id == system.system_id && line.accepted.is_none();
        system.advice_open = lines.iter().filter(open).count() as u64;
    }
    Ok(())
}

impl Policies {
    /// A piece of advice as it stands, for who may know the system and decide on it.
    async fn find(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        system: &SystemId,
        wanted: &str,
        now: Timestamp,
    ) -> Result<(Permit, Advice), Error> {
        if !caller
            .visible(Permission::ReadPolicies, now)
            .touches_system(system)
        {
            caller.authorize_somewhere(Permission::ReadPolicies, now)?;
            return Err(AppError::not_found("system").into());
        }
        let permit = caller.authorize(Permission::EditPolicies, About::System(system), now)?;
        let only = std::slice::from_ref(system);
        let limits = self
            .limits_with_servers(conn, caller, Some(only), None, now)
            .await?;
        let line = advice::advice(&limits)
            .into_iter()
            .find(|line| line.system_id == *system && line.id == wanted && !line.id.is_empty());
        Ok((permit, line.ok_or_else(|| AppError::not_found("advice"))?))
    }

    pub(super) async fn accept(
        &self,
        caller: &Caller,
        system: &SystemId,
        asked: &AcceptAdvice,
    ) -> Result<Done, Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        let (permit, line) = self.find(&mut conn, caller, system, &asked.advice, now).await?;
        let problems = problems(asked, now);
        if !problems.is_empty() {
            return Err(AppError::Invalid { problems }.into());
        }
        if line.ground != asked.ground {
            let message = "The value it is about has changed since. Look at it, then decide again.";
            return Err(AppError::Conflict {
                message: message.to_owned(),
            }
            .into());
        }
        let kept = AdviceAccepted {
            advice: line.id.clone(),
            ground: line.ground.clone(),
            reason: asked.reason.trim().to_owned(),
            by: caller.name.clone(),
            at: now,
            until: asked.until,
        };
        accepted::keep(&mut conn, system, caller, &kept).await?;
        let entry = entry(caller, Action::AdviceAccepted, system, &permit, &line)
            .reason(kept.reason.clone(), None)
            .fact("until", app::civil::rfc3339(kept.until));
        self.audit.append(&mut conn, &entry, now).await?;
        conn.commit().await?;
        Ok(Done {
            message: "Accepted. It is open again after its end, or when the value it is about changes."
                .to_owned(),
        })
    }

    pub(super) async fn reopen(
        &self,
        caller: &Caller,
        system: &SystemId,
        wanted: &str,
    ) -> Result<Done, Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        let (permit, line) = self.find(&mut conn, caller, system, wanted, now).await?;
        // What ended, or lost its ground, is open already: a row may stand all the same.
        let stood = accepted::forget(&mut conn, system, wanted).await? && line.accepted.is_some();
        if !stood {
            return Err(AppError::Conflict {
                message: "Nobody has accepted this: it is open already.".to_owned(),
            }
            .into());
        }
        let entry = entry(caller, Action::AdviceReopened, system, &permit, &line);
        self.audit.append(&mut conn, &entry, now).await?;
        conn.commit().await?;
        Ok(Done {
            message: "Taken back: the advice is open again.".to_owned(),
        })
    }
}

fn entry(caller: &Caller, action: Action, system: &SystemId, permit: &Permit, line: &Advice) -> Entry {
    Entry::by(caller, action)
        .target(line.fact.clone())
        .system(system)
        .permission(permit.permission())
        .fact("advice", line.id.clone())
        .fact("ground", line.ground.clone())
}

/// What is wrong with accepting it so; empty = nothing.
fn problems(asked: &AcceptAdvice, now: Timestamp) -> Vec<FieldProblem> {
    let mut found = Vec::new();
    let mut bad = |field: &str, message: String| {
        found.push(FieldProblem {
            field: field.to_owned(),
            message,
        });
    };
    let reason = asked.reason.trim();
    if reason.is_empty() || reason.chars().count() > REASON_MAX {
        bad("reason", format!("Write why, in 1 to {REASON_MAX} characters."));
    }
    if asked.until <= now {
        bad("until", "Name a moment that is still to come.".to_owned());
    } else if asked.until > now.plus_seconds(bounds::ACCEPT_MAX_S) {
        bad("until", "Advice is accepted for a year at most.".to_owned());
    }
    found
}
