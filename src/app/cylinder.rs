//! Registration of a cylinder and replacement of its label.

use std::sync::Arc;

use super::target::{Target, not_scrapped};
use crate::auth::keyring::Keyring;
use crate::auth::permission::{Action, Scope, authorize};
use crate::db::facts::StampKey;
use crate::domain::cylinder::{Insurance, Stamp};
use crate::domain::date::{Day, StampDate};
use crate::domain::event::{EarlierInspection, EventData, LabelBound, Registered};
use crate::domain::id::OrganizationId;
use crate::domain::inspection::{inspection_due, life_end};
use crate::domain::label_code::LabelId;
use crate::domain::model;
use crate::domain::registry::OrganizationKind;
use crate::domain::said::said;
use crate::domain::steel;
use crate::domain::stream::Stream;
use crate::domain::value::{Number, Reason, Text};
use crate::error::{Code, Error, Result};
use crate::gate::policy::Policy;
use crate::ledger::command::Place;
use crate::ledger::{Call, Command, Context, Decided, Needs};

/// `POST /cylinders`
#[derive(Debug)]
pub struct RegisterCylinder {
    /// The call.
    pub call: Call,
    /// The keys for the label.
    pub keys: Arc<Keyring>,
    /// Owner.
    pub owner_id: OrganizationId,
    /// 使用登记代码
    pub registration_code: Option<Text<6, 32>>,
    /// What the steel says.
    pub stamp: Stamp,
    /// Last passed inspection.
    pub last_inspected_on: Option<StampDate>,
    /// Number of its report.
    pub last_inspection_report_no: Option<Number>,
    /// Who made it.
    pub last_inspection_agency: Option<Text<1, 100>>,
    /// Insurance.
    pub insurance: Option<Insurance>,
}

fn stamp_key(stamp: &Stamp) -> StampKey {
    StampKey {
        maker: steel::key(stamp.manufacturer.code.as_str()),
        serial: steel::serial_key(stamp.serial_no.as_str()),
        month: Some(stamp.manufactured_on.month_text()),
    }
}

/// The same maker and serial number, of whatever month.
fn any_month(stamp: &Stamp) -> StampKey {
    StampKey { month: None, ..stamp_key(stamp) }
}

fn registration_key(code: Option<&Text<6, 32>>) -> Option<String> {
    code.map(|code| steel::key(code.as_str()))
}

impl RegisterCylinder {
    /// A maker numbers its cylinders: the same number with another month is far more likely a misread month than a twin,
    /// so only the platform enters one. The very same stamp nobody does.
    fn check_taken(&self, context: &Context<'_>, scope: Scope) -> Result<()> {
        let (stamp, registration) =
            (stamp_key(&self.stamp), registration_key(self.registration_code.as_ref()));
        let serial = any_month(&self.stamp);
        for cylinder in context.facts.cylinders() {
            if registration.is_some() && registration_key(cylinder.registration_code.as_ref()) == registration
            {
                return Err(Code::RegistrationCodeTaken.into());
            }
            let same = stamp_key(&cylinder.stamp) == stamp;
            if same || (scope != Scope::All && any_month(&cylinder.stamp) == serial) {
                return Err(Code::StampTaken.into());
            }
        }
        Ok(())
    }

    fn check_dates(&self, context: &Context<'_>) -> Result<()> {
        let made = self.stamp.manufactured_on;
        if made.first_day() > context.now.today {
            return Err(Error::invalid(
                "/manufactured_on",
                "in_future",
                said("不得晚于现在", "must not be in the future"),
            ));
        }
        if let Some(inspected) = self.last_inspected_on {
            if inspected.first_day() > context.now.today {
                return Err(Error::invalid(
                    "/last_inspected_on",
                    "in_future",
                    said("不得晚于现在", "must not be in the future"),
                ));
            }
            if inspected.last_day() < made.first_day() {
                return Err(Error::invalid(
                    "/last_inspected_on",
                    "before_manufacture",
                    said("不得早于制造日期", "must not be before manufacture"),
                ));
            }
        }
        if self.stamp.purchased_on.is_some_and(|day| day.0 < made.first_day() || day.0 > context.now.today) {
            let allowed = said("必须在制造日期与今天之间", "must be between manufacture and today");
            return Err(Error::invalid("/purchased_on", "out_of_range", allowed));
        }
        if self.insurance.as_ref().is_some_and(|i| i.valid_to < i.valid_from) {
            return Err(Error::invalid(
                "/insurance/valid_to",
                "before_start",
                said("不得早于 valid_from", "must not be before valid_from"),
            ));
        }
        Ok(())
    }

    /// The report behind an inspection that we did not see: with a day alone, any overdue cylinder would be good.
    fn earlier_inspection(&self) -> Result<Option<EarlierInspection>> {
        let required = |member: &str| {
            let pointer = format!("/{member}");
            Error::invalid(
                &pointer,
                "required",
                said(
                    "与 last_inspected_on 一并填写：日期、报告编号和检验机构缺一不可",
                    "goes with last_inspected_on: date, report and agency belong together",
                ),
            )
        };
        let named = (self.last_inspected_on, &self.last_inspection_report_no, &self.last_inspection_agency);
        match named {
            (None, None, None) => Ok(None),
            (Some(_), Some(report_no), Some(agency)) => {
                Ok(Some(EarlierInspection { report_no: report_no.clone(), agency: agency.clone() }))
            }
            (None, ..) => Err(required("last_inspected_on")),
            (_, None, _) => Err(required("last_inspection_report_no")),
            (_, _, None) => Err(required("last_inspection_agency")),
        }
    }

    fn check_masses(&self) -> Result<()> {
        let stamp = &self.stamp;
        let limit_g = model::filling_limit_g(stamp.water_capacity_ml.get());
        if stamp.max_fill_g.get() > limit_g {
            let allowed = said(
                format!("该容积最多 {limit_g} g（0.42 kg/L）"),
                format!("at most {limit_g} g for this volume (0.42 kg/l)"),
            );
            return Err(Error::invalid("/max_fill_g", "exceeds_filling_factor", allowed));
        }
        if stamp.working_pressure_kpa >= stamp.test_pressure_kpa {
            let allowed = said("必须高于公称工作压力", "must be above the working pressure");
            return Err(Error::invalid("/test_pressure_kpa", "out_of_range", allowed));
        }
        Ok(())
    }

    fn check_model(&self, policy: &Policy) -> Result<()> {
        let stamp = &self.stamp;
        let Some(known) = model::find(stamp.model.as_str()) else {
            return self.check_unknown_model();
        };
        if let Some((member, has)) = known.contradiction(stamp) {
            let allowed = said(
                format!("{} 应为 {has}，请留空或重新核对钢印", known.name),
                format!("{} has {has}; leave it out, or read the stamp again", known.name),
            );
            return Err(Error::invalid(&format!("/{member}"), "contradicts_model", allowed));
        }
        let band = policy.tare_band_percent();
        if !known.tare_is_plausible(stamp.tare_g.get(), band) {
            let allowed = said(
                format!("{} 的皮重与此不符（允许偏差 {band} %），请重新核对钢印", known.name),
                format!("{} has another tare (band of {band} %); read the stamp again", known.name),
            );
            return Err(Error::invalid("/tare_g", "implausible", allowed));
        }
        Ok(())
    }
}

impl RegisterCylinder {
    /// A name that we don't know must not switch the check of the tare off: the steel has to fit the volume.
    fn check_unknown_model(&self) -> Result<()> {
        let (tare_g, capacity_ml) = (self.stamp.tare_g.get(), self.stamp.water_capacity_ml.get());
        if model::tare_fits_volume(tare_g, capacity_ml) {
            return Ok(());
        }
        let allowed = said(
            "该容积的气瓶没有这样的皮重，请重新核对钢印",
            "no cylinder of this volume has this tare; read the stamp again",
        );
        Err(Error::invalid("/tare_g", "implausible", allowed))
    }
}

impl Command for RegisterCylinder {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::RegisterCylinder.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        needs.organizations.insert(self.owner_id);
        needs.registration_keys.extend(registration_key(self.registration_code.as_ref()));
        needs.stamps.insert(any_month(&self.stamp));
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        let scope = authorize(context.actor, Action::RegisterCylinder)?;
        let owner = context
            .facts
            .organization(self.owner_id)
            .filter(|owner| scope == Scope::All || owner.id == context.actor.organization_id)
            .ok_or_else(|| {
                Error::invalid(
                    "/owner_id",
                    "organization_not_found",
                    said("必须是本单位", "must be your organization"),
                )
            })?;
        if !owner.is(OrganizationKind::Filler) {
            return Err(Error::invalid(
                "/owner_id",
                "not_a_filler",
                said("气瓶的产权单位必须是充装单位", "a cylinder is owned by a filler"),
            ));
        }
        let policy = Policy::resolve(context.facts.policies(), &owner.district_code, context.now.today);
        self.check_dates(context)?;
        let last_inspection = self.earlier_inspection()?;
        self.check_masses()?;
        self.check_model(&policy)?;
        self.check_taken(context, scope)?;
        let life = self.stamp.design_life_months.map(crate::domain::value::LifeMonths::get);
        let life_ends_on = life_end(self.stamp.manufactured_on, life, policy.life()).map_err(|error| {
            let zh = "2023 年 12 月及以后制造的气瓶，钢印上必须有设计使用年限（GB 5842-2023）";
            Error::invalid("/design_life_months", "required", said(zh, error.to_string()))
        })?;
        let since = self.last_inspected_on.unwrap_or(self.stamp.manufactured_on);
        let due_on = inspection_due(since, None, life_ends_on, policy.life());
        let code = self.keys.mint(&LabelId::from_random(context.ids.bytes()));
        let data = Registered {
            owner_id: self.owner_id,
            registration_code: self.registration_code.clone(),
            stamp: self.stamp.clone(),
            last_inspected_on: self.last_inspected_on,
            last_inspection,
            inspection_due_on: Day(due_on),
            life_ends_on: Day(life_ends_on),
            insurance: self.insurance.clone(),
            label_id: code.id,
            key_id: code.key_id,
        };
        let stream = Stream::Cylinder(context.ids.id(context.now.at));
        let event =
            context.event(&self.call, stream, Place::default(), |_| EventData::Registered(Box::new(data)));
        Ok(event.into())
    }
}

/// `POST /cylinders/{ref}/labels`
#[derive(Debug)]
pub struct ReplaceLabel {
    /// The call.
    pub call: Call,
    /// The keys for the label.
    pub keys: Arc<Keyring>,
    /// Which cylinder.
    pub target: Target,
    /// Why.
    pub reason: Reason,
}

impl Command for ReplaceLabel {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::RegisterCylinder.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        self.target.needs(needs);
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        let cylinder = self.target.find_own(context, Action::RegisterCylinder)?;
        not_scrapped(cylinder)?;
        if cylinder.seized {
            return Err(Error::new(
                Code::StateConflict,
                said(
                    "被查封扣押的气瓶须保留查封扣押时的标签",
                    "a seized cylinder keeps the label it was seized with",
                ),
            ));
        }
        let code = self.keys.mint(&LabelId::from_random(context.ids.bytes()));
        let data = LabelBound {
            label_id: code.id,
            key_id: code.key_id,
            replaces: Some(cylinder.label.id.clone()),
            reason: self.reason.clone(),
        };
        let stream = Stream::Cylinder(cylinder.id);
        Ok(context.event(&self.call, stream, Place::default(), |_| EventData::LabelBound(data)).into())
    }
}
