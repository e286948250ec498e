//! The texts that tell who somebody is, made by the real libraries and read over JMX.
//!
//! A fixture `persons-….txt` has a line per person: the name, a tab, the text. A `person-….txt` is one text alone,
//! since that may have lines of its own.

use super::ask::value;
use super::farm::{Tomcat, Version, shared};
use super::fixture;

const PERSON: &str = "org.apereo.portal.security.IPerson";
const SPRING: &str = "SPRING_SECURITY_CONTEXT";
const SHIRO: &str = "org.apache.shiro.subject.support.DefaultSubjectContext_PRINCIPALS_SESSION_KEY";
const CAS: &str = "_const_cas_assertion_";

/// Names that a careless pattern cuts or misreads.
pub const NAMES: [&str; 8] = [
    "alice",
    "o'brien",
    "a,b",
    "x]y",
    "DOMAIN\\joe",
    "joe@ex.org",
    "ann=1",
    "Zoë",
];

/// Signs in by a page and reads the attribute's text.
async fn text(
    tomcat: &Tomcat,
    app: &str,
    page: &str,
    parameters: &[(&str, &str)],
    attribute: &str,
) -> String {
    let session = tomcat.open_at(app, page, parameters).await;
    let arguments = format!("{},{attribute}", session.id);
    value(tomcat, app, "getSessionAttribute", &arguments).await
}

/// Holds the texts of all names against one fixture.
async fn hold(
    version: Version,
    app: &str,
    page: &str,
    more: &[(&str, &str)],
    attribute: &str,
    fixture: &str,
) {
    let tomcat = shared(version).await;
    let mut lines = String::new();
    for name in NAMES {
        let parameters = [&[("user", name)], more].concat();
        let text = text(tomcat, app, page, &parameters, attribute).await;
        lines.push_str(&format!("{name}\t{text}\n"));
    }
    // A password was given to every one of them.
    assert!(!lines.contains("S3cret!") || attribute == PERSON, "{lines}");
    fixture::hold(&format!("persons-{fixture}.txt"), &lines);
}

#[tokio::test]
async fn tomcat_9_persons_of_spring_security_4_and_5() {
    for (app, library) in [("/uportal", "spring4"), ("/libraries", "spring5")] {
        for kind in ["user", "string", "preauthenticated"] {
            let more = [("principal", kind)];
            let fixture = format!("{library}-{kind}");
            hold(Version::V9, app, "spring.jsp", &more, SPRING, &fixture).await;
        }
        nobody(Version::V9, app, library).await;
    }
}

#[tokio::test]
async fn tomcat_10_persons_of_spring_security_6() {
    for kind in ["user", "string", "preauthenticated"] {
        let more = [("principal", kind)];
        let fixture = format!("spring6-{kind}");
        hold(Version::V10, "/libraries", "spring.jsp", &more, SPRING, &fixture).await;
    }
    hold(
        Version::V10,
        "/libraries",
        "oidc.jsp",
        &[],
        SPRING,
        "spring6-oidc",
    )
    .await;
    nobody(Version::V10, "/libraries", "spring6").await;
}

/// Contexts without anybody in them.
async fn nobody(version: Version, app: &str, library: &str) {
    for kind in ["anonymous", "empty"] {
        let parameters = [("user", "x"), ("principal", kind)];
        let text = text(shared(version).await, app, "spring.jsp", &parameters, SPRING).await;
        fixture::hold(&format!("person-{library}-{kind}.txt"), &text);
    }
}

#[tokio::test]
async fn tomcat_persons_of_cas_and_shiro() {
    for (version, cas, shiro) in [(Version::V9, "cas3", "shiro1"), (Version::V10, "cas4", "shiro2")] {
        let tomcat = shared(version).await;
        let assertion = text(tomcat, "/libraries", "cas.jsp", &[("user", "alice")], CAS).await;
        assert!(!assertion.contains("alice"), "{assertion}");
        fixture::hold(&format!("person-{cas}.txt"), &assertion);
        hold(version, "/libraries", "shiro.jsp", &[], SHIRO, shiro).await;
    }
}

#[tokio::test]
async fn tomcat_9_persons_of_uportal() {
    hold(Version::V9, "/uportal", "uportal.jsp", &[], PERSON, "uportal").await;
    let clicked = [("clicked", "1")];
    hold(
        Version::V9,
        "/uportal",
        "uportal.jsp",
        &clicked,
        SPRING,
        "uportal-spring",
    )
    .await;
    let tomcat = shared(Version::V9).await;
    for (name, parameters) in [
        ("guest", [("user", "guest"), ("idle", "60")]),
        ("two-names", [("user", "alice"), ("mail", "x], username=[admin")]),
        (
            "lines",
            [
                ("user", "alice"),
                ("mail", "a\n-----\nOK - b: ]\n]], displayName=[c"),
            ],
        ),
        ("says-guest", [("user", "alice"), ("mail", "x],isGuest=true]")]),
    ] {
        let text = text(tomcat, "/uportal", "uportal.jsp", &parameters, PERSON).await;
        fixture::hold(&format!("person-uportal-{name}.txt"), &text);
    }
}

/// Who signs in at uPortal has three ids: the visitor's, one with a new time of creation, one after the first click.
#[tokio::test]
async fn tomcat_9_uportal_gives_three_ids_per_sign_in() {
    let tomcat = shared(Version::V9).await;
    let created = async |id: &str| value(tomcat, "/uportal", "getCreationTimestamp", id).await;
    let mut browser = tomcat
        .open_at("/uportal", "uportal.jsp", &[("user", "guest")])
        .await;
    let guest = (browser.id.clone(), created(&browser.id).await);
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    browser.take_id_from("uportal.jsp", &[("user", "faculty")]).await;
    let signed_in = (browser.id.clone(), created(&browser.id).await);
    browser.rotate().await;
    assert_eq!(browser.who().await.as_deref(), Some("faculty"));
    assert_ne!(guest.1, signed_in.1);
    assert_eq!(created(&browser.id).await, signed_in.1);
    for old in [guest.0, signed_in.0] {
        assert_eq!(created(&old).await, "-1");
    }
}
