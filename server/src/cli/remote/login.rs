//! Which portal, and in whose name: the environment for scripts, else what `curfew login` kept.
//!
//! A token is sent only to the address it came with: one from the environment never to the address of the login, nor
//! the other way round.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::http::{Api, checked_url};
use super::{Exit, Failure, table};
use crate::http::api::wire::systems::Me;
use crate::keys;

/// Arguments of `curfew login`.
#[derive(Args)]
pub struct Login {
    /// Address of the portal: https, or http on this machine.
    #[arg(long)]
    url: String,
    /// PEM file of the only authorities to trust [default: those of the machine]
    #[arg(long)]
    ca_file: Option<PathBuf>,
}

/// A portal and the token for it.
pub struct Target {
    url: String,
    token: SecretString,
    ca_file: Option<PathBuf>,
}

impl Target {
    /// Speaks to it.
    pub fn api(&self) -> Result<Api, Failure> {
        Ok(Api::new(
            checked_url(&self.url)?,
            &self.token,
            self.ca_file.as_deref(),
        )?)
    }
}

/// What `login.toml` holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    url: String,
    token: String,
    ca_file: Option<PathBuf>,
}

/// Asks the portal who the token is, then keeps it.
pub async fn login(asked: Login) -> Result<Exit, Failure> {
    checked_url(&asked.url)?;
    let ca_file = asked
        .ca_file
        .map(std::path::absolute)
        .transpose()
        .context("--ca-file")?;
    let token = if std::io::stdin().is_terminal() {
        eprint!("API token (not shown): ");
        console::Term::stderr().read_secure_line()?
    } else {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text)?;
        text
    };
    let token = token.trim();
    if token.is_empty() {
        let words = "No token came. Paste one, or pipe it in: curfew login --url … < token-file";
        return Err(Failure::NoToken(words.to_owned()));
    }
    let target = Target {
        url: asked.url,
        token: SecretString::from(token),
        ca_file,
    };
    let me: Me = target.api()?.get(&["me"], &[]).await?;
    let file = file()?;
    keep(&file, &target)?;
    println!("{} is accepted at {}.", table::plain(&me.name), target.url);
    match &me.expires_at {
        Some(at) => println!("It works until {}.", table::moment(at)),
        None => println!("It holds no grant in force: it may do nothing now."),
    }
    println!("Kept in {}.", file.display());
    Ok(Exit::Done)
}

/// Forgets what was kept.
pub fn logout() -> Result<Exit, Failure> {
    match std::fs::remove_file(file()?) {
        Ok(()) => println!("Forgotten."),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => println!("Nothing was kept."),
        Err(cause) => return Err(cause.into()),
    }
    Ok(Exit::Done)
}

/// The portal to speak to.
pub fn target() -> Result<Target, Failure> {
    let url = set("CURFEW_URL");
    let token = match (set("CURFEW_TOKEN"), set("CURFEW_TOKEN_FILE")) {
        (Some(token), _) => Some(token),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(&file).with_context(|| format!("CURFEW_TOKEN_FILE {file}"))?;
            Some(text)
        }
        (None, None) => None,
    };
    match (url, token) {
        (Some(url), Some(token)) => Ok(Target {
            url,
            token: SecretString::from(token.trim()),
            ca_file: set("CURFEW_CA_FILE").map(PathBuf::from),
        }),
        (None, Some(_)) => Err(Failure::NoToken(
            "CURFEW_TOKEN is set, but not the portal it is for. Set CURFEW_URL too.".to_owned(),
        )),
        (Some(_), None) => Err(Failure::NoToken(
            "CURFEW_URL is set, but no token for it. Set CURFEW_TOKEN or CURFEW_TOKEN_FILE too.".to_owned(),
        )),
        (None, None) => kept(&file()?),
    }
}

/// A variable of the environment; an empty one is none.
fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.trim().is_empty())
}

fn file() -> anyhow::Result<PathBuf> {
    let base = match set("XDG_CONFIG_HOME") {
        Some(base) => PathBuf::from(base),
        None => {
            PathBuf::from(set("HOME").context("neither XDG_CONFIG_HOME nor HOME is set")?).join(".config")
        }
    };
    Ok(base.join("curfew").join("login.toml"))
}

/// Writes it whole or not at all, for nobody else to read.
fn keep(file: &Path, target: &Target) -> anyhow::Result<()> {
    let folder = file.parent().context("no folder for login.toml")?;
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let text = toml::to_string(&Kept {
        url: target.url.clone(),
        token: target.token.expose_secret().to_owned(),
        ca_file: target.ca_file.clone(),
    })?;
    let fresh = folder.join(format!(".login-{}", keys::random_id()));
    keys::write_private(&fresh, &text)?;
    std::fs::rename(&fresh, file).with_context(|| file.display().to_string())
}

fn kept(file: &Path) -> Result<Target, Failure> {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::NoToken(
                "Nobody is signed in. Run curfew login --url https://…, or set CURFEW_URL and CURFEW_TOKEN."
                    .to_owned(),
            ));
        }
        Err(cause) => return Err(Failure::Other(format!("{}: {cause}", file.display()))),
    };
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file)?.permissions());
        if mode & 0o077 != 0 {
            return Err(Failure::NoToken(format!(
                "{0} can be read by others, so it is not used. Revoke that token, run curfew login again, or chmod 600 {0}.",
                file.display()
            )));
        }
    }
    let kept: Kept =
        toml::from_str(&text).map_err(|_| Failure::Other(format!("{} is damaged", file.display())))?;
    Ok(Target {
        url: kept.url,
        token: SecretString::from(kept.token),
        ca_file: kept.ca_file,
    })
}
