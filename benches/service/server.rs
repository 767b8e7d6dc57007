//! The release binary as a process, and load from wrk.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::shim;

/// The release binary.
pub fn service() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pingma"));
    // Not a setting of the service, which refuses what it doesn't know.
    command.env_remove("PINGMA_BENCH_DIR");
    command
}

/// A service that runs; it stops when this is dropped.
pub struct Server {
    child: Child,
    pub address: String,
    /// From the start of the process until it answered that it is ready.
    pub ready_after: Duration,
}

impl Server {
    /// Starts it with a settings file, perhaps on a slow disk.
    pub fn start(config: &Path, slow_disk: Option<&Path>) -> Result<Self> {
        let mut command = service();
        command.arg("--config").arg(config).args(["serve", "--listen", "127.0.0.1:0"]);
        command.env("PINGMA_LOG", "info").env("PINGMA_LOG_FORMAT", "json");
        shim::preload(&mut command, slow_disk);
        let began = Instant::now();
        // A file, as under systemd with `StandardError=append:`. To read the lines from a pipe would cost the service's cores.
        let mut log = tempfile::NamedTempFile::new()?;
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.reopen()?).spawn()?;
        let address = address(&mut child, &mut log)?;
        let url = format!("http://{address}/readyz");
        while ureq::get(&url).call().is_err() {
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(Self { child, address, ready_after: began.elapsed() })
    }

    /// Of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The most memory that was resident until now, in MB.
    pub fn peak_mb(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("VmHWM")?;
        let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1_024.0 / 1_000_000.0)
    }
}

impl Server {
    /// Checks that were allowed, and all checks, since the start.
    fn checks(&self) -> Result<(f64, f64)> {
        let text =
            ureq::get(format!("http://{}/metrics", self.address)).call()?.body_mut().read_to_string()?;
        let (mut allowed, mut all) = (0.0, 0.0);
        for line in text.lines().filter(|line| line.starts_with("pingma_fill_checks_total{")) {
            let count: f64 = line.rsplit(' ').next().context("a count")?.parse()?;
            all += count;
            allowed += if line.contains("\"allowed\"") { count } else { 0.0 };
        }
        Ok((allowed, all))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// Where a service says in its log that it listens.
fn address(child: &mut Child, log: &mut impl Read) -> Result<String> {
    let mut text = String::new();
    loop {
        let ended = child.try_wait()?;
        log.read_to_string(&mut text)?;
        let mut entries =
            text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        if let Some(address) = entries.find_map(|entry| Some(entry["address"].as_str()?.to_owned())) {
            return Ok(address);
        }
        if let Some(status) = ended {
            bail!("the service ended with {status}: {text}")
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What wrk asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Ask {
    /// `POST /fill-checks` of a random cylinder on a random scale of its owner.
    Check,
    /// `GET /cylinders/{id}/events?limit=50` of a cylinder with a long history.
    History,
    /// `GET /cylinders/{id}/trace`
    Trace,
    /// `GET /public/cylinders/{code}`
    Public,
    /// `GET /labels/{code}.svg`
    Svg,
    /// `GET /labels/{code}.png`
    Png,
}

impl Ask {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::History => "history",
            Self::Trace => "trace",
            Self::Public => "public",
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}

/// What a load came to.
#[derive(Debug, Clone, Deserialize)]
pub struct Load {
    /// Answers of the class 2xx.
    pub answers: f64,
    /// The same in a second.
    pub per_second: f64,
    /// Median, in milliseconds.
    pub p50_ms: f64,
    /// In milliseconds.
    pub p99_ms: f64,
    /// The longest, in milliseconds.
    pub max_ms: f64,
    /// Answers of another class than 2xx.
    pub bad: u64,
    /// Checks that were allowed, of all, by the service's own count.
    #[serde(default)]
    pub allowed: f64,
}

impl Load {
    /// What two loads at the same time come to; of percentiles the worse.
    pub fn beside(&self, other: &Self) -> Self {
        Self {
            answers: self.answers + other.answers,
            per_second: self.per_second + other.per_second,
            p50_ms: self.p50_ms.max(other.p50_ms),
            p99_ms: self.p99_ms.max(other.p99_ms),
            max_ms: self.max_ms.max(other.max_ms),
            bad: self.bad + other.bad,
            allowed: f64::midpoint(self.allowed, other.allowed),
        }
    }
}

/// Makes the chance and the idempotency keys of each load its own.
fn salt() -> Result<u64> {
    static LOADS: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    Ok(now * 1_000 + LOADS.fetch_add(1, Ordering::Relaxed) % 1_000)
}

/// Loads a server from so many connections for so many seconds.
pub fn load(server: &Server, ask: Ask, connections: u32, seconds: u32, files: &Path) -> Result<Load> {
    let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/service/load.lua");
    let threads = connections.min(2);
    let before = server.checks()?;
    let output = Command::new("wrk")
        .args(["-t", &threads.to_string(), "-c", &connections.to_string(), "-d", &format!("{seconds}s")])
        .args(["--timeout", "10s", "-s"])
        .arg(script)
        .arg(format!("http://{}", server.address))
        .arg("--")
        .arg(ask.name())
        .arg(files)
        .arg(salt()?.to_string())
        .output()
        .context("wrk; `scripts/setup.sh bench` installs it")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line =
        text.lines().find_map(|line| line.strip_prefix("RESULT ")).with_context(|| text.to_string())?;
    let load: Load = serde_json::from_str(line)?;
    if load.bad > 0 {
        bail!("{} answers were not 2xx: {text}", load.bad);
    }
    let after = server.checks()?;
    Ok(Load { allowed: (after.0 - before.0) / (after.1 - before.1).max(1.0), ..load })
}
