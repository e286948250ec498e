//! Rendering of the list and the endings on a fake backend that answers with one page each.

use std::sync::{Arc, Mutex};

use app::backend::Backend;
use app::endings::port::EndingsPort;
use app::endings::wire::*;
use app::error::AppError;
use app::layout::FormEcho;
use app::sessions::columns::Column;
use app::sessions::port::SessionsPort;
use app::sessions::query::{GroupBy, SessionQuery};
use app::sessions::wire::*;
use app::wire::*;
use async_trait::async_trait;

use crate::fake::rendering::{Given, markup, page};
use crate::fake::{Fake, World};

pub mod endings;
pub mod sessions;

/// Answers of the two ports these pages ask; an empty one is "not there".
#[derive(Default)]
pub struct Answers {
    pub sessions: Option<SessionsPage>,
    pub preview: Option<Preview>,
    pub ending: Option<EndingPage>,
    pub endings: Option<EndingsPage>,
    pub error: Option<AppError>,
    /// Counts of filter values.
    pub facets: Vec<Facet>,
    /// What matches, in groups.
    pub groups: Option<GroupsPage>,
    /// What of a pasted list matches nothing.
    pub unmatched: Vec<String>,
    /// Rows that an open page shows already.
    pub shown: Vec<SessionRow>,
    /// What is known of a moment that is over.
    pub known: Known,
    /// The queries that were asked.
    pub asked: Mutex<Vec<SessionQuery>>,
}

impl Answers {
    fn give<T: Clone>(&self, value: &Option<T>) -> Result<T, AppError> {
        match (&self.error, value) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(value)) => Ok(value.clone()),
            (None, None) => Err(AppError::not_found("page")),
        }
    }

    fn nothing<T>(&self) -> Result<T, AppError> {
        Err(AppError::not_found("page"))
    }
}

#[async_trait]
impl SessionsPort for Answers {
    async fn list_sessions(&self, query: SessionQuery, _: bool) -> Result<SessionsPage, AppError> {
        self.asked
            .lock()
            .expect("no panic while asking")
            .push(query.clone());
        let mut page = self.give(&self.sessions)?;
        page.sort = query.sort;
        page.query = query;
        Ok(page)
    }
    async fn count_sessions(&self, _: SessionQuery) -> Result<u64, AppError> {
        self.nothing()
    }
    async fn facets(&self, _: SessionQuery) -> Result<Vec<Facet>, AppError> {
        Ok(self.facets.clone())
    }
    async fn groups(&self, _: SessionQuery, _: GroupBy) -> Result<GroupsPage, AppError> {
        self.give(&self.groups)
    }
    async fn known_at(&self, _: Timestamp) -> Result<Known, AppError> {
        Ok(self.known.clone())
    }
    async fn suggest(&self, _: String) -> Result<Vec<Suggestion>, AppError> {
        self.nothing()
    }
    async fn people(
        &self,
        _: SessionQuery,
        _: Option<String>,
        _: u32,
    ) -> Result<app::sessions::wire::PeoplePage, AppError> {
        self.nothing()
    }
    async fn people_named(&self, _: String) -> Result<Vec<PersonBrief>, AppError> {
        self.nothing()
    }
    async fn person(&self, _: String) -> Result<app::sessions::wire::PersonSessions, AppError> {
        self.nothing()
    }
    async fn paste(&self, _: String, _: String) -> Result<String, AppError> {
        self.nothing()
    }
    async fn unmatched(&self, _: SessionQuery) -> Result<Vec<String>, AppError> {
        Ok(self.unmatched.clone())
    }
    async fn shown(&self, _: Vec<SessionKey>, _: Option<SelectionId>) -> Result<Vec<SessionRow>, AppError> {
        Ok(self.shown.clone())
    }
    async fn find_by_session_id(&self, _: String) -> Result<Option<SessionKey>, AppError> {
        self.nothing()
    }
    async fn edit_selection(&self, _: SelectionEdit) -> Result<SelectionSummary, AppError> {
        self.nothing()
    }
    async fn clear_selection(&self, _: SelectionId) -> Result<Done, AppError> {
        self.nothing()
    }
    async fn save_columns(&self, _: Vec<Column>) -> Result<Done, AppError> {
        self.nothing()
    }
}

#[async_trait]
impl EndingsPort for Answers {
    async fn draft_ending(&self, _: SelectionId) -> Result<EndingId, AppError> {
        self.nothing()
    }
    async fn draft_ending_of(&self, _: Vec<SessionKey>) -> Result<EndingId, AppError> {
        self.nothing()
    }
    async fn preview(&self, _: EndingId, _: bool) -> Result<Preview, AppError> {
        self.give(&self.preview)
    }
    async fn include_in_preview(&self, _: EndingId, _: bool, _: bool) -> Result<EndingId, AppError> {
        self.nothing()
    }
    async fn confirm_ending(&self, _: EndingId, _: Confirm) -> Result<Confirmed, AppError> {
        self.nothing()
    }
    async fn decide_approval(&self, _: EndingId, _: Decision) -> Result<Option<i64>, AppError> {
        self.nothing()
    }
    async fn review_ending(&self, _: i64, _: String) -> Result<Done, AppError> {
        self.nothing()
    }
    async fn end_everywhere(
        &self,
        _: String,
        _: Confirm,
    ) -> Result<app::endings::wire::EndedEverywhere, AppError> {
        self.nothing()
    }
    async fn endings_page(&self, _: Option<String>) -> Result<EndingsPage, AppError> {
        self.give(&self.endings)
    }
    async fn ending_page(
        &self,
        _: i64,
        only: Option<ItemFilter>,
        _: Option<String>,
    ) -> Result<EndingPage, AppError> {
        let mut page = self.give(&self.ending)?;
        page.only = only;
        Ok(page)
    }
    async fn stop_ending(&self, _: i64) -> Result<Done, AppError> {
        self.nothing()
    }
    async fn endings_by_day(&self) -> Result<EndingsByDay, AppError> {
        self.nothing()
    }
    async fn end_again(&self, _: i64, _: Again) -> Result<EndingId, AppError> {
        self.nothing()
    }
    async fn resume_ending(&self, _: i64) -> Result<Done, AppError> {
        self.nothing()
    }
    async fn pause_all_endings(&self, _: String) -> Result<Done, AppError> {
        self.nothing()
    }
    async fn resume_all_endings(&self, _: String) -> Result<Done, AppError> {
        self.nothing()
    }
}

/// The whole document at this address, as a browser without script gets it.
pub fn render(path: &str, answers: Answers) -> String {
    render_with(path, Arc::new(answers), None)
}

/// The same, as a page that shows these rows gets it.
pub fn render_open(path: &str, answers: Answers, open: Vec<SessionKey>) -> String {
    let given = Given {
        backend: Some(backend(Arc::new(answers))),
        open: Some(app::backend::OpenRows(open)),
        ..Given::default()
    };
    page(path, given).1
}

/// The same, with a form that was refused.
pub fn render_with(path: &str, answers: Arc<Answers>, echo: Option<FormEcho>) -> String {
    let given = Given {
        backend: Some(backend(answers)),
        echo,
        ..Given::default()
    };
    page(path, given).1
}

fn backend(answers: Arc<Answers>) -> Backend {
    let mut world = World::many();
    world.frame.banners.clear();
    Backend {
        sessions: answers.clone(),
        endings: answers,
        ..Fake::of(world)
    }
}

/// How often a piece of markup stands there.
pub fn count(html: &str, piece: &str) -> usize {
    html.matches(piece).count()
}

/// The text a person reads, tags taken out and spaces made single.
pub fn text(html: &str) -> String {
    let mut out = String::new();
    let mut rest = markup(html);
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let tag_end = if after.starts_with("!--") { "-->" } else { ">" };
        let gap = if after.starts_with("!--") { "" } else { " " };
        out.push_str(gap);
        rest = after.split_once(tag_end).map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}
