//! `curfew report-key` and `curfew verify-report`: who checks a report needs its file and the fingerprint of the key they
//! trust, no portal and no secret.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde_json::Value;

use crate::config::Config;
use crate::containment::verify::{self, Intact};
use crate::portal;

/// Exit status where the file is whole and nobody said which key is trusted.
const NO_KEY_NAMED: u8 = 3;

/// Arguments of `curfew verify-report`.
#[derive(Args)]
pub struct Check {
    /// The file, as it was downloaded
    file: PathBuf,
    /// The key you trust: its fingerprint, or a file with its fingerprint or the public key (what `curfew report-key`
    /// printed)
    #[arg(long, value_name = "FINGERPRINT-OR-FILE")]
    key: Option<String>,
}

/// Prints the public key.
pub fn key(config: &Config) -> anyhow::Result<ExitCode> {
    let key = portal::report_key(config)?;
    println!("Fingerprint: {}", key.fingerprint());
    print!("{}", key.pem());
    Ok(ExitCode::SUCCESS)
}

/// Checks a file: 0 = as it was signed, by the key that was named; 1 = refused; 3 = as it was signed, by whomever.
pub fn check(asked: &Check) -> anyhow::Result<ExitCode> {
    let trusted = asked.key.as_deref().map(trusted).transpose()?;
    let bytes = std::fs::read(&asked.file).with_context(|| asked.file.display().to_string())?;
    let intact = match verify::check(&bytes) {
        Ok(intact) => intact,
        Err(refused) => {
            println!("REFUSED. {refused}");
            return Ok(ExitCode::FAILURE);
        }
    };
    let status = match trusted {
        Some(trusted) if trusted != intact.fingerprint => {
            println!("REFUSED. The file was signed by another key than the one you named.");
            println!("  in the file  {}", intact.fingerprint);
            println!("  you named    {trusted}");
            return Ok(ExitCode::FAILURE);
        }
        Some(_) => {
            println!("INTACT, and signed by the key you named.");
            ExitCode::SUCCESS
        }
        None => {
            println!("INTACT: the content is, to the byte, what was signed with the key in the file.");
            println!(
                "WHOSE KEY that is was not checked: anybody can sign with a key of their own. Compare the"
            );
            println!(
                "fingerprint below with the portal's (its report pages, `curfew report-key` there), or name it"
            );
            println!("with --key.");
            ExitCode::from(NO_KEY_NAMED)
        }
    };
    tell(&intact);
    Ok(status)
}

/// The fingerprint somebody trusts, from what they typed or from a file.
fn trusted(named: &str) -> anyhow::Result<String> {
    if let Some(fingerprint) = verify::named_key(named) {
        return Ok(fingerprint);
    }
    let text = std::fs::read_to_string(named)
        .with_context(|| format!("--key: {named} is no fingerprint of 64 hex digits, and no file"))?;
    let first = text.strip_prefix("Fingerprint:").unwrap_or(&text);
    verify::named_key(first)
        .with_context(|| format!("--key: {named} holds neither a fingerprint nor a public key of Ed25519"))
}

/// What the file says, in short.
fn tell(intact: &Intact) {
    let about = |name: &str| text(&intact.about, name);
    println!();
    println!("  key      {}", intact.fingerprint);
    println!("  report   {}", about("title"));
    println!(
        "  made     {} by {} at {} ({})",
        about("made_at"),
        about("made_by"),
        about("portal"),
        about("address")
    );
    let whole = intact.about.get("whole").and_then(Value::as_bool);
    if whole != Some(true) {
        println!("  in part  who made it does not see everything; there may be more");
    }
    for ending in intact.endings.as_array().into_iter().flatten() {
        println!("  ending   {}", counts(ending));
    }
    match intact.audit.get("seq").and_then(Value::as_i64) {
        Some(seq) => println!("  audit    {seq}:{}", text(&intact.audit, "hash")),
        None => println!("  audit    not told to who made it"),
    }
}

/// Text of a field, without what a terminal would obey.
fn text(value: &Value, name: &str) -> String {
    let text = value.get(name).and_then(Value::as_str).unwrap_or("?");
    text.chars().filter(|c| !c.is_control()).collect()
}

fn counts(ending: &Value) -> String {
    let count = |name: &str| {
        let count = ending.get("counts").and_then(|counts| counts.get(name));
        count.and_then(Value::as_u64).unwrap_or(0)
    };
    let gone = count("ended") + count("rotated") + count("already_gone");
    let number = ending
        .get("ending_no")
        .and_then(Value::as_i64)
        .unwrap_or_default();
    format!(
        "{number}: {gone} of {} gone, {} came back",
        count("wanted"),
        count("returned")
    )
}
