//! The program under test, started and ended by hand, and a client for it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use diesel::prelude::*;
use pingma::clock::{Clock, SystemClock};
use pingma::db::conn::Conn;
use pingma::digest::hex;
use pingma::on_backend;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::database::{PostgresDatabase, fresh_postgres};

/// Where a service keeps its things. The processes come and go.
pub struct Home {
    /// The address of the database.
    pub database: String,
    keys: PathBuf,
    dir: TempDir,
    _fresh: Option<PostgresDatabase>,
}

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Home {
    /// On a SQLite file.
    pub fn sqlite() -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let database = format!("sqlite://{}", dir.path().join("pingma.db").display());
        Self { database, keys: dir.path().join("keys"), dir, _fresh: None }
    }

    /// On a PostgreSQL database.
    pub fn postgres() -> Self {
        let fresh = fresh_postgres();
        let home = Self::on(fresh.url.clone());
        Self { _fresh: Some(fresh), ..home }
    }

    /// On a SQLite file in a folder that is somebody else's to clear up; the keys lie beside it.
    pub fn at(folder: &Path) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let database = format!("sqlite://{}", folder.join("pingma.db").display());
        Self { database, keys: folder.join("keys"), dir, _fresh: None }
    }

    /// On the database of an address.
    pub fn on(database: String) -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        Self { database, keys: dir.path().join("keys"), dir, _fresh: None }
    }

    /// Its folder.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A connection of its own.
    pub fn conn(&self) -> Conn {
        let url: pingma::db::conn::DatabaseUrl = self.database.parse().expect("an address");
        url.connect().expect("the database answers")
    }

    /// The number that a statement answers, as `n`.
    #[track_caller]
    pub fn number(&self, sql: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = diesel::sql_types::BigInt)]
            n: i64,
        }
        let row: Number =
            on_backend!(&mut self.conn(), c => diesel::sql_query(sql).get_result(c)).expect("an answer");
        row.n
    }

    /// The hash of every event by its place.
    pub fn hashes(&self) -> HashMap<i64, String> {
        use pingma::db::schema::events::dsl::{events, hash, log_index};
        let rows: Vec<(i64, Vec<u8>)> =
            on_backend!(&mut self.conn(), c => events.select((log_index, hash)).load(c)).expect("the events");
        rows.into_iter().map(|(place, bytes)| (place, hex(&bytes))).collect()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pingma"));
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env_clear()
            .env("PINGMA_DATABASE", &self.database)
            .env("PINGMA_KEY_FILE", &self.keys)
            .env("PINGMA_ALLOW_FSYNC_OFF", "true")
            .env("PINGMA_LOG_FORMAT", "json")
            .env("PINGMA_LOG", "info")
            .env("PINGMA_SHUTDOWN_TIMEOUT_S", "5");
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "")
    }

    /// Runs a command to its end with something on its standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdin = child.stdin.take().expect("its input is piped");
        // It may end without reading.
        let _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("it ends").into()
    }

    /// Runs a command that must end well.
    #[track_caller]
    pub fn must(&self, arguments: &[&str]) -> Ended {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended
    }

    /// Starts to serve on a free port of the loopback interface and waits until it listens.
    pub fn serve(&self) -> Server {
        let mut child = self
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = BufReader::new(child.stderr.take().expect("its log is piped"));
        let (told, address) = mpsc::channel();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let lines = Arc::clone(&kept);
        // Reads to the end, so that the server never waits for somebody to read its log.
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if let Some(found) = listening(&line) {
                    let _ = told.send(Ok(found));
                }
                let mut lines = lines.lock().expect("nobody panics with it");
                if lines.len() < 50 {
                    lines.push(line);
                }
            }
            let _ = told.send(Err(lines.lock().expect("nobody panics with it").join("\n")));
        });
        let address = address
            .recv_timeout(Duration::from_secs(60))
            .expect("it says where it listens")
            .unwrap_or_else(|log| panic!("the server ended:\n{log}"));
        Server { child, address, log: kept }
    }
}

fn listening(line: &str) -> Option<String> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let fields = entry.get("fields").unwrap_or(&entry);
    (fields["message"] == "listening").then(|| fields["address"].as_str().unwrap_or_default().to_owned())
}

/// A serving process.
pub struct Server {
    child: Child,
    /// Where it listens.
    pub address: String,
    /// The first lines of its log.
    pub log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Ends it by force: no handler of its own runs.
    pub fn kill(mut self) {
        self.child.kill().expect("it was running");
        let status = self.child.wait().expect("it ends");
        assert_eq!(status.code(), None, "ended by the signal");
    }

    /// Stops all its threads where they are; returns when they stand.
    pub fn freeze(&self) {
        self.signal("-STOP");
        let tasks = format!("/proc/{}/task", self.child.id());
        let stands = |task: PathBuf| {
            let stat = std::fs::read_to_string(task.join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
        };
        let all_stand = || {
            let mut tasks = std::fs::read_dir(&tasks).expect("its threads");
            tasks.all(|task| task.is_ok_and(|task| stands(task.path())))
        };
        within(Duration::from_secs(20), all_stand).expect("it stands");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill");
        assert!(sent.success());
    }

    /// Asks it to end and returns its exit code.
    pub fn terminate(mut self) -> Option<i32> {
        self.signal("-TERM");
        self.child.wait().expect("it ends").code()
    }

    /// A client for it.
    pub fn client(&self) -> Client {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(30)));
        Client { agent: config.build().into(), base: format!("http://{}/api/v1", self.address) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Only this very process; it is gone already unless a test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until something holds and says how long that took; `None` after a time. What is asked paces itself.
pub fn within(time: Duration, mut holds: impl FnMut() -> bool) -> Option<Duration> {
    let began = SystemClock.now().micros();
    let passed = || Duration::from_micros(u64::try_from(SystemClock.now().micros() - began).unwrap_or(0));
    loop {
        let held = holds();
        let passed = passed();
        if passed > time {
            return None;
        }
        if held {
            return Some(passed);
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// Makes calls.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Reply {
    /// Status.
    pub status: u16,
    /// Whether it was given before under the same key.
    pub replayed: bool,
    /// Body.
    pub body: Value,
}

impl Reply {
    /// The id in an answer that must be good.
    #[track_caller]
    pub fn id(&self) -> String {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.body["id"].as_str().expect("an id").to_owned()
    }
}

impl Client {
    /// POST; an error is a connection that broke.
    pub fn post(&self, path: &str, token: &str, key: &str, body: &Value) -> Result<Reply, ureq::Error> {
        Self::send(self.agent.post(format!("{}{path}", self.base)), token, key, body)
    }

    /// PUT.
    pub fn put(&self, path: &str, token: &str, key: &str, body: &Value) -> Result<Reply, ureq::Error> {
        Self::send(self.agent.put(format!("{}{path}", self.base)), token, key, body)
    }

    fn send(
        request: ureq::RequestBuilder<ureq::typestate::WithBody>,
        token: &str,
        key: &str,
        body: &Value,
    ) -> Result<Reply, ureq::Error> {
        let mut response = request
            .header("authorization", format!("Bearer {token}"))
            .header("idempotency-key", key)
            .send_json(body)?;
        Ok(Reply {
            status: response.status().as_u16(),
            replayed: response.headers().get("idempotency-replayed").is_some(),
            body: serde_json::from_str(&response.body_mut().read_to_string()?).unwrap_or_default(),
        })
    }

    /// GET.
    pub fn get(&self, path: &str, token: &str) -> Reply {
        let mut response = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {token}"))
            .call()
            .expect("an answer");
        let text = response.body_mut().read_to_string().expect("a body");
        Reply {
            status: response.status().as_u16(),
            replayed: false,
            body: serde_json::from_str(&text).unwrap_or_default(),
        }
    }

    /// Signs in.
    pub fn log_in(&self, username: &str) -> String {
        let body = json!({ "username": username, "password": PASSWORD });
        let mut response =
            self.agent.post(format!("{}/auth/login", self.base)).send_json(&body).expect("an answer");
        let text = response.body_mut().read_to_string().expect("a body");
        let pair: Value = serde_json::from_str(&text).expect("JSON");
        pair["access_token"].as_str().unwrap_or_else(|| panic!("no token: {text}")).to_owned()
    }
}

/// Everybody's password.
pub const PASSWORD: &str = "korrekt-Pferd-7";

/// A company that fills, and the tokens of its people. Tokens outlive a restart, since keys and sessions do.
#[derive(Debug, Clone)]
pub struct World {
    /// The company.
    pub company: String,
    /// Its scale.
    pub scale: String,
    /// The token of its admin.
    pub admin: String,
    /// The token of its operator.
    pub operator: String,
}

/// Rounds after which everybody signs in again: a token lives ten minutes.
const SIGN_IN_EVERY: usize = 5;

impl World {
    /// New tokens for everybody, every few rounds of something that takes long.
    pub fn stay_signed_in(&mut self, client: &Client, round: usize) {
        if round % SIGN_IN_EVERY == SIGN_IN_EVERY - 1 {
            self.admin = client.log_in("boss");
            self.operator = client.log_in("worker");
        }
    }

    /// Enters everything through the real interface, from `admin create` on.
    pub fn enter(home: &Home, server: &Server) -> Self {
        let made = home.run_with(
            &["admin", "create", "--username", "root", "--password-stdin"],
            &format!("{PASSWORD}\n"),
        );
        assert_eq!(made.code, Some(0), "{made:?}");
        let client = server.client();
        let root = client.log_in("root");
        let mut number = 0;
        let mut make = |path: &str, token: &str, body: Value| {
            number += 1;
            client.post(path, token, &format!("enter-{number}"), &body).expect("an answer").id()
        };
        let company = make(
            "/organizations",
            &root,
            json!({ "name": "南通平安燃气有限公司", "credit_code": "91320602MA1AAAAA01", "kinds": ["filler"], "district_code": "320602" }),
        );
        let long = json!({ "kind": "filling", "number": "TS4232001", "issuer": "江苏省市场监督管理局", "valid_from": "2020-01-01",
            "valid_to": "2099-12-31", "media": ["lpg"] });
        make(&format!("/organizations/{company}/licenses"), &root, long);
        let user = |name: &str, role: &str| json!({ "organization_id": company, "username": name, "password": PASSWORD, "display_name": name, "roles": [role] });
        make("/users", &root, user("boss", "org_admin"));
        let worker = make("/users", &root, user("worker", "fill_operator"));
        let admin = client.log_in("boss");
        let certificate = json!({ "kind": "filling", "number": "C-1", "issuer": "南通市市场监督管理局", "valid_from": "2020-01-01",
            "valid_to": "2099-12-31" });
        make(&format!("/users/{worker}/certificates"), &admin, certificate);
        let site = make(
            "/sites",
            &admin,
            json!({ "organization_id": company, "kind": "filling_station", "name": "一站", "district_code": "320602" }),
        );
        let scale = make(
            "/scales",
            &admin,
            json!({ "site_id": site, "name": "1号秤", "serial_no": "S-1", "medium": "lpg", "calibration_valid_to": "2099-12-31" }),
        );
        let operator = client.log_in("worker");
        // A check that is challenged is no answer that a test can foresee.
        let today = SystemClock.now().date_in(chrono_tz::Asia::Shanghai);
        let none = json!({ "value": 0.0, "effective_on": today, "reason": "for a test" });
        let set = client.put("/policies/stamp_challenge_rate", &root, "enter-0", &none).expect("an answer");
        assert_eq!(set.status, 200, "{set:?}");
        Self { company, scale, admin, operator }
    }
}
