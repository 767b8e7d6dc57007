//! What a server tells of itself: metrics, of which the alerts and the dashboard in `deploy/` know no others, and its log.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::load::Asked;
use crate::process::{Home, World, within};

const ALERTS: &str = include_str!("../../deploy/prometheus-alerts.yml");
const DASHBOARD: &str = include_str!("../../deploy/grafana-dashboard.json");

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("pingma_")).collect()
}

#[test]
fn alerts_and_dashboard_ask_for_what_is_exported() {
    let home = Home::sqlite();
    let server = home.serve();
    let world = World::enter(&home, &server);
    let client = server.client();
    let registered = Asked::register(&world, "00000001").send(&client, &world).expect("an answer");
    let code = registered.body["code"].as_str().expect("a code");
    let (rest, last) = code.split_at(code.len() - 1);
    let forged = format!("{rest}{}", if last == "0" { '1' } else { '0' });
    for (name, code) in [("good", code), ("forged", forged.as_str())] {
        let checked = Asked::check(&world, name, code).send(&client, &world).expect("an answer");
        assert_eq!(checked.status, 200, "{checked:?}");
    }
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let page = agent.get(format!("http://{}/metrics", server.address)).call().expect("an answer");
    let page = page.into_body().read_to_string().expect("text");
    let exported = names(&page);
    for (file, text) in [("alerts", ALERTS), ("dashboard", DASHBOARD)] {
        let asked = names(text);
        assert!(asked.len() >= 6, "{file}: {asked:?}");
        let missing: Vec<_> = asked.difference(&exported).collect();
        assert!(missing.is_empty(), "{file}: {missing:?} are not in\n{page}");
    }
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn the_log_has_one_line_for_each_call_with_the_id_that_the_answer_carries() {
    let home = Home::sqlite();
    let server = home.serve();
    let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
    let answer =
        agent.get(format!("http://{}/healthz?said=secret", server.address)).call().expect("an answer");
    let id = answer.headers()["x-request-id"].to_str().expect("plain").to_owned();
    let lines = || -> Vec<Value> {
        let log = server.log.lock().expect("nobody panics with it");
        log.iter()
            .filter(|line| line.contains(&id))
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    };
    within(Duration::from_secs(20), || !lines().is_empty()).expect("a line");
    let lines = lines();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(
        (&line["message"], &line["route"], &line["status"]),
        (&"served".into(), &"/healthz".into(), &200.into())
    );
    assert_eq!((&line["span"]["request_id"], &line["span"]["method"]), (&id.into(), &"GET".into()));
    assert!(line["duration_us"].is_number() && !line.to_string().contains("secret"), "{line}");
}
