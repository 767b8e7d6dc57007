//! The main job: check, fill, hand over, return, and what is refused.

use serde_json::json;

use crate::both;
use crate::support::Cast;
use crate::support::cast::{challenge_rate, check, cylinder, register};

both! {
    async fn a_good_cylinder_goes_round(app) {
        let cast = Cast::enter(&app).await;
        challenge_rate(&app, &cast.admin, 0.0).await;
        let made = register(&app, &cast.filler, "A1234567").await;
        let code = made["code"].as_str().unwrap();
        assert_eq!(made["inspection_due_on"], "2028-05-31");
        assert_eq!(made["life_ends_on"], "2032-05-31");

        let allowed = app.send("POST /api/v1/fill-checks", &cast.filler.worker, check(code, &cast.filler.scale)).await;
        let answer = allowed.expect(200);
        assert_eq!(answer["decision"], "allowed", "{answer:#}");
        let permit = answer["permit"]["id"].as_str().unwrap();
        assert_eq!(answer["permit"]["max_fill_g"], 14_900);

        app.clock.advance(90);
        let fill = json!({ "permit_id": permit, "gross_g": 31_300, "started_at": "2026-06-15T04:00:10Z",
            "finished_at": "2026-06-15T04:01:20Z", "seal_no": "F-1",
            "postcheck": { "leak": "pass", "valve": "pass", "seal": "pass", "checker_id": cast.filler.checker_id } });
        let filled = app.send("POST /api/v1/fills", &cast.filler.worker, fill).await.expect(201);
        assert_eq!(filled["status"], "released", "{filled:#}");
        assert_eq!(filled["net_g"], 14_800);

        let agreement = json!({ "distributor_id": cast.distributor.id, "number": "G-1", "valid_from": "2026-01-01", "valid_to": "2026-12-31" });
        app.send("POST /api/v1/supply-agreements", &cast.filler.admin, agreement).await.expect(201);
        let handover = json!({ "code": code, "customer_ref": "K-1001", "entry": "scanned",
            "position": { "lat": 31.98, "lon": 120.89, "accuracy_m": 8.0, "datum": "wgs84" } });
        let handed = app.send("POST /api/v1/handovers", &cast.distributor.worker, handover).await.expect(200);
        assert_eq!(handed["decision"], "accepted", "{handed:#}");

        let returned = app.send("POST /api/v1/returns", &cast.filler.worker, json!({ "code": code })).await.expect(201);
        assert_eq!(returned["custody"]["kind"], "site");

        let history = app.get(&format!("/api/v1/cylinders/{code}/events"), &cast.regulator).await.expect(200);
        let kinds: Vec<_> = history["items"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["returned", "handed_over", "fill_recorded", "fill_checked", "registered"]);
        for event in history["items"].as_array().unwrap() {
            let text = event["data"].to_string();
            assert!(!text.contains("K-1001") && !text.contains("120.89"), "no personal data in the ledger");
        }
        app.verify();
    }
}

both! {
    async fn what_the_law_forbids_is_refused(app) {
        let cast = Cast::enter(&app).await;
        challenge_rate(&app, &cast.admin, 0.0).await;
        let mut old = cylinder(&cast.filler.id, "B0000001");
        old["manufactured_on"] = json!("2021-05");
        old["design_life_months"] = json!(null);
        old["purchased_on"] = json!(null);
        let overdue = app.send("POST /api/v1/cylinders", &cast.filler.admin, old).await.expect(201);
        let foreign = register(&app, &cast.rival, "C0000001").await;
        let good = register(&app, &cast.filler, "D0000001").await;
        let mut forged = good["code"].as_str().unwrap().to_owned();
        let last = if forged.ends_with('0') { "1" } else { "0" };
        forged.replace_range(28.., last);

        for (code, rule) in [
            (overdue["code"].as_str().unwrap(), "fill.inspection-overdue"),
            (foreign["code"].as_str().unwrap(), "fill.not-owned"),
            (forged.as_str(), "fill.code-forged"),
            ("https://weixin.qq.com/x", "fill.code-unknown"),
        ] {
            let reply = app.send("POST /api/v1/fill-checks", &cast.filler.worker, check(code, &cast.filler.scale)).await;
            assert_eq!(reply.expect(200)["decision"], "refused");
            assert!(reply.rules().contains(&rule.to_owned()), "{rule}: {}", reply.text());
        }
        app.verify();
    }
}
