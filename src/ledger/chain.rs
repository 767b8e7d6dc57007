//! The hash chain: one canonical text per event, SHA-256 over it, the hash of the event before it inside.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::digest::{hex, sha256};
use crate::domain::district::DistrictCode;
use crate::domain::event::{Event, NewEvent};
use crate::domain::id::{EventId, OrganizationId, PrincipalId, SiteId, StreamId};
use crate::domain::instant::Instant;

/// What stands before the first event of a chain.
pub const GENESIS: [u8; 32] = [0; 32];

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

/// What is hashed of an event, with its members in the order of their names: that order is part of the format.
#[derive(Serialize)]
struct Sealed<'a> {
    actor_id: PrincipalId,
    data: &'a RawValue,
    district_code: &'a DistrictCode,
    id: EventId,
    idempotency: Option<SealedKey<'a>>,
    kind: &'a str,
    log_index: i64,
    occurred_at: Instant,
    organization_id: OrganizationId,
    prev_hash: String,
    recorded_at: Instant,
    site_id: Option<SiteId>,
    stream: SealedStream,
}

#[derive(Serialize)]
struct SealedKey<'a> {
    body_hmac: String,
    key: &'a str,
    route: &'a str,
}

#[derive(Serialize)]
struct SealedStream {
    id: StreamId,
    kind: &'static str,
    seq: i64,
}

/// The bytes that are hashed: a version line, then JSON with sorted keys and no blanks. `data` is the event's data as that
/// kind of JSON.
///
/// # Errors
/// `data` is no JSON.
pub fn canonical(
    event: &NewEvent,
    kind: &str,
    data: &str,
    position: Position,
) -> serde_json::Result<Vec<u8>> {
    let sealed = Sealed {
        actor_id: event.actor_id,
        data: serde_json::from_str(data)?,
        district_code: &event.district_code,
        id: event.id,
        idempotency: event.idempotency.as_ref().map(|i| SealedKey {
            body_hmac: hex(&i.body_digest),
            key: &i.key,
            route: &i.route,
        }),
        kind,
        log_index: position.log_index,
        occurred_at: event.occurred_at,
        organization_id: event.organization_id,
        prev_hash: hex(&position.prev_hash),
        recorded_at: event.recorded_at,
        site_id: event.site_id,
        stream: SealedStream { id: event.stream.id(), kind: event.stream.kind(), seq: position.seq },
    };
    let mut bytes = b"pingma event 1\n".to_vec();
    serde_json::to_writer(&mut bytes, &sealed)?;
    Ok(bytes)
}

/// Gives an event its place and hash. `kind` and `data` are what `EventData::to_stored` made, as text.
///
/// # Errors
/// `data` is no JSON.
pub fn seal(event: NewEvent, kind: &str, data: &str, position: Position) -> serde_json::Result<Event> {
    let hash = sha256(&[&canonical(&event, kind, data, position)?]);
    Ok(Event { event, log_index: position.log_index, seq: position.seq, prev_hash: position.prev_hash, hash })
}

/// A commitment to data that is kept apart: SHA-256 over salt and canonical JSON, in hexadecimal.
pub fn commitment(salt: &[u8; 16], data: &Value) -> String {
    let mut bytes = salt.to_vec();
    bytes.extend_from_slice(data.to_string().as_bytes());
    hex(&sha256(&[&bytes]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::event::{EventData, Idempotency, Reasoned};
    use crate::domain::stream::Stream;
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
        let data = data.to_string();
        let bytes = canonical(&event, &kind, &data, position).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), KNOWN_TEXT);
        let sealed = seal(event, &kind, &data, position).unwrap();
        assert_eq!(hex(&sealed.hash), KNOWN_HASH);
        assert_eq!((sealed.log_index, sealed.seq, sealed.prev_hash), (42, 7, [0xab; 32]));
    }

    const KNOWN_TEXT: &str = concat!(
        "pingma event 1\n",
        r#"{"actor_id":"01900000-0000-7000-8000-000000000003","data":{"reason":"丢失 \"lost\""},"dist"#,
        r#"rict_code":"320602","id":"01900000-0000-7000-8000-000000000001","idempotency":{"body_hma"#,
        r#"c":"0707070707070707070707070707070707070707070707070707070707070707","key":"k-1","rou"#,
        r#"te":"POST /api/v1/cylinders/{ref}/losses"},"kind":"lost","log_index":42,"occurred_at":"2"#,
        r#"026-06-15T04:00:00.000001Z","organization_id":"01900000-0000-7000-8000-000000000004","pr"#,
        r#"ev_hash":"abababababababababababababababababababababababababababababababab","recorded_at"#,
        r#"":"2026-06-15T04:00:01.000000Z","site_id":"01900000-0000-7000-8000-000000000005","stream"#,
        r#"":{"id":"01900000-0000-7000-8000-000000000002","kind":"cylinder","seq":7}}"#,
    );
    /// Worked out by another program.
    const KNOWN_HASH: &str = "9d8db801f6def2c3f3ab2f8ead40cfddf6ee8dbbf3914d24d66d1dc2cea28b53";

    #[test]
    fn a_commitment_is_over_salt_and_canonical_json() {
        let data = json!({ "b": 1, "a": "甲" });
        let mut bytes = vec![9; 16];
        bytes.extend_from_slice("{\"a\":\"甲\",\"b\":1}".as_bytes());
        assert_eq!(commitment(&[9; 16], &data), hex(&sha256(&[&bytes])));
    }
}
