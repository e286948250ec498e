//! Pages of who is not signed in, or must confirm it: they work without a caller.

use leptos::prelude::*;
use leptos_meta::Title;

use super::view::SignInView;
use crate::layout::Echo;
use crate::paths;
use crate::ui::{Button, ButtonKind, Field, Mark, Note, Secret, Tone};

/// What the server said about this request.
fn told() -> SignInView {
    use_context().unwrap_or_default()
}

/// One card in the middle: mark, heading, what is wrong, the form.
#[component]
pub fn Card(
    /// Heading.
    title: &'static str,
    /// What the server said.
    told: SignInView,
    /// The form.
    children: Children,
) -> impl IntoView {
    view! {
        <Title text=title />
        <div class="sign-in">
            <div class="sign-in-head">
                <Mark />
                <div>
                    <h1>{title}</h1>
                    <p class="second">
                        <bdi>{told.instance}</bdi>
                    </p>
                </div>
            </div>
            {told
                .address_warning
                .map(|warning| {
                    view! {
                        <Note tone=Some(Tone::Danger) fact="Signing in will not work at this address.">
                            {warning}
                        </Note>
                    }
                })}
            {told.notice.map(|notice| view! { <Note>{notice}</Note> })}
            {children()}
        </div>
    }
    .into_any()
}

/// Fields of a form that came too late: carried along, shown again afterwards, never sent by itself.
fn carried(hidden: Vec<(String, String)>) -> impl IntoView {
    hidden
        .into_iter()
        .map(|(name, value)| view! { <input type="hidden" name=name value=value /> })
        .collect_view()
}

/// Where to go afterwards.
fn next_field(next: String) -> impl IntoView {
    (!next.is_empty()).then(|| view! { <input type="hidden" name="next" value=next /> })
}

/// A problem above the first field, announced on load.
fn problem_note(problem: Option<String>) -> impl IntoView {
    problem.map(|problem| {
        view! {
            <div role="alert">
                <Note tone=Some(Tone::Danger)>{problem}</Note>
            </div>
        }
    })
}

/// Signing in by name and password.
#[component]
pub fn SignInPage() -> impl IntoView {
    let told = told();
    let SignInView {
        next,
        login,
        problem,
        hidden,
        step,
        ..
    } = told.clone();
    if !step.is_empty() {
        return view! { <CodeCard told=told /> }.into_any();
    }
    view! {
        <Card title="Sign in to Curfew" told=told>
            <form class="form" method="post" action=paths::SIGN_IN>
                {next_field(next)}
                {carried(hidden)}
                <Field
                    id="login"
                    name="login"
                    label="User name"
                    value=login
                    required=true
                    autocomplete="username"
                    longest=64
                />
                <Secret
                    id="password"
                    name="password"
                    label="Password"
                    autocomplete="current-password"
                    error=problem
                />
                <Button kind=ButtonKind::Primary>"Sign in"</Button>
            </form>
            <p class="second">
                "Only for people who look after sign-ins. Every sign-in is in the audit. Locked out? "
                "Ask whoever manages access for a one-time link."
            </p>
        </Card>
    }
    .into_any()
}

/// Label of the field for a code.
const CODE_LABEL: &str = "Code";
/// What belongs in it.
const CODE_HINT: &str = "Six digits from your app, or a recovery code.";

/// The second step of signing in: the password was right, the code is missing.
#[component]
fn CodeCard(
    /// What the server said.
    told: SignInView,
) -> impl IntoView {
    let SignInView {
        next,
        step,
        problem,
        hidden,
        ..
    } = told.clone();
    view! {
        <Card title="Your second factor" told=told>
            <form class="form" method="post" action=paths::SIGN_IN>
                {next_field(next)}
                {carried(hidden)}
                <input type="hidden" name="step" value=step />
                <Field
                    id="code"
                    name="code"
                    label=CODE_LABEL
                    hint=CODE_HINT
                    error=problem
                    required=true
                    autocomplete="one-time-code"
                    longest=64
                />
                <Button kind=ButtonKind::Primary>"Sign in"</Button>
                <a class="btn btn-quiet" href=paths::SIGN_IN>
                    "Start over"
                </a>
            </form>
            <p class="second">
                "Device not at hand? A recovery code is taken too, once. Neither? Whoever manages access can remove your "
                "second factor."
            </p>
        </Card>
    }
    .into_any()
}

/// Setting a first or new password by a one-time code. Script fills the code in from behind `#`; without it the
/// person copies it from the link.
#[component]
pub fn WelcomePage() -> impl IntoView {
    let told = told();
    let echo = Echo::of(paths::WELCOME, None, &[]);
    let problem = told
        .problem
        .clone()
        .or_else(|| echo.whole(&["code", "new", "again"]));
    view! {
        <Card title="Set your password" told=told>
            {problem_note(problem)}
            <form class="form" method="post" action=paths::WELCOME>
                <Secret
                    id="code"
                    name="code"
                    label="One-time code"
                    autocomplete="off"
                    hint="What stands behind # in your link. It works once."
                    error=echo.error("code")
                />
                <p id="from-link" class="second" hidden>
                    "Taken from your link."
                </p>
                <Secret
                    id="new"
                    name="new"
                    label="New password"
                    autocomplete="new-password"
                    hint="15 to 128 characters. A few words work well; any characters, paste is fine."
                    error=echo.error("new")
                />
                <Secret
                    id="again"
                    name="again"
                    label="New password again"
                    autocomplete="new-password"
                    error=echo.error("again")
                />
                <Button kind=ButtonKind::Primary>"Set password and sign in"</Button>
            </form>
        </Card>
    }
    .into_any()
}

/// The password once more before something that matters; leads back to where it was asked.
#[component]
pub fn StepUpPage() -> impl IntoView {
    let told = told();
    let SignInView {
        next,
        login,
        problem,
        hidden,
        asks_code,
        ..
    } = told.clone();
    let waiting = !hidden.is_empty();
    let back = if next.is_empty() {
        paths::HOME.to_owned()
    } else {
        next.clone()
    };
    view! {
        <Card title="Confirm that it is you" told=told>
            <p>
                "Your last sign-in is too long ago for what you asked. Nothing was changed yet."
                {waiting.then_some(" What you typed is kept and shown again, to send it yourself.")}
            </p>
            <form class="form" method="post" action=paths::STEP_UP>
                {next_field(next)}
                {carried(hidden)}
                <input type="text" class="unseen" name="login" value=login autocomplete="username" tabindex="-1" aria-hidden="true" readonly=true />
                <Secret
                    id="password"
                    name="password"
                    label="Password"
                    autocomplete="current-password"
                    error=problem
                />
                {asks_code
                    .then(|| {
                        view! {
                            <Field
                                id="code"
                                name="code"
                                label=CODE_LABEL
                                hint=CODE_HINT
                                required=true
                                autocomplete="one-time-code"
                                longest=64
                            />
                        }
                    })}
                <Button kind=ButtonKind::Primary>"Confirm"</Button>
                <a class="btn btn-quiet" href=back>
                    "Back, change nothing"
                </a>
            </form>
        </Card>
    }
    .into_any()
}
