//! The ticket broker over HTTP, with a simulated Tableau behind it: tokens, tickets, sign-out on both sides, holds.

use app::tickets::wire::{TicketOutcome, TicketQuery};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::broker_estate::{EC, EC_PUBLIC, ED, ED_PUBLIC, RSA, SECRET, ed, estate, send, signed};
use crate::harness::Engine;

#[tokio::test]
async fn security_broker_every_bad_token_is_refused_for_its_own_reason() {
    let estate = estate(Engine::Sqlite, |_| {}).await;
    let good = |change: &dyn Fn(&mut Value)| {
        let mut claims = estate.claims("ann", "Sales");
        change(&mut claims);
        claims
    };
    let as_is = |_: &mut Value| {};
    assert_eq!(
        estate.ask(&ed(&good(&as_is))).await.status,
        StatusCode::OK,
        "the pattern works"
    );
    let none = {
        let part = |json: &Value| BASE64URL_NOPAD.encode(json.to_string().as_bytes());
        format!("{}.{}.", part(&json!({"alg": "none"})), part(&good(&as_is)))
    };
    let hs = |secret: &str, claims: &Value| {
        signed(
            Algorithm::HS256,
            &EncodingKey::from_secret(secret.as_bytes()),
            claims,
        )
    };
    let ec = |claims: &Value| {
        let key = EncodingKey::from_ec_pem(EC.as_bytes()).unwrap();
        signed(Algorithm::ES256, &key, claims)
    };
    let now = estate.now_s();
    let of = |iss: &str| good(&|c| c["iss"] = iss.into());
    let cut = |token: String| token[..token.len() - 6].to_owned();
    let critical = {
        let mut header = Header::new(Algorithm::EdDSA);
        header.kid = Some("x".to_owned());
        let whole = jsonwebtoken::encode(
            &header,
            &good(&as_is),
            &EncodingKey::from_ed_pem(ED.as_bytes()).unwrap(),
        );
        let whole = whole.unwrap();
        let rest = whole.split_once('.').unwrap().1.to_owned();
        let head = json!({"alg": "EdDSA", "crit": ["exp"]}).to_string();
        format!("{}.{rest}", BASE64URL_NOPAD.encode(head.as_bytes()))
    };
    for (token, cause) in [
        (none, "algorithm is not EdDSA"),
        (hs(ED_PUBLIC, &good(&as_is)), "algorithm is not EdDSA"),
        (hs(ED_PUBLIC.trim(), &good(&as_is)), "algorithm is not EdDSA"),
        (ec(&good(&as_is)), "algorithm is not EdDSA"),
        (hs(EC_PUBLIC, &of("other")), "algorithm is not ES256"),
        (
            hs("another secret, which is long enough too", &of("shared")),
            "signature",
        ),
        (ed(&of("other")), "algorithm is not ES256"),
        (ed(&of("nobody")), "names no app"),
        (ed(&good(&|c| c["iss"] = Value::Null)), "names no app"),
        (
            ed(&good(&|c| c["aud"] = "https://broker.test/browser".into())),
            "aud is not",
        ),
        (
            ed(&good(&|c| c["aud"] = "https://elsewhere".into())),
            "aud is not",
        ),
        (
            ed(&good(&|c| drop(c.as_object_mut().unwrap().remove("aud")))),
            "no aud",
        ),
        (ed(&good(&|c| c["exp"] = now.into())), "run out"),
        (
            ed(&good(&|c| c["exp"] = (now + 61).into())),
            "more than 60 s ahead",
        ),
        (ed(&good(&|c| drop(c.as_object_mut().unwrap().remove("exp")))), ""),
        (ed(&good(&|c| c["nbf"] = (now + 30).into())), "nbf"),
        (
            ed(&good(&|c| c["auth_time"] = (now + 30).into())),
            "auth_time lies ahead",
        ),
        (
            ed(&good(&|c| drop(c.as_object_mut().unwrap().remove("jti")))),
            "no jti",
        ),
        (
            ed(&good(&|c| drop(c.as_object_mut().unwrap().remove("sub")))),
            "no sub",
        ),
        (ed(&good(&|c| c["sub"] = "ann\n".into())), "no user name"),
        (ed(&good(&|c| c["client_ip"] = "here".into())), "client_ip"),
        (ed(&good(&|c| c["exp"] = (now - 1).into())), "run out"),
        (ed(&good(&|c| c["exp"] = (-1).into())), "no exp"),
        (ed(&good(&|c| c["exp"] = 1e30.into())), "no exp"),
        (ed(&good(&|c| c["exp"] = (now + 30).to_string().into())), "type"),
        (
            ed(&good(&|c| c["auth_time"] = (-5).into())),
            "auth_time is no moment",
        ),
        (ed(&good(&|c| c["nbf"] = (-5).into())), "nbf"),
        (ed(&good(&|c| c["jti"] = "".into())), "no jti"),
        (ed(&good(&|c| c["jti"] = "x".repeat(201).into())), "no jti"),
        (ed(&good(&|c| c["sid"] = "".into())), "sid"),
        (ed(&good(&|c| c["sid"] = "x".repeat(201).into())), "sid"),
        (ed(&good(&|c| c["sub"] = "x".repeat(256).into())), "no user name"),
        (ed(&good(&|c| c["aud"] = json!([]))), "aud"),
        (ed(&good(&|c| c["site"] = 7.into())), ""),
        (cut(ed(&good(&as_is))), ""),
        (critical, "extension"),
        ("x.y.z".to_owned(), "no JWT"),
        (String::new(), "no token"),
    ] {
        let answer = estate.ask(&token).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{cause}: {}",
            answer.body
        );
        assert_eq!(answer.json()["code"], "unauthorized");
        let (outcome, told) = estate.newest().await;
        assert_eq!(outcome, TicketOutcome::Unauthorized);
        assert!(told.contains(cause), "{cause}: {told}");
        assert!(
            !answer.body.contains(&told),
            "which check failed is not for the app"
        );
    }
    for (claims, status, code) in [
        (good(&|c| c["site"] = "Ops".into()), 403, "site_not_allowed"),
        (good(&|c| c["site"] = "sales".into()), 403, "site_not_allowed"),
        (good(&|c| c["sub"] = "annx".into()), 403, "user_not_allowed"),
        (good(&|c| c["sub"] = "Ann".into()), 403, "user_not_allowed"),
    ] {
        let answer = estate.ask(&ed(&claims)).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        assert_eq!(answer.json()["code"], code);
    }
    // Each algorithm that the settings may name works with its own key.
    let rsa = EncodingKey::from_rsa_pem(RSA.as_bytes()).unwrap();
    for token in [
        ec(&of("other")),
        signed(Algorithm::RS256, &rsa, &of("rsa")),
        hs(SECRET, &of("shared")),
    ] {
        let answer = estate.ask(&token).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }
}

#[tokio::test]
async fn security_broker_a_token_works_once_on_every_replica() {
    let estate = estate(Engine::Postgres, |_| {}).await;
    let second = estate.app.second_node().await;
    let token = ed(&estate.claims("ann", ""));
    assert_eq!(estate.ask(&token).await.status, StatusCode::OK);
    for base in [&second, &estate.app.url, &second] {
        let answer = estate.at(base, "/broker/v1/tickets", &token).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
        assert_eq!(answer.json()["code"], "replayed");
    }
    // The same at the same moment: one of many wins.
    let token = ed(&estate.claims("ann", ""));
    let tries = (0..16).map(|n| {
        let base = if n % 2 == 0 { &second } else { &estate.app.url };
        estate.at(base, "/broker/v1/tickets", &token)
    });
    let answers = futures::future::join_all(tries).await;
    let won = answers.iter().filter(|a| a.status == StatusCode::OK).count();
    assert_eq!(won, 1);
    // Another app may use the same jti: it is its own.
    let mut claims = estate.claims("ann", "");
    claims["jti"] = "1".into();
    assert_eq!(estate.ask(&ed(&claims)).await.status, StatusCode::OK);
    claims["iss"] = "shared".into();
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let other = signed(Algorithm::HS256, &key, &claims);
    assert_eq!(estate.ask(&other).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_ticket_lets_in_and_why_there_is_none_stands_under_its_reference() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let estate = estate(engine, |apps| apps[3].per_minute = 1).await;
        let given = estate
            .let_in("ann", "Sales", json!({"client_ip": "192.0.2.7"}))
            .await;
        assert_eq!(given["grant"], "ticket");
        assert_eq!(given["views_url"], format!("{}/t/Sales/views/", estate.far.url()));
        assert!(given["reference"].as_str().unwrap().starts_with("T-"));
        let ticket = given["ticket"].as_str().unwrap();
        let page = estate
            .page(TicketQuery {
                reference: given["reference"].as_str().unwrap()[2..].to_lowercase(),
                ..TicketQuery::default()
            })
            .await;
        assert_eq!(page.rows.len(), 1, "found by what a person was told");
        assert_eq!(page.rows[0].user, "ann");
        assert_eq!(page.rows[0].ip.as_deref(), Some("192.0.2.7"));
        assert_eq!(page.rows[0].node.as_deref(), Some(estate.far.url().as_str()));
        assert!(!format!("{page:?}").contains(ticket), "no ticket is kept");

        let refused = estate.ask(&ed(&estate.claims("former", ""))).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["code"]),
            (502, &json!("refused"))
        );
        assert_eq!(refused.header("content-type"), "application/problem+json");
        assert_eq!(
            refused.header("access-control-allow-origin"),
            "",
            "no other origin reads it"
        );
        assert_eq!(estate.newest().await.0, TicketOutcome::Refused);

        let mut claims = estate.claims("ann", "");
        claims["iss"] = "shared".into();
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        assert_eq!(
            estate.ask(&signed(Algorithm::HS256, &key, &claims)).await.status,
            StatusCode::OK
        );
        claims["jti"] = "2".into();
        let often = estate.ask(&signed(Algorithm::HS256, &key, &claims)).await;
        assert_eq!(often.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(!often.header("retry-after").is_empty());

        estate.app.portal.tickets.store_now().await.unwrap();
        let issued = estate.app.audited("ticket_issued").await;
        assert!(issued >= 2, "{:?}", estate.app.audit().await);
        assert!(estate.app.audited("ticket_refused").await >= 2);
        let day: u64 = page.counts.iter().map(|count| count.last_day).sum();
        assert_eq!(day, 1, "counted by ten minutes");
        for entry in estate.app.audit().await {
            assert!(!entry.contains(ticket), "{entry}");
        }
    }
}

#[tokio::test]
async fn who_signs_out_of_the_app_is_signed_out_of_tableau_and_it_is_read_back() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let estate = estate(engine, |_| {}).await;
        estate.let_in("ann", "Sales", json!({"sid": "s1"})).await;
        estate.let_in("ann", "", json!({"sid": "s1"})).await;
        estate.let_in("bob", "Sales", json!({"sid": "s2"})).await;
        estate.advance(5);
        let mut claims = estate.claims("ann", "Sales");
        claims["sid"] = "s1".into();
        let token = ed(&claims);
        let out = estate.at(&estate.app.url, "/broker/v1/signout", &token).await;
        assert_eq!(out.status, StatusCode::ACCEPTED, "{}", out.body);
        let out = out.json();
        assert_eq!(
            (&out["state"], &out["matched_by"], &out["candidates"]),
            (&json!("waiting"), &json!("time"), &json!(1))
        );
        assert_eq!(
            estate.live().await,
            ["ann@", "ann@Sales", "bob@Sales"],
            "read again before"
        );
        estate.app.work().await;
        assert_eq!(
            estate.live().await,
            ["ann@", "bob@Sales"],
            "only hers, only there"
        );
        let url = format!("{}/broker/v1/endings/{}", estate.app.url, out["ending"]);
        let bearer = format!("Bearer {}", ed(&estate.claims("ann", "Sales")));
        let standing = send(Method::GET, &url, &[("authorization", &bearer)], "")
            .await
            .json();
        assert_eq!(standing["outcomes"], json!({"ended": 1}));
        // Another app asked for no such ending.
        let mut foreign = estate.claims("ann", "Sales");
        foreign["iss"] = "shared".into();
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        let bearer = format!("Bearer {}", signed(Algorithm::HS256, &key, &foreign));
        let foreign = send(Method::GET, &url, &[("authorization", &bearer)], "").await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND);
        // Another session of the app opened nothing there; and an app that never asked for tickets means all of her.
        estate.advance(5);
        let mut none = estate.claims("ann", "");
        none["sid"] = "s9".into();
        let none = estate
            .at(&estate.app.url, "/broker/v1/signout", &ed(&none))
            .await
            .json();
        assert_eq!(none["state"], "nothing_found");
        let mut saml = estate.claims("ann", "");
        saml["iss"] = "shared".into();
        let saml = signed(Algorithm::HS256, &key, &saml);
        let saml = estate
            .at(&estate.app.url, "/broker/v1/signout", &saml)
            .await
            .json();
        assert_eq!(
            (&saml["state"], &saml["matched_by"]),
            (&json!("waiting"), &json!("person"))
        );
        estate.app.work().await;
        assert_eq!(estate.live().await, ["bob@Sales"]);
    }
}

#[tokio::test]
async fn what_curfew_ends_holds_until_a_new_sign_in_at_the_app() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let estate = estate(engine, |_| {}).await;
        estate.let_in("ann", "Sales", json!({})).await;
        let signed_in = estate.now_s();
        estate.advance(5);
        estate.collect().await;
        estate.app.administrator("mara").await;
        let mara = estate.app.signed_in("mara").await;
        let ports = mara.ports(&estate.app).await;
        let confirm = app::endings::wire::Confirm {
            reason: "left the house".to_owned(),
            ..Default::default()
        };
        ports
            .endings
            .end_everywhere("ann".to_owned(), confirm)
            .await
            .unwrap();
        estate.app.work().await;
        assert!(estate.live().await.is_empty());
        estate.advance(5);
        let ask = async |auth_time: Option<i64>| {
            let mut claims = estate.claims("ann", "Sales");
            if let Some(at) = auth_time {
                claims["auth_time"] = at.into();
            }
            estate.ask(&ed(&claims)).await
        };
        for auth_time in [None, Some(signed_in)] {
            let answer = ask(auth_time).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["code"]),
                (403, &json!("signed_out"))
            );
        }
        let page = estate.page(TicketQuery::default()).await;
        assert!(
            page.holds.iter().any(|hold| hold.account == "ann"),
            "{:?}",
            page.holds
        );
        assert_eq!(
            estate.ask(&ed(&estate.claims("bob", "Sales"))).await.status,
            StatusCode::OK
        );
        // She signs in again: that is a way back in, and the watch says so.
        let back = ask(Some(estate.now_s())).await;
        assert_eq!(back.status, StatusCode::OK, "{}", back.body);
        estate.app.portal.tickets.store_now().await.unwrap();
        estate.advance(30);
        assert_eq!(estate.app.portal.endings.watch_due().await.unwrap(), 1);
        // Where tokens tell no sign-in, a set time ends it.
        assert_eq!(ask(None).await.status, StatusCode::FORBIDDEN);
        estate.advance(28_800);
        assert_eq!(ask(None).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn security_broker_browsers_ask_by_the_apps_cookie_while_its_session_lives() {
    let estate = estate(Engine::Sqlite, |apps| apps[1].browser = None).await;
    let now = estate.now_s();
    let claims = |change: &dyn Fn(&mut Value)| {
        let mut claims = json!({
            "iss": "intranet", "sub": "ann", "aud": "https://broker.test/browser", "sid": "s1",
            "auth_time": now, "exp": now + 28_800,
        });
        change(&mut claims);
        ed(&claims)
    };
    let cookie = claims(&|_| {});
    for _ in 0..3 {
        let answer = estate.browser(&cookie, &[]).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(answer.header("set-cookie"), "", "no cookie of Curfew's");
        assert_eq!(answer.json()["user"], "ann");
    }
    for headers in [
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("sec-fetch-site", "")],
        [("content-type", "text/plain")],
        [("x-curfew-app", "shared")],
        [("x-curfew-app", "nobody")],
    ] {
        let answer = estate.browser(&cookie, &headers).await;
        assert!(answer.status.is_client_error(), "{headers:?}: {}", answer.body);
    }
    for bad in [
        claims(&|c| c["aud"] = "https://broker.test".into()),
        claims(&|c| c["exp"] = (now + 28_801).into()),
        claims(&|c| drop(c.as_object_mut().unwrap().remove("sid"))),
        claims(&|c| drop(c.as_object_mut().unwrap().remove("auth_time"))),
    ] {
        assert_eq!(estate.browser(&bad, &[]).await.status, StatusCode::UNAUTHORIZED);
    }
    // A cookie is no bearer's token, and the other way round.
    assert_eq!(estate.ask(&cookie).await.status, StatusCode::UNAUTHORIZED);
    let other = claims(&|c| c["sid"] = "s2".into());
    let mut revoke = estate.claims("ann", "Sales");
    revoke["sid"] = "s1".into();
    let path = "/broker/v1/app-sessions/revoke";
    let done = estate.at(&estate.app.url, path, &ed(&revoke)).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{}", done.body);
    assert_eq!(estate.browser(&cookie, &[]).await.json()["code"], "signed_out");
    assert_eq!(estate.browser(&other, &[]).await.status, StatusCode::OK);
    estate.advance(28_801);
    assert_eq!(estate.browser(&other, &[]).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn security_d7_other_origins_may_read_the_helper_and_nothing_else() {
    let estate = estate(Engine::Sqlite, |_| {}).await;
    let get = async |path: &str| {
        let url = format!("{}{path}", estate.app.url);
        send(Method::GET, &url, &[("origin", "https://app.test")], "").await
    };
    let integrity = get("/embed/integrity.json").await;
    let hashes: Value = integrity.json();
    let versioned = hashes
        .as_object()
        .unwrap()
        .keys()
        .find(|name| name.starts_with("curfew-embed-"));
    for path in [
        "curfew-embed.js",
        "curfew-embed.d.ts",
        "integrity.json",
        versioned.unwrap(),
    ] {
        let file = get(&format!("/embed/{path}")).await;
        assert_eq!(file.status, StatusCode::OK, "{path}");
        assert_eq!(file.header("access-control-allow-origin"), "*");
        assert_eq!(file.header("cross-origin-resource-policy"), "cross-origin");
        assert_eq!(file.header("set-cookie"), "");
    }
    for path in [
        "/",
        "/sign-in",
        "/healthz",
        "/broker/v1/tickets",
        "/broker/v1/nothing",
        "/embed/nothing",
    ] {
        let answer = get(path).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    assert_eq!(get("/broker/v1/nothing").await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        get("/broker/v1/tickets").await.status,
        StatusCode::METHOD_NOT_ALLOWED
    );
}
