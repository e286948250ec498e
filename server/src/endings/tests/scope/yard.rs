//! Systems that live in memory: they list and end at no cost, and note whom they were asked to end.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use app::sessions::wire::SessionKind;
use app::wire::Timestamp;
use async_trait::async_trait;

use crate::connectors::{
    Answer, Completeness, Connector, ConnectorError, EndEffect, EndSessions, Handle, ListSessions,
    SeenSession, Sink, Target, Wanted,
};

/// A sign-in in a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Tells sign-ins apart whatever id they have: a rotation keeps it, somebody else's sign-in never has it.
    pub number: usize,
    /// Whose.
    pub account: String,
    pub site: String,
    /// The system says OK and keeps it: it is asked again.
    pub stays: bool,
}

impl SignIn {
    /// Its start: no two have the same, nor one near another's.
    fn start(&self) -> Timestamp {
        Timestamp(1_700_000_000_000).plus_seconds(i64::try_from(self.number).unwrap() * 10)
    }
}

/// What happens in a system on its own.
#[derive(Clone, Debug)]
pub enum Turn {
    /// A sign-in goes on under another id.
    Rotate { from: String, to: String },
    /// Another one takes its place under the same id.
    Replace { id: String, by: SignIn },
    /// It ends.
    Close { id: String },
}

/// One system's sessions by raw id.
#[derive(Default)]
pub struct Yard(Mutex<Inside>);

#[derive(Default)]
struct Inside {
    sessions: BTreeMap<String, SignIn>,
    /// What happens when it is read next, before it answers.
    due: Vec<Turn>,
    asked: Vec<SignIn>,
}

impl Inside {
    fn take(&mut self, turn: Turn) {
        match turn {
            Turn::Rotate { from, to } => {
                if let Some(session) = self.sessions.remove(&from) {
                    self.sessions.insert(to, session);
                }
            }
            Turn::Replace { id, by } => {
                if let Some(session) = self.sessions.get_mut(&id) {
                    *session = by;
                }
            }
            Turn::Close { id } => {
                self.sessions.remove(&id);
            }
        }
    }
}

impl Yard {
    fn inside<T>(&self, look: impl FnOnce(&mut Inside) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    pub fn open(&self, id: &str, session: SignIn) {
        self.inside(|i| i.sessions.insert(id.to_owned(), session));
    }

    /// Lets it happen now, or when the system is read next.
    pub fn turn(&self, turn: Turn, late: bool) {
        self.inside(|i| if late { i.due.push(turn) } else { i.take(turn) });
    }

    /// Everything in it, by raw id.
    pub fn all(&self) -> Vec<(String, SignIn)> {
        self.inside(|i| i.sessions.iter().map(|(id, s)| (id.clone(), s.clone())).collect())
    }

    /// Whom it was asked to end since the last time.
    pub fn take_asked(&self) -> Vec<SignIn> {
        self.inside(|i| std::mem::take(&mut i.asked))
    }

    pub fn clear(&self) {
        self.inside(|i| *i = Inside::default());
    }
}

/// The connector of a yard.
pub struct InMemory(pub Arc<Yard>);

impl Connector for InMemory {
    fn effect(&self) -> EndEffect {
        EndEffect {
            takes_effect: "At once".to_owned(),
            survives: String::new(),
            residual: None,
            not_listed: Vec::new(),
            before_you_end: String::new(),
        }
    }
    fn list(&self) -> Option<&dyn ListSessions> {
        Some(self)
    }
    fn end(&self) -> Option<&dyn EndSessions> {
        Some(self)
    }
}

#[async_trait]
impl ListSessions for InMemory {
    async fn list(&self, wanted: Wanted<'_>, sink: &Sink) -> Result<Completeness, ConnectorError> {
        let seen = self.0.inside(|inside| {
            for turn in std::mem::take(&mut inside.due) {
                inside.take(turn);
            }
            let wanted = inside.sessions.iter().filter(|(_, s)| match wanted {
                Wanted::All => true,
                Wanted::Accounts(accounts) => accounts.contains(&s.account),
            });
            wanted
                .map(|(id, s)| SeenSession {
                    account_id: s.account.clone(),
                    account_name: s.account.clone(),
                    site: s.site.clone(),
                    created_at: Some(s.start()),
                    ..SeenSession::new(Handle::new(id.clone()), SessionKind::Web)
                })
                .collect()
        });
        sink.push(seen).await?;
        Ok(Completeness::Complete)
    }

    fn narrows(&self) -> bool {
        true
    }
}

#[async_trait]
impl EndSessions for InMemory {
    async fn end(&self, targets: &[Target]) -> Result<Vec<Answer>, ConnectorError> {
        Ok(self.0.inside(|inside| {
            let mut answers = Vec::new();
            for target in targets {
                let id = target.handle.expose();
                let Some(session) = inside.sessions.get(id).cloned() else {
                    answers.push(Answer::NotFound);
                    continue;
                };
                if !session.stays {
                    inside.sessions.remove(id);
                }
                inside.asked.push(session);
                answers.push(Answer::Accepted);
            }
            answers
        }))
    }
}
