//! The calls to CAS's endpoint `ssoSessions`, and what their answers mean: CAS says 200 for nearly anything.

use reqwest::Method;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Named;
use super::reading::{Sessions, read};
use super::rows::Row;
use crate::connectors::http::call::Call;
use crate::connectors::http::{Answered, CallError, Http};
use crate::connectors::{Answer, ConnectorError, ErrorKind, SeenSession, Sink};

/// Where the endpoint is. Only spelled so: the index of the actuator writes it in lower case, which answers 403.
const ENDPOINT: [&str; 2] = ["actuator", "ssoSessions"];

/// One CAS, as whoever its endpoint lets in.
pub(super) struct Api {
    pub http: Http,
    /// `None` = it goes by our address.
    pub identity: Option<Named>,
}

/// A name or an id as a part of a path that can't be taken for another: CAS ends everybody where it gets an empty one, and
/// Spring takes `;` for the end of it. `None` = it may not be sent.
pub(super) fn segment(text: &str) -> Option<&str> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@' | '+');
    let names_a_call = matches!(text, "." | ".." | "users");
    (!text.is_empty() && text.chars().all(plain) && !names_a_call).then_some(text)
}

/// What ending one session answers; the rest of it names service tickets and is left unread.
#[derive(Deserialize)]
struct Ended {
    #[serde(default)]
    status: u16,
    #[serde(default, rename = "ticketGrantingTicket")]
    id: String,
}

impl Api {
    fn call(&self, operation: &'static str, method: Method, path: &[&str]) -> Call<'_> {
        let path: Vec<&str> = ENDPOINT.into_iter().chain(path.iter().copied()).collect();
        let call = self.http.call(operation, method, &path).refusals_too();
        match &self.identity {
            Some(identity) => call.basic(&identity.username, &identity.password),
            None => call,
        }
    }

    /// Reads the list, of one person where one is named, at most `count` rows; what `keep` makes of each goes to `sink`.
    ///
    /// CAS cuts a list without `count` at 1,000 rows and does not say so, and it cuts before it looks for a name.
    pub(super) async fn list(
        &self,
        username: Option<&str>,
        count: u32,
        sink: Option<&Sink>,
        keep: impl FnMut(Row) -> Option<SeenSession> + Send,
    ) -> Result<Sessions, ConnectorError> {
        let count = count.to_string();
        let mut query = vec![("from", "0"), ("count", count.as_str())];
        if let Some(username) = username {
            if username.is_empty() {
                return Err(nobody_named());
            }
            query.push(("username", username));
        }
        let answer = self.call("list", Method::GET, &[]).query(&query).stream().await?;
        self.good(answer.status(), answer.is_page())?;
        read(answer, sink, keep).await
    }

    /// Asks to end one session. CAS says OK whether it was there or not: list first, and again.
    pub(super) async fn delete_session(&self, id: &str) -> Result<Answer, CallError> {
        let Some(id) = segment(id) else {
            return Ok(Answer::Refused(
                "Its id is not such as CAS makes, so it was not sent: in an address CAS could take it for everybody."
                    .to_owned(),
            ));
        };
        let answered = self.call("end", Method::DELETE, &[id]).send().await?;
        self.good(answered.status, answered.is_page())
            .map_err(CallError::arrived)?;
        let ended: Ended = answered.json().map_err(CallError::arrived)?;
        match ended.status {
            200 if ended.id == id => Ok(Answer::Accepted),
            // Its words name the id.
            500 => Ok(Answer::Refused(
                "CAS reported a fault of its own while it ended the session (status 500 in its answer)."
                    .to_owned(),
            )),
            _ => Err(CallError::arrived(ConnectorError::new(
                ErrorKind::Protocol,
                "Its answer is not the one CAS gives to the end of that session.",
            ))),
        }
    }

    /// Asks CAS 7 to end everything of one person, by one call. `None` = this CAS has no such call, or the name can't stand
    /// in an address.
    pub(super) async fn delete_user(&self, username: &str) -> Result<Option<Answer>, CallError> {
        let Some(username) = segment(username) else {
            return Ok(None);
        };
        let call = self.call("end all of", Method::DELETE, &["users", username]);
        let answered = call.send().await?;
        if answered.status == 404 && !answered.is_page() {
            return Ok(None);
        }
        self.good(answered.status, answered.is_page())
            .map_err(CallError::arrived)?;
        let ended = count_of(&answered).map_err(CallError::arrived)?;
        Ok(Some(match ended {
            0 => Answer::NotFound,
            _ => Answer::Accepted,
        }))
    }

    /// An answer that may be data; else why there is none.
    fn good(&self, status: u16, page: bool) -> Result<(), ConnectorError> {
        let (kind, words) = match (status, &self.identity) {
            (401, Some(identity)) => (
                ErrorKind::Unauthorized,
                format!(
                    "CAS did not accept the name and password of {} (401). It is not tried again by itself: mend identity, \
                     then press Test.",
                    identity.username
                ),
            ),
            (401, None) => (
                ErrorKind::Unauthorized,
                "CAS asks for a name and a password (401): set identity, or let it go by the address of this machine."
                    .to_owned(),
            ),
            (403, _) => (
                ErrorKind::Forbidden,
                "CAS does not let Curfew use ssoSessions (403): its required-ip-addresses must hold the address this \
                 machine comes from, or its required-roles the role of Curfew\u{2019}s account."
                    .to_owned(),
            ),
            (404, _) => (
                ErrorKind::Protocol,
                "There is no ssoSessions at this address (404): url ends where CAS does (mostly /cas), the module \
                 cas-server-support-reports is in CAS, and management.endpoint.ssoSessions.enabled and \
                 management.endpoints.web.exposure.include name it."
                    .to_owned(),
            ),
            _ if page => (
                ErrorKind::Protocol,
                format!("It sent a web page instead of data (status {status})."),
            ),
            (200..=299, _) => return Ok(()),
            (500..=599, _) => (
                ErrorKind::Unreachable,
                format!("It reported a fault of its own (status {status})."),
            ),
            _ => (
                ErrorKind::Protocol,
                format!("It answered with status {status}, which Curfew does not expect here."),
            ),
        };
        Err(ConnectorError::new(kind, words))
    }
}

/// Nobody was named: nothing is asked.
pub(super) fn nobody_named() -> ConnectorError {
    ConnectorError::new(ErrorKind::Protocol, "No account was named; nothing was asked.")
}

/// Sessions that an answer by person says were ended; their ids, which it is keyed by, are left where they are.
fn count_of(answered: &Answered) -> Result<usize, ConnectorError> {
    struct Keys;
    impl<'de> serde::de::Visitor<'de> for Keys {
        type Value = usize;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("sessions by id")
        }

        fn visit_map<M: serde::de::MapAccess<'de>>(self, mut fields: M) -> Result<usize, M::Error> {
            let mut count = 0;
            while fields.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                count += 1;
            }
            Ok(count)
        }
    }
    struct Counted(usize);
    impl<'de> Deserialize<'de> for Counted {
        fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            from.deserialize_map(Keys).map(Counted)
        }
    }
    Ok(answered.json::<Counted>()?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CAS 7 ends everybody where a name or an id is empty, and answers 200.
    #[test]
    fn nothing_that_could_mean_everybody_stands_in_a_path() {
        for bad in [
            "", " ", ".", "..", "users", "a/b", "a;b", ";", "a%2Fb", "a?b", "a#b", "a\\b", "a\nb", "*", "a b",
        ] {
            assert_eq!(segment(bad), None, "{bad:?}");
        }
        for good in [
            "TGT-1-zWquPH--x_.-vm",
            "alice",
            "ann@example.org",
            "jürgen.o+test",
        ] {
            assert_eq!(segment(good), Some(good));
        }
    }
}
