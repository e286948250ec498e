//! What the pages of endings show. Every query about items takes the reader's scope; [`Reader`] decides it.

use app::endings::wire::{ItemFilter, Outcome};
use app::wire::{EndingId, Timestamp};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Func, Order, Query, SelectStatement};

use super::freeze::{NAMED, PERSON};
use super::{ENDING, EndingRow};
use crate::caller::scope::Rows;
use crate::db::Conn;
use crate::domain::ending::Said;
use crate::domain::grant::VisibleScope;
use crate::error::Error;
use crate::on;

/// Whose eyes: the asker of an ending sees all its items, others those in their scope.
#[derive(Clone, Debug)]
pub struct Reader {
    /// Operator id.
    pub id: String,
    /// Where they hold SeeSessions.
    pub scope: VisibleScope,
}

impl Reader {
    fn sees_all_of(&self, row: &EndingRow) -> bool {
        self.scope.everywhere || row.caller_id == self.id
    }

    pub(super) fn items(&self, row: &EndingRow) -> Condition {
        if self.sees_all_of(row) {
            Cond::all()
        } else {
            self.scope.condition(Rows::Items)
        }
    }
}

fn item(name: &'static str) -> Expr {
    Expr::col((Alias::new("ending_item"), Alias::new(name)))
}

fn ending(name: &'static str) -> Expr {
    Expr::col((Alias::new("ending"), Alias::new(name)))
}

/// Items of an ending that are to be ended.
fn wanted(ending: &EndingId) -> SelectStatement {
    Query::select()
        .from(Alias::new("ending_item"))
        .and_where(item("ending_id").eq(ending.0.clone()))
        .and_where(item("left_out").is_null())
        .to_owned()
}

/// Items that share where, what and how.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Tally {
    pub system_id: String,
    pub stage: i64,
    pub state: String,
    pub outcome: Option<String>,
    pub items: i64,
    pub returned: i64,
    /// Of those waiting: asked before, or looked at in vain.
    pub again: i64,
}

/// The items of an ending by system, state and outcome, as far as the reader may see them.
pub async fn tally(conn: &mut Conn, reader: &Reader, row: &EndingRow) -> Result<Vec<Tally>, Error> {
    let again = Cond::any().add(item("attempts").gt(1)).add(item("looks").gt(0));
    let query = wanted(&row.id())
        .columns(
            ["system_id", "stage", "state", "outcome"].map(|c| (Alias::new("ending_item"), Alias::new(c))),
        )
        .expr_as(Func::count(item("session_key")), Alias::new("items"))
        .expr_as(Func::count(item("returned_at")), Alias::new("returned"))
        .expr_as(
            Func::count(Expr::case(again, 1).finally(Option::<i32>::None)),
            Alias::new("again"),
        )
        .cond_where(reader.items(row))
        .group_by_columns(
            ["system_id", "stage", "state", "outcome"].map(|c| (Alias::new("ending_item"), Alias::new(c))),
        )
        .to_owned();
    conn.fetch_all(&query).await
}

/// Confirmed endings the reader may know of, newest first, older than number `before`.
pub async fn endings(
    conn: &mut Conn,
    reader: &Reader,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<EndingRow>, Error> {
    let mut query = Query::select();
    query
        .columns(ENDING.split(", ").map(|c| Alias::new(c.trim())))
        .from(Alias::new("ending"))
        .and_where(ending("ending_no").is_not_null())
        .cond_where(known(reader))
        .order_by(Alias::new("ending_no"), Order::Desc)
        .limit(limit);
    if let Some(before) = before {
        query.and_where(ending("ending_no").lt(before));
    }
    conn.fetch_all(&query).await
}

/// The newest ending at work that the reader may know of.
pub async fn newest_open(
    conn: &mut Conn,
    reader: &Reader,
    now: Timestamp,
) -> Result<Option<EndingRow>, Error> {
    let query = Query::select()
        .columns(ENDING.split(", ").map(|c| Alias::new(c.trim())))
        .from(Alias::new("ending"))
        .and_where(ending("state").is_in(["waiting", "running"]))
        .cond_where(
            Cond::any()
                .add(ending("not_before").is_null())
                .add(ending("not_before").lte(now.0)),
        )
        .cond_where(known(reader))
        .order_by(Alias::new("confirmed_at"), Order::Desc)
        .limit(1)
        .to_owned();
    Ok(conn.fetch_all(&query).await?.into_iter().next())
}

/// Endings the reader may know of: their own, and those with an item in their scope.
fn known(reader: &Reader) -> Condition {
    if reader.scope.everywhere {
        return Cond::all();
    }
    let mut own = Cond::any().add(ending("caller_id").eq(reader.id.clone()));
    if !reader.scope.is_empty() {
        let touching = Query::select()
            .expr(Expr::val(1))
            .from(Alias::new("ending_item"))
            .and_where(item("ending_id").equals((Alias::new("ending"), Alias::new("ending_id"))))
            .and_where(item("left_out").is_null())
            .cond_where(reader.scope.condition(Rows::Items))
            .to_owned();
        own = own.add(Expr::exists(touching));
    }
    own
}

/// Whether the reader may know of an ending.
pub async fn may_know(conn: &mut Conn, reader: &Reader, row: &EndingRow) -> Result<bool, Error> {
    if reader.sees_all_of(row) {
        return Ok(true);
    }
    let query = wanted(&row.id())
        .expr(Expr::val(1))
        .cond_where(reader.items(row))
        .limit(1)
        .to_owned();
    let found: Vec<(i32,)> = conn.fetch_all(&query).await?;
    Ok(!found.is_empty())
}

/// An item as the page shows it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct ItemRow {
    pub session_key: String,
    pub system_id: String,
    pub account_name: String,
    pub display_name: String,
    pub person_doubt: Option<String>,
    pub handle_hint: String,
    pub kind: String,
    pub outcome: Option<String>,
    pub detail: Option<String>,
    pub attempts: i64,
    pub asked_at: Option<i64>,
    pub read_back_at: Option<i64>,
    pub residual_until: Option<i64>,
    pub returned_at: Option<i64>,
    pub returned_system_id: Option<String>,
    pub changed_at: i64,
}

/// Columns of [`ItemRow`].
pub(super) const ITEM: [&str; 16] = [
    "session_key",
    "system_id",
    "account_name",
    "display_name",
    "person_doubt",
    "handle_hint",
    "kind",
    "outcome",
    "detail",
    "attempts",
    "asked_at",
    "read_back_at",
    "residual_until",
    "returned_at",
    "returned_system_id",
    "changed_at",
];

/// Items, newest change first, behind `after` (moment and key of the last one shown).
pub async fn items(
    conn: &mut Conn,
    reader: &Reader,
    row: &EndingRow,
    only: Option<ItemFilter>,
    after: Option<(i64, String)>,
    limit: u64,
) -> Result<Vec<ItemRow>, Error> {
    let mut query = wanted(&row.id());
    query
        .columns(ITEM.map(|c| (Alias::new("ending_item"), Alias::new(c))))
        .cond_where(reader.items(row))
        .order_by((Alias::new("ending_item"), Alias::new("changed_at")), Order::Desc)
        .order_by((Alias::new("ending_item"), Alias::new("session_key")), Order::Asc)
        .limit(limit);
    match only {
        None => {}
        Some(ItemFilter::Waiting) => {
            query.and_where(item("state").eq("waiting"));
        }
        Some(ItemFilter::Asked) => {
            query.and_where(item("state").eq("asked"));
        }
        Some(ItemFilter::Outcome(outcome)) => {
            query.and_where(item("outcome").eq(outcome.name()));
        }
        Some(ItemFilter::CouldNot) => {
            query.and_where(item("outcome").is_in(not_gone()));
        }
        Some(ItemFilter::Returned) => {
            query.and_where(item("returned_at").is_not_null());
        }
    }
    if let Some((changed_at, key)) = after {
        let same = Cond::all()
            .add(item("changed_at").eq(changed_at))
            .add(item("session_key").gt(key));
        query.cond_where(Cond::any().add(item("changed_at").lt(changed_at)).add(same));
    }
    conn.fetch_all(&query).await
}

/// Outcomes that say "could not".
fn not_gone() -> Vec<&'static str> {
    Outcome::ALL
        .into_iter()
        .filter(|o| !o.gone())
        .map(Outcome::name)
        .collect()
}

/// Items that could not be ended, by system, outcome and words.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct CauseRow {
    pub system_id: String,
    pub outcome: String,
    pub words: String,
    pub items: i64,
    pub fewest_attempts: i64,
    pub most_attempts: i64,
    pub asked_from: Option<i64>,
    pub asked_to: Option<i64>,
    pub read_back_at: Option<i64>,
    pub accepted: i64,
    pub not_found: i64,
    pub refused: i64,
    pub no_answer: i64,
}

/// What could not be ended, by cause; the largest first.
pub async fn causes(conn: &mut Conn, reader: &Reader, row: &EndingRow) -> Result<Vec<CauseRow>, Error> {
    let words = Expr::expr(Func::coalesce([item("detail"), Expr::val("")]));
    let said = |what: Said| Func::count(Expr::case(item("answer").eq(what.name()), item("session_key")));
    let query = wanted(&row.id())
        .columns(["system_id", "outcome"].map(|c| (Alias::new("ending_item"), Alias::new(c))))
        .expr_as(Func::max(words), Alias::new("words"))
        .expr_as(Func::count(item("session_key")), Alias::new("items"))
        .expr_as(Func::min(item("attempts")), Alias::new("fewest_attempts"))
        .expr_as(Func::max(item("attempts")), Alias::new("most_attempts"))
        .expr_as(Func::min(item("asked_at")), Alias::new("asked_from"))
        .expr_as(Func::max(item("asked_at")), Alias::new("asked_to"))
        .expr_as(Func::max(item("read_back_at")), Alias::new("read_back_at"))
        .expr_as(said(Said::Accepted), Alias::new("accepted"))
        .expr_as(said(Said::NotFound), Alias::new("not_found"))
        .expr_as(said(Said::Refused), Alias::new("refused"))
        .expr_as(said(Said::NoAnswer), Alias::new("no_answer"))
        .and_where(item("outcome").is_in(not_gone()))
        .cond_where(reader.items(row))
        .group_by_columns(
            ["system_id", "outcome", "detail"].map(|c| (Alias::new("ending_item"), Alias::new(c))),
        )
        .order_by(Alias::new("items"), Order::Desc)
        .limit(50)
        .to_owned();
    conn.fetch_all(&query).await
}

/// First audit entry that tells of an ending.
pub async fn audit_from(conn: &mut Conn, ending: &EndingId) -> Result<Option<i64>, Error> {
    Ok(
        on!(conn, c => sqlx::query_scalar("SELECT MIN(seq) FROM audit_entry WHERE ending_id = $1")
        .bind(ending.as_str()).fetch_one(c).await?),
    )
}

/// The share of one system in a preview.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DraftSystem {
    pub system_id: String,
    pub items: i64,
    pub people: i64,
    pub without_effect: i64,
    pub past_limit: i64,
    pub gone: i64,
    pub oldest: Option<i64>,
    pub newest: Option<i64>,
    pub stage: i64,
}

/// A preview's items by system.
pub async fn draft_systems(conn: &mut Conn, ending: &EndingId) -> Result<Vec<DraftSystem>, Error> {
    let sql = "SELECT i.system_id, COUNT(*) AS items, \
         COUNT(DISTINCT CASE WHEN i.kind <> 'guest' THEN LOWER(COALESCE(NULLIF(i.account_name, ''), i.account_id)) END) AS people, \
         COUNT(s.return_hint) AS without_effect, \
         COUNT(CASE WHEN s.state = 'live' AND (s.idle_ends_sort < \
             CASE WHEN s.observed_at > y.last_complete_pass_started_at THEN s.observed_at ELSE y.last_complete_pass_started_at END \
             OR s.absolute_sort < \
             CASE WHEN s.observed_at > y.last_complete_pass_started_at THEN s.observed_at ELSE y.last_complete_pass_started_at END) \
             THEN 1 END) AS past_limit, \
         COUNT(CASE WHEN s.state = 'live' THEN NULL ELSE 1 END) AS gone, \
         MIN(i.session_created_at) AS oldest, MAX(i.session_created_at) AS newest, MIN(i.stage) AS stage \
         FROM ending_item i LEFT JOIN session s ON s.session_key = i.session_key \
         LEFT JOIN system y ON y.system_id = i.system_id \
         WHERE i.ending_id = $1 AND i.left_out IS NULL GROUP BY i.system_id";
    Ok(on!(conn, c => sqlx::query_as(sql).bind(ending.as_str()).fetch_all(c).await?))
}

/// Which kinds of sessions a preview holds of which systems.
pub async fn draft_kinds(conn: &mut Conn, ending: &EndingId) -> Result<Vec<(String, String)>, Error> {
    let sql = "SELECT DISTINCT system_id, kind FROM ending_item WHERE ending_id = $1 AND left_out IS NULL";
    Ok(on!(conn, c => sqlx::query_as(sql).bind(ending.as_str()).fetch_all(c).await?))
}

/// The share of one person in a preview.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DraftPerson {
    pub who: String,
    pub named: String,
    pub display_name: String,
    pub account_name: String,
    pub person_doubt: Option<String>,
    pub items: i64,
    pub oldest: Option<i64>,
}

/// People with most sessions in a preview.
pub async fn draft_people(conn: &mut Conn, ending: &EndingId, limit: i64) -> Result<Vec<DraftPerson>, Error> {
    let sql = format!(
        "SELECT {PERSON} AS who, {NAMED} AS named, MAX(display_name) AS display_name, \
         MAX(account_name) AS account_name, MAX(person_doubt) AS person_doubt, \
         COUNT(*) AS items, MIN(session_created_at) AS oldest FROM ending_item \
         WHERE ending_id = $1 AND left_out IS NULL GROUP BY {PERSON}, {NAMED} ORDER BY items DESC, who, named LIMIT $2"
    );
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(ending.as_str()).bind(limit).fetch_all(c).await?))
}

/// Which people have sessions in which systems, for the people shown.
pub async fn draft_person_systems(
    conn: &mut Conn,
    ending: &EndingId,
) -> Result<Vec<(String, String, String)>, Error> {
    let sql = format!(
        "SELECT DISTINCT {PERSON} AS who, {NAMED} AS named, system_id FROM ending_item WHERE ending_id = $1 AND left_out IS NULL"
    );
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(ending.as_str()).fetch_all(c).await?))
}

/// A row that is not part of a preview.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct LeftOutRow {
    pub session_key: String,
    pub system_id: String,
    pub display_name: String,
    pub account_name: String,
    pub kind: String,
    pub person_doubt: Option<String>,
    pub left_out: String,
    pub detail: Option<String>,
}

/// Rows that are not part of a preview, those a person may take in first.
pub async fn left_out(conn: &mut Conn, ending: &EndingId, limit: i64) -> Result<Vec<LeftOutRow>, Error> {
    let sql = "SELECT session_key, system_id, display_name, account_name, kind, person_doubt, left_out, detail FROM ending_item \
         WHERE ending_id = $1 AND left_out IS NOT NULL \
         ORDER BY CASE left_out WHEN 'own_session' THEN 0 WHEN 'protected' THEN 1 ELSE 2 END, person_sort, session_key \
         LIMIT $2";
    Ok(on!(conn, c => sqlx::query_as(sql).bind(ending.as_str()).bind(limit).fetch_all(c).await?))
}

/// How many items of an ending lie outside the reader's scope.
pub async fn hidden(conn: &mut Conn, reader: &Reader, row: &EndingRow) -> Result<bool, Error> {
    if reader.sees_all_of(row) {
        return Ok(false);
    }
    let query = wanted(&row.id())
        .expr(Expr::val(1))
        .cond_where(reader.items(row).not())
        .limit(1)
        .to_owned();
    let found: Vec<(i32,)> = conn.fetch_all(&query).await?;
    Ok(!found.is_empty())
}

/// Settled items by outcome, over all endings.
pub async fn outcomes(conn: &mut Conn) -> Result<Vec<(String, i64)>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT outcome, COUNT(*) FROM ending_item WHERE outcome IS NOT NULL GROUP BY outcome",
    )
    .fetch_all(c)
    .await?))
}

/// When the oldest ending that is not finished was confirmed.
pub async fn oldest_open(conn: &mut Conn) -> Result<Option<Timestamp>, Error> {
    let at: Option<i64> = on!(conn, c => sqlx::query_scalar(
        "SELECT MIN(COALESCE(not_before, confirmed_at)) FROM ending WHERE state IN ('waiting', 'running', 'paused')",
    )
    .fetch_one(c)
    .await?);
    Ok(moment(at))
}

/// Text of a cursor: moment and key.
pub fn write_cursor(changed_at: i64, key: &str) -> String {
    format!("{changed_at}.{key}")
}

/// What a cursor says; `None` = it is none of ours.
pub fn read_cursor(text: &str) -> Option<(i64, String)> {
    let (at, key) = text.split_once('.')?;
    Some((at.parse().ok()?, key.to_owned()))
}

/// A moment of a column that may be NULL.
pub fn moment(at: Option<i64>) -> Option<Timestamp> {
    at.map(Timestamp)
}
