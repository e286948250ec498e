//! Writes what a simulated Tableau Server knows into a real repository, change by change.

use app::wire::Timestamp;
use server::simulators::tableau::TableauServer;
use server::simulators::tableau::rows::{Change, PeopleRows, SessionRow};
use sqlx::postgres::{PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Row as _};
use tokio::task::JoinHandle;

/// The columns of the base table that a release may have or not.
const LATER: [&str; 3] = ["data", "initiating_user_id", "external_user_id"];

/// Keeps a repository like the server's model until it is dropped.
pub struct Mirror(JoinHandle<()>);

impl Drop for Mirror {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Mirror {
    /// Comes back when all there is stands in the repository.
    pub async fn start(server: &TableauServer, into: PgPool) -> Self {
        let mut changes = server.mirror().await;
        let there = sqlx::query(
            "SELECT column_name::text FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'sessions'",
        )
        .fetch_all(&into)
        .await
        .unwrap();
        let there: Vec<String> = there.iter().map(|row| row.get(0)).collect();
        let there: Vec<&'static str> = LATER
            .into_iter()
            .filter(|column| there.iter().any(|name| name == column))
            .collect();
        let writing = tokio::spawn(async move {
            while let Some((change, written)) = changes.recv().await {
                write(&into, change, &there).await;
                written.send(()).ok();
            }
        });
        server.settle().await;
        Self(writing)
    }
}

async fn write(into: &PgPool, change: Change, later: &[&str]) {
    let mut transaction = into.begin().await.unwrap();
    if let Some(people) = change.people {
        write_people(&mut transaction, people).await;
    }
    sqlx::query("DELETE FROM sessions WHERE id = ANY($1)")
        .bind(&change.touched)
        .execute(&mut *transaction)
        .await
        .unwrap();
    write_sessions(&mut transaction, change.sessions, later).await;
    transaction.commit().await.unwrap();
}

async fn write_people(into: &mut PgConnection, people: PeopleRows) {
    // Not TRUNCATE: somebody may be reading, and would wait for it, and it for them.
    for table in ["users", "system_users", "sites", "domains"] {
        sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}")))
            .execute(&mut *into)
            .await
            .unwrap();
    }
    let domains = &people.domains;
    sqlx::query(
        "INSERT INTO domains (id, name, short_name, active, family) \
         SELECT id, name, short_name, true, family FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[]) \
         AS row (id, name, short_name, family)",
    )
    .bind(domains.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(domains.iter().map(|row| row.name.clone()).collect::<Vec<_>>())
    .bind(domains.iter().map(|row| row.short_name.clone()).collect::<Vec<_>>())
    .bind(domains.iter().map(|row| row.family).collect::<Vec<_>>())
    .execute(&mut *into)
    .await
    .unwrap();
    let sites = &people.sites;
    sqlx::query(
        "INSERT INTO sites (id, name, url_namespace, status, luid, guest_access_enabled) \
         SELECT id, name, url, status, luid::uuid, false \
         FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::text[]) AS row (id, name, url, status, luid)",
    )
    .bind(sites.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(sites.iter().map(|row| row.name.clone()).collect::<Vec<_>>())
    .bind(sites.iter().map(|row| row.content_url.clone()).collect::<Vec<_>>())
    .bind(sites.iter().map(|row| row.status.name()).collect::<Vec<_>>())
    .bind(sites.iter().map(|row| row.luid.to_string()).collect::<Vec<_>>())
    .execute(&mut *into)
    .await
    .unwrap();
    let persons = &people.system_users;
    sqlx::query(
        "INSERT INTO system_users (id, name, email, friendly_name, domain_id, admin_level) \
         SELECT * FROM unnest($1::int4[], $2::text[], $3::text[], $4::text[], $5::int4[], $6::int4[])",
    )
    .bind(persons.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(persons.iter().map(|row| row.name.clone()).collect::<Vec<_>>())
    .bind(persons.iter().map(|row| row.email.clone()).collect::<Vec<_>>())
    .bind(
        persons
            .iter()
            .map(|row| row.friendly_name.clone())
            .collect::<Vec<_>>(),
    )
    .bind(persons.iter().map(|row| row.domain_id).collect::<Vec<_>>())
    .bind(
        persons
            .iter()
            .map(|row| if row.administrator { 10 } else { 0 })
            .collect::<Vec<i32>>(),
    )
    .execute(&mut *into)
    .await
    .unwrap();
    let users = &people.users;
    sqlx::query(
        "INSERT INTO users (id, site_id, system_user_id, site_role_id, luid, system_admin_auto, created_at, login_at) \
         SELECT id, site_id, system_user_id, role, luid::uuid, auto, \
                to_timestamp(created / 1000.0) AT TIME ZONE 'utc', to_timestamp(login / 1000.0) AT TIME ZONE 'utc' \
         FROM unnest($1::int4[], $2::int4[], $3::int4[], $4::int4[], $5::text[], $6::bool[], $7::int8[], $8::int8[]) \
         AS row (id, site_id, system_user_id, role, luid, auto, created, login)",
    )
    .bind(users.iter().map(|row| row.id).collect::<Vec<_>>())
    .bind(users.iter().map(|row| row.site_id).collect::<Vec<_>>())
    .bind(users.iter().map(|row| row.system_user_id).collect::<Vec<_>>())
    .bind(users.iter().map(|row| row.role.id()).collect::<Vec<_>>())
    .bind(users.iter().map(|row| row.luid.to_string()).collect::<Vec<_>>())
    .bind(users.iter().map(|row| row.system_admin_auto).collect::<Vec<_>>())
    .bind(users.iter().map(|row| row.created_at.0).collect::<Vec<_>>())
    .bind(users.iter().map(|row| row.login_at.map(|at| at.0)).collect::<Vec<_>>())
    .execute(&mut *into)
    .await
    .unwrap();
}

async fn write_sessions(into: &mut PgConnection, rows: Vec<SessionRow>, later: &[&str]) {
    let extra: String = later.iter().map(|column| format!(", {column}")).collect();
    let sql = format!(
        "INSERT INTO sessions (id, session_id, updated_at, user_id, shared_wg_write, shared_vizql_write, site_id, \
                               created_at, lock_version, salt, hashed_secret{extra}) \
         SELECT id, session_id, to_timestamp(updated / 1000.0) AT TIME ZONE 'utc', user_id, shared_wg_write, \
                shared_vizql_write, site_id, to_timestamp(created / 1000.0) AT TIME ZONE 'utc', 0, salt, \
                hashed_secret{extra} \
         FROM unnest($1::int4[], $2::text[], $3::int8[], $4::int4[], $5::text[], $6::text[], $7::int4[], $8::int8[], \
                     $9::text[], $10::text[], $11::text[], $12::int4[], $13::text[]) \
         AS row (id, session_id, updated, user_id, shared_wg_write, shared_vizql_write, site_id, created, salt, \
                 hashed_secret, data, initiating_user_id, external_user_id)"
    );
    let texts = |of: fn(&SessionRow) -> Option<String>| rows.iter().map(of).collect::<Vec<_>>();
    let moments = |of: fn(&SessionRow) -> Timestamp| rows.iter().map(|row| of(row).0).collect::<Vec<_>>();
    sqlx::query(AssertSqlSafe(sql))
        .bind(rows.iter().map(|row| row.id).collect::<Vec<_>>())
        .bind(texts(|row| Some(row.session_id.clone())))
        .bind(moments(|row| row.updated_at))
        .bind(rows.iter().map(|row| row.user_id).collect::<Vec<_>>())
        .bind(texts(|row| row.shared_wg_write.clone()))
        .bind(texts(|row| row.shared_vizql_write.clone()))
        .bind(rows.iter().map(|row| row.site_id).collect::<Vec<_>>())
        .bind(moments(|row| row.created_at))
        .bind(texts(|row| row.salt.clone()))
        .bind(texts(|row| row.hashed_secret.clone()))
        .bind(texts(|row| row.data.clone()))
        .bind(rows.iter().map(|row| row.initiating_user_id).collect::<Vec<_>>())
        .bind(texts(|row| row.external_user_id.clone()))
        .execute(into)
        .await
        .unwrap();
}
