//! A plain filter in memory over the same sessions: what the SQL must agree with.

use std::net::IpAddr;

use app::access::wire::{People, Places};
use app::sessions::query::filter::{Network, PastLimits, TextFilter, TextOp, TimeFilter};
use app::sessions::query::{SessionQuery, SortKey};
use app::sessions::wire::{SessionKind, SessionState};
use app::wire::{Direction, SystemId, Timestamp};
use proptest::prelude::*;

use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::keys::HashKey;
use crate::sessions::filter::View;
use crate::sessions::identity::Row;
use crate::sessions::testing::{self, Seed};

/// When it is in these tests.
pub const NOW: Timestamp = Timestamp(1_800_000_000_000);

/// The one group there is: its id, and its accounts as they are stored.
pub const GROUP: (&str, &[&str]) = ("night", &["änne", "anne", "svc_100%"]);

/// A limit in seconds (0 = none), and since when it holds.
type Since = (Option<i64>, i64);

/// What new sessions of a kind get: idle, longest.
pub const KIND_LIMITS: [(&str, SessionKind, Since, Since); 3] = [
    (
        "domo",
        SessionKind::Web,
        (Some(3_600), NOW.0),
        (Some(7_200), NOW.0 - 3_600_000),
    ),
    ("domo", SessionKind::Mobile, (Some(0), NOW.0), (None, 0)),
    ("uportal", SessionKind::Web, (None, 0), (Some(0), NOW.0)),
];

/// Puts [`KIND_LIMITS`] into the database.
pub async fn insert_kind_limits(conn: &mut Conn) {
    for (system, kind, idle, absolute) in KIND_LIMITS {
        testing::insert_kind_limit(conn, system, kind, idle, absolute)
            .await
            .unwrap();
    }
}

/// A session with the row that a reading made of it.
#[derive(Clone, Debug)]
pub struct Known {
    pub seed: Seed,
    pub row: Row,
}

impl Known {
    pub fn new(seed: Seed, key: &HashKey) -> Self {
        let row = seed.row(key);
        Known { seed, row }
    }

    /// Whether a scope covers it, told from the words of the scope alone.
    pub fn in_scope(&self, scope: &VisibleScope) -> bool {
        let s = &self.seed;
        let account = s.account_name.to_lowercase();
        let mail = s
            .email
            .as_deref()
            .filter(|mail| !mail.is_empty())
            .unwrap_or(&s.account_name);
        scope.everywhere
            || scope.parts.iter().any(|part| {
                let there = match &part.places {
                    Places::Everywhere => true,
                    Places::Systems(systems) => systems.iter().any(|system| system.0 == s.system_id),
                    Places::Sites(sites) => sites
                        .iter()
                        .any(|at| at.system_id.0 == s.system_id && at.site == s.site),
                };
                let them = match &part.people {
                    People::Everybody => true,
                    People::These(these) => {
                        let domain = mail.split_once('@').map(|(_, domain)| domain.to_lowercase());
                        these.accounts.contains(&account)
                            || domain.is_some_and(|domain| these.domains.contains(&domain))
                            || these
                                .groups
                                .iter()
                                .any(|group| GROUP.0 == group.0 && GROUP.1.contains(&&*account))
                    }
                };
                there && them
            })
    }

    /// Whether the list of `query` holds it.
    pub fn matches(&self, query: &SessionQuery, view: &View) -> bool {
        let (s, r) = (&self.seed, &self.row);
        if !self.in_scope(&view.seen) {
            return false;
        }
        let shown = self.in_scope(&view.network);
        let lower = |text: &str| text.to_lowercase();
        let mut person = vec![r.person_sort.clone(), lower(&s.account_name)];
        if shown && let Some(mail) = &r.email {
            person.push(lower(mail));
        }
        let word = |word: &str| {
            let word = lower(word);
            let mut texts = vec![
                lower(&s.display_name),
                lower(&s.account_name),
                lower(&r.handle_hint),
            ];
            if shown {
                texts.push(lower(r.email.as_deref().unwrap_or_default()));
                texts.push(lower(r.ip.as_deref().unwrap_or_default()));
            }
            texts.iter().any(|text| text.contains(&word))
        };
        let text = |filter: &Option<TextFilter>, texts: &[String], ends: bool| {
            filter.as_ref().is_none_or(|f| {
                f.texts.iter().map(|t| lower(t)).any(|needle| {
                    texts.iter().any(|text| match f.op {
                        TextOp::Contains if ends => text.ends_with(&needle),
                        TextOp::Contains => text.contains(&needle),
                        TextOp::Is | TextOp::OneOf => *text == needle,
                    })
                })
            })
        };
        let states = match query.states.as_slice() {
            _ if query.at.is_some() => &SessionState::ALL[..],
            [] => &[SessionState::Live][..],
            some => some,
        };
        query.search_words().iter().all(|w| word(w))
            && !query.not.systems.iter().any(|id| id.0 == s.system_id)
            && !query.not.kinds.contains(&s.kind)
            && !query.not.sites.contains(&s.site)
            && (query.not.person.is_none() || !text(&query.not.person, &person, false))
            && (query.not.browser.is_none()
                || shown && !text(&query.not.browser, &[lower(&s.browser)], false))
            && (query.not.os.is_none() || shown && !text(&query.not.os, &[lower(&s.os)], false))
            && (query.not.ip.is_empty() || shown && !in_one(s.ip.as_deref(), &query.not.ip))
            && (query.systems.is_empty() || query.systems.iter().any(|id| id.0 == s.system_id))
            && match query.kinds.as_slice() {
                [] => s.kind != SessionKind::Guest || query.key.is_some(),
                kinds => kinds.contains(&s.kind),
            }
            && states.contains(&s.state)
            && (query.sites.is_empty() || query.sites.contains(&s.site))
            && text(&query.person, &person, false)
            && text(&query.session, &[lower(&r.handle_hint)], true)
            && (query.browser.is_none() || shown && text(&query.browser, &[lower(&s.browser)], false))
            && (query.os.is_none() || shown && text(&query.os, &[lower(&s.os)], false))
            && (query.ip.is_empty() || shown && in_one(s.ip.as_deref(), &query.ip))
            && query.started.is_none_or(|f| was(s.created_at, f))
            && query.last_activity.is_none_or(|f| was(s.last_active_at, f))
            && query.idle_ends.is_none_or(|f| comes(r.idle_ends_at, f))
            && query.ends.is_none_or(|f| comes(s.absolute_expires_at, f))
            && query.past.is_none_or(|limits| past(s, limits))
            && (!query.over || past_its_own(r.idle_ends_at) || past_its_own(s.absolute_expires_at))
            && (!query.never_idle || r.idle_timeout_s == Some(0))
            && (!query.earlier || self.is_of_an_earlier_policy())
            && query
                .account
                .as_ref()
                .is_none_or(|account| lower(account) == lower(&s.account_name))
            && query.key.as_ref().is_none_or(|key| key.0 == r.session_key)
    }

    /// Whether it began under another policy than [`KIND_LIMITS`] say, before that held.
    fn is_of_an_earlier_policy(&self) -> bool {
        let s = &self.seed;
        let of_it = KIND_LIMITS
            .iter()
            .find(|of| of.0 == s.system_id && of.1 == s.kind);
        let (Some((_, _, idle, absolute)), Some(from)) = (of_it, s.created_at) else {
            return false;
        };
        let life = match s.absolute_expires_at {
            None => Some(0),
            Some(to) if to > from => Some((to - from + 30_000) / 60_000 * 60),
            Some(_) => None,
        };
        let differs = |own: Option<i64>, (now, held_from): (Option<i64>, i64)| {
            own.zip(now).is_some_and(|(own, now)| own != now) && from < held_from
        };
        s.state == SessionState::Live && (differs(self.row.idle_timeout_s, *idle) || differs(life, *absolute))
    }

    /// What the list sorts it by.
    pub fn place(&self, sort: SortKey) -> (String, i64) {
        let (s, r) = (&self.seed, &self.row);
        let (text, number) = match sort {
            SortKey::Person => (r.person_sort.clone(), 0),
            SortKey::Kind => (s.kind.name().to_owned(), 0),
            SortKey::System => (s.system_id.clone(), 0),
            SortKey::Session => (r.handle_hint.clone(), 0),
            SortKey::Ip => (r.ip_sort.clone(), 0),
            SortKey::Started => (String::new(), s.created_at.unwrap_or(0)),
            SortKey::LastActivity => (String::new(), s.last_active_at.unwrap_or(0)),
            SortKey::IdleEnds => (String::new(), r.idle_ends_at.unwrap_or(i64::MAX)),
            SortKey::EndsAtLatest => (String::new(), s.absolute_expires_at.unwrap_or(i64::MAX)),
            SortKey::Client => (format!("{} {}", s.browser, s.os).trim().to_lowercase(), 0),
        };
        (text, number)
    }
}

/// The keys of the list of `query`, in order; those of equal value as they stand in `known`, the order they came in.
pub fn list(known: &[Known], query: &SessionQuery, view: &View) -> Vec<String> {
    let mut rows: Vec<&Known> = known.iter().filter(|k| k.matches(query, view)).collect();
    rows.sort_by_key(|k| k.place(query.sort));
    if query.direction == Direction::Descending {
        rows.reverse();
    }
    rows.into_iter().map(|k| k.row.session_key.clone()).collect()
}

fn in_one(ip: Option<&str>, networks: &[Network]) -> bool {
    ip.is_some_and(|ip| networks.iter().any(|network| inside(ip, *network)))
}

fn inside(ip: &str, network: Network) -> bool {
    let bits = |ip: IpAddr| match ip {
        IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
        IpAddr::V6(v6) => u128::from(v6),
    };
    let prefix = match network.address {
        IpAddr::V4(_) => u32::from(network.prefix) + 96,
        IpAddr::V6(_) => u32::from(network.prefix),
    };
    let Ok(ip) = ip.parse::<IpAddr>() else {
        return false;
    };
    let apart = bits(ip) ^ bits(network.address);
    prefix == 0 || apart.checked_shr(128 - prefix).unwrap_or(0) == 0
}

fn was(at: Option<i64>, filter: TimeFilter) -> bool {
    at.is_some_and(|at| match filter {
        TimeFilter::Before(t) => at < t.0,
        TimeFilter::After(t) => at >= t.0,
        TimeFilter::OlderThan(s) => NOW.0 - at > s * 1000,
        TimeFilter::Within(s) => NOW.0 - at <= s * 1000,
    })
}

fn comes(at: Option<i64>, filter: TimeFilter) -> bool {
    at.is_some_and(|at| match filter {
        TimeFilter::Before(t) => at < t.0,
        TimeFilter::After(t) => at >= t.0,
        TimeFilter::OlderThan(s) => NOW.0 - at > s * 1000,
        TimeFilter::Within(s) => at >= NOW.0 && at - NOW.0 <= s * 1000,
    })
}

fn past_its_own(ends: Option<i64>) -> bool {
    ends.is_some_and(|ends| ends <= NOW.0)
}

fn past(seed: &Seed, limits: PastLimits) -> bool {
    let longer = |at: Option<i64>, minutes: i64| at.is_some_and(|at| NOW.0 - at > minutes * 60_000);
    longer(seed.last_active_at, limits.idle_minutes) || longer(seed.created_at, limits.absolute_minutes)
}

const NAMES: [&str; 12] = [
    "",
    "Ann Smith",
    "ann",
    "ÄNNE Müller",
    "änne",
    "李雷",
    "Łukasz Żak",
    "O'Brien",
    "100% Real_",
    "back\\slash",
    "Zoë",
    "مريم",
];
const ACCOUNTS: [&str; 8] = ["", "asmith", "ANNE", "änne", "ÄNNE", "lilei", "svc_100%", "zoe"];
const MAILS: [&str; 3] = ["Ann.Smith@Example.org", "lilei@example.org", "x_y@z"];
const IPS: [&str; 5] = ["10.0.0.7", "10.9.8.7", "192.168.1.1", "2001:db8::5", "not-an-ip"];
const KINDS: [SessionKind; 4] = [
    SessionKind::Sso,
    SessionKind::Web,
    SessionKind::Mobile,
    SessionKind::Guest,
];
pub const SITES: [&str; 3] = ["", "north", "south"];
pub const SYSTEMS: [&str; 3] = ["domo", "keycloak", "uportal"];

/// A time of few, so that there are ties; sometimes none.
fn moment() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        1 => Just(None),
        4 => (-6_i64..6).prop_map(|hours| Some(NOW.0 + hours * 3_600_000)),
        1 => (-100_i64..100).prop_map(|s| Some(NOW.0 + s * 1000)),
    ]
}

fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

/// Any session.
pub fn seed() -> impl Strategy<Value = Seed> {
    use app::wire::Limit;
    let who = (
        one_of(&SYSTEMS),
        one_of(&NAMES),
        one_of(&ACCOUNTS),
        prop::option::of(one_of(&MAILS)),
        prop::option::of(one_of(&IPS)),
        "[0-9A-Fa-f]{8,20}",
    );
    let what = (
        prop::sample::select(&KINDS[..]),
        prop_oneof![6 => Just(SessionState::Live), 1 => Just(SessionState::Ended), 1 => Just(SessionState::Vanished)],
        one_of(&["", "Chrome 149", "Firefox 9"]),
        one_of(&["", "Windows", "Linux"]),
        one_of(&SITES),
        prop_oneof![
            Just(Limit::Unknown),
            Just(Limit::None),
            (1_i64..4).prop_map(|h| Limit::Seconds(h * 3600))
        ],
    );
    let when = (moment(), moment(), moment());
    (who, what, when).prop_map(
        |(
            (system_id, display_name, account_name, email, ip, handle),
            (kind, state, browser, os, site, idle),
            (created_at, last_active_at, absolute_expires_at),
        )| Seed {
            system_id,
            display_name,
            account_id: account_name.clone(),
            account_name,
            email,
            ip,
            // Ties of the hint, never of the handle.
            handle: format!("{}{handle}", crate::keys::random_id()),
            kind,
            state,
            browser,
            os,
            site,
            idle,
            created_at,
            last_active_at,
            absolute_expires_at,
            ..Seed::default()
        },
    )
}

fn needle() -> impl Strategy<Value = String> {
    one_of(&[
        "a", "an", "ann", "ÄNN", "änne", "müller", "雷", "李雷", "0%", "100%", "l_", "real_", "k\\s", "'b",
        "smith@", "10.0.0", "example", "zzz", "łukasz", "_", "%",
    ])
}

fn text_filter(of: impl Strategy<Value = String> + Clone) -> impl Strategy<Value = TextFilter> {
    prop_oneof![
        of.clone().prop_map(|t| TextFilter {
            op: TextOp::Contains,
            texts: vec![t]
        }),
        of.clone().prop_map(|t| TextFilter {
            op: TextOp::Is,
            texts: vec![t]
        }),
        prop::collection::vec(of, 1..4).prop_map(|texts| TextFilter {
            op: TextOp::OneOf,
            texts
        }),
    ]
}

fn time_filter() -> impl Strategy<Value = TimeFilter> {
    let at = (-6_i64..6).prop_map(|hours| Timestamp(NOW.0 + hours * 3_600_000));
    prop_oneof![
        at.clone().prop_map(TimeFilter::Before),
        at.prop_map(TimeFilter::After),
        (0_i64..5).prop_map(|h| TimeFilter::OlderThan(h * 3600)),
        (0_i64..5).prop_map(|h| TimeFilter::Within(h * 3600)),
    ]
}

fn names_and_needles() -> impl Strategy<Value = String> + Clone {
    let all: Vec<&'static str> = NAMES
        .iter()
        .chain(&ACCOUNTS)
        .chain(&MAILS)
        .copied()
        .filter(|t| !t.is_empty())
        .collect();
    let few: Vec<&'static str> = vec!["an", "ann", "änn", "0%", "e", "x_y@", "雷"];
    prop_oneof![prop::sample::select(all), prop::sample::select(few)].prop_map(str::to_owned)
}

/// A filter of any kind, as what it does to a query.
pub fn filter() -> impl Strategy<Value = Changed> {
    fn change(f: impl Fn(&mut SessionQuery) + Send + Sync + 'static) -> Changed {
        Changed(std::sync::Arc::new(f))
    }
    let words = prop::collection::vec(needle(), 1..3).prop_map(|w| w.join(" "));
    let network = prop::sample::select(vec![
        "10.0.0.0/8",
        "10.0.0.7",
        "0.0.0.0/0",
        "2001:db8::/32",
        "::/0",
        "10.0.0.7,2001:db8::5",
    ]);
    let hints = one_of(&["a", "0", "F", "b7", "0000"]);
    prop_oneof![
        3 => words.prop_map(|w| change(move |q| q.search = w.clone())),
        3 => text_filter(names_and_needles()).prop_map(|f| change(move |q| q.person = Some(f.clone()))),
        1 => text_filter(prop::sample::select(vec!["a", "0", "f", "b7", "0000"]).prop_map(str::to_owned))
            .prop_map(|f| change(move |q| q.session = Some(f.clone()))),
        1 => hints.prop_map(|w| change(move |q| q.search = w.clone())),
        1 => text_filter(prop::sample::select(vec!["chrome", "9", "Firefox 9"]).prop_map(str::to_owned))
            .prop_map(|f| change(move |q| q.browser = Some(f.clone()))),
        1 => text_filter(prop::sample::select(vec!["win", "Linux"]).prop_map(str::to_owned))
            .prop_map(|f| change(move |q| q.os = Some(f.clone()))),
        1 => network.clone().prop_map(|n| change(move |q| q.ip = Network::parse_list(n).unwrap())),
        1 => network.prop_map(|n| change(move |q| q.not.ip = Network::parse_list(n).unwrap())),
        1 => text_filter(names_and_needles()).prop_map(|f| change(move |q| q.not.person = Some(f.clone()))),
        1 => text_filter(prop::sample::select(vec!["chrome", "Firefox 9"]).prop_map(str::to_owned))
            .prop_map(|f| change(move |q| q.not.browser = Some(f.clone()))),
        1 => text_filter(prop::sample::select(vec!["win", "Linux"]).prop_map(str::to_owned))
            .prop_map(|f| change(move |q| q.not.os = Some(f.clone()))),
        1 => prop::sample::subsequence(SYSTEMS.to_vec(), 1..3)
            .prop_map(|s| change(move |q| q.not.systems = s.iter().map(|s| SystemId::from(*s)).collect())),
        1 => prop::sample::subsequence(KINDS.to_vec(), 1..3)
            .prop_map(|k| change(move |q| q.not.kinds = k.clone())),
        1 => prop::sample::subsequence(vec!["north", "south", ""], 1..3)
            .prop_map(|s| change(move |q| q.not.sites = s.iter().map(|s| (*s).to_owned()).collect())),
        1 => prop::sample::subsequence(SYSTEMS.to_vec(), 1..3)
            .prop_map(|s| change(move |q| q.systems = s.iter().map(|s| SystemId::from(*s)).collect())),
        1 => prop::sample::subsequence(KINDS.to_vec(), 1..3)
            .prop_map(|k| change(move |q| q.kinds = k.clone())),
        1 => prop::sample::subsequence(SessionState::ALL.to_vec(), 1..4)
            .prop_map(|s| change(move |q| q.states = s.clone())),
        1 => prop::sample::subsequence(vec!["north", "south", ""], 1..3)
            .prop_map(|s| change(move |q| q.sites = s.iter().map(|s| (*s).to_owned()).collect())),
        1 => time_filter().prop_map(|f| change(move |q| q.started = Some(f))),
        1 => time_filter().prop_map(|f| change(move |q| q.last_activity = Some(f))),
        1 => time_filter().prop_map(|f| change(move |q| q.idle_ends = Some(f))),
        1 => time_filter().prop_map(|f| change(move |q| q.ends = Some(f))),
        1 => (1_i64..300, 1_i64..300).prop_map(|(idle_minutes, absolute_minutes)| {
            change(move |q| q.past = Some(PastLimits { idle_minutes, absolute_minutes }))
        }),
        1 => one_of(&ACCOUNTS[1..]).prop_map(|a| change(move |q| q.account = Some(a.clone()))),
        1 => Just(change(|q| q.over = true)),
        1 => Just(change(|q| q.never_idle = true)),
        1 => Just(change(|q| q.earlier = true)),
    ]
}

/// Any sort in any direction with up to three filters.
pub fn query() -> impl Strategy<Value = SessionQuery> {
    let direction = prop_oneof![Just(Direction::Ascending), Just(Direction::Descending)];
    (
        prop::sample::select(&SortKey::ALL[..]),
        direction,
        prop::collection::vec(filter(), 0..4),
    )
        .prop_map(|(sort, direction, changes)| {
            let mut query = SessionQuery {
                sort,
                direction,
                ..SessionQuery::default()
            };
            for change in changes {
                change.apply(&mut query);
            }
            query
        })
}

/// A filter that can be shown when a test fails.
#[derive(Clone)]
pub struct Changed(std::sync::Arc<dyn Fn(&mut SessionQuery) + Send + Sync>);

impl Changed {
    pub fn apply(&self, query: &mut SessionQuery) {
        (self.0)(query);
    }
}

impl std::fmt::Debug for Changed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut query = SessionQuery::default();
        self.apply(&mut query);
        f.write_str(&query.to_query_string())
    }
}
