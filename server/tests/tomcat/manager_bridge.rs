//! The connector with the Manager's pages: beside a bridge to JMX for what that does not tell, and alone.

use std::time::Duration;

use app::wire::Limit;
use server::connectors::conformance::list;
use server::connectors::{Answer, ErrorKind, SharedConnector, Target, Wanted};

use super::connector::{Bridge, address, all, connect, end, of, target};
use super::farm::{App, Fault, FaultProxy, Tomcat, Version, shared};

/// The JMX proxy with an account for the pages beside it.
fn beside(url: &str, apps: &[&str], more: &str) -> SharedConnector {
    let more = format!("contexts = {apps:?}\ngui_user = \"gui\"\ngui_password = GUI_PASSWORD\n{more}");
    connect(Bridge::JmxProxy, url, &more, Duration::from_secs(3))
}

/// The pages alone.
fn alone(url: &str, apps: &[&str], more: &str) -> SharedConnector {
    let more = format!("contexts = {apps:?}\n{more}");
    connect(Bridge::Manager, url, &more, Duration::from_secs(3))
}

fn manager(tomcat: &Tomcat) -> String {
    address(Bridge::Manager, tomcat)
}

/// Who comes back by herself is met under her name, with another session.
#[tokio::test]
async fn tomcat_pages_name_who_tomcat_itself_signed_in() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let [basic, form] = ["/basic-pages", "/form-pages"];
        tomcat.deploy(App::basic(basic)).await;
        tomcat.deploy(App::form(form)).await;
        let alice = tomcat.open(basic, "alice").await;
        let bob = tomcat.open(form, "bob").await;
        let connector = beside(&manager(tomcat), &[basic, form], "");
        let rows = all(&connector).await;
        let row = of(&rows, &alice);
        assert_eq!(row.account_id, "alice", "{version:?}: {:?}", connector.found());
        assert!(row.return_hint.as_deref().unwrap_or_default().contains("BASIC"));
        let row = of(&rows, &bob);
        assert_eq!(
            (row.account_id.as_str(), &row.return_hint),
            ("bob", &None),
            "{version:?}"
        );
        assert_eq!(row.idle, Limit::Seconds(1_200));
        let found = connector.found().join("\n");
        assert!(found.contains("come from the Manager\u{2019}s pages"), "{found}");
        assert!(!found.contains("leaves nobody"), "{found}");

        let before = target(&alice, basic, "alice");
        assert_eq!(end(&connector, before.clone()).await, Answer::Accepted);
        let again = tomcat.open(basic, "alice").await;
        let accounts = ["alice".to_owned()];
        let (_, rows) = list(connector.as_ref(), Wanted::Accounts(&accounts))
            .await
            .unwrap();
        assert_eq!(rows.len(), 1, "{version:?}");
        let row = of(&rows, &again);
        assert_eq!(row.account_id, "alice");
        assert_ne!(row.handle.expose(), before.handle.expose());
    }
}

/// What an app says and what Tomcat says must agree.
#[tokio::test]
async fn tomcat_pages_and_an_attribute_that_disagree_leave_the_person_uncertain() {
    let tomcat = shared(Version::V10).await;
    let place = "/form-disagrees";
    tomcat.deploy(App::form(place)).await;
    let bob = tomcat.open(place, "bob").await;
    let carol = tomcat.open(place, "carol").await;
    bob.ask("open.jsp", &[("user", "zoe")]).await;
    carol.ask("open.jsp", &[("user", "carol")]).await;
    let rows = all(&beside(&manager(tomcat), &[place], "")).await;
    assert!(of(&rows, &bob).person_doubt.is_some());
    assert_eq!(of(&rows, &bob).account_id, "");
    assert_eq!(of(&rows, &carol).account_id, "carol");
}

/// A guess of the page is taken where nothing else names anybody, and nowhere else.
#[tokio::test]
async fn tomcat_pages_guess_only_where_no_attribute_tells() {
    let tomcat = shared(Version::V10).await;
    let place = "/guessed";
    tomcat.deploy(App::plain(place)).await;
    let guessed = [("user", "ann"), ("attr", "Utilisateur")];
    let ann = tomcat.open_at(place, "open.jsp", &guessed).await;
    let connector = beside(&manager(tomcat), &[place], "");
    assert_eq!(of(&all(&connector).await, &ann).account_id, "ann");
    let ben = tomcat.open(place, "ben").await;
    let rows = all(&beside(&manager(tomcat), &[place], "")).await;
    assert_eq!(of(&rows, &ben).account_id, "ben");
    assert_eq!(of(&rows, &ann).account_id, "", "this app leaves names elsewhere");

    // What JMX could not read stays in doubt, whatever the page guesses.
    tomcat.deploy(App::plain("/doubted")).await;
    let throws = [("attr", "who"), ("text", "throws")];
    let dora = tomcat.open_at("/doubted", "open.jsp", &throws).await;
    dora.ask("open.jsp", &[("attr", "Login"), ("user", "dora")]).await;
    let person = "person = [{ attribute = \"who\" }]";
    let connector = beside(&manager(tomcat), &["/doubted"], person);
    let rows = all(&connector).await;
    assert!(of(&rows, &dora).person_doubt.is_some());
}

#[tokio::test]
async fn tomcat_pages_tell_the_limit_of_a_single_session() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let place = "/own-limits";
        tomcat.deploy(App::plain(place)).await;
        let open = async |idle: &str| {
            let parameters = [("user", "ann"), ("idle", idle)];
            tomcat.open_at(place, "open.jsp", &parameters).await
        };
        let (ten, odd, never) = (open("600").await, open("95").await, open("-1").await);
        let usual = tomcat.open(place, "ben").await;
        for connector in [
            beside(&manager(tomcat), &[place], ""),
            alone(&manager(tomcat), &[place], ""),
        ] {
            let rows = all(&connector).await;
            assert_eq!(of(&rows, &ten).idle, Limit::Seconds(600), "{version:?}");
            assert_eq!(of(&rows, &usual).idle, Limit::Seconds(1_800), "{version:?}");
            assert_eq!(of(&rows, &never).idle, Limit::None, "{version:?}");
            let Limit::Seconds(seconds) = of(&rows, &odd).idle else {
                panic!("{version:?}")
            };
            assert!((93..=97).contains(&seconds), "{version:?}: {seconds}");
        }
        let connector = alone(&manager(tomcat), &[place], "");
        let policy = connector.policy().unwrap().read_policy().await.unwrap();
        assert_eq!(policy.idle, Limit::Seconds(1_800), "{version:?}: of the app");
    }
}

/// Moments are told in the server's zone, which only the settings know.
#[tokio::test]
async fn tomcat_pages_alone_list_hostile_names_versions_and_moments() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let place = "/hostile";
        tomcat.deploy(App::plain(place)).await;
        let name = "<b>&amp; \"x\"</td></tr>";
        let hostile = tomcat.open_at(place, "open.jsp", &[("user", name)]).await;
        tomcat.deploy(App::plain(place).version("2")).await;
        let second = tomcat.open(place, "bob").await;
        let rows = all(&alone(&manager(tomcat), &[place], "")).await;
        let row = of(&rows, &hostile);
        assert_eq!(
            (row.account_name.as_str(), row.place.as_str()),
            (name, place),
            "{version:?}"
        );
        assert_eq!(row.created_at, None, "no zone is told");
        assert_eq!(of(&rows, &second).place, "/hostile##2");
        let jmx = of(&all(&beside(&manager(tomcat), &[place], "")).await, &second).created_at;
        let zoned = all(&alone(&manager(tomcat), &[place], "zone = \"UTC\"")).await;
        let page = of(&zoned, &second).created_at;
        // Tests run where the clock shows UTC; the page cuts to seconds.
        assert_eq!(
            page.map(|at| at.0 / 1_000),
            jmx.map(|at| at.0 / 1_000),
            "{version:?}"
        );
        let connector = alone(&manager(tomcat), &[place], "");
        assert_eq!(
            end(&connector, target(&second, "/hostile##2", "bob")).await,
            Answer::Accepted
        );
        assert_eq!(second.who().await, None);
        assert!(hostile.who().await.is_some(), "the other version\u{2019}s stays");
    }
}

/// Past a thousand parameters Tomcat drops the rest without a word.
#[tokio::test]
async fn tomcat_pages_alone_end_more_than_a_form_holds() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let place = "/many-pages";
        tomcat.deploy(App::plain(place)).await;
        tomcat.open_many(place, 1_005).await;
        let proxy = FaultProxy::in_front_of(&manager(tomcat)).await;
        let connector = alone(&proxy.url(), &[place], "");
        let rows = all(&connector).await;
        assert_eq!(rows.len(), 1_005);
        let targets: Vec<Target> = rows
            .iter()
            .map(|row| Target {
                handle: row.handle.clone(),
                place: row.place.clone(),
                kind: row.kind,
                site: String::new(),
                account_id: row.account_id.clone(),
                node: None,
            })
            .collect();
        let answers = connector.end().unwrap().end(&targets).await.unwrap();
        assert!(
            answers.iter().all(|answer| *answer == Answer::Accepted),
            "{version:?}"
        );
        assert!(all(&connector).await.is_empty(), "{version:?}");
        let forms = proxy
            .requests()
            .iter()
            .filter(|line| line.starts_with("POST"))
            .count();
        assert_eq!(forms, 2);
    }
}

/// The Manager ends our own session there: nonce and cookie are worth nothing any more.
#[tokio::test]
async fn tomcat_pages_get_a_new_nonce_once_where_the_old_one_is_refused() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let place = "/nonce";
        tomcat.deploy(App::plain(place)).await;
        let alice = tomcat.open(place, "alice").await;
        let proxy = FaultProxy::in_front_of(&manager(tomcat)).await;
        let connector = alone(&proxy.url(), &[place], "");
        assert_eq!(all(&connector).await.len(), 1);
        let other = alone(&manager(tomcat), &["/manager"], "");
        let ours: Vec<Target> = all(&other)
            .await
            .into_iter()
            .map(|row| Target {
                handle: row.handle,
                place: row.place,
                kind: row.kind,
                site: String::new(),
                account_id: row.account_id,
                node: None,
            })
            .collect();
        other.end().unwrap().end(&ours).await.unwrap();
        let before = proxy.requests().len();
        assert_eq!(
            end(&connector, target(&alice, place, "alice")).await,
            Answer::Accepted
        );
        assert_eq!(alice.who().await, None);
        let asked = &proxy.requests()[before..];
        let refused = asked.iter().filter(|line| line.starts_with("POST")).count();
        assert_eq!(
            (refused, asked.len()),
            (2, 3),
            "{version:?}: refused, a new nonce, done: {asked:?}"
        );
    }
}

#[tokio::test]
async fn tomcat_pages_that_are_not_allowed_are_said_and_asked_once() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let place = "/no-pages";
        tomcat.deploy(App::plain(place)).await;
        let alice = tomcat.open(place, "alice").await;
        let proxy = FaultProxy::in_front_of(&manager(tomcat)).await;
        let more = format!("contexts = [\"{place}\"]");
        let connector = connect(Bridge::JmxProxy, &proxy.url(), &more, Duration::from_secs(3));
        for _ in 0..2 {
            assert_eq!(
                of(&all(&connector).await, &alice).account_id,
                "alice",
                "{version:?}"
            );
            let found = connector.found().join("\n");
            assert!(
                found.contains("pages are not read") && found.contains("manager-gui"),
                "{found}"
            );
        }
        let asked = proxy
            .requests()
            .iter()
            .filter(|line| line.contains("/html"))
            .count();
        assert_eq!(asked, 1, "{version:?}");

        let jmx = "bridge = \"jmxproxy\"\n";
        let connector = connect(
            Bridge::JmxProxy,
            &proxy.url(),
            &format!("{jmx}{more}"),
            Duration::from_secs(3),
        );
        assert_eq!(all(&connector).await.len(), 1);
        assert_eq!(
            proxy
                .requests()
                .iter()
                .filter(|line| line.contains("/html"))
                .count(),
            asked
        );
    }
}

/// One wrong password of five that lock the account.
#[tokio::test]
async fn tomcat_pages_that_refuse_the_password_stop_the_list() {
    let tomcat = shared(Version::V10).await;
    let proxy = FaultProxy::in_front_of(&manager(tomcat)).await;
    let more = "gui_user = \"gui\"\ngui_password = GUI_PASSWORD";
    let connector = connect(Bridge::JmxProxy, &proxy.url(), more, Duration::from_secs(3));
    let refused = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
    proxy
        .set_for("/manager/html", Fault::Answer(refused.to_owned()))
        .await;
    let error = list(connector.as_ref(), Wanted::All).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
    assert!(
        error.message.contains("Manager\u{2019}s pages"),
        "{}",
        error.message
    );
    assert_eq!(
        proxy
            .requests()
            .iter()
            .filter(|line| line.contains("/html"))
            .count(),
        1
    );
}

/// Half a page is no list.
#[tokio::test]
async fn tomcat_pages_alone_cut_off_are_an_error_and_never_a_shorter_list() {
    let tomcat = shared(Version::V10).await;
    let place = "/cut-alone";
    tomcat.deploy(App::basic(place)).await;
    let alice = tomcat.open(place, "alice").await;
    let proxy = FaultProxy::in_front_of(&manager(tomcat)).await;
    let connector = alone(&proxy.url(), &[place], "");
    assert_eq!(of(&all(&connector).await, &alice).account_id, "alice");
    proxy.set_for("/html/sessions", Fault::Half).await;
    let error = list(connector.as_ref(), Wanted::All).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Protocol);
}

/// Ids come from JMX, so the list is whole; who Tomcat signed in is in doubt. A list of somebody's sessions would lack
/// those in doubt, and an ending would call them gone: it fails instead.
#[tokio::test]
async fn tomcat_pages_that_break_leave_the_list_whole_and_the_person_in_doubt() {
    let tomcat = shared(Version::V10).await;
    let place = "/cut-beside";
    tomcat.deploy(App::basic(place)).await;
    let alice = tomcat.open(place, "alice").await;
    let proxy = FaultProxy::in_front_of(&manager(tomcat)).await;
    let connector = beside(&proxy.url(), &[place], "");
    assert_eq!(of(&all(&connector).await, &alice).account_id, "alice");
    let bob = tomcat.open(place, "bob").await;
    proxy.set_for("/html/sessions", Fault::Half).await;
    let rows = all(&connector).await;
    assert_eq!(of(&rows, &alice).account_id, "alice", "as it was read before");
    assert!(of(&rows, &bob).person_doubt.is_some());
    let found = connector.found().join("\n");
    assert!(
        found.contains("page of /cut-beside: Its answer was cut off"),
        "{found}"
    );

    let carol = tomcat.open(place, "carol").await;
    let refused = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    for (fault, kind) in [
        (Fault::Half, ErrorKind::Protocol),
        (Fault::Answer(refused.to_owned()), ErrorKind::Forbidden),
    ] {
        proxy.set_for("/html", fault).await;
        let accounts = ["carol".to_owned()];
        let error = list(connector.as_ref(), Wanted::Accounts(&accounts)).await.err();
        assert_eq!(error.map(|error| error.kind), Some(kind));
    }
    proxy.set(Fault::Pass).await;
    let rows = all(&connector).await;
    assert_eq!(of(&rows, &bob).account_id, "bob");
    assert_eq!(of(&rows, &carol).account_id, "carol");
}

/// The Manager writes what it takes for the person onto the page, however long its text.
#[tokio::test]
async fn tomcat_pages_broken_by_one_session_cost_no_other_its_name() {
    for version in Version::chosen() {
        let tomcat = shared(*version).await;
        let place = "/odd-pages";
        tomcat.deploy(App::plain(place)).await;
        let ben = tomcat.open(place, "ben").await;
        let huge = [("text", "huge"), ("size", "20000000")];
        let odd = tomcat.open_at(place, "open.jsp", &huge).await;
        let connector = beside(&manager(tomcat), &[place], "app = \"plain\"");
        let rows = all(&connector).await;
        assert_eq!(of(&rows, &ben).account_id, "ben", "{version:?}");
        assert_eq!(of(&rows, &odd).account_id, "", "{version:?}");
        let found = connector.found().join("\n");
        assert!(found.contains("page of /odd-pages"), "{version:?}: {found}");
    }
}

/// A reading in which nobody is new needs no page; to end somebody known needs none either.
#[tokio::test]
async fn tomcat_pages_are_read_only_where_somebody_new_is_met() {
    let tomcat = shared(Version::V10).await;
    let place = "/counted-pages";
    tomcat.deploy(App::basic(place)).await;
    tomcat.open(place, "alice").await;
    let proxy = FaultProxy::in_front_of(&manager(tomcat)).await;
    let connector = beside(&proxy.url(), &[place], "");
    let pages = || {
        proxy
            .requests()
            .iter()
            .filter(|line| line.contains("/html/sessions"))
            .count()
    };
    for _ in 0..3 {
        assert_eq!(all(&connector).await.len(), 1);
        assert_eq!(pages(), 1);
    }
    let accounts = ["alice".to_owned()];
    let (_, rows) = list(connector.as_ref(), Wanted::Accounts(&accounts))
        .await
        .unwrap();
    assert_eq!((rows.len(), pages()), (1, 1));
    tomcat.open(place, "bob").await;
    assert_eq!((all(&connector).await.len(), pages()), (2, 2));
}
