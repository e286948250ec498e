//! The scope part of a grant's form: where it counts, for whom, and what that means in numbers.

use leptos::prelude::*;

use super::form;
use super::wire::{AccessPage, ScopeEffect};
use crate::layout::Echo;
use crate::ui::{Check, Note, TextArea, count_text, counted};
use crate::wire::{Count, SystemId};

/// What the grant would mean: put into the context by the server for the one answer to "Show what it means".
#[derive(Clone, Copy)]
pub struct Effect(pub ScopeEffect);

/// The effect in numbers, where it was asked for.
#[component]
pub fn EffectNote() -> impl IntoView {
    use_context::<Effect>().map(|Effect(effect)| {
        view! {
            <div role="status">
                <Note>{effect_words("Now they would see", effect)}</Note>
            </div>
        }
    })
}

/// "Now they would see 67 sessions of 41 people, and could end 65."
pub fn effect_words(see: &str, effect: ScopeEffect) -> String {
    if effect.sees == Count::Exactly(0) {
        return format!("{see} no live sessions.");
    }
    let people = match effect.sees {
        Count::Exactly(_) => format!(" of {}", counted(effect.people, "person", "people")),
        Count::MoreThan(_) => String::new(),
    };
    let sessions = match effect.sees {
        Count::Exactly(1) => "session",
        _ => "sessions",
    };
    format!(
        "{see} {} {sessions}{people}, and could end {}.",
        count_text(effect.sees),
        count_text(effect.may_end),
    )
}

/// Where it counts.
#[component]
pub fn WhereItCounts(
    /// The page's data.
    page: AccessPage,
    /// What was typed before.
    echo: Echo,
) -> impl IntoView {
    let places = echo.value_or(form::PLACES, "");
    let name_of = |id: &SystemId| {
        let known = page.systems.iter().find(|(known, _)| known == id);
        known.map_or_else(|| id.0.clone(), |(_, name)| name.clone())
    };
    let sites: Vec<(String, String)> = page
        .sites
        .iter()
        .map(|site| {
            let label = format!("{} of {}", site.site, name_of(&site.system_id));
            (form::site_value(site), label)
        })
        .collect();
    view! {
        <fieldset class="checks">
            <legend class="group-label">"Where it counts"</legend>
            <FirstError echo=echo.clone() fields=&[form::PLACES, form::SYSTEMS, form::SITES] />
            <Check
                id="places-everywhere"
                name=form::PLACES
                value="everywhere"
                label="Everywhere"
                radio=true
                checked=places == "everywhere"
            />
            <Check
                id="places-systems"
                name=form::PLACES
                value="systems"
                label="Some systems"
                radio=true
                checked=places == "systems"
            />
            <div class="below-check scope-systems">
                {page
                    .systems
                    .iter()
                    .map(|(id, name)| {
                        view! {
                            <Check
                                id=format!("scope-{id}")
                                name=form::SYSTEMS
                                value=id.0.clone()
                                label=name.clone()
                                checked=echo.ticked(form::SYSTEMS, id.as_str(), false)
                            />
                        }
                    })
                    .collect_view()}
            </div>
            {(!sites.is_empty())
                .then(|| {
                    view! {
                        <Check
                            id="places-sites"
                            name=form::PLACES
                            value="sites"
                            label="Some sites"
                            radio=true
                            checked=places == "sites"
                        />
                        <div class="below-check scope-sites">
                            {sites
                                .into_iter()
                                .enumerate()
                                .map(|(at, (value, label))| {
                                    let ticked = echo.ticked(form::SITES, &value, false);
                                    view! {
                                        <Check
                                            id=format!("site-{at}")
                                            name=form::SITES
                                            value=value
                                            label=label
                                            checked=ticked
                                        />
                                    }
                                })
                                .collect_view()}
                        </div>
                    }
                })}
        </fieldset>
    }
    .into_any()
}

/// For whom it counts.
#[component]
pub fn ForWhom(
    /// The page's data.
    page: AccessPage,
    /// What was typed before.
    echo: Echo,
) -> impl IntoView {
    let people = echo.value_or(form::PEOPLE, "");
    let groups = page
        .groups
        .iter()
        .map(|group| {
            view! {
                <Check
                    id=format!("group-{}", group.group_id)
                    name=form::GROUPS
                    value=group.group_id.0.clone()
                    label=group.name.clone()
                    hint=counted(group.members, "account", "accounts")
                    checked=echo.ticked(form::GROUPS, group.group_id.as_str(), false)
                />
            }
        })
        .collect_view();
    view! {
        <fieldset class="checks">
            <legend class="group-label">"For whom"</legend>
            <FirstError echo=echo.clone() fields=&[form::PEOPLE, form::ACCOUNTS, form::DOMAINS, form::GROUPS] />
            <Check
                id="people-everybody"
                name=form::PEOPLE
                value="everybody"
                label="Everybody there"
                radio=true
                checked=people == "everybody"
            />
            <Check
                id="people-these"
                name=form::PEOPLE
                value="these"
                label="Some people"
                radio=true
                checked=people == "these"
            />
            <div class="below-check scope-people">
                {groups}
                <TextArea
                    id="grant-accounts"
                    name=form::ACCOUNTS
                    label="Account names"
                    value=echo.value_or(form::ACCOUNTS, "")
                    hint="One per line, as the systems know them."
                    longest=10_000
                />
                <TextArea
                    id="grant-domains"
                    name=form::DOMAINS
                    label="Mail domains"
                    value=echo.value_or(form::DOMAINS, "")
                    hint="One per line, as example.org: everybody with a mail there."
                    longest=10_000
                />
            </div>
        </fieldset>
    }
    .into_any()
}

/// The first problem of these fields.
#[component]
fn FirstError(
    /// The form.
    echo: Echo,
    /// Its fields.
    fields: &'static [&'static str],
) -> impl IntoView {
    let problem = fields.iter().find_map(|field| echo.error(field));
    problem.map(|problem| {
        view! {
            <p class="field-error" role="alert">
                {problem}
            </p>
        }
    })
}
