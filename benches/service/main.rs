//! The service under load, on data that it made itself, beside what it is compared with: `make bench`.
//!
//! What each benchmark does stands in `docs/benchmarks.md`.

#![allow(clippy::disallowed_methods, reason = "what is measured here is time")]

mod acts;
mod cluster;
mod codes;
mod data;
mod group;
mod machine;
mod pgbench;
mod plot;
mod questions;
mod report;
mod results;
mod server;
mod shim;
mod site;
mod world;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Parser, Subcommand};

use crate::cluster::Cluster;
use crate::questions::{Bench, Question};
use crate::results::CYLINDERS;
use crate::server::{Ask, load};
use crate::site::Site;

/// Where the data stays from run to run.
fn home() -> PathBuf {
    std::env::var_os("PINGMA_BENCH_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench"), PathBuf::from)
}

/// Benchmarks of the service.
#[derive(Parser)]
#[command(name = "cargo bench --")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures, keeps the results and draws them.
    Run {
        /// What to measure.
        #[arg(required = true)]
        questions: Vec<Question>,
        /// How often; medians are reported.
        #[arg(long, default_value_t = 5)]
        runs: u32,
        /// How long each measurement takes.
        #[arg(long, default_value_t = 8)]
        seconds: u32,
        /// Size of the data.
        #[arg(long, default_value_t = CYLINDERS)]
        cylinders: u64,
    },
    /// Makes the data of `run`, which makes what is missing itself.
    Data {
        /// Size of the data.
        #[arg(long, default_value_t = CYLINDERS)]
        cylinders: u64,
    },
    /// Writes the results that were kept into docs/benchmarks.md and docs/images.
    Report {
        /// Of which size of the data.
        #[arg(long, default_value_t = CYLINDERS)]
        cylinders: u64,
    },
    /// Loads SQLite with one thing, for a profiler.
    Sqlite(Load),
    /// Loads PostgreSQL with one thing, for a profiler.
    Postgres(Load),
    /// What `run` starts in a process of its own: appends checks to SQLite.
    #[command(hide = true)]
    Append { cylinders: u64, batch: usize, seconds: u32 },
}

#[derive(clap::Args)]
struct Load {
    cylinders: u64,
    ask: Ask,
    connections: u32,
    seconds: u32,
}

impl Load {
    fn run(&self, site: &Site) -> Result<()> {
        let server = site.serve(None)?;
        println!("the service is process {}", server.id());
        let load = load(&server, self.ask, self.connections, self.seconds, &site.dir)?;
        println!(
            "{:.0}/s, p50 {:.1} ms, p99 {:.1} ms, longest {:.0} ms, at most {:.0} MB resident, ready after {:.0} ms, {:.0} % allowed",
            load.per_second,
            load.p50_ms,
            load.p99_ms,
            load.max_ms,
            server.peak_mb()?,
            server.ready_after.as_secs_f64() * 1_000.0,
            load.allowed * 100.0
        );
        Ok(())
    }
}

fn main() -> Result<()> {
    let home = home();
    let cli = Cli::parse_from(std::env::args().filter(|arg| arg != "--bench"));
    match cli.command {
        Command::Run { questions, runs, seconds, cylinders } => {
            if runs == 0 || seconds == 0 || cylinders < 10_000 {
                bail!("at least one run, one second and 10000 cylinders");
            }
            Bench::new(&home, runs, seconds, cylinders)?.run(&questions)
        }
        Command::Data { cylinders } => Bench::new(&home, 1, 1, cylinders)?.data(),
        Command::Report { cylinders } => report::write(&home, cylinders),
        Command::Sqlite(load) => load.run(&Site::sqlite(&home, load.cylinders)?),
        Command::Postgres(load) => {
            let cluster = Cluster::start(&home.join("cluster"), None)?;
            load.run(&Site::postgres(&home, &cluster, "pingma", load.cylinders)?)
        }
        Command::Append { cylinders, batch, seconds } => {
            let rate = group::append(&Site::sqlite(&home, cylinders)?, batch, seconds);
            println!("RATE {}", rate.context("append")?);
            Ok(())
        }
    }
}
