//! Second factors and slowed accounts on the pages.

use app::access::wire::Slowed;
use app::paths;
use app::signin::second_factor::FreshCodes;
use app::signin::view::SignInView;
use app::signin::wire::{FactorDraft, MyFactor, Picture, RecoveryCodes};

use crate::fake::rendering::{Given, page};
use crate::fake::{NOW, World};
use crate::says;

#[test]
fn security_c6_the_second_step_asks_for_a_code_and_carries_what_was_typed() {
    let view = SignInView {
        next: "/sessions".to_owned(),
        step: "a1b2".to_owned(),
        problem: Some("This code is not right.".to_owned()),
        hidden: vec![("kept.reason".to_owned(), "Laptops stolen".to_owned())],
        ..SignInView::default()
    };
    let given = |view: &SignInView| Given {
        view: Some(view.clone()),
        ..Given::default()
    };
    let (_, html) = page(paths::SIGN_IN, given(&view));
    says(
        &html,
        &[
            "Your second factor",
            "A recovery code is taken too",
            "This code is not right.",
        ],
    );
    assert!(!html.contains("type=\"password\""));
    for field in [
        "name=\"step\" value=\"a1b2\"",
        "name=\"kept.reason\"",
        "autocomplete=\"one-time-code\"",
    ] {
        assert!(html.contains(field), "{field}");
    }
    let view = SignInView {
        asks_code: true,
        ..SignInView::default()
    };
    let (_, html) = page(paths::STEP_UP, given(&view));
    assert!(html.contains("name=\"password\"") && html.contains("name=\"code\""));
}

#[test]
fn security_c6_the_second_factor_is_set_up_by_picture_or_by_key() {
    let mut world = World::one();
    world.my_sessions.second_factor.needed = true;
    let (_, html) = page(paths::SECOND_FACTOR, Given::world(world.clone()));
    says(
        &html,
        &[
            "A role of yours needs a second factor.",
            "Show the picture to scan",
            "Sign out instead",
        ],
    );
    world.draft = Some(FactorDraft {
        typed: "GEZD GNBV".to_owned(),
        picture: Picture {
            side: 25,
            path: "M0 0h1v1h-1z".to_owned(),
        },
        ends_at: NOW.plus_seconds(900),
    });
    let (_, html) = page(&paths::second_factor_for("/audit"), Given::world(world.clone()));
    says(
        &html,
        &["GEZD GNBV", "Code your app shows now", "Turn it on", "in 15 min"],
    );
    assert!(html.contains("viewBox=\"0 0 33 33\"") && html.contains("M0 0h1v1h-1z"));
    assert!(html.contains("name=\"then\" value=\"/audit\""));
    let codes = Given {
        codes: Some(FreshCodes(RecoveryCodes(vec!["ABCD-EFGH-IJKL-MNOP".to_owned()]))),
        ..Given::world(world)
    };
    let (_, html) = page(&paths::second_factor_for("/audit"), codes);
    says(
        &html,
        &["ABCD-EFGH-IJKL-MNOP", "shown this once", "I have kept them"],
    );
    assert!(html.contains("href=\"/audit\"") && !html.contains("GEZD"));
}

#[test]
fn security_c6_the_account_page_says_what_is_set_up_and_what_can_be_done() {
    let mut world = World::one();
    let (_, html) = page(paths::ACCOUNT, Given::world(world.clone()));
    says(&html, &["Set up a second factor"]);
    world.my_sessions.second_factor = MyFactor {
        set_up_at: Some(NOW.plus_seconds(-86_400)),
        codes_left: 2,
        needed: true,
    };
    let (_, html) = page(paths::ACCOUNT, Given::world(world));
    says(
        &html,
        &[
            "2 recovery codes left.",
            "New recovery codes",
            "A role of yours needs it.",
        ],
    );
}

#[test]
fn security_c1_c4_the_access_page_tells_of_second_factors_and_slowed_accounts() {
    let mut world = World::many();
    let people = &mut world.access.operators;
    people[0].second_factor = true;
    people[1].second_factor = true;
    people[1].slowed = Some(Slowed::Until(NOW.plus_seconds(240)));
    people[2].needs_second_factor = true;
    people[2].slowed = Some(Slowed::Closed);
    let (_, html) = page(paths::ACCESS, Given::world(world.clone()));
    says(
        &html,
        &[
            "Too many wrong passwords, next try in 4 min",
            "Too many wrong passwords, no more tries",
            "Needed, not set up",
            "Unlock",
            "Remove factor…",
        ],
    );
    let (_, html) = page("/access?tab=roles", Given::world(world));
    says(
        &html,
        &[
            "Needs a second factor",
            "Ask no more",
            "Ask for it : second factor for Helpdesk",
        ],
    );
}
