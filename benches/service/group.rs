//! The ceiling on SQLite: the rows of fill checks, made beforehand, appended by one thread through the functions that the
//! ledger appends with, so many checks in a transaction. No facts are read, nothing is judged, nothing comes over HTTP.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use pingma::clock::{Clock, IdGen, SystemClock, SystemIds};
use pingma::db::append::{self as db, CylinderColumns};
use pingma::db::conn::{Conn, DatabaseUrl};
use pingma::db::facts::{self, EventRow, ScalePermitRow};
use pingma::db::tx::transaction;
use pingma::domain::event::Decision;
use pingma::domain::id::ScaleId;

use crate::acts::{Bottle, Made, Recorder, cylinder_id};
use crate::data::columns;
use crate::site::Site;
use crate::{codes, shim, world};

/// Checks in a transaction, as many as wait when 64 connections ask.
pub const BATCH: usize = 64;

/// The rows of a transaction.
struct Batch {
    events: Vec<EventRow>,
    cylinders: Vec<(CylinderColumns, i64)>,
    permits: Vec<(ScalePermitRow, Option<i64>)>,
}

impl Batch {
    fn append(&self, conn: &mut Conn) -> Result<()> {
        let count = i64::try_from(self.events.len())?;
        let last = self.events.last().context("events")?;
        transaction::<_, anyhow::Error>(conn, |conn| {
            let place = db::take_places(conn, count, Some(last.recorded_at))?;
            if place != last.log_index {
                bail!("somebody else appends");
            }
            db::update_cylinders(conn, &self.cylinders)?;
            db::insert_events(conn, &self.events)?;
            Ok(db::put_scale_permits(conn, &self.permits)?)
        })
        .map_err(|error| anyhow!("{error:?}"))
    }
}

/// Makes batches, each upon the one before it.
struct Maker<'a> {
    recorder: Recorder<'a>,
    conn: Conn,
    bottles: HashMap<u64, Bottle>,
    ids: Box<dyn IdGen>,
    cylinders: u64,
    fillers: u64,
}

impl Maker<'_> {
    /// Some cylinder that the load asks for.
    fn some(&self) -> u64 {
        let random = u64::from_le_bytes(self.ids.bytes());
        let step = codes::every(self.cylinders);
        random % (self.cylinders / step).max(1) * step
    }

    fn take(&mut self, number: u64) -> Result<Bottle> {
        if let Some(bottle) = self.bottles.remove(&number) {
            return Ok(bottle);
        }
        let row = facts::cylinders(&mut self.conn, &[cylinder_id(number)])?.pop().context("a cylinder")?;
        let filler = usize::try_from(number % self.fillers)?;
        let permit = cylinder_id(number).cast();
        Ok(Bottle { filler, cylinder: row.cylinder, version: row.version, head: row.head_hash, permit })
    }

    fn batch(&mut self, size: usize) -> Result<Batch> {
        let mut made = Made::default();
        let mut cylinders = Vec::new();
        let mut read: BTreeMap<ScaleId, i64> = BTreeMap::new();
        let mut numbers = HashSet::new();
        while numbers.len() < size {
            let number = self.some();
            if !numbers.insert(number) {
                continue;
            }
            let mut bottle = self.take(number)?;
            let (post, scale) = self.recorder.post(number, bottle.filler)?;
            let before = self.recorder.permits[post].context("a permit")?.version;
            read.entry(scale.scale_id).or_insert(before);
            let version = bottle.version;
            self.recorder.check(number, &mut bottle, Decision::Allowed, &mut made)?;
            cylinders.push((columns(&bottle)?, version));
            self.bottles.insert(number, bottle);
        }
        let newest = self.recorder.permits.iter().flatten();
        let permits = newest.filter_map(|row| Some((*row, Some(*read.get(&row.scale_id)?)))).collect();
        Ok(Batch { events: made.events, cylinders, permits })
    }
}

/// The newest place in the ledger.
fn head(conn: &mut Conn) -> Result<i64> {
    transaction::<_, anyhow::Error>(conn, |conn| Ok(db::take_places(conn, 0, None)?))
        .map_err(|error| anyhow!("{error:?}"))
}

/// Moves the write-ahead log into the database every second, as the service's housekeeping does.
fn keep_house(database: &DatabaseUrl, over: &AtomicBool) -> Result<()> {
    let mut conn = database.connect()?;
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_secs(1));
        if let Conn::Sqlite(c) = &mut conn {
            pingma::db::backend::sqlite::checkpoint(c)?;
        }
    }
    Ok(())
}

/// Appends for about so many seconds; says how many checks in a second.
pub fn append(site: &Site, batch: usize, seconds: u32) -> Result<f64> {
    let app = world::app(&site.config())?;
    app.writer.stop();
    let (world, database) = (site.world()?, site.url()?);
    let mut conn = database.connect_writer()?;
    let permits = world.posts().map(|post| Ok(facts::scale_permits(&mut conn, &[post.scale_id])?.pop()));
    let recorder = Recorder {
        ids: Box::new(SystemIds),
        keys: &app.keyring,
        world: &world,
        began: SystemClock.now(),
        step_micros: 0,
        permits: permits.collect::<Result<_>>()?,
        log_index: head(&mut conn)?,
    };
    let fillers = u64::try_from(world.fillers.len())?;
    let mut maker = Maker {
        recorder,
        conn: database.connect()?,
        bottles: HashMap::new(),
        ids: Box::new(SystemIds),
        cylinders: site.cylinders,
        fillers,
    };
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| keep_house(&database, &over));
        let rate = timed(&mut maker, &mut conn, batch, Duration::from_secs(1))
            .and_then(|_| timed(&mut maker, &mut conn, batch, Duration::from_secs(u64::from(seconds))));
        over.store(true, Ordering::Relaxed);
        rate
    })
}

/// Makes batches for a tenth of a second's worth at a time and times only their appending.
fn timed(maker: &mut Maker<'_>, conn: &mut Conn, batch: usize, length: Duration) -> Result<f64> {
    let at_once = (2_048 / batch).min(256);
    let (mut appended, mut spent) = (0_u32, Duration::ZERO);
    while spent < length {
        let batches: Vec<Batch> = (0..at_once).map(|_| maker.batch(batch)).collect::<Result<_>>()?;
        let began = Instant::now();
        for batch in &batches {
            batch.append(conn)?;
        }
        spent += began.elapsed();
        appended += u32::try_from(at_once * batch)?;
    }
    Ok(f64::from(appended) / spent.as_secs_f64())
}

/// The same in a process of its own, which a slow disk may be preloaded into.
pub fn rate(site: &Site, batch: usize, seconds: u32, slow_disk: Option<&Path>) -> Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    shim::preload(&mut command, slow_disk);
    command.args(["append", &site.cylinders.to_string(), &batch.to_string(), &seconds.to_string()]);
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let rate = text.lines().find_map(|line| line.strip_prefix("RATE "));
    let rate = rate.with_context(|| format!("{text}{}", String::from_utf8_lossy(&output.stderr)))?;
    Ok(rate.parse()?)
}
