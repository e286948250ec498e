//! Single logout requests of CAS: a SAML 2 `LogoutRequest` that nobody signed.
//!
//! What makes it count is the address it came to, whose secret part only the CAS server knows. It is read with the XML
//! library of the house: no document type, so no entity of its own, nothing fetched.

use app::civil::Civil;
use app::wire::Timestamp;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::token::LONGEST_LIFE_S;

/// Longest request, bytes; a real one has some 460.
const LONGEST: usize = 8 << 10;
/// Longest name in it, bytes.
const LONGEST_NAME: usize = 255;
/// Deepest element in it.
const DEEPEST: usize = 8;
/// Clocks may differ by so much, seconds.
const CLOCKS_DIFFER_S: i64 = 60;
/// SAML 2's own words.
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// What old servers write instead of a name.
const NOT_USED: &str = "@NOT_USED@";

/// What a request says.
#[derive(Clone, PartialEq, Eq)]
pub struct Told {
    /// Its own name, so that it counts once.
    pub id: String,
    /// The person's user name; empty = it names none.
    pub name: String,
    /// The service ticket, which is a secret: hash it at once.
    pub index: String,
    /// When it is too old to be taken again.
    pub expires_at: Timestamp,
}

/// Reads a request; the words say what is wrong with it, and nothing of it stands in them.
pub fn read(text: &str, now: Timestamp) -> Result<Told, String> {
    if text.len() > LONGEST {
        return Err("The request is too long.".to_owned());
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<String> = Vec::new();
    let mut root: Option<(String, String)> = None;
    let (mut name, mut index) = (Vec::new(), Vec::new());
    loop {
        let event = reader.read_event().map_err(|_| "It is no XML.")?;
        let piece = match event {
            Event::Eof => break,
            Event::DocType(_) => return Err("It has a document type.".to_owned()),
            Event::Start(tag) => {
                let local = tag.local_name().into_inner().to_owned();
                if open.is_empty() {
                    if root.is_some() {
                        return Err("It is no LogoutRequest.".to_owned());
                    }
                    root = Some(root_of(&tag, &local)?);
                }
                if open.len() >= DEEPEST {
                    return Err("It is nested too deeply.".to_owned());
                }
                match (open.len(), local.as_str()) {
                    (1, "NameID") => name.push(String::new()),
                    (1, "SessionIndex") => index.push(String::new()),
                    _ => {}
                }
                open.push(local);
                continue;
            }
            Event::End(_) => {
                open.pop();
                continue;
            }
            Event::Text(text) => text.xml10_content().into_owned(),
            Event::CData(text) => text.xml10_content().into_owned(),
            // Only the five that XML knows by itself, and characters by number.
            Event::GeneralRef(entity) => unescape(&format!("&{};", &*entity))
                .map(|text| text.into_owned())
                .map_err(|_| "It has an entity of its own.")?,
            _ => continue,
        };
        let into = match (open.len(), open.last().map(String::as_str)) {
            (2, Some("NameID")) => name.last_mut(),
            (2, Some("SessionIndex")) => index.last_mut(),
            _ => None,
        };
        if let Some(into) = into {
            into.push_str(&piece);
        }
    }
    if !open.is_empty() {
        return Err("It is cut off.".to_owned());
    }
    let (id, made) = root.ok_or("It is no LogoutRequest.")?;
    let [index] = index.as_slice() else {
        return Err("It does not name one SessionIndex.".to_owned());
    };
    if name.len() > 1 {
        return Err("It has more than one NameID.".to_owned());
    }
    let name = name.pop().unwrap_or_default();
    let name = name.trim();
    for part in [id.as_str(), name, index.trim()] {
        if part.len() > LONGEST_NAME || part.chars().any(char::is_control) {
            return Err("One of its names is too long or no name.".to_owned());
        }
    }
    if id.is_empty() || index.trim().is_empty() {
        return Err("Its ID or SessionIndex is empty.".to_owned());
    }
    let made_at = made_at(&made).ok_or("Its IssueInstant is no moment in UTC.")?;
    let age_s = now.since(made_at).div_euclid(1000);
    if !(-CLOCKS_DIFFER_S..LONGEST_LIFE_S + CLOCKS_DIFFER_S).contains(&age_s) {
        return Err("Its IssueInstant is not of these minutes.".to_owned());
    }
    Ok(Told {
        id,
        name: if name == NOT_USED {
            String::new()
        } else {
            name.to_owned()
        },
        index: index.trim().to_owned(),
        expires_at: made_at.plus_seconds(LONGEST_LIFE_S + 2 * CLOCKS_DIFFER_S),
    })
}

/// ID and IssueInstant of the document's element, which has to be a LogoutRequest of SAML 2.
fn root_of(tag: &BytesStart<'_>, local: &str) -> Result<(String, String), String> {
    let none = || "It is no LogoutRequest.".to_owned();
    let (mut id, mut made, mut version, mut spoken) = (String::new(), String::new(), String::new(), false);
    let prefix = tag.name().prefix().map(|prefix| prefix.into_inner().to_owned());
    let declared = prefix.map_or("xmlns".to_owned(), |prefix| format!("xmlns:{prefix}"));
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| none())?;
        let value = attribute
            .normalized_value(XmlVersion::Implicit1_0)
            .map_err(|_| none())?;
        match attribute.key.into_inner() {
            "ID" => id = value.into_owned(),
            "IssueInstant" => made = value.into_owned(),
            "Version" => version = value.into_owned(),
            key if key == declared => spoken = value == PROTOCOL,
            _ => {}
        }
    }
    if local != "LogoutRequest" || !spoken || version != "2.0" {
        return Err(none());
    }
    Ok((id, made))
}

fn made_at(text: &str) -> Option<Timestamp> {
    let text = text.strip_suffix('Z')?;
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    Some(Civil::parse(whole)?.timestamp(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21T20:29:30Z, when a real one was made.
    const MADE: Timestamp = Timestamp(1_795_292_970_000);
    /// As CAS 7.0.0 sent it.
    const REAL: &str = "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" ID=\"LR-1-UN8A\" \
        Version=\"2.0\" IssueInstant=\"2026-11-21T20:29:30Z\"><saml:NameID \
        xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\">alice</saml:NameID>\
        <samlp:SessionIndex>ST-1-2en5</samlp:SessionIndex></samlp:LogoutRequest>";

    fn cause(text: &str) -> String {
        read(text, MADE).err().unwrap_or_default()
    }

    #[test]
    fn a_real_request_names_the_person_and_the_ticket() {
        let told = read(REAL, MADE.plus_seconds(2)).ok().unwrap();
        assert_eq!(
            (told.id.as_str(), told.name.as_str(), told.index.as_str()),
            ("LR-1-UN8A", "alice", "ST-1-2en5")
        );
        assert_eq!(told.expires_at, MADE.plus_seconds(720));
        let escaped = read(&REAL.replace("alice", "A&amp;B &#x41;"), MADE).ok().unwrap();
        assert_eq!(escaped.name, "A&B A");
        let nobody = read(&REAL.replace("alice", "@NOT_USED@"), MADE).ok().unwrap();
        assert_eq!(nobody.name, "");
        let finer = REAL.replace("20:29:30Z", "20:29:30.123Z");
        assert!(read(&finer, MADE).is_ok());
    }

    #[test]
    fn anything_else_is_refused_and_says_why() {
        let evil = "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>";
        for (text, says) in [
            (format!("{evil}{REAL}"), "document type"),
            (REAL.replace("alice", "&e;"), "entity"),
            (REAL.replace("alice", "&nbsp;"), "entity"),
            (
                REAL.replace("LogoutRequest", "LogoutResponse"),
                "no LogoutRequest",
            ),
            (
                REAL.replace("SAML:2.0:protocol", "SAML:1.1:protocol"),
                "no LogoutRequest",
            ),
            (
                REAL.replace("Version=\"2.0\"", "Version=\"1.1\""),
                "no LogoutRequest",
            ),
            (format!("{REAL}{REAL}"), "no LogoutRequest"),
            (REAL.replace("ST-1-2en5", " "), "empty"),
            (REAL.replace("LR-1-UN8A", ""), "empty"),
            (
                REAL.replace(
                    "</samlp:LogoutRequest>",
                    "<samlp:SessionIndex>b</samlp:SessionIndex></samlp:LogoutRequest>",
                ),
                "one SessionIndex",
            ),
            (
                REAL.replace("samlp:SessionIndex", "samlp:Other"),
                "one SessionIndex",
            ),
            (REAL[..REAL.len() - 20].to_owned(), "no XML"),
            (REAL.replace("20:29:30Z", "20:29:30"), "no moment"),
            (REAL.replace("20:29:30Z", "20:18:00Z"), "not of these minutes"),
            (REAL.replace("20:29:30Z", "20:30:31Z"), "not of these minutes"),
            (REAL.replace("alice", &"a".repeat(256)), "too long"),
            ("x".repeat(9_000), "too long"),
            ("logout".to_owned(), "no LogoutRequest"),
            (String::new(), "no LogoutRequest"),
            (
                format!("{}{}", "<a>".repeat(9), "</a>".repeat(9)),
                "no LogoutRequest",
            ),
            (
                REAL.replace("alice", &format!("{}{}", "<a>".repeat(9), "</a>".repeat(9))),
                "deeply",
            ),
        ] {
            let cause = cause(&text);
            assert!(cause.contains(says), "{says}: {cause}: {text}");
        }
    }
}
