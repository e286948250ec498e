//! A database of its own for each test, made as the documented repository of a release.

use std::time::Duration;

use server::config::SystemSettings;
use server::connectors::conformance::list;
use server::connectors::{Completeness, ConnectorError, Recipe, SeenSession, SharedConnector, Wanted, make};
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{ConnectOptions, Connection};

pub mod mirror;

/// A release of Tableau Server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    R2019_3,
    R2022_4,
    R2023_1,
    R2025_3,
}

impl Release {
    pub const ALL: [Release; 4] = [
        Release::R2019_3,
        Release::R2022_4,
        Release::R2023_1,
        Release::R2025_3,
    ];

    /// Its number, as Tableau writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Release::R2019_3 => "2019.3",
            Release::R2022_4 => "2022.4",
            Release::R2023_1 => "2023.1",
            Release::R2025_3 => "2025.3",
        }
    }

    /// What makes the repository of the release before into this one's.
    const fn sql(self) -> &'static str {
        match self {
            Release::R2019_3 => include_str!("2019.3.sql"),
            Release::R2022_4 => include_str!("2022.4.sql"),
            Release::R2023_1 => include_str!("2023.1.sql"),
            Release::R2025_3 => include_str!("2025.3.sql"),
        }
    }
}

/// The repository of one server.
pub struct Workgroup {
    /// As the superuser, for what the server itself does there.
    pub admin: PgPool,
    /// Its host as the settings write it.
    pub host: String,
    pub database: String,
}

impl Workgroup {
    /// With some people and their sessions.
    pub async fn new(release: Release) -> Self {
        let workgroup = Self::empty(release).await;
        workgroup.run(include_str!("people.sql")).await;
        workgroup
    }

    /// With nobody there.
    pub async fn empty(release: Release) -> Self {
        let url = std::env::var("CURFEW_TEST_POSTGRES")
            .expect("set CURFEW_TEST_POSTGRES (cargo xtask test starts a server and sets it)");
        let options: PgConnectOptions = url.parse().unwrap();
        let database = format!("curfew_tableau_{}", server::keys::random_id());
        let mut conn = options.connect().await.unwrap();
        let create = format!("CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8'");
        sqlx::query(sqlx::AssertSqlSafe(create))
            .execute(&mut conn)
            .await
            .unwrap();
        conn.close().await.unwrap();
        let host = match options.get_socket() {
            Some(folder) => folder.display().to_string(),
            None => options.get_host().to_owned(),
        };
        let host = format!("{host}:{}", options.get_port());
        let admin = PgPool::connect_with(options.database(&database)).await.unwrap();
        let workgroup = Self {
            admin,
            host,
            database,
        };
        for each in Release::ALL.into_iter().filter(|each| *each <= release) {
            workgroup.run(each.sql()).await;
        }
        workgroup
    }

    /// Runs statements as the server itself.
    pub async fn run(&self, sql: &str) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned()))
            .execute(&self.admin)
            .await
            .unwrap();
    }

    /// The Unix socket of its PostgreSQL.
    pub fn socket(&self) -> String {
        let (folder, port) = self.host.rsplit_once(':').unwrap();
        assert!(
            folder.starts_with('/'),
            "the PostgreSQL of the tests has a Unix socket"
        );
        format!("{folder}/.s.PGSQL.{port}")
    }

    /// The settings of a connector that reads it; `hosts` and `more` as they stand in the file.
    pub fn settings(&self, hosts: &str, user: &str, more: &str) -> String {
        format!(
            "kind = \"tableau\"\n[repository]\nhosts = [{hosts}]\ndatabase = \"{}\"\nuser = \"{user}\"\n\
             password = \"env:PATH\"\npause_ms = 0\n{more}\n",
            self.database
        )
    }

    /// A connector that only reads it.
    pub fn reader(&self, user: &str, more: &str) -> SharedConnector {
        connect(&self.settings(&format!("\"{}\"", self.host), user, more))
    }
}

/// The connector of these settings.
pub fn connect(settings: &str) -> SharedConnector {
    let settings: SystemSettings = toml::from_str(settings).unwrap();
    let recipe = Recipe {
        settings: &settings,
        timeout: Duration::from_secs(5),
    };
    make(&recipe).unwrap()
}

/// Everything that is listed, by id.
pub async fn all(connector: &SharedConnector) -> Vec<SeenSession> {
    let (whole, rows) = listed(connector).await.unwrap();
    assert_eq!(whole, Completeness::Complete);
    rows
}

pub async fn listed(connector: &SharedConnector) -> Result<(Completeness, Vec<SeenSession>), ConnectorError> {
    list(connector.as_ref(), Wanted::All).await
}

/// The session of that id.
pub fn find<'r>(rows: &'r [SeenSession], id: &str) -> &'r SeenSession {
    let found = rows.iter().find(|row| row.handle.expose() == id);
    found.unwrap_or_else(|| panic!("{id} is not listed"))
}
