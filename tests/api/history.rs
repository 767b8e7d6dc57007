//! Looking back: histories, traces, lists, and who may read whose name.

use diesel::connection::SimpleConnection;
use pingma::domain::actor::Role;
use serde_json::{Value, json};

use crate::both;
use crate::support::World;
use crate::support::cast::{check, cylinder, register, sign_in};
use crate::support::world::GOOD_GROSS_G;

/// Follows the cursors of a list; the rows of every page.
async fn pages(w: &World, path: &str, auth: &str) -> Vec<Vec<Value>> {
    let mut all = Vec::new();
    let mut next = String::new();
    loop {
        let page = w.get(&format!("{path}{next}"), auth).await.expect(200);
        all.push(page["items"].as_array().expect("a list").clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return all,
        }
        assert!(all.len() < 50, "the cursors go round");
    }
}

fn column(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].as_str().expect("a text").to_owned()).collect()
}

both! {
    async fn a_history_is_read_page_by_page(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        for _ in 0..4 {
            w.permit(&code).await;
        }
        let path = format!("/cylinders/{code}/events?limit=2");
        let first = w.get(&path, &w.cast.filler.admin).await.expect(200);
        w.permit(&code).await;
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = w.get(&format!("{path}&cursor={cursor}"), &w.cast.filler.admin).await.expect(200);
        let seqs = |page: &Value| page["items"].as_array().unwrap().iter().map(|e| e["cylinder_seq"].as_i64().unwrap()).collect::<Vec<_>>();
        assert_eq!((seqs(&first), seqs(&second)), (vec![5, 4], vec![3, 2]), "what comes meanwhile moves nothing");
        let all = pages(&w, &path, &w.cast.filler.admin).await;
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 2], "a full last page has no next");
        let events = all.concat();
        for pair in events.windows(2) {
            assert_eq!(pair[0]["prev_hash"], pair[1]["hash"]);
        }
        w.app.verify();
    }
}

both! {
    async fn a_trace_says_who_filled_last_and_who_handled_it_since(app) {
        let w = World::enter(app).await;
        let delivery = w.own_delivery().await;
        let code = w.cylinder("A0000002").await;
        let trace = async |auth: &str| w.get(&format!("/cylinders/{code}/trace"), auth).await.expect(200);
        let fresh = trace(&w.cast.filler.admin).await;
        assert_eq!((&fresh["last_fill"], &fresh["allowed_by"]), (&Value::Null, &Value::Null));
        let filled = w.filled(&code, GOOD_GROSS_G).await;
        w.hand_over(&delivery, &code).await.expect(200);
        let rival = check(&code, &w.cast.rival.scale);
        w.check_by(&w.cast.rival.worker, rival).await.expect(200);
        w.take_back(&code).await.expect(201);

        let told = trace(&w.cast.filler.admin).await;
        assert_eq!((&told["last_fill"]["id"], &told["last_fill"]["actor"]["id"]), (&filled["id"], &json!(w.cast.filler.worker_id)));
        assert_eq!(told["last_fill"]["actor"]["name"], "测试 Person");
        assert_eq!(told["allowed_by"]["id"], told["last_fill"]["data"]["permit_id"]);
        let since = told["handled_since"].as_array().unwrap();
        assert_eq!(column(since, "kind"), ["handed_over", "fill_checked", "returned"]);
        assert_eq!(since[1]["organization"], json!({ "id": w.cast.rival.id, "name": "海门瑞丰燃气有限公司" }));
        assert_eq!(since[1]["actor"], json!({ "id": w.cast.rival.worker_id }), "a rival's people have no names here");
        assert_eq!(told["truncated"], false);
        let official = trace(&w.cast.regulator).await;
        assert_eq!(official["handled_since"][1]["actor"]["name"], "测试 Person", "the authority reads them");
        let foreign = w.get(&format!("/cylinders/{code}/trace"), &w.cast.rival.admin).await;
        assert_eq!(foreign.problem(404), "cylinder_not_found");
        w.app.verify();
    }
}

both! {
    async fn fills_are_listed_by_what_is_asked(app) {
        let mut w = World::enter(app).await;
        let mut ids = Vec::new();
        for n in 0..5 {
            let code = w.cylinder(&format!("B000000{n}")).await;
            let gross_g = if n == 0 { 31_401 } else { GOOD_GROSS_G };
            ids.push(w.filled(&code, gross_g).await["id"].as_str().unwrap().to_owned());
            w.later(3_600);
        }
        ids.reverse();
        let list = async |query: &str, auth: &str| column(&pages(&w, &format!("/fills?limit=2{query}"), auth).await.concat(), "id");
        assert_eq!(list("", &w.cast.filler.admin).await, ids);
        assert_eq!(list("", &w.cast.regulator).await, ids);
        assert_eq!(list("", &w.cast.admin).await, ids);
        for stranger in [&w.cast.rival.admin, &w.cast.regulator_elsewhere, &w.cast.agency.admin] {
            assert!(list("", stranger).await.is_empty());
        }
        assert_eq!(list("&status=held", &w.cast.filler.admin).await, ids[4..]);
        assert_eq!(list("&status=released", &w.cast.filler.admin).await, ids[..4]);
        let first_end = "2026-06-15T04:01:10Z";
        assert_eq!(list(&format!("&to={first_end}"), &w.cast.filler.admin).await.len(), 0, "to is not included");
        assert_eq!(list(&format!("&from={first_end}"), &w.cast.filler.admin).await.len(), 5, "from is");
        assert_eq!(list(&format!("&site_id={}", w.cast.filler.site), &w.cast.filler.admin).await.len(), 5);
        assert_eq!(list(&format!("&site_id={}", w.cast.rival.site), &w.cast.filler.admin).await.len(), 0);
        let cylinder = w.file("reg:32AB0000003").await["id"].as_str().unwrap().to_owned();
        assert_eq!(list(&format!("&cylinder_id={cylinder}"), &w.cast.filler.admin).await, ids[1..2]);
        w.app.verify();
    }
}

both! {
    async fn a_refused_foreign_code_is_an_event_of_the_station(app) {
        let w = World::enter(app).await;
        let good = w.cylinder("C0000001").await;
        let mut forged = good.clone();
        forged.replace_range(28.., if good.ends_with('0') { "1" } else { "0" });
        w.permit(&good).await;
        for code in ["https://weixin.qq.com/r/abc", forged.as_str()] {
            let reply = w.check(code).await.expect(200);
            assert_eq!((&reply["decision"], &reply["cylinder"]), (&json!("refused"), &Value::Null));
        }
        let list = async |query: &str, auth: &str| pages(&w, &format!("/fill-checks?limit=1{query}"), auth).await.concat();
        let refused = list("&decision=refused", &w.cast.filler.admin).await;
        let rules: Vec<_> = refused.iter().map(|e| e["findings"][0]["rule"].as_str().unwrap()).collect();
        assert_eq!(rules, ["fill.code-forged", "fill.code-unknown"]);
        for event in &refused {
            assert_eq!(event["stream"], json!({ "kind": "site", "id": w.cast.filler.site }));
            assert_eq!(event["actor"]["name"], "测试 Person");
        }
        assert_eq!(refused[1]["data"]["scan"]["text"], "https://weixin.qq.com/r/abc");
        assert_eq!(refused[0]["prev_hash"], refused[1]["hash"], "the station has a chain of its own");
        assert_eq!(list("&decision=allowed", &w.cast.filler.admin).await.len(), 1);
        assert_eq!(list("", &w.cast.regulator).await.len(), 3);
        assert_eq!(list("&alert=true", &w.cast.regulator).await.len(), 1);
        assert_eq!(list("&alert=false", &w.cast.regulator).await.len(), 2);
        assert_eq!(list(&format!("&site_id={}", w.cast.rival.site), &w.cast.regulator).await.len(), 0);
        assert_eq!(list("&from=2026-06-15T04:00:00.000001Z", &w.cast.regulator).await.len(), 0);
        for stranger in [&w.cast.rival.admin, &w.cast.regulator_elsewhere] {
            assert!(list("", stranger).await.is_empty());
        }
        w.app.verify();
    }
}

both! {
    async fn cylinders_are_listed_by_what_is_asked(app) {
        let w = World::enter(app).await;
        for n in 0..4 {
            w.cylinder(&format!("D000_{n}%X")).await;
            w.app.clock.advance(1);
        }
        register(&w.app, &w.cast.rival, "E0000001").await;
        let mut overdue = cylinder(&w.cast.filler.id, "F0000001");
        (overdue["manufactured_on"], overdue["purchased_on"]) = (json!("2021-05"), Value::Null);
        let overdue = w.send("POST /cylinders", &w.cast.filler.admin, overdue).await.expect(201);
        let seized = w.file("reg:32AD000_2%25X").await["id"].as_str().unwrap().to_owned();
        w.act(&seized, "seizures", &w.cast.regulator).await.expect(201);

        let list = async |query: &str, auth: &str| {
            let rows = pages(&w, &format!("/cylinders?limit=2{query}"), auth).await.concat();
            column(&rows, "serial_no")
        };
        let own = ["F0000001", "D000_3%X", "D000_2%X", "D000_1%X", "D000_0%X"];
        assert_eq!(list("", &w.cast.filler.admin).await, own, "newest first");
        assert_eq!(list("", &w.cast.regulator).await.len(), 6);
        assert!(list("", &w.cast.regulator_elsewhere).await.is_empty());
        assert_eq!(list("", &w.cast.rival.worker).await, ["E000••••"], "who answers the challenge reads the steel");
        assert_eq!(list("", &w.cast.rival.admin).await, ["E0000001"]);
        assert_eq!(list(&format!("&owner_id={}", w.cast.rival.id), &w.cast.regulator).await, ["E0000001"]);
        assert!(list(&format!("&owner_id={}", w.cast.rival.id), &w.cast.filler.admin).await.is_empty());
        assert_eq!(list("&q=000_1", &w.cast.filler.admin).await, ["D000_1%X"], "wildcards are letters");
        assert_eq!(list("&q=%25", &w.cast.filler.admin).await.len(), 4);
        assert_eq!(list("&q=d000_1%25x", &w.cast.filler.admin).await, ["D000_1%X"]);
        assert_eq!(list("&q=32AF", &w.cast.filler.admin).await, ["F0000001"]);
        let label = overdue["label"]["id"].as_str().unwrap();
        assert_eq!(list(&format!("&q={label}"), &w.cast.filler.admin).await, ["F0000001"]);
        assert_eq!(list("&status=seized", &w.cast.filler.admin).await, ["D000_2%X"]);
        assert_eq!(list("&custody=authority", &w.cast.regulator).await, ["D000_2%X"]);
        assert_eq!(list("&inspection_due_before=2025-05-31", &w.cast.filler.admin).await.len(), 0);
        assert_eq!(list("&inspection_due_before=2025-06-01", &w.cast.filler.admin).await, ["F0000001"]);
        assert_eq!(list("&district=3206", &w.cast.regulator).await.len(), 6);
        assert_eq!(list("&district=11", &w.cast.regulator).await.len(), 0);
        w.app.verify();
    }
}

/// A handover of the distributor's worker to customer K-7 at a place; its id.
async fn delivered(w: &World, code: &str) -> String {
    let agreement = json!({ "distributor_id": w.cast.distributor.id, "number": "G-1", "valid_from": "2026-01-01", "valid_to": "2026-12-31" });
    w.send("POST /supply-agreements", &w.cast.filler.admin, agreement).await.expect(201);
    w.filled(code, GOOD_GROSS_G).await;
    let handover = json!({ "code": code, "customer_ref": "K-7", "entry": "scanned",
        "position": { "lat": 31.98, "lon": 120.89, "accuracy_m": 8.0, "datum": "wgs84" } });
    let handed = w.send("POST /handovers", &w.cast.distributor.worker, handover).await.expect(200);
    assert_eq!(handed["decision"], "accepted", "{handed:#}");
    handed["id"].as_str().expect("an id").to_owned()
}

/// Whether a history and a trace of the cylinder show the customer of its handover, and nothing half.
async fn shows_customer(w: &World, code: &str, auth: &str) -> bool {
    let page = w.get(&format!("/cylinders/{code}/events?limit=200"), auth).await.expect(200);
    let trace = w.get(&format!("/cylinders/{code}/trace"), auth).await.expect(200);
    let find = |list: &Value| {
        list.as_array()
            .expect("a list")
            .iter()
            .find(|e| e["kind"] == "handed_over")
            .expect("it is there")
            .clone()
    };
    let (event, traced) = (find(&page["items"]), find(&trace["handled_since"]));
    assert_eq!(event, traced);
    let told = page.to_string().contains("K-7") || page.to_string().contains("120.89");
    assert_eq!(told, event["customer_ref"] == "K-7");
    assert_eq!(
        told,
        event["location"] == json!({ "lat": 31.98, "lon": 120.89, "accuracy_m": 8.0, "datum": "wgs84" })
    );
    assert!(!event["data"].to_string().contains("K-7"), "never in what is hashed");
    told
}

/// What `docs/verify_chain.py` says of a history.
fn verify_chain(page: &Value) -> String {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify_chain.py");
    let mut child = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    child.stdin.take().expect("its input").write_all(page.to_string().as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    String::from_utf8(output.stdout).expect("text")
}

both! {
    async fn who_delivered_and_regulators_read_to_whom(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000003").await;
        let id = delivered(&w, &code).await;
        let distributor = &w.cast.distributor;
        let (_, desk) = sign_in(&w.app, &distributor.id, &[Role::CustomerService], None);
        let (_, dispatcher) = sign_in(&w.app, &distributor.id, &[Role::Dispatcher], None);
        for auth in [&distributor.admin, &desk, &dispatcher, &w.cast.regulator] {
            assert!(shows_customer(&w, &code, auth).await);
        }
        let (_, hand) = sign_in(&w.app, &distributor.id, &[Role::FillOperator, Role::Warehouse, Role::Driver], None);
        for auth in [&hand, &distributor.worker, &w.cast.filler.admin, &w.cast.filler.worker, &w.cast.admin] {
            assert!(!shows_customer(&w, &code, auth).await);
        }
        let file = format!("/cylinders/{code}/events");
        assert_eq!(w.get(&file, &w.cast.regulator_elsewhere).await.problem(404), "cylinder_not_found");
        assert_eq!(w.get(&file, &w.cast.rival.admin).await.problem(404), "cylinder_not_found");
        let page = w.get(&file, &w.cast.regulator).await.expect(200);
        assert!(verify_chain(&page).contains("the chain holds"), "these members are not hashed");
        w.app.verify();

        let row: pingma::domain::id::EventId = id.parse().unwrap();
        let delete = match &w.app.conn() {
            pingma::db::conn::Conn::Sqlite(_) => format!("DELETE FROM event_private WHERE event_id = x'{}'", row.uuid().simple()),
            pingma::db::conn::Conn::Postgres(_) => format!("DELETE FROM event_private WHERE event_id = '\\x{}'", row.uuid().simple()),
        };
        w.app.conn().batch_execute(&delete).expect("it is deleted");
        assert!(!shows_customer(&w, &code, &distributor.admin).await, "what was deleted is gone");
        w.app.verify();
    }
}
