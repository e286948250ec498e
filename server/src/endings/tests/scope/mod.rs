//! No sequence of filters, selections, races and role changes ends a session outside the scope of who asked.
//!
//! A case is one generated sequence over people, accounts and sessions of its own. Some fifty share a database and go
//! step by step, so that systems are read and endings worked off for all of them at once; what is checked of each is
//! said in [`model`], apart from the code that is tested. `CURFEW_SCOPE_CASES` sets their number (docs/checks.md).

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config as TestConfig, RngAlgorithm, TestRng, TestRunner};

use super::*;
use crate::db::Conn;
use crate::error::Error;
use model::{
    ACCOUNTS, Between, Facts, Give, Held, Op, Pick, Plan, ROLES, Right, Rights, SITES, SLOTS, SYSTEMS, Where,
    Who, account, course, domain, plan,
};
use yard::{InMemory, SignIn, Turn, Yard};

mod acts;
mod changes;
mod model;
mod yard;

/// Cases that share a database at a time.
const TOGETHER: usize = 50;
/// After so many the database is thrown away.
const PER_DATABASE: usize = 1_000;

/// What one confirmed ending was asked to end: sign-ins by number.
struct Asked {
    case: usize,
    by: u8,
    ending_no: i64,
    sign_ins: BTreeSet<usize>,
    stopped: bool,
}

/// A preview somebody has open.
struct Draft {
    ending: EndingId,
    sign_ins: BTreeSet<usize>,
    /// Who made it, as they were then.
    caller: Caller,
}

/// One case at work.
struct Case {
    rights: Rights,
    /// Raw id by slot.
    ids: Vec<String>,
    drafts: [Option<Draft>; 2],
}

/// Cases that go together over one database.
struct World<'s> {
    stage: &'s Stage,
    yards: &'s [Arc<Yard>],
    /// Number of the first case.
    first: usize,
    cases: Vec<Case>,
    /// What the last reading of the systems showed.
    inventory: HashMap<String, (u8, SignIn)>,
    asked: Vec<Asked>,
    sign_ins: usize,
    did: Did,
}

/// What cases did: a property over sequences that do nothing would hold too.
#[derive(Clone, Copy, Debug, Default)]
struct Did {
    drafts: usize,
    confirmed: usize,
    /// Of those: approved by a second person.
    approved: usize,
    /// Sessions the systems were asked to end.
    asks: usize,
}

impl Did {
    fn and(self, other: Did) -> Did {
        Did {
            drafts: self.drafts + other.drafts,
            confirmed: self.confirmed + other.confirmed,
            approved: self.approved + other.approved,
            asks: self.asks + other.asks,
        }
    }

    fn assert_enough(self, cases: usize) {
        println!("{cases} cases: {self:?}");
        let Did {
            drafts,
            confirmed,
            approved,
            asks,
        } = self;
        assert!(
            drafts * 3 > cases && confirmed * 6 > cases && approved * 20 > cases && asks * 3 > cases,
            "{self:?}"
        );
    }
}

/// What a case broke: its place in the world, and how.
type Broken = (usize, String);

fn operator(case: usize, by: u8) -> OperatorId {
    OperatorId(format!("c{case}p{by}"))
}

fn group(case: usize) -> String {
    format!("c{case}group")
}

fn system_of(slot: u8) -> u8 {
    slot % 3
}

/// A refusal is an answer; anything else is a fault of ours.
fn taken<T>(result: Result<T, Error>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error::App(_)) => None,
        Err(other) => panic!("{other}"),
    }
}

impl World<'_> {
    fn case(&self, n: usize) -> &Case {
        &self.cases[n]
    }

    fn next_sign_in(&mut self, account: String, site: &str, slot: u8) -> SignIn {
        self.sign_ins += 1;
        SignIn {
            number: self.sign_ins,
            account,
            site: site.to_owned(),
            stays: slot == SLOTS - 1,
        }
    }

    fn facts(&self, key: &str) -> Option<(Facts, usize)> {
        let (system, sign_in) = self.inventory.get(key)?;
        let facts = Facts {
            system: *system,
            site: sign_in.site.clone(),
            account: sign_in.account.clone(),
        };
        Some((facts, sign_in.number))
    }

    fn protected(&self, account_name: &str) -> bool {
        self.cases.iter().any(|c| c.rights.protects(account_name))
    }

    async fn begin(&mut self, plans: &[Plan]) {
        for yard in self.yards {
            yard.clear();
        }
        let now = self.stage.clock.now();
        let mut conn = self.stage.test.db.write().await.unwrap();
        for (place, plan) in plans.iter().enumerate() {
            let n = self.first + place;
            let mut ids = Vec::new();
            for slot in 0..SLOTS {
                let id = format!("raw-c{n}-{slot}");
                let site = SITES[usize::from(slot / 3)];
                let sign_in = self.next_sign_in(account(n, slot % ACCOUNTS), site, slot);
                self.yards[usize::from(system_of(slot))].open(&id, sign_in);
                ids.push(id);
            }
            for by in 0..2 {
                let id = operator(n, by);
                on!(conn, c => { sqlx::query(
                    "INSERT INTO operator (operator_id, login, display_name, created_at) VALUES ($1, $1, $1, $2)")
                    .bind(id.as_str()).bind(now.0).execute(c).await.unwrap(); });
            }
            on!(conn, c => { sqlx::query(
                "INSERT INTO subject_group (group_id, name, source, changed_at) VALUES ($1, $1, 'import', $2)")
                .bind(group(n)).bind(now.0).execute(c).await.unwrap(); });
            self.cases.push(Case {
                rights: Rights {
                    case: n,
                    ..Rights::default()
                },
                ids,
                drafts: [None, None],
            });
            for give in &plan.start {
                self.give(&mut conn, place, give, now).await;
            }
        }
        conn.commit().await.unwrap();
        self.collect().await;
    }

    async fn collect(&mut self) {
        self.inventory.clear();
        for (n, (id, yard)) in SYSTEMS.iter().zip(self.yards).enumerate() {
            let system = SystemId::from(*id);
            self.stage.collector.collect(&system).await.unwrap().unwrap();
            for (raw, sign_in) in yard.all() {
                let key = self.stage.key.session_key(id, "", "web", &raw);
                self.inventory.insert(key.0, (u8::try_from(n).unwrap(), sign_in));
            }
        }
    }

    /// Works off what is due, then looks whom the systems were asked to end.
    async fn work(&mut self) -> Result<(), Broken> {
        self.stage.work().await;
        let now = self.stage.clock.now().0;
        for (system, yard) in self.yards.iter().enumerate() {
            for sign_in in yard.take_asked() {
                self.did.asks += 1;
                let facts = Facts {
                    system: u8::try_from(system).unwrap(),
                    site: sign_in.site.clone(),
                    account: sign_in.account.clone(),
                };
                let wanted: Vec<&Asked> = self
                    .asked
                    .iter()
                    .filter(|a| !a.stopped && a.sign_ins.contains(&sign_in.number))
                    .collect();
                let right = wanted.iter().any(|a| {
                    let rights = &self.case(a.case).rights;
                    let forced =
                        !self.protected(&facts.account) || rights.may(a.by, Right::Force, &facts, now);
                    rights.may(a.by, Right::End, &facts, now) && forced
                });
                if !right {
                    let place = wanted.first().map_or(0, |a| a.case);
                    let of: Vec<i64> = wanted.iter().map(|a| a.ending_no).collect();
                    return Err((
                        place,
                        format!("{facts:?} was asked to end, for the endings {of:?}"),
                    ));
                }
            }
        }
        Ok(())
    }

    async fn step(&mut self, plans: &[Plan], at: usize, between: &Between) -> Result<(), Broken> {
        let now = self.stage.clock.now();
        let mut conn = self.stage.test.db.write().await.unwrap();
        let mut acts = Vec::new();
        for (place, plan) in plans.iter().enumerate() {
            if let Some(op) = plan.steps.get(at)
                && !self.change(&mut conn, place, op, now).await
            {
                acts.push((place, op));
            }
        }
        conn.commit().await.unwrap();
        for (place, op) in acts {
            self.act(place, op).await?;
        }
        self.stage.clock.advance(between.seconds);
        if between.collect {
            self.collect().await;
        }
        if between.work {
            self.work().await?;
        }
        Ok(())
    }

    async fn run(&mut self, plans: &[Plan], course: &[Between]) -> Result<(), Broken> {
        self.begin(plans).await;
        for (at, between) in course.iter().enumerate() {
            self.step(plans, at, between).await?;
        }
        for pause in [1, 9, 31] {
            self.work().await?;
            self.stage.clock.advance(pause);
        }
        Ok(())
    }

    /// Leaves the database as it was: what a case needs grows with nobody else's.
    async fn end(self) {
        self.stage.clock.advance(3_600);
        for sql in [
            "DELETE FROM ending_item",
            "DELETE FROM ending",
            "DELETE FROM selection_item",
            "DELETE FROM selection",
            "DELETE FROM session",
            "DELETE FROM protected_subject",
            "DELETE FROM role_grant WHERE role_id IN ('see', 'end', 'both', 'force')",
            "DELETE FROM subject_group_member",
            "DELETE FROM subject_group",
            "DELETE FROM operator WHERE operator_id LIKE 'c%p_'",
        ] {
            let mut conn = self.stage.test.db.write().await.unwrap();
            on!(conn, c => { sqlx::query(sql).execute(c).await.unwrap(); });
            conn.commit().await.unwrap();
        }
    }
}

/// A stage with three systems in memory and the roles of the cases.
async fn stage(test: TestDb) -> (Stage, Vec<Arc<Yard>>) {
    let rules = EndingRules {
        // Some wait for a second person, some do not.
        most_per_act: 2,
        type_number_above: 1_000_000,
        most_per_hour: 1_000_000,
        ..EndingRules::default()
    };
    let stage = Stage::on(test, rules).await;
    let mut yards = Vec::new();
    for id in SYSTEMS {
        let yard = Arc::new(Yard::default());
        stage
            .systems
            .connect_for_test(id, Arc::new(InMemory(yard.clone())))
            .await
            .unwrap();
        yards.push(yard);
    }
    let mut conn = stage.test.db.write().await.unwrap();
    for (role, [see, end, force]) in ROLES {
        let names = [
            (see, "SeeSessions"),
            (end, "EditUserSessions"),
            (force, "ForceEnd"),
        ];
        let names: Vec<&str> = names
            .into_iter()
            .filter(|(on, _)| *on)
            .map(|(_, name)| name)
            .collect();
        let json = serde_json::to_string(&names).unwrap();
        on!(conn, c => { sqlx::query(
            "INSERT INTO role (role_id, name, built_in, permissions) VALUES ($1, $1, 0, $2)")
            .bind(role).bind(json).execute(c).await.unwrap(); });
    }
    conn.commit().await.unwrap();
    (stage, yards)
}

/// The cases with these numbers, always the same.
fn generate(cases: &Range<usize>) -> (Vec<Plan>, Vec<Between>) {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&(cases.start as u64).to_be_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(TestConfig::default(), rng);
    let plans = cases
        .clone()
        .map(|_| plan().new_tree(&mut runner).unwrap().current())
        .collect();
    (plans, course().new_tree(&mut runner).unwrap().current())
}

/// Runs these cases, in databases made by `fresh`.
async fn run(cases: Range<usize>, fresh: impl AsyncFn() -> TestDb) -> Did {
    let mut did = Did::default();
    for part in cases.clone().step_by(PER_DATABASE) {
        let (stage, yards) = stage(fresh().await).await;
        let end = (part + PER_DATABASE).min(cases.end);
        for first in (part..end).step_by(TOGETHER) {
            let (plans, course) = generate(&(first..(first + TOGETHER).min(end)));
            let mut world = World {
                stage: &stage,
                yards: &yards,
                first,
                cases: Vec::new(),
                inventory: HashMap::new(),
                asked: Vec::new(),
                sign_ins: 0,
                did: Did::default(),
            };
            if let Err((place, how)) = world.run(&plans, &course).await {
                panic!("case {}: {how}\n{:#?}\n{course:#?}", first + place, plans[place]);
            }
            did = did.and(world.did);
            world.end().await;
        }
    }
    did
}

fn wanted(default: usize) -> usize {
    match std::env::var("CURFEW_SCOPE_CASES") {
        Ok(number) => number.parse().expect("CURFEW_SCOPE_CASES is a number of cases"),
        Err(_) => default,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_sequence_ends_a_session_outside_scope_on_sqlite() {
    let cases = wanted(10_000);
    let half = cases / 2 / TOGETHER * TOGETHER;
    let halves =
        [0..half, half..cases].map(|part| tokio::spawn(run(part, async || TestDb::sqlite().await.unwrap())));
    let mut did = Did::default();
    for half in halves {
        did = did.and(half.await.unwrap());
    }
    did.assert_enough(cases);
}

#[tokio::test]
async fn no_sequence_ends_a_session_outside_scope_on_postgresql() {
    let cases = wanted(10_000) / 20;
    let did = run(0..cases, async || TestDb::postgres().await.unwrap()).await;
    did.assert_enough(cases);
}
