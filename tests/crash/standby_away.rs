//! The standby that a synchronous primary waits for is away: acts wait for it, and so does the repeat of one that was cut off;
//! readers are served.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use serde_json::json;

use crate::cluster::Cluster;
use crate::load::Asked;
use crate::process::{Client, Home, Reply, Server, World, within};

/// More than the pool of a service has connections.
const WRITERS: usize = 9;

/// Whom commits wait for from now on.
fn wait_for_standby(home: &Home, name: &str) {
    let mut conn = home.conn();
    conn.batch_execute(&format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'"))
        .expect("a superuser");
    conn.batch_execute("SELECT pg_reload_conf()").expect("a superuser");
    let known = format!("SELECT (current_setting('synchronous_standby_names') = '{name}')::int::bigint AS n");
    within(Duration::from_secs(20), || home.number(&known) == 1).expect("it was reloaded");
}

/// Waits until so many connections wait for something.
#[track_caller]
fn assert_waits(home: &Home, what: &str, least: i64) {
    let waiting = format!("SELECT count(*) AS n FROM pg_stat_activity WHERE {what}");
    within(Duration::from_secs(20), || home.number(&waiting) >= least).expect("they wait");
}

/// A service on a PostgreSQL of its own.
fn served() -> (Cluster, Home, Server, World) {
    let cluster = Cluster::start();
    let home = Home::on(cluster.url.clone());
    home.must(&["migrate"]);
    let server = home.serve();
    let world = World::enter(&home, &server);
    (cluster, home, server, world)
}

/// How a commit waits for a standby.
const COMMITS: &str = "wait_event = 'SyncRep'";

/// Enters a site.
fn act(client: &Client, world: &World, name: &str) -> Reply {
    let site = json!({ "organization_id": world.company, "kind": "filling_station", "name": name, "district_code": "320602" });
    client.post("/sites", &world.admin, name, &site).expect("an answer")
}

#[test]
fn an_act_that_was_cut_off_waits_for_the_standby_when_it_is_repeated() {
    let (_cluster, home, server, world) = served();
    let client = server.client();
    wait_for_standby(&home, "away");
    std::thread::scope(|scope| {
        let first = scope.spawn(|| act(&client, &world, "cut-off"));
        assert_waits(&home, COMMITS, 1);
        let cut =
            "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        assert_eq!(home.number(cut), 1);
        assert_eq!(first.join().expect("no panic").status, 503);
        let second = scope.spawn(|| act(&client, &world, "cut-off"));
        assert_waits(&home, COMMITS, 1);
        wait_for_standby(&home, "");
        let second = second.join().expect("no panic");
        assert!(second.status == 201 && second.replayed, "{second:?}");
    });
    home.must(&["verify"]);
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn however_many_acts_wait_readers_are_served() {
    let (_cluster, home, server, world) = served();
    let client = server.client();
    let registered = Asked::register(&world, "00000001").send(&client, &world).expect("an answer");
    let code = registered.body["code"].as_str().expect("a code").to_owned();
    let names: Vec<String> = (0..WRITERS).map(|n| format!("waits-{n}")).collect();
    wait_for_standby(&home, "away");
    std::thread::scope(|scope| {
        let acts: Vec<_> = names.iter().map(|name| scope.spawn(|| act(&client, &world, name))).collect();
        assert_waits(&home, COMMITS, 1);
        assert_waits(&home, "wait_event_type = 'Lock'", 1);
        for _ in 0..WRITERS {
            assert_eq!(client.get(&format!("/public/cylinders/{code}"), "").status, 200);
        }
        let scans = client.get(&format!("/cylinders/{code}/events"), &world.admin);
        assert_eq!(scans.body["customer_scans"]["count"], WRITERS, "{scans:?}");
        wait_for_standby(&home, "");
        for act in acts {
            let reply = act.join().expect("no panic");
            assert!([201, 503].contains(&reply.status), "{reply:?}");
        }
    });
    home.must(&["verify"]);
    assert_eq!(server.terminate(), Some(0));
}
