//! Connections to either database, opened by the scheme of the address and never by trying.

use std::fmt;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{ManageConnection, Pool, PooledConnection};
use diesel::{Connection, PgConnection, SqliteConnection};

use super::DbError;
pub use super::multi::{Conn, MultiBackend};

/// What is shown in place of a secret.
pub(crate) const MASK: &str = "***";

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, by its path.
    Sqlite(String),
    /// A libpq address.
    Postgres(String),
}

impl std::str::FromStr for DatabaseUrl {
    type Err = DbError;
    fn from_str(text: &str) -> Result<Self, DbError> {
        if let Some(path) = text.strip_prefix("sqlite://").filter(|path| !path.is_empty()) {
            Ok(Self::Sqlite(path.to_owned()))
        } else if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Ok(Self::Postgres(text.to_owned()))
        } else {
            Err(DbError::Url)
        }
    }
}

/// Makes the file of a new database readable for its owner alone: it holds hashes of passwords and who bought gas. SQLite
/// gives its other files the same mode. An address such as `file:…?mode=ro` is left to SQLite.
fn create_private(path: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if path.starts_with("file:") || path.starts_with(':') {
        return Ok(());
    }
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

impl fmt::Display for DatabaseUrl {
    /// Without user, password and other secrets: this goes into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{path}"),
            Self::Postgres(url) => f.write_str(&masked_postgres(url)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How long a connection waits for another one's lock.
pub(super) const SQLITE_PATIENCE: &str = "PRAGMA busy_timeout = 5000;";
/// Why FULL: with NORMAL a power cut loses transactions that were already acknowledged. Why no automatic checkpoint:
/// it would run inside somebody's commit; `checkpoint` does it in the background. A log that grew longer than 1 GiB behind a long
/// read is cut when it begins anew.
const SQLITE_SETUP: &str = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
     PRAGMA foreign_keys = ON; PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 1073741824; PRAGMA cache_size = -8000; PRAGMA temp_store = MEMORY;";
/// Why generic plans: PostgreSQL would plan `= ANY($1)` anew at every execution, which costs more than the look-up.
const POSTGRES_SETUP: &str = "SET TIME ZONE 'UTC'; SET synchronous_commit = on; SET statement_timeout = '15s'; SET lock_timeout = '10s'; \
     SET plan_cache_mode = force_generic_plan;";

impl DatabaseUrl {
    /// Opens a connection and sets it up.
    ///
    /// # Errors
    /// The database is away, or refuses.
    pub fn connect(&self) -> Result<Conn, DbError> {
        match self {
            Self::Sqlite(path) => {
                create_private(path).map_err(|error| DbError::Away(format!("{path}: {error}")))?;
                let mut conn = SqliteConnection::establish(path).map_err(DbError::connect)?;
                conn.batch_execute(SQLITE_PATIENCE)?;
                conn.batch_execute(SQLITE_SETUP)?;
                Ok(Conn::Sqlite(conn))
            }
            Self::Postgres(url) => {
                let mut conn = PgConnection::establish(url)
                    .map_err(|error| DbError::connect_postgres(&error, &self.to_string()))?;
                conn.batch_execute(POSTGRES_SETUP)?;
                Ok(Conn::Postgres(conn))
            }
        }
    }

    /// Opens a connection for what the ledger writes: it is worth a large cache, since every batch passes it.
    ///
    /// # Errors
    /// As [`DatabaseUrl::connect`].
    pub fn connect_writer(&self) -> Result<Conn, DbError> {
        self.connect_with_cache("PRAGMA cache_size = -48000;")
    }

    /// Opens a connection for what the ledger decides on: every batch passes it too, and it reads fewer indexes.
    ///
    /// # Errors
    /// As [`DatabaseUrl::connect`].
    pub fn connect_reader(&self) -> Result<Conn, DbError> {
        self.connect_with_cache("PRAGMA cache_size = -24000;")
    }

    /// Opens a connection for work that takes as long as the ledger is large: a statement of it may walk a whole table.
    ///
    /// # Errors
    /// As [`DatabaseUrl::connect`].
    pub fn connect_for_long(&self) -> Result<Conn, DbError> {
        let mut conn = self.connect()?;
        if let Conn::Postgres(c) = &mut conn {
            c.batch_execute("SET statement_timeout = 0")?;
        }
        Ok(conn)
    }

    fn connect_with_cache(&self, size: &str) -> Result<Conn, DbError> {
        let mut conn = self.connect()?;
        if let Conn::Sqlite(c) = &mut conn {
            c.batch_execute(size)?;
        }
        Ok(conn)
    }

    /// Opens a pool; connections are made when they are first wanted.
    ///
    /// # Errors
    /// The pool could not be set up.
    pub fn pool(&self, size: u32) -> Result<DbPool, DbError> {
        let pool = Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(Duration::from_secs(5))
            .build_unchecked(Manager(self.clone()));
        Ok(DbPool(pool))
    }
}

/// Parameters of a PostgreSQL address that are shown; all others might be secret.
const SHOWN_PARAMETERS: &[&str] = &[
    "application_name",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "sslmode",
    "sslrootcert",
    "target_session_attrs",
];

/// As libpq reads it: what stands before the first `@` is user and password, unless a `/` comes first. An `@` in
/// another place may come from a password that was not percent-encoded, and what should be a port but is no number may be
/// one too; then more is masked than needed.
fn masked_postgres(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (user, rest) = match rest.split_once('@') {
        Some((user, rest)) if !user.contains('/') => (Some(user), rest),
        _ => (None, rest),
    };
    let (place, parameters) = match rest.split_once('?') {
        Some((place, parameters)) => (place, Some(parameters)),
        None => (rest, None),
    };
    let hosts = place.split('/').next().unwrap_or_default();
    let mut ports =
        hosts.split(',').filter(|host| !host.ends_with(']')).filter_map(|host| host.rsplit_once(':'));
    let no_port = ports.any(|(_, port)| !port.bytes().all(|b| b.is_ascii_digit()));
    if no_port || rest.contains('@') {
        return format!("{scheme}://{MASK}");
    }
    let mut text = format!("{scheme}://");
    if user.is_some() {
        text.push_str(MASK);
        text.push('@');
    }
    text.push_str(place);
    if let Some(parameters) = parameters {
        let shown = parameters.split('&').map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if SHOWN_PARAMETERS.contains(&name) => parameter.to_owned(),
            Some((name @ ("user" | "password"), _)) => format!("{name}={MASK}"),
            _ => MASK.to_owned(),
        });
        text.push('?');
        text.push_str(&shown.collect::<Vec<_>>().join("&"));
    }
    text
}

/// Tells r2d2 how to open and test connections.
#[derive(Debug, Clone)]
pub struct Manager(DatabaseUrl);

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = diesel::r2d2::Error;

    fn connect(&self) -> Result<Conn, Self::Error> {
        self.0.connect().map_err(|error| {
            diesel::r2d2::Error::ConnectionError(diesel::ConnectionError::BadConnection(error.to_string()))
        })
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), Self::Error> {
        conn.batch_execute("SELECT 1").map_err(diesel::r2d2::Error::QueryError)
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        match conn {
            Conn::Sqlite(_) => std::thread::panicking(),
            Conn::Postgres(pg) => std::thread::panicking() || diesel::r2d2::R2D2Connection::is_broken(pg),
        }
    }
}

/// A pool of connections.
#[derive(Clone)]
pub struct DbPool(Pool<Manager>);

impl DbPool {
    /// Takes a connection.
    ///
    /// # Errors
    /// None was free or could be opened within five seconds.
    pub fn get(&self) -> Result<PooledConnection<Manager>, DbError> {
        self.0.get().map_err(|error| DbError::Away(error.to_string()))
    }
}

/// Runs the same diesel query on the connection inside, for what diesel offers on a real backend only (upserts, batch
/// inserts, `= ANY`).
#[macro_export]
macro_rules! on_backend {
    ($conn:expr, $inner:ident => $body:expr) => {
        match $conn {
            $crate::db::conn::Conn::Sqlite($inner) => $body,
            $crate::db::conn::Conn::Postgres($inner) => $body,
        }
    };
}
