//! The data of the benchmarks: fillers at work, and cylinders with a history, written straight into the tables as the ledger
//! would have written them. `pingma verify` accepts the result.

use anyhow::{Context, Result, anyhow};
use diesel::connection::SimpleConnection as _;
use indicatif::{ProgressBar, ProgressStyle};
use pingma::auth::keyring::Keyring;
use pingma::clock::{Clock, SystemClock, SystemIds};
use pingma::db::append::{self as db, CylinderColumns};
use pingma::db::conn::{Conn, DatabaseUrl};
use pingma::db::facts::LabelRow;
use pingma::db::tx::transaction;
use pingma::domain::event::Decision;

use crate::acts::{Bottle, Made, Recorder};
use crate::world::World;

/// Cylinders whose events are mixed with one another, as those of a station's day are.
const BLOCK: u64 = 5_000;
/// Every so manyth cylinder has a long history.
pub const LONG_EVERY: u64 = 100;
/// Rounds from filling to filling: four events each, one before the first and one after the last.
const ROUNDS: u64 = 2;
const ROUNDS_OF_LONG: u64 = 14;
/// Days in which it all happened.
const DAYS: i64 = 360;

/// How many events so many cylinders have.
pub fn events_of(cylinders: u64) -> u64 {
    let long = cylinders.div_ceil(LONG_EVERY);
    (cylinders - long) * (2 + 4 * ROUNDS) + long * (2 + 4 * ROUNDS_OF_LONG)
}

/// Writes so many cylinders.
pub fn write(database: &DatabaseUrl, keys: &Keyring, world: &World, cylinders: u64) -> Result<()> {
    let mut conn = connect(database)?;
    let now = SystemClock.now();
    let progress = ProgressBar::new(events_of(cylinders));
    progress.set_style(ProgressStyle::with_template(
        "{elapsed_precise} {bar:40} {human_pos}/{human_len} events, {eta} left",
    )?);
    let mut writer = Recorder {
        ids: Box::new(SystemIds),
        keys,
        world,
        began: now.plus_seconds(-DAYS * 86_400),
        step_micros: DAYS * 86_400_000_000 / i64::try_from(events_of(cylinders))?.max(1),
        log_index: 0,
        permits: vec![None; world.posts().count()],
    };
    let mut number = 0;
    while number < cylinders {
        let block = number..(number + BLOCK).min(cylinders);
        number = block.end;
        let made = record_block(&mut writer, block)?;
        transaction::<_, anyhow::Error>(&mut conn, |conn| insert(&made, conn))
            .map_err(|e| anyhow!("{e:?}"))?;
        progress.set_position(u64::try_from(writer.log_index)?);
        // No terminal shows the bar.
        if progress.is_hidden() && number % (20 * BLOCK) == 0 {
            println!("{number} of {cylinders} cylinders");
        }
    }
    transaction::<_, anyhow::Error>(&mut conn, |conn| {
        db::take_places(conn, writer.log_index, Some(now.plus_seconds(-60)))?;
        let permits: Vec<_> = writer.permits.iter().flatten().map(|permit| (*permit, None)).collect();
        Ok(db::put_scale_permits(conn, &permits)?)
    })
    .map_err(|e| anyhow!("{e:?}"))?;
    progress.finish();
    Ok(())
}

/// SQLite takes 32 766 values in a statement; a cylinder has 21.
const ROWS_AT_ONCE: usize = 1_500;

fn insert(made: &Made, conn: &mut Conn) -> Result<()> {
    let at = made.events.last().context("events")?.recorded_at;
    for part in made.bottles.chunks(ROWS_AT_ONCE) {
        let rows = part.iter().map(|(_, bottle)| columns(bottle));
        db::insert_cylinders(conn, &rows.collect::<Result<Vec<_>>>()?)?;
        let labels = part.iter().map(|(_, b)| LabelRow {
            id: b.cylinder.label.id.clone(),
            key_id: b.cylinder.label.key_id.to_string(),
            cylinder_id: b.cylinder.id,
            status: b.cylinder.label.status,
        });
        db::insert_labels(conn, &labels.collect::<Vec<_>>(), at)?;
    }
    for part in made.events.chunks(ROWS_AT_ONCE) {
        db::insert_events(conn, part)?;
    }
    for part in made.fills.chunks(ROWS_AT_ONCE) {
        db::insert_fills(conn, part)?;
    }
    Ok(())
}

/// The row of a cylinder as it stands.
pub fn columns(bottle: &Bottle) -> Result<CylinderColumns> {
    let seen_in = crate::world::DISTRICT.parse().map_err(|e| anyhow!("{e:?}"))?;
    Ok(CylinderColumns::new(&bottle.cylinder, &seen_in, bottle.version, &bottle.head)?)
}

/// A connection that need not survive a power cut: what is half made is made again.
fn connect(database: &DatabaseUrl) -> Result<Conn> {
    let mut conn = database.connect()?;
    match &mut conn {
        Conn::Sqlite(c) => c.batch_execute(
            "PRAGMA synchronous = OFF; PRAGMA wal_autocheckpoint = 20000; PRAGMA cache_size = -400000;",
        )?,
        Conn::Postgres(c) => c.batch_execute("SET synchronous_commit = off; SET statement_timeout = 0;")?,
    }
    Ok(conn)
}

fn record_block(recorder: &mut Recorder<'_>, numbers: std::ops::Range<u64>) -> Result<Made> {
    let mut made = Made::default();
    for number in numbers {
        let bottle = recorder.register(number, &mut made)?;
        made.bottles.push((number, bottle));
    }
    for round in 0..ROUNDS_OF_LONG {
        for step in 0..4 {
            let mut bottles = std::mem::take(&mut made.bottles);
            for (number, bottle) in &mut bottles {
                if round < ROUNDS || *number % LONG_EVERY == 0 {
                    recorder.step(step, *number, bottle, &mut made)?;
                }
            }
            made.bottles = bottles;
        }
    }
    let mut bottles = std::mem::take(&mut made.bottles);
    for (number, bottle) in &mut bottles {
        recorder.check(*number, bottle, Decision::Refused, &mut made)?;
    }
    made.bottles = bottles;
    Ok(made)
}
