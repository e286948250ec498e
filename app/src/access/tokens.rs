//! API tokens: how programs call, what each may do, and until when.

use leptos::prelude::*;

use super::form;
use super::grants::choice;
use super::scope::{ForWhom, WhereItCounts};
use super::wire::{AccessPage, FreshToken as Made, TokenRow, TokenState};
use crate::layout::Echo;
use crate::paths;
use crate::ui::{
    Button, ButtonKind, ColumnHead, Cut, Empty, Ends, Field, Glyph, Icon, Note, Panel, Pick, Remaining,
    TableCard, Tag, TimeAgo, Tone, When,
};

/// A token that was just made: put into the context by the server for this one answer, shown once.
#[derive(Clone)]
pub struct FreshToken(pub Made);

/// The tab: all tokens, beside them the form for a new one.
#[component]
pub fn Tokens(
    /// The page's data.
    page: AccessPage,
) -> impl IntoView {
    let tokens = page.tokens.clone();
    view! {
        <div class="beside">
            {if tokens.is_empty() {
                view! {
                    <div class="card">
                        <Empty icon=Icon::Lock fact="No API tokens">
                            <p>"No program calls Curfew. Make a token for the first with the form."</p>
                        </Empty>
                    </div>
                }
                    .into_any()
            } else {
                view! {
                    <TableCard caption="API tokens, those that work no more too" class="table-folds">
                        <thead>
                            <tr>
                                <ColumnHead label="Token" />
                                <ColumnHead label="May do" />
                                <ColumnHead label="Last used" />
                                <ColumnHead label="State" />
                                <ColumnHead label="Made by" />
                                <ColumnHead label="Why" />
                                <th scope="col">
                                    <span class="unseen">"What to do"</span>
                                </th>
                            </tr>
                        </thead>
                        <tbody>
                            {tokens.into_iter().map(|token| view! { <Row token=token /> }).collect_view()}
                        </tbody>
                    </TableCard>
                }
                    .into_any()
            }}
            <NewTokenForm page=page />
        </div>
    }
    .into_any()
}

/// One token.
#[component]
fn Row(
    /// The token.
    token: TokenRow,
) -> impl IntoView {
    let id = token.token_id.0.clone();
    let echo = Echo::of(paths::post::ACCESS, Some("revoke-token"), &[(form::TOKEN, &id)]);
    let problem = echo.whole(&[form::REASON]);
    let open = echo.is_some();
    let state = match token.state {
        TokenState::Works => {
            view! { <span class="soft">"Ends " <Remaining ends=Ends::At(token.expires_at) /></span> }
                .into_any()
        }
        TokenState::Expired => view! { <Tag>"Expired"</Tag> }.into_any(),
        TokenState::Revoked(at) => {
            view! { <Tag tone=Some(Tone::Danger)>"Revoked " <TimeAgo at=at /></Tag> }.into_any()
        }
        TokenState::MakerDisabled => {
            view! { <Tag tone=Some(Tone::Warn)>"Its maker is disabled"</Tag> }.into_any()
        }
    };
    let revocable = matches!(token.state, TokenState::Works | TokenState::MakerDisabled);
    view! {
        <tr>
            <th scope="row">
                <bdi>{token.name.clone()}</bdi>
                <span class="second block mono">{format!("…{}", token.hint)}</span>
            </th>
            <td data-label="May do">
                {token
                    .grants
                    .into_iter()
                    .map(|words| view! { <span class="block"><bdi>{words}</bdi></span> })
                    .collect_view()}
            </td>
            <td class="nowrap" data-label="Last used">
                {match token.last_used_at {
                    Some(at) => {
                        view! {
                            <TimeAgo at=at />
                            {token.last_used_ip.map(|ip| view! { <span class="second block mono">{ip}</span> })}
                        }
                            .into_any()
                    }
                    None => view! { <span class="quiet">"never"</span> }.into_any(),
                }}
            </td>
            <td class="nowrap" data-label="State">{state}</td>
            <td data-label="Made by">
                <bdi>{token.made_by}</bdi>
                <span class="second block">
                    <When at=token.made_at />
                </span>
            </td>
            <td class="why-cell" data-label="Why">
                <Cut text=token.reason />
            </td>
            <td>
                {revocable
                    .then(|| {
                        view! {
                            <div class="row-acts">
                                <details class="confirm" open=open>
                                    <summary class="btn btn-small btn-quiet">"Revoke…"</summary>
                                    <form class="confirm-words" method="post" action=paths::post::ACCESS>
                                        <p>
                                            {format!(
                                                "The next call of {} is refused, and what is left of its endings stops.",
                                                token.name,
                                            )}
                                        </p>
                                        <input type="hidden" name=form::TOKEN value=id.clone() />
                                        <Field
                                            id=format!("why-{id}")
                                            name=form::REASON
                                            label="Why"
                                            value=echo.value_or(form::REASON, "")
                                            error=echo.error(form::REASON)
                                            longest=500
                                            required=true
                                        />
                                        <Button
                                            name=form::ACT
                                            value="revoke-token"
                                            kind=ButtonKind::DangerOutline
                                            small=true
                                        >
                                            {format!("Revoke {}", token.name)}
                                        </Button>
                                    </form>
                                </details>
                            </div>
                        }
                    })}
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

/// The form for a new token.
#[component]
fn NewTokenForm(
    /// The page's data.
    page: AccessPage,
) -> impl IntoView {
    let echo = Echo::of(paths::post::ACCESS, Some("make-token"), &[]);
    let shown = [
        form::NAME,
        form::ROLE,
        form::PLACES,
        form::SYSTEMS,
        form::SITES,
        form::PEOPLE,
        form::ACCOUNTS,
        form::DOMAINS,
        form::GROUPS,
        form::EXPIRES,
        form::REASON,
    ];
    let whole = echo.whole(&shown);
    let for_programs = page
        .roles
        .iter()
        .filter(|role| role.permissions.iter().all(|p| !p.is_for_people_only()));
    let roles = choice(
        "Choose a role",
        for_programs.map(|r| (r.role_id.0.clone(), r.name.clone())),
    );
    view! {
        <Panel title="New API token">
            <form class="form" method="post" action=paths::post::ACCESS>
                {whole.map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> })}
                <Field
                    id="token-name"
                    name=form::NAME
                    label="What it is for"
                    value=echo.value_or(form::NAME, "")
                    hint="As pages and the audit show it: “Offboarding script”."
                    error=echo.error(form::NAME)
                    longest=100
                    required=true
                />
                <Pick
                    id="token-role"
                    name=form::ROLE
                    label="Role"
                    options=roles
                    value=echo.value_or(form::ROLE, "")
                    error=echo.error(form::ROLE)
                    required=true
                />
                <WhereItCounts page=page.clone() echo=echo.clone() />
                <ForWhom page=page echo=echo.clone() />
                <div class="form-pair">
                    <Field
                        id="token-ends"
                        name=form::EXPIRES
                        label="Ends"
                        kind="datetime-local"
                        value=echo.value_or(form::EXPIRES, "")
                        hint="In 366 days at most."
                        error=echo.error(form::EXPIRES)
                        required=true
                    />
                    <Field
                        id="token-why"
                        name=form::REASON
                        label="Why"
                        value=echo.value_or(form::REASON, "")
                        error=echo.error(form::REASON)
                        longest=500
                        required=true
                    />
                </div>
                <Note>
                    "The secret is shown once. Whoever has it may do what you choose here, so choose no more than the "
                    "program needs. No token manages access or approves endings."
                </Note>
                <div class="buttons">
                    <Button name=form::ACT value="make-token" kind=ButtonKind::Primary>
                        "Make token"
                    </Button>
                </div>
            </form>
        </Panel>
    }
    .into_any()
}

/// The secret of a token that was just made, shown this one time.
#[component]
pub fn FreshTokenCard() -> impl IntoView {
    let made = use_context::<FreshToken>().map(|FreshToken(made)| made);
    made.map(|made| {
        view! {
            <section class="fresh-link" role="status" aria-label="New API token">
                <Glyph icon=Icon::Lock />
                <div>
                    <p>
                        <b>{format!("The secret of {}.", made.name)}</b>
                        " It is shown this once and is good until " <When at=made.expires_at /> "."
                    </p>
                    <p>
                        <code class="one-time" tabindex="0">
                            {made.secret}
                        </code>
                    </p>
                    <p class="second">
                        "Put it where the program keeps its secrets. Curfew does not keep it; if it gets lost, revoke the "
                        "token and make another."
                    </p>
                </div>
            </section>
        }
    })
}
