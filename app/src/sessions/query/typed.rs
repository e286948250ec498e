//! What is typed into the search box: words to search for, and terms that are filters.
//!
//! `user:ann idle:>8h ip:10.0.0.0/8 -system:domo "whole phrase"`. A term becomes the parameters of the address that the
//! form would send, so that there is one set of filters with one meaning; the words that are left are the text. Values in
//! quotes may hold spaces and commas; `\"` is a quote inside of quotes. A part that is not understood is a problem that
//! names it and says what to type: it is never searched for instead, and never dropped.

use super::SessionQuery;
use super::words::{Meaning, WORDS, Word};
use crate::civil::{parse_duration, write_duration};
use crate::error::FieldProblem;

/// Longest end of an id that the list knows.
const HINT_CHARS: usize = 4;

/// The search box, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// What is searched for, as [`write_words`] writes it.
    pub text: String,
    /// Parameters of the terms.
    pub pairs: Vec<(&'static str, String)>,
    /// What was not understood.
    pub problems: Vec<FieldProblem>,
}

/// A part of the box, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Word(String),
    Term(Term),
    Bad(String),
}

/// `-name:values`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Term {
    /// As it was typed.
    whole: String,
    negated: bool,
    name: String,
    /// `<`, `>`, `=` or nothing.
    op: Option<char>,
    /// Values, without their quotes.
    values: Vec<String>,
}

/// Reads the box; `offset_min` = the person's minutes east of UTC.
pub fn read(text: &str, offset_min: i32) -> Typed {
    let mut typed = Typed::default();
    let mut words = Vec::new();
    let mut said: Vec<(&'static str, String)> = Vec::new();
    for part in parts(text) {
        let found = match part {
            Part::Word(word) => {
                words.push(word);
                continue;
            }
            Part::Term(term) => pairs_of(&term, offset_min).map(|pairs| (term, pairs)),
            Part::Bad(message) => Err(message),
        };
        match found {
            Ok((term, pairs)) => {
                let twice = pairs.iter().any(|(name, value)| {
                    !super::address::MANY.contains(name) && said.iter().any(|(n, v)| n == name && v != value)
                });
                if twice {
                    typed.problems.push(problem(format!(
                        "“{}”: there is one “{}:” already. Put several values into one term, with commas.",
                        term.whole, term.name
                    )));
                } else {
                    said.extend(pairs);
                }
            }
            Err(message) => typed.problems.push(problem(message)),
        }
    }
    typed.pairs = said;
    typed.text = write_words(&words);
    typed
}

/// The words of a text that [`write_words`] wrote; of any other, what stands between its spaces.
pub fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in parts(text) {
        match part {
            Part::Word(word) => words.push(word),
            // Not from the box: nothing of it may be lost, or more would match.
            Part::Term(_) | Part::Bad(_) => return text.split_whitespace().map(str::to_owned).collect(),
        }
    }
    words
}

/// Words as one text that is read back as the same words.
pub fn write_words<T: AsRef<str>>(words: &[T]) -> String {
    let mut text = String::new();
    for word in words.iter().map(AsRef::as_ref) {
        if !text.is_empty() {
            text.push(' ');
        }
        match parts(word).as_slice() {
            [Part::Word(same)] if same == word => text.push_str(word),
            _ => quote(word, &mut text),
        }
    }
    text
}

/// A value as it can be typed: in quotes where it needs them.
pub fn write_value(value: &str) -> String {
    let plain = !value.is_empty()
        && !value.starts_with(['<', '>', '='])
        && !value.contains(|c: char| c.is_whitespace() || c == '"' || c == ',');
    if plain {
        return value.to_owned();
    }
    let mut text = String::new();
    quote(value, &mut text);
    text
}

fn quote(word: &str, text: &mut String) {
    text.push('"');
    for c in word.chars() {
        if c == '"' || c == '\\' {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
}

/// The term that is being typed at the end of the box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// Bytes before it.
    pub from: usize,
    /// With a minus.
    pub negated: bool,
    /// The word; `None` = not a term yet.
    pub word: Option<String>,
    /// What stands after the colon and the last comma, or all of it where there is no colon.
    pub value: String,
    /// Values before the last comma, as they were typed, with that comma.
    pub before: String,
}

/// What is being typed at the end of `text`; `None` behind a space.
pub fn unfinished(text: &str) -> Option<Unfinished> {
    let from = last_part(text)?;
    let (negated, rest) = match text[from..].strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, &text[from..]),
    };
    let Some((name, values)) = rest.split_once(':').filter(|(name, _)| is_name(name)) else {
        return Some(Unfinished {
            from,
            negated,
            word: None,
            value: rest.to_owned(),
            before: String::new(),
        });
    };
    let at = last_value(values);
    Some(Unfinished {
        from,
        negated,
        word: Some(name.to_lowercase()),
        value: values[at..].trim_start_matches(['"', '=']).to_owned(),
        before: values[..at].to_owned(),
    })
}

/// Whether the end of the box is no whole part yet: a term without a space behind it, a quote not closed.
pub fn waits(text: &str) -> bool {
    !text.ends_with(char::is_whitespace) && matches!(parts(text).last(), Some(Part::Term(_) | Part::Bad(_)))
}

/// Where the last part begins; `None` when the text ends behind a part.
fn last_part(text: &str) -> Option<usize> {
    let mut begins = None;
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if c.is_whitespace() && !quoted {
            begins = None;
            continue;
        }
        begins = begins.or(Some(at));
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && c == '\\' && !escaped;
    }
    begins
}

/// Where the last value of several begins.
fn last_value(values: &str) -> usize {
    let mut quoted = false;
    let mut begins = 0;
    for (at, c) in values.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => begins = at + 1,
            _ => {}
        }
    }
    begins
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
}

fn problem(message: String) -> FieldProblem {
    FieldProblem {
        field: "q".to_owned(),
        message,
    }
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (part, left) = next(rest);
        parts.push(part);
        rest = left.trim_start();
    }
    parts
}

/// The first part of a text that begins with one, and what follows it.
fn next(text: &str) -> (Part, &str) {
    if text.starts_with('"') {
        return match quoted(text) {
            Some((word, rest)) => (Part::Word(word), rest),
            None => (Part::Bad(open_quote(text)), ""),
        };
    }
    let run_ends = text.find(char::is_whitespace).unwrap_or(text.len());
    let run = &text[..run_ends];
    let (negated, bare) = match run.strip_prefix('-') {
        Some(bare) => (true, bare),
        None => (false, run),
    };
    let named = bare.split_once(':').filter(|(name, _)| is_name(name));
    if let Some((name, _)) = named
        && run.parse::<std::net::IpAddr>().is_err()
    {
        let values_at = usize::from(negated) + name.len() + 1;
        return term(text, negated, name, values_at);
    }
    if negated && bare.starts_with(|c: char| c.is_alphanumeric() || c == '"') {
        let message = format!(
            "“{run}”: a minus leaves out what a filter finds: -system:domo, -user:ann. To search for the text itself, \
             write \"{run}\" in quotes."
        );
        return (Part::Bad(message), &text[run_ends..]);
    }
    (Part::Word(run.to_owned()), &text[run_ends..])
}

/// A text in quotes without them, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some((_, escaped @ ('"' | '\\')))) => {
                word.push(*escaped);
                chars.next();
            }
            ('"', _) => return Some((word, &text[at + 1..])),
            _ => word.push(c),
        }
    }
    None
}

fn open_quote(text: &str) -> String {
    format!("“{text}”: a quote is opened and not closed. Write both, or \"\\\"\" for a quote itself.")
}

/// The term whose values begin at `values_at`.
fn term<'t>(text: &'t str, negated: bool, name: &str, values_at: usize) -> (Part, &'t str) {
    let mut rest = &text[values_at..];
    let mut term = Term {
        negated,
        name: name.to_lowercase(),
        ..Term::default()
    };
    if let Some(op) = rest.chars().next().filter(|c| matches!(c, '<' | '>' | '=')) {
        term.op = Some(op);
        rest = &rest[1..];
    }
    loop {
        if rest.starts_with('"') {
            match quoted(rest) {
                Some((value, left)) => {
                    term.values.push(value);
                    rest = left;
                }
                None => return (Part::Bad(open_quote(text)), ""),
            }
        } else {
            let ends = rest
                .find(|c: char| c.is_whitespace() || c == ',')
                .unwrap_or(rest.len());
            term.values.push(rest[..ends].to_owned());
            rest = &rest[ends..];
        }
        match rest.strip_prefix(',') {
            Some(left) => rest = left,
            None => break,
        }
    }
    term.whole = text[..text.len() - rest.len()].to_owned();
    (Part::Term(term), rest)
}

/// The parameters of a term, or what is wrong with it.
fn pairs_of(term: &Term, offset_min: i32) -> Result<Vec<(&'static str, String)>, String> {
    let whole = &term.whole;
    let Some(word) = Word::of(&term.name) else {
        let names: Vec<&str> = WORDS.iter().map(Word::name).collect();
        return Err(format!(
            "“{whole}”: there is no filter “{}”. Filters are {}. To search for the text itself, write \"{whole}\" in \
             quotes.",
            term.name,
            names.join(", ")
        ));
    };
    if term.values.iter().any(|value| value.trim().is_empty()) {
        return Err(format!("“{whole}” lacks a value. Write {}.", word.example));
    }
    let timed = matches!(word.meaning, Meaning::Idle | Meaning::Past | Meaning::ToCome);
    if !timed && matches!(term.op, Some('<' | '>')) {
        return Err(format!(
            "“{whole}”: < and > compare lengths and moments only. Write {}.",
            word.example
        ));
    }
    let field = match (term.negated, word.left_out()) {
        (false, _) => word.field,
        (true, Some(field)) => field,
        (true, None) => {
            return Err(format!(
                "“{whole}”: “{}” can't be turned round. Write it without the minus: {}.",
                term.name, word.example
            ));
        }
    };
    let pairs = match word.meaning {
        Meaning::Text => text(term, field)?,
        Meaning::Many => term
            .values
            .iter()
            .map(|value| (field, lower_where_fixed(word, value)))
            .collect(),
        Meaning::Networks => vec![(field, joined(term))],
        Meaning::Hint => {
            if let Some(long) = term.values.iter().find(|v| v.chars().count() > HINT_CHARS) {
                return Err(format!(
                    "“{}…”: the list knows the last {HINT_CHARS} characters of an id. Write id:7f3a, or use “Find by \
                     session id” for a whole one.",
                    long.chars().take(2).collect::<String>()
                ));
            }
            text(term, field)?
        }
        Meaning::Idle | Meaning::Past | Meaning::ToCome => time(term, word)?,
        Meaning::Limit => match one(term, word)? {
            "over" => vec![("over", "1".to_owned())],
            "none" => vec![("never_idle", "1".to_owned())],
            _ => {
                return Err(format!(
                    "“{whole}”: a limit is over or none. Write limit:over or limit:none."
                ));
            }
        },
        Meaning::Policy => match one(term, word)? {
            "earlier" => vec![("earlier", "1".to_owned())],
            _ => return Err(format!("“{whole}”: a policy is earlier. Write policy:earlier.")),
        },
        Meaning::Limits => vec![(field, limits(term, word)?)],
        Meaning::Key | Meaning::Moment => vec![(field, one(term, word)?.to_owned())],
    };
    // What the values themselves may be is known where addresses are read.
    let (_, problems) = SessionQuery::from_parameters(&pairs, offset_min);
    match problems.into_iter().next() {
        Some(problem) => Err(format!("“{whole}”: {}", problem.message)),
        None => Ok(pairs),
    }
}

fn lower_where_fixed(word: &Word, value: &str) -> String {
    match word.field {
        "kind" | "state" => value.to_lowercase(),
        _ => value.to_owned(),
    }
}

fn joined(term: &Term) -> String {
    term.values.join(",")
}

/// The only value there may be.
fn one<'t>(term: &'t Term, word: &Word) -> Result<&'t str, String> {
    match term.values.as_slice() {
        [value] => Ok(value),
        _ => Err(format!(
            "“{}” takes one value. Write {}.",
            term.whole, word.example
        )),
    }
}

fn text(term: &Term, field: &'static str) -> Result<Vec<(&'static str, String)>, String> {
    let op = match (term.op, term.values.len()) {
        (None, 1) => return Ok(vec![(field, joined(term).trim().to_owned())]),
        (Some(_), 1) => "is",
        _ if term.values.iter().any(|value| value.contains(',')) => {
            return Err(format!(
                "“{}”: a name with a comma in it can only be asked for alone. Write {}:\"Smith, Ann\".",
                term.whole, term.name
            ));
        }
        _ => "one_of",
    };
    Ok(vec![(field, joined(term)), (op_of(field), op.to_owned())])
}

/// The parameter that says how a parameter is compared.
fn op_of(field: &'static str) -> &'static str {
    super::address::KNOWN_OPS
        .into_iter()
        .find(|op| op.strip_suffix(".op") == Some(field))
        .unwrap_or(field)
}

/// Seconds of `8h`, `30min`, `2days`.
fn length(text: &str) -> Option<i64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let unit = match text[digits..].to_ascii_lowercase().as_str() {
        "s" | "sec" => "s",
        "m" | "min" => "m",
        "h" | "hour" | "hours" => "h",
        "d" | "day" | "days" => "d",
        "w" | "week" | "weeks" => "w",
        _ => return None,
    };
    parse_duration(&format!("{}{unit}", &text[..digits]))
}

fn time(term: &Term, word: &Word) -> Result<Vec<(&'static str, String)>, String> {
    let value = one(term, word)?;
    let whole = &term.whole;
    let instead = |words: &str| Err(format!("“{whole}”: {words} Write {}.", word.example));
    let (op, value) = match (word.meaning, length(value), term.op) {
        (Meaning::Idle, Some(seconds), Some('>') | None) => ("older", write_duration(seconds)),
        (Meaning::Idle, Some(seconds), Some('<')) => ("within", write_duration(seconds)),
        (Meaning::Idle, None, _) => return instead("idle takes a length of time, such as 15min, 8h or 2d."),
        (Meaning::Past, Some(seconds), Some('>')) => ("older", write_duration(seconds)),
        (Meaning::Past | Meaning::ToCome, Some(seconds), Some('<')) => ("within", write_duration(seconds)),
        (Meaning::ToCome, Some(_), Some('>')) => {
            return instead("what ends later than in some time can be asked by a date only.");
        }
        (_, None, Some('<')) => ("before", value.to_owned()),
        (_, None, Some('>')) => ("after", value.to_owned()),
        _ => return instead("say with < or > which side of it."),
    };
    Ok(vec![(word.field, value), (op_of(word.field), op.to_owned())])
}

/// `15min,8h` as minutes.
fn limits(term: &Term, word: &Word) -> Result<String, String> {
    let minutes: Vec<i64> = term
        .values
        .iter()
        .filter_map(|value| length(value).filter(|s| s % 60 == 0).map(|s| s / 60))
        .collect();
    match minutes.as_slice() {
        [idle, all] if term.values.len() == 2 => Ok(format!("{idle},{all}")),
        _ => Err(format!(
            "“{}” takes two lengths in whole minutes, idle and in all. Write {}.",
            term.whole, word.example
        )),
    }
}
