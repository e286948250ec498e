//! Jolokia 1.x and 2.x: JSON over POST, many questions in one request. Ids stay out of access logs.
//!
//! What a version says of itself is not relied on: an answer is told by its own `status` and kind of error.

use std::collections::BTreeMap;

use async_trait::async_trait;
use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::jmx::{Ask, Bean, Jmx, Reply, lost};
use super::names::ObjectName;
use crate::connectors::http::{CallError, Http, TooMuch};
use crate::connectors::{ConnectorError, ErrorKind};

/// Questions in one request.
const AT_ONCE: usize = 1_000;

/// The bridge on one node.
pub(super) struct Jolokia {
    pub http: Http,
    /// Name and password; `None` = it asks for none.
    pub identity: Option<(String, SecretString)>,
    /// Sent as `Origin`, for agents with strict checking.
    pub origin: Option<String>,
}

/// The answer to one question; the rest of what stands there is the question again.
#[derive(Deserialize)]
struct Item {
    status: u16,
    #[serde(default)]
    value: Value,
    #[serde(default)]
    error_type: Option<String>,
    #[serde(default)]
    error: Option<Value>,
}

impl Jolokia {
    async fn post(&self, operation: &'static str, body: &Value) -> Result<Vec<Item>, CallError> {
        let mut call = self.http.call_as_written(operation, Method::POST).json(body);
        if let Some((user, password)) = &self.identity {
            call = call.basic(user, password);
        }
        if let Some(origin) = &self.origin {
            call = call.header("origin", origin);
        }
        let answered = call.send().await?;
        let items = if answered.status == 404 {
            Err(ConnectorError::new(
                ErrorKind::Protocol,
                "There is no Jolokia at this address (404).",
            ))
        } else if body.is_array() {
            // Where the app's own code fails, 1.x gives up on all questions and answers with that one failure.
            answered
                .json()
                .or_else(|error| answered.json().map(|item| vec![item]).map_err(|_| error))
        } else {
            answered.json().map(|item| vec![item])
        };
        items.map_err(CallError::arrived)
    }

    async fn one(&self, operation: &'static str, body: &Value) -> Result<Item, ConnectorError> {
        let mut items = self.post(operation, body).await?;
        items.pop().ok_or_else(not_its_answer)
    }

    /// Asks some questions by one request; by more where the answer would be too long, or where one of them spoils the
    /// others. All may be asked twice: ending what is ended changes nothing.
    async fn ask_some(&self, asks: &[Ask<'_>], alone: bool) -> Result<Vec<Reply>, ConnectorError> {
        let body: Vec<Value> = asks
            .iter()
            .map(|ask| {
                json!({
                    "type": "exec",
                    "mbean": ask.bean,
                    "operation": ask.op.name(),
                    "arguments": ask.arguments().collect::<Vec<_>>(),
                })
            })
            .collect();
        let operation = asks.first().map_or("ask", |ask| ask.op.name());
        match self.post(operation, &Value::Array(body)).await {
            Ok(items) if items.len() == asks.len() => Ok(items.into_iter().map(reply).collect()),
            Ok(items) if items.len() == 1 => self.ask_halves(asks).await,
            // Part of it may have been carried out: only a list can tell.
            Ok(_) => Ok(vec![Reply::Lost(not_its_answer()); asks.len()]),
            Err(failed) if failed.too_much == Some(TooMuch::Long) && asks.len() > 1 => {
                self.ask_halves(asks).await
            }
            Err(failed) => Ok(vec![lost(failed, alone)?; asks.len()]),
        }
    }

    async fn ask_halves(&self, asks: &[Ask<'_>]) -> Result<Vec<Reply>, ConnectorError> {
        let (left, right) = asks.split_at(asks.len() / 2);
        let mut replies = Box::pin(self.ask_some(left, false)).await?;
        replies.extend(Box::pin(self.ask_some(right, false)).await?);
        Ok(replies)
    }
}

#[async_trait]
impl Jmx for Jolokia {
    async fn beans(&self, pattern: &str, attributes: &[&str]) -> Result<Vec<Bean>, ConnectorError> {
        let body = json!({"type": "read", "mbean": pattern, "attribute": attributes});
        let item = self.one("beans", &body).await?;
        match (item.status, item.value) {
            (200, Value::Object(found)) => Ok(found
                .into_iter()
                .filter_map(|(name, values)| {
                    let values = match values {
                        Value::Object(values) => values,
                        _ => return None,
                    };
                    Some(Bean {
                        name: ObjectName::parse(&name)?,
                        attributes: values
                            .into_iter()
                            .filter_map(|(key, value)| Some((key, text(value)?)))
                            .collect::<BTreeMap<_, _>>(),
                    })
                })
                .collect()),
            // It knows of no MBean of that pattern.
            (404, _) => Ok(Vec::new()),
            (403, _) => Err(ConnectorError::new(
                ErrorKind::Forbidden,
                "Jolokia\u{2019}s policy does not let Curfew read the session managers.",
            )),
            _ => Err(not_its_answer()),
        }
    }

    async fn ask(&self, asks: &[Ask<'_>]) -> Result<Vec<Reply>, ConnectorError> {
        let mut replies = Vec::with_capacity(asks.len());
        for some in asks.chunks(AT_ONCE) {
            let alone = replies.is_empty();
            replies.extend(self.ask_some(some, alone).await?);
        }
        Ok(replies)
    }

    async fn introduce(&self) -> Result<String, ConnectorError> {
        let item = self.one("version", &json!({"type": "version"})).await?;
        match item.value.get("agent").and_then(Value::as_str) {
            Some(agent) if item.status == 200 && agent.len() < 40 => Ok(format!("Jolokia {agent}")),
            _ => Err(not_its_answer()),
        }
    }
}

fn not_its_answer() -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Protocol,
        "It answered with something that is not Jolokia\u{2019}s.",
    )
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

fn reply(item: Item) -> Reply {
    let error = || {
        let words = item.error.as_ref().and_then(Value::as_str).unwrap_or_default();
        format!("{} {words}", item.error_type.as_deref().unwrap_or_default())
    };
    match item.status {
        200 => text(item.value).map_or(Reply::Nothing, Reply::Value),
        403 => Reply::Forbidden,
        404 => Reply::NoBean,
        // 1.x and 2.0 say 400, later ones 500.
        _ if error().contains("NoSuchMethodException") || error().contains("No operation ") => {
            Reply::NoOperation
        }
        _ => Reply::Threw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Reply {
        reply(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn answers_of_every_version_are_told_by_themselves() {
        assert_eq!(
            read(r#"{"request":{},"value":1795281370813,"timestamp":1,"status":200}"#),
            Reply::Value("1795281370813".to_owned())
        );
        assert_eq!(read(r#"{"value":null,"status":200}"#), Reply::Nothing);
        assert_eq!(
            read(r#"{"value":"a\/b","status":200}"#),
            Reply::Value("a/b".to_owned())
        );
        assert_eq!(
            read(
                r#"{"status":400,"error_type":"java.lang.IllegalArgumentException","error":"java.lang.IllegalArgumentException : No operation nosuch found on MBean x"}"#
            ),
            Reply::NoOperation
        );
        assert_eq!(
            read(
                r#"{"status":500,"error_type":"java.lang.NoSuchMethodException","error":"nosuch",".error":true}"#
            ),
            Reply::NoOperation
        );
        assert_eq!(
            read(r#"{"status":404,"error_type":"javax.management.InstanceNotFoundException"}"#),
            Reply::NoBean
        );
        assert_eq!(
            read(r#"{"status":403,"error":"Operation forbidden"}"#),
            Reply::Forbidden
        );
        assert_eq!(
            read(r#"{"status":500,"error_type":"javax.management.RuntimeOperationsException"}"#),
            Reply::Threw
        );
    }
}
