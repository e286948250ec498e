//! Limits that new sessions of a kind get now, to tell sessions that began under an earlier policy.
//!
//! A session keeps the limits it was made with. Curfew's own are known by version; where a person typed them in, from the
//! moment they did; else they are read off the sessions of the kind that began last, and hold from the newest that has
//! them. A session is of an earlier policy when a limit of its own is known, is another, and the session began before
//! that moment. Where a system tells its limits by place or for everybody, its applications may set a session's own:
//! nothing is compared there, and nothing is where a moment or a limit is unknown.

use app::wire::SystemId;

use super::Policies;
use super::store::{self, KindLimit, SeenKind, SnapshotRow, VersionRow};
use crate::db::Conn;
use crate::domain::policy::{self, OWN_SYSTEM};
use crate::error::Error;

/// Kind of Curfew's own sessions, as stored.
const PORTAL: &str = "portal";

/// Curfew's own, under a version.
pub(super) fn own(version: &VersionRow) -> KindLimit {
    KindLimit {
        kind: PORTAL.to_owned(),
        idle_timeout_s: Some(version.idle_timeout_s),
        idle_from: version.changed_at,
        absolute_s: Some(version.absolute_lifetime_s),
        absolute_from: version.changed_at,
    }
}

/// What sessions show, and in front of it what a person typed in.
fn of(seen: Vec<SeenKind>, snapshot: Option<&SnapshotRow>) -> Vec<KindLimit> {
    let mut kinds: Vec<KindLimit> = seen
        .into_iter()
        .map(|seen| KindLimit {
            kind: seen.kind,
            idle_timeout_s: policy::stored(seen.idle.0),
            idle_from: seen.newest.0,
            absolute_s: policy::stored(seen.absolute.0),
            absolute_from: seen.newest.1,
        })
        .collect();
    if let Some(snapshot) = snapshot {
        for (kind, idle, absolute) in snapshot.told().kinds {
            let Some(of_it) = kinds.iter_mut().find(|of| of.kind == kind) else {
                continue;
            };
            if idle.is_some() {
                (of_it.idle_timeout_s, of_it.idle_from) = (idle, snapshot.taken_at);
            }
            if absolute.is_some() {
                (of_it.absolute_s, of_it.absolute_from) = (absolute, snapshot.taken_at);
            }
        }
    }
    kinds.retain(|of| of.idle_timeout_s.is_some() || of.absolute_s.is_some());
    kinds
}

impl Policies {
    /// What new sessions of each kind of `system` get; empty = nothing to compare with.
    pub async fn limits_of_kinds(&self, conn: &mut Conn, system: &SystemId) -> Result<Vec<KindLimit>, Error> {
        if system.as_str() == OWN_SYSTEM {
            return Ok(store::versions(conn)
                .await?
                .first()
                .map(own)
                .into_iter()
                .collect());
        }
        let snapshot = store::last_snapshots(conn, system).await?.into_iter().next();
        if snapshot.as_ref().is_some_and(SnapshotRow::is_for_everybody) {
            return Ok(Vec::new());
        }
        Ok(of(store::seen_limits(conn, system).await?, snapshot.as_ref()))
    }

    /// Keeps them, where they are news.
    pub async fn keep_limits_of_kinds(
        &self,
        conn: &mut Conn,
        system: &SystemId,
        kinds: &[KindLimit],
    ) -> Result<(), Error> {
        let before = store::kind_limits(conn, system).await?;
        if before != kinds {
            store::replace_kind_limits(conn, system, kinds).await?;
        }
        Ok(())
    }
}
