//! The self-test: an account signs in anew, its session is found in the list, ended and proven dead. No person's is touched.

use app::sessions::wire::SessionKind;
use async_trait::async_trait;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Canary, Keycloak, Realm};
use crate::connectors::steps::Steps;
use crate::connectors::{Answer, ConnectorError, EndSessions, ErrorKind, Handle, Proof, SelfTest, Target};

/// What signing in gave.
#[derive(Deserialize)]
struct Opened {
    session_state: String,
    refresh_token: SecretString,
}

impl Keycloak {
    /// Asks for tokens as the application of the canary; `None` = refused in Keycloak's words for "no such session".
    async fn tokens(&self, canary: &Canary, form: &[(&str, &str)]) -> Result<Option<Opened>, ConnectorError> {
        let realm = &self.realms[canary.realm].name;
        let path = ["realms", realm, "protocol", "openid-connect", "token"];
        let mut all = vec![("client_id", canary.client_id.as_str())];
        all.extend(
            canary
                .client_secret
                .as_ref()
                .map(|secret| ("client_secret", secret.expose_secret())),
        );
        all.extend_from_slice(form);
        let call = self.http.call("test sign in", Method::POST, &path).refusals_too();
        let answered = call.form(all).send().await?;
        if matches!(answered.status, 400 | 401) && !answered.is_page() {
            return Ok(None);
        }
        Ok(Some(answered.json()?))
    }

    async fn opened(&self, canary: &Canary) -> Result<Opened, ConnectorError> {
        let form = [
            ("grant_type", "password"),
            ("username", canary.username.as_str()),
            ("password", canary.password.expose_secret()),
            ("scope", "openid"),
        ];
        self.tokens(canary, &form).await?.ok_or_else(|| {
            ConnectorError::new(
                ErrorKind::Unauthorized,
                "Keycloak did not let the account of canary in: password, direct access grants of its client, and a \
                 complete profile (mail and both names) without a second factor are needed.",
            )
        })
    }

    /// Whether its refresh token still gives anything.
    async fn is_alive(&self, canary: &Canary, opened: &Opened) -> Result<bool, ConnectorError> {
        let refresh = opened.refresh_token.expose_secret();
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        Ok(self.tokens(canary, &form).await?.is_some())
    }

    /// Takes the steps; true = ending is proven.
    async fn steps(&self, steps: &mut Steps) -> bool {
        for realm in &self.realms {
            let counts = realm.stats().await;
            let name = format!("Curfew may look at the sessions of {}", realm.name);
            if !steps.note(&name, counts.map(|_| true), "") {
                return false;
            }
        }
        let Some(canary) = &self.canary else {
            steps.skip(
                "A throw-away session was opened",
                "No account for it is set: canary needs a client with direct access grants, a user name and a password.",
            );
            return false;
        };
        let realm = &self.realms[canary.realm];
        let opened = self.opened(canary).await;
        let id = opened.as_ref().ok().map(|opened| opened.session_state.clone());
        let failed = opened.as_ref().err().cloned();
        steps.note(
            "A throw-away session was opened",
            failed.map_or(Ok(true), Err),
            "",
        );
        let (Ok(opened), Some(id)) = (opened, id) else {
            return false;
        };
        let account = realm.account_of(canary).await;
        let account = match account {
            Ok(account) => account,
            Err(error) => return steps.note("It is listed", Err(error), ""),
        };
        if !steps.note(
            "It is listed",
            realm.lists(&account, &id).await,
            "Keycloak does not list it.",
        ) {
            return false;
        }
        let target = Target {
            handle: Handle::new(id.clone()),
            place: realm.name.clone(),
            kind: SessionKind::Sso,
            site: realm.name.clone(),
            account_id: account.clone(),
            node: None,
        };
        let ended = EndSessions::end(self, &[target]).await;
        let otherwise = match ended.as_deref() {
            Ok([Answer::Refused(words)]) => words.clone(),
            Ok([Answer::NotFound]) => "It knows no such session, although it lists it.".to_owned(),
            _ => "No readable answer came.".to_owned(),
        };
        steps.note(
            "Keycloak was asked to end it",
            ended.map(|answers| answers == [Answer::Accepted]),
            &otherwise,
        ) && steps.note(
            "It is not listed any more",
            realm.lists(&account, &id).await.map(|there| !there),
            "Keycloak said OK, and still lists it.",
        ) && steps.note(
            "Its refresh token is refused",
            self.is_alive(canary, &opened).await.map(|alive| !alive),
            "It is off the list, and its refresh token still gave a new one.",
        )
    }
}

impl Realm {
    /// Id of the canary's account.
    async fn account_of(&self, canary: &Canary) -> Result<String, ConnectorError> {
        #[derive(Deserialize)]
        struct User {
            id: String,
        }
        let query = [("username", canary.username.as_str()), ("exact", "true")];
        let users: Vec<User> = self.reader.get("find users", &["users"], &query).await?;
        let found = users.into_iter().next().map(|user| user.id);
        found.ok_or_else(|| {
            ConnectorError::new(
                ErrorKind::Forbidden,
                "Keycloak shows no user of that name, who signed in just now: the account that reads lacks view-users.",
            )
        })
    }

    async fn lists(&self, account: &str, id: &str) -> Result<bool, ConnectorError> {
        let rows = self.online_of(account).await?.unwrap_or_default();
        Ok(rows.iter().any(|row| row.id == id))
    }
}

#[async_trait]
impl SelfTest for Keycloak {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        let mut steps = Steps::default();
        if !self.steps(&mut steps).await {
            tracing::info!("a self-test did not prove that ending works");
        }
        Ok(steps.proof(""))
    }
}
