//! Whether sites are ready for tickets: their login views, the way to their Tableau, and a look with a real ticket.

use std::collections::BTreeMap;

use app::access::wire::Permission;
use app::error::AppError;
use app::tickets::wire::{AskedFrom, LoginViewLook, Readiness, SiteReady, TicketGrant, TicketTestAsked};
use app::wire::{SystemId, Timestamp};

use super::{Tickets, looks};
use crate::audit::{Action, Entry};
use crate::caller::Caller;
use crate::connectors::{TicketFor, TryTickets, Way};
use crate::domain::grant::About;
use crate::error::Error;
use crate::systems::Connected;

/// What is known of a way is good for so long, ms.
const WAYS_MS: i64 = 60_000;

impl Tickets {
    /// How ready the sites are of systems the caller holds UseTickets for as a whole; `anew` = every way is asked now.
    pub(super) async fn readiness(&self, caller: &Caller, anew: bool) -> Result<Readiness, Error> {
        let now = self.now();
        caller.authorize_somewhere(Permission::UseTickets, now)?;
        let scope = caller.visible(Permission::UseTickets, now);
        let mut conn = self.parts.db.read().await?;
        let names = self.parts.systems.names(&mut conn).await?;
        let looks = looks::newest(&mut conn).await?;
        drop(conn);
        let apps = self.apps();
        let mut readiness = Readiness::default();
        for connected in self.parts.systems.all() {
            let id = &connected.system_id;
            let Some(tried) = connected.guard.try_tickets().filter(|_| scope.covers_system(id)) else {
                continue;
            };
            let mut sites: BTreeMap<String, (Option<String>, Vec<String>)> = BTreeMap::new();
            for (site, view) in tried.login_views() {
                sites.entry(site).or_default().0 = Some(view);
            }
            let asking = apps
                .all()
                .filter(|app| app.system == *id && app.settings.grant == TicketGrant::Ticket);
            for app in asking {
                for site in &app.settings.sites {
                    let (_, apps) = sites.entry(site.clone()).or_default();
                    apps.push(app.settings.id.clone());
                }
            }
            readiness
                .sites
                .extend(sites.into_iter().map(|(site, (login_view, apps))| {
                    let look = looks.iter().find(|(of, place, _)| of == id && *place == site);
                    SiteReady {
                        system_id: id.clone(),
                        system_name: names.get(id).cloned().unwrap_or_else(|| id.0.clone()),
                        look: look.map(|(.., look)| look.clone()),
                        site,
                        login_view,
                        apps,
                    }
                }));
            let (at, ways) = self.ways(&connected, tried, anew, now).await;
            readiness
                .from
                .extend(ways.into_iter().map(|way| asked_from(id, way, at)));
        }
        Ok(readiness)
    }

    /// The ways to a Tableau's addresses, and when they were tried. One asks, whoever else wants to know waits for it.
    async fn ways(
        &self,
        connected: &Connected,
        tried: &dyn TryTickets,
        anew: bool,
        now: Timestamp,
    ) -> (Timestamp, Vec<Way>) {
        let mut kept = self.ways.lock().await;
        let nodes = connected.guard.tickets().map(|tickets| tickets.nodes(now));
        let nodes: Vec<String> = nodes.into_iter().flatten().map(|node| node.node).collect();
        if let Some((at, ways)) = kept.get(&connected.system_id)
            && !anew
            && now.since(*at) < WAYS_MS
            && ways.iter().map(|way| &way.node).eq(&nodes)
        {
            return (*at, ways.clone());
        }
        let ways = tried.ways().await;
        kept.insert(connected.system_id.clone(), (now, ways.clone()));
        (now, ways)
    }

    /// Tries the login view of a site with a ticket for this user, and keeps what it found.
    pub(super) async fn look(
        &self,
        caller: &Caller,
        asked: &TicketTestAsked,
    ) -> Result<LoginViewLook, Error> {
        let now = self.now();
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
        let connected = self.parts.systems.connected(&app.system);
        let tried = connected
            .as_ref()
            .and_then(|connected| connected.guard.try_tickets());
        let wanted = TicketFor {
            user,
            site: &asked.site,
            client_ip: None,
        };
        let look = match tried {
            Some(tried) => tried.look(&wanted, now).await,
            None => None,
        };
        let look = look.ok_or_else(|| {
            AppError::invalid(
                "site",
                "The settings name no login view for this site (trusted.login_view).",
            )
        })?;
        let look = LoginViewLook {
            at: now,
            view: look.view,
            seen: look.seen,
            reuse_blocked: look.reuse_blocked,
        };
        let mut conn = self.parts.db.write().await?;
        looks::keep(&mut conn, &app.system, &asked.site, &look).await?;
        conn.commit().await?;
        let entry = Entry::by(caller, Action::TicketTested)
            .system(&app.system)
            .account(app.settings.account_of(user))
            .permission(permit.permission())
            .target(format!("Login view {}: {}", look.view, look.seen.label()))
            .fact("seen", look.seen.name());
        self.parts.audit.note(&entry).await?;
        Ok(look)
    }
}

fn asked_from(system: &SystemId, way: Way, at: Timestamp) -> AskedFrom {
    let (from, trouble) = match way.from {
        Ok(ip) => (Some(ip.to_string()), None),
        Err(words) => (None, Some(words)),
    };
    AskedFrom {
        system_id: system.clone(),
        node: way.node,
        from,
        trouble,
        at,
    }
}
