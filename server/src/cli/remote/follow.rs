//! An ending, from confirmed to settled, and what is said of it in the end.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use tokio::time::Instant;

use super::http::Api;
use super::table::{Table, plain};
use super::{Exit, Failure, json_line};
use crate::http::api::wire::EndingState;
use crate::http::api::wire::endings::{Counts, Ending, Item, ItemList};
use crate::http::api::wire::previews::LeftOut;
use crate::http::api::wire::sessions::CannotEndWhy;

/// How long an ending is waited for unless something else is said, seconds: three asks take 40.
pub const PATIENCE_S: u64 = 120;
/// Sessions that are named when they are left; programs get all of them.
const NAMED: usize = 50;

/// What of the asked never became part of the ending.
#[derive(Debug, Default, Serialize)]
pub struct Outside {
    /// Left out by a rule, at most 200.
    pub left_out: Vec<LeftOut>,
    /// How many were left out.
    pub left_out_count: u64,
    /// Ids that name no session the token may see.
    pub unknown_keys: u64,
}

impl Outside {
    /// How many of them may still be there. Who is not live any more is not, and the connection by which Curfew itself
    /// reads a system is nobody's session.
    pub fn left(&self) -> u64 {
        let of_no_account =
            |row: &&LeftOut| matches!(row.why.why, CannotEndWhy::NotLive | CannotEndWhy::OwnConnection);
        let harmless = self.left_out.iter().filter(of_no_account).count() as u64;
        self.left_out_count.saturating_sub(harmless) + self.unknown_keys
    }

    /// Names them on standard output; nothing where there are none.
    pub fn print(&self) {
        if self.left_out_count > 0 {
            println!("{} left out:", app::ui::thousands(self.left_out_count));
            let mut table = Table::new(&["PERSON", "ACCOUNT", "SYSTEM", "WHY"]);
            for row in self.left_out.iter().take(NAMED) {
                table.row(vec![
                    row.person.clone(),
                    row.account_name.clone(),
                    row.system_name.clone(),
                    row.why.words.clone(),
                ]);
            }
            table.print();
        }
        if self.unknown_keys > 0 {
            println!(
                "{} of the ids name no session that this token may see.",
                app::ui::thousands(self.unknown_keys)
            );
        }
    }
}

/// Whether every session of it has an outcome.
fn settled(ending: &Ending) -> bool {
    let over = matches!(ending.state, EndingState::Settled | EndingState::Cancelled);
    over && ending.counts.waiting + ending.counts.asked == 0
}

/// Reads the ending until it is settled, at longest for `patience`; then it comes back as it stands.
pub async fn until_settled(
    api: &Api,
    ending_no: i64,
    patience: Duration,
    json: bool,
) -> Result<Ending, Failure> {
    let began = Instant::now();
    let no = ending_no.to_string();
    let mut progress = None;
    let mut pause = Duration::from_millis(300);
    loop {
        let ending: Ending = match api.get(&["endings", &no], &[]).await {
            Ok(ending) => ending,
            // The portal goes on with it; so does whoever waits.
            Err(Failure::NoAnswer(_)) if began.elapsed() < patience => continue,
            Err(failure) => return Err(failure),
        };
        if settled(&ending) || began.elapsed() >= patience {
            return Ok(ending);
        }
        if !json {
            progress
                .get_or_insert_with(|| Progress::new(ending_no))
                .show(&ending);
        }
        tokio::time::sleep(pause.min(patience.saturating_sub(began.elapsed()))).await;
        pause = (pause * 3 / 2).min(Duration::from_secs(2));
    }
}

/// A bar on a terminal; elsewhere a line whenever something changed.
struct Progress {
    ending_no: i64,
    bar: ProgressBar,
    told: String,
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Progress {
    fn new(ending_no: i64) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        Self {
            ending_no,
            bar,
            told: String::new(),
        }
    }

    fn show(&mut self, ending: &Ending) {
        let counts = &ending.counts;
        let words = match &ending.pause_why {
            Some(why) => format!("waits: {}", plain(why)),
            None => format!(
                "{} gone, {} not gone, {} to be read back",
                counts.gone, counts.not_gone, counts.asked
            ),
        };
        if self.bar.is_hidden() {
            let line = format!("Ending {}: {words} of {}", self.ending_no, counts.wanted);
            if line != self.told {
                eprintln!("{line}");
                self.told = line;
            }
        } else {
            self.bar.set_length(counts.wanted);
            self.bar.set_position(counts.gone + counts.not_gone);
            self.bar.set_message(words);
        }
    }
}

/// What became of an ending, for programs.
#[derive(Serialize)]
struct Report<'a> {
    ending: &'a Ending,
    /// Sessions with an outcome that are not gone, and those that came back.
    left: &'a [Item],
    outside: &'a Outside,
    /// The exit status.
    exit: u8,
}

/// Says what became of an ending and what is left; 0 only where nothing is.
pub async fn report(
    api: &Api,
    outside: Option<Outside>,
    ending: Ending,
    json: bool,
) -> Result<Exit, Failure> {
    let outside = outside.unwrap_or_default();
    let exit = verdict(&ending, &outside);
    let most = if json { usize::MAX } else { NAMED };
    let mut left = Vec::new();
    if ending.counts.not_gone > 0 {
        left.extend(items(api, ending.ending_no, "could_not", most).await?);
    }
    if ending.counts.returned > 0 {
        left.extend(items(api, ending.ending_no, "returned", most).await?);
    }
    if json {
        json_line(&Report {
            ending: &ending,
            left: &left,
            outside: &outside,
            exit: exit as u8,
        })?;
        return Ok(exit);
    }
    print(&ending, &left, &outside);
    if exit == Exit::NotSettled {
        eprintln!(
            "curfew: not settled yet. The portal goes on with it: curfew endings show {} --follow",
            ending.ending_no
        );
    }
    Ok(exit)
}

fn verdict(ending: &Ending, outside: &Outside) -> Exit {
    let counts = &ending.counts;
    if !settled(ending) {
        Exit::NotSettled
    } else if counts.gone == counts.wanted
        && counts.returned == 0
        && !ending.partial_view
        && outside.left() == 0
    {
        Exit::Done
    } else {
        Exit::Left
    }
}

async fn items(api: &Api, ending_no: i64, only: &str, most: usize) -> Result<Vec<Item>, Failure> {
    let no = ending_no.to_string();
    let only = ("only".to_owned(), only.to_owned());
    let mut found = Vec::new();
    let mut query = vec![only.clone()];
    loop {
        let page: ItemList = api.get(&["endings", &no, "items"], &query).await?;
        found.extend(page.items);
        match page.next_cursor {
            Some(cursor) if found.len() < most => query = vec![only.clone(), ("cursor".to_owned(), cursor)],
            _ => break,
        }
    }
    found.truncate(most);
    Ok(found)
}

/// Outcomes with how many sessions have them, in the house's words.
fn outcomes(counts: &Counts) -> [(&'static str, u64); 11] {
    use app::endings::wire::Outcome;
    [
        ("Not yet sent", counts.waiting),
        ("Asked, not read back", counts.asked),
        (Outcome::Ended.label(), counts.ended),
        (Outcome::Rotated.label(), counts.rotated),
        (Outcome::AlreadyGone.label(), counts.already_gone),
        (Outcome::StillThere.label(), counts.still_there),
        (Outcome::Refused.label(), counts.refused),
        (Outcome::Unsupported.label(), counts.unsupported),
        (Outcome::Unknown.label(), counts.unknown),
        (Outcome::Stopped.label(), counts.stopped),
        ("Came back", counts.returned),
    ]
}

fn print(ending: &Ending, left: &[Item], outside: &Outside) {
    let counts = &ending.counts;
    println!(
        "Ending {} ({}): {} of {} gone.",
        ending.ending_no,
        ending.state.ours().name(),
        app::ui::thousands(counts.gone),
        app::ui::thousands(counts.wanted)
    );
    if let Some(why) = &ending.pause_why {
        println!("It waits: {}", plain(why));
    }
    let mut table = Table::new(&["OUTCOME", "SESSIONS"]);
    for (label, sessions) in outcomes(counts).into_iter().filter(|(_, n)| *n > 0) {
        table.row(vec![label.to_owned(), app::ui::thousands(sessions)]);
    }
    table.print();
    for cause in &ending.causes {
        println!(
            "{} {} in {}: {} {}",
            app::ui::thousands(cause.count),
            cause.outcome.ours().label(),
            plain(&cause.system_name),
            plain(&cause.words),
            plain(&cause.next_step)
        );
    }
    if !left.is_empty() {
        println!("Left:");
        let mut table = Table::new(&["PERSON", "ACCOUNT", "SYSTEM", "ID", "OUTCOME", "DETAIL"]);
        for item in left {
            let came_back = item.returned_at.is_some();
            let outcome = item.outcome.map_or("", |o| o.ours().label());
            table.row(vec![
                item.person.clone(),
                item.account_name.clone(),
                item.system_name.clone(),
                format!("…{}", item.handle_hint),
                if came_back { "Came back" } else { outcome }.to_owned(),
                item.detail.clone(),
            ]);
        }
        table.print();
    }
    if ending.partial_view {
        println!("It has sessions that this token may not see: the numbers are over the others.");
    }
    outside.print();
}
