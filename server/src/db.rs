//! SQLite or PostgreSQL behind one body of queries.
//!
//! [`Db`] holds the pools; [`Conn`] is one connection or transaction of either. Fixed queries go through [`on!`], which
//! writes the same body for both; built ones (optional filters, keyset pages, bulk upserts) through `sea-query`.
//! SQLite has one writer: `Db::write` begins IMMEDIATE, so keep transactions short and never call a system inside one.

use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use sea_query_sqlx::SqlxBinder;
use secrecy::{ExposeSecret, SecretString};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgRow};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{
    Connection, FromRow, PgConnection, PgPool, Postgres, Sqlite, SqliteConnection, SqlitePool, Transaction,
};

use crate::error::Error;

static SQLITE_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/postgres");

/// Reading connections of an embedded database.
///
/// Nobody holds one while waiting for another (`server/tests/it/crowd.rs` runs on a single one), so this decides how many
/// queries run side by side, not whether they end: enough for the processors, with a few to spare beside a slow count
/// or an export. Each keeps a thread and up to 16 MiB of cache.
pub const READERS: u32 = 4;

/// A connection to a database server that was idle for longer is asked whether it is still there before it is used.
const ASKED_AFTER: Duration = Duration::from_millis(500);

/// Pools of one database. Cheap to clone.
#[derive(Clone)]
pub enum Db {
    /// One writer, several readers, one file.
    Sqlite { write: SqlitePool, read: SqlitePool },
    /// A server, shared with other replicas.
    Postgres {
        pool: PgPool,
        url: std::sync::Arc<SecretString>,
    },
}

/// One connection or transaction of either database.
pub enum Conn {
    /// Without a transaction: for reading, or for one statement that writes.
    SqliteRead(PoolConnection<Sqlite>),
    SqliteTx(Transaction<'static, Sqlite>),
    PostgresRead(PoolConnection<Postgres>),
    PostgresTx(Transaction<'static, Postgres>),
}

/// The typed connection inside a [`Conn`], for [`on!`].
pub enum Typed<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// Writes one body for both databases: `on!(conn, c => sqlx::query("…").bind(x).execute(c).await?)`.
///
/// The text may use `$1` on both. Inside, `c` is a `&mut` typed connection.
#[macro_export]
macro_rules! on {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn.typed() {
            $crate::db::Typed::Sqlite($c) => $body,
            $crate::db::Typed::Postgres($c) => $body,
        }
    };
}

impl Db {
    /// Opens an SQLite file (made if missing): WAL, NORMAL, one writer, `readers` readers.
    pub async fn sqlite(path: &Path, readers: u32) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .pragma("temp_store", "memory")
            .pragma("cache_size", "-16384")
            // 32 MiB instead of 4: the many indexes of the inventory touch the same pages again and again, and each
            // checkpoint writes and syncs them. Measured with `cargo xtask bench collect`: a third less time.
            .pragma("wal_autocheckpoint", "8000")
            // ANALYZE looks at so many rows of each index: it holds the writer, and estimates are all that is wanted.
            .pragma("analysis_limit", "2000")
            .busy_timeout(Duration::from_secs(5));
        let write = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            // A file does not go away: asking first whether it is there would double every short statement.
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            // 64 MiB: what 100,000 sessions that go touch of the inventory's indexes, so that a page is written once.
            .connect_with(options.clone().pragma("cache_size", "-65536"))
            .await?;
        let read = SqlitePoolOptions::new()
            .max_connections(readers)
            .acquire_timeout(Duration::from_secs(10))
            .test_before_acquire(false)
            .connect_with(options.pragma("query_only", "on"))
            .await?;
        Ok(Db::Sqlite { write, read })
    }

    /// Opens a PostgreSQL database. A Unix socket (`?host=/run/postgresql`) is quicker than loopback TCP.
    pub async fn postgres(url: &SecretString, connections: u32) -> Result<Self, Error> {
        let options = PgConnectOptions::from_str(url.expose_secret())?.application_name("curfew");
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(10))
            // One that was in use a moment ago is there: asking each time would double every short statement.
            .test_before_acquire(false)
            .before_acquire(|conn, known| {
                Box::pin(async move {
                    if known.idle_for > ASKED_AFTER {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_with(options)
            .await?;
        Ok(Db::Postgres {
            pool,
            url: std::sync::Arc::new(url.clone()),
        })
    }

    /// "sqlite" or "postgres", for logs and bench lines.
    pub fn engine(&self) -> &'static str {
        match self {
            Db::Sqlite { .. } => "sqlite",
            Db::Postgres { .. } => "postgres",
        }
    }

    /// Brings the schema up to this program's; safe to call by several replicas at once.
    pub async fn migrate(&self) -> Result<(), Error> {
        match self {
            Db::Sqlite { write, .. } => SQLITE_MIGRATIONS.run(write).await,
            Db::Postgres { pool, .. } => POSTGRES_MIGRATIONS.run(pool).await,
        }
        .map_err(|cause| Error::Other(anyhow::Error::new(cause).context("migrating the database")))
    }

    /// A connection for reading. On SQLite it can't write.
    pub async fn read(&self) -> Result<Conn, Error> {
        Ok(match self {
            Db::Sqlite { read, .. } => Conn::SqliteRead(read.acquire().await?),
            Db::Postgres { pool, .. } => Conn::PostgresRead(pool.acquire().await?),
        })
    }

    /// A transaction for writing; dropped without [`Conn::commit`] it is rolled back.
    pub async fn write(&self) -> Result<Conn, Error> {
        Ok(match self {
            Db::Sqlite { write, .. } => Conn::SqliteTx(write.begin_with("BEGIN IMMEDIATE").await?),
            Db::Postgres { pool, .. } => Conn::PostgresTx(pool.begin().await?),
        })
    }

    /// A connection for a single statement that writes: it stands when the statement returns. Spares a transaction's
    /// beginning and end, each of them a way to the database and back.
    pub async fn write_one(&self) -> Result<Conn, Error> {
        Ok(match self {
            Db::Sqlite { write, .. } => Conn::SqliteRead(write.acquire().await?),
            Db::Postgres { pool, .. } => Conn::PostgresRead(pool.acquire().await?),
        })
    }

    /// Copies an embedded database into a new file while it is in use; a PostgreSQL one has its own tools for that.
    pub async fn copy_to(&self, file: &Path) -> Result<(), Error> {
        match self {
            Db::Sqlite { write, .. } => {
                sqlx::query("VACUUM INTO $1")
                    .bind(file.to_string_lossy().into_owned())
                    .execute(write)
                    .await?;
                Ok(())
            }
            Db::Postgres { .. } => Err(Error::Other(anyhow::anyhow!(
                "this portal runs on PostgreSQL: back it up with pg_dump, and keep its two keys with the copy"
            ))),
        }
    }

    /// Closes every connection; on SQLite this also writes the WAL back into the file.
    pub async fn close(&self) {
        match self {
            Db::Sqlite { write, read } => {
                read.close().await;
                write.close().await;
            }
            Db::Postgres { pool, .. } => pool.close().await,
        }
    }
}

impl Conn {
    /// The typed connection, for [`on!`].
    pub fn typed(&mut self) -> Typed<'_> {
        match self {
            Conn::SqliteRead(c) => Typed::Sqlite(c),
            Conn::SqliteTx(c) => Typed::Sqlite(c),
            Conn::PostgresRead(c) => Typed::Postgres(c),
            Conn::PostgresTx(c) => Typed::Postgres(c),
        }
    }

    /// True on PostgreSQL, for the few statements that differ.
    pub fn is_postgres(&self) -> bool {
        matches!(self, Conn::PostgresRead(_) | Conn::PostgresTx(_))
    }

    /// Makes the changes of a transaction stand. On a reading connection it does nothing.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Conn::SqliteTx(tx) => tx.commit().await?,
            Conn::PostgresTx(tx) => tx.commit().await?,
            Conn::SqliteRead(_) | Conn::PostgresRead(_) => {}
        }
        Ok(())
    }

    /// Rows of a built SELECT (or an INSERT … RETURNING).
    pub async fn fetch_all<T, Q>(&mut self, query: &Q) -> Result<Vec<T>, Error>
    where
        Q: SqlxBinder,
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        Ok(match self.typed() {
            Typed::Sqlite(c) => {
                let (sql, values) = query.build_sqlx(sea_query::SqliteQueryBuilder);
                sqlx::query_as_with(sqlx::AssertSqlSafe(sql), values)
                    .fetch_all(c)
                    .await?
            }
            Typed::Postgres(c) => {
                let (sql, values) = query.build_sqlx(sea_query::PostgresQueryBuilder);
                sqlx::query_as_with(sqlx::AssertSqlSafe(sql), values)
                    .fetch_all(c)
                    .await?
            }
        })
    }

    /// Runs a built INSERT, UPDATE or DELETE; how many rows it touched.
    pub async fn execute<Q: SqlxBinder>(&mut self, query: &Q) -> Result<u64, Error> {
        Ok(match self.typed() {
            Typed::Sqlite(c) => {
                let (sql, values) = query.build_sqlx(sea_query::SqliteQueryBuilder);
                sqlx::query_with(sqlx::AssertSqlSafe(sql), values)
                    .execute(c)
                    .await?
                    .rows_affected()
            }
            Typed::Postgres(c) => {
                let (sql, values) = query.build_sqlx(sea_query::PostgresQueryBuilder);
                sqlx::query_with(sqlx::AssertSqlSafe(sql), values)
                    .execute(c)
                    .await?
                    .rows_affected()
            }
        })
    }
}

/// Fresh databases for tests: SQLite in a folder of its own, PostgreSQL in a database of its own.
pub mod testing {
    use super::*;

    /// A migrated database that goes away with it.
    pub struct TestDb {
        pub db: Db,
        _dir: Option<tempdir::Dir>,
    }

    mod tempdir {
        /// A folder that is removed when dropped.
        pub struct Dir(pub std::path::PathBuf);

        impl Drop for Dir {
            fn drop(&mut self) {
                std::fs::remove_dir_all(&self.0).ok();
            }
        }
    }

    impl TestDb {
        /// A fresh SQLite database.
        pub async fn sqlite() -> Result<Self, Error> {
            let dir = std::env::temp_dir().join(format!("curfew-test-{}", crate::keys::random_id()));
            std::fs::create_dir_all(&dir).map_err(|e| Error::Other(e.into()))?;
            let db = Db::sqlite(&dir.join("curfew.db"), READERS).await?;
            db.migrate().await?;
            Ok(Self {
                db,
                _dir: Some(tempdir::Dir(dir)),
            })
        }

        /// A fresh PostgreSQL database on the server of `CURFEW_TEST_POSTGRES`.
        ///
        /// Without that variable it fails, and says what to do: a store that was not tried on both is not tested.
        pub async fn postgres() -> Result<Self, Error> {
            let url = std::env::var("CURFEW_TEST_POSTGRES").map_err(|_| {
                Error::Other(anyhow::anyhow!(
                    "set CURFEW_TEST_POSTGRES (cargo xtask test starts a server and sets it)"
                ))
            })?;
            let name = format!("curfew_test_{}", crate::keys::random_id());
            let admin = PgConnectOptions::from_str(&url)?;
            let pool = PgPoolOptions::new()
                .max_connections(1)
                .connect_with(admin.clone())
                .await?;
            let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
            sqlx::query(sqlx::AssertSqlSafe(create)).execute(&pool).await?;
            pool.close().await;
            let pool = PgPoolOptions::new()
                .max_connections(6)
                .connect_with(admin.database(&name))
                .await?;
            let db = Db::Postgres {
                pool,
                url: std::sync::Arc::new(SecretString::from(url)),
            };
            db.migrate().await?;
            Ok(Self { db, _dir: None })
        }

        /// One of each: what every store test runs on.
        pub async fn both() -> Result<Vec<Self>, Error> {
            Ok(vec![Self::sqlite().await?, Self::postgres().await?])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_databases_have_the_same_tables_and_columns() {
        let mut shapes = Vec::new();
        for test in testing::TestDb::both().await.unwrap() {
            let mut conn = test.db.read().await.unwrap();
            let sql = if conn.is_postgres() {
                "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1"
            } else {
                "SELECT m.name || '.' || p.name FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table' ORDER BY 1"
            };
            let mut columns: Vec<String> =
                on!(conn, c => sqlx::query_scalar(sql).fetch_all(c).await.unwrap());
            columns.retain(|c| {
                !c.starts_with("session_search") && !c.starts_with("sqlite_") && !c.starts_with("_sqlx")
            });
            columns.sort();
            shapes.push(columns);
        }
        assert!(shapes[0].len() > 100, "{:?}", shapes[0]);
        assert_eq!(shapes[0], shapes[1]);
    }
}
