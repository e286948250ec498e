//! Endings and the broker: what a ticket given before still does, whom "everywhere" holds, and a sign-out that could mean
//! several sessions.

use app::endings::wire::{Confirm, EndingPage};
use app::tickets::wire::TicketGrant;
use reqwest::{Method, StatusCode};
use serde_json::json;
use server::config::Several;
use server::simulators::tableau::faults::Call;
use server::simulators::tableau::rows::SiteRole;

use crate::broker_estate::{Estate, ed, estate, estate_of, send};
use crate::harness::Engine;

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

/// Ends a person everywhere, as an administrator; the ending's number.
async fn end_everywhere(estate: &Estate, person: &str) -> Option<i64> {
    let confirm = Confirm {
        reason: "left the house".to_owned(),
        ..Default::default()
    };
    // Somebody who is there while the workers look whether they still may.
    estate.app.administrator("edda").await;
    let ports = estate.app.signed_in("edda").await.ports(&estate.app).await;
    let ended = ports.endings.end_everywhere(person.to_owned(), confirm).await;
    let ended = ended.unwrap();
    estate.app.work().await;
    ended.ending_no
}

async fn ending(estate: &Estate, no: i64) -> EndingPage {
    let ports = estate.app.ports_of_everything();
    ports.endings.ending_page(no, None, None).await.unwrap()
}

/// The code that a request for Sales is answered with; empty = a ticket, or a token.
async fn code(estate: &Estate, user: &str) -> String {
    let answer = estate.ask(&ed(&estate.claims(user, "Sales"))).await;
    if answer.status == StatusCode::OK {
        return String::new();
    }
    answer.json()["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_given_before_an_ending_is_told_and_who_comes_back_by_it_is_marked_with_the_broker() {
    for engine in BOTH {
        let estate = estate(engine, |_| {}).await;
        estate.let_in("ann", "Sales", json!({})).await;
        estate.advance(300);
        // This one is not redeemed yet when she is ended.
        let answer = estate.ask(&ed(&estate.claims("ann", "Sales"))).await;
        let given = answer.json();
        let reference = given["reference"].as_str().unwrap().to_owned();
        let asked_s = estate.now_s();
        estate.app.portal.tickets.store_now().await.unwrap();
        estate.advance(20);
        estate.collect().await;
        let no = end_everywhere(&estate, "ann").await.unwrap();
        assert!(estate.live().await.is_empty());
        assert_eq!(code(&estate, "ann").await, "signed_out", "no more of them");

        let page = ending(&estate, no).await;
        let open = page.tickets_open.unwrap();
        assert_eq!(
            (open.count, open.until.0 / 1000),
            (1, asked_s + 180),
            "{engine:?}"
        );
        estate.app.administrator("mara").await;
        let mara = estate.app.signed_in("mara").await;
        let shown = mara.get(&app::paths::ending(no)).await.body;
        assert!(
            shown.contains("1 ticket was given to these people shortly before."),
            "{shown}"
        );

        // Nobody came back so far: that there is a ticket is no return.
        estate.advance(30);
        estate.collect().await;
        assert_eq!(estate.app.portal.endings.watch_due().await.unwrap(), 0);
        assert_eq!(ending(&estate, no).await.brief.counts.returned, 0);
        // Now it is redeemed.
        let redeemed = send(Method::GET, given["redeem_url"].as_str().unwrap(), &[], "").await;
        assert_eq!(redeemed.status, StatusCode::OK);
        estate.advance(30);
        estate.collect().await;
        assert_eq!(estate.live().await, ["ann@Sales"]);
        assert_eq!(estate.app.portal.endings.watch_due().await.unwrap(), 1);
        let page = ending(&estate, no).await;
        assert_eq!(page.brief.counts.returned, 1);
        let item = page.items.iter().find(|item| item.returned_at.is_some()).unwrap();
        assert!(
            item.detail.contains("ticket broker") && item.detail.contains(&reference),
            "{}",
            item.detail
        );
        assert!(
            estate.app.everything_stored().await.contains(&reference),
            "in the log"
        );
        // Once its time is over nothing more is told.
        estate.advance(200);
        assert_eq!(ending(&estate, no).await.tickets_open, None);
    }
}

#[tokio::test]
async fn who_comes_back_long_after_a_ticket_ran_out_is_not_said_to_have_come_by_it() {
    let estate = estate(Engine::Sqlite, |_| {}).await;
    estate.let_in("ann", "Sales", json!({})).await;
    estate.app.portal.tickets.store_now().await.unwrap();
    estate.advance(20);
    estate.collect().await;
    let no = end_everywhere(&estate, "ann").await.unwrap();
    estate.advance(300);
    // By another way than the broker.
    estate.far.model(|model, now| {
        let person = model.find_people("ann")[0];
        let sales = model.site_by_url("Sales").unwrap().id;
        let user = model.member(person, sales).unwrap();
        model.open(user, server::simulators::tableau::rows::Kind::Browser, now)
    });
    estate.advance(5);
    estate.collect().await;
    assert_eq!(estate.app.portal.endings.watch_due().await.unwrap(), 1);
    let page = ending(&estate, no).await;
    let item = page.items.iter().find(|item| item.returned_at.is_some()).unwrap();
    assert!(!item.detail.contains("broker"), "{}", item.detail);
}

#[tokio::test]
async fn a_ticket_given_after_an_ending_counts_as_coming_back_before_it_is_redeemed() {
    let estate = estate(Engine::Sqlite, |_| {}).await;
    estate.let_in("ann", "Sales", json!({})).await;
    estate.advance(300);
    estate.collect().await;
    let no = end_everywhere(&estate, "ann").await.unwrap();
    estate.advance(5);
    let mut claims = estate.claims("ann", "Sales");
    claims["auth_time"] = estate.now_s().into();
    let back = estate.ask(&ed(&claims)).await.json();
    estate.app.portal.tickets.store_now().await.unwrap();
    estate.advance(30);
    assert_eq!(estate.app.portal.endings.watch_due().await.unwrap(), 1);
    let page = ending(&estate, no).await;
    let item = page.items.iter().find(|item| item.returned_at.is_some()).unwrap();
    let reference = back["reference"].as_str().unwrap();
    assert!(item.detail.contains("Let in again by the ticket broker") && item.detail.contains(reference));
    assert_eq!(page.tickets_open, None, "it was given after, not before");
}

#[tokio::test]
async fn security_broker_everywhere_holds_a_name_in_every_domain_and_nobody_else() {
    for engine in BOTH {
        let estate = estate_of(engine, |config, far| {
            let app = &mut config.broker.apps[0];
            app.users = None;
            app.domains = [("DOMAIN".to_owned(), "domain.example".to_owned())].into();
            far.model(|model, now| {
                let sales = model.site_by_url("Sales").unwrap().id;
                for name in ["domain.example\\dora", "domain.example\\isidora"] {
                    let person = model.add_person(name, name, None);
                    model.join(person, sales, SiteRole::Viewer, now);
                }
            });
        })
        .await;
        for user in [
            "domain.example\\dora",
            "DOMAIN\\dora",
            "domain.example\\isidora",
            "ann",
        ] {
            assert_eq!(code(&estate, user).await, "", "{user}");
        }
        // Curfew itself knows her by her plain name only.
        estate.app.person("dora", "Dora", &[]).await;
        estate.app.signed_in("dora").await;
        estate.app.collect().await;
        estate.app.portal.tickets.store_now().await.unwrap();
        estate.advance(5);
        let no = end_everywhere(&estate, "dora").await.unwrap();
        estate.advance(5);
        for user in ["domain.example\\dora", "DOMAIN\\dora", "Domain\\DORA", "dora"] {
            assert_eq!(code(&estate, user).await, "signed_out", "{engine:?} {user}");
        }
        for user in ["domain.example\\isidora", "ann"] {
            assert_eq!(code(&estate, user).await, "", "{engine:?} {user}");
        }
        // Her tickets from before are told, though she had no session there.
        assert_eq!(ending(&estate, no).await.tickets_open.unwrap().count, 2);
        // A new sign-in at the app ends it.
        let mut claims = estate.claims("DOMAIN\\dora", "Sales");
        claims["auth_time"] = estate.now_s().into();
        assert_eq!(estate.ask(&ed(&claims)).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn security_broker_a_held_person_gets_no_connected_apps_token_either() {
    let estate = estate_of(Engine::Sqlite, |config, far| {
        let made = far.model(|model, _| model.trust_app());
        let file = config.data_dir.join("connected-app");
        std::fs::write(&file, &made.secret_value).unwrap();
        let own = json!({
            "client_id": made.client_id,
            "secrets": [{"id": made.secret_id, "value": format!("file:{}", file.display())}],
        });
        let own: toml::Table = serde_json::from_value(own).unwrap();
        let hq = config.systems.get_mut("hq").unwrap();
        hq.own.insert("connected_app".to_owned(), own.into());
        config.broker.apps[0].grant = TicketGrant::Jwt;
    })
    .await;
    assert_eq!(code(&estate, "ann").await, "");
    estate.far.model(|model, now| {
        let person = model.find_people("ann")[0];
        let user = model.member(person, 1).unwrap();
        model.open(user, server::simulators::tableau::rows::Kind::Browser, now)
    });
    estate.collect().await;
    end_everywhere(&estate, "ann").await.unwrap();
    estate.advance(1);
    assert_eq!(code(&estate, "ann").await, "signed_out");
    assert_eq!(code(&estate, "bob").await, "");
}

#[tokio::test]
async fn where_several_could_be_meant_an_app_may_choose_that_none_is_ended() {
    for engine in BOTH {
        let estate = estate(engine, |apps| apps[0].several = Several::None).await;
        for _ in 0..2 {
            estate.let_in("ann", "Sales", json!({})).await;
            estate.advance(1);
        }
        estate.let_in("ann", "", json!({})).await;
        estate.advance(5);
        let out = async || {
            let token = ed(&estate.claims("ann", "Sales"));
            let answer = estate.at(&estate.app.url, "/broker/v1/signout", &token).await;
            assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.body);
            answer.json()
        };
        let told = out().await;
        assert_eq!(
            (
                &told["state"],
                &told["candidates"],
                &told["ending"],
                &told["matched_by"]
            ),
            (
                &json!("several_not_ended"),
                &json!(2),
                &json!(null),
                &json!("time")
            ),
        );
        estate.app.work().await;
        estate.collect().await;
        assert_eq!(
            estate.live().await,
            ["ann@", "ann@Sales", "ann@Sales"],
            "nothing was ended"
        );
        assert_eq!(estate.app.audited("session_terminate_requested").await, 0);
        // One of them goes by itself: what is left is meant.
        let sales = estate
            .far
            .model(|model, _| model.site_by_url("Sales").unwrap().id);
        let rows = estate.far.rows().sessions;
        let first = rows.iter().find(|row| row.site_id == sales).unwrap().id;
        estate.far.model(|model, _| model.end(first));
        estate.advance(5);
        let told = out().await;
        assert_eq!(
            (&told["state"], &told["candidates"]),
            (&json!("waiting"), &json!(1))
        );
        estate.app.work().await;
        assert_eq!(estate.live().await, ["ann@"]);
    }
}

#[tokio::test]
async fn security_broker_a_used_token_is_refused_before_tableau_is_asked() {
    for engine in BOTH {
        let estate = estate(engine, |_| {}).await;
        let token = ed(&estate.claims("ann", ""));
        assert_eq!(estate.ask(&token).await.status, StatusCode::OK);
        let asked = estate.far.calls(Call::Trusted);
        // The same process, another replica, and one that was started again since.
        let again = estate.app.second_node().await;
        for base in [&estate.app.url, &again, &again] {
            let answer = estate.at(base, "/broker/v1/tickets", &token).await;
            assert_eq!(answer.json()["code"], "replayed", "{}", answer.body);
        }
        assert_eq!(estate.far.calls(Call::Trusted), asked, "{engine:?}");
        // Many at the same moment at one replica: one is taken, and one is asked for.
        let token = ed(&estate.claims("ann", ""));
        let tries = (0..16).map(|_| estate.ask(&token));
        let answers = futures::future::join_all(tries).await;
        let won = answers.iter().filter(|a| a.status == StatusCode::OK).count();
        assert_eq!(won, 1);
        assert_eq!(estate.far.calls(Call::Trusted), asked + 1, "{engine:?}");
    }
}
