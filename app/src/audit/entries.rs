//! Entries of the log, newest first; each opens a row below it: where from, by which right, and its place in the chain.

use leptos::prelude::*;

use super::wire::{AuditEntry, AuditPage, AuditQuery, AuditResult};
use crate::paths;
use crate::ui::{Clock, ColumnHead, Cut, Glyph, Icon, LinkButton, TableCard, When, thousands};

/// The list with its pager.
#[component]
pub fn Entries(
    /// The page's data.
    page: AuditPage,
) -> impl IntoView {
    let offset = Clock::here().offset_min();
    let shown = page.entries.len() as u64;
    let total = thousands(page.total.unsigned_abs());
    let matching = if page.query.filters() > 0 {
        "that match"
    } else {
        "newest first"
    };
    let older = page.next.map(|seq| {
        let query = AuditQuery {
            before_seq: Some(seq),
            ..page.query.clone()
        };
        query.href(paths::AUDIT, offset)
    });
    let newest = page.query.before_seq.map(|_| {
        let query = AuditQuery {
            before_seq: None,
            ..page.query.clone()
        };
        query.href(paths::AUDIT, offset)
    });
    view! {
        <section class="card" aria-label="Entries">
            <div class="list-head">
                <p>
                    "Showing " <b>{thousands(shown)}</b> {format!(" {matching} · ")}
                    <span class="soft">{format!("{total} in all")}</span>
                </p>
                <p class="list-tools">"Never edited, only added"</p>
            </div>
            <TableCard caption="Audit entries, newest first" inside=true class="table-low audit">
                <thead>
                    <tr>
                        <ColumnHead label="Entry" />
                        <ColumnHead label="Time" />
                        <ColumnHead label="Who" />
                        <ColumnHead label="Did what" />
                        <ColumnHead label="To what" />
                        <ColumnHead label="Result" />
                        <ColumnHead label="Reason" />
                        <ColumnHead label="Details" />
                    </tr>
                </thead>
                <tbody>{page.entries.into_iter().map(|entry| view! { <Row entry=entry /> }).collect_view()}</tbody>
            </TableCard>
            {(older.is_some() || newest.is_some())
                .then(|| {
                    view! {
                        <nav class="pager" aria-label="Pages of entries">
                            {newest.map(|href| view! { <LinkButton href=href small=true>"Newest"</LinkButton> })}
                            {older.map(|href| view! { <LinkButton href=href small=true>"Older entries"</LinkButton> })}
                        </nav>
                    }
                })}
        </section>
    }
    .into_any()
}

/// How it went: routine successes stay grey.
fn result_mark(result: AuditResult) -> impl IntoView {
    let (class, icon, word) = match result {
        AuditResult::Ok => ("mark mark-quiet", Icon::Check, "Done"),
        AuditResult::Refused => ("mark mark-danger", Icon::Refused, "Not allowed"),
        AuditResult::Failed => ("mark mark-danger", Icon::Refused, "Failed"),
        AuditResult::Unknown => ("mark mark-warn", Icon::Unknown, "Unknown"),
    };
    view! {
        <span class=class>
            <Glyph icon=icon />
            <span>{word}</span>
        </span>
    }
}

/// One entry and the row below it, which shows while "Show" stands open (by style alone).
#[component]
fn Row(
    /// The entry.
    entry: AuditEntry,
) -> impl IntoView {
    let hidden = entry.target == "hidden from you";
    let reason = match (entry.reason.clone().unwrap_or_default(), entry.ticket_ref.clone()) {
        (reason, None) => reason,
        (reason, Some(ticket)) if reason.is_empty() => ticket,
        (reason, Some(ticket)) => format!("{reason}, {ticket}"),
    };
    let seq = entry.seq;
    view! {
        <tr id=format!("entry-{seq}")>
            <th scope="row" class="mono plain">
                {thousands(seq.unsigned_abs())}
            </th>
            <td class="nowrap mono">
                <When at=entry.at />
            </td>
            <td class="strong">
                <Cut text=entry.actor_name.clone() />
            </td>
            <td>{entry.action_words.clone()}</td>
            <td class:quiet=hidden>
                <Cut text=entry.target.clone() />
            </td>
            <td>{result_mark(entry.result)}</td>
            <td class="why-cell">
                <Cut text=reason />
            </td>
            <td>
                <details class="entry">
                    <summary class="link-btn">
                        "Show"
                        <span class="unseen">{format!(" entry {seq}")}</span>
                    </summary>
                </details>
            </td>
        </tr>
        <tr class="entry-detail">
            <td colspan="8">
                <Details entry=entry />
            </td>
        </tr>
    }
    .into_any()
}

/// Everything else an entry holds.
#[component]
fn Details(
    /// The entry.
    entry: AuditEntry,
) -> impl IntoView {
    let clock = Clock::here();
    let at = entry.at;
    let from = match (entry.source_ip, entry.user_agent) {
        (Some(ip), Some(agent)) => Some(format!("{ip}, {agent}")),
        (ip, agent) => ip.or(agent),
    };
    let place = [
        entry.system_id.map(|s| s.0),
        entry.site,
        entry.place,
        entry.account,
    ]
    .into_iter()
    .flatten()
    .filter(|part| !part.is_empty())
    .collect::<Vec<_>>()
    .join(" / ");
    let facts = [
        ("Word", Some(entry.action)),
        ("Asked from", from),
        ("Permission", entry.permission),
        ("Where", (!place.is_empty()).then_some(place)),
        ("Session", entry.session_key),
        ("Ending", entry.ending_id),
        ("Request", entry.request_id),
        ("Took", entry.duration_ms.map(|ms| format!("{ms} ms"))),
        ("Detail", (entry.detail != "{}").then_some(entry.detail)),
        ("Key", Some(entry.key_id)),
        ("Hash before", Some(entry.prev_hash)),
        ("Hash", Some(entry.hash)),
    ];
    view! {
        <dl class="entry-facts">
            <div>
                <dt>"At"</dt>
                <dd>{move || clock.full(at)}</dd>
            </div>
            {facts
                .into_iter()
                .filter_map(|(label, value)| value.map(|value| (label, value)))
                .map(|(label, value)| {
                    view! {
                        <div>
                            <dt>{label}</dt>
                            <dd>
                                <bdi>{value}</bdi>
                            </dd>
                        </div>
                    }
                })
                .collect_view()}
        </dl>
    }
    .into_any()
}
