//! Signing in and out, one's own sessions and preferences.

use serde::{Deserialize, Serialize};

use crate::access::wire::Permission;
use crate::wire::{NoticeId, PortalSessionId, Timestamp};

/// Light, dark, or as the device says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the device says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Stable name: preference, `data-theme`.
    pub const fn name(self) -> &'static str {
        match self {
            Theme::System => "system",
            Theme::Light => "light",
            Theme::Dark => "dark",
        }
    }

    /// The theme of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Theme::System, Theme::Light, Theme::Dark]
            .into_iter()
            .find(|t| t.name() == name)
    }
}

/// How times are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Times {
    /// "3 min ago".
    #[default]
    Relative,
    /// "21 Nov 03:12:40".
    Absolute,
}

/// How high the rows of lists are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Density {
    /// Two lines a row.
    #[default]
    Comfortable,
    /// One line a row where it fits.
    Compact,
}

impl Density {
    /// Stable name: preference, `data-density`.
    pub const fn name(self) -> &'static str {
        match self {
            Density::Comfortable => "comfortable",
            Density::Compact => "compact",
        }
    }

    /// The density of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Density::Comfortable, Density::Compact]
            .into_iter()
            .find(|d| d.name() == name)
    }
}

/// What every signed-in page needs: who, what they may, what runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frame {
    /// The server's clock.
    pub now: Timestamp,
    /// Name of this installation, from the settings.
    pub instance: String,
    /// Every system here is simulated.
    pub demo: bool,
    /// Name of the signed-in person.
    pub display_name: String,
    /// Sign-in name.
    pub login: String,
    /// Permissions held anywhere, for what is shown in the bar.
    pub permissions: Vec<Permission>,
    /// Theme.
    pub theme: Theme,
    /// Times.
    pub times: Times,
    /// How high rows are.
    pub density: Density,
    /// Single keys act: `/`, `j`, `?` and the others.
    pub single_keys: bool,
    /// Minutes east of UTC for shown times.
    pub zone_offset_min: i32,
    /// Name of the zone, "UTC".
    pub zone_name: String,
    /// When this sign-in ends for idleness.
    pub idle_ends_at: Timestamp,
    /// When it ends at latest.
    pub absolute_ends_at: Timestamp,
    /// The newest ending at work: (number, settled, wanted).
    pub running: Option<(i64, u64, u64)>,
    /// Trouble every page tells of: a system that does not answer, endings paused, wrong address.
    pub banners: Vec<Banner>,
    /// Network data is hidden in this sign-in, because its screen is shared.
    pub screen_share: bool,
    /// What the person was not told yet about their account, newest first.
    pub notices: Vec<AccountNotice>,
}

/// What happened to one's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountNotice {
    /// Its id.
    pub notice_id: NoticeId,
    /// What, as a sentence.
    pub words: String,
    /// When.
    pub at: Timestamp,
}

/// A line above the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Banner {
    /// warn | danger | info.
    pub tone: Tone,
    /// The fact, bold.
    pub fact: String,
    /// What it means.
    pub means: String,
    /// Where to look: (words, path).
    pub link: Option<(String, String)>,
}

/// How serious a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Neutral.
    Info,
    /// Done.
    Ok,
    /// Not sure, or soon.
    Warn,
    /// Wrong.
    Danger,
}

/// One's own sign-ins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MySessions {
    /// The server's clock.
    pub now: Timestamp,
    /// Newest activity first.
    pub sessions: Vec<MySession>,
    /// Parallel sign-ins allowed.
    pub max_parallel: u64,
    /// One's own second factor.
    pub second_factor: MyFactor,
    /// What happened to the account, newest first.
    pub notices: Vec<AccountNotice>,
}

/// One's own second factor, as far as it may be told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyFactor {
    /// Since when; `None` = there is none.
    pub set_up_at: Option<Timestamp>,
    /// Recovery codes that are still good.
    pub codes_left: u32,
    /// A role of theirs needs one.
    pub needed: bool,
}

/// The page on which a second factor is set up. Without `Debug`: it may hold a seed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorPage {
    /// The server's clock.
    pub now: Timestamp,
    /// What is in force.
    pub mine: MyFactor,
    /// What waits for its first code.
    pub draft: Option<FactorDraft>,
}

/// A new seed that waits for its first code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactorDraft {
    /// As it is typed into an app: base32 in groups of four.
    pub typed: String,
    /// As it is scanned.
    pub picture: Picture,
    /// It waits until then.
    pub ends_at: Timestamp,
}

/// A picture of dark squares (a QR code).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Squares on each side, without the quiet ones around.
    pub side: u32,
    /// SVG path of the dark ones, one unit each.
    pub path: String,
}

/// New recovery codes, shown once. Without `Debug`: each opens the door.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes(pub Vec<String>);

/// One of one's own sign-ins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MySession {
    /// Public id.
    pub portal_session_id: PortalSessionId,
    /// This very one.
    pub current: bool,
    /// Sign-in.
    pub created_at: Timestamp,
    /// Last activity.
    pub last_active_at: Timestamp,
    /// When idleness ends it.
    pub idle_ends_at: Timestamp,
    /// When it ends at latest.
    pub absolute_ends_at: Timestamp,
    /// Address of the sign-in; `None` = not known, or hidden on a shared screen.
    pub ip: Option<String>,
    /// Browser and system; `None` = hidden on a shared screen.
    pub client: Option<String>,
    /// Address or browser changed inside the session.
    pub changed_source_at: Option<Timestamp>,
}

/// A password change.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordChange {
    /// The one in force.
    pub current: String,
    /// The new one: 15 to 128 characters, not a common one.
    pub new: String,
    /// End all other sign-ins too.
    pub end_others: bool,
}
