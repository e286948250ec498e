//! SQL of the log: append at the head, read, walk.

use app::wire::Timestamp;
use data_encoding::HEXLOWER;

use super::Entry;
use crate::db::Conn;
use crate::error::Error;
use crate::keys::HashKey;
use crate::on;

/// A row as it is hashed and stored; the order of fields is the order of the hash.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Row {
    pub seq: i64,
    pub at: i64,
    pub action: String,
    pub actor_kind: String,
    pub actor_id: String,
    pub actor_name: String,
    pub actor_session: Option<String>,
    pub source_ip: Option<String>,
    pub user_agent: Option<String>,
    pub system_id: Option<String>,
    pub place: Option<String>,
    pub site: Option<String>,
    pub account: Option<String>,
    pub session_key: Option<String>,
    pub ending_id: Option<String>,
    pub target: String,
    pub permission: Option<String>,
    pub result: String,
    pub reason: Option<String>,
    pub ticket_ref: Option<String>,
    pub request_id: Option<String>,
    pub duration_ms: Option<i64>,
    pub detail: String,
    pub key_id: String,
    pub prev_hash: String,
    pub hash: String,
}

impl Row {
    /// The hash this row must carry under `key`.
    pub fn expected_hash(&self, key: &HashKey) -> String {
        let none = "\u{0}none";
        let text = |t: &Option<String>| t.clone().unwrap_or_else(|| none.to_owned());
        let fields = [
            self.seq.to_string(),
            self.at.to_string(),
            self.action.clone(),
            self.actor_kind.clone(),
            self.actor_id.clone(),
            self.actor_name.clone(),
            text(&self.actor_session),
            text(&self.source_ip),
            text(&self.user_agent),
            text(&self.system_id),
            text(&self.place),
            text(&self.site),
            text(&self.account),
            text(&self.session_key),
            text(&self.ending_id),
            self.target.clone(),
            text(&self.permission),
            self.result.clone(),
            text(&self.reason),
            text(&self.ticket_ref),
            text(&self.request_id),
            self.duration_ms
                .map_or_else(|| none.to_owned(), |n| n.to_string()),
            self.detail.clone(),
            self.key_id.clone(),
            self.prev_hash.clone(),
        ];
        let parts: Vec<&[u8]> = fields.iter().map(String::as_bytes).collect();
        HEXLOWER.encode(&key.mac(&parts))
    }
}

/// Longest text of a field that comes from outside, in characters.
const LONGEST: usize = 1_000;

/// Text from outside, made harmless: NUL bytes can't be stored, endless text is cut.
fn clean(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(LONGEST).collect()
}

/// Locks the head, writes the entry behind it, moves the head. Returns the entry's number.
pub async fn append(conn: &mut Conn, key: &HashKey, entry: &Entry, now: Timestamp) -> Result<i64, Error> {
    let lock = if conn.is_postgres() {
        "SELECT seq, hash FROM audit_head WHERE head_id = 1 FOR UPDATE"
    } else {
        "SELECT seq, hash FROM audit_head WHERE head_id = 1"
    };
    let (seq, prev_hash): (i64, String) = on!(conn, c => sqlx::query_as(lock).fetch_one(c).await?);
    let optional = |t: &Option<String>| t.as_deref().map(clean);
    let mut row = Row {
        seq: seq + 1,
        at: now.0,
        action: entry.action.word().to_owned(),
        actor_kind: entry.actor_kind.to_owned(),
        actor_id: entry.actor_id.clone(),
        actor_name: clean(&entry.actor_name),
        actor_session: entry.actor_session.as_ref().map(|s| s.0.clone()),
        source_ip: optional(&entry.origin.ip),
        user_agent: optional(&entry.origin.user_agent),
        system_id: entry.system_id.as_ref().map(|s| s.0.clone()),
        place: optional(&entry.place),
        site: optional(&entry.site),
        account: optional(&entry.account),
        session_key: entry.session_key.as_ref().map(|k| k.0.clone()),
        ending_id: entry.ending_id.as_ref().map(|e| e.0.clone()),
        target: clean(&entry.target),
        permission: entry.permission.map(|p| p.name().to_owned()),
        result: entry.result.name().to_owned(),
        reason: optional(&entry.reason),
        ticket_ref: optional(&entry.ticket_ref),
        request_id: Some(entry.origin.request_id.clone()).filter(|id| !id.is_empty()),
        duration_ms: entry.duration_ms,
        detail: serde_json::to_string(&entry.detail)?,
        key_id: key.id().to_owned(),
        prev_hash,
        hash: String::new(),
    };
    row.hash = row.expected_hash(key);
    on!(conn, c => {
        sqlx::query(
            "INSERT INTO audit_entry (seq, at, action, actor_kind, actor_id, actor_name, actor_session, source_ip, \
             user_agent, system_id, place, site, account, session_key, ending_id, target, permission, result, reason, \
             ticket_ref, request_id, duration_ms, detail, key_id, prev_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, \
             $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)",
        )
        .bind(row.seq).bind(row.at).bind(&row.action).bind(&row.actor_kind).bind(&row.actor_id).bind(&row.actor_name)
        .bind(&row.actor_session).bind(&row.source_ip).bind(&row.user_agent).bind(&row.system_id).bind(&row.place)
        .bind(&row.site).bind(&row.account).bind(&row.session_key).bind(&row.ending_id).bind(&row.target)
        .bind(&row.permission).bind(&row.result).bind(&row.reason).bind(&row.ticket_ref).bind(&row.request_id)
        .bind(row.duration_ms).bind(&row.detail).bind(&row.key_id).bind(&row.prev_hash).bind(&row.hash)
        .execute(&mut *c)
        .await?;
        sqlx::query("UPDATE audit_head SET seq = $1, hash = $2 WHERE head_id = 1")
            .bind(row.seq)
            .bind(&row.hash)
            .execute(c)
            .await?;
    });
    Ok(row.seq)
}
