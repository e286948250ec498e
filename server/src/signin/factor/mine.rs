//! One's own second factor: set up, replaced, removed, and new recovery codes.

use app::error::AppError;
use app::signin::wire::{FactorDraft, MyFactor, RecoveryCodes, SecondFactorPage};
use app::wire::{Done, OperatorId, PortalSessionId, Timestamp};

use super::{fresh_codes, place, store};
use crate::audit::{Action, Entry};
use crate::caller::For;
use crate::changes::{self, topic};
use crate::db::Conn;
use crate::error::Error;
use crate::signin::SignIn;
use crate::signin::factor::totp::Seed;
use crate::signin::notices::Matter;
use crate::signin::store::{self as sessions, Methods};

/// A seed that was shown waits so long for its first code, seconds.
const DRAFT_S: i64 = 15 * 60;

/// The sealed seed that this session may see and confirm, and until when.
fn draft(factor: &store::Factor, session: &PortalSessionId, now: Timestamp) -> Option<(String, Timestamp)> {
    let ends_at = Timestamp(factor.draft_at?).plus_seconds(DRAFT_S);
    let own = factor.draft_session.as_deref() == Some(session.as_str());
    let sealed = factor.draft_seed.clone()?;
    (own && now < ends_at).then_some((sealed, ends_at))
}

impl SignIn {
    /// What the account page shows.
    pub(in crate::signin) async fn my_factor(
        &self,
        conn: &mut Conn,
        operator: &OperatorId,
        now: Timestamp,
    ) -> Result<MyFactor, Error> {
        let factor = store::factor(conn, operator).await?;
        Ok(MyFactor {
            set_up_at: factor.set_up_at.map(Timestamp),
            codes_left: u32::try_from(store::codes_left(conn, operator).await?).unwrap_or(0),
            needed: self.access.needs_factor(conn, operator, now).await?,
        })
    }
}

impl For<SignIn> {
    pub(in crate::signin) async fn factor_page(&self) -> Result<SecondFactorPage, Error> {
        let now = self.room.clock.now();
        let session = self.session()?;
        let mut conn = self.room.db.read().await?;
        let mine = self.room.my_factor(&mut conn, &self.caller.id, now).await?;
        let factor = store::factor(&mut conn, &self.caller.id).await?;
        drop(conn);
        let draft = match draft(&factor, session, now) {
            None => None,
            Some((sealed, ends_at)) => {
                let seed = self.room.open_seed(&self.caller.id, &sealed)?;
                let issuer = &self.room.installation.instance;
                Some(FactorDraft {
                    typed: seed.typed(),
                    picture: seed.picture(issuer, &self.caller.login)?,
                    ends_at,
                })
            }
        };
        Ok(SecondFactorPage { now, mine, draft })
    }

    pub(in crate::signin) async fn begin_factor_(&self) -> Result<Done, Error> {
        let now = self.room.clock.now();
        self.caller.require_fresh_auth(now)?;
        let session = self.session()?;
        let seed = Seed::generate();
        let sealed = self.room.seal.seal(&place(&self.caller.id), seed.expose())?;
        let mut conn = self.room.db.write().await?;
        store::keep_draft(&mut conn, &self.caller.id, session, &sealed, now).await?;
        self.note_change(&mut conn, "Began to set up the own second factor", None, now)
            .await?;
        conn.commit().await?;
        Ok(Done::default())
    }

    /// The draft's first code makes it the factor in force. The caller's browser gets a new cookie next.
    pub(in crate::signin) async fn confirm_factor_(&self, code: &str) -> Result<RecoveryCodes, Error> {
        let now = self.room.clock.now();
        self.caller.require_fresh_auth(now)?;
        let session = self.session()?;
        let id = &self.caller.id;
        let mut conn = self.room.db.write().await?;
        let factor = store::factor_to_use(&mut conn, id).await?;
        let Some((sealed, _)) = draft(&factor, session, now) else {
            return Err(AppError::Conflict {
                message: "This took too long. Begin again with a new picture.".to_owned(),
            }
            .into());
        };
        let typed: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
        let Some(step) = self.room.open_seed(id, &sealed)?.step_of(&typed, now) else {
            let problem = "This is not the code of this picture. Write the six digits that your app shows now, and \
                           look whether the clock of its device is right.";
            return Err(AppError::invalid("code", problem).into());
        };
        store::set_up(&mut conn, id, step, now).await?;
        store::forget_steps(&mut conn, id).await?;
        let codes = fresh_codes(&mut conn, id).await?;
        sessions::set_auth(&mut conn, session, Methods::PasswordAndCode, now).await?;
        let (words, matter) = match factor.seed {
            Some(_) => ("Replaced the own second factor", Matter::FactorReplaced),
            None => ("Set up the own second factor", Matter::FactorSetUp),
        };
        self.note_change(&mut conn, words, Some(matter), now).await?;
        let entry = Entry::by(&self.caller, Action::SessionRenewed).target("Portal session");
        self.room.audit.append(&mut conn, &entry, now).await?;
        // They began without it.
        for row in sessions::live_of(&mut conn, id, now).await? {
            if row.id() != *session && sessions::delete(&mut conn, &row.id()).await? {
                let entry = Entry::by(&self.caller, Action::PortalSessionEnded)
                    .account(&row.login)
                    .target("Own portal session");
                self.room.audit.append(&mut conn, &entry, now).await?;
            }
        }
        changes::bump_all(&mut conn, &[topic::ACCESS, topic::PORTAL_SESSIONS]).await?;
        conn.commit().await?;
        Ok(codes)
    }

    pub(in crate::signin) async fn new_codes(&self) -> Result<RecoveryCodes, Error> {
        let now = self.room.clock.now();
        self.caller.require_fresh_auth(now)?;
        let mut conn = self.room.db.write().await?;
        let factor = store::factor_to_use(&mut conn, &self.caller.id).await?;
        if factor.seed.is_none() {
            return Err(no_factor());
        }
        let codes = fresh_codes(&mut conn, &self.caller.id).await?;
        self.note_change(
            &mut conn,
            "Made new recovery codes",
            Some(Matter::CodesRenewed),
            now,
        )
        .await?;
        conn.commit().await?;
        Ok(codes)
    }

    pub(in crate::signin) async fn remove_factor_(&self) -> Result<Done, Error> {
        let now = self.room.clock.now();
        self.caller.require_fresh_auth(now)?;
        let mut conn = self.room.db.write().await?;
        if self
            .room
            .access
            .needs_factor(&mut conn, &self.caller.id, now)
            .await?
        {
            return Err(AppError::Conflict {
                message: "A role of yours needs a second factor. You can replace it, not remove it."
                    .to_owned(),
            }
            .into());
        }
        if !store::remove(&mut conn, &self.caller.id).await? {
            return Err(no_factor());
        }
        self.note_change(
            &mut conn,
            "Removed the own second factor",
            Some(Matter::FactorRemoved),
            now,
        )
        .await?;
        changes::bump(&mut conn, topic::ACCESS).await?;
        conn.commit().await?;
        Ok(Done {
            message: "Your second factor is removed. Your password alone signs you in.".to_owned(),
        })
    }

    /// Writes a change down, and tells its person where it is one of what opens the door.
    async fn note_change(
        &self,
        conn: &mut Conn,
        words: &str,
        matter: Option<Matter>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let entry = Entry::by(&self.caller, Action::FactorChange)
            .account(&self.caller.login)
            .target(words);
        self.room.audit.append(conn, &entry, now).await?;
        if let Some(matter) = matter {
            self.room.tell_actor(conn, &entry, matter, now).await?;
        }
        Ok(())
    }
}

fn no_factor() -> Error {
    AppError::Conflict {
        message: "There is no second factor. Set one up first.".to_owned(),
    }
    .into()
}
