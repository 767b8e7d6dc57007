//! A believable small city with a year of history, written through the same path as everything else: registry entries by the use
//! cases of the office, cylinders by commands to the ledger, under a clock that walks through the year.

mod acts;
mod cast;
mod city;
mod fate;
mod office;
mod plan;
mod rounds;
mod summary;
mod year;

use std::sync::Arc;

use crate::auth::keyring::Keyring;
use crate::clock::{IdGen, ManualClock, SeededIds, SystemIds};
use crate::config::Settings;
use crate::db::DbError;
use crate::db::conn::DatabaseUrl;
use crate::db::migrations;
use crate::db::registry::OrganizationRow;
use crate::domain::instant::Instant;
use crate::error::Error;
use crate::server::{self, Parts, StartError};

pub use summary::Summary;

/// The password of everybody in the city.
pub const PASSWORD: &str = "demo-pingma-2026";
/// Days of history: 52 weeks.
const DAYS: i64 = 364;
/// Seconds in a day.
const DAY_S: i64 = 86_400;

/// Why there is no city.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database has something in it.
    #[error("{0} is not empty: the demo fills a new database only")]
    NotEmpty(String),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The service.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A use case said no.
    #[error("while writing the history: {0}")]
    App(#[from] Error),
    /// The city is described wrongly.
    #[error("the demo's own data: {0}")]
    Data(#[from] serde_json::Error),
    /// The city is described wrongly.
    #[error("the demo's own data: {0}")]
    Missing(&'static str),
}

/// What a city is made from.
#[derive(Debug, Clone, Copy)]
pub struct Recipe {
    /// How many cylinders.
    pub cylinders: usize,
    /// The same seed on the same day gives the same city, but for its keys.
    pub seed: u64,
}

/// Chance that can be had again.
pub(crate) struct Chance(SeededIds);

impl Chance {
    /// From 0 to below `n`.
    fn below(&self, n: i64) -> i64 {
        let ids: &dyn IdGen = &self.0;
        let bytes: [u8; 4] = ids.bytes();
        i64::from(u32::from_be_bytes(bytes)) % n.max(1)
    }

    /// One of them.
    fn pick<T: Copy>(&self, of: &[T]) -> Option<T> {
        let n = i64::try_from(of.len()).unwrap_or(1);
        of.get(usize::try_from(self.below(n)).unwrap_or(0)).copied()
    }
}

/// Fills an empty database with a city, from a year ago until shortly before `now`.
///
/// # Errors
/// See [`DemoError`].
pub fn fill(
    settings: &Settings,
    recipe: Recipe,
    now: Instant,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Summary, DemoError> {
    prepare(&settings.database)?;
    let today = now.date_in(settings.time_zone);
    let start = city::Calendar::new(today, settings.time_zone).at(0, 0);
    // Labels of a city that is left in place must not be foreseeable by its seed.
    let key_file = settings.key_file().map_err(StartError::from)?;
    Keyring::load_or_create(&key_file, &SystemIds, start).map_err(StartError::from)?;
    let clock = Arc::new(ManualClock::new(start));
    let parts =
        Parts { clock: Arc::<ManualClock>::clone(&clock), ids: Arc::new(SeededIds::new(recipe.seed)) };
    let app = server::build(settings, &parts)?;
    let calendar = city::Calendar::new(today, settings.time_zone);
    let chance = Chance(SeededIds::new(recipe.seed.wrapping_add(1)));
    let cast = cast::Cast::enter(&app, &calendar)?;
    let mut cylinders = city::cylinders(recipe.cylinders, &calendar, &cast, &chance)?;
    let mut year = year::Year {
        app: &app,
        clock: &clock,
        calendar: &calendar,
        cast: &cast,
        chance: &chance,
        database: &settings.database,
        events: 0,
    };
    year.live(&mut cylinders, now, progress)?;
    let events = year.events;
    cast.sign_out(&app)?;
    let summary = Summary::new(&app, &cast, &cylinders, events)?;
    app.writer.stop();
    Ok(summary)
}

/// Brings the schema up, after making sure that nothing is in the way.
fn prepare(database: &DatabaseUrl) -> Result<(), DemoError> {
    let mut conn = database.connect()?;
    // On a new database this can't be answered, for there is no table yet.
    if OrganizationRow::by_credit_code(&mut conn, crate::app::registry::PLATFORM_CODE)
        .is_ok_and(|found| found.is_some())
    {
        return Err(DemoError::NotEmpty(database.to_string()));
    }
    migrations::run(&mut conn)?;
    Ok(())
}
