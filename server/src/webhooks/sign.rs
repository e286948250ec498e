//! Signatures of Standard Webhooks (<https://www.standardwebhooks.com>, "Signature scheme").

use data_encoding::BASE64;
use secrecy::ExposeSecret;

use crate::config::SecretRef;
use crate::keys;

/// Shortest secret, bytes.
const SHORTEST: usize = 16;

/// The header `webhook-signature`: `v1,` and base64 of HMAC-SHA-256 over `id.timestamp.body`, the secret read now.
///
/// A secret that begins with `whsec_` is base64 behind it; any other is taken as it stands.
pub fn signature(secret: &SecretRef, id: &str, at_s: i64, body: &str) -> anyhow::Result<String> {
    let text = secret.read()?;
    let key = match text.expose_secret().strip_prefix("whsec_") {
        Some(encoded) => BASE64
            .decode(encoded.trim().as_bytes())
            .map_err(|_| anyhow::anyhow!("secret: what follows whsec_ is not base64"))?,
        None => text.expose_secret().as_bytes().to_vec(),
    };
    anyhow::ensure!(key.len() >= SHORTEST, "secret: at least {SHORTEST} bytes");
    let mac = keys::hmac_sha256(&key, format!("{id}.{at_s}.{body}").as_bytes());
    Ok(format!("v1,{}", BASE64.encode(&mac)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(secret: &str) -> anyhow::Result<String> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("secret");
        std::fs::write(&file, secret)?;
        let body = r#"{"test": 2432232314}"#;
        signature(
            &SecretRef::File(file),
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            body,
        )
    }

    #[test]
    fn signatures_are_those_of_the_published_example() {
        let expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap(), expected);
    }

    #[test]
    fn secrets_that_are_short_or_broken_are_refused_and_not_repeated() {
        for secret in ["hunter2", "whsec_aGVsbG8=", "whsec_not base64 at all, really not"] {
            let cause = with(secret).unwrap_err().to_string();
            assert!(cause.starts_with("secret: "), "{cause}");
            assert!(!cause.contains(secret), "{cause}");
        }
        assert_ne!(
            with("a text of more than sixteen bytes").unwrap(),
            with("another text of more than that").unwrap()
        );
    }
}
