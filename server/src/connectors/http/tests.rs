//! The client against servers that echo, flood, or are not there.

use axum::Router;
use axum::http::Uri;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;

fn settings(base: &str) -> HttpSettings {
    HttpSettings {
        base: base.to_owned(),
        timeout: Duration::from_millis(400),
        connections: 2,
        pace: Duration::ZERO,
        ca_file: None,
        longest_answer: 1_000,
        cookies: false,
    }
}

/// A server that answers every path with itself, `/long` with too much.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new()
        .route("/base/long", any(|| async { "x".repeat(5_000) }))
        .fallback(any(|uri: Uri| async move { format!("\"{uri}\"") }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/base")
}

async fn get(http: &Http, segments: &[&str]) -> Result<Answered, CallError> {
    http.call("test", Method::GET, segments).send().await
}

#[tokio::test]
async fn security_e1_an_id_can_not_leave_its_place_in_the_path() {
    let http = Http::new(&settings(&echo().await)).unwrap();
    let path: String = get(&http, &["users", "a/../b?x#y", "sessions"])
        .await
        .unwrap()
        .json()
        .unwrap();
    assert_eq!(path, "/base/users/a%2F..%2Fb%3Fx%23y/sessions");
    for segments in [&["users", ""][..], &["..", "users"], &["."]] {
        let failed = get(&http, segments).await.err().unwrap();
        assert!(
            !failed.left_us,
            "an empty name means everybody in several systems"
        );
    }
}

#[tokio::test]
async fn security_e1_only_the_configured_host_is_called() {
    let http = Http::new(&settings("https://sim.example.org:8443/x")).unwrap();
    for (url, allowed) in [
        ("https://sim.example.org:8443/y", true),
        ("https://sim.example.org/y", false),
        ("http://sim.example.org:8443/y", false),
        ("https://evil.example.org:8443/", false),
    ] {
        assert_eq!(http.allowed(&Url::parse(url).unwrap()), allowed, "{url}");
    }
}

#[test]
fn a_secret_or_a_query_in_the_url_setting_is_refused() {
    for bad in [
        "ftp://h/",
        "https://u:p@h/",
        "https://h/?a=b",
        "h",
        "https://h/#x",
    ] {
        assert!(Http::new(&settings(bad)).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn security_e6_an_endless_answer_is_cut_and_a_dead_host_is_unreachable() {
    let http = Http::new(&settings(&echo().await)).unwrap();
    let long = get(&http, &["long"]).await.err().unwrap();
    assert_eq!((long.error.kind, long.left_us), (ErrorKind::Protocol, true));
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap();
    let dead = Http::new(&settings(&format!("http://{free}"))).unwrap();
    let failed = get(&dead, &["x"]).await.err().unwrap();
    assert_eq!(
        (failed.error.kind, failed.left_us),
        (ErrorKind::Unreachable, false)
    );
}

/// However long all of it is and takes; a piece that does not come is missed in time.
#[tokio::test]
async fn security_e6_an_answer_in_pieces_has_the_time_limit_for_each_piece() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let pieces = |count: usize, then: Duration| {
        futures::stream::unfold(0, move |n| async move {
            let pause = if n < count {
                Duration::from_millis(150)
            } else {
                then
            };
            tokio::time::sleep(pause).await;
            (n < count || !then.is_zero()).then(|| (Ok::<_, std::io::Error>(vec![b'x'; 500]), n + 1))
        })
    };
    let body = axum::body::Body::from_stream;
    let router = Router::new()
        .route(
            "/whole",
            any(move || async move { body(pieces(6, Duration::ZERO)) }),
        )
        .route(
            "/stalls",
            any(move || async move { body(pieces(2, Duration::from_secs(60))) }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    let http = Http::new(&settings(&format!("http://{address}"))).unwrap();
    let read = async |path: &str| {
        let mut answer = http.call("test", Method::GET, &[path]).stream().await?;
        let mut length = 0;
        while let Some(piece) = answer.piece().await? {
            length += piece.as_ref().len();
        }
        Ok::<usize, CallError>(length)
    };
    assert_eq!(read("whole").await.unwrap(), 3_000);
    let began = Instant::now();
    let stalled = read("stalls").await.err().unwrap();
    assert_eq!(
        (stalled.error.kind, stalled.too_much),
        (ErrorKind::Unreachable, Some(TooMuch::Late))
    );
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn requests_keep_the_pace() {
    let mut slow = settings(&echo().await);
    slow.pace = Duration::from_millis(60);
    let http = Http::new(&slow).unwrap();
    let began = Instant::now();
    let (a, b, c) = tokio::join!(get(&http, &["a"]), get(&http, &["b"]), get(&http, &["c"]));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert!(
        began.elapsed() >= Duration::from_millis(120),
        "{:?}",
        began.elapsed()
    );
}
