//! Who a cookie belongs to right now, what a request notes about its session, and the end of those that ran out.

use app::audit::wire::AuditResult;
use app::wire::{OperatorId, PortalSessionId, Timestamp};
use tower_sessions::session::Id;

use super::kept::{Kept, kept};
use super::store::PortalSession;
use super::{SignIn, factor, own, store, throttle, tokens};
use crate::audit::{Action, Entry};
use crate::caller::{Caller, Origin};
use crate::changes::{self, topic};
use crate::db::Conn;
use crate::error::Error;

/// Own activity is written down at most this often, seconds: a busy page costs one write, not twenty.
const TOUCH_EVERY_S: i64 = 5;

/// A session that ran out is remembered this long, seconds, so that a form sent after it still finds its person.
const KEPT_AFTER_END_S: i64 = 86_400;

/// Who a cookie belongs to.
pub enum Presence {
    /// This caller, by a session that holds.
    Here(Box<Caller>),
    /// This person's session is over: idleness, its longest life, or they were disabled.
    Over(OperatorId),
    /// No session of ours has this cookie (any more).
    Unknown,
}

impl SignIn {
    /// Who the cookie's token belongs to right now. `active` = the request is the person's own doing and counts as
    /// activity; background requests don't.
    pub async fn caller_by_token(&self, token: &Id, origin: Origin, active: bool) -> Result<Presence, Error> {
        let now = self.clock.now();
        let mut conn = self.db.read().await?;
        let Some(row) = store::by_token(&mut conn, &tokens::hash(token)).await? else {
            return Ok(Presence::Unknown);
        };
        let whose = row.operator();
        if !row.live(now) {
            drop(conn);
            self.expire(&[row], Some(&origin)).await?;
            return Ok(Presence::Over(whose));
        }
        let caller = self.caller_by(&mut conn, &row, origin, now).await?;
        drop(conn);
        let Some(caller) = caller else {
            return Ok(Presence::Over(whose));
        };
        self.note_request(&row, &caller, active, now).await?;
        Ok(Presence::Here(Box::new(caller)))
    }

    /// The caller as they are now, for a long stream: `None` when the session is over or the person disabled.
    pub async fn caller_again(&self, caller: &Caller, id: &PortalSessionId) -> Result<Option<Caller>, Error> {
        let now = self.clock.now();
        let mut conn = self.db.read().await?;
        let Some(row) = store::by_id(&mut conn, id).await?.filter(|row| row.live(now)) else {
            return Ok(None);
        };
        self.caller_by(&mut conn, &row, caller.origin.clone(), now).await
    }

    /// The caller that a session makes of its person; `None` = they are disabled.
    async fn caller_by(
        &self,
        conn: &mut Conn,
        row: &PortalSession,
        origin: Origin,
        now: Timestamp,
    ) -> Result<Option<Caller>, Error> {
        let (session, auth_at) = (Some(row.id()), Some(Timestamp(row.auth_at)));
        let caller = self
            .access
            .caller_in(conn, &row.operator(), session, auth_at, origin, now)
            .await?;
        Ok(caller.map(|caller| Caller {
            screen_share: row.screen_share != 0,
            ..caller
        }))
    }

    /// Activity, newest address, and the flag for an address or browser that changed inside the session (A25).
    async fn note_request(
        &self,
        row: &PortalSession,
        caller: &Caller,
        active: bool,
        now: Timestamp,
    ) -> Result<(), Error> {
        let touch = active && now.since(Timestamp(row.last_active_at)) >= TOUCH_EVERY_S * 1000;
        let differs =
            |then: &Option<String>, now: &Option<String>| then.is_some() && now.is_some() && then != now;
        let moved = differs(&row.last_ip, &caller.origin.ip);
        let changed = row.changed_source_at.is_none()
            && (differs(&row.ip, &caller.origin.ip) || differs(&row.user_agent, &caller.origin.user_agent));
        if !(touch || moved || changed) {
            return Ok(());
        }
        let mut conn = self.db.write().await?;
        if touch {
            store::touch(&mut conn, row, now).await?;
        }
        if moved || changed {
            let ip = caller.origin.ip.as_deref().or(row.last_ip.as_deref());
            store::note_source(&mut conn, &row.id(), ip, changed.then_some(now)).await?;
        }
        if changed {
            let entry = Entry::by(caller, Action::SourceChanged)
                .target("Portal session")
                .fact("ip_changed", differs(&row.ip, &caller.origin.ip))
                .fact(
                    "browser_changed",
                    differs(&row.user_agent, &caller.origin.user_agent),
                );
            self.audit.append(&mut conn, &entry, now).await?;
        }
        conn.commit().await
    }

    /// Notes a cookie that was never ours, or not any more (security A5).
    pub async fn note_unknown(&self, origin: &Origin) -> Result<(), Error> {
        let entry = Entry::nobody(origin, Action::UnknownSession)
            .target("Cookie")
            .result(AuditResult::Refused);
        self.audit.note(&entry).await?;
        Ok(())
    }

    /// Audits sessions that ran out, removes those that did a day ago, and what the throttle need not remember.
    ///
    /// How many ran out. Run it once a minute; it leases nothing, as two replicas may well do it at once.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let now = self.clock.now();
        let mut ran_out = 0;
        loop {
            let mut conn = self.db.read().await?;
            let rows = store::over(&mut conn, 200, now).await?;
            drop(conn);
            if rows.is_empty() {
                break;
            }
            ran_out += self.expire(&rows, None).await?;
        }
        let mut conn = self.db.write().await?;
        store::delete_expired(&mut conn, now.plus_seconds(-KEPT_AFTER_END_S)).await?;
        throttle::sweep(&mut conn, now).await?;
        factor::store::sweep(&mut conn, now).await?;
        self.forget_notices(&mut conn, now).await?;
        conn.commit().await?;
        Ok(ran_out)
    }

    /// Audits sessions that ran out, once each. `used_by` = a request came with the cookie of one after its end.
    async fn expire(&self, rows: &[PortalSession], used_by: Option<&Origin>) -> Result<u64, Error> {
        let now = self.clock.now();
        let mut ran_out = 0;
        let mut conn = self.db.write().await?;
        for row in rows {
            // It may have been extended since it was read.
            let Some(row) = store::by_id(&mut conn, &row.id()).await?.filter(|r| !r.live(now)) else {
                continue;
            };
            if !kept(&row.data).expired {
                ran_out += 1;
                let gone = Kept {
                    expired: true,
                    ..Kept::default()
                };
                store::set_data(&mut conn, &row.id(), &serde_json::to_string(&gone)?).await?;
                let idle = row.idle_ends_at().0 < row.absolute_expires_at;
                let entry = Entry::curfew(Action::SessionExpired)
                    .account(&row.login)
                    .target("Portal session")
                    .fact("by", if idle { "idleness" } else { "longest life" })
                    .fact("ended_at", row.ends_at().0);
                self.audit.append(&mut conn, &entry, now).await?;
            }
            if let Some(origin) = used_by {
                let entry = own(&row, origin, Action::UseAfterEnd)
                    .target("Portal session")
                    .result(AuditResult::Refused);
                self.audit.append(&mut conn, &entry, now).await?;
            }
        }
        if ran_out > 0 {
            changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
        }
        conn.commit().await?;
        Ok(ran_out)
    }
}
