//! The thread that decides: takes what is waiting, decides it while the batch before is still on its way into the database, and
//! hands it on to be recorded.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded, select};

use super::batch::{Ahead, Decisions, Desk, decide};
use super::command::Command;
use super::recorder::{Fate, Task, Work};
use super::registry::Registry;
use super::writer::{Job, Tally};
use crate::db::DbError;
use crate::db::conn::{Conn, DatabaseUrl};
use crate::db::tx::reading;

/// The largest batch.
const MAX_BATCH: usize = 256;
/// How many batches are decided by the recorder, alone with the ledger, after one lost a race: where several servers write the
/// same rows, as they do when the same scales are busy, deciding first costs more than waiting.
const CAUTIOUS: u32 = 64;

/// See the head of this file.
pub(super) struct Decider {
    database: DatabaseUrl,
    desk: Desk,
    tally: Arc<Tally>,
    conn: Option<Conn>,
    registry: Registry,
    recorder: Sender<Work>,
    fates: Receiver<Fate>,
    written: Receiver<()>,
    /// The batch that was handed on and is not told of yet; what it decided, if that is known.
    outstanding: Option<Option<Ahead>>,
    cautious: u32,
}

/// Takes along what waits, up to the largest batch.
pub(super) fn top_up(jobs: &mut Vec<Job>, queue: &Receiver<Job>) {
    jobs.extend(queue.try_iter().take(MAX_BATCH.saturating_sub(jobs.len())));
}

pub(super) fn commands(jobs: &[Job]) -> Vec<&dyn Command> {
    jobs.iter().map(|job| job.command.as_ref()).collect()
}

pub(super) fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The recorder's ends of the channels.
pub(super) struct Ends {
    /// What it gets.
    pub(super) work: Receiver<Work>,
    /// Where it tells that what was decided is written and will be committed now.
    pub(super) written: Sender<()>,
    /// Where it tells what became of it.
    pub(super) fates: Sender<Fate>,
}

impl Decider {
    /// A decider and the recorder's ends. One batch waits at most: more would rest on decisions that rest on decisions.
    pub(super) fn new(database: DatabaseUrl, desk: Desk, tally: Arc<Tally>) -> (Self, Ends) {
        let (recorder, work) = bounded(1);
        let (tell, fates) = bounded(1);
        let (tell_written, written) = bounded(1);
        let decider = Self {
            database,
            desk,
            tally,
            conn: None,
            registry: Registry::default(),
            recorder,
            fates,
            written,
            outstanding: None,
            cautious: 0,
        };
        (decider, Ends { work, written: tell_written, fates: tell })
    }

    /// Runs until nobody can hand in commands any more and all are handed on.
    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        while let Ok(first) = queue.recv() {
            let mut jobs = vec![first];
            top_up(&mut jobs, queue);
            let work = self.prepare(jobs, queue);
            metrics::gauge!("pingma_ledger_waiting").set(count(queue.len()));
            if self.recorder.send(work).is_err() {
                return;
            }
        }
    }

    /// Makes the work, and waits until the batch before is recorded. Where it must wait first, it takes along what has come by
    /// then.
    fn prepare(&mut self, mut jobs: Vec<Job>, queue: &Receiver<Job>) -> Work {
        if let Ok(fate) = self.fates.try_recv() {
            self.told(fate);
        }
        if self.cautious > 0 {
            self.wait();
            top_up(&mut jobs, queue);
            self.cautious -= 1;
            return self.undecided(jobs, Task::DecideWithMore);
        }
        // Nothing to be gained: the recorder is idle, and one command is not worth two threads.
        if jobs.len() == 1 && self.outstanding.is_none() {
            return self.undecided(jobs, Task::Decide);
        }
        let carried = self.carries(&jobs) && {
            self.wait_for_company(&jobs);
            top_up(&mut jobs, queue);
            self.carries(&jobs)
        };
        let decisions = if carried {
            let decisions = self.decide(&commands(&jobs));
            // Whatever became of the decisions: each batch is told of before the next is handed on.
            let fate = self.wait();
            // Where the ground gave way, the recorder decides.
            let decisions = decisions.filter(|_| fate == Fate::AsDecided);
            decisions.inspect(|_| self.tally.count_carried())
        } else {
            self.wait();
            top_up(&mut jobs, queue);
            self.decide(&commands(&jobs))
        };
        self.outstanding = Some(decisions.as_ref().map(Decisions::ahead));
        Work { jobs, task: decisions.map_or(Task::Decide, Task::Write) }
    }

    fn undecided(&mut self, jobs: Vec<Job>, task: Task) -> Work {
        self.outstanding = Some(None);
        Work { jobs, task }
    }

    /// Whether the batch that is outstanding leaves facts upon which these can be decided.
    fn carries(&self, jobs: &[Job]) -> bool {
        let ahead = self.outstanding.as_ref().and_then(Option::as_ref);
        ahead.is_some_and(|ahead| ahead.carries(&commands(jobs)))
    }

    /// Waits until the batch before is written and only its commit is left: what is decided earlier waits anyway, and a larger
    /// batch needs fewer commits. On PostgreSQL writing is mostly waiting for answers, and to decide meanwhile costs nobody.
    fn wait_for_company(&mut self, jobs: &[Job]) {
        if jobs.len() >= MAX_BATCH || matches!(self.database, DatabaseUrl::Postgres(_)) {
            return;
        }
        let fate = select! {
            recv(self.written) -> _ => None,
            recv(self.fates) -> fate => Some(fate.unwrap_or(Fate::Otherwise)),
        };
        if let Some(fate) = fate {
            self.told(fate);
        }
    }

    /// Waits until nothing is outstanding; says what became of it.
    fn wait(&mut self) -> Fate {
        if self.outstanding.is_none() {
            return Fate::AsDecided;
        }
        // A recorder that is gone takes no work either.
        let fate = self.fates.recv().unwrap_or(Fate::Otherwise);
        self.told(fate);
        fate
    }

    fn told(&mut self, fate: Fate) {
        self.outstanding = None;
        // It was written before its fate was told.
        self.written.try_iter().for_each(drop);
        if fate == Fate::LostRace {
            self.cautious = CAUTIOUS;
        }
    }

    /// Decides; `None` where that failed, which the recorder will find out for itself.
    fn decide(&mut self, commands: &[&dyn Command]) -> Option<Decisions> {
        let ahead = self.outstanding.as_ref().and_then(Option::as_ref);
        let (kept, database, desk) = (self.conn.take(), &self.database, &self.desk);
        // What was read in a try that failed is not worth keeping either.
        let mut registry = std::mem::take(&mut self.registry);
        let decided = catch_unwind(AssertUnwindSafe(|| {
            let mut conn = match kept {
                Some(conn) => conn,
                None => database.connect_reader()?,
            };
            let decisions = reading(&mut conn, |conn| decide(conn, &mut registry, desk, commands, ahead))?;
            Ok::<_, DbError>((decisions, conn, registry))
        }));
        // After a failure the connection is not worth keeping.
        let (decisions, conn, registry) = decided.ok()?.ok()?;
        self.conn = Some(conn);
        self.registry = registry;
        Some(decisions)
    }
}
