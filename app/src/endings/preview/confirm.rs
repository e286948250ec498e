//! The panel that a preview is confirmed by.

use leptos::prelude::*;

use crate::endings::approval::{ApprovalPanel, NeedsNote};
use crate::endings::begin::BeginFields;
use crate::endings::wire::{AT, BEGIN, MINUTES, NOTICE, Preview};
use crate::layout::Echo;
use crate::paths;
use crate::ui::{ButtonKind, Field, LinkButton, Note, Panel, TextArea, Tone, When, counted, thousands};
use crate::wire::Timestamp;

/// The form that confirms; of an ending that was begun, or waits for a second person, where it stands.
#[component]
pub(super) fn ConfirmPanel(preview: Preview) -> impl IntoView {
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
    let refused = echo.whole(&["reason", "ticket_ref", "typed_number", BEGIN, MINUTES, AT, NOTICE]);
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
                <BeginFields echo=echo told=p.told.clone() />
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
