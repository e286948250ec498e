//! What an ending says of itself: never more than was read.

use super::wire::{EndingCounts, EndingState};
use crate::ui::{counted, thousands};

/// The heading of an ending: its result once there is one.
pub fn heading(state: EndingState, counts: &EndingCounts) -> String {
    let all = thousands(counts.wanted);
    let sessions = counted(counts.wanted, "session", "sessions");
    let gone = counts.gone();
    let left = counts.wanted.saturating_sub(gone);
    let result = || match (counts.wanted, gone, left) {
        (1, 1, _) => "The session is gone".to_owned(),
        (1, 0, _) => "The session is not gone".to_owned(),
        (_, _, 0) => format!("All {all} sessions are gone"),
        (_, 0, _) => format!("None of {all} sessions is gone"),
        (_, 1, _) => format!("1 of {all} sessions is gone, {} are not", thousands(left)),
        (_, _, 1) => format!("{} of {all} sessions are gone, 1 is not", thousands(gone)),
        _ => format!(
            "{} of {all} sessions are gone, {} are not",
            thousands(gone),
            thousands(left)
        ),
    };
    match state {
        EndingState::Draft => format!("End {sessions}?"),
        EndingState::Waiting | EndingState::Running => format!("Ending {sessions}"),
        EndingState::Paused => format!("Ending {sessions}: waits for a person"),
        EndingState::Settled => result(),
        EndingState::Cancelled => format!("Stopped. {}", result()),
    }
}

/// The heading of an ending that has not begun: "3 sessions are to end at 06:00 UTC".
pub fn planned_heading(wanted: u64, at: &str) -> String {
    let are = if wanted == 1 { "is" } else { "are" };
    format!("{} {are} to end at {at}", counted(wanted, "session", "sessions"))
}

/// Where an ending stands, in a word or two.
pub const fn state_words(state: EndingState) -> &'static str {
    match state {
        EndingState::Draft => "Preview",
        EndingState::Waiting => "Waiting",
        EndingState::Running => "Running",
        EndingState::Paused => "Paused",
        EndingState::Settled => "Finished",
        EndingState::Cancelled => "Stopped",
    }
}

/// True while something may still change by itself.
pub const fn at_work(state: EndingState) -> bool {
    matches!(
        state,
        EndingState::Waiting | EndingState::Running | EndingState::Paused
    )
}

/// How long it took: "6 min 2 s".
pub fn took(ms: i64) -> String {
    let seconds = (ms.max(0) + 500) / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// How many of what could not be ended are worth another try.
pub const fn worth_a_retry(counts: &EndingCounts) -> u64 {
    counts.not_gone() - counts.unsupported
}

/// What is said aloud of an ending: it changes with each quarter and with the end, and nothing between is worth
/// interrupting for. Empty before the first quarter.
pub fn milestone(state: EndingState, counts: &EndingCounts) -> String {
    if !at_work(state) {
        return heading(state, counts);
    }
    match (counts.settled() * 4).checked_div(counts.wanted).unwrap_or(0) {
        0 => String::new(),
        quarters => format!(
            "{} % of {} settled",
            quarters.min(4) * 25,
            thousands(counts.wanted)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(ended: u64, still_there: u64, wanted: u64) -> EndingCounts {
        EndingCounts {
            wanted,
            ended,
            still_there,
            waiting: wanted - ended - still_there,
            ..EndingCounts::default()
        }
    }

    #[test]
    fn ui_f2_the_heading_says_what_is_not_gone() {
        use EndingState::{Cancelled, Paused, Running, Settled};
        for (state, counts, words) in [
            (Running, counts(3, 0, 412), "Ending 412 sessions"),
            (Running, counts(1, 0, 1), "Ending 1 session"),
            (
                Paused,
                counts(3, 0, 412),
                "Ending 412 sessions: waits for a person",
            ),
            (
                Settled,
                counts(385, 27, 412),
                "385 of 412 sessions are gone, 27 are not",
            ),
            (
                Settled,
                counts(411, 1, 412),
                "411 of 412 sessions are gone, 1 is not",
            ),
            (Settled, counts(412, 0, 412), "All 412 sessions are gone"),
            (Settled, counts(0, 5, 5), "None of 5 sessions is gone"),
            (Settled, counts(1, 0, 1), "The session is gone"),
            (Settled, counts(0, 1, 1), "The session is not gone"),
            (
                Cancelled,
                counts(2, 0, 5),
                "Stopped. 2 of 5 sessions are gone, 3 are not",
            ),
        ] {
            assert_eq!(heading(state, &counts), words);
        }
    }

    #[test]
    fn ui_h4_milestones_change_with_each_quarter_and_the_end_only() {
        use EndingState::{Running, Settled};
        let say = |state, ended| milestone(state, &counts(ended, 0, 100));
        assert_eq!(say(Running, 1), say(Running, 24), "no chatter");
        assert_eq!(say(Running, 26), "25 % of 100 settled");
        assert_eq!(say(Running, 26), say(Running, 49));
        assert_eq!(say(Settled, 100), "All 100 sessions are gone");
        assert_eq!(
            milestone(Running, &EndingCounts::default()),
            "",
            "no division by nothing"
        );
    }

    #[test]
    fn a_retry_leaves_out_what_can_not_be_done() {
        let counts = EndingCounts {
            still_there: 11,
            refused: 9,
            unsupported: 5,
            unknown: 2,
            ..EndingCounts::default()
        };
        assert_eq!(worth_a_retry(&counts), 22);
        assert_eq!(took(362_000), "6 min 2 s");
        assert_eq!(took(-5), "0 s");
    }
}
