//! Signals in every state, and rules of both kinds and one that can't be used.

use app::error::AppError;
use app::signals::port::SignalsPort;
use app::signals::wire::*;
use async_trait::async_trait;

use super::{Fake, NOW};

#[async_trait]
impl SignalsPort for Fake {
    async fn signals_page(&self, _: Option<String>) -> Result<SignalsPage, AppError> {
        self.give(self.world.signals.clone())
    }
}

/// Nothing is set up.
pub fn none() -> SignalsPage {
    SignalsPage {
        now: NOW,
        rules: Vec::new(),
        rows: Vec::new(),
        next: None,
        whole: true,
    }
}

fn rule(id: &str, ends: bool, trouble: Option<&str>) -> SignalRuleLine {
    SignalRuleLine {
        id: id.to_owned(),
        from: "Keycloak staff".to_owned(),
        systems: vec!["Intranet".to_owned(), "Library".to_owned()],
        ends,
        per_minute: 10,
        receiver: format!("https://curfew.northwind.example/signals/v1/oidc/{id}"),
        trouble: trouble.map(str::to_owned),
    }
}

fn row(id: &str, outcome: Option<SignalOutcome>) -> SignalRow {
    SignalRow {
        signal_id: id.to_owned(),
        reference: format!("S-{}", id.to_uppercase()),
        at: NOW.plus_seconds(-90),
        from: "Keycloak staff".to_owned(),
        realm: "staff".to_owned(),
        rule: "staff".to_owned(),
        person: Some("a.<b>ann</b>".to_owned()),
        outcome,
        detail: String::new(),
        sessions: Vec::new(),
        ending_no: None,
    }
}

/// One of each.
pub fn many() -> SignalsPage {
    let mut begun = row("s9", Some(SignalOutcome::Ending));
    begun.sessions = [("Intranet", 2), ("Library", 1)]
        .map(|(system, sessions)| SignalSessions {
            system: system.to_owned(),
            sessions,
        })
        .to_vec();
    begun.ending_no = Some(1042);
    let mut unmatched = row("s8", Some(SignalOutcome::Unmatched));
    unmatched.person = None;
    unmatched.detail = "Its sub and its sid are of two people.".to_owned();
    let mut rows = vec![begun, unmatched, row("s7", None)];
    rows.extend(SignalOutcome::ALL.iter().map(|outcome| row("s6", Some(*outcome))));
    SignalsPage {
        now: NOW,
        rules: vec![
            rule("staff", false, None),
            rule("guests", true, None),
            rule(
                "old",
                false,
                Some("oidc.jwks: the file of authorities can't be read"),
            ),
        ],
        rows,
        next: Some("s1".to_owned()),
        whole: false,
    }
}
