//! The newest requests, those that fit the filters, and the one that was looked for by its reference.

use leptos::prelude::*;

use super::query::NOT_ISSUED;
use super::trouble::Likely;
use super::wire::{TicketOutcome, TicketQuery, TicketRow, TicketWay, TicketsPage as Page};
use crate::error::FieldProblem;
use crate::paths;
use crate::ui::{
    Button, ButtonKind, ClearFilters, ColumnHead, Cut, Empty, Fact, Field, Glyph, Icon, LinkButton,
    MoreFilters, Panel, Pick, TableCard, TimeAgo, When,
};

/// The requests.
#[component]
pub fn Newest(
    /// The page's data.
    page: Page,
    /// What was asked for.
    query: TicketQuery,
    /// Parts that were not understood.
    problems: Vec<FieldProblem>,
) -> impl IntoView {
    let understood = problems.is_empty();
    let list = match (page.rows.is_empty(), query.filters() > 0 || !understood) {
        (false, _) => view! { <Rows rows=page.rows.clone() /> }.into_any(),
        (true, true) => view! {
            <Empty icon=Icon::Search fact="No request matches">
                <p>
                    "A reference is kept as long as the settings say (broker.keep_days). Requests outside your grant "
                    "are not shown."
                </p>
                <LinkButton href=paths::TICKETS>"Clear the filters"</LinkButton>
            </Empty>
        }
        .into_any(),
        (true, false) => view! {
            <Empty icon=Icon::Quiet fact="No requests yet">
                <p>"No app has asked for a ticket so far. The form above asks for one."</p>
            </Empty>
        }
        .into_any(),
    };
    let next = page.next.clone().map(|cursor| {
        let next = TicketQuery {
            cursor: Some(cursor),
            ..query.clone()
        };
        view! {
            <p class="panel-note">
                <LinkButton href=format!("{}#p-newest", next.href()) small=true>
                    "Older"
                </LinkButton>
            </p>
        }
    });
    view! {
        <Panel
            title="Newest"
            id="p-newest"
            aside=|| "Tickets themselves are never stored or shown"
            padded=false
        >
            <Filters apps=page.apps.iter().map(|app| app.app.clone()).collect() query=query problems=problems />
            {list}
            {next}
        </Panel>
    }
    .into_any()
}

/// The one request a reference stands for, with what most likely lies behind it.
#[component]
pub fn Found(
    /// The request.
    row: TicketRow,
) -> impl IntoView {
    let outcome = row.outcome;
    let causes = !outcome.what_to_check().is_empty();
    view! {
        <Panel title=format!("Request {}", row.reference) id="p-found" padded=false>
            <dl class="facts panel-body ticket-facts">
                <Fact label="Outcome">
                    <Outcome outcome=outcome />
                </Fact>
                <Fact label="When">
                    <When at=row.at />
                </Fact>
                <Fact label="App">
                    <bdi>{or_dash(row.app.clone())}</bdi>
                </Fact>
                <Fact label="User">
                    <bdi>{or_dash(row.user.clone())}</bdi>
                </Fact>
                <Fact label="Site">
                    <bdi class="nowrap">{site(&row.site)}</bdi>
                </Fact>
                <Fact label="Asked at">
                    <bdi>{row.node.clone().unwrap_or_else(|| "nobody was asked".to_owned())}</bdi>
                </Fact>
                <Fact label="Browser’s address">
                    <bdi>{row.ip.clone().unwrap_or_else(|| "–".to_owned())}</bdi>
                </Fact>
                {row.cause.clone().map(|cause| view! { <Fact label="What was found">{cause}</Fact> })}
            </dl>
            {causes.then(|| view! { <Likely outcome=outcome /> })}
        </Panel>
    }
    .into_any()
}

fn or_dash(text: String) -> String {
    if text.is_empty() { "–".to_owned() } else { text }
}

fn site(site: &str) -> String {
    if site.is_empty() {
        "Default".to_owned()
    } else {
        site.to_owned()
    }
}

/// What became of a request: shape, word, colour.
#[component]
fn Outcome(
    /// The outcome.
    outcome: TicketOutcome,
) -> impl IntoView {
    let (class, icon) = match outcome {
        TicketOutcome::Issued => ("mark mark-ok", Icon::Ended),
        TicketOutcome::Refused
        | TicketOutcome::Unauthorized
        | TicketOutcome::Replayed
        | TicketOutcome::SiteNotAllowed
        | TicketOutcome::UserNotAllowed => ("mark mark-danger", Icon::Refused),
        TicketOutcome::Html | TicketOutcome::Unreachable | TicketOutcome::Odd => {
            ("mark mark-warn", Icon::Unknown)
        }
        TicketOutcome::NotConfigured => ("mark mark-warn", Icon::NotPossible),
        TicketOutcome::SignedOut | TicketOutcome::TooManyRequests => ("mark mark-quiet", Icon::AlreadyGone),
    };
    view! {
        <span class=class>
            <Glyph icon=icon />
            <span>{outcome.label()}</span>
        </span>
    }
    .into_any()
}

/// Search by reference, and behind it who, what and where.
#[component]
fn Filters(
    /// Apps to choose from.
    apps: Vec<String>,
    /// What is asked for now.
    query: TicketQuery,
    /// Parts that were not understood.
    problems: Vec<FieldProblem>,
) -> impl IntoView {
    let set = query.filters();
    let more = set - usize::from(!query.reference.is_empty());
    let open = more > 0 || !problems.is_empty();
    let error = move |field: &str| {
        problems
            .iter()
            .find(|p| p.field == field)
            .map(|p| p.message.clone())
    };
    let any = || (String::new(), "Any".to_owned());
    let mut app_choices = vec![any()];
    app_choices.extend(apps.into_iter().map(|app| (app.clone(), app)));
    let mut outcomes = vec![any(), (NOT_ISSUED.to_owned(), "Not issued".to_owned())];
    outcomes.extend(TicketOutcome::ALL.map(|o| (o.name().to_owned(), o.label().to_owned())));
    view! {
        <form class="audit-filters panel-body" method="get" action=paths::TICKETS role="search">
            <div class="search-row">
                <div class="search">
                    <Glyph icon=Icon::Search />
                    <input
                        class="input"
                        type="search"
                        name="ref"
                        value=query.reference
                        aria-label="Find a request by its reference"
                        placeholder="Reference, like T-7Q3K9ZXW"
                        autocomplete="off"
                    />
                </div>
                <Button>"Find"</Button>
            </div>
            <MoreFilters set=more open=open>
                <Pick id="f-app" name="app" label="App" options=app_choices value=query.app />
                <Pick
                    id="f-outcome"
                    name="outcome"
                    label="Outcome"
                    options=outcomes
                    value=query.outcome
                    error=error("outcome")
                />
                <Field id="f-user" name="user" label="User" value=query.user />
                <Field id="f-node" name="node" label="Tableau’s address" value=query.node />
                <div class="filter-buttons">
                    <Button kind=ButtonKind::Plain>"Show"</Button>
                </div>
            </MoreFilters>
            <ClearFilters set=set href=paths::TICKETS />
        </form>
    }
    .into_any()
}

/// The requests as a table.
#[component]
fn Rows(
    /// Newest first.
    rows: Vec<TicketRow>,
) -> impl IntoView {
    let rows = rows
        .into_iter()
        .map(|row| view! { <Row row=row /> })
        .collect_view();
    view! {
        <TableCard caption="Newest requests for tickets" inside=true>
            <thead>
                <tr>
                    <ColumnHead label="Time" />
                    <ColumnHead label="Reference" />
                    <ColumnHead label="App" />
                    <ColumnHead label="Person" />
                    <ColumnHead label="Site" />
                    <ColumnHead label="Outcome" />
                    <ColumnHead label="Took" number=true />
                    <ColumnHead label="Detail" />
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </TableCard>
    }
    .into_any()
}

#[component]
fn Row(
    /// The request.
    row: TicketRow,
) -> impl IntoView {
    let way = match row.way {
        TicketWay::Server => None,
        TicketWay::Browser => Some("from a browser"),
        TicketWay::Test => Some("tried here"),
    };
    let likely = row.outcome.what_to_check().first();
    let detail = match (row.cause.clone(), likely) {
        (Some(cause), _) => cause,
        (None, Some(likely)) => format!("Likely: {}", likely.cause),
        (None, None) => String::new(),
    };
    let own = TicketQuery {
        reference: row.reference.clone(),
        ..TicketQuery::default()
    };
    view! {
        <tr>
            <td class="nowrap">
                <When at=row.at />
                <span class="second">" " <TimeAgo at=row.at /></span>
            </td>
            <td class="nowrap mono">
                <a href=own.href()>{row.reference}</a>
            </td>
            <th scope="row">
                <bdi class="nowrap">{or_dash(row.app)}</bdi>
                {way.map(|way| view! { " " <span class="second">{way}</span> })}
            </th>
            <td>
                <Cut text=or_dash(row.user) />
            </td>
            <td>
                <bdi>{site(&row.site)}</bdi>
            </td>
            <td class="nowrap">
                <Outcome outcome=row.outcome />
            </td>
            <td class="num nowrap">{format!("{} ms", row.duration_ms)}</td>
            <td>
                <Cut text=detail />
            </td>
        </tr>
    }
    .into_any()
}
