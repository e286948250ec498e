//! Where things are.

use std::path::PathBuf;

use anyhow::{Context, Result};

/// The folders everything here works on.
#[derive(Clone, Debug)]
pub struct Places {
    /// The clone.
    pub root: PathBuf,
    /// Where cargo builds: `CARGO_TARGET_DIR`, else `target` in the clone.
    pub target: PathBuf,
    /// What browsers download. Always `target/site` in the clone, wherever cargo builds: debug servers read it at run
    /// time and release builds embed it from there, so the place has to be known when the server is compiled.
    pub site: PathBuf,
    /// Downloads and tools that outlive the clone: `CURFEW_CACHE`, else `~/.cache/curfew`.
    pub cache: PathBuf,
}

impl Places {
    pub fn find() -> Result<Places> {
        // Asked at run time: a build kept from another clone must not work on that one.
        let here = std::env::current_dir().context("no current folder")?;
        let root = here
            .ancestors()
            .find(|folder| folder.join("xtask/Cargo.toml").exists())
            .context("start it inside the clone")?
            .to_path_buf();
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        let cache = match std::env::var_os("CURFEW_CACHE") {
            Some(dir) => PathBuf::from(dir),
            None => PathBuf::from(
                std::env::var_os("HOME").context("HOME is not set; set CURFEW_CACHE to a folder")?,
            )
            .join(".cache/curfew"),
        };
        Ok(Places {
            site: root.join("target/site"),
            root,
            target,
            cache,
        })
    }

    /// The server, as cargo's dev profile leaves it.
    pub fn server(&self) -> PathBuf {
        self.target.join("debug/curfew")
    }

    pub fn end2end(&self) -> PathBuf {
        self.root.join("end2end")
    }
}
