//! `pingma backup`: a copy of a SQLite database beside a running server.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::verify::must_be_whole;
use super::{CliError, Output, connect};
use crate::config::Settings;
use crate::db::audit::{Reached, reached};
use crate::db::backend::sqlite::{copy_into, look_into};
use crate::db::conn::{Conn, DatabaseUrl};
use crate::digest::hex;
use crate::files;

/// `pingma backup FILE`
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to make.
    file: PathBuf,
    /// Replace the file if it exists.
    #[arg(long)]
    force: bool,
    /// Do not verify the copy.
    #[arg(long)]
    no_verify: bool,
    /// Copy the key file too, to FILE.keys. Whoever has both can forge labels.
    #[arg(long)]
    with_keys: bool,
}

/// Beside a backup lie its keys under this name.
pub(super) const KEYS: &str = ".keys";

/// Both commands are for SQLite only.
pub(super) fn refuse_postgres(database: &DatabaseUrl) -> Result<&Path, CliError> {
    match database {
        DatabaseUrl::Sqlite(path) => Ok(Path::new(path)),
        DatabaseUrl::Postgres(_) => Err(CliError::Usage(
            "a PostgreSQL database is backed up and restored by its own tools: see docs/operations.md and \
             scripts/backup-postgres.sh"
                .to_owned(),
        )),
    }
}

/// Nothing may lie there unless it may be replaced.
pub(super) fn refuse_existing(path: &Path, force: bool) -> Result<(), CliError> {
    if !force && path.symlink_metadata().is_ok() {
        return Err(CliError::No(format!("{} exists; --force replaces it", path.display())));
    }
    Ok(())
}

/// Where it reaches, for machines.
pub(super) fn described(reached: &Reached) -> Value {
    json!({
        "events": reached.events,
        "log_index": reached.log_index,
        "head_hash": reached.head_hash.as_deref().map(hex),
        "audit_seq": reached.audit_seq,
        "audit_hash": reached.audit_hash.as_deref().map(hex),
    })
}

/// The same in words.
pub(super) fn words(reached: &Reached) -> String {
    let hash = |hash: &Option<Vec<u8>>| hash.as_deref().map_or_else(|| "none".to_owned(), hex);
    format!(
        "{} events up to {}, hash {}\n{} audit entries, hash {}",
        reached.events,
        reached.log_index,
        hash(&reached.head_hash),
        reached.audit_seq,
        hash(&reached.audit_hash)
    )
}

/// An existing file is told like one that was there from the beginning.
pub(super) fn placed(done: io::Result<()>, path: &Path) -> Result<(), CliError> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => refuse_existing(path, false),
        other => Ok(other?),
    }
}

impl Backup {
    pub(crate) fn run(self, settings: &Settings, as_json: bool) -> Result<Output, CliError> {
        refuse_postgres(&settings.database)?;
        let keys = files::beside(&self.file, KEYS);
        refuse_existing(&self.file, self.force)?;
        if self.with_keys {
            refuse_existing(&keys, self.force)?;
        }
        let reached = self.copy(settings)?;
        if self.with_keys {
            // After the database: keys are only ever added, so these open every label in the copy.
            placed(files::copy_private(&settings.key_file()?, &keys, self.force), &keys)?;
        }
        let mut said = described(&reached);
        if let Some(members) = said.as_object_mut() {
            members.insert("file".to_owned(), self.file.to_string_lossy().into());
            members.insert("verified".to_owned(), (!self.no_verify).into());
            members.insert("keys".to_owned(), self.with_keys.then(|| keys.to_string_lossy()).into());
        }
        let text = if as_json { String::new() } else { self.text(settings, &reached)? };
        Ok(Output::new(text, said))
    }

    /// Makes the copy under a name of its own, verifies it there, and gives it its place when it is on the disk.
    fn copy(&self, settings: &Settings) -> Result<Reached, CliError> {
        let part = files::begin(&self.file)?;
        if let Conn::Sqlite(source) = &mut connect(settings)? {
            copy_into(source, part.path())?;
        }
        let mut copy = Conn::Sqlite(look_into(part.path())?);
        if !self.no_verify {
            must_be_whole(&mut copy, "the database is not whole, and no backup was kept")?;
        }
        let reached = reached(&mut copy)?;
        drop(copy);
        placed(files::put(part, &self.file, self.force), &self.file)?;
        Ok(reached)
    }

    fn text(&self, settings: &Settings, reached: &Reached) -> Result<String, CliError> {
        let verified = if self.no_verify { "not verified" } else { "verified: nothing was altered" };
        let keys = if self.with_keys {
            format!("the keys: {}", files::beside(&self.file, KEYS).display())
        } else {
            let keys = settings.key_file()?;
            format!("not in it: the keys, {}. Without them every label is void: keep a copy", keys.display())
        };
        Ok(format!("{}\n{}\n{verified}\n{keys}", self.file.display(), words(reached)))
    }
}
