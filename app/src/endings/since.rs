//! What gone sessions may go on as, offered to be previewed: nothing says for sure that it is the same browser.

use leptos::prelude::*;

use super::wire::SignedInSince as Since;
use crate::paths;
use crate::ui::{Button, Panel, Person, TableCard, When};

/// The offer; sessions of the same account are chosen, those from a guest's address are not.
#[component]
pub fn SignedInSince(
    since: Vec<Since>,
    /// The caller may end sessions somewhere.
    may_end: bool,
) -> impl IntoView {
    let rows = since
        .into_iter()
        .map(|session| {
            let why = match session.after_guest {
                true => "A guest was gone here, from this address",
                false => "The same account was gone here",
            };
            let id = session.session_key.0;
            let label = format!("{}, {}", session.person, session.system_name);
            view! {
                <tr>
                    {may_end
                        .then(|| {
                            view! {
                                <td class="col-box">
                                    <input type="checkbox" name="key" value=id checked=!session.after_guest aria-label=label />
                                </td>
                            }
                        })}
                    <th scope="row">
                        <Person name=session.person login=session.account_name />
                    </th>
                    <td>
                        <bdi>{session.system_name}</bdi>
                        " "
                        <span class="second">
                            <bdi>{session.place}</bdi>
                        </span>
                    </td>
                    <td>{session.ip.map(|ip| view! { <code>{ip}</code> })}</td>
                    <td>
                        <When at=session.created_at />
                    </td>
                    <td class="words">{why}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <Panel title="Signed in since" id="signed-in-since" padded=false>
            <form method="post" action=paths::post::PREVIEW_KEYS>
                <p class="panel-note">
                    "These began where sessions of this ending had gone by themselves. It may be the same browser under a new sign-in, so none of them was ended."
                </p>
                <TableCard caption="Sessions that gone ones may go on as" class="stacks" inside=true>
                    <thead>
                        <tr>
                            {may_end
                                .then(|| {
                                    view! {
                                        <th scope="col" class="col-box">
                                            <span class="unseen">"Choose"</span>
                                        </th>
                                    }
                                })} <th scope="col">"Person"</th> <th scope="col">"System"</th>
                            <th scope="col">"Address"</th> <th scope="col">"Started"</th> <th scope="col">"Why it is shown"</th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </TableCard>
                {may_end
                    .then(|| {
                        view! {
                            <div class="pager">
                                <Button small=true>"Preview ending the chosen…"</Button>
                            </div>
                        }
                    })}
            </form>
        </Panel>
    }
    .into_any()
}
