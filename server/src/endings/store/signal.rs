//! What a signal asks before it ends anything: whether that is done already, or in hand.

use app::wire::{EndingId, SessionKey, SystemId};
use sea_query::{Alias, Expr, ExprTrait, Query};

use crate::caller::signal::Reach;
use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// The number of the ending that a caller asked for under this reference.
pub async fn number_of(conn: &mut Conn, kind: &str, reference: &str) -> Result<Option<i64>, Error> {
    Ok(on!(conn, c => sqlx::query_scalar(
        "SELECT ending_no FROM ending WHERE caller_kind = $1 AND ticket_ref = $2 AND ending_no IS NOT NULL",
    ).bind(kind).bind(reference).fetch_optional(c).await?))
}

/// Which of these sessions an ending has in hand (to be asked, or to be read back), each with its number.
pub async fn in_hand(conn: &mut Conn, keys: &[SessionKey]) -> Result<Vec<(SessionKey, i64)>, Error> {
    let item = |name: &'static str| Expr::col((Alias::new("ending_item"), Alias::new(name)));
    let ending = |name: &'static str| Expr::col((Alias::new("ending"), Alias::new(name)));
    let query = Query::select()
        .expr(item("session_key"))
        .expr(ending("ending_no"))
        .from(Alias::new("ending_item"))
        .inner_join(Alias::new("ending"), item("ending_id").eq(ending("ending_id")))
        .and_where(item("session_key").is_in(keys.iter().map(|key| key.0.clone())))
        .and_where(item("left_out").is_null())
        .and_where(item("state").ne("settled"))
        .and_where(ending("ending_no").is_not_null())
        .and_where(ending("state").is_in(["waiting", "running", "paused"]))
        .to_owned();
    let found: Vec<(String, i64)> = conn.fetch_all(&query).await?;
    Ok(found.into_iter().map(|(key, no)| (SessionKey(key), no)).collect())
}

/// Whose sessions an ending holds: the person, and each account with its system and site.
pub async fn whose(conn: &mut Conn, ending: &EndingId) -> Result<Vec<(Option<String>, Reach)>, Error> {
    let found: Vec<(Option<String>, String, String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT DISTINCT subject_id, system_id, site, account_sort FROM ending_item \
         WHERE ending_id = $1 AND left_out IS NULL ORDER BY system_id, site, account_sort",
    ).bind(ending.as_str()).fetch_all(c).await?);
    Ok(found
        .into_iter()
        .map(|(person, system, site, account)| (person, (SystemId(system), site, account)))
        .collect())
}
