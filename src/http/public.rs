//! What anybody may see: the page behind the QR code, and the same as JSON.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{lang_of, query};
use super::public_page::{Complaint, PublicCylinder, PublicPage, Verdict};
use super::reply::{Data, HttpResult, blocking};
use crate::app::public::{PublicRecord, PublicView};
use crate::app::query::in_words;
use crate::domain::event::CodeStatus;
use crate::domain::finding::Severity;
use crate::domain::registry::Location;
use crate::error::{Code, Result};
use crate::gate::rule::Lang;

/// How a page is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PublicQuery {
    /// `zh` or `en`; the browser's language if left out.
    #[param(pattern = "^(zh|en)$")]
    pub lang: Option<String>,
    /// Latitude in degrees, if the person gives it.
    #[param(value_type = Option<f64>, minimum = -90, maximum = 90)]
    pub lat: Option<String>,
    /// Longitude in degrees, if the person gives it.
    #[param(value_type = Option<f64>, minimum = -180, maximum = 180)]
    pub lon: Option<String>,
}

/// Longest code that is looked at, in characters.
const MAX_CODE: usize = 400;

fn device_class(request: &HttpRequest) -> &'static str {
    let agent =
        request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if agent.contains("iPad") || agent.contains("Tablet") {
        "tablet"
    } else if agent.contains("Mobile") || agent.contains("MicroMessenger") {
        "phone"
    } else if agent.contains("Mozilla") {
        "computer"
    } else {
        "other"
    }
}

async fn look_up(service: &Data, request: &HttpRequest, asked: &PublicQuery) -> Result<PublicRecord> {
    service.limits.public(request)?;
    // For a person at the page: whatever is longer than any code is as unknown as its beginning.
    let code: String = request.match_info().get("code").unwrap_or_default().chars().take(MAX_CODE).collect();
    let degrees = |text: &Option<String>| text.as_deref().and_then(|t| t.parse::<f64>().ok());
    let location = degrees(&asked.lat).zip(degrees(&asked.lon)).map(|(lat, lon)| Location { lat, lon });
    let class = device_class(request);
    blocking(service, move |app| app.public_look_up(&code, class, location)).await
}

fn sentences(record: &PublicRecord, severity: impl Fn(Severity) -> bool, lang: Lang) -> Vec<String> {
    let chosen: Vec<_> = record.findings.iter().filter(|f| severity(f.severity)).cloned().collect();
    let mut sentences: Vec<String> = in_words(&chosen, lang).into_iter().map(|f| f.message).collect();
    if record.held && severity(Severity::Refuse) {
        sentences.push(match lang {
            Lang::Zh => "充装后复检未通过或未完成，不得出站".to_owned(),
            Lang::En => {
                "The check after filling was failed or not finished; it must not leave the station".to_owned()
            }
        });
    }
    sentences
}

/// `GET /api/v1/public/cylinders/{code}`
pub async fn cylinder(service: Data, request: HttpRequest) -> HttpResult {
    let asked: PublicQuery = query(&request)?;
    let lang = lang(&request, &asked);
    if request.match_info().get("code").is_none_or(|code| code.len() > MAX_CODE) {
        return Err(Code::NotFound.into());
    }
    let record = look_up(&service, &request, &asked).await?;
    Ok(HttpResponse::Ok().json(view(&record, lang)))
}

fn lang(request: &HttpRequest, asked: &PublicQuery) -> Lang {
    match asked.lang.as_deref() {
        Some("en") => Lang::En,
        Some("zh") => Lang::Zh,
        _ => lang_of(request.headers()),
    }
}

fn view(record: &PublicRecord, lang: Lang) -> PublicView {
    let cylinder = record.cylinder.as_ref();
    PublicView {
        lawful: record.is_lawful(),
        reasons: sentences(record, |s| s == Severity::Refuse, lang),
        notes: sentences(record, |s| s != Severity::Refuse, lang),
        registration_code: cylinder.and_then(|c| c.registration_code.as_ref()).map(ToString::to_string),
        model: cylinder.map(|c| c.stamp.model.to_string()),
        owner_name: record.owner_name.clone(),
        filler_name: record.filler_name.clone(),
        filled_on: record.filled_on,
        net_g: cylinder.and_then(|c| c.last_fill.as_ref()).map(|fill| fill.net_g),
        inspection_due_on: cylinder.map(|c| c.inspection_due_on.0),
        life_ends_on: cylinder.map(|c| c.life_ends_on.0),
        insured: cylinder.map(|c| c.insurance.as_ref().is_some_and(|i| i.validity().contains(record.today))),
    }
}

/// `GET /C/{code}`
pub async fn page(service: Data, request: HttpRequest) -> HttpResult {
    let asked: PublicQuery = query(&request).unwrap_or_default();
    let lang = lang(&request, &asked);
    let record = look_up(&service, &request, &asked).await?;
    let verdict = match (record.status, record.is_lawful()) {
        (CodeStatus::Forged, _) => Verdict::ForgedCode,
        (CodeStatus::Unknown, _) => Verdict::UnknownCode,
        (_, true) => Verdict::Lawful,
        (_, false) => Verdict::NotLawful,
    };
    let other = if lang == Lang::Zh { "en" } else { "zh" };
    let view = view(&record, lang);
    let page = PublicPage {
        lang,
        verdict,
        code_typed: record.label_id.as_ref().map(|id| id.typed()),
        cylinder: record.cylinder.as_ref().map(|cylinder| PublicCylinder {
            reasons: view.reasons,
            notes: view.notes,
            registration_code: view.registration_code,
            model: view.model,
            owner_name: view.owner_name,
            filler_name: view.filler_name,
            filled_on: view.filled_on,
            net_g: view.net_g,
            inspection_due_on: view.inspection_due_on,
            life_ends_on: view.life_ends_on,
            insured: view.insured,
            serial_no: cylinder.stamp.serial_no.to_string(),
            status: cylinder.status(),
            manufactured_on: Some(cylinder.stamp.manufactured_on.first_day()),
        }),
        complaint: Complaint {
            phone: service.complaint.phone.clone(),
            authority: service.complaint.authority.clone(),
        },
        looked_up_on: record.today,
        other_lang_url: format!("?lang={other}"),
    };
    let html = page.render().map_err(|error| {
        tracing::error!(%error, "public page");
        Code::Internal
    })?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_SECURITY_POLICY, super::public_page::CONTENT_SECURITY))
        .insert_header((header::VARY, "Accept-Language"))
        .content_type("text/html; charset=utf-8")
        .body(html))
}
