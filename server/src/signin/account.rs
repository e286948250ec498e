//! The port of one's own account: the frame, own sign-ins, preferences, password.

use std::sync::Weak;

use app::error::AppError;
use app::signin::port::SignInPort;
use app::signin::wire::{
    Density, Frame, MySession, MySessions, PasswordChange, RecoveryCodes, SecondFactorPage, Theme, Times,
};
use app::wire::{Done, NoticeId, PortalSessionId, Timestamp};
use async_trait::async_trait;
use secrecy::SecretString;

use super::notices::Matter;
use super::store::Methods;
use super::{SignIn, factor, store};
use crate::access::links;
use crate::audit::{Action, Entry};
use crate::caller::{For, SecondFactor};
use crate::changes::{self, topic};
use crate::error::Error;

impl For<SignIn> {
    /// The session the caller came with.
    pub(super) fn session(&self) -> Result<&PortalSessionId, AppError> {
        self.caller.session.as_ref().ok_or(AppError::SignedOut)
    }

    async fn row(&self) -> Result<store::PortalSession, Error> {
        let mut conn = self.room.db.read().await?;
        store::by_id(&mut conn, self.session()?)
            .await?
            .ok_or_else(|| AppError::SignedOut.into())
    }

    async fn show_frame(&self) -> Result<Frame, Error> {
        let now = self.room.clock.now();
        let row = self.row().await?;
        let mut conn = self.room.db.read().await?;
        let preferences = store::preferences(&mut conn, &self.caller.id).await?;
        let notices = self.open_notices(&mut conn).await?;
        drop(conn);
        let preference = |name: &str| {
            preferences
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, value)| value.as_str())
        };
        let (running, banners) = match self.room.facts.get().and_then(Weak::upgrade) {
            Some(facts) => (
                facts.running(&self.caller, now).await?,
                facts.banners(&self.caller, now).await?,
            ),
            None => (None, Vec::new()),
        };
        let installation = &self.room.installation;
        Ok(Frame {
            now,
            instance: installation.instance.clone(),
            demo: installation.demo,
            display_name: self.caller.name.clone(),
            login: self.caller.login.clone(),
            permissions: self.caller.permissions(now),
            theme: preference("theme").and_then(Theme::from_name).unwrap_or_default(),
            times: match preference("times") {
                Some("absolute") => Times::Absolute,
                _ => Times::Relative,
            },
            density: preference("density")
                .and_then(Density::from_name)
                .unwrap_or_default(),
            single_keys: preference("keys") != Some("off"),
            zone_offset_min: 0,
            zone_name: "UTC".to_owned(),
            idle_ends_at: row.idle_ends_at(),
            absolute_ends_at: Timestamp(row.absolute_expires_at),
            running,
            banners,
            screen_share: self.caller.screen_share,
            notices,
        })
    }

    async fn show_sessions(&self) -> Result<MySessions, Error> {
        let now = self.room.clock.now();
        let mut conn = self.room.db.read().await?;
        let rows = store::live_of(&mut conn, &self.caller.id, now).await?;
        let second_factor = self.room.my_factor(&mut conn, &self.caller.id, now).await?;
        let notices = self.all_notices(&mut conn).await?;
        let shown = !self.caller.screen_share;
        Ok(MySessions {
            now,
            sessions: rows
                .into_iter()
                .map(|row| MySession {
                    current: self.caller.session.as_ref() == Some(&row.id()),
                    portal_session_id: row.id(),
                    created_at: Timestamp(row.created_at),
                    last_active_at: Timestamp(row.last_active_at),
                    idle_ends_at: row.idle_ends_at(),
                    absolute_ends_at: Timestamp(row.absolute_expires_at),
                    client: shown.then(|| client(row.user_agent.as_deref())),
                    ip: row.ip.filter(|_| shown),
                    changed_source_at: row.changed_source_at.map(Timestamp),
                })
                .collect(),
            max_parallel: self.room.rules.max_parallel,
            second_factor,
            notices,
        })
    }

    /// Ends one's own sessions that `which` picks; how many.
    async fn end_own(&self, which: impl Fn(&PortalSessionId) -> bool + Send) -> Result<u64, Error> {
        let now = self.room.clock.now();
        self.caller.require_settled()?;
        self.caller.require_fresh_auth(now)?;
        let mut conn = self.room.db.write().await?;
        let mut ended = 0;
        for row in store::live_of(&mut conn, &self.caller.id, now).await? {
            if which(&row.id()) && store::delete(&mut conn, &row.id()).await? {
                ended += 1;
                let entry = Entry::by(&self.caller, Action::PortalSessionEnded)
                    .account(&row.login)
                    .target("Own portal session");
                self.room.audit.append(&mut conn, &entry, now).await?;
            }
        }
        if ended > 0 {
            changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
        }
        conn.commit().await?;
        Ok(ended)
    }

    async fn keep(&self, name: &str, value: &str) -> Result<Done, Error> {
        self.caller.require_settled()?;
        let mut conn = self.room.db.write().await?;
        store::set_preference(&mut conn, &self.caller.id, name, value).await?;
        conn.commit().await?;
        Ok(Done::default())
    }

    async fn share(&self, on: bool) -> Result<Done, Error> {
        self.caller.require_settled()?;
        let now = self.room.clock.now();
        let mut conn = self.room.db.write().await?;
        if store::set_screen_share(&mut conn, self.session()?, on).await? {
            let entry = Entry::by(&self.caller, Action::ScreenShare)
                .account(&self.caller.login)
                .target("Own portal session")
                .fact("hidden", on);
            self.room.audit.append(&mut conn, &entry, now).await?;
        }
        conn.commit().await?;
        Ok(done(match on {
            true => "Addresses, mail and browsers are hidden in this sign-in, until you show them again.",
            false => "Addresses, mail and browsers are shown again.",
        }))
    }

    async fn change(&self, change: PasswordChange) -> Result<Done, Error> {
        self.caller.require_settled()?;
        if self.caller.factor == SecondFactor::Set {
            self.caller.require_fresh_auth(self.room.clock.now())?;
        }
        let own_session = self.session()?.clone();
        let new = SecretString::from(change.new);
        let turn = self.room.hasher.turn().await?;
        self.room
            .check_new(&new, None, &self.caller.login, &self.caller.name, "new")?;
        self.room
            .confirm_password(
                &self.caller,
                &turn,
                SecretString::from(change.current),
                "current",
                Action::PasswordChange,
            )
            .await?;
        let hash = self.room.hasher.hash(&turn, new).await?;
        let now = self.room.clock.now();
        let mut conn = self.room.db.write().await?;
        store::set_password(&mut conn, &self.caller.id, &hash, now).await?;
        if self.caller.factor != SecondFactor::Set {
            // With a second factor the password alone is no full authentication.
            store::set_auth(&mut conn, &own_session, Methods::Password, now).await?;
        }
        factor::store::forget_steps(&mut conn, &self.caller.id).await?;
        links::withdraw(&mut conn, &self.caller.id, now).await?;
        let entry = Entry::by(&self.caller, Action::PasswordChange)
            .account(&self.caller.login)
            .target("Own password");
        self.room.audit.append(&mut conn, &entry, now).await?;
        self.room
            .tell_actor(&mut conn, &entry, Matter::PasswordChanged, now)
            .await?;
        let entry = Entry::by(&self.caller, Action::SessionRenewed).target("Portal session");
        self.room.audit.append(&mut conn, &entry, now).await?;
        let mut ended = 0;
        if change.end_others {
            for row in store::live_of(&mut conn, &self.caller.id, now).await? {
                if row.id() != own_session && store::delete(&mut conn, &row.id()).await? {
                    ended += 1;
                    let entry = Entry::by(&self.caller, Action::PortalSessionEnded)
                        .account(&row.login)
                        .target("Own portal session");
                    self.room.audit.append(&mut conn, &entry, now).await?;
                }
            }
            changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
        }
        conn.commit().await?;
        Ok(done(match (change.end_others, ended) {
            (false, _) => "Your password is changed.".to_owned(),
            (true, 0) => "Your password is changed. There was no other sign-in.".to_owned(),
            (true, 1) => "Your password is changed. Your one other sign-in is over.".to_owned(),
            (true, n) => format!("Your password is changed. Your {n} other sign-ins are over."),
        }))
    }
}

#[async_trait]
impl SignInPort for For<SignIn> {
    async fn frame(&self) -> Result<Frame, AppError> {
        Ok(self.show_frame().await?)
    }

    async fn my_sessions(&self) -> Result<MySessions, AppError> {
        self.caller.require_settled()?;
        Ok(self.show_sessions().await?)
    }

    async fn end_my_session(&self, session: PortalSessionId) -> Result<Done, AppError> {
        match self.end_own(|id| *id == session).await? {
            0 => Err(AppError::not_found("sign-in")),
            _ => Ok(done("This sign-in is over.")),
        }
    }

    async fn end_my_other_sessions(&self) -> Result<Done, AppError> {
        let current = self.session()?.clone();
        Ok(match self.end_own(|id| *id != current).await? {
            0 => done("There was no other sign-in."),
            1 => done("Your one other sign-in is over."),
            n => done(format!("Your {n} other sign-ins are over.")),
        })
    }

    async fn extend(&self) -> Result<Timestamp, AppError> {
        self.caller.require_settled()?;
        let now = self.room.clock.now();
        let row = self.row().await?;
        let mut conn = self.room.db.write().await?;
        store::touch(&mut conn, &row, now).await?;
        conn.commit().await?;
        Ok(now.plus_seconds(row.idle_timeout_s))
    }

    async fn save_theme(&self, theme: Theme) -> Result<Done, AppError> {
        Ok(self.keep("theme", theme.name()).await?)
    }

    async fn save_times(&self, times: Times) -> Result<Done, AppError> {
        let value = match times {
            Times::Relative => "relative",
            Times::Absolute => "absolute",
        };
        Ok(self.keep("times", value).await?)
    }

    async fn save_density(&self, density: Density) -> Result<Done, AppError> {
        Ok(self.keep("density", density.name()).await?)
    }

    async fn save_single_keys(&self, on: bool) -> Result<Done, AppError> {
        Ok(self.keep("keys", if on { "on" } else { "off" }).await?)
    }

    async fn share_screen(&self, on: bool) -> Result<Done, AppError> {
        Ok(self.share(on).await?)
    }

    async fn dismiss_notice(&self, notice: NoticeId) -> Result<Done, AppError> {
        self.dismiss(&notice).await?;
        Ok(Done::default())
    }

    async fn change_password(&self, change: PasswordChange) -> Result<Done, AppError> {
        Ok(self.change(change).await?)
    }

    async fn second_factor(&self) -> Result<SecondFactorPage, AppError> {
        Ok(self.factor_page().await?)
    }

    async fn begin_factor(&self) -> Result<Done, AppError> {
        Ok(self.begin_factor_().await?)
    }

    async fn confirm_factor(&self, code: String) -> Result<RecoveryCodes, AppError> {
        Ok(self.confirm_factor_(&code).await?)
    }

    async fn new_recovery_codes(&self) -> Result<RecoveryCodes, AppError> {
        Ok(self.new_codes().await?)
    }

    async fn remove_factor(&self) -> Result<Done, AppError> {
        Ok(self.remove_factor_().await?)
    }
}

fn done(message: impl Into<String>) -> Done {
    Done {
        message: message.into(),
    }
}

/// "Chrome 149 · Windows 10", or as much of it as can be read.
fn client(user_agent: Option<&str>) -> String {
    let Some(text) = user_agent else {
        return "Unknown browser".to_owned();
    };
    match woothee::parser::Parser::new().parse(text) {
        Some(found) if found.name != "UNKNOWN" => {
            let version = found.version.split('.').next().unwrap_or_default();
            format!("{} {version} · {}", found.name, found.os)
        }
        _ => text.chars().take(40).collect(),
    }
}
