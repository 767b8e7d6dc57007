//! The thread that records: writes what was decided, commits, then answers. What could not be decided before, or rests on what
//! did not hold, it decides itself, alone with the ledger.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender};

use super::append::Heads;
use super::batch::{Answers, Decisions, Desk, decide};
use super::command::Command;
use super::decider::{Ends, commands, count, top_up};
use super::registry::Registry;
use super::writer::{Job, Receipt, Tally};
use crate::db::DbError;
use crate::db::append::lock_head;
use crate::db::backend::sqlite;
use crate::db::conn::{Conn, DatabaseUrl};
use crate::db::tx::{TxError, transaction};
use crate::error::{Code, Result};

/// How often a single command that lost a race is tried.
const TRIES: usize = 5;
/// Seconds after which a try that failed had waited for somebody.
const WAITED_S: i64 = 1;

type Tried<T> = std::result::Result<T, TxError<DbError>>;

/// Commands, and what is to be done with them.
pub(super) struct Work {
    pub(super) jobs: Vec<Job>,
    pub(super) task: Task,
}

/// What is to be done with commands.
pub(super) enum Task {
    /// To write what they came to.
    Write(Decisions),
    /// To decide them, alone with the ledger.
    Decide,
    /// The same, together with what has come by the time when nobody else writes: behind another server that is much.
    DecideWithMore,
}

/// What became of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is recorded as it was decided.
    AsDecided,
    /// Another writer was faster: it was decided again.
    LostRace,
    /// It was decided here, or again, or nobody knows.
    Otherwise,
}

/// See the head of this file.
pub(super) struct Recorder {
    database: DatabaseUrl,
    desk: Desk,
    tally: Arc<Tally>,
    log_is_long: Arc<AtomicBool>,
    conn: Option<Conn>,
    /// Whether the database could be reached when that was last tried.
    reachable: bool,
    /// Whether the last try failed and had waited for that.
    waited: bool,
    registry: Registry,
    /// The heads of chains that the batch before left, for decisions that rest upon it.
    heads: Heads,
}

impl Recorder {
    pub(super) fn new(
        database: DatabaseUrl,
        desk: Desk,
        tally: Arc<Tally>,
        log_is_long: Arc<AtomicBool>,
    ) -> Self {
        Self {
            database,
            desk,
            tally,
            log_is_long,
            conn: None,
            reachable: true,
            waited: false,
            registry: Registry::default(),
            heads: Heads::default(),
        }
    }

    /// Runs until the decider is gone.
    pub(super) fn run(mut self, ends: &Ends, queue: &Receiver<Job>) {
        while let Ok(work) = ends.work.recv() {
            let fate = self.serve(work, ends, queue);
            // The decider may be gone; what is recorded stands all the same.
            let _ = ends.fates.send(fate);
            self.restart_log();
        }
    }

    /// See [`sqlite::restart_log`].
    fn restart_log(&mut self) {
        let Some(Conn::Sqlite(conn)) = &mut self.conn else { return };
        if !self.log_is_long.swap(false, Ordering::Relaxed) {
            return;
        }
        match sqlite::restart_log(conn) {
            Ok(came_to) => tracing::debug!(?came_to, "the write-ahead log"),
            Err(error) => {
                tracing::warn!(%error, "the write-ahead log goes on");
                self.conn = None;
            }
        }
    }

    fn serve(&mut self, Work { mut jobs, task }: Work, ends: &Ends, queue: &Receiver<Job>) -> Fate {
        let (tried, fate) = match task {
            Task::Write(decisions) => self.write_or_decide(decisions, &jobs, &ends.written),
            Task::Decide => (self.decide_and_write(|| commands(&jobs)), Fate::Otherwise),
            Task::DecideWithMore => {
                let jobs = &mut jobs;
                let tried = self.decide_and_write(move || {
                    top_up(jobs, queue);
                    commands(jobs)
                });
                (tried, Fate::Otherwise)
            }
        };
        metrics::histogram!("pingma_ledger_batch_size").record(count(jobs.len()));
        let answers = match tried {
            Ok(answers) => answers,
            Err(TxError::OutcomeUnknown(error)) => unknown(&error, jobs.len()),
            Err(TxError::RolledBack(error)) => {
                tracing::debug!(%error, commands = jobs.len(), "batch rolled back, serving one by one");
                self.serve_each(&commands(&jobs))
            }
        };
        for (job, answer) in jobs.into_iter().zip(answers) {
            // Whoever asked may be gone; the event stands all the same.
            let _ = job.reply.send(answer);
        }
        fate
    }

    fn write_or_decide(
        &mut self,
        decisions: Decisions,
        jobs: &[Job],
        written: &Sender<()>,
    ) -> (Tried<Answers>, Fate) {
        match self.write(decisions, written) {
            Ok(Some(answers)) => (Ok(answers), Fate::AsDecided),
            Err(TxError::OutcomeUnknown(error)) => (Err(TxError::OutcomeUnknown(error)), Fate::Otherwise),
            not_written => {
                self.tally.count_redecided();
                let lost = matches!(&not_written, Err(error) if is_lost_race(error));
                let tried = self.decide_and_write(|| commands(jobs));
                (tried, if lost { Fate::LostRace } else { Fate::Otherwise })
            }
        }
    }

    /// One bad command must not fail its neighbors. But a database that can't even be reached is asked once, and a lock that
    /// somebody keeps is waited for once: not for each.
    fn serve_each(&mut self, commands: &[&dyn Command]) -> Answers {
        let serve = |command: &&dyn Command| {
            if self.reachable && !self.waited {
                self.serve_one(*command)
            } else {
                Err(Code::Unavailable.into())
            }
        };
        commands.iter().map(serve).collect()
    }

    fn serve_one(&mut self, command: &dyn Command) -> Result<Receipt> {
        for _ in 0..TRIES {
            match self.decide_and_write(|| vec![command]) {
                Ok(answers) => {
                    return answers.into_iter().next().unwrap_or_else(|| Err(Code::Internal.into()));
                }
                Err(TxError::OutcomeUnknown(error)) => {
                    return unknown(&error, 1).pop().unwrap_or_else(|| Err(Code::Unavailable.into()));
                }
                // Somebody else was faster: look again. A duplicate shows as a taken code or a replay then.
                Err(error) if is_lost_race(&error) => {}
                Err(TxError::RolledBack(error)) => return Err(error.into()),
            }
        }
        Err(Code::ChangedInBetween.into())
    }

    /// Writes what was decided before, unless it is too old to stand: then nothing is written.
    fn write(&mut self, decisions: Decisions, written: &Sender<()>) -> Tried<Option<Answers>> {
        self.attempt(|conn, desk, heads| {
            if !decisions.still_stand(conn, desk)? {
                return Ok(None);
            }
            let answers = decisions.write(conn, heads)?;
            // Nobody may listen: the decider may be busy with what came before.
            let _ = written.try_send(());
            Ok(Some(answers))
        })
    }

    /// Decides with the lock that every append needs, so that nobody else writes an event until the commit. What is decided is
    /// asked for when the lock is held.
    fn decide_and_write<'a>(&mut self, commands: impl FnOnce() -> Vec<&'a dyn Command>) -> Tried<Answers> {
        // What was read in a try that failed is not worth keeping.
        let mut registry = std::mem::take(&mut self.registry);
        let tried = self.attempt(|conn, desk, heads| {
            lock_head(conn)?;
            decide(conn, &mut registry, desk, &commands(), None)?.write(conn, heads)
        });
        if tried.is_ok() {
            self.registry = registry;
        }
        tried
    }

    /// One batch in one transaction. A panic inside is a failed batch, not the end of the recorder.
    fn attempt<T>(
        &mut self,
        work: impl FnOnce(&mut Conn, &Desk, &mut Heads) -> std::result::Result<T, DbError>,
    ) -> Tried<T> {
        let (kept, database, desk) = (self.conn.take(), &self.database, &self.desk);
        let (heads, reachable) = (&mut self.heads, &mut self.reachable);
        let began = desk.clock.now();
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut conn = match kept {
                Some(conn) => conn,
                None => {
                    let connected = database.connect_writer();
                    *reachable = connected.is_ok();
                    connected.map_err(TxError::RolledBack)?
                }
            };
            let result = transaction(&mut conn, |conn| work(conn, desk, heads));
            // After any other failure the connection is not worth keeping.
            let keep = result.as_ref().err().is_none_or(is_lost_race);
            Ok((result, keep.then_some(conn)))
        }));
        let panicked = |_| Err(TxError::RolledBack(DbError::corrupt("a command panicked")));
        let (result, conn) = result.unwrap_or_else(panicked).unwrap_or_else(|error| (Err(error), None));
        self.conn = conn;
        if result.is_err() {
            self.heads = Heads::default();
        }
        let ended = self.desk.clock.now();
        self.waited = result.is_err() && ended.seconds_since(began) >= WAITED_S;
        let spent = ended.micros().saturating_sub(began.micros());
        metrics::histogram!("pingma_ledger_transaction_seconds")
            .record(Duration::from_micros(u64::try_from(spent).unwrap_or(0)));
        result
    }
}

/// Whether another writer was faster, and nothing was written.
fn is_lost_race(error: &TxError<DbError>) -> bool {
    matches!(error, TxError::RolledBack(DbError::Conflict | DbError::Duplicate(_)))
}

fn unknown(error: &DbError, count: usize) -> Answers {
    tracing::error!(%error, count, "the outcome of a commit is unknown");
    (0..count).map(|_| Err(Code::Unavailable.into())).collect()
}
