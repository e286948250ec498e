//! The second factor: time-based codes and recovery codes (security C6, C7).
//!
//! A seed is kept sealed with a key from outside the database, is shown while it is being set up and never again, and
//! each of its codes is taken once. A recovery code is 80 bits by chance, so a plain SHA-256 keeps it: nobody finds it by
//! trying. Wrong codes are counted by the same throttle as wrong passwords, and only a right code clears the count.
//! Start reading at [`SignIn::second_step`]; a person's own page is in `mine`.

use app::audit::wire::AuditResult;
use app::error::AppError;
use app::signin::wire::RecoveryCodes;
use app::wire::{OperatorId, PortalSessionId, Timestamp};
use secrecy::{ExposeSecret, SecretString};

use super::notices::Matter;
use super::store::Methods;
use super::{SignIn, SignedIn, throttle, too_many};
use crate::audit::{Action, Entry};
use crate::caller::{Caller, Origin, SecondFactor};
use crate::changes::{self, topic};
use crate::db::Conn;
use crate::error::Error;
use crate::keys;

mod mine;
pub(super) mod store;
mod totp;

use totp::Seed;

/// Recovery codes of one person.
const RECOVERY_CODES: usize = 10;
/// A sign-in waits so long for its code, seconds.
const WAITS_S: i64 = 5 * 60;
/// Digits of a time-based code; whatever has another shape is a recovery code.
const DIGITS: usize = 6;

/// Field of the form whose problem sends the person back to the password.
pub const STEP: &str = "step";

const TOO_LATE: &str = "This took too long, or was used already. Write your password once more.";
const WRONG_CODE: &str = "This code is not right, or was used before. Wait for the next one your app shows.";
/// One sentence for both, so that nothing tells a thief which of the two was right.
pub(super) const WRONG_EITHER: &str = "The password or the code is not right. Each code works once.";

/// What proved the second factor.
enum Proof {
    /// A time-based code.
    Code,
    /// A recovery code; so many are left.
    Recovery { left: i64 },
}

impl Proof {
    const fn name(&self) -> &'static str {
        match self {
            Proof::Code => "code",
            Proof::Recovery { .. } => "recovery code",
        }
    }
}

/// Where a person's seed is sealed for: it opens nowhere else.
fn place(operator: &OperatorId) -> String {
    format!("second factor of {operator}")
}

/// As stored. Typed codes may lose their dashes or their case on the way.
fn recovery_hash(operator: &OperatorId, code: &str) -> String {
    keys::sha256_hex(format!("{operator} {}", bare(code).to_ascii_uppercase()).as_bytes())
}

/// Letters and digits alone.
fn bare(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).collect()
}

impl SignIn {
    /// Whether somebody has a second factor.
    pub(super) async fn has_factor(&self, conn: &mut Conn, operator: &OperatorId) -> Result<bool, Error> {
        Ok(store::factor(conn, operator).await?.seed.is_some())
    }

    /// Keeps a sign-in whose first part was right until its code comes: what the form of the code sends back.
    pub(super) async fn wait_for_code(
        &self,
        conn: &mut Conn,
        operator: &OperatorId,
        first: &str,
        now: Timestamp,
    ) -> Result<SecretString, Error> {
        let token = keys::random_id();
        let hash = keys::sha256_hex(token.as_bytes());
        store::insert_step(conn, &hash, operator, first, now.plus_seconds(WAITS_S)).await?;
        Ok(token.into())
    }

    fn open_seed(&self, operator: &OperatorId, sealed: &str) -> Result<Seed, Error> {
        let bytes = self.seal.open(&place(operator), sealed)?;
        Seed::of(bytes.expose_secret())
            .ok_or_else(|| Error::Other(anyhow::anyhow!("a sealed seed has not 20 bytes")))
    }

    /// Takes a code inside a transaction that holds the factor: it is used up if it was right.
    async fn prove(
        &self,
        conn: &mut Conn,
        operator: &OperatorId,
        factor: &store::Factor,
        typed: &str,
        now: Timestamp,
    ) -> Result<Option<Proof>, Error> {
        let Some(sealed) = &factor.seed else {
            return Ok(None);
        };
        let typed = bare(typed);
        if typed.len() != DIGITS || !typed.bytes().all(|b| b.is_ascii_digit()) {
            let hash = recovery_hash(operator, &typed);
            if !store::use_code(conn, operator, &hash, now).await? {
                return Ok(None);
            }
            let left = store::codes_left(conn, operator).await?;
            return Ok(Some(Proof::Recovery { left }));
        }
        let Some(step) = self.open_seed(operator, sealed)?.step_of(&typed, now) else {
            return Ok(None);
        };
        let first = store::take_step(conn, operator, step).await?;
        Ok(first.then_some(Proof::Code))
    }

    /// Counts a wrong code, like a wrong password, and lets that stand.
    async fn wrong_code(
        &self,
        mut conn: Conn,
        doors: &throttle::Doors,
        entry: Entry,
        now: Timestamp,
    ) -> Result<(), Error> {
        let closed = throttle::failed(&mut conn, doors, now).await?;
        let entry = entry.target("Second factor").result(AuditResult::Refused);
        self.audit.append(&mut conn, &entry, now).await?;
        if closed {
            let entry = Entry {
                action: Action::LoginLock,
                ..entry
            };
            self.audit.append(&mut conn, &entry, now).await?;
        }
        conn.commit().await
    }

    /// The second step of a sign-in: the code of a person whose password was right a moment ago.
    ///
    /// `Invalid` on [`STEP`] when there is no such sign-in any more, on `code` when the code is wrong or was used;
    /// `TooMany` while throttled. Until it succeeds there is no session.
    pub async fn second_step(
        &self,
        step: &str,
        code: SecretString,
        origin: &Origin,
        replaces: Option<PortalSessionId>,
    ) -> Result<SignedIn, Error> {
        let now = self.clock.now();
        let token_hash = keys::sha256_hex(step.as_bytes());
        let mut conn = self.db.write().await?;
        let too_late = || AppError::invalid(STEP, TOO_LATE);
        let waiting = store::step(&mut conn, &token_hash, now).await?;
        let (id, first) = waiting.ok_or_else(too_late)?;
        let person = self.access.login_and_name(&mut conn, &id).await?;
        let (login, name) = person.ok_or_else(too_late)?;
        let factor = store::factor_to_use(&mut conn, &id).await?;
        let address = origin.ip.as_deref().unwrap_or_default();
        let (doors, blocked) = throttle::look(&mut conn, &login, address, now).await?;
        if let Some(blocked) = blocked {
            return Err(too_many(blocked));
        }
        let proof = self
            .prove(&mut conn, &id, &factor, code.expose_secret(), now)
            .await?;
        let Some(proof) = proof else {
            let entry = Entry::nobody(origin, Action::LoginFail).account(&login);
            self.wrong_code(conn, &doors, entry, now).await?;
            return Err(AppError::invalid("code", WRONG_CODE).into());
        };
        if !store::take_sign_in_step(&mut conn, &token_hash).await? {
            return Err(too_late().into());
        }
        throttle::succeeded(&mut conn, &doors, now).await?;
        let session = self
            .begin(&mut conn, &id, origin, replaces, Methods::PasswordAndCode, now)
            .await?;
        let entry = Entry::nobody(origin, Action::LoginSuccess)
            .operator(&id, &name, Some(&session))
            .account(&login)
            .fact("factor", format!("{first} and {}", proof.name()));
        let codes_left = self.note_proof(&mut conn, entry, &proof, now).await?;
        changes::bump(&mut conn, topic::PORTAL_SESSIONS).await?;
        conn.commit().await?;
        Ok(SignedIn {
            session,
            operator: id,
            codes_left,
        })
    }

    /// Writes down what a code was good for; so many recovery codes are left if it was one.
    async fn note_proof(
        &self,
        conn: &mut Conn,
        entry: Entry,
        proof: &Proof,
        now: Timestamp,
    ) -> Result<Option<u32>, Error> {
        self.audit.append(conn, &entry, now).await?;
        let Proof::Recovery { left } = proof else {
            return Ok(None);
        };
        let used = Entry {
            action: Action::RecoveryCodeUsed,
            ..entry
        };
        let used = used.target("Recovery code").fact("left", *left);
        self.audit.append(conn, &used, now).await?;
        self.tell_actor(conn, &used, Matter::CodeUsed, now).await?;
        Ok(Some(u32::try_from(*left).unwrap_or(0)))
    }

    /// The code beside the password of a step-up; nothing to do for who has no second factor.
    pub(super) async fn step_up_code(&self, caller: &Caller, code: &SecretString) -> Result<(), Error> {
        if caller.factor != SecondFactor::Set {
            return Ok(());
        }
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        let factor = store::factor_to_use(&mut conn, &caller.id).await?;
        let address = caller.origin.ip.as_deref().unwrap_or_default();
        let (doors, blocked) = throttle::look(&mut conn, &caller.login, address, now).await?;
        if let Some(blocked) = blocked {
            return Err(too_many(blocked));
        }
        let proof = self
            .prove(&mut conn, &caller.id, &factor, code.expose_secret(), now)
            .await?;
        let Some(proof) = proof else {
            self.wrong_code(conn, &doors, Entry::by(caller, Action::StepUp), now)
                .await?;
            return Err(AppError::invalid("", WRONG_EITHER).into());
        };
        throttle::succeeded(&mut conn, &doors, now).await?;
        let entry = Entry::by(caller, Action::StepUp)
            .target("Second factor")
            .fact("factor", proof.name());
        self.note_proof(&mut conn, entry, &proof, now).await?;
        conn.commit().await
    }
}

/// New recovery codes in the place of all older ones: shown once.
async fn fresh_codes(conn: &mut Conn, operator: &OperatorId) -> Result<RecoveryCodes, Error> {
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| keys::paper_code()).collect();
    let hashes: Vec<String> = codes.iter().map(|code| recovery_hash(operator, code)).collect();
    store::keep_codes(conn, operator, &hashes).await?;
    Ok(RecoveryCodes(codes))
}
