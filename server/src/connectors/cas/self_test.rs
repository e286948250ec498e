//! The self-test: an account signs in at CAS's form, its session is found in the list, ended and proven dead. No person's is
//! touched.

use async_trait::async_trait;
use html5gum::{Token, Tokenizer};
use reqwest::Method;
use reqwest::header::COOKIE;
use secrecy::{ExposeSecret, SecretString};

use super::list::NO_CUT;
use super::{Cas, Named};
use crate::connectors::steps::Steps;
use crate::connectors::{Answer, ConnectorError, EndSessions, ErrorKind, Handle, Proof, SelfTest, Target};

/// The cookie a browser holds; a CAS that calls it otherwise can't be tested to the end.
const COOKIE_NAME: &str = "TGC";

impl Cas {
    /// The sign-in page, with a cookie or without one.
    async fn page(&self, cookie: Option<&SecretString>) -> Result<String, ConnectorError> {
        let mut call = self
            .api
            .http
            .call("test sign-in page", Method::GET, &["login"])
            .header("accept", "text/html");
        if let Some(cookie) = cookie {
            let both = SecretString::from(format!("{COOKIE_NAME}={}", cookie.expose_secret()));
            call = call.secret_header(COOKIE, &both);
        }
        let answered = call.send().await?;
        if answered.status != 200 {
            return Err(ConnectorError::new(
                ErrorKind::Protocol,
                format!("Its sign-in page answered with status {}.", answered.status),
            ));
        }
        Ok(String::from_utf8_lossy(answered.bytes()).into_owned())
    }

    /// Signs the canary in by the form: the cookie it is given.
    async fn signed_in(&self, canary: &Named) -> Result<SecretString, ConnectorError> {
        let page = self.page(None).await?;
        let execution = field(&page, "execution").ok_or_else(|| {
            ConnectorError::new(
                ErrorKind::Protocol,
                "Its sign-in page has no form for a name and a password.",
            )
        })?;
        let form = [
            ("username", canary.username.as_str()),
            ("password", canary.password.expose_secret()),
            ("_eventId", "submit"),
            ("execution", execution.as_str()),
        ];
        let call = self.api.http.call("test sign in", Method::POST, &["login"]);
        let answered = call
            .header("accept", "text/html")
            .refusals_too()
            .redirects_too()
            .form(form)
            .send()
            .await?;
        answered.cookie(COOKIE_NAME).cloned().ok_or_else(|| {
            ConnectorError::new(
                ErrorKind::Unauthorized,
                "CAS did not let the account of canary in: its password has to be right, without a second factor or a \
                 notice to agree to.",
            )
        })
    }

    async fn ids_of(&self, canary: &Named) -> Result<Vec<String>, ConnectorError> {
        let mut ids = Vec::new();
        let keep = |row: super::rows::Row| {
            ids.push(row.id);
            None
        };
        self.api.list(Some(&canary.username), NO_CUT, None, keep).await?;
        Ok(ids)
    }

    /// Whether the endpoint can be reached, lets Curfew in and is enabled; one step each.
    async fn looked(&self, steps: &mut Steps) -> bool {
        const STEPS: [&str; 3] = [
            "CAS answers",
            "It accepts Curfew\u{2019}s identity",
            "Its endpoint ssoSessions is enabled",
        ];
        let Err(error) = self.api.list(None, 1, None, |_| None).await else {
            for step in STEPS {
                steps.note(step, Ok(true), "");
            }
            return true;
        };
        let failed = match error.kind {
            ErrorKind::Unauthorized | ErrorKind::Forbidden => 1,
            ErrorKind::Protocol => 2,
            _ => 0,
        };
        for step in &STEPS[..failed] {
            steps.note(step, Ok(true), "");
        }
        steps.note(STEPS[failed], Err(error), "")
    }

    /// Takes the steps; true = ending is proven.
    async fn steps(&self, steps: &mut Steps) -> bool {
        if !self.looked(steps).await {
            return false;
        }
        let Some(canary) = &self.canary else {
            steps.skip(
                "A throw-away session was opened",
                "No account for it is set: canary needs a user name and a password.",
            );
            return false;
        };
        let before = match self.ids_of(canary).await {
            Ok(before) => before,
            Err(error) => return steps.note("A throw-away session was opened", Err(error), ""),
        };
        let cookie = match self.signed_in(canary).await {
            Ok(cookie) => cookie,
            Err(error) => return steps.note("A throw-away session was opened", Err(error), ""),
        };
        steps.note("A throw-away session was opened", Ok(true), "");
        let new = self.ids_of(canary).await.map(|after| {
            let mut new = after.into_iter().filter(|id| !before.contains(id));
            // Another beside it would be somebody else's sign-in with this account.
            new.next().filter(|_| new.next().is_none())
        });
        let id = match new {
            Ok(Some(id)) => id,
            Ok(None) => {
                return steps.note(
                    "It is listed",
                    Ok(false),
                    "CAS does not list it, or lists several.",
                );
            }
            Err(error) => return steps.note("It is listed", Err(error), ""),
        };
        steps.note("It is listed", Ok(true), "");
        if !steps.note(
            "Its browser is let in",
            self.page(Some(&cookie)).await.map(|page| !asks(&page)),
            "CAS asks its browser for the password although it just signed in.",
        ) {
            return false;
        }
        let target = Target {
            handle: Handle::new(id.clone()),
            place: String::new(),
            kind: app::sessions::wire::SessionKind::Sso,
            site: String::new(),
            account_id: canary.username.clone(),
            node: None,
        };
        let ended = EndSessions::end(self, &[target]).await;
        let otherwise = match ended.as_deref() {
            Ok([Answer::Refused(words)]) => words.clone(),
            Ok([Answer::NotFound]) => "It is not there any more, although it was listed.".to_owned(),
            _ => "No readable answer came.".to_owned(),
        };
        steps.note(
            "CAS was asked to end it",
            ended.map(|answers| answers == [Answer::Accepted]),
            &otherwise,
        ) && steps.note(
            "It is not listed any more",
            self.ids_of(canary).await.map(|ids| !ids.contains(&id)),
            "CAS said OK, and still lists it.",
        ) && steps.note(
            "Its browser is asked for the password",
            self.page(Some(&cookie)).await.map(|page| asks(&page)),
            "It is off the list, and its browser was still let in.",
        )
    }
}

/// Value of a form's field.
fn field(page: &str, wanted: &str) -> Option<String> {
    Tokenizer::new(page).flatten().find_map(|token| {
        let Token::StartTag(tag) = token else { return None };
        let value = |name: &[u8]| {
            let value = tag.attributes.get(name)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        let named = &**tag.name == b"input" && value(b"name").is_some_and(|name| name == wanted);
        named.then(|| value(b"value")).flatten()
    })
}

/// Whether a page asks for a name and a password.
fn asks(page: &str) -> bool {
    field(page, "execution").is_some()
}

#[async_trait]
impl SelfTest for Cas {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        let mut steps = Steps::default();
        if !self.steps(&mut steps).await {
            tracing::info!("a self-test did not prove that ending works");
        }
        Ok(steps.proof(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_told_from_the_page_of_somebody_signed_in() {
        let form = r#"<form method="post" id="fm1"><input type="text" name="username"/>
            <input type="hidden" name="execution" value="0e85_ZX&amp;I"/></form>"#;
        assert_eq!(field(form, "execution").as_deref(), Some("0e85_ZX&I"));
        assert!(asks(form) && !asks("<h1>Log In Successful</h1><p>execution</p>"));
    }
}
