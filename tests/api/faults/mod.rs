//! A fault at every step of the write path: no answer before the commit, no "allowed" of facts that could not be read, nothing
//! half-written, and the next call works.

mod abort;
mod broken;
mod plan;

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use pingma::db::conn::DatabaseUrl;
use serde_json::{Value, json};

use self::plan::{Act, Plan};
use crate::both;
use crate::support::app::{Ask, Reply};
use crate::support::cast::{check, cylinder};
use crate::support::world::GOOD_GROSS_G;
use crate::support::{TestApp, World};
use crate::tamper::number;

/// More statements than any command takes.
const MOST_STEPS: usize = 80;

/// The four commands that write every kind of row, one after the other for one cylinder.
struct Story<'a> {
    w: &'a World,
    number: usize,
    code: String,
    permit: Value,
}

/// How far a story goes.
const CHAPTERS: usize = 4;

impl<'a> Story<'a> {
    fn new(w: &'a World, number: usize) -> Self {
        Self { w, number, code: String::new(), permit: Value::Null }
    }

    /// The call of a chapter, under a key of its own.
    fn ask(&self, chapter: usize) -> Ask {
        let (cast, now) = (&self.w.cast, self.w.app.now());
        let (line, auth, body) = match chapter {
            0 => {
                let new = cylinder(&cast.filler.id, &format!("S{:07}", self.number));
                ("/cylinders", &cast.filler.admin, new)
            }
            1 => ("/fill-checks", &cast.filler.worker, check(&self.code, &cast.filler.scale)),
            2 => {
                let body = json!({ "permit_id": self.permit["id"], "gross_g": GOOD_GROSS_G, "seal_no": "F-1",
                    "started_at": now, "finished_at": now.plus_seconds(50), "postcheck": self.w.postcheck() });
                ("/fills", &cast.filler.worker, body)
            }
            _ => {
                let body = json!({ "code": self.code, "customer_ref": "K-1", "entry": "scanned" });
                ("/handovers", &cast.distributor.worker, body)
            }
        };
        Ask {
            line: format!("POST /api/v1{line}"),
            auth: Some(auth.clone()),
            key: Some(format!("story-{}-{chapter}", self.number)),
            body: Some(body),
            ..Ask::default()
        }
    }

    /// The good end of a chapter.
    fn turn(&mut self, chapter: usize, reply: &Reply) {
        let body = reply.json();
        assert!(reply.status < 300, "{body}");
        match chapter {
            0 => self.code = body["code"].as_str().expect("a code").to_owned(),
            1 => {
                assert_eq!(body["decision"], "allowed", "{body}");
                self.permit = body["permit"].clone();
            }
            2 => assert_eq!(body["status"], "released", "{body}"),
            _ => assert_eq!(body["decision"], "accepted", "{body}"),
        }
    }
}

async fn a_world(app: TestApp) -> (World, Arc<Plan>) {
    let plan = Plan::of(&app.settings.database);
    // The service opened its first connections before there was a plan.
    let app = app.beside(app.settings.clone(), 70);
    let w = World::enter(app).await;
    let agreement = json!({ "distributor_id": w.cast.distributor.id, "number": "G-1", "valid_from": "2026-01-01", "valid_to": "2026-12-31" });
    w.send("POST /supply-agreements", &w.cast.filler.admin, agreement).await.expect(201);
    (w, plan)
}

/// Tells every chapter with the fault before statement `at`, then without; whether it came to that statement at all.
async fn tell(w: &World, plan: &Plan, at: usize, act: &Act, status: u16) -> bool {
    let mut story = Story::new(w, at);
    let mut fired = false;
    for chapter in 0..CHAPTERS {
        let ask = story.ask(chapter);
        let before = w.head();
        plan.order(at, Arc::clone(act));
        let faulty = w.app.ask(ask.clone()).await;
        let came_to_it = plan.end() > 0;
        fired |= came_to_it;
        let statement = plan.last();
        let committed = plan.committed();
        if came_to_it && !committed {
            let code = if status == 500 { "internal" } else { "unavailable" };
            assert_eq!(faulty.problem(status), code, "{statement}");
            assert_eq!(w.head(), before, "{statement}: nothing was written");
        }
        let again = w.app.ask(ask).await;
        story.turn(chapter, &again);
        assert_eq!(w.head(), before + 1, "{statement}: written once");
        let replayed = again.headers.contains_key("idempotency-replayed");
        assert_eq!(replayed, committed || !came_to_it, "{statement}: the key tells whether it had happened");
        if faulty.status < 300 {
            assert_eq!(faulty.json(), again.json(), "{statement}");
        }
    }
    fired
}

async fn at_every_step(w: World, plan: Arc<Plan>, act: Act, status: u16) {
    let mut steps = 0;
    while tell(&w, &plan, steps, &act, status).await {
        steps += 1;
        assert!(steps < MOST_STEPS, "it ends");
    }
    println!("faults before each of {steps} statements");
    assert!(steps > 15, "{steps} statements");
    w.app.verify();
}

both! {
    async fn a_panic_at_any_step_is_a_failed_call_and_no_more(app) {
        let (w, plan) = a_world(app).await;
        at_every_step(w, plan, Arc::new(|| panic!("on purpose")), 500).await;
    }
}

/// Ends every other session of the database and waits until they are gone. On a thread of its own: the ledger's are watched.
fn cut_all(database: &DatabaseUrl) {
    std::thread::scope(|scope| scope.spawn(|| cut_from_here(database)).join()).expect("it ends well");
}

fn cut_from_here(database: &DatabaseUrl) {
    let mut conn = database.connect().expect("the database answers");
    conn.batch_execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .expect("the superuser may");
    let others = "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    while number(&mut conn, others) > 0 {
        std::thread::yield_now();
    }
}

#[actix_web::test]
async fn a_connection_that_breaks_at_any_step_is_503_and_no_more() {
    let (w, plan) = a_world(TestApp::postgres()).await;
    let database = w.app.settings.database.clone();
    at_every_step(w, plan, Arc::new(move || cut_all(&database)), 503).await;
}
