//! The service under load, on data that it made itself: `make bench`.

#![allow(clippy::disallowed_methods, reason = "what is measured here is time")]

mod cluster;
mod data;
mod server;
mod world;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use pingma::db::conn::DatabaseUrl;

use crate::cluster::Cluster;
use crate::server::{Ask, Server, load};
use crate::world::World;

/// Where the data stays from run to run.
fn home() -> PathBuf {
    std::env::var_os("PINGMA_BENCH_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench"), PathBuf::from)
}

/// A database with data, its settings file and what the load needs to know.
struct Site {
    dir: PathBuf,
}

impl Site {
    fn config(&self) -> PathBuf {
        self.dir.join("pingma.toml")
    }

    /// Makes the data unless it is there.
    fn prepare(&self, address: &str, cylinders: u64) -> Result<()> {
        std::fs::create_dir_all(&self.dir)?;
        let settings = format!(
            "database = {address:?}\nkey_file = {:?}\npublic_rate_per_minute = 100000\ntrusted_proxies = [\"127.0.0.1\"]\n",
            self.dir.join("keys")
        );
        std::fs::write(self.config(), settings)?;
        if self.dir.join("codes").exists() {
            return Ok(());
        }
        let database: DatabaseUrl = address.parse()?;
        pingma::db::migrations::run(&mut database.connect()?)?;
        let app = world::app(&self.config())?;
        let world = world::enter(&app)?;
        std::fs::write(self.dir.join("world.json"), serde_json::to_vec(&world)?)?;
        app.writer.stop();
        data::write(&database, &app.keyring, &world, cylinders, &self.dir.join("codes"))
    }

    /// Fresh tokens for the load: they live ten minutes.
    fn tokens(&self) -> Result<()> {
        let app = world::app(&self.config())?;
        let world: World = serde_json::from_slice(&std::fs::read(self.dir.join("world.json"))?)?;
        let mut posts = String::new();
        let mut admins = String::new();
        for (n, filler) in world.fillers.iter().enumerate() {
            for post in &filler.posts {
                let token = world::token(&app, post.operator_id, post.session_id)?;
                posts.push_str(&format!("{n} {} {token}\n", post.scale_id));
            }
            admins.push_str(&format!("{n} {}\n", world::token(&app, filler.admin_id, filler.admin_session)?));
        }
        std::fs::write(self.dir.join("posts"), posts)?;
        std::fs::write(self.dir.join("admins"), admins)?;
        let regulator = world::token(&app, world.regulator_id, world.regulator_session)?;
        std::fs::write(self.dir.join("regulator"), format!("{regulator}\n"))?;
        Ok(())
    }
}

/// A database of one kind, with the server that keeps it.
struct Backend {
    site: Site,
    address: String,
    _cluster: Option<Cluster>,
}

impl Backend {
    fn open(name: &str, cylinders: u64) -> Result<Self> {
        let site = Site { dir: home().join(format!("{name}-{cylinders}")) };
        let (address, cluster) = match name {
            "sqlite" => (format!("sqlite://{}", site.dir.join("pingma.db").display()), None),
            "postgres" => {
                let cluster = Cluster::start(&home().join("cluster"))?;
                let database = format!("pingma_{cylinders}");
                if !site.dir.join("codes").exists() {
                    cluster.sql("postgres", &format!("DROP DATABASE IF EXISTS {database}"))?;
                    cluster.sql("postgres", &format!("CREATE DATABASE {database}"))?;
                }
                (cluster.address(&database), Some(cluster))
            }
            other => bail!("{other} is neither sqlite nor postgres"),
        };
        Ok(Self { site, address, _cluster: cluster })
    }

    fn run(&self, cylinders: u64, ask: Ask, connections: u32, seconds: u32) -> Result<()> {
        self.site.prepare(&self.address, cylinders)?;
        self.site.tokens()?;
        let server = Server::start(&self.site.config())?;
        let load = load(&server, ask, connections, seconds, &self.site.dir)?;
        println!(
            "{:.0}/s, p50 {:.1} ms, p99 {:.1} ms, longest {:.0} ms, {:.0} MB resident, ready after {:.0} ms, {:.0} % allowed",
            load.per_second,
            load.p50_ms,
            load.p99_ms,
            load.max_ms,
            server.resident_mb()?,
            server.ready_after.as_secs_f64() * 1_000.0,
            load.allowed * 100.0
        );
        Ok(())
    }
}

/// Cylinders of the run that `make bench` makes.
const CYLINDERS: u64 = 20_000;

/// `make bench` loads both databases with checks; `cargo bench -- sqlite 100000 history 16 10` one of them with something else.
fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            for name in ["sqlite", "postgres"] {
                print!("{name}, fill checks from 64 connections: ");
                Backend::open(name, CYLINDERS)?.run(CYLINDERS, Ask::Check, 64, 10)?;
            }
            Ok(())
        }
        [name, cylinders, what, connections, seconds] => {
            let cylinders = cylinders.parse()?;
            let ask = Ask::named(what).with_context(|| format!("{what} can't be asked for"))?;
            Backend::open(name, cylinders)?.run(cylinders, ask, connections.parse()?, seconds.parse()?)
        }
        _ => bail!("sqlite|postgres CYLINDERS check|history|trace|public|svg|png CONNECTIONS SECONDS"),
    }
}
