//! Bodies of the calls that scans make: taken or refused as 400 or 422, and one body has one canonical form whatever reads it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pingma::http::extract::parse;
use pingma::http::filling::{EmptyingRequest, FillCheckRequest, FillRequest, HandoverRequest};
use pingma::http::problem::status;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// Canonical JSON in the open.
fn text(canonical: &SecretString) -> String {
    canonical.expose_secret().to_owned()
}

fuzz_target!(|bytes: &[u8]| {
    let read = [
        parse::<FillCheckRequest>(bytes).map(|body| text(&body.canonical)),
        parse::<FillRequest>(bytes).map(|body| text(&body.canonical)),
        parse::<HandoverRequest>(bytes).map(|body| text(&body.canonical)),
        parse::<EmptyingRequest>(bytes).map(|body| text(&body.canonical)),
    ];
    for result in read {
        match result {
            Ok(form) => assert_eq!(parse::<Value>(bytes).map(|body| text(&body.canonical)), Ok(form)),
            Err(error) => assert!(matches!(status(error.code.class()).as_u16(), 400 | 422)),
        }
    }
});
