//! Inspection, extension, scrap; seizure, blacklist, loss; change of owner.

use pingma::domain::actor::Role;
use serde_json::{Value, json};

use crate::both;
use crate::support::World;
use crate::support::app::{Ask, Reply};
use crate::support::cast::{certify, check, created, cylinder, sign_in};
use crate::support::world::GOOD_GROSS_G;

fn inspection(reference: &str, result: &str) -> Value {
    json!({ "ref": reference, "inspected_on": "2026-06-15", "result": result, "report_no": "R-1", "ring_no": "N-1",
        "items": { "visual": "pass", "weld": "pass", "wall_thickness": "not_applicable" } })
}

async fn judge(w: &World, body: Value) -> Reply {
    w.send("POST /inspections", &w.cast.agency.worker, body).await
}

/// The agency takes the cylinder in, if it has not yet, and judges it.
async fn inspect(w: &World, body: Value) -> Reply {
    let received = w.send("POST /returns", &w.cast.agency.worker, json!({ "code": body["ref"] })).await;
    assert!([201, 409].contains(&received.status), "{}", received.text());
    judge(w, body).await
}

/// A failed inspection: the end of the cylinder.
fn fail(reference: &str) -> Value {
    let mut body = inspection(reference, "fail");
    body["items"]["weld"] = json!("fail");
    body["scrap_reason"] = json!("焊缝裂纹");
    body
}

/// Registers a cylinder of another age; its code.
async fn made(w: &World, serial_no: &str, manufactured_on: &str, design_life_months: Value) -> String {
    let mut body = cylinder(&w.cast.filler.id, serial_no);
    body["manufactured_on"] = json!(manufactured_on);
    body["design_life_months"] = design_life_months;
    body["purchased_on"] = Value::Null;
    let made = w.send("POST /cylinders", &w.cast.filler.admin, body).await.expect(201);
    made["code"].as_str().expect("a code").to_owned()
}

fn pointer(reply: &Reply) -> (String, String) {
    assert_eq!(reply.problem(422), "invalid");
    let error = &reply.json()["errors"][0];
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (text("pointer"), text("code"))
}

both! {
    async fn a_passed_inspection_moves_the_due_date_by_the_earliest_of_three(app) {
        let w = World::enter(app).await;
        let plain = w.cylinder("A0000001").await;
        let done = inspect(&w, inspection(&plain, "pass")).await.expect(201);
        assert_eq!(done["inspection_due_on"], "2030-06-15");
        assert_eq!(w.file(&plain).await["custody"]["kind"], "agency");

        let certified = w.cylinder("A0000002").await;
        let mut body = inspection(&certified, "pass");
        body["next_due_on"] = json!("2028-01-31");
        assert_eq!(inspect(&w, body).await.expect(201)["inspection_due_on"], "2028-01-31");

        let old = made(&w, "A0000003", "2019-08", Value::Null).await;
        assert_eq!(w.file(&old).await["inspection_due_on"], "2023-08-31");
        assert_eq!(w.check(&old).await.rules(), ["fill.inspection-overdue"]);
        let done = inspect(&w, inspection(&old, "pass")).await.expect(201);
        assert_eq!(done["inspection_due_on"], "2027-08-31", "no later than the end of its life");
        let allowed = w.check(&old).await;
        assert_eq!(allowed.expect(200)["decision"], "allowed");
        assert_eq!(allowed.rules(), ["fill.custody-gap"], "nobody scanned it in from the agency");
        w.app.verify();
    }
}

both! {
    async fn a_failed_inspection_scraps_for_ever(app) {
        let w = World::enter(app).await;
        let delivery = w.own_delivery().await;
        let code = w.cylinder("B0000001").await;
        w.filled(&code, GOOD_GROSS_G).await;
        let failed = inspect(&w, fail(&code)).await.expect(201);
        assert_eq!((&failed["scrapped"], &failed["inspection_due_on"]), (&json!(true), &Value::Null));
        let file = w.file(&code).await;
        assert_eq!((&file["status"], &file["label"]["status"]), (&json!("scrapped"), &json!("revoked")));

        let fill = w.check(&code).await;
        assert_eq!(fill.expect(200)["decision"], "refused");
        for rule in ["fill.scrapped", "fill.code-revoked", "fill.inspection-overdue"] {
            assert!(fill.rules().contains(&rule.to_owned()), "{rule}: {:?}", fill.rules());
        }
        let handover = w.hand_over(&delivery, &code).await;
        assert!(handover.rules().contains(&"handover.cylinder-unfit".to_owned()));
        assert_eq!(w.take_back(&code).await.problem(409), "state_conflict");
        assert_eq!(inspect(&w, inspection(&code, "pass")).await.problem(409), "state_conflict");
        let again = w.act(&code, "scrappings", &w.cast.agency.worker).await;
        assert_eq!(again.problem(409), "state_conflict");
        let relabel = w.act_for_reason(&code, "labels", &w.cast.filler.admin).await;
        assert_eq!(relabel.problem(409), "state_conflict");
        w.app.verify();
    }
}

both! {
    async fn a_result_has_a_day_that_can_be(app) {
        let mut w = World::enter(app).await;
        let code = w.cylinder("C0000001").await;
        let on = |day: &str| {
            let mut body = inspection(&code, "pass");
            body["inspected_on"] = json!(day);
            body
        };
        for (day, why) in [
            ("2026-06-16", "in_future"),
            ("2024-04-30", "before_manufacture"),
            ("2026-06-14", "before_receipt"),
            ("2026-02-30", "no_such_date"),
        ] {
            assert_eq!(pointer(&inspect(&w, on(day)).await), ("/inspected_on".to_owned(), why.to_owned()));
        }
        w.later(2 * 86_400);
        assert_eq!(pointer(&inspect(&w, on("2026-06-14")).await).1, "before_receipt");
        let mut early = on("2026-06-16");
        early["next_due_on"] = json!("2026-06-16");
        assert_eq!(pointer(&inspect(&w, early).await).0, "/next_due_on");
        let done = inspect(&w, on("2026-06-15")).await.expect(201);
        assert_eq!(done["inspection_due_on"], "2030-06-15", "the period runs from the day of the test");
        w.app.verify();
    }
}

both! {
    async fn a_result_must_agree_with_its_items(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("C0000002").await;
        let mut contradiction = inspection(&code, "pass");
        contradiction["items"]["weld"] = json!("fail");
        assert_eq!(pointer(&inspect(&w, contradiction).await), ("/result".to_owned(), "contradicts_items".to_owned()));
        let bare = inspection(&code, "fail");
        assert_eq!(pointer(&inspect(&w, bare).await), ("/scrap_reason".to_owned(), "required".to_owned()));
        for items in [json!({}), json!({ "weld": "not_applicable" })] {
            let mut empty = inspection(&code, "pass");
            empty["items"] = items;
            assert_eq!(pointer(&inspect(&w, empty).await), ("/items".to_owned(), "required".to_owned()));
        }
        assert_eq!(w.kinds(&code).await, ["returned", "registered"]);
        w.app.verify();
    }
}

both! {
    async fn only_a_licensed_agency_with_a_certified_inspector_inspects(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("C0000003").await;
        let role = pingma::domain::actor::Role::Inspector;
        let (_, fresh) = sign_in(&w.app, &w.cast.agency.id, &[role], Some(&w.cast.agency.site));
        let body = inspection(&code, "pass");
        let uncertified = w.send("POST /inspections", &fresh, body.clone()).await;
        assert_eq!(uncertified.problem(403), "credentials_not_valid");
        let no_inspector = w.send("POST /inspections", &w.cast.filler.worker, body.clone()).await;
        assert_eq!(no_inspector.problem(403), "forbidden");

        let path = format!("/organizations/{}/licenses", w.cast.agency.id);
        let license = w.get(&path, &w.cast.admin).await.expect(200)["items"][0]["id"].clone();
        let judge = |status: &str| Ask {
            line: format!("PATCH /api/v1/licenses/{}", license.as_str().unwrap()),
            auth: Some(w.cast.admin.clone()),
            body: Some(json!({ "status": status, "reason": "for a test" })),
            ..Ask::default()
        };
        w.app.ask(judge("suspended")).await.expect(200);
        assert_eq!(inspect(&w, body.clone()).await.problem(403), "credentials_not_valid");
        let scrap = w.act(&code, "scrappings", &w.cast.agency.worker).await;
        assert_eq!(scrap.problem(403), "credentials_not_valid");
        w.app.ask(judge("valid")).await.expect(200);
        inspect(&w, body).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn a_life_is_extended_to_twelve_years_at_most(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("D0000001").await;
        let extend = async |code: &str, until: &str| {
            let body = json!({ "until": until, "assessment_no": "S-1", "registration_change_no": "G-1" });
            w.receive(code).await;
            w.send(&format!("POST /cylinders/{code}/life-extensions"), &w.cast.agency.worker, body).await
        };
        for until in ["2032-05-31", "2036-06-01"] {
            assert_eq!(pointer(&extend(&code, until).await), ("/until".to_owned(), "out_of_range".to_owned()));
        }
        extend(&code, "2036-05-31").await.expect(201);
        let file = w.file(&code).await;
        assert_eq!((&file["life_ends_on"], &file["inspection_due_on"]), (&json!("2036-05-31"), &json!("2028-05-31")));

        let old = made(&w, "D0000002", "2018-05", Value::Null).await;
        assert_eq!(w.check(&old).await.rules(), ["fill.inspection-overdue", "fill.life-ended"]);
        assert_eq!(inspect(&w, inspection(&old, "pass")).await.problem(409), "state_conflict");
        extend(&old, "2030-05-31").await.expect(201);
        assert_eq!(w.check(&old).await.rules(), ["fill.inspection-overdue", "fill.custody-gap"]);
        let done = inspect(&w, inspection(&old, "pass")).await.expect(201);
        assert_eq!(done["inspection_due_on"], "2030-05-31");
        let owner = json!({ "until": "2029-05-31", "assessment_no": "S-1", "registration_change_no": "G-1" });
        let line = format!("POST /cylinders/{code}/life-extensions");
        assert_eq!(w.send(&line, &w.cast.filler.admin, owner).await.problem(403), "forbidden");
        w.app.verify();
    }
}

both! {
    async fn only_scrapping_ends_a_seizure(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("E0000001").await;
        let id = w.file(&code).await["id"].as_str().unwrap().to_owned();
        let elsewhere = w.act(&id, "seizures", &w.cast.regulator_elsewhere).await;
        assert_eq!(elsewhere.problem(404), "cylinder_not_found");
        assert_eq!(w.act(&id, "seizures", &w.cast.filler.admin).await.problem(403), "forbidden");
        w.act(&id, "seizures", &w.cast.regulator).await.expect(201);
        assert_eq!(w.file(&code).await["status"], "seized");
        assert_eq!(w.check(&code).await.rules(), ["fill.seized", "fill.custody-gap"]);
        assert_eq!(w.take_back(&code).await.problem(409), "state_conflict");
        assert_eq!(w.act(&id, "seizures", &w.cast.regulator).await.problem(409), "state_conflict");
        let propose = json!({ "new_owner_id": w.cast.rival.id, "reason": "sold", "document_no": "D-1" });
        let line = format!("POST /cylinders/{id}/owner-changes");
        assert_eq!(w.send(&line, &w.cast.filler.admin, propose).await.problem(409), "state_conflict");
        for (line, body) in [
            (format!("POST /cylinders/{id}/labels"), json!({ "reason": "for a test" })),
            ("POST /emptyings".to_owned(), json!({ "code": code, "reason": "for a test", "residual_g": 0 })),
        ] {
            let auth = if line.ends_with("labels") { &w.cast.filler.admin } else { &w.cast.filler.worker };
            assert_eq!(w.send(&line, auth, body).await.problem(409), "state_conflict", "{line}");
        }
        assert_eq!(inspect(&w, inspection(&code, "pass")).await.problem(409), "state_conflict");
        assert_eq!(w.file(&code).await["status"], "seized", "an agency holds it, seized as it is");
        w.act(&code, "scrappings", &w.cast.agency.worker).await.expect(201);
        assert_eq!(w.file(&id).await["status"], "scrapped");
        w.app.verify();
    }
}

both! {
    async fn the_blacklist_is_entered_and_left_by_document(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("E0000002").await;
        let line = format!("DELETE /cylinders/{code}/blacklistings");
        let document = json!({ "document_no": "D-2", "reason": "rechecked" });
        let early = w.send(&line, &w.cast.regulator, document.clone()).await;
        assert_eq!(early.problem(409), "state_conflict");
        w.act(&code, "blacklistings", &w.cast.regulator).await.expect(201);
        assert_eq!(w.check(&code).await.rules(), ["fill.blacklisted"]);
        assert_eq!(w.act(&code, "blacklistings", &w.cast.regulator).await.problem(409), "state_conflict");
        w.send(&line, &w.cast.regulator, document).await.expect(201);
        assert_eq!(w.check(&code).await.expect(200)["decision"], "allowed");
        assert_eq!(w.kinds(&code).await, ["fill_checked", "unblacklisted", "fill_checked", "blacklisted", "registered"]);
        w.app.verify();
    }
}

both! {
    async fn the_owner_reports_a_loss_and_a_recovery(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("E0000003").await;
        let rival = w.act_for_reason(&code, "losses", &w.cast.rival.admin).await;
        assert_eq!(rival.problem(403), "forbidden", "who scanned it knows it, and owns it no more for that");
        let id = w.file(&code).await["id"].as_str().unwrap().to_owned();
        assert_eq!(w.act_for_reason(&id, "losses", &w.cast.rival.admin).await.problem(404), "cylinder_not_found");
        w.act_for_reason(&code, "losses", &w.cast.filler.admin).await.expect(201);
        assert_eq!(w.check(&code).await.rules(), ["fill.lost"]);
        assert_eq!(w.act_for_reason(&code, "losses", &w.cast.filler.admin).await.problem(409), "state_conflict");
        w.act_for_reason(&code, "recoveries", &w.cast.filler.admin).await.expect(201);
        assert_eq!(w.check(&code).await.expect(200)["decision"], "allowed");
        assert_eq!(w.act_for_reason(&code, "recoveries", &w.cast.filler.admin).await.problem(409), "state_conflict");
        w.app.verify();
    }
}

async fn propose(w: &World, code: &str) -> Reply {
    let body = json!({ "new_owner_id": w.cast.rival.id, "reason": "sold", "document_no": "D-1" });
    w.send(&format!("POST /cylinders/{code}/owner-changes"), &w.cast.filler.admin, body).await
}

async fn settle(w: &World, proposal: &Value, how: &str, auth: &str) -> Reply {
    let line = format!("POST /owner-changes/{}/{how}", proposal["id"].as_str().expect("an id"));
    w.send(&line, auth, Value::Null).await
}

both! {
    async fn the_receiver_approves_a_change_of_owner(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("F0000001").await;
        let proposal = propose(&w, &code).await.expect(201);
        let again = propose(&w, &code).await;
        assert_eq!(again.problem(409), "already_exists", "one at a time");
        assert!(again.text().contains("产权变更"), "{}", again.text());
        assert_eq!(w.check(&code).await.expect(200)["decision"], "allowed", "nothing changed yet");
        assert_eq!(settle(&w, &proposal, "approve", &w.cast.filler.admin).await.problem(403), "forbidden");
        assert_eq!(settle(&w, &proposal, "approve", &w.cast.agency.admin).await.problem(404), "owner_change_not_found");
        for auth in [&w.cast.filler.admin, &w.cast.rival.admin] {
            assert_eq!(w.get("/owner-changes", auth).await.expect(200)["items"][0]["id"], proposal["id"]);
        }
        settle(&w, &proposal, "approve", &w.cast.rival.admin).await.expect(201);
        assert_eq!(settle(&w, &proposal, "approve", &w.cast.rival.admin).await.problem(409), "state_conflict");

        assert_eq!(w.check(&code).await.rules(), ["fill.not-owned"]);
        let by_new = w.check_by(&w.cast.rival.worker, check(&code, &w.cast.rival.scale)).await;
        assert_eq!(by_new.expect(200)["decision"], "allowed", "{}", by_new.text());
        assert_eq!(w.kinds(&code).await[2], "owner_changed");
        w.app.verify();
    }
}

both! {
    async fn either_side_may_end_a_proposal(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("F0000002").await;
        for by in [&w.cast.rival.admin, &w.cast.filler.admin] {
            let proposal = propose(&w, &code).await.expect(201);
            assert_eq!(settle(&w, &proposal, "reject", by).await.expect(200)["status"], "rejected");
            assert_eq!(settle(&w, &proposal, "approve", &w.cast.rival.admin).await.problem(409), "state_conflict");
            assert_eq!(settle(&w, &proposal, "reject", by).await.problem(409), "state_conflict");
        }
        let rival = json!({ "new_owner_id": w.cast.rival.id, "reason": "mine", "document_no": "D-1" });
        let stolen = w.send(&format!("POST /cylinders/{code}/owner-changes"), &w.cast.rival.admin, rival).await;
        assert_eq!(stolen.problem(404), "cylinder_not_found");
        let pending = propose(&w, &code).await.expect(201);
        w.scrap(&code).await.expect(201);
        assert_eq!(settle(&w, &pending, "approve", &w.cast.rival.admin).await.problem(409), "state_conflict");
        w.app.verify();
    }
}

both! {
    async fn what_is_not_in_service_does_not_change_hands(app) {
        let w = World::enter(app).await;
        let pending = w.cylinder("F0000010").await;
        for (n, (act, by)) in [("blacklistings", &w.cast.regulator), ("losses", &w.cast.filler.admin)].into_iter().enumerate() {
            let code = w.cylinder(&format!("F000002{n}")).await;
            let proposal = propose(&w, &code).await.expect(201);
            if act == "losses" { w.act_for_reason(&code, act, by).await } else { w.act(&code, act, by).await }.expect(201);
            assert_eq!(settle(&w, &proposal, "approve", &w.cast.rival.admin).await.problem(409), "state_conflict", "{act}");
            settle(&w, &proposal, "reject", &w.cast.filler.admin).await.expect(200);
            assert_eq!(propose(&w, &code).await.problem(409), "state_conflict", "{act}");
        }
        propose(&w, &pending).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn a_frozen_owners_cylinders_stay_where_they_are(app) {
        let w = World::enter(app).await;
        let (code, other) = (w.cylinder("F0000030").await, w.cylinder("F0000031").await);
        let proposal = propose(&w, &code).await.expect(201);
        let line = format!("PATCH /organizations/{}", w.cast.filler.id);
        w.send(&line, &w.cast.admin, json!({ "status": "suspended" })).await.expect(200);
        assert_eq!(settle(&w, &proposal, "approve", &w.cast.rival.admin).await.problem(409), "state_conflict");
        w.send(&line, &w.cast.admin, json!({ "status": "active" })).await.expect(200);
        let licenses = w.get(&format!("/organizations/{}/licenses", w.cast.filler.id), &w.cast.admin).await.expect(200);
        let license = format!("PATCH /licenses/{}", licenses["items"][0]["id"].as_str().expect("an id"));
        w.send(&license, &w.cast.regulator, json!({ "status": "revoked", "reason": "unsafe" })).await.expect(200);
        assert_eq!(propose(&w, &other).await.problem(409), "state_conflict");
        assert_eq!(settle(&w, &proposal, "approve", &w.cast.rival.admin).await.problem(409), "state_conflict");
        w.app.verify();
    }
}

both! {
    async fn an_inspection_needs_the_receipt_of_the_agency_as_it_was_recorded(app) {
        let mut w = World::enter(app).await;
        let code = w.cylinder("G0000001").await;
        let early = judge(&w, inspection(&code, "pass")).await;
        assert_eq!(early.problem(409), "state_conflict");
        assert!(early.text().contains("登记接收"), "{}", early.text());
        w.later(2 * 86_400);
        let receipt = json!({ "code": code, "captured_at": "2026-06-15T05:00:00Z" });
        w.send("POST /returns", &w.cast.agency.worker, receipt).await.expect(201);
        assert_eq!(pointer(&judge(&w, inspection(&code, "pass")).await).1, "before_receipt");
        let mut today = inspection(&code, "pass");
        today["inspected_on"] = json!("2026-06-17");
        judge(&w, today).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn extensions_and_scrappings_need_the_receipt_of_the_agency_too(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("G0000003").await;
        let permit = w.permit(&code).await;
        let extension = json!({ "until": "2036-05-31", "assessment_no": "S-1", "registration_change_no": "G-1" });
        let line = format!("POST /cylinders/{code}/life-extensions");
        for early in [
            w.send(&line, &w.cast.agency.worker, extension.clone()).await,
            w.act(&code, "scrappings", &w.cast.agency.worker).await,
        ] {
            assert_eq!(early.problem(409), "state_conflict");
            assert!(early.text().contains("登记接收"), "{}", early.text());
        }
        w.record(w.fill(&permit, GOOD_GROSS_G)).await.expect(201);
        w.receive(&code).await;
        w.send(&line, &w.cast.agency.worker, extension).await.expect(201);
        w.act(&code, "scrappings", &w.cast.agency.worker).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn nobody_inspects_their_own(app) {
        let w = World::enter(app).await;
        let body = json!({ "name": "充装检验联合公司", "credit_code": "91320602MA1AAAAA09",
            "kinds": ["filler", "inspection_agency"], "district_code": "320602" });
        let both = created(&w.app, "POST /api/v1/organizations", &w.cast.admin, body).await;
        let license = json!({ "kind": "inspection", "number": "TS7632009", "issuer": "江苏省市场监督管理局",
            "valid_from": "2024-01-01", "valid_to": "2027-12-31", "media": ["lpg"], "districts": ["3206"] });
        created(&w.app, &format!("POST /api/v1/organizations/{both}/licenses"), &w.cast.admin, license).await;
        let (_, admin) = sign_in(&w.app, &both, &[Role::OrgAdmin], None);
        let (id, inspector) = sign_in(&w.app, &both, &[Role::Inspector], None);
        certify(&w.app, &admin, &id, "inspection").await;
        let made = w.send("POST /cylinders", &admin, cylinder(&both, "G0000004")).await.expect(201);
        let own = made["code"].as_str().expect("a code").to_owned();
        let strangers = w.cylinder("G0000005").await;
        for code in [&own, &strangers] {
            w.send("POST /returns", &inspector, json!({ "code": code })).await.expect(201);
        }
        let extension = json!({ "until": "2036-05-31", "assessment_no": "S-1", "registration_change_no": "G-1" });
        for reply in [
            w.send("POST /inspections", &inspector, inspection(&own, "pass")).await,
            w.send("POST /inspections", &inspector, fail(&own)).await,
            w.send(&format!("POST /cylinders/{own}/life-extensions"), &inspector, extension).await,
        ] {
            assert_eq!(reply.problem(403), "self_inspection");
        }
        w.send("POST /inspections", &inspector, inspection(&strangers, "pass")).await.expect(201);
        w.act(&own, "scrappings", &inspector).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn a_void_label_is_no_scan(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("G0000002").await;
        let replaced = w.act_for_reason(&code, "labels", &w.cast.filler.admin).await.expect(201);
        let scrap = w.act(&code, "scrappings", &w.cast.agency.worker).await;
        assert_eq!(scrap.problem(404), "cylinder_not_found");
        for (line, body) in [
            ("POST /returns", json!({ "code": code, "site_id": w.cast.filler.site })),
            ("POST /emptyings", w.emptying(&code, "换阀", 0)),
        ] {
            let reply = w.send(line, &w.cast.filler.worker, body).await;
            assert_eq!(reply.problem(409), "state_conflict", "{line}");
            assert!(reply.text().contains(&code[..8]), "{}", reply.text());
        }
        let fresh = replaced["label"]["code"].as_str().unwrap();
        w.scrap(fresh).await.expect(201);
        w.app.verify();
    }
}
