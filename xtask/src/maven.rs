//! Files from Maven's registry that tests need, each with the sum it had when it was chosen.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha512};

use crate::child::program;

/// A file of Maven's registry. Versions are pinned: its list of versions is not whole.
pub struct Artifact {
    pub group: &'static str,
    pub name: &'static str,
    pub version: &'static str,
    pub kind: &'static str,
    pub sha512: &'static str,
}

impl Artifact {
    /// Fetches it into the folder, where it is not yet.
    pub fn fetch(&self, folder: &Path) -> Result<PathBuf> {
        let Artifact {
            group,
            name,
            version,
            kind,
            sha512,
        } = self;
        let file = folder.join(format!("{name}-{version}.{kind}"));
        if is(&file, sha512) {
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
            .args([format!("-Dartifact={group}:{name}:{version}:{kind}")])
            .args([format!("-DoutputDirectory={}", folder.display())])
            .env("MAVEN_OPTS", "-Xmx512m")
            .quiet()?;
        if !is(&file, sha512) {
            drop(fs::remove_file(&file));
            bail!("{} is not the file that was chosen", file.display());
        }
        Ok(file)
    }
}

fn is(file: &Path, sha512: &str) -> bool {
    fs::read(file).is_ok_and(|bytes| HEXLOWER.encode(&Sha512::digest(bytes)) == sha512)
}

/// Unpacks an archive into a folder. Java's own tool, which the tests have anyway; it keeps no rights to run a file.
pub fn unpack(archive: &Path, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    program("jar")
        .args(["--extract", "--file"])
        .args([archive])
        .dir(folder)
        .quiet()
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_counts_only_with_its_sum() {
        let file = std::env::temp_dir().join(format!("curfew-maven-{}.zip", std::process::id()));
        fs::write(&file, "wrong").expect("a file");
        assert!(!is(&file, &"0".repeat(128)));
        let sum = HEXLOWER.encode(&Sha512::digest("wrong"));
        assert!(is(&file, &sum));
        drop(fs::remove_file(&file));
        assert!(!is(&file, &sum), "none at all");
    }
}
