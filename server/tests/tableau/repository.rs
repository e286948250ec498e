//! Reading the repository: each release, what is not there, what goes wrong.

use app::sessions::wire::SessionKind;
use app::wire::{Limit, Timestamp};
use server::connectors::conformance::list;
use server::connectors::{Completeness, Endable, ErrorKind, Wanted};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::workgroup::{Release, Workgroup, all, connect, find, listed};

/// 2026-11-21 11:58:10 UTC.
const MOMENT: Timestamp = Timestamp(1_795_262_290_000);

#[tokio::test]
async fn every_release_is_listed_by_both_users() {
    for release in Release::ALL {
        let workgroup = Workgroup::new(release).await;
        for user in ["readonly", "tableau"] {
            let connector = workgroup.reader(user, "");
            let rows = all(&connector).await;
            assert_eq!(rows.len(), 6, "{release:?} {user}");
            let alice = find(&rows, "bw2fDjpSTBubfi1cikHj8A");
            assert_eq!(
                (
                    alice.account_id.as_str(),
                    alice.account_name.as_str(),
                    alice.display_name.as_str()
                ),
                ("1", "alice", "Alice Adams")
            );
            assert_eq!(alice.email.as_deref(), Some("alice@example.org"));
            assert_eq!((alice.site.as_str(), alice.place.as_str()), ("Default", ""));
            assert_eq!(alice.last_active_at, Some(MOMENT), "{release:?}: moments are UTC");
            assert_eq!((alice.idle, alice.kind), (Limit::Unknown, SessionKind::Web));
            assert_eq!(alice.created_at.is_some(), user == "readonly");
            assert!(matches!(&alice.endable, Endable::No(why) if why.contains("url")));
            let sales = find(&rows, "wqTo0XewTzWOGVtvCp08cg");
            assert_eq!(
                (
                    sales.account_id.as_str(),
                    sales.site.as_str(),
                    sales.place.as_str()
                ),
                ("1", "Sales", "Sales"),
                "one person on two sites is one person"
            );
            let other = find(&rows, "UAiKwTNsSqyXrdr26HKC_Q");
            assert_eq!(
                (other.account_id.as_str(), other.account_name.as_str()),
                ("6", "corp.example\\alice"),
                "the same name in two domains is two people"
            );
            assert_eq!(find(&rows, "6b1c3d").email, None);
            let lacks = connector
                .found()
                .iter()
                .any(|line| line.contains("does not see the table"));
            assert_eq!(lacks, user == "tableau", "{:?}", connector.found());
        }
    }
}

#[tokio::test]
async fn impersonated_sessions_show_who_started_them() {
    let workgroup = Workgroup::new(Release::R2022_4).await;
    workgroup
        .run(
            "UPDATE sessions SET initiating_user_id = user_id;
             UPDATE sessions SET initiating_user_id = 51 WHERE session_id = 'CxwtPk9QSmGbcoyTraS-xQ'",
        )
        .await;
    let rows = all(&workgroup.reader("readonly", "")).await;
    let bob = find(&rows, "CxwtPk9QSmGbcoyTraS-xQ");
    assert_eq!(bob.account_name, "corp.example\\bob");
    assert_eq!(bob.raw_kind.as_deref(), Some("Impersonated, started by ann"));
    assert_eq!(find(&rows, "wqTo0XewTzWOGVtvCp08cg").raw_kind, None);
}

#[tokio::test]
async fn external_users_without_a_user_row_are_listed() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    workgroup
        .run(
            "INSERT INTO sessions (session_id, user_id, site_id, created_at, updated_at, hashed_secret, external_user_id)
             VALUES ('lOehw10rTmig-RO1fI0uRg', NULL, 3, '2026-11-21 11:00:00', '2026-11-21 11:30:00', 'hash', 'visitor-7')",
        )
        .await;
    let connector = workgroup.reader("readonly", "");
    let rows = all(&connector).await;
    assert_eq!(rows.len(), 7);
    let visitor = find(&rows, "lOehw10rTmig-RO1fI0uRg");
    assert_eq!(
        (
            visitor.account_id.as_str(),
            visitor.account_name.as_str(),
            visitor.place.as_str()
        ),
        ("external:visitor-7", "visitor-7", "Embed")
    );
    let accounts = ["external:visitor-7".to_owned(), "6".to_owned()];
    let (_, some) = list(connector.as_ref(), Wanted::Accounts(&accounts))
        .await
        .unwrap();
    let mut ids: Vec<&str> = some.iter().map(|row| row.handle.expose()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["UAiKwTNsSqyXrdr26HKC_Q", "lOehw10rTmig-RO1fI0uRg"]);
    for nobody in [&[][..], &["no such person".to_owned()]] {
        let (whole, none) = list(connector.as_ref(), Wanted::Accounts(nobody)).await.unwrap();
        assert!(
            none.is_empty() && whole == Completeness::Complete,
            "nobody, never everybody"
        );
    }
}

#[tokio::test]
async fn a_missing_column_hides_a_fact_and_no_session() {
    let workgroup = Workgroup::new(Release::R2023_1).await;
    let connector = workgroup.reader("readonly", "");
    assert_eq!(all(&connector).await.len(), 6);
    workgroup.run("ALTER TABLE sessions DROP COLUMN created_at").await;
    let error = listed(&connector).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Protocol, "{error}");
    let rows = all(&connector).await;
    assert_eq!((rows.len(), rows[0].created_at), (6, None));
    let found = connector.found();
    assert!(
        found.iter().any(|line| line.contains("sessions.created_at")),
        "{found:?}"
    );
}

#[tokio::test]
async fn what_is_asked_is_read_only_named_and_over_one_connection() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    let connector = workgroup.reader("readonly", "");
    all(&connector).await;
    all(&connector).await;
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'curfew'",
    )
    .fetch_one(&workgroup.admin)
    .await
    .unwrap();
    assert_eq!(count, 1);
    // A view that writes, as far as the one who reads it may.
    workgroup
        .run(
            "CREATE TABLE written (at integer);
             CREATE FUNCTION writes() RETURNS integer LANGUAGE sql SECURITY DEFINER VOLATILE
                AS 'INSERT INTO written VALUES (1) RETURNING at';
             DROP VIEW _sites;
             CREATE VIEW _sites AS SELECT id, name, (url_namespace || writes())::varchar AS url_namespace, status FROM sites;
             GRANT SELECT ON _sites TO readonly",
        )
        .await;
    let error = listed(&connector).await.err().unwrap();
    assert!(error.message.contains("25006"), "{error}");
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM written")
        .fetch_one(&workgroup.admin)
        .await
        .unwrap();
    assert_eq!(written, 0);
}

#[tokio::test]
async fn a_list_as_long_as_its_limit_is_partial() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    for (limit, whole) in [(6, false), (5, false), (7, true)] {
        let connector = workgroup.reader("readonly", &format!("limit = {limit}"));
        let (said, rows) = listed(&connector).await.unwrap();
        assert_eq!(said == Completeness::Complete, whole, "{limit}");
        assert_eq!(rows.len(), limit.min(6));
        assert_eq!(
            rows[0].handle.expose(),
            "k3Vq8ZsT1mXb7RfYc5NdLw2HgJ9PaE4U",
            "the newest activity comes first"
        );
    }
}

#[tokio::test]
async fn many_rows_come_in_batches() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    workgroup
        .run(
            "INSERT INTO sessions (session_id, user_id, site_id, updated_at, created_at, hashed_secret)
             SELECT 'many-' || n, 11, 1, now() at time zone 'utc', now() at time zone 'utc', 'hash'
             FROM generate_series(1, 4994) n",
        )
        .await;
    let rows = all(&workgroup.reader("readonly", "")).await;
    assert_eq!(rows.len(), 5_000);
}

#[tokio::test]
async fn a_right_taken_away_and_a_slow_server_are_told_apart() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    let connector = workgroup.reader("readonly", "statement_timeout_ms = 300");
    all(&connector).await;
    workgroup.run("REVOKE SELECT ON _sites FROM readonly").await;
    let error = listed(&connector).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    let rows = all(&connector).await;
    assert_eq!(
        (rows.len(), rows[0].site.as_str()),
        (6, ""),
        "without sites, which found() says"
    );
    workgroup
        .run(
            "DROP VIEW _system_users;
             CREATE VIEW _system_users AS SELECT id, (name || pg_sleep(2)::text)::varchar AS friendly_name FROM system_users;
             GRANT SELECT ON _system_users TO readonly",
        )
        .await;
    let error = listed(&workgroup.reader("readonly", "statement_timeout_ms = 300"))
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
    assert!(error.message.contains("statement_timeout_ms"), "{error}");
    workgroup.run("REVOKE SELECT ON _sessions FROM readonly").await;
    let error = listed(&workgroup.reader("readonly", "")).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
    assert!(error.message.contains("tsm data-access"), "{error}");
}

/// A server that answers every start of a connection with this SQLSTATE; its host.
async fn refuses(state: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut length = [0; 4];
            socket.read_exact(&mut length).await.unwrap();
            let mut start = vec![0; u32::from_be_bytes(length) as usize - 4];
            socket.read_exact(&mut start).await.unwrap();
            let fields = format!("SFATAL\0VFATAL\0C{state}\0Mtold to nobody\0\0");
            let mut message = vec![b'E'];
            message.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
            message.extend(fields.as_bytes());
            socket.write_all(&message).await.unwrap();
        }
    });
    host
}

#[tokio::test]
async fn refusals_say_what_to_do_next() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    for (state, kind, words) in [
        ("28P01", ErrorKind::Unauthorized, "password of readonly"),
        ("28000", ErrorKind::Forbidden, "repository-access enable"),
        ("3D000", ErrorKind::Protocol, "database setting"),
        ("57P03", ErrorKind::Unreachable, "takes no connections"),
    ] {
        let host = refuses(state).await;
        let settings = workgroup.settings(&format!("\"{host}\""), "readonly", "tls = \"disable\"");
        let error = listed(&connect(&settings)).await.err().unwrap();
        assert_eq!(error.kind, kind, "{state}: {error}");
        assert!(error.message.contains(words), "{state}: {error}");
        assert!(!error.message.contains("told to nobody"));
    }
    let error = listed(&workgroup.reader("nobody_of_that_name", ""))
        .await
        .err()
        .unwrap();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
}

#[tokio::test]
async fn a_host_that_is_away_is_passed_over_and_a_wrong_password_is_not_tried_elsewhere() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    let dead = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let starting = refuses("57P03").await;
    let hosts = format!("\"{dead}\", \"{starting}\", \"{}\"", workgroup.host);
    let connector = connect(&workgroup.settings(&hosts, "readonly", "tls = \"disable\""));
    assert_eq!(all(&connector).await.len(), 6);
    let wrong = refuses("28P01").await;
    let hosts = format!("\"{wrong}\", \"{}\"", workgroup.host);
    let connector = connect(&workgroup.settings(&hosts, "readonly", "tls = \"disable\""));
    let error = listed(&connector).await.err().unwrap();
    assert_eq!(
        error.kind,
        ErrorKind::Unauthorized,
        "five wrong passwords lock an account"
    );
    let hosts = format!("\"{dead}\"");
    let error = listed(&connect(&workgroup.settings(
        &hosts,
        "readonly",
        "tls = \"disable\"",
    )))
    .await
    .err()
    .unwrap();
    assert_eq!(error.kind, ErrorKind::Unreachable);
    assert!(error.message.contains("never enabled"), "{error}");
}

#[tokio::test]
async fn a_connection_that_broke_is_opened_again() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    let connector = workgroup.reader("readonly", "");
    all(&connector).await;
    workgroup
        .run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'curfew'",
        )
        .await;
    assert_eq!(all(&connector).await.len(), 6);
}

#[tokio::test]
async fn tls_that_the_server_does_not_offer_is_an_error_where_it_is_required() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut asked = [0; 8];
            socket.read_exact(&mut asked).await.unwrap();
            socket.write_all(b"N").await.unwrap();
        }
    });
    for tls in ["require", "verify-full"] {
        let settings = workgroup.settings(&format!("\"{host}\""), "readonly", &format!("tls = \"{tls}\""));
        let error = listed(&connect(&settings)).await.err().unwrap();
        assert!(error.message.contains("TLS"), "{tls}: {error}");
    }
}
