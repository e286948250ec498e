//! One style sheet out of many: `style/main.css` with everything it imports, in its layers.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// The sheet at `path` with its imports put in place, each in the layer, condition and medium its import names.
///
/// Comments and indentation are left out. Fails, naming the file, at an import that can't be followed and at a `url(…)`
/// that is neither absolute nor the name of a file in `beside`, which will lie beside the finished sheet.
pub fn bundle(path: &Path, beside: &Path) -> Result<String> {
    let mut open = Vec::new();
    read(path, beside, &mut open)
}

fn read(path: &Path, beside: &Path, open: &mut Vec<PathBuf>) -> Result<String> {
    if open.iter().any(|other| other == path) {
        bail!("{} imports itself", path.display());
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let text = without_comments(&text);
    check_urls(&text, beside).with_context(|| path.display().to_string())?;
    open.push(path.to_path_buf());
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("@import") {
        out.push_str(&rest[..at]);
        let end = rest[at..].find(';').context("an @import without its semicolon")? + at;
        let import = Import::parse(&rest[at + "@import".len()..end])
            .with_context(|| format!("{}: {}", path.display(), &rest[at..end]))?;
        out.push_str(&import.wrap(&read(&folder.join(&import.path), beside, open)?));
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    open.pop();
    Ok(trimmed(&out))
}

/// What follows `@import`: a path, then maybe `layer` or `layer(name)`, `supports(…)` and media.
#[derive(Debug, PartialEq)]
struct Import {
    path: String,
    layer: Option<String>,
    supports: Option<String>,
    media: Option<String>,
}

impl Import {
    fn parse(text: &str) -> Result<Import> {
        let text = text.trim();
        let (path, mut rest) = if let Some(inner) = text.strip_prefix("url(") {
            inner.split_once(')').context("url( without its end")?
        } else {
            let quote = text
                .chars()
                .next()
                .filter(|c| matches!(c, '"' | '\''))
                .context("no path")?;
            text[1..].split_once(quote).context("a quote without its end")?
        };
        let path = path.trim().trim_matches(['"', '\'']).to_owned();
        if path.contains("://") || path.starts_with('/') || path.starts_with("data:") {
            bail!("only sheets beside this one can be imported");
        }
        rest = rest.trim();
        let layer = if let Some((name, after)) = function(rest, "layer") {
            rest = after;
            Some(name)
        } else if rest == "layer" || rest.starts_with("layer ") {
            rest = rest["layer".len()..].trim();
            Some(String::new())
        } else {
            None
        };
        let supports = function(rest, "supports").map(|(condition, after)| {
            rest = after;
            if condition.starts_with('(') || condition.starts_with("not ") {
                condition
            } else {
                format!("({condition})")
            }
        });
        let media = (!rest.is_empty()).then(|| rest.to_owned());
        Ok(Import {
            path,
            layer,
            supports,
            media,
        })
    }

    fn wrap(&self, sheet: &str) -> String {
        let mut out = sheet.to_owned();
        if let Some(layer) = &self.layer {
            let gap = if layer.is_empty() { "" } else { " " };
            out = format!("@layer{gap}{layer} {{\n{out}}}\n");
        }
        if let Some(condition) = &self.supports {
            out = format!("@supports {condition} {{\n{out}}}\n");
        }
        if let Some(media) = &self.media {
            out = format!("@media {media} {{\n{out}}}\n");
        }
        out
    }
}

/// `name(inner) after` → inner and after.
fn function<'a>(text: &'a str, name: &str) -> Option<(String, &'a str)> {
    let inner = text.strip_prefix(name)?.strip_prefix('(')?;
    let mut depth = 1;
    for (at, c) in inner.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((inner[..at].trim().to_owned(), inner[at + 1..].trim()));
        }
    }
    None
}

fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut quote = None;
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                out.push(c);
                out.extend(chars.next());
                continue;
            }
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '/') if chars.peek() == Some(&'*') => {
                chars.next();
                let mut last = ' ';
                for inside in chars.by_ref() {
                    if last == '*' && inside == '/' {
                        break;
                    }
                    last = inside;
                }
                out.push(' ');
                continue;
            }
            (None, _) => {}
        }
        out.push(c);
    }
    out
}

fn check_urls(text: &str, beside: &Path) -> Result<()> {
    for (at, _) in text.match_indices("url(") {
        let import = text[..at]
            .rsplit([';', '}'])
            .next()
            .is_some_and(|line| line.contains("@import"));
        let target = text[at + 4..].trim_start().trim_start_matches(['"', '\'']);
        let target = &target[..target.find([')', '"', '\'']).unwrap_or(target.len())];
        let elsewhere = target.starts_with(['/', '#']) || target.starts_with("data:");
        if !import && !elsewhere && !beside.join(target).is_file() {
            bail!("url({target}): no such file in {}", beside.display());
        }
    }
    Ok(())
}

fn trimmed(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_import_keeps_its_layer_condition_and_medium() {
        let import =
            Import::parse(r#" url("a.css") layer(parts.table) supports(display: grid) print"#).unwrap();
        assert_eq!(import.path, "a.css");
        assert_eq!(
            import.wrap("p{}\n"),
            "@media print {\n@supports (display: grid) {\n@layer parts.table {\np{}\n}\n}\n}\n"
        );
        let bare = Import::parse("'b.css' layer").unwrap();
        assert_eq!(bare.wrap("p{}\n"), "@layer {\np{}\n}\n");
        assert_eq!(Import::parse(r#""c.css""#).unwrap().wrap("p{}\n"), "p{}\n");
    }

    #[test]
    fn only_sheets_beside_this_one_are_followed() {
        assert!(Import::parse(r#" url("https://example.org/a.css")"#).is_err());
        assert!(Import::parse(r#" "/a.css""#).is_err());
    }

    #[test]
    fn comments_go_and_strings_stay() {
        assert_eq!(
            trimmed(&without_comments("a /* x */ b\n  c: \"/* y */\";")),
            "a   b\nc: \"/* y */\";\n"
        );
    }

    #[test]
    fn a_url_must_be_absolute_or_name_a_file_that_will_lie_beside() {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(check_urls("p { background: url(mark.svg) }", beside).is_err());
        assert!(check_urls("p { background: url(\"Cargo.toml\") }", beside).is_ok());
        assert!(check_urls("p { background: url(\"/pkg/mark.svg\") }", beside).is_ok());
        assert!(check_urls("p { mask: url('data:image/svg+xml,x') }", beside).is_ok());
        assert!(check_urls("@layer a;\n@import url(tokens.css) layer(a);", beside).is_ok());
    }

    #[test]
    fn imports_are_followed_in_their_order_and_a_circle_is_an_error() {
        let folder = std::env::temp_dir().join(format!("curfew-css-{}", std::process::id()));
        fs::create_dir_all(folder.join("parts")).unwrap();
        fs::write(
            folder.join("main.css"),
            "@layer a, b;\n@import 'a.css' layer(a);\n@import 'parts/b.css' layer(b);\n",
        )
        .unwrap();
        fs::write(folder.join("a.css"), "p { color: red }\n").unwrap();
        fs::write(folder.join("parts/b.css"), "@import '../a.css';\ni {}\n").unwrap();
        let sheet = bundle(&folder.join("main.css"), &folder).unwrap();
        assert_eq!(
            sheet,
            "@layer a, b;\n@layer a {\np { color: red }\n}\n@layer b {\np { color: red }\ni {}\n}\n"
        );
        fs::write(folder.join("a.css"), "@import 'main.css';").unwrap();
        let error = bundle(&folder.join("main.css"), &folder).unwrap_err();
        assert!(format!("{error:#}").contains("imports itself"), "{error:#}");
        fs::remove_dir_all(folder).unwrap();
    }
}
