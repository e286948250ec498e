//! Setting up one's own second factor: the picture to scan, its first code, the recovery codes.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::pages::Card;
use super::view::SignInView;
use super::wire::{FactorDraft, Picture, RecoveryCodes, SecondFactorPage as Page};
use crate::layout::{Echo, loaded};
use crate::paths;
use crate::ui::{Button, ButtonKind, Clock, Ends, Field, LinkButton, Note, Remaining, TimeAgo, Tone};

/// Recovery codes that were just made: put into the context by the server for this one answer, shown once.
#[derive(Clone)]
pub struct FreshCodes(pub RecoveryCodes);

/// Quiet squares around the picture: scanners need them (ISO 18004: four).
const QUIET: u32 = 4;

/// The page of the second factor.
#[component]
pub fn SecondFactorPage() -> impl IntoView {
    let then = use_query_map().with_untracked(|map| map.get_str("then").unwrap_or_default().to_owned());
    let codes = use_context::<FreshCodes>().map(|FreshCodes(codes)| codes);
    let told: SignInView = use_context().unwrap_or_default();
    match codes {
        Some(codes) => view! { <Codes codes=codes then=then told=told /> }.into_any(),
        None => loaded(
            |b| async move { b.signin.second_factor().await },
            |page| view! { <SetUp page=page then=then told=told /> }.into_any(),
        )
        .into_any(),
    }
}

/// Where to go when it is done.
fn onwards(then: &str) -> String {
    match then {
        "" => paths::ACCOUNT.to_owned(),
        then => then.to_owned(),
    }
}

/// The picture or the button that asks for it.
#[component]
fn SetUp(
    /// The page's data.
    page: Page,
    /// Where to go afterwards.
    then: String,
    /// What the server said.
    told: SignInView,
) -> impl IntoView {
    Clock::here().set(page.now);
    let echo = Echo::of(paths::post::SECOND_FACTOR, None, &[]);
    let problem = echo
        .whole(&["code"])
        .map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> });
    let mine = page.mine;
    let missing = mine.needed && mine.set_up_at.is_none();
    let why = match mine.set_up_at {
        Some(at) => view! {
            <p>"Your second factor was set up " <TimeAgo at=at /> ". A new one takes its place with its first code."</p>
        }
        .into_any(),
        None if mine.needed => view! {
            <Note tone=Some(Tone::Warn) fact="A role of yours needs a second factor.">
                "Set it up here; everything else opens after it."
            </Note>
        }
        .into_any(),
        None => view! {
            <p>"With a second factor signing in takes a code from an app on your phone beside the password."</p>
        }
        .into_any(),
    };
    let body = match page.draft {
        Some(draft) => {
            view! { <Confirm draft=draft then=then.clone() error=echo.error("code") /> }.into_any()
        }
        None => view! {
            <form class="form" method="post" action=paths::post::SECOND_FACTOR>
                <input type="hidden" name="then" value=then.clone() />
                <p>
                    "You need an authenticator app, on a phone or in a password manager: any that makes six-digit codes "
                    "by time. Your other sign-ins end when it is set up."
                </p>
                <Button name="act" value="begin" kind=ButtonKind::Primary>"Show the picture to scan"</Button>
            </form>
        }
        .into_any(),
    };
    view! {
        <Card title="Second factor" told=told>
            {problem} {why} {body}
            {if missing {
                view! {
                    <form method="post" action=paths::SIGN_OUT>
                        <Button kind=ButtonKind::Quiet>"Sign out instead"</Button>
                    </form>
                }
                    .into_any()
            } else {
                view! {
                    <a class="btn btn-quiet" href=onwards(&then)>
                        "Back, change nothing"
                    </a>
                }
                    .into_any()
            }}
        </Card>
    }
    .into_any()
}

/// A new seed, as picture and as text, and the form for its first code.
#[component]
fn Confirm(
    /// The seed.
    draft: FactorDraft,
    /// Where to go afterwards.
    then: String,
    /// What is wrong with the code that was sent.
    #[prop(optional_no_strip)]
    error: Option<String>,
) -> impl IntoView {
    view! {
        <ol class="steps">
            <li>
                <p>"Scan this with your app."</p>
                <Scan picture=draft.picture />
            </li>
            <li>
                <p>"Or type this key into it: time-based, six digits."</p>
                <p>
                    <code class="one-time" id="typed-seed" tabindex="0">
                        {draft.typed}
                    </code>
                </p>
            </li>
            <li>
                <form class="form" method="post" action=paths::post::SECOND_FACTOR>
                    <input type="hidden" name="act" value="confirm" />
                    <input type="hidden" name="then" value=then />
                    <Field
                        id="code"
                        name="code"
                        label="Code your app shows now"
                        hint="Six digits."
                        error=error
                        required=true
                        autocomplete="one-time-code"
                        inputmode="numeric"
                        longest=16
                    />
                    <Button kind=ButtonKind::Primary>"Turn it on"</Button>
                </form>
            </li>
        </ol>
        <p class="second">
            "The key is shown until then and never again. It waits for its first code and lapses "
            <Remaining ends=Ends::At(draft.ends_at) /> "."
        </p>
    }
    .into_any()
}

/// The picture to scan.
#[component]
fn Scan(
    /// Its squares.
    picture: Picture,
) -> impl IntoView {
    let whole = picture.side + 2 * QUIET;
    let place = format!("translate({QUIET} {QUIET})");
    view! {
        <svg
            class="scan"
            role="img"
            aria-label="QR code of the key below"
            viewBox=format!("0 0 {whole} {whole}")
            shape-rendering="crispEdges"
        >
            <rect class="scan-light" width=whole height=whole></rect>
            <path class="scan-dark" transform=place d=picture.path></path>
        </svg>
    }
    .into_any()
}

/// Recovery codes, this one time.
#[component]
fn Codes(
    /// The codes.
    codes: RecoveryCodes,
    /// Where to go afterwards.
    then: String,
    /// What the server said.
    told: SignInView,
) -> impl IntoView {
    let RecoveryCodes(codes) = codes;
    view! {
        <Card title="Recovery codes" told=told>
            <Note tone=Some(Tone::Ok) fact="Your second factor is on.">
                "These codes are shown this once. Each opens the door one time in place of a code from your app: print them or "
                "keep them where you keep things that matter, not beside your password."
            </Note>
            <ul class="recovery" role="list" aria-label="Recovery codes">
                {codes.into_iter().map(|code| view! { <li><code>{code}</code></li> }).collect_view()}
            </ul>
            <p class="second">"Older recovery codes are good for nothing any more."</p>
            <LinkButton href=onwards(&then) kind=ButtonKind::Primary>
                "I have kept them"
            </LinkButton>
        </Card>
    }
    .into_any()
}
