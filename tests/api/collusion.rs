//! Ways round the gate that need a colleague, a partner or a customer who plays along.

use serde_json::{Value, json};

use crate::both;
use crate::support::World;

fn rules(answer: &Value) -> Vec<&str> {
    answer["findings"].as_array().expect("findings").iter().filter_map(|f| f["rule"].as_str()).collect()
}

both! {
    async fn one_old_scan_covers_no_delivery(app) {
        let mut w = World::enter(app).await;
        let delivery = w.own_delivery().await;
        let code = w.cylinder("A0000001").await;
        w.later(60);
        let before = w.app.now();
        w.filled(&code, 31_300).await;
        for customer in ["K-1", "K-2"] {
            let late = json!({ "code": code, "customer_ref": customer, "entry": "scanned", "captured_at": before });
            let answer = w.send("POST /handovers", &delivery, late).await.expect(200);
            assert_eq!((&answer["decision"], rules(&answer)), (&json!("refused"), vec!["handover.out-of-order"]));
        }
        assert_eq!(w.kinds(&code).await[0], "handover_refused");
        assert_eq!(w.hand_over(&delivery, &code).await.expect(200)["decision"], "accepted");
        w.app.verify();
    }
}

both! {
    async fn a_second_weighing_does_not_bring_a_license_back(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        let permit = w.permit(&code).await;
        let held = format!("/organizations/{}/licenses", w.cast.filler.id);
        let held = w.get(&held, &w.cast.admin).await.expect(200)["items"][0]["id"].clone();
        let license = format!("PATCH /licenses/{}", held.as_str().expect("an id"));
        let status = |status: &str| json!({ "status": status, "reason": "检查" });
        w.send(&license, &w.cast.regulator, status("suspended")).await.expect(200);
        let body = w.fill(&permit, 31_300);
        w.app.clock.advance(80);
        let fill = w.record(body).await.expect(201);
        assert_eq!((&fill["status"], rules(&fill)), (&json!("held"), vec!["fill.permit-overtaken"]));
        let line = format!("POST /fills/{}/reweigh", fill["id"].as_str().expect("an id"));
        let weighed = json!({ "gross_g": 31_300, "postcheck": w.postcheck() });
        let again = w.send(&line, &w.cast.filler.worker, weighed.clone()).await.expect(200);
        assert_eq!((&again["status"], rules(&again)), (&json!("held"), vec!["fill.permit-overtaken"]));
        let mut own = weighed.clone();
        own["postcheck"]["checker_id"] = json!(w.cast.filler.worker_id);
        let reply = w.send(&line, &w.cast.filler.worker, own).await;
        assert_eq!(reply.problem(422), "invalid");
        assert_eq!(reply.json()["errors"][0]["code"], "same_person");
        w.send(&license, &w.cast.regulator, status("valid")).await.expect(200);
        assert_eq!(w.send(&line, &w.cast.filler.worker, weighed).await.expect(200)["status"], "released");
        w.app.verify();
    }
}

both! {
    async fn a_fill_that_came_late_stays_held_until_it_is_emptied(app) {
        let mut w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        let permit = w.permit(&code).await;
        let body = w.fill(&permit, 31_300);
        w.later(2 * 3_600);
        let fill = w.record(body).await.expect(201);
        assert_eq!((&fill["status"], rules(&fill)), (&json!("held"), vec!["fill.recorded-late"]));
        let line = format!("POST /fills/{}/reweigh", fill["id"].as_str().expect("an id"));
        let weighed = json!({ "gross_g": 31_300, "postcheck": w.postcheck() });
        let again = w.send(&line, &w.cast.filler.worker, weighed).await.expect(200);
        assert_eq!((&again["status"], rules(&again)), (&json!("held"), vec!["fill.recorded-late"]));
        for (residual_g, status) in [(14_800, "held"), (7_451, "held"), (7_450, "released")] {
            let out = w.emptying(&code, "来路不明", residual_g);
            w.send("POST /emptyings", &w.cast.filler.worker, out).await.expect(201);
            assert_eq!(w.file(&code).await["last_fill"]["status"], status, "{residual_g}");
        }
        w.app.verify();
    }
}

both! {
    async fn what_went_to_a_customer_is_not_at_the_station_until_it_came_back(app) {
        let w = World::enter(app).await;
        let delivery = w.own_delivery().await;
        let code = w.cylinder("A0000001").await;
        w.filled(&code, 31_300).await;
        assert_eq!(w.hand_over(&delivery, &code).await.expect(200)["decision"], "accepted");
        let check = w.check(&code).await;
        assert_eq!(check.rules(), ["fill.cycle-too-short", "fill.custody-gap"]);
        let emptied = w.send("POST /emptyings", &w.cast.filler.worker, w.emptying(&code, "换阀", 0)).await;
        assert_eq!(emptied.problem(409), "state_conflict", "its gas can't be taken out here");
        assert!(emptied.text().contains("请先扫码回收"), "{}", emptied.text());
        w.take_back(&code).await.expect(201);
        let check = w.check(&code).await;
        assert_eq!((check.expect(200)["decision"].clone(), check.rules()), (json!("allowed"), vec!["fill.quick-return".to_owned()]));
        w.app.verify();
    }
}

both! {
    async fn what_comes_back_full_is_filled_before_it_goes_out_again(app) {
        let w = World::enter(app).await;
        let delivery = w.own_delivery().await;
        let code = w.cylinder("A0000001").await;
        w.filled(&code, 31_300).await;
        assert_eq!(w.hand_over(&delivery, &code).await.expect(200)["decision"], "accepted");
        let full = json!({ "code": code, "residual_g": 14_800 });
        w.send("POST /returns", &w.cast.filler.worker, full).await.expect(201);
        let again = w.hand_over(&delivery, &code).await.expect(200);
        assert_eq!((&again["decision"], rules(&again)), (&json!("refused"), vec!["handover.cylinder-unfit"]));
        w.app.verify();
    }
}

both! {
    async fn a_photo_of_a_label_takes_nothing_from_its_place(app) {
        let w = World::enter(app).await;
        let delivery = w.own_delivery().await;
        let code = w.cylinder("A0000001").await;
        w.filled(&code, 31_300).await;
        let taken = w.send("POST /returns", &w.cast.rival.worker, json!({ "code": code })).await.expect(201);
        assert_eq!(taken["custody"], json!(null));
        assert_eq!(w.file(&code).await["custody"]["organization_id"], json!(w.cast.filler.id));
        let empty = w.emptying(&code, "残液处理", 0);
        assert_eq!(w.send("POST /emptyings", &w.cast.rival.worker, empty).await.problem(403), "forbidden");
        assert_eq!(w.hand_over(&delivery, &code).await.expect(200)["decision"], "accepted");
        // From a customer it may really have come to them; then it is there, until its owner scans it in again.
        let taken = w.send("POST /returns", &w.cast.rival.worker, json!({ "code": code })).await.expect(201);
        assert_eq!(taken["custody"]["organization_id"], json!(w.cast.rival.id));
        let elsewhere = w.hand_over(&delivery, &code).await.expect(200);
        assert!(rules(&elsewhere).contains(&"handover.not-in-custody"), "{elsewhere:#}");
        let empty = w.emptying(&code, "残液处理", 0);
        assert_eq!(w.send("POST /emptyings", &w.cast.rival.worker, empty).await.problem(403), "forbidden");
        w.app.verify();
    }
}

both! {
    async fn nor_from_an_inspection_agency(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        w.receive(&code).await;
        let taken = w.send("POST /returns", &w.cast.rival.worker, json!({ "code": code })).await.expect(201);
        assert_eq!(taken["custody"], json!(null));
        let file = w.file(&code).await;
        assert_eq!(file["custody"]["organization_id"], json!(w.cast.agency.id));
        assert_eq!(w.events(&code).await[0]["data"]["contested"], json!(true));
        let inspection = json!({ "ref": code, "inspected_on": "2026-06-15", "result": "pass", "report_no": "R-1",
            "items": { "visual": "pass" } });
        w.send("POST /inspections", &w.cast.agency.worker, inspection).await.expect(201);
        assert_eq!(w.take_back(&code).await.expect(201)["custody"]["organization_id"], json!(w.cast.filler.id));
        w.app.verify();
    }
}

both! {
    async fn the_cylinders_of_a_closed_owner_are_not_handed_over(app) {
        let w = World::enter(app).await;
        let delivery = w.own_delivery().await;
        let code = w.cylinder("A0000001").await;
        w.filled(&code, 31_300).await;
        let line = format!("PATCH /organizations/{}", w.cast.filler.id);
        w.send(&line, &w.cast.admin, json!({ "status": "closed" })).await.expect(200);
        let answer = w.hand_over(&delivery, &code).await.expect(200);
        assert!(rules(&answer).contains(&"handover.owner-closed"), "{answer:#}");
        w.app.verify();
    }
}
