//! Scans that move a cylinder from hand to hand: handover, return, emptying.

use serde_json::{Value, json};

use super::fill::{check_colleague, organization, station};
use super::scan::ScannedCode;
use super::target::not_scrapped;
use crate::auth::permission::{Action, authorize};
use crate::domain::cylinder::{Custody, CustodyKind, Cylinder};
use crate::domain::event::{CodeStatus, Emptied, EventData, Handover, Returned, ScanRecord};
use crate::domain::finding::{Severity, worst};
use crate::domain::id::{SiteId, UserId};
use crate::domain::instant::Instant;
use crate::domain::label_code::{Entry, LabelId};
use crate::domain::registry::{OrganizationKind, Site};
use crate::domain::said::{Said, said};
use crate::domain::stream::Stream;
use crate::domain::value::{MassG, Number, Reason};
use crate::error::{Code, Error, Result};
use crate::gate::facts::HandoverFacts;
use crate::gate::handover;
use crate::gate::policy::Policy;
use crate::ledger::chain::commitment;
use crate::ledger::command::{Place, Private};
use crate::ledger::{Call, Command, Context, Decided, Needs};

/// `POST /handovers`
#[derive(Debug)]
pub struct HandOver {
    /// The call.
    pub call: Call,
    /// What was scanned.
    pub code: ScannedCode,
    /// The company's own account number of the customer: kept apart.
    pub customer_ref: Number,
    /// Where the worker stood: kept apart.
    pub position: Option<Value>,
    /// When it was scanned, as told by the device.
    pub captured_at: Option<Instant>,
}

impl HandOver {
    fn private(&self, context: &Context<'_>) -> Private {
        let data = json!({ "customer_ref": self.customer_ref, "position": self.position });
        Private { salt: context.ids.bytes(), data }
    }
}

impl Command for HandOver {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::HandOver.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        self.code.needs(needs);
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        authorize(context.actor, Action::HandOver)?;
        let known = context.facts;
        let (scan, cylinder_id) = self.code.judge(known);
        let cylinder = cylinder_id.and_then(|id| known.cylinder(id));
        check_captured(cylinder, self.captured_at)?;
        let site = context.actor.site_id.and_then(|id| known.site(id));
        let district = site.map_or(&context.actor.district_code, |site| &site.district_code);
        let seller = organization(known, context.actor.organization_id);
        let facts = HandoverFacts {
            scan: &scan,
            cylinder,
            worker: context.actor.user_id.and_then(|id| known.person(id)),
            seller,
            owner: cylinder.and_then(|c| organization(known, c.owner_id)),
            captured_at: self.captured_at,
            has_supply_agreement: cylinder
                .is_some_and(|c| known.has_agreement(c.owner_id, context.actor.organization_id, context.now)),
            district: Some(district),
            clock_trusted: context.clock_trusted,
        };
        let policy = Policy::resolve(known.policies(), district, context.now.today);
        let findings = handover::findings(&facts, &policy, context.now);
        let refused = worst(&findings) == Some(Severity::Refuse) || cylinder.is_none();
        let private = self.private(context);
        let stream = cylinder.map_or_else(|| station(context, site), |c| Stream::Cylinder(c.id));
        let place = Place { site_id: context.actor.site_id, occurred_at: self.captured_at };
        let data = Handover {
            scan: scan.clone(),
            worker_id: context.actor.user_id,
            private_commitment: commitment(&private.salt, &private.data),
            findings,
        };
        let event = context.event(&self.call, stream, place, |_| {
            if refused { EventData::HandoverRefused(data) } else { EventData::HandedOver(data) }
        });
        Ok(Decided { private: Some(private), ..event.into() })
    }
}

/// Nobody scanned a label before there was one.
fn check_captured(cylinder: Option<&Cylinder>, captured_at: Option<Instant>) -> Result<()> {
    if cylinder.zip(captured_at).is_some_and(|(cylinder, at)| at < cylinder.registered_at) {
        let allowed = said("不得早于气瓶登记时间", "must not be before the cylinder was registered");
        return Err(Error::invalid("/captured_at", "before_registration", allowed));
    }
    Ok(())
}

/// Whether an offline scan comes after what happened later: it is recorded, and moves nothing.
fn is_stale(cylinder: &Cylinder, captured_at: Option<Instant>) -> bool {
    captured_at.is_some_and(|at| cylinder.is_newer_than(at))
}

/// The cylinder of a code that must name one: for acts that no gate judges.
fn known_cylinder<'a>(code: &ScannedCode, context: &Context<'a>) -> Result<(ScanRecord, &'a Cylinder)> {
    let (scan, id) = code.judge(context.facts);
    match (scan.status, id.and_then(|id| context.facts.cylinder(id))) {
        (CodeStatus::Forged, _) => Err(Error::invalid(
            "/code",
            "forged",
            said("此码不是本系统签发的", "this code was not made by us"),
        )),
        // Nine typed characters are read off a photo: for a stranger's cylinder the label itself must be at hand.
        (_, Some(cylinder)) if scan.entry == Entry::Typed && !is_known_here(cylinder, context) => {
            Err(Code::LabelNotFound.into())
        }
        (CodeStatus::Revoked, Some(_)) => {
            let label = scan.label_id.as_ref().map(LabelId::typed).unwrap_or_default();
            Err(Error::new(
                Code::StateConflict,
                said(
                    format!("标签 {label} 已作废，请扫描有效的标签"),
                    format!("the label {label} is void; scan the one that is good"),
                ),
            ))
        }
        (_, Some(cylinder)) => Ok((scan, cylinder)),
        (_, None) => Err(Code::LabelNotFound.into()),
    }
}

/// Whether the caller's organization may take gas out. Custody alone is a scan of the label, and a photo of a rival's label would
/// do for that.
fn may_empty(cylinder: &Cylinder, context: &Context<'_>) -> bool {
    let ours = context.actor.organization_id;
    cylinder.owner_id == ours || cylinder.custody.is_at_agency(ours)
}

/// Gas is taken out where the cylinder is, and a customer's kitchen is no station.
fn not_at_customer(cylinder: &Cylinder) -> Result<()> {
    if cylinder.custody.kind == CustodyKind::Customer {
        return Err(Error::new(
            Code::StateConflict,
            said(
                "按记录气瓶在用户处，请先扫码回收",
                "by the records a customer has the cylinder; scan its return first",
            ),
        ));
    }
    Ok(())
}

/// Nothing is left that was not in it: in a cylinder that has not left since its fill that is what the heaviest weighing
/// found, and otherwise what it can hold.
fn check_residual(cylinder: &Cylinder, residual_g: i32) -> Result<()> {
    let can_hold_g = cylinder.gas_g.max(cylinder.stamp.max_fill_g.get());
    let still_here = cylinder.last_fill.as_ref().filter(|fill| !fill.moved_since);
    let (most_g, allowed) = match still_here {
        Some(fill) => (
            fill.heaviest_g.max(0),
            said(
                "多于上次取出气体以来称得的气量",
                "more than was weighed in it since gas was last taken out",
            ),
        ),
        None => (can_hold_g, said("多于气瓶的最大充装量", "more than the cylinder can hold")),
    };
    if residual_g > most_g {
        return Err(Error::invalid("/residual_g", "out_of_range", allowed));
    }
    Ok(())
}

/// Whether the caller's organization owns a cylinder or has it.
fn is_known_here(cylinder: &Cylinder, context: &Context<'_>) -> bool {
    [cylinder.owner_id, cylinder.custody.organization_id].contains(&context.actor.organization_id)
}

/// `POST /returns`: back from a customer, or in at a site or an agency.
#[derive(Debug)]
pub struct TakeBack {
    /// The call.
    pub call: Call,
    /// What was scanned.
    pub code: ScannedCode,
    /// Where it came in; the worker's own site where none is named.
    pub site_id: Option<SiteId>,
    /// Gas still in it.
    pub residual_g: Option<MassG>,
    /// When it was scanned, as told by the device.
    pub captured_at: Option<Instant>,
}

impl TakeBack {
    fn site<'a>(&self, context: &Context<'a>) -> Result<Option<&'a Site>> {
        let Some(id) = self.site_id.or(context.actor.site_id) else {
            return Ok(None);
        };
        let own = context.facts.site(id).filter(|site| site.organization_id == context.actor.organization_id);
        match own {
            Some(site) => Ok(Some(site)),
            None => Err(Error::invalid(
                "/site_id",
                "site_not_found",
                said("必须是本单位的站点", "must be a site of your organization"),
            )),
        }
    }
}

/// Whether the records speak against what somebody says has come in to them: it is theirs or with them by no record, and another
/// organization has it at a place of its own.
fn is_contested(cylinder: &Cylinder, context: &Context<'_>) -> bool {
    let ours = context.actor.organization_id;
    let at_a_place =
        matches!(cylinder.custody.kind, CustodyKind::Owner | CustodyKind::Site | CustodyKind::Agency);
    let supplied = context.facts.has_agreement(cylinder.owner_id, ours, context.now);
    at_a_place && !is_known_here(cylinder, context) && !supplied
}

/// A "return" to where the cylinder is, or to nowhere from a place where it is, tells of no way that it went.
fn check_comes_in(cylinder: &Cylinder, site: Option<&Site>) -> Result<()> {
    let conflict = |why: Said| Err(Error::new(Code::StateConflict, why));
    match (site, cylinder.custody.at_site()) {
        (Some(site), Some(at)) if site.id == at => {
            conflict(said("气瓶已登记在该站点", "the cylinder is recorded at this site already"))
        }
        (None, Some(_)) => conflict(said(
            "气瓶登记在某站点，请填写接收的站点",
            "the cylinder is recorded at a site: name the site at which it comes in",
        )),
        _ => Ok(()),
    }
}

impl Command for TakeBack {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::TakeBack.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        self.code.needs(needs);
        needs.sites.extend(self.site_id);
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        authorize(context.actor, Action::TakeBack)?;
        let (scan, cylinder) = known_cylinder(&self.code, context)?;
        not_scrapped(cylinder)?;
        check_captured(Some(cylinder), self.captured_at)?;
        let site = self.site(context)?;
        let organization = context.facts.organization(context.actor.organization_id).ok_or(Code::Internal)?;
        let agency = organization.is(OrganizationKind::InspectionAgency);
        if cylinder.seized && !agency {
            return Err(Error::new(
                Code::StateConflict,
                said(
                    "被查封扣押的气瓶只能送检验机构",
                    "a seized cylinder goes to an inspection agency and nowhere else",
                ),
            ));
        }
        let stale = is_stale(cylinder, self.captured_at);
        if !stale {
            check_comes_in(cylinder, site)?;
        }
        if self.residual_g.is_some_and(|said| said.get() > cylinder.stamp.max_fill_g.get()) {
            let most_g = cylinder.stamp.max_fill_g.get();
            let allowed = said(
                format!("该气瓶最多装 {most_g} g"),
                format!("at most {most_g} g fit into this cylinder"),
            );
            return Err(Error::invalid("/residual_g", "out_of_range", allowed));
        }
        // The same question as at the gate: a permit that another on its scale ended keeps nobody waiting.
        let filling = context.facts.open_for_cylinder(cylinder.id, context.now.at).is_some();
        if filling && cylinder.owner_id != context.actor.organization_id {
            return Err(Error::new(
                Code::StateConflict,
                said("产权单位正在充装该气瓶", "the cylinder is being filled by its owner"),
            ));
        }
        // Who neither owns nor had it can't talk the gas of a stranger's cylinder away; nor can anybody talk away the gas of
        // a held one, or of one that only went from one of their own places to another (`Cylinder::apply`).
        let at_least_g = if is_known_here(cylinder, context) { 0 } else { cylinder.gas_g };
        let residual_g = self.residual_g.map_or(0, MassG::get).max(at_least_g);
        let place = Place { site_id: site.map(|s| s.id), occurred_at: self.captured_at };
        let stream = Stream::Cylinder(cylinder.id);
        // Inspections are dated by the receipt of the agency, which no clock but ours may set back.
        let captured_at = self.captured_at.filter(|_| !agency);
        let since = captured_at.map_or(context.now.at, |at| at.min(context.now.at));
        let kind = match (agency, site) {
            (true, _) => CustodyKind::Agency,
            (false, Some(_)) => CustodyKind::Site,
            (false, None) => CustodyKind::Owner,
        };
        let data = Returned {
            scan,
            residual_g,
            custody: Custody { kind, organization_id: organization.id, site_id: site.map(|s| s.id), since },
            stale,
            contested: !agency && is_contested(cylinder, context),
        };
        Ok(context.event(&self.call, stream, place, |_| EventData::Returned(data)).into())
    }
}

/// `POST /emptyings`: gas taken out at a station.
#[derive(Debug)]
pub struct Empty {
    /// The call.
    pub call: Call,
    /// What was scanned.
    pub code: ScannedCode,
    /// Why.
    pub reason: Reason,
    /// Gas still in it.
    pub residual_g: MassG,
    /// A colleague who saw it.
    pub witness_id: Option<UserId>,
}

impl Empty {
    /// Gas that leaves before the cylinder does lifts a hold, or the rules against pocket codes: one person's word isn't
    /// enough for that.
    fn check_witness(&self, cylinder: &Cylinder, context: &Context<'_>) -> Result<()> {
        let pointer = "/witness_id";
        let not_ours = cylinder.owner_id != context.actor.organization_id;
        let still_here =
            cylinder.is_held() || cylinder.last_fill.as_ref().is_some_and(|fill| !fill.moved_since);
        match self.witness_id {
            None if not_ours => Err(Error::invalid(
                pointer,
                "required",
                said(
                    "倒空其他单位的气瓶须两人在场，请填写见证的同事",
                    "another owner's cylinder is emptied by two: name the colleague who saw it",
                ),
            )),
            None if still_here => Err(Error::invalid(
                pointer,
                "required",
                said(
                    "充装后未出站或未放行的气瓶须两人倒空，请填写见证的同事",
                    "a cylinder that was filled and has not left since, or is held, is emptied by two: name the colleague who saw it",
                ),
            )),
            None => Ok(()),
            Some(id) if context.actor.user_id == Some(id) => Err(Error::invalid(
                pointer,
                "same_person",
                said("不能是您本人", "must be somebody else than you"),
            )),
            Some(id) => check_colleague(id, context.actor.site_id, pointer, context),
        }
    }
}

impl Command for Empty {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        Action::Empty.as_str()
    }

    fn needs(&self, needs: &mut Needs) {
        self.code.needs(needs);
        needs.people.extend(self.witness_id);
        needs.last_fills = true;
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        authorize(context.actor, Action::Empty)?;
        let (scan, cylinder) = known_cylinder(&self.code, context)?;
        not_scrapped(cylinder)?;
        if cylinder.seized {
            return Err(Error::new(
                Code::StateConflict,
                said("被查封扣押的气瓶须保持查封扣押时的状态", "a seized cylinder stays as it was seized"),
            ));
        }
        if !may_empty(cylinder, context) {
            return Err(Error::new(
                Code::Forbidden,
                said(
                    "仅产权单位或持有该气瓶的检验机构可以倒空",
                    "only its owner empties a cylinder, or the inspection agency that has it",
                ),
            ));
        }
        not_at_customer(cylinder)?;
        check_residual(cylinder, self.residual_g.get())?;
        self.check_witness(cylinder, context)?;
        let data = Emptied {
            scan,
            residual_g: self.residual_g.get(),
            reason: self.reason.clone(),
            witness_id: self.witness_id,
        };
        let place = Place { site_id: context.actor.site_id, occurred_at: None };
        Ok(context
            .event(&self.call, Stream::Cylinder(cylinder.id), place, |_| EventData::Emptied(data))
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cylinder::LastFill;
    use crate::domain::event::{FillStatus, NewEvent};
    use crate::domain::hold::{EXCESS_UNACCOUNTED, GAS_ADDED, OVERFILLED, PERMIT_OVERTAKEN, RECORDED_LATE};
    use crate::gate::fixtures::{FILLER, SITE, World, custody, id, instant, last_fill};

    /// What the cylinder of the tests may hold, in grams.
    const MAX_G: i32 = 14_900;

    fn emptied(cylinder: &Cylinder, residual_g: i32) -> NewEvent {
        let scan = World::good().scan;
        NewEvent {
            id: id(0x99),
            stream: Stream::Cylinder(cylinder.id),
            occurred_at: instant("2026-06-15T04:00:00Z"),
            recorded_at: instant("2026-06-15T04:00:00Z"),
            actor_id: id(0x98),
            organization_id: id(FILLER),
            site_id: Some(id(SITE)),
            district_code: "320602".parse().unwrap(),
            data: EventData::Emptied(Emptied {
                scan,
                residual_g,
                reason: Reason::new("换阀").unwrap(),
                witness_id: None,
            }),
            idempotency: None,
        }
    }

    /// A cylinder held for one rule, and found that heavy.
    fn held(rule: &str, heaviest_g: i32, kind: CustodyKind, moved_since: bool) -> Cylinder {
        let mut cylinder = World::good().cylinder.unwrap();
        cylinder.custody = custody(kind, FILLER, Some(SITE));
        cylinder.gas_g = heaviest_g.max(0);
        cylinder.last_fill = Some(LastFill {
            status: FillStatus::Held,
            held_for: vec![rule.to_owned()],
            heaviest_g,
            moved_since,
            ..last_fill("2026-06-15T02:00:00Z")
        });
        cylinder
    }

    fn judged(cylinder: &Cylinder, residual_g: i32) -> Result<()> {
        not_at_customer(cylinder)?;
        check_residual(cylinder, residual_g)
    }

    /// How much may be left for the hold to end; none where an emptying never ends it.
    const HOLDS: [(&str, Option<i32>); 6] = [
        (OVERFILLED, Some(MAX_G)),
        (EXCESS_UNACCOUNTED, Some(MAX_G)),
        (GAS_ADDED, Some(MAX_G / 2)),
        (PERMIT_OVERTAKEN, Some(MAX_G / 2)),
        (RECORDED_LATE, Some(MAX_G / 2)),
        ("fill.post-check-failed", None),
    ];

    #[track_caller]
    fn assert_emptying(
        hold: (&str, Option<i32>),
        heaviest_g: i32,
        residual_g: i32,
        kind: CustodyKind,
        moved: bool,
    ) {
        let mut cylinder = held(hold.0, heaviest_g, kind, moved);
        let most_g = if moved { MAX_G.max(heaviest_g) } else { heaviest_g.max(0) };
        let taken = kind != CustodyKind::Customer && residual_g <= most_g;
        let case = format!("{} {heaviest_g} {residual_g} {kind} {moved}", hold.0);
        assert_eq!(judged(&cylinder, residual_g).is_ok(), taken, "{case}");
        if !taken {
            return;
        }
        cylinder.apply(&emptied(&cylinder, residual_g));
        let fill = cylinder.last_fill.as_ref().unwrap();
        let ended = hold.1.is_some_and(|left_g| residual_g <= left_g);
        assert_eq!(fill.status == FillStatus::Released, ended, "{case}");
        assert_eq!(fill.held_for.is_empty(), ended, "{case}");
        assert_eq!(fill.heaviest_g, heaviest_g.min(residual_g), "{case}");
        assert_eq!(cylinder.gas_g, heaviest_g.max(0).min(residual_g), "{case}");
        assert_eq!(fill.emptied_since, residual_g <= MAX_G / 2, "{case}");
    }

    #[test]
    fn what_an_emptying_ends_depends_on_what_is_left() {
        use CustodyKind::{Agency, Authority, Customer, Owner, Site};
        assert_eq!(World::good().cylinder.unwrap().stamp.max_fill_g.get(), MAX_G);
        for hold in HOLDS {
            for heaviest_g in [-200, 0, 7_000, 7_450, 7_451, 14_900, 14_901, 17_900] {
                for residual_g in [0, 6_999, 7_000, 7_450, 7_451, 14_899, 14_900, 14_901, 17_900, 17_901] {
                    for kind in [Owner, Site, Customer, Agency, Authority] {
                        assert_emptying(hold, heaviest_g, residual_g, kind, false);
                        assert_emptying(hold, heaviest_g, residual_g, kind, true);
                    }
                }
            }
        }
    }
}
