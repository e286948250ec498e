//! SQL of what makes the broker say no: tokens that were used, sessions of apps that are over, people who are held.

use app::wire::{EndingId, SystemId, Timestamp};
use sea_query::{Alias, Expr, ExprTrait, OnConflict, Order, Query};

use crate::caller::scope::Rows;
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::error::Error;
use crate::on;

/// Every site, as a hold's place.
pub const EVERY_SITE: &str = "*";

/// Marks tokens as used; returns those that were not before. The database decides between replicas.
pub async fn use_once(conn: &mut Conn, tokens: &[(String, Timestamp)]) -> Result<Vec<String>, Error> {
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new("broker_jti"))
        .columns([Alias::new("jti_key"), Alias::new("expires_at")]);
    // The last one once more and again, up to a power of two: what is there already is passed over, and a database knows
    // ten statements by heart, not one for each number of tokens.
    let padding = tokens.last().into_iter().cycle();
    for (key, expires_at) in tokens
        .iter()
        .chain(padding)
        .take(tokens.len().next_power_of_two())
    {
        insert.values_panic([key.clone().into(), expires_at.0.into()]);
    }
    insert
        .on_conflict(OnConflict::column(Alias::new("jti_key")).do_nothing().to_owned())
        .returning_col(Alias::new("jti_key"));
    let fresh: Vec<(String,)> = conn.fetch_all(&insert).await?;
    Ok(fresh.into_iter().map(|row| row.0).collect())
}

/// Lets a session of an app be over.
pub async fn kill_sid(
    conn: &mut Conn,
    app: &str,
    sid_hash: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO broker_dead_sid (app_id, sid_hash, dead_at, expires_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (app_id, sid_hash) DO UPDATE SET expires_at = excluded.expires_at",
        )
        .bind(app)
        .bind(sid_hash)
        .bind(now.0)
        .bind(expires_at.0)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// Whose request it is, as far as anything may stand against it.
pub struct Whose<'a> {
    /// App.
    pub app: &'a str,
    /// SHA-256 of the app's session; empty = the token names none.
    pub sid_hash: &'a str,
    /// Name under which its token is marked as used; empty = it may come again.
    pub jti_key: &'a str,
    /// Tableau.
    pub system: &'a SystemId,
    /// Site.
    pub place: &'a str,
    /// Account, lower-cased.
    pub account_sort: &'a str,
}

/// What stands against a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Against {
    /// Its token was used before.
    pub used: bool,
    /// The app's session is over.
    pub dead: bool,
    /// What holds the person: since when sign-ins count for nothing, and until when where none is told; the latest of each.
    pub held: Option<(Timestamp, Timestamp)>,
}

/// What stands against a request, in one question: every ticket waits for it.
///
/// Who was ended everywhere under a name without a domain is held under that name in every domain: systems that know
/// no domains name people so, and of two of the same name the one who was not meant only has to sign in again.
pub async fn against(conn: &mut Conn, whose: &Whose<'_>) -> Result<Against, Error> {
    let plain = whose.account_sort.rsplit_once('\\');
    let plain = plain.map_or(whose.account_sort, |(_, name)| name);
    let found: Vec<(String, i64, i64)> = on!(conn, c => sqlx::query_as(
        "SELECT 'used', CAST(0 AS BIGINT), CAST(0 AS BIGINT) FROM broker_jti WHERE jti_key = $1 \
         UNION ALL SELECT 'dead', dead_at, dead_at FROM broker_dead_sid WHERE app_id = $2 AND sid_hash = $3 \
         UNION ALL SELECT 'held', since_at, until_at FROM broker_hold WHERE system_id = $4 \
         AND account_sort IN ($5, $7) AND (place = '*' OR (account_sort = $5 AND place = $6))",
    )
    .bind(whose.jti_key)
    .bind(whose.app)
    .bind(whose.sid_hash)
    .bind(whose.system.as_str())
    .bind(whose.account_sort)
    .bind(whose.place)
    .bind(plain)
    .fetch_all(c)
    .await?);
    let mut against = Against::default();
    for (what, since, until) in found {
        match what.as_str() {
            "used" => against.used = true,
            "dead" => against.dead = true,
            _ => {
                let (since, until) = (Timestamp(since), Timestamp(until));
                let (since_0, until_0) = against.held.unwrap_or((since, until));
                against.held = Some((since.max(since_0), until.max(until_0)));
            }
        }
    }
    Ok(against)
}

/// A row of `broker_hold`; see migrations/*/0025_create_broker.sql.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Hold {
    pub system_id: String,
    pub place: String,
    pub account_sort: String,
    pub account: String,
    pub site: String,
    pub mail_domain: String,
    pub since_at: i64,
    pub until_at: i64,
    pub expires_at: i64,
    pub ending_id: String,
}

/// Holds a person, or holds them longer: of two holds the later moments count.
pub async fn hold(conn: &mut Conn, hold: &Hold) -> Result<(), Error> {
    let sql = "INSERT INTO broker_hold (system_id, place, account_sort, account, site, mail_domain, since_at, until_at, \
               expires_at, ending_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
               ON CONFLICT (system_id, account_sort, place) DO UPDATE SET since_at = excluded.since_at, \
               until_at = excluded.until_at, expires_at = excluded.expires_at, ending_id = excluded.ending_id \
               WHERE excluded.since_at > broker_hold.since_at";
    on!(conn, c => {
        sqlx::query(sql)
            .bind(&hold.system_id)
            .bind(&hold.place)
            .bind(&hold.account_sort)
            .bind(&hold.account)
            .bind(&hold.site)
            .bind(&hold.mail_domain)
            .bind(hold.since_at)
            .bind(hold.until_at)
            .bind(hold.expires_at)
            .bind(&hold.ending_id)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// Holds that the scope covers and that may hold somebody still, newest first.
pub async fn holds(
    conn: &mut Conn,
    scope: &VisibleScope,
    now: Timestamp,
    most: u64,
) -> Result<Vec<Hold>, Error> {
    let column = |name: &'static str| (Alias::new("broker_hold"), Alias::new(name));
    let columns = [
        "system_id",
        "place",
        "account_sort",
        "account",
        "site",
        "mail_domain",
        "since_at",
        "until_at",
        "expires_at",
        "ending_id",
    ];
    let query = Query::select()
        .columns(columns.map(column))
        .from(Alias::new("broker_hold"))
        .cond_where(scope.condition(Rows::Holds))
        .and_where(Expr::col(column("expires_at")).gt(now.0))
        .order_by(column("since_at"), Order::Desc)
        .order_by(column("account_sort"), Order::Asc)
        .limit(most)
        .to_owned();
    conn.fetch_all(&query).await
}

/// Numbers of endings by their ids.
pub async fn ending_numbers(
    conn: &mut Conn,
    endings: &[EndingId],
) -> Result<std::collections::HashMap<String, i64>, Error> {
    if endings.is_empty() {
        return Ok(std::collections::HashMap::new());
    }
    let column = |name: &'static str| (Alias::new("ending"), Alias::new(name));
    let query = Query::select()
        .columns([column("ending_id"), column("ending_no")])
        .from(Alias::new("ending"))
        .and_where(Expr::col(column("ending_id")).is_in(endings.iter().map(|e| e.0.clone())))
        .and_where(Expr::col(column("ending_no")).is_not_null())
        .to_owned();
    let rows: Vec<(String, i64)> = conn.fetch_all(&query).await?;
    Ok(rows.into_iter().collect())
}

/// Deletes what can say no to nobody any more.
pub async fn forget(conn: &mut Conn, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        for sql in [
            "DELETE FROM broker_jti WHERE expires_at < $1",
            "DELETE FROM broker_dead_sid WHERE expires_at < $1",
            "DELETE FROM broker_hold WHERE expires_at < $1",
        ] {
            sqlx::query(sql).bind(now.0).execute(&mut *c).await?;
        }
    });
    Ok(())
}

/// Holds the people of those items of an ending that got a gone outcome in a system at `now`; an app's own sign-outs hold
/// nobody. `seconds` = how long it holds where no sign-in is told, and how long the row is kept.
pub async fn hold_gone(
    conn: &mut Conn,
    ending: &EndingId,
    system: &SystemId,
    seconds: (i64, i64),
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO broker_hold (system_id, place, account_sort, account, site, mail_domain, since_at, until_at, \
               expires_at, ending_id) \
               SELECT i.system_id, i.place, i.account_sort, MAX(i.account_name), MAX(i.site), \
               MAX(COALESCE(i.mail_domain, '')), MAX(COALESCE(i.asked_at, i.settled_at)), \
               CAST($4 AS BIGINT), CAST($5 AS BIGINT), i.ending_id \
               FROM ending_item i JOIN ending e ON e.ending_id = i.ending_id \
               WHERE i.ending_id = $1 AND i.system_id = $2 AND i.settled_at = $3 AND i.left_out IS NULL \
               AND i.outcome IN ('ended', 'already_gone', 'rotated') AND e.caller_kind <> 'app' AND i.account_sort <> '' \
               GROUP BY i.system_id, i.place, i.account_sort, i.ending_id \
               ON CONFLICT (system_id, account_sort, place) DO UPDATE SET since_at = excluded.since_at, \
               until_at = excluded.until_at, expires_at = excluded.expires_at, ending_id = excluded.ending_id \
               WHERE excluded.since_at > broker_hold.since_at";
    on!(conn, c => {
        sqlx::query(sql)
            .bind(ending.as_str())
            .bind(system.as_str())
            .bind(now.0)
            .bind(now.plus_seconds(seconds.0).0)
            .bind(now.plus_seconds(seconds.1).0)
            .execute(c)
            .await?;
    });
    Ok(())
}

/// The id of an ending by its number.
pub async fn ending_of_number(conn: &mut Conn, ending_no: i64) -> Result<Option<String>, Error> {
    Ok(
        on!(conn, c => sqlx::query_scalar("SELECT ending_id FROM ending WHERE ending_no = $1")
        .bind(ending_no)
        .fetch_optional(c)
        .await?),
    )
}

/// A live session of a person at a site.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct LiveSession {
    pub session_key: String,
    pub site: String,
    pub created_at: Option<i64>,
}

/// Live sessions of an account at a site, as the inventory has them.
pub async fn live_sessions(
    conn: &mut Conn,
    system: &SystemId,
    place: &str,
    account_sort: &str,
) -> Result<Vec<LiveSession>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT session_key, site, created_at FROM session WHERE system_id = $1 AND account_sort = $2 AND place = $3 \
         AND state = 'live' ORDER BY session_key LIMIT 1000",
    ).bind(system.as_str()).bind(account_sort).bind(place).fetch_all(c).await?))
}
