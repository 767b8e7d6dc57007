//! What happens to a cylinder, as events of the ledger: sealed, in their places, with the rows that go with them.

use anyhow::{Context, Result, anyhow};
use pingma::auth::keyring::Keyring;
use pingma::clock::IdGen;
use pingma::db::facts::{EventRow, FillRow, ScalePermitRow};
use pingma::domain::cylinder::{Custody, CustodyKind, Cylinder, Stamp};
use pingma::domain::event::{
    CodeStatus, Decision, EventData, FillChecked, FillRecorded, FillStatus, Handover, Idempotency, NewEvent,
    Permit, Registered, Returned, ScanRecord,
};
use pingma::domain::id::{CylinderId, EventId, ScaleId};
use pingma::domain::instant::Instant;
use pingma::domain::label_code::Entry;
use pingma::domain::stream::Stream;
use pingma::ledger::chain::{GENESIS, Position, seal};
use serde_json::json;

use crate::codes;
use crate::world::{Filler, Post, World};

/// A cylinder with its place in its chain.
pub struct Bottle {
    /// Whose it is.
    pub filler: usize,
    pub cylinder: Cylinder,
    pub version: i64,
    pub head: [u8; 32],
    /// The newest permit.
    pub permit: EventId,
}

/// What was recorded, and not written yet.
#[derive(Default)]
pub struct Made {
    pub bottles: Vec<(u64, Bottle)>,
    pub events: Vec<EventRow>,
    pub fills: Vec<FillRow>,
}

/// Records what happens to cylinders, as the ledger would.
pub struct Recorder<'a> {
    pub ids: Box<dyn IdGen>,
    pub keys: &'a Keyring,
    pub world: &'a World,
    /// When the first event was.
    pub began: Instant,
    /// From each event to the next.
    pub step_micros: i64,
    /// Place of the newest event.
    pub log_index: i64,
    /// The newest permit of each post's scale.
    pub permits: Vec<Option<ScalePermitRow>>,
}

impl Recorder<'_> {
    fn at(&self) -> Instant {
        Instant::from_micros(self.began.micros() + self.log_index * self.step_micros)
    }

    fn filler(&self, index: usize) -> Result<&Filler> {
        self.world.fillers.get(index).context("a filler")
    }

    /// Where a cylinder is filled, with the post's place among all.
    pub fn post(&self, number: u64, filler: usize) -> Result<(usize, &Post)> {
        let posts = &self.filler(filler)?.posts;
        let nth = usize::try_from(number / 16)? % posts.len();
        Ok((filler * posts.len() + nth, posts.get(nth).context("a post")?))
    }

    /// A new cylinder.
    pub fn register(&mut self, number: u64, made: &mut Made) -> Result<Bottle> {
        let filler = usize::try_from(number)? % self.world.fillers.len();
        let id = cylinder_id(number);
        let code = self.keys.mint(&codes::label(number)?);
        let stamp: Stamp = serde_json::from_value(json!({
            "manufacturer": { "code": "MS", "name": "江苏民生特种设备集团有限公司", "license_no": "TS2210032" },
            "serial_no": format!("{number:08}"), "model": "YSP35.5", "medium": "lpg", "phase": "gas",
            "water_capacity_ml": 35_500, "max_fill_g": 14_900, "tare_g": 16_500, "working_pressure_kpa": 2_100,
            "test_pressure_kpa": 3_200, "wall_thickness_um": 2_600, "manufactured_on": "2025-05",
            "design_life_months": 96, "shroud": "welded", "filler_mark": true, "refurbished": false, "purchased_on": null
        }))?;
        let data = Registered {
            owner_id: self.filler(filler)?.organization_id,
            registration_code: serde_json::from_value(json!(format!("32A{number:09}")))?,
            stamp,
            last_inspected_on: None,
            last_inspection: None,
            inspection_due_on: serde_json::from_value(json!("2029-05-31"))?,
            life_ends_on: serde_json::from_value(json!("2033-05-31"))?,
            insurance: serde_json::from_value(
                json!({ "policy_no": "PICC-2026-1", "insurer": "中国人民财产保险股份有限公司",
                "valid_from": "2025-06-01", "valid_to": "2033-05-31" }),
            )?,
            label_id: code.id,
            key_id: code.key_id,
        };
        let event =
            self.event(filler, Stream::Cylinder(id), EventData::Registered(Box::new(data.clone())))?;
        let cylinder = Cylinder::registered(id, &event, &data);
        let permit = event.id;
        let mut bottle = Bottle { filler, cylinder, version: 0, head: GENESIS, permit };
        self.push(&mut bottle, event, made)?;
        Ok(bottle)
    }

    /// What comes next between a fill and the next: check, fill, handover, return.
    pub fn step(&mut self, step: u8, number: u64, bottle: &mut Bottle, made: &mut Made) -> Result<()> {
        let data = match step {
            0 => return self.check(number, bottle, Decision::Allowed, made),
            1 => return self.fill(number, bottle, made),
            2 => EventData::HandedOver(Handover {
                scan: scan(bottle),
                worker_id: Some(self.filler(bottle.filler)?.worker_id),
                private_commitment: "0".repeat(64),
                findings: Vec::new(),
            }),
            _ => {
                let filler = self.filler(bottle.filler)?;
                EventData::Returned(Returned {
                    scan: scan(bottle),
                    residual_g: 120,
                    custody: Custody {
                        kind: CustodyKind::Site,
                        organization_id: filler.organization_id,
                        site_id: Some(filler.site_id),
                        since: self.at(),
                    },
                    stale: false,
                    contested: false,
                })
            }
        };
        self.record(bottle, data, made)
    }

    /// A check before filling.
    pub fn check(
        &mut self,
        number: u64,
        bottle: &mut Bottle,
        decision: Decision,
        made: &mut Made,
    ) -> Result<()> {
        let data = self.checked(number, bottle, decision)?;
        self.record(bottle, data, made)
    }

    fn checked(&self, number: u64, bottle: &Bottle, decision: Decision) -> Result<EventData> {
        let (_, post) = self.post(number, bottle.filler)?;
        let cylinder = &bottle.cylinder;
        let pass = json!("pass");
        let data: FillChecked = serde_json::from_value(json!({
            "decision": decision, "scan": scan(bottle), "scale_id": post.scale_id, "operator_id": post.operator_id,
            "scale_g": 16_640, "precheck": { "body": pass, "valve": pass, "shroud": pass, "foot_ring": pass,
                "markings": pass, "color": pass, "residual_pressure": pass },
            "findings": if decision == Decision::Refused {
                json!([{ "rule": "fill.not-empty", "severity": "refuse", "alert": false, "evidence": { "reading_g": 30_100, "limit_g": 23_950 } }])
            } else { json!([]) },
            "cylinder": { "id": cylinder.id, "registration_code": cylinder.registration_code, "model": cylinder.stamp.model,
                "owner": { "id": cylinder.owner_id, "name": self.filler(bottle.filler)?.name },
                "inspection_due_on": cylinder.inspection_due_on, "life_ends_on": cylinder.life_ends_on },
        }))?;
        Ok(EventData::FillChecked(Box::new(data)))
    }

    fn fill(&mut self, number: u64, bottle: &mut Bottle, made: &mut Made) -> Result<()> {
        let (_, post) = self.post(number, bottle.filler)?;
        let (scale_id, operator_id) = (post.scale_id, post.operator_id);
        let checker_id = self.filler(bottle.filler)?.worker_id;
        let data: FillRecorded = serde_json::from_value(json!({
            "permit_id": bottle.permit, "scale_id": scale_id, "operator_id": operator_id, "gross_g": 31_000, "net_g": 14_500,
            "started_at": self.at(), "finished_at": self.at(), "seal_no": format!("F{number:08}"),
            "postcheck": { "leak": "pass", "valve": "pass", "seal": "pass", "checker_id": checker_id },
            "findings": [], "status": "released"
        }))?;
        let event = self.event(
            bottle.filler,
            Stream::Cylinder(bottle.cylinder.id),
            EventData::FillRecorded(Box::new(data.clone())),
        )?;
        made.fills.push(FillRow {
            id: event.id,
            log_index: self.log_index + 1,
            permit_id: data.permit_id,
            cylinder_id: bottle.cylinder.id,
            organization_id: event.organization_id,
            site_id: event.site_id,
            district_code: event.district_code.clone(),
            scale_id,
            operator_id,
            gross_g: data.gross_g,
            net_g: data.net_g,
            status: FillStatus::Released,
            finished_at: data.finished_at,
        });
        bottle.cylinder.apply(&event);
        self.push(bottle, event, made)
    }

    fn event(&mut self, filler: usize, stream: Stream, data: EventData) -> Result<NewEvent> {
        let at = self.at();
        let filler = self.filler(filler)?;
        Ok(NewEvent {
            id: self.ids.id(at),
            stream,
            occurred_at: at,
            recorded_at: at,
            actor_id: filler.worker_id.cast(),
            organization_id: filler.organization_id,
            site_id: Some(filler.site_id),
            district_code: crate::world::DISTRICT.parse().map_err(|e| anyhow!("{e:?}"))?,
            data,
            idempotency: Some(Idempotency {
                route: "POST /api/v1/fill-checks".to_owned(),
                key: self.ids.id::<()>(at).to_string(),
                body_digest: self.ids.bytes(),
            }),
        })
    }

    fn record(&mut self, bottle: &mut Bottle, data: EventData, made: &mut Made) -> Result<()> {
        let mut event = self.event(bottle.filler, Stream::Cylinder(bottle.cylinder.id), data)?;
        let at = event.recorded_at;
        if let EventData::FillChecked(data) = &mut event.data
            && data.decision == Decision::Allowed
        {
            let permit = Permit { id: event.id, expires_at: at.plus_seconds(600), max_fill_g: 14_900 };
            data.permit = Some(permit);
            bottle.permit = event.id;
            let scale_id: ScaleId = data.scale_id;
            let operator_id = data.operator_id.context("an operator")?;
            let index = self.world.posts().position(|p| p.scale_id == scale_id).context("a scale")?;
            let version = self.permits[index].map_or(1, |row| row.version + 1);
            self.permits[index] = Some(ScalePermitRow {
                scale_id,
                permit_id: event.id,
                cylinder_id: bottle.cylinder.id,
                operator_id,
                expires_at: permit.expires_at,
                version,
            });
        }
        bottle.cylinder.apply(&event);
        self.push(bottle, event, made)
    }

    /// Gives an event its place.
    fn push(&mut self, bottle: &mut Bottle, event: NewEvent, made: &mut Made) -> Result<()> {
        self.log_index += 1;
        bottle.version += 1;
        let (kind, data) = event.data.to_stored()?;
        let position = Position { log_index: self.log_index, seq: bottle.version, prev_hash: bottle.head };
        let data = data.to_string();
        let sealed = seal(event, &kind, &data, position)?;
        bottle.head = sealed.hash;
        made.events.push(EventRow::new(&sealed, kind, data));
        Ok(())
    }
}

/// Ids that a script of pgbench can compute too; the label of cylinder 42 is 00000042.
pub fn cylinder_id(number: u64) -> CylinderId {
    CylinderId::from_uuid(uuid::Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number),
    ))
}

fn scan(bottle: &Bottle) -> ScanRecord {
    ScanRecord {
        entry: Entry::Scanned,
        status: CodeStatus::Bound,
        label_id: Some(bottle.cylinder.label.id.clone()),
        text: None,
        foreign_host: None,
    }
}
