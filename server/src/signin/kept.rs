//! What a session keeps for its next page: one sentence, or a form that came too late.

use app::layout::{Flash, FormEcho};
use app::wire::PortalSessionId;
use serde::{Deserialize, Serialize};

use super::{SignIn, store};
use crate::error::Error;

/// What a session keeps for its next page.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// One sentence about what led there.
    pub flash: Option<Flash>,
    /// A form that came too late, to be shown again.
    pub echo: Option<FormEcho>,
    /// It ran out and was audited; the row stays a day, so that a late form still finds its person.
    pub expired: bool,
}

impl SignIn {
    /// Keeps one sentence for the session's next page.
    pub async fn keep_flash(&self, id: &PortalSessionId, flash: &Flash) -> Result<(), Error> {
        self.keep(id, |kept| kept.flash = Some(flash.clone())).await
    }

    /// Keeps a form that came too late for the session's next page.
    pub async fn keep_echo(&self, id: &PortalSessionId, echo: &FormEcho) -> Result<(), Error> {
        self.keep(id, |kept| kept.echo = Some(echo.clone())).await
    }

    async fn keep(&self, id: &PortalSessionId, change: impl FnOnce(&mut Kept)) -> Result<(), Error> {
        let mut conn = self.db.write().await?;
        if let Some(data) = store::data_to_change(&mut conn, id).await? {
            let mut kept = kept(&data);
            change(&mut kept);
            store::set_data(&mut conn, id, &serde_json::to_string(&kept)?).await?;
        }
        conn.commit().await
    }

    /// What was kept for this page, once.
    pub async fn take_kept(&self, id: &PortalSessionId) -> Result<Kept, Error> {
        let mut conn = self.db.read().await?;
        let found = store::by_id(&mut conn, id).await?.map(|row| kept(&row.data));
        drop(conn);
        if found.is_none_or(|kept| kept.flash.is_none() && kept.echo.is_none()) {
            return Ok(Kept::default());
        }
        // Read again where nobody writes in between: another tab may have taken it, or kept something newer.
        let mut conn = self.db.write().await?;
        let data = store::data_to_change(&mut conn, id).await?;
        store::set_data(&mut conn, id, "{}").await?;
        conn.commit().await?;
        Ok(data.map(|data| kept(&data)).unwrap_or_default())
    }
}

/// What a row keeps; what can't be read keeps nothing.
pub(super) fn kept(data: &str) -> Kept {
    serde_json::from_str(data).unwrap_or_default()
}
