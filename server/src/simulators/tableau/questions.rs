//! The statements that Curfew reads a repository with, as the simulated one understands them; all others are refused.

use super::release::Release;

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Begins a transaction.
    Begin,
    /// Ends it.
    Commit,
    /// Which columns there are of the tables in $1, and whether this is a copy.
    Columns,
    /// Opens the cursor over sessions, $1 of them at most; narrow = of the people in $2 and the external users in $3.
    Open { narrow: bool },
    /// The next rows of the cursor.
    Fetch(usize),
    /// Which of the ids in $1 are listed.
    Listed,
    /// What the base table says of the ids in $1.
    Details,
}

/// Why a statement is refused, as PostgreSQL's SQLSTATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub &'static str);

/// Not supported.
const UNSUPPORTED: Refusal = Refusal("0A000");
/// No such column.
const NO_COLUMN: Refusal = Refusal("42703");

const COLUMNS: &str = "SELECT table_name::text, column_name::text, pg_is_in_recovery() FROM \
                       information_schema.columns WHERE table_schema = 'public' AND table_name = ANY($1)";
const LISTED: &str = "SELECT session_id FROM _sessions WHERE session_id = ANY($1)";
const OPEN: &str = "DECLARE curfew_sessions NO SCROLL CURSOR FOR SELECT ";
const DETAILS: (&str, &str) = (
    "SELECT b.session_id, ",
    " FROM sessions b WHERE b.session_id = ANY($1)",
);
const FETCH: (&str, &str) = ("FETCH FORWARD ", " FROM curfew_sessions");

/// What the cursor gives, in order.
pub(super) const GIVEN: [&str; 14] = [
    "session_id",
    "updated_at",
    "user_name",
    "system_user_id",
    "created_at",
    "external_user_id",
    "hashed",
    "site_name",
    "url_namespace",
    "friendly_name",
    "email",
    "domain_name",
    "started_by",
    "started_by_domain",
];

impl Question {
    /// What a statement asks of a release.
    pub(super) fn read(sql: &str, release: Release) -> Result<Self, Refusal> {
        let between = |(start, end): (&str, &str)| sql.strip_prefix(start)?.strip_suffix(end);
        match sql {
            "BEGIN READ ONLY" => return Ok(Self::Begin),
            "COMMIT" => return Ok(Self::Commit),
            COLUMNS => return Ok(Self::Columns),
            LISTED => return Ok(Self::Listed),
            _ => {}
        }
        if let Some(rows) = between(FETCH) {
            return rows.parse().map(Self::Fetch).map_err(|_| UNSUPPORTED);
        }
        let question = if between(DETAILS).is_some() {
            Self::Details
        } else {
            let list = sql.strip_prefix(OPEN).and_then(|rest| rest.split_once(" FROM ("));
            let (list, rest) = list.ok_or(UNSUPPORTED)?;
            if names(list) != GIVEN {
                return Err(UNSUPPORTED);
            }
            Self::Open {
                narrow: rest.contains("$2"),
            }
        };
        // The views are the same in every release; the base table is not.
        let known = columns(release);
        let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.');
        let base = sql.split(word).filter_map(|word| word.strip_prefix("b."));
        for column in base {
            if !known.contains(&("sessions", column)) {
                return Err(NO_COLUMN);
            }
        }
        Ok(question)
    }
}

/// What the columns of a select list are called.
fn names(list: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let columns = list.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    columns
        .map(|column| {
            let last = column.trim().rsplit([' ', '.']).next();
            last.unwrap_or_default()
        })
        .collect()
}

/// The columns a release has of what Curfew looks at: table and column.
pub(super) fn columns(release: Release) -> Vec<(&'static str, &'static str)> {
    let views = [
        (
            "_sessions",
            "session_id updated_at user_id user_name system_user_id site_id",
        ),
        ("_sites", "id name url_namespace status"),
        (
            "_system_users",
            "id name email friendly_name custom_display_name admin_level domain_name domain_short_name domain_family",
        ),
        (
            "_users",
            "id name login_at friendly_name licensing_role_id licensing_role_name domain_id system_user_id domain_name \
             domain_short_name site_id",
        ),
        (
            "sessions",
            "id session_id updated_at user_id shared_wg_write shared_vizql_write site_id created_at lock_version salt \
             hashed_secret",
        ),
    ];
    let of = |(table, columns): (&'static str, &'static str)| {
        let columns = columns.split_ascii_whitespace();
        columns.map(move |column| (table, column))
    };
    let mut all: Vec<_> = views.into_iter().flat_map(of).collect();
    let later = [
        ("data", !release.is_since(2023, 1)),
        ("oauth_state", release.is_since(2020, 3)),
        ("initiating_user_id", release.is_since(2020, 4)),
        ("external_user_id", release.is_since(2023, 3)),
    ];
    let there = later.into_iter().filter(|(_, there)| *there);
    all.extend(there.map(|(column, _)| ("sessions", column)));
    all
}
