//! Verification: walks every chain, works out every hash and every cylinder's state again, and holds them against what is stored.

use std::collections::BTreeMap;

use serde_json::Value;

use super::chain::{GENESIS, Position, canonical};
use super::facts::fill_row;
use crate::db::DbError;
use crate::db::append::CylinderColumns;
use crate::db::audit::{self as db, StoredCylinder};
use crate::db::conn::Conn;
use crate::db::facts::{EventRow, FillRow, ScalePermitRow};
use crate::db::tx::read_tx;
use crate::digest::{hex, sha256};
use crate::domain::cylinder::{BoundLabel, Cylinder, LabelStatus};
use crate::domain::district::DistrictCode;
use crate::domain::event::{Event, EventData};
use crate::domain::id::{CylinderId, EventId, ScaleId, StreamId};
use crate::domain::label_code::LabelId;
use crate::domain::stream::Stream;

/// Events per page.
const PAGE: i64 = 2_000;
/// Problems that are kept; there may be more.
const MAX_PROBLEMS: usize = 1_000;

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Problem {
    /// Place in the ledger, as far as one is known.
    pub log_index: Option<i64>,
    /// The chain.
    pub stream_id: Option<StreamId>,
    /// Place in the chain.
    pub seq: Option<i64>,
    /// Place in the audit log, where it is about that.
    pub audit_seq: Option<i64>,
    /// What does not agree.
    pub what: String,
}

impl Problem {
    fn at(log_index: Option<i64>, what: String) -> Self {
        Self { log_index, stream_id: None, seq: None, audit_seq: None, what }
    }
}

/// The result.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Events read.
    pub events: i64,
    /// Cylinders.
    pub cylinders: i64,
    /// Chains of stations and organizations.
    pub station_chains: i64,
    /// Entries of the audit log.
    pub audit_entries: i64,
    /// What does not agree, by place in the ledger.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether all agrees.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    pub(super) fn add(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn about(&mut self, row: &EventRow, what: impl Into<String>) {
        self.add(Problem {
            log_index: Some(row.log_index),
            stream_id: Some(row.stream_id),
            seq: Some(row.stream_seq),
            audit_seq: None,
            what: what.into(),
        });
    }
}

/// Verifies everything in one snapshot; may run beside a live server. `progress` hears how many events were read of how many.
///
/// # Errors
/// The database. A stored value that can't be read is no error here but a finding.
pub fn verify(conn: &mut Conn, progress: &mut dyn FnMut(i64, i64)) -> Result<Report, DbError> {
    read_tx(conn, |conn| {
        let counts = db::counts(conn)?;
        let mut report = Report::default();
        match walk(conn, &mut report, &mut |done| progress(done, counts.events)) {
            Ok(()) => check_counts(conn, counts, &mut report)?,
            Err(DbError::Corrupt(what)) => {
                let log_index = db::first_unreadable(conn, PAGE)?;
                let what = format!("a stored value can't be read ({what}); the rest was not verified");
                report.add(Problem::at(log_index, what));
            }
            Err(other) => return Err(other),
        }
        super::audit::verify(conn, &mut report)?;
        report.problems.sort();
        // Problems without a place sort first; the first bad event is what people ask for.
        report.problems.sort_by_key(|p| p.log_index.unwrap_or(i64::MAX));
        Ok(report)
    })
}

fn walk(conn: &mut Conn, report: &mut Report, progress: &mut dyn FnMut(i64)) -> Result<(), DbError> {
    let mut permits = Permits::default();
    let mut chain: Option<Chain> = None;
    let mut after = None;
    loop {
        let page = db::chain_page(conn, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some((last.stream_id, last.stream_seq));
        for row in page {
            report.events += 1;
            let begins = chain.as_ref().is_none_or(|c| c.id != row.stream_id);
            if begins && let Some(done) = chain.replace(Chain::new(row.stream_id)) {
                done.finish(conn, report)?;
            }
            if let Some(chain) = &mut chain {
                chain.take(conn, &row, report, &mut permits)?;
            }
        }
        progress(report.events);
    }
    if let Some(done) = chain {
        done.finish(conn, report)?;
    }
    permits.compare(&db::stored_scale_permits(conn)?, report);
    Ok(())
}

/// The newest permit of every scale, with the place of the check that gave or showed it.
#[derive(Default)]
struct Permits(BTreeMap<ScaleId, (i64, ScalePermitRow)>);

impl Permits {
    fn take(&mut self, event: &Event) {
        let EventData::FillChecked(data) = &event.event.data else { return };
        let (Some(permit), Some(operator_id), Some(cylinder_id)) =
            (data.permit, data.operator_id, event.event.stream.cylinder())
        else {
            return;
        };
        let row = ScalePermitRow {
            scale_id: data.scale_id,
            permit_id: permit.id,
            cylinder_id,
            operator_id,
            expires_at: permit.expires_at,
            version: 0,
        };
        let newest = self.0.entry(data.scale_id).or_insert((event.log_index, row));
        if event.log_index >= newest.0 {
            *newest = (event.log_index, row);
        }
    }

    fn compare(&self, stored: &[ScalePermitRow], report: &mut Report) {
        let stored: BTreeMap<_, _> =
            stored.iter().map(|row| (row.scale_id, ScalePermitRow { version: 0, ..*row })).collect();
        for (scale, (log_index, row)) in &self.0 {
            if stored.get(scale) != Some(row) {
                let what = format!("the stored newest permit of scale {scale} is not what the events say");
                report.add(Problem::at(Some(*log_index), what));
            }
        }
        for scale in stored.keys().filter(|scale| !self.0.contains_key(scale)) {
            let what = format!("a permit is stored for scale {scale}, but no event gave one");
            report.add(Problem::at(None, what));
        }
    }
}

fn check_counts(conn: &mut Conn, counts: db::Counts, report: &mut Report) -> Result<(), DbError> {
    if counts.events != counts.last || counts.last != counts.head || (counts.events > 0 && counts.first != 1)
    {
        let missing = first_missing(conn, counts)?;
        let first = missing.map(|place| format!("; the first that is missing is event {place}"));
        let what = format!(
            "the ledger has {} events, its highest place is {}, its head says {}{}",
            counts.events,
            counts.last,
            counts.head,
            first.unwrap_or_default()
        );
        report.add(Problem::at(missing, what));
    }
    if counts.cylinders != report.cylinders {
        let what = format!("{} cylinders are stored, {} have a chain", counts.cylinders, report.cylinders);
        report.add(Problem::at(None, what));
    }
    if counts.streams != report.station_chains {
        let what =
            format!("{} station chains are stored, {} have events", counts.streams, report.station_chains);
        report.add(Problem::at(None, what));
    }
    Ok(())
}

fn first_missing(conn: &mut Conn, counts: db::Counts) -> Result<Option<i64>, DbError> {
    let mut expected = 1;
    while expected <= counts.head {
        let page = db::places(conn, expected - 1, PAGE)?;
        if page.is_empty() {
            return Ok(Some(expected));
        }
        for place in page {
            if place != expected {
                return Ok(Some(expected));
            }
            expected += 1;
        }
    }
    Ok(None)
}

/// One chain while it is walked.
struct Chain {
    id: StreamId,
    seq: i64,
    hash: [u8; 32],
    last_place: i64,
    is_cylinder: bool,
    cylinder: Option<Cylinder>,
    seen_in: Option<DistrictCode>,
    labels: BTreeMap<LabelId, (String, LabelStatus)>,
    fills: BTreeMap<EventId, FillRow>,
}

impl Chain {
    fn new(id: StreamId) -> Self {
        Self {
            id,
            seq: 0,
            hash: GENESIS,
            last_place: 0,
            is_cylinder: false,
            cylinder: None,
            seen_in: None,
            labels: BTreeMap::new(),
            fills: BTreeMap::new(),
        }
    }

    fn take(
        &mut self,
        conn: &mut Conn,
        row: &EventRow,
        report: &mut Report,
        permits: &mut Permits,
    ) -> Result<(), DbError> {
        self.is_cylinder = row.stream_kind == "cylinder";
        if row.stream_seq != self.seq + 1 {
            report.about(row, format!("event {} of its chain is missing", self.seq + 1));
        } else if row.prev_hash != self.hash {
            report.about(row, "it does not name the hash of the event before it");
        }
        if row.log_index <= self.last_place {
            report.about(row, "its place is not after the event before it");
        }
        self.seq = row.stream_seq;
        self.last_place = row.log_index;
        self.hash = crate::db::facts::hash(row.hash.clone()).unwrap_or(GENESIS);
        match check_row(row) {
            Ok(event) => {
                self.fold(&event);
                permits.take(&event);
                if let Err(what) = check_private(conn, &event)? {
                    report.about(row, what);
                }
            }
            Err(what) => report.about(row, what),
        }
        Ok(())
    }

    /// Moves the cylinder's state on, and what the tables of labels and fills must say.
    fn fold(&mut self, event: &Event) {
        let new = &event.event;
        let Stream::Cylinder(id) = new.stream else { return };
        let before: Option<BoundLabel> = self.cylinder.as_ref().map(|c| c.label.clone());
        if let EventData::Registered(data) = &new.data {
            self.cylinder = Some(Cylinder::registered(id, new, data));
        }
        let Some(cylinder) = &mut self.cylinder else { return };
        cylinder.apply(new);
        if new.data.shows_where() {
            self.seen_in = Some(new.district_code.clone());
        }
        if let Some(old) = before.filter(|old| old.id != cylinder.label.id) {
            self.labels.insert(old.id, (old.key_id.to_string(), LabelStatus::Revoked));
        }
        let label = &cylinder.label;
        self.labels.insert(label.id.clone(), (label.key_id.to_string(), label.status));
        self.fold_fill(event, id);
    }

    /// What the table of fills must say.
    fn fold_fill(&mut self, event: &Event, id: CylinderId) {
        if let EventData::FillRecorded(data) = &event.event.data {
            let row = FillRow { log_index: event.log_index, ..fill_row(&event.event, data, id) };
            self.fills.insert(row.id, row);
        }
        let last = self.cylinder.as_ref().and_then(|c| c.last_fill.as_ref());
        let Some(row) = last.and_then(|last| self.fills.get_mut(&last.id)) else { return };
        if let EventData::Reweighed(data) = &event.event.data {
            row.gross_g = data.gross_g;
            row.net_g = data.net_g;
        }
        row.status = last.map_or(row.status, |last| last.status);
    }

    fn finish(self, conn: &mut Conn, report: &mut Report) -> Result<(), DbError> {
        let mut problems = Vec::new();
        if self.is_cylinder {
            report.cylinders += 1;
            match db::stored_cylinder(conn, self.id.cast()) {
                Ok(stored) => self.compare(stored, &mut problems),
                Err(DbError::Corrupt(_)) => {
                    let what = "a stored value of the cylinder, its labels or its fills can't be read";
                    problems.push(what.to_owned());
                }
                Err(other) => return Err(other),
            }
        } else {
            report.station_chains += 1;
            let stored = db::stored_stream(conn, self.id)?;
            problems.extend(self.head_problem(stored.as_ref().map(|(seq, hash)| (*seq, hash.as_slice()))));
        }
        for what in problems {
            report.add(Problem {
                log_index: Some(self.last_place),
                stream_id: Some(self.id),
                seq: Some(self.seq),
                audit_seq: None,
                what,
            });
        }
        Ok(())
    }

    /// What the stored head of the chain says against its events. Events that were cut off the end show here.
    fn head_problem(&self, stored: Option<(i64, &[u8])>) -> Option<String> {
        match stored {
            Some((seq, hash)) if seq == self.seq && hash == self.hash => None,
            Some((seq, hash)) if seq > self.seq && hash != self.hash => Some(format!(
                "the stored head of the chain is no. {seq}, but this is its last event: those after it are missing"
            )),
            _ => Some("the stored head of the chain is not its last event".to_owned()),
        }
    }

    /// The row that the events make.
    fn expected(&self) -> Option<CylinderColumns> {
        CylinderColumns::new(self.cylinder.as_ref()?, self.seen_in.as_ref()?, self.seq, &self.hash).ok()
    }

    fn compare(&self, stored: StoredCylinder, problems: &mut Vec<String>) {
        let (Some(row), Some(expected)) = (stored.row, self.expected()) else {
            problems.push("the cylinder of the chain is not stored".to_owned());
            return;
        };
        problems.extend(self.head_problem(Some((row.version, &row.head_hash))));
        let same_state = row.state == expected.state;
        // The rest is compared as a whole, so that no column can be forgotten.
        let same_rest = CylinderColumns {
            state: row.state.clone(),
            version: row.version,
            head_hash: row.head_hash.clone(),
            ..expected
        };
        let labels = self.labels.iter().map(|(id, (key, status))| (id.clone(), key.clone(), *status));
        let agreements = [
            (same_state, "the stored state of the cylinder is not what its events say"),
            (
                row == same_rest,
                "the stored columns by which the cylinder is found are not what its events say",
            ),
            (stored.labels.into_iter().eq(labels), "the stored labels are not what the events say"),
            (stored.fills.iter().eq(self.fills.values()), "the stored fills are not what the events say"),
        ];
        problems.extend(agreements.into_iter().filter(|(agree, _)| !agree).map(|(_, what)| what.to_owned()));
    }
}

/// Works out the hash of one row and reads it.
fn check_row(row: &EventRow) -> Result<Event, String> {
    let data: Value = serde_json::from_str(&row.data).map_err(|_| "its data is no JSON")?;
    let canonical_data = data.to_string();
    if canonical_data != row.data {
        return Err("its data is not in canonical form".to_owned());
    }
    let event = row.clone().read().map_err(|error| error.to_string())?;
    let position = Position { log_index: row.log_index, seq: row.stream_seq, prev_hash: event.prev_hash };
    let hash = sha256(&[
        &canonical(&event.event, &row.kind, &row.data, position).map_err(|error| error.to_string())?
    ]);
    if hash[..] != row.hash[..] {
        return Err(format!("its hash is {}, its content says {}", hex(&row.hash), hex(&hash)));
    }
    let alert = event.event.data.findings().iter().any(|f| f.alert);
    let decision = event.event.data.decision().map(|d| d.as_str());
    if alert != row.alert || decision != row.decision.as_deref() {
        return Err("its columns for decision and alert do not agree with its content".to_owned());
    }
    Ok(event)
}

/// Whether what is kept apart is what the event committed to. Deleted is fine: that is what it is apart for.
fn check_private(conn: &mut Conn, event: &Event) -> Result<Result<(), &'static str>, DbError> {
    let (EventData::HandedOver(data) | EventData::HandoverRefused(data)) = &event.event.data else {
        return Ok(Ok(()));
    };
    let Some((salt, text)) = db::private(conn, event.event.id)? else {
        return Ok(Ok(()));
    };
    let mut bytes = salt;
    bytes.extend_from_slice(text.as_bytes());
    let agrees = hex(&sha256(&[&bytes])) == data.private_commitment;
    Ok(if agrees { Ok(()) } else { Err("what is kept apart is not what it committed to") })
}
