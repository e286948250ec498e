//! What a person may do with a system: have it read now, pause it, test it. Authorize, act, audit.

use app::access::wire::Permission;
use app::audit::wire::AuditResult;
use app::error::AppError;
use app::systems::port::SystemsPort;
use app::systems::wire::{OverTime, SelfTestReport, SelfTestStep, StepResult, SystemsPage};
use app::wire::{Done, SystemId, Timestamp};
use async_trait::async_trait;

use super::{Systems, store};
use crate::audit::{Action, Entry};
use crate::caller::{Caller, For, Permit};
use crate::changes::{self, topic};
use crate::connectors::{ConnectorError, ErrorKind};
use crate::db::Conn;
use crate::domain::grant::About;
use crate::error::Error;

impl Systems {
    async fn read_now(&self, caller: &Caller, permit: &Permit, row: &store::Row) -> Result<Done, Error> {
        let system_id = SystemId::from(row.system_id.as_str());
        if let Some(connected) = self.connected(&system_id) {
            connected.guard.try_again();
        }
        let mut conn = self.db.write().await?;
        if !store::read_now(&mut conn, &system_id).await? {
            return Err(conflict(format!(
                "{} is not being read: it is paused or left the settings.",
                row.name
            )));
        }
        self.note_change(&mut conn, caller, permit, row, "read now")
            .await?;
        conn.commit().await?;
        self.wake.notify_one();
        Ok(done(format!("{} is read as soon as a worker is free.", row.name)))
    }

    async fn pause(
        &self,
        caller: &Caller,
        permit: &Permit,
        row: &store::Row,
        pause: bool,
    ) -> Result<Done, Error> {
        let system_id = SystemId::from(row.system_id.as_str());
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        let at = pause.then_some((now, caller.id.as_str()));
        if !store::pause(&mut conn, &system_id, at).await? {
            let words = if pause {
                "is paused already"
            } else {
                "is not paused"
            };
            return Err(conflict(format!("{} {words}.", row.name)));
        }
        self.note_change(
            &mut conn,
            caller,
            permit,
            row,
            if pause { "paused" } else { "resumed" },
        )
        .await?;
        self.note_health(&mut conn, &system_id, now).await?;
        conn.commit().await?;
        self.wake.notify_one();
        Ok(done(if pause {
            format!(
                "{} is paused: it is not read, and its rows stay as they were.",
                row.name
            )
        } else {
            format!("{} is read again.", row.name)
        }))
    }

    async fn self_test(
        &self,
        caller: &Caller,
        permit: &Permit,
        row: &store::Row,
    ) -> Result<SelfTestReport, Error> {
        let system_id = SystemId::from(row.system_id.as_str());
        let Some(connected) = self.connected(&system_id) else {
            return Err(conflict(format!("{} is not connected.", row.name)));
        };
        let began = self.clock.now();
        let (report, build) = match connected.guard.self_test().await {
            Ok((report, proof)) => (report, proof.build),
            Err(error) if error.kind == ErrorKind::Unsupported => return Err(conflict(error.message)),
            Err(error) => (could_not_test(began, self.clock.now(), error), String::new()),
        };
        let entry = Entry::by(caller, Action::SystemChanged).permission(permit.permission());
        self.keep_self_test(entry, row, &report, build).await?;
        self.wake.notify_one();
        Ok(report)
    }

    /// Keeps what a self-test found by whoever ran it, outside this process too; false = there is no such system here.
    pub async fn keep_tested(
        &self,
        system: &SystemId,
        report: &SelfTestReport,
        build: &str,
    ) -> Result<bool, Error> {
        let mut conn = self.db.read().await?;
        let row = store::one(&mut conn, system).await?;
        drop(conn);
        match row {
            Some(row) => {
                let entry = Entry::curfew(Action::SystemChanged);
                self.keep_self_test(entry, &row, report, build.to_owned()).await?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    async fn keep_self_test(
        &self,
        entry: Entry,
        row: &store::Row,
        report: &SelfTestReport,
        build: String,
    ) -> Result<(), Error> {
        let system_id = SystemId::from(row.system_id.as_str());
        let mut steps = report.steps.iter();
        let proven = !report.steps.is_empty() && steps.all(|step| step.result == StepResult::Passed);
        let now = self.clock.now();
        let mut conn = self.db.write().await?;
        let text = serde_json::to_string(report)?;
        store::keep_self_test(&mut conn, &system_id, &text, (now, build.as_str(), proven)).await?;
        let entry = entry
            .system(&system_id)
            .target(format!("{}: self-test", row.name))
            .result(if proven {
                AuditResult::Ok
            } else {
                AuditResult::Failed
            })
            .took(report.took_ms)
            .fact("proven", proven)
            .fact("build", build);
        self.audit.append(&mut conn, &entry, now).await?;
        store::read_now(&mut conn, &system_id).await?;
        changes::bump(&mut conn, topic::SYSTEMS).await?;
        conn.commit().await
    }

    async fn note_change(
        &self,
        conn: &mut Conn,
        caller: &Caller,
        permit: &Permit,
        row: &store::Row,
        what: &str,
    ) -> Result<(), Error> {
        let entry = Entry::by(caller, Action::SystemChanged)
            .system(&SystemId::from(row.system_id.as_str()))
            .target(format!("{}: {what}", row.name))
            .permission(permit.permission());
        self.audit.append(conn, &entry, self.clock.now()).await?;
        changes::bump(conn, topic::SYSTEMS).await
    }

    /// The system and the permit to manage it. What the caller may not know is not found; what they may not do is
    /// refused, and that is audited.
    async fn manage(&self, caller: &Caller, system: &SystemId) -> Result<(store::Row, Permit), Error> {
        let now = self.clock.now();
        let mut conn = self.db.read().await?;
        let visible = caller
            .visible(Permission::SeeSessions, now)
            .touches_system(system)
            || caller
                .visible(Permission::ManageSystems, now)
                .touches_system(system);
        let row = store::one(&mut conn, system).await?.filter(|_| visible);
        drop(conn);
        let row = row.ok_or_else(|| AppError::not_found("system"))?;
        match caller.authorize(Permission::ManageSystems, About::System(system), now) {
            Ok(permit) => Ok((row, permit)),
            Err(refused) => {
                let entry = Entry::by(caller, Action::AuthzFail)
                    .system(system)
                    .target(row.name)
                    .permission(Permission::ManageSystems)
                    .result(AuditResult::Refused);
                self.audit.note(&entry).await?;
                Err(refused.into())
            }
        }
    }
}

#[async_trait]
impl SystemsPort for For<Systems> {
    async fn systems_page(&self) -> Result<SystemsPage, AppError> {
        let page = async {
            let now = self.room.clock.now();
            self.caller.authorize_somewhere(Permission::SeeSessions, now)?;
            let mut conn = self.room.db.read().await?;
            let manage = self.caller.visible(Permission::ManageSystems, now);
            let mut page = SystemsPage {
                now,
                systems: Vec::new(),
                may_manage: Vec::new(),
            };
            for row in self.room.visible_rows(&mut conn, &self.caller).await? {
                let detail = self.room.detail(&mut conn, &self.caller, &row).await?;
                if manage.covers_system(&detail.brief.system_id) {
                    page.may_manage.push(detail.brief.system_id.clone());
                }
                page.systems.push(detail);
            }
            Ok::<_, Error>(page)
        };
        Ok(page.await?)
    }

    async fn over_time(&self) -> Result<Vec<OverTime>, AppError> {
        self.caller
            .authorize_somewhere(Permission::SeeSessions, self.room.clock.now())?;
        let over_time = async {
            let mut conn = self.room.db.read().await?;
            self.room.over_time(&mut conn, &self.caller).await
        };
        Ok(over_time.await?)
    }

    async fn read_now(&self, system: SystemId) -> Result<Done, AppError> {
        let (row, permit) = self.room.manage(&self.caller, &system).await?;
        Ok(self.room.read_now(&self.caller, &permit, &row).await?)
    }

    async fn pause_system(&self, system: SystemId) -> Result<Done, AppError> {
        let (row, permit) = self.room.manage(&self.caller, &system).await?;
        Ok(self.room.pause(&self.caller, &permit, &row, true).await?)
    }

    async fn resume_system(&self, system: SystemId) -> Result<Done, AppError> {
        let (row, permit) = self.room.manage(&self.caller, &system).await?;
        Ok(self.room.pause(&self.caller, &permit, &row, false).await?)
    }

    async fn self_test(&self, system: SystemId) -> Result<SelfTestReport, AppError> {
        let (row, permit) = self.room.manage(&self.caller, &system).await?;
        Ok(self.room.self_test(&self.caller, &permit, &row).await?)
    }
}
/// The report of a test that could not even begin.
fn could_not_test(began: Timestamp, now: Timestamp, error: ConnectorError) -> SelfTestReport {
    SelfTestReport {
        at: began,
        took_ms: now.since(began),
        steps: vec![SelfTestStep {
            name: "The system was reached".to_owned(),
            result: StepResult::Failed,
            detail: error.message,
        }],
    }
}
fn done(message: String) -> Done {
    Done { message }
}

fn conflict(message: String) -> Error {
    AppError::Conflict { message }.into()
}
