//! Bytes of an event, as they may stand in a database that somebody altered: read or refused, and what is read is written the same.
//! The first byte chooses the kind.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pingma::domain::event::EventData;
use serde_json::Value;

const KINDS: [&str; 20] = [
    "registered",
    "label_bound",
    "label_revoked",
    "fill_checked",
    "fill_recorded",
    "fill_refused",
    "reweighed",
    "inspected",
    "life_extended",
    "scrapped",
    "handed_over",
    "handover_refused",
    "returned",
    "emptied",
    "lost",
    "recovered",
    "owner_changed",
    "seized",
    "blacklisted",
    "unblacklisted",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let kind = KINDS[usize::from(*first) % KINDS.len()];
    let Ok(text) = std::str::from_utf8(rest) else { return };
    // What is stored is one JSON value.
    if serde_json::from_str::<Value>(text).is_err() {
        return;
    }
    let Ok(read) = EventData::from_stored(kind, text) else { return };
    let (again, written) = read.to_stored().expect("what was read can be written");
    assert_eq!(again, kind);
    let twice = EventData::from_stored(kind, &written.to_string()).expect("what was written can be read");
    assert_eq!(twice.to_stored().expect("JSON").1, written);
});
