//! Guests: browsers that nobody signed in with. A list leaves them out unless a kind is asked for, and says how many.

use app::sessions::query::SessionQuery;
use app::wire::Count;
use sea_query::Cond;

use super::filter::{Dialect, View};
use super::list::{self, Reach, count_up_to};
use crate::caller::scope::guests_only;
use crate::db::Conn;
use crate::error::Error;

/// Guests that `query` leaves out: as many as it lists when `kind=guest` is added.
pub async fn hidden(conn: &mut Conn, query: &SessionQuery, view: &View) -> Result<Count, Error> {
    let none = Count::Exactly(0);
    if !query.hides_guests() {
        return Ok(none);
    }
    let Ok(filter) = view.filter(&query.only_guests(), Dialect::of(conn)) else {
        return Ok(none);
    };
    // Most estates report none: told by an index of guests alone, before any filter costs something.
    let any = Cond::all().add(guests_only()).add(filter.in_states());
    if count_up_to(conn, any, Some(1)).await? == 0 {
        return Ok(none);
    }
    list::count(conn, filter.condition(), Reach::default()).await
}
