//! The writer: a bounded queue of commands, and the two threads that serve it. One decides what is waiting in one batch, while
//! the other records and commits the batch before; nobody is answered before the commit.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use chrono_tz::Tz;
use crossbeam_channel::{Sender, TrySendError, bounded};
use tokio::sync::oneshot;

use super::batch::Desk;
use super::command::Command;
use super::decider::Decider;
use super::recorder::Recorder;
use crate::clock::{Clock, IdGen};
use crate::db::conn::DatabaseUrl;
use crate::domain::event::Event;
use crate::error::{Code, Result};

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

/// A command, and where its answer goes.
pub(super) struct Job {
    pub(super) command: Box<dyn Command>,
    pub(super) reply: oneshot::Sender<Result<Receipt>>,
}

/// How many batches went which way, since the start.
#[derive(Debug, Default)]
pub struct Tally {
    carried: AtomicU64,
    redecided: AtomicU64,
}

impl Tally {
    /// Batches that were decided while the one before was on its way into the database.
    pub fn carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }

    /// Batches that could not be recorded as they were decided, and were decided again.
    pub fn redecided(&self) -> u64 {
        self.redecided.load(Ordering::Relaxed)
    }

    pub(super) fn count_carried(&self) {
        self.carried.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("pingma_ledger_carried_total").increment(1);
    }

    pub(super) fn count_redecided(&self) {
        self.redecided.fetch_add(1, Ordering::Relaxed);
        metrics::counter!("pingma_ledger_redecided_total").increment(1);
    }
}

/// The one way to write an event.
pub struct Writer {
    /// How its batches went.
    pub tally: Arc<Tally>,
    log_is_long: Arc<AtomicBool>,
    sender: Mutex<Option<Sender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the threads.
    ///
    /// # Errors
    /// The operating system gave no thread.
    pub fn start(
        settings: WriterSettings,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGen>,
    ) -> std::io::Result<Self> {
        let (sender, queue) = bounded(settings.queue_length);
        let desk = Desk { clock, ids, zone: settings.zone, clock_gap_days: settings.clock_gap_days };
        let tally = Arc::new(Tally::default());
        let (decider, ends) = Decider::new(settings.database.clone(), desk.clone(), Arc::clone(&tally));
        let log_is_long = Arc::new(AtomicBool::new(false));
        let recorder = Recorder::new(settings.database, desk, Arc::clone(&tally), Arc::clone(&log_is_long));
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let late = queue.clone();
        let threads = vec![
            thread("ledger-decide").spawn(move || decider.run(&queue))?,
            thread("ledger-record").spawn(move || recorder.run(&ends, &late))?,
        ];
        Ok(Self { tally, log_is_long, sender: Mutex::new(Some(sender)), threads: Mutex::new(threads) })
    }

    /// Asks that the write-ahead log of an embedded database is begun anew after the next batch.
    pub fn restart_log(&self) {
        self.log_is_long.store(true, Ordering::Relaxed);
    }

    /// Whether that was asked for and is not done yet.
    pub fn log_restarts(&self) -> bool {
        self.log_is_long.load(Ordering::Relaxed)
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
