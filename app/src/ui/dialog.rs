//! The native dialog: a question as title, the safe answer focused. Opened by script only; whatever it asks also has a
//! page or form of its own.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// A modal question. Script shows it; a button with `data-close`, or Esc, hides it. Focus goes back by itself.
#[component]
pub fn Dialog(
    /// Id of the dialog; its title is `{id}-title`.
    #[prop(into)]
    id: String,
    /// The question.
    #[prop(into)]
    title: String,
    /// Interrupts: announced at once.
    #[prop(optional)]
    alert: bool,
    /// With a way to close it beside its title: it asks nothing.
    #[prop(optional)]
    closable: bool,
    /// What it says, and its buttons in a `dialog-foot`.
    children: Children,
) -> impl IntoView {
    let title_id = format!("{id}-title");
    let labelled_by = title_id.clone();
    view! {
        <dialog id=id class="dialog" role=alert.then_some("alertdialog") aria-labelledby=labelled_by>
            <div class="dialog-head">
                <h2 id=title_id class="dialog-title">
                    {title}
                </h2>
                {closable
                    .then(|| {
                        view! {
                            <button type="button" class="icon-btn" data-close="" aria-label="Close">
                                <Glyph icon=Icon::Close />
                            </button>
                        }
                    })}
            </div>
            {children()}
        </dialog>
    }
    .into_any()
}
