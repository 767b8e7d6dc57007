//! The chain of the audit log: one text per entry, SHA-256 over it, the hash of the entry before it inside. Made like the
//! chains of events ([`super::chain`]), and verified with them.

use serde_json::{Value, json};

use super::chain::GENESIS;
use super::verify::{Problem, Report};
use crate::db::DbError;
use crate::db::audit_log::{self as db, AuditRow};
use crate::db::conn::Conn;
use crate::digest::{hex, sha256};
use crate::domain::audit::Act;

/// Entries per page.
const PAGE: i64 = 2_000;

/// The bytes that are hashed: a version line, then JSON with sorted keys and no blanks.
fn canonical(row: &AuditRow, subject: &Value) -> Vec<u8> {
    let body = json!({
        "seq": row.seq,
        "at": row.at,
        "actor_id": row.actor_id,
        "organization_id": row.organization_id,
        "action": row.action,
        "outcome": row.outcome,
        "route": row.route,
        "subject": subject,
        "prev_hash": hex(&row.prev_hash),
    });
    format!("pingma audit 1\n{body}").into_bytes()
}

/// Writes an act behind the others, in the transaction of its effect. Let it be the last statement: from here to the commit
/// nobody else gets on with an act of theirs.
///
/// # Errors
/// The database.
pub fn append(conn: &mut Conn, act: &Act) -> Result<(), DbError> {
    let (last, prev_hash) = db::lock_head(conn)?;
    let mut row = AuditRow {
        seq: last + 1,
        at: act.at,
        actor_id: act.who.actor_id,
        organization_id: act.who.organization_id,
        action: act.action.clone(),
        outcome: act.outcome,
        route: act.route.clone(),
        subject: act.subject.to_string(),
        prev_hash,
        hash: Vec::new(),
    };
    row.hash = sha256(&[&canonical(&row, &act.subject)]).to_vec();
    row.append(conn)
}

/// Walks the log and holds its end against its head.
///
/// # Errors
/// The database. A stored value that can't be read is no error here but a finding.
pub(super) fn verify(conn: &mut Conn, report: &mut Report) -> Result<(), DbError> {
    let mut walk = Walk { seq: 0, hash: GENESIS.to_vec() };
    loop {
        let page = match db::after(conn, walk.seq, PAGE) {
            Err(DbError::Corrupt(what)) => {
                let seq = first_unreadable(conn, walk.seq)?;
                let what = format!("a stored value can't be read ({what}); the rest was not verified");
                report.add(problem(seq, what));
                return Ok(());
            }
            page => page?,
        };
        if page.is_empty() {
            break;
        }
        for row in page {
            walk.take(row, report);
        }
    }
    let head = db::head(conn)?;
    if head.as_ref() != Some(&(walk.seq, walk.hash)) {
        let says = head.map_or(0, |(seq, _)| seq);
        let what = if says > walk.seq {
            format!("the head says {says} entries: those from {} on are missing", walk.seq + 1)
        } else {
            format!("the head, no. {says}, is not the last entry")
        };
        report.add(problem(Some(walk.seq + 1).filter(|seq| *seq <= says).or(Some(walk.seq)), what));
    }
    Ok(())
}

struct Walk {
    seq: i64,
    hash: Vec<u8>,
}

impl Walk {
    fn take(&mut self, row: AuditRow, report: &mut Report) {
        report.audit_entries += 1;
        if row.seq != self.seq + 1 {
            report.add(problem(Some(self.seq + 1), "it is missing"));
        } else if row.prev_hash != self.hash {
            report.add(problem(Some(row.seq), "it does not name the hash of the entry before it"));
        }
        if let Err(what) = check(&row) {
            report.add(problem(Some(row.seq), what));
        }
        self.seq = row.seq;
        self.hash = row.hash;
    }
}

fn check(row: &AuditRow) -> Result<(), String> {
    let subject: Value = serde_json::from_str(&row.subject).map_err(|_| "its subject is no JSON")?;
    let canonical_subject = subject.to_string();
    if canonical_subject != row.subject {
        return Err("its subject is not in canonical form".to_owned());
    }
    let hash = sha256(&[&canonical(row, &subject)]);
    if hash[..] == row.hash[..] {
        Ok(())
    } else {
        Err(format!("its hash is {}, its content says {}", hex(&row.hash), hex(&hash)))
    }
}

fn first_unreadable(conn: &mut Conn, after: i64) -> Result<Option<i64>, DbError> {
    let places = db::places_after(conn, after, PAGE)?;
    Ok(places.into_iter().find(|place| db::after(conn, place - 1, 1).is_err()))
}

fn problem(seq: Option<i64>, what: impl Into<String>) -> Problem {
    Problem { log_index: None, stream_id: None, seq: None, audit_seq: seq, what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::Outcome;

    #[test]
    fn the_hash_of_a_known_entry_stays_what_it_is() {
        // Whoever makes this fail has changed the format of every audit log in the world: give it a new version line instead.
        let row = AuditRow {
            seq: 7,
            at: "2026-06-15T04:00:00.000001Z".parse().unwrap(),
            actor_id: Some("01900000-0000-7000-8000-000000000003".parse().unwrap()),
            organization_id: None,
            action: "write_license".to_owned(),
            outcome: Outcome::Done,
            route: "PATCH /api/v1/licenses/{id}".to_owned(),
            subject: r#"{"a":"许可"}"#.to_owned(),
            prev_hash: vec![0xab; 32],
            hash: Vec::new(),
        };
        let text = canonical(&row, &json!({ "a": "许可" }));
        let known = concat!(
            "pingma audit 1\n",
            r#"{"action":"write_license","actor_id":"01900000-0000-7000-8000-000000000003","at":"2026-06-15"#,
            r#"T04:00:00.000001Z","organization_id":null,"outcome":"done","prev_hash":"abababababababababab"#,
            r#"abababababababababababababababababababababab","route":"PATCH /api/v1/licenses/{id}","seq":7,"#,
            r#""subject":{"a":"许可"}}"#,
        );
        assert_eq!(String::from_utf8(text).unwrap(), known);
    }
}
