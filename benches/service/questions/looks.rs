//! Reads.

use anyhow::Result;

use super::Bench;
use crate::pgbench;
use crate::results::Measure::Ratio;
use crate::results::{Demand, Row};
use crate::server::Ask;

/// Histories, traces and public look-ups.
pub fn all(bench: &Bench) -> Result<Vec<Row>> {
    let cluster = bench.cluster(None)?;
    let site = bench.postgres(&cluster, bench.cylinders)?;
    let against = "pgbench, 16 clients, the same statements";
    let row = |work, least| bench.row("reads", work, against, "1/s", &[Demand::at_least(Ratio, least)]);
    let mut rows = [
        (Ask::History, row("a page of 50 events", 0.6)),
        (Ask::Trace, row("a trace", 0.6)),
        (Ask::Public, row("a public look-up", 0.55)),
    ];
    for _ in 0..bench.runs {
        for (ask, row) in &mut rows {
            bench.turn(
                row,
                || site.served(*ask, 16, bench.seconds, None),
                || Ok(pgbench::rate(&cluster, &site, *ask, pgbench::CLIENTS, bench.seconds)?.per_second),
            )?;
        }
    }
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}
