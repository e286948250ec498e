//! What goes into a containment report. Every statement takes the condition of who makes it: what that does not cover is
//! not there.

use app::endings::wire::Outcome;
use app::wire::{EndingId, SubjectId};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Func, Order, Query, SelectStatement};

use super::show::{ITEM, ItemRow};
use super::{ENDING, EndingRow};
use crate::db::Conn;
use crate::error::Error;

fn item(name: &'static str) -> Expr {
    Expr::col((Alias::new("ending_item"), Alias::new(name)))
}

fn ending(name: &'static str) -> Expr {
    Expr::col((Alias::new("ending"), Alias::new(name)))
}

/// Items that were to be ended, of what `seen` covers; with a person, of sessions that are known to be theirs. Of
/// sessions that are kept no more nothing is known.
pub fn of(seen: Condition, subject: Option<&SubjectId>) -> Condition {
    let items = Cond::all().add(item("left_out").is_null()).add(seen);
    let Some(subject) = subject else {
        return items;
    };
    let own = Query::select()
        .column((Alias::new("session"), Alias::new("session_key")))
        .from(Alias::new("session"))
        .and_where(Expr::col((Alias::new("session"), Alias::new("subject_id"))).eq(subject.as_str()))
        .take();
    items.add(item("session_key").in_subquery(own))
}

fn touching(items: &Condition) -> SelectStatement {
    let touched = Query::select()
        .column((Alias::new("ending_item"), Alias::new("ending_id")))
        .from(Alias::new("ending_item"))
        .cond_where(items.clone())
        .take();
    Query::select()
        .from(Alias::new("ending"))
        .and_where(ending("ending_no").is_not_null())
        .and_where(ending("ending_id").in_subquery(touched))
        .take()
}

/// Confirmed endings with such items, the newest first.
pub async fn endings(conn: &mut Conn, items: &Condition, most: u64) -> Result<Vec<EndingRow>, Error> {
    let query = touching(items)
        .columns(
            ENDING
                .split(", ")
                .map(|c| (Alias::new("ending"), Alias::new(c.trim()))),
        )
        .order_by((Alias::new("ending"), Alias::new("ending_no")), Order::Desc)
        .limit(most)
        .take();
    conn.fetch_all(&query).await
}

/// How many confirmed endings have such items.
pub async fn count(conn: &mut Conn, items: &Condition) -> Result<u64, Error> {
    let query = touching(items).expr(Func::count(ending("ending_id"))).take();
    let found: Vec<(i64,)> = conn.fetch_all(&query).await?;
    Ok(found.first().map_or(0, |row| row.0.unsigned_abs()))
}

fn within(ending: &EndingId, items: &Condition) -> SelectStatement {
    Query::select()
        .from(Alias::new("ending_item"))
        .and_where(item("ending_id").eq(ending.0.clone()))
        .cond_where(items.clone())
        .take()
}

/// Items of one system that share how they stand.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Standing {
    pub system_id: String,
    pub state: String,
    pub outcome: Option<String>,
    pub stage: i64,
    pub items: i64,
    pub returned: i64,
    pub residual_until: Option<i64>,
    pub settled_at: Option<i64>,
}

/// Such items of an ending by system and how they stand.
pub async fn standing(conn: &mut Conn, ending: &EndingId, items: &Condition) -> Result<Vec<Standing>, Error> {
    let columns =
        ["system_id", "state", "outcome", "stage"].map(|c| (Alias::new("ending_item"), Alias::new(c)));
    let query = within(ending, items)
        .columns(columns.clone())
        .expr_as(Func::count(item("session_key")), Alias::new("items"))
        .expr_as(Func::count(item("returned_at")), Alias::new("returned"))
        .expr_as(Func::max(item("residual_until")), Alias::new("residual_until"))
        .expr_as(Func::max(item("settled_at")), Alias::new("settled_at"))
        .group_by_columns(columns)
        .take();
    conn.fetch_all(&query).await
}

/// Such items of an ending: those that are not gone or came back first, then by system and person.
pub async fn items(
    conn: &mut Conn,
    ending: &EndingId,
    items: &Condition,
    most: u64,
) -> Result<Vec<ItemRow>, Error> {
    let gone = Outcome::ALL.into_iter().filter(|o| o.gone()).map(Outcome::name);
    let done = Cond::all()
        .add(item("outcome").is_in(gone))
        .add(item("returned_at").is_null());
    let by = |name: &'static str| (Alias::new("ending_item"), Alias::new(name));
    let query = within(ending, items)
        .columns(ITEM.map(by))
        .order_by_expr(Expr::case(done, 1).finally(0).into(), Order::Asc)
        .order_by(by("system_id"), Order::Asc)
        .order_by(by("person_sort"), Order::Asc)
        .order_by(by("session_key"), Order::Asc)
        .limit(most)
        .take();
    conn.fetch_all(&query).await
}
