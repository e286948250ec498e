//! What a simulated Keycloak knows: realms with their people, clients, sessions and the tokens that were handed out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use app::wire::Timestamp;
use serde_json::{Value, json};

use crate::keys;
use crate::simulators::dice::Dice;

/// The client that people use first; public, with a back-channel address and passwords allowed.
pub const PORTAL: &str = "portal";
/// The other one: told nothing.
pub const LIBRARY: &str = "library";
/// What the list of clients gives away.
pub const CLIENT_SECRET: &str = "simulated-client-secret";
/// Seconds that a token of a service account lasts.
const SERVICE_TOKEN_S: i64 = 300;

/// A person of a realm.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub username: String,
    /// First and last name in one; empty = none.
    pub name: String,
    pub email: Option<String>,
    pub enabled: bool,
    /// Tokens from before are refused, seconds.
    pub not_before: i64,
    password: Option<String>,
}

/// A client, as far as sessions go.
#[derive(Clone, Debug)]
pub struct Client {
    pub uuid: String,
    pub client_id: String,
    pub public: bool,
    pub backchannel: Option<String>,
}

/// An online or an offline session.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: String,
    pub user_id: String,
    pub ip: String,
    /// Whole seconds.
    pub start: Timestamp,
    pub last_access: Timestamp,
    pub remember_me: bool,
    /// Clients it reaches.
    pub clients: BTreeSet<String>,
}

/// Sessions by id.
pub type Sessions = BTreeMap<String, Session>;

/// One realm.
pub struct Realm {
    /// As the API writes it.
    pub settings: Value,
    pub users: BTreeMap<String, User>,
    pub clients: BTreeMap<String, Client>,
    pub online: Sessions,
    pub offline: Sessions,
    services: BTreeMap<String, (String, BTreeSet<String>)>,
    /// Sessions that live traffic keeps up.
    pub(super) target: usize,
}

impl Realm {
    /// The sessions of that kind.
    pub fn sessions(&mut self, offline: bool) -> &mut Sessions {
        if offline {
            &mut self.offline
        } else {
            &mut self.online
        }
    }

    /// A setting in seconds.
    pub fn seconds(&self, name: &str) -> i64 {
        self.settings[name].as_i64().unwrap_or(0)
    }
}

/// Who holds an access token of a service account.
#[derive(Clone)]
pub(super) struct Service {
    pub realm: String,
    pub roles: BTreeSet<String>,
    until: Timestamp,
}

/// What a refresh token is of.
struct Refresh {
    realm: String,
    session: String,
    offline: bool,
    /// Second it was handed out.
    issued: i64,
}

/// Everything.
pub struct Model {
    pub(super) dice: Dice,
    pub realms: BTreeMap<String, Realm>,
    tokens: HashMap<String, Service>,
    refresh: HashMap<String, Refresh>,
}

impl Model {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            realms: BTreeMap::new(),
            tokens: HashMap::new(),
            refresh: HashMap::new(),
        }
    }

    /// Adds a realm with Keycloak's defaults and two clients.
    pub(super) fn add_realm(&mut self, name: &str) {
        let settings = json!({
            "realm": name, "enabled": true, "notBefore": 0, "rememberMe": false, "revokeRefreshToken": false,
            "refreshTokenMaxReuse": 0, "accessTokenLifespan": 300, "accessTokenLifespanForImplicitFlow": 900,
            "ssoSessionIdleTimeout": 1800, "ssoSessionMaxLifespan": 36000, "ssoSessionIdleTimeoutRememberMe": 0,
            "ssoSessionMaxLifespanRememberMe": 0, "clientSessionIdleTimeout": 0, "clientSessionMaxLifespan": 0,
            "offlineSessionIdleTimeout": 2592000, "offlineSessionMaxLifespanEnabled": false,
            "offlineSessionMaxLifespan": 5184000, "clientOfflineSessionIdleTimeout": 0,
            "clientOfflineSessionMaxLifespan": 0, "adminEventsEnabled": true,
        });
        let mut clients = BTreeMap::new();
        for (client_id, public, backchannel) in [
            (PORTAL, true, Some("https://portal.example.org/backchannel")),
            (LIBRARY, false, None),
        ] {
            let client = Client {
                uuid: self.uuid(),
                client_id: client_id.to_owned(),
                public,
                backchannel: backchannel.map(str::to_owned),
            };
            clients.insert(client.uuid.clone(), client);
        }
        let realm = Realm {
            settings,
            users: BTreeMap::new(),
            clients,
            online: Sessions::new(),
            offline: Sessions::new(),
            services: BTreeMap::new(),
            target: 0,
        };
        self.realms.insert(name.to_owned(), realm);
    }

    /// Adds a client with a service account, or changes its roles.
    pub fn add_service(&mut self, realm: &str, client_id: &str, secret: &str, roles: &[&str]) {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        if let Some(realm) = self.realms.get_mut(realm) {
            realm
                .services
                .insert(client_id.to_owned(), (secret.to_owned(), roles));
        }
    }

    /// Changes the roles of a service account; its tokens are thrown away.
    pub fn set_roles(&mut self, realm: &str, client_id: &str, roles: &[&str]) {
        self.tokens.clear();
        let service = self
            .realms
            .get_mut(realm)
            .and_then(|realm| realm.services.get_mut(client_id));
        if let Some((_, held)) = service {
            *held = roles.iter().map(|role| (*role).to_owned()).collect();
        }
    }

    /// Throws away every token of the service accounts, as ending everybody of a realm does.
    pub fn make_tokens_stale(&mut self) {
        self.tokens.clear();
    }

    /// Adds somebody; their id.
    pub fn add_user(&mut self, realm: &str, username: &str, name: &str, email: Option<&str>) -> String {
        let id = self.uuid();
        let user = User {
            id: id.clone(),
            username: username.to_owned(),
            name: name.to_owned(),
            email: email.map(str::to_owned),
            enabled: true,
            not_before: 0,
            password: None,
        };
        if let Some(realm) = self.realms.get_mut(realm) {
            realm.users.insert(id.clone(), user);
        }
        id
    }

    /// Lets somebody sign in by password.
    pub fn set_password(&mut self, realm: &str, user_id: &str, password: &str) {
        let user = self
            .realms
            .get_mut(realm)
            .and_then(|realm| realm.users.get_mut(user_id));
        if let Some(user) = user {
            user.password = Some(password.to_owned());
        }
    }

    /// Somebody by user name.
    pub fn user_named(&self, realm: &str, username: &str) -> Option<String> {
        let mut users = self.realms.get(realm)?.users.values();
        users
            .find(|user| user.username == username)
            .map(|user| user.id.clone())
    }

    /// Opens a session at the client of that name; its id and a refresh token.
    pub fn open(
        &mut self,
        realm: &str,
        user_id: &str,
        client: &str,
        offline: bool,
        now: Timestamp,
    ) -> (String, String) {
        let id = self.session_id();
        let octet = self.dice.below(250) + 1;
        let second = Timestamp(now.0 / 1_000 * 1_000);
        if let Some(known) = self.realms.get_mut(realm) {
            let clients = known.clients.values().filter(|known| known.client_id == client);
            let session = Session {
                id: id.clone(),
                user_id: user_id.to_owned(),
                ip: format!("203.0.113.{octet}"),
                start: second,
                last_access: second,
                remember_me: false,
                clients: clients.map(|client| client.uuid.clone()).collect(),
            };
            known.sessions(offline).insert(id.clone(), session);
        }
        let token = keys::random_id();
        let refresh = Refresh {
            realm: realm.to_owned(),
            session: id.clone(),
            offline,
            issued: now.0 / 1_000,
        };
        self.refresh.insert(token.clone(), refresh);
        (id, token)
    }

    /// Uses a refresh token: whether it is good. Not-before counts whole seconds, and only what is older.
    pub fn refreshed(&mut self, token: &str, now: Timestamp) -> Result<String, &'static str> {
        let refresh = self.refresh.get_mut(token).ok_or("Invalid refresh token")?;
        let realm = self
            .realms
            .get_mut(&refresh.realm)
            .ok_or("Realm does not exist")?;
        let realm_before = realm.seconds("notBefore");
        let (users, issued) = (&realm.users, refresh.issued);
        let sessions = if refresh.offline {
            &mut realm.offline
        } else {
            &mut realm.online
        };
        let session = sessions.get_mut(&refresh.session).ok_or("Session not active")?;
        let user = users.get(&session.user_id).ok_or("User not found")?;
        if !user.enabled {
            return Err("User disabled");
        }
        if issued < user.not_before.max(realm_before) {
            return Err("Stale token");
        }
        session.last_access = Timestamp(now.0 / 1_000 * 1_000);
        refresh.issued = now.0 / 1_000;
        Ok(session.id.clone())
    }

    /// Signs a service account in: its token.
    pub(super) fn service(
        &mut self,
        realm: &str,
        client: &str,
        secret: &str,
        now: Timestamp,
    ) -> Option<String> {
        let (known, roles) = self.realms.get(realm)?.services.get(client)?;
        if known != secret {
            return None;
        }
        let service = Service {
            realm: realm.to_owned(),
            roles: roles.clone(),
            until: now.plus_seconds(SERVICE_TOKEN_S),
        };
        let claims = json!({
            "jti": keys::random_id(), "azp": client, "resource_access": { "realm-management": { "roles": roles } },
        });
        let claims = data_encoding::BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
        let token = format!("e30.{claims}.{}", keys::random_id());
        self.tokens.insert(token.clone(), service);
        Some(token)
    }

    /// Signs a person in by password: session and refresh token.
    pub(super) fn sign_in(
        &mut self,
        realm: &str,
        username: &str,
        password: &str,
        client: &str,
        offline: bool,
        now: Timestamp,
    ) -> Option<(String, String)> {
        let id = self.user_named(realm, username)?;
        let user = self.realms.get(realm)?.users.get(&id)?;
        if !user.enabled || user.password.as_deref() != Some(password) {
            return None;
        }
        Some(self.open(realm, &id, client, offline, now))
    }

    /// Whose token that is.
    pub(super) fn holder(&self, token: &str, now: Timestamp) -> Option<Service> {
        self.tokens
            .get(token)
            .filter(|service| service.until > now)
            .cloned()
    }

    /// Signs somebody out everywhere, as Keycloak does it: online sessions go, offline ones stay listed and are refused.
    pub(super) fn log_out(&mut self, realm: &str, user_id: &str, now: Timestamp) -> bool {
        let Some(realm) = self.realms.get_mut(realm) else {
            return false;
        };
        let Some(user) = realm.users.get_mut(user_id) else {
            return false;
        };
        user.not_before = now.0 / 1_000;
        realm.online.retain(|_, session| session.user_id != user_id);
        true
    }

    /// Everything that was handed out.
    pub(super) fn tokens(&self) -> Vec<String> {
        self.tokens.keys().chain(self.refresh.keys()).cloned().collect()
    }

    /// 24 characters of base64url; some begin with dashes.
    fn session_id(&mut self) -> String {
        const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        (0..24)
            .filter_map(|_| self.dice.one_of(LETTERS))
            .map(char::from)
            .collect()
    }

    fn uuid(&mut self) -> String {
        let mut part = |digits: usize| -> String {
            (0..digits)
                .map(|_| format!("{:x}", self.dice.below(16)))
                .collect()
        };
        format!("{}-{}-4{}-9{}-{}", part(8), part(4), part(3), part(3), part(12))
    }
}
