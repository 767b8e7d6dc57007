//! The demo's city: made by the built program, verified, and asked about.

use std::process::{Command, Output};

use serde_json::Value;

fn pingma(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pingma"))
        .args(arguments)
        .env("PINGMA_LOG", "warn")
        .output()
        .expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_city_is_made_and_verified_and_its_samples_are_as_told() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let database = format!("sqlite://{}", dir.path().join("city.db").display());
    let made = pingma(&["demo", "--once", "--cylinders", "120", "--json", "--database", &database]);
    assert!(made.status.success(), "{}", text(&made.stderr));
    let stdout = text(&made.stdout);
    assert_eq!(stdout.trim_end().lines().count(), 1, "one JSON object on one line");
    let city: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(city["cylinders"], 120);
    assert_eq!(city["password"], "demo-pingma-2026");

    let verified = pingma(&["verify", "--json", "--database", &database]);
    assert_eq!(verified.status.code(), Some(0), "{}", text(&verified.stdout));
    let report: Value = serde_json::from_slice(&verified.stdout).expect("JSON");
    assert_eq!(report["events"], city["events"]);
    assert_eq!(report["cylinders"], 120);

    for (sample, expected) in [
        ("good", &[][..]),
        ("filled", &[]),
        ("customer", &[]),
        ("overdue", &["fill.inspection-overdue"]),
        ("foreign", &[]),
        ("forged", &["fill.code-forged"]),
        ("scrapped", &["fill.code-revoked", "fill.scrapped"]),
        ("seized", &["fill.seized"]),
        ("suspended", &["fill.code-revoked"]),
    ] {
        let code = city["samples"][sample]["code"].as_str().expect(sample);
        let checked = pingma(&["check", code, "--json", "--database", &database]);
        let answer: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
        let rules: Vec<_> = answer["findings"]
            .as_array()
            .expect("findings")
            .iter()
            .filter(|f| f["severity"] == "refuse")
            .map(|f| f["rule"].as_str().unwrap_or_default())
            .collect();
        for rule in expected {
            assert!(rules.contains(rule), "{sample}: {answer:#}");
        }
        assert_eq!(rules.is_empty(), expected.is_empty(), "{sample}: {answer:#}");
        assert_eq!(
            checked.status.code(),
            Some(if expected.is_empty() { 0 } else { 1 }),
            "{sample}: {answer:#}"
        );
    }
    let held = city["samples"]["held"]["code"].as_str().expect("held");
    let checked = pingma(&["check", held, "--json", "--database", &database]);
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked.stdout));
    let answer: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    assert_eq!(answer["held"], true);

    let again = pingma(&["demo", "--once", "--database", &database]);
    assert_eq!(again.status.code(), Some(1), "never over something that is there");
    assert!(text(&again.stderr).contains("not empty"), "{}", text(&again.stderr));
}
