//! What an inspection tests, when the next one is due and when a cylinder's life ends.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::date::StampDate;

crate::words! {
    /// The result of one item of an inspection.
    pub enum ItemResult {
        /// In order.
        Pass => "pass",
        /// Not in order.
        Fail => "fail",
        /// Not done on this kind of cylinder.
        NotApplicable => "not_applicable",
    }
}

/// The items of a periodic inspection (GB/T 8334).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InspectionItems {
    /// 外观
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visual: Option<ItemResult>,
    /// 焊接接头
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weld: Option<ItemResult>,
    /// 阀座
    #[serde(skip_serializing_if = "Option::is_none")]
    pub neck_ring: Option<ItemResult>,
    /// 壁厚
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_thickness: Option<ItemResult>,
    /// 容积
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volume: Option<ItemResult>,
    /// 水压
    #[serde(skip_serializing_if = "Option::is_none")]
    pub water_pressure: Option<ItemResult>,
    /// 气密
    #[serde(skip_serializing_if = "Option::is_none")]
    pub air_tightness: Option<ItemResult>,
}

impl InspectionItems {
    /// Every recorded result.
    pub fn results(&self) -> impl Iterator<Item = ItemResult> {
        [
            self.visual,
            self.weld,
            self.neck_ring,
            self.wall_thickness,
            self.volume,
            self.water_pressure,
            self.air_tightness,
        ]
        .into_iter()
        .flatten()
    }
}

/// Why no life end could be worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cylinders made from 2023-12 on must carry their design life on the stamp (GB 5842-2023)")]
pub struct LifeNotStamped;

/// The periods that bound a cylinder's life, from the policy in force, in months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LifePolicy {
    /// Between two inspections.
    pub inspection_period_months: i32,
    /// From manufacture to the last possible day, stamped lives and extensions alike.
    pub max_life_months: i32,
}

/// From this day on (2007-02-01) the design life without a stamp is 8 years; before it was 15 (GB 5842-1996).
const EIGHT_YEARS_FROM: Option<NaiveDate> = NaiveDate::from_ymd_opt(2007, 2, 1);
/// From this day on (2023-12-01) the stamp must say (GB 5842-2023).
const STAMP_REQUIRED_FROM: Option<NaiveDate> = NaiveDate::from_ymd_opt(2023, 12, 1);

/// The last day of a cylinder's life: manufacture + design life, a stamped one at most the cap of the policy.
///
/// # Errors
/// Made from 2023-12 on without a stamped design life.
pub fn life_end(
    manufactured_on: StampDate,
    design_life_months: Option<i32>,
    policy: LifePolicy,
) -> Result<NaiveDate, LifeNotStamped> {
    let made = Some(manufactured_on.first_day());
    let months = match design_life_months {
        Some(stamped) => stamped.min(policy.max_life_months),
        None if made >= STAMP_REQUIRED_FROM => return Err(LifeNotStamped),
        None if made >= EIGHT_YEARS_FROM => 96,
        None => 180,
    };
    Ok(manufactured_on.plus_months(months).last_day())
}

/// The last day an extension may reach: manufacture + the cap of the policy.
pub fn latest_life_end(manufactured_on: StampDate, policy: LifePolicy) -> NaiveDate {
    manufactured_on.plus_months(policy.max_life_months).last_day()
}

/// The day by which the next inspection is due: last passed inspection (or manufacture) + period, never later than the
/// life end, never later than the day on the agency's certificate.
pub fn inspection_due(
    since: StampDate,
    certificate_due_on: Option<NaiveDate>,
    life_ends_on: NaiveDate,
    policy: LifePolicy,
) -> NaiveDate {
    let by_period = since.plus_months(policy.inspection_period_months).last_day();
    certificate_due_on.into_iter().chain([by_period, life_ends_on]).min().unwrap_or(by_period)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: LifePolicy = LifePolicy { inspection_period_months: 48, max_life_months: 144 };

    fn stamp(text: &str) -> StampDate {
        text.parse().unwrap()
    }

    #[test]
    fn life_by_the_date_of_manufacture() {
        for (made, stamped, end) in [
            ("2007-01", None, Some("2022-01-31")),
            ("2007-01-31", None, Some("2022-01-31")),
            ("2007-02", None, Some("2015-02-28")),
            ("2007-02-01", None, Some("2015-02-01")),
            ("2016-02", None, Some("2024-02-29")),
            ("2023-11", None, Some("2031-11-30")),
            ("2023-11-30", None, Some("2031-11-30")),
            ("2023-12", None, None),
            ("2023-12-01", None, None),
            ("2023-12", Some(96), Some("2031-12-31")),
            ("2024-02-29", Some(96), Some("2032-02-29")),
            ("2024-01", Some(144), Some("2036-01-31")),
            ("2024-01", Some(145), Some("2036-01-31")),
            ("2000-01", Some(180), Some("2012-01-31")),
        ] {
            let got = life_end(stamp(made), stamped, POLICY).ok().map(|d| d.to_string());
            assert_eq!(got.as_deref(), end, "{made} {stamped:?}");
        }
    }

    #[test]
    fn due_is_the_earliest_of_three() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (since, certificate, life, due) in [
            ("2022-05", None, "2030-05-31", "2026-05-31"),
            ("2022-05", Some("2025-05-31"), "2030-05-31", "2025-05-31"),
            ("2022-05", Some("2027-05-31"), "2030-05-31", "2026-05-31"),
            ("2028-05", None, "2030-05-31", "2030-05-31"),
            ("2020-02-29", None, "2030-05-31", "2024-02-29"),
            ("2020-02", None, "2030-05-31", "2024-02-29"),
        ] {
            let got = inspection_due(stamp(since), certificate.map(day), day(life), POLICY);
            assert_eq!(got.to_string(), due, "{since} {certificate:?}");
        }
    }
}
