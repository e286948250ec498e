//! Grants: role × scope × expiry, and what they add up to.

use app::access::wire::{People, Permission, Places, Scope, ThesePeople};
use app::wire::{GrantId, SystemId, Timestamp};

/// A grant in the form decisions are made from: the role's permissions are filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which.
    pub grant_id: GrantId,
    /// What its role allows.
    pub permissions: Vec<Permission>,
    /// Where.
    pub scope: Scope,
    /// First moment at which it does not count any more; `None` = no end.
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// True while it counts.
    pub fn in_force(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// What an act is about as a whole. Single accounts are decided in SQL (`caller::scope`), by the one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About<'a> {
    /// The portal as a whole: needs a grant for everybody everywhere.
    Portal,
    /// A whole system: needs a grant for everybody there.
    System(&'a SystemId),
}

/// What a caller may see or do with one permission: the union of the scopes of their grants in force that hold it.
///
/// Empty means nothing, not everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VisibleScope {
    /// Everything.
    pub everywhere: bool,
    /// The scopes, account names and mail domains lower-cased; none when `everywhere`.
    pub parts: Vec<Scope>,
    /// The moment it is about: grants that give a role count until then.
    pub at: Timestamp,
}

impl VisibleScope {
    /// The union over grants.
    pub fn of(grants: &[Grant], permission: Permission, now: Timestamp) -> Self {
        let held = grants
            .iter()
            .filter(|g| g.in_force(now) && g.permissions.contains(&permission));
        Self::union(held.map(|g| g.scope.clone()), now)
    }

    /// The union of these scopes.
    pub fn union(scopes: impl IntoIterator<Item = Scope>, now: Timestamp) -> Self {
        let mut parts: Vec<Scope> = scopes
            .into_iter()
            .map(lowered)
            .filter(|s| !names_nothing(s))
            .collect();
        parts.sort_by(|a, b| (&a.places, &a.people).cmp(&(&b.places, &b.people)));
        parts.dedup();
        let everywhere = parts.contains(&Scope::EVERYWHERE);
        if everywhere {
            parts.clear();
        }
        VisibleScope {
            everywhere,
            parts,
            at: now,
        }
    }

    /// Nothing at all.
    pub fn is_empty(&self) -> bool {
        !self.everywhere && self.parts.is_empty()
    }

    /// Whether every part of it means certain people: then their rows are found by who they are.
    pub fn by_people(&self) -> bool {
        !self.everywhere
            && self
                .parts
                .iter()
                .all(|part| matches!(part.people, People::These(_)))
    }

    /// Whether it covers the whole of this.
    pub fn covers(&self, about: About<'_>) -> bool {
        match about {
            About::Portal => self.everywhere,
            About::System(system) => self.covers_system(system),
        }
    }

    /// Whether everybody of a system is in it.
    pub fn covers_system(&self, system: &SystemId) -> bool {
        let place = Places::Systems(vec![system.clone()]);
        self.everywhere || self.holds_all(&place, &People::Everybody)
    }

    /// Whether anything of a system is in it: such a system may be known.
    pub fn touches_system(&self, system: &SystemId) -> bool {
        self.everywhere
            || self.parts.iter().any(|part| match &part.places {
                Places::Everywhere => true,
                Places::Systems(systems) => systems.contains(system),
                Places::Sites(sites) => sites.iter().any(|site| site.system_id == *system),
            })
    }

    /// Whether everything in `other` is in it, as far as the scopes' own words tell: a group is the same group only, not
    /// the accounts that are in it today.
    pub fn includes(&self, other: &VisibleScope) -> bool {
        if self.everywhere || other.is_empty() {
            return true;
        }
        !other.everywhere
            && other.parts.iter().all(|part| {
                let people = one_by_one(&part.people);
                let places = place_by_place(&part.places);
                places
                    .iter()
                    .all(|place| people.iter().all(|people| self.holds_all(place, people)))
            })
    }

    /// Whether one part holds these people in this one place.
    fn holds_all(&self, place: &Places, people: &People) -> bool {
        self.parts
            .iter()
            .any(|own| holds_place(&own.places, place) && holds_people(&own.people, people))
    }
}

/// With account names and mail domains as they are compared.
fn lowered(mut scope: Scope) -> Scope {
    if let People::These(these) = &mut scope.people {
        for text in these.accounts.iter_mut().chain(&mut these.domains) {
            *text = text.to_lowercase();
        }
        // An empty name is nobody's: sessions without one are in no scope that names people.
        these.accounts.retain(|a| !a.is_empty());
        these.domains.retain(|d| !d.is_empty());
    }
    scope
}

fn names_nothing(scope: &Scope) -> bool {
    let no_place = match &scope.places {
        Places::Everywhere => false,
        Places::Systems(systems) => systems.is_empty(),
        Places::Sites(sites) => sites.is_empty(),
    };
    no_place || matches!(&scope.people, People::These(these) if these.is_empty())
}

/// The same people, each by themselves.
fn one_by_one(people: &People) -> Vec<People> {
    let People::These(these) = people else {
        return vec![People::Everybody];
    };
    let accounts = these.accounts.iter().map(|a| ThesePeople {
        accounts: vec![a.clone()],
        ..ThesePeople::default()
    });
    let domains = these.domains.iter().map(|d| ThesePeople {
        domains: vec![d.clone()],
        ..ThesePeople::default()
    });
    let groups = these.groups.iter().map(|g| ThesePeople {
        groups: vec![g.clone()],
        ..ThesePeople::default()
    });
    let roles = these.roles.iter().map(|r| ThesePeople {
        roles: vec![r.clone()],
        ..ThesePeople::default()
    });
    accounts
        .chain(domains)
        .chain(groups)
        .chain(roles)
        .map(People::These)
        .collect()
}

/// The same places, each by itself.
fn place_by_place(places: &Places) -> Vec<Places> {
    match places {
        Places::Everywhere => vec![Places::Everywhere],
        Places::Systems(systems) => systems.iter().map(|s| Places::Systems(vec![s.clone()])).collect(),
        Places::Sites(sites) => sites.iter().map(|s| Places::Sites(vec![s.clone()])).collect(),
    }
}

/// Whether all of one place is in `own`.
fn holds_place(own: &Places, place: &Places) -> bool {
    match (own, place) {
        (Places::Everywhere, _) => true,
        (_, Places::Everywhere) => false,
        (Places::Systems(own), Places::Systems(these)) => these.iter().all(|s| own.contains(s)),
        (Places::Systems(own), Places::Sites(these)) => these.iter().all(|s| own.contains(&s.system_id)),
        (Places::Sites(own), Places::Sites(these)) => these.iter().all(|s| own.contains(s)),
        (Places::Sites(_), Places::Systems(_)) => false,
    }
}

fn holds_people(own: &People, people: &People) -> bool {
    match (own, people) {
        (People::Everybody, _) => true,
        (People::These(_), People::Everybody) => false,
        (People::These(own), People::These(these)) => {
            these.accounts.iter().all(|a| own.accounts.contains(a))
                && these.domains.iter().all(|d| own.domains.contains(d))
                && these.groups.iter().all(|g| own.groups.contains(g))
                && these.roles.iter().all(|r| own.roles.contains(r))
        }
    }
}

#[cfg(test)]
mod tests {
    use app::access::wire::ScopeSite;

    use super::*;

    fn union(scopes: &[Scope]) -> VisibleScope {
        VisibleScope::union(scopes.to_vec(), Timestamp(0))
    }

    fn of_group(group: &str) -> Scope {
        Scope {
            places: Places::Everywhere,
            people: People::These(ThesePeople {
                groups: vec![group.into()],
                ..ThesePeople::default()
            }),
        }
    }

    fn at_site(system: &str, site: &str) -> Scope {
        Scope {
            places: Places::Sites(vec![ScopeSite {
                system_id: system.into(),
                site: site.to_owned(),
            }]),
            people: People::Everybody,
        }
    }

    #[test]
    fn a_scope_that_names_nothing_is_nothing() {
        let nobody = Scope::accounts([""]);
        let nowhere = Scope::systems(Vec::<SystemId>::new());
        assert!(union(&[nobody, nowhere]).is_empty());
        assert!(!union(&[]).covers(About::Portal));
    }

    #[test]
    fn people_and_places_must_both_fit() {
        let ben_in_north = union(&[Scope::accounts(["Ben"]).in_systems(["north"])]);
        let north = SystemId::from("north");
        assert!(ben_in_north.touches_system(&north) && !ben_in_north.touches_system(&"south".into()));
        assert!(!ben_in_north.covers(About::System(&north)), "not everybody there");
        assert!(union(&[Scope::systems(["north"])]).covers(About::System(&north)));
        assert!(!union(&[at_site("north", "sales")]).covers(About::System(&north)));
    }

    #[test]
    fn what_one_scope_includes_of_another_is_told_by_its_words() {
        let both = union(&[Scope::systems(["north"]), Scope::accounts(["ben"])]);
        for held in [
            Scope::systems(["north"]),
            at_site("north", "sales"),
            of_group("g").in_systems(["north"]),
            Scope::accounts(["BEN"]),
            Scope::accounts(["ben"]).in_systems(["south"]),
        ] {
            assert!(both.includes(&union(std::slice::from_ref(&held))), "{held:?}");
        }
        for more in [
            Scope::EVERYWHERE,
            Scope::systems(["north", "south"]),
            Scope::accounts(["ben", "eve"]),
            of_group("g"),
            at_site("south", "sales"),
        ] {
            assert!(!both.includes(&union(std::slice::from_ref(&more))), "{more:?}");
        }
    }
}
