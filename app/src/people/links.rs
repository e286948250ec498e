//! Accounts of a person, each with the ground for it, and accounts of others that look like one of them.

use leptos::prelude::*;

use super::form::{ACCOUNT, NAME, PersonAct, REASON, SUBJECT, SYSTEM};
use super::wire::{AccountRow, Alike, Ground, PersonPage};
use crate::layout::Echo;
use crate::paths;
use crate::ui::{
    Button, ButtonKind, ColumnHead, Cut, Field, Note, Panel, Pick, TableCard, Tag, TimeAgo, Tone,
};

/// Who is who, and how we know.
#[component]
pub fn Accounts(
    /// The person.
    page: PersonPage,
) -> impl IntoView {
    let several = page.accounts.len() > 1;
    let may_cut = page.may_link && several;
    let subject = page.subject_id.0.clone();
    let mut systems: Vec<(String, String)> = page
        .systems_known
        .iter()
        .map(|(id, name)| (id.0.clone(), name.clone()))
        .collect();
    systems.insert(0, (String::new(), "Choose a system".to_owned()));
    let rows = page
        .accounts
        .into_iter()
        .map(|account| {
            let cut = may_cut.then(|| view! { <Cutting subject=subject.clone() account=account.clone() /> });
            row(account, may_cut.then_some(cut.into_any()))
        })
        .collect_view();
    let link = page
        .may_link
        .then(|| view! { <Linking subject=page.subject_id.0.clone() systems=systems /> });
    view! {
        <Panel title="Accounts" aside=|| "who is who, and how we know" padded=false>
            <TableCard caption="Accounts of this person" class="wraps" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="System" />
                        <ColumnHead label="Account" />
                        <ColumnHead label="Ground for the link" />
                        <ColumnHead label="Since" />
                        {may_cut.then(|| view! { <ColumnHead label="Not theirs?" /> })}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
            {link}
        </Panel>
    }
    .into_any()
}

fn row(account: AccountRow, act: Option<AnyView>) -> impl IntoView {
    let ground = match account.ground {
        Ground::Own => view! { <span class="quiet">{Ground::Own.label()}</span> }.into_any(),
        ground => {
            let words = match account.words.is_empty() {
                true => ground.label().to_owned(),
                false => format!("{}: {}", ground.label(), account.words),
            };
            view! {
                <bdi>{words}</bdi>
                <span class="second">
                    "with "
                    <bdi>{account.with}</bdi>
                </span>
            }
            .into_any()
        }
    };
    let outdated = account
        .outdated
        .then(|| view! { <Tag tone=Some(Tone::Warn)>"Not so any more"</Tag> });
    let by = (!account.linked_by.is_empty()).then(|| {
        view! {
            <span class="second">
                "by "
                <bdi>{account.linked_by}</bdi>
            </span>
        }
    });
    view! {
        <tr>
            <th scope="row">
                <bdi>{account.system_name}</bdi>
                {(!account.place.is_empty())
                    .then(|| {
                        view! {
                            <span class="second">
                                <bdi>{account.place}</bdi>
                            </span>
                        }
                    })}
            </th>
            <td>
                <Cut text=account.account />
                {(!account.display_name.is_empty())
                    .then(|| {
                        view! {
                            <span class="second">
                                <bdi>{account.display_name}</bdi>
                            </span>
                        }
                    })}
            </td>
            <td>{ground} {outdated}</td>
            <td>
                <TimeAgo at=account.since />
                {by}
            </td>
            {act.map(|act| view! { <td>{act}</td> })}
        </tr>
    }
    .into_any()
}

/// Takes an account out of its person.
#[component]
fn Cutting(
    /// The person.
    subject: String,
    /// The account.
    account: AccountRow,
) -> impl IntoView {
    let key = account.account_key.0;
    let echo = Echo::of(
        paths::post::PEOPLE,
        Some(PersonAct::CUT),
        &[(ACCOUNT, key.as_str())],
    );
    let label = format!("Why {} in {} is not theirs", account.account, account.system_name);
    view! {
        <details class="row-act" open=echo.is_some()>
            <summary class="btn btn-small">"Cut…"</summary>
            <form method="post" action=paths::post::PEOPLE>
                <input type="hidden" name="act" value=PersonAct::CUT />
                <input type="hidden" name=SUBJECT value=subject />
                <input type="hidden" name=ACCOUNT value=key.clone() />
                {echo.whole(&[REASON]).map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
                <Field
                    id=format!("cut-{key}")
                    name=REASON
                    label=label
                    value=echo.value_or(REASON, "")
                    hint="No rule links it here again. Kept in the audit."
                    error=echo.error(REASON)
                    required=true
                    longest=500
                />
                <Button kind=ButtonKind::DangerOutline small=true>"Cut this account out"</Button>
            </form>
        </details>
    }
    .into_any()
}

/// Links an account by its system and name.
#[component]
fn Linking(
    /// The person.
    subject: String,
    /// Systems to choose from.
    systems: Vec<(String, String)>,
) -> impl IntoView {
    let echo = Echo::of(paths::post::PEOPLE, Some(PersonAct::LINK), &[(ACCOUNT, "")]);
    view! {
        <details class="row-act panel-body" open=echo.is_some()>
            <summary class="btn btn-small">"Link another account…"</summary>
            <form method="post" action=paths::post::PEOPLE>
                <input type="hidden" name="act" value=PersonAct::LINK />
                <input type="hidden" name=SUBJECT value=subject />
                <input type="hidden" name=ACCOUNT value="" />
                {echo
                    .whole(&[REASON, SYSTEM, NAME])
                    .map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
                <Pick
                    id="link-system"
                    name=SYSTEM
                    label="System"
                    options=systems
                    value=echo.value_or(SYSTEM, "")
                    error=echo.error(SYSTEM)
                />
                <Field
                    id="link-name"
                    name=NAME
                    label="User name there"
                    value=echo.value_or(NAME, "")
                    hint="As that system writes it. Everything of its person comes along."
                    error=echo.error(NAME)
                    required=true
                    longest=255
                />
                <Field
                    id="link-reason"
                    name=REASON
                    label="How you know"
                    value=echo.value_or(REASON, "")
                    hint="Shown as the ground, kept in the audit."
                    error=echo.error(REASON)
                    required=true
                    longest=500
                />
                <Button kind=ButtonKind::Primary>"Link account"</Button>
            </form>
        </details>
    }
    .into_any()
}

/// Accounts of others that look like one of this person: shown, never linked by themselves.
#[component]
pub fn LookAlikes(
    /// The person.
    page: PersonPage,
) -> impl IntoView {
    if page.alike.is_empty() {
        return ().into_any();
    }
    let (subject, may) = (page.subject_id.0.clone(), page.may_link);
    let rows = page
        .alike
        .into_iter()
        .map(|alike| alike_row(alike, &subject, may))
        .collect_view();
    view! {
        <Panel title="Look-alikes" aside=|| "other people, as far as is known" padded=false>
            <TableCard caption="Accounts of others that look like one of this person" class="wraps" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="Person" />
                        <ColumnHead label="Account" />
                        <ColumnHead label="Looks alike" />
                        {may.then(|| view! { <ColumnHead label="The same person?" /> })}
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
        </Panel>
    }
    .into_any()
}

fn alike_row(alike: Alike, subject: &str, may: bool) -> AnyView {
    let key = alike.account_key.0;
    let conflict = (!alike.conflict.is_empty()).then(|| {
        view! {
            <span class="second">
                <Tag tone=Some(Tone::Warn)>"Conflict"</Tag>
                " "
                {alike.conflict.clone()}
            </span>
        }
    });
    let form = may.then(|| {
        let echo = Echo::of(paths::post::PEOPLE, Some(PersonAct::LINK), &[(ACCOUNT, key.as_str())]);
        let label = format!("How you know that {} in {} is theirs", alike.account, alike.system_name);
        view! {
            <td>
                <details class="row-act" open=echo.is_some()>
                    <summary class="btn btn-small">"Link…"</summary>
                    <form method="post" action=paths::post::PEOPLE>
                        <input type="hidden" name="act" value=PersonAct::LINK />
                        <input type="hidden" name=SUBJECT value=subject.to_owned() />
                        <input type="hidden" name=ACCOUNT value=key.clone() />
                        {echo.whole(&[REASON]).map(|words| view! { <Note tone=Some(Tone::Danger)>{words}</Note> })}
                        <Field
                            id=format!("link-{key}")
                            name=REASON
                            label=label
                            value=echo.value_or(REASON, "")
                            hint="Everything of that person comes along."
                            error=echo.error(REASON)
                            required=true
                            longest=500
                        />
                        <Button kind=ButtonKind::Primary small=true>"Link account"</Button>
                    </form>
                </details>
            </td>
        }
    });
    view! {
        <tr>
            <th scope="row">
                <a href=paths::subject(&alike.subject_id)>
                    <bdi>{alike.name}</bdi>
                </a>
            </th>
            <td>
                <Cut text=alike.account.clone() />
                <span class="second">
                    <bdi>{alike.system_name.clone()}</bdi>
                </span>
            </td>
            <td>{alike.because} {conflict}</td>
            {form}
        </tr>
    }
    .into_any()
}
