//! Why a list is empty: four different cases, each with its next step.

use app::civil::Civil;
use app::sessions::chips::chips;
use app::sessions::query::SessionQuery;
use app::sessions::wire::EmptyBecause;
use app::systems::wire::{Health, SystemBrief};
use app::wire::{SystemId, Timestamp};

use super::filter::{Dialect, View};
use super::list::{COUNT_UP_TO, count_up_to};
use super::store;
use crate::db::Conn;
use crate::error::Error;

/// The case of a list without rows; bad filters and missing grants are known before.
pub async fn because(
    conn: &mut Conn,
    query: &SessionQuery,
    view: &View,
    briefs: &[SystemBrief],
    now: Timestamp,
) -> Result<EmptyBecause, Error> {
    let in_view: Vec<&SystemBrief> = briefs
        .iter()
        .filter(|b| query.systems.is_empty() || query.systems.contains(&b.system_id))
        .collect();
    let down: Vec<&&SystemBrief> = in_view
        .iter()
        .filter(|b| b.health != Health::Live || b.read_at.is_none())
        .collect();
    let live = store::live_in(view.condition(), &query.systems);
    let any_live = count_up_to(conn, live, Some(1)).await? > 0;
    if !any_live && !down.is_empty() {
        let words = down.iter().map(|b| trouble(b)).collect::<Vec<_>>().join(" ");
        return Ok(EmptyBecause::SystemDown { words });
    }
    if query.filter_count() > 0 {
        let without = without(conn, query, view, briefs, now).await?;
        return Ok(EmptyBecause::NoMatch { without });
    }
    Ok(EmptyBecause::NoSessions {
        systems: in_view.len() as u64,
    })
}

/// The one filter whose dropping shows the fewest sessions, but some.
async fn without(
    conn: &mut Conn,
    query: &SessionQuery,
    view: &View,
    briefs: &[SystemBrief],
    now: Timestamp,
) -> Result<Option<(String, u64, String)>, Error> {
    let dialect = Dialect::of(conn);
    let name_of = |id: &SystemId| {
        let brief = briefs.iter().find(|b| b.system_id == *id);
        brief.map_or_else(|| id.0.clone(), |b| b.name.clone())
    };
    let mut best: Option<(String, u64, SessionQuery)> = None;
    for chip in chips(query, name_of, now, 0) {
        let Ok(filter) = view.filter(&chip.without, dialect) else {
            continue;
        };
        let n = count_up_to(conn, filter.condition(), Some(COUNT_UP_TO + 1)).await?;
        if n > 0 && best.as_ref().is_none_or(|(_, fewest, _)| n < *fewest) {
            best = Some((chip.sentence(), n, chip.without));
        }
    }
    let Some((words, mut n, without)) = best else {
        return Ok(None);
    };
    if n > COUNT_UP_TO
        && let Ok(filter) = view.filter(&without, dialect)
    {
        n = count_up_to(conn, filter.condition(), None).await?;
    }
    Ok(Some((words, n, without.to_query_string())))
}

/// One sentence on a system whose rows can't be relied on.
fn trouble(brief: &SystemBrief) -> String {
    let name = &brief.name;
    let when = |at: Timestamp| {
        let c = Civil::at(at, 0);
        format!(
            "{} {} {}, {:02}:{:02} UTC",
            c.day,
            c.month_name(),
            c.year,
            c.hour,
            c.minute
        )
    };
    match (brief.health, brief.read_at) {
        (Health::Off, _) => format!("{name} is not being read: it is paused or left the settings."),
        (_, None) => format!("{name} has not been read yet."),
        (_, Some(at)) => format!("{name} was last read whole on {}.", when(at)),
    }
}
