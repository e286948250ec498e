//! A page of the inventory: keyset pages, and the decision how to find their rows.
//!
//! Sorting by an index is quick when most rows match and ruinous when few do: the database walks past everything that
//! does not. So matches are counted first (up to [`COUNT_UP_TO`]); few are gathered by their own index and sorted,
//! many are met by walking the sort's index, but never further than
//! [`Reach::walk_at_most`] rows without a full page.

use app::error::FieldProblem;
use app::sessions::query::{Cursor, PAGE_ROWS, SessionQuery, SortKey};
use app::sessions::wire::SessionState;
use app::wire::{Count, Direction};
use data_encoding::BASE64URL_NOPAD;
use sea_query::{
    Alias, CommonTableExpression, Cond, Condition, Expr, ExprTrait, Func, Order, Query, SelectStatement,
    UnionType,
};
use serde::{Deserialize, Serialize};

use super::filter::{Filter, column, of_state};
use crate::db::Conn;
use crate::error::Error;

/// Matches are counted up to here; more are "10,000+".
pub const COUNT_UP_TO: u64 = 10_000;

/// How far the list looks. Tests make it small, to go every way with few rows.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    /// Rows on a page.
    pub page: u64,
    /// Matches are counted up to here.
    pub count_up_to: u64,
    /// Most rows of a sort's index that are walked for one page before the matches are gathered instead.
    pub walk_at_most: u64,
}

impl Default for Reach {
    fn default() -> Self {
        Reach {
            page: u64::from(PAGE_ROWS),
            count_up_to: COUNT_UP_TO,
            walk_at_most: 20_000,
        }
    }
}

/// A row of the inventory as the list reads it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    pub session_key: String,
    pub system_id: String,
    pub handle_hint: String,
    pub account_id: String,
    pub account_name: String,
    pub display_name: String,
    pub person_doubt: Option<String>,
    pub remark: Option<String>,
    pub email: Option<String>,
    pub kind: String,
    pub raw_kind: Option<String>,
    pub state: String,
    pub ip: Option<String>,
    pub browser: String,
    pub os: String,
    pub place: String,
    pub site: String,
    pub created_at: Option<i64>,
    pub last_active_at: Option<i64>,
    pub idle_timeout_s: Option<i64>,
    pub idle_ends_at: Option<i64>,
    pub absolute_expires_at: Option<i64>,
    pub absolute_known: i64,
    pub endable: String,
    pub endable_why: Option<String>,
    pub return_hint: Option<String>,
    pub observed_at: Option<i64>,
    pub gone_at: Option<i64>,
    /// The sort's value when it is a text, else empty.
    pub sort_text: String,
    /// The sort's value when it is a number, else 0.
    pub sort_number: i64,
}

/// What a row is made of, but for its sort.
pub const COLUMNS: [&str; 28] = [
    "session_key",
    "system_id",
    "handle_hint",
    "account_id",
    "account_name",
    "display_name",
    "person_doubt",
    "remark",
    "email",
    "kind",
    "raw_kind",
    "state",
    "ip",
    "browser",
    "os",
    "place",
    "site",
    "created_at",
    "last_active_at",
    "idle_timeout_s",
    "idle_ends_at",
    "absolute_expires_at",
    "absolute_known",
    "endable",
    "endable_why",
    "return_hint",
    "observed_at",
    "gone_at",
];

/// Where a page starts: behind this row, in the order of that sort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Sort it belongs to.
    #[serde(rename = "s")]
    sort: SortKey,
    /// Value of the sort.
    #[serde(rename = "v")]
    value: Value,
    /// Key of the row.
    #[serde(rename = "k")]
    key: String,
    /// Position of the row as counted from the first page, from 1; 0 = not known.
    #[serde(rename = "n")]
    position: u64,
}

/// A sort's value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Number(i64),
    Text(String),
}

/// A page as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Rows in order, at most [`Reach::page`].
    pub rows: Vec<Row>,
    /// The cursor that was used: the one asked for, or the other way round where nothing was left.
    pub cursor: Option<Cursor>,
    /// Position of the first row, from 1; 0 = not known.
    pub first_row: u64,
    /// How many match.
    pub matching: Count,
    /// Cursor of the next page.
    pub next: Option<String>,
    /// Cursor of the page before.
    pub previous: Option<String>,
}

/// The column of a sort, and whether it holds text.
pub const fn sort_column(sort: SortKey) -> (&'static str, bool) {
    match sort {
        SortKey::Person => ("person_sort", true),
        SortKey::Kind => ("kind", true),
        SortKey::System => ("system_sort", true),
        SortKey::Session => ("handle_hint", true),
        SortKey::Ip => ("ip_sort", true),
        SortKey::Started => ("created_sort", false),
        SortKey::LastActivity => ("last_active_sort", false),
        SortKey::IdleEnds => ("idle_ends_sort", false),
        SortKey::EndsAtLatest => ("absolute_sort", false),
        SortKey::Client => ("client_sort", true),
    }
}

impl Place {
    fn of(row: &Row, sort: SortKey, position: u64) -> Self {
        Place {
            sort,
            value: match sort_column(sort).1 {
                true => Value::Text(row.sort_text.clone()),
                false => Value::Number(row.sort_number),
            },
            key: row.session_key.clone(),
            position,
        }
    }

    fn write(&self) -> Result<String, Error> {
        Ok(BASE64URL_NOPAD.encode(&serde_json::to_vec(self)?))
    }

    /// Reads a cursor made for `sort`; the problem says that it is not one.
    pub fn read(cursor: &Cursor, sort: SortKey) -> Result<Self, FieldProblem> {
        let place = BASE64URL_NOPAD
            .decode(cursor.text.as_bytes())
            .ok()
            .and_then(|bytes| serde_json::from_slice::<Place>(&bytes).ok())
            .filter(|place| {
                let fits = matches!(place.value, Value::Text(_)) == sort_column(sort).1;
                let storable = match &place.value {
                    Value::Text(text) => !text.contains('\0'),
                    Value::Number(_) => true,
                };
                place.sort == sort && fits && storable && !place.key.contains('\0')
            });
        place.ok_or_else(|| FieldProblem {
            field: if cursor.backwards { "before" } else { "after" }.to_owned(),
            message: "The address names a page that this list does not have. Go to its first page."
                .to_owned(),
        })
    }
}

/// Which way rows are read: the query's direction, turned round for the page before.
#[derive(Clone, Copy)]
struct Way<'p> {
    sort: SortKey,
    ascending: bool,
    from: Option<&'p Place>,
    /// With the row of the place itself.
    with_place: bool,
    reach: Reach,
}

impl Way<'_> {
    fn order(&self) -> Order {
        if self.ascending { Order::Asc } else { Order::Desc }
    }

    /// Rows behind the place, in a table with the columns `name` and `row_no`.
    ///
    /// The address tells the row by its key: its number would tell how many sessions were ever seen. Where the row is no
    /// longer known, all of its value count as behind: one shown twice rather than one left out.
    fn behind(&self, table: &'static str, name: &'static str) -> Condition {
        let Some(place) = self.from else {
            return Cond::all();
        };
        let of = |column: &'static str| Expr::col((Alias::new(table), Alias::new(column)));
        let value: Expr = match &place.value {
            Value::Number(number) => Expr::val(*number),
            Value::Text(text) => Expr::val(text.clone()),
        };
        let row = Query::select()
            .column((Alias::new("placed"), Alias::new("row_no")))
            .from_as(Alias::new("session"), Alias::new("placed"))
            .and_where(Expr::col((Alias::new("placed"), Alias::new("session_key"))).eq(place.key.clone()))
            .take();
        let unknown = if self.ascending { 0 } else { i64::MAX };
        let row = Func::coalesce([Expr::SubQuery(None, Box::new(row.into())), Expr::val(unknown)]);
        let here = Expr::tuple([of(name), of("row_no")]);
        let there = Expr::tuple([value, row.into()]);
        Cond::all().add(match (self.ascending, self.with_place) {
            (true, false) => here.gt(there),
            (true, true) => here.gte(there),
            (false, false) => here.lt(there),
            (false, true) => here.lte(there),
        })
    }

    fn sorted(&self, query: &mut SelectStatement, table: &'static str, name: &'static str) {
        query
            .order_by((Alias::new(table), Alias::new(name)), self.order())
            .order_by((Alias::new(table), Alias::new("row_no")), self.order());
    }
}

/// Reads the page that `query` asks for. The problem is a cursor that is not one.
pub async fn page(
    conn: &mut Conn,
    query: &SessionQuery,
    filter: &Filter,
    reach: Reach,
) -> Result<Result<Page, FieldProblem>, Error> {
    let place = match query
        .cursor
        .as_ref()
        .map(|c| Place::read(c, query.sort))
        .transpose()
    {
        Ok(place) => place,
        Err(problem) => return Ok(Err(problem)),
    };
    let mut backwards = query.cursor.as_ref().is_some_and(|c| c.backwards);
    let way = |backwards: bool, with_place: bool| Way {
        sort: query.sort,
        ascending: (query.direction == Direction::Ascending) != backwards,
        from: place.as_ref(),
        with_place,
        reach,
    };
    let (mut rows, matching) = read(conn, filter, way(backwards, false)).await?;
    let mut cursor = query.cursor.clone();
    // Everything on that side went away meanwhile: show what lies on the other.
    if rows.is_empty() && cursor.is_some() {
        backwards = !backwards;
        cursor = cursor.map(|c| Cursor { backwards, ..c });
        rows = read(conn, filter, way(backwards, true)).await?.0;
    }
    let full = usize::try_from(reach.page).unwrap_or(usize::MAX);
    let more = rows.len() > full;
    rows.truncate(full);
    if backwards {
        rows.reverse();
    }
    let count = rows.len() as u64;
    let position = place.as_ref().map_or(0, |p| p.position);
    let first_row = match (&place, backwards) {
        _ if rows.is_empty() => 0,
        (None, _) => 1,
        (Some(_), true) if !more => 1,
        _ if position == 0 => 0,
        (Some(_), false) => position + 1,
        (Some(_), true) => position.saturating_sub(count),
    };
    // What was counted on the way here may have gone since: no position rather than a wrong one.
    let first_row = match matching {
        Count::Exactly(n) if first_row + count > n + 1 => 0,
        _ => first_row,
    };
    let at = |offset: u64| if first_row == 0 { 0 } else { first_row + offset };
    let next = match rows.last() {
        Some(last) if more || backwards => {
            Some(Place::of(last, query.sort, at(count.saturating_sub(1))).write()?)
        }
        _ => None,
    };
    let previous = match rows.first() {
        Some(first) if backwards && more || !backwards && place.is_some() => {
            Some(Place::of(first, query.sort, at(0)).write()?)
        }
        _ => None,
    };
    Ok(Ok(Page {
        rows,
        cursor,
        first_row,
        matching,
        next,
        previous,
    }))
}

/// One row more than a page, nearest first, and the number of matches.
async fn read(conn: &mut Conn, filter: &Filter, way: Way<'_>) -> Result<(Vec<Row>, Count), Error> {
    if filter.unfiltered {
        let matching = count(conn, filter.condition(), way.reach).await?;
        return Ok((conn.fetch_all(&walk(filter, way, None)).await?, matching));
    }
    if filter.counted_as_gathered {
        // Finding them is the dear part, so they are counted where they are gathered.
        let found: Vec<Found> = conn
            .fetch_all(&gather(filter, way, Some(way.reach.count_up_to + 1)))
            .await?;
        match found.first().map(|f| f.found.unsigned_abs()) {
            Some(n) if n <= way.reach.count_up_to => {
                return Ok((found.into_iter().map(|f| f.row).collect(), Count::Exactly(n)));
            }
            Some(_) => {}
            // Either nothing lies behind the place, or none of the first matches does.
            None => {
                let matching = count(conn, filter.condition(), way.reach).await?;
                if let Count::Exactly(_) = matching {
                    return Ok((Vec::new(), matching));
                }
            }
        }
        return Ok((
            walk_or_gather(conn, filter, way).await?,
            Count::MoreThan(way.reach.count_up_to),
        ));
    }
    let matching = count(conn, filter.condition(), way.reach).await?;
    let rows = match matching {
        Count::Exactly(0) => Vec::new(),
        Count::Exactly(_) => gathered(conn, filter, way).await?,
        Count::MoreThan(_) => walk_or_gather(conn, filter, way).await?,
    };
    Ok((rows, matching))
}

/// A row with the number of all that were gathered.
#[derive(sqlx::FromRow)]
struct Found {
    found: i64,
    #[sqlx(flatten)]
    row: Row,
}

async fn gathered(conn: &mut Conn, filter: &Filter, way: Way<'_>) -> Result<Vec<Row>, Error> {
    let found: Vec<Found> = conn.fetch_all(&gather(filter, way, None)).await?;
    Ok(found.into_iter().map(|f| f.row).collect())
}

/// Many match, so the next page is usually near; where it is not, all matches are gathered.
async fn walk_or_gather(conn: &mut Conn, filter: &Filter, way: Way<'_>) -> Result<Vec<Row>, Error> {
    let (name, _) = sort_column(way.sort);
    if !filter.in_order(name) {
        return gathered(conn, filter, way).await;
    }
    // With several states each has its own index to walk: one that stopped early would leave a hole in their union.
    let at_most = (filter.states.len() == 1).then_some(way.reach.walk_at_most);
    let rows: Vec<Row> = conn.fetch_all(&walk(filter, way, at_most)).await?;
    if at_most.is_none() {
        return Ok(rows);
    }
    if rows.len() as u64 > way.reach.page {
        return Ok(rows);
    }
    gathered(conn, filter, way).await
}

/// Rows met along the sort's index; `at_most` = index rows looked at, `None` = no end.
fn walk(filter: &Filter, way: Way<'_>, at_most: Option<u64>) -> SelectStatement {
    let (name, _) = sort_column(way.sort);
    // One branch per state: with several in one condition no index gives the order.
    let branch = |state: SessionState| {
        let mut inner = Query::select();
        inner
            .expr(Expr::col((Alias::new("session"), sea_query::Asterisk)))
            .from(Alias::new("session"))
            .cond_where(of_state(state))
            .cond_where(filter.of_guests())
            .cond_where(filter.along(name))
            .cond_where(way.behind("session", name));
        way.sorted(&mut inner, "session", name);
        let mut outer = Query::select();
        for column in COLUMNS {
            outer.column((Alias::new("session"), Alias::new(column)));
        }
        outer.column((Alias::new("session"), Alias::new("row_no")));
        sort_values(&mut outer, "session", way.sort);
        match at_most {
            Some(rows) => {
                inner.limit(rows);
                outer.from_subquery(inner, Alias::new("session"));
            }
            None => {
                outer
                    .from(Alias::new("session"))
                    .cond_where(of_state(state))
                    .cond_where(filter.of_guests())
                    .cond_where(filter.along(name))
                    .cond_where(way.behind("session", name));
            }
        }
        if !filter.unfiltered {
            // Inside COALESCE no part of it tempts the planner away from the sort's index.
            let plain: Expr = filter.plain.clone().into();
            outer.and_where(Func::coalesce([plain, Expr::val(false)]).into());
        }
        way.sorted(&mut outer, "session", name);
        outer.limit(way.reach.page + 1);
        outer
    };
    if let [state] = filter.states.as_slice() {
        return branch(*state);
    }
    let mut union: Option<SelectStatement> = None;
    for state in &filter.states {
        let one = Query::select()
            .expr(Expr::col(sea_query::Asterisk))
            .from_subquery(branch(*state), Alias::new("one"))
            .take();
        union = Some(match union {
            None => one,
            Some(mut all) => all.union(UnionType::All, one).take(),
        });
    }
    let (value, _) = sort_value_columns(way.sort);
    let mut query = Query::select();
    query.expr(Expr::col((Alias::new("states"), sea_query::Asterisk)));
    if let Some(union) = union {
        query.from_subquery(union, Alias::new("states"));
    }
    way.sorted(&mut query, "states", value);
    query.limit(way.reach.page + 1);
    query
}

/// All matches (at most `at_most`) found by their own index, then sorted; each row with their number.
fn gather(filter: &Filter, way: Way<'_>, at_most: Option<u64>) -> SelectStatement {
    let (name, _) = sort_column(way.sort);
    let mut matches = Query::select();
    matches
        .expr_as(column("row_no"), Alias::new("row_no"))
        .expr_as(column(name), Alias::new("sort_value"))
        .from(Alias::new("session"))
        .cond_where(filter.condition());
    if let Some(rows) = at_most {
        matches.limit(rows);
    }
    let mut page = Query::select();
    page.columns([
        (Alias::new("matches"), Alias::new("row_no")),
        (Alias::new("matches"), Alias::new("sort_value")),
    ])
    .from(Alias::new("matches"))
    .cond_where(way.behind("matches", "sort_value"));
    way.sorted(&mut page, "matches", "sort_value");
    page.limit(way.reach.page + 1);

    let mut query = Query::select();
    let all = Query::select()
        .expr(Expr::cust("COUNT(*)"))
        .from(Alias::new("matches"))
        .take();
    query.expr_as(Expr::SubQuery(None, Box::new(all.into())), Alias::new("found"));
    for column in COLUMNS {
        query.column((Alias::new("session"), Alias::new(column)));
    }
    sort_values(&mut query, "session", way.sort);
    query
        .from_subquery(page, Alias::new("page"))
        .inner_join(
            Alias::new("session"),
            Expr::col((Alias::new("session"), Alias::new("row_no")))
                .equals((Alias::new("page"), Alias::new("row_no"))),
        )
        .with_cte(
            CommonTableExpression::new()
                .query(matches)
                .table_name(Alias::new("matches"))
                .materialized(true)
                .to_owned(),
        );
    way.sorted(&mut query, "page", "sort_value");
    query
}

/// Name of the column that carries the sort's value, and of the one that stays empty.
const fn sort_value_columns(sort: SortKey) -> (&'static str, &'static str) {
    match sort_column(sort).1 {
        true => ("sort_text", "sort_number"),
        false => ("sort_number", "sort_text"),
    }
}

fn sort_values(query: &mut SelectStatement, table: &'static str, sort: SortKey) {
    let (name, text) = sort_column(sort);
    let (value, empty) = sort_value_columns(sort);
    query.expr_as(
        Expr::col((Alias::new(table), Alias::new(name))),
        Alias::new(value),
    );
    let nothing = if text {
        Expr::cust("CAST(0 AS BIGINT)")
    } else {
        Expr::cust("''")
    };
    query.expr_as(nothing, Alias::new(empty));
}

/// How many rows fulfil `condition`, as far as `reach` counts.
pub async fn count(conn: &mut Conn, condition: Condition, reach: Reach) -> Result<Count, Error> {
    let n = count_up_to(conn, condition, Some(reach.count_up_to + 1)).await?;
    Ok(if n > reach.count_up_to {
        Count::MoreThan(reach.count_up_to)
    } else {
        Count::Exactly(n)
    })
}

/// How many rows fulfil `condition`; counting stops at `most`.
pub async fn count_up_to(conn: &mut Conn, condition: Condition, most: Option<u64>) -> Result<u64, Error> {
    let mut some = Query::select();
    some.expr_as(Expr::val(1), Alias::new("one"))
        .from(Alias::new("session"))
        .cond_where(condition);
    if let Some(most) = most {
        some.limit(most);
    }
    let query = Query::select()
        .expr(Expr::cust("COUNT(*)"))
        .from_subquery(some, Alias::new("some"))
        .take();
    let rows: Vec<(i64,)> = conn.fetch_all(&query).await?;
    Ok(rows.first().map_or(0, |(n,)| n.unsigned_abs()))
}
