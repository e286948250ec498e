//! Which filter stands open, what each of its values would list, and the way to it from the head of its column.

use leptos::prelude::*;

use super::columns::Column;
use super::form::{ACT, Act, OPEN};
use super::query::SessionQuery;
use super::wire::Facet;
use crate::paths;
use crate::ui::{Glyph, Icon, count_text};
use crate::wire::Count;

/// The filter that was opened, with the counts that were asked for then.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// The parameter; `None` = all are folded away.
    pub field: Option<String>,
    /// Counts of values; empty = not asked for.
    pub facets: Vec<Facet>,
}

impl Opened {
    /// Takes it out of the pairs of an address: it says nothing about what is listed.
    pub fn take(pairs: &mut Vec<(String, String)>) -> Option<String> {
        let field = pairs
            .iter()
            .find(|(name, value)| name == OPEN && !value.is_empty())
            .map(|(_, value)| value.clone());
        pairs.retain(|(name, _)| name != OPEN);
        field
    }

    /// What a value would list; `None` = not counted.
    pub fn count(&self, field: &str, value: &str) -> Option<Count> {
        let facet = self.facets.iter().find(|facet| facet.field == field)?;
        let found = facet.values.iter().find(|known| known.value == value)?;
        Some(found.count)
    }
}

/// The filter of a column: its parameter.
pub const fn field_of(column: Column) -> &'static str {
    match column {
        Column::Person => "person",
        Column::Kind => "kind",
        Column::System => "system",
        Column::Session => "session",
        Column::Ip => "ip",
        Column::Started => "started",
        Column::LastActivity => "active",
        Column::IdleEnds => "idle_ends",
        Column::EndsAtLatest => "ends",
        Column::Client => "browser",
    }
}

/// Id of a filter's field in the form.
pub fn field_id(field: &str) -> String {
    format!("f-{field}")
}

/// In the head of a column: opens its filter. A button of the row form, so that ticks come along where there is no script.
#[component]
pub fn HeadFilter(
    /// The column.
    column: Column,
    /// The list.
    query: SessionQuery,
) -> impl IntoView {
    let field = field_of(column);
    let in_force = query.filter_pairs().iter().any(|(name, _)| {
        let name = name.strip_prefix("not.").unwrap_or(name);
        name == field || (column == Column::Client && name == "os")
    });
    let label = match in_force {
        true => format!("Filter {}: in force", column.label()),
        false => format!("Filter {}", column.label()),
    };
    let mut pairs = SessionQuery {
        selection: None,
        ..query.first_page()
    }
    .to_pairs();
    pairs.push((OPEN, field.to_owned()));
    let to = Act::GoTo(paths::query_string(&pairs)).value();
    view! {
        <button
            class="head-filter"
            class:is-on=in_force
            name=ACT
            value=to
            aria-label=label
            data-filter=field_id(field)
        >
            <Glyph icon=Icon::Filter />
        </button>
    }
    .into_any()
}

/// What a value of an open filter would list.
#[component]
pub fn ValueCount(
    /// `None` = not counted.
    count: Option<Count>,
) -> impl IntoView {
    count.map(|count| view! { <span class="facet-count">{count_text(count)}</span> })
}
