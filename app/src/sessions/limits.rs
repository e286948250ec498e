//! Session limits beside the list: what each system does by itself, and where we know it from.

use leptos::prelude::*;

use crate::paths;
use crate::policies::wire::{LimitSource, SystemLimits};
use crate::ui::ages::limit_text;
use crate::ui::{Cut, Glyph, Icon, TimeAgo, count_text, counted, thousands};
use crate::wire::{Count, Limit};

/// The panel beside the list, on wide windows.
#[component]
pub fn LimitsPanel(
    /// Limits of the systems in view.
    limits: Vec<SystemLimits>,
) -> impl IntoView {
    view! {
        <section class="panel" aria-labelledby="limits-title">
            <header class="panel-head">
                <h2 id="limits-title">"Session limits"</h2>
                <a href=paths::POLICIES>"Policies"</a>
            </header>
            <LimitsBody limits=limits />
        </section>
    }
    .into_any()
}

/// The same folded into one bar above the table: only exceptions show.
#[component]
pub fn LimitsBar(
    /// Limits of the systems in view.
    limits: Vec<SystemLimits>,
) -> impl IntoView {
    let exceptions: Vec<_> = limits
        .iter()
        .filter_map(|system| {
            let name = system.system_name.clone();
            match (system.over, system.source) {
                (Some(over), _) if over > 0 => Some(("is-danger", name, format!("{} over", thousands(over)))),
                (_, LimitSource::Unknown) => Some(("is-warn", name, "limits not known".to_owned())),
                _ => None,
            }
        })
        .collect();
    let exceptions = if exceptions.is_empty() {
        view! { <span class="quiet">"nobody is over"</span> }.into_any()
    } else {
        exceptions
            .into_iter()
            .map(|(class, name, words)| {
                view! {
                    <span class=class>
                        <bdi>{name}</bdi>
                        ", "
                        {words}
                    </span>
                }
            })
            .collect_view()
            .into_any()
    };
    view! {
        <details class="limits-fold card below-1340">
            <summary>
                <Glyph icon=Icon::Shield />
                <b>"Session limits"</b>
                <span class="limits-exceptions">{exceptions}</span>
                <span class="limits-more">"Show all" <Glyph icon=Icon::Chevron /></span>
            </summary>
            <LimitsBody limits=limits />
        </details>
    }
    .into_any()
}

#[component]
fn LimitsBody(
    /// Limits of the systems in view.
    limits: Vec<SystemLimits>,
) -> impl IntoView {
    let warnings: Vec<(String, String)> = limits
        .iter()
        .filter(|system| !system.before_you_end.is_empty())
        .map(|system| (system.system_name.clone(), system.before_you_end.clone()))
        .collect();
    let rows = limits.into_iter().map(limit_row).collect_view();
    view! {
        <div class="panel-body">
        <table class="limits-table">
            <caption class="unseen">"Limits of each system, and how many sessions are past them"</caption>
            <thead>
                <tr>
                    <th scope="col">"System"</th>
                    <th scope="col" class="num">
                        "Idle"
                    </th>
                    <th scope="col" class="num">
                        "Longest"
                    </th>
                    <th scope="col" class="num">
                        "Over"
                    </th>
                </tr>
            </thead>
            {rows}
        </table>
        {(!warnings.is_empty())
            .then(|| {
                view! {
                    <div class="limits-part">
                        <h3>"Before you end"</h3>
                        {warnings
                            .into_iter()
                            .map(|(name, words)| {
                                view! {
                                    <p>
                                        <b>
                                            <bdi>{name}</bdi>
                                            ":"
                                        </b>
                                        " "
                                        {words}
                                    </p>
                                }
                            })
                            .collect_view()}
                    </div>
                }
            })}
        </div>
    }
    .into_any()
}

/// The idle limit of a system; where only its places have one, that they differ.
pub fn idle_text(system: &SystemLimits) -> String {
    match system.idle {
        Limit::Unknown if !system.places.is_empty() => "by place".to_owned(),
        idle => limit_text(idle),
    }
}

/// Places shown beside the list; the Policies page has them all.
const PLACES: usize = 6;

/// The places of a system that have a limit other than the system's own, a line each.
fn place_rows(system: &SystemLimits) -> AnyView {
    let differ: Vec<_> = system
        .places
        .iter()
        .filter(|place| place.idle != system.idle)
        .collect();
    let more = differ.len().saturating_sub(PLACES);
    let rows = differ
        .into_iter()
        .take(PLACES)
        .map(|place| {
            view! {
                <tr class="limits-place">
                    <td>
                        <Cut text=place.place.clone() />
                    </td>
                    <td class="num">{limit_text(place.idle)}</td>
                    <td colspan="2"></td>
                </tr>
            }
        })
        .collect_view();
    view! {
        {rows}
        {(more > 0)
            .then(|| {
                view! {
                    <tr class="limits-place">
                        <td colspan="4">
                            <a href=paths::POLICIES>{format!("and {}", counted(more as u64, "place", "places"))}</a>
                        </td>
                    </tr>
                }
            })}
    }
    .into_any()
}

/// Links to sessions that no limit ends: those that never end for idleness, and old ones where nothing is the longest.
pub fn worth_a_look(system: &SystemLimits) -> AnyView {
    let never = system.never_idle.filter(|n| *n > 0).map(|n| {
        let words = match n {
            1 => "1 session never idles out".to_owned(),
            n => format!("{} sessions never idle out", thousands(n)),
        };
        view! {
            <a class="limits-look" href=paths::sessions_never_idle(&system.system_id)>
                {words}
                <span class="unseen">{format!(" in {}, show them", system.system_name)}</span>
            </a>
        }
    });
    let old = system.old_after_h.map(|hours| {
        view! {
            <a class="limits-look" href=paths::sessions_older(&system.system_id, hours)>
                {format!("Started over {hours} h ago")}
                <span class="unseen">{format!(" in {}, show them", system.system_name)}</span>
            </a>
        }
    });
    view! {
        {never}
        {earlier(system)}
        {old}
        {advice(system)}
    }
    .into_any()
}

/// The link to advice that nobody accepted, where it can be accepted.
fn advice(system: &SystemLimits) -> Option<AnyView> {
    let open = system.advice_open;
    (open > 0).then(|| {
        let words = format!("{} open", counted(open, "piece of advice", "pieces of advice"));
        view! {
            <a class="limits-look" href=paths::advice(&system.system_id)>
                {words}
                <span class="unseen">{format!(" on {}, show it", system.system_name)}</span>
            </a>
        }
        .into_any()
    })
}

/// The link to sessions that began under an earlier policy; with their number where it is known.
fn earlier(system: &SystemLimits) -> Option<AnyView> {
    let words = match system.earlier {
        _ if !system.compared => return None,
        Some(Count::Exactly(0)) => return None,
        Some(Count::Exactly(1)) => "1 session under an earlier policy".to_owned(),
        Some(count) => format!("{} sessions under an earlier policy", count_text(count)),
        None => "Under an earlier policy".to_owned(),
    };
    let unseen = format!(" in {}, show them", system.system_name);
    Some(
        view! {
            <a class="limits-look" href=paths::sessions_earlier(&system.system_id)>
                {words}
                <span class="unseen">{unseen}</span>
            </a>
        }
        .into_any(),
    )
}

/// A system in two lines: its limits, then the source of these values with its age.
fn limit_row(system: SystemLimits) -> impl IntoView {
    let over = match system.over {
        None => view! { <span class="quiet">"–"</span> }.into_any(),
        Some(0) => view! { <span class="quiet">"0"</span> }.into_any(),
        Some(over) => {
            let words = format!(" over a limit in {}, show them", system.system_name);
            view! {
                <a class="is-danger over-link" href=paths::sessions_over(&system.system_id)>
                    {thousands(over)}
                    <span class="unseen">{words}</span>
                </a>
            }
            .into_any()
        }
    };
    let places = place_rows(&system);
    let worth_a_look = worth_a_look(&system);
    let idle = idle_text(&system);
    let word = match system.source {
        LimitSource::Read => "Read",
        LimitSource::Typed => "Typed in",
        LimitSource::Imported => "Out of a file",
        LimitSource::SetHere => "Set here",
        LimitSource::Seen if system.source_note.is_empty() => "Read off the listed sessions",
        LimitSource::Seen => "",
        LimitSource::Unknown => "Nobody told us yet",
    };
    let read_at = (system.source == LimitSource::Read)
        .then_some(system.as_of)
        .flatten();
    let source = match (read_at, system.source_note.is_empty()) {
        (Some(at), true) => view! { <TimeAgo at=at before="Read" /> }.into_any(),
        (_, true) => word.into_any(),
        (_, false) if word.is_empty() => system.source_note.clone().into_any(),
        (_, false) if system.source_note.ends_with('.') => {
            format!("{word}. {}", system.source_note).into_any()
        }
        (_, false) => format!("{word}, {}", system.source_note).into_any(),
    };
    view! {
        <tbody>
            <tr>
                <th scope="row">
                    <bdi class="cut">{system.system_name}</bdi>
                </th>
                <td class="num" class:num-words=system.idle == Limit::Unknown>{idle}</td>
                <td class="num" class:num-words=system.absolute == Limit::Unknown>{limit_text(system.absolute)}</td>
                <td class="num">{over}</td>
            </tr>
            {places}
            <tr class="limits-source">
                <td colspan="4" class="second quiet">
                    {source}
                    {worth_a_look}
                </td>
            </tr>
        </tbody>
    }
    .into_any()
}
