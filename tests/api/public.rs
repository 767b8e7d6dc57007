//! What anybody sees who scans a code.

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::both;
use crate::support::World;
use crate::support::app::{Ask, Reply};
use crate::support::cast::cylinder;
use crate::support::world::GOOD_GROSS_G;

async fn look(w: &World, path: &str) -> Reply {
    let ask = Ask {
        line: format!("GET {path}"),
        headers: vec![("user-agent".to_owned(), "Mozilla/5.0 (Linux; Android) Mobile".to_owned())],
        ..Ask::default()
    };
    w.app.ask(ask).await
}

/// A cylinder whose registration code says nothing of its serial number; its answer.
async fn registered(w: &World, serial_no: &str, manufactured_on: &str) -> Value {
    let mut body = cylinder(&w.cast.filler.id, serial_no);
    body["registration_code"] = json!(format!("苏F-{}", &serial_no[1..4]));
    body["manufactured_on"] = json!(manufactured_on);
    body["purchased_on"] = Value::Null;
    w.send("POST /cylinders", &w.cast.filler.admin, body).await.expect(201)
}

fn forge(code: &str) -> String {
    let mut forged = code.to_owned();
    forged.replace_range(28.., if code.ends_with('0') { "1" } else { "0" });
    forged
}

/// A page for a person: whole, small, without scripts, in a language.
#[track_caller]
fn assert_page(reply: &Reply, status: u16, lang: &str, says: &str) {
    let text = reply.text();
    assert_eq!(reply.status, status, "{text}");
    assert!(reply.headers.get("content-type").unwrap().to_str().unwrap().starts_with("text/html"), "{text}");
    let security = reply.headers.get("content-security-policy").unwrap().to_str().unwrap();
    assert!(security.starts_with("default-src 'none'; style-src 'sha256-"), "{security}");
    assert!(text.len() <= 50_000 && !text.contains("<script"), "{} bytes", text.len());
    assert!(text.contains(&format!("<html lang=\"{lang}\"")) && text.contains(says), "{says}: {text}");
}

both! {
    async fn a_code_can_be_typed(app) {
        let w = World::enter(app).await;
        let made = registered(&w, "Q123456X", "2024-05").await;
        let (code, typed) = (made["code"].as_str().unwrap(), made["label"]["typed"].as_str().unwrap());
        for path in ["/", "/C/", "/C", "/c/", "/?code=", "/C/?code=+&lang=zh", "/?other=1"] {
            assert_page(&look(&w, path).await, 200, "zh-CN", "<form action=\"/C/\" method=\"get\">");
        }
        assert_page(&look(&w, "/?lang=en").await, 200, "en", "Is this cylinder lawful?");
        for (text, lands) in [
            (typed.to_owned(), typed),
            (typed.to_lowercase().replace('-', "+"), typed),
            (code.to_owned(), code),
            (format!("https%3A%2F%2Fpingma.example%2Fc%2F{code}"), code),
        ] {
            let reply = look(&w, &format!("/C/?lang=en&code={text}")).await;
            assert_eq!(reply.status, 303, "{text}: {}", reply.text());
            let place = reply.headers.get("location").unwrap().to_str().unwrap();
            assert_eq!(place, format!("/C/{lands}?lang=en"), "{text}");
            assert!(look(&w, place).await.text().contains("YSP35.5"));
        }
        let registration_code = made["registration_code"].as_str().unwrap().replace('苏', "%E8%8B%8F");
        let wrong = format!("{}{}", &typed[..9], if typed.ends_with('0') { '1' } else { '0' });
        for text in [&registration_code, &typed[..8], &wrong, "%3Cscript%3E", "Q123456X", &"A".repeat(5_000)] {
            let reply = look(&w, &format!("/C/?code={text}")).await;
            assert_page(&reply, 422, "zh-CN", "瓶码有误");
            assert!(!reply.text().contains("YSP35.5"));
        }
        for path in ["/C/x/y", "/c/x/y/z", &format!("/C/{code}/labels")] {
            assert_page(&look(&w, path).await, 404, "zh-CN", "没有这个页面");
        }
        w.app.verify();
    }
}

both! {
    async fn without_the_database_a_person_gets_a_page_too(app) {
        let w = World::enter(app).await;
        let made = registered(&w, "Q123456X", "2024-05").await;
        let code = made["code"].as_str().unwrap();
        let mut conn = w.app.conn();
        conn.batch_execute("ALTER TABLE labels RENAME TO labels_away").expect("a table goes");
        for (lang, tag, says) in [("zh", "zh-CN", "暂时无法查询"), ("en", "en", "No look-up at the moment")] {
            let reply = look(&w, &format!("/C/{code}?lang={lang}")).await;
            assert_page(&reply, 503, tag, says);
            assert_eq!(reply.headers.get("retry-after").unwrap(), "1");
        }
        let json = look(&w, &format!("/api/v1/public/cylinders/{code}")).await;
        assert_eq!(json.problem(503), "unavailable", "a machine gets a problem");
        conn.batch_execute("ALTER TABLE labels_away RENAME TO labels").expect("it comes back");
        assert_page(&look(&w, &format!("/C/{code}")).await, 200, "zh-CN", "YSP35.5");
        w.app.verify();
    }
}

both! {
    async fn the_page_answers_for_every_code_in_both_languages(app) {
        let w = World::enter(app).await;
        let delivery = w.own_delivery().await;
        let lawful = registered(&w, "Q123456X", "2024-05").await;
        let code = lawful["code"].as_str().unwrap();
        w.filled(code, GOOD_GROSS_G).await;
        w.hand_over(&delivery, code).await.expect(200);
        let overdue = registered(&w, "R987654Y", "2021-05").await;
        let cases = [
            (code.to_owned(), "可以使用", "may be used"),
            (overdue["code"].as_str().unwrap().to_owned(), "", "must not be used"),
            (lawful["label"]["typed"].as_str().unwrap().to_owned(), "可以使用", "may be used"),
            ("0".repeat(29), "", ""),
            ("hello".to_owned(), "", ""),
            (forge(code), "", ""),
        ];
        let head = w.head();
        for (code, _, _) in &cases {
            for lang in ["zh", "en"] {
                let page = look(&w, &format!("/C/{code}?lang={lang}")).await;
                let text = page.text();
                assert_eq!(page.status, 200, "{code}");
                assert!(page.bytes.len() <= 50_000, "{} bytes", page.bytes.len());
                assert!(page.headers.get("content-type").unwrap().to_str().unwrap().starts_with("text/html"));
                assert!(text.contains(&format!("<html lang=\"{lang}")), "{code} {lang}: {}", &text[..200]);
                for hidden in ["<script", "javascript:", "Q123456X", "456X", "R987654Y", "654Y", "测试 Person", "K-1001", "{\"", "log_index", "null"] {
                    assert!(!text.contains(hidden), "{hidden} in the page of {code}");
                }
                for id in [&lawful["id"], &lawful["owner"]["id"], &json!(w.cast.filler.worker_id), &json!(w.cast.filler.site)] {
                    assert!(!text.contains(id.as_str().unwrap()), "{id} in the page of {code}");
                }
            }
        }
        let zh = look(&w, &format!("/C/{code}")).await.text();
        assert!(zh.contains("南通平安燃气有限公司") && zh.contains("苏F-123"));
        let english = Ask {
            line: format!("GET /C/{code}"),
            headers: vec![("accept-language".to_owned(), "en-GB,zh;q=0.5".to_owned())],
            ..Ask::default()
        };
        assert!(w.app.ask(english).await.text().contains("<html lang=\"en"));
        assert_eq!(w.head(), head, "strangers can't fill the ledger");
        w.app.verify();
    }
}

both! {
    async fn the_same_as_json(app) {
        let w = World::enter(app).await;
        let lawful = registered(&w, "Q123456X", "2024-05").await;
        let code = lawful["code"].as_str().unwrap();
        let filled = w.filled(code, GOOD_GROSS_G + 200).await;
        assert_eq!(filled["status"], "held");
        let get = async |code: &str, query: &str| look(&w, &format!("/api/v1/public/cylinders/{code}{query}")).await.expect(200);
        let held = get(code, "?lang=en").await;
        assert_eq!(held["lawful"], false, "what is held is not for customers");
        let reason = "Over-filled: 15.00 kg of gas where at most 14.90 kg are allowed; it must not leave the station";
        assert_eq!(held["reasons"], json!([reason]));
        let line = format!("POST /fills/{}/reweigh", filled["id"].as_str().unwrap());
        let body = json!({ "gross_g": GOOD_GROSS_G, "postcheck": w.postcheck() });
        w.send(&line, &w.cast.filler.checker, body).await.expect(200);
        let kept = get(code, "?lang=en").await;
        assert_eq!((&kept["lawful"], &kept["standing"]), (&json!(true), &json!("caution")));
        assert!(kept["notes"][0].as_str().unwrap().contains("at a station"), "{kept}");
        let delivery = w.own_delivery().await;
        assert_eq!(w.hand_over(&delivery, code).await.expect(200)["decision"], "accepted");
        assert_eq!(
            get(code, "").await,
            json!({ "lawful": true, "standing": "lawful", "reasons": [], "notes": [], "registration_code": "苏F-123", "model": "YSP35.5",
                "owner_name": "南通平安燃气有限公司", "filler_name": "南通平安燃气有限公司", "filled_on": "2026-06-15",
                "net_g": 14_800, "inspection_due_on": "2028-05-31", "life_ends_on": "2032-05-31", "insured": true })
        );
        let overdue = registered(&w, "R987654Y", "2021-05").await;
        let overdue = get(overdue["code"].as_str().unwrap(), "?lang=en").await;
        assert_eq!(overdue["lawful"], false);
        assert!(overdue["reasons"][0].as_str().unwrap().to_lowercase().contains("inspection"), "{overdue}");
        for unknown in ["0".repeat(29), "x".to_owned(), forge(code)] {
            let answer = get(&unknown, "").await;
            assert_eq!((&answer["lawful"], &answer["model"]), (&json!(false), &Value::Null), "{unknown}");
            assert_eq!(answer["reasons"].as_array().unwrap().len(), 1);
        }
        let wrong = look(&w, &format!("/api/v1/public/cylinders/{code}?language=en")).await;
        assert_eq!(wrong.problem(400), "malformed_request");
        w.app.verify();
    }
}

both! {
    async fn a_page_keeps_no_place_that_there_is_none(app) {
        let w = World::enter(app).await;
        let made = registered(&w, "Q123456X", "2024-05").await;
        let code = made["code"].as_str().unwrap();
        let places = || {
            use diesel::prelude::*;
            use pingma::db::schema::public_scans as t;
            let kept = t::table.filter(t::location.is_not_null()).count();
            pingma::on_backend!(&mut w.app.conn(), c => kept.get_result::<i64>(c)).expect("a number")
        };
        for none in ["lat=500&lon=1", "lat=1&lon=-181", "lat=NaN&lon=1", "lat=1"] {
            assert_eq!(look(&w, &format!("/C/{code}?{none}")).await.status, 200, "{none}");
        }
        assert_eq!(places(), 0);
        look(&w, &format!("/C/{code}?lat=31.98&lon=120.89")).await;
        assert_eq!(places(), 1);
    }
}

both! {
    async fn look_ups_are_counted_beside_the_ledger(app) {
        let w = World::enter(app).await;
        let made = registered(&w, "Q123456X", "2024-05").await;
        let code = made["code"].as_str().unwrap();
        let head = w.head();
        let scans = async || {
            let history = w.get(&format!("/cylinders/{code}/events"), &w.cast.regulator).await.expect(200);
            history["customer_scans"].clone()
        };
        assert_eq!(scans().await, json!({ "count": 0, "last_at": null }));
        look(&w, &format!("/C/{code}")).await;
        w.app.clock.advance(5);
        look(&w, &format!("/api/v1/public/cylinders/{code}?lat=31.98&lon=120.89")).await;
        for wrong in ["lat=null&lon=1", "lat=90.5&lon=1", "lat=1&lon=-181", "lat=NaN&lon=1", "lat=&lon=1"] {
            let path = format!("/api/v1/public/cylinders/{code}?{wrong}");
            let reply = look(&w, &path).await;
            assert_eq!(reply.problem(400), "malformed_request", "{wrong}");
            assert!(reply.text().contains("的数"), "{}", reply.text());
            look(&w, &format!("/C/no-code-at-all?{wrong}")).await;
        }
        for (wrong, page) in [("lang=", "zh-CN"), ("lang=de", "zh-CN"), ("lang=EN", "en"), ("lang=en-US", "en")] {
            let reply = look(&w, &format!("/api/v1/public/cylinders/{code}?{wrong}")).await;
            assert_eq!(reply.problem(400), "malformed_request", "{wrong}");
            assert!(reply.text().contains("应为 zh 或 en"), "{}", reply.text());
            assert_page(&look(&w, &format!("/C/no-code-at-all?{wrong}")).await, 200, page, "");
        }
        look(&w, &format!("/C/{}", forge(code))).await;
        look(&w, "/C/hello").await;
        assert_eq!(scans().await, json!({ "count": 2, "last_at": "2026-06-15T04:00:05.000000Z" }));
        let trace = w.get(&format!("/cylinders/{code}/trace"), &w.cast.filler.admin).await.expect(200);
        assert_eq!(trace["customer_scans"]["count"], 2);
        assert!(!trace.to_string().contains("120.89"));
        assert_eq!(w.head(), head);
        w.app.verify();
    }
}

both! {
    async fn who_asks_too_often_waits(app) {
        let mut w = World::enter(app).await;
        let made = registered(&w, "Q123456X", "2024-05").await;
        let code = made["code"].as_str().unwrap();
        w.app.limit_public_calls(3);
        for _ in 0..3 {
            assert_eq!(look(&w, &format!("/C/{code}")).await.status, 200);
        }
        let ask = |path: String, lang: &str| Ask {
            line: format!("GET {path}"),
            headers: vec![
                ("x-forwarded-for".to_owned(), "203.0.113.9".to_owned()),
                ("accept-language".to_owned(), lang.to_owned()),
            ],
            ..Ask::default()
        };
        let slow = w.app.ask(ask(format!("/api/v1/public/cylinders/{code}"), "zh")).await;
        assert_eq!(slow.problem(429), "too_many_requests", "nobody is behind a proxy that we don't know");
        let zh = w.app.ask(ask(format!("/C/{code}"), "zh")).await;
        let en = w.app.ask(ask(format!("/C/{code}"), "en")).await;
        assert_page(&zh, 429, "zh-CN", "查询过于频繁");
        assert_page(&en, 429, "en", "Too many look-ups");
        for reply in [slow, zh, en] {
            let wait: u32 = reply.headers.get("retry-after").unwrap().to_str().unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
        }
        assert_eq!(w.get("/me", &w.cast.filler.admin).await.status, 200, "those who signed in go on");
        w.app.verify();
    }
}

both! {
    async fn what_is_not_known_is_amber(app) {
        let mut w = World::enter(app).await;
        let made = registered(&w, "Q123456X", "2024-05").await;
        let code = made["code"].as_str().unwrap().to_owned();
        let empty = look(&w, &format!("/C/{code}?lang=en")).await;
        assert_page(&empty, 200, "en", "Ask first");
        assert_page(&empty, 200, "en", "No fill is on record: do not accept it as full");
        assert_page(&look(&w, &format!("/C/{code}")).await, 200, "zh-CN", "没有充装记录");
        let delivery = w.own_delivery().await;
        w.filled(&code, GOOD_GROSS_G).await;
        w.hand_over(&delivery, &code).await.expect(200);
        assert_page(&look(&w, &format!("/C/{code}?lang=en")).await, 200, "en", "Lawful to use");
        w.at("2036-06-15T04:00:00Z");
        assert_page(&look(&w, &format!("/C/{code}?lang=en")).await, 200, "en", "Cannot be judged now");
        let page = look(&w, &format!("/C/{code}")).await;
        assert_page(&page, 200, "zh-CN", "暂时无法判定");
        assert!(!page.text().contains("请勿使用"), "nobody is told not to use it by a wrong clock");
        let json = look(&w, &format!("/api/v1/public/cylinders/{code}")).await.expect(200);
        assert_eq!((&json["lawful"], &json["standing"], &json["reasons"]), (&json!(false), &json!("unjudged"), &json!([])));
        w.at("2026-06-15T05:00:00Z");
        w.app.verify();
    }
}

both! {
    async fn a_wrong_clock_ends_no_license(app) {
        let mut w = World::enter(app).await;
        let made = registered(&w, "Q123456X", "2024-05").await;
        let code = made["code"].as_str().unwrap().to_owned();
        let delivery = w.own_delivery().await;
        w.filled(&code, GOOD_GROSS_G).await;
        w.hand_over(&delivery, &code).await.expect(200);
        let licenses = format!("/organizations/{}/licenses", w.cast.filler.id);
        let old = w.get(&licenses, &w.cast.admin).await.expect(200)["items"].clone();
        let old = old.as_array().unwrap().iter().find(|license| license["kind"] == "filling").unwrap()["id"].clone();
        let second = json!({ "kind": "filling", "number": "TS4232999", "issuer": "江苏省市场监督管理局", "valid_from": "2024-01-01",
            "valid_to": "2027-12-31", "media": ["lpg"], "districts": ["3206"] });
        w.send(&format!("POST {licenses}"), &w.cast.admin, second).await.expect(201);
        let revoked = json!({ "status": "revoked", "reason": "换证" });
        w.send(&format!("PATCH /licenses/{}", old.as_str().unwrap()), &w.cast.regulator, revoked).await.expect(200);
        let standing = async |w: &World| look(w, &format!("/api/v1/public/cylinders/{code}")).await.expect(200)["standing"].clone();
        assert_eq!(standing(&w).await, "lawful", "the other license is in force");
        w.at("2031-06-15T04:00:00Z");
        assert_eq!(standing(&w).await, "unjudged", "by a wrong clock it ran out");
        let line = format!("PATCH /organizations/{}", w.cast.filler.id);
        w.send(&line, &w.cast.admin, json!({ "status": "closed" })).await.expect(200);
        assert_eq!(standing(&w).await, "not_lawful", "closed is closed on any day");
        w.at("2026-06-15T05:00:00Z");
        w.app.verify();
    }
}

both! {
    async fn who_fills_reads_the_end_of_the_number_from_the_steel(app) {
        let w = World::enter(app).await;
        let made = registered(&w, "Q123456X", "2024-05").await;
        let code = made["code"].as_str().unwrap();
        for (auth, shown) in [(&w.cast.filler.admin, "Q123456X"), (&w.cast.filler.worker, "Q123••••"), (&w.cast.filler.checker, "Q123••••")] {
            assert_eq!(w.get(&format!("/cylinders/{code}"), auth).await.expect(200)["serial_no"], shown);
            let list = w.get("/cylinders", auth).await.expect(200);
            assert_eq!(list["items"][0]["serial_no"], shown);
        }
        w.app.verify();
    }
}

both! {
    async fn the_end_of_the_number_can_not_be_found_by_counting(app) {
        let w = World::enter(app).await;
        let made = registered(&w, "Q123456X", "2024-05").await;
        let tries = |n: u32| format!("/cylinders/stamp:ABC:Q1234{n:02}X");
        for n in 0..30 {
            let trace = if n % 2 == 0 { "" } else { "/trace" };
            w.get(&format!("{}{trace}", tries(n)), &w.cast.filler.worker).await.expect(404);
        }
        for path in [tries(56), format!("{}/events", tries(56)), format!("{}/trace", tries(56))] {
            let late = w.get(&path, &w.cast.filler.worker).await;
            assert_eq!(late.problem(429), "too_many_requests");
            assert!(late.headers.contains_key("retry-after"));
        }
        let code = made["code"].as_str().unwrap();
        w.get(&format!("/cylinders/{code}"), &w.cast.filler.worker).await.expect(200);
        w.get(&tries(56), &w.cast.filler.checker).await.expect(429);
        w.get(&tries(56), &w.cast.rival.worker).await.expect(404);
        for n in 0..31 {
            w.get(&tries(n), &w.cast.filler.admin).await.expect(404);
        }
        w.get(&tries(56), &w.cast.filler.admin).await.expect(200);
        w.app.verify();
    }
}
