//! Several addresses of one Tableau: who is asked when one fails, and what each kind of answer means for app and page.

use std::sync::Arc;

use app::tickets::wire::{TicketOutcome, TicketQuery};
use reqwest::StatusCode;
use server::simulators::tableau::TableauServer;
use server::simulators::tableau::faults::{Bad, Call};
use server::simulators::tableau::release::Release;
use server::simulators::tableau::rows::SiteRole;
use server::simulators::tableau::shape::Shape;

use crate::broker_estate::{Estate, ed, estate_of};
use crate::harness::{Answer, Engine};

/// A second node: it hands out tickets of its own, which is all that matters here.
async fn node(clock: Arc<dyn server::clock::Clock>) -> TableauServer {
    let shape = Shape::of(Release::named("2025.3").unwrap());
    let far = TableauServer::start(clock, shape).await.unwrap();
    far.trust([127, 0, 0, 1].into());
    far.model(|model, now| {
        let ann = model.add_person("ann", "Ann", None);
        model.join(ann, 1, SiteRole::Viewer, now);
    });
    far
}

/// An estate whose Tableau has these addresses beside its own, asked before (`first`) or after it.
async fn estate_with(nodes: &[String], first: bool) -> Estate {
    estate_of(Engine::Sqlite, |config, far| {
        let own = vec![far.url()];
        let all = if first {
            [nodes.to_vec(), own].concat()
        } else {
            [own, nodes.to_vec()].concat()
        };
        let hq = config.systems.get_mut("hq").unwrap();
        let trusted = hq.own.get_mut("trusted").unwrap().as_table_mut().unwrap();
        trusted.insert("nodes".to_owned(), all.into());
        hq.timeout_ms = Some(1_000);
    })
    .await
}

async fn ask(estate: &Estate) -> Answer {
    estate.ask(&ed(&estate.claims("ann", ""))).await
}

/// Which address answered the newest request, and the words of why not.
async fn newest(estate: &Estate) -> (TicketOutcome, Option<String>, String) {
    let page = estate.page(TicketQuery::default()).await;
    let row = page.rows.into_iter().next().unwrap();
    (row.outcome, row.node, row.cause.unwrap_or_default())
}

fn refuse(far: &TableauServer, bad: Option<Bad>) {
    far.faults(|faults| faults.bad = bad.map(|bad| (Call::Trusted, bad)).into_iter().collect());
}

#[tokio::test]
async fn a_node_that_gives_no_ticket_is_passed_over_and_asked_last_for_a_while() {
    let clock = Arc::new(server::clock::FakeClock::at(crate::harness::MORNING));
    let second = node(clock).await;
    let estate = estate_with(&[second.url()], false).await;
    let first = &estate.far;
    for bad in [
        Bad::Html(200),
        Bad::Garbage,
        Bad::Empty(503),
        Bad::Empty(200),
        Bad::CutOff,
        Bad::Redirect("http://127.0.0.1:9".to_owned()),
        Bad::Silent,
    ] {
        refuse(first, Some(bad.clone()));
        let asked = (first.calls(Call::Trusted), second.calls(Call::Trusted));
        assert_eq!(
            ask(&estate).await.status,
            StatusCode::OK,
            "{bad:?}: the other one gives it"
        );
        let (outcome, node, _) = newest(&estate).await;
        assert_eq!(
            (outcome, node),
            (TicketOutcome::Issued, Some(second.url())),
            "{bad:?}"
        );
        assert_eq!(first.calls(Call::Trusted), asked.0 + 1, "{bad:?}");
        // It is asked last now: not at all while the other one answers.
        assert_eq!(ask(&estate).await.status, StatusCode::OK);
        assert_eq!(first.calls(Call::Trusted), asked.0 + 1, "{bad:?}");
        assert_eq!(second.calls(Call::Trusted), asked.1 + 2, "{bad:?}");
        let page = estate.page(TicketQuery::default()).await;
        let shown = page.nodes.iter().find(|node| node.node == first.url()).unwrap();
        assert!(
            shown.last_until.is_some() && shown.trouble.is_some(),
            "{bad:?}: {shown:?}"
        );
        estate.advance(31);
    }
    refuse(first, None);
    assert_eq!(ask(&estate).await.status, StatusCode::OK);
    assert_eq!(newest(&estate).await.1, Some(first.url()), "back in its order");
    let page = estate.page(TicketQuery::default()).await;
    assert!(page.nodes.iter().all(|node| node.trouble.is_none()));
}

#[tokio::test]
async fn a_refusal_is_an_answer_and_no_other_node_is_asked() {
    let clock = Arc::new(server::clock::FakeClock::at(crate::harness::MORNING));
    let second = node(clock).await;
    let estate = estate_with(&[second.url()], false).await;
    estate.far.faults(|faults| faults.untrusted = true);
    let answer = ask(&estate).await;
    assert_eq!(answer.json()["code"], "refused", "{}", answer.body);
    assert_eq!(second.calls(Call::Trusted), 0);
    let (outcome, node, _) = newest(&estate).await;
    assert_eq!((outcome, node), (TicketOutcome::Refused, Some(estate.far.url())));
}

#[tokio::test]
async fn each_answer_of_tableau_is_told_from_the_others() {
    let estate = estate_with(&[], false).await;
    for (bad, status, code, outcome, words) in [
        (Bad::Html(200), 502, "html", TicketOutcome::Html, ""),
        (Bad::Html(500), 502, "odd", TicketOutcome::Odd, "status 500"),
        (Bad::Garbage, 502, "odd", TicketOutcome::Odd, "shape of no ticket"),
        (Bad::Empty(200), 502, "odd", TicketOutcome::Odd, "empty"),
        (Bad::Empty(503), 502, "odd", TicketOutcome::Odd, "status 503"),
        (Bad::Empty(401), 502, "odd", TicketOutcome::Odd, "status 401"),
        (
            Bad::Redirect("http://127.0.0.1:9".to_owned()),
            502,
            "odd",
            TicketOutcome::Odd,
            "status 301",
        ),
        (
            Bad::Silent,
            503,
            "unreachable",
            TicketOutcome::Unreachable,
            "No answer within",
        ),
    ] {
        refuse(&estate.far, Some(bad.clone()));
        let answer = ask(&estate).await;
        assert_eq!(answer.status.as_u16(), status, "{bad:?}: {}", answer.body);
        assert_eq!(answer.json()["code"], code, "{bad:?}");
        let (is, node, cause) = newest(&estate).await;
        assert_eq!(is, outcome, "{bad:?}");
        assert_eq!(node, Some(estate.far.url()), "{bad:?}");
        assert!(cause.contains(words), "{bad:?}: {cause}");
        assert!(
            words.is_empty() || !answer.body.contains(words),
            "not for the app: {}",
            answer.body
        );
    }
    refuse(&estate.far, None);
    assert_eq!(ask(&estate).await.status, StatusCode::OK);
}

#[tokio::test]
async fn where_every_node_fails_what_tells_most_is_told() {
    // Nobody listens there.
    let dead = "http://127.0.0.1:9".to_owned();
    let mut estate = estate_with(std::slice::from_ref(&dead), true).await;
    assert_eq!(
        ask(&estate).await.status,
        StatusCode::OK,
        "the one that lives gives it"
    );
    refuse(&estate.far, Some(Bad::Html(200)));
    estate.advance(31);
    let answer = ask(&estate).await;
    assert_eq!(
        answer.json()["code"],
        "html",
        "a page says more than silence: {}",
        answer.body
    );
    assert_eq!(newest(&estate).await.1, Some(estate.far.url()));
    estate.far.go_dark().await;
    estate.advance(31);
    let answer = ask(&estate).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
    assert_eq!(answer.json()["code"], "unreachable");
    let page = estate.page(TicketQuery::default()).await;
    assert!(
        page.nodes.iter().all(|node| node.trouble.is_some()),
        "{:?}",
        page.nodes
    );
}
