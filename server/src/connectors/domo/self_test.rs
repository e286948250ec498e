//! The self-test: an account signs in anew, its session is found in the list, ended and proven dead.
//!
//! It tells apart whether the credential is accepted and whether it may manage sessions, and settles what nobody has
//! written down: that the calls work at all. No person's session is touched.

use std::collections::HashSet;

use app::sessions::wire::SessionKind;
use async_trait::async_trait;

use super::api::Api;
use super::rows::Row;
use super::{Domo, INTERFACE};
use crate::connectors::steps::Steps;
use crate::connectors::{Answer, ConnectorError, EndSessions, ErrorKind, Handle, Proof, SelfTest, Target};

impl Domo {
    /// The list, where it is whole.
    async fn whole_list(&self) -> Result<Vec<Row>, ConnectorError> {
        let rows = self.everything().await?;
        if rows.len() >= self.limit {
            return Err(ConnectorError::new(
                ErrorKind::Protocol,
                "The list is as long as the most Curfew asks for (limit), so it may lack sessions.",
            ));
        }
        Ok(rows)
    }

    async fn is_listed(&self, number: i64) -> Result<bool, ConnectorError> {
        let rows = self.whole_list().await?;
        Ok(rows.iter().any(|row| row.id == Some(number)))
    }

    /// The session of that account that was not there before.
    async fn new_session(
        &self,
        before: &HashSet<i64>,
        account: &str,
    ) -> Result<(i64, Handle), ConnectorError> {
        let rows = self.whole_list().await?;
        let mut new = rows.iter().filter_map(|row| {
            let number = row.id.filter(|number| !before.contains(number))?;
            (row.user_id.as_deref() == Some(account)).then(|| (number, row.handle()))
        });
        match (new.next(), new.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(ConnectorError::new(
                ErrorKind::Protocol,
                "It was opened, but the list has no new session of that account.",
            )),
            (Some(_), Some(_)) => Err(ConnectorError::new(
                ErrorKind::Protocol,
                "That account signed in twice at the same time, so which session is the throw-away one can\u{2019}t be \
                 told: use an account that does nothing else, and test again.",
            )),
        }
    }

    async fn may_manage(&self) -> Result<bool, ConnectorError> {
        match self.api.sessions(1).await? {
            Ok(_) => Ok(true),
            Err(_) => self.everything().await.map(|_| true),
        }
    }

    /// Takes the steps; true = ending is proven.
    async fn steps(&self, steps: &mut Steps) -> bool {
        let me = self.ask_me().await;
        let accepted = match me {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(trouble)) => Err(trouble.error("to look at its own account")),
            Err(failed) => Err(failed.error),
        };
        if !steps.note("Domo accepts Curfew\u{2019}s credential", accepted, "")
            || !steps.note("It may manage sessions", self.may_manage().await, "")
        {
            return false;
        }
        let Some(canary) = &self.canary else {
            steps.skip(
                "A throw-away session was opened",
                "No account for it is set: canary needs the mail address and password of an account that does nothing \
                 else, without a second factor.",
            );
            return false;
        };
        let before = match self.whole_list().await {
            Ok(rows) => rows.iter().filter_map(|row| row.id).collect(),
            Err(error) => return steps.note("The list is whole", Err(error), ""),
        };
        let account = opened(canary).await;
        let number = match &account {
            Ok(account) => Some(self.new_session(&before, account).await),
            Err(_) => None,
        };
        if !steps.note("A throw-away session was opened", account.map(|_| true), "") {
            return false;
        }
        let found = match number {
            Some(Ok(found)) => found,
            Some(Err(error)) => return steps.note("It is listed", Err(error), ""),
            None => return false,
        };
        let (number, handle) = found;
        steps.note("It is listed", Ok(true), "");
        let ended = EndSessions::end(self, &[target(handle)]).await;
        let otherwise = match ended.as_deref() {
            Ok([Answer::Refused(words)]) => words.clone(),
            Ok([Answer::NotFound]) => "It knows no session of that number, although it lists it.".to_owned(),
            _ => "No readable answer came.".to_owned(),
        };
        steps.note(
            "Domo was asked to end it",
            ended.map(|answers| answers == [Answer::Accepted]),
            &otherwise,
        ) && steps.note(
            "It is not listed any more",
            self.is_listed(number).await.map(|there| !there),
            "Domo said OK, but its list still holds it.",
        ) && steps.note(
            "Its next request is refused",
            canary
                .is_alive()
                .await
                .map(|alive| !alive)
                .map_err(ConnectorError::from),
            "It is off the list, but a request with it was still let in.",
        )
    }
}

/// Signs in anew; the id of the account.
async fn opened(canary: &Api) -> Result<String, ConnectorError> {
    canary.sign_in().await?;
    match canary.me().await? {
        Ok(me) if !me.id.is_empty() => Ok(me.id),
        Ok(_) => Err(ConnectorError::new(
            ErrorKind::Protocol,
            "It was opened, but Domo does not tell of which account.",
        )),
        Err(trouble) => Err(trouble.error("to look at its own account")),
    }
}

fn target(handle: Handle) -> Target {
    Target {
        handle,
        place: String::new(),
        kind: SessionKind::Web,
        site: String::new(),
        account_id: String::new(),
        node: None,
    }
}

#[async_trait]
impl SelfTest for Domo {
    async fn self_test(&self) -> Result<Proof, ConnectorError> {
        let mut steps = Steps::default();
        if !self.steps(&mut steps).await {
            tracing::info!("a self-test did not prove that ending works");
        }
        Ok(steps.proof(INTERFACE))
    }
}
