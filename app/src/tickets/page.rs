//! The Tickets page: trouble first, then numbers, apps, addresses, sites, the newest requests.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::apps::{Addresses, Apps, Holds};
use super::newest::Newest;
use super::ready::{Sites, TestForm};
use super::trouble::{Causes, Trouble};
use super::wire::{Readiness, TicketCount, TicketOutcome, TicketQuery, TicketsPage as Page};
use crate::error::FieldProblem;
use crate::layout::{PageHead, loaded};
use crate::paths;
use crate::ui::{Clock, Empty, Glyph, Icon, Tile, Tiles, thousands};

/// How often an open page asks again on its own, in seconds.
const AGAIN_S: u32 = 30;

/// The Tickets page.
#[component]
pub fn TicketsPage() -> impl IntoView {
    let asked = use_location().search.get_untracked();
    let (query, problems) = TicketQuery::from_pairs(&paths::parse_query(&asked));
    loaded(
        move |b| async move {
            let ready = b.tickets.readiness().await?;
            let mut page = b.tickets.tickets_page(query.clone()).await?;
            if !problems.is_empty() {
                // A part that is not understood lists nothing, never more than was meant.
                page.rows = Vec::new();
                page.next = None;
            }
            Ok((page, ready, query, problems))
        },
        |(page, ready, query, problems)| {
            view! { <Tickets page=page ready=ready query=query problems=problems /> }.into_any()
        },
    )
}

/// The page with its data.
#[component]
fn Tickets(
    /// Its data.
    page: Page,
    /// How ready the sites are.
    ready: Readiness,
    /// What of the requests was asked for.
    query: TicketQuery,
    /// Parts of the address that were not understood.
    problems: Vec<FieldProblem>,
) -> impl IntoView {
    Clock::here().set(page.now);
    let url = page.broker_url.clone();
    let head = view! {
        <PageHead
            title="Tickets"
            aside=|| "Curfew signs people of embedding apps in to Tableau, and out again"
            tools=move || {
                view! {
                    <span class="second">
                        "Asked at " <bdi>{url.clone()}</bdi> ". Apps are added in curfew.toml"
                    </span>
                }
            }
        />
    };
    if page.apps.is_empty() && page.rows.is_empty() && query.filters() == 0 {
        return view! {
            {head}
            <div class="card">
                <Empty icon=Icon::Plug fact="No app may ask for tickets">
                    <p>
                        "Nothing is set up, or none of it is part of your grant. Apps are added in curfew.toml under "
                        <code>"[[broker.apps]]"</code> "; " <code>"curfew check-config"</code>
                        " says whether all is well."
                    </p>
                </Empty>
            </div>
        }
        .into_any();
    }
    let testable: Vec<_> = page.apps.iter().filter(|app| app.may_test).cloned().collect();
    view! {
        {head}
        <div class="stack" data-every=AGAIN_S>
            <Trouble page=page.clone() ready=ready.clone() />
            <Numbers page=page.clone() />
            <Apps page=page.clone() />
            <Addresses page=page.clone() ready=ready.clone() />
            <Sites ready=ready />
            <TestForm apps=testable />
            <Newest page=page.clone() query=query problems=problems />
            <Holds holds=page.holds.clone() />
            <Causes />
        </div>
    }
    .into_any()
}

/// How many requests of the last 24 hours fit.
pub(super) fn in_a_day(counts: &[TicketCount], fits: impl Fn(&TicketCount) -> bool) -> u64 {
    counts
        .iter()
        .filter(|count| fits(count))
        .map(|count| count.last_day)
        .sum()
}

/// Whether it was turned down before Tableau was asked.
fn by_curfew(outcome: TicketOutcome) -> bool {
    use TicketOutcome::{
        NotConfigured, Replayed, SignedOut, SiteNotAllowed, TooManyRequests, Unauthorized, UserNotAllowed,
    };
    matches!(
        outcome,
        Unauthorized
            | Replayed
            | SiteNotAllowed
            | UserNotAllowed
            | SignedOut
            | TooManyRequests
            | NotConfigured
    )
}

/// Big numbers, each with the requests behind it.
#[component]
fn Numbers(
    /// The page's data.
    page: Page,
) -> impl IntoView {
    let day = |fits: &dyn Fn(TicketOutcome) -> bool| thousands(in_a_day(&page.counts, |c| fits(c.outcome)));
    let hour: u64 = page.counts.iter().map(|count| count.last_hour).sum();
    let busiest = page.slots.iter().map(|slot| slot.issued + slot.not_issued).max();
    let of = |outcome: &str| {
        let query = TicketQuery {
            outcome: outcome.to_owned(),
            ..TicketQuery::default()
        };
        query.href()
    };
    let trouble = |outcome: TicketOutcome| {
        !by_curfew(outcome) && outcome != TicketOutcome::Issued && outcome != TicketOutcome::Refused
    };
    let issued = day(&|o| o == TicketOutcome::Issued);
    let refused = day(&|o| o == TicketOutcome::Refused);
    let (troubled, turned_down) = (day(&trouble), day(&by_curfew));
    view! {
        <Tiles>
            <Tile number=issued>
                <span class="mark mark-ok">
                    <Glyph icon=Icon::Ended />
                    <span>"issued, 24 h"</span>
                </span>
            </Tile>
            <Tile number=refused>
                <a class="mark mark-danger" href=of("refused")>
                    <Glyph icon=Icon::Refused />
                    <span>"refused by Tableau (−1)"</span>
                </a>
            </Tile>
            <Tile number=troubled>
                <span class="mark mark-warn">
                    <Glyph icon=Icon::Unknown />
                    <span>"no use of Tableau’s answer"</span>
                </span>
            </Tile>
            <Tile number=turned_down>
                <span class="mark mark-quiet">
                    <Glyph icon=Icon::AlreadyGone />
                    <span>"turned down by Curfew"</span>
                </span>
            </Tile>
            <Tile number=thousands(hour)>"in the last hour"</Tile>
            <Tile number=thousands(busiest.unwrap_or(0))>"in the busiest ten minutes of 24 h"</Tile>
        </Tiles>
    }
    .into_any()
}
