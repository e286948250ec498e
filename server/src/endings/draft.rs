//! Previews: the set is frozen in the database, with what is left out and why, before anything is confirmed.

use app::access::wire::Permission;
use app::endings::wire::ApprovalState;
use app::error::AppError;
use app::sessions::wire::SessionKind;
use app::wire::{EndingId, SelectionId, SessionKey, SystemId, Timestamp};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Query};

use super::store::since::came_back;
use super::store::{self, EndingRow, freeze};
use super::{Endings, page};
use crate::audit::{Action, Entry};
use crate::caller::Caller;
use crate::caller::scope::Rows;
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::domain::policy::OWN_SYSTEM;
use crate::error::Error;
use crate::keys;
use crate::sessions::selection::selected;

/// Most rows named one by one in a request.
const MOST_KEYS: usize = 1_000;

/// What to freeze.
pub(super) struct Set {
    /// Rows of `session`, within what the caller may see.
    pub rows: Condition,
    /// Query string of the list they come from.
    pub query: String,
    pub selection_id: Option<String>,
    pub own: bool,
    pub protected: bool,
    /// A preview that the new one takes the place of.
    pub replaces: Option<EndingId>,
    /// The one person it ends everywhere; `None` = a set.
    pub person: Option<String>,
}

fn session_key() -> Expr {
    Expr::col((Alias::new("session"), Alias::new("session_key")))
}

/// Rows of an ending: all of them, or those that are settled and not gone.
fn rows_of(ending: &EndingId, could_not: bool) -> Condition {
    let item = |name| Expr::col((Alias::new("ending_item"), Alias::new(name)));
    let mut keys = Query::select();
    keys.column((Alias::new("ending_item"), Alias::new("session_key")))
        .from(Alias::new("ending_item"))
        .and_where(item("ending_id").eq(ending.0.clone()));
    if could_not {
        keys.and_where(item("left_out").is_null())
            .and_where(item("state").eq("settled"))
            .and_where(item("outcome").is_not_in(["ended", "already_gone", "rotated"]));
    }
    Cond::all().add(session_key().in_subquery(keys))
}

impl Endings {
    /// Freezes what a selection means now.
    pub(super) async fn draft_of_selection(
        &self,
        caller: &Caller,
        selection: &SelectionId,
    ) -> Result<EndingId, Error> {
        let now = self.now();
        caller.authorize_somewhere(Permission::EditUserSessions, now)?;
        let mut conn = self.parts.db.write().await?;
        let selected = selected(&mut conn, caller, selection, now).await?;
        let set = Set {
            rows: selected.condition,
            query: with_selection(&selected.query, selection),
            selection_id: Some(selection.0.clone()),
            own: false,
            protected: false,
            replaces: None,
            person: None,
        };
        self.freeze(conn, caller, set, now).await
    }

    /// Freezes these rows; those the caller may not see do not exist.
    pub(super) async fn draft_of_keys(
        &self,
        caller: &Caller,
        keys: &[SessionKey],
    ) -> Result<EndingId, Error> {
        let now = self.now();
        caller.authorize_somewhere(Permission::EditUserSessions, now)?;
        if keys.len() > MOST_KEYS {
            let words =
                format!("At most {MOST_KEYS} rows can be named one by one. Select them in the list instead.");
            return Err(AppError::invalid("", words).into());
        }
        let see = caller
            .visible(Permission::SeeSessions, now)
            .condition(Rows::Sessions);
        let set = Set {
            rows: Cond::all()
                .add(see)
                .add(session_key().is_in(keys.iter().map(|k| k.0.clone()))),
            query: String::new(),
            selection_id: None,
            own: false,
            protected: false,
            replaces: None,
            person: None,
        };
        let conn = self.parts.db.write().await?;
        self.freeze(conn, caller, set, now).await
    }

    /// Freezes the rows of a preview again, with or without the caller's own session and protected people.
    pub(super) async fn draft_again(
        &self,
        caller: &Caller,
        ending: &EndingId,
        own: bool,
        protected: bool,
    ) -> Result<EndingId, Error> {
        let now = self.now();
        caller.authorize_somewhere(Permission::EditUserSessions, now)?;
        let mut conn = self.parts.db.write().await?;
        let row = own_preview(&mut conn, caller, ending).await?;
        if row.ending_no.is_some() {
            let message = "This preview was confirmed already. Nothing was changed.".to_owned();
            return Err(AppError::Conflict { message }.into());
        }
        if let Some(asked) = store::approval::of(&mut conn, ending).await?
            && asked.state(now) == ApprovalState::Waiting
        {
            let message =
                "This preview waits for a second person. Take the request back before you change the set.";
            return Err(AppError::Conflict {
                message: message.to_owned(),
            }
            .into());
        }
        if protected {
            caller.authorize_somewhere(Permission::ForceEnd, now)?;
        }
        let see = caller
            .visible(Permission::SeeSessions, now)
            .condition(Rows::Sessions);
        let set = Set {
            rows: Cond::all().add(see).add(rows_of(ending, false)),
            query: row.query,
            selection_id: row.selection_id,
            own,
            protected,
            replaces: Some(ending.clone()),
            person: None,
        };
        self.freeze(conn, caller, set, now).await
    }

    /// Freezes what an ending could not end, as far as the caller may see it.
    pub(super) async fn draft_of_could_not(
        &self,
        caller: &Caller,
        ending_no: i64,
    ) -> Result<EndingId, Error> {
        let now = self.now();
        caller.authorize_somewhere(Permission::EditUserSessions, now)?;
        let mut conn = self.parts.db.write().await?;
        let row = page::known(&mut conn, caller, ending_no, now).await?;
        let see = caller
            .visible(Permission::SeeSessions, now)
            .condition(Rows::Sessions);
        let set = Set {
            rows: Cond::all().add(see).add(rows_of(&row.id(), true)),
            query: row.query,
            selection_id: None,
            own: false,
            protected: false,
            replaces: None,
            person: None,
        };
        self.freeze(conn, caller, set, now).await
    }

    /// Freezes the sessions by which people of an ending came back.
    pub(super) async fn draft_of_returned(&self, caller: &Caller, ending_no: i64) -> Result<EndingId, Error> {
        let now = self.now();
        caller.authorize_somewhere(Permission::EditUserSessions, now)?;
        let mut conn = self.parts.db.write().await?;
        let row = page::known(&mut conn, caller, ending_no, now).await?;
        let reader = page::reader(caller, now);
        let see = caller
            .visible(Permission::SeeSessions, now)
            .condition(Rows::Sessions);
        let set = Set {
            rows: Cond::all().add(see).add(came_back(&reader, &row)),
            query: String::new(),
            selection_id: None,
            own: false,
            protected: false,
            replaces: None,
            person: None,
        };
        if freeze::count(&mut conn, &set.rows).await? == 0 {
            let words = "None of their new sessions is listed now: they went by themselves, or the next reading brings them. \
                         Try again in a moment.";
            return Err(AppError::invalid("", words).into());
        }
        self.freeze(conn, caller, set, now).await
    }

    pub(super) async fn freeze(
        &self,
        mut conn: Conn,
        caller: &Caller,
        set: Set,
        now: Timestamp,
    ) -> Result<EndingId, Error> {
        let rows = freeze::count(&mut conn, &set.rows).await?.unsigned_abs();
        if rows == 0 {
            let words = "There is nothing to end in this selection. Tick sessions in the list first.";
            return Err(AppError::invalid("", words).into());
        }
        let max_set = self.parts.rules.max_set;
        if rows > max_set {
            let words = format!(
                "This selection holds {rows} sessions; one ending takes at most {max_set}. Narrow the list by system, \
                 person or time, or end it in parts."
            );
            return Err(AppError::invalid("", words).into());
        }
        let leave_out = self.leave_out(&mut conn, caller, &set, now).await?;
        let row = EndingRow {
            ending_id: keys::new_id(),
            ending_no: None,
            caller_kind: caller.kind.name().to_owned(),
            caller_id: caller.id.0.clone(),
            caller_name: caller.name.clone(),
            caller_session_id: caller.session.as_ref().map(|s| s.0.clone()),
            reason: None,
            ticket_ref: None,
            query: set.query,
            selection_id: set.selection_id,
            snapshot_hash: String::new(),
            state: "draft".to_owned(),
            pause_why: None,
            include_own: i64::from(set.own),
            include_protected: i64::from(set.protected),
            created_at: now.0,
            expires_at: now.plus_seconds(self.parts.rules.draft_s).0,
            confirmed_at: None,
            planned_for: None,
            begin_in_min: None,
            notice: None,
            settled_at: None,
            watch_until: None,
            next_watch_at: None,
            item_count: 0,
            person_count: 0,
            system_count: 0,
            left_out_count: 0,
            whole_systems: "[]".to_owned(),
            stage: 0,
            last_stage: 0,
            went_on_at: None,
        };
        let id = row.id();
        freeze::insert(&mut conn, &row, set.person.as_deref()).await?;
        freeze::fill(
            &mut conn,
            &id,
            &set.rows,
            &leave_out,
            &self.identity_servers(),
            now,
        )
        .await?;
        let few = self.parts.rules.type_number_above;
        let (numbers, hash) = freeze::seal(&mut conn, &id, few).await?;
        if let Some(old) = &set.replaces {
            freeze::drop_draft(&mut conn, old).await?;
        }
        let entry = Entry::by(caller, Action::PreviewFrozen)
            .ending(&id)
            .permission(Permission::EditUserSessions)
            .target(format!("{} sessions of {} people", numbers.items, numbers.people))
            .fact("items", numbers.items)
            .fact("left_out", numbers.left_out)
            .fact("snapshot_hash", hash)
            .fact("own", set.own)
            .fact("protected", set.protected);
        self.parts.audit.append(&mut conn, &entry, now).await?;
        conn.commit().await?;
        Ok(id)
    }

    async fn leave_out(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        set: &Set,
        now: Timestamp,
    ) -> Result<freeze::LeaveOut, Error> {
        let protected = self.parts.access.protected(conn, now).await?;
        let connected = self.parts.systems.all();
        let own = caller.session.as_ref().filter(|_| !set.own);
        Ok(freeze::LeaveOut {
            may_end: caller.visible(Permission::EditUserSessions, now),
            outranking: self.parts.access.outranking(conn, caller, now).await?,
            can_end: connected
                .iter()
                .filter(|c| c.guard.abilities().end)
                .map(|c| c.system_id.clone())
                .collect(),
            own: own.map_or_else(Vec::new, |session| self.portal_keys(session.as_str())),
            protected,
            force: if set.protected {
                caller.visible(Permission::ForceEnd, now)
            } else {
                VisibleScope::default()
            },
        })
    }

    /// Systems whose sessions are ended before those of the others.
    pub(super) fn identity_servers(&self) -> Vec<SystemId> {
        let connected = self.parts.systems.all();
        let first = connected.iter().filter(|c| c.guard.is_identity_server());
        first.map(|c| c.system_id.clone()).collect()
    }

    /// The names one of Curfew's own sessions may have in the inventory.
    fn portal_keys(&self, portal_session_id: &str) -> Vec<SessionKey> {
        let kind = SessionKind::Portal.name();
        self.parts
            .key
            .session_keys(OWN_SYSTEM, "", kind, portal_session_id)
    }

    /// Forgets previews that nobody can confirm any more, a day later.
    pub async fn drop_old_drafts(&self) -> Result<u64, Error> {
        let mut conn = self.parts.db.write().await?;
        let dropped = freeze::drop_old_drafts(&mut conn, self.now().plus_seconds(-86_400)).await?;
        conn.commit().await?;
        Ok(dropped)
    }
}

/// A preview (or what became of it) by its id: 404 for anyone but who made it.
pub(super) async fn own_preview(
    conn: &mut Conn,
    caller: &Caller,
    ending: &EndingId,
) -> Result<EndingRow, Error> {
    store::by_id(conn, ending)
        .await?
        .filter(|row| row.caller_kind == caller.kind.name() && row.caller_id == caller.id.0)
        .ok_or_else(|| AppError::not_found("preview").into())
}

/// The list's query string with the selection in it, for the way back.
fn with_selection(query: &str, selection: &SelectionId) -> String {
    let mut pairs = app::paths::parse_query(query);
    pairs.retain(|(name, _)| name != "sel");
    pairs.push(("sel".to_owned(), selection.0.clone()));
    app::paths::query_string(&pairs)
}
