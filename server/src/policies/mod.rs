//! Policies: what limits sessions live under, and the one policy that is set here: Curfew's own.
//!
//! Limits of other systems are read, typed or seen, never assumed: each value carries its source. Own limits are
//! versions that are only ever added; a session keeps those it was created under (signin copies them). This room
//! ends nothing: who wants older sessions out follows the what-if's query to the list. Start reading at
//! [`Policies::own`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use app::access::wire::Permission;
use app::error::AppError;
use app::policies::port::PoliciesPort;
use app::policies::wire::{
    AcceptAdvice, LimitSource, OwnPolicy, PoliciesPage, PolicyEdit, PolicyVersion, SystemLimits, WhatIf,
};
use app::sessions::query::SessionQuery;
use app::sessions::query::filter::PastLimits;
use app::wire::{Done, Limit, SystemId, Timestamp};
use async_trait::async_trait;
use sea_query::{Cond, Condition, Expr, ExprTrait};

use crate::audit::{Action, Audit, Entry};
use crate::caller::scope::Rows;
use crate::caller::{Caller, For, Permit};
use crate::clock::Clock;
use crate::connectors::{LimitsFrom, ReadLimits};
use crate::db::{Conn, Db};
use crate::domain::grant::{About, VisibleScope};
use crate::domain::policy::{self, OWN_SYSTEM};
use crate::error::Error;
use crate::keys;
use crate::systems::{self, Measure, few::Few};

mod accept;
mod accepted;
mod kinds;
mod seen;
mod store;

/// Limits a new portal session is created under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnLimits {
    /// Version of the policy.
    pub version: i64,
    /// Longest pause between activities, seconds.
    pub idle_timeout_s: i64,
    /// Longest time since sign-in, seconds.
    pub absolute_lifetime_s: i64,
}

/// A system, as far as its limits are concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemFacts {
    /// Which.
    pub system_id: SystemId,
    /// Name as shown.
    pub name: String,
    /// When its newest complete reading began.
    pub read_at: Option<Timestamp>,
}

/// Limits that the sessions of one complete reading show.
#[derive(Clone)]
struct SeenLimits {
    read_at: Timestamp,
    kinds: Vec<store::SeenKind>,
}

/// Tells what a person should know before they end sessions of a system; empty = nothing.
pub type BeforeYouEnd = Box<dyn Fn(&SystemId) -> String + Send + Sync>;

/// Tells what the limits of a system are measured by; `None` = not connected.
pub type MeasureOf = Box<dyn Fn(&SystemId) -> Option<Measure> + Send + Sync>;

/// The room.
pub struct Policies {
    db: Db,
    clock: Arc<dyn Clock>,
    audit: Arc<Audit>,
    before_you_end: OnceLock<BeforeYouEnd>,
    measure: OnceLock<MeasureOf>,
    seen: Mutex<BTreeMap<SystemId, SeenLimits>>,
}

impl Policies {
    /// The room over its database. Call [`Policies::ensure_own`] before anybody signs in.
    pub fn new(db: Db, clock: Arc<dyn Clock>, audit: Arc<Audit>) -> Self {
        Self {
            db,
            clock,
            audit,
            before_you_end: OnceLock::new(),
            measure: OnceLock::new(),
            seen: Mutex::default(),
        }
    }

    /// Says where the sentence "before you end" of a system comes from: its connector. The first call counts.
    pub fn take_before_you_end(&self, words: BeforeYouEnd) {
        self.before_you_end.set(words).ok();
    }

    /// Says where the profile of a system and what goes with it come from: its settings. The first call counts.
    pub fn take_measure(&self, measure: MeasureOf) {
        self.measure.set(measure).ok();
    }

    /// Makes the first version of Curfew's own policy if there is none; safe to call by several replicas at once.
    pub async fn ensure_own(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        let first = store::VersionRow {
            version: 1,
            idle_timeout_s: policy::DEFAULT_IDLE_S,
            absolute_lifetime_s: policy::DEFAULT_ABSOLUTE_S,
            reason: "Defaults of a new portal".to_owned(),
            changed_by: None,
            changed_by_name: "set-up".to_owned(),
            changed_at: now.0,
        };
        if store::add_version(&mut conn, &first).await? {
            store::add_snapshot(&mut conn, &own_snapshot(&first)).await?;
        }
        conn.commit().await
    }

    /// The limits a portal session created now gets, as seen by `conn`.
    pub async fn own(&self, conn: &mut Conn) -> Result<OwnLimits, Error> {
        let (version, idle_timeout_s, absolute_lifetime_s) =
            store::newest(conn)
                .await?
                .unwrap_or((1, policy::DEFAULT_IDLE_S, policy::DEFAULT_ABSOLUTE_S));
        Ok(OwnLimits {
            version,
            idle_timeout_s,
            absolute_lifetime_s,
        })
    }

    /// Keeps what a system says its limits are, if they differ from what it said last. The id of the newest snapshot.
    pub async fn record_snapshot(
        &self,
        conn: &mut Conn,
        system: &SystemId,
        limits: &ReadLimits,
    ) -> Result<String, Error> {
        let row = store::SnapshotRow {
            policy_snapshot_id: keys::new_id(),
            system_id: system.0.clone(),
            taken_at: self.clock.now().0,
            source: match limits.source {
                LimitsFrom::Read => "read",
                LimitsFrom::Typed => "typed",
                LimitsFrom::Imported => "imported",
                LimitsFrom::Nobody => "unknown",
            }
            .to_owned(),
            source_note: Some(limits.note.clone()).filter(|note| !note.is_empty()),
            idle_timeout_s: policy::stored(limits.idle),
            absolute_lifetime_s: policy::stored(limits.absolute),
            places: store::places_stored(&limits.places)?,
            told: serde_json::to_string(&store::Told {
                settings: limits.settings.clone(),
                advice: limits.advice.clone(),
                kinds: limits
                    .kinds
                    .iter()
                    .map(|of| {
                        (
                            of.kind.name().to_owned(),
                            policy::stored(of.idle),
                            policy::stored(of.absolute),
                        )
                    })
                    .collect(),
            })?,
        };
        let newest = store::last_snapshots(conn, system).await?.into_iter().next();
        if let Some(last) = newest.filter(|last| {
            last.idle_timeout_s == row.idle_timeout_s
                && last.absolute_lifetime_s == row.absolute_lifetime_s
                && last.source == row.source
                && last.source_note == row.source_note
                && last.places == row.places
                && last.told == row.told
        }) {
            return Ok(last.policy_snapshot_id);
        }
        store::add_snapshot(conn, &row).await?;
        Ok(row.policy_snapshot_id)
    }

    /// Limits of those systems whose policies the caller may read, by name; `only` = these alone, `None` = all.
    ///
    /// Counts of sessions past their limits reach as far as the caller may see sessions; `few` = what is known of them
    /// already.
    pub async fn limits(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        only: Option<&[SystemId]>,
        few: Option<&Few>,
        now: Timestamp,
    ) -> Result<Vec<SystemLimits>, Error> {
        let mut limits = self.limits_with_servers(conn, caller, only, few, now).await?;
        limits.retain(|system| only.is_none_or(|only| only.contains(&system.system_id)));
        Ok(limits)
    }

    /// The same, with the identity servers that people of those systems sign in by: advice holds both against each other.
    async fn limits_with_servers(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        only: Option<&[SystemId]>,
        few: Option<&Few>,
        now: Timestamp,
    ) -> Result<Vec<SystemLimits>, Error> {
        let readable = caller.visible(Permission::ReadPolicies, now);
        if readable.is_empty() {
            return Ok(Vec::new());
        }
        let mut systems = store::systems(conn).await?;
        let measure = |system: &SystemId| self.measure.get().and_then(|of| of(system));
        let wanted = only.map(|only| {
            let servers = only.iter().filter_map(|system| measure(system)?.signs_in_by);
            only.iter().cloned().chain(servers).collect::<Vec<_>>()
        });
        systems.retain(|s| {
            readable.touches_system(&s.system_id)
                && wanted.as_ref().is_none_or(|wanted| wanted.contains(&s.system_id))
        });
        let snapshots = store::newest_snapshots(conn).await?;
        let seen = caller.visible(Permission::SeeSessions, now);
        let over = match few {
            _ if seen.is_empty() => None,
            Some(few) => few.past(),
            None => store::past_own_limits(conn, seen.condition(Rows::Sessions), now).await?,
        };
        let compared = store::compared(conn).await?;
        let mut limits: Vec<SystemLimits> = Vec::with_capacity(systems.len());
        for system in systems {
            let mut shown = if system.system_id.as_str() == OWN_SYSTEM {
                self.own_limits(conn, &system).await?
            } else {
                match snapshots.iter().find(|s| s.system_id == system.system_id.0) {
                    Some(snapshot) if snapshot.tells_both() => from_snapshot(&system, snapshot),
                    untold => {
                        let whole = seen.covers_system(&system.system_id);
                        let off_sessions = self.seen_limits(conn, &system, whole).await?;
                        match untold {
                            Some(snapshot) => seen::completed(from_snapshot(&system, snapshot), off_sessions),
                            None => off_sessions,
                        }
                    }
                }
            };
            shown.compared = seen.touches_system(&system.system_id) && compared.contains(&system.system_id.0);
            shown.over = over
                .as_ref()
                .filter(|_| seen.touches_system(&system.system_id))
                .map(|counts| {
                    let of_it = counts.iter().find(|(id, _)| *id == system.system_id.0);
                    of_it.map_or(0, |(_, n)| n.unsigned_abs())
                });
            shown.before_you_end = self
                .before_you_end
                .get()
                .map(|words| words(&system.system_id))
                .unwrap_or_default();
            if let Some(measure) = measure(&system.system_id) {
                (shown.profile, shown.ends) = (measure.profile, Some(measure.ends));
                shown.signs_in_by = measure
                    .signs_in_by
                    .filter(|server| readable.touches_system(server));
            }
            limits.push(shown);
        }
        if !seen.is_empty() {
            count_never_idle(conn, &seen, &mut limits).await?;
        }
        accept::tell(conn, caller, &mut limits, now).await?;
        Ok(limits)
    }

    /// Idle limit and longest life of a system as the panel knows them, for who acts by them; nobody is told of them.
    pub async fn known_limits(&self, conn: &mut Conn, system: &SystemId) -> Result<(Limit, Limit), Error> {
        let snapshots = store::newest_snapshots(conn).await?;
        let limits = snapshots
            .iter()
            .find(|snapshot| snapshot.system_id == system.0)
            .map(store::SnapshotRow::limits);
        Ok(limits.map_or((Limit::Unknown, Limit::Unknown), |limits| {
            (limits.idle, limits.absolute)
        }))
    }

    /// Limits that the sessions of a system show, looked at once per complete reading. How many show them is told to who
    /// sees the `whole` system.
    async fn seen_limits(
        &self,
        conn: &mut Conn,
        system: &SystemFacts,
        whole: bool,
    ) -> Result<SystemLimits, Error> {
        let lock = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&system.system_id).cloned();
        let kinds = match known.filter(|seen| Some(seen.read_at) == system.read_at) {
            Some(seen) => seen.kinds,
            None => {
                let kinds = store::seen_limits(conn, &system.system_id).await?;
                if let Some(read_at) = system.read_at {
                    let seen = SeenLimits {
                        read_at,
                        kinds: kinds.clone(),
                    };
                    lock().insert(system.system_id.clone(), seen);
                }
                kinds
            }
        };
        Ok(seen::limits(system, &kinds, whole).unwrap_or_else(|| bare(system)))
    }

    async fn own_limits(&self, conn: &mut Conn, system: &SystemFacts) -> Result<SystemLimits, Error> {
        let own = self.own(conn).await?;
        let version = store::versions(conn).await?.into_iter().next();
        Ok(SystemLimits {
            idle: Limit::Seconds(own.idle_timeout_s),
            absolute: Limit::Seconds(own.absolute_lifetime_s),
            source: LimitSource::SetHere,
            as_of: version.as_ref().map(|v| Timestamp(v.changed_at)),
            source_note: version.map(|v| v.changed_by_name).unwrap_or_default(),
            ..bare(system)
        })
    }

    async fn what_if(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        asked: PastLimits,
        now: Timestamp,
    ) -> Result<WhatIf, Error> {
        let visible = caller
            .visible(Permission::SeeSessions, now)
            .condition(Rows::Sessions);
        let past = past_condition(asked, now);
        let rows = store::ages(conn, visible.clone(), past.clone(), now).await?;
        let mut ages = vec![0_u64; AGE_BARS];
        for (hours, count, _) in &rows {
            let bar = usize::try_from(*hours).unwrap_or(0).min(AGE_BARS - 1);
            ages[bar] += count.unsigned_abs();
        }
        Ok(WhatIf {
            idle_timeout_s: asked.idle_minutes * 60,
            absolute_lifetime_s: asked.absolute_minutes * 60,
            live: ages.iter().sum(),
            over: rows.iter().map(|(_, _, over)| over.unsigned_abs()).sum(),
            people: store::people_past(conn, visible, past).await?.unsigned_abs(),
            over_query: over_query(asked),
            ages,
        })
    }
}

/// Bars of the age picture: whole hours 0, 1 … and the last for everything older.
const AGE_BARS: usize = 24;

/// Live rows past `limits` at `now`: the what-if's count and the list's `past` filter are this one condition.
///
/// Moments that were not reported (twin 0) are past nothing.
pub fn past_condition(limits: PastLimits, now: Timestamp) -> Condition {
    let (idle_before, started_before) = policy::reach(limits, now);
    let earlier = |column: &'static str, before: Timestamp| {
        Cond::all()
            .add(Expr::col(("session", column)).gt(0))
            .add(Expr::col(("session", column)).lt(before.0))
    };
    Cond::any()
        .add(earlier("last_active_sort", idle_before))
        .add(earlier("created_sort", started_before))
}

fn over_query(past: PastLimits) -> String {
    let query = SessionQuery {
        systems: vec![SystemId::from(OWN_SYSTEM)],
        past: Some(past),
        ..SessionQuery::default()
    };
    app::paths::query_string(&query.filter_pairs())
}

/// The limits asked about, or the words for why they can't be.
fn asked(idle_minutes: i64, absolute_minutes: i64) -> Result<PastLimits, AppError> {
    // The same range as the `past` filter of the list, where the link leads.
    let sane = 1..=10_000_000;
    for (field, minutes) in [
        ("idle_minutes", idle_minutes),
        ("absolute_minutes", absolute_minutes),
    ] {
        if !sane.contains(&minutes) {
            return Err(AppError::invalid(field, "Write a number of minutes, 1 or more."));
        }
    }
    Ok(PastLimits {
        idle_minutes,
        absolute_minutes,
    })
}

fn bare(system: &SystemFacts) -> SystemLimits {
    SystemLimits::unknown(system.system_id.clone(), system.name.clone())
}

fn from_snapshot(system: &SystemFacts, snapshot: &store::SnapshotRow) -> SystemLimits {
    let limits = snapshot.limits();
    let told = snapshot.told();
    SystemLimits {
        settings: told.settings,
        advice: told.advice,
        idle: limits.idle,
        absolute: limits.absolute,
        places: limits.places,
        old_after_h: (limits.absolute == Limit::None).then_some(policy::OLD_AFTER_H),
        source: match snapshot.source.as_str() {
            "read" => LimitSource::Read,
            "typed" => LimitSource::Typed,
            "imported" => LimitSource::Imported,
            "set_here" => LimitSource::SetHere,
            "seen" => LimitSource::Seen,
            _ => LimitSource::Unknown,
        },
        as_of: Some(Timestamp(snapshot.taken_at)),
        source_note: snapshot.source_note.clone().unwrap_or_default(),
        ..bare(system)
    }
}

fn own_snapshot(version: &store::VersionRow) -> store::SnapshotRow {
    store::SnapshotRow {
        policy_snapshot_id: keys::new_id(),
        system_id: OWN_SYSTEM.to_owned(),
        taken_at: version.changed_at,
        source: "set_here".to_owned(),
        source_note: Some(version.changed_by_name.clone()),
        idle_timeout_s: Some(version.idle_timeout_s),
        absolute_lifetime_s: Some(version.absolute_lifetime_s),
        places: "[]".to_owned(),
        told: "{}".to_owned(),
    }
}

/// Counts what never ends for idleness in each system where others do: where all do, it is the system's own limit.
async fn count_never_idle(
    conn: &mut Conn,
    seen: &VisibleScope,
    limits: &mut [SystemLimits],
) -> Result<(), Error> {
    let ends = |limit: Limit| matches!(limit, Limit::Seconds(_));
    let some_end = |system: &&mut SystemLimits| {
        (ends(system.idle) || system.places.iter().any(|place| ends(place.idle)))
            && seen.touches_system(&system.system_id)
    };
    let systems: Vec<&mut SystemLimits> = limits.iter_mut().filter(some_end).collect();
    let ids: Vec<&SystemId> = systems.iter().map(|system| &system.system_id).collect();
    let Some(counts) = store::never_idle(conn, seen.condition(Rows::Sessions), &ids).await? else {
        return Ok(());
    };
    for system in systems {
        let of_it = counts.iter().find(|(id, _)| *id == system.system_id.0);
        system.never_idle = Some(of_it.map_or(0, |(_, n)| n.unsigned_abs()));
    }
    Ok(())
}

impl For<Policies> {
    /// Whether the caller may know Curfew's own policy.
    fn may_read_own(&self, now: Timestamp) -> Result<Permit, AppError> {
        self.caller.authorize(
            Permission::ReadPolicies,
            About::System(&SystemId::from(OWN_SYSTEM)),
            now,
        )
    }

    fn may_edit_own(&self, now: Timestamp) -> Result<Permit, AppError> {
        self.caller.authorize(
            Permission::EditPolicies,
            About::System(&SystemId::from(OWN_SYSTEM)),
            now,
        )
    }
}

#[async_trait]
impl PoliciesPort for For<Policies> {
    async fn policies_page(&self, wanted: Option<(i64, i64)>) -> Result<PoliciesPage, AppError> {
        let now = self.room.clock.now();
        self.caller.authorize_somewhere(Permission::ReadPolicies, now)?;
        let mut conn = self.room.db.read().await?;
        let mut systems = self.room.limits(&mut conn, &self.caller, None, None, now).await?;
        for system in systems.iter_mut().filter(|s| {
            matches!(
                s.source,
                LimitSource::Read | LimitSource::Typed | LimitSource::Imported
            )
        }) {
            if let [now, before] = store::last_snapshots(&mut conn, &system.system_id)
                .await?
                .as_slice()
            {
                system.changes = now.limits().changes(&before.limits());
            }
        }
        let seen = self.caller.visible(Permission::SeeSessions, now);
        for system in systems.iter_mut().filter(|system| system.compared) {
            system.earlier = systems::earlier::count(&mut conn, &seen, &system.system_id).await?;
        }
        let mut own = None;
        if self.may_read_own(now).is_ok() {
            let mut versions = store::versions(&mut conn)
                .await?
                .into_iter()
                .map(PolicyVersion::from);
            if let Some(current) = versions.next() {
                let (idle, absolute) =
                    wanted.unwrap_or((current.idle_timeout_s / 60, current.absolute_lifetime_s / 60));
                own = Some(OwnPolicy {
                    history: versions.collect(),
                    may_edit: self.may_edit_own(now).is_ok(),
                    what_if: self
                        .room
                        .what_if(&mut conn, &self.caller, asked(idle, absolute)?, now)
                        .await?,
                    current,
                });
            }
        }
        Ok(PoliciesPage { now, systems, own })
    }

    async fn what_if(&self, idle_minutes: i64, absolute_minutes: i64) -> Result<WhatIf, AppError> {
        let now = self.room.clock.now();
        self.may_read_own(now)?;
        let asked = asked(idle_minutes, absolute_minutes)?;
        let mut conn = self.room.db.read().await?;
        Ok(self.room.what_if(&mut conn, &self.caller, asked, now).await?)
    }

    async fn save_policy(&self, edit: PolicyEdit) -> Result<Done, AppError> {
        let now = self.room.clock.now();
        let permit = self.may_edit_own(now)?;
        self.caller.require_fresh_auth(now)?;
        let problems = policy::problems(&edit);
        if !problems.is_empty() {
            return Err(AppError::Invalid { problems });
        }
        let version = self.room.save(&self.caller, &permit, &edit, now).await?;
        Ok(Done {
            message: format!(
                "Version {version} is in force for new sign-ins. Sessions that live keep the limits they began with."
            ),
        })
    }

    async fn accept_advice(&self, system: SystemId, accept: AcceptAdvice) -> Result<Done, AppError> {
        Ok(self.room.accept(&self.caller, &system, &accept).await?)
    }

    async fn reopen_advice(&self, system: SystemId, advice: String) -> Result<Done, AppError> {
        Ok(self.room.reopen(&self.caller, &system, &advice).await?)
    }
}

impl Policies {
    /// Adds the version and its audit entry in one transaction; its number.
    async fn save(
        &self,
        caller: &Caller,
        permit: &Permit,
        edit: &PolicyEdit,
        now: Timestamp,
    ) -> Result<i64, Error> {
        let mut conn = self.db.write().await?;
        let before = self.own(&mut conn).await?;
        let (idle_timeout_s, absolute_lifetime_s) = (edit.idle_minutes * 60, edit.absolute_minutes * 60);
        if (before.idle_timeout_s, before.absolute_lifetime_s) == (idle_timeout_s, absolute_lifetime_s) {
            return Err(AppError::invalid("", "These are the limits in force already.").into());
        }
        let row = store::VersionRow {
            version: before.version + 1,
            idle_timeout_s,
            absolute_lifetime_s,
            reason: edit.reason.trim().to_owned(),
            changed_by: Some(caller.id.0.clone()),
            changed_by_name: caller.name.clone(),
            changed_at: now.0,
        };
        if !store::add_version(&mut conn, &row).await? {
            let message = "Somebody else changed the limits just now. Look at them, then save again.";
            return Err(AppError::Conflict {
                message: message.to_owned(),
            }
            .into());
        }
        store::add_snapshot(&mut conn, &own_snapshot(&row)).await?;
        store::replace_kind_limits(&mut conn, &SystemId::from(OWN_SYSTEM), &[kinds::own(&row)]).await?;
        let entry = Entry::by(caller, Action::PolicyChanged)
            .target("Limits of Curfew’s own sessions")
            .system(&SystemId::from(OWN_SYSTEM))
            .permission(permit.permission())
            .reason(row.reason.clone(), None)
            .fact("version", row.version)
            .fact("idle_timeout_s", idle_timeout_s)
            .fact("absolute_lifetime_s", absolute_lifetime_s)
            .fact("idle_timeout_s_before", before.idle_timeout_s)
            .fact("absolute_lifetime_s_before", before.absolute_lifetime_s);
        self.audit.append(&mut conn, &entry, now).await?;
        conn.commit().await?;
        Ok(row.version)
    }
}

#[cfg(test)]
mod tests;
