//! What to do with one session of an ending: ask, look again, or say what became of it.
//!
//! An outcome follows from what a *reading* shows, never from what the system answered. [`before_asking`] decides with
//! the reading taken before anything is asked, [`after_asking`] with the one taken after.

use app::endings::wire::Outcome;
use app::wire::Timestamp;

/// What a reading shows of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// It is there, and still the same sign-in.
    Same,
    /// Its id is there, but belongs to another account or another start: it is not the session that was chosen.
    Other,
    /// It is not in a complete reading.
    Absent,
    /// It is not there, but the same account has a session of the same start under an id that nobody knew when the set
    /// was frozen: it goes on under a new id.
    Rotated,
    /// It was not met, and the reading was not complete or failed: nothing follows.
    Unsure,
}

/// What the system said to the newest ask. Never an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// It said OK.
    Accepted,
    /// It said that there is no such session.
    NotFound,
    /// It refused.
    Refused,
    /// Nothing readable came back, or we stopped before we could store what did.
    NoAnswer,
}

impl Said {
    /// Stable name: database.
    pub const fn name(self) -> &'static str {
        match self {
            Said::Accepted => "accepted",
            Said::NotFound => "not_found",
            Said::Refused => "refused",
            Said::NoAnswer => "no_answer",
        }
    }

    /// The answer of that name; anything else reads as none.
    pub fn from_name(name: &str) -> Self {
        [Said::Accepted, Said::NotFound, Said::Refused]
            .into_iter()
            .find(|s| s.name() == name)
            .unwrap_or(Said::NoAnswer)
    }
}

/// What is stored of an item, as far as the rules need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Asks so far.
    pub asks: usize,
    /// Answer to the newest ask; means nothing while `asks` is 0.
    pub said: Said,
    /// We stopped before we stored what came of the newest ask: it may never have been sent.
    pub in_doubt: bool,
    /// Readings in a row that told nothing about it.
    pub looks: usize,
    /// It was asked to end under a new id.
    pub rotated: bool,
    /// Whether it may be asked (again).
    pub asking: Asking,
}

/// Whether an item may be asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// It may.
    Open,
    /// Not now: endings are paused.
    Held,
    /// Never again: the ending was stopped, or the right was taken away.
    Over,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask the system to end it (under its new id when it was rotated).
    Ask,
    /// This became of it.
    Settle(Outcome, Why),
    /// Read again at that moment. `told` = the reading told something, so that looking in vain starts anew.
    Wait {
        /// When.
        at: Timestamp,
        /// Whether the reading told something.
        told: bool,
    },
    /// Leave it as it is: it may not be asked now, and may be later.
    Leave,
}

/// Why an outcome was given, for the words beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The outcome says it all.
    Plain,
    /// The system refused, and its own words say why.
    SystemRefused,
    /// The system refused, and it is gone all the same.
    RefusedButGone,
    /// The id belongs to another sign-in now.
    AnotherSignIn,
    /// It was never asked, and the readings told nothing.
    NeverSure,
    /// It was asked, and the readings told nothing.
    NoReadBack,
    /// It was stopped after it had been asked, and it is still there.
    StoppedAsked,
}

impl Why {
    /// Plain words for the item; empty = the outcome says it all.
    pub const fn words(self) -> &'static str {
        match self {
            Why::Plain | Why::SystemRefused => "",
            Why::RefusedButGone => "The system refused, and yet its list does not hold it any more.",
            Why::AnotherSignIn => "The id belongs to another sign-in now, so it was left alone.",
            Why::NeverSure => "The system's list stayed incomplete, so it was not asked.",
            Why::NoReadBack => "It was asked, but the system could not be read again.",
            Why::StoppedAsked => "It was asked before the stop, is still listed, and was not asked again.",
        }
    }
}

/// How often a reading may tell nothing before nobody can know, beyond the pauses between asks.
const MORE_LOOKS: usize = 2;

/// How long until the next look after `looks` that told nothing, seconds: the pauses between asks, then doubled.
fn look_pause(looks: usize, pauses: &[i64]) -> i64 {
    match (pauses.get(looks), pauses.last()) {
        (Some(pause), _) => *pause,
        (None, Some(last)) => last << (looks + 1 - pauses.len()).min(6),
        (None, None) => 30,
    }
}

fn unsure(facts: Facts, pauses: &[i64], now: Timestamp) -> Step {
    if facts.looks >= pauses.len() + MORE_LOOKS {
        let why = if facts.asks == 0 {
            Why::NeverSure
        } else {
            Why::NoReadBack
        };
        return Step::Settle(Outcome::Unknown, why);
    }
    Step::Wait {
        at: now.plus_seconds(look_pause(facts.looks, pauses)),
        told: false,
    }
}

/// Not listed, after it was asked at least once.
const fn gone(facts: Facts) -> Step {
    match (facts.rotated, facts.said) {
        (true, _) => Step::Settle(Outcome::Rotated, Why::Plain),
        (false, Said::NotFound) => Step::Settle(Outcome::AlreadyGone, Why::Plain),
        (false, Said::Refused) => Step::Settle(Outcome::Ended, Why::RefusedButGone),
        (false, Said::Accepted | Said::NoAnswer) => Step::Settle(Outcome::Ended, Why::Plain),
    }
}

/// What follows from the reading taken before asking. `pauses` = seconds after each ask; as many asks as pauses.
pub fn before_asking(facts: Facts, listed: Listed, pauses: &[i64], now: Timestamp) -> Step {
    match listed {
        Listed::Unsure => unsure(facts, pauses, now),
        Listed::Absent if facts.asks == 0 => Step::Settle(Outcome::AlreadyGone, Why::Plain),
        Listed::Other if facts.asks == 0 => Step::Settle(Outcome::Refused, Why::AnotherSignIn),
        Listed::Absent | Listed::Other => gone(facts),
        Listed::Same | Listed::Rotated => match (facts.asks, facts.asking) {
            (1.., _) if matches!(facts.said, Said::Refused) => {
                Step::Settle(Outcome::Refused, Why::SystemRefused)
            }
            (asks, _) if asks >= pauses.len() && !facts.in_doubt => {
                Step::Settle(Outcome::StillThere, Why::Plain)
            }
            (_, Asking::Open) => Step::Ask,
            (_, Asking::Held) => Step::Leave,
            (0, Asking::Over) => Step::Settle(Outcome::Stopped, Why::Plain),
            (_, Asking::Over) => Step::Settle(Outcome::StillThere, Why::StoppedAsked),
        },
    }
}

/// What follows from the reading taken after asking; `facts` include that ask and its answer.
pub fn after_asking(facts: Facts, listed: Listed, pauses: &[i64], now: Timestamp) -> Step {
    match listed {
        Listed::Unsure => unsure(facts, pauses, now),
        Listed::Absent | Listed::Other => gone(facts),
        Listed::Same if matches!(facts.said, Said::Refused) => {
            Step::Settle(Outcome::Refused, Why::SystemRefused)
        }
        // It went on under a new id while we asked for the old one: that one is asked next.
        Listed::Rotated if !facts.rotated => Step::Wait { at: now, told: true },
        Listed::Same | Listed::Rotated => {
            let pause = pauses.get(facts.asks.saturating_sub(1)).or(pauses.last());
            Step::Wait {
                at: now.plus_seconds(pause.copied().unwrap_or(30)),
                told: true,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);
    const PAUSES: [i64; 3] = [2, 8, 30];

    fn facts(asks: usize, said: Said) -> Facts {
        Facts {
            asks,
            said,
            in_doubt: false,
            looks: 0,
            rotated: false,
            asking: Asking::Open,
        }
    }

    fn wait(seconds: i64) -> Step {
        Step::Wait {
            at: NOW.plus_seconds(seconds),
            told: true,
        }
    }

    /// Ten crashes used up the three asks: sessions that no request had ever named were given up as "still there".
    #[test]
    fn an_ask_cut_off_by_a_crash_is_made_again_and_not_counted_as_answered() {
        let last = Facts {
            in_doubt: true,
            ..facts(3, Said::NoAnswer)
        };
        assert_eq!(before_asking(last, Listed::Same, &PAUSES, NOW), Step::Ask);
        let gone = Step::Settle(Outcome::Ended, Why::Plain);
        assert_eq!(before_asking(last, Listed::Absent, &PAUSES, NOW), gone);
        let stopped = Facts {
            asking: Asking::Over,
            ..last
        };
        let left = Step::Settle(Outcome::StillThere, Why::StoppedAsked);
        assert_eq!(before_asking(stopped, Listed::Same, &PAUSES, NOW), left);
    }

    #[test]
    fn what_a_reading_says_before_asking() {
        use Listed::{Absent, Other, Rotated, Same, Unsure};
        use Said::{Accepted, NoAnswer, NotFound, Refused};
        for (asks, said, listed, step) in [
            (0, NoAnswer, Same, Step::Ask),
            (0, NoAnswer, Rotated, Step::Ask),
            (
                0,
                NoAnswer,
                Absent,
                Step::Settle(Outcome::AlreadyGone, Why::Plain),
            ),
            (
                0,
                NoAnswer,
                Other,
                Step::Settle(Outcome::Refused, Why::AnotherSignIn),
            ),
            (
                0,
                NoAnswer,
                Unsure,
                Step::Wait {
                    at: NOW.plus_seconds(2),
                    told: false,
                },
            ),
            (1, Accepted, Absent, Step::Settle(Outcome::Ended, Why::Plain)),
            (1, NoAnswer, Absent, Step::Settle(Outcome::Ended, Why::Plain)),
            (
                1,
                NotFound,
                Absent,
                Step::Settle(Outcome::AlreadyGone, Why::Plain),
            ),
            (
                1,
                Refused,
                Absent,
                Step::Settle(Outcome::Ended, Why::RefusedButGone),
            ),
            (1, Accepted, Other, Step::Settle(Outcome::Ended, Why::Plain)),
            (1, Accepted, Same, Step::Ask),
            (2, NoAnswer, Same, Step::Ask),
            (3, Accepted, Same, Step::Settle(Outcome::StillThere, Why::Plain)),
            (
                1,
                Refused,
                Same,
                Step::Settle(Outcome::Refused, Why::SystemRefused),
            ),
            (
                3,
                Refused,
                Same,
                Step::Settle(Outcome::Refused, Why::SystemRefused),
            ),
        ] {
            assert_eq!(
                before_asking(facts(asks, said), listed, &PAUSES, NOW),
                step,
                "{asks} {said:?} {listed:?}"
            );
        }
    }

    #[test]
    fn what_a_reading_says_after_asking() {
        use Listed::{Absent, Rotated, Same};
        use Said::{Accepted, NoAnswer, NotFound, Refused};
        for (asks, said, listed, step) in [
            (1, Accepted, Absent, Step::Settle(Outcome::Ended, Why::Plain)),
            (1, NoAnswer, Absent, Step::Settle(Outcome::Ended, Why::Plain)),
            (
                1,
                NotFound,
                Absent,
                Step::Settle(Outcome::AlreadyGone, Why::Plain),
            ),
            (1, Accepted, Same, wait(2)),
            (1, NotFound, Same, wait(2)),
            (2, Accepted, Same, wait(8)),
            (3, Accepted, Same, wait(30)),
            (
                1,
                Refused,
                Same,
                Step::Settle(Outcome::Refused, Why::SystemRefused),
            ),
            (1, Accepted, Rotated, wait(0)),
        ] {
            assert_eq!(
                after_asking(facts(asks, said), listed, &PAUSES, NOW),
                step,
                "{asks} {said:?} {listed:?}"
            );
        }
    }

    #[test]
    fn a_new_id_that_was_asked_and_is_gone_is_rotated() {
        let asked = Facts {
            rotated: true,
            ..facts(1, Said::Accepted)
        };
        let rotated = Step::Settle(Outcome::Rotated, Why::Plain);
        assert_eq!(after_asking(asked, Listed::Absent, &PAUSES, NOW), rotated);
        assert_eq!(before_asking(asked, Listed::Absent, &PAUSES, NOW), rotated);
        assert_eq!(after_asking(asked, Listed::Rotated, &PAUSES, NOW), wait(2));
    }

    #[test]
    fn nobody_knows_after_five_readings_that_told_nothing() {
        for asks in [0, 1] {
            let mut facts = facts(asks, Said::NoAnswer);
            let mut waited = Vec::new();
            let end = loop {
                match before_asking(facts, Listed::Unsure, &PAUSES, NOW) {
                    Step::Wait { at, told } => {
                        assert!(!told);
                        waited.push(at.since(NOW) / 1000);
                        facts.looks += 1;
                    }
                    step => break step,
                }
            };
            assert_eq!(waited, [2, 8, 30, 60, 120]);
            let why = if asks == 0 {
                Why::NeverSure
            } else {
                Why::NoReadBack
            };
            assert_eq!(end, Step::Settle(Outcome::Unknown, why));
        }
    }

    #[test]
    fn what_may_not_be_asked_is_left_but_still_read_back() {
        for (asks, asking, still_listed) in [
            (0, Asking::Held, Step::Leave),
            (1, Asking::Held, Step::Leave),
            (0, Asking::Over, Step::Settle(Outcome::Stopped, Why::Plain)),
            (
                1,
                Asking::Over,
                Step::Settle(Outcome::StillThere, Why::StoppedAsked),
            ),
        ] {
            let facts = Facts {
                asking,
                ..facts(asks, Said::Accepted)
            };
            assert_eq!(before_asking(facts, Listed::Same, &PAUSES, NOW), still_listed);
            let outcome = if asks == 0 {
                Outcome::AlreadyGone
            } else {
                Outcome::Ended
            };
            let gone = Step::Settle(outcome, Why::Plain);
            assert_eq!(before_asking(facts, Listed::Absent, &PAUSES, NOW), gone);
        }
    }

    /// The promise: "ended" only when a complete reading, or one in which the id is somebody else's, did not hold it
    /// after it was asked.
    #[test]
    fn ui_f2_nothing_is_called_gone_unless_a_reading_did_not_hold_it() {
        for asks in 0..5 {
            for said in [Said::Accepted, Said::NotFound, Said::Refused, Said::NoAnswer] {
                for looks in 0..8 {
                    for rotated in [false, true] {
                        for asking in [Asking::Open, Asking::Held, Asking::Over] {
                            let facts = Facts {
                                asks,
                                said,
                                // Only where no answer is stored can there be a doubt.
                                in_doubt: asks > 0 && said == Said::NoAnswer,
                                looks,
                                rotated,
                                asking,
                            };
                            for listed in [Listed::Same, Listed::Rotated, Listed::Unsure] {
                                for step in [
                                    before_asking(facts, listed, &PAUSES, NOW),
                                    after_asking(facts, listed, &PAUSES, NOW),
                                ] {
                                    if let Step::Settle(outcome, _) = step {
                                        assert!(!outcome.gone(), "{facts:?} {listed:?} {outcome:?}");
                                    }
                                }
                            }
                            if asks == 0 {
                                let step = before_asking(facts, Listed::Absent, &PAUSES, NOW);
                                assert_eq!(step, Step::Settle(Outcome::AlreadyGone, Why::Plain));
                            }
                        }
                    }
                }
            }
        }
    }
}
