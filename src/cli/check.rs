//! `pingma check` and `pingma history`: a cylinder, from a terminal on the server.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{CliError, Output, connect, parts, print, words};
use crate::app::public::{Standing, look_up};
use crate::app::query::{in_words, resolve};
use crate::auth::keyring::Keyring;
use crate::config::Settings;
use crate::db::history;
use crate::db::registry::Page;
use crate::digest::hex;
use crate::domain::id::CylinderId;
use crate::domain::instant::Moment;
use crate::domain::said::Lang;
use crate::error::Error;

/// A cylinder.
#[derive(Debug, Args)]
pub(crate) struct Reference {
    /// Label code, scanned address, typed id with its check character; for a history also an id, reg:… or stamp:….
    code: String,
    /// Answer in Chinese.
    #[arg(long)]
    zh: bool,
}

/// Most events that a terminal shows.
const EVENTS: i64 = 200;

impl Reference {
    fn lang(&self) -> Lang {
        if self.zh { Lang::Zh } else { Lang::En }
    }

    /// A no in the language of the command; what is no answer stays what it is.
    fn no(&self, error: Error) -> CliError {
        if error.code.class().is_no_answer() {
            return error.into();
        }
        CliError::No(error.words(self.lang()).to_owned())
    }

    fn names_no_label(&self) -> bool {
        ["reg:", "stamp:"].iter().any(|begin| self.code.starts_with(begin))
            || self.code.parse::<CylinderId>().is_ok()
    }

    /// What speaks against the cylinder, whoever fills it wherever. Exit 1 if anything refuses.
    pub(crate) fn check(&self, settings: &Settings, json: bool) -> Result<ExitCode, CliError> {
        if self.names_no_label() {
            let asked =
                "check judges a label: give its code, its address or its typed id; a history takes this too";
            return Err(CliError::Usage(asked.to_owned()));
        }
        let mut conn = connect(settings)?;
        let keys = Keyring::load(&settings.key_file()?)?;
        let now = Moment::new(parts().clock.now(), settings.time_zone);
        let record = look_up(&mut conn, &keys, &self.code, now, i64::from(settings.clock_gap_days.get()))
            .map_err(|error| self.no(error))?;
        let findings = in_words(&record.findings, self.lang());
        let standing = record.standing();
        let lawful = matches!(standing, Standing::Lawful | Standing::Caution);
        let mut text = words::standing(standing, self.lang()).to_owned();
        for finding in &findings {
            let severity = words::severity(finding.severity, self.lang());
            let _ = write!(text, "\n{severity:7} {}  {}", finding.rule, finding.message);
        }
        if record.held {
            let _ = write!(text, "\n{}", words::held(self.lang()));
        }
        if lawful {
            let _ = write!(text, "\n{}", words::left_to_the_gate(self.lang()));
        }
        print(
            &Output::new(
                text,
                json!({ "lawful": lawful, "standing": standing, "held": record.held, "findings": findings }),
            ),
            json,
        )?;
        Ok(if lawful { ExitCode::SUCCESS } else { ExitCode::from(1) })
    }

    /// What happened to the cylinder, newest first.
    pub(crate) fn history(&self, settings: &Settings) -> Result<Output, CliError> {
        let mut conn = connect(settings)?;
        let keys = Keyring::load(&settings.key_file()?)?;
        let target = resolve(&mut conn, &keys, &self.code, None).map_err(|error| self.no(error))?;
        let events = history::of_cylinder(&mut conn, target.id, 1, &Page { after: None, limit: EVENTS })?;
        let mut text = String::new();
        let mut rows = Vec::new();
        for row in events {
            let event = row.read()?;
            let new = &event.event;
            let (kind, data) = new.data.to_stored().map_err(crate::db::DbError::corrupt)?;
            let hash = hex(&event.hash);
            let short = hash.get(..12).unwrap_or_default();
            let what = words::event(&new.data, self.lang());
            let at = new.occurred_at.utc().with_timezone(&settings.time_zone);
            let _ = writeln!(text, "{:>8}  {}  {short}  {what}", event.log_index, at.format("%F %T %Z"));
            for finding in in_words(new.data.findings(), self.lang()) {
                let severity = words::severity(finding.severity, self.lang());
                let _ = writeln!(text, "          {severity} {}: {}", finding.rule, finding.message);
            }
            rows.push(json!({
                "log_index": event.log_index, "cylinder_seq": event.seq, "kind": kind, "data": data,
                "occurred_at": new.occurred_at, "recorded_at": new.recorded_at, "hash": hash,
            }));
        }
        Ok(Output::new(text, json!({ "cylinder_id": target.id, "items": rows })))
    }
}
