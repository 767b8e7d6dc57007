//! Ways round the gate that a station might try.

use pingma::domain::actor::Role;
use serde_json::{Value, json};

use crate::both;
use crate::support::World;
use crate::support::app::Ask;
use crate::support::cast::{check, sign_in};

both! {
    async fn a_return_to_where_it_is_moves_nothing(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        w.filled(&code, 31_300).await;
        assert_eq!(w.take_back(&code).await.problem(409), "state_conflict");
        let again = w.check(&code).await;
        assert_eq!(again.expect(200)["decision"], "refused");
        assert!(again.rules().contains(&"fill.cycle-too-short".to_owned()), "{:?}", again.rules());
        w.app.verify();
    }
}

both! {
    async fn less_than_the_steel_alone_weighs_is_no_fill(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        let allowed = w.check(&code).await.expect(200);
        let now = w.app.now().to_string();
        let fill = json!({ "permit_id": allowed["permit"]["id"], "gross_g": 0, "started_at": now, "finished_at": now });
        let reply = w.send("POST /fills", &w.cast.filler.worker, fill).await;
        assert_eq!(reply.problem(422), "invalid");
        assert_eq!(reply.json()["errors"][0]["pointer"], "/gross_g");
        let mut light = w.fill(&allowed["permit"], 16_099);
        w.app.clock.advance(80);
        let reply = w.send("POST /fills", &w.cast.filler.worker, light.clone()).await;
        assert_eq!(reply.json()["errors"][0]["code"], "below_tare");
        light["gross_g"] = json!(16_100);
        w.send("POST /fills", &w.cast.filler.worker, light).await.expect(201);
    }
}

both! {
    async fn a_scan_does_not_widen_a_regulators_district(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        let line = format!("POST /cylinders/{code}/seizures");
        let body = json!({ "document_no": "BJ-1", "reason": "elsewhere" });
        let elsewhere = w.send(&line, &w.cast.regulator_elsewhere, body.clone()).await;
        assert_eq!(elsewhere.problem(404), "cylinder_not_found");
        w.send(&line, &w.cast.regulator, body).await.expect(201);
    }
}

both! {
    async fn a_stranger_can_not_empty_a_cylinder_by_taking_it_in(app) {
        let w = World::enter(app).await;
        let delivery = w.own_delivery().await;
        let code = w.cylinder("A0000001").await;
        w.filled(&code, 31_300).await;
        let taken = w.send("POST /returns", &w.cast.rival.worker, json!({ "code": code, "residual_g": 0 })).await;
        taken.expect(201);
        assert_eq!(w.hand_over(&delivery, &code).await.expect(200)["decision"], "accepted");
        w.app.verify();
    }
}

both! {
    async fn a_printed_address_is_taken_as_people_spell_it(app) {
        let w = World::enter(app).await;
        let delivery = w.own_delivery().await;
        let code = w.cylinder("A0000001").await;
        w.filled(&code, 31_300).await;
        w.hand_over(&delivery, &code).await.expect(200);
        for path in [format!("/C/{code}"), format!("/C/{code}/"), format!("/c/{}", code.to_lowercase())] {
            let page = w.app.ask(Ask { line: format!("GET {path}"), ..Ask::default() }).await;
            assert_eq!(page.status, 200, "{path}");
            assert!(page.text().contains("可以使用"), "{path}");
        }
        let long = w.app.ask(Ask { line: format!("GET /C/{}", "A".repeat(5_000)), ..Ask::default() }).await;
        assert_eq!(long.status, 200);
        assert!(long.text().contains("<html"), "a page, not JSON");
    }
}

both! {
    async fn a_typed_code_moves_no_strangers_cylinder(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        let typed = w.file(&code).await["label"]["typed"].as_str().expect("a text").to_owned();
        let head = w.head();
        for (line, body) in [
            ("POST /returns", json!({ "code": typed, "entry": "typed" })),
            ("POST /emptyings", json!({ "code": typed, "entry": "typed", "reason": "mine", "residual_g": 0 })),
        ] {
            let reply = w.send(line, &w.cast.rival.worker, body).await;
            assert_eq!(reply.problem(404), "label_not_found", "{line}");
        }
        assert_eq!(w.head(), head);
        w.send("POST /returns", &w.cast.filler.worker, json!({ "code": typed, "entry": "typed" })).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn a_strangers_return_voids_no_open_permit(app) {
        let mut w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        let permit = w.permit(&code).await;
        let taken = w.send("POST /returns", &w.cast.rival.worker, json!({ "code": code })).await;
        assert_eq!(taken.problem(409), "state_conflict");
        w.later(600);
        let taken = w.send("POST /returns", &w.cast.agency.worker, json!({ "code": code })).await;
        assert_eq!(taken.problem(409), "state_conflict", "the permit is good in its last second");
        w.record(w.fill(&permit, 31_300)).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn a_permit_that_another_ended_keeps_nobody_waiting(app) {
        let w = World::enter(app).await;
        let (code, next) = (w.cylinder("A0000001").await, w.cylinder("A0000002").await);
        w.permit(&code).await;
        w.permit(&next).await;
        for (code, status) in [(&code, 201), (&next, 409)] {
            let taken = w.send("POST /returns", &w.cast.agency.worker, json!({ "code": code })).await;
            assert_eq!(taken.status, status, "{}", taken.text());
        }
        w.app.verify();
    }
}

both! {
    async fn who_only_has_a_cylinder_sees_what_was_since(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        let delivery = w.own_delivery().await;
        w.filled(&code, 31_300).await;
        w.hand_over(&delivery, &code).await.expect(200);
        w.send("POST /returns", &w.cast.rival.worker, json!({ "code": code })).await.expect(201);
        let rival = &w.cast.rival.admin;
        let file = w.get(&format!("/cylinders/{code}"), rival).await.expect(200);
        assert_eq!(file["insurance"], json!(null));
        let listed = w.get("/cylinders", rival).await.expect(200);
        assert_eq!(listed["items"][0]["insurance"], json!(null));
        let events = w.get(&format!("/cylinders/{code}/events"), rival).await.expect(200);
        let kinds: Vec<_> = events["items"].as_array().expect("a list").iter().map(|e| e["kind"].clone()).collect();
        assert_eq!(kinds, [json!("returned")]);
        let trace = w.get(&format!("/cylinders/{code}/trace"), rival).await.expect(200);
        assert_eq!((&trace["last_fill"], &trace["allowed_by"]), (&json!(null), &json!(null)));
        assert_eq!(trace["handled_since"].as_array().map(Vec::len), Some(1));
        assert_ne!(w.file(&code).await["insurance"], json!(null));
        let whole = w.get(&format!("/cylinders/{code}/trace"), &w.cast.filler.admin).await.expect(200);
        assert_ne!(whole["last_fill"], json!(null));
        w.app.verify();
    }
}

both! {
    async fn what_moved_nothing_begins_and_ends_nobodys_part_of_a_history(app) {
        let mut w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        let delivery = w.own_delivery().await;
        w.filled(&code, 31_300).await;
        w.hand_over(&delivery, &code).await.expect(200);
        w.later(3_600);
        w.send("POST /returns", &w.cast.rival.worker, json!({ "code": code })).await.expect(201);
        let kinds = async |auth: &str| {
            let page = w.get(&format!("/cylinders/{code}/events"), auth).await.expect(200);
            page["items"].as_array().expect("a list").iter().map(|e| e["kind"].as_str().expect("a kind").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(kinds(&w.cast.rival.admin).await, ["returned"]);
        let contested = json!({ "code": code });
        w.send("POST /returns", &w.cast.distributor.worker, contested).await.expect(201);
        let stale = json!({ "code": code, "captured_at": w.app.now().plus_seconds(-60) });
        w.send("POST /returns", &w.cast.filler.worker, stale).await.expect(201);
        assert_eq!(kinds(&w.cast.rival.admin).await, ["returned"; 3], "it is with them still");
        w.app.verify();
    }
}

both! {
    async fn a_fill_takes_a_cylinder_out_of_who_had_it(app) {
        let mut w = World::enter(app).await;
        let agreement = json!({ "distributor_id": w.cast.distributor.id, "number": "G-1", "valid_from": "2026-01-01", "valid_to": "2026-12-31" });
        w.send("POST /supply-agreements", &w.cast.filler.admin, agreement).await.expect(201);
        let code = w.cylinder("A0000001").await;
        let take = async |w: &World| w.send("POST /returns", &w.cast.distributor.worker, json!({ "code": code })).await.expect(201);
        take(&w).await;
        w.filled(&code, 31_300).await;
        w.later(60);
        take(&w).await;
        let page = w.get(&format!("/cylinders/{code}/events"), &w.cast.distributor.admin).await.expect(200);
        assert_eq!(page["items"].as_array().map(Vec::len), Some(1), "{page:#}");
        let trace = w.get(&format!("/cylinders/{code}/trace"), &w.cast.distributor.admin).await.expect(200);
        assert_eq!(trace["last_fill"], json!(null), "what was at the station is the station's");
        w.app.verify();
    }
}

both! {
    async fn a_way_between_own_places_lifts_no_rule(app) {
        let w = World::enter(app).await;
        let yard = w.another_site().await;
        let operator = [Role::FillOperator];
        let (_, roaming) = sign_in(&w.app, &w.cast.filler.id, &operator, None);
        let code = w.cylinder("B0000001").await;
        w.filled(&code, 31_300).await;
        let nowhere = w.send("POST /returns", &roaming, json!({ "code": code })).await;
        assert_eq!(nowhere.problem(409), "state_conflict");
        let there = w.send("POST /returns", &roaming, json!({ "code": code, "site_id": yard })).await.expect(201);
        assert_eq!(there["custody"]["site_id"], json!(yard), "where it is, is recorded");
        w.take_back(&code).await.expect(201);
        assert_eq!(w.check(&code).await.rules(), ["fill.cycle-too-short"]);
        let delivery = w.own_delivery().await;
        assert_eq!(w.hand_over(&delivery, &code).await.expect(200)["decision"], "accepted", "its gas is still in it");
        w.app.verify();
    }
}

both! {
    async fn a_forged_code_leaves_the_label_it_claimed(app) {
        let w = World::enter(app).await;
        let mut code = w.cylinder("A0000001").await;
        let end = if code.ends_with('0') { "1" } else { "0" };
        code.replace_range(28.., end);
        let reply = w.check(&code).await;
        assert!(reply.rules().contains(&"fill.code-forged".to_owned()), "{}", reply.text());
        let checks = w.get("/fill-checks", &w.cast.filler.admin).await.expect(200);
        assert_eq!(checks["items"][0]["data"]["scan"]["label_id"], code[..8], "{checks:#}");
        w.app.verify();
    }
}

both! {
    async fn a_return_lifts_no_hold(app) {
        let w = World::enter(app).await;
        let yard = w.another_site().await;
        let code = w.cylinder("B0000002").await;
        assert_eq!(w.filled(&code, 31_401).await["status"], "held");
        w.send("POST /returns", &w.cast.filler.worker, json!({ "code": code, "site_id": yard })).await.expect(201);
        w.take_back(&code).await.expect(201);
        assert_eq!(w.check(&code).await.rules(), ["fill.held", "fill.cycle-too-short"]);
        w.send("POST /returns", &w.cast.rival.worker, json!({ "code": code })).await.expect(201);
        assert_eq!(w.take_back(&code).await.problem(409), "state_conflict", "it never left");
        w.send("POST /returns", &w.cast.agency.worker, json!({ "code": code })).await.expect(201);
        w.take_back(&code).await.expect(201);
        assert_eq!(w.check(&code).await.rules(), ["fill.held", "fill.quick-return"], "also by way of another organization");
        let alone = json!({ "code": code, "reason": "换阀", "residual_g": 0 });
        let reply = w.send("POST /emptyings", &w.cast.filler.worker, alone).await;
        assert_eq!(reply.json()["errors"][0]["pointer"], "/witness_id");
        w.send("POST /emptyings", &w.cast.filler.worker, w.emptying(&code, "超装卸出", 0)).await.expect(201);
        assert_eq!(w.check(&code).await.expect(200)["decision"], "allowed");
        w.app.verify();
    }
}

both! {
    async fn a_site_elsewhere_hides_nothing(app) {
        let w = World::enter(app).await;
        let filler = &w.cast.filler;
        let body = json!({ "organization_id": filler.id, "kind": "filling_station", "name": "外地站", "district_code": "110000" });
        let own = w.send("POST /sites", &filler.admin, body.clone()).await;
        assert_eq!(own.json()["errors"][0]["pointer"], "/district_code", "{}", own.text());
        let site = w.send("POST /sites", &w.cast.admin, body).await.expect(201);
        let sites = w.get("/sites", &w.cast.regulator).await;
        assert!(sites.text().contains(site["id"].as_str().expect("an id")), "{}", sites.text());
        let scale = json!({ "site_id": site["id"], "name": "秤", "serial_no": "S-77", "medium": "lpg", "calibration_valid_to": "2027-01-31" });
        let scale = w.send("POST /scales", &w.cast.admin, scale).await.expect(201);
        let scales = w.get("/scales", &w.cast.regulator).await;
        assert!(scales.text().contains(scale["id"].as_str().expect("an id")), "{}", scales.text());
        let code = w.cylinder("A0000001").await;
        let there = check(&code, scale["id"].as_str().expect("an id"));
        let checked = w.check_by(&filler.worker, there).await.expect(200);
        let seen = w.get("/fill-checks", &w.cast.regulator).await;
        assert!(seen.text().contains(checked["id"].as_str().expect("an id")), "{}", seen.text());
        assert_eq!(w.get("/fill-checks", &w.cast.rival.admin).await.expect(200)["items"], json!([]));
    }
}

both! {
    async fn an_act_of_an_office_takes_no_cylinder_out_of_reach(app) {
        let w = World::enter(app).await;
        let filler = &w.cast.filler;
        let body = json!({ "organization_id": filler.id, "kind": "filling_station", "name": "外地站", "district_code": "110000" });
        let site = w.send("POST /sites", &w.cast.admin, body).await.expect(201);
        let made = w.cylinder("A0000001").await;
        let id = w.file(&made).await["id"].as_str().expect("an id").to_owned();
        let (_, roaming) = sign_in(&w.app, &filler.id, &[Role::Warehouse], None);
        w.send("POST /returns", &roaming, json!({ "code": made, "site_id": site["id"] })).await.expect(201);
        let file = format!("/cylinders/{id}");
        let seen = async || w.get(&file, &w.cast.regulator_elsewhere).await.expect(200)["district_code"].clone();
        assert_eq!(seen().await, "110000", "where it came in");
        let document = json!({ "document_no": "D-1", "reason": "for a test" });
        let off = format!("DELETE /cylinders/{id}/blacklistings");
        w.act_for_reason(&id, "labels", &filler.admin).await.expect(201);
        assert_eq!(seen().await, "110000", "after a new label");
        w.act_for_reason(&id, "losses", &filler.admin).await.expect(201);
        assert_eq!(seen().await, "110000", "lost");
        w.act_for_reason(&id, "recoveries", &filler.admin).await.expect(201);
        assert_eq!(seen().await, "110000", "found");
        w.act(&id, "blacklistings", &w.cast.regulator).await.expect(201);
        w.send(&off, &w.cast.regulator, document).await.expect(201);
        assert_eq!(seen().await, "110000", "on the blacklist and off");
        let proposal = json!({ "new_owner_id": w.cast.rival.id, "reason": "sold", "document_no": "D-1" });
        let proposal = w.send(&format!("POST /cylinders/{id}/owner-changes"), &filler.admin, proposal).await.expect(201);
        let line = format!("POST /owner-changes/{}/approve", proposal["id"].as_str().expect("an id"));
        w.send(&line, &w.cast.rival.admin, Value::Null).await.expect(201);
        assert_eq!(seen().await, "110000", "sold");
        w.act(&id, "seizures", &w.cast.regulator_elsewhere).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn a_regulator_judges_no_authority_and_nobody_the_platform(app) {
        let w = World::enter(app).await;
        let all = w.get("/organizations?limit=200", &w.cast.admin).await.expect(200);
        let find = |fits: &dyn Fn(&Value) -> bool| {
            let found = all["items"].as_array().expect("a list").iter().find(|of| fits(of));
            found.expect("an organization")["id"].as_str().expect("an id").to_owned()
        };
        let authority = find(&|of| of["kinds"] == json!(["regulator"]) && of["district_code"] == "320600");
        let platform = find(&|of| of["credit_code"] == "PINGMA-PLATFORM");
        let judge = json!({ "status": "suspended" });
        let line = format!("PATCH /organizations/{authority}");
        assert_eq!(w.send(&line, &w.cast.regulator, judge.clone()).await.problem(403), "forbidden");
        let license = json!({ "kind": "business", "number": "B-1", "issuer": "南通市", "valid_from": "2024-01-01", "valid_to": "2027-12-31" });
        let granted = w.send(&format!("POST /organizations/{authority}/licenses"), &w.cast.regulator, license).await;
        assert_eq!(granted.problem(403), "forbidden");
        for status in ["suspended", "closed"] {
            let line = format!("PATCH /organizations/{platform}");
            let own = w.send(&line, &w.cast.admin, json!({ "status": status })).await;
            assert_eq!(own.problem(409), "state_conflict", "{status}");
        }
        let line = format!("PATCH /organizations/{}", w.cast.rival.id);
        w.send(&line, &w.cast.regulator, judge).await.expect(200);
    }
}

both! {
    async fn a_certificate_number_is_taken_within_its_organization(app) {
        let w = World::enter(app).await;
        let body = json!({ "kind": "hazmat_escort", "number": "E-1", "issuer": "南通市", "valid_from": "2024-01-01", "valid_to": "2027-12-31" });
        for (user, auth, status) in [
            (&w.cast.filler.worker_id, &w.cast.filler.admin, 201),
            (&w.cast.filler.checker_id, &w.cast.filler.admin, 409),
            (&w.cast.filler.worker_id, &w.cast.filler.admin, 409),
            (&w.cast.rival.worker_id, &w.cast.rival.admin, 201),
        ] {
            let reply = w.send(&format!("POST /users/{user}/certificates"), auth, body.clone()).await;
            assert_eq!(reply.status, status, "{}", reply.text());
        }
    }
}

both! {
    async fn a_browser_that_is_lost_finds_the_way_back(app) {
        let w = World::enter(app).await;
        let at = |line: &str| Ask { line: line.to_owned(), headers: vec![("Accept".to_owned(), "text/html,*/*".to_owned())], ..Ask::default() };
        let lost = w.app.ask(at("GET /nowhere?lang=en-US")).await;
        assert_eq!(lost.status, 404);
        assert!(lost.text().contains("href=\"/\"") && lost.text().contains("There is no such page"), "{}", lost.text());
        let plain = w.app.ask(Ask { line: "GET /nowhere".to_owned(), ..Ask::default() }).await;
        assert_eq!(plain.problem(404), "not_found");
        w.app.verify();
    }
}

both! {
    async fn an_old_scan_that_comes_late_moves_nothing(app) {
        let mut w = World::enter(app).await;
        let code = w.cylinder("C0000001").await;
        w.take_back(&code).await.expect(201);
        w.later(3_600);
        let before_fill = w.app.now();
        w.filled(&code, 31_300).await;
        let late = json!({ "code": code, "captured_at": before_fill.plus_seconds(-60), "residual_g": 0 });
        let stranger = w.send("POST /returns", &w.cast.rival.worker, late.clone()).await.expect(201);
        assert_eq!(stranger["custody"], json!(null), "it has no say in who has it now");
        assert_eq!(w.check(&code).await.rules(), ["fill.cycle-too-short"]);
        let events = w.events(&code).await;
        let stale = events.iter().find(|e| e["kind"] == "returned").expect("it is kept");
        assert_eq!(stale["data"]["stale"], json!(true), "{stale:#}");
        let unborn = json!({ "code": code, "captured_at": "2026-06-15T03:59:59Z" });
        let reply = w.send("POST /returns", &w.cast.rival.worker, unborn).await;
        assert_eq!(reply.problem(422), "invalid");
        assert_eq!(reply.json()["errors"][0]["code"], "before_registration");
        let mut check = crate::support::cast::check(&code, &w.cast.filler.scale);
        check["captured_at"] = json!(w.app.now().plus_seconds(-601));
        let reply = w.check_by(&w.cast.filler.worker, check).await;
        assert_eq!(reply.json()["errors"][0]["pointer"], "/captured_at");
        w.app.verify();
    }
}
