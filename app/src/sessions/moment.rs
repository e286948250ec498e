//! "As of": says beside a list of the past what of that moment is not known.

use leptos::prelude::*;

use super::form::list_address;
use super::query::SessionQuery;
use super::wire::{Known, SessionsPage};
use crate::ui::{Clock, Note, Tone};

/// What a list of the past does not know.
#[component]
pub fn PastNote(
    /// The page; its query names the moment.
    page: SessionsPage,
    /// What is known of it.
    known: Known,
) -> impl IntoView {
    let at = page.query.at?;
    let words = unknown(&known, at, |at| Clock::here().heading(at));
    let back = SessionQuery {
        at: None,
        ..page.query.first_page()
    };
    let back = list_address(&back.to_query_string(), page.query.selection.as_ref());
    Some(view! {
        <Note tone=Some(Tone::Warn)>
            <b>{format!("Who was on at {}, from what was seen.", Clock::here().heading(at))}</b>
            " "
            {words}
            " "
            <a href=back>"Back to now"</a>
        </Note>
    })
}

/// Sentences on what is not known, in the order of what matters most.
pub fn unknown(
    known: &Known,
    at: crate::wire::Timestamp,
    say: impl Fn(crate::wire::Timestamp) -> String,
) -> String {
    let mut words = Vec::new();
    if !known.not_met.is_empty() {
        words.push(format!(
            "Of {} nothing had been read by then: who was on there and left before the first reading is not known.",
            list(&known.not_met)
        ));
    }
    for (name, read_at) in &known.behind {
        words.push(format!(
            "{name} was last read whole at {}: its sessions are as of then.",
            say(*read_at)
        ));
    }
    match known.oldest_end {
        Some(oldest) if oldest <= at => {}
        Some(oldest) => words.push(format!(
            "The oldest end that is still kept is of {}: who left before then is forgotten.",
            say(oldest)
        )),
        None => words.push("No end is kept: who left since is not among them.".to_owned()),
    }
    words.push(
        "A session that nobody ended here counts as on until the reading that missed it. Activity, limits and addresses \
         are as last read, and nothing here can be selected."
            .to_owned(),
    );
    words.join(" ")
}

fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Timestamp;

    #[test]
    fn what_is_not_known_of_a_moment_is_said() {
        let say = |at: Timestamp| format!("t{}", at.0);
        let at = Timestamp(100);
        let whole = Known {
            oldest_end: Some(Timestamp(50)),
            ..Known::default()
        };
        let words = unknown(&whole, at, say);
        assert!(words.starts_with("A session that nobody ended here"), "{words}");
        let known = Known {
            not_met: vec!["Domo".to_owned(), "uPortal".to_owned()],
            behind: vec![("Keycloak".to_owned(), Timestamp(90))],
            oldest_end: Some(Timestamp(120)),
        };
        let words = unknown(&known, at, say);
        for part in [
            "Of Domo and uPortal nothing had been read by then",
            "Keycloak was last read whole at t90",
            "still kept is of t120",
        ] {
            assert!(words.contains(part), "{words}");
        }
        assert!(unknown(&Known::default(), at, say).contains("No end is kept"));
    }
}
