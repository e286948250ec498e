//! Whether a site is ready for tickets, and what to do where it isn't.

use serde::{Deserialize, Serialize};

use crate::wire::{SystemId, Timestamp};

/// What a look at a login view found: a ticket was asked for, redeemed at the view, and its session signed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginViewSeen {
    /// The picture came, and with it a session.
    Shown,
    /// There is no such view.
    Missing,
    /// It is there, and this user may not see it.
    Hidden,
    /// The ticket led to the sign-in page.
    NotLetIn,
    /// There was no ticket to try it with.
    NoTicket,
    /// No answer, or one that says nothing.
    Unclear,
}

impl LoginViewSeen {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Shown,
        Self::Missing,
        Self::Hidden,
        Self::NotLetIn,
        Self::NoTicket,
        Self::Unclear,
    ];

    /// The stable name: database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Missing => "missing",
            Self::Hidden => "hidden",
            Self::NotLetIn => "not_let_in",
            Self::NoTicket => "no_ticket",
            Self::Unclear => "unclear",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|seen| seen.name() == name)
    }

    /// How pages say it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Shown => "Shown",
            Self::Missing => "Not there",
            Self::Hidden => "Not to be seen",
            Self::NotLetIn => "Led to sign-in",
            Self::NoTicket => "No ticket to try with",
            Self::Unclear => "No clear answer",
        }
    }
}

/// The newest look at a site's login view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginViewLook {
    /// When.
    pub at: Timestamp,
    /// Which view it was.
    pub view: String,
    /// What it found.
    pub seen: LoginViewSeen,
    /// Whether a used ticket was refused after its session was signed out; `None` = that could not be tried.
    pub reuse_blocked: Option<bool>,
}

impl LoginViewLook {
    /// What it found, for whoever asked for it.
    pub fn words(&self) -> String {
        let reuse = match self.reuse_blocked {
            Some(true) => " The used ticket was refused after sign-out.",
            Some(false) => " The used ticket let in again after sign-out: this build does not block that.",
            None => "",
        };
        let view = &self.view;
        match self.seen {
            LoginViewSeen::Shown => {
                format!("The login view {view} came, and its session was signed out.{reuse}")
            }
            seen => format!("The login view {view}: {}.{reuse}", seen.label()),
        }
    }
}

/// A site that apps may ask for, or that has a login view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteReady {
    /// The Tableau.
    pub system_id: SystemId,
    /// Its name.
    pub system_name: String,
    /// The site by its contentUrl; empty = Default site.
    pub site: String,
    /// Its login view in the settings, Workbook/View; `None` = none is named.
    pub login_view: Option<String>,
    /// Apps that may ask for it and get tickets; without one, nothing has to be ready.
    pub apps: Vec<String>,
    /// The newest look at that view; `None` = nobody has looked.
    pub look: Option<LoginViewLook>,
}

/// How this server reaches an address that it asks for tickets: what Tableau has to trust.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedFrom {
    /// The Tableau.
    pub system_id: SystemId,
    /// The address that is asked: scheme, host, port.
    pub node: String,
    /// The address of this server on that way; `None` = it could not be reached.
    pub from: Option<String>,
    /// Why it could not be reached; `None` = it was.
    pub trouble: Option<String>,
    /// When that was tried: it is good for a minute, or until somebody wants to know anew.
    pub at: Timestamp,
}

impl AskedFrom {
    /// Whether it goes out over IPv6, which Tableau trusts nobody by.
    pub fn by_ipv6(&self) -> bool {
        self.from.as_ref().is_some_and(|from| from.contains(':'))
    }
}

/// How ready everything is that the caller may see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Sites, by system and site.
    pub sites: Vec<SiteReady>,
    /// Addresses that are asked.
    pub from: Vec<AskedFrom>,
}

impl SiteReady {
    /// How pages name the site.
    pub fn site_name(&self) -> &str {
        if self.site.is_empty() {
            "Default"
        } else {
            &self.site
        }
    }

    /// What is still to be done before people can be let in there; empty = nothing that is known.
    ///
    /// `from` are the ways to this site's Tableau.
    pub fn steps(&self, from: &[AskedFrom]) -> Vec<String> {
        if self.apps.is_empty() {
            return Vec::new();
        }
        let mut steps = Vec::new();
        let site = self.site_name();
        match &self.login_view {
            None => steps.push(format!(
                "Publish an empty workbook to the site {site}, let everybody there see its view, and name it in \
                 trusted.login_view: {} = \"Workbook/View\".",
                if self.site.is_empty() { "\"\"" } else { &self.site }
            )),
            Some(view) => {
                let look = self.look.as_ref().filter(|look| look.view == *view);
                steps.extend(look.and_then(|look| self.step_of(view, look.seen)));
            }
        }
        let own: Vec<&AskedFrom> = from
            .iter()
            .filter(|way| way.system_id == self.system_id)
            .collect();
        if own.iter().any(|way| way.by_ipv6()) {
            steps.push(
                "Curfew reaches it over IPv6, and Tableau trusts IPv4 addresses only: name its IPv4 address or a \
                 name that has no other in trusted.nodes."
                    .to_owned(),
            );
        }
        if !own.is_empty() && own.iter().all(|way| way.trouble.is_some()) {
            steps.push("Open the way from this server to at least one address in trusted.nodes.".to_owned());
        }
        steps
    }

    fn step_of(&self, view: &str, seen: LoginViewSeen) -> Option<String> {
        let site = self.site_name();
        Some(match seen {
            LoginViewSeen::Shown | LoginViewSeen::Unclear => return None,
            LoginViewSeen::Missing => format!(
                "The site {site} has no view {view}: publish it there, or correct trusted.login_view. \
                 Capitals count."
            ),
            LoginViewSeen::Hidden => format!("Let everybody on the site {site} see the view {view}."),
            LoginViewSeen::NotLetIn => "The ticket was not redeemed: look for a proxy that changes addresses, and \
                                        whether all nodes are of one Tableau."
                .to_owned(),
            LoginViewSeen::NoTicket => {
                "Tableau gave no ticket: see the four causes below, the first of them being the list of trusted \
                 addresses."
                    .to_owned()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(login_view: Option<&str>, seen: Option<LoginViewSeen>) -> SiteReady {
        SiteReady {
            system_id: SystemId::from("hq"),
            system_name: "HQ".to_owned(),
            site: "sales".to_owned(),
            login_view: login_view.map(str::to_owned),
            apps: vec!["intranet".to_owned()],
            look: seen.map(|seen| LoginViewLook {
                at: Timestamp(0),
                view: "Login/Login".to_owned(),
                seen,
                reuse_blocked: None,
            }),
        }
    }

    fn way(system: &str, from: Option<&str>) -> AskedFrom {
        AskedFrom {
            system_id: SystemId::from(system),
            node: "https://node1".to_owned(),
            from: from.map(str::to_owned),
            trouble: from.is_none().then(|| "No answer in time.".to_owned()),
            at: Timestamp(0),
        }
    }

    #[test]
    fn every_gap_has_its_step_and_what_is_unknown_has_none() {
        let good = [way("hq", Some("192.0.2.10"))];
        let view = Some("Login/Login");
        for (ready, from, word) in [
            (site(view, None), &good[..], None),
            (site(view, Some(LoginViewSeen::Shown)), &good[..], None),
            (site(view, Some(LoginViewSeen::Unclear)), &good[..], None),
            (site(None, None), &good[..], Some("sales = \"Workbook/View\"")),
            (
                site(view, Some(LoginViewSeen::Missing)),
                &good[..],
                Some("has no view Login/Login"),
            ),
            (
                site(view, Some(LoginViewSeen::Hidden)),
                &good[..],
                Some("Let everybody"),
            ),
            (
                site(view, Some(LoginViewSeen::NoTicket)),
                &good[..],
                Some("four causes"),
            ),
            (
                site(view, Some(LoginViewSeen::NotLetIn)),
                &good[..],
                Some("not redeemed"),
            ),
            // What was found of another view says nothing of this one.
            (
                site(Some("New/Login"), Some(LoginViewSeen::Missing)),
                &good[..],
                None,
            ),
            (
                site(view, None),
                &[way("hq", Some("2001:db8::7"))][..],
                Some("IPv6"),
            ),
            (site(view, None), &[way("hq", None)][..], Some("Open the way")),
            (
                site(view, None),
                &[way("hq", None), way("hq", Some("192.0.2.1"))][..],
                None,
            ),
            (site(view, None), &[way("lab", Some("2001:db8::7"))][..], None),
        ] {
            let steps = ready.steps(from);
            assert_eq!(steps.len(), usize::from(word.is_some()), "{ready:?}: {steps:?}");
            assert!(word.is_none_or(|word| steps[0].contains(word)), "{steps:?}");
        }
        let unused = SiteReady {
            apps: Vec::new(),
            ..site(None, None)
        };
        assert_eq!(unused.steps(&good), Vec::<String>::new(), "nobody asks for it");
    }
}
