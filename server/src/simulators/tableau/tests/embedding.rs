//! Tickets, what redeeming one opens, views, and tokens of connected apps shown at a view.

use std::net::IpAddr;

use super::super::trusted::{LOGIN_VIEW, TicketFormat};
use super::signing_in::jwt;
use super::*;

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

impl Far {
    async fn trusted(&self, body: &str) -> String {
        let heard = self.call(Method::POST, "/trusted", &[FORM], body).await.unwrap();
        assert_eq!(heard.status, 200, "whatever it says: {}", heard.text);
        heard.text
    }

    async fn get(&self, path: &str, cookie: &str) -> Heard {
        let cookie = cookie.split(';').next().unwrap_or_default();
        self.call(Method::GET, path, &[("Cookie", cookie)], "")
            .await
            .unwrap()
    }

    /// Why the newest ticket was refused, as the server's own log has it.
    fn reason(&self) -> String {
        let refusals = self.server.model(|model, _| model.refusals());
        refusals.last().cloned().unwrap_or_default()
    }
}

/// A server that trusts this machine, with people who have rights of every sort.
async fn trusting() -> Far {
    let far = far("2025.3").await;
    far.server.trust(LOCAL);
    far.server.model(|model, now| {
        let sales = model.site_by_url("Sales").unwrap().id;
        let plain = model.find_people("plain")[0];
        model.join(plain, sales, SiteRole::Viewer, now);
        let former = model.add_person("former", "Former", None);
        model.join(former, 1, SiteRole::Unlicensed, now);
        let abroad = model.add_person("DOMAIN\\abroad", "Abroad", None);
        model.join(abroad, 1, SiteRole::Viewer, now);
    });
    far
}

#[tokio::test]
async fn who_is_trusted_and_asks_properly_gets_a_ticket_and_nobody_hears_why_not() {
    let far = trusting().await;
    for (body, reason) in [
        ("username=plain", ""),
        ("username=plain&target_site=", ""),
        ("username=plain&target_site=Sales&client_ip=192.0.2.7", ""),
        ("username=DOMAIN%5Cabroad", ""),
        // As curl sends it.
        ("username=DOMAIN\\abroad", ""),
        ("username=abroad", "Invalid user: abroad"),
        ("username=nobody", "Invalid user: nobody"),
        ("username=plain&target_site=ops", "Invalid user: plain"),
        ("username=plain&target_site=sales", "Invalid site: sales"),
        ("username=former", "Unlicensed user is not allowed: former"),
        ("user=plain", "Missing username and/or client_ip"),
        ("", "Missing username and/or client_ip"),
    ] {
        let ticket = far.trusted(body).await;
        if reason.is_empty() {
            let (first, second) = ticket.split_once(':').unwrap();
            assert_eq!((first.len(), second.len()), (24, 24), "{body}: {ticket}");
            assert!(!ticket.contains(['/', '+']), "{ticket}");
        } else {
            assert_eq!(ticket, "-1", "{body}");
            assert_eq!(far.reason(), reason, "{body}");
        }
    }
    let odd = [("Content-Type", "text/plain")];
    let ask =
        |headers: &'static [(&str, &str)]| far.call(Method::POST, "/trusted", headers, "username=plain");
    for headers in [&[][..], &odd.map(|pair| pair)[..]] {
        let heard = far
            .call(Method::POST, "/trusted", headers, "username=plain")
            .await;
        assert_eq!(heard.unwrap().text, "-1", "not sent as a form");
        assert_eq!(far.reason(), "Missing username and/or client_ip");
    }
    far.server.faults(|faults| faults.lenient_trusted_form = true);
    assert_ne!(ask(&[]).await.unwrap().text, "-1");
    far.server.faults(|faults| faults.untrusted = true);
    assert_eq!(far.trusted("username=plain").await, "-1");
    assert_eq!(far.reason(), "Invalid request host: 0.0.0.0");
    far.server.faults(|faults| *faults = Default::default());
    far.server.model(|model, _| model.trust().hosts.clear());
    assert_eq!(far.trusted("username=plain").await, "-1");
    assert_eq!(far.reason(), "Invalid request host: 127.0.0.1");
}

#[tokio::test]
async fn a_ticket_opens_one_session_once_within_three_minutes_at_its_site() {
    let far = trusting().await;
    let before = far.server.rows().sessions.len();
    let ticket = far.trusted("username=plain&target_site=Sales").await;
    let elsewhere = far
        .get(&format!("/trusted/{ticket}/views/{LOGIN_VIEW}.png"), "")
        .await;
    assert_eq!(
        (elsewhere.status, elsewhere.location.as_str()),
        (302, "/signin"),
        "of another site"
    );
    let opened = far
        .get(&format!("/trusted/{ticket}/t/Sales/views/{LOGIN_VIEW}.png"), "")
        .await;
    assert_eq!((opened.status, opened.kind.as_str()), (200, "image/png"));
    assert!(
        opened.cookie.starts_with("workgroup_session_id="),
        "{}",
        opened.cookie
    );
    assert!(
        !opened.cookie.contains("Secure"),
        "a browser takes no such cookie from here"
    );
    let rows = far.server.rows().sessions;
    let row = rows.last().unwrap();
    let plain = far.server.model(|model, _| model.find_people("plain")[0]);
    let users = far.server.rows().people.users;
    let user = users.iter().find(|user| Some(user.id) == row.user_id).unwrap();
    assert_eq!((rows.len(), user.system_user_id), (before + 1, plain));
    assert!(
        row.shared_wg_write.is_some(),
        "told apart from a browser\u{2019}s own sign-in"
    );

    let again = far
        .get(&format!("/trusted/{ticket}/t/Sales/views/{LOGIN_VIEW}.png"), "")
        .await;
    assert_eq!(again.status, 302, "used");
    let view = far.get("/t/Sales/views/Login/Login", &opened.cookie).await;
    assert!(
        view.text.contains("Signed in as plain on Sales."),
        "{}",
        view.text
    );
    let other_site = far.get("/views/Login/Login", &opened.cookie).await;
    assert_eq!(
        other_site.location, "/signin",
        "one browser, one session, one site"
    );
    assert_eq!(
        far.get("/t/Sales/views/login/Login", &opened.cookie).await.status,
        404,
        "capitals count"
    );

    let late = far.trusted("username=plain").await;
    far.clock.advance(180);
    let lapsed = far.get(&format!("/trusted/{late}/views/Login/Login"), "").await;
    assert_eq!(lapsed.location, "/signin");
    assert!(
        far.get("/signin", "")
            .await
            .text
            .contains("Sign in to Tableau Server")
    );
    far.server.faults(|faults| faults.spent_ticket_is_401 = true);
    assert_eq!(
        far.get(&format!("/trusted/{late}/views/Login/Login"), "")
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn a_ticket_is_taken_raw_and_encoded_and_leaves_the_address() {
    let far = trusting().await;
    for format in [
        TicketFormat::TwoPartsStandard,
        TicketFormat::OneString,
        TicketFormat::TwoParts,
    ] {
        far.server.model(|model, _| model.trust().format = format);
        for encoded in [false, true] {
            // Every other ticket of the standard alphabet has a character that means something in an address.
            let mut ticket = far.trusted("username=plain&target_site=Sales").await;
            while format == TicketFormat::TwoPartsStandard && !ticket.contains('/') {
                ticket = far.trusted("username=plain&target_site=Sales").await;
            }
            let sent = if encoded {
                ticket.replace('/', "%2F").replace('+', "%2B").replace('=', "%3D")
            } else {
                ticket.clone()
            };
            let path = format!("/trusted/{sent}/t/Sales/views/Login/Login?:embed=y");
            let heard = far.get(&path, "").await;
            assert_eq!(
                heard.location, "/t/Sales/views/Login/Login?:embed=y",
                "{format:?} {sent}"
            );
            assert!(heard.cookie.starts_with("workgroup_session_id="));
        }
    }
}

#[tokio::test]
async fn a_session_ends_by_itself_by_rest_and_with_it_the_cookie() {
    let far = trusting().await;
    let open = || async {
        let ticket = far.trusted("username=plain").await;
        (
            far.get(&format!("/trusted/{ticket}/views/Login/Login.png"), "")
                .await
                .cookie,
            ticket,
        )
    };
    let (cookie, _) = open().await;
    assert_eq!(far.get("/views/Login/Login.png", &cookie).await.status, 200);
    far.clock.advance(239 * 60);
    assert_eq!(
        far.get("/views/Login/Login.png", &cookie).await.status,
        200,
        "a look counts as use"
    );
    far.clock.advance(240 * 60);
    assert_eq!(
        far.get("/views/Login/Login.png", &cookie).await.location,
        "/signin",
        "idle too long"
    );

    let (cookie, ticket) = open().await;
    let id = far.server.rows().sessions.last().unwrap().session_id.clone();
    let boss = far.boss().await;
    assert_eq!(
        far.ask(Method::DELETE, &format!("sessions/{id}"), &boss)
            .await
            .status,
        204
    );
    assert_eq!(
        far.get("/views/Login/Login.png", &cookie).await.location,
        "/signin"
    );
    let path = format!("/trusted/{ticket}/views/Login/Login.png");
    assert_eq!(far.get(&path, "").await.status, 302, "a ticket is used once");
    far.server
        .faults(|faults| faults.ticket_reuse_after_sign_out = true);
    assert_eq!(
        far.get(&path, "").await.status,
        200,
        "a build that does not block it"
    );
    assert_eq!(far.get(&path, "").await.status, 302, "its session lives again");
}

#[tokio::test]
async fn where_it_is_asked_for_a_ticket_opens_only_to_the_browser_it_was_made_for() {
    let far = trusting().await;
    far.server.model(|model, _| model.trust().checks_client_ip = true);
    for (client_ip, status) in [("192.0.2.7", 302), ("127.0.0.1", 200)] {
        let ticket = far
            .trusted(&format!("username=plain&client_ip={client_ip}"))
            .await;
        let path = format!("/trusted/{ticket}/views/Login/Login.png");
        assert_eq!(far.get(&path, "").await.status, status, "{client_ip}");
    }
    let ticket = far.trusted("username=plain&client_ip=192.0.2.7").await;
    let headers = [("X-Forwarded-For", "192.0.2.7"), ("X-Forwarded-Proto", "https")];
    let path = format!("/trusted/{ticket}/views/Login/Login.png");
    let heard = far.call(Method::GET, &path, &headers, "").await.unwrap();
    assert_eq!(heard.status, 200, "behind a proxy of this machine");
    assert!(
        heard.cookie.ends_with("; Secure; SameSite=None"),
        "{}",
        heard.cookie
    );
}

#[tokio::test]
async fn a_view_can_be_missing_or_hidden_and_answers_can_be_of_every_bad_sort() {
    let far = trusting().await;
    far.server.model(|model, _| {
        model.set_view(1, LOGIN_VIEW, false);
        let sales = model.site_by_url("Sales").unwrap().id;
        model.remove_view(sales, LOGIN_VIEW);
    });
    for (site, path, status) in [("", "", 403), ("Sales", "/t/Sales", 404)] {
        let ticket = far.trusted(&format!("username=plain&target_site={site}")).await;
        let heard = far
            .get(&format!("/trusted/{ticket}{path}/views/Login/Login.png"), "")
            .await;
        assert_eq!(heard.status, status, "{site}");
        assert!(!heard.cookie.is_empty(), "the session is there all the same");
    }
    for (bad, status, text) in [
        (Bad::Html(200), 200, "<html>"),
        (Bad::Empty(200), 200, ""),
        (Bad::Garbage, 200, "{{{"),
        (Bad::Empty(503), 503, ""),
    ] {
        far.server
            .faults(|faults| faults.bad = [(Call::Trusted, bad.clone())].into());
        let heard = far
            .call(Method::POST, "/trusted", &[FORM], "username=plain")
            .await
            .unwrap();
        assert_eq!(heard.status, status, "{bad:?}");
        assert!(heard.text.contains(text), "{bad:?}: {}", heard.text);
    }
    assert_eq!(far.server.calls(Call::Trusted), 6);
}

#[tokio::test]
async fn a_connected_apps_token_shows_views_and_its_faults_have_numbers() {
    let far = trusting().await;
    let app = far.server.model(|model, _| model.trust_app());
    let show = |token: String| {
        let body = format!("token={token}");
        let far = &far;
        async move {
            far.call(Method::POST, "/views/Login/Login", &[FORM], &body)
                .await
                .unwrap()
        }
    };
    let embed = |body: &mut Value| {
        body["sub"] = "plain".into();
        body["scp"] = json!(["tableau:views:embed"]);
    };
    let good = show(jwt(&app, |_, body| embed(body))).await;
    assert!(
        good.text.contains("Signed in as plain on Default."),
        "{}",
        good.text
    );
    assert_eq!(far.get("/views/Login/Login", &good.cookie).await.status, 200);
    let bearer = format!("Bearer {}", jwt(&app, |_, body| embed(body)));
    let heard = far
        .call(
            Method::GET,
            "/views/Login/Login",
            &[("Authorization", bearer.as_str())],
            "",
        )
        .await
        .unwrap();
    assert_eq!(heard.status, 200);

    let sessions = far.server.rows().sessions.len();
    let unscoped = show(jwt(&app, |_, body| body["sub"] = "plain".into())).await;
    assert_eq!(unscoped.status, 401, "it may delete sessions and show nothing");
    let foreign = jwt(&app, |_, body| {
        embed(body);
        body["iss"] = "other".into();
    });
    assert!(show(foreign).await.text.contains("(errorCode=126)"));
    assert_eq!(
        far.server.rows().sessions.len(),
        sessions,
        "nothing was left open"
    );

    let renewed = far.server.model(|model, _| model.add_app_secret().unwrap());
    for app in [&app, &renewed] {
        assert_eq!(
            show(jwt(app, |_, body| embed(body))).await.status,
            200,
            "both secrets are good"
        );
    }
    far.server.model(|model, _| model.add_app_secret());
    let old = show(jwt(&app, |_, body| embed(body))).await;
    assert!(old.text.contains("(errorCode=127)"), "two at most: {}", old.text);
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "the simulator is called beside the connectors"
)]
async fn by_https_the_cookie_is_one_that_pages_of_other_sites_may_use() {
    let mut far = trusting().await;
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("chain.pem"), dir.path().join("key.pem"));
    std::fs::write(&chain, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let address = far.server.serve_tls(&chain, &key).await.unwrap();
    let own = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([own])
        .build()
        .unwrap();
    let ticket = far.trusted("username=plain").await;
    let url = format!(
        "https://localhost:{}/trusted/{ticket}/views/Login/Login.png",
        address.port()
    );
    let answer = client.get(url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; HttpOnly; Secure; SameSite=None"), "{cookie}");
}
