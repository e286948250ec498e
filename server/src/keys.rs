//! Secret keys and what is made with them: session keys, chain hashes, random ids. The one home of hashing and chance.

use std::path::Path;

use app::wire::SessionKey;
use data_encoding::{BASE32_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use crate::config::SecretRef;

/// A key for keyed hashes, with the id that stands beside what it made. 32 bytes, from outside the database.
pub struct HashKey {
    id: String,
    bytes: [u8; 32],
    previous: Option<Box<HashKey>>,
}

impl HashKey {
    /// A key from its 32 bytes; the id is derived from them, so that two keys never share one.
    pub fn new(bytes: [u8; 32]) -> Self {
        let digest = Sha256::digest([b"curfew key id".as_slice(), &bytes].concat());
        Self {
            id: HEXLOWER.encode(&digest[..4]),
            bytes,
            previous: None,
        }
    }

    /// The same key with the one it takes the place of: what that one named keeps its name.
    pub fn after(self, previous: HashKey) -> Self {
        Self {
            previous: Some(Box::new(previous)),
            ..self
        }
    }

    /// The key before this one, while both are valid.
    pub fn previous(&self) -> Option<&HashKey> {
        self.previous.as_deref()
    }

    /// The names one session may have: by this key, and by the one before while both are valid.
    pub fn session_keys(&self, system_id: &str, place: &str, kind: &str, handle: &str) -> Vec<SessionKey> {
        [Some(self), self.previous()]
            .into_iter()
            .flatten()
            .map(|key| key.session_key(system_id, place, kind, handle))
            .collect()
    }

    /// A fresh random key.
    pub fn generate() -> Self {
        Self::new(random_bytes())
    }

    /// Which key this is; says nothing about its bytes.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The bytes, to be written to the key file only.
    pub fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// HMAC-SHA-256 over the parts, each preceded by its length, so that no two lists of parts read the same.
    pub fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.bytes).expect("HMAC takes a key of any length");
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// The name of a session: stable, unguessable, useless anywhere else. 128 bits, hex.
    pub fn session_key(&self, system_id: &str, place: &str, kind: &str, handle: &str) -> SessionKey {
        let mac = self.mac(&[
            system_id.as_bytes(),
            place.as_bytes(),
            kind.as_bytes(),
            handle.as_bytes(),
        ]);
        SessionKey(HEXLOWER.encode(&mac[..16]))
    }
}

/// HMAC-SHA-256 over a message as it stands, for formats of others; ours is [`HashKey::mac`].
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// SHA-256 as 64 hex digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Bytes nobody can guess.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(
        clippy::expect_used,
        reason = "without randomness nothing here is safe to go on"
    )]
    getrandom::fill(&mut bytes).expect("the system's random source answers");
    bytes
}

/// A new id that sorts by time.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

/// A new id that tells nothing, not even when it was made.
pub fn random_id() -> String {
    HEXLOWER.encode(&random_bytes::<16>())
}

/// A code a person can type: 130 bits in groups of letters and digits.
pub fn typed_code() -> String {
    let text = BASE32_NOPAD.encode(&random_bytes::<15>());
    text.as_bytes()
        .chunks(6)
        .map(|c| String::from_utf8_lossy(c).into_owned())
        .collect::<Vec<_>>()
        .join("-")
}

/// A short name for one failure, to find its log line.
pub fn short_reference() -> String {
    BASE32_NOPAD.encode(&random_bytes::<5>())
}

/// Reads a key where the settings say, else from `file`, which is made (readable by its owner only) if it is missing.
pub fn load_key(named: Option<&SecretRef>, file: &Path) -> anyhow::Result<HashKey> {
    match named {
        Some(reference) => read_key(reference),
        None if file.exists() => read_key(&SecretRef::File(file.to_owned())),
        None => {
            let key = HashKey::generate();
            write_private(file, &HEXLOWER.encode(key.expose()))?;
            Ok(key)
        }
    }
}

/// Reads a key from where a reference points.
pub fn read_key(reference: &SecretRef) -> anyhow::Result<HashKey> {
    let bytes = HEXLOWER_PERMISSIVE
        .decode(reference.read()?.expose_secret().trim().as_bytes())
        .ok()
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
        .ok_or_else(|| {
            let place = String::from(reference.clone());
            anyhow::anyhow!("{place}: a key is 64 hex digits (openssl rand -hex 32)")
        })?;
    Ok(HashKey::new(bytes))
}

/// Writes a new file that only its owner may read; an existing one is an error.
pub fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut handle = options
        .open(file)
        .map_err(|cause| anyhow::anyhow!("{}: {cause}", file.display()))?;
    handle.write_all(text.as_bytes())?;
    handle.sync_all()?;
    Ok(())
}
