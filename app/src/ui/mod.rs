//! Parts every page is made of. They know no feature, only plain values and the closed vocabularies of `wire.rs`,
//! and they work before script arrives. [`ages`] and [`count`] are words alone, for the browser too.

pub mod ages;
#[cfg(feature = "ssr")]
pub mod copy;
pub mod count;

#[cfg(feature = "ssr")]
pub mod button;
#[cfg(feature = "ssr")]
pub mod dialog;
#[cfg(feature = "ssr")]
pub mod field;
#[cfg(feature = "ssr")]
pub mod icon;
#[cfg(feature = "ssr")]
pub mod marks;
#[cfg(feature = "ssr")]
pub mod note;
#[cfg(feature = "ssr")]
pub mod panel;
#[cfg(feature = "ssr")]
pub mod person;
#[cfg(feature = "ssr")]
pub mod table;
#[cfg(feature = "ssr")]
pub mod time;

#[cfg(feature = "ssr")]
pub use button::{Button, ButtonKind, ClearFilters, LinkButton, MoreFilters, clear_filters};
#[cfg(feature = "ssr")]
pub use copy::Copy;
pub use count::{count_text, counted, thousands};
#[cfg(feature = "ssr")]
pub use dialog::Dialog;
#[cfg(feature = "ssr")]
pub use field::{Check, Field, Pick, Secret, TextArea};
#[cfg(feature = "ssr")]
pub use icon::{Glyph, Icon, Mark};
#[cfg(feature = "ssr")]
pub use marks::{Chip, HealthMark, OutcomeMark, Tag, WaitingMark, age_class};
#[cfg(feature = "ssr")]
pub use note::{Empty, Note, Tone};
#[cfg(feature = "ssr")]
pub use panel::{Fact, Panel, Tile, Tiles};
#[cfg(feature = "ssr")]
pub use person::{Cut, Person};
#[cfg(feature = "ssr")]
pub use table::{ColumnHead, TableCard};
#[cfg(feature = "ssr")]
pub use time::{Clock, Ends, Remaining, Started, TimeAgo, When};
