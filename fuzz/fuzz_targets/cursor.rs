//! A cursor that is taken names one place, and says so again when it is written.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pingma::domain::id::EventId;
use pingma::http::extract::{read_cursor, write_cursor};

fuzz_target!(|text: &str| {
    if let Some(place) = read_cursor::<i64>(text) {
        assert!(place >= 0);
        assert_eq!(read_cursor::<i64>(&write_cursor(&place)), Some(place));
    }
    if let Some(id) = read_cursor::<EventId>(text) {
        assert_eq!(read_cursor::<EventId>(&write_cursor(&id)), Some(id));
    }
});
