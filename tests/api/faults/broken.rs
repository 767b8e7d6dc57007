//! A table that can't be read or written, and a commit that fails, on both databases: the way to an error inside a statement.

use diesel::connection::SimpleConnection;
use pingma::db::conn::Conn;

use super::{CHAPTERS, Story, a_world};
use crate::both;
use crate::support::World;
use crate::support::cast::challenge_rate;

/// What a check before a fill reads.
const FACTS: &[&str] = &[
    "sessions",
    "users",
    "organizations",
    "licenses",
    "certificates",
    "sites",
    "scales",
    "policies",
    "cylinders",
    "labels",
    "events",
    "scale_permits",
    "ledger_head",
];

/// What the commands write, besides.
const WRITTEN: &[&str] =
    &["ledger_head", "cylinders", "labels", "events", "streams", "scale_permits", "fills", "event_private"];

both! {
    async fn a_fact_that_can_not_be_read_allows_nothing(app) {
        let (w, _) = a_world(app).await;
        let mut conn = w.app.conn();
        for (number, table) in FACTS.iter().enumerate() {
            let mut story = Story::new(&w, number);
            let registered = w.app.ask(story.ask(0)).await;
            story.turn(0, &registered);
            let ask = story.ask(1);
            // After a change of the registry all of it is read again.
            challenge_rate(&w.app, &w.cast.admin, 0.0).await;
            conn.batch_execute(&format!("ALTER TABLE {table} RENAME TO away")).expect("it goes");
            let reply = w.app.ask(ask.clone()).await;
            conn.batch_execute(&format!("ALTER TABLE away RENAME TO {table}")).expect("it comes back");
            assert_eq!(reply.problem(503), "unavailable", "{table}");
            let again = w.app.ask(ask).await;
            assert!(!again.headers.contains_key("idempotency-replayed"), "{table}: nothing had happened");
            story.turn(1, &again);
        }
        w.app.verify();
    }
}

/// Lets every statement fail that adds or changes a row of a table.
fn refuse(conn: &mut Conn, table: &str) {
    let sql = match conn {
        Conn::Sqlite(_) => format!(
            "CREATE TRIGGER refuse_insert BEFORE INSERT ON {table} BEGIN SELECT RAISE(FAIL, 'on purpose'); END; \
             CREATE TRIGGER refuse_update BEFORE UPDATE ON {table} BEGIN SELECT RAISE(FAIL, 'on purpose'); END;"
        ),
        Conn::Postgres(_) => format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''on purpose''; END'; \
             CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
        ),
    };
    conn.batch_execute(&sql).expect("a trigger");
}

fn allow(conn: &mut Conn) {
    let sql = match conn {
        Conn::Sqlite(_) => "DROP TRIGGER refuse_insert; DROP TRIGGER refuse_update",
        Conn::Postgres(_) => "DROP FUNCTION refuse CASCADE",
    };
    conn.batch_execute(sql).expect("no trigger");
}

/// Lets every commit fail that brings an event.
fn refuse_commit(conn: &mut Conn) {
    let sql = match conn {
        Conn::Sqlite(_) => {
            "CREATE TABLE good (id INTEGER PRIMARY KEY); \
             CREATE TABLE bad (id INTEGER REFERENCES good (id) DEFERRABLE INITIALLY DEFERRED); \
             CREATE TRIGGER refuse_commit AFTER INSERT ON events BEGIN INSERT INTO bad VALUES (1); END"
        }
        Conn::Postgres(_) => {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''on purpose''; END'; \
             CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON events DEFERRABLE INITIALLY DEFERRED \
             FOR EACH ROW EXECUTE FUNCTION refuse()"
        }
    };
    conn.batch_execute(sql).expect("a trigger");
}

fn allow_commit(conn: &mut Conn) {
    let sql = match conn {
        Conn::Sqlite(_) => "DROP TRIGGER refuse_commit; DROP TABLE bad; DROP TABLE good",
        Conn::Postgres(_) => "DROP FUNCTION refuse CASCADE",
    };
    conn.batch_execute(sql).expect("no trigger");
}

/// Tells every chapter twice: with the fault and without it. Says how many of them failed.
async fn told_twice(
    w: &World,
    number: usize,
    fault: fn(&mut Conn, &str),
    table: &str,
    mend: fn(&mut Conn),
) -> usize {
    let mut conn = w.app.conn();
    let mut story = Story::new(w, number);
    let mut failed = 0;
    for chapter in 0..CHAPTERS {
        let ask = story.ask(chapter);
        let before = w.head();
        fault(&mut conn, table);
        let reply = w.app.ask(ask.clone()).await;
        mend(&mut conn);
        if reply.status >= 300 {
            assert_eq!(reply.problem(503), "unavailable", "{table}");
            assert_eq!(w.head(), before, "{table}: nothing was written");
            failed += 1;
        }
        story.turn(chapter, &w.app.ask(ask).await);
        assert_eq!(w.head(), before + 1, "{table}: written once");
    }
    failed
}

both! {
    async fn a_row_that_can_not_be_written_leaves_none_of_the_others(app) {
        let (w, _) = a_world(app).await;
        for (number, table) in WRITTEN.iter().enumerate() {
            let failed = told_twice(&w, number, refuse, table, allow).await;
            // No story here ends at a station's chain.
            assert_eq!(failed > 0, *table != "streams", "{table}");
        }
        w.app.verify();
    }
}

both! {
    async fn a_commit_that_fails_is_503_and_leaves_nothing(app) {
        let (w, _) = a_world(app).await;
        let failed = told_twice(&w, 0, |conn, _| refuse_commit(conn), "events", allow_commit).await;
        assert_eq!(failed, CHAPTERS);
        w.app.verify();
    }
}
