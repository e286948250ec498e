//! A REST API that answers with the documented bodies and keeps its sessions in the repository of the test.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64URL_NOPAD;
use sqlx::postgres::PgPool;
use tokio::net::TcpListener;

use super::workgroup::Workgroup;

/// How the server behaves.
#[derive(Clone, Debug)]
pub struct Manners {
    /// REST version, also what it lets callers do.
    pub version: (u32, u32),
    /// Answers are JSON instead of XML.
    pub json: bool,
    /// Ids are public and secrets hashed; else the token is the id.
    pub protected: bool,
    /// Site role of whoever signs in as Curfew.
    pub role: &'static str,
    /// The method to end takes the number instead of session_id.
    pub by_number: bool,
    /// It says OK and ends nothing.
    pub lies: bool,
    /// Every call but serverinfo gets this status with a gateway's web page.
    pub gateway: Option<u16>,
    /// Sign-ins are answered by sending them to that server, with this status.
    pub sends_to: Option<(u16, String)>,
    /// It refuses to list sites as Tableau Cloud does.
    pub cloud: bool,
    /// Status and code for every asking to end.
    pub refuses: Option<(u16, &'static str)>,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            version: (3, 27),
            json: false,
            protected: true,
            role: "ServerAdministrator",
            by_number: false,
            lies: false,
            gateway: None,
            sends_to: None,
            cloud: false,
            refuses: None,
        }
    }
}

struct Live {
    token: String,
    role: String,
    pat: Option<String>,
}

/// The server.
pub struct Stub {
    pub url: String,
    inner: Arc<Inner>,
}

struct Inner {
    manners: Mutex<Manners>,
    live: Mutex<Vec<Live>>,
    /// Methods and addresses, with the version left out.
    asked: Mutex<Vec<String>>,
    repository: PgPool,
}

impl Stub {
    pub async fn start(workgroup: &Workgroup, manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let inner = Arc::new(Inner {
            manners: Mutex::new(manners),
            live: Mutex::default(),
            asked: Mutex::default(),
            repository: workgroup.admin.clone(),
        });
        let router = Router::new().fallback(answer).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, inner }
    }

    pub fn change(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.inner.manners.lock().unwrap());
    }

    /// What was asked so far, and forgets it.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.inner.asked.lock().unwrap())
    }

    /// Every REST session ends, as when the server restarts.
    pub fn forget_everybody(&self) {
        self.inner.live.lock().unwrap().clear();
    }

    /// The settings of the REST API, to stand in front of those of the repository.
    pub fn settings(&self, more: &str) -> String {
        format!(
            "url = \"{}\"\n\
             identity = {{ pat_name = \"curfew\", pat_secret = \"env:PATH\" }}\n\
             canary = {{ pat_name = \"canary\", pat_secret = \"env:PATH\" }}\n{more}\n",
            self.url
        )
    }
}

fn fault(json: bool, status: u16, code: &str) -> Response {
    let body = if json {
        format!(
            "{{\"error\":{{\"summary\":\"Summary of {code}\",\"detail\":\"Detail.\",\"code\":\"{code}\"}}}}"
        )
    } else {
        format!(
            "<?xml version='1.0' encoding='UTF-8'?><tsResponse xmlns=\"http://tableau.com/api\"><error code=\"{code}\">\
             <summary>Summary of {code}</summary><detail>Detail.</detail></error></tsResponse>"
        )
    };
    said(json, status, body)
}

fn said(json: bool, status: u16, body: String) -> Response {
    let kind = if json {
        "application/json"
    } else {
        "application/xml"
    };
    let status = StatusCode::from_u16(status).unwrap();
    (status, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// The value of an attribute in a request.
fn attribute<'b>(body: &'b str, name: &str) -> Option<&'b str> {
    let (_, rest) = body.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

async fn answer(
    State(inner): State<Arc<Inner>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let manners = inner.manners.lock().unwrap().clone();
    let path: Vec<String> = uri.path().split('/').skip(3).map(str::to_lowercase).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let line = format!(
        "{method} {}",
        uri.path().split('/').skip(3).collect::<Vec<_>>().join("/")
    );
    inner.asked.lock().unwrap().push(line);
    let json = manners.json;
    if path == ["serverinfo"] {
        return said(json, 200, server_info(&manners));
    }
    if let Some(status) = manners.gateway {
        let page = "<html><body>Bad gateway</body></html>";
        let status = StatusCode::from_u16(status).unwrap();
        return (status, [(header::CONTENT_TYPE, "text/html")], page).into_response();
    }
    if let Some((status, url)) = manners.sends_to.as_ref().filter(|_| path == ["auth", "signin"]) {
        let status = StatusCode::from_u16(*status).unwrap();
        let location = format!("{url}{}", uri.path());
        return (status, [(header::LOCATION, location)]).into_response();
    }
    if path == ["auth", "signin"] {
        return inner.sign_in(&manners, std::str::from_utf8(&body).unwrap()).await;
    }
    let token = headers.get("x-tableau-auth").map(|value| value.to_str().unwrap());
    let Some(token) = token else {
        return fault(json, 401, "401000");
    };
    let role = {
        let live = inner.live.lock().unwrap();
        live.iter()
            .find(|live| live.token == token)
            .map(|live| live.role.clone())
    };
    if path == ["auth", "signout"] {
        return match inner.end_token(token).await {
            true => StatusCode::NO_CONTENT.into_response(),
            false => fault(json, 401, "401002"),
        };
    }
    let Some(role) = role else {
        return fault(json, 401, "401002");
    };
    match (method.as_str(), path.as_slice()) {
        ("GET", ["sessions", "current"]) => said(json, 200, current(json, &role)),
        ("GET", ["sites"]) if manners.cloud => fault(json, 403, "403069"),
        ("GET", ["sites"]) => said(json, 200, "<tsResponse><sites/></tsResponse>".to_owned()),
        ("DELETE", ["sessions", _]) if manners.version < (3, 9) => fault(json, 404, "404003"),
        ("DELETE", ["sessions", _]) if role != "ServerAdministrator" => fault(json, 403, "403004"),
        ("DELETE", ["sessions", _]) => {
            let id = uri.path().rsplit('/').next().unwrap().to_owned();
            inner.delete(&manners, &id).await
        }
        _ => fault(json, 404, "404003"),
    }
}

fn server_info(manners: &Manners) -> String {
    let (major, minor) = manners.version;
    if manners.json {
        format!(
            "{{\"serverInfo\":{{\"productVersion\":{{\"value\":\"2025.3.0\",\"build\":\"20253.25.1\"}},\
             \"restApiVersion\":\"{major}.{minor}\"}}}}"
        )
    } else {
        format!(
            "<tsResponse xmlns=\"http://tableau.com/api\"><serverInfo>\
             <productVersion build=\"20253.25.1\">2025.3.0</productVersion>\
             <restApiVersion>{major}.{minor}</restApiVersion></serverInfo></tsResponse>"
        )
    }
}

fn current(json: bool, role: &str) -> String {
    if json {
        format!(
            "{{\"session\":{{\"site\":{{\"contentUrl\":\"\"}},\"user\":{{\"name\":\"svc\",\"siteRole\":\"{role}\"}}}}}}"
        )
    } else {
        format!(
            "<tsResponse><session><site contentUrl=\"\"/><user name=\"svc\" siteRole=\"{role}\"/></session></tsResponse>"
        )
    }
}

impl Inner {
    async fn sign_in(&self, manners: &Manners, body: &str) -> Response {
        let pat = attribute(body, "personalAccessTokenName").map(str::to_owned);
        let jwt = attribute(body, "jwt").is_some_and(|jwt| jwt.split('.').count() == 3);
        let user = attribute(body, "name");
        let known = pat
            .as_deref()
            .is_some_and(|pat| ["curfew", "canary"].contains(&pat))
            || user == Some("svc")
            || jwt;
        if !known {
            return fault(manners.json, 401, "401001");
        }
        let mut id = server::keys::random_bytes::<16>();
        id[6] = 0x40 | (id[6] & 0x0f);
        let public = BASE64URL_NOPAD.encode(&id);
        let secret = server::keys::random_id();
        let secret: String = secret.chars().chain("0".repeat(32).chars()).take(32).collect();
        let (token, session_id) = if manners.protected {
            (
                format!("{public}|{secret}|c2a4e8d1-77b0-4f35-8e19-5b6f0a9d3c72"),
                public,
            )
        } else {
            (secret.clone(), secret)
        };
        let ended: Vec<String> = {
            let mut live = self.live.lock().unwrap();
            // An access token holds one session.
            let same = |one: &Live| pat.is_some() && one.pat == pat;
            let ended = live
                .iter()
                .filter(|one| same(one))
                .map(|one| one.token.clone())
                .collect();
            live.retain(|one| !same(one));
            live.push(Live {
                token: token.clone(),
                role: manners.role.to_owned(),
                pat: pat.clone(),
            });
            ended
        };
        for token in ended {
            self.remove(token.split('|').next().unwrap()).await;
        }
        sqlx::query(
            "INSERT INTO sessions (session_id, user_id, site_id, created_at, updated_at, hashed_secret) \
             VALUES ($1, 51, 2, now() at time zone 'utc', now() at time zone 'utc', $2)",
        )
        .bind(&session_id)
        .bind(manners.protected.then_some("hash"))
        .execute(&self.repository)
        .await
        .unwrap();
        let body = if manners.json {
            format!(
                "{{\"credentials\":{{\"site\":{{\"contentUrl\":\"\"}},\"user\":{{\"id\":\"u\"}},\"token\":\"{token}\"}}}}"
            )
        } else {
            format!(
                "<tsResponse xmlns=\"http://tableau.com/api\"><credentials token=\"{token}\" \
                 estimatedTimeToExpiration=\"3:59:59\"><site id=\"s\" contentUrl=\"\"/><user id=\"u\"/></credentials></tsResponse>"
            )
        };
        said(manners.json, 200, body)
    }

    /// Ends the session of a token; false = there is none.
    async fn end_token(&self, token: &str) -> bool {
        let ours = {
            let mut live = self.live.lock().unwrap();
            let before = live.len();
            live.retain(|one| one.token != token);
            live.len() < before
        };
        // A browser's session is no other thing, but of a protected one nobody knows the whole token.
        if ours {
            self.remove(token.split('|').next().unwrap()).await
        } else {
            let legacy = sqlx::query("DELETE FROM sessions WHERE session_id = $1 AND hashed_secret IS NULL");
            legacy
                .bind(token)
                .execute(&self.repository)
                .await
                .unwrap()
                .rows_affected()
                > 0
        }
    }

    async fn remove(&self, session_id: &str) -> bool {
        let gone = sqlx::query("DELETE FROM sessions WHERE session_id = $1");
        let gone = gone.bind(session_id).execute(&self.repository).await.unwrap();
        gone.rows_affected() > 0
    }

    async fn delete(&self, manners: &Manners, id: &str) -> Response {
        if let Some((status, code)) = manners.refuses {
            return fault(manners.json, status, code);
        }
        let column = if manners.by_number {
            "id::text"
        } else {
            "session_id"
        };
        let sql = format!("SELECT session_id FROM sessions WHERE {column} = $1");
        let found: Option<String> = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(id)
            .fetch_optional(&self.repository)
            .await
            .unwrap();
        let Some(session_id) = found else {
            return fault(manners.json, 404, "404029");
        };
        if !manners.lies {
            self.remove(&session_id).await;
            let mut live = self.live.lock().unwrap();
            live.retain(|one| one.token.split('|').next() != Some(session_id.as_str()));
        }
        StatusCode::NO_CONTENT.into_response()
    }
}
