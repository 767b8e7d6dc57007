//! Bodies of the calls that scans make: taken or refused as 400 or 422, and one body has one canonical form whatever reads it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pingma::error::Result;
use pingma::http::extract::parse;
use pingma::http::filling::{EmptyingRequest, FillCheckRequest, FillRequest, HandoverRequest};
use pingma::http::problem::status;
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A body as canonical JSON, if the reader takes it.
fn canonical<T: DeserializeOwned>(bytes: &[u8]) -> Result<String> {
    parse::<T>(bytes).map(|body| body.canonical.expose_secret().to_owned())
}

fuzz_target!(|bytes: &[u8]| {
    let read = [
        canonical::<FillCheckRequest>(bytes),
        canonical::<FillRequest>(bytes),
        canonical::<HandoverRequest>(bytes),
        canonical::<EmptyingRequest>(bytes),
    ];
    for result in read {
        match result {
            Ok(form) => assert_eq!(canonical::<Value>(bytes), Ok(form)),
            Err(error) => assert!(matches!(status(error.code.class()).as_u16(), 400 | 422)),
        }
    }
});
