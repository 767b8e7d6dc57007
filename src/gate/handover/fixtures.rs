//! A good handover for the tests of these rules: a test breaks one thing of it.

use super::HandoverRule;
use crate::domain::cylinder::Cylinder;
use crate::domain::district::DistrictCode;
use crate::domain::event::{CodeStatus, ScanRecord};
use crate::domain::finding::Evidence;
use crate::domain::instant::{Instant, Moment};
use crate::domain::registry::{License, Organization, Person};
use crate::evidence;
use crate::gate::facts::HandoverFacts;
use crate::gate::fixtures::{
    FILLER, cylinder, last_fill, licenses, moment, operator, organization, organization_facts, scan, told,
};
use crate::gate::policy::Policy;

/// Everything the handover gate looks at, owned.
#[derive(Debug, Clone)]
pub struct Doorstep {
    pub scan: ScanRecord,
    pub cylinder: Option<Cylinder>,
    pub worker: Option<Person>,
    pub seller: Option<Organization>,
    pub seller_licenses: Vec<License>,
    pub owner: Option<Organization>,
    pub captured_at: Option<Instant>,
    pub has_supply_agreement: bool,
    pub district: Option<DistrictCode>,
    pub clock_trusted: bool,
    pub now: Moment,
}

impl Doorstep {
    /// The owner's worker, on 2026-06-15 in 320602, with a cylinder that was filled and released the day before.
    pub fn good() -> Self {
        let mut full = cylinder();
        full.last_fill = Some(last_fill("2026-06-14T08:00:00Z"));
        full.gas_g = 14_500;
        Self {
            scan: scan(CodeStatus::Bound),
            cylinder: Some(full),
            worker: Some(operator()),
            seller: Some(organization(FILLER)),
            seller_licenses: licenses(FILLER),
            owner: Some(organization(FILLER)),
            captured_at: None,
            has_supply_agreement: false,
            district: Some("320602".parse().unwrap()),
            clock_trusted: true,
            now: moment("2026-06-15T02:00:00Z"),
        }
    }

    /// The good handover after one change.
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut doorstep = Self::good();
        change(&mut doorstep);
        doorstep
    }

    /// The cylinder, to be changed.
    pub fn cylinder_mut(&mut self) -> &mut Cylinder {
        self.cylinder.as_mut().unwrap()
    }

    /// The worker, to be changed.
    pub fn worker_mut(&mut self) -> &mut Person {
        self.worker.as_mut().unwrap()
    }

    /// The seller, to be changed.
    pub fn seller_mut(&mut self) -> &mut Organization {
        self.seller.as_mut().unwrap()
    }

    /// What the gate is shown.
    pub fn facts(&self) -> HandoverFacts<'_> {
        HandoverFacts {
            scan: &self.scan,
            cylinder: self.cylinder.as_ref(),
            worker: self.worker.as_ref(),
            seller: organization_facts(self.seller.as_ref(), &self.seller_licenses),
            owner: organization_facts(self.owner.as_ref(), &self.seller_licenses),
            captured_at: self.captured_at,
            has_supply_agreement: self.has_supply_agreement,
            district: self.district.as_ref(),
            clock_trusted: self.clock_trusted,
        }
    }

    /// What one rule finds, by the default policy.
    pub fn check(&self, rule: &HandoverRule) -> Option<Evidence> {
        told(&rule.rule, (rule.check)(&self.facts(), &Policy::default(), self.now))
    }
}

/// Asserts that a rule finds codes of these statuses and no others, with and without their cylinder.
pub fn finds_by_status(rule: &HandoverRule, found: &[CodeStatus]) {
    for status in CodeStatus::WORDS.iter().map(|word| word.parse().unwrap()) {
        for cylinder in [true, false] {
            let doorstep = Doorstep::with(|d| {
                d.scan = scan(status);
                d.cylinder = d.cylinder.take().filter(|_| cylinder);
            });
            let expected = found
                .contains(&status)
                .then(|| evidence! { "code_status" => status, "label_id" => "7K3M9PQ2" });
            assert_eq!(doorstep.check(rule), expected, "{status} {cylinder}");
        }
    }
}
