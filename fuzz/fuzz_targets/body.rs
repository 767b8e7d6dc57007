//! Bodies of the calls that scans make: taken or refused as 400 or 422, and one body has one digest whatever reads it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pingma::http::extract::parse;
use pingma::http::filling::{EmptyingRequest, FillCheckRequest, FillRequest, HandoverRequest};
use pingma::http::problem::status;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let read = [
        parse::<FillCheckRequest>(bytes).map(|body| body.digest),
        parse::<FillRequest>(bytes).map(|body| body.digest),
        parse::<HandoverRequest>(bytes).map(|body| body.digest),
        parse::<EmptyingRequest>(bytes).map(|body| body.digest),
    ];
    for result in read {
        match result {
            Ok(digest) => assert_eq!(parse::<Value>(bytes).map(|body| body.digest), Ok(digest)),
            Err(error) => assert!(matches!(status(error.code.class()).as_u16(), 400 | 422)),
        }
    }
});
