//! What others are told of: events, written in the transaction of what they tell of.
//!
//! A room calls [`put`] last but for the audit and the change topics; the webhooks room delivers what stands here. An
//! event holds no session ids, no secrets and no reasons (people write names into them). The text of a notice was written
//! for everybody it goes to.

use app::wire::Timestamp;

use crate::db::Conn;
use crate::error::Error;
use crate::on;

/// Makes the closed vocabulary of events.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What an event tells of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $name,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$name,)*];

            /// Its word: settings, database, payload.
            pub const fn word(self) -> &'static str {
                match self { $(Kind::$name => $word,)* }
            }
        }
    };
}

kinds! {
    /// An ending has an outcome for every session.
    EndingSettled = "ending.settled";
    /// An ending waits for a second person.
    ApprovalRequested = "approval.requested";
    /// An ending went on without a second person: somebody is to review it.
    ApprovalOverridden = "approval.overridden";
    /// A person was told of something about their own account.
    AccountNotice = "account.notice";
    /// People are to be told that sessions of theirs will end.
    PeopleNotice = "people.notice";
    /// They will not: it was stopped before it began.
    PeopleNoticeWithdrawn = "people.notice_withdrawn";
    /// Audit entries wait longer for their copy than the settings allow.
    AuditCopyStalled = "audit_copy.stalled";
    /// They are copied again.
    AuditCopyResumed = "audit_copy.resumed";
}

/// Something to tell.
#[derive(Clone, Debug)]
pub struct Event {
    /// What.
    pub kind: Kind,
    /// Facts of that kind (docs/webhooks.md).
    pub data: serde_json::Map<String, serde_json::Value>,
    /// Page of this portal that shows more; receivers get it as a whole address.
    pub path: String,
}

impl Event {
    /// An event about what this page shows; facts are added by [`Event::fact`].
    pub fn new(kind: Kind, path: impl Into<String>) -> Self {
        Self {
            kind,
            data: serde_json::Map::new(),
            path: path.into(),
        }
    }

    /// One more fact: never a session id, a secret, or text a person wrote for somebody else.
    pub fn fact(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }
}

/// Puts an event into the outbox: it is told if this transaction commits, at least once, to every webhook that asks for it.
pub async fn put(conn: &mut Conn, event: &Event, now: Timestamp) -> Result<(), Error> {
    let data = serde_json::to_string(&event.data)?;
    on!(conn, c => {
        sqlx::query("INSERT INTO outbox (event_id, kind, data, path, created_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(crate::keys::new_id())
            .bind(event.kind.word())
            .bind(&data)
            .bind(&event.path)
            .bind(now.0)
            .execute(c)
            .await?;
    });
    Ok(())
}
