//! Errors as pages: what happened, what did not, where to go.

use leptos::prelude::*;
use leptos_meta::Title;

use super::frame::here;
use crate::error::AppError;
use crate::paths;
use crate::ui::{ButtonKind, Glyph, Icon, LinkButton};

/// Heading of an error, and what was not done.
fn words(error: &AppError) -> (&'static str, &'static str) {
    match error {
        AppError::SignedOut => ("You are signed out", "Nothing was changed."),
        AppError::StepUp => (
            "Confirm that it is you",
            "Your last sign-in is too long ago for this. Nothing was changed.",
        ),
        AppError::FactorFirst => ("Set up your second factor", "Nothing was changed."),
        AppError::Forbidden { .. } => ("Not part of your grant", "Nothing was changed."),
        AppError::NotFound { .. } => ("Nothing here", "Nothing was changed."),
        AppError::Invalid { .. } => ("That could not be read", "Nothing was changed."),
        AppError::Conflict { .. } => ("Something else came first", "Nothing was changed by this."),
        AppError::TooMany { .. } => ("Too many requests", "Nothing was changed by this one."),
        AppError::Internal { .. } => (
            "Something broke on our side",
            "Nothing was ended by this. Endings that were running go on.",
        ),
        AppError::Unavailable { .. } => (
            "A part did not answer",
            "Nothing was ended by this. Endings that were running go on.",
        ),
    }
}

/// An error in the place of a page.
#[component]
pub fn ErrorPage(
    /// What went wrong.
    error: AppError,
) -> impl IntoView {
    let address = here();
    let (heading, not_done) = words(&error);
    let sentence = match &error {
        AppError::Internal { .. } => String::new(),
        other => other.sentence(),
    };
    let reference = match &error {
        AppError::Internal { reference } => Some(reference.clone()),
        _ => None,
    };
    let status = error.status();
    let again = match &error {
        AppError::SignedOut => Some(("Sign in", paths::sign_in_for(&address))),
        AppError::StepUp => Some(("Confirm", paths::step_up_for(&address))),
        AppError::FactorFirst => Some(("Set it up", paths::second_factor_for(&address))),
        AppError::Forbidden { .. } | AppError::NotFound { .. } => None,
        _ => Some(("Try again", address)),
    };
    view! {
        <Title text=heading />
        <section class="error-page">
            <p class="quiet">{format!("Error {status}")}</p>
            <h1>{heading}</h1>
            <p>
                {(!sentence.is_empty()).then(|| format!("{sentence} "))}
                {not_done}
            </p>
            {reference
                .map(|reference| {
                    view! {
                        <div class="note">
                            <Glyph icon=Icon::Info />
                            <div class="note-words">
                                <span>"Reference " <code>{reference}</code></span>
                                <p class="second">"Give it to whoever runs Curfew; it finds the log line."</p>
                            </div>
                        </div>
                    }
                })}
            <div class="buttons">
                {again
                    .map(|(words, href)| {
                        view! {
                            <LinkButton href=href kind=ButtonKind::Primary outside=true>
                                {words}
                            </LinkButton>
                        }
                    })}
                <LinkButton href=paths::SESSIONS>"Sessions"</LinkButton>
                <LinkButton href=paths::ENDINGS kind=ButtonKind::Quiet>
                    "Endings"
                </LinkButton>
            </div>
        </section>
    }
    .into_any()
}

/// An address without a page.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    // Not an answer of the server's own parts, so its status is set here.
    if let Some(crate::backend::SetStatus(set)) = use_context() {
        set(404);
    }
    view! { <ErrorPage error=AppError::not_found("page") /> }.into_any()
}
