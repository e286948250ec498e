//! Asking CAS to end sessions. It says OK of what was never there, so Curfew looks before it asks; that a session is gone
//! only a later list can tell.

use std::collections::{BTreeSet, HashSet};

use async_trait::async_trait;

use super::Cas;
use super::api::nobody_named;
use super::list::NO_CUT;
use super::rows::Row;
use crate::connectors::http::{CallError, ask_each};
use crate::connectors::{Answer, ConnectorError, EndAccount, EndSessions, Handle, Target};

/// People who are asked for one by one; more are found in one list of everybody.
const FEW: usize = 3;

impl Cas {
    /// Ids of sessions there are now: of these people where they are few, else of everybody.
    async fn there(&self, accounts: &BTreeSet<&str>) -> Result<HashSet<String>, ConnectorError> {
        let mut ids = HashSet::new();
        let mut keep = |row: Row| {
            ids.insert(row.id);
            None
        };
        if accounts.len() > FEW || accounts.contains("") {
            self.api.list(None, NO_CUT, None, &mut keep).await?;
        } else {
            for account in accounts.iter().copied() {
                self.api.list(Some(account), NO_CUT, None, &mut keep).await?;
            }
        }
        Ok(ids)
    }

    /// Sessions of one account.
    async fn of(&self, account: &str) -> Result<Vec<Handle>, ConnectorError> {
        let mut ids = Vec::new();
        let keep = |row: Row| {
            if row.principal == account {
                ids.push(Handle::new(row.id));
            }
            None
        };
        self.api.list(Some(account), NO_CUT, None, keep).await?;
        Ok(ids)
    }

    /// `None` = it is not there, and nothing is asked.
    async fn end_one(&self, id: Option<&Handle>) -> Result<Answer, CallError> {
        match id {
            Some(id) => self.api.delete_session(id.expose()).await,
            None => Ok(Answer::NotFound),
        }
    }

    /// One call each, in the order of the asking.
    async fn end_each(&self, ids: Vec<Option<&Handle>>) -> Result<Vec<Answer>, ConnectorError> {
        let asks: Vec<_> = ids.into_iter().map(|id| self.end_one(id)).collect();
        ask_each(asks, self.connections).await
    }
}

#[async_trait]
impl EndSessions for Cas {
    /// Before each chunk the list is read once, so not too few; each is a call of its own, so not too many.
    fn chunk(&self) -> usize {
        100
    }

    async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        let accounts = targets.iter().map(|target| target.account_id.as_str()).collect();
        let there = self.there(&accounts).await?;
        let ids = targets
            .iter()
            .map(|target| Some(&target.handle).filter(|id| there.contains(id.expose())))
            .collect();
        self.end_each(ids).await
    }
}

#[async_trait]
impl EndAccount for Cas {
    /// CAS 7 does it by one call, which names no session id; 6.6 has none, nor has a name that can't stand in an address.
    async fn end_all_of(&self, account_id: &str) -> Result<Answer, ConnectorError> {
        if account_id.trim().is_empty() {
            return Err(nobody_named());
        }
        match self.api.delete_user(account_id).await {
            Ok(Some(answer)) => return Ok(answer),
            Ok(None) => {}
            Err(failed) if failed.nothing_asked() => return Err(failed.error),
            Err(_) => return Ok(Answer::NoAnswer),
        }
        let ids = self.of(account_id).await?;
        let answers = self.end_each(ids.iter().map(Some).collect()).await?;
        let worst = |answer: &&Answer| !matches!(answer, Answer::Accepted | Answer::NotFound);
        Ok(match answers.iter().find(worst) {
            Some(other) => other.clone(),
            None if answers.is_empty() => Answer::NotFound,
            None => Answer::Accepted,
        })
    }
}
