//! The one write path for cylinder events: command → batch → facts → decide → append → commit → reply.
//!
//! What is absent on purpose: a second way to write an event, a way to change or remove one, and an answer before the commit.

mod append;
pub mod audit;
mod batch;
pub mod chain;
pub mod command;
mod decider;
pub mod facts;
mod gather;
mod recorder;
mod registry;
pub mod verify;
pub mod writer;

pub use batch::clock_is_trusted;
pub use command::{Call, Command, Context, Decided, Needs};
pub use facts::Facts;
pub use writer::{Receipt, Writer};
