//! SQL of signals: what came, whom it means, what became of it.

use app::wire::{SessionKey, SystemId, Timestamp};
use sea_query::{Alias, Expr, ExprTrait, Func, Order, Query};

use crate::caller::scope::Rows;
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::error::Error;
use crate::on;

/// A row of `signal_in`; see migrations/*/0032_create_signal.sql.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Signal {
    pub signal_id: String,
    pub reference: String,
    pub received_at: i64,
    pub rule_id: String,
    pub way: String,
    pub system_id: String,
    pub place: String,
    pub principal: String,
    pub session_keys: String,
    pub attempts: i64,
    pub outcome: Option<String>,
    pub detail: String,
    pub account_name: String,
    pub ending_no: Option<i64>,
}

const COLUMNS: [&str; 14] = [
    "signal_id",
    "reference",
    "received_at",
    "rule_id",
    "way",
    "system_id",
    "place",
    "principal",
    "session_keys",
    "attempts",
    "outcome",
    "detail",
    "account_name",
    "ending_no",
];

/// The person's account at the identity server.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Account {
    pub subject_id: String,
    pub account_name: String,
    pub account_sort: String,
    pub site: String,
    pub mail_domain: String,
}

/// A live session of the person in one of the rule's systems.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Meant {
    pub session_key: String,
    pub system_id: String,
    pub place: String,
    pub site: String,
    pub account_name: String,
    pub account_sort: String,
    pub mail_domain: String,
    pub created_at: Option<i64>,
    pub first_seen_at: i64,
}

/// What became of a signal.
pub struct Became<'a> {
    pub mode: Option<&'a str>,
    pub outcome: &'a str,
    pub detail: &'a str,
    pub account: Option<&'a Account>,
    pub ending_no: Option<i64>,
}

/// Marks a signal as come; false = it came before. The database decides between replicas.
pub async fn take_once(conn: &mut Conn, key: &str, expires_at: Timestamp) -> Result<bool, Error> {
    let new = on!(conn, c => sqlx::query(
        "INSERT INTO signal_seen (seen_key, expires_at) VALUES ($1, $2) ON CONFLICT (seen_key) DO NOTHING",
    ).bind(key).bind(expires_at.0).execute(c).await?.rows_affected());
    Ok(new == 1)
}

/// Keeps a signal that waits.
pub async fn insert(conn: &mut Conn, signal: &Signal) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO signal_in (signal_id, reference, received_at, rule_id, way, system_id, place, principal, \
             session_keys, state, attempts, next_attempt_at, detail, account_name, account_sort, site, mail_domain) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', 0, 0, '', '', '', '', '')",
        )
        .bind(&signal.signal_id).bind(&signal.reference).bind(signal.received_at).bind(&signal.rule_id)
        .bind(&signal.way).bind(&signal.system_id).bind(&signal.place).bind(&signal.principal)
        .bind(&signal.session_keys)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// Signals that wait to be worked off, oldest first.
pub async fn waiting(conn: &mut Conn, now: Timestamp, most: i64) -> Result<Vec<Signal>, Error> {
    let sql = format!(
        "SELECT {} FROM signal_in WHERE state = 'waiting' AND next_attempt_at <= $1 ORDER BY signal_id LIMIT $2",
        COLUMNS.join(", ")
    );
    Ok(on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(now.0).bind(most).fetch_all(c).await?))
}

/// Notes that one is begun to be worked off, and when it would be again.
pub async fn begin(conn: &mut Conn, signal_id: &str, again_at: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("UPDATE signal_in SET attempts = attempts + 1, next_attempt_at = $2 WHERE signal_id = $1")
            .bind(signal_id)
            .bind(again_at.0)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Keeps what became of it, and the sessions it meant.
pub async fn finish(
    conn: &mut Conn,
    signal_id: &str,
    became: &Became<'_>,
    meant: &[Meant],
    now: Timestamp,
) -> Result<(), Error> {
    let of = |text: fn(&Account) -> &str| became.account.map_or("", text);
    on!(conn, c => {
        sqlx::query(
            "UPDATE signal_in SET state = 'done', done_at = $2, mode = $3, outcome = $4, detail = $5, subject_id = $6, \
             account_name = $7, account_sort = $8, site = $9, mail_domain = $10, ending_no = $11 WHERE signal_id = $1",
        )
        .bind(signal_id).bind(now.0).bind(became.mode).bind(became.outcome).bind(became.detail)
        .bind(became.account.map(|account| account.subject_id.as_str()))
        .bind(of(|a| &a.account_name)).bind(of(|a| &a.account_sort)).bind(of(|a| &a.site)).bind(of(|a| &a.mail_domain))
        .bind(became.ending_no)
        .execute(c)
        .await?;
    });
    for session in meant {
        on!(conn, c => {
            sqlx::query(
                "INSERT INTO signal_session (signal_id, session_key, system_id, site, account_name, account_sort, \
                 mail_domain) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (signal_id, session_key) DO NOTHING",
            )
            .bind(signal_id).bind(&session.session_key).bind(&session.system_id).bind(&session.site)
            .bind(&session.account_name).bind(&session.account_sort).bind(&session.mail_domain)
            .execute(c)
            .await?;
        });
    }
    Ok(())
}

/// How many endings a rule began since then.
pub async fn begun_since(conn: &mut Conn, rule_id: &str, since: Timestamp) -> Result<u64, Error> {
    let begun: i64 = on!(conn, c => sqlx::query_scalar(
        "SELECT COUNT(*) FROM signal_in WHERE rule_id = $1 AND outcome = 'ending' AND done_at > $2",
    ).bind(rule_id).bind(since.0).fetch_one(c).await?);
    Ok(begun.unsigned_abs())
}

/// Accounts there of that id (as in `subject_account.account`), or of that name, lower-cased.
pub async fn accounts(
    conn: &mut Conn,
    system: &str,
    place: &str,
    id: &str,
    name: &str,
) -> Result<Vec<Account>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT DISTINCT subject_id, account_name, account_sort, site, mail_domain FROM subject_account \
         WHERE system_id = $1 AND place = $2 AND (account = $3 OR (account_sort = $4 AND $4 <> '')) ORDER BY subject_id",
    ).bind(system).bind(place).bind(format!("id:{id}")).bind(name).fetch_all(c).await?))
}

/// The account id of the first of these sessions that the inventory knows; '' = it has none.
pub async fn account_id_of(
    conn: &mut Conn,
    system: &str,
    place: &str,
    keys: &[&str],
) -> Result<Option<String>, Error> {
    let column = |name: &'static str| Expr::col((Alias::new("session"), Alias::new(name)));
    let query = Query::select()
        .expr(column("account_id"))
        .from(Alias::new("session"))
        .and_where(column("session_key").is_in(keys.iter().map(|key| (*key).to_owned())))
        .and_where(column("system_id").eq(system.to_owned()))
        .and_where(column("place").eq(place.to_owned()))
        .limit(1)
        .to_owned();
    let found: Vec<(String,)> = conn.fetch_all(&query).await?;
    Ok(found.into_iter().map(|row| row.0).next())
}

/// Live sessions of a person in these systems, by key.
pub async fn sessions_of(conn: &mut Conn, subject: &str, systems: &[String]) -> Result<Vec<Meant>, Error> {
    let column = |name: &'static str| Expr::col((Alias::new("session"), Alias::new(name)));
    let names = [
        "session_key",
        "system_id",
        "place",
        "site",
        "account_name",
        "account_sort",
        "mail_domain",
        "created_at",
        "first_seen_at",
    ];
    let query = Query::select()
        .exprs(names.map(column))
        .from(Alias::new("session"))
        .and_where(column("subject_id").eq(subject.to_owned()))
        .and_where(column("state").eq("live"))
        .and_where(column("kind").ne("guest"))
        .and_where(column("system_id").is_in(systems.iter().cloned()))
        .order_by((Alias::new("session"), Alias::new("session_key")), Order::Asc)
        .to_owned();
    conn.fetch_all(&query).await
}

/// Signals that the scope covers, newest first, `most` at most.
pub async fn page(
    conn: &mut Conn,
    scope: &VisibleScope,
    before: Option<&str>,
    most: u64,
) -> Result<Vec<Signal>, Error> {
    let column = |name: &'static str| (Alias::new("signal_in"), Alias::new(name));
    let mut query = Query::select();
    query
        .columns(COLUMNS.map(column))
        .from(Alias::new("signal_in"))
        .cond_where(scope.condition(Rows::Signals))
        .order_by(column("signal_id"), Order::Desc)
        .limit(most);
    if let Some(before) = before {
        query.and_where(Expr::col(column("signal_id")).lt(before.to_owned()));
    }
    conn.fetch_all(&query).await
}

/// How many sessions of each system these signals meant, as far as the scope covers them.
pub async fn counts(
    conn: &mut Conn,
    scope: &VisibleScope,
    signals: &[Signal],
) -> Result<Vec<(String, SystemId, u64)>, Error> {
    let column = |name: &'static str| Expr::col((Alias::new("signal_session"), Alias::new(name)));
    let query = Query::select()
        .expr(column("signal_id"))
        .expr(column("system_id"))
        .expr(Func::count(column("session_key")))
        .from(Alias::new("signal_session"))
        .and_where(column("signal_id").is_in(signals.iter().map(|signal| signal.signal_id.clone())))
        .cond_where(scope.condition(Rows::SignalSessions))
        .add_group_by([column("signal_id"), column("system_id")])
        .order_by(
            (Alias::new("signal_session"), Alias::new("system_id")),
            Order::Asc,
        )
        .to_owned();
    let found: Vec<(String, String, i64)> = conn.fetch_all(&query).await?;
    Ok(found
        .into_iter()
        .map(|(signal, system, count)| (signal, SystemId(system), count.unsigned_abs()))
        .collect())
}

/// The names of these sessions.
pub fn keys(meant: &[Meant]) -> Vec<SessionKey> {
    meant
        .iter()
        .map(|session| SessionKey(session.session_key.clone()))
        .collect()
}

/// Deletes signals from before a moment, and what no signal can come again for.
pub async fn forget(conn: &mut Conn, before: Timestamp, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "DELETE FROM signal_session WHERE signal_id IN (SELECT signal_id FROM signal_in WHERE received_at < $1)",
        ).bind(before.0).execute(&mut *c).await?;
        sqlx::query("DELETE FROM signal_in WHERE received_at < $1").bind(before.0).execute(&mut *c).await?;
        sqlx::query("DELETE FROM signal_seen WHERE expires_at < $1").bind(now.0).execute(c).await?;
    });
    Ok(())
}
