//! The cylinders that the load asks for: a sample of all, the same for the service and for what it is compared with.

use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use pingma::auth::keyring::Keyring;
use pingma::domain::label_code::{LabelCode, LabelId};

use crate::acts::cylinder_id;
use crate::data::LONG_EVERY;
use crate::world::World;

/// Every so manyth cylinder is asked for: no more than fit into the memory of the load's maker.
pub fn every(cylinders: u64) -> u64 {
    cylinders.div_ceil(200_000).max(1)
}

/// The label of a cylinder.
pub fn label(number: u64) -> Result<LabelId> {
    format!("{number:08}").parse().map_err(|e| anyhow!("{e:?}"))
}

/// The code on it.
pub fn code(keys: &Keyring, number: u64) -> Result<LabelCode> {
    keys.tag(&label(number)?, keys.active_label_key()).context("a tag")
}

/// Writes one line each: `code filler cylinder long`.
pub fn write(keys: &Keyring, world: &World, cylinders: u64, to: &Path) -> Result<()> {
    let mut lines = String::new();
    for number in (0..cylinders).filter(|n| n % every(cylinders) == 0 || n % LONG_EVERY == 0) {
        let filler = usize::try_from(number)? % world.fillers.len();
        let long = u8::from(number % LONG_EVERY == 0);
        lines.push_str(&format!("{} {filler} {} {long}\n", code(keys, number)?, cylinder_id(number)));
    }
    Ok(std::fs::write(to, lines)?)
}
