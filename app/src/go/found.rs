//! What a few typed letters lead to, as far as the person may see it: each port answers for its own.

use super::LIST;
use crate::access::wire::Permission;
use crate::backend::Backend;
use crate::layout::keys;
use crate::paths;
use crate::sessions::query::{SessionQuery, typed};
use crate::ui::{Icon, counted};

/// Most of one sort.
const MOST: usize = 6;

/// A line that leads somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub icon: Icon,
    pub words: String,
    /// Quiet, at the end.
    pub aside: String,
    pub href: String,
    /// Keys that lead there too.
    pub keys: Vec<&'static str>,
    /// A file: the browser's own way.
    pub file: bool,
}

/// Lines of one sort under their heading.
pub type Group = (&'static str, Vec<Line>);

fn line(icon: Icon, words: impl Into<String>, aside: impl Into<String>, href: impl Into<String>) -> Line {
    Line {
        icon,
        words: words.into(),
        aside: aside.into(),
        href: href.into(),
        keys: Vec::new(),
        file: false,
    }
}

fn fits(words: &str, asked: &str) -> bool {
    words.to_lowercase().contains(&asked.to_lowercase())
}

/// Everything that fits, by sort; `list` = the list one comes from. What a port refuses is not there.
pub async fn found(backend: Backend, may: Vec<Permission>, asked: &str, list: Option<&str>) -> Vec<Group> {
    let sees = may.contains(&Permission::SeeSessions);
    let mut groups = Vec::new();
    if sees {
        groups.push(("People", people(&backend, asked).await));
        groups.push(("Systems", systems(&backend, asked).await));
        groups.push(("Views", views(&backend, asked).await));
        groups.push(("Endings", endings(&backend, asked).await));
    }
    groups.push(("Go", pages(&may, asked)));
    groups.push(("Do", acts(&may, asked, list)));
    groups.retain(|(_, lines)| !lines.is_empty());
    groups
}

async fn people(backend: &Backend, asked: &str) -> Vec<Line> {
    let found = backend.sessions.people_named(asked.to_owned()).await;
    let found = found.unwrap_or_default().into_iter().map(|person| {
        let href = paths::sessions(&paths::query_string(&[("account", &person.person_id)]));
        line(
            Icon::User,
            person.name,
            counted(person.sessions, "session", "sessions"),
            href,
        )
    });
    found.collect()
}

/// By what the search box would go on with.
async fn systems(backend: &Backend, asked: &str) -> Vec<Line> {
    let begun = format!("system:\"{}", asked.replace(['"', ','], ""));
    let found = backend.sessions.suggest(begun).await.unwrap_or_default();
    let found = found.into_iter().filter_map(|one| {
        let (query, problems) = SessionQuery::from_pairs(&[("q", &one.text)], 0);
        let (name, count) = one.words.rsplit_once(", ")?;
        let href = paths::sessions(&query.to_query_string());
        problems
            .is_empty()
            .then(|| line(Icon::Live, name, format!("{count} live"), href))
    });
    found.collect()
}

async fn views(backend: &Backend, asked: &str) -> Vec<Line> {
    let views = backend.views.views().await.unwrap_or_default().views;
    let saved = views.into_iter().filter(|view| fits(&view.name, asked));
    let mut lines: Vec<Line> = saved
        .take(MOST)
        .map(|view| line(Icon::Filter, view.name, "", paths::sessions(&view.query)))
        .collect();
    if !asked.is_empty() {
        // In quotes: here it is a text, whatever it means in the search box.
        let q = typed::write_words(&[asked]);
        let words = format!("Sessions with “{asked}”");
        lines.push(line(
            Icon::Search,
            words,
            "",
            paths::sessions(&paths::query_string(&[("q", q)])),
        ));
    }
    lines
}

/// By number, or by words of the reason among the newest.
async fn endings(backend: &Backend, asked: &str) -> Vec<Line> {
    if asked.is_empty() {
        return Vec::new();
    }
    let lower = asked.to_lowercase();
    let number = lower.trim_start_matches("ending").trim().parse::<i64>();
    let named = |brief: crate::endings::wire::EndingBrief| {
        let number = brief.ending_no;
        line(
            Icon::Ended,
            format!("Ending {number}"),
            brief.reason,
            paths::ending(number),
        )
    };
    if let Ok(number) = number {
        let one = backend.endings.ending_page(number, None, None).await;
        return one.ok().map(|page| named(page.brief)).into_iter().collect();
    }
    let newest = backend.endings.endings_page(None).await.map(|page| page.endings);
    let newest = newest.unwrap_or_default().into_iter();
    newest
        .filter(|brief| fits(&brief.reason, asked) || fits(&brief.ticket_ref, asked))
        .take(MOST)
        .map(named)
        .collect()
}

fn pages(may: &[Permission], asked: &str) -> Vec<Line> {
    use crate::layout::bar::PAGES;
    let top = PAGES
        .into_iter()
        .filter(|(.., permission)| may.contains(permission));
    let others = [
        (
            "Saved views",
            paths::VIEWS,
            may.contains(&Permission::SeeSessions),
        ),
        ("Your account and sign-ins", paths::ACCOUNT, true),
    ];
    let others = others.into_iter().filter(|(.., may)| *may);
    let all = top
        .map(|(words, href, _)| (words, href))
        .chain(others.map(|(words, href, _)| (words, href)));
    all.filter(|(words, _)| fits(words, asked))
        .map(|(words, href)| {
            let second = keys::PAGES.into_iter().find(|(_, path, _)| *path == href);
            Line {
                keys: second.map(|(key, ..)| vec!["g", key]).unwrap_or_default(),
                ..line(Icon::Right, words, "", href)
            }
        })
        .collect()
}

/// Acts the person has a right to, by the page where they are done. None is done from here.
fn acts(may: &[Permission], asked: &str, list: Option<&str>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut add = |permission, words: &str, href: String, file| {
        if may.contains(&permission) && fits(words, asked) {
            lines.push(Line {
                file,
                ..line(if file { Icon::Export } else { Icon::Right }, words, "", href)
            });
        }
    };
    if let Some(list) = list {
        for (words, path) in [
            ("Export this list as CSV", paths::SESSIONS_CSV),
            ("Export this list as JSON lines", paths::SESSIONS_JSONL),
        ] {
            add(Permission::ExportData, words, paths::with_query(path, list), true);
        }
    }
    add(
        Permission::ManageSystems,
        "Pause all endings…",
        paths::ENDINGS.to_owned(),
        false,
    );
    for (words, tab) in [
        ("Give a grant…", ""),
        ("Add a person who signs in here…", "people"),
    ] {
        let pairs: Vec<_> = Some(("tab", tab))
            .filter(|(_, tab)| !tab.is_empty())
            .into_iter()
            .collect();
        let href = paths::with_query(paths::ACCESS, &paths::query_string(&pairs));
        add(Permission::ManageAccess, words, href, false);
    }
    add(
        Permission::EditPolicies,
        "Change the limits of Curfew’s own sessions…",
        paths::POLICIES.to_owned(),
        false,
    );
    lines
}

/// The list that `list` names, fit for a file: no page, no selection; `None` where it is not understood.
pub fn exportable(list: &str) -> Option<String> {
    let (query, problems) = SessionQuery::from_pairs(&paths::parse_query(list), 0);
    let query = SessionQuery {
        selection: None,
        columns: None,
        ..query.first_page()
    };
    problems.is_empty().then(|| query.to_query_string())
}

/// The address of the page, from the list that is open.
pub fn address(path: &str, search: &str) -> String {
    if path != paths::SESSIONS {
        return paths::GO.to_owned();
    }
    let mut pairs = paths::parse_query(search);
    pairs.retain(|(name, _)| !["sel", "after", "before", "cols", "open"].contains(&name.as_str()));
    paths::with_query(
        paths::GO,
        &paths::query_string(&[(LIST, paths::query_string(&pairs))]),
    )
}
