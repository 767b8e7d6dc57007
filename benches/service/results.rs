//! What was measured, kept as JSON: the tables and plots of the documentation are made of it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::machine::Machine;

/// One run: the service, and what it is compared with right after it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Run {
    pub service: f64,
    /// None where the figure stands for itself.
    pub ceiling: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub longest_ms: Option<f64>,
    /// Checks that were allowed, of all.
    pub allowed: Option<f64>,
}

/// What is demanded of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measure {
    /// The service by its ceiling, the median of the runs.
    Ratio,
    /// The figure itself, the median of the runs.
    Figure,
    /// The median of the runs.
    P99,
    /// The longest of all runs.
    Longest,
}

/// A demand.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Demand {
    pub of: Measure,
    pub at_least: Option<f64>,
    pub at_most: Option<f64>,
    /// What would be better still.
    pub aim: Option<f64>,
}

impl Demand {
    pub const fn at_least(of: Measure, value: f64) -> Self {
        Self { of, at_least: Some(value), at_most: None, aim: None }
    }

    pub const fn at_most(of: Measure, value: f64) -> Self {
        Self { of, at_least: None, at_most: Some(value), aim: None }
    }

    pub const fn aiming_at(self, aim: f64) -> Self {
        Self { aim: Some(aim), ..self }
    }

    /// Whether a row does it.
    pub fn is_met(&self, row: &Row) -> bool {
        row.measure(self.of).is_some_and(|value| {
            self.at_least.is_none_or(|least| value >= least) && self.at_most.is_none_or(|most| value <= most)
        })
    }
}

/// A line of a table.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Row {
    /// The table.
    pub table: String,
    /// The work.
    pub work: String,
    /// What it is compared with, where it is.
    pub against: String,
    /// Of the service's figure and the ceiling's.
    pub unit: String,
    /// Size of the data.
    pub cylinders: u64,
    /// Length of each measurement.
    pub seconds: u32,
    pub demands: Vec<Demand>,
    pub runs: Vec<Run>,
    /// What else was found, such as the rows that a transaction wrote.
    pub notes: Vec<String>,
}

/// The middle one of some values.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    let lower = *values.get(middle.wrapping_sub(1)).unwrap_or(&upper);
    Some(if values.len().is_multiple_of(2) { f64::midpoint(lower, upper) } else { upper })
}

impl Row {
    /// The median of what the runs have of it.
    pub fn median(&self, pick: impl Fn(&Run) -> Option<f64>) -> Option<f64> {
        median(self.runs.iter().filter_map(pick).collect())
    }

    /// What a demand is made of.
    pub fn measure(&self, of: Measure) -> Option<f64> {
        match of {
            Measure::Ratio => self.median(|run| Some(run.service / run.ceiling?)),
            Measure::Figure => self.median(|run| Some(run.service)),
            Measure::P99 => self.median(|run| run.p99_ms),
            Measure::Longest => self.runs.iter().filter_map(|run| run.longest_ms).reduce(f64::max),
        }
    }
}

/// Everything.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Results {
    pub machine: Option<Machine>,
    pub rows: Vec<Row>,
}

/// Cylinders of the data that the documentation reports on.
pub const CYLINDERS: u64 = 1_000_000;

/// The file of what was measured on so many cylinders.
fn file(home: &Path, cylinders: u64) -> PathBuf {
    match cylinders {
        CYLINDERS => home.join("results.json"),
        other => home.join(format!("results-{other}.json")),
    }
}

impl Results {
    /// What was kept; nothing if there is nothing.
    pub fn load(home: &Path, cylinders: u64) -> Result<Self> {
        match std::fs::read(file(home, cylinders)) {
            Ok(bytes) => serde_json::from_slice(&bytes).context("results.json"),
            Err(_) => Ok(Self::default()),
        }
    }

    /// Puts rows in place of earlier ones of the same work, and keeps everything.
    pub fn put(home: &Path, cylinders: u64, machine: Machine, rows: Vec<Row>) -> Result<()> {
        let mut all = Self::load(home, cylinders)?;
        all.machine = Some(machine);
        all.rows.retain(|old| !rows.iter().any(|new| new.table == old.table && new.work == old.work));
        all.rows.extend(rows);
        Ok(std::fs::write(file(home, cylinders), serde_json::to_vec_pretty(&all)?)?)
    }
}
