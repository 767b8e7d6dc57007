//! The database goes away, is locked, is full, is read-only: an honest 503 with `Retry-After`, nothing half-written, and work
//! goes on by itself when it comes back.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use pingma::db::conn::{Conn, DatabaseUrl};
use pingma::on_backend;
use serde_json::json;

use crate::support::app::{Ask, Reply};
use crate::support::cast::{challenge_rate, check, cylinder, register};
use crate::support::{Cast, TestApp};

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn events(conn: &mut Conn) -> i64 {
    let sql = "SELECT count(*) AS n FROM events";
    let row: Number = on_backend!(conn, c => diesel::sql_query(sql).get_result(c)).expect(sql);
    row.n
}

#[track_caller]
fn assert_unavailable(reply: &Reply) {
    assert_eq!(reply.problem(503), "unavailable");
    let wait = reply.headers.get("retry-after").and_then(|v| v.to_str().ok());
    let wait: u32 = wait.and_then(|text| text.parse().ok()).expect("it says when to come back");
    assert!((1..=60).contains(&wait));
}

fn keyed_check(cast: &Cast, code: &str, key: &str) -> Ask {
    Ask {
        line: "POST /api/v1/fill-checks".to_owned(),
        auth: Some(cast.filler.worker.clone()),
        key: Some(key.to_owned()),
        body: Some(check(code, &cast.filler.scale)),
        ..Ask::default()
    }
}

async fn a_cylinder(app: &TestApp) -> (Cast, String) {
    let cast = Cast::enter(app).await;
    challenge_rate(app, &cast.admin, 0.0).await;
    let made = register(app, &cast.filler, "A0000001").await;
    let code = made["code"].as_str().expect("a code").to_owned();
    (cast, code)
}

/// Ends every other connection to the database, as a restart of the server does.
fn cut_all(conn: &mut Conn) {
    conn.batch_execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .expect("the superuser may");
}

#[actix_web::test]
async fn postgres_connections_are_cut_again_and_again() {
    let app = TestApp::postgres();
    let (cast, code) = a_cylinder(&app).await;
    let mut conn = app.conn();
    for round in 0..12 {
        cut_all(&mut conn);
        let key = format!("cut-{round}");
        let read = app.get(&format!("/api/v1/cylinders/{code}"), &cast.filler.admin).await;
        match read.status {
            200 => assert_eq!(read.json()["status"], "in_service"),
            _ => assert_unavailable(&read),
        }
        let wrote = app.ask(keyed_check(&cast, &code, &key)).await;
        match wrote.status {
            200 => assert_eq!(wrote.json()["decision"], "allowed"),
            _ => assert_unavailable(&wrote),
        }
        let mut answers = Vec::new();
        for _ in 0..6 {
            let again = app.ask(keyed_check(&cast, &code, &key)).await;
            if again.status == 200 {
                answers.push(again.json());
            } else {
                assert_unavailable(&again);
            }
        }
        assert!(answers.len() >= 2, "round {round}: it works again by itself");
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "one key, one answer");
    }
    assert_eq!(events(&mut conn), 13, "one event for the cylinder and one for every key");
    app.verify();
}

/// Calls and cuts at the same time: what was answered is there, once.
#[actix_web::test]
async fn postgres_connections_are_cut_under_calls() {
    let app = TestApp::postgres();
    let (cast, code) = a_cylinder(&app).await;
    let before = events(&mut app.conn());
    let settings = app.settings.clone();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let cutter = std::thread::spawn(move || {
        let mut conn = settings.database.connect().expect("the database answers");
        for _ in 0..3_000 {
            cut_all(&mut conn);
            let pause = std::time::Duration::from_millis(20);
            if stopped.recv_timeout(pause) != Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                break;
            }
        }
    });
    let mut acknowledged = Vec::new();
    for number in 0..80 {
        let key = format!("under-{number}");
        let reply = app.ask(keyed_check(&cast, &code, &key)).await;
        match reply.status {
            200 => acknowledged.push((key, reply.json())),
            _ => assert_unavailable(&reply),
        }
    }
    stop.send(()).expect("it still cuts");
    cutter.join().expect("it ended well");
    let mut good = 0;
    for _ in 0..20 {
        good = if app.get("/api/v1/me", &cast.admin).await.status == 200 { good + 1 } else { 0 };
    }
    assert!(good >= 3, "it came back");
    for (key, body) in &acknowledged {
        let mut again = app.ask(keyed_check(&cast, &code, key)).await;
        for _ in 0..5 {
            if again.status == 200 {
                break;
            }
            again = app.ask(keyed_check(&cast, &code, key)).await;
        }
        assert_eq!(again.expect(200), *body);
        assert!(again.headers.contains_key("idempotency-replayed"), "{key} was acknowledged");
    }
    let made = usize::try_from(events(&mut app.conn()) - before).expect("more");
    assert!(made >= acknowledged.len() && made <= 80, "{made} events, {} answers", acknowledged.len());
    app.verify();
}

#[actix_web::test]
async fn a_locked_sqlite_file_is_503_and_then_works() {
    let app = TestApp::sqlite();
    let (cast, code) = a_cylinder(&app).await;
    let mut other = app.conn();
    other.batch_execute("BEGIN IMMEDIATE").expect("the lock");
    let reply = app.ask(keyed_check(&cast, &code, "locked")).await;
    assert_unavailable(&reply);
    let read = app.get(&format!("/api/v1/cylinders/{code}"), &cast.filler.admin).await;
    read.expect(200);
    other.batch_execute("ROLLBACK").expect("the lock goes");
    assert_eq!(events(&mut other), 1, "nothing half-written");
    let again = app.ask(keyed_check(&cast, &code, "locked")).await;
    assert_eq!(again.expect(200)["decision"], "allowed");
    assert!(!again.headers.contains_key("idempotency-replayed"), "nothing had happened");
    assert_eq!(events(&mut other), 2);
    app.verify();
}

#[actix_web::test]
async fn a_read_only_sqlite_file_is_503_for_writes_and_reads_work() {
    let app = TestApp::sqlite();
    let (cast, code) = a_cylinder(&app).await;
    let DatabaseUrl::Sqlite(path) = app.settings.database.clone() else { unreachable!("a SQLite file") };
    let mut settings = app.settings.clone();
    // What a file without write permission does, also to a superuser.
    settings.database = DatabaseUrl::Sqlite(format!("file:{path}?mode=ro"));
    let read_only = app.beside(settings, 11);
    assert_unavailable(&read_only.ask(keyed_check(&cast, &code, "ro")).await);
    let policy = json!({ "value": 0.5, "effective_on": "2026-06-15", "reason": "for a test" });
    let line = "PUT /api/v1/policies/stamp_challenge_rate";
    assert_unavailable(&read_only.send(line, &cast.admin, policy).await);
    read_only.get(&format!("/api/v1/cylinders/{code}"), &cast.filler.admin).await.expect(200);
    read_only.get("/api/v1/me", &cast.admin).await.expect(200);
    assert_eq!(events(&mut app.conn()), 1);
    app.verify();
}

/// A disk that is full fails some statement in the middle of a transaction. So does this trigger, after the head of the ledger
/// and the cylinder's row were written in it, and without taking these back itself. What it does not show is SQLite's own
/// handling of a full disk, which SQLite's tests do.
#[actix_web::test]
async fn a_full_disk_is_503_and_leaves_nothing_half_written() {
    let app = TestApp::sqlite();
    let (cast, code) = a_cylinder(&app).await;
    let mut other = app.conn();
    other
        .batch_execute(
            "CREATE TRIGGER full_disk BEFORE INSERT ON events BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END",
        )
        .expect("a trigger");
    assert_unavailable(&app.ask(keyed_check(&cast, &code, "full")).await);
    let line = "POST /api/v1/cylinders";
    let new = cylinder(&cast.filler.id, "A0000002");
    assert_unavailable(&app.send(line, &cast.filler.admin, new.clone()).await);
    app.verify();
    app.get(&format!("/api/v1/cylinders/{code}"), &cast.filler.admin).await.expect(200);
    other.batch_execute("DROP TRIGGER full_disk").expect("there is room again");
    app.ask(keyed_check(&cast, &code, "full")).await.expect(200);
    app.send(line, &cast.filler.admin, new).await.expect(201);
    app.verify();
}
