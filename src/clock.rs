//! Time and chance, injected. This file alone asks the machine for either.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::domain::id::Id;
use crate::domain::instant::Instant;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Instant;
}

/// The machine's clock.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now(&self) -> Instant {
        chrono::Utc::now().into()
    }
}

/// A clock that stands until it is moved: tests, and the demo's year of history.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `at`.
    pub fn new(at: Instant) -> Self {
        Self(AtomicI64::new(at.micros()))
    }

    /// Sets the time, forward or back.
    pub fn set(&self, at: Instant) {
        self.0.store(at.micros(), Ordering::SeqCst);
    }

    /// Moves the time by seconds, forward or back.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds.saturating_mul(1_000_000), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        Instant::from_micros(self.0.load(Ordering::SeqCst))
    }
}

/// Where chance comes from: ids, secrets, challenges.
pub trait IdGen: Send + Sync {
    /// Fills a buffer with random bytes that nobody can foresee.
    fn fill(&self, bytes: &mut [u8]);
}

/// What everybody asks an [`IdGen`] for.
impl dyn IdGen + '_ {
    /// An array of random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// A UUIDv7 of that time.
    pub fn id<K>(&self, at: Instant) -> Id<K> {
        let millis = u64::try_from(at.micros() / 1_000).unwrap_or(0);
        Id::from_uuid(uuid::Builder::from_unix_timestamp_millis(millis, &self.bytes::<10>()).into_uuid())
    }

    /// A share in millionths, 0 to 999 999, evenly spread.
    pub fn ppm(&self) -> u32 {
        u32::try_from(u64::from_be_bytes(self.bytes()) % 1_000_000).unwrap_or(0)
    }
}

/// The operating system's generator.
#[derive(Debug, Default)]
pub struct SystemIds;

impl IdGen for SystemIds {
    fn fill(&self, bytes: &mut [u8]) {
        rand::rng().fill_bytes(bytes);
    }
}

/// The same numbers for the same seed: tests and the demo's city, never a server with real cylinders.
#[derive(Debug)]
pub struct SeededIds(Mutex<StdRng>);

impl SeededIds {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl IdGen for SeededIds {
    fn fill(&self, bytes: &mut [u8]) {
        let mut rng = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        rng.fill_bytes(bytes);
    }
}
