//! What the address of the People page asks for, read and written in one place.

use super::wire::PeopleQuery;
use crate::paths;

impl PeopleQuery {
    /// Reads the pairs of an address; what else stands there is none of its business.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)]) -> Self {
        let mut query = Self::default();
        for (name, value) in pairs {
            let value = value.as_ref().trim();
            match name.as_ref() {
                "q" => query.search = value.to_owned(),
                "live" => query.live = value == "1",
                "after" if !value.is_empty() => query.after = Some(value.to_owned()),
                _ => {}
            }
        }
        query
    }

    /// Its address; the opposite of [`PeopleQuery::from_pairs`].
    pub fn href(&self) -> String {
        let mut pairs = Vec::new();
        if !self.search.is_empty() {
            pairs.push(("q", self.search.as_str()));
        }
        if self.live {
            pairs.push(("live", "1"));
        }
        if let Some(after) = &self.after {
            pairs.push(("after", after.as_str()));
        }
        paths::with_query(paths::PEOPLE, &paths::query_string(&pairs))
    }

    /// How many filters are set; the page within the list is none.
    pub fn filters(&self) -> usize {
        usize::from(!self.search.is_empty()) + usize::from(self.live)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_was_written() {
        let query = PeopleQuery {
            search: "ann smith".to_owned(),
            live: true,
            after: Some("616e6e.7".to_owned()),
        };
        let href = query.href();
        let read = PeopleQuery::from_pairs(&paths::parse_query(href.split_once('?').unwrap().1));
        assert_eq!(read, query);
        assert_eq!(read.filters(), 2);
        assert_eq!(PeopleQuery::default().href(), paths::PEOPLE);
    }
}
