//! The simulated Tableau Server over loopback: every documented answer, in both formats, and its faults.

use std::sync::Arc;

use app::wire::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::{Value, json};

use super::faults::{Bad, Missing, Who};
use super::release::{Release, Rest};
use super::rows::{Kind, SiteRole, SiteStatus};
use super::shape::{DeleteTakes, IdShape};
use super::*;
use crate::clock::FakeClock;
use crate::keys;

/// A server of people, its clock, and calls of it.
struct Far {
    server: TableauServer,
    clock: Arc<FakeClock>,
    client: reqwest::Client,
    version: &'static str,
}

/// An answer: status, type, text.
struct Heard {
    status: u16,
    kind: String,
    text: String,
}

impl Heard {
    /// The code of the error it is, in XML or JSON; empty when it is none.
    fn code(&self) -> String {
        if self.kind.contains("json") {
            let error: Value = serde_json::from_str(&self.text).unwrap();
            return error["error"]["code"].as_str().unwrap_or_default().to_owned();
        }
        self.after("<error code=\"")
    }

    /// What stands between that text and the next quote.
    fn after(&self, start: &str) -> String {
        let rest = self.text.split_once(start).map(|(_, rest)| rest);
        rest.and_then(|rest| rest.split('"').next())
            .unwrap_or_default()
            .to_owned()
    }

    fn token(&self) -> String {
        self.after("token=\"")
    }
}

async fn far(release: &str) -> Far {
    far_as(Shape::of(Release::named(release).unwrap())).await
}

#[expect(
    clippy::disallowed_methods,
    reason = "the simulator is called beside the connectors"
)]
async fn far_as(shape: Shape) -> Far {
    let clock = Arc::new(FakeClock::at(Timestamp(1_790_000_000_000)));
    let version = if shape.release.rest() >= Rest(3, 10) {
        "3.10"
    } else {
        "3.5"
    };
    let server = TableauServer::start(clock.clone(), shape).await.unwrap();
    server.model(|model, now| {
        model.fill(30, &[("Sales", "Sales"), ("Field & \"Ops\"", "ops")], now);
        model.add_administrator("boss", "p<&>\"w", now);
        let plain = model.add_person("plain", "Plain", None);
        model.set_password(plain, "secret");
        model.join(plain, 1, SiteRole::Viewer, now);
    });
    rustls::crypto::ring::default_provider().install_default().ok();
    let client = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none());
    Far {
        server,
        clock,
        client: client.build().unwrap(),
        version,
    }
}

impl Far {
    async fn call(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Option<Heard> {
        let url = format!("{}{path}", self.server.url());
        let mut request = self.client.request(method, url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.ok()?;
        let kind = answer
            .headers()
            .get("content-type")
            .map(|kind| kind.to_str().unwrap().to_owned());
        Some(Heard {
            status: answer.status().as_u16(),
            kind: kind.unwrap_or_default(),
            text: answer.text().await.ok()?,
        })
    }

    async fn ask(&self, method: Method, path: &str, token: &str) -> Heard {
        let path = format!("/api/{}/{path}", self.version);
        let answer = self.call(method, &path, &[("X-Tableau-Auth", token)], "").await;
        answer.unwrap()
    }

    /// Signs in with XML and no `Content-Type`.
    async fn sign_in(&self, attributes: &str, inside: &str) -> Heard {
        let body = format!("<tsRequest><credentials {attributes}>{inside}</credentials></tsRequest>");
        let path = format!("/api/{}/auth/signin", self.version);
        self.call(Method::POST, &path, &[], &body).await.unwrap()
    }

    /// Token of the administrator.
    async fn boss(&self) -> String {
        let heard = self
            .sign_in("name=\"boss\" password=\"p&lt;&amp;>&quot;w\"", "<site/>")
            .await;
        assert_eq!(heard.status, 200, "{}", heard.text);
        heard.token()
    }

    /// A browser session of somebody at the Default site: key, `session_id`, token.
    fn opened(&self) -> (i32, String, String) {
        self.server.model(|model, now| {
            let user = model.members(1).next().unwrap().0.id;
            let id = model.open(user, Kind::Browser, now).unwrap();
            let session = model.session(id).unwrap();
            (id, session.session_id.clone(), session.token.clone())
        })
    }
}

#[test]
fn versions_are_numbers_and_releases_know_theirs() {
    assert!(Rest(3, 10) > Rest(3, 9));
    assert_eq!(Rest::parse("3.+9"), None);
    assert_eq!(Release::named("2025.3").unwrap().rest(), Rest(3, 27));
    assert_eq!(Release::named("2019.3").unwrap().rest(), Rest(3, 5));
    assert_eq!(Release::named("2020.5"), None);
    let release = Release::named("2020.3").unwrap();
    assert_eq!(release.build(), "20203.20.0807.2057");
    assert!(release.speaks(Rest(2, 8)) && !release.speaks(Rest(2, 9)) && !release.speaks(Rest(3, 10)));
}

#[tokio::test]
async fn server_info_is_told_in_both_formats_whatever_the_capitals() {
    let far = far("2020.3").await;
    let xml = far
        .call(Method::GET, "/api/2.4/serverInfo", &[], "")
        .await
        .unwrap();
    assert_eq!(
        xml.text,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><tsResponse xmlns=\"http://tableau.com/api\"><serverInfo>\
         <productVersion build=\"20203.20.0807.2057\">2020.3.0</productVersion><restApiVersion>3.9</restApiVersion>\
         </serverInfo></tsResponse>"
    );
    let accept = [("Accept", "application/json, */*")];
    let answer = far
        .call(Method::GET, "/api/3.9/serverinfo", &accept, "")
        .await
        .unwrap();
    let told: Value = serde_json::from_str(&answer.text).unwrap();
    let product = json!({ "value": "2020.3.0", "build": "20203.20.0807.2057" });
    assert_eq!(
        told,
        json!({ "serverInfo": { "productVersion": product, "restApiVersion": "3.9" } })
    );
    for (path, code) in [
        ("/api/3.10/serverinfo", "404003"),
        ("/api/-/serverinfo", "404003"),
        ("/api/2.3/serverinfo", "404003"),
        ("/api/3.9/nothing", "404003"),
        ("/api/3.9/a/b/c/d", "404003"),
    ] {
        let heard = far.call(Method::GET, path, &[], "").await.unwrap();
        assert_eq!((heard.status, heard.code().as_str()), (404, code), "{path}");
    }
    let heard = far
        .call(Method::POST, "/api/3.9/serverinfo", &[], "")
        .await
        .unwrap();
    assert_eq!((heard.status, heard.code().as_str()), (405, "405000"));
    let heard = far.call(Method::GET, "/auth?format=xml", &[], "").await.unwrap();
    assert_eq!((heard.status, heard.kind.as_str()), (404, "text/html"));
}

#[tokio::test]
async fn releases_before_server_info_tell_their_version_the_old_way() {
    let far = far("9.3").await;
    let heard = far.call(Method::GET, "/auth?format=xml", &[], "").await.unwrap();
    assert!(
        heard.text.contains("<product_version>9.3</product_version>"),
        "{}",
        heard.text
    );
    let heard = far
        .call(Method::GET, "/api/2.4/serverInfo", &[], "")
        .await
        .unwrap();
    assert_eq!(heard.code(), "404003");
    assert!(heard.text.contains("http://tableausoftware.com/api"));
}

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

fn jwt(app: &sign_in::ConnectedApp, change: impl FnOnce(&mut Value, &mut Value)) -> String {
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

#[tokio::test]
async fn sites_and_their_users_are_listed_page_by_page() {
    let far = far("2025.3").await;
    let token = far.boss().await;
    let headers = [("X-Tableau-Auth", token.as_str()), ("Accept", "application/json")];
    let list = |path: String| {
        let (far, headers) = (&far, &headers);
        async move {
            let heard = far
                .call(Method::GET, &format!("/api/3.10/{path}"), headers, "")
                .await
                .unwrap();
            serde_json::from_str::<Value>(&heard.text).unwrap()
        }
    };
    let sites = list("sites?pageSize=2&pageNumber=2".to_owned()).await;
    assert_eq!(
        sites["pagination"],
        json!({ "pageNumber": "2", "pageSize": "2", "totalAvailable": "3" })
    );
    assert_eq!(sites["sites"]["site"].as_array().unwrap().len(), 1);
    assert_eq!(sites["sites"]["site"][0]["name"], "Field & \"Ops\"");
    assert_eq!(sites["sites"]["site"][0]["state"], "Active");
    let luids = far
        .server
        .model(|model, _| [1, 2].map(|id| model.sites[&id].luid));
    let users = list(format!(
        "sites/{}/users?fields=_all_&filter=name:eq:plain",
        luids[0]
    ))
    .await;
    assert_eq!(users["users"]["user"].as_array().unwrap().len(), 1);
    assert_eq!(users["users"]["user"][0]["fullName"], "Plain");
    assert_eq!(users["users"]["user"][0]["domain"]["name"], "local");
    let users = list(format!("sites/{}/users?filter=name:eq:nobody", luids[0])).await;
    assert_eq!(users["users"]["user"], json!([]));
    let error = list(format!("sites/{}/users?filter=name:like:a", luids[0])).await;
    assert_eq!(error["error"]["code"], "400000");
    let error = list(format!("sites/{}/users", luids[1])).await;
    assert_eq!(error["error"]["code"], "401002", "the token is the other site's");
    far.server.faults(|faults| faults.other_site_is_forbidden = true);
    assert_eq!(
        list(format!("sites/{}/users", luids[1])).await["error"]["code"],
        "403004"
    );
    let nowhere = list(format!("sites/{}/users", uuid::Uuid::nil())).await;
    assert_eq!(nowhere["error"]["code"], "404000");
    let plain = far
        .sign_in("name=\"plain\" password=\"secret\"", "<site/>")
        .await
        .token();
    let heard = far.ask(Method::GET, "sites", &plain).await;
    assert_eq!(
        heard.after("totalAvailable=\""),
        "1",
        "only their own: {}",
        heard.text
    );
    let heard = far
        .ask(Method::GET, &format!("sites/{}/users", luids[0]), &plain)
        .await;
    assert_eq!(heard.code(), "403004");
}

#[tokio::test]
async fn delete_ends_by_the_id_of_the_table_and_for_administrators_only() {
    let far = far("2020.4").await;
    let boss = far.boss().await;
    let plain = far
        .sign_in("name=\"plain\" password=\"secret\"", "<site/>")
        .await
        .token();
    let (row, id, token) = far.opened();
    let delete = |id: String, token: String| {
        let far = &far;
        async move { far.ask(Method::DELETE, &format!("sessions/{id}"), &token).await }
    };
    let heard = delete(id.clone(), plain).await;
    assert_eq!((heard.status, heard.code().as_str()), (403, "403004"));
    assert_eq!(delete(id.clone(), "nonsense".to_owned()).await.code(), "401002");
    assert_eq!(delete(row.to_string(), boss.clone()).await.code(), "404029");
    let heard = delete("current".to_owned(), boss.clone()).await;
    assert_eq!((heard.status, heard.code().as_str()), (405, "405000"));
    assert!(far.server.lets_in(&token));
    let heard = delete(id.clone(), boss.clone()).await;
    assert_eq!((heard.status, heard.text.as_str()), (204, ""));
    assert!(!far.server.lets_in(&token));
    assert_eq!(delete(id, boss.clone()).await.code(), "404029");

    // What nobody documented: the other ids it may be.
    for takes in [DeleteTakes::RowId, DeleteTakes::Token] {
        let (row, id, token) = far.opened();
        far.server.faults(|faults| faults.delete_takes = takes);
        assert_eq!(delete(id, boss.clone()).await.code(), "404029", "{takes:?}");
        let right = if takes == DeleteTakes::RowId {
            row.to_string()
        } else {
            token.replace('|', "%7C")
        };
        assert_eq!(delete(right, boss.clone()).await.status, 204, "{takes:?}");
        assert!(!far.server.lets_in(&token));
    }
    assert_eq!(far.server.calls(Call::Delete), 9);
}

#[tokio::test]
async fn old_releases_have_no_delete_and_show_ids_that_end_or_do_not() {
    let far = far("2019.3").await;
    let boss = far.boss().await;
    let (_, hidden, token) = far.opened();
    for (missing, code) in [
        (Missing::Resource, "404003"),
        (Missing::Endpoint, "404001"),
        (Missing::Verb, "405000"),
    ] {
        far.server.faults(|faults| faults.missing = missing);
        assert_eq!(
            far.ask(Method::DELETE, &format!("sessions/{hidden}"), &boss)
                .await
                .code(),
            code
        );
    }
    assert_eq!(
        far.ask(Method::POST, "auth/signout", &hidden).await.code(),
        "401002"
    );
    assert!(far.server.lets_in(&token));
    // Protection is switched off: the sessions before it stay as they were.
    far.server.model(|model, _| model.shape.ids = IdShape::Legacy);
    let (_, plain, token) = far.opened();
    assert_eq!(plain, token);
    assert_eq!(
        far.ask(Method::POST, "auth/signout", &hidden).await.code(),
        "401002"
    );
    assert_eq!(far.ask(Method::POST, "auth/signout", &plain).await.status, 204);
    assert!(!far.server.lets_in(&token));
    far.server.faults(|faults| faults.late_current = true);
    assert_ne!(far.ask(Method::GET, "sessions/current", &boss).await.status, 200);
}

#[tokio::test]
async fn sessions_end_by_their_limits_and_use_keeps_them() {
    let mut shape = Shape::of(Release::named("2025.3").unwrap());
    shape.lifetime_min = Some(600);
    shape.kept_s = 60;
    let far = far_as(shape).await;
    let (_, _, idle) = far.opened();
    let (_, _, busy) = far.opened();
    for _ in 0..4 {
        far.clock.advance(120 * 60);
        assert!(far.server.lets_in(&busy));
    }
    assert!(!far.server.lets_in(&idle));
    let over: Vec<bool> = far.server.rows().sessions.iter().map(|row| row.is_over).collect();
    assert_eq!(over, [true, false], "the row is still there");
    far.server.tick();
    assert_eq!(far.server.rows().sessions.len(), 1);
    far.clock.advance(120 * 60);
    assert!(!far.server.lets_in(&busy), "too old, however busy");
}

#[tokio::test]
async fn cloud_lists_no_sites_and_deletes_nothing() {
    let far = far_as(Shape::cloud().unwrap()).await;
    let boss = far.boss().await;
    let heard = far.ask(Method::GET, "sites", &boss).await;
    assert_eq!((heard.status, heard.code().as_str()), (403, "403069"));
    let (_, id, token) = far.opened();
    assert_eq!(
        far.ask(Method::DELETE, &format!("sessions/{id}"), &boss)
            .await
            .status,
        404
    );
    assert!(far.server.lets_in(&token));
}

#[tokio::test]
async fn faults_lie_refuse_and_let_back() {
    let far = far("2025.3").await;
    let boss = far.boss().await;
    let (row, id, token) = far.opened();
    let path = format!("sessions/{id}");
    far.server.faults(|faults| faults.lie = Who::Everybody);
    assert_eq!(far.ask(Method::DELETE, &path, &boss).await.status, 204);
    assert_eq!(far.ask(Method::POST, "auth/signout", &token).await.status, 204);
    assert!(far.server.lets_in(&token));
    let person = far
        .server
        .model(|model, _| model.person_of(model.session(row).unwrap()).unwrap().id);
    far.server.faults(|faults| {
        faults.lie = Who::Nobody;
        faults.refuse = Who::These([person].into());
    });
    let heard = far.ask(Method::DELETE, &path, &boss).await;
    assert_eq!((heard.status, heard.code().as_str()), (400, "400105"));
    far.server.faults(|faults| {
        faults.refuse = Who::Nobody;
        faults.let_back = Who::Everybody;
    });
    assert_eq!(far.ask(Method::DELETE, &path, &boss).await.status, 204);
    let rows = far.server.rows().sessions;
    assert!(rows.iter().all(|row| row.session_id != id));
    assert_eq!(rows.len(), 2, "back under another id");
}

#[tokio::test]
async fn answers_can_be_a_gateways_cut_off_or_none() {
    let mut far = far("2025.3").await;
    let boss = far.boss().await;
    let bad = |far: &Far, bad: Bad| {
        far.server
            .faults(|faults| faults.bad = [(Call::Current, bad)].into());
    };
    let current = |far: &Far| {
        let url = format!("{}/api/3.10/sessions/current", far.server.url());
        let request = far.client.get(url).header("X-Tableau-Auth", boss.as_str());
        request.timeout(Duration::from_millis(500)).send()
    };
    bad(&far, Bad::Html(502));
    let heard = far.ask(Method::GET, "sessions/current", &boss).await;
    assert_eq!((heard.status, heard.kind.as_str()), (502, "text/html"));
    bad(&far, Bad::Code(429_000));
    let heard = far.ask(Method::GET, "sessions/current", &boss).await;
    assert_eq!((heard.status, heard.code().as_str()), (429, "429000"));
    bad(&far, Bad::Empty(401));
    let heard = far.ask(Method::GET, "sessions/current", &boss).await;
    assert_eq!((heard.status, heard.text.as_str()), (401, ""));
    bad(&far, Bad::Redirect("http://elsewhere.invalid".to_owned()));
    assert_eq!(far.ask(Method::GET, "sessions/current", &boss).await.status, 301);
    bad(&far, Bad::CutOff);
    assert!(current(&far).await.unwrap().text().await.is_err());
    bad(&far, Bad::Silent);
    assert!(current(&far).await.is_err_and(|cause| cause.is_timeout()));
    far.server.faults(|faults| faults.bad.clear());
    assert!(current(&far).await.unwrap().status().is_success());
    far.server.go_dark().await;
    let cut = match current(&far).await {
        Ok(answer) => answer.text().await.is_err(),
        Err(_) => true,
    };
    assert!(cut, "an open connection is not served on");
    let address = far.server.address;
    assert!(
        tokio::net::TcpStream::connect(address).await.is_err(),
        "a new one is refused"
    );
    far.server.come_back().await.unwrap();
    assert!(
        current(&far).await.unwrap().status().is_success(),
        "its sessions stayed"
    );

    let (_, id, token) = far.opened();
    far.server
        .faults(|faults| faults.bad = [(Call::Delete, Bad::DoneThenHtml(504))].into());
    assert_eq!(
        far.ask(Method::DELETE, &format!("sessions/{id}"), &boss)
            .await
            .status,
        504
    );
    assert!(!far.server.lets_in(&token), "done, whatever it answered");
}

#[tokio::test]
async fn the_repositorys_rows_show_what_a_reader_of_tables_sees() {
    let far = far("2025.3").await;
    far.server.model(|model, now| model.fill_sessions(2_000, now));
    let rows = far.server.rows();
    assert_eq!((rows.sessions.len(), rows.sites.len()), (2_000, 3));
    let smiths = rows.system_users.iter().filter(|person| person.name == "smith");
    let domains: Vec<i32> = smiths.map(|person| person.domain_id).collect();
    assert_eq!(domains, [2, 1], "one name in two domains");
    let of = |is: fn(&&rows::SessionRow) -> bool| rows.sessions.iter().filter(is).count();
    assert!(of(|row| row.external_user_id.is_some() && row.user_id.is_none()) > 0);
    assert!(of(|row| row.initiating_user_id.is_some() && row.initiating_user_id != row.user_id) > 0);
    assert!(
        of(|row| row.data.is_none() && row.shared_wg_write.is_some()) > 0,
        "tickets"
    );
    assert_eq!(
        of(|row| row.session_id.len() == 22 && row.hashed_secret.is_some()),
        2_000
    );
    assert_eq!(of(|row| row.is_over), 0);
    assert_eq!(far.server.rows().changes, rows.changes);
    far.server.tick();
    assert_ne!(far.server.rows().changes, rows.changes);
    assert_eq!(far.server.rows().sessions.len(), 2_000);
}
