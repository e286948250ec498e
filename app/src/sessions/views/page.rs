//! The page of saved views: what each means now, and its name, sharing and start looked after.

use leptos::prelude::*;

use super::form;
use super::menu::sharing;
use super::wire::{SavedView, Views, ViewsPage as Page};
use crate::layout::{Crumbs, Echo, PageHead, loaded};
use crate::paths;
use crate::ui::{
    Button, ButtonKind, Clock, ColumnHead, Empty, Field, Icon, LinkButton, Pick, TableCard, Tag, count_text,
};
use crate::wire::Count;

/// The page.
#[component]
pub fn ViewsPage() -> impl IntoView {
    loaded(
        |b| async move { b.views.views_page().await },
        |page: Page| {
            Clock::here().set(page.now);
            view! { <Shown page=page /> }.into_any()
        },
    )
}

#[component]
fn Shown(page: Page) -> impl IntoView {
    let views = page.views;
    let list = if views.views.is_empty() {
        view! {
            <div class="card">
                <Empty icon=Icon::Filter fact="No saved views">
                    <p>"Filter the list of sessions, then save it under a name with the plus beside its heading."</p>
                    <LinkButton href=paths::SESSIONS>"To the list"</LinkButton>
                </Empty>
            </div>
        }
        .into_any()
    } else {
        let rows = views
            .views
            .iter()
            .zip(page.counts)
            .map(|(view, count)| view! { <Row view=view.clone() count=count views=views.clone() /> })
            .collect_view();
        view! {
            <TableCard caption="Saved views of the list of sessions" class="table-folds">
                <thead>
                    <tr>
                        <ColumnHead label="View" />
                        <ColumnHead label="Sessions now" number=true />
                        <ColumnHead label="Who finds it" />
                        <th scope="col">
                            <span class="unseen">"What to do"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
        }
        .into_any()
    };
    view! {
        <Crumbs first="Sessions" href=paths::SESSIONS second="Saved views" />
        <PageHead title="Saved views" />
        <div class="stack">
            {list}
            <p class="soft">
                "A view is an address. It shows everybody what their own grants show, and sharing it gives nobody a right."
            </p>
        </div>
    }
    .into_any()
}

#[component]
fn Row(view: SavedView, count: Option<Count>, views: Views) -> impl IntoView {
    let id = view.view_id.0.clone();
    let finds = match (&view.shared_with, view.own) {
        (None, _) => "Only you".to_owned(),
        (Some((_, role)), true) => format!("You and everybody with the role {role}"),
        (Some((_, role)), false) => format!("Shared by {} with the role {role}", view.owner_name),
    };
    let (start, label) = match view.start {
        true => ("no-start", "Start with the plain list"),
        false => ("start", "Start here"),
    };
    let own = view.own.then(|| view! { <Look view=view.clone() views=views /> });
    view! {
        <tr>
            <th scope="row">
                <a href=paths::sessions(&view.query)>
                    <bdi>{view.name.clone()}</bdi>
                </a>
                {view.start.then(|| view! { " " <Tag>"Start page"</Tag> })}
            </th>
            <td class="num" data-label="Sessions now">
                <span data-view-count=id.clone()>
                    {match count {
                        Some(count) => count_text(count),
                        None => "needs more rights".to_owned(),
                    }}
                </span>
            </td>
            <td data-label="Who finds it">{finds}</td>
            <td>
                <form class="row-acts" method="post" action=paths::post::VIEWS>
                    <input type="hidden" name=form::VIEW value=id />
                    <input type="hidden" name=form::NEXT value=paths::VIEWS />
                    <Button name=form::ACT value=start small=true>
                        {label}
                    </Button>
                </form>
                {own}
            </td>
        </tr>
    }
    .into_any()
}

/// Name, sharing and deletion of one's own view.
#[component]
fn Look(view: SavedView, views: Views) -> impl IntoView {
    let id = view.view_id.0.clone();
    let echo = Echo::of(paths::post::VIEWS, Some("edit"), &[(form::VIEW, &id)]);
    let role = view.shared_with.map(|(role, _)| role.0).unwrap_or_default();
    let mut options = sharing(&views);
    if !options.iter().any(|(key, _)| *key == role) {
        // A role one lost meanwhile: it stays until somebody chooses another.
        options.push((role.clone(), "As it is now".to_owned()));
    }
    view! {
        <details class="drop drop-end" open=echo.is_some()>
            <summary class="btn btn-small">"Change"</summary>
            <div class="drop-body form">
                <form class="form" method="post" action=paths::post::VIEWS>
                    <input type="hidden" name=form::ACT value="edit" />
                    <input type="hidden" name=form::VIEW value=id.clone() />
                    <input type="hidden" name=form::NEXT value=paths::VIEWS />
                    <Field
                        id=format!("name-{id}")
                        name=form::NAME
                        label="Name"
                        value=echo.value_or(form::NAME, view.name.clone())
                        error=echo.error(form::NAME)
                        longest=60
                        required=true
                    />
                    <Pick
                        id=format!("role-{id}")
                        name=form::ROLE
                        label="Who finds it"
                        options=options
                        value=echo.value_or(form::ROLE, role)
                        error=echo.error(form::ROLE)
                    />
                    <Button kind=ButtonKind::Primary small=true>
                        "Save"
                    </Button>
                </form>
                // Asked twice: the first press only opens the second.
                <details>
                    <summary class="link-btn">"Delete this view…"</summary>
                    <form class="row-acts" method="post" action=paths::post::VIEWS>
                        <input type="hidden" name=form::VIEW value=id />
                        <input type="hidden" name=form::NEXT value=paths::VIEWS />
                        <Button name=form::ACT value="delete" kind=ButtonKind::DangerOutline small=true>
                            {format!("Delete “{}”", view.name)}
                        </Button>
                    </form>
                </details>
            </div>
        </details>
    }
    .into_any()
}
