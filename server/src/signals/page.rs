//! What the Signals page shows, as far as the caller may see sessions: a signal goes with the account it is about, its
//! numbers with the sessions they are of.

use app::access::wire::Permission;
use app::signals::wire::{SignalOutcome, SignalRow, SignalRuleLine, SignalSessions, SignalsPage, name_or_id};
use app::wire::{SystemId, Timestamp};

use super::Signals;
use super::store;
use crate::caller::For;
use crate::domain::grant::About;
use crate::error::Error;

/// Signals of one page.
const PER_PAGE: usize = 100;

impl For<Signals> {
    pub(super) async fn page(&self, before: Option<String>) -> Result<SignalsPage, Error> {
        let now = self.room.now();
        self.caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let scope = self.caller.visible(Permission::SeeSessions, now);
        let mut conn = self.room.parts.db.read().await?;
        let names = self.room.parts.systems.names(&mut conn).await?;
        let name = |id: &SystemId| name_or_id(names.get(id), id);
        let most = PER_PAGE as u64 + 1;
        let mut signals = store::page(&mut conn, &scope, before.as_deref(), most).await?;
        let more = signals.len() > PER_PAGE;
        signals.truncate(PER_PAGE);
        let next = signals.last().filter(|_| more).map(|last| last.signal_id.clone());
        let counts = store::counts(&mut conn, &scope, &signals).await?;
        let rows = signals
            .into_iter()
            .map(|signal| {
                let sessions: Vec<SignalSessions> = counts
                    .iter()
                    .filter(|(of, ..)| *of == signal.signal_id)
                    .map(|(_, system, sessions)| SignalSessions {
                        system: name(system),
                        sessions: *sessions,
                    })
                    .collect();
                SignalRow {
                    reference: signal.reference,
                    at: Timestamp(signal.received_at),
                    from: name(&SystemId(signal.system_id)),
                    realm: signal.place,
                    rule: signal.rule_id,
                    person: Some(signal.account_name).filter(|name| !name.is_empty()),
                    outcome: signal.outcome.as_deref().and_then(SignalOutcome::from_name),
                    detail: signal.detail,
                    ending_no: signal.ending_no.filter(|_| !sessions.is_empty()),
                    sessions,
                    signal_id: signal.signal_id,
                }
            })
            .collect();
        Ok(SignalsPage {
            now,
            rules: self.rules(&name, now),
            rows,
            next,
            whole: scope.covers(About::Portal),
        })
    }

    /// Rules of identity servers that the caller looks after as a whole.
    fn rules(&self, name: &dyn Fn(&SystemId) -> String, now: Timestamp) -> Vec<SignalRuleLine> {
        let looks_after = self.caller.visible(Permission::ManageSystems, now);
        let rules = self.room.rules();
        rules
            .all()
            .filter(|rule| looks_after.covers(About::System(&rule.from)))
            .map(|rule| SignalRuleLine {
                id: rule.settings.id.clone(),
                from: name(&rule.from),
                systems: rule
                    .settings
                    .systems
                    .iter()
                    .map(|id| SystemId::from(id.as_str()))
                    // A system that one may not know is not told.
                    .filter(|id| looks_after.touches_system(id))
                    .map(|id| name(&id))
                    .collect(),
                ends: rule.settings.mode == crate::config::SignalMode::End,
                per_minute: rule.settings.per_minute,
                receiver: rules.receiver(rule),
                trouble: rule.by.as_ref().err().cloned(),
            })
            .collect()
    }
}
