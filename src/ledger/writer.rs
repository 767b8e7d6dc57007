//! The writer: takes commands from a bounded queue, serves what is waiting in one batch, answers after the commit.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use chrono_tz::Tz;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::append::append;
use super::command::{Call, Command, Context, Decided, Needs};
use super::facts::Facts;
use super::gather::gather;
use crate::clock::{Clock, IdGen};
use crate::db::DbError;
use crate::db::append::lock_head;
use crate::db::conn::{Conn, DatabaseUrl};
use crate::db::tx::{TxError, transaction};
use crate::domain::event::Event;
use crate::domain::instant::{Instant, Moment};
use crate::error::{Code, Error, Result};

/// The largest batch.
pub const MAX_BATCH: usize = 256;
/// How many batches read alone after one lost a race: where several servers or threads write the same rows, as they do when the
/// same scales are busy, trying first costs more than waiting.
const CAUTIOUS: u32 = 64;
/// How often a single command that lost a race is tried.
const TRIES: usize = 5;

/// How the writer runs.
#[derive(Debug, Clone)]
pub struct WriterSettings {
    /// Which database.
    pub database: DatabaseUrl,
    /// Time zone in which days are counted.
    pub zone: Tz,
    /// Commands that may wait; more are turned away.
    pub queue_length: usize,
    /// Days without an event after which the clock is not believed.
    pub clock_gap_days: i64,
}

/// What a command came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    /// The event: the new one, or the one that an earlier call under the same key made.
    pub event: Arc<Event>,
    /// Whether it is an earlier call's.
    pub replayed: bool,
}

struct Job {
    command: Box<dyn Command>,
    reply: oneshot::Sender<Result<Receipt>>,
}

/// The one way to write an event.
pub struct Writer {
    sender: Mutex<Option<Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the threads: one for SQLite, which has one writer, two for PostgreSQL, so that one can read while the other commits.
    ///
    /// # Errors
    /// The operating system gave no thread.
    pub fn start(
        settings: WriterSettings,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGen>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = bounded(settings.queue_length);
        let count = match settings.database {
            DatabaseUrl::Sqlite(_) => 1,
            DatabaseUrl::Postgres(_) => 2,
        };
        let threads = (1..=count)
            .map(|n| {
                let worker = Worker {
                    settings: settings.clone(),
                    clock: Arc::clone(&clock),
                    ids: Arc::clone(&ids),
                    conn: None,
                    cautious: 0,
                };
                let receiver = receiver.clone();
                std::thread::Builder::new().name(format!("ledger-{n}")).spawn(move || worker.run(&receiver))
            })
            .collect::<std::io::Result<_>>()?;
        Ok(Self { sender: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    /// Hands in a command; the receiver gets the answer after the commit.
    ///
    /// # Errors
    /// The queue is full, or the service is stopping: nothing was recorded.
    pub fn submit(&self, command: Box<dyn Command>) -> Result<oneshot::Receiver<Result<Receipt>>> {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (reply, answer) = oneshot::channel();
        let sent = sender.ok_or(Code::Busy)?.try_send(Job { command, reply });
        match sent {
            Ok(()) => Ok(answer),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                metrics::counter!("pingma_ledger_turned_away_total").increment(1);
                Err(Code::Busy.into())
            }
        }
    }

    /// Hands in a command and waits for the answer.
    ///
    /// # Errors
    /// See [`Writer::submit`]; what the command decided; the database.
    pub async fn write(&self, command: Box<dyn Command>) -> Result<Receipt> {
        self.submit(command)?.await.unwrap_or_else(|_| Err(Code::Unavailable.into()))
    }

    /// The same for a thread that may wait.
    ///
    /// # Errors
    /// As [`Writer::write`].
    pub fn write_blocking(&self, command: Box<dyn Command>) -> Result<Receipt> {
        self.submit(command)?.blocking_recv().unwrap_or_else(|_| Err(Code::Unavailable.into()))
    }

    /// Takes no more commands, serves those that wait, and ends.
    pub fn stop(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a ledger thread had panicked");
            }
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Worker {
    settings: WriterSettings,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGen>,
    conn: Option<Conn>,
    /// Batches that read alone from now on.
    cautious: u32,
}

/// How a batch reads its facts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// While others may write; the guarded writes tell whether they did.
    Shared,
    /// With the lock that every append needs: nobody else writes an event until the commit.
    Alone,
}

/// The answers of a batch, in order.
type Answers = Vec<Result<Receipt>>;

impl Worker {
    fn run(mut self, receiver: &Receiver<Job>) {
        while let Ok(first) = receiver.recv() {
            let mut jobs = vec![first];
            jobs.extend(receiver.try_iter().take(MAX_BATCH - 1));
            self.serve(jobs);
        }
    }

    fn serve(&mut self, jobs: Vec<Job>) {
        metrics::histogram!("pingma_ledger_batch_size")
            .record(f64::from(u32::try_from(jobs.len()).unwrap_or(u32::MAX)));
        let (commands, replies): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|job| (job.command, job.reply)).unzip();
        let commands: Vec<&dyn Command> = commands.iter().map(AsRef::as_ref).collect();
        let reading = if self.cautious > 0 { Reading::Alone } else { Reading::Shared };
        self.cautious = self.cautious.saturating_sub(1);
        let mut tried = self.attempt(&commands, reading);
        if let Err(TxError::RolledBack(DbError::Conflict | DbError::Duplicate(_))) = tried {
            // Another writer was faster. Alone with the ledger the same batch can't lose again.
            self.cautious = CAUTIOUS;
            tried = self.attempt(&commands, Reading::Alone);
        }
        let answers = match tried {
            Ok(answers) => answers,
            Err(TxError::OutcomeUnknown(error)) => unknown(&error, commands.len()),
            // One bad command must not fail its neighbors.
            Err(TxError::RolledBack(error)) => {
                tracing::debug!(%error, commands = commands.len(), "batch rolled back, serving one by one");
                commands.iter().map(|command| self.serve_one(*command)).collect()
            }
        };
        for (reply, answer) in replies.into_iter().zip(answers) {
            // Whoever asked may be gone; the event stands all the same.
            let _ = reply.send(answer);
        }
    }

    fn serve_one(&mut self, command: &dyn Command) -> Result<Receipt> {
        for _ in 0..TRIES {
            match self.attempt(&[command], Reading::Alone) {
                Ok(answers) => {
                    return answers.into_iter().next().unwrap_or_else(|| Err(Code::Internal.into()));
                }
                Err(TxError::OutcomeUnknown(error)) => {
                    return unknown(&error, 1).pop().unwrap_or_else(|| Err(Code::Unavailable.into()));
                }
                // Somebody else was faster: look again. A duplicate shows as a taken code or a replay then.
                Err(TxError::RolledBack(DbError::Conflict | DbError::Duplicate(_))) => {}
                Err(TxError::RolledBack(error)) => return Err(error.into()),
            }
        }
        Err(Code::ChangedInBetween.into())
    }

    /// One batch in one transaction. A panic inside is a failed batch, not the end of the writer.
    fn attempt(
        &mut self,
        commands: &[&dyn Command],
        reading: Reading,
    ) -> std::result::Result<Answers, TxError<DbError>> {
        let batch = Batch {
            now: Moment::new(self.clock.now(), self.settings.zone),
            ids: &*self.ids,
            clock_gap_days: self.settings.clock_gap_days,
        };
        let (kept, database) = (self.conn.take(), &self.settings.database);
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut conn = match kept {
                Some(conn) => conn,
                None => database.connect_writer().map_err(TxError::RolledBack)?,
            };
            let result = transaction(&mut conn, |conn| batch.run(conn, commands, reading));
            // After any other failure the connection is not worth keeping.
            let keep =
                matches!(result, Ok(_) | Err(TxError::RolledBack(DbError::Conflict | DbError::Duplicate(_))));
            self.conn = keep.then_some(conn);
            result
        }));
        result.unwrap_or_else(|_| Err(TxError::RolledBack(DbError::corrupt("a command panicked"))))
    }
}

fn unknown(error: &DbError, count: usize) -> Answers {
    tracing::error!(%error, count, "the outcome of a commit is unknown");
    (0..count).map(|_| Err(Code::Unavailable.into())).collect()
}

/// Seconds by which the clock may stand before the newest event: several servers never agree to the microsecond.
const CLOCK_BACK_S: i64 = 600;

/// Whether the clock agrees with the newest instant at which it was believed.
pub fn clock_is_trusted(trusted_at: Option<Instant>, now: Instant, gap_days: i64) -> bool {
    trusted_at.is_none_or(|at| (-CLOCK_BACK_S..=gap_days * 86_400).contains(&now.seconds_since(at)))
}

/// What becomes of each command of a batch.
enum Outcome {
    /// The n-th new event.
    New(usize),
    /// The n-th new event, which an earlier command of this batch under the same key made.
    Repeat(usize),
    Replay(Box<Event>),
    Failed(Error),
}

struct Batch<'a> {
    now: Moment,
    ids: &'a dyn IdGen,
    clock_gap_days: i64,
}

impl Batch<'_> {
    fn run(
        &self,
        conn: &mut Conn,
        commands: &[&dyn Command],
        reading: Reading,
    ) -> std::result::Result<Answers, DbError> {
        if reading == Reading::Alone {
            lock_head(conn)?;
        }
        let mut needs = Needs::default();
        for command in commands {
            needs.credentials.insert(command.call().credential.into());
            if let Some(made_by) = &command.call().idempotency {
                needs.keys.insert(made_by.key.clone());
                needs.routes.insert(made_by.route.clone());
            }
            command.needs(&mut needs);
        }
        let mut facts = gather(conn, needs, self.now.at)?;
        let trusted = clock_is_trusted(facts.trusted_at, self.now.at, self.clock_gap_days);
        let mut decided: Vec<Decided> = Vec::new();
        let mut outcomes = Vec::with_capacity(commands.len());
        for command in commands {
            let outcome = match self.decide(&facts, &decided, trusted, *command) {
                Ok(Step::Done(outcome)) => outcome,
                Ok(Step::Decided(new)) => {
                    facts.apply(&new);
                    decided.push(*new);
                    Outcome::New(decided.len() - 1)
                }
                Err(error) => Outcome::Failed(error),
            };
            outcomes.push(outcome);
        }
        let events = match decided.len() {
            0 => Vec::new(),
            _ => append(conn, &facts, decided, self.now.at, trusted)?,
        };
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        Ok(outcomes.into_iter().map(|outcome| answer(outcome, &events)).collect())
    }

    fn decide(
        &self,
        facts: &Facts,
        decided: &[Decided],
        trusted: bool,
        command: &dyn Command,
    ) -> Result<Step> {
        let call = command.call();
        let actor = facts.actor(&call.credential).ok_or(Code::TokenInvalid)?;
        if let Some(outcome) = replay(facts, decided, call, actor.principal())? {
            return Ok(Step::Done(outcome));
        }
        let context = Context { facts, actor, now: self.now, clock_trusted: trusted, ids: self.ids };
        Ok(Step::Decided(Box::new(command.decide(&context)?)))
    }
}

enum Step {
    Done(Outcome),
    Decided(Box<Decided>),
}

/// The answer that was given before under the same key, if any.
fn replay(
    facts: &Facts,
    decided: &[Decided],
    call: &Call,
    principal: crate::domain::id::PrincipalId,
) -> Result<Option<Outcome>> {
    let Some(idempotency) = &call.idempotency else {
        return Ok(None);
    };
    let same_body = |digest: &[u8; 32]| {
        if *digest == idempotency.body_digest { Ok(()) } else { Err(Error::from(Code::IdempotencyKeyReused)) }
    };
    if let Some(event) = facts.replay(principal, &idempotency.route, &idempotency.key) {
        if let Some(first) = &event.event.idempotency {
            same_body(&first.body_digest)?;
        }
        return Ok(Some(Outcome::Replay(Box::new(event.clone()))));
    }
    for (index, earlier) in decided.iter().enumerate() {
        let Some(first) = &earlier.event.idempotency else {
            continue;
        };
        if earlier.event.actor_id == principal
            && first.route == idempotency.route
            && first.key == idempotency.key
        {
            same_body(&first.body_digest)?;
            return Ok(Some(Outcome::Repeat(index)));
        }
    }
    Ok(None)
}

fn answer(outcome: Outcome, events: &[Arc<Event>]) -> Result<Receipt> {
    let (event, replayed) = match outcome {
        Outcome::Failed(error) => return Err(error),
        Outcome::Replay(event) => (Some(Arc::from(event)), true),
        Outcome::New(index) => (events.get(index).cloned(), false),
        Outcome::Repeat(index) => (events.get(index).cloned(), true),
    };
    event.map(|event| Receipt { event, replayed }).ok_or_else(|| Code::Internal.into())
}
