//! One permit: one cylinder, one scale, one operator, one fill, ten minutes.

use serde_json::{Value, json};

use crate::both;
use crate::support::World;
use crate::support::app::Ask;
use crate::support::cast::{certify, check, created, cylinder, sign_in};
use crate::support::world::{GOOD_GROSS_G, at_once};

both! {
    async fn the_same_check_again_shows_the_same_permit(app) {
        let mut w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        let first = w.permit(&code).await;
        w.later(600);
        assert_eq!(w.permit(&code).await, first, "still good in its last second");
        assert_eq!(w.kinds(&code).await, ["fill_checked", "fill_checked", "registered"]);
        w.app.verify();
    }
}

both! {
    async fn a_permit_ends_after_its_last_second(app) {
        let mut w = World::enter(app).await;
        let code = w.cylinder("A0000002").await;
        let first = w.permit(&code).await;
        assert_eq!(first["expires_at"], "2026-06-15T04:10:00.000000Z");
        w.later(601);
        assert_ne!(w.permit(&code).await["id"], first["id"]);
        let other = w.cylinder("A0000003").await;
        let voided = w.permit(&other).await;
        assert_ne!(voided["id"], first["id"]);
        let expired = w.record(w.fill(&first, GOOD_GROSS_G)).await;
        assert_eq!(expired.expect(200)["status"], "refused");
        assert_eq!(expired.rules(), ["fill.permit-expired"]);
        w.app.verify();
    }
}

both! {
    async fn a_fill_must_begin_before_the_permit_ends_and_may_end_later(app) {
        let mut w = World::enter(app).await;
        let code = w.cylinder("A0000004").await;
        let permit = w.permit(&code).await;
        w.later(700);
        let mut late = w.fill(&permit, GOOD_GROSS_G);
        late["started_at"] = json!("2026-06-15T04:10:00.000001Z");
        late["finished_at"] = json!("2026-06-15T04:11:30Z");
        let refused = w.record(late.clone()).await;
        assert_eq!(refused.rules(), ["fill.permit-expired"]);
        assert_eq!(refused.json()["findings"][0]["evidence"]["reason"], "expired");
        late["started_at"] = json!("2026-06-15T04:10:00Z");
        w.record(late).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn a_new_permit_on_the_scale_voids_the_earlier_one(app) {
        let w = World::enter(app).await;
        let (one, two) = (w.cylinder("B0000001").await, w.cylinder("B0000002").await);
        let first = w.permit(&one).await;
        let second = w.permit(&two).await;
        let event = &w.events(&two).await[0];
        assert_eq!(event["data"]["voids_permit"], first["id"]);
        let refused = w.record(w.fill(&first, GOOD_GROSS_G)).await;
        assert_eq!(refused.expect(200)["status"], "refused");
        assert_eq!(refused.rules(), ["fill.permit-expired"]);
        assert_eq!(refused.json()["findings"][0]["evidence"]["reason"], "voided");
        w.record(w.fill(&second, GOOD_GROSS_G)).await.expect(201);
        assert_eq!(w.kinds(&one).await, ["fill_refused", "fill_checked", "registered"]);
        w.app.verify();
    }
}

both! {
    async fn a_permit_is_for_one_fill(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("B0000003").await;
        let permit = w.permit(&code).await;
        w.record(w.fill(&permit, GOOD_GROSS_G)).await.expect(201);
        let again = w.record(w.fill(&permit, GOOD_GROSS_G)).await;
        assert_eq!(again.expect(200)["status"], "refused");
        assert_eq!(again.rules(), ["fill.permit-used"]);
        w.app.verify();
    }
}

both! {
    async fn a_permit_is_for_one_operator_of_one_organization(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("B0000004").await;
        let permit = w.permit(&code).await;
        let mut fill = w.fill(&permit, GOOD_GROSS_G);
        fill["postcheck"] = Value::Null;
        w.app.clock.advance(80);
        let mismatch = |reply: &crate::support::app::Reply| reply.json()["findings"][0]["evidence"]["mismatch"].clone();

        let stranger = w.send("POST /fills", &w.cast.rival.worker, fill.clone()).await;
        assert_eq!(stranger.expect(200)["status"], "refused");
        assert_eq!(stranger.rules(), ["fill.permit-foreign", "fill.post-check-missing"]);
        assert_eq!(mismatch(&stranger), json!(["organization"]));
        assert!(!stranger.text().contains("B0000004"), "a stranger learns nothing of the cylinder");

        let colleague = w.colleague().await;
        let other = w.send("POST /fills", &colleague, fill.clone()).await;
        assert_eq!(other.rules(), ["fill.permit-foreign", "fill.post-check-missing"]);
        assert_eq!(mismatch(&other), json!(["operator"]));

        w.send("POST /fills", &w.cast.filler.worker, fill).await.expect(201);
        assert_eq!(w.kinds(&code).await, ["fill_recorded", "fill_refused", "fill_checked", "registered"]);
        w.app.verify();
    }
}

/// The `Authorization` of a new key of a scale.
async fn device(w: &World, scale: &str) -> String {
    let line = format!("POST /scales/{scale}/keys");
    let made = w.send(&line, &w.cast.filler.admin, Value::Null).await.expect(201);
    format!("Device {}", made["key"].as_str().expect("a key"))
}

/// The operator goes to work at a scale, and ends the shift at any other.
async fn begin_shift(w: &World, scale: &str) {
    let line = format!("POST /scales/{scale}/shift");
    w.send(&line, &w.cast.filler.worker, Value::Null).await.expect(200);
}

both! {
    async fn a_permit_is_for_one_scale(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("B0000005").await;
        let (first, second) = (w.cast.filler.scale.clone(), w.another_scale().await);
        let (here, there) = (device(&w, &first).await, device(&w, &second).await);
        let idle = w.check_by(&here, check(&code, &first)).await;
        assert_eq!(idle.rules(), ["fill.operator-certificate"], "nobody works at it");
        begin_shift(&w, &first).await;
        let asked = w.check_by(&here, check(&code, &first)).await.expect(200);
        assert_eq!(asked["decision"], "allowed", "{asked:#}");
        let fill = w.fill(&asked["permit"], GOOD_GROSS_G);
        w.app.clock.advance(80);
        begin_shift(&w, &second).await;
        let refused = w.send("POST /fills", &there, fill.clone()).await;
        assert_eq!(refused.expect(200)["status"], "refused");
        assert_eq!(refused.rules(), ["fill.permit-foreign"]);
        assert_eq!(refused.json()["findings"][0]["evidence"]["mismatch"], json!(["scale"]));
        begin_shift(&w, &first).await;
        w.send("POST /fills", &here, fill).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn a_permit_that_nobody_gave_is_unknown(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("B0000006").await;
        let registration = w.events(&code).await[0]["id"].clone();
        for id in [json!("019a0000-0000-7000-8000-000000000001"), registration] {
            let refused = w.record(w.fill(&json!({ "id": id }), GOOD_GROSS_G)).await;
            assert_eq!(refused.expect(200)["status"], "refused");
            assert_eq!(refused.rules(), ["fill.permit-unknown"]);
        }
        assert_eq!(w.kinds(&code).await, ["registered"], "the attempts are in the station's chain");
        assert_eq!(w.head(), 3);
        w.app.verify();
    }
}

both! {
    async fn one_scale_serves_one_operator_at_a_time(app) {
        let mut w = World::enter(app).await;
        let (one, two) = (w.cylinder("C0000001").await, w.cylinder("C0000002").await);
        w.permit(&one).await;
        let colleague = w.colleague().await;
        let body = check(&two, &w.cast.filler.scale);
        let busy = w.check_by(&colleague, body.clone()).await;
        assert_eq!(busy.expect(200)["decision"], "refused");
        assert_eq!(busy.rules(), ["fill.scale-busy"]);
        w.app.clock.advance(500);
        let still = w.check_by(&colleague, body.clone()).await;
        assert_eq!(still.rules(), ["fill.scale-busy"]);
        let renewed = { w.later(101); w.colleague().await };
        assert_eq!(w.check_by(&renewed, body).await.expect(200)["decision"], "allowed");
        w.app.verify();
    }
}

both! {
    async fn one_cylinder_stands_on_one_scale_at_a_time(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("C0000003").await;
        let permit = w.permit(&code).await;
        let second = w.another_scale().await;
        let there = w.check_by(&w.cast.filler.worker, check(&code, &second)).await;
        assert_eq!(there.expect(200)["decision"], "refused");
        assert_eq!(there.rules(), ["fill.open-permit"]);
        assert_eq!(there.json()["findings"][0]["alert"], true);
        let colleague = w.colleague().await;
        let other = w.check_by(&colleague, check(&code, &second)).await;
        assert_eq!(other.rules(), ["fill.open-permit"]);
        w.record(w.fill(&permit, GOOD_GROSS_G)).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn sixty_four_checks_at_once_give_one_permit(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("C0000004").await;
        let asks = (0..64)
            .map(|n| Ask {
                line: "POST /api/v1/fill-checks".to_owned(),
                auth: Some(w.cast.filler.worker.clone()),
                key: Some(format!("parallel-{n}")),
                body: Some(check(&code, &w.cast.filler.scale)),
                ..Ask::default()
            })
            .collect();
        let mut permits = Vec::new();
        for reply in at_once(&w, asks).await {
            let answer = reply.expect(200);
            assert_eq!(answer["decision"], "allowed", "{answer:#}");
            permits.push(answer["permit"].clone());
        }
        assert!(permits.iter().all(|permit| *permit == permits[0]), "one permit for all");
        assert_eq!(w.events(&code).await.len(), 65);
        w.record(w.fill(&permits[0], GOOD_GROSS_G)).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn a_retry_under_the_same_key_gets_the_same_answer_and_no_second_event(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("D0000001").await;
        let (auth, line) = (&w.cast.filler.worker, "POST /fill-checks");
        let body = check(&code, &w.cast.filler.scale);
        let first = w.send_keyed(line, auth, Some("k-1"), body.clone()).await;
        w.app.clock.advance(30);
        let again = w.send_keyed(line, auth, Some("k-1"), body.clone()).await;
        assert_eq!(again.headers.get("idempotency-replayed").unwrap(), "true");
        assert!(first.headers.get("idempotency-replayed").is_none());
        assert_eq!((again.status, again.json()), (first.status, first.json()));
        assert_eq!(w.events(&code).await.len(), 2);

        let kept = w.events(&code).await[0]["idempotency"].clone();
        assert_eq!((&kept["route"], &kept["key"]), (&json!("POST /api/v1/fill-checks"), &json!("k-1")));
        let plain = pingma::digest::hex(&pingma::digest::sha256(&[body.to_string().as_bytes()]));
        assert!(kept["body_hmac"].as_str().is_some_and(|mac| mac.len() == 64 && mac != plain), "nothing to try against");
        let line_of = |code: &str| format!("POST /cylinders/{code}/losses");
        let lost = w.cylinder("D0000009").await;
        let reason = json!({ "reason": "for a test" });
        w.send_keyed(&line_of(&lost), &w.cast.filler.admin, Some("k-2"), reason.clone()).await.expect(201);
        let route = w.events(&lost).await[0]["idempotency"]["route"].clone();
        assert_eq!(route, "POST /api/v1/cylinders/{ref}/losses", "no code in it");
        let reused = w.send_keyed(&line_of(&code), &w.cast.filler.admin, Some("k-2"), reason).await;
        assert_eq!(reused.problem(422), "idempotency_key_reused", "another path");

        let mut other = body.clone();
        other["scale_g"] = json!(16_701);
        let reused = w.send_keyed(line, auth, Some("k-1"), other).await;
        assert_eq!(reused.problem(422), "idempotency_key_reused");
        assert_eq!(w.send_keyed(line, auth, None, body.clone()).await.problem(400), "idempotency_key_missing");
        for bad in ["", "with blank", "a/b", &"x".repeat(65)] {
            let reply = w.send_keyed(line, auth, Some(bad), body.clone()).await;
            assert_eq!(reply.problem(400), "idempotency_key_malformed", "{bad:?}");
        }
        let colleague = w.colleague().await;
        let theirs = w.send_keyed(line, &colleague, Some("k-1"), body).await;
        assert!(theirs.headers.get("idempotency-replayed").is_none(), "a key is its caller's own");
        assert_eq!(w.events(&code).await.len(), 3);

        let fill = w.fill(&first.json()["permit"], GOOD_GROSS_G);
        w.app.clock.advance(80);
        let filled = w.send_keyed("POST /fills", auth, Some("k-1"), fill.clone()).await;
        let repeated = w.send_keyed("POST /fills", auth, Some("k-1"), fill.clone()).await;
        assert_eq!((repeated.status, repeated.json()), (201, filled.json()));
        assert_eq!(repeated.headers.get("idempotency-replayed").unwrap(), "true");
        for line in ["POST /fills", "POST /inspections", "POST /handovers", "POST /returns", "POST /emptyings"] {
            let who = match line {
                "POST /handovers" => &w.cast.distributor.worker,
                "POST /inspections" => &w.cast.agency.worker,
                _ => auth,
            };
            let reply = w.send_keyed(line, who, None, json!({})).await;
            assert_eq!(reply.status, 400, "{line}");
        }
        w.app.verify();
    }
}

both! {
    async fn what_happens_between_check_and_fill_ends_the_permit(app) {
        let w = World::enter(app).await;
        let acts = [
            ("E0000001", "seizures", &w.cast.regulator),
            ("E0000002", "blacklistings", &w.cast.regulator),
        ];
        for (serial_no, act, by) in acts {
            let code = w.cylinder(serial_no).await;
            let permit = w.permit(&code).await;
            w.act(&code, act, by).await.expect(201);
            let refused = w.record(w.fill(&permit, GOOD_GROSS_G)).await;
            assert_eq!(refused.expect(200)["status"], "refused", "{act}");
            assert_eq!(refused.rules(), ["fill.permit-expired"], "{act}");
            assert_eq!(w.kinds(&code).await[0], "fill_refused");
        }
        for act in ["losses", "labels"] {
            let code = w.cylinder(&format!("E{act}")).await;
            let permit = w.permit(&code).await;
            w.act_for_reason(&code, act, &w.cast.filler.admin).await.expect(201);
            let refused = w.record(w.fill(&permit, GOOD_GROSS_G)).await;
            assert_eq!(refused.rules(), ["fill.permit-expired"], "{act}");
        }
        w.app.verify();
    }
}

both! {
    async fn a_fill_has_times_that_can_be(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("F0000001").await;
        let permit = w.permit(&code).await;
        w.app.clock.advance(100);
        let now = w.app.now();
        let issued = now.plus_seconds(-100);
        for (started_at, finished_at, pointer) in [
            (now, now.plus_seconds(-1), "/finished_at"),
            (now, now.plus_seconds(61), "/finished_at"),
            (issued.plus_seconds(-61), now, "/started_at"),
        ] {
            let mut body = w.fill(&permit, GOOD_GROSS_G);
            body["started_at"] = json!(started_at);
            body["finished_at"] = json!(finished_at);
            let reply = w.send("POST /fills", &w.cast.filler.worker, body).await;
            assert_eq!(reply.problem(422), "invalid");
            assert_eq!(reply.json()["errors"][0]["pointer"], pointer);
        }
        assert_eq!(w.events(&code).await.len(), 2, "nothing was recorded");
        let mut body = w.fill(&permit, GOOD_GROSS_G);
        body["started_at"] = json!(issued.plus_seconds(-60));
        body["finished_at"] = json!(now.plus_seconds(60));
        w.send("POST /fills", &w.cast.filler.worker, body).await.expect(201);
        assert_eq!(w.events(&code).await[0]["occurred_at"], json!(now), "never after it was recorded");
        w.app.verify();
    }
}

both! {
    async fn an_operator_without_certificate_or_of_another_station_gets_no_permit(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("F0000002").await;
        let role = pingma::domain::actor::Role::FillOperator;
        let (id, fresh) = sign_in(&w.app, &w.cast.filler.id, &[role], Some(&w.cast.filler.site));
        let body = check(&code, &w.cast.filler.scale);
        let none = w.check_by(&fresh, body.clone()).await;
        assert_eq!(none.rules(), ["fill.operator-certificate"]);
        let certificate = certify(&w.app, &w.cast.filler.admin, &id, "filling").await;
        assert_eq!(w.check_by(&fresh, body.clone()).await.expect(200)["decision"], "allowed");
        w.app.clock.advance(601 - 80);
        w.app
            .ask(Ask {
                line: format!("PATCH /api/v1/certificates/{certificate}"),
                auth: Some(w.cast.admin.clone()),
                body: Some(json!({ "status": "suspended", "reason": "for a test" })),
                ..Ask::default()
            })
            .await
            .expect(200);
        assert_eq!(w.check_by(&fresh, body).await.rules(), ["fill.operator-certificate"]);
        let foreign = w.check_by(&w.cast.filler.worker, check(&code, &w.cast.rival.scale)).await;
        assert!(foreign.rules().contains(&"fill.scale-invalid".to_owned()));
        let site = json!({ "organization_id": w.cast.filler.id, "kind": "filling_station", "name": "二站", "district_code": "320602" });
        let elsewhere = created(&w.app, "POST /api/v1/sites", &w.cast.filler.admin, site).await;
        let scale = json!({ "site_id": elsewhere, "name": "3号秤", "serial_no": "S-3", "medium": "lpg", "calibration_valid_to": "2027-01-31" });
        let scale = created(&w.app, "POST /api/v1/scales", &w.cast.filler.admin, scale).await;
        let away = w.check_by(&w.cast.filler.worker, check(&code, &scale)).await;
        assert!(away.rules().contains(&"fill.scale-invalid".to_owned()));
        w.app.verify();
    }
}

both! {
    async fn a_fill_on_a_permit_whose_ground_is_gone_is_recorded_and_held(app) {
        let w = World::enter(app).await;
        let patch = async |line: String, body: Value| {
            let ask = Ask { line: format!("PATCH /api/v1{line}"), auth: Some(w.cast.admin.clone()), body: Some(body), ..Ask::default() };
            w.app.ask(ask).await.expect(200)
        };
        let filler = &w.cast.filler;
        let license = w.get(&format!("/organizations/{}/licenses", filler.id), &w.cast.admin).await.expect(200)["items"][0]["id"].clone();
        let paper = w.get(&format!("/users/{}/certificates", filler.worker_id), &w.cast.admin).await.expect(200)["items"][0]["id"].clone();
        let licenses = format!("/licenses/{}", license.as_str().unwrap());
        let papers = format!("/certificates/{}", paper.as_str().unwrap());
        let scale = format!("/scales/{}", filler.scale);
        let company = format!("/organizations/{}", filler.id);
        let status = |status: &str| json!({ "status": status, "reason": "for a test" });
        let cases = [
            (&licenses, status("suspended"), status("valid"), vec!["fill.station-license"]),
            (&papers, status("suspended"), status("valid"), vec!["fill.operator-certificate"]),
            (&scale, json!({ "calibration_valid_to": "2026-06-14" }), json!({ "calibration_valid_to": "2027-01-31" }), vec!["fill.scale-invalid"]),
            (&company, json!({ "status": "suspended" }), json!({ "status": "active" }), vec!["fill.station-license"]),
            (&company, json!({ "status": "closed" }), json!({ "status": "closed" }), vec!["fill.owner-closed", "fill.station-closed"]),
        ];
        for (n, (line, away, back, broken)) in cases.into_iter().enumerate() {
            let code = w.cylinder(&format!("H000000{n}")).await;
            let permit = w.permit(&code).await;
            patch(line.clone(), away).await;
            let held = w.record(w.fill(&permit, GOOD_GROSS_G)).await;
            assert_eq!(held.expect(201)["status"], "held", "{broken:?}");
            assert_eq!(held.rules(), ["fill.permit-overtaken"]);
            let finding = &held.json()["findings"][0];
            assert_eq!((&finding["evidence"]["overtaken"], &finding["alert"]), (&json!(broken), &json!(true)));
            patch(line.clone(), back).await;
        }
        w.app.verify();
    }
}

both! {
    async fn a_refused_check_ends_the_own_permit_and_nobody_elses(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("J0000001").await;
        let permit = w.permit(&code).await;
        let stranger = w.check_by(&w.cast.rival.worker, check(&code, &w.cast.rival.scale)).await;
        assert_eq!(stranger.expect(200)["decision"], "refused");
        let colleague = w.colleague().await;
        let busy = w.check_by(&colleague, check(&code, &w.cast.filler.scale)).await;
        assert_eq!(busy.expect(200)["decision"], "refused");
        assert_eq!(w.permit(&code).await, permit);
        let mut leaky = check(&code, &w.cast.filler.scale);
        leaky["precheck"]["valve"] = json!("fail");
        assert_eq!(w.check_by(&w.cast.filler.worker, leaky).await.rules(), ["fill.precheck-failed"]);
        let refused = w.record(w.fill(&permit, GOOD_GROSS_G)).await;
        assert_eq!(refused.expect(200)["status"], "refused");
        assert_eq!(refused.rules(), ["fill.permit-expired"]);
        w.app.verify();
    }
}

both! {
    async fn a_fill_told_long_after_its_permit_is_held_and_the_cycle_runs_from_the_telling(app) {
        let mut w = World::enter(app).await;
        let mut told = Vec::new();
        for (serial_no, seconds) in [("K0000001", 600 + 3_600), ("K0000002", 600 + 3_601)] {
            let code = w.cylinder(serial_no).await;
            let mut body = w.fill(&w.permit(&code).await, GOOD_GROSS_G);
            body["finished_at"] = json!(w.app.now().plus_seconds(60));
            w.later(seconds);
            let reply = w.send("POST /fills", &w.cast.filler.worker, body).await;
            told.push((reply.expect(201)["status"].clone(), reply.rules()));
            w.later(12 * 3_600 - 1);
            assert!(w.check(&code).await.rules().contains(&"fill.cycle-too-short".to_owned()));
        }
        let (in_time, late) = (&told[0], &told[1]);
        assert_eq!(*in_time, (json!("released"), vec![]));
        assert_eq!(*late, (json!("held"), vec!["fill.recorded-late".to_owned()]));
        w.app.verify();
    }
}

both! {
    async fn a_clock_that_is_ahead_makes_nobodys_scan_old(app) {
        let w = World::enter(app).await;
        let yard = w.another_site().await;
        let code = w.cylinder("A0000001").await;
        let permit = w.permit(&code).await;
        let body = w.fill(&permit, GOOD_GROSS_G);
        // The fill ends 70 s from now by its scale, and is recorded 60 s before that.
        w.app.clock.advance(10);
        w.send("POST /fills", &w.cast.filler.worker, body).await.expect(201);
        assert_eq!(w.file(&code).await["custody"]["since"], json!(w.app.now()));
        w.app.clock.advance(5);
        let there = json!({ "code": code, "site_id": yard, "captured_at": w.app.now() });
        let moved = w.send("POST /returns", &w.cast.filler.worker, there).await.expect(201);
        assert_eq!(moved["custody"]["site_id"], json!(yard), "it is later than the fill");
        w.app.verify();
    }
}

both! {
    async fn a_day_that_ends_under_a_permit_ends_what_it_rests_on(app) {
        let mut w = World::enter(app).await;
        let mut due = cylinder(&w.cast.filler.id, "A0000001");
        (due["manufactured_on"], due["purchased_on"]) = (json!("2022-06"), Value::Null);
        let mut aged = cylinder(&w.cast.filler.id, "A0000002");
        (aged["manufactured_on"], aged["purchased_on"]) = (json!("2018-06"), Value::Null);
        aged["last_inspected_on"] = json!("2024-06-01");
        aged["last_inspection_report_no"] = json!("JY-1");
        aged["last_inspection_agency"] = json!("如皋市气瓶检验站");
        let mut codes = Vec::new();
        for body in [due, aged] {
            let made = w.send("POST /cylinders", &w.cast.filler.admin, body).await.expect(201);
            assert_eq!(made["inspection_due_on"], "2026-06-30");
            codes.push(made["code"].as_str().unwrap().to_owned());
        }
        let both = json!(["fill.inspection-overdue", "fill.life-ended"]);
        for (code, ends, overtaken) in [(&codes[0], "2026-06-30", json!(["fill.inspection-overdue"])), (&codes[1], "2026-06-30", both)] {
            // 23:58 on the last day, in Shanghai.
            w.at(&format!("{ends}T15:58:00Z"));
            let permit = w.permit(code).await;
            w.at(&format!("{ends}T16:03:40Z"));
            let held = w.record(w.fill(&permit, GOOD_GROSS_G)).await;
            assert_eq!((held.expect(201)["status"].as_str(), held.rules()), (Some("held"), vec!["fill.permit-overtaken".to_owned()]));
            assert_eq!(held.json()["findings"][0]["evidence"]["overtaken"], overtaken);
            let line = format!("POST /fills/{}/reweigh", held.json()["id"].as_str().unwrap());
            let weighed = json!({ "gross_g": GOOD_GROSS_G, "postcheck": w.postcheck() });
            assert_eq!(w.send(&line, &w.cast.filler.checker, weighed).await.expect(200)["status"], "held");
            w.send("POST /emptyings", &w.cast.filler.worker, w.emptying(code, "超期未检", 0)).await.expect(201);
            assert_eq!(w.file(code).await["last_fill"]["status"], "released");
        }
        w.app.verify();
    }
}
