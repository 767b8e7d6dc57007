//! What was scanned or typed, as the calls with a code in their body take it.

use actix_web::HttpRequest;

use super::super::extract::Caller;
use super::super::reply::{Data, blocking};
use crate::app::scan::ScannedCode;
use crate::domain::label_code::Entry;
use crate::domain::value::Text;
use crate::error::Result;

/// A scanned or typed text, cut by its bounds alone: what it is, the gate says.
pub type Scanned = Text<1, 400>;

/// Reads a code. Only so many may be typed.
///
/// # Errors
/// 429; for a typed one also 401, or the database.
pub async fn scanned(
    service: &Data,
    request: &HttpRequest,
    caller: &Caller,
    text: &Scanned,
    entry: Entry,
) -> Result<ScannedCode> {
    if entry == Entry::Typed {
        let credential = caller.credential;
        let by = blocking(service, move |app| app.organization_of(credential)).await?;
        service.limits.typed(request, by)?;
    }
    Ok(service.app.scanned(text.as_str(), entry))
}
