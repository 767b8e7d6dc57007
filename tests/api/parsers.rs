//! Everything that reads bytes from outside, fed with altered good bytes and with noise: it answers or refuses, and what it
//! accepts it writes again as it was.

use pingma::domain::event::EventData;
use pingma::domain::id::EventId;
use pingma::domain::label_code::{ALPHABET, Entry, LabelCode, Scan, normalize};
use pingma::error::Result;
use pingma::http::extract::{parse, read_cursor, write_cursor};
use pingma::http::filling::{EmptyingRequest, FillCheckRequest, FillRequest, HandoverRequest};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::soak::count;
use crate::support::World;
use crate::support::app::TestApp;
use crate::support::chance::Chance;
use crate::support::noise::noise;

/// Inputs for each reader, in the short run and in the long one.
const COUNT: (usize, usize) = (20_000, 1_000_000);

#[test]
fn codes() {
    let good = [
        "7K3M9PQ20ABCDEFGHJKMNPQRSTVW0",
        "HTTPS://PINGMA.EXAMPLE/C/7K3M9PQ20ABCDEFGHJKMNPQRSTVW0?x=1#y",
        "7K3M9PQ2-G",
    ];
    let mut chance = Chance::new(31);
    for _ in 0..count(COUNT.0, COUNT.1) {
        let bytes = noise(&mut chance, &good);
        let text = String::from_utf8_lossy(&bytes);
        let once = normalize(&text);
        for entry in [Entry::Scanned, Entry::Typed] {
            match Scan::read(&text, entry) {
                Scan::Code(code) => {
                    assert_eq!(code.to_string().parse::<LabelCode>().ok(), Some(code), "{text:?}")
                }
                Scan::Typed(id) => {
                    assert_eq!(entry, Entry::Typed);
                    assert_eq!(Scan::read(&id.typed(), entry), Scan::Typed(id), "{text:?}");
                }
                Scan::Foreign(kept) => assert!(kept.chars().count() <= 200, "{text:?}"),
            }
        }
        assert!(once.len() <= 4 * 400, "{text:?}");
    }
    assert_eq!(ALPHABET.len(), 32);
}

#[test]
fn cursors() {
    let id: EventId = "019ec96f-ae00-7752-971c-c9fac2d5736e".parse().expect("an id");
    let good = [write_cursor(&42_i64), write_cursor(&i64::MAX), write_cursor(&id)];
    let good: Vec<&str> = good.iter().map(String::as_str).collect();
    let mut chance = Chance::new(32);
    for _ in 0..count(COUNT.0, COUNT.1) {
        let bytes = noise(&mut chance, &good);
        let text = String::from_utf8_lossy(&bytes);
        if let Some(place) = read_cursor::<i64>(&text) {
            assert!(place >= 0, "{text:?}");
            assert_eq!(read_cursor::<i64>(&write_cursor(&place)), Some(place));
        }
        if let Some(id) = read_cursor::<EventId>(&text) {
            assert_eq!(read_cursor::<EventId>(&write_cursor(&id)), Some(id));
        }
    }
}

const BODIES: [&str; 4] = [
    r#"{"code":"7K3M9PQ20ABCDEFGHJKMNPQRSTVW0","scale_id":"019ec96f-ae00-7752-971c-c9fac2d5736e","scale_g":16700,"entry":"scanned","precheck":{"body":"pass","valve":"fail"},"captured_at":"2026-06-15T04:00:00Z"}"#,
    r#"{"permit_id":"019ec96f-ae00-7752-971c-c9fac2d5736e","gross_g":31300,"started_at":"2026-06-15T04:00:00Z","finished_at":"2026-06-15T04:01:00+08:00","postcheck":{"leak":"pass","valve":"pass","seal":"pass"}}"#,
    r#"{"code":"A","customer_ref":"K-1","position":{"lat":31.9,"lon":120.8,"accuracy_m":5,"datum":"wgs84"},"entry":"typed"}"#,
    r#"{"code":"A","reason":"inspection","residual_g":0,"witness_id":"019ec96f-ae00-7752-971c-c9fac2d5736e"}"#,
];

/// A body as canonical JSON, if the reader takes it.
fn canonical<T: DeserializeOwned>(bytes: &[u8]) -> Result<String> {
    parse::<T>(bytes).map(|body| body.canonical.expose_secret().to_owned())
}

#[test]
fn bodies() {
    let mut chance = Chance::new(33);
    for _ in 0..count(COUNT.0, COUNT.1) {
        let bytes = noise(&mut chance, &BODIES);
        let read = [
            canonical::<FillCheckRequest>(&bytes),
            canonical::<FillRequest>(&bytes),
            canonical::<HandoverRequest>(&bytes),
            canonical::<EmptyingRequest>(&bytes),
        ];
        for result in read {
            match result {
                Ok(form) => assert_eq!(canonical::<Value>(&bytes), Ok(form)),
                Err(error) => {
                    assert!(matches!(pingma::http::problem::status(error.code.class()).as_u16(), 400 | 422))
                }
            }
        }
    }
}

#[actix_web::test]
async fn tokens() {
    let w = World::enter(TestApp::sqlite()).await;
    let now = w.app.now();
    let good = w.cast.filler.admin.trim_start_matches("Bearer ");
    assert!(w.app.app.tokens.verify(good, now).is_ok());
    let mut chance = Chance::new(34);
    for _ in 0..count(COUNT.0 / 4, COUNT.1 / 20) {
        let bytes = noise(&mut chance, &[good]);
        let text = String::from_utf8_lossy(&bytes);
        assert!(text == good || w.app.app.tokens.verify(&text, now).is_err(), "{text}");
    }
}

#[actix_web::test]
async fn events() {
    let w = World::enter(TestApp::sqlite()).await;
    let code = w.cylinder("A0000001").await;
    w.filled(&code, 31_300).await;
    let events = w.events(&code).await;
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    let stored: Vec<String> = events.iter().map(|event| event["data"].to_string()).collect();
    let good: Vec<&str> = stored.iter().map(String::as_str).collect();
    assert!(
        kinds.iter().zip(&events).all(|(kind, event)| EventData::from_stored(
            kind,
            &event["data"].to_string()
        )
        .is_ok())
    );
    let mut chance = Chance::new(35);
    for _ in 0..count(COUNT.0 / 4, COUNT.1 / 5) {
        let bytes = noise(&mut chance, &good);
        let Ok(data) = serde_json::from_slice::<Value>(&bytes) else { continue };
        for kind in &kinds {
            let Ok(read) = EventData::from_stored(kind, &data.to_string()) else { continue };
            let (again, written) = read.to_stored().expect("what was read can be written");
            assert_eq!(again, *kind);
            let read_again =
                EventData::from_stored(kind, &written.to_string()).expect("what was written can be read");
            assert_eq!(read_again.to_stored().expect("JSON").1, written);
        }
    }
}
