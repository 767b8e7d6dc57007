//! The disk is full, is for reading alone, or lost the write-ahead log.

use std::sync::mpsc;
use std::time::Duration;

use crate::kill::wait_for;
use crate::load::{Asked, under_load};
use crate::mount::Mount;
use crate::process::{Home, World, within};
use crate::soak::skipped;
use crate::steady::until_told;

/// Kilobytes of the small disk, and of what is taken off it later to make room.
const DISK_KB: usize = 12_000;
const BALLAST_KB: usize = 3_000;

#[test]
fn a_disk_that_is_full_is_503_and_works_again_with_room() {
    let Some(disk) = Mount::memory(DISK_KB) else {
        return skipped("a full disk: no file system can be mounted here");
    };
    let ballast = disk.path.join("ballast");
    std::fs::write(&ballast, vec![1; BALLAST_KB << 10]).expect("there is room yet");
    let home = Home::at(&disk.path);
    let server = home.serve();
    let world = World::enter(&home, &server);
    let client = server.client();
    let mut told = Vec::new();
    let mut refused = None;
    for number in 0..20_000 {
        let asked = Asked::register(&world, &format!("D{number:07}"));
        let reply = asked.send(&client, &world).expect("the service is up");
        if reply.status != 201 {
            assert_eq!((reply.status, &reply.body["code"]), (503, &"unavailable".into()), "{reply:?}");
            refused = Some(asked);
            break;
        }
        told.push((asked, reply));
    }
    let refused = refused.expect("the disk gets full");
    for _ in 0..20 {
        let again = refused.send(&client, &world).expect("the service is up");
        assert!(matches!(again.status, 201 | 503), "{again:?}");
    }
    std::fs::remove_file(&ballast).expect("room");
    let began = within(Duration::from_secs(10), || {
        refused.send(&client, &world).is_ok_and(|reply| reply.status == 201)
    });
    assert!(began.is_some(), "it works again by itself");
    for (asked, reply) in told.iter().rev().take(50) {
        let again = asked.send(&client, &world).expect("an answer");
        assert!(again.replayed && again.body == reply.body, "{asked:?}: {again:?}");
    }
    assert_eq!(home.hashes().len(), told.len() + 1, "nothing half-written");
    println!("the disk was full after {} cylinders", told.len());
    assert_eq!(server.terminate(), Some(0));
    home.must(&["verify"]);
}

#[test]
fn a_database_that_can_not_be_written_does_not_start_and_says_why() {
    let Some(disk) = Mount::memory(DISK_KB) else {
        return skipped("a read-only disk: no file system can be mounted here");
    };
    let home = Home::at(&disk.path);
    let server = home.serve();
    World::enter(&home, &server);
    assert_eq!(server.terminate(), Some(0));
    assert!(disk.read_only(), "nobody holds a file open");
    let ended = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.err.contains("database"), "{ended:?}");
}

/// Without its log a database is as old as its last checkpoint: shorter, but whole, and the service says so by what it has.
#[test]
fn a_log_that_is_removed_leaves_an_older_ledger_and_no_half_of_an_event() {
    let home = Home::sqlite();
    let server = home.serve();
    let world = World::enter(&home, &server);
    // A stop in good order, so that people and sessions are in the file itself.
    assert_eq!(server.terminate(), Some(0));
    let server = home.serve();
    let (acted, heard) = mpsc::channel();
    let book = under_load(server, &world, 0, &acted, |server| {
        wait_for(&heard, 200);
        server.kill();
    });
    std::fs::remove_file(home.dir().join("pingma.db-wal")).expect("there was a log");
    home.must(&["verify"]);
    let server = home.serve();
    let client = server.client();
    let mut lost = 0;
    for (asked, reply) in &book {
        let again = until_told(&client, &world, asked);
        match reply {
            Some(reply) if again.replayed => assert_eq!(again.body, reply.body),
            Some(_) => lost += 1,
            None => {}
        }
    }
    println!("{lost} of {} answers were only in the log", book.len());
    assert_eq!(server.terminate(), Some(0));
    home.must(&["verify"]);
}

/// Whoever removes the log of a running service takes nothing that a stop in good order does not put back.
#[test]
fn a_log_that_is_removed_under_a_running_service_is_written_back_at_its_end() {
    let home = Home::sqlite();
    let server = home.serve();
    let world = World::enter(&home, &server);
    let client = server.client();
    let made: Vec<_> =
        (0..40).map(|n| until_told(&client, &world, &Asked::register(&world, &format!("W{n:07}")))).collect();
    std::fs::remove_file(home.dir().join("pingma.db-wal")).expect("there was a log");
    assert_eq!(server.terminate(), Some(0));
    home.must(&["verify"]);
    assert_eq!(home.hashes().len(), made.len());
}
