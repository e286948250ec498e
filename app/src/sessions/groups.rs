//! What matches, in groups: each with its count, a link to its list, and a button that selects the whole of it.

use leptos::prelude::*;

use super::form::{ACT, Act, list_address};
use super::query::{GroupBy, SessionQuery};
use super::wire::{Group, GroupsPage, SessionsPage};
use crate::ui::{Glyph, Icon, TimeAgo, counted, thousands};

/// How pages name a way to group.
const fn label(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Person => "Person",
        GroupBy::System => "System",
        GroupBy::Network => "Network",
    }
}

/// Ways to group the list, as links: the address says which.
#[component]
pub fn GroupMenu(
    /// The list.
    query: SessionQuery,
) -> impl IntoView {
    let now = query.group;
    let link = |by: Option<GroupBy>| {
        let to = SessionQuery {
            group: by,
            ..query.first_page()
        };
        let href = list_address(&to.to_query_string(), to.selection.as_ref());
        let words = by.map_or("No groups", label);
        let current = (by == now).then_some("true");
        view! {
            <li>
                <a class="menu-item" href=href aria-current=current>
                    {words}
                </a>
            </li>
        }
    };
    let ways = GroupBy::ALL.map(|by| link(Some(by))).collect_view();
    let none = link(None);
    view! {
        <details class="drop drop-end">
            <summary class="btn btn-small btn-quiet">
                <span>{now.map_or_else(|| "Group".to_owned(), |by| format!("By {}", label(by).to_lowercase()))}</span>
                <Glyph icon=Icon::Chevron />
            </summary>
            <ul class="drop-body group-menu" role="list">
                {ways}
                {none}
            </ul>
        </details>
    }
    .into_any()
}

/// The groups, in the place of the rows. Its buttons belong to the row form around it.
#[component]
pub fn GroupTable(
    /// The page.
    page: SessionsPage,
    /// Its groups.
    groups: GroupsPage,
) -> impl IntoView {
    let by = groups.by;
    let others = match by {
        GroupBy::Person => ("system", "systems"),
        GroupBy::System | GroupBy::Network => ("user name", "user names"),
    };
    let sel = page.query.selection.clone();
    let shown = groups.groups.len() as u64;
    let rows = groups
        .groups
        .into_iter()
        .map(|group| {
            let Group {
                label,
                detail,
                sessions,
                others: n,
                last_active_at,
                query,
            } = group;
            let select = query.clone().filter(|_| page.may_end_any).map(|query| {
                view! {
                    <button class="btn btn-small" name=ACT value=Act::AllOf(query).value()>
                        {format!("Select all {}", thousands(sessions))}
                    </button>
                }
            });
            let name = match &query {
                Some(query) => {
                    let href = list_address(query, sel.as_ref());
                    view! {
                        <a href=href>
                            <bdi>{label}</bdi>
                        </a>
                    }
                    .into_any()
                }
                None => view! { <span class="quiet">{label}</span> }.into_any(),
            };
            let active = match last_active_at {
                Some(at) => view! { <TimeAgo at=at passing=true /> }.into_any(),
                None => view! { <span class="quiet">"not reported"</span> }.into_any(),
            };
            view! {
                <tr>
                    <th scope="row">
                        {name}
                        {(!detail.is_empty())
                            .then(|| view! { <span class="second block"><bdi>{detail}</bdi></span> })}
                    </th>
                    <td class="num" data-label="Sessions">{thousands(sessions)}</td>
                    <td data-label="Among">{counted(n, others.0, others.1)}</td>
                    <td data-label="Active">{active}</td>
                    <td>{select}</td>
                </tr>
            }
        })
        .collect_view();
    let more = groups.more.then(|| {
        view! {
            <p class="list-guests">
                {format!("These are the {} largest groups; there are more. A filter narrows them.", thousands(shown))}
            </p>
        }
    });
    view! {
        {more}
        <div class="table-box" tabindex="0" role="region" aria-label="Groups">
            <table class="table table-folds">
                <caption class="unseen">
                    {format!("Sessions by {}, the largest group first.", label(by).to_lowercase())}
                </caption>
                <thead>
                    <tr>
                        <th scope="col">{label(by)}</th>
                        <th scope="col" class="num">
                            "Sessions"
                        </th>
                        <th scope="col">"Among"</th>
                        <th scope="col">"Last activity"</th>
                        <th scope="col">
                            <span class="unseen">"Select"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}
