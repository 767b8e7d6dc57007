//! Pictures of labels: for the owner's people, of good labels, and what they say is what is scanned.

use serde_json::json;

use crate::both;
use crate::decoder::{rasterize, scan};
use crate::support::World;
use crate::support::app::Ask;
use crate::support::cast::{cylinder, sign_in};

both! {
    async fn a_picture_is_for_the_owners_people_only(app) {
        let w = World::enter(app).await;
        let made = w.send("POST /cylinders", &w.cast.filler.admin, cylinder(&w.cast.filler.id, "A0000001")).await.expect(201);
        let path = made["label"]["svg_url"].as_str().unwrap();
        let role = pingma::domain::actor::Role::Warehouse;
        let (_, warehouse) = sign_in(&w.app, &w.cast.filler.id, &[role], None);
        for auth in [&w.cast.filler.admin, &warehouse] {
            assert_eq!(w.app.get(path, auth).await.status, 200);
        }
        assert_eq!(w.app.get(path, &w.cast.rival.admin).await.problem(404), "label_not_found");
        for auth in [&w.cast.filler.worker, &w.cast.regulator, &w.cast.admin, &w.cast.agency.worker] {
            assert_eq!(w.app.get(path, auth).await.problem(403), "forbidden");
        }
        let nobody = w.app.ask(Ask { line: format!("GET {path}"), ..Ask::default() }).await;
        assert_eq!(nobody.problem(401), "unauthenticated");

        let id = made["id"].as_str().unwrap();
        for auth in [&w.cast.filler.worker, &w.cast.regulator, &w.cast.admin] {
            let file = w.get(&format!("/cylinders/{id}"), auth).await.expect(200);
            for member in ["code", "url", "svg_url", "png_url"] {
                assert!(file["label"].get(member).is_none(), "{member} is as good as a picture");
            }
            assert!(file.get("code").is_none());
        }
        w.app.verify();
    }
}

both! {
    async fn only_a_good_label_has_a_picture(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000002").await;
        let admin = w.cast.filler.admin.clone();
        let picture = async |code: &str, kind: &str| w.get(&format!("/labels/{code}.{kind}"), &admin).await;
        assert_eq!(picture(&code, "svg").await.status, 200);
        let replaced = w.act_for_reason(&code, "labels", &admin).await.expect(201);
        let fresh = replaced["label"]["code"].as_str().unwrap();
        for kind in ["svg", "png"] {
            assert_eq!(picture(&code, kind).await.problem(404), "label_not_found", "a replaced label");
            assert_eq!(picture(fresh, kind).await.status, 200);
        }
        let mut forged = fresh.to_owned();
        forged.replace_range(28.., if fresh.ends_with('0') { "1" } else { "0" });
        assert_eq!(picture(&forged, "svg").await.problem(404), "label_not_found");
        assert_eq!(picture(fresh, "pdf").await.problem(404), "label_not_found");
        w.scrap(fresh).await.expect(201);
        assert_eq!(picture(fresh, "png").await.problem(404), "label_not_found", "scrap has no label");
        w.app.verify();
    }
}

both! {
    async fn a_picture_has_a_size_that_can_be_scanned(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000003").await;
        let ask = async |query: &str| w.get(&format!("/labels/{code}.png?{query}"), &w.cast.filler.admin).await;
        for (query, pointer) in [
            ("size_mm=14", "?size_mm"),
            ("size_mm=151", "?size_mm"),
            ("size_mm=-40", "?size_mm"),
            ("size_mm=99999999999", "?size_mm"),
            ("size_mm=big", "?size_mm"),
            ("ec=X", "?ec"),
            ("ec=m", "?ec"),
        ] {
            let reply = ask(query).await;
            assert_eq!(reply.problem(422), "invalid", "{query}");
            assert_eq!(reply.json()["errors"][0]["pointer"], pointer);
        }
        for query in ["size_mm=40&size_mm=41", "dpi=300"] {
            assert_eq!(ask(query).await.problem(400), "malformed_request", "{query}");
        }
        for query in ["size_mm=15&ec=L", "size_mm=150&ec=H"] {
            let drawn = ask(query).await;
            assert_eq!((drawn.status, drawn.headers.get("content-type").unwrap().to_str().unwrap()), (200, "image/png"));
        }
        w.app.verify();
    }
}

both! {
    async fn what_is_printed_is_what_is_scanned(app) {
        let w = World::enter(app).await;
        let made = w.send("POST /cylinders", &w.cast.filler.admin, cylinder(&w.cast.filler.id, "A0000004")).await.expect(201);
        let label = &made["label"];
        let directory = tempfile::tempdir().unwrap();
        let (svg, png) = (directory.path().join("label.svg"), directory.path().join("label.png"));
        let vector = w.app.get(label["svg_url"].as_str().unwrap(), &w.cast.filler.admin).await;
        assert_eq!(vector.headers.get("content-type").unwrap(), "image/svg+xml");
        let pixels = w.app.get(label["png_url"].as_str().unwrap(), &w.cast.filler.admin).await;
        assert_eq!(pixels.headers.get("content-type").unwrap(), "image/png");
        let expected = format!("{}\n", label["url"].as_str().unwrap());
        assert!(expected.starts_with("HTTP://PINGMA.EXAMPLE/C/"));
        std::fs::write(&png, &pixels.bytes).unwrap();
        let Some(scanned) = scan(&png) else { return };
        assert_eq!(scanned, expected);
        std::fs::write(&svg, &vector.bytes).unwrap();
        let Some(()) = rasterize(&svg, &png, 300) else { return };
        let scanned = scan(&png).expect("a decoder");
        assert_eq!(scanned, expected);

        // What the scanner hands over is what the gate and the file take.
        let checked = w.check(scanned.trim()).await.expect(200);
        assert_eq!((&checked["decision"], &checked["cylinder"]["id"]), (&json!("allowed"), &made["id"]));
        w.app.verify();
    }
}

both! {
    async fn a_void_label_fills_nothing_until_there_is_a_new_one(app) {
        let w = World::enter(app).await;
        let code = w.cylinder("A0000003").await;
        let id = w.file(&code).await["id"].as_str().unwrap().to_owned();
        let permit = w.permit(&code).await;
        let line = format!("DELETE /cylinders/{id}/labels");
        let reason = json!({ "reason": "标签被盗" });
        assert_eq!(w.send(&line, &w.cast.rival.admin, reason.clone()).await.problem(404), "cylinder_not_found");
        w.send(&line, &w.cast.filler.admin, reason.clone()).await.expect(201);
        assert_eq!(w.send(&line, &w.cast.filler.admin, reason).await.problem(409), "state_conflict");
        assert_eq!(w.check(&code).await.rules(), ["fill.code-revoked"]);
        assert_eq!(w.record(w.fill(&permit, 31_000)).await.rules(), ["fill.permit-expired"], "the permit went with it");
        let picture = w.get(&format!("/labels/{code}.svg"), &w.cast.filler.admin).await;
        assert_eq!(picture.problem(404), "label_not_found");
        let fresh = w.act_for_reason(&id, "labels", &w.cast.filler.admin).await.expect(201);
        let fresh = fresh["label"]["code"].as_str().unwrap();
        assert_eq!(w.check(fresh).await.expect(200)["decision"], "allowed");
        assert_eq!(w.check(&code).await.rules()[0], "fill.code-revoked", "for ever");
        assert_eq!(w.kinds(fresh).await[5], "label_revoked");
        w.app.verify();
    }
}
