//! What stands beside the portal in tests of the second factor: the person's phone, and what they read off pages.

use reqwest::StatusCode;

use crate::harness::{Answer, App, Browser, PASSWORD};

pub const FACTOR: &str = "/second-factor/act";

/// What an authenticator app holds.
pub struct Phone(totp_rs::Totp);

impl Phone {
    /// Typed in from the page.
    pub fn reading(page: &str) -> Self {
        let base32 = typed_seed(page).expect("the page shows a key").replace(' ', "");
        let bytes = data_encoding::BASE32_NOPAD.decode(base32.as_bytes()).unwrap();
        assert_eq!(bytes.len(), 20, "160 bits");
        Self(
            totp_rs::Builder::new()
                .with_secret(<[u8; 20]>::try_from(bytes).unwrap())
                .build()
                .unwrap(),
        )
    }

    /// What it shows so many seconds from now.
    pub fn shows(&self, app: &App, in_seconds: i64) -> String {
        let at = app.clock_now().plus_seconds(in_seconds).0 / 1_000;
        self.0.generate(u64::try_from(at).unwrap()).to_string()
    }
}

/// The key as a page shows it to be typed.
pub fn typed_seed(page: &str) -> Option<String> {
    let at = page.find("id=\"typed-seed\"")?;
    let rest = &page[at..];
    Some(rest[rest.find('>')? + 1..rest.find('<')?].trim().to_owned())
}

/// The recovery codes a page shows.
pub fn recovery_codes(page: &str) -> Vec<String> {
    let Some((_, list)) = page.split_once("class=\"recovery\"") else {
        return Vec::new();
    };
    let list = list.split("</ul>").next().unwrap();
    list.split("<code>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap().to_owned())
        .collect()
}

/// What the form of the code sends back.
pub fn step(answer: &Answer) -> String {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let (_, rest) = answer
        .body
        .split_once("name=\"step\" value=\"")
        .expect("a code is asked for");
    rest.split('"').next().unwrap().to_owned()
}

pub async fn send_code(browser: &Browser, step: &str, code: &str) -> Answer {
    browser.post("/sign-in", &[("step", step), ("code", code)]).await
}

/// Sets a second factor up: the phone, the recovery codes.
pub async fn set_up(app: &App, browser: &Browser) -> (Phone, Vec<String>) {
    let begun = browser.post(FACTOR, &[("act", "begin")]).await;
    assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.body);
    assert_eq!(begun.location(), "/second-factor");
    let phone = Phone::reading(&browser.get("/second-factor").await.body);
    let code = phone.shows(app, 0);
    let done = browser.post(FACTOR, &[("act", "confirm"), ("code", &code)]).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    let codes = recovery_codes(&done.body);
    assert_eq!(codes.len(), 10);
    app.clock.advance(60);
    (phone, codes)
}

/// Password and code, from a fresh browser.
pub async fn sign_in_with(app: &App, login: &str, code: &str) -> (Browser, Answer) {
    let browser = app.browser();
    let step = step(&browser.sign_in(login, PASSWORD).await);
    let answer = send_code(&browser, &step, code).await;
    (browser, answer)
}
