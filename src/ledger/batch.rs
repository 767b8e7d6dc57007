//! A batch: commands that are decided together, on one set of facts, each upon what those before it did.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono_tz::Tz;

use super::append::{Draft, Heads, append};
use super::command::{Call, Command, Context, Decided, Needs};
use super::facts::Facts;
use super::gather::gather;
use super::registry::Registry;
use super::writer::Receipt;
use crate::clock::{Clock, IdGen};
use crate::db::DbError;
use crate::db::append::lock_head;
use crate::db::audit_log::{self, Head};
use crate::db::conn::Conn;
use crate::domain::event::Event;
use crate::domain::id::PrincipalId;
use crate::domain::instant::{Instant, Moment};
use crate::error::{Code, Error, Result};

/// Seconds by which the clock may stand before the newest event: several servers never agree to the microsecond.
const CLOCK_BACK_S: i64 = 600;

/// Whether the clock agrees with the newest instant at which it was believed.
pub fn clock_is_trusted(trusted_at: Option<Instant>, now: Instant, gap_days: i64) -> bool {
    trusted_at.is_none_or(|at| (-CLOCK_BACK_S..=gap_days * 86_400).contains(&now.seconds_since(at)))
}

/// How long decisions may wait to be written, in seconds.
const LONGEST_WAIT_S: i64 = 5;

/// What decisions take from outside.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) ids: Arc<dyn IdGen>,
    /// Time zone in which days are counted.
    pub(super) zone: Tz,
    /// Days without an event after which the clock is not believed.
    pub(super) clock_gap_days: i64,
}

/// The answers of a batch, in order.
pub(super) type Answers = Vec<Result<Receipt>>;

/// What becomes of each command of a batch.
enum Outcome {
    /// The n-th new event.
    New(usize),
    /// The n-th new event, which an earlier command of this batch under the same key made.
    Repeat(usize),
    Replay(Box<Event>),
    Failed(Error),
}

/// What the commands of a batch came to, before anything of it is written.
pub(super) struct Decisions {
    now: Instant,
    trusted: bool,
    facts: Arc<Facts>,
    drafts: Vec<Draft>,
    outcomes: Vec<Outcome>,
    keys: BTreeSet<String>,
    settles: bool,
    /// The head of the audit log when the registry was read.
    registry: Option<Head>,
}

/// Decisions that are on their way into the database: the next batch is decided upon them.
pub(super) struct Ahead {
    facts: Arc<Facts>,
    /// When the clock is last believed once they are written; `None` if they don't say.
    trusted_at: Option<Instant>,
    keys: BTreeSet<String>,
    settles: bool,
}

impl Ahead {
    /// The facts as these decisions leave them.
    pub(super) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Whether commands can be decided upon these decisions before they are in the database. Not if they come again under a
    /// key of these: the answer is an event that has no place yet. And not upon what is rare: labels, registrations, the
    /// chains of stations and changes of owners are simply waited for.
    pub(super) fn carries(&self, commands: &[&dyn Command]) -> bool {
        let known = |command: &&dyn Command| {
            command.call().idempotency.as_ref().is_some_and(|by| self.keys.contains(&by.key))
        };
        !self.settles && self.facts.moves_cylinders_only() && !commands.iter().any(known)
    }
}

/// Decides commands on the facts of the database, or upon decisions that are on their way into it.
///
/// # Errors
/// The database.
pub(super) fn decide(
    conn: &mut Conn,
    registry: &mut Registry,
    desk: &Desk,
    commands: &[&dyn Command],
    ahead: Option<&Ahead>,
) -> std::result::Result<Decisions, DbError> {
    let now = Moment::new(desk.clock.now(), desk.zone);
    let mut needs = Needs::default();
    for command in commands {
        needs.credentials.insert(command.call().credential.into());
        if let Some(made_by) = &command.call().idempotency {
            needs.keys.insert(made_by.key.clone());
            needs.routes.insert(made_by.route.clone());
        }
        command.needs(&mut needs);
    }
    let keys = needs.keys.clone();
    let mut facts = gather(conn, registry, needs, now.at, ahead.map(Ahead::facts))?;
    facts.trusted_at = facts.trusted_at.max(ahead.and_then(|ahead| ahead.trusted_at));
    let trusted = clock_is_trusted(facts.trusted_at, now.at, desk.clock_gap_days);
    let mut decided: Vec<Decided> = Vec::new();
    let mut outcomes = Vec::with_capacity(commands.len());
    for command in commands {
        let outcome = match decide_one(&facts, &decided, (now, trusted, &*desk.ids), *command) {
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
    if trusted && !decided.is_empty() {
        facts.trusted_at = Some(facts.trusted_at.map_or(now.at, |at| at.max(now.at)));
    }
    let settles = decided.iter().any(|decided| decided.settles.is_some());
    let drafts = decided.into_iter().map(Draft::of).collect::<std::result::Result<_, _>>()?;
    let registry = registry.head().cloned();
    Ok(Decisions { now: now.at, trusted, facts: Arc::new(facts), drafts, outcomes, keys, settles, registry })
}

enum Step {
    Done(Outcome),
    Decided(Box<Decided>),
}

fn decide_one(
    facts: &Facts,
    decided: &[Decided],
    (now, clock_trusted, ids): (Moment, bool, &dyn IdGen),
    command: &dyn Command,
) -> Result<Step> {
    let call = command.call();
    let actor = facts.actor(&call.credential).ok_or(Code::TokenInvalid)?;
    if let Some(outcome) = replay(facts, decided, call, actor.principal())? {
        return Ok(Step::Done(outcome));
    }
    let context = Context { facts, actor, now, clock_trusted, ids };
    Ok(Step::Decided(Box::new(command.decide(&context)?)))
}

/// The answer that was given before under the same key, if any.
fn replay(
    facts: &Facts,
    decided: &[Decided],
    call: &Call,
    principal: PrincipalId,
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

impl Decisions {
    /// What the next batch can be decided upon.
    pub(super) fn ahead(&self) -> Ahead {
        let says = self.trusted && !self.drafts.is_empty();
        Ahead {
            facts: Arc::clone(&self.facts),
            trusted_at: self.facts.trusted_at.filter(|_| says),
            keys: self.keys.clone(),
            settles: self.settles,
        }
    }

    /// Whether they may be written as they are, seen from the transaction that would: the registry is what they were decided
    /// on, and they did not wait long, as they do behind a commit that hangs.
    ///
    /// # Errors
    /// The database.
    pub(super) fn still_stand(&self, conn: &mut Conn, desk: &Desk) -> std::result::Result<bool, DbError> {
        let waited_s = desk.clock.now().seconds_since(self.now);
        Ok((0..=LONGEST_WAIT_S).contains(&waited_s) && audit_log::head(conn)? == self.registry)
    }

    /// Writes them inside a transaction. `before` are the heads of chains that the batch before left, where these decisions
    /// rest upon it; the heads that these leave take their place.
    ///
    /// # Errors
    /// The database; a lost race.
    pub(super) fn write(self, conn: &mut Conn, before: &mut Heads) -> std::result::Result<Answers, DbError> {
        let events = match self.drafts.len() {
            0 => {
                // What an earlier call left is told only when a standby that is waited for has it too: this waits for it.
                if self.outcomes.iter().any(|outcome| matches!(outcome, Outcome::Replay(_))) {
                    lock_head(conn)?;
                }
                Vec::new()
            }
            _ => append(conn, &self.facts, self.drafts, (self.now, self.trusted), before)?,
        };
        let events: Vec<_> = events.into_iter().map(Arc::new).collect();
        Ok(self.outcomes.into_iter().map(|outcome| answer(outcome, &events)).collect())
    }
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
