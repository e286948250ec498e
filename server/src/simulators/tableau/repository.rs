//! The repository of a simulated Tableau Server, for machines without PostgreSQL: what Curfew asks one is answered from
//! the model, over PostgreSQL's own protocol. Whatever else is asked gets a proper error.
//!
//! Tests that judge the SQL itself run it on a real PostgreSQL, and one compares the two.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::{Sink, StreamExt, stream};
use pgwire::api::auth::cleartext::CleartextPasswordAuthStartupHandler;
use pgwire::api::auth::{AuthSource, DefaultServerParameterProvider, LoginInfo, Password, StartupHandler};
use pgwire::api::portal::{Format, Portal};
use pgwire::api::query::{ExtendedQueryHandler, SimpleQueryHandler};
use pgwire::api::results::{DataRowEncoder, FieldInfo, QueryResponse, Response, Tag};
use pgwire::api::stmt::QueryParser;
use pgwire::api::store::PortalStore;
use pgwire::api::{ClientInfo, ClientPortalStore, PgWireServerHandlers, Type};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::data::DataRow;
use pgwire::messages::response::TransactionStatus;
use pgwire::tokio::process_socket;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::Shared;
use super::faults::SqlBad;
use super::questions::{GIVEN, Question, Refusal, columns};
use super::rows::{Domain, Rows, SessionRow, SystemUser};

/// The one database there is.
pub const DATABASE: &str = "workgroup";
/// The one user who is let in.
pub const USER: &str = "readonly";

/// Serves until it is aborted, which cuts every connection.
pub(super) fn serve(listener: TcpListener, shared: Arc<Shared>) -> JoinHandle<()> {
    let repository = Arc::new(Repository { shared });
    tokio::spawn(async move {
        let mut open = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).ok();
            open.spawn(process_socket(stream, None, repository.clone()));
            while open.try_join_next().is_some() {}
        }
    })
}

/// What every connection has.
#[derive(Clone)]
struct Repository {
    shared: Arc<Shared>,
}

/// The open cursor of a connection; none = no cursor is open.
type Cursor = Mutex<Option<VecDeque<Listed>>>;

/// A row of the cursor.
struct Listed {
    session: SessionRow,
    person: Option<SystemUser>,
    domain: Option<String>,
    /// Name and `contentUrl`.
    site: Option<(String, String)>,
    /// Name and domain.
    started_by: Option<(String, Option<String>)>,
}

impl Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Repository")
    }
}

fn error(severity: &str, code: &str, message: &str) -> PgWireError {
    let info = ErrorInfo::new(severity.to_owned(), code.to_owned(), message.to_owned());
    PgWireError::UserError(Box::new(info))
}

fn refused(code: &str) -> PgWireError {
    error(
        "ERROR",
        code,
        "This is a simulated repository: it answers what Curfew asks one, and nothing else.",
    )
}

impl Repository {
    fn rows(&self) -> Rows {
        let now = self.shared.clock.now();
        self.shared.inside().model.rows(now)
    }

    /// Fails, or never comes back, when a fault wants it.
    async fn spoil(&self) -> PgWireResult<()> {
        let bad = self.shared.inside().faults.repository.clone();
        match bad {
            SqlBad::Refused(code) => Err(error("ERROR", &code, "A fault that was asked for.")),
            SqlBad::Silent => std::future::pending().await,
            SqlBad::No | SqlBad::CutOff | SqlBad::Copy => Ok(()),
        }
    }

    fn is(&self, bad: &SqlBad) -> bool {
        self.shared.inside().faults.repository == *bad
    }

    fn columns(&self, tables: &[String], header: &Header) -> PgWireResult<Vec<DataRow>> {
        let release = self.shared.inside().model.shape.release;
        let copy = self.is(&SqlBad::Copy);
        let wanted = columns(release)
            .into_iter()
            .filter(|(table, _)| tables.iter().any(|wanted| wanted == table));
        encoded(header, wanted, |row, (table, column)| {
            row.encode_field(&table)?;
            row.encode_field(&column)?;
            row.encode_field(&copy)
        })
    }

    fn listed(&self, ids: &HashSet<String>, header: &Header) -> PgWireResult<Vec<DataRow>> {
        let rows = self.rows();
        let people: HashSet<i32> = rows.people.users.iter().map(|user| user.id).collect();
        let seen = |row: &SessionRow| row.user_id.is_some_and(|id| people.contains(&id));
        let wanted = rows.sessions.into_iter();
        let wanted = wanted.filter(|row| ids.contains(&row.session_id) && seen(row));
        encoded(header, wanted, |row, session| {
            row.encode_field(&session.session_id)
        })
    }

    fn details(&self, ids: &HashSet<String>, header: &Header) -> PgWireResult<Vec<DataRow>> {
        let wanted = self.rows().sessions.into_iter();
        let wanted = wanted.filter(|row| ids.contains(&row.session_id));
        encoded(header, wanted, |row, session| {
            row.encode_field(&session.session_id)?;
            row.encode_field(&i64::from(session.id))?;
            row.encode_field(&session.hashed_secret.is_some())
        })
    }
}

/// What the cursor runs over: sessions with a user, and external ones; newest activity first.
fn list(rows: Rows, most: usize, narrow: Option<(&HashSet<i32>, &HashSet<String>)>) -> VecDeque<Listed> {
    let domains: HashMap<i32, &Domain> = rows
        .people
        .domains
        .iter()
        .map(|domain| (domain.id, domain))
        .collect();
    let people: HashMap<i32, &SystemUser> = rows
        .people
        .system_users
        .iter()
        .map(|person| (person.id, person))
        .collect();
    let users: HashMap<i32, i32> = rows
        .people
        .users
        .iter()
        .map(|user| (user.id, user.system_user_id))
        .collect();
    let sites: HashMap<i32, _> = rows.people.sites.iter().map(|site| (site.id, site)).collect();
    let domain = |person: &SystemUser| domains.get(&person.domain_id).map(|domain| domain.name.clone());
    let person_of = |user: Option<i32>| users.get(&user?).and_then(|person| people.get(person)).copied();
    let externals = rows.release.is_since(2023, 3);
    let starters = rows.release.is_since(2020, 4);
    let one = |mut session: SessionRow| {
        let person = person_of(session.user_id);
        session.external_user_id = session.external_user_id.filter(|_| externals);
        if person.is_none() && session.external_user_id.is_none() {
            return None;
        }
        if let Some((numbers, names)) = narrow {
            let by_number = person.is_some_and(|person| numbers.contains(&person.id));
            let by_name = session
                .external_user_id
                .as_ref()
                .is_some_and(|id| names.contains(id));
            if !by_number && !by_name {
                return None;
            }
        }
        let other = session
            .initiating_user_id
            .filter(|by| starters && session.user_id.is_some_and(|own| own != *by));
        Some(Listed {
            domain: person.and_then(domain),
            person: person.cloned(),
            site: sites
                .get(&session.site_id)
                .map(|site| (site.name.clone(), site.content_url.clone())),
            started_by: person_of(other).map(|by| (by.name.clone(), domain(by))),
            session,
        })
    };
    let mut listed: Vec<Listed> = rows.sessions.into_iter().filter_map(one).collect();
    listed.sort_by_key(|row| std::cmp::Reverse(row.session.updated_at));
    listed.truncate(most);
    listed.into()
}

fn write(row: &mut DataRowEncoder, listed: Listed) -> PgWireResult<()> {
    let Listed {
        session,
        person,
        domain,
        site,
        started_by,
    } = listed;
    let (site_name, content_url) = site.unzip();
    let (starter, starter_domain) = started_by.unzip();
    row.encode_field(&session.session_id)?;
    row.encode_field(&session.updated_at.0)?;
    row.encode_field(&person.as_ref().map(|person| person.name.as_str()))?;
    row.encode_field(&person.as_ref().map(|person| person.id))?;
    row.encode_field(&session.created_at.0)?;
    row.encode_field(&session.external_user_id)?;
    row.encode_field(&session.hashed_secret.is_some())?;
    row.encode_field(&site_name)?;
    row.encode_field(&content_url)?;
    row.encode_field(&person.as_ref().map(|person| person.friendly_name.as_str()))?;
    row.encode_field(&person.as_ref().and_then(|person| person.email.as_deref()))?;
    row.encode_field(&domain)?;
    row.encode_field(&starter)?;
    row.encode_field(&starter_domain.flatten())
}

type Header = Arc<Vec<FieldInfo>>;

fn encoded<T>(
    header: &Header,
    rows: impl Iterator<Item = T>,
    write: impl Fn(&mut DataRowEncoder, T) -> PgWireResult<()>,
) -> PgWireResult<Vec<DataRow>> {
    let mut row = DataRowEncoder::new(header.clone());
    rows.map(|each| {
        write(&mut row, each)?;
        Ok(row.take_row())
    })
    .collect()
}

impl Question {
    /// The types of its parameters.
    fn takes(&self) -> Vec<Type> {
        match self {
            Self::Begin | Self::Commit | Self::Fetch(_) => Vec::new(),
            Self::Columns | Self::Listed | Self::Details => vec![Type::TEXT_ARRAY],
            Self::Open { narrow: false } => vec![Type::INT8],
            Self::Open { narrow: true } => vec![Type::INT8, Type::INT4_ARRAY, Type::TEXT_ARRAY],
        }
    }

    /// The names and types of what it gives.
    fn gives(&self) -> Vec<(&'static str, Type)> {
        match self {
            Self::Begin | Self::Commit | Self::Open { .. } => Vec::new(),
            Self::Columns => vec![
                ("table_name", Type::TEXT),
                ("column_name", Type::TEXT),
                ("pg_is_in_recovery", Type::BOOL),
            ],
            Self::Listed => vec![("session_id", Type::VARCHAR)],
            Self::Details => vec![
                ("session_id", Type::VARCHAR),
                ("number", Type::INT8),
                ("hashed", Type::BOOL),
            ],
            Self::Fetch(_) => {
                let kind = |name: &str| match name {
                    "updated_at" | "created_at" => Type::INT8,
                    "system_user_id" => Type::INT4,
                    "hashed" => Type::BOOL,
                    _ => Type::VARCHAR,
                };
                GIVEN.into_iter().map(|name| (name, kind(name))).collect()
            }
        }
    }

    fn header(&self, format: &Format) -> Header {
        let field = |(at, (name, kind)): (usize, (&str, Type))| {
            FieldInfo::new(name.to_owned(), None, None, kind, format.format_for(at))
        };
        Arc::new(self.gives().into_iter().enumerate().map(field).collect())
    }
}

/// Some of a parameter's values, NULLs left out.
fn set<T: std::hash::Hash + Eq>(values: Option<Vec<Option<T>>>) -> HashSet<T> {
    values.into_iter().flatten().flatten().collect()
}

#[async_trait]
impl QueryParser for Repository {
    type Statement = Question;

    async fn parse_sql<C>(
        &self,
        _client: &C,
        sql: &str,
        _types: &[Option<Type>],
    ) -> PgWireResult<Option<Question>>
    where
        C: ClientInfo + Unpin + Send + Sync,
    {
        self.spoil().await?;
        let release = self.shared.inside().model.shape.release;
        let read = Question::read(sql, release);
        read.map(Some).map_err(|Refusal(code)| refused(code))
    }

    fn get_parameter_types(&self, question: &Question) -> PgWireResult<Vec<Type>> {
        Ok(question.takes())
    }

    fn get_result_schema(
        &self,
        question: &Question,
        format: Option<&Format>,
    ) -> PgWireResult<Vec<FieldInfo>> {
        let header = question.header(format.unwrap_or(&Format::UnifiedBinary));
        Ok(Arc::unwrap_or_clone(header))
    }
}

#[async_trait]
impl ExtendedQueryHandler for Repository {
    type Statement = Question;
    type QueryParser = Repository;

    fn query_parser(&self) -> Arc<Repository> {
        Arc::new(self.clone())
    }

    async fn do_query<C>(
        &self,
        client: &mut C,
        portal: &Portal<Question>,
        _most: usize,
    ) -> PgWireResult<Response>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore<Statement = Question>,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        self.spoil().await?;
        let cursor = client
            .session_extensions()
            .get_or_insert_with::<Cursor>(Cursor::default);
        let question = &portal.statement.statement;
        let header = question.header(&portal.result_column_format);
        let texts = |at| Ok::<_, PgWireError>(set::<String>(portal.parameter(at, &Type::TEXT_ARRAY)?));
        let (tag, rows) = match question {
            Question::Begin => return Ok(Response::TransactionStart(Tag::new("BEGIN"))),
            Question::Commit => {
                *cursor.lock().unwrap_or_else(PoisonError::into_inner) = None;
                return Ok(Response::TransactionEnd(Tag::new("COMMIT")));
            }
            Question::Open { narrow } => {
                if client.transaction_status() != TransactionStatus::Transaction {
                    return Err(refused("25P01"));
                }
                let most = portal.parameter::<i64>(0, &Type::INT8)?.unwrap_or(i64::MAX);
                let of = if *narrow {
                    let numbers = portal.parameter::<Vec<Option<i32>>>(1, &Type::INT4_ARRAY)?;
                    Some((set(numbers), texts(2)?))
                } else {
                    None
                };
                let of = of.as_ref().map(|(numbers, names)| (numbers, names));
                let listed = list(self.rows(), usize::try_from(most).unwrap_or(0), of);
                *cursor.lock().unwrap_or_else(PoisonError::into_inner) = Some(listed);
                return Ok(Response::Execution(Tag::new("DECLARE CURSOR")));
            }
            Question::Fetch(count) => {
                let mut cursor = cursor.lock().unwrap_or_else(PoisonError::into_inner);
                let left = cursor.as_mut().ok_or_else(|| refused("34000"))?;
                let next = left.drain(..left.len().min(*count));
                ("FETCH", encoded(&header, next, write)?)
            }
            Question::Columns => {
                let tables: Vec<String> = texts(0)?.into_iter().collect();
                ("SELECT", self.columns(&tables, &header)?)
            }
            Question::Listed => ("SELECT", self.listed(&texts(0)?, &header)?),
            Question::Details => ("SELECT", self.details(&texts(0)?, &header)?),
        };
        let cut = matches!(question, Question::Fetch(_)) && self.is(&SqlBad::CutOff);
        let half = if cut { rows.len() / 2 } else { rows.len() };
        let gone = || {
            Err(error(
                "FATAL",
                "57P01",
                "terminating connection due to administrator command",
            ))
        };
        let rows = stream::iter(rows).take(half).map(Ok);
        let mut response = QueryResponse::new(header, rows.chain(stream::iter(cut.then(gone))));
        response.set_command_tag(tag);
        Ok(Response::Query(response))
    }
}

#[async_trait]
impl SimpleQueryHandler for Repository {
    async fn do_query<C>(&self, _client: &mut C, _query: &str) -> PgWireResult<Vec<Response>>
    where
        C: ClientInfo + ClientPortalStore + Sink<PgWireBackendMessage> + Unpin + Send + Sync,
        C::PortalStore: PortalStore,
        C::Error: Debug,
        PgWireError: From<<C as Sink<PgWireBackendMessage>>::Error>,
    {
        Err(refused("0A000"))
    }
}

#[async_trait]
impl AuthSource for Repository {
    async fn get_password(&self, login: &LoginInfo) -> PgWireResult<Password> {
        if login.user() != Some(USER) {
            return Err(error("FATAL", "28000", "no pg_hba.conf entry for that user"));
        }
        if login.database() != Some(DATABASE) {
            return Err(error("FATAL", "3D000", "that database does not exist"));
        }
        let password = self.shared.repository_password.as_bytes().to_vec();
        Ok(Password::new(None, password))
    }
}

impl PgWireServerHandlers for Repository {
    fn simple_query_handler(&self) -> Arc<impl SimpleQueryHandler> {
        self.query_parser()
    }

    fn extended_query_handler(&self) -> Arc<impl ExtendedQueryHandler> {
        self.query_parser()
    }

    fn startup_handler(&self) -> Arc<impl StartupHandler> {
        let parameters = DefaultServerParameterProvider::default();
        Arc::new(CleartextPasswordAuthStartupHandler::new(self.clone(), parameters))
    }
}
