//! A real Keycloak for `server/tests/keycloak`, kept in the cache: fetched by Maven, checked, unpacked and built once.
//!
//! The build step of Keycloak takes longer than its start, so it is done here and not by each run of the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Result;

use crate::child::program;
use crate::maven::{Artifact, unpack};
use crate::places::Places;
use crate::say;

const ARCHIVE: Artifact = Artifact {
    group: "org.keycloak",
    name: "keycloak-quarkus-dist",
    version: "26.7.4",
    kind: "zip",
    sha512: "89c212889335ef0b14d8c70bba2484801ddb395d88fd4d65210b631e2822af4e270bab594a6d532651abc5cf83263ad363a1cb971ecefb8d250958414b20a0bc",
};
/// In memory: every run of the tests begins with nobody there and leaves nothing.
const BUILD: [&str; 3] = ["build", "--db=dev-mem", "--health-enabled=true"];

/// Fetches and builds what is missing; gives the folder.
///
/// May be asked for by two threads at once: the second waits for the first.
pub fn fetch(places: &Places) -> Result<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    // Tests run in another folder.
    let folder = std::path::absolute(places.cache.join("keycloak"))?;
    let home = folder.join(format!("keycloak-{}", ARCHIVE.version));
    let stamp = folder.join("installed-from");
    let from = format!("{} {} {}", ARCHIVE.version, ARCHIVE.sha512, BUILD.join(" "));
    if fs::read_to_string(&stamp).is_ok_and(|known| known == from) && home.join("bin/kc.sh").exists() {
        return Ok(home);
    }
    say::step("Fetching a real Keycloak for the tests", || {
        fs::create_dir_all(&folder)?;
        let archive = ARCHIVE.fetch(&folder)?;
        drop(fs::remove_dir_all(&home));
        unpack(&archive, &folder)?;
        allow_to_run(&home.join("bin"))
    })?;
    say::step("Building it for quick starts", || {
        program("sh").args([home.join("bin/kc.sh")]).args(BUILD).quiet()?;
        Ok(fs::write(&stamp, &from)?)
    })?;
    Ok(home)
}

/// Unpacking keeps no rights to run a file.
fn allow_to_run(scripts: &Path) -> Result<()> {
    program("sh")
        .args(["-c", "chmod +x -- \"$1\"/*.sh", "sh"])
        .args([scripts])
        .quiet()
        .map(drop)
}
