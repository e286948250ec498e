//! How a bench ends: its numbers in a file, its lines on the screen.

use std::path::Path;

/// Writes the numbers to `out` and prints the `BENCH` lines.
pub fn tell(out: &Path, numbers: &[serde_json::Value], lines: &[String]) -> anyhow::Result<()> {
    if let Some(folder) = out.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(out, serde_json::to_string_pretty(numbers)?)?;
    for line in lines {
        println!("{line}");
    }
    Ok(())
}
