//! Verification: walks every chain, works out every hash and every cylinder's state again, and holds them against what is stored.

use std::collections::BTreeMap;

use serde_json::Value;

use super::chain::{GENESIS, Position, canonical, hex, sha256};
use crate::db::DbError;
use crate::db::audit::{self as db, StoredCylinder};
use crate::db::conn::Conn;
use crate::db::facts::EventRow;
use crate::db::tx::read_tx;
use crate::domain::cylinder::{BoundLabel, Cylinder, LabelStatus};
use crate::domain::event::{Event, EventData, FillStatus, Stream};
use crate::domain::id::{EventId, StreamId};
use crate::domain::label_code::LabelId;

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
    /// What does not agree.
    pub what: String,
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
    /// What does not agree, by place in the ledger.
    pub problems: Vec<Problem>,
}

impl Report {
    /// Whether all agrees.
    pub fn is_clean(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn about(&mut self, row: &EventRow, what: impl Into<String>) {
        self.add(Problem {
            log_index: Some(row.log_index),
            stream_id: Some(row.stream_id),
            seq: Some(row.stream_seq),
            what: what.into(),
        });
    }
}

/// Verifies everything in one snapshot; may run beside a live server. `progress` hears how many events were read of how many.
///
/// # Errors
/// The database.
pub fn verify(conn: &mut Conn, progress: &mut dyn FnMut(i64, i64)) -> Result<Report, DbError> {
    read_tx(conn, |conn| {
        let counts = db::counts(conn)?;
        let mut report = Report::default();
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
                    done.finish(conn, &mut report)?;
                }
                if let Some(chain) = &mut chain {
                    chain.take(conn, &row, &mut report)?;
                }
            }
            progress(report.events, counts.events);
        }
        if let Some(done) = chain {
            done.finish(conn, &mut report)?;
        }
        check_counts(conn, counts, &mut report)?;
        report.problems.sort();
        // Problems without a place sort first; the first bad event is what people ask for.
        report.problems.sort_by_key(|p| p.log_index.unwrap_or(i64::MAX));
        Ok(report)
    })
}

fn check_counts(conn: &mut Conn, counts: db::Counts, report: &mut Report) -> Result<(), DbError> {
    let whole = |log_index, what: String| Problem { log_index, stream_id: None, seq: None, what };
    if counts.events != counts.last || counts.last != counts.head || (counts.events > 0 && counts.first != 1)
    {
        let missing = first_missing(conn, counts)?;
        let what = format!(
            "the ledger has {} events, its highest place is {}, its head says {}",
            counts.events, counts.last, counts.head
        );
        report.add(whole(missing, what));
    }
    if counts.cylinders != report.cylinders {
        let what = format!("{} cylinders are stored, {} have a chain", counts.cylinders, report.cylinders);
        report.add(whole(None, what));
    }
    if counts.streams != report.station_chains {
        let what =
            format!("{} station chains are stored, {} have events", counts.streams, report.station_chains);
        report.add(whole(None, what));
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
    labels: BTreeMap<LabelId, LabelStatus>,
    fills: BTreeMap<EventId, (i32, FillStatus)>,
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
            labels: BTreeMap::new(),
            fills: BTreeMap::new(),
        }
    }

    fn take(&mut self, conn: &mut Conn, row: &EventRow, report: &mut Report) -> Result<(), DbError> {
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
        let Some(cylinder) = &mut self.cylinder else {
            return;
        };
        cylinder.apply(new);
        if let Some(old) = before.filter(|old| old.id != cylinder.label.id) {
            self.labels.insert(old.id, LabelStatus::Revoked);
        }
        self.labels.insert(cylinder.label.id.clone(), cylinder.label.status);
        if let Some(fill) = &cylinder.last_fill {
            self.fills.insert(fill.id, (fill.net_g, fill.status));
        }
    }

    fn finish(self, conn: &mut Conn, report: &mut Report) -> Result<(), DbError> {
        let mut problems = Vec::new();
        if self.is_cylinder {
            report.cylinders += 1;
            let stored = db::stored_cylinder(conn, self.id.cast())?;
            self.compare(&stored, &mut problems);
        } else {
            report.station_chains += 1;
            if db::stored_stream(conn, self.id)? != Some((self.seq, self.hash.to_vec())) {
                problems.push("the stored head of the chain is not its last event");
            }
        }
        for what in problems {
            report.add(Problem {
                log_index: Some(self.last_place),
                stream_id: Some(self.id),
                seq: Some(self.seq),
                what: what.to_owned(),
            });
        }
        Ok(())
    }

    fn compare(&self, stored: &StoredCylinder, problems: &mut Vec<&'static str>) {
        let state = self.cylinder.as_ref().and_then(|c| serde_json::to_value(c).ok()).map(|v| v.to_string());
        match &stored.row {
            None => problems.push("the cylinder of the chain is not stored"),
            Some((text, version, head)) => {
                if Some(text) != state.as_ref() {
                    problems.push("the stored state of the cylinder is not what its events say");
                }
                if *version != self.seq || head[..] != self.hash[..] {
                    problems.push("the stored head of the chain is not its last event");
                }
            }
        }
        if !stored.labels.iter().map(|(id, status)| (id, status)).eq(self.labels.iter()) {
            problems.push("the stored labels are not what the events say");
        }
        let fills = self.fills.iter().map(|(id, (net_g, status))| (*id, *net_g, *status));
        if !stored.fills.iter().copied().eq(fills) {
            problems.push("the stored fills are not what the events say");
        }
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
    let hash = sha256(&canonical(&event.event, &row.kind, &data, position));
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
    let agrees = hex(&sha256(&bytes)) == data.private_commitment;
    Ok(if agrees { Ok(()) } else { Err("what is kept apart is not what it committed to") })
}
