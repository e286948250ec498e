//! The columns of the sessions table.

use serde::{Deserialize, Serialize};

use super::query::{SessionQuery, SortKey};

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

    /// The filters that are about what this column shows, by the name of their parameter.
    pub const fn filters(self) -> &'static [&'static str] {
        match self {
            Column::Person => &["person"],
            Column::Kind => &["kind"],
            Column::System => &["system", "site"],
            Column::Session => &["session", "key"],
            Column::Ip => &["ip"],
            Column::Started => &["started"],
            Column::LastActivity => &["active"],
            Column::IdleEnds => &["idle_ends", "never_idle"],
            Column::EndsAtLatest => &["ends"],
            Column::Client => &["browser", "os"],
        }
    }

    /// What a list is filtered or sorted by though these columns do not show it, in words; `None` = nothing.
    pub fn hidden_but_used(shown: &[Column], query: &SessionQuery) -> Option<String> {
        let filters = query.filter_pairs();
        let mut words = Vec::new();
        for column in Self::ALL.into_iter().filter(|column| !shown.contains(column)) {
            let filtered = column
                .filters()
                .iter()
                .any(|name| filters.iter().any(|(filter, _)| filter == name));
            if filtered {
                words.push(format!("filtered by {}", column.label()));
            }
            if query.sort == column.sort() {
                words.push(format!("sorted by {}", column.label()));
            }
        }
        let (first, rest) = words.split_first()?;
        let all = rest
            .iter()
            .fold(first.clone(), |all, words| format!("{all} and {words}"));
        let which = match rest.is_empty() {
            true => "a hidden column",
            false => "hidden columns",
        };
        Some(format!("This list is {all}, {which}."))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::paths::parse_query;

    #[test]
    fn domo_p13_a_hidden_column_that_shapes_the_list_is_named() {
        let of = |text: &str, shown: &[Column]| {
            let (query, problems) = SessionQuery::from_pairs(&parse_query(text), 0);
            assert!(problems.is_empty(), "{text}");
            Column::hidden_but_used(shown, &query)
        };
        let few = [Column::Person, Column::System, Column::LastActivity];
        assert_eq!(of("", &few), None);
        assert_eq!(of("ip=10.0.0.0/8", &Column::ALL), None);
        assert_eq!(
            of("ip=10.0.0.0/8", &few).as_deref(),
            Some("This list is filtered by IP address, a hidden column.")
        );
        assert_eq!(
            of("os=Linux&kind=web&sort=client&q=ann", &few).as_deref(),
            Some(
                "This list is filtered by Kind and filtered by Client and sorted by Client, hidden columns."
            )
        );
        for (name, _) in of_every_filter() {
            let known = Column::ALL.into_iter().any(|c| c.filters().contains(&name));
            let of_no_column = ["q", "state", "past", "over", "earlier"].contains(&name);
            assert!(known || of_no_column, "{name} belongs to no column");
        }
    }

    /// One of each filter.
    fn of_every_filter() -> Vec<(&'static str, String)> {
        let text = "q=a&system=kc&kind=web&state=ended&site=s&person=p&session=7f3a&browser=Fx&os=Linux&ip=10.0.0.7\
                    &started=8h&started.op=older&active=8h&active.op=within&idle_ends=1h&idle_ends.op=within\
                    &ends=1h&ends.op=within&past=1,2&over=1&never_idle=1&earlier=1&key=k";
        let (query, _) = SessionQuery::from_pairs(&parse_query(text), 0);
        let pairs = query.filter_pairs();
        pairs
            .into_iter()
            .filter(|(name, _)| !name.ends_with(".op"))
            .collect()
    }
}
