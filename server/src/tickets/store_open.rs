//! SQL of tickets and endings: what lets people in who were ended, or still may.

use app::endings::wire::OpenTickets;
use app::wire::{EndingId, SessionKey, Timestamp};
use sea_query::{Alias, Expr, ExprTrait, Query, SelectStatement};

use crate::caller::scope::Rows;
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::endings::aftermath::LetIn;
use crate::error::Error;
use crate::on;

/// How long what the broker gave may be used, ms: a ticket, or a connected app’s token, which lives longer.
const LIFE: &str = "CASE t.grant_kind WHEN 'jwt' THEN 300000 ELSE 180000 END";
/// Items that were found gone.
const GONE: &str = "i.left_out IS NULL AND i.outcome IN ('ended', 'already_gone', 'rotated')";

/// Gone items of an ending whose person was given something for that site since, or so shortly before that it could
/// still be used: each with the newest request.
pub async fn let_in(conn: &mut Conn, ending: &EndingId) -> Result<Vec<LetIn>, Error> {
    let sql = format!(
        "SELECT i.session_key, t.reference, t.at, t.at + {LIFE}, COALESCE(i.asked_at, i.settled_at) \
         FROM ending_item i JOIN ticket_issue t \
         ON t.system_id = i.system_id AND t.account_sort = i.account_sort AND t.place = i.place \
         AND t.outcome = 'issued' AND t.way <> 'test' AND t.at > COALESCE(i.asked_at, i.settled_at) - {LIFE} \
         WHERE i.ending_id = $1 AND {GONE} AND i.returned_at IS NULL AND i.account_sort <> '' \
         ORDER BY i.session_key, t.at DESC"
    );
    let found: Vec<(String, String, i64, i64, i64)> = on!(conn, c => sqlx::query_as(sqlx::AssertSqlSafe(sql))
        .bind(ending.as_str())
        .fetch_all(c)
        .await?);
    let mut newest: Vec<LetIn> = Vec::new();
    for (key, reference, at, until, asked) in found {
        if newest.last().is_none_or(|last| last.key.0 != key) {
            newest.push(LetIn {
                key: SessionKey(key),
                reference,
                before: (at <= asked).then_some(Timestamp(until)),
            });
        }
    }
    Ok(newest)
}

/// What was given to people of an ending before they were ended and may be used still, as far as the scope covers it;
/// `None` = nothing. Whoever was ended everywhere counts without a session there too.
pub async fn still_open(
    conn: &mut Conn,
    ending: &EndingId,
    scope: &VisibleScope,
    now: Timestamp,
) -> Result<Option<OpenTickets>, Error> {
    let life = LIFE.replace("t.", "ticket_issue.");
    let column = |name: &'static str| Expr::col((Alias::new("ticket_issue"), Alias::new(name)));
    let until = Expr::cust(format!("MAX(ticket_issue.at + {life})"));
    let of_an_item = of_the_ending("ending_item", "i", ending)
        .and_where(Expr::cust(format!(
            "{GONE} AND i.system_id = ticket_issue.system_id AND i.account_sort = ticket_issue.account_sort \
         AND i.place = ticket_issue.place AND ticket_issue.at <= COALESCE(i.asked_at, i.settled_at)"
        )))
        .to_owned();
    // As holds find people: a name without a domain means that name in every domain.
    let of_a_hold = of_the_ending("broker_hold", "h", ending)
        .and_where(Expr::cust(
            "h.place = '*' AND h.system_id = ticket_issue.system_id AND ticket_issue.at <= h.since_at \
             AND (h.account_sort = ticket_issue.account_sort OR substr(ticket_issue.account_sort, \
             length(ticket_issue.account_sort) - length(h.account_sort)) = '\\' || h.account_sort)",
        ))
        .to_owned();
    let query = Query::select()
        .expr_as(Expr::cust("COUNT(*)"), Alias::new("requests"))
        .expr_as(until, Alias::new("until"))
        .from(Alias::new("ticket_issue"))
        .cond_where(scope.condition(Rows::Tickets))
        .and_where(column("outcome").eq("issued"))
        .and_where(column("way").ne("test"))
        // Bounds what is looked at: nothing lives longer.
        .and_where(column("at").gt(now.0 - 300_000))
        .and_where(Expr::cust(format!("ticket_issue.at + {life} > {}", now.0)))
        .and_where(Expr::exists(of_an_item).or(Expr::exists(of_a_hold)))
        .to_owned();
    let found: Vec<(i64, Option<i64>)> = conn.fetch_all(&query).await?;
    Ok(found.into_iter().find_map(|(count, until)| {
        Some(OpenTickets {
            count: count.unsigned_abs(),
            until: Timestamp(until?),
        })
    }))
}

/// Rows of a table, called `name`, that are of this ending.
fn of_the_ending(table: &'static str, name: &'static str, ending: &EndingId) -> SelectStatement {
    Query::select()
        .expr(Expr::val(1))
        .from_as(Alias::new(table), Alias::new(name))
        .and_where(Expr::col((Alias::new(name), Alias::new("ending_id"))).eq(ending.as_str()))
        .to_owned()
}
