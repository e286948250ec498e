//! Filters of the log: one GET form, so that the address says it all.

use leptos::prelude::*;

use super::wire::AuditPage;
use crate::civil::Civil;
use crate::error::FieldProblem;
use crate::paths;
use crate::ui::{Button, ButtonKind, ClearFilters, Clock, Field, Glyph, Icon, MoreFilters, Pick};
use crate::wire::Timestamp;

/// Search, and behind it who, what, where, how and when.
#[component]
pub fn Filters(
    /// The page's data.
    page: AuditPage,
    /// Parts that were not understood.
    problems: Vec<FieldProblem>,
) -> impl IntoView {
    let offset = Clock::here().offset_min();
    let query = page.query.clone();
    let set = query.filters();
    let more = set - usize::from(!query.text.is_empty());
    let open = more > 0 || !problems.is_empty();
    let error = move |field: &str| {
        problems
            .iter()
            .find(|p| p.field == field)
            .map(|p| p.message.clone())
    };
    let time = move |at: Option<Timestamp>| at.map(|at| Civil::at(at, offset).field()).unwrap_or_default();
    let ending = if query.ending_no > 0 {
        query.ending_no.to_string()
    } else {
        String::new()
    };
    let results = [
        ("ok", "Done"),
        ("refused", "Not allowed"),
        ("failed", "Failed"),
        ("unknown", "Unknown"),
    ];
    view! {
        <form class="audit-filters" method="get" action=paths::AUDIT role="search">
            <div class="search-row">
                <div class="search">
                    <Glyph icon=Icon::Search />
                    <input
                        class="input"
                        type="search"
                        name="q"
                        value=query.text
                        aria-label="Search in target, reason, ticket and account"
                        placeholder="Search in target, reason, ticket, account"
                        autocomplete="off"
                    />
                </div>
                <Button kind=ButtonKind::Plain>"Search"</Button>
            </div>
            <MoreFilters set=more open=open>
                <Field id="f-who" name="who" label="Who" value=query.who error=error("who") />
                <Pick id="f-action" name="action" label="Did what" options=any(page.actions) value=query.action />
                <Pick
                    id="f-system"
                    name="system"
                    label="System"
                    options=any(page.systems.into_iter().map(|(id, name)| (id.0, name)).collect())
                    value=query.system
                />
                <Pick
                    id="f-result"
                    name="result"
                    label="Result"
                    options=any(results.map(|(a, b)| (a.to_owned(), b.to_owned())).to_vec())
                    value=query.result
                    error=error("result")
                />
                <Field
                    id="f-ending"
                    name="ending"
                    label="Ending"
                    value=ending
                    inputmode="numeric"
                    error=error("ending")
                />
                <Field
                    id="f-from"
                    name="from"
                    label="From"
                    kind="datetime-local"
                    value=time(query.from)
                    error=error("from")
                />
                <Field
                    id="f-until"
                    name="until"
                    label="Until"
                    kind="datetime-local"
                    value=time(query.until)
                    error=error("until")
                />
                <div class="filter-buttons">
                    <Button kind=ButtonKind::Primary>"Show"</Button>
                </div>
            </MoreFilters>
            <ClearFilters set=set href=paths::AUDIT />
        </form>
    }
    .into_any()
}

/// Choices with "Any" first.
fn any(rest: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut all = vec![(String::new(), "Any".to_owned())];
    all.extend(rest);
    all
}
