//! Time-based codes (RFC 6238): SHA-1, six digits, 30 seconds, one step to either side; and the picture to scan.

use app::signin::wire::Picture;
use app::wire::Timestamp;
use qrcode::{Color, EcLevel, QrCode};
use totp_rs::{Builder, Secret, Totp};

use crate::keys;

/// Bytes of a seed: 160 bits, as long as the hash (RFC 4226 §4).
const SEED: usize = 20;

/// What codes are made of. Wiped from memory when dropped.
pub struct Seed(Secret);

impl Seed {
    /// A new one that nobody can guess.
    pub fn generate() -> Self {
        Self(Secret::new_stack(keys::random_bytes::<SEED>()))
    }

    /// The seed of these bytes; `None` when there are not 20.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        let bytes = <[u8; SEED]>::try_from(bytes).ok()?;
        Some(Self(Secret::new_stack(bytes)))
    }

    /// The bytes, to be sealed.
    pub fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// As a person types it into an app: base32 in groups of four.
    pub fn typed(&self) -> String {
        keys::typed_base32(self.expose())
    }

    /// The time step whose code this is: now's, the one before or the one after.
    pub fn step_of(&self, code: &str, now: Timestamp) -> Option<i64> {
        let seconds = u64::try_from(now.0 / 1_000).ok()?;
        let step = self.codes().check(code, seconds)?;
        i64::try_from(step).ok()
    }

    /// The address that an authenticator app reads from the picture.
    fn uri(&self, issuer: &str, login: &str) -> String {
        let issuer = escaped(issuer);
        format!(
            "otpauth://totp/{issuer}:{}?secret={}&issuer={issuer}&algorithm=SHA1&digits=6&period=30",
            escaped(login),
            self.typed().replace(' ', "")
        )
    }

    /// The picture to scan.
    pub fn picture(&self, issuer: &str, login: &str) -> anyhow::Result<Picture> {
        let code = QrCode::with_error_correction_level(self.uri(issuer, login), EcLevel::M)?;
        Ok(picture_of(code.width(), &code.into_colors()))
    }

    fn codes(&self) -> Totp {
        // The builder's own values are the ones above; every seed is as long as it asks for.
        Builder::new().with_secret(self.0.clone()).build_noncompliant()
    }
}

/// One rectangle for each run of dark squares in a row.
fn picture_of(width: usize, squares: &[Color]) -> Picture {
    let mut path = String::new();
    for (y, row) in squares.chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            let length = run.len();
            if run[0] == Color::Dark {
                path.push_str(&format!("M{x} {y}h{length}v1h-{length}z"));
            }
            x += length;
        }
    }
    Picture {
        side: u32::try_from(width).unwrap_or(0),
        path,
    }
}

/// Percent-encoding: a plus would be shown as a plus.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc() -> Seed {
        Seed::of(b"12345678901234567890").unwrap()
    }

    #[test]
    fn security_c6_codes_are_those_of_rfc_6238_appendix_b() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(
                rfc().step_of(code, Timestamp(seconds * 1_000)),
                Some(seconds / 30),
                "{code}"
            );
        }
    }

    #[test]
    fn security_c6_a_code_counts_one_step_early_and_one_late_and_no_further() {
        let step = 1_111_111_110 / 30;
        for (seconds, good) in [
            (1_111_111_079, false),
            (1_111_111_080, true),
            (1_111_111_110, true),
            (1_111_111_169, true),
            (1_111_111_170, false),
        ] {
            let found = rfc().step_of("050471", Timestamp(seconds * 1_000));
            assert_eq!(found, good.then_some(step), "{seconds}");
        }
        for wrong in [
            "",
            "05047",
            "0504710",
            "05047a",
            "５０４７１０",
            "-50471",
            "+50471",
        ] {
            assert_eq!(
                rfc().step_of(wrong, Timestamp(1_111_111_110_000)),
                None,
                "{wrong}"
            );
        }
    }

    #[test]
    fn security_c6_seeds_are_160_bits_by_chance() {
        let (one, two) = (Seed::generate(), Seed::generate());
        assert_eq!(one.expose().len(), 20);
        assert_ne!(one.expose(), two.expose());
        assert!(Seed::of(&[0; 19]).is_none());
    }

    #[test]
    fn the_picture_holds_every_dark_square_once() {
        let uri = rfc().uri("Curfew Nord & Süd", "mara");
        assert_eq!(
            uri,
            "otpauth://totp/Curfew%20Nord%20%26%20S%C3%BCd:mara?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Curfew%20Nord%20%26%20S%C3%BCd&algorithm=SHA1&digits=6&period=30"
        );
        let picture = rfc().picture("Curfew", "mara").unwrap();
        assert!(picture.side >= 21);
        let squares = [
            Color::Dark,
            Color::Dark,
            Color::Light,
            Color::Light,
            Color::Light,
            Color::Dark,
        ];
        assert_eq!(picture_of(3, &squares).path, "M0 0h2v1h-2zM2 1h1v1h-1z");
    }
}
