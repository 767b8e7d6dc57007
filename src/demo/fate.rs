//! What becomes of a cylinder by the end of the year.

/// The end of a cylinder's story; most go round and round, the others show one thing each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Empty at its station, ready to be filled.
    Ready,
    Filled,
    AtCustomer,
    /// Over-filled and held.
    Held,
    /// Held, weighed again, released.
    HeldThenReleased,
    Overdue,
    OverdueAtCustomer,
    DueSoon,
    LifeEnded,
    /// Failed its inspection, and so scrapped.
    Scrapped,
    Inspected,
    Seized,
    SeizedThenScrapped,
    Blacklisted,
    Unblacklisted,
    Lost,
    Recovered,
    /// Brought to a station that does not own it.
    Foreign,
    NotRegistered,
    /// Three wrong answers to the stamp question.
    Suspended,
    LabelReplaced,
    DualPhase,
    Uninsured,
    Refurbished,
    NoFillerMark,
    /// The label hangs on another, lighter cylinder.
    LighterThanTare,
    NotEmpty,
    /// Filled twice within hours: a code in somebody's pocket.
    PocketCode,
    DeliveredTwice,
    /// Somebody printed a code of their own.
    ForgedCopy,
    /// A QR code of something else.
    OtherQr,
    OwnerChanged,
    LifeExtended,
    UncertifiedOperator,
    ExpiredScale,
    /// Recorded after the permit had ended.
    RecordedLate,
    ShortWeight,
    PrecheckFailed,
}

/// How often each, in a hundred.
const SHARES: &[(Fate, usize)] = &[
    (Fate::Ready, 17),
    (Fate::Filled, 12),
    (Fate::AtCustomer, 27),
    (Fate::Held, 1),
    (Fate::HeldThenReleased, 1),
    (Fate::Overdue, 2),
    (Fate::OverdueAtCustomer, 2),
    (Fate::DueSoon, 3),
    (Fate::LifeEnded, 2),
    (Fate::Scrapped, 1),
    (Fate::Inspected, 3),
    (Fate::Seized, 1),
    (Fate::SeizedThenScrapped, 1),
    (Fate::Blacklisted, 1),
    (Fate::Unblacklisted, 1),
    (Fate::Lost, 1),
    (Fate::Recovered, 1),
    (Fate::Foreign, 2),
    (Fate::NotRegistered, 1),
    (Fate::Suspended, 1),
    (Fate::LabelReplaced, 1),
    (Fate::DualPhase, 1),
    (Fate::Uninsured, 2),
    (Fate::Refurbished, 1),
    (Fate::NoFillerMark, 1),
    (Fate::LighterThanTare, 1),
    (Fate::NotEmpty, 1),
    (Fate::PocketCode, 1),
    (Fate::DeliveredTwice, 1),
    (Fate::ForgedCopy, 1),
    (Fate::OtherQr, 1),
    (Fate::OwnerChanged, 1),
    (Fate::LifeExtended, 1),
    (Fate::UncertifiedOperator, 1),
    (Fate::ExpiredScale, 1),
    (Fate::RecordedLate, 1),
    (Fate::ShortWeight, 1),
    (Fate::PrecheckFailed, 1),
];

/// The smallest city in which every fate has a cylinder.
pub(super) const HUNDRED: usize = 100;

/// The fate of the n-th cylinder: every hundred has all of them.
pub(super) fn of(index: usize) -> Fate {
    let mut place = index % HUNDRED;
    for (fate, share) in SHARES {
        if place < *share {
            return *fate;
        }
        place -= share;
    }
    Fate::Ready
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_make_a_hundred() {
        assert_eq!(SHARES.iter().map(|(_, share)| share).sum::<usize>(), HUNDRED);
        assert_eq!(of(0), Fate::Ready);
        assert_eq!(of(99), Fate::PrecheckFailed);
        assert_eq!(of(117), Fate::Filled);
    }
}
