//! One-time links: the first administrator's, an invitation, a forgotten password.

use app::access::wire::{OneTimeLink, Scope};
use app::audit::wire::AuditResult;
use app::error::AppError;
use app::wire::{PortalSessionId, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::notices::{Matter, Notice};
use super::store::Methods;
use super::{Entered, SignIn, SignedIn, factor, notices, own, store, throttle};
use crate::access::links::{self, Purpose};
use crate::access::{ADMINISTRATOR, SeedOperator};
use crate::audit::{Action, Entry};
use crate::caller::Origin;
use crate::changes::{self, topic};
use crate::db::Conn;
use crate::error::Error;

/// Sign-in name of the first administrator, made when the bootstrap link is used.
const FIRST_LOGIN: &str = "admin";

const BAD_CODE: &str =
    "This code is not good, or not any more: it works once and for a limited time. Ask for a new link.";

impl SignIn {
    /// A fresh one-time link for the first administrator, as long as there is no operator at all. Older ones lapse.
    pub async fn bootstrap_link(&self) -> Result<Option<OneTimeLink>, Error> {
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        if self.access.any_operator(&mut conn).await? {
            return Ok(None);
        }
        let new = links::NewLink {
            purpose: Purpose::Bootstrap,
            operator_id: None,
            login: FIRST_LOGIN,
            created_by: None,
            good_for_s: self.rules.bootstrap_s,
        };
        let link = links::create(&mut conn, &self.installation.public_url, &new, now).await?;
        let entry = Entry::curfew(Action::LinkCreated)
            .target("One-time link for the first administrator")
            .fact("purpose", Purpose::Bootstrap.name())
            .fact("expires_at", link.expires_at.0);
        self.audit.append(&mut conn, &entry, now).await?;
        conn.commit().await?;
        Ok(Some(link))
    }

    /// Uses a one-time link: sets the password, ends older sessions of that person and signs them in. Who has a second
    /// factor comes to its code first: a link is sent by somebody else, so it opens no more than a password would.
    ///
    /// `Invalid` on `code`, `new` or `again`; then the link stays good.
    pub async fn welcome(
        &self,
        code: SecretString,
        new: SecretString,
        again: SecretString,
        origin: &Origin,
        replaces: Option<PortalSessionId>,
    ) -> Result<Entered, Error> {
        let turn = self.hasher.turn().await?;
        let now = self.clock.now();
        let mut conn = self.db.read().await?;
        let link = self.good_link(&mut conn, code.expose_secret(), now).await?;
        let Some(link) = link else {
            drop(conn);
            let entry = Entry::nobody(origin, Action::LoginFail)
                .target("One-time code")
                .result(AuditResult::Refused);
            self.audit.note(&entry).await?;
            return Err(AppError::invalid("code", BAD_CODE).into());
        };
        let (login, name) = match &link.operator_id {
            None => (FIRST_LOGIN.to_owned(), "Administrator".to_owned()),
            Some(id) => self
                .access
                .login_and_name(&mut conn, id)
                .await?
                .ok_or_else(|| AppError::invalid("code", BAD_CODE))?,
        };
        drop(conn);
        self.check_new(&new, Some(&again), &login, &name, "new")?;
        let hash = self.hasher.hash(&turn, new).await?;
        let mut conn = self.db.write().await?;
        if !links::take(&mut conn, &link.link_id, now).await? {
            return Err(AppError::invalid("code", BAD_CODE).into());
        }
        let operator_id = match link.operator_id {
            Some(id) => id,
            None => {
                let first = SeedOperator {
                    login: FIRST_LOGIN,
                    display_name: "Administrator",
                    grants: &[(ADMINISTRATOR, Scope::EVERYWHERE)],
                    reason: "first set-up",
                };
                self.access.seed(&mut conn, &first, now).await?
            }
        };
        store::set_password(&mut conn, &operator_id, &hash, now).await?;
        throttle::forget(&mut conn, &login).await?;
        factor::store::forget_steps(&mut conn, &operator_id).await?;
        let used = Entry::nobody(origin, Action::LinkUsed)
            .operator(&operator_id, &name, None)
            .account(&login)
            .target("One-time link")
            .fact("purpose", link.purpose.name());
        self.audit.append(&mut conn, &used, now).await?;
        let changed = Entry {
            action: Action::PasswordChange,
            ..used
        };
        self.audit
            .append(
                &mut conn,
                &changed.target("Set a password by a one-time link"),
                now,
            )
            .await?;
        if link.purpose == Purpose::Reset {
            let notice = Notice {
                operator: &operator_id,
                matter: Matter::PasswordByLink,
                by: None,
                session: None,
                ip: origin.ip.as_deref(),
            };
            notices::tell(&mut conn, &notice, now).await?;
        }
        for row in store::live_of(&mut conn, &operator_id, now).await? {
            if store::delete(&mut conn, &row.id()).await? {
                let entry = own(&row, origin, Action::PortalSessionEnded)
                    .target("A new password was set by a one-time link");
                self.audit.append(&mut conn, &entry, now).await?;
            }
        }
        if self.has_factor(&mut conn, &operator_id).await? {
            let token = self
                .wait_for_code(&mut conn, &operator_id, "one-time link", now)
                .await?;
            changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
            conn.commit().await?;
            return Ok(Entered::NeedsCode(token));
        }
        let (doors, _) =
            throttle::look(&mut conn, &login, origin.ip.as_deref().unwrap_or_default(), now).await?;
        throttle::succeeded(&mut conn, &doors, now).await?;
        let id = self
            .begin(&mut conn, &operator_id, origin, replaces, Methods::Password, now)
            .await?;
        let entry = Entry::nobody(origin, Action::LoginSuccess)
            .operator(&operator_id, &name, Some(&id))
            .account(&login)
            .fact("factor", "one-time link");
        self.audit.append(&mut conn, &entry, now).await?;
        changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
        conn.commit().await?;
        Ok(Entered::In(SignedIn {
            session: id,
            operator: operator_id,
            codes_left: None,
        }))
    }

    /// The link of a code, if it may still be used: a bootstrap link only while there is no operator.
    async fn good_link(
        &self,
        conn: &mut Conn,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<links::GoodLink>, Error> {
        let link = links::good(conn, code, now).await?;
        if link.as_ref().is_some_and(|l| l.purpose == Purpose::Bootstrap)
            && self.access.any_operator(conn).await?
        {
            return Ok(None);
        }
        Ok(link)
    }
}
