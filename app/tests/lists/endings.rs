//! Previews and endings in every state.

use app::endings::wire::*;
use app::sessions::wire::{CannotEnd, SessionKind};

use super::sessions::{NAMES, SYSTEMS};
use crate::fake::NOW;

pub fn preview() -> Preview {
    let system = |n: usize, sessions: u64, people: u64, survives: &str| PreviewSystem {
        unproven: None,
        first: n == 0,
        system_id: SYSTEMS[n].0.into(),
        system_name: SYSTEMS[n].1.to_owned(),
        sessions,
        people,
        stale: n == 3,
        read_at: Some(NOW.plus_seconds(-SYSTEMS[n].3)),
        takes_effect: if n == 0 { "At once" } else { "At the next click" }.to_owned(),
        survives: survives.to_owned(),
        without_effect: if n == 2 { 7 } else { 0 },
        past_limit: if n == 2 { 3 } else { 0 },
        proven_at: (n == 0).then(|| NOW.plus_seconds(-86_400)),
    };
    let left = |n: usize, at: usize, why: CannotEnd| PreviewLeftOut {
        session_key: format!("k{n}").into(),
        person: NAMES[n].0.to_owned(),
        person_doubt: None,
        account_name: NAMES[n].1.to_owned(),
        system_name: SYSTEMS[at].1.to_owned(),
        why,
    };
    Preview {
        now: NOW,
        ending_id: "e1".into(),
        frozen_at: NOW,
        expires_at: NOW.plus_seconds(900),
        back_query: "q=ann&sel=s1".to_owned(),
        sessions: 37,
        people: 29,
        oldest_at: Some(NOW.plus_seconds(-78 * 86_400)),
        newest_at: Some(NOW.plus_seconds(-90)),
        in_effect_at: Some(NOW.plus_seconds(3600)),
        by_system: vec![
            system(1, 14, 13, "Nothing known"),
            system(2, 11, 10, "Keycloak sign-on, 7 people"),
            system(0, 7, 7, "Access tokens, up to 5 min"),
            system(3, 5, 5, "Mobile app, up to 1 h"),
        ],
        by_person: (0..12)
            .map(|n| PreviewPerson {
                person: NAMES[n].0.to_owned(),
                person_doubt: None,
                account_name: NAMES[n].1.to_owned(),
                sessions: 3 - n as u64 / 5,
                systems: vec![SYSTEMS[0].1.to_owned(), SYSTEMS[2].1.to_owned()],
                oldest_at: (n != 3).then(|| NOW.plus_seconds(-40_000 - n as i64 * 9000)),
            })
            .collect(),
        left_out: vec![
            left(4, 0, CannotEnd::Protected),
            left(6, 4, CannotEnd::OwnSession),
            left(7, 1, CannotEnd::OwnConnection),
            left(
                10,
                3,
                CannotEnd::OutsideGrant {
                    who_can_give: vec!["R. Vance".to_owned()],
                },
            ),
        ],
        left_out_count: 4,
        gone_since: 2,
        type_number: Some(25),
        ticket_required: false,
        blocked: None,
        quota_left: None,
        includes_own: false,
        includes_protected: false,
        may_force: false,
        paused: false,
        ending_no: None,
        asked_by: None,
        begin: Begin::Now,
        notice: String::new(),
        told: Told {
            receivers: vec!["hooks.example.org".to_owned()],
            here: true,
        },
        second_person: None,
        approval: None,
    }
}

pub fn running() -> EndingCounts {
    EndingCounts {
        wanted: 412,
        waiting: 164,
        asked: 41,
        ended: 176,
        rotated: 3,
        already_gone: 14,
        still_there: 5,
        refused: 9,
        ..EndingCounts::default()
    }
}

pub fn settled() -> EndingCounts {
    EndingCounts {
        wanted: 412,
        ended: 352,
        rotated: 6,
        already_gone: 27,
        still_there: 11,
        refused: 9,
        unsupported: 5,
        unknown: 2,
        returned: 4,
        ..EndingCounts::default()
    }
}

fn item(n: usize, outcome: Option<Outcome>, asked: bool, detail: &str) -> EndingItemRow {
    EndingItemRow {
        session_key: format!("k{n}").into(),
        person: NAMES[n].0.to_owned(),
        person_doubt: None,
        account_name: NAMES[n].1.to_owned(),
        system_id: SYSTEMS[n % 4].0.into(),
        system_name: SYSTEMS[n % 4].1.to_owned(),
        handle_hint: "41f8".to_owned(),
        kind: SessionKind::Web,
        outcome,
        asked,
        asked_at: asked.then(|| NOW.plus_seconds(-20)),
        read_back_at: outcome.map(|_| NOW.plus_seconds(-9)),
        attempts: if outcome == Some(Outcome::StillThere) {
            3
        } else {
            1
        },
        detail: detail.to_owned(),
        residual_until: (outcome == Some(Outcome::Ended)).then(|| NOW.plus_seconds(3600)),
        returned_at: None,
        returned_system: None,
    }
}

pub fn brief(state: EndingState, counts: EndingCounts) -> EndingBrief {
    EndingBrief {
        ending_no: 1042,
        ending_id: "e1".into(),
        state,
        asked_by: "Mara Ortiz".to_owned(),
        confirmed_at: NOW.plus_seconds(-392),
        begins_at: None,
        settled_at: (state == EndingState::Settled).then(|| NOW.plus_seconds(-30)),
        reason: "Contractor laptops reported stolen".to_owned(),
        ticket_ref: "INC-20418".to_owned(),
        counts,
    }
}

pub fn ending(state: EndingState, counts: EndingCounts) -> EndingPage {
    let share = |n: usize, counts: EndingCounts, note: &str| EndingSystem {
        system_id: SYSTEMS[n].0.into(),
        system_name: SYSTEMS[n].1.to_owned(),
        counts,
        note: note.to_owned(),
    };
    let part = |wanted, ended, asked, refused| EndingCounts {
        wanted,
        ended,
        asked,
        refused,
        waiting: wanted - ended - asked - refused,
        ..EndingCounts::default()
    };
    let mut back = item(1, Some(Outcome::Ended), true, "");
    back.returned_at = Some(NOW.plus_seconds(-5));
    back.returned_system = Some("Keycloak staff".to_owned());
    let cause = |outcome, n: usize, count, words: &str, next_step: &str| Cause {
        outcome,
        system_name: SYSTEMS[n].1.to_owned(),
        words: words.to_owned(),
        next_step: next_step.to_owned(),
        count,
        technical: Technical {
            system_id: SYSTEMS[n].0.into(),
            answers: vec![("accepted".to_owned(), count)],
            attempts: (1, 3),
            asked_from: Some(NOW.plus_seconds(-120)),
            asked_to: Some(NOW.plus_seconds(-60)),
            read_back_at: Some(NOW.plus_seconds(-30)),
        },
    };
    EndingPage {
        now: NOW,
        frozen_at: NOW.plus_seconds(-420),
        left_out_count: Some(4),
        partial_view: false,
        pause_why: None,
        notice: String::new(),
        told: Told::default(),
        may_end: true,
        signed_in_since: vec![SignedInSince {
            session_key: "5f0c".into(),
            person: "Lea <Novak>".to_owned(),
            account_name: "lnovak".to_owned(),
            system_name: SYSTEMS[2].1.to_owned(),
            place: "/uPortal".to_owned(),
            ip: Some("192.0.2.77".to_owned()),
            created_at: NOW.plus_seconds(-400),
            after_guest: true,
        }],
        watch_until: Some(NOW.plus_seconds(570)),
        by_system: vec![
            share(
                0,
                part(120, 111, 0, 9),
                "Went first: it lets people into the rest",
            ),
            share(1, part(160, 48, 22, 0), ""),
            share(2, part(92, 24, 16, 0), "5 of the 16 are asked again"),
            share(3, part(40, 10, 8, 0), "Paced: 1 call per 200 ms"),
        ],
        items: vec![
            item(
                10,
                Some(Outcome::StillThere),
                true,
                "The system said OK, the session is still listed.",
            ),
            item(
                4,
                Some(Outcome::Refused),
                true,
                "“User is not manageable by this client.”",
            ),
            item(
                6,
                Some(Outcome::Rotated),
                true,
                "Got a new id mid-way; that one was ended too.",
            ),
            item(0, None, true, "Reading back"),
            item(2, Some(Outcome::Ended), true, ""),
            item(
                11,
                Some(Outcome::AlreadyGone),
                false,
                "Not in the list when we came to it",
            ),
            item(5, None, false, ""),
            back,
        ],
        only: None,
        next: Some("c2".to_owned()),
        went_on_at: None,
        causes: if state == EndingState::Settled {
            vec![
                cause(
                    Outcome::StillThere,
                    2,
                    11,
                    "The system said OK three times, all 11 are still listed.",
                    "Retry, or tell its owner.",
                ),
                cause(
                    Outcome::Refused,
                    0,
                    9,
                    "“User is not manageable by this client.”",
                    "Give Curfew’s account the missing role there.",
                ),
                cause(
                    Outcome::Unsupported,
                    3,
                    5,
                    "Embedded sessions can’t be ended there.",
                    "They end by themselves.",
                ),
                cause(
                    Outcome::Unknown,
                    1,
                    2,
                    "No answer in 10 s.",
                    "It will be read again.",
                ),
            ]
        } else {
            Vec::new()
        },
        may_stop: true,
        may_retry: true,
        version: 7,
        audit_from: Some(184_298),
        second_look: None,
        tickets_open: None,
        brief: brief(state, counts),
    }
}
