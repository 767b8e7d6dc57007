//! The power goes off: what a file system had not brought to its disk is gone. The disk is a file with an ext4 that writes by
//! itself only every five minutes, copied while the service writes and then mounted as after a restart.

use std::path::{Path, PathBuf};
use std::sync::mpsc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use tempfile::TempDir;

use crate::kill::wait_for;
use crate::load::under_load;
use crate::mount::{Mount, make_image};
use crate::process::{Home, World};
use crate::soak::{count, skipped};

const IMAGE_MB: u64 = 64;

/// A disk in a file.
struct Disk {
    dir: TempDir,
    mount: Mount,
}

impl Disk {
    fn new() -> Option<Self> {
        let dir = TempDir::new().expect("a temporary directory");
        let image = dir.path().join("image");
        let mount = make_image(&image, IMAGE_MB).then(|| Mount::image(&image)).flatten()?;
        Some(Self { dir, mount })
    }

    fn path(&self) -> &Path {
        &self.mount.path
    }

    /// Copies what is on the disk at this moment, without what is only in memory.
    fn copy(&self, into: &TempDir) -> PathBuf {
        let copy = into.path().join("copy");
        std::fs::copy(self.dir.path().join("image"), &copy).expect("a copy");
        copy
    }
}

#[test]
fn what_was_acknowledged_before_a_power_cut_is_there_after_it() {
    for round in 0..count(1, 10) {
        let Some(disk) = Disk::new() else {
            return skipped("a power cut: no file system can be mounted here");
        };
        let home = Home::at(disk.path());
        let server = home.serve();
        let world = World::enter(&home, &server);
        let (acted, heard) = mpsc::channel();
        let (kept, mut copy) = (TempDir::new().expect("a temporary directory"), PathBuf::new());
        let book = under_load(server, &world, round, &acted, |server| {
            wait_for(&heard, 60 + 31 * round);
            // Stopped, so that nothing is acknowledged while the copy is made.
            server.freeze();
            copy = disk.copy(&kept);
            server.kill();
        });
        drop(disk);
        let after = Mount::image(&copy).expect("its journal is replayed");
        let home = Home::at(&after.path);
        home.must(&["verify"]);
        let hashes = home.hashes();
        let told = book.iter().filter_map(|(asked, reply)| Some((asked, reply.as_ref()?)));
        let mut checked = 0;
        for (asked, reply) in told {
            if let Some(place) = reply.body["event"]["log_index"].as_i64() {
                let there = hashes.get(&place).unwrap_or_else(|| panic!("{asked:?} is lost: {reply:?}"));
                assert_eq!(reply.body["event"]["hash"], there.as_str(), "{asked:?}");
                checked += 1;
            }
        }
        assert!(checked > 10, "{checked}");
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// Rows of a small database of our own, and those of them that a copy of its disk has.
fn written_and_left(disk: &Disk, synchronous: &str) -> (i64, i64) {
    let open = |folder: &Path| {
        let path = folder.join("control.db");
        SqliteConnection::establish(path.to_str().expect("a path")).expect("a database")
    };
    let mut conn = open(disk.path());
    conn.batch_execute(
        "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (n INTEGER)",
    )
    .expect("a table");
    // The table is on the disk, whatever comes.
    conn.batch_execute("PRAGMA synchronous = FULL; INSERT INTO t VALUES (0)").expect("a row");
    conn.batch_execute(&format!("PRAGMA synchronous = {synchronous}")).expect("a mode");
    for n in 1..100 {
        conn.batch_execute(&format!("INSERT INTO t VALUES ({n})")).expect("a row");
    }
    let kept = TempDir::new().expect("a temporary directory");
    let after = Mount::image(&disk.copy(&kept)).expect("its journal is replayed");
    let sql = "SELECT count(*) AS n FROM t";
    let left: Number = diesel::sql_query(sql).get_result(&mut open(&after.path)).expect("a number");
    (100, left.n)
}

/// The test before would find nothing if nothing could be lost this way.
#[test]
fn with_a_weaker_mode_the_same_power_cut_loses_rows() {
    for (synchronous, keeps_all) in [("NORMAL", false), ("FULL", true)] {
        let Some(disk) = Disk::new() else {
            return skipped("a power cut: no file system can be mounted here");
        };
        let (written, left) = written_and_left(&disk, synchronous);
        println!("synchronous={synchronous}: {left} of {written} rows are left");
        assert_eq!(left == written, keeps_all, "synchronous={synchronous}");
    }
}
