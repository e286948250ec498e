//! Search, filters and their chips: GET forms and links, so that the address says everything and no script is needed.

use leptos::prelude::*;

use super::chips::{Chip, chips};
use super::form::{
    BACK, CHIPS, FILTER_FIELDS, FILTER_FOLD, FILTER_FORM, OPEN, RAW_ID, SEARCH, SEL, SUGGESTIONS,
    list_address,
};
use super::open::{Opened, ValueCount, field_id};
use super::paste::PasteForm;
use super::query::SortKey;
use super::query::words::WORDS;
use super::wire::{SessionKind, SessionState, SessionsPage};
use crate::error::FieldProblem;
use crate::layout::Echo;
use crate::paths;
use crate::ui::{Button, ButtonKind, Clock, Glyph, Icon, clear_filters};
use crate::wire::{Direction, SelectionId};

/// What the address or form said, by name, so that a bad value can be shown again as it was typed.
#[derive(Clone)]
struct Typed(Vec<(String, String)>);

impl Typed {
    fn value(&self, name: &str) -> String {
        let pair = self.0.iter().find(|(n, _)| n == name);
        pair.map(|(_, v)| v.clone()).unwrap_or_default()
    }

    fn all(&self, name: &str) -> Vec<String> {
        let pairs = self.0.iter().filter(|(n, v)| n == name && !v.is_empty());
        pairs.map(|(_, v)| v.clone()).collect()
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
    /// The filter that stands open.
    opened: Opened,
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
    let folded_out = in_filters || opened.field.is_some();
    let kept: Vec<(String, String)> = typed
        .0
        .iter()
        .filter(|(n, v)| is_kept(n) && !v.is_empty())
        .cloned()
        .collect();
    view! {
        <search class="search-row">
            <form class="filter-form" method="get" action=paths::SESSIONS id=FILTER_FORM>
                <div class="search">
                    <Glyph icon=Icon::Search />
                    <label class="unseen" for="q">
                        "Search sessions"
                    </label>
                    <input
                        id=SEARCH
                        class="input"
                        name="q"
                        type="search"
                        value=search
                        placeholder="Search people, user names, IP, or user:ann idle:>8h -system:domo"
                        autocomplete="off"
                        spellcheck="false"
                        maxlength="500"
                        aria-describedby=(!problems.is_empty()).then_some("q-problems")
                        aria-invalid=bad.then_some("true")
                    />
                    <button class="btn btn-small btn-quiet search-go">"Search"</button>
                    <ul id=SUGGESTIONS class="suggest" role="listbox" aria-label="To go on with" hidden></ul>
                </div>
                <SearchWords />
                <details id=FILTER_FOLD class="drop" open=folded_out>
                    <summary class="btn facet-btn">
                        <Glyph icon=Icon::Filter />
                        <span>"Filters"</span>
                        {(count > 0).then(|| view! { <b>{count}</b> })}
                    </summary>
                    <FilterFields page=page.clone() opened=opened typed=typed.clone() problems=problems.clone() />
                </details>
                <input type="hidden" name=SEL value=sel.map(|s| s.0).unwrap_or_default() />
                {kept
                    .into_iter()
                    .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
                    .collect_view()}
            </form>
            <FindById back=page.query.to_query_string() />
            <PasteForm back=page.query.to_query_string() />
        </search>
        {(!problems.is_empty()).then(|| view! { <Problems problems=problems /> })}
    }
    .into_any()
}

/// What of the list the form has no field for and carries along.
fn is_kept(name: &str) -> bool {
    name.starts_with("not.")
        || [
            "past",
            "over",
            "never_idle",
            "key",
            "account",
            "subject",
            "group",
            "cols",
        ]
        .contains(&name)
}

/// The words of the search box with what they find.
#[component]
fn SearchWords() -> impl IntoView {
    let lines = WORDS
        .iter()
        .map(|word| {
            view! {
                <div>
                    <dt>
                        <code>{word.example}</code>
                    </dt>
                    <dd>{word.says}</dd>
                </div>
            }
        })
        .collect_view();
    view! {
        <details class="drop">
            <summary class="btn facet-btn">"What to type"</summary>
            <div class="drop-body search-words">
                <p>
                    "Words are looked for in names, user names, mail, IP addresses and the ends of ids; every one must occur. "
                    "These are filters:"
                </p>
                <dl>{lines}</dl>
                <p class="field-hint">
                    "A comma means either, a minus in front leaves out, quotes keep words together: user:\"Ann Smith\". "
                    "Lengths are 15min, 8h, 2d; moments 2026-11-21 or 2026-11-21T08:00."
                </p>
            </div>
        </details>
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
                Some(ms) if ["started", "active", "idle_ends", "ends", "at"].contains(&name) => {
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
                                // A part of the search box names itself.
                                {(problem.field != "q").then(|| view! { <b>{problem.field}</b> ": " })}
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
    /// The filter that stands open.
    opened: Opened,
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
    // Sites that are chosen stay to be taken off, whether they were counted or not.
    let mut sites = typed.all("site");
    for facet in opened.facets.iter().filter(|facet| facet.field == "site") {
        for value in &facet.values {
            if !value.value.is_empty() && !sites.contains(&value.value) {
                sites.push(value.value.clone());
            }
        }
    }
    let sites: Vec<_> = sites.into_iter().map(|site| (site.clone(), site)).collect();
    let some_sites = opened
        .facets
        .iter()
        .find(|facet| facet.field == "site")
        .and_then(|facet| facet.looked_at);
    let focus = opened.field.clone().unwrap_or_default();
    // Without script nothing is counted until it is asked for.
    let count_link = opened.facets.is_empty().then(|| {
        let mut pairs = page.query.first_page().to_pairs();
        pairs.push((OPEN, "filters".to_owned()));
        view! {
            <a class="btn btn-quiet" href=paths::sessions(&paths::query_string(&pairs))>
                "Count each value"
            </a>
        }
    });
    let length = "15m, 8h, 2d, or 2026-11-21T03:12";
    let sort_name = page.query.sort.name();
    let ascending = page.query.direction == Direction::Ascending;
    view! {
        <div id=FILTER_FIELDS class="drop-body filters">
            <div class="filter-boxes">
                <Boxes legend="System" name="system" options=systems typed=typed.clone() opened=opened.clone() />
                <Boxes legend="Kind (guests only where ticked)" name="kind" options=kinds typed=typed.clone() opened=opened.clone() />
                <Boxes legend="State (live unless ticked)" name="state" options=states.to_vec() typed=typed.clone() opened=opened.clone() />
                {(!sites.is_empty())
                    .then(|| view! { <Boxes legend="Site" name="site" options=sites typed=typed.clone() opened=opened.clone() /> })}
                {some_sites
                    .map(|rows| {
                        view! {
                            <p class="field-hint">
                                {format!("Sites of the {} sessions active last.", crate::ui::thousands(rows))}
                            </p>
                        }
                    })}
            </div>
            <div class="filter-boxes">
                <Boxes
                    legend="Policy"
                    name="earlier"
                    options=vec![("1".to_owned(), "Began under an earlier policy".to_owned())]
                    typed=typed.clone()
                    opened=opened.clone()
                />
            </div>
            <div class="filter-pairs">
                <Compared label="Person" name="person" ops=text_ops.to_vec() hint="name, user name or mail" typed=typed.clone() focus=focus.clone() error=error("person") />
                <Compared label="Session id ends" name="session" ops=text_ops.to_vec() hint="last 4 characters" typed=typed.clone() focus=focus.clone() error=error("session") />
                <Compared label="IP address or network" name="ip" ops=Vec::new() hint="10.0.0.7 or 10.0.0.0/8" typed=typed.clone() focus=focus.clone() error=error("ip") />
                <Compared label="Browser" name="browser" ops=text_ops.to_vec() hint="Firefox" typed=typed.clone() focus=focus.clone() error=error("browser") />
                <Compared label="Operating system" name="os" ops=text_ops.to_vec() hint="Windows" typed=typed.clone() focus=focus.clone() error=error("os") />
                <Compared label="Started" name="started" ops=past_ops.to_vec() hint=length typed=typed.clone() focus=focus.clone() error=error("started") />
                <Compared label="Last activity" name="active" ops=idle_ops.to_vec() hint=length typed=typed.clone() focus=focus.clone() error=error("active") />
                <Compared label="Idle ends" name="idle_ends" ops=end_ops.to_vec() hint=length typed=typed.clone() focus=focus.clone() error=error("idle_ends") />
                <Compared label="Ends at latest" name="ends" ops=end_ops.to_vec() hint=length typed=typed.clone() focus=focus.clone() error=error("ends") />
                <Compared label="As of (who was on then)" name="at" ops=Vec::new() hint="2026-11-21T14:05" typed=typed.clone() focus=focus.clone() error=error("at") />
                <Compared label="Another site" name="site" ops=Vec::new() hint="its name" typed=Typed(Vec::new()) focus=String::new() error=error("site") />
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
                {count_link}
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
    /// The filter that stands open.
    opened: Opened,
) -> impl IntoView {
    let focus = opened.field.as_deref() == Some(name);
    view! {
        <fieldset class="filter-group" id=field_id(name)>
            <legend>{legend}</legend>
            {options
                .into_iter()
                .enumerate()
                .map(|(at, (value, words))| {
                    let checked = typed.holds(name, &value);
                    let count = opened.count(name, &value);
                    view! {
                        <label class="filter-box">
                            <input type="checkbox" name=name value=value checked=checked autofocus=focus && at == 0 />
                            <bdi>{words}</bdi>
                            <ValueCount count=count />
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
    /// The filter that stands open.
    focus: String,
    error: Option<String>,
) -> impl IntoView {
    let id = if label == "Another site" {
        "f-other-site".to_owned()
    } else {
        field_id(name)
    };
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
                    maxlength="8000"
                    autofocus=focus == name
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
                    {clear_filters(count)}
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
