//! Secret keys and what is made with them: session keys, chain hashes, random ids. The one home of hashing and chance.

use std::path::Path;

use app::wire::SessionKey;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::{BASE32_NOPAD, BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretSlice};
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

/// Bytes of a nonce: long enough to be drawn by chance for every text.
const NONCE: usize = 24;

/// A key that seals small secrets which the database keeps: XChaCha20-Poly1305.
pub struct SealKey {
    id: String,
    cipher: XChaCha20Poly1305,
}

impl SealKey {
    /// Seals with the bytes of that key, under its id.
    pub fn new(key: &HashKey) -> Self {
        Self {
            id: key.id().to_owned(),
            cipher: XChaCha20Poly1305::new((&key.bytes).into()),
        }
    }

    /// `secret` as text that only this key opens, and only for the same `place` (whose, what for).
    pub fn seal(&self, place: &str, secret: &[u8]) -> anyhow::Result<String> {
        let nonce = random_bytes::<NONCE>();
        let payload = Payload {
            msg: secret,
            aad: place.as_bytes(),
        };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| anyhow::anyhow!("a secret could not be sealed"))?;
        let text = BASE64.encode(&[nonce.as_slice(), &sealed].concat());
        Ok(format!("{}:{text}", self.id))
    }

    /// What was sealed for that place. The error says which key it needs.
    pub fn open(&self, place: &str, text: &str) -> anyhow::Result<SecretSlice<u8>> {
        let (id, text) = text.split_once(':').unwrap_or_default();
        anyhow::ensure!(
            id == self.id,
            "a sealed secret needs the key {id}, this is {}: put the key back that was there before",
            self.id
        );
        let damaged = || anyhow::anyhow!("a sealed secret is damaged, or stands in another one's place");
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| damaged())?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE>().ok_or_else(damaged)?;
        let payload = Payload {
            msg: sealed,
            aad: place.as_bytes(),
        };
        let opened = self.cipher.decrypt(&XNonce::from(*nonce), payload);
        Ok(opened.map_err(|_| damaged())?.into())
    }
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
    groups(&BASE32_NOPAD.encode(&random_bytes::<15>()), 6, "-")
}

/// A code a person keeps on paper: 80 bits in four groups of letters and digits.
pub fn paper_code() -> String {
    groups(&BASE32_NOPAD.encode(&random_bytes::<10>()), 4, "-")
}

/// Base32 as a person types it: groups of four.
pub fn typed_base32(bytes: &[u8]) -> String {
    groups(&BASE32_NOPAD.encode(bytes), 4, " ")
}

/// ASCII text in groups of `size`.
fn groups(text: &str, size: usize, between: &str) -> String {
    let groups: Vec<_> = text
        .as_bytes()
        .chunks(size)
        .map(String::from_utf8_lossy)
        .collect();
    groups.join(between)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_e5_a_sealed_secret_opens_with_its_key_in_its_place_only() {
        let key = SealKey::new(&HashKey::new([1; 32]));
        let sealed = key.seal("seed of o1", b"twenty bytes of seed").unwrap();
        assert_ne!(
            sealed,
            key.seal("seed of o1", b"twenty bytes of seed").unwrap(),
            "each time another nonce"
        );
        let opened = key.open("seed of o1", &sealed).unwrap();
        assert_eq!(opened.expose_secret(), b"twenty bytes of seed");
        assert!(
            key.open("seed of o2", &sealed).is_err(),
            "moved to another person"
        );
        let other = SealKey::new(&HashKey::new([2; 32]));
        let cause = other.open("seed of o1", &sealed).unwrap_err().to_string();
        assert!(cause.contains(HashKey::new([1; 32]).id()), "{cause}");
        for at in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(key.open("seed of o1", &changed).is_err(), "character {at}");
        }
        for broken in ["", ":", "x", &sealed[..20]] {
            assert!(key.open("seed of o1", broken).is_err());
        }
    }

    #[test]
    fn codes_for_people_are_groups_of_four() {
        let code = paper_code();
        assert_eq!(code.len(), 19);
        assert!(code.split('-').all(|group| group.len() == 4));
        assert_ne!(code, paper_code());
        assert_eq!(typed_base32(&[0; 20]).split(' ').count(), 8);
    }
}
