//! "Go to…": people, systems, saved views, endings, pages and acts by what they are called. It leads to them and ends
//! nothing. A page with an address; script opens it in a dialog. Start reading at `page.rs`.

#[cfg(feature = "ssr")]
mod found;
#[cfg(feature = "ssr")]
pub mod page;

/// Id of the dialog.
pub const DIALOG: &str = "go";
/// Id of its field.
pub const FIELD: &str = "go-q";
/// `q`: what was typed.
pub const TYPED: &str = "q";
/// `list`: query string of the list one comes from, for what can be done with it.
pub const LIST: &str = "list";
