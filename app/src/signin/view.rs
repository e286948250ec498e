//! What the pages of who is not signed in are told: there is no caller yet, so no port to ask.

use serde::{Deserialize, Serialize};

/// What the sign-in, welcome and step-up pages show; put into the context by the server.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInView {
    /// Name of this installation; empty = not told.
    pub instance: String,
    /// Own path to go to afterwards; empty = the first page.
    pub next: String,
    /// Sign-in name to show again.
    pub login: String,
    /// Why the last try was not taken.
    pub problem: Option<String>,
    /// Set when the password was right and a code is asked for: the form of the code sends it back.
    pub step: String,
    /// The step-up page asks for a code too.
    pub asks_code: bool,
    /// What led here: "You were signed out for idleness."
    pub notice: Option<String>,
    /// Fields of a form that came too late, to be carried along and shown again (never sent by itself).
    pub hidden: Vec<(String, String)>,
    /// The request's address differs from `public_url`, and how to mend it.
    pub address_warning: Option<String>,
}
