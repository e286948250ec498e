//! Asking Tableau to end sessions: by the administrator's method, or by a sign-out where the id is a token of old.

use std::collections::HashMap;

use async_trait::async_trait;

use super::repository::Detail;
use super::rest::{Asked, Rest, Token, Version};
use super::rows::{IdForm, form};
use super::{DeleteBy, Tableau};
use crate::connectors::http::{CallError, ask_each};
use crate::connectors::{Answer, ConnectorError, EndSessions, ErrorKind, Target};

/// One session to end, with what the repository says of it.
struct Wish<'t> {
    target: &'t Target,
    detail: Option<Detail>,
}

impl Tableau {
    /// What the repository says of the sessions for which that decides how they are ended.
    async fn details(&self, targets: &[Target]) -> Result<HashMap<String, Detail>, ConnectorError> {
        let ids: Vec<&str> = targets
            .iter()
            .map(|target| target.handle.expose())
            // A protected id of 32 letters and digits looks like one of old.
            .filter(|id| self.delete_by == DeleteBy::Id || form(id, None) == IdForm::Legacy)
            .collect();
        match &self.repository {
            Some(repository) if !ids.is_empty() => repository.details(&ids).await,
            _ => Ok(HashMap::new()),
        }
    }

    async fn end_one(
        &self,
        rest: &Rest,
        version: Version,
        token: &Token,
        wish: &Wish<'_>,
    ) -> Result<Answer, CallError> {
        let id = wish.target.handle.expose();
        if token.names().iter().any(|own| own == id) {
            return Ok(Answer::Refused(
                "It is Curfew\u{2019}s own sign-in there; nothing was asked.".to_owned(),
            ));
        }
        let hashed = wish.detail.and_then(|detail| detail.hashed);
        if matches!(form(id, hashed), IdForm::Whole | IdForm::Legacy) {
            return rest.sign_out(version, &Token::borrowed(id)).await;
        }
        let number = wish.detail.and_then(|detail| detail.number);
        let named = match (self.delete_by, number) {
            (DeleteBy::SessionId, _) => id.to_owned(),
            (DeleteBy::Id, Some(number)) => number.to_string(),
            // The table has no such session any more.
            (DeleteBy::Id, None) => return Ok(Answer::NotFound),
        };
        match rest.delete(version, token, &named).await? {
            Asked::Said(answer) => Ok(answer),
            Asked::OurTokenIsDead => {
                let renewed = rest.renewed(token).await;
                let (version, token) = renewed.map_err(CallError::arrived)?;
                match rest.delete(version, &token, &named).await? {
                    Asked::Said(answer) => Ok(answer),
                    Asked::OurTokenIsDead => Err(CallError::arrived(ConnectorError::new(
                        ErrorKind::Forbidden,
                        "Tableau does not accept the session it just gave to Curfew: does somebody else use the same \
                         access token?",
                    ))),
                }
            }
        }
    }
}

#[async_trait]
impl EndSessions for Tableau {
    async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        let Some(rest) = &self.rest else {
            return Err(ConnectorError::new(
                ErrorKind::Unsupported,
                "No url is set: without Tableau\u{2019}s REST API nothing can be ended.",
            ));
        };
        let (version, token) = rest.token().await?;
        let mut details = self.details(targets).await?;
        let wishes: Vec<Wish<'_>> = targets
            .iter()
            .map(|target| Wish {
                target,
                detail: details.remove(target.handle.expose()),
            })
            .collect();
        let asks: Vec<_> = wishes
            .iter()
            .map(|wish| self.end_one(rest, version, &token, wish))
            .collect();
        ask_each(asks, self.connections).await
    }
}
