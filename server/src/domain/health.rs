//! How far the rows of a system can be trusted, from what became of its readings.

use app::systems::wire::Health;
use app::wire::Timestamp;

/// What is known of a system's readings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Readings {
    /// Stands in the settings.
    pub configured: bool,
    /// A person paused it.
    pub paused: bool,
    /// When the newest complete reading began; `None` = never read whole.
    pub complete_at: Option<Timestamp>,
    /// The newest reading was refused: our identity is not accepted, or not allowed.
    pub refused: bool,
    /// The newest reading got no answer, however often it was tried.
    pub unreachable: bool,
    /// Since when readings fail or are not whole; `None` = the newest one was complete, or there was none.
    pub failing_since: Option<Timestamp>,
}

/// Limits of trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trust {
    /// Seconds between readings.
    pub every_s: i64,
    /// Rounds after which rows are stale.
    pub stale_rounds: i64,
    /// A system not read whole for so long has failed, seconds.
    pub failed_after_s: i64,
}

/// The health now. A system that was never read and has not failed yet is stale: nothing is known.
pub fn health(readings: &Readings, trust: Trust, now: Timestamp) -> Health {
    if !readings.configured || readings.paused {
        return Health::Off;
    }
    if readings.refused {
        return Health::Failed;
    }
    let Some(complete_at) = readings.complete_at else {
        return match readings.failing_since {
            Some(_) => Health::Failed,
            None => Health::Stale,
        };
    };
    let age_ms = now.since(complete_at);
    // A slow system's rounds are longer than 15 minutes: then its own rounds count.
    let stale_ms = trust
        .every_s
        .saturating_mul(trust.stale_rounds)
        .saturating_mul(1000);
    let failed_ms = trust.failed_after_s.saturating_mul(1000).max(stale_ms);
    if age_ms > failed_ms {
        Health::Failed
    } else if age_ms > stale_ms || readings.unreachable {
        Health::Stale
    } else {
        Health::Live
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUST: Trust = Trust {
        every_s: 30,
        stale_rounds: 3,
        failed_after_s: 900,
    };
    const NOW: Timestamp = Timestamp(1_900_000_000_000);

    fn read(ago_s: i64) -> Readings {
        Readings {
            configured: true,
            complete_at: Some(NOW.plus_seconds(-ago_s)),
            ..Readings::default()
        }
    }

    #[test]
    fn rows_are_live_for_three_rounds_then_stale_then_failed() {
        let cases = [
            (0, Health::Live),
            (30, Health::Live),
            (90, Health::Live),
            (91, Health::Stale),
            (900, Health::Stale),
            (901, Health::Failed),
        ];
        for (ago_s, expected) in cases {
            assert_eq!(health(&read(ago_s), TRUST, NOW), expected, "{ago_s} s ago");
        }
    }

    #[test]
    fn one_failed_reading_does_not_yet_make_fresh_rows_untrustworthy() {
        let readings = Readings {
            failing_since: Some(NOW.plus_seconds(-10)),
            ..read(40)
        };
        assert_eq!(health(&readings, TRUST, NOW), Health::Live);
    }

    #[test]
    fn a_system_that_does_not_answer_is_stale_at_once() {
        for (ago_s, expected) in [(40, Health::Stale), (901, Health::Failed)] {
            let readings = Readings {
                unreachable: true,
                failing_since: Some(NOW.plus_seconds(-10)),
                ..read(ago_s)
            };
            assert_eq!(health(&readings, TRUST, NOW), expected, "{ago_s} s ago");
        }
    }

    #[test]
    fn a_refused_identity_is_failed_at_once() {
        let readings = Readings {
            refused: true,
            ..read(5)
        };
        assert_eq!(health(&readings, TRUST, NOW), Health::Failed);
    }

    #[test]
    fn never_read_is_stale_until_a_reading_failed() {
        let never = Readings {
            configured: true,
            ..Readings::default()
        };
        assert_eq!(health(&never, TRUST, NOW), Health::Stale);
        let failing = Readings {
            failing_since: Some(NOW),
            ..never
        };
        assert_eq!(health(&failing, TRUST, NOW), Health::Failed);
    }

    #[test]
    fn paused_or_taken_out_is_off_whatever_else() {
        let paused = Readings {
            paused: true,
            refused: true,
            ..read(5)
        };
        assert_eq!(health(&paused, TRUST, NOW), Health::Off);
        let out = Readings {
            configured: false,
            ..read(5)
        };
        assert_eq!(health(&out, TRUST, NOW), Health::Off);
    }

    #[test]
    fn a_system_read_once_an_hour_is_not_failed_between_its_rounds() {
        let hourly = Trust {
            every_s: 3600,
            ..TRUST
        };
        assert_eq!(health(&read(3000), hourly, NOW), Health::Live);
        assert_eq!(health(&read(10_900), hourly, NOW), Health::Failed);
    }
}
