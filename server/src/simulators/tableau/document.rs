//! A request or an answer before it is XML or JSON: elements with attributes, read and written in both.
//!
//! JSON follows the server's own habit: attributes become text members, a text beside attributes becomes `value`, an
//! element of text alone becomes text, and elements that may repeat become a list.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, header};
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::{Reader, Writer, XmlVersion};
use serde_json::{Map, Value};

/// One element.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: Option<String>,
    /// Its children are a list even when there is one, or none.
    list_of: Option<&'static str>,
}

impl Element {
    /// An empty one.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// With an attribute more.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    /// With a child more.
    pub fn holding(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// With this text inside.
    pub fn saying(mut self, text: impl Into<String>) -> Self {
        self.text = Some(text.into());
        self
    }

    /// A list of elements of one name.
    pub fn list(name: &str, of: &'static str, children: Vec<Self>) -> Self {
        Self {
            children,
            list_of: Some(of),
            ..Self::new(name)
        }
    }

    /// An attribute; none when it was not sent.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The first child of that name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    fn write<W: std::io::Write>(&self, writer: &mut Writer<W>) -> std::io::Result<()> {
        let mut start = BytesStart::new(self.name.as_str());
        for (name, value) in &self.attributes {
            start.push_attribute((name.as_str(), value.as_str()));
        }
        if self.children.is_empty() && self.text.is_none() {
            return writer.write_event(Event::Empty(start));
        }
        writer.write_event(Event::Start(start))?;
        if let Some(text) = &self.text {
            writer.write_event(Event::Text(BytesText::new(text)))?;
        }
        for child in &self.children {
            child.write(writer)?;
        }
        writer.write_event(Event::End(BytesEnd::new(self.name.as_str())))
    }

    fn to_value(&self) -> Value {
        if let Some(of) = self.list_of {
            let items = self.children.iter().map(Self::to_value).collect();
            return Value::Object(Map::from_iter([(of.to_owned(), Value::Array(items))]));
        }
        if let Some(text) = &self.text
            && self.attributes.is_empty()
        {
            return text.as_str().into();
        }
        let attributes = self.attributes.iter();
        let mut members: Map<String, Value> = attributes
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect();
        if let Some(text) = &self.text {
            members.insert("value".to_owned(), text.as_str().into());
        }
        for child in &self.children {
            members.insert(child.name.clone(), child.to_value());
        }
        Value::Object(members)
    }

    /// Members that are null count as not sent.
    fn from_value(name: &str, value: &Value) -> Option<Self> {
        let mut element = Self::new(name);
        for (name, value) in value.as_object()? {
            match value {
                Value::String(text) => element.attributes.push((name.clone(), text.clone())),
                Value::Object(_) => element.children.push(Self::from_value(name, value)?),
                Value::Bool(_) | Value::Number(_) => {
                    element.attributes.push((name.clone(), value.to_string()))
                }
                Value::Null => {}
                Value::Array(_) => return None,
            }
        }
        Some(element)
    }
}

/// Which of the two formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The default.
    Xml,
    /// When asked for.
    Json,
}

impl Format {
    /// What the caller wants to read: the first type of `Accept`, else XML.
    pub fn wanted(headers: &HeaderMap) -> Self {
        let first = text(headers, &header::ACCEPT)
            .split(',')
            .next()
            .unwrap_or_default();
        Self::named(first)
    }

    fn sent(headers: &HeaderMap) -> Self {
        Self::named(text(headers, &header::CONTENT_TYPE))
    }

    fn named(media_type: &str) -> Self {
        let kind = media_type.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/json") {
            Self::Json
        } else {
            Self::Xml
        }
    }

    /// `Content-Type` of an answer.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Xml => "application/xml;charset=UTF-8",
            Self::Json => "application/json;charset=UTF-8",
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> &'a str {
    headers
        .get(name)
        .map_or(Ok(""), HeaderValue::to_str)
        .unwrap_or_default()
}

/// How an XML answer begins.
#[derive(Clone, Copy, Debug)]
pub struct Prologue {
    /// The namespace of `tsResponse`.
    pub namespace: &'static str,
    /// Whether the XML declaration is there.
    pub declared: bool,
}

/// An answer around these elements.
pub fn answer(format: Format, prologue: Prologue, inside: Vec<Element>) -> Vec<u8> {
    match format {
        Format::Xml => {
            let root = Element {
                children: inside,
                ..Element::new("tsResponse").with("xmlns", prologue.namespace)
            };
            xml(&root, prologue.declared)
        }
        Format::Json => {
            let members = inside.iter().map(|child| (child.name.clone(), child.to_value()));
            Value::Object(members.collect()).to_string().into_bytes()
        }
    }
}

/// An XML document.
pub fn xml(root: &Element, declared: bool) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    let declaration = BytesDecl::new("1.0", Some("UTF-8"), None);
    // Writing to memory does not fail.
    if declared {
        writer.write_event(Event::Decl(declaration)).ok();
    }
    root.write(&mut writer).ok();
    writer.into_inner()
}

/// What is inside a request's `tsRequest`, or inside its JSON object; none when it is neither.
///
/// Without a `Content-Type` it is read as XML.
pub fn request(headers: &HeaderMap, body: &Bytes) -> Option<Element> {
    match Format::sent(headers) {
        Format::Xml => read_xml(std::str::from_utf8(body).ok()?).filter(|root| root.name == "tsRequest"),
        Format::Json => Element::from_value("tsRequest", &serde_json::from_slice(body).ok()?),
    }
}

/// The root element; text between elements is left out, no request has any.
fn read_xml(text: &str) -> Option<Element> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<Element> = Vec::new();
    loop {
        let (element, closed) = match reader.read_event().ok()? {
            Event::Start(start) => (read_start(&start)?, false),
            Event::Empty(start) => (read_start(&start)?, true),
            Event::End(_) => (open.pop()?, true),
            Event::Eof => return None,
            _ => continue,
        };
        if !closed {
            open.push(element);
        } else if let Some(parent) = open.last_mut() {
            parent.children.push(element);
        } else {
            return Some(element);
        }
    }
}

fn read_start(start: &BytesStart<'_>) -> Option<Element> {
    let mut element = Element::new(start.local_name().as_ref());
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Explicit1_0).ok()?;
        let name = attribute.key.local_name().as_ref().to_owned();
        element.attributes.push((name, value.into_owned()));
    }
    Some(element)
}
