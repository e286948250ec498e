//! Whom Curfew signs in as at the REST API, and how that is written.

use app::wire::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::config::SecretRef;
use crate::keys;

/// How long a token of a connected app holds, seconds; Tableau takes at most 600.
const JWT_LASTS_S: i64 = 300;

/// An identity in the settings: a personal access token, a local user or a connected app.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentitySettings {
    /// Name of a personal access token (2019.4 or later).
    #[serde(default)]
    pat_name: Option<String>,
    /// Its secret, by reference.
    #[serde(default)]
    pat_secret: Option<SecretRef>,
    /// Name of a local user, or the user that a connected app signs in.
    #[serde(default)]
    user: Option<String>,
    /// The local user's password, by reference.
    #[serde(default)]
    password: Option<SecretRef>,
    /// Client id of a connected app with direct trust.
    #[serde(default)]
    client_id: Option<String>,
    /// Id of its secret.
    #[serde(default)]
    secret_id: Option<String>,
    /// Its secret, by reference.
    #[serde(default)]
    secret: Option<SecretRef>,
    /// Scopes a connected app asks for. Default: to end sessions.
    #[serde(default = "end_sessions")]
    scopes: Vec<String>,
}

fn end_sessions() -> Vec<String> {
    vec!["tableau:sessions:delete".to_owned()]
}

/// Who signs in.
pub(super) enum Identity {
    /// A personal access token: it holds one session at a time.
    Pat { name: String, secret: SecretString },
    /// A local user.
    Password { name: String, password: SecretString },
    /// A connected app with direct trust.
    App(App),
}

/// A connected app that signs in a user.
pub(super) struct App {
    client_id: String,
    secret_id: String,
    secret: SecretString,
    user: String,
    scopes: Vec<String>,
}

impl IdentitySettings {
    /// The identity; `setting` is its name in errors.
    pub(super) fn read(&self, setting: &str) -> anyhow::Result<Identity> {
        let pat = (&self.pat_name, &self.pat_secret);
        let app = (&self.client_id, &self.secret_id, &self.secret);
        match (pat, &self.user, &self.password, app) {
            ((Some(name), Some(secret)), None, None, (None, None, None)) => Ok(Identity::Pat {
                name: name.clone(),
                secret: secret.read()?,
            }),
            ((None, None), Some(name), Some(password), (None, None, None)) => Ok(Identity::Password {
                name: name.clone(),
                password: password.read()?,
            }),
            ((None, None), Some(user), None, (Some(client_id), Some(secret_id), Some(secret))) => {
                Ok(Identity::App(App {
                    client_id: client_id.clone(),
                    secret_id: secret_id.clone(),
                    secret: secret.read()?,
                    user: user.clone(),
                    scopes: self.scopes.clone(),
                }))
            }
            _ => anyhow::bail!(
                "{setting}: pat_name and pat_secret, or user and password, or client_id, secret_id, secret and user"
            ),
        }
    }
}

impl Identity {
    /// Who it is, for people.
    pub(super) fn words(&self) -> String {
        match self {
            Identity::Pat { name, .. } => format!("the personal access token \u{201c}{name}\u{201d}"),
            Identity::Password { name, .. } => format!("the user \u{201c}{name}\u{201d}"),
            Identity::App(app) => format!("the connected app for \u{201c}{}\u{201d}", app.user),
        }
    }

    /// True when both would be one session: a personal access token can't hold two.
    pub(super) fn is_the_pat_of(&self, other: &Identity) -> bool {
        match (self, other) {
            (Identity::Pat { name: one, .. }, Identity::Pat { name: two, .. }) => one == two,
            _ => false,
        }
    }

    /// The body of a sign-in at the site of that contentUrl.
    pub(super) fn sign_in_body(&self, site: &str, now: Timestamp) -> String {
        let credentials = match self {
            Identity::Pat { name, secret } => format!(
                "personalAccessTokenName=\"{}\" personalAccessTokenSecret=\"{}\"",
                attribute(name),
                attribute(secret.expose_secret())
            ),
            Identity::Password { name, password } => format!(
                "name=\"{}\" password=\"{}\"",
                attribute(name),
                attribute(password.expose_secret())
            ),
            Identity::App(app) => format!("jwt=\"{}\"", app.token(now)),
        };
        format!(
            "<tsRequest><credentials {credentials}><site contentUrl=\"{}\"/></credentials></tsRequest>",
            attribute(site)
        )
    }
}

impl App {
    /// A token for one sign-in, signed with HS256.
    fn token(&self, now: Timestamp) -> String {
        let head = serde_json::json!({
            "alg": "HS256", "typ": "JWT", "kid": self.secret_id, "iss": self.client_id,
        });
        let claims = serde_json::json!({
            "iss": self.client_id, "sub": self.user, "aud": "tableau",
            "exp": now.0 / 1000 + JWT_LASTS_S, "jti": keys::new_id(), "scp": self.scopes,
        });
        let part = |value: &serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&head), part(&claims));
        let mac = keys::hmac_sha256(self.secret.expose_secret().as_bytes(), signed.as_bytes());
        format!("{signed}.{}", BASE64URL_NOPAD.encode(&mac))
    }
}

/// Text as the value of an XML attribute.
fn attribute(text: &str) -> String {
    let mut written = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => written.push_str("&amp;"),
            '<' => written.push_str("&lt;"),
            '>' => written.push_str("&gt;"),
            '"' => written.push_str("&quot;"),
            c if c.is_control() => written.push_str(&format!("&#{};", u32::from(c))),
            c => written.push(c),
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> App {
        App {
            client_id: "client".to_owned(),
            secret_id: "kid".to_owned(),
            secret: SecretString::from("shared"),
            user: "svc".to_owned(),
            scopes: end_sessions(),
        }
    }

    #[test]
    fn a_connected_apps_token_is_signed_and_short_lived() {
        let token = app().token(Timestamp(1_000_000));
        let parts: Vec<&str> = token.split('.').collect();
        let read = |part: &str| -> serde_json::Value {
            serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
        };
        let (head, claims) = (read(parts[0]), read(parts[1]));
        assert_eq!((&head["alg"], &head["kid"]), (&"HS256".into(), &"kid".into()));
        assert_eq!(
            (&claims["sub"], &claims["aud"]),
            (&"svc".into(), &"tableau".into())
        );
        assert_eq!(claims["exp"], 1_000 + JWT_LASTS_S);
        assert_eq!(claims["scp"][0], "tableau:sessions:delete");
        let signed = format!("{}.{}", parts[0], parts[1]);
        let mac = keys::hmac_sha256(b"shared", signed.as_bytes());
        assert_eq!(parts[2], BASE64URL_NOPAD.encode(&mac));
        assert_ne!(token, app().token(Timestamp(1_000_000)), "a token is used once");
    }

    #[test]
    fn a_password_can_not_leave_its_attribute() {
        let identity = Identity::Password {
            name: "svc".to_owned(),
            password: SecretString::from("a\"/><x y='&"),
        };
        assert_eq!(
            identity.sign_in_body("R&D", Timestamp(0)),
            "<tsRequest><credentials name=\"svc\" password=\"a&quot;/&gt;&lt;x y='&amp;\">\
             <site contentUrl=\"R&amp;D\"/></credentials></tsRequest>"
        );
    }

    #[test]
    fn half_an_identity_is_refused() {
        for bad in [
            "",
            "pat_name = \"x\"",
            "user = \"x\"",
            "user = \"x\"\npassword = \"env:HOME\"\npat_name = \"y\"\npat_secret = \"env:HOME\"",
        ] {
            let settings: IdentitySettings = toml::from_str(bad).unwrap();
            assert!(settings.read("identity").is_err(), "{bad}");
        }
    }
}
