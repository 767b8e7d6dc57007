//! Rounds at the scales: check, answer where the stamp is asked for, fill.

use serde_json::json;

use super::DemoError;
use super::acts::{mass, passed};
use super::cast::{Person, Station};
use super::city::Cylinder;
use super::office::read;
use super::plan::{Bench, Reading, Record, Visit};
use super::year::{Result, Year};
use crate::app::fill::{CheckFill, RecordFill};
use crate::clock::Clock;
use crate::domain::event::{Decision, Event, EventData};
use crate::domain::id::{EventId, ScaleId};
use crate::ledger::Command;

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
    /// Rounds at the scales: every scale has one cylinder at a time.
    pub(super) fn visits(&mut self, cylinders: &mut [Cylinder], visits: Vec<(usize, Visit)>) -> Result<()> {
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

fn decision(event: &Event) -> Option<Decision> {
    event.event.data.decision()
}

fn permit(event: &Event) -> Option<EventId> {
    match &event.event.data {
        EventData::FillChecked(data) => data.permit.map(|permit| permit.id),
        _ => None,
    }
}
