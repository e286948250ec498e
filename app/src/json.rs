//! How calls carry what they carry: JSON, read as text.
//!
//! A page's first data is read from text inside the HTML. Were calls read from bytes, as the stock encoding does, every
//! type would bring its reader to the browser twice.

use leptos::server_fn::codec::Post;
use leptos::server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};
use serde::Serialize;
use serde::de::{DeserializeOwned, Error};

/// Arguments and answers as JSON in the body of a POST request.
pub type Json = Post<JsonText>;

/// JSON, read as text.
pub struct JsonText;

impl ContentType for JsonText {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for JsonText {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for JsonText {
    type Error = serde_json::Error;

    fn encode(output: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_string(output).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for JsonText {
    type Error = serde_json::Error;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        serde_json::from_str(std::str::from_utf8(&bytes).map_err(Self::Error::custom)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_broken_text_is_an_error() {
        let bytes = JsonText::encode(&vec!["ünï", "2"]).expect("text can be written");
        let back: Vec<String> = JsonText::decode(bytes).expect("it can be read again");
        assert_eq!(back, ["ünï", "2"]);
        let broken: Result<Vec<String>, _> = JsonText::decode(Bytes::from_static(b"[\"\xff\"]"));
        assert!(broken.is_err());
    }
}
