//! Checks a signed report with nothing but the file: no portal, no database, no secret.

use std::fmt;

use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};
use ed25519_dalek::VerifyingKey;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::sign::{HEADER, HOW, PARTS, SPKI, Signature, Signed, VERSION, fingerprint};
use crate::keys::sha256_hex;

/// Why a file proves nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It ends before its end.
    CutOff(String),
    /// It is none of our reports, or one this program does not know.
    Odd(String),
    /// The signature does not fit the list of hashes with the key in the file.
    Signature(String),
    /// These parts are not what was signed.
    Changed(Vec<String>),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::CutOff(cause) => write!(f, "The file is not whole: it breaks off ({cause})."),
            Refused::Odd(words) => f.write_str(words),
            Refused::Signature(words) => write!(f, "The signature does not fit: {words}"),
            Refused::Changed(parts) => {
                write!(f, "Changed since it was signed: {}. ", parts.join(", "))?;
                f.write_str(match parts.len() {
                    1 => "Do not believe this part, and ask for the file again.",
                    _ => "Do not believe these parts, and ask for the file again.",
                })
            }
        }
    }
}

/// A file whose content is, to the byte, what was signed with the key in it. Whose key that is, it can't tell.
#[derive(Debug)]
pub struct Intact {
    /// The key in the file.
    pub fingerprint: String,
    /// The part `about`.
    pub about: Value,
    /// The part `endings`.
    pub endings: Value,
    /// The part `audit`.
    pub audit: Value,
}

/// A file with the text of each part as it stands. A part twice, or one we do not know, is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'f> {
    curfew_report: u32,
    #[serde(borrow)]
    about: &'f RawValue,
    #[serde(borrow)]
    person: &'f RawValue,
    #[serde(borrow)]
    blocks: &'f RawValue,
    #[serde(borrow)]
    endings: &'f RawValue,
    #[serde(borrow)]
    systems: &'f RawValue,
    #[serde(borrow)]
    audit: &'f RawValue,
    signature: Signature,
}

impl<'f> File<'f> {
    /// Each signed part with its text, in the order of [`PARTS`].
    fn parts(&self) -> [(&'static str, &'f str); PARTS.len()] {
        let [about, person, blocks, endings, systems, audit] = PARTS;
        [
            (about, self.about.get()),
            (person, self.person.get()),
            (blocks, self.blocks.get()),
            (endings, self.endings.get()),
            (systems, self.systems.get()),
            (audit, self.audit.get()),
        ]
    }
}

/// Which version a file says it has.
#[derive(Deserialize)]
struct Version {
    curfew_report: u32,
}

/// Checks a file.
pub fn check(bytes: &[u8]) -> Result<Intact, Refused> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Refused::Odd("This is no text in UTF-8, so it is no containment report.".to_owned()))?;
    let file: File<'_> = match serde_json::from_str(text) {
        Ok(file) => file,
        Err(cause) => return Err(unreadable(text, &cause)),
    };
    if file.curfew_report != VERSION {
        return Err(other_version(file.curfew_report));
    }
    if file.signature.how != HOW {
        return Err(Refused::Signature("its explanation is not ours.".to_owned()));
    }
    let odd_key = || Refused::Signature("the public key in the file is no Ed25519 key.".to_owned());
    let spki = BASE64
        .decode(file.signature.public_key.as_bytes())
        .map_err(|_| odd_key())?;
    let public = spki.strip_prefix(&SPKI).ok_or_else(odd_key)?;
    let public: &[u8; 32] = public.try_into().map_err(|_| odd_key())?;
    let key = VerifyingKey::from_bytes(public).map_err(|_| odd_key())?;
    let own = fingerprint(public);
    if file.signature.fingerprint != own {
        return Err(Refused::Signature(
            "the fingerprint in the file is not that of the key in the file.".to_owned(),
        ));
    }
    let signed = payload(&file.signature.jws, &key)?;
    let names: Vec<&str> = signed.parts.keys().map(String::as_str).collect();
    let mut expected = PARTS;
    expected.sort_unstable();
    if signed.curfew_report != VERSION || names != expected {
        return Err(Refused::Signature(
            "what it signs is no containment report.".to_owned(),
        ));
    }
    let changed: Vec<String> = file
        .parts()
        .iter()
        .filter(|(name, text)| signed.parts.get(*name) != Some(&sha256_hex(text.as_bytes())))
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if !changed.is_empty() {
        return Err(Refused::Changed(changed));
    }
    let value = |raw: &RawValue| {
        serde_json::from_str(raw.get())
            .map_err(|cause| Refused::Odd(format!("A part can't be read: {cause}.")))
    };
    Ok(Intact {
        fingerprint: own,
        about: value(file.about)?,
        endings: value(file.endings)?,
        audit: value(file.audit)?,
    })
}

/// Why a text is no report.
fn unreadable(text: &str, cause: &serde_json::Error) -> Refused {
    if cause.is_eof() {
        return Refused::CutOff(cause.to_string());
    }
    match serde_json::from_str::<Version>(text) {
        Ok(other) if other.curfew_report != VERSION => other_version(other.curfew_report),
        _ => Refused::Odd(format!("This is no containment report of Curfew: {cause}.")),
    }
}

fn other_version(version: u32) -> Refused {
    Refused::Odd(format!(
        "The file says it is a report of version {version}; this program checks version {VERSION}."
    ))
}

/// What a JWS signs, once its signature fits.
fn payload(jws: &str, key: &VerifyingKey) -> Result<Signed, Refused> {
    let altered = || {
        Refused::Signature(
            "the key, the signature or the list of what it signs was changed in the file.".to_owned(),
        )
    };
    let decode = |text: &str| BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| altered());
    let (signed, signature) = jws.rsplit_once('.').ok_or_else(altered)?;
    let (header, payload) = signed.split_once('.').ok_or_else(altered)?;
    if decode(header)? != HEADER.as_bytes() {
        return Err(Refused::Signature(
            "it is not made the way reports are signed.".to_owned(),
        ));
    }
    let signature = ed25519_dalek::Signature::from_slice(&decode(signature)?).map_err(|_| altered())?;
    key.verify_strict(signed.as_bytes(), &signature)
        .map_err(|_| altered())?;
    serde_json::from_slice(&decode(payload)?).map_err(|_| altered())
}

/// The fingerprint that somebody named: 64 hex digits with any spaces or colons between, or a text with a public key as
/// PEM in it (the output of `curfew report-key`, any file that openssl reads). `None` = neither.
pub fn named_key(text: &str) -> Option<String> {
    const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
    if let Some((_, rest)) = text.split_once(BEGIN) {
        let (inner, _) = rest.split_once("-----END")?;
        let inner: String = inner.chars().filter(|c| !c.is_whitespace()).collect();
        let spki = BASE64.decode(inner.as_bytes()).ok()?;
        let public: &[u8; 32] = spki.strip_prefix(&SPKI)?.try_into().ok()?;
        return Some(fingerprint(public));
    }
    let digits: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != ':')
        .collect::<String>()
        .to_ascii_lowercase();
    let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok()?;
    (bytes.len() == 32).then_some(digits)
}
