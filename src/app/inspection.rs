//! What an inspection agency records: a result, a life extension, a scrapping.

use super::fill::organization;
use super::target::{Target, not_scrapped};
use crate::auth::permission::Action;
use crate::domain::cylinder::Cylinder;
use crate::domain::date::{Day, StampDate};
use crate::domain::event::{CheckResult, Documented, EventData, Inspected, LifeExtended};
use crate::domain::inspection::{InspectionItems, ItemResult, inspection_due, latest_life_end};
use crate::domain::instant::Instant;
use crate::domain::registry::{CertificateKind, LicenseKind, OrganizationKind};
use crate::domain::said::{Said, said};
use crate::domain::stream::Stream;
use crate::domain::value::{Number, Reason};
use crate::error::{Code, Error, Result};
use crate::gate::policy::Policy;
use crate::ledger::command::Place;
use crate::ledger::{Call, Command, Context, Decided, Needs};

/// An inspector of an agency with a license and certificate in force (特种设备安全法 50, 51).
fn check_credentials(context: &Context<'_>) -> Result<()> {
    let not_valid = |what: Said| Err(Error::new(Code::CredentialsNotValid, what));
    let person = context.facts.person(context.user_id()?);
    let Some(agency) = organization(context.facts, context.actor.organization_id) else {
        return not_valid(said("单位不存在", "the organization is unknown"));
    };
    if !context.clock_trusted {
        return not_valid(said(
            "服务器时钟与最新记录相差过大，无法判断日期",
            "the service's clock is far from the newest record, so no date can be judged",
        ));
    }
    if !agency.organization.is(OrganizationKind::InspectionAgency) {
        return not_valid(said("仅检验机构可以操作", "only an inspection agency may do this"));
    }
    if !agency.licenses.iter().any(|l| {
        l.kind == LicenseKind::Inspection && l.in_force(context.now) && l.covers(&context.actor.district_code)
    }) {
        return not_valid(said(
            "检验机构今天没有有效的检验机构核准证",
            "the agency has no inspection license in force today",
        ));
    }
    match person {
        Some(person) if person.is_certified(CertificateKind::Inspection, context.now) => Ok(()),
        _ => not_valid(said(
            "检验人员今天没有有效的检验人员证",
            "the inspector has no inspection certificate in force today",
        )),
    }
}

fn policy_of(context: &Context<'_>, cylinder: &Cylinder) -> Policy {
    let owner = context.facts.organization(cylinder.owner_id).map(|o| &o.district_code);
    let district = owner.unwrap_or(&context.actor.district_code);
    Policy::resolve(context.facts.policies(), district, context.now.today)
}

/// The cylinder before an inspector who may judge it. Nothing comes after scrap.
fn cylinder_to_judge<'a>(target: Target, context: &Context<'a>) -> Result<&'a Cylinder> {
    let cylinder = target.find(context, Action::Inspect)?;
    check_credentials(context)?;
    not_scrapped(cylinder)?;
    Ok(cylinder)
}

/// Nobody finds their own cylinders good. To make them useless is no favor to oneself.
fn not_its_own(context: &Context<'_>, cylinder: &Cylinder) -> Result<()> {
    if cylinder.owner_id == context.actor.organization_id {
        return Err(Code::SelfInspection.into());
    }
    Ok(())
}

fn not_seized(cylinder: &Cylinder) -> Result<()> {
    if cylinder.seized {
        return Err(Error::new(
            Code::StateConflict,
            said("被查封扣押的气瓶只能报废", "a seized cylinder can only be scrapped"),
        ));
    }
    Ok(())
}

/// What was found, as an event of the cylinder at the inspector's site.
fn judged(context: &Context<'_>, call: &Call, cylinder: &Cylinder, data: EventData) -> Decided {
    let place = Place { site_id: context.actor.site_id, occurred_at: None };
    context.event(call, Stream::Cylinder(cylinder.id), place, |_| data).into()
}

/// `POST /inspections`
#[derive(Debug)]
pub struct RecordInspection {
    /// The call.
    pub call: Call,
    /// Which cylinder.
    pub target: Target,
    /// On which day.
    pub inspected_on: Day,
    /// Passed or not.
    pub result: CheckResult,
    /// Due day on the certificate.
    pub next_due_on: Option<Day>,
    /// Number of the report.
    pub report_no: Number,
    /// Number of the inspection ring.
    pub ring_no: Option<Number>,
    /// What was tested.
    pub items: InspectionItems,
    /// Why it must be scrapped.
    pub scrap_reason: Option<Reason>,
}

/// When the agency recorded that it received the cylinder.
fn received_at(context: &Context<'_>, cylinder: &Cylinder) -> Result<Instant> {
    let custody = cylinder.custody;
    if custody.is_at_agency(context.actor.organization_id) {
        return Ok(custody.since);
    }
    Err(Error::new(
        Code::StateConflict,
        said(
            "气瓶不在本检验机构，请先登记接收（POST /returns）",
            "the cylinder is not at this agency; record its receipt first (POST /returns)",
        ),
    ))
}

impl RecordInspection {
    /// No result from the future, from before manufacture, or from before the agency had the cylinder.
    fn check_dates(&self, context: &Context<'_>, cylinder: &Cylinder) -> Result<()> {
        let wrong = |code: &str, allowed: Said| Err(Error::invalid("/inspected_on", code, allowed));
        let day = self.inspected_on.0;
        if day > context.now.today {
            return wrong("in_future", said("不得晚于现在", "must not be in the future"));
        }
        if day < cylinder.stamp.manufactured_on.first_day() {
            return wrong("before_manufacture", said("不得早于制造日期", "must not be before manufacture"));
        }
        if day < context.now.day_of(received_at(context, cylinder)?) {
            return wrong(
                "before_receipt",
                said(
                    "不得早于检验机构登记接收该气瓶的日期",
                    "must not be before the day on which the agency recorded that it received the cylinder",
                ),
            );
        }
        if self.next_due_on.is_some_and(|due| due.0 <= day) {
            return Err(Error::invalid(
                "/next_due_on",
                "out_of_range",
                said("必须晚于 inspected_on", "must be after inspected_on"),
            ));
        }
        Ok(())
    }

    fn check_result(&self, cylinder: &Cylinder) -> Result<()> {
        match self.result {
            CheckResult::Pass => self.check_pass(cylinder),
            CheckResult::Fail if self.scrap_reason.is_none() => Err(Error::invalid(
                "/scrap_reason",
                "required",
                said("不合格即报废，请填写原因", "a fail means scrap; say why"),
            )),
            CheckResult::Fail => Ok(()),
        }
    }

    fn check_pass(&self, cylinder: &Cylinder) -> Result<()> {
        if self.items.results().any(|item| item == ItemResult::Fail) {
            return Err(Error::invalid(
                "/result",
                "contradicts_items",
                said("有项目不合格，结论不能为合格", "an item failed, so the result can't be a pass"),
            ));
        }
        if !self.items.results().any(|item| item == ItemResult::Pass) {
            return Err(Error::invalid(
                "/items",
                "required",
                said("结论为合格时，至少要有一个合格项目", "a pass needs at least one item that passed"),
            ));
        }
        not_seized(cylinder)?;
        if self.inspected_on.0 > cylinder.life_ends_on.0 {
            return Err(Error::new(
                Code::StateConflict,
                said(
                    "气瓶已到使用年限，只能报废或延长使用年限",
                    "the life of the cylinder ended; it can only be scrapped or extended",
                ),
            ));
        }
        Ok(())
    }
}

impl Command for RecordInspection {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::Inspect.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        self.target.needs(needs);
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        let cylinder = cylinder_to_judge(self.target, context)?;
        not_its_own(context, cylinder)?;
        self.check_dates(context, cylinder)?;
        self.check_result(cylinder)?;
        let due_on = match self.result {
            CheckResult::Pass => inspection_due(
                StampDate::Day(self.inspected_on.0),
                self.next_due_on.map(|due| due.0),
                cylinder.life_ends_on.0,
                policy_of(context, cylinder).life(),
            ),
            CheckResult::Fail => cylinder.inspection_due_on.0,
        };
        let data = Inspected {
            inspected_on: self.inspected_on,
            result: self.result,
            next_due_on: self.next_due_on,
            report_no: self.report_no.clone(),
            ring_no: self.ring_no.clone(),
            items: self.items,
            scrap_reason: self.scrap_reason.clone(),
            inspection_due_on: Day(due_on),
        };
        Ok(judged(context, &self.call, cylinder, EventData::Inspected(Box::new(data))))
    }
}

/// `POST /cylinders/{ref}/life-extensions`
#[derive(Debug)]
pub struct ExtendLife {
    /// The call.
    pub call: Call,
    /// Which cylinder.
    pub target: Target,
    /// The new last day.
    pub until: Day,
    /// Number of the safety assessment.
    pub assessment_no: Number,
    /// Number of the change of registration.
    pub registration_change_no: Number,
}

impl Command for ExtendLife {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::Inspect.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        self.target.needs(needs);
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        let cylinder = cylinder_to_judge(self.target, context)?;
        not_its_own(context, cylinder)?;
        received_at(context, cylinder)?;
        not_seized(cylinder)?;
        if cylinder.registration_code.is_none() {
            return Err(Error::new(
                Code::StateConflict,
                said("未办理使用登记的气瓶不能变更", "a cylinder without registration can't have it changed"),
            ));
        }
        let life = policy_of(context, cylinder).life();
        let latest = latest_life_end(cylinder.stamp.manufactured_on, life);
        if self.until <= cylinder.life_ends_on || self.until.0 > latest {
            let since = cylinder.life_ends_on;
            let allowed = said(
                format!("必须晚于 {since}，且不晚于 {latest}"),
                format!("must be after {since} and at most {latest}"),
            );
            return Err(Error::invalid("/until", "out_of_range", allowed));
        }
        let since = cylinder.inspected_on.unwrap_or(cylinder.stamp.manufactured_on);
        let due_on = inspection_due(since, cylinder.certificate_due_on.map(|due| due.0), self.until.0, life);
        let data = LifeExtended {
            until: self.until,
            assessment_no: self.assessment_no.clone(),
            registration_change_no: self.registration_change_no.clone(),
            inspection_due_on: Day(due_on),
        };
        Ok(judged(context, &self.call, cylinder, EventData::LifeExtended(data)))
    }
}

/// `POST /cylinders/{ref}/scrappings`: made useless by an agency, seized or not.
#[derive(Debug)]
pub struct Scrap {
    /// The call.
    pub call: Call,
    /// Which cylinder.
    pub target: Target,
    /// Document and reason.
    pub documented: Documented,
}

impl Command for Scrap {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::Inspect.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        self.target.needs(needs);
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        let cylinder = cylinder_to_judge(self.target, context)?;
        received_at(context, cylinder)?;
        Ok(judged(context, &self.call, cylinder, EventData::Scrapped(self.documented.clone())))
    }
}
