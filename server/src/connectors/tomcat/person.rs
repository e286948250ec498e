//! Who a session belongs to, read from the text of a named attribute. More than one reading is no reading.
//!
//! The text may hold personal data, even a password (uPortal can be set so): name, shown name and address are taken
//! out of it here, and the rest goes no further. Patterns and where they were seen: docs/systems/tomcat.md.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

/// Longest name that is taken for one, characters.
const LONGEST: usize = 200;

/// What an attribute's text tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub person: Person,
    /// Address at sign-in, or at the first request.
    pub address: Option<String>,
}

/// Who it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Person {
    /// The text names nobody.
    #[default]
    Nobody,
    /// It says that nobody signed in.
    Guest,
    /// One reading.
    Known {
        account: String,
        /// Empty = not said.
        display: String,
    },
    /// More than one reading, or one that can't be trusted: the words say why.
    Uncertain(&'static str),
}

const TWO_NAMES: &str = "Its data can be read as more than one person.";

/// How an attribute's text is read.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// The text is the name.
    Plain,
    /// uPortal's person.
    UPortal,
    /// Spring Security's context, 3 to 6.
    Spring,
    /// Shiro's principals.
    Shiro,
    /// One capture group of the settings.
    Pattern(Regex),
    /// An address and no person.
    Address,
}

/// An attribute that is read, and how. Nothing else of a session is.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub attribute: String,
    pub form: Form,
}

impl Source {
    fn new(attribute: &str, form: Form) -> Self {
        Self {
            attribute: attribute.to_owned(),
            form,
        }
    }
}

/// The attributes of well-known apps.
pub(super) fn sources(app: App) -> Vec<Source> {
    let uportal = [
        "org.apereo.portal.security.IPerson",
        "org.jasig.portal.security.IPerson",
    ];
    let spring = || Source::new("SPRING_SECURITY_CONTEXT", Form::Spring);
    let cas = || Source::new("edu.yale.its.tp.cas.client.filter.user", Form::Plain);
    let shiro = || {
        let name = "org.apache.shiro.subject.support.DefaultSubjectContext_PRINCIPALS_SESSION_KEY";
        Source::new(name, Form::Shiro)
    };
    let plain = || {
        ["user", "username", "userName", "login"]
            .into_iter()
            .map(|name| Source::new(name, Form::Plain))
    };
    let mut all: Vec<Source> = Vec::new();
    if matches!(app, App::Any | App::Uportal) {
        all.extend(uportal.map(|name| Source::new(name, Form::UPortal)));
    }
    if matches!(app, App::Any | App::Uportal | App::Spring) {
        all.push(spring());
    }
    if matches!(app, App::Any | App::Cas) {
        all.push(cas());
    }
    if matches!(app, App::Any | App::Shiro) {
        all.push(shiro());
    }
    if matches!(app, App::Any | App::Plain) {
        all.extend(plain());
    }
    if app == App::Any {
        all.push(Source::new("javamelody.remoteUser", Form::Plain));
        all.push(Source::new("javamelody.remoteAddr", Form::Address));
        all.push(Source::new("__psiprobe_la_ip", Form::Address));
    }
    all
}

/// What kind of app it is: which attributes are worth asking for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum App {
    /// Every attribute we know.
    #[default]
    Any,
    Uportal,
    Spring,
    Cas,
    Shiro,
    Plain,
}

impl Form {
    /// Reads an attribute's text.
    pub fn read(&self, text: &str) -> Reading {
        match self {
            Form::Plain => Reading::of(plain(text)),
            Form::UPortal => Reading::of(uportal(text)),
            Form::Spring => spring(text),
            Form::Shiro => Reading::of(shiro(text)),
            Form::Pattern(pattern) => Reading::of(one(names(pattern, text))),
            Form::Address => Reading {
                person: Person::Nobody,
                address: text.split_whitespace().next().and_then(address),
            },
        }
    }
}

impl Reading {
    fn of(person: Person) -> Self {
        Self {
            person,
            address: None,
        }
    }
}

impl Person {
    /// The person of this name, who signed in by Tomcat itself; empty = nobody did.
    pub fn named(name: &str) -> Person {
        known(name)
    }

    /// Both readings of one session: where they disagree, neither is told.
    pub fn with(self, other: Person) -> Person {
        match (self, other) {
            (Person::Nobody, other) => other,
            (first, Person::Nobody) => first,
            (Person::Uncertain(why), _) | (_, Person::Uncertain(why)) => Person::Uncertain(why),
            // A guest's page is signed in too, as "guest".
            (Person::Guest, _) => Person::Guest,
            (first @ Person::Known { .. }, Person::Guest) => first,
            (Person::Known { account, display }, Person::Known { account: other, .. }) => {
                if account == other {
                    Person::Known { account, display }
                } else {
                    Person::Uncertain("Two parts of its data name different people.")
                }
            }
        }
    }
}

fn known(account: &str) -> Person {
    let fits = !account.is_empty()
        && account.chars().count() <= LONGEST
        && !account.chars().any(char::is_control)
        && account == account.trim();
    if fits {
        Person::Known {
            account: account.to_owned(),
            display: String::new(),
        }
    } else {
        Person::Nobody
    }
}

/// The person of these names.
fn one(names: BTreeSet<&str>) -> Person {
    match names.first() {
        None => Person::Nobody,
        Some(_) if names.len() > 1 => Person::Uncertain(TWO_NAMES),
        Some(name) => known(name),
    }
}

/// Everything a pattern's group could mean. It is looked for again from where the group ended, so that a second
/// reading that begins within the first one's end is met too.
fn names<'t>(pattern: &Regex, text: &'t str) -> BTreeSet<&'t str> {
    let mut found = BTreeSet::new();
    let mut from = 0;
    while let Some(groups) = pattern.captures_at(text, from) {
        let Some(group) = groups.get(1) else { break };
        found.insert(group.as_str());
        let start = groups.get(0).map_or(from, |all| all.start());
        from = group.end().max(start + 1);
        while from < text.len() && !text.is_char_boundary(from) {
            from += 1;
        }
        if from >= text.len() {
            break;
        }
    }
    found
}

/// An address as it stands.
fn address(text: &str) -> Option<String> {
    text.parse::<std::net::IpAddr>().ok().map(|ip| ip.to_string())
}

/// `com.example.User@1a2b3c`: an object that says nothing of itself.
static OBJECT: LazyLock<Regex> = LazyLock::new(|| pattern(r"^[\w.$]*[.$][\w.$]*@[0-9a-f]{1,8}$"));

fn plain(text: &str) -> Person {
    if OBJECT.is_match(text) {
        return Person::Nobody;
    }
    known(text.trim())
}

static USERNAME: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?s)[{ ]username=\[(.*?)\](?:, [\w.:-]+=\[|\},securityContext=)"));
static FULL_NAME: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?s)\[id=[^,]*,fullName=(.*?),attributes=\{"));
static GUEST: LazyLock<Regex> = LazyLock::new(|| pattern(r"isGuest=(true|false)\]\s*$"));

fn uportal(text: &str) -> Person {
    let guest = GUEST.captures(text).and_then(|groups| groups.get(1));
    match guest.map(|g| g.as_str()) {
        Some("true") => return Person::Guest,
        Some(_) => {}
        None => return Person::Nobody,
    }
    let display = FULL_NAME
        .captures(text)
        .and_then(|groups| groups.get(1))
        .map(|g| g.as_str())
        .filter(|name| *name != "<null>" && name.chars().count() <= LONGEST);
    match one(names(&USERNAME, text)) {
        Person::Known { account, .. } => Person::Known {
            account,
            display: display.unwrap_or_default().to_owned(),
        },
        other => other,
    }
}

/// In the order in which they are tried: the first that fits is the form of the text.
static SPRING: LazyLock<[Regex; 6]> = LazyLock::new(|| {
    [
        pattern(r"(?s)Principal=Name: \[(.*?)\], Granted Authorities: "),
        pattern(r"(?s)Principal=[\w.$]+ \[Username=(.*?), Password=\[PROTECTED\]"),
        pattern(r"(?s)Principal: [\w.$]+@[0-9a-f]+: Username: (.*?); Password: \[PROTECTED\]"),
        pattern(r"(?s)Principal: UserDetails for user (.*?); Credentials: "),
        pattern(r"(?s)Principal=(.*?), Credentials=\[PROTECTED\]"),
        pattern(r"(?s)Principal: (.*?); Credentials: "),
    ]
});
static REMOTE: LazyLock<Regex> = LazyLock::new(|| pattern(r"RemoteIpAddress[=:] ?([0-9A-Fa-f.:]+)"));

fn spring(text: &str) -> Reading {
    let person = if text.contains("Null authentication") {
        Person::Nobody
    } else {
        let readings = SPRING.iter().find_map(|form| {
            let found = names(form, text);
            (!found.is_empty()).then_some(found)
        });
        match readings.map_or(Person::Nobody, one) {
            Person::Known { account, .. } if account == "anonymousUser" => Person::Guest,
            // An object that says nothing of itself is no name.
            Person::Known { account, .. } => plain(&account),
            other => other,
        }
    };
    let addresses = names(&REMOTE, text);
    Reading {
        person,
        address: match addresses.len() {
            1 => addresses.first().and_then(|ip| address(ip)),
            _ => None,
        },
    }
}

fn shiro(text: &str) -> Person {
    if text == "empty" {
        return Person::Nobody;
    }
    let mut parts = text.split(',');
    let first = parts.next().unwrap_or_default();
    // Several realms tell of one person where the others are their mail addresses; else a name with a comma may be one.
    if parts.all(|part| part.rsplit_once('@').is_some_and(|(local, _)| local == first)) {
        known(first)
    } else {
        Person::Uncertain(TWO_NAMES)
    }
}

#[expect(
    clippy::expect_used,
    reason = "fixed patterns, compiled by the tests of this file"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of ours")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 8] = [
        "alice",
        "o'brien",
        "a,b",
        "x]y",
        r"DOMAIN\joe",
        "joe@ex.org",
        "ann=1",
        "Zo\u{eb}",
    ];

    fn account(reading: &Reading) -> Option<&str> {
        match &reading.person {
            Person::Known { account, .. } => Some(account),
            _ => None,
        }
    }

    /// The texts of real-uportal-tomcat.md §6, each with every awkward name.
    #[test]
    fn spring_security_texts_name_their_person_and_address() {
        let forms = [
            "org.springframework.security.core.context.SecurityContextImpl@3d3f2e71: Authentication: org.x.UsernamePasswordAuthenticationToken@3d3f2e71: Principal: org.springframework.security.core.userdetails.User@5899680: Username: NAME; Password: [PROTECTED]; Enabled: true; Credentials: [PROTECTED]; Authenticated: true; Details: org.x.WebAuthenticationDetails@ffff6a82: RemoteIpAddress: 192.0.2.7; SessionId: AB12; Granted Authorities: ROLE_USER",
            "org.springframework.security.core.context.SecurityContextImpl@1: Authentication: org.x.Token@1: Principal: NAME; Credentials: [PROTECTED]; Authenticated: true; Details: org.x.WebAuthenticationDetails@1: RemoteIpAddress: 192.0.2.7; SessionId: AB12; Not granted any authorities",
            "org.springframework.security.core.context.SecurityContextImpl@ce2a531f: Authentication: org.x.PreAuthenticatedAuthenticationToken@ce2a531f: Principal: UserDetails for user NAME; Credentials: [PROTECTED]; Authenticated: true; Details: org.x.WebAuthenticationDetails@957e: RemoteIpAddress: 192.0.2.7; SessionId: 41BB; Not granted any authorities",
            "SecurityContextImpl [Authentication=UsernamePasswordAuthenticationToken [Principal=org.springframework.security.core.userdetails.User [Username=NAME, Password=[PROTECTED], Enabled=true, AccountNonExpired=true, credentialsNonExpired=true, Granted Authorities=[ROLE_USER]], Credentials=[PROTECTED], Authenticated=true, Details=WebAuthenticationDetails [RemoteIpAddress=192.0.2.7, SessionId=AB], Granted Authorities=[ROLE_USER]]]",
            "SecurityContextImpl [Authentication=UsernamePasswordAuthenticationToken [Principal=NAME, Credentials=[PROTECTED], Authenticated=true, Details=WebAuthenticationDetails [RemoteIpAddress=192.0.2.7, SessionId=AB], Granted Authorities=[ROLE_USER]]]",
            "SecurityContextImpl [Authentication=OAuth2AuthenticationToken [Principal=Name: [NAME], Granted Authorities: [[ROLE_USER]], User Attributes: [{sub=00u1, preferred_username=other, email=other@example.org}], Credentials=[PROTECTED], Authenticated=true, Details=WebAuthenticationDetails [RemoteIpAddress=192.0.2.7, SessionId=AB]]]",
        ];
        for form in forms {
            for name in NAMES {
                let reading = Form::Spring.read(&form.replace("NAME", name));
                assert_eq!(account(&reading), Some(name), "{form}");
                assert_eq!(reading.address.as_deref(), Some("192.0.2.7"), "{form}");
            }
        }
        for (text, person) in [
            (
                "SecurityContextImpl [Authentication=AnonymousAuthenticationToken [Principal=anonymousUser, Credentials=[PROTECTED], Details=null, Granted Authorities=[ROLE_ANONYMOUS]]]",
                Person::Guest,
            ),
            ("SecurityContextImpl [Null authentication]", Person::Nobody),
            (
                "org.x.SecurityContextImpl@ffffffff: Null authentication",
                Person::Nobody,
            ),
            ("something else", Person::Nobody),
        ] {
            assert_eq!(Form::Spring.read(text).person, person, "{text}");
        }
    }

    fn iperson(attributes: &str, guest: bool) -> String {
        format!(
            "org.apereo.portal.security.provider.PersonImpl@6b01a3f5[id=42,fullName=Amy Administrator,attributes={{{attributes}}},securityContext=org.x.UnionSecurityContext principal:x isAuth:true[a],isGuest={guest}]"
        )
    }

    #[test]
    fn uportals_person_is_read_wherever_the_name_stands() {
        let locales = "UserProfile=[org.apereo.portal.UserProfile@2[id=61,localeManager=LocaleManager's locales\n----\nSession locales: \n]]";
        for name in NAMES {
            for attributes in [
                format!("password=[S3cret!], username=[{name}]"),
                format!("username=[{name}], mail=[a@b, c@d], {locales}"),
                format!("remoteUser=[null], {locales}, uid=[x], username=[{name}], user.login.id=[x]"),
            ] {
                let reading = Form::UPortal.read(&iperson(&attributes, false));
                assert_eq!(account(&reading), Some(name), "{attributes}");
                let shown = matches!(&reading.person, Person::Known { display, .. } if display == "Amy Administrator");
                assert!(shown, "{attributes}");
                assert!(
                    !format!("{reading:?}").contains("S3cret!"),
                    "nothing else is taken along"
                );
            }
        }
        let guest = iperson("username=[guest]", true);
        assert_eq!(Form::UPortal.read(&guest).person, Person::Guest);
        assert_eq!(Form::UPortal.read("org.x.Person@1a2b").person, Person::Nobody);
    }

    #[test]
    fn a_directory_value_that_plays_a_name_makes_it_uncertain() {
        for attributes in [
            "title=[x], username=[admin], mail=[m]], username=[alice]",
            "title=[x], username=[admin], username=[alice]",
            "username=[alice], title=[x], username=[admin]",
        ] {
            let reading = Form::UPortal.read(&iperson(attributes, false));
            assert_eq!(reading.person, Person::Uncertain(TWO_NAMES), "{attributes}");
        }
        let other = Form::Spring
            .read("Authentication: t@1: Principal: UserDetails for user bob; Credentials: [PROTECTED]; x");
        let amy = Form::UPortal.read(&iperson("username=[alice]", false));
        let both = amy.person.clone().with(other.person);
        assert!(matches!(both, Person::Uncertain(_)), "two parts disagree");
        assert_eq!(amy.person.clone().with(Person::Nobody), amy.person);
        assert_eq!(amy.person.clone().with(amy.person.clone()), amy.person);
    }

    #[test]
    fn plain_shiro_and_own_patterns() {
        for (text, expected) in [
            ("bob", Some("bob")),
            ("o'brien", Some("o'brien")),
            ("joe@ex.org", Some("joe@ex.org")),
            ("org.jasig.cas.client.validation.AssertionImpl@2713872d", None),
            ("", None),
            ("two\nlines", None),
        ] {
            assert_eq!(account(&Form::Plain.read(text)), expected, "{text}");
        }
        assert_eq!(
            account(&Form::Shiro.read("alice,alice@example.org")),
            Some("alice")
        );
        assert_eq!(account(&Form::Shiro.read("alice")), Some("alice"));
        let mail_as_name = Form::Shiro.read("joe@ex.org,joe@ex.org@example.org");
        assert_eq!(account(&mail_as_name), Some("joe@ex.org"));
        assert_eq!(Form::Shiro.read("a,b").person, Person::Uncertain(TWO_NAMES));
        assert_eq!(Form::Shiro.read("empty").person, Person::Nobody);
        let own = Form::Pattern(Regex::new(r"uid=(\w+)").unwrap());
        assert_eq!(account(&own.read("x uid=ann y")), Some("ann"));
        assert!(matches!(own.read("uid=ann uid=bob").person, Person::Uncertain(_)));
        let melody = Form::Address.read("10.0.0.9 forwarded for 192.0.2.7");
        assert_eq!(melody.address.as_deref(), Some("10.0.0.9"));
    }
}
