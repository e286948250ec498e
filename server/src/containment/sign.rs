//! The signed file: a JSON object people read in an editor, and a signature anybody checks without a secret.
//!
//! What is signed are bytes as they stand: of each part of the file the SHA-256 over its text, from its first character to
//! its last. The list of these hashes is the payload of a JWS (RFC 7515, compact, Ed25519 by RFC 8037), which stands in
//! the part `signature` with the public key. So no form of JSON is invented, no content is hidden in base64, and a check
//! can name the part that was changed (docs/adr/0007, docs/report.md).

use std::collections::BTreeMap;

use app::containment::wire::{AuditHead, Report};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use ed25519_dalek::{Signer, SigningKey};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::keys::{HashKey, sha256_hex};

/// Version of the file.
pub const VERSION: u32 = 1;
/// Parts of a file that are signed, in their order.
pub const PARTS: [&str; 6] = ["about", "person", "blocks", "endings", "systems", "audit"];
/// Those whose hash stands in the audit entry of the report; the last part is what that entry makes of the log.
pub const REPORTED: [&str; 5] = ["about", "person", "blocks", "endings", "systems"];
/// The header of the JWS. Nothing else is taken: what a file says of its own algorithm decides nothing.
pub const HEADER: &str = r#"{"alg":"EdDSA","typ":"curfew-report"}"#;
/// What a signature says about itself, for people.
pub const HOW: &str = "Ed25519 over the SHA-256 of each part above, to the byte. Keep this file as it is: a program that \
                       indents it anew breaks the signature. Check it with: curfew verify-report FILE --key FINGERPRINT";
/// What stands before the 32 bytes of an Ed25519 public key in a SubjectPublicKeyInfo (RFC 8410).
pub const SPKI: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// The key that signs reports.
pub struct ReportKey {
    key: SigningKey,
    fingerprint: String,
}

impl ReportKey {
    /// The Ed25519 key whose secret half are the bytes of that key.
    pub fn new(secret: &HashKey) -> Self {
        let key = SigningKey::from_bytes(secret.expose());
        let fingerprint = fingerprint(key.verifying_key().as_bytes());
        Self { key, fingerprint }
    }

    /// SHA-256 over the public key as SubjectPublicKeyInfo, 64 hex digits: what `openssl` makes of its file too.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The public key as SubjectPublicKeyInfo in base64.
    pub fn public(&self) -> String {
        BASE64.encode(&spki(self.key.verifying_key().as_bytes()))
    }

    /// The public key as a PEM file.
    pub fn pem(&self) -> String {
        format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            self.public()
        )
    }

    fn jws(&self, payload: &[u8]) -> String {
        let signed = format!(
            "{}.{}",
            BASE64URL_NOPAD.encode(HEADER.as_bytes()),
            BASE64URL_NOPAD.encode(payload)
        );
        let signature = self.key.sign(signed.as_bytes()).to_bytes();
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
    }
}

/// A public key as SubjectPublicKeyInfo.
fn spki(public: &[u8; 32]) -> Vec<u8> {
    [SPKI.as_slice(), public].concat()
}

/// SHA-256 over a public key as SubjectPublicKeyInfo, hex.
pub fn fingerprint(public: &[u8; 32]) -> String {
    sha256_hex(&spki(public))
}

/// A part of a file as it is written.
pub struct Part {
    /// Name.
    pub name: &'static str,
    /// Its JSON, to the byte.
    text: String,
    /// Over that text.
    pub sha256: String,
}

impl Part {
    fn of<T: Serialize>(name: &'static str, content: &T) -> Result<Self, Error> {
        // Text in JSON holds no line break of its own, so this moves lines and changes no content.
        let text = serde_json::to_string_pretty(content)?.replace('\n', "\n  ");
        Ok(Self {
            name,
            sha256: sha256_hex(text.as_bytes()),
            text,
        })
    }
}

/// What the signature is over: the hash of each part.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signed {
    /// Version of the file.
    pub curfew_report: u32,
    /// SHA-256 of each part's text, hex.
    pub parts: BTreeMap<String, String>,
}

/// The signature as it stands in a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// [`HOW`].
    pub how: String,
    /// Which key.
    pub fingerprint: String,
    /// The public key.
    pub public_key: String,
    /// The JWS over [`Signed`].
    pub jws: String,
}

/// The parts of a report, as they will be written.
pub fn parts(report: &Report) -> Result<Vec<Part>, Error> {
    // No field of it can be forgotten here.
    let Report {
        about,
        person,
        blocks,
        endings,
        systems,
        audit,
    } = report;
    Ok(vec![
        Part::of("about", about)?,
        Part::of("person", person)?,
        Part::of("blocks", blocks)?,
        Part::of("endings", endings)?,
        Part::of("systems", systems)?,
        Part::of("audit", audit)?,
    ])
}

/// Puts the end of the log in, which is known last.
pub fn replace_audit(parts: &mut [Part], head: &AuditHead) -> Result<(), Error> {
    for part in parts.iter_mut().filter(|part| part.name == "audit") {
        *part = Part::of("audit", head)?;
    }
    Ok(())
}

/// The file.
pub fn file(parts: &[Part], key: &ReportKey) -> Result<String, Error> {
    let signed = Signed {
        curfew_report: VERSION,
        parts: parts
            .iter()
            .map(|part| (part.name.to_owned(), part.sha256.clone()))
            .collect(),
    };
    let signature = Signature {
        how: HOW.to_owned(),
        fingerprint: key.fingerprint().to_owned(),
        public_key: key.public(),
        jws: key.jws(&serde_json::to_vec(&signed)?),
    };
    let mut text = format!("{{\n  \"curfew_report\": {VERSION},\n");
    for part in parts {
        text.push_str(&format!("  \"{}\": {},\n", part.name, part.text));
    }
    let signature = Part::of("signature", &signature)?;
    text.push_str(&format!("  \"signature\": {}\n}}\n", signature.text));
    Ok(text)
}
