//! What anybody may see: the page behind the QR code, and the same as JSON.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{lang_of, parameter, query};
use super::public_notice::{Notice, NoticePage};
use super::public_page::{PublicCylinder, PublicPage, Verdict, kilograms};
use super::reply::{Data, HttpResult, blocking};
use super::{problem, public_notice};
use crate::app::public::{Caution, PublicRecord, PublicView, Standing};
use crate::app::query::in_words;
use crate::domain::event::CodeStatus;
use crate::domain::finding::Severity;
use crate::domain::hold::OVERFILLED;
use crate::domain::label_code::{Entry, Scan};
use crate::domain::registry::Location;
use crate::domain::said::{Lang, said};
use crate::error::{Code, Error, Result};

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

async fn look_up(service: &Data, request: &HttpRequest, location: Option<Location>) -> Result<PublicRecord> {
    service.limits.public(request)?;
    // For a person at the page: whatever is longer than any code is as unknown as its beginning.
    let code: String = request.match_info().get("code").unwrap_or_default().chars().take(MAX_CODE).collect();
    let class = device_class(request);
    blocking(service, move |app| app.public_look_up(&code, class, location)).await
}

fn sentences(record: &PublicRecord, severity: impl Fn(Severity) -> bool, lang: Lang) -> Vec<String> {
    let chosen: Vec<_> = record.findings.iter().filter(|f| severity(f.severity)).cloned().collect();
    let mut sentences: Vec<String> = in_words(&chosen, lang).into_iter().map(|f| f.message).collect();
    if severity(Severity::Refuse) {
        sentences.extend(held_for(record, lang));
    } else {
        sentences.extend(record.cautions().into_iter().map(|caution| asked_about(caution, lang).to_owned()));
    }
    sentences
}

/// Why the last fill is held: over-filling by its masses, the rest in one sentence.
fn held_for(record: &PublicRecord, lang: Lang) -> Vec<String> {
    let cylinder = record.cylinder.as_ref().filter(|_| record.held);
    let Some((cylinder, fill)) = cylinder.and_then(|c| Some((c, c.last_fill.as_ref()?))) else {
        return Vec::new();
    };
    let (net, most) = (kilograms(fill.net_g), kilograms(cylinder.stamp.max_fill_g.get()));
    let over = match lang {
        Lang::Zh => format!("充装超量：净重 {net}，最多允许 {most}，不得出站"),
        Lang::En => {
            format!(
                "Over-filled: {net} of gas where at most {most} are allowed; it must not leave the station"
            )
        }
    };
    let unchecked = match lang {
        Lang::Zh => "充装后复检未通过或未完成，不得出站",
        Lang::En => "The check after filling was failed or not finished; it must not leave the station",
    };
    let is_over = fill.held_for.iter().any(|rule| rule == OVERFILLED);
    let others = fill.held_for.iter().any(|rule| rule != OVERFILLED) || !is_over;
    [(is_over, over), (others, unchecked.to_owned())]
        .into_iter()
        .filter_map(|(holds, sentence)| holds.then_some(sentence))
        .collect()
}

fn asked_about(caution: Caution, lang: Lang) -> &'static str {
    match (caution, lang) {
        (Caution::NeverFilled, Lang::Zh) => "没有充装记录：不要当作满瓶接收",
        (Caution::NeverFilled, Lang::En) => "No fill is on record: do not accept it as full",
        (Caution::NotDelivered, Lang::Zh) => "记录显示此瓶在站点、检验机构或产权单位，没有交付给用户的记录",
        (Caution::NotDelivered, Lang::En) => {
            "By the records it is at a station, with an agency or with its owner; no delivery to a customer is recorded"
        }
    }
}

/// `GET /api/v1/public/cylinders/{code}`
pub async fn cylinder(service: Data, request: HttpRequest) -> HttpResult {
    let asked: PublicQuery = query(&request)?;
    let lang = match asked.lang.as_deref() {
        None | Some("zh" | "en") => lang(&request, asked.lang.as_deref()),
        Some(_) => return Err(parameter("lang", "invalid", said("应为 zh 或 en", "must be zh or en"))),
    };
    if request.match_info().get("code").is_none_or(|code| code.len() > MAX_CODE) {
        return Err(Code::NotFound.into());
    }
    let record = look_up(&service, &request, location(&asked)?).await?;
    Ok(HttpResponse::Ok().json(view(&record, lang)))
}

/// Degrees from a query, if there are any.
fn degrees(name: &str, text: Option<&str>, max: f64) -> Result<Option<f64>> {
    let Some(text) = text else { return Ok(None) };
    let inside = text.parse().ok().filter(|degrees: &f64| degrees.abs() <= max);
    let allowed =
        || said(format!("应为 -{max} 到 {max} 的数"), format!("must be a number from -{max} to {max}"));
    let wrong = || parameter(name, "invalid", allowed());
    inside.map(Some).ok_or_else(wrong)
}

/// Where the person is, if both degrees are given.
fn location(asked: &PublicQuery) -> Result<Option<Location>> {
    let lat = degrees("lat", asked.lat.as_deref(), Location::MAX_LAT)?;
    let lon = degrees("lon", asked.lon.as_deref(), Location::MAX_LON)?;
    Ok(lat.zip(lon).map(|(lat, lon)| Location { lat, lon }))
}

/// The language of a page, which no wish keeps from coming: `en-US` and `zh_CN` are taken, and any other is not heard.
fn lang(request: &HttpRequest, asked: Option<&str>) -> Lang {
    let primary = asked.and_then(|text| text.split(['-', '_']).next()).map(str::to_ascii_lowercase);
    match primary.as_deref() {
        Some("en") => Lang::En,
        Some("zh") => Lang::Zh,
        _ => lang_of(request),
    }
}

fn view(record: &PublicRecord, lang: Lang) -> PublicView {
    let cylinder = record.cylinder.as_ref();
    PublicView {
        lawful: matches!(record.standing(), Standing::Lawful | Standing::Caution),
        standing: record.standing(),
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

/// `GET /C/{code}`: a person gets a page, whatever goes wrong.
pub async fn page(service: Data, request: HttpRequest) -> HttpResult {
    let asked: PublicQuery = query(&request).unwrap_or_default();
    let lang = lang(&request, asked.lang.as_deref());
    // A person at the page is not troubled with degrees that are none.
    match look_up(&service, &request, location(&asked).unwrap_or_default()).await {
        Ok(record) => record_page(&service, &record, lang),
        Err(error) => failed(&service, lang, &error),
    }
}

fn record_page(service: &Data, record: &PublicRecord, lang: Lang) -> HttpResult {
    let verdict = match (record.status, record.standing()) {
        (CodeStatus::Forged, _) => Verdict::ForgedCode,
        (CodeStatus::Unknown, _) => Verdict::UnknownCode,
        (_, Standing::Lawful) => Verdict::Lawful,
        (_, Standing::Caution) => Verdict::Caution,
        (_, Standing::Unjudged) => Verdict::Unjudged,
        (_, Standing::NotLawful) => Verdict::NotLawful,
    };
    let view = view(record, lang);
    let page = PublicPage {
        lang,
        verdict,
        // The short form of a forged code would be that of the label it imitates.
        code_shown: match record.status {
            CodeStatus::Forged => record.forged_code.clone(),
            _ => record.label_id.as_ref().map(|id| id.typed()),
        },
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
        complaint: service.complaint.clone(),
        looked_up_on: record.today,
        other_lang_url: other_lang_url(lang),
    };
    html(StatusCode::OK, super::public_page::CONTENT_SECURITY.to_owned(), page.render())
}

fn other_lang_url(lang: Lang) -> String {
    format!("?lang={}", if lang == Lang::Zh { "en" } else { "zh" })
}

fn html(
    status: StatusCode,
    security: String,
    page: std::result::Result<String, askama::Error>,
) -> HttpResult {
    let page = page.map_err(|error| {
        tracing::error!(%error, "public page");
        Code::Internal
    })?;
    Ok(HttpResponse::build(status)
        .insert_header((header::CONTENT_SECURITY_POLICY, security))
        .insert_header((header::VARY, "Accept-Language"))
        .content_type("text/html; charset=utf-8")
        .body(page))
}

fn notice(service: &Data, lang: Lang, status: StatusCode, notice: Notice, wait_s: Option<i64>) -> HttpResult {
    let page = NoticePage {
        lang,
        notice,
        retry_after_s: wait_s,
        complaint: service.complaint.clone(),
        other_lang_url: other_lang_url(lang),
    };
    html(status, public_notice::content_security(), page.render())
}

/// The page for a look-up that could not be made.
fn failed(service: &Data, lang: Lang, error: &Error) -> HttpResult {
    let class = error.code.class();
    let what = Notice::of(class);
    let wait_s = error.retry_after_s.filter(|_| what == Notice::TooMany);
    let mut response = notice(service, lang, problem::status(class), what, wait_s)?;
    if let Some(wait_s) = error.retry_after_s {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait_s));
    }
    Ok(response)
}

/// What the form of the front page sends.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct FrontQuery {
    /// `zh` or `en`; the browser's language if left out.
    #[param(pattern = "^(zh|en)$")]
    pub lang: Option<String>,
    /// A code as somebody typed it; answered with the address of its page.
    #[param(max_length = 400)]
    pub code: Option<String>,
}

/// `GET /` and `GET /C/`: what this service is, and a form for a code. It takes what the page behind the QR code takes
/// and no number that can be counted up, such as the registration code; and it only leads to that page, which counts
/// look-ups.
pub async fn front(service: Data, request: HttpRequest) -> HttpResult {
    let asked: FrontQuery = query(&request).unwrap_or_default();
    let lang = lang(&request, asked.lang.as_deref());
    let typed = asked.code.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let code = match typed.map(|text| Scan::read(text, Entry::Typed)) {
        None => return notice(&service, lang, StatusCode::OK, Notice::Front, None),
        Some(Scan::Foreign(_)) => {
            return notice(&service, lang, StatusCode::UNPROCESSABLE_ENTITY, Notice::Mistyped, None);
        }
        Some(Scan::Code(code)) => code.to_string(),
        Some(Scan::Typed(id)) => id.typed(),
    };
    let word = if lang == Lang::Zh { "zh" } else { "en" };
    let place = format!("/C/{code}?lang={word}");
    Ok(HttpResponse::SeeOther().insert_header((header::LOCATION, place)).finish())
}

/// What is nowhere: a page with the way back for a browser, a problem document for everybody else.
pub async fn nothing_here(service: Data, request: HttpRequest) -> HttpResult {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        return no_page(service, request).await;
    }
    Err(Code::NotFound.into())
}

/// Whatever else begins like a printed address.
pub async fn no_page(service: Data, request: HttpRequest) -> HttpResult {
    let asked: FrontQuery = query(&request).unwrap_or_default();
    let lang = lang(&request, asked.lang.as_deref());
    failed(&service, lang, &Code::NotFound.into())
}
