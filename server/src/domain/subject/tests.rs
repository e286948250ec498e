//! Who is who: what rules link, what they leave alone, and what a person looks like after linking and cutting.

use super::*;

fn rules() -> Rules {
    let set = |systems: &[&str]| systems.iter().map(|s| (*s).to_owned()).collect();
    let space = |system: &str, name: &str| (system.to_owned(), name.to_owned());
    Rules {
        verified_mail: set(&["kc", "domo", "tableau"]),
        name_spaces: [
            space("intranet", "staff"),
            space("tableau", "staff"),
            space("jobs", "staff"),
            space("lab", "lab"),
            space("cluster", "lab"),
        ]
        .into(),
        identity_servers: [("wiki".to_owned(), "kc".to_owned())].into(),
    }
}

/// An account by itself: key, system, name, mail.
fn account(key: &str, system: &str, name: &str, email: &str) -> Account {
    Account {
        key: key.to_owned(),
        subject: format!("p{key}"),
        system: system.to_owned(),
        place: String::new(),
        site: String::new(),
        principal: name.to_owned(),
        name: name.to_owned(),
        email: email.to_owned(),
        link: None,
    }
}

fn pool(accounts: &[Account]) -> Pool {
    Pool::new(accounts.iter().cloned(), HashSet::new())
}

/// Lets the rules look at every account; the people that come of it, each by the keys of its accounts.
fn people(pool: &mut Pool) -> Vec<String> {
    let keys: Vec<String> = pool.accounts.iter().map(|a| a.key.clone()).collect();
    pool.link_by(&rules(), &keys, 7);
    persons(pool)
}

fn persons(pool: &Pool) -> Vec<String> {
    let mut by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for account in &pool.accounts {
        by.entry(&account.subject).or_default().push(&account.key);
    }
    let mut persons: Vec<String> = by
        .into_values()
        .map(|mut keys| {
            keys.sort_unstable();
            keys.concat()
        })
        .collect();
    persons.sort();
    persons
}

/// Every person is one tree: one account without a link, and from every other one the links lead to it.
fn whole(pool: &Pool) {
    for account in &pool.accounts {
        let own = pool.of(&account.subject);
        assert_eq!(own.iter().filter(|a| a.link.is_none()).count(), 1, "{own:?}");
        let (mut at, mut steps) = (account, 0);
        while let Some(link) = &at.link {
            at = pool.get(&link.with).unwrap();
            assert_eq!(at.subject, account.subject, "{account:?}");
            steps += 1;
            assert!(steps <= own.len(), "a circle at {account:?}");
        }
    }
}

#[test]
fn each_rule_links_and_says_how() {
    let cases = [
        (
            account("a", "kc", "4711", ""),
            account("b", "wiki", "4711", ""),
            Some((Ground::IdentityServer, "kc")),
        ),
        (
            account("a", "kc", "x", "ann@corp.example"),
            account("b", "domo", "y", "ann@corp.example"),
            Some((Ground::Mail, "")),
        ),
        (
            account("a", "intranet", "ann", ""),
            account("b", "tableau", "ann", ""),
            Some((Ground::NameSpace, "staff")),
        ),
        // A mail that nobody checked, a name outside of any name space, another server's ids.
        (
            account("a", "kc", "x", "ann@corp.example"),
            account("b", "intranet", "y", "ann@corp.example"),
            None,
        ),
        (
            account("a", "domo", "ann", ""),
            account("b", "tableau", "ann", ""),
            None,
        ),
        (
            account("a", "domo", "4711", ""),
            account("b", "wiki", "4711", ""),
            None,
        ),
        // Nothing is not the same as nothing.
        (account("a", "kc", "", ""), account("b", "domo", "", ""), None),
        (
            account("a", "intranet", "", ""),
            account("b", "jobs", "", ""),
            None,
        ),
    ];
    for (a, b, expected) in cases {
        let mut pool = pool(&[a.clone(), b.clone()]);
        let joined = people(&mut pool).len() == 1;
        assert_eq!(joined, expected.is_some(), "{a:?} {b:?}");
        whole(&pool);
        if let Some((ground, words)) = expected {
            let link = pool.get("b").unwrap().link.clone().unwrap();
            assert_eq!((link.ground, link.words.as_str(), link.at), (ground, words, 7));
        }
    }
}

#[test]
fn two_smiths_of_two_domains_stay_two_people() {
    let mut pool = pool(&[
        account("a", "intranet", "smith", ""),
        account("b", "jobs", "smith", ""),
        account("c", "lab", "smith", ""),
        account("d", "cluster", "smith", ""),
        account("e", "tableau", "lab\\smith", ""),
        account("f", "domo", "smith", ""),
    ]);
    assert_eq!(people(&mut pool), ["ab", "cd", "e", "f"]);
    assert_eq!(bare("lab\\smith"), "smith");
    assert_eq!(bare("smith@lab.example"), "smith");
    assert_eq!(bare("@home"), "@home");
}

#[test]
fn accounts_come_together_in_any_order() {
    let all = [
        account("a", "kc", "4711", "ann@corp.example"),
        account("b", "tableau", "ann", "ann@corp.example"),
        account("c", "intranet", "ann", ""),
        account("d", "wiki", "4711", ""),
    ];
    let orders: [[usize; 4]; 4] = [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]];
    for order in orders {
        let mut known = Pool::default();
        for n in order {
            let mut accounts = known.accounts.clone();
            accounts.push(all[n].clone());
            known = pool(&accounts);
            known.link_by(&rules(), &[all[n].key.clone()], 7);
            whole(&known);
        }
        assert_eq!(persons(&known), ["abcd"], "{order:?}");
    }
}

#[test]
fn a_rule_never_gives_a_person_two_accounts_in_one_place() {
    // A mailbox that two share: nobody is linked by it, whoever comes first.
    let mut shared = pool(&[
        account("a", "kc", "1", "help@corp.example"),
        account("b", "kc", "2", "help@corp.example"),
        account("c", "domo", "3", "help@corp.example"),
    ]);
    assert_eq!(people(&mut shared), ["a", "b", "c"]);
    // By one more step: the name leads to one account of Tableau, the mail to another.
    let mut steps = pool(&[
        account("a", "tableau", "ann", ""),
        account("b", "tableau", "ann.admin", "ann@corp.example"),
        account("c", "intranet", "ann", ""),
        account("d", "kc", "x", "ann@corp.example"),
    ]);
    assert_eq!(people(&mut steps), ["ac", "bd"]);
    steps.accounts.push(Account {
        name: "ann".to_owned(),
        ..account("e", "jobs", "ann", "")
    });
    let mut both = pool(&steps.accounts);
    both.accounts[4].email = "ann@corp.example".to_owned();
    let mut verified = rules();
    verified.verified_mail.insert("jobs".to_owned());
    both.link_by(&verified, &["e".to_owned()], 8);
    // The stronger ground wins, and the person with that account in Tableau stays apart.
    assert_eq!(persons(&both), ["ac", "bde"]);
    whole(&both);
    // Two places of one system are two seats.
    let mut contexts = pool(&[
        account("a", "intranet", "ann", ""),
        account("b", "intranet", "ann", ""),
    ]);
    contexts.accounts[1].place = "/shop".to_owned();
    assert_eq!(people(&mut contexts), ["ab"]);
}

#[test]
fn what_was_cut_stays_cut_until_somebody_links_it() {
    let all = [
        account("a", "intranet", "ann", ""),
        account("b", "tableau", "ann", ""),
        account("c", "jobs", "ann", ""),
    ];
    let mut known = pool(&all);
    assert_eq!(people(&mut known), ["abc"]);
    let why = Link {
        with: String::new(),
        ground: Ground::Hand,
        words: "stayed".to_owned(),
        by: "Ada".to_owned(),
        at: 9,
    };
    // The tree begins at the first: what hung on it holds together by a ground of its own.
    let stay = known.cut("a", "new", &rules(), why.clone());
    assert_eq!(stay, ["b", "c"]);
    assert_eq!(persons(&known), ["a", "bc"]);
    whole(&known);
    let held = known.of(&known.get("b").unwrap().subject);
    assert!(held.iter().any(|a| {
        a.link
            .as_ref()
            .is_some_and(|link| link.ground == Ground::NameSpace && link.by.is_empty())
    }));
    let cuts: HashSet<_> = stay.iter().map(|key| pair("a", key)).collect();
    let mut later = Pool::new(known.accounts.clone(), cuts);
    assert_eq!(people(&mut later), ["a", "bc"]);
    // Not even by a third account that both would be linked to.
    let mut third = Pool::new(
        later.accounts.iter().cloned().chain([Account {
            place: "/shop".to_owned(),
            ..account("d", "jobs", "ann", "")
        }]),
        later.cuts.clone(),
    );
    let persons = people(&mut third);
    assert!(
        persons.iter().all(|p| !(p.contains('a') && p.contains('b'))),
        "{persons:?}"
    );
    third.link_by_hand("a", "b", why);
    whole(&third);
    assert_eq!(third.get("a").unwrap().subject, third.get("b").unwrap().subject);
}

#[test]
fn what_nothing_else_holds_stays_by_the_word_of_who_cut() {
    let mut known = pool(&[
        account("a", "kc", "4711", "ann@corp.example"),
        account("b", "wiki", "4711", ""),
        account("c", "domo", "x", "ann@corp.example"),
    ]);
    assert_eq!(people(&mut known), ["abc"]);
    let why = Link {
        with: String::new(),
        ground: Ground::Hand,
        words: "stayed".to_owned(),
        by: "Ada".to_owned(),
        at: 9,
    };
    known.cut("a", "new", &rules(), why);
    assert_eq!(persons(&known), ["a", "bc"]);
    whole(&known);
    let grounds: Vec<Ground> = ["b", "c"]
        .iter()
        .filter_map(|key| known.get(key).unwrap().link.as_ref().map(|link| link.ground))
        .collect();
    assert_eq!(grounds, [Ground::Hand]);
}

#[test]
fn the_person_with_more_accounts_keeps_its_id() {
    let mut known = pool(&[
        account("a", "domo", "x", "ann@corp.example"),
        account("b", "intranet", "ann", ""),
        account("c", "jobs", "ann", ""),
        account("d", "tableau", "ann", "ann@corp.example"),
    ]);
    known.link_by(&rules(), &["b".to_owned(), "c".to_owned()], 1);
    let kept = known.get("b").unwrap().subject.clone();
    known.link_by(&rules(), &["d".to_owned()], 2);
    assert_eq!(known.get("a").unwrap().subject, kept);
    assert_eq!(persons(&known), ["abcd"]);
    assert!(known.left().contains("pa"));
    whole(&known);
}
