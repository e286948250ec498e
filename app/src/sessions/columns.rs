//! The columns of the sessions table.

use serde::{Deserialize, Serialize};

use super::query::SortKey;

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Column {
    /// Name and login.
    Person,
    /// Kind of sign-in.
    Kind,
    /// System and age.
    System,
    /// Last 4 characters of the id.
    Session,
    /// Address.
    Ip,
    /// Start.
    Started,
    /// Last activity.
    LastActivity,
    /// When idleness ends it.
    IdleEnds,
    /// When it ends at latest.
    EndsAtLatest,
    /// Browser and system.
    Client,
}

impl Column {
    /// Every column, in the default order.
    pub const ALL: [Column; 10] = [
        Column::Person,
        Column::Kind,
        Column::System,
        Column::Session,
        Column::Ip,
        Column::Started,
        Column::LastActivity,
        Column::IdleEnds,
        Column::EndsAtLatest,
        Column::Client,
    ];

    /// Stable name: addresses, preferences.
    pub const fn name(self) -> &'static str {
        match self {
            Column::Person => "person",
            Column::Kind => "kind",
            Column::System => "system",
            Column::Session => "session",
            Column::Ip => "ip",
            Column::Started => "started",
            Column::LastActivity => "last_activity",
            Column::IdleEnds => "idle_ends",
            Column::EndsAtLatest => "ends_at_latest",
            Column::Client => "client",
        }
    }

    /// The column of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == name)
    }

    /// Head of the column.
    pub const fn label(self) -> &'static str {
        match self {
            Column::Person => "Person",
            Column::Kind => "Kind",
            Column::System => "System",
            Column::Session => "Session",
            Column::Ip => "IP address",
            Column::Started => "Started",
            Column::LastActivity => "Last activity",
            Column::IdleEnds => "Idle ends",
            Column::EndsAtLatest => "Ends at latest",
            Column::Client => "Client",
        }
    }

    /// Person and System can't be hidden: a row without them can't be judged.
    pub const fn always(self) -> bool {
        matches!(self, Column::Person | Column::System)
    }

    /// The sort behind its head.
    pub const fn sort(self) -> SortKey {
        match self {
            Column::Person => SortKey::Person,
            Column::Kind => SortKey::Kind,
            Column::System => SortKey::System,
            Column::Session => SortKey::Session,
            Column::Ip => SortKey::Ip,
            Column::Started => SortKey::Started,
            Column::LastActivity => SortKey::LastActivity,
            Column::IdleEnds => SortKey::IdleEnds,
            Column::EndsAtLatest => SortKey::EndsAtLatest,
            Column::Client => SortKey::Client,
        }
    }

    /// The columns of a list of names ("person,system,ip"): unknown ones dropped, Person and System put back in.
    pub fn parse_list(text: &str) -> Vec<Column> {
        let mut columns: Vec<Column> = Vec::new();
        for column in text.split(',').filter_map(|name| Column::from_name(name.trim())) {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        for (at, column) in [(0, Column::Person), (1, Column::System)] {
            if !columns.contains(&column) {
                columns.insert(at.min(columns.len()), column);
            }
        }
        columns
    }

    /// The opposite of [`Column::parse_list`].
    pub fn write_list(columns: &[Column]) -> String {
        columns.iter().map(|c| c.name()).collect::<Vec<_>>().join(",")
    }
}
