//! A token is taken only as it was issued. The input is a token, or is laid over a good one: two bytes say where, one how much of
//! it goes, the rest takes its place.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use pingma::auth::keyring::Keyring;
use pingma::auth::token::Tokens;
use pingma::clock::{IdGen, SeededIds};
use pingma::domain::instant::Instant;

struct Issued {
    tokens: Tokens,
    good: String,
    now: Instant,
}

static ISSUED: LazyLock<Issued> = LazyLock::new(|| {
    use secrecy::ExposeSecret as _;
    let now: Instant = "2026-06-15T04:00:00Z".parse().expect("an instant");
    let ids: &dyn IdGen = &SeededIds::new(1);
    let file = std::env::temp_dir().join(format!("pingma-fuzz-{}.keys", std::process::id()));
    let keyring = Arc::new(Keyring::load_or_create(&file, ids, now).expect("keys"));
    std::fs::remove_file(&file).expect("the keys are in memory");
    let tokens = Tokens::new(keyring, "http://127.0.0.1:8080", "pingma");
    let (good, _) = tokens.issue(ids.id(now), ids.id(now), now).expect("a token");
    Issued { good: good.expose_secret().to_owned(), tokens, now }
});

fuzz_target!(|bytes: &[u8]| {
    let issued = &*ISSUED;
    for text in [String::from_utf8_lossy(bytes).into_owned(), laid_over(&issued.good, bytes)] {
        assert!(text == issued.good || issued.tokens.verify(&text, issued.now).is_err(), "{text}");
    }
});

fn laid_over(good: &str, bytes: &[u8]) -> String {
    let [high, low, gone, patch @ ..] = bytes else { return good.to_owned() };
    let at = usize::from(u16::from_be_bytes([*high, *low])) % good.len();
    let end = (at + usize::from(*gone)).min(good.len());
    format!("{}{}{}", &good[..at], String::from_utf8_lossy(patch), &good[end..])
}
