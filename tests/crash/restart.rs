//! PostgreSQL is stopped hard under load and started again: honest 503 meanwhile, work again within seconds, nothing lost.

use std::sync::mpsc;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::process::{Home, World, within};
use crate::soak::count;
use crate::steady::Steady;

/// From when the database takes connections until the service writes and reads again.
const RECOVERY: Duration = Duration::from_secs(5);
/// Threads that call.
const THREADS: usize = 4;

#[test]
fn postgres_is_stopped_hard_under_load() {
    let mut cluster = Cluster::start();
    let home = Home::on(cluster.url.clone());
    home.must(&["migrate"]);
    let server = home.serve();
    let world = World::enter(&home, &server);
    let (client, steady) = (server.client(), Steady::default());
    let (acted, heard) = mpsc::channel();
    let mut slowest = Duration::ZERO;
    std::thread::scope(|scope| {
        let _running = steady.run(scope, THREADS, &client, &world, &acted);
        for round in 0..count(2, 50) {
            // Another place in the stream of calls every time.
            for _ in 0..10 + 7 * round % 41 {
                heard.recv_timeout(Duration::from_secs(60)).expect("calls are answered");
            }
            cluster.crash();
            while heard.try_recv().is_ok() {}
            cluster.restart();
            // Of every thread one answer may have been on its way when the database stopped.
            let wrote = within(RECOVERY, || (0..=THREADS).all(|_| heard.recv_timeout(RECOVERY).is_ok()));
            let read = within(RECOVERY, || client.get("/me", &world.admin).status == 200);
            slowest = slowest.max(wrote.expect("it writes again")).max(read.expect("it reads again"));
        }
    });
    println!("slowest recovery: {slowest:?}");
    steady.assert_true(&home);
    assert_eq!(server.terminate(), Some(0));
}
