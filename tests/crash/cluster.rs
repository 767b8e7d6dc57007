//! A PostgreSQL server of its own that may be stopped hard, by the script that the other tests share one of.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A server that ends with this value.
pub struct Cluster {
    /// Its address.
    pub url: String,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    child: Child,
}

impl Cluster {
    /// Starts one.
    pub fn start() -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/postgres.sh");
        let mut child = Command::new("bash")
            .arg(script)
            .env("PINGMA_TEST_POSTGRES_TCP", "0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash starts a PostgreSQL server");
        let orders = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut cluster = Self { url: String::new(), orders, answers, child };
        cluster.url = cluster.answer();
        assert!(cluster.url.starts_with("postgres://"), "no PostgreSQL server for tests");
        cluster
    }

    /// Stops it on the spot, as a crash would.
    pub fn crash(&mut self) {
        assert_eq!(self.order("crash"), "crashed");
    }

    /// Starts it again and waits until it takes connections.
    pub fn restart(&mut self) {
        assert_eq!(self.order("start"), "started");
    }

    /// Its socket.
    pub fn socket(&self) -> String {
        let (_, host) = self.url.split_once("host=").expect("a socket's folder");
        let (folder, _) = host.split_once('&').expect("a port after it");
        format!("{folder}/.s.PGSQL.5432")
    }

    fn order(&mut self, order: &str) -> String {
        let orders = self.orders.as_mut().expect("it runs");
        writeln!(orders, "{order}").expect("it listens");
        self.answer()
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("it answers");
        line.trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // End-of-file ends it.
        drop(self.orders.take());
        let _ = self.child.wait();
    }
}
