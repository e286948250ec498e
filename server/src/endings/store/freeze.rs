//! Filling a preview in the database, and confirming it.

use std::collections::HashSet;

use app::endings::wire::Confirm;
use app::wire::{EndingId, OperatorId, SessionKey, SystemId, Timestamp};
use data_encoding::HEXLOWER;
use sea_query::{Alias, CaseStatement, Cond, Condition, Expr, ExprTrait, Func, Query};
use sha2::{Digest, Sha256};

use super::{ENDING, EndingRow};
use crate::caller::scope::Rows;
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::domain::policy::OWN_SYSTEM;
use crate::error::Error;
use crate::on;

/// What keeps a selected row out of an ending.
pub struct LeaveOut {
    /// Where the caller holds EditUserSessions.
    pub may_end: VisibleScope,
    /// Operators whose portal sessions are out of the caller's reach.
    pub outranking: HashSet<OperatorId>,
    /// Systems whose sessions can be ended one by one.
    pub can_end: Vec<SystemId>,
    /// The caller's own session, by every name it may have; empty = it may be taken in.
    pub own: Vec<SessionKey>,
    /// Protected accounts.
    pub protected: VisibleScope,
    /// Where protected accounts are taken in all the same; empty = nowhere.
    pub force: VisibleScope,
}

fn session(name: &'static str) -> Expr {
    Expr::col((Alias::new("session"), Alias::new(name)))
}

impl LeaveOut {
    /// The first reason that applies, else NULL.
    fn reason(&self) -> CaseStatement {
        let mut case = CaseStatement::new()
            .case(session("state").ne("live"), "not_live")
            .case(session("endable").eq("own_connection"), "own_connection");
        let can_end = session("system_id").is_in(self.can_end.iter().map(|s| s.0.clone()));
        case = case.case(
            Cond::any().add(session("endable").eq("no")).add(can_end.not()),
            "unsupported",
        );
        if !self.may_end.everywhere {
            case = case.case(self.may_end.condition(Rows::Sessions).not(), "outside_grant");
        }
        if !self.outranking.is_empty() {
            let out_of_reach = session("system_id")
                .eq(OWN_SYSTEM)
                .and(session("account_id").is_in(self.outranking.iter().map(|o| o.0.clone())));
            case = case.case(out_of_reach, "outside_grant");
        }
        if !self.own.is_empty() {
            let own = session("session_key").is_in(self.own.iter().map(|key| key.0.clone()));
            case = case.case(own, "own_session");
        }
        if !self.protected.is_empty() && !self.force.everywhere {
            let left = Cond::all()
                .add(self.protected.condition(Rows::Sessions))
                .add(self.force.condition(Rows::Sessions).not());
            case = case.case(left, "protected");
        }
        case.finally(Option::<String>::None)
    }
}

/// How many rows a condition means.
pub async fn count(conn: &mut Conn, rows: &Condition) -> Result<i64, Error> {
    let query = Query::select()
        .expr(Func::count(session("session_key")))
        .from(Alias::new("session"))
        .cond_where(rows.clone())
        .to_owned();
    let found: Vec<(i64,)> = conn.fetch_all(&query).await?;
    Ok(found.first().map_or(0, |row| row.0))
}

/// Copies the rows into the preview's items, those left out with the reason. Those of the systems `first` make the
/// first stage.
pub async fn fill(
    conn: &mut Conn,
    ending: &EndingId,
    rows: &Condition,
    leave_out: &LeaveOut,
    first: &[SystemId],
    now: Timestamp,
) -> Result<u64, Error> {
    const COPIED: [&str; 15] = [
        "session_key",
        "system_id",
        "place",
        "site",
        "subject_id",
        "account_id",
        "account_name",
        "display_name",
        "person_doubt",
        "account_sort",
        "mail_domain",
        "person_sort",
        "handle_hint",
        "kind",
        "created_at",
    ];
    let mut select = Query::select();
    select
        .expr(Expr::val(ending.0.clone()))
        .columns(COPIED.map(|c| (Alias::new("session"), Alias::new(c))))
        .expr(leave_out.reason())
        .expr(
            CaseStatement::new()
                .case(
                    session("system_id").is_in(first.iter().map(|s| s.0.clone())),
                    Expr::val(0i64),
                )
                .finally(Expr::val(1i64)),
        )
        .column((Alias::new("session"), Alias::new("endable_why")))
        .expr(Expr::val("waiting"))
        .expr(Expr::val(now.0))
        .from(Alias::new("session"))
        .cond_where(rows.clone());
    let columns = ["ending_id"]
        .into_iter()
        .chain(COPIED[..14].iter().copied())
        .chain([
            "session_created_at",
            "left_out",
            "stage",
            "detail",
            "state",
            "changed_at",
        ]);
    let insert = Query::insert()
        .into_table(Alias::new("ending_item"))
        .columns(columns.map(Alias::new))
        .select_from(select)
        .map_err(|cause| Error::Other(cause.into()))?
        .to_owned();
    conn.execute(&insert).await
}

/// Stores a preview's own row; its items and numbers follow.
///
/// `person` = the one it ends everywhere.
pub async fn insert(conn: &mut Conn, row: &EndingRow, person: Option<&str>) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO ending (ending_id, caller_kind, caller_id, caller_name, caller_session_id, query, selection_id, \
             snapshot_hash, state, include_own, include_protected, created_at, expires_at, item_count, person_count, \
             system_count, left_out_count, for_person) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, '', 'draft', $8, $9, $10, $11, 0, 0, 0, 0, $12)",
        )
        .bind(&row.ending_id)
        .bind(&row.caller_kind)
        .bind(&row.caller_id)
        .bind(&row.caller_name)
        .bind(&row.caller_session_id)
        .bind(&row.query)
        .bind(&row.selection_id)
        .bind(row.include_own)
        .bind(row.include_protected)
        .bind(row.created_at)
        .bind(row.expires_at)
        .bind(person)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// The numbers of a frozen set.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Numbers {
    pub items: i64,
    pub people: i64,
    pub systems: i64,
    pub left_out: i64,
    pub first_stage: i64,
    pub last_stage: i64,
}

/// How an item's person is told from others: by account name, without one by account id.
pub const PERSON: &str = "LOWER(COALESCE(NULLIF(account_name, ''), account_id))";

/// Items without an account, told apart: guests, people in doubt, people not reported.
pub const NAMED: &str =
    "CASE WHEN kind = 'guest' THEN 'guest' WHEN person_doubt IS NOT NULL THEN 'doubt' ELSE '' END";

/// Counts the frozen set, hashes it, finds the systems it holds everybody of, and stores all in the preview. A system
/// with at most `few` sessions in the set is not looked at.
pub async fn seal(conn: &mut Conn, ending: &EndingId, few: u64) -> Result<(Numbers, String), Error> {
    let sql = format!(
        "SELECT COUNT(CASE WHEN left_out IS NULL THEN 1 END) AS items, \
         COUNT(DISTINCT CASE WHEN left_out IS NULL AND kind <> 'guest' THEN {PERSON} END) AS people, \
         COUNT(DISTINCT CASE WHEN left_out IS NULL THEN system_id END) AS systems, \
         COUNT(left_out) AS left_out, \
         COALESCE(MIN(CASE WHEN left_out IS NULL THEN stage END), 0) AS first_stage, \
         COALESCE(MAX(CASE WHEN left_out IS NULL THEN stage END), 0) AS last_stage \
         FROM ending_item WHERE ending_id = $1"
    );
    let numbers: Numbers = on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(ending.as_str()).fetch_one(c).await?);
    let hash = snapshot_hash(conn, ending).await?;
    let whole = serde_json::to_string(&whole_systems(conn, ending, few).await?)?;
    on!(conn, c => {
        sqlx::query(
            "UPDATE ending SET snapshot_hash = $2, item_count = $3, person_count = $4, system_count = $5, \
             left_out_count = $6, whole_systems = $7, stage = $8, last_stage = $9 WHERE ending_id = $1",
        )
        .bind(ending.as_str())
        .bind(&hash)
        .bind(numbers.items)
        .bind(numbers.people)
        .bind(numbers.systems)
        .bind(numbers.left_out)
        .bind(&whole)
        .bind(numbers.first_stage)
        .bind(numbers.last_stage)
        .execute(c)
        .await?;
    });
    Ok((numbers, hash))
}

/// Systems of which every live session of people was selected, left out or not, with more than `few` of them to be ended.
/// Guests are nobody: they neither make a set everybody nor keep it from being so.
async fn whole_systems(conn: &mut Conn, ending: &EndingId, few: u64) -> Result<Vec<String>, Error> {
    let few = i64::try_from(few).unwrap_or(i64::MAX);
    Ok(on!(conn, c => sqlx::query_scalar(
        "SELECT g.system_id FROM (SELECT system_id FROM ending_item WHERE ending_id = $1 AND left_out IS NULL \
             AND kind <> 'guest' GROUP BY system_id HAVING COUNT(*) > $2) g \
         WHERE NOT EXISTS (SELECT 1 FROM session s WHERE s.system_id = g.system_id AND s.state = 'live' \
             AND s.kind <> 'guest' AND NOT EXISTS (SELECT 1 FROM ending_item i WHERE i.ending_id = $1 AND i.session_key = s.session_key)) \
         ORDER BY g.system_id")
        .bind(ending.as_str()).bind(few).fetch_all(c).await?))
}

/// SHA-256 over what is to be ended, in the order of keys: key, account and start of each. Hex.
pub async fn snapshot_hash(conn: &mut Conn, ending: &EndingId) -> Result<String, Error> {
    let items: Vec<(String, String, Option<i64>)> = on!(conn, c => sqlx::query_as(
        "SELECT session_key, account_id, session_created_at FROM ending_item \
         WHERE ending_id = $1 AND left_out IS NULL ORDER BY session_key",
    )
    .bind(ending.as_str())
    .fetch_all(c)
    .await?);
    let mut hash = Sha256::new();
    for (key, account, created_at) in items {
        let created_at = created_at.map_or_else(String::new, |at| at.to_string());
        for part in [key, account, created_at] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
    }
    Ok(HEXLOWER.encode(&hash.finalize()))
}

/// Forgets a preview. Nothing happens to what was confirmed.
pub async fn drop_draft(conn: &mut Conn, ending: &EndingId) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("DELETE FROM ending WHERE ending_id = $1 AND state = 'draft'")
            .bind(ending.as_str())
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Forgets previews that ended before `before`.
pub async fn drop_old_drafts(conn: &mut Conn, before: Timestamp) -> Result<u64, Error> {
    Ok(
        on!(conn, c => sqlx::query("DELETE FROM ending WHERE state = 'draft' AND expires_at < $1")
        .bind(before.0)
        .execute(c)
        .await?
        .rows_affected()),
    )
}

/// The number the next confirmed ending gets. Ask while holding the log's head: then nobody else gets the same.
pub async fn next_no(conn: &mut Conn) -> Result<i64, Error> {
    Ok(
        on!(conn, c => sqlx::query_scalar("SELECT COALESCE(MAX(ending_no), 0) + 1 FROM ending").fetch_one(c).await?),
    )
}

/// How a preview becomes an ending.
pub struct Go<'a> {
    /// The number people say.
    pub ending_no: i64,
    /// Somebody else must have approved this very set.
    pub needs_second: bool,
    /// When it begins; `None` = at once.
    pub begins_at: Option<Timestamp>,
    /// Until when later stages wait.
    pub stage_until: Timestamp,
    /// What people are told; `None` = nothing.
    pub notice: Option<&'a str>,
}

/// Turns a draft that can still be confirmed into an ending; false = it is none any more, or `needs_second` and nobody
/// else approved this very set in time (nor did the asker take it upon themselves). The one guarded update.
///
/// Later stages wait for the first until `stage_until` at most.
pub async fn confirm(
    conn: &mut Conn,
    ending: &EndingId,
    go: &Go<'_>,
    confirm: &Confirm,
    now: Timestamp,
) -> Result<bool, Error> {
    let ticket_ref = Some(confirm.ticket_ref.as_str()).filter(|t| !t.is_empty());
    Ok(on!(conn, c => sqlx::query(
        "UPDATE ending SET state = 'waiting', ending_no = $2, reason = $3, ticket_ref = $4, confirmed_at = $5, \
         stage = CASE WHEN $7 > $5 THEN stage ELSE last_stage END, \
         stage_until = CASE WHEN stage < last_stage AND $7 > $5 THEN $7 END, \
         not_before = $8, planned_for = $8, notice = $9 \
         WHERE ending_id = $1 AND state = 'draft' AND expires_at > $5 AND ($6 = 0 OR EXISTS \
         (SELECT 1 FROM approval a WHERE a.ending_id = ending.ending_id AND a.snapshot_hash = ending.snapshot_hash \
         AND a.expires_at > $5 AND ((a.state = 'approved' AND a.decided_by <> ending.caller_id \
         AND a.decided_by <> a.asked_by) \
         OR (a.state = 'overridden' AND a.decided_by = ending.caller_id))))",
    )
    .bind(ending.as_str())
    .bind(go.ending_no)
    .bind(&confirm.reason)
    .bind(ticket_ref)
    .bind(now.0)
    .bind(i64::from(go.needs_second))
    .bind(go.stage_until.0)
    .bind(go.begins_at.map(|at| at.0))
    .bind(go.notice)
    .execute(c)
    .await?
    .rows_affected() == 1))
}

/// What a caller has at work to end that person everywhere, a request for a second person in time included.
pub async fn at_work_for(
    conn: &mut Conn,
    caller: &OperatorId,
    person: &str,
    now: Timestamp,
) -> Result<Option<EndingRow>, Error> {
    let sql = format!(
        "SELECT {ENDING} FROM ending WHERE caller_id = $1 AND for_person = $2 \
         AND (state IN ('waiting', 'running', 'paused') OR (state = 'draft' AND EXISTS (SELECT 1 FROM approval a \
             WHERE a.ending_id = ending.ending_id AND a.state = 'waiting' AND a.expires_at > $3))) \
         ORDER BY created_at LIMIT 1"
    );
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(caller.as_str())
        .bind(person)
        .bind(now.0)
        .fetch_optional(c)
        .await?))
}

/// Sessions a caller asked to end on their own since a moment, and when the oldest of those endings was confirmed. What
/// a second person approved is not counted.
pub async fn asked_since(
    conn: &mut Conn,
    caller: &OperatorId,
    since: Timestamp,
) -> Result<(u64, Option<Timestamp>), Error> {
    let endings: Vec<(i64, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT item_count, confirmed_at FROM ending WHERE caller_id = $1 AND confirmed_at > $2 \
         AND NOT EXISTS (SELECT 1 FROM approval a WHERE a.ending_id = ending.ending_id) ORDER BY confirmed_at",
    )
    .bind(caller.as_str())
    .bind(since.0)
    .fetch_all(c)
    .await?);
    let asked: i64 = endings.iter().map(|e| e.0).sum();
    Ok((asked.unsigned_abs(), endings.first().map(|e| Timestamp(e.1))))
}

/// How many items of a preview a scope does not cover.
pub async fn outside(conn: &mut Conn, ending: &EndingId, scope: &VisibleScope) -> Result<i64, Error> {
    if scope.everywhere {
        return Ok(0);
    }
    wanted(conn, ending, scope.condition(Rows::Items).not()).await
}

/// How many items of a preview are of protected people whom `force` does not take in.
pub async fn protected(
    conn: &mut Conn,
    ending: &EndingId,
    protected: &VisibleScope,
    force: &VisibleScope,
) -> Result<i64, Error> {
    if protected.is_empty() || force.everywhere {
        return Ok(0);
    }
    let both = Cond::all()
        .add(protected.condition(Rows::Items))
        .add(force.condition(Rows::Items).not());
    wanted(conn, ending, both).await
}

async fn wanted(conn: &mut Conn, ending: &EndingId, also: Condition) -> Result<i64, Error> {
    let item = |name| Expr::col((Alias::new("ending_item"), Alias::new(name)));
    let query = Query::select()
        .expr(Func::count(item("session_key")))
        .from(Alias::new("ending_item"))
        .and_where(item("ending_id").eq(ending.0.clone()))
        .and_where(item("left_out").is_null())
        .cond_where(also)
        .to_owned();
    let found: Vec<(i64,)> = conn.fetch_all(&query).await?;
    Ok(found.first().map_or(0, |row| row.0))
}
