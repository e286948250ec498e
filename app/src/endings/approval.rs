//! The second person on the pages: what needs one, what they decide, what waits for them.

use leptos::prelude::*;

use super::wire::{
    Approval, ApprovalState, Begin, NeedsSecond, Preview, Review, SecondLook, SecondPerson, WaitingApproval,
};
use crate::layout::{Echo, FrameContext};
use crate::paths;
use crate::ui::{
    Button, ButtonKind, Clock, Fact, LinkButton, Note, Panel, TableCard, Tag, TextArea, TimeAgo, Tone,
    WaitingMark, When, counted, thousands,
};
use crate::wire::Timestamp;

/// "Mara Ortiz", "Mara Ortiz and Kofi Mensah", "Mara Ortiz, Kofi Mensah and 3 more".
pub(super) fn names(who: &[String], and: &str) -> String {
    match who {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} {and} {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} {and} {} more", rest.len()),
    }
}

/// What makes a second person necessary, as one sentence.
fn why_words(why: &[NeedsSecond], sessions: u64) -> String {
    let part = |why: &NeedsSecond| match why {
        NeedsSecond::Size { above } => format!("{} is above {}", thousands(sessions), thousands(*above)),
        NeedsSecond::OverQuota { left: 0, per_hour } => {
            format!("your {} sessions of this hour are used up", thousands(*per_hour))
        }
        NeedsSecond::OverQuota { left, per_hour } => format!(
            "{} of your {} sessions of this hour are left",
            thousands(*left),
            thousands(*per_hour)
        ),
        NeedsSecond::Protected => "protected people are among them".to_owned(),
        NeedsSecond::Everybody { systems } => format!("it is everybody of {}", names(systems, "and")),
    };
    let parts: Vec<String> = why.iter().map(part).collect();
    let mut sentence = format!("{}, so a second person must approve.", parts.join(", and "));
    if let Some(first) = sentence.get(..1) {
        let first = first.to_uppercase();
        sentence.replace_range(..1, &first);
    }
    sentence
}

/// Before it is asked for: why a second person is needed, and who it can be.
#[component]
pub fn NeedsNote(second: SecondPerson, sessions: u64) -> impl IntoView {
    let minutes = counted((second.for_s.max(0) as u64).div_ceil(60), "minute", "minutes");
    let who = if second.who.is_empty() {
        "Nobody who may approve holds a grant over all of it; you can only ask, and go on alone.".to_owned()
    } else {
        format!("{} can.", names(&second.who, "and"))
    };
    view! {
        <Note tone=Some(Tone::Info) fact=why_words(&second.why, sessions)>
            {format!("{who} The set stays frozen for {minutes}.")}
        </Note>
    }
    .into_any()
}

/// Beside a preview that was asked for: the decision, for who can take it; else where it stands.
#[component]
pub fn ApprovalPanel(
    /// The preview.
    p: Preview,
    /// Its request.
    asked: Approval,
    /// Way back to the list.
    back: String,
) -> impl IntoView {
    match asked.state {
        ApprovalState::Waiting if asked.may_decide => view! { <Decide p=p asked=asked /> }.into_any(),
        ApprovalState::Waiting => view! { <Waits p=p asked=asked /> }.into_any(),
        state => view! { <Over state=state asked=asked own=p.asked_by.is_none() back=back /> }.into_any(),
    }
}

/// How much time is left, as a tag.
#[component]
fn TimeLeft(until: Timestamp, now: Timestamp) -> impl IntoView {
    let minutes = until.since(now).max(0) / 60_000;
    let words = match minutes {
        0 => "under 1 min left".to_owned(),
        n => format!("{n} min left"),
    };
    view! { <Tag tone=Some(Tone::Warn)>{words}</Tag> }
}

/// What changed since the set was frozen.
#[component]
fn Since(p: Preview, asked: Approval) -> impl IntoView {
    let systems: Vec<String> = p.by_system.iter().map(|s| s.system_name.clone()).collect();
    view! {
        <dl class="facts">
            <Fact label="Frozen">
                {format!(
                    "{}, {}",
                    counted(p.sessions, "session", "sessions"),
                    counted(p.people, "person", "people"),
                )}
            </Fact>
            <Fact label="Still there">{thousands(p.sessions.saturating_sub(p.gone_since))}</Fact>
            <Fact label="Gone since, will say “already gone”">{thousands(p.gone_since)}</Fact>
            <Fact label="Started since by the same people, not touched">{thousands(asked.started_since)}</Fact>
            <Fact label="Left out">
                {thousands(p.left_out_count)}
                {(p.left_out_count > 0).then(|| view! { " " <a href="#left-out">"why"</a> })}
            </Fact>
            <Fact label="Systems">
                <bdi>{names(&systems, "and")}</bdi>
            </Fact>
            {match p.begin {
                Begin::Now => None,
                Begin::In(minutes) => {
                    Some(view! { <Fact label="Starts">{format!("{minutes} min after approval")}</Fact> }.into_any())
                }
                Begin::At(at) => {
                    Some(
                        view! {
                            <Fact label="Starts, or at once if approved later">
                                <When at=at />
                            </Fact>
                        }
                            .into_any(),
                    )
                }
            }}
            {(!p.notice.is_empty())
                .then(|| {
                    view! {
                        <Fact label="People are told">
                            <bdi>{p.notice.clone()}</bdi>
                        </Fact>
                    }
                })}
            {(!asked.ticket_ref.is_empty())
                .then(|| {
                    view! {
                        <Fact label="Ticket">
                            <bdi>{asked.ticket_ref.clone()}</bdi>
                        </Fact>
                    }
                })}
        </dl>
    }
    .into_any()
}

#[component]
fn Decide(p: Preview, asked: Approval) -> impl IntoView {
    let clock = Clock::here();
    let action = paths::post::decide(&p.ending_id);
    let echo = Echo::of(&action, None, &[]);
    let refused = echo.whole(&["note"]);
    let asker = p.asked_by.clone().unwrap_or_default();
    let me = FrameContext::here().read(|f| f.display_name.clone());
    let sessions = counted(p.sessions, "session", "sessions");
    let (now, until) = (p.now, asked.expires_at);
    let needs = why_words(&asked.why, p.sessions);
    view! {
        <section class="panel sticky-panel" aria-labelledby="approve-title">
            <header class="panel-head">
                <h2 id="approve-title">{format!("Approve ending {sessions}?")}</h2>
                <div class="panel-aside">
                    <TimeLeft until=until now=now />
                </div>
            </header>
            <form class="panel-body stack" method="post" action=action>
                {refused.map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
                <p>
                    "Asked by " <bdi>{asker.clone()}</bdi>
                    {format!(" at {} for ", clock.full(asked.requested_at))}
                    <b>"“" <bdi>{asked.reason.clone()}</bdi> "”"</b> ". You see the same frozen set."
                </p>
                <p class="soft">{needs}</p>
                <Since p=p asked=asked />
                <TextArea
                    id="note"
                    name="note"
                    label=format!("Note to {asker}, kept in the audit")
                    value=echo.value_or("note", "")
                    hint="Optional."
                    error=echo.error("note")
                />
                <div class="confirm-acts">
                    <Button kind=ButtonKind::Danger name="act" value="approve">
                        {format!("Approve and end {sessions}")}
                    </Button>
                    <Button name="act" value="turn-down">
                        "Turn down"
                    </Button>
                </div>
                <p class="why">
                    "Signed in as " <bdi>{me}</bdi> ". Nobody can approve what they asked for."
                </p>
            </form>
        </section>
    }
    .into_any()
}

/// For who asked: who can decide, the way back, and the way on alone.
#[component]
fn Waits(p: Preview, asked: Approval) -> impl IntoView {
    let clock = Clock::here();
    let action = paths::post::decide(&p.ending_id);
    let withdraw = Echo::of(&action, Some("withdraw"), &[]).whole(&[]);
    let who = names(&asked.who, "or");
    let who = if who.is_empty() {
        "You asked for this, so someone else must approve, and nobody who may holds a grant over all of it."
            .to_owned()
    } else {
        format!(
            "You asked for this, so someone else must approve: {who}. Send them the address of this page."
        )
    };
    let needs = why_words(&asked.why, p.sessions);
    let alone = asked.alone.clone();
    let (now, until) = (p.now, asked.expires_at);
    let since = asked.requested_at;
    let ending = p.ending_id.clone();
    let sessions = counted(p.sessions, "session", "sessions");
    view! {
        <section class="panel sticky-panel" aria-labelledby="waits-title">
            <header class="panel-head">
                <h2 id="waits-title">"Waiting for approval"</h2>
                <div class="panel-aside">
                    <TimeLeft until=until now=now />
                </div>
            </header>
            <div class="panel-body stack">
                {withdraw.map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
                <p>
                    <WaitingMark />
                    {format!(" since {}. Nothing has been asked of any system.", clock.full(since))}
                </p>
                <p class="soft">{needs}</p>
                <p>{who}</p>
                <Since p=p asked=asked.clone() />
                <form method="post" action=action>
                    <Button name="act" value="withdraw">
                        "Withdraw"
                    </Button>
                </form>
                {alone.map(|why_not| view! { <GoOnAlone ending=ending why_not=why_not sessions=sessions /> })}
            </div>
        </section>
    }
    .into_any()
}

/// The way on without a second person: a second factor, a reason, and somebody who looks at it afterwards.
#[component]
fn GoOnAlone(ending: crate::wire::EndingId, why_not: String, sessions: String) -> impl IntoView {
    let action = paths::post::decide(&ending);
    let echo = Echo::of(&action, Some("alone"), &[]);
    let refused = echo.whole(&["why"]);
    let open = echo.is_some();
    let blocked = (!why_not.is_empty()).then_some(why_not);
    view! {
        <details class="drop drop-flow go-on-alone" open=open>
            <summary class="btn btn-small">"Nobody there? Go on alone…"</summary>
            <div class="card drop-inner">
                <p class="soft">
                    "For emergencies. Everybody who can approve is told at once, on every page and by webhook, and somebody else has to review it within a day."
                </p>
                <form class="stack" method="post" action=action>
                    {refused.map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
                    <TextArea
                        id="why-alone"
                        name="why"
                        label="Why it can’t wait"
                        value=echo.value_or("why", "")
                        hint="Shown to everybody who can approve, and kept in the audit."
                        error=echo.error("why")
                        required=true
                    />
                    <Button kind=ButtonKind::DangerOutline name="act" value="alone" blocked=blocked>
                        {format!("End {sessions} alone")}
                    </Button>
                </form>
            </div>
        </details>
    }
    .into_any()
}

/// A request that is over without an ending.
#[component]
fn Over(state: ApprovalState, asked: Approval, own: bool, back: String) -> impl IntoView {
    let who = asked.decided_by.clone();
    let fact = match state {
        ApprovalState::TurnedDown => format!("{who} turned it down."),
        ApprovalState::Withdrawn => format!("{who} took the request back."),
        ApprovalState::Expired => "Nobody decided in time.".to_owned(),
        ApprovalState::Approved | ApprovalState::Overridden | ApprovalState::Waiting => {
            "It was decided.".to_owned()
        }
    };
    let note = asked.note;
    let at = asked.decided_at.unwrap_or(asked.expires_at);
    view! {
        <Panel title="Approval" aside=move || view! { <When at=at /> }>
            <div class="stack">
                <Note tone=Some(Tone::Warn) fact=fact>
                    {(!note.is_empty()).then(|| view! { "“" <bdi>{note}</bdi> "” " })}
                    "Nothing was asked of any system."
                </Note>
                {own
                    .then(|| {
                        view! {
                            <LinkButton href=back kind=ButtonKind::Primary>
                                "Back to the list, keep the selection"
                            </LinkButton>
                        }
                    })}
            </div>
        </Panel>
    }
    .into_any()
}

/// Previews that wait for a second person, above the list of endings.
#[component]
pub fn WaitingPanel(waiting: Vec<WaitingApproval>) -> impl IntoView {
    let number = waiting.len() as u64;
    let rows = waiting.into_iter().map(waiting_row).collect_view();
    (number > 0).then(|| {
        view! {
            <div class="waiting-approvals">
            <Panel title="Waiting for a second person" padded=false aside=move || thousands(number)>
                <TableCard caption="Previews that wait for a second person" class="stacks" inside=true>
                    <thead>
                        <tr>
                            <th scope="col">"Set"</th>
                            <th scope="col">"Asked by"</th>
                            <th scope="col">"Reason"</th>
                            <th scope="col">"Systems"</th>
                            <th scope="col">"Since it was frozen"</th>
                            <th scope="col">"Until"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </TableCard>
            </Panel>
            </div>
        }
    })
}

fn waiting_row(w: WaitingApproval) -> impl IntoView {
    let sessions = counted(w.sessions, "session", "sessions");
    let since = match (w.gone_since, w.started_since) {
        (0, 0) => "nothing changed".to_owned(),
        (gone, 0) => format!("{} gone", thousands(gone)),
        (0, new) => format!("{} started, not touched", thousands(new)),
        (gone, new) => format!(
            "{} gone, {} started, not touched",
            thousands(gone),
            thousands(new)
        ),
    };
    view! {
        <tr>
            <th scope="row">
                <a href=paths::preview(&w.ending_id)>
                    {if w.mine { format!("{sessions}, yours") } else { format!("{sessions}: look and decide") }}
                </a>
                <span class="second">{counted(w.people, "person", "people")}</span>
            </th>
            <td>
                <bdi>{w.asked_by}</bdi>
                <span class="second">
                    <TimeAgo at=w.requested_at passing=true />
                </span>
            </td>
            <td class="words">
                <bdi>{w.reason}</bdi>
            </td>
            <td>
                <bdi>{names(&w.systems, "and")}</bdi>
            </td>
            <td>{since}</td>
            <td class="nowrap">
                <When at=w.expires_at />
            </td>
        </tr>
    }
}

/// On the page of an ending: who approved it, or that nobody did, and the review of that.
#[component]
pub fn SecondLookNote(number: i64, look: SecondLook) -> impl IntoView {
    let clock = Clock::here();
    let at = clock.full(look.at);
    let note = look.note.clone();
    let Some(review) = look.review else {
        return view! {
            <Note fact=format!("Approved by {} at {at}.", look.by)>
                {(!note.is_empty()).then(|| view! { "“" <bdi>{note}</bdi> "”" })}
            </Note>
        }
        .into_any();
    };
    let fact = format!("{} went on without a second person at {at}.", look.by);
    match review {
        Review::Done { by, at, note: found } => view! {
            <Note fact=fact>
                "“" <bdi>{note}</bdi> "” Reviewed by " <bdi>{by}</bdi> {format!(" at {}: “", clock.full(at))}
                <bdi>{found}</bdi> "”"
            </Note>
        }
        .into_any(),
        Review::Due { until, may_review } => {
            let action = paths::post::review(number);
            let echo = Echo::of(&action, None, &[]);
            let refused = echo.whole(&["note"]);
            let form = may_review.then(|| {
                view! {
                    <form class="stack review-form" method="post" action=action>
                        {refused.map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
                        <TextArea
                            id="review-note"
                            name="note"
                            label="What your review found"
                            value=echo.value_or("note", "")
                            hint="Kept with the ending and in the audit."
                            error=echo.error("note")
                            required=true
                        />
                        <div>
                            <Button kind=ButtonKind::Primary>"Save the review"</Button>
                        </div>
                    </form>
                }
            });
            view! {
                <Note tone=Some(Tone::Warn) fact=fact>
                    "“" <bdi>{note}</bdi> "” Somebody else is to review it by " <When at=until /> "."
                </Note>
                {form.map(|form| view! { <Panel title="Review">{form}</Panel> })}
            }
            .into_any()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_second_person_is_needed_is_said_in_one_sentence() {
        let size = NeedsSecond::Size { above: 500 };
        let said = why_words(std::slice::from_ref(&size), 1200);
        assert_eq!(said, "1,200 is above 500, so a second person must approve.");
        let everybody = NeedsSecond::Everybody {
            systems: vec!["Domo".to_owned(), "CAS".to_owned(), "Tableau".to_owned()],
        };
        assert_eq!(
            why_words(&[NeedsSecond::Protected, everybody], 40),
            "Protected people are among them, and it is everybody of Domo, CAS and 1 more, so a second person must approve."
        );
        let used = NeedsSecond::OverQuota {
            left: 0,
            per_hour: 200,
        };
        assert!(why_words(&[used], 3).starts_with("Your 200 sessions of this hour are used up, "));
    }
}
