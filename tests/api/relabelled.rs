//! A code of ours on somebody else's address: the sticker was swapped or copied, and leads customers to another page.

use serde_json::{Value, json};

use crate::both;
use crate::support::World;
use crate::support::cast::check;

const RULE: &str = "fill.code-foreign-host";

both! {
    async fn another_host_warns_and_stays_in_the_event(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000001").await;
        for (text, foreign) in [
            (code.clone(), false),
            (format!("HTTP://PINGMA.EXAMPLE/C/{code}"), false),
            (format!("https://pingma.example/c/{code}?lang=en#top"), false),
            (format!("https://evil.example/C/{code}?x=1"), true),
        ] {
            let reply = w.check_by(&w.cast.filler.worker, check(&text, &w.cast.filler.scale)).await;
            assert_eq!(reply.expect(200)["decision"], "allowed", "{text}");
            assert_eq!(reply.rules().contains(&RULE.to_owned()), foreign, "{text}");
            let event = &w.events(&code).await[0];
            let kept = if foreign { json!("evil.example") } else { Value::Null };
            assert_eq!(event["data"]["scan"]["foreign_host"], kept, "{text}: {event:#}");
            assert_eq!(event["data"]["scan"].get("foreign_host").is_some(), foreign, "absent where there is none");
        }
        let warned = w.get("/fill-checks?alert=true", &w.cast.regulator).await.expect(200);
        let finding = &warned["items"][0]["data"]["findings"][0];
        assert_eq!((&finding["rule"], &finding["severity"]), (&json!(RULE), &json!("warn")), "{warned:#}");
        assert_eq!(finding["evidence"], json!({ "foreign_host": "evil.example" }));
        w.app.verify();
    }
}

both! {
    async fn what_is_no_code_of_ours_is_a_mistake_whosever_address_it_has(app) {
        let w = World::enter(app).await;
        let body = check("https://weixin.example/C/hello", &w.cast.filler.scale);
        let reply = w.check_by(&w.cast.filler.worker, body).await;
        reply.expect(200);
        assert_eq!(reply.rules(), ["fill.code-unknown"]);
        w.app.verify();
    }
}
