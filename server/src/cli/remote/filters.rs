//! Which sessions: the filters of the sessions page by the names of its address. The portal reads and refuses them; an
//! argument that is left out is not sent, and nothing is guessed.

use app::sessions::wire::SessionKind;
use clap::Args;
use clap::builder::PossibleValuesParser;

use super::Failure;
use crate::http::api::wire::sessions::Filter;

/// Longest text for the last characters of a session's id: a whole one is a login and stays out of process lists.
const TAIL: usize = 8;

/// What Tableau calls its own domain.
const LOCAL: &str = "local";

const TEXT_OPS: [&str; 3] = ["contains", "is", "one_of"];
const TIME_OPS: [&str; 4] = ["before", "after", "older", "within"];

/// The filters; all of them must fit.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Filters")]
pub struct Filters {
    /// Words as in the search box: all must occur in name, user name, mail, IP or the id's last characters
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// Any of these systems, by id
    #[arg(long, value_delimiter = ',')]
    system: Vec<String>,
    /// Any of these kinds; guests are listed only where this names them
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(SessionKind::ALL.map(SessionKind::name)))]
    kind: Vec<String>,
    /// Any of these states [default: live]
    #[arg(long, value_delimiter = ',', value_parser = ["live", "ended", "vanished"])]
    state: Vec<String>,
    /// Any of these sites
    #[arg(long, value_delimiter = ',')]
    site: Vec<String>,
    /// This account by its name, in whatever domain; or "corp.example\\name"
    #[arg(long, value_name = "NAME", conflicts_with = "person_like")]
    user: Option<String>,
    /// The domain of --user; "local" = none, or the system's own
    #[arg(long, requires = "user")]
    domain: Option<String>,
    /// How --person-like must agree [default: contains]
    #[arg(long, value_parser = TEXT_OPS, requires = "person_like")]
    person_op: Option<String>,
    /// Name, user name or mail
    #[arg(long, value_name = "TEXT")]
    person_like: Option<String>,
    /// Last characters of the system's own id (never the whole id)
    #[arg(long, value_name = "TAIL")]
    session: Option<String>,
    /// How --session must agree
    #[arg(long, value_parser = TEXT_OPS, requires = "session")]
    session_op: Option<String>,
    /// Address or network: 10.0.0.7, 10.0.0.0/8, 2001:db8::/32
    #[arg(long)]
    ip: Option<String>,
    /// Browser
    #[arg(long)]
    browser: Option<String>,
    /// How --browser must agree
    #[arg(long, value_parser = TEXT_OPS, requires = "browser")]
    browser_op: Option<String>,
    /// Operating system
    #[arg(long)]
    os: Option<String>,
    /// How --os must agree
    #[arg(long, value_parser = TEXT_OPS, requires = "os")]
    os_op: Option<String>,
    /// Start: a length of time (8h) or a moment in UTC (2026-11-21 03:00)
    #[arg(long, value_name = "TIME")]
    started: Option<String>,
    /// How --started is compared
    #[arg(long, value_parser = TIME_OPS, requires = "started")]
    started_op: Option<String>,
    /// Last activity
    #[arg(long, value_name = "TIME")]
    active: Option<String>,
    /// How --active is compared; older = idle for longer
    #[arg(long, value_parser = TIME_OPS, requires = "active")]
    active_op: Option<String>,
    /// When idleness ends it
    #[arg(long, value_name = "TIME")]
    idle_ends: Option<String>,
    /// How --idle-ends is compared
    #[arg(long, value_parser = TIME_OPS, requires = "idle_ends")]
    idle_ends_op: Option<String>,
    /// When it ends at latest
    #[arg(long, value_name = "TIME")]
    ends: Option<String>,
    /// How --ends is compared
    #[arg(long, value_parser = TIME_OPS, requires = "ends")]
    ends_op: Option<String>,
    /// Idle longer than, or older than, these minutes: 15,480
    #[arg(long, value_name = "IDLE,AGE")]
    past: Option<String>,
    /// Past one of the limits it has itself
    #[arg(long)]
    over: bool,
    /// Never ends for idleness
    #[arg(long)]
    never_idle: bool,
    /// Began under an earlier policy than sessions of its kind get now
    #[arg(long)]
    earlier: bool,
}

/// An account by name and domain, without regard to case.
pub struct User {
    name: String,
    /// `None` = in any.
    domain: Option<String>,
}

impl User {
    /// Whether that account name, with or without a domain in front of it, is meant.
    pub fn is(&self, account_name: &str) -> bool {
        let (domain, name) = split(account_name);
        name == self.name
            && self
                .domain
                .as_ref()
                .is_none_or(|wanted| *wanted == domain.unwrap_or_else(|| LOCAL.to_owned()))
    }
}

/// Domain and name of `corp.example\name`, lower-cased.
fn split(account_name: &str) -> (Option<String>, String) {
    match account_name.rsplit_once('\\') {
        Some((domain, name)) => (Some(domain.to_lowercase()), name.to_lowercase()),
        None => (None, account_name.to_lowercase()),
    }
}

impl Filters {
    /// The account that is meant; `None` = no --user. The portal compares whole names of people: it lists a few too many.
    pub fn user(&self) -> Result<Option<User>, Failure> {
        let Some(user) = &self.user else {
            return Ok(None);
        };
        let (domain, name) = split(user.trim());
        if name.is_empty() {
            return Err(Failure::Usage("--user is empty: name an account".to_owned()));
        }
        let named = self.domain.as_ref().map(|domain| domain.trim().to_lowercase());
        if named.is_some() && domain.is_some() && named != domain {
            return Err(Failure::Usage("--user and --domain name two domains".to_owned()));
        }
        Ok(Some(User {
            name,
            domain: named.or(domain),
        }))
    }

    /// As pairs of an address; empty = every live session.
    pub fn pairs(&self) -> Result<Vec<(String, String)>, Failure> {
        if let Some(tail) = &self.session
            && tail.chars().count() > TAIL
        {
            return Err(Failure::Other(format!(
                "--session takes the last characters of an id, at most {TAIL}: a whole id is a login, and arguments can be \
                 read by others on this machine."
            )));
        }
        let words = self.words.join(" ");
        let words = (!self.words.is_empty()).then_some(&words);
        let over = self.over.then(|| "1".to_owned());
        let never_idle = self.never_idle.then(|| "1".to_owned());
        let earlier = self.earlier.then(|| "1".to_owned());
        let user = self.user()?.map(|user| user.name);
        let person_op = user.as_ref().map(|_| "contains".to_owned());
        let one = [
            ("q", words),
            ("person", user.as_ref().or(self.person_like.as_ref())),
            ("person.op", person_op.as_ref().or(self.person_op.as_ref())),
            ("session", self.session.as_ref()),
            ("session.op", self.session_op.as_ref()),
            ("ip", self.ip.as_ref()),
            ("browser", self.browser.as_ref()),
            ("browser.op", self.browser_op.as_ref()),
            ("os", self.os.as_ref()),
            ("os.op", self.os_op.as_ref()),
            ("started", self.started.as_ref()),
            ("started.op", self.started_op.as_ref()),
            ("active", self.active.as_ref()),
            ("active.op", self.active_op.as_ref()),
            ("idle_ends", self.idle_ends.as_ref()),
            ("idle_ends.op", self.idle_ends_op.as_ref()),
            ("ends", self.ends.as_ref()),
            ("ends.op", self.ends_op.as_ref()),
            ("past", self.past.as_ref()),
            ("over", over.as_ref()),
            ("never_idle", never_idle.as_ref()),
            ("earlier", earlier.as_ref()),
        ];
        let many = [
            ("system", &self.system),
            ("kind", &self.kind),
            ("state", &self.state),
            ("site", &self.site),
        ];
        let one = one
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?.clone())));
        let many = many
            .into_iter()
            .flat_map(|(name, values)| values.iter().map(move |v| (name.to_owned(), v.clone())));
        Ok(one.chain(many).collect())
    }

    /// As the body of a preview; `None` = no filter is given.
    pub fn body(&self) -> Result<Option<Filter>, Failure> {
        let mut body = serde_json::Map::new();
        for (name, value) in self.pairs()? {
            if ["system", "kind", "state", "site"].contains(&name.as_str()) {
                let list = body.entry(name).or_insert_with(|| serde_json::json!([]));
                if let Some(list) = list.as_array_mut() {
                    list.push(value.into());
                }
            } else {
                body.insert(name, value.into());
            }
        }
        if body.is_empty() {
            return Ok(None);
        }
        let filter = serde_json::from_value(body.into());
        filter
            .map(Some)
            .map_err(|cause| Failure::Other(format!("The filter can't be understood: {cause}.")))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        filters: Filters,
    }

    #[test]
    fn a_user_is_one_account_name_in_one_domain_or_in_any() {
        let user = |line: &[&str]| {
            let line = Line::try_parse_from([&["list"], line].concat()).unwrap();
            line.filters.user()
        };
        let any = user(&["--user", "Alice"]).unwrap().unwrap();
        assert!(any.is("alice") && any.is("corp.example\\ALICE"));
        assert!(!any.is("alice2") && !any.is("alice\\bob"));
        let own = user(&["--user", "alice", "--domain", "local"]).unwrap().unwrap();
        assert!(own.is("alice") && !own.is("corp.example\\alice"));
        for line in [
            &["--user", "alice", "--domain", "Corp.example"][..],
            &["--user", "corp.example\\alice"],
        ] {
            let corp = user(line).unwrap().unwrap();
            assert!(corp.is("corp.example\\alice") && !corp.is("alice") && !corp.is("other\\alice"));
        }
        assert!(user(&["--user", " "]).is_err() && user(&["--user", "a\\b", "--domain", "c"]).is_err());
        assert!(Line::try_parse_from(["list", "--domain", "corp"]).is_err());
    }

    /// The line below a list says "--kind guest shows them"; the argument refused that word.
    #[test]
    fn every_kind_the_portal_knows_can_be_asked_for() {
        for kind in SessionKind::ALL {
            let line = Line::try_parse_from(["list", "--kind", kind.name()]).unwrap();
            assert_eq!(line.filters.kind, [kind.name()]);
        }
        assert!(Line::try_parse_from(["list", "--kind", "ghost"]).is_err());
    }
}
