//! What keeps people of a report from signing in again.

use app::containment::wire::Blocks;

/// The blocks of a report: Curfew makes none yet, and a report says so.
pub fn blocks() -> Blocks {
    Blocks {
        words: "None was made by Curfew: who knows the password can sign in again.".to_owned(),
        made: Vec::new(),
    }
}
