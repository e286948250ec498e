//! What the server tells, what it ends, and its faults.

use super::*;

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
    assert_eq!((rows.sessions.len(), rows.people.sites.len()), (2_000, 3));
    let smiths = rows
        .people
        .system_users
        .iter()
        .filter(|person| person.name == "smith");
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
