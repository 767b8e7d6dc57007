//! `pingma serve` and `pingma migrate`.

use std::fs::File;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;

use super::{CliError, Common, Output, parts};
use crate::app::App;
use crate::config::{LogFormat, Settings};
use crate::db::migrations;
use crate::{server, telemetry};

/// `pingma serve`
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Address to listen on.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Address of the service as printed on labels.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
}

impl Serve {
    pub(crate) fn run(self, common: &Common) -> Result<ExitCode, CliError> {
        let settings = common.settings(|overrides| {
            overrides.listen = self.listen;
            overrides.public_url = self.public_url;
        })?;
        telemetry::init_logging(settings.log.as_str(), settings.log_format == LogFormat::Json)?;
        let metrics = telemetry::init_metrics()?;
        // First of all: building migrates and makes keys, under the feet of a server that runs.
        let lock = server::lock(&settings.database)?;
        let app = Arc::new(server::build(&settings, &parts())?);
        serve(&settings, app, lock, metrics, || Ok(()))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Serves until a signal comes; `ready` is called once it does.
pub(crate) fn serve(
    settings: &Settings,
    app: Arc<App>,
    lock: Option<File>,
    metrics: PrometheusHandle,
    ready: impl FnOnce() -> Result<(), CliError>,
) -> Result<(), CliError> {
    actix_web::rt::System::new().block_on(async move {
        let running = server::start(settings, app, lock, Some(metrics))?;
        let addresses = running.addresses.clone();
        let listening = || {
            for address in addresses {
                tracing::info!(%address, public_url = settings.public_url.as_str(), "listening");
            }
            if settings.public_url.leads_nowhere() {
                tracing::warn!(
                    public_url = settings.public_url.as_str(),
                    "labels printed now lead phones nowhere: set public_url before the first one"
                );
            }
            ready()
        };
        running.run(listening).await
    })?;
    tracing::info!("stopped; the last batch was committed");
    Ok(())
}

/// `pingma migrate`
pub(crate) fn migrate(settings: &Settings) -> Result<Output, CliError> {
    let url = &settings.database;
    let _lock = server::lock(url)?;
    let steps = migrations::run(&mut url.connect_for_long()?)?;
    let done = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
    Ok(Output::new(format!("{url}: {done}, up to date"), json!({ "steps": steps })))
}
