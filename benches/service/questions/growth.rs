//! The same work on more data.

use anyhow::{Context as _, Result};

use super::Bench;
use crate::results::Measure::Ratio;
use crate::results::{Demand, Row, Run};
use crate::server::Ask;
use crate::site::Site;

/// A work on a database, in all sizes.
struct Work {
    ask: Ask,
    connections: u32,
    sites: Vec<Site>,
    /// One for each size but the smallest.
    rows: Vec<Row>,
}

impl Work {
    fn new(bench: &Bench, name: &str, ask: Ask, sites: Vec<Site>) -> Self {
        let (what, connections) = match ask {
            Ask::History => ("a page of 50 events", 16),
            _ => ("a check", 64),
        };
        let rows = sites.iter().skip(1).map(|site| {
            let smallest = sites.first().map_or(0, |site| site.cylinders);
            Row {
                cylinders: site.cylinders,
                seconds: seconds(bench),
                ..bench.row(
                    "growth",
                    &format!("{name}, {what}, {} cylinders", site.cylinders),
                    &format!("the same on {smallest} cylinders"),
                    "ms",
                    &[Demand::at_most(Ratio, 1.3)],
                )
            }
        });
        Self { ask, connections, rows: rows.collect(), sites }
    }

    /// Milliseconds per request, size after size.
    fn turn(&mut self, bench: &Bench) -> Result<()> {
        let mut loads = Vec::new();
        for site in &self.sites {
            loads.push(site.served(self.ask, self.connections, seconds(bench), None)?);
        }
        let time = |per_second: f64| 1_000.0 / per_second;
        let smallest = time(loads.first().context("a size")?.per_second);
        for (row, load) in self.rows.iter_mut().zip(loads.iter().skip(1)) {
            let run = Run {
                service: time(load.per_second),
                ceiling: Some(smallest),
                p50_ms: Some(load.p50_ms),
                p99_ms: Some(load.p99_ms),
                longest_ms: Some(load.max_ms),
                allowed: Some(load.allowed),
            };
            println!("{}: {:.3} ms, {:.2}×", row.work, run.service, run.service / smallest);
            row.runs.push(run);
        }
        Ok(())
    }
}

/// Half of what others take: there are many sizes.
fn seconds(bench: &Bench) -> u32 {
    bench.seconds.div_ceil(2)
}

/// Checks and histories on both databases.
pub fn all(bench: &Bench) -> Result<Vec<Row>> {
    let cluster = bench.cluster(None)?;
    let mut works = Vec::new();
    for ask in [Ask::Check, Ask::History] {
        let sites = bench.sizes().into_iter().map(|size| bench.postgres(&cluster, size));
        works.push(Work::new(bench, "PostgreSQL", ask, sites.collect::<Result<_>>()?));
        let sites = bench.sizes().into_iter().map(|size| bench.sqlite(size));
        works.push(Work::new(bench, "SQLite", ask, sites.collect::<Result<_>>()?));
    }
    for _ in 0..bench.runs {
        for work in &mut works {
            work.turn(bench)?;
        }
    }
    Ok(works.into_iter().flat_map(|work| work.rows).collect())
}
