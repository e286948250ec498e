//! The plain forms: every act works without script. Read the fields, ask the port, lead on.
//!
//! 303 to the page with one sentence when it was done; when it was not, the page again with what had been typed and the
//! status of the error. Signed out or too long since the password: the form is carried along (`doors`).

use std::sync::Arc;

use app::access::form::{AccessAct, Tab};
use app::access::wire::{FreshToken, OneTimeLink, ScopeEffect};
use app::backend::Backend;
use app::endings::wire::{Again, Begin, Confirm, Confirmed, Decision, NOTICE};
use app::error::{AppError, FieldProblem};
use app::layout::{Flash, FormEcho};
use app::paths::{self, post};
use app::policies::form::AdviceAct;
use app::sessions::form::{
    Act, BACK, ColumnsForm, LIST, QUERY, RAW_ID, ROW, SEL, SelectionForm, list_address,
};
use app::sessions::views::form::ViewAct;
use app::signin::form::{AccountAct, FactorAct};
use app::signin::wire::RecoveryCodes;
use app::tickets::wire::TicketQuery;
use app::wire::{Done, EndingId, SelectionId, SessionKey, SystemId};
use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use tower_sessions::Session;

use super::authenticate::Visit;
use super::doors::{self, Pairs, own_path, value};
use super::{Http, people, plain, ui};
use crate::signin::tokens;

/// Every plain form behind a caller, as routes.
pub const ROUTES: [&str; 24] = [
    post::SELECTION,
    post::FIND,
    post::PASTE,
    post::COLUMNS,
    post::VIEWS,
    post::PREVIEW_KEYS,
    "/endings/preview/{id}/confirm",
    "/endings/preview/{id}/include",
    "/endings/preview/{id}/decide",
    "/endings/{no}/stop",
    "/endings/{no}/retry",
    "/endings/{no}/end-returned",
    "/endings/{no}/resume",
    "/endings/{no}/review",
    post::PAUSE_ALL,
    post::RESUME_ALL,
    post::SYSTEM,
    post::POLICY,
    post::ADVICE,
    post::ACCESS,
    post::CHECK_CHAIN,
    post::TICKETS,
    post::PEOPLE,
    post::SECOND_FACTOR,
];

/// One's own account stands apart: it may give a new cookie.
pub const ACCOUNT: &str = post::ACCOUNT;

/// Which form a path is.
enum Form<'a> {
    Selection,
    Find,
    Paste,
    Columns,
    Views,
    PreviewKeys,
    Confirm(&'a str),
    Include(&'a str),
    Decide(&'a str),
    Stop(i64),
    EndAgain(i64, Again),
    Resume(i64),
    Review(i64),
    PauseAll,
    ResumeAll,
    System,
    Policy,
    Advice,
    Access,
    CheckChain,
    Tickets,
    People,
    Account,
    SecondFactor,
}

impl<'a> Form<'a> {
    fn of(path: &'a str) -> Option<Self> {
        Some(match path {
            post::SELECTION => Form::Selection,
            post::FIND => Form::Find,
            post::PASTE => Form::Paste,
            post::COLUMNS => Form::Columns,
            post::VIEWS => Form::Views,
            post::PREVIEW_KEYS => Form::PreviewKeys,
            post::PAUSE_ALL => Form::PauseAll,
            post::RESUME_ALL => Form::ResumeAll,
            post::SYSTEM => Form::System,
            post::POLICY => Form::Policy,
            post::ADVICE => Form::Advice,
            post::ACCESS => Form::Access,
            post::CHECK_CHAIN => Form::CheckChain,
            post::TICKETS => Form::Tickets,
            post::PEOPLE => Form::People,
            post::ACCOUNT => Form::Account,
            post::SECOND_FACTOR => Form::SecondFactor,
            _ => {
                let rest = path.strip_prefix(paths::ENDINGS)?.strip_prefix('/')?;
                let parts: Vec<&str> = rest.split('/').collect();
                match parts.as_slice() {
                    ["preview", id, "confirm"] => Form::Confirm(id),
                    ["preview", id, "include"] => Form::Include(id),
                    ["preview", id, "decide"] => Form::Decide(id),
                    [no, "stop"] => Form::Stop(no.parse().ok()?),
                    [no, "retry"] => Form::EndAgain(no.parse().ok()?, Again::CouldNot),
                    [no, "end-returned"] => Form::EndAgain(no.parse().ok()?, Again::Returned),
                    [no, "resume"] => Form::Resume(no.parse().ok()?),
                    [no, "review"] => Form::Review(no.parse().ok()?),
                    _ => return None,
                }
            }
        })
    }
}

/// Whether a path is one of our plain forms.
pub fn is_form(path: &str) -> bool {
    Form::of(path).is_some()
}

/// The page a form stands on: where its result is shown.
pub fn page_of(path: &str, pairs: &Pairs) -> String {
    if let Some(next) = own_path(value(pairs, "next")) {
        return next;
    }
    match Form::of(path) {
        Some(Form::Selection) => {
            let selection = Some(SelectionId::from(value(pairs, SEL))).filter(|s| !s.0.is_empty());
            list_address(value(pairs, QUERY), selection.as_ref())
        }
        Some(Form::Views) => paths::VIEWS.to_owned(),
        Some(Form::Find | Form::Paste | Form::Columns | Form::PreviewKeys) => {
            paths::sessions(value(pairs, BACK))
        }
        Some(Form::Confirm(id) | Form::Include(id) | Form::Decide(id)) => paths::preview(&EndingId::from(id)),
        Some(Form::Stop(no) | Form::EndAgain(no, _) | Form::Resume(no) | Form::Review(no)) => {
            paths::ending(no)
        }
        Some(Form::PauseAll | Form::ResumeAll) => paths::ENDINGS.to_owned(),
        Some(Form::System) => paths::SYSTEMS.to_owned(),
        Some(Form::Policy | Form::Advice) => paths::POLICIES.to_owned(),
        Some(Form::Access) => Tab::of_act(value(pairs, "act")).href(),
        Some(Form::CheckChain) => paths::AUDIT.to_owned(),
        Some(Form::Tickets) => paths::TICKETS.to_owned(),
        Some(Form::People) => people::page_of(pairs),
        Some(Form::Account) => paths::ACCOUNT.to_owned(),
        Some(Form::SecondFactor) => match value(pairs, "act") {
            "codes" | "remove" => paths::ACCOUNT.to_owned(),
            _ => paths::second_factor_for(&own_path(value(pairs, "then")).unwrap_or_default()),
        },
        None => paths::HOME.to_owned(),
    }
}

/// The fields that may be shown or carried again: no passwords, no codes, no whole session ids.
pub fn without_secrets(path: &str, pairs: &Pairs) -> Pairs {
    match Form::of(path) {
        None | Some(Form::Find) => Vec::new(),
        Some(_) => pairs
            .iter()
            .filter(|(name, _)| !["current", "new", "again", "password", "code"].contains(&name.as_str()))
            .cloned()
            .collect(),
    }
}

/// What a form led to.
enum Led {
    /// To an address, perhaps with a sentence for it.
    To(String, Done),
    /// To the page it stands on, which shows a link once.
    Link(OneTimeLink),
    /// To the page it stands on, which shows a token's secret once.
    Token(FreshToken),
    /// To the page it stands on, with what was typed and what it would mean.
    Effect(ScopeEffect),
    /// To the page of the second factor, which shows recovery codes once.
    Codes(RecoveryCodes),
}

impl Led {
    fn to(address: String) -> Self {
        Led::To(address, Done::default())
    }
}

fn unknown_act() -> AppError {
    AppError::invalid("act", "This button is not known here. Load the page again.")
}

fn all<'a>(pairs: &'a Pairs, name: &'a str) -> impl Iterator<Item = &'a str> {
    pairs
        .iter()
        .filter(move |(n, v)| n == name && !v.is_empty())
        .map(|(_, v)| v.as_str())
}

async fn access(backend: &Backend, pairs: &Pairs) -> Result<Led, AppError> {
    let port = &backend.access;
    let act = AccessAct::read(pairs, 0)?;
    let page = act.tab().href();
    let done = match act {
        AccessAct::CreateOperator(new) => return port.create_operator(new).await.map(Led::Link),
        AccessAct::Reset(operator) => return port.reset_operator(operator).await.map(Led::Link),
        AccessAct::Disable(operator) => port.disable_operator(operator).await?,
        AccessAct::Enable(operator) => port.enable_operator(operator).await?,
        AccessAct::Weigh(grant) => return port.grant_effect(grant).await.map(Led::Effect),
        AccessAct::Unlock(operator) => port.unlock_operator(operator).await?,
        AccessAct::ResetFactor(operator) => port.reset_factor(operator).await?,
        AccessAct::Give(grant) => port.give_grant(grant).await?,
        AccessAct::Revoke(grant) => port.revoke_grant(grant).await?,
        AccessAct::SaveRole(edit) => port.save_role(edit).await?,
        AccessAct::AskFactor(role, needed) => port.ask_second_factor(role, needed).await?,
        AccessAct::DeleteRole(role) => port.delete_role(role).await?,
        AccessAct::ImportGroup(import) => port.import_group(import).await?,
        AccessAct::DeleteGroup(group) => port.delete_group(group).await?,
        AccessAct::Protect(new) => port.protect(new).await?,
        AccessAct::Unprotect(protected) => port.unprotect(protected).await?,
        AccessAct::MakeToken(new) => return port.make_token(new).await.map(Led::Token),
        AccessAct::RevokeToken(token, reason) => port.revoke_token(token, reason).await?,
    };
    Ok(Led::To(page, done))
}

async fn system(backend: &Backend, pairs: &Pairs, page: String) -> Result<Led, AppError> {
    let port = &backend.systems;
    let id = SystemId::from(value(pairs, "system"));
    let address = if page == paths::SYSTEMS {
        paths::system(&id)
    } else {
        page
    };
    let done = match value(pairs, "act") {
        "read" => port.read_now(id).await?,
        "pause" => port.pause_system(id).await?,
        "resume" => port.resume_system(id).await?,
        "test" => {
            port.self_test(id).await?;
            Done::default()
        }
        _ => return Err(unknown_act()),
    };
    Ok(Led::To(address, done))
}

async fn tickets(backend: &Backend, pairs: &Pairs, page: String) -> Result<Led, AppError> {
    let port = &backend.tickets;
    if value(pairs, "act") == app::tickets::query::CHECK {
        let ways = port.readiness_now().await?.from;
        let reached = ways.iter().filter(|way| way.from.is_some()).count();
        let all = app::ui::counted(ways.len() as u64, "address", "addresses");
        let message = format!("Tried {all}: {reached} reached.");
        return Ok(Led::To(page, Done { message }));
    }
    let asked = app::tickets::query::read_test(pairs)?;
    match value(pairs, "act") {
        app::tickets::query::TEST => {
            let test = port.test_ticket(asked).await?;
            let found = TicketQuery {
                reference: test.reference,
                ..TicketQuery::default()
            };
            let message = format!(
                "Asked. {} ({} ms).",
                test.words.trim_end_matches('.'),
                test.duration_ms
            );
            Ok(Led::To(found.href(), Done { message }))
        }
        app::tickets::query::LOOK => {
            let message = port.look_at_login_view(asked).await?.words();
            Ok(Led::To(page, Done { message }))
        }
        _ => Err(unknown_act()),
    }
}

/// Asks the port that a form is for.
async fn act(form: Form<'_>, backend: &Backend, pairs: &Pairs, page: String) -> Result<Led, AppError> {
    let get = |name: &str| value(pairs, name).to_owned();
    Ok(match form {
        Form::Selection => {
            let form = SelectionForm::from_pairs(pairs);
            selection(backend, form).await?
        }
        Form::Find => {
            let found = backend.sessions.find_by_session_id(get(RAW_ID)).await?;
            match found {
                Some(key) => Led::to(paths::sessions(&paths::query_string(&[("key", key.as_str())]))),
                None => {
                    return Err(AppError::invalid(
                        RAW_ID,
                        "No session with this id is known here. It may have ended, or not be part of your grant.",
                    ));
                }
            }
        }
        Form::Paste => {
            let query = backend.sessions.paste(get(LIST), get(BACK)).await?;
            Led::to(paths::sessions(&query))
        }
        Form::Columns => {
            let form = ColumnsForm::from_pairs(pairs);
            let target = form.target();
            backend.sessions.save_columns(form.columns).await?;
            Led::to(target)
        }
        Form::Views => views(backend, pairs, page).await?,
        Form::PreviewKeys => {
            let keys = all(pairs, ROW)
                .chain(all(pairs, "key"))
                .map(SessionKey::from)
                .collect();
            let ending = backend.endings.draft_ending_of(keys).await?;
            Led::to(paths::preview(&ending))
        }
        Form::Confirm(id) => {
            let confirm = Confirm {
                reason: get("reason"),
                ticket_ref: get("ticket_ref"),
                typed_number: get("typed_number"),
                begin: Begin::read(pairs, 0)?,
                notice: get(NOTICE),
            };
            let confirmed = backend
                .endings
                .confirm_ending(EndingId::from(id), confirm)
                .await?;
            match confirmed {
                Confirmed::Started(number) => Led::to(paths::ending(number)),
                Confirmed::AwaitingApproval { .. } => Led::to(page),
            }
        }
        Form::Decide(id) => {
            let (decision, words) = match value(pairs, "act") {
                "approve" => (Decision::Approve { note: get("note") }, ""),
                "turn-down" => (
                    Decision::TurnDown { note: get("note") },
                    "Turned down. Nothing was asked.",
                ),
                "withdraw" => (Decision::Withdraw, "Taken back. Nothing was asked."),
                "alone" => (Decision::GoOnAlone { why: get("why") }, ""),
                _ => return Err(unknown_act()),
            };
            match backend
                .endings
                .decide_approval(EndingId::from(id), decision)
                .await?
            {
                Some(number) => Led::to(paths::ending(number)),
                None => {
                    let message = words.to_owned();
                    Led::To(page, Done { message })
                }
            }
        }
        Form::Include(id) => {
            let on = |name: &str| all(pairs, name).any(|v| v != "0" && v != "no" && v != "false");
            let ending = backend
                .endings
                .include_in_preview(EndingId::from(id), on("own"), on("protected"))
                .await?;
            Led::to(paths::preview(&ending))
        }
        Form::Stop(no) => Led::To(page, backend.endings.stop_ending(no).await?),
        Form::EndAgain(no, what) => Led::to(paths::preview(&backend.endings.end_again(no, what).await?)),
        Form::Resume(no) => Led::To(page, backend.endings.resume_ending(no).await?),
        Form::Review(no) => Led::To(page, backend.endings.review_ending(no, get("note")).await?),
        Form::PauseAll => Led::To(page, backend.endings.pause_all_endings(get("reason")).await?),
        Form::ResumeAll => Led::To(page, backend.endings.resume_all_endings(get("reason")).await?),
        Form::System => system(backend, pairs, page).await?,
        Form::Policy => {
            let edit = app::policies::form::read_edit(pairs)?;
            Led::To(page, backend.policies.save_policy(edit).await?)
        }
        Form::Advice => match AdviceAct::read(pairs, 0)? {
            AdviceAct::Accept(system, accept) => {
                Led::To(page, backend.policies.accept_advice(system, accept).await?)
            }
            AdviceAct::Reopen(system, advice) => {
                Led::To(page, backend.policies.reopen_advice(system, advice).await?)
            }
        },
        Form::Access => access(backend, pairs).await?,
        Form::CheckChain => {
            let status = backend.audit.check_chain().await?;
            let message = match status.broken {
                None => format!("The chain is whole: {} entries checked.", status.checked),
                Some((seq, what)) => format!("The chain is broken at entry {seq}: {what}"),
            };
            Led::To(page, Done { message })
        }
        Form::Tickets => tickets(backend, pairs, page).await?,
        Form::People => {
            let (address, done) = people::act(backend, pairs, page).await?;
            Led::To(address, done)
        }
        Form::Account => account(backend, pairs, page).await?,
        Form::SecondFactor => second_factor(backend, pairs, page).await?,
    })
}

async fn selection(backend: &Backend, form: SelectionForm) -> Result<Led, AppError> {
    if form.act == Act::Clear {
        if let Some(id) = form.edit.selection_id.clone() {
            backend.sessions.clear_selection(id).await?;
        }
        return Ok(Led::to(form.target(None)));
    }
    let summary = backend.sessions.edit_selection(form.edit.clone()).await?;
    if form.act == Act::Preview {
        let ending = backend.endings.draft_ending(summary.selection_id).await?;
        return Ok(Led::to(paths::preview(&ending)));
    }
    Ok(Led::to(form.target(Some(&summary.selection_id))))
}

async fn views(backend: &Backend, pairs: &Pairs, page: String) -> Result<Led, AppError> {
    let port = &backend.views;
    let done = match ViewAct::read(pairs)? {
        ViewAct::Save { edit, query, start } => port.save_view(edit, query, start).await?,
        ViewAct::Edit(view, edit) => port.edit_view(view, edit).await?,
        ViewAct::Delete(view) => port.delete_view(view).await?,
        ViewAct::Start(view) => port.start_with(view).await?,
    };
    Ok(Led::To(page, done))
}

async fn account(backend: &Backend, pairs: &Pairs, page: String) -> Result<Led, AppError> {
    let port = &backend.signin;
    let done = match AccountAct::read(pairs)? {
        AccountAct::End(session) => port.end_my_session(session).await?,
        AccountAct::EndOthers => port.end_my_other_sessions().await?,
        AccountAct::Theme(theme) => port.save_theme(theme).await?,
        AccountAct::Times(times) => port.save_times(times).await?,
        AccountAct::Density(density) => port.save_density(density).await?,
        AccountAct::SingleKeys(on) => port.save_single_keys(on).await?,
        AccountAct::ShareScreen(on) => port.share_screen(on).await?,
        AccountAct::Known(notice) => port.dismiss_notice(notice).await?,
        AccountAct::Password(change) => port.change_password(change).await?,
        AccountAct::Extend => {
            port.extend().await?;
            Done::default()
        }
    };
    Ok(Led::To(page, done))
}

async fn second_factor(backend: &Backend, pairs: &Pairs, page: String) -> Result<Led, AppError> {
    let port = &backend.signin;
    Ok(match FactorAct::read(pairs)? {
        FactorAct::Begin => Led::To(page, port.begin_factor().await?),
        FactorAct::Confirm(code) => Led::Codes(port.confirm_factor(code).await?),
        FactorAct::Codes => Led::Codes(port.new_recovery_codes().await?),
        FactorAct::Remove => Led::To(page, port.remove_factor().await?),
    })
}

/// Whether a form, once taken, gives its browser a new cookie: what proves the person has changed.
fn renews(form: &Form<'_>, pairs: &Pairs) -> bool {
    match form {
        Form::Account => value(pairs, "act") == "password",
        Form::SecondFactor => value(pairs, "act") == "confirm",
        _ => false,
    }
}

/// `POST` of any plain form.
pub async fn take(
    State(http): State<Arc<Http>>,
    Extension(visit): Extension<Visit>,
    session: Session,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    let pairs = doors::pairs_of(request).await;
    let page = page_of(&path, &pairs);
    let Some(form) = Form::of(&path) else {
        return plain::page(&AppError::not_found("form"));
    };
    let renews = renews(&form, &pairs);
    let led = async {
        let caller = visit.caller()?;
        let backend = (http.backend)(caller);
        let led = act(form, &backend, &pairs, page.clone()).await?;
        let own = caller.session.as_ref();
        if let Some(own) = own.filter(|_| renews) {
            tokens::attach(&session, own).await?;
        }
        if let (Led::To(_, done), Some(own)) = (&led, own)
            && !done.message.is_empty()
        {
            let flash = Flash {
                message: done.message.clone(),
                failed: false,
            };
            http.signin.keep_flash(own, &flash).await?;
        }
        Ok::<_, crate::error::Error>(led)
    }
    .await;
    match led {
        Ok(Led::To(address, _)) => plain::see_other(&address),
        // Shown in this answer alone: it is kept nowhere.
        Ok(Led::Link(link)) => {
            let visit = Visit {
                fresh_link: Some(link),
                ..visit
            };
            ui::page(&http, visit, &page, None).await
        }
        Ok(Led::Token(token)) => {
            let visit = Visit {
                fresh_token: Some(token),
                ..visit
            };
            ui::page(&http, visit, &page, None).await
        }
        Ok(Led::Effect(effect)) => {
            let visit = Visit {
                echo: Some(FormEcho {
                    pairs: without_secrets(&path, &pairs),
                    path,
                    problems: Vec::new(),
                }),
                scope_effect: Some(effect),
                ..visit
            };
            ui::page(&http, visit, &page, None).await
        }
        Ok(Led::Codes(codes)) => {
            let visit = Visit {
                fresh_codes: Some(codes),
                ..visit
            };
            let then = own_path(value(&pairs, "then")).unwrap_or_default();
            ui::page(&http, visit, &paths::second_factor_for(&then), None).await
        }
        Err(error) => again(&http, visit, &path, &pairs, &page, error.into()).await,
    }
}

/// The page again, with what had been typed and what is wrong with it.
async fn again(
    http: &Arc<Http>,
    visit: Visit,
    path: &str,
    pairs: &Pairs,
    page: &str,
    error: AppError,
) -> Response {
    match error {
        AppError::StepUp => return doors::step_up_first(http, visit, path, pairs).await,
        AppError::SignedOut => return plain::see_other(&doors::sign_in_after_end(page)),
        AppError::FactorFirst => return plain::see_other(&paths::second_factor_for(page)),
        _ => {}
    }
    visit.note(error.status());
    let status = plain::status(&error);
    let (problems, flash) = match &error {
        AppError::Invalid { problems } => (problems.clone(), None),
        other => {
            let whole = FieldProblem {
                field: String::new(),
                message: other.sentence(),
            };
            let flash = Flash {
                message: other.sentence(),
                failed: true,
            };
            (vec![whole], Some(flash))
        }
    };
    let asked = visit.clone();
    let visit = Visit {
        echo: Some(FormEcho {
            path: path.to_owned(),
            pairs: without_secrets(path, pairs),
            problems,
        }),
        flash,
        ..visit
    };
    let mut response = ui::page(http, visit, page, Some(status)).await;
    // Drawing the page noted its own answer.
    asked.note(error.status());
    plain::retry_after(&error, &mut response);
    response
}

/// `GET` of a form's path: somebody loaded the answer again. The page it stands on.
pub async fn look(request: Request) -> Response {
    plain::see_other(&page_of(request.uri().path(), &Vec::new()))
}
