//! Signing in, in every way, and changing the site.

use super::*;

#[tokio::test]
async fn a_password_signs_in_as_xml_or_json_and_out_once() {
    let far = far("2025.3").await;
    let json_type = [
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
    ];
    let body = json!({ "credentials": { "name": "boss", "password": "p<&>\"w",
        "site": { "contentUrl": "ops" }, "user": { "id": null } } });
    let heard = far
        .call(
            Method::POST,
            "/api/2.4/auth/signin",
            &json_type,
            &body.to_string(),
        )
        .await
        .unwrap();
    let told: Value = serde_json::from_str(&heard.text).unwrap();
    assert_eq!(told["credentials"]["site"]["contentUrl"], "ops");
    assert_eq!(told["credentials"]["estimatedTimeToExpiration"], "3:59:59");
    let token = told["credentials"]["token"].as_str().unwrap();
    let parts: Vec<&str> = token.split('|').collect();
    assert_eq!(
        parts.iter().map(|part| part.len()).collect::<Vec<_>>(),
        [22, 32, 36]
    );
    let first = BASE64URL_NOPAD.decode(parts[0].as_bytes()).unwrap();
    assert_eq!(first[6] >> 4, 4, "a UUID of version 4");
    // One token is good under every version; a query is ignored.
    let headers = [("x-tableau-auth", token)];
    let out = |path: &'static str| far.call(Method::POST, path, &headers, "");
    let heard = out("/api/3.27/auth/signout?pageNumber=1").await.unwrap();
    assert_eq!((heard.status, heard.text.as_str()), (204, ""));
    let heard = out("/api/3.27/auth/signout").await.unwrap();
    assert_eq!((heard.status, heard.code().as_str()), (401, "401002"));
    let heard = far
        .call(Method::POST, "/api/3.27/auth/signout", &[], "")
        .await
        .unwrap();
    assert_eq!((heard.status, heard.code().as_str()), (401, "401000"));
}

#[tokio::test]
async fn sign_in_is_refused_in_the_documented_words() {
    let far = far("2025.3").await;
    let heard = far.sign_in("name=\"boss\" password=\"wrong\"", "<site/>").await;
    assert_eq!((heard.status, heard.code().as_str()), (401, "401001"));
    assert!(
        heard.text.contains("<summary>Signin Error</summary>"),
        "{}",
        heard.text
    );
    let heard = far
        .sign_in(
            "name=\"plain\" password=\"secret\"",
            "<site contentUrl=\"sales\"/>",
        )
        .await;
    assert_eq!(heard.code(), "401001", "contentUrl minds capitals");
    for (attributes, inside) in [
        ("name=\"boss\"", "<site/>"),
        ("name=\"boss\" password=\"p\"", ""),
        ("name=\"boss\" password=\"p\"", "<site></nothing>"),
    ] {
        let heard = far.sign_in(attributes, inside).await;
        assert_eq!(
            (heard.status, heard.code().as_str()),
            (400, "400000"),
            "{attributes}"
        );
    }
    far.server.model(|model, now| {
        model.set_status(1, SiteStatus::Suspended);
        let nobody = model.add_person("DOMAIN\\boss", "Other", None);
        model.set_password(nobody, "other");
        model.join(nobody, 2, SiteRole::Unlicensed, now);
    });
    let heard = far.sign_in("name=\"plain\" password=\"secret\"", "<site/>").await;
    assert_eq!(heard.code(), "401001", "the site is suspended");
    far.boss().await;
    let unlicensed = "name=\"DOMAIN\\boss\" password=\"other\"";
    let heard = far.sign_in(unlicensed, "<site contentUrl=\"Sales\"/>").await;
    assert_eq!(heard.code(), "401001");
}

#[tokio::test]
async fn a_personal_access_token_holds_one_session_and_expires() {
    let far = far("2025.3").await;
    let secret = far.server.model(|model, now| {
        let boss = model.find_people("boss")[0];
        model.add_pat(boss, "portal", now)
    });
    let attributes = format!("personalAccessTokenName=\"portal\" personalAccessTokenSecret=\"{secret}\"");
    let first = far.sign_in(&attributes, "<site/>").await.token();
    let second = far
        .sign_in(&attributes, "<site contentUrl=\"Sales\"/>")
        .await
        .token();
    assert_eq!(
        far.ask(Method::GET, "sessions/current", &first).await.code(),
        "401002"
    );
    let current = far.ask(Method::GET, "sessions/current", &second).await;
    assert_eq!(
        current.after("siteRole=\""),
        "ServerAdministrator",
        "{}",
        current.text
    );
    assert_eq!(far.server.rows().sessions.len(), 1);
    far.clock.advance(15 * 86_400 + 1);
    assert_eq!(
        far.sign_in(&attributes, "<site/>").await.code(),
        "401001",
        "unused for 15 days"
    );

    let old = self::far("2019.3").await;
    assert_eq!(
        old.sign_in(&attributes, "<site/>").await.code(),
        "400000",
        "since 2019.4"
    );
}

/// What is wrong with the head and the body of a token.
type Change = fn(&mut Value, &mut Value);

pub(super) fn jwt(app: &sign_in::ConnectedApp, change: impl FnOnce(&mut Value, &mut Value)) -> String {
    let mut head = json!({ "alg": "HS256", "typ": "JWT", "kid": app.secret_id });
    let mut body = json!({ "iss": app.client_id, "sub": "boss", "aud": "tableau", "exp": 1_790_000_300,
        "jti": keys::random_id(), "scp": ["tableau:sessions:delete"] });
    change(&mut head, &mut body);
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&head), part(&body));
    let signature = keys::hmac_sha256(app.secret_value.as_bytes(), signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}

#[tokio::test]
async fn a_connected_app_signs_in_and_its_faults_have_numbers() {
    let far = far("2025.3").await;
    let app = far.server.model(|model, _| model.trust_app());
    let cases: [(&str, Change); 8] = [
        ("", |_, _| {}),
        ("10083", |head, _| head["alg"] = "none".into()),
        ("126", |_, body| body["iss"] = "other".into()),
        ("127", |head, _| head["kid"] = "other".into()),
        ("16", |_, body| body["exp"] = 1_790_000_601.into()),
        ("16", |_, body| body["aud"] = "other".into()),
        ("16", |_, body| body["sub"] = "nowhere".into()),
        ("5", |_, body| body["sub"] = "Boss".into()),
    ];
    far.server
        .model(|model, _| model.add_person("nowhere", "On no site", None));
    for (number, change) in cases {
        let heard = far
            .sign_in(
                &format!("jwt=\"{}\" isUat=\"false\"", jwt(&app, change)),
                "<site/>",
            )
            .await;
        let expected = if number.is_empty() { 200 } else { 401 };
        assert_eq!(heard.status, expected, "{}", heard.text);
        assert!(
            number.is_empty() || heard.text.contains(&format!("(errorCode={number})")),
            "{}",
            heard.text
        );
    }
    let once = format!("jwt=\"{}\"", jwt(&app, |_, _| {}));
    assert_eq!(far.sign_in(&once, "<site/>").await.status, 200);
    assert_eq!(far.sign_in(&once, "<site/>").await.code(), "401001", "used twice");
    let mut forged = app.clone();
    forged.secret_value.push('x');
    let heard = far
        .sign_in(&format!("jwt=\"{}\"", jwt(&forged, |_, _| {})), "<site/>")
        .await;
    assert_eq!(heard.code(), "401001");

    let narrow = jwt(&app, |_, body| body["scp"] = json!(["tableau:views:embed"]));
    let token = far.sign_in(&format!("jwt=\"{narrow}\""), "<site/>").await.token();
    let (_, id, _) = far.opened();
    let heard = far.ask(Method::DELETE, &format!("sessions/{id}"), &token).await;
    assert_eq!(heard.code(), "403004", "its app does not let it");
}

#[tokio::test]
async fn an_administrator_signs_in_as_somebody_else_and_is_written_down() {
    let far = far("2020.4").await;
    let (user, luid) = far.server.model(|model, _| {
        let (user, _) = model.members(1).next().unwrap();
        (user.id, user.luid)
    });
    let inside = format!("<site/><user id=\"{luid}\"/>");
    let boss = "name=\"boss\" password=\"p&lt;&amp;>&quot;w\"";
    let heard = far.sign_in(boss, &inside).await;
    assert!(
        heard.text.contains(&format!("<user id=\"{luid}\"/>")),
        "{}",
        heard.text
    );
    let session = far.server.rows().sessions.remove(0);
    assert_eq!(session.user_id, Some(user));
    assert_ne!(session.initiating_user_id, Some(user));
    let heard = far.sign_in("name=\"plain\" password=\"secret\"", &inside).await;
    assert_eq!((heard.status, heard.code().as_str()), (403, "403004"));
    let heard = far.sign_in(boss, "<site/><user id=\"nobody\"/>").await;
    assert_eq!((heard.status, heard.code().as_str()), (404, "404002"));
}

#[tokio::test]
async fn changing_the_site_gives_a_new_token() {
    let far = far("2025.3").await;
    let token = far.boss().await;
    let switch = |url: &str, token: String| {
        let body = format!("<tsRequest><site contentUrl=\"{url}\"/></tsRequest>");
        let far = &far;
        async move {
            let headers = [("X-Tableau-Auth", token.as_str()), ("Content-Type", "text/xml")];
            far.call(Method::POST, "/api/3.10/auth/switchSite", &headers, &body)
                .await
                .unwrap()
        }
    };
    assert_eq!(switch("", token.clone()).await.code(), "403070");
    assert_eq!(switch("nowhere", token.clone()).await.code(), "404000");
    let heard = switch("Sales", token.clone()).await;
    assert_ne!(heard.token(), token);
    assert_eq!(heard.after("contentUrl=\""), "Sales");
    assert_eq!(
        far.ask(Method::GET, "sessions/current", &token).await.code(),
        "401002"
    );
}
