//! The forms of the person page, read back by the server.

use super::wire::{CutAsked, LinkAsked, Which};
use crate::error::AppError;
use crate::form::{Pairs, Problems};
use crate::wire::{AccountKey, SubjectId};

/// `subject`: the person whose page it is.
pub const SUBJECT: &str = "subject";
/// `account`: the account it is about.
pub const ACCOUNT: &str = "account";
/// `system` and `name`: the account it is about, where it is not named by `account`.
pub const SYSTEM: &str = "system";
/// See [`SYSTEM`].
pub const NAME: &str = "name";
/// `reason`: why.
pub const REASON: &str = "reason";

/// What a form of the person page asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PersonAct {
    /// Opens the preview of all their live sessions.
    End(SubjectId),
    /// Links an account.
    Link(LinkAsked),
    /// Cuts one out.
    Cut(CutAsked),
}

impl PersonAct {
    /// `act` of the preview.
    pub const END: &'static str = "end";
    /// `act` of linking.
    pub const LINK: &'static str = "link";
    /// `act` of cutting.
    pub const CUT: &'static str = "cut";

    /// Reads the fields.
    pub fn read(pairs: &[(String, String)]) -> Result<Self, AppError> {
        let pairs = Pairs(pairs);
        let mut problems = Problems::default();
        let subject = SubjectId::from(pairs.text(SUBJECT));
        let act = pairs.text("act");
        if act == Self::END {
            return Ok(PersonAct::End(subject));
        }
        let reason = problems.need(pairs, REASON, 500, "Say why, in at most 500 characters.");
        let account = AccountKey::from(pairs.text(ACCOUNT));
        let read = match act {
            Self::LINK => PersonAct::Link(LinkAsked {
                which: match account.0.is_empty() {
                    false => Which::Key(account),
                    true => Which::Named {
                        system_id: problems.need(pairs, SYSTEM, 40, "Choose the system.").into(),
                        name: problems.need(pairs, NAME, 255, "Write the user name."),
                    },
                },
                subject,
                reason,
            }),
            Self::CUT => PersonAct::Cut(CutAsked {
                account,
                subject,
                reason,
            }),
            _ => {
                return Err(AppError::invalid(
                    "act",
                    "This button is not known here. Load the page again.",
                ));
            }
        };
        problems.or(read)
    }
}
