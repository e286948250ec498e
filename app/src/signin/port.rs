//! What a signed-in person asks about themselves. Signing in itself has no caller yet: the server's own forms do it.

use async_trait::async_trait;

use super::wire::{
    Density, Frame, MySessions, PasswordChange, RecoveryCodes, SecondFactorPage, Theme, Times,
};
use crate::error::AppError;
use crate::wire::{Done, NoticeId, PortalSessionId, Timestamp};

/// One's own account. Needs no permission: it is the caller's.
#[async_trait]
pub trait SignInPort: Send + Sync {
    /// What every page's frame shows.
    async fn frame(&self) -> Result<Frame, AppError>;
    /// One's own sign-ins.
    async fn my_sessions(&self) -> Result<MySessions, AppError>;
    /// Ends one of one's own sign-ins; needs a fresh step-up.
    async fn end_my_session(&self, session: PortalSessionId) -> Result<Done, AppError>;
    /// Ends all but this one; needs a fresh step-up.
    async fn end_my_other_sessions(&self) -> Result<Done, AppError>;
    /// Counts as activity: the new idle end.
    async fn extend(&self) -> Result<Timestamp, AppError>;
    /// Keeps a theme.
    async fn save_theme(&self, theme: Theme) -> Result<Done, AppError>;
    /// Keeps how times are shown.
    async fn save_times(&self, times: Times) -> Result<Done, AppError>;
    /// Keeps how high rows are.
    async fn save_density(&self, density: Density) -> Result<Done, AppError>;
    /// Keeps whether single keys act.
    async fn save_single_keys(&self, on: bool) -> Result<Done, AppError>;
    /// Hides network data in this sign-in (`on`), or shows it again: for who shares their screen.
    async fn share_screen(&self, on: bool) -> Result<Done, AppError>;
    /// Takes a notice off one's pages; the account page still lists it.
    async fn dismiss_notice(&self, notice: NoticeId) -> Result<Done, AppError>;
    /// Changes one's own password.
    async fn change_password(&self, change: PasswordChange) -> Result<Done, AppError>;
    /// One's own second factor.
    async fn second_factor(&self) -> Result<SecondFactorPage, AppError>;
    /// Makes a new seed, to be confirmed by its first code; the factor in force stays. Needs a fresh step-up, as does
    /// everything below.
    async fn begin_factor(&self) -> Result<Done, AppError>;
    /// The new seed's first code: it is in force from now on, and all other sign-ins end. `Invalid` on `code`.
    async fn confirm_factor(&self, code: String) -> Result<RecoveryCodes, AppError>;
    /// New recovery codes; older ones are good for nothing.
    async fn new_recovery_codes(&self) -> Result<RecoveryCodes, AppError>;
    /// Removes the second factor. `Conflict` while a role needs it.
    async fn remove_factor(&self) -> Result<Done, AppError>;
}
