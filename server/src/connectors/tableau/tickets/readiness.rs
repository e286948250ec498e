//! Whether tickets can be redeemed: the way to each address, and a look at a site's login view with a real ticket.

use app::tickets::wire::LoginViewSeen;
use app::wire::Timestamp;
use async_trait::async_trait;
use futures::future::join_all;
use reqwest::Method;
use reqwest::header::HeaderName;
use secrecy::{ExposeSecret, SecretString};

use super::{Node, Tickets};
use crate::connectors::{IssueTicket, Look, TicketFor, TicketSaid, TryTickets, Way};

/// Carries a session to a browser; its value is what REST takes as a token.
const COOKIE: &str = "workgroup_session_id";
const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-tableau-auth");
/// Every server that has trusted tickets of two parts knows this version of the REST API.
const REST_VERSION: &str = "2.4";
/// How a picture begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

#[async_trait]
impl TryTickets for Tickets {
    fn login_views(&self) -> Vec<(String, String)> {
        let views = self.login_view.iter();
        views.map(|(site, view)| (site.clone(), view.clone())).collect()
    }

    async fn ways(&self) -> Vec<Way> {
        join_all(self.nodes.iter().map(|node| async {
            Way {
                node: node.address.clone(),
                from: node.http.local_address().await.map_err(|error| error.message),
            }
        }))
        .await
    }

    async fn look(&self, wanted: &TicketFor<'_>, now: Timestamp) -> Option<Look> {
        let view = self.login_view.get(wanted.site)?;
        let found = |seen, reuse_blocked| Look {
            view: view.clone(),
            seen,
            reuse_blocked,
        };
        let answer = self.ticket(wanted, now).await;
        let (TicketSaid::Ticket(ticket), Some(node)) = (answer.said, answer.node) else {
            return Some(found(LoginViewSeen::NoTicket, None));
        };
        let Some(node) = self.nodes.iter().find(|own| own.address == node) else {
            return Some(found(LoginViewSeen::Unclear, None));
        };
        let (seen, session) = node.redeem(wanted.site, view, &ticket).await;
        // Only a session that was signed out says anything of what comes after.
        let reuse_blocked = match session {
            Some(session) if node.sign_out(&session).await => {
                match node.redeem(wanted.site, view, &ticket).await {
                    (_, Some(again)) => {
                        node.sign_out(&again).await;
                        Some(false)
                    }
                    (LoginViewSeen::NotLetIn, None) => Some(true),
                    _ => None,
                }
            }
            _ => None,
        };
        Some(found(seen, reuse_blocked))
    }
}

impl Node {
    /// Redeems a ticket at a site's view: what came, and the session it opened.
    async fn redeem(
        &self,
        site: &str,
        view: &str,
        ticket: &SecretString,
    ) -> (LoginViewSeen, Option<SecretString>) {
        let picture = format!("{view}.png");
        let mut path = vec!["trusted", ticket.expose_secret()];
        if !site.is_empty() {
            path.extend(["t", site]);
        }
        path.push("views");
        path.extend(picture.split('/'));
        let call = self.http.call("redeem", Method::GET, &path);
        let answered = call
            .header("accept", "image/png, */*")
            .refusals_too()
            .redirects_too()
            .send()
            .await;
        let Ok(answered) = answered else {
            return (LoginViewSeen::Unclear, None);
        };
        let seen = match answered.status {
            200 if answered.bytes().starts_with(PNG) => LoginViewSeen::Shown,
            404 => LoginViewSeen::Missing,
            403 => LoginViewSeen::Hidden,
            301..=303 | 307 | 401 => LoginViewSeen::NotLetIn,
            _ => LoginViewSeen::Unclear,
        };
        (seen, answered.cookie(COOKIE).cloned())
    }

    /// Signs a session out; true when the server says that it did.
    async fn sign_out(&self, session: &SecretString) -> bool {
        let path = ["api", REST_VERSION, "auth", "signout"];
        let call = self.http.call("sign_out", Method::POST, &path);
        let status = call.secret_header(TOKEN_HEADER, session).status().await;
        status.is_ok_and(|status| (200..300).contains(&status))
    }
}
