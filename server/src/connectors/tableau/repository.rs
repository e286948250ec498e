//! Tableau's repository, the PostgreSQL database `workgroup`, read and never written: one connection of its own, paced.
//!
//! What may be read is asked of `information_schema` once per connection, and the query is built from what is there.
//! Columns that may hold a live sign-in (`data`, `shared_…`, `salt`, the hash itself) are never selected.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use app::wire::Timestamp;
use futures::TryStreamExt;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row as _};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::columns::{Columns, LOOKED_AT};
use super::reach::{RepositorySettings, Tls, allowed, host_and_port};
use super::rows::Row;
use crate::connectors::{ConnectorError, ErrorKind};

/// Rows of one FETCH: each is a statement with a time limit of its own.
const BATCH: usize = 2_000;
/// Most sites whose settings are shown.
const MOST_SITES: i64 = 100;

/// The repository of one server.
pub(super) struct Repository {
    /// Host and port, in the order they are tried.
    hosts: Vec<(String, u16)>,
    database: String,
    pub(super) user: String,
    password: SecretString,
    tls: Tls,
    ca_file: Option<PathBuf>,
    pub(super) limit: usize,
    statement: Duration,
    pause: Duration,
    /// Longest time to connect to one host and to wait for one answer.
    timeout: Duration,
    reader: Mutex<Reader>,
}

/// The one connection, and when it may be used next.
#[derive(Default)]
struct Reader {
    open: Option<Open>,
    next: Option<Instant>,
}

/// An open connection and what may be read over it.
struct Open {
    conn: PgConnection,
    host: String,
    columns: Columns,
}

/// How a reading of the repository went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// Rows it gave.
    pub rows: usize,
    /// Host that answered.
    pub host: String,
    /// What of the repository can't be read there, and what that hides; plain sentences.
    pub lacks: Vec<String>,
}

/// Which sessions are read.
pub(super) enum Which {
    /// All of them.
    All,
    /// Those of these persons and external users.
    Of(Vec<i32>, Vec<String>),
}

/// What the base table says of a session beside the views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Detail {
    /// Its number.
    pub number: Option<i64>,
    /// Whether its secret is kept as a hash.
    pub hashed: Option<bool>,
}

/// What the repository tells of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SiteSetting {
    /// Its name.
    pub site: String,
    /// Column that tells it.
    pub column: &'static str,
    pub value: String,
}

impl Repository {
    /// The repository these settings name; the error names the bad one.
    pub(super) fn new(settings: &RepositorySettings, timeout: Duration) -> anyhow::Result<Self> {
        anyhow::ensure!(
            !settings.hosts.is_empty(),
            "repository.hosts: name at least one host"
        );
        anyhow::ensure!(settings.limit > 0, "repository.limit: at least 1");
        let tls = settings.tls.unwrap_or(match settings.ca_file {
            Some(_) => Tls::VerifyCa,
            None => Tls::Prefer,
        });
        let verifies = matches!(tls, Tls::VerifyCa | Tls::VerifyFull);
        anyhow::ensure!(
            verifies || settings.ca_file.is_none(),
            "repository.ca_file: only verify-ca and verify-full look at it"
        );
        anyhow::ensure!(
            tls != Tls::VerifyCa || settings.ca_file.is_some(),
            "repository.tls: verify-ca needs ca_file; without one any known authority would do for any host"
        );
        if let Some(file) = &settings.ca_file {
            std::fs::metadata(file)
                .map_err(|cause| anyhow::anyhow!("repository.ca_file {}: {cause}", file.display()))?;
        }
        let hosts = settings.hosts.iter().map(|host| host_and_port(host));
        Ok(Self {
            hosts: hosts.collect::<anyhow::Result<_>>()?,
            database: settings.database.clone(),
            user: settings.user.clone(),
            password: settings.password.read()?,
            tls,
            ca_file: settings.ca_file.clone(),
            limit: settings.limit as usize,
            statement: Duration::from_millis(settings.statement_timeout_ms),
            pause: Duration::from_millis(settings.pause_ms),
            timeout,
            reader: Mutex::default(),
        })
    }

    /// Reads sessions, newest activity first, and hands them over in batches.
    pub(super) async fn read<F>(
        &self,
        which: Which,
        mut hand_over: impl FnMut(Vec<Row>) -> F,
    ) -> Result<Reading, ConnectorError>
    where
        F: Future<Output = Result<(), ConnectorError>>,
    {
        let mut reader = self.reader.lock().await;
        let mut open = self.open(&mut reader).await?;
        let sql = open.columns.list_sql(matches!(which, Which::Of(..)));
        let conn = &mut open.conn;
        self.in_time(sqlx::query("BEGIN READ ONLY").execute(&mut *conn))
            .await?;
        let mut cursor = sqlx::query(AssertSqlSafe(sql)).bind(self.limit as i64);
        if let Which::Of(persons, external) = which {
            cursor = cursor.bind(persons).bind(external);
        }
        self.in_time(cursor.persistent(false).execute(&mut *conn)).await?;
        let mut count = 0;
        loop {
            // A statement each, so that the time limit is for Tableau's work and not for ours.
            let sql = format!("FETCH FORWARD {BATCH} FROM curfew_sessions");
            let batch: Vec<Row> = self
                .in_time(
                    sqlx::query(AssertSqlSafe(sql))
                        .persistent(false)
                        .fetch(&mut *conn)
                        .and_then(|row| std::future::ready(session(&row)))
                        .try_collect(),
                )
                .await?;
            let got = batch.len();
            count += got;
            if got > 0 {
                hand_over(batch).await?;
            }
            if got < BATCH {
                break;
            }
        }
        self.in_time(sqlx::query("COMMIT").execute(&mut *conn)).await?;
        let reading = Reading {
            rows: count,
            host: open.host.clone(),
            lacks: open.columns.lacks(&self.user),
        };
        reader.open = Some(open);
        Ok(reading)
    }

    /// What the base table says of these sessions; those it has not are left out. Empty where it can't be read.
    pub(super) async fn details(
        &self,
        session_ids: &[&str],
    ) -> Result<HashMap<String, Detail>, ConnectorError> {
        let mut reader = self.reader.lock().await;
        let mut open = self.open(&mut reader).await?;
        let Some(sql) = open.columns.detail_sql() else {
            reader.open = Some(open);
            return Ok(HashMap::new());
        };
        let ids: Vec<String> = session_ids.iter().map(|id| (*id).to_owned()).collect();
        let rows: Vec<PgRow> = self
            .in_time(
                sqlx::query(AssertSqlSafe(sql))
                    .bind(ids)
                    .fetch_all(&mut open.conn),
            )
            .await?;
        reader.open = Some(open);
        let read = rows.iter().map(|row| {
            let detail = Detail {
                number: row.try_get("number")?,
                hashed: row.try_get("hashed")?,
            };
            Ok((row.try_get("session_id")?, detail))
        });
        read.collect::<Result<_, sqlx::Error>>()
            .map_err(|cause| failed(&cause, &self.user))
    }

    /// What the repository tells of each site's settings; a user who may not read them is told nothing.
    pub(super) async fn site_settings(&self) -> Result<Vec<SiteSetting>, ConnectorError> {
        let mut reader = self.reader.lock().await;
        let mut open = self.open(&mut reader).await?;
        let Some((sql, columns)) = open.columns.sites_sql() else {
            reader.open = Some(open);
            return Ok(Vec::new());
        };
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(MOST_SITES)
            .fetch_all(&mut open.conn);
        let rows: Vec<PgRow> = self.in_time(rows).await?;
        reader.open = Some(open);
        let mut settings = Vec::new();
        for row in &rows {
            let text = |at: usize| {
                row.try_get::<Option<String>, _>(at)
                    .map_err(|cause| failed(&cause, &self.user))
            };
            let site = text(0)?.unwrap_or_default();
            for (at, column) in columns.iter().enumerate() {
                if let Some(value) = text(at + 1)? {
                    settings.push(SiteSetting {
                        site: site.clone(),
                        column,
                        value,
                    });
                }
            }
        }
        Ok(settings)
    }

    /// Those of these ids that are in the list of sessions.
    pub(super) async fn listed(&self, session_ids: &[&str]) -> Result<Vec<String>, ConnectorError> {
        let mut reader = self.reader.lock().await;
        let mut open = self.open(&mut reader).await?;
        let ids: Vec<String> = session_ids.iter().map(|id| (*id).to_owned()).collect();
        let found = sqlx::query_scalar("SELECT session_id FROM _sessions WHERE session_id = ANY($1)")
            .bind(ids)
            .fetch_all(&mut open.conn);
        let found = self.in_time(found).await?;
        reader.open = Some(open);
        Ok(found)
    }

    /// Waits for its turn; the kept connection where it still lives, else a new one to the first host that has it.
    ///
    /// It is taken out of the reader: whoever fails with it drops it.
    async fn open(&self, reader: &mut Reader) -> Result<Open, ConnectorError> {
        if let Some(next) = reader.next {
            tokio::time::sleep_until(next).await;
        }
        reader.next = Some(Instant::now() + self.pause);
        if let Some(mut open) = reader.open.take()
            && self.in_time(open.conn.ping()).await.is_ok()
        {
            return Ok(open);
        }
        let mut worst: Option<ConnectorError> = None;
        for (host, port) in &self.hosts {
            match self.connect(host, *port).await {
                Ok(open) => return Ok(open),
                // What another host says, a refused password above all, tells more than a host that is not there.
                Err(error) if error.kind == ErrorKind::Unreachable && worst.is_some() => {}
                Err(error) => {
                    let refused = error.kind == ErrorKind::Unauthorized;
                    worst = Some(error);
                    if refused {
                        break;
                    }
                }
            }
        }
        Err(worst.unwrap_or_else(ConnectorError::stopped))
    }

    async fn connect(&self, host: &str, port: u16) -> Result<Open, ConnectorError> {
        allowed(host, port).await?;
        let mode = match self.tls {
            Tls::Disable => PgSslMode::Disable,
            Tls::Prefer => PgSslMode::Prefer,
            Tls::Require => PgSslMode::Require,
            Tls::VerifyCa => PgSslMode::VerifyCa,
            Tls::VerifyFull => PgSslMode::VerifyFull,
        };
        let statement = self.statement.as_millis().to_string();
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(host)
            .port(port)
            .database(&self.database)
            .username(&self.user)
            .password(self.password.expose_secret())
            .ssl_mode(mode)
            .application_name("curfew")
            .options([
                ("default_transaction_read_only", "on"),
                ("statement_timeout", statement.as_str()),
            ])
            .disable_statement_logging();
        if let Some(file) = &self.ca_file {
            options = options.ssl_root_cert(file);
        }
        // The hosts share what the guard allows for all of it.
        let limit = self.timeout / u32::try_from(self.hosts.len()).unwrap_or(1).max(1);
        let connected = tokio::time::timeout(limit, options.connect()).await;
        let mut conn = connected
            .map_err(|_| unreachable_host())?
            .map_err(|cause| failed(&cause, &self.user))?;
        let columns = self.in_time(self.look(&mut conn)).await?;
        match columns {
            None => Err(ConnectorError::new(
                ErrorKind::Unreachable,
                "That host has only a copy of the repository, which may lag behind: another node has the active one.",
            )),
            Some(columns) if !columns.has("_sessions", "session_id") => Err(ConnectorError::new(
                ErrorKind::Forbidden,
                format!(
                    "The repository shows the user {} no sessions (view _sessions): run \u{201c}tsm data-access \
                     repository-access enable\u{201d} for it, and check the database setting.",
                    self.user
                ),
            )),
            Some(columns) => Ok(Open {
                conn,
                host: host.to_owned(),
                columns,
            }),
        }
    }

    /// What there is to read; `None` on a copy that follows another host.
    async fn look(&self, conn: &mut PgConnection) -> Result<Option<Columns>, sqlx::Error> {
        let tables: Vec<String> = LOOKED_AT.iter().map(|table| (*table).to_owned()).collect();
        let rows: Vec<(String, String, bool)> = sqlx::query_as(
            "SELECT table_name::text, column_name::text, pg_is_in_recovery() FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name = ANY($1)",
        )
        .bind(tables)
        .fetch_all(conn)
        .await?;
        if rows.iter().any(|(_, _, copy)| *copy) {
            return Ok(None);
        }
        let columns = rows.into_iter().map(|(table, column, _)| (table, column));
        Ok(Some(Columns::of(columns)))
    }

    /// A statement within the time limits, its failure in our words.
    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, ConnectorError> {
        match tokio::time::timeout(self.timeout.max(self.statement), work).await {
            Ok(done) => done.map_err(|cause| failed(&cause, &self.user)),
            Err(_) => Err(ConnectorError::new(
                ErrorKind::Unreachable,
                "The repository did not answer in time.",
            )),
        }
    }
}

/// A row of the list.
fn session(row: &PgRow) -> Result<Row, sqlx::Error> {
    let moment = |name: &str| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(Timestamp));
    let started_by: Option<String> = row.try_get("started_by")?;
    let domain: Option<String> = row.try_get("started_by_domain")?;
    Ok(Row {
        session_id: row.try_get("session_id")?,
        updated_at: moment("updated_at")?,
        created_at: moment("created_at")?,
        user_name: row.try_get("user_name")?,
        system_user_id: row.try_get("system_user_id")?,
        external_user_id: row.try_get("external_user_id")?,
        friendly_name: row.try_get("friendly_name")?,
        email: row.try_get("email")?,
        domain_name: row.try_get("domain_name")?,
        site_name: row.try_get("site_name")?,
        url_namespace: row.try_get("url_namespace")?,
        hashed: row.try_get("hashed")?,
        started_by: started_by.map(|name| (name, domain)),
    })
}

/// The error of a host that can't be reached.
pub(super) fn unreachable_host() -> ConnectorError {
    ConnectorError::new(
        ErrorKind::Unreachable,
        "No connection to the repository: the host is not known, a firewall is in the way, or access was never enabled \
         (tsm data-access repository-access enable).",
    )
}

/// A failure of PostgreSQL in our words. What the server wrote itself is left out: it may hold what was asked for.
fn failed(cause: &sqlx::Error, user: &str) -> ConnectorError {
    let state = match cause {
        sqlx::Error::Database(error) => error.code().map(|code| code.into_owned()),
        _ => None,
    };
    let (kind, words) = match (cause, state.as_deref()) {
        (_, Some("28P01")) => (
            ErrorKind::Unauthorized,
            format!(
                "The repository did not accept the password of {user}. It is not tried again by itself: set it anew \
                 (tsm data-access repository-access enable), then press Test."
            ),
        ),
        // No password was looked at, so trying again locks nobody out.
        (_, Some("28000")) => (
            ErrorKind::Forbidden,
            format!(
                "The repository does not let {user} in from here: access is not enabled for it (tsm data-access \
                 repository-access enable), or it wants TLS."
            ),
        ),
        (_, Some("42501")) => (
            ErrorKind::Forbidden,
            format!("The repository does not let {user} read that: use the user readonly."),
        ),
        (_, Some("42703" | "42P01")) => (
            ErrorKind::Protocol,
            "The repository changed while it was read: a column or table is not there any more. The next reading asks \
             anew what there is."
                .to_owned(),
        ),
        (_, Some("57014")) => (
            ErrorKind::Unreachable,
            "The repository did not finish in time (statement_timeout_ms): it is busy, or the limit is too short."
                .to_owned(),
        ),
        (_, Some("3D000")) => (
            ErrorKind::Protocol,
            "There is no database of that name: check the database setting (workgroup).".to_owned(),
        ),
        (_, Some("53300" | "57P01" | "57P02" | "57P03")) => (
            ErrorKind::Unreachable,
            "The repository takes no connections now: it is starting, stopping or full.".to_owned(),
        ),
        (_, Some(state)) => (
            ErrorKind::Protocol,
            format!("The repository refused what Curfew asked (SQLSTATE {state})."),
        ),
        (sqlx::Error::Tls(_), None) => (
            ErrorKind::Unreachable,
            "No protected connection to the repository: it offers no TLS, or its certificate is not the one in ca_file."
                .to_owned(),
        ),
        (sqlx::Error::Io(_), None) => return unreachable_host(),
        (_, None) => (
            ErrorKind::Protocol,
            "The repository answered with something that Curfew does not expect.".to_owned(),
        ),
    };
    ConnectorError::new(kind, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_is_never_given_in_vain() {
        let settings = |more: &str| -> RepositorySettings {
            toml::from_str(&format!("hosts = [\"node1\"]\npassword = \"env:PATH\"\n{more}")).unwrap()
        };
        let made = |more: &str| Repository::new(&settings(more), Duration::from_secs(1)).map(|_| ());
        assert!(made("").is_ok());
        assert!(made("tls = \"verify-full\"").is_ok());
        assert!(made("tls = \"verify-ca\"").is_err());
        assert!(made("tls = \"require\"\nca_file = \"/dev/null\"").is_err());
        assert!(made("ca_file = \"/dev/null\"").is_ok());
        assert!(made("ca_file = \"/nowhere\"").is_err());
    }
}
