//! What browsers download: the WebAssembly and its script, one style sheet, and the files of `style/public`.
//!
//! Everything lands in `target/site/pkg` of the clone, wherever cargo builds. Debug servers read it there at run time, so a
//! changed page needs no new server; release builds embed it. `target/site/version.txt` names the content: the server puts
//! it into addresses, so that browsers may keep what they have for ever.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};
use wasm_bindgen_cli_support::Bindgen;

use crate::child::cargo;
use crate::places::Places;
use crate::{css, say, setup};

/// The first part of every file name; wasm-bindgen adds `_bg` to the module's.
const NAME: &str = "curfew";

/// Script and WebAssembly of a page, compressed by brotli, in bytes; ui-acceptance A3 asks for 250,000 and hopes for
/// 120,000.
const BUDGET_BYTES: u64 = 100_000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mode {
    /// Quick to build, large, uncompressed: for work on this machine.
    Dev,
    /// As people get it: smallest, with `.br` and `.gz` beside each file.
    Release,
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Mode::Dev => "dev",
            Mode::Release => "release",
        }
    }
}

/// Builds the site unless it already stands for these inputs.
///
/// For [`Mode::Dev`] a release site of the same inputs is good enough.
pub fn build(places: &Places, mode: Mode) -> Result<()> {
    let inputs = inputs(places)?;
    let stamp = places.root.join("target/site.stamp");
    let (release, wanted) = (format!("release {inputs}"), format!("{} {inputs}", mode.word()));
    let standing = fs::read_to_string(&stamp).unwrap_or_default();
    if places.site.join("version.txt").exists() && (standing == wanted || standing == release) {
        println!("• Pages: unchanged");
        return Ok(());
    }
    setup::wasm_target(places)?;
    let wasm = say::step(
        "Building the browser's part (the first time takes about a minute)",
        || compile(places, mode),
    )?;
    let what = if mode == Mode::Release {
        "Assembling and compressing the site"
    } else {
        "Assembling the site"
    };
    say::step(what, || {
        drop(fs::remove_file(&stamp));
        assemble(places, mode, &wasm)?;
        Ok(fs::write(&stamp, wanted)?)
    })
}

/// Bytes of script and WebAssembly as compressed, and the most they may be. Needs a release site.
pub fn size(places: &Places) -> Result<(u64, u64)> {
    let mut bytes = 0;
    for name in [format!("{NAME}.js.br"), format!("{NAME}_bg.wasm.br")] {
        let path = places.site.join("pkg").join(name);
        bytes += fs::metadata(&path)
            .with_context(|| format!("no {}", path.display()))?
            .len();
    }
    Ok((bytes, BUDGET_BYTES))
}

fn compile(places: &Places, mode: Mode) -> Result<PathBuf> {
    // A folder of its own: what is built for the pages never mixes with the server's features, and neither waits for the
    // other's lock.
    let target = places.target.join("pages");
    let (profile, folder) = match mode {
        Mode::Dev => ("dev", "debug"),
        Mode::Release => ("wasm-release", "wasm-release"),
    };
    cargo(&places.root)
        .args([
            "build",
            "--locked",
            "--package",
            "frontend",
            "--target",
            "wasm32-unknown-unknown",
        ])
        .args(["--profile", profile])
        .env("CARGO_TARGET_DIR", &target)
        .must()?;
    Ok(target
        .join("wasm32-unknown-unknown")
        .join(folder)
        .join("frontend.wasm"))
}

fn assemble(places: &Places, mode: Mode, wasm: &Path) -> Result<()> {
    let fresh = places.root.join("target/site.new");
    drop(fs::remove_dir_all(&fresh));
    let pkg = fresh.join("pkg");
    fs::create_dir_all(&pkg)?;

    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(wasm)
        .out_name(NAME)
        .typescript(false)
        .web(true)?;
    bindgen
        .remove_name_section(mode == Mode::Release)
        .remove_producers_section(mode == Mode::Release);
    bindgen
        .generate(&pkg)
        .context("wasm-bindgen could not read the pages")?;

    let style = places.root.join("style");
    let public = style.join("public");
    fs::write(
        pkg.join(format!("{NAME}.css")),
        css::bundle(&style.join("main.css"), &public)?,
    )?;
    for file in files(&public)? {
        let to = pkg.join(file.strip_prefix(&public)?);
        fs::create_dir_all(to.parent().context("a file lies in a folder")?)?;
        fs::copy(&file, to)?;
    }

    let mut content = Sha256::new();
    for file in files(&pkg)? {
        let bytes = fs::read(&file)?;
        update(&mut content, file.strip_prefix(&pkg)?, &bytes);
        if mode == Mode::Release && worth_compressing(&file) {
            fs::write(with_ending(&file, "br"), brotli(&bytes)?)?;
            fs::write(with_ending(&file, "gz"), gzip(&bytes)?)?;
        }
    }
    fs::write(
        fresh.join("version.txt"),
        &HEXLOWER.encode(&content.finalize())[..16],
    )?;
    drop(fs::remove_dir_all(&places.site));
    Ok(fs::rename(&fresh, &places.site)?)
}

/// A hash over everything that shapes the site.
fn inputs(places: &Places) -> Result<String> {
    let mut hash = Sha256::new();
    for name in [
        "Cargo.toml",
        "Cargo.lock",
        "rust-toolchain.toml",
        "app",
        "frontend",
        "style",
        "xtask/src/site.rs",
        "xtask/src/css.rs",
    ] {
        let path = places.root.join(name);
        if !path.exists() {
            bail!("{} is missing", path.display());
        }
        for file in files(&path)? {
            update(&mut hash, file.strip_prefix(&places.root)?, &fs::read(&file)?);
        }
    }
    Ok(HEXLOWER.encode(&hash.finalize()))
}

fn update(hash: &mut Sha256, name: &Path, bytes: &[u8]) {
    let name = name.as_os_str().as_encoded_bytes();
    for part in [name, bytes] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
}

/// Every file below `path` (or the file itself), in a fixed order.
pub fn files(path: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut left = vec![path.to_path_buf()];
    while let Some(path) = left.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path).with_context(|| path.display().to_string())? {
                left.push(entry?.path());
            }
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn worth_compressing(path: &Path) -> bool {
    path.extension().is_some_and(|ending| {
        ["js", "css", "wasm", "svg", "txt", "json"]
            .iter()
            .any(|text| ending == *text)
    })
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

pub fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut out, 1 << 16, 11, 22);
    writer.write_all(bytes)?;
    drop(writer);
    Ok(out)
}

pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}
