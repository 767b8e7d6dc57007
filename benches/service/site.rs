//! A database with data, its settings file and what the load needs to know.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, bail};
use diesel::prelude::*;
use pingma::db::conn::{Conn, DatabaseUrl};
use pingma::digest::{hex, sha256};

use crate::cluster::Cluster;
use crate::server::{Ask, Load, Server, load};
use crate::world::{self, World};
use crate::{codes, data};

/// Goes up when the data is made in another way: what was made before is then made anew.
const EDITION: u32 = 3;

/// Room that an event takes with its indexes and its share of a cylinder, generously.
const BYTES_PER_EVENT: u64 = 1_900;
/// Room for write-ahead logs and for whoever else uses the disk.
const RESERVE: u64 = 6_000_000_000;

/// What the data was made for: databases are not migrated from run to run.
fn edition() -> String {
    let sql = [
        include_str!("../../migrations/sqlite/2026-11-21-000000_one_cylinder_one_code/up.sql"),
        include_str!("../../migrations/postgres/2026-11-21-000000_one_cylinder_one_code/up.sql"),
    ];
    format!("{EDITION} {}", hex(&sha256(&[sql.concat().as_bytes()])))
}

/// See the head of this file.
pub struct Site {
    pub dir: PathBuf,
    pub cylinders: u64,
    address: String,
    /// The database's name, on PostgreSQL.
    pub database: Option<String>,
}

impl Site {
    /// A SQLite database with so many cylinders; makes the data unless it is there.
    pub fn sqlite(home: &Path, cylinders: u64) -> Result<Self> {
        let dir = home.join(format!("sqlite-{cylinders}"));
        let address = format!("sqlite://{}", dir.join("pingma.db").display());
        let site = Self { dir, cylinders, address, database: None };
        if !site.is_made() {
            let _ = std::fs::remove_dir_all(&site.dir);
            site.make()?;
            site.tell_size(std::fs::metadata(site.dir.join("pingma.db"))?.len());
        }
        Ok(site)
    }

    /// The same in a cluster; sites of different names share nothing.
    pub fn postgres(home: &Path, cluster: &Cluster, name: &str, cylinders: u64) -> Result<Self> {
        let database = format!("{name}_{cylinders}");
        let dir = home.join(format!("postgres-{name}-{cylinders}"));
        let site =
            Self { dir, cylinders, address: cluster.address(&database), database: Some(database.clone()) };
        if !site.is_made() {
            cluster.create(&database)?;
            site.make()?;
            cluster.sql(&database, "VACUUM (FREEZE, ANALYZE)")?;
            cluster.sql(&database, "CHECKPOINT")?;
            site.tell_size(cluster.sql(&database, "SELECT pg_database_size(current_database())")?.parse()?);
        }
        Ok(site)
    }

    fn is_made(&self) -> bool {
        std::fs::read_to_string(self.dir.join("edition")).is_ok_and(|made| made == edition())
    }

    /// Databases of this size that are still to be made, this one among them.
    fn to_be_made(&self) -> Result<u64> {
        let home = self.dir.parent().context("a folder")?;
        let made = |kind: &str| home.join(format!("{kind}-{}", self.cylinders)).join("edition").exists();
        let others = ["sqlite", "postgres-pingma"].into_iter().filter(|kind| !made(kind)).count();
        Ok(u64::try_from(others)?.max(1))
    }

    /// Fails before the first of them is made, not when the disk is full.
    fn look_for_room(&self) -> Result<()> {
        let told =
            Command::new("df").args(["--output=avail", "-B1"]).arg(&self.dir).output().context("df")?;
        let told = String::from_utf8(told.stdout)?;
        let free: u64 = told.lines().nth(1).context("free bytes")?.trim().parse()?;
        let needed = data::events_of(self.cylinders) * BYTES_PER_EVENT * self.to_be_made()? + RESERVE;
        if free < needed {
            bail!("{} MB are free, {} MB are needed", free / 1_000_000, needed / 1_000_000);
        }
        Ok(())
    }

    fn tell_size(&self, bytes: u64) {
        let events = data::events_of(self.cylinders);
        println!("{} MB, {} bytes for each event and what hangs on it", bytes / 1_000_000, bytes / events);
    }

    /// The settings file.
    pub fn config(&self) -> PathBuf {
        self.dir.join("pingma.toml")
    }

    fn write_config(&self) -> Result<()> {
        let settings = format!(
            "database = {:?}\nkey_file = {:?}\npublic_rate_per_minute = 100000\ntrusted_proxies = [\"127.0.0.1\"]\n",
            self.address,
            self.dir.join("keys")
        );
        Ok(std::fs::write(self.config(), settings)?)
    }

    fn make(&self) -> Result<()> {
        println!("making {} cylinders in {}", self.cylinders, self.dir.display());
        let _ = std::fs::remove_file(self.dir.join("edition"));
        std::fs::create_dir_all(&self.dir)?;
        self.look_for_room()?;
        self.write_config()?;
        let database = self.url()?;
        pingma::db::migrations::run(&mut database.connect()?)?;
        let app = world::app(&self.config())?;
        let world = world::enter(&app)?;
        std::fs::write(self.dir.join("world.json"), serde_json::to_vec(&world)?)?;
        app.writer.stop();
        let began = Instant::now();
        data::write(&database, &app.keyring, &world, self.cylinders)?;
        let (events, seconds) = (data::events_of(self.cylinders), began.elapsed().as_secs_f64());
        println!("{events} events in {seconds:.0} s, {:.0} in a second", events as f64 / seconds);
        codes::write(&app.keyring, &world, self.cylinders, &self.dir.join("codes"))?;
        Ok(std::fs::write(self.dir.join("edition"), edition())?)
    }

    /// The database.
    pub fn url(&self) -> Result<DatabaseUrl> {
        Ok(self.address.parse()?)
    }

    /// Who is there.
    pub fn world(&self) -> Result<World> {
        Ok(serde_json::from_slice(&std::fs::read(self.dir.join("world.json"))?)?)
    }

    /// Fresh tokens for the load: they live ten minutes.
    fn tokens(&self) -> Result<()> {
        let app = world::app(&self.config())?;
        let world = self.world()?;
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

    /// The service on this database, perhaps on a slow disk.
    pub fn serve(&self, slow_disk: Option<&Path>) -> Result<Server> {
        self.write_config()?;
        self.tokens()?;
        Server::start(&self.config(), slow_disk)
    }

    /// Where the data lies that is read and written.
    fn files(&self) -> Result<PathBuf> {
        #[derive(QueryableByName)]
        struct Oid {
            #[diesel(sql_type = diesel::sql_types::Text)]
            oid: String,
        }
        let Conn::Postgres(mut conn) = self.url()?.connect()? else { return Ok(self.dir.clone()) };
        let asked = "SELECT oid::text FROM pg_database WHERE datname = current_database()";
        let row: Oid = diesel::sql_query(asked).get_result(&mut conn)?;
        Ok(self.dir.parent().context("a folder")?.join("cluster/data/base").join(row.oid))
    }

    /// Reads all of the data once, unless it was in use last: what the machine has forgotten meanwhile, because other data needed its
    /// memory, says nothing about this.
    fn warm(&self) -> Result<()> {
        static LAST: Mutex<Option<PathBuf>> = Mutex::new(None);
        let mut last = LAST.lock().map_err(|_| anyhow!("a measurement panicked"))?;
        if last.as_ref() == Some(&self.dir) {
            return Ok(());
        }
        for file in std::fs::read_dir(self.files()?)? {
            let file = file?;
            if file.file_type()?.is_file() {
                std::io::copy(&mut std::fs::File::open(file.path())?, &mut std::io::sink())?;
            }
        }
        *last = Some(self.dir.clone());
        Ok(())
    }

    /// What so many connections get from the service on this database, after a second to warm up.
    pub fn served(&self, ask: Ask, connections: u32, seconds: u32, slow_disk: Option<&Path>) -> Result<Load> {
        self.warm()?;
        let server = self.serve(slow_disk)?;
        load(&server, ask, connections, 1, &self.dir)?;
        load(&server, ask, connections, seconds, &self.dir).context(ask.name())
    }
}
