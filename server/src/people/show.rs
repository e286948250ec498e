//! People as a caller may see them: every part is narrowed to the sessions and accounts of their grant, and whether there
//! is more stays untold.

use std::collections::{BTreeSet, HashMap};

use app::access::wire::Permission;
use app::error::AppError;
use app::people::wire::{
    AccountRow, Alike, Ground, PeoplePage, PeopleQuery, PersonLine, PersonPage, Stay, Touched,
};
use app::sessions::wire::{SessionKind, SessionState};
use app::wire::{AccountKey, SubjectId, SystemId, Timestamp};
use data_encoding::HEXLOWER;

use super::People;
use super::store;
use super::store::show::{self, Listed, Live, Place, Shown};
use crate::caller::For;
use crate::caller::scope::Rows;
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::domain::subject::{Account, Rules, pair};
use crate::error::Error;

/// People on a page.
const PAGE: usize = 50;
/// Sessions on a time line.
const STAYS: usize = 200;
/// The time line goes back so long, ms.
const DAY_MS: i64 = 86_400_000;
/// Endings shown of a person.
const ENDINGS: u64 = 20;
/// Look-alikes that are looked at.
const ALIKE: u64 = 500;
/// Longest search, in characters.
const LONGEST: usize = 100;

/// What a caller may see of people at one moment.
struct View {
    seen: VisibleScope,
    network: VisibleScope,
    now: Timestamp,
}

impl View {
    /// Whether there is nothing outside of it.
    fn whole(&self) -> bool {
        self.seen.everywhere
    }
}

impl For<People> {
    fn view(&self, now: Timestamp) -> View {
        View {
            seen: self.caller.visible(Permission::SeeSessions, now),
            network: self.caller.visible(Permission::SeeNetworkData, now),
            now,
        }
    }

    pub(super) async fn page(&self, query: PeopleQuery) -> Result<PeoplePage, Error> {
        let now = self.room.clock.now();
        self.caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let view = self.view(now);
        if query.search.chars().count() > LONGEST || query.search.contains('\0') {
            return Err(AppError::invalid("q", "Search for at most 100 characters.").into());
        }
        let words = query.search.split_whitespace().map(str::to_lowercase);
        let listed = Listed {
            seen: view.seen.condition(Rows::Accounts),
            sessions: view.seen.condition(Rows::Sessions),
            words: words.collect(),
            live: query.live,
            after: query.after.as_deref().map(read_cursor).transpose()?,
            most: PAGE as u64 + 1,
        };
        let mut conn = self.room.db.read().await?;
        let mut places = show::people(&mut conn, &listed).await?;
        let more = places.len() > PAGE;
        places.truncate(PAGE);
        let ids: Vec<String> = places.iter().map(|place| place.subject_id.clone()).collect();
        let accounts = show::accounts(&mut conn, view.seen.condition(Rows::Accounts), &ids).await?;
        let live = self.live(&mut conn, &view, &ids).await?;
        let alike = self.alike(&mut conn, &view, &accounts).await?;
        drop(conn);
        self.room
            .audit
            .looked(&self.caller, "people", &query.search)
            .await?;
        let next = places.last().filter(|_| more).map(write_cursor);
        let people = places
            .into_iter()
            .map(|place| {
                let own: Vec<&Shown> = accounts
                    .iter()
                    .filter(|account| account.subject_id == place.subject_id)
                    .collect();
                let named: BTreeSet<&str> = own.iter().map(|account| account.name()).collect();
                let live = live.get(&place.subject_id);
                PersonLine {
                    name: first_name(&own),
                    accounts: named.into_iter().map(str::to_owned).collect(),
                    sessions: live.map_or(0, |live| live.sessions.unsigned_abs()),
                    systems: live.map_or(0, |live| live.systems.unsigned_abs()),
                    last_active_at: live.and_then(|live| live.last_active_at).map(Timestamp),
                    alike: alike
                        .iter()
                        .any(|(one, _)| own.iter().any(|own| own.account_key == *one)),
                    subject_id: SubjectId(place.subject_id),
                }
            })
            .collect();
        Ok(PeoplePage {
            now,
            people,
            next,
            whole: view.whole(),
        })
    }

    pub(super) async fn person(&self, subject: SubjectId) -> Result<PersonPage, Error> {
        let now = self.room.clock.now();
        let view = self.view(now);
        let nobody = || AppError::not_found("person");
        if view.seen.is_empty() || subject.0.contains('\0') {
            return Err(nobody().into());
        }
        let mut conn = self.room.db.read().await?;
        let ids = [subject.0.clone()];
        let accounts = show::accounts(&mut conn, view.seen.condition(Rows::Accounts), &ids).await?;
        if accounts.is_empty() {
            return Err(nobody().into());
        }
        let names = self.room.systems.names(&mut conn).await?;
        let system = |id: &str| {
            let id = SystemId::from(id);
            names.get(&id).cloned().unwrap_or(id.0)
        };
        let live = self.live(&mut conn, &view, &ids).await?.remove(&subject.0);
        let sessions = view.seen.condition(Rows::Sessions);
        let since = now.0 - DAY_MS;
        let mut stays = show::stays(&mut conn, sessions, &subject.0, since, STAYS as u64 + 1).await?;
        let more_stays = stays.len() > STAYS;
        stays.truncate(STAYS);
        let items = view.seen.condition(Rows::Items);
        let touched = show::touched(&mut conn, items, &subject.0, ENDINGS).await?;
        let mut found = self.alike(&mut conn, &view, &accounts).await?;
        found.dedup_by(|later, first| later.1.account_key == first.1.account_key);
        let keys = accounts.iter().map(|account| account.account_key.clone());
        let open = view
            .network
            .among(
                &mut conn,
                Rows::Accounts,
                "account_key",
                keys,
                sea_query::Cond::all(),
            )
            .await?;
        drop(conn);
        self.room
            .audit
            .looked(&self.caller, "person", subject.as_str())
            .await?;
        let in_force = self.room.in_force();
        let rules = &in_force.rules;
        let mails: BTreeSet<&str> = accounts
            .iter()
            .filter(|account| !account.email.is_empty() && open.contains(&account.account_key))
            .map(|account| account.email.as_str())
            .collect();
        let rows = accounts
            .iter()
            .map(|account| row(account, &accounts, rules, &system));
        Ok(PersonPage {
            now,
            name: first_name(&accounts.iter().collect::<Vec<_>>()),
            mails: mails.into_iter().map(str::to_owned).collect(),
            sessions: live.as_ref().map_or(0, |live| live.sessions.unsigned_abs()),
            systems: live.as_ref().map_or(0, |live| live.systems.unsigned_abs()),
            stays: stays
                .into_iter()
                .filter_map(|stay| {
                    Some(Stay {
                        system_name: system(&stay.system_id),
                        system_id: SystemId(stay.system_id),
                        kind: SessionKind::from_name(&stay.kind)?,
                        site: stay.site,
                        state: SessionState::from_name(&stay.state)?,
                        from: stay.created_at.map(Timestamp),
                        to: stay.gone_at.map(Timestamp),
                    })
                })
                .collect(),
            more_stays,
            alike: found
                .iter()
                .filter_map(|(one, other)| {
                    let one = accounts.iter().find(|account| account.account_key == *one)?;
                    Some(look_alike(one, other, &accounts, rules, &system))
                })
                .collect(),
            endings: touched
                .into_iter()
                .map(|line| Touched {
                    ending_no: line.ending_no,
                    asked_by: line.caller_name,
                    reason: line.reason.unwrap_or_default(),
                    confirmed_at: Timestamp(line.confirmed_at.unwrap_or_default()),
                    sessions: line.sessions.unsigned_abs(),
                    gone: line.gone.unsigned_abs(),
                    returned: line.returned.unsigned_abs(),
                })
                .collect(),
            accounts: rows.collect(),
            whole: view.whole(),
            systems_known: match self.decides(now) {
                true => names
                    .iter()
                    .map(|(id, name)| (id.clone(), name.clone()))
                    .collect(),
                false => Vec::new(),
            },
            may_link: self.decides(now),
            may_end: !self
                .caller
                .visible(Permission::EditUserSessions, view.now)
                .is_empty(),
            subject_id: subject,
        })
    }

    async fn live(
        &self,
        conn: &mut Conn,
        view: &View,
        subjects: &[String],
    ) -> Result<HashMap<String, Live>, Error> {
        let live = show::live_of(conn, view.seen.condition(Rows::Sessions), subjects).await?;
        Ok(live
            .into_iter()
            .map(|live| (live.subject_id.clone(), live))
            .collect())
    }

    /// Every pair of one of these accounts and one of somebody else that looks like it: (key of the one, the other). What
    /// was cut apart is settled.
    async fn alike(
        &self,
        conn: &mut Conn,
        view: &View,
        accounts: &[Shown],
    ) -> Result<Vec<(String, Shown)>, Error> {
        let bare: BTreeSet<String> = accounts
            .iter()
            .map(|account| account.bare_sort.clone())
            .filter(|bare| !bare.is_empty())
            .collect();
        // That two addresses are the same tells both.
        let mails: BTreeSet<String> = match view.network.includes(&view.seen) {
            true => accounts
                .iter()
                .map(|account| account.email.clone())
                .filter(|mail| !mail.is_empty())
                .collect(),
            false => BTreeSet::new(),
        };
        let (bare, mails): (Vec<String>, Vec<String>) =
            (bare.into_iter().collect(), mails.into_iter().collect());
        let seen = view.seen.condition(Rows::Accounts);
        let others = show::alike(conn, seen, &bare, &mails, ALIKE).await?;
        let mut keys: Vec<String> = accounts
            .iter()
            .map(|account| account.account_key.clone())
            .collect();
        keys.extend(others.iter().map(|account| account.account_key.clone()));
        keys.sort_unstable();
        keys.dedup();
        let cuts = store::cuts(conn, &keys).await?;
        let mut found = Vec::new();
        for other in others {
            let like = accounts.iter().filter(|one| {
                one.subject_id != other.subject_id
                    && (same(&one.bare_sort, &other.bare_sort)
                        || (!mails.is_empty() && same(&one.email, &other.email)))
                    && !cuts.contains(&pair(&one.account_key, &other.account_key))
            });
            found.extend(like.map(|one| (one.account_key.clone(), other.clone())));
        }
        Ok(found)
    }
}

fn same(a: &str, b: &str) -> bool {
    !a.is_empty() && a == b
}

/// The name the list goes by.
pub(super) fn first_name(accounts: &[&Shown]) -> String {
    let first = accounts
        .iter()
        .min_by(|a, b| (&a.person_sort, &a.account_key).cmp(&(&b.person_sort, &b.account_key)));
    first.map_or_else(String::new, |account| account.person().to_owned())
}

/// An account as rules see it.
fn as_rules(account: &Shown) -> Account {
    Account {
        key: account.account_key.clone(),
        subject: account.subject_id.clone(),
        system: account.system_id.clone(),
        place: account.place.clone(),
        site: account.site.clone(),
        principal: account.principal.clone(),
        name: account.account_sort.clone(),
        email: account.email.clone(),
        link: None,
    }
}

/// What is told of where in a system an account is.
fn within(account: &Shown) -> String {
    match account.site.is_empty() {
        true => account.place.clone(),
        false => account.site.clone(),
    }
}

/// An account of a person. Of a link to what the caller may not see nothing is told: it stands there by itself.
pub(super) fn row(
    account: &Shown,
    all: &[Shown],
    rules: &Rules,
    system: &impl Fn(&str) -> String,
) -> AccountRow {
    let with = account
        .ground_with
        .as_ref()
        .and_then(|with| all.iter().find(|other| other.account_key == *with));
    let ground = with.map_or(Ground::Own, |_| account.ground());
    let outdated = with.is_some_and(|with| {
        let holds = rules.grounds(&as_rules(account), &as_rules(with));
        Ground::RULES.contains(&ground) && !holds.iter().any(|(still, _)| *still == ground)
    });
    let words = match ground {
        Ground::Own => String::new(),
        Ground::IdentityServer => match all.iter().any(|other| other.system_id == account.ground_words) {
            true => system(&account.ground_words),
            false => String::new(),
        },
        _ => account.ground_words.clone(),
    };
    AccountRow {
        account_key: AccountKey(account.account_key.clone()),
        system_name: system(&account.system_id),
        system_id: SystemId(account.system_id.clone()),
        place: within(account),
        account: account.name().to_owned(),
        display_name: account.display_name.clone(),
        ground,
        words,
        with: with.map_or_else(String::new, |with| {
            format!("{} in {}", with.name(), system(&with.system_id))
        }),
        linked_by: with.map_or_else(String::new, |_| account.linked_by.clone()),
        since: Timestamp(with.and(account.linked_at).unwrap_or(account.met_at)),
        outdated,
    }
}

/// Why an account of somebody else is shown beside a person, and why it is not linked.
fn look_alike(
    one: &Shown,
    other: &Shown,
    all: &[Shown],
    rules: &Rules,
    system: &impl Fn(&str) -> String,
) -> Alike {
    let because = match (
        same(&one.email, &other.email),
        one.account_sort == other.account_sort,
    ) {
        (_, true) => "same user name",
        (true, _) if !same(&one.bare_sort, &other.bare_sort) => "same mail",
        _ => "same user name but for the domain",
    };
    let ground = rules.grounds(&as_rules(one), &as_rules(other)).into_iter().next();
    let conflict = ground.map_or_else(String::new, |(ground, _)| {
        let seat = |a: &Shown| (a.system_id.clone(), a.place.clone(), a.site.clone());
        let label = ground.label();
        match all.iter().find(|own| seat(own) == seat(other)) {
            Some(own) => format!(
                "{label}, but this person has another account in {} already.",
                system(&own.system_id)
            ),
            None => format!("{label}, but it is not clear whose it is."),
        }
    });
    Alike {
        account_key: AccountKey(other.account_key.clone()),
        subject_id: SubjectId(other.subject_id.clone()),
        system_name: system(&other.system_id),
        account: other.name().to_owned(),
        name: other.person().to_owned(),
        because: because.to_owned(),
        conflict,
        like: AccountKey(one.account_key.clone()),
    }
}

/// Where the next page starts: name and id, so that any name can stand in an address.
fn write_cursor(place: &Place) -> String {
    format!(
        "{}.{}",
        HEXLOWER.encode(place.name_sort.as_bytes()),
        place.subject_id
    )
}

fn read_cursor(text: &str) -> Result<Place, AppError> {
    let read = || {
        let (name, subject) = text.split_once('.')?;
        let name_sort = String::from_utf8(HEXLOWER.decode(name.as_bytes()).ok()?).ok()?;
        let subject_id = subject.to_owned();
        let fits = !name_sort.contains('\0') && !subject.contains('\0');
        fits.then_some(Place {
            subject_id,
            name_sort,
        })
    };
    read().ok_or_else(|| {
        AppError::invalid(
            "after",
            "This page of the list is not known. Start from the first one.",
        )
    })
}
