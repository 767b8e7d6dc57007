//! The hash chain: one canonical text per event, SHA-256 over it, the hash of the event before it inside.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::domain::event::{Event, NewEvent};

/// What stands before the first event of a chain.
pub const GENESIS: [u8; 32] = [0; 32];

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Where an event stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Place among all events.
    pub log_index: i64,
    /// Place in its own chain.
    pub seq: i64,
    /// Hash of the event before it in its chain.
    pub prev_hash: [u8; 32],
}

/// The bytes that are hashed: a version line, then JSON with sorted keys and no blanks.
pub fn canonical(event: &NewEvent, kind: &str, data: &Value, position: Position) -> Vec<u8> {
    let idempotency = event
        .idempotency
        .as_ref()
        .map(|i| json!({ "route": i.route, "key": i.key, "body_sha256": hex(&i.body_digest) }));
    let body = json!({
        "id": event.id,
        "log_index": position.log_index,
        "stream": { "kind": event.stream.kind(), "id": event.stream.id(), "seq": position.seq },
        "occurred_at": event.occurred_at,
        "recorded_at": event.recorded_at,
        "actor_id": event.actor_id,
        "organization_id": event.organization_id,
        "site_id": event.site_id,
        "district_code": event.district_code,
        "kind": kind,
        "data": data,
        "idempotency": idempotency,
        "prev_hash": hex(&position.prev_hash),
    });
    format!("pingma event 1\n{body}").into_bytes()
}

/// Gives an event its place and hash. `kind` and `data` are what `EventData::to_stored` wrote.
pub fn seal(event: NewEvent, kind: &str, data: &Value, position: Position) -> Event {
    let hash = sha256(&canonical(&event, kind, data, position));
    Event { event, log_index: position.log_index, seq: position.seq, prev_hash: position.prev_hash, hash }
}

/// A commitment to data that is kept apart: SHA-256 over salt and canonical JSON, in hexadecimal.
pub fn commitment(salt: &[u8; 16], data: &Value) -> String {
    let mut bytes = salt.to_vec();
    bytes.extend_from_slice(data.to_string().as_bytes());
    hex(&sha256(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_written_with_sorted_keys() {
        // Hashes rest on this: a dependency that turned on serde_json's `preserve_order` would break every chain.
        let value: Value = serde_json::from_str(r#"{"b": 1, "a": {"d": 2, "c": 3}}"#).unwrap();
        assert_eq!(value.to_string(), r#"{"a":{"c":3,"d":2},"b":1}"#);
    }

    #[test]
    fn hex_of_a_known_digest() {
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
