//! Who may do what, said a second time: in a few lines that share nothing with the code that is tested.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;

/// Accounts of a case.
pub const ACCOUNTS: u8 = 4;
/// Sessions of a case, each in a slot of its own.
pub const SLOTS: u8 = 6;
/// Systems, shared by every case.
pub const SYSTEMS: [&str; 3] = ["s0", "s1", "s2"];
/// Most steps of a case.
const STEPS: usize = 8;
/// Sites of each system.
pub const SITES: [&str; 2] = ["x", "y"];

/// Roles of the cases and what they allow: see, end, end protected people.
pub const ROLES: [(&str, [bool; 3]); 4] = [
    ("see", [true, false, false]),
    ("end", [false, true, false]),
    ("both", [true, true, false]),
    ("force", [true, true, true]),
];

/// What a role may allow: its place in [`ROLES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    See = 0,
    End = 1,
    Force = 2,
}

/// Whom a grant or an entry of the protected list means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Everybody,
    Account(u8),
    Domain,
    Group,
}

/// Where a grant counts.
#[derive(Clone, Copy, Debug)]
pub enum Where {
    Everywhere,
    System(u8),
    Site(u8, u8),
}

/// A grant to be given.
#[derive(Clone, Debug)]
pub struct Give {
    pub to: u8,
    pub role: u8,
    pub who: Who,
    pub place: Where,
    /// Seconds until it ends by itself.
    pub ends_in: Option<i64>,
}

/// What a draft is made of.
#[derive(Clone, Debug)]
pub enum Pick {
    /// These slots, named one by one; `beyond` = those of the next case too.
    Keys { slots: u8, beyond: bool },
    /// These slots, ticked.
    Some { slots: u8, beyond: bool },
    /// All that a filter matches, by number.
    All(u8),
}

/// One step of a case; `by` and `to` are one of its two operators.
#[derive(Clone, Debug)]
pub enum Op {
    Give(Give),
    Revoke {
        of: u8,
        which: u8,
    },
    Disable(u8),
    Enable(u8),
    Join(u8),
    Leave(u8),
    Protect(Who),
    Unprotect,
    Draft {
        by: u8,
        pick: Pick,
    },
    Include {
        by: u8,
        own: bool,
        protected: bool,
    },
    /// `stale` = as they were when the draft was made: a request that took its time.
    Confirm {
        by: u8,
        whose: u8,
        stale: bool,
    },
    /// The asker twice, and the other one, at once.
    /// The administrator of the portal approves what waits for a second person.
    Approve {
        whose: u8,
    },
    Race {
        whose: u8,
    },
    Stop {
        by: u8,
    },
    Retry {
        by: u8,
    },
    /// `late` = while the next reading is on its way.
    Rotate {
        slot: u8,
        late: bool,
    },
    Replace {
        slot: u8,
        account: u8,
        late: bool,
    },
    Close {
        slot: u8,
        late: bool,
    },
}

/// A case: grants that are there from the start, then steps.
#[derive(Clone, Debug)]
pub struct Plan {
    pub start: Vec<Give>,
    pub steps: Vec<Op>,
}

/// What happens to everybody between two steps.
#[derive(Clone, Debug)]
pub struct Between {
    pub seconds: i64,
    pub collect: bool,
    pub work: bool,
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![
        4 => Just(Who::Everybody),
        2 => (0..ACCOUNTS).prop_map(Who::Account),
        1 => Just(Who::Domain),
        2 => Just(Who::Group),
    ]
}

fn give() -> impl Strategy<Value = Give> {
    let place = prop_oneof![
        3 => Just(Where::Everywhere),
        2 => (0..3u8).prop_map(Where::System),
        1 => (0..3u8, 0..2u8).prop_map(|(system, site)| Where::Site(system, site)),
    ];
    let role = prop_oneof![1 => Just(0u8), 1 => Just(1u8), 4 => Just(2u8), 2 => Just(3u8)];
    (0..2u8, role, who(), place, prop::option::weighted(0.3, 1..40i64)).prop_map(
        |(to, role, who, place, ends_in)| Give {
            to,
            role,
            who,
            place,
            ends_in,
        },
    )
}

fn pick() -> impl Strategy<Value = Pick> {
    prop_oneof![
        (1..64u8, any::<bool>()).prop_map(|(slots, beyond)| Pick::Keys { slots, beyond }),
        (1..64u8, any::<bool>()).prop_map(|(slots, beyond)| Pick::Some { slots, beyond }),
        (0..5u8).prop_map(Pick::All),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    let protect = prop_oneof![
        (0..ACCOUNTS).prop_map(Who::Account),
        Just(Who::Domain),
        Just(Who::Group)
    ];
    prop_oneof![
        2 => give().prop_map(Op::Give),
        3 => (0..2u8, any::<u8>()).prop_map(|(of, which)| Op::Revoke { of, which }),
        1 => (0..2u8).prop_map(Op::Disable),
        1 => (0..2u8).prop_map(Op::Enable),
        2 => (0..ACCOUNTS).prop_map(Op::Join),
        2 => (0..ACCOUNTS).prop_map(Op::Leave),
        2 => protect.prop_map(Op::Protect),
        1 => Just(Op::Unprotect),
        6 => (0..2u8, pick()).prop_map(|(by, pick)| Op::Draft { by, pick }),
        2 => (0..2u8, any::<bool>(), any::<bool>())
            .prop_map(|(by, own, protected)| Op::Include { by, own, protected }),
        6 => (0..2u8, prop::bool::weighted(0.2), any::<bool>()).prop_map(|(whose, other, stale)| Op::Confirm {
            by: if other { 1 - whose } else { whose },
            whose,
            stale,
        }),
        1 => (0..2u8).prop_map(|whose| Op::Race { whose }),
        3 => (0..2u8).prop_map(|whose| Op::Approve { whose }),
        1 => (0..2u8).prop_map(|by| Op::Stop { by }),
        1 => (0..2u8).prop_map(|by| Op::Retry { by }),
        2 => (0..SLOTS, any::<bool>()).prop_map(|(slot, late)| Op::Rotate { slot, late }),
        2 => (0..SLOTS, 0..ACCOUNTS, any::<bool>())
            .prop_map(|(slot, account, late)| Op::Replace { slot, account, late }),
        1 => (0..SLOTS, any::<bool>()).prop_map(|(slot, late)| Op::Close { slot, late }),
    ]
}

/// Any case. Most hold a draft and a confirmation of it among whatever else happens: else few would end anything.
pub fn plan() -> impl Strategy<Value = Plan> {
    let anything = vec(op(), 4..=STEPS);
    let by_somebody = (0..2u8, pick(), any::<bool>()).prop_flat_map(|(by, pick, stale)| {
        let draft = Op::Draft { by, pick };
        let confirm = Op::Confirm { by, whose: by, stale };
        let approve = Op::Approve { whose: by };
        let around = (
            vec(op(), 0..=1),
            vec(op(), 0..=2),
            vec(op(), 0..=1),
            vec(op(), 1..=3),
        );
        around.prop_map(move |(first, between, waits, then)| {
            let steps = first.into_iter().chain([draft.clone()]).chain(between);
            steps
                .chain([confirm.clone()])
                .chain(waits)
                .chain([approve.clone()])
                .chain(then)
                .collect()
        })
    });
    let steps = prop_oneof![1 => anything, 4 => by_somebody];
    (vec(give(), 2..5), steps).prop_map(|(start, steps)| Plan { start, steps })
}

/// Any course of things around the steps of cases.
pub fn course() -> impl Strategy<Value = Vec<Between>> {
    let between = (
        prop_oneof![3 => Just(0), 2 => Just(3), 1 => Just(11), 1 => Just(31)],
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.5),
    );
    vec(
        between.prop_map(|(seconds, collect, work)| Between {
            seconds,
            collect,
            work,
        }),
        STEPS,
    )
}

/// A session as far as rights go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    pub system: u8,
    pub site: String,
    pub account: String,
}

/// A grant that was given.
#[derive(Clone, Debug)]
pub struct Held {
    pub grant_id: String,
    pub give: Give,
    /// ms; `None` = no end.
    pub ends_at: Option<i64>,
}

/// The rights of one case.
#[derive(Clone, Debug, Default)]
pub struct Rights {
    pub case: usize,
    pub held: [Vec<Held>; 2],
    pub disabled: [bool; 2],
    pub group: BTreeSet<u8>,
    pub protected: BTreeSet<Who>,
}

/// Name of an account; the second and third are mail addresses of one domain.
pub fn account(case: usize, n: u8) -> String {
    match n {
        1 | 2 => format!("c{case}a{n}@{}", domain(case)),
        _ => format!("c{case}a{n}"),
    }
}

pub fn domain(case: usize) -> String {
    format!("c{case}.example")
}

impl Rights {
    fn means(&self, who: Who, account_name: &str) -> bool {
        match who {
            Who::Everybody => true,
            Who::Account(n) => account_name == account(self.case, n),
            Who::Domain => account_name.ends_with(&format!("@{}", domain(self.case))),
            Who::Group => self.group.iter().any(|n| account_name == account(self.case, *n)),
        }
    }

    /// Whether an operator holds a right about a session at that moment (ms).
    pub fn may(&self, by: u8, right: Right, session: &Facts, now: i64) -> bool {
        let by = usize::from(by);
        !self.disabled[by]
            && self.held[by].iter().any(|held| {
                let (_, allows) = ROLES[usize::from(held.give.role)];
                let here = match held.give.place {
                    Where::Everywhere => true,
                    Where::System(n) => session.system == n,
                    Where::Site(n, site) => session.system == n && session.site == SITES[usize::from(site)],
                };
                allows[right as usize]
                    && here
                    && held.ends_at.is_none_or(|end| now < end)
                    && self.means(held.give.who, &session.account)
            })
    }

    /// Whether somebody is protected by this case's list.
    pub fn protects(&self, account_name: &str) -> bool {
        self.protected.iter().any(|who| self.means(*who, account_name))
    }
}
