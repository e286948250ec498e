//! Names: whole, in their own direction, as text whatever they are made of.

use leptos::prelude::*;

use super::{Glyph, Icon};

/// Characters above which a text may be cut off in a narrow cell.
const LONG: usize = 22;

/// A text that is cut off where room ends; the whole of it shows on hover and on focus.
#[component]
pub fn Cut(
    /// The text.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    let long = text.chars().count() > LONG;
    let whole = long.then(|| text.clone());
    view! {
        <span class="cut-box tip" data-tip=whole tabindex=long.then_some("0")>
            <bdi class="cut">{text}</bdi>
        </span>
    }
    .into_any()
}

/// Name over sign-in name.
#[component]
pub fn Person(
    /// Name as shown.
    #[prop(into)]
    name: String,
    /// Sign-in name; empty = not reported.
    #[prop(into)]
    login: String,
    /// Instead of the sign-in name in the second line; `None` = the sign-in name.
    #[prop(optional_no_strip, into)]
    second: Option<AnyView>,
    /// Why the person is uncertain: the name then says just that; `None` = it is a name.
    #[prop(optional_no_strip, into)]
    doubt: Option<String>,
    /// What its system says of them beside the name; `None` = nothing.
    #[prop(optional_no_strip, into)]
    remark: Option<String>,
) -> impl IntoView {
    let second = second.unwrap_or_else(|| {
        if let Some(doubt) = doubt.clone() {
            view! { <Cut text=doubt /> }.into_any()
        } else if login.is_empty() {
            view! { <span class="quiet">"not reported"</span> }.into_any()
        } else {
            view! { <Cut text=login /> }.into_any()
        }
    });
    view! {
        <span class="person">
            <span class="person-name">
                {match doubt {
                    Some(doubt) => {
                        view! {
                            <span class="person-doubt tip" data-tip=doubt tabindex="-1">
                                <Glyph icon=Icon::Unknown />
                                {name}
                            </span>
                        }
                            .into_any()
                    }
                    None => view! { <Cut text=name /> }.into_any(),
                }}
                {remark
                    .map(|remark| {
                        view! {
                            " "
                            <span class="person-remark tip" data-tip=remark.clone() tabindex="-1">
                                {remark.clone()}
                            </span>
                        }
                    })}
            </span>
            <span class="second">{second}</span>
        </span>
    }
    .into_any()
}
