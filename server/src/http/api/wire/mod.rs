//! The API's own contract: what goes in and out, apart from what pages and server exchange, so that pages can change
//! without breaking a program. Moments are RFC 3339 in UTC; a field that may be unknown is null, never missing.

use app::civil::rfc3339;
use app::wire::{Count, Limit, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

pub mod endings;
pub mod previews;
pub mod report;
pub mod sessions;
pub mod subjects;
pub mod systems;

/// A moment, RFC 3339 in UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = DateTime, example = "2026-11-22T11:35:00.000Z")]
pub struct Moment(pub String);

impl From<Timestamp> for Moment {
    fn from(at: Timestamp) -> Self {
        Moment(rfc3339(at))
    }
}

/// A moment that may not be known.
pub(super) fn moment(at: Option<Timestamp>) -> Option<Moment> {
    at.map(Moment::from)
}

/// A part of a body that is left out where it is not meant: null would be somebody's empty variable.
pub(super) fn not_null<'de, T, D>(value: D) -> Result<Option<T>, D::Error>
where
    T: Deserialize<'de>,
    D: Deserializer<'de>,
{
    T::deserialize(value).map(Some)
}

/// How many there are, as far as was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Counted {
    /// The number.
    pub value: u64,
    /// False: counting stopped there, there are more.
    pub exact: bool,
}

impl From<Count> for Counted {
    fn from(count: Count) -> Self {
        Counted {
            value: count.at_least(),
            exact: matches!(count, Count::Exactly(_)),
        }
    }
}

/// A limit of sessions, or what is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TimeLimit {
    /// False: nobody told us whether there is one.
    pub known: bool,
    /// Its length; null while known = there is none.
    pub seconds: Option<i64>,
}

impl From<Limit> for TimeLimit {
    fn from(limit: Limit) -> Self {
        match limit {
            Limit::Unknown => TimeLimit {
                known: false,
                seconds: None,
            },
            Limit::None => TimeLimit {
                known: true,
                seconds: None,
            },
            Limit::Seconds(seconds) => TimeLimit {
                known: true,
                seconds: Some(seconds),
            },
        }
    }
}

/// Makes closed vocabularies with the words of ours.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident of $ours:ty { $($variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant,)* }

        impl From<$ours> for $name {
            fn from(word: $ours) -> Self {
                type Ours = $ours;
                match word { $(Ours::$variant => $name::$variant,)* }
            }
        }

        impl $name {
            /// The word, as it stands in JSON.
            pub fn ours(self) -> $ours {
                type Ours = $ours;
                match self { $($name::$variant => Ours::$variant,)* }
            }
        }
    )*};
}

words! {
    /// What kind of sign-in a session is.
    SessionKind of app::sessions::wire::SessionKind {
        Sso, Offline, Leg, Web, Mobile, Embedded, Portal, Guest, Other,
    }
    /// Whether a session is there: listed, ended by Curfew and read back, or not listed any more.
    SessionState of app::sessions::wire::SessionState { Live, Ended, Vanished, }
    /// What became of one session; made only from reading the system again.
    Outcome of app::endings::wire::Outcome {
        Ended, AlreadyGone, Rotated, StillThere, Refused, Unsupported, Unknown, Stopped,
    }
    /// Where an ending stands. `paused` waits for a person; `cancelled` was stopped by one.
    EndingState of app::endings::wire::EndingState {
        Draft, Waiting, Running, Paused, Settled, Cancelled,
    }
    /// How much the rows of a system can be trusted now.
    Health of app::systems::wire::Health { Live, Stale, Failed, Off, }
    /// How an audited act went.
    AuditResult of app::audit::wire::AuditResult { Ok, Refused, Failed, Unknown, }
    /// Where a limit is known from.
    LimitSource of app::policies::wire::LimitSource { Read, Typed, Imported, SetHere, Seen, Unknown, }
    /// Where a single setting is known from. `default` is what is documented to hold where nothing is set: nobody read it.
    SettingSource of app::policies::wire::SettingSource { Read, Typed, Imported, Default, Unknown, }
}
