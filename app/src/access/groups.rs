//! Groups of accounts, for scopes and the protected list.

use leptos::prelude::*;

use super::form;
use super::wire::{AccessPage, GroupRow};
use crate::layout::Echo;
use crate::paths;
use crate::ui::{
    Button, ButtonKind, ColumnHead, Empty, Field, Icon, Note, Panel, TableCard, TextArea, Tone, When,
    counted, thousands,
};

/// The tab: all groups, beside them the form that brings one in.
#[component]
pub fn Groups(
    /// The page's data.
    page: AccessPage,
) -> impl IntoView {
    let list = if page.groups.is_empty() {
        view! {
            <div class="card">
                <Empty icon=Icon::Shield fact="No groups">
                    <p>"Bring in a list of accounts, then give grants for it or protect it."</p>
                </Empty>
            </div>
        }
        .into_any()
    } else {
        view! {
            <TableCard caption="Groups of accounts" class="table-folds">
                <thead>
                    <tr>
                        <ColumnHead label="Group" />
                        <ColumnHead label="Accounts" number=true />
                        <ColumnHead label="Used by" />
                        <ColumnHead label="List of" />
                        <th scope="col">
                            <span class="unseen">"What to do"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {page.groups.into_iter().map(|group| view! { <Row group=group /> }).collect_view()}
                </tbody>
            </TableCard>
        }
        .into_any()
    };
    view! {
        <div class="beside">
            {list}
            <Import />
        </div>
    }
    .into_any()
}

/// One group.
#[component]
fn Row(
    /// The group.
    group: GroupRow,
) -> impl IntoView {
    let id = group.group_id.0;
    let echo = Echo::of(paths::post::ACCESS, Some("delete-group"), &[(form::GROUP, &id)]);
    view! {
        <tr>
            <th scope="row">
                <bdi>{group.name}</bdi>
            </th>
            <td class="num" data-label="Accounts">{thousands(group.members)}</td>
            <td data-label="Used by">
                {match group.used {
                    0 => view! { <span class="quiet">"nothing"</span> }.into_any(),
                    n => counted(n, "grant or entry", "grants and entries").into_any(),
                }}
            </td>
            <td data-label="List of">
                <bdi>{group.changed_by}</bdi>
                <span class="second block">
                    <When at=group.changed_at />
                </span>
            </td>
            <td>
                <form class="row-acts" method="post" action=paths::post::ACCESS>
                    <input type="hidden" name=form::GROUP value=id />
                    <Button name=form::ACT value="delete-group" kind=ButtonKind::DangerOutline small=true>
                        "Delete"
                    </Button>
                </form>
                {echo
                    .whole(&[])
                    .map(|problem| {
                        view! {
                            <p class="field-error" role="alert">
                                {problem}
                            </p>
                        }
                    })}
            </td>
        </tr>
    }
    .into_any()
}

/// The form that makes a group, or replaces its list.
#[component]
fn Import() -> impl IntoView {
    let echo = Echo::of(paths::post::ACCESS, Some("import-group"), &[]);
    let whole = echo.whole(&[form::NAME, form::ACCOUNTS]);
    view! {
        <Panel title="Bring in a group">
            <form class="form" method="post" action=paths::post::ACCESS>
                <input type="hidden" name=form::ACT value="import-group" />
                {whole.map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> })}
                <Field
                    id="group-name"
                    name=form::NAME
                    label="Name"
                    value=echo.value_or(form::NAME, "")
                    hint="Of a group that is there already: its list is replaced."
                    error=echo.error(form::NAME)
                    longest=100
                    required=true
                />
                <TextArea
                    id="group-accounts"
                    name=form::ACCOUNTS
                    label="Account names"
                    value=echo.value_or(form::ACCOUNTS, "")
                    hint="One per line, all of them. The same name counts in every system."
                    error=echo.error(form::ACCOUNTS)
                    longest=2_000_000
                />
                <div class="buttons">
                    <Button kind=ButtonKind::Primary>"Save group"</Button>
                </div>
            </form>
        </Panel>
    }
    .into_any()
}
