//! A throw-away PostgreSQL server: own folder, Unix socket only, no fsync, gone when the tests end.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::child::{self, Program, Running, program};
use crate::setup;

/// A running server; stops when dropped.
pub struct Postgres {
    folder: PathBuf,
    server: Option<Running>,
}

/// Where Debian puts the server's programs, newest version first.
pub fn programs() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop()
}

impl Postgres {
    pub fn start() -> Result<Postgres> {
        let bin = programs().context("PostgreSQL is not installed")?;
        // Short, because a socket's path may have 107 characters; unlike a home folder, others may enter it.
        let folder = PathBuf::from(format!("/tmp/curfew-pg-{}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        child::remove_at_end(&folder);
        if setup::is_root() {
            program("chown").args(["postgres"]).args([&folder]).quiet()?;
        }
        // Names sort by the rules of a language here, as they do on most real servers: an order that holds in SQLite only
        // shows itself.
        as_postgres(&bin.join("initdb"))
            .args([
                "--username=postgres",
                "--auth=trust",
                "--encoding=UTF8",
                "--no-sync",
            ])
            .args([
                "--locale=C.UTF-8",
                "--locale-provider=icu",
                "--icu-locale=en-US",
                "--pgdata",
            ])
            .args([folder.join("data")])
            .dir(Path::new("/"))
            .quiet()?;
        let server = as_postgres(&bin.join("postgres"))
            .args([
                OsStr::new("-D"),
                folder.join("data").as_os_str(),
                OsStr::new("-k"),
                folder.as_os_str(),
            ])
            .args(["-c", "listen_addresses=", "-c", "max_connections=300"])
            .args([
                "-c",
                "fsync=off",
                "-c",
                "synchronous_commit=off",
                "-c",
                "full_page_writes=off",
            ])
            .dir(Path::new("/"))
            .background(&folder.join("log"))?;
        let mut postgres = Postgres {
            folder,
            server: Some(server),
        };
        postgres.wait_until_ready(&bin)?;
        Ok(postgres)
    }

    /// As the superuser; tests make databases of their own.
    pub fn url(&self) -> String {
        format!(
            "postgres://postgres@localhost/postgres?host={}",
            self.folder.display()
        )
    }

    fn wait_until_ready(&mut self, bin: &Path) -> Result<()> {
        let patience = Instant::now() + Duration::from_secs(30);
        while Instant::now() < patience && self.server.as_mut().is_some_and(Running::lives) {
            if program(bin.join("pg_isready"))
                .args(["--quiet", "--host"])
                .args([&self.folder])
                .succeeds()
            {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!(
            "PostgreSQL did not start:\n{}",
            fs::read_to_string(self.folder.join("log")).unwrap_or_default()
        )
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.server.take());
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The server refuses to run as root; Debian's package comes with an account for it.
fn as_postgres(path: &Path) -> Program {
    if setup::is_root() {
        program("runuser").args(["-u", "postgres", "--"]).args([path])
    } else {
        program(path)
    }
}
