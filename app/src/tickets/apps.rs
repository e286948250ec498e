//! Apps, the addresses that are asked for them, and people who get no tickets for now.

use leptos::prelude::*;

use super::page::in_a_day;
use super::query::CHECK;
use super::wire::{
    Readiness, TicketApp, TicketGrant, TicketHold, TicketNode, TicketOutcome, TicketQuery,
    TicketsPage as Page,
};
use crate::paths::{self, post};
use crate::ui::{Button, ColumnHead, Cut, Glyph, Icon, Panel, TableCard, TimeAgo, When, thousands};
use crate::wire::Timestamp;

/// A shape and a word.
fn state(class: &'static str, icon: Icon, words: &'static str) -> AnyView {
    view! {
        <span class=class>
            <Glyph icon=icon />
            <span>{words}</span>
        </span>
    }
    .into_any()
}

/// How an app fares: by its settings, then by its last hour.
fn app_state(app: &TicketApp, page: &Page) -> AnyView {
    let own = || page.counts.iter().filter(|count| count.app == app.app);
    let hour = |issued: bool| -> u64 {
        let fits = own().filter(|count| (count.outcome == TicketOutcome::Issued) == issued);
        fits.map(|count| count.last_hour).sum()
    };
    match (app.trouble.is_some(), hour(true), hour(false)) {
        (true, ..) => state("mark mark-danger", Icon::Failed, "Not all set up"),
        (_, 0, 0) => state("mark mark-quiet", Icon::Off, "Quiet"),
        (_, 0, _) => state("mark mark-danger", Icon::Failed, "Nothing issued"),
        (_, _, 0) => state("mark mark-ok", Icon::Live, "In order"),
        _ => state("mark mark-warn", Icon::Stale, "Some not issued"),
    }
}

/// Apps that may ask.
#[component]
pub fn Apps(
    /// The page's data.
    page: Page,
) -> impl IntoView {
    let rows = page
        .apps
        .iter()
        .map(|app| {
            let of = |issued: bool| {
                in_a_day(&page.counts, |count| {
                    count.app == app.app && (count.outcome == TicketOutcome::Issued) == issued
                })
            };
            let those = TicketQuery {
                app: app.app.clone(),
                ..TicketQuery::default()
            };
            let grant = match app.grant {
                TicketGrant::Ticket => "Trusted ticket",
                TicketGrant::Jwt => "Connected app’s token",
            };
            view! {
                <tr>
                    <th scope="row">
                        <span class="person">
                            <a class="person-name" href=format!("{}#p-newest", those.href())>
                                <Cut text=app.app.clone() />
                            </a>
                            <span class="second">
                                <bdi>{app.system_name.clone()}</bdi>
                            </span>
                        </span>
                    </th>
                    <td class="nowrap">{app_state(app, &page)}</td>
                    <td class="num">{thousands(of(true))}</td>
                    <td class="num">{thousands(of(false))}</td>
                    <td>{sites(&app.sites)}</td>
                    <td class="nowrap">
                        {grant}
                        {app.browser.then(|| view! { <span class="second">", browsers too"</span> })}
                    </td>
                    <td class="num">{thousands(u64::from(app.per_minute))}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel title="Apps" padded=false>
            <TableCard caption="Apps that may ask for tickets" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="App" />
                        <ColumnHead label="Last hour" />
                        <ColumnHead label="Issued, 24 h" number=true />
                        <ColumnHead label="Not issued" number=true />
                        <ColumnHead label="Sites it may ask for" />
                        <ColumnHead label="Gets" />
                        <ColumnHead label="Most a minute" number=true />
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
        </Panel>
    }
    .into_any()
}

/// "Default, sales".
fn sites(sites: &[String]) -> String {
    let named = sites
        .iter()
        .map(|site| if site.is_empty() { "Default" } else { site });
    named.collect::<Vec<_>>().join(", ")
}

/// How long ago an answer still tells how an address fares, seconds.
const LATELY_S: i64 = 3_600;

/// How an address fares. It is in order only where it was asked lately: nobody knows of one that was not.
fn address_state(node: &TicketNode, now: Timestamp) -> AnyView {
    let quiet = |words| state("mark mark-quiet", Icon::Off, words);
    match (node.last_until, node.asked_at) {
        (Some(_), _) => state("mark mark-warn", Icon::Stale, "Asked last"),
        (None, Some(at)) if now.since(at) <= LATELY_S * 1_000 => {
            state("mark mark-ok", Icon::Live, "In order")
        }
        (None, Some(at)) => view! {
            <span class="mark mark-quiet">
                <Glyph icon=Icon::Off />
                <TimeAgo at=at before="Last asked" />
            </span>
        }
        .into_any(),
        (None, None) if node.counted => quiet("Not asked within a day"),
        (None, None) => quiet("Not known"),
    }
}

/// Addresses that are asked, and from which address of ours.
#[component]
pub fn Addresses(
    /// The page's data.
    page: Page,
    /// The ways to them.
    ready: Readiness,
) -> impl IntoView {
    if page.nodes.is_empty() {
        return ().into_any();
    }
    let tried = ready.from.iter().map(|way| way.at).min();
    let rows = page
        .nodes
        .iter()
        .map(|node| {
            let of = |issued: bool| {
                in_a_day(&page.counts, |count| {
                    count.node == node.node && (count.outcome == TicketOutcome::Issued) == issued
                })
            };
            let way = ready
                .from
                .iter()
                .find(|way| way.node == node.node && way.system_id == node.system_id);
            let from = match way.map(|way| (&way.from, &way.trouble, way.by_ipv6())) {
                Some((Some(from), _, false)) => view! { <span class="mono">{from.clone()}</span> }.into_any(),
                Some((Some(from), _, true)) => view! {
                    <span class="mono">{from.clone()}</span>
                    " "
                    {state("mark mark-danger", Icon::Refused, "IPv6: Tableau trusts IPv4 only")}
                }
                .into_any(),
                Some((None, Some(trouble), _)) => {
                    view! { <span class="is-warn">{trouble.clone()}</span> }.into_any()
                }
                _ => view! { <span class="quiet">"not known"</span> }.into_any(),
            };
            let health = address_state(node, page.now);
            view! {
                <tr>
                    <th scope="row" class="mono">
                        <Cut text=node.node.clone() />
                    </th>
                    <td class="nowrap">{health}</td>
                    <td class="num">{thousands(of(true))}</td>
                    <td class="num">{thousands(of(false))}</td>
                    <td>{from}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel title="Tableau’s addresses" id="p-addresses" padded=false>
            <TableCard caption="Addresses that are asked for tickets" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="Address" />
                        <ColumnHead label="State" />
                        <ColumnHead label="Issued, 24 h" number=true />
                        <ColumnHead label="Not issued" number=true />
                        <ColumnHead label="Asked from: Tableau has to trust this" />
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
            <p class="panel-note">
                "As this server sees it. Behind address translation Tableau sees another address: then that one has to "
                "be trusted. Each replica and each broker has its own."
            </p>
            {tried.map(|at| view! { <CheckNow at=at /> })}
        </Panel>
    }
    .into_any()
}

/// How old what is said of the ways is, and a button.
#[component]
fn CheckNow(
    /// When the oldest of them was tried.
    at: Timestamp,
) -> impl IntoView {
    view! {
        <form method="post" action=post::TICKETS class="panel-note ticket-test-acts">
            <span>"Addresses tried " <TimeAgo at=at /> "; once a minute at most."</span>
            <Button small=true name="act" value=CHECK>
                "Check now"
            </Button>
        </form>
    }
    .into_any()
}

/// People who get no tickets until they sign in at the app again.
#[component]
pub fn Holds(
    /// Newest first.
    holds: Vec<TicketHold>,
) -> impl IntoView {
    if holds.is_empty() {
        return ().into_any();
    }
    let rows = holds
        .into_iter()
        .map(|hold| {
            let site = match hold.site {
                None => "every site".to_owned(),
                Some(site) if site.is_empty() => "Default".to_owned(),
                Some(site) => site,
            };
            view! {
                <tr>
                    <th scope="row">
                        <Cut text=hold.account />
                    </th>
                    <td>
                        <bdi>{site}</bdi>
                    </td>
                    <td class="nowrap">
                        <When at=hold.since />
                    </td>
                    <td class="nowrap">
                        <When at=hold.until />
                    </td>
                    <td>
                        {match hold.ending_no {
                            Some(no) => view! { <a href=paths::ending(no)>{format!("Ending {no}")}</a> }.into_any(),
                            None => view! { <span class="quiet">"–"</span> }.into_any(),
                        }}
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel
            title="Ended: no tickets until they sign in at the app again"
            id="p-holds"
            padded=false
        >
            <TableCard caption="People who get no tickets for now" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="Account" />
                        <ColumnHead label="Site" />
                        <ColumnHead label="Sign-ins up to" />
                        <ColumnHead label="Without a sign-in time until" />
                        <ColumnHead label="Because of" />
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
        </Panel>
    }
    .into_any()
}
