//! The one WHERE of the inventory: what a query means and what its caller may see, as a condition on `session`.
//!
//! List, count, selection, ending and suggestion all take it from here, so that none of them can be wider than the
//! others. A filter over facts the caller may not see never decides about a row that hides them.

use app::access::wire::Permission;
use app::error::FieldProblem;
use app::sessions::query::filter::{Network, TextFilter, TextOp, TimeFilter};
use app::sessions::query::{SessionQuery, SortKey};
use app::sessions::wire::{SessionKind, SessionState};
use app::wire::Timestamp;
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Func, Query, SelectStatement};

use super::moment;
use crate::caller::Caller;
use crate::caller::scope::{
    Rows, earlier_policy, earlier_policy_of_row, gone, guests_only, live, never_idle, no_guests,
};
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::policies;

/// Which database the condition is for: substring search differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
}

impl Dialect {
    /// That of a connection.
    pub fn of(conn: &Conn) -> Self {
        if conn.is_postgres() {
            Dialect::Postgres
        } else {
            Dialect::Sqlite
        }
    }
}

/// What a caller may see of the inventory at one moment.
#[derive(Clone, Debug)]
pub struct View {
    /// Rows.
    pub seen: VisibleScope,
    /// Rows whose address, mail and browser may be shown too.
    pub network: VisibleScope,
    now: Timestamp,
}

/// Whether sessions that nobody signed in with are among the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guests {
    /// They are left out.
    Hidden,
    /// Nothing but them.
    Only,
    /// They stand among the others.
    Among,
}

/// What a query asks for, ready for SQL.
#[derive(Clone, Debug)]
pub struct Filter {
    /// In one of these states; never empty.
    pub states: Vec<SessionState>,
    /// Which of the two sets of indexes holds the rows.
    pub guests: Guests,
    /// Scope and every other filter but the hiding of guests, so that indexes find the few that match.
    pub rest: Condition,
    /// The same for rows that are met anyway: without the substring index, which would gather all its matches first.
    pub plain: Condition,
    /// The part of `rest` that bounds a column lists are sorted by: where along its index matches begin and end.
    pub ranges: Vec<(&'static str, Condition)>,
    /// True when `rest` leaves nothing out: no filter but the hiding of guests, and the caller sees everything.
    pub unfiltered: bool,
    /// True when matching rows are found through the substring index, or by the people the caller's scope means.
    pub counted_as_gathered: bool,
}

impl Filter {
    /// The whole condition.
    pub fn condition(&self) -> Condition {
        Cond::all()
            .add(self.in_states())
            .add(self.of_guests())
            .add(self.rest.clone())
    }

    /// What leaves guests out, or everybody else, in the words of the indexes.
    pub fn of_guests(&self) -> Condition {
        match self.guests {
            Guests::Hidden => Cond::all().add(no_guests()),
            Guests::Only => Cond::all().add(guests_only()),
            Guests::Among => Cond::all(),
        }
    }

    /// Whether an index gives the rows in the order of the sort `name`: guests, and what is gone, have one for their last
    /// activity alone.
    pub fn in_order(&self, name: &str) -> bool {
        match self.guests {
            Guests::Hidden => self.states == [SessionState::Live] || name == "last_active_sort",
            Guests::Only => name == "last_active_sort",
            Guests::Among => false,
        }
    }

    /// Where along the index of the sort `name` matches lie; empty = anywhere.
    pub fn along(&self, name: &str) -> Condition {
        let mut all = Cond::all();
        for (_, range) in self.ranges.iter().filter(|(column, _)| *column == name) {
            all = all.add(range.clone());
        }
        all
    }

    /// Only what lies in this scope too.
    pub fn narrowed(mut self, scope: &VisibleScope) -> Self {
        if scope.everywhere {
            return self;
        }
        let within = scope.condition(Rows::Sessions);
        self.rest = self.rest.add(within.clone());
        self.plain = self.plain.add(within);
        self.unfiltered = false;
        self.counted_as_gathered |= scope.by_people();
        self
    }

    /// In one of its states.
    pub fn in_states(&self) -> Condition {
        let any = |any: Condition, state: &SessionState| any.add(of_state(*state));
        self.states.iter().fold(Cond::any(), any)
    }
}

/// Rows in that state, in the words of the indexes.
pub fn of_state(state: SessionState) -> Condition {
    match state {
        SessionState::Live => Cond::all().add(live()),
        gone_how => Cond::all().add(gone()).add(column("state").eq(gone_how.name())),
    }
}

impl View {
    /// What `caller` may see now.
    pub fn of(caller: &Caller, now: Timestamp) -> Self {
        View {
            seen: caller.visible(Permission::SeeSessions, now),
            network: caller.visible(Permission::SeeNetworkData, now),
            now,
        }
    }

    /// Rows the caller may see.
    pub fn condition(&self) -> Condition {
        self.seen.condition(Rows::Sessions)
    }

    /// Whether address, mail and browser are shown for every row the caller may see.
    pub fn whole_network(&self) -> bool {
        self.network.includes(&self.seen)
    }

    /// The condition of `query`, or what can't be asked by this caller.
    pub fn filter(&self, query: &SessionQuery, dialect: Dialect) -> Result<Filter, Vec<FieldProblem>> {
        let problems = self.problems(query);
        if !problems.is_empty() {
            return Err(problems);
        }
        let (rest, by_text) = self.rest(query, dialect, true);
        let (plain, _) = self.rest(query, dialect, false);
        let mut states = query.states.clone();
        if query.at.is_some() {
            // Whatever became of them since.
            states = SessionState::ALL.to_vec();
        } else if states.is_empty() {
            states.push(SessionState::Live);
        }
        Ok(Filter {
            unfiltered: rest.is_empty(),
            guests: guests(query),
            ranges: self.ranges(query),
            states,
            rest,
            plain,
            counted_as_gathered: by_text || self.seen.by_people(),
        })
    }

    /// What `query` asks of moments and addresses, by the column that is asked.
    fn ranges(&self, query: &SessionQuery) -> Vec<(&'static str, Condition)> {
        let mut ranges = Vec::new();
        for (name, filter) in [
            ("created_sort", query.started),
            ("last_active_sort", query.last_activity),
        ] {
            ranges.extend(filter.map(|filter| (name, in_the_past(name, filter, self.now))));
        }
        for (name, filter) in [("idle_ends_sort", query.idle_ends), ("absolute_sort", query.ends)] {
            ranges.extend(filter.map(|filter| (name, to_come(name, filter, self.now))));
        }
        if !query.ip.is_empty() {
            ranges.push(("ip_sort", in_networks(&query.ip)));
        }
        ranges
    }

    /// Everything but the states, and whether the substring index takes part.
    fn rest(&self, query: &SessionQuery, dialect: Dialect, indexed: bool) -> (Condition, bool) {
        let mut rest = Cond::all();
        if !self.seen.everywhere {
            rest = rest.add(self.condition());
        }
        let text = Text {
            dialect,
            indexed,
            view: self,
        };
        let mut by_text = false;
        for word in query.search_words().iter().map(|word| lower(word)) {
            by_text |= indexable(&word);
            rest = rest.add(text.word(&word));
        }
        if let Some(filter) = &query.person {
            by_text |= filter.texts.iter().all(|t| indexable(&lower(t)));
            rest = rest.add(text.person(filter));
        }
        if let Some(filter) = &query.session {
            rest = rest.add(text.hint(filter));
        }
        for (name, filter) in [("browser", &query.browser), ("os", &query.os)] {
            if let Some(filter) = filter {
                rest = rest.add(text.of_column(name, filter)).add(text.where_shown());
            }
        }
        for (_, range) in self.ranges(query) {
            rest = rest.add(range);
        }
        if !query.ip.is_empty() {
            rest = rest.add(text.where_shown());
        }
        if !query.systems.is_empty() {
            rest = rest.add(column("system_id").is_in(query.systems.iter().map(|s| s.0.clone())));
        }
        if !query.kinds.is_empty() {
            rest = rest.add(column("kind").is_in(query.kinds.iter().map(|k| k.name())));
        }
        if !query.sites.is_empty() {
            rest = rest.add(column("site").is_in(query.sites.iter().cloned()));
        }
        if let Some(past) = query.past {
            rest = rest.add(policies::past_condition(past, self.now));
        }
        if query.over {
            rest = rest.add(
                Cond::any()
                    .add(column("idle_ends_sort").lte(self.now.0))
                    .add(column("absolute_sort").lte(self.now.0)),
            );
        }
        if query.never_idle {
            rest = rest.add(never_idle());
        }
        if query.earlier {
            rest = rest.add(match indexed {
                true => earlier_policy(),
                false => earlier_policy_of_row(),
            });
        }
        if let Some(key) = &query.key {
            rest = rest.add(column("session_key").eq(key.0.clone()));
        }
        if let Some(account) = &query.account {
            rest = rest.add(column("account_sort").eq(lower(account)));
        }
        if let Some(subject) = &query.subject {
            rest = rest.add(column("subject_id").eq(subject.0.clone()));
        }
        if let Some(at) = query.at {
            rest = rest.add(moment::on_at(at));
        }
        let left_out = text.left_out(query);
        if !left_out.is_empty() {
            rest = rest.add(left_out);
        }
        (rest, by_text)
    }

    /// What of `query` can't be asked: facts hidden from this caller, text no database takes.
    fn problems(&self, query: &SessionQuery) -> Vec<FieldProblem> {
        let mut problems = moment::problems(query, self.now);
        let label = Permission::SeeNetworkData.label();
        let mut hidden = |field: &str, what: &str| {
            problems.push(FieldProblem {
                field: field.to_owned(),
                message: format!("{what} needs the permission “{label}”. Nothing is listed."),
            })
        };
        if self.network.is_empty() {
            for (asked, field, what) in [
                (!query.ip.is_empty(), "ip", "Filtering by IP address"),
                (query.browser.is_some(), "browser", "Filtering by browser"),
                (query.os.is_some(), "os", "Filtering by operating system"),
                (!query.not.ip.is_empty(), "not.ip", "Filtering by IP address"),
                (query.not.browser.is_some(), "not.browser", "Filtering by browser"),
                (query.not.os.is_some(), "not.os", "Filtering by operating system"),
            ] {
                if asked {
                    hidden(field, what);
                }
            }
        }
        // An order by hidden facts tells them: the neighbours of a row are its limits.
        if !self.whole_network() {
            match query.sort {
                SortKey::Ip => hidden("sort", "Sorting by IP address"),
                SortKey::Client => hidden("sort", "Sorting by client"),
                _ => {}
            }
        }
        let not = &query.not;
        let texts = [
            &query.person,
            &query.session,
            &query.browser,
            &query.os,
            &not.person,
            &not.browser,
            &not.os,
        ]
        .into_iter()
        .flatten()
        .flat_map(|f| f.texts.iter());
        let texts = texts
            .chain([&query.search])
            .chain(query.sites.iter().chain(&not.sites))
            .chain(query.systems.iter().chain(&not.systems).map(|s| &s.0))
            .chain(query.account.iter())
            .chain(query.key.iter().map(|k| &k.0))
            .chain(query.subject.iter().map(|s| &s.0));
        if texts.into_iter().any(|t| t.contains('\0')) {
            problems.push(FieldProblem {
                field: String::new(),
                message: "The address holds a character that no name has. Nothing is listed.".to_owned(),
            });
        }
        problems
    }
}

fn guests(query: &SessionQuery) -> Guests {
    match query.kinds.as_slice() {
        [] if query.hides_guests() => Guests::Hidden,
        [SessionKind::Guest] => Guests::Only,
        some if !some.is_empty() && !some.contains(&SessionKind::Guest) => Guests::Hidden,
        _ => Guests::Among,
    }
}

/// How the list compares text: lower-cased by Unicode's rules, as the twins of a row are.
pub fn lower(text: &str) -> String {
    text.to_lowercase()
}

/// A column of the inventory.
pub fn column(name: &'static str) -> Expr {
    Expr::col((Alias::new("session"), Alias::new(name)))
}

/// Whether the substring index can look it up; shorter needles are looked for row by row.
fn indexable(needle: &str) -> bool {
    needle.chars().count() >= 3
}

struct Text<'a> {
    dialect: Dialect,
    indexed: bool,
    view: &'a View,
}

impl Text<'_> {
    /// Only rows whose network data the caller may see.
    fn where_shown(&self) -> Condition {
        if self.view.whole_network() {
            Cond::all()
        } else {
            self.view.network.condition(Rows::Sessions)
        }
    }

    /// `needle` (lower-cased) somewhere in `text`.
    fn within(&self, text: impl Into<Expr>, needle: &str) -> Expr {
        let name = match self.dialect {
            Dialect::Sqlite => "instr",
            Dialect::Postgres => "strpos",
        };
        Func::cust(name).arg(text).arg(needle).gt(0)
    }

    /// Rows whose `search_text` holds one of `needles`, by the index: maybe a few more, never fewer. `None` when a
    /// needle is too short for it.
    fn candidates(&self, needles: &[String]) -> Option<Expr> {
        if !self.indexed || needles.is_empty() || !needles.iter().all(|n| indexable(n)) {
            return None;
        }
        Some(match self.dialect {
            Dialect::Postgres => {
                let mut any = Cond::any();
                for needle in needles {
                    any = any.add(column("search_text").like(like(needle)));
                }
                any.into()
            }
            // `%` and `_` of a needle stand as they are: the index can't read ESCAPE, and as wildcards they only add.
            Dialect::Sqlite => {
                let mut any = Cond::any();
                for needle in needles {
                    any = any.add(
                        Expr::col((Alias::new("session_search"), Alias::new("search_text")))
                            .like(format!("%{needle}%")),
                    );
                }
                let found: SelectStatement = Query::select()
                    .column(Alias::new("rowid"))
                    .from(Alias::new("session_search"))
                    .cond_where(any)
                    .take();
                column("row_no").in_subquery(found)
            }
        })
    }

    /// A word of the search box: in name, account or last characters, and where they are shown in mail and address.
    fn word(&self, word: &str) -> Condition {
        let mut all = Cond::all();
        if let Some(candidates) = self.candidates(&[word.to_owned()]) {
            all = all.add(candidates);
        }
        let anywhere = self.within(column("search_text"), word);
        if self.view.whole_network() {
            return all.add(anywhere);
        }
        let mut any = Cond::any()
            .add(self.within(column("person_sort"), word))
            .add(self.within(column("account_sort"), word))
            .add(self.within(Func::lower(column("handle_hint")), word));
        if !self.view.network.is_empty() {
            any = any.add(Cond::all().add(self.where_shown()).add(anywhere));
        }
        all.add(any)
    }

    /// The person filter: name as shown, account name, and the mail where it is shown.
    fn person(&self, filter: &TextFilter) -> Condition {
        let needles: Vec<String> = filter.texts.iter().map(|t| lower(t)).collect();
        let mut all = Cond::all();
        if let Some(candidates) = self.candidates(&needles) {
            all = all.add(candidates);
        }
        let mut any = Cond::any();
        for needle in &needles {
            let agrees = |text: Expr| match filter.op {
                TextOp::Contains => self.within(text, needle),
                TextOp::Is | TextOp::OneOf => Expr::expr(text).eq(needle.clone()),
            };
            any = any
                .add(agrees(column("person_sort")))
                .add(agrees(column("account_sort")));
            if !self.view.network.is_empty() {
                any = any.add(
                    Cond::all()
                        .add(self.where_shown())
                        .add(agrees(Func::lower(column("email")).into())),
                );
            }
        }
        all.add(any)
    }

    /// The last characters of the id: it ends with, or is one of.
    fn hint(&self, filter: &TextFilter) -> Condition {
        let mut any = Cond::any();
        for needle in filter.texts.iter().map(|t| lower(t)) {
            let hint = || Expr::from(Func::lower(column("handle_hint")));
            let length = i32::try_from(needle.chars().count()).unwrap_or(i32::MAX);
            any = any.add(match (filter.op, self.dialect) {
                (TextOp::Is | TextOp::OneOf, _) => Expr::expr(hint()).eq(needle),
                (TextOp::Contains, Dialect::Sqlite) => {
                    Expr::expr(Func::cust("substr").arg(hint()).arg(-length)).eq(needle)
                }
                (TextOp::Contains, Dialect::Postgres) => {
                    Expr::expr(Func::cust("right").arg(hint()).arg(length)).eq(needle)
                }
            });
        }
        any
    }

    /// Rows that none of what is left out takes away. Over facts that are not shown nothing is told: such rows go too.
    fn left_out(&self, query: &SessionQuery) -> Condition {
        let not = &query.not;
        let mut all = Cond::all();
        if !not.systems.is_empty() {
            all = all.add(column("system_id").is_not_in(not.systems.iter().map(|s| s.0.clone())));
        }
        if !not.kinds.is_empty() {
            all = all.add(column("kind").is_not_in(not.kinds.iter().map(|k| k.name())));
        }
        if !not.sites.is_empty() {
            all = all.add(column("site").is_not_in(not.sites.iter().cloned()));
        }
        if let Some(filter) = &not.person {
            all = all.add(none_of(self.person(filter)));
        }
        let mut network = Vec::new();
        if !not.ip.is_empty() {
            network.push(in_networks(&not.ip));
        }
        for (name, filter) in [("browser", &not.browser), ("os", &not.os)] {
            network.extend(filter.as_ref().map(|filter| self.of_column(name, filter)));
        }
        if !network.is_empty() {
            all = all.add(self.where_shown());
        }
        network
            .into_iter()
            .fold(all, |all, found| all.add(none_of(found)))
    }

    fn of_column(&self, name: &'static str, filter: &TextFilter) -> Condition {
        let mut any = Cond::any();
        for needle in filter.texts.iter().map(|t| lower(t)) {
            let text = Expr::from(Func::lower(column(name)));
            any = any.add(match filter.op {
                TextOp::Contains => self.within(text, &needle),
                TextOp::Is | TextOp::OneOf => Expr::expr(text).eq(needle),
            });
        }
        any
    }
}

/// Rows a condition does not find; what is not reported is not found.
fn none_of(found: Condition) -> Expr {
    let found: Expr = found.into();
    Expr::from(Func::coalesce([found, Expr::val(false)])).not()
}

/// Rows whose address is in one of these.
fn in_networks(networks: &[Network]) -> Condition {
    networks.iter().fold(Cond::any(), |any, network| {
        let (from, to) = network.sort_range();
        any.add(column("ip_sort").between(from, to))
    })
}

/// A needle as a PostgreSQL LIKE pattern.
fn like(needle: &str) -> String {
    let mut pattern = String::with_capacity(needle.len() + 2);
    pattern.push('%');
    for c in needle.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// A moment that was; not reported (0) never matches. "Within" has no upper end: a system's clock may run ahead.
fn in_the_past(name: &'static str, filter: TimeFilter, now: Timestamp) -> Condition {
    let reported = Cond::all().add(column(name).gt(0));
    reported.add(match filter {
        TimeFilter::Before(at) => column(name).lt(at.0),
        TimeFilter::After(at) => column(name).gte(at.0),
        TimeFilter::OlderThan(seconds) => column(name).lt(ago(now, seconds)),
        TimeFilter::Within(seconds) => column(name).gte(ago(now, seconds)),
    })
}

/// A moment that comes or is overdue; none (`i64::MAX`) never matches. "Within" starts now: overdue is "before".
fn to_come(name: &'static str, filter: TimeFilter, now: Timestamp) -> Condition {
    let there_is = Cond::all().add(column(name).lt(i64::MAX));
    there_is.add(match filter {
        TimeFilter::Before(at) => column(name).lt(at.0),
        TimeFilter::After(at) => column(name).gte(at.0),
        TimeFilter::OlderThan(seconds) => column(name).lt(ago(now, seconds)),
        TimeFilter::Within(seconds) => column(name).between(now.0, now.plus_seconds(seconds).0),
    })
}

fn ago(now: Timestamp, seconds: i64) -> i64 {
    now.plus_seconds(seconds.saturating_neg()).0
}
