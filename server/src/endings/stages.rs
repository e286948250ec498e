//! Identity servers first: the sessions of applications wait for them, but never for ever.

use app::wire::Timestamp;

use super::Endings;
use super::store::{self, stages};
use crate::audit::{Action, Entry};
use crate::changes::{bump_all, topic};
use crate::error::Error;

impl Endings {
    /// Until when later stages wait, from now on.
    pub(super) fn stage_until(&self, now: Timestamp) -> Timestamp {
        now.plus_seconds(self.parts.rules.identity_first_s)
    }

    /// Lets endings go on whose identity servers took too long; it is said in the log and on the ending's page.
    pub(super) async fn go_on_overdue(&self) -> Result<(), Error> {
        let now = self.now();
        let mut conn = self.parts.db.read().await?;
        let overdue = match store::pause(&mut conn).await? {
            Some(_) => Vec::new(),
            None => stages::overdue(&mut conn, now).await?,
        };
        drop(conn);
        for (ending, ending_no) in overdue {
            let mut conn = self.parts.db.write().await?;
            store::lock(&mut conn, &ending).await?;
            if stages::go_on(&mut conn, &ending, now).await? {
                let words = "Identity servers were not done in time; the other systems do not wait for them any longer.";
                let entry = Entry::curfew(Action::EndingChanged)
                    .ending(&ending)
                    .target(format!("Ending {ending_no}: goes on without identity servers"))
                    .reason(words, None);
                self.parts.audit.append(&mut conn, &entry, now).await?;
                bump_all(&mut conn, &[topic::ENDINGS, &topic::ending(&ending)]).await?;
            }
            conn.commit().await?;
            self.parts.changes.wake();
        }
        Ok(())
    }
}
