//! Each page as HTML, on a backend made of plain values: no database, no browser.
#![cfg(feature = "ssr")]
#![recursion_limit = "512"]

mod factor;
mod fake;

use app::access::page::FreshLink;
use app::access::wire::{OneTimeLink, Permission};
use app::audit::wire::CopyStatus;
use app::error::{AppError, FieldProblem};
use app::layout::{Flash, FormEcho};
use app::paths;
use app::signin::view::SignInView;
use app::signin::wire::Times;
use fake::rendering::{Given, page, words};
use fake::{NOW, World};

#[track_caller]
fn says(html: &str, parts: &[&str]) {
    let words = words(html);
    for part in parts {
        assert!(words.contains(part), "“{part}” is not in:\n{words}");
    }
}

const PAGES: [&str; 8] = [
    paths::PEOPLE,
    paths::SYSTEMS,
    paths::POLICIES,
    paths::ACCESS,
    paths::AUDIT,
    paths::TICKETS,
    paths::SIGNALS,
    paths::ACCOUNT,
];

#[test]
fn security_d4_no_page_has_a_style_or_handler_of_its_own() {
    let tabs = ["/access?tab=grants", "/access?tab=roles", "/access?tab=tokens"];
    let bare = [
        paths::SIGN_IN,
        paths::WELCOME,
        paths::STEP_UP,
        paths::SECOND_FACTOR,
    ];
    for path in PAGES.into_iter().chain(tabs).chain(bare) {
        let (_, html) = page(path, Given::world(World::many()));
        for forbidden in [" style=\"", " onclick=", "javascript:", "<style"] {
            assert!(!html.contains(forbidden), "{forbidden} in {path}");
        }
        for script in html.split("<script").skip(1) {
            let tag = script.split('>').next().unwrap_or_default();
            assert!(tag.contains("nonce="), "a script without nonce in {path}: {tag}");
        }
    }
}

#[test]
fn every_page_stands_with_nothing_one_and_many() {
    for (world, name) in [
        (World::empty(), "empty"),
        (World::one(), "one"),
        (World::many(), "many"),
    ] {
        for path in PAGES {
            let (status, html) = page(path, Given::world(world.clone()));
            assert_eq!(status, 200, "{path} {name}");
            assert_eq!(html.matches("<h1").count(), 1, "one heading on {path} {name}");
            assert!(
                !words(&html).contains("()"),
                "code that slipped into {path} {name}"
            );
            assert!(
                html.contains("<title>") && html.contains(" · Curfew</title>"),
                "{path} {name}"
            );
            assert!(html.contains("href=\"/pkg/curfew.css?v=7\""), "{path} {name}");
        }
    }
}

#[test]
fn ui_b8_empty_pages_say_what_to_do_next() {
    for (path, parts) in [
        (paths::SYSTEMS, ["No system is connected", "curfew.toml"]),
        ("/access?tab=grants", ["No grants", "Give the first grant"]),
        (
            "/access?tab=protected",
            ["Nobody is protected", "Protect the last way in"],
        ),
        (
            paths::TICKETS,
            ["No app may ask for tickets", "curfew check-config"],
        ),
        (paths::SIGNALS, ["No signal came", "curfew.toml"]),
        (paths::PEOPLE, ["Nobody is known yet", "first reading"]),
        ("/people?q=zoe", ["Nobody matches", "Everybody"]),
        (paths::AUDIT, ["No entries", "Nothing that is part of your grant"]),
        ("/audit?who=ann", ["No entry matches", "Clear the filters"]),
    ] {
        let (_, html) = page(path, Given::world(World::empty()));
        says(&html, &parts);
    }
}

#[test]
fn ui_i6_errors_are_pages_with_their_status() {
    let who_can_give = vec!["Rosalind Vance".to_owned()];
    let permission = Permission::ManageAccess;
    let cases = [
        (
            AppError::Forbidden {
                permission,
                who_can_give,
            },
            403,
            "This needs the permission “Manage access”. Rosalind Vance can give it.",
        ),
        (AppError::not_found("system"), 404, "There is no such system"),
        (
            AppError::Conflict {
                message: "Somebody changed it.".to_owned(),
            },
            409,
            "Somebody changed it.",
        ),
        (AppError::TooMany { retry_after_s: 30 }, 429, "Try again in 30 s."),
        (
            AppError::Unavailable {
                message: "The database did not answer.".to_owned(),
            },
            503,
            "The database did not answer.",
        ),
        (
            AppError::Internal {
                reference: "01JD-7QX4".to_owned(),
            },
            500,
            "Reference 01JD-7QX4",
        ),
    ];
    for (error, code, sentence) in cases {
        for path in PAGES {
            let (status, html) = page(path, Given::error(error.clone()));
            assert_eq!(status, code, "{path}");
            says(&html, &[&format!("Error {code}"), sentence]);
            assert!(!html.contains("Oops"));
        }
    }
}

#[test]
fn an_address_without_a_page_is_404() {
    let (status, html) = page("/nowhere", Given::world(World::many()));
    assert_eq!(status, 404);
    says(&html, &["Error 404", "Nothing here"]);
}

#[test]
fn without_a_caller_nothing_is_shown() {
    for path in PAGES {
        let (status, html) = page(path, Given::default());
        assert_eq!(status, 401, "{path}");
        says(&html, &["You are signed out"]);
        assert!(!html.contains("Mara"), "{path}");
    }
}

#[test]
fn the_bar_shows_only_what_exists_and_is_allowed() {
    let mut world = World::many();
    world.frame.permissions = vec![Permission::SeeSessions, Permission::ReadPolicies];
    let (_, html) = page(paths::SYSTEMS, Given::world(world));
    let nav = html.split("<nav").nth(1).unwrap_or_default();
    for (href, there) in [
        ("/sessions", true),
        ("/endings", true),
        ("/systems", true),
        ("/policies", true),
        ("/access", false),
        ("/audit", false),
        ("/people", true),
        ("/tickets", false),
    ] {
        let nav = nav.split("</nav>").next().unwrap_or_default();
        assert_eq!(nav.contains(&format!("href=\"{href}\"")), there, "{href}");
    }
    says(
        &html,
        &[
            "Ending 1042 · 202 of 412",
            "Simulated systems",
            "Northwind, production",
            "Sign out",
        ],
    );
    assert!(html.contains("aria-current=\"page\""));
}

#[test]
fn banners_and_a_sentence_about_the_last_act_stand_above_the_page() {
    let given = Given {
        flash: Some(Flash {
            message: "Domo northwind will be read again.".to_owned(),
            failed: false,
        }),
        ..Given::world(World::many())
    };
    let (_, html) = page(paths::SYSTEMS, given);
    says(
        &html,
        &[
            "Domo northwind has not answered since 02:58.",
            "Domo northwind will be read again.",
        ],
    );
}

#[test]
fn ui_j1_the_theme_is_in_the_first_bytes() {
    let mut world = World::one();
    world.frame.theme = app::signin::wire::Theme::Dark;
    let (_, html) = page(paths::SYSTEMS, Given::world(world));
    let root = html.split("<head").next().unwrap_or_default();
    assert!(root.contains("data-theme=\"dark\""), "{root}");
    let (_, html) = page(paths::SYSTEMS, Given::world(World::one()));
    let root = html.split("<head").next().unwrap_or_default();
    assert!(!root.contains("data-theme"), "{root}");
}

#[test]
fn ui_c5_times_are_relative_or_absolute_with_the_moment_behind() {
    let (_, html) = page(paths::SYSTEMS, Given::world(World::many()));
    says(&html, &["read 14 min ago"]);
    assert!(html.contains("datetime=\"2026-11-21T02:"), "machine time");
    assert!(html.contains(" UTC\""), "the whole moment on hover and focus");
    let mut world = World::many();
    world.frame.times = Times::Absolute;
    let (_, html) = page(paths::SYSTEMS, Given::world(world));
    says(&html, &["read 21 Nov 02:58:40"]);
}

#[test]
fn ui_c6_a_name_made_of_markup_is_text() {
    let (_, html) = page(paths::ACCESS, Given::world(World::many()));
    assert!(!html.contains("<b>Robert</b>"));
    says(&html, &["<b>Robert</b>'); DROP TABLE", "林 美華"]);
}

#[test]
fn systems_show_health_age_trouble_and_the_chosen_one() {
    let (_, html) = page(paths::SYSTEMS, Given::world(World::many()));
    says(
        &html,
        &[
            "6 connected, 3 live",
            "never read whole",
            "uPortal campus did not answer as it should: 429, too many requests.",
            "3 tries so far.",
        ],
    );
    let (_, html) = page("/systems?system=domo", Given::world(World::many()));
    says(
        &html,
        &[
            "Passed",
            "Failed",
            "Skipped",
            "needs a working list first",
            "Not listed by Domo northwind: API tokens, Workbench.",
        ],
    );
    assert!(html.contains("value=\"pause\"") && html.contains("value=\"test\""));
}

#[test]
fn sessions_over_time_are_pictures_words_and_tables() {
    use app::endings::wire::EndingsByDay;
    use app::systems::wire::{LiveOverTime, OverTime, Samples};

    let samples = |slot_ms: i64, most: Vec<Option<u64>>| Samples {
        from: NOW.plus_ms(-slot_ms * most.len() as i64),
        slot_ms,
        most,
    };
    let mut world = World::many();
    world.over_time = vec![
        OverTime {
            system_id: "domo".into(),
            system_name: "Domo northwind".to_owned(),
            live: Some(LiveOverTime {
                day: samples(600_000, vec![Some(12), None, Some(1_240)]),
                month: samples(3_600_000, vec![None, None, None]),
            }),
        },
        OverTime {
            system_id: "curfew".into(),
            system_name: "Curfew".to_owned(),
            live: None,
        },
    ];
    world.by_day = EndingsByDay {
        from: NOW,
        days: vec![[0; 8], [1_500, 0, 0, 2, 0, 0, 0, 0]],
        partly: true,
    };
    let (_, html) = page(paths::SYSTEMS, Given::world(world));
    says(
        &html,
        &[
            "12 to 1,240 live; no reading for 10 min of it",
            "never read whole in this time",
            "You may see some of its people, so what the whole system has isn’t shown.",
            "not read",
            "1,500 gone",
            "2 still there or unknown",
            "Systems that you may see in part are not counted.",
        ],
    );
    assert!(html.contains("d=\"M0 38h0M2 2h0\""), "a gap lifts the pen");
}

#[test]
fn ui_k3_who_may_not_manage_is_told_what_is_missing() {
    let mut world = World::many();
    world.systems.may_manage.clear();
    let (_, html) = page(paths::SYSTEMS, Given::world(world));
    says(&html, &["you need “Manage systems”"]);
    assert!(!html.contains(paths::post::SYSTEM));
}

#[test]
fn a_setting_nobody_told_us_is_never_shown_as_if_it_were_read() {
    use app::policies::wire::{SettingAdvice, SettingSource, SystemSetting};

    let setting = |name: &str, value: &str, source| SystemSetting {
        place: String::new(),
        name: name.to_owned(),
        value: value.to_owned(),
        source,
        as_of: None,
        note: "What it does".to_owned(),
    };
    let mut world = World::many();
    let system = &mut world.policies.systems[0];
    system.system_name = "Tableau".to_owned();
    system.settings = vec![
        setting("idle_limit", "240 minutes", SettingSource::Default),
        setting("trusted_hosts", "", SettingSource::Unknown),
        setting("lifetime_limit", "600 minutes", SettingSource::Typed),
    ];
    system.advice = vec![SettingAdvice {
        rule: "guest_access_enabled".to_owned(),
        ground: "true".to_owned(),
        fact: "Guests are let in.".to_owned(),
        means: "There is no session to end.".to_owned(),
    }];
    let (_, html) = page(paths::POLICIES, Given::world(world));
    says(
        &html,
        &[
            "Settings of Tableau",
            "nobody told us",
            "not known",
            "typed in",
            "Guests are let in.",
            "There is no session to end.",
        ],
    );
    let defaults = words(&html).matches("not read: documented default").count();
    assert_eq!(defaults, 1);
}

#[test]
fn accepted_advice_stays_in_sight_with_its_reason_and_is_not_open() {
    use app::policies::wire::AdviceAccepted;
    use app::wire::Limit;

    let told = |change: fn(&mut app::policies::wire::SystemLimits)| {
        let mut world = World::many();
        let system = &mut world.policies.systems[0];
        system.idle = Limit::Seconds(600);
        system.absolute = Limit::Seconds(48 * 3_600);
        system.accepted = vec![AdviceAccepted {
            advice: "G-ABS-AAL2".to_owned(),
            ground: "172800 s".to_owned(),
            reason: "A wall <b>display</b>".to_owned(),
            by: "Ines Duval".to_owned(),
            at: NOW,
            until: NOW.plus_seconds(40 * 86_400),
        }];
        change(system);
        world.policies.systems.truncate(1);
        page(paths::POLICIES, Given::world(world)).1
    };
    let html = told(|_| {});
    says(&html, &["0 open, 1 accepted", "Accepted until", "Ines Duval"]);
    assert!(
        html.contains("A wall &lt;b&gt;display"),
        "text, whatever it is made of"
    );
    assert!(html.contains("value=\"reopen\"") && !html.contains("value=\"accept\""));
    let changed = told(|system| system.absolute = Limit::Seconds(49 * 3_600));
    says(&changed, &["1 open", "Why it may stay so"]);
    assert!(!words(&changed).contains("Ines Duval"), "said of another value");
    assert!(changed.contains("name=\"ground\" value=\"176400 s\""));
    let reader = told(|system| system.may_accept = false);
    says(&reader, &["Accepted until"]);
    assert!(!reader.contains(paths::post::ADVICE));
}

#[test]
fn ui_k4_the_what_if_works_by_address_and_links_the_exact_list() {
    let (_, html) = page(
        "/policies?idle_minutes=15&absolute_minutes=120",
        Given::world(World::many()),
    );
    says(
        &html,
        &[
            "23 sessions over",
            "2 people",
            "See exactly these 23",
            "older than 2 h",
        ],
    );
    assert!(html.contains("href=\"/sessions?system=curfew&amp;past=15,120\""));
    assert!(html.contains("value=\"120\""));
    says(&html, &["uPortal campus has no longest time.", "Typed in"]);
}

#[test]
fn who_may_not_edit_the_policy_sees_it_and_why() {
    let mut world = World::many();
    if let Some(own) = &mut world.policies.own {
        own.may_edit = false;
    }
    let (_, html) = page(paths::POLICIES, Given::world(world));
    says(
        &html,
        &[
            "end after 15 min without activity, and after 8 h at latest",
            "you need “Edit policies”",
        ],
    );
    assert!(!html.contains(paths::post::POLICY));
}

#[test]
fn access_tabs_show_people_grants_roles_groups_and_protected() {
    let given = || Given::world(World::many());
    let (_, html) = page(paths::ACCESS, given());
    says(
        &html,
        &[
            "m.ortiz, you",
            "No password yet",
            "Disabled",
            "Disable s.whitlock",
            "Add person",
        ],
    );
    assert!(
        !words(&html).contains("Disable m.ortiz"),
        "nobody disables themselves"
    );
    let (_, html) = page("/access?tab=grants", given());
    says(
        &html,
        &[
            "in 12 d",
            "expired",
            "no end",
            "Everybody in uPortal, Keycloak",
            "Take away",
            "Give grant",
        ],
    );
    let (_, html) = page("/access?tab=roles", given());
    says(
        &html,
        &["Edit User Sessions ends them", "Night watch", "Add role"],
    );
    let (_, html) = page("/access/people/o2", given());
    says(
        &html,
        &[
            "What Sam Whitlock can do",
            "They see 67 sessions of 41 people, and could end 65.",
            "The group Night shift in uPortal",
        ],
    );
    let (_, html) = page("/access?tab=groups", given());
    says(&html, &["Night shift", "1,204", "Save group"]);
    let (_, html) = page("/access?tab=protected", given());
    says(&html, &["break-glass", "Last way in", "Stop protecting"]);
    let (_, html) = page("/access?tab=tokens", given());
    says(
        &html,
        &["Offboarding", "Helpdesk: Everywhere", "Revoked", "Make token"],
    );
}

#[test]
fn a_refused_form_comes_back_with_what_was_typed_and_what_is_wrong() {
    let given = Given {
        echo: Some(FormEcho {
            path: paths::post::ACCESS.to_owned(),
            pairs: [
                ("act", "grant"),
                ("operator", "o2"),
                ("places", "systems"),
                ("reason", "Night cover"),
            ]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .to_vec(),
            problems: vec![
                FieldProblem {
                    field: "systems".to_owned(),
                    message: "Tick at least one system.".to_owned(),
                },
                FieldProblem {
                    field: String::new(),
                    message: "Nothing was given.".to_owned(),
                },
            ],
        }),
        ..Given::world(World::many())
    };
    // The address says nothing of a tab: the refused form decides.
    let (_, html) = page(paths::ACCESS, given);
    says(&html, &["Tick at least one system.", "Nothing was given."]);
    assert!(html.contains("value=\"Night cover\""));
    let chosen = html.split("value=\"o2\"").nth(1).unwrap_or_default();
    assert!(chosen.split('>').next().unwrap_or_default().contains("selected"));
}

#[test]
fn a_one_time_link_is_on_the_answer_page_only() {
    let given = Given {
        link: Some(FreshLink(OneTimeLink {
            login: "s.whitlock".to_owned(),
            url: "https://curfew.example/welcome#Code123".to_owned(),
            expires_at: NOW.plus_seconds(3600),
        })),
        ..Given::world(World::many())
    };
    let (_, html) = page(paths::ACCESS, given);
    says(
        &html,
        &[
            "Give this link to s.whitlock.",
            "https://curfew.example/welcome#Code123",
        ],
    );
    let (_, html) = page(paths::ACCESS, Given::world(World::many()));
    assert!(!html.contains("Give this link"));
}

#[test]
fn audit_shows_the_chain_the_entries_and_files() {
    let (_, html) = page("/audit?result=refused", Given::world(World::many()));
    says(
        &html,
        &[
            "Chain whole",
            "184,302 entries checked",
            "Not allowed",
            "hidden from you",
            "Clear 1 filter",
            "INC-20418",
        ],
    );
    assert!(html.contains("href=\"/audit/export.csv?result=refused\""));
    assert!(html.contains("href=\"/audit?result=refused&amp;before=184299\""));
    let mut world = World::many();
    world.audit.may_export = false;
    if let Some(chain) = &mut world.audit.chain {
        chain.broken = Some((152_118, "Its hash does not fit the one before it.".to_owned()));
    }
    let (_, html) = page(paths::AUDIT, Given::world(world));
    says(
        &html,
        &["Chain broken at entry 152,118.", "you need “Export data”"],
    );
    assert!(!html.contains("export.csv"));
}

#[test]
fn security_f9_audit_says_how_the_copy_stands() {
    let mut world = World::many();
    let (_, html) = page(paths::AUDIT, Given::world(world.clone()));
    assert!(!html.contains("Copied to"), "no copy is wanted, none is told of");
    world.audit.copy = Some(CopyStatus {
        target: "tls://logs.example.org:6514".to_owned(),
        copied_at: Some(world.audit.now.plus_seconds(-20)),
        behind: 0,
        oldest_at: None,
        stalled: false,
        trouble: None,
    });
    let (_, html) = page(paths::AUDIT, Given::world(world.clone()));
    says(
        &html,
        &["Copied to tls://logs.example.org:6514: last at", "nothing waits."],
    );
    if let Some(copy) = &mut world.audit.copy {
        (copy.behind, copy.stalled) = (1_214, true);
        copy.trouble = Some("The host logs.example.org is not known.".to_owned());
    }
    let (_, html) = page(paths::AUDIT, Given::world(world));
    says(
        &html,
        &["1,214 entries wait. The host logs.example.org is not known."],
    );
}

#[test]
fn ui_b5_a_filter_that_is_not_understood_lists_nothing() {
    let (_, html) = page("/audit?result=fine", Given::world(World::many()));
    says(&html, &["A result is ok, refused, failed or unknown."]);
    assert!(!words(&html).contains("Laptops stolen"));
}

#[test]
fn sign_in_pages_need_nobody_and_echo_no_secret() {
    let view = SignInView {
        instance: "Northwind, production".to_owned(),
        next: "/sessions?q=ann".to_owned(),
        login: "m.ortiz".to_owned(),
        problem: Some("User name or password is wrong.".to_owned()),
        notice: Some("You were signed out for idleness.".to_owned()),
        hidden: vec![("kept.reason".to_owned(), "Laptops stolen".to_owned())],
        address_warning: Some("Open https://curfew.example instead.".to_owned()),
        ..SignInView::default()
    };
    for (path, button) in [(paths::SIGN_IN, "Sign in"), (paths::STEP_UP, "Confirm")] {
        let given = Given {
            view: Some(view.clone()),
            ..Given::default()
        };
        let (status, html) = page(path, given);
        assert_eq!(status, 200);
        says(
            &html,
            &[
                button,
                "User name or password is wrong.",
                "signed out for idleness",
                "Open https://curfew.example",
            ],
        );
        for field in [
            "name=\"next\" value=\"/sessions?q=ann\"",
            "name=\"kept.reason\" value=\"Laptops stolen\"",
        ] {
            let named = field.split(' ').all(|part| html.contains(part));
            assert!(named, "{field}");
        }
        let password = html
            .split("<input")
            .find(|input| input.contains("type=\"password\""))
            .unwrap_or_default();
        let password = password.split('>').next().unwrap_or_default();
        assert!(!password.contains("value="), "{password}");
        assert!(
            password.contains("autocomplete=\"current-password\""),
            "{password}"
        );
    }
    let (status, html) = page(paths::WELCOME, Given::default());
    assert_eq!(status, 200);
    says(
        &html,
        &["One-time code", "New password again", "Set password and sign in"],
    );
}

#[test]
fn security_d2_the_account_page_lists_own_sign_ins_and_never_a_password() {
    let (_, html) = page(paths::ACCOUNT, Given::world(World::many()));
    says(
        &html,
        &[
            "this one",
            "End 1 other sign-in",
            "Address or browser changed",
            "Any page you open counts as activity.",
        ],
    );
}

#[test]
fn addresses_are_as_reviewed() {
    let system = app::wire::SystemId::from("domo east");
    let ending = app::wire::EndingId::from("01jd");
    let all = [
        paths::sign_in_for("/sessions?q=a b&sort=person"),
        paths::step_up_for(paths::ACCESS),
        paths::second_factor_for(""),
        paths::second_factor_for("/audit?q=a"),
        paths::sessions("q=ann"),
        paths::preview(&ending),
        paths::post::confirm(&ending),
        paths::post::include(&ending),
        paths::post::decide(&ending),
        paths::ending(1042),
        paths::ending_report(1042),
        paths::ending_report_file(1042),
        paths::subject_report_file(&app::wire::SubjectId::from("s1")),
        paths::post::stop(1042),
        paths::post::retry(1042),
        paths::post::resume(1042),
        paths::post::review(1042),
        paths::system(&system),
        app::policies::form::ask_path(15, 480),
        app::access::form::Tab::Grants.href(),
    ];
    let expected = [
        "/sign-in?next=/sessions%3Fq%3Da+b%26sort%3Dperson",
        "/step-up?next=/access",
        "/second-factor",
        "/second-factor?then=/audit%3Fq%3Da",
        "/sessions?q=ann",
        "/endings/preview/01jd",
        "/endings/preview/01jd/confirm",
        "/endings/preview/01jd/include",
        "/endings/preview/01jd/decide",
        "/endings/1042",
        "/endings/1042/report",
        "/endings/1042/report.json",
        "/people/s1/report.json",
        "/endings/1042/stop",
        "/endings/1042/retry",
        "/endings/1042/resume",
        "/endings/1042/review",
        "/systems?system=domo+east#system",
        "/policies?idle_minutes=15&absolute_minutes=480",
        "/access?tab=grants",
    ];
    assert_eq!(all, expected);
}

/// "Go to…" for who holds these permissions.
fn go(address: &str, permissions: &[Permission]) -> String {
    let mut world = World::many();
    world.frame.permissions = permissions.to_vec();
    world.people_named = vec![app::sessions::wire::PersonBrief {
        person_id: "m.hohenlohe".to_owned(),
        name: "Maximiliane Freifrau von Hohenlohe".to_owned(),
        sessions: 4,
        systems: 2,
        last_active_at: None,
    }];
    let (status, html) = page(address, Given::world(world));
    assert_eq!(status, 200);
    html
}

#[test]
fn ui_g3_go_to_leads_to_people_systems_views_and_pages_and_acts_by_itself_nowhere() {
    let html = go("/go?q=o", &Permission::ALL);
    says(
        &html,
        &[
            "People Maximiliane Freifrau von Hohenlohe 4 sessions",
            "Systems Domo northwind 496 live",
            "Contractors, nights",
            "Sessions with “o”",
            "Sessions g s",
            "Do Add a person who signs in here…",
        ],
    );
    for href in [
        "/sessions?account=m.hohenlohe",
        "/sessions?system=domo-northwind",
        "/sessions?q=o",
        "/systems",
        "/endings",
    ] {
        assert!(html.contains(&format!("href=\"{href}\"")), "{href}");
    }
    // Beside the forms of the frame, which every page has, it has only the one that asks.
    let main = html
        .split("<main")
        .nth(1)
        .unwrap()
        .split("</main>")
        .next()
        .unwrap();
    assert_eq!(main.matches("<form").count(), 1);
    assert!(!main.contains("method=\"post\""));
    assert_eq!(
        main.matches("data-first").count(),
        1,
        "one line that Enter follows"
    );
    let nothing = go("/go?q=zzz", &[]);
    says(&nothing, &["Nothing of that name"]);
}

#[test]
fn ui_g3_what_needs_a_right_is_offered_to_who_has_it_and_a_list_keeps_its_filters() {
    let of_list = "/go?list=kind%3Dmobile%26sel%3Ds1%26sort%3Dip";
    let html = go(of_list, &Permission::ALL);
    assert!(
        html.contains("href=\"/sessions/export.csv?kind=mobile&amp;sort=ip\""),
        "{html}"
    );
    let offered = |may: &[Permission]| words(go(of_list, may).split("<main").nth(1).unwrap());
    for (permission, line) in [
        (Permission::ExportData, "Export this list as CSV"),
        (Permission::ManageSystems, "Pause all endings…"),
        (Permission::ManageAccess, "Give a grant…"),
        (
            Permission::EditPolicies,
            "Change the limits of Curfew’s own sessions…",
        ),
        (Permission::ReadAudit, "Audit g a"),
        (Permission::SeeSessions, "Hohenlohe"),
    ] {
        assert!(offered(&[permission]).contains(line), "{line}");
        let others: Vec<Permission> = Permission::ALL.into_iter().filter(|p| *p != permission).collect();
        assert!(!offered(&others).contains(line), "{line}");
    }
    // Nothing to export where the list is not understood, or there is none.
    assert!(!go("/go?list=systme%3Ddomo", &Permission::ALL).contains("/sessions/export"));
    assert!(!go("/go", &Permission::ALL).contains("/sessions/export"));
}

#[test]
fn signals_say_whom_they_meant_and_what_became_of_them() {
    let (_, html) = page(paths::SIGNALS, Given::world(World::many()));
    says(
        &html,
        &[
            "You see what is part of your grant.",
            "Only reports",
            "Ends, at most 10 a minute",
            "Takes no signal",
            "https://curfew.northwind.example/signals/v1/oidc/staff",
            "Ending begun",
            "2 in Intranet, 1 in Library",
            "Ending 1042",
            "nobody matched",
            "Its sub and its sid are of two people.",
            "waits",
        ],
    );
    assert!(html.contains("href=\"/endings/1042\"") && html.contains("href=\"/signals?before=s1\""));
    let (_, first) = page("/signals?before=s9", Given::world(World::many()));
    says(&first, &["Newest", "Older"]);
}

#[test]
fn tickets_show_trouble_first_and_find_a_refusal_by_its_reference() {
    let (_, html) = page(paths::TICKETS, Given::world(World::many()));
    says(
        &html,
        &[
            "ops-board: none of 41 asked tickets was issued in the last hour.",
            "campus-bi: its settings need a look.",
            "https://tableau2.northwind.example failed.",
            "2 sites are not ready for tickets.",
            "Let everybody on the site ops see the view Login/Login.",
            "Asked from: Tableau has to trust this",
            "192.0.2.10",
            "When Tableau says \u{2212}1",
            "Invalid request host: <ip>",
            "Ending 1042",
        ],
    );
    let text = words(&html);
    let at = |part: &str| text.find(part).unwrap_or(usize::MAX);
    assert!(at("none of 41") < at("issued, 24 h"), "what is wrong comes first");
    assert!(!text.contains("Request T-"), "no single one was looked for");

    let (_, html) = page("/tickets?ref=t-7q3k9zxw", Given::world(World::many()));
    says(
        &html,
        &[
            "Request T-7Q3K9ZXW",
            "svc-ops",
            "Unlicensed user is not allowed: <name>",
        ],
    );
    assert!(
        !words(&html).contains("p.raghunathan\u{2019}"),
        "the others are filtered out"
    );

    let (_, html) = page("/tickets?ref=T-22223333", Given::world(World::many()));
    says(&html, &["No request matches", "Clear the filters"]);
    let (_, html) = page("/tickets?outcome=fine", Given::world(World::many()));
    says(&html, &["There is no such outcome", "No request matches"]);
    assert!(
        !words(&html).contains("T-2M4N6P8R"),
        "a filter that is not understood lists nothing"
    );
}

#[test]
fn an_address_is_in_order_only_where_it_was_asked_lately() {
    let shown = |asked_at: Option<app::wire::Timestamp>, counted: bool| {
        let mut world = World::many();
        let nodes = &mut world.tickets.nodes;
        nodes.retain(|node| node.last_until.is_none());
        nodes.truncate(1);
        (nodes[0].asked_at, nodes[0].counted) = (asked_at, counted);
        let (_, html) = page(paths::TICKETS, Given::world(world));
        let text = words(&html);
        let from = text.find("Tableau’s addresses").unwrap_or_default();
        text[from..].to_owned()
    };
    let ago = |seconds: i64| Some(NOW.plus_seconds(-seconds));
    assert!(shown(ago(3_600), true).contains("In order"));
    for (asked, counted, said) in [
        (ago(3 * 3_600), true, "Last asked 3 h ago"),
        (None, true, "Not asked within a day"),
        (None, false, "Not known"),
    ] {
        let text = shown(asked, counted);
        assert!(
            text.contains(said) && !text.contains("In order"),
            "{said}: {text}"
        );
    }
}

#[test]
fn tickets_are_tried_by_who_may_and_a_refused_form_keeps_what_was_typed() {
    let mut world = World::many();
    let echo = FormEcho {
        path: paths::post::TICKETS.to_owned(),
        pairs: vec![
            ("act".to_owned(), "test".to_owned()),
            ("app".to_owned(), "ops-board".to_owned()),
            ("site".to_owned(), "finance".to_owned()),
            ("user".to_owned(), "ann".to_owned()),
        ],
        problems: vec![FieldProblem {
            field: "site".to_owned(),
            message: "This site is not in the app\u{2019}s list.".to_owned(),
        }],
    };
    let given = Given {
        echo: Some(echo),
        ..Given::world(world.clone())
    };
    let (_, html) = page(paths::TICKETS, given);
    says(&html, &["This site is not in the app\u{2019}s list."]);
    assert!(
        html.contains("value=\"finance\"") && html.contains("value=\"ann\""),
        "{html}"
    );

    for app in &mut world.tickets.apps {
        app.may_test = false;
    }
    let (_, html) = page(paths::TICKETS, Given::world(world));
    says(
        &html,
        &["To ask for a ticket here you need \u{201c}Use tickets\u{201d}"],
    );
    assert!(!html.contains("name=\"user_name\"") && !html.contains("name=\"act\" value=\"test\""));
}

#[test]
fn ui_k1_a_person_is_one_page_with_the_ground_for_each_account() {
    let (status, html) = page("/people/s1", Given::world(World::many()));
    assert_eq!(status, 200);
    says(
        &html,
        &[
            "Maximiliane Freifrau von Hohenlohe",
            "m.hohenlohe@northwind.example",
            "4 sessions in 3 systems",
            "System uportal no session in this time",
            "Same verified mail",
            "Not so any more",
            "Same name in one name space: Staff directory",
            "with m.hohenlohe in System kc",
            "Linked by hand: She told me at the desk.",
            "by Rosalind Vance",
            "Conflict",
            "this person has another account in System kc already.",
            "Ending 1041",
            "End 4 sessions…",
            "Opens the preview.",
        ],
    );
    assert!(!html.contains("part of your grant"));
    // A bar that lives reaches the right edge.
    assert!(
        html.contains("x=\"1140\"") && html.contains("width=\"300\""),
        "the time line"
    );
}

#[test]
fn who_sees_a_part_of_a_person_is_told_so_and_decides_nothing() {
    let mut world = World::many();
    world.people.whole = false;
    if let Some(person) = &mut world.person {
        person.whole = false;
        person.may_link = false;
        person.may_end = false;
    }
    let (_, html) = page("/people/s1", Given::world(world.clone()));
    says(
        &html,
        &[
            "You see what is part of your grant. Anybody here may have more accounts and sessions elsewhere.",
            "You have no grant to end sessions.",
        ],
    );
    assert!(!html.contains("value=\"cut\"") && !html.contains("value=\"link\""));
    let (_, html) = page(paths::PEOPLE, Given::world(world));
    says(
        &html,
        &[
            "You see what is part of your grant.",
            "Others look alike",
            "林 美華",
        ],
    );
    assert!(html.contains("href=\"/people?after=6c696e.s3\""), "the next page");
}

#[test]
fn a_cut_that_was_refused_keeps_its_reason_at_its_account() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let given = Given {
        echo: Some(FormEcho {
            path: paths::post::PEOPLE.to_owned(),
            pairs: vec![
                pair("act", "cut"),
                pair("subject", "s1"),
                pair("account", "a3"),
                pair("reason", "Her brother’s"),
            ],
            problems: vec![FieldProblem {
                field: "reason".to_owned(),
                message: "Say why, in one line.".to_owned(),
            }],
        }),
        ..Given::world(World::many())
    };
    let (_, html) = page("/people/s1", given);
    says(&html, &["Say why, in one line."]);
    assert_eq!(html.matches("value=\"Her brother’s\"").count(), 1);
    let open = html.split("<details").skip(1).filter(|details| {
        let tag = details.split('>').next().unwrap_or_default();
        tag.contains("row-act") && tag.contains("open")
    });
    assert_eq!(open.count(), 1);
}

#[test]
fn ui_j6_a_containment_report_says_what_is_not_gone_and_what_nobody_can_see() {
    let mut world = World::many();
    world.report = Some(fake::containment::of_ending());
    let (status, html) = page("/endings/1042/report", Given::world(world));
    assert_eq!(status, 200);
    assert_eq!(html.matches("<h1").count(), 1);
    says(
        &html,
        &[
            "Containment report: Ending 1042",
            "Made Sat 21 Nov 2026, 03:12:40 UTC by Mara Ortiz",
            "None was made by Curfew.",
            "Ending 1042: 600 of 614 sessions gone, 1 came back",
            "Laptop <b>stolen</b>",
            "600 ended, 14 still there",
            "One session came back.",
            "Identity servers were not done in time.",
            "Still there",
            "through Keycloak",
            "May still work until",
            "611 more sessions are counted above and not listed here",
            "It did not answer in time.",
            "Not listed: browsers. As read: Two nodes answer.",
            "The audit log ended with entry 4,711 , hash abababab abababab",
            "curfew verify-report FILE --key FINGERPRINT",
            "01234567 89abcdef",
        ],
    );
    assert!(html.contains("href=\"/endings/1042/report.json\"") && html.contains("rel=\"external\""));
    assert!(html.contains("&lt;b&gt;Robert&lt;/b&gt;"), "names are text");
    for forbidden in [" style=\"", " onclick=", "This report is in part."] {
        assert!(!html.contains(forbidden), "{forbidden}");
    }
}

#[test]
fn ui_k2_a_report_in_part_says_so_and_a_file_that_may_not_be_taken_says_why() {
    let mut world = World::many();
    world.report = Some(fake::containment::of_person_in_part());
    let (status, html) = page("/people/s1/report", Given::world(world));
    assert_eq!(status, 200);
    says(
        &html,
        &[
            "Containment report: Maximiliane Freifrau von Hohenlohe",
            "This report is in part. There may be more.",
            "2 sessions are live: 2 in uPortal campus.",
            "Same verified mail",
            "No ending that you may see touched this person’s sessions.",
            "You have no grant to export data.",
            "Where the audit log ended is told to who may read it.",
        ],
    );
    assert!(!html.contains("report.json"));
    let (status, _) = page("/people/s1/report", Given::world(World::many()));
    assert_eq!(status, 404);
}
