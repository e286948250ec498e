//! The address of the list: what is written is read back equal, and what is not understood is named.

use app::paths::{parse_query, query_string};
use app::sessions::columns::Column;
use app::sessions::query::filter::{LeftOut, Network, PastLimits, TextFilter, TextOp, TimeFilter};
use app::sessions::query::typed::write_words;
use app::sessions::query::{Cursor, GroupBy, SessionQuery, SortKey};
use app::sessions::wire::{SessionKind, SessionState};
use app::wire::{Direction, SelectionId, SessionKey, SystemId, Timestamp};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Text as people and attackers write it: trimmed and not empty, as the reader leaves it.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,12}",
        "[^\\s]{1,8}( [^\\s]{1,8}){0,2}",
        Just("<b>Robert</b>'); DROP TABLE".to_owned()),
        Just("山田 太郎".to_owned()),
        Just("a&b=c;d%20+e#?".to_owned()),
    ]
    .prop_map(|t| t.trim().to_owned())
    .prop_filter("not empty", |t| !t.is_empty())
}

fn text_filter() -> impl Strategy<Value = TextFilter> {
    prop_oneof![
        text().prop_map(|t| TextFilter {
            op: TextOp::Contains,
            texts: vec![t]
        }),
        text().prop_map(|t| TextFilter {
            op: TextOp::Is,
            texts: vec![t]
        }),
        vec("[a-z.]{1,9}", 1..5).prop_map(|texts| TextFilter {
            op: TextOp::OneOf,
            texts
        }),
    ]
}

fn time_filter() -> impl Strategy<Value = TimeFilter> {
    let moment = -1_000_000_000_000i64..4_000_000_000_000;
    prop_oneof![
        moment.clone().prop_map(|ms| TimeFilter::Before(Timestamp(ms))),
        moment.prop_map(|ms| TimeFilter::After(Timestamp(ms))),
        (0i64..9_999_999).prop_map(TimeFilter::OlderThan),
        (0i64..9_999_999).prop_map(TimeFilter::Within),
    ]
}

fn network() -> impl Strategy<Value = Network> {
    prop_oneof![
        (any::<[u8; 4]>(), 0u8..=32).prop_map(|(a, prefix)| Network {
            address: a.into(),
            prefix
        }),
        (any::<[u16; 8]>(), 0u8..=128).prop_map(|(a, prefix)| Network {
            address: a.into(),
            prefix
        }),
    ]
}

fn columns() -> impl Strategy<Value = Vec<Column>> {
    subsequence(Column::ALL.to_vec(), 0..=10)
        .prop_shuffle()
        .prop_map(|mut columns| {
            for always in [Column::Person, Column::System] {
                if !columns.contains(&always) {
                    columns.push(always);
                }
            }
            columns
        })
}

fn different(mut networks: Vec<Network>) -> Vec<Network> {
    let mut met: Vec<Network> = Vec::new();
    networks.retain(|network| {
        let new = !met.contains(network);
        met.push(*network);
        new
    });
    networks
}

prop_compose! {
    fn left_out()(
        systems in subsequence(vec!["keycloak", "tableau", "uportal"], 0..3),
        kinds in subsequence(SessionKind::ALL.to_vec(), 0..4),
        sites in subsequence(vec!["emea", "apac"], 0..=2),
        person in option::of(text_filter()),
        ip in vec(network(), 0..3),
        browser in option::of(text_filter()),
        os in option::of(text_filter()),
    ) -> LeftOut {
        LeftOut {
            systems: systems.into_iter().map(SystemId::from).collect(),
            sites: sites.into_iter().map(str::to_owned).collect(),
            ip: different(ip),
            kinds, person, browser, os,
        }
    }
}

prop_compose! {
    fn filters()(
        search in vec(text(), 0..3),
        systems in subsequence(vec!["keycloak", "tableau", "uportal", "domo", "curfew"], 0..4),
        kinds in subsequence(SessionKind::ALL.to_vec(), 0..9),
        states in subsequence(SessionState::ALL.to_vec(), 0..=3),
        sites in subsequence(vec!["emea", "apac"], 0..=2),
        person in option::of(text_filter()),
        session in option::of(text_filter()),
        browser in option::of(text_filter()),
        os in option::of(text_filter()),
        ip in vec(network(), 0..3).boxed(),
        not in left_out().boxed(),
        times in [option::of(time_filter()), option::of(time_filter()), option::of(time_filter()),
            option::of(time_filter())],
    ) -> SessionQuery {
        SessionQuery {
            search: write_words(&search),
            systems: systems.into_iter().map(SystemId::from).collect(),
            kinds,
            // "live" alone is the default and is not written.
            states: if states == [SessionState::Live] { Vec::new() } else { states },
            sites: sites.into_iter().map(str::to_owned).collect(),
            person, session, browser, os, not,
            ip: different(ip),
            started: times[0], last_activity: times[1], idle_ends: times[2], ends: times[3],
            ..SessionQuery::default()
        }
    }
}

prop_compose! {
    fn query()(
        filters in filters().boxed(),
        past in option::of((1i64..100_000, 1i64..100_000)),
        (over, never_idle, earlier) in any::<(bool, bool, bool)>(),
        key in option::of("[0-9a-f]{32}"),
        account in option::of("[a-z.ä]{1,12}"),
        at in option::of(0i64..4_000_000_000_000),
        group in option::of(select(GroupBy::ALL.to_vec())),
        sort in select(SortKey::ALL.to_vec()),
        descending in any::<bool>(),
        cursor in option::of(("[A-Za-z0-9_-]{1,40}", any::<bool>())),
        selection in option::of("[0-9a-f-]{36}"),
        columns in option::of(columns()),
    ) -> SessionQuery {
        SessionQuery {
            past: past.map(|(idle_minutes, absolute_minutes)| PastLimits { idle_minutes, absolute_minutes }),
            over,
            never_idle,
            earlier,
            key: key.map(SessionKey::from),
            at: at.map(Timestamp),
            account,
            group,
            sort,
            direction: if descending { Direction::Descending } else { Direction::Ascending },
            cursor: cursor.map(|(text, backwards)| Cursor { text, backwards }),
            selection: selection.map(SelectionId::from),
            columns,
            ..filters
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// 256 random states, five times what is asked for.
    #[test]
    fn ui_b1_everything_that_shapes_the_list_survives_the_address(query in query(), offset in -720i32..840) {
        let address = query.to_query_string();
        let (read, problems) = SessionQuery::from_pairs(&parse_query(&address), offset);
        prop_assert!(problems.is_empty(), "{address}: {problems:?}");
        prop_assert_eq!(&read, &query, "{}", address);
        prop_assert_eq!(read.to_query_string(), address, "one list, one address");
    }

    #[test]
    fn reading_an_address_never_panics(text in "\\PC{0,200}") {
        let (query, problems) = SessionQuery::from_pairs(&parse_query(&text), 0);
        if problems.is_empty() {
            let again = SessionQuery::from_pairs(&parse_query(&query.to_query_string()), 0);
            prop_assert_eq!(again, (query, Vec::new()), "what was understood is written back equal");
        }
    }

    #[test]
    fn reading_a_known_parameter_with_any_value_never_panics(
        name in select(vec!["q", "system", "kind", "state", "site", "person", "session", "browser", "os", "ip",
            "started", "active", "idle_ends", "ends", "past", "over", "never_idle", "earlier", "key", "sort", "dir", "after", "before", "sel",
            "account", "at", "group", "not.system", "not.kind", "not.site", "not.person", "not.ip", "not.browser", "not.os", "cols", "started.op", "person.op"]),
        value in prop_oneof!["\\PC{0,40}", "[0-9@:,./TZ-]{0,30}"],
    ) {
        let op = if name == "started" { "before" } else { "older" };
        let pairs = [(name.to_owned(), value), (format!("{name}.op"), op.to_owned())];
        SessionQuery::from_pairs(&pairs[..1], 60);
        SessionQuery::from_pairs(&pairs, -60);
    }

    #[test]
    fn a_parameter_nobody_knows_is_a_problem(
        query in filters(),
        name in "[a-z]{1,12}(\\.op)?",
        value in "[a-z]{0,4}",
    ) {
        let known = ["q", "system", "kind", "state", "site", "person", "session", "browser", "os", "ip", "started",
            "active", "idle_ends", "ends", "past", "over", "never_idle", "earlier", "key", "sort", "dir", "after", "before", "sel", "cols",
            "account", "at", "group"];
        prop_assume!(!known.contains(&name.trim_end_matches(".op")));
        let mut pairs: Vec<(String, String)> =
            query.to_pairs().into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        pairs.push((name.clone(), value));
        let (_, problems) = SessionQuery::from_pairs(&pairs, 0);
        prop_assert!(problems.iter().any(|p| p.field == name), "{name} was dropped in silence");
    }

    /// The range holds exactly the addresses that agree in the leading bits.
    #[test]
    fn a_network_is_the_range_of_its_addresses(network in network(), other in any::<[u8; 4]>(), wide in any::<[u16; 8]>()) {
        let (first, last) = network.sort_range();
        prop_assert_eq!((first.len(), last.len()), (32, 32));
        prop_assert!(first <= last);
        let bits = |address: std::net::IpAddr| match address {
            std::net::IpAddr::V4(v4) => u128::from(v4.to_ipv6_mapped()),
            std::net::IpAddr::V6(v6) => u128::from(v6),
        };
        let extra = if network.address.is_ipv4() { 96 } else { 0 };
        let prefix = u32::from(network.prefix) + extra;
        for candidate in [network.address, other.into(), wide.into()] {
            let same = prefix == 0 || (bits(candidate) ^ bits(network.address)) >> (128 - prefix) == 0;
            let sort = format!("{:032x}", bits(candidate));
            prop_assert_eq!(first <= sort && sort <= last, same, "{} in {}", candidate, network);
        }
    }

    #[test]
    fn networks_are_read_as_they_are_written(network in network()) {
        prop_assert_eq!(Network::parse(&network.to_string()), Ok(network));
    }

    #[test]
    fn column_lists_survive_and_keep_person_and_system(columns in columns(), noise in "[a-z,]{0,20}") {
        let text = Column::write_list(&columns);
        prop_assert_eq!(Column::parse_list(&text), columns);
        let odd = Column::parse_list(&format!("{noise},{text},{text}"));
        prop_assert!(odd.contains(&Column::Person) && odd.contains(&Column::System));
        for (at, column) in odd.iter().enumerate() {
            prop_assert!(!odd[..at].contains(column), "{column:?} twice");
        }
    }
}

#[test]
fn bad_parts_are_named_and_the_rest_is_kept() {
    for (address, field, says) in [
        ("systme=domo", "systme", "There is no filter"),
        ("systme=", "systme", "There is no filter"),
        (
            "ip=10.0.0.0/48&q=ann",
            "ip",
            "/48 is too long for IPv4, up to /32.",
        ),
        ("ip=10.0.0&q=ann", "ip", "is not an IP address"),
        ("kind=robot", "kind", "is not a kind"),
        ("state=dead", "state", "is not a state"),
        ("started=8h", "started", "Say how to compare"),
        ("started=yesterday&started.op=before", "started", "is not a date"),
        (
            "active=eight&active.op=older",
            "active",
            "is not a length of time",
        ),
        ("person=ann&person.op=like", "person", "is not a way to compare"),
        ("person=,&person.op=one_of", "person", "at least one"),
        ("past=15", "past", "pair of limits"),
        ("over=31", "over", "over=1"),
        ("never_idle=yes", "never_idle", "never_idle=1"),
        ("earlier=yes", "earlier", "earlier=1"),
        ("sort=shoe_size", "sort", "can't be sorted"),
        ("dir=up", "dir", "is not a direction"),
        ("at=yesterday", "at", "is not a date"),
        ("group=mood", "group", "can't be grouped"),
        ("q=ann&q=bob", "q", "twice"),
        ("ip=10.0.0.1&ip=10.0.0.2", "ip", "twice"),
        ("active=8h&active.op=older&active.op=within", "active.op", "twice"),
    ] {
        let (_, problems) = SessionQuery::from_pairs(&parse_query(address), 0);
        assert!(
            problems
                .iter()
                .any(|p| p.field == field && p.message.contains(says)),
            "{address}: {problems:?}"
        );
    }
    let (kept, _) = SessionQuery::from_pairs(&parse_query("ip=10.0.0.0/48&q=ann"), 0);
    assert_eq!(kept.search, "ann", "so that the form can be shown again");
}

#[test]
fn an_empty_form_is_the_plain_list() {
    let form =
        "q=&person=&person.op=contains&ip=&started=&started.op=before&active=&active.op=older&state=live";
    let (query, problems) = SessionQuery::from_pairs(&parse_query(form), 0);
    assert_eq!((query, problems), (SessionQuery::default(), Vec::new()));
    assert_eq!(SessionQuery::default().to_query_string(), "");
    assert_eq!(query_string::<&str, &str>(&[]), "");
}

#[test]
fn dates_are_read_in_the_zone_of_the_person() {
    let at = |offset| {
        SessionQuery::from_pairs(&parse_query("started=2026-11-21T03:12&started.op=after"), offset).0
    };
    let hour = 3_600_000;
    let (Some(TimeFilter::After(utc)), Some(TimeFilter::After(cet))) = (at(0).started, at(60).started) else {
        panic!("both are moments");
    };
    assert_eq!(utc.0 - cet.0, hour);
}

#[test]
fn ui_c2_sorting_keeps_filters_and_selection_and_starts_at_the_first_page() {
    let (query, _) = SessionQuery::from_pairs(&parse_query("q=ann&after=c1&sel=s1"), 0);
    let by_person = query.sorted_by(SortKey::Person);
    assert_eq!(
        (by_person.sort, by_person.direction),
        (SortKey::Person, Direction::Ascending)
    );
    assert_eq!(
        by_person.sorted_by(SortKey::Person).direction,
        Direction::Descending
    );
    assert_eq!((by_person.search.as_str(), &by_person.cursor), ("ann", &None));
    assert_eq!(by_person.selection, Some(SelectionId::from("s1")));
    assert_eq!(
        query.direction,
        Direction::Descending,
        "newest activity first unless asked otherwise"
    );
}
