//! What no client should send: each answer names the member at fault, and nothing is written.

use serde_json::{Value, json};

use crate::both;
use crate::support::World;
use crate::support::app::{Ask, Reply};
use crate::support::cast::check;

/// A POST of raw bytes.
async fn post(w: &World, path: &str, kind: &str, bytes: &[u8]) -> Reply {
    w.app
        .ask(Ask {
            line: format!("POST /api/v1{path}"),
            auth: Some(w.cast.filler.worker.clone()),
            key: Some(format!("raw-{}", w.head())),
            raw: Some((kind.to_owned(), bytes.to_vec())),
            ..Ask::default()
        })
        .await
}

/// The code of a problem document that is whole; its first member at fault with its code.
#[track_caller]
fn problem(reply: &Reply, status: u16) -> (String, String, String) {
    let code = reply.problem(status);
    let body = reply.json();
    assert_eq!(body["type"], format!("urn:pingma:problem:{code}"));
    assert_eq!(body["status"], status);
    for member in ["title", "detail", "request_id"] {
        let text = body[member].as_str().unwrap_or_default();
        assert!(!text.is_empty() && text.len() < 2_000, "{member} of {body}");
    }
    assert_eq!(reply.headers.get("x-request-id").unwrap(), body["request_id"].as_str().unwrap());
    let text = |name: &str| body["errors"][0][name].as_str().unwrap_or_default().to_owned();
    (code, text("pointer"), text("code"))
}

fn at(pointer: &str, why: &str) -> (String, String) {
    (pointer.to_owned(), why.to_owned())
}

both! {
    async fn a_member_at_fault_is_named(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        let good = check(&code, &w.cast.filler.scale);
        let head = w.head();
        for (member, value, status, pointer, why) in [
            ("x", json!(1), 400, "/x", "unknown_member"),
            ("precheck", json!({ "rust": "pass" }), 400, "/precheck/rust", "unknown_member"),
            ("code", Value::Null, 400, "/code", "wrong_type"),
            ("code", json!(["x"]), 400, "/code", "wrong_type"),
            ("code", json!(""), 422, "/code", "too_short"),
            ("code", json!("7".repeat(401)), 422, "/code", "too_long"),
            ("code", json!("瓶".repeat(401)), 422, "/code", "too_long"),
            ("code", json!("a\u{0}b"), 422, "/code", "control_character"),
            ("code", json!("a\u{1b}[31m"), 422, "/code", "control_character"),
            ("code", json!("a\u{85}b"), 422, "/code", "control_character"),
            ("scale_id", json!("x"), 422, "/scale_id", "bad_format"),
            ("scale_id", json!(7), 400, "/scale_id", "wrong_type"),
            ("scale_g", json!("16700"), 400, "/scale_g", "wrong_type"),
            ("scale_g", json!(16_700.5), 400, "/scale_g", "wrong_type"),
            ("scale_g", json!(-1), 422, "/scale_g", "out_of_range"),
            ("scale_g", json!(200_001), 422, "/scale_g", "out_of_range"),
            ("scale_g", json!(i64::MAX), 422, "/scale_g", "out_of_range"),
            ("scale_g", json!(u64::MAX), 422, "/scale_g", "out_of_range"),
            ("scale_g", json!(1e300), 400, "/scale_g", "wrong_type"),
            ("scale_g", json!(true), 400, "/scale_g", "wrong_type"),
            ("stamp_digits", json!("1".repeat(33)), 422, "/stamp_digits", "too_long"),
            ("precheck", json!(["pass", "pass", "pass", "pass", "pass", "pass", "pass"]), 400, "/precheck", "wrong_type"),
            ("entry", json!({ "scanned": null }), 400, "/entry", "wrong_type"),
            ("entry", json!("guessed"), 422, "/entry", "not_allowed"),
            ("precheck", json!({ "body": "ok" }), 422, "/precheck/body", "not_allowed"),
            ("captured_at", json!("2026-02-30T00:00:00Z"), 422, "/captured_at", "bad_format"),
            ("captured_at", json!("2026-06-15T04:01:00.000001Z"), 422, "/captured_at", "in_future"),
            ("captured_at", json!("2999-01-01T00:00:00Z"), 422, "/captured_at", "in_future"),
            ("captured_at", json!("2026-05-16T03:59:59.999999Z"), 422, "/captured_at", "too_old"),
            ("captured_at", json!("yesterday"), 422, "/captured_at", "bad_format"),
        ] {
            let mut body = good.clone();
            body[member] = value.clone();
            let reply = w.check_by(&w.cast.filler.worker, body).await;
            let (kind, pointed, code) = problem(&reply, status);
            assert_eq!((pointed, code), at(pointer, why), "{member}: {value}");
            assert_eq!(kind, if status == 400 { "malformed_request" } else { "invalid" });
        }
        for member in ["code", "scale_id", "entry"] {
            let mut body = good.clone();
            body.as_object_mut().unwrap().remove(member);
            let reply = w.check_by(&w.cast.filler.worker, body).await;
            let (_, pointed, code) = problem(&reply, 400);
            assert_eq!((pointed, code), at(&format!("/{member}"), "required"));
        }
        assert_eq!(w.head(), head, "nothing was written");
        w.app.verify();
    }
}

both! {
    async fn other_calls_name_their_members_too(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000002").await;
        let permit = w.permit(&code).await;
        let head = w.head();
        let (worker, agency, delivery) = (&w.cast.filler.worker, &w.cast.agency.worker, &w.cast.distributor.worker);
        let fill = w.fill(&permit, 31_300);
        let inspection = json!({ "ref": code, "inspected_on": "2026-06-15", "result": "pass", "report_no": "R-1" });
        let handover = json!({ "code": code, "customer_ref": "K-1", "entry": "scanned",
            "position": { "lat": 31.9, "lon": 120.8, "datum": "wgs84" } });
        for (line, auth, good, pointer, value, status) in [
            ("POST /fills", worker, &fill, "/gross_g", json!(-31_300), 422),
            ("POST /fills", worker, &fill, "/gross_g", json!(1_000_000_000), 422),
            ("POST /fills", worker, &fill, "/started_at", json!("2026-06-15"), 422),
            ("POST /fills", worker, &fill, "/seal_no", json!("x".repeat(65)), 422),
            ("POST /fills", worker, &fill, "/postcheck/leak", json!("maybe"), 422),
            ("POST /fills", worker, &fill, "/permit_id", json!("0"), 422),
            ("POST /inspections", agency, &inspection, "/inspected_on", json!("2026-02-30"), 422),
            ("POST /inspections", agency, &inspection, "/inspected_on", json!("2026-6-1"), 422),
            ("POST /inspections", agency, &inspection, "/inspected_on", json!(20_260_601), 400),
            ("POST /inspections", agency, &inspection, "/report_no", json!("  "), 422),
            ("POST /inspections", agency, &inspection, "/result", json!("excellent"), 422),
            ("POST /handovers", delivery, &handover, "/customer_ref", json!("k\n1"), 422),
            ("POST /handovers", delivery, &handover, "/position/datum", json!("mars"), 422),
            ("POST /handovers", delivery, &handover, "/position/lat", json!("31"), 400),
        ] {
            let mut body = good.clone();
            *body.pointer_mut(pointer).expect("a member") = value.clone();
            let reply = w.send(line, auth, body).await;
            assert_eq!(problem(&reply, status).1, pointer, "{line} {value}");
        }
        let mut far = handover.clone();
        far["position"]["lat"] = json!(91);
        assert_eq!(problem(&w.send("POST /handovers", delivery, far).await, 422).1, "/position");
        let mut early = handover.clone();
        early["captured_at"] = json!("2026-06-15T05:00:00Z");
        assert_eq!(problem(&w.send("POST /handovers", delivery, early).await, 422).1, "/captured_at");
        let early = json!({ "code": code, "captured_at": "2026-06-15T05:00:00Z" });
        assert_eq!(problem(&w.send("POST /returns", worker, early).await, 422).1, "/captured_at");
        let heavy = json!({ "code": code, "residual_g": 14_901 });
        assert_eq!(problem(&w.send("POST /returns", worker, heavy).await, 422).1, "/residual_g");
        let nowhere = json!({ "code": code, "site_id": w.cast.rival.site });
        assert_eq!(problem(&w.send("POST /returns", worker, nowhere).await, 422).1, "/site_id");
        assert_eq!(w.head(), head, "nothing was written");
        w.app.verify();
    }
}

both! {
    async fn a_member_or_a_header_comes_once(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000006").await;
        let good = check(&code, &w.cast.filler.scale).to_string();
        let head = w.head();
        for (body, pointer) in [
            (good.replace("\"scale_g\":16700", "\"scale_g\":16700,\"scale_g\":16700"), "/scale_g"),
            (good.replace("\"valve\":\"pass\"", "\"valve\":\"fail\",\"valve\":\"pass\""), "/precheck/valve"),
        ] {
            assert_ne!(body, good);
            let reply = post(&w, "/fill-checks", "application/json", body.as_bytes()).await;
            assert_eq!(problem(&reply, 400), ("malformed_request".into(), pointer.into(), "repeated".into()));
        }
        for (name, value) in [("authorization", w.cast.rival.worker.as_str()), ("idempotency-key", "another")] {
            let reply = w.app.ask(Ask {
                line: "POST /api/v1/fill-checks".to_owned(),
                auth: Some(w.cast.filler.worker.clone()),
                key: Some("one".to_owned()),
                headers: vec![(name.to_owned(), value.to_owned())],
                body: Some(check(&code, &w.cast.filler.scale)),
                ..Ask::default()
            }).await;
            assert_eq!(problem(&reply, 400).0, "malformed_request", "{name}");
            assert!(reply.text().contains(name), "{}", reply.text());
        }
        assert_eq!(w.head(), head, "nothing was written");
        w.app.verify();
    }
}

both! {
    async fn what_is_allowed_is_said_in_words(app) {
        let w = World::enter(app).await;
        let good = check("x", &w.cast.filler.scale);
        for (member, value, zh, en) in [
            ("scale_g", json!("16700"), "应为 0 到 200000 的整数", "must be a whole number from 0 to 200000"),
            ("scale_g", json!(200_001), "应为 0 到 200000 的整数", "must be a whole number from 0 to 200000"),
            ("scale_g", json!(1.5), "应为 0 到 200000 的整数", "must be a whole number from 0 to 200000"),
            ("code", json!(7), "应为 1 到 400 个字符的文本", "must be a text of 1 to 400 characters"),
            ("code", json!(""), "应为 1 到 400 个字符，实为 0 个", "1 to 400 characters are allowed, got 0"),
            ("precheck", json!([]), "应为对象", "must be an object"),
            (
                "x",
                json!(1),
                "没有该字段；应为以下之一：code、scale_id、scale_g、stamp_digits、precheck、entry、captured_at",
                "there is no such member; expected one of code, scale_id, scale_g, stamp_digits, precheck, entry, captured_at",
            ),
            ("entry", json!(1), "应为字符串", "must be a word"),
            ("entry", json!("x"), "应为 scanned 或 typed", "must be scanned or typed"),
        ] {
            let mut body = good.clone();
            body[member] = value.clone();
            for (lang, detail) in [("zh-CN", zh), ("en", en)] {
                let reply = w.app.ask(Ask {
                    line: "POST /api/v1/fill-checks".to_owned(),
                    auth: Some(w.cast.filler.worker.clone()),
                    key: Some(format!("allowed-{lang}")),
                    body: Some(body.clone()),
                    headers: vec![("accept-language".to_owned(), lang.to_owned())],
                    ..Ask::default()
                }).await;
                assert_eq!(reply.json()["errors"][0]["detail"], detail, "{member} {value}");
            }
        }
        w.app.verify();
    }
}

both! {
    async fn what_is_no_json_object_is_malformed(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000003").await;
        let head = w.head();
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        let deep_member = format!("{{\"code\":{}1{}}}", "{\"a\":".repeat(5_000), "}".repeat(5_000));
        let array = json!([code]).to_string();
        for body in [
            &b""[..], b"{", b"null", b"1", b"\"x\"", b"[]", b"{}x", b"{'code':'x'}", b"\xff\xfe", b"{\"code\":\"\xc3\x28\"}",
            b"{\"code\":\"\\ud800\"}", b"{\"code\":NaN}", deep.as_bytes(), deep_member.as_bytes(), array.as_bytes(),
        ] {
            for path in ["/fill-checks", "/returns"] {
                let reply = post(&w, path, "application/json", body).await;
                let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
                assert_eq!(reply.status, 400, "{path} {shown}: {}", reply.text());
                assert_eq!(problem(&reply, 400).0, "malformed_request", "{path} {shown}");
            }
        }
        assert_eq!(w.head(), head, "nothing was written");
        w.app.verify();
    }
}

both! {
    async fn a_body_is_json_of_64_kb_at_most(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000004").await;
        let body = check(&code, &w.cast.filler.scale).to_string();
        let head = w.head();
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
            let reply = post(&w, "/fill-checks", kind, body.as_bytes()).await;
            assert_eq!(problem(&reply, 415).0, "unsupported_media_type", "{kind}");
        }
        let padded = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
        for length in [65_537, 1_000_000] {
            let reply = post(&w, "/fill-checks", "application/json", padded(length).as_bytes()).await;
            assert_eq!(problem(&reply, 413).0, "body_too_large");
        }
        assert_eq!(w.head(), head, "nothing was written");
        let most = post(&w, "/fill-checks", "Application/JSON; charset=utf-8", padded(65_536).as_bytes()).await;
        assert_eq!(most.expect(200)["decision"], "allowed");
        w.app.verify();
    }
}

both! {
    async fn a_query_has_known_parameters_once(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000005").await;
        let admin = &w.cast.filler.admin;
        let uuid_cursor = "MDE5YTAwMDAtMDAwMC03MDAwLTgwMDAtMDAwMDAwMDAwMDAx";
        for (query, pointer, why) in [
            ("limit=0", "?limit", "invalid"),
            ("limit=201", "?limit", "invalid"),
            ("limit=-1", "?limit", "invalid"),
            ("limit=ten", "?limit", "invalid"),
            ("limit=", "?limit", "invalid"),
            ("limit=1&limit=2", "?limit", "repeated"),
            ("limit=1&limit=1", "?limit", "repeated"),
            ("colour=red", "?colour", "unknown_parameter"),
            ("Limit=1", "?Limit", "unknown_parameter"),
        ] {
            for path in ["/fills", "/fill-checks", "/cylinders", &format!("/cylinders/{code}/events"), "/users", "/owner-changes"] {
                let reply = w.get(&format!("{path}?{query}"), admin).await;
                let (kind, pointed, code) = problem(&reply, 400);
                assert_eq!((kind.as_str(), pointed, code), ("malformed_request", pointer.to_owned(), why.to_owned()), "{path}?{query}");
            }
        }
        for (path, cursor) in [
            ("/fills", "***"),
            ("/fills", ""),
            ("/fills", uuid_cursor),
            ("/fills", "LTE"),
            ("/cylinders", "MTI"),
            ("/cylinders", &"A".repeat(5_000)),
            ("/fill-checks", "%FF"),
        ] {
            let reply = w.get(&format!("{path}?cursor={cursor}"), admin).await;
            assert_eq!(problem(&reply, 400).0, "malformed_cursor", "{path} {cursor}");
        }
        for (query, pointer) in [
            ("/fill-checks?decision=maybe", "?decision"),
            ("/fill-checks?alert=1", "?alert"),
            ("/fills?from=yesterday", "?from"),
            ("/fills?site_id=1", "?site_id"),
            ("/cylinders?inspection_due_before=2026-02-30", "?inspection_due_before"),
            ("/cylinders?district=32060", "?district"),
            ("/cylinders?status=fine", "?status"),
            ("/cylinders?q=", "?q"),
        ] {
            assert_eq!(problem(&w.get(query, admin).await, 400).1, pointer, "{query}");
        }
        assert_eq!(w.get("/cylinders?q=true", admin).await.expect(200)["items"], json!([]), "a text may look like a truth value");
        w.app.verify();
    }
}

both! {
    async fn a_path_that_leads_nowhere_is_not_found(app) {
        let w = World::enter(app).await;
        let admin = &w.cast.filler.admin;
        let long = "A".repeat(6_000);
        for (path, code) in [
            (format!("/cylinders/{long}"), "cylinder_not_found"),
            (format!("/cylinders/{long}/events"), "cylinder_not_found"),
            (format!("/public/cylinders/{long}"), "not_found"),
            (format!("/labels/{long}.svg"), "label_not_found"),
            ("/organizations/1".to_owned(), "organization_not_found"),
            ("/nothing".to_owned(), "not_found"),
            ("/fills/../fills".to_owned(), "not_found"),
        ] {
            let reply = w.get(&path, admin).await;
            let short = &path[..path.len().min(60)];
            assert_eq!(problem(&reply, 404).0, code, "{short}");
        }
        let page = w.app.get(&format!("/C/{long}"), admin).await;
        assert!(page.status == 200 && page.text().contains("<html"), "a person gets a page");
        let put = w.send("PUT /fills", admin, json!({})).await;
        assert_eq!(problem(&put, 405).0, "method_not_allowed");
        for id in ["x", "019a0000-0000-7000-8000-000000000001"] {
            let body = json!({ "gross_g": 1, "postcheck": {} });
            let reply = w.send(&format!("POST /fills/{id}/reweigh"), &w.cast.filler.worker, body).await;
            assert_eq!(problem(&reply, 404).0, "fill_not_found");
        }
        w.app.verify();
    }
}
