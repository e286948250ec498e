//! Commands that speak to a portal over its API, from wherever they are typed: the API's first client.
//!
//! A command ends with a status scripts can trust ([`Exit`]): 0 only where everything asked was read back as gone.
//! Answers go to standard output, progress and problems to standard error. Start reading at [`run`]; `http` is the only
//! file that speaks HTTP, `end` the one that ends.

use std::process::ExitCode;

use clap::Subcommand;

use self::http::Api;
use crate::http::api::problem::Details;

mod end;
mod filters;
mod follow;
mod http;
mod login;
mod read;
mod table;

/// What a status means; printed with every command that has more than two of them.
pub const STATUSES: &str = "Exit status:
  0  everything asked was read back as gone (or was shown)
  1  something else went wrong
  2  arguments that can't be understood
  3  something is left: still there, refused, not possible, unknown, stopped, left out, or it came back
  4  the number of sessions is not the one expected; nothing was asked
  5  not settled in time; the portal goes on with it
  6  it waits for a second person
  7  not signed in, or not allowed";

/// How a command went. The numbers are what scripts decide by: they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done = 0,
    Failed = 1,
    Usage = 2,
    Left = 3,
    OtherNumber = 4,
    NotSettled = 5,
    Awaiting = 6,
    NotAllowed = 7,
}

/// Commands of a program or person elsewhere.
#[derive(Subcommand)]
pub enum Remote {
    /// Keeps an API token for the commands below, after the portal has accepted it.
    ///
    /// The token is read from a hidden prompt, or from standard input when that is no terminal; never from an argument.
    /// Scripts need no login: CURFEW_URL with CURFEW_TOKEN or CURFEW_TOKEN_FILE (and CURFEW_CA_FILE) win over it.
    Login(login::Login),
    /// Forgets the token that was kept. Revoke it on the portal's page Access if nobody needs it any more.
    Logout,
    /// Sessions of the connected systems.
    Sessions {
        #[command(subcommand)]
        command: read::Sessions,
    },
    /// Ends sessions, reads every system again, and says what is left.
    #[command(after_help = STATUSES)]
    End(Box<end::End>),
    /// Endings, and what became of them.
    Endings {
        #[command(subcommand)]
        command: read::Endings,
    },
    /// The connected systems with their health.
    Systems {
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
}

impl Remote {
    fn json(&self) -> bool {
        match self {
            Remote::Login(_) | Remote::Logout => false,
            Remote::Sessions { command } => command.json(),
            Remote::End(end) => end.json,
            Remote::Endings { command } => command.json(),
            Remote::Systems { json } => *json,
        }
    }
}

/// Why a command came to nothing.
#[derive(Debug)]
pub enum Failure {
    /// The portal said so.
    Problem(Box<Details>),
    /// No answer came; worth another try.
    NoAnswer(String),
    /// Anything else; another try is of no use.
    Other(String),
    /// Nobody is signed in.
    NoToken(String),
    /// Arguments that do not go together.
    Usage(String),
}

impl From<anyhow::Error> for Failure {
    fn from(cause: anyhow::Error) -> Self {
        Failure::Other(format!("{cause:#}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(cause: std::io::Error) -> Self {
        Failure::Other(cause.to_string())
    }
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Failure::Problem(problem) => match problem.status {
                401 | 403 => Exit::NotAllowed,
                _ if problem.problems.iter().any(|part| part.field == "expect") => Exit::OtherNumber,
                _ => Exit::Failed,
            },
            Failure::NoToken(_) => Exit::NotAllowed,
            Failure::Usage(_) => Exit::Usage,
            Failure::NoAnswer(_) | Failure::Other(_) => Exit::Failed,
        }
    }

    /// One line on standard error; with `json` the portal's problem as it came behind it.
    fn tell(&self, json: bool) {
        match self {
            Failure::Problem(problem) => {
                let parts = problem.problems.iter().filter(|part| !part.field.is_empty());
                let mut fields: Vec<&str> = parts.map(|part| part.field.as_str()).collect();
                fields.dedup();
                let named = match fields.is_empty() {
                    true => String::new(),
                    false => format!(" ({})", fields.join(", ")),
                };
                let next = problem.next_step.as_deref().unwrap_or_default();
                let line = format!("{}{named}: {} {next}", problem.title, problem.detail);
                eprintln!("curfew: {}", table::plain(line.trim_end()));
                if json && let Ok(whole) = serde_json::to_string(problem) {
                    eprintln!("{whole}");
                }
            }
            Failure::NoAnswer(words)
            | Failure::Other(words)
            | Failure::NoToken(words)
            | Failure::Usage(words) => {
                eprintln!("curfew: {}", table::plain(words));
            }
        }
    }
}

/// Does what was typed and tells how it went.
pub async fn run(command: Remote) -> ExitCode {
    let json = command.json();
    let exit = match act(command).await {
        Ok(exit) => exit,
        Err(failure) => {
            failure.tell(json);
            failure.exit()
        }
    };
    ExitCode::from(exit as u8)
}

async fn act(command: Remote) -> Result<Exit, Failure> {
    match command {
        Remote::Login(login) => login::login(login).await,
        Remote::Logout => login::logout(),
        Remote::Sessions { command } => read::sessions(&signed_in()?, command).await,
        Remote::End(end) => {
            end.check()?;
            end::end(&signed_in()?, *end).await
        }
        Remote::Endings { command } => read::endings(&signed_in()?, command).await,
        Remote::Systems { json } => read::systems(&signed_in()?, json).await,
    }
}

fn signed_in() -> Result<Api, Failure> {
    login::target()?.api()
}

/// One JSON object on a line of standard output.
fn json_line(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(|cause| Failure::Other(cause.to_string()))?;
    println!("{text}");
    Ok(())
}
