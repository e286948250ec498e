//! What Tableau's REST API says, in XML or JSON, as one tree. XML is shaped like its JSON: attributes are members, text
//! beside them is the member `value`.

use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use serde_json::{Map, Value};

use crate::connectors::http::Answered;

/// Longest part of the server's own words that is repeated, characters.
const LONGEST_WORDS: usize = 120;

/// A failure as Tableau tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// HTTP status and three digits: "401002".
    pub code: String,
    /// What it calls it, safe to show.
    pub summary: String,
    /// Number at the end of the detail, of connected apps: 5 = no such user.
    pub app_error: Option<u32>,
}

/// An answer as a tree; `None` = it is neither of Tableau's XML nor its JSON: a gateway's page, something cut off.
pub(super) fn tree(answered: &Answered) -> Option<Value> {
    if answered.is_page() {
        return None;
    }
    let bytes = answered.bytes().trim_ascii_start();
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    match bytes.first()? {
        b'{' => serde_json::from_slice(bytes).ok(),
        b'<' => xml(bytes),
        _ => None,
    }
}

/// The failure that an answer tells; `None` = none, or not in Tableau's words.
pub(super) fn fault(answered: &Answered) -> Option<Fault> {
    let tree = tree(answered)?;
    let code = text(&tree, &["error", "code"])?;
    if code.len() > 9 || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let detail = text(&tree, &["error", "detail"]).unwrap_or_default();
    let app_error = detail
        .split_once("errorCode=")
        .and_then(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok());
    let summary = text(&tree, &["error", "summary"]).unwrap_or_default();
    let safe = summary.chars().filter(|c| !c.is_control());
    Some(Fault {
        code,
        summary: safe.take(LONGEST_WORDS).collect(),
        app_error,
    })
}

/// The text at a path of members; `None` = not there or null.
pub(super) fn text(tree: &Value, path: &[&str]) -> Option<String> {
    let mut at = tree;
    for name in path {
        at = at.get(name)?;
    }
    match at {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(members) => members.get("value")?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// An element that is being read.
struct Element {
    name: String,
    members: Map<String, Value>,
    text: String,
}

impl Element {
    fn begun(tag: &BytesStart<'_>) -> Option<Self> {
        let mut members = Map::new();
        for attribute in tag.attributes() {
            let attribute = attribute.ok()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
            members.insert(
                attribute.key.into_inner().to_owned(),
                Value::String(value.into_owned()),
            );
        }
        Some(Self {
            name: tag.local_name().into_inner().to_owned(),
            members,
            text: String::new(),
        })
    }

    fn done(self) -> Value {
        let text = self.text.trim();
        if self.members.is_empty() {
            return Value::String(text.to_owned());
        }
        let mut members = self.members;
        if !text.is_empty() {
            members.insert("value".to_owned(), Value::String(text.to_owned()));
        }
        Value::Object(members)
    }
}

/// The content of a `tsResponse`; `None` where the document is another one or not whole.
fn xml(bytes: &[u8]) -> Option<Value> {
    let mut reader = Reader::from_str(std::str::from_utf8(bytes).ok()?);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    loop {
        let said = match reader.read_event().ok()? {
            Event::Start(tag) => {
                open.push(Element::begun(&tag)?);
                continue;
            }
            Event::End(_) => {
                let element = open.pop()?;
                close(&mut open, &mut root, element);
                continue;
            }
            Event::Text(text) => text.xml10_content().into_owned(),
            Event::CData(text) => text.xml10_content().into_owned(),
            Event::GeneralRef(entity) => unescape(&format!("&{};", &*entity)).ok()?.into_owned(),
            Event::Eof => break,
            _ => continue,
        };
        if let Some(element) = open.last_mut() {
            element.text.push_str(&said);
        }
    }
    root.filter(|_| open.is_empty())
}

/// Puts a whole element into the one around it; the outermost must be a `tsResponse`.
fn close(open: &mut [Element], root: &mut Option<Value>, element: Element) {
    match open.last_mut() {
        Some(parent) => {
            parent.members.insert(element.name.clone(), element.done());
        }
        None if element.name == "tsResponse" => *root = Some(element.done()),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_and_json_say_the_same() {
        let xml = xml(
            br#"<?xml version='1.0' encoding='UTF-8'?><tsResponse xmlns="http://tableau.com/api"><serverInfo>
            <productVersion build="20203.20.0807.2057">2020.3.0</productVersion>
            <restApiVersion>3.9</restApiVersion></serverInfo></tsResponse>"#,
        );
        let json = serde_json::json!({"serverInfo": {"productVersion":
            {"value": "2020.3.0", "build": "20203.20.0807.2057"}, "restApiVersion": "3.9"}});
        for tree in [xml.unwrap(), json] {
            let said = |path: &[&str]| text(&tree, path).unwrap();
            assert_eq!(said(&["serverInfo", "productVersion"]), "2020.3.0");
            assert_eq!(
                said(&["serverInfo", "productVersion", "build"]),
                "20203.20.0807.2057"
            );
            assert_eq!(said(&["serverInfo", "restApiVersion"]), "3.9");
            assert_eq!(text(&tree, &["serverInfo", "platform"]), None);
        }
    }

    #[test]
    fn what_is_cut_off_or_somebody_elses_is_no_answer() {
        for bad in [
            "<html><body>502</body></html>",
            "<tsResponse><error code=\"401002\"><summary>Una",
            "<tsResponse><error></tsResponse></error>",
            "<tsResponse",
        ] {
            assert_eq!(xml(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn entities_are_read_and_empty_elements_have_their_attributes() {
        let tree = xml(
            b"<tsResponse><session><site name=\"R&amp;D\" contentUrl=\"\"/><user name=\"svc\" siteRole=\"Creator\"/></session></tsResponse>",
        )
        .unwrap();
        assert_eq!(text(&tree, &["session", "site", "name"]).as_deref(), Some("R&D"));
        assert_eq!(
            text(&tree, &["session", "site", "contentUrl"]).as_deref(),
            Some("")
        );
        assert_eq!(
            text(&tree, &["session", "user", "siteRole"]).as_deref(),
            Some("Creator")
        );
    }
}
