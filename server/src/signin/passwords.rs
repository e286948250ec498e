//! Passwords: which may be chosen, how they are kept, how they are compared.
//!
//! Argon2id with 19 MiB, 2 passes, 1 lane (OWASP's first choice for servers); the parameters stand in the PHC string, so
//! that later ones can be stronger. Hashing runs off the async threads, few at a time: a hundred tries at once may wait,
//! but they don't eat the machine.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use app::error::AppError;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, PasswordHash, Version};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::Error;

/// Memory of one hash, KiB.
const MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;
/// Shortest password, characters (security C2: the only factor).
pub const SHORTEST: usize = 15;
/// Longest password, characters.
pub const LONGEST: usize = 128;
/// How many may wait for their turn to be hashed before new ones are turned away.
const MOST_WAITING: usize = 64;

/// Hashes and compares, a few at a time.
pub struct Hasher {
    turns: Arc<Semaphore>,
    queue: Arc<Semaphore>,
    /// What an unknown user's password is compared with, so that the answer takes as long.
    nobody: String,
}

/// The right to hash now; gives it back when dropped.
pub struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(|cause| broken(&cause))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Causes of the hash library say nothing about passwords.
fn broken(cause: &dyn std::fmt::Display) -> Error {
    Error::Other(anyhow::anyhow!("hashing a password: {cause}"))
}

fn hash_now(password: &SecretString) -> Result<String, Error> {
    let hash: PasswordHash = argon2()?
        .hash_password(password.expose_secret().as_bytes())
        .map_err(|cause| broken(&cause))?;
    Ok(hash.to_string())
}

impl Hasher {
    /// A hasher that works on at most `at_once` passwords at a time.
    pub fn new(at_once: usize) -> Result<Self, Error> {
        Ok(Self {
            turns: Arc::new(Semaphore::new(at_once.max(1))),
            queue: Arc::new(Semaphore::new(MOST_WAITING)),
            nobody: hash_now(&SecretString::from(crate::keys::random_id()))?,
        })
    }

    /// Waits for a turn. Throttling is looked at while holding it, so that many tries at once can't slip through.
    pub async fn turn(&self) -> Result<Turn, Error> {
        let busy = || AppError::TooMany { retry_after_s: 2 };
        let place = self.queue.clone().try_acquire_owned().map_err(|_| busy())?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| busy())?;
        Ok(Turn {
            _turn: turn,
            _place: place,
        })
    }

    /// The PHC string of a new password.
    pub async fn hash(&self, _turn: &Turn, password: SecretString) -> Result<String, Error> {
        tokio::task::spawn_blocking(move || hash_now(&password))
            .await
            .map_err(|cause| broken(&cause))?
    }

    /// Whether the password is the one behind `hash`. `None` (unknown user, no password yet) takes as long and is false.
    pub async fn verify(
        &self,
        _turn: &Turn,
        password: SecretString,
        hash: Option<String>,
    ) -> Result<bool, Error> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let same = tokio::task::spawn_blocking(move || {
            let password = password.expose_secret().as_bytes();
            argon2().map(|argon2| argon2.verify_password(password, hash.as_str()).is_ok())
        })
        .await
        .map_err(|cause| broken(&cause))??;
        Ok(same && known)
    }
}

/// Words that strings of common passwords are made of, and whole common passwords of 15 characters and more.
static BLOCKLIST: &str = include_str!("common_passwords.txt");

static COMMON: LazyLock<HashSet<String>> = LazyLock::new(|| {
    BLOCKLIST
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| plain(line.trim()))
        .filter(|line| !line.is_empty())
        .collect()
});

/// Lower-cased, letters for the digits and signs people put in their place, everything else dropped.
fn plain(text: &str) -> String {
    text.to_lowercase()
        .chars()
        .filter_map(|c| match c {
            '0' => Some('o'),
            '1' | '!' | '|' => Some('i'),
            '3' => Some('e'),
            '4' | '@' => Some('a'),
            '5' | '$' => Some('s'),
            '7' => Some('t'),
            c if c.is_alphanumeric() => Some(c),
            _ => None,
        })
        .collect()
}

/// Rows of keyboards, and the two orders everybody knows.
const WALKS: [&str; 9] = [
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "1234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
];

/// True when most neighbours in the text are neighbours on a keyboard or in the alphabet too.
fn is_walk(text: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let beside = |a: char, b: char| {
        WALKS.iter().any(|row| {
            let row: Vec<char> = row.chars().collect();
            row.windows(2)
                .any(|w| (w[0], w[1]) == (a, b) || (w[1], w[0]) == (a, b))
        })
    };
    let pairs = text.windows(2).count();
    let walked = text
        .windows(2)
        .filter(|w| w[0] == w[1] || beside(w[0], w[1]))
        .count();
    walked * 10 >= pairs * 7
}

/// True when it is one piece again and again.
fn is_repeated(text: &[char]) -> bool {
    (1..=text.len() / 2).any(|period| (period..text.len()).all(|at| text[at] == text[at - period]))
}

/// What is wrong with a new password, or nothing. `own` are words an attacker tries first: sign-in name, own name,
/// name of the installation.
pub fn problem(password: &str, own: &[&str]) -> Option<String> {
    let chars: Vec<char> = password.chars().collect();
    if chars.len() < SHORTEST {
        return Some(format!(
            "At least {SHORTEST} characters; this has {}. A few words work well.",
            chars.len()
        ));
    }
    if chars.len() > LONGEST {
        return Some(format!("At most {LONGEST} characters; this has {}.", chars.len()));
    }
    let distinct: HashSet<char> = chars.iter().copied().collect();
    if distinct.len() < 5 || is_repeated(&chars) {
        return Some("This repeats itself. Choose something with more variety.".to_owned());
    }
    if is_walk(password) {
        return Some(
            "This follows the keyboard or the alphabet. Choose something nobody tries first.".to_owned(),
        );
    }
    let mut rest = plain(password);
    if COMMON.contains(&rest) {
        return Some(COMMONLY_USED.to_owned());
    }
    let mut words: Vec<String> = own
        .iter()
        .flat_map(|name| name.split(|c: char| !c.is_alphanumeric()).chain([*name]))
        .map(plain)
        .filter(|word| word.chars().count() >= 4)
        .collect();
    let has_own = words.iter().any(|word| rest.contains(word.as_str()));
    words.extend(COMMON.iter().filter(|w| w.chars().count() >= 4).cloned());
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    // Digits count as the letters they stand for, and as mere digits: "name-1234567890" has nothing left either way.
    let mut as_typed: String = password
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    for word in &words {
        rest = rest.replace(word.as_str(), "");
        as_typed = as_typed.replace(word.as_str(), "");
    }
    let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
    if letters(&rest).min(letters(&as_typed)) < 6 {
        return Some(if has_own {
            "This is mostly a name an attacker tries first. Choose something else.".to_owned()
        } else {
            COMMONLY_USED.to_owned()
        });
    }
    None
}

const COMMONLY_USED: &str =
    "This is made of passwords that many people use. Choose something nobody tries first.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn security_c2_long_passwords_pass_and_common_ones_do_not() {
        let own = ["mara.ortiz", "Mara Ortiz", "Curfew Nord"];
        for good in [
            "four lamps under the bridge",
            "Wüstenschiff & Kaffeetasse",
            "x9#Lm2 vQ8 rTz4 pWd",
            "一二三四五六七八九十千万億兆京垓",
            "the harbour closes at seven",
        ] {
            assert_eq!(problem(good, &own), None, "{good}");
        }
        for bad in [
            "short",
            "fourteen chars",
            "aaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabc",
            "passwordpassword1",
            "P@ssw0rdP@ssw0rd!",
            "password123456789",
            "qwertyuiopasdfghjkl",
            "123456789012345678",
            "abcdefghijklmnop",
            "Welcome2026Welcome!",
            "mara.ortiz.mara.ortiz1",
            "MaraOrtiz-1234567890",
            "curfewnord2026!!!!",
            "correcthorsebatterystaple",
            "iloveyouiloveyou1",
            "administrator123",
        ] {
            assert!(problem(bad, &own).is_some(), "{bad}");
        }
        assert!(
            problem(&"long words ".repeat(20), &own).is_some(),
            "more than 128"
        );
        let longest: String = (0_u32..128)
            .filter_map(|n| char::from_u32(33 + n * 37 % 90))
            .collect();
        assert_eq!(longest.chars().count(), 128);
        assert_eq!(problem(&longest, &own), None);
    }

    #[tokio::test]
    async fn security_c3_hashes_are_argon2id_with_their_parameters_and_an_own_salt() {
        let hasher = Hasher::new(1).unwrap();
        let turn = hasher.turn().await.unwrap();
        let password = || SecretString::from("four lamps under the bridge");
        let one = hasher.hash(&turn, password()).await.unwrap();
        let two = hasher.hash(&turn, password()).await.unwrap();
        assert!(one.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{one}");
        assert_ne!(one, two);
        assert!(hasher.verify(&turn, password(), Some(one.clone())).await.unwrap());
        let wrong = SecretString::from("four lamps under a bridge!");
        assert!(!hasher.verify(&turn, wrong, Some(one)).await.unwrap());
        assert!(!hasher.verify(&turn, password(), None).await.unwrap());
    }

    #[tokio::test]
    async fn security_c4_a_hundred_tries_at_once_wait_or_are_turned_away() {
        let hasher = Arc::new(Hasher::new(1).unwrap());
        let held = hasher.turn().await.unwrap();
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let hasher = hasher.clone();
                tokio::spawn(async move { hasher.turn().await.map(|_| ()) })
            })
            .collect();
        tokio::task::yield_now().await;
        drop(held);
        let mut turned_away = 0;
        for one in waiting {
            turned_away += usize::from(one.await.unwrap().is_err());
        }
        // The place of the one who held the turn may be free again before the last of them asks, or not.
        let full = 100 - MOST_WAITING;
        assert!((full..=full + 1).contains(&turned_away), "{turned_away}");
    }
}
