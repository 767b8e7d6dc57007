//! Load that goes on through every failure: a call that got no good answer is made again under its key until it does.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread::{Scope, park_timeout};
use std::time::Duration;

use serde_json::Value;

use crate::load::{Asked, Book};
use crate::process::{Client, Home, Reply, World};

/// Calls of several threads until it is told to stop.
#[derive(Default)]
pub struct Steady {
    book: Book,
    stop: AtomicBool,
}

/// Threads that call as long as it lives: also a test that fails must end.
pub struct Running<'s>(&'s AtomicBool);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The wait before a call is made again.
const PAUSE: Duration = Duration::from_millis(20);
/// Tries after which a call is given up: a minute at least.
const TRIES: usize = 3_000;

impl Steady {
    /// Starts so many threads, which end once the value is dropped and each has its answer; `acted` hears of every good one.
    pub fn run<'s>(
        &'s self,
        scope: &'s Scope<'s, '_>,
        threads: usize,
        client: &Client,
        world: &'s World,
        acted: &Sender<()>,
    ) -> Running<'s> {
        for thread in 0..threads {
            let (client, acted) = (client.clone(), acted.clone());
            scope.spawn(move || {
                for number in 0.. {
                    if self.stop.load(Ordering::SeqCst) {
                        break;
                    }
                    self.act(&client, world, &format!("{thread}{number:07}"), &acted);
                }
            });
        }
        Running(&self.stop)
    }

    /// Registers a cylinder and checks it twice.
    fn act(&self, client: &Client, world: &World, name: &str, acted: &Sender<()>) {
        let registered = self.ask(client, world, Asked::register(world, name), acted);
        let code = registered.body["code"].as_str().expect("a code").to_owned();
        for step in 1..3 {
            self.ask(client, world, Asked::check(world, &format!("{name}-{step}"), &code), acted);
        }
    }

    fn ask(&self, client: &Client, world: &World, asked: Asked, acted: &Sender<()>) -> Reply {
        let reply = until_told(client, world, &asked);
        self.book.enter(asked, Some(reply.clone()));
        // Whoever counted may have heard enough.
        let _ = acted.send(());
        reply
    }

    /// Every call got one answer, which stands in the ledger as it was told; nothing else does.
    pub fn assert_true(self, home: &Home) {
        let hashes = home.hashes();
        let book = self.book.close();
        for (asked, reply) in &book {
            let event = reply.as_ref().map(|reply| &reply.body["event"]).unwrap_or(&Value::Null);
            if let Some(place) = event["log_index"].as_i64() {
                assert_eq!(event["hash"], hashes[&place].as_str(), "{asked:?}: {reply:?}");
            }
            let decision = reply.as_ref().map(|reply| &reply.body["decision"]).unwrap_or(&Value::Null);
            assert!(decision.is_null() || decision == "allowed", "{asked:?}: {reply:?}");
        }
        assert_eq!(hashes.len(), book.len(), "one event for every call");
        home.must(&["verify"]);
    }
}

/// Makes a call until it gets a good answer. No other answer is ever anything but 503.
pub fn until_told(client: &Client, world: &World, asked: &Asked) -> Reply {
    for _ in 0..TRIES {
        match asked.send(client, world) {
            Ok(reply) if reply.status < 300 => return reply,
            Ok(reply) => assert_eq!(reply.status, 503, "{asked:?}: {reply:?}"),
            Err(error) => panic!("{asked:?}: the service itself is up: {error}"),
        }
        park_timeout(PAUSE);
    }
    panic!("{asked:?}: no answer");
}
