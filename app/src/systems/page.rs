//! Connected systems: all of them in one table, and the chosen one opened below it.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::detail::Detail;
use super::over_time::{LiveOverTime, Outcomes};
use super::wire::{Abilities, Health, OverTime, SystemDetail, SystemsPage as Page};
use crate::endings::wire::EndingsByDay;
use crate::layout::{PageHead, loaded};
use crate::paths;
use crate::ui::{
    Clock, ColumnHead, Cut, Empty, Glyph, HealthMark, Icon, TableCard, Tag, TimeAgo, Tone, count_text,
};

/// How often an open page asks again on its own, in seconds.
const AGAIN_S: u32 = 10;

/// The systems page.
#[component]
pub fn SystemsPage() -> impl IntoView {
    loaded(
        |b| async move {
            let page = b.systems.systems_page().await?;
            let over_time = b.systems.over_time().await?;
            Ok((page, over_time, b.endings.endings_by_day().await?))
        },
        |(page, over_time, by_day)| {
            view! { <Systems page=page over_time=over_time by_day=by_day /> }.into_any()
        },
    )
}

/// "5 connected, 4 live".
fn summary(systems: &[SystemDetail]) -> String {
    let live = systems.iter().filter(|s| s.brief.health == Health::Live).count();
    match systems.len() {
        0 => String::new(),
        all if all == live => format!("{all} connected, all live"),
        all => format!("{all} connected, {live} live"),
    }
}

/// The one to open: the one asked for, else the first in trouble, else the first.
fn chosen<'a>(systems: &'a [SystemDetail], asked: Option<&str>) -> Option<&'a SystemDetail> {
    let trouble = |s: &&SystemDetail| matches!(s.brief.health, Health::Stale | Health::Failed);
    asked
        .and_then(|id| systems.iter().find(|s| s.brief.system_id.as_str() == id))
        .or_else(|| systems.iter().find(trouble))
        .or_else(|| systems.first())
}

/// The page with its data.
#[component]
fn Systems(
    /// Its data.
    page: Page,
    /// Live sessions over time.
    over_time: Vec<OverTime>,
    /// What became of sessions that were to end.
    by_day: EndingsByDay,
) -> impl IntoView {
    Clock::here().set(page.now);
    let summary = summary(&page.systems);
    let head = view! {
        <PageHead
            title="Systems"
            aside=move || summary.clone()
            tools=|| {
                view! {
                    <span class="second">
                        "Added and changed in curfew.toml. " <a href=paths::SIGNALS>"Signals of identity servers"</a>
                    </span>
                }
            }
        />
    };
    if page.systems.is_empty() {
        return view! {
            {head}
            <div class="card">
                <Empty icon=Icon::Plug fact="No system is connected">
                    <p>
                        "Nothing is connected, or none is part of your grant. Systems are added in curfew.toml; "
                        <code>"curfew check-config"</code> " says whether Curfew can reach them."
                    </p>
                </Empty>
            </div>
        }
        .into_any();
    }
    let asked = use_query_map().with_untracked(|map| map.get("system"));
    let open = chosen(&page.systems, asked.as_deref()).cloned();
    let open_id = open.as_ref().map(|system| system.brief.system_id.clone());
    let rows = page
        .systems
        .iter()
        .map(|system| {
            let open = open_id.as_ref() == Some(&system.brief.system_id);
            view! { <Row system=system.clone() open=open /> }
        })
        .collect_view();
    let detail = open.map(|system| {
        let may_manage = page.may_manage.contains(&system.brief.system_id);
        view! { <Detail system=system may_manage=may_manage /> }
    });
    view! {
        {head}
        <div class="stack" data-every=AGAIN_S>
            <TableCard caption="Connected systems: health, rows, and what Curfew can do there">
                <thead>
                    <tr>
                        <ColumnHead label="System" />
                        <ColumnHead label="Health" />
                        <ColumnHead label="Rows" number=true />
                        <ColumnHead label="Last read took" number=true />
                        <ColumnHead label="List" />
                        <ColumnHead label="End" />
                        <ColumnHead label="End all of a person" />
                        <ColumnHead label="Limits" />
                        <ColumnHead label="Self-test" />
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
            {detail}
            <LiveOverTime systems=over_time />
            <Outcomes by_day=by_day />
        </div>
    }
    .into_any()
}

/// One system in the table; its name opens it below.
#[component]
fn Row(
    /// The system.
    system: SystemDetail,
    /// It stands open below.
    open: bool,
) -> impl IntoView {
    let SystemDetail {
        brief,
        abilities,
        took_ms,
        ..
    } = system;
    let Abilities {
        list,
        end,
        end_all_of,
        policy,
        self_test,
        ..
    } = abilities;
    view! {
        <tr class:is-selected=open>
            <th scope="row">
                <span class="person">
                    <span class="person-name">
                        <a href=paths::system(&brief.system_id) aria-current=open.then_some("true")>
                            <Cut text=brief.name />
                        </a>
                        {brief.simulated.then(|| view! { " " <Tag tone=Some(Tone::Warn)>"simulated"</Tag> })}
                    </span>
                    <span class="second">{kind_words(&brief.kind)}</span>
                </span>
            </th>
            <td class="nowrap">
                <HealthMark health=brief.health />
                " "
                {match brief.read_at {
                    Some(at) => view! { <span class="soft"><TimeAgo at=at before="read" /></span> }.into_any(),
                    None => view! { <span class="quiet">"never read whole"</span> }.into_any(),
                }}
            </td>
            <td class="num">{count_text(brief.count)}</td>
            <td class="num nowrap">{took_words(took_ms)}</td>
            {[list, end, end_all_of, policy, self_test]
                .map(|able| view! { <td>{ability(able)}</td> })
                .collect_view()}
        </tr>
    }
    .into_any()
}

/// The connector's kind in words.
fn kind_words(kind: &str) -> String {
    match kind {
        "portal" => "this portal".to_owned(),
        "simulator" => "simulator".to_owned(),
        other => other.to_owned(),
    }
}

/// "0.4 s"; a dash before the first reading.
fn took_words(took_ms: Option<i64>) -> String {
    match took_ms {
        None => "–".to_owned(),
        Some(ms) => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
    }
}

/// A check or a dash, with a word for who can't see it.
fn ability(able: bool) -> impl IntoView {
    if able {
        view! {
            <Glyph icon=Icon::Check />
            <span class="unseen">"yes"</span>
        }
        .into_any()
    } else {
        view! {
            <span class="quiet" aria-hidden="true">"–"</span>
            <span class="unseen">"no"</span>
        }
        .into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::took_words;

    #[test]
    fn durations_are_in_tenths_of_a_second() {
        for (ms, words) in [
            (Some(0), "0.0 s"),
            (Some(412), "0.4 s"),
            (Some(12_050), "12.0 s"),
            (None, "–"),
        ] {
            assert_eq!(took_words(ms), words);
        }
    }
}
