//! Long and short: `make soak` sets `PINGMA_TEST_SOAK=1` and gets the counts that take minutes, `make test` the others.

/// Whether this is the long run.
pub fn soaking() -> bool {
    std::env::var("PINGMA_TEST_SOAK").is_ok_and(|value| value == "1")
}

/// A count for either run.
pub fn count(short: usize, long: usize) -> usize {
    if soaking() { long } else { short }
}

/// Says on standard error why a test does nothing here.
pub fn skipped(why: &str) {
    eprintln!("SKIPPED: {why}");
}
