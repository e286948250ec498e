//! Whether sites are ready, and the form that tries it.

use leptos::prelude::*;

use super::query::{LOOK, TEST};
use super::wire::{LoginViewLook, LoginViewSeen, Readiness, SiteReady, TicketApp};
use crate::layout::Echo;
use crate::paths::post;
use crate::ui::{Button, ButtonKind, ColumnHead, Field, Glyph, Icon, Panel, Pick, TableCard, TimeAgo};

/// Sites that apps ask for, and what is still to be done there.
#[component]
pub fn Sites(
    /// As far as it is known.
    ready: Readiness,
) -> impl IntoView {
    if ready.sites.is_empty() {
        return ().into_any();
    }
    let rows = ready
        .sites
        .iter()
        .map(|site| {
            let steps = site.steps(&ready.from);
            view! { <SiteRow site=site.clone() steps=steps /> }
        })
        .collect_view();
    view! {
        <Panel title="Sites" id="p-sites" padded=false>
            <TableCard caption="Sites: whether tickets can be redeemed there" class="wraps" inside=true>
                <thead>
                    <tr>
                        <ColumnHead label="Site" />
                        <ColumnHead label="Ready" />
                        <ColumnHead label="Login view" />
                        <ColumnHead label="Used ticket after sign-out" />
                        <ColumnHead label="What to do" />
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </TableCard>
            <p class="panel-note">
                "The login view is an empty workbook whose view everybody on the site may see: browsers redeem their "
                "tickets there. Try it with the form below."
            </p>
        </Panel>
    }
    .into_any()
}

/// One site.
#[component]
fn SiteRow(
    /// The site.
    site: SiteReady,
    /// What is to be done; empty = nothing that is known.
    steps: Vec<String>,
) -> impl IntoView {
    let look = site
        .look
        .clone()
        .filter(|look| site.login_view.as_ref() == Some(&look.view));
    let shown = look
        .as_ref()
        .is_some_and(|look| look.seen == LoginViewSeen::Shown);
    let (class, icon, word) = match (steps.is_empty(), site.apps.is_empty(), shown) {
        (false, ..) => ("mark mark-danger", Icon::Failed, "Not ready"),
        (_, true, _) => ("mark mark-quiet", Icon::Off, "Not asked for"),
        // A look tells what was so then: its age stands beside the view.
        (.., true) => ("mark mark-ok", Icon::Live, "Ready when tried"),
        _ => ("mark mark-warn", Icon::Unknown, "Not tried"),
    };
    let reuse = match look.as_ref().and_then(|look| look.reuse_blocked) {
        Some(true) => view! { <span>"refused"</span> }.into_any(),
        Some(false) => {
            view! { <span class="is-warn">"let in again: sign-out does not hold on this build"</span> }
                .into_any()
        }
        None => view! { <span class="quiet">"not known"</span> }.into_any(),
    };
    let login_view = match site.login_view.clone() {
        Some(view) => view! { <span class="mono">{view}</span> }.into_any(),
        None => view! { <span class="is-danger">"none named"</span> }.into_any(),
    };
    let name = site.site_name().to_owned();
    let done = steps.is_empty();
    view! {
        <tr class:is-wrong=!done>
            <th scope="row">
                <span class="person">
                    <span class="person-name">
                        <bdi>{name}</bdi>
                    </span>
                    <span class="second">
                        <bdi>{site.system_name}</bdi>
                    </span>
                </span>
            </th>
            <td class="nowrap">
                <span class=class>
                    <Glyph icon=icon />
                    <span>{word}</span>
                </span>
            </td>
            <td>
                <span class="person">{login_view} {looked(look)}</span>
            </td>
            <td>{reuse}</td>
            <td>
                {if done {
                    view! { <span class="quiet">"nothing known"</span> }.into_any()
                } else {
                    view! {
                        <ul class="bullets" role="list">
                            {steps.into_iter().map(|step| view! { <li>{step}</li> }).collect_view()}
                        </ul>
                    }
                        .into_any()
                }}
            </td>
        </tr>
    }
    .into_any()
}

/// "Shown 3 min ago".
fn looked(look: Option<LoginViewLook>) -> AnyView {
    match look {
        Some(look) => view! {
            <span class="second">{look.seen.label()} " " <TimeAgo at=look.at /></span>
        }
        .into_any(),
        None => view! { <span class="second">"nobody has looked"</span> }.into_any(),
    }
}

/// Asks for a ticket as an app would, for somebody named here.
#[component]
pub fn TestForm(
    /// Apps the caller may ask as.
    apps: Vec<TicketApp>,
) -> impl IntoView {
    if apps.is_empty() {
        return view! {
            <Panel title="Try it" id="p-test">
                <p class="why">"To ask for a ticket here you need “Use tickets” for the whole system of an app."</p>
            </Panel>
        }
        .into_any();
    }
    let echo = Echo::of(post::TICKETS, None, &[]);
    let first = apps.first().map(|app| app.app.clone()).unwrap_or_default();
    let choices = apps
        .iter()
        .map(|app| (app.app.clone(), format!("{} at {}", app.app, app.system_name)))
        .collect();
    let whole = echo.whole(&["app", "site", "user"]);
    view! {
        <Panel title="Try it" id="p-test" aside=|| "The ticket is thrown away; nobody sees it">
            <form method="post" action=post::TICKETS class="ticket-test">
                {whole.map(|words| view! { <p class="field-error" role="alert">{words}</p> })}
                <div class="filter-fields">
                    <Pick
                        id="t-app"
                        name="app"
                        label="As the app"
                        options=choices
                        value=echo.value_or("app", first)
                        error=echo.error("app")
                    />
                    <Field
                        id="t-site"
                        name="site"
                        label="Site"
                        value=echo.value_or("site", "")
                        hint="As in Tableau’s addresses after /t/; empty = Default"
                        longest=100
                        error=echo.error("site")
                    />
                    <Field
                        id="t-user"
                        name="user"
                        label="User"
                        value=echo.value_or("user", "")
                        hint="As the app names them, DOMAIN\\name where there is one"
                        longest=200
                        required=true
                        error=echo.error("user")
                    />
                </div>
                <div class="ticket-test-acts">
                    <Button kind=ButtonKind::Primary name="act" value=TEST>
                        "Ask for a ticket"
                    </Button>
                    <Button name="act" value=LOOK>
                        "Ask, and try the login view"
                    </Button>
                    <span class="second">
                        "Trying the view opens a session of this user for a moment and signs it out again."
                    </span>
                </div>
            </form>
        </Panel>
    }
    .into_any()
}
