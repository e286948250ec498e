//! The plain forms of the account page and of the second factor: what their fields mean.

use super::wire::{Density, PasswordChange, Theme, Times};
use crate::error::AppError;
use crate::form::{Pairs, Problems};
use crate::wire::{NoticeId, PortalSessionId};

/// What was asked for.
pub enum AccountAct {
    /// `end` + `session`.
    End(PortalSessionId),
    /// `end-others`.
    EndOthers,
    /// `theme` + `theme`.
    Theme(Theme),
    /// `times` + `times`.
    Times(Times),
    /// `density` + `density`.
    Density(Density),
    /// `keys` + `on`: `1` or `0`.
    SingleKeys(bool),
    /// `password` + `current`, `new`, `again`, `end_others`.
    Password(PasswordChange),
    /// `screen-share` + `on`: `1` or `0`.
    ShareScreen(bool),
    /// `known` + `notice`.
    Known(NoticeId),
    /// `extend`.
    Extend,
}

impl AccountAct {
    /// Reads a form. `next` stands beside it: where to go afterwards, an own path.
    pub fn read(pairs: &[(String, String)]) -> Result<AccountAct, AppError> {
        let pairs = Pairs(pairs);
        match pairs.text("act") {
            "end" => Ok(AccountAct::End(pairs.text("session").into())),
            "end-others" => Ok(AccountAct::EndOthers),
            "theme" => Theme::from_name(pairs.text("theme"))
                .map(AccountAct::Theme)
                .ok_or_else(|| AppError::invalid("theme", "Choose system, light or dark.")),
            "times" => match pairs.text("times") {
                "relative" => Ok(AccountAct::Times(Times::Relative)),
                "absolute" => Ok(AccountAct::Times(Times::Absolute)),
                _ => Err(AppError::invalid("times", "Choose how times are shown.")),
            },
            "density" => Density::from_name(pairs.text("density"))
                .map(AccountAct::Density)
                .ok_or_else(|| AppError::invalid("density", "Choose comfortable or compact.")),
            "keys" => match pairs.text("on") {
                "1" => Ok(AccountAct::SingleKeys(true)),
                "0" => Ok(AccountAct::SingleKeys(false)),
                _ => Err(AppError::invalid("on", "Say whether single keys act.")),
            },
            "screen-share" => match pairs.text("on") {
                "1" => Ok(AccountAct::ShareScreen(true)),
                "0" => Ok(AccountAct::ShareScreen(false)),
                _ => Err(AppError::invalid("on", "Say whether network data is hidden.")),
            },
            "known" => Ok(AccountAct::Known(pairs.text("notice").into())),
            "password" => {
                let mut problems = Problems::default();
                let (current, new) = (pairs.raw("current"), pairs.raw("new"));
                if current.is_empty() {
                    problems.add("current", "Write the password you have now.");
                }
                if new != pairs.raw("again") {
                    problems.add("again", "This is not the same as the new password.");
                }
                problems.or(AccountAct::Password(PasswordChange {
                    current: current.to_owned(),
                    new: new.to_owned(),
                    end_others: !pairs.text("end_others").is_empty(),
                }))
            }
            "extend" => Ok(AccountAct::Extend),
            _ => Err(AppError::invalid(
                "act",
                "This form does not say what to do. Open the page again.",
            )),
        }
    }
}

/// What was asked for on the page of the second factor.
pub enum FactorAct {
    /// `begin`.
    Begin,
    /// `confirm` + `code`.
    Confirm(String),
    /// `codes`.
    Codes,
    /// `remove`.
    Remove,
}

impl FactorAct {
    /// Reads a form. `then` stands beside it: where to go afterwards, an own path.
    pub fn read(pairs: &[(String, String)]) -> Result<FactorAct, AppError> {
        let pairs = Pairs(pairs);
        match pairs.text("act") {
            "begin" => Ok(FactorAct::Begin),
            "confirm" if pairs.text("code").is_empty() => Err(AppError::invalid(
                "code",
                "Write the six digits that your app shows now.",
            )),
            "confirm" => Ok(FactorAct::Confirm(pairs.text("code").to_owned())),
            "codes" => Ok(FactorAct::Codes),
            "remove" => Ok(FactorAct::Remove),
            _ => Err(AppError::invalid(
                "act",
                "This form does not say what to do. Open the page again.",
            )),
        }
    }
}
