//! The one condition: which rows of a table a scope means.
//!
//! List, count, facet, suggestion, export, ending, worker and audit all take it from here.

use std::collections::HashSet;

use app::access::wire::{People, Places, Scope, ThesePeople};
use app::wire::{GroupId, RoleId, Timestamp};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Func, Query, SelectStatement};

use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::error::Error;

/// Most keys in one question.
const KEYS_AT_ONCE: usize = 2_000;

/// A table with rows about accounts of systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The inventory.
    Sessions,
    /// Sessions of endings, as they were when they were frozen.
    Items,
    /// The audit log. It knows no mail: a domain fits where the account's name is a mail address.
    Audit,
    /// Requests for sign-in tickets. Mail as in the log.
    Tickets,
    /// People who get no tickets. Mail as in the log.
    Holds,
    /// Accounts of people.
    Accounts,
    /// Signals of identity servers.
    Signals,
    /// Sessions that those meant.
    SignalSessions,
}

impl Rows {
    const fn table(self) -> &'static str {
        match self {
            Rows::Sessions => "session",
            Rows::Items => "ending_item",
            Rows::Audit => "audit_entry",
            Rows::Tickets => "ticket_issue",
            Rows::Holds => "broker_hold",
            Rows::Accounts => "subject_account",
            Rows::Signals => "signal_in",
            Rows::SignalSessions => "signal_session",
        }
    }

    fn column(self, name: &'static str) -> Expr {
        Expr::col((Alias::new(self.table()), Alias::new(name)))
    }

    /// The account's name, lower-cased.
    fn account(self) -> Expr {
        match self {
            Rows::Sessions
            | Rows::Items
            | Rows::Tickets
            | Rows::Holds
            | Rows::Accounts
            | Rows::Signals
            | Rows::SignalSessions => self.column("account_sort"),
            Rows::Audit => Func::lower(self.column("account")).into(),
        }
    }

    fn in_domains(self, domains: &[String]) -> Condition {
        match self {
            Rows::Sessions
            | Rows::Items
            | Rows::Tickets
            | Rows::Holds
            | Rows::Accounts
            | Rows::Signals
            | Rows::SignalSessions => {
                Cond::any().add(self.column("mail_domain").is_in(domains.iter().cloned()))
            }
            Rows::Audit => domains.iter().fold(Cond::any(), |any, domain| {
                let end = format!("@{domain}");
                let length = i32::try_from(end.chars().count()).unwrap_or(i32::MAX);
                // The end of the name, compared as it is: in LIKE a domain's own wildcards would count.
                let from = Expr::expr(Func::char_length(self.account())).sub(length - 1);
                any.add(Expr::expr(Func::cust("substr").arg(self.account()).arg(from)).eq(end))
            }),
        }
    }
}

/// Sessions that their system still lists.
///
/// Written out, as in the indexes that hold nothing else: only then does a database take them.
pub fn live() -> Expr {
    Expr::cust("session.state = 'live'")
}

/// Sessions that are gone; written out for their index.
pub fn gone() -> Expr {
    Expr::cust("session.state <> 'live'")
}

/// Sessions of people: guests left out. Written out for the indexes that hold no guest.
pub fn no_guests() -> Expr {
    Expr::cust("session.kind <> 'guest'")
}

/// Sessions that nobody signed in with.
pub fn guests_only() -> Expr {
    Expr::cust("session.kind = 'guest'")
}

/// Sessions that never end for idleness; written out for their index.
pub fn never_idle() -> Expr {
    Expr::cust("session.idle_timeout_s = 0")
}

/// How a session of `row` differs from what `kind_limit` k says of its kind. Systems round the two moments of the longest
/// life each on their own: they are compared in whole minutes, as they are read off.
fn differs(row: &str) -> String {
    format!(
        "k.system_id = {row}.system_id AND k.kind = {row}.kind AND {row}.created_sort > 0 \
         AND ({row}.idle_timeout_s <> k.idle_timeout_s AND {row}.created_sort < k.idle_from \
         OR {row}.absolute_known = 1 AND {row}.created_sort < k.absolute_from \
         AND (CASE WHEN {row}.absolute_expires_at IS NULL THEN 0 \
         WHEN {row}.absolute_expires_at <= {row}.created_sort THEN k.absolute_s \
         ELSE ({row}.absolute_expires_at - {row}.created_sort + 30000) / 60000 * 60 END) <> k.absolute_s)"
    )
}

/// Live sessions of people that began under an earlier policy than their kind has now, by an index of limits.
pub fn earlier_policy() -> Expr {
    Expr::cust(format!("session.row_no IN ({})", earlier_rows()))
}

/// The same in one system alone: kinds of others are not gone through. Written out, as the databases number values each
/// in their own way; an id is of the settings, and no quote in it would end the text.
pub fn earlier_policy_in(system: &str) -> Expr {
    let system = system.replace('\'', "''");
    Expr::cust(format!(
        "session.row_no IN ({} AND k.system_id = '{system}')",
        earlier_rows()
    ))
}

fn earlier_rows() -> String {
    format!(
        "SELECT l.row_no FROM kind_limit k CROSS JOIN session l WHERE l.state = 'live' AND l.kind <> 'guest' AND {}",
        differs("l")
    )
}

/// The same, for rows that are met anyway.
pub fn earlier_policy_of_row() -> Expr {
    Expr::cust(format!(
        "(session.state = 'live' AND session.kind <> 'guest' AND EXISTS (SELECT 1 FROM kind_limit k WHERE {}))",
        differs("session")
    ))
}

impl VisibleScope {
    /// Rows that this scope covers. An empty scope gives a condition that is never true.
    pub fn condition(&self, rows: Rows) -> Condition {
        if self.everywhere {
            return Cond::all();
        }
        let nothing = Cond::any().add(Expr::val(1).eq(0));
        match self.parts.as_slice() {
            // Alone it is no alternative: the database may then start from the few people of a group.
            [only] => part(only, rows, self.at),
            parts => parts
                .iter()
                .fold(nothing, |any, scope| any.add(part(scope, rows, self.at))),
        }
    }

    /// Which of these keys of a table it covers, of the rows that `also` means; `key` is the key's column, of text.
    pub async fn among(
        &self,
        conn: &mut Conn,
        rows: Rows,
        key: &'static str,
        keys: impl IntoIterator<Item = String>,
        also: Condition,
    ) -> Result<HashSet<String>, Error> {
        let keys: Vec<String> = keys.into_iter().collect();
        if self.everywhere {
            return Ok(keys.into_iter().collect());
        }
        let mut covered = HashSet::new();
        if self.is_empty() {
            return Ok(covered);
        }
        for some in keys.chunks(KEYS_AT_ONCE) {
            let query = Query::select()
                .column((Alias::new(rows.table()), Alias::new(key)))
                .from(Alias::new(rows.table()))
                .and_where(rows.column(key).is_in(some.iter().cloned()))
                .cond_where(self.condition(rows))
                .cond_where(also.clone())
                .to_owned();
            let found: Vec<(String,)> = conn.fetch_all(&query).await?;
            covered.extend(found.into_iter().map(|row| row.0));
        }
        Ok(covered)
    }
}

fn part(scope: &Scope, rows: Rows, at: Timestamp) -> Condition {
    let mut all = Cond::all();
    match &scope.places {
        // What is about no system (in the log) is about nobody's session.
        Places::Everywhere if rows == Rows::Audit => all = all.add(rows.column("system_id").is_not_null()),
        // So is a request whose token named no app.
        Places::Everywhere if rows == Rows::Tickets => all = all.add(rows.column("system_id").ne("")),
        Places::Everywhere => {}
        Places::Systems(systems) => {
            all = all.add(
                rows.column("system_id")
                    .is_in(systems.iter().map(|s| s.0.clone())),
            );
        }
        Places::Sites(sites) => {
            let any = sites.iter().fold(Cond::any(), |any, site| {
                any.add(
                    Cond::all()
                        .add(rows.column("system_id").eq(site.system_id.0.clone()))
                        .add(rows.column("site").eq(site.site.clone())),
                )
            });
            all = all.add(any);
        }
    }
    if let People::These(these) = &scope.people {
        all = all.add(people(these, rows, at));
    }
    all
}

fn people(these: &ThesePeople, rows: Rows, at: Timestamp) -> Condition {
    let mut any = Cond::any();
    if !these.accounts.is_empty() {
        any = any.add(rows.account().is_in(these.accounts.iter().cloned()));
    }
    if !these.domains.is_empty() {
        any = any.add(rows.in_domains(&these.domains));
    }
    if !these.groups.is_empty() {
        any = any.add(rows.account().in_subquery(members(&these.groups)));
    }
    if !these.roles.is_empty() {
        any = any.add(rows.account().in_subquery(holders(&these.roles, at)));
    }
    any
}

/// Accounts of groups, lower-cased as they are stored.
fn members(groups: &[GroupId]) -> SelectStatement {
    let column = |name: &'static str| Expr::col((Alias::new("subject_group_member"), Alias::new(name)));
    Query::select()
        .expr(column("account"))
        .from(Alias::new("subject_group_member"))
        .and_where(column("group_id").is_in(groups.iter().map(|g| g.0.clone())))
        .take()
}

/// Sign-in names of the enabled people who hold one of these roles at that moment.
fn holders(roles: &[RoleId], at: Timestamp) -> SelectStatement {
    let grant = |name: &'static str| Expr::col((Alias::new("role_grant"), Alias::new(name)));
    let operator = |name: &'static str| Expr::col((Alias::new("operator"), Alias::new(name)));
    Query::select()
        .expr(operator("login"))
        .from(Alias::new("role_grant"))
        .inner_join(
            Alias::new("operator"),
            operator("operator_id").eq(grant("caller_id")),
        )
        .and_where(operator("disabled_at").is_null())
        .and_where(grant("caller_kind").eq("operator"))
        .and_where(grant("role_id").is_in(roles.iter().map(|r| r.0.clone())))
        .and_where(grant("revoked_at").is_null())
        .cond_where(
            Cond::any()
                .add(grant("expires_at").is_null())
                .add(grant("expires_at").gt(at.0)),
        )
        .take()
}
