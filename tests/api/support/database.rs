//! Databases for tests: a file each on SQLite, a database each on a throw-away PostgreSQL server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

/// A private server; it stops when the pipe to it closes, which even kill -9 of this process does.
struct Server {
    url: String,
    _child: Option<Child>,
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var("PINGMA_TEST_POSTGRES_URL") {
        Ok(url) => Server { url, _child: None },
        Err(_) => start(),
    })
}

fn start() -> Server {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/postgres.sh");
    let mut child = Command::new("bash")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("bash starts the throw-away PostgreSQL server");
    let mut url = String::new();
    let stdout = child.stdout.take().expect("its output is piped");
    BufReader::new(stdout).read_line(&mut url).expect("it prints its address");
    assert!(url.starts_with("postgres://"), "no PostgreSQL server for tests: run scripts/setup.sh test");
    Server { url: url.trim().to_owned(), _child: Some(child) }
}

/// A PostgreSQL database that goes with this: some hundreds that stay would fill a small disk.
pub struct PostgresDatabase {
    /// Its address.
    pub url: String,
    name: String,
}

impl Drop for PostgresDatabase {
    fn drop(&mut self) {
        // The test has ended; who is still connected is cut off, and a server that is away keeps it.
        if let Ok(mut conn) = PgConnection::establish(&server().url) {
            let _ = conn.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

/// A new, empty PostgreSQL database.
pub fn fresh_postgres() -> PostgresDatabase {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = server();
    let name = format!("t{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst));
    let mut conn = PgConnection::establish(&server.url).expect("the test server answers");
    conn.batch_execute(&format!("CREATE DATABASE {name}")).expect("a database of its own");
    let (place, parameters) = server.url.split_once('?').map_or((server.url.as_str(), ""), |(a, b)| (a, b));
    let (host, _) = place.rsplit_once('/').expect("an address with a database");
    PostgresDatabase { url: format!("{host}/{name}?{parameters}"), name }
}
