//! When an ending begins, and what people are told before.

use serde::{Deserialize, Serialize};

use crate::civil::Civil;
use crate::error::AppError;
use crate::form::{Pairs, Problems};
use crate::wire::Timestamp;

/// Which of the three.
pub const BEGIN: &str = "begin";
/// Minutes from now.
pub const MINUTES: &str = "minutes";
/// A moment.
pub const AT: &str = "at";
/// What people are told.
pub const NOTICE: &str = "notice";

/// Longest time ahead, minutes: the set is frozen when the preview opens, and grows old.
pub const MOST_MINUTES: i64 = 24 * 60;
/// Longest notice, characters.
pub const LONGEST_NOTICE: usize = 500;

/// When an ending is to begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Begin {
    /// When it is confirmed, or approved.
    #[default]
    Now,
    /// So many minutes after it was confirmed, or approved.
    In(i64),
    /// At this moment; one that has passed by the time of an approval is now.
    At(Timestamp),
}

impl Begin {
    /// Reads the part of a form that says when; `offset_min` is the zone its times are in, minutes east of UTC.
    pub fn read(pairs: &[(String, String)], offset_min: i32) -> Result<Begin, AppError> {
        let pairs = Pairs(pairs);
        let mut problems = Problems::default();
        let begin = match pairs.text(BEGIN) {
            "" | "now" => Begin::Now,
            "in" => match pairs.text(MINUTES).parse() {
                Ok(minutes) => Begin::In(minutes),
                Err(_) => {
                    problems.add(MINUTES, format!("Write minutes, 1 to {MOST_MINUTES}."));
                    Begin::Now
                }
            },
            "at" => match Civil::parse(pairs.text(AT)) {
                Some(civil) => Begin::At(civil.timestamp(offset_min)),
                None => {
                    problems.add(AT, "Write a date and time, as 2026-11-30 06:00.");
                    Begin::Now
                }
            },
            other => {
                problems.add(BEGIN, format!("“{other}” is not a way to begin: now, in or at."));
                Begin::Now
            }
        };
        problems.or(begin)
    }
}

/// The words people see: `{time}` stands for when it begins.
pub fn seen_words(text: &str, at: Timestamp, now: Timestamp) -> String {
    let (c, today) = (Civil::at(at, 0), Civil::at(now, 0));
    let clock = format!("{:02}:{:02} UTC", c.hour, c.minute);
    let time = match (c.year, c.month, c.day) == (today.year, today.month, today.day) {
        true => clock,
        false => format!("{clock} on {} {}", c.day, c.month_name()),
    };
    text.replace("{time}", &time)
}

/// Who would tell people of an ending that begins later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Hosts of the webhooks that take notices to people.
    pub receivers: Vec<String>,
    /// Some of the sessions are in Curfew, which shows a notice on its own pages.
    pub here: bool,
}

impl Told {
    /// Whether anybody would be told at all.
    pub fn anybody(&self) -> bool {
        self.here || !self.receivers.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Begin, AppError> {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Begin::read(&pairs, 0)
    }

    #[test]
    fn when_is_read_from_what_was_chosen_alone() {
        let all = |begin| [(BEGIN, begin), (MINUTES, "12"), (AT, "2026-11-30T06:00")];
        assert_eq!(read(&all("now")), Ok(Begin::Now));
        assert_eq!(read(&all("in")), Ok(Begin::In(12)));
        assert_eq!(read(&all("at")), Ok(Begin::At(Timestamp(1_796_018_400_000))));
        assert_eq!(read(&[]), Ok(Begin::Now), "a form without the choice");
    }

    #[test]
    fn people_see_the_time_in_their_words() {
        let at = Timestamp(1_796_018_400_000);
        let text = "Over at {time}. Save before {time}.";
        let today = seen_words(text, at, at.plus_seconds(-3_600));
        assert_eq!(today, "Over at 06:00 UTC. Save before 06:00 UTC.");
        let the_day_before = seen_words("At {time}.", at, at.plus_seconds(-80_000));
        assert_eq!(the_day_before, "At 06:00 UTC on 30 Nov.");
        assert_eq!(seen_words("Soon {x}", at, at), "Soon {x}");
    }

    #[test]
    fn what_can_not_be_read_is_named_and_is_never_now() {
        let field = |pairs: &[(&str, &str)]| match read(pairs) {
            Err(AppError::Invalid { problems }) => problems[0].field.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(field(&[(BEGIN, "in"), (MINUTES, "soon")]), MINUTES);
        assert_eq!(field(&[(BEGIN, "at"), (AT, "")]), AT);
        assert_eq!(field(&[(BEGIN, "later")]), BEGIN);
    }
}
