//! The standby that a synchronous primary waits for is away: acts wait for it, and so does the repeat of one that was cut off;
//! readers are served and stay signed in.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use pingma::on_backend;
use serde_json::json;

use crate::cluster::Cluster;
use crate::load::Asked;
use crate::process::{Home, PASSWORD, World, within};

/// More than the pool of a service has connections.
const READERS: usize = 12;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The number that a statement answers.
fn number(home: &Home, sql: &str) -> i64 {
    let row: Number =
        on_backend!(&mut home.conn(), c => diesel::sql_query(sql).get_result(c)).expect("an answer");
    row.n
}

/// Whom commits wait for from now on.
fn wait_for_standby(home: &Home, name: &str) {
    let mut conn = home.conn();
    conn.batch_execute(&format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'"))
        .expect("a superuser");
    conn.batch_execute("SELECT pg_reload_conf()").expect("a superuser");
    let known = format!("SELECT (current_setting('synchronous_standby_names') = '{name}')::int::bigint AS n");
    within(Duration::from_secs(20), || number(home, &known) == 1).expect("it was reloaded");
}

/// Waits until a commit waits.
#[track_caller]
fn assert_waits(home: &Home) {
    let waiting = "SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    within(Duration::from_secs(20), || number(home, waiting) == 1).expect("a commit waits");
}

#[test]
fn acts_wait_for_a_standby_and_readers_do_not() {
    let cluster = Cluster::start();
    let home = Home::on(cluster.url.clone());
    home.must(&["migrate"]);
    let server = home.serve();
    let world = World::enter(&home, &server);
    let client = server.client();
    let registered = Asked::register(&world, "00000001").send(&client, &world).expect("an answer");
    let code = registered.body["code"].as_str().expect("a code").to_owned();
    let login = json!({ "username": "worker", "password": PASSWORD });
    let mut pair = client.post("/auth/login", "", "", &login).expect("an answer").body;

    wait_for_standby(&home, "away");
    let user = json!({ "organization_id": world.company, "username": "new", "password": PASSWORD, "display_name": "new",
        "roles": ["fill_operator"] });
    std::thread::scope(|scope| {
        let act = || client.post("/users", &world.admin, "cut-off", &user).expect("an answer");
        let first = scope.spawn(act);
        assert_waits(&home);
        for _ in 0..READERS {
            let token = json!({ "refresh_token": pair["refresh_token"] });
            let refreshed = client.post("/auth/refresh", "", "", &token).expect("an answer");
            assert_eq!(refreshed.status, 200, "{refreshed:?}");
            pair = refreshed.body;
            assert_eq!(client.get(&format!("/public/cylinders/{code}"), "").status, 200);
        }
        let scans = client.get(&format!("/cylinders/{code}/events"), &world.admin);
        assert_eq!(scans.body["customer_scans"]["count"], READERS, "{scans:?}");

        let cut =
            "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        assert_eq!(number(&home, cut), 1);
        assert_eq!(first.join().expect("no panic").status, 503);
        let second = scope.spawn(act);
        assert_waits(&home);
        wait_for_standby(&home, "");
        let second = second.join().expect("no panic");
        assert!(second.status == 201 && second.replayed, "{second:?}");
    });
    home.must(&["verify"]);
    assert_eq!(server.terminate(), Some(0));
}
