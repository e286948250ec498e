//! SQL of requests for tickets: storing them in batches, counting them by ten minutes, showing them.

use app::tickets::wire::TicketOutcome;
use app::wire::{SystemId, Timestamp};
use sea_query::{Alias, Cond, Expr, ExprTrait, Func, OnConflict, Order, Query};

use crate::caller::scope::Rows;
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::error::Error;
use crate::on;

/// Length of a slot of the tally, ms: ten minutes.
pub const SLOT_MS: i64 = 600_000;
/// Rows of one statement, largest first: a database knows these four by heart, not one for each number of rows. SQLite
/// takes 32,766 parameters.
const PER_INSERT: [usize; 4] = [500, 64, 8, 1];

/// A row of `ticket_issue`; see migrations/*/0025_create_broker.sql for every column.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Issue {
    pub issue_id: String,
    pub reference: String,
    pub at: i64,
    pub app_id: String,
    pub system_id: String,
    pub place: String,
    pub site: String,
    pub account: String,
    pub account_sort: String,
    pub mail_domain: String,
    pub grant_kind: String,
    pub way: String,
    pub outcome: String,
    pub cause: Option<String>,
    pub node: Option<String>,
    pub ip: Option<String>,
    pub sid_hash: Option<String>,
    pub duration_ms: i64,
}

const COLUMNS: [&str; 18] = [
    "issue_id",
    "reference",
    "at",
    "app_id",
    "system_id",
    "place",
    "site",
    "account",
    "account_sort",
    "mail_domain",
    "grant_kind",
    "way",
    "outcome",
    "cause",
    "node",
    "ip",
    "sid_hash",
    "duration_ms",
];

fn column(name: &'static str) -> Expr {
    Expr::col((Alias::new("ticket_issue"), Alias::new(name)))
}

/// Stores requests; those that stand there already are left alone.
pub async fn add(conn: &mut Conn, issues: &[Issue]) -> Result<(), Error> {
    let mut rest = issues;
    while !rest.is_empty() {
        let rows = PER_INSERT.into_iter().find(|rows| *rows <= rest.len());
        let (some, after) = rest.split_at(rows.unwrap_or(1));
        rest = after;
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new("ticket_issue"))
            .columns(COLUMNS.map(Alias::new))
            .on_conflict(OnConflict::column(Alias::new("issue_id")).do_nothing().to_owned());
        for issue in some {
            insert.values_panic([
                issue.issue_id.clone().into(),
                issue.reference.clone().into(),
                issue.at.into(),
                issue.app_id.clone().into(),
                issue.system_id.clone().into(),
                issue.place.clone().into(),
                issue.site.clone().into(),
                issue.account.clone().into(),
                issue.account_sort.clone().into(),
                issue.mail_domain.clone().into(),
                issue.grant_kind.clone().into(),
                issue.way.clone().into(),
                issue.outcome.clone().into(),
                issue.cause.clone().into(),
                issue.node.clone().into(),
                issue.ip.clone().into(),
                issue.sid_hash.clone().into(),
                issue.duration_ms.into(),
            ]);
        }
        conn.execute(&insert).await?;
    }
    Ok(())
}

/// What one line of the tally counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    pub slot_at: i64,
    pub app_id: String,
    pub system_id: String,
    pub node: String,
    pub outcome: String,
}

impl Line {
    /// The line that counts a request.
    pub fn of(issue: &Issue) -> Self {
        Self {
            slot_at: issue.at - issue.at.rem_euclid(SLOT_MS),
            app_id: issue.app_id.clone(),
            system_id: issue.system_id.clone(),
            node: issue.node.clone().unwrap_or_default(),
            outcome: issue.outcome.clone(),
        }
    }
}

/// Adds to the tally. Lines come in their order, so that replicas don't wait for each other crosswise.
pub async fn count(conn: &mut Conn, line: &Line, requests: i64) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO ticket_tally (slot_at, app_id, system_id, node, outcome, request_count) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (slot_at, app_id, system_id, node, outcome) \
             DO UPDATE SET request_count = ticket_tally.request_count + excluded.request_count",
        )
        .bind(line.slot_at)
        .bind(&line.app_id)
        .bind(&line.system_id)
        .bind(&line.node)
        .bind(&line.outcome)
        .bind(requests)
        .execute(c)
        .await?;
    });
    Ok(())
}

/// A line of the tally.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Tally {
    pub slot_at: i64,
    pub app_id: String,
    pub system_id: String,
    pub node: String,
    pub outcome: String,
    pub request_count: i64,
}

/// The tally since a moment, oldest first.
pub async fn tally(conn: &mut Conn, since: Timestamp) -> Result<Vec<Tally>, Error> {
    Ok(on!(conn, c => sqlx::query_as(
        "SELECT slot_at, app_id, system_id, node, outcome, request_count FROM ticket_tally WHERE slot_at >= $1 \
         ORDER BY slot_at, app_id, system_id, node, outcome",
    ).bind(since.0).fetch_all(c).await?))
}

/// Which requests to show. Empty fields narrow nothing.
#[derive(Clone, Debug, Default)]
pub struct Wanted<'a> {
    /// Whole, as stored.
    pub reference: &'a str,
    pub app: &'a str,
    pub system: &'a str,
    pub node: &'a str,
    /// An outcome's name, or "not_issued".
    pub outcome: &'a str,
    /// Part of the account.
    pub user: &'a str,
    /// Before this `issue_id`.
    pub before: Option<&'a str>,
}

/// Requests that fit and that the scope covers, newest first, `most` at most.
pub async fn page(
    conn: &mut Conn,
    scope: &VisibleScope,
    wanted: &Wanted<'_>,
    most: u64,
) -> Result<Vec<Issue>, Error> {
    let mut query = Query::select();
    query
        .columns(COLUMNS.map(|name| (Alias::new("ticket_issue"), Alias::new(name))))
        .from(Alias::new("ticket_issue"))
        .cond_where(scope.condition(Rows::Tickets))
        .order_by((Alias::new("ticket_issue"), Alias::new("issue_id")), Order::Desc)
        .limit(most);
    let pairs = [
        ("reference", wanted.reference),
        ("app_id", wanted.app),
        ("system_id", wanted.system),
        ("node", wanted.node),
    ];
    for (name, value) in pairs {
        if !value.is_empty() {
            query.and_where(column(name).eq(value));
        }
    }
    match wanted.outcome {
        "" => {}
        "not_issued" => {
            query.and_where(column("outcome").ne(TicketOutcome::Issued.name()));
        }
        outcome => {
            query.and_where(column("outcome").eq(outcome));
        }
    }
    if !wanted.user.is_empty() {
        // As it is: in LIKE the wildcards of a name would count.
        let user = wanted.user.to_lowercase();
        let place = |name: &'static str| -> Expr {
            if conn.is_postgres() {
                Func::cust("strpos")
                    .arg(Func::lower(column(name)))
                    .arg(user.clone())
                    .into()
            } else {
                Func::cust("instr")
                    .arg(Func::lower(column(name)))
                    .arg(user.clone())
                    .into()
            }
        };
        query.cond_where(
            Cond::any()
                .add(place("account").gt(0))
                .add(place("account_sort").gt(0)),
        );
    }
    if let Some(before) = wanted.before {
        query.and_where(column("issue_id").lt(before));
    }
    conn.fetch_all(&query).await
}

/// Tickets an app was given for an account at a site since a moment, newest first: when, and of which of its sessions.
pub async fn issued_to(
    conn: &mut Conn,
    app: &str,
    system: &SystemId,
    place: &str,
    account_sort: &str,
    since: Timestamp,
) -> Result<Vec<(Timestamp, Option<String>)>, Error> {
    let found: Vec<(i64, Option<String>)> = on!(conn, c => sqlx::query_as(
        "SELECT at, sid_hash FROM ticket_issue WHERE system_id = $1 AND account_sort = $2 AND at >= $3 \
         AND app_id = $4 AND place = $5 AND outcome = 'issued' AND way <> 'test' ORDER BY at DESC LIMIT 1000",
    )
    .bind(system.as_str())
    .bind(account_sort)
    .bind(since.0)
    .bind(app)
    .bind(place)
    .fetch_all(c)
    .await?);
    Ok(found.into_iter().map(|(at, sid)| (Timestamp(at), sid)).collect())
}

/// The name of a site as the inventory knows it; `None` = it never met a session there.
pub async fn site_name(conn: &mut Conn, system: &SystemId, place: &str) -> Result<Option<String>, Error> {
    Ok(on!(conn, c => sqlx::query_scalar(
        "SELECT site FROM session WHERE system_id = $1 AND place = $2 LIMIT 1",
    ).bind(system.as_str()).bind(place).fetch_optional(c).await?))
}

/// Deletes requests and their numbers from before a moment.
pub async fn forget(conn: &mut Conn, before: Timestamp) -> Result<(), Error> {
    on!(conn, c => {
        sqlx::query("DELETE FROM ticket_issue WHERE at < $1").bind(before.0).execute(&mut *c).await?;
        sqlx::query("DELETE FROM ticket_tally WHERE slot_at < $1").bind(before.0).execute(c).await?;
    });
    Ok(())
}
