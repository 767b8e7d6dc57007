//! The year goes by: every step becomes a command to the ledger, many at once, under a clock that is moved by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cast::Cast;
use super::city::{Calendar, Cylinder};
use super::plan::Step;
use super::{Chance, DemoError};
use crate::app::App;
use crate::clock::ManualClock;
use crate::db::backend;
use crate::db::conn::{Conn, DatabaseUrl};
use crate::domain::event::{Event, EventData};
use crate::domain::instant::Instant;
use crate::error::Code;
use crate::ledger::Command;

pub(super) type Result<T> = std::result::Result<T, DemoError>;

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
    pub(super) fn wave(&mut self, commands: Vec<Box<dyn Command>>) -> Result<Vec<Arc<Event>>> {
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
    pub(super) fn keep(&self, cylinder: &mut Cylinder, event: &Event) -> Result<()> {
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
}
