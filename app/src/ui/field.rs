//! Fields of forms: label above, hint below, an error in the hint's place. Values are plain attributes, so that what
//! somebody types before script arrives stays.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// The hint below a field, or the error in its place, with the id that the field points to.
fn below(id: &str, hint: String, error: Option<String>) -> (Option<String>, AnyView) {
    let below_id = format!("{id}-below");
    match error {
        Some(error) => (
            Some(below_id.clone()),
            view! {
                <p id=below_id class="field-error">
                    <Glyph icon=Icon::Refused />
                    <span>{error}</span>
                </p>
            }
            .into_any(),
        ),
        None if hint.is_empty() => (None, ().into_any()),
        None => (
            Some(below_id.clone()),
            view! {
                <p id=below_id class="field-hint">
                    {hint}
                </p>
            }
            .into_any(),
        ),
    }
}

/// A one-line field.
#[component]
pub fn Field(
    /// Id; unique on the page.
    #[prop(into)]
    id: String,
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// What it holds.
    #[prop(optional, into)]
    value: String,
    /// `text` unless set: email, number, search, datetime-local …
    #[prop(default = "text")]
    kind: &'static str,
    /// Unit or words behind the field.
    #[prop(optional, into)]
    unit: String,
    /// What belongs in it.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with it.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// Must be filled.
    #[prop(optional)]
    required: bool,
    /// `autocomplete`; "off" unless set.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// `inputmode`.
    #[prop(optional)]
    inputmode: Option<&'static str>,
    /// Smallest number.
    #[prop(optional)]
    min: Option<i64>,
    /// Largest number.
    #[prop(optional)]
    max: Option<i64>,
    /// Most characters.
    #[prop(optional)]
    longest: Option<u32>,
    /// As narrow as a number.
    #[prop(optional)]
    short: bool,
    /// Id of a `datalist` with proposals.
    #[prop(optional)]
    list: Option<&'static str>,
) -> impl IntoView {
    let invalid = error.is_some();
    let (described_by, below) = below(&id, hint, error);
    view! {
        <div class="field" class:field-short=short>
            <label for=id.clone()>{label}</label>
            <div class="field-line">
                <input
                    id=id
                    class="input"
                    type=kind
                    name=name
                    value=value
                    required=required
                    autocomplete=autocomplete
                    inputmode=inputmode
                    min=min
                    max=max
                    maxlength=longest
                    list=list
                    spellcheck="false"
                    aria-describedby=described_by
                    aria-invalid=invalid.then_some("true")
                />
                {(!unit.is_empty()).then(|| view! { <span class="unit">{unit}</span> })}
            </div>
            {below}
        </div>
    }
    .into_any()
}

/// A password or one-time code. Never filled in by the server.
#[component]
pub fn Secret(
    /// Id; unique on the page.
    #[prop(into)]
    id: String,
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// `current-password` or `new-password`.
    autocomplete: &'static str,
    /// What belongs in it.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with it.
    #[prop(optional_no_strip)]
    error: Option<String>,
) -> impl IntoView {
    let invalid = error.is_some();
    let (described_by, below) = below(&id, hint, error);
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <div class="field-line field-secret">
                <input
                    id=id.clone()
                    class="input"
                    type="password"
                    name=name
                    required=true
                    autocomplete=autocomplete
                    maxlength="1024"
                    spellcheck="false"
                    autocapitalize="none"
                    aria-describedby=described_by
                    aria-invalid=invalid.then_some("true")
                />
                <button
                    class="link-btn secret-show"
                    type="button"
                    aria-controls=id
                    aria-pressed="false"
                    hidden
                >
                    "Show"
                </button>
            </div>
            {below}
        </div>
    }
    .into_any()
}

/// A field of several lines.
#[component]
pub fn TextArea(
    /// Id; unique on the page.
    #[prop(into)]
    id: String,
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// What it holds.
    #[prop(optional, into)]
    value: String,
    /// What belongs in it.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with it.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// Must be filled.
    #[prop(optional)]
    required: bool,
    /// Lines shown.
    #[prop(default = 2)]
    rows: u32,
    /// Most characters.
    #[prop(default = 500)]
    longest: u32,
) -> impl IntoView {
    // Leptos writes the content of a textarea as it is; what somebody typed must not become markup.
    #[cfg(feature = "ssr")]
    let value = value
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    let invalid = error.is_some();
    let (described_by, below) = below(&id, hint, error);
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <textarea
                id=id
                class="input"
                name=name
                rows=rows
                maxlength=longest
                required=required
                aria-describedby=described_by
                aria-invalid=invalid.then_some("true")
            >
                {value}
            </textarea>
            {below}
        </div>
    }
    .into_any()
}

/// A choice of one, as the native list.
#[component]
pub fn Pick(
    /// Id; unique on the page.
    #[prop(into)]
    id: String,
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// Value and words of each choice.
    options: Vec<(String, String)>,
    /// The chosen value.
    #[prop(optional, into)]
    value: String,
    /// What the choice means.
    #[prop(optional, into)]
    hint: String,
    /// What is wrong with it.
    #[prop(optional_no_strip)]
    error: Option<String>,
    /// Must be chosen.
    #[prop(optional)]
    required: bool,
) -> impl IntoView {
    let invalid = error.is_some();
    let (described_by, below) = below(&id, hint, error);
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select
                id=id
                class="input"
                name=name
                required=required
                aria-describedby=described_by
                aria-invalid=invalid.then_some("true")
            >
                {options
                    .into_iter()
                    .map(|(key, words)| {
                        let chosen = key == value;
                        view! {
                            <option value=key selected=chosen>
                                {words}
                            </option>
                        }
                    })
                    .collect_view()}
            </select>
            {below}
        </div>
    }
    .into_any()
}

/// A box or a radio button with its label behind it.
#[component]
pub fn Check(
    /// Id; unique on the page.
    #[prop(into)]
    id: String,
    /// Name in the form.
    #[prop(into)]
    name: String,
    /// Value in the form when ticked.
    #[prop(into)]
    value: String,
    /// Label.
    #[prop(into)]
    label: String,
    /// A few quiet words behind the label.
    #[prop(optional, into)]
    hint: String,
    /// Ticked.
    #[prop(optional)]
    checked: bool,
    /// One of several.
    #[prop(optional)]
    radio: bool,
) -> impl IntoView {
    view! {
        <div class="check">
            <input
                id=id.clone()
                type=if radio { "radio" } else { "checkbox" }
                name=name
                value=value
                checked=checked
            />
            <label for=id>
                {label}
                {(!hint.is_empty()).then(|| view! { <span class="quiet">{format!(" {hint}")}</span> })}
            </label>
        </div>
    }
    .into_any()
}
