//! SQL of the policies: versions of our own, snapshots of the others', what new limits would mean.

use app::policies::wire::{PlaceLimits, PolicyVersion, SettingAdvice, SystemSetting};
use app::sessions::wire::SessionKind;
use app::wire::{Limit, SystemId, Timestamp};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Query, UnionType};
use serde::{Deserialize, Serialize};

use super::SystemFacts;
use crate::caller::scope::{self, no_guests};
use crate::connectors::PlaceLimit;
use crate::db::Conn;
use crate::domain::policy::{self, Limits, OWN_SYSTEM};
use crate::error::Error;
use crate::on;

/// A version as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct VersionRow {
    pub version: i64,
    pub idle_timeout_s: i64,
    pub absolute_lifetime_s: i64,
    pub reason: String,
    pub changed_by: Option<String>,
    pub changed_by_name: String,
    pub changed_at: i64,
}

impl From<VersionRow> for PolicyVersion {
    fn from(row: VersionRow) -> Self {
        PolicyVersion {
            version: row.version,
            idle_timeout_s: row.idle_timeout_s,
            absolute_lifetime_s: row.absolute_lifetime_s,
            changed_by: row.changed_by_name,
            changed_at: Timestamp(row.changed_at),
            reason: row.reason,
        }
    }
}

/// What a system's limits were when somebody looked.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SnapshotRow {
    pub policy_snapshot_id: String,
    pub system_id: String,
    pub taken_at: i64,
    pub source: String,
    pub source_note: Option<String>,
    pub idle_timeout_s: Option<i64>,
    pub absolute_lifetime_s: Option<i64>,
    /// JSON: place, idle seconds as above, note; by place.
    pub places: String,
    /// JSON: [`Told`].
    pub told: String,
}

/// What a snapshot keeps beside the limits.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub settings: Vec<SystemSetting>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub advice: Vec<SettingAdvice>,
    /// Kind, idle seconds, longest seconds, as typed in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<(String, Option<i64>, Option<i64>)>,
}

impl SnapshotRow {
    /// Whether it tells limits that are not those of single kinds of session.
    pub fn is_for_everybody(&self) -> bool {
        let tells =
            self.idle_timeout_s.is_some() || self.absolute_lifetime_s.is_some() || self.places != "[]";
        tells && self.told().kinds.is_empty()
    }

    /// Whether it tells idle and longest, or limits of places.
    pub fn tells_both(&self) -> bool {
        self.idle_timeout_s.is_some() && self.absolute_lifetime_s.is_some() || self.places != "[]"
    }

    /// What it holds beside the limits.
    pub fn told(&self) -> Told {
        serde_json::from_str(&self.told).unwrap_or_default()
    }

    /// The limits it holds.
    pub fn limits(&self) -> Limits {
        let places: Vec<(String, Option<i64>, String)> =
            serde_json::from_str(&self.places).unwrap_or_default();
        Limits {
            idle: policy::limit(self.idle_timeout_s),
            absolute: policy::limit(self.absolute_lifetime_s),
            places: places
                .into_iter()
                .map(|(place, idle, note)| PlaceLimits {
                    place,
                    idle: policy::limit(idle),
                    note,
                })
                .collect(),
        }
    }
}

/// Limits of places as a snapshot keeps them.
pub fn places_stored(places: &[PlaceLimit]) -> Result<String, Error> {
    let mut rows: Vec<(&str, Option<i64>, &str)> = places
        .iter()
        .map(|p| (p.place.as_str(), policy::stored(p.idle), p.note.as_str()))
        .collect();
    rows.sort_unstable();
    Ok(serde_json::to_string(&rows)?)
}

/// Versions of Curfew's own policy, newest first.
pub async fn versions(conn: &mut Conn) -> Result<Vec<VersionRow>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT version, idle_timeout_s, absolute_lifetime_s, reason, changed_by, changed_by_name, changed_at \
         FROM policy WHERE system_id = $1 ORDER BY version DESC",
    )
    .bind(OWN_SYSTEM)
    .fetch_all(c)
    .await?))
}

/// The newest version: its number, idle seconds, absolute seconds.
pub async fn newest(conn: &mut Conn) -> Result<Option<(i64, i64, i64)>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT version, idle_timeout_s, absolute_lifetime_s FROM policy WHERE system_id = $1 \
         ORDER BY version DESC LIMIT 1",
    )
    .bind(OWN_SYSTEM)
    .fetch_optional(c)
    .await?))
}

/// Adds a version unless one of that number stands already; whether it was added.
pub async fn add_version(conn: &mut Conn, row: &VersionRow) -> Result<bool, Error> {
    let added = on!(conn, c => sqlx::query(
        "INSERT INTO policy (system_id, version, idle_timeout_s, absolute_lifetime_s, reason, changed_by, \
         changed_by_name, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (system_id, version) DO NOTHING",
    )
    .bind(OWN_SYSTEM)
    .bind(row.version)
    .bind(row.idle_timeout_s)
    .bind(row.absolute_lifetime_s)
    .bind(&row.reason)
    .bind(&row.changed_by)
    .bind(&row.changed_by_name)
    .bind(row.changed_at)
    .execute(c)
    .await?
    .rows_affected());
    Ok(added == 1)
}

/// The two newest snapshots of a system, newest first.
pub async fn last_snapshots(conn: &mut Conn, system: &SystemId) -> Result<Vec<SnapshotRow>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT policy_snapshot_id, system_id, taken_at, source, source_note, idle_timeout_s, absolute_lifetime_s, \
         places, told FROM policy_snapshot WHERE system_id = $1 ORDER BY taken_at DESC, policy_snapshot_id DESC LIMIT 2",
    )
    .bind(&system.0)
    .fetch_all(c)
    .await?))
}

/// The newest snapshot of every system that has one.
pub async fn newest_snapshots(conn: &mut Conn) -> Result<Vec<SnapshotRow>, Error> {
    let mut rows: Vec<SnapshotRow> = on!(conn, c => sqlx::query_as(
        "SELECT p.policy_snapshot_id, p.system_id, p.taken_at, p.source, p.source_note, p.idle_timeout_s, \
         p.absolute_lifetime_s, p.places, p.told FROM policy_snapshot p WHERE p.taken_at = \
         (SELECT MAX(n.taken_at) FROM policy_snapshot n WHERE n.system_id = p.system_id) \
         ORDER BY p.system_id, p.policy_snapshot_id DESC",
    )
    .fetch_all(c)
    .await?);
    rows.dedup_by(|later, first| later.system_id == first.system_id);
    Ok(rows)
}

/// Adds a snapshot.
pub async fn add_snapshot(conn: &mut Conn, row: &SnapshotRow) -> Result<(), Error> {
    on!(conn, c => { sqlx::query(
        "INSERT INTO policy_snapshot (policy_snapshot_id, system_id, taken_at, source, source_note, idle_timeout_s, \
         absolute_lifetime_s, places, told) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&row.policy_snapshot_id)
    .bind(&row.system_id)
    .bind(row.taken_at)
    .bind(&row.source)
    .bind(&row.source_note)
    .bind(row.idle_timeout_s)
    .bind(row.absolute_lifetime_s)
    .bind(&row.places)
    .bind(&row.told)
    .execute(c)
    .await?; });
    Ok(())
}

/// Every system there is or was, by name.
pub async fn systems(conn: &mut Conn) -> Result<Vec<SystemFacts>, Error> {
    let rows: Vec<(String, String, Option<i64>)> = on!(conn, c => sqlx::query_as(
        "SELECT system_id, name, last_complete_pass_started_at FROM system ORDER BY LOWER(name), system_id",
    )
    .fetch_all(c)
    .await?);
    Ok(rows
        .into_iter()
        .map(|(system_id, name, read_at)| SystemFacts {
            system_id: SystemId(system_id),
            name,
            read_at: read_at.map(Timestamp),
        })
        .collect())
}

/// How many of the newest live sessions of a system are looked at for limits that nobody told us.
const SAMPLE: i64 = 200;

/// What the newest live sessions of one kind say of their limits: the value more than half of them have, and how many do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenKind {
    /// Kind of session, as stored.
    pub kind: String,
    /// Sessions looked at.
    pub of: usize,
    /// Longest pause between activities.
    pub idle: (Limit, usize),
    /// From start to latest end.
    pub absolute: (Limit, usize),
    /// When the newest session with that idle limit began, and the newest with that longest life; ms UTC, 0 = not known.
    pub newest: (i64, i64),
}

/// Limits that new sessions of a kind get: a row of `kind_limit` without its system.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct KindLimit {
    pub kind: String,
    pub idle_timeout_s: Option<i64>,
    pub idle_from: i64,
    pub absolute_s: Option<i64>,
    pub absolute_from: i64,
}

/// What is kept of the kinds of a system, by kind.
pub async fn kind_limits(conn: &mut Conn, system: &SystemId) -> Result<Vec<KindLimit>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT kind, idle_timeout_s, idle_from, absolute_s, absolute_from FROM kind_limit WHERE system_id = $1 \
         ORDER BY kind",
    )
    .bind(&system.0)
    .fetch_all(c)
    .await?))
}

/// Puts these in the place of what was kept.
pub async fn replace_kind_limits(
    conn: &mut Conn,
    system: &SystemId,
    kinds: &[KindLimit],
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("DELETE FROM kind_limit WHERE system_id = $1").bind(&system.0).execute(c).await?; });
    for kind in kinds {
        on!(conn, c => { sqlx::query(
            "INSERT INTO kind_limit (system_id, kind, idle_timeout_s, idle_from, absolute_s, absolute_from) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&system.0)
        .bind(&kind.kind)
        .bind(kind.idle_timeout_s)
        .bind(kind.idle_from)
        .bind(kind.absolute_s)
        .bind(kind.absolute_from)
        .execute(c)
        .await?; });
    }
    Ok(())
}

/// Systems of which something is kept.
pub async fn compared(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let rows: Vec<(String,)> =
        on!(conn, c => sqlx::query_as("SELECT DISTINCT system_id FROM kind_limit").fetch_all(c).await?);
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// The limits that the live sessions of a system which began last show, by kind.
pub async fn seen_limits(conn: &mut Conn, system: &SystemId) -> Result<Vec<SeenKind>, Error> {
    let mut kinds = Vec::new();
    for kind in SessionKind::ALL {
        if kind == SessionKind::Guest {
            continue;
        }
        let rows: Vec<Seen> = on!(conn, c => sqlx::query_as(
            "SELECT idle_timeout_s, absolute_known, created_sort, absolute_expires_at FROM session \
             WHERE system_id = $1 AND kind = $2 AND state = 'live' AND kind <> 'guest' \
             ORDER BY created_sort DESC, row_no DESC LIMIT $3",
        )
        .bind(&system.0)
        .bind(kind.name())
        .bind(SAMPLE)
        .fetch_all(c)
        .await?);
        if rows.is_empty() {
            continue;
        }
        let idles: Vec<Limit> = rows.iter().map(|row| policy::limit(row.idle_timeout_s)).collect();
        let absolutes: Vec<Limit> = rows.iter().map(Seen::absolute).collect();
        let (idle, absolute) = (most_have(&idles), most_have(&absolutes));
        // The newest come first.
        let newest = |limits: &[Limit], of: Limit| {
            let at = limits.iter().position(|limit| *limit == of);
            at.map_or(0, |at| rows[at].created_sort)
        };
        kinds.push(SeenKind {
            kind: kind.name().to_owned(),
            of: rows.len(),
            idle,
            absolute,
            newest: (newest(&idles, idle.0), newest(&absolutes, absolute.0)),
        });
    }
    kinds.sort_by(|a, b| a.kind.cmp(&b.kind));
    Ok(kinds)
}

/// What a session tells of its limits.
#[derive(sqlx::FromRow)]
struct Seen {
    idle_timeout_s: Option<i64>,
    absolute_known: i64,
    created_sort: i64,
    absolute_expires_at: Option<i64>,
}

impl Seen {
    fn absolute(&self) -> Limit {
        match (self.absolute_known, self.created_sort, self.absolute_expires_at) {
            (1, _, None) => Limit::None,
            // Systems round the two moments each on their own: a few seconds are no other limit.
            (1, from @ 1.., Some(to)) if to > from => Limit::Seconds((to - from + 30_000) / 60_000 * 60),
            _ => Limit::Unknown,
        }
    }
}

/// The limit that more than half have, and how many do; `Unknown` where there is none.
fn most_have(limits: &[Limit]) -> (Limit, usize) {
    limits
        .iter()
        .filter(|limit| **limit != Limit::Unknown)
        .map(|limit| (*limit, limits.iter().filter(|other| *other == limit).count()))
        .find(|(_, n)| n * 2 > limits.len())
        .unwrap_or((Limit::Unknown, 0))
}

/// Most sessions counted as past their limits, over all systems in view; beyond, nothing is said.
const OVER_MOST: u64 = 1_000;

/// Live sessions of people past one of their own limits per system, as far as `visible` goes; `None` = too many to count here.
pub async fn past_own_limits(
    conn: &mut Conn,
    visible: Condition,
    now: Timestamp,
) -> Result<Option<Vec<(String, i64)>>, Error> {
    let branch = |column: &'static str| {
        Query::select()
            .from("session")
            .cond_where(
                Cond::all()
                    .add(scope::live())
                    .add(no_guests())
                    .add(Expr::col(("session", column)).lte(now.0))
                    .add(visible.clone()),
            )
            .limit(OVER_MOST + 1)
            .take()
    };
    // Whether there are too many is told by the indexes alone; of which system they are, only by their rows.
    for column in ["idle_ends_sort", "absolute_sort"] {
        let probe = Query::select()
            .expr(Expr::cust("COUNT(*)"))
            .from_subquery(branch(column).expr_as(Expr::val(1), "one").take(), "past")
            .take();
        let found: Vec<(i64,)> = conn.fetch_all(&probe).await?;
        if found.iter().any(|(n,)| n.unsigned_abs() > OVER_MOST) {
            return Ok(None);
        }
    }
    // Each branch in brackets of its own: SQLite takes no LIMIT inside a UNION.
    let either = |column: &'static str, alias: &'static str| {
        Query::select()
            .columns(["system_id", "row_no"])
            .from_subquery(branch(column).columns(["system_id", "row_no"]).take(), alias)
            .take()
    };
    let query = Query::select()
        .column("system_id")
        .expr_as(Expr::col(Alias::new("row_no")).count(), "n")
        .from_subquery(
            either("idle_ends_sort", "i")
                .union(UnionType::Distinct, either("absolute_sort", "a"))
                .take(),
            "past",
        )
        .group_by_col("system_id")
        .take();
    let rows: Vec<(String, i64)> = conn.fetch_all(&query).await?;
    let all: i64 = rows.iter().map(|(_, n)| n).sum();
    Ok((all.unsigned_abs() <= OVER_MOST).then_some(rows))
}

/// Live sessions of people that never end for idleness in these systems, as far as `visible` goes; `None` = too many to
/// count here.
pub async fn never_idle(
    conn: &mut Conn,
    visible: Condition,
    systems: &[&SystemId],
) -> Result<Option<Vec<(String, i64)>>, Error> {
    if systems.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let some = Query::select()
        .column(("session", "system_id"))
        .from("session")
        .cond_where(
            Cond::all()
                .add(scope::live())
                .add(no_guests())
                .add(scope::never_idle())
                .add(Expr::col(("session", "system_id")).is_in(systems.iter().map(|s| s.0.clone())))
                .add(visible),
        )
        .limit(OVER_MOST + 1)
        .take();
    let query = Query::select()
        .column("system_id")
        .expr_as(Expr::cust("COUNT(*)"), "n")
        .from_subquery(some, "some")
        .group_by_col("system_id")
        .take();
    let rows: Vec<(String, i64)> = conn.fetch_all(&query).await?;
    let all: i64 = rows.iter().map(|(_, n)| n).sum();
    Ok((all.unsigned_abs() <= OVER_MOST).then_some(rows))
}

/// Live portal sessions that `visible` covers, by whole hours of age (unknown start: 0), with how many of them `past`
/// holds for.
pub async fn ages(
    conn: &mut Conn,
    visible: Condition,
    past: Condition,
    now: Timestamp,
) -> Result<Vec<(i64, i64, i64)>, Error> {
    let hours = Expr::case(Expr::col(("session", "created_sort")).eq(0), 0).finally(
        Expr::val(now.0)
            .sub(Expr::col(("session", "created_sort")))
            .div(3_600_000),
    );
    let inner = Query::select()
        .expr_as(hours, "hours")
        .expr_as(Expr::case(past, 1).finally(0), "past")
        .from("session")
        .cond_where(own_live(visible))
        .take();
    // COUNT over a filtered CASE stays BIGINT on PostgreSQL, where SUM would turn NUMERIC.
    let query = Query::select()
        .expr_as(Expr::cust("CAST(hours AS BIGINT)"), "hours")
        .expr_as(Expr::cust("COUNT(*)"), "n")
        .expr_as(Expr::cust("COUNT(CASE WHEN past = 1 THEN 1 END)"), "n_past")
        .from_subquery(inner, "live")
        .add_group_by([Expr::col("hours")])
        .take();
    conn.fetch_all(&query).await
}

/// Accounts among the live portal sessions that `visible` covers and `past` holds for.
pub async fn people_past(conn: &mut Conn, visible: Condition, past: Condition) -> Result<i64, Error> {
    let query = Query::select()
        .expr_as(Expr::col(("session", "account_id")).count_distinct(), "n")
        .from("session")
        .cond_where(own_live(visible).add(past))
        .take();
    let rows: Vec<(i64,)> = conn.fetch_all(&query).await?;
    Ok(rows.first().map_or(0, |(n,)| *n))
}

fn own_live(visible: Condition) -> Condition {
    Cond::all()
        .add(Expr::col(("session", "system_id")).eq(OWN_SYSTEM))
        .add(scope::live())
        .add(visible)
}
