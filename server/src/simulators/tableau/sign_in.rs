//! Signing in: by password, personal access token or connected app, as oneself or as somebody else; and changing the site.

use app::wire::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use uuid::Uuid;

use super::model::{Model, letters_and_digits};
use super::problem::Problem;
use super::release::Rest;
use super::rows::{Kind, Session, Site, SiteRole, SiteStatus};
use crate::keys;

/// A personal access token; it holds one session.
#[derive(Clone, Debug)]
pub struct Pat {
    /// Its name, unique for its owner.
    pub name: String,
    /// Its secret.
    pub secret: String,
    /// Its owner.
    pub system_user_id: i32,
    /// When it ends whatever is done with it; none = never.
    pub expires_at: Option<Timestamp>,
    /// Last sign-in with it.
    pub last_used_at: Timestamp,
    /// The session it holds.
    session: Option<i32>,
}

/// Days after which an unused personal access token has expired.
const PAT_IDLE_DAYS: i64 = 15;

/// A connected app with direct trust: who knows its secret may say who signs in.
#[derive(Clone, Debug)]
pub struct ConnectedApp {
    /// `iss` of its tokens.
    pub client_id: String,
    /// `kid` of its tokens.
    pub secret_id: String,
    /// What they are signed with, HS256.
    pub secret_value: String,
    /// Id and value of its other secret, where it is being changed: both are good.
    pub other: Option<(String, String)>,
    /// Off: its tokens are refused.
    pub enabled: bool,
}

/// How somebody proves who they are.
#[derive(Clone, Debug)]
pub enum Proof {
    /// Name, with or without domain, and password.
    Password(String, String),
    /// Name and secret of a personal access token.
    Pat(String, String),
    /// Token of a connected app.
    Jwt(String),
}

/// A request to sign in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// Who asks.
    pub proof: Proof,
    /// `contentUrl` of the site; empty = Default.
    pub content_url: String,
    /// LUID of the user to sign in as; none = oneself.
    pub impersonate: Option<String>,
}

/// What a connected app's token says at its head.
#[derive(Deserialize)]
struct JwtHead {
    alg: String,
    kid: Option<String>,
}

/// What it says of the person.
#[derive(Deserialize)]
struct JwtBody {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    jti: String,
    #[serde(default)]
    scp: Vec<String>,
}

/// Somebody who has proved who they are.
struct Proved {
    system_user_id: i32,
    /// The token it was proved with, by its place in the list.
    pat: Option<usize>,
    scopes: Option<Vec<String>>,
}

/// What a connected app's token must allow to delete sessions.
const DELETE_SCOPE: &str = "tableau:sessions:delete";
/// A connected app's token may not live longer than this, seconds.
const JWT_LIFE_S: i64 = 600;

impl Model {
    /// Lets somebody sign in with this password.
    pub fn set_password(&mut self, system_user_id: i32, password: &str) {
        self.passwords.insert(system_user_id, password.to_owned());
    }

    /// Gives somebody a personal access token; its secret.
    pub fn add_pat(&mut self, system_user_id: i32, name: &str, now: Timestamp) -> String {
        let first = data_encoding::BASE64.encode(&keys::random_bytes::<16>());
        let secret = format!("{first}:{}", letters_and_digits());
        self.pats.push(Pat {
            name: name.to_owned(),
            secret: secret.clone(),
            system_user_id,
            expires_at: None,
            last_used_at: now,
            session: None,
        });
        secret
    }

    /// Lets the personal access tokens of that name expire; their sessions live on.
    pub fn expire_pat(&mut self, name: &str, at: Timestamp) {
        for pat in self.pats.iter_mut().filter(|pat| pat.name == name) {
            pat.expires_at = Some(at);
        }
    }

    /// Trusts a connected app, in the place of the one before.
    pub fn trust_app(&mut self) -> ConnectedApp {
        let app = ConnectedApp {
            client_id: Uuid::new_v4().to_string(),
            secret_id: Uuid::new_v4().to_string(),
            secret_value: letters_and_digits(),
            other: None,
            enabled: true,
        };
        self.app = Some(app.clone());
        app
    }

    /// Gives the connected app a new secret beside the one it has; what was beside that is good no more.
    pub fn add_app_secret(&mut self) -> Option<ConnectedApp> {
        let app = self.app.as_mut()?;
        let id = std::mem::replace(&mut app.secret_id, Uuid::new_v4().to_string());
        let value = std::mem::replace(&mut app.secret_value, letters_and_digits());
        app.other = Some((id, value));
        Some(app.clone())
    }

    /// Switches the connected app on or off.
    pub fn enable_app(&mut self, enabled: bool) {
        if let Some(app) = &mut self.app {
            app.enabled = enabled;
        }
    }

    /// Signs somebody in; the key of their session.
    ///
    /// A personal access token that held a session loses it.
    pub fn sign_in(&mut self, wanted: &SignIn, now: Timestamp) -> Result<i32, Problem> {
        let by_app = matches!(wanted.proof, Proof::Jwt(_));
        if by_app && self.shape.release.rest() < Rest(3, 17) {
            return Err(unknown_proof());
        }
        self.sign_in_by(wanted, Kind::Rest, now)
    }

    /// The same to look at a site with a browser.
    pub(super) fn opened_by(
        &mut self,
        proof: Proof,
        content_url: &str,
        now: Timestamp,
    ) -> Result<i32, Problem> {
        let wanted = SignIn {
            proof,
            content_url: content_url.to_owned(),
            impersonate: None,
        };
        self.sign_in_by(&wanted, Kind::Browser, now)
    }

    fn sign_in_by(&mut self, wanted: &SignIn, kind: Kind, now: Timestamp) -> Result<i32, Problem> {
        let proved = self.proved(&wanted.proof, now)?;
        let site = self.site_by_url(&wanted.content_url).cloned();
        let failed = Problem::SignInFailed(proved.scopes.is_some().then_some(16));
        let site = site.ok_or(failed.clone())?;
        let own = self
            .let_in(proved.system_user_id, &site, now)
            .map_err(|_| failed.clone())?;
        let user = match &wanted.impersonate {
            Some(luid) => self.somebody_else(&proved, luid, &site)?,
            None => own,
        };
        if let Some(pat) = proved.pat.and_then(|at| self.pats.get(at))
            && let Some(session) = pat.session
        {
            self.end(session);
        }
        let session = self.open(user, kind, now).ok_or(failed)?;
        if let Some(opened) = self.sessions.get_mut(&session) {
            opened.initiating_user_id = Some(own);
            opened.scopes = proved.scopes;
        }
        if let Some(pat) = proved.pat.and_then(|at| self.pats.get_mut(at)) {
            pat.session = Some(session);
            pat.last_used_at = now;
        }
        Ok(session)
    }

    fn proved(&mut self, proof: &Proof, now: Timestamp) -> Result<Proved, Problem> {
        let by = |system_user_id| Proved {
            system_user_id,
            pat: None,
            scopes: None,
        };
        let failed = Problem::SignInFailed(None);
        match proof {
            Proof::Password(account, password) => {
                let mut people = self.find_people(account).into_iter();
                let found = people.find(|person| self.passwords.get(person) == Some(password));
                found.map(by).ok_or(failed)
            }
            Proof::Pat(..) if self.shape.release.rest() < Rest(3, 6) => Err(unknown_proof()),
            Proof::Pat(name, secret) => {
                let at = self
                    .pats
                    .iter()
                    .position(|pat| pat.name == *name && pat.secret == *secret);
                let (at, pat) = at
                    .and_then(|at| Some((at, self.pats.get(at)?)))
                    .ok_or(failed.clone())?;
                let unused = now.since(pat.last_used_at) > PAT_IDLE_DAYS * 86_400_000;
                if unused || pat.expires_at.is_some_and(|at| at <= now) {
                    return Err(failed);
                }
                Ok(Proved {
                    pat: Some(at),
                    ..by(pat.system_user_id)
                })
            }
            Proof::Jwt(jwt) => {
                let (system_user_id, scopes) = self.proved_by_app(jwt, now)?;
                Ok(Proved {
                    scopes: Some(scopes),
                    ..by(system_user_id)
                })
            }
        }
    }

    /// Who a connected app's token speaks of, and its scopes. The numbers are those of the connected-app table.
    fn proved_by_app(&mut self, jwt: &str, now: Timestamp) -> Result<(i32, Vec<String>), Problem> {
        let refused = |number| Problem::SignInFailed(Some(number));
        let mut parts = jwt.split('.');
        let (Some(head), Some(body), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(refused(10_084));
        };
        let signed = format!("{head}.{body}");
        let read = |part: &str| {
            BASE64URL_NOPAD
                .decode(part.as_bytes())
                .map_err(|_| refused(10_084))
        };
        let head: JwtHead = serde_json::from_slice(&read(head)?).map_err(|_| refused(10_083))?;
        let body: JwtBody = serde_json::from_slice(&read(body)?).map_err(|_| refused(10_084))?;
        if head.alg != "HS256" {
            return Err(refused(10_083));
        }
        let app = self
            .app
            .as_ref()
            .filter(|app| app.enabled && app.client_id == body.iss);
        let app = app.ok_or(refused(126))?;
        let secret = match &app.other {
            Some((id, value)) if head.kid.as_ref() == Some(id) => value,
            _ if head.kid.as_ref() == Some(&app.secret_id) => &app.secret_value,
            _ => return Err(refused(127)),
        };
        if read(signature)? != keys::hmac_sha256(secret.as_bytes(), signed.as_bytes()) {
            return Err(refused(10_084));
        }
        let lives = (1..=JWT_LIFE_S * 1000).contains(&Timestamp(body.exp.saturating_mul(1000)).since(now));
        if !lives || body.aud != "tableau" {
            return Err(refused(16));
        }
        self.used_jwts.retain(|_, until| *until > now);
        let until = now.plus_seconds(JWT_LIFE_S);
        if self.used_jwts.insert(body.jti, until).is_some() {
            return Err(refused(16));
        }
        let person = self.find_people(&body.sub).first().copied().ok_or(refused(5))?;
        Ok((person, body.scp))
    }

    /// The site user somebody signs in as. Server administrators are let in everywhere.
    fn let_in(&mut self, system_user_id: i32, site: &Site, now: Timestamp) -> Result<i32, Problem> {
        let administrator = self
            .people
            .get(&system_user_id)
            .is_some_and(|person| person.administrator);
        let member = self
            .member(system_user_id, site.id)
            .and_then(|id| self.users.get(&id));
        if let Some(user) = member {
            let allowed = site.status == SiteStatus::Active && user.role != SiteRole::Unlicensed;
            return if allowed || administrator {
                Ok(user.id)
            } else {
                Err(Problem::SignInFailed(None))
            };
        }
        if !administrator {
            return Err(Problem::SignInFailed(None));
        }
        let id = self.join(system_user_id, site.id, SiteRole::SiteAdministrator, now);
        if let Some(user) = self.users.get_mut(&id) {
            user.system_admin_auto = true;
        }
        Ok(id)
    }

    fn somebody_else(&self, proved: &Proved, luid: &str, site: &Site) -> Result<i32, Problem> {
        let administrator = self
            .people
            .get(&proved.system_user_id)
            .is_some_and(|person| person.administrator);
        let allowed =
            proved.pat.is_none() || (self.shape.pat_impersonation && self.shape.release.is_since(2021, 1));
        if !administrator || !allowed {
            return Err(Problem::NotAdministrator);
        }
        let luid = Uuid::try_parse(luid).map_err(|_| Problem::NoUser)?;
        let mut of_site = self.members(site.id);
        let found = of_site.find(|(user, _)| user.luid == luid);
        found.map(|(user, _)| user.id).ok_or(Problem::NoUser)
    }

    /// Moves a sign-in to another site: a new session takes the place of the old one; its key.
    pub fn switch_site(
        &mut self,
        session: &Session,
        content_url: &str,
        now: Timestamp,
    ) -> Result<i32, Problem> {
        let site = self.site_by_url(content_url).cloned().ok_or(Problem::NoSite)?;
        if site.id == session.site_id {
            return Err(Problem::SameSite);
        }
        let person = self.person_of(session).map(|person| person.id);
        let user = self.let_in(person.ok_or(Problem::NoUser)?, &site, now)?;
        let opened = self
            .open(user, session.kind.clone(), now)
            .ok_or(Problem::NoSite)?;
        for pat in self.pats.iter_mut().filter(|pat| pat.session == Some(session.id)) {
            pat.session = Some(opened);
        }
        if let Some(opened) = self.sessions.get_mut(&opened) {
            opened.scopes.clone_from(&session.scopes);
        }
        self.end(session.id);
        Ok(opened)
    }

    /// Whether this session may delete others: a server administrator's, and if a connected app opened it, one that
    /// it lets do so (scopes for it exist from 3.27 on).
    pub fn may_delete(&self, session: &Session) -> bool {
        let scoped = session.scopes.as_ref();
        let in_scope = scoped.is_none_or(|scopes| scopes.iter().any(|scope| scope == DELETE_SCOPE));
        let known = scoped.is_none() || self.shape.release.rest() >= Rest(3, 27);
        self.is_administrator(session) && in_scope && known
    }
}

fn unknown_proof() -> Problem {
    Problem::Malformed("Sign-in needs a name and a password.")
}
