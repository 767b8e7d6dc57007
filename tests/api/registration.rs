//! Entering a cylinder, and finding it again by whatever is at hand.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::both;
use crate::support::World;
use crate::support::app::Reply;
use crate::support::cast::cylinder;

async fn enter(w: &World, body: Value) -> Reply {
    w.send("POST /cylinders", &w.cast.filler.admin, body).await
}

both! {
    async fn what_steel_cannot_say_is_not_registered(app) {
        let w = World::enter(app).await;
        let good = cylinder(&w.cast.filler.id, "A0000001");
        let head = w.head();
        for (member, value, code) in [
            ("/design_life_months", Value::Null, "required"),
            ("/design_life_months", json!(11), "out_of_range"),
            ("/tare_g", json!(14_849), "implausible"),
            ("/tare_g", json!(18_151), "implausible"),
            ("/tare_g", json!(-1), "out_of_range"),
            ("/max_fill_g", json!(14_911), "exceeds_filling_factor"),
            ("/max_fill_g", json!(14_500), "contradicts_model"),
            ("/max_fill_g", json!(0), "out_of_range"),
            ("/phase", json!("liquid"), "contradicts_model"),
            ("/medium", json!("dme"), "contradicts_model"),
            ("/water_capacity_ml", json!(118_000), "contradicts_model"),
            ("/serial_no", json!("\u{410}123"), "bad_format"),
            ("/serial_no", json!("A\u{200b}123"), "control_character"),
            ("/registration_code", json!("------"), "bad_format"),
            ("/water_capacity_ml", json!(499), "out_of_range"),
            ("/test_pressure_kpa", json!(2_100), "out_of_range"),
            ("/manufactured_on", json!("2026-07"), "in_future"),
            ("/manufactured_on", json!("2026-06-16"), "in_future"),
            ("/manufactured_on", json!("2024-02-30"), "no_such_date"),
            ("/manufactured_on", json!("2024"), "bad_format"),
            ("/manufactured_on", json!("1949-12"), "out_of_range"),
            ("/last_inspected_on", json!("2026-06-16"), "in_future"),
            ("/last_inspected_on", json!("2024-04"), "before_manufacture"),
            ("/purchased_on", json!("2026-06-16"), "out_of_range"),
            ("/purchased_on", json!("2024-04-30"), "out_of_range"),
            ("/insurance/valid_to", json!("2025-12-31"), "before_start"),
            ("/serial_no", json!("---"), "bad_format"),
            ("/serial_no", json!(""), "too_short"),
            ("/registration_code", json!("12345"), "too_short"),
            ("/owner_id", json!(w.cast.rival.id), "organization_not_found"),
        ] {
            let mut body = good.clone();
            *body.pointer_mut(member).unwrap_or(&mut Value::Null) = value.clone();
            if body.pointer(member).is_none() {
                body[&member[1..]] = value.clone();
            }
            let reply = enter(&w, body).await;
            assert_eq!(reply.problem(422), "invalid", "{member} {value}");
            let error = &reply.json()["errors"][0];
            assert_eq!((&error["pointer"], &error["code"]), (&json!(member), &json!(code)), "{value}");
        }
        let mut unknown = good.clone();
        unknown["model"] = json!("YSP99");
        assert_eq!(enter(&w, unknown).await.json()["errors"][0]["pointer"], "/medium");
        let mut agency = good.clone();
        agency["owner_id"] = json!(w.cast.agency.id);
        let reply = w.send("POST /cylinders", &w.cast.admin, agency).await;
        assert_eq!(reply.json()["errors"][0]["code"], "not_a_filler");
        let worker = w.send("POST /cylinders", &w.cast.filler.worker, good.clone()).await;
        assert_eq!(worker.problem(403), "forbidden");
        assert_eq!(w.head(), head, "nothing was written");
        enter(&w, good).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn an_inspection_before_registration_needs_its_report(app) {
        let w = World::enter(app).await;
        let mut old = cylinder(&w.cast.filler.id, "A0000008");
        old["manufactured_on"] = json!("2020-05");
        old["purchased_on"] = Value::Null;
        let paper = [
            ("last_inspected_on", json!("2024-06-01")),
            ("last_inspection_report_no", json!("JY-2024-77")),
            ("last_inspection_agency", json!("如皋市气瓶检验站")),
        ];
        for (missing, _) in &paper {
            let mut body = old.clone();
            for (member, value) in paper.iter().filter(|(member, _)| member != missing) {
                body[*member] = value.clone();
            }
            let reply = enter(&w, body).await;
            assert_eq!(reply.problem(422), "invalid");
            let error = &reply.json()["errors"][0];
            assert_eq!((&error["pointer"], &error["code"]), (&json!(format!("/{missing}")), &json!("required")));
        }
        for (member, value) in paper {
            old[member] = value;
        }
        let made = enter(&w, old).await.expect(201);
        assert_eq!(made["inspection_due_on"], "2028-05-31", "no later than the end of its life");
        let id = made["id"].as_str().expect("an id").to_owned();
        let named = json!({ "report_no": "JY-2024-77", "agency": "如皋市气瓶检验站" });
        assert_eq!(w.events(&id).await[0]["data"]["last_inspection"], named);
        for (auth, shown) in [
            (&w.cast.filler.admin, named.clone()),
            (&w.cast.regulator, named.clone()),
            (&w.cast.filler.worker, Value::Null),
        ] {
            assert_eq!(w.get(&format!("/cylinders/{id}"), auth).await.expect(200)["earlier_inspection"], shown);
        }
        w.app.verify();
    }
}

both! {
    async fn an_unknown_model_does_not_switch_the_tare_check_off(app) {
        let w = World::enter(app).await;
        let mut odd = cylinder(&w.cast.filler.id, "A0000007");
        for (member, value) in [("model", json!("YSP36")), ("medium", json!("lpg")), ("phase", json!("gas")),
            ("water_capacity_ml", json!(118_000)), ("max_fill_g", json!(49_500)), ("working_pressure_kpa", json!(2_100)),
            ("test_pressure_kpa", json!(3_200))] {
            odd[member] = value;
        }
        let reply = enter(&w, odd.clone()).await;
        assert_eq!(reply.problem(422), "invalid");
        let error = &reply.json()["errors"][0];
        assert_eq!((&error["pointer"], &error["code"]), (&json!("/tare_g"), &json!("implausible")));
        odd["tare_g"] = json!(46_000);
        enter(&w, odd).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn the_model_fills_what_is_left_out(app) {
        let w = World::enter(app).await;
        let made = enter(&w, cylinder(&w.cast.filler.id, "A0000002")).await.expect(201);
        for (member, value) in [
            ("medium", json!("lpg")),
            ("phase", json!("gas")),
            ("water_capacity_ml", json!(35_500)),
            ("max_fill_g", json!(14_900)),
            ("working_pressure_kpa", json!(2_100)),
            ("test_pressure_kpa", json!(3_200)),
            ("status", json!("in_service")),
        ] {
            assert_eq!(made[member], value, "{member}");
        }
        let mut own = cylinder(&w.cast.filler.id, "A0000003");
        own["max_fill_g"] = json!(14_900);
        own["model"] = json!("YSP35.5/14.9");
        own["design_life_months"] = json!(200);
        let made = enter(&w, own).await.expect(201);
        assert_eq!(made["life_ends_on"], "2036-05-31", "a stamped life is capped as an extended one is");
        let mut no_tare = cylinder(&w.cast.filler.id, "A0000004");
        no_tare.as_object_mut().unwrap().remove("tare_g");
        let reply = enter(&w, no_tare).await;
        assert_eq!(reply.problem(400), "malformed_request");
        assert_eq!(reply.json()["errors"][0]["pointer"], "/tare_g");
        w.app.verify();
    }
}

both! {
    async fn a_stamp_and_a_registration_code_are_registered_once(app) {
        let w = World::enter(app).await;
        let first = cylinder(&w.cast.filler.id, "B000000X");
        enter(&w, first.clone()).await.expect(201);
        let with = |changes: &[(&str, &str)]| {
            let mut body = first.clone();
            for (member, value) in changes {
                body[*member] = json!(value);
            }
            body
        };
        let stamp = [
            [("registration_code", "32A99999991"), ("serial_no", "B000000X")],
            [("registration_code", "32A99999992"), ("serial_no", "b000000x")],
            [("registration_code", "32A99999993"), ("serial_no", "Ｂ０００００0Ｘ")],
            [("registration_code", "32A99999994"), ("manufactured_on", "2024-05-20")],
        ];
        for changes in stamp {
            assert_eq!(enter(&w, with(&changes)).await.problem(409), "stamp_taken", "{changes:?}");
        }
        for (n, code) in ["32AB000000X", "32ab000000x", "３２AB000000X"].into_iter().enumerate() {
            let serial_no = format!("C{n}");
            let taken = enter(&w, with(&[("serial_no", &serial_no), ("registration_code", code)])).await;
            assert_eq!(taken.problem(409), "registration_code_taken", "{code}");
        }
        // One month off, O for 0, I for 1 or a zero in front: the same steel. A true twin is entered by the platform.
        let twin = with(&[("registration_code", "32A99999995"), ("manufactured_on", "2024-06")]);
        assert_eq!(enter(&w, twin.clone()).await.problem(409), "stamp_taken");
        let mut elsewhere = twin.clone();
        elsewhere["owner_id"] = json!(w.cast.rival.id);
        let reply = w.send("POST /cylinders", &w.cast.rival.admin, elsewhere).await;
        assert_eq!(reply.problem(409), "stamp_taken");
        assert!(!reply.json().to_string().contains(&w.cast.filler.id), "whose it is stays untold");
        for (n, serial_no) in ["BO0000OX", "0B000000X", "O0B00OOOOX"].into_iter().enumerate() {
            let code = format!("32A9999988{n}");
            let again = with(&[("registration_code", &code), ("serial_no", serial_no), ("manufactured_on", "2024-04")]);
            assert_eq!(enter(&w, again.clone()).await.problem(409), "stamp_taken", "{serial_no}");
        }
        let same = with(&[("registration_code", "32A99999996"), ("serial_no", "BOOOOOOX")]);
        let reply = w.send("POST /cylinders", &w.cast.admin, same).await;
        assert_eq!(reply.problem(409), "stamp_taken", "the very same stamp, even for the platform");
        w.send("POST /cylinders", &w.cast.admin, twin).await.expect(201);
        assert_eq!(w.head(), 2);
        w.app.verify();
    }
}

both! {
    async fn a_cylinder_is_found_by_whatever_names_it(app) {
        let w = World::enter(app).await;
        let made = enter(&w, cylinder(&w.cast.filler.id, "D000000X")).await.expect(201);
        let (id, code) = (made["id"].as_str().unwrap(), made["code"].as_str().unwrap());
        let url = made["label"]["url"].as_str().unwrap();
        let typed = made["label"]["typed"].as_str().unwrap();
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        for reference in [
            id.to_owned(),
            code.to_owned(),
            code.to_lowercase(),
            encoded(url),
            encoded(&format!("https://elsewhere.example/c/{}/", code.to_lowercase())),
            "reg:32AD000000X".to_owned(),
            "reg:32ad000000x".to_owned(),
            "stamp:ABC:D000000X".to_owned(),
            "stamp:abc:d000000x:2024-05".to_owned(),
            "stamp:ABC:0DOOOOOOX".to_owned(),
            typed.to_owned(),
            typed.replace('-', "").to_lowercase(),
        ] {
            assert_eq!(w.file(&reference).await["id"], id, "{reference}");
            assert_eq!(w.events(&reference).await.len(), 1, "{reference}");
        }
        let mut forged = code.to_owned();
        forged.replace_range(28.., if code.ends_with('0') { "1" } else { "0" });
        let untyped = &typed[..8];
        for reference in [
            "019a0000-0000-7000-8000-000000000001",
            "reg:nothing",
            "stamp:ABC",
            "stamp:ABC:NOTHING",
            "stamp:ABC:D000000X:2024-06",
            forged.as_str(),
            untyped,
            "%F0%9F%8D%95",
            "%00",
            "..%2F..",
        ] {
            let reply = w.get(&format!("/cylinders/{reference}"), &w.cast.filler.admin).await;
            assert_eq!(reply.problem(404), "cylinder_not_found", "{reference}");
        }
        for reference in [id, code, "reg:32AD000000X", "stamp:ABC:D000000X", typed] {
            let foreign = w.get(&format!("/cylinders/{reference}"), &w.cast.rival.admin).await;
            assert_eq!(foreign.problem(404), "cylinder_not_found", "{reference}");
        }
        let mut twin = cylinder(&w.cast.filler.id, "D000000X");
        twin["registration_code"] = json!("32A99999991");
        twin["manufactured_on"] = json!("2024-04");
        w.send("POST /cylinders", &w.cast.admin, twin).await.expect(201);
        let two = w.get("/cylinders/stamp:ABC:D000000X", &w.cast.filler.admin).await;
        assert_eq!(two.problem(409), "ambiguous_reference");
        assert_eq!(w.file("stamp:ABC:D000000X:2024-05").await["id"], id);
        w.app.verify();
    }
}

both! {
    async fn no_spelling_makes_a_second_identity(app) {
        let w = World::enter(app).await;
        let first = cylinder(&w.cast.filler.id, "B-000 001X");
        let made = enter(&w, first.clone()).await.expect(201);
        assert_eq!(made["serial_no"], "B-000 001X", "what is stamped is shown");
        let code = made["code"].as_str().expect("a code").to_owned();
        w.scrap(&code).await.expect(201);
        for (n, serial_no) in ["B000001X", "b-000001x", "B.000/001X", "Ｂ－０００ ００１Ｘ", "B\u{2010}000001X"].into_iter().enumerate() {
            let mut again = first.clone();
            again["serial_no"] = json!(serial_no);
            again["registration_code"] = json!(format!("32A9999999{n}"));
            assert_eq!(enter(&w, again).await.problem(409), "stamp_taken", "{serial_no}");
        }
        for (n, spelled) in ["32A-B-000 001X", "32ab000001x", "32A/B000001X"].into_iter().enumerate() {
            let mut again = first.clone();
            again["serial_no"] = json!(format!("C{n}"));
            again["registration_code"] = json!(spelled);
            assert_eq!(enter(&w, again).await.problem(409), "registration_code_taken", "{spelled}");
        }
        for reference in ["stamp:abc:b000001x", "stamp:A-BC:B.000001X:2024-05", "reg:32a-b000001x"] {
            assert_eq!(w.file(reference).await["id"], made["id"], "{reference}");
        }
        for (n, model) in ["ysp35.5", "YSP-35.5", "ＹＳＰ３５．５", "YSP35.5/14.9"].into_iter().enumerate() {
            let mut big = cylinder(&w.cast.filler.id, &format!("M000000{n}"));
            big["model"] = json!(model);
            big["water_capacity_ml"] = json!(118_000);
            let reply = enter(&w, big).await;
            assert_eq!(reply.problem(422), "invalid", "{model}");
            assert_eq!(reply.json()["errors"][0]["pointer"], "/water_capacity_ml", "{model}");
        }
        w.app.verify();
    }
}

both! {
    async fn a_twin_that_one_may_not_know_makes_nothing_ambiguous(app) {
        let w = World::enter(app).await;
        let made = enter(&w, cylinder(&w.cast.filler.id, "D0000011")).await.expect(201);
        let mut twin = cylinder(&w.cast.rival.id, "D0000011");
        twin["manufactured_on"] = json!("2024-04");
        twin["registration_code"] = json!("32A99999991");
        w.send("POST /cylinders", &w.cast.admin, twin).await.expect(201);
        assert_eq!(w.file("stamp:ABC:D0000011").await["id"], made["id"]);
        let everybody = w.get("/cylinders/stamp:ABC:D0000011", &w.cast.regulator).await;
        assert_eq!(everybody.problem(409), "ambiguous_reference");
        for reference in ["reg:32AD0000011%00", "stamp:ABC:D0000011%00", "reg:32A%E2%80%8BD0000011"] {
            let reply = w.get(&format!("/cylinders/{reference}"), &w.cast.filler.admin).await;
            assert_eq!(reply.problem(404), "cylinder_not_found", "{reference}");
        }
    }
}
