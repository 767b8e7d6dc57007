//! `pingma restore`: a copy takes the place of the database, after it was verified.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::backup::{KEYS, described, placed, refuse_existing, refuse_postgres, words};
use super::verify::must_be_whole;
use super::{CliError, Output, parts};
use crate::app::audit;
use crate::config::Settings;
use crate::db::audit::{Reached, reached};
use crate::db::backend::sqlite::{copy_into, look_into};
use crate::db::conn::DatabaseUrl;
use crate::db::migrations;
use crate::db::tx::write_tx;
use crate::domain::instant::Instant;
use crate::{files, server};

/// `pingma restore FILE`
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The copy.
    file: PathBuf,
    /// Put it in the place of an existing database, which is kept under another name.
    #[arg(long)]
    force: bool,
}

/// What SQLite keeps beside a database.
const WAL: &str = "-wal";
const SHM: &str = "-shm";

impl Restore {
    pub(crate) fn run(self, settings: &Settings, as_json: bool) -> Result<Output, CliError> {
        let place = refuse_postgres(&settings.database)?;
        if !self.file.is_file() {
            return Err(CliError::Usage(format!("{} does not exist", self.file.display())));
        }
        let _lock = server::lock(&settings.database)?;
        for suffix in ["", WAL] {
            refuse_existing(&files::beside(place, suffix), self.force)?;
        }
        let now = parts().clock.now();
        let part = files::begin(place)?;
        let reached = self.prepare(part.path(), now)?;
        let kept = set_aside(place, now)?;
        placed(files::put(part, place, false), place)?;
        let keys = self.keys(settings)?;
        let mut said = described(&reached);
        if let Some(members) = said.as_object_mut() {
            members.insert("database".to_owned(), place.to_string_lossy().into());
            members.insert("kept".to_owned(), kept.as_ref().map(|path| path.to_string_lossy()).into());
            members.insert("keys".to_owned(), keys.0.into());
        }
        let mut text = String::new();
        if !as_json {
            text = format!(
                "{}\n{}\nverified: nothing was altered\n{}",
                place.display(),
                words(&reached),
                keys.1
            );
            if let Some(kept) = kept {
                text.push_str(&format!("\nthe database that was there: {}", kept.display()));
            }
        }
        Ok(Output::new(text, said))
    }

    /// Copies, verifies the copy as it was, and notes the restore in its audit log: whatever came after the backup is
    /// missing from now on, and everybody may know why.
    fn prepare(&self, part: &Path, now: Instant) -> Result<Reached, CliError> {
        copy_into(&mut look_into(&self.file)?, part)?;
        let url = DatabaseUrl::Sqlite(part.to_string_lossy().into_owned());
        let mut conn = url.connect()?;
        if migrations::fit(&mut conn)? == migrations::Fit::Older {
            migrations::run(&mut conn)?;
        }
        migrations::check(&mut conn)?;
        must_be_whole(&mut conn, &format!("{} is not whole, and nothing was restored", self.file.display()))?;
        let reached = reached(&mut conn)?;
        let subject = json!({ "events": reached.events, "log_index": reached.log_index });
        write_tx(&mut conn, |conn| audit::typed(conn, now, "restore", "pingma restore", subject.clone()))?;
        Ok(reached)
    }

    /// The keys come back where there are none; a word for machines and a line for people.
    fn keys(&self, settings: &Settings) -> Result<(&'static str, String), CliError> {
        let (here, copy) = (settings.key_file()?, files::beside(&self.file, KEYS));
        Ok(match (here.exists(), copy.exists()) {
            (true, _) => ("kept", format!("the keys stay as they are: {}", here.display())),
            (false, true) => {
                placed(files::copy_private(&copy, &here, false), &here)?;
                ("restored", format!("the keys came back: {}", here.display()))
            }
            (false, false) => {
                let missing = format!("missing: the keys. Put them to {} before you serve", here.display());
                ("missing", missing)
            }
        })
    }
}

/// Renames the database that is there, and first what SQLite keeps beside it: a log that stayed would be taken for one of the
/// restored database.
fn set_aside(place: &Path, now: Instant) -> Result<Option<PathBuf>, CliError> {
    let kept = files::beside(place, &format!(".before-restore-{}", now.micros()));
    let mut any = false;
    for suffix in [WAL, SHM, ""] {
        let from = files::beside(place, suffix);
        if from.symlink_metadata().is_ok() {
            fs::rename(&from, files::beside(&kept, suffix))?;
            any = true;
        }
    }
    files::sync_directory(place)?;
    Ok(any.then_some(kept))
}
