//! One person: the last day, live sessions, accounts with the ground for each, who looks alike, endings; beside it the
//! way to end all of it.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::form::{PersonAct, SUBJECT};
use super::links::{Accounts, LookAlikes};
use super::list::PartOnly;
use super::timeline::Timeline;
use super::wire::{PersonPage as Page, Touched};
use crate::layout::{Crumbs, PageHead, loaded};
use crate::paths;
use crate::sessions::query::SessionQuery;
use crate::sessions::wire::{SessionRow, SessionsPage};
use crate::ui::{
    Button, ButtonKind, Clock, ColumnHead, Copy, Cut, Ends, Glyph, Icon, LinkButton, Note, Panel, Remaining,
    Started, TableCard, TimeAgo, counted, thousands,
};
use crate::wire::{Limit, SubjectId};

/// The page.
#[component]
pub fn SubjectPage() -> impl IntoView {
    let id = use_params_map()
        .with_untracked(|p| p.get("id"))
        .unwrap_or_default();
    loaded(
        move |b| async move {
            let subject = SubjectId::from(id);
            let page = b.people.person_page(subject.clone()).await?;
            let query = SessionQuery {
                subject: Some(subject),
                ..SessionQuery::default()
            };
            let sessions = b.sessions.list_sessions(query, true).await?;
            Ok((page, sessions))
        },
        |(page, sessions)| view! { <Subject page=page sessions=sessions /> }.into_any(),
    )
}

/// The page with its data.
#[component]
fn Subject(
    /// The person.
    page: Page,
    /// Their live sessions.
    sessions: SessionsPage,
) -> impl IntoView {
    Clock::here().set(page.now);
    let open = match page.sessions {
        0 => "no live session".to_owned(),
        n => format!(
            "{} in {}",
            counted(n, "session", "sessions"),
            counted(page.systems, "system", "systems")
        ),
    };
    let mails = page
        .mails
        .iter()
        .map(|mail| {
            view! {
                <bdi>{mail.clone()}</bdi>
                " " <Copy text=mail.clone() label="Copy mail" />
                " · "
            }
        })
        .collect_view();
    let report = paths::subject_report(&page.subject_id);
    view! {
        <Crumbs first="People" href=paths::PEOPLE second=page.name.clone() />
        <PageHead title=page.name.clone() tools=move || view! { <LinkButton href=report.clone()>"Containment report"</LinkButton> } />
        <p class="second person-facts">{mails} {open}</p>
        {(!page.whole).then(|| view! { <PartOnly /> })}
        <div class="beside">
            <div class="stack">
                <Timeline page=page.clone() />
                <LiveSessions page=page.clone() rows=sessions.rows />
                <Accounts page=page.clone() />
                <LookAlikes page=page.clone() />
                <History endings=page.endings.clone() />
            </div>
            <EndAll page=page />
        </div>
    }
    .into_any()
}

/// The way to the preview of everything they have open.
#[component]
fn EndAll(
    /// The person.
    page: Page,
) -> impl IntoView {
    let blocked = match (page.sessions, page.may_end) {
        (0, _) => Some("Nothing is open.".to_owned()),
        (_, false) => Some("You have no grant to end sessions.".to_owned()),
        _ => None,
    };
    let words = match page.sessions {
        0 => "End all sessions…".to_owned(),
        n => format!("End {}…", counted(n, "session", "sessions")),
    };
    view! {
        <Panel title="End all sessions">
            <div class="stack">
                <p>
                    {match page.whole {
                        true => "Every live session of this person, in every system.",
                        false => "Every live session of this person that is part of your grant.",
                    }}
                </p>
                <Note>
                    "Sessions of identity servers are ended first, and the other systems wait for them. The accounts stay "
                    "usable: who knows the password signs in again. The preview says what each ending does."
                </Note>
                <form method="post" action=paths::post::PEOPLE>
                    <input type="hidden" name="act" value=PersonAct::END />
                    <input type="hidden" name=SUBJECT value=page.subject_id.0 />
                    <Button kind=ButtonKind::Danger blocked=blocked>{words}</Button>
                </form>
                <p class="second">"Opens the preview."</p>
            </div>
        </Panel>
    }
    .into_any()
}

/// Their live sessions.
#[component]
fn LiveSessions(
    /// The person.
    page: Page,
    /// The sessions, as the list has them.
    rows: Vec<SessionRow>,
) -> impl IntoView {
    let shown = rows.len() as u64;
    let all = paths::sessions_of(&page.subject_id);
    let list = match rows.is_empty() {
        true => view! { <p class="panel-note">"Nothing is open."</p> }.into_any(),
        false => view! { <SessionTable rows=rows /> }.into_any(),
    };
    let number = thousands(page.sessions);
    view! {
        <Panel title="Live sessions" aside=move || number.clone() padded=false>
            {list}
            <p class="panel-note">
                {(shown < page.sessions).then(|| format!("The {shown} active last are shown. "))}
                <LinkButton href=all small=true>
                    "See them in the list"
                </LinkButton>
            </p>
        </Panel>
    }
    .into_any()
}

#[component]
fn SessionTable(
    /// The sessions.
    rows: Vec<SessionRow>,
) -> impl IntoView {
    let rows = rows.into_iter().map(session).collect_view();
    view! {
        <TableCard caption="Live sessions, active last first" inside=true>
            <thead>
                <tr>
                    <ColumnHead label="System" />
                    <ColumnHead label="Kind" />
                    <ColumnHead label="User name" />
                    <ColumnHead label="Session" />
                    <ColumnHead label="IP address" />
                    <ColumnHead label="Started" />
                    <ColumnHead label="Last activity" />
                    <ColumnHead label="Idle ends" />
                    <ColumnHead label="Ends at latest" />
                    <ColumnHead label="Client" />
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </TableCard>
    }
    .into_any()
}

fn session(row: SessionRow) -> impl IntoView {
    let not_told = if row.masked { "hidden" } else { "not reported" };
    let or_not = move |text: String| match text.is_empty() {
        true => view! { <span class="quiet">{not_told}</span> }.into_any(),
        false => view! { <bdi>{text}</bdi> }.into_any(),
    };
    let idle_ends = match (row.idle_ends_at, row.idle) {
        (Some(at), _) => Ends::At(at),
        (None, Limit::None) => Ends::Never,
        _ => Ends::NotReported,
    };
    let latest = match (row.absolute_expires_at, row.absolute_known) {
        (Some(at), _) => Ends::At(at),
        (None, true) => Ends::Never,
        (None, false) => Ends::NotReported,
    };
    let client = [row.browser.as_str(), row.os.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(", ");
    let why = row.cannot_end.as_ref().map(|why| why.label());
    let at_work = row.in_ending.clone();
    view! {
        <tr class=row.stale.then_some("is-stale")>
            <th scope="row" class="nowrap">
                {row
                    .stale
                    .then(|| {
                        view! {
                            <span class="is-warn">
                                <Glyph icon=Icon::Warning />
                                <span class="unseen">"not read lately: "</span>
                            </span>
                        }
                    })}
                <bdi>{row.system_name}</bdi>
                {(!row.site.is_empty())
                    .then(|| {
                        view! {
                            <span class="second">
                                <bdi>{row.site}</bdi>
                            </span>
                        }
                    })}
            </th>
            <td>{row.kind.label()}</td>
            <td>
                <Cut text=row.account_name />
                {why.map(|why| view! { <span class="second">{why}</span> })}
                {at_work
                    .map(|(number, words)| {
                        view! {
                            <span class="second">
                                <a href=paths::ending(number)>{words}</a>
                            </span>
                        }
                    })}
            </td>
            <td class="mono">{format!("…{}", row.handle_hint)}</td>
            <td>{or_not(row.ip.unwrap_or_default())}</td>
            <td class="nowrap">
                <Started at=row.created_at />
            </td>
            <td class="nowrap">
                {match row.last_active_at {
                    Some(at) => view! { <TimeAgo at=at /> }.into_any(),
                    None => view! { <span class="quiet">"not reported"</span> }.into_any(),
                }}
            </td>
            <td class="nowrap">
                <Remaining ends=idle_ends />
            </td>
            <td class="nowrap">
                <Remaining ends=latest />
            </td>
            <td>{or_not(client)}</td>
        </tr>
    }
    .into_any()
}

/// Endings that touched sessions of theirs.
#[component]
fn History(
    /// The newest first.
    endings: Vec<Touched>,
) -> impl IntoView {
    if endings.is_empty() {
        return view! {
            <Panel title="Endings" padded=false>
                <p class="panel-note">"No session of this person that is still kept was part of an ending."</p>
            </Panel>
        }
        .into_any();
    }
    let rows = endings
        .into_iter()
        .map(|line| {
            view! {
                <tr>
                    <th scope="row" class="nowrap">
                        <a href=paths::ending(line.ending_no)>{format!("Ending {}", line.ending_no)}</a>
                    </th>
                    <td>
                        <bdi>{line.asked_by}</bdi>
                        <span class="second">
                            <TimeAgo at=line.confirmed_at />
                        </span>
                    </td>
                    <td class="words">
                        <bdi>{line.reason}</bdi>
                    </td>
                    <td class="num">{thousands(line.sessions)}</td>
                    <td class="num">{thousands(line.gone)}</td>
                    <td class="num">{thousands(line.returned)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel title="Endings" aside=|| "sessions of this person only" padded=false>
            <TableCard caption="Endings that touched this person, newest first" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="Ending" />
                        <ColumnHead label="Asked by" />
                        <ColumnHead label="Reason" />
                        <ColumnHead label="Sessions" number=true />
                        <ColumnHead label="Gone" number=true />
                        <ColumnHead label="Came back" number=true />
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
        </Panel>
    }
    .into_any()
}
