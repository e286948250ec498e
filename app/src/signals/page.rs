//! The Signals page: what identity servers told, whom Curfew took it for, and what its rule did or would do.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::wire::{SignalOutcome, SignalRow, SignalRuleLine, SignalsPage as Page};
use crate::layout::{PageHead, loaded};
use crate::paths;
use crate::ui::{Clock, ColumnHead, Empty, Icon, LinkButton, Note, TableCard, Tag, TimeAgo, Tone, thousands};

/// The Signals page.
#[component]
pub fn SignalsPage() -> impl IntoView {
    let asked = use_location().search.get_untracked();
    let before = paths::parse_query(&asked)
        .into_iter()
        .find(|(name, _)| name == "before")
        .map(|(_, id)| id);
    let further = before.is_some();
    loaded(
        move |b| async move { b.signals.signals_page(before).await },
        move |page| view! { <Signals page=page further=further /> }.into_any(),
    )
}

/// The page with its data.
#[component]
fn Signals(
    /// Its data.
    page: Page,
    /// It does not begin with the newest.
    further: bool,
) -> impl IntoView {
    Clock::here().set(page.now);
    let pager = (page.next.is_some() || further).then(|| {
        view! {
            <div class="pager">
                {further.then(|| view! { <a class="btn btn-small" href=paths::SIGNALS>"Newest"</a> })}
                {page.next.clone().map(|id| view! { <a class="btn btn-small" href=paths::signals_before(&id)>"Older"</a> })}
            </div>
        }
    });
    let rows = match page.rows.is_empty() {
        false => view! {
            <section class="card" aria-label="Signals">
                <Rows rows=page.rows.clone() /> {pager}
            </section>
        }
        .into_any(),
        true => view! {
            <div class="card">
                <Empty icon=Icon::Plug fact=if further { "There are no older signals" } else { "No signal came" }>
                    <p>
                        "Nothing came, or none of it is part of your grant. Rules are added in curfew.toml under "
                        <code>"[[signals]]"</code> "."
                    </p>
                    <LinkButton href=paths::SYSTEMS>"Systems"</LinkButton>
                </Empty>
            </div>
        }
        .into_any(),
    };
    view! {
        <PageHead title="Signals" aside=|| "Identity servers tell who is signed out there" />
        <div class="stack">
            {(!page.whole)
                .then(|| {
                    view! {
                        <Note tone=Some(Tone::Info) fact="You see what is part of your grant.">
                            "A signal may have meant more sessions elsewhere."
                        </Note>
                    }
                })}
            {(!page.rules.is_empty()).then(|| view! { <Rules rules=page.rules.clone() /> })} {rows}
        </div>
    }
    .into_any()
}

/// What the settings say.
#[component]
fn Rules(
    /// Rules.
    rules: Vec<SignalRuleLine>,
) -> impl IntoView {
    let rows = rules
        .into_iter()
        .map(|rule| {
            let does = match (rule.ends, rule.trouble.is_some()) {
                (_, true) => view! { <Tag tone=Some(Tone::Danger)>"Takes no signal"</Tag> }.into_any(),
                (true, _) => {
                    format!("Ends, at most {} a minute", thousands(rule.per_minute.into())).into_any()
                }
                (false, _) => view! { <Tag tone=Some(Tone::Info)>"Only reports"</Tag> }.into_any(),
            };
            view! {
                <tr>
                    <th scope="row">
                        <bdi>{rule.id}</bdi>
                    </th>
                    <td>
                        <bdi>{rule.from}</bdi>
                    </td>
                    <td>{rule.systems.join(", ")}</td>
                    <td>{does} {rule.trouble.map(|words| view! { <p class="second">{words}</p> })}</td>
                    <td>
                        <code>{rule.receiver}</code>
                    </td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card" aria-label="Rules">
            <TableCard caption="Rules of curfew.toml" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="Rule" />
                        <ColumnHead label="Signals of" />
                        <ColumnHead label="Sessions that go" />
                        <ColumnHead label="What it does" />
                        <ColumnHead label="Address for signals" />
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
        </section>
    }
    .into_any()
}

/// Signals as a table.
#[component]
fn Rows(
    /// Newest first.
    rows: Vec<SignalRow>,
) -> impl IntoView {
    let rows = rows.into_iter().map(row).collect_view();
    view! {
        <TableCard caption="Signals, newest first" inside=true>
            <thead>
                <tr>
                    <ColumnHead label="Came" />
                    <ColumnHead label="From" />
                    <ColumnHead label="Person" />
                    <ColumnHead label="What became of it" />
                    <ColumnHead label="Sessions meant" />
                    <ColumnHead label="Ending" />
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </TableCard>
    }
    .into_any()
}

/// How much an outcome asks for attention.
fn tone(outcome: SignalOutcome) -> Option<Tone> {
    match outcome {
        SignalOutcome::Ending | SignalOutcome::InHand | SignalOutcome::Nothing => None,
        SignalOutcome::Report => Some(Tone::Info),
        SignalOutcome::Failed => Some(Tone::Danger),
        _ => Some(Tone::Warn),
    }
}

fn row(row: SignalRow) -> impl IntoView {
    let became = match row.outcome {
        Some(outcome) => view! { <Tag tone=tone(outcome)>{outcome.label()}</Tag> }.into_any(),
        None => view! { <span class="quiet">"waits"</span> }.into_any(),
    };
    let person = match row.person {
        Some(name) => view! { <bdi>{name}</bdi> }.into_any(),
        None => view! { <span class="quiet">"nobody matched"</span> }.into_any(),
    };
    let sessions: Vec<String> = row
        .sessions
        .iter()
        .map(|of| format!("{} in {}", thousands(of.sessions), of.system))
        .collect();
    let sessions = match sessions.is_empty() {
        true => view! { <span class="quiet">"none"</span> }.into_any(),
        false => sessions.join(", ").into_any(),
    };
    let ending = match row.ending_no {
        Some(no) => view! { <a href=paths::ending(no)>{format!("Ending {no}")}</a> }.into_any(),
        None => view! { <span class="quiet">"none"</span> }.into_any(),
    };
    let from = match row.realm.is_empty() {
        true => row.from,
        false => format!("{}, {}", row.from, row.realm),
    };
    view! {
        <tr>
            <th scope="row" class="nowrap">
                <TimeAgo at=row.at />
                <span class="second">{row.reference}</span>
            </th>
            <td>
                <bdi>{from}</bdi>
                <span class="second">"rule " {row.rule}</span>
            </td>
            <td>{person}</td>
            <td>
                {became}
                {(!row.detail.is_empty()).then(|| view! { <p class="second">{row.detail}</p> })}
            </td>
            <td>{sessions}</td>
            <td class="nowrap">{ending}</td>
        </tr>
    }
    .into_any()
}
