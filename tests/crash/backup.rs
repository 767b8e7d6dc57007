//! Backups beside a server at work, and what is put back from them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary};
use pingma::on_backend;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::kill::wait_for;
use crate::load::{Asked, under_load};
use crate::process::{Home, Reply, Server, World};
use crate::soak::count;

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = BigInt)]
    log_index: i64,
    #[diesel(sql_type = Binary)]
    hash: Vec<u8>,
}

/// The newest place that is committed.
fn head(home: &Home) -> i64 {
    home.number("SELECT log_index AS n FROM ledger_head")
}

/// Every event that was acknowledged up to a place stands there with the hash that was told.
fn assert_holds(home: &Home, book: &[(Asked, Option<Reply>)], up_to: i64) {
    let sql = "SELECT log_index, hash FROM events";
    let rows: Vec<Place> =
        on_backend!(&mut home.conn(), c => diesel::sql_query(sql).load(c)).expect("events");
    let told = book.iter().filter_map(|(_, reply)| reply.as_ref()).map(|reply| &reply.body["event"]);
    let mut held = 0;
    for event in told.filter(|event| event["log_index"].as_i64().is_some_and(|place| place <= up_to)) {
        let there = rows.iter().find(|row| Some(row.log_index) == event["log_index"].as_i64());
        let hash = pingma::digest::hex(&there.expect("it was acknowledged").hash);
        assert_eq!(event["hash"].as_str(), Some(hash.as_str()));
        held += 1;
    }
    assert!(held > 0, "something was acknowledged before the backup");
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("a file").permissions().mode() & 0o777
}

/// The names of what lies in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

/// The numbers that a command told as JSON.
fn told(out: &str) -> Value {
    serde_json::from_str(out).unwrap_or_else(|_| panic!("no JSON: {out}"))
}

/// Backups of one service, each a while longer in use than at the one before.
fn back_up_under_load(home: &Home, rounds: usize) {
    let mut server = home.serve();
    let mut world = World::enter(home, &server);
    for round in 0..rounds {
        world.stay_signed_in(&server.client(), round);
        let file = home.dir().join(format!("backup-{round}.db"));
        let name = file.to_str().expect("UTF-8").to_owned();
        let (acted, heard) = mpsc::channel();
        let mut said = Value::Null;
        let (mut before, mut kept) = (0, None);
        let book = under_load(server, &world, round, &acted, |server| {
            wait_for(&heard, 30 + 17 * (round % 7));
            before = head(home);
            said = told(&home.must(&["backup", &name, "--with-keys", "--json"]).out);
            // The writer went on.
            wait_for(&heard, 10);
            kept = Some(server);
        });
        server = kept.expect("it still runs");
        let reached = said["log_index"].as_i64().expect("a place");
        assert!(reached >= before && head(home) > reached, "{before} {said}");
        assert_eq!((&said["events"], &said["verified"]), (&said["log_index"], &Value::Bool(true)));
        assert_eq!((mode(&file), mode(&home.dir().join(format!("backup-{round}.db.keys")))), (0o600, 0o600));

        let other = Home::sqlite();
        let restored = told(&other.must(&["restore", &name, "--json"]).out);
        assert_eq!(
            (&restored["head_hash"], &restored["keys"]),
            (&said["head_hash"], &Value::from("restored"))
        );
        other.must(&["verify"]);
        assert_holds(&other, &book, before);
        let revived = other.serve();
        let log = revived.client().get("/audit?action=restore", &revived.client().log_in("root"));
        assert_eq!(log.body["items"][0]["subject"]["log_index"], said["log_index"], "{log:?}");
        assert_eq!(revived.terminate(), Some(0));
    }
    assert_eq!(server.terminate(), Some(0));
    let left = names(home.dir());
    assert!(!left.iter().any(|name| name.contains(".part")), "nothing half done is left: {left:?}");
}

/// Fifty in the long run, of five services: the calls that go on beside a backup make each longer than the one before.
#[test]
fn a_backup_under_load_holds_what_was_acknowledged_before_it_began() {
    for _ in 0..count(1, 5) {
        back_up_under_load(&Home::sqlite(), count(3, 10));
    }
}

/// A service with some history, stopped.
fn with_history(home: &Home) -> World {
    let server = home.serve();
    let world = World::enter(home, &server);
    assert_eq!(server.terminate(), Some(0));
    world
}

#[test]
fn nothing_is_overwritten_unless_it_is_said() {
    let home = Home::sqlite();
    with_history(&home);
    let file = home.dir().join("copy.db");
    let name = file.to_str().expect("UTF-8");
    std::fs::write(&file, "a letter").expect("a file");
    let refused = home.run(&["backup", name]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("--force"), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&file).expect("a letter"), "a letter");
    let made = home.must(&["backup", name, "--force"]);
    assert!(made.out.contains("nothing was altered") && made.out.contains("keys"), "{made:?}");
    assert!(!home.dir().join("copy.db.keys").exists(), "no keys unless they are asked for");
    assert!(home.must(&["backup", name, "--force", "--no-verify"]).out.contains("not verified"));

    let refused = home.run(&["restore", name]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let server = home.serve();
    let world_lives_on = home.run(&["restore", name, "--force"]);
    assert_eq!(world_lives_on.code, Some(3), "{world_lives_on:?}");
    assert!(world_lives_on.err.contains("another server"), "{world_lives_on:?}");
    // Ended by force, with a log beside the database that must not be taken for the restored one's.
    server.client().log_in("root");
    server.kill();
    assert!(home.dir().join("pingma.db-wal").exists());
    let restored = told(&home.must(&["restore", name, "--force", "--json"]).out);
    let kept = restored["kept"].as_str().expect("the old one is kept").to_owned();
    home.must(&["verify"]);
    let old = home.must(&["verify", "--database", &format!("sqlite://{kept}"), "--json"]);
    let new = home.must(&["verify", "--json"]);
    let entries = told_entries;
    // The kept one has the sign-in after the backup, from its log; the restored one has its restore in its place.
    assert_eq!(entries(&old.out), entries(&new.out));
    assert_eq!(restored["keys"], "kept");
}

#[test]
fn what_was_altered_is_neither_kept_nor_restored() {
    let home = Home::sqlite();
    with_history(&home);
    let file = home.dir().join("copy.db");
    let name = file.to_str().expect("UTF-8");
    home.must(&["backup", name]);
    let url: pingma::db::conn::DatabaseUrl = format!("sqlite://{name}").parse().expect("an address");
    let alter = "DROP TRIGGER audit_log_no_update; UPDATE audit_log SET route = 'x' WHERE seq = 2";
    url.connect().expect("the copy").batch_execute(alter).expect("somebody at the file");
    let before = names(home.dir());
    let refused = home.run(&["restore", name, "--force"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("audit entry 2"), "{refused:?}");
    home.conn().batch_execute(alter).expect("somebody at the file");
    let second = home.dir().join("second.db");
    let refused = home.run(&["backup", second.to_str().expect("UTF-8")]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    let after: Vec<_> = names(home.dir()).into_iter().filter(|n| !before.contains(n)).collect();
    assert!(after.iter().all(|name| name.ends_with("-wal") || name.ends_with("-shm")), "{after:?}");
    std::fs::write(&second, "no database at all").expect("a file");
    assert_eq!(home.run(&["restore", second.to_str().expect("UTF-8"), "--force"]).code, Some(3));
    assert_eq!(home.run(&["restore", "nowhere.db", "--force"]).code, Some(2));
}

/// Runs our script for PostgreSQL.
fn script(arguments: &[&str]) -> std::process::Output {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/backup-postgres.sh");
    Command::new("bash").arg(path).args(arguments).stdin(Stdio::null()).output().expect("bash runs")
}

#[track_caller]
fn scripted(arguments: &[&str]) -> String {
    let output = script(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A server on a copy of a restored data directory; it ends when its input closes.
struct Revived {
    child: std::process::Child,
    url: String,
}

impl Revived {
    fn start(data: &Path) -> Self {
        use std::io::BufRead as _;
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/restored-postgres.sh");
        let mut child = Command::new("bash")
            .arg(path)
            .arg(data)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash runs");
        let mut url = String::new();
        let stdout = child.stdout.take().expect("its output is piped");
        std::io::BufReader::new(stdout).read_line(&mut url).expect("it prints its address");
        assert!(url.starts_with("postgres://"), "the restored server did not start");
        Self { child, url: url.trim().to_owned() }
    }
}

impl Drop for Revived {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// `postgres://…/NAME?…` with another name or another server.
fn name_of(url: &str) -> &str {
    let place = url.split('?').next().unwrap_or_default();
    place.rsplit('/').next().expect("a name")
}

#[test]
fn postgres_comes_back_from_its_base_backup() {
    let home = Home::postgres();
    home.must(&["migrate"]);
    for arguments in [&["backup", "x.db"][..], &["restore", "x.db"]] {
        let refused = home.run(arguments);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.err.contains("docs/operations.md"), "{refused:?}");
    }
    let server: Server = home.serve();
    let world = World::enter(&home, &server);
    let (acted, heard) = mpsc::channel();
    let copy = home.dir().join("copy");
    let mut before = 0;
    let book = under_load(server, &world, 0, &acted, |server| {
        wait_for(&heard, 40);
        before = head(&home);
        scripted(&["backup", &home.database, copy.to_str().expect("UTF-8")]);
        assert_eq!(server.terminate(), Some(0));
    });
    assert_eq!(mode(&copy), 0o700);
    scripted(&["verify", copy.to_str().expect("UTF-8")]);
    let data = home.dir().join("data");
    scripted(&["restore", copy.to_str().expect("UTF-8"), data.to_str().expect("UTF-8")]);
    assert!(
        !script(&["restore", copy.to_str().expect("UTF-8"), data.to_str().expect("UTF-8")]).status.success()
    );

    let revived = Revived::start(&data);
    let place = revived.url.replacen("/postgres?", &format!("/{}?", name_of(&home.database)), 1);
    let mut other = Home::sqlite();
    other.database = place;
    other.must(&["verify"]);
    assert_holds(&other, &book, before);

    // A byte that changed in the copy is found before anything is restored.
    std::fs::write(copy.join("PG_VERSION"), "99").expect("somebody at the file");
    assert!(!script(&["verify", copy.to_str().expect("UTF-8")]).status.success());
    let second = home.dir().join("second");
    assert!(
        !script(&["restore", copy.to_str().expect("UTF-8"), second.to_str().expect("UTF-8")])
            .status
            .success()
    );
    assert!(!second.exists());
}

/// Whether a question to the database is answered with yes; asked for a while.
#[track_caller]
fn becomes_true(home: &Home, question: &str) {
    let sql = format!("SELECT CASE WHEN {question} THEN 1 ELSE 0 END::bigint AS n");
    let answered = (0..300).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        home.number(&sql) == 1
    });
    assert!(answered, "{question}");
}

/// A gap in what was received would be taken for its end.
fn assert_refuses(home: &Home, (copy, data, wal): (&str, &str, &str)) {
    #[track_caller]
    fn refused(arguments: &[&str], says: &str) {
        let refused = script(arguments);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(says), "{said}");
    }
    let mut segments: Vec<_> =
        std::fs::read_dir(wal).expect("files").map(|file| file.expect("a file").path()).collect();
    segments.sort();
    let (_, before) = segments.split_last().expect("segments");
    for gone in before.iter().rev().take(2) {
        let kept = home.dir().join("kept");
        std::fs::rename(gone, &kept).expect("taken away");
        refused(&["restore", copy, data, wal], "a WAL segment is missing");
        std::fs::rename(&kept, gone).expect("put back");
    }
    let folder = |name: &str| home.dir().join(name).to_str().expect("UTF-8").to_owned();
    std::fs::create_dir(folder("none")).expect("a folder");
    refused(&["restore", copy, data, &folder("none")], "has nothing that came after");
    std::fs::create_dir(format!("{data}.part")).expect("a folder");
    refused(&["restore", copy, data, wal], "is left of a restore");
    std::fs::remove_dir(format!("{data}.part")).expect("a folder");
    assert!(!Path::new(data).exists());
}

#[test]
fn what_came_after_the_base_backup_is_replayed_from_the_received_wal() {
    let cluster = Cluster::start();
    let home = Home::on(cluster.url.clone());
    home.must(&["migrate"]);
    let folder = |name: &str| home.dir().join(name).to_str().expect("UTF-8").to_owned();
    let (copy, wal, data) = (folder("copy"), folder("wal"), folder("data"));
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/backup-postgres.sh");
    let mut receiver = Command::new("bash")
        .args([path, "wal", &home.database, &wal])
        .stdin(Stdio::null())
        .spawn()
        .expect("bash runs");
    let slot = "FROM pg_replication_slots WHERE slot_name = 'pingma_backup'";
    becomes_true(&home, &format!("EXISTS (SELECT 1 {slot} AND active)"));
    // Known to the files only: this server does not wait.
    let away = "ALTER SYSTEM SET synchronous_standby_names = 'away'";
    home.conn().batch_execute(away).expect("a superuser");
    scripted(&["backup", &home.database, &copy]);
    // All of it came after the backup.
    let server = home.serve();
    World::enter(&home, &server);
    assert_eq!(server.terminate(), Some(0));
    for _ in 0..3 {
        let switch = "SELECT pg_logical_emit_message(false, 'test', 'more'); SELECT pg_switch_wal()";
        home.conn().batch_execute(switch).expect("a new segment");
    }
    let received = "FROM pg_stat_replication WHERE application_name = 'pg_receivewal'";
    becomes_true(&home, &format!("EXISTS (SELECT 1 {received} AND flush_lsn >= pg_current_wal_lsn())"));
    receiver.kill().expect("it was running");
    receiver.wait().expect("it ends");

    assert_refuses(&home, (&copy, &data, &wal));
    scripted(&["restore", &copy, &data, &wal]);
    let revived = Revived::start(Path::new(&data));
    let other = Home::on(revived.url.clone());
    becomes_true(&other, "current_setting('synchronous_standby_names') = ''");
    let count = |home: &Home| told_entries(&home.must(&["verify", "--json"]).out);
    assert!(count(&other) > 5, "{}", count(&other));
    assert_eq!(count(&other), count(&home));
}

fn told_entries(out: &str) -> i64 {
    told(out)["audit_entries"].as_i64().expect("a number")
}
