//! The service against ceilings that are measured in the same run: `make bench`, `docs/benchmarks.md`.

mod cluster;
mod data;
mod server;
mod world;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
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

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["try", backend, cylinders, what, connections, seconds] => {
            let cylinders: u64 = cylinders.parse()?;
            let site = Site { dir: home().join(format!("{backend}-{cylinders}")) };
            let cluster = (*backend == "postgres")
                .then(|| Cluster::start(&home().join("cluster"), None))
                .transpose()?;
            let address = match &cluster {
                Some(cluster) => {
                    let name = format!("pingma_{cylinders}");
                    let _ = cluster.sql("postgres", &format!("CREATE DATABASE {name}"));
                    cluster.address(&name)
                }
                None => format!("sqlite://{}", site.dir.join("pingma.db").display()),
            };
            site.prepare(&address, cylinders)?;
            site.tokens()?;
            let server = Server::start(&site.config(), None)?;
            let ask = match *what {
                "check" => Ask::Check,
                "history" => Ask::History,
                "trace" => Ask::Trace,
                "public" => Ask::Public,
                "svg" => Ask::Svg,
                "png" => Ask::Png,
                other => bail!("{other}"),
            };
            println!("ready after {:?}", server.ready_after);
            let result = load(&server, ask, connections.parse()?, seconds.parse()?, &site.dir)?;
            println!("{result:?} rss {:.0} MB", server.resident_mb()?);
            Ok(())
        }
        _ => bail!("usage: try sqlite|postgres CYLINDERS WHAT CONNECTIONS SECONDS"),
    }
}
