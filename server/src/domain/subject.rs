//! People above accounts: when two accounts are one person, and what linking and cutting make of a person.
//!
//! The accounts of a person hang together as a tree: each but one says which other account of the same person it is
//! linked to and on what ground. Rules add links where nothing speaks against it; they never take one away, never undo
//! what somebody cut, and never give a person two accounts in one place of a system.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use app::people::wire::Ground;

/// What the settings say about who is who.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Systems that check a mail address before they show it.
    pub verified_mail: BTreeSet<String>,
    /// The name space of a system: systems that share a directory share one.
    pub name_spaces: BTreeMap<String, String>,
    /// The identity server whose ids a system's accounts carry.
    pub identity_servers: BTreeMap<String, String>,
}

/// What holds an account to another one of the same person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The other account, by key.
    pub with: String,
    /// How it is known.
    pub ground: Ground,
    /// Name space, table or reason; empty = none.
    pub words: String,
    /// Who linked it; empty = a rule.
    pub by: String,
    /// When, ms.
    pub at: i64,
}

/// An account of a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its key.
    pub key: String,
    /// Whose.
    pub subject: String,
    /// Where.
    pub system: String,
    /// What tells accounts of one system apart: context, realm, site.
    pub place: String,
    /// Site; empty = none.
    pub site: String,
    /// What an identity server is asked about: the system's own id, else the name as written.
    pub principal: String,
    /// Name, lower-cased.
    pub name: String,
    /// Mail, lower-cased; empty = not reported.
    pub email: String,
    /// What it is linked to; `None` = the tree of its person begins here.
    pub link: Option<Link>,
}

impl Account {
    fn seat(&self) -> (&str, &str, &str) {
        (&self.system, &self.place, &self.site)
    }
}

/// A name without its domain: of `CORP\smith` and `smith@corp.example` it is `smith`.
pub fn bare(name: &str) -> &str {
    let local = name.rsplit_once('\\').map_or(name, |(_, local)| local);
    match local.split_once('@') {
        Some((local, _)) if !local.is_empty() => local,
        _ => local,
    }
}

impl Rules {
    /// The server whose subjects a system's accounts are; `None` = nobody said so.
    fn server<'r>(&'r self, system: &'r str) -> Option<&'r str> {
        match self.identity_servers.get(system) {
            Some(server) => Some(server),
            None => self
                .identity_servers
                .values()
                .any(|server| server == system)
                .then_some(system),
        }
    }

    /// What a rule can look an account up by: (subject at an identity server, verified mail, name in a name space).
    pub fn keys<'a>(&self, account: &'a Account) -> [Option<&'a str>; 3] {
        let some = |text: &'a str, counts: bool| Some(text).filter(|text| counts && !text.is_empty());
        [
            some(&account.principal, self.server(&account.system).is_some()),
            some(&account.email, self.verified_mail.contains(&account.system)),
            some(&account.name, self.name_spaces.contains_key(&account.system)),
        ]
    }

    /// Why two accounts may be one person, the strongest ground first, each with its words.
    pub fn grounds(&self, a: &Account, b: &Account) -> Vec<(Ground, String)> {
        let mut grounds = Vec::new();
        let (of_a, of_b) = (self.keys(a), self.keys(b));
        let same = |n: usize| of_a[n].is_some() && of_a[n] == of_b[n];
        if same(0) && self.server(&a.system) == self.server(&b.system) {
            let server = self.server(&a.system).unwrap_or_default();
            grounds.push((Ground::IdentityServer, server.to_owned()));
        }
        if same(1) {
            grounds.push((Ground::Mail, String::new()));
        }
        let space = self.name_spaces.get(&a.system);
        if same(2) && space == self.name_spaces.get(&b.system) {
            grounds.push((Ground::NameSpace, space.cloned().unwrap_or_default()));
        }
        grounds
    }

    /// Whether any rule can link anything.
    pub fn is_empty(&self) -> bool {
        self.verified_mail.is_empty() && self.name_spaces.is_empty() && self.identity_servers.is_empty()
    }
}

/// A link that was made, as the log tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The account.
    pub account: String,
    /// What it was linked to.
    pub with: String,
    /// On what ground.
    pub ground: Ground,
}

/// Two accounts, the lesser key first.
pub fn pair(a: &str, b: &str) -> (String, String) {
    match a < b {
        true => (a.to_owned(), b.to_owned()),
        false => (b.to_owned(), a.to_owned()),
    }
}

/// Accounts to decide about: with each account everything of its person, and everything a rule could link it to.
#[derive(Clone, Debug, Default)]
pub struct Pool {
    accounts: Vec<Account>,
    at: HashMap<String, usize>,
    cuts: HashSet<(String, String)>,
    before: Vec<Account>,
}

impl Pool {
    /// Over these accounts (each once counts) and cuts between them.
    pub fn new(accounts: impl IntoIterator<Item = Account>, cuts: HashSet<(String, String)>) -> Self {
        let mut pool = Pool {
            cuts,
            ..Pool::default()
        };
        for account in accounts {
            if !pool.at.contains_key(&account.key) {
                pool.at.insert(account.key.clone(), pool.accounts.len());
                pool.accounts.push(account);
            }
        }
        pool.before = pool.accounts.clone();
        pool
    }

    /// An account by its key.
    pub fn get(&self, key: &str) -> Option<&Account> {
        self.at.get(key).map(|at| &self.accounts[*at])
    }

    /// The accounts of a person, by key.
    pub fn of(&self, subject: &str) -> Vec<&Account> {
        let mut own: Vec<&Account> = self.accounts.iter().filter(|a| a.subject == subject).collect();
        own.sort_by(|a, b| a.key.cmp(&b.key));
        own
    }

    /// Accounts that are not as they were.
    pub fn changed(&self) -> Vec<&Account> {
        let both = self.accounts.iter().zip(&self.before);
        both.filter(|(now, before)| now != before)
            .map(|(now, _)| now)
            .collect()
    }

    /// People who lost an account.
    pub fn left(&self) -> BTreeSet<String> {
        let both = self.accounts.iter().zip(&self.before);
        both.filter(|(now, before)| now.subject != before.subject)
            .map(|(_, before)| before.subject.clone())
            .collect()
    }

    /// Links what the rules say of these accounts; `at` is now, ms.
    pub fn link_by(&mut self, rules: &Rules, keys: &[String], at: i64) -> Vec<Made> {
        let mut made = Vec::new();
        let mut keys: Vec<&String> = keys.iter().collect();
        keys.sort();
        for key in keys {
            let Some(&one) = self.at.get(key) else { continue };
            for ground in Ground::RULES {
                for (other, words) in self.clear(rules, one, ground) {
                    if self.may_join(one, other) {
                        let with = self.accounts[other].key.clone();
                        let link = Link {
                            with,
                            ground,
                            words,
                            by: String::new(),
                            at,
                        };
                        made.extend(self.join(one, other, link));
                    }
                }
            }
        }
        made
    }

    /// Accounts that a ground ties to this one. None at all where the ground fits two accounts in one place: then it is
    /// not clear whose it is.
    fn clear(&self, rules: &Rules, one: usize, ground: Ground) -> Vec<(usize, String)> {
        let account = &self.accounts[one];
        let mut seats = BTreeSet::from([account.seat()]);
        let mut found = Vec::new();
        for (at, other) in self.accounts.iter().enumerate() {
            let fits = rules
                .grounds(account, other)
                .into_iter()
                .find(|(g, _)| at != one && *g == ground);
            if let Some((_, words)) = fits {
                if !seats.insert(other.seat()) {
                    return Vec::new();
                }
                found.push((at, words));
            }
        }
        found.sort_by(|a, b| self.accounts[a.0].key.cmp(&self.accounts[b.0].key));
        found
    }

    /// Whether a rule may make one person of those of two accounts.
    fn may_join(&self, one: usize, other: usize) -> bool {
        let (a, b) = (&self.accounts[one].subject, &self.accounts[other].subject);
        if a == b {
            return false;
        }
        let (of_a, of_b) = (self.of(a), self.of(b));
        of_a.iter().all(|a| {
            of_b.iter()
                .all(|b| a.seat() != b.seat() && !self.cuts.contains(&pair(&a.key, &b.key)))
        })
    }

    /// Makes one person of those of two accounts: the one with fewer accounts goes into the other.
    fn join(&mut self, one: usize, other: usize, link: Link) -> Option<Made> {
        let (a, b) = (
            self.accounts[one].subject.clone(),
            self.accounts[other].subject.clone(),
        );
        if a == b {
            return None;
        }
        let size = |subject: &str| std::cmp::Reverse(self.of(subject).len());
        let stays = (size(&a), &a) < (size(&b), &b);
        let (moves, to, mover, host) = if stays {
            (b, a, other, one)
        } else {
            (a, b, one, other)
        };
        let with = self.accounts[host].key.clone();
        self.reroot(mover);
        let account = self.accounts[mover].key.clone();
        let ground = link.ground;
        self.accounts[mover].link = Some(Link {
            with: with.clone(),
            ..link
        });
        for own in self.accounts.iter_mut().filter(|own| own.subject == moves) {
            own.subject.clone_from(&to);
        }
        Some(Made {
            account,
            with,
            ground,
        })
    }

    /// Turns the links on the way up from an account, so that the tree begins at it.
    fn reroot(&mut self, from: usize) {
        let mut up = self.accounts[from].link.take();
        let mut below = from;
        while let Some(link) = up {
            let Some(&above) = self.at.get(&link.with) else {
                return;
            };
            let with = self.accounts[below].key.clone();
            up = self.accounts[above].link.replace(Link { with, ..link });
            below = above;
        }
    }

    /// Makes one person of those of two accounts because somebody says so; what was cut between them is cut no more.
    pub fn link_by_hand(&mut self, one: &str, other: &str, why: Link) -> Option<Made> {
        let (&one, &other) = (self.at.get(one)?, self.at.get(other)?);
        self.join(one, other, why)
    }

    /// Takes an account out of its person, for a person of its own; the accounts that stay. `why` is kept at accounts
    /// that hung on it and that no rule ties to another one that stays.
    pub fn cut(&mut self, key: &str, own: &str, rules: &Rules, why: Link) -> Vec<String> {
        let Some(&one) = self.at.get(key) else {
            return Vec::new();
        };
        let subject = self.accounts[one].subject.clone();
        self.reroot(one);
        self.accounts[one].subject = own.to_owned();
        let mut begins: Vec<usize> = Vec::new();
        for (at, account) in self.accounts.iter_mut().enumerate() {
            if account.link.as_ref().is_some_and(|link| link.with == key) {
                account.link = None;
                begins.push(at);
            }
        }
        begins.sort_by(|a, b| self.accounts[*a].key.cmp(&self.accounts[*b].key));
        if let Some((first, rest)) = begins.split_first() {
            let mut hangs: Vec<usize> = self.below(*first);
            for &part in rest {
                let whole = self.below(part);
                let tie = whole.iter().find_map(|a| {
                    hangs.iter().find_map(|b| {
                        let grounds = rules.grounds(&self.accounts[*a], &self.accounts[*b]);
                        let (ground, words) = grounds.into_iter().next()?;
                        let with = self.accounts[*b].key.clone();
                        let by = String::new();
                        let link = Link {
                            with,
                            ground,
                            words,
                            by,
                            at: why.at,
                        };
                        Some((*a, link))
                    })
                });
                let (at, link) = tie.unwrap_or_else(|| {
                    let with = self.accounts[*first].key.clone();
                    (part, Link { with, ..why.clone() })
                });
                self.reroot(at);
                self.accounts[at].link = Some(link);
                hangs.extend(whole);
            }
        }
        let stay = self.of(&subject);
        stay.into_iter().map(|account| account.key.clone()).collect()
    }

    /// An account and everything that hangs on it.
    fn below(&self, from: usize) -> Vec<usize> {
        let mut all = vec![from];
        let mut next = 0;
        while next < all.len() {
            let key = &self.accounts[all[next]].key;
            let hangs = |a: &Account| a.link.as_ref().is_some_and(|link| link.with == *key);
            let found: Vec<usize> = (0..self.accounts.len())
                .filter(|at| !all.contains(at) && hangs(&self.accounts[*at]))
                .collect();
            all.extend(found);
            next += 1;
        }
        all
    }
}

#[cfg(test)]
#[path = "subject/tests.rs"]
mod tests;
