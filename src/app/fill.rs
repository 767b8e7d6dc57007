//! The fill gate's three commands: check before, record after, weigh again.

use super::scan::ScannedCode;
use crate::auth::permission::{Action, authorize};
use crate::domain::actor::Role;
use crate::domain::cylinder::{Cylinder, OpenPermit};
use crate::domain::event::{
    CodeStatus, CylinderBrief, Decision, EventData, FillChecked, FillRecorded, FillRefused, OwnerBrief,
    Permit, Postcheck, Precheck, Reweighed, ScanRecord,
};
use crate::domain::hold::{GAS_ADDED, PERMIT_OVERTAKEN, RECORDED_LATE};
use crate::domain::id::{EventId, OrganizationId, ScaleId, SiteId, UserId};
use crate::domain::instant::Instant;
use crate::domain::label_code::Entry;
use crate::domain::registry::{Scale, Site};
use crate::domain::said::{Said, said};
use crate::domain::stream::Stream;
use crate::domain::value::{MassG, Number};
use crate::error::{Code, Error, Result};
use crate::gate::facts::{FillFacts, OrganizationFacts, PermitFacts, RecordFacts};
use crate::gate::policy::Policy;
use crate::gate::{fill, record};
use crate::ledger::command::Place;
use crate::ledger::facts::PermitFact;
use crate::ledger::{Call, Command, Context, Decided, Facts, Needs};

/// An organization and its licenses.
pub(super) fn organization(facts: &Facts, id: OrganizationId) -> Option<OrganizationFacts<'_>> {
    Some(OrganizationFacts { organization: facts.organization(id)?, licenses: facts.licenses(id) })
}

/// The chain of the station, for codes of no cylinder: the site, or the organization where no site is known.
pub(super) fn station(context: &Context<'_>, site: Option<&Site>) -> Stream {
    let own = |id| context.facts.site(id).filter(|s| s.organization_id == context.actor.organization_id);
    match site.or_else(|| context.actor.site_id.and_then(own)) {
        Some(site) => Stream::Site(site.id),
        None => Stream::Organization(context.actor.organization_id),
    }
}

/// `POST /fill-checks`: may this cylinder be filled here, now, by this person, on this scale?
#[derive(Debug)]
pub struct CheckFill {
    /// The call.
    pub call: Call,
    /// What was scanned.
    pub code: ScannedCode,
    /// On which scale.
    pub scale_id: ScaleId,
    /// What the scale shows.
    pub scale_g: Option<MassG>,
    /// The answer to a stamp challenge.
    pub stamp_digits: Option<String>,
    /// The visual check.
    pub precheck: Precheck,
    /// When it was scanned, as told by the device.
    pub captured_at: Option<Instant>,
}

impl CheckFill {
    /// The scale, if it is one this caller may use. Anybody else's is as good as unknown.
    fn scale<'a>(&self, context: &Context<'a>) -> Option<&'a Scale> {
        let own_device = context.actor.device.is_none_or(|device| device.scale_id == self.scale_id);
        context
            .facts
            .scale(self.scale_id)
            .filter(|scale| own_device && scale.organization_id == context.actor.organization_id)
    }

    fn permit(
        &self,
        open: Option<OpenPermit>,
        cylinder: &Cylinder,
        id: EventId,
        context: &Context<'_>,
        policy: &Policy,
    ) -> Permit {
        // An open permit that the gate let pass is this operator's on this scale: it is shown again, not renewed.
        open.map_or_else(
            || Permit {
                id,
                expires_at: context.now.at.plus_seconds(policy.permit_ttl_s()),
                max_fill_g: cylinder.stamp.max_fill_g.get(),
            },
            |open| open.permit,
        )
    }
}

impl Command for CheckFill {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::CheckFill.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        self.code.needs(needs);
        needs.scales.insert(self.scale_id);
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        authorize(context.actor, Action::CheckFill)?;
        let known = context.facts;
        let (scan, cylinder_id) = self.code.judge(known);
        let cylinder = cylinder_id.and_then(|id| known.cylinder(id));
        let scale = self.scale(context);
        let site = scale.and_then(|scale| known.site(scale.site_id));
        let on_scale = scale.and_then(|scale| known.open_on_scale(scale.id, context.now.at));
        let for_cylinder = cylinder.and_then(|c| known.open_for_cylinder(c.id, context.now.at));
        let facts = FillFacts {
            scan: &scan,
            cylinder,
            owner: cylinder.and_then(|c| organization(known, c.owner_id)),
            filler: organization(known, context.actor.organization_id),
            operator: context.actor.user_id.and_then(|id| known.person(id)),
            scale,
            site,
            scale_permit: on_scale,
            cylinder_permit: for_cylinder,
            scale_g: self.scale_g.map(MassG::get),
            stamp_digits: self.stamp_digits.as_deref(),
            precheck: &self.precheck,
            clock_trusted: context.clock_trusted,
        };
        let district = site.map_or(&context.actor.district_code, |site| &site.district_code);
        let policy = Policy::resolve(known.policies(), district, context.now.today);
        let fill::Judged { findings, decision, stamp_answer } =
            fill::judge(facts, &policy, context.now, context.ids.ppm());
        let allowed = cylinder.filter(|_| decision == Decision::Allowed);
        let stream = cylinder.map_or_else(|| station(context, site), |c| Stream::Cylinder(c.id));
        let place = Place { site_id: site.map(|s| s.id), occurred_at: self.captured_at };
        let brief = cylinder.map(|c| brief(known, c));
        let event = context.event(&self.call, stream, place, |id| {
            EventData::FillChecked(Box::new(FillChecked {
                decision,
                scan: scan.clone(),
                scale_id: self.scale_id,
                operator_id: context.actor.user_id,
                scale_g: self.scale_g.map(MassG::get),
                precheck: self.precheck,
                findings,
                permit: allowed.map(|c| self.permit(for_cylinder, c, id, context, &policy)),
                voids_permit: allowed
                    .and(on_scale)
                    .filter(|open| for_cylinder.is_none_or(|same| same.permit.id != open.permit.id))
                    .map(|open| open.permit.id),
                stamp_answer,
                cylinder: brief,
            }))
        });
        Ok(event.into())
    }
}

fn brief(facts: &Facts, cylinder: &Cylinder) -> CylinderBrief {
    CylinderBrief {
        id: cylinder.id,
        registration_code: cylinder.registration_code.clone(),
        model: cylinder.stamp.model.clone(),
        owner: OwnerBrief {
            id: cylinder.owner_id,
            name: facts.organization(cylinder.owner_id).map(|o| o.name.to_string()).unwrap_or_default(),
        },
        inspection_due_on: cylinder.inspection_due_on,
        life_ends_on: cylinder.life_ends_on,
    }
}

/// `POST /fills`: gas was filled in on a permit.
#[derive(Debug)]
pub struct RecordFill {
    /// The call.
    pub call: Call,
    /// The permit.
    pub permit_id: EventId,
    /// Weight of cylinder and gas.
    pub gross_g: MassG,
    /// When the gas began to flow.
    pub started_at: Instant,
    /// When it stopped.
    pub finished_at: Instant,
    /// Number of the seal.
    pub seal_no: Option<Number>,
    /// The check after filling.
    pub postcheck: Option<Postcheck>,
}

/// Seconds by which a device's clock may be ahead of ours.
pub const AHEAD_S: i64 = 60;

impl RecordFill {
    fn check_times(&self, context: &Context<'_>) -> Result<()> {
        if self.finished_at < self.started_at {
            return Err(Error::invalid(
                "/finished_at",
                "before_start",
                said("不得早于 started_at", "must not be before started_at"),
            ));
        }
        if self.finished_at > context.now.at.plus_seconds(AHEAD_S) {
            return Err(Error::invalid(
                "/finished_at",
                "in_future",
                said("不得晚于现在", "must not be in the future"),
            ));
        }
        // Only of the own permits: of a stranger's not even the time is told.
        let own = context.facts.permit(self.permit_id);
        let own = own.filter(|permit| permit.organization_id == context.actor.organization_id);
        let issued_at = own.map(|permit| permit.issued_at);
        if issued_at.is_some_and(|issued| self.started_at < issued.plus_seconds(-AHEAD_S)) {
            return Err(Error::invalid(
                "/started_at",
                "before_permit",
                said("不得早于许可签发时间", "must not be before the permit was given"),
            ));
        }
        Ok(())
    }

    fn permit_facts(&self, context: &Context<'_>) -> Option<PermitFacts> {
        let fact = context.facts.permit(self.permit_id)?;
        let used = context.facts.is_used(self.permit_id);
        let is_newest = |open: OpenPermit| {
            open.permit.id == self.permit_id
                && context.facts.newest_on_scale(open.scale_id) == Some(self.permit_id)
        };
        let open = context.facts.cylinder(fact.cylinder_id).and_then(|c| c.open_permit);
        Some(PermitFacts { used, voided: !used && !open.is_some_and(is_newest), ..spent(fact) })
    }
}

impl Command for RecordFill {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::RecordFill.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        needs.permits.insert(self.permit_id);
        needs.people.extend(self.postcheck.and_then(|p| p.checker_id));
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        authorize(context.actor, Action::RecordFill)?;
        self.check_times(context)?;
        let permit = context.facts.permit(self.permit_id);
        let own = permit.filter(|p| p.organization_id == context.actor.organization_id);
        let cylinder = own.and_then(|p| context.facts.cylinder(p.cylinder_id));
        let scale = own.and_then(|p| context.facts.scale(p.permit.scale_id));
        check_checker(self.postcheck.as_ref(), scale.map(|s| s.site_id), context)?;
        let policy = policy_at(context, scale);
        check_gross(self.gross_g, cylinder, &policy)?;
        let overtaken = overtaken(cylinder, scale, context.actor.user_id, context, &policy);
        let facts = RecordFacts {
            permit: self.permit_facts(context),
            judge_permit: true,
            organization_id: context.actor.organization_id,
            operator_id: context.actor.user_id,
            device_scale_id: context.actor.device.map(|d| d.scale_id),
            // A stranger's permit is foreign, not unknown; the gate says nothing more of its cylinder.
            cylinder: permit.and_then(|p| context.facts.cylinder(p.cylinder_id)),
            gross_g: self.gross_g.get(),
            heaviest_g: None,
            gas_was_added: false,
            overtaken: &overtaken,
            residual_g: residual_g(own.and_then(|p| p.scale_g), cylinder),
            recorded_at: Some(context.now.at),
            started_at: self.started_at,
            finished_at: self.finished_at,
            postcheck: self.postcheck.as_ref(),
        };
        let findings = record::findings(&facts, &policy, context.now);
        let place = Place { site_id: scale.map(|s| s.site_id), occurred_at: Some(self.finished_at) };
        let recorded = match (record::outcome(&findings), cylinder, own, context.actor.user_id) {
            (record::Outcome::Recorded(status), Some(cylinder), Some(permit), Some(operator_id)) => {
                Some((status, cylinder, permit.permit.scale_id, operator_id))
            }
            _ => None,
        };
        let Some((status, cylinder, scale_id, operator_id)) = recorded else {
            let stream = cylinder.map_or_else(|| station(context, None), |c| Stream::Cylinder(c.id));
            let data = FillRefused {
                permit_id: self.permit_id,
                gross_g: self.gross_g.get(),
                started_at: self.started_at,
                finished_at: self.finished_at,
                findings,
            };
            return Ok(context.event(&self.call, stream, place, |_| EventData::FillRefused(data)).into());
        };
        let data = FillRecorded {
            permit_id: self.permit_id,
            scale_id,
            operator_id,
            gross_g: self.gross_g.get(),
            net_g: self.gross_g.get() - cylinder.stamp.tare_g.get(),
            started_at: self.started_at,
            finished_at: self.finished_at,
            seal_no: self.seal_no.clone(),
            postcheck: self.postcheck,
            findings,
            status,
        };
        let stream = Stream::Cylinder(cylinder.id);
        Ok(context.event(&self.call, stream, place, |_| EventData::FillRecorded(Box::new(data))).into())
    }
}

/// The rules before a fill that the permit rests on and that are broken now, after the fill.
fn overtaken(
    cylinder: Option<&Cylinder>,
    scale: Option<&Scale>,
    operator_id: Option<UserId>,
    context: &Context<'_>,
    policy: &Policy,
) -> Vec<&'static str> {
    let Some(cylinder) = cylinder else {
        return Vec::new();
    };
    let known = context.facts;
    let scan = ScanRecord {
        entry: Entry::Scanned,
        status: CodeStatus::Bound,
        label_id: Some(cylinder.label.id.clone()),
        text: None,
        foreign_host: None,
    };
    let facts = FillFacts {
        scan: &scan,
        cylinder: Some(cylinder),
        owner: organization(known, cylinder.owner_id),
        filler: organization(known, context.actor.organization_id),
        operator: operator_id.and_then(|id| known.person(id)),
        scale,
        site: scale.and_then(|scale| known.site(scale.site_id)),
        scale_permit: None,
        cylinder_permit: None,
        scale_g: None,
        stamp_digits: None,
        precheck: &Precheck::default(),
        clock_trusted: context.clock_trusted,
    };
    fill::overtaken(&facts, policy, context.now)
}

/// Gas that was in the cylinder before, by the scale reading of the check.
fn residual_g(scale_g: Option<i32>, cylinder: Option<&Cylinder>) -> i32 {
    match (scale_g, cylinder) {
        (Some(reading_g), Some(cylinder)) => (reading_g - cylinder.stamp.tare_g.get()).max(0),
        _ => 0,
    }
}

fn policy_at(context: &Context<'_>, scale: Option<&Scale>) -> Policy {
    let site = scale.and_then(|scale| context.facts.site(scale.site_id));
    let district = site.map_or(&context.actor.district_code, |site| &site.district_code);
    Policy::resolve(context.facts.policies(), district, context.now.today)
}

/// A filled cylinder weighs at least its tare: less is a slip of the hand or another cylinder.
fn check_gross(gross_g: MassG, cylinder: Option<&Cylinder>, policy: &Policy) -> Result<()> {
    let least_g = cylinder.map_or(0, |c| c.stamp.tare_g.get() - policy.tare_tolerance_g());
    if gross_g.get() < least_g {
        return Err(Error::invalid(
            "/gross_g",
            "below_tare",
            said("不得小于气瓶的钢印皮重", "must not be below the stamped tare of the cylinder"),
        ));
    }
    Ok(())
}

/// A checker must be a colleague who handles gas at that site.
fn check_checker(postcheck: Option<&Postcheck>, site: Option<SiteId>, context: &Context<'_>) -> Result<()> {
    let Some(id) = postcheck.and_then(|p| p.checker_id) else {
        return Ok(());
    };
    check_colleague(id, site, "/postcheck/checker_id", context)
}

/// Whether somebody is an active user of the caller's organization who handles gas at this site, or at all of them; the
/// error names the member that told of them.
pub(super) fn check_colleague(
    id: UserId,
    site: Option<SiteId>,
    pointer: &str,
    context: &Context<'_>,
) -> Result<()> {
    let wrong = |code: &str, allowed: Said| Err(Error::invalid(pointer, code, allowed));
    let person = context.facts.person(id).filter(|person| person.active);
    let Some(person) = person.filter(|p| p.organization_id == context.actor.organization_id) else {
        return wrong("user_not_found", said("必须是本单位的用户", "must be a user of your organization"));
    };
    let skilled = [Role::FillChecker, Role::FillOperator].iter().any(|role| person.roles.contains(role));
    let elsewhere = person.site_id.zip(site).is_some_and(|(own, here)| own != here);
    if !skilled || elsewhere {
        return wrong(
            "not_a_checker",
            said("必须是本站的充装检查员或充装工", "must be a fill checker or fill operator of this site"),
        );
    }
    Ok(())
}

/// The permit of a fill that was recorded.
fn spent(fact: &PermitFact) -> PermitFacts {
    PermitFacts {
        permit: fact.permit.permit,
        scale_id: fact.permit.scale_id,
        operator_id: fact.permit.operator_id,
        organization_id: fact.organization_id,
        used: true,
        voided: false,
    }
}

/// `POST /fills/{id}/reweigh`: a held fill is weighed and checked again.
#[derive(Debug)]
pub struct ReweighFill {
    /// The call.
    pub call: Call,
    /// The fill.
    pub fill_id: EventId,
    /// Weight of cylinder and gas.
    pub gross_g: MassG,
    /// The check after filling.
    pub postcheck: Postcheck,
}

impl Command for ReweighFill {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::Reweigh.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        needs.fills.insert(self.fill_id);
        needs.people.extend(self.postcheck.checker_id);
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        authorize(context.actor, Action::Reweigh)?;
        let fill = context
            .facts
            .fill(self.fill_id)
            .filter(|fill| fill.organization_id == context.actor.organization_id)
            .ok_or(Code::FillNotFound)?;
        check_checker(Some(&self.postcheck), fill.site_id, context)?;
        if self.postcheck.checker_id == Some(fill.operator_id) {
            let allowed = said("不能是充装该气瓶的人", "must be somebody else than who filled it");
            return Err(Error::invalid("/postcheck/checker_id", "same_person", allowed));
        }
        let cylinder = context.facts.cylinder(fill.cylinder_id).ok_or(Code::Internal)?;
        let newest = cylinder.last_fill.as_ref().filter(|last| last.id == self.fill_id && !last.moved_since);
        let Some(newest) = newest.filter(|_| !cylinder.scrapped) else {
            return Err(Error::new(
                Code::StateConflict,
                said("此后气瓶已被充装、移动或报废", "the cylinder was filled, moved or scrapped since"),
            ));
        };
        let site = fill.site_id.and_then(|id| context.facts.site(id));
        let district = site.map_or(&context.actor.district_code, |site| &site.district_code);
        let policy = Policy::resolve(context.facts.policies(), district, context.now.today);
        check_gross(self.gross_g, Some(cylinder), &policy)?;
        let held_for = |rule: &str| newest.held_for.iter().any(|held| held == rule);
        let overtaken = if held_for(PERMIT_OVERTAKEN) {
            let scale = context.facts.scale(fill.scale_id);
            overtaken(Some(cylinder), scale, Some(fill.operator_id), context, &policy)
        } else {
            Vec::new()
        };
        let facts = RecordFacts {
            permit: context.facts.permit(fill.permit_id).map(spent),
            judge_permit: false,
            organization_id: context.actor.organization_id,
            operator_id: Some(fill.operator_id),
            device_scale_id: None,
            cylinder: Some(cylinder),
            gross_g: self.gross_g.get(),
            heaviest_g: Some(newest.heaviest_g),
            gas_was_added: held_for(GAS_ADDED),
            overtaken: &overtaken,
            residual_g: 0,
            recorded_at: Some(newest.recorded_at).filter(|_| held_for(RECORDED_LATE)),
            started_at: context.now.at,
            finished_at: context.now.at,
            postcheck: Some(&self.postcheck),
        };
        let findings = record::findings(&facts, &policy, context.now);
        let record::Outcome::Recorded(status) = record::outcome(&findings) else {
            return Err(Error::new(
                Code::StateConflict,
                said("无法判定复称结果", "the second weighing can't be judged"),
            ));
        };
        let data = Reweighed {
            fill_id: self.fill_id,
            gross_g: self.gross_g.get(),
            net_g: self.gross_g.get() - cylinder.stamp.tare_g.get(),
            postcheck: self.postcheck,
            findings,
            status,
        };
        let place = Place { site_id: fill.site_id, occurred_at: None };
        Ok(context
            .event(&self.call, Stream::Cylinder(cylinder.id), place, |_| EventData::Reweighed(data))
            .into())
    }
}
