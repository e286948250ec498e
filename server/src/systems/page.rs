//! What the Systems page and the health strip show.

use std::collections::BTreeSet;
use std::sync::Arc;

use app::access::wire::Permission;
use app::systems::wire::{Abilities, SystemBrief, SystemDetail};
use app::wire::{Count, SystemId, Timestamp};

use super::few::Few;
use super::{COUNT_UP_TO, Systems, read, store};
use crate::caller::Caller;
use crate::connectors::EndEffect;
use crate::db::Conn;
use crate::error::Error;

impl Systems {
    /// The systems the caller may know, by name, with the number of live rows they may see there.
    ///
    /// Who sees a whole system gets the number of its last complete reading; others a count over their own scope.
    pub async fn briefs(&self, conn: &mut Conn, caller: &Caller) -> Result<Vec<SystemBrief>, Error> {
        Ok(self.briefs_and_few(conn, caller).await?.0)
    }

    /// The same with the counts they are from, where the caller sees certain people.
    pub async fn briefs_and_few(
        &self,
        conn: &mut Conn,
        caller: &Caller,
    ) -> Result<(Vec<SystemBrief>, Option<Arc<Few>>), Error> {
        let rows = self.visible_rows(conn, caller).await?;
        let (counts, few) = self.counts(conn, caller, &rows).await?;
        let briefs = rows.iter().zip(counts).map(|(row, count)| self.brief(row, count));
        Ok((briefs.collect(), few))
    }

    /// Live rows of these systems that the caller may see, in their order, and what they are from.
    async fn counts(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        rows: &[store::Row],
    ) -> Result<(Vec<Count>, Option<Arc<Few>>), Error> {
        let scope = caller.visible(Permission::SeeSessions, self.clock.now());
        let whole = |row: &store::Row| {
            let system_id = SystemId::from(row.system_id.as_str());
            row.last_rows.filter(|_| scope.covers_system(&system_id))
        };
        let few = match rows.iter().all(|row| whole(row).is_some()) {
            true => None,
            false => self.few(conn, &scope, self.clock.now()).await?,
        };
        let mut counts = Vec::with_capacity(rows.len());
        for row in rows {
            counts.push(match (whole(row), &few) {
                (Some(rows), _) => Count::Exactly(rows.unsigned_abs()),
                (None, Some(few)) => Count::Exactly(few.in_system(&row.system_id)),
                (None, None) => {
                    match store::count_live(conn, &row.system_id, &scope, COUNT_UP_TO + 1).await? {
                        found if found > COUNT_UP_TO => Count::MoreThan(COUNT_UP_TO),
                        found => Count::Exactly(found),
                    }
                }
            });
        }
        Ok((counts, few))
    }

    pub(super) async fn visible_rows(
        &self,
        conn: &mut Conn,
        caller: &Caller,
    ) -> Result<Vec<store::Row>, Error> {
        let scope = caller.visible(Permission::SeeSessions, self.clock.now());
        let mut rows = store::all(conn).await?;
        rows.retain(|row| scope.touches_system(&SystemId::from(row.system_id.as_str())));
        Ok(rows)
    }

    fn brief(&self, row: &store::Row, count: Count) -> SystemBrief {
        let now = self.clock.now();
        let waits = row.last_error.is_some() && row.configured == 1 && row.paused_at.is_none();
        SystemBrief {
            name: row.name.clone(),
            kind: row.kind.clone(),
            simulated: row.simulated == 1,
            health: self.health_of(row, now),
            read_at: row.last_complete_pass_started_at.map(Timestamp),
            count,
            trouble: row.last_error.clone(),
            trouble_since: row.last_error.as_ref().and(row.last_error_at).map(Timestamp),
            next_try_at: waits.then(|| Timestamp(row.next_pass_at).max(now)),
            unproven: unproven(row).map(str::to_owned),
            system_id: SystemId::from(row.system_id.as_str()),
        }
    }

    /// What the Systems page tells the caller of these systems, by name; those they may not know are left out.
    pub async fn told_of(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        systems: &BTreeSet<SystemId>,
    ) -> Result<Vec<SystemDetail>, Error> {
        let mut told = Vec::with_capacity(systems.len());
        for row in self.visible_rows(conn, caller).await? {
            if systems.contains(&SystemId::from(row.system_id.as_str())) {
                told.push(self.detail(conn, caller, &row).await?);
            }
        }
        Ok(told)
    }

    pub(super) async fn detail(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        row: &store::Row,
    ) -> Result<SystemDetail, Error> {
        let (counts, _) = self.counts(conn, caller, std::slice::from_ref(row)).await?;
        let brief = self.brief(row, counts.first().copied().unwrap_or(Count::Exactly(0)));
        let connected = self.connected(&brief.system_id);
        let abilities = match &connected {
            Some(c) => c.guard.abilities(),
            None => serde_json::from_str(&row.abilities).unwrap_or_default(),
        };
        let (about, not_listed) = match &connected {
            Some(c) => {
                let effect = c.guard.effect();
                let not_listed = effect.not_listed.clone();
                (about(&effect, abilities), not_listed)
            }
            None => (Vec::new(), Vec::new()),
        };
        let rules = read(&self.rules).clone();
        let self_test = row
            .self_test
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok());
        Ok(SystemDetail {
            abilities,
            took_ms: row.last_pass_took_ms,
            collect_every_s: connected.as_ref().map_or(rules.every_s, |c| c.collect_every_s),
            timeout_ms: whole(connected.as_ref().map_or(rules.timeout_ms, |c| c.timeout_ms)),
            pace_ms: whole(connected.as_ref().map_or(0, |c| c.pace_ms)),
            failures: u64::try_from(row.failures).unwrap_or(0),
            paused_at: row.paused_at.map(Timestamp),
            paused_by: row.paused_at.and(row.paused_by_name.clone()),
            proven_at: row.proven_at.map(Timestamp),
            proven_build: row.proven_build.clone().filter(|build| !build.is_empty()),
            self_test,
            about,
            not_listed,
            earlier: {
                let scope = caller.visible(Permission::SeeSessions, self.clock.now());
                super::earlier::count(conn, &scope, &brief.system_id).await?
            },
            found: connected.as_ref().map(|c| c.guard.found()).unwrap_or_default(),
            brief,
        })
    }
}

/// What rows, previews, API and command line say of ending in a system where the build it runs decides and no self-test
/// proved it there; `None` = it is proven, or there is nothing to say.
pub(super) fn unproven(row: &store::Row) -> Option<&'static str> {
    row.build.as_ref()?;
    if row.kind == "domo" {
        return unproven_domo(row);
    }
    match row.build_proven {
        Some(1) => None,
        Some(_) => Some("Ending not verified on this build: the self-test failed"),
        None => Some("Ending not verified on this build"),
    }
}

/// The same for Domo, whose interface nobody documents; what an imitation proves says nothing of a real one.
fn unproven_domo(row: &store::Row) -> Option<&'static str> {
    match row.build_proven {
        Some(1) if row.simulated == 0 => None,
        Some(0) if row.proven_at.is_some() && row.simulated == 0 => {
            Some("The last self-test did not prove ending on this Domo")
        }
        _ => Some("Never proven on a real Domo"),
    }
}

/// What ending does in a system, in plain sentences.
fn about(effect: &EndEffect, abilities: Abilities) -> Vec<String> {
    let mut sentences = Vec::new();
    if abilities.end {
        sentences.push(format!(
            "Ending takes effect {}.",
            lower_first(&effect.takes_effect)
        ));
    } else {
        sentences.push("Sessions can\u{2019}t be ended here one by one.".to_owned());
    }
    if !effect.survives.is_empty() {
        sentences.push(format!(
            "What still works after: {}.",
            effect.survives.trim_end_matches('.')
        ));
    }
    if !effect.before_you_end.is_empty() {
        sentences.push(effect.before_you_end.clone());
    }
    sentences
}

fn lower_first(text: &str) -> String {
    let mut chars = text.trim_end_matches('.').chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
fn whole(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
