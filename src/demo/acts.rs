//! What a step of somebody's plan is as a command to the ledger.

use std::sync::Arc;

use serde_json::json;

use super::cast::Station;
use super::city::Cylinder;
use super::office::read;
use super::plan::{Shown, Step};
use super::year::{Result, Year};
use super::{DAYS, DemoError};
use crate::app::custody::{Empty, HandOver, TakeBack};
use crate::app::cylinder::{RegisterCylinder, ReplaceLabel};
use crate::app::fill::ReweighFill;
use crate::app::inspection::{ExtendLife, RecordInspection, Scrap};
use crate::app::registry::propose_owner_change;
use crate::app::scan::ScannedCode;
use crate::app::standing::{ApproveOwnerChange, Change, ChangeStanding};
use crate::app::target::Target;
use crate::auth::permission::Action;
use crate::clock::Clock;
use crate::domain::event::{CheckResult, Documented, Postcheck};
use crate::domain::label_code::{Entry, LabelCode};
use crate::domain::value::{MassG, Number};
use crate::ledger::Command;

impl<'a> Year<'a> {
    pub(super) fn station(&self, cylinder: &Cylinder) -> Result<&'a Station> {
        self.cast.stations.get(cylinder.home).ok_or(DemoError::Missing("a station"))
    }

    pub(super) fn scan(&self, cylinder: &Cylinder, shown: Shown) -> Result<ScannedCode> {
        let code = match shown {
            Shown::Old => cylinder.old_code.as_ref(),
            _ => cylinder.code.as_ref(),
        };
        let code = code.ok_or(DemoError::Missing("a label"))?;
        let entry = if shown == Shown::Typed { Entry::Typed } else { Entry::Scanned };
        let text = match shown {
            Shown::Own | Shown::Old => code.url(&self.app.public_url),
            Shown::Forged => forged(code).url(&self.app.public_url),
            Shown::Typed => code.id.typed(),
            Shown::OtherQr => format!("https://u.example.cn/pay?id={}", cylinder.customer),
        };
        Ok(self.app.scanned(&text, entry))
    }

    pub(super) fn command(&self, cylinder: &mut Cylinder, day: i64, step: Step) -> Result<Box<dyn Command>> {
        let station = self.station(cylinder)?;
        let number = |kind: &str| format!("{kind}-{day:03}-{}", cylinder.stamp.serial_no);
        Ok(match step {
            Step::Register => Box::new(self.register(cylinder, station)),
            Step::HandOver => Box::new(self.hand_over(cylinder, station)?),
            Step::Return => Box::new(TakeBack {
                call: station.operator.call(),
                code: self.scan(cylinder, Shown::Own)?,
                site_id: Some(station.site_id),
                residual_g: MassG::new(self.chance.below(400)).ok(),
                captured_at: Some(self.clock.now().plus_seconds(-self.chance.below(1_800))),
            }),
            Step::ToAgency => Box::new(TakeBack {
                call: self.cast.inspector.call(),
                code: self.scan(cylinder, Shown::Own)?,
                site_id: None,
                residual_g: None,
                captured_at: None,
            }),
            Step::Empty => Box::new(Empty {
                call: station.checker.call(),
                code: self.scan(cylinder, Shown::Own)?,
                reason: read(json!("残液超量，抽残"))?,
                residual_g: read(json!(200))?,
                witness_id: Some(station.operator.id),
            }),
            Step::ReplaceLabel => Box::new(ReplaceLabel {
                call: station.admin.call(),
                keys: Arc::clone(&self.app.keyring),
                target: target(cylinder)?,
                reason: read(json!("标签磨损，无法扫描"))?,
            }),
            Step::Reweigh => Box::new(ReweighFill {
                call: station.checker.call(),
                fill_id: cylinder.last_fill.ok_or(DemoError::Missing("a fill"))?,
                gross_g: mass(
                    i64::from(cylinder.stamp.tare_g.get() + cylinder.stamp.max_fill_g.get()) - 150,
                )?,
                postcheck: passed(station),
            }),
            Step::Pass | Step::Fail | Step::Extend | Step::Scrap => {
                return self.inspection(cylinder, day, step);
            }
            Step::ChangeOwner => return self.change_owner(cylinder, &number("CQ")),
            Step::Seize | Step::Blacklist | Step::Unblacklist | Step::Lose | Step::Recover => {
                return self.standing(cylinder, step, &number("JG"));
            }
            Step::Visit(_) => return Err(DemoError::Missing("a scale")),
        })
    }

    fn register(&self, cylinder: &Cylinder, station: &Station) -> RegisterCylinder {
        RegisterCylinder {
            call: station.admin.call(),
            keys: Arc::clone(&self.app.keyring),
            owner_id: station.owner_id,
            registration_code: cylinder.registration_code.clone(),
            stamp: cylinder.stamp.clone(),
            last_inspected_on: cylinder.last_inspected_on,
            last_inspection_report_no: cylinder.last_inspection_report_no.clone(),
            last_inspection_agency: cylinder.last_inspection_agency.clone(),
            insurance: cylinder.insurance.clone(),
        }
    }

    fn hand_over(&self, cylinder: &Cylinder, station: &Station) -> Result<HandOver> {
        let worker = if cylinder.by_distributor { &self.cast.distributor_worker } else { &station.worker };
        let near = |middle: f64| {
            let metres = i32::try_from(self.chance.below(8_000) - 4_000).unwrap_or(0);
            middle + f64::from(metres) / 100_000.0
        };
        Ok(HandOver {
            call: worker.call(),
            code: self.scan(cylinder, Shown::Own)?,
            customer_ref: read(json!(cylinder.customer))?,
            position: Some(
                json!({ "lat": near(31.98), "lon": near(120.90), "accuracy_m": 12.0, "datum": "wgs84" }),
            ),
            captured_at: Some(self.clock.now().plus_seconds(-self.chance.below(9_000))),
        })
    }

    fn inspection(&self, cylinder: &Cylinder, day: i64, step: Step) -> Result<Box<dyn Command>> {
        let call = self.cast.inspector.call();
        let target = target(cylinder)?;
        let number =
            |kind: &str| read::<Number>(json!(format!("{kind}-{day:03}-{}", cylinder.stamp.serial_no)));
        Ok(match step {
            Step::Extend => Box::new(ExtendLife {
                call,
                target,
                until: self.calendar.day(20 + 730),
                assessment_no: number("PG")?,
                registration_change_no: number("BG")?,
            }),
            Step::Scrap => Box::new(Scrap {
                call,
                target,
                documented: documented(
                    &format!("XH-{day:03}-{}", cylinder.stamp.serial_no),
                    "查扣气瓶，消除使用功能",
                )?,
            }),
            _ => {
                let failed = matches!(step, Step::Fail);
                let wall = if failed { "fail" } else { "pass" };
                Box::new(RecordInspection {
                    call,
                    target,
                    inspected_on: self.calendar.day(day - DAYS),
                    result: if failed { CheckResult::Fail } else { CheckResult::Pass },
                    next_due_on: None,
                    report_no: number("JY")?,
                    ring_no: Some(number("H")?),
                    items: read(
                        json!({ "visual": "pass", "weld": "pass", "neck_ring": "pass", "wall_thickness": wall,
                        "volume": "pass", "water_pressure": "pass", "air_tightness": "pass" }),
                    )?,
                    scrap_reason: failed.then(|| read(json!("壁厚低于设计壁厚的 90 %"))).transpose()?,
                })
            }
        })
    }

    fn standing(&self, cylinder: &Cylinder, step: Step, number: &str) -> Result<Box<dyn Command>> {
        let (by, change) = match step {
            Step::Seize => (&self.cast.regulator, Change::Seize(documented(number, "涉嫌充装非自有气瓶")?)),
            Step::Blacklist => {
                (&self.cast.regulator, Change::Blacklist(documented(number, "群众举报，疑似翻新")?))
            }
            Step::Unblacklist => (&self.cast.regulator, Change::Unblacklist(documented(number, "复查合格")?)),
            Step::Lose => {
                (&self.station(cylinder)?.admin, Change::Lose(read(json!("用户搬走，气瓶下落不明"))?))
            }
            _ => (&self.station(cylinder)?.admin, Change::Recover(read(json!("在废品站找回"))?)),
        };
        Ok(Box::new(ChangeStanding { call: by.call(), target: target(cylinder)?, change }))
    }

    /// To the other filler; the cylinder works from there on.
    fn change_owner(&self, cylinder: &mut Cylinder, number: &str) -> Result<Box<dyn Command>> {
        let [first, _, third] = &self.cast.stations;
        let from = self.station(cylinder)?;
        let (home, to) = if from.owner_id == first.owner_id { (2, third) } else { (0, first) };
        let new = read(json!({ "new_owner_id": to.owner_id, "reason": "资产转让", "document_no": number }))?;
        let target = target(cylinder)?;
        let answer = self
            .app
            .write(&from.admin.call(), Action::ChangeOwner, |s| propose_owner_change(s, target, &new))?;
        let id = serde_json::from_str::<serde_json::Value>(&answer.body)?;
        let id = read(id.get("id").cloned().unwrap_or_default())?;
        cylinder.home = home;
        cylinder.by_distributor = false;
        Ok(Box::new(ApproveOwnerChange { call: to.admin.call(), id }))
    }
}

pub(super) fn mass(grams: i64) -> Result<MassG> {
    MassG::new(grams).map_err(|_| DemoError::Missing("a mass within bounds"))
}

pub(super) fn passed(station: &Station) -> Postcheck {
    Postcheck {
        leak: Some(CheckResult::Pass),
        valve: Some(CheckResult::Pass),
        seal: Some(CheckResult::Pass),
        checker_id: Some(station.checker.id),
    }
}

fn target(cylinder: &Cylinder) -> Result<Target> {
    Ok(Target { id: cylinder.id.ok_or(DemoError::Missing("a registered cylinder"))?, scanned: true })
}

fn documented(number: &str, reason: &str) -> Result<Documented> {
    read(json!({ "document_no": number, "reason": reason }))
}

/// The same code with the last character of its tag changed.
pub(super) fn forged(code: &LabelCode) -> LabelCode {
    let mut tag = code.tag.clone();
    let last = if tag.pop() == Some('0') { '1' } else { '0' };
    tag.push(last);
    LabelCode { tag, ..code.clone() }
}
