//! `pingma demo`: a believable small city, served at once.

use std::io::{IsTerminal as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use clap::builder::RangedU64ValueParser;

use super::verify::progress;
use super::{CliError, Common, parts, serve};
use crate::config::{LogFormat, Settings, Transport};
use crate::demo::{self, Recipe, Summary};
use crate::{server, telemetry};

/// `pingma demo`
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Address to listen on; port 0 takes any that is free.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address of the service as printed on labels [default: where it listens].
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// How many cylinders, 100 to 20000.
    #[arg(long, value_name = "N", default_value = "2000", value_parser = RangedU64ValueParser::<usize>::new().range(100..=20_000))]
    cylinders: usize,
    /// Another seed makes another city.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Fill, print and end; nothing is served.
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode, CliError> {
        let scratch = match common.database {
            None => Some(tempfile::Builder::new().prefix("pingma-demo-").tempdir()?),
            Some(_) => None,
        };
        let (settings, held) = self.settings(common, scratch.as_ref().map(tempfile::TempDir::path))?;
        telemetry::init_logging(settings.log.as_str(), settings.log_format == LogFormat::Json)?;
        let lock = server::lock(&settings.database)?;
        let bar = progress("a year of history 一年的历史");
        let recipe = Recipe { cylinders: self.cylinders, seed: self.seed };
        let now = parts().clock.now();
        let summary = demo::fill(&settings, recipe, now, &mut |done, all| {
            bar.set_length(u64::try_from(all).unwrap_or(0));
            bar.set_position(u64::try_from(done).unwrap_or(0));
        })?;
        bar.finish_and_clear();
        if self.once {
            print(&settings, &summary, common.json)?;
        } else {
            let metrics = telemetry::init_metrics()?;
            let app = std::sync::Arc::new(server::build(&settings, &parts())?);
            drop(held);
            serve::serve(&settings, app, lock, metrics, || {
                print(&settings, &summary, common.json)?;
                if std::io::stdout().is_terminal() {
                    tracing::info!("press Ctrl-C to end");
                }
                Ok(())
            })?;
        }
        if let Some(scratch) = scratch {
            scratch.close()?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The port is taken before the city is made, so that nobody waits for a city that can't be served.
    fn settings(
        &self,
        common: &Common,
        scratch: Option<&Path>,
    ) -> Result<(Settings, Option<TcpListener>), CliError> {
        let load = |listen: Option<String>, public_url: Option<String>| {
            common.settings(|overrides| {
                overrides.listen = listen;
                overrides.public_url = public_url;
                // What is lost in a power cut is made again.
                overrides.allow_fsync_off = Some("true".to_owned());
                if let Some(directory) = scratch {
                    let file = |name: &str| directory.join(name).to_string_lossy().into_owned();
                    overrides.database = Some(format!("sqlite://{}", file("pingma.db")));
                    overrides.key_file = Some(file("pingma.keys"));
                }
            })
        };
        let asked = load(self.listen.clone(), self.public_url.clone())?;
        let scheme = if asked.transport()? == Transport::Plain { "http" } else { "https" };
        let (listen, held) = if self.once {
            (asked.listen, None)
        } else {
            let held = TcpListener::bind(asked.listen)
                .map_err(|error| CliError::Usage(format!("can't listen on {}: {error}", asked.listen)))?;
            (held.local_addr()?, Some(held))
        };
        let public_url = self.public_url.clone().unwrap_or_else(|| address(scheme, listen));
        Ok((load(Some(listen.to_string()), Some(public_url))?, held))
    }
}

fn address(scheme: &str, listen: SocketAddr) -> String {
    let host = if listen.ip().is_unspecified() || listen.is_ipv6() {
        "localhost".to_owned()
    } else {
        listen.ip().to_string()
    };
    format!("{scheme}://{host}:{}", listen.port())
}

fn print(settings: &Settings, summary: &Summary, json: bool) -> Result<(), CliError> {
    let database = settings.database.to_string();
    let key_file = settings.key_file()?.display().to_string();
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", summary.json(&database, &key_file))?;
    } else {
        write!(out, "{}", summary.text(&database, &key_file))?;
    }
    Ok(out.flush()?)
}
