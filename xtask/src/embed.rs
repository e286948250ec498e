//! The browser helper of the ticket broker: written to be read, served small.
//!
//! No minifier: two kilobytes are reached by leaving out comments and indentation alone, so what browsers get can be
//! compared with its source line by line, and no tool's next version changes its integrity hash.

use std::fs;

use anyhow::{Context, Result};

use crate::places::Places;
use crate::site::{brotli, gzip};

const SOURCE: &str = "server/embed/src/curfew-embed.js";
const SERVED: &str = "server/embed/curfew-embed.js";
const TYPES: &str = "server/embed/curfew-embed.d.ts";
/// Where the compressed ones lie that the program holds beside the plain ones.
const COMPRESSED: &str = "server/embed/compressed";

/// Writes what browsers get, plain and compressed.
pub fn write(places: &Places) -> Result<bool> {
    let source = fs::read_to_string(places.root.join(SOURCE)).context(SOURCE)?;
    fs::write(places.root.join(SERVED), stripped(&source)).context(SERVED)?;
    let folder = places.root.join(COMPRESSED);
    fs::create_dir_all(&folder)?;
    for file in [SERVED, TYPES] {
        let bytes = fs::read(places.root.join(file)).context(file)?;
        let name = file.rsplit('/').next().unwrap_or(file);
        fs::write(folder.join(format!("{name}.br")), brotli(&bytes)?)?;
        fs::write(folder.join(format!("{name}.gz")), gzip(&bytes)?)?;
    }
    Ok(true)
}

/// Without empty lines, lines of comment, and indentation. The source keeps to lines of which that is true of all.
fn stripped(source: &str) -> String {
    let mut out = String::new();
    for line in source.lines().map(str::trim) {
        if !line.is_empty() && !line.starts_with("//") {
            out += line;
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// As browsers get it, compressed; issue 8, point 5.
    const BUDGET_BYTES: usize = 2_048;

    fn file(name: &str) -> String {
        fs::read_to_string(Places::find().unwrap().root.join(name)).unwrap()
    }

    #[test]
    fn what_browsers_get_is_made_from_its_source() {
        assert_eq!(file(SERVED), stripped(&file(SOURCE)), "run: cargo xtask embed");
    }

    #[test]
    fn what_browsers_get_compressed_is_the_same() {
        for served in [SERVED, TYPES] {
            let name = served.rsplit('/').next().unwrap();
            let at = |ending: &str| {
                let root = Places::find().unwrap().root;
                fs::read(root.join(COMPRESSED).join(format!("{name}.{ending}"))).unwrap()
            };
            let (mut br, mut gz) = (Vec::new(), Vec::new());
            brotli::Decompressor::new(&at("br")[..], 4_096)
                .read_to_end(&mut br)
                .unwrap();
            flate2::read::GzDecoder::new(&at("gz")[..])
                .read_to_end(&mut gz)
                .unwrap();
            let plain = file(served).into_bytes();
            assert!(br == plain && gz == plain, "run: cargo xtask embed");
            assert!(at("br").len() < plain.len() / 2, "{name}");
        }
    }

    #[test]
    fn what_browsers_get_is_small() {
        let bytes = brotli(file(SERVED).as_bytes()).unwrap().len();
        assert!(
            bytes <= BUDGET_BYTES,
            "{bytes} of {BUDGET_BYTES} bytes, compressed"
        );
    }

    #[test]
    fn the_source_can_be_stripped_line_by_line() {
        for (number, line) in file(SOURCE).lines().enumerate() {
            let odd_backticks = line.matches('`').count() % 2 == 1;
            let block_comment = line.contains("/*") || line.trim_start().starts_with('*');
            let comment_behind = line
                .split_once(" // ")
                .is_some_and(|(code, _)| !code.trim().is_empty());
            let bad =
                !line.trim_start().starts_with("//") && (odd_backticks || block_comment || comment_behind);
            assert!(!bad && !line.ends_with('\\'), "{SOURCE}:{}: {line}", number + 1);
        }
    }
}
