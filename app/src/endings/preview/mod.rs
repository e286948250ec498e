//! The preview: a frozen set, before anything is asked. A page with an address of its own.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use self::confirm::ConfirmPanel;
use self::left_out::LeftOut;
use super::link::LiveMark;
use super::wire::{ApprovalState, Preview, PreviewPerson, PreviewSystem};
use crate::layout::{Crumbs, PageHead, loaded};
use crate::paths;
use crate::systems::wire::Health;
use crate::ui::{
    Clock, HealthMark, Panel, Person, TableCard, Tile, Tiles, TimeAgo, When, counted, thousands,
};
use crate::wire::EndingId;

mod confirm;
mod left_out;

/// The preview page.
#[component]
pub fn PreviewPage() -> impl IntoView {
    let id = use_params_map()
        .with_untracked(|p| p.get("id"))
        .unwrap_or_default();
    let everybody = use_query_map().with_untracked(|q| q.get("people")).as_deref() == Some("all");
    loaded(
        move |b| async move { b.endings.preview(EndingId::from(id), everybody).await },
        move |preview| {
            Clock::here().set(preview.now);
            let address = address(&preview.ending_id, everybody);
            view! { <Shown preview=preview address=address /> }.into_any()
        },
    )
}

/// Address of a preview, with everybody named or the first.
fn address(ending: &EndingId, everybody: bool) -> String {
    let pairs: Vec<_> = everybody.then_some(("people", "all")).into_iter().collect();
    paths::with_query(&paths::preview(ending), &paths::query_string(&pairs))
}

#[component]
fn Shown(preview: Preview, address: String) -> impl IntoView {
    let clock = Clock::here();
    let p = preview.clone();
    let waits = p
        .approval
        .as_ref()
        .is_some_and(|a| a.state == ApprovalState::Waiting);
    let whose = match p.people {
        0 => "guests".to_owned(),
        people => counted(people, "person", "people"),
    };
    let title = format!(
        "{} {} of {whose}?",
        if p.asked_by.is_some() {
            "Approve ending"
        } else {
            "End"
        },
        counted(p.sessions, "session", "sessions"),
    );
    let frozen = p.frozen_at;
    let lead = format!(
        "Frozen at {}. Nothing has been asked yet. Sessions that start after this are not touched.",
        clock.full(frozen)
    );
    let address_of_all = self::address(&p.ending_id, true);
    let back = paths::sessions(&p.back_query);
    let (first, href) = match p.asked_by {
        Some(_) => ("Endings", paths::ENDINGS.to_owned()),
        None => ("Sessions", back),
    };
    // While somebody else may decide, the page follows.
    let live = waits.then(|| (format!("ending:{}", p.ending_id), address));
    let tools = move || {
        live.clone()
            .map(|(topic, address)| view! { <LiveMark topic=topic address=address /> })
    };
    view! {
        <Crumbs first=first href=href second="Preview" />
        <PageHead title=title tools=tools />
        <p class="lead">{lead}</p>
        <div class="beside">
            <div class="stack">
                <Numbers preview=p.clone() />
                <BySystem systems=p.by_system.clone() />
                <ByPerson people=p.by_person.clone() all=p.people whole=address_of_all />
                <LeftOut preview=p />
            </div>
            <ConfirmPanel preview=preview />
        </div>
    }
    .into_any()
}

/// The five numbers.
#[component]
fn Numbers(preview: Preview) -> impl IntoView {
    let clock = Clock::here();
    let p = preview;
    let stale = p.by_system.iter().filter(|s| s.stale).count();
    let systems = p.by_system.len() as u64;
    let system_words = match (systems, stale) {
        (1, 0) => "system".to_owned(),
        (1, _) => "system, stale".to_owned(),
        (_, 0) => "systems".to_owned(),
        (_, n) => format!("systems, {n} stale"),
    };
    let number = |n: u64| thousands(n);
    let effect = p.in_effect_at;
    let effect_number = move || effect.map_or_else(|| "now".to_owned(), |at| clock.to_minute(at));
    let effect_words = if effect.is_some() {
        "fully in effect"
    } else {
        "in effect at each next click"
    };
    let span = (p.oldest_at, p.newest_at);
    view! {
        <Tiles>
            <Tile number=number(p.sessions)>{if p.sessions == 1 { "session to end" } else { "sessions to end" }}</Tile>
            <Tile number=number(p.people)>{if p.people == 1 { "person" } else { "people" }}</Tile>
            <Tile number=number(systems)>{system_words}</Tile>
            <Tile number=number(p.left_out_count)>
                {if p.left_out_count > 0 {
                    view! { <a href="#left-out">"left out, see why"</a> }.into_any()
                } else {
                    "left out".into_any()
                }}
            </Tile>
            <Tile number=Signal::derive(effect_number)>{effect_words}</Tile>
        </Tiles>
        {(span.0.is_some() || p.gone_since > 0)
            .then(|| {
                view! {
                    <dl class="facts-line">
                        {span.0.map(|at| view! { <div><dt>"Oldest started"</dt><dd><When at=at /></dd></div> })}
                        {span.1.map(|at| view! { <div><dt>"Newest started"</dt><dd><When at=at /></dd></div> })}
                        {(p.gone_since > 0)
                            .then(|| {
                                view! {
                                    <div>
                                        <dt>"Gone since it was frozen"</dt>
                                        <dd>{format!("{}, will say “already gone”", thousands(p.gone_since))}</dd>
                                    </div>
                                }
                            })}
                    </dl>
                }
            })}
    }
    .into_any()
}

#[component]
fn BySystem(systems: Vec<PreviewSystem>) -> impl IntoView {
    let rows = systems
        .into_iter()
        .map(|s| {
            let without_effect = (s.without_effect > 0).then(|| {
                view! {
                    <span class="second is-warn">
                        {format!(
                            "Ending has no effect on {}: the browser signs itself in again",
                            counted(s.without_effect, "session", "sessions"),
                        )}
                    </span>
                }
            });
            let past_limit = (s.past_limit > 0).then(|| {
                view! {
                    <span class="second">
                        {format!(
                            "{} past {} limit and not yet removed by the system",
                            counted(s.past_limit, "session", "sessions"),
                            if s.past_limit == 1 { "its" } else { "their" },
                        )}
                    </span>
                }
            });
            let is_unproven = s.unproven.is_some();
            let proof = match (s.unproven, s.proven_at) {
                (Some(words), _) => words.into_any(),
                (None, Some(at)) => {
                    view! { <TimeAgo at=at before="ending proven here" passing=true /> }.into_any()
                }
                (None, None) => "ending never proven here".into_any(),
            };
            let age = s
                .read_at
                .map(|at| view! { <TimeAgo at=at before="read" passing=true /> });
            view! {
                <tr>
                    <th scope="row">
                        <span class="row-system">
                            {s.stale.then(|| view! { <HealthMark health=Health::Stale bare=true /> })}
                            <bdi>{s.system_name}</bdi>
                        </span>
                        {s.first.then(|| view! { <span class="second">"identity server, ended first"</span> })}
                        <span class="second" class:is-warn=s.stale>
                            {age}
                            {s.stale.then_some(", will be read again first")}
                        </span>
                    </th>
                    <td class="num">{thousands(s.sessions)}</td>
                    <td class="num">{thousands(s.people)}</td>
                    <td>
                        {s.takes_effect}
                        <span class="second" class:is-warn=is_unproven>
                            {proof}
                        </span>
                        {past_limit}
                    </td>
                    <td>
                        {if s.survives.is_empty() { "Nothing known".to_owned() } else { s.survives }}
                        {without_effect}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel title="By system" padded=false>
            <TableCard caption="Sessions to end, by system" class="stacks" inside=true>
                <thead>
                    <tr>
                        <th scope="col">"System"</th>
                        <th scope="col" class="num">"Sessions"</th>
                        <th scope="col" class="num">"People"</th>
                        <th scope="col">"Takes effect"</th>
                        <th scope="col">"What still works after"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
        </Panel>
    }
    .into_any()
}

#[component]
fn ByPerson(people: Vec<PreviewPerson>, all: u64, whole: String) -> impl IntoView {
    const FIRST: usize = 5;
    let shown = people.len();
    let row = |p: PreviewPerson| {
        view! {
            <tr>
                <th scope="row">
                    <Person name=p.person login=p.account_name doubt=p.person_doubt />
                </th>
                <td class="num">{thousands(p.sessions)}</td>
                <td>
                    <bdi>{p.systems.join(", ")}</bdi>
                </td>
                <td class="nowrap">
                    {match p.oldest_at {
                        Some(at) => view! { <When at=at /> }.into_any(),
                        None => view! { <span class="quiet">"not reported"</span> }.into_any(),
                    }}
                </td>
            </tr>
        }
    };
    let mut rest = people;
    let first: Vec<_> = rest.drain(..shown.min(FIRST)).collect();
    let first = first.into_iter().map(row).collect_view();
    let more = rest.len();
    let rest = rest.into_iter().map(row).collect_view();
    let head = || {
        view! {
            <thead>
                <tr>
                    <th scope="col">"Person"</th>
                    <th scope="col" class="num">"Sessions"</th>
                    <th scope="col">"Systems"</th>
                    <th scope="col">"Oldest started"</th>
                </tr>
            </thead>
        }
    };
    let cut = all > shown as u64;
    let aside = if cut {
        format!(
            "those with most sessions: {} of {}",
            thousands(shown as u64),
            thousands(all)
        )
    } else {
        format!("all {}", thousands(all))
    };
    let everybody = cut.then(|| {
        view! {
            <p class="panel-note">
                <a href=whole>{format!("See all {}", thousands(all))}</a>
            </p>
        }
    });
    view! {
        <Panel title="By person" padded=false aside=move || aside.clone()>
            <TableCard caption="Sessions to end, by person" class="stacks" inside=true>
                {head()}
                <tbody>{first}</tbody>
            </TableCard>
            {(more > 0)
                .then(|| {
                    view! {
                        <details class="more-rows">
                            <summary>{format!("Show {} more", thousands(more as u64))}</summary>
                            <TableCard caption="More people" class="stacks" inside=true>
                                {head()}
                                <tbody>{rest}</tbody>
                            </TableCard>
                        </details>
                    }
                })}
            {everybody}
        </Panel>
    }
    .into_any()
}
