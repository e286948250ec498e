//! Buttons: what they look like says what they do. One red one per screen.

use leptos::prelude::*;

use super::icon::{Glyph, Icon};

/// What a button does to the world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ButtonKind {
    /// Ends sessions.
    Danger,
    /// Saves; one per form.
    Primary,
    /// Everything else.
    #[default]
    Plain,
    /// Steps back, or is rarely wanted.
    Quiet,
    /// Stops or takes away.
    DangerOutline,
}

impl ButtonKind {
    /// Its style class.
    pub const fn class(self) -> &'static str {
        match self {
            ButtonKind::Danger => "btn btn-danger",
            ButtonKind::Primary => "btn btn-primary",
            ButtonKind::Plain => "btn",
            ButtonKind::Quiet => "btn btn-quiet",
            ButtonKind::DangerOutline => "btn btn-stop",
        }
    }
}

/// A button of a form. Sends the form unless `plain_click` is set; a name and value tell which one was pressed.
#[component]
pub fn Button(
    /// Look and meaning.
    #[prop(optional)]
    kind: ButtonKind,
    /// 28 instead of 32 high.
    #[prop(optional)]
    small: bool,
    /// Name of the pair it adds to the form; empty = none.
    #[prop(optional, into)]
    name: String,
    /// Value of that pair.
    #[prop(optional, into)]
    value: String,
    /// Does not send the form: for script only.
    #[prop(optional)]
    plain_click: bool,
    /// Why it can't be pressed now, shown beside it; `None` = it can.
    #[prop(optional_no_strip, into)]
    blocked: Option<String>,
    /// Icon before the words.
    #[prop(optional)]
    icon: Option<Icon>,
    /// The words: verb, thing, number.
    children: Children,
) -> impl IntoView {
    let class = if small {
        format!("{} btn-small", kind.class())
    } else {
        kind.class().to_owned()
    };
    view! {
        <button
            class=class
            type=if plain_click { "button" } else { "submit" }
            name=(!name.is_empty()).then_some(name)
            value=(!value.is_empty()).then_some(value)
            disabled=blocked.is_some()
        >
            {icon.map(|icon| view! { <Glyph icon=icon /> })}
            <span>{children()}</span>
        </button>
        {blocked.map(|why| view! { <span class="why">{why}</span> })}
    }
    .into_any()
}

/// A link that looks like a button: it leads somewhere and changes nothing.
#[component]
pub fn LinkButton(
    /// Where to.
    #[prop(into)]
    href: String,
    /// Look.
    #[prop(optional)]
    kind: ButtonKind,
    /// 28 instead of 32 high.
    #[prop(optional)]
    small: bool,
    /// Icon before the words.
    #[prop(optional)]
    icon: Option<Icon>,
    /// A file or another kind of page: the browser loads it itself.
    #[prop(optional)]
    outside: bool,
    /// The words.
    children: Children,
) -> impl IntoView {
    let class = if small {
        format!("{} btn-small", kind.class())
    } else {
        kind.class().to_owned()
    };
    view! {
        <a class=class href=href rel=outside.then_some("external")>
            {icon.map(|icon| view! { <Glyph icon=icon /> })}
            <span>{children()}</span>
        </a>
    }
    .into_any()
}

/// Filters that stand folded away below a search; with how many of them are set.
#[component]
pub fn MoreFilters(
    /// How many are set.
    set: usize,
    /// Unfolded: one is set, or wrong.
    open: bool,
    /// The fields.
    children: Children,
) -> impl IntoView {
    let words = match set {
        0 => "More filters".to_owned(),
        n => format!("More filters, {n} set"),
    };
    view! {
        <details class="more-filters" open=open>
            <summary class="link-btn">{words}</summary>
            <div class="filter-fields">{children()}</div>
        </details>
    }
    .into_any()
}

/// Words of a link that takes so many filters off.
pub fn clear_filters(set: usize) -> String {
    if set == 1 {
        "Clear 1 filter".to_owned()
    } else {
        format!("Clear {set} filters")
    }
}

/// The link below a form of filters that takes them off; nothing where none is set.
#[component]
pub fn ClearFilters(
    /// How many are set.
    set: usize,
    /// The page without them.
    #[prop(into)]
    href: String,
) -> impl IntoView {
    (set > 0).then(|| {
        view! {
            <LinkButton href=href kind=ButtonKind::Quiet small=true>
                {clear_filters(set)}
            </LinkButton>
        }
    })
}
