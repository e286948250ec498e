//! SQL of the log: append at the head, read, walk.

use std::collections::HashSet;

use app::audit::wire::AuditQuery;
use app::wire::{OperatorId, SystemId, Timestamp};
use data_encoding::HEXLOWER;
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Func, LikeExpr, Order, Query, SelectStatement};

use super::page::View;
use super::{Action, Entry};
use crate::caller::scope::Rows;
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::error::Error;
use crate::keys::HashKey;
use crate::on;

/// A row as it is hashed and stored; the order of fields is the order of the hash.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    pub seq: i64,
    pub at: i64,
    pub action: String,
    pub actor_kind: String,
    pub actor_id: String,
    pub actor_name: String,
    pub actor_session: Option<String>,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    pub system_id: Option<String>,
    pub place: Option<String>,
    pub site: Option<String>,
    pub account: Option<String>,
    pub session_key: Option<String>,
    pub ending_id: Option<String>,
    pub target: String,
    pub permission: Option<String>,
    pub result: String,
    pub reason: Option<String>,
    pub ticket_ref: Option<String>,
    pub request_id: Option<String>,
    pub duration_ms: Option<i64>,
    pub detail: String,
    pub key_id: String,
    pub prev_hash: String,
    pub hash: String,
}

impl Row {
    /// The hash this row must carry under `key`.
    pub fn expected_hash(&self, key: &HashKey) -> String {
        let none = "\u{0}none";
        let text = |t: &Option<String>| t.clone().unwrap_or_else(|| none.to_owned());
        let fields = [
            self.seq.to_string(),
            self.at.to_string(),
            self.action.clone(),
            self.actor_kind.clone(),
            self.actor_id.clone(),
            self.actor_name.clone(),
            text(&self.actor_session),
            text(&self.source_ip),
            text(&self.user_agent),
            text(&self.system_id),
            text(&self.place),
            text(&self.site),
            text(&self.account),
            text(&self.session_key),
            text(&self.ending_id),
            self.target.clone(),
            text(&self.permission),
            self.result.clone(),
            text(&self.reason),
            text(&self.ticket_ref),
            text(&self.request_id),
            self.duration_ms
                .map_or_else(|| none.to_owned(), |n| n.to_string()),
            self.detail.clone(),
            self.key_id.clone(),
            self.prev_hash.clone(),
        ];
        let parts: Vec<&[u8]> = fields.iter().map(String::as_bytes).collect();
        HEXLOWER.encode(&key.mac(&parts))
    }
}

/// Longest text of a field that comes from outside, in characters.
const LONGEST: usize = 1_000;

/// Text from outside, made harmless: NUL bytes can't be stored, endless text is cut.
fn clean(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(LONGEST).collect()
}

/// Locks the head. SQLite's writing transactions take turns anyway.
pub async fn lock(conn: &mut Conn) -> Result<(), Error> {
    if conn.is_postgres() {
        on!(conn, c => { sqlx::query("SELECT 1 FROM audit_head FOR UPDATE").execute(c).await?; });
    }
    Ok(())
}

/// Locks the head, writes the entry behind it, moves the head. Returns the entry's number.
pub async fn append(conn: &mut Conn, key: &HashKey, entry: &Entry, now: Timestamp) -> Result<i64, Error> {
    let lock = if conn.is_postgres() {
        "SELECT seq, hash FROM audit_head WHERE head_id = 1 FOR UPDATE"
    } else {
        "SELECT seq, hash FROM audit_head WHERE head_id = 1"
    };
    let (seq, prev_hash): (i64, String) = on!(conn, c => sqlx::query_as(lock).fetch_one(c).await?);
    let optional = |t: &Option<String>| t.as_deref().map(clean);
    let mut row = Row {
        seq: seq + 1,
        at: now.0,
        action: entry.action.word().to_owned(),
        actor_kind: entry.actor_kind.to_owned(),
        actor_id: entry.actor_id.clone(),
        actor_name: clean(&entry.actor_name),
        actor_session: entry.actor_session.as_ref().map(|s| s.0.clone()),
        source_ip: optional(&entry.origin.ip),
        user_agent: optional(&entry.origin.user_agent),
        system_id: entry.system_id.as_ref().map(|s| s.0.clone()),
        place: optional(&entry.place),
        site: optional(&entry.site),
        account: optional(&entry.account),
        session_key: entry.session_key.as_ref().map(|k| k.0.clone()),
        ending_id: entry.ending_id.as_ref().map(|e| e.0.clone()),
        target: clean(&entry.target),
        permission: entry.permission.map(|p| p.name().to_owned()),
        result: entry.result.name().to_owned(),
        reason: optional(&entry.reason),
        ticket_ref: optional(&entry.ticket_ref),
        request_id: Some(entry.origin.request_id.clone()).filter(|id| !id.is_empty()),
        duration_ms: entry.duration_ms,
        detail: serde_json::to_string(&entry.detail)?,
        key_id: key.id().to_owned(),
        prev_hash,
        hash: String::new(),
    };
    row.hash = row.expected_hash(key);
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO audit_entry (seq, at, action, actor_kind, actor_id, actor_name, actor_session, source_ip, \
             user_agent, system_id, place, site, account, session_key, ending_id, target, permission, result, reason, \
             ticket_ref, request_id, duration_ms, detail, key_id, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, \
             $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)",
        )
        .bind(row.seq).bind(row.at).bind(&row.action).bind(&row.actor_kind).bind(&row.actor_id).bind(&row.actor_name)
        .bind(&row.actor_session).bind(&row.source_ip).bind(&row.user_agent).bind(&row.system_id).bind(&row.place)
        .bind(&row.site).bind(&row.account).bind(&row.session_key).bind(&row.ending_id).bind(&row.target)
        .bind(&row.permission).bind(&row.result).bind(&row.reason).bind(&row.ticket_ref).bind(&row.request_id)
        .bind(row.duration_ms).bind(&row.detail).bind(&row.key_id).bind(&row.prev_hash).bind(&row.hash)
        .execute(&mut *c)
        .await?;
        sqlx::query("UPDATE audit_head SET seq = $1, hash = $2 WHERE head_id = 1")
            .bind(row.seq)
            .bind(&row.hash)
            .execute(c)
            .await?;
    });
    Ok(row.seq)
}

/// Columns of [`Row`].
pub const COLUMNS: [&str; 26] = [
    "seq",
    "at",
    "action",
    "actor_kind",
    "actor_id",
    "actor_name",
    "actor_session",
    "source_ip",
    "user_agent",
    "system_id",
    "place",
    "site",
    "account",
    "session_key",
    "ending_id",
    "target",
    "permission",
    "result",
    "reason",
    "ticket_ref",
    "request_id",
    "duration_ms",
    "detail",
    "key_id",
    "prev_hash",
    "hash",
];

/// Where the log ends, by its head and by its rows.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Ends {
    /// Newest entry by the head; 0 = none.
    pub head_seq: i64,
    /// Its hash by the head.
    pub head_hash: String,
    /// Newest row there is; 0 = none.
    pub newest_seq: i64,
}

/// Both ends, seen at one moment.
pub async fn ends(conn: &mut Conn) -> Result<Ends, Error> {
    let sql = "SELECT seq AS head_seq, hash AS head_hash, \
               (SELECT COALESCE(MAX(seq), 0) FROM audit_entry) AS newest_seq FROM audit_head WHERE head_id = 1";
    Ok(on!(conn, c => sqlx::query_as(sql).fetch_one(c).await?))
}

fn column(name: &'static str) -> Expr {
    Expr::col((Alias::new("audit_entry"), Alias::new(name)))
}

fn select() -> SelectStatement {
    Query::select()
        .columns(COLUMNS.map(|c| (Alias::new("audit_entry"), Alias::new(c))))
        .from(Alias::new("audit_entry"))
        .to_owned()
}

/// The next rows behind `after`, oldest first, whoever asks: for walking the chain.
pub async fn after(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Row>, Error> {
    let query = select()
        .and_where(column("seq").gt(after))
        .order_by(Alias::new("seq"), Order::Asc)
        .limit(limit.unsigned_abs())
        .to_owned();
    conn.fetch_all(&query).await
}

/// A page of what matches, newest first, in the view.
pub async fn find_before(
    conn: &mut Conn,
    view: &View,
    query: &AuditQuery,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let mut find = select();
    find.cond_where(in_view(view)).cond_where(matching(query));
    if let Some(seq) = query.before_seq {
        find.and_where(column("seq").lt(seq));
    }
    find.order_by(Alias::new("seq"), Order::Desc)
        .limit(limit.unsigned_abs());
    conn.fetch_all(&find).await
}

/// The next of what matches behind `after` up to `until`, oldest first, in the view.
pub async fn find_after(
    conn: &mut Conn,
    view: &View,
    query: &AuditQuery,
    after: i64,
    until: i64,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    let find = select()
        .cond_where(in_view(view))
        .cond_where(matching(query))
        .and_where(column("seq").gt(after))
        .and_where(column("seq").lte(until))
        .order_by(Alias::new("seq"), Order::Asc)
        .limit(limit.unsigned_abs())
        .to_owned();
    conn.fetch_all(&find).await
}

/// How many entries there are in the view.
pub async fn count(conn: &mut Conn, view: &View) -> Result<i64, Error> {
    let query = Query::select()
        .expr(Func::count(column("seq")))
        .from(Alias::new("audit_entry"))
        .cond_where(in_view(view))
        .to_owned();
    let found: Vec<(i64,)> = conn.fetch_all(&query).await?;
    Ok(found.first().map_or(0, |row| row.0))
}

/// Which of these entries are about what a scope covers.
pub async fn covered(conn: &mut Conn, scope: &VisibleScope, rows: &[Row]) -> Result<HashSet<i64>, Error> {
    if scope.everywhere || scope.is_empty() || rows.is_empty() {
        let all = rows.iter().filter(|_| scope.everywhere).map(|row| row.seq);
        return Ok(all.collect());
    }
    let query = Query::select()
        .column((Alias::new("audit_entry"), Alias::new("seq")))
        .from(Alias::new("audit_entry"))
        .and_where(column("seq").is_in(rows.iter().map(|row| row.seq)))
        .cond_where(scope.condition(Rows::Audit))
        .to_owned();
    let found: Vec<(i64,)> = conn.fetch_all(&query).await?;
    Ok(found.into_iter().map(|row| row.0).collect())
}

/// Entries the view may know of; what of them is shown decides `View::show`.
fn in_view(view: &View) -> Condition {
    if view.scope.everywhere {
        return Cond::all();
    }
    if view.scope.is_empty() {
        return Cond::any().add(Expr::val(1).eq(0));
    }
    let mut any = Cond::any();
    if !view.actor_id.is_empty() {
        any = any.add(column("actor_id").eq(view.actor_id.clone()));
    }
    any = any.add(view.scope.condition(Rows::Audit));
    let touched = Query::select()
        .column((Alias::new("ending_item"), Alias::new("ending_id")))
        .from(Alias::new("ending_item"))
        .and_where(Expr::col((Alias::new("ending_item"), Alias::new("left_out"))).is_null())
        .cond_where(view.scope.condition(Rows::Items))
        .to_owned();
    any.add(column("ending_id").in_subquery(touched))
}

/// The filters of a query.
fn matching(query: &AuditQuery) -> Condition {
    let mut all = Cond::all();
    if !query.who.is_empty() {
        all = all.add(contains("actor_name", &query.who));
    }
    for (name, value) in [
        ("action", &query.action),
        ("system_id", &query.system),
        ("result", &query.result),
    ] {
        if !value.is_empty() {
            all = all.add(column(name).eq(value.clone()));
        }
    }
    if !query.text.is_empty() {
        let mut any = Cond::any();
        for name in ["target", "reason", "ticket_ref", "account"] {
            any = any.add(contains(name, &query.text));
        }
        all = all.add(any);
    }
    if query.ending_no != 0 {
        let ending = Query::select()
            .column(Alias::new("ending_id"))
            .from(Alias::new("ending"))
            .and_where(Expr::col(Alias::new("ending_no")).eq(query.ending_no))
            .to_owned();
        all = all.add(column("ending_id").in_subquery(ending));
    }
    if let Some(from) = query.from {
        all = all.add(column("at").gte(from.0));
    }
    if let Some(until) = query.until {
        all = all.add(column("at").lte(until.0));
    }
    all
}

fn contains(name: &'static str, needle: &str) -> Expr {
    let needle = needle
        .to_lowercase()
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    Expr::expr(Func::lower(column(name))).like(LikeExpr::new(format!("%{needle}%")).escape('\\'))
}

/// Of the endings these rows ask for, those that are not settled yet.
pub async fn unsettled(conn: &mut Conn, rows: &[Row]) -> Result<HashSet<String>, Error> {
    let asked: Vec<String> = rows
        .iter()
        .filter(|r| r.action == Action::EndingRequested.word())
        .filter_map(|r| r.ending_id.clone())
        .collect();
    if asked.is_empty() {
        return Ok(HashSet::new());
    }
    let query = Query::select()
        .column(Alias::new("ending_id"))
        .from(Alias::new("ending"))
        .and_where(Expr::col(Alias::new("ending_id")).is_in(asked))
        .and_where(Expr::col(Alias::new("settled_at")).is_null())
        .to_owned();
    let found: Vec<(String,)> = conn.fetch_all(&query).await?;
    Ok(found.into_iter().map(|row| row.0).collect())
}

/// Action words that occur, each found by one step along the index.
pub async fn actions(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let sql = "WITH RECURSIVE found (action) AS (SELECT MIN(action) FROM audit_entry UNION ALL \
               SELECT (SELECT MIN(e.action) FROM audit_entry e WHERE e.action > found.action) \
               FROM found WHERE found.action IS NOT NULL) \
               SELECT action FROM found WHERE action IS NOT NULL";
    Ok(on!(conn, c => sqlx::query_scalar(sql).fetch_all(c).await?))
}

/// Systems by name, for the filter.
pub async fn systems(conn: &mut Conn) -> Result<Vec<(SystemId, String)>, Error> {
    let found: Vec<(String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT system_id, name FROM system ORDER BY name, system_id",
    )
    .fetch_all(c)
    .await?);
    Ok(found.into_iter().map(|(id, name)| (SystemId(id), name)).collect())
}

/// When a caller's look at a query was last written down.
pub async fn looked_at(
    conn: &mut Conn,
    actor: &OperatorId,
    query_hash: &str,
) -> Result<Option<Timestamp>, Error> {
    let at: Option<i64> = on!(conn, c => sqlx::query_scalar(
        "SELECT logged_at FROM sensitive_read WHERE actor_id = $1 AND query_hash = $2",
    )
    .bind(actor.as_str())
    .bind(query_hash)
    .fetch_optional(c)
    .await?);
    Ok(at.map(Timestamp))
}

/// Takes note of a look unless one was noted after `since`; true = it is to be written down. Forgets old notes.
pub async fn note_look(
    conn: &mut Conn,
    actor: &OperatorId,
    query_hash: &str,
    now: Timestamp,
    since: Timestamp,
) -> Result<bool, Error> {
    Ok(on!(conn, c => {
        sqlx::query("DELETE FROM sensitive_read WHERE actor_id = $1 AND logged_at <= $2")
            .bind(actor.as_str())
            .bind(since.0)
            .execute(&mut *c)
            .await?;
        sqlx::query(
            "INSERT INTO sensitive_read (actor_id, query_hash, logged_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(actor.as_str())
        .bind(query_hash)
        .bind(now.0)
        .execute(c)
        .await?
        .rows_affected()
            == 1
    }))
}
