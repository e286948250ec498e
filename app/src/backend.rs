//! What pages may ask of the server: one port per feature, bound to whoever is calling.
//!
//! The server puts a [`Backend`] made for the caller of this very request into the context. No caller, no backend:
//! refusal is the default.

use std::sync::Arc;

use leptos::prelude::use_context;

use crate::access::port::AccessPort;
use crate::audit::port::AuditPort;
use crate::containment::port::ContainmentPort;
use crate::endings::port::EndingsPort;
use crate::error::AppError;
use crate::people::port::PeoplePort;
use crate::policies::port::PoliciesPort;
use crate::sessions::port::{SessionsPort, ViewsPort};
use crate::signals::port::SignalsPort;
use crate::signin::port::SignInPort;
use crate::systems::port::SystemsPort;
use crate::tickets::port::TicketsPort;
use crate::wire::SessionKey;

/// The ports, each bound to the caller of this request.
#[derive(Clone)]
pub struct Backend {
    pub signin: Arc<dyn SignInPort>,
    pub sessions: Arc<dyn SessionsPort>,
    pub views: Arc<dyn ViewsPort>,
    pub people: Arc<dyn PeoplePort>,
    pub endings: Arc<dyn EndingsPort>,
    pub containment: Arc<dyn ContainmentPort>,
    pub systems: Arc<dyn SystemsPort>,
    pub policies: Arc<dyn PoliciesPort>,
    pub access: Arc<dyn AccessPort>,
    pub audit: Arc<dyn AuditPort>,
    pub tickets: Arc<dyn TicketsPort>,
    pub signals: Arc<dyn SignalsPort>,
}

/// The caller's backend; [`AppError::SignedOut`] when nobody is signed in.
fn backend() -> Result<Backend, AppError> {
    use_context::<Backend>().ok_or(AppError::SignedOut)
}

/// Whether an open page asks on its own: such a request is no activity and no look of a person. From the seam.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Background(pub bool);

/// Rows that an open page which asks again shows already: it wants to know what they are now. From the seam.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenRows(pub Vec<SessionKey>);

/// What the server does with the status of an answer that is not 200: put there by the seam (server/src/http/ui.rs).
#[derive(Clone)]
pub struct SetStatus(pub Arc<dyn Fn(u16) + Send + Sync>);

/// Asks a port in the caller's name.
///
/// The seam's way to set the status is taken before the wait, so it does not matter what the context is after it.
pub async fn ask<T, A>(act: impl FnOnce(Backend) -> A) -> Result<T, AppError>
where
    A: Future<Output = Result<T, AppError>>,
{
    let set_status = use_context::<SetStatus>();
    let result = match backend() {
        Ok(backend) => act(backend).await,
        Err(error) => Err(error),
    };
    if let (Err(error), Some(SetStatus(set))) = (&result, set_status) {
        set(error.status());
    }
    result
}
