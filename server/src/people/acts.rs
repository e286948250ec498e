//! What people decide about people: two accounts are one person, or an account is not this person's.
//!
//! Both change whose sessions are ended together, so they need what changing grants needs; and who decides about a person
//! must see the whole of them.

use app::access::wire::Permission;
use app::error::AppError;
use app::people::wire::{CutAsked, Ground, LinkAsked, Which};
use app::wire::{Done, SystemId, Timestamp};

use super::link::{keep, pool_of};
use super::{People, store};
use crate::audit::{Action, Entry};
use crate::caller::{For, Permit};
use crate::changes::{self, topic};
use crate::db::Conn;
use crate::domain::grant::About;
use crate::domain::subject::{Account, Link, Pool};
use crate::error::Error;
use crate::keys;

/// What accounts say that hung on one that was cut away.
const STAYED: &str = "stayed with this person when another account was cut";

impl For<People> {
    fn may_decide(&self, now: Timestamp) -> Result<Permit, AppError> {
        self.caller
            .authorize(Permission::SeeSessions, About::Portal, now)?;
        let permit = self
            .caller
            .authorize(Permission::ManageAccess, About::Portal, now)?;
        self.caller.require_fresh_auth(now)?;
        Ok(permit)
    }

    /// Whether [`For::link`] and [`For::cut`] are open to the caller at all.
    pub(super) fn decides(&self, now: Timestamp) -> bool {
        [Permission::SeeSessions, Permission::ManageAccess]
            .into_iter()
            .all(|p| self.caller.authorize(p, About::Portal, now).is_ok())
    }

    pub(super) async fn link(&self, asked: LinkAsked) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_decide(now)?;
        let reason = checked(&asked.reason)?;
        let mut conn = self.room.db.write().await?;
        self.room.audit.lock(&mut conn).await?;
        let account = match &asked.which {
            Which::Key(key) => found(&mut conn, key.as_str()).await?,
            Which::Named { system_id, name } => named_so(&mut conn, system_id, name).await?,
        };
        let people = [asked.subject.0.clone(), account.subject.clone()];
        let both = store::of_subjects(&mut conn, &people).await?;
        let keys_of = |subject: &str| -> Vec<String> {
            let own = both.iter().filter(|own| own.subject == subject);
            own.map(|own| own.key.clone()).collect()
        };
        let (host, moved) = (keys_of(&people[0]), keys_of(&people[1]));
        let Some(with) = host.first().cloned() else {
            return Err(AppError::not_found("person").into());
        };
        if people[0] == people[1] {
            return Err(AppError::invalid("account", "This account is this person's already.").into());
        }
        store::drop_cuts(&mut conn, &host, &moved).await?;
        let mut pool = pool_of(&mut conn, both).await?;
        let why = Link {
            with: with.clone(),
            ground: Ground::Hand,
            words: reason.clone(),
            by: self.caller.name.clone(),
            at: now.0,
        };
        pool.link_by_hand(&account.key, &with, why);
        let entry = Entry::by(&self.caller, Action::PeopleLinked)
            .target("2 accounts, by hand")
            .fact("account", named(&account))
            .fact("with", pool.get(&with).map_or(serde_json::Value::Null, named));
        self.finish(conn, &permit, &pool, entry.reason(&reason, None), now)
            .await?;
        Ok(Done {
            message: "Linked. These accounts are one person now.".to_owned(),
        })
    }

    pub(super) async fn cut(&self, asked: CutAsked) -> Result<Done, Error> {
        let now = self.room.clock.now();
        let permit = self.may_decide(now)?;
        let reason = checked(&asked.reason)?;
        let mut conn = self.room.db.write().await?;
        self.room.audit.lock(&mut conn).await?;
        let account = found(&mut conn, asked.account.as_str()).await?;
        if account.subject != asked.subject.0 {
            let message = "Somebody changed this person meanwhile. Look at it again.".to_owned();
            return Err(AppError::Conflict { message }.into());
        }
        let mut pool = pool_of(&mut conn, vec![account.clone()]).await?;
        if pool.of(&account.subject).len() < 2 {
            return Err(AppError::invalid("account", "This person has no other account.").into());
        }
        let own = keys::new_id();
        let why = Link {
            with: String::new(),
            ground: Ground::Hand,
            words: STAYED.to_owned(),
            by: self.caller.name.clone(),
            at: now.0,
        };
        let in_force = self.room.in_force();
        let stay = pool.cut(&account.key, &own, &in_force.rules, why);
        store::add_subject(&mut conn, &own, now).await?;
        store::add_cuts(&mut conn, &account.key, &stay, &self.caller.name, &reason, now).await?;
        let rest: Vec<serde_json::Value> = stay.iter().filter_map(|key| pool.get(key)).map(named).collect();
        let entry = Entry::by(&self.caller, Action::PeopleCut)
            .target("1 account")
            .fact("account", named(&account))
            .fact("from", rest);
        self.finish(conn, &permit, &pool, entry.reason(&reason, None), now)
            .await?;
        Ok(Done {
            message: "Cut. No rule links this account here again.".to_owned(),
        })
    }

    async fn finish(
        &self,
        mut conn: Conn,
        permit: &Permit,
        pool: &Pool,
        entry: Entry,
        now: Timestamp,
    ) -> Result<(), Error> {
        keep(&mut conn, pool).await?;
        let entry = entry.permission(permit.permission());
        self.room.audit.append(&mut conn, &entry, now).await?;
        changes::bump_all(&mut conn, &[topic::SESSIONS]).await?;
        conn.commit().await
    }
}

async fn found(conn: &mut Conn, key: &str) -> Result<Account, Error> {
    let found = match key.contains('\0') {
        true => None,
        false => store::account(conn, key).await?,
    };
    found.ok_or_else(|| AppError::not_found("account").into())
}

/// The one account of that name in a system.
async fn named_so(conn: &mut Conn, system: &SystemId, name: &str) -> Result<Account, Error> {
    let mut found = match name.contains('\0') {
        true => Vec::new(),
        false => store::named(conn, system.as_str(), &name.trim().to_lowercase()).await?,
    };
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(AppError::invalid(
            "name",
            "Several accounts there have this name. Link from the page of the person it is.",
        )
        .into()),
        (None, _) => Err(AppError::invalid("name", "No account of this name is known there.").into()),
    }
}

/// An account as the log names it.
fn named(account: &Account) -> serde_json::Value {
    serde_json::json!([account.system, account.place, account.principal])
}

fn checked(reason: &str) -> Result<String, AppError> {
    let reason = reason.trim();
    let good = !reason.is_empty() && reason.chars().count() <= 500 && !reason.chars().any(char::is_control);
    match good {
        true => Ok(reason.to_owned()),
        false => Err(AppError::invalid(
            "reason",
            "Say why, in one line of at most 500 characters.",
        )),
    }
}
