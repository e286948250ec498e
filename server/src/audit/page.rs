//! The audit page: filters, scope, and the note that somebody looked.
//!
//! Who holds ReadAudit everywhere sees every entry. Others see entries about what is in their scope, what they did
//! themselves, and entries of endings that touch their scope; of the latter two, what lies outside stays hidden.

use app::access::wire::Permission;
use app::audit::port::AuditPort;
use app::audit::wire::{AuditEntry, AuditPage, AuditQuery, AuditResult, ChainStatus};
use app::error::AppError;
use app::wire::{SystemId, Timestamp};
use async_trait::async_trait;

use super::store::{self, Row};
use super::{Action, Audit, Entry, chain};
use crate::caller::{Caller, For};
use crate::db::Conn;
use crate::domain::grant::VisibleScope;
use crate::error::Error;
use crate::keys::sha256_hex;

/// Entries on a page.
pub const PAGE_ENTRIES: i64 = 100;
/// Looking at the same list again within this time is not written down again, ms.
const LOOK_AGAIN_MS: i64 = 5 * 60 * 1000;
/// What stands where the caller may not look.
const HIDDEN: &str = "hidden from you";

/// What of the log a caller may see.
#[derive(Clone, Debug)]
pub struct View {
    /// Where they hold ReadAudit.
    pub scope: VisibleScope,
    /// Their own entries are theirs to see.
    pub actor_id: String,
    /// Addresses and browsers are shown: SeeNetworkData.
    network: VisibleScope,
    /// Those of their own entries too: unless they share their screen.
    own_network: bool,
}

impl View {
    /// The caller's view, now.
    pub fn of(caller: &Caller, now: Timestamp) -> Self {
        Self {
            scope: caller.visible(Permission::ReadAudit, now),
            actor_id: caller.id.0.clone(),
            network: caller.visible(Permission::SeeNetworkData, now),
            own_network: !caller.screen_share,
        }
    }

    /// Stored rows as this caller may see them, in the same order.
    pub async fn show(&self, conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<AuditEntry>, Error> {
        let open = store::covered(conn, &self.scope, &rows).await?;
        let network = store::covered(conn, &self.network, &rows).await?;
        let entries = rows.into_iter().map(|row| {
            let (open, network) = (open.contains(&row.seq), network.contains(&row.seq));
            self.entry(row, open, network)
        });
        Ok(entries.collect())
    }

    /// One of them. `open` = what it is about is in scope; `network` = so are addresses and browsers.
    fn entry(&self, row: Row, open: bool, network: bool) -> AuditEntry {
        let system_id = row.system_id.clone().map(SystemId);
        let own = !row.actor_id.is_empty() && row.actor_id == self.actor_id;
        let open = open || (own && system_id.is_none());
        let network = network || (own && self.own_network);
        let mut entry = AuditEntry {
            seq: row.seq,
            at: Timestamp(row.at),
            action_words: Action::from_word(&row.action)
                .map_or_else(|| row.action.clone(), |a| a.words().to_owned()),
            action: row.action,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            actor_name: row.actor_name,
            actor_session: row.actor_session,
            source_ip: row.source_ip.filter(|_| network),
            user_agent: row.user_agent.filter(|_| network),
            system_id,
            place: row.place,
            site: row.site,
            account: row.account,
            session_key: row.session_key,
            ending_id: row.ending_id,
            target: row.target,
            permission: row.permission,
            result: AuditResult::from_name(&row.result).unwrap_or(AuditResult::Unknown),
            reason: row.reason,
            ticket_ref: row.ticket_ref,
            request_id: row.request_id,
            duration_ms: row.duration_ms,
            detail: row.detail,
            key_id: row.key_id,
            prev_hash: row.prev_hash,
            hash: row.hash,
        };
        if !open {
            entry.system_id = None;
            entry.place = None;
            entry.site = None;
            entry.account = None;
            entry.session_key = None;
            entry.target = HIDDEN.to_owned();
            entry.detail = "{}".to_owned();
        }
        entry
    }
}

/// A stored row with nothing hidden, for the copy off the box.
pub(super) fn whole(row: Row) -> AuditEntry {
    let everywhere = VisibleScope {
        everywhere: true,
        ..VisibleScope::default()
    };
    let view = View {
        scope: everywhere.clone(),
        actor_id: String::new(),
        network: everywhere,
        own_network: true,
    };
    view.entry(row, true, true)
}

impl Audit {
    /// Writes down that a caller looked at a page of personal data: once per caller and query in five minutes, never
    /// for background refetches. `page` and `query` name what was looked at; of the query only the hash is compared.
    pub async fn looked(&self, caller: &Caller, page: &str, query: &str) -> Result<(), Error> {
        let now = self.clock.now();
        let query_hash = sha256_hex(format!("{page}?{query}").as_bytes());
        let since = now.plus_ms(-LOOK_AGAIN_MS);
        let mut conn = self.db.read().await?;
        let looked_at = store::looked_at(&mut conn, &caller.id, &query_hash).await?;
        drop(conn);
        if looked_at.is_some_and(|at| at > since) {
            return Ok(());
        }
        let mut conn = self.db.write().await?;
        if store::note_look(&mut conn, &caller.id, &query_hash, now, since).await? {
            let entry = Entry::by(caller, Action::SensitiveRead)
                .target(format!("The page “{page}”"))
                .fact("query", query);
            self.append(&mut conn, &entry, now).await?;
        }
        conn.commit().await
    }

    /// The page a caller asked for.
    async fn page(&self, caller: &Caller, query: AuditQuery) -> Result<AuditPage, Error> {
        let now = self.clock.now();
        caller.authorize_somewhere(Permission::ReadAudit, now)?;
        let shown = serde_json::to_string(&AuditQuery {
            before_seq: None,
            ..query.clone()
        })?;
        self.looked(caller, "audit", &shown).await?;

        let view = View::of(caller, now);
        let mut conn = self.db.read().await?;
        let mut rows = store::find_before(&mut conn, &view, &query, PAGE_ENTRIES + 1).await?;
        let more = rows.len() as i64 > PAGE_ENTRIES;
        rows.truncate(PAGE_ENTRIES as usize);
        let next = rows.last().filter(|_| more).map(|row| row.seq);
        let total = if view.scope.everywhere {
            store::ends(&mut conn).await?.head_seq
        } else {
            store::count(&mut conn, &view).await?
        };
        let unsettled = store::unsettled(&mut conn, &rows).await?;
        let mut entries = view.show(&mut conn, rows).await?;
        for entry in &mut entries {
            // Asked, and no result stored yet: nobody knows (security F6).
            let open = entry.action == Action::EndingRequested.word()
                && entry.ending_id.as_ref().is_some_and(|id| unsettled.contains(id));
            if open && entry.result == AuditResult::Ok {
                entry.result = AuditResult::Unknown;
            }
        }
        let actions = if view.scope.everywhere {
            let words = store::actions(&mut conn).await?;
            Action::ALL
                .iter()
                .filter(|a| words.iter().any(|w| w == a.word()))
                .collect()
        } else {
            Action::ALL.iter().collect::<Vec<_>>()
        };
        let systems = store::systems(&mut conn).await?;
        let copy = self.copy_status(&mut conn, now).await?;
        Ok(AuditPage {
            now,
            entries,
            query,
            total,
            next,
            chain: self
                .checked
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .clone(),
            copy,
            actions: actions
                .into_iter()
                .map(|a| (a.word().to_owned(), a.words().to_owned()))
                .collect(),
            systems: systems
                .into_iter()
                .filter(|(id, _)| view.scope.touches_system(id))
                .collect(),
            may_export: caller.authorize_somewhere(Permission::ExportData, now).is_ok(),
        })
    }

    /// Walks the chain now and keeps the result for the page. A break is logged as an error each time.
    pub async fn check(&self) -> Result<ChainStatus, Error> {
        let status = chain::verify(&self.db, self.key(), None, self.clock.now()).await?;
        if let Some((seq, words)) = &status.broken {
            tracing::error!(seq, words, "the audit chain is broken");
        }
        *self
            .checked
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = Some(status.clone());
        Ok(status)
    }
}

#[async_trait]
impl AuditPort for For<Audit> {
    async fn audit_page(&self, query: AuditQuery) -> Result<AuditPage, AppError> {
        Ok(self.room.page(&self.caller, query).await?)
    }

    async fn check_chain(&self) -> Result<ChainStatus, AppError> {
        self.caller
            .authorize_somewhere(Permission::ReadAudit, self.room.clock.now())?;
        Ok(self.room.check().await?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use app::access::wire::Scope;
    use app::wire::EndingId;
    use futures::TryStreamExt;

    use super::*;
    use crate::audit::export::Format;
    use crate::caller::testing::caller;
    use crate::clock::{Clock, FakeClock};
    use crate::db::testing::TestDb;
    use crate::keys::HashKey;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    struct Stage {
        audit: Arc<Audit>,
        clock: Arc<FakeClock>,
        _db: TestDb,
    }

    async fn stages() -> Vec<Stage> {
        let mut stages = Vec::new();
        for test in TestDb::both().await.unwrap() {
            let clock = Arc::new(FakeClock::at(NOW));
            let audit = Arc::new(Audit::new(
                test.db.clone(),
                clock.clone(),
                Arc::new(HashKey::new([7; 32])),
            ));
            stages.push(Stage {
                audit,
                clock,
                _db: test,
            });
        }
        stages
    }

    fn north() -> Scope {
        Scope::systems(["north"])
    }

    fn note(system: &str, account: &str) -> Entry {
        let who = caller("ada", &[], Scope::EVERYWHERE);
        Entry::by(&who, Action::PortalSessionEnded)
            .system(&system.into())
            .account(account)
            .target(format!("Session of {account} in {system}"))
            .reason("50% leaked_password", Some("T-7".to_owned()))
            .fact("account", account)
    }

    #[tokio::test]
    async fn security_f10_entries_are_narrowed_to_the_readers_scope_and_nobody_without_the_right_reads() {
        for stage in stages().await {
            stage.audit.note(&note("north", "Ann")).await.unwrap();
            stage.audit.note(&note("south", "Bob")).await.unwrap();
            let everywhere = caller("aud", &[Permission::ReadAudit], Scope::EVERYWHERE);
            let page = stage
                .audit
                .page(&everywhere, AuditQuery::default())
                .await
                .unwrap();
            let targets: Vec<&str> = page.entries.iter().map(|e| e.target.as_str()).collect();
            // The reading itself comes first: it was written down before anything was shown.
            assert_eq!(
                targets,
                [
                    "The page “audit”",
                    "Session of Bob in south",
                    "Session of Ann in north"
                ]
            );
            assert_eq!(page.total, 3);

            for scope in [north(), Scope::accounts(["ANN".to_owned()])] {
                let narrow = caller("nor", &[Permission::ReadAudit], scope);
                let page = stage.audit.page(&narrow, AuditQuery::default()).await.unwrap();
                let seen: Vec<&str> = page.entries.iter().map(|e| e.target.as_str()).collect();
                assert_eq!(seen, ["The page “audit”", "Session of Ann in north"]);
                assert_eq!(page.total, 2);
            }
            let none = caller("eve", &[Permission::SeeSessions], Scope::EVERYWHERE);
            let refused = stage.audit.page(&none, AuditQuery::default()).await;
            assert!(matches!(refused, Err(Error::App(AppError::Forbidden { .. }))));
        }
    }

    #[tokio::test]
    async fn an_ending_that_touches_the_scope_is_known_but_not_its_targets_outside() {
        for stage in stages().await {
            let who = caller("ada", &[], Scope::EVERYWHERE);
            let ending = EndingId("e-1".to_owned());
            for (system, key) in [("north", "k1"), ("south", "k2")] {
                let mut conn = stage.audit.db.write().await.unwrap();
                let sql = "INSERT INTO ending (ending_id, caller_kind, caller_id, caller_name, query, snapshot_hash, \
                           state, created_at, expires_at, item_count, person_count, system_count, left_out_count) \
                           VALUES ('e-1', 'operator', 'ada', 'ada', '', '', 'waiting', 1, 1, 2, 2, 2, 0) \
                           ON CONFLICT DO NOTHING";
                crate::on!(conn, c => { sqlx::query(sql).execute(c).await.unwrap(); });
                let sql = "INSERT INTO ending_item (ending_id, session_key, system_id, place, site, account_id, \
                           account_name, display_name, person_sort, handle_hint, kind, state, changed_at) \
                           VALUES ('e-1', $1, $2, '', '', 'a', 'a', 'a', 'a', '', 'web', 'waiting', 1)";
                crate::on!(conn, c => {
                    sqlx::query(sql).bind(key).bind(system).execute(c).await.unwrap();
                });
                conn.commit().await.unwrap();
            }
            let asked = Entry::by(&who, Action::EndingRequested)
                .ending(&ending)
                .target("2 sessions of Ann and Bob")
                .fact("people", "Ann, Bob");
            stage.audit.note(&asked).await.unwrap();
            let narrow = caller("nor", &[Permission::ReadAudit], north());
            let page = stage.audit.page(&narrow, AuditQuery::default()).await.unwrap();
            let entry = page.entries.iter().find(|e| e.ending_id.is_some()).unwrap();
            assert_eq!((entry.target.as_str(), entry.detail.as_str()), (HIDDEN, "{}"));
            // Asked and not settled: nobody knows yet.
            assert_eq!(entry.result, AuditResult::Unknown);
            let far = Scope::systems(["west"]);
            let far = caller("far", &[Permission::ReadAudit], far);
            let page = stage.audit.page(&far, AuditQuery::default()).await.unwrap();
            assert!(page.entries.iter().all(|e| e.ending_id.is_none()));
        }
    }

    #[tokio::test]
    async fn security_f11_looking_is_written_down_once_per_query_in_five_minutes() {
        for stage in stages().await {
            let who = caller("aud", &[Permission::ReadAudit], Scope::EVERYWHERE);
            let looks = async || {
                let query = AuditQuery {
                    action: Action::SensitiveRead.word().to_owned(),
                    ..AuditQuery::default()
                };
                let view = View::of(&who, stage.clock.now());
                let mut conn = stage.audit.db.read().await.unwrap();
                store::find_before(&mut conn, &view, &query, 100)
                    .await
                    .unwrap()
                    .len()
            };
            for _ in 0..3 {
                stage.audit.looked(&who, "sessions", "q=ann").await.unwrap();
            }
            assert_eq!(looks().await, 1);
            stage.audit.looked(&who, "sessions", "q=bob").await.unwrap();
            assert_eq!(looks().await, 2);
            stage.clock.advance(301);
            stage.audit.looked(&who, "sessions", "q=ann").await.unwrap();
            assert_eq!(looks().await, 3);
        }
    }

    #[tokio::test]
    async fn filters_find_by_part_and_take_wildcards_as_text() {
        for stage in stages().await {
            stage.audit.note(&note("north", "Ann")).await.unwrap();
            stage.audit.note(&note("south", "Bob")).await.unwrap();
            let who = caller("aud", &[Permission::ReadAudit], Scope::EVERYWHERE);
            let about = |text: &str| AuditQuery {
                text: text.to_owned(),
                action: Action::PortalSessionEnded.word().to_owned(),
                ..AuditQuery::default()
            };
            for (text, found) in [
                ("ANN", 1),
                ("50%", 2),
                ("5%l", 0),
                ("leaked_p", 2),
                ("leaked-p", 0),
                ("t-7", 2),
            ] {
                let page = stage.audit.page(&who, about(text)).await.unwrap();
                assert_eq!(page.entries.len(), found, "{text}");
            }
            for (query, found) in [
                (
                    AuditQuery {
                        system: "south".to_owned(),
                        ..about("")
                    },
                    1,
                ),
                (
                    AuditQuery {
                        who: "AD".to_owned(),
                        ..about("")
                    },
                    2,
                ),
                (
                    AuditQuery {
                        result: "refused".to_owned(),
                        ..about("")
                    },
                    0,
                ),
                (
                    AuditQuery {
                        from: Some(NOW.plus_ms(1)),
                        ..about("")
                    },
                    0,
                ),
                (
                    AuditQuery {
                        until: Some(NOW),
                        ..about("")
                    },
                    2,
                ),
                (
                    AuditQuery {
                        before_seq: Some(2),
                        ..about("")
                    },
                    1,
                ),
                (
                    AuditQuery {
                        ending_no: 9,
                        ..about("")
                    },
                    0,
                ),
            ] {
                let page = stage.audit.page(&who, query.clone()).await.unwrap();
                assert_eq!(page.entries.len(), found, "{query:?}");
            }
        }
    }

    #[tokio::test]
    async fn pages_walk_meets_each_entry_once() {
        for stage in stages().await {
            for n in 0..230 {
                stage.audit.note(&note("north", &format!("p{n}"))).await.unwrap();
            }
            let who = caller("aud", &[Permission::ReadAudit], Scope::EVERYWHERE);
            let mut query = AuditQuery {
                action: Action::PortalSessionEnded.word().to_owned(),
                ..AuditQuery::default()
            };
            let mut met = Vec::new();
            loop {
                let page = stage.audit.page(&who, query.clone()).await.unwrap();
                met.extend(page.entries.iter().map(|e| e.seq));
                match page.next {
                    Some(seq) => query.before_seq = Some(seq),
                    None => break,
                }
            }
            assert_eq!(met, (1..=230).rev().collect::<Vec<_>>());
        }
    }

    #[tokio::test]
    async fn security_f3_exports_are_one_json_object_per_line_in_scope_and_written_down() {
        for stage in stages().await {
            let hostile = "Ann\n{\"seq\":1}\r\u{2028}=cmd";
            stage.audit.note(&note("north", hostile)).await.unwrap();
            stage.audit.note(&note("south", "Bob")).await.unwrap();
            let rights = [Permission::ReadAudit, Permission::ExportData];
            let who = caller("aud", &rights, north());
            let all = stage
                .audit
                .export(&who, AuditQuery::default(), Format::JsonLines)
                .await
                .unwrap();
            let text = all.try_collect::<String>().await.unwrap();
            let lines: Vec<serde_json::Value> =
                text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
            assert_eq!(lines.len(), 1, "{text}");
            assert_eq!(lines[0]["schema"], 1);
            assert_eq!(lines[0]["time"], "2027-01-15T08:00:00.000Z");
            assert_eq!(lines[0]["account"], hostile);

            let csv = stage
                .audit
                .export(&who, AuditQuery::default(), Format::Csv)
                .await
                .unwrap();
            let text = csv.try_collect::<String>().await.unwrap();
            // The header, the entry, and the export before this one: their own act.
            assert_eq!(text.lines().count(), 3, "{text}");
            assert!(text.starts_with("schema,time,seq,"));

            let page = stage.audit.page(&who, AuditQuery::default()).await.unwrap();
            let exports = page
                .entries
                .iter()
                .filter(|e| e.action == Action::Export.word())
                .count();
            assert_eq!(exports, 2);
            let reader = caller("aud", &[Permission::ReadAudit], north());
            let refused = stage
                .audit
                .export(&reader, AuditQuery::default(), Format::Csv)
                .await;
            assert!(matches!(
                refused.err(),
                Some(Error::App(AppError::Forbidden { .. }))
            ));
        }
    }

    #[tokio::test]
    async fn security_b4_addresses_need_see_network_data() {
        for stage in stages().await {
            let mut who = caller("ada", &[], Scope::EVERYWHERE);
            who.origin.ip = Some("192.0.2.7".to_owned());
            let entry = Entry::by(&who, Action::PortalSessionEnded).system(&"north".into());
            stage.audit.note(&entry).await.unwrap();
            let plain = caller("aud", &[Permission::ReadAudit], north());
            let seeing = caller(
                "net",
                &[Permission::ReadAudit, Permission::SeeNetworkData],
                north(),
            );
            for (reader, ip) in [(plain, None), (seeing, Some("192.0.2.7"))] {
                let page = stage.audit.page(&reader, AuditQuery::default()).await.unwrap();
                let entry = page.entries.iter().find(|e| e.system_id.is_some()).unwrap();
                assert_eq!(entry.source_ip.as_deref(), ip);
            }
        }
    }
}
