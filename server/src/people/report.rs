//! What a containment report tells of a person.

use app::containment::wire::{LiveIn, ReportAccount, ReportPerson};
use app::error::AppError;
use app::wire::{SubjectId, SystemId};
use sea_query::Condition;

use super::People;
use super::show::{first_name, row};
use super::store::show;
use crate::db::Conn;
use crate::error::Error;

impl People {
    /// The person by the accounts and live sessions that these conditions cover; 404 where that is no account.
    pub async fn for_report(
        &self,
        conn: &mut Conn,
        subject: &SubjectId,
        accounts: Condition,
        sessions: Condition,
    ) -> Result<ReportPerson, Error> {
        let nobody = || AppError::not_found("person");
        if subject.0.contains('\0') {
            return Err(nobody().into());
        }
        let found = show::accounts(conn, accounts, std::slice::from_ref(&subject.0)).await?;
        if found.is_empty() {
            return Err(nobody().into());
        }
        let names = self.systems.names(conn).await?;
        let system = |id: &str| {
            let id = SystemId::from(id);
            names.get(&id).cloned().unwrap_or(id.0)
        };
        let live = show::live_by_system(conn, sessions, &subject.0).await?;
        let in_force = self.in_force();
        Ok(ReportPerson {
            name: first_name(&found.iter().collect::<Vec<_>>()),
            accounts: found
                .iter()
                .map(|account| row(account, &found, &in_force.rules, &system))
                .map(|account| ReportAccount {
                    system_id: account.system_id,
                    system_name: account.system_name,
                    place: account.place,
                    account: account.account,
                    ground: account.ground.name().to_owned(),
                })
                .collect(),
            live_sessions: live
                .into_iter()
                .map(|(id, sessions)| LiveIn {
                    system_name: system(&id),
                    system_id: SystemId(id),
                    sessions: sessions.unsigned_abs(),
                })
                .collect(),
        })
    }
}
