//! The pages of endings: the preview, the list, one ending with what became of each session.

use std::collections::BTreeMap;

use app::access::wire::Permission;
use app::endings::wire::{
    Cause, EndingBrief, EndingCounts, EndingItemRow, EndingPage, EndingState, EndingSystem, EndingsPage,
    ItemFilter, Outcome, PausedBy, Preview, PreviewLeftOut, PreviewPerson, PreviewSystem, Technical,
};
use app::error::AppError;
use app::sessions::wire::{CannotEnd, SessionKind, person_shown};
use app::systems::wire::Health;
use app::wire::{EndingId, SessionKey, SystemId, Timestamp};

use super::Endings;
use super::confirm::Way;
use super::plan;
use super::since::signed_in_since;
use super::store::{self, EndingRow, show};
use crate::caller::Caller;
use crate::changes::{self, topic};
use crate::db::Conn;
use crate::domain::ending::Said;
use crate::domain::grant::About;
use crate::error::Error;

/// People named in a preview.
const PEOPLE: i64 = 50;
/// People named in a preview that is to name everybody.
const EVERYBODY: i64 = 10_000;
/// Left-out rows named in a preview.
const LEFT_OUT: i64 = 200;
/// Endings on a page of the list.
const ENDINGS: u64 = 50;
/// Items on a page of an ending.
const ITEMS: u64 = 100;

pub(super) type Names = BTreeMap<SystemId, String>;

pub(super) fn reader(caller: &Caller, now: Timestamp) -> show::Reader {
    show::Reader {
        id: caller.id.0.clone(),
        scope: caller.visible(Permission::SeeSessions, now),
    }
}

/// A confirmed ending by its number; 404 when nothing of it is the caller's to know.
pub(super) async fn known(
    conn: &mut Conn,
    caller: &Caller,
    ending_no: i64,
    now: Timestamp,
) -> Result<EndingRow, Error> {
    let missing = || Error::App(AppError::not_found("ending"));
    let row = store::by_no(conn, ending_no).await?.ok_or_else(missing)?;
    if show::may_know(conn, &reader(caller, now), &row).await? {
        Ok(row)
    } else {
        Err(missing())
    }
}

pub(super) fn name_of(names: &Names, system: &str) -> String {
    names
        .get(&SystemId::from(system))
        .cloned()
        .unwrap_or_else(|| system.to_owned())
}

fn kind(name: &str) -> SessionKind {
    SessionKind::from_name(name).unwrap_or(SessionKind::Other)
}

/// Rows that are not part of an ending, the first of them.
pub(super) async fn left_out(
    conn: &mut Conn,
    caller: &Caller,
    ending: &EndingId,
    names: &Names,
) -> Result<Vec<PreviewLeftOut>, Error> {
    let rows = show::left_out(conn, ending, LEFT_OUT).await?;
    Ok(rows
        .into_iter()
        .map(|r| PreviewLeftOut {
            session_key: SessionKey(r.session_key),
            person: person_shown(
                &r.display_name,
                &r.account_name,
                kind(&r.kind),
                r.person_doubt.as_deref(),
            ),
            person_doubt: r.person_doubt,
            account_name: r.account_name,
            system_name: name_of(names, &r.system_id),
            why: why_left_out(&r.left_out, r.detail, caller),
        })
        .collect())
}

/// Adds items of one state and outcome to the counts.
pub(super) fn add(counts: &mut EndingCounts, tally: &show::Tally) {
    let items = tally.items.unsigned_abs();
    counts.wanted += items;
    counts.returned += tally.returned.unsigned_abs();
    let field = match (
        tally.outcome.as_deref().and_then(Outcome::from_name),
        tally.state.as_str(),
    ) {
        (None, "asked") => &mut counts.asked,
        (None, _) => &mut counts.waiting,
        (Some(Outcome::Ended), _) => &mut counts.ended,
        (Some(Outcome::Rotated), _) => &mut counts.rotated,
        (Some(Outcome::AlreadyGone), _) => &mut counts.already_gone,
        (Some(Outcome::StillThere), _) => &mut counts.still_there,
        (Some(Outcome::Refused), _) => &mut counts.refused,
        (Some(Outcome::Unsupported), _) => &mut counts.unsupported,
        (Some(Outcome::Unknown), _) => &mut counts.unknown,
        (Some(Outcome::Stopped), _) => &mut counts.stopped,
    };
    *field += items;
}

/// What to do about an outcome that is not "gone".
const fn next_step(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::StillThere => {
            "Try again; if it stays, ask the owner of the system, since it says OK and does nothing."
        }
        Outcome::Refused => "Ask the owner of the system, or try again when the cause is gone.",
        Outcome::Unsupported => "Use what the system offers instead.",
        Outcome::Unknown => "Look at the list when the system answers again, then try again.",
        Outcome::Stopped => "Try again if it is still wanted.",
        Outcome::Ended | Outcome::AlreadyGone | Outcome::Rotated => "",
    }
}

/// The cause in words where the item has none of its own.
const fn cause_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::StillThere => "The system said OK each time and still lists the session.",
        Outcome::Refused => "The system refused.",
        Outcome::Unsupported => "This system can't end single sessions.",
        Outcome::Unknown => "The system did not answer, and could not be read again.",
        Outcome::Stopped => "It was stopped before the system was asked.",
        Outcome::Ended | Outcome::AlreadyGone | Outcome::Rotated => "",
    }
}

impl Endings {
    /// The preview, for who made it and for who can be its second person.
    pub(super) async fn preview(
        &self,
        caller: &Caller,
        ending: &EndingId,
        everybody: bool,
    ) -> Result<Preview, Error> {
        let now = self.now();
        let mut conn = self.parts.db.read().await?;
        let (row, asked_by) = self.preview_row(&mut conn, caller, ending, now).await?;
        let briefs = self.parts.systems.briefs(&mut conn, caller).await?;
        let proven = self.parts.systems.proven(&mut conn).await?;
        let names = self.parts.systems.names(&mut conn).await?;
        let shares = show::draft_systems(&mut conn, ending).await?;
        let kinds = show::draft_kinds(&mut conn, ending).await?;
        let mut residual_s = None;
        let mut by_system = Vec::with_capacity(shares.len());
        for share in &shares {
            let system_id = SystemId::from(share.system_id.as_str());
            let brief = briefs.iter().find(|b| b.system_id == system_id);
            let effect = self.parts.systems.connected(&system_id).map(|c| c.guard.effect());
            if let Some(residual) = effect.as_ref().and_then(|e| e.residual) {
                let own = kinds.iter().filter(|(system, _)| *system == share.system_id);
                let own = own.filter_map(|(_, kind)| SessionKind::from_name(kind));
                residual_s = residual_s.max(own.filter_map(|kind| residual.seconds_of(kind)).max());
            }
            let (takes_effect, survives) =
                effect.map_or_else(Default::default, |e| (e.takes_effect, e.survives));
            by_system.push(PreviewSystem {
                system_name: name_of(&names, &share.system_id),
                sessions: share.items.unsigned_abs(),
                people: share.people.unsigned_abs(),
                stale: brief.is_none_or(|b| b.health != Health::Live),
                read_at: brief.and_then(|b| b.read_at),
                takes_effect,
                survives: if survives.is_empty() {
                    "Nothing known".to_owned()
                } else {
                    survives
                },
                without_effect: share.without_effect.unsigned_abs(),
                past_limit: share.past_limit.unsigned_abs(),
                proven_at: proven.get(&system_id).copied(),
                unproven: brief.and_then(|b| b.unproven.clone()),
                first: share.stage < row.last_stage,
                system_id,
            });
        }
        by_system.sort_by(|a, b| {
            b.first
                .cmp(&a.first)
                .then_with(|| b.sessions.cmp(&a.sessions))
                .then_with(|| a.system_name.cmp(&b.system_name))
        });

        let people =
            show::draft_people(&mut conn, ending, if everybody { EVERYBODY } else { PEOPLE }).await?;
        let where_signed_in = show::draft_person_systems(&mut conn, ending).await?;
        let mut systems_of: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        for (who, named, system) in where_signed_in {
            systems_of
                .entry((who, named))
                .or_default()
                .push(name_of(&names, &system));
        }
        let by_person = people
            .into_iter()
            .map(|p| PreviewPerson {
                systems: systems_of.remove(&(p.who, p.named.clone())).unwrap_or_default(),
                person: match p.named.as_str() {
                    "guest" if p.account_name.is_empty() => "Guests".to_owned(),
                    _ => person_shown(
                        &p.display_name,
                        &p.account_name,
                        SessionKind::Other,
                        p.person_doubt.as_deref(),
                    ),
                },
                person_doubt: p.person_doubt,
                account_name: p.account_name,
                sessions: p.items.unsigned_abs(),
                oldest_at: show::moment(p.oldest),
            })
            .collect();
        let left_out = left_out(&mut conn, caller, ending, &names).await?;
        let approval = self.approval_of(&mut conn, caller, &row, now).await?;
        // Somebody else's preview is theirs to confirm.
        let open = row.ending_no.is_none() && asked_by.is_none();
        let (blocked, second_person) = match open {
            false => (None, None),
            true => match self.way(&mut conn, caller, &row, now).await? {
                Way::Alone => (None, None),
                Way::SecondPerson(second) => (None, Some(second)),
                Way::Blocked(words) => (Some(words), None),
            },
        };
        let quota = self.quota(&mut conn, caller, now).await?;
        let paused = store::pause(&mut conn).await?.is_some();
        let told = self.told(shares.iter().map(|s| s.system_id.as_str()));
        Ok(Preview {
            now,
            frozen_at: Timestamp(row.created_at),
            expires_at: Timestamp(row.expires_at),
            sessions: row.item_count.unsigned_abs(),
            people: row.person_count.unsigned_abs(),
            oldest_at: show::moment(shares.iter().filter_map(|s| s.oldest).min()),
            newest_at: show::moment(shares.iter().filter_map(|s| s.newest).max()),
            in_effect_at: residual_s.map(|s| now.plus_seconds(s)),
            by_system,
            by_person,
            left_out,
            left_out_count: row.left_out_count.unsigned_abs(),
            gone_since: shares.iter().map(|s| s.gone.unsigned_abs()).sum(),
            type_number: self.type_number(&row),
            ticket_required: self.parts.rules.ticket_required,
            blocked,
            second_person,
            approval,
            asked_by,
            quota_left: quota.map(|q| q.left),
            includes_own: row.include_own == 1,
            includes_protected: row.include_protected == 1,
            may_force: caller.authorize_somewhere(Permission::ForceEnd, now).is_ok(),
            paused,
            ending_no: row.ending_no,
            ending_id: row.id(),
            begin: plan::of(&row),
            notice: row.notice.unwrap_or_default(),
            told,
            back_query: row.query,
        })
    }

    /// The list of endings, as far as the caller may know of them.
    pub(super) async fn endings_page(
        &self,
        caller: &Caller,
        cursor: Option<String>,
    ) -> Result<EndingsPage, Error> {
        let now = self.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let before = match cursor.filter(|c| !c.is_empty()) {
            Some(text) => Some(text.parse::<i64>().map_err(|_| {
                AppError::invalid(
                    "after",
                    "This page of the list does not exist. Go back to its start.",
                )
            })?),
            None => None,
        };
        let reader = reader(caller, now);
        let mut conn = self.parts.db.read().await?;
        let mut rows = show::endings(&mut conn, &reader, before, ENDINGS + 1).await?;
        let more = rows.len() as u64 > ENDINGS;
        rows.truncate(ENDINGS as usize);
        let paused = store::pause(&mut conn).await?;
        let mut endings = Vec::with_capacity(rows.len());
        for row in &rows {
            let tally = show::tally(&mut conn, &reader, row).await?;
            endings.push(brief(row, paused.is_some(), &tally));
        }
        Ok(EndingsPage {
            now,
            next: rows
                .last()
                .filter(|_| more)
                .and_then(|r| r.ending_no)
                .map(|no| no.to_string()),
            endings,
            waiting: self.waiting_approvals(&mut conn, caller, now).await?,
            paused: paused.map(paused_by),
            may_pause: caller
                .authorize(Permission::ManageSystems, About::Portal, now)
                .is_ok(),
        })
    }

    /// The newest ending at work that the caller may know of, for the frame of every page: its number, how many of its
    /// sessions have an outcome, how many it is to end.
    pub async fn running(&self, caller: &Caller, now: Timestamp) -> Result<Option<(i64, u64, u64)>, Error> {
        let reader = reader(caller, now);
        let mut conn = self.parts.db.read().await?;
        let Some(row) = show::newest_open(&mut conn, &reader, now).await? else {
            return Ok(None);
        };
        let tally = show::tally(&mut conn, &reader, &row).await?;
        let brief = brief(&row, false, &tally);
        Ok(Some((
            brief.ending_no,
            brief.counts.settled(),
            brief.counts.wanted,
        )))
    }

    /// Settled items by outcome, and when the oldest ending still open was confirmed: for metrics.
    pub async fn numbers(&self) -> Result<(Vec<(String, i64)>, Option<Timestamp>), Error> {
        let mut conn = self.parts.db.read().await?;
        Ok((
            show::outcomes(&mut conn).await?,
            show::oldest_open(&mut conn).await?,
        ))
    }

    /// The global pause; `None` = endings run.
    pub async fn paused(&self, conn: &mut Conn) -> Result<Option<PausedBy>, Error> {
        Ok(store::pause(conn).await?.map(paused_by))
    }

    /// One ending.
    pub(super) async fn ending_page(
        &self,
        caller: &Caller,
        ending_no: i64,
        only: Option<ItemFilter>,
        cursor: Option<String>,
    ) -> Result<EndingPage, Error> {
        let now = self.now();
        let after = match cursor.filter(|c| !c.is_empty()) {
            Some(text) => Some(show::read_cursor(&text).ok_or_else(|| {
                AppError::invalid(
                    "after",
                    "This page of the list does not exist. Go back to its start.",
                )
            })?),
            None => None,
        };
        let mut conn = self.parts.db.read().await?;
        let row = known(&mut conn, caller, ending_no, now).await?;
        // Before the items: what changes while we read is read again by whoever follows the topic.
        let version = changes::version(&mut conn, &topic::ending(&row.id())).await?;
        let reader = reader(caller, now);
        let names = self.parts.systems.names(&mut conn).await?;
        let paused = store::pause(&mut conn).await?;
        let tally = show::tally(&mut conn, &reader, &row).await?;
        let brief = brief(&row, paused.is_some(), &tally);
        let sees_first = tally.iter().any(|part| part.stage < row.last_stage);
        let mut items = show::items(&mut conn, &reader, &row, only, after, ITEMS + 1).await?;
        let more = items.len() as u64 > ITEMS;
        items.truncate(ITEMS as usize);
        let next = items
            .last()
            .filter(|_| more)
            .map(|i| show::write_cursor(i.changed_at, &i.session_key));
        let causes = show::causes(&mut conn, &reader, &row).await?;
        let pause_why = row.pause_why.clone().or_else(|| {
            paused
                .filter(|_| brief.state == EndingState::Paused)
                .map(|p| format!("All endings are paused by {}: {}", p.changed_by_name, p.reason))
        });
        let may_end = caller
            .authorize_somewhere(Permission::EditUserSessions, now)
            .is_ok();
        let open = matches!(
            brief.state,
            EndingState::Waiting | EndingState::Running | EndingState::Paused
        );
        let signed_in_since = match brief.counts.already_gone {
            0 => Vec::new(),
            _ => signed_in_since(&mut conn, caller, &reader, &row, &names, now).await?,
        };
        let tickets_open = match self.aftermath.get() {
            Some(aftermath) => {
                aftermath
                    .still_open(&mut conn, &row.id(), &reader.scope, now)
                    .await?
            }
            None => None,
        };
        let by_system = self.systems_of(&row, sees_first, &tally, &names);
        let told = self.told(by_system.iter().map(|s| s.system_id.as_str()));
        Ok(EndingPage {
            now,
            tickets_open,
            signed_in_since,
            frozen_at: Timestamp(row.created_at),
            left_out_count: (row.caller_id == caller.id.0).then(|| row.left_out_count.unsigned_abs()),
            partial_view: show::hidden(&mut conn, &reader, &row).await?,
            pause_why,
            notice: row.notice.clone().unwrap_or_default(),
            told,
            watch_until: show::moment(row.watch_until),
            by_system,
            went_on_at: show::moment(row.went_on_at).filter(|_| sees_first),
            items: items.into_iter().map(|i| item(i, &names)).collect(),
            only,
            next,
            causes: causes.into_iter().filter_map(|c| cause(c, &names)).collect(),
            may_stop: open && brief.counts.waiting > 0 && self.may_change(caller, &row, now),
            may_end,
            may_retry: may_end && !open && brief.counts.not_gone() > brief.counts.unsupported,
            audit_from: show::audit_from(&mut conn, &row.id()).await?,
            second_look: self.second_look(&mut conn, caller, &row, now).await?,
            version,
            brief,
        })
    }

    /// Whether a caller may stop or resume an ending: who asked for it, or who may end everywhere.
    pub(super) fn may_change(&self, caller: &Caller, row: &EndingRow, now: Timestamp) -> bool {
        let may_end = caller.visible(Permission::EditUserSessions, now);
        may_end.everywhere || (!may_end.is_empty() && row.caller_id == caller.id.0)
    }

    /// `sees_first` = the reader sees something of what the later systems wait for.
    fn systems_of(
        &self,
        row: &EndingRow,
        sees_first: bool,
        tally: &[show::Tally],
        names: &Names,
    ) -> Vec<EndingSystem> {
        let mut by_system: BTreeMap<(i64, &str), (EndingCounts, u64)> = BTreeMap::new();
        for part in tally {
            let (counts, again) = by_system
                .entry((part.stage, part.system_id.as_str()))
                .or_default();
            add(counts, part);
            if part.outcome.is_none() {
                *again += part.again.unsigned_abs();
            }
        }
        let mut systems: Vec<(i64, EndingSystem)> = by_system
            .into_iter()
            .map(|((stage, id), (counts, again))| {
                let system_id = SystemId::from(id);
                let open = counts.waiting + counts.asked;
                let note = match stage > row.stage && counts.waiting > 0 {
                    true if sees_first => "Waits for the identity servers".to_owned(),
                    // Whose sessions it waits for is not theirs to know.
                    true => "Waits for its turn".to_owned(),
                    false => self.note(&system_id, open, again),
                };
                let system = EndingSystem {
                    system_name: name_of(names, id),
                    note,
                    counts,
                    system_id,
                };
                (stage, system)
            })
            .collect();
        systems
            .sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.system_name.cmp(&other.system_name)));
        systems.into_iter().map(|(_, system)| system).collect()
    }

    /// What holds a system's share up; empty = nothing to say.
    fn note(&self, system: &SystemId, open: u64, again: u64) -> String {
        if open == 0 {
            return String::new();
        }
        match self.parts.systems.connected(system) {
            None => "Not in the settings any more".to_owned(),
            Some(c) if c.guard.rests_until().is_some() => {
                "Not answering; it is tried again by itself".to_owned()
            }
            Some(_) if again > 0 => format!("{again} of the {open} are asked again"),
            Some(_) => String::new(),
        }
    }
}

fn paused_by(row: store::PauseRow) -> PausedBy {
    PausedBy {
        name: row.changed_by_name,
        at: Timestamp(row.changed_at),
        reason: row.reason,
    }
}

fn why_left_out(left_out: &str, detail: Option<String>, caller: &Caller) -> CannotEnd {
    match left_out {
        "own_session" => CannotEnd::OwnSession,
        "own_connection" => CannotEnd::OwnConnection,
        "protected" => CannotEnd::Protected,
        "outside_grant" => CannotEnd::OutsideGrant {
            who_can_give: caller.who_can_give.clone(),
        },
        "not_live" => CannotEnd::NotLive,
        _ => CannotEnd::Unsupported {
            words: detail.unwrap_or_else(|| cause_words(Outcome::Unsupported).to_owned()),
        },
    }
}

fn brief(row: &EndingRow, all_paused: bool, tally: &[show::Tally]) -> EndingBrief {
    let mut counts = EndingCounts::default();
    for part in tally {
        add(&mut counts, part);
    }
    let state = match row.state() {
        EndingState::Waiting | EndingState::Running if all_paused => EndingState::Paused,
        state => state,
    };
    EndingBrief {
        ending_no: row.ending_no.unwrap_or_default(),
        ending_id: row.id(),
        state,
        asked_by: row.caller_name.clone(),
        confirmed_at: Timestamp(row.confirmed_at.unwrap_or(row.created_at)),
        begins_at: show::moment(row.planned_for),
        settled_at: show::moment(row.settled_at),
        reason: row.reason.clone().unwrap_or_default(),
        ticket_ref: row.ticket_ref.clone().unwrap_or_default(),
        counts,
    }
}

pub(super) fn item(row: show::ItemRow, names: &Names) -> EndingItemRow {
    EndingItemRow {
        person: person_shown(
            &row.display_name,
            &row.account_name,
            kind(&row.kind),
            row.person_doubt.as_deref(),
        ),
        person_doubt: row.person_doubt,
        system_name: name_of(names, &row.system_id),
        system_id: SystemId(row.system_id),
        kind: kind(&row.kind),
        outcome: row.outcome.as_deref().and_then(Outcome::from_name),
        asked: row.asked_at.is_some(),
        asked_at: show::moment(row.asked_at),
        read_back_at: show::moment(row.read_back_at),
        attempts: row.attempts.unsigned_abs(),
        detail: row.detail.unwrap_or_default(),
        residual_until: show::moment(row.residual_until),
        returned_at: show::moment(row.returned_at),
        returned_system: row.returned_system_id.map(|id| name_of(names, &id)),
        session_key: SessionKey(row.session_key),
        account_name: row.account_name,
        handle_hint: row.handle_hint,
    }
}

fn cause(row: show::CauseRow, names: &Names) -> Option<Cause> {
    let outcome = Outcome::from_name(&row.outcome)?;
    Some(Cause {
        outcome,
        system_name: name_of(names, &row.system_id),
        words: if row.words.is_empty() {
            cause_words(outcome).to_owned()
        } else {
            row.words
        },
        next_step: next_step(outcome).to_owned(),
        count: row.items.unsigned_abs(),
        technical: Technical {
            answers: [
                (Said::Accepted, row.accepted),
                (Said::NotFound, row.not_found),
                (Said::Refused, row.refused),
                (Said::NoAnswer, row.no_answer),
            ]
            .into_iter()
            .filter(|(_, times)| *times > 0)
            .map(|(said, times)| (said.name().to_owned(), times.unsigned_abs()))
            .collect(),
            attempts: (
                row.fewest_attempts.unsigned_abs(),
                row.most_attempts.unsigned_abs(),
            ),
            asked_from: row.asked_from.map(Timestamp),
            asked_to: row.asked_to.map(Timestamp),
            read_back_at: row.read_back_at.map(Timestamp),
            system_id: SystemId(row.system_id),
        },
    })
}
