//! Labels: a new one for an old one, and their pictures.

use super::super::extract::{Body, Caller, query};
use super::super::filling::EventRef;
use super::super::reply::{Data, HttpResult, blocking, command, recorded};
use super::*;
use crate::app::cylinder::ReplaceLabel;
use crate::app::query::{self as app};
use crate::auth::permission::Action;
use crate::domain::event::EventData;
use crate::domain::id::CylinderId;
use crate::domain::said::{Said, said};
use crate::error::{Code, Error, Result};
use crate::label::{ErrorCorrection, LabelContent, LabelError, LabelSpec, SizeMm, render_png, render_svg};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// The answer to a replaced label.
#[derive(Debug, Serialize, ToSchema)]
pub struct LabelReply {
    /// The cylinder.
    pub cylinder_id: CylinderId,
    /// The new label.
    pub label: app::LabelView,
    /// Where it stands in the ledger.
    pub event: EventRef,
}

/// `POST /cylinders/{ref}/labels`
pub async fn replace_label(
    service: Data,
    caller: Caller,
    request: HttpRequest,
    body: Body<ReasonRequest>,
) -> HttpResult {
    let new = ReplaceLabel {
        call: caller.call(body.digest),
        keys: Arc::clone(&service.app.keyring),
        target: target(&service, &caller, Action::RegisterCylinder, &request).await?,
        reason: body.value.reason,
    };
    let receipt = command(&service, &caller, new).await?;
    let event = &receipt.event;
    let (EventData::LabelBound(data), Some(cylinder_id)) = (&event.event.data, event.event.stream.cylinder())
    else {
        return Err(Code::Internal.into());
    };
    let label = app::new_label(&service.app.keyring, &service.app.public_url, &data.label_id, data.key_id);
    let reply = LabelReply { cylinder_id, label, event: EventRef::from(&**event) };
    Ok(recorded(StatusCode::CREATED, &receipt, &reply))
}

/// How a label is drawn.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LabelQuery {
    /// Width in millimetres, 15 to 150; 40 if left out.
    #[param(value_type = Option<i64>, minimum = 15, maximum = 150)]
    pub size_mm: Option<String>,
    /// Error correction: L, M, Q or H; M if left out.
    #[param(value_type = Option<String>, pattern = "^[LMQH]$")]
    pub ec: Option<String>,
}

/// Dots per inch of PNG pictures: what label printers print.
const PNG_DPI: u32 = 300;

fn spec(asked: &LabelQuery) -> Result<LabelSpec> {
    let wrong = |name: &str, allowed: Said| Error::invalid(&format!("?{name}"), "out_of_range", allowed);
    let size = asked.size_mm.as_deref().unwrap_or("40").parse().ok().and_then(|mm: u16| SizeMm::new(mm).ok());
    let correction = asked.ec.as_deref().unwrap_or("M").parse::<ErrorCorrection>();
    Ok(LabelSpec {
        size_mm: size.ok_or_else(|| wrong("size_mm", said("应在 15 到 150 之间", "15 to 150")))?,
        error_correction: correction.map_err(|_| wrong("ec", said("应为 L、M、Q 或 H", "L, M, Q or H")))?,
        resolution_dpi: PNG_DPI,
    })
}

/// `GET /labels/{code}.svg` and `.png`
pub async fn picture(service: Data, caller: Caller, request: HttpRequest) -> HttpResult {
    let file = request.match_info().get("file").unwrap_or_default();
    let (code, kind) = file.rsplit_once('.').ok_or(Code::LabelNotFound)?;
    let vector = match kind {
        "svg" => true,
        "png" => false,
        _ => return Err(Code::LabelNotFound.into()),
    };
    let spec = spec(&query(&request)?)?;
    let (code, call) = (code.to_owned(), caller.plain_call());
    let inner = service.clone();
    let drawn = blocking(&service, move |app| {
        let printed = app.printed(&call, &code)?;
        let (url, typed) = (printed.code.url(&app.public_url), printed.code.id.typed());
        let content = LabelContent {
            url: &url,
            typed_code: &typed,
            registration_code: printed.registration_code.as_deref(),
            owner_name: &printed.owner_name,
        };
        let drawn = if vector {
            render_svg(&content, spec, &inner.fonts).map(String::into_bytes)
        } else {
            render_png(&content, spec, &inner.fonts)
        };
        drawn.map_err(|error| undrawn(&error))
    })
    .await?;
    let kind = if vector { "image/svg+xml" } else { "image/png" };
    Ok(HttpResponse::Ok().insert_header((header::CONTENT_TYPE, kind)).body(drawn))
}

/// What is wrong with a label that can't be drawn: the size that was asked for, or something of ours.
fn undrawn(error: &LabelError) -> Error {
    let zh = match error {
        LabelError::TooDense { .. } => "二维码对此尺寸过密：请用更大的标签、更短的网址或更低的纠错等级",
        LabelError::UnsuitableResolution { .. } => "此尺寸的标签无法按该分辨率绘制",
        _ => {
            tracing::error!(%error, "a label can't be drawn");
            return Code::Internal.into();
        }
    };
    Error::invalid("?size_mm", "out_of_range", said(zh, error.to_string()))
}
