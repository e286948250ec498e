//! What servers said, word for word, in `fixtures`; secrets and what changes from run to run replaced.
//!
//! After an intended change `UPDATE_SNAPSHOTS=1 cargo test -p server --test tomcat` writes them anew.

use std::path::Path;

/// Stands for every session id.
const ID: &str = "0123456789ABCDEF0123456789ABCDEF";

/// Holds `text` against the fixture of this name.
pub fn hold(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/tomcat/fixtures")
        .join(name);
    let text = steady(text);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(text, kept, "{name} has changed");
}

/// Replaces session ids, object hashes, and times by some that are always the same.
pub fn steady(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let word = &rest[..rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len())];
        let digits = word.bytes().all(|b| b.is_ascii_digit());
        let new = match word.len() {
            0 => None,
            32 if word
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b)) =>
            {
                Some(ID)
            }
            // Milliseconds and seconds of 2026.
            13 if digits => Some("1795281180513"),
            10 if digits => Some("1795281180"),
            _ if out.ends_with('@') && word.bytes().all(|b| b.is_ascii_hexdigit()) => Some("4f8e5cde"),
            _ => None,
        };
        let taken = if word.is_empty() { c.len_utf8() } else { word.len() };
        out.push_str(new.unwrap_or(&rest[..taken]));
        rest = &rest[taken..];
    }
    out
}

#[test]
fn tomcat_fixtures_hold_no_secret_and_nothing_of_the_moment() {
    assert_eq!(
        steady("a@1f;1A2B3C4D5E6F70811A2B3C4D5E6F7081,1795281180999 alice@ex.org"),
        format!("a@4f8e5cde;{ID},1795281180513 alice@ex.org")
    );
}
