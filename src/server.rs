//! Puts the service together and runs it.

use std::fs::File;
use std::future::poll_fn;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use actix_web::middleware::{Compress, from_fn};
use actix_web::{HttpServer, web};
use diesel::prelude::*;
use secrecy::SecretString;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::app::audit::denials::Denials;
use crate::auth::backoff::Backoff;
use crate::auth::keyring::{Keyring, KeyringError};
use crate::auth::token::Tokens;
use crate::clock::{Clock, IdGen};
use crate::config::{ConfigError, Settings, Transport};
use crate::db::backend::sqlite;
use crate::db::conn::{Conn, DatabaseUrl};
use crate::db::history::forget_public_scans_before;
use crate::db::sessions::IdempotencyRecord;
use crate::db::{DbError, migrations};
use crate::error::Error;
use crate::files::sync_file_system;
use crate::http::devices::KnownDevices;
use crate::http::extract::MAX_BODY;
use crate::http::limits::{Limits, Rates};
use crate::http::operations::Readiness;
use crate::http::public_page::Complaint;
use crate::http::{Service, middleware, routes};
use crate::label::{FontError, LabelFonts};
use crate::ledger::Writer;
use crate::ledger::writer::WriterSettings;
use crate::tls::{Certificate, TlsError};

/// Why the service could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The keys.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// The font of labels.
    #[error(transparent)]
    Font(#[from] FontError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The operating system.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Something that the operator must put right.
    #[error("{0}")]
    Refused(String),
}

/// The parts that tests and the demo exchange.
#[derive(Clone)]
pub struct Parts {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and chance.
    pub ids: Arc<dyn IdGen>,
}

/// Older SQLite can lose committed rows when a checkpoint and a commit meet.
const OLDEST_SQLITE: i32 = 3_051_003;
/// PostgreSQL 15.
const OLDEST_POSTGRES: i32 = 150_000;
/// Passwords that are hashed at once.
const HASHING_AT_ONCE: usize = 2;

/// Checks the database, brings an embedded one up to date, and puts the use cases together.
///
/// # Errors
/// See [`StartError`].
pub fn build(settings: &Settings, parts: &Parts) -> Result<App, StartError> {
    let database = settings.database.clone();
    let mut conn = database.connect()?;
    check_database(&mut conn, settings.allow_fsync_off)?;
    if matches!(database, DatabaseUrl::Sqlite(_)) && migrations::fit(&mut conn)? == migrations::Fit::Older {
        let steps = migrations::run(&mut conn)?;
        tracing::info!(steps, "the schema was brought up to date");
    }
    migrations::check(&mut conn)?;
    let now = parts.clock.now();
    let keyring = Arc::new(open_keys(&mut conn, settings, parts, now)?);
    let clock_gap_days = i64::from(settings.clock_gap_days.get());
    let writer = WriterSettings {
        database: database.clone(),
        zone: settings.time_zone,
        queue_length: settings.queue_length.as_usize(),
        clock_gap_days,
    };
    let (readers, writers) = shares(settings.pool_size.get());
    Ok(App {
        pool: database.pool(readers)?,
        writers: database.pool(writers)?,
        writer: Writer::start(writer, Arc::clone(&parts.clock), Arc::clone(&parts.ids))?,
        clock: Arc::clone(&parts.clock),
        ids: Arc::clone(&parts.ids),
        tokens: Tokens::new(Arc::clone(&keyring), settings.public_url.as_str(), "pingma"),
        keyring,
        backoff: Backoff::new(),
        denials: Denials::default(),
        hashing: Arc::new(Semaphore::new(HASHING_AT_ONCE)),
        zone: settings.time_zone,
        public_url: settings.public_url.as_str().to_owned(),
        clock_gap_days,
    })
}

/// How many connections of a pool are for readers, and how many for writers: a fourth, for they wait for each other anyway.
fn shares(pool_size: u32) -> (u32, u32) {
    let writers = (pool_size / 4).max(1);
    (pool_size.saturating_sub(writers).max(1), writers)
}

/// Makes keys for an empty database only: with labels out in the world, new keys would make every one of them a forgery.
fn open_keys(
    conn: &mut Conn,
    settings: &Settings,
    parts: &Parts,
    now: crate::domain::instant::Instant,
) -> Result<Keyring, StartError> {
    let path = settings.key_file()?;
    if crate::db::history::has_labels(conn)? {
        Ok(Keyring::load(&path)?)
    } else {
        Ok(Keyring::load_or_create(&path, &*parts.ids, now)?)
    }
}

fn check_database(conn: &mut Conn, allow_fsync_off: bool) -> Result<(), StartError> {
    match conn {
        Conn::Sqlite(c) => {
            let version: String =
                diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>("sqlite_version()"))
                    .get_result(c)
                    .map_err(DbError::from)?;
            if number_of(&version) < OLDEST_SQLITE {
                return Err(StartError::Refused(format!(
                    "SQLite {version} is too old: 3.51.3 or newer is needed"
                )));
            }
            Ok(())
        }
        Conn::Postgres(c) => {
            let ask = |c: &mut PgConnection, name: &str| {
                let sql = format!("current_setting('{name}')");
                diesel::select(diesel::dsl::sql::<diesel::sql_types::Text>(&sql)).get_result::<String>(c)
            };
            let version = ask(c, "server_version_num").map_err(DbError::from)?;
            if version.parse::<i32>().unwrap_or(0) < OLDEST_POSTGRES {
                return Err(StartError::Refused(format!(
                    "PostgreSQL {version} is too old: 15 or newer is needed"
                )));
            }
            let encoding = ask(c, "server_encoding").map_err(DbError::from)?;
            if encoding != "UTF8" {
                return Err(StartError::Refused(format!(
                    "the database is encoded in {encoding}: names and events need UTF8 (createdb --encoding=UTF8 --template=template0)"
                )));
            }
            let fsync = ask(c, "fsync").map_err(DbError::from)?;
            if fsync != "on" && !allow_fsync_off {
                let why = "PostgreSQL runs with fsync=off: a power cut would lose fills that were acknowledged. \
                           Turn it on, or set allow_fsync_off for a test";
                return Err(StartError::Refused(why.to_owned()));
            }
            Ok(())
        }
    }
}

/// `3.53.2` as 3 053 002.
fn number_of(version: &str) -> i32 {
    version
        .split('.')
        .map(|part| part.parse::<i32>().unwrap_or(0))
        .take(3)
        .fold(0, |sum, part| sum * 1_000 + part)
}

/// Puts the HTTP service together.
///
/// # Errors
/// A configured font is missing or broken.
pub fn service(
    app: Arc<App>,
    settings: &Settings,
    metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
) -> Result<Service, StartError> {
    let fonts = LabelFonts::find(settings.label_font.as_deref())?;
    if !fonts.has_cjk() {
        tracing::warn!(
            "no font with Chinese characters was found: labels print what they can; set label_font"
        );
    }
    Ok(Service {
        app,
        fonts,
        limits: Limits::new(
            Rates {
                login: settings.login_rate_per_minute.non_zero(),
                public: settings.public_rate_per_minute.non_zero(),
                typed: settings.typed_rate_per_minute.non_zero(),
            },
            settings.trusted_proxies.clone(),
        ),
        devices: KnownDevices::default(),
        readiness: Readiness::default(),
        metrics,
        metrics_token: settings
            .metrics_token
            .as_ref()
            .map(|token| -> SecretString { token.secret().clone() }),
        complaint: Complaint {
            phone: settings.complaint_phone.as_str().to_owned(),
            authority: settings.complaint_authority.as_ref().map(|line| line.as_str().to_owned()),
        },
    })
}

/// What every request goes through, and the routes: for the server and for tests.
pub fn configure(service: web::Data<Service>) -> impl FnOnce(&mut web::ServiceConfig) {
    move |config| {
        config.app_data(service).app_data(web::PayloadConfig::new(MAX_BODY)).configure(routes::configure);
    }
}

/// Keeps a second server off an embedded database: two writers would each think the queue is theirs. Whoever brings its schema
/// up to date, makes its keys or puts another in its place holds it too, from before the first look until the end.
///
/// # Errors
/// Another one holds it, or the operating system.
pub fn lock(database: &DatabaseUrl) -> Result<Option<File>, StartError> {
    let DatabaseUrl::Sqlite(path) = database else {
        return Ok(None);
    };
    let mut lock = PathBuf::from(path).into_os_string();
    lock.push(".lock");
    let file =
        File::create(PathBuf::from(lock)).map_err(|error| DbError::Away(format!("{path}: {error}")))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::Refused(format!(
            "another server runs on {path} (or its restore); an embedded database has one"
        ))),
        Err(std::fs::TryLockError::Error(error)) => Err(error.into()),
    }
}

/// A running server and where it listens.
pub struct Running {
    /// The addresses it listens on.
    pub addresses: Vec<std::net::SocketAddr>,
    server: actix_web::dev::Server,
    app: Arc<App>,
    stop: Arc<AtomicBool>,
    housekeeping: std::thread::JoinHandle<()>,
    _lock: Option<File>,
}

/// Starts to listen, with the lock that was taken before the service was built. Nothing is served until [`Running::run`].
///
/// # Errors
/// See [`StartError`].
pub fn start(
    settings: &Settings,
    app: Arc<App>,
    lock: Option<File>,
    metrics: Option<metrics_exporter_prometheus::PrometheusHandle>,
) -> Result<Running, StartError> {
    let database = settings.database.clone();
    let certificate = match settings.transport()? {
        Transport::Plain => None,
        Transport::Tls { certificate, key } => Some(Certificate::open(certificate, key)?),
    };
    let service = web::Data::new(service(Arc::clone(&app), settings, metrics)?);
    let stop = Arc::new(AtomicBool::new(false));
    let housekeeping =
        keep_house(database, web::Data::clone(&service), certificate.clone(), Arc::clone(&stop))?;
    let shared = web::Data::clone(&service);
    let server = HttpServer::new(move || {
        actix_web::App::new()
            .wrap(Compress::default())
            .wrap(from_fn(middleware::around))
            .configure(configure(web::Data::clone(&shared)))
    })
    .workers(settings.http_workers.as_usize())
    .shutdown_timeout(u64::from(settings.shutdown_timeout_s.get()))
    .client_request_timeout(Duration::from_secs(10));
    let server = match &certificate {
        None => server.bind(settings.listen),
        Some(certificate) => server.bind_rustls_0_23(settings.listen, certificate.server_config()?),
    };
    let server = server
        .map_err(|error| StartError::Refused(format!("can't listen on {}: {error}", settings.listen)))?;
    let addresses = server.addrs();
    Ok(Running { addresses, server: server.run(), app, stop, housekeeping, _lock: lock })
}

impl Running {
    /// Serves until a signal comes, then finishes what was begun: requests first, then the last batch. `ready` is called
    /// when a signal would be heard: one that came before would end the process on the spot.
    ///
    /// # Errors
    /// The operating system, or what `ready` says.
    pub async fn run<E: From<StartError>>(self, ready: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let mut server = pin!(self.server);
        // With its first step the server starts its workers and listens for signals.
        let served = match poll_fn(|task| Poll::Ready(server.as_mut().poll(task))).await {
            Poll::Ready(ended) => ended,
            Poll::Pending => {
                ready()?;
                server.await
            }
        };
        self.stop.store(true, Ordering::SeqCst);
        let (app, housekeeping) = (self.app, self.housekeeping);
        let ended = web::block(move || {
            app.writer.stop();
            housekeeping.thread().unpark();
            housekeeping.join()
        })
        .await;
        if !matches!(ended, Ok(Ok(()))) {
            tracing::error!("housekeeping had panicked");
        }
        served.map_err(|error| StartError::Io(error).into())
    }
}

/// Seconds that customers' look-ups are kept: twelve months.
const KEEP_SCANS_S: i64 = 366 * 86_400;
/// Seconds that the answers to idempotency keys are kept: ninety days.
const KEEP_ANSWERS_S: i64 = 90 * 86_400;
/// Rounds of a second between two clean-ups.
const CLEAN_EVERY: u64 = 3_600;

/// Pages of the write-ahead log after which it is begun anew: 1 GiB. After a pause the next write does so by itself, so this is
/// for stations that never pause; few calls wait for it.
const LONG_LOG_PAGES: i32 = 262_144;
/// Pages that may be left to the recorder then, with everybody waiting: 64 MiB.
const FEW_PAGES: i32 = 16_384;

/// Whether the log is to be begun anew: not where a reader's old view of the data or a slow disk keeps much of it from being
/// copied.
fn is_long(log: sqlite::Checkpoint) -> bool {
    log.log > LONG_LOG_PAGES && log.log - log.checkpointed < FEW_PAGES
}

/// Copies the write-ahead log of an embedded database, and has it begun anew where it grew long. What the recorder would have to
/// force to the disk then, while everybody waits, is forced before.
fn keep_log(conn: &mut SqliteConnection, file: &str, writer: &Writer) -> Result<(), DbError> {
    // Asked once, the recorder does it after its next batch, whenever that comes.
    if !is_long(sqlite::checkpoint(conn)?) || writer.log_restarts() {
        return Ok(());
    }
    sync_file_system(Path::new(file)).map_err(|error| DbError::Away(error.to_string()))?;
    if is_long(sqlite::checkpoint(conn)?) {
        writer.restart_log();
    }
    Ok(())
}

/// A thread for what must be done now and then: checkpoints, forgetting what is old.
fn keep_house(
    database: DatabaseUrl,
    service: web::Data<Service>,
    certificate: Option<Arc<Certificate>>,
    stop: Arc<AtomicBool>,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    std::thread::Builder::new().name("housekeeping".to_owned()).spawn(move || {
        let mut conn = None;
        let mut round: u64 = 0;
        while !stop.load(Ordering::SeqCst) {
            std::thread::park_timeout(Duration::from_secs(1));
            if let Some(certificate) = &certificate {
                renew(certificate);
            }
            if let Err(error) = one_round(&database, &mut conn, &service, round) {
                tracing::warn!(%error, "housekeeping");
                conn = None;
            }
            round += 1;
        }
        let last = conn.map_or_else(|| database.connect(), Ok);
        let written =
            last.map_err(Error::from).and_then(|mut conn| service.app.record_denials(&mut conn, true));
        if let Err(error) = written {
            tracing::warn!(%error, "denials are missing in the audit log");
        }
    })
}

/// Takes a certificate that changed. One that can't be used is told, and the one until now stays.
fn renew(certificate: &Certificate) {
    match certificate.reload() {
        Ok(false) => {}
        Ok(true) => tracing::info!("a new certificate is in use"),
        Err(error) => tracing::error!(%error, "the new certificate can't be used; the one until now stays"),
    }
}

fn one_round(
    database: &DatabaseUrl,
    kept: &mut Option<Conn>,
    service: &Service,
    round: u64,
) -> crate::error::Result<()> {
    let conn = match kept {
        Some(conn) => conn,
        None => kept.insert(database.connect()?),
    };
    service.app.record_denials(conn, false)?;
    if let (Conn::Sqlite(sqlite), DatabaseUrl::Sqlite(file)) = (&mut *conn, database) {
        keep_log(sqlite, file, &service.app.writer)?;
    }
    if round.is_multiple_of(60) {
        service.limits.shrink();
    }
    if round.is_multiple_of(CLEAN_EVERY) {
        let now = service.app.clock.now();
        let scans = forget_public_scans_before(conn, now.plus_seconds(-KEEP_SCANS_S))?;
        let answers = IdempotencyRecord::forget_before(conn, now.plus_seconds(-KEEP_ANSWERS_S))?;
        tracing::debug!(scans, answers, "forgot what is old");
    }
    Ok(())
}
