//! People of the inventory: until subjects are linked, a person is an account name, compared without case, over all
//! systems the caller may see. Sessions without an account name are nobody's.

use app::access::wire::Permission;
use app::error::AppError;
use app::sessions::query::SessionQuery;
use app::sessions::query::filter::{TextFilter, TextOp};
use app::sessions::wire::{PeoplePage, PersonBrief, PersonSessions, PersonSystem};
use app::wire::{SystemId, Timestamp};
use sea_query::{Alias, Cond, Condition, Expr, ExprTrait, Func, Order, Query};

use super::filter::{View, column, lower};
use super::{Sessions, store, suggest};
use crate::caller::Caller;
use crate::db::Conn;
use crate::error::Error;

/// Most people that a name finds at once.
const MOST: u32 = 6;
/// Longest name that is looked for, in characters.
const LONGEST: usize = 100;
/// From so many characters on a name is found by any part of it: shorter ones no index knows.
const SUBSTRING: usize = 3;

/// A person with their sessions that match.
#[derive(Debug, sqlx::FromRow)]
struct PersonLine {
    account_sort: String,
    name: Option<String>,
    sessions: i64,
    systems: i64,
    last_active_at: Option<i64>,
}

/// A person's sessions in one system.
#[derive(Debug, sqlx::FromRow)]
struct SystemLine {
    system_id: String,
    system_sort: Option<String>,
    name: Option<String>,
    sessions: i64,
    last_active_at: Option<i64>,
}

impl PersonLine {
    fn brief(self) -> PersonBrief {
        PersonBrief {
            name: shown(self.name, &self.account_sort),
            person_id: self.account_sort,
            sessions: self.sessions.unsigned_abs(),
            systems: self.systems.unsigned_abs(),
            last_active_at: self.last_active_at.map(Timestamp),
        }
    }
}

fn shown(name: Option<String>, account: &str) -> String {
    name.filter(|n| !n.is_empty())
        .unwrap_or_else(|| account.to_owned())
}

/// Sessions of one person.
pub fn of_person(person: &str) -> Condition {
    Cond::all().add(column("account_sort").eq(person.to_lowercase()))
}

/// People of the rows that fit, by account name.
async fn lines(conn: &mut Conn, condition: Condition, limit: u32) -> Result<PeoplePage, Error> {
    let mut select = Query::select();
    select
        .column((Alias::new("session"), Alias::new("account_sort")))
        .expr_as(Func::max(column("display_name")), Alias::new("name"))
        .expr_as(Func::count(column("session_key")), Alias::new("sessions"))
        .expr_as(Func::count_distinct(column("system_id")), Alias::new("systems"))
        .expr_as(Func::max(column("last_active_at")), Alias::new("last_active_at"))
        .from(Alias::new("session"))
        .cond_where(condition)
        .group_by_col((Alias::new("session"), Alias::new("account_sort")))
        .order_by((Alias::new("session"), Alias::new("account_sort")), Order::Asc)
        .limit(u64::from(limit) + 1);
    let mut lines: Vec<PersonLine> = conn.fetch_all(&select).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = lines.len() > limit;
    lines.truncate(limit);
    Ok(PeoplePage {
        people: lines.into_iter().map(PersonLine::brief).collect(),
        more,
    })
}

impl Sessions {
    pub(super) async fn people(
        &self,
        caller: &Caller,
        query: &SessionQuery,
        after: Option<String>,
        limit: u32,
    ) -> Result<PeoplePage, Error> {
        let now = self.clock.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let mut conn = self.db.read().await?;
        let filter = View::of(caller, now).ask(&mut conn, query).await?;
        let behind = column("account_sort").gt(after.unwrap_or_default());
        lines(&mut conn, filter.condition().add(behind), limit).await
    }

    /// Live people whose user name, name or mail holds what was typed; of one or two letters, begins with it.
    pub(super) async fn people_named(&self, caller: &Caller, typed: &str) -> Result<Vec<PersonBrief>, Error> {
        let now = self.clock.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        let typed = typed.trim();
        if typed.is_empty() || typed.chars().count() > LONGEST || typed.contains('\0') {
            return Ok(Vec::new());
        }
        let view = View::of(caller, now);
        let mut conn = self.db.read().await?;
        let named = if typed.chars().count() < SUBSTRING {
            let begun = lower(typed);
            let any = Cond::any()
                .add(suggest::beginning("account_sort", &begun))
                .add(suggest::beginning("person_sort", &begun));
            store::live_in(view.condition(), &[]).add(any)
        } else {
            let query = SessionQuery {
                person: Some(TextFilter {
                    op: TextOp::Contains,
                    texts: vec![typed.to_owned()],
                }),
                ..SessionQuery::default()
            };
            view.ask(&mut conn, &query).await?.condition()
        };
        let somebody = column("account_sort").ne("");
        let page = lines(&mut conn, named.add(somebody), MOST).await?;
        Ok(page.people)
    }

    pub(super) async fn person(&self, caller: &Caller, person: &str) -> Result<PersonSessions, Error> {
        let now = self.clock.now();
        let view = View::of(caller, now);
        let person_id = person.to_lowercase();
        if view.seen.is_empty() || person_id.is_empty() || person_id.contains('\0') {
            return Err(AppError::not_found("person").into());
        }
        let mut conn = self.db.read().await?;
        let live = Expr::case(column("state").eq("live"), 1).finally(0);
        let active = Expr::case(column("state").eq("live"), column("last_active_at"))
            .finally(Expr::cust("CAST(NULL AS BIGINT)"));
        let mut select = Query::select();
        select
            .column((Alias::new("session"), Alias::new("system_id")))
            .expr_as(Func::max(column("system_sort")), Alias::new("system_sort"))
            .expr_as(Func::max(column("display_name")), Alias::new("name"))
            .expr_as(
                Func::cast_as(Func::sum(live), Alias::new("BIGINT")),
                Alias::new("sessions"),
            )
            .expr_as(Func::max(active), Alias::new("last_active_at"))
            .from(Alias::new("session"))
            .cond_where(view.condition())
            .cond_where(of_person(&person_id))
            .group_by_col((Alias::new("session"), Alias::new("system_id")));
        let mut lines: Vec<SystemLine> = conn.fetch_all(&select).await?;
        // Of nobody the caller sees nothing of is it told whether they are there.
        if lines.is_empty() {
            return Err(AppError::not_found("person").into());
        }
        let names = self.systems.names(&mut conn).await?;
        lines.sort_by(|a, b| (&a.system_sort, &a.system_id).cmp(&(&b.system_sort, &b.system_id)));
        let name = lines.iter().filter_map(|l| l.name.clone()).max();
        let by_system: Vec<PersonSystem> = lines
            .into_iter()
            .filter(|line| line.sessions > 0)
            .map(|line| {
                let system_id = SystemId(line.system_id);
                PersonSystem {
                    system_name: names
                        .get(&system_id)
                        .cloned()
                        .unwrap_or_else(|| system_id.0.clone()),
                    system_id,
                    sessions: line.sessions.unsigned_abs(),
                    last_active_at: line.last_active_at.map(Timestamp),
                }
            })
            .collect();
        Ok(PersonSessions {
            brief: PersonBrief {
                name: shown(name, &person_id),
                person_id,
                sessions: by_system.iter().map(|s| s.sessions).sum(),
                systems: by_system.len() as u64,
                last_active_at: by_system.iter().filter_map(|s| s.last_active_at).max(),
            },
            by_system,
        })
    }
}
