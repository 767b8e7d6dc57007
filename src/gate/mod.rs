//! The gate: pure rules over facts. It knows no clock, no randomness, no database and no HTTP, so that every rule can
//! be tried with made-up facts.
//!
//! A gate runs **all** of its rules and returns every finding. Nothing here can override a finding, and a fact
//! that is missing refuses.

mod code;
pub mod facts;
pub mod fill;
#[cfg(test)]
pub mod fixtures;
pub mod handover;
mod law;
pub mod policy;
pub mod record;
pub mod rule;
mod terms;
