//! Views beside the heading of the list: all, the saved ones, and a form that saves what is shown.

use leptos::prelude::*;

use super::form;
use super::wire::{SavedView, Views};
use crate::layout::Echo;
use crate::paths;
use crate::sessions::query::SessionQuery;
use crate::ui::{Button, ButtonKind, Check, Field, Glyph, Icon, Note, Pick, Tone};

/// Views that stand beside the heading; the others are in the menu.
const IN_A_ROW: usize = 4;

/// The query string a view of this list keeps: no page, no selection.
pub fn kept(query: &SessionQuery) -> String {
    SessionQuery {
        selection: None,
        ..query.first_page()
    }
    .to_query_string()
}

/// "Only me", then every role one may share with.
pub fn sharing(views: &Views) -> Vec<(String, String)> {
    std::iter::once((String::new(), "Only me".to_owned()))
        .chain(views.roles.iter().map(|(id, name)| (id.0.clone(), name.clone())))
        .collect()
}

/// The views.
#[component]
pub fn ViewsMenu(
    /// What the person finds.
    views: Views,
    /// The list as it is shown; `None` = its address was not understood, so that there is nothing to save.
    query: Option<SessionQuery>,
) -> impl IntoView {
    let here = query.as_ref().map(kept);
    let link = |view: &SavedView| {
        let current = here.as_deref() == Some(view.query.as_str());
        let id = view.view_id.0.clone();
        view! {
            <a class="view-link" href=paths::sessions(&view.query) aria-current=current.then_some("page")>
                <bdi>{view.name.clone()}</bdi>
                // Script brings the number in when the page is there.
                <span class="view-count" data-view-count=id></span>
            </a>
        }
    };
    let row = views.views.iter().take(IN_A_ROW).map(link).collect_view();
    let more = (views.views.len() > IN_A_ROW).then(|| {
        let rest = views.views.iter().skip(IN_A_ROW).map(link).collect_view();
        view! {
            <details class="menu menu-start">
                <summary class="view-link">
                    {format!("{} more", views.views.len() - IN_A_ROW)} <Glyph icon=Icon::Chevron />
                </summary>
                <div class="menu-list">{rest}</div>
            </details>
        }
    });
    let all = here.as_deref() == Some("");
    view! {
        <nav class="views" aria-label="Views">
            <a class="view-link" href=paths::SESSIONS aria-current=all.then_some("page")>
                "All"
            </a>
            {row}
            {more}
            {query.map(|query| view! { <SaveView views=views query=query /> })}
        </nav>
    }
    .into_any()
}

/// The form that keeps what is shown.
#[component]
fn SaveView(views: Views, query: SessionQuery) -> impl IntoView {
    let kept = kept(&query);
    let echo = Echo::of(paths::post::VIEWS, Some("save"), &[]);
    let whole = echo.whole(&[form::NAME, form::ROLE]);
    let role = echo.value_or(form::ROLE, "");
    let any = !views.views.is_empty();
    view! {
        <details class="menu menu-start" open=echo.is_some()>
            <summary class="icon-btn" aria-label="Save this view">
                <Glyph icon=Icon::Plus />
            </summary>
            <form class="menu-list menu-form form" method="post" action=paths::post::VIEWS>
                <input type="hidden" name=form::ACT value="save" />
                <input type="hidden" name=form::QUERY value=kept.clone() />
                <input type="hidden" name=form::NEXT value=paths::sessions(&kept) />
                {whole.map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> })}
                <Field
                    id="view-name"
                    name=form::NAME
                    label="Save this view as"
                    value=echo.value_or(form::NAME, "")
                    error=echo.error(form::NAME)
                    hint="Filters, search, sort: the address of this list."
                    longest=60
                    required=true
                />
                <Pick
                    id="view-role"
                    name=form::ROLE
                    label="Who finds it"
                    options=sharing(&views)
                    value=role
                    error=echo.error(form::ROLE)
                    hint="Everybody sees in it what their own grants show."
                />
                <Check
                    id="view-start"
                    name=form::START
                    value="1"
                    label="Start here"
                    checked=echo.ticked(form::START, "1", false)
                />
                <div class="buttons">
                    <Button kind=ButtonKind::Primary small=true>
                        "Save view"
                    </Button>
                    {any.then(|| view! { <a href=paths::VIEWS>"All saved views"</a> })}
                </div>
            </form>
        </details>
    }
    .into_any()
}
