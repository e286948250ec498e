//! The demo estate: four systems that do not exist, with about 4,200 people at work and every outcome to be met.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::people;
use super::simulator::Simulator;
use super::simulator::shape::Shape;
use crate::clock::Clock;
use crate::config::SystemSettings;
use crate::keys::write_private;

/// The running estate; it stops when this is dropped.
pub struct DemoEstate {
    /// Settings entries by id, for `Config::systems`.
    pub systems: Vec<(String, SystemSettings)>,
    /// The systems themselves, in the same order.
    pub simulators: Vec<Simulator>,
}

impl DemoEstate {
    /// Writes down where each system answers and with which token, so that its faults can be set from outside.
    pub fn tell(&self, folder: &Path) -> anyhow::Result<()> {
        let systems: serde_json::Map<String, serde_json::Value> = self
            .systems
            .iter()
            .zip(&self.simulators)
            .map(|((id, _), simulator)| {
                let (address, token) = simulator.access();
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
}

/// One system of the estate.
struct Plan {
    id: &'static str,
    name: &'static str,
    sessions: usize,
    people: usize,
    shape: Shape,
}

fn plans() -> [Plan; 4] {
    [
        Plan {
            id: "keycloak-staff",
            name: "Keycloak staff",
            sessions: 1_204,
            people: 900,
            shape: Shape {
                kinds: &["sso", "sso", "sso", "offline"],
                places: &["staff"],
                idle_s: 1_800,
                absolute_s: 36_000,
                ..Shape::default()
            },
        },
        Plan {
            id: "tableau-analytics",
            name: "Tableau analytics",
            sessions: 1_611,
            people: 700,
            shape: Shape {
                kinds: &["web", "web", "web", "embedded"],
                sites: &["finance", "sales", "campus"],
                idle_s: 14_400,
                absolute_s: 0,
                ..Shape::default()
            },
        },
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
            id: "domo-northwind",
            name: "Domo northwind",
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

/// Starts the estate on loopback ports, filled and alive.
///
/// uPortal says OK for three people and ends nothing; Keycloak lets two people straight back in; Tableau refuses one
/// and holds Curfew's own sign-in; uPortal has guests, a person in doubt, and limits by context; Domo gives one person a new session id each time it is asked for their sessions.
/// `times` makes everything that many times as large.
pub async fn demo_estate(clock: Arc<dyn Clock>, times: usize) -> anyhow::Result<DemoEstate> {
    let mut estate = DemoEstate {
        systems: Vec::new(),
        simulators: Vec::new(),
    };
    let ids = |accounts: &[&str]| accounts.iter().filter_map(|a| people::account_id_of(a)).collect();
    for plan in plans() {
        let mut simulator = Simulator::start(clock.clone(), plan.shape).await?;
        simulator.fill(plan.sessions * times, plan.people * times);
        simulator.faults(|faults| match plan.id {
            "uportal-campus" => faults.lie_for = ids(&["rtables", "d.volkov", "li.xiaoming"]),
            "keycloak-staff" => faults.let_back_for = ids(&["m.hohenlohe", "c.okonkwo"]),
            "tableau-analytics" => {
                if let Some(account_id) = people::account_id_of("break-glass") {
                    let words = "Sessions of system administrators are ended by tsm only.";
                    faults.refuse_for.insert(account_id, words.to_owned());
                }
            }
            _ => faults.rotate_for = ids(&["ntm.khai"]),
        });
        if plan.id == "uportal-campus" {
            simulator.add_oddities();
        }
        if plan.id == "tableau-analytics" {
            simulator.add_own_connection();
        }
        simulator.live(Duration::from_secs(5));
        let settings = match plan.id {
            "uportal-campus" => simulator.settings_as_tomcat(plan.name, true),
            _ => simulator.settings(plan.name),
        };
        estate.systems.push((plan.id.to_owned(), settings));
        estate.simulators.push(simulator);
    }
    Ok(estate)
}
