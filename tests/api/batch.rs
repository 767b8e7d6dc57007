//! Commands that share a batch: one that panics or fails takes nobody with it, and a full queue says so at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use diesel::connection::SimpleConnection;
use pingma::clock::{Clock, SeededIds};
use pingma::db::DbError;
use pingma::db::backend::sqlite;
use pingma::db::conn::Conn;
use pingma::db::sessions::SessionRow;
use pingma::db::tx::transaction;
use pingma::domain::actor::Credential;
use pingma::domain::audit::{self, Who};
use pingma::domain::event::{EventData, Reasoned};
use pingma::domain::id::{CylinderId, UserId};
use pingma::domain::instant::Instant;
use pingma::domain::stream::Stream;
use pingma::domain::value::Reason;
use pingma::error::{Code, Result};
use pingma::ledger;
use pingma::ledger::command::Place;
use pingma::ledger::writer::WriterSettings;
use pingma::ledger::{Call, Command, Context, Decided, Needs, Receipt, Writer};

use crate::both;
use crate::support::cast::register;
use crate::support::{Cast, TestApp};

/// How a command behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Good,
    Panics,
    Fails,
    /// Decides well, but the database will not have it.
    Unwritable,
}

/// A reason that the database refuses, where `refuse` was called.
const UNWRITABLE: &str = "nobody writes this";

/// Something that happens once, while a command is being decided.
type Meanwhile = Arc<dyn Fn() + Send + Sync>;

struct Act {
    call: Call,
    cylinder: CylinderId,
    manner: Manner,
    meanwhile: Option<Meanwhile>,
}

impl Act {
    fn new(call: &Call, cylinder: CylinderId, manner: Manner) -> Box<Self> {
        Box::new(Self { call: call.clone(), cylinder, manner, meanwhile: None })
    }
}

impl Command for Act {
    fn call(&self) -> &Call {
        &self.call
    }

    fn action(&self) -> &'static str {
        "test"
    }

    fn needs(&self, needs: &mut Needs) {
        needs.cylinders.insert(self.cylinder);
    }

    fn decide(&self, context: &Context<'_>) -> Result<Decided> {
        if let Some(meanwhile) = &self.meanwhile {
            meanwhile();
        }
        match self.manner {
            Manner::Panics => panic!("a command with a mistake in it"),
            Manner::Fails => Err(Code::StateConflict.into()),
            Manner::Good | Manner::Unwritable => {
                let reason = if self.manner == Manner::Good { "丢失" } else { UNWRITABLE };
                let data = EventData::Lost(Reasoned { reason: Reason::new(reason).expect("a reason") });
                let stream = Stream::Cylinder(self.cylinder);
                Ok(context.event(&self.call, stream, Place::default(), |_| data).into())
            }
        }
    }
}

/// Somebody who is signed in.
fn credential(app: &TestApp, user: &str) -> Credential {
    let user_id: UserId = user.parse().expect("an id");
    let now = app.now();
    let session = SessionRow {
        id: app.app.ids.id(now),
        user_id,
        created_at: now,
        expires_at: now.plus_seconds(3_600),
        revoked_at: None,
        revoked_for: None,
    };
    session.insert(&mut app.conn()).expect("a session");
    Credential::Session { session_id: session.id, user_id }
}

fn writer(app: &TestApp, queue_length: usize) -> Writer {
    writer_by(app, queue_length, Arc::clone(&app.clock) as Arc<dyn Clock>)
}

fn writer_by(app: &TestApp, queue_length: usize, clock: Arc<dyn Clock>) -> Writer {
    let settings = WriterSettings {
        database: app.settings.database.clone(),
        zone: app.settings.time_zone,
        queue_length,
        clock_gap_days: 180,
    };
    Writer::start(settings, clock, Arc::new(SeededIds::new(21))).expect("threads")
}

async fn a_cylinder(app: &TestApp) -> (CylinderId, Call) {
    let cast = Cast::enter(app).await;
    let made = register(app, &cast.filler, "A0000001").await;
    let call = Call::plain(credential(app, &cast.filler.worker_id), "test");
    (made["id"].as_str().and_then(|id| id.parse().ok()).expect("an id"), call)
}

/// Whoever holds this keeps every writer waiting.
const LOCK: &str = "BEGIN; UPDATE ledger_head SET log_index = log_index";

both! {
    async fn one_bad_command_takes_nobody_with_it(app) {
        let (cylinder, call) = a_cylinder(&app).await;
        let writer = writer(&app, 100);
        let mut lock = app.conn();
        lock.batch_execute(LOCK).expect("the lock");
        let manners = [
            Manner::Good, Manner::Good, Manner::Panics, Manner::Good, Manner::Fails, Manner::Panics, Manner::Good, Manner::Good,
        ];
        let submit = |manner| {
            writer.submit(Act::new(&call, cylinder, manner)).expect("there is room")
        };
        let answers: Vec<_> = manners.map(submit).into_iter().collect();
        lock.batch_execute("ROLLBACK").expect("the lock goes");
        let mut places = Vec::new();
        for (manner, answer) in manners.into_iter().zip(answers) {
            let answer: Result<Receipt> = answer.await.expect("everybody is answered");
            match (manner, answer) {
                (Manner::Good, Ok(receipt)) => places.push(receipt.event.log_index),
                (Manner::Panics, Err(error)) => assert_eq!(error.code, Code::Internal),
                (Manner::Fails, Err(error)) => assert_eq!(error.code, Code::StateConflict),
                (manner, answer) => panic!("{manner:?}: {answer:?}"),
            }
        }
        places.sort_unstable();
        assert_eq!(places, [2, 3, 4, 5, 6], "no gap where a bad one stood");
        let last = writer.write(Act::new(&call, cylinder, Manner::Good)).await.expect("it works on");
        assert_eq!(last.event.log_index, 7);
        app.verify();
    }
}

/// A clock that counts how often it is looked at, twice for each try to write a batch, and moves on by a second with each look: a
/// try that fails took as long as one behind a lock that times out.
struct Watched {
    clock: Arc<dyn Clock>,
    looks: AtomicUsize,
}

fn watched(app: &TestApp) -> Arc<Watched> {
    Arc::new(Watched { clock: Arc::clone(&app.clock) as Arc<dyn Clock>, looks: AtomicUsize::new(0) })
}

impl Clock for Watched {
    fn now(&self) -> Instant {
        let looks = self.looks.fetch_add(1, Ordering::SeqCst);
        self.clock.now().plus_seconds(i64::try_from(looks).expect("few"))
    }
}

both! {
    async fn a_lock_that_is_never_given_back_is_waited_for_by_batches_and_not_by_each_command(app) {
        let (cylinder, call) = a_cylinder(&app).await;
        let clock = watched(&app);
        let writer = writer_by(&app, 100, Arc::clone(&clock) as Arc<dyn Clock>);
        writer.write(Act::new(&call, cylinder, Manner::Good)).await.expect("it works");
        let mut lock = app.conn();
        lock.batch_execute(LOCK).expect("the lock");
        let before = clock.looks.load(Ordering::SeqCst);
        let act = || writer.submit(Act::new(&call, cylinder, Manner::Good)).expect("there is room");
        for answer in (0..20).map(|_| act()).collect::<Vec<_>>() {
            let answer: Result<Receipt> = answer.await.expect("everybody is answered");
            assert_eq!(answer.expect_err("nothing could be written").code, Code::Unavailable);
        }
        let looks = clock.looks.load(Ordering::SeqCst) - before;
        assert!(looks < 20, "{looks}");
        lock.batch_execute("ROLLBACK").expect("the lock goes");
        let last = writer.write(Act::new(&call, cylinder, Manner::Good)).await.expect("it works on");
        assert_eq!(last.event.log_index, 3);
        app.verify();
    }
}

/// Lets the database refuse the events of `Manner::Unwritable`.
fn refuse(conn: &mut Conn) {
    let sql = match conn {
        Conn::Sqlite(_) => format!(
            "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.data LIKE '%{UNWRITABLE}%' \
             BEGIN SELECT RAISE(ABORT, 'on purpose'); END"
        ),
        Conn::Postgres(_) => format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''on purpose''; END'; \
             CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW WHEN (NEW.data LIKE '%{UNWRITABLE}%') \
             EXECUTE FUNCTION refuse()"
        ),
    };
    conn.batch_execute(&sql).expect("a trigger");
}

both! {
    async fn bad_neighbors_of_a_good_command_do_not_turn_it_away(app) {
        let (cylinder, call) = a_cylinder(&app).await;
        refuse(&mut app.conn());
        let writer = writer(&app, 100);
        let mut lock = app.conn();
        lock.batch_execute(LOCK).expect("the lock");
        let bad = |n: usize| n % 5 != 4;
        let manner = |n| if bad(n) { Manner::Unwritable } else { Manner::Good };
        let submit = |n| writer.submit(Act::new(&call, cylinder, manner(n))).expect("there is room");
        let answers: Vec<_> = (0..30).map(submit).collect();
        lock.batch_execute("ROLLBACK").expect("the lock goes");
        for (n, answer) in answers.into_iter().enumerate() {
            let answer: Result<Receipt> = answer.await.expect("everybody is answered");
            assert_eq!(answer.is_err(), bad(n), "{n}");
        }
        app.verify();
    }
}

both! {
    async fn a_table_that_is_locked_is_waited_for_by_batches_and_not_by_each_command(app) {
        let (cylinder, call) = a_cylinder(&app).await;
        refuse(&mut app.conn());
        let clock = watched(&app);
        let writer = writer_by(&app, 100, Arc::clone(&clock) as Arc<dyn Clock>);
        let mut lock = app.conn();
        lock.batch_execute(LOCK).expect("the lock");
        let act = || writer.submit(Act::new(&call, cylinder, Manner::Unwritable)).expect("there is room");
        let answers: Vec<_> = (0..100).map(|_| act()).collect();
        lock.batch_execute("ROLLBACK").expect("the lock goes");
        for answer in answers {
            let answer: Result<Receipt> = answer.await.expect("everybody is answered");
            assert_eq!(answer.expect_err("nothing could be written").code, Code::Unavailable);
        }
        let looks = clock.looks.load(Ordering::SeqCst);
        assert!(looks < 60, "{looks}");
        let last = writer.write(Act::new(&call, cylinder, Manner::Good)).await.expect("it works on");
        assert_eq!(last.event.log_index, 2);
        app.verify();
    }
}

/// More than two batches, handed in while nothing can be written.
const MANY: usize = 600;

/// Hands in many commands on one cylinder and waits for all answers.
async fn many(
    app: &TestApp,
    writer: &Writer,
    call: &Call,
    cylinder: CylinderId,
    manner: impl Fn(usize) -> Manner,
) -> Vec<Result<Receipt>> {
    let mut lock = app.conn();
    lock.batch_execute(LOCK).expect("the lock");
    let act = |n| Act::new(call, cylinder, manner(n));
    let answers: Vec<_> = (0..MANY).map(|n| writer.submit(act(n)).expect("there is room")).collect();
    lock.batch_execute("ROLLBACK").expect("the lock goes");
    let mut told = Vec::new();
    for answer in answers {
        told.push(answer.await.expect("everybody is answered"));
    }
    told
}

both! {
    async fn a_batch_is_decided_upon_the_one_that_is_being_recorded(app) {
        let (cylinder, call) = a_cylinder(&app).await;
        let writer = writer(&app, 1_000);
        let told = many(&app, &writer, &call, cylinder, |_| Manner::Good).await;
        let seqs: Vec<_> = told.into_iter().map(|answer| answer.expect("recorded").event.seq).collect();
        let expected: Vec<_> = (2..=i64::try_from(MANY).expect("few") + 1).collect();
        assert_eq!(seqs, expected, "one chain, in order, over all batches");
        assert!(writer.tally.carried() > 0, "some batch did not wait for the one before");
        assert_eq!(writer.tally.redecided(), 0, "and held");
        app.verify();
    }
}

both! {
    async fn what_was_decided_upon_a_batch_that_failed_is_decided_again(app) {
        let (cylinder, call) = a_cylinder(&app).await;
        refuse(&mut app.conn());
        let writer = writer(&app, 1_000);
        let bad = |n: usize| n % 200 == 150;
        let manner = |n| if bad(n) { Manner::Unwritable } else { Manner::Good };
        let told = many(&app, &writer, &call, cylinder, manner).await;
        for (n, answer) in told.into_iter().enumerate() {
            match answer {
                Ok(_) => assert!(!bad(n), "{n}"),
                Err(error) => assert!(bad(n) && error.code == Code::Unavailable, "{n}: {error:?}"),
            }
        }
        assert!(writer.tally.redecided() > 0, "a batch could not be recorded as it was decided");
        let last = writer.write(Act::new(&call, cylinder, Manner::Good)).await.expect("it works on");
        assert_eq!(last.event.log_index, 2 + i64::try_from(MANY).expect("few") - 3, "the three bad ones left no gap");
        app.verify();
    }
}

both! {
    async fn a_panic_in_a_batch_that_was_decided_ahead_is_one_failed_command(app) {
        let (cylinder, call) = a_cylinder(&app).await;
        let writer = writer(&app, 1_000);
        let bad = |n: usize| n == MANY - 50;
        let manner = |n| if bad(n) { Manner::Panics } else { Manner::Good };
        for (n, answer) in many(&app, &writer, &call, cylinder, manner).await.into_iter().enumerate() {
            assert_eq!(answer.is_err(), bad(n), "{n}");
        }
        let before = writer.tally.carried();
        for answer in many(&app, &writer, &call, cylinder, |_| Manner::Good).await {
            answer.expect("it works on");
        }
        assert!(writer.tally.carried() > before, "and decides ahead again");
        app.verify();
    }
}

/// Hands in commands that share a batch, while the first of which is decided something happens, once; all are recorded.
async fn interrupted(
    app: &TestApp,
    writer: &Writer,
    (cylinder, call): (CylinderId, &Call),
    meanwhile: impl Fn() + Send + Sync + 'static,
) {
    let once = Once::new();
    let meanwhile: Meanwhile = Arc::new(move || once.call_once(&meanwhile));
    let mut lock = app.conn();
    lock.batch_execute(LOCK).expect("the lock");
    let before = writer.submit(Act::new(call, cylinder, Manner::Good)).expect("there is room");
    let act = || {
        Box::new(Act { meanwhile: Some(Arc::clone(&meanwhile)), ..*Act::new(call, cylinder, Manner::Good) })
    };
    let answers: Vec<_> = (0..3).map(|_| writer.submit(act()).expect("there is room")).collect();
    lock.batch_execute("ROLLBACK").expect("the lock goes");
    for answer in std::iter::once(before).chain(answers) {
        answer.await.expect("an answer").expect("recorded");
    }
}

/// How often a batch was decided again when something happened while it was decided.
async fn decided_while(app: &TestApp, meanwhile: impl Fn() + Send + Sync + 'static) -> u64 {
    let (cylinder, call) = a_cylinder(app).await;
    let writer = writer(app, 1_000);
    interrupted(app, &writer, (cylinder, &call), meanwhile).await;
    app.verify();
    writer.tally.redecided()
}

both! {
    async fn decisions_that_waited_a_little_stand(app) {
        let clock = Arc::clone(&app.clock);
        assert_eq!(decided_while(&app, move || clock.advance(5)).await, 0, "not long");
    }
}

both! {
    async fn decisions_that_waited_too_long_are_made_again(app) {
        let clock = Arc::clone(&app.clock);
        assert_eq!(decided_while(&app, move || clock.advance(6)).await, 1);
    }
}

both! {
    async fn decisions_under_which_the_registry_changed_are_made_again(app) {
        let (database, at) = (app.settings.database.clone(), app.now());
        let change = move || {
            let mut conn = database.connect().expect("the database");
            let act = audit::Act::done(at, Who::default(), "test", "test", serde_json::json!({}));
            transaction::<_, DbError>(&mut conn, |conn| ledger::audit::append(conn, &act)).expect("an entry");
        };
        assert_eq!(decided_while(&app, change).await, 1);
    }
}

/// Has a writer lose a race, so that it decides with the lock from then on: somebody else is faster while it decides.
async fn lose_a_race(app: &TestApp, losing: &Writer, call: &Call, cylinder: CylinderId) {
    let (faster, by) = (writer(app, 10), call.clone());
    let meanwhile = move || {
        faster.write_blocking(Act::new(&by, cylinder, Manner::Good)).expect("it is faster");
    };
    interrupted(app, losing, (cylinder, call), meanwhile).await;
    assert_eq!(losing.tally.redecided(), 1, "it lost");
}

both! {
    async fn who_lost_a_race_takes_along_what_came_while_it_waited_and_answers_everybody_once(app) {
        let (cylinder, call) = a_cylinder(&app).await;
        let writer = writer(&app, 1_000);
        lose_a_race(&app, &writer, &call, cylinder).await;
        let bad = |n: usize| n == MANY / 2;
        let manner = |n| if bad(n) { Manner::Panics } else { Manner::Good };
        for (n, answer) in many(&app, &writer, &call, cylinder, manner).await.into_iter().enumerate() {
            assert_eq!(answer.is_err(), bad(n), "{n}");
        }
        assert_eq!(writer.tally.carried(), 0, "none was decided ahead");
        let last = writer.write(Act::new(&call, cylinder, Manner::Good)).await.expect("it works on");
        assert_eq!(last.event.log_index, 1 + 5 + i64::try_from(MANY).expect("few"), "nothing lost, nothing twice");
        app.verify();
    }
}

/// Readers that are always there keep a passive checkpoint from ever reaching the end of the log.
#[actix_web::test]
async fn a_write_ahead_log_under_load_begins_anew_when_asked() {
    let app = TestApp::sqlite();
    let (cylinder, call) = a_cylinder(&app).await;
    let writer = writer(&app, 10);
    let (Conn::Sqlite(mut reader), Conn::Sqlite(mut keeper)) = (app.conn(), app.conn()) else {
        panic!("an embedded database");
    };
    for _ in 0..30 {
        writer.write(Act::new(&call, cylinder, Manner::Good)).await.expect("recorded");
    }
    reader.batch_execute("BEGIN; SELECT log_index FROM ledger_head").expect("a reader");
    writer.write(Act::new(&call, cylinder, Manner::Good)).await.expect("recorded");
    let long = sqlite::checkpoint(&mut keeper).expect("a checkpoint").log;
    reader.batch_execute("ROLLBACK").expect("it goes");
    writer.restart_log();
    assert!(writer.log_restarts());
    for _ in 0..2 {
        writer.write(Act::new(&call, cylinder, Manner::Good)).await.expect("recorded");
    }
    // The answer comes before the log is begun anew.
    writer.stop();
    assert!(!writer.log_restarts());
    let log = sqlite::checkpoint(&mut keeper).expect("a checkpoint").log;
    assert!(log > 0 && log * 2 < long, "{log} of {long} pages");
    app.verify();
}

both! {
    async fn a_full_queue_says_so_at_once(app) {
        let (cylinder, call) = a_cylinder(&app).await;
        let writer = writer(&app, 2);
        let mut lock = app.conn();
        lock.batch_execute(LOCK).expect("the lock");
        let mut waiting = Vec::new();
        let mut turned_away = 0;
        // Every writing thread takes one or more and waits with them; two fit into the queue.
        for _ in 0..2_000 {
            match writer.submit(Act::new(&call, cylinder, Manner::Good)) {
                Ok(answer) => waiting.push(answer),
                Err(error) => {
                    assert_eq!(error.code, Code::Busy);
                    assert_eq!(error.retry_after_s, Some(1));
                    turned_away += 1;
                }
            }
        }
        assert!(turned_away > 1_900 && waiting.len() >= 2, "{turned_away} of 2000 were turned away");
        lock.batch_execute("ROLLBACK").expect("the lock goes");
        let accepted = i64::try_from(waiting.len()).expect("few");
        let mut last = 0;
        for answer in waiting {
            let receipt = answer.await.expect("everybody is answered").expect("and well");
            last = last.max(receipt.event.log_index);
        }
        assert_eq!(last, 1 + accepted, "who was turned away left nothing");
        app.verify();
    }
}

#[actix_web::test]
async fn a_writer_that_stops_serves_who_waits() {
    let app = TestApp::sqlite();
    let (cylinder, call) = a_cylinder(&app).await;
    let writer = writer(&app, 100);
    let act = || Act::new(&call, cylinder, Manner::Good);
    let answers: Vec<_> = (0..20).map(|_| writer.submit(act()).expect("there is room")).collect();
    writer.stop();
    for answer in answers {
        answer.await.expect("everybody is answered").expect("and well");
    }
    assert_eq!(writer.submit(act()).map(drop).expect_err("it stopped").code, Code::Busy);
    app.verify();
}
