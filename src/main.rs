//! The `pingma` command.

use std::process::ExitCode;

use clap::Parser;
use pingma::cli::Cli;

/// A tenth of the work of a check is memory that comes and goes; this allocator does it in half the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[allow(clippy::print_stderr, reason = "the person at the terminal must see why")]
fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(code) => code,
        Err(error) => {
            let code = error.exit_code();
            eprintln!("pingma: {:#}", anyhow::Error::new(error));
            code
        }
    }
}
