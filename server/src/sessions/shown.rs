//! Rows as a caller sees them: those a page or a file has read, and those an open page shows already.

use std::collections::BTreeSet;

use app::access::wire::Permission;
use app::sessions::wire::SessionRow;
use app::systems::wire::SystemBrief;
use app::wire::{SelectionId, SessionKey, Timestamp};
use sea_query::{Alias, Expr, ExprTrait, Query};

use super::filter::{View, column};
use super::list::{COLUMNS, Row};
use super::rows::{Beside, Judged};
use super::{Sessions, selection, store};
use crate::caller::Caller;
use crate::db::Conn;
use crate::domain::policy::OWN_SYSTEM;
use crate::error::Error;

/// Most rows that are read by their keys at once.
const MOST: usize = 1_000;

impl Sessions {
    /// These rows, in whatever state they are and in no order, as far as the caller may see them; with what is ticked.
    pub(super) async fn shown(
        &self,
        caller: &Caller,
        keys: &[SessionKey],
        selection: Option<&SelectionId>,
    ) -> Result<Vec<SessionRow>, Error> {
        let now = self.clock.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let keys = &keys[..keys.len().min(MOST)];
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let view = View::of(caller, now);
        let mut conn = self.db.read().await?;
        let briefs = self.systems.briefs(&mut conn, caller).await?;
        let mut query = Query::select();
        query
            .columns(COLUMNS.map(|name| (Alias::new("session"), Alias::new(name))))
            .expr_as(Expr::val(""), Alias::new("sort_text"))
            .expr_as(Expr::cust("CAST(0 AS BIGINT)"), Alias::new("sort_number"))
            .from(Alias::new("session"))
            .cond_where(view.condition())
            .and_where(column("session_key").is_in(keys.iter().map(|key| key.0.clone())));
        let rows: Vec<Row> = conn.fetch_all(&query).await?;
        let selected = self.selected(&mut conn, caller, selection, now).await?;
        let ticked = match selected {
            Some(selected) => selection::among(&mut conn, &selected, keys).await?,
            None => BTreeSet::new(),
        };
        self.judged(&mut conn, caller, &view, &briefs, rows, ticked, now)
            .await
    }

    /// Rows with what is masked in them, what can't be ended and why.
    #[expect(
        clippy::too_many_arguments,
        reason = "what a page has at hand; a struct would only repeat the names"
    )]
    pub(super) async fn judged(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        view: &View,
        briefs: &[SystemBrief],
        rows: Vec<Row>,
        selected: BTreeSet<String>,
        now: Timestamp,
    ) -> Result<Vec<SessionRow>, Error> {
        let keys: Vec<SessionKey> = rows
            .iter()
            .map(|row| SessionKey(row.session_key.clone()))
            .collect();
        let may_end = caller.visible(Permission::EditUserSessions, now);
        let protected = self.access.protected(conn, now).await?;
        let any_portal = rows.iter().any(|row| row.system_id == OWN_SYSTEM);
        let beside = Beside {
            caller,
            own_keys: self.own_keys(caller),
            briefs,
            systems: &self.systems,
            judged: Judged::ask(conn, view, &may_end, &protected, &keys).await?,
            outranking: match any_portal {
                true => self.access.outranking(conn, caller, now).await?,
                false => Default::default(),
            },
            at_work: store::at_work(conn, &keys.into_iter().map(|key| key.0).collect::<Vec<_>>()).await?,
            selected,
        };
        Ok(beside.show(rows))
    }
}
