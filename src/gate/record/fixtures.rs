//! A good fill for the tests of these rules: a test breaks one thing of it.

use super::RecordRule;
use crate::domain::cylinder::Cylinder;
use crate::domain::event::{CheckResult, Postcheck};
use crate::domain::finding::Evidence;
use crate::domain::id::{OrganizationId, ScaleId, UserId};
use crate::domain::instant::{Instant, Moment};
use crate::gate::facts::{PermitFacts, RecordFacts};
use crate::gate::fixtures::{FILLER, OPERATOR, SCALE, cylinder, id, instant, moment, open_permit, told};
use crate::gate::policy::Policy;

/// Who checks after filling.
pub const CHECKER: u128 = 0x42;

/// Everything the record gate looks at, owned.
#[derive(Debug, Clone)]
pub struct Record {
    pub permit: Option<PermitFacts>,
    pub judge_permit: bool,
    pub organization_id: OrganizationId,
    pub operator_id: Option<UserId>,
    pub device_scale_id: Option<ScaleId>,
    pub cylinder: Option<Cylinder>,
    pub gross_g: i32,
    pub heaviest_g: Option<i32>,
    pub gas_was_added: bool,
    pub overtaken: Vec<&'static str>,
    pub residual_g: i32,
    pub started_at: Instant,
    pub finished_at: Instant,
    pub postcheck: Option<Postcheck>,
    pub now: Moment,
    pub recorded_at: Option<Instant>,
}

impl Record {
    /// Filled from 100 g to 14 500 g in 90 s on a permit that lasts until 02:05, then checked by somebody else.
    pub fn good() -> Self {
        let open = open_permit(SCALE, OPERATOR);
        Self {
            permit: Some(PermitFacts {
                permit: open.permit,
                scale_id: open.scale_id,
                operator_id: open.operator_id,
                organization_id: id(FILLER),
                used: false,
                voided: false,
            }),
            judge_permit: true,
            organization_id: id(FILLER),
            operator_id: Some(id(OPERATOR)),
            device_scale_id: Some(id(SCALE)),
            cylinder: Some(cylinder()),
            gross_g: 31_000,
            heaviest_g: None,
            gas_was_added: false,
            overtaken: Vec::new(),
            residual_g: 100,
            started_at: instant("2026-06-15T02:00:00Z"),
            finished_at: instant("2026-06-15T02:01:30Z"),
            postcheck: Some(postcheck()),
            now: moment("2026-06-15T02:02:00Z"),
            recorded_at: Some(instant("2026-06-15T02:02:00Z")),
        }
    }

    /// The good fill after one change.
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut record = Self::good();
        change(&mut record);
        record
    }

    /// The good fill on a second weighing, after one change.
    pub fn again(change: impl FnOnce(&mut Self)) -> Self {
        Self::with(|record| {
            record.judge_permit = false;
            change(record);
        })
    }

    /// The permit, to be changed.
    pub fn permit_mut(&mut self) -> &mut PermitFacts {
        self.permit.as_mut().unwrap()
    }

    /// The check after filling, to be changed.
    pub fn postcheck_mut(&mut self) -> &mut Postcheck {
        self.postcheck.as_mut().unwrap()
    }

    /// Weighs the cylinder with so much gas in it; its tare is 16 500 g, its maximum 14 900 g.
    pub fn set_net(&mut self, net_g: i32) {
        self.gross_g = 16_500 + net_g;
    }

    /// What the gate is shown.
    pub fn facts(&self) -> RecordFacts<'_> {
        RecordFacts {
            permit: self.permit,
            judge_permit: self.judge_permit,
            organization_id: self.organization_id,
            operator_id: self.operator_id,
            device_scale_id: self.device_scale_id,
            cylinder: self.cylinder.as_ref(),
            gross_g: self.gross_g,
            heaviest_g: self.heaviest_g,
            gas_was_added: self.gas_was_added,
            overtaken: &self.overtaken,
            residual_g: self.residual_g,
            recorded_at: self.recorded_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            postcheck: self.postcheck.as_ref(),
        }
    }

    /// What one rule finds, by the default policy.
    pub fn check(&self, rule: &RecordRule) -> Option<Evidence> {
        told(&rule.rule, (rule.check)(&self.facts(), &Policy::default(), self.now))
    }
}

/// A check after filling that found nothing.
pub fn postcheck() -> Postcheck {
    let pass = Some(CheckResult::Pass);
    Postcheck { leak: pass, valve: pass, seal: pass, checker_id: Some(id(CHECKER)) }
}
