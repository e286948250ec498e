//! Saved views: lists kept under a name.

use serde::{Deserialize, Serialize};

use crate::wire::{Count, RoleId, Timestamp, ViewId};

/// A saved view as its reader finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedView {
    /// Its id.
    pub view_id: ViewId,
    /// Its name.
    pub name: String,
    /// Canonical query string of its list, without page and selection.
    pub query: String,
    /// The reader made it.
    pub own: bool,
    /// Who made it.
    pub owner_name: String,
    /// Who else finds it: everybody who holds this role, by id and name.
    pub shared_with: Option<(RoleId, String)>,
    /// The reader starts here.
    pub start: bool,
}

/// What a reader finds: own views and those shared with a role they hold, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Views {
    /// The views.
    pub views: Vec<SavedView>,
    /// Roles the reader may share with, by id and name.
    pub roles: Vec<(RoleId, String)>,
}

/// The page of saved views: each with how many sessions it means for this reader now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewsPage {
    /// The server's clock.
    pub now: Timestamp,
    /// The views.
    pub views: Views,
    /// Beside each view: sessions that match, in the reader's scope; `None` = the reader may not ask that.
    pub counts: Vec<Option<Count>>,
}

/// A view as its form sends it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ViewEdit {
    /// Name.
    pub name: String,
    /// Shared with this role; `None` = one's own.
    pub role: Option<RoleId>,
}
