//! Names of MBeans. Bridges write their keys in different orders, so names are compared by their keys, never as text.

use std::collections::BTreeMap;

/// A name like `Catalina:type=Manager,host=localhost,context=/x`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ObjectName {
    /// As the bridge wrote it: what it is asked by again.
    pub written: String,
    keys: BTreeMap<String, String>,
}

impl ObjectName {
    /// Reads a name; `None` = it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (domain, rest) = text.split_once(':')?;
        if domain.is_empty() || text.contains(['\n', '\r']) {
            return None;
        }
        let mut keys = BTreeMap::new();
        let mut rest = rest;
        while !rest.is_empty() {
            let (key, after) = rest.split_once('=')?;
            let (value, left) = match after.strip_prefix('"') {
                Some(quoted) => {
                    let end = end_of_quote(quoted)?;
                    (&quoted[..end], &quoted[end + 1..])
                }
                None => after.split_at(after.find(',').unwrap_or(after.len())),
            };
            keys.insert(key.to_owned(), value.to_owned());
            rest = match left.strip_prefix(',') {
                Some(next) if !next.is_empty() => next,
                Some(_) => return None,
                None if left.is_empty() => left,
                None => return None,
            };
        }
        (!keys.is_empty()).then(|| Self {
            written: text.to_owned(),
            keys,
        })
    }

    /// The value of a key, without quotes.
    pub fn key(&self, key: &str) -> Option<&str> {
        self.keys.get(key).map(String::as_str)
    }
}

/// Where a quoted value ends; `\` protects the character behind it.
fn end_of_quote(text: &str) -> Option<usize> {
    let mut protected = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if protected => protected = false,
            '\\' => protected = true,
            '"' => return Some(at),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_agree_in_any_order_of_their_keys() {
        let natural = ObjectName::parse("Catalina:type=Manager,host=localhost,context=/x##2").unwrap();
        let sorted = ObjectName::parse("Catalina:context=/x##2,host=localhost,type=Manager").unwrap();
        assert_eq!(natural.keys, sorted.keys);
        assert_eq!(natural.key("context"), Some("/x##2"));
        let module = ObjectName::parse(
            "Tomcat:j2eeType=WebModule,name=//localhost/,J2EEApplication=none,J2EEServer=none",
        );
        assert_eq!(module.unwrap().key("name"), Some("//localhost/"));
    }

    #[test]
    fn quoted_values_may_hold_anything() {
        let quoted = ObjectName::parse(r#"d:type=Manager,context="/a,b=\"c",host=h"#).unwrap();
        assert_eq!(quoted.key("context"), Some(r#"/a,b=\"c"#));
        assert_eq!(quoted.key("host"), Some("h"));
        for bad in [
            "",
            "d",
            ":a=b",
            "d:",
            "d:a",
            "d:a=b,",
            "d:a=\"b",
            "d:a=b\nOK - c=d",
        ] {
            assert_eq!(ObjectName::parse(bad), None, "{bad}");
        }
    }
}
