//! The calendar of the year, and the cylinders with what their steel says.

use chrono::{Days, Months, NaiveDate, NaiveTime, TimeZone};
use chrono_tz::Tz;
use serde_json::json;

use super::cast::Cast;
use super::fate::{self, Fate};
use super::office::read;
use super::plan::{self, Step};
use super::{Chance, DAYS, DemoError};
use crate::domain::cylinder::{Insurance, Stamp};
use crate::domain::date::{Day, StampDate};
use crate::domain::id::{CylinderId, EventId};
use crate::domain::instant::Instant;
use crate::domain::label_code::LabelCode;
use crate::domain::model;
use crate::domain::value::{Number, Text};

/// Days of the city: 0 is the first, [`DAYS`] is today.
pub(super) struct Calendar {
    today: NaiveDate,
    zone: Tz,
}

impl Calendar {
    pub fn new(today: NaiveDate, zone: Tz) -> Self {
        Self { today, zone }
    }

    /// The day so many days from today.
    pub fn day(&self, from_today: i64) -> Day {
        let by = Days::new(from_today.unsigned_abs());
        let day =
            if from_today < 0 { self.today.checked_sub_days(by) } else { self.today.checked_add_days(by) };
        Day(day.unwrap_or(self.today))
    }

    /// So many seconds after the beginning of the n-th day.
    pub fn at(&self, day: i64, second: i64) -> Instant {
        let midnight = self.day(day - DAYS).0.and_time(NaiveTime::MIN);
        let at = self.zone.from_local_datetime(&midnight).earliest();
        let at = at.map_or_else(|| midnight.and_utc(), |at| at.to_utc());
        Instant::from(at).plus_seconds(second)
    }

    /// The day so many months before the day so many days from today.
    fn months_before(&self, months: u32, from_today: i64) -> NaiveDate {
        let day = self.day(from_today).0;
        day.checked_sub_months(Months::new(months)).unwrap_or(day)
    }
}

/// A cylinder: what it is, what will become of it, and what came of that so far.
pub(super) struct Cylinder {
    pub fate: Fate,
    /// Index of its station.
    pub home: usize,
    pub registration_code: Option<Text<6, 32>>,
    pub stamp: Stamp,
    pub last_inspected_on: Option<StampDate>,
    pub last_inspection_report_no: Option<Number>,
    pub last_inspection_agency: Option<Text<1, 100>>,
    pub insurance: Option<Insurance>,
    /// Whether the distributor delivers it.
    pub by_distributor: bool,
    /// Days and hours of what happens to it, in order.
    pub plan: Vec<(i64, i64, Step)>,
    pub id: Option<CylinderId>,
    pub code: Option<LabelCode>,
    /// A code it had before.
    pub old_code: Option<LabelCode>,
    pub last_fill: Option<EventId>,
    pub customer: String,
}

impl Cylinder {
    /// A believable reading of the scale before a fill.
    pub fn empty_g(&self, chance: &Chance) -> i64 {
        i64::from(self.stamp.tare_g.get()) + 80 + chance.below(400)
    }
}

const MAKERS: &[(&str, &str, &str)] = &[
    ("MS", "江苏民生特种设备集团有限公司", "TS2210032"),
    ("BX", "山东环日集团有限公司", "TS2210117"),
    ("JY", "浙江金盾压力容器有限公司", "TS2210254"),
];

/// When the steel was made, and inspected last.
fn dates(
    fate: Fate,
    calendar: &Calendar,
    chance: &Chance,
) -> std::result::Result<(StampDate, Option<StampDate>, i64), DemoError> {
    let made = |months, days| StampDate::Day(calendar.months_before(months, days));
    let month = |months| -> std::result::Result<StampDate, DemoError> {
        let day = calendar.months_before(months, 0);
        let text = StampDate::Day(day).month_text();
        text.parse().map_err(|_| DemoError::Missing("a month of the calendar"))
    };
    // The third: how many days from today the cylinder stops being lawful.
    Ok(match fate {
        Fate::Overdue | Fate::OverdueAtCustomer => {
            let since = -20 - chance.below(80);
            (made(48, since), None, since)
        }
        Fate::DueSoon => (made(48, 6 + chance.below(20)), None, 0),
        Fate::LifeEnded => {
            let since = -15 - chance.below(90);
            (made(96, since), Some(made(36, since)), since)
        }
        Fate::LifeExtended => (made(96, 20), Some(made(40, 0)), 0),
        Fate::Inspected => {
            let since = -60 - chance.below(120);
            (made(48, since), None, since)
        }
        Fate::NoFillerMark | Fate::Refurbished => (month(40)?, None, 0),
        _ if chance.below(4) == 0 => (month(80)?, Some(made(14 + 6, -chance.below(100))), 0),
        _ => {
            let months = u32::try_from(14 + chance.below(20)).unwrap_or(14);
            (month(months)?, None, 0)
        }
    })
}

/// How much a model weighs empty, and whose share it has in a hundred.
const MODELS: &[(&str, i64, i64)] = &[("YSP35.5", 16_500, 78), ("YSP12", 6_500, 12), ("YSP118", 46_000, 10)];

fn model_of(fate: Fate, index: usize, chance: &Chance) -> (&'static str, i64) {
    if fate == Fate::DualPhase {
        return ("YSP118-II", 46_000);
    }
    let mut roll = chance.below(100);
    for (name, tare_g, share) in MODELS {
        // The first hundred are shown by name: all of the usual size.
        if roll < *share || index < fate::HUNDRED {
            return (name, *tare_g);
        }
        roll -= share;
    }
    ("YSP35.5", 16_500)
}

fn stamp(
    fate: Fate,
    index: usize,
    made: StampDate,
    calendar: &Calendar,
    chance: &Chance,
) -> std::result::Result<Stamp, DemoError> {
    let (name, usual_tare_g) = model_of(fate, index, chance);
    let known = model::find(name).ok_or(DemoError::Missing("a model of the table"))?;
    let (maker, maker_name, license) =
        chance.pick(MAKERS).ok_or(DemoError::Missing("somebody who makes cylinders"))?;
    let purchased = calendar
        .day(-DAYS)
        .0
        .min(made.last_day().checked_add_days(Days::new(20)).unwrap_or_else(|| made.last_day()));
    read(json!({ "manufacturer": { "code": maker, "name": maker_name, "license_no": license },
        "serial_no": format!("{:02}{index:06}", 20 + index % 6), "model": name, "medium": known.medium, "phase": known.phase,
        "water_capacity_ml": known.water_capacity_ml, "max_fill_g": known.max_fill_g,
        "tare_g": usual_tare_g + (chance.below(41) - 20) * 10,
        "working_pressure_kpa": model::WORKING_PRESSURE_KPA, "test_pressure_kpa": model::TEST_PRESSURE_KPA,
        "wall_thickness_um": 2_700, "manufactured_on": made, "design_life_months": 96, "shroud": "welded",
        "filler_mark": fate != Fate::NoFillerMark, "refurbished": fate == Fate::Refurbished, "purchased_on": Day(purchased) }))
}

fn home(fate: Fate, index: usize, chance: &Chance) -> usize {
    match fate {
        Fate::Foreign => 2,
        // Those that are shown by name belong to the first station.
        Fate::Ready | Fate::Filled | Fate::AtCustomer if !index.is_multiple_of(3) => match chance.below(5) {
            0 | 1 => 0,
            2 => 1,
            _ => 2,
        },
        _ if index < fate::HUNDRED => 0,
        _ => match chance.below(20) {
            0..=9 => 0,
            10..=14 => 1,
            _ => 2,
        },
    }
}

/// Makes up the cylinders and their year.
pub(super) fn cylinders(
    count: usize,
    calendar: &Calendar,
    cast: &Cast,
    chance: &Chance,
) -> std::result::Result<Vec<Cylinder>, DemoError> {
    (0..count).map(|index| one(index, calendar, cast, chance)).collect()
}

fn one(
    index: usize,
    calendar: &Calendar,
    cast: &Cast,
    chance: &Chance,
) -> std::result::Result<Cylinder, DemoError> {
    let fate = fate::of(index);
    let home = home(fate, index, chance);
    let (made, last_inspected_on, lawful_until) = dates(fate, calendar, chance)?;
    let insured_until = if fate == Fate::Uninsured { -30 } else { 150 };
    let registration_code = match fate {
        Fate::NotRegistered => None,
        _ => Some(read(json!(format!("32F{:08}", index + 1)))?),
    };
    let inspected = last_inspected_on.is_some();
    let station = cast.stations.get(home).ok_or(DemoError::Missing("a station"))?;
    Ok(Cylinder {
        fate,
        home,
        registration_code,
        stamp: stamp(fate, index, made, calendar, chance)?,
        last_inspected_on,
        last_inspection_report_no: inspected
            .then(|| read(json!(format!("JY-{:06}", index + 1))))
            .transpose()?,
        last_inspection_agency: inspected.then(|| read(json!("如皋市气瓶检验站"))).transpose()?,
        insurance: Some(read(json!({
            "policy_no": format!("PDAA2032{}{:04}", 60 + home, index / 50), "insurer": "人保财险南通市分公司",
            "valid_from": calendar.day(-DAYS - 20), "valid_to": calendar.day(insured_until) }))?),
        // The distributor has an agreement with the first filler only.
        by_distributor: station.owner_id == cast.stations[0].owner_id && chance.below(5) < 3,
        plan: plan::of(fate, DAYS + lawful_until, chance),
        id: None,
        code: None,
        old_code: None,
        last_fill: None,
        customer: format!("K-{:05}", 10_000 + index),
    })
}
