//! Saved views: who finds them, who may change them, and what they mean now.
//!
//! A view is an address under a name. It holds no rows and no right: opened, counted or started with, it means what its
//! reader's own grants let it mean, by the same condition as every list.

use app::access::wire::Permission;
use app::error::{AppError, FieldProblem};
use app::paths;
use app::sessions::port::ViewsPort;
use app::sessions::query::SessionQuery;
use app::sessions::views::wire::{SavedView, ViewEdit, Views, ViewsPage};
use app::wire::{Count, Done, RoleId, Timestamp, ViewId};
use async_trait::async_trait;

use super::Sessions;
use super::filter::View;
use super::list::{self, Reach};
use crate::audit::{Action, Entry};
use crate::caller::{Caller, CallerKind, For};
use crate::db::Conn;
use crate::error::Error;
use crate::keys;

mod store;

/// Most views of one person.
const MOST: i64 = 50;
/// Most views that are counted for one page.
const COUNTED: usize = 100;
/// Longest name, characters.
const LONGEST_NAME: usize = 60;
/// Longest query string, bytes.
const LONGEST_QUERY: usize = 4_000;

impl Sessions {
    /// People alone have views, and only who may see sessions at all.
    fn views_of(caller: &Caller, now: Timestamp) -> Result<(), AppError> {
        if caller.kind != CallerKind::Operator {
            return Err(AppError::not_found("list of views"));
        }
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        Ok(())
    }

    /// Roles this caller may share with: those they hold, and every role for who gives them.
    async fn roles_for(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Vec<(RoleId, String)>, Error> {
        let roles = match caller.visible(Permission::ManageAccess, now).everywhere {
            true => store::all_roles(conn).await?,
            false => store::held_roles(conn, &caller.id, now).await?,
        };
        Ok(roles.into_iter().map(|(id, name)| (RoleId(id), name)).collect())
    }

    async fn views_in(&self, conn: &mut Conn, caller: &Caller, now: Timestamp) -> Result<Views, Error> {
        let start = store::start(conn, &caller.id).await?;
        let lines = store::found_by(conn, &caller.id, now).await?;
        Ok(Views {
            views: lines
                .into_iter()
                .map(|line| SavedView {
                    own: line.owner_id == caller.id.0,
                    owner_name: line.owner_name,
                    start: start.as_deref() == Some(line.view_id.as_str()),
                    view_id: ViewId(line.view_id),
                    name: line.name,
                    query: line.query,
                    shared_with: line
                        .role_id
                        .map(|id| (RoleId(id.clone()), line.role_name.unwrap_or(id))),
                })
                .collect(),
            roles: self.roles_for(conn, caller, now).await?,
        })
    }

    /// The caller's own view of that id; what others made is not theirs to change.
    async fn own_view(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        id: &ViewId,
        now: Timestamp,
    ) -> Result<SavedView, Error> {
        let views = self.views_in(conn, caller, now).await?.views;
        let own = views.into_iter().find(|view| view.own && view.view_id == *id);
        Ok(own.ok_or_else(|| AppError::not_found("view of yours"))?)
    }

    /// The name and sharing of a form, checked: the trimmed name, and the role with its name.
    async fn checked(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        edit: &ViewEdit,
        id: &ViewId,
        before: Option<&(RoleId, String)>,
        now: Timestamp,
    ) -> Result<(String, Option<(RoleId, String)>), Error> {
        let name = edit.name.trim().to_owned();
        let length = name.chars().count();
        if length == 0 || length > LONGEST_NAME || name.contains(char::is_control) {
            let words = format!("Give it a name of 1 to {LONGEST_NAME} characters.");
            return Err(AppError::invalid("name", words).into());
        }
        if store::name_taken(conn, &caller.id, &name.to_lowercase(), id).await? {
            let words = "A view of yours has this name already. Choose another.";
            return Err(AppError::invalid("name", words).into());
        }
        let Some(wanted) = &edit.role else {
            return Ok((name, None));
        };
        let mut roles = self.roles_for(conn, caller, now).await?;
        roles.extend(before.cloned());
        let role = roles.into_iter().find(|(id, _)| id == wanted);
        let role = role.ok_or_else(|| {
            let words = "You can share with roles you hold. Who manages access can share with any.";
            AppError::invalid("role", words)
        })?;
        Ok((name, Some(role)))
    }

    /// Writes down what became of a view that others find.
    async fn note_shared(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        what: &str,
        view: (&str, &str),
        roles: [Option<&(RoleId, String)>; 2],
        now: Timestamp,
    ) -> Result<(), Error> {
        if roles.iter().all(Option::is_none) {
            return Ok(());
        }
        let name = |role: Option<&(RoleId, String)>| role.map(|(_, name)| name.clone());
        let entry = Entry::by(caller, Action::SharedView)
            .target(format!("View {}", view.0))
            .fact("what", what)
            .fact("query", view.1)
            .fact("shared_before", name(roles[0]))
            .fact("shared_now", name(roles[1]));
        self.audit.append(conn, &entry, now).await?;
        Ok(())
    }

    /// How many sessions a view means for this caller; `None` = they may not ask that.
    async fn count_view(&self, conn: &mut Conn, view: &View, query: &str) -> Result<Option<Count>, Error> {
        let (query, problems) = SessionQuery::from_pairs(&paths::parse_query(query), 0);
        match view.ask(conn, &query).await {
            Ok(filter) if problems.is_empty() => Ok(Some(
                list::count(conn, filter.condition(), Reach::default()).await?,
            )),
            Ok(_) | Err(Error::App(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The canonical query string that a view keeps. One that is not understood is refused: it would list nothing, for ever.
fn canonical(query: &str) -> Result<String, AppError> {
    let (query, problems) = SessionQuery::from_pairs(&paths::parse_query(query), 0);
    if !problems.is_empty() {
        return Err(AppError::Invalid { problems });
    }
    let kept = SessionQuery {
        selection: None,
        ..query.first_page()
    }
    .to_query_string();
    if kept.len() > LONGEST_QUERY {
        let problem = FieldProblem {
            field: String::new(),
            message: "This list has too many filters to be kept under a name.".to_owned(),
        };
        return Err(AppError::Invalid {
            problems: vec![problem],
        });
    }
    Ok(kept)
}

fn done(message: String) -> Result<Done, AppError> {
    Ok(Done { message })
}

#[async_trait]
impl ViewsPort for For<Sessions> {
    async fn views(&self) -> Result<Views, AppError> {
        let now = self.room.clock.now();
        Sessions::views_of(&self.caller, now)?;
        let mut conn = self.room.db.read().await?;
        Ok(self.room.views_in(&mut conn, &self.caller, now).await?)
    }

    async fn views_page(&self) -> Result<ViewsPage, AppError> {
        let now = self.room.clock.now();
        Sessions::views_of(&self.caller, now)?;
        let mut conn = self.room.db.read().await?;
        let views = self.room.views_in(&mut conn, &self.caller, now).await?;
        let view = View::of(&self.caller, now);
        let mut counts = Vec::with_capacity(views.views.len());
        for saved in views.views.iter().take(COUNTED) {
            counts.push(self.room.count_view(&mut conn, &view, &saved.query).await?);
        }
        counts.resize(views.views.len(), None);
        Ok(ViewsPage { now, views, counts })
    }

    async fn save_view(&self, edit: ViewEdit, query: String, start: bool) -> Result<Done, AppError> {
        let now = self.room.clock.now();
        let (room, caller) = (&self.room, &self.caller);
        Sessions::views_of(caller, now)?;
        let query = canonical(&query)?;
        let id = ViewId(keys::new_id());
        let mut conn = room.db.write().await?;
        if store::count(&mut conn, &caller.id).await? >= MOST {
            return Err(AppError::Conflict {
                message: format!("You have {MOST} saved views. Delete one first."),
            });
        }
        let (name, role) = room.checked(&mut conn, caller, &edit, &id, None, now).await?;
        let role_id = role.as_ref().map(|(id, _)| id.as_str());
        store::put(&mut conn, &id, &caller.id, &name, &query, role_id, now).await?;
        if start {
            store::save_start(&mut conn, &caller.id, Some(&id)).await?;
        }
        room.note_shared(
            &mut conn,
            caller,
            "shared",
            (&name, &query),
            [None, role.as_ref()],
            now,
        )
        .await?;
        conn.commit().await?;
        done(match role {
            Some((_, role)) => format!("“{name}” is saved. Everybody with the role {role} finds it."),
            None => format!("“{name}” is saved."),
        })
    }

    async fn edit_view(&self, view: ViewId, edit: ViewEdit) -> Result<Done, AppError> {
        let now = self.room.clock.now();
        let (room, caller) = (&self.room, &self.caller);
        Sessions::views_of(caller, now)?;
        let mut conn = room.db.write().await?;
        let old = room.own_view(&mut conn, caller, &view, now).await?;
        let before = old.shared_with.as_ref();
        let (name, role) = room.checked(&mut conn, caller, &edit, &view, before, now).await?;
        let role_id = role.as_ref().map(|(id, _)| id.as_str());
        store::put(&mut conn, &view, &caller.id, &name, &old.query, role_id, now).await?;
        let what = match (before, &role) {
            (Some(_), None) => "taken back",
            (None, Some(_)) => "shared",
            _ => "changed",
        };
        room.note_shared(
            &mut conn,
            caller,
            what,
            (&name, &old.query),
            [before, role.as_ref()],
            now,
        )
        .await?;
        conn.commit().await?;
        done(format!("“{name}” is saved."))
    }

    async fn delete_view(&self, view: ViewId) -> Result<Done, AppError> {
        let now = self.room.clock.now();
        let (room, caller) = (&self.room, &self.caller);
        Sessions::views_of(caller, now)?;
        let mut conn = room.db.write().await?;
        let old = room.own_view(&mut conn, caller, &view, now).await?;
        store::delete(&mut conn, &view).await?;
        let roles = [old.shared_with.as_ref(), None];
        room.note_shared(&mut conn, caller, "deleted", (&old.name, &old.query), roles, now)
            .await?;
        conn.commit().await?;
        done(format!("“{}” is deleted.", old.name))
    }

    async fn start_with(&self, view: Option<ViewId>) -> Result<Done, AppError> {
        let now = self.room.clock.now();
        let (room, caller) = (&self.room, &self.caller);
        Sessions::views_of(caller, now)?;
        let mut conn = room.db.write().await?;
        let name = match &view {
            None => None,
            Some(id) => {
                let views = room.views_in(&mut conn, caller, now).await?.views;
                let found = views.into_iter().find(|saved| saved.view_id == *id);
                Some(found.ok_or_else(|| AppError::not_found("view"))?.name)
            }
        };
        store::save_start(&mut conn, &caller.id, view.as_ref()).await?;
        conn.commit().await?;
        done(match name {
            Some(name) => format!("You start with “{name}” from now on."),
            None => "You start with the plain list from now on.".to_owned(),
        })
    }

    async fn start_page(&self) -> Result<String, AppError> {
        let now = self.room.clock.now();
        Sessions::views_of(&self.caller, now)?;
        let mut conn = self.room.db.read().await?;
        if store::start(&mut conn, &self.caller.id).await?.is_none() {
            return Ok(String::new());
        }
        let views = self.room.views_in(&mut conn, &self.caller, now).await?.views;
        let start = views.into_iter().find(|view| view.start);
        Ok(start.map(|view| view.query).unwrap_or_default())
    }
}
