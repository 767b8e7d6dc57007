//! Pingma 瓶码: traceability for LPG cylinders. One cylinder, one code.
//!
//! A scan walks in at the front door, meets the facts and the rules in the middle, and leaves as an event in the ledger:
//!
//! | Folder | Its job | Knows |
//! |---|---|---|
//! | [`cli`] | what a person types | everything below |
//! | [`server`] | puts the service together and runs it | everything below |
//! | [`http`] | the front door, the only actix | `app` and below |
//! | [`app`] | use cases: authorize → gather → decide → persist | `gate`, `ledger`, `db`, `auth` |
//! | [`gate`] | the rules, pure functions | `domain` |
//! | [`ledger`] | the one write path for events | `db`, `domain` |
//! | [`db`] | the only diesel | `domain` |
//! | [`label`] | code → QR → SVG, PNG | nothing of ours |
//! | [`auth`] | passwords, tokens, keys, permissions | `domain` |
//! | [`domain`] | the words of the field as types | nothing of ours |
//!
//! What is absent on purpose: a second way to write an event, a way to override a rule, a clock or chance that is not injected.

#![cfg_attr(
    not(test),
    warn(
        missing_docs,
        clippy::as_conversions,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::print_stderr,
        clippy::print_stdout,
        clippy::string_slice,
        clippy::too_many_lines,
        clippy::unwrap_used,
    )
)]

pub mod app;
pub mod auth;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod demo;
pub mod digest;
pub mod domain;
pub mod error;
pub mod files;
pub mod gate;
pub mod http;
pub mod label;
pub mod ledger;
pub mod server;
pub mod telemetry;
pub mod tls;
