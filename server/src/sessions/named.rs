//! Systems as people name them: `system:domo` means Domo northwind, if that is what there is.
//!
//! An id means its system. Any other text means every system in the caller's list whose id or name begins with it. A text
//! that none begins with matches nothing; leaving it out would leave out nothing, so that is refused. What is out of the
//! caller's sight is not there.

use app::error::{AppError, FieldProblem};
use app::sessions::query::SessionQuery;
use app::wire::SystemId;

use super::filter::{Dialect, Filter, View, lower};
use super::store;
use crate::db::Conn;
use crate::error::Error;

/// The parameter that leaves systems out.
const LEFT_OUT: &str = "not.system";

/// A query whose systems are ids.
pub struct Named {
    /// The query; names that mean nothing stand there as they were.
    pub query: SessionQuery,
    /// Names that mean nothing: a page tells of them.
    pub unknown: Vec<FieldProblem>,
}

impl View {
    /// What `query` asks for, its systems by id; what can't be asked is refused.
    pub async fn ask(&self, conn: &mut Conn, query: &SessionQuery) -> Result<Filter, Error> {
        let Named { query, unknown } = self.named(conn, query).await?;
        let widening = unknown.into_iter().filter(|problem| problem.field == LEFT_OUT);
        let mut problems: Vec<FieldProblem> = widening.collect();
        match self.filter(&query, Dialect::of(conn)) {
            Ok(filter) if problems.is_empty() => return Ok(filter),
            Ok(_) => {}
            Err(more) => problems.extend(more),
        }
        Err(AppError::Invalid { problems }.into())
    }

    /// The same query with its systems by id.
    pub async fn named(&self, conn: &mut Conn, query: &SessionQuery) -> Result<Named, Error> {
        let mut named = Named {
            query: query.clone(),
            unknown: Vec::new(),
        };
        if query.systems.is_empty() && query.not.systems.is_empty() {
            return Ok(named);
        }
        let mut known = store::systems(conn).await?;
        known.retain(|(id, _)| self.seen.touches_system(&SystemId::from(id.as_str())));
        let Named { query, unknown } = &mut named;
        for (field, systems) in [("system", &mut query.systems), (LEFT_OUT, &mut query.not.systems)] {
            let mut ids: Vec<SystemId> = Vec::new();
            for text in systems.drain(..) {
                let meant = meant(&known, text.as_str());
                if meant.is_empty() {
                    unknown.push(problem(field, text.as_str(), &known));
                    ids.push(text);
                }
                for id in meant {
                    if !ids.contains(&id) {
                        ids.push(id);
                    }
                }
            }
            *systems = ids;
        }
        Ok(named)
    }
}

/// The systems that a text means, by id.
fn meant(known: &[(String, String)], text: &str) -> Vec<SystemId> {
    if known.iter().any(|(id, _)| id == text) {
        return vec![SystemId::from(text)];
    }
    let begun = lower(text);
    let begins = |of: &str| lower(of).starts_with(&begun);
    let found = known.iter().filter(|(id, name)| begins(id) || begins(name));
    found.map(|(id, _)| SystemId::from(id.as_str())).collect()
}

fn problem(field: &str, text: &str, known: &[(String, String)]) -> FieldProblem {
    let ids: Vec<&str> = known.iter().map(|(id, _)| id.as_str()).collect();
    let yours = match ids.as_slice() {
        [] => "There is none in it.".to_owned(),
        ids => format!("Yours are {}.", ids.join(", ")),
    };
    FieldProblem {
        field: field.to_owned(),
        message: format!("“{text}” is no system in your list. {yours}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_means_itself_and_a_beginning_every_system_that_begins_so() {
        let known: Vec<(String, String)> = [
            ("domo", "Domo"),
            ("domo-northwind", "Domo northwind"),
            ("kc", "Keycloak staff"),
            ("uportal-campus", "uPortal campus"),
            ("uportal-clinic", "uPortal clinic"),
        ]
        .map(|(id, name)| (id.to_owned(), name.to_owned()))
        .into();
        let asked: [(&str, &[&str]); 10] = [
            ("domo", &["domo"]),
            ("domo-", &["domo-northwind"]),
            ("DOMO-N", &["domo-northwind"]),
            ("dom", &["domo", "domo-northwind"]),
            ("keyc", &["kc"]),
            ("Domo northwind", &["domo-northwind"]),
            ("uportal", &["uportal-campus", "uportal-clinic"]),
            ("northwind", &[]),
            ("domo-northwind-2", &[]),
            ("*", &[]),
        ];
        for (text, ids) in asked {
            let ids: Vec<SystemId> = ids.iter().map(|id| SystemId::from(*id)).collect();
            assert_eq!(meant(&known, text), ids, "{text}");
        }
    }
}
