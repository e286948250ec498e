//! Protected people: left out of every ending unless somebody with the right takes them in.

use leptos::prelude::*;

use super::form;
use super::wire::AccessPage;
use crate::layout::Echo;
use crate::paths;
use crate::ui::{
    Button, ButtonKind, ColumnHead, Cut, Empty, Field, Icon, Note, Panel, Pick, TableCard, Tone, When,
};

/// The tab: the list, beside it the form for a new entry.
#[component]
pub fn Protected(
    /// The page's data.
    page: AccessPage,
) -> impl IntoView {
    let list = if page.protected.is_empty() {
        view! {
            <div class="card">
                <Empty icon=Icon::Lock fact="Nobody is protected">
                    <p>"Every session in somebody’s scope can be ended. Protect the last way in, at least."</p>
                </Empty>
            </div>
        }
        .into_any()
    } else {
        view! {
            <TableCard caption="Protected accounts" class="table-folds">
                <thead>
                    <tr>
                        <ColumnHead label="Account" />
                        <ColumnHead label="System" />
                        <ColumnHead label="Why" />
                        <ColumnHead label="Added by" />
                        <th scope="col">
                            <span class="unseen">"What to do"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {page
                        .protected
                        .into_iter()
                        .map(|row| {
                            view! {
                                <tr>
                                    <th scope="row">
                                        <Cut text=row.account />
                                    </th>
                                    <td data-label="System">
                                        <bdi>{row.system_name}</bdi>
                                    </td>
                                    <td class="why-cell" data-label="Why">
                                        <Cut text=row.reason />
                                    </td>
                                    <td data-label="Added by">
                                        <bdi>{row.added_by}</bdi>
                                        <span class="second block">
                                            <When at=row.added_at />
                                        </span>
                                    </td>
                                    <td>
                                        <form class="row-acts" method="post" action=paths::post::ACCESS>
                                            <input type="hidden" name=form::PROTECTED value=row.protected_id.0 />
                                            <Button
                                                name=form::ACT
                                                value="unprotect"
                                                kind=ButtonKind::DangerOutline
                                                small=true
                                            >
                                                "Stop protecting"
                                            </Button>
                                        </form>
                                    </td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </TableCard>
        }
        .into_any()
    };
    view! {
        <div class="beside">
            {list}
            <NewEntry systems=page.systems.into_iter().map(|(id, name)| (id.0, name)).collect() />
        </div>
    }
    .into_any()
}

/// The form for a new entry.
#[component]
fn NewEntry(
    /// Systems an account can be of.
    systems: Vec<(String, String)>,
) -> impl IntoView {
    let echo = Echo::of(paths::post::ACCESS, Some("protect"), &[]);
    let whole = echo.whole(&[form::ACCOUNT, form::REASON, form::SYSTEM]);
    let mut options = vec![(String::new(), "Every system".to_owned())];
    options.extend(systems);
    view! {
        <Panel title="Protect an account">
            <form class="form" method="post" action=paths::post::ACCESS>
                <input type="hidden" name=form::ACT value="protect" />
                {whole.map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> })}
                <Field
                    id="protect-account"
                    name=form::ACCOUNT
                    label="Account name"
                    value=echo.value_or(form::ACCOUNT, "")
                    hint="As the system knows it."
                    error=echo.error(form::ACCOUNT)
                    longest=200
                    required=true
                />
                <Pick
                    id="protect-system"
                    name=form::SYSTEM
                    label="System"
                    options=options
                    value=echo.value_or(form::SYSTEM, "")
                    error=echo.error(form::SYSTEM)
                />
                <Field
                    id="protect-why"
                    name=form::REASON
                    label="Why"
                    value=echo.value_or(form::REASON, "")
                    error=echo.error(form::REASON)
                    longest=500
                    required=true
                />
                <div class="buttons">
                    <Button kind=ButtonKind::Primary>"Protect account"</Button>
                </div>
            </form>
        </Panel>
    }
    .into_any()
}
