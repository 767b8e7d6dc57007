//! The front door: the only place that knows actix. Handlers are thin: read the request, call a use case, write the answer.

pub mod audit;
pub mod bounds;
pub mod cylinders;
pub mod devices;
pub mod extract;
pub mod filling;
pub mod json;
pub mod limits;
pub mod middleware;
pub mod openapi;
pub mod operations;
pub mod problem;
pub mod public;
pub mod public_notice;
pub mod public_page;
pub mod reference;
pub mod registry;
pub mod reply;
pub mod routes;
pub mod sessions;

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;

use self::limits::Limits;
use crate::app::App;
use crate::label::LabelFonts;

/// What every handler can reach.
pub struct Service {
    /// The use cases.
    pub app: Arc<App>,
    /// Fonts of label pictures.
    pub fonts: LabelFonts,
    /// How often one address may call what needs no login.
    pub limits: Limits,
    /// Keys of scales that were looked up.
    pub devices: devices::KnownDevices,
    /// What `/readyz` found last.
    pub readiness: operations::Readiness,
    /// Metrics to show.
    pub metrics: Option<PrometheusHandle>,
    /// What `/metrics` asks for.
    pub metrics_token: Option<SecretString>,
    /// Where people complain.
    pub complaint: public_page::Complaint,
}
