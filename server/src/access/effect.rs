//! What a scope means in numbers, before it is given.

use app::access::wire::{Permission, ScopeEffect};
use app::wire::{Count, Timestamp};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Func, Query};

use super::Access;
use crate::caller::scope::{self, Rows, no_guests};
use crate::db::Conn;
use crate::domain::grant::{Grant, VisibleScope};
use crate::error::Error;

/// Sessions are counted up to here.
const COUNT_UP_TO: u64 = 10_000;

impl Access {
    /// What somebody with these grants sees and could end now.
    pub(super) async fn effect(
        &self,
        conn: &mut Conn,
        grants: &[Grant],
        now: Timestamp,
    ) -> Result<ScopeEffect, Error> {
        let of = |permission| VisibleScope::of(grants, permission, now);
        let (see, end, force) = (
            of(Permission::SeeSessions),
            of(Permission::EditUserSessions),
            of(Permission::ForceEnd),
        );
        let seen = live().add(see.condition(Rows::Sessions));
        let sees = count(conn, seen.clone()).await?;
        let people = match sees {
            Count::Exactly(_) => people(conn, seen.clone()).await?,
            Count::MoreThan(_) => 0,
        };
        let mut ends = seen
            .add(end.condition(Rows::Sessions))
            .add(column("endable").eq("yes"));
        let protected = self.protected(conn, now).await?;
        if !force.everywhere && !protected.is_empty() {
            let reach = Cond::any()
                .add(protected.condition(Rows::Sessions).not())
                .add(force.condition(Rows::Sessions));
            ends = ends.add(reach);
        }
        let may_end = count(conn, ends).await?;
        Ok(ScopeEffect {
            sees,
            people,
            may_end,
        })
    }
}

fn column(name: &'static str) -> Expr {
    Expr::col((Alias::new("session"), Alias::new(name)))
}

fn live() -> Condition {
    Cond::all().add(scope::live()).add(no_guests())
}

async fn count(conn: &mut Conn, rows: Condition) -> Result<Count, Error> {
    let some = Query::select()
        .expr_as(Expr::val(1), Alias::new("one"))
        .from(Alias::new("session"))
        .cond_where(rows)
        .limit(COUNT_UP_TO + 1)
        .take();
    let query = Query::select()
        .expr(Expr::cust("COUNT(*)"))
        .from_subquery(some, Alias::new("some"))
        .take();
    let found: Vec<(i64,)> = conn.fetch_all(&query).await?;
    let n = found.first().map_or(0, |row| row.0.unsigned_abs());
    Ok(if n > COUNT_UP_TO {
        Count::MoreThan(COUNT_UP_TO)
    } else {
        Count::Exactly(n)
    })
}

async fn people(conn: &mut Conn, rows: Condition) -> Result<u64, Error> {
    let query = Query::select()
        .expr(Func::count_distinct(column("account_sort")))
        .from(Alias::new("session"))
        .cond_where(rows)
        .take();
    let found: Vec<(i64,)> = conn.fetch_all(&query).await?;
    Ok(found.first().map_or(0, |row| row.0.unsigned_abs()))
}
