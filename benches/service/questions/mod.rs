//! What is asked of the service, and what each answer is compared with. The service and its ceiling take turns.

mod checks;
mod growth;
mod labels;
mod looks;
mod whole;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::cluster::Cluster;
use crate::machine::Machine;
use crate::report;
use crate::results::{Demand, Results, Row, Run};
use crate::server::Load;
use crate::site::Site;

/// A benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Question {
    /// Fill checks from 64 connections.
    #[value(name = "check-64")]
    Check64,
    /// Fill checks from 256 connections.
    #[value(name = "check-256")]
    Check256,
    /// Fill checks on a disk that is a millisecond slower.
    Fsync,
    /// One fill check at a time.
    Single,
    /// Histories, traces, public look-ups.
    Reads,
    /// The same work on more data.
    Growth,
    /// Pictures of labels.
    Labels,
    /// Memory, start, size of the binary.
    Memory,
    /// Two servers on one PostgreSQL.
    TwoServers,
    /// All of these.
    All,
}

/// How it is measured.
pub struct Bench {
    home: PathBuf,
    runs: u32,
    seconds: u32,
    cylinders: u64,
}

impl Bench {
    /// Measures in a folder.
    pub fn new(home: &Path, runs: u32, seconds: u32, cylinders: u64) -> Result<Self> {
        std::fs::create_dir_all(home)?;
        Ok(Self { home: home.to_owned(), runs, seconds, cylinders })
    }

    /// Makes the data.
    pub fn data(&self) -> Result<()> {
        self.sqlite(self.cylinders)?;
        let cluster = self.cluster(None)?;
        self.postgres(&cluster, self.cylinders)?;
        for size in self.sizes() {
            self.sqlite(size)?;
            self.postgres(&cluster, size)?;
        }
        Ok(())
    }

    /// Measures; what was measured is kept question by question.
    pub fn run(&self, questions: &[Question]) -> Result<()> {
        let all: Vec<Question> = Question::value_variants().to_vec();
        let questions = if questions.contains(&Question::All) { &all } else { questions };
        let machine = Machine::look(&self.home)?;
        for question in questions.iter().filter(|question| **question != Question::All) {
            let rows = self.ask(*question).with_context(|| format!("{question:?}"))?;
            println!("\n{}", report::table(&rows));
            Results::put(&self.home, self.cylinders, machine.clone(), rows)?;
        }
        Ok(())
    }

    fn ask(&self, question: Question) -> Result<Vec<Row>> {
        match question {
            Question::Check64 => checks::from_64(self),
            Question::Check256 => checks::from_256(self),
            Question::Fsync => checks::slow_disk(self),
            Question::Single => checks::one_at_a_time(self),
            Question::Reads => looks::all(self),
            Question::Growth => growth::all(self),
            Question::Labels => labels::all(self),
            Question::Memory => whole::memory(self),
            Question::TwoServers => whole::two_servers(self),
            Question::All => Ok(Vec::new()),
        }
    }

    /// Sizes of the data that are compared with one another.
    fn sizes(&self) -> Vec<u64> {
        let smaller = [10_000, 100_000].into_iter().filter(|size| *size < self.cylinders);
        smaller.chain([self.cylinders]).collect()
    }

    fn cluster(&self, slow_disk: Option<&Path>) -> Result<Cluster> {
        Cluster::start(&self.home.join("cluster"), slow_disk)
    }

    fn sqlite(&self, cylinders: u64) -> Result<Site> {
        Site::sqlite(&self.home, cylinders)
    }

    fn postgres(&self, cluster: &Cluster, cylinders: u64) -> Result<Site> {
        Site::postgres(&self.home, cluster, "pingma", cylinders)
    }

    fn row(&self, table: &str, work: &str, against: &str, unit: &str, demands: &[Demand]) -> Row {
        Row {
            table: table.to_owned(),
            work: work.to_owned(),
            against: against.to_owned(),
            unit: unit.to_owned(),
            cylinders: self.cylinders,
            seconds: self.seconds,
            demands: demands.to_vec(),
            runs: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A turn of the service, then one of its ceiling.
    fn turn(
        &self,
        row: &mut Row,
        service: impl FnOnce() -> Result<Load>,
        ceiling: impl FnOnce() -> Result<f64>,
    ) -> Result<()> {
        let load = service()?;
        let ceiling = ceiling()?;
        println!(
            "{}: {:.0}/s, p99 {:.1} ms, longest {:.0} ms, {:.0} % allowed; {}: {ceiling:.0}/s; {:.2}×",
            row.work,
            load.per_second,
            load.p99_ms,
            load.max_ms,
            load.allowed * 100.0,
            row.against,
            load.per_second / ceiling
        );
        row.runs.push(Run {
            service: load.per_second,
            ceiling: Some(ceiling),
            p50_ms: Some(load.p50_ms),
            p99_ms: Some(load.p99_ms),
            longest_ms: Some(load.max_ms),
            allowed: Some(load.allowed),
        });
        Ok(())
    }
}
