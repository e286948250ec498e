//! What is ticked: kept by the server, shown in the bulk bar. Without script the row form carries every tick; with it
//! each tick is sent at once, one request after the other, so that an older one never overwrites a newer one.

#[cfg(feature = "ssr")]
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use super::form::{ACT, Act};
use super::wire::SelectionSummary;
#[cfg(feature = "ssr")]
use crate::ui::{Glyph, Icon};
use crate::ui::{count_text, counted, thousands};
use crate::wire::Count;

/// Id of the bar.
pub const BULK: &str = "bulk";

/// What the bar shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BarFacts {
    /// "37 sessions".
    pub sessions: String,
    /// "End 37 sessions…".
    pub end: String,
    /// "29 people · 4 systems"; empty while the server counts.
    pub who: String,
    /// "5 from a stale system"; empty = none.
    pub stale: String,
    /// "14 of them hidden by the filter"; empty = none.
    pub hidden: String,
    /// Everything that matches is selected.
    pub all: bool,
}

/// The bar's words; `None` when nothing is ticked and the bar is absent.
pub fn bar_facts(summary: Option<&SelectionSummary>, ahead: i64) -> Option<BarFacts> {
    let count = match (summary, ahead) {
        (Some(s), 0) => s.sessions,
        (Some(s), ahead) => Count::Exactly(s.sessions.at_least().saturating_add_signed(ahead)),
        (None, ahead) => Count::Exactly(u64::try_from(ahead).unwrap_or(0)),
    };
    if count.at_least() == 0 {
        return None;
    }
    let things = if count == Count::Exactly(1) {
        "session"
    } else {
        "sessions"
    };
    let sessions = format!("{} {things}", count_text(count));
    let known = summary.filter(|_| ahead == 0);
    let people = |s: &SelectionSummary| match s.people {
        Count::Exactly(n) => counted(n, "person", "people"),
        more => format!("{} people", count_text(more)),
    };
    Some(BarFacts {
        end: format!("End {sessions}…"),
        who: known.map_or_else(String::new, |s| {
            format!("{} · {}", people(s), counted(s.systems, "system", "systems"))
        }),
        stale: known.filter(|s| s.stale > 0).map_or_else(String::new, |s| {
            format!("{} from a stale system", thousands(s.stale))
        }),
        hidden: known
            .filter(|s| s.hidden_by_filter > 0)
            .map_or_else(String::new, |s| {
                format!("{} of them hidden by the filter", thousands(s.hidden_by_filter))
            }),
        all: summary.is_some_and(|s| s.all),
        sessions,
    })
}

/// The bar at the foot of the list; hidden while nothing is ticked. A tick changes its numbers at once (`data-bar`),
/// the server's answer all of it.
#[cfg(feature = "ssr")]
#[component]
pub fn BulkBar(
    /// What is ticked, as the server has it.
    summary: Option<SelectionSummary>,
    /// How many match the list's filters.
    matching: Count,
) -> impl IntoView {
    let counted = summary.as_ref().map_or(0, |s| s.sessions.at_least());
    let facts = bar_facts(summary.as_ref(), 0);
    let hidden_bar = facts.is_none();
    let facts = facts.unwrap_or_default();
    let stale = (!facts.stale.is_empty()).then(|| {
        view! {
            <span class="bulk-warn">
                <Glyph icon=Icon::Warning />
                {facts.stale}
            </span>
        }
    });
    let select_all = (!facts.all).then(|| {
        view! {
            <button class="bulk-link" name=ACT value=Act::All.value()>
                "Select all "
                <span data-exact="">{count_text(matching)}</span>
                " that match"
            </button>
        }
    });
    view! {
        <div id=BULK class="bulk" role="region" aria-label="Selected sessions" hidden=hidden_bar data-counted=counted>
            <p class="bulk-count">
                <b data-bar="sessions">{facts.sessions}</b>
                <span>{if facts.all { " that match" } else { " selected" }}</span>
            </p>
            <p class="bulk-words" data-bar="known">
                <span>{facts.who}</span>
                {stale}
                <span>{facts.hidden}</span>
            </p>
            <div class="bulk-more">
                {select_all}
                <button class="bulk-link" name=ACT value=Act::Clear.value()>
                    "Clear"
                </button>
            </div>
            <div class="bulk-end">
                <span class="bulk-hint">"Opens a preview, ends nothing yet"</span>
                <button class="btn btn-danger" name=ACT value=Act::Preview.value() data-bar="end">
                    {facts.end}
                </button>
            </div>
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::SelectionId;

    fn summary(sessions: u64) -> SelectionSummary {
        SelectionSummary {
            selection_id: SelectionId::from("s"),
            all: false,
            sessions: Count::Exactly(sessions),
            people: Count::Exactly(29),
            systems: 4,
            stale: 5,
            hidden_by_filter: 0,
        }
    }

    #[test]
    fn ui_d1_the_bar_is_absent_without_a_selection_and_says_what_is_in_it() {
        assert_eq!(bar_facts(None, 0), None);
        assert_eq!(bar_facts(Some(&summary(0)), 0), None);
        assert_eq!(
            bar_facts(Some(&summary(1)), -1),
            None,
            "the last tick was taken off"
        );
        let facts = bar_facts(Some(&summary(37)), 0).expect("something is ticked");
        assert_eq!(facts.sessions, "37 sessions");
        assert_eq!(facts.end, "End 37 sessions…");
        assert_eq!(facts.who, "29 people · 4 systems");
        assert_eq!(facts.stale, "5 from a stale system");
    }

    #[test]
    fn a_tick_counts_at_once_and_claims_nothing_else() {
        let facts = bar_facts(Some(&summary(37)), 1).expect("something is ticked");
        assert_eq!(facts.end, "End 38 sessions…");
        assert_eq!(facts.who, "", "people are counted by the server");
        assert_eq!(
            bar_facts(None, 1).map(|f| f.end).as_deref(),
            Some("End 1 session…")
        );
    }

    #[test]
    fn more_than_was_counted_is_said() {
        let mut all = summary(0);
        all.all = true;
        all.sessions = Count::MoreThan(10_000);
        assert_eq!(
            bar_facts(Some(&all), 0).map(|f| f.end).as_deref(),
            Some("End 10,000+ sessions…")
        );
    }
}
