//! The process ends at a step of the write path, without a word: a child of the test does, the test looks what it left.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use serde_json::{Value, json};

use super::plan::Plan;
use super::{MOST_STEPS, Story, a_world};
use crate::both;
use crate::soak::count;
use crate::support::TestApp;
use crate::support::app::Ask;

/// What tells the child what to do.
const ENV: &str = "PINGMA_TEST_ABORT";
/// What the child says that came through.
const ANSWERED: &str = "answered";

fn child(order: &Value) -> (bool, String) {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "faults::abort::the_child", "--nocapture", "--test-threads=1"])
        .env(ENV, order.to_string())
        .output()
        .expect("it starts");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Does nothing unless it is told what: then it makes one call and ends at the step it was told.
#[actix_web::test]
async fn the_child() {
    let Ok(order) = std::env::var(ENV) else { return };
    let order: Value = serde_json::from_str(&order).expect("JSON");
    let text = |name: &str| order[name].as_str().expect("a text").to_owned();
    let at = usize::try_from(order["at"].as_u64().expect("a number")).expect("small");
    let database = text("database");
    let plan = Plan::of(&database.parse().expect("an address"));
    let app = TestApp::open(
        &database,
        Path::new(&text("dir")),
        &text("now"),
        1_000 + order["at"].as_u64().expect("a number"),
    );
    plan.order(at, Arc::new(|| std::process::abort()));
    let reply = app
        .ask(Ask {
            line: text("line"),
            auth: Some(text("auth")),
            key: Some(text("key")),
            body: Some(order["body"].clone()),
            ..Ask::default()
        })
        .await;
    println!("{ANSWERED} {}", reply.status);
}

both! {
    async fn a_process_that_ends_at_any_step_leaves_all_or_nothing(app) {
        let (w, _) = a_world(app).await;
        let every = count(7, 1);
        let mut ended = 0;
        for at in (0..MOST_STEPS).step_by(every) {
            let mut story = Story::new(&w, at);
            story.turn(0, &w.app.ask(story.ask(0)).await);
            let (ask, before) = (story.ask(1), w.head());
            let order = json!({ "at": at, "database": w.app.address(), "dir": w.app.dir(), "now": w.app.now(),
                "line": ask.line, "auth": ask.auth, "key": ask.key, "body": ask.body });
            let (well, said) = child(&order);
            assert_eq!(well, said.contains(ANSWERED), "no answer of one that ended: {said}");
            let there = w.head() - before;
            assert!(!well || there == 1, "what was answered is there");
            w.app.verify();
            let again = w.app.ask(ask).await;
            assert_eq!(again.headers.contains_key("idempotency-replayed"), there == 1);
            story.turn(1, &again);
            if well {
                break;
            }
            ended += 1;
        }
        println!("ended at {ended} steps");
        assert!(ended >= 15 / every, "{ended}");
        w.app.verify();
    }
}
