//! A cylinder's year, day by day: rounds of fill, handover and return, and at the end what its fate wants.

use super::fate::Fate;
use super::{Chance, DAYS};

/// Which code is held before the scanner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Own,
    Old,
    Forged,
    OtherQr,
    /// The label's id, typed: that is always challenged.
    Typed,
}

/// What the scale shows before the fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Empty,
    TooLight,
    HalfFull,
}

/// Who checks, where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bench {
    Home,
    /// The first station, whoever owns the cylinder.
    First,
    Uncertified,
    ExpiredScale,
}

/// What follows an allowed check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    None,
    Good,
    Over,
    NoPostcheck,
    Late,
    Short,
}

/// A visit to a scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub shown: Shown,
    pub reading: Reading,
    pub bench: Bench,
    pub valve_fails: bool,
    pub wrong_stamp: bool,
    pub record: Record,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Register,
    Visit(Visit),
    HandOver,
    /// Back at the station.
    Return,
    /// In at the agency.
    ToAgency,
    Pass,
    Fail,
    Extend,
    Seize,
    Scrap,
    Blacklist,
    Unblacklist,
    Lose,
    Recover,
    ReplaceLabel,
    Empty,
    Reweigh,
    /// From the second filler to the first.
    ChangeOwner,
}

const FILL: Visit = Visit {
    shown: Shown::Own,
    reading: Reading::Empty,
    bench: Bench::Home,
    valve_fails: false,
    wrong_stamp: false,
    record: Record::Good,
};
/// A check that is going to be refused.
const CHECK: Visit = Visit { record: Record::None, ..FILL };

/// Hours of the day, so that what happens on one day happens in order.
const RETURNS: i64 = 7;
const FILLS: i64 = 8;
const OFFICE: i64 = 13;
const AGAIN: i64 = 15;
const HANDOVERS: i64 = 18;

/// The city works every third day: the same year with a third of the commits.
const BEAT: i64 = 3;

struct Diary(Vec<(i64, i64, Step)>);

impl Diary {
    fn add(&mut self, day: i64, hour: i64, step: Step) {
        let beat = (day + BEAT - 1).div_euclid(BEAT) * BEAT;
        self.0.push((beat.clamp(0, DAYS - 1), hour, step));
    }

    fn visit(&mut self, day: i64, visit: Visit) {
        self.add(day, FILLS, Step::Visit(visit));
    }

    /// Filled, delivered the next time.
    fn deliver(&mut self, day: i64) {
        self.visit(day, FILL);
        self.add(day + BEAT, HANDOVERS, Step::HandOver);
    }

    /// Rounds through the city until shortly before a day, then at rest at the station.
    fn rounds(&mut self, until: i64, chance: &Chance) {
        let mut day = 15 + chance.below(45);
        loop {
            let delivered = day + BEAT * chance.below(2);
            let back = delivered + 45 + chance.below(80);
            if back + BEAT >= until {
                break;
            }
            self.visit(day, FILL);
            self.add(delivered, HANDOVERS, Step::HandOver);
            self.add(back, RETURNS, Step::Return);
            day = back + BEAT + chance.below(15);
        }
    }
}

/// The year of a cylinder of this fate, which stops being lawful on the given day.
pub(super) fn of(fate: Fate, lawful_until: i64, chance: &Chance) -> Vec<(i64, i64, Step)> {
    let mut diary = Diary(Vec::new());
    let come = chance.below(12);
    diary.add(come, RETURNS, Step::Register);
    diary.add(come + BEAT, RETURNS, Step::Return);
    let day = match fate {
        Fate::Ready => DAYS,
        Fate::Filled => DAYS - 1 - chance.below(6),
        Fate::Held => DAYS - 1 - chance.below(3),
        Fate::AtCustomer => DAYS - 4 - chance.below(45),
        Fate::DueSoon => DAYS - 3 - chance.below(8),
        Fate::Overdue | Fate::LifeEnded | Fate::Inspected => lawful_until + 1,
        Fate::OverdueAtCustomer => lawful_until - 30,
        Fate::Uninsured => DAYS - 2 - chance.below(20),
        Fate::UncertifiedOperator | Fate::ExpiredScale => DAYS - 3 - chance.below(20),
        // Never filled: refused when they come in.
        Fate::NotRegistered | Fate::DualPhase | Fate::Refurbished | Fate::NoFillerMark => {
            diary.visit(come + 2 * BEAT, CHECK);
            return diary.0;
        }
        _ => 60 + chance.below(DAYS - 130),
    };
    diary.rounds(day, chance);
    diary.end(fate, day, chance);
    diary.0.sort_by_key(|(day, hour, _)| (*day, *hour));
    diary.0
}

impl Diary {
    fn end(&mut self, fate: Fate, day: i64, chance: &Chance) {
        match fate {
            Fate::Filled => self.visit(day, FILL),
            Fate::AtCustomer | Fate::OverdueAtCustomer | Fate::DueSoon | Fate::Uninsured => self.deliver(day),
            Fate::Held => self.held(day, Record::Over),
            Fate::ShortWeight => self.held(day, Record::Short),
            Fate::RecordedLate => self.held(day, Record::Late),
            Fate::HeldThenReleased => {
                self.held(day, Record::NoPostcheck);
                self.add(day, OFFICE, Step::Reweigh);
                self.add(day + BEAT, HANDOVERS, Step::HandOver);
            }
            Fate::Overdue | Fate::LifeEnded => self.visit(day + chance.below(8), CHECK),
            Fate::Scrapped | Fate::Inspected | Fate::LifeExtended | Fate::SeizedThenScrapped => {
                self.agency(fate, day);
            }
            Fate::Seized | Fate::Blacklisted | Fate::Unblacklisted | Fate::Lost | Fate::Recovered => {
                self.standing(fate, day);
            }
            Fate::LabelReplaced => {
                self.add(day, OFFICE, Step::ReplaceLabel);
                self.visit(day + BEAT, Visit { shown: Shown::Old, ..CHECK });
                self.deliver(day + 2 * BEAT);
            }
            Fate::OwnerChanged => {
                self.add(day, OFFICE, Step::ChangeOwner);
                self.deliver(day + BEAT);
            }
            Fate::DeliveredTwice => {
                self.deliver(day);
                self.add(day + 2 * BEAT, HANDOVERS, Step::HandOver);
            }
            _ => self.tricks(fate, day),
        }
    }

    fn held(&mut self, day: i64, record: Record) {
        self.visit(day, Visit { record, ..FILL });
    }

    fn agency(&mut self, fate: Fate, day: i64) {
        if fate == Fate::SeizedThenScrapped {
            self.add(day, OFFICE, Step::Seize);
            self.add(day + 2 * BEAT, RETURNS, Step::ToAgency);
            self.add(day + 3 * BEAT, OFFICE, Step::Scrap);
            return;
        }
        self.add(day, RETURNS, Step::ToAgency);
        if fate == Fate::Scrapped {
            self.add(day + BEAT, OFFICE, Step::Fail);
            return;
        }
        self.add(day + BEAT, OFFICE, Step::Pass);
        if fate == Fate::LifeExtended {
            self.add(day + 2 * BEAT, OFFICE, Step::Extend);
        }
        self.add(day + 3 * BEAT, RETURNS, Step::Return);
        self.deliver(day + 4 * BEAT);
    }

    fn standing(&mut self, fate: Fate, day: i64) {
        match fate {
            Fate::Seized => self.add(day, OFFICE, Step::Seize),
            Fate::Blacklisted | Fate::Unblacklisted => {
                self.add(day, OFFICE, Step::Blacklist);
                self.visit(day + BEAT, CHECK);
            }
            _ => {
                self.deliver(day);
                self.add(day + 10 * BEAT, OFFICE, Step::Lose);
            }
        }
        if fate == Fate::Unblacklisted {
            self.add(day + 3 * BEAT, OFFICE, Step::Unblacklist);
            self.deliver(day + 4 * BEAT);
        }
        if fate == Fate::Recovered {
            self.add(day + 15 * BEAT, OFFICE, Step::Recover);
            self.add(day + 16 * BEAT, RETURNS, Step::Return);
        }
    }

    /// What the gate is there for.
    fn tricks(&mut self, fate: Fate, day: i64) {
        let check = match fate {
            Fate::Foreign => Visit { bench: Bench::First, ..CHECK },
            Fate::ForgedCopy => Visit { shown: Shown::Forged, ..CHECK },
            Fate::OtherQr => Visit { shown: Shown::OtherQr, ..CHECK },
            Fate::LighterThanTare => Visit { reading: Reading::TooLight, ..CHECK },
            Fate::NotEmpty => Visit { reading: Reading::HalfFull, ..CHECK },
            Fate::UncertifiedOperator => Visit { bench: Bench::Uncertified, ..CHECK },
            Fate::ExpiredScale => Visit { bench: Bench::ExpiredScale, ..CHECK },
            Fate::PrecheckFailed => Visit { valve_fails: true, ..CHECK },
            Fate::Suspended => Visit { shown: Shown::Typed, wrong_stamp: true, ..CHECK },
            Fate::PocketCode => FILL,
            _ => return,
        };
        self.visit(day, check);
        match fate {
            Fate::Suspended => (1..=3).for_each(|n| self.visit(day + n * BEAT, check)),
            Fate::NotEmpty => {
                self.add(day, OFFICE, Step::Empty);
                self.add(day, AGAIN, Step::Visit(FILL));
            }
            Fate::PocketCode => self.add(day, AGAIN, Step::Visit(CHECK)),
            _ => {}
        }
    }
}
