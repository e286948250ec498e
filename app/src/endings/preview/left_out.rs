//! What a preview leaves out, why, and the buttons that take it in.

use leptos::prelude::*;

use crate::endings::wire::{Preview, PreviewLeftOut};
use crate::paths;
use crate::sessions::wire::CannotEnd;
use crate::ui::{Glyph, Icon, Panel, Person, TableCard, counted, thousands};

/// The icon in front of why a row is left out.
const fn why_icon(why: &CannotEnd) -> Icon {
    match why {
        CannotEnd::OwnSession => Icon::User,
        CannotEnd::OwnConnection => Icon::Plug,
        CannotEnd::Protected => Icon::Lock,
        CannotEnd::OutsideGrant { .. } => Icon::Shield,
        CannotEnd::Unsupported { .. } => Icon::NotPossible,
        CannotEnd::NotLive => Icon::AlreadyGone,
    }
}

/// What would help with a row that is left out, where no button does.
fn would_help(why: &CannotEnd, may_force: bool) -> String {
    match why {
        CannotEnd::OwnSession => "Add it below, signs you out".to_owned(),
        CannotEnd::Protected if may_force => "Add it below".to_owned(),
        CannotEnd::Protected => "Needs an Administrator with “Force end”".to_owned(),
        CannotEnd::OwnConnection => "Nothing: it would cut Curfew off".to_owned(),
        CannotEnd::OutsideGrant { who_can_give } if who_can_give.is_empty() => {
            "Ask whoever manages access".to_owned()
        }
        CannotEnd::OutsideGrant { who_can_give } => format!("Ask {}", who_can_give.join(" or ")),
        CannotEnd::Unsupported { words } => words.clone(),
        CannotEnd::NotLive => "Nothing to end".to_owned(),
    }
}

/// Why a row is left out, in a word or two.
fn left_out_label(why: &CannotEnd) -> String {
    match why {
        CannotEnd::OwnSession => "Your own session".to_owned(),
        CannotEnd::Unsupported { .. } => "Not possible there".to_owned(),
        other => other.label(),
    }
}

/// The rows that are left out, why, and what would help.
#[component]
pub(super) fn LeftOut(preview: Preview) -> impl IntoView {
    let p = preview;
    let may_force = p.may_force;
    let row = |r: &PreviewLeftOut| {
        let (icon, label, help) = (
            why_icon(&r.why),
            left_out_label(&r.why),
            would_help(&r.why, may_force),
        );
        view! {
            <tr>
                <th scope="row">
                    <Person name=r.person.clone() login=r.account_name.clone() doubt=r.person_doubt.clone() />
                </th>
                <td>
                    <bdi>{r.system_name.clone()}</bdi>
                </td>
                <td>
                    <span class="why-cannot">
                        <Glyph icon=icon />
                        <span>{label}</span>
                    </span>
                </td>
                <td>{help}</td>
            </tr>
        }
    };
    let rows = p.left_out.iter().map(row).collect_view();
    let own_left = p.left_out.iter().any(|r| r.why == CannotEnd::OwnSession);
    let protected_left = p
        .left_out
        .iter()
        .filter(|r| r.why == CannotEnd::Protected)
        .count();
    let open = p.ending_no.is_none() && p.approval.is_none();
    let can_protect = protected_left > 0 && may_force;
    let any_act = open && (own_left || can_protect || p.includes_own || p.includes_protected);
    let number = p.left_out_count;
    let shown = p.left_out.len() as u64;
    let aside = format!(
        "{}, not counted in the {}",
        thousands(number),
        thousands(p.sessions)
    );
    (number > 0 || any_act).then(|| {
        let acts = any_act.then(|| {
            view! {
                <div class="drop-foot include-acts">
                    {(own_left || p.includes_own)
                        .then(|| {
                            let words = if p.includes_own { "Leave your own session out" } else { "Add your own session, signs you out" };
                            view! { <Include p=p.clone() own=!p.includes_own protected=p.includes_protected words=words.to_owned() /> }
                        })}
                    {(can_protect || p.includes_protected)
                        .then(|| {
                            let words = if p.includes_protected {
                                "Leave protected people out".to_owned()
                            } else {
                                format!("Add {}", counted(protected_left as u64, "protected session", "protected sessions"))
                            };
                            view! { <Include p=p.clone() own=p.includes_own protected=!p.includes_protected words=words /> }
                        })}
                </div>
            }
        });
        view! {
            <Panel title="Left out" id="left-out" padded=false aside=move || aside.clone()>
                {(number > 0)
                    .then(|| {
                        view! {
                            <TableCard caption="Sessions that are left out, and why" class="stacks" inside=true>
                                <thead>
                                    <tr>
                                        <th scope="col">"Person"</th>
                                        <th scope="col">"System"</th>
                                        <th scope="col">"Why"</th>
                                        <th scope="col">"What would help"</th>
                                    </tr>
                                </thead>
                                <tbody>{rows}</tbody>
                            </TableCard>
                        }
                    })}
                {(shown < number).then(|| view! { <p class="panel-note quiet">{format!("The first {} are shown.", thousands(shown))}</p> })}
                {acts}
            </Panel>
        }
    })
}

/// Takes own or protected sessions in or out: a step of its own, and the set is frozen anew.
#[component]
fn Include(p: Preview, own: bool, protected: bool, words: String) -> impl IntoView {
    let flag = |on: bool| if on { "1" } else { "0" };
    view! {
        <form method="post" action=paths::post::include(&p.ending_id)>
            <input type="hidden" name="own" value=flag(own) />
            <input type="hidden" name="protected" value=flag(protected) />
            <button class="btn btn-small">{words}</button>
        </form>
    }
    .into_any()
}
