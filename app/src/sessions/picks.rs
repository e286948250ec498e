//! What is ticked: kept by the server, shown in the bulk bar. Without script the row form carries every tick; with it
//! each tick is sent at once, one request after the other, so that an older one never overwrites a newer one.

use leptos::prelude::*;

use super::form::{ACT, Act};
use super::wire::{SelectionSummary, SessionsPage};
use crate::ui::{Glyph, Icon, count_text, counted, thousands};
use crate::wire::{Count, SelectionId};

/// The selection as the page knows it.
#[derive(Clone, Copy)]
pub struct Picks {
    /// Of the address: `?sel=`.
    pub sel: Memo<Option<SelectionId>>,
    /// The server's newest answer.
    pub summary: RwSignal<Option<SelectionSummary>>,
    /// Ticks made since that answer: more (or fewer) sessions than it counted.
    pub ahead: RwSignal<i64>,
    /// Writes a selection into the address, in place.
    pub put: Callback<Option<SelectionId>>,
    /// Goes to a list by its query string, with the selection.
    pub go: Callback<String>,
    /// Says how many are selected.
    #[cfg(feature = "hydrate")]
    pub(super) announcer: crate::ui::Announcer,
    /// A request is on its way; a tick made meanwhile waits for its answer.
    #[cfg(feature = "hydrate")]
    pub(super) sending: StoredValue<bool>,
    /// Ticks were made meanwhile.
    #[cfg(feature = "hydrate")]
    pub(super) again: StoredValue<bool>,
    /// The box a range starts at.
    #[cfg(feature = "hydrate")]
    pub(super) anchor: StoredValue<Option<String>>,
    /// Ticks of this page that the server's newest answer counted.
    #[cfg(feature = "hydrate")]
    pub(super) known: StoredValue<i64>,
}

impl Picks {
    /// Nothing ticked yet.
    pub fn new(
        sel: Memo<Option<SelectionId>>,
        put: Callback<Option<SelectionId>>,
        go: Callback<String>,
    ) -> Self {
        Picks {
            sel,
            summary: RwSignal::new(None),
            ahead: RwSignal::new(0),
            put,
            go,
            #[cfg(feature = "hydrate")]
            announcer: crate::ui::Announcer::here(),
            #[cfg(feature = "hydrate")]
            sending: StoredValue::new(false),
            #[cfg(feature = "hydrate")]
            again: StoredValue::new(false),
            #[cfg(feature = "hydrate")]
            anchor: StoredValue::new(None),
            #[cfg(feature = "hydrate")]
            known: StoredValue::new(0),
        }
    }

    /// Takes over what a newly read page says.
    pub fn learn(self, page: &SessionsPage) {
        self.summary.set(page.selection.clone());
        self.ahead.set(0);
        #[cfg(feature = "hydrate")]
        self.known
            .set_value(page.rows.iter().filter(|row| row.selected).count() as i64);
    }
}

/// What the bar shows.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// The bar at the foot of the list; not there while nothing is ticked.
#[component]
pub fn BulkBar(
    /// What is ticked.
    picks: Picks,
    /// How many match the list's filters.
    matching: Count,
    /// The exact number behind "10,000+".
    exact: RwSignal<Option<u64>>,
) -> impl IntoView {
    let facts = Memo::new(move |_| bar_facts(picks.summary.get().as_ref(), picks.ahead.get()));
    let there = Memo::new(move |_| facts.with(Option::is_some));
    // Its parts change in place, so that focus on one of its buttons survives a new count.
    let text = move |of: fn(&BarFacts) -> String| {
        Memo::new(move |_| facts.with(|f| f.as_ref().map(of).unwrap_or_default()))
    };
    let sessions = text(|f| f.sessions.clone());
    let end = text(|f| f.end.clone());
    let who = text(|f| f.who.clone());
    let stale = text(|f| f.stale.clone());
    let hidden = text(|f| f.hidden.clone());
    let all = Memo::new(move |_| facts.with(|f| f.as_ref().is_some_and(|f| f.all)));
    let select_all = move || match (matching, exact.get()) {
        (Count::MoreThan(_), Some(n)) | (Count::Exactly(n), _) => {
            format!("Select all {} that match", thousands(n))
        }
        (more, None) => format!("Select all {} that match", count_text(more)),
    };
    view! {
        {move || {
            there
                .get()
                .then(|| {
                    view! {
                        <div class="bulk" role="region" aria-label="Selected sessions">
                            <p class="bulk-count">
                                <b>{move || sessions.get()}</b>
                                <span>{move || if all.get() { " that match" } else { " selected" }}</span>
                            </p>
                            <p class="bulk-words">
                                <span>{move || who.get()}</span>
                                {move || {
                                    let words = stale.get();
                                    (!words.is_empty())
                                        .then(|| {
                                            view! {
                                                <span class="bulk-warn">
                                                    <Glyph icon=Icon::Warning />
                                                    {words}
                                                </span>
                                            }
                                        })
                                }}
                                <span>{move || hidden.get()}</span>
                            </p>
                            <div class="bulk-more">
                                {move || {
                                    (!all.get())
                                        .then(|| {
                                            view! {
                                                <button class="bulk-link" name=ACT value=Act::All.value()>
                                                    {select_all}
                                                </button>
                                            }
                                        })
                                }}
                                <button class="bulk-link" name=ACT value=Act::Clear.value()>
                                    "Clear"
                                </button>
                            </div>
                            <div class="bulk-end">
                                <span class="bulk-hint">"Opens a preview, ends nothing yet"</span>
                                <button class="btn btn-danger" name=ACT value=Act::Preview.value()>
                                    {move || end.get()}
                                </button>
                            </div>
                        </div>
                    }
                })
        }}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

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
