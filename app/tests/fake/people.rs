//! People: one who is known by four grounds and has look-alikes, and what who sees a part gets.

use app::error::AppError;
use app::people::port::PeoplePort;
use app::people::wire::*;
use app::sessions::query::SessionQuery;
use app::sessions::wire::{SessionKind, SessionRow, SessionState, SessionsPage};
use app::wire::*;
use async_trait::async_trait;

use super::{Fake, NOW};

#[async_trait]
impl PeoplePort for Fake {
    async fn people_page(&self, query: PeopleQuery) -> Result<PeoplePage, AppError> {
        let mut page = self.world.people.clone();
        let search = query.search.to_lowercase();
        page.people
            .retain(|line| line.name.to_lowercase().contains(&search));
        self.give(page)
    }
    async fn person_page(&self, subject: SubjectId) -> Result<PersonPage, AppError> {
        match &self.world.person {
            Some(page) => self.give(PersonPage {
                subject_id: subject,
                ..page.clone()
            }),
            None => self.give(()).and_then(|()| Err(AppError::not_found("person"))),
        }
    }
    async fn link_account(&self, _: LinkAsked) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn cut_account(&self, _: CutAsked) -> Result<Done, AppError> {
        self.give(Done::default())
    }
}

/// Nobody.
pub fn nobody() -> PeoplePage {
    PeoplePage {
        now: NOW,
        people: Vec::new(),
        next: None,
        whole: true,
    }
}

/// Several people and a next page.
pub fn several() -> PeoplePage {
    let line = |id: &str, name: &str, accounts: &[&str], sessions: u64, alike: bool| PersonLine {
        subject_id: SubjectId::from(id),
        name: name.to_owned(),
        accounts: accounts.iter().map(|a| (*a).to_owned()).collect(),
        sessions,
        systems: sessions.min(3),
        last_active_at: (sessions > 0).then(|| NOW.plus_seconds(-120)),
        alike,
    };
    PeoplePage {
        people: vec![
            line(
                "s1",
                "Maximiliane Freifrau von Hohenlohe",
                &["m.hohenlohe", "mhohenlohe"],
                4,
                true,
            ),
            line("s2", "<b>Robert</b>'); DROP TABLE", &["rob"], 0, false),
            line("s3", "林 美華", &["lin"], 1, false),
        ],
        next: Some("6c696e.s3".to_owned()),
        ..nobody()
    }
}

fn account(key: &str, system: &str, name: &str, ground: Ground) -> AccountRow {
    let own = ground == Ground::Own;
    AccountRow {
        account_key: AccountKey::from(key),
        system_id: SystemId::from(system),
        system_name: format!("System {system}"),
        place: String::new(),
        account: name.to_owned(),
        display_name: "Maximiliane Freifrau von Hohenlohe".to_owned(),
        ground,
        words: match ground {
            Ground::NameSpace => "Staff directory".to_owned(),
            Ground::Hand => "She told me at the desk.".to_owned(),
            _ => String::new(),
        },
        with: if own {
            String::new()
        } else {
            "m.hohenlohe in System kc".to_owned()
        },
        linked_by: if ground == Ground::Hand {
            "Rosalind Vance"
        } else {
            ""
        }
        .to_owned(),
        since: NOW.plus_seconds(-86_400),
        outdated: ground == Ground::Mail,
    }
}

fn stay(system: &str, from: i64, to: Option<i64>) -> Stay {
    Stay {
        system_id: SystemId::from(system),
        system_name: format!("System {system}"),
        kind: SessionKind::Web,
        site: String::new(),
        state: if to.is_some() {
            SessionState::Ended
        } else {
            SessionState::Live
        },
        from: Some(NOW.plus_seconds(-from * 60)),
        to: to.map(|to| NOW.plus_seconds(-to * 60)),
    }
}

/// One person, whole, for somebody who may link.
pub fn one() -> PersonPage {
    PersonPage {
        now: NOW,
        subject_id: SubjectId::from("s1"),
        name: "Maximiliane Freifrau von Hohenlohe".to_owned(),
        mails: vec!["m.hohenlohe@northwind.example".to_owned()],
        accounts: vec![
            account("a1", "kc", "m.hohenlohe", Ground::Own),
            account("a2", "domo", "77120", Ground::Mail),
            account("a3", "tableau", "m.hohenlohe", Ground::NameSpace),
            account("a4", "uportal", "mhohenlohe", Ground::Hand),
        ],
        sessions: 4,
        systems: 3,
        stays: vec![stay("kc", 300, None), stay("tableau", 600, Some(480))],
        more_stays: false,
        alike: vec![Alike {
            account_key: AccountKey::from("b1"),
            subject_id: SubjectId::from("s9"),
            system_name: "System kc".to_owned(),
            account: "LAB\\m.hohenlohe".to_owned(),
            name: "Max Hohenlohe".to_owned(),
            because: "same user name but for the domain".to_owned(),
            conflict: "Same verified mail, but this person has another account in System kc already."
                .to_owned(),
            like: AccountKey::from("a1"),
        }],
        endings: vec![Touched {
            ending_no: 1041,
            asked_by: "Mara Okafor".to_owned(),
            reason: "Lost laptop".to_owned(),
            confirmed_at: NOW.plus_seconds(-7_200),
            sessions: 2,
            gone: 2,
            returned: 1,
        }],
        whole: true,
        systems_known: vec![(SystemId::from("kc"), "System kc".to_owned())],
        may_link: true,
        may_end: true,
    }
}

/// A live session of theirs.
pub fn sessions(query: SessionQuery) -> SessionsPage {
    let row = SessionRow {
        session_key: SessionKey::from("0123456789abcdef0123456789abcdef"),
        system_id: SystemId::from("kc"),
        system_name: "System kc".to_owned(),
        read_at: Some(NOW.plus_seconds(-4)),
        stale: true,
        person: "Maximiliane Freifrau von Hohenlohe".to_owned(),
        person_doubt: None,
        remark: None,
        account_name: "m.hohenlohe".to_owned(),
        email: None,
        kind: SessionKind::Sso,
        raw_kind: None,
        state: SessionState::Live,
        gone_at: None,
        handle_hint: "c09e".to_owned(),
        ip: Some("198.51.100.7".to_owned()),
        masked: false,
        browser: "Firefox 151".to_owned(),
        os: "Linux".to_owned(),
        place: String::new(),
        site: String::new(),
        created_at: Some(NOW.plus_seconds(-18_000)),
        last_active_at: Some(NOW.plus_seconds(-120)),
        idle: Limit::Seconds(1_800),
        idle_ends_at: Some(NOW.plus_seconds(1_680)),
        absolute_expires_at: None,
        absolute_known: true,
        cannot_end: None,
        in_ending: None,
        return_hint: None,
        unproven: None,
        earlier_policy: false,
        selected: false,
    };
    SessionsPage {
        now: NOW,
        sort: query.sort,
        query,
        problems: Vec::new(),
        rows: vec![row],
        first_row: 1,
        matching: Count::Exactly(1),
        in_all: Count::Exactly(1),
        guests_hidden: Count::Exactly(0),
        next: None,
        previous: None,
        systems: Vec::new(),
        columns: Vec::new(),
        limits: Vec::new(),
        selection: None,
        empty: None,
        may_end_any: true,
        version: 0,
    }
}
