//! People by name, each with what they have open, and whether others look like them.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::wire::{PeoplePage as Page, PeopleQuery, PersonLine};
use crate::layout::{PageHead, loaded};
use crate::paths;
use crate::ui::{
    Button, Check, ClearFilters, Clock, ColumnHead, Cut, Empty, Glyph, Icon, LinkButton, Note, TableCard,
    Tag, TimeAgo, Tone, thousands,
};

/// The People page.
#[component]
pub fn PeoplePage() -> impl IntoView {
    let asked = use_location().search.get_untracked();
    let query = PeopleQuery::from_pairs(&paths::parse_query(&asked));
    loaded(
        {
            let query = query.clone();
            move |b| async move { b.people.people_page(query).await }
        },
        move |page| view! { <People page=page query=query /> }.into_any(),
    )
}

/// The page with its data.
#[component]
fn People(
    /// Its data.
    page: Page,
    /// What was asked for.
    query: PeopleQuery,
) -> impl IntoView {
    Clock::here().set(page.now);
    let set = query.filters();
    let further = query.after.is_some();
    let first = PeopleQuery {
        after: None,
        ..query.clone()
    };
    let next = page.next.clone().map(|after| PeopleQuery {
        after: Some(after),
        ..query.clone()
    });
    let pager = (next.is_some() || further).then(|| {
        view! {
            <div class="pager">
                {further.then(|| view! { <a class="btn btn-small" href=first.href()>"First"</a> })}
                {next.map(|next| view! { <a class="btn btn-small" href=next.href()>"Next"</a> })}
            </div>
        }
    });
    let list = match (page.people.is_empty(), set > 0 || further) {
        (false, _) => view! { <Rows people=page.people /> }.into_any(),
        (true, true) => view! {
            <Empty icon=Icon::Search fact="Nobody matches">
                <p>"People are found by words of their name and user name."</p>
                <LinkButton href=paths::PEOPLE>"Everybody"</LinkButton>
            </Empty>
        }
        .into_any(),
        (true, false) => view! {
            <Empty icon=Icon::User fact="Nobody is known yet">
                <p>"People are known from the first reading of a system on in which they have a session."</p>
                <LinkButton href=paths::SYSTEMS>"Systems"</LinkButton>
            </Empty>
        }
        .into_any(),
    };
    view! {
        <PageHead title="People" aside=|| "Accounts of several systems that are one person" />
        <div class="stack">
            {(!page.whole).then(|| view! { <PartOnly /> })}
            <section class="card" aria-label="People">
                <form class="audit-filters panel-body" method="get" action=paths::PEOPLE role="search">
                    <div class="search-row">
                        <div class="search">
                            <Glyph icon=Icon::Search />
                            <input
                                class="input"
                                type="search"
                                name="q"
                                value=query.search
                                maxlength="100"
                                aria-label="Find people by name or user name"
                                placeholder="Name or user name"
                                autocomplete="off"
                            />
                        </div>
                        <Button>"Find"</Button>
                    </div>
                    <Check id="live" name="live" value="1" label="Signed in somewhere now" checked=query.live />
                    <ClearFilters set=set href=paths::PEOPLE />
                </form>
                {list}
                {pager}
            </section>
        </div>
    }
    .into_any()
}

/// What who sees a part is told: that there may be more, whether there is or not.
#[component]
pub(super) fn PartOnly() -> impl IntoView {
    view! {
        <Note tone=Some(Tone::Info) fact="You see what is part of your grant.">
            "Anybody here may have more accounts and sessions elsewhere."
        </Note>
    }
}

/// People as a table.
#[component]
fn Rows(
    /// By name.
    people: Vec<PersonLine>,
) -> impl IntoView {
    let rows = people.into_iter().map(row).collect_view();
    view! {
        <TableCard caption="People, by name" inside=true>
            <thead>
                <tr>
                    <ColumnHead label="Person" />
                    <ColumnHead label="User names" />
                    <ColumnHead label="Live sessions" number=true />
                    <ColumnHead label="Systems" number=true />
                    <ColumnHead label="Last activity" />
                    <ColumnHead label="Look-alikes" />
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </TableCard>
    }
    .into_any()
}

fn row(person: PersonLine) -> impl IntoView {
    let number = |n: u64| match n {
        0 => view! { <span class="quiet">"none"</span> }.into_any(),
        n => thousands(n).into_any(),
    };
    let alike = match person.alike {
        true => view! { <Tag tone=Some(Tone::Warn)>"Others look alike"</Tag> }.into_any(),
        false => view! { <span class="quiet">"none"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row">
                <a href=paths::subject(&person.subject_id)>
                    <bdi>{person.name}</bdi>
                </a>
            </th>
            <td>
                <Cut text=person.accounts.join(", ") />
            </td>
            <td class="num">{number(person.sessions)}</td>
            <td class="num">{number(person.systems)}</td>
            <td class="nowrap">
                {match person.last_active_at {
                    Some(at) => view! { <TimeAgo at=at /> }.into_any(),
                    None => view! { <span class="quiet">"not reported"</span> }.into_any(),
                }}
            </td>
            <td>{alike}</td>
        </tr>
    }
    .into_any()
}
