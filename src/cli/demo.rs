//! `pingma demo` (comes with the city).
use super::CliError;
use clap::Args;
use std::process::ExitCode;
/// `pingma demo`
#[derive(Debug, Args)]
pub(crate) struct Demo {}
impl Demo {
    pub(crate) fn run(self) -> Result<ExitCode, CliError> {
        Err(CliError::Usage("not yet".to_owned()))
    }
}
