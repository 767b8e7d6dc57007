//! The same request a thousand times at once, and a clock that is wrong.

use serde_json::json;

use crate::both;
use crate::support::World;
use crate::support::app::{Ask, Reply};
use crate::support::cast::check;
use crate::support::world::at_once;

both! {
    async fn a_thousand_identical_requests_make_one_event(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        let ask = Ask {
            line: "POST /api/v1/fill-checks".to_owned(),
            auth: Some(w.cast.filler.worker.clone()),
            key: Some("a-thousand".to_owned()),
            body: Some(check(&code, &w.cast.filler.scale)),
            ..Ask::default()
        };
        let replies = at_once(&w, vec![ask; 1_000]).await;
        let first = replies[0].expect(200);
        assert!(replies.iter().all(|reply| reply.status == 200 && reply.json() == first));
        let fresh = replies.iter().filter(|reply| !reply.headers.contains_key("idempotency-replayed")).count();
        assert_eq!(fresh, 1, "one made it, the others were told");
        assert_eq!(w.kinds(&code).await, ["fill_checked", "registered"]);
        w.app.verify();
    }
}

async fn ready(w: &World) -> Reply {
    w.app.ask(Ask { line: "GET /readyz".to_owned(), ..Ask::default() }).await
}

both! {
    async fn a_wrong_clock_stops_fills_and_nothing_else(app) {
        let mut w = World::enter(app).await;
        for (n, wrong) in ["2026-06-15T03:00:00Z", "2036-06-15T04:00:00Z", "2016-06-15T04:00:00Z"].into_iter().enumerate() {
            w.at("2026-06-15T04:00:00Z");
            let code = w.cylinder(&format!("B000000{n}")).await;
            assert_eq!(ready(&w).await.status, 200);
            w.at(wrong);
            let refused = w.check(&code).await;
            assert_eq!(refused.expect(200)["decision"], "refused");
            assert!(refused.rules().contains(&"fill.clock-untrusted".to_owned()), "{:?}", refused.rules());
            let handover = w.hand_over(&w.cast.distributor.worker, &code).await;
            assert!(handover.rules().contains(&"handover.clock-untrusted".to_owned()));
            let inspection = json!({ "ref": code, "inspected_on": &wrong[..10], "result": "pass", "report_no": "R-1" });
            let judged = w.send("POST /inspections", &w.cast.agency.worker, inspection).await;
            assert_eq!(judged.problem(403), "credentials_not_valid");
            w.take_back(&code).await.expect(201);
            let away = ready(&w).await;
            assert_eq!(away.problem(503), "unavailable");
            assert!(away.headers.contains_key("retry-after"));
            assert_eq!(w.events(&code).await.len(), 4, "everything is on record");

            w.at("2026-06-15T04:05:00Z");
            assert_eq!(ready(&w).await.status, 200, "nobody had to help");
            assert_eq!(w.check(&code).await.expect(200)["decision"], "allowed");
        }
        w.app.verify();
    }
}
