//! From a row of the inventory to a row of the list: what is masked, what can't be ended and why.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use app::sessions::wire::{CannotEnd, SessionKind, SessionRow, SessionState, person_shown};
use app::systems::wire::{Abilities, Health, SystemBrief};
use app::wire::{OperatorId, SessionKey, SystemId, Timestamp};
use sea_query::{Alias, Cond, ExprTrait, Query};

use super::filter::{View, column};
use super::list::Row;
use super::store::AtWork;
use crate::caller::Caller;
use crate::caller::scope::{Rows, earlier_policy_of_row};
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::domain::policy::{self, OWN_SYSTEM};
use crate::error::Error;
use crate::systems::Systems;

/// Everything that rows are judged by, read once per page.
pub struct Beside<'p> {
    pub caller: &'p Caller,
    /// The caller's own session among the rows.
    pub own_keys: Vec<SessionKey>,
    pub briefs: &'p [SystemBrief],
    pub systems: &'p Arc<Systems>,
    /// What the caller's grants and the protected list say of the rows.
    pub judged: Judged,
    /// Operators whose portal sessions are out of the caller's reach.
    pub outranking: HashSet<OperatorId>,
    pub at_work: Vec<AtWork>,
    pub selected: BTreeSet<String>,
}

/// What scopes say of rows, by session key.
#[derive(Default)]
pub struct Judged {
    /// The caller holds EditUserSessions there.
    pub may_end: HashSet<String>,
    /// Address, mail and browser are shown.
    pub network: HashSet<String>,
    /// The protected list names their people.
    pub protected: HashSet<String>,
    /// They began under an earlier policy: by the condition of the filter.
    pub earlier: HashSet<String>,
}

impl Judged {
    /// Asks the database, by the same conditions that decide about lists and endings.
    pub async fn ask(
        conn: &mut Conn,
        view: &View,
        may_end: &VisibleScope,
        protected: &VisibleScope,
        keys: &[SessionKey],
    ) -> Result<Self, Error> {
        let theirs = column("session_key").is_in(keys.iter().map(|key| key.0.clone()));
        let earlier = Query::select()
            .column((Alias::new("session"), Alias::new("session_key")))
            .from(Alias::new("session"))
            .cond_where(Cond::all().add(theirs).add(earlier_policy_of_row()))
            .take();
        let earlier: Vec<(String,)> = conn.fetch_all(&earlier).await?;
        let mut among = async |scope: &VisibleScope| {
            let keys = keys.iter().map(|key| key.0.clone());
            // The rows are of what the caller sees: what covers all of that covers them.
            if scope.includes(&view.seen) {
                return Ok(keys.collect());
            }
            scope
                .among(conn, Rows::Sessions, "session_key", keys, Cond::all())
                .await
        };
        Ok(Self {
            earlier: earlier.into_iter().map(|(key,)| key).collect(),
            may_end: among(may_end).await?,
            network: among(&view.network).await?,
            protected: among(protected).await?,
        })
    }
}

impl Beside<'_> {
    /// The rows as the caller sees them, in the same order.
    pub fn show(&self, rows: Vec<Row>) -> Vec<SessionRow> {
        let abilities: BTreeMap<&SystemId, Option<Abilities>> = self
            .briefs
            .iter()
            .map(|brief| {
                let connected = self.systems.connected(&brief.system_id);
                (&brief.system_id, connected.map(|c| c.guard.abilities()))
            })
            .collect();
        let at_work: BTreeMap<&str, &AtWork> =
            self.at_work.iter().map(|a| (a.session_key.as_str(), a)).collect();
        rows.into_iter()
            .map(|row| {
                let system_id = SystemId(row.system_id.clone());
                let brief = self.briefs.iter().find(|b| b.system_id == system_id);
                let cannot_end = self.cannot_end(&row, brief, abilities.get(&system_id).copied().flatten());
                let in_ending = at_work.get(row.session_key.as_str()).map(|a| {
                    let words = match a.state.as_str() {
                        "asked" => "asked, reading back",
                        _ => "waiting to be asked",
                    };
                    (a.ending_no, words.to_owned())
                });
                self.row(row, system_id, brief, cannot_end, in_ending)
            })
            .collect()
    }

    fn row(
        &self,
        row: Row,
        system_id: SystemId,
        brief: Option<&SystemBrief>,
        cannot_end: Option<CannotEnd>,
        in_ending: Option<(i64, String)>,
    ) -> SessionRow {
        let masked = !self.judged.network.contains(&row.session_key);
        let shown = |text: String| if masked { String::new() } else { text };
        let kind = SessionKind::from_name(&row.kind).unwrap_or(SessionKind::Other);
        let person = person_shown(
            &row.display_name,
            &row.account_name,
            kind,
            row.person_doubt.as_deref(),
        );
        SessionRow {
            system_name: brief.map_or_else(|| system_id.0.clone(), |b| b.name.clone()),
            read_at: row.observed_at.map(Timestamp).max(brief.and_then(|b| b.read_at)),
            stale: brief.is_none_or(|b| b.health != Health::Live),
            person,
            person_doubt: row.person_doubt,
            remark: row.remark,
            email: row.email.filter(|_| !masked),
            raw_kind: row.raw_kind.filter(|_| kind == SessionKind::Other),
            kind,
            state: SessionState::from_name(&row.state).unwrap_or_default(),
            gone_at: row.gone_at.map(Timestamp),
            handle_hint: row.handle_hint,
            ip: row.ip.filter(|_| !masked),
            masked,
            browser: shown(row.browser),
            os: shown(row.os),
            place: row.place,
            site: row.site,
            created_at: row.created_at.map(Timestamp),
            last_active_at: row.last_active_at.map(Timestamp),
            idle: policy::limit(row.idle_timeout_s),
            idle_ends_at: row.idle_ends_at.map(Timestamp),
            absolute_expires_at: row.absolute_expires_at.map(Timestamp),
            absolute_known: row.absolute_known == 1,
            unproven: brief
                .and_then(|b| b.unproven.clone())
                .filter(|_| cannot_end.is_none()),
            cannot_end,
            in_ending,
            return_hint: row.return_hint,
            earlier_policy: self.judged.earlier.contains(&row.session_key),
            selected: self.selected.contains(&row.session_key),
            account_name: row.account_name,
            session_key: SessionKey(row.session_key),
            system_id,
        }
    }

    /// Why this row can't be ended now; what no grant or step would change comes first.
    fn cannot_end(
        &self,
        row: &Row,
        brief: Option<&SystemBrief>,
        abilities: Option<Abilities>,
    ) -> Option<CannotEnd> {
        if row.state != SessionState::Live.name() {
            return Some(CannotEnd::NotLive);
        }
        if self.own_keys.iter().any(|own| own.0 == row.session_key) {
            return Some(CannotEnd::OwnSession);
        }
        if row.endable == "own_connection" {
            return Some(CannotEnd::OwnConnection);
        }
        if self.judged.protected.contains(&row.session_key) {
            return Some(CannotEnd::Protected);
        }
        let outranks =
            row.system_id == OWN_SYSTEM && self.outranking.contains(&OperatorId(row.account_id.clone()));
        if outranks || !self.judged.may_end.contains(&row.session_key) {
            return Some(CannotEnd::OutsideGrant {
                who_can_give: self.caller.who_can_give.clone(),
            });
        }
        if row.endable != "yes" {
            let words = row.endable_why.clone();
            return Some(CannotEnd::Unsupported {
                words: words.unwrap_or_else(|| "The system does not let it be ended".to_owned()),
            });
        }
        let name = brief.map_or(row.system_id.as_str(), |b| &b.name);
        match abilities {
            Some(able) if able.end => None,
            Some(able) if able.end_all_of => Some(CannotEnd::Unsupported {
                words: format!("{name} ends all sessions of an account, not single ones"),
            }),
            Some(_) => Some(CannotEnd::Unsupported {
                words: format!("{name} offers no way to end sessions"),
            }),
            None => Some(CannotEnd::Unsupported {
                words: format!("{name} is not connected now"),
            }),
        }
    }
}
