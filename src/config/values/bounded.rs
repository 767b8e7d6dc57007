//! Whole numbers with bounds.

use super::Value;
use std::num::NonZeroU32;

/// A whole number with bounds, both inclusive; the lower one is at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounded<const MIN: u32, const MAX: u32>(NonZeroU32);

impl<const MIN: u32, const MAX: u32> Bounded<MIN, MAX> {
    /// The number, if it is within the bounds.
    #[must_use]
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).filter(|_| (MIN..=MAX).contains(&number)).map(Self)
    }

    /// The number, or the bound that is nearest to it.
    #[must_use]
    pub fn clamped(number: u32) -> Self {
        let number = if number < MIN { MIN } else { number.min(MAX) };
        Self(NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN))
    }

    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0.get()
    }

    /// The number, known not to be zero.
    #[must_use]
    pub fn non_zero(self) -> NonZeroU32 {
        self.0
    }

    /// The number as a count of things in memory.
    #[must_use]
    pub fn as_usize(self) -> usize {
        usize::try_from(self.get()).unwrap_or(usize::MAX)
    }
}

impl<const MIN: u32, const MAX: u32> Value for Bounded<MIN, MAX> {
    fn allowed() -> String {
        format!("a whole number from {MIN} to {MAX}")
    }
    fn read(text: &str) -> Option<Self> {
        text.parse().ok().and_then(Self::new)
    }
}
