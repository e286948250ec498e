//! Live sessions over time: what complete readings counted, by ten minutes for a day and by hours for 30 days.
//!
//! A slot without a complete reading is a gap, never zero. What a whole system has is shown to who sees it whole.

use app::access::wire::Permission;
use app::systems::wire::{LiveOverTime, OverTime, Samples};
use app::wire::{SystemId, Timestamp};

use super::store::{self, SPANS_S};
use super::{Systems, read};
use crate::caller::Caller;
use crate::db::Conn;
use crate::error::Error;

/// Slots of each picture: 144 of ten minutes are a day, 720 hours are 30 days.
const SLOTS: [usize; 2] = [144, 720];

impl Systems {
    /// Live sessions over time of the systems the caller may know, by name.
    pub(super) async fn over_time(&self, conn: &mut Conn, caller: &Caller) -> Result<Vec<OverTime>, Error> {
        let now = self.clock.now();
        let scope = caller.visible(Permission::SeeSessions, now);
        let rows = self.visible_rows(conn, caller).await?;
        let whole: Vec<bool> = rows
            .iter()
            .map(|row| scope.covers_system(&SystemId::from(row.system_id.as_str())))
            .collect();
        // Who sees no system whole does not even ask: the answer's time tells them nothing either.
        let mut read: [Vec<(String, i64, i64)>; 2] = [Vec::new(), Vec::new()];
        if whole.contains(&true) {
            for at in 0..2 {
                read[at] = store::samples(conn, SPANS_S[at], first_slot(at, now)).await?;
            }
        }
        Ok(rows
            .into_iter()
            .zip(whole)
            .map(|(row, whole)| {
                let system_id = SystemId(row.system_id);
                let holds_ms = self.holds_ms(&system_id);
                let live = whole.then(|| {
                    let picture = |at: usize| {
                        let of_it = read[at]
                            .iter()
                            .filter(|(system, ..)| *system == system_id.0)
                            .map(|(_, slot, n)| (Timestamp(*slot), n.unsigned_abs()));
                        fill(at, now, of_it, holds_ms)
                    };
                    LiveOverTime {
                        day: picture(0),
                        month: picture(1),
                    }
                });
                OverTime {
                    system_id,
                    system_name: row.name,
                    live,
                }
            })
            .collect())
    }

    /// How long a reading holds before the next one is missed: two rounds.
    fn holds_ms(&self, system: &SystemId) -> i64 {
        let every_s = self
            .connected(system)
            .map_or_else(|| read(&self.rules).every_s, |c| c.collect_every_s);
        every_s.saturating_mul(2000)
    }

    /// Deletes samples that no picture shows any more.
    pub async fn forget_samples(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        for (at, span_s) in SPANS_S.into_iter().enumerate() {
            store::forget_samples(&mut conn, span_s, first_slot(at, now)).await?;
        }
        conn.commit().await
    }
}

/// Start of the oldest slot of a picture whose last slot holds `now`.
fn first_slot(at: usize, now: Timestamp) -> Timestamp {
    let slot_ms = SPANS_S[at] * 1000;
    let last = now.0 - now.0.rem_euclid(slot_ms);
    Timestamp(last - (SLOTS[at] as i64 - 1) * slot_ms)
}

/// Every slot of a picture, from those that were read. A reading stands for the slots it holds for, so that a system that
/// is read seldom has no gaps between its readings.
fn fill(at: usize, now: Timestamp, read: impl Iterator<Item = (Timestamp, u64)>, holds_ms: i64) -> Samples {
    let (from, slot_ms) = (first_slot(at, now), SPANS_S[at] * 1000);
    let mut most = vec![None; SLOTS[at]];
    for (slot, live) in read {
        let first = slot.since(from).div_euclid(slot_ms);
        let last = (slot.since(from) + holds_ms - 1).div_euclid(slot_ms);
        for place in first..=last.max(first) {
            // A later reading writes over what an earlier one held for; slots ahead of now stay empty.
            let ahead = from.plus_ms(place * slot_ms) > now;
            if let Some(cell) = usize::try_from(place).ok().and_then(|p| most.get_mut(p))
                && !ahead
            {
                *cell = Some(live);
            }
        }
    }
    Samples { from, slot_ms, most }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_800_000_300_000);

    fn day(read: &[(i64, u64)], holds_ms: i64) -> Vec<Option<u64>> {
        let slots = read
            .iter()
            .map(|(minutes_ago, n)| (Timestamp(1_800_000_000_000).plus_seconds(-minutes_ago * 60), *n));
        fill(0, NOW, slots, holds_ms).most
    }

    #[test]
    fn a_slot_nobody_read_is_a_gap_and_never_zero() {
        let most = day(&[(30, 7), (0, 0)], 60_000);
        assert_eq!(most.len(), 144);
        assert_eq!(most[140..], [Some(7), None, None, Some(0)]);
        assert!(most[..140].iter().all(Option::is_none));
    }

    #[test]
    fn a_system_read_every_quarter_of_an_hour_has_no_gaps_between_its_readings() {
        let most = day(&[(30, 7), (10, 5)], 1_800_000);
        assert_eq!(most[140..], [Some(7), Some(7), Some(5), Some(5)]);
        // What is older than the picture, or would be ahead of now, is left out.
        assert_eq!(day(&[(24 * 60, 3)], 60_000), vec![None; 144]);
    }
}
