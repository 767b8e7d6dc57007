//! How commands end: 0 it is so, 1 the answer is no, 2 typed wrong, 3 not available. And what refuses to start.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use pingma::db::conn::DatabaseUrl;
use pingma::on_backend;
use serde_json::json;

use crate::process::{Home, World};

/// A service with one cylinder, stopped; the code of the cylinder.
fn with_a_cylinder(home: &Home) -> String {
    let server = home.serve();
    let world = World::enter(home, &server);
    let body = json!({ "owner_id": world.company, "registration_code": "32A00000001",
        "manufacturer": { "code": "ABC", "name": "江苏民生特种设备", "license_no": "TS2210001" },
        "serial_no": "A1", "model": "YSP35.5", "tare_g": 16_500, "manufactured_on": "2024-05", "design_life_months": 96,
        "shroud": "welded", "filler_mark": true });
    let made = server.client().post("/cylinders", &world.admin, "k-1", &body).expect("an answer");
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(server.terminate(), Some(0));
    made.body["code"].as_str().expect("a code").to_owned()
}

#[test]
fn what_is_typed_wrong_ends_with_2() {
    let home = Home::sqlite();
    for arguments in [
        &["frobnicate"][..],
        &["verify", "--nonsense"],
        &["check"],
        &["check", "reg:32A00000001"],
        &["check", "stamp:ABC:A1"],
        &["check", "01912345-6789-7abc-8def-0123456789ab"],
        &["verify", "--database", "mysql://localhost/pingma"],
        &["serve", "--listen", "not-an-address"],
        &["admin", "create", "--username", "root"],
    ] {
        let ended = home.run(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(!ended.err.is_empty(), "{arguments:?} says why");
    }
}

#[test]
fn what_is_not_there_ends_with_3() {
    let home = Home::sqlite();
    let away = "postgres://postgres@127.0.0.1:1/none?connect_timeout=2";
    for arguments in [
        &["verify"][..],
        &["check", "A"],
        &["verify", "--database", away],
        &["serve", "--listen", "127.0.0.1:0", "--database", away],
        &["migrate", "--database", away],
    ] {
        let ended = home.run(arguments);
        assert_eq!(ended.code, Some(3), "{arguments:?}: {ended:?}");
    }
    assert_eq!(std::fs::read_dir(home.dir()).expect("the folder").count(), 0, "looking makes no database");
}

#[test]
fn a_forged_code_is_no_and_an_admin_is_made_once() {
    let home = Home::sqlite();
    let code = with_a_cylinder(&home);
    let mut forged = code.clone();
    forged.replace_range(28.., if code.ends_with('0') { "1" } else { "0" });
    let no = home.run(&["check", &forged]);
    assert_eq!(no.code, Some(1), "{no:?}");
    assert!(no.out.contains("fill.code-forged"), "{no:?}");
    let json = home.run(&["check", &forged, "--json"]);
    let said: serde_json::Value = serde_json::from_str(&json.out).expect("JSON");
    assert_eq!(said["lawful"], false);
    assert_eq!(home.run(&["check", "not a code"]).code, Some(1));
    for (arguments, words) in [
        (&["history", "not a code"][..], "no such cylinder"),
        (&["history", "not a code", "--zh"], "气瓶不存在"),
    ] {
        let unknown = home.run(arguments);
        assert!(unknown.code == Some(1) && unknown.err.contains(words), "{unknown:?}");
    }
    assert!(home.must(&["history", &code]).out.contains("registered"));
    home.must(&["verify"]);

    let create = ["admin", "create", "--username", "root", "--password-stdin"];
    let odd = home
        .run_with(&["admin", "create", "--username", "Root user", "--password-stdin"], "korrekt-Pferd-7\n");
    assert!(odd.code == Some(2) && odd.err.contains("a-z, 0-9"), "{odd:?}");
    let again = home.run_with(&create, "korrekt-Pferd-7\n");
    assert_eq!(again.code, Some(1), "{again:?}");
    assert_eq!(home.run_with(&create, "").code, Some(2));
}

#[test]
fn an_altered_ledger_is_no() {
    let home = Home::sqlite();
    with_a_cylinder(&home);
    home.conn()
        .batch_execute(
            "DROP TRIGGER events_no_update; UPDATE events SET district_code = '110000' WHERE log_index = 1",
        )
        .expect("somebody at the file");
    let found = home.run(&["verify"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.out.contains("ALTERED") && found.out.contains("event 1 "), "{found:?}");
}

#[test]
fn what_is_typed_on_the_machine_is_in_the_audit_log() {
    let home = Home::sqlite();
    with_a_cylinder(&home);
    home.must(&["admin", "trust-clock"]);
    home.must(&["keys", "rotate-labels"]);
    home.must(&["keys", "rotate-tokens"]);
    let server = home.serve();
    let root = server.client().log_in("root");
    let log = server.client().get("/audit?limit=200", &root);
    let entries = log.body["items"].as_array().expect("items");
    let typed: Vec<_> = entries
        .iter()
        .filter(|entry| entry["actor_id"].is_null())
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    assert_eq!(typed, ["rotate_token_key", "rotate_label_key", "trust_clock", "create_first_admin"]);
    assert_eq!(server.terminate(), Some(0));
    home.conn()
        .batch_execute("DROP TRIGGER audit_log_no_update; UPDATE audit_log SET action = 'x' WHERE seq = 3")
        .expect("somebody at the file");
    let found = home.run(&["verify"]);
    assert_eq!(found.code, Some(1), "{found:?}");
    assert!(found.out.contains("ALTERED") && found.out.contains("audit entry 3: "), "{found:?}");
}

#[test]
fn a_denied_call_is_in_the_audit_log_when_the_service_has_stopped() {
    let home = Home::sqlite();
    let server = home.serve();
    let world = World::enter(&home, &server);
    for _ in 0..3 {
        assert_eq!(server.client().get("/audit", &world.operator).status, 403);
    }
    assert_eq!(server.terminate(), Some(0));
    let server = home.serve();
    let root = server.client().log_in("root");
    let log = server.client().get("/audit?outcome=denied", &root);
    let entries = log.body["items"].as_array().expect("items");
    let times: u64 = entries.iter().filter_map(|entry| entry["subject"]["times"].as_u64()).sum();
    assert_eq!(times, 3, "{log:?}");
    home.must(&["verify"]);
}

#[test]
fn a_second_server_on_the_same_file_does_not_start() {
    let home = Home::sqlite();
    let first = home.serve();
    let second = home.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.code, Some(3), "{second:?}");
    assert!(second.err.contains("another server"), "{second:?}");
    assert_eq!(first.client().get("/openapi.json", "").status, 200, "the first one serves on");
    first.kill();
    let next = home.serve();
    assert_eq!(next.terminate(), Some(0), "a killed server leaves no lock behind");
}

#[test]
fn who_finds_the_file_taken_has_not_touched_it() {
    let home = Home::sqlite();
    let url = home.database.parse().expect("an address");
    let held = pingma::server::lock(&url).expect("nobody has it");
    let demo = ["demo", "--once", "--cylinders", "100", "--database", home.database.as_str()];
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &demo] {
        let late = home.run(arguments);
        assert_eq!(late.code, Some(3), "{arguments:?}: {late:?}");
        assert!(late.err.contains("another server"), "{arguments:?}: {late:?}");
        let mut files =
            std::fs::read_dir(home.dir()).expect("the folder").map(|file| file.expect("a file").file_name());
        assert_eq!(files.next(), Some("pingma.db.lock".into()), "{arguments:?}");
        assert_eq!(files.next(), None, "{arguments:?} made neither database nor keys");
    }
    drop(held);
    home.must(&["migrate"]);
}

#[test]
fn without_its_keys_a_service_with_labels_does_not_start() {
    let home = Home::sqlite();
    let code = with_a_cylinder(&home);
    std::fs::remove_file(home.dir().join("keys")).expect("the keys were there");
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["check", &code]] {
        let ended = home.run(arguments);
        assert_eq!(ended.code, Some(3), "{arguments:?}: {ended:?}");
    }
    assert!(!home.dir().join("keys").exists(), "new keys would make every label a forgery");
    home.must(&["verify"]);
}

fn refuses_a_newer_schema(home: &Home) {
    home.must(&["migrate"]);
    home.conn()
        .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')")
        .expect("a step of the future");
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["verify"]] {
        let ended = home.run(arguments);
        assert_eq!(ended.code, Some(3), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains("newer"), "{ended:?}");
    }
}

#[test]
fn a_newer_schema_is_refused() {
    refuses_a_newer_schema(&Home::sqlite());
    refuses_a_newer_schema(&Home::postgres());
}

#[test]
fn an_older_schema_is_refused_on_postgres_and_brought_up_on_sqlite() {
    let home = Home::postgres();
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["verify"]] {
        let ended = home.run(arguments);
        assert_eq!(ended.code, Some(3), "{arguments:?}: {ended:?}");
        assert!(ended.err.contains("pingma migrate"), "names the way out: {ended:?}");
    }
    home.must(&["migrate"]);
    assert_eq!(home.serve().terminate(), Some(0));

    let home = Home::sqlite();
    drop(home.conn());
    assert_eq!(home.run(&["verify"]).code, Some(3), "an empty file has no schema");
    assert_eq!(home.serve().terminate(), Some(0));
    home.must(&["verify"]);
}

#[test]
fn a_command_may_take_long_and_a_call_may_not() {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        set: String,
    }
    let home = Home::postgres();
    let url: DatabaseUrl = home.database.parse().expect("an address");
    for (conn, limit) in [(url.connect(), "15s"), (url.connect_for_long(), "0")] {
        let asked = "SELECT current_setting('statement_timeout') AS set";
        let row: Setting =
            on_backend!(&mut conn.expect("it answers"), c => diesel::sql_query(asked).get_result(c))
                .expect("a row");
        assert_eq!(row.set, limit);
    }
}
