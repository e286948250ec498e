//! Whether something stands against a request that is believed: it is all looked up at once, before Tableau is asked.

use app::tickets::wire::TicketOutcome;
use app::wire::Timestamp;

use super::ask::No;
use super::token::Believed;
use super::{Tickets, store_marks};
use crate::error::Error;

impl Tickets {
    /// Marks a server's token as used; a browser's may come again.
    pub(super) async fn use_once(&self, believed: &Believed) -> Result<bool, Error> {
        Ok(self.claim(believed) && self.mark(believed).await?)
    }

    /// Takes its token for this request; false when this process met it before.
    pub(super) fn claim(&self, believed: &Believed) -> bool {
        believed.jti.is_empty() || self.journal.claim(&believed.jti_key(), believed.expires_at)
    }

    pub(super) async fn mark(&self, believed: &Believed) -> Result<bool, Error> {
        if believed.jti.is_empty() {
            return Ok(true);
        }
        self.journal.mark(believed.jti_key(), believed.expires_at).await
    }

    /// What is known against a request: its token was used, the person's sign-in at the app is over or too old, or they
    /// are held.
    pub(super) async fn stands_against(
        &self,
        believed: &Believed,
        user: &str,
        now: Timestamp,
    ) -> Result<Option<No>, Error> {
        let no = |cause: &str| Ok(Some(No::because(TicketOutcome::SignedOut, cause)));
        let settings = &believed.app.settings;
        if let Some(at) = believed.auth_time
            && now.since(at) > settings.max_age_s * 1000
        {
            return no("The sign-in at the app is older than max_age_s.");
        }
        let jti_key = match believed.jti.as_str() {
            "" => String::new(),
            _ => believed.jti_key(),
        };
        let whose = store_marks::Whose {
            app: &settings.id,
            sid_hash: believed.sid_hash.as_deref().unwrap_or_default(),
            jti_key: &jti_key,
            system: &believed.app.system,
            place: &believed.site,
            account_sort: &settings.account_of(user),
        };
        let mut conn = self.parts.db.read().await?;
        let against = store_marks::against(&mut conn, &whose).await?;
        if against.used {
            return Ok(Some(No::plain(TicketOutcome::Replayed)));
        }
        if against.dead {
            return no("The app's session is over.");
        }
        let stands = against
            .held
            .is_some_and(|(since, until)| match believed.auth_time {
                Some(at) => at <= since,
                None => now < until,
            });
        if stands {
            return no("Their sessions were ended; there was no sign-in at the app since.");
        }
        Ok(None)
    }
}
