//! The service works with the rights that `deploy/postgres-roles.sql` gives it, and can't change the ledger with them.

use diesel::connection::SimpleConnection;
use pingma::on_backend;

use crate::cluster::Cluster;
use crate::load::Asked;
use crate::process::{Home, PASSWORD, World};

const RIGHTS: &str = include_str!("../../deploy/postgres-roles.sql");

/// What the database says to a statement.
fn execute(home: &Home, statement: &str) -> Result<(), String> {
    on_backend!(&mut home.conn(), c => c.batch_execute(statement)).map_err(|error| error.to_string())
}

#[test]
fn the_service_works_without_the_right_to_change_the_ledger() {
    let cluster = Cluster::start();
    let superuser = Home::on(cluster.url.clone());
    for statement in [
        "CREATE ROLE pingma_owner LOGIN",
        "CREATE ROLE pingma LOGIN",
        "CREATE DATABASE pingma OWNER pingma_owner ENCODING 'UTF8' TEMPLATE template0",
    ] {
        execute(&superuser, statement).expect("a superuser may");
    }
    let as_role =
        |role: &str| Home::on(cluster.url.replace("postgres@/postgres?", &format!("{role}@/pingma?")));
    let (owner, home) = (as_role("pingma_owner"), as_role("pingma"));
    owner.must(&["migrate"]);
    // What psql makes of its variable.
    execute(&owner, &RIGHTS.replace(":\"service\"", "\"pingma\"")).expect("the owner may");

    let server = home.serve();
    let world = World::enter(&home, &server);
    let client = server.client();
    let registered = Asked::register(&world, "00000001").send(&client, &world).expect("an answer");
    let code = registered.body["code"].as_str().expect("a code");
    let checked = Asked::check(&world, "1", code).send(&client, &world).expect("an answer");
    assert_eq!(checked.body["decision"], "allowed", "{checked:?}");
    let seen = client.get(&format!("/public/cylinders/{code}"), &world.operator);
    assert_eq!(seen.status, 200, "{seen:?}");
    let reason = serde_json::json!({ "reason": "scratched" });
    let voided = client.post(&format!("/cylinders/{code}/labels"), &world.admin, "relabel", &reason);
    assert_eq!(voided.expect("an answer").status, 201);
    assert_eq!(server.terminate(), Some(0));
    home.must(&["keys", "rotate-tokens"]);
    home.must(&["admin", "trust-clock"]);
    home.must(&["verify"]);
    let second = &["admin", "create", "--username", "second", "--password-stdin"];
    assert_eq!(home.run_with(second, PASSWORD).code, Some(0));
    for table in ["idempotency_records", "public_scans"] {
        execute(&home, &format!("DELETE FROM {table} WHERE false")).expect("what is old is forgotten");
    }

    for statement in [
        "UPDATE events SET alert = alert",
        "DELETE FROM events",
        "TRUNCATE events",
        "UPDATE audit_log SET at = at",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "UPDATE event_private SET salt = salt",
        "DELETE FROM event_private",
        "DELETE FROM labels",
        "DELETE FROM fills",
        "DELETE FROM cylinders",
        "DELETE FROM ledger_head",
        "DROP TRIGGER events_no_change ON events",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "SET session_replication_role = replica",
        "DROP TABLE events",
        "CREATE TABLE more (n INT)",
        "CREATE FUNCTION f() RETURNS INT LANGUAGE sql AS 'SELECT 1'",
        "UPDATE __diesel_schema_migrations SET version = version",
    ] {
        let refused = execute(&home, statement).expect_err(statement);
        assert!(
            refused.contains("permission denied") || refused.contains("must be owner"),
            "{statement}: {refused}"
        );
    }
}
