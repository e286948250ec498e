//! What kind of Tableau Server is imitated: release, limits, how its session ids look.

use serde::{Deserialize, Serialize};

use super::release::Release;

/// What kind of server it is.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Which release.
    pub release: Release,
    /// Tableau Cloud: lists no sites, deletes no session, has no repository.
    pub cloud: bool,
    /// A session ends so long after its last use, minutes.
    pub idle_min: i64,
    /// A session ends so long after its beginning, minutes; none = the limit is not applied.
    pub lifetime_min: Option<i64>,
    /// Ended by a limit, a session's row stays in the table so much longer, seconds.
    pub kept_s: i64,
    /// How the ids of new sessions look.
    pub ids: IdShape,
    /// A personal access token may sign in as somebody else (2021.1 and later).
    pub pat_impersonation: bool,
    /// Where chance starts.
    pub seed: u64,
}

impl Shape {
    /// A server of that release as it is delivered.
    pub fn of(release: Release) -> Self {
        let protected = release.is_since(10, 1);
        Self {
            release,
            cloud: false,
            idle_min: 240,
            lifetime_min: None,
            kept_s: 0,
            ids: if protected {
                IdShape::Protected
            } else {
                IdShape::Legacy
            },
            pat_impersonation: false,
            seed: 6,
        }
    }

    /// Tableau Cloud, of the newest release.
    pub fn cloud() -> Option<Self> {
        Some(Self {
            cloud: true,
            idle_min: 120,
            ..Self::of(Release::named("2025.3")?)
        })
    }
}

/// How the table's `session_id` and the token go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdShape {
    /// Token of three parts; the table shows the first and hashes the second.
    Protected,
    /// The same without the third part.
    TwoParts,
    /// The table shows the token: `features.ProtectVizPortalSessionIds` is off, or the release is old.
    Legacy,
    /// An id of no known shape, and no hash to tell by.
    Unknown,
}

/// What DELETE knows a session by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeleteTakes {
    /// `sessions.session_id`.
    #[default]
    SessionId,
    /// `sessions.id`.
    RowId,
    /// The whole token.
    Token,
}
