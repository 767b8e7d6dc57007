//! What concerns the service as a whole: memory, start, size, and two of it on one database.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::Bench;
use crate::cluster::Cluster;
use crate::results::Measure::{Figure, Ratio};
use crate::results::{Demand, Row, Run};
use crate::server::{Ask, Load, Server, load, service};
use crate::site::Site;

/// Memory under load, time to start, size of the binary.
pub fn memory(bench: &Bench) -> Result<Vec<Row>> {
    let cluster = bench.cluster(None)?;
    let memory = |work| bench.row("memory", work, "", "MB", &[Demand::at_most(Figure, 200.0)]);
    let mut rows = [
        (bench.sqlite(bench.cylinders)?, memory("most memory resident, 64 connections, SQLite")),
        (
            bench.postgres(&cluster, bench.cylinders)?,
            memory("most memory resident, 64 connections, PostgreSQL"),
        ),
    ];
    let ready = [Demand::at_most(Figure, 0.5)];
    let mut ready = bench.row("memory", "from start to ready, SQLite", "", "s", &ready);
    for run in 0..bench.runs {
        for (site, row) in &mut rows {
            let server = site.serve(None)?;
            if site.database.is_none() {
                ready.runs.push(figure(server.ready_after.as_secs_f64()));
            }
            load(&server, Ask::Check, 64, bench.seconds, &site.dir)?;
            row.runs.push(figure(server.peak_mb()?));
            println!("run {run}, {}: {:.0} MB", row.work, server.peak_mb()?);
        }
    }
    let mut rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    rows.push(ready);
    rows.push(binary(bench)?);
    Ok(rows)
}

fn figure(service: f64) -> Run {
    Run { service, ..Run::default() }
}

/// The size of the binary without symbols.
fn binary(bench: &Bench) -> Result<Row> {
    let built = Path::new(env!("CARGO_BIN_EXE_pingma"));
    let stripped = bench.home.join("pingma.stripped");
    let done = Command::new("strip").arg("-o").arg(&stripped).arg(built).status().context("strip")?;
    if !done.success() {
        bail!("strip failed");
    }
    let size = |path: &Path| Ok::<_, std::io::Error>(std::fs::metadata(path)?.len() as f64 / 1e6);
    let mut row = bench.row("memory", "binary, stripped", "", "MB", &[Demand::at_most(Figure, 25.0)]);
    row.notes.push(format!("the binary as it was built has {:.1} MB", size(built)?));
    row.runs.push(figure(size(&stripped)?));
    std::fs::remove_file(stripped)?;
    Ok(row)
}

/// Cylinders of the database that two servers share: it is verified as a whole afterwards.
const SHARED: u64 = 20_000;

/// Two processes on one PostgreSQL beside one, with as many connections in all; then everything is verified.
pub fn two_servers(bench: &Bench) -> Result<Vec<Row>> {
    let cluster = bench.cluster(None)?;
    let site = Site::postgres(&bench.home, &cluster, "shared", SHARED)?;
    let mut rows = Vec::new();
    for connections in [64, 128] {
        let work = format!("two servers, {0} and {0} connections", connections / 2);
        let against = format!("one server, {connections} connections");
        let demands = [Demand::at_least(Ratio, 1.0)];
        let row = bench.row("two-servers", &work, &against, "1/s", &demands);
        rows.push((connections, Row { cylinders: SHARED, ..row }));
    }
    for _ in 0..bench.runs {
        for (connections, row) in &mut rows {
            bench.turn(
                row,
                || from_two(&site, *connections, bench.seconds),
                || Ok(site.served(Ask::Check, *connections, bench.seconds, None)?.per_second),
            )?;
        }
    }
    let verified = verify(&cluster, &site)?;
    println!("{verified}");
    Ok(rows.into_iter().map(|(_, row)| Row { notes: vec![verified.clone()], ..row }).collect())
}

fn from_two(site: &Site, connections: u32, seconds: u32) -> Result<Load> {
    let servers = [site.serve(None)?, site.serve(None)?];
    let both = |seconds| -> Result<Vec<Load>> {
        let each = |server: &Server| load(server, Ask::Check, connections / 2, seconds, &site.dir);
        std::thread::scope(|scope| {
            let loads: Vec<_> = servers.iter().map(|server| scope.spawn(|| each(server))).collect();
            loads.into_iter().map(|load| load.join().unwrap_or_else(|_| bail!("a load panicked"))).collect()
        })
    };
    both(1)?;
    both(seconds)?.into_iter().reduce(|a, b| a.beside(&b)).context("loads")
}

/// Runs `pingma verify` and looks that no place in the ledger is missing or taken twice.
fn verify(cluster: &Cluster, site: &Site) -> Result<String> {
    let mut verify = service();
    let verified = verify.arg("--config").arg(site.config()).arg("verify").output()?;
    if !verified.status.success() {
        let said = [verified.stdout, verified.stderr].concat();
        bail!("pingma verify: {}", String::from_utf8_lossy(&said));
    }
    let places = cluster.sql(
        site.database.as_deref().context("a database")?,
        "SELECT count(DISTINCT log_index) = count(*) AND max(log_index) = count(*) FROM events",
    )?;
    if places != "t" {
        bail!("places in the ledger are missing or taken twice");
    }
    Ok(format!("pingma verify: {}", String::from_utf8_lossy(&verified.stdout).trim()))
}
