//! The forms of the person page.

use app::backend::Backend;
use app::error::AppError;
use app::paths;
use app::people::form::{PersonAct, SUBJECT};
use app::sessions::query::SessionQuery;
use app::sessions::wire::SelectionEdit;
use app::wire::{Done, SubjectId};

use super::doors::{Pairs, value};

/// The page they stand on.
pub fn page_of(pairs: &Pairs) -> String {
    match value(pairs, SUBJECT) {
        "" => paths::PEOPLE.to_owned(),
        subject => paths::subject(&SubjectId::from(subject)),
    }
}

/// Asks the port; where it leads, and one sentence for there.
pub async fn act(backend: &Backend, pairs: &Pairs, page: String) -> Result<(String, Done), AppError> {
    match PersonAct::read(pairs)? {
        PersonAct::End(subject) => {
            // Exactly this person's sessions, by the same way as everything that matches a list.
            backend.people.person_page(subject.clone()).await?;
            let query = SessionQuery {
                subject: Some(subject),
                ..SessionQuery::default()
            };
            let all = SelectionEdit {
                all_matching: true,
                query: query.to_query_string(),
                ..SelectionEdit::default()
            };
            let selected = backend.sessions.edit_selection(all).await?;
            let ending = backend.endings.draft_ending(selected.selection_id).await?;
            Ok((paths::preview(&ending), Done::default()))
        }
        PersonAct::Link(asked) => Ok((page, backend.people.link_account(asked).await?)),
        PersonAct::Cut(asked) => Ok((page, backend.people.cut_account(asked).await?)),
    }
}
