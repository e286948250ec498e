//! What became of sessions, by day: the picture on the Systems page.

use app::access::wire::Permission;
use app::endings::wire::{EndingsByDay, Outcome};
use app::wire::{SystemId, Timestamp};

use super::Endings;
use super::store::by_day;
use crate::caller::Caller;
use crate::error::Error;

/// Days of the picture, today included.
const DAYS: usize = 30;
const DAY_MS: i64 = 86_400_000;

impl Endings {
    /// Settled sessions of the last 30 days of UTC by outcome, in the systems the caller sees whole.
    pub(super) async fn by_day(&self, caller: &Caller) -> Result<EndingsByDay, Error> {
        let now = self.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let scope = caller.visible(Permission::SeeSessions, now);
        let today = now.0 - now.0.rem_euclid(DAY_MS);
        let from = Timestamp(today - (DAYS as i64 - 1) * DAY_MS);
        let mut conn = self.parts.db.read().await?;
        let systems: Vec<SystemId> = self
            .parts
            .systems
            .names(&mut conn)
            .await?
            .into_keys()
            .filter(|system| scope.touches_system(system))
            .collect();
        let all = systems.len();
        let whole: Vec<String> = systems
            .into_iter()
            .filter(|system| scope.covers_system(system))
            .map(|system| system.0)
            .collect();
        let mut days = vec![[0; 8]; DAYS];
        let partly = whole.len() < all;
        // Who sees no system whole does not even ask.
        if !whole.is_empty() {
            for (day, outcome, count) in by_day::outcomes(&mut conn, &whole, from).await? {
                let day = usize::try_from(day - from.0 / DAY_MS).ok();
                let place = Outcome::ALL.iter().position(|o| o.name() == outcome);
                if let (Some(day), Some(place)) = (day.and_then(|d| days.get_mut(d)), place) {
                    day[place] += count.unsigned_abs();
                }
            }
        }
        Ok(EndingsByDay { from, days, partly })
    }
}
