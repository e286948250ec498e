//! A signed containment report, as programs get it: the very bytes of the file. Its parts are told field by field in
//! docs/report.md.

use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

type Object = Map<String, Value>;

/// A containment report. Keep the bytes as they came: the signature is over the text of each part.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct SignedReport {
    /// Version of the file.
    #[schema(minimum = 1, maximum = 1)]
    pub curfew_report: u32,
    /// What it is about, who made it, when, whether it is whole.
    #[schema(value_type = Object)]
    pub about: Object,
    /// The person; null where it is about an ending.
    #[schema(value_type = Option<Object>)]
    pub person: Option<Object>,
    /// What keeps people from signing in again.
    #[schema(value_type = Object)]
    pub blocks: Object,
    /// Endings, each with its sessions and what became of them.
    #[schema(value_type = Vec<Object>)]
    pub endings: Vec<Object>,
    /// Systems of all this, with what can't be seen in each.
    #[schema(value_type = Vec<Object>)]
    pub systems: Vec<Object>,
    /// Where the audit log ended; null in `seq` and `hash` for tokens without ReadAudit.
    #[schema(value_type = Object)]
    pub audit: Object,
    /// Over the parts above.
    pub signature: ReportSignature,
}

/// The signature of a report.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ReportSignature {
    /// What it says about itself, for people.
    pub how: String,
    /// SHA-256 of the public key, 64 hex digits.
    pub fingerprint: String,
    /// The public key: SubjectPublicKeyInfo in base64.
    pub public_key: String,
    /// JWS over the SHA-256 of each part's text.
    pub jws: String,
}
