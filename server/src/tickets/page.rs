//! The Tickets page: apps, numbers, requests, holds, and the test.
//!
//! Requests and holds are narrowed by the one condition of `caller::scope`; numbers of a system are for who sees all of
//! it. Requests whose token named no app are about no system: only who may see everything sees them.

use std::collections::{BTreeMap, HashMap};

use app::access::wire::Permission;
use app::error::AppError;
use app::tickets::port::TicketsPort;
use app::tickets::wire::{
    LoginViewLook, Readiness, TicketApp, TicketCount, TicketGrant, TicketHold, TicketNode, TicketOutcome,
    TicketQuery, TicketRow, TicketSlot, TicketTest, TicketTestAsked, TicketWay, TicketsPage,
};
use app::wire::{EndingId, SystemId, Timestamp};
use async_trait::async_trait;

use super::store::{self, Issue, SLOT_MS, Tally, Wanted};
use super::{Tickets, store_marks};
use crate::audit::{Action, Entry};
use crate::caller::scope::Rows;
use crate::caller::{Caller, For};
use crate::connectors::TicketFor;
use crate::db::Conn;
use crate::domain::grant::{About, VisibleScope};
use crate::error::Error;

/// Requests, and holds, on a page.
const PER_PAGE: usize = 50;
/// Slots of a day, and of an hour.
const DAY_SLOTS: i64 = 144;
const HOUR_SLOTS: i64 = 6;

/// When the newest slot begins in which an address was asked, ms UTC, by system and address.
type Asked = HashMap<(String, String), i64>;

impl Tickets {
    async fn page(&self, caller: &Caller, query: TicketQuery) -> Result<TicketsPage, Error> {
        let now = self.now();
        caller.authorize_somewhere(Permission::UseTickets, now)?;
        let scope = caller.visible(Permission::UseTickets, now);
        // What this replica was asked just now is found by its reference at once.
        self.store_now().await?;
        let mut conn = self.parts.db.read().await?;
        let names = self.parts.systems.names(&mut conn).await?;
        let (rows, next) = self.rows(&mut conn, caller, &scope, &query, &names, now).await?;
        let (counts, slots, asked) = numbers(&mut conn, &scope, now).await?;
        let apps = self.apps();
        let holds = self.holds_shown(&mut conn, caller, &scope, now).await?;
        Ok(TicketsPage {
            now,
            broker_url: apps.broker_url.clone(),
            apps: self.apps_shown(caller, &scope, &names, now),
            nodes: self.nodes_shown(&scope, &asked, now),
            counts,
            slots,
            rows,
            next,
            holds,
        })
    }

    fn apps_shown(
        &self,
        caller: &Caller,
        scope: &VisibleScope,
        names: &BTreeMap<SystemId, String>,
        now: Timestamp,
    ) -> Vec<TicketApp> {
        let apps = self.apps();
        apps.all()
            .filter(|app| scope.touches_system(&app.system))
            .map(|app| TicketApp {
                app: app.settings.id.clone(),
                system_id: app.system.clone(),
                system_name: name_of(names, &app.system),
                sites: app.settings.sites.clone(),
                grant: app.settings.grant,
                per_minute: app.settings.per_minute,
                browser: app.settings.browser.is_some(),
                trouble: app.trouble.clone().or_else(|| self.trouble_of(app)),
                may_test: caller
                    .authorize(Permission::UseTickets, About::System(&app.system), now)
                    .is_ok(),
            })
            .collect()
    }

    /// What the app's Tableau can't give it, in one sentence.
    fn trouble_of(&self, app: &super::apps::App) -> Option<String> {
        let Some(connected) = self.parts.systems.connected(&app.system) else {
            return Some("Its Tableau\u{2019}s settings can\u{2019}t be used.".to_owned());
        };
        let Some(tickets) = connected.guard.tickets() else {
            return Some("Its Tableau\u{2019}s settings have neither trusted nor connected_app.".to_owned());
        };
        let sites = &app.settings.sites;
        sites
            .iter()
            .find_map(|site| tickets.missing(app.settings.grant, site))
    }

    fn nodes_shown(&self, scope: &VisibleScope, asked: &Asked, now: Timestamp) -> Vec<TicketNode> {
        let mut nodes = Vec::new();
        for connected in self.parts.systems.all() {
            let Some(tickets) = connected.guard.tickets() else {
                continue;
            };
            if scope.touches_system(&connected.system_id) {
                nodes.extend(tickets.nodes(now).into_iter().map(|health| {
                    TicketNode {
                        counted: scope.covers_system(&connected.system_id),
                        asked_at: asked
                            .get(&(connected.system_id.0.clone(), health.node.clone()))
                            .map(|at| Timestamp(*at)),
                        system_id: connected.system_id.clone(),
                        node: health.node,
                        last_until: health.last_until,
                        trouble: health.trouble,
                    }
                }));
            }
        }
        nodes
    }

    async fn rows(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        scope: &VisibleScope,
        query: &TicketQuery,
        names: &BTreeMap<SystemId, String>,
        now: Timestamp,
    ) -> Result<(Vec<TicketRow>, Option<String>), Error> {
        if !query.outcome.is_empty()
            && query.outcome != "not_issued"
            && TicketOutcome::from_name(&query.outcome).is_none()
        {
            return Err(AppError::invalid("outcome", "This outcome is not known.").into());
        }
        let reference = stored_reference(&query.reference);
        let wanted = Wanted {
            reference: &reference,
            app: &query.app,
            system: &query.system,
            node: &query.node,
            outcome: &query.outcome,
            user: query.user.trim(),
            before: query.cursor.as_deref(),
        };
        let mut issues = store::page(conn, scope, &wanted, PER_PAGE as u64 + 1).await?;
        let more = issues.len() > PER_PAGE;
        issues.truncate(PER_PAGE);
        let next = issues.last().filter(|_| more).map(|issue| issue.issue_id.clone());
        let network = caller
            .visible(Permission::SeeNetworkData, now)
            .among(
                conn,
                Rows::Tickets,
                "issue_id",
                issues.iter().map(|issue| issue.issue_id.clone()),
                sea_query::Cond::all(),
            )
            .await?;
        let rows = issues
            .into_iter()
            .map(|issue| {
                let network = network.contains(&issue.issue_id);
                shown(issue, names, network)
            })
            .collect();
        Ok((rows, next))
    }

    async fn holds_shown(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        scope: &VisibleScope,
        now: Timestamp,
    ) -> Result<Vec<TicketHold>, Error> {
        let holds = store_marks::holds(conn, scope, now, PER_PAGE as u64).await?;
        // Their ending is for who may see endings there.
        let numbers: HashMap<String, i64> = if caller.visible(Permission::SeeSessions, now).is_empty() {
            HashMap::new()
        } else {
            let endings: Vec<EndingId> = holds.iter().map(|h| EndingId(h.ending_id.clone())).collect();
            store_marks::ending_numbers(conn, &endings).await?
        };
        Ok(holds
            .into_iter()
            .map(|hold| TicketHold {
                system_id: SystemId(hold.system_id),
                site: Some(hold.place).filter(|place| place != store_marks::EVERY_SITE),
                account: hold.account,
                since: Timestamp(hold.since_at),
                until: Timestamp(hold.until_at),
                ending_no: numbers.get(&hold.ending_id).copied(),
            })
            .collect())
    }

    async fn test(&self, caller: &Caller, asked: TicketTestAsked) -> Result<TicketTest, Error> {
        let now = self.now();
        caller.authorize_somewhere(Permission::UseTickets, now)?;
        let scope = caller.visible(Permission::UseTickets, now);
        let apps = self.apps();
        let app = apps
            .get(&asked.app)
            .filter(|app| scope.touches_system(&app.system))
            .ok_or_else(|| AppError::not_found("app"))?;
        let permit = caller.authorize(Permission::UseTickets, About::System(&app.system), now)?;
        let user = asked.user.trim();
        if user.is_empty() || user.chars().count() > 255 || user.chars().any(char::is_control) {
            return Err(AppError::invalid("user", "Name a user of Tableau, up to 255 characters.").into());
        }
        if !app.may_site(&asked.site) {
            return Err(AppError::invalid("site", "This site is not in the app\u{2019}s list.").into());
        }
        let wanted = TicketFor {
            user,
            site: &asked.site,
            client_ip: None,
        };
        let begun = std::time::Instant::now();
        let came = self.ask_tableau(app, &wanted, now).await;
        let duration_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        let outcome = came.outcome();
        let words = match &came.cause {
            Some(cause) => cause.clone(),
            None if outcome == TicketOutcome::Issued => {
                "A ticket came. It was thrown away and runs out by itself.".to_owned()
            }
            None => format!("{}.", outcome.label()),
        };
        let reference = super::reference();
        self.journal.keep(Issue {
            issue_id: crate::keys::new_id(),
            reference: reference.clone(),
            at: now.0,
            app_id: app.settings.id.clone(),
            system_id: app.system.0.clone(),
            place: asked.site.clone(),
            site: String::new(),
            account: user.to_owned(),
            account_sort: app.settings.account_of(user),
            mail_domain: super::mail_domain(user),
            grant_kind: app.settings.grant.name().to_owned(),
            way: TicketWay::Test.name().to_owned(),
            outcome: outcome.name().to_owned(),
            cause: came.cause.clone(),
            node: came.node.clone(),
            ip: None,
            sid_hash: None,
            duration_ms,
        });
        let entry = Entry::by(caller, Action::TicketTested)
            .system(&app.system)
            .account(app.settings.account_of(user))
            .permission(permit.permission())
            .target(format!("App {}: {}", app.settings.id, outcome.label()))
            .took(duration_ms)
            .fact("reference", reference.clone())
            .fact("outcome", outcome.name());
        self.parts.audit.note(&entry).await?;
        Ok(TicketTest {
            reference,
            outcome,
            words,
            node: came.node,
            duration_ms,
        })
    }
}

/// A reference as it is stored, from what a person typed; nothing fits what is none.
fn stored_reference(typed: &str) -> String {
    let typed = typed.trim().to_uppercase();
    match typed.strip_prefix("T-").unwrap_or(&typed) {
        "" => String::new(),
        rest => format!("T-{rest}"),
    }
}

fn name_of(names: &BTreeMap<SystemId, String>, system: &SystemId) -> String {
    names.get(system).cloned().unwrap_or_else(|| system.0.clone())
}

fn shown(issue: Issue, names: &BTreeMap<SystemId, String>, network: bool) -> TicketRow {
    let system_id = SystemId(issue.system_id);
    TicketRow {
        reference: issue.reference,
        at: Timestamp(issue.at),
        app: issue.app_id,
        system_name: name_of(names, &system_id),
        system_id,
        site: issue.place,
        user: issue.account,
        grant: TicketGrant::from_name(&issue.grant_kind).unwrap_or_default(),
        way: TicketWay::from_name(&issue.way).unwrap_or(TicketWay::Server),
        outcome: TicketOutcome::from_name(&issue.outcome).unwrap_or(TicketOutcome::Odd),
        cause: issue.cause,
        node: issue.node,
        ip: issue.ip.filter(|_| network),
        duration_ms: issue.duration_ms,
    }
}

/// Numbers of systems that the scope covers whole.
async fn numbers(
    conn: &mut Conn,
    scope: &VisibleScope,
    now: Timestamp,
) -> Result<(Vec<TicketCount>, Vec<TicketSlot>, Asked), Error> {
    let slot = now.0 - now.0.rem_euclid(SLOT_MS);
    let first = |slots: i64| slot - (slots - 1) * SLOT_MS;
    let mut tally = store::tally(conn, Timestamp(first(DAY_SLOTS))).await?;
    tally.retain(|line| {
        if line.system_id.is_empty() {
            scope.everywhere
        } else {
            scope.covers_system(&SystemId::from(line.system_id.as_str()))
        }
    });
    // Oldest first: the newest slot of each stays.
    let asked = tally
        .iter()
        .map(|line| ((line.system_id.clone(), line.node.clone()), line.slot_at));
    Ok((counts(&tally, first(HOUR_SLOTS)), slots(&tally), asked.collect()))
}

fn counts(tally: &[Tally], hour_from: i64) -> Vec<TicketCount> {
    let mut counts: BTreeMap<(&str, &str, TicketOutcome), (u64, u64)> = BTreeMap::new();
    for line in tally {
        let Some(outcome) = TicketOutcome::from_name(&line.outcome) else {
            continue;
        };
        let (hour, day) = counts.entry((&line.app_id, &line.node, outcome)).or_default();
        *day += line.request_count.unsigned_abs();
        if line.slot_at >= hour_from {
            *hour += line.request_count.unsigned_abs();
        }
    }
    counts
        .into_iter()
        .map(|((app, node, outcome), (last_hour, last_day))| TicketCount {
            app: app.to_owned(),
            node: node.to_owned(),
            outcome,
            last_hour,
            last_day,
        })
        .collect()
}

fn slots(tally: &[Tally]) -> Vec<TicketSlot> {
    let mut slots: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
    for line in tally {
        let (issued, not_issued) = slots.entry(line.slot_at).or_default();
        let number = line.request_count.unsigned_abs();
        if line.outcome == TicketOutcome::Issued.name() {
            *issued += number;
        } else {
            *not_issued += number;
        }
    }
    slots
        .into_iter()
        .map(|(at, (issued, not_issued))| TicketSlot {
            at: Timestamp(at),
            issued,
            not_issued,
        })
        .collect()
}

#[async_trait]
impl TicketsPort for For<Tickets> {
    async fn tickets_page(&self, query: TicketQuery) -> Result<TicketsPage, AppError> {
        Ok(self.room.page(&self.caller, query).await?)
    }

    async fn test_ticket(&self, asked: TicketTestAsked) -> Result<TicketTest, AppError> {
        Ok(self.room.test(&self.caller, asked).await?)
    }

    async fn readiness(&self) -> Result<Readiness, AppError> {
        Ok(self.room.readiness(&self.caller, false).await?)
    }

    async fn readiness_now(&self) -> Result<Readiness, AppError> {
        Ok(self.room.readiness(&self.caller, true).await?)
    }

    async fn look_at_login_view(&self, asked: TicketTestAsked) -> Result<LoginViewLook, AppError> {
        Ok(self.room.look(&self.caller, &asked).await?)
    }
}
