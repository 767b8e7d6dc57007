//! What the service tells about itself while it runs: log lines on stderr, and metrics for Prometheus.

use std::io::IsTerminal as _;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};

/// Commands that one transaction of the ledger served.
pub const LEDGER_BATCH_SIZE: &str = "pingma_ledger_batch_size";
/// Commands turned away because the queue was full or the service was stopping.
pub const LEDGER_TURNED_AWAY: &str = "pingma_ledger_turned_away_total";
/// Commands that wait for the thread that decides.
pub const LEDGER_WAITING: &str = "pingma_ledger_waiting";
/// Seconds from the beginning of a transaction of the ledger to its commit.
pub const LEDGER_TRANSACTION: &str = "pingma_ledger_transaction_seconds";
/// Batches that were decided while the one before was on its way into the database.
pub const LEDGER_CARRIED: &str = "pingma_ledger_carried_total";
/// Batches that could not be recorded as they were decided, and were decided again.
pub const LEDGER_REDECIDED: &str = "pingma_ledger_redecided_total";
/// Answered requests, by `method`, `route` (the pattern, never the address that was called) and `status`.
pub const HTTP_REQUESTS: &str = "pingma_http_requests_total";
/// Seconds from a request to its answer, by `route`.
pub const HTTP_REQUEST_DURATION: &str = "pingma_http_request_duration_seconds";
/// Checks before a fill, by `decision`.
pub const FILL_CHECKS: &str = "pingma_fill_checks_total";
/// Alerts raised, by `rule`.
pub const ALERTS: &str = "pingma_alerts_total";
/// Logins that failed.
pub const LOGIN_FAILURES: &str = "pingma_login_failures_total";

/// Upper bounds in commands; the last is the largest batch.
const BATCH_BUCKETS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// Upper bounds in seconds: from an answer out of memory to a database that gives up (15 s).
const DURATION_BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0];
/// How often what histograms took in is folded into their buckets. If nobody did, and nobody asked for /metrics, it
/// would pile up in memory.
const UPKEEP: Duration = Duration::from_secs(5);

/// Why logging or metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// Not a filter.
    #[error("the log filter can't be read: {0}")]
    Filter(#[from] ParseError),
    /// This process logs already; the first setup stays in force.
    #[error("logging is set up already: {0}")]
    LoggingSetUp(#[from] TryInitError),
    /// Somebody else's recorder is in place, or the exporter refused its setup.
    #[error("metrics can't be set up: {0}")]
    Metrics(#[from] BuildError),
    /// The operating system gave no thread.
    #[error("no thread for the upkeep of the metrics: {0}")]
    Thread(#[from] std::io::Error),
}

/// Whatever a stranger sends that is no HTTP, actix answers with 400 and logs as an error of its own, so that anybody could
/// fill the log. A filter that names this target still gets it.
const STRANGERS: &str = "actix_http::h1::dispatcher=off";

/// Starts to log to stderr: lines of text, or one JSON object a line. Colors only on a terminal, and not if
/// `NO_COLOR` is set.
///
/// # Errors
/// The filter can't be read; this process logs already.
pub fn init_logging(filter: &str, json: bool) -> Result<(), TelemetryError> {
    subscriber(filter, json, std::io::stderr().is_terminal(), std::io::stderr)?.try_init()?;
    Ok(())
}

fn subscriber<W>(
    filter: &str,
    json: bool,
    terminal: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, ParseError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter: Targets = format!("{STRANGERS},{filter}").parse()?;
    let builder = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(writer);
    let builder = if terminal { builder } else { builder.with_ansi(false) };
    Ok(if json {
        Box::new(builder.json().flatten_event(true).with_span_list(false).finish().with(filter))
    } else {
        Box::new(builder.finish().with(filter))
    })
}

/// The handle of the one recorder that this process has.
static HANDLE: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Starts to count. The handle renders what /metrics shows. A second call returns the same handle.
///
/// # Errors
/// Another recorder is in place; the operating system gave no thread.
pub fn init_metrics() -> Result<PrometheusHandle, TelemetryError> {
    let mut slot = HANDLE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = slot.as_ref() {
        return Ok(handle.clone());
    }
    let handle = builder()?.install_recorder()?;
    *slot = Some(handle.clone());
    describe();
    let upkeep = handle.clone();
    std::thread::Builder::new().name("metrics-upkeep".to_owned()).spawn(move || {
        loop {
            std::thread::sleep(UPKEEP);
            upkeep.run_upkeep();
        }
    })?;
    Ok(handle)
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(LEDGER_BATCH_SIZE.to_owned()), &BATCH_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(LEDGER_TRANSACTION.to_owned()), &DURATION_BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(HTTP_REQUEST_DURATION.to_owned()), &DURATION_BUCKETS)
}

fn describe() {
    describe_histogram!(LEDGER_BATCH_SIZE, Unit::Count, "Commands that one transaction of the ledger served");
    describe_counter!(LEDGER_TURNED_AWAY, Unit::Count, "Commands turned away: queue full, or stopping");
    describe_gauge!(LEDGER_WAITING, Unit::Count, "Commands that wait for the thread that decides");
    describe_histogram!(LEDGER_TRANSACTION, Unit::Seconds, "Seconds of a transaction of the ledger");
    describe_counter!(LEDGER_CARRIED, Unit::Count, "Batches decided while the one before was being recorded");
    describe_counter!(LEDGER_REDECIDED, Unit::Count, "Batches that had to be decided again");
    describe_counter!(HTTP_REQUESTS, Unit::Count, "Answered requests by method, route and status");
    describe_histogram!(
        HTTP_REQUEST_DURATION,
        Unit::Seconds,
        "Seconds from a request to its answer, by route"
    );
    describe_counter!(FILL_CHECKS, Unit::Count, "Checks before a fill, by decision");
    describe_counter!(ALERTS, Unit::Count, "Alerts raised, by rule");
    describe_counter!(LOGIN_FAILURES, Unit::Count, "Logins that failed");
    // Those without labels are there from the start, so that the first increment is seen as one.
    counter!(LEDGER_TURNED_AWAY).increment(0);
    counter!(LEDGER_CARRIED).increment(0);
    counter!(LEDGER_REDECIDED).increment(0);
    counter!(LOGIN_FAILURES).increment(0);
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use metrics::histogram;

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(filter: &str, json: bool) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let subscriber = subscriber(filter, json, false, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            let span = tracing::info_span!("request", request_id = "ticket-1");
            let _inside = span.enter();
            tracing::debug!("too fine");
            tracing::info!(batch = 3, "served\u{1b}[31m");
        });
        let bytes = sink.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn text_has_the_fields_and_no_escape_sequences() {
        let text = logged("info", false);
        assert!(text.contains("INFO") && text.contains("served") && text.contains("batch=3"), "{text}");
        assert!(!text.contains("too fine") && !text.contains('\u{1b}'), "{text}");
        assert_eq!(text.lines().count(), 1);
        assert!(logged("debug", false).contains("too fine"));
    }

    #[test]
    fn what_is_no_http_is_not_logged_unless_asked_for() {
        let lines = |filter: &str| {
            let sink = Sink::default();
            let writer = sink.clone();
            let subscriber = subscriber(filter, false, false, move || writer.clone()).unwrap();
            tracing::subscriber::with_default(subscriber, || {
                tracing::error!(target: "actix_http::h1::dispatcher", "stream error");
                tracing::error!(target: "actix_http::h1::service", "not ready");
            });
            String::from_utf8(sink.0.lock().unwrap().clone()).unwrap().lines().count()
        };
        for (filter, expected) in [
            ("info", 1),
            ("debug", 1),
            ("info,actix_http=warn", 1),
            ("info,actix_http::h1::dispatcher=error", 2),
            ("off", 0),
        ] {
            assert_eq!(lines(filter), expected, "{filter}");
        }
    }

    #[test]
    fn json_is_one_object_a_line_with_the_fields_at_its_top() {
        let text = logged("info", true);
        assert_eq!(text.lines().count(), 1);
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["batch"], 3);
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["span"]["request_id"], "ticket-1");
    }

    #[test]
    fn a_filter_that_is_none_is_an_error() {
        assert!(matches!(init_logging("info,pingma=loud", false), Err(TelemetryError::Filter(_))));
    }

    #[test]
    fn the_second_setup_of_logging_says_so() {
        let _first = init_logging("off", false);
        assert!(matches!(init_logging("off", true), Err(TelemetryError::LoggingSetUp(_))));
    }

    #[test]
    fn the_second_setup_of_metrics_gives_the_same_handle() {
        let first = init_metrics().unwrap();
        let second = init_metrics().unwrap();
        counter!(ALERTS, "rule" => "telemetry_test").increment(2);
        for handle in [first, second] {
            assert!(handle.render().contains("pingma_alerts_total{rule=\"telemetry_test\"} 2\n"));
        }
    }

    #[test]
    fn histograms_have_buckets_and_everything_is_described() {
        let recorder = builder().unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            describe();
            histogram!(LEDGER_BATCH_SIZE).record(3.0);
            histogram!(HTTP_REQUEST_DURATION, "route" => "/c/{code}").record(0.2);
            counter!(HTTP_REQUESTS, "method" => "GET", "route" => "/", "status" => "200").increment(1);
            counter!(FILL_CHECKS, "decision" => "allow").increment(1);
            counter!(ALERTS, "rule" => "r").increment(1);
        });
        let text = recorder.handle().render();
        for line in [
            "pingma_ledger_batch_size_bucket{le=\"2\"} 0",
            "pingma_ledger_batch_size_bucket{le=\"4\"} 1",
            "pingma_http_request_duration_seconds_bucket{route=\"/c/{code}\",le=\"0.1\"} 0",
            "pingma_http_request_duration_seconds_bucket{route=\"/c/{code}\",le=\"0.25\"} 1",
            "pingma_http_requests_total{method=\"GET\",route=\"/\",status=\"200\"} 1",
            "pingma_ledger_turned_away_total 0",
            "pingma_login_failures_total 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is missing in\n{text}");
        }
        let names = [
            LEDGER_BATCH_SIZE,
            LEDGER_TURNED_AWAY,
            HTTP_REQUESTS,
            HTTP_REQUEST_DURATION,
            FILL_CHECKS,
            ALERTS,
            LOGIN_FAILURES,
        ];
        for name in names {
            assert!(text.contains(&format!("# HELP {name} ")), "{name} is not described in\n{text}");
        }
    }

    #[test]
    fn buckets_rise() {
        for buckets in [&BATCH_BUCKETS[..], &DURATION_BUCKETS[..]] {
            assert!(buckets.is_sorted_by(|a, b| a < b));
        }
    }
}
