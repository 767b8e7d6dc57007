//! The schema, as both databases know it: the same tables and columns, up and down and up again, and what it forbids.

#[path = "api/support/database.rs"]
mod database;

use std::collections::{BTreeMap, BTreeSet};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, sql_query};
use pingma::db::conn::{Conn, DatabaseUrl};
use pingma::db::migrations::{self, Fit};
use tempfile::TempDir;

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// A database of its own.
struct Database {
    url: DatabaseUrl,
    _dir: TempDir,
    _fresh: Option<database::PostgresDatabase>,
}

impl Database {
    fn sqlite() -> Self {
        let dir = TempDir::new().expect("a temporary directory");
        let url = format!("sqlite://{}", dir.path().join("pingma.db").display());
        Self { url: url.parse().expect("an address"), _dir: dir, _fresh: None }
    }

    fn postgres() -> Self {
        let fresh = database::fresh_postgres();
        Self {
            url: fresh.url.parse().expect("an address"),
            _dir: TempDir::new().expect("a temporary directory"),
            _fresh: Some(fresh),
        }
    }

    fn connect(&self) -> Conn {
        self.url.connect().expect("the database answers")
    }

    /// With the schema.
    fn migrated(&self) -> Conn {
        let mut conn = self.connect();
        migrations::run(&mut conn).expect("migrations go up");
        conn
    }
}

/// The one text column, named `line`, of a query in each dialect.
fn lines(conn: &mut Conn, sqlite: &str, postgres: &str) -> Vec<String> {
    let rows: Vec<Line> = match conn {
        Conn::Sqlite(c) => sql_query(sqlite).load(c).expect("SQLite answers"),
        Conn::Postgres(c) => sql_query(postgres).load(c).expect("PostgreSQL answers"),
    };
    rows.into_iter().map(|row| row.line).collect()
}

/// Everything there is, except for diesel's own table.
fn dump(conn: &mut Conn) -> Vec<String> {
    let sqlite = "SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, '') AS line FROM sqlite_master \
                  WHERE tbl_name <> '__diesel_schema_migrations' ORDER BY 1";
    let postgres = "SELECT line FROM ( \
        SELECT 'column ' || table_name || '.' || ordinal_position || ' ' || column_name || ' ' || data_type || ' ' || is_nullable \
            || ' ' || coalesce(column_default, '') AS line, table_name AS of FROM information_schema.columns \
            WHERE table_schema = 'public' \
        UNION ALL SELECT 'index ' || indexdef, tablename FROM pg_indexes WHERE schemaname = 'public' \
        UNION ALL SELECT 'constraint ' || conname || ' ' || pg_get_constraintdef(oid), conrelid::regclass::text \
            FROM pg_constraint WHERE connamespace = 'public'::regnamespace \
        UNION ALL SELECT 'trigger ' || pg_get_triggerdef(oid), tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal \
        UNION ALL SELECT 'function ' || pg_get_functiondef(oid), '' FROM pg_proc WHERE pronamespace = 'public'::regnamespace \
        UNION ALL SELECT 'sequence ' || sequencename, '' FROM pg_sequences WHERE schemaname = 'public' \
        ) AS everything WHERE of <> '__diesel_schema_migrations' ORDER BY 1";
    lines(conn, sqlite, postgres)
}

fn up_down_up(database: &Database) {
    let mut conn = database.connect();
    assert_eq!(migrations::fit(&mut conn).expect("fit"), Fit::Older);
    assert!(migrations::run(&mut conn).expect("up") > 0);
    assert_eq!(migrations::fit(&mut conn).expect("fit"), Fit::Fits);
    let before = dump(&mut conn);
    assert!(before.len() > 40, "{before:#?}");
    assert_eq!(migrations::run(&mut conn).expect("up again"), 0, "there is nothing left to do");

    migrations::revert_all(&mut conn).expect("down");
    assert_eq!(dump(&mut conn), Vec::<String>::new(), "the way down leaves nothing");
    migrations::run(&mut conn).expect("up after down");
    assert_eq!(dump(&mut conn), before);
}

#[test]
fn up_and_down_and_up_leaves_the_same_schema_on_sqlite() {
    up_down_up(&Database::sqlite());
}

#[test]
fn up_and_down_and_up_leaves_the_same_schema_on_postgres() {
    up_down_up(&Database::postgres());
}

#[test]
fn both_databases_have_the_same_steps() {
    let steps = |database: &str| {
        let folder = format!("{}/migrations/{database}", env!("CARGO_MANIFEST_DIR"));
        let mut names = BTreeSet::new();
        for entry in std::fs::read_dir(folder).expect("a folder of migrations") {
            let path = entry.expect("an entry").path();
            assert!(path.join("up.sql").is_file() && path.join("down.sql").is_file(), "{}", path.display());
            names.insert(path.file_name().expect("a name").to_owned());
        }
        names
    };
    assert_eq!(steps("sqlite"), steps("postgres"));
}

/// `table.column` → type in diesel's words and nullability.
type Columns = BTreeMap<String, String>;

/// Diesel's word for a column type of either database.
fn diesel_type(word: &str) -> &'static str {
    match word.to_ascii_lowercase().as_str() {
        "blob" | "bytea" => "Binary",
        "text" => "Text",
        "bigint" => "BigInt",
        "integer" => "Integer",
        "smallint" => "SmallInt",
        "boolean" => "Bool",
        "date" => "Date",
        other => panic!("no word for the type {other}"),
    }
}

fn columns(conn: &mut Conn) -> Columns {
    // In SQLite a primary key may hold NULL unless it says NOT NULL; nothing of ours writes one.
    let sqlite = "SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || \
                  CASE WHEN c.\"notnull\" OR c.pk > 0 THEN 'NO' ELSE 'YES' END AS line \
                  FROM sqlite_master m JOIN pragma_table_info(m.name) c \
                  WHERE m.type = 'table' AND m.name <> '__diesel_schema_migrations'";
    let postgres = "SELECT table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable AS line \
                    FROM information_schema.columns \
                    WHERE table_schema = 'public' AND table_name <> '__diesel_schema_migrations'";
    let read = lines(conn, sqlite, postgres);
    let split = read.iter().map(|line| {
        let mut words = line.split(' ');
        let mut next = || words.next().expect("three words").to_owned();
        let (name, kind, nullable) = (next(), next(), next());
        let kind = diesel_type(&kind);
        let kind = if nullable == "YES" { format!("Nullable<{kind}>") } else { kind.to_owned() };
        (name, kind)
    });
    split.collect()
}

/// What `schema.rs` says.
fn declared() -> Columns {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/db/schema.rs")).expect("schema.rs");
    let mut found = Columns::new();
    let mut table = None;
    for line in text.lines().map(str::trim) {
        if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with(") {")) {
            table = Some(name.to_owned());
        } else if let (Some(table), Some((column, kind))) = (&table, line.split_once(" -> "))
            && let Some(kind) = kind.strip_suffix(',').filter(|_| !line.contains("joinable"))
        {
            found.insert(format!("{table}.{column}"), kind.to_owned());
        }
    }
    found
}

#[test]
fn both_databases_and_the_program_agree_on_tables_and_columns() {
    let sqlite = columns(&mut Database::sqlite().migrated());
    let postgres = columns(&mut Database::postgres().migrated());
    let declared = declared();
    assert!(declared.len() > 150);
    assert_eq!(sqlite, postgres);
    assert_eq!(declared, sqlite);
}

/// Foreign keys as `table.column`, and the first columns of indexes that find every row with a value in them.
fn keys_and_indexes(conn: &mut Conn) -> (BTreeSet<String>, BTreeSet<String>) {
    let keys = lines(
        conn,
        "SELECT m.name || '.' || f.\"from\" AS line FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'",
        "SELECT conrelid::regclass::text || '.' || a.attname AS line FROM pg_constraint \
         JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1] WHERE contype = 'f'",
    );
    let indexes = lines(
        conn,
        "SELECT m.name || '.' || c.name AS line FROM sqlite_master m JOIN pragma_index_list(m.name) i \
         JOIN pragma_index_info(i.name) c ON c.seqno = 0 LEFT JOIN sqlite_master d ON d.name = i.name \
         WHERE m.type = 'table' AND (NOT i.partial OR d.sql LIKE '%WHERE ' || c.name || ' IS NOT NULL')",
        "SELECT indrelid::regclass::text || '.' || a.attname AS line FROM pg_index \
         JOIN pg_attribute a ON a.attrelid = indrelid AND a.attnum = indkey[0] \
         WHERE indrelid::regclass::text NOT LIKE 'pg_%' \
         AND (indpred IS NULL OR pg_get_expr(indpred, indrelid) = '(' || a.attname || ' IS NOT NULL)')",
    );
    (keys.into_iter().collect(), indexes.into_iter().collect())
}

#[test]
fn every_foreign_key_leads_an_index() {
    let sqlite = keys_and_indexes(&mut Database::sqlite().migrated());
    let postgres = keys_and_indexes(&mut Database::postgres().migrated());
    assert!(sqlite.0.len() > 25, "{:?}", sqlite.0);
    assert_eq!(sqlite.0, postgres.0);
    for (keys, indexes) in [sqlite, postgres] {
        let bare: Vec<_> = keys.difference(&indexes).collect();
        assert!(bare.is_empty(), "foreign keys without an index: {bare:?}");
    }
}

/// Bytes as either database reads them.
fn bytes(conn: &Conn, byte: u8) -> String {
    let hex = format!("{byte:02x}").repeat(16);
    match conn {
        Conn::Sqlite(_) => format!("X'{hex}'"),
        Conn::Postgres(_) => format!("'\\x{hex}'::bytea"),
    }
}

#[track_caller]
fn fails(conn: &mut Conn, sql: &str, because: &str) {
    let error = conn.batch_execute(sql).expect_err(sql).to_string();
    assert!(error.contains(because), "{sql}: {error}");
}

/// One organization, cylinder, label and event.
fn furnish(conn: &mut Conn) {
    let [org, cylinder, event] = [1, 2, 3].map(|byte| bytes(conn, byte));
    conn.batch_execute(&format!(
        "INSERT INTO organizations (id, name, credit_code, kinds, district_code, status, version, created_at, updated_at) \
         VALUES ({org}, 'A', 'A0000001', 'filler', '320602', 'active', 1, 0, 0); \
         INSERT INTO cylinders (id, owner_id, manufacturer_code, manufacturer_key, serial_no, serial_key, manufactured_month, label_id, model, status, \
         inspection_due_on, life_ends_on, custody_kind, custody_organization_id, district_code, state, version, head_hash, registered_at) \
         VALUES ({cylinder}, {org}, 'ABC', 'ABC', 'A1', 'A1', '2024-05', 'AAAAAAAA', 'YSP35.5', 'in_service', '2028-05-31', '2032-05-31', 'owner', \
         {org}, '320602', '{{}}', 1, {event}, 0); \
         INSERT INTO labels (id, key_id, cylinder_id, status, bound_at) VALUES ('AAAAAAAA', 'A', {cylinder}, 'bound', 0); \
         INSERT INTO events (log_index, id, stream_kind, stream_id, stream_seq, kind, alert, occurred_at, recorded_at, actor_id, \
         organization_id, district_code, data, idempotency_route, idempotency_key, prev_hash, hash) \
         VALUES (1, {event}, 'cylinder', {cylinder}, 1, 'registered', FALSE, 0, 0, {org}, {org}, '320602', '{{}}', 'r', 'k', {event}, \
         {event});"
    ))
    .expect("rows go in");
}

fn events_stay(database: &Database) {
    let mut conn = database.migrated();
    furnish(&mut conn);
    for sql in [
        "UPDATE events SET data = '{\"a\":1}'",
        "UPDATE events SET hash = prev_hash WHERE log_index = 1",
        "UPDATE events SET log_index = 2",
        "DELETE FROM events",
        "DELETE FROM events WHERE log_index = 1",
    ] {
        fails(&mut conn, sql, "append-only");
    }
    if matches!(conn, Conn::Postgres(_)) {
        fails(&mut conn, "TRUNCATE events", "append-only");
        fails(&mut conn, "TRUNCATE organizations CASCADE", "append-only");
    }
    replaces_no_event(&mut conn);
    let left = "SELECT log_index || data AS line FROM events";
    assert_eq!(lines(&mut conn, left, left), ["1{}"]);
}

fn the_audit_log_stays(database: &Database) {
    let mut conn = database.migrated();
    let hash = bytes(&conn, 1);
    let columns = "seq, at, action, outcome, route, subject, prev_hash, hash";
    let row = format!("(1, 0, 'a', 'done', 'r', '{{}}', {hash}, {hash})");
    conn.batch_execute(&format!("INSERT INTO audit_log ({columns}) VALUES {row}")).expect("an entry");
    for sql in ["UPDATE audit_log SET at = 1", "DELETE FROM audit_log", "DELETE FROM audit_log WHERE seq = 1"]
    {
        fails(&mut conn, sql, "append-only");
    }
    let replace = match conn {
        Conn::Sqlite(_) => format!("INSERT OR REPLACE INTO audit_log ({columns}) VALUES {row}"),
        Conn::Postgres(_) => {
            fails(&mut conn, "TRUNCATE audit_log", "append-only");
            format!("INSERT INTO audit_log ({columns}) VALUES {row} ON CONFLICT (seq) DO UPDATE SET at = 1")
        }
    };
    fails(&mut conn, &replace, "append-only");
    let left = "SELECT seq || action AS line FROM audit_log";
    assert_eq!(lines(&mut conn, left, left), ["1a"]);
}

#[test]
fn nobody_changes_or_deletes_an_audit_entry_on_sqlite() {
    the_audit_log_stays(&Database::sqlite());
}

#[test]
fn nobody_changes_or_deletes_an_audit_entry_on_postgres() {
    the_audit_log_stays(&Database::postgres());
}

/// An insert that would take the place of the event there, by each column that is its own.
fn replaces_no_event(conn: &mut Conn) {
    let [org, cylinder, event, other] = [1, 2, 3, 4].map(|byte| bytes(conn, byte));
    let columns = "log_index, id, stream_kind, stream_id, stream_seq, kind, alert, occurred_at, recorded_at, actor_id, \
                   organization_id, district_code, data, idempotency_route, idempotency_key, prev_hash, hash";
    let row = |log_index: u8, id: &str, seq: u8, key: &str| {
        format!(
            "({log_index}, {id}, 'cylinder', {cylinder}, {seq}, 'lost', FALSE, 0, 0, {org}, {org}, '320602', '{{}}', 'r', {key}, \
             {event}, {event})"
        )
    };
    let taken = [
        ("log_index", row(1, &other, 2, "NULL")),
        ("id", row(2, &event, 2, "NULL")),
        ("stream_id, stream_seq", row(2, &other, 1, "NULL")),
        (
            "idempotency_key, actor_id, idempotency_route) WHERE (idempotency_key IS NOT NULL",
            row(2, &other, 2, "'k'"),
        ),
    ];
    for (of, values) in taken {
        match conn {
            Conn::Sqlite(_) => {
                let sql = format!("INSERT OR REPLACE INTO events ({columns}) VALUES {values}");
                fails(conn, &sql, "append-only");
            }
            Conn::Postgres(_) => {
                let sql = format!(
                    "INSERT INTO events ({columns}) VALUES {values} ON CONFLICT ({of}) DO UPDATE SET data = EXCLUDED.data"
                );
                fails(conn, &sql, "append-only");
            }
        }
    }
}

#[test]
fn nobody_changes_or_deletes_an_event_on_sqlite() {
    events_stay(&Database::sqlite());
}

#[test]
fn nobody_changes_or_deletes_an_event_on_postgres() {
    events_stay(&Database::postgres());
}

fn labels_stay(database: &Database) {
    let mut conn = database.migrated();
    furnish(&mut conn);
    let cylinder = bytes(&conn, 2);
    let second = format!(
        "INSERT INTO labels (id, key_id, cylinder_id, status, bound_at) VALUES ('BBBBBBBB', 'A', {cylinder}, 'bound', 1)"
    );
    assert!(conn.batch_execute(&second).is_err(), "a cylinder has one live label");
    fails(&mut conn, "UPDATE labels SET id = 'CCCCCCCC'", "stays revoked");
    conn.batch_execute("UPDATE labels SET status = 'suspended'").expect("a label may be suspended");
    conn.batch_execute("UPDATE labels SET status = 'bound'").expect("and be good again");
    conn.batch_execute("UPDATE labels SET status = 'revoked', ended_at = 2").expect("and be revoked");
    for sql in [
        "UPDATE labels SET status = 'bound'",
        "UPDATE labels SET status = 'suspended', ended_at = NULL",
        "UPDATE labels SET ended_at = 3",
    ] {
        fails(&mut conn, sql, "stays revoked");
    }
    assert!(conn.batch_execute("DELETE FROM labels").is_err(), "a label id names one label for ever");
    conn.batch_execute(&second).expect("the next label");
    assert!(conn.batch_execute("UPDATE labels SET id = 'AAAAAAAA' WHERE id = 'BBBBBBBB'").is_err());
}

#[test]
fn a_revoked_label_stays_revoked_on_sqlite() {
    labels_stay(&Database::sqlite());
}

#[test]
fn a_revoked_label_stays_revoked_on_postgres() {
    labels_stay(&Database::postgres());
}
