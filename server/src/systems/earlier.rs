//! How many sessions began under an earlier policy: counted as the list counts them.

use app::wire::{Count, SystemId};

use super::{COUNT_UP_TO, store};
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::error::Error;

/// Those of a system within `scope`; `None` = there is nothing to compare its sessions with.
pub async fn count(conn: &mut Conn, scope: &VisibleScope, system: &SystemId) -> Result<Option<Count>, Error> {
    if !store::is_compared(conn, system.as_str()).await? {
        return Ok(None);
    }
    let found = store::count_earlier(conn, system.as_str(), scope, COUNT_UP_TO + 1).await?;
    Ok(Some(match found > COUNT_UP_TO {
        true => Count::MoreThan(COUNT_UP_TO),
        false => Count::Exactly(found),
    }))
}
