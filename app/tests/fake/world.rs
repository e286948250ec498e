//! What the fake backend knows: a small estate with every state a page must show.

use app::access::wire::*;
use app::audit::wire::*;
use app::endings::wire::EndingsByDay;
use app::policies::wire::*;
use app::sessions::views::wire::*;
use app::signin::wire::*;
use app::systems::wire::*;
use app::wire::*;

/// Sat 21 Nov 2026, 03:12:40 UTC.
pub const NOW: Timestamp = Timestamp(1_795_230_760_000);

/// Everything the pages show.
#[derive(Clone)]
pub struct World {
    pub frame: Frame,
    pub my_sessions: MySessions,
    /// A second factor that is being set up.
    pub draft: Option<FactorDraft>,
    pub systems: SystemsPage,
    pub over_time: Vec<OverTime>,
    pub by_day: EndingsByDay,
    pub policies: PoliciesPage,
    pub access: AccessPage,
    pub audit: AuditPage,
    pub tickets: app::tickets::wire::TicketsPage,
    pub readiness: app::tickets::wire::Readiness,
    pub signals: app::signals::wire::SignalsPage,
    pub views: Views,
    pub people: app::people::wire::PeoplePage,
    pub person: Option<app::people::wire::PersonPage>,
    pub report: Option<app::containment::wire::Report>,
    /// Whoever is looked for by name.
    pub people_named: Vec<app::sessions::wire::PersonBrief>,
}

fn ago(seconds: i64) -> Timestamp {
    NOW.plus_seconds(-seconds)
}

impl World {
    /// Nothing connected, nobody but the signed-in Administrator.
    pub fn empty() -> World {
        World {
            frame: Frame {
                now: NOW,
                instance: "Northwind, production".to_owned(),
                demo: true,
                display_name: "Mara Ortiz".to_owned(),
                login: "m.ortiz".to_owned(),
                permissions: Permission::ALL.to_vec(),
                theme: Theme::System,
                times: Times::Relative,
                density: Density::Comfortable,
                single_keys: true,
                zone_offset_min: 0,
                zone_name: "UTC".to_owned(),
                idle_ends_at: NOW.plus_seconds(900),
                absolute_ends_at: NOW.plus_seconds(8 * 3600),
                running: None,
                banners: Vec::new(),
                screen_share: false,
                notices: Vec::new(),
            },
            my_sessions: MySessions {
                now: NOW,
                sessions: vec![my_session("p1", true, 680)],
                max_parallel: 5,
                second_factor: MyFactor::default(),
                notices: Vec::new(),
            },
            draft: None,
            systems: SystemsPage {
                now: NOW,
                systems: Vec::new(),
                may_manage: Vec::new(),
            },
            over_time: Vec::new(),
            by_day: EndingsByDay::default(),
            policies: PoliciesPage {
                now: NOW,
                systems: Vec::new(),
                own: None,
            },
            access: AccessPage {
                now: NOW,
                operators: vec![operator("o1", "m.ortiz", "Mara Ortiz")],
                roles: roles(),
                grants: Vec::new(),
                protected: Vec::new(),
                groups: Vec::new(),
                sites: Vec::new(),
                tokens: Vec::new(),
                systems: Vec::new(),
                me: "o1".into(),
            },
            audit: AuditPage {
                now: NOW,
                entries: Vec::new(),
                query: AuditQuery::default(),
                total: 0,
                next: None,
                chain: None,
                copy: None,
                actions: Vec::new(),
                systems: Vec::new(),
                may_export: true,
            },
            tickets: super::tickets::none(),
            readiness: app::tickets::wire::Readiness::default(),
            signals: super::signals::none(),
            views: Views::default(),
            people: super::people::nobody(),
            person: None,
            report: None,
            people_named: Vec::new(),
        }
    }

    /// One of everything, all in order.
    pub fn one() -> World {
        let mut world = World::many();
        world.systems.systems.truncate(1);
        world.policies.systems.truncate(1);
        world.access.grants.truncate(1);
        world.access.operators.truncate(1);
        world.access.protected.truncate(1);
        world.audit.entries.truncate(1);
        world.audit.total = 1;
        world.frame.banners.clear();
        world.frame.running = None;
        world
    }

    /// A busy night: a stale system, a failed one, an ending at work, hostile names.
    pub fn many() -> World {
        let mut world = World::empty();
        world.frame.running = Some((1042, 202, 412));
        world.frame.banners = vec![Banner {
            tone: Tone::Warn,
            fact: "Domo northwind has not answered since 02:58.".to_owned(),
            means: "Its 496 rows are as they were then and may have ended.".to_owned(),
            link: Some(("See the system".to_owned(), "/systems#domo".to_owned())),
        }];
        world.views = views();
        world.people = super::people::several();
        world.person = Some(super::people::one());
        world.tickets = super::tickets::many();
        world.readiness = super::tickets::readiness();
        world.signals = super::signals::many();
        world.my_sessions.sessions = vec![my_session("p1", true, 680), my_session("p2", false, 40_000)];
        world.systems.systems = vec![
            system("keycloak", "Keycloak staff", Health::Live, Some(4), 1204),
            system("tableau", "Tableau analytics", Health::Live, Some(9), 1611),
            system("uportal", "uPortal campus", Health::Failed, Some(2400), 887),
            system("domo", "Domo northwind", Health::Stale, Some(840), 496),
            system("curfew", "Curfew", Health::Live, Some(0), 15),
            system("old", "Intranet (old)", Health::Off, None, 0),
        ];
        world.systems.may_manage = world
            .systems
            .systems
            .iter()
            .map(|s| s.brief.system_id.clone())
            .collect();
        world.policies.systems = vec![
            limits(
                "keycloak",
                "Keycloak staff",
                1800,
                Some(36_000),
                LimitSource::Read,
                0,
            ),
            limits(
                "tableau",
                "Tableau analytics",
                14_400,
                None,
                LimitSource::Typed,
                0,
            ),
            limits("uportal", "uPortal campus", 1800, None, LimitSource::Read, 31),
            limits("curfew", "Curfew", 900, Some(28_800), LimitSource::SetHere, 0),
        ];
        world.policies.own = Some(OwnPolicy {
            current: version(7, 900, 28_800, "M. Ortiz", "One working day"),
            history: vec![version(6, 1800, 43_200, "R. Vance", "First guess")],
            may_edit: true,
            what_if: world.what_if(15, 480),
        });
        world.access.operators = vec![
            operator("o1", "m.ortiz", "Mara Ortiz"),
            operator("o2", "s.whitlock", "Sam Whitlock"),
            operator("o3", "mh.lin", "林 美華"),
            OperatorRow {
                disabled_at: Some(ago(86_400)),
                ..operator("o4", "rtables", "<b>Robert</b>'); DROP TABLE")
            },
            OperatorRow {
                last_seen_at: None,
                has_password: false,
                ..operator(
                    "o5",
                    "m.hohenlohe",
                    "Maximiliane Freifrau von Hohenlohe-Waldenburg-Schillingsfürst",
                )
            },
        ];
        world.access.grants = vec![
            grant(
                "g1",
                "o1",
                "Mara Ortiz",
                "m.ortiz",
                "administrator",
                "Administrator",
                Scope::EVERYWHERE,
                None,
            ),
            grant(
                "g2",
                "o2",
                "Sam Whitlock",
                "s.whitlock",
                "helpdesk",
                "Helpdesk",
                Scope::systems(["uportal", "keycloak"]),
                Some(NOW.plus_seconds(12 * 86_400)),
            ),
            grant(
                "g3",
                "o3",
                "林 美華",
                "mh.lin",
                "auditor",
                "Auditor",
                Scope::EVERYWHERE,
                Some(ago(3 * 86_400)),
            ),
        ];
        world.access.tokens = vec![
            token("t1", "Offboarding", TokenState::Works),
            token("t2", "Old script", TokenState::Revoked(ago(86_400))),
        ];
        world.access.protected = vec![ProtectedRow {
            protected_id: "x1".into(),
            system_id: Some("keycloak".into()),
            system_name: "Keycloak staff".to_owned(),
            who_words: "break-glass".to_owned(),
            reason: "Last way in".to_owned(),
            added_by: "Mara Ortiz".to_owned(),
            added_at: ago(40 * 86_400),
        }];
        world.access.groups = vec![GroupRow {
            group_id: "g1".into(),
            name: "Night shift".to_owned(),
            members: 1_204,
            used: 1,
            changed_by: "Mara Ortiz".to_owned(),
            changed_at: ago(3 * 86_400),
        }];
        world.access.systems = vec![
            ("keycloak".into(), "Keycloak staff".to_owned()),
            ("uportal".into(), "uPortal campus".to_owned()),
            ("domo".into(), "Domo northwind".to_owned()),
        ];
        world.audit.entries = vec![
            entry(
                184_302,
                12,
                "session_terminate_result",
                "Read back an ending",
                "Mara Ortiz",
                "412 sessions",
                AuditResult::Ok,
            ),
            entry(
                184_301,
                70,
                "authz_fail",
                "Asked for what is not theirs",
                "Sam Whitlock",
                "hidden from you",
                AuditResult::Refused,
            ),
            entry(
                184_300,
                200,
                "authn_login_fail",
                "Could not sign in",
                "nobody",
                "m.ortiz",
                AuditResult::Failed,
            ),
            entry(
                184_299,
                400,
                "session_terminate_requested",
                "Asked to end sessions",
                "<b>Robert</b>",
                "412 sessions",
                AuditResult::Unknown,
            ),
        ];
        world.audit.total = 184_302;
        world.audit.next = Some(184_299);
        world.audit.chain = Some(ChainStatus {
            checked: 184_302,
            seq: 184_302,
            head_hash: "9f2c71ab0011223344556677889904e8".to_owned(),
            broken: None,
            checked_at: ago(60),
        });
        world.audit.actions = vec![
            ("authn_login_success".to_owned(), "Signed in".to_owned()),
            (
                "session_terminate_requested".to_owned(),
                "Asked to end sessions".to_owned(),
            ),
        ];
        world.audit.systems = world.access.systems.clone();
        world
    }

    /// What limits in minutes would mean, by the bars below.
    pub fn what_if(&self, idle_minutes: i64, absolute_minutes: i64) -> WhatIf {
        let ages: Vec<u64> = vec![
            3, 4, 5, 4, 3, 2, 2, 1, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2,
        ];
        let hours = usize::try_from(absolute_minutes / 60).unwrap_or(0).min(24);
        WhatIf {
            idle_timeout_s: idle_minutes * 60,
            absolute_lifetime_s: absolute_minutes * 60,
            live: ages.iter().sum(),
            over: ages[hours..].iter().sum(),
            people: 2,
            over_query: format!("system=curfew&past={idle_minutes},{absolute_minutes}"),
            ages,
        }
    }
}

fn my_session(id: &str, current: bool, age: i64) -> MySession {
    MySession {
        portal_session_id: id.into(),
        current,
        created_at: ago(age),
        last_active_at: ago(age / 20),
        idle_ends_at: NOW.plus_seconds(900 - age / 200),
        absolute_ends_at: NOW.plus_seconds(28_800 - age / 2),
        ip: Some(if current { "192.0.2.44" } else { "198.51.100.7" }.to_owned()),
        client: Some("Firefox 151, Linux".to_owned()),
        changed_source_at: (!current).then_some(ago(500)),
    }
}

fn system(id: &str, name: &str, health: Health, read: Option<i64>, rows: u64) -> SystemDetail {
    let trouble = matches!(health, Health::Stale | Health::Failed);
    SystemDetail {
        brief: SystemBrief {
            unproven: None,
            system_id: id.into(),
            name: name.to_owned(),
            kind: if id == "curfew" { "portal" } else { "simulator" }.to_owned(),
            simulated: id != "curfew",
            health,
            read_at: read.map(ago),
            count: Count::Exactly(rows),
            trouble: trouble.then(|| "429, too many requests".to_owned()),
            trouble_since: trouble.then_some(ago(840)),
            next_try_at: trouble.then_some(NOW.plus_seconds(40)),
        },
        abilities: Abilities {
            list: true,
            end: true,
            end_all_of: false,
            policy: id != "tableau",
            self_test: id != "curfew",
            tickets: false,
        },
        took_ms: read.map(|_| 412),
        collect_every_s: 30,
        timeout_ms: 10_000,
        pace_ms: if id == "domo" { 200 } else { 0 },
        failures: if trouble { 3 } else { 0 },
        paused_at: (health == Health::Off).then_some(ago(7200)),
        paused_by: (health == Health::Off).then(|| "R. Vance".to_owned()),
        proven_at: (health == Health::Live).then_some(ago(86_400)),
        proven_build: (health == Health::Live).then(|| "26.0.7".to_owned()),
        self_test: (id == "domo").then(|| SelfTestReport {
            at: ago(480),
            took_ms: 4200,
            steps: vec![
                step(
                    "Address answers",
                    StepResult::Passed,
                    "TLS valid until 2 Mar 2027",
                ),
                step(
                    "List sessions",
                    StepResult::Failed,
                    "429 after 2 pages. Lower “pace” to 200 ms or ask Domo for a higher limit.",
                ),
                step(
                    "End and read back",
                    StepResult::Skipped,
                    "needs a working list first",
                ),
            ],
        }),
        about: vec![
            "Ends at the next click.".to_owned(),
            "The mobile app can go on for up to 1 h.".to_owned(),
        ],
        earlier: None,
        not_listed: vec!["API tokens".to_owned(), "Workbench".to_owned()],
        found: vec!["Read through Jolokia 2.6.0.".to_owned()],
    }
}

fn step(name: &str, result: StepResult, detail: &str) -> SelfTestStep {
    SelfTestStep {
        name: name.to_owned(),
        result,
        detail: detail.to_owned(),
    }
}

fn limits(
    id: &str,
    name: &str,
    idle: i64,
    absolute: Option<i64>,
    source: LimitSource,
    over: u64,
) -> SystemLimits {
    SystemLimits {
        system_id: id.into(),
        system_name: name.to_owned(),
        idle: Limit::Seconds(idle),
        absolute: absolute.map_or(Limit::None, Limit::Seconds),
        source,
        as_of: Some(ago(6)),
        source_note: if source == LimitSource::Typed {
            "R. Vance"
        } else {
            ""
        }
        .to_owned(),
        places: Vec::new(),
        changes: Vec::new(),
        never_idle: Some(0),
        compared: false,
        profile: Default::default(),
        ends: Some(true),
        earlier: None,
        old_after_h: None,
        over: Some(over),
        before_you_end: String::new(),
        settings: Vec::new(),
        advice: Vec::new(),
        signs_in_by: None,
        accepted: Vec::new(),
        may_accept: true,
        advice_open: 0,
    }
}

fn version(version: i64, idle: i64, absolute: i64, by: &str, why: &str) -> PolicyVersion {
    PolicyVersion {
        version,
        idle_timeout_s: idle,
        absolute_lifetime_s: absolute,
        changed_by: by.to_owned(),
        changed_at: ago(version * 86_400 * 4),
        reason: why.to_owned(),
    }
}

fn operator(id: &str, login: &str, name: &str) -> OperatorRow {
    OperatorRow {
        operator_id: id.into(),
        login: login.to_owned(),
        display_name: name.to_owned(),
        last_seen_at: Some(ago(90)),
        disabled_at: None,
        has_password: true,
        live_sessions: 1,
        slowed: None,
        second_factor: false,
        needs_second_factor: false,
    }
}

fn token(id: &str, name: &str, state: TokenState) -> TokenRow {
    TokenRow {
        token_id: id.into(),
        name: name.to_owned(),
        hint: "k3q7".to_owned(),
        made_by: "Mara Ortiz".to_owned(),
        made_at: ago(5 * 86_400),
        reason: "HR asked for it".to_owned(),
        grants: vec!["Helpdesk: Everywhere".to_owned()],
        expires_at: NOW.plus_seconds(30 * 86_400),
        last_used_at: Some(ago(120)),
        last_used_ip: Some("10.9.8.7".to_owned()),
        state,
    }
}

fn roles() -> Vec<RoleRow> {
    let role = |id: &str, name: &str, permissions: &[Permission], used: u64| RoleRow {
        role_id: id.into(),
        name: name.to_owned(),
        built_in: id != "night",
        permissions: permissions.to_vec(),
        needs_second_factor: id == "administrator",
        grants_in_force: used,
    };
    use Permission::*;
    vec![
        role("administrator", "Administrator", &Permission::ALL, 1),
        role(
            "helpdesk",
            "Helpdesk",
            &[SeeSessions, EditUserSessions, ReadPolicies, SeeNetworkData],
            1,
        ),
        role(
            "auditor",
            "Auditor",
            &[SeeSessions, ReadPolicies, ReadAudit, ExportData],
            0,
        ),
        role(
            "policies",
            "Policy manager",
            &[SeeSessions, ReadPolicies, EditPolicies],
            0,
        ),
        role("night", "Night watch", &[SeeSessions], 0),
    ]
}

#[expect(clippy::too_many_arguments, reason = "a row of a table, written as one")]
fn grant(
    id: &str,
    operator_id: &str,
    name: &str,
    login: &str,
    role_id: &str,
    role: &str,
    scope: Scope,
    expires_at: Option<Timestamp>,
) -> GrantRow {
    GrantRow {
        grant_id: id.into(),
        operator_id: operator_id.into(),
        operator_name: name.to_owned(),
        operator_login: login.to_owned(),
        role_id: role_id.into(),
        role_name: role.to_owned(),
        scope_words: match scope == Scope::EVERYWHERE {
            true => "Everywhere".to_owned(),
            false => "Everybody in uPortal, Keycloak".to_owned(),
        },
        scope,
        expires_at,
        granted_by: "R. Vance".to_owned(),
        granted_at: ago(19 * 86_400),
        reason: "Night cover".to_owned(),
    }
}

fn entry(
    seq: i64,
    age: i64,
    action: &str,
    words: &str,
    who: &str,
    target: &str,
    result: AuditResult,
) -> AuditEntry {
    AuditEntry {
        seq,
        at: ago(age).plus_ms(408),
        action: action.to_owned(),
        action_words: words.to_owned(),
        actor_kind: "operator".to_owned(),
        actor_id: "o1".to_owned(),
        actor_name: who.to_owned(),
        actor_session: Some("p1".to_owned()),
        source_ip: Some("192.0.2.44".to_owned()),
        user_agent: Some("Firefox 151".to_owned()),
        system_id: None,
        place: None,
        site: None,
        account: None,
        session_key: None,
        ending_id: None,
        target: target.to_owned(),
        permission: Some("EditUserSessions".to_owned()),
        result,
        reason: Some("Laptops stolen".to_owned()),
        ticket_ref: Some("INC-20418".to_owned()),
        request_id: Some("01JD7QX49M2E".to_owned()),
        duration_ms: Some(12),
        detail: r#"{"items":412,"gone":385}"#.to_owned(),
        key_id: "k1".to_owned(),
        prev_hash: "c71e90fa0000000000000000000b3d2".to_owned(),
        hash: format!("9f2c71ab00000000000000000{seq}"),
    }
}

/// Two own views, one of them shared and the start page, and one of somebody else.
fn views() -> Views {
    let view = |id: &str, name: &str, query: &str| SavedView {
        view_id: id.into(),
        name: name.to_owned(),
        query: query.to_owned(),
        own: true,
        owner_name: "Mara Ortiz".to_owned(),
        shared_with: None,
        start: false,
    };
    let helpdesk = (RoleId::from("helpdesk"), "Helpdesk".to_owned());
    Views {
        views: vec![
            view("v1", "Contractors, nights", "q=ext"),
            SavedView {
                shared_with: Some(helpdesk.clone()),
                start: true,
                ..view("v2", "Over a limit", "over=1")
            },
            SavedView {
                own: false,
                owner_name: "Ada Admin".to_owned(),
                shared_with: Some(helpdesk.clone()),
                ..view("v3", "From the yard", "ip=10.0.0.0/8")
            },
        ],
        roles: vec![helpdesk],
    }
}
