//! The table of sessions: heads that sort, one row per session, each with its source and age.

use leptos::prelude::*;

use super::columns::Column;
use super::form::{ACT, Act, HELD, PICK_PAGE, ROW, SHOWN};
use super::open::HeadFilter;
use super::query::SessionQuery;
use super::wire::{CannotEnd, SessionKind, SessionRow, SessionState, SessionsPage};
use crate::paths;
use crate::systems::wire::Health;
use crate::ui::{Copy, Cut, Ends, Glyph, HealthMark, Icon, Person, Remaining, Started, TimeAgo};
use crate::wire::{Direction, Limit, Timestamp};

/// The table. Boxes and heads belong to the row form around it.
#[component]
pub fn SessionTable(
    /// The page.
    page: SessionsPage,
) -> impl IntoView {
    let columns = page.columns.clone();
    let heads = columns
        .iter()
        .map(|column| head(*column, &page.query))
        .collect_view();
    let rows = page
        .rows
        .iter()
        .map(|row| table_row(row, &columns, page.may_end_any))
        .collect_view();
    // Nothing of a moment that is over can be selected.
    let past = page.query.at.is_some();
    let caption = format!(
        "Sessions, sorted by {}. A box selects a session; a head sorts the list.",
        Column::ALL
            .into_iter()
            .find(|c| c.sort() == page.query.sort)
            .map_or("last activity", Column::label)
            .to_lowercase()
    );
    view! {
        <table class="table sessions" role="table">
            <caption class="unseen">{caption}</caption>
            <thead role="rowgroup">
                <tr role="row">
                    <th scope="col" role="columnheader" class="col-box">
                        <input
                            type="checkbox"
                            id=PICK_PAGE
                            class="pick-page"
                            aria-label="Select this page"
                            disabled=past
                        />
                    </th>
                    {heads}
                </tr>
            </thead>
            <tbody role="rowgroup">{rows}</tbody>
        </table>
    }
    .into_any()
}

/// Rows for script alone, which asked what became of those it shows: as they are now, wherever they stand in the list.
#[component]
pub fn HeldRows(
    /// The page.
    page: SessionsPage,
    /// The rows.
    rows: Vec<SessionRow>,
) -> impl IntoView {
    let rows = rows
        .iter()
        .map(|row| table_row(row, &page.columns, page.may_end_any))
        .collect_view();
    view! {
        <table id=HELD hidden>
            <tbody>{rows}</tbody>
        </table>
    }
    .into_any()
}

/// Head of a column: a button of the row form, so that ticks come along to the other order.
fn head(column: Column, query: &SessionQuery) -> AnyView {
    let sorted = (query.sort == column.sort()).then_some(query.direction);
    let (aria, icon) = match sorted {
        None => (None, None),
        Some(Direction::Ascending) => (Some("ascending"), Some(Icon::Up)),
        Some(Direction::Descending) => (Some("descending"), Some(Icon::Down)),
    };
    let mut other = query.sorted_by(column.sort());
    other.selection = None;
    view! {
        <th
            scope="col"
            role="columnheader"
            class=cell_class(column)
            class:sorted=sorted.is_some()
            aria-sort=aria
            aria-label=column.label() // Else every cell would be read with the words of the filter's button.
        >
            <button class="sort" name=ACT value=Act::GoTo(other.to_query_string()).value()>
                <span>{column.label()}</span>
                {icon.map(|icon| view! { <Glyph icon=icon /> })}
            </button>
            <HeadFilter column=column query=query.clone() />
        </th>
    }
    .into_any()
}

/// Class of a column's cells: width, and when it leaves on narrow windows.
const fn cell_class(column: Column) -> &'static str {
    match column {
        Column::Person => "col-person",
        Column::Kind => "col-kind",
        Column::System => "col-system",
        Column::Session => "col-session",
        Column::Ip => "col-ip",
        Column::Started => "col-started",
        Column::LastActivity => "col-last_activity",
        Column::IdleEnds => "col-idle_ends",
        Column::EndsAtLatest => "col-ends_at_latest",
        Column::Client => "col-client",
    }
}

fn table_row(row: &SessionRow, columns: &[Column], may_end_any: bool) -> AnyView {
    let class = match (row.in_ending.is_some(), row.stale, row.state) {
        (true, ..) => "is-asked",
        (_, _, SessionState::Ended | SessionState::Vanished) => "is-gone",
        (_, true, _) => "is-stale",
        _ => "",
    };
    let cells = columns.iter().map(|column| cell(row, *column)).collect_view();
    view! {
        <tr role="row" data-key=row.session_key.0.clone() class=(!class.is_empty()).then_some(class)>
            <td role="cell" class="col-box">{pick(row, may_end_any)}</td>
            {cells}
        </tr>
    }
    .into_any()
}

/// The box of a row: ticked or not, dashed when it can't be ended, a half disc while an ending is at work on it.
fn pick(row: &SessionRow, may_end_any: bool) -> AnyView {
    if row.in_ending.is_some() {
        return view! {
            <span class="mark mark-accent">
                <Glyph icon=Icon::Asked />
            </span>
        }
        .into_any();
    }
    let label = format!("{}, {}, …{}", row.person, row.system_name, row.handle_hint);
    let id = row.session_key.0.clone();
    if row.cannot_end.is_some() || !may_end_any {
        return view! {
            <input type="checkbox" class="box-cannot" disabled aria-label=label aria-describedby=format!("w{id}") />
        }
        .into_any();
    }
    view! {
        <input type="checkbox" name=ROW value=id.clone() id=format!("r{id}") checked=row.selected aria-label=label />
        <input type="hidden" name=SHOWN value=id />
    }
    .into_any()
}

fn cell(row: &SessionRow, column: Column) -> AnyView {
    let class = cell_class(column);
    let content = match column {
        Column::Person => {
            return view! {
                <th scope="row" role="rowheader" class=class>
                    {person(row)}
                </th>
            }
            .into_any();
        }
        Column::Kind => kind(row),
        Column::System => system(row),
        Column::Session => {
            view! { <code class="hint-id">{format!("…{}", row.handle_hint)}</code> }.into_any()
        }
        Column::Ip => ip(row),
        Column::Started => view! { <Started at=row.created_at passing=true /> }.into_any(),
        Column::LastActivity => last_activity(row),
        Column::IdleEnds => idle_ends(row),
        Column::EndsAtLatest => ends_at_latest(row),
        Column::Client => client(row),
    };
    view! {
        <td role="cell" class=class>
            {content}
        </td>
    }
    .into_any()
}

/// Name over login; or over what stands in the way of ending it.
fn person(row: &SessionRow) -> AnyView {
    let id = format!("w{}", row.session_key);
    let second = match (&row.in_ending, &row.cannot_end, &row.return_hint) {
        (Some((number, words)), ..) => Some(
            view! {
                <span class="why-cannot" id=id>
                    <a href=paths::ending(*number)>{words.clone()}</a>
                </span>
            }
            .into_any(),
        ),
        (_, Some(why), _) if *why != CannotEnd::NotLive => Some(
            view! {
                <span class="why-cannot" id=id>
                    <Glyph icon=why_icon(why) />
                    <span class="cut">{why.label()}</span>
                </span>
            }
            .into_any(),
        ),
        (_, Some(_), _) => Some(view! { <GoneWords row=row.clone() id=id /> }.into_any()),
        (_, None, Some(hint)) => Some(
            view! {
                <span class="why-cannot">
                    <Glyph icon=Icon::CameBack />
                    <Cut text=hint.clone() />
                </span>
            }
            .into_any(),
        ),
        _ if row.kind == SessionKind::Guest => {
            Some(view! { <span class="quiet">"nobody signed in"</span> }.into_any())
        }
        _ => None,
    };
    let login =
        Some(row.account_name.clone()).filter(|login| !login.is_empty() && row.person_doubt.is_none());
    view! {
        <Person
            name=row.person.clone()
            login=row.account_name.clone()
            second=second
            doubt=row.person_doubt.clone()
            remark=row.remark.clone()
        />
        {login.map(|login| view! { <Copy text=login label="Copy user name" /> })}
    }
    .into_any()
}

/// How a session that is not live any more went, and when.
#[component]
fn GoneWords(
    /// The row.
    row: SessionRow,
    /// Id of the words.
    id: String,
) -> impl IntoView {
    let word = match row.state {
        SessionState::Ended => "Ended, read back",
        SessionState::Vanished => "Gone when read",
        SessionState::Live => "Not live any more",
    };
    view! {
        <span class="why-cannot" id=id>
            <Glyph icon=Icon::AlreadyGone />
            <span>{word} " " {row.gone_at.map(|at| view! { <TimeAgo at=at passing=true /> })}</span>
        </span>
    }
    .into_any()
}

/// The icon in front of a reason.
pub const fn why_icon(why: &CannotEnd) -> Icon {
    match why {
        CannotEnd::OwnSession => Icon::User,
        CannotEnd::OwnConnection => Icon::Plug,
        CannotEnd::Protected => Icon::Lock,
        CannotEnd::OutsideGrant { .. } => Icon::Shield,
        CannotEnd::Unsupported { .. } => Icon::NotPossible,
        CannotEnd::NotLive => Icon::AlreadyGone,
    }
}

fn kind(row: &SessionRow) -> AnyView {
    match (row.kind, &row.raw_kind) {
        (SessionKind::Other, Some(raw)) => view! { <Cut text=raw.clone() /> }.into_any(),
        (kind, _) => kind.label().into_any(),
    }
}

/// System over age; a stale one carries its mark.
fn system(row: &SessionRow) -> AnyView {
    let age = match row.read_at {
        Some(at) => view! { <TimeAgo at=at before="read" passing=true /> }.into_any(),
        None => "never read".into_any(),
    };
    view! {
        <span class="row-system">
            {row.stale.then(|| view! { <HealthMark health=Health::Stale bare=true /> })}
            <bdi class="cut">{row.system_name.clone()}</bdi>
        </span>
        <span class="second" class:is-warn=row.stale>
            {where_inside(row)}
            {age}
            {row.earlier_policy
                .then(|| {
                    view! {
                        ", "
                        <span class="tip" data-tip=EARLIER_POLICY tabindex="-1">
                            "earlier policy"
                        </span>
                    }
                })}
        </span>
        {row
            .unproven
            .clone()
            .map(|words| {
                let short = unproven_short(&words);
                view! {
                    <span class="row-unproven second is-warn block tip" data-tip=words.clone() tabindex="-1">
                        {short} <span class="unseen">{format!(": {words}")}</span>
                    </span>
                }
            })}
    }
    .into_any()
}

/// What is not proven of ending, in a line of a narrow column; the sentence is told beside it.
fn unproven_short(words: &str) -> &'static str {
    match words.starts_with("Never proven") {
        true => "Never proven",
        false => "Not verified",
    }
}

/// The web app, realm or site a session is in, before the age of its row.
fn where_inside(row: &SessionRow) -> Option<AnyView> {
    let inside = match (row.place.as_str(), row.site.as_str()) {
        ("", "") => return None,
        (place, "") => place.to_owned(),
        ("", site) => site.to_owned(),
        (place, site) if place == site => place.to_owned(),
        (place, site) => format!("{place} · {site}"),
    };
    Some(
        view! {
            <bdi class="row-inside cut">{inside}</bdi>
            " "
        }
        .into_any(),
    )
}

/// An IPv6 address keeps its two ends: "2001:db8…7334".
pub fn short_ip(ip: &str) -> Option<String> {
    let chars = ip.chars().count();
    (chars > 16 && ip.contains(':')).then(|| {
        let head: String = ip.chars().take(8).collect();
        let tail: String = ip.chars().skip(chars - 4).collect();
        format!("{}…{tail}", head.trim_end_matches(':'))
    })
}

fn ip(row: &SessionRow) -> AnyView {
    let shown = ip_shown(row);
    let copy = row.ip.clone();
    view! {
        {shown}
        {copy.map(|ip| view! { <Copy text=ip label="Copy IP address" /> })}
    }
    .into_any()
}

fn ip_shown(row: &SessionRow) -> AnyView {
    match (&row.ip, row.masked) {
        (None, true) => view! { <span class="quiet">"hidden"</span> }.into_any(),
        (None, false) => view! { <span class="quiet">"not reported"</span> }.into_any(),
        (Some(ip), _) => match short_ip(ip) {
            None => ip.clone().into_any(),
            Some(short) => view! {
                <span class="tip" data-tip=ip.clone() tabindex="-1">
                    {short}
                </span>
            }
            .into_any(),
        },
    }
}

fn last_activity(row: &SessionRow) -> AnyView {
    match row.last_active_at {
        Some(at) => view! { <TimeAgo at=at passing=true /> }.into_any(),
        None => view! { <span class="quiet">"not reported"</span> }.into_any(),
    }
}

/// What it means that a session has other limits than its kind gets now.
const EARLIER_POLICY: &str =
    "Created under an earlier policy: it keeps the limits it began with until it ends";

/// What it means that a session is listed though its time was over when it was read.
const PAST_LIMIT: &str = "Past its limit, not yet removed by the system: its person is out already";

/// When a limit ends a session; where it should have before the reading, that the system still lists it.
fn remaining(row: &SessionRow, at: Option<Timestamp>, never: bool) -> AnyView {
    if row.state != SessionState::Live {
        return view! { <span class="quiet">"–"</span> }.into_any();
    }
    let ends = match (at, never) {
        (Some(at), _) => Ends::At(at),
        (None, true) => Ends::Never,
        (None, false) => Ends::NotReported,
    };
    view! {
        <Remaining ends=ends passing=true />
        {row.past(at)
            .then(|| {
                view! {
                    " "
                    <span class="second tip" data-tip=PAST_LIMIT tabindex="-1">
                        "still listed"
                    </span>
                }
            })}
    }
    .into_any()
}

fn idle_ends(row: &SessionRow) -> AnyView {
    remaining(row, row.idle_ends_at, row.idle == Limit::None)
}

fn ends_at_latest(row: &SessionRow) -> AnyView {
    remaining(row, row.absolute_expires_at, row.absolute_known)
}

fn client(row: &SessionRow) -> AnyView {
    let first = if !row.browser.is_empty() {
        row.browser.clone()
    } else if row.os.is_empty() {
        let word = if row.masked { "hidden" } else { "not reported" };
        return view! { <span class="quiet">{word}</span> }.into_any();
    } else {
        return view! { <span class="cut">{row.os.clone()}</span> }.into_any();
    };
    view! {
        <span class="cut">{first}</span>
        {(!row.os.is_empty()).then(|| view! { <span class="second cut">{row.os.clone()}</span> })}
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_addresses_keep_both_ends() {
        assert_eq!(
            short_ip("2001:db8:85a3::8a2e:370:7334").as_deref(),
            Some("2001:db8…7334")
        );
        assert_eq!(short_ip("203.0.113.41"), None);
        assert_eq!(short_ip("::1"), None);
    }
}
