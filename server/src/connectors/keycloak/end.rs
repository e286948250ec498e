//! Asking Keycloak to end sessions: one call each. It tells the applications before it answers, so an answer may be late.

use app::sessions::wire::SessionKind;
use async_trait::async_trait;

use super::{Keycloak, Realm};
use crate::connectors::http::{CallError, ask_each};
use crate::connectors::{Answer, ConnectorError, EndAccount, EndSessions, Target};

impl Keycloak {
    async fn end_one(&self, target: &Target) -> Result<Answer, CallError> {
        let Some(realm) = self.realms.iter().find(|realm| realm.name == target.place) else {
            return Ok(Answer::Refused(
                "Its realm is not in the settings any more.".to_owned(),
            ));
        };
        let offline = target.kind == SessionKind::Offline;
        realm.ender.delete_session(target.handle.expose(), offline).await
    }
}

#[async_trait]
impl EndSessions for Keycloak {
    /// Each is a call of its own, as slow as the slowest application behind it: the answers are stored often.
    fn chunk(&self) -> usize {
        40
    }

    async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        let asks: Vec<_> = targets.iter().map(|target| self.end_one(target)).collect();
        ask_each(asks, self.connections).await
    }
}

impl Realm {
    /// Ends the offline sessions of somebody one by one: a token made in the same second outlives the sign-out of its
    /// person, because not-before counts whole seconds.
    async fn end_offline_of(&self, account: &str) -> Result<Answer, ConnectorError> {
        let mut worst = Answer::Accepted;
        for client in self.stats().await?.iter().filter(|client| client.offline.0 > 0) {
            for row in self.offline_of(account, &client.id).await? {
                match self.ender.delete_session(&row.id, true).await {
                    // One session may be at several clients.
                    Ok(Answer::Accepted | Answer::NotFound) => {}
                    Ok(other) => worst = other,
                    Err(_) => worst = Answer::NoAnswer,
                }
            }
        }
        Ok(worst)
    }
}

#[async_trait]
impl EndAccount for Keycloak {
    async fn end_all_of(&self, account_id: &str) -> Result<Answer, ConnectorError> {
        let mut said = Answer::NotFound;
        for realm in &self.realms {
            match realm.ender.log_out_user(account_id).await {
                Ok(None) => continue,
                Ok(Some(Answer::Accepted)) => {}
                Ok(Some(other)) => return Ok(other),
                Err(failed) if failed.nothing_asked() => return Err(failed.error),
                Err(_) => return Ok(Answer::NoAnswer),
            }
            // Asked by now: what fails from here on leaves something unknown, never nothing.
            said = realm.end_offline_of(account_id).await.unwrap_or(Answer::NoAnswer);
        }
        Ok(said)
    }
}
