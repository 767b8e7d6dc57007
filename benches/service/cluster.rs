//! A PostgreSQL cluster of the benchmarks' own, with fsync on, that keeps its data from run to run.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::shim;

/// Settings of a small server of its own: enough memory for the indexes, checkpoints far apart, everything durable.
const SETTINGS: &[&str] = &[
    "listen_addresses=",
    "shared_buffers=2GB",
    "max_connections=100",
    "max_wal_size=2GB",
    "checkpoint_timeout=30min",
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "wal_sync_method=fdatasync",
    "autovacuum=off",
];

/// A running cluster; it stops when this is dropped.
pub struct Cluster {
    server: Child,
    sockets: PathBuf,
    bin: PathBuf,
}

/// The folder of the programs of PostgreSQL.
pub fn bindir() -> Result<PathBuf> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/postgres.sh");
    let output = Command::new(script).arg("bindir").output().context("postgres.sh")?;
    Ok(PathBuf::from(String::from_utf8(output.stdout)?.trim()))
}

/// As the user of the server: PostgreSQL refuses to run as root.
fn as_postgres(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

fn is_root() -> bool {
    std::env::var("USER").is_ok_and(|user| user == "root") || Path::new("/root/.").read_dir().is_ok()
}

fn must(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

impl Cluster {
    /// Starts the cluster in a folder, which is made if need be, perhaps on a slow disk.
    pub fn start(dir: &Path, slow_disk: Option<&Path>) -> Result<Self> {
        let bin = bindir()?;
        let (data, sockets) = (dir.join("data"), dir.join("run"));
        if !data.join("PG_VERSION").exists() {
            std::fs::create_dir_all(&sockets)?;
            if is_root() {
                must(Command::new("chown").arg("-R").arg("postgres").arg(dir))?;
            }
            let mut init = as_postgres(&bin.join("initdb"));
            must(init.arg("-D").arg(&data).args([
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--no-locale",
            ]))?;
        }
        let log = std::fs::File::create(dir.join("server.log"))?;
        let mut command = as_postgres(&bin.join("postgres"));
        shim::preload(&mut command, slow_disk);
        SETTINGS.iter().for_each(|setting| {
            command.args(["-c", setting]);
        });
        command
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(&sockets)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let cluster = Self { server: command.spawn()?, sockets, bin };
        cluster.wait()?;
        Ok(cluster)
    }

    fn wait(&self) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while Instant::now() < deadline {
            let mut ready = Command::new(self.bin.join("pg_isready"));
            if ready.arg("-h").arg(&self.sockets).stdout(Stdio::null()).status()?.success() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        bail!("PostgreSQL did not start; see server.log")
    }

    /// The address of a database of the cluster.
    pub fn address(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.sockets.display().to_string().replace('/', "%2F"))
    }

    /// A client program of PostgreSQL, connected to a database.
    pub fn client(&self, program: &str, database: &str) -> Command {
        let mut command = Command::new(self.bin.join(program));
        command.arg("-h").arg(&self.sockets).args(["-U", "postgres"]).env("PGDATABASE", database);
        command
    }

    /// Runs SQL and returns the rows, with `|` between columns.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = self.client("psql", database);
        must(psql.args(["-X", "-v", "ON_ERROR_STOP=1", "-q", "-A", "-t", "-c", sql]))
    }

    /// Makes an empty database, in place of one of that name.
    pub fn create(&self, database: &str) -> Result<()> {
        self.sql("postgres", &format!("DROP DATABASE IF EXISTS {database}"))?;
        self.sql("postgres", &format!("CREATE DATABASE {database}"))?;
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A fast shutdown: SIGINT to the pid that was started here.
        let _ = Command::new("kill").arg("-INT").arg(self.server.id().to_string()).status();
        let _ = self.server.wait();
    }
}
