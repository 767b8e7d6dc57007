//! The year goes by: every step becomes a command to the ledger, many at once, under a clock that is moved by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::cast::{Cast, Person, Station, read};
use super::city::{Calendar, Cylinder};
use super::plan::{Bench, Reading, Record, Shown, Step, Visit};
use super::{Chance, DAYS, DemoError};
use crate::app::App;
use crate::app::custody::{Empty, HandOver, TakeBack};
use crate::app::cylinder::{RegisterCylinder, ReplaceLabel};
use crate::app::fill::{CheckFill, RecordFill, ReweighFill};
use crate::app::inspection::{ExtendLife, RecordInspection, Scrap};
use crate::app::registry::propose_owner_change;
use crate::app::scan::ScannedCode;
use crate::app::standing::{ApproveOwnerChange, Change, ChangeStanding};
use crate::app::target::Target;
use crate::auth::permission::Action;
use crate::clock::{Clock, ManualClock};
use crate::db::backend;
use crate::db::conn::{Conn, DatabaseUrl};
use crate::domain::event::{CheckResult, Decision, Documented, Event, EventData, Postcheck};
use crate::domain::id::{EventId, ScaleId};
use crate::domain::instant::Instant;
use crate::domain::label_code::{Entry, LabelCode};
use crate::domain::value::{MassG, Number};
use crate::error::Code;
use crate::ledger::Command;

type Result<T> = std::result::Result<T, DemoError>;

/// Commands that are handed in before the first answer is waited for.
const WAVE: usize = 256;
/// Hours of history between two checkpoints of an embedded database.
const CHECKPOINT_EVERY: usize = 40;

/// The year, as it is written.
pub(super) struct Year<'a> {
    pub app: &'a App,
    pub clock: &'a ManualClock,
    pub calendar: &'a Calendar,
    pub cast: &'a Cast,
    pub chance: &'a Chance,
    pub database: &'a DatabaseUrl,
    pub events: usize,
}

/// A visit on its way: which cylinder, on which scale, and the permit once there is one.
struct Turn<'a> {
    index: usize,
    visit: Visit,
    station: &'a Station,
    scale_id: ScaleId,
    operator: &'a Person,
    scale_g: i64,
    permit_id: Option<EventId>,
}

impl<'a> Year<'a> {
    /// Lives through the year, and ends shortly before `now`.
    pub fn live(
        &mut self,
        cylinders: &mut [Cylinder],
        now: Instant,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<()> {
        let mut hours: BTreeMap<(i64, i64), Vec<(usize, Step)>> = BTreeMap::new();
        for (index, cylinder) in cylinders.iter().enumerate() {
            for (day, hour, step) in &cylinder.plan {
                hours.entry((*day, *hour)).or_default().push((index, *step));
            }
        }
        let total = hours.values().map(Vec::len).sum();
        let mut done = 0;
        let mut keeper = match self.database {
            DatabaseUrl::Sqlite(_) => Some(self.database.connect()?),
            DatabaseUrl::Postgres(_) => None,
        };
        for (n, ((day, hour), steps)) in hours.into_iter().enumerate() {
            self.clock.set(self.calendar.at(day, hour * 3_600));
            done += steps.len();
            self.hour(cylinders, day, steps)?;
            if n % CHECKPOINT_EVERY == 0
                && let Some(Conn::Sqlite(sqlite)) = &mut keeper
            {
                backend::sqlite::checkpoint(sqlite)?;
            }
            progress(done, total);
        }
        self.clock.set(now.plus_seconds(-60));
        Ok(())
    }

    fn hour(&mut self, cylinders: &mut [Cylinder], day: i64, steps: Vec<(usize, Step)>) -> Result<()> {
        let mut visits = Vec::new();
        let mut singles: Vec<(usize, Box<dyn Command>)> = Vec::new();
        for (index, step) in steps {
            let cylinder = cylinders.get_mut(index).ok_or(DemoError::Missing("a cylinder"))?;
            match step {
                Step::Visit(visit) => visits.push((index, visit)),
                step => singles.push((index, self.command(cylinder, day, step)?)),
            }
        }
        let (indices, commands): (Vec<_>, Vec<_>) = singles.into_iter().unzip();
        let events = self.wave(commands)?;
        for (index, event) in indices.into_iter().zip(events) {
            if let Some(cylinder) = cylinders.get_mut(index) {
                self.keep(cylinder, &event)?;
            }
        }
        self.visits(cylinders, visits)
    }

    /// Hands in many commands before it waits for the first, so that they share commits.
    fn wave(&mut self, commands: Vec<Box<dyn Command>>) -> Result<Vec<Arc<Event>>> {
        let mut events = Vec::with_capacity(commands.len());
        let mut commands = commands.into_iter().peekable();
        while commands.peek().is_some() {
            let waiting: Vec<_> = commands
                .by_ref()
                .take(WAVE)
                .map(|command| self.app.writer.submit(command))
                .collect::<crate::error::Result<_>>()?;
            for answer in waiting {
                let receipt = answer.blocking_recv().unwrap_or_else(|_| Err(Code::Unavailable.into()))?;
                events.push(receipt.event);
            }
        }
        self.events += events.len();
        Ok(events)
    }

    /// Remembers what later steps need.
    fn keep(&self, cylinder: &mut Cylinder, event: &Event) -> Result<()> {
        let (label_id, key_id) = match &event.event.data {
            EventData::Registered(data) => {
                cylinder.id = event.event.stream.cylinder();
                (&data.label_id, data.key_id)
            }
            EventData::LabelBound(data) => (&data.label_id, data.key_id),
            EventData::FillRecorded(_) => {
                cylinder.last_fill = Some(event.event.id);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let code = self.app.keyring.tag(label_id, key_id);
        cylinder.old_code = std::mem::replace(&mut cylinder.code, code);
        Ok(())
    }

    fn station(&self, cylinder: &Cylinder) -> Result<&'a Station> {
        self.cast.stations.get(cylinder.home).ok_or(DemoError::Missing("a station"))
    }

    fn scan(&self, cylinder: &Cylinder, shown: Shown) -> Result<ScannedCode> {
        let code = match shown {
            Shown::Old => cylinder.old_code.as_ref(),
            _ => cylinder.code.as_ref(),
        };
        let code = code.ok_or(DemoError::Missing("a label"))?;
        let text = match shown {
            Shown::Own | Shown::Old => code.url(&self.app.public_url),
            Shown::Forged => forged(code).url(&self.app.public_url),
            Shown::OtherQr => format!("https://u.example.cn/pay?id={}", cylinder.customer),
        };
        Ok(ScannedCode::read(&text, Entry::Scanned, &self.app.keyring))
    }

    fn command(&self, cylinder: &mut Cylinder, day: i64, step: Step) -> Result<Box<dyn Command>> {
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

    /// Rounds at the scales: every scale has one cylinder at a time.
    fn visits(&mut self, cylinders: &mut [Cylinder], visits: Vec<(usize, Visit)>) -> Result<()> {
        let mut queues: [Vec<(usize, Visit)>; 3] = [Vec::new(), Vec::new(), Vec::new()];
        for (index, visit) in visits {
            let home = cylinders.get(index).map_or(0, |c| c.home);
            let place = if visit.bench == Bench::Home { home } else { 0 };
            if let Some(queue) = queues.get_mut(place) {
                queue.push((index, visit));
            }
        }
        while queues.iter().any(|queue| !queue.is_empty()) {
            let mut round = Vec::new();
            for (station, queue) in self.cast.stations.iter().zip(&mut queues) {
                let take = queue.len().min(station.scales.len());
                for ((index, visit), scale_id) in queue.drain(..take).zip(&station.scales) {
                    let cylinder = cylinders.get(index).ok_or(DemoError::Missing("a cylinder"))?;
                    round.push(self.turn(index, cylinder, visit, station, *scale_id));
                }
            }
            self.round(cylinders, round)?;
        }
        Ok(())
    }

    fn turn(
        &self,
        index: usize,
        cylinder: &Cylinder,
        visit: Visit,
        station: &'a Station,
        scale_id: ScaleId,
    ) -> Turn<'a> {
        let empty_g = cylinder.empty_g(self.chance);
        let tare_g = i64::from(cylinder.stamp.tare_g.get());
        Turn {
            index,
            visit,
            station,
            scale_id: if visit.bench == Bench::ExpiredScale { self.cast.expired_scale } else { scale_id },
            operator: if visit.bench == Bench::Uncertified {
                &self.cast.uncertified
            } else {
                &station.operator
            },
            scale_g: match visit.reading {
                Reading::Empty => empty_g,
                Reading::TooLight => tare_g - 1_800,
                Reading::HalfFull => tare_g + i64::from(cylinder.stamp.max_fill_g.get()) * 7 / 10,
            },
            permit_id: None,
        }
    }

    fn round(&mut self, cylinders: &mut [Cylinder], mut turns: Vec<Turn<'a>>) -> Result<()> {
        let checks = turns.iter().map(|turn| self.check(cylinders, turn, false)).collect::<Result<_>>()?;
        let events = self.wave(checks)?;
        let mut asked = Vec::new();
        for (n, (turn, event)) in turns.iter_mut().zip(&events).enumerate() {
            turn.permit_id = permit(event);
            if decision(event) == Some(Decision::Challenged) {
                asked.push(n);
            }
        }
        if !asked.is_empty() {
            self.clock.advance(20);
            let again = asked
                .iter()
                .filter_map(|n| turns.get(*n))
                .map(|turn| self.check(cylinders, turn, true))
                .collect::<Result<_>>()?;
            let events = self.wave(again)?;
            for (n, event) in asked.iter().zip(&events) {
                if let Some(turn) = turns.get_mut(*n) {
                    turn.permit_id = permit(event);
                }
            }
        }
        self.clock.advance(110);
        self.fills(cylinders, &turns, |record| !matches!(record, Record::None | Record::Late))?;
        if turns.iter().any(|turn| turn.visit.record == Record::Late) {
            self.clock.advance(700);
            self.fills(cylinders, &turns, |record| record == Record::Late)?;
        }
        self.clock.advance(60);
        Ok(())
    }

    fn check(&self, cylinders: &[Cylinder], turn: &Turn<'_>, answers: bool) -> Result<Box<dyn Command>> {
        let cylinder = cylinders.get(turn.index).ok_or(DemoError::Missing("a cylinder"))?;
        let valve = if turn.visit.valve_fails { "fail" } else { "pass" };
        let stamp_digits = match (turn.visit.wrong_stamp, answers) {
            (true, _) => Some("XXXX".to_owned()),
            (false, true) => Some(cylinder.stamp.challenge_answer()),
            (false, false) => None,
        };
        Ok(Box::new(CheckFill {
            call: turn.operator.call(),
            code: self.scan(cylinder, turn.visit.shown)?,
            scale_id: turn.scale_id,
            scale_g: Some(mass(turn.scale_g)?),
            stamp_digits,
            precheck: read(json!({ "body": "pass", "valve": valve, "shroud": "pass", "foot_ring": "pass",
                "markings": "pass", "color": "pass", "residual_pressure": "pass" }))?,
            captured_at: None,
        }))
    }

    fn fills(
        &mut self,
        cylinders: &mut [Cylinder],
        turns: &[Turn<'_>],
        wanted: fn(Record) -> bool,
    ) -> Result<()> {
        let mut indices = Vec::new();
        let mut commands: Vec<Box<dyn Command>> = Vec::new();
        let now = self.clock.now();
        for turn in turns.iter().filter(|turn| wanted(turn.visit.record)) {
            let (Some(permit_id), Some(cylinder)) = (turn.permit_id, cylinders.get(turn.index)) else {
                continue;
            };
            let full_g = i64::from(cylinder.stamp.tare_g.get() + cylinder.stamp.max_fill_g.get());
            let gross_g = match turn.visit.record {
                Record::Over => full_g + 260,
                Record::Short => full_g - 1_500,
                _ => full_g - 40 - self.chance.below(300),
            };
            indices.push(turn.index);
            commands.push(Box::new(RecordFill {
                call: turn.operator.call(),
                permit_id,
                gross_g: mass(gross_g)?,
                started_at: now.plus_seconds(-85),
                finished_at: now.plus_seconds(-15),
                seal_no: read(json!(format!("F{:07}", self.events + commands.len())))?,
                postcheck: (turn.visit.record != Record::NoPostcheck).then(|| passed(turn.station)),
            }));
        }
        let events = self.wave(commands)?;
        for (index, event) in indices.into_iter().zip(events) {
            if let Some(cylinder) = cylinders.get_mut(index) {
                self.keep(cylinder, &event)?;
            }
        }
        Ok(())
    }
}

fn mass(grams: i64) -> Result<MassG> {
    MassG::new(grams).map_err(|_| DemoError::Missing("a mass within bounds"))
}

fn passed(station: &Station) -> Postcheck {
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

fn decision(event: &Event) -> Option<Decision> {
    event.event.data.decision()
}

fn permit(event: &Event) -> Option<EventId> {
    match &event.event.data {
        EventData::FillChecked(data) => data.permit.map(|permit| permit.id),
        _ => None,
    }
}

/// The same code with the last character of its tag changed.
pub(super) fn forged(code: &LabelCode) -> LabelCode {
    let mut tag = code.tag.clone();
    let last = if tag.pop() == Some('0') { '1' } else { '0' };
    tag.push(last);
    LabelCode { tag, ..code.clone() }
}
