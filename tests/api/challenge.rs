//! The stamp challenge: who fills reads the steel.

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::both;
use crate::support::World;
use crate::support::cast::{challenge_rate, check, cylinder};
use crate::support::world::GOOD_GROSS_G;

/// From now on every allowed check is challenged.
async fn ask_everybody(w: &World) {
    challenge_rate(&w.app, &w.cast.admin, 1.0).await;
}

/// A check with an answer to the challenge.
async fn answered(w: &World, code: &str, digits: &str) -> (Value, Vec<String>) {
    let mut body = check(code, &w.cast.filler.scale);
    body["stamp_digits"] = json!(digits);
    let reply = w.check_by(&w.cast.filler.worker, body).await;
    (reply.expect(200), reply.rules())
}

both! {
    async fn of_two_policies_for_one_day_the_one_recorded_later_counts(app) {
        let w = World::enter(app).await;
        for (rate, seconds) in [(1.0, 120), (0.25, -60), (0.5, -30), (0.75, 10)] {
            w.app.clock.advance(seconds);
            challenge_rate(&w.app, &w.cast.admin, rate).await;
            let policies = w.app.get("/api/v1/policies", &w.cast.admin).await.expect(200);
            assert_eq!(policies["in_force"]["stamp_challenge_rate"], json!(rate), "{seconds} s later");
        }
    }
}

both! {
    async fn a_challenge_stands_until_it_is_answered(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A12345X9").await;
        ask_everybody(&w).await;
        for _ in 0..3 {
            let asked = w.check(&code).await.expect(200);
            assert_eq!(asked["decision"], "challenged");
            assert_eq!(asked["permit"], Value::Null);
            assert_eq!(asked["challenge"]["kind"], "stamp_digits");
            let mut shown = asked.clone();
            // The registration code of these tests ends like the serial number.
            shown["cylinder"]["registration_code"] = Value::Null;
            assert!(!shown.to_string().contains("45X9"), "the answer is not given away");
        }
        w.app.clock.advance(1);
        challenge_rate(&w.app, &w.cast.admin, 0.0).await;
        assert_eq!(w.check(&code).await.expect(200)["decision"], "challenged", "asking again does not roll again");
        let (right, rules) = answered(&w, &code, "45X9").await;
        assert_eq!((right["decision"].as_str(), rules.len()), (Some("allowed"), 0));
        let shown_again = w.permit(&code).await;
        assert_eq!(shown_again, right["permit"]);
        w.record(w.fill(&shown_again, GOOD_GROSS_G)).await.expect(201);
        w.app.verify();
    }
}

both! {
    async fn the_answer_may_be_typed_as_keyboards_type_it(app) {
        let w = World::enter(app).await;
        ask_everybody(&w).await;
        for (serial_no, digits) in [
            ("B12345X1", "45x1"),
            ("B12345X2", "４５Ｘ２"),
            ("B12345X3", " 45-ｘ3 "),
        ] {
            let code = w.cylinder(serial_no).await;
            assert_eq!(w.check(&code).await.expect(200)["decision"], "challenged");
            let (allowed, _) = answered(&w, &code, digits).await;
            assert_eq!(allowed["decision"], "allowed", "{digits}");
        }
        w.app.verify();
    }
}

both! {
    async fn three_wrong_answers_suspend_the_label_until_it_is_replaced(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("C12345X9").await;
        ask_everybody(&w).await;
        for wrong in ["0000", "5X9", "12345X9"] {
            let (refused, rules) = answered(&w, &code, wrong).await;
            assert_eq!(refused["decision"], "refused");
            assert_eq!(rules, ["fill.stamp-mismatch"]);
            assert_eq!(refused["findings"][0]["alert"], true);
        }
        let (right, rules) = answered(&w, &code, "45X9").await;
        assert_eq!(right["decision"], "refused");
        assert_eq!(rules, ["fill.code-revoked"]);
        assert_eq!(w.file(&code).await["label"]["status"], "suspended");
        let alerts = w.get("/fill-checks?alert=true", &w.cast.regulator).await.expect(200);
        assert_eq!(alerts["items"].as_array().unwrap().len(), 4);

        let replaced = w.act_for_reason(&code, "labels", &w.cast.filler.admin).await.expect(201);
        let fresh = replaced["label"]["code"].as_str().unwrap();
        assert_eq!(w.check(fresh).await.expect(200)["decision"], "challenged");
        let (allowed, _) = answered(&w, fresh, "45X9").await;
        assert_eq!(allowed["decision"], "allowed");
        let old = w.check(&code).await;
        assert!(old.rules().contains(&"fill.code-revoked".to_owned()), "the old label is void for ever");
        w.app.verify();
    }
}

both! {
    async fn a_fresh_label_is_no_answer(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("C22345X9").await;
        ask_everybody(&w).await;
        for wrong in ["0000", "1111"] {
            assert_eq!(answered(&w, &code, wrong).await.0["decision"], "refused");
        }
        w.app.clock.advance(1);
        challenge_rate(&w.app, &w.cast.admin, 0.0).await;
        let replaced = w.act_for_reason(&code, "labels", &w.cast.filler.admin).await.expect(201);
        let fresh = replaced["label"]["code"].as_str().expect("a code");
        assert_eq!(w.check(fresh).await.expect(200)["decision"], "challenged");
        assert_eq!(answered(&w, fresh, "2222").await.0["decision"], "refused");
        assert_eq!(w.file(fresh).await["label"]["status"], "suspended", "the third in a row");
        w.app.verify();
    }
}

both! {
    async fn who_is_asked_for_the_stamp_finds_it_nowhere_else(app) {
        let w = World::enter(app).await;
        let mut body = cylinder(&w.cast.filler.id, "T12345X9");
        body["registration_code"] = json!("32A99999991");
        let made = w.send("POST /cylinders", &w.cast.filler.admin, body).await.expect(201);
        let id = made["id"].as_str().expect("an id").to_owned();
        let serial = |history: &Value| history["items"][0]["data"]["stamp"]["serial_no"].clone();
        for (auth, seen) in [
            (&w.cast.filler.worker, "T123••••"),
            (&w.cast.filler.checker, "T123••••"),
            (&w.cast.filler.admin, "T12345X9"),
            (&w.cast.regulator, "T12345X9"),
        ] {
            let history = w.get(&format!("/cylinders/{id}/events"), auth).await.expect(200);
            assert_eq!(serial(&history), seen);
            let whole = seen == "T12345X9";
            for (q, found) in [
                ("T123", true), ("t12", true), ("123", true), ("32A9999", true),
                ("T1234", whole), ("45X9", whole), ("X9", whole), ("T12345X9", whole), ("5X", whole),
            ] {
                let list = w.get(&format!("/cylinders?q={q}"), auth).await.expect(200);
                assert_eq!(list["items"].as_array().map(Vec::len), Some(usize::from(found)), "{q} by who sees {seen}");
            }
            let dash = w.get("/cylinders?q=-", auth).await.expect(200);
            assert_eq!(dash["items"], json!([]));
        }
        w.app.verify();
    }
}

both! {
    async fn two_wrong_answers_and_a_right_one_are_forgiven(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("D12345X9").await;
        ask_everybody(&w).await;
        for round in 0..2 {
            for wrong in ["0000", "1111"] {
                assert_eq!(answered(&w, &code, wrong).await.0["decision"], "refused", "{round}");
            }
            assert_eq!(answered(&w, &code, "45X9").await.0["decision"], "allowed", "{round}");
        }
        w.app.verify();
    }
}

both! {
    async fn a_label_that_is_suspended_takes_its_open_permit_with_it(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("E12345X9").await;
        let permit = w.permit(&code).await;
        ask_everybody(&w).await;
        for _ in 0..3 {
            assert_eq!(answered(&w, &code, "0000").await.1, ["fill.stamp-mismatch"]);
        }
        let refused = w.record(w.fill(&permit, GOOD_GROSS_G)).await;
        assert_eq!(refused.expect(200)["status"], "refused");
        assert_eq!(refused.rules(), ["fill.permit-expired"]);
        w.app.verify();
    }
}

/// What an operator may hand in at one check.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Nothing,
    Blank,
    Wrong,
    Right,
}

both! {
    async fn nothing_is_allowed_without_the_right_answer(app) {
        let w = World::enter(app).await;
        ask_everybody(&w).await;
        let one = prop_oneof![Just(Answer::Nothing), Just(Answer::Blank), Just(Answer::Wrong), Just(Answer::Right)];
        let many = prop::collection::vec(one, 1..8);
        let mut runner = TestRunner::new_with_rng(
            Config::default(),
            prop::test_runner::TestRng::deterministic_rng(prop::test_runner::RngAlgorithm::ChaCha),
        );
        for n in 0..12 {
            let answers = many.new_tree(&mut runner).expect("a sequence").current();
            let code = w.cylinder(&format!("P{n:03}45X9")).await;
            let (mut wrong, mut open) = (0, false);
            for answer in &answers {
                let got = match answer {
                    Answer::Nothing => w.check(&code).await.expect(200),
                    Answer::Blank => answered(&w, &code, " - ").await.0,
                    Answer::Wrong => answered(&w, &code, "45X8").await.0,
                    Answer::Right => answered(&w, &code, "45X9").await.0,
                };
                let expected = match answer {
                    _ if wrong >= 3 => "refused",
                    Answer::Right => "allowed",
                    Answer::Wrong => "refused",
                    Answer::Nothing | Answer::Blank => "challenged",
                };
                match answer {
                    Answer::Wrong => wrong += 1,
                    Answer::Right if wrong < 3 => (wrong, open) = (0, true),
                    _ => {}
                }
                assert_eq!(got["decision"], expected, "{answers:?} at {answer:?}, a permit open: {open}");
                assert_eq!(got["permit"].is_null(), expected != "allowed");
            }
        }
        w.app.verify();
    }
}

both! {
    async fn nobody_uses_up_the_answers_of_a_strangers_label(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("R12345X9").await;
        let wrong = |scale: &str| {
            let mut body = check(&code, scale);
            body["stamp_digits"] = json!("0000");
            body
        };
        for _ in 0..3 {
            let reply = w.check_by(&w.cast.rival.worker, wrong("019a0000-0000-7000-8000-000000000001")).await;
            assert_eq!(reply.expect(200)["decision"], "refused");
            assert!(!reply.rules().contains(&"fill.stamp-mismatch".to_owned()));
        }
        let unasked = w.check_by(&w.cast.filler.worker, wrong(&w.cast.filler.scale)).await;
        assert_eq!(unasked.expect(200)["decision"], "allowed", "nobody asked");
        assert_eq!(w.file(&code).await["label"]["status"], "bound");
        w.app.verify();
    }
}

both! {
    async fn who_types_a_code_reads_the_stamp(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("S12345X9").await;
        let typed = w.file(&code).await["label"]["typed"].as_str().unwrap().to_owned();
        let mut body = check(&typed, &w.cast.filler.scale);
        body["entry"] = json!("typed");
        assert_eq!(w.check_by(&w.cast.filler.worker, body.clone()).await.expect(200)["decision"], "challenged");
        body["stamp_digits"] = json!("45X9");
        assert_eq!(w.check_by(&w.cast.filler.worker, body).await.expect(200)["decision"], "allowed");
        w.app.verify();
    }
}
