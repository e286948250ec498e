//! Reading again before signals are worked off: a session that opened a moment ago is meant too.

use std::collections::BTreeSet;
use std::time::Duration;

use app::wire::{SystemId, Timestamp};

use super::Signals;
use super::rules::Rules;
use super::store::Signal;

/// A fresh reading of a system is waited for so long.
const READ_FOR: Duration = Duration::from_secs(6);

impl Signals {
    /// Reads the systems of these signals' rules that were not read since the newest came, and links who is new there. What
    /// can't be read now is taken as the inventory knows it.
    pub(super) async fn read_again(&self, rules: &Rules, signals: &[Signal]) {
        let since = signals.iter().map(|signal| Timestamp(signal.received_at)).max();
        let mut systems: BTreeSet<SystemId> = BTreeSet::new();
        for rule in signals.iter().filter_map(|signal| rules.get(&signal.rule_id)) {
            systems.insert(rule.from.clone());
            systems.extend(rule.settings.systems.iter().map(|id| SystemId::from(id.as_str())));
        }
        let since = since.unwrap_or_default();
        let readings = systems.iter().map(|system| self.read_one(system, since));
        futures::future::join_all(readings).await;
        if let Err(cause) = self.parts.people.link_due().await {
            tracing::warn!(%cause, "could not link people before signals are worked off");
        }
    }

    async fn read_one(&self, system: &SystemId, since: Timestamp) {
        let until = tokio::time::Instant::now() + READ_FOR;
        while self.parts.systems.connected(system).is_some() && tokio::time::Instant::now() < until {
            match self.parts.systems.numbers().await {
                Ok(numbers) => {
                    let of_it = numbers.iter().find(|(id, ..)| id == system);
                    if of_it.is_some_and(|(_, _, read_at)| read_at.is_some_and(|at| at >= since)) {
                        return;
                    }
                }
                Err(cause) => {
                    tracing::warn!(%cause, "could not look when a system was read");
                    return;
                }
            }
            let (collector, of) = (self.parts.collector.clone(), system.clone());
            // In a task of its own: a reading that takes long goes on, only nobody waits for it here.
            let pass = tokio::spawn(async move { collector.collect(&of).await });
            match tokio::time::timeout_at(until, pass).await {
                // Somebody else reads it: their reading may have begun too early, so it is looked at again.
                Ok(Ok(Ok(None))) => tokio::time::sleep(Duration::from_millis(200)).await,
                Ok(_) | Err(_) => return,
            }
        }
    }
}
