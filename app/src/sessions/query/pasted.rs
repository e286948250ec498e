//! A pasted list of people or addresses, as a filter: what an address can carry, and no more.

use super::SessionQuery;
use super::filter::{Network, TextFilter, TextOp};

/// Most entries of a list.
pub const MOST_ENTRIES: usize = 1_000;
/// Longest address that a list may make, in bytes: the server takes 16 KiB, what stands before it often half.
pub const LONGEST_ADDRESS: usize = 7_500;

/// `query` with the pasted list as its people or its addresses, from the first page; or why that can't be.
///
/// Entries stand on lines of their own, or apart by commas, semicolons or tabs where there is one line.
pub fn with_list(query: &SessionQuery, text: &str) -> Result<SessionQuery, String> {
    let entries = entries(text);
    if entries.is_empty() {
        return Err("Paste at least one user name, mail or IP address, each on its own line.".to_owned());
    }
    if entries.len() > MOST_ENTRIES {
        return Err(format!(
            "{} entries are too many, up to {MOST_ENTRIES} at a time.",
            entries.len()
        ));
    }
    let networks: Vec<Option<Network>> = entries.iter().map(|entry| Network::parse(entry).ok()).collect();
    let known = networks.iter().flatten().count();
    let mut query = query.first_page();
    if known == entries.len() {
        query.ip = networks.into_iter().flatten().collect();
    } else if let (Some(person), true) = (
        entries.iter().zip(&networks).find(|(_, n)| n.is_none()),
        known > 0,
    ) {
        return Err(format!(
            "Some entries are IP addresses, and others, such as “{}”, are not. Paste one kind at a time.",
            person.0
        ));
    } else if let Some(odd) = entries.iter().find(|entry| entry.contains(',')) {
        return Err(format!(
            "“{odd}” holds a comma. Paste user names or mails, one on each line."
        ));
    } else {
        query.person = Some(TextFilter {
            op: TextOp::OneOf,
            texts: entries,
        });
    }
    let length = query.to_query_string().len();
    if length > LONGEST_ADDRESS {
        return Err(format!(
            "This list makes an address of {length} characters, and {LONGEST_ADDRESS} fit. Paste it in parts: the first \
             {} entries or so.",
            query_entries(&query) * LONGEST_ADDRESS / length
        ));
    }
    Ok(query)
}

/// What `query` asks for one by one, each as the query of it alone: people of a list, or addresses.
pub fn each(query: &SessionQuery) -> Vec<(String, SessionQuery)> {
    let mut all = Vec::new();
    if let Some(TextFilter {
        op: TextOp::OneOf,
        texts,
    }) = &query.person
        && texts.len() > 1
    {
        all.extend(texts.iter().map(|text| {
            let mut of = query.first_page();
            of.person = Some(TextFilter {
                op: TextOp::Is,
                texts: vec![text.clone()],
            });
            (text.clone(), of)
        }));
    }
    if query.ip.len() > 1 {
        all.extend(query.ip.iter().map(|network| {
            let mut of = query.first_page();
            of.ip = vec![*network];
            (network.to_string(), of)
        }));
    }
    all
}

fn query_entries(query: &SessionQuery) -> usize {
    query.ip.len() + query.person.as_ref().map_or(0, |person| person.texts.len())
}

fn entries(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let parts: Vec<&str> = match lines.as_slice() {
        [one] => one.split([',', ';', '\t']).collect(),
        _ => lines.iter().flat_map(|line| line.split([';', '\t'])).collect(),
    };
    let mut met = std::collections::BTreeSet::new();
    parts
        .into_iter()
        .map(|part| part.trim().trim_matches('"').trim())
        .filter(|part| !part.is_empty() && met.insert(part.to_lowercase()))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<String, String> {
        with_list(&SessionQuery::default(), text).map(|query| {
            let pairs = query.to_pairs();
            crate::paths::query_string(&pairs)
        })
    }

    #[test]
    fn a_pasted_list_is_a_filter_over_people_or_addresses() {
        for (text, is) in [
            ("ann\nbob\n", "person=ann,bob&person.op=one_of"),
            ("ann; bob, eve", "person=ann,bob,eve&person.op=one_of"),
            (
                "  ann@example.org\r\n\r\nBOB\nbob",
                "person=ann@example.org,BOB&person.op=one_of",
            ),
            ("\"Ann Smith\"\nbob", "person=Ann+Smith,bob&person.op=one_of"),
            (
                "10.0.0.7\n10.1.0.0/16\n2001:db8::1",
                "ip=10.0.0.7,10.1.0.0/16,2001:db8::1",
            ),
            ("10.0.0.7,10.0.0.8", "ip=10.0.0.7,10.0.0.8"),
        ] {
            assert_eq!(of(text), Ok(is.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_list_that_can_not_be_one_filter_says_why() {
        let many = |n: usize| (0..n).map(|n| format!("person-number-{n}\n")).collect::<String>();
        for (text, says) in [
            (" \n,;".to_owned(), "at least one"),
            ("ann\n10.0.0.7".to_owned(), "“ann”"),
            ("Smith, Ann\nbob".to_owned(), "holds a comma"),
            (many(1001), "1001 entries are too many"),
            (many(900), "7500 fit"),
        ] {
            let message = of(&text).unwrap_err();
            assert!(message.contains(says), "{message}");
        }
        assert!(of(&many(300)).is_ok());
    }

    #[test]
    fn the_rest_of_the_query_stays_and_its_parts_are_told_apart() {
        let kept = SessionQuery {
            over: true,
            ..SessionQuery::default()
        };
        let query = with_list(&kept, "ann\nbob").unwrap();
        assert!(query.over);
        let parts: Vec<String> = each(&query)
            .into_iter()
            .map(|(text, of)| format!("{text} {}", of.to_query_string()))
            .collect();
        assert_eq!(
            parts,
            [
                "ann person=ann&person.op=is&over=1",
                "bob person=bob&person.op=is&over=1"
            ]
        );
        assert!(each(&kept).is_empty());
    }
}
