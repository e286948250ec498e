//! What the bridges to JMX have in common: a closed list of questions and the answers to them.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::names::ObjectName;
use crate::connectors::http::CallError;
use crate::connectors::{ConnectorError, Handle};

/// What is asked of a session manager. Nothing else is: `set` and other operations reach all of the JVM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    ListSessionIds,
    ExpireSession,
    GetCreationTimestamp,
    GetLastAccessedTimestamp,
    /// As text, for managers of clusters, which have no timestamps.
    GetCreationTime,
    GetLastAccessedTime,
    GetSessionAttribute,
}

impl Op {
    /// Its name over there.
    pub const fn name(self) -> &'static str {
        match self {
            Op::ListSessionIds => "listSessionIds",
            Op::ExpireSession => "expireSession",
            Op::GetCreationTimestamp => "getCreationTimestamp",
            Op::GetLastAccessedTimestamp => "getLastAccessedTimestamp",
            Op::GetCreationTime => "getCreationTime",
            Op::GetLastAccessedTime => "getLastAccessedTime",
            Op::GetSessionAttribute => "getSessionAttribute",
        }
    }
}

/// One question.
#[derive(Clone, Copy)]
pub(super) struct Ask<'a> {
    /// The session manager, as its bridge wrote it.
    pub bean: &'a str,
    pub op: Op,
    /// The session it is about; `None` = the manager itself.
    pub session: Option<&'a Handle>,
    /// The attribute asked for.
    pub attribute: Option<&'a str>,
}

impl<'a> Ask<'a> {
    /// Arguments in order.
    pub fn arguments(&self) -> impl Iterator<Item = &'a str> {
        let session = self.session.map(Handle::expose);
        session.into_iter().chain(self.attribute)
    }
}

/// The answer to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// It was done, or the value is null.
    Nothing,
    /// A value; numbers as they are written.
    Value(String),
    /// There is no such MBean: the app was stopped or taken away.
    NoBean,
    /// The manager has no such operation.
    NoOperation,
    /// The bridge's policy does not allow it.
    Forbidden,
    /// The app's own code failed at it; it may have happened all the same.
    Threw,
    /// Asked, but no answer that can be read came back; why.
    Lost(ConnectorError),
}

/// An MBean with some of its attributes, as text; those that are null or missing are left out.
pub(super) struct Bean {
    pub name: ObjectName,
    pub attributes: BTreeMap<String, String>,
}

/// A bridge to JMX.
#[async_trait]
pub(super) trait Jmx: Send + Sync {
    /// MBeans of a pattern. One request: a refused identity is met here once, not by many requests at a time.
    async fn beans(&self, pattern: &str, attributes: &[&str]) -> Result<Vec<Bean>, ConnectorError>;

    /// One reply per question, in order. An error means that nothing was asked, or that our identity was refused.
    async fn ask(&self, asks: &[Ask<'_>]) -> Result<Vec<Reply>, ConnectorError>;

    /// How this bridge names itself, for people: "Jolokia 2.6.0".
    async fn introduce(&self) -> Result<String, ConnectorError>;
}

/// The reply where a call failed; `first` = nothing was asked before it. An error where nothing at all was asked.
pub(super) fn lost(failed: CallError, first: bool) -> Result<Reply, ConnectorError> {
    if failed.turned_away() || first && failed.nothing_asked() {
        Err(failed.error)
    } else {
        Ok(Reply::Lost(failed.error))
    }
}
