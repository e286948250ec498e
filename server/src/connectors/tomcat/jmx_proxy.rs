//! The JMX proxy of Tomcat's Manager app: plain text, one request per question.
//!
//! HTTP 200 means nothing here: the first line decides (`OK - …` or `Error - …`). Wire facts: docs/systems/tomcat.md.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use reqwest::Method;
use secrecy::SecretString;

use super::jmx::{Ask, Bean, Jmx, Reply, lost};
use super::names::ObjectName;
use crate::connectors::http::{CallError, Http, in_order};
use crate::connectors::{ConnectorError, ErrorKind};

/// The bridge on one node.
pub(super) struct JmxProxy {
    pub http: Http,
    pub user: String,
    pub password: SecretString,
    /// Requests at the same time.
    pub connections: usize,
}

impl JmxProxy {
    async fn get(&self, operation: &'static str, pairs: &[(&str, &str)]) -> Result<String, CallError> {
        let call = self
            .http
            .call(operation, Method::GET, &["jmxproxy"])
            .query(pairs)
            .header("accept", "text/plain")
            .basic(&self.user, &self.password);
        let answered = call.send().await?;
        let text = if answered.status == 404 {
            Err(ConnectorError::new(
                ErrorKind::Protocol,
                "There is no JMX proxy at this address (404): is the Manager app deployed there?",
            ))
        } else {
            answered.text().map(str::to_owned)
        };
        text.map_err(CallError::arrived)
    }

    async fn invoke(&self, ask: &Ask<'_>) -> Result<Reply, CallError> {
        let arguments: Vec<&str> = ask.arguments().collect();
        // They are split at every comma over there, and no escape exists.
        if arguments.iter().any(|a| a.contains(',') || a.is_empty()) {
            return Ok(Reply::Nothing);
        }
        let list = arguments.join(",");
        let mut pairs = vec![("invoke", ask.bean), ("op", ask.op.name())];
        // `ps=` would be one empty argument.
        if !arguments.is_empty() {
            pairs.push(("ps", &list));
        }
        let text = match self.get(ask.op.name(), &pairs).await {
            // A connection that broke: every question here may be asked twice.
            Err(failed) if failed.error.kind == ErrorKind::Unreachable && failed.too_much.is_none() => {
                self.get(ask.op.name(), &pairs).await?
            }
            other => other?,
        };
        returned(&text).map_err(CallError::arrived)
    }

    /// Invokes one unless another was turned away meanwhile.
    async fn unless(&self, turned_away: &AtomicBool, ask: &Ask<'_>) -> Result<Reply, ConnectorError> {
        if turned_away.load(Ordering::Relaxed) {
            return Ok(Reply::Lost(ConnectorError::stopped()));
        }
        let reply = self.invoke(ask).await.or_else(|failed| lost(failed, false));
        reply.inspect_err(|_| turned_away.store(true, Ordering::Relaxed))
    }
}

#[async_trait]
impl Jmx for JmxProxy {
    async fn beans(&self, pattern: &str, attributes: &[&str]) -> Result<Vec<Bean>, ConnectorError> {
        let text = self.get("beans", &[("qry", pattern)]).await?;
        let mut beans = found(&text)?;
        for bean in &mut beans {
            bean.attributes
                .retain(|name, _| attributes.contains(&name.as_str()));
        }
        Ok(beans)
    }

    async fn ask(&self, asks: &[Ask<'_>]) -> Result<Vec<Reply>, ConnectorError> {
        let Some((first, others)) = asks.split_first() else {
            return Ok(Vec::new());
        };
        let mut replies = Vec::with_capacity(asks.len());
        // Alone: a password that is refused is tried once, not by every connection, which would lock the account.
        replies.push(match self.invoke(first).await {
            Ok(reply) => reply,
            Err(failed) => lost(failed, true)?,
        });
        // The first that is turned away ends it: none is sent after it.
        let turned_away = AtomicBool::new(false);
        let calls: Vec<_> = others.iter().map(|ask| self.unless(&turned_away, ask)).collect();
        for reply in in_order(calls, self.connections).await {
            replies.push(reply?);
        }
        Ok(replies)
    }

    async fn introduce(&self) -> Result<String, ConnectorError> {
        Ok("the JMX proxy of Tomcat\u{2019}s Manager app".to_owned())
    }
}

/// First line and the rest behind it.
fn head(text: &str) -> (&str, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    (first.trim_end_matches('\r'), rest)
}

fn not_its_words() -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Protocol,
        "It answered with something that is not the JMX proxy\u{2019}s.",
    )
}

/// What an `invoke` returned. The value may itself look like an answer: only the first line is read as one.
fn returned(text: &str) -> Result<Reply, ConnectorError> {
    let (first, rest) = head(text);
    if let Some(words) = first.strip_prefix("OK - ") {
        if words.ends_with(" without return value") {
            return Ok(Reply::Nothing);
        }
        if words.ends_with(" returned:") {
            let value = rest.strip_suffix('\n').unwrap_or(rest);
            return Ok(Reply::Value(value.strip_suffix('\r').unwrap_or(value).to_owned()));
        }
        return Err(not_its_words());
    }
    let Some(words) = first.strip_prefix("Error - ") else {
        return Err(not_its_words());
    };
    Ok(if words.contains("InstanceNotFoundException") {
        Reply::NoBean
    } else if words.contains("Cannot find operation") {
        Reply::NoOperation
    } else {
        Reply::Threw
    })
}

/// The MBeans of a `qry`. Long values come folded: a line that begins with a blank goes on with the one before.
fn found(text: &str) -> Result<Vec<Bean>, ConnectorError> {
    let (first, rest) = head(text);
    let expected: usize = first
        .strip_prefix("OK - Number of results: ")
        .and_then(|n| n.trim().parse().ok())
        .ok_or_else(not_its_words)?;
    let mut beans: Vec<Option<Bean>> = Vec::new();
    let mut last = String::new();
    for line in rest.lines() {
        let bean = beans.last_mut().and_then(Option::as_mut);
        if let Some(more) = line.strip_prefix(' ') {
            if let Some(value) = bean.and_then(|bean| bean.attributes.get_mut(&last)) {
                value.push_str(more);
            }
        } else if let Some(name) = line.strip_prefix("Name: ") {
            // A name that is none stands for itself in the count.
            beans.push(ObjectName::parse(name).map(|name| Bean {
                name,
                attributes: BTreeMap::new(),
            }));
        } else if let (Some((key, value)), Some(bean)) = (line.split_once(": "), bean) {
            last = key.to_owned();
            bean.attributes.insert(key.to_owned(), value.to_owned());
        }
    }
    if beans.len() != expected {
        return Err(not_its_words());
    }
    Ok(beans.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_decides_whatever_the_value_looks_like() {
        let value = |text: &str| returned(text).unwrap();
        assert_eq!(
            value(
                "OK - Operation getSessionAttribute returned:\nalice\nOK - Operation x without return value\n"
            ),
            Reply::Value("alice\nOK - Operation x without return value".to_owned())
        );
        assert_eq!(
            value("OK - Operation listSessionIds returned:\nAB CD \n"),
            Reply::Value("AB CD ".to_owned())
        );
        assert_eq!(
            value("OK - Operation expireSession without return value\n"),
            Reply::Nothing
        );
        assert_eq!(
            value("Error - javax.management.InstanceNotFoundException: Catalina:type=Manager\n\tat x\n"),
            Reply::NoBean
        );
        assert_eq!(
            value("Error - java.lang.IllegalArgumentException: Cannot find operation [x] with [0] arguments"),
            Reply::NoOperation
        );
        assert_eq!(
            value(
                "Error - javax.management.RuntimeOperationsException: Exception invoking method [expireSession]"
            ),
            Reply::Threw
        );
        for garbage in ["", "<html>", "OK", "OK - something else\n", "alice"] {
            assert!(returned(garbage).is_err(), "{garbage}");
        }
    }

    #[test]
    fn records_of_a_query_are_read_folded_or_not_and_counted() {
        let text = "OK - Number of results: 2\r\n\r\nName: Catalina:type=Manager,host=h,context=/x\r\n\
            className: org.apache.catalina.session.StandardManager\r\nactiveSessions: 2\r\nlong: a\\n\r\n b: c\r\n\r\n\
            Name: Catalina:type=Manager,host=h,context=/y\r\nactiveSessions: 0\r\n\r\n";
        let beans = found(text).unwrap();
        assert_eq!(beans.len(), 2);
        assert_eq!(beans[0].attributes["activeSessions"], "2");
        assert_eq!(beans[0].attributes["long"], "a\\nb: c");
        assert_eq!(beans[1].name.key("context"), Some("/y"));
        assert!(
            found(&text.replace("results: 2", "results: 3")).is_err(),
            "cut off"
        );
        assert!(found("Error - x").is_err());
        assert!(found("OK - Number of results: 0\n\n").unwrap().is_empty());
    }
}
