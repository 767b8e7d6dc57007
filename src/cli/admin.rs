//! `pingma admin`: what only the operator of the machine may do.

use std::io::Read;

use clap::{Args, Subcommand};
use secrecy::SecretString;
use serde_json::json;

use super::{CliError, Output, connect, parts};
use crate::app::audit::trust_clock;
use crate::app::registry::{check_username, create_first_admin};
use crate::config::Settings;
use crate::domain::instant::Moment;
use crate::domain::value::Text;

/// `pingma admin …`
#[derive(Debug, Subcommand)]
pub(crate) enum Admin {
    /// Make a platform admin, the first user of a new service.
    Create(Create),
    /// Believe the machine's clock as it stands, after a long stop or after it was set right.
    TrustClock,
}

/// `pingma admin create`
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// The name to sign in with.
    #[arg(long)]
    username: String,
    /// Read the password from standard input; one newline at its end is dropped.
    #[arg(long, required = true)]
    password_stdin: bool,
}

/// Longer than any password that is taken.
const MAX_INPUT: u64 = 1_024;

impl Admin {
    pub(crate) fn run(self, settings: &Settings) -> Result<Output, CliError> {
        let parts = parts();
        let now = Moment::new(parts.clock.now(), settings.time_zone);
        let mut conn = connect(settings)?;
        match self {
            Self::Create(create) => {
                let username = Text::new(&create.username.to_ascii_lowercase())
                    .map_err(|error| CliError::Usage(format!("--username: {}", error.detail)))?;
                check_username(&username).map_err(|_| {
                    CliError::Usage("--username: a-z, 0-9, dot, hyphen, underscore".to_owned())
                })?;
                let user = create_first_admin(&mut conn, &username, &read_password()?, &*parts.ids, now)?;
                Ok(Output::new(
                    format!("platform admin {} created", user.username),
                    json!({ "id": user.id, "username": user.username }),
                ))
            }
            Self::TrustClock => {
                trust_clock(&mut conn, now.at)?;
                Ok(Output::new(
                    format!("the clock is believed at {}", now.at),
                    json!({ "trusted_at": now.at }),
                ))
            }
        }
    }
}

fn read_password() -> Result<SecretString, CliError> {
    let mut text = String::new();
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut text)?;
    let text = text.strip_suffix('\n').map(|t| t.strip_suffix('\r').unwrap_or(t)).unwrap_or(&text);
    if text.is_empty() {
        return Err(CliError::Usage("no password came in on standard input".to_owned()));
    }
    Ok(SecretString::from(text))
}
