//! What a rule for signals may do: end the sessions of the one person a signal is about, in the systems that the rule
//! names, and see them for that. Nothing else, and nobody gives it: it follows from the rule's entry in the settings.

use app::access::wire::{People, Permission, Places, Scope, ScopeSite, ThesePeople};
use app::wire::{GrantId, OperatorId, SystemId};

use super::{Caller, CallerKind, Origin, SecondFactor};
use crate::config::{SignalMode, SignalRule};
use crate::domain::grant::Grant;

/// An account of the person: system, site (empty = it has none), name lower-cased.
pub type Reach = (SystemId, String, String);

/// The rule as a caller acting for whoever has these accounts. Those of other systems than its own, and those without a
/// name, count for nothing; a rule that only reports may do nothing.
pub fn acting_for(rule: &SignalRule, accounts: &[Reach]) -> Caller {
    let own = accounts
        .iter()
        .filter(|(system, _, account)| rule.systems.contains(&system.0) && !account.is_empty());
    // One grant for each account: a name in one system is nobody in another.
    let grants = own.map(|(system, site, account)| Grant {
        grant_id: GrantId(format!("signal-{}", rule.id)),
        permissions: vec![Permission::SeeSessions, Permission::EditUserSessions],
        scope: Scope {
            places: match site.is_empty() {
                true => Places::Systems(vec![system.clone()]),
                false => Places::Sites(vec![ScopeSite {
                    system_id: system.clone(),
                    site: site.clone(),
                }]),
            },
            people: People::These(ThesePeople {
                accounts: vec![account.clone()],
                ..ThesePeople::default()
            }),
        },
        expires_at: None,
    });
    Caller {
        kind: CallerKind::Signal,
        id: OperatorId(rule.id.clone()),
        name: format!("Signal {}", rule.id),
        login: String::new(),
        session: None,
        auth_at: None,
        factor: SecondFactor::NotSet,
        screen_share: false,
        grants: match rule.mode {
            SignalMode::End => grants.collect(),
            SignalMode::Report => Vec::new(),
        },
        origin: Origin::default(),
        who_can_give: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use app::wire::Timestamp;

    use super::*;
    use crate::domain::grant::{About, VisibleScope};

    const NOW: Timestamp = Timestamp(0);

    fn rule(mode: &str) -> SignalRule {
        toml::from_str(&format!(
            "id = \"sso\"\nfrom = \"sso\"\nsystems = [\"intranet\", \"hq\"]\nmode = \"{mode}\""
        ))
        .unwrap()
    }

    fn may(mode: &str, accounts: &[(&str, &str, &str)]) -> VisibleScope {
        let accounts: Vec<Reach> = accounts
            .iter()
            .map(|(system, site, name)| (SystemId::from(*system), (*site).to_owned(), (*name).to_owned()))
            .collect();
        acting_for(&rule(mode), &accounts).visible(Permission::EditUserSessions, NOW)
    }

    #[test]
    fn a_rule_reaches_the_accounts_it_acts_for_in_its_own_systems_only() {
        let both = may("end", &[("intranet", "", "ann"), ("hq", "Sales", "bob")]);
        assert_eq!(both.parts.len(), 2, "a name in one system is nobody in another");
        assert!(!both.covers(About::System(&SystemId::from("intranet"))));
        assert!(may("end", &[("payroll", "", "ann")]).is_empty(), "not its system");
        assert!(
            may("end", &[("intranet", "", "")]).is_empty(),
            "nobody is not everybody"
        );
        assert!(may("end", &[]).is_empty());
        assert!(
            may("report", &[("intranet", "", "ann")]).is_empty(),
            "it only reports"
        );
        let caller = acting_for(
            &rule("end"),
            &[(SystemId::from("intranet"), String::new(), "ann".to_owned())],
        );
        assert_eq!(
            caller.permissions(NOW),
            [Permission::SeeSessions, Permission::EditUserSessions]
        );
    }
}
