//! What the search box may go on with: words of filters, and values among what the caller may see.

use app::access::wire::Permission;
use app::sessions::query::typed::{Unfinished, unfinished, write_value};
use app::sessions::query::words::{Meaning, WORDS, Word};
use app::sessions::wire::{SessionKind, SessionState, Suggestion};
use app::wire::Count;
use sea_query::{Alias, Cond, Condition, ExprTrait, Func, Order, Query};

use super::Sessions;
use super::facets;
use super::filter::{View, column, lower};
use super::store;
use crate::caller::Caller;
use crate::db::Conn;
use crate::error::Error;

/// Most that are offered at once.
const MOST: usize = 8;
/// Longest text that is gone on with, in characters.
const LONGEST: usize = 500;
/// Lengths and values that are asked for most.
const OFTEN: [(&str, &[(&str, &str)]); 8] = [
    (
        "idle",
        &[
            (">1h", "idle over 1 h"),
            (">8h", "idle over 8 h"),
            ("<15min", "active within 15 min"),
        ],
    ),
    (
        "started",
        &[
            (">8h", "over 8 h ago"),
            (">2d", "over 2 d ago"),
            ("<1h", "within the last hour"),
        ],
    ),
    ("active", &[("<15min", "within 15 min"), (">1d", "over 1 d ago")]),
    (
        "idle_ends",
        &[("<15min", "within 15 min"), ("<1h", "within the next hour")],
    ),
    (
        "ends",
        &[("<1h", "within the next hour"), ("<1d", "within a day")],
    ),
    (
        "limit",
        &[
            ("over", "past a limit of its own"),
            ("none", "never ends for idleness"),
        ],
    ),
    ("policy", &[("earlier", "began under an earlier policy")]),
    (
        "ip",
        &[("10.0.0.0/8", "a network"), ("192.168.0.0/16", "a network")],
    ),
];

impl Sessions {
    pub(super) async fn suggest(&self, caller: &Caller, typed: &str) -> Result<Vec<Suggestion>, Error> {
        let now = self.clock.now();
        caller.authorize_somewhere(Permission::SeeSessions, now)?;
        if typed.chars().count() > LONGEST || typed.contains('\0') {
            return Ok(Vec::new());
        }
        let Some(at) = unfinished(typed) else {
            return Ok(Vec::new());
        };
        let begun = &typed[..at.from];
        let Some(name) = &at.word else {
            return Ok(words(begun, &at));
        };
        let Some(word) = Word::of(name) else {
            return Ok(Vec::new());
        };
        let view = View::of(caller, now);
        let mut values = self.values(caller, &view, word, &at.value).await?;
        values.truncate(MOST);
        let minus = if at.negated { "-" } else { "" };
        let suggestion = |(value, words): (String, String)| {
            let shown = format!("{minus}{}:{value}", word.name());
            let text = format!("{begun}{minus}{name}:{}{value}", at.before);
            Suggestion { text, shown, words }
        };
        Ok(values.into_iter().map(suggestion).collect())
    }

    /// Values of a word that begin, or whose names hold, what was typed; each as it can be typed, with what it means.
    async fn values(
        &self,
        caller: &Caller,
        view: &View,
        word: &Word,
        typed: &str,
    ) -> Result<Vec<(String, String)>, Error> {
        let begun = lower(typed);
        let fits = |(value, words): &(String, String)| {
            lower(value).trim_start_matches('"').starts_with(&begun) || lower(words).contains(&begun)
        };
        let mut conn = self.db.read().await?;
        let all: Vec<(String, String)> = match word.field {
            "system" => {
                let briefs = self.systems.briefs(&mut conn, caller).await?;
                let words = |name: &str, count: Count| match count {
                    Count::Exactly(n) => format!("{name}, {}", app::ui::thousands(n)),
                    Count::MoreThan(n) => format!("{name}, {}+", app::ui::thousands(n)),
                };
                briefs
                    .into_iter()
                    .map(|brief| {
                        (
                            write_value(brief.system_id.as_str()),
                            words(&brief.name, brief.count),
                        )
                    })
                    .collect()
            }
            "kind" => SessionKind::ALL
                .map(|kind| (kind.name().to_owned(), kind.label().to_owned()))
                .into(),
            "state" => SessionState::ALL
                .map(|state| (state.name().to_owned(), String::new()))
                .into(),
            "site" => {
                let (sites, _) = facets::sites(&mut conn, view).await?;
                sites
                    .iter()
                    .map(|site| (write_value(site), String::new()))
                    .collect()
            }
            "person" => return people(&mut conn, view, &begun).await,
            _ => OFTEN
                .iter()
                .filter(|(name, _)| *name == word.name())
                .flat_map(|(_, values)| values.iter())
                .map(|(value, words)| ((*value).to_owned(), (*words).to_owned()))
                .collect(),
        };
        Ok(all.into_iter().filter(fits).collect())
    }
}

/// Words of filters that begin with what was typed.
fn words(begun: &str, at: &Unfinished) -> Vec<Suggestion> {
    let typed = lower(&at.value);
    let minus = if at.negated { "-" } else { "" };
    WORDS
        .iter()
        .filter(|word| !at.negated || word.left_out().is_some())
        .filter(|word| !typed.is_empty() && word.names.iter().any(|name| name.starts_with(&typed)))
        .filter(|word| word.meaning != Meaning::Key)
        .take(MOST)
        .map(|word| Suggestion {
            text: format!("{begun}{minus}{}:", word.name()),
            shown: format!("{minus}{}:", word.name()),
            words: word.says.to_owned(),
        })
        .collect()
}

/// People whose user name or name begins so, among live sessions the caller may see: found along an index, so that the
/// answer takes as long whoever there is.
async fn people(conn: &mut Conn, view: &View, begun: &str) -> Result<Vec<(String, String)>, Error> {
    let mut found: Vec<(String, String)> = Vec::new();
    for name in ["account_sort", "person_sort"] {
        let mut query = Query::select();
        query
            .expr_as(Func::min(column("account_name")), Alias::new("account"))
            .expr_as(Func::max(column("display_name")), Alias::new("name"))
            .from(Alias::new("session"))
            .cond_where(store::live_in(view.condition(), &[]))
            .cond_where(beginning(name, begun))
            .and_where(column("account_sort").ne(""))
            .group_by_col((Alias::new("session"), Alias::new(name)))
            .order_by((Alias::new("session"), Alias::new(name)), Order::Asc)
            .limit(MOST as u64);
        let rows: Vec<(String, String)> = conn.fetch_all(&query).await?;
        for (account, name) in rows {
            let value = write_value(&account);
            if !found.iter().any(|(known, _)| *known == value) {
                found.push((value, name));
            }
        }
    }
    Ok(found)
}

/// Rows whose text begins so, in byte order; every one where nothing was typed.
pub(super) fn beginning(name: &'static str, begun: &str) -> Condition {
    let all = Cond::all();
    if begun.is_empty() {
        return all;
    }
    all.add(column(name).gte(begun))
        .add(column(name).lt(format!("{begun}\u{10FFFF}")))
}
