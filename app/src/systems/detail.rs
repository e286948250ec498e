//! One system opened: its trouble, the self-test, what ending does there, how it is read.

use leptos::prelude::*;

use super::wire::{Health, SelfTestReport, StepResult, SystemBrief, SystemDetail};
use crate::paths;
use crate::ui::{
    Button, ButtonKind, Fact, Glyph, HealthMark, Icon, Note, Panel, Tag, TimeAgo, Tone, When, count_text,
};

/// The opened system.
#[component]
pub fn Detail(
    /// The system.
    system: SystemDetail,
    /// The caller may read now, pause and test.
    may_manage: bool,
) -> impl IntoView {
    let brief = system.brief.clone();
    let off = system.paused_at.is_some();
    let id = brief.system_id.0.clone();
    let not_listed = system.not_listed.join(", ");
    let about = system.about.clone();
    let found = system.found.clone();
    let reading = system.clone();
    view! {
        <section id="system" aria-labelledby="system-name" class="stack">
            <div class="page-head">
                <HealthMark health=brief.health bare=true />
                <h2 id="system-name">
                    <bdi>{brief.name.clone()}</bdi>
                </h2>
                <div class="page-aside">{since_tag(&brief)}</div>
                <div class="page-tools">
                    {if may_manage {
                        view! { <Acts id=id off=off can_test=system.abilities.self_test /> }.into_any()
                    } else {
                        view! {
                            <span class="why">"To read it now, pause or test it you need “Manage systems”."</span>
                        }
                            .into_any()
                    }}
                </div>
            </div>
            {trouble(&system)}
            <div class="thirds">
                <Panel title="Self-test" aside=test_aside(system.self_test.as_ref())>
                    {match system.self_test.clone() {
                        Some(report) => view! { <Report report=report /> }.into_any(),
                        None if system.abilities.self_test => {
                            view! {
                                <p class="soft">
                                    "Not run yet. It opens a throw-away session there, ends it and reads back "
                                    "whether it is gone. Nobody else’s session is touched."
                                </p>
                            }
                                .into_any()
                        }
                        None => view! { <p class="soft">"This system has no self-test."</p> }.into_any(),
                    }}
                    {brief
                        .unproven
                        .clone()
                        .map(|words| view! { <p class="panel-section is-warn">{words}"."</p> })}
                    <p class="panel-section second">
                        {match system.proven_at {
                            Some(at) => {
                                view! {
                                    "Ending was proven here " <TimeAgo at=at />
                                    {system.proven_build.clone().map(|build| format!(", build {build}"))}
                                    "."
                                }
                                    .into_any()
                            }
                            None => "Ending was never proven here.".into_any(),
                        }}
                    </p>
                </Panel>
                <Panel title="What ending does here">
                    {if about.is_empty() {
                        view! { <p class="soft">"Nothing known beyond the system’s own answer."</p> }.into_any()
                    } else {
                        view! {
                            <ul class="bullets" role="list">
                                {about.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}
                            </ul>
                        }
                            .into_any()
                    }}
                    {(!not_listed.is_empty())
                        .then(|| {
                            view! {
                                <p class="panel-section second">
                                    {format!("Not listed by {}: {not_listed}.", brief.name)}
                                </p>
                            }
                        })}
                </Panel>
                <Panel title="Reading">
                    <Reading system=reading />
                    {(!found.is_empty())
                        .then(|| {
                            view! {
                                <ul class="bullets panel-section" role="list">
                                    {found.into_iter().map(|line| view! { <li>{line}</li> }).collect_view()}
                                </ul>
                            }
                        })}
                </Panel>
            </div>
        </section>
    }
    .into_any()
}

/// What may be done with it: each button a form of its own.
#[component]
fn Acts(
    /// Its id.
    id: String,
    /// Paused now.
    off: bool,
    /// Has a self-test.
    can_test: bool,
) -> impl IntoView {
    let act = move |act: &'static str, words: &'static str, kind: ButtonKind| {
        view! {
            <form method="post" action=paths::post::SYSTEM>
                <input type="hidden" name="system" value=id.clone() />
                <Button name="act" value=act kind=kind small=true>
                    {words}
                </Button>
            </form>
        }
        .into_any()
    };
    let pause = if off {
        act("resume", "Read it again", ButtonKind::Plain)
    } else {
        act("pause", "Pause reading", ButtonKind::Quiet)
    };
    view! {
        {pause}
        {(!off).then(|| act("read", "Read now", ButtonKind::Plain))}
        {can_test.then(|| act("test", "Run self-test", ButtonKind::Plain))}
    }
    .into_any()
}

/// "Stale since 02:58".
fn since_tag(brief: &SystemBrief) -> Option<impl IntoView + use<>> {
    let (tone, word) = match brief.health {
        Health::Stale => (Tone::Warn, "Stale since"),
        Health::Failed => (Tone::Danger, "Failed since"),
        Health::Live | Health::Off => return None,
    };
    let since = brief.trouble_since?;
    Some(view! {
        <Tag tone=Some(tone)>
            {word}
            <When at=since />
        </Tag>
    })
}

/// What is wrong, what it means for its rows, what happens next.
fn trouble(system: &SystemDetail) -> Option<impl IntoView + use<>> {
    let brief = &system.brief;
    if let Some(at) = system.paused_at {
        let by = system.paused_by.clone().unwrap_or_else(|| "somebody".to_owned());
        return Some(
            view! {
                <Note fact=format!("Reading is paused by {by}.")>
                    "Since " <When at=at /> ". Its rows stay on screen with their age."
                </Note>
            }
            .into_any(),
        );
    }
    let cause = brief.trouble.clone()?;
    let tone = if brief.health == Health::Failed {
        Tone::Danger
    } else {
        Tone::Warn
    };
    let rows = count_text(brief.count);
    let tries = match system.failures {
        0 => String::new(),
        1 => " 1 try so far.".to_owned(),
        n => format!(" {n} tries so far."),
    };
    let next = brief.next_try_at;
    Some(
        view! {
            <Note tone=Some(tone) fact=format!("{} did not answer as it should: {cause}.", brief.name)>
                {next.map(|at| view! { "Next try at " <When at=at /> "." })}
                {tries}
                {format!(" The {rows} rows stay on screen with their age. Endings for it are accepted and wait.")}
            </Note>
        }
        .into_any(),
    )
}

/// When the self-test ran and how long it took.
fn test_aside(report: Option<&SelfTestReport>) -> ViewFn {
    let facts = report.map(|report| (report.at, report.took_ms));
    (move || {
        facts.map(|(at, took)| {
            view! {
                <When at=at />
                {format!(", took {}.{} s", took / 1000, took % 1000 / 100)}
            }
        })
    })
    .into()
}

/// Each step of a self-test with its result.
#[component]
fn Report(
    /// What was found.
    report: SelfTestReport,
) -> impl IntoView {
    view! {
        <ul class="steps" role="list">
            {report
                .steps
                .into_iter()
                .map(|step| {
                    let (class, icon, word) = match step.result {
                        StepResult::Passed => ("mark mark-ok", Icon::Ended, "Passed"),
                        StepResult::Failed => ("mark mark-danger", Icon::Refused, "Failed"),
                        StepResult::Skipped => ("mark mark-quiet", Icon::NotPossible, "Skipped"),
                    };
                    view! {
                        <li class="step">
                            <span class=class>
                                <Glyph icon=icon />
                                <span>{word}</span>
                            </span>
                            <span>
                                {step.name}
                                <span class="second block">{step.detail}</span>
                            </span>
                        </li>
                    }
                })
                .collect_view()}
        </ul>
    }
    .into_any()
}

/// How it is read: the numbers behind the ages.
#[component]
fn Reading(
    /// The system.
    system: SystemDetail,
) -> impl IntoView {
    let pace = match system.pace_ms {
        0 => "none".to_owned(),
        ms => format!("{ms} ms"),
    };
    view! {
        <dl class="facts">
            <Fact label="Every">{format!("{} s", system.collect_every_s)}</Fact>
            <Fact label="Limit per request">{format!("{} s", system.timeout_ms / 1000)}</Fact>
            <Fact label="Pause between requests">{pace}</Fact>
            <Fact label="Last full pass">
                {match system.brief.read_at {
                    Some(at) => view! { <When at=at /> }.into_any(),
                    None => "never".into_any(),
                }}
            </Fact>
            <Fact label="Rows">{count_text(system.brief.count)}</Fact>
            {system
                .earlier
                .map(|count| {
                    let list = paths::sessions_earlier(&system.brief.system_id);
                    view! {
                        <Fact label="Under an earlier policy">
                            <a href=list>{count_text(count)}</a>
                        </Fact>
                    }
                })}
            {system
                .brief
                .next_try_at
                .map(|at| {
                    view! {
                        <Fact label="Next try">
                            <When at=at />
                        </Fact>
                    }
                })}
        </dl>
    }
    .into_any()
}
