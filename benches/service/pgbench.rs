//! The ceiling on PostgreSQL: pgbench with the statements that the service runs, and nothing around them.

use anyhow::{Context as _, Result, bail};

use pingma::db::conn::Conn;

use crate::cluster::Cluster;
use crate::codes;
use crate::data::LONG_EVERY;
use crate::server::Ask;
use crate::site::Site;

/// Clients, unless one is compared with one.
pub const CLIENTS: u32 = 16;

fn script(ask: Ask) -> Result<&'static str> {
    Ok(match ask {
        Ask::Check => include_str!("sql/check.sql"),
        Ask::History => include_str!("sql/history.sql"),
        Ask::Trace => include_str!("sql/trace.sql"),
        Ask::Public => include_str!("sql/public.sql"),
        Ask::Svg | Ask::Png => bail!("labels are compared with the encoder"),
    })
}

/// Ids as PostgreSQL reads an array of bytea.
fn array(ids: impl Iterator<Item = uuid::Uuid>) -> String {
    let ids: Vec<String> = ids.map(|id| format!("\"\\\\x{}\"", id.simple())).collect();
    format!("{{{}}}", ids.join(","))
}

/// The script with the ids of this site's people and scales.
fn write_script(site: &Site, ask: Ask) -> Result<std::path::PathBuf> {
    let world = site.world()?;
    let text = script(ask)?
        .replace("@USERS@", &array(world.posts().map(|post| post.operator_id.uuid())))
        .replace("@SCALES@", &array(world.posts().map(|post| post.scale_id.uuid())))
        .replace("@ORGANIZATIONS@", &array(world.fillers.iter().map(|filler| filler.organization_id.uuid())))
        .replace("@SITES@", &array(world.fillers.iter().map(|filler| filler.site_id.uuid())))
        .replace("@WORKERS@", &array(world.fillers.iter().map(|filler| filler.worker_id.uuid())));
    let path = site.dir.join(format!("{}.sql", ask.name()));
    std::fs::write(&path, text)?;
    Ok(path)
}

/// What the scripts know: which cylinders the load of the service asks for too, and texts as long as the service's.
fn variables(cluster: &Cluster, site: &Site, ask: Ask, clients: u32) -> Result<Vec<(&'static str, String)>> {
    let database = site.database.as_deref().context("a database")?;
    let step = if ask == Ask::History { LONG_EVERY } else { codes::every(site.cylinders) };
    let data = cluster.sql(
        database,
        "SELECT data FROM events WHERE kind = 'fill_checked' AND decision = 'allowed' ORDER BY log_index DESC LIMIT 1",
    )?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let regulator = site.world()?.regulator_session.uuid();
    let mut known = vec![
        ("step", step.to_string()),
        ("last", (site.cylinders / step / u64::from(clients)).saturating_sub(1).to_string()),
        ("clients", clients.to_string()),
        ("now", now.as_micros().to_string()),
        ("run", now.as_nanos().to_string()),
        ("sent", "0".to_owned()),
        ("regulator", array([regulator].into_iter())),
        ("times", format!("{{{}}}", now.as_micros())),
        ("expiries", format!("{{{}}}", now.as_micros() + 600_000_000)),
        ("data", data),
    ];
    known.extend(SAME.iter().map(|(name, value)| (*name, (*value).to_owned())));
    Ok(known)
}

/// What is the same in every check, as arrays of one.
const SAME: &[(&str, &str)] = &[
    ("statuses", "{in_service}"),
    ("due", "{2029-05-31}"),
    ("ends", "{2033-05-31}"),
    ("kinds_of_custody", "{site}"),
    ("districts", "{320602}"),
    ("stream_kinds", "{cylinder}"),
    ("kinds_of_event", "{fill_checked}"),
    ("decisions", "{allowed}"),
    ("alerts", "{f}"),
    ("routes", r#"{"POST /api/v1/fill-checks"}"#),
];

/// What pgbench did.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// Transactions.
    pub transactions: f64,
    /// Transactions in a second.
    pub per_second: f64,
}

#[derive(diesel::QueryableByName)]
struct Setting {
    #[diesel(sql_type = diesel::sql_types::Text)]
    option: String,
}

/// What the service sets on each of its connections.
fn settings(site: &Site) -> Result<String> {
    use diesel::RunQueryDsl as _;
    let Conn::Postgres(mut conn) = site.url()?.connect()? else { bail!("a site on PostgreSQL") };
    let set = "SELECT '-c ' || name || '=' || setting AS option FROM pg_settings \
               WHERE source = 'session' AND name <> 'client_encoding'";
    let options: Vec<Setting> = diesel::sql_query(set).load(&mut conn)?;
    let options: Vec<String> = options.into_iter().map(|found| found.option).collect();
    Ok(options.join(" "))
}

/// What pgbench does in a while.
pub fn run(cluster: &Cluster, site: &Site, ask: Ask, clients: u32, seconds: u32) -> Result<Done> {
    let database = site.database.as_deref().context("a database")?;
    let mut pgbench = cluster.client("pgbench", database);
    pgbench.args(["-n", "-M", "prepared", "-j", &clients.min(2).to_string(), "-c", &clients.to_string()]);
    pgbench.args(["-T", &seconds.to_string(), "-f"]).arg(write_script(site, ask)?);
    pgbench.env("PGOPTIONS", settings(site)?);
    for (name, value) in variables(cluster, site, ask, clients)? {
        pgbench.arg("-D").arg(format!("{name}={value}"));
    }
    let output = pgbench.output().context("pgbench")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("pgbench: {}", String::from_utf8_lossy(&output.stderr));
    }
    let number = |before: &str| -> Result<f64> {
        let rest = text.lines().find_map(|line| line.strip_prefix(before)).context("an answer of pgbench")?;
        Ok(rest.split([' ', '/']).next().context("a number")?.parse()?)
    };
    Ok(Done {
        transactions: number("number of transactions actually processed: ")?,
        per_second: number("tps = ")?,
    })
}

/// What pgbench does in a while, after a second to warm up.
pub fn rate(cluster: &Cluster, site: &Site, ask: Ask, clients: u32, seconds: u32) -> Result<Done> {
    run(cluster, site, ask, clients, 1)?;
    run(cluster, site, ask, clients, seconds)
}

/// What was written, by table, since the statistics were set to nothing: inserts and updates by each of `count`.
pub fn rows_written(cluster: &Cluster, site: &Site, count: f64) -> Result<String> {
    let database = site.database.as_deref().context("a database")?;
    let rows = cluster.sql(
        database,
        "SELECT relname, n_tup_ins, n_tup_upd FROM pg_stat_user_tables WHERE n_tup_ins + n_tup_upd > 0 ORDER BY 1",
    )?;
    let mut parts = Vec::new();
    for row in rows.lines() {
        let mut columns = row.split('|');
        let table = columns.next().context("a table")?;
        for done in ["inserted", "updated"] {
            let rows: f64 = columns.next().context("a count")?.parse()?;
            if rows / count > 0.005 {
                parts.push(format!("{table} {:.2} {done}", rows / count));
            }
        }
    }
    Ok(parts.join(", "))
}

/// Sets the statistics to nothing.
pub fn forget_rows_written(cluster: &Cluster, site: &Site) -> Result<()> {
    let database = site.database.as_deref().context("a database")?;
    cluster.sql(database, "SELECT pg_stat_reset()")?;
    Ok(())
}
