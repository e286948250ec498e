//! What people are told about their own account (security C9): changes of what opens it, and new addresses.
//!
//! A notice stands above every page of its person until they take it off, but not in the session that did what it tells
//! of: who stole one can't make it go away there. The account page lists it for a year either way.

use app::paths;
use app::signin::wire::AccountNotice;
use app::wire::{NoticeId, OperatorId, PortalSessionId, Timestamp};

use super::store::PortalSession;
use super::store_notices::{self as store, NewNotice, NoticeRow};
use super::{SignIn, own};
use crate::audit::{Action, Entry};
use crate::caller::{For, Origin};
use crate::db::Conn;
use crate::error::Error;
use crate::keys;
use crate::outbox::{self, Event, Kind};

/// Notices, and addresses somebody signed in from, are kept so long, seconds.
const KEPT_S: i64 = 365 * 86_400;
/// Most notices above a page.
const ABOVE_A_PAGE: i64 = 3;
/// Most notices on the account page.
const ON_THE_ACCOUNT: i64 = 10;

/// Makes the closed vocabulary of what people are told.
macro_rules! matters {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)*) => {
        /// What somebody is told about their account.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Matter { $($(#[$doc])* $name,)* }

        impl Matter {
            /// Stable name: database, webhooks.
            const fn word(self) -> &'static str {
                match self { $(Matter::$name => $word,)* }
            }

            fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Matter::$name),)* _ => None }
            }
        }
    };
}

matters! {
    /// They set a second factor up.
    FactorSetUp = "factor_set_up";
    /// They replaced it.
    FactorReplaced = "factor_replaced";
    /// They removed it.
    FactorRemoved = "factor_removed";
    /// Somebody else removed it.
    FactorReset = "factor_reset";
    /// They made new recovery codes.
    CodesRenewed = "recovery_codes_renewed";
    /// A recovery code was used.
    CodeUsed = "recovery_code_used";
    /// They changed their password.
    PasswordChanged = "password_changed";
    /// A new password was set by a one-time link.
    PasswordByLink = "password_set_by_link";
    /// They signed in from an address they never had before.
    NewAddress = "new_address";
}

/// One thing to tell.
pub(crate) struct Notice<'a> {
    /// Whom.
    pub operator: &'a OperatorId,
    /// What.
    pub matter: Matter,
    /// Who did it, where it was somebody else.
    pub by: Option<&'a str>,
    /// The session that did it.
    pub session: Option<&'a PortalSessionId>,
    /// Address it was done from.
    pub ip: Option<&'a str>,
}

/// Tells somebody, in the transaction of what it tells of; webhooks hear of it too.
pub(crate) async fn tell(conn: &mut Conn, notice: &Notice<'_>, now: Timestamp) -> Result<(), Error> {
    let new = NewNotice {
        id: &NoticeId(keys::new_id()),
        operator: notice.operator,
        kind: notice.matter.word(),
        by_name: notice.by,
        ip: notice.ip,
        session: notice.session,
    };
    store::insert(conn, &new, now).await?;
    let event = Event::new(Kind::AccountNotice, paths::person(notice.operator))
        .fact("what", notice.matter.word())
        .fact("login", store::login(conn, notice.operator).await?);
    outbox::put(conn, &event, now).await
}

/// The notice in words; `shown` = with its address.
fn words(row: &NoticeRow, shown: bool) -> String {
    let by = row.by_name.as_deref().unwrap_or("Somebody");
    let ip = row.ip.as_deref().filter(|_| shown);
    match Matter::from_word(&row.kind) {
        Some(Matter::FactorSetUp) => "A second factor was set up for your account.".to_owned(),
        Some(Matter::FactorReplaced) => "Your second factor was replaced.".to_owned(),
        Some(Matter::FactorRemoved) => "Your second factor was removed.".to_owned(),
        Some(Matter::FactorReset) => format!("Your second factor was removed by {by}."),
        Some(Matter::CodesRenewed) => {
            "New recovery codes were made; the old ones are good for nothing.".to_owned()
        }
        Some(Matter::CodeUsed) => "One of your recovery codes was used.".to_owned(),
        Some(Matter::PasswordChanged) => "Your password was changed.".to_owned(),
        Some(Matter::PasswordByLink) => "Your password was set by a one-time link.".to_owned(),
        Some(Matter::NewAddress) => match ip {
            Some(ip) => format!("You signed in from an address you never used before: {ip}."),
            None => "You signed in from an address you never used before.".to_owned(),
        },
        None => "Something about your account changed.".to_owned(),
    }
}

impl SignIn {
    /// Notes the address of a new session, and tells its person when they never signed in from there before.
    pub(super) async fn note_address(
        &self,
        conn: &mut Conn,
        row: &PortalSession,
        origin: &Origin,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(ip) = origin.ip.as_deref() else {
            return Ok(());
        };
        let (operator, session) = (row.operator(), row.id());
        if !store::note_address(conn, &operator, ip, now).await? {
            return Ok(());
        }
        let entry = own(row, origin, Action::NewAddress).target("Portal session");
        self.audit.append(conn, &entry, now).await?;
        let notice = Notice {
            operator: &operator,
            matter: Matter::NewAddress,
            by: None,
            session: Some(&session),
            ip: Some(ip),
        };
        tell(conn, &notice, now).await
    }

    /// Tells whoever an entry names as its actor about what it says they did.
    pub(super) async fn tell_actor(
        &self,
        conn: &mut Conn,
        entry: &Entry,
        matter: Matter,
        now: Timestamp,
    ) -> Result<(), Error> {
        let notice = Notice {
            operator: &OperatorId(entry.actor_id.clone()),
            matter,
            by: None,
            session: entry.actor_session.as_ref(),
            ip: entry.origin.ip.as_deref(),
        };
        tell(conn, &notice, now).await
    }

    /// Forgets notices and addresses after a year.
    pub(super) async fn forget_notices(&self, conn: &mut Conn, now: Timestamp) -> Result<(), Error> {
        store::sweep(conn, now.plus_seconds(-KEPT_S)).await
    }
}

impl For<SignIn> {
    fn shown(&self, rows: Vec<NoticeRow>) -> Vec<AccountNotice> {
        let shown = !self.caller.screen_share;
        rows.into_iter()
            .map(|row| AccountNotice {
                words: words(&row, shown),
                at: Timestamp(row.created_at),
                notice_id: NoticeId(row.notice_id),
            })
            .collect()
    }

    /// What stands above every page of this session.
    pub(super) async fn open_notices(&self, conn: &mut Conn) -> Result<Vec<AccountNotice>, Error> {
        let rows = store::open_for(conn, &self.caller.id, self.session()?, ABOVE_A_PAGE).await?;
        Ok(self.shown(rows))
    }

    /// What the account page lists.
    pub(super) async fn all_notices(&self, conn: &mut Conn) -> Result<Vec<AccountNotice>, Error> {
        let rows = store::newest(conn, &self.caller.id, ON_THE_ACCOUNT).await?;
        Ok(self.shown(rows))
    }

    /// Takes a notice off the pages of the caller.
    pub(super) async fn dismiss(&self, id: &NoticeId) -> Result<(), Error> {
        self.caller.require_settled()?;
        let mut conn = self.room.db.write().await?;
        store::dismiss(
            &mut conn,
            &self.caller.id,
            self.session()?,
            id,
            self.room.clock.now(),
        )
        .await?;
        conn.commit().await
    }
}
