//! Fill checks, on both databases.

use std::path::Path;

use anyhow::{Result, bail};

use super::Bench;
use crate::cluster::Cluster;
use crate::results::Measure::{Longest, P99, Ratio};
use crate::results::{Demand, Row};
use crate::server::{Ask, load};
use crate::site::Site;
use crate::{group, pgbench, shim};

const PGBENCH: &str = "pgbench, 16 clients, one transaction per check";

/// Counts the rows that a check of the service writes, and those of a transaction of pgbench: they must be the same.
fn compare_rows(cluster: &Cluster, site: &Site) -> Result<Vec<String>> {
    pgbench::forget_rows_written(cluster, site)?;
    let server = site.serve(None)?;
    let served = load(&server, Ask::Check, 1, 1, &site.dir)?;
    drop(server);
    let service = pgbench::rows_written(cluster, site, served.answers)?;
    pgbench::forget_rows_written(cluster, site)?;
    let done = pgbench::run(cluster, site, Ask::Check, 1, 1)?;
    let ceiling = pgbench::rows_written(cluster, site, done.transactions)?;
    let notes = vec![
        format!("rows written by a check of the service: {service}"),
        format!("rows written by a transaction of pgbench: {ceiling}"),
    ];
    notes.iter().for_each(|note| println!("{note}"));
    Ok(notes)
}

/// 64 connections.
pub fn from_64(bench: &Bench) -> Result<Vec<Row>> {
    let cluster = bench.cluster(None)?;
    let postgres = bench.postgres(&cluster, bench.cylinders)?;
    let sqlite = bench.sqlite(bench.cylinders)?;
    let mut on_postgres = bench.row(
        "check",
        "PostgreSQL, 64 connections",
        PGBENCH,
        "1/s",
        &[Demand::at_least(Ratio, 1.4).aiming_at(2.0), Demand::at_most(P99, 25.0)],
    );
    let mut on_sqlite = bench.row(
        "check",
        "SQLite, 64 connections",
        "the same rows appended in process, 64 checks in a transaction",
        "1/s",
        &[Demand::at_least(Ratio, 0.75), Demand::at_most(P99, 20.0), Demand::at_most(Longest, 250.0)],
    );
    on_postgres.notes = compare_rows(&cluster, &postgres)?;
    for _ in 0..bench.runs {
        check_on_postgres(bench, &mut on_postgres, &cluster, &postgres, 64, None)?;
        bench.turn(
            &mut on_sqlite,
            || sqlite.served(Ask::Check, 64, bench.seconds, None),
            || group::rate(&sqlite, group::BATCH, bench.seconds, None),
        )?;
    }
    Ok(vec![on_postgres, on_sqlite])
}

fn check_on_postgres(
    bench: &Bench,
    row: &mut Row,
    cluster: &Cluster,
    site: &Site,
    connections: u32,
    slow_disk: Option<&Path>,
) -> Result<()> {
    let clients = pgbench::CLIENTS.min(connections);
    bench.turn(
        row,
        || site.served(Ask::Check, connections, bench.seconds, slow_disk),
        || Ok(pgbench::rate(cluster, site, Ask::Check, clients, bench.seconds)?.per_second),
    )
}

/// 256 connections.
pub fn from_256(bench: &Bench) -> Result<Vec<Row>> {
    let cluster = bench.cluster(None)?;
    let site = bench.postgres(&cluster, bench.cylinders)?;
    let demand = Demand::at_least(Ratio, 2.0).aiming_at(3.0);
    let mut row = bench.row("check", "PostgreSQL, 256 connections", PGBENCH, "1/s", &[demand]);
    for _ in 0..bench.runs {
        check_on_postgres(bench, &mut row, &cluster, &site, 256, None)?;
    }
    Ok(vec![row])
}

/// One connection.
pub fn one_at_a_time(bench: &Bench) -> Result<Vec<Row>> {
    let cluster = bench.cluster(None)?;
    let site = bench.postgres(&cluster, bench.cylinders)?;
    let demand = Demand::at_least(Ratio, 0.5);
    let mut row =
        bench.row("single", "PostgreSQL, one check at a time", "pgbench, one client", "1/s", &[demand]);
    for _ in 0..bench.runs {
        check_on_postgres(bench, &mut row, &cluster, &site, 1, None)?;
    }
    Ok(vec![row])
}

/// 64 connections where each fsync takes a millisecond longer, for the service and for its ceiling.
pub fn slow_disk(bench: &Bench) -> Result<Vec<Row>> {
    let slow = shim::compile(&bench.home)?;
    // The data is made on the disk as it is.
    let sqlite = bench.sqlite(bench.cylinders)?;
    bench.postgres(&bench.cluster(None)?, bench.cylinders)?;
    let cluster = bench.cluster(Some(&slow))?;
    let postgres = bench.postgres(&cluster, bench.cylinders)?;
    let mut on_postgres =
        bench.row("fsync", "PostgreSQL, 64 connections", PGBENCH, "1/s", &[Demand::at_least(Ratio, 3.0)]);
    let mut on_sqlite = bench.row(
        "fsync",
        "SQLite, 64 connections",
        "the same rows appended in process, one check in a transaction",
        "1/s",
        &[Demand::at_least(Ratio, 8.0)],
    );
    for _ in 0..bench.runs {
        check_on_postgres(bench, &mut on_postgres, &cluster, &postgres, 64, None)?;
        bench.turn(
            &mut on_sqlite,
            || sqlite.served(Ask::Check, 64, bench.seconds, Some(&slow)),
            || group::rate(&sqlite, 1, bench.seconds, Some(&slow)),
        )?;
    }
    let rows = vec![on_postgres, on_sqlite];
    // Commits follow one another on both, and each waits for the disk.
    if rows.iter().flat_map(|row| &row.runs).any(|run| run.ceiling.is_some_and(|rate| rate > 1_000.0)) {
        bail!("more than 1000 commits in a second: the slow disk isn't slow");
    }
    Ok(rows)
}
