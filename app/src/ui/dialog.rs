//! The native dialog: a question as title, the safe answer focused. Opened by script only; whatever it asks also has a
//! page or form of its own.

use leptos::html;
use leptos::prelude::*;

/// A modal question. `open` shows and hides it; closing by Esc sets `open` to false. Focus goes back by itself.
#[component]
pub fn Dialog(
    /// Id of the dialog; its title is `{id}-title`.
    #[prop(into)]
    id: String,
    /// The question.
    #[prop(into)]
    title: TextProp,
    /// Shown or not.
    open: RwSignal<bool>,
    /// Interrupts: announced at once.
    #[prop(optional)]
    alert: bool,
    /// What it says, and its buttons in a `dialog-foot`.
    children: Children,
) -> impl IntoView {
    let dialog: NodeRef<html::Dialog> = NodeRef::new();
    Effect::new(move |_| {
        let wanted = open.get();
        if let Some(dialog) = dialog.get() {
            match (wanted, dialog.open()) {
                (true, false) => {
                    // Fails only for a dialog that left the document: then there is nothing to show.
                    let _ = dialog.show_modal();
                }
                (false, true) => dialog.close(),
                _ => {}
            }
        }
    });
    let title_id = format!("{id}-title");
    let labelled_by = title_id.clone();
    view! {
        <dialog
            id=id
            class="dialog"
            role=alert.then_some("alertdialog")
            aria-labelledby=labelled_by
            node_ref=dialog
            on:close=move |_| open.set(false)
        >
            <h2 id=title_id class="dialog-title">
                {move || title.get()}
            </h2>
            {children()}
        </dialog>
    }
    .into_any()
}
