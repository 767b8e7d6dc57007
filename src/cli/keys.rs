//! `pingma keys`: rotation. A running server takes new keys when it is started again.

use clap::Subcommand;
use serde_json::json;

use super::{CliError, Output, parts};
use crate::auth::keyring::Keyring;
use crate::config::Settings;

/// `pingma keys …`
#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Make a new key for the labels printed from now on. Old labels stay good.
    RotateLabels,
    /// Make a new key for access tokens. Old tokens stay good for their ten minutes.
    RotateTokens,
}

impl Keys {
    pub(crate) fn run(self, settings: &Settings) -> Result<Output, CliError> {
        let parts = parts();
        let keyring = Keyring::load(&settings.key_file()?)?;
        let now = parts.clock.now();
        let (what, id) = match self {
            Self::RotateLabels => ("labels", keyring.rotate_label_key(&*parts.ids, now)?.to_string()),
            Self::RotateTokens => ("tokens", keyring.rotate_token_key(&*parts.ids, now)?),
        };
        let text = format!("key {id} is used for new {what} after the servers are started again");
        Ok(Output::new(text, json!({ "active": id, "for": what })))
    }
}
