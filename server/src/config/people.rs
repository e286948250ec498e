//! Settings of people: by which rules accounts of several systems are one person (docs/people.md).

use std::collections::BTreeMap;

use serde::Deserialize;

/// By which rules accounts are linked. Without any of them nothing is: who looks alike is shown, never merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PeopleRules {
    /// Systems (by id) that check a mail address before they show it: the same address there is the same person.
    pub verified_mail: Vec<String>,
    /// Systems that share a directory: the same name there is the same person.
    pub name_space: Vec<NameSpace>,
    /// The identity server (a connected system) whose ids the accounts of a system carry, by system.
    pub identity_server: BTreeMap<String, String>,
}

/// Systems in which a name means one person.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameSpace {
    /// As pages name it.
    pub name: String,
    /// The systems, by id; the portal itself is `curfew`.
    pub systems: Vec<String>,
}

impl PeopleRules {
    /// Refuses what would make it unclear whose a name is.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let mut spaces: BTreeMap<&str, &str> = BTreeMap::new();
        for space in &self.name_space {
            anyhow::ensure!(
                !space.name.trim().is_empty() && space.systems.len() > 1,
                "people.name_space: give it a name and at least two systems"
            );
            for system in &space.systems {
                let before = spaces.insert(system, &space.name);
                anyhow::ensure!(
                    before.is_none(),
                    "people.name_space: {system} stands in two (or twice in one); a name there would mean two people"
                );
            }
        }
        for (system, server) in &self.identity_server {
            anyhow::ensure!(
                system != server && !self.identity_server.contains_key(server),
                "people.identity_server.{system}: {server} can't be both an identity server and one of its systems"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_in_two_name_spaces_is_refused() {
        let rules = |text: &str| toml::from_str::<PeopleRules>(text).unwrap().check();
        let good = "verified_mail = ['kc']\nidentity_server = { intranet = 'kc' }\n\
                    [[name_space]]\nname = 'Staff'\nsystems = ['intranet', 'tableau']\n";
        rules(good).unwrap();
        let twice = format!("{good}[[name_space]]\nname = 'Lab'\nsystems = ['lab', 'tableau']\n");
        assert!(
            rules(&twice)
                .unwrap_err()
                .to_string()
                .contains("tableau stands in two")
        );
        assert!(rules("identity_server = { a = 'b', b = 'c' }").is_err());
        assert!(rules("[[name_space]]\nname = 'Staff'\nsystems = ['one']").is_err());
    }
}
