//! Load from several threads, and a book of what was asked and what was acknowledged.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use serde_json::{Value, json};

use crate::process::{Client, Reply, Server, World};

/// A call that was made, under its key.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Path.
    pub path: &'static str,
    /// Key.
    pub key: String,
    /// Body.
    pub body: Value,
    /// Whether the admin made it; otherwise the operator.
    pub by_admin: bool,
}

impl Asked {
    /// Makes the call.
    pub fn send(&self, client: &Client, world: &World) -> Result<Reply, ureq::Error> {
        let token = if self.by_admin { &world.admin } else { &world.operator };
        client.post(self.path, token, &self.key, &self.body)
    }

    /// Registers a cylinder of that name.
    pub fn register(world: &World, name: &str) -> Self {
        let body = json!({ "owner_id": world.company, "registration_code": format!("32A{name}"),
            "manufacturer": { "code": "ABC", "name": "江苏民生特种设备", "license_no": "TS2210001" },
            "serial_no": name, "model": "YSP35.5", "tare_g": 16_500, "manufactured_on": "2024-05", "design_life_months": 96,
            "shroud": "welded", "filler_mark": true });
        Self { path: "/cylinders", key: format!("r-{name}"), body, by_admin: true }
    }

    /// Checks it before a fill.
    pub fn check(world: &World, name: &str, code: &str) -> Self {
        let body = json!({ "code": code, "scale_id": world.scale, "scale_g": 16_700, "entry": "scanned",
            "precheck": { "body": "pass", "valve": "pass", "shroud": "pass", "foot_ring": "pass", "markings": "pass",
                "color": "pass", "residual_pressure": "pass" } });
        Self { path: "/fill-checks", key: format!("c-{name}"), body, by_admin: false }
    }
}

/// What was asked, with the answer where one came.
#[derive(Debug, Default)]
pub struct Book(Mutex<Vec<(Asked, Option<Reply>)>>);

impl Book {
    /// Enters a call.
    pub fn enter(&self, asked: Asked, reply: Option<Reply>) {
        self.0.lock().expect("no thread panicked").push((asked, reply));
    }

    /// Closes it.
    pub fn close(self) -> Vec<(Asked, Option<Reply>)> {
        self.0.into_inner().expect("no thread panicked")
    }
}

/// Threads that call at once.
const THREADS: usize = 6;
/// Calls that a thread makes at most.
const MOST: usize = 500;

/// Calls from several threads until connections break; `acted` hears of every acknowledged call. Runs `meanwhile` beside them.
pub fn under_load(
    server: Server,
    world: &World,
    round: usize,
    acted: &Sender<()>,
    meanwhile: impl FnOnce(Server),
) -> Vec<(Asked, Option<Reply>)> {
    let (book, stop) = (Book::default(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (client, acted) = (server.client(), acted.clone());
            let (book, stop) = (&book, &stop);
            scope.spawn(move || {
                for number in 0..MOST {
                    let name = format!("{round}{thread}{number:06}");
                    if stop.load(Ordering::SeqCst) || !act(&client, world, &name, book, &acted) {
                        break;
                    }
                }
            });
        }
        meanwhile(server);
        stop.store(true, Ordering::SeqCst);
    });
    book.close()
}

/// Registers a cylinder and checks it twice; false once a connection broke.
fn act(client: &Client, world: &World, name: &str, book: &Book, acted: &Sender<()>) -> bool {
    let mut code = String::new();
    for step in 0..3 {
        let asked = match step {
            0 => Asked::register(world, name),
            _ => Asked::check(world, &format!("{name}-{step}"), &code),
        };
        match asked.send(client, world) {
            // 503 says that nothing is known; it is asked again after the restart like a broken connection.
            Ok(reply) if reply.status < 300 => {
                if let Some(text) = reply.body["code"].as_str() {
                    text.clone_into(&mut code);
                }
                book.enter(asked, Some(reply));
                // Whoever counted may have heard enough.
                let _ = acted.send(());
            }
            Ok(reply) => {
                assert_eq!(reply.status, 503, "{reply:?}");
                book.enter(asked, None);
                return false;
            }
            Err(_) => {
                book.enter(asked, None);
                return false;
            }
        }
    }
    true
}
