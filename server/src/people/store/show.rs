//! SQL of what pages show of people. Every statement takes the caller's condition: what it does not cover is not there.

use app::people::wire::Ground;
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Func, Order, Query};

use super::{column, table};
use crate::caller::scope::{live, no_guests};
use crate::db::Conn;
use crate::error::Error;

/// A person's place in the list: by name, then by id.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Place {
    pub subject_id: String,
    pub name_sort: String,
}

/// An account as pages show it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Shown {
    pub account_key: String,
    pub subject_id: String,
    pub system_id: String,
    pub place: String,
    pub site: String,
    pub principal: String,
    pub account_name: String,
    pub account_sort: String,
    pub bare_sort: String,
    pub display_name: String,
    pub person_sort: String,
    pub email: String,
    pub ground: String,
    pub ground_with: Option<String>,
    pub ground_words: String,
    pub linked_by: String,
    pub linked_at: Option<i64>,
    pub met_at: i64,
}

const SHOWN: [&str; 18] = [
    "account_key",
    "subject_id",
    "system_id",
    "place",
    "site",
    "principal",
    "account_name",
    "account_sort",
    "bare_sort",
    "display_name",
    "person_sort",
    "email",
    "ground",
    "ground_with",
    "ground_words",
    "linked_by",
    "linked_at",
    "met_at",
];

impl Shown {
    /// How it is known.
    pub fn ground(&self) -> Ground {
        Ground::from_name(&self.ground).unwrap_or_default()
    }

    /// User name; the system's own id where it has none.
    pub fn name(&self) -> &str {
        match self.account_name.is_empty() {
            true => &self.principal,
            false => &self.account_name,
        }
    }

    /// Name as shown.
    pub fn person(&self) -> &str {
        match self.display_name.is_empty() {
            true => self.name(),
            false => &self.display_name,
        }
    }
}

/// Live sessions of a person.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Live {
    pub subject_id: String,
    pub sessions: i64,
    pub systems: i64,
    pub last_active_at: Option<i64>,
}

/// A session of the last day.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StayLine {
    pub system_id: String,
    pub kind: String,
    pub site: String,
    pub state: String,
    pub created_at: Option<i64>,
    pub gone_at: Option<i64>,
}

/// An ending and what it did to a person.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct TouchedLine {
    pub ending_no: i64,
    pub caller_name: String,
    pub reason: Option<String>,
    pub confirmed_at: Option<i64>,
    pub sessions: i64,
    pub gone: i64,
    pub returned: i64,
}

fn session(name: &'static str) -> Expr {
    Expr::col((Alias::new("session"), Alias::new(name)))
}

/// The words of a search, each in some visible account of a person.
fn searched(seen: &Condition, words: &[String], is_postgres: bool) -> Condition {
    let within = if is_postgres { "strpos" } else { "instr" };
    words.iter().fold(Cond::all(), |all, word| {
        let holds = |name: &'static str| Func::cust(within).arg(column(name)).arg(word.as_str()).gt(0);
        let found = Query::select()
            .column((table(), Alias::new("subject_id")))
            .from(table())
            .cond_where(seen.clone())
            .cond_where(Cond::any().add(holds("person_sort")).add(holds("account_sort")))
            .take();
        all.add(column("subject_id").in_subquery(found))
    })
}

/// Whose list it is and what of it is wanted.
pub struct Listed {
    /// Accounts the caller may see.
    pub seen: Condition,
    /// Sessions the caller may see.
    pub sessions: Condition,
    /// Words to be found, lower-cased.
    pub words: Vec<String>,
    /// Only who has a live session.
    pub live: bool,
    /// Behind this person.
    pub after: Option<Place>,
    /// How many.
    pub most: u64,
}

/// A page of people by the first name that the caller sees of each.
pub async fn people(conn: &mut Conn, listed: &Listed) -> Result<Vec<Place>, Error> {
    let words = searched(&listed.seen, &listed.words, conn.is_postgres());
    let first = || Func::min(column("person_sort"));
    let mut select = Query::select();
    select
        .column((table(), Alias::new("subject_id")))
        .expr_as(first(), Alias::new("name_sort"))
        .from(table())
        .cond_where(listed.seen.clone())
        .cond_where(words)
        .group_by_col((table(), Alias::new("subject_id")))
        .order_by_expr(first().into(), Order::Asc)
        .order_by((table(), Alias::new("subject_id")), Order::Asc)
        .limit(listed.most);
    if listed.live {
        let signed_in = Query::select()
            .column((Alias::new("session"), Alias::new("subject_id")))
            .from(Alias::new("session"))
            .and_where(session("subject_id").is_not_null())
            .cond_where(
                Cond::all()
                    .add(live())
                    .add(no_guests())
                    .add(listed.sessions.clone()),
            )
            .take();
        select.and_where(column("subject_id").in_subquery(signed_in));
    }
    if let Some(after) = &listed.after {
        let behind = Cond::any()
            .add(Expr::expr(first()).gt(after.name_sort.clone()))
            .add(
                Cond::all()
                    .add(Expr::expr(first()).eq(after.name_sort.clone()))
                    .add(column("subject_id").gt(after.subject_id.clone())),
            );
        select.cond_having(behind);
    }
    conn.fetch_all(&select).await
}

/// The accounts of these people that the caller may see, by system and name.
pub async fn accounts(conn: &mut Conn, seen: Condition, subjects: &[String]) -> Result<Vec<Shown>, Error> {
    let own = column("subject_id").is_in(subjects.iter().cloned());
    shown(conn, Cond::all().add(seen).add(own), None).await
}

/// Accounts the caller may see that share a bare name, or a mail address of `mails`, with somebody.
pub async fn alike(
    conn: &mut Conn,
    seen: Condition,
    bare: &[String],
    mails: &[String],
    most: u64,
) -> Result<Vec<Shown>, Error> {
    let mut any = Cond::any();
    if !bare.is_empty() {
        any = any.add(column("bare_sort").is_in(bare.iter().cloned()));
    }
    if !mails.is_empty() {
        let same = column("email").is_in(mails.iter().cloned());
        any = any.add(
            Cond::all()
                .add(same)
                .add(Expr::cust("subject_account.email <> ''")),
        );
    }
    if any.is_empty() {
        return Ok(Vec::new());
    }
    shown(conn, Cond::all().add(seen).add(any), Some(most)).await
}

async fn shown(conn: &mut Conn, which: Condition, most: Option<u64>) -> Result<Vec<Shown>, Error> {
    let mut select = Query::select();
    select
        .columns(SHOWN.map(|name| (table(), Alias::new(name))))
        .from(table())
        .cond_where(which)
        .order_by((table(), Alias::new("system_id")), Order::Asc)
        .order_by((table(), Alias::new("account_sort")), Order::Asc)
        .order_by((table(), Alias::new("account_key")), Order::Asc);
    if let Some(most) = most {
        select.limit(most);
    }
    conn.fetch_all(&select).await
}

/// Live sessions of these people that the caller may see; who has none is not among them.
pub async fn live_of(conn: &mut Conn, seen: Condition, subjects: &[String]) -> Result<Vec<Live>, Error> {
    let select = Query::select()
        .column((Alias::new("session"), Alias::new("subject_id")))
        .expr_as(Func::count(session("session_key")), Alias::new("sessions"))
        .expr_as(Func::count_distinct(session("system_id")), Alias::new("systems"))
        .expr_as(Func::max(session("last_active_at")), Alias::new("last_active_at"))
        .from(Alias::new("session"))
        .and_where(session("subject_id").is_in(subjects.iter().cloned()))
        .cond_where(Cond::all().add(live()).add(no_guests()).add(seen))
        .group_by_col((Alias::new("session"), Alias::new("subject_id")))
        .take();
    conn.fetch_all(&select).await
}

/// Live sessions of a person that the caller may see, by system.
pub async fn live_by_system(
    conn: &mut Conn,
    seen: Condition,
    subject: &str,
) -> Result<Vec<(String, i64)>, Error> {
    let system = (Alias::new("session"), Alias::new("system_id"));
    let select = Query::select()
        .column(system.clone())
        .expr(Func::count(session("session_key")))
        .from(Alias::new("session"))
        .and_where(session("subject_id").eq(subject))
        .cond_where(Cond::all().add(live()).add(no_guests()).add(seen))
        .group_by_col(system.clone())
        .order_by(system, Order::Asc)
        .take();
    conn.fetch_all(&select).await
}

/// Sessions of a person that live or went after `since`, the newest first.
pub async fn stays(
    conn: &mut Conn,
    seen: Condition,
    subject: &str,
    since: i64,
    most: u64,
) -> Result<Vec<StayLine>, Error> {
    let lately = Cond::any().add(live()).add(session("gone_at").gte(since));
    let columns = ["system_id", "kind", "site", "state", "created_at", "gone_at"];
    let select = Query::select()
        .columns(columns.map(|name| (Alias::new("session"), Alias::new(name))))
        .from(Alias::new("session"))
        .and_where(session("subject_id").eq(subject))
        .cond_where(lately)
        .cond_where(Cond::all().add(no_guests()).add(seen))
        .order_by((Alias::new("session"), Alias::new("created_sort")), Order::Desc)
        .order_by((Alias::new("session"), Alias::new("session_key")), Order::Asc)
        .limit(most)
        .take();
    conn.fetch_all(&select).await
}

/// Endings with items of a person's sessions that the caller may see, the newest first. Of sessions that are kept no more
/// nothing is known.
pub async fn touched(
    conn: &mut Conn,
    seen: Condition,
    subject: &str,
    most: u64,
) -> Result<Vec<TouchedLine>, Error> {
    let item = |name: &'static str| Expr::col((Alias::new("ending_item"), Alias::new(name)));
    let ending = |name: &'static str| (Alias::new("ending"), Alias::new(name));
    let own = Query::select()
        .column((Alias::new("session"), Alias::new("session_key")))
        .from(Alias::new("session"))
        .and_where(session("subject_id").eq(subject))
        .take();
    let count = |which: Expr| Func::cast_as(Func::sum(Expr::case(which, 1).finally(0)), Alias::new("BIGINT"));
    let mut select = Query::select();
    select
        .column(ending("ending_no"))
        .column(ending("caller_name"))
        .column(ending("reason"))
        .column(ending("confirmed_at"))
        .expr_as(Func::count(item("session_key")), Alias::new("sessions"))
        .expr_as(
            count(item("outcome").is_in(["ended", "already_gone", "rotated"])),
            Alias::new("gone"),
        )
        .expr_as(count(item("returned_at").is_not_null()), Alias::new("returned"))
        .from(Alias::new("ending_item"))
        .inner_join(
            Alias::new("ending"),
            Expr::col(ending("ending_id")).eq(item("ending_id")),
        )
        .and_where(item("session_key").in_subquery(own))
        .and_where(item("left_out").is_null())
        .and_where(Expr::col(ending("ending_no")).is_not_null())
        .cond_where(seen)
        .group_by_columns([
            ending("ending_no"),
            ending("caller_name"),
            ending("reason"),
            ending("confirmed_at"),
        ])
        .order_by(ending("ending_no"), Order::Desc)
        .limit(most);
    conn.fetch_all(&select).await
}
