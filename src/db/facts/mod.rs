//! What a batch of commands reads: one query per table for all of them.

mod actors;
mod cylinders;
mod events;
mod registry;

pub use actors::*;
pub use cylinders::*;
pub use events::*;
pub use registry::*;

use super::DbError;

/// A stored SHA-256.
///
/// # Errors
/// Not 32 bytes.
pub fn hash(bytes: Vec<u8>) -> Result<[u8; 32], DbError> {
    bytes.try_into().map_err(|_| DbError::corrupt("a hash must have 32 bytes"))
}
