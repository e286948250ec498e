//! Search, filters and their chips: GET forms and links, so that the address says everything and no script is needed.

use leptos::prelude::*;

use super::chips::{Chip, chips};
use super::form::{BACK, CHIPS, FILTER_FORM, RAW_ID, SEL, list_address};
use super::query::SortKey;
use super::wire::{SessionKind, SessionState, SessionsPage};
use crate::error::FieldProblem;
use crate::layout::Echo;
use crate::paths;
use crate::ui::{Button, ButtonKind, Clock, Glyph, Icon};
use crate::wire::{Direction, SelectionId};

/// What the address or form said, by name, so that a bad value can be shown again as it was typed.
#[derive(Clone)]
struct Typed(Vec<(String, String)>);

impl Typed {
    fn value(&self, name: &str) -> String {
        let pair = self.0.iter().find(|(n, _)| n == name);
        pair.map(|(_, v)| v.clone()).unwrap_or_default()
    }

    fn holds(&self, name: &str, value: &str) -> bool {
        self.0.iter().any(|(n, v)| n == name && v == value)
    }
}

/// Search field, filters behind it, and what was not understood, named beneath.
#[component]
pub fn SearchForm(
    /// The page.
    page: SessionsPage,
    /// The query string as it was asked.
    asked: String,
    /// What is ticked.
    sel: Option<SelectionId>,
) -> impl IntoView {
    // Dates come back as they can be typed again, so the understood query is shown where there was no problem.
    let typed = if page.problems.is_empty() {
        Typed(shown_pairs(&page, Clock::here().offset_min()))
    } else {
        Typed(paths::parse_query(&asked))
    };
    let problems = page.problems.clone();
    let count = chips_of(&page).len();
    let in_filters = problems
        .iter()
        .any(|p| p.field != "q" && p.field != "sort" && p.field != "dir");
    let bad = problems.iter().any(|p| p.field == "q");
    let search = typed.value("q");
    view! {
        <search class="search-row">
            <form class="filter-form" method="get" action=paths::SESSIONS id=FILTER_FORM>
                <div class="search">
                    <Glyph icon=Icon::Search />
                    <label class="unseen" for="q">
                        "Search sessions"
                    </label>
                    <input
                        id="q"
                        class="input"
                        name="q"
                        type="search"
                        value=search
                        placeholder="Search people, user names, IP, last 4 characters"
                        autocomplete="off"
                        spellcheck="false"
                        maxlength="200"
                        aria-describedby=(!problems.is_empty()).then_some("q-problems")
                        aria-invalid=bad.then_some("true")
                    />
                    <button class="btn btn-small btn-quiet search-go">"Search"</button>
                </div>
                <details class="drop" open=in_filters>
                    <summary class="btn facet-btn">
                        <Glyph icon=Icon::Filter />
                        <span>"Filters"</span>
                        {(count > 0).then(|| view! { <b>{count}</b> })}
                    </summary>
                    <FilterFields page=page.clone() typed=typed.clone() problems=problems.clone() />
                </details>
                <input type="hidden" name=SEL value=sel.map(|s| s.0).unwrap_or_default() />
                {["past", "over", "never_idle", "key", "cols"]
                    .into_iter()
                    .filter(|name| !typed.value(name).is_empty())
                    .map(|name| view! { <input type="hidden" name=name value=typed.value(name) /> })
                    .collect_view()}
            </form>
            <FindById back=page.query.to_query_string() />
        </search>
        {(!problems.is_empty()).then(|| view! { <Problems problems=problems /> })}
    }
    .into_any()
}

/// The understood query as form fields show it: moments as a date field takes them, in the person's zone.
fn shown_pairs(page: &SessionsPage, offset_min: i32) -> Vec<(String, String)> {
    page.query
        .to_pairs()
        .into_iter()
        .map(|(name, value)| {
            let moment = value.strip_prefix('@').and_then(|ms| ms.parse().ok());
            let value = match moment {
                Some(ms) if ["started", "active", "idle_ends", "ends"].contains(&name) => {
                    crate::civil::Civil::at(crate::wire::Timestamp(ms), offset_min).field()
                }
                _ => value,
            };
            (name.to_owned(), value)
        })
        .collect()
}

/// What was not understood, each part by name, and that nothing is listed until then.
#[component]
fn Problems(
    /// The bad parts.
    problems: Vec<FieldProblem>,
) -> impl IntoView {
    view! {
        <div id="q-problems" class="search-problems" role="alert">
            {problems
                .into_iter()
                .map(|problem| {
                    view! {
                        <p class="field-error">
                            <Glyph icon=Icon::Refused />
                            <span>
                                <b>{problem.field}</b>
                                ": "
                                {problem.message}
                            </span>
                        </p>
                    }
                })
                .collect_view()}
            <p class="field-hint">
                "Nothing is listed until this is put right, so that no wider set is ended by mistake."
            </p>
        </div>
    }
    .into_any()
}

#[component]
fn FilterFields(
    /// The page.
    page: SessionsPage,
    /// Values.
    typed: Typed,
    /// Bad parts.
    problems: Vec<FieldProblem>,
) -> impl IntoView {
    let error = |name: &str| {
        problems
            .iter()
            .find(|p| p.field == name || p.field.strip_suffix(".op") == Some(name))
            .map(|p| p.message.clone())
    };
    let systems: Vec<_> = page
        .systems
        .iter()
        .map(|s| (s.system_id.0.clone(), s.name.clone()))
        .collect();
    let kinds: Vec<_> = SessionKind::ALL
        .into_iter()
        .map(|k| (k.name().to_owned(), k.label().to_owned()))
        .collect();
    let states = [
        (SessionState::Live, "Live"),
        (SessionState::Ended, "Ended, read back"),
        (SessionState::Vanished, "Vanished by itself"),
    ]
    .map(|(state, words)| (state.name().to_owned(), words.to_owned()));
    let text_ops = [("contains", "contains"), ("is", "is"), ("one_of", "is one of")];
    let past_ops = [
        ("older", "longer ago than"),
        ("within", "within the last"),
        ("before", "before"),
        ("after", "after"),
    ];
    let idle_ops = [
        ("older", "idle longer than"),
        ("within", "active within"),
        ("before", "before"),
        ("after", "after"),
    ];
    let end_ops = [
        ("within", "within the next"),
        ("older", "over for longer than"),
        ("before", "before"),
        ("after", "after"),
    ];
    let length = "15m, 8h, 2d, or 2026-11-21T03:12";
    let sort_name = page.query.sort.name();
    let ascending = page.query.direction == Direction::Ascending;
    view! {
        <div class="drop-body filters">
            <div class="filter-boxes">
                <Boxes legend="System" name="system" options=systems typed=typed.clone() />
                <Boxes legend="Kind (guests only where ticked)" name="kind" options=kinds typed=typed.clone() />
                <Boxes legend="State (live unless ticked)" name="state" options=states.to_vec() typed=typed.clone() />
            </div>
            <div class="filter-pairs">
                <Compared label="Person" name="person" ops=text_ops.to_vec() hint="name, user name or mail" typed=typed.clone() error=error("person") />
                <Compared label="Session id ends" name="session" ops=text_ops.to_vec() hint="last 4 characters" typed=typed.clone() error=error("session") />
                <Compared label="IP address or network" name="ip" ops=Vec::new() hint="10.0.0.7 or 10.0.0.0/8" typed=typed.clone() error=error("ip") />
                <Compared label="Browser" name="browser" ops=text_ops.to_vec() hint="Firefox" typed=typed.clone() error=error("browser") />
                <Compared label="Operating system" name="os" ops=text_ops.to_vec() hint="Windows" typed=typed.clone() error=error("os") />
                <Compared label="Started" name="started" ops=past_ops.to_vec() hint=length typed=typed.clone() error=error("started") />
                <Compared label="Last activity" name="active" ops=idle_ops.to_vec() hint=length typed=typed.clone() error=error("active") />
                <Compared label="Idle ends" name="idle_ends" ops=end_ops.to_vec() hint=length typed=typed.clone() error=error("idle_ends") />
                <Compared label="Ends at latest" name="ends" ops=end_ops.to_vec() hint=length typed=typed.clone() error=error("ends") />
                <Compared label="Site" name="site" ops=Vec::new() hint="its name" typed=typed.clone() error=error("site") />
                <div class="filter-pair">
                    <label for="f-sort">"Sort by"</label>
                    <div class="filter-line">
                        <select id="f-sort" name="sort" class="input">
                            {SortKey::ALL
                                .into_iter()
                                .map(|sort| {
                                    view! {
                                        <option value=sort.name() selected=sort.name() == sort_name>
                                            {sort_label(sort)}
                                        </option>
                                    }
                                })
                                .collect_view()}
                        </select>
                        <select name="dir" class="input" aria-label="Order">
                            <option value="asc" selected=ascending>
                                "A first, oldest first"
                            </option>
                            <option value="desc" selected=!ascending>
                                "Z first, newest first"
                            </option>
                        </select>
                    </div>
                </div>
            </div>
            <div class="drop-foot">
                <Button kind=ButtonKind::Primary>"Show sessions"</Button>
                <a class="btn btn-quiet" href=paths::SESSIONS>
                    "Clear all"
                </a>
            </div>
        </div>
    }
    .into_any()
}

/// The column's words for a sort.
fn sort_label(sort: SortKey) -> &'static str {
    super::columns::Column::ALL
        .into_iter()
        .find(|column| column.sort() == sort)
        .map_or("", |column| column.label())
}

/// A group of boxes: any of the ticked ones.
#[component]
fn Boxes(
    legend: &'static str,
    name: &'static str,
    /// Value and words.
    options: Vec<(String, String)>,
    typed: Typed,
) -> impl IntoView {
    view! {
        <fieldset class="filter-group">
            <legend>{legend}</legend>
            {options
                .into_iter()
                .map(|(value, words)| {
                    let checked = typed.holds(name, &value);
                    view! {
                        <label class="filter-box">
                            <input type="checkbox" name=name value=value checked=checked />
                            <bdi>{words}</bdi>
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
    }
    .into_any()
}

/// A field with the way it is compared.
#[component]
fn Compared(
    label: &'static str,
    name: &'static str,
    /// Value and words of each way; empty = only one.
    ops: Vec<(&'static str, &'static str)>,
    hint: &'static str,
    typed: Typed,
    error: Option<String>,
) -> impl IntoView {
    let id = format!("f-{name}");
    let chosen = typed.value(&format!("{name}.op"));
    let below = format!("{id}-error");
    let invalid = error.is_some();
    view! {
        <div class="filter-pair">
            <label for=id.clone()>{label}</label>
            <div class="filter-line">
                {(!ops.is_empty())
                    .then(|| {
                        view! {
                            <select class="input" name=format!("{name}.op") aria-label=format!("{label}: how to compare")>
                                {ops
                                    .into_iter()
                                    .map(|(value, words)| {
                                        view! {
                                            <option value=value selected=value == chosen>
                                                {words}
                                            </option>
                                        }
                                    })
                                    .collect_view()}
                            </select>
                        }
                    })}
                <input
                    id=id
                    class="input"
                    name=name
                    value=typed.value(name)
                    placeholder=hint
                    autocomplete="off"
                    spellcheck="false"
                    maxlength="500"
                    aria-invalid=invalid.then_some("true")
                    aria-describedby=invalid.then(|| below.clone())
                />
            </div>
            {error
                .map(|error| {
                    view! {
                        <p id=below class="field-error">
                            <Glyph icon=Icon::Refused />
                            <span>{error}</span>
                        </p>
                    }
                })}
        </div>
    }
    .into_any()
}

/// "Find by session id": the whole id goes by its own POST form, is hashed and forgotten; no address ever holds it.
#[component]
fn FindById(
    /// Query string of the list to come back to.
    back: String,
) -> impl IntoView {
    let echo = Echo::of(paths::post::FIND, None, &[]);
    let error = echo.error(RAW_ID).or_else(|| echo.whole(&[RAW_ID]));
    let invalid = error.is_some();
    view! {
        <details class="drop drop-find" open=invalid>
            <summary class="btn facet-btn">"Find by session id"</summary>
            <form method="post" action=paths::post::FIND class="drop-body find-form">
                <input type="hidden" name=BACK value=back />
                <div class="field">
                    <label for="find-id">"Whole session id"</label>
                    <div class="filter-line">
                        <input
                            id="find-id"
                            class="input"
                            name=RAW_ID
                            required
                            autocomplete="off"
                            spellcheck="false"
                            autocapitalize="none"
                            maxlength="4096"
                            aria-describedby="find-below"
                            aria-invalid=invalid.then_some("true")
                        />
                        <Button>"Find"</Button>
                    </div>
                    {match error {
                        Some(error) => {
                            view! {
                                <p id="find-below" class="field-error">
                                    <Glyph icon=Icon::Refused />
                                    <span>{error}</span>
                                </p>
                            }
                                .into_any()
                        }
                        None => {
                            view! {
                                <p id="find-below" class="field-hint">
                                    "It is hashed on arrival and forgotten: it reaches no address, log or database."
                                </p>
                            }
                                .into_any()
                        }
                    }}
                </div>
            </form>
        </details>
    }
    .into_any()
}

/// The chips of a page.
fn chips_of(page: &SessionsPage) -> Vec<Chip> {
    let name = |id: &crate::wire::SystemId| {
        let system = page.systems.iter().find(|s| s.system_id == *id);
        system.map_or_else(|| id.0.clone(), |s| s.name.clone())
    };
    chips(&page.query, name, page.now, Clock::here().offset_min())
}

/// Filters in force, each with a link that takes it off, then one that clears all.
#[component]
pub fn Chips(
    /// The page.
    page: SessionsPage,
    /// What is ticked, for the links.
    sel: Option<SelectionId>,
) -> impl IntoView {
    let all = chips_of(&page);
    let count = all.len();
    let clear = page.query.without_filters().to_query_string();
    let clear = list_address(&clear, sel.as_ref());
    (count > 0).then(|| {
        view! {
            <div id=CHIPS class="chips" role="group" aria-label="Filters in force">
                {all
                    .into_iter()
                    .map(|chip| {
                        let label = format!("Take off: {}", chip.sentence());
                        let without = chip.without.to_query_string();
                        let href = list_address(&without, sel.as_ref());
                        view! {
                            <span class="chip">
                                <span>{chip.words}</span>
                                <b>
                                    <bdi>{chip.value}</bdi>
                                </b>
                                {(!chip.after.is_empty()).then(|| view! { <span>{chip.after}</span> })}
                                <a class="chip-off" href=href aria-label=label>
                                    <Glyph icon=Icon::Close />
                                </a>
                            </span>
                        }
                    })
                    .collect_view()}
                <a href=clear>
                    {if count == 1 { "Clear 1 filter".to_owned() } else { format!("Clear {count} filters") }}
                </a>
            </div>
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::form::meaningful;
    use super::*;

    #[test]
    fn a_form_sends_only_what_says_something() {
        let sent = paths::parse_query(
            "q=+&kind=web&person=&person.op=contains&active=8h&active.op=older&ip=&sort=active&sel=",
        );
        assert_eq!(
            paths::query_string(&meaningful(sent)),
            "kind=web&active=8h&active.op=older&sort=active"
        );
    }
}
