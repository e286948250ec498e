//! Plain types every feature shares: ids, moments, pages. Serde and std only.

use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `seconds` later (or earlier, when negative).
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// The moment `ms` milliseconds later (or earlier, when negative).
    pub const fn plus_ms(self, ms: i64) -> Self {
        Self(self.0.saturating_add(ms))
    }

    /// Milliseconds from `earlier` to `self`; negative when `earlier` is later.
    pub const fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// Makes an id a type of its own: opaque text, never parsed.
macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub String);

        impl $name {
            /// The id as text, for an address, a form field or a database parameter.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    )*};
}

text_id! {
    /// A connected system: the key of its settings entry, `[a-z0-9_-]{1,40}`.
    SystemId;
    /// A session as Curfew names it: keyed hash of system, place, kind and raw handle. Opens nothing anywhere.
    SessionKey;
    /// A preview or ending, for addresses of previews and for events.
    EndingId;
    /// A server-kept selection; only its own operator can use it.
    SelectionId;
    /// A person who signs in to the portal.
    OperatorId;
    /// The public name of one of the portal's own sessions.
    PortalSessionId;
    /// A role.
    RoleId;
    /// A grant.
    GrantId;
    /// An entry of the protected list.
    ProtectedId;
    /// A group of accounts, filled by import.
    GroupId;
    /// Something a person is told about their own account.
    NoticeId;
    /// An API token, never its secret.
    TokenId;
    /// A saved view of the list.
    ViewId;
    /// A person above accounts.
    SubjectId;
    /// An account of a system, as Curfew names it.
    AccountKey;
}

/// Which way a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Smallest, oldest, A first.
    Ascending,
    /// Largest, newest, Z first.
    #[default]
    Descending,
}

/// How many there are, as far as was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// Counted to the end.
    Exactly(u64),
    /// Counting stopped here: there are more ("10,000+").
    MoreThan(u64),
}

impl Count {
    /// The number counted so far.
    pub const fn at_least(self) -> u64 {
        match self {
            Count::Exactly(n) | Count::MoreThan(n) => n,
        }
    }
}

/// A limit of a session, or what is known of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Nobody told us. Never shown as zero or as "none".
    #[default]
    Unknown,
    /// The system says there is none.
    None,
    /// Seconds.
    Seconds(i64),
}

/// What became of a form that changed something: where to go, and one sentence to show there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What happened, in one plain sentence.
    pub message: String,
}
