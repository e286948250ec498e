//! Settled items by day.

use app::wire::Timestamp;
use sea_query::{Alias, Expr, ExprTrait, Query};

use crate::db::Conn;
use crate::error::Error;

/// Day (whole days since 1970, UTC), outcome and number of items of these systems settled since `from`.
pub async fn outcomes(
    conn: &mut Conn,
    systems: &[String],
    from: Timestamp,
) -> Result<Vec<(i64, String, i64)>, Error> {
    let column = |name: &'static str| Expr::col(Alias::new(name));
    let days = Query::select()
        .expr_as(Expr::cust("settled_at / 86400000"), Alias::new("day"))
        .column(Alias::new("outcome"))
        .from(Alias::new("ending_item"))
        .and_where(column("settled_at").gte(from.0))
        .and_where(column("outcome").is_not_null())
        .and_where(column("system_id").is_in(systems.iter().cloned()))
        .take();
    let query = Query::select()
        .columns([Alias::new("day"), Alias::new("outcome")])
        .expr_as(Expr::cust("COUNT(*)"), Alias::new("n"))
        .from_subquery(days, Alias::new("settled"))
        .group_by_columns([Alias::new("day"), Alias::new("outcome")])
        .take();
    conn.fetch_all(&query).await
}
