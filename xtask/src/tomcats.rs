//! Real Tomcats and the libraries of real web apps, for `server/tests/tomcat`, kept in the cache.
//!
//! Maven fetches what `xtask/tomcats.txt` names; every file must have the SHA-512 that stands there, whatever Maven
//! itself believes. A stamp says that all of a list is there, so a second run needs no network and no Maven.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha512};

use crate::child::program;
use crate::places::Places;
use crate::say;
use crate::site::files;

const LIST: &str = "xtask/tomcats.txt";
/// A web app that we build ourselves, for the matrix.
const BOOT: &str = "server/tests/tomcat/spring-boot";

/// How much of the list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Parts {
    /// What every run of the tests uses.
    Normal,
    /// The versions of `cargo xtask test --matrix` too.
    Matrix,
}

/// One file of the list.
struct Part<'a> {
    folder: &'a str,
    coordinates: &'a str,
    sha512: &'a str,
}

/// Fetches what is missing; gives the folder.
///
/// May be asked for by two threads at once: the second waits for the first.
pub fn fetch(places: &Places, parts: Parts) -> Result<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    // Tests run in another folder.
    let folder = std::path::absolute(places.cache.join("tomcats"))?;
    let text = fs::read_to_string(places.root.join(LIST)).context(LIST)?;
    let list = chosen(&text, parts);
    let stamp = folder.join(match parts {
        Parts::Normal => "installed-from",
        Parts::Matrix => "installed-from-matrix",
    });
    if !fs::read_to_string(&stamp).is_ok_and(|from| from == list) {
        say::step("Fetching real Tomcats for the tests", || {
            let wanted = list.lines().map(Part::read).collect::<Result<Vec<Part>>>()?;
            let missing: Vec<&Part> = wanted.iter().filter(|part| !part.is_in(&folder)).collect();
            if !missing.is_empty() {
                from_maven(&folder, &missing)?;
            }
            for part in wanted.iter().filter(|part| part.folder == "tomcat") {
                unpack(&folder, &part.file(&folder))?;
            }
            Ok(fs::write(&stamp, &list)?)
        })?;
    }
    if parts == Parts::Matrix {
        boot(&places.root.join(BOOT), &folder.join("boot"))?;
    }
    Ok(folder)
}

/// Builds the app with Spring Boot, anew when its source has changed. Maven checks what it downloads by itself.
fn boot(source: &Path, into: &Path) -> Result<()> {
    let mut text = String::new();
    for file in files(source)? {
        text.push_str(&fs::read_to_string(&file)?);
    }
    let stamp = into.join("built-from");
    if fs::read_to_string(&stamp).is_ok_and(|from| from == text) {
        return Ok(());
    }
    say::step("Building the Spring Boot app of the tests", || {
        program("mvn")
            .args(["--quiet", "--batch-mode", "package", "--file"])
            .args([source.join("pom.xml")])
            .args([format!("-Dinto={}", into.display())])
            .env("MAVEN_OPTS", "-Xmx512m")
            .quiet()?;
        Ok(fs::write(&stamp, text)?)
    })
}

/// The lines of the list without comments.
fn chosen(text: &str, parts: Parts) -> String {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let chosen: Vec<&str> = match parts {
        Parts::Normal => lines.take_while(|line| *line != "[matrix]").collect(),
        Parts::Matrix => lines.filter(|line| *line != "[matrix]").collect(),
    };
    chosen.join("\n")
}

impl<'a> Part<'a> {
    fn read(line: &'a str) -> Result<Part<'a>> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [folder, coordinates, sha512] = words[..] else {
            bail!("{LIST}: not folder, coordinates and SHA-512: {line}");
        };
        Ok(Part {
            folder,
            coordinates,
            sha512,
        })
    }

    /// Group, artifact, version, type and classifier (empty = none).
    fn words(&self) -> [&'a str; 5] {
        let mut words = self.coordinates.split(':');
        std::array::from_fn(|_| words.next().unwrap_or_default())
    }

    /// Where it lies, under the name Maven gives it.
    fn file(&self, folder: &Path) -> PathBuf {
        let [_, artifact, version, kind, classifier] = self.words();
        let dash = if classifier.is_empty() { "" } else { "-" };
        folder
            .join(self.folder)
            .join(format!("{artifact}-{version}{dash}{classifier}.{kind}"))
    }

    fn is_in(&self, folder: &Path) -> bool {
        fs::read(self.file(folder)).is_ok_and(|bytes| HEXLOWER.encode(&Sha512::digest(bytes)) == self.sha512)
    }

    fn item(&self, folder: &Path) -> String {
        let [group, artifact, version, kind, classifier] = self.words();
        let into = folder.join(self.folder);
        format!(
            "<artifactItem><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version>\
             <type>{kind}</type><classifier>{classifier}</classifier>\
             <outputDirectory>{}</outputDirectory></artifactItem>\n",
            into.display()
        )
    }
}

/// One call of Maven for all: starting it takes longer than most of the files.
fn from_maven(folder: &Path, missing: &[&Part]) -> Result<()> {
    fs::create_dir_all(folder)?;
    for part in missing {
        // A file that is not what it should be; Maven would leave it alone.
        drop(fs::remove_file(part.file(folder)));
    }
    let items: String = missing.iter().map(|part| part.item(folder)).collect();
    let pom = folder.join("pom.xml");
    fs::write(
        &pom,
        format!(
            "<project><modelVersion>4.0.0</modelVersion><groupId>curfew</groupId><artifactId>tomcats</artifactId>\
             <version>1</version><packaging>pom</packaging><build><plugins><plugin>\
             <groupId>org.apache.maven.plugins</groupId><artifactId>maven-dependency-plugin</artifactId>\
             <version>3.8.1</version><configuration><artifactItems>\n{items}</artifactItems></configuration>\
             </plugin></plugins></build></project>\n"
        ),
    )?;
    program("mvn")
        .args(["--quiet", "--batch-mode", "--file"])
        .args([&pom])
        .args(["dependency:copy"])
        .env("MAVEN_OPTS", "-Xmx512m")
        .quiet()?;
    for part in missing {
        if !part.is_in(folder) {
            let file = part.file(folder);
            drop(fs::remove_file(&file));
            bail!("{} is not the file that {LIST} names", file.display());
        }
    }
    Ok(())
}

/// Unpacks a server beside its archive, whole or not at all.
fn unpack(folder: &Path, archive: &Path) -> Result<()> {
    let name = archive
        .file_name()
        .and_then(|name| name.to_str()?.strip_suffix(".tar.gz"))
        .context("a server comes as .tar.gz")?;
    let home = folder.join(format!("apache-{name}"));
    if home.exists() {
        return Ok(());
    }
    let half = folder.join("unpacking");
    drop(fs::remove_dir_all(&half));
    fs::create_dir_all(&half)?;
    program("tar")
        .args(["-xzf"])
        .args([archive])
        .args(["-C"])
        .args([&half])
        .quiet()?;
    fs::rename(half.join(format!("apache-{name}")), &home)?;
    Ok(fs::remove_dir(&half)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_every_run_ends_where_the_matrix_begins() {
        let text = "# words\ntomcat a:b:1:tar.gz 00\n[matrix]\ntomcat a:b:2:tar.gz 11\n";
        assert_eq!(chosen(text, Parts::Normal), "tomcat a:b:1:tar.gz 00");
        assert_eq!(chosen(text, Parts::Matrix).lines().count(), 2);
    }

    #[test]
    fn a_file_lies_where_maven_puts_it_and_counts_only_with_its_sum() {
        let folder = std::env::temp_dir().join(format!("curfew-tomcats-{}", std::process::id()));
        let sum = HEXLOWER.encode(&Sha512::digest(b"right"));
        let line = format!("jolokia g:agent:2.6.0:jar:javaagent {sum}");
        let part = Part::read(&line).expect("three words");
        let file = part.file(&folder);
        assert!(file.ends_with("jolokia/agent-2.6.0-javaagent.jar"));
        fs::create_dir_all(folder.join("jolokia")).expect("a folder");
        fs::write(&file, "wrong").expect("a file");
        assert!(!part.is_in(&folder));
        fs::write(&file, "right").expect("a file");
        assert!(part.is_in(&folder));
        drop(fs::remove_dir_all(folder));
    }

    #[test]
    fn every_line_of_the_list_can_be_read() {
        let places = Places::find().expect("inside the clone");
        let text = fs::read_to_string(places.root.join(LIST)).expect("the list");
        for line in chosen(&text, Parts::Matrix).lines() {
            let part = Part::read(line).expect("three words");
            assert_eq!(part.sha512.len(), 128, "{line}");
            assert!(part.words()[..4].iter().all(|word| !word.is_empty()), "{line}");
        }
    }
}
