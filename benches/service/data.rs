//! The data of the benchmarks: fillers at work, and cylinders with a history, written straight into the tables as the ledger
//! would have written them. `pingma verify` accepts the result.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use pingma::auth::keyring::Keyring;
use pingma::clock::{Clock, IdGen, SystemClock, SystemIds};
use pingma::db::append::{self as db, CylinderColumns};
use pingma::db::conn::{Conn, DatabaseUrl};
use pingma::db::facts::{CylinderRow, EventRow, FillRow, LabelRow, ScalePermitRow};
use pingma::db::tx::transaction;
use pingma::domain::cylinder::{Custody, CustodyKind, Cylinder, Stamp};
use pingma::domain::event::{
    CodeStatus, Decision, EventData, FillChecked, FillRecorded, FillStatus, Handover, Idempotency, NewEvent,
    Permit, Registered, Returned, ScanRecord,
};
use pingma::domain::id::{CylinderId, EventId, ScaleId};
use pingma::domain::instant::Instant;
use pingma::domain::label_code::{Entry, LabelId};
use pingma::domain::stream::Stream;
use pingma::ledger::chain::{GENESIS, Position, seal};
use serde_json::json;

use crate::world::{Filler, Post, World};

/// Cylinders whose events are mixed with one another, as those of a station's day are.
const BLOCK: u64 = 5_000;
/// Every so manyth cylinder has a long history.
const LONG_EVERY: u64 = 100;
/// Rounds from filling to filling: four events each, one before the first and one after the last.
const ROUNDS: u64 = 2;
const ROUNDS_OF_LONG: u64 = 14;
/// Days in which it all happened.
const DAYS: i64 = 360;

/// How many events so many cylinders have.
pub fn events_of(cylinders: u64) -> u64 {
    let long = cylinders.div_ceil(LONG_EVERY);
    (cylinders - long) * (2 + 4 * ROUNDS) + long * (2 + 4 * ROUNDS_OF_LONG)
}

/// Writes so many cylinders, and the codes of some of them into `codes`: one line each, `code filler cylinder long`.
pub fn write(
    database: &DatabaseUrl,
    keys: &Keyring,
    world: &World,
    cylinders: u64,
    codes: &Path,
) -> Result<()> {
    let mut conn = database.connect()?;
    let now = SystemClock.now();
    let progress = ProgressBar::new(events_of(cylinders));
    progress.set_style(ProgressStyle::with_template(
        "{elapsed_precise} {bar:40} {human_pos}/{human_len} events, {eta} left",
    )?);
    let mut writer = Generator {
        ids: Box::new(SystemIds),
        keys,
        world,
        began: now.plus_seconds(-DAYS * 86_400),
        step_micros: DAYS * 86_400_000_000 / i64::try_from(events_of(cylinders))?.max(1),
        log_index: 0,
        permits: vec![None; world.posts().count()],
    };
    let sample_every = cylinders.div_ceil(200_000).max(1);
    let mut lines = String::new();
    let mut number = 0;
    while number < cylinders {
        let block = number..(number + BLOCK).min(cylinders);
        number = block.end;
        let made = writer.block(block)?;
        transaction::<_, anyhow::Error>(&mut conn, |conn| made.insert(conn)).map_err(|e| anyhow!("{e:?}"))?;
        progress.set_position(u64::try_from(writer.log_index)?);
        for (n, bottle) in made.bottles.iter().filter(|(n, _)| n % sample_every == 0 || n % LONG_EVERY == 0) {
            let code = keys.tag(&bottle.cylinder.label.id, bottle.cylinder.label.key_id).context("a tag")?;
            let long = u8::from(n % LONG_EVERY == 0);
            lines.push_str(&format!("{code} {} {} {long}\n", bottle.filler, bottle.cylinder.id));
        }
    }
    transaction::<_, anyhow::Error>(&mut conn, |conn| {
        db::take_places(conn, writer.log_index, Some(now.plus_seconds(-60)))?;
        let permits: Vec<_> = writer.permits.iter().flatten().map(|permit| (*permit, None)).collect();
        Ok(db::put_scale_permits(conn, &permits)?)
    })
    .map_err(|e| anyhow!("{e:?}"))?;
    progress.finish();
    std::fs::write(codes, lines)?;
    Ok(())
}

struct Bottle {
    filler: usize,
    cylinder: Cylinder,
    version: i64,
    head: [u8; 32],
    permit: EventId,
}

/// What a block comes to.
#[derive(Default)]
struct Made {
    bottles: Vec<(u64, Bottle)>,
    events: Vec<EventRow>,
    fills: Vec<FillRow>,
}

/// PostgreSQL takes 65 535 values in a statement; an event has twenty.
const ROWS_AT_ONCE: usize = 2_000;

impl Made {
    fn insert(&self, conn: &mut Conn) -> Result<()> {
        let at = self.events.last().context("events")?.recorded_at;
        for part in self.bottles.chunks(ROWS_AT_ONCE) {
            let rows = part.iter().map(|(_, b)| {
                CylinderColumns::new(&CylinderRow {
                    cylinder: b.cylinder.clone(),
                    version: b.version,
                    head_hash: b.head,
                    seen_in: crate::world::DISTRICT.parse().map_err(|_| pingma::db::DbError::Conflict)?,
                })
            });
            db::insert_cylinders(conn, &rows.collect::<Result<Vec<_>, _>>()?)?;
            let labels = part.iter().map(|(_, b)| LabelRow {
                id: b.cylinder.label.id.clone(),
                key_id: b.cylinder.label.key_id.to_string(),
                cylinder_id: b.cylinder.id,
                status: b.cylinder.label.status,
            });
            db::insert_labels(conn, &labels.collect::<Vec<_>>(), at)?;
        }
        for part in self.events.chunks(ROWS_AT_ONCE) {
            db::insert_events(conn, part)?;
        }
        for part in self.fills.chunks(ROWS_AT_ONCE) {
            db::insert_fills(conn, part)?;
        }
        Ok(())
    }
}

struct Generator<'a> {
    ids: Box<dyn IdGen>,
    keys: &'a Keyring,
    world: &'a World,
    began: Instant,
    step_micros: i64,
    log_index: i64,
    /// The newest permit of each post's scale.
    permits: Vec<Option<ScalePermitRow>>,
}

impl Generator<'_> {
    fn at(&self) -> Instant {
        Instant::from_micros(self.began.micros() + self.log_index * self.step_micros)
    }

    fn block(&mut self, numbers: std::ops::Range<u64>) -> Result<Made> {
        let mut made = Made::default();
        for number in numbers {
            let bottle = self.register(number, &mut made)?;
            made.bottles.push((number, bottle));
        }
        for round in 0..ROUNDS_OF_LONG {
            for step in 0..4 {
                let mut bottles = std::mem::take(&mut made.bottles);
                for (number, bottle) in &mut bottles {
                    if round < ROUNDS || *number % LONG_EVERY == 0 {
                        self.step(step, *number, bottle, &mut made)?;
                    }
                }
                made.bottles = bottles;
            }
        }
        let mut bottles = std::mem::take(&mut made.bottles);
        for (number, bottle) in &mut bottles {
            let data = self.checked(*number, bottle, Decision::Refused)?;
            self.record(bottle, data, &mut made)?;
        }
        made.bottles = bottles;
        Ok(made)
    }

    fn filler(&self, index: usize) -> Result<&Filler> {
        self.world.fillers.get(index).context("a filler")
    }

    fn post(&self, number: u64, filler: usize) -> Result<(usize, &Post)> {
        let posts = &self.filler(filler)?.posts;
        let nth = usize::try_from(number / 16)? % posts.len();
        Ok((filler * posts.len() + nth, posts.get(nth).context("a post")?))
    }

    fn register(&mut self, number: u64, made: &mut Made) -> Result<Bottle> {
        let filler = usize::try_from(number)? % self.world.fillers.len();
        let id = cylinder_id(number);
        let label: LabelId = format!("{number:08}").parse().map_err(|e| anyhow!("{e:?}"))?;
        let code = self.keys.mint(&label);
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

    fn step(&mut self, step: u8, number: u64, bottle: &mut Bottle, made: &mut Made) -> Result<()> {
        let data = match step {
            0 => self.checked(number, bottle, Decision::Allowed)?,
            1 => return self.fill(number, bottle, made),
            2 => EventData::HandedOver(Handover {
                scan: scan(bottle),
                worker_id: Some(self.filler(bottle.filler)?.worker_id),
                private_commitment: "0".repeat(64),
                findings: Vec::new(),
                stale: false,
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
                })
            }
        };
        self.record(bottle, data, made)
    }

    fn checked(&mut self, number: u64, bottle: &Bottle, decision: Decision) -> Result<EventData> {
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
