//! What gone sessions may go on as, for an ending's page.

use app::access::wire::Permission;
use app::endings::wire::SignedInSince;
use app::sessions::wire::{SessionKind, person_shown};
use app::wire::{SessionKey, Timestamp};

use super::page::{Names, name_of};
use super::store::since::{self, Likeness};
use super::store::{EndingRow, show};
use crate::caller::Caller;
use crate::db::Conn;
use crate::error::Error;

/// Sessions of each likeness that are offered.
const SINCE: u64 = 50;

/// What gone sessions may go on as, of the same account first.
pub(super) async fn signed_in_since(
    conn: &mut Conn,
    caller: &Caller,
    reader: &show::Reader,
    row: &EndingRow,
    names: &Names,
    now: Timestamp,
) -> Result<Vec<SignedInSince>, Error> {
    let network = caller.visible(Permission::SeeNetworkData, now);
    let mut since: Vec<SignedInSince> = Vec::new();
    for likeness in [Likeness::Account, Likeness::GuestsAddress] {
        let rows = since::signed_in_since(conn, reader, &network, row, likeness, SINCE).await?;
        since.extend(rows.into_iter().map(|row| SignedInSince {
            person: person_shown(&row.display_name, &row.account_name, SessionKind::Other, None),
            account_name: row.account_name,
            system_name: name_of(names, &row.system_id),
            place: row.place,
            ip: row.ip.filter(|_| row.shows_network == 1),
            created_at: Timestamp(row.created_at),
            after_guest: likeness == Likeness::GuestsAddress,
            session_key: SessionKey(row.session_key),
        }));
    }
    Ok(since)
}
