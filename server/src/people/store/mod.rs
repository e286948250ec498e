//! SQL of people: what was met, what rules look at, what linking and cutting write. What pages show is in [`show`].

pub mod show;

use std::collections::{BTreeMap, HashSet};

use app::people::wire::Ground;
use app::wire::Timestamp;
use sea_query::{Alias, Cond, Expr, ExprTrait, OnConflict, Query};

use crate::db::Conn;
use crate::domain::subject::{Account, Link, Rules, bare, pair};
use crate::error::Error;
use crate::keys;
use crate::on;

/// Keys in one statement.
const CHUNK: usize = 500;

/// A live session whose account was not looked at yet.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Unlooked {
    pub session_key: String,
    pub system_id: String,
    pub place: String,
    pub site: String,
    pub account_id: String,
    pub account_name: String,
    pub account_sort: String,
    pub display_name: String,
    pub person_sort: String,
    pub email: Option<String>,
    pub mail_domain: String,
}

/// An account as rules see it.
#[derive(sqlx::FromRow)]
struct Line {
    account_key: String,
    subject_id: String,
    system_id: String,
    place: String,
    site: String,
    principal: String,
    account_sort: String,
    email: String,
    ground: String,
    ground_with: Option<String>,
    ground_words: String,
    linked_by: String,
    linked_at: Option<i64>,
}

const LINE: [&str; 13] = [
    "account_key",
    "subject_id",
    "system_id",
    "place",
    "site",
    "principal",
    "account_sort",
    "email",
    "ground",
    "ground_with",
    "ground_words",
    "linked_by",
    "linked_at",
];

impl From<Line> for Account {
    fn from(line: Line) -> Self {
        let ground = Ground::from_name(&line.ground).unwrap_or_default();
        Account {
            key: line.account_key,
            subject: line.subject_id,
            system: line.system_id,
            place: line.place,
            site: line.site,
            principal: line.principal,
            name: line.account_sort,
            email: line.email,
            link: line.ground_with.map(|with| Link {
                with,
                ground,
                words: line.ground_words,
                by: line.linked_by,
                at: line.linked_at.unwrap_or_default(),
            }),
        }
    }
}

pub(super) fn table() -> Alias {
    Alias::new("subject_account")
}

/// A column of the accounts.
pub(super) fn column(name: &'static str) -> Expr {
    Expr::col((table(), Alias::new(name)))
}

/// Which account of its system a session belongs to: the words of `subject_account.account`.
const ACCOUNT_OF_SESSION: &str = "CASE WHEN session.account_id <> '' THEN 'id:' || session.account_id \
    ELSE 'name:' || session.account_sort END";

fn account_of(row: &Unlooked) -> String {
    match row.account_id.is_empty() {
        false => format!("id:{}", row.account_id),
        true => format!("name:{}", row.account_sort),
    }
}

/// Live sessions whose account was not looked at yet, by their index.
pub(super) const UNLOOKED: &str = "SELECT session_key, system_id, place, site, account_id, account_name, account_sort, \
    display_name, person_sort, email, mail_domain FROM session WHERE subject_id IS NULL AND state = 'live' \
    AND kind <> 'guest' AND (account_id <> '' OR account_sort <> '') LIMIT $1";

/// Up to `most` live sessions whose account was not looked at yet.
pub async fn unlooked(conn: &mut Conn, most: usize) -> Result<Vec<Unlooked>, Error> {
    Ok(
        on!(conn, c => sqlx::query_as(UNLOOKED).bind(i64::try_from(most).unwrap_or(i64::MAX)).fetch_all(c).await?),
    )
}

/// Takes in the accounts of these sessions: new ones as people of their own, changed ones to be looked at again.
pub async fn meet(conn: &mut Conn, rows: &[Unlooked], now: Timestamp) -> Result<(), Error> {
    let mut accounts = BTreeMap::new();
    for row in rows {
        let account = account_of(row);
        accounts.insert((&row.system_id, &row.place, &row.site, account), row);
    }
    if accounts.is_empty() {
        return Ok(());
    }
    let columns = [
        "account_key",
        "subject_id",
        "system_id",
        "place",
        "site",
        "account",
        "principal",
        "account_name",
        "account_sort",
        "bare_sort",
        "display_name",
        "person_sort",
        "email",
        "mail_domain",
        "ground",
        "ground_words",
        "linked_by",
        "met_at",
        "checked_by",
    ];
    let mut insert = Query::insert();
    insert.into_table(table()).columns(columns.map(Alias::new));
    let mut keys = Vec::new();
    for ((.., account), row) in &accounts {
        let key = keys::new_id();
        keys.push(key.clone());
        let principal = match row.account_id.is_empty() {
            true => &row.account_name,
            false => &row.account_id,
        };
        let email = row.email.as_deref().unwrap_or_default().to_lowercase();
        insert.values_panic([
            key.clone().into(),
            key.into(),
            row.system_id.clone().into(),
            row.place.clone().into(),
            row.site.clone().into(),
            account.clone().into(),
            principal.clone().into(),
            row.account_name.clone().into(),
            row.account_sort.clone().into(),
            bare(&row.account_sort).to_owned().into(),
            row.display_name.clone().into(),
            row.person_sort.clone().into(),
            email.into(),
            row.mail_domain.clone().into(),
            Ground::Own.name().into(),
            "".into(),
            "".into(),
            now.0.into(),
            "".into(),
        ]);
    }
    let told = [
        "account_name",
        "account_sort",
        "bare_sort",
        "display_name",
        "person_sort",
        "email",
        "mail_domain",
        "principal",
    ];
    let differs = told.map(|name| format!("subject_account.{name} <> excluded.{name}"));
    insert.on_conflict(
        OnConflict::columns(["system_id", "place", "site", "account"].map(Alias::new))
            .update_columns(told.map(Alias::new))
            .update_column(Alias::new("checked_by"))
            .action_and_where(Expr::cust(format!("({})", differs.join(" OR "))))
            .to_owned(),
    );
    conn.execute(&insert).await?;
    // Only a key that was taken stands there now.
    let mut people = Query::select();
    people
        .column((table(), Alias::new("subject_id")))
        .expr(Expr::val(now.0))
        .from(table())
        .and_where(column("account_key").is_in(keys));
    let mut insert = Query::insert();
    insert
        .into_table(Alias::new("subject"))
        .columns(["subject_id", "created_at"].map(Alias::new))
        .select_from(people)
        .map_err(|cause| Error::Other(cause.into()))?;
    conn.execute(&insert).await?;
    Ok(())
}

/// Whose these sessions are, by their accounts.
pub async fn fill(conn: &mut Conn, sessions: Vec<String>) -> Result<(), Error> {
    whose(conn, "session_key", sessions).await
}

/// Whose the sessions of these people are now that accounts have moved.
pub async fn refill(conn: &mut Conn, subjects: Vec<String>) -> Result<(), Error> {
    whose(conn, "subject_id", subjects).await
}

async fn whose(conn: &mut Conn, by: &'static str, values: Vec<String>) -> Result<(), Error> {
    let subject = format!(
        "(SELECT a.subject_id FROM subject_account a WHERE a.system_id = session.system_id AND a.place = session.place \
         AND a.site = session.site AND a.account = {ACCOUNT_OF_SESSION})"
    );
    for some in values.chunks(CHUNK) {
        let update = Query::update()
            .table(Alias::new("session"))
            .value(Alias::new("subject_id"), Expr::cust(subject.clone()))
            .and_where(Expr::col((Alias::new("session"), Alias::new(by))).is_in(some.to_vec()))
            .take();
        conn.execute(&update).await?;
    }
    Ok(())
}

async fn lines(conn: &mut Conn, which: Cond, most: Option<u64>) -> Result<Vec<Account>, Error> {
    let mut select = Query::select();
    select
        .columns(LINE.map(|name| (table(), Alias::new(name))))
        .from(table())
        .cond_where(which);
    if let Some(most) = most {
        select.limit(most);
    }
    let lines: Vec<Line> = conn.fetch_all(&select).await?;
    Ok(lines.into_iter().map(Account::from).collect())
}

/// Up to `most` accounts that these rules have not looked at.
pub async fn unchecked(conn: &mut Conn, rules: &str, most: u64) -> Result<Vec<Account>, Error> {
    // Two ranges of an index; "not equal" would read all accounts.
    let other = Cond::any()
        .add(column("checked_by").lt(rules))
        .add(column("checked_by").gt(rules));
    lines(conn, other, Some(most)).await
}

/// Accounts that a rule might link one of these to.
pub async fn candidates(conn: &mut Conn, of: &[Account], rules: &Rules) -> Result<Vec<Account>, Error> {
    let names = ["principal", "email", "account_sort"];
    let mut any = Cond::any();
    let mut asked = false;
    for (n, name) in names.into_iter().enumerate() {
        let mut values: Vec<String> = of
            .iter()
            .filter_map(|account| rules.keys(account)[n].map(str::to_owned))
            .collect();
        values.sort_unstable();
        values.dedup();
        if !values.is_empty() {
            asked = true;
            let mut one = Cond::all().add(column(name).is_in(values));
            if name == "email" {
                // Written out for its index.
                one = one.add(Expr::cust("subject_account.email <> ''"));
            }
            any = any.add(one);
        }
    }
    if !asked {
        return Ok(Vec::new());
    }
    lines(conn, any, None).await
}

/// The accounts of these people.
pub async fn of_subjects(conn: &mut Conn, subjects: &[String]) -> Result<Vec<Account>, Error> {
    let mut all = Vec::new();
    for some in subjects.chunks(CHUNK) {
        let own = Cond::all().add(column("subject_id").is_in(some.iter().cloned()));
        all.extend(lines(conn, own, None).await?);
    }
    Ok(all)
}

/// The account of that key.
pub async fn account(conn: &mut Conn, key: &str) -> Result<Option<Account>, Error> {
    let one = Cond::all().add(column("account_key").eq(key));
    Ok(lines(conn, one, Some(1)).await?.into_iter().next())
}

/// Two accounts of that name (lower-cased) in a system, if there are so many.
pub async fn named(conn: &mut Conn, system: &str, name: &str) -> Result<Vec<Account>, Error> {
    let so = Cond::all()
        .add(column("system_id").eq(system))
        .add(column("account_sort").eq(name));
    lines(conn, so, Some(2)).await
}

/// What was cut among these accounts.
pub async fn cuts(conn: &mut Conn, accounts: &[String]) -> Result<HashSet<(String, String)>, Error> {
    let known: HashSet<&String> = accounts.iter().collect();
    let mut cuts = HashSet::new();
    for some in accounts.chunks(CHUNK) {
        let cut = |name: &'static str| (Alias::new("subject_cut"), Alias::new(name));
        let query = Query::select()
            .columns([cut("account_a"), cut("account_b")])
            .from(Alias::new("subject_cut"))
            .and_where(Expr::col(cut("account_a")).is_in(some.iter().cloned()))
            .take();
        let found: Vec<(String, String)> = conn.fetch_all(&query).await?;
        cuts.extend(found.into_iter().filter(|(_, b)| known.contains(b)));
    }
    Ok(cuts)
}

/// Writes accounts that changed hands or links.
pub async fn save(conn: &mut Conn, accounts: &[&Account]) -> Result<(), Error> {
    for some in accounts.chunks(100) {
        let rows: Vec<String> = (0..some.len())
            .map(|n| {
                let p = |k: usize| n * 7 + k;
                format!(
                    "(${}, ${}, ${}, ${}, ${}, ${}, CAST(${} AS BIGINT))",
                    p(1),
                    p(2),
                    p(3),
                    p(4),
                    p(5),
                    p(6),
                    p(7)
                )
            })
            .collect();
        let sql = format!(
            "WITH v (account_key, subject_id, ground, ground_with, ground_words, linked_by, linked_at) AS (VALUES {}) \
             UPDATE subject_account SET subject_id = v.subject_id, ground = v.ground, ground_with = v.ground_with, \
             ground_words = v.ground_words, linked_by = v.linked_by, \
             linked_at = v.linked_at FROM v \
             WHERE subject_account.account_key = v.account_key",
            rows.join(", ")
        );
        on!(conn, c => {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
            for account in some {
                let link = account.link.as_ref();
                query = query
                    .bind(account.key.clone())
                    .bind(account.subject.clone())
                    .bind(link.map_or(Ground::Own, |link| link.ground).name())
                    .bind(link.map(|link| link.with.clone()))
                    .bind(link.map_or_else(String::new, |link| link.words.clone()))
                    .bind(link.map_or_else(String::new, |link| link.by.clone()))
                    .bind(link.map(|link| link.at));
            }
            query.execute(c).await?;
        });
    }
    Ok(())
}

/// Notes that these rules have looked at accounts.
pub async fn note_checked(conn: &mut Conn, accounts: &[String], rules: &str) -> Result<(), Error> {
    for some in accounts.chunks(CHUNK) {
        let update = Query::update()
            .table(table())
            .value(Alias::new("checked_by"), rules)
            .and_where(column("account_key").is_in(some.iter().cloned()))
            .take();
        conn.execute(&update).await?;
    }
    Ok(())
}

/// A new person, who has no account yet.
pub async fn add_subject(conn: &mut Conn, subject: &str, now: Timestamp) -> Result<(), Error> {
    on!(conn, c => { sqlx::query("INSERT INTO subject (subject_id, created_at) VALUES ($1, $2)")
        .bind(subject).bind(now.0).execute(c).await?; });
    Ok(())
}

/// Forgets those of these people who have no account any more.
pub async fn drop_empty(conn: &mut Conn, subjects: &[String]) -> Result<(), Error> {
    let subject = (Alias::new("subject"), Alias::new("subject_id"));
    for some in subjects.chunks(CHUNK) {
        let delete = Query::delete()
            .from_table(Alias::new("subject"))
            .and_where(Expr::col(subject.clone()).is_in(some.iter().cloned()))
            .and_where(Expr::cust(
                "NOT EXISTS (SELECT 1 FROM subject_account a WHERE a.subject_id = subject.subject_id)",
            ))
            .take();
        conn.execute(&delete).await?;
    }
    Ok(())
}

/// Keeps an account apart from others; a cut that is there already stays as it was.
pub async fn add_cuts(
    conn: &mut Conn,
    account: &str,
    others: &[String],
    by: &str,
    reason: &str,
    now: Timestamp,
) -> Result<(), Error> {
    for some in others.chunks(100) {
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new("subject_cut"))
            .columns(["account_a", "account_b", "cut_by", "reason", "cut_at"].map(Alias::new));
        for other in some {
            let (a, b) = pair(account, other);
            insert.values_panic([a.into(), b.into(), by.into(), reason.into(), now.0.into()]);
        }
        insert.on_conflict(OnConflict::new().do_nothing().to_owned());
        conn.execute(&insert).await?;
    }
    Ok(())
}

/// Lets accounts of these two sides be linked again.
pub async fn drop_cuts(conn: &mut Conn, one: &[String], other: &[String]) -> Result<(), Error> {
    let cut = |name: &'static str| Expr::col((Alias::new("subject_cut"), Alias::new(name)));
    let across = |a: &[String], b: &[String]| {
        Cond::all()
            .add(cut("account_a").is_in(a.to_vec()))
            .add(cut("account_b").is_in(b.to_vec()))
    };
    let delete = Query::delete()
        .from_table(Alias::new("subject_cut"))
        .cond_where(Cond::any().add(across(one, other)).add(across(other, one)))
        .take();
    conn.execute(&delete).await?;
    Ok(())
}

/// Forgets up to `most` accounts that stand alone, were never cut and have no session left, met before `before`.
pub async fn forget(conn: &mut Conn, before: Timestamp, most: i64) -> Result<u64, Error> {
    let gone: Vec<String> = on!(conn, c => sqlx::query_scalar(
        "SELECT a.account_key FROM subject_account a WHERE a.met_at < $1 AND a.ground = 'own' \
         AND NOT EXISTS (SELECT 1 FROM session s WHERE s.subject_id = a.subject_id) \
         AND NOT EXISTS (SELECT 1 FROM subject_account o WHERE o.subject_id = a.subject_id \
             AND o.account_key <> a.account_key) \
         AND NOT EXISTS (SELECT 1 FROM subject_cut t WHERE t.account_a = a.account_key) \
         AND NOT EXISTS (SELECT 1 FROM subject_cut t WHERE t.account_b = a.account_key) LIMIT $2")
        .bind(before.0).bind(most).fetch_all(c).await?);
    let mut subjects: Vec<String> = Vec::new();
    for some in gone.chunks(CHUNK) {
        let of = Query::select()
            .column((table(), Alias::new("subject_id")))
            .from(table())
            .and_where(column("account_key").is_in(some.iter().cloned()))
            .take();
        let rows: Vec<(String,)> = conn.fetch_all(&of).await?;
        subjects.extend(rows.into_iter().map(|row| row.0));
        let delete = Query::delete()
            .from_table(table())
            .and_where(column("account_key").is_in(some.iter().cloned()))
            .take();
        conn.execute(&delete).await?;
    }
    drop_empty(conn, &subjects).await?;
    Ok(gone.len() as u64)
}
