//! The one write path for cylinder events: command → batch → facts → decide → append → commit → reply.
//!
//! What is absent on purpose: a second way to write an event, a way to change or remove one, and an answer before the commit.

pub mod append;
pub mod audit;
pub mod chain;
pub mod command;
pub mod facts;
pub mod gather;
pub mod verify;
pub mod writer;

pub use command::{Call, Command, Context, Decided, Needs};
pub use facts::Facts;
pub use writer::{Receipt, Writer};
