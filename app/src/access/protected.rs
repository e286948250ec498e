//! Protected people: left out of every ending unless somebody with the right takes them in.

use leptos::prelude::*;

use super::form;
use super::grants::choice;
use super::wire::AccessPage;
use crate::layout::Echo;
use crate::paths;
use crate::ui::{
    Button, ButtonKind, Check, ColumnHead, Cut, Empty, Field, Icon, Note, Panel, Pick, TableCard, Tone, When,
};

/// The tab: the list, beside it the form for a new entry.
#[component]
pub fn Protected(
    /// The page's data.
    page: AccessPage,
) -> impl IntoView {
    let listed = page.protected.clone();
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
                    {listed
                        .into_iter()
                        .map(|row| {
                            view! {
                                <tr>
                                    <th scope="row">
                                        <Cut text=row.who_words />
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
            <NewEntry page=page />
        </div>
    }
    .into_any()
}

/// The form for a new entry.
#[component]
fn NewEntry(
    /// The page's data.
    page: AccessPage,
) -> impl IntoView {
    let echo = Echo::of(paths::post::ACCESS, Some("protect"), &[]);
    let shown = [
        form::WHO,
        form::ACCOUNT,
        form::DOMAIN,
        form::GROUP,
        form::ROLE,
        form::REASON,
        form::SYSTEM,
    ];
    let whole = echo.whole(&shown);
    let who = echo.value_or(form::WHO, "account");
    let kind = move |value: &'static str, label: &'static str| {
        let chosen = who == value;
        view! {
            <Check
                id=format!("protect-{value}")
                name=form::WHO
                value=value
                label=label
                radio=true
                checked=chosen
            />
        }
    };
    let systems = choice(
        "Every system",
        page.systems.into_iter().map(|(id, name)| (id.0, name)),
    );
    let groups = choice(
        "Choose a group",
        page.groups.into_iter().map(|g| (g.group_id.0, g.name)),
    );
    let roles = choice(
        "Choose a role",
        page.roles.into_iter().map(|r| (r.role_id.0, r.name)),
    );
    view! {
        <Panel title="Protect people">
            <form class="form" method="post" action=paths::post::ACCESS>
                <input type="hidden" name=form::ACT value="protect" />
                {whole.map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> })}
                <fieldset class="checks protect-who">
                    <legend class="group-label">"Whom"</legend>
                    {kind("account", "One account")}
                    <div class="below-check who-account">
                        <Field
                            id="protect-name"
                            name=form::ACCOUNT
                            label="Account name"
                            value=echo.value_or(form::ACCOUNT, "")
                            hint="As the system knows it."
                            error=echo.error(form::ACCOUNT)
                            longest=200
                        />
                    </div>
                    {kind("domain", "Everybody at a mail domain")}
                    <div class="below-check who-domain">
                        <Field
                            id="protect-at"
                            name=form::DOMAIN
                            label="Mail domain"
                            value=echo.value_or(form::DOMAIN, "")
                            hint="As example.org."
                            error=echo.error(form::DOMAIN)
                            longest=200
                        />
                    </div>
                    {kind("group", "A group")}
                    <div class="below-check who-group">
                        <Pick
                            id="protect-group-of"
                            name=form::GROUP
                            label="Group"
                            options=groups
                            value=echo.value_or(form::GROUP, "")
                            error=echo.error(form::GROUP)
                        />
                    </div>
                    {kind("role", "Who signs in here with a role")}
                    <div class="below-check who-role">
                        <Pick
                            id="protect-role-of"
                            name=form::ROLE
                            label="Role"
                            options=roles
                            value=echo.value_or(form::ROLE, "")
                            error=echo.error(form::ROLE)
                        />
                    </div>
                </fieldset>
                <Pick
                    id="protect-system"
                    name=form::SYSTEM
                    label="System"
                    options=systems
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
                    <Button kind=ButtonKind::Primary>"Protect"</Button>
                </div>
            </form>
        </Panel>
    }
    .into_any()
}
