//! `pingma keys`: rotation. A running server takes new keys when it is started again.

use clap::Subcommand;
use serde_json::json;

use super::{CliError, Output, connect, parts};
use crate::app::audit;
use crate::auth::keyring::Keyring;
use crate::config::Settings;
use crate::db::conn::Conn;
use crate::db::tx::write_tx;
use crate::domain::instant::Instant;
use crate::server::Parts;

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
        // The key lies in a file and its record in the database: nothing is made unless the record can be written.
        let (what, id) = write_tx(&mut connect(settings)?, |conn| self.rotate(conn, &keyring, &parts, now))?;
        let text = format!("key {id} is used for new {what} after the servers are started again");
        Ok(Output::new(text, json!({ "active": id, "for": what })))
    }

    fn rotate(
        &self,
        conn: &mut Conn,
        keyring: &Keyring,
        parts: &Parts,
        now: Instant,
    ) -> Result<(&'static str, String), CliError> {
        let (what, id, action) = match self {
            Self::RotateLabels => {
                ("labels", keyring.rotate_label_key(&*parts.ids, now)?.to_string(), "rotate_label_key")
            }
            Self::RotateTokens => ("tokens", keyring.rotate_token_key(&*parts.ids, now)?, "rotate_token_key"),
        };
        let command = format!("pingma keys rotate-{what}");
        audit::typed(conn, now, action, &command, json!({ "key_id": id }))?;
        Ok((what, id))
    }
}
