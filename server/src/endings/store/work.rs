//! What the worker and the watch read and write. Writers call `check_epoch` first, in the same transaction.

use app::endings::wire::Outcome;
use app::wire::{EndingId, SessionKey, SystemId, Timestamp};
use sea_query::{Alias, Cond, Expr, ExprTrait, Query, UpdateStatement};

use super::PAUSE;
use crate::db::Conn;
use crate::domain::ending::Said;
use crate::error::Error;
use crate::on;

/// An item that is due, with what its ending says.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DueItem {
    pub ending_id: String,
    pub session_key: String,
    pub account_id: String,
    pub account_name: String,
    pub kind: String,
    pub session_created_at: Option<i64>,
    pub answer: Option<String>,
    pub attempts: i64,
    pub looks: i64,
    pub rotated_key: Option<String>,
    pub ending_state: String,
    pub caller_kind: String,
    pub caller_id: String,
    pub caller_name: String,
    pub frozen_at: i64,
}

/// Whose sessions an ending holds: place, site, account (lower-cased), each once.
pub async fn whose(conn: &mut Conn, ending: &EndingId) -> Result<Vec<(String, String, String)>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT DISTINCT place, site, account_sort FROM ending_item WHERE ending_id = $1 AND left_out IS NULL \
         ORDER BY place, site, account_sort",
    ).bind(ending.as_str()).fetch_all(c).await?))
}

/// Items that may be taken: `$1` = now, `$2` = 1 when all endings are paused (then only what was sent is read back).
///
/// The first two conditions are those of the index that holds open items alone.
const DUE: &str = "i.state <> 'settled' AND i.left_out IS NULL AND i.next_attempt_at <= $1 AND \
    ((i.state = 'waiting' AND i.stage <= e.stage AND e.state IN ('waiting', 'running') AND (e.not_before IS NULL OR e.not_before <= $1) AND $2 = 0) \
     OR (i.state = 'asked' AND e.state IN ('waiting', 'running', 'paused', 'cancelled')))";

/// Systems with due items.
pub async fn due_systems(conn: &mut Conn, paused: bool, now: Timestamp) -> Result<Vec<SystemId>, Error> {
    let sql = format!(
        "SELECT DISTINCT i.system_id FROM ending e JOIN ending_item i ON i.ending_id = e.ending_id \
         WHERE e.state IN ('waiting', 'running', 'paused', 'cancelled') AND e.settled_at IS NULL AND {DUE} \
         ORDER BY i.system_id"
    );
    let found: Vec<String> = on!(conn, c => sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(now.0).bind(i64::from(paused)).fetch_all(c).await?);
    Ok(found.into_iter().map(SystemId).collect())
}

/// How many items of a system are due.
pub async fn count_due(
    conn: &mut Conn,
    system: &SystemId,
    paused: bool,
    now: Timestamp,
) -> Result<u64, Error> {
    let sql = format!(
        "SELECT COUNT(*) FROM ending e JOIN ending_item i ON i.ending_id = e.ending_id \
         WHERE e.state IN ('waiting', 'running', 'paused', 'cancelled') AND e.settled_at IS NULL \
         AND i.system_id = $3 AND {DUE}"
    );
    let due: i64 = on!(conn, c => sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(now.0).bind(i64::from(paused)).bind(system.as_str()).fetch_one(c).await?);
    Ok(due.unsigned_abs())
}

/// Due items of a system, oldest ending first.
pub async fn due_items(
    conn: &mut Conn,
    system: &SystemId,
    paused: bool,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<DueItem>, Error> {
    // One ending after the other: over several at once no index gives the order, and every open item would be sorted
    // for each batch.
    let endings: Vec<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT ending_id FROM ending WHERE state IN ('waiting', 'running', 'paused', 'cancelled') \
         AND settled_at IS NULL ORDER BY confirmed_at, ending_id",
    ).fetch_all(c).await?);
    let sql = format!(
        "SELECT i.ending_id, i.session_key, i.account_id, i.account_name, i.kind, i.session_created_at, i.answer, \
         i.attempts, i.looks, i.rotated_key, e.state AS ending_state, e.caller_kind, e.caller_id, e.caller_name, \
         e.created_at AS frozen_at FROM ending e JOIN ending_item i ON i.ending_id = e.ending_id \
         WHERE e.ending_id = $5 AND i.ending_id = $5 AND i.system_id = $3 AND {DUE} ORDER BY i.session_key LIMIT $4"
    );
    let mut due: Vec<DueItem> = Vec::new();
    for ending in endings {
        let left = limit.saturating_sub(i64::try_from(due.len()).unwrap_or(i64::MAX));
        if left <= 0 {
            break;
        }
        due.extend(
            on!(conn, c => sqlx::query_as::<_, DueItem>(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(now.0).bind(i64::from(paused)).bind(system.as_str()).bind(left).bind(ending)
            .fetch_all(c).await?),
        );
    }
    Ok(due)
}

fn item(name: &'static str) -> Expr {
    Expr::col((Alias::new("ending_item"), Alias::new(name)))
}

/// An update of these items of an ending.
fn update(ending: &EndingId, keys: &[SessionKey]) -> UpdateStatement {
    Query::update()
        .table(Alias::new("ending_item"))
        .and_where(item("ending_id").eq(ending.0.clone()))
        .and_where(item("session_key").is_in(keys.iter().map(|k| k.0.clone())))
        .to_owned()
}

/// Writes down that these are about to be asked, before they are. Returns those that may be: their ending still runs,
/// and endings are not paused.
///
/// One that was written down and never got its answer stored is asked again under the same number: a crash may have come
/// before the request, and must not use up the few asks there are.
pub async fn mark_asked(
    conn: &mut Conn,
    ending: &EndingId,
    keys: &[SessionKey],
    now: Timestamp,
) -> Result<Vec<SessionKey>, Error> {
    on!(conn, c => {
        sqlx::query("UPDATE ending SET state = 'running' WHERE ending_id = $1 AND state = 'waiting'")
            .bind(ending.as_str())
            .execute(c)
            .await?;
    });
    let runs = Query::select()
        .expr(Expr::val(1))
        .from(Alias::new("ending"))
        .and_where(Expr::col((Alias::new("ending"), Alias::new("ending_id"))).eq(ending.0.clone()))
        .and_where(Expr::col((Alias::new("ending"), Alias::new("state"))).eq("running"))
        .to_owned();
    let paused = Query::select()
        .expr(Expr::val(1))
        .from(Alias::new("portal_switch"))
        .and_where(Expr::col(Alias::new("name")).eq(PAUSE))
        .and_where(Expr::col(Alias::new("value")).eq("on"))
        .to_owned();
    let in_doubt = item("attempts").gt(0).and(item("answer").is_null());
    let number = Expr::case(in_doubt, item("attempts")).finally(item("attempts").add(1));
    let mark = update(ending, keys)
        .value(Alias::new("state"), "asked")
        .value(Alias::new("asked_at"), now.0)
        .value(Alias::new("attempts"), number)
        .value(Alias::new("answer"), Option::<String>::None)
        .value(Alias::new("looks"), 0)
        .value(Alias::new("next_attempt_at"), now.0)
        .value(Alias::new("changed_at"), now.0)
        .and_where(item("state").ne("settled"))
        .cond_where(
            Cond::all()
                .add(Expr::exists(runs))
                .add(Expr::exists(paused).not()),
        )
        .to_owned();
    let marked = conn.execute(&mark).await?;
    if marked == 0 {
        return Ok(Vec::new());
    }
    // Handing back each key costs more than marking it, and they are nearly always all of them.
    if usize::try_from(marked).is_ok_and(|n| n == keys.len()) {
        return Ok(keys.to_vec());
    }
    let open = Query::select()
        .column((Alias::new("ending_item"), Alias::new("session_key")))
        .from(Alias::new("ending_item"))
        .and_where(item("ending_id").eq(ending.0.clone()))
        .and_where(item("session_key").is_in(keys.iter().map(|k| k.0.clone())))
        .and_where(item("state").ne("settled"))
        .to_owned();
    let open: Vec<(String,)> = conn.fetch_all(&open).await?;
    Ok(open.into_iter().map(|row| SessionKey(row.0)).collect())
}

/// Takes [`mark_asked`] back of items that were not asked after all, and never before. Those of an ending that was
/// cancelled meanwhile are stopped.
pub async fn unmark_asked(
    conn: &mut Conn,
    ending: &EndingId,
    keys: &[SessionKey],
    now: Timestamp,
) -> Result<(), Error> {
    let take_back = update(ending, keys)
        .value(Alias::new("state"), "waiting")
        .value(Alias::new("asked_at"), Option::<i64>::None)
        .value(Alias::new("attempts"), 0)
        .value(Alias::new("rotated_key"), Option::<String>::None)
        .value(Alias::new("changed_at"), now.0)
        .and_where(item("state").eq("asked"))
        .to_owned();
    conn.execute(&take_back).await?;
    let cancelled: Option<i64> = on!(conn, c => sqlx::query_scalar(
        "SELECT CAST(1 AS BIGINT) FROM ending WHERE ending_id = $1 AND state = 'cancelled'",
    ).bind(ending.as_str()).fetch_optional(c).await?);
    if cancelled.is_some() {
        stop_waiting(conn, ending, "Stopped before the system was asked.", now).await?;
    }
    Ok(())
}

/// Keeps under which new id an item goes on.
pub async fn set_rotated(
    conn: &mut Conn,
    ending: &EndingId,
    key: &SessionKey,
    rotated: &SessionKey,
) -> Result<(), Error> {
    let keep = update(ending, std::slice::from_ref(key))
        .value(Alias::new("rotated_key"), rotated.0.clone())
        .to_owned();
    conn.execute(&keep).await.map(|_| ())
}

/// Keeps what the system said.
pub async fn store_answer(
    conn: &mut Conn,
    ending: &EndingId,
    keys: &[SessionKey],
    said: Said,
    words: Option<&str>,
) -> Result<(), Error> {
    let keep = update(ending, keys)
        .value(Alias::new("answer"), said.name())
        .value(Alias::new("detail"), words.map(str::to_owned))
        .and_where(item("state").eq("asked"))
        .to_owned();
    conn.execute(&keep).await.map(|_| ())
}

/// What became of items.
pub struct Settled<'a> {
    pub outcome: Outcome,
    /// `None` = keep what stands there.
    pub words: Option<&'a str>,
    /// What the system said to the newest ask; `None` = it was never asked.
    pub said: Option<Said>,
    /// When the system was read; `None` = it was not.
    pub read_back_at: Option<Timestamp>,
    pub residual_until: Option<Timestamp>,
}

/// Gives items their outcome; those that have one keep it.
pub async fn settle_items(
    conn: &mut Conn,
    ending: &EndingId,
    keys: &[SessionKey],
    settled: &Settled<'_>,
    now: Timestamp,
) -> Result<u64, Error> {
    let mut settle = update(ending, keys);
    settle
        .value(Alias::new("state"), "settled")
        .value(Alias::new("outcome"), settled.outcome.name())
        .value(Alias::new("settled_at"), now.0)
        .value(Alias::new("read_back_at"), settled.read_back_at.map(|t| t.0))
        .value(Alias::new("residual_until"), settled.residual_until.map(|t| t.0))
        .value(Alias::new("changed_at"), now.0)
        .and_where(item("state").ne("settled"));
    if let Some(said) = settled.said {
        settle.value(Alias::new("answer"), said.name());
    }
    if let Some(words) = settled.words {
        let words = Some(words).filter(|w| !w.is_empty()).map(str::to_owned);
        settle.value(Alias::new("detail"), words);
    }
    conn.execute(&settle).await
}

/// Lets items wait. `told` = the reading told something, so looks in vain are counted from zero.
pub async fn wait_items(
    conn: &mut Conn,
    ending: &EndingId,
    keys: &[SessionKey],
    at: Timestamp,
    told: bool,
    said: Option<Said>,
) -> Result<(), Error> {
    let mut wait = update(ending, keys);
    wait.value(Alias::new("next_attempt_at"), at.0)
        .and_where(item("state").ne("settled"));
    if let Some(said) = said {
        wait.value(Alias::new("answer"), said.name());
    }
    if told {
        wait.value(Alias::new("looks"), 0);
    } else {
        wait.value(Alias::new("looks"), Expr::col(Alias::new("looks")).add(1));
    }
    conn.execute(&wait).await.map(|_| ())
}

/// Turns the rows of sessions found gone: `ended` by us, or vanished before we came.
pub async fn sessions_gone(
    conn: &mut Conn,
    keys: &[SessionKey],
    ended: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let how = if ended { "ended" } else { "vanished" };
    let column = |name: &'static str| Expr::col((Alias::new("session"), Alias::new(name)));
    let mut turn = Query::update();
    turn.table(Alias::new("session"))
        .value(Alias::new("state"), how)
        .value(Alias::new("gone_at"), now.0)
        .value(Alias::new("gone_how"), how)
        .and_where(column("session_key").is_in(keys.iter().map(|k| k.0.clone())));
    // A pass may have missed the session before we wrote down that it was us.
    if ended {
        turn.and_where(column("state").ne("ended"));
    } else {
        turn.and_where(column("state").eq("live"));
    }
    conn.execute(&turn).await.map(|_| ())
}

/// Which of these sessions were in the inventory at `frozen_at` already.
pub async fn known_at(
    conn: &mut Conn,
    keys: &[SessionKey],
    frozen_at: Timestamp,
) -> Result<std::collections::HashSet<SessionKey>, Error> {
    let column = |name: &'static str| Expr::col((Alias::new("session"), Alias::new(name)));
    let query = Query::select()
        .column((Alias::new("session"), Alias::new("session_key")))
        .from(Alias::new("session"))
        .and_where(column("session_key").is_in(keys.iter().map(|k| k.0.clone())))
        .and_where(column("first_seen_at").lte(frozen_at.0))
        .to_owned();
    let found: Vec<(String,)> = conn.fetch_all(&query).await?;
    Ok(found.into_iter().map(|row| SessionKey(row.0)).collect())
}

/// Gives what was not yet sent the outcome `stopped`; how many.
pub async fn stop_waiting(
    conn: &mut Conn,
    ending: &EndingId,
    words: &str,
    now: Timestamp,
) -> Result<u64, Error> {
    Ok(on!(conn, c => sqlx::query(
        "UPDATE ending_item SET state = 'settled', outcome = 'stopped', detail = $2, settled_at = $3, changed_at = $3 \
         WHERE ending_id = $1 AND left_out IS NULL AND state = 'waiting'",
    )
    .bind(ending.as_str())
    .bind(words)
    .bind(now.0)
    .execute(c)
    .await?
    .rows_affected()))
}

/// Whether an item of the ending has no outcome yet.
pub async fn any_open(conn: &mut Conn, ending: &EndingId) -> Result<bool, Error> {
    let found: Option<i64> = on!(conn, c => sqlx::query_scalar(
        "SELECT CAST(1 AS BIGINT) FROM ending_item WHERE ending_id = $1 AND state <> 'settled' AND left_out IS NULL LIMIT 1",
    ).bind(ending.as_str()).fetch_optional(c).await?);
    Ok(found.is_some())
}

/// Items without an outcome.
pub async fn open_items(conn: &mut Conn, ending: &EndingId) -> Result<i64, Error> {
    Ok(on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM ending_item WHERE ending_id = $1 AND left_out IS NULL AND state <> 'settled'",
    ).bind(ending.as_str()).fetch_one(c).await?))
}

/// Endings without a last outcome.
pub async fn open_endings(conn: &mut Conn) -> Result<Vec<EndingId>, Error> {
    let found: Vec<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT ending_id FROM ending WHERE state IN ('waiting', 'running', 'paused') ORDER BY ending_id",
    ).fetch_all(c).await?);
    Ok(found.into_iter().map(EndingId).collect())
}

/// Outcomes of an ending with how many each.
pub async fn outcomes(conn: &mut Conn, ending: &EndingId) -> Result<Vec<(String, i64)>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT outcome, COUNT(*) FROM ending_item WHERE ending_id = $1 AND left_out IS NULL AND outcome IS NOT NULL \
         GROUP BY outcome ORDER BY outcome",
    ).bind(ending.as_str()).fetch_all(c).await?))
}

/// Marks an ending as settled unless it is, and plans the watch (`None` = nobody to look for).
pub async fn settle_ending(
    conn: &mut Conn,
    ending: &EndingId,
    watch: Option<(Timestamp, Timestamp)>,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(on!(conn, c => sqlx::query(
        "UPDATE ending SET state = CASE state WHEN 'cancelled' THEN 'cancelled' ELSE 'settled' END, pause_why = NULL, \
         settled_at = $2, next_watch_at = $3, watch_until = $4 WHERE ending_id = $1 AND settled_at IS NULL",
    )
    .bind(ending.as_str())
    .bind(now.0)
    .bind(watch.map(|w| w.0.0))
    .bind(watch.map(|w| w.1.0))
    .execute(c)
    .await?
    .rows_affected() == 1))
}

/// A person let it go on: it counts as new from now.
pub async fn looked_after(conn: &mut Conn, ending: &EndingId, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("UPDATE ending SET not_before = $2 WHERE ending_id = $1")
            .bind(ending.as_str())
            .bind(now.0)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Endings at work that were confirmed, or looked after by a person, before that moment.
pub async fn left_over(conn: &mut Conn, before: Timestamp) -> Result<Vec<(EndingId, i64)>, Error> {
    let found: Vec<(String, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT ending_id, ending_no FROM ending WHERE state IN ('waiting', 'running') \
         AND COALESCE(not_before, confirmed_at) < $1 ORDER BY ending_id",
    ).bind(before.0).fetch_all(c).await?);
    Ok(found.into_iter().map(|(id, no)| (EndingId(id), no)).collect())
}

/// Endings whose next look for people who come back is due.
pub async fn due_watches(conn: &mut Conn, now: Timestamp) -> Result<Vec<(EndingId, i64)>, Error> {
    let found: Vec<(String, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT ending_id, watch_until FROM ending WHERE next_watch_at <= $1 ORDER BY next_watch_at LIMIT 100",
    ).bind(now.0).fetch_all(c).await?);
    Ok(found
        .into_iter()
        .map(|(id, until)| (EndingId(id), until))
        .collect())
}

/// Plans the next look; `None` = it was the last.
pub async fn plan_watch(conn: &mut Conn, ending: &EndingId, at: Option<Timestamp>) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("UPDATE ending SET next_watch_at = $2 WHERE ending_id = $1")
            .bind(ending.as_str())
            .bind(at.map(|t| t.0))
            .execute(c)
            .await?;
    });
    Ok(())
}

/// A gone item whose person may come back.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Watched {
    pub session_key: String,
    pub system_id: String,
    pub account_id: String,
    pub account_name: String,
    pub session_created_at: Option<i64>,
    pub asked_at: Option<i64>,
    pub settled_at: i64,
}

/// Gone items of an ending whose person was not seen back.
pub async fn watched(conn: &mut Conn, ending: &EndingId) -> Result<Vec<Watched>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT session_key, system_id, account_id, account_name, session_created_at, asked_at, settled_at \
         FROM ending_item WHERE ending_id = $1 AND left_out IS NULL AND returned_at IS NULL \
         AND outcome IN ('ended', 'already_gone', 'rotated') ORDER BY system_id, session_key",
    ).bind(ending.as_str()).fetch_all(c).await?))
}

/// Of the watched items of an ending, those whose account has a live session in the inventory that began, or was first
/// seen, after we asked: a session that was there before is not a return.
pub async fn back_in_inventory(conn: &mut Conn, ending: &EndingId) -> Result<Vec<SessionKey>, Error> {
    let found: Vec<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT i.session_key FROM ending_item i JOIN ending e ON e.ending_id = i.ending_id \
         WHERE i.ending_id = $1 AND i.left_out IS NULL AND i.returned_at IS NULL \
         AND i.outcome IN ('ended', 'already_gone', 'rotated') AND EXISTS ( \
           SELECT 1 FROM session s WHERE s.system_id = i.system_id AND s.account_id = i.account_id \
           AND s.account_name = i.account_name AND s.state = 'live' AND s.session_key <> i.session_key \
           AND s.first_seen_at > e.created_at \
           AND (s.created_at >= COALESCE(i.asked_at, i.settled_at) - $2 \
                OR (s.created_at IS NULL AND s.first_seen_at > i.settled_at)) \
           AND NOT EXISTS (SELECT 1 FROM ending_item o WHERE o.ending_id = i.ending_id AND o.session_key = s.session_key))",
    )
    .bind(ending.as_str())
    .bind(super::super::watch::CLOCKS_DIFFER_MS)
    .fetch_all(c)
    .await?);
    Ok(found.into_iter().map(SessionKey).collect())
}

/// Marks people as back, beside the outcome, which stays.
pub async fn set_returned(
    conn: &mut Conn,
    ending: &EndingId,
    keys: &[SessionKey],
    system: &SystemId,
    now: Timestamp,
) -> Result<u64, Error> {
    let back = update(ending, keys)
        .value(Alias::new("returned_at"), now.0)
        .value(Alias::new("returned_system_id"), system.0.clone())
        .value(Alias::new("changed_at"), now.0)
        .and_where(item("returned_at").is_null())
        .to_owned();
    conn.execute(&back).await
}

/// Adds a sentence to what is told of an item.
pub async fn add_detail(
    conn: &mut Conn,
    ending: &EndingId,
    key: &SessionKey,
    words: &str,
) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "UPDATE ending_item SET detail = CASE WHEN COALESCE(detail, '') = '' THEN $3 ELSE detail || ' ' || $3 END \
             WHERE ending_id = $1 AND session_key = $2",
        )
        .bind(ending.as_str())
        .bind(key.as_str())
        .bind(words)
        .execute(c)
        .await?;
    });
    Ok(())
}
