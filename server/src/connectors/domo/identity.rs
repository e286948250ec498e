//! Whom Curfew is at Domo. Nothing that Domo publishes says which way in its sessions interface takes, so there are three.

use reqwest::header::HeaderName;
use secrecy::SecretString;
use serde::Deserialize;

use crate::config::SecretRef;

/// An identity in the settings: an access token, a mail address with a password, or a refresh token of OAuth.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentitySettings {
    /// Access token ("developer token") of an account, by reference. Domo may refuse it for sessions.
    #[serde(default)]
    developer_token: Option<SecretRef>,
    /// Mail address of an account that signs in with a password.
    #[serde(default)]
    email: Option<String>,
    /// Its password, by reference.
    #[serde(default)]
    password: Option<SecretRef>,
    /// Refresh token of OAuth, by reference, as Domo's own command line keeps one.
    #[serde(default)]
    refresh_token: Option<SecretRef>,
    /// OAuth client the refresh token was given to; none = not sent.
    #[serde(default)]
    client_id: Option<String>,
    /// Its secret, by reference; none = not sent.
    #[serde(default)]
    client_secret: Option<SecretRef>,
}

/// How Curfew proves who it is.
pub(super) enum Identity {
    /// A header with the token itself: it opens no session.
    Token(SecretString),
    /// A session of its own, opened with a password.
    Password { email: String, password: SecretString },
    /// A session of its own, opened by way of OAuth; it holds about an hour.
    Refresh {
        /// A new one may come with each answer.
        token: SecretString,
        client_id: Option<String>,
        client_secret: Option<SecretString>,
    },
}

impl IdentitySettings {
    /// The identity; `setting` is its name in errors.
    pub(super) fn read(&self, setting: &str) -> anyhow::Result<Identity> {
        let client = self.client_id.is_some() || self.client_secret.is_some();
        match (
            &self.developer_token,
            &self.email,
            &self.password,
            &self.refresh_token,
        ) {
            (Some(token), None, None, None) if !client => Ok(Identity::Token(token.read()?)),
            (None, Some(email), Some(password), None) if !client => Ok(Identity::Password {
                email: email.clone(),
                password: password.read()?,
            }),
            (None, None, None, Some(token)) => Ok(Identity::Refresh {
                token: token.read()?,
                client_id: self.client_id.clone(),
                client_secret: self.client_secret.as_ref().map(SecretRef::read).transpose()?,
            }),
            _ => anyhow::bail!(
                "{setting}: developer_token, or email and password, or refresh_token (with client_id and client_secret)"
            ),
        }
    }
}

impl Identity {
    /// The way in, for people.
    pub(super) const fn words(&self) -> &'static str {
        match self {
            Self::Token(_) => "a developer token",
            Self::Password { .. } => "a mail address and password",
            Self::Refresh { .. } => "an OAuth refresh token",
        }
    }

    /// The header that carries the credential.
    pub(super) const fn header(&self) -> HeaderName {
        match self {
            Self::Token(_) => HeaderName::from_static("x-domo-developer-token"),
            Self::Password { .. } | Self::Refresh { .. } => HeaderName::from_static("x-domo-authentication"),
        }
    }

    /// True when Curfew has a session of its own there, which may be in the list.
    pub(super) const fn has_session(&self) -> bool {
        !matches!(self, Self::Token(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_an_identity_or_two_are_refused() {
        for good in [
            "developer_token = \"env:HOME\"",
            "email = \"a@b.example\"\npassword = \"env:HOME\"",
            "refresh_token = \"env:HOME\"",
            "refresh_token = \"env:HOME\"\nclient_id = \"x\"\nclient_secret = \"env:HOME\"",
        ] {
            let settings: IdentitySettings = toml::from_str(good).unwrap();
            assert!(settings.read("identity").is_ok(), "{good}");
        }
        for bad in [
            "",
            "email = \"a@b.example\"",
            "password = \"env:HOME\"",
            "developer_token = \"env:HOME\"\nemail = \"a@b.example\"\npassword = \"env:HOME\"",
            "developer_token = \"env:HOME\"\nclient_id = \"x\"",
            "client_id = \"x\"",
        ] {
            let settings: IdentitySettings = toml::from_str(bad).unwrap();
            assert!(settings.read("identity").is_err(), "{bad}");
        }
    }
}
