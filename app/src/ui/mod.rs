//! Parts every page is made of. They know no feature, only plain values and the closed vocabularies of `wire.rs`,
//! and they work before script arrives.

pub mod button;
pub mod count;
pub mod dialog;
pub mod field;
pub mod icon;
pub mod live;
pub mod marks;
pub mod note;
pub mod panel;
pub mod person;
pub mod table;
pub mod time;

pub use button::{Button, ButtonKind, LinkButton};
pub use count::{count_text, counted, thousands};
pub use dialog::Dialog;
pub use field::{Check, Field, Pick, Secret, TextArea};
pub use icon::{Glyph, Icon, Mark};
pub use live::{Announcer, LiveRegion};
pub use marks::{Chip, HealthMark, OutcomeMark, Tag, WaitingMark, age_class};
pub use note::{Empty, Note, Tone};
pub use panel::{Fact, Panel, Tile, Tiles};
pub use person::{Cut, Person};
pub use table::{ColumnHead, TableCard};
pub use time::{Clock, Ends, Remaining, Started, TimeAgo, When};
