//! `pingma verify`

use std::fmt::Write as _;
use std::io::IsTerminal;
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use super::{CliError, Output, connect, print};
use crate::config::Settings;
use crate::db::conn::Conn;
use crate::ledger::verify::{Report, verify};

/// Problems that a terminal shows.
const SHOWN: usize = 20;

/// A bar on a terminal, nothing elsewhere.
pub(crate) fn progress(what: &'static str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_message(what)
}

/// Verifies; exit 1 and the first bad event if anything was altered.
pub(crate) fn run(settings: &Settings, json: bool) -> Result<ExitCode, CliError> {
    let report = walk(&mut connect(settings)?)?;
    print(&Output::new(words(&report), json!(report)), json)?;
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// Walks everything, with a bar.
fn walk(conn: &mut Conn) -> Result<Report, CliError> {
    let bar = progress("verifying");
    let report = verify(conn, &mut |done, all| {
        bar.set_length(u64::try_from(all).unwrap_or(0));
        bar.set_position(u64::try_from(done).unwrap_or(0));
    })?;
    bar.finish_and_clear();
    Ok(report)
}

/// Verifies a copy, which must be whole.
pub(super) fn must_be_whole(conn: &mut Conn, what: &str) -> Result<(), CliError> {
    let report = walk(conn)?;
    if report.is_clean() { Ok(()) } else { Err(CliError::No(format!("{what}: {}", words(&report)))) }
}

fn words(report: &Report) -> String {
    let mut text = format!(
        "{} events, {} cylinders, {} station chains, {} audit entries: ",
        report.events, report.cylinders, report.station_chains, report.audit_entries
    );
    if report.is_clean() {
        text.push_str("nothing was altered");
        return text;
    }
    let _ = write!(text, "ALTERED, {} problems", report.problems.len());
    for problem in report.problems.iter().take(SHOWN) {
        if let Some(seq) = problem.audit_seq {
            let _ = write!(text, "\n  audit entry {seq}: {}", problem.what);
            continue;
        }
        let place = problem.log_index.map_or_else(|| "?".to_owned(), |index| index.to_string());
        let chain = problem.stream_id.map(|id| format!(" chain {id}")).unwrap_or_default();
        let seq = problem.seq.map(|seq| format!(" no. {seq}")).unwrap_or_default();
        let _ = write!(text, "\n  event {place}{chain}{seq}: {}", problem.what);
    }
    text
}
