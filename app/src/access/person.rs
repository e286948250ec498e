//! What one person can do: every permission, where and for whom, by which grant, and what that means in sessions.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::form::Tab;
use super::scope::effect_words;
use super::wire::{GrantLine, Permission, PersonPage as Page};
use crate::layout::{Crumbs, PageHead, loaded};
use crate::ui::{
    Clock, ColumnHead, Ends, Fact, Glyph, Icon, Note, Panel, Remaining, TableCard, Tag, TimeAgo, Tone,
    counted,
};
use crate::wire::OperatorId;

/// The page.
#[component]
pub fn PersonPage() -> impl IntoView {
    let id = use_params_map()
        .with_untracked(|p| p.get("id"))
        .unwrap_or_default();
    loaded(
        move |b| async move { b.access.person(OperatorId::from(id)).await },
        |page| view! { <Person page=page /> }.into_any(),
    )
}

/// The page with its data.
#[component]
fn Person(
    /// Its data.
    page: Page,
) -> impl IntoView {
    Clock::here().set(page.now);
    let who = page.operator;
    let name = who.display_name.clone();
    let nothing = page.permissions.iter().all(|(_, lines)| lines.is_empty());
    view! {
        <Crumbs first="Access" href=Tab::People.href() second=who.login.clone() />
        <PageHead title=format!("What {name} can do") />
        <div class="beside">
            <TableCard caption=format!("Permissions of {name}") class="table-low table-folds">
                <thead>
                    <tr>
                        <ColumnHead label="Permission" />
                        <ColumnHead label="Where and for whom" />
                        <ColumnHead label="By the role" />
                        <ColumnHead label="Ends" />
                    </tr>
                </thead>
                <tbody>
                    {page
                        .permissions
                        .into_iter()
                        .flat_map(|(permission, lines)| rows(permission, lines))
                        .collect_view()}
                </tbody>
            </TableCard>
            <Panel title="Now">
                <Note>
                    {if nothing {
                        "No grant in force: they can sign in and see their own sign-ins, nothing else.".to_owned()
                    } else {
                        effect_words("They see", page.effect)
                    }}
                </Note>
                <dl class="facts">
                    <Fact label="User name">
                        <bdi>{who.login}</bdi>
                    </Fact>
                    <Fact label="Last seen">
                        {match who.last_seen_at {
                            Some(at) => view! { <TimeAgo at=at /> }.into_any(),
                            None => "never".into_any(),
                        }}
                    </Fact>
                    <Fact label="Sign-ins">{counted(who.live_sessions, "live", "live")}</Fact>
                </dl>
                {who
                    .disabled_at
                    .map(|at| {
                        view! {
                            <p>
                                <Tag tone=Some(Tone::Danger)>"Disabled " <TimeAgo at=at /></Tag>
                                " Nothing of this counts until they are let in again."
                            </p>
                        }
                    })}
            </Panel>
        </div>
    }
    .into_any()
}

/// A permission: a row per grant that gives it, or one that says no.
fn rows(permission: Permission, lines: Vec<GrantLine>) -> Vec<AnyView> {
    let head = move || {
        view! {
            <th scope="row" class="plain">
                {permission.label()}
                {(!permission.hint().is_empty())
                    .then(|| view! { <span class="quiet">{format!(" {}", permission.hint())}</span> })}
            </th>
        }
    };
    if lines.is_empty() {
        let row = view! {
            <tr>
                {head()}
                <td colspan="3" class="quiet">
                    "no"
                </td>
            </tr>
        };
        return vec![row.into_any()];
    }
    lines
        .into_iter()
        .map(|line| {
            view! {
                <tr>
                    {head()}
                    <td data-label="Where">
                        <bdi>
                            <Glyph icon=Icon::Check />
                            " "
                            {line.scope_words}
                        </bdi>
                    </td>
                    <td data-label="Role">
                        <bdi>{line.role_name}</bdi>
                    </td>
                    <td data-label="Ends" class="nowrap">
                        {match line.expires_at {
                            None => view! { <span class="quiet">"no end"</span> }.into_any(),
                            Some(at) => view! { <Remaining ends=Ends::At(at) /> }.into_any(),
                        }}
                    </td>
                </tr>
            }
            .into_any()
        })
        .collect()
}
