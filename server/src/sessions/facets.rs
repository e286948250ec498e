//! What each value of a filter would list beside the other filters: the list's own condition, with that value in it.
//!
//! Asked when filters are opened, never for the list itself. A count is the list's: up to 10,000, then "10,000+".

use app::access::wire::Permission;
use app::sessions::query::SessionQuery;
use app::sessions::wire::{Facet, FacetValue, SessionKind, SessionState};
use app::wire::Count;
use sea_query::{Alias, Order, Query};

use super::Sessions;
use super::filter::View;
use super::list::{Reach, count};
use super::store;
use crate::caller::Caller;
use crate::db::Conn;
use crate::error::Error;

/// Sites are looked for among so many sessions, those active last: no index knows them all.
const SITES_AMONG: u64 = 20_000;
/// Most sites that are shown.
const MOST_SITES: usize = 50;

impl Sessions {
    pub(super) async fn facets(&self, caller: &Caller, query: &SessionQuery) -> Result<Vec<Facet>, Error> {
        let now = self.clock.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let view = View::of(caller, now);
        let mut conn = self.db.read().await?;
        // What may not be asked is not counted either.
        view.ask(&mut conn, query).await?;
        let briefs = self.systems.briefs(&mut conn, caller).await?;
        let systems = briefs.into_iter().map(|brief| brief.system_id.0).collect();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let (sites, among) = sites(&mut conn, &view).await?;
        let mut facets = Vec::new();
        for (field, values, looked_at) in [
            ("system", systems, None),
            ("kind", names(&SessionKind::ALL.map(SessionKind::name)), None),
            ("state", names(&SessionState::ALL.map(SessionState::name)), None),
            ("site", sites, among),
        ] {
            facets.push(Facet {
                field: field.to_owned(),
                values: counted(&mut conn, &view, query, field, values).await?,
                looked_at,
            });
        }
        Ok(facets)
    }
}

async fn counted(
    conn: &mut Conn,
    view: &View,
    query: &SessionQuery,
    field: &str,
    values: Vec<String>,
) -> Result<Vec<FacetValue>, Error> {
    let mut found = Vec::with_capacity(values.len());
    for value in values {
        let count = match query.only(field, &value) {
            Some(only) => listed(conn, view, &only).await?,
            None => Count::Exactly(0),
        };
        found.push(FacetValue { value, count });
    }
    Ok(found)
}

/// How many sessions a query lists; none where it may not be asked.
async fn listed(conn: &mut Conn, view: &View, query: &SessionQuery) -> Result<Count, Error> {
    match view.ask(conn, query).await {
        Ok(filter) => count(conn, filter.condition(), Reach::default()).await,
        Err(Error::App(_)) => Ok(Count::Exactly(0)),
        Err(error) => Err(error),
    }
}

/// Sites of live sessions the caller may see, by name, and among how many sessions they were looked for, if not all.
pub(super) async fn sites(conn: &mut Conn, view: &View) -> Result<(Vec<String>, Option<u64>), Error> {
    let newest = Query::select()
        .column((Alias::new("session"), Alias::new("site")))
        .from(Alias::new("session"))
        .cond_where(store::live_in(view.condition(), &[]))
        .order_by(column_of("last_active_sort"), Order::Desc)
        .limit(SITES_AMONG)
        .take();
    let query = Query::select()
        .column(Alias::new("site"))
        .expr(sea_query::Expr::cust("COUNT(*)"))
        .from_subquery(newest, Alias::new("newest"))
        .group_by_col(Alias::new("site"))
        .order_by(Alias::new("site"), Order::Asc)
        .take();
    let rows: Vec<(String, i64)> = conn.fetch_all(&query).await?;
    let looked_at: u64 = rows.iter().map(|(_, n)| n.unsigned_abs()).sum();
    let sites = rows
        .into_iter()
        .map(|(site, _)| site)
        .filter(|site| !site.is_empty())
        .take(MOST_SITES)
        .collect();
    Ok((sites, (looked_at >= SITES_AMONG).then_some(looked_at)))
}

fn column_of(name: &'static str) -> (Alias, Alias) {
    (Alias::new("session"), Alias::new(name))
}
