//! The preview: a frozen set, before anything is asked. A page with an address of its own.

use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::approval::{ApprovalPanel, NeedsNote};
use super::link::LiveMark;
use super::wire::{ApprovalState, Preview, PreviewLeftOut, PreviewPerson, PreviewSystem};
use crate::layout::{Crumbs, Echo, PageHead, loaded};
use crate::paths;
use crate::sessions::wire::CannotEnd;
use crate::systems::wire::Health;
use crate::ui::{
    ButtonKind, Clock, Field, Glyph, HealthMark, Icon, LinkButton, Note, Panel, Person, TableCard, TextArea,
    Tile, Tiles, TimeAgo, Tone, When, counted, thousands,
};
use crate::wire::{EndingId, Timestamp};

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
            let proof = match s.proven_at {
                Some(at) => view! { <TimeAgo at=at before="ending proven here" passing=true /> }.into_any(),
                None => "ending never proven here".into_any(),
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
                        <span class="second" class:is-warn=s.stale>
                            {age}
                            {s.stale.then_some(", will be read again first")}
                        </span>
                    </th>
                    <td class="num">{thousands(s.sessions)}</td>
                    <td class="num">{thousands(s.people)}</td>
                    <td>
                        {s.takes_effect}
                        <span class="second">{proof}</span>
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

/// The icon in front of why a row is left out.
const fn why_icon(why: &CannotEnd) -> Icon {
    match why {
        CannotEnd::OwnSession => Icon::User,
        CannotEnd::OwnConnection => Icon::Plug,
        CannotEnd::Protected => Icon::Lock,
        CannotEnd::OutsideGrant { .. } => Icon::Shield,
        CannotEnd::Unsupported { .. } => Icon::NotPossible,
        CannotEnd::NotLive => Icon::AlreadyGone,
    }
}

/// What would help with a row that is left out, where no button does.
fn would_help(why: &CannotEnd, may_force: bool) -> String {
    match why {
        CannotEnd::OwnSession => "Add it below, signs you out".to_owned(),
        CannotEnd::Protected if may_force => "Add it below".to_owned(),
        CannotEnd::Protected => "Needs an Administrator with “Force end”".to_owned(),
        CannotEnd::OwnConnection => "Nothing: it would cut Curfew off".to_owned(),
        CannotEnd::OutsideGrant { who_can_give } if who_can_give.is_empty() => {
            "Ask whoever manages access".to_owned()
        }
        CannotEnd::OutsideGrant { who_can_give } => format!("Ask {}", who_can_give.join(" or ")),
        CannotEnd::Unsupported { words } => words.clone(),
        CannotEnd::NotLive => "Nothing to end".to_owned(),
    }
}

/// Why a row is left out, in a word or two.
fn left_out_label(why: &CannotEnd) -> String {
    match why {
        CannotEnd::OwnSession => "Your own session".to_owned(),
        CannotEnd::Unsupported { .. } => "Not possible there".to_owned(),
        other => other.label(),
    }
}

#[component]
fn LeftOut(preview: Preview) -> impl IntoView {
    let p = preview;
    let may_force = p.may_force;
    let row = |r: &PreviewLeftOut| {
        let (icon, label, help) = (
            why_icon(&r.why),
            left_out_label(&r.why),
            would_help(&r.why, may_force),
        );
        view! {
            <tr>
                <th scope="row">
                    <Person name=r.person.clone() login=r.account_name.clone() doubt=r.person_doubt.clone() />
                </th>
                <td>
                    <bdi>{r.system_name.clone()}</bdi>
                </td>
                <td>
                    <span class="why-cannot">
                        <Glyph icon=icon />
                        <span>{label}</span>
                    </span>
                </td>
                <td>{help}</td>
            </tr>
        }
    };
    let rows = p.left_out.iter().map(row).collect_view();
    let own_left = p.left_out.iter().any(|r| r.why == CannotEnd::OwnSession);
    let protected_left = p
        .left_out
        .iter()
        .filter(|r| r.why == CannotEnd::Protected)
        .count();
    let open = p.ending_no.is_none() && p.approval.is_none();
    let can_protect = protected_left > 0 && may_force;
    let any_act = open && (own_left || can_protect || p.includes_own || p.includes_protected);
    let number = p.left_out_count;
    let shown = p.left_out.len() as u64;
    let aside = format!(
        "{}, not counted in the {}",
        thousands(number),
        thousands(p.sessions)
    );
    (number > 0 || any_act).then(|| {
        let acts = any_act.then(|| {
            view! {
                <div class="drop-foot include-acts">
                    {(own_left || p.includes_own)
                        .then(|| {
                            let words = if p.includes_own { "Leave your own session out" } else { "Add your own session, signs you out" };
                            view! { <Include p=p.clone() own=!p.includes_own protected=p.includes_protected words=words.to_owned() /> }
                        })}
                    {(can_protect || p.includes_protected)
                        .then(|| {
                            let words = if p.includes_protected {
                                "Leave protected people out".to_owned()
                            } else {
                                format!("Add {}", counted(protected_left as u64, "protected session", "protected sessions"))
                            };
                            view! { <Include p=p.clone() own=p.includes_own protected=!p.includes_protected words=words /> }
                        })}
                </div>
            }
        });
        view! {
            <Panel title="Left out" id="left-out" padded=false aside=move || aside.clone()>
                {(number > 0)
                    .then(|| {
                        view! {
                            <TableCard caption="Sessions that are left out, and why" class="stacks" inside=true>
                                <thead>
                                    <tr>
                                        <th scope="col">"Person"</th>
                                        <th scope="col">"System"</th>
                                        <th scope="col">"Why"</th>
                                        <th scope="col">"What would help"</th>
                                    </tr>
                                </thead>
                                <tbody>{rows}</tbody>
                            </TableCard>
                        }
                    })}
                {(shown < number).then(|| view! { <p class="panel-note quiet">{format!("The first {} are shown.", thousands(shown))}</p> })}
                {acts}
            </Panel>
        }
    })
}

/// Takes own or protected sessions in or out: a step of its own, and the set is frozen anew.
#[component]
fn Include(p: Preview, own: bool, protected: bool, words: String) -> impl IntoView {
    let flag = |on: bool| if on { "1" } else { "0" };
    view! {
        <form method="post" action=paths::post::include(&p.ending_id)>
            <input type="hidden" name="own" value=flag(own) />
            <input type="hidden" name="protected" value=flag(protected) />
            <button class="btn btn-small">{words}</button>
        </form>
    }
    .into_any()
}

#[component]
fn ConfirmPanel(preview: Preview) -> impl IntoView {
    let p = preview;
    if let Some(number) = p.ending_no {
        return view! {
            <Panel title="Confirmed">
                <div class="stack">
                    <Note tone=Some(Tone::Info) fact="This preview was confirmed.">
                        {format!("It became ending {number}. Doing it twice starts nothing new.")}
                    </Note>
                    <LinkButton href=paths::ending(number) kind=ButtonKind::Primary>
                        {format!("See ending {number}")}
                    </LinkButton>
                </div>
            </Panel>
        }
        .into_any();
    }
    let back = paths::sessions(&p.back_query);
    if let Some(asked) = p.approval.clone() {
        return view! { <ApprovalPanel p=p asked=asked back=back /> }.into_any();
    }
    let over = |at: Timestamp| p.now >= at;
    if over(p.expires_at) {
        return view! {
            <Panel title="Confirm">
                <div class="stack">
                    <Note tone=Some(Tone::Warn) fact="This preview has expired.">
                        "Nothing was asked. Sessions may have changed since, so it has to be made anew."
                    </Note>
                    <LinkButton href=back kind=ButtonKind::Primary>
                        "Back to the list, keep the selection"
                    </LinkButton>
                </div>
            </Panel>
        }
        .into_any();
    }
    view! { <ConfirmForm p=p back=back /> }.into_any()
}

#[component]
fn ConfirmForm(p: Preview, back: String) -> impl IntoView {
    let action = paths::post::confirm(&p.ending_id);
    let echo = Echo::of(&action, None, &[]);
    let refused = echo.whole(&["reason", "ticket_ref", "typed_number"]);
    let sessions = counted(p.sessions, "session", "sessions");
    let blocked = p
        .blocked
        .clone()
        .or_else(|| (p.sessions == 0).then(|| "Nothing is left to end.".to_owned()));
    let second = p.second_person.clone();
    let button = match second {
        Some(_) => "btn btn-primary btn-wide",
        None => "btn btn-danger btn-wide",
    };
    let ticket_required = p.ticket_required;
    let expires = p.expires_at;
    let quota = p
        .quota_left
        .map(|left| format!("You may end {} more this hour.", thousands(left)));
    let ticket_hint = if ticket_required {
        "Required by policy."
    } else {
        "Optional."
    };
    let mut warnings = Vec::new();
    if p.includes_own {
        warnings.push(("Your own session is among them.", "You will be signed out."));
    }
    if p.includes_protected {
        warnings.push(("Protected people are among them.", "Make sure that they know."));
    }
    if p.paused {
        warnings.push(("All endings are paused.", "This one will wait until they go on."));
    }
    view! {
        <section class="panel sticky-panel" aria-labelledby="confirm-title">
            <header class="panel-head">
                <h2 id="confirm-title">"Confirm"</h2>
                <div class="panel-aside">"good until " <When at=expires /></div>
            </header>
            <form class="panel-body stack" method="post" action=action>
                {refused.map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
                <TextArea
                    id="reason"
                    name="reason"
                    label="Reason"
                    value=echo.value_or("reason", "")
                    hint="Kept with the ending and in the audit. People do not see it."
                    error=echo.error("reason")
                    required=true
                />
                <Field
                    id="ticket"
                    name="ticket_ref"
                    label="Ticket"
                    value=echo.value_or("ticket_ref", "")
                    hint=ticket_hint
                    error=echo.error("ticket_ref")
                    required=ticket_required
                    longest=100
                />
                {p
                    .type_number
                    .map(|number| {
                        view! {
                            <Field
                                id="typed"
                                name="typed_number"
                                label=format!("Type {} to confirm", p.sessions)
                                value=echo.value_or("typed_number", "")
                                hint=if number < p.sessions {
                                    format!("Asked above {}.", counted(number, "session", "sessions"))
                                } else {
                                    "Asked because the set is large.".to_owned()
                                }
                                error=echo.error("typed_number")
                                inputmode="numeric"
                                required=true
                                short=true
                            />
                        }
                    })}
                {warnings
                    .into_iter()
                    .map(|(fact, means)| view! { <Note tone=Some(Tone::Warn) fact=fact>{means}</Note> })
                    .collect_view()}
                {match second.clone() {
                    Some(second) => view! { <NeedsNote second=second sessions=p.sessions /> }.into_any(),
                    None => {
                        view! {
                            <Note tone=Some(Tone::Warn)>
                                "This can’t be undone. People sign in again; unsaved work in open pages may be lost."
                            </Note>
                        }
                            .into_any()
                    }
                }}
                <div class="confirm-acts">
                    <button class=button disabled=blocked.is_some() aria-describedby="confirm-why">
                        {if second.is_some() {
                            format!("Ask for approval to end {sessions}")
                        } else {
                            format!("End {sessions}")
                        }}
                    </button>
                    <p id="confirm-why" class="why">
                        {blocked.or(quota)}
                    </p>
                    <a class="btn btn-wide" href=back>
                        "Back to the list, keep the selection"
                    </a>
                </div>
            </form>
        </section>
    }
    .into_any()
}
