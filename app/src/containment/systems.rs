//! What can't be seen: of each system of a report, how old what it says is, what survives an ending, what it never lists.

use leptos::prelude::*;

use super::wire::ReportSystem;
use crate::ui::{ColumnHead, HealthMark, Panel, TableCard, Tag, When};

/// The systems.
#[component]
pub fn Systems(systems: Vec<ReportSystem>) -> impl IntoView {
    let rows = systems.into_iter().map(system).collect_view();
    view! {
        <Panel title="What survives, and what can\u{2019}t be seen" id="limits" padded=false>
            <TableCard caption="Systems of this report and their limits" class="stacks" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="System" />
                        <ColumnHead label="Newest whole reading" />
                        <ColumnHead label="What ending does there" />
                        <ColumnHead label="What Curfew can\u{2019}t see" />
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
        </Panel>
    }
    .into_any()
}

fn system(row: ReportSystem) -> impl IntoView {
    let read = match row.last_complete_reading_at {
        Some(at) => view! { <When at=at /> }.into_any(),
        None => "never read whole".into_any(),
    };
    let blind = match row.cannot_be_seen.is_empty() {
        true => "Nothing is known that it hides.".to_owned(),
        false => row.cannot_be_seen.join(" "),
    };
    view! {
        <tr>
            <th scope="row">
                <bdi>{row.name}</bdi>
                " "
                {row.simulated.then(|| view! { <Tag>"Simulated"</Tag> })}
            </th>
            <td class="words">
                <HealthMark health=row.health />
                " "
                {read}
                " "
                {row.trouble.map(|trouble| view! { <span class="second">{trouble}</span> })}
            </td>
            <td class="words">{row.ending_there.join(" ")}</td>
            <td class="words">
                {blind} " "
                {(!row.as_read.is_empty())
                    .then(|| view! { <span class="second">{format!("As read: {}", row.as_read.join(" "))}</span> })}
            </td>
        </tr>
    }
    .into_any()
}
