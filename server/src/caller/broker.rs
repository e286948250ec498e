//! What an app of the ticket broker may do: end the sessions of the one person it acts for, at its own sites, and see
//! them for that. Nothing else, and nobody gives it: it follows from the app's entry in the settings.

use app::access::wire::{People, Permission, Places, Scope, ScopeSite, ThesePeople};
use app::wire::{GrantId, OperatorId, SystemId};

use super::{Caller, CallerKind, Origin, SecondFactor};
use crate::config::BrokerApp;
use crate::domain::grant::Grant;

/// The app as a caller acting for `account` (as the inventory names it, lower-cased). `sites` = names of its sites as the
/// inventory knows them; none = it may do nothing.
pub fn acting_for(app: &BrokerApp, account: &str, sites: &[String], origin: Origin) -> Caller {
    let system_id = SystemId::from(app.system.as_str());
    let places = sites
        .iter()
        .map(|site| ScopeSite {
            system_id: system_id.clone(),
            site: site.clone(),
        })
        .collect();
    let person = ThesePeople {
        accounts: vec![account.to_owned()],
        ..ThesePeople::default()
    };
    Caller {
        kind: CallerKind::App,
        id: OperatorId(app.id.clone()),
        name: format!("App {}", app.id),
        login: String::new(),
        session: None,
        auth_at: None,
        factor: SecondFactor::NotSet,
        screen_share: false,
        grants: vec![Grant {
            grant_id: GrantId(format!("app-{}", app.id)),
            permissions: vec![Permission::SeeSessions, Permission::EditUserSessions],
            scope: Scope {
                places: Places::Sites(places),
                people: People::These(person),
            },
            expires_at: None,
        }],
        origin,
        who_can_give: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use app::wire::Timestamp;

    use super::*;
    use crate::domain::grant::About;

    #[test]
    fn an_app_without_a_person_or_a_site_may_do_nothing() {
        let app = BrokerApp {
            id: "intranet".to_owned(),
            system: "hq".to_owned(),
            ..toml::from_str("id = \"\"\nsystem = \"\"\nsites = [\"\"]").unwrap()
        };
        let now = Timestamp(0);
        let may = |account: &str, sites: &[String]| {
            acting_for(&app, account, sites, Origin::default()).visible(Permission::EditUserSessions, now)
        };
        let sites = ["Default".to_owned()];
        assert!(!may("ann", &sites).is_empty());
        assert!(may("", &sites).is_empty(), "nobody is not everybody");
        assert!(may("ann", &[]).is_empty(), "no site is not every site");
        let whole = About::System(&SystemId::from("hq"));
        assert!(!may("ann", &sites).covers(whole));
        let caller = acting_for(&app, "ann", &sites, Origin::default());
        assert_eq!(
            caller.permissions(now),
            [Permission::SeeSessions, Permission::EditUserSessions]
        );
    }
}
