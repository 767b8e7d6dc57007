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
    use crate::domain::event::{EventData, Idempotency, Reasoned, Stream};
    use crate::domain::value::Reason;

    #[test]
    fn json_is_written_with_sorted_keys() {
        // Hashes rest on this: a dependency that turned on serde_json's `preserve_order` would break every chain.
        let value: Value = serde_json::from_str(r#"{"b": 1, "a": {"d": 2, "c": 3}}"#).unwrap();
        assert_eq!(value.to_string(), r#"{"a":{"c":3,"d":2},"b":1}"#);
    }

    /// An event that never changes, for the test below.
    fn known_event() -> NewEvent {
        NewEvent {
            id: "01900000-0000-7000-8000-000000000001".parse().unwrap(),
            stream: Stream::Cylinder("01900000-0000-7000-8000-000000000002".parse().unwrap()),
            occurred_at: "2026-06-15T04:00:00.000001Z".parse().unwrap(),
            recorded_at: "2026-06-15T04:00:01Z".parse().unwrap(),
            actor_id: "01900000-0000-7000-8000-000000000003".parse().unwrap(),
            organization_id: "01900000-0000-7000-8000-000000000004".parse().unwrap(),
            site_id: Some("01900000-0000-7000-8000-000000000005".parse().unwrap()),
            district_code: "320602".parse().unwrap(),
            data: EventData::Lost(Reasoned { reason: Reason::new("丢失 \"lost\"").unwrap() }),
            idempotency: Some(Idempotency {
                route: "POST /api/v1/cylinders/{ref}/losses".to_owned(),
                key: "k-1".to_owned(),
                body_digest: [7; 32],
            }),
        }
    }

    #[test]
    fn the_canonical_bytes_and_the_hash_of_a_known_event_stay_what_they_are() {
        // Whoever makes this fail has changed the format of every ledger in the world: give it a new version line instead.
        let event = known_event();
        let (kind, data) = event.data.to_stored().unwrap();
        let position = Position { log_index: 42, seq: 7, prev_hash: [0xab; 32] };
        let bytes = canonical(&event, &kind, &data, position);
        assert_eq!(String::from_utf8(bytes).unwrap(), KNOWN_TEXT);
        let sealed = seal(event, &kind, &data, position);
        assert_eq!(hex(&sealed.hash), KNOWN_HASH);
        assert_eq!((sealed.log_index, sealed.seq, sealed.prev_hash), (42, 7, [0xab; 32]));
    }

    const KNOWN_TEXT: &str = concat!(
        "pingma event 1\n",
        r#"{"actor_id":"01900000-0000-7000-8000-000000000003","data":{"reason":"丢失 \"lost\""},"dist"#,
        r#"rict_code":"320602","id":"01900000-0000-7000-8000-000000000001","idempotency":{"body_sha"#,
        r#"256":"0707070707070707070707070707070707070707070707070707070707070707","key":"k-1","rou"#,
        r#"te":"POST /api/v1/cylinders/{ref}/losses"},"kind":"lost","log_index":42,"occurred_at":"2"#,
        r#"026-06-15T04:00:00.000001Z","organization_id":"01900000-0000-7000-8000-000000000004","pr"#,
        r#"ev_hash":"abababababababababababababababababababababababababababababababab","recorded_at"#,
        r#"":"2026-06-15T04:00:01.000000Z","site_id":"01900000-0000-7000-8000-000000000005","stream"#,
        r#"":{"id":"01900000-0000-7000-8000-000000000002","kind":"cylinder","seq":7}}"#,
    );
    /// Worked out by another program.
    const KNOWN_HASH: &str = "80ca6d361dcf42261da840725891c3d3c4dada10f1051a93f4535e30d4a4ff8d";

    #[test]
    fn a_commitment_is_over_salt_and_canonical_json() {
        let data = json!({ "b": 1, "a": "甲" });
        let mut bytes = vec![9; 16];
        bytes.extend_from_slice("{\"a\":\"甲\",\"b\":1}".as_bytes());
        assert_eq!(commitment(&[9; 16], &data), hex(&sha256(&bytes)));
    }

    #[test]
    fn hex_of_a_known_digest() {
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
