//! The editor of Curfew's own limits, with what they would mean while one types. Without script the question goes by
//! address, in a small form of its own.

use leptos::prelude::*;

use super::form;
use super::wire::{OwnPolicy, WhatIf, bounds};
use crate::layout::Echo;
use crate::paths;
use crate::ui::ages::limit_text;
use crate::ui::{
    Button, ButtonKind, Field, LinkButton, Note, Panel, TextArea, Tone, When, counted, thousands,
};
use crate::wire::Limit;

/// "15 min".
fn words(seconds: i64) -> String {
    limit_text(Limit::Seconds(seconds))
}

/// Version and date of what is in force.
fn version_aside(own: &OwnPolicy) -> ViewFn {
    let (version, at) = (own.current.version, own.current.changed_at);
    (move || {
        view! {
            {format!("version {version} · changed ")}
            <When at=at />
        }
    })
    .into()
}

/// The limits in force, for who may not change them.
#[component]
pub fn ReadOnly(
    /// The policy.
    own: OwnPolicy,
) -> impl IntoView {
    let aside = version_aside(&own);
    let what_if = own.what_if;
    view! {
        <Panel title="Curfew" aside=aside>
            <p>
                {format!(
                    "New sign-ins end after {} without activity, and after {} at latest.",
                    words(own.current.idle_timeout_s),
                    words(own.current.absolute_lifetime_s),
                )}
            </p>
            <p class="why">"To change them you need “Edit policies”."</p>
            <div class="panel-section">
                <Meaning what_if=what_if />
            </div>
        </Panel>
    }
    .into_any()
}

/// The form that saves, with its live question.
#[component]
pub fn Editor(
    /// The policy.
    own: OwnPolicy,
) -> impl IntoView {
    let echo = Echo::of(paths::post::POLICY, None, &[]);
    let aside = version_aside(&own);
    let asked = &own.what_if;
    let idle = echo.value_or(form::IDLE, (asked.idle_timeout_s / 60).to_string());
    let absolute = echo.value_or(form::ABSOLUTE, (asked.absolute_lifetime_s / 60).to_string());
    let idle_hint = format!("Now {}. From 5 to 60 minutes.", words(own.current.idle_timeout_s));
    let absolute_hint = format!(
        "Now {}. From 5 minutes to 24 h.",
        words(own.current.absolute_lifetime_s)
    );
    let whole = echo.whole(&[form::IDLE, form::ABSOLUTE, form::REASON]);
    let reason = echo.value_or(form::REASON, "");
    let (idle_error, absolute_error) = (echo.error(form::IDLE), echo.error(form::ABSOLUTE));
    let reason_error = echo.error(form::REASON);

    let what_if = own.what_if.clone();
    view! {
        <Panel title="Curfew" aside=aside>
            <form class="form without-script panel-section" method="get" action=paths::POLICIES>
                <div class="form-pair">
                    <Field id="try-idle" name=form::IDLE label="Try idle timeout" value=idle.clone() unit="minutes" short=true />
                    <Field id="try-absolute" name=form::ABSOLUTE label="Try longest time" value=absolute.clone() unit="minutes" short=true />
                </div>
                <div>
                    <Button small=true>"Show what that would mean"</Button>
                </div>
            </form>
            <form class="form panel-section" method="post" action=paths::post::POLICY data-what-if=paths::POLICIES>
                {whole
                    .map(|problem| {
                        view! {
                            <div role="alert">
                                <Note tone=Some(Tone::Danger)>{problem}</Note>
                            </div>
                        }
                    })}
                <div class="form-pair">
                    <Field
                        id="idle"
                        name=form::IDLE
                        label="Idle timeout"
                        kind="number"
                        min=bounds::IDLE_MIN
                        max=bounds::IDLE_MAX
                        value=idle
                        unit="minutes"
                        short=true
                        hint=idle_hint
                        error=idle_error
                        required=true
                    />
                    <Field
                        id="absolute"
                        name=form::ABSOLUTE
                        label="Longest time"
                        kind="number"
                        min=bounds::ABSOLUTE_MIN
                        max=bounds::ABSOLUTE_MAX
                        value=absolute
                        unit="minutes"
                        short=true
                        hint=absolute_hint
                        error=absolute_error
                        required=true
                    />
                </div>
                <div class="panel-section">
                    <Meaning what_if=what_if />
                </div>
                <TextArea
                    id="reason"
                    name=form::REASON
                    label="Why"
                    value=reason
                    hint="Kept with the version and in the audit."
                    error=reason_error
                    required=true
                />
                <Note>
                    "The limits count for new sign-ins. Sessions that live now keep the limits they began with; "
                    "to end those that are over, open their list above and end them there."
                </Note>
                <div class="buttons">
                    <Button kind=ButtonKind::Primary>"Save policy"</Button>
                    <LinkButton href=paths::POLICIES kind=ButtonKind::Quiet>
                        "Discard"
                    </LinkButton>
                </div>
            </form>
        </Panel>
    }
    .into_any()
}

/// What limits would mean now: numbers, bars by age, and the same as a table.
#[component]
fn Meaning(
    /// The answer.
    what_if: WhatIf,
) -> impl IntoView {
    let over = what_if.over;
    let exactly = (over > 0).then(|| {
        let list = paths::sessions(&what_if.over_query);
        view! { <a href=list>{format!("See exactly these {}", thousands(over))}</a> }
    });
    let said = format!(
        "{} over, {}",
        counted(over, "session", "sessions"),
        counted(what_if.people, "person", "people")
    );
    view! {
        <div id="meaning" class="meaning-box">
            <span hidden data-say="">
                {said}
            </span>
            <div class="page-head">
                <h3>"If this were in force now"</h3>
                <span class="page-tools second">{counted(what_if.live, "session", "sessions")}</span>
            </div>
            <p class="meaning">
                <span>
                    <span class="big">{thousands(over)}</span>
                    {if over == 1 { " session over" } else { " sessions over" }}
                </span>
                <span>
                    <span class="big">{thousands(what_if.people)}</span>
                    {if what_if.people == 1 { " person" } else { " people" }}
                </span>
                {exactly}
            </p>
            <Bars what_if=what_if />
        </div>
    }
    .into_any()
}

/// Live sessions by hours of age; bars past the longest time are red, and hatched by their place behind the line.
#[component]
fn Bars(
    /// The answer to draw.
    what_if: WhatIf,
) -> impl IntoView {
    let most = what_if.ages.iter().copied().max().unwrap_or(0).max(1);
    let limit_hours = what_if.absolute_lifetime_s as f64 / 3600.0;
    let line = (limit_hours * 10.0).min(240.0);
    let bars = what_if
        .ages
        .iter()
        .enumerate()
        .map(|(hour, count)| {
            let height = *count as f64 * 96.0 / most as f64;
            let class = if hour as f64 >= limit_hours { "bar-over" } else { "bar-in" };
            view! {
                <rect class=class x=(hour * 10).to_string() y=format!("{:.1}", 100.0 - height) width="9" height=format!("{height:.1}")></rect>
            }
        })
        .collect_view();
    let rows = what_if
        .ages
        .iter()
        .enumerate()
        .map(|(hour, count)| {
            let age = if hour == 23 {
                "23 h and more".to_owned()
            } else {
                format!("{hour} to {} h", hour + 1)
            };
            view! {
                <tr>
                    <th scope="row">{age}</th>
                    <td class="num">{thousands(*count)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <div class="bar-chart-box">
            <svg class="bar-chart" viewBox="0 0 240 104" preserveAspectRatio="none" aria-hidden="true">
                {bars}
                <line class="bar-base" x1="0" y1="100" x2="240" y2="100"></line>
                <line class="bar-limit" x1=line.to_string() y1="0" x2=line.to_string() y2="104"></line>
            </svg>
            <div class="bar-axis" aria-hidden="true">
                <span>"0 h"</span>
                <span>"6 h"</span>
                <span>"12 h"</span>
                <span>"18 h"</span>
                <span>"24 h+"</span>
            </div>
        </div>
        <p class="second">
            {format!("Sessions by age. Behind the dashed line, in red: older than {}.", words(what_if.absolute_lifetime_s))}
        </p>
        <details class="as-table">
            <summary class="link-btn">"The same as a table"</summary>
            <table class="table table-low">
                <caption class="unseen">"Live sessions by age"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Age"</th>
                        <th scope="col" class="num">"Sessions"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </details>
    }
    .into_any()
}
