//! Who can sign in.

use leptos::prelude::*;

use super::form;
use super::wire::{AccessPage, OperatorRow, Slowed};
use crate::layout::Echo;
use crate::paths;
use crate::ui::{
    Button, ButtonKind, ColumnHead, Ends, Field, Note, Panel, Person, Remaining, TableCard, Tag, TimeAgo,
    Tone, thousands,
};

/// The tab: all people, beside them the form for a new one.
#[component]
pub fn People(
    /// The page's data.
    page: AccessPage,
) -> impl IntoView {
    let me = page.me.clone();
    view! {
        <div class="beside">
            <TableCard caption="People who can sign in to Curfew" class="table-folds">
                <thead>
                    <tr>
                        <ColumnHead label="Person" />
                        <ColumnHead label="State" />
                        <ColumnHead label="Second factor" />
                        <ColumnHead label="Last seen" />
                        <ColumnHead label="Sign-ins" number=true />
                        <th scope="col">
                            <span class="unseen">"What to do"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>
                    {page
                        .operators
                        .into_iter()
                        .map(|operator| {
                            let mine = operator.operator_id == me;
                            view! { <Row operator=operator mine=mine /> }
                        })
                        .collect_view()}
                </tbody>
            </TableCard>
            <NewPerson />
        </div>
    }
    .into_any()
}

/// One person.
#[component]
fn Row(
    /// The person.
    operator: OperatorRow,
    /// It is the signed-in one.
    mine: bool,
) -> impl IntoView {
    let id = operator.operator_id.0.clone();
    let disabled = operator.disabled_at.is_some();
    let echo = Echo::of(paths::post::ACCESS, None, &[(form::OPERATOR, &id)]);
    let problem = echo
        .value(form::ACT)
        .filter(|act| act != "grant")
        .and_then(|_| echo.whole(&[]));
    let login = if mine {
        format!("{}, you", operator.login)
    } else {
        operator.login.clone()
    };
    let state = match (operator.disabled_at, operator.has_password) {
        (Some(at), _) => {
            view! { <Tag tone=Some(Tone::Danger)>"Disabled " <TimeAgo at=at /></Tag> }.into_any()
        }
        (None, false) => view! { <Tag tone=Some(Tone::Warn)>"No password yet"</Tag> }.into_any(),
        (None, true) => view! { <span class="soft">"Can sign in"</span> }.into_any(),
    };
    let slowed = operator.slowed.filter(|_| !disabled).map(|slowed| match slowed {
        Slowed::Until(at) => view! {
            <p class="second is-warn">"Too many wrong passwords, next try " <Remaining ends=Ends::At(at) /></p>
        }
        .into_any(),
        Slowed::Closed => view! {
            <p class="second is-warn">"Too many wrong passwords, no more tries"</p>
        }
        .into_any(),
    });
    let is_slowed = slowed.is_some();
    let factor = match (operator.second_factor, operator.needs_second_factor) {
        (true, _) => view! { <span class="soft">"Set up"</span> }.into_any(),
        (false, true) => view! { <Tag tone=Some(Tone::Warn)>"Needed, not set up"</Tag> }.into_any(),
        (false, false) => view! { <span class="quiet">"none"</span> }.into_any(),
    };
    let has_factor = operator.second_factor;
    view! {
        <tr>
            <th scope="row">
                <a class="person-link" href=paths::person(&operator.operator_id)>
                    <Person name=operator.display_name.clone() login=login />
                </a>
            </th>
            <td data-label="State">{state} {slowed}</td>
            <td class="nowrap" data-label="Second factor">{factor}</td>
            <td class="nowrap" data-label="Last seen">
                {match operator.last_seen_at {
                    Some(at) => view! { <TimeAgo at=at /> }.into_any(),
                    None => view! { <span class="quiet">"never"</span> }.into_any(),
                }}
            </td>
            <td class="num" data-label="Sign-ins">{thousands(operator.live_sessions)}</td>
            <td>
                <div class="row-acts">
                    {if disabled {
                        view! { <Act act="enable" id=id.clone() words="Let sign in again" /> }.into_any()
                    } else {
                        view! {
                            {is_slowed.then(|| view! { <Act act="unlock" id=id.clone() words="Unlock" /> })}
                            <Act act="reset" id=id.clone() words="One-time link" />
                            {(has_factor && !mine)
                                .then(|| {
                                    view! {
                                        <details class="confirm">
                                            <summary class="btn btn-small btn-quiet">"Remove factor…"</summary>
                                            <div class="confirm-words">
                                                <p>
                                                    {format!(
                                                        "For a lost device: the second factor and the recovery codes of {} \
                                                         are good for nothing any more, and all their sign-ins here end at once. \
                                                         Make sure that it is they who ask.",
                                                        operator.login,
                                                    )}
                                                </p>
                                                <Act
                                                    act="reset-factor"
                                                    id=id.clone()
                                                    words=format!("Remove the factor of {}", operator.login)
                                                    kind=ButtonKind::DangerOutline
                                                />
                                            </div>
                                        </details>
                                    }
                                })}
                            {(!mine)
                                .then(|| {
                                    view! {
                                        <details class="confirm">
                                            <summary class="btn btn-small btn-quiet">"Disable…"</summary>
                                            <div class="confirm-words">
                                                <p>
                                                    {format!(
                                                        "{} can’t sign in any more, and all their sign-ins here end at once.",
                                                        operator.login,
                                                    )}
                                                </p>
                                                <Act
                                                    act="disable"
                                                    id=id.clone()
                                                    words=format!("Disable {}", operator.login)
                                                    kind=ButtonKind::DangerOutline
                                                />
                                            </div>
                                        </details>
                                    }
                                })}
                        }
                            .into_any()
                    }}
                </div>
                {problem
                    .map(|problem| {
                        view! {
                            <p class="field-error" role="alert">
                                {problem}
                            </p>
                        }
                    })}
            </td>
        </tr>
    }
    .into_any()
}

/// A button that acts on one person, as a form of its own.
#[component]
fn Act(
    /// `act`.
    act: &'static str,
    /// Whom.
    id: String,
    /// The words.
    #[prop(into)]
    words: String,
    /// Look.
    #[prop(optional)]
    kind: ButtonKind,
) -> impl IntoView {
    view! {
        <form method="post" action=paths::post::ACCESS>
            <input type="hidden" name=form::OPERATOR value=id />
            <Button name=form::ACT value=act kind=kind small=true>
                {words}
            </Button>
        </form>
    }
    .into_any()
}

/// The form for a new person.
#[component]
fn NewPerson() -> impl IntoView {
    let echo = Echo::of(paths::post::ACCESS, Some("create-operator"), &[]);
    let whole = echo.whole(&[form::LOGIN, form::DISPLAY_NAME]);
    view! {
        <Panel title="New person">
            <form class="form" method="post" action=paths::post::ACCESS>
                <input type="hidden" name=form::ACT value="create-operator" />
                {whole.map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> })}
                <Field
                    id="new-login"
                    name=form::LOGIN
                    label="User name"
                    value=echo.value_or(form::LOGIN, "")
                    hint="2 to 64 of a–z, 0–9 and . _ @ -"
                    error=echo.error(form::LOGIN)
                    longest=64
                    required=true
                />
                <Field
                    id="new-name"
                    name=form::DISPLAY_NAME
                    label="Name"
                    value=echo.value_or(form::DISPLAY_NAME, "")
                    hint="As pages and the audit show it."
                    error=echo.error(form::DISPLAY_NAME)
                    longest=120
                    required=true
                />
                <Note>
                    "They set their own password by a one-time link, shown to you once. They see nothing until you "
                    "give them a grant."
                </Note>
                <div class="buttons">
                    <Button kind=ButtonKind::Primary>"Add person"</Button>
                </div>
            </form>
        </Panel>
    }
    .into_any()
}
