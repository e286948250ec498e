//! A backend made of plain values: what pages are shown on without a database, a server or a clock.

pub mod containment;
pub mod people;
pub mod rendering;
pub mod signals;
pub mod tickets;
pub mod world;

use std::sync::Arc;

use app::access::port::AccessPort;
use app::access::wire::*;
use app::audit::port::AuditPort;
use app::audit::wire::*;
use app::backend::Backend;
use app::endings::port::EndingsPort;
use app::endings::wire::*;
use app::error::AppError;
use app::policies::port::PoliciesPort;
use app::policies::wire::*;
use app::sessions::columns::Column;
use app::sessions::port::{SessionsPort, ViewsPort};
use app::sessions::query::{GroupBy, SessionQuery};
use app::sessions::views::wire::*;
use app::sessions::wire::*;
use app::signin::port::SignInPort;
use app::signin::wire::*;
use app::systems::port::SystemsPort;
use app::systems::wire::*;
use app::wire::*;
use async_trait::async_trait;

pub use world::{NOW, World};

/// Answers every question from one [`World`], or with one error (the frame still answers).
pub struct Fake {
    pub world: World,
    pub error: Option<AppError>,
}

impl Fake {
    /// A backend of this world.
    pub fn of(world: World) -> Backend {
        Self::backend(Fake { world, error: None })
    }

    /// A backend that answers every page with this error.
    pub fn failing(world: World, error: AppError) -> Backend {
        Self::backend(Fake {
            world,
            error: Some(error),
        })
    }

    fn backend(fake: Fake) -> Backend {
        let fake = Arc::new(fake);
        Backend {
            signin: fake.clone(),
            sessions: fake.clone(),
            views: fake.clone(),
            people: fake.clone(),
            endings: fake.clone(),
            containment: fake.clone(),
            systems: fake.clone(),
            policies: fake.clone(),
            access: fake.clone(),
            audit: fake.clone(),
            tickets: fake.clone(),
            signals: fake,
        }
    }

    fn give<T>(&self, value: T) -> Result<T, AppError> {
        match &self.error {
            Some(error) => Err(error.clone()),
            None => Ok(value),
        }
    }

    fn nothing<T>(&self) -> Result<T, AppError> {
        Err(AppError::not_found("page"))
    }
}

#[async_trait]
impl SignInPort for Fake {
    async fn frame(&self) -> Result<Frame, AppError> {
        Ok(self.world.frame.clone())
    }
    async fn my_sessions(&self) -> Result<MySessions, AppError> {
        self.give(self.world.my_sessions.clone())
    }
    async fn end_my_session(&self, _: PortalSessionId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn end_my_other_sessions(&self) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn extend(&self) -> Result<Timestamp, AppError> {
        self.give(NOW.plus_seconds(900))
    }
    async fn save_theme(&self, _: Theme) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn save_times(&self, _: Times) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn save_density(&self, _: Density) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn save_single_keys(&self, _: bool) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn share_screen(&self, _: bool) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn dismiss_notice(&self, _: NoticeId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn change_password(&self, _: PasswordChange) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn second_factor(&self) -> Result<SecondFactorPage, AppError> {
        self.give(SecondFactorPage {
            now: NOW,
            mine: self.world.my_sessions.second_factor,
            draft: self.world.draft.clone(),
        })
    }
    async fn begin_factor(&self) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn confirm_factor(&self, _: String) -> Result<RecoveryCodes, AppError> {
        self.nothing()
    }
    async fn new_recovery_codes(&self) -> Result<RecoveryCodes, AppError> {
        self.nothing()
    }
    async fn remove_factor(&self) -> Result<Done, AppError> {
        self.give(Done::default())
    }
}

#[async_trait]
impl SystemsPort for Fake {
    async fn systems_page(&self) -> Result<SystemsPage, AppError> {
        self.give(self.world.systems.clone())
    }
    async fn over_time(&self) -> Result<Vec<OverTime>, AppError> {
        self.give(self.world.over_time.clone())
    }
    async fn read_now(&self, _: SystemId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn pause_system(&self, _: SystemId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn resume_system(&self, _: SystemId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn self_test(&self, _: SystemId) -> Result<SelfTestReport, AppError> {
        self.give(SelfTestReport::default())
    }
}

#[async_trait]
impl PoliciesPort for Fake {
    async fn policies_page(&self, asked: Option<(i64, i64)>) -> Result<PoliciesPage, AppError> {
        let mut page = self.world.policies.clone();
        if let (Some(own), Some((idle, absolute))) = (&mut page.own, asked) {
            own.what_if = self.world.what_if(idle, absolute);
        }
        self.give(page)
    }
    async fn what_if(&self, idle: i64, absolute: i64) -> Result<WhatIf, AppError> {
        self.give(self.world.what_if(idle, absolute))
    }
    async fn save_policy(&self, _: PolicyEdit) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn accept_advice(&self, _: SystemId, _: AcceptAdvice) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn reopen_advice(&self, _: SystemId, _: String) -> Result<Done, AppError> {
        self.give(Done::default())
    }
}

#[async_trait]
impl AccessPort for Fake {
    async fn access_page(&self) -> Result<AccessPage, AppError> {
        self.give(self.world.access.clone())
    }
    async fn person(&self, id: OperatorId) -> Result<PersonPage, AppError> {
        let page = self.world.access.clone();
        let operator = page.operators.into_iter().find(|o| o.operator_id == id);
        let operator = operator.ok_or_else(|| AppError::not_found("person"))?;
        self.give(PersonPage {
            now: page.now,
            operator,
            permissions: Permission::ALL
                .map(|p| {
                    let line = GrantLine {
                        scope_words: "The group Night shift in uPortal".to_owned(),
                        role_name: "Helpdesk".to_owned(),
                        expires_at: None,
                    };
                    let gives = matches!(p, Permission::SeeSessions | Permission::EditUserSessions);
                    (p, gives.then_some(line).into_iter().collect())
                })
                .into(),
            effect: ScopeEffect {
                sees: Count::Exactly(67),
                people: 41,
                may_end: Count::Exactly(65),
            },
        })
    }
    async fn create_operator(&self, _: NewOperator) -> Result<OneTimeLink, AppError> {
        self.nothing()
    }
    async fn disable_operator(&self, _: OperatorId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn enable_operator(&self, _: OperatorId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn reset_operator(&self, _: OperatorId) -> Result<OneTimeLink, AppError> {
        self.nothing()
    }
    async fn grant_effect(&self, _: NewGrant) -> Result<ScopeEffect, AppError> {
        self.give(ScopeEffect {
            sees: Count::Exactly(67),
            people: 41,
            may_end: Count::Exactly(65),
        })
    }
    async fn unlock_operator(&self, _: OperatorId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn reset_factor(&self, _: OperatorId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn ask_second_factor(&self, _: RoleId, _: bool) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn give_grant(&self, _: NewGrant) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn revoke_grant(&self, _: GrantId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn save_role(&self, _: RoleEdit) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn delete_role(&self, _: RoleId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn import_group(&self, _: GroupImport) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn delete_group(&self, _: GroupId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn protect(&self, _: NewProtected) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn make_token(
        &self,
        new: app::access::wire::NewToken,
    ) -> Result<app::access::wire::FreshToken, AppError> {
        self.give(app::access::wire::FreshToken {
            token_id: "t9".into(),
            name: new.name,
            secret: "curfew_secret".to_owned(),
            expires_at: new.expires_at,
        })
    }
    async fn revoke_token(&self, _: app::wire::TokenId, _: String) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn unprotect(&self, _: ProtectedId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
}

#[async_trait]
impl AuditPort for Fake {
    async fn audit_page(&self, query: AuditQuery) -> Result<AuditPage, AppError> {
        let mut page = self.world.audit.clone();
        page.query = query;
        self.give(page)
    }
    async fn check_chain(&self) -> Result<ChainStatus, AppError> {
        self.nothing()
    }
}

#[async_trait]
impl SessionsPort for Fake {
    async fn list_sessions(&self, query: SessionQuery, _: bool) -> Result<SessionsPage, AppError> {
        match query.subject {
            Some(_) => self.give(people::sessions(query)),
            None => self.nothing(),
        }
    }
    async fn count_sessions(&self, _: SessionQuery) -> Result<u64, AppError> {
        self.nothing()
    }
    async fn facets(&self, _: SessionQuery) -> Result<Vec<Facet>, AppError> {
        self.nothing()
    }
    async fn groups(&self, _: SessionQuery, _: GroupBy) -> Result<GroupsPage, AppError> {
        self.nothing()
    }
    async fn known_at(&self, _: Timestamp) -> Result<Known, AppError> {
        self.nothing()
    }
    async fn suggest(&self, typed: String) -> Result<Vec<Suggestion>, AppError> {
        let one = Suggestion {
            text: "system:domo-northwind".to_owned(),
            shown: "system:domo-northwind".to_owned(),
            words: "Domo northwind, 496".to_owned(),
        };
        let asked = typed.trim_start_matches("system:\"");
        self.give(
            Some(one)
                .filter(|one| one.words.contains(asked))
                .into_iter()
                .collect(),
        )
    }
    async fn people(
        &self,
        _: SessionQuery,
        _: Option<String>,
        _: u32,
    ) -> Result<app::sessions::wire::PeoplePage, AppError> {
        self.nothing()
    }
    async fn people_named(&self, _: String) -> Result<Vec<PersonBrief>, AppError> {
        self.give(self.world.people_named.clone())
    }
    async fn person(&self, _: String) -> Result<app::sessions::wire::PersonSessions, AppError> {
        self.nothing()
    }
    async fn paste(&self, _: String, _: String) -> Result<String, AppError> {
        self.nothing()
    }
    async fn unmatched(&self, _: SessionQuery) -> Result<Vec<String>, AppError> {
        Ok(Vec::new())
    }
    async fn shown(&self, _: Vec<SessionKey>, _: Option<SelectionId>) -> Result<Vec<SessionRow>, AppError> {
        self.nothing()
    }
    async fn find_by_session_id(&self, _: String) -> Result<Option<SessionKey>, AppError> {
        self.nothing()
    }
    async fn edit_selection(&self, _: SelectionEdit) -> Result<SelectionSummary, AppError> {
        self.nothing()
    }
    async fn clear_selection(&self, _: SelectionId) -> Result<Done, AppError> {
        self.nothing()
    }
    async fn save_columns(&self, _: Vec<Column>) -> Result<Done, AppError> {
        self.nothing()
    }
}

#[async_trait]
impl ViewsPort for Fake {
    async fn views(&self) -> Result<Views, AppError> {
        self.give(self.world.views.clone())
    }
    async fn views_page(&self) -> Result<ViewsPage, AppError> {
        self.give(ViewsPage {
            now: NOW,
            counts: vec![Some(Count::MoreThan(10_000)), Some(Count::Exactly(43)), None],
            views: self.world.views.clone(),
        })
    }
    async fn save_view(&self, _: ViewEdit, _: String, _: bool) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn edit_view(&self, _: ViewId, _: ViewEdit) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn delete_view(&self, _: ViewId) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn start_with(&self, _: Option<ViewId>) -> Result<Done, AppError> {
        self.give(Done::default())
    }
    async fn start_page(&self) -> Result<String, AppError> {
        self.give(String::new())
    }
}

#[async_trait]
impl EndingsPort for Fake {
    async fn draft_ending(&self, _: SelectionId) -> Result<EndingId, AppError> {
        self.nothing()
    }
    async fn draft_ending_of(&self, _: Vec<SessionKey>) -> Result<EndingId, AppError> {
        self.nothing()
    }
    async fn preview(&self, _: EndingId, _: bool) -> Result<Preview, AppError> {
        self.nothing()
    }
    async fn include_in_preview(&self, _: EndingId, _: bool, _: bool) -> Result<EndingId, AppError> {
        self.nothing()
    }
    async fn confirm_ending(&self, _: EndingId, _: Confirm) -> Result<Confirmed, AppError> {
        self.nothing()
    }
    async fn decide_approval(&self, _: EndingId, _: Decision) -> Result<Option<i64>, AppError> {
        self.nothing()
    }
    async fn review_ending(&self, _: i64, _: String) -> Result<Done, AppError> {
        self.nothing()
    }
    async fn end_everywhere(
        &self,
        _: String,
        _: Confirm,
    ) -> Result<app::endings::wire::EndedEverywhere, AppError> {
        self.nothing()
    }
    async fn endings_page(&self, _: Option<String>) -> Result<EndingsPage, AppError> {
        self.nothing()
    }
    async fn ending_page(
        &self,
        _: i64,
        _: Option<ItemFilter>,
        _: Option<String>,
    ) -> Result<EndingPage, AppError> {
        self.nothing()
    }
    async fn stop_ending(&self, _: i64) -> Result<Done, AppError> {
        self.nothing()
    }
    async fn endings_by_day(&self) -> Result<EndingsByDay, AppError> {
        self.give(self.world.by_day.clone())
    }
    async fn end_again(&self, _: i64, _: Again) -> Result<EndingId, AppError> {
        self.nothing()
    }
    async fn resume_ending(&self, _: i64) -> Result<Done, AppError> {
        self.nothing()
    }
    async fn pause_all_endings(&self, _: String) -> Result<Done, AppError> {
        self.nothing()
    }
    async fn resume_all_endings(&self, _: String) -> Result<Done, AppError> {
        self.nothing()
    }
}
