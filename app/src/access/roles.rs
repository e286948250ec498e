//! Roles: what each may do and what it takes, and the form for one's own.

use leptos::prelude::*;

use super::form;
use super::wire::{AccessPage, Permission, RoleRow};
use crate::layout::Echo;
use crate::paths;
use crate::ui::{
    Button, ButtonKind, Check, ColumnHead, Field, Glyph, Icon, Note, Panel, TableCard, Tag, Tone, counted,
};

/// The tab: the whole matrix, beside it the form for an own role.
#[component]
pub fn Roles(
    /// The page's data.
    page: AccessPage,
) -> impl IntoView {
    let own: Vec<RoleRow> = page.roles.iter().filter(|role| !role.built_in).cloned().collect();
    view! {
        <div class="beside">
            <div class="stack">
                <Matrix roles=page.roles />
                {own.iter().cloned().map(|role| view! { <OwnRole role=role /> }).collect_view()}
            </div>
            <RoleForm />
        </div>
    }
    .into_any()
}

/// Permissions by role.
#[component]
fn Matrix(
    /// The roles, built-in ones first.
    roles: Vec<RoleRow>,
) -> impl IntoView {
    let rows = Permission::ALL
        .into_iter()
        .map(|permission| {
            let cells = roles
                .iter()
                .map(|role| {
                    if role.permissions.contains(&permission) {
                        view! {
                            <td>
                                <Glyph icon=Icon::Check />
                                <span class="unseen">"yes"</span>
                            </td>
                        }
                        .into_any()
                    } else {
                        view! {
                            <td class="quiet">
                                <span aria-hidden="true">"–"</span>
                                <span class="unseen">"no"</span>
                            </td>
                        }
                        .into_any()
                    }
                })
                .collect_view();
            view! {
                <tr>
                    <th scope="row" class="plain">
                        {permission.label()}
                        {(!permission.hint().is_empty())
                            .then(|| view! { <span class="quiet">{format!(" {}", permission.hint())}</span> })}
                    </th>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    let factors = roles
        .iter()
        .cloned()
        .map(|role| view! { <AskFactor role=role /> })
        .collect_view();
    view! {
        <Panel title="What each role may do" padded=false>
            <TableCard caption="Permissions of each role" inside=true class="table-low">
                <thead>
                    <tr>
                        <ColumnHead label="Permission" />
                        {roles
                            .iter()
                            .map(|role| view! { <ColumnHead label=role.name.clone() /> })
                            .collect_view()}
                    </tr>
                </thead>
                <tbody>
                    {rows} <tr>
                        <th scope="row" class="plain">
                            "Needs a second factor"
                        </th>
                        {factors}
                    </tr>
                </tbody>
            </TableCard>
        </Panel>
    }
    .into_any()
}

/// Whether people with a role need a second factor, and the way to change that.
#[component]
fn AskFactor(
    /// The role.
    role: RoleRow,
) -> impl IntoView {
    let id = role.role_id.0.clone();
    let echo = Echo::of(paths::post::ACCESS, Some("ask-factor"), &[(form::ROLE, &id)]);
    let (now, words, needed) = match role.needs_second_factor {
        true => ("yes", "Ask no more", "no"),
        false => ("no", "Ask for it", "yes"),
    };
    view! {
        <td>
            <form class="role-factor" method="post" action=paths::post::ACCESS>
                <input type="hidden" name=form::ROLE value=id />
                <input type="hidden" name=form::NEEDED value=needed />
                <span>{now}</span>
                <Button name=form::ACT value="ask-factor" kind=ButtonKind::Quiet small=true>
                    {words}
                    <span class="unseen">{format!(": second factor for {}", role.name)}</span>
                </Button>
            </form>
            {echo.whole(&[]).map(|problem| view! { <p class="field-error" role="alert">{problem}</p> })}
        </td>
    }
    .into_any()
}

/// An own role: change it or remove it.
#[component]
fn OwnRole(
    /// The role.
    role: RoleRow,
) -> impl IntoView {
    let id = role.role_id.0.clone();
    let deleting = Echo::of(paths::post::ACCESS, Some("delete-role"), &[(form::ROLE, &id)]);
    let used = role.grants_in_force;
    let blocked = (used > 0).then(|| format!("{} still use it.", counted(used, "grant", "grants")));
    let editing = Echo::of(paths::post::ACCESS, Some("save-role"), &[(form::ROLE, &id)]);
    let refused = editing.is_some();
    view! {
        <section class="card own-role">
            <div class="page-head">
                <h3>
                    <bdi>{role.name.clone()}</bdi>
                </h3>
                <Tag>"own role"</Tag>
                <form class="page-tools" method="post" action=paths::post::ACCESS>
                    <input type="hidden" name=form::ROLE value=id />
                    <Button
                        name=form::ACT
                        value="delete-role"
                        kind=ButtonKind::DangerOutline
                        small=true
                        blocked=blocked
                    >
                        "Remove role"
                    </Button>
                </form>
            </div>
            {deleting.whole(&[]).map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> })}
            <details open=refused>
                <summary class="link-btn">"Change it"</summary>
                <RoleFields echo=editing role=Some(role) />
            </details>
        </section>
    }
    .into_any()
}

/// The form for a new role.
#[component]
fn RoleForm() -> impl IntoView {
    let echo = Echo::of(paths::post::ACCESS, Some("save-role"), &[(form::ROLE, "")]);
    view! {
        <Panel title="New role">
            <RoleFields echo=echo role=None />
        </Panel>
    }
    .into_any()
}

/// Name and permissions of a new or an own role.
#[component]
fn RoleFields(
    /// The refused form, if it was this one.
    echo: Echo,
    /// The role to change; `None` = a new one.
    role: Option<RoleRow>,
) -> impl IntoView {
    let id = role
        .as_ref()
        .map(|role| role.role_id.0.clone())
        .unwrap_or_default();
    let name = role.as_ref().map(|role| role.name.clone()).unwrap_or_default();
    let mark = if id.is_empty() {
        "new".to_owned()
    } else {
        id.clone()
    };
    let words = if id.is_empty() { "Add role" } else { "Save role" };
    let whole = echo.whole(&[form::NAME, form::PERMISSIONS]);
    let boxes = Permission::ALL
        .map(|permission| {
            let has = role
                .as_ref()
                .is_some_and(|role| role.permissions.contains(&permission));
            view! {
                <Check
                    id=format!("role-{mark}-{}", permission.name())
                    name=form::PERMISSIONS
                    value=permission.name()
                    label=permission.label()
                    hint=permission.hint()
                    checked=echo.ticked(form::PERMISSIONS, permission.name(), has)
                />
            }
        })
        .collect_view();
    view! {
        <form class="form" method="post" action=paths::post::ACCESS>
            <input type="hidden" name=form::ACT value="save-role" />
            <input type="hidden" name=form::ROLE value=id />
            {whole.map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> })}
            <Field
                id=format!("role-{mark}-name")
                name=form::NAME
                label="Name"
                value=echo.value_or(form::NAME, name)
                error=echo.error(form::NAME)
                longest=60
                required=true
            />
            <fieldset class="checks">
                <legend class="group-label">"What it allows"</legend>
                {echo
                    .error(form::PERMISSIONS)
                    .map(|problem| {
                        view! {
                            <p class="field-error" role="alert">
                                {problem}
                            </p>
                        }
                    })}
                {boxes}
            </fieldset>
            <div class="buttons">
                <Button kind=ButtonKind::Primary>{words}</Button>
            </div>
        </form>
    }
    .into_any()
}
