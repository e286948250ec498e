//! Grants: a role, a scope, until when, by whom and why.

use leptos::prelude::*;

use super::form;
use super::scope::{EffectNote, ForWhom, WhereItCounts};
use super::wire::{AccessPage, GrantRow, People, Permission, RoleRow, Scope};
use crate::layout::Echo;
use crate::paths;
use crate::ui::{
    Button, ButtonKind, ColumnHead, Cut, Empty, Ends, Field, Icon, Note, Panel, Person, Pick, Remaining,
    TableCard, Tag, Tone, When,
};
use crate::wire::Timestamp;

/// The tab: all grants, beside them the form for a new one.
#[component]
pub fn Grants(
    /// The page's data.
    page: AccessPage,
) -> impl IntoView {
    let now = page.now;
    let me = page.me.clone();
    let grants = page.grants.clone();
    view! {
        <div class="beside">
            {if grants.is_empty() {
                view! {
                    <div class="card">
                        <Empty icon=Icon::Shield fact="No grants">
                            <p>"Nobody may do anything. Give the first grant with the form."</p>
                        </Empty>
                    </div>
                }
                    .into_any()
            } else {
                view! {
                    <TableCard caption="Grants in force and expired ones" class="table-folds">
                        <thead>
                            <tr>
                                <ColumnHead label="Who" />
                                <ColumnHead label="Role" />
                                <ColumnHead label="Scope" />
                                <ColumnHead label="Ends" />
                                <ColumnHead label="Given by" />
                                <ColumnHead label="Why" />
                                <th scope="col">
                                    <span class="unseen">"What to do"</span>
                                </th>
                            </tr>
                        </thead>
                        <tbody>
                            {grants
                                .into_iter()
                                .map(|grant| {
                                    let mine = grant.operator_id == me;
                                    view! { <Row grant=grant mine=mine now=now /> }
                                })
                                .collect_view()}
                        </tbody>
                    </TableCard>
                }
                    .into_any()
            }}
            <NewGrantForm page=page />
        </div>
    }
    .into_any()
}

/// One grant.
#[component]
fn Row(
    /// The grant.
    grant: GrantRow,
    /// It is the signed-in person's own.
    mine: bool,
    /// The server's clock.
    now: Timestamp,
) -> impl IntoView {
    let id = grant.grant_id.0.clone();
    let echo = Echo::of(paths::post::ACCESS, Some("revoke"), &[(form::GRANT, &id)]);
    let login = if mine {
        format!("{}, you", grant.operator_login)
    } else {
        grant.operator_login
    };
    let over = grant.expires_at.is_some_and(|at| at <= now);
    let in_full = scope_in_full(&grant.scope);
    view! {
        <tr>
            <th scope="row">
                <Person name=grant.operator_name login=login />
            </th>
            <td data-label="Role">
                <bdi>{grant.role_name}</bdi>
            </td>
            <td data-label="Scope">
                <span class="tip" data-tip=in_full.clone() tabindex=in_full.map(|_| "0")>
                    <Tag>
                        <bdi>{grant.scope_words}</bdi>
                    </Tag>
                </span>
            </td>
            <td class="nowrap" data-label="Ends">
                {match grant.expires_at {
                    None => view! { <span class="quiet">"no end"</span> }.into_any(),
                    Some(_) if over => view! { <Tag>"expired"</Tag> }.into_any(),
                    Some(at) => view! { <Remaining ends=Ends::At(at) /> }.into_any(),
                }}
            </td>
            <td data-label="Given by">
                <bdi>{grant.granted_by}</bdi>
                <span class="second block">
                    <When at=grant.granted_at />
                </span>
            </td>
            <td class="why-cell" data-label="Why">
                <Cut text=grant.reason />
            </td>
            <td>
                <form class="row-acts" method="post" action=paths::post::ACCESS>
                    <input type="hidden" name=form::GRANT value=id />
                    <Button name=form::ACT value="revoke" kind=ButtonKind::DangerOutline small=true>
                        "Take away"
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

/// The names of a scope, of which its words show the first few.
fn scope_in_full(scope: &Scope) -> Option<String> {
    let People::These(these) = &scope.people else {
        return None;
    };
    let names: Vec<&str> = these
        .accounts
        .iter()
        .chain(&these.domains)
        .take(20)
        .map(String::as_str)
        .collect();
    let more = (these.accounts.len() + these.domains.len()).saturating_sub(20);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!names.is_empty()).then(|| format!("{}{more}", names.join(", ")))
}

/// What a role allows, as labels.
fn role_hint(role: &RoleRow) -> String {
    role.permissions
        .iter()
        .map(|p| p.label())
        .collect::<Vec<_>>()
        .join(", ")
}

/// The form for a new grant.
#[component]
fn NewGrantForm(
    /// The page's data.
    page: AccessPage,
) -> impl IntoView {
    let weighed = Echo::of(paths::post::ACCESS, Some("weigh-grant"), &[]);
    let echo = match weighed.is_some() {
        true => weighed,
        false => Echo::of(paths::post::ACCESS, Some("grant"), &[]),
    };
    let shown = [
        form::OPERATOR,
        form::ROLE,
        form::PLACES,
        form::SYSTEMS,
        form::SITES,
        form::PEOPLE,
        form::ACCOUNTS,
        form::DOMAINS,
        form::GROUPS,
        form::EXPIRES,
        form::REASON,
    ];
    let whole = echo.whole(&shown);
    let people = choice(
        "Choose who",
        page.operators
            .iter()
            .filter(|o| o.disabled_at.is_none())
            .map(|o| {
                (
                    o.operator_id.0.clone(),
                    format!("{} ({})", o.display_name, o.login),
                )
            }),
    );
    let roles = choice(
        "Choose a role",
        page.roles.iter().map(|r| (r.role_id.0.clone(), r.name.clone())),
    );
    let meanings = page
        .roles
        .iter()
        .map(|role| (role.name.clone(), role_hint(role)))
        .collect::<Vec<_>>();
    view! {
        <Panel title="New grant">
            <form class="form" method="post" action=paths::post::ACCESS>
                {whole.map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> })}
                <Pick
                    id="grant-who"
                    name=form::OPERATOR
                    label="Who"
                    options=people
                    value=echo.value_or(form::OPERATOR, "")
                    error=echo.error(form::OPERATOR)
                    required=true
                />
                <Pick
                    id="grant-role"
                    name=form::ROLE
                    label="Role"
                    options=roles
                    value=echo.value_or(form::ROLE, "")
                    error=echo.error(form::ROLE)
                    required=true
                />
                <details>
                    <summary class="link-btn">"What each role may do"</summary>
                    <dl class="meanings">
                        {meanings
                            .into_iter()
                            .map(|(name, hint)| {
                                view! {
                                    <div>
                                        <dt>{name}</dt>
                                        <dd class="second">{hint}</dd>
                                    </div>
                                }
                            })
                            .collect_view()}
                    </dl>
                </details>
                <WhereItCounts page=page.clone() echo=echo.clone() />
                <ForWhom page=page echo=echo.clone() />
                <div class="form-pair">
                    <Field
                        id="grant-ends"
                        name=form::EXPIRES
                        label="Ends"
                        kind="datetime-local"
                        value=echo.value_or(form::EXPIRES, "")
                        hint="Empty = no end."
                        error=echo.error(form::EXPIRES)
                    />
                    <Field
                        id="grant-why"
                        name=form::REASON
                        label="Why"
                        value=echo.value_or(form::REASON, "")
                        error=echo.error(form::REASON)
                        longest=500
                        required=true
                    />
                </div>
                <Note>
                    {format!(
                        "Nothing outside the scope shows up for them, not even as a count. “{}” ends sessions.",
                        Permission::EditUserSessions.label(),
                    )}
                </Note>
                <EffectNote />
                <div class="buttons">
                    <Button name=form::ACT value="grant" kind=ButtonKind::Primary>
                        "Give grant"
                    </Button>
                    <Button name=form::ACT value="weigh-grant">"Show what it means"</Button>
                </div>
            </form>
        </Panel>
    }
    .into_any()
}

/// Choices with an empty one first.
pub(super) fn choice(first: &str, rest: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    std::iter::once((String::new(), first.to_owned()))
        .chain(rest)
        .collect()
}
