//! The audit log: whether its chain is whole, filters, entries, files.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::entries::Entries;
use super::filters::Filters;
use super::wire::{AuditPage as Page, AuditQuery, ChainStatus, CopyStatus};
use crate::layout::{FrameContext, PageHead, loaded};
use crate::paths;
use crate::ui::{Button, Clock, Cut, Empty, Glyph, Icon, LinkButton, Note, Tone, When, thousands};

/// The audit page.
#[component]
pub fn AuditPage() -> impl IntoView {
    let asked = use_location().search.get_untracked();
    let offset = Clock::here().offset_min();
    let (query, problems) = AuditQuery::from_pairs(&paths::parse_query(&asked), offset);
    loaded(
        move |b| async move {
            if problems.is_empty() {
                let page = b.audit.audit_page(query).await?;
                return Ok((page, problems));
            }
            // A part that is not understood lists nothing, never more than was meant.
            let nothing = AuditQuery {
                before_seq: Some(0),
                ..query.clone()
            };
            let page = Page {
                entries: Vec::new(),
                next: None,
                query,
                ..b.audit.audit_page(nothing).await?
            };
            Ok((page, problems))
        },
        |(page, problems)| view! { <Audit page=page problems=problems /> }.into_any(),
    )
}

/// The page with its data.
#[component]
fn Audit(
    /// Its data.
    page: Page,
    /// Parts of the address that were not understood.
    problems: Vec<crate::error::FieldProblem>,
) -> impl IntoView {
    let clock = Clock::here();
    clock.set(page.now);
    let offset = clock.offset_min();
    let whole = AuditQuery {
        before_seq: None,
        ..page.query.clone()
    };
    let (jsonl, csv) = (
        whole.href(paths::AUDIT_JSONL, offset),
        whole.href(paths::AUDIT_CSV, offset),
    );
    let may_export = page.may_export;
    let tools = move || {
        view! {
            {if may_export {
                view! {
                    <LinkButton href=jsonl.clone() icon=Icon::Export outside=true small=true>
                        "JSON lines"
                    </LinkButton>
                    <LinkButton href=csv.clone() icon=Icon::Export outside=true small=true>
                        "CSV"
                    </LinkButton>
                }
                    .into_any()
            } else {
                view! { <span class="why">"To take the log out as a file you need “Export data”."</span> }.into_any()
            }}
            <form method="post" action=paths::post::CHECK_CHAIN>
                <Button icon=Icon::Again small=true>
                    "Check the chain again"
                </Button>
            </form>
        }
    };
    let filtered = page.query.filters() > 0;
    let understood = problems.is_empty();
    let (house, name) = FrameContext::here().read(|f| (f.instance.clone(), f.display_name.clone()));
    let printed = format!(
        "Curfew · {house} · audit log · printed {} by {name}",
        clock.full(page.now)
    );
    view! {
        <p class="print-only print-head">{printed}</p>
        <PageHead title="Audit" tools=tools />
        <div class="stack">
            {match page.chain.clone() {
                Some(chain) => view! { <Chain chain=chain /> }.into_any(),
                None => {
                    view! { <Note>"The chain was not checked since Curfew started. It is checked once a day."</Note> }
                        .into_any()
                }
            }}
            {page.copy.clone().map(|copy| view! { <CopyLine copy=copy /> })}
            <Filters page=page.clone() problems=problems />
            {match (page.entries.is_empty(), understood, filtered) {
                (_, false, _) => ().into_any(),
                (true, _, true) => {
                    view! {
                        <div class="card">
                            <Empty icon=Icon::Search fact="No entry matches">
                                <p>{format!("None of {} entries fits these filters.", thousands(page.total.unsigned_abs()))}</p>
                                <LinkButton href=paths::AUDIT>"Clear the filters"</LinkButton>
                            </Empty>
                        </div>
                    }
                        .into_any()
                }
                (true, ..) => {
                    view! {
                        <div class="card">
                            <Empty icon=Icon::Quiet fact="No entries">
                                <p>"Nothing that is part of your grant was written down yet."</p>
                            </Empty>
                        </div>
                    }
                        .into_any()
                }
                _ => view! { <Entries page=page /> }.into_any(),
            }}
        </div>
    }
    .into_any()
}

/// Whether nothing was changed or taken out.
#[component]
fn Chain(
    /// As last checked.
    chain: ChainStatus,
) -> impl IntoView {
    if let Some((seq, wrong)) = chain.broken.clone() {
        let seq = thousands(seq.unsigned_abs());
        return view! {
            <div role="alert">
                <Note tone=Some(Tone::Danger) fact=format!("Chain broken at entry {seq}.")>
                    {format!("{wrong} Do not restart; keep the database and call the person in charge of security. Checked at ")}
                    <When at=chain.checked_at />
                    "."
                </Note>
            </div>
        }
        .into_any();
    }
    view! {
        <section class="card chain" aria-label="Chain of entries">
            <div>
                <p class="mark mark-ok chain-word">
                    <Glyph icon=Icon::Ended />
                    <span>"Chain whole"</span>
                </p>
                <p class="soft">
                    {format!("{} entries checked at ", thousands(chain.checked.unsigned_abs()))}
                    <When at=chain.checked_at />
                    ", no gap, no change"
                </p>
            </div>
            <dl class="chain-facts">
                <div>
                    <dt class="second">"Newest entry"</dt>
                    <dd>{thousands(chain.seq.unsigned_abs())}</dd>
                </div>
                <div>
                    <dt class="second">"Newest hash"</dt>
                    <dd class="mono">
                        <Cut text=chain.head_hash />
                    </dd>
                </div>
            </dl>
        </section>
    }
    .into_any()
}

/// Where the log is copied to, and how far.
#[component]
fn CopyLine(
    /// As it stands.
    copy: CopyStatus,
) -> impl IntoView {
    let tone = match (copy.stalled, &copy.trouble) {
        (true, _) => Some(Tone::Danger),
        (false, Some(_)) => Some(Tone::Warn),
        (false, None) => None,
    };
    let waiting = match copy.behind {
        0 => "nothing waits.".to_owned(),
        1 => "1 entry waits.".to_owned(),
        n => format!("{} entries wait.", thousands(n.unsigned_abs())),
    };
    view! {
        <Note tone=tone>
            {format!("Copied to {}: ", copy.target)}
            {match copy.copied_at {
                Some(at) => view! { "last at " <When at=at /> ", " }.into_any(),
                None => "nothing yet, ".into_any(),
            }}
            {waiting} {copy.trouble.map(|trouble| format!(" {trouble}"))}
        </Note>
    }
    .into_any()
}
