//! Session limits of every system, and the editor of Curfew's own.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::accept::AdvicePanel;
use super::advice::advice;
use super::editor::{Editor, ReadOnly};
use super::form;
use super::wire::{
    LimitSource, OwnPolicy, PlaceLimits, PoliciesPage as Page, Profile, SettingSource, SystemLimits,
    SystemSetting,
};
use crate::layout::{PageHead, loaded};
use crate::paths;
use crate::ui::ages::limit_text;
use crate::ui::{
    Clock, ColumnHead, Cut, Empty, Icon, Panel, TableCard, TimeAgo, When, count_text, counted, thousands,
};
use crate::wire::{Count, Limit};

/// The policies page.
#[component]
pub fn PoliciesPage() -> impl IntoView {
    let asked = use_query_map()
        .with_untracked(|map| form::asked(map.get_str(form::IDLE), map.get_str(form::ABSOLUTE)));
    loaded(
        move |b| async move { b.policies.policies_page(asked).await },
        |page| view! { <Policies page=page /> }.into_any(),
    )
}

/// The page with its data.
#[component]
fn Policies(
    /// Its data.
    page: Page,
) -> impl IntoView {
    Clock::here().set(page.now);
    let own = page.own.clone();
    let advice = advice(&page.systems);
    let settings: Vec<(String, Vec<SystemSetting>)> = page
        .systems
        .iter()
        .filter(|system| !system.settings.is_empty())
        .map(|system| (system.system_name.clone(), system.settings.clone()))
        .collect();
    view! {
        <PageHead title="Policies" aside=|| "What each system does, where we know it from, and who is over" />
        <div class="beside beside-even">
            <div class="stack">
                {if page.systems.is_empty() {
                    view! {
                        <div class="card">
                            <Empty icon=Icon::Shield fact="No system to show limits of">
                                <p>"None is connected, or none is part of your grant."</p>
                            </Empty>
                        </div>
                    }
                        .into_any()
                } else {
                    view! { <Table systems=page.systems /> }.into_any()
                }}
                <AdvicePanel advice=advice now=page.now />
                {settings
                    .into_iter()
                    .map(|(name, settings)| view! { <Settings name=name settings=settings /> })
                    .collect_view()}
                {own.clone().filter(|own| !own.history.is_empty()).map(|own| view! { <History own=own /> })}
            </div>
            {own
                .map(|own| {
                    if own.may_edit {
                        view! { <Editor own=own /> }.into_any()
                    } else {
                        view! { <ReadOnly own=own /> }.into_any()
                    }
                })}
        </div>
    }
    .into_any()
}

/// All systems with their limits.
#[component]
fn Table(
    /// The systems.
    systems: Vec<SystemLimits>,
) -> impl IntoView {
    view! {
        <TableCard caption="Session limits of each system, where they are known from, and how many sessions are over">
            <thead>
                <tr>
                    <ColumnHead label="System" />
                    <ColumnHead label="Idle" />
                    <ColumnHead label="Longest" />
                    <ColumnHead label="Where we know it from" />
                    <ColumnHead label="Over" number=true />
                </tr>
            </thead>
            <tbody>
                {systems
                    .into_iter()
                    .map(|system| {
                        let over = match system.over {
                            Some(over @ 1..) => {
                                let words = format!(" over a limit in {}, show them", system.system_name);
                                view! {
                                    <a class="is-danger over-link" href=paths::sessions_over(&system.system_id)>
                                        {thousands(over)}
                                        <span class="unseen">{words}</span>
                                    </a>
                                }
                                    .into_any()
                            }
                            Some(_) => "0".into_any(),
                            None => "not counted".into_any(),
                        };
                        view! {
                            <tr>
                                <th scope="row">
                                    <a href=paths::system(&system.system_id)>
                                        <Cut text=system.system_name.clone() />
                                    </a>
                                </th>
                                // Kinds and places bring sentences of their own.
                                <td class:nowrap=system.places.is_empty()>
                                    {match (system.idle, system.places.is_empty()) {
                                        (Limit::Unknown, false) => ().into_any(),
                                        (idle, _) => limit(idle).into_any(),
                                    }}
                                    <Places places=system.places.clone() />
                                </td>
                                <td class="nowrap">{limit(system.absolute)}</td>
                                <td>
                                    {source(&system)}
                                    {(system.profile != Profile::default())
                                        .then(|| {
                                            let profile = format!("Measured by the profile “{}”", system.profile.label());
                                            view! { <span class="second block">{profile}</span> }
                                        })}
                                    {(!system.changes.is_empty())
                                        .then(|| view! { <span class="second">"Changed: " <bdi>{system.changes.join("; ")}</bdi></span> })}
                                </td>
                                <td class="num">{over} {earlier(&system)}</td>
                            </tr>
                        }
                    })
                    .collect_view()}
            </tbody>
        </TableCard>
    }
    .into_any()
}

/// How many sessions began under an earlier policy, leading to exactly those.
fn earlier(system: &SystemLimits) -> Option<AnyView> {
    let count = system.earlier.filter(|count| *count != Count::Exactly(0))?;
    let words = format!(" under an earlier policy in {}, show them", system.system_name);
    Some(
        view! {
            <a class="second block" href=paths::sessions_earlier(&system.system_id)>
                {format!("{} earlier", count_text(count))}
                <span class="unseen">{words}</span>
            </a>
        }
        .into_any(),
    )
}

/// Idle limits of single places, each under the system's.
#[component]
fn Places(
    /// The places.
    places: Vec<PlaceLimits>,
) -> impl IntoView {
    (!places.is_empty()).then(|| {
        view! {
            <ul class="limits-places" role="list">
                {places
                    .into_iter()
                    .map(|place| {
                        view! {
                            <li class="second">
                                <Cut text=place.place />
                                " "
                                <b>{limit_text(place.idle)}</b>
                                {(!place.note.is_empty()).then(|| format!(", {}", place.note))}
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        }
    })
}

/// A limit; quiet where there is none or nobody told us.
fn limit(limit: Limit) -> impl IntoView {
    let class = if matches!(limit, Limit::Seconds(_)) {
        ""
    } else {
        "quiet"
    };
    view! { <span class=class>{limit_text(limit)}</span> }
}

/// Where a limit is known from, and since when.
fn source(system: &SystemLimits) -> impl IntoView + use<> {
    let note = system.source_note.clone();
    let at = system.as_of;
    let word = match system.source {
        LimitSource::Read => "Read",
        LimitSource::Typed => "Typed in",
        LimitSource::Imported => "Out of a file",
        LimitSource::SetHere => "Set here",
        LimitSource::Seen if note.is_empty() => "Read off the listed sessions",
        LimitSource::Seen => "",
        LimitSource::Unknown => return view! { <span class="quiet">"nobody told us"</span> }.into_any(),
    };
    let when = at.map(|at| match system.source {
        LimitSource::Typed | LimitSource::SetHere => view! { " " <When at=at /> }.into_any(),
        _ => view! { " " <TimeAgo at=at /> }.into_any(),
    });
    view! {
        <span>
            {word} {when} {(!note.is_empty()).then(|| view! { <span class="second block">{note}</span> })}
        </span>
    }
    .into_any()
}

/// What else shapes the sessions of a system, each value with its source.
#[component]
fn Settings(
    /// The system.
    name: String,
    /// Its settings.
    settings: Vec<SystemSetting>,
) -> impl IntoView {
    let (told, untold): (Vec<_>, Vec<_>) = settings
        .into_iter()
        .partition(|setting| !matches!(setting.source, SettingSource::Default | SettingSource::Unknown));
    let head = || {
        view! {
            <thead>
                <tr>
                    <ColumnHead label="Setting" />
                    <ColumnHead label="Value" />
                    <ColumnHead label="Where we know it from" />
                </tr>
            </thead>
        }
    };
    let caption = format!("Settings of {name} that shape its sessions, and where they are known from");
    let others = counted(untold.len() as u64, "setting", "settings");
    view! {
        <Panel title=format!("Settings of {name}") padded=false>
            {(!told.is_empty())
                .then(|| {
                    view! {
                        <TableCard caption=caption inside=true class="table-low">
                            {head()}
                            <tbody>{told.into_iter().map(setting_row).collect_view()}</tbody>
                        </TableCard>
                    }
                })}
            {(!untold.is_empty())
                .then(|| {
                    view! {
                        <details class="more-rows">
                            <summary>{format!("{others} that nobody told us")}</summary>
                            <TableCard caption=format!("Settings of {name} that nobody told us") inside=true class="table-low">
                                {head()}
                                <tbody>{untold.into_iter().map(setting_row).collect_view()}</tbody>
                            </TableCard>
                        </details>
                    }
                })}
        </Panel>
    }
    .into_any()
}

/// A setting, its value, and where that is known from.
fn setting_row(setting: SystemSetting) -> impl IntoView {
    let known = !matches!(setting.source, SettingSource::Default | SettingSource::Unknown);
    let source = match setting.source {
        SettingSource::Read => "read",
        SettingSource::Typed => "typed in",
        SettingSource::Imported => "out of a file of",
        SettingSource::Default => "not read: documented default",
        SettingSource::Unknown => "nobody told us",
    };
    let value = if setting.value.is_empty() {
        "not known".to_owned()
    } else {
        setting.value
    };
    view! {
        <tr>
            <th scope="row">
                {(!setting.place.is_empty()).then(|| view! { <bdi>{setting.place}</bdi> ": " })}
                <Cut text=setting.name /> <span class="second block">{setting.note}</span>
            </th>
            <td class:quiet=!known>
                <bdi>{value}</bdi>
            </td>
            <td class:quiet=!known>
                {source} {setting.as_of.map(|at| view! { " " <When at=at /> })}
            </td>
        </tr>
    }
    .into_any()
}

/// Older versions of Curfew's own policy.
#[component]
fn History(
    /// The policy.
    own: OwnPolicy,
) -> impl IntoView {
    let minutes = |seconds: i64| limit_text(Limit::Seconds(seconds));
    view! {
        <Panel title="Curfew’s own policy, earlier versions" padded=false>
            <TableCard caption="Earlier versions of Curfew's own policy, newest first" inside=true class="table-low">
                <thead>
                    <tr>
                        <ColumnHead label="Version" number=true />
                        <ColumnHead label="Idle" />
                        <ColumnHead label="Longest" />
                        <ColumnHead label="Set" />
                        <ColumnHead label="By" />
                        <ColumnHead label="Why" />
                    </tr>
                </thead>
                <tbody>
                    {own
                        .history
                        .into_iter()
                        .map(|version| {
                            view! {
                                <tr>
                                    <td class="num">{version.version}</td>
                                    <td class="nowrap">{minutes(version.idle_timeout_s)}</td>
                                    <td class="nowrap">{minutes(version.absolute_lifetime_s)}</td>
                                    <td class="nowrap">
                                        <When at=version.changed_at />
                                    </td>
                                    <td>
                                        <bdi>{version.changed_by}</bdi>
                                    </td>
                                    <td>
                                        <bdi>{version.reason}</bdi>
                                    </td>
                                </tr>
                            }
                        })
                        .collect_view()}
                </tbody>
            </TableCard>
        </Panel>
    }
    .into_any()
}
