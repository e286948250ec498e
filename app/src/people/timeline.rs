//! The last 24 hours of a person: a lane for each system, drawn and in words.

use leptos::prelude::*;

use super::wire::{PersonPage, Stay};
use crate::sessions::wire::SessionState;
use crate::ui::ages::clock_or_date;
use crate::ui::{Clock, Panel};
use crate::wire::Timestamp;

/// Minutes of the picture: 24 hours, a unit each.
const WIDE: i64 = 24 * 60;
/// Shortest bar, minutes: what is shorter could not be seen.
const SHORTEST: i64 = 6;
/// Sessions of a lane that are put into words.
const IN_WORDS: usize = 4;

/// The lanes.
#[component]
pub fn Timeline(
    /// The person.
    page: PersonPage,
) -> impl IntoView {
    let mut systems: Vec<(String, String)> = page
        .stays
        .iter()
        .map(|stay| (stay.system_name.clone(), stay.system_id.0.clone()))
        .chain(
            page.accounts
                .iter()
                .map(|account| (account.system_name.clone(), account.system_id.0.clone())),
        )
        .collect();
    systems.sort();
    systems.dedup();
    let now = page.now;
    let lanes = systems
        .into_iter()
        .map(|(name, id)| {
            let stays: Vec<Stay> = page
                .stays
                .iter()
                .filter(|stay| stay.system_id.0 == id)
                .cloned()
                .collect();
            lane(name, stays, now)
        })
        .collect_view();
    let more = page.more_stays.then(|| {
        view! { <p class="panel-note">"There were more sessions than the newest 200 shown here."</p> }
    });
    view! {
        <Panel title="Last 24 hours" aside=|| "Now at the right edge">
            <div class="lane-hours" aria-hidden="true">
                <span>"24 h ago"</span>
                <span>"18 h"</span>
                <span>"12 h"</span>
                <span>"6 h"</span>
                <span>"now"</span>
            </div>
            <ul class="lanes" role="list">
                {lanes}
            </ul>
            {more}
        </Panel>
    }
    .into_any()
}

fn lane(name: String, stays: Vec<Stay>, now: Timestamp) -> impl IntoView {
    let bars = stays
        .iter()
        .map(|stay| {
            let (from, wide) = span(stay, now);
            let class = match stay.state {
                SessionState::Live => "stay stay-live",
                SessionState::Ended => "stay stay-ended",
                SessionState::Vanished => "stay",
            };
            view! { <rect class=class x=from.to_string() y="3" width=wide.to_string() height="14" rx="2"></rect> }
        })
        .collect_view();
    let offset = Clock::here().offset_min();
    let words = match stays.is_empty() {
        true => "no session in this time".to_owned(),
        false => in_words(&stays, now, offset),
    };
    view! {
        <li class="lane">
            <b class="lane-name">
                <bdi>{name}</bdi>
            </b>
            <svg class="lane-bars" viewBox=format!("0 0 {WIDE} 20") preserveAspectRatio="none" aria-hidden="true">
                <path class="lane-line" d=format!("M0 10H{WIDE}")></path>
                {bars}
            </svg>
            <span class="lane-words second">{words}</span>
        </li>
    }
}

/// Where a bar begins and how wide it is, in minutes.
fn span(stay: &Stay, now: Timestamp) -> (i64, i64) {
    let minute = |at: Timestamp| (WIDE - now.since(at) / 60_000).clamp(0, WIDE);
    let to = stay.to.map_or(WIDE, minute);
    let from = stay.from.map_or(0, minute).min(to);
    let wide = (to - from).max(SHORTEST);
    (from.min(WIDE - wide), wide)
}

/// "SSO, since 18:20; Web, 11:02 to 11:20".
fn in_words(stays: &[Stay], now: Timestamp, offset_min: i32) -> String {
    let clock = |at: Timestamp| clock_or_date(at, now, offset_min);
    let one = |stay: &Stay| {
        let kind = stay.kind.label();
        let how = match stay.state {
            SessionState::Live => "",
            SessionState::Ended => ", ended",
            SessionState::Vanished => "",
        };
        match (stay.from, stay.to) {
            (Some(from), None) => format!("{kind}, since {}", clock(from)),
            (None, None) => format!("{kind}, start not reported"),
            (Some(from), Some(to)) => format!("{kind}, {} to {}{how}", clock(from), clock(to)),
            (None, Some(to)) => format!("{kind}, until {}{how}", clock(to)),
        }
    };
    let mut words: Vec<String> = stays.iter().take(IN_WORDS).map(one).collect();
    if stays.len() > IN_WORDS {
        words.push(format!("{} more", stays.len() - IN_WORDS));
    }
    words.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::wire::SessionKind;
    use crate::wire::SystemId;

    #[test]
    fn a_bar_stays_inside_the_day_and_can_be_seen() {
        let now = Timestamp(1_900_000_000_000);
        let stay = |from: Option<i64>, to: Option<i64>| Stay {
            system_id: SystemId::from("kc"),
            system_name: "Keycloak".to_owned(),
            kind: SessionKind::Sso,
            site: String::new(),
            state: if to.is_some() {
                SessionState::Vanished
            } else {
                SessionState::Live
            },
            from: from.map(|minutes| now.plus_seconds(-minutes * 60)),
            to: to.map(|minutes| now.plus_seconds(-minutes * 60)),
        };
        for (from, to, bar) in [
            (Some(60), None, (1_380, 60)),
            (Some(9_000), None, (0, 1_440)),
            (None, None, (0, 1_440)),
            (Some(120), Some(60), (1_320, 60)),
            (Some(61), Some(60), (1_379, 6)),
            (Some(0), None, (1_434, 6)),
            (Some(-500), None, (1_434, 6)),
            (Some(3_000), Some(1_440), (0, 6)),
        ] {
            assert_eq!(span(&stay(from, to), now), bar, "{from:?} {to:?}");
        }
    }
}
