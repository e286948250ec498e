//! The statements Curfew reads the repository with, built from the columns that are there and from nothing else.
//!
//! The views `_…` are the same in every release since 2019.3; the table `sessions` changes, and only some users see it.

use std::collections::BTreeSet;

/// Tables and views that are looked at; nothing else of the repository is.
pub(super) const LOOKED_AT: [&str; 6] = [
    "_sessions",
    "_sites",
    "_system_users",
    "_users",
    "sessions",
    "sites",
];

/// What the table of sites may tell that shapes sessions.
pub(super) const OF_SITES: [&str; 9] = [
    "status",
    "guest_access_enabled",
    "unrestricted_embedding_enabled",
    "domain_allowlist",
    "allow_pat_creation",
    "allow_pat_group",
    "pat_absolute_expiry",
    "refresh_token_absolute_expiry",
    "max_service_token_limit_per_user",
];

/// Columns that exist and may be read: table and column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Columns(BTreeSet<(String, String)>);

impl Columns {
    /// The columns that are there: table and name.
    pub(super) fn of(columns: impl Iterator<Item = (String, String)>) -> Self {
        Self(columns.collect())
    }

    /// True where the table has that column, as far as Curfew may see.
    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        self.0.contains(&(table.to_owned(), column.to_owned()))
    }

    /// The column if it is there, else nothing of that type.
    fn or_null(&self, table: &str, alias: &str, column: &str, kind: &str) -> String {
        if self.has(table, column) {
            format!("{alias}.{column}")
        } else {
            format!("NULL::{kind}")
        }
    }

    /// Milliseconds of a column that holds UTC without a zone.
    fn millis(&self, table: &str, alias: &str, column: &str) -> String {
        if self.has(table, column) {
            format!("(extract(epoch FROM {alias}.{column}) * 1000)::bigint")
        } else {
            "NULL::bigint".to_owned()
        }
    }

    /// The cursor over the sessions. $1 = most rows; `narrow`: $2 = persons, $3 = external users.
    pub(super) fn list_sql(&self, narrow: bool) -> String {
        let of = |column: &str, kind: &str| self.or_null("_sessions", "v", column, kind);
        let base = self.has("sessions", "session_id");
        let extra = |column: &str, kind: &str| {
            if base {
                self.or_null("sessions", "b", column, kind)
            } else {
                format!("NULL::{kind}")
            }
        };
        let external = extra("external_user_id", "varchar");
        let mut from = format!(
            "SELECT v.session_id, {} AS updated_at, {} AS user_name, {} AS system_user_id, {} AS site_id FROM _sessions v",
            of("updated_at", "timestamp"),
            of("user_name", "varchar"),
            of("system_user_id", "integer"),
            of("site_id", "integer"),
        );
        // People without a user row, whom the view may leave out.
        if base && self.has("sessions", "external_user_id") {
            from.push_str(&format!(
                " UNION ALL SELECT b.session_id, {}, NULL::varchar, NULL::integer, {} FROM sessions b \
                 WHERE b.external_user_id IS NOT NULL \
                 AND NOT EXISTS (SELECT 1 FROM _sessions v WHERE v.session_id = b.session_id)",
                self.or_null("sessions", "b", "updated_at", "timestamp"),
                self.or_null("sessions", "b", "site_id", "integer"),
            ));
        }
        let mut joins = String::new();
        if self.has("_sites", "id") {
            joins.push_str(" LEFT JOIN _sites t ON t.id = s.site_id");
        }
        if self.has("_system_users", "id") {
            joins.push_str(" LEFT JOIN _system_users u ON u.id = s.system_user_id");
        }
        if base {
            joins.push_str(" LEFT JOIN sessions b ON b.session_id = s.session_id");
        }
        let impersonation = base
            && self.has("sessions", "initiating_user_id")
            && self.has("sessions", "user_id")
            && self.has("_users", "id");
        if impersonation {
            joins.push_str(
                " LEFT JOIN _users i ON i.id = b.initiating_user_id AND b.initiating_user_id <> b.user_id",
            );
        }
        let hashed = if base && self.has("sessions", "hashed_secret") {
            "b.hashed_secret IS NOT NULL"
        } else {
            "NULL::boolean"
        };
        let started = |column: &str| {
            if impersonation {
                self.or_null("_users", "i", column, "varchar")
            } else {
                "NULL::varchar".to_owned()
            }
        };
        let narrowed = if narrow {
            format!(" WHERE s.system_user_id = ANY($2) OR {external} = ANY($3)")
        } else {
            String::new()
        };
        format!(
            "DECLARE curfew_sessions NO SCROLL CURSOR FOR \
             SELECT s.session_id, (extract(epoch FROM s.updated_at) * 1000)::bigint AS updated_at, s.user_name, \
             s.system_user_id, {} AS created_at, {external} AS external_user_id, {hashed} AS hashed, \
             {} AS site_name, {} AS url_namespace, {} AS friendly_name, {} AS email, {} AS domain_name, \
             {} AS started_by, {} AS started_by_domain \
             FROM ({from}) s{joins}{narrowed} ORDER BY s.updated_at DESC NULLS LAST LIMIT $1",
            if base {
                self.millis("sessions", "b", "created_at")
            } else {
                "NULL::bigint".to_owned()
            },
            self.or_null("_sites", "t", "name", "varchar"),
            self.or_null("_sites", "t", "url_namespace", "varchar"),
            self.or_null("_system_users", "u", "friendly_name", "varchar"),
            self.or_null("_system_users", "u", "email", "varchar"),
            self.or_null("_system_users", "u", "domain_name", "varchar"),
            started("name"),
            started("domain_name"),
        )
    }

    /// Settings of sites, as texts: the name and these columns; `None` where they can't be read. $1 = most sites.
    pub(super) fn sites_sql(&self) -> Option<(String, Vec<&'static str>)> {
        let there = OF_SITES.into_iter().filter(|column| self.has("sites", column));
        let there: Vec<&'static str> = there.collect();
        if !self.has("sites", "name") || there.is_empty() {
            return None;
        }
        let columns: Vec<String> = there.iter().map(|column| format!("{column}::text")).collect();
        let sql = format!(
            "SELECT name::text, {} FROM sites ORDER BY name LIMIT $1",
            columns.join(", ")
        );
        Some((sql, there))
    }

    /// What the base table says of sessions by id ($1); `None` where it can't be read.
    pub(super) fn detail_sql(&self) -> Option<String> {
        self.has("sessions", "session_id").then(|| {
            format!(
                "SELECT b.session_id, {}::bigint AS number, {} AS hashed FROM sessions b WHERE b.session_id = ANY($1)",
                self.or_null("sessions", "b", "id", "bigint"),
                if self.has("sessions", "hashed_secret") {
                    "b.hashed_secret IS NOT NULL"
                } else {
                    "NULL::boolean"
                }
            )
        })
    }

    /// What can't be read, and what that hides.
    pub(super) fn lacks(&self, user: &str) -> Vec<String> {
        let mut lacks = Vec::new();
        if !self.has("sessions", "session_id") {
            lacks.push(format!(
                "The repository user {user} does not see the table sessions: starts, impersonation and external users \
                 are not told, and whether an id is protected is taken from its shape. The user readonly does."
            ));
        } else {
            for (column, hides) in [
                (
                    "hashed_secret",
                    "whether an id is protected is taken from its shape",
                ),
                ("created_at", "starts are not told"),
                (
                    "initiating_user_id",
                    "who impersonates whom is not told (it came with 2020.4)",
                ),
            ] {
                if !self.has("sessions", column) {
                    lacks.push(format!(
                        "The repository has no column sessions.{column}: {hides}."
                    ));
                }
            }
        }
        for (table, column, hides) in [
            ("_sessions", "updated_at", "last activity is"),
            ("_sessions", "user_name", "user names are"),
            ("_sessions", "system_user_id", "persons are"),
            ("_sites", "id", "sites are"),
            ("_system_users", "id", "names, mail and domains are"),
        ] {
            if !self.has(table, column) {
                lacks.push(format!(
                    "The repository shows no {table}.{column}: {hides} not told."
                ));
            }
        }
        lacks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_a_live_sign_in_is_never_selected() {
        let every = LOOKED_AT.into_iter().flat_map(|table| {
            [
                "id",
                "session_id",
                "updated_at",
                "created_at",
                "user_id",
                "user_name",
                "system_user_id",
                "site_id",
                "name",
                "url_namespace",
                "friendly_name",
                "email",
                "domain_name",
                "initiating_user_id",
                "external_user_id",
                "hashed_secret",
                "data",
                "shared_wg_write",
                "shared_vizql_write",
                "salt",
            ]
            .map(|column| (table.to_owned(), column.to_owned()))
        });
        let columns = Columns::of(every);
        let sql = format!("{} {}", columns.list_sql(true), columns.detail_sql().unwrap());
        for never in [".data", "shared_", "salt"] {
            assert!(!sql.contains(never), "{never} in {sql}");
        }
        let tested = sql.matches("hashed_secret IS NOT NULL").count();
        assert_eq!(sql.matches("hashed_secret").count(), tested, "{sql}");
    }
}
