//! The machine on which it was measured.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::cluster;
use crate::results::median;

/// What matters of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_gb: f64,
    pub kernel: String,
    /// Median of 200 writes of 4 KiB with an fdatasync each, in the folder of the data.
    pub fsync_ms: f64,
    pub postgres: String,
    pub sqlite: String,
    /// Seconds since 1970.
    pub measured_at: u64,
}

fn line_of(file: &str, key: &str) -> Result<String> {
    let text = std::fs::read_to_string(file)?;
    let line = text.lines().find(|line| line.starts_with(key)).with_context(|| format!("{key} in {file}"))?;
    Ok(line.split_once(':').context("a colon")?.1.trim().to_owned())
}

fn output(command: &mut Command) -> Result<String> {
    Ok(String::from_utf8(command.output()?.stdout)?.trim().to_owned())
}

fn fsync_ms(dir: &Path) -> Result<f64> {
    let path = dir.join("fsync");
    let mut file = std::fs::File::create(&path)?;
    let mut times = Vec::new();
    for _ in 0..200 {
        file.write_all(&[7; 4_096])?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(began.elapsed().as_secs_f64() * 1_000.0);
    }
    std::fs::remove_file(path)?;
    median(times).context("times")
}

impl Machine {
    /// Looks at it.
    pub fn look(home: &Path) -> Result<Self> {
        let kib: f64 = line_of("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse()?;
        Ok(Self {
            processor: line_of("/proc/cpuinfo", "model name")?,
            cores: std::thread::available_parallelism()?.get(),
            memory_gb: kib * 1_024.0 / 1e9,
            kernel: output(Command::new("uname").args(["-s", "-r"]))?,
            fsync_ms: fsync_ms(home)?,
            postgres: output(Command::new(cluster::bindir()?.join("postgres")).arg("--version"))?,
            sqlite: sqlite_version()?,
            measured_at: std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs(),
        })
    }
}

#[derive(diesel::QueryableByName)]
struct Version {
    #[diesel(sql_type = diesel::sql_types::Text)]
    version: String,
}

/// Of the SQLite that is part of the service.
fn sqlite_version() -> Result<String> {
    use diesel::{Connection as _, RunQueryDsl as _};
    let mut conn = diesel::SqliteConnection::establish(":memory:")?;
    let found: Version = diesel::sql_query("SELECT sqlite_version() AS version").get_result(&mut conn)?;
    Ok(found.version)
}
