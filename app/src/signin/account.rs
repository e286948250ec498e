//! One's own account: sign-ins, how pages look, the second factor, the password.

use leptos::prelude::*;

use super::wire::{AccountNotice, MyFactor, MySession, MySessions, Theme, Times};
use crate::layout::{Echo, FrameContext, PageHead, loaded};
use crate::paths;
use crate::ui::{
    Button, ButtonKind, Check, Clock, ColumnHead, Ends, LinkButton, Note, Panel, Remaining, Secret, Started,
    TableCard, Tag, TimeAgo, Tone, counted,
};

/// The account page.
#[component]
pub fn AccountPage() -> impl IntoView {
    loaded(
        |b| async move { b.signin.my_sessions().await },
        |mine| view! { <Account mine=mine /> }.into_any(),
    )
}

/// The page with its data.
#[component]
fn Account(
    /// Its data.
    mine: MySessions,
) -> impl IntoView {
    Clock::here().set(mine.now);
    let who = FrameContext::here().read(|f| format!("{}, {}", f.display_name, f.login));
    let ends = mine
        .sessions
        .iter()
        .find(|s| s.current)
        .map(|s| (s.idle_ends_at, s.absolute_ends_at));
    let factor = mine.second_factor;
    let notices = mine.notices.clone();
    view! {
        <PageHead title="Your account" aside=move || view! { <bdi>{who.clone()}</bdi> } />
        <div class="beside">
            <div class="stack">
                <MySignIns mine=mine />
                {ends
                    .map(|(idle, absolute)| {
                        view! {
                            <Note>
                                "Without activity this sign-in ends " <Remaining ends=Ends::At(idle) />
                                ", and at latest " <Remaining ends=Ends::At(absolute) />
                                ". Any page you open counts as activity."
                            </Note>
                        }
                    })}
                {(!notices.is_empty()).then(|| view! { <News notices=notices /> })}
            </div>
            <div class="stack">
                <Preferences />
                <Factor factor=factor />
                <Password />
            </div>
        </div>
    }
    .into_any()
}

/// One's own sign-ins.
#[component]
fn MySignIns(
    /// The data.
    mine: MySessions,
) -> impl IntoView {
    let others = mine.sessions.iter().filter(|s| !s.current).count() as u64;
    let echo = Echo::of(paths::post::ACCOUNT, Some("end-others"), &[]);
    let most = mine.max_parallel;
    view! {
        <Panel
            title="Where you are signed in"
            padded=false
            aside=move || format!("At most {}; one more ends the oldest", counted(most, "sign-in", "sign-ins"))
        >
            <TableCard caption="Your own sign-ins, newest activity first" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="Where" />
                        <ColumnHead label="Since" />
                        <ColumnHead label="Last activity" />
                        <ColumnHead label="Ends at latest" />
                        <th scope="col">
                            <span class="unseen">"What to do"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{mine.sessions.into_iter().map(|session| view! { <Row session=session /> }).collect_view()}</tbody>
            </TableCard>
            {(others > 0)
                .then(|| {
                    view! {
                        <form class="pager" method="post" action=paths::post::ACCOUNT>
                            <Button name="act" value="end-others" kind=ButtonKind::Danger>
                                {format!("End {}", counted(others, "other sign-in", "other sign-ins"))}
                            </Button>
                            {echo.whole(&[]).map(|problem| view! { <p class="field-error" role="alert">{problem}</p> })}
                        </form>
                    }
                })}
        </Panel>
    }
    .into_any()
}

/// One sign-in.
#[component]
fn Row(
    /// The sign-in.
    session: MySession,
) -> impl IntoView {
    let echo = Echo::of(
        paths::post::ACCOUNT,
        Some("end"),
        &[("session", session.portal_session_id.as_str())],
    );
    let id = session.portal_session_id.0.clone();
    view! {
        <tr>
            <th scope="row">
                <span class="person">
                    <span class="person-name">
                        {session.client.unwrap_or_else(|| "Browser hidden".to_owned())} " "
                        {session.current.then(|| view! { <Tag tone=Some(Tone::Info)>"this one"</Tag> })}
                    </span>
                    <span class="second">{session.ip}</span>
                    {session
                        .changed_source_at
                        .map(|at| {
                            view! {
                                <span class="second is-warn">
                                    "Address or browser changed " <TimeAgo at=at />
                                </span>
                            }
                        })}
                </span>
            </th>
            <td class="nowrap">
                <Started at=Some(session.created_at) />
            </td>
            <td class="nowrap">
                <TimeAgo at=session.last_active_at />
            </td>
            <td class="nowrap">
                <Remaining ends=Ends::At(session.absolute_ends_at) />
            </td>
            <td>
                {(!session.current)
                    .then(|| {
                        view! {
                            <form class="row-acts" method="post" action=paths::post::ACCOUNT>
                                <input type="hidden" name="session" value=id />
                                <Button name="act" value="end" kind=ButtonKind::DangerOutline small=true>
                                    "End it"
                                </Button>
                            </form>
                        }
                    })}
                {echo.whole(&[]).map(|problem| view! { <p class="field-error" role="alert">{problem}</p> })}
            </td>
        </tr>
    }
    .into_any()
}

/// What happened to the account.
#[component]
fn News(
    /// Newest first.
    notices: Vec<AccountNotice>,
) -> impl IntoView {
    view! {
        <Panel title="What happened to your account">
            <ul class="form" role="list">
                {notices
                    .into_iter()
                    .map(|notice| {
                        view! {
                            <li>
                                {notice.words} " "
                                <span class="second">
                                    <TimeAgo at=notice.at />
                                </span>
                            </li>
                        }
                    })
                    .collect_view()}
            </ul>
        </Panel>
    }
    .into_any()
}

/// Theme and times, kept on the server.
#[component]
fn Preferences() -> impl IntoView {
    let (theme, times, keys) = FrameContext::here().read(|f| (f.theme, f.times, f.single_keys));
    view! {
        <Panel title="How pages look">
            <form class="form panel-section" method="post" action=paths::post::ACCOUNT>
                <input type="hidden" name="act" value="theme" />
                <fieldset class="checks">
                    <legend class="group-label">"Theme"</legend>
                    {[(Theme::System, "As the device says"), (Theme::Light, "Light"), (Theme::Dark, "Dark")]
                        .map(|(this, words)| {
                            view! {
                                <Check
                                    id=format!("theme-{}", this.name())
                                    name="theme"
                                    value=this.name()
                                    label=words
                                    radio=true
                                    checked=theme == this
                                />
                            }
                        })
                        .collect_view()}
                </fieldset>
                <div>
                    <Button small=true>"Save theme"</Button>
                </div>
            </form>
            <form class="form panel-section" method="post" action=paths::post::ACCOUNT>
                <input type="hidden" name="act" value="times" />
                <fieldset class="checks">
                    <legend class="group-label">"Times"</legend>
                    {[(Times::Relative, "relative", "3 min ago"), (Times::Absolute, "absolute", "21 Nov 03:12:40")]
                        .map(|(this, value, words)| {
                            view! {
                                <Check
                                    id=format!("times-{value}")
                                    name="times"
                                    value=value
                                    label=words
                                    radio=true
                                    checked=times == this
                                />
                            }
                        })
                        .collect_view()}
                </fieldset>
                <div>
                    <Button small=true>"Save times"</Button>
                </div>
            </form>
            <form class="form panel-section" method="post" action=paths::post::ACCOUNT>
                <input type="hidden" name="act" value="keys" />
                <p>
                    {if keys { "Single keys act: / searches, j and k walk rows, ? lists them all." } else { "Single keys do nothing." }}
                </p>
                <div>
                    <Button small=true name="on" value=if keys { "0" } else { "1" }>
                        {if keys { "Switch single keys off" } else { "Switch single keys on" }}
                    </Button>
                </div>
            </form>
        </Panel>
    }
    .into_any()
}

/// The second factor: whether there is one, and what can be done with it.
#[component]
fn Factor(
    /// What is in force.
    factor: MyFactor,
) -> impl IntoView {
    let echo = Echo::of(paths::post::SECOND_FACTOR, None, &[]);
    let problem = echo
        .whole(&[])
        .map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> });
    let body = match factor.set_up_at {
        None => view! {
            <p>
                "None. With one, signing in takes a code from an app on your phone beside the password: who learns your "
                "password can do nothing with it."
            </p>
            <div class="buttons">
                <LinkButton href=paths::SECOND_FACTOR>"Set up a second factor"</LinkButton>
            </div>
        }
        .into_any(),
        Some(at) => {
            let left = u64::from(factor.codes_left);
            let few = left < 3;
            let blocked = factor.needed.then(|| "A role of yours needs it.".to_owned());
            view! {
                <p>
                    "Codes from your app, set up " <TimeAgo at=at /> ". "
                    <span class:is-warn=few>
                        {format!("{} left.", counted(left, "recovery code", "recovery codes"))}
                    </span>
                </p>
                <form class="buttons" method="post" action=paths::post::SECOND_FACTOR>
                    <LinkButton href=paths::SECOND_FACTOR small=true>"Replace"</LinkButton>
                    <Button name="act" value="codes" small=true>"New recovery codes"</Button>
                    <Button name="act" value="remove" kind=ButtonKind::DangerOutline small=true blocked=blocked>
                        "Remove"
                    </Button>
                </form>
            }
            .into_any()
        }
    };
    view! {
        <Panel title="Second factor">
            <div class="form">{problem} {body}</div>
        </Panel>
    }
    .into_any()
}

/// A new password.
#[component]
fn Password() -> impl IntoView {
    let echo = Echo::of(paths::post::ACCOUNT, Some("password"), &[]);
    let login = FrameContext::here().read(|f| f.login.clone());
    view! {
        <Panel title="Password">
            <form class="form" method="post" action=paths::post::ACCOUNT>
                <input type="hidden" name="act" value="password" />
                <input class="unseen" type="text" name="username" value=login autocomplete="username" readonly=true tabindex="-1" aria-hidden="true" />
                {echo
                    .whole(&["current", "new", "again"])
                    .map(|problem| view! { <Note tone=Some(Tone::Danger)>{problem}</Note> })}
                <Secret
                    id="current"
                    name="current"
                    label="Password you have now"
                    autocomplete="current-password"
                    error=echo.error("current")
                />
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
                <Check
                    id="end-others"
                    name="end_others"
                    value="yes"
                    label="End all my other sign-ins too"
                    checked=true
                />
                <div class="buttons">
                    <Button kind=ButtonKind::Primary>"Change password"</Button>
                </div>
            </form>
        </Panel>
    }
    .into_any()
}
