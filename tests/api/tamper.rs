//! Somebody with full rights on the database alters it: verification finds every alteration and names the first bad event.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use pingma::db::conn::{Conn, DatabaseUrl};
use pingma::ledger::verify::{Report, verify};
use pingma::on_backend;
use serde_json::json;

use crate::both;
use crate::soak::count;
use crate::support::cast::{challenge_rate, check, register};
use crate::support::chance::Chance;
use crate::support::{Cast, TestApp};

/// A ledger with every kind of row in it.
async fn a_ledger(app: &TestApp) {
    let cast = Cast::enter(app).await;
    challenge_rate(app, &cast.admin, 0.0).await;
    let agreement = json!({ "distributor_id": cast.distributor.id, "number": "G-1", "valid_from": "2026-01-01", "valid_to": "2026-12-31" });
    app.send("POST /api/v1/supply-agreements", &cast.filler.admin, agreement).await.expect(201);
    for number in 0..4 {
        let made = register(app, &cast.filler, &format!("T{number:06}")).await;
        let code = made["code"].as_str().expect("a code");
        let allowed = app
            .send("POST /api/v1/fill-checks", &cast.filler.worker, check(code, &cast.filler.scale))
            .await
            .expect(200);
        let permit = allowed["permit"]["id"].as_str().expect("a permit");
        app.clock.advance(60);
        let now = app.now();
        let fill = json!({ "permit_id": permit, "gross_g": 31_300, "started_at": now.plus_seconds(-50), "finished_at": now,
            "postcheck": { "leak": "pass", "valve": "pass", "seal": "pass", "checker_id": cast.filler.checker_id } });
        app.send("POST /api/v1/fills", &cast.filler.worker, fill).await.expect(201);
        let handover = json!({ "code": code, "customer_ref": format!("K-{number}"), "entry": "scanned" });
        let handed = app.send("POST /api/v1/handovers", &cast.distributor.worker, handover).await;
        assert_eq!(handed.expect(200)["decision"], "accepted");
        let foreign = check("https://example.com/x", &cast.filler.scale);
        app.send("POST /api/v1/fill-checks", &cast.filler.worker, foreign).await.expect(200);
    }
    app.verify();
}

fn drop_guards(conn: &mut Conn) {
    let sql = match conn {
        Conn::Sqlite(_) => {
            "PRAGMA foreign_keys = OFF; DROP TRIGGER events_no_update; DROP TRIGGER events_no_delete; \
             DROP TRIGGER events_no_replace; DROP TRIGGER labels_no_delete; DROP TRIGGER labels_no_revival; \
             DROP TRIGGER audit_log_no_update; DROP TRIGGER audit_log_no_delete; DROP TRIGGER audit_log_no_replace;"
        }
        Conn::Postgres(_) => {
            "SET session_replication_role = replica; ALTER TABLE events DISABLE TRIGGER ALL; ALTER TABLE labels DISABLE TRIGGER ALL; \
             ALTER TABLE audit_log DISABLE TRIGGER ALL;"
        }
    };
    conn.batch_execute(sql).expect("the superuser may do anything");
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// A number of the database.
pub fn number(conn: &mut Conn, sql: &str) -> i64 {
    let row: Number = on_backend!(conn, c => diesel::sql_query(sql).get_result(c)).expect(sql);
    row.n
}

#[derive(QueryableByName)]
struct Word {
    #[diesel(sql_type = Text)]
    w: String,
}

fn word(conn: &mut Conn, sql: &str) -> String {
    let row: Word = on_backend!(conn, c => diesel::sql_query(sql).get_result(c)).expect(sql);
    row.w
}

/// What is altered, and where that must show: at this event or an earlier place of its chain, or only somewhere.
struct Alteration {
    sql: String,
    at: Option<i64>,
}

/// A column of the events and a value that it does not have.
const EVENT_EDITS: &[(&str, &str)] = &[
    ("id", "#"),
    ("occurred_at", "occurred_at - 1"),
    ("recorded_at", "recorded_at + 1000000"),
    ("actor_id", "#"),
    ("organization_id", "#"),
    ("site_id", "#"),
    ("district_code", "'110000'"),
    ("kind", "CASE kind WHEN 'lost' THEN 'recovered' ELSE 'lost' END"),
    ("decision", "CASE WHEN decision = 'refused' THEN 'allowed' ELSE 'refused' END"),
    ("alert", "NOT alert"),
    ("data", "replace(data, '\":', '\": ')"),
    ("data", "replace(data, '1', '2')"),
    ("data", "'{}'"),
    ("data", "substr(data, 1, length(data) - 1)"),
    ("prev_hash", "@"),
    ("hash", "@"),
    ("idempotency_key", "coalesce(idempotency_key, '') || 'x'"),
    ("idempotency_route", "coalesce(idempotency_route, '') || 'x'"),
    ("body_digest", "@"),
    ("idempotency_key", "CASE WHEN idempotency_key IS NULL THEN 'x' END"),
    ("stream_id", "#"),
    ("stream_kind", "CASE stream_kind WHEN 'cylinder' THEN 'site' ELSE 'cylinder' END"),
    ("stream_seq", "stream_seq + 100"),
    ("log_index", "log_index + 100"),
];

fn hex(chance: &mut Chance, bytes: usize) -> String {
    (0..bytes).map(|_| format!("{:02x}", chance.bits() & 255)).collect()
}

fn bytes(conn: &Conn, hex: &str) -> String {
    match conn {
        Conn::Sqlite(_) => format!("x'{hex}'"),
        Conn::Postgres(_) => format!("'\\x{hex}'::bytea"),
    }
}

fn alter_event(conn: &mut Conn, chance: &mut Chance, nth: usize, last: i64) -> Alteration {
    let place = i64::try_from(chance.below(usize::try_from(last).expect("small"))).expect("small") + 1;
    let (column, value) = EVENT_EDITS[nth % EVENT_EDITS.len()];
    let value =
        value.replace('#', &bytes(conn, &hex(chance, 16))).replace('@', &bytes(conn, &hex(chance, 32)));
    Alteration {
        sql: format!("UPDATE events SET {column} = {value} WHERE log_index = {place}"),
        at: Some(place),
    }
}

/// Two events change places or contents, or rows vanish; the first place that this touches.
fn alter_order(conn: &mut Conn, chance: &mut Chance, last: i64) -> Alteration {
    let span = usize::try_from(last - 2).expect("some events");
    let a = i64::try_from(chance.below(span)).expect("small") + 1;
    let b = a + 1 + i64::from(chance.one_in(2));
    match chance.below(5) {
        0 => Alteration { sql: format!("DELETE FROM events WHERE log_index = {a}"), at: Some(a) },
        1 => Alteration {
            sql: format!("DELETE FROM events WHERE log_index > {a}; UPDATE ledger_head SET log_index = {a}"),
            at: None,
        },
        2 => Alteration {
            sql: format!(
                "UPDATE events SET log_index = -1 WHERE log_index = {a}; UPDATE events SET log_index = {a} WHERE log_index = {b}; \
                 UPDATE events SET log_index = {b} WHERE log_index = -1"
            ),
            at: Some(a),
        },
        3 => {
            let other = word(conn, &format!("SELECT data AS w FROM events WHERE log_index = {b}"))
                .replace('\'', "''");
            Alteration {
                sql: format!("UPDATE events SET data = '{other}' WHERE log_index = {a}"),
                at: Some(a),
            }
        }
        // The last one, with the head moved back: only its own chain still tells.
        _ => Alteration {
            sql: format!(
                "DELETE FROM events WHERE log_index = {last}; UPDATE ledger_head SET log_index = {}",
                last - 1
            ),
            at: None,
        },
    }
}

/// What stands beside the events.
const OTHERS: &[&str] = &[
    "UPDATE cylinders SET state = replace(state, '\"scrapped\":false', '\"scrapped\":true') WHERE #",
    "UPDATE cylinders SET state = replace(state, '14900', '14901') WHERE #",
    "UPDATE cylinders SET state = '{}' WHERE #",
    "UPDATE cylinders SET version = version + 1 WHERE #",
    "UPDATE cylinders SET head_hash = @ WHERE #",
    "DELETE FROM cylinders WHERE #",
    "UPDATE labels SET status = 'revoked' WHERE #label",
    "DELETE FROM labels WHERE #label",
    "UPDATE labels SET id = '00000000' WHERE #label",
    "UPDATE labels SET cylinder_id = (SELECT max(id) FROM cylinders), status = 'revoked' WHERE #label",
    "UPDATE fills SET net_g = net_g + 1 WHERE #fill",
    "UPDATE fills SET status = 'held' WHERE #fill",
    "DELETE FROM fills WHERE #fill",
    "UPDATE ledger_head SET log_index = log_index + 1",
    "UPDATE ledger_head SET log_index = log_index - 1",
    "UPDATE event_private SET data = replace(data, 'K-', 'L-') WHERE #private",
    "UPDATE event_private SET salt = @short WHERE #private",
    "UPDATE streams SET seq = seq + 1",
    "UPDATE streams SET head_hash = @",
    "DELETE FROM streams",
    "UPDATE cylinders SET registration_code = 'XXXXXXXX' WHERE #",
    "UPDATE cylinders SET model = 'X' WHERE #",
    "UPDATE cylinders SET district_code = '110000' WHERE #",
    "UPDATE cylinders SET status = 'lost' WHERE #",
    "UPDATE labels SET key_id = 'Z' WHERE #label",
    "UPDATE fills SET gross_g = gross_g + 1 WHERE #fill",
    "UPDATE fills SET finished_at = finished_at + 1 WHERE #fill",
    "UPDATE scale_permits SET expires_at = expires_at + 1",
    "DELETE FROM scale_permits",
];

fn alter_other(conn: &mut Conn, chance: &mut Chance, nth: usize) -> Alteration {
    let offset = chance.below(4);
    let one = |table: &str, id: &str| {
        format!("{id} = (SELECT {id} FROM {table} ORDER BY {id} LIMIT 1 OFFSET {offset})")
    };
    // On PostgreSQL there is no min() of bytes before 18.
    let sql = OTHERS[nth % OTHERS.len()]
        .replace("(SELECT max(id) FROM cylinders)", "(SELECT id FROM cylinders ORDER BY id DESC LIMIT 1)")
        .replace("@short", &bytes(conn, &hex(chance, 16)))
        .replace('@', &bytes(conn, &hex(chance, 32)))
        .replace("#label", &one("labels", "id"))
        .replace("#fill", &one("fills", "id"))
        .replace("#private", &one("event_private", "event_id"))
        .replace('#', &one("cylinders", "id"));
    Alteration { sql, at: None }
}

fn report(conn: &mut Conn) -> Report {
    verify(conn, &mut |_, _| {}).expect("an altered ledger can be read all the same")
}

/// The first event that is named as bad. Where a chain lost its end, its last event is named because the cylinder's row
/// does not fit it; that event is good.
fn first_bad(report: &Report) -> Option<i64> {
    let bad = report.problems.iter().find(|problem| !problem.what.starts_with("the stored"));
    bad.and_then(|problem| problem.log_index)
}

/// Alterations that are tried: in the short run and in the long one.
const COUNT: (usize, usize) = (128, 500);

/// The tables that are altered.
const TABLES: [&str; 10] = [
    "events",
    "cylinders",
    "labels",
    "fills",
    "ledger_head",
    "event_private",
    "streams",
    "scale_permits",
    "audit_log",
    "audit_head",
];

fn keep(conn: &mut Conn) {
    for table in TABLES {
        let sql = format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}");
        conn.batch_execute(&sql).expect("a copy");
    }
}

fn put_back(conn: &mut Conn) {
    for table in TABLES {
        let sql = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}");
        conn.batch_execute(&sql).expect("as it was");
    }
}

fn forget_kept(conn: &mut Conn) {
    for table in TABLES {
        conn.batch_execute(&format!("DROP TABLE kept_{table}")).expect("a copy");
    }
}

both! {
    async fn every_alteration_is_found(app) {
        a_ledger(&app).await;
        let mut chance = Chance::new(60);
        let mut conn = app.conn();
        drop_guards(&mut conn);
        keep(&mut conn);
        let last = number(&mut conn, "SELECT log_index AS n FROM ledger_head");
        for nth in 0..count(COUNT.0, COUNT.1) {
            let altered = match nth % 8 {
                0..=3 => alter_event(&mut conn, &mut chance, nth / 8 * 4 + nth % 8, last),
                4 | 5 => alter_order(&mut conn, &mut chance, last),
                _ => alter_other(&mut conn, &mut chance, nth / 8 * 2 + nth % 2),
            };
            conn.batch_execute(&altered.sql).unwrap_or_else(|error| panic!("{}: {error}", altered.sql));
            let found = report(&mut conn);
            assert!(!found.is_clean(), "not found: {}", altered.sql);
            if let Some(at) = altered.at {
                assert_eq!(first_bad(&found), Some(at), "{}: {:#?}", altered.sql, found.problems);
            }
            put_back(&mut conn);
        }
        assert!(report(&mut conn).is_clean(), "everything was put back");
    }
}

/// Alterations of the file itself.
const FILE_COUNT: (usize, usize) = (40, 500);

/// One bit of an event's stored bytes is another, or the file ends early; what to call it.
fn alter_file(bytes: &mut Vec<u8>, needles: &[Vec<u8>], chance: &mut Chance) -> String {
    if chance.one_in(10) {
        let keep = bytes.len() - 4_096 * (1 + chance.below(4)) - chance.below(4_096);
        bytes.truncate(keep);
        return format!("cut to {keep} bytes");
    }
    let needle = &needles[chance.below(needles.len())];
    let (byte, bit) = (chance.below(needle.len()), chance.below(8));
    // Wherever it stands: a page keeps remains of rows that moved, which nobody reads.
    let found = |(at, part): (usize, &[u8])| (part == needle).then_some(at);
    let places: Vec<usize> = bytes.windows(needle.len()).enumerate().filter_map(found).collect();
    for at in &places {
        bytes[at + byte] ^= 1 << bit;
    }
    format!("bit {bit} of byte {byte} from {places:?} on")
}

#[derive(QueryableByName)]
struct Stored {
    #[diesel(sql_type = diesel::sql_types::Binary)]
    hash: Vec<u8>,
    #[diesel(sql_type = Text)]
    data: String,
}

/// Somebody with a hex editor: what verification can't even read is found too.
#[actix_web::test]
async fn every_alteration_of_the_file_is_found() {
    let app = TestApp::sqlite();
    a_ledger(&app).await;
    let DatabaseUrl::Sqlite(path) = app.settings.database.clone() else { unreachable!("a SQLite file") };
    let mut conn = app.conn();
    // Without what splits of pages left behind, which nobody reads.
    conn.batch_execute("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)").expect("all of it in one file");
    let sql = "SELECT hash, data FROM events ORDER BY log_index";
    let stored: Vec<Stored> =
        on_backend!(&mut conn, c => diesel::sql_query(sql).load(c)).expect("the events");
    let needles: Vec<Vec<u8>> =
        stored.into_iter().flat_map(|row| [row.hash, row.data.into_bytes()]).collect();
    let good = std::fs::read(&path).expect("the file");
    let copy = app.dir().join("copy.db");
    let mut chance = Chance::new(61);
    for _ in 0..count(FILE_COUNT.0, FILE_COUNT.1) {
        let mut bytes = good.clone();
        let what = alter_file(&mut bytes, &needles, &mut chance);
        std::fs::write(&copy, bytes).expect("a copy");
        let url = DatabaseUrl::Sqlite(format!("file:{}?immutable=1", copy.display()));
        let found = url.connect().and_then(|mut conn| verify(&mut conn, &mut |_, _| {}));
        assert!(!found.is_ok_and(|report| report.is_clean()), "not found: {what}");
    }
}

/// What is done to the audit log of `last` entries, and the first entry that must be named.
fn audit_edits(conn: &Conn, last: i64) -> Vec<(String, i64)> {
    let (id, hash) = (bytes(conn, &"5a".repeat(16)), bytes(conn, &"5a".repeat(32)));
    let edits = [
        "seq = seq + 1000".to_owned(),
        "at = at + 1".to_owned(),
        format!("actor_id = {id}"),
        "actor_id = NULL".to_owned(),
        format!("organization_id = {id}"),
        "action = 'write_site'".to_owned(),
        "outcome = 'denied'".to_owned(),
        "route = 'x'".to_owned(),
        "subject = '{}'".to_owned(),
        "subject = replace(subject, ',', ', ')".to_owned(),
        "subject = substr(subject, 2)".to_owned(),
        format!("prev_hash = {hash}"),
        format!("hash = {hash}"),
    ];
    let mut all: Vec<_> =
        edits.into_iter().map(|edit| (format!("UPDATE audit_log SET {edit} WHERE seq = 5"), 5)).collect();
    let cut = format!("DELETE FROM audit_log WHERE seq = {last}");
    all.extend([
        ("DELETE FROM audit_log WHERE seq = 5".to_owned(), 5),
        ("DELETE FROM audit_log WHERE seq = 1".to_owned(), 1),
        ("DELETE FROM audit_log WHERE seq > 3".to_owned(), 4),
        ("DELETE FROM audit_log".to_owned(), 1),
        (cut.clone(), last),
        (format!("{cut}; UPDATE audit_head SET seq = seq - 1"), last - 1),
        (format!("UPDATE audit_head SET hash = {hash}"), last),
        ("UPDATE audit_head SET seq = seq + 1".to_owned(), last + 1),
        ("DELETE FROM audit_head".to_owned(), last),
        (format!("UPDATE audit_log SET actor_id = {} WHERE seq = 7", bytes(conn, "00")), 7),
        (
            "UPDATE audit_log SET seq = -1 WHERE seq = 5; UPDATE audit_log SET seq = 5 WHERE seq = 6; \
             UPDATE audit_log SET seq = 6 WHERE seq = -1"
                .to_owned(),
            5,
        ),
    ]);
    all
}

both! {
    async fn every_alteration_of_the_audit_log_is_found(app) {
        a_ledger(&app).await;
        let mut conn = app.conn();
        drop_guards(&mut conn);
        keep(&mut conn);
        let last = number(&mut conn, "SELECT seq AS n FROM audit_head");
        assert!(last > 20, "{last}");
        for (sql, at) in audit_edits(&conn, last) {
            conn.batch_execute(&sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
            let found = report(&mut conn);
            let first = found.problems.first().and_then(|problem| problem.audit_seq);
            assert_eq!(first, Some(at), "{sql}: {:#?}", found.problems);
            put_back(&mut conn);
        }
        assert!(report(&mut conn).is_clean(), "everything was put back");
    }
}

both! {
    async fn events_that_were_cut_off_are_said_to_be_missing(app) {
        a_ledger(&app).await;
        let mut conn = app.conn();
        drop_guards(&mut conn);
        let last = number(&mut conn, "SELECT log_index AS n FROM ledger_head");
        // One chain is a cylinder's, the other a station's.
        for kind in ["cylinder", "site"] {
            keep(&mut conn);
            let sql = format!("SELECT max(log_index) AS n FROM events WHERE stream_kind = '{kind}'");
            let cut = number(&mut conn, &sql);
            conn.batch_execute(&format!("DELETE FROM events WHERE log_index = {cut}")).expect("cut");
            let found = report(&mut conn);
            let says = |words: &str| found.problems.iter().any(|problem| problem.what.contains(words));
            assert!(says("but this is its last event: those after it are missing"), "{found:#?}");
            assert!(says(&format!("its head says {last}; the first that is missing is event {cut}")), "{found:#?}");
            put_back(&mut conn);
            forget_kept(&mut conn);
        }
        assert!(report(&mut conn).is_clean(), "everything was put back");
    }
}

both! {
    async fn a_value_that_can_not_be_read_is_named(app) {
        a_ledger(&app).await;
        let mut conn = app.conn();
        drop_guards(&mut conn);
        let sql = format!("UPDATE events SET actor_id = {} WHERE log_index = 5", bytes(&conn, "00"));
        conn.batch_execute(&sql).expect("an id of one byte");
        let found = report(&mut conn);
        assert_eq!(found.problems.first().and_then(|problem| problem.log_index), Some(5), "{found:#?}");
    }
}

both! {
    async fn what_is_kept_apart_may_be_deleted(app) {
        a_ledger(&app).await;
        let mut conn = app.conn();
        assert_eq!(number(&mut conn, "SELECT count(*) AS n FROM event_private"), 4);
        conn.batch_execute("DELETE FROM event_private").expect("it may go");
        app.verify();
    }
}

both! {
    async fn the_database_itself_refuses(app) {
        a_ledger(&app).await;
        let mut conn = app.conn();
        for sql in [
            "UPDATE events SET alert = NOT alert",
            "DELETE FROM events WHERE log_index = 1",
            "DELETE FROM labels",
            "UPDATE audit_log SET at = 0",
            "DELETE FROM audit_log WHERE seq = 1",
        ] {
            assert!(conn.batch_execute(sql).is_err(), "{sql}");
        }
        app.verify();
    }
}
