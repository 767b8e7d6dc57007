//! Which keys of scales are good. Anybody can make one up, and a made-up key must not take a place in the ledger's queue from a
//! station: what is not known is looked up first, and only so many strange keys a minute from one address.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use actix_web::HttpRequest;

use super::reply::{Data, blocking};
use crate::db::registry::DeviceKeyRow;
use crate::domain::instant::Instant;
use crate::error::{Code, Result};

/// How long a look-up is relied on, in seconds. Whether a key still is good the ledger asks each time; this is for who keeps
/// calling with one that was revoked.
const RELIED_ON_S: i64 = 60;

/// The digest of a key.
type Digest = [u8; 32];

/// Good keys, and when they were looked up. Only good ones come in, so there are no more than scales have.
#[derive(Debug, Default)]
pub struct KnownDevices(Mutex<HashMap<Digest, Instant>>);

impl KnownDevices {
    fn looked_up_at(&self, key: &Digest) -> Option<Instant> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn note(&self, key: Digest, good_at: Option<Instant>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match good_at {
            Some(at) => known.insert(key, at),
            None => known.remove(&key),
        };
    }
}

/// Lets a call with this key in. One that was revoked gets in too, at the pace of strangers: whoever answers it has it put
/// on record.
///
/// # Errors
/// 401 for a key that never was one, 429, or the database.
pub async fn admit(service: &Data, request: &HttpRequest, key: Digest) -> Result<()> {
    let now = service.app.clock.now();
    let before = service.devices.looked_up_at(&key);
    if before.is_some_and(|at| (0..RELIED_ON_S).contains(&now.seconds_since(at))) {
        return Ok(());
    }
    if before.is_none() {
        service.limits.strange_device(request)?;
    }
    let found =
        blocking(service, move |app| Ok(DeviceKeyRow::by_digest(&mut *app.pool.get()?, &key)?)).await?;
    let good = found.as_ref().is_some_and(|row| row.revoked_at.is_none());
    service.devices.note(key, good.then_some(now));
    found.map(|_| ()).ok_or_else(|| Code::TokenInvalid.into())
}
