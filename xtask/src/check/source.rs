//! Rust source as the rules read it: without comments, strings and test modules, and with the paths it names.

/// A path somebody names, e.g. `crate::sessions::store::page`, where and from which line.
#[derive(Debug, PartialEq)]
pub struct Named {
    pub line: usize,
    pub path: Vec<String>,
}

impl Named {
    pub fn is(&self, start: &[&str]) -> bool {
        self.path.len() >= start.len() && self.path.iter().zip(start).all(|(part, word)| part == word)
    }
}

/// The text with comments and literals blanked out; lines stay where they are.
pub fn bare(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = vec![b' '; bytes.len()];
    let mut at = 0;
    while at < bytes.len() {
        let rest = &bytes[at..];
        let length = if rest.starts_with(b"//") {
            until(rest, b"\n")
        } else if rest.starts_with(b"/*") {
            block_comment(rest)
        } else if let Some(hashes) = raw_string(rest, at.checked_sub(1).map(|before| bytes[before])) {
            let close: Vec<u8> = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
            let open = hashes + 2;
            open + until(&rest[open..], &close) + close.len()
        } else if rest[0] == b'"' {
            quoted(rest)
        } else if rest[0] == b'\'' && (rest.get(1) == Some(&b'\\') || rest.get(2) == Some(&b'\'')) {
            let from = if rest.get(1) == Some(&b'\\') { 3 } else { 2 };
            from + until(&rest[from.min(rest.len())..], b"'") + 1
        } else {
            out[at] = rest[0];
            1
        };
        for (offset, byte) in bytes[at..(at + length).min(bytes.len())].iter().enumerate() {
            if *byte == b'\n' {
                out[at + offset] = b'\n';
            }
        }
        at += length;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Blanks out `#[cfg(test)] mod … { … }`: tests may look wherever they need to.
pub fn without_tests(bare: &str) -> String {
    let mut out = bare.to_owned();
    while let Some(start) = out.find("#[cfg(test)]") {
        let after = &out[start + "#[cfg(test)]".len()..];
        let opens = after.find('{').unwrap_or(after.len());
        let ends = after.find(';').unwrap_or(after.len());
        let length = if opens < ends {
            opens + braces(&after[opens..])
        } else {
            ends.min(after.len())
        };
        let end = start + "#[cfg(test)]".len() + length;
        let blank: String = out[start..end]
            .chars()
            .map(|c| if c == '\n' { '\n' } else { ' ' })
            .collect();
        out.replace_range(start..end, &blank);
    }
    out
}

/// Every path with at least two parts, in `use` and in the middle of code; braces are taken apart.
pub fn named(bare: &str) -> Vec<Named> {
    let bytes = bare.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
        let inside_path = bare[..at].trim_end().ends_with("::");
        if !inside_path && bare[end..].starts_with("::") {
            at = walk(bare, at, &mut Vec::new(), &mut found).max(end);
        } else {
            at = end;
        }
    }
    found
}

/// Reads one path from `at`; gives where it ends.
fn walk(text: &str, mut at: usize, path: &mut Vec<String>, found: &mut Vec<Named>) -> usize {
    let depth = path.len();
    let bytes = text.as_bytes();
    loop {
        at += text[at..].len() - text[at..].trim_start().len();
        let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
        if end > at {
            path.push(text[at..end].to_owned());
            at = end;
        } else if bytes.get(at) == Some(&b'{') {
            at += 1;
            loop {
                at = walk(text, at, path, found);
                at += bytes[at..]
                    .iter()
                    .take_while(|byte| !matches!(byte, b',' | b'}' | b'{'))
                    .count();
                match bytes.get(at) {
                    Some(b',') => at += 1,
                    Some(b'}') => {
                        path.truncate(depth);
                        return at + 1;
                    }
                    _ => {
                        path.truncate(depth);
                        return at;
                    }
                }
            }
        } else {
            break;
        }
        if text[at..].starts_with("::") && !text[at..].starts_with("::<") {
            at += 2;
        } else {
            break;
        }
    }
    if path.len() > 1 {
        let line = text[..at].matches('\n').count() + 1;
        found.push(Named {
            line,
            path: path.clone(),
        });
    }
    path.truncate(depth);
    at
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn until(text: &[u8], what: &[u8]) -> usize {
    text.windows(what.len())
        .position(|window| window == what)
        .unwrap_or(text.len())
}

fn block_comment(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

/// How many `#` a raw string starts with, if one starts here.
fn raw_string(text: &[u8], before: Option<u8>) -> Option<usize> {
    if text[0] != b'r' || before.is_some_and(|byte| is_word(byte) && byte != b'b') {
        return None;
    }
    let hashes = text[1..].iter().take_while(|byte| **byte == b'#').count();
    (text.get(1 + hashes) == Some(&b'"')).then_some(hashes)
}

fn quoted(text: &[u8]) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != b'"' {
        at += if text[at] == b'\\' { 2 } else { 1 };
    }
    at + 1
}

/// Length of the block that starts with `{`.
fn braces(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        named(&without_tests(&bare(text)))
            .into_iter()
            .map(|named| named.path.join("::"))
            .collect()
    }

    #[test]
    fn braces_are_taken_apart() {
        assert_eq!(
            paths("use crate::{db::{Conn, Db}, error::Error, sessions::store as s};"),
            [
                "crate::db::Conn",
                "crate::db::Db",
                "crate::error::Error",
                "crate::sessions::store"
            ]
        );
    }

    #[test]
    fn paths_in_the_middle_of_code_count() {
        assert_eq!(
            paths("fn f() { let x = crate::audit::begin::<u8>(super::store::row(), a.b); }"),
            ["crate::audit::begin", "super::store::row"]
        );
    }

    #[test]
    fn comments_strings_and_tests_do_not_count() {
        let text = "// crate::a::b\n/* crate::c::d /* */ */ let s = \"crate::e::f\"; let r = r#\"crate::g::h\"#; let q = '\"';\n\
                    #[cfg(test)]\nmod tests { use crate::i::j; fn x() {} }\nuse crate::k::l;";
        assert_eq!(paths(text), ["crate::k::l"]);
        assert_eq!(named(&without_tests(&bare(text)))[0].line, 5);
    }
}
