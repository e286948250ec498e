//! The connector against the simulated Tomcat of the demo; real ones are in `server/tests/tomcat`.

use std::sync::Arc;
use std::time::Duration;

use app::sessions::wire::SessionKind;
use app::wire::Limit;

use super::from_settings;
use crate::clock::SystemClock;
use crate::connectors::conformance::list;
use crate::connectors::{Answer, Completeness, Recipe, SeenSession, SharedConnector, Target, Wanted};
use crate::simulators::simulator::Simulator;
use crate::simulators::simulator::shape::Shape;

async fn simulated(shape: Shape) -> [(SharedConnector, Simulator); 2] {
    let start = async |by_jolokia: bool| {
        let far = Simulator::start(Arc::new(SystemClock), shape.clone())
            .await
            .unwrap();
        let recipe = Recipe {
            settings: &far.settings_as_tomcat("Campus", by_jolokia),
            timeout: Duration::from_secs(3),
        };
        (from_settings(&recipe).unwrap(), far)
    };
    [start(false).await, start(true).await]
}

async fn all(connector: &SharedConnector) -> Vec<SeenSession> {
    let (whole, rows) = list(connector.as_ref(), Wanted::All).await.unwrap();
    assert_eq!(whole, Completeness::Complete);
    rows
}

fn target(row: &SeenSession) -> Target {
    Target {
        handle: row.handle.clone(),
        place: row.place.clone(),
        kind: row.kind,
        site: row.site.clone(),
        account_id: row.account_id.clone(),
        node: row.node.clone(),
    }
}

#[tokio::test]
async fn the_simulated_tomcat_shows_people_guests_doubts_and_limits() {
    let shape = Shape {
        places: &["/uPortal", "/calendar"],
        place_idle_s: &[("/calendar", 3_600)],
        guests: 7,
        ..Shape::default()
    };
    for (near, far) in simulated(shape).await {
        far.fill(40, 30);
        far.add_oddities();
        let rows = all(&near).await;
        let of = |kind: SessionKind| rows.iter().filter(|row| row.kind == kind).count();
        assert_eq!((of(SessionKind::Web), of(SessionKind::Guest)), (44, 7));
        let doubts = rows.iter().filter(|row| row.person_doubt.is_some()).count();
        assert_eq!(doubts, 1);
        assert!(rows.iter().all(|row| row.idle
            == Limit::Seconds(if row.place == "/calendar" { 3_600 } else { 1_800 })
            || row.idle == Limit::Unknown));
        let policy = near.policy().unwrap().read_policy().await.unwrap();
        assert_eq!(policy.places.len(), 2);
        assert!(
            near.found()
                .iter()
                .any(|line| line.contains("Lists /calendar, /uPortal"))
        );
    }
}

/// OK to everything: only the next list tells a lie.
#[tokio::test]
async fn the_simulated_tomcat_says_ok_whether_it_ended_or_not() {
    let shape = Shape {
        places: &["/uPortal"],
        ..Shape::default()
    };
    for (near, far) in simulated(shape).await {
        far.fill(5, 5);
        let before = all(&near).await;
        let ends = near.end().unwrap();
        let one = target(&before[0]);
        assert_eq!(
            ends.end(std::slice::from_ref(&one)).await.unwrap(),
            [Answer::Accepted]
        );
        assert_eq!(all(&near).await.len(), 4);
        assert_eq!(ends.end(&[one]).await.unwrap(), [Answer::NotFound]);
        far.faults(|faults| faults.lie = true);
        let other = target(&before[1]);
        assert_eq!(ends.end(&[other]).await.unwrap(), [Answer::Accepted]);
        assert_eq!(all(&near).await.len(), 4);
    }
}
