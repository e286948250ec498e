//! Helpdesk by people: who holds a grant for some people works with them, and learns of nobody else.

use app::access::wire::{GroupImport, NewGrant, NewProtected, People, Places, Protected, Scope, ThesePeople};
use app::wire::{Count, GroupId, OperatorId};
use reqwest::StatusCode;

use crate::harness::{App, Browser, Engine};

const BOTH: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];

fn of_group(group: &GroupId) -> Scope {
    Scope {
        places: Places::Everywhere,
        people: People::These(ThesePeople {
            groups: vec![group.clone()],
            ..ThesePeople::default()
        }),
    }
}

fn grant(to: &OperatorId, role: &str, scope: Scope) -> NewGrant {
    NewGrant {
        operator_id: to.clone(),
        role_id: role.into(),
        scope,
        expires_at: None,
        reason: "test".to_owned(),
    }
}

/// Brings in a group by the port of an administrator's browser; its id.
async fn import(admin: &Browser, app: &App, name: &str, accounts: &[&str]) -> GroupId {
    let access = admin.ports(app).await.access;
    let import = GroupImport {
        name: name.to_owned(),
        accounts: accounts.iter().map(|a| (*a).to_owned()).collect(),
    };
    access.import_group(import).await.unwrap();
    let page = access.access_page().await.unwrap();
    let group = page.groups.into_iter().find(|g| g.name == name).unwrap();
    assert_eq!(group.members as usize, accounts.len());
    group.group_id
}

/// A portal with Ben and Carla in a group, and Hal, who may end the sessions of its people.
async fn staffed(engine: Engine) -> (App, Browser, GroupId) {
    let app = App::start_with(engine, |_| {}).await;
    app.administrator("mara").await;
    let admin = app.signed_in("mara").await;
    for (login, name) in [("ben", "Ben Ode"), ("carla", "Carla Diaz"), ("eve", "Eve Stone")] {
        app.person(login, name, &[]).await;
    }
    let hal = app.person("hal", "Hal Helper", &[]).await;
    let group = import(&admin, &app, "Night shift", &["Ben", "carla"]).await;
    let access = admin.ports(&app).await.access;
    access
        .give_grant(grant(&hal, "helpdesk", of_group(&group)))
        .await
        .unwrap();
    (app, admin, group)
}

/// What of a page differs from one drawing to the next, or counts what happened anywhere, is taken out.
fn plain(body: &str) -> String {
    let mut text = body.to_owned();
    for mark in ["nonce=\"", "data-version=\""] {
        while let Some(at) = text.find(mark) {
            let end = text[at + mark.len()..]
                .find('"')
                .map_or(text.len(), |e| at + mark.len() + e + 1);
            text.replace_range(at..end, "");
        }
    }
    text
}

const LOOKED_AT: [&str; 16] = [
    "/sessions",
    "/sessions?state=live,ended,vanished",
    "/sessions?sort=started",
    "/sessions?sort=person&dir=asc",
    "/sessions?q=e",
    "/sessions?q=eve",
    "/sessions?q=stone",
    "/sessions?person=eve",
    "/sessions?person=is:eve",
    "/sessions?system=curfew",
    "/sessions/count?q=e",
    "/endings",
    "/endings/7",
    "/systems",
    "/systems?system=curfew",
    "/policies",
];

async fn look(browser: &Browser) -> Vec<(&'static str, StatusCode, String)> {
    let mut seen = Vec::new();
    for path in LOOKED_AT {
        let answer = browser.get(path).await;
        seen.push((path, answer.status, plain(&answer.body)));
    }
    seen
}

#[tokio::test]
async fn a_helper_of_one_group_ends_one_of_its_people_and_sees_no_trace_of_others() {
    for engine in BOTH {
        let (app, _admin, _) = staffed(engine).await;
        let hal = app.signed_in("hal").await;
        let ben = app.signed_in("ben").await;
        let carla = app.signed_in("carla").await;
        app.collect().await;
        let before = look(&hal).await;
        assert!(before[0].2.contains("Ben Ode") && before[0].2.contains("Carla Diaz"));
        assert!(
            !before[0].2.contains("mara"),
            "the administrator is in no group of Hal's"
        );

        // Somebody outside the scope comes, is ended by the administrator, and comes again.
        let eve = app.signed_in("eve").await;
        app.collect().await;
        for ((path, status, now), (_, was_status, was)) in look(&hal).await.iter().zip(&before) {
            assert_eq!((status, now), (was_status, was), "{path} tells of Eve");
        }
        assert!(eve.is_in().await);

        // A name for Eve's session is no better than a name for none.
        let mut conn = app.portal.db.read().await.unwrap();
        let sql = "SELECT session_key FROM session WHERE account_name = $1";
        let hers: String =
            server::on!(conn, c => sqlx::query_scalar(sql).bind("eve").fetch_one(c).await.unwrap());
        let bens: String =
            server::on!(conn, c => sqlx::query_scalar(sql).bind("ben").fetch_one(c).await.unwrap());
        drop(conn);
        let none = "0".repeat(hers.len());
        for path in ["/sessions?key=", "/sessions/count?key="] {
            let (known, unknown) = (
                hal.get(&format!("{path}{hers}")).await,
                hal.get(&format!("{path}{none}")).await,
            );
            assert_eq!(known.status, unknown.status);
            assert_eq!(
                plain(&known.body).replace(&hers, &none),
                plain(&unknown.body),
                "{path}"
            );
        }
        for key in [&hers, &none] {
            let answer = hal.post("/sessions/preview", &[("row", key)]).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", answer.body);
        }

        // Ben is one of Hal's people: previewed, confirmed, ended, read back.
        let preview = hal
            .post("/sessions/preview", &[("row", &bens), ("row", &hers)])
            .await;
        assert_eq!(preview.status, StatusCode::SEE_OTHER, "{}", preview.body);
        let address = preview.location().to_owned();
        let page = hal.get(&address).await;
        assert!(page.body.contains("End 1 session"), "{}", page.body);
        let confirmed = hal
            .post(
                &format!("{address}/confirm"),
                &[("reason", "Asked us to"), ("typed_number", "1")],
            )
            .await;
        assert_eq!(confirmed.status, StatusCode::SEE_OTHER, "{}", confirmed.body);
        app.work().await;
        let result = hal.get(confirmed.location()).await.body;
        assert!(
            result.contains("Ben Ode") && !result.contains("Eve Stone"),
            "{result}"
        );
        assert!(!ben.is_in().await && carla.is_in().await && eve.is_in().await);
    }
}

#[tokio::test]
async fn who_leaves_the_group_while_an_ending_waits_is_not_ended() {
    for engine in BOTH {
        let (app, admin, group) = staffed(engine).await;
        let hal = app.signed_in("hal").await;
        let ben = app.signed_in("ben").await;
        let carla = app.signed_in("carla").await;
        app.collect().await;
        let endings = hal.ports(&app).await.endings;
        let mut conn = app.portal.db.read().await.unwrap();
        let sql = "SELECT session_key FROM session WHERE account_name IN ('ben', 'carla') AND state = 'live'";
        let keys: Vec<String> = server::on!(conn, c => sqlx::query_scalar(sql).fetch_all(c).await.unwrap());
        drop(conn);
        let draft = endings
            .draft_ending_of(keys.into_iter().map(Into::into).collect())
            .await
            .unwrap();
        let confirm = app::endings::wire::Confirm {
            reason: "Moves on".to_owned(),
            ..Default::default()
        };
        let no = endings
            .confirm_ending(draft, confirm)
            .await
            .unwrap()
            .number()
            .unwrap();
        let same = import(&admin, &app, "night shift", &["carla"]).await;
        assert_eq!(same, group, "the name says which group is meant");
        app.work().await;
        let counts = endings.ending_page(no, None, None).await.unwrap().brief.counts;
        assert_eq!((counts.ended, counts.stopped), (1, 1));
        assert!(ben.is_in().await && !carla.is_in().await);
    }
}

#[tokio::test]
async fn a_grant_is_weighed_in_numbers_before_it_is_given() {
    for engine in BOTH {
        let (app, admin, group) = staffed(engine).await;
        let nora = app.person("nora", "Nora", &[]).await;
        for login in ["ben", "ben", "carla", "eve"] {
            app.signed_in(login).await;
        }
        app.collect().await;
        let access = admin.ports(&app).await.access;
        let weigh = async |role: &str, scope: Scope| {
            let effect = access.grant_effect(grant(&nora, role, scope)).await.unwrap();
            (effect.sees, effect.people, effect.may_end)
        };
        let n = Count::Exactly;
        assert_eq!(weigh("helpdesk", of_group(&group)).await, (n(3), 2, n(3)));
        assert_eq!(weigh("auditor", of_group(&group)).await, (n(3), 2, n(0)));
        assert_eq!(weigh("helpdesk", Scope::accounts(["EVE"])).await, (n(1), 1, n(1)));
        assert_eq!(
            weigh("helpdesk", Scope::accounts(["eve"]).in_systems(["curfew"])).await,
            (n(1), 1, n(1))
        );

        // Who is protected is seen, and not ended: by group, and by the role they sign in here with.
        let protect = async |who: Protected| {
            let new = NewProtected {
                system_id: None,
                who,
                reason: "test".to_owned(),
            };
            access.protect(new).await.unwrap();
        };
        protect(Protected::Group(group.clone())).await;
        assert_eq!(weigh("helpdesk", Scope::EVERYWHERE).await, (n(5), 4, n(2)));
        protect(Protected::Role("administrator".into())).await;
        assert_eq!(weigh("helpdesk", Scope::EVERYWHERE).await, (n(5), 4, n(1)));
        assert_eq!(weigh("administrator", Scope::EVERYWHERE).await, (n(5), 4, n(5)));

        // The form shows the numbers with everything that was typed, and gives nothing.
        let weighed = admin
            .post(
                "/access/act",
                &[
                    ("act", "weigh-grant"),
                    ("operator", nora.as_str()),
                    ("role", "helpdesk"),
                    ("places", "everywhere"),
                    ("people", "these"),
                    ("groups", group.as_str()),
                    ("reason", "night shift"),
                ],
            )
            .await;
        assert_eq!(weighed.status, StatusCode::OK);
        assert!(
            weighed.body.contains("3 sessions of 2 people, and could end 0."),
            "{}",
            weighed.body
        );
        assert!(weighed.body.contains("value=\"night shift\""));
        let grants = access.access_page().await.unwrap().grants;
        assert!(grants.iter().all(|g| g.operator_id != nora));

        // A group that something names can't vanish from under it.
        assert!(access.delete_group(group.clone()).await.is_err());
    }
}
