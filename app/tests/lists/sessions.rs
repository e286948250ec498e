//! Pages of the list in every state.

use app::policies::wire::{LimitSource, SystemLimits};
use app::sessions::columns::Column;
use app::sessions::query::{SessionQuery, SortKey};
use app::sessions::wire::*;
use app::systems::wire::{Health, SystemBrief};
use app::wire::*;

use crate::fake::NOW;

pub const NAMES: [(&str, &str); 12] = [
    ("Priya Raghunathan", "p.raghunathan"),
    (
        "Maximiliane Freifrau von Hohenlohe-Waldenburg-Schillingsfürst",
        "m.hohenlohe",
    ),
    ("山田 太郎", "yamada.t"),
    ("محمد عبد الرحمن الحسيني", "m.alhusseini"),
    ("<b>Robert</b>'); DROP TABLE", "rtables"),
    ("Nguyễn Thị Minh Khai", "ntm.khai"),
    ("Siobhán Ní Dhomhnaill", "s.nidhomhnaill"),
    ("אביגיל בן־דוד", "a.bendavid"),
    ("José María Aznárez y Gutiérrez de la Concha", "jm.aznarez"),
    ("Дмитрий Волков", "d.volkov"),
    ("Chidi Okonkwo", "c.okonkwo"),
    ("Lin Mei-Hua 林美華", "mh.lin"),
];

pub const SYSTEMS: [(&str, &str, Health, i64, u64); 5] = [
    ("keycloak", "Keycloak staff", Health::Live, 4, 1204),
    ("tableau", "Tableau analytics", Health::Live, 9, 1611),
    ("uportal", "uPortal campus", Health::Live, 6, 887),
    ("domo", "Domo northwind", Health::Stale, 840, 496),
    ("curfew", "Curfew", Health::Live, 0, 15),
];

pub fn systems() -> Vec<SystemBrief> {
    SYSTEMS
        .into_iter()
        .map(|(id, name, health, age, count)| SystemBrief {
            unproven: None,
            system_id: id.into(),
            name: name.to_owned(),
            kind: "simulator".to_owned(),
            simulated: id != "curfew",
            health,
            read_at: Some(NOW.plus_seconds(-age)),
            count: Count::Exactly(count),
            trouble: None,
            trouble_since: (health == Health::Stale).then(|| NOW.plus_seconds(-900)),
            next_try_at: (health == Health::Stale).then(|| NOW.plus_seconds(40)),
        })
        .collect()
}

/// A key as real ones are: nothing in it repeats, so it does not compress.
fn key(n: usize) -> String {
    let mut state = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..2)
        .map(|_| {
            state ^= state >> 30;
            state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
            state ^= state >> 27;
            format!("{state:016x}")
        })
        .collect()
}

pub fn row(n: usize) -> SessionRow {
    let (person, account) = NAMES[n % NAMES.len()];
    let (system_id, system_name, health, age, _) = SYSTEMS[n % 4];
    let active = 60 * (n as i64 + 1) * 3 / 2 + (n as i64 * 37) % 41;
    SessionRow {
        unproven: None,
        earlier_policy: false,
        session_key: key(n).into(),
        system_id: system_id.into(),
        system_name: system_name.to_owned(),
        read_at: Some(NOW.plus_seconds(-age)),
        stale: health == Health::Stale,
        person: person.to_owned(),
        person_doubt: None,
        remark: None,
        account_name: account.to_owned(),
        email: Some(format!("{account}@example.org")),
        kind: [
            SessionKind::Sso,
            SessionKind::Web,
            SessionKind::Web,
            SessionKind::Mobile,
        ][n % 4],
        raw_kind: None,
        state: SessionState::Live,
        gone_at: None,
        handle_hint: key(n)[28..].to_owned(),
        ip: Some(if n % 5 == 2 {
            "2001:db8:85a3::8a2e:370:7334".to_owned()
        } else {
            format!("203.0.113.{}", (n * 53) % 250)
        }),
        masked: false,
        browser: if n % 7 == 3 {
            String::new()
        } else {
            format!("Chrome {}", 140 + n % 10)
        },
        os: if n % 7 == 3 {
            String::new()
        } else {
            "Windows".to_owned()
        },
        place: "/uPortal".to_owned(),
        site: String::new(),
        created_at: Some(NOW.plus_seconds(-active * 9 - 3600)),
        last_active_at: Some(NOW.plus_seconds(-active)),
        idle: Limit::Seconds(1800),
        idle_ends_at: Some(NOW.plus_seconds(1800 - active)),
        absolute_expires_at: n.is_multiple_of(4).then(|| NOW.plus_seconds(36_000 - active)),
        absolute_known: n % 5 != 4,
        cannot_end: None,
        in_ending: None,
        return_hint: None,
        selected: false,
    }
}

fn limit(n: usize, idle: i64, absolute: Limit, source: LimitSource, over: u64) -> SystemLimits {
    SystemLimits {
        system_id: SYSTEMS[n].0.into(),
        system_name: SYSTEMS[n].1.to_owned(),
        idle: Limit::Seconds(idle),
        absolute,
        source,
        as_of: Some(NOW.plus_seconds(-SYSTEMS[n].3)),
        source_note: if source == LimitSource::Typed {
            "3 Oct, R. Vance".to_owned()
        } else {
            String::new()
        },
        places: Vec::new(),
        changes: Vec::new(),
        never_idle: Some(0),
        compared: false,
        profile: Default::default(),
        ends: Some(true),
        earlier: None,
        old_after_h: None,
        over: Some(over),
        before_you_end: if n == 0 {
            "access tokens already handed out last up to 5 min.".to_owned()
        } else {
            String::new()
        },
        settings: Vec::new(),
        advice: Vec::new(),
        signs_in_by: None,
        accepted: Vec::new(),
        may_accept: false,
        advice_open: 0,
    }
}

pub fn limits() -> Vec<SystemLimits> {
    vec![
        limit(0, 1800, Limit::Seconds(36_000), LimitSource::Read, 0),
        limit(1, 14_400, Limit::None, LimitSource::Typed, 0),
        limit(2, 1800, Limit::None, LimitSource::Read, 31),
        limit(4, 900, Limit::Seconds(28_800), LimitSource::SetHere, 0),
    ]
}

/// A page of `n` rows, all in order, of 4,213.
pub fn page(n: usize) -> SessionsPage {
    SessionsPage {
        now: NOW,
        query: SessionQuery::default(),
        problems: Vec::new(),
        rows: (0..n).map(row).collect(),
        first_row: u64::from(n > 0),
        matching: Count::Exactly(if n == 100 { 4213 } else { n as u64 }),
        in_all: Count::Exactly(4213),
        guests_hidden: Count::Exactly(0),
        next: (n == 100).then(|| "n2".to_owned()),
        previous: None,
        sort: SortKey::LastActivity,
        systems: systems(),
        columns: Column::ALL.to_vec(),
        limits: limits(),
        selection: None,
        empty: None,
        may_end_any: true,
        version: 1,
    }
}

pub fn empty(why: EmptyBecause) -> SessionsPage {
    SessionsPage {
        empty: Some(why),
        ..page(0)
    }
}

/// Rows in every state there is, three of them ticked.
pub fn states() -> SessionsPage {
    let mut page = page(12);
    page.rows[4].cannot_end = Some(CannotEnd::Protected);
    page.rows[6].cannot_end = Some(CannotEnd::OwnSession);
    page.rows[7].in_ending = Some((1042, "asked, reading back".to_owned()));
    page.rows[8].return_hint = Some("browser signs itself in again".to_owned());
    page.rows[9].state = SessionState::Ended;
    page.rows[9].gone_at = Some(NOW.plus_seconds(-600));
    page.rows[9].cannot_end = Some(CannotEnd::NotLive);
    page.rows[10].ip = None;
    page.rows[10].masked = true;
    for at in [0, 1, 3] {
        page.rows[at].selected = true;
    }
    page.selection = Some(SelectionSummary {
        selection_id: "s1".into(),
        all: false,
        sessions: Count::Exactly(37),
        people: Count::Exactly(29),
        systems: 4,
        stale: 5,
        hidden_by_filter: 34,
    });
    page
}
