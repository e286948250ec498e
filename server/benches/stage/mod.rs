//! A portal for benches: database, rooms and somebody who may end everything.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use app::access::wire::Scope;
use app::endings::port::EndingsPort;
use app::endings::wire::{Confirm, Confirmed};
use app::wire::SystemId;
use server::access::{Access, SeedOperator};
use server::audit::Audit;
use server::caller::{Caller, For, Origin};
use server::changes::Changes;
use server::clock::{Clock, SystemClock};
use server::config::{Config, EndingRules, SignInRules};
use server::connectors::{SeenSession, Sink, Wanted};
use server::db::testing::TestDb;
use server::endings::{Endings, Parts};
use server::keys::HashKey;
use server::on;
use server::policies::Policies;
use server::sessions::collect::Collector;
use server::systems::Systems;

/// A portal over a database of its own.
pub struct Stage {
    pub test: TestDb,
    pub systems: Arc<Systems>,
    pub collector: Arc<Collector>,
    pub endings: Arc<Endings>,
    pub ada: Arc<Caller>,
}

pub fn ms(of: Duration) -> f64 {
    of.as_secs_f64() * 1_000.0
}

/// The number of what was confirmed; an error where it waits for somebody.
pub fn number_of(confirmed: Confirmed) -> anyhow::Result<i64> {
    confirmed
        .number()
        .ok_or_else(|| anyhow::anyhow!("it waits for a second person"))
}

impl Stage {
    /// With the systems of these settings connected.
    pub async fn new(engine: &str, config: &Config) -> anyhow::Result<Self> {
        let test = match engine {
            "sqlite" => TestDb::sqlite().await?,
            _ => TestDb::postgres().await?,
        };
        let db = test.db.clone();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let key = Arc::new(HashKey::generate());
        let audit = Arc::new(Audit::new(
            db.clone(),
            clock.clone(),
            Arc::new(HashKey::generate()),
        ));
        let access = Arc::new(Access::new(
            db.clone(),
            clock.clone(),
            audit.clone(),
            "http://localhost",
            SignInRules::default(),
        ));
        access.ensure_built_in_roles().await?;
        let seed = SeedOperator {
            login: "ada",
            display_name: "Ada",
            grants: &[("administrator", Scope::EVERYWHERE)],
            reason: "bench",
        };
        let id = access.seed_operator(&seed).await?;
        // As fresh as can be: the bench may take longer than a password stays fresh.
        let fresh = clock.now().plus_seconds(3_600);
        let ada = access
            .caller_of(&id, None, Some(fresh), Origin::default(), clock.now())
            .await?;
        let ada = Arc::new(ada.ok_or_else(|| anyhow::anyhow!("nobody to ask"))?);
        let systems = Arc::new(Systems::new(db.clone(), clock.clone(), audit.clone()));
        let problems = systems.apply_settings(config, None).await?;
        anyhow::ensure!(problems.is_empty(), "{problems:?}");
        let collector = Arc::new(Collector::new(
            db.clone(),
            clock.clone(),
            audit.clone(),
            key.clone(),
            systems.clone(),
            Arc::new(Policies::new(db.clone(), clock.clone(), audit.clone())),
        ));
        let endings = Arc::new(Endings::new(Parts {
            db: db.clone(),
            clock,
            key,
            collector: collector.clone(),
            systems: systems.clone(),
            access,
            audit,
            changes: Changes::new(db),
            // One ending of everything, however much that is.
            rules: EndingRules {
                max_set: 1_000_000,
                ..EndingRules::default()
            },
        }));
        Ok(Self {
            test,
            systems,
            collector,
            endings,
            ada,
        })
    }

    /// Previews and confirms the ending of so many of a system's sessions; its number. `mode` as selections have it: `all`
    /// of the system, or `some`.
    pub async fn confirm(&self, system: &str, rows: usize, mode: &str) -> anyhow::Result<i64> {
        let mut conn = self.test.db.write().await?;
        let selection = format!("bench{rows}");
        on!(conn, c => {
            sqlx::query(
                "INSERT INTO selection (selection_id, operator_id, mode, query, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4, 1, 9000000000000)",
            )
            .bind(&selection)
            .bind(self.ada.id.as_str())
            .bind(mode)
            .bind(format!("system={system}"))
            .execute(&mut *c)
            .await?;
            if mode == "some" {
                sqlx::query(
                    "INSERT INTO selection_item (selection_id, session_key) \
                     SELECT $1, session_key FROM session WHERE state = 'live' AND system_id = $2 LIMIT $3",
                )
                .bind(&selection)
                .bind(system)
                .bind(rows as i64)
                .execute(c)
                .await?;
            }
        });
        conn.commit().await?;
        let port = For::new(&self.endings, &self.ada);
        let draft = port.draft_ending(selection.as_str().into()).await?;
        let confirm = Confirm {
            reason: "bench".to_owned(),
            typed_number: rows.to_string(),
            ..Confirm::default()
        };
        number_of(port.confirm_ending(draft, confirm).await?)
    }

    /// Whether that ending settled as "ended", all of it.
    pub async fn check(&self, no: i64, rows: usize) -> anyhow::Result<()> {
        let port = For::new(&self.endings, &self.ada);
        let counts = port.ending_page(no, None, None).await?.brief.counts;
        anyhow::ensure!(counts.ended == rows as u64, "not all ended: {counts:?}");
        Ok(())
    }

    /// Everything of that system through its connector, handed over as it comes.
    pub async fn list(
        &self,
        system: &SystemId,
        mut take: impl FnMut(Vec<SeenSession>),
    ) -> anyhow::Result<()> {
        let connected = self.systems.connected(system).context("not connected")?;
        let (sink, mut batches) = Sink::channel(4);
        let listing = async move { connected.guard.list(Wanted::All, &sink).await };
        let taking = async {
            while let Some(batch) = batches.recv().await {
                take(batch);
            }
        };
        let (whole, ()) = tokio::join!(listing, taking);
        whole?;
        Ok(())
    }
}
