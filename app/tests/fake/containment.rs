//! A containment report with everything in it that can go wrong, and what who sees a part gets.

use app::containment::port::ContainmentPort;
use app::containment::wire::*;
use app::endings::wire::{EndingCounts, Outcome};
use app::error::AppError;
use app::sessions::wire::SessionKind;
use app::systems::wire::Health;
use app::wire::*;
use async_trait::async_trait;

use super::{Fake, NOW};

/// The portal's key, as pages show it.
pub const FINGERPRINT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#[async_trait]
impl ContainmentPort for Fake {
    async fn report(&self, _: ReportOf) -> Result<ReportPage, AppError> {
        let Some(report) = self.world.report.clone() else {
            return self.give(()).and_then(|()| Err(AppError::not_found("ending")));
        };
        self.give(ReportPage {
            may_export: report.about.whole,
            report,
            fingerprint: FINGERPRINT.to_owned(),
        })
    }
    async fn signed_report(&self, _: ReportOf) -> Result<String, AppError> {
        self.give("{}".to_owned())
    }
}

fn session(person: &str, outcome: Option<Outcome>) -> ReportSession {
    ReportSession {
        system_id: SystemId::from("uportal"),
        system_name: "uPortal campus".to_owned(),
        person: person.to_owned(),
        account: "m.hohenlohe".to_owned(),
        person_doubt: None,
        kind: SessionKind::Web,
        id_ends_in: "9f3a".to_owned(),
        session_key: SessionKey("00112233445566778899aabbccddeeff".to_owned()),
        outcome,
        detail: "The system said OK each time and still lists the session.".to_owned(),
        asks: 3,
        asked_at: Some(NOW.plus_seconds(-60)),
        read_back_at: Some(NOW.plus_seconds(-50)),
        residual_until: Some(NOW.plus_seconds(240)),
        returned_at: outcome.filter(|o| o.gone()).map(|_| NOW.plus_seconds(-20)),
        returned_through: outcome.filter(|o| o.gone()).map(|_| "Keycloak".to_owned()),
    }
}

/// Of an ending that went badly.
pub fn of_ending() -> Report {
    Report {
        about: ReportAbout {
            title: "Ending 1042".to_owned(),
            ending_no: Some(1042),
            subject_id: None,
            made_at: NOW,
            made_by: "Mara Ortiz".to_owned(),
            portal: "Northwind".to_owned(),
            address: "https://curfew.example.org".to_owned(),
            program: "curfew 0".to_owned(),
            whole: true,
            not_in_it: Vec::new(),
        },
        person: None,
        blocks: Blocks {
            words: "None was made by Curfew.".to_owned(),
            made: Vec::new(),
        },
        endings: vec![ReportEnding {
            ending_no: 1042,
            asked_by_kind: "operator".to_owned(),
            asked_by: "Mara Ortiz".to_owned(),
            reason: "Laptop <b>stolen</b>".to_owned(),
            ticket_ref: "INC-7".to_owned(),
            confirmed_at: NOW.plus_seconds(-90),
            settled_at: Some(NOW.plus_seconds(-50)),
            went_on_at: Some(NOW.plus_seconds(-70)),
            counts: EndingCounts {
                wanted: 614,
                ended: 600,
                still_there: 14,
                returned: 1,
                ..EndingCounts::default()
            },
            watch: Watch {
                until: Some(NOW.plus_seconds(540)),
                over: false,
                returned: 1,
                words: "One session came back.".to_owned(),
            },
            residual_until: Some(NOW.plus_seconds(240)),
            sessions: vec![
                session("Maximiliane Freifrau von Hohenlohe", Some(Outcome::StillThere)),
                session("<b>Robert</b>'); DROP TABLE", Some(Outcome::Ended)),
                session("林 美華", None),
            ],
            sessions_not_listed: 611,
        }],
        systems: vec![ReportSystem {
            system_id: SystemId::from("uportal"),
            name: "uPortal campus".to_owned(),
            kind: "tomcat".to_owned(),
            simulated: true,
            health: Health::Stale,
            last_complete_reading_at: Some(NOW.plus_seconds(-400)),
            trouble: Some("It did not answer in time.".to_owned()),
            ending_there: vec!["Ending takes effect at the next click.".to_owned()],
            cannot_be_seen: vec!["Not listed: browsers.".to_owned()],
            as_read: vec!["Two nodes answer.".to_owned()],
            proven_at: None,
        }],
        audit: AuditHead {
            seq: Some(4711),
            hash: Some("ab".repeat(32)),
            words: "That is where it ended when this page was made.".to_owned(),
        },
    }
}

/// Of a person, for somebody who sees a part.
pub fn of_person_in_part() -> Report {
    let whole = of_ending();
    Report {
        about: ReportAbout {
            title: "Maximiliane Freifrau von Hohenlohe".to_owned(),
            ending_no: None,
            subject_id: Some(SubjectId::from("s1")),
            whole: false,
            not_in_it: vec!["There may be more.".to_owned()],
            ..whole.about
        },
        person: Some(ReportPerson {
            name: "Maximiliane Freifrau von Hohenlohe".to_owned(),
            accounts: vec![ReportAccount {
                system_id: SystemId::from("uportal"),
                system_name: "uPortal campus".to_owned(),
                place: "portal".to_owned(),
                account: "m.hohenlohe".to_owned(),
                ground: "mail".to_owned(),
            }],
            live_sessions: vec![LiveIn {
                system_id: SystemId::from("uportal"),
                system_name: "uPortal campus".to_owned(),
                sessions: 2,
            }],
        }),
        endings: Vec::new(),
        audit: AuditHead {
            seq: None,
            hash: None,
            words: "Where the audit log ended is told to who may read it.".to_owned(),
        },
        ..whole
    }
}
