//! Live sessions over time and endings by outcome: small pictures, each with the same numbers in words and as a table.

use leptos::prelude::*;

use super::wire::{OverTime, Samples};
use crate::civil::Civil;
use crate::endings::wire::{EndingsByDay, Outcome};
use crate::ui::{Clock, ColumnHead, Cut, Panel, TableCard, thousands};
use crate::wire::Timestamp;

/// Height of a line in its picture; the line keeps off both edges.
const HIGH: f64 = 36.0;
const EDGE: f64 = 2.0;

/// Sessions of every system over the last day and month.
#[component]
pub fn LiveOverTime(
    /// The systems, by name.
    systems: Vec<OverTime>,
) -> impl IntoView {
    let table = as_table(&systems);
    let rows = systems
        .into_iter()
        .map(|system| {
            let pictures = match &system.live {
                Some(live) => view! {
                    <td>{picture(&live.day)}</td>
                    <td>{picture(&live.month)}</td>
                }
                .into_any(),
                None => view! {
                    <td colspan="2" class="soft">
                        "You may see some of its people, so what the whole system has isn’t shown."
                    </td>
                }
                .into_any(),
            };
            view! {
                <tr>
                    <th scope="row">
                        <Cut text=system.system_name />
                    </th>
                    {pictures}
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel
            title="Live sessions over time"
            aside=|| "most in each ten minutes and each hour, guests not counted"
            padded=false
        >
            <TableCard caption="Live sessions of each system over the last day and the last 30 days" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="System" />
                        <ColumnHead label="Last 24 hours" />
                        <ColumnHead label="Last 30 days" />
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
            {table}
        </Panel>
    }
    .into_any()
}

/// A line with its numbers in words beneath; broken where nothing was read.
fn picture(samples: &Samples) -> impl IntoView + use<> {
    let wide = samples.most.len();
    let line = line(&samples.most);
    view! {
        {(!line.is_empty())
            .then(|| {
                view! {
                    <svg
                        class="line-chart"
                        viewBox=format!("0 0 {wide} {}", HIGH + 2.0 * EDGE)
                        preserveAspectRatio="none"
                        aria-hidden="true"
                    >
                        <path class="line" d=line></path>
                    </svg>
                }
            })}
        <span class="second">{in_words(samples)}</span>
    }
}

/// The path of a line from zero to the most; a slot alone is a dot, a gap lifts the pen.
fn line(most: &[Option<u64>]) -> String {
    let top = most.iter().flatten().copied().max().unwrap_or(0).max(1) as f64;
    let height = |live: u64| format!("{:.0}", EDGE + HIGH - HIGH * live as f64 / top);
    let mut path = String::new();
    for (at, slot) in most.iter().enumerate() {
        let Some(live) = slot else { continue };
        let before = at.checked_sub(1).and_then(|b| most[b]);
        let after = most.get(at + 1).copied().flatten();
        let pen = match (before, after) {
            (Some(before), Some(after)) if before == *live && after == *live => continue,
            (Some(_), _) => "L",
            (None, _) => "M",
        };
        path.push_str(&format!("{pen}{at} {}", height(*live)));
        if before.is_none() && after.is_none() {
            path.push_str("h0");
        }
    }
    path
}

/// "12 to 40 live; not read for 3 h". The slot that has just begun is no gap yet.
fn in_words(samples: &Samples) -> String {
    let read = || samples.most.iter().flatten().copied();
    let (Some(least), Some(most)) = (read().min(), read().max()) else {
        return "never read whole in this time".to_owned();
    };
    let range = match least == most {
        true => format!("{} live", thousands(most)),
        false => format!("{} to {} live", thousands(least), thousands(most)),
    };
    let past = samples.most.len().saturating_sub(1);
    let missing = samples
        .most
        .iter()
        .take(past)
        .filter(|slot| slot.is_none())
        .count() as i64;
    match missing {
        0 => range,
        _ => format!(
            "{range}; no reading for {} of it",
            span(missing * samples.slot_ms)
        ),
    }
}

/// "50 min", "3 h", "12 days".
fn span(ms: i64) -> String {
    match ms / 60_000 {
        minutes @ ..120 => format!("{minutes} min"),
        minutes @ 120..2_880 => format!("{} h", minutes / 60),
        minutes => format!("{} days", minutes / 1_440),
    }
}

/// Neighbouring slots under one label: the most of them, `None` = none of them was read.
fn grouped(samples: &Samples, label: impl Fn(Timestamp) -> String) -> Vec<(String, Option<u64>)> {
    let mut rows: Vec<(String, Option<u64>)> = Vec::new();
    for (at, live) in samples.most.iter().enumerate() {
        let label = label(samples.from.plus_ms(at as i64 * samples.slot_ms));
        match rows.last_mut() {
            Some(last) if last.0 == label => last.1 = last.1.max(*live),
            _ => rows.push((label, *live)),
        }
    }
    rows
}

/// The pictures as two tables: hours of the day, days of the month.
fn as_table(systems: &[OverTime]) -> Option<impl IntoView + use<>> {
    let offset = Clock::here().offset_min();
    let date = move |c: Civil| format!("{} {}", c.day, c.month_name());
    let hour = move |at: Timestamp| {
        let c = Civil::at(at, offset);
        format!("{} {:02}:00", date(c), c.hour)
    };
    let day = move |at: Timestamp| date(Civil::at(at, offset));
    let mut names = Vec::new();
    let (mut hours, mut days) = (Vec::new(), Vec::new());
    for system in systems {
        if let Some(live) = &system.live {
            names.push(system.system_name.clone());
            hours.push(grouped(&live.day, hour));
            days.push(grouped(&live.month, day));
        }
    }
    if names.is_empty() {
        return None;
    }
    Some(view! {
        <details class="more-rows as-table">
            <summary>"The same as a table"</summary>
            <Numbers caption="Most live sessions in each hour of the last day" first="Hour" names=names.clone() columns=hours />
            <Numbers caption="Most live sessions on each of the last 30 days" first="Day" names=names columns=days />
        </details>
    })
}

/// One table of numbers: a row for each time, a column for each system.
#[component]
fn Numbers(
    /// What it is.
    caption: &'static str,
    /// Head of the first column.
    first: &'static str,
    /// Names of the systems.
    names: Vec<String>,
    /// Their rows, all with the same labels.
    columns: Vec<Vec<(String, Option<u64>)>>,
) -> impl IntoView {
    let labels: Vec<String> = columns
        .first()
        .map(|rows| rows.iter().map(|(label, _)| label.clone()).collect())
        .unwrap_or_default();
    let cell = |live: Option<u64>| match live {
        Some(live) => view! { <td class="num">{thousands(live)}</td> }.into_any(),
        None => view! { <td class="num quiet">"not read"</td> }.into_any(),
    };
    let rows = labels
        .into_iter()
        .enumerate()
        .map(|(at, label)| {
            let cells = columns
                .iter()
                .map(|rows| cell(rows.get(at).and_then(|row| row.1)))
                .collect_view();
            view! {
                <tr>
                    <th scope="row">{label}</th>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    view! {
        <TableCard caption=caption inside=true class="table-low">
            <thead>
                <tr>
                    <ColumnHead label=first />
                    {names.into_iter().map(|name| view! { <ColumnHead label=name number=true /> }).collect_view()}
                </tr>
            </thead>
            <tbody>{rows}</tbody>
        </TableCard>
    }
    .into_any()
}

/// What a bar of the picture holds: read back as gone, not sure, not done.
const SHARES: [(&str, &str, &[Outcome]); 3] = [
    (
        "bar-ok",
        "gone",
        &[Outcome::Ended, Outcome::Rotated, Outcome::AlreadyGone],
    ),
    (
        "bar-warn",
        "still there or unknown",
        &[Outcome::StillThere, Outcome::Unknown],
    ),
    (
        "bar-over",
        "refused, not possible or stopped",
        &[Outcome::Refused, Outcome::Unsupported, Outcome::Stopped],
    ),
];

/// How many of a day had one of these outcomes.
fn of(day: &[u64; 8], outcomes: &[Outcome]) -> u64 {
    Outcome::ALL
        .iter()
        .zip(day)
        .filter(|(outcome, _)| outcomes.contains(outcome))
        .map(|(_, n)| n)
        .sum()
}

/// What became of sessions that were to end, by day.
#[component]
pub fn Outcomes(
    /// The days.
    by_day: EndingsByDay,
) -> impl IntoView {
    let EndingsByDay { from, days, partly } = by_day;
    let all: u64 = days.iter().flatten().sum();
    let left_out = partly.then(|| {
        view! { <p class="second">"Systems that you may see in part are not counted."</p> }
    });
    if all == 0 {
        return view! {
            <Panel title="Endings, last 30 days">
                <p class="soft">"No session was ended in this time."</p>
                {left_out}
            </Panel>
        }
        .into_any();
    }
    let most = days
        .iter()
        .map(|day| day.iter().sum::<u64>())
        .max()
        .unwrap_or(1)
        .max(1) as f64;
    let bars = days
        .iter()
        .enumerate()
        .map(|(at, day)| {
            let mut y = 100.0;
            SHARES
                .iter()
                .filter_map(|(class, _, outcomes)| {
                    let height = of(day, outcomes) as f64 * 96.0 / most;
                    y -= height;
                    (height > 0.0).then(|| {
                        view! {
                            <rect class=*class x=(at * 8).to_string() y=format!("{y:.1}") width="7" height=format!("{height:.1}")></rect>
                        }
                    })
                })
                .collect_view()
        })
        .collect_view();
    let totals = SHARES
        .iter()
        .map(|(class, words, outcomes)| {
            let n: u64 = days.iter().map(|day| of(day, outcomes)).sum();
            view! {
                <li>
                    <svg class="legend" viewBox="0 0 8 8" aria-hidden="true">
                        <rect class=*class width="8" height="8"></rect>
                    </svg>
                    {format!("{} {words}", thousands(n))}
                </li>
            }
        })
        .collect_view();
    let label = |at: usize| {
        let c = Civil::at(from.plus_seconds(at as i64 * 86_400), 0);
        format!("{} {}", c.day, c.month_name())
    };
    let (first, last) = (label(0), label(days.len().saturating_sub(1)));
    let met: Vec<usize> = (0..Outcome::ALL.len())
        .filter(|at| days.iter().any(|day| day[*at] > 0))
        .collect();
    let heads = met
        .iter()
        .map(|at| view! { <ColumnHead label=Outcome::ALL[*at].label() number=true /> })
        .collect_view();
    let rows = days
        .iter()
        .enumerate()
        .map(|(at, day)| {
            let cells = met
                .iter()
                .map(|outcome| view! { <td class="num">{thousands(day[*outcome])}</td> })
                .collect_view();
            view! {
                <tr>
                    <th scope="row">{label(at)}</th>
                    {cells}
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel title="Endings, last 30 days" aside=|| "by day of UTC">
            <div class="bar-chart-box">
                <svg class="bar-chart bar-chart-low" viewBox="0 0 240 101" preserveAspectRatio="none" aria-hidden="true">
                    {bars}
                    <line class="bar-base" x1="0" y1="100" x2="240" y2="100"></line>
                </svg>
                <div class="bar-axis" aria-hidden="true">
                    <span>{first}</span>
                    <span>{last}</span>
                </div>
            </div>
            <ul class="legends second" role="list">
                {totals}
            </ul>
            {left_out}
            <details class="as-table">
                <summary class="link-btn">"The same as a table"</summary>
                <TableCard caption="Sessions by outcome on each of the last 30 days" inside=true class="table-low">
                    <thead>
                        <tr>
                            <ColumnHead label="Day" />
                            {heads}
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </TableCard>
            </details>
        </Panel>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_breaks_the_line_and_is_never_drawn_as_zero() {
        assert_eq!(line(&[None, None]), "");
        // Two pieces, and what stands alone is a dot; equal neighbours are one stroke.
        let most = [Some(4), Some(4), Some(4), None, Some(2), None, Some(0), Some(4)];
        assert_eq!(line(&most), "M0 2L2 2M4 20h0M6 38L7 2");
    }

    #[test]
    fn words_tell_the_range_and_what_was_not_read() {
        let samples = |most: &[Option<u64>]| Samples {
            from: Timestamp(0),
            slot_ms: 600_000,
            most: most.to_vec(),
        };
        for (most, words) in [
            (vec![Some(3), Some(1_200), None], "3 to 1,200 live"),
            (
                vec![Some(3), None, Some(3)],
                "3 live; no reading for 10 min of it",
            ),
            (vec![None, None], "never read whole in this time"),
        ] {
            assert_eq!(in_words(&samples(&most)), words);
        }
    }

    #[test]
    fn an_hour_of_the_table_has_the_most_of_its_slots() {
        let samples = Samples {
            from: Timestamp(0),
            slot_ms: 600_000,
            most: vec![Some(1), None, Some(9), None, None, None, None, Some(2)],
        };
        let hour = |at: Timestamp| (at.0 / 3_600_000).to_string();
        assert_eq!(
            grouped(&samples, hour),
            [("0".to_owned(), Some(9)), ("1".to_owned(), Some(2))]
        );
    }
}
