//! What the address of the Tickets page asks for, read and written in one place; and its form.

use super::wire::{TicketOutcome, TicketQuery, TicketTestAsked};
use crate::error::{AppError, FieldProblem};
use crate::form::{Pairs, Problems};
use crate::paths;

/// Everything but issued, as a filter.
pub const NOT_ISSUED: &str = "not_issued";
/// `act` of the page's form: asks for a ticket and throws it away.
pub const TEST: &str = "test";
/// `act` of the page's form: the same, and redeems it at the login view.
pub const LOOK: &str = "look";
/// `act` of the page's form: asks the ways to Tableau's addresses now.
pub const CHECK: &str = "check";

impl TicketQuery {
    /// Reads the pairs of an address. What is not understood is named.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)]) -> (Self, Vec<FieldProblem>) {
        let mut query = Self::default();
        let mut problems = Vec::new();
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref().trim());
            if value.is_empty() {
                continue;
            }
            let own = value.to_owned();
            match key {
                "ref" => query.reference = own,
                "app" => query.app = own,
                "system" => query.system = own,
                "node" => query.node = own,
                "user" => query.user = own,
                "before" => query.cursor = Some(own),
                "outcome" if value == NOT_ISSUED || TicketOutcome::from_name(value).is_some() => {
                    query.outcome = own;
                }
                "outcome" => problems.push(FieldProblem {
                    field: key.to_owned(),
                    message: "There is no such outcome; choose one of the list.".to_owned(),
                }),
                _ => {}
            }
        }
        (query, problems)
    }

    /// The pairs of its address; the opposite of [`TicketQuery::from_pairs`].
    pub fn to_pairs(&self) -> Vec<(&'static str, String)> {
        let pairs = [
            ("ref", self.reference.clone()),
            ("app", self.app.clone()),
            ("system", self.system.clone()),
            ("node", self.node.clone()),
            ("outcome", self.outcome.clone()),
            ("user", self.user.clone()),
            ("before", self.cursor.clone().unwrap_or_default()),
        ];
        pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// Its address.
    pub fn href(&self) -> String {
        paths::with_query(paths::TICKETS, &paths::query_string(&self.to_pairs()))
    }

    /// How many filters are set; the page within the list is none.
    pub fn filters(&self) -> usize {
        let set = self.to_pairs();
        set.iter().filter(|(name, _)| *name != "before").count()
    }
}

/// Reads the page's form.
pub fn read_test(pairs: &[(String, String)]) -> Result<TicketTestAsked, AppError> {
    let pairs = Pairs(pairs);
    let mut problems = Problems::default();
    let asked = TicketTestAsked {
        app: problems.need(pairs, "app", 40, "Choose the app to ask as."),
        site: pairs.text("site").to_owned(),
        user: problems.need(
            pairs,
            "user",
            200,
            "Whom to ask a ticket for, as the app would name them.",
        ),
    };
    problems.or(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written_and_what_is_wrong_is_named() {
        let query = TicketQuery {
            reference: "T-7Q3K9ZXW".to_owned(),
            app: "intranet".to_owned(),
            system: "hq".to_owned(),
            node: "https://node1:8443".to_owned(),
            outcome: NOT_ISSUED.to_owned(),
            user: "CORP\\ann".to_owned(),
            cursor: Some("17".to_owned()),
        };
        let href = query.href();
        let (read, problems) = TicketQuery::from_pairs(&paths::parse_query(href.split_once('?').unwrap().1));
        assert_eq!((read.clone(), problems), (query, Vec::new()));
        assert_eq!(read.filters(), 6);
        let (read, problems) = TicketQuery::from_pairs(&[("outcome", "fine"), ("app", " ")]);
        assert_eq!(read, TicketQuery::default());
        assert_eq!(problems[0].field, "outcome");
    }

    #[test]
    fn a_test_needs_an_app_and_a_user_and_takes_the_default_site() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let asked = read_test(&[pair("app", "intranet"), pair("user", " ann ")]).unwrap();
        assert_eq!((asked.site.as_str(), asked.user.as_str()), ("", "ann"));
        let Err(AppError::Invalid { problems }) = read_test(&[pair("site", "sales")]) else {
            panic!("nothing to ask")
        };
        assert_eq!(problems.len(), 2);
    }
}
