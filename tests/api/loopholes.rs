//! Ways round the gate that a station might try.

use pingma::domain::actor::Role;
use serde_json::json;

use crate::both;
use crate::support::World;
use crate::support::app::Ask;
use crate::support::cast::sign_in;

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
    async fn a_return_lifts_no_hold(app) {
        let w = World::enter(app).await;
        let yard = w.another_site().await;
        let code = w.cylinder("B0000002").await;
        assert_eq!(w.filled(&code, 31_401).await["status"], "held");
        w.send("POST /returns", &w.cast.filler.worker, json!({ "code": code, "site_id": yard })).await.expect(201);
        w.take_back(&code).await.expect(201);
        assert_eq!(w.check(&code).await.rules(), ["fill.held", "fill.cycle-too-short"]);
        w.send("POST /returns", &w.cast.rival.worker, json!({ "code": code })).await.expect(201);
        w.take_back(&code).await.expect(201);
        assert_eq!(w.check(&code).await.rules(), ["fill.held"], "also by way of another organization");
        let alone = json!({ "code": code, "reason": "换阀", "residual_g": 0 });
        let reply = w.send("POST /emptyings", &w.cast.filler.worker, alone).await;
        assert_eq!(reply.json()["errors"][0]["pointer"], "/witness_id");
        w.send("POST /emptyings", &w.cast.filler.worker, w.emptying(&code, "超装卸出", 0)).await.expect(201);
        assert_eq!(w.check(&code).await.expect(200)["decision"], "allowed");
        w.app.verify();
    }
}

both! {
    async fn an_old_scan_that_comes_late_moves_nothing(app) {
        let mut w = World::enter(app).await;
        let code = w.cylinder("C0000001").await;
        w.take_back(&code).await.expect(201);
        w.later(3_600);
        let delivery = w.own_delivery().await;
        let before_fill = w.app.now();
        w.filled(&code, 31_300).await;
        let late = json!({ "code": code, "captured_at": before_fill.plus_seconds(-60), "residual_g": 0 });
        let stranger = w.send("POST /returns", &w.cast.rival.worker, late.clone()).await.expect(201);
        assert_eq!(stranger["custody"], json!(null), "it has no say in who has it now");
        assert_eq!(w.check(&code).await.rules(), ["fill.cycle-too-short"]);
        let early = json!({ "code": code, "customer_ref": "K-1", "entry": "scanned", "captured_at": before_fill });
        w.send("POST /handovers", &delivery, early).await.expect(200);
        assert_eq!(w.file(&code).await["custody"]["kind"], "site");
        let events = w.events(&code).await;
        assert!(events.iter().filter(|e| ["returned", "handed_over"].contains(&e["kind"].as_str().unwrap())).take(2)
            .all(|e| e["data"]["stale"] == json!(true)), "{events:#?}");
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
