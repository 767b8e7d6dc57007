//! What the alerts and the dashboard in `deploy/` ask for is exported by a server that did some work.

use std::collections::BTreeSet;

use crate::load::Asked;
use crate::process::{Home, World};

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
