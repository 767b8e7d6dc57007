//! Denied calls on their way into the audit log. They are counted in memory and written by the housekeeping thread, at most
//! one entry a minute for the same caller, act and reason, of at most so many different ones: a flood of them neither fills
//! the disk nor waits for the database. What was not written when the process is killed (a second's worth, and the counts of
//! the running minute) is lost; nothing was done by it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::domain::audit::{Act, Who};
use crate::domain::instant::Instant;
use crate::error::Code;

/// Different denials that are told apart within a minute; more are counted together.
pub const MAX_DIFFERENT: usize = 128;
const MINUTE_MICROS: i64 = 60_000_000;
/// The action under which those are written that could not be told apart.
const OTHERS: &str = "others";

/// What makes denials the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Denial {
    /// Who called.
    pub who: Who,
    /// What was asked for.
    pub action: &'static str,
    /// Where.
    pub route: String,
    /// Why not.
    pub code: &'static str,
}

impl Denial {
    /// A denial for the reason of an error.
    pub fn new(who: Who, action: &'static str, route: &str, code: Code) -> Self {
        Self { who, action, route: route.to_owned(), code: code.as_str() }
    }

    fn others() -> Self {
        Self::new(Who::default(), OTHERS, "", Code::TooManyRequests)
    }
}

/// How often, and what of it is written.
#[derive(Debug, Clone, Copy)]
struct Count {
    unwritten: u64,
    last_at: Instant,
    /// The minute of its newest entry.
    written_in: Option<i64>,
}

/// The denials that wait.
#[derive(Debug, Default)]
pub struct Denials(Mutex<Counts>);

type Counts = BTreeMap<Denial, Count>;

/// What is to be written, and how often it happened.
pub type Waiting = Vec<(Denial, u64, Instant)>;

impl Denials {
    /// Counts one.
    pub fn note(&self, denial: Denial, at: Instant) {
        let mut counts = self.lock();
        Self::add(&mut counts, denial, 1, at);
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(counts: &mut Counts, denial: Denial, times: u64, at: Instant) -> &mut Count {
        let fits = counts.contains_key(&denial) || counts.len() < MAX_DIFFERENT;
        let key = if fits { denial } else { Denial::others() };
        let count = counts.entry(key).or_insert(Count { unwritten: 0, last_at: at, written_in: None });
        count.unwritten = count.unwritten.saturating_add(times);
        count.last_at = at;
        count
    }

    /// Takes out what may be written now: all of it at the end, otherwise what has no entry in this minute.
    pub fn take(&self, now: Instant, at_the_end: bool) -> Waiting {
        let minute = now.micros().div_euclid(MINUTE_MICROS);
        let mut counts = self.lock();
        let mut taken = Vec::new();
        counts.retain(|denial, count| {
            let due = at_the_end || count.written_in != Some(minute);
            if due && count.unwritten > 0 {
                taken.push((denial.clone(), count.unwritten, count.last_at));
                count.unwritten = 0;
                count.written_in = Some(minute);
            }
            count.written_in == Some(minute) || count.unwritten > 0
        });
        taken
    }

    /// Counts again what could not be written.
    pub fn put_back(&self, waiting: Waiting) {
        let mut counts = self.lock();
        for (denial, times, at) in waiting {
            Self::add(&mut counts, denial, times, at).written_in = None;
        }
    }
}

/// The entry of a denial.
pub(super) fn act((denial, times, at): &(Denial, u64, Instant)) -> Act {
    Act::denied(*at, denial.who, denial.action, &denial.route, denial.code, *times)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Instant {
        Instant::from_micros(second * 1_000_000)
    }

    fn denial(action: &'static str, route: &str) -> Denial {
        Denial::new(Who::default(), action, route, Code::Forbidden)
    }

    fn times(waiting: &Waiting) -> Vec<(&'static str, u64)> {
        waiting.iter().map(|(denial, times, _)| (denial.action, *times)).collect()
    }

    #[test]
    fn the_first_is_written_at_once_and_the_rest_of_its_minute_together() {
        let denials = Denials::default();
        denials.note(denial("a", "r"), at(0));
        assert_eq!(times(&denials.take(at(1), false)), [("a", 1)]);
        for second in 2..50 {
            denials.note(denial("a", "r"), at(second));
            assert!(denials.take(at(second), false).is_empty());
        }
        denials.note(denial("b", "r"), at(50));
        assert_eq!(times(&denials.take(at(51), false)), [("b", 1)]);
        assert_eq!(times(&denials.take(at(60), false)), [("a", 48)]);
        assert!(denials.take(at(120), true).is_empty());
        assert!(denials.0.lock().unwrap().is_empty(), "nothing is kept of what is written");
    }

    #[test]
    fn a_flood_of_different_ones_is_bounded_and_counted_whole() {
        let denials = Denials::default();
        for n in 0..10_000 {
            denials.note(denial("a", &n.to_string()), at(0));
        }
        let taken = denials.take(at(1), false);
        assert_eq!(taken.len(), MAX_DIFFERENT + 1);
        assert_eq!(taken.iter().map(|(_, times, _)| times).sum::<u64>(), 10_000);
        assert!(taken.iter().any(|(denial, _, _)| denial.action == OTHERS));
    }

    #[test]
    fn what_could_not_be_written_is_kept() {
        let denials = Denials::default();
        denials.note(denial("a", "r"), at(0));
        let taken = denials.take(at(1), false);
        denials.note(denial("a", "r"), at(2));
        denials.put_back(taken);
        assert_eq!(times(&denials.take(at(3), false)), [("a", 2)]);
        denials.note(denial("a", "r"), at(4));
        assert_eq!(times(&denials.take(at(4), true)), [("a", 1)], "at the end everything is written");
    }
}
