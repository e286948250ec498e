//! A real Keycloak for `server/tests/keycloak`, kept in the cache: fetched by Maven, checked, unpacked and built once.
//!
//! The build step of Keycloak takes longer than its start, so it is done here and not by each run of the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Result, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha512};

use crate::child::program;
use crate::places::Places;
use crate::say;

/// Pinned: Maven's list of versions is not whole.
const VERSION: &str = "26.7.4";
const SHA512: &str = "89c212889335ef0b14d8c70bba2484801ddb395d88fd4d65210b631e2822af4e270bab594a6d532651abc5cf83263ad363a1cb971ecefb8d250958414b20a0bc";
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
    let home = folder.join(format!("keycloak-{VERSION}"));
    let stamp = folder.join("installed-from");
    let from = format!("{VERSION} {SHA512} {}", BUILD.join(" "));
    if fs::read_to_string(&stamp).is_ok_and(|known| known == from) && home.join("bin/kc.sh").exists() {
        return Ok(home);
    }
    say::step("Fetching a real Keycloak for the tests", || {
        fs::create_dir_all(&folder)?;
        let archive = archive(&folder)?;
        drop(fs::remove_dir_all(&home));
        unpack(&folder, &archive)
    })?;
    say::step("Building it for quick starts", || {
        program("sh").args([home.join("bin/kc.sh")]).args(BUILD).quiet()?;
        Ok(fs::write(&stamp, &from)?)
    })?;
    Ok(home)
}

/// The archive, with the sum it had when it was chosen.
fn archive(folder: &Path) -> Result<PathBuf> {
    let file = folder.join(format!("keycloak-quarkus-dist-{VERSION}.zip"));
    if is(&file) {
        return Ok(file);
    }
    // Maven would leave a file that is not what it should be alone.
    drop(fs::remove_file(&file));
    program("mvn")
        .args([
            "--quiet",
            "--batch-mode",
            "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy",
        ])
        .args([format!(
            "-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:zip"
        )])
        .args([format!("-DoutputDirectory={}", folder.display())])
        .env("MAVEN_OPTS", "-Xmx512m")
        .quiet()?;
    if !is(&file) {
        drop(fs::remove_file(&file));
        bail!("{} is not the file that was chosen", file.display());
    }
    Ok(file)
}

fn is(file: &Path) -> bool {
    fs::read(file).is_ok_and(|bytes| HEXLOWER.encode(&Sha512::digest(bytes)) == SHA512)
}

/// Unpacks it beside its archive. Java's own tool, which the tests have anyway; it keeps no rights to run a file.
fn unpack(folder: &Path, archive: &Path) -> Result<()> {
    program("jar")
        .args(["--extract", "--file"])
        .args([archive])
        .dir(folder)
        .quiet()?;
    let scripts = folder.join(format!("keycloak-{VERSION}/bin"));
    program("sh")
        .args(["-c", "chmod +x -- \"$1\"/*.sh", "sh"])
        .args([scripts])
        .quiet()
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_counts_only_with_its_sum() {
        let file = std::env::temp_dir().join(format!("curfew-keycloak-{}.zip", std::process::id()));
        fs::write(&file, "wrong").expect("a file");
        assert!(!is(&file));
        drop(fs::remove_file(&file));
        assert!(!is(&file), "none at all");
        assert_eq!(SHA512.len(), 128);
    }
}
