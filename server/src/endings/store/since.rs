//! Sessions that began where one of an ending had gone by itself: somebody signed in, or signed in anew.

use app::endings::wire::Outcome;
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Func, JoinType, Order, Query};

use super::EndingRow;
use super::show::Reader;
use crate::caller::scope::{self, Rows, no_guests};
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::endings::watch::CLOCKS_DIFFER_MS;
use crate::error::Error;

/// A session that may be what a gone one went on as.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct SinceRow {
    pub session_key: String,
    pub system_id: String,
    pub place: String,
    pub account_name: String,
    pub display_name: String,
    pub ip: Option<String>,
    pub created_at: i64,
    /// 1 = its address may be shown to the reader.
    pub shows_network: i64,
}

/// How a session is taken for what a gone one went on as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The same account, and no other address.
    Account,
    /// A guest had gone, and somebody is signed in from the guest's address.
    GuestsAddress,
}

fn of(table: &'static str, name: &'static str) -> Expr {
    Expr::col((Alias::new(table), Alias::new(name)))
}

/// Live sessions the reader may see that nobody knew when the set was frozen, and that began where one of it had gone by
/// itself; the newest first, at most `limit`.
///
/// Addresses are compared only where `network` lets the reader see them.
pub async fn signed_in_since(
    conn: &mut Conn,
    reader: &Reader,
    network: &VisibleScope,
    row: &EndingRow,
    likeness: Likeness,
    limit: u64,
) -> Result<Vec<SinceRow>, Error> {
    let (item, session, was) = (
        |name| of("ending_item", name),
        |name| of("session", name),
        |name| of("was", name),
    );
    let same_place = Cond::all()
        .add(session("system_id").eq(item("system_id")))
        .add(session("place").eq(item("place")));
    let alike = match likeness {
        Likeness::Account => same_place
            .add(session("account_id").eq(item("account_id")))
            .add(session("account_name").eq(item("account_name")))
            .add(item("account_id").ne("")),
        Likeness::GuestsAddress => same_place
            .add(session("ip_sort").eq(was("ip_sort")))
            .add(was("ip").is_not_null())
            .add(item("kind").eq("guest"))
            .add(no_guests())
            .add(network.condition(Rows::Sessions)),
    };
    let no_other_address = Cond::any()
        .add(session("ip").is_null())
        .add(was("ip").is_null())
        .add(session("ip").eq(was("ip")));
    let last_seen = Func::coalesce([was("last_active_at"), was("created_at"), Expr::val(0)]);
    let in_the_set = Query::select()
        .expr(Expr::val(1))
        .from_as(Alias::new("ending_item"), Alias::new("other"))
        .and_where(of("other", "ending_id").eq(item("ending_id")))
        .and_where(of("other", "session_key").eq(session("session_key")))
        .to_owned();
    let query = Query::select()
        .distinct()
        .columns(
            [
                "session_key",
                "system_id",
                "place",
                "account_name",
                "display_name",
                "ip",
                "created_at",
            ]
            .map(|name| (Alias::new("session"), Alias::new(name))),
        )
        .expr_as(
            Expr::case(network.condition(Rows::Sessions), 1_i64).finally(0_i64),
            Alias::new("shows_network"),
        )
        .from(Alias::new("ending_item"))
        .join_as(
            JoinType::InnerJoin,
            Alias::new("session"),
            Alias::new("was"),
            was("session_key").eq(item("session_key")),
        )
        .join(JoinType::InnerJoin, Alias::new("session"), alike)
        .and_where(item("ending_id").eq(row.ending_id.clone()))
        .and_where(item("left_out").is_null())
        .and_where(item("outcome").eq(Outcome::AlreadyGone.name()))
        .and_where(item("returned_at").is_null())
        .and_where(scope::live())
        .and_where(session("first_seen_at").gt(row.created_at))
        .and_where(session("created_at").gte(Expr::expr(last_seen).sub(CLOCKS_DIFFER_MS)))
        .and_where(Expr::exists(in_the_set).not())
        .cond_where(no_other_address)
        .cond_where(reader.items(row))
        .cond_where(reader.scope.condition(Rows::Sessions))
        .order_by((Alias::new("session"), Alias::new("created_at")), Order::Desc)
        .order_by((Alias::new("session"), Alias::new("session_key")), Order::Asc)
        .limit(limit)
        .to_owned();
    conn.fetch_all(&query).await
}

/// Rows of `session` by which people of an ending came back: live ones of theirs that began after they were asked to end,
/// where they had gone, and at the system that let them in. Of items the reader may see.
pub fn came_back(reader: &Reader, row: &EndingRow) -> Condition {
    let (item, session) = (|name| of("ending_item", name), |name| of("session", name));
    let where_it_was = Cond::all()
        .add(session("system_id").eq(item("system_id")))
        .add(session("account_id").eq(item("account_id")))
        .add(session("account_name").eq(item("account_name")));
    let through_whom = Cond::all()
        .add(session("system_id").eq(item("returned_system_id")))
        .add(session("subject_id").eq(item("subject_id")));
    let asked = Func::coalesce([item("asked_at"), item("settled_at")]);
    let began = Cond::any()
        .add(session("created_at").gte(Expr::expr(asked).sub(CLOCKS_DIFFER_MS)))
        .add(
            Cond::all()
                .add(session("created_at").is_null())
                .add(session("first_seen_at").gt(item("settled_at"))),
        );
    let back = Query::select()
        .expr(Expr::val(1))
        .from(Alias::new("ending_item"))
        .and_where(item("ending_id").eq(row.ending_id.clone()))
        .and_where(item("returned_at").is_not_null())
        .cond_where(Cond::any().add(where_it_was).add(through_whom))
        .cond_where(began)
        .cond_where(reader.items(row))
        .to_owned();
    Cond::all()
        .add(scope::live())
        .add(session("first_seen_at").gt(row.created_at))
        .add(Expr::exists(back))
}
