//! Whom a signal means, and which of their sessions were there when it came. Nobody is guessed.

use app::wire::Timestamp;

use super::store::{self, Account, Meant, Signal};
use crate::db::Conn;
use crate::error::Error;

/// Clocks may differ by so much, ms: a session that began later than the signal came is another sign-in.
const CLOCKS_DIFFER_MS: i64 = 5_000;
/// The same where the system does not say when it began, ms: it was not seen before, and readings have pauses.
const SEEN_BY_MS: i64 = 60_000;

/// Whom a signal means, or why nobody can be said.
pub(super) async fn person(conn: &mut Conn, signal: &Signal) -> Result<Result<Account, &'static str>, Error> {
    let (system, place) = (&signal.system_id, &signal.place);
    if signal.way == "cas" {
        if signal.principal.is_empty() {
            return Ok(Err("It names nobody: this server does not tell user names."));
        }
        let name = signal.principal.to_lowercase();
        let found = store::accounts(conn, system, place, &signal.principal, &name).await?;
        return Ok(only(found));
    }
    let keys: Vec<&str> = signal.session_keys.split_whitespace().collect();
    let by_sid = match keys.is_empty() {
        true => None,
        false => store::account_id_of(conn, system, place, &keys).await?,
    };
    let by_sid = by_sid.filter(|id| !id.is_empty());
    if !signal.principal.is_empty() {
        let found = store::accounts(conn, system, place, &signal.principal, "").await?;
        if !found.is_empty() {
            return Ok(match by_sid {
                Some(id) if id != signal.principal => Err("Its sub and its sid are of two people."),
                _ => only(found),
            });
        }
    }
    // Servers may name people differently to each client; the session is the same one.
    match by_sid {
        Some(id) => Ok(only(store::accounts(conn, system, place, &id, "").await?)),
        None => Ok(Err(
            "Nobody known here has this id or session at the identity server.",
        )),
    }
}

fn only(found: Vec<Account>) -> Result<Account, &'static str> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (Some(account), None) => Ok(account),
        (None, _) => Err("Nobody known here has this name or id at the identity server."),
        (Some(_), Some(_)) => Err("More than one account there fits."),
    }
}

/// Whether a session was there when the signal came: who signs in again after it is not meant.
pub(super) fn began_before(session: &Meant, came_at: Timestamp) -> bool {
    match session.created_at {
        Some(began) => began <= came_at.0 + CLOCKS_DIFFER_MS,
        None => session.first_seen_at <= came_at.0 + SEEN_BY_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_signs_in_again_after_the_signal_is_not_meant() {
        let session = |created_at, first_seen_at| Meant {
            session_key: String::new(),
            system_id: String::new(),
            place: String::new(),
            site: String::new(),
            account_name: String::new(),
            account_sort: String::new(),
            mail_domain: String::new(),
            created_at,
            first_seen_at,
        };
        let came = Timestamp(1_000_000);
        for (created_at, seen, meant) in [
            (Some(0), 9_000_000, true),
            (Some(1_005_000), 9_000_000, true),
            (Some(1_005_001), 0, false),
            (None, 1_060_000, true),
            (None, 1_060_001, false),
        ] {
            assert_eq!(
                began_before(&session(created_at, seen), came),
                meant,
                "{created_at:?} {seen}"
            );
        }
    }
}
