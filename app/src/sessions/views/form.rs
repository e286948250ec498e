//! The plain forms of saved views: what their fields mean.

use super::wire::ViewEdit;
use crate::error::AppError;
use crate::form::Pairs;
use crate::wire::{RoleId, ViewId};

pub const ACT: &str = "act";
/// `view`: which.
pub const VIEW: &str = "view";
/// `name`: what it is called.
pub const NAME: &str = "name";
/// `role`: who finds it too; empty = nobody.
pub const ROLE: &str = "role";
/// `query`: query string of the list.
pub const QUERY: &str = "query";
/// `start`: `1` = start here from now on.
pub const START: &str = "start";
/// `next`: own path to go to afterwards.
pub const NEXT: &str = "next";

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewAct {
    /// `save` + `name`, `role`, `query`, `start`.
    Save {
        edit: ViewEdit,
        query: String,
        start: bool,
    },
    /// `edit` + `view`, `name`, `role`.
    Edit(ViewId, ViewEdit),
    /// `delete` + `view`.
    Delete(ViewId),
    /// `start` + `view`; `no-start`: the plain list.
    Start(Option<ViewId>),
}

impl ViewAct {
    /// Reads a form. `next` stands beside it.
    pub fn read(pairs: &[(String, String)]) -> Result<ViewAct, AppError> {
        let pairs = Pairs(pairs);
        let view = || ViewId::from(pairs.text(VIEW));
        let edit = || ViewEdit {
            name: pairs.text(NAME).to_owned(),
            role: Some(RoleId::from(pairs.text(ROLE))).filter(|role| !role.0.is_empty()),
        };
        match pairs.text(ACT) {
            "save" => Ok(ViewAct::Save {
                edit: edit(),
                query: pairs.text(QUERY).to_owned(),
                start: !pairs.text(START).is_empty(),
            }),
            "edit" => Ok(ViewAct::Edit(view(), edit())),
            "delete" => Ok(ViewAct::Delete(view())),
            "start" => Ok(ViewAct::Start(Some(view()))),
            "no-start" => Ok(ViewAct::Start(None)),
            _ => Err(AppError::invalid(
                ACT,
                "This form does not say what to do. Open the page again.",
            )),
        }
    }
}
