//! The connector and the simulated Tableau Server: every promise of a connector, with the simulator's own repository and
//! with a real one that mirrors it; and that both repositories show the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use app::sessions::wire::SessionKind;
use app::systems::wire::StepResult;
use async_trait::async_trait;
use server::clock::SystemClock;
use server::config::SystemSettings;
use server::connectors::conformance::{self, Fault, Subject};
use server::connectors::{
    Answer, Endable, ErrorKind, Handle, Recipe, SeenSession, SharedConnector, Target, make,
};
use server::simulators::tableau::TableauServer;
use server::simulators::tableau::faults::{Bad, Call, Faults, SqlBad, Who};
use server::simulators::tableau::release::Release as Simulated;
use server::simulators::tableau::rows::{Kind, SiteRole};
use server::simulators::tableau::shape::{IdShape, Shape};

use super::workgroup::mirror::Mirror;
use super::workgroup::{Release, Workgroup, all, find, listed};

/// Where the connector reads sessions.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Repository {
    /// The simulator's own.
    Small,
    /// A PostgreSQL that mirrors it.
    Real,
}

/// A simulated server and a connector to it.
struct Far {
    server: TableauServer,
    /// The settings of the connector.
    settings: SystemSettings,
    near: SharedConnector,
    real: Option<(Workgroup, Mirror)>,
    next: AtomicUsize,
}

/// Most rows of a list in these tests.
const LIMIT: usize = 400;

async fn far(release: Release, repository: Repository) -> Far {
    let shape = Shape::of(Simulated::named(release.name()).unwrap());
    let mut server = TableauServer::start(Arc::new(SystemClock), shape).await.unwrap();
    server.model(|model, now| {
        model.fill(60, &[("Sales", "Sales")], now);
        model.fill_sessions(120, now);
    });
    let mut settings = server.settings("Tableau").unwrap();
    let real = match repository {
        Repository::Small => None,
        Repository::Real => {
            let workgroup = Workgroup::empty(release).await;
            let mirror = Mirror::start(&server, workgroup.admin.clone()).await;
            Some((workgroup, mirror))
        }
    };
    let sql = settings.own["repository"].as_table_mut().unwrap();
    if let Some((workgroup, _)) = &real {
        sql.insert("hosts".to_owned(), vec![workgroup.host.clone()].into());
        sql.insert("database".to_owned(), workgroup.database.clone().into());
    }
    sql.insert("limit".to_owned(), i64::try_from(LIMIT).unwrap().into());
    sql.insert("pause_ms".to_owned(), 0.into());
    sql.insert("statement_timeout_ms".to_owned(), 500.into());
    let near = connect(&settings);
    Far {
        server,
        settings,
        near,
        real,
        next: AtomicUsize::new(1),
    }
}

fn connect(settings: &SystemSettings) -> SharedConnector {
    let recipe = Recipe {
        settings,
        timeout: Duration::from_millis(500),
    };
    make(&recipe).unwrap()
}

impl Far {
    /// Signs somebody in at the Default site: their session, as it is listed.
    async fn signed_in(&self, account: &str) -> Target {
        let (id, account_id) = self.server.model(|model, now| {
            let person = model.add_person(account, account, None);
            let user = model.join(person, 1, SiteRole::Viewer, now);
            let id = model.open(user, Kind::Browser, now).unwrap();
            (model.session(id).unwrap().session_id.clone(), person.to_string())
        });
        self.server.settle().await;
        Target {
            handle: Handle::new(id),
            place: String::new(),
            kind: SessionKind::Web,
            site: "Default".to_owned(),
            account_id,
            node: None,
        }
    }

    fn token(&self, session: &Target) -> String {
        let rows = self.server.rows().sessions;
        let row = rows.iter().find(|row| row.session_id == session.handle.expose());
        row.map_or_else(String::new, |row| {
            self.server
                .model(|model, _| model.session(row.id).unwrap().token.clone())
        })
    }

    async fn end(&self, target: Target) -> Answer {
        self.near.end().unwrap().end(&[target]).await.unwrap().remove(0)
    }
}

#[async_trait]
impl Subject for Far {
    fn connector(&self) -> SharedConnector {
        self.near.clone()
    }

    async fn open(&self) -> Target {
        let name = format!("guest{}", self.next.fetch_add(1, Ordering::SeqCst));
        self.signed_in(&name).await
    }

    async fn open_in_two_places(&self) -> Option<[Target; 2]> {
        None
    }

    async fn close(&self, session: &Target) {
        let rows = self.server.rows().sessions;
        let row = rows.iter().find(|row| row.session_id == session.handle.expose());
        let id = row.unwrap().id;
        self.server.model(|model, _| model.end(id));
        self.server.settle().await;
    }

    async fn lets_in(&self, session: &Target) -> bool {
        self.server.lets_in(&self.token(session))
    }

    async fn fault(&self, fault: Fault) -> bool {
        let small = self.real.is_none();
        let sql = |bad| Faults {
            repository: bad,
            ..Faults::default()
        };
        let faults = match fault {
            Fault::None => Faults::default(),
            Fault::Slow if small => sql(SqlBad::Silent),
            Fault::Unauthorized if small => sql(SqlBad::Refused("28P01".to_owned())),
            Fault::Lies => Faults {
                lie: Who::Everybody,
                ..Faults::default()
            },
            Fault::Refuses => Faults {
                refuse: Who::Everybody,
                ..Faults::default()
            },
            Fault::CutEnd => Faults {
                bad: [(Call::Delete, Bad::CutOff)].into(),
                ..Faults::default()
            },
            _ => return false,
        };
        self.server.faults(|all| *all = faults);
        true
    }

    fn secrets(&self) -> Vec<String> {
        let files = ["identity", "canary"].map(|table| ["pat_secret", "password"].map(|name| (table, name)));
        let mut secrets: Vec<String> = files
            .into_iter()
            .flatten()
            .chain([("repository", "password")])
            .filter_map(|(table, name)| {
                let file = self.settings.own[table]
                    .get(name)?
                    .as_str()?
                    .strip_prefix("file:")?;
                std::fs::read_to_string(file).ok()
            })
            .collect();
        assert_eq!(secrets.len(), 3);
        let tokens = self.server.rows().sessions;
        secrets.extend(tokens.iter().filter_map(|row| row.data.clone()));
        secrets
    }
}

#[tokio::test]
async fn tableau_keeps_every_promise_with_either_repository() {
    for (release, repository, promises) in [
        (Release::R2025_3, Repository::Small, 18),
        (Release::R2022_4, Repository::Small, 18),
        (Release::R2025_3, Repository::Real, 16),
        (Release::R2022_4, Repository::Real, 16),
    ] {
        let far = far(release, repository).await;
        let proven = conformance::run(&far).await;
        let proven = proven.unwrap_or_else(|broken| panic!("{release:?} {repository:?}: {broken:#}"));
        assert_eq!(proven.len(), promises, "{release:?} {repository:?}: {proven:#?}");
    }
}

/// What is told of a session, in an order of its own.
fn told(rows: &[SeenSession]) -> Vec<String> {
    let mut told: Vec<String> = rows
        .iter()
        .map(|row| {
            format!(
                "{} {} {} {:?} {:?} {:?} {} {} {:?} {:?} {:?} {:?} {:?}",
                row.handle.expose(),
                row.account_id,
                row.account_name,
                row.display_name,
                row.email,
                row.raw_kind,
                row.place,
                row.site,
                row.created_at,
                row.last_active_at,
                row.idle,
                row.endable,
                row.kind
            )
        })
        .collect();
    told.sort();
    told
}

#[tokio::test]
async fn both_repositories_tell_the_same_of_every_release() {
    for release in Release::ALL {
        let far = far(release, Repository::Real).await;
        far.server.model(|model, now| {
            let boss = model.add_administrator("boss", "secret", now);
            let user = model.member(boss, 1).unwrap();
            model.open(user, Kind::Browser, now).unwrap();
            if release == Release::R2025_3 {
                model.open_external("guest@partner.example", 1, now).unwrap();
            }
            model.shape.ids = IdShape::Legacy;
            model.fill_sessions(140, now);
        });
        far.server.settle().await;
        let small = {
            let mut settings = far.settings.clone();
            let sql = settings.own["repository"].as_table_mut().unwrap();
            let own = far.server.repository().to_string();
            sql.insert("hosts".to_owned(), vec![own].into());
            sql.insert("database".to_owned(), "workgroup".into());
            // Both sign in, and an access token holds one session only.
            settings.own.remove("url");
            settings.own.remove("identity");
            settings.own.remove("canary");
            connect(&settings)
        };
        let real = {
            let mut settings = far.settings.clone();
            for key in ["url", "identity", "canary"] {
                settings.own.remove(key);
            }
            connect(&settings)
        };
        let (by_small, by_real) = (all(&small).await, all(&real).await);
        assert_eq!(told(&by_small), told(&by_real), "{release:?}");
        assert!(by_real.len() >= 140, "{release:?}: {}", by_real.len());
        let hosts = |found: Vec<String>| found.into_iter().filter(|line| !line.contains("read from"));
        assert!(
            hosts(small.found()).eq(hosts(real.found())),
            "{release:?}: the same columns are there"
        );
        let externals = by_real.iter().any(|row| row.account_id.starts_with("external:"));
        assert_eq!(externals, release == Release::R2025_3, "{release:?}");
    }
}

#[tokio::test]
async fn an_old_server_has_rows_that_can_be_ended_and_rows_that_cannot() {
    for repository in [Repository::Small, Repository::Real] {
        let far = far(Release::R2019_3, repository).await;
        let protected = far.signed_in("pat").await;
        far.server.model(|model, _| model.shape.ids = IdShape::Legacy);
        let legacy = far.signed_in("leo").await;
        let rows = all(&far.near).await;
        assert_eq!(find(&rows, legacy.handle.expose()).endable, Endable::Yes);
        let Endable::No(why) = &find(&rows, protected.handle.expose()).endable else {
            panic!("{repository:?}: a protected row can\u{2019}t be ended before 2020.3")
        };
        assert!(why.contains("Upgrade to 2020.3"), "{why}");
        assert_eq!(far.end(legacy.clone()).await, Answer::Accepted);
        assert!(!far.lets_in(&legacy).await);
        assert!(matches!(far.end(protected.clone()).await, Answer::Refused(_)));
        assert!(far.lets_in(&protected).await);
    }
}

#[tokio::test]
async fn the_self_test_passes_on_a_sound_server_and_finds_an_unsound_one() {
    for repository in [Repository::Small, Repository::Real] {
        let far = far(Release::R2025_3, repository).await;
        let test = || async { far.near.self_test().unwrap().self_test().await.unwrap().steps };
        let before = all(&far.near).await.len();
        let steps = test().await;
        assert!(
            steps.iter().all(|step| step.result == StepResult::Passed),
            "{steps:#?}"
        );
        assert_eq!(all(&far.near).await.len(), before, "nothing is left behind");
        far.server.faults(|faults| faults.lie = Who::Everybody);
        let steps = test().await;
        assert!(
            steps.iter().any(|step| step.result == StepResult::Failed),
            "{steps:#?}"
        );
    }
}

#[tokio::test]
async fn what_the_repository_answers_badly_is_told_apart_and_it_recovers() {
    let far = far(Release::R2025_3, Repository::Small).await;
    for (bad, kind, words) in [
        (
            SqlBad::Refused("42501".to_owned()),
            ErrorKind::Forbidden,
            "readonly",
        ),
        (
            SqlBad::Refused("57014".to_owned()),
            ErrorKind::Unreachable,
            "in time",
        ),
        (SqlBad::CutOff, ErrorKind::Unreachable, "stopping"),
        (SqlBad::Silent, ErrorKind::Unreachable, "in time"),
    ] {
        all(&far.near).await;
        far.server.faults(|faults| faults.repository = bad.clone());
        let error = listed(&far.near).await.err().unwrap();
        assert_eq!(error.kind, kind, "{bad:?}: {error}");
        assert!(error.message.contains(words), "{bad:?}: {error}");
        far.server.faults(|faults| faults.repository = SqlBad::No);
    }
    far.server.faults(|faults| faults.repository = SqlBad::Copy);
    let error = listed(&connect(&far.settings)).await.err().unwrap();
    assert!(error.message.contains("copy"), "{error}");
}

#[tokio::test]
async fn a_server_that_went_dark_comes_back_with_its_sessions() {
    let mut far = far(Release::R2025_3, Repository::Small).await;
    let before = all(&far.near).await.len();
    far.server.go_dark().await;
    let error = listed(&far.near).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    far.server.come_back().await.unwrap();
    assert_eq!(all(&far.near).await.len(), before);
}

#[tokio::test]
async fn the_small_repository_lets_nobody_else_in_and_answers_nothing_else() {
    use sqlx::{ConnectOptions, postgres::PgConnectOptions};
    let far = far(Release::R2025_3, Repository::Small).await;
    let password = far.settings.own["repository"]["password"].as_str().unwrap();
    let password = std::fs::read_to_string(password.strip_prefix("file:").unwrap()).unwrap();
    let options = |user: &str, database: &str, password: &str| {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(far.server.repository().port())
            .username(user)
            .database(database)
            .password(password)
    };
    let state = |error: sqlx::Error| {
        error
            .as_database_error()
            .and_then(|error| error.code().map(String::from))
    };
    for (user, database, secret, code) in [
        ("readonly", "workgroup", "wrong", "28P01"),
        ("tblwgadmin", "workgroup", password.as_str(), "28000"),
        ("readonly", "postgres", password.as_str(), "3D000"),
    ] {
        let error = options(user, database, secret).connect().await.err().unwrap();
        assert_eq!(state(error).as_deref(), Some(code), "{user} {database}");
    }
    let mut conn = options("readonly", "workgroup", &password)
        .connect()
        .await
        .unwrap();
    for (sql, code) in [
        ("SELECT 1", "0A000"),
        ("DELETE FROM sessions", "0A000"),
        ("FETCH FORWARD 10 FROM curfew_sessions", "34000"),
        (
            "SELECT b.session_id, b.no_such::bigint AS number, NULL::boolean AS hashed FROM sessions b WHERE \
             b.session_id = ANY($1)",
            "42703",
        ),
    ] {
        let refused = sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut conn).await;
        assert_eq!(state(refused.err().unwrap()).as_deref(), Some(code), "{sql}");
    }
    let refused = sqlx::raw_sql("DROP TABLE sessions").execute(&mut conn).await;
    assert_eq!(state(refused.err().unwrap()).as_deref(), Some("0A000"));
}
