//! Ending over the REST API, beside the repository that tells what became of it.

use app::policies::wire::SettingSource;
use app::sessions::wire::SessionKind;
use app::systems::wire::StepResult;
use app::wire::Limit;
use server::connectors::{
    Answer, ConnectorError, Endable, ErrorKind, Handle, LimitsFrom, Proof, ReadLimits, SharedConnector,
    Target, abilities,
};

use super::server_stub::{Manners, Stub};
use super::workgroup::{Release, Workgroup, all, connect, find, listed};

const PROTECTED: &str = "bw2fDjpSTBubfi1cikHj8A";
const LEGACY: &str = "k3Vq8ZsT1mXb7RfYc5NdLw2HgJ9PaE4U";

/// A server with its repository, and a connector on both.
struct Far {
    workgroup: Workgroup,
    stub: Stub,
    near: SharedConnector,
}

async fn far_with(release: Release, manners: Manners, more: &str) -> Far {
    let workgroup = Workgroup::new(release).await;
    let stub = Stub::start(&workgroup, manners).await;
    let near = connect(&with_repository(&workgroup, &stub.settings(more)));
    Far {
        workgroup,
        stub,
        near,
    }
}

async fn far(manners: Manners) -> Far {
    far_with(Release::R2025_3, manners, "").await
}

/// Settings with the repository behind the REST API's.
pub fn with_repository(workgroup: &Workgroup, rest: &str) -> String {
    let settings = workgroup.settings(&format!("\"{}\"", workgroup.host), "readonly", "");
    settings.replace("kind = \"tableau\"\n", &format!("kind = \"tableau\"\n{rest}"))
}

fn target(id: &str) -> Target {
    Target {
        handle: Handle::new(id),
        place: String::new(),
        kind: SessionKind::Web,
        site: String::new(),
        account_id: "1".to_owned(),
        node: None,
    }
}

impl Far {
    async fn end(&self, id: &str) -> Result<Answer, ConnectorError> {
        let mut answers = self.near.end().unwrap().end(&[target(id)]).await?;
        assert_eq!(answers.len(), 1);
        Ok(answers.remove(0))
    }

    async fn ids(&self) -> Vec<String> {
        let rows = all(&self.near).await;
        rows.iter().map(|row| row.handle.expose().to_owned()).collect()
    }

    async fn self_test(&self) -> Proof {
        self.near.self_test().unwrap().self_test().await.unwrap()
    }
}

#[tokio::test]
async fn protected_sessions_are_ended_by_the_administrator_in_xml_and_json() {
    for json in [false, true] {
        let far = far(Manners {
            json,
            ..Manners::default()
        })
        .await;
        let rows = all(&far.near).await;
        assert_eq!(rows.len(), 7, "Curfew\u{2019}s own is one of them");
        assert_eq!(find(&rows, PROTECTED).endable, Endable::Yes);
        assert_eq!(far.end(PROTECTED).await, Ok(Answer::Accepted));
        assert_eq!(far.ids().await.len(), 6);
        assert_eq!(far.end(PROTECTED).await, Ok(Answer::NotFound), "ending twice");
        let asked = far.stub.asked();
        assert!(
            asked.contains(&format!("DELETE sessions/{PROTECTED}")),
            "{asked:?}"
        );
        let sign_ins = asked.iter().filter(|line| *line == "POST auth/signin").count();
        assert_eq!(sign_ins, 1, "one sign-in is kept: {asked:?}");
        let found = far.near.found();
        assert!(
            found.iter().any(|line| line.contains("REST API 3.27")),
            "{found:?}"
        );
    }
}

#[tokio::test]
async fn ids_of_old_are_ended_by_a_sign_out_that_keeps_them_out_of_addresses() {
    let far = far_with(
        Release::R2019_3,
        Manners {
            version: (3, 5),
            ..Manners::default()
        },
        "",
    )
    .await;
    let rows = all(&far.near).await;
    assert_eq!(find(&rows, LEGACY).endable, Endable::Yes);
    let Endable::No(why) = &find(&rows, PROTECTED).endable else {
        panic!("a protected row can\u{2019}t be ended before 2020.3")
    };
    assert!(
        why.contains("Upgrade to 2020.3") && why.contains("Unlicensed"),
        "{why}"
    );
    assert!(matches!(&find(&rows, "6b1c3d").endable, Endable::No(why) if why.contains("form")));
    assert_eq!(far.end(LEGACY).await, Ok(Answer::Accepted));
    assert!(!far.ids().await.contains(&LEGACY.to_owned()));
    assert_eq!(far.end(LEGACY).await, Ok(Answer::NotFound));
    assert!(matches!(far.end(PROTECTED).await, Ok(Answer::Refused(why)) if why.contains("3.9")));
    let asked = far.stub.asked();
    assert!(!asked.iter().any(|line| line.contains(LEGACY)), "{asked:?}");
    let sign_ins = asked.iter().filter(|line| *line == "POST auth/signin").count();
    assert_eq!(
        sign_ins, 1,
        "a target that is not there is no reason to sign in again"
    );
}

#[tokio::test]
async fn a_protected_id_that_looks_like_one_of_old_is_not_taken_for_a_token() {
    let far = far(Manners::default()).await;
    far.workgroup
        .run(&format!(
            "UPDATE sessions SET hashed_secret = 'hash' WHERE session_id = '{LEGACY}'"
        ))
        .await;
    assert_eq!(find(&all(&far.near).await, LEGACY).endable, Endable::Yes);
    assert_eq!(far.end(LEGACY).await, Ok(Answer::Accepted));
    assert!(far.stub.asked().contains(&format!("DELETE sessions/{LEGACY}")));
}

#[tokio::test]
async fn curfews_own_sign_in_is_marked_and_never_ended() {
    let far = far(Manners::default()).await;
    let rows = all(&far.near).await;
    let own: Vec<_> = rows
        .iter()
        .filter(|row| row.endable == Endable::OwnConnection)
        .collect();
    assert_eq!(own.len(), 1);
    let id = own[0].handle.expose().to_owned();
    assert!(matches!(far.end(&id).await, Ok(Answer::Refused(_))));
    assert!(far.ids().await.contains(&id));
    assert!(
        matches!(far.end("current").await, Ok(Answer::Refused(_))),
        "an address of its own"
    );
    let asked = far.stub.asked();
    assert!(!asked.iter().any(|line| line.starts_with("DELETE")), "{asked:?}");
}

#[tokio::test]
async fn a_sign_in_that_ended_is_renewed_once() {
    let far = far(Manners::default()).await;
    all(&far.near).await;
    far.stub.forget_everybody();
    assert_eq!(far.end(PROTECTED).await, Ok(Answer::Accepted));
    far.stub.forget_everybody();
    let many = [
        target("wqTo0XewTzWOGVtvCp08cg"),
        target("CxwtPk9QSmGbcoyTraS-xQ"),
        target("nobody"),
    ];
    far.stub.asked();
    let answers = far.near.end().unwrap().end(&many).await.unwrap();
    assert_eq!(answers, [Answer::Accepted, Answer::Accepted, Answer::NotFound]);
    let asked = far.stub.asked();
    let sign_ins = asked.iter().filter(|line| *line == "POST auth/signin").count();
    assert_eq!(sign_ins, 1, "renewed once for all of them: {asked:?}");
}

#[tokio::test]
async fn each_answer_means_what_is_documented() {
    let far = far(Manners::default()).await;
    all(&far.near).await;
    for (status, code, words) in [
        (400, "400105", "400105"),
        (403, "403004", "server administrator"),
        (404, "404003", "3.9"),
        (405, "405000", "3.9"),
        (404, "404000", "404000"),
    ] {
        far.stub.change(|manners| manners.refuses = Some((status, code)));
        let answer = far.end(PROTECTED).await;
        assert!(
            matches!(&answer, Ok(Answer::Refused(said)) if said.contains(words)),
            "{code}: {answer:?}"
        );
    }
    for (status, code) in [(500, "500000"), (502, "502000")] {
        far.stub.change(|manners| manners.refuses = Some((status, code)));
        assert_eq!(far.end(PROTECTED).await, Ok(Answer::NoAnswer), "{code}");
    }
    for status in [200, 401, 403, 404, 502, 503] {
        far.stub.change(|manners| manners.gateway = Some(status));
        assert_eq!(
            far.end(PROTECTED).await,
            Ok(Answer::NoAnswer),
            "a gateway\u{2019}s page with {status}"
        );
    }
    far.stub.change(|manners| {
        *manners = Manners {
            lies: true,
            ..Manners::default()
        }
    });
    assert_eq!(
        far.end(PROTECTED).await,
        Ok(Answer::Accepted),
        "what it says, and no more"
    );
    assert!(far.ids().await.contains(&PROTECTED.to_owned()));
}

#[tokio::test]
async fn who_is_no_administrator_is_told_so_in_every_row() {
    let far = far(Manners {
        role: "SiteAdministratorCreator",
        ..Manners::default()
    })
    .await;
    let rows = all(&far.near).await;
    let Endable::No(why) = &find(&rows, PROTECTED).endable else {
        panic!("endable without the right")
    };
    assert!(
        why.contains("curfew") && why.contains("SiteAdministratorCreator"),
        "{why}"
    );
}

#[tokio::test]
async fn a_refused_identity_is_asked_once_and_the_list_goes_on() {
    let far = far(Manners::default()).await;
    let settings = far
        .stub
        .settings("")
        .replace("pat_name = \"curfew\"", "pat_name = \"revoked\"");
    let near = connect(&with_repository(&far.workgroup, &settings));
    far.stub.asked();
    for _ in 0..3 {
        let rows = all(&near).await;
        assert!(matches!(&find(&rows, PROTECTED).endable, Endable::No(why) if why.contains("revoked")));
    }
    let error = near.end().unwrap().end(&[target(PROTECTED)]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
    let sign_ins = far
        .stub
        .asked()
        .iter()
        .filter(|line| *line == "POST auth/signin")
        .count();
    assert_eq!(sign_ins, 1, "five wrong ones lock an account");
}

#[tokio::test]
async fn every_kind_of_identity_signs_in() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    let stub = Stub::start(&workgroup, Manners::default()).await;
    for identity in [
        "user = \"svc\", password = \"env:PATH\"",
        "user = \"svc\", client_id = \"c\", secret_id = \"k\", secret = \"env:PATH\"",
    ] {
        let rest = format!("url = \"{}\"\nidentity = {{ {identity} }}\n", stub.url);
        let near = connect(&with_repository(&workgroup, &rest));
        let rows = all(&near).await;
        assert_eq!(find(&rows, PROTECTED).endable, Endable::Yes, "{identity}");
        assert!(
            !abilities(near.as_ref()).self_test,
            "one identity can\u{2019}t test itself"
        );
    }
}

#[tokio::test]
async fn a_rest_api_that_is_away_hides_no_session() {
    let far = far(Manners::default()).await;
    let before = all(&far.near).await.len();
    far.stub.change(|manners| manners.gateway = Some(502));
    let rows = all(&far.near).await;
    assert_eq!(rows.len(), before);
    assert_eq!(
        find(&rows, PROTECTED).endable,
        Endable::Yes,
        "what it allowed when it answered last"
    );
}

#[tokio::test]
async fn tableau_cloud_is_named_and_explained() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    let stub = Stub::start(
        &workgroup,
        Manners {
            cloud: true,
            ..Manners::default()
        },
    )
    .await;
    let near = connect(&format!("kind = \"tableau\"\n{}", stub.settings("")));
    let error = listed(&near).await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert!(error.message.contains("Tableau Cloud"), "{error}");
    let by_name = stub
        .settings("")
        .replace(&stub.url, "https://eu-west-1a.online.tableau.com");
    let named = connect(&format!("kind = \"tableau\"\n{by_name}"));
    let error = listed(&named).await.err().unwrap();
    assert!(
        error.message.contains("Tableau Cloud") && error.message.contains("take its access tokens away"),
        "nobody has to be asked: {error}"
    );
    stub.change(|manners| manners.cloud = false);
    let error = listed(&near).await.err().unwrap();
    assert!(error.message.contains("repository"), "{error}");
}

#[tokio::test]
async fn the_self_test_proves_ending_and_leaves_nothing_behind() {
    let far = far(Manners::default()).await;
    let before = far.ids().await;
    assert_eq!(far.near.build().as_deref(), Some("2025.3.0 (20253.25.1)"));
    let proof = far.self_test().await;
    assert!(
        proof.steps.iter().all(|step| step.result == StepResult::Passed),
        "{proof:#?}"
    );
    assert_eq!(
        (proof.steps.len(), Some(proof.build)),
        (7, far.near.build()),
        "the word is on the build that the list tells"
    );
    assert_eq!(far.ids().await, before);
}

#[tokio::test]
async fn the_self_test_finds_a_lie_a_wrong_id_and_a_missing_method() {
    let failed = |proof: &Proof| -> (String, String) {
        let step = proof
            .steps
            .iter()
            .find(|step| step.result == StepResult::Failed)
            .unwrap();
        (step.name.clone(), step.detail.clone())
    };
    let far = far(Manners {
        lies: true,
        ..Manners::default()
    })
    .await;
    let before = far.ids().await;
    let (name, _) = failed(&far.self_test().await);
    assert_eq!(name, "The repository lists it no more");
    assert_eq!(far.ids().await, before, "the throw-away session is signed out");
    far.stub.change(|manners| {
        *manners = Manners {
            by_number: true,
            ..Manners::default()
        }
    });
    let (name, detail) = failed(&far.self_test().await);
    assert_eq!(name, "The server was asked to end it");
    assert!(detail.contains("delete_by = \"id\""), "{detail}");
    let near = connect(&with_repository(
        &far.workgroup,
        &far.stub.settings("delete_by = \"id\""),
    ));
    let proof = near.self_test().unwrap().self_test().await.unwrap();
    assert!(
        proof.steps.iter().all(|step| step.result == StepResult::Passed),
        "{proof:#?}"
    );
    let answers = near
        .end()
        .unwrap()
        .end(&[target(PROTECTED), target("gone")])
        .await;
    assert_eq!(answers, Ok(vec![Answer::Accepted, Answer::NotFound]));
    far.stub.change(|manners| {
        *manners = Manners {
            version: (3, 8),
            ..Manners::default()
        }
    });
    let (_, detail) = failed(&far.self_test().await);
    assert!(detail.contains("3.9"), "{detail}");
}

#[tokio::test]
async fn limits_are_told_by_people_and_sites_by_the_repository_each_with_its_source() {
    let unknown = far(Manners::default()).await;
    unknown
        .workgroup
        .run("UPDATE sites SET guest_access_enabled = (name = 'Sales'), pat_absolute_expiry = 365")
        .await;
    let limits = unknown.near.policy().unwrap().read_policy().await.unwrap();
    assert_eq!((limits.idle, limits.absolute), (Limit::Unknown, Limit::Unknown));
    assert_eq!(limits.source, LimitsFrom::Nobody);
    let of = |limits: &ReadLimits, place: &str, name: &str| {
        let mut settings = limits.settings.iter();
        let found = settings.find(|s| s.place == place && s.name == name);
        found.map(|s| (s.value.clone(), s.source))
    };
    let told = |value: &str, source| Some((value.to_owned(), source));
    let idle = "wgserver.session.idle_limit";
    assert_eq!(of(&limits, "", idle), told("240 minutes", SettingSource::Default));
    assert_eq!(
        of(&limits, "Sales", "guest_access_enabled"),
        told("true", SettingSource::Read)
    );
    assert_eq!(
        of(&limits, "Default", "pat_absolute_expiry"),
        told("365", SettingSource::Read)
    );
    assert_eq!(of(&limits, "Default", "domain_allowlist"), None, "nothing is set");
    assert!(
        limits
            .advice
            .iter()
            .any(|advice| advice.fact.contains("Sales lets guests in"))
    );

    let typed = far_with(
        Release::R2019_3,
        Manners::default(),
        "limits = { idle_min = 60, lifetime_min = 0 }",
    )
    .await;
    let limits = typed.near.policy().unwrap().read_policy().await.unwrap();
    assert_eq!(
        (limits.idle, limits.absolute, limits.source),
        (Limit::Seconds(3_600), Limit::None, LimitsFrom::Typed)
    );
    assert_eq!(of(&limits, "", idle), told("60 minutes", SettingSource::Typed));
    assert_eq!(
        of(&limits, "Default", "status"),
        told("active", SettingSource::Read)
    );
    assert_eq!(
        of(&limits, "Default", "pat_absolute_expiry"),
        None,
        "2019.3 has no such column"
    );
    let rows = all(&typed.near).await;
    assert_eq!(find(&rows, PROTECTED).idle, Limit::Seconds(3_600));
    let blind = typed.workgroup.reader("tableau", "");
    let limits = blind.policy().unwrap().read_policy().await.unwrap();
    assert!(
        limits.settings.iter().all(|setting| setting.place.is_empty()),
        "it may not read the table"
    );
}

#[tokio::test]
async fn security_a_sign_in_that_is_sent_elsewhere_takes_no_secret_along() {
    let workgroup = Workgroup::new(Release::R2025_3).await;
    let elsewhere = Stub::start(&workgroup, Manners::default()).await;
    for status in [301, 302, 307, 308] {
        let stub = Stub::start(&workgroup, Manners::default()).await;
        stub.change(|manners| manners.sends_to = Some((status, elsewhere.url.clone())));
        let near = connect(&with_repository(&workgroup, &stub.settings("")));
        let rows = all(&near).await;
        let Endable::No(why) = &find(&rows, PROTECTED).endable else {
            panic!("{status} was followed")
        };
        assert!(why.contains("redirect"), "{why}");
        assert_eq!(elsewhere.asked(), [] as [String; 0], "{status}");
    }
}
