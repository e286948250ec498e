//! The demo estate: seven systems that do not exist, with about 4,300 people at work and every outcome to be met.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::app_server::AppServer;
use super::cas::CasServer;
use super::cas::model::Release as CasRelease;
use super::domo::DomoServer;
use super::example_app::{Around, ExampleApp};
use super::keycloak::KeycloakServer;
use super::people;
use super::simulator::Simulator;
use super::simulator::shape::Shape;
use super::tableau::TableauServer;
use super::tableau::faults::Who;
use super::tableau::model::Model as TableauModel;
use super::tableau::release::Release;
use super::tableau::shape::{IdShape, Shape as TableauShape};
use crate::clock::Clock;
use crate::config::{BrokerApp, NameSpace, PeopleRules, SystemSettings};
use crate::keys::{random_bytes, random_id, write_private};

/// The running estate; it stops when this is dropped.
pub struct DemoEstate {
    /// Settings entries by id, for `Config::systems`.
    pub systems: Vec<(String, SystemSettings)>,
    /// Entries of `broker.apps`.
    pub apps: Vec<BrokerApp>,
    /// The systems themselves, in the same order.
    running: Vec<Running>,
    /// Servers of the apps that ask for tickets.
    app_servers: Vec<AppServer>,
    example: ExampleApp,
}

/// A system of the estate.
enum Running {
    Simple(Simulator),
    Cas(CasServer),
    Domo(DomoServer),
    Keycloak(KeycloakServer),
    Tableau(TableauServer),
}

impl Running {
    fn access(&self) -> (SocketAddr, String) {
        match self {
            Self::Simple(simulator) => simulator.access(),
            Self::Cas(server) => server.access(),
            Self::Domo(server) => server.access(),
            Self::Keycloak(server) => server.access(),
            Self::Tableau(server) => server.access(),
        }
    }
}

/// What the demo estate is to be like.
#[derive(Clone, Copy, Debug)]
pub struct DemoOptions<'a> {
    /// Everything is so many times as large as usual.
    pub times: usize,
    /// Browsers reach the simulated Tableau that the example app embeds as `https://tableau.NAMES`; `None` = as it listens.
    pub names: Option<&'a str>,
    /// Minutes after which that Tableau forgets who does nothing; `None` = 240, as Tableau's own default.
    pub tableau_idle_min: Option<u16>,
}

impl DemoEstate {
    /// Writes down where each system answers and with which token, so that its faults can be set from outside.
    pub fn tell(&self, folder: &Path) -> anyhow::Result<()> {
        let systems: serde_json::Map<String, serde_json::Value> = self
            .systems
            .iter()
            .zip(&self.running)
            .map(|((id, _), running)| {
                let (address, token) = running.access();
                let access = serde_json::json!({ "url": format!("http://{address}"), "token": token });
                (id.clone(), access)
            })
            .collect();
        let text = serde_json::to_string_pretty(&systems)?;
        let file = folder.join("simulated-systems.json");
        // Left from an earlier start; its addresses are gone.
        std::fs::remove_file(&file).ok();
        write_private(&file, &text)
    }

    /// Lets the apps ask the broker at that address for tickets; `audience` is its public one.
    pub fn ask_for_tickets(
        &mut self,
        broker: &str,
        audience: &str,
        clock: &Arc<dyn Clock>,
    ) -> anyhow::Result<()> {
        for app in &mut self.app_servers {
            app.live(broker, audience, Duration::from_secs(5), clock.clone())?;
        }
        Ok(())
    }

    /// Starts the example app that embeds views of Tableau analytics. `broker` is where it reaches the broker, `audience`
    /// the broker's public address; with `names`, browsers reach everybody as `https://….names`. Gives its address, and
    /// Tableau's behind such a name.
    pub async fn start_example(
        &mut self,
        broker: String,
        audience: String,
        names: Option<&str>,
    ) -> anyhow::Result<(String, String)> {
        let own = self.running.iter().find_map(|running| match running {
            Running::Tableau(server) => Some(server.url()),
            _ => None,
        });
        let own = own.ok_or_else(|| anyhow::anyhow!("no simulated Tableau"))?;
        let around = Around {
            broker,
            audience,
            tableau: names.map_or_else(|| own.clone(), |names| format!("https://tableau.{names}")),
            https: names.is_some(),
        };
        Ok((self.example.start(around).await?, own))
    }

    /// What somebody needs who embeds its views in a page of their own; `tableau` = its address.
    pub fn for_own_pages(&self, tableau: &str) -> String {
        self.example.for_own_pages(tableau)
    }

    fn add_app(&mut self, mut app: AppServer) -> anyhow::Result<()> {
        self.apps.push(app.settings()?);
        self.app_servers.push(app);
        Ok(())
    }

    fn add(&mut self, id: &str, settings: SystemSettings, running: Running) {
        self.systems.push((id.to_owned(), settings));
        self.running.push(running);
    }
}

/// One system of the estate.
struct Plan {
    id: &'static str,
    name: &'static str,
    sessions: usize,
    people: usize,
    shape: Shape,
}

fn plans() -> [Plan; 2] {
    [
        Plan {
            id: "uportal-campus",
            name: "uPortal campus",
            sessions: 887,
            people: 600,
            shape: Shape {
                places: &["/uPortal", "/calendar"],
                idle_s: 1_800,
                place_idle_s: &[("/uPortal", 1_800), ("/calendar", 3_600)],
                clears_after_s: 60,
                guests: 412,
                limits_note: "web.xml of each context; no longest time exists in Tomcat",
                absolute_s: 0,
                clients: false,
                ..Shape::default()
            },
        },
        Plan {
            id: "moodle-campus",
            name: "Moodle campus",
            sessions: 496,
            people: 300,
            shape: Shape {
                kinds: &["web", "web", "mobile"],
                idle_s: 28_800,
                absolute_s: 15_552_000,
                ..Shape::default()
            },
        },
    ]
}

/// By which rules the estate's accounts are one person: a directory that four systems share, and mail that three check.
/// Tableau archive is outside of it: who has an account there looks alike and is not linked.
pub fn people_rules() -> PeopleRules {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    PeopleRules {
        verified_mail: ids(&["keycloak-staff", "domo-northwind", "tableau-analytics"]),
        name_space: vec![NameSpace {
            name: "Northwind directory".to_owned(),
            systems: ids(&[
                "keycloak-staff",
                "uportal-campus",
                "moodle-campus",
                "tableau-analytics",
            ]),
        }],
        ..PeopleRules::default()
    }
}

/// Starts the estate on loopback ports, filled and alive.
///
/// uPortal says OK for three people and ends nothing; Keycloak lets two people straight back in; CAS says OK for anything, and
/// one of its applications is told nothing; Tableau analytics refuses one, has external users and impersonated sessions and holds Curfew's own sign-in; Tableau archive is so old that only
/// some of its sessions can be ended; uPortal has guests, a person in doubt, and limits by context; Moodle gives one person
/// a new session id each time it is asked for their sessions; Domo has the mobile app, limits that were changed, people who
/// are deleted or deactivated, a type code that nobody named, and is never proven. One app gets tickets of
/// Tableau analytics, another is refused by Tableau archive.
pub async fn demo_estate(clock: Arc<dyn Clock>, options: DemoOptions<'_>) -> anyhow::Result<DemoEstate> {
    let DemoOptions { times, names, .. } = options;
    let mut estate = DemoEstate {
        systems: Vec::new(),
        apps: Vec::new(),
        running: Vec::new(),
        app_servers: Vec::new(),
        example: ExampleApp::new("tableau-analytics"),
    };
    let ids = |accounts: &[&str]| accounts.iter().filter_map(|a| people::account_id_of(a)).collect();
    let (settings, keycloak) = keycloak(&clock, 1_204 * times, 900 * times).await?;
    estate.add("keycloak-staff", settings, Running::Keycloak(keycloak));
    let (settings, cas) = cas(&clock, 96 * times, 80 * times).await?;
    estate.add("cas-campus", settings, Running::Cas(cas));
    for plan in plans() {
        let mut simulator = Simulator::start(clock.clone(), plan.shape).await?;
        simulator.fill(plan.sessions * times, plan.people * times);
        simulator.faults(|faults| match plan.id {
            "uportal-campus" => faults.lie_for = ids(&["rtables", "d.volkov", "li.xiaoming"]),
            _ => faults.rotate_for = ids(&["ntm.khai"]),
        });
        if plan.id == "uportal-campus" {
            simulator.add_oddities();
        }
        simulator.live(Duration::from_secs(5));
        let mut settings = match plan.id {
            "uportal-campus" => simulator.settings_as_tomcat(plan.name, true),
            _ => simulator.settings(plan.name),
        };
        if plan.id == "uportal-campus" {
            settings.signs_in_by = Some("keycloak-staff".to_owned());
        }
        estate.add(plan.id, settings, Running::Simple(simulator));
    }
    let mut domo = DomoServer::start(clock.clone(), u64::from_be_bytes(random_bytes())).await?;
    domo.model(|model, now| {
        model.fill(120 * times, 240 * times, now);
        model.add_oddities(now);
        // Sessions from before keep the longer limits.
        model.policy.idle_min = 240;
        model.policy.max_min = 1_440;
    });
    let settings = domo.settings("Domo northwind")?;
    domo.live(Duration::from_secs(5));
    estate.add("domo-northwind", settings, Running::Domo(domo));
    let mut shape = shape_of("2025.3")?;
    shape.idle_min = options.tableau_idle_min.map_or(shape.idle_min, i64::from);
    let (mut settings, analytics) = tableau(&clock, shape, "Tableau analytics", 700 * times).await?;
    analytics.model(|model, now| {
        model.fill_sessions(1_611 * times, now);
        ExampleApp::known_to(model, now);
    });
    if let (Some(names), Some(toml::Value::Table(trusted))) = (names, settings.own.get_mut("trusted")) {
        trusted.insert("public_url".to_owned(), format!("https://tableau.{names}").into());
    }
    let people = analytics.model(|model, _| people_of_sites(model));
    estate.add_app(AppServer::new("budget-web", "tableau-analytics", people))?;
    let refused = analytics.model(|model, _| model.find_people("break-glass"));
    analytics.faults(|faults| faults.refuse = Who::These(refused.into_iter().collect()));
    estate.add("tableau-analytics", settings, Running::Tableau(analytics));

    let (mut settings, archive) = tableau(&clock, shape_of("2019.3")?, "Tableau archive", 30 * times).await?;
    archive.model(|model, now| {
        model.fill_sessions(20 * times, now);
        // As after a restart with the protection of ids switched off: sessions from before it stay protected.
        model.shape.ids = IdShape::Legacy;
        model.fill_sessions(48 * times, now);
    });
    // Nobody told it of the broker's address, and for one of its sites nobody named a view to redeem tickets at.
    archive.model(|model, _| model.trust().hosts.clear());
    if let Some(toml::Value::Table(trusted)) = settings.own.get_mut("trusted")
        && let Some(toml::Value::Table(views)) = trusted.get_mut("login_view")
    {
        views.remove("Sales");
    }
    let people = archive.model(|model, _| people_of_sites(model));
    estate.add_app(AppServer::new("reading-room", "tableau-archive", people))?;
    estate.add("tableau-archive", settings, Running::Tableau(archive));
    let example = estate.example.settings()?;
    estate.apps.push(example);
    Ok(estate)
}

/// Everybody with each site they are on, as an app would name them.
fn people_of_sites(model: &TableauModel) -> Vec<(String, String)> {
    let of = |content_url: &str| {
        let site = model.site_by_url(content_url).map(|site| site.id);
        let members = site.into_iter().flat_map(|site| model.members(site));
        members
            .map(|(_, person)| (person.name.clone(), content_url.to_owned()))
            .collect::<Vec<_>>()
    };
    [of(""), of("Sales")].concat()
}

/// A Keycloak with people of the estate in it, one of them disabled, alive, and the settings to connect it.
async fn keycloak(
    clock: &Arc<dyn Clock>,
    sessions: usize,
    people: usize,
) -> anyhow::Result<(SystemSettings, KeycloakServer)> {
    let seed = u64::from_be_bytes(random_bytes());
    let mut server = KeycloakServer::start(clock.clone(), seed, &["staff"]).await?;
    server.model(|model, now| {
        model.fill("staff", people, sessions, now);
        let disabled = model.user_named("staff", "mononym");
        let realm = model.realms.get_mut("staff");
        if let Some(user) = disabled.and_then(|id| realm?.users.get_mut(&id)) {
            user.enabled = false;
        }
    });
    server.faults(|faults| faults.let_back_for = ["m.hohenlohe", "c.okonkwo"].map(str::to_owned).into());
    let settings = server.settings("Keycloak staff")?;
    server.live(Duration::from_secs(5));
    Ok((settings, server))
}

/// A CAS with people of the estate in it, alive, and the settings to connect it.
async fn cas(
    clock: &Arc<dyn Clock>,
    sessions: usize,
    people: usize,
) -> anyhow::Result<(SystemSettings, CasServer)> {
    let seed = u64::from_be_bytes(random_bytes());
    let mut server = CasServer::start(clock.clone(), seed, CasRelease::Seven).await?;
    server.model(|model, now| model.fill(people, sessions, now));
    let settings = server.settings("CAS campus")?;
    server.live(Duration::from_secs(5));
    Ok((settings, server))
}

fn shape_of(release: &str) -> anyhow::Result<TableauShape> {
    let release = Release::named(release).ok_or_else(|| anyhow::anyhow!("no release {release}"))?;
    Ok(TableauShape::of(release))
}

/// A Tableau Server of that release with two sites and people who belong to them, alive, and the settings to connect it.
async fn tableau(
    clock: &Arc<dyn Clock>,
    shape: TableauShape,
    name: &str,
    people: usize,
) -> anyhow::Result<(SystemSettings, TableauServer)> {
    let mut server = TableauServer::start(clock.clone(), shape).await?;
    server.model(|model, now| {
        model.fill(people, &[("Sales", "Sales")], now);
        // Whoever signs in as somebody else.
        model.add_administrator("tableau-admin", &random_id(), now);
    });
    let settings = server.settings(name)?;
    server.live(Duration::from_secs(5));
    Ok((settings, server))
}
