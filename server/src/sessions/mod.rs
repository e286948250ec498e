//! The inventory: what the systems reported, and the list over it.
//!
//! [`collect`] writes it, everything else reads. One condition ([`filter`]) decides what a caller sees of it, for the
//! list, counts, selections, suggestions and endings alike; [`list`] pages it. This room ends nothing and asks no
//! system. Start reading at [`SessionsPort::list_sessions`] below.

use std::sync::Arc;

use app::access::wire::Permission;
use app::error::{AppError, FieldProblem};
use app::paths;
use app::sessions::columns::Column;
use app::sessions::port::SessionsPort;
use app::sessions::query::filter::{TextFilter, TextOp};
use app::sessions::query::{GroupBy, PAGE_ROWS, SessionQuery, pasted};
use app::sessions::wire::{
    EmptyBecause, Facet, GroupsPage, Known, PeoplePage, PersonBrief, PersonSessions, SelectionEdit,
    SelectionSummary, SessionKind, SessionRow, SessionsPage, Suggestion,
};
use app::systems::wire::{Health, SystemBrief};
use app::wire::{Count, Done, SelectionId, SessionKey, SystemId, Timestamp};
use async_trait::async_trait;

use self::filter::{Dialect, View};
use self::list::Reach;
use self::named::Named;
use crate::access::Access;
use crate::audit::{Action, Audit, Entry};
use crate::caller::{Caller, CallerKind, For};
use crate::changes::{self, topic};
use crate::clock::Clock;
use crate::db::{Conn, Db};
use crate::domain::policy::OWN_SYSTEM;
use crate::error::Error;
use crate::keys::{self, HashKey};
use crate::policies::Policies;
use crate::systems::Systems;

pub mod collect;
mod empty;
pub mod export;
mod facets;
pub mod filter;
mod groups;
mod guests;
pub mod identity;
mod intake;
pub mod list;
mod moment;
mod named;
pub mod people;
mod rows;
pub mod selection;
mod shown;
mod store;
mod suggest;
pub mod testing;
mod views;

/// Looking at the same list is noted once in so long, seconds.
const LOOK_EVERY_S: i64 = 5 * 60;
/// Longest raw id that is hashed, in bytes.
const LONGEST_ID: usize = 4_096;

/// The room.
pub struct Sessions {
    db: Db,
    clock: Arc<dyn Clock>,
    key: Arc<HashKey>,
    systems: Arc<Systems>,
    access: Arc<Access>,
    policies: Arc<Policies>,
    audit: Arc<Audit>,
}

impl Sessions {
    /// The room over its database; `key` names sessions.
    pub fn new(
        db: Db,
        clock: Arc<dyn Clock>,
        key: Arc<HashKey>,
        systems: Arc<Systems>,
        access: Arc<Access>,
        policies: Arc<Policies>,
        audit: Arc<Audit>,
    ) -> Self {
        Self {
            db,
            clock,
            key,
            systems,
            access,
            policies,
            audit,
        }
    }

    /// The names the caller's own session may have among the rows; none for callers without one.
    pub fn own_keys(&self, caller: &Caller) -> Vec<SessionKey> {
        caller.session.as_ref().map_or_else(Vec::new, |id| {
            self.key
                .session_keys(OWN_SYSTEM, "", SessionKind::Portal.name(), id.as_str())
        })
    }

    async fn page(
        &self,
        caller: &Caller,
        query: SessionQuery,
        now: Timestamp,
    ) -> Result<SessionsPage, Error> {
        let view = View::of(caller, now);
        let mut conn = self.db.read().await?;
        let (briefs, few) = self.systems.briefs_and_few(&mut conn, caller).await?;
        let columns = match &query.columns {
            Some(columns) => columns.clone(),
            None => self.columns(&mut conn, caller).await?,
        };
        let mut page = SessionsPage {
            now,
            problems: Vec::new(),
            rows: Vec::new(),
            first_row: 0,
            matching: Count::Exactly(0),
            in_all: Count::Exactly(0),
            guests_hidden: Count::Exactly(0),
            next: None,
            previous: None,
            sort: query.sort,
            columns,
            limits: Vec::new(),
            selection: None,
            empty: None,
            // Who was on then may be somebody else now.
            may_end_any: query.at.is_none() && !caller.visible(Permission::EditUserSessions, now).is_empty(),
            version: changes::version(&mut conn, topic::SESSIONS).await?,
            systems: briefs,
            query,
        };
        if view.seen.is_empty() {
            page.empty = Some(EmptyBecause::NoGrant {
                who_can_give: caller.who_can_give.clone(),
            });
            return Ok(page);
        }
        let Named { query, unknown } = view.named(&mut conn, &page.query).await?;
        page.query = query;
        if !unknown.is_empty() {
            return Ok(bad(page, unknown));
        }
        let filter = match view.filter(&page.query, Dialect::of(&conn)) {
            Ok(filter) => filter,
            Err(problems) => return Ok(bad(page, problems)),
        };
        let rows = page.query.page_rows.unwrap_or(PAGE_ROWS);
        let reach = Reach {
            page: u64::from(rows),
            ..Reach::default()
        };
        let found = match list::page(&mut conn, &page.query, &filter, reach).await? {
            Ok(found) => found,
            Err(problem) => return Ok(bad(page, vec![problem])),
        };
        page.in_all = match (page.query.filter_count(), found.matching) {
            (0, matching) => matching,
            // More match than are counted, so there are more in all.
            (_, Count::MoreThan(n)) if page.query.states.is_empty() => Count::MoreThan(n),
            _ => match &few {
                Some(few) => few.in_all(),
                None => {
                    list::count(&mut conn, store::live_in(view.condition(), &[]), Reach::default()).await?
                }
            },
        };
        page.guests_hidden = guests::hidden(&mut conn, &page.query, &view).await?;
        if found.rows.is_empty() {
            page.empty = Some(empty::because(&mut conn, &page.query, &view, &page.systems, now).await?);
        }
        let in_view = Some(page.query.systems.as_slice()).filter(|s| !s.is_empty());
        page.limits = self
            .policies
            .limits(&mut conn, caller, in_view, few.as_deref(), now)
            .await?;
        let selected = self
            .selected(&mut conn, caller, page.query.selection.as_ref(), now)
            .await?;
        let keys: Vec<SessionKey> = found
            .rows
            .iter()
            .map(|r| SessionKey(r.session_key.clone()))
            .collect();
        let mut ticked = std::collections::BTreeSet::new();
        if let (Some(selected), Some(id)) = (&selected, &page.query.selection) {
            ticked = selection::among(&mut conn, selected, &keys).await?;
            let shown = filter.condition();
            let doubtful = doubtful(&page.systems);
            page.selection =
                Some(selection::summary(&mut conn, id, selected, Some(&shown), &doubtful).await?);
        }
        page.rows = self
            .judged(&mut conn, caller, &view, &page.systems, found.rows, ticked, now)
            .await?;
        page.first_row = found.first_row;
        page.matching = found.matching;
        page.next = found.next;
        page.previous = found.previous;
        page.query.cursor = found.cursor;
        Ok(page)
    }

    /// The selection an address names; `None` when it is over or was never the caller's.
    async fn selected(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        id: Option<&SelectionId>,
        now: Timestamp,
    ) -> Result<Option<selection::Selected>, Error> {
        let Some(id) = id else {
            return Ok(None);
        };
        match selection::selected(conn, caller, id, now).await {
            Ok(selected) => Ok(Some(selected)),
            Err(Error::App(AppError::NotFound { .. } | AppError::Invalid { .. })) => Ok(None),
            Err(other) => Err(other),
        }
    }

    async fn columns(&self, conn: &mut Conn, caller: &Caller) -> Result<Vec<Column>, Error> {
        let own = store::columns(conn, &caller.id).await?;
        Ok(own.unwrap_or_else(|| Column::ALL.to_vec()))
    }

    /// Notes that the caller looks at this list, once per five minutes.
    async fn note_look(&self, caller: &Caller, query: &SessionQuery, now: Timestamp) -> Result<(), Error> {
        let asked = paths::query_string(&query.filter_pairs());
        let hash = keys::sha256_hex(format!("{}?{asked}", paths::SESSIONS).as_bytes());
        let since = now.plus_seconds(-LOOK_EVERY_S);
        let mut conn = self.db.read().await?;
        let last = store::looked_at(&mut conn, &caller.id, &hash).await?;
        if last.is_some_and(|at| at > since) {
            return Ok(());
        }
        drop(conn);
        let mut conn = self.db.write().await?;
        if store::note_look(&mut conn, &caller.id, &hash, since, now).await? {
            let entry = Entry::by(caller, Action::SensitiveRead)
                .target("List of sessions")
                .permission(Permission::SeeSessions)
                .fact("query", asked);
            self.audit.append(&mut conn, &entry, now).await?;
        }
        conn.commit().await
    }
}

/// The page of a query that is not understood or may not be asked: nothing is listed.
fn bad(page: SessionsPage, problems: Vec<FieldProblem>) -> SessionsPage {
    SessionsPage {
        problems,
        empty: Some(EmptyBecause::BadFilter),
        ..page
    }
}

/// Systems whose rows may be out of date.
fn doubtful(briefs: &[SystemBrief]) -> Vec<SystemId> {
    briefs
        .iter()
        .filter(|b| b.health != Health::Live)
        .map(|b| b.system_id.clone())
        .collect()
}

#[async_trait]
impl SessionsPort for For<Sessions> {
    async fn list_sessions(&self, query: SessionQuery, background: bool) -> Result<SessionsPage, AppError> {
        let now = self.room.clock.now();
        let page = self.room.page(&self.caller, query, now).await?;
        if !background
            && page.problems.is_empty()
            && !self.caller.visible(Permission::SeeSessions, now).is_empty()
        {
            self.room.note_look(&self.caller, &page.query, now).await?;
        }
        Ok(page)
    }

    async fn count_sessions(&self, query: SessionQuery) -> Result<u64, AppError> {
        let now = self.room.clock.now();
        self.caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let mut conn = self.room.db.read().await?;
        let filter = View::of(&self.caller, now).ask(&mut conn, &query).await?;
        Ok(list::count_up_to(&mut conn, filter.condition(), None).await?)
    }

    async fn facets(&self, query: SessionQuery) -> Result<Vec<Facet>, AppError> {
        Ok(self.room.facets(&self.caller, &query).await?)
    }

    async fn groups(&self, query: SessionQuery, by: GroupBy) -> Result<GroupsPage, AppError> {
        Ok(self.room.groups(&self.caller, &query, by).await?)
    }

    async fn known_at(&self, at: Timestamp) -> Result<Known, AppError> {
        Ok(self.room.known(&self.caller, at).await?)
    }

    async fn suggest(&self, typed: String) -> Result<Vec<Suggestion>, AppError> {
        Ok(self.room.suggest(&self.caller, &typed).await?)
    }

    async fn people(
        &self,
        query: SessionQuery,
        after: Option<String>,
        limit: u32,
    ) -> Result<PeoplePage, AppError> {
        let page = self.room.people(&self.caller, &query, after, limit).await?;
        let now = self.room.clock.now();
        self.room.note_look(&self.caller, &query, now).await?;
        Ok(page)
    }

    async fn people_named(&self, typed: String) -> Result<Vec<PersonBrief>, AppError> {
        Ok(self.room.people_named(&self.caller, &typed).await?)
    }

    async fn person(&self, person: String) -> Result<PersonSessions, AppError> {
        let page = self.room.person(&self.caller, &person).await?;
        let query = SessionQuery {
            person: Some(TextFilter {
                op: TextOp::Is,
                texts: vec![page.brief.person_id.clone()],
            }),
            ..SessionQuery::default()
        };
        let now = self.room.clock.now();
        self.room.note_look(&self.caller, &query, now).await?;
        Ok(page)
    }

    async fn paste(&self, list: String, back: String) -> Result<String, AppError> {
        let now = self.room.clock.now();
        self.caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let (query, problems) = SessionQuery::from_pairs(&paths::parse_query(&back), 0);
        if !problems.is_empty() {
            return Err(AppError::Invalid { problems });
        }
        let query =
            pasted::with_list(&query, &list).map_err(|message| AppError::invalid("list", &message))?;
        Ok(query.to_query_string())
    }

    async fn unmatched(&self, query: SessionQuery) -> Result<Vec<String>, AppError> {
        let now = self.room.clock.now();
        self.caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let view = View::of(&self.caller, now);
        let mut conn = self.room.db.read().await?;
        let mut none = Vec::new();
        for (text, of) in pasted::each(&query) {
            let filter = view.ask(&mut conn, &of).await?;
            if list::count_up_to(&mut conn, filter.condition(), Some(1)).await? == 0 {
                none.push(text);
            }
        }
        Ok(none)
    }

    async fn shown(
        &self,
        keys: Vec<SessionKey>,
        selection: Option<SelectionId>,
    ) -> Result<Vec<SessionRow>, AppError> {
        Ok(self.room.shown(&self.caller, &keys, selection.as_ref()).await?)
    }

    async fn find_by_session_id(&self, raw_id: String) -> Result<Option<SessionKey>, AppError> {
        let now = self.room.clock.now();
        self.caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let raw_id = raw_id.trim();
        if raw_id.is_empty() || raw_id.len() > LONGEST_ID {
            return Err(AppError::invalid(
                "id",
                "Paste the whole session id, as the system wrote it.",
            ));
        }
        let visible = View::of(&self.caller, now).condition();
        let mut conn = self.room.db.read().await?;
        let keys = store::namings(&mut conn, visible.clone())
            .await?
            .iter()
            .flat_map(|(system, place, kind)| self.room.key.session_keys(system, place, kind, raw_id))
            .map(|key| key.0)
            .collect();
        Ok(store::first_of(&mut conn, visible, keys).await?.map(SessionKey))
    }

    async fn edit_selection(&self, edit: SelectionEdit) -> Result<SelectionSummary, AppError> {
        let now = self.room.clock.now();
        self.caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let mut conn = self.room.db.write().await?;
        let id = selection::edit(&mut conn, &self.caller, &edit, now).await?;
        conn.commit().await?;
        let mut conn = self.room.db.read().await?;
        let selected = selection::selected(&mut conn, &self.caller, &id, now).await?;
        let doubtful = doubtful(&self.room.systems.briefs(&mut conn, &self.caller).await?);
        let (query, problems) = SessionQuery::from_pairs(&paths::parse_query(&edit.query), 0);
        let shown = match View::of(&self.caller, now).ask(&mut conn, &query).await {
            Ok(filter) => Some(filter.condition()).filter(|_| problems.is_empty()),
            Err(Error::App(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(selection::summary(&mut conn, &id, &selected, shown.as_ref(), &doubtful).await?)
    }

    async fn clear_selection(&self, selection: SelectionId) -> Result<Done, AppError> {
        let mut conn = self.room.db.write().await?;
        selection::clear(&mut conn, &self.caller, &selection).await?;
        conn.commit().await?;
        Ok(Done {
            message: "Nothing is selected any more.".to_owned(),
        })
    }

    async fn save_columns(&self, columns: Vec<Column>) -> Result<Done, AppError> {
        if self.caller.kind != CallerKind::Operator {
            return Err(AppError::not_found("list of columns"));
        }
        let columns = Column::parse_list(&Column::write_list(&columns));
        let mut conn = self.room.db.write().await?;
        store::save_columns(&mut conn, &self.caller.id, &columns).await?;
        conn.commit().await?;
        Ok(Done {
            message: "Your columns are kept.".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
