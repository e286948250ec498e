//! What is ticked, kept on the server: pages, sorts and reloads do not lose it, and no form carries more than a page.
//!
//! A selection belongs to one operator and lasts a day. It never reaches further than its owner may see at the moment
//! it is used. Mode `some` names rows; mode `all` means everything its query matches when it is used, and becomes rows
//! as soon as one of them is unticked.

use app::error::AppError;
use app::paths::parse_query;
use app::sessions::query::SessionQuery;
use app::sessions::wire::{SelectionEdit, SelectionSummary};
use app::wire::{Count, SelectionId, SessionKey, SystemId, Timestamp};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Func, OnConflict, Query, SelectStatement};

use super::filter::{View, column};
use super::list::{COUNT_UP_TO, Reach, count, count_up_to};
use super::moment;
use crate::caller::Caller;
use crate::caller::scope::no_guests;
use crate::db::Conn;
use crate::error::Error;
use crate::keys;
use crate::on;

/// A selection lasts so long after its last change, seconds: a day.
const LASTS_S: i64 = 24 * 60 * 60;
/// Most rows a selection of everything is turned into when one of them is unticked.
const MOST_ROWS: u64 = 50_000;
/// Keys in one statement.
const CHUNK: usize = 5_000;

/// The rows a selection means.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Rows of the table `session`, within what the caller may see now; of any state when single rows were ticked.
    pub condition: Condition,
    /// Everything that matches, rather than ticked rows.
    pub all: bool,
    /// Canonical query string of the list it was made on.
    pub query: String,
}

/// The rows that a selection means now, for a page, a count or an `INSERT … SELECT` from `session`.
///
/// `NotFound` when it is somebody else's or over.
pub async fn selected(
    conn: &mut Conn,
    caller: &Caller,
    selection_id: &SelectionId,
    now: Timestamp,
) -> Result<Selected, Error> {
    let found: Option<(String, String)> = on!(conn, c => sqlx::query_as(
        "SELECT mode, query FROM selection WHERE selection_id = $1 AND operator_id = $2 AND expires_at > $3",
    )
    .bind(&selection_id.0)
    .bind(&caller.id.0)
    .bind(now.0)
    .fetch_optional(c)
    .await?);
    let (mode, query) = found.ok_or_else(|| AppError::not_found("selection"))?;
    let view = View::of(caller, now);
    let all = mode == "all";
    let condition = if all {
        matching(conn, &view, &query).await?
    } else {
        Cond::all()
            .add(view.condition())
            .add(column("session_key").in_subquery(ticked_keys(selection_id)))
    };
    Ok(Selected {
        condition,
        all,
        query,
    })
}

fn ticked_keys(selection_id: &SelectionId) -> SelectStatement {
    Query::select()
        .column((Alias::new("selection_item"), Alias::new("session_key")))
        .from(Alias::new("selection_item"))
        .and_where(
            Expr::col((Alias::new("selection_item"), Alias::new("selection_id"))).eq(selection_id.0.clone()),
        )
        .take()
}

/// The rows of a canonical query string. One that is not understood matches nothing: it is refused.
async fn matching(conn: &mut Conn, view: &View, query: &str) -> Result<Condition, Error> {
    let (query, problems) = SessionQuery::from_pairs(&parse_query(query), 0);
    moment::refuse(&query)?;
    if !problems.is_empty() {
        return Err(AppError::Invalid { problems }.into());
    }
    Ok(view.ask(conn, &query).await?.condition())
}

/// Applies what a row form sent; the id of the selection, new if there was none.
pub async fn edit(
    conn: &mut Conn,
    caller: &Caller,
    edit: &SelectionEdit,
    now: Timestamp,
) -> Result<SelectionId, Error> {
    let view = View::of(caller, now);
    if edit.all_matching {
        matching(conn, &view, &edit.query).await?;
    }
    let id = match &edit.selection_id {
        Some(id) => {
            let before = selected(conn, caller, id, now).await?;
            if before.all && !edit.all_matching {
                if !unticks(conn, edit, &before).await? {
                    keep(conn, id, true, &before.query, now).await?;
                    return Ok(id.clone());
                }
                to_rows(conn, id, &before).await?;
            }
            id.clone()
        }
        None => create(conn, caller, now).await?,
    };
    keep(conn, &id, edit.all_matching, &edit.query, now).await?;
    if edit.all_matching {
        drop_items(conn, &id, None).await?;
        return Ok(id);
    }
    let unticked: Vec<&SessionKey> = edit.shown.iter().filter(|k| !edit.ticked.contains(k)).collect();
    for chunk in unticked.chunks(CHUNK) {
        drop_items(conn, &id, Some(chunk)).await?;
    }
    for chunk in edit.ticked.chunks(CHUNK) {
        let these = column("session_key").is_in(chunk.iter().map(|k| k.0.clone()));
        add_items(conn, &id, Cond::all().add(view.condition()).add(these)).await?;
    }
    Ok(id)
}

/// Whether the form changed what a selection of everything shows: a row of it unticked, or one outside ticked.
async fn unticks(conn: &mut Conn, edit: &SelectionEdit, before: &Selected) -> Result<bool, Error> {
    let keys: Vec<SessionKey> = edit.shown.iter().chain(&edit.ticked).cloned().collect();
    let were = among(conn, before, &keys).await?;
    Ok(keys
        .iter()
        .any(|key| were.contains(&key.0) != edit.ticked.contains(key)))
}

/// Which of these keys a selection holds.
pub async fn among(
    conn: &mut Conn,
    selected: &Selected,
    keys: &[SessionKey],
) -> Result<std::collections::BTreeSet<String>, Error> {
    let mut held = std::collections::BTreeSet::new();
    for chunk in keys.chunks(CHUNK) {
        let query = Query::select()
            .column((Alias::new("session"), Alias::new("session_key")))
            .from(Alias::new("session"))
            .and_where(column("session_key").is_in(chunk.iter().map(|k| k.0.clone())))
            .cond_where(selected.condition.clone())
            .take();
        let rows: Vec<(String,)> = conn.fetch_all(&query).await?;
        held.extend(rows.into_iter().map(|(key,)| key));
    }
    Ok(held)
}

/// Turns a selection of everything into rows.
async fn to_rows(conn: &mut Conn, id: &SelectionId, before: &Selected) -> Result<(), Error> {
    let many = count_up_to(conn, before.condition.clone(), Some(MOST_ROWS + 1)).await?;
    if many > MOST_ROWS {
        let message = "More than 50,000 sessions are selected: too many to leave single ones out. Narrow the list by \
                       a filter first.";
        return Err(AppError::Conflict {
            message: message.to_owned(),
        }
        .into());
    }
    add_items(conn, id, before.condition.clone()).await
}

async fn create(conn: &mut Conn, caller: &Caller, now: Timestamp) -> Result<SelectionId, Error> {
    let id = SelectionId(keys::random_id());
    on!(conn, c => {
        // Nobody comes back for those that are over.
        sqlx::query("DELETE FROM selection WHERE expires_at <= $1").bind(now.0).execute(&mut *c).await?;
        sqlx::query(
            "INSERT INTO selection (selection_id, operator_id, mode, query, created_at, expires_at) \
             VALUES ($1, $2, 'some', '', $3, $3)",
        )
        .bind(&id.0)
        .bind(&caller.id.0)
        .bind(now.0)
        .execute(c)
        .await?;
    });
    Ok(id)
}

async fn keep(
    conn: &mut Conn,
    id: &SelectionId,
    all: bool,
    query: &str,
    now: Timestamp,
) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("UPDATE selection SET mode = $1, query = $2, expires_at = $3 WHERE selection_id = $4")
            .bind(if all { "all" } else { "some" })
            .bind(query)
            .bind(now.plus_seconds(LASTS_S).0)
            .bind(&id.0)
            .execute(c)
            .await?; });
    Ok(())
}

async fn add_items(conn: &mut Conn, id: &SelectionId, rows: Condition) -> Result<(), Error> {
    let select = Query::select()
        .expr(Expr::val(id.0.clone()).cast_as(Alias::new("TEXT")))
        .column((Alias::new("session"), Alias::new("session_key")))
        .from(Alias::new("session"))
        .cond_where(rows)
        // SQLite reads ON CONFLICT behind a bare SELECT as a join: it needs a WHERE that is always there.
        .and_where(Expr::val(1).eq(1))
        .take();
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new("selection_item"))
        .columns([Alias::new("selection_id"), Alias::new("session_key")])
        .select_from(select)
        .map_err(|cause| Error::Other(cause.into()))?
        .on_conflict(
            OnConflict::columns([Alias::new("selection_id"), Alias::new("session_key")])
                .do_nothing()
                .to_owned(),
        );
    conn.execute(&insert).await?;
    Ok(())
}

/// Removes these rows, or all of them.
async fn drop_items(conn: &mut Conn, id: &SelectionId, keys: Option<&[&SessionKey]>) -> Result<(), Error> {
    let mut delete = Query::delete();
    delete
        .from_table(Alias::new("selection_item"))
        .and_where(Expr::col(Alias::new("selection_id")).eq(id.0.clone()));
    if let Some(keys) = keys {
        delete.and_where(Expr::col(Alias::new("session_key")).is_in(keys.iter().map(|k| k.0.clone())));
    }
    conn.execute(&delete).await?;
    Ok(())
}

/// Drops a selection; whether there was one of this operator.
pub async fn clear(conn: &mut Conn, caller: &Caller, id: &SelectionId) -> Result<bool, Error> {
    let gone = on!(conn, c => sqlx::query("DELETE FROM selection WHERE selection_id = $1 AND operator_id = $2")
        .bind(&id.0)
        .bind(&caller.id.0)
        .execute(c)
        .await?
        .rows_affected());
    Ok(gone > 0)
}

/// What is in a selection. `shown` = the list it stands beside; `doubtful` = systems whose rows may be out of date.
pub async fn summary(
    conn: &mut Conn,
    id: &SelectionId,
    selected: &Selected,
    shown: Option<&Condition>,
    doubtful: &[SystemId],
) -> Result<SelectionSummary, Error> {
    let sessions = count(conn, selected.condition.clone(), Reach::default()).await?;
    let (people, systems) = people_and_systems(conn, selected, sessions).await?;
    let mut stale = 0;
    if !doubtful.is_empty() {
        let theirs = column("system_id").is_in(doubtful.iter().map(|s| s.0.clone()));
        let both = Cond::all().add(selected.condition.clone()).add(theirs);
        stale = count_up_to(conn, both, None).await?;
    }
    let hidden_by_filter = match shown {
        None => 0,
        Some(shown) => {
            let shown = Func::coalesce([Expr::from(shown.clone()), Expr::val(false)]);
            let not_shown = Expr::from(shown).not();
            let both = Cond::all().add(selected.condition.clone()).add(not_shown);
            count_up_to(conn, both, None).await?
        }
    };
    Ok(SelectionSummary {
        selection_id: id.clone(),
        all: selected.all,
        sessions,
        people,
        systems,
        stale,
        hidden_by_filter,
    })
}

/// Accounts (guests have none) and systems of a selection; accounts among the first 10,000 sessions when there are more.
async fn people_and_systems(
    conn: &mut Conn,
    selected: &Selected,
    sessions: Count,
) -> Result<(Count, u64), Error> {
    let first = Query::select()
        .columns(
            ["system_id", "account_id", "account_name"].map(|name| (Alias::new("session"), Alias::new(name))),
        )
        .expr_as(Expr::case(no_guests(), 1).finally(0), Alias::new("somebody"))
        .from(Alias::new("session"))
        .cond_where(selected.condition.clone())
        .limit(COUNT_UP_TO)
        .take();
    let people = Query::select()
        .distinct()
        .columns(["system_id", "account_id", "account_name", "somebody"].map(Alias::new))
        .from_subquery(first, Alias::new("first"))
        .take();
    let query = Query::select()
        .column(Alias::new("system_id"))
        .expr(Expr::cust("COUNT(CASE WHEN somebody = 1 THEN 1 END)"))
        .from_subquery(people, Alias::new("people"))
        .group_by_col(Alias::new("system_id"))
        .take();
    let rows: Vec<(String, i64)> = conn.fetch_all(&query).await?;
    let people: u64 = rows.iter().map(|(_, n)| n.unsigned_abs()).sum();
    match sessions {
        Count::Exactly(_) => Ok((Count::Exactly(people), rows.len() as u64)),
        Count::MoreThan(_) => {
            let systems = Query::select()
                .distinct()
                .column((Alias::new("session"), Alias::new("system_id")))
                .from(Alias::new("session"))
                .cond_where(selected.condition.clone())
                .take();
            let systems: Vec<(String,)> = conn.fetch_all(&systems).await?;
            Ok((Count::MoreThan(people), systems.len() as u64))
        }
    }
}
