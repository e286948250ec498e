//! The page of a containment report, made to be printed: one for an ending, one for a person.

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::endings::EndingPanel;
use super::systems::Systems;
use super::wire::{Blocks as BlocksData, Report, ReportAbout, ReportOf, ReportPage, ReportPerson};
use crate::error::AppError;
use crate::layout::{Crumbs, FrameContext, PageHead, loaded};
use crate::paths;
use crate::ui::{
    Button, Clock, ColumnHead, Copy, Icon, LinkButton, Note, Panel, TableCard, Tone, When, counted, thousands,
};
use crate::wire::SubjectId;

/// The report of an ending.
#[component]
pub fn EndingReportPage() -> impl IntoView {
    let number = use_params_map().with_untracked(|p| p.get("no")?.parse::<i64>().ok());
    loaded(
        move |b| async move {
            let number = number.ok_or_else(|| AppError::not_found("ending"))?;
            b.containment.report(ReportOf::Ending(number)).await
        },
        |page| view! { <Whole page=page /> }.into_any(),
    )
}

/// The report of a person.
#[component]
pub fn PersonReportPage() -> impl IntoView {
    let id = use_params_map()
        .with_untracked(|p| p.get("id"))
        .unwrap_or_default();
    loaded(
        move |b| async move { b.containment.report(ReportOf::Person(SubjectId::from(id))).await },
        |page| view! { <Whole page=page /> }.into_any(),
    )
}

/// The page with its data.
#[component]
fn Whole(page: ReportPage) -> impl IntoView {
    let report = page.report;
    let about = report.about.clone();
    let clock = Clock::here();
    clock.set(about.made_at);
    let made = clock.full(about.made_at);
    let (above, back, file) = match (&about.subject_id, about.ending_no) {
        (Some(subject), _) => (
            "People",
            paths::subject(subject),
            paths::subject_report_file(subject),
        ),
        (None, number) => {
            let number = number.unwrap_or_default();
            (
                "Endings",
                paths::ending(number),
                paths::ending_report_file(number),
            )
        }
    };
    let may_export = page.may_export;
    let to = back.clone();
    let tools = move || {
        view! {
            <LinkButton href=to.clone()>"Back"</LinkButton>
            {match may_export {
                true => {
                    view! {
                        <LinkButton href=file.clone() icon=Icon::Export outside=true>
                            "Download signed JSON"
                        </LinkButton>
                    }
                        .into_any()
                }
                false => {
                    let why = "You have no grant to export data.".to_owned();
                    view! { <Button plain_click=true blocked=Some(why)>"Download signed JSON"</Button> }.into_any()
                }
            }}
        }
        .into_any()
    };
    let title = format!("Containment report: {}", about.title);
    view! {
        <PrintHead about=about.clone() />
        <Crumbs first=above href=back second="Containment report" />
        <PageHead title=title tools=tools />
        <p class="lead">{format!("Made {made} by ")} <bdi>{about.made_by.clone()}</bdi> ", as known then."</p>
        <div class="stack">
            <InPart about=about />
            <Blocks blocks=report.blocks.clone() />
            {report.person.clone().map(|person| view! { <Person person=person /> })}
            {report
                .endings
                .is_empty()
                .then(|| {
                    view! { <Note>"No ending that you may see touched this person\u{2019}s sessions."</Note> }
                })}
            {report.endings.iter().cloned().map(|ending| view! { <EndingPanel ending=ending /> }).collect_view()}
            <Systems systems=report.systems.clone() />
            <Proof report=report fingerprint=page.fingerprint />
        </div>
    }
    .into_any()
}

/// What it does not hold.
#[component]
fn InPart(about: ReportAbout) -> impl IntoView {
    let missing = about.not_in_it;
    (!missing.is_empty()).then(|| {
        let fact = match about.whole {
            true => "Not all of it is listed.",
            false => "This report is in part.",
        };
        let words = missing.join(" ");
        view! {
            <Note tone=Some(Tone::Info) fact=fact>
                {words}
            </Note>
        }
    })
}

/// What keeps people from signing in again.
#[component]
fn Blocks(blocks: BlocksData) -> impl IntoView {
    let rows = blocks
        .made
        .into_iter()
        .map(|block| {
            view! {
                <tr>
                    <th scope="row">
                        <bdi>{block.account}</bdi>
                    </th>
                    <td>
                        <bdi>{block.system_name}</bdi>
                    </td>
                    <td>{block.since.map(|at| view! { <When at=at /> })}</td>
                    <td>{block.until.map(|at| view! { <When at=at /> })}</td>
                    <td class="words">{block.asked_by} ": " {block.reason}</td>
                </tr>
            }
        })
        .collect::<Vec<_>>();
    let any = !rows.is_empty();
    view! {
        <Panel title="Sign-in blocks" padded=false>
            <p class="panel-note">{blocks.words}</p>
            {any
                .then(|| {
                    view! {
                        <TableCard caption="Sign-in blocks" class="stacks" inside=true>
                            <thead>
                                <tr>
                                    <ColumnHead label="Account" />
                                    <ColumnHead label="System" />
                                    <ColumnHead label="Since" />
                                    <ColumnHead label="Until" />
                                    <ColumnHead label="Why" />
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </TableCard>
                    }
                })}
        </Panel>
    }
    .into_any()
}

/// Whose report it is: accounts, and what is live.
#[component]
fn Person(person: ReportPerson) -> impl IntoView {
    let live: u64 = person.live_sessions.iter().map(|live| live.sessions).sum();
    let now = match live {
        0 => "By the newest readings no session of this person is live.".to_owned(),
        _ => {
            let parts = person
                .live_sessions
                .iter()
                .map(|live| format!("{} in {}", thousands(live.sessions), live.system_name));
            format!(
                "By the newest readings {} live: {}.",
                counted(live, "session is", "sessions are"),
                parts.collect::<Vec<_>>().join(", ")
            )
        }
    };
    let rows = person
        .accounts
        .into_iter()
        .map(|account| {
            view! {
                <tr>
                    <th scope="row">
                        <bdi>{account.account}</bdi>
                    </th>
                    <td>
                        <bdi>{account.system_name}</bdi>
                        " "
                        <span class="second">
                            <bdi>{account.place}</bdi>
                        </span>
                    </td>
                    <td>{ground_words(&account.ground)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel title="Person" padded=false>
            <p class="panel-note">{now}</p>
            <TableCard caption="Accounts of this person" class="stacks" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="Account" />
                        <ColumnHead label="System" />
                        <ColumnHead label="Why it is theirs" />
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
        </Panel>
    }
    .into_any()
}

fn ground_words(ground: &str) -> &'static str {
    match ground {
        "identity_server" => "Same subject at an identity server",
        "mail" => "Same verified mail",
        "name_space" => "Same name in one name space",
        "hand" => "Linked by hand",
        _ => "An account by itself",
    }
}

/// Where the log ended, and how the file is checked.
#[component]
fn Proof(
    report: Report,
    /// The portal's key.
    fingerprint: String,
) -> impl IntoView {
    let head = report.audit;
    let known = head.seq.zip(head.hash);
    let groups = in_groups(&fingerprint);
    view! {
        <Panel title="What proves it">
            <div class="stack">
                {match known {
                    Some((seq, hash)) => {
                        view! {
                            <p>
                                "The audit log ended with entry " <b>{thousands(seq.unsigned_abs())}</b> ", hash "
                                <code class="long-code">{in_groups(&hash)}</code> ". " {head.words}
                            </p>
                        }
                            .into_any()
                    }
                    None => view! { <p>{head.words}</p> }.into_any(),
                }}
                <p>
                    "The signed JSON is checked without this portal: " <code>"curfew verify-report FILE --key FINGERPRINT"</code>
                    ". This portal signs with the key of the fingerprint " <code class="long-code">{groups}</code> " "
                    <Copy text=fingerprint label="Copy fingerprint" />
                    ". A page on paper is signed by nobody."
                </p>
            </div>
        </Panel>
    }
    .into_any()
}

/// 64 hex digits as a person compares them.
fn in_groups(hex: &str) -> String {
    let groups: Vec<_> = hex.as_bytes().chunks(8).map(String::from_utf8_lossy).collect();
    groups.join(" ")
}

/// First line on paper.
#[component]
fn PrintHead(about: ReportAbout) -> impl IntoView {
    let clock = Clock::here();
    let house = FrameContext::here().read(|f| f.instance.clone());
    view! {
        <p class="print-only print-head">
            {format!(
                "Curfew · {house} · containment report · {} by {}",
                clock.full(about.made_at),
                about.made_by,
            )}
        </p>
    }
    .into_any()
}
