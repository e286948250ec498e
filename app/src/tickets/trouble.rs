//! What is wrong, above everything else; and below it what most likely lies behind a refusal.

use leptos::prelude::*;

use super::wire::{Readiness, TicketApp, TicketOutcome, TicketQuery, TicketsPage as Page};
use crate::ui::{ColumnHead, When};
use crate::ui::{Note, Panel, TableCard, Tone, thousands};

/// Apps that get nothing, settings that can't work, addresses that fail, sites that are not ready.
#[component]
pub fn Trouble(
    /// The page's data.
    page: Page,
    /// How ready the sites are.
    ready: Readiness,
) -> impl IntoView {
    let settings = page.apps.iter().filter_map(|app| {
        let trouble = app.trouble.clone()?;
        Some(
            view! {
                <Note tone=Some(Tone::Danger) fact=format!("{} can’t get tickets.", app.app)>
                    {trouble}
                </Note>
            }
            .into_any(),
        )
    });
    let refused = page
        .apps
        .iter()
        .filter_map(|app| nothing_but_refusals(app, &page));
    let nodes = page.nodes.iter().filter_map(|node| {
        let (trouble, until) = (node.trouble.clone()?, node.last_until?);
        Some(
            view! {
                <Note tone=Some(Tone::Warn) fact=format!("{} failed.", node.node)>
                    {trouble}
                    " It is asked last until "
                    <When at=until />
                    "."
                </Note>
            }
            .into_any(),
        )
    });
    let not_ready = ready
        .sites
        .iter()
        .filter(|site| !site.steps(&ready.from).is_empty())
        .count();
    let sites = (not_ready > 0).then(|| {
        let fact = match not_ready {
            1 => "1 site is not ready for tickets.".to_owned(),
            n => format!("{n} sites are not ready for tickets."),
        };
        view! {
            <Note tone=Some(Tone::Danger) fact=fact>
                <a href="#p-sites">"What to do"</a>
            </Note>
        }
        .into_any()
    });
    let all: Vec<AnyView> = settings.chain(refused).chain(nodes).chain(sites).collect();
    (!all.is_empty()).then(|| view! { <div class="stack">{all}</div> })
}

/// An app that got nothing of what it asked for in the last hour, with its commonest cause.
fn nothing_but_refusals(app: &TicketApp, page: &Page) -> Option<AnyView> {
    let own = || {
        page.counts
            .iter()
            .filter(|count| count.app == app.app && count.last_hour > 0)
    };
    let asked: u64 = own().map(|count| count.last_hour).sum();
    if asked == 0 || own().any(|count| count.outcome == TicketOutcome::Issued) {
        return None;
    }
    let mut by_outcome: Vec<(TicketOutcome, u64)> = Vec::new();
    for count in own() {
        match by_outcome
            .iter_mut()
            .find(|(outcome, _)| *outcome == count.outcome)
        {
            Some((_, number)) => *number += count.last_hour,
            None => by_outcome.push((count.outcome, count.last_hour)),
        }
    }
    let (outcome, number) = by_outcome.into_iter().max_by_key(|(_, number)| *number)?;
    let likely = outcome.what_to_check().first()?;
    let fact = format!(
        "{}: none of {} asked tickets was issued in the last hour.",
        app.app,
        thousands(asked)
    );
    let those = TicketQuery {
        app: app.app.clone(),
        outcome: outcome.name().to_owned(),
        ..TicketQuery::default()
    };
    Some(
        view! {
            <Note tone=Some(Tone::Danger) fact=fact>
                {format!("{} of them: {}. Most likely: {} ", thousands(number), outcome.label(), likely.cause)}
                <a href=format!("{}#p-newest", those.href())>"See them"</a>
                " · "
                <a href="#p-causes">"What to check"</a>
            </Note>
        }
        .into_any(),
    )
}

/// The likely causes of one outcome as a table.
#[component]
pub fn Likely(
    /// The outcome.
    outcome: TicketOutcome,
) -> impl IntoView {
    let causes = outcome.what_to_check();
    let logged = causes.iter().any(|cause| !cause.log.is_empty());
    let rows = causes
        .iter()
        .map(|likely| {
            view! {
                <tr>
                    <th scope="row">{likely.cause}</th>
                    <td>{likely.check}</td>
                    {logged.then(|| view! { <td><code>{likely.log}</code></td> })}
                </tr>
            }
        })
        .collect_view();
    view! {
        <TableCard caption=format!("Likely causes: {}", outcome.label()) class="wraps" inside=true>
            <thead>
                <tr>
                    <ColumnHead label="Likely cause" />
                    <ColumnHead label="What to check" />
                    {logged.then(|| view! { <ColumnHead label="In Tableau’s own log" /> })}
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </TableCard>
    }
    .into_any()
}

/// Why Tableau says −1, for whoever comes here with nothing but that.
#[component]
pub fn Causes() -> impl IntoView {
    view! {
        <Panel title="When Tableau says −1" id="p-causes" aside=|| "Most likely first" padded=false>
            <p class="panel-note">
                "Tableau never tells why it refuses. Its own log does (logs/vizqlserver, with "
                <code>"vizqlserver.trustedticket.log_level"</code> " at debug); these are the four causes it knows."
            </p>
            <Likely outcome=TicketOutcome::Refused />
        </Panel>
    }
    .into_any()
}
