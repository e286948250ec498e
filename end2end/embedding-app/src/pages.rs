//! The app's pages: sign in, two views, signed out.

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use crate::tokens::{Session, random_word};
use crate::{App, COOKIE, broker};

type Shared = State<Arc<App>>;

/// How the state of an ending is said to the person, and whether it may still change.
const STATES: [(&str, &str, bool); 9] = [
    ("waiting", "You are being signed out of Tableau.", true),
    ("running", "You are being signed out of Tableau.", true),
    (
        "paused",
        "Your sign-out of Tableau waits: endings are paused.",
        true,
    ),
    ("gone", "You are signed out of Tableau.", false),
    (
        "not_gone",
        "You may still be signed in to Tableau: it did not let go of every session. Close the browser.",
        false,
    ),
    ("nothing_found", "You were not signed in to Tableau.", false),
    (
        "several_not_ended",
        "Several Tableau sessions may be yours; none was ended.",
        false,
    ),
    (
        "left_out",
        "Your Tableau session may not be ended from here.",
        false,
    ),
    (
        "needs_person",
        "Somebody has to approve your sign-out of Tableau.",
        false,
    ),
];

/// Two views, for who is signed in.
pub async fn home(State(app): Shared, headers: HeaderMap) -> Response {
    let Some(session) = app.session(&headers) else {
        return Redirect::to("/sign-in").into_response();
    };
    let frames: String = (app.settings.addresses().zip(&app.settings.views))
        .map(|(address, name)| {
            let (address, name) = (escaped(&address), escaped(name));
            format!("<h2>{name}</h2>\n<iframe title=\"{name}\" data-view=\"{address}\"></iframe>\n")
        })
        .collect();
    let user = escaped(&session.sub);
    let site = escaped(&app.settings.site);
    let main = format!(
        "<h1>Figures</h1>\n<p>Signed in as {user}.</p>\n\
         <form method=\"post\" action=\"/sign-out\"><button>Sign out</button></form>\n\
         <p id=\"told\" role=\"alert\" hidden></p>\n{frames}"
    );
    page(
        &app,
        StatusCode::OK,
        "Figures",
        &format!("data-user=\"{user}\" data-site=\"{site}\""),
        &main,
    )
}

/// Asks for name and password.
pub async fn sign_in_page(State(app): Shared) -> Response {
    sign_in_form(&app, StatusCode::OK, "")
}

fn sign_in_form(app: &App, status: StatusCode, told: &str) -> Response {
    let main = format!(
        "<h1>Sign in</h1>\n{told}<form method=\"post\" action=\"/sign-in\">\n\
         <p><label>User name <input name=\"login\" autocomplete=\"username\" required></label></p>\n\
         <p><label>Password <input name=\"password\" type=\"password\" autocomplete=\"current-password\" required></label></p>\n\
         <p><button>Sign in</button></p></form>"
    );
    page(app, status, "Sign in", "", &main)
}

/// What the sign-in form sends.
#[derive(Deserialize)]
pub struct SignIn {
    login: String,
    password: String,
}

/// Sets the cookie that the broker will read.
pub async fn sign_in(State(app): Shared, headers: HeaderMap, Form(sent): Form<SignIn>) -> Response {
    if !same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let people = &app.settings.people;
    let found = people
        .iter()
        .find(|one| one.login == sent.login && one.password == sent.password);
    let Some(person) = found else {
        let told = "<p role=\"alert\">That name and password don’t belong together.</p>\n";
        return sign_in_form(&app, StatusCode::FORBIDDEN, told);
    };
    match app.tokens.sign_in(person) {
        Ok(token) => (
            [set_cookie(&app, &token, app.settings.session_s)],
            Redirect::to("/"),
        )
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Ends the sign-in here, and tells the broker to end it in Tableau.
pub async fn sign_out(State(app): Shared, headers: HeaderMap) -> Response {
    if !same_origin(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let gone = [set_cookie(&app, "", 0)];
    let Some(session) = app.session(&headers) else {
        return (gone, Redirect::to("/signed-out")).into_response();
    };
    // Whatever the broker says: here it is over.
    app.memory().over.insert(session.sid.clone());
    let to = match broker::sign_out(&app, &session).await {
        Ok(out) => remember(&app, session, out),
        Err(why) => {
            eprintln!("sign-out: {why}");
            Ok("/signed-out?failed=1".to_owned())
        }
    };
    let to = to.unwrap_or_else(|_| "/signed-out".to_owned());
    (gone, Redirect::to(&to)).into_response()
}

/// Keeps what the next page shows under a word that nobody guesses; its address.
fn remember(app: &App, session: Session, out: broker::SignedOut) -> anyhow::Result<String> {
    let word = random_word()?;
    let to = format!("/signed-out?of={word}");
    app.memory().endings.insert(word, (session, out));
    Ok(to)
}

/// What the page after sign-out shows.
#[derive(Deserialize)]
pub struct Of {
    of: Option<String>,
    failed: Option<String>,
}

/// Says how the sign-out of Tableau stands; looks again until it is settled.
pub async fn signed_out(State(app): Shared, Query(of): Query<Of>) -> Response {
    let kept = of.of.and_then(|word| app.memory().endings.get(&word).cloned());
    let (said, again) = match kept {
        Some((session, out)) => {
            let state = match out.ending {
                Some(ending) => broker::standing(&app, &session, ending).await,
                None => Ok(out.state),
            };
            match state {
                Ok(state) => in_words(&state),
                Err(why) => {
                    eprintln!("sign-out: {why}");
                    (
                        "It can’t be seen right now how your sign-out of Tableau stands.".to_owned(),
                        true,
                    )
                }
            }
        }
        None if of.failed.is_some() => (
            "You may still be signed in to Tableau: it could not be told. Close the browser.".to_owned(),
            false,
        ),
        None => (String::new(), false),
    };
    let main = format!(
        "<h1>Signed out</h1>\n<p role=\"status\">{}</p>\n<p><a href=\"/sign-in\">Sign in</a></p>",
        escaped(&said)
    );
    let mut response = page(&app, StatusCode::OK, "Signed out", "", &main);
    if again {
        // Works without script.
        let every = header::HeaderValue::from_static("1");
        response.headers_mut().insert(header::REFRESH, every);
    }
    response
}

fn in_words(state: &str) -> (String, bool) {
    let known = STATES.iter().find(|(word, _, _)| *word == state);
    known.map_or_else(
        || (format!("Your sign-out of Tableau: {state}."), false),
        |(_, said, again)| ((*said).to_owned(), *again),
    )
}

/// The page's script.
pub async fn script() -> Response {
    file("text/javascript", include_str!("app.js"))
}

/// The page's looks.
pub async fn style() -> Response {
    file("text/css", include_str!("app.css"))
}

/// The helper, as an app has it that took it from npm.
pub async fn helper() -> Response {
    file(
        "text/javascript",
        include_str!("../../../server/embed/curfew-embed.js"),
    )
}

fn file(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// A form of a page of ours, not of another site.
fn same_origin(headers: &HeaderMap) -> bool {
    headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "same-origin")
}

fn set_cookie(app: &App, value: &str, seconds: i64) -> (header::HeaderName, String) {
    let secure = if app.settings.https { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    (header::SET_COOKIE, cookie)
}

fn page(app: &App, status: StatusCode, title: &str, body: &str, main: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} · Example app</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"stylesheet\" href=\"/app.css\">\n\
         <script type=\"module\" src=\"/app.js\"></script></head>\n<body {body}><main>\n{main}\n</main></body></html>\n"
    );
    // What a page that embeds has to allow: pictures and frames of Tableau, nothing else of anybody.
    let tableau = &app.settings.tableau;
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; \
         img-src {tableau}; frame-src {tableau}; frame-ancestors 'none'; base-uri 'none'"
    );
    let headers = [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (status, headers, Html(html)).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_of_a_sign_out_has_words() {
        assert_eq!(
            in_words("gone"),
            ("You are signed out of Tableau.".to_owned(), false)
        );
        assert!(in_words("running").1);
        assert_eq!(in_words("odd <b>").0, "Your sign-out of Tableau: odd <b>.");
        assert_eq!(escaped("<a href=\"&\">"), "&lt;a href=&quot;&amp;&quot;&gt;");
    }
}
