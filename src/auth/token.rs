//! Access tokens: a signed statement that lives ten minutes.
//!
//! A JWT with one algorithm (EdDSA), one form of header and one set of claims; what deviates in any way is
//! refused. A token says which user and which session it was made for and nothing about what they may do.
//!
//! Checking a signature takes some 55 µs, so what was verified is remembered, by the SHA-256 of the whole token,
//! until it expires or the keys change. A session that was ended is not noticed here: whoever gets
//! [`AccessClaims`] looks the session up.

use std::fmt;
use std::sync::Arc;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header, encode};
use quick_cache::sync::Cache;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::keyring::Keyring;
use crate::digest::sha256;
use crate::domain::actor::Credential;
use crate::domain::id::{SessionId, UserId};
use crate::domain::instant::Instant;

/// How long a token lives.
pub const LIFETIME_S: i64 = 600;
/// How far the clocks of two servers may be apart: for `nbf` and `iat` only, never for `exp`.
const LEEWAY_S: i64 = 5;
/// The longest token that is looked at. Ours have some 450 characters.
const MAX_BYTES: usize = 2048;
/// Verified tokens that are remembered.
const CACHED_TOKENS: usize = 16_384;

/// Why a token is not accepted, or could not be made. For the log and the tests; a client learns only that its
/// token is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than any of ours.
    #[error("the token has more than {MAX_BYTES} bytes")]
    TooLong,
    /// Not three parts of base64url with the JSON that we write.
    #[error("the token is not one of the form that this server makes")]
    Malformed,
    /// Signed with something else than EdDSA.
    #[error("the token has another algorithm than EdDSA")]
    WrongAlgorithm,
    /// The header has other members than ours.
    #[error("the token has another header than this server's")]
    WrongHeader,
    /// The key that is named does not exist, or is retired for good.
    #[error("the token names a key that is not in use")]
    UnknownKey,
    /// Not signed by the key that is named.
    #[error("the signature of the token is wrong")]
    WrongSignature,
    /// Made by somebody else.
    #[error("the token has another issuer")]
    WrongIssuer,
    /// Made for somebody else.
    #[error("the token has another audience")]
    WrongAudience,
    /// Made to live longer than ours do, or to end before it begins.
    #[error("the token has a lifetime that this server does not give")]
    WrongLifetime,
    /// Its time is over.
    #[error("the token is expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// No token could be made.
    #[error("the token could not be signed")]
    Signing,
}

/// What a verified token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessClaims {
    /// Whom it was made for.
    pub user_id: UserId,
    /// The login it came from.
    pub session_id: SessionId,
    /// When it was made.
    pub issued_at: Instant,
    /// From when on it is not valid.
    pub expires_at: Instant,
}

impl AccessClaims {
    /// What it proves about the sender of a call.
    pub fn credential(&self) -> Credential {
        Credential::Session { session_id: self.session_id, user_id: self.user_id }
    }
}

/// The claims as they are in the token. Times are whole seconds since 1970.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Claims {
    iss: String,
    aud: String,
    sub: UserId,
    sid: SessionId,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// What is remembered of a token whose signature was right.
#[derive(Debug, Clone, Copy)]
struct Verified {
    claims: AccessClaims,
    not_before: Instant,
    generation: u64,
}

impl Verified {
    /// The one check of time, the same for a token that is new and one that is remembered.
    fn at(self, now: Instant) -> Result<AccessClaims, TokenError> {
        let latest_begin = now.plus_seconds(LEEWAY_S);
        if now >= self.claims.expires_at {
            Err(TokenError::Expired)
        } else if self.not_before > latest_begin || self.claims.issued_at > latest_begin {
            Err(TokenError::NotYet)
        } else {
            Ok(self.claims)
        }
    }
}

/// Makes access tokens and verifies them.
pub struct Tokens {
    keyring: Arc<Keyring>,
    issuer: String,
    audience: String,
    validation: Validation,
    verified: Cache<[u8; 32], Verified>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("verified", &self.verified.len())
            .finish_non_exhaustive()
    }
}

impl Tokens {
    /// With the keys of the ring, for this issuer (the service's public address) and audience.
    pub fn new(keyring: Arc<Keyring>, issuer: &str, audience: &str) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp", "nbf"]);
        // The library would ask the machine's clock. `Verified::at` checks the times against the given one.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            keyring,
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            validation,
            verified: Cache::new(CACHED_TOKENS),
        }
    }

    /// A token for a user's session, and the seconds until it expires. Signing takes some 50 µs.
    pub fn issue(
        &self,
        user_id: UserId,
        session_id: SessionId,
        now: Instant,
    ) -> Result<(SecretString, i64), TokenError> {
        let iat = now.micros().div_euclid(1_000_000);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user_id,
            sid: session_id,
            iat,
            nbf: iat,
            exp: iat.saturating_add(LIFETIME_S),
        };
        let key = self.keyring.active_token_key();
        let token = encode(&header(&key.id), &claims, &key.encoding).map_err(|_| TokenError::Signing)?;
        if token.len() > MAX_BYTES {
            return Err(TokenError::Signing);
        }
        Ok((token.into(), instant(claims.exp).seconds_since(now)))
    }

    /// What a token says, if it is one of ours and its time is now.
    pub fn verify(&self, token: &str, now: Instant) -> Result<AccessClaims, TokenError> {
        if token.len() > MAX_BYTES {
            return Err(TokenError::TooLong);
        }
        let digest = sha256(&[token.as_bytes()]);
        // Asked for before the key is: a key that changes meanwhile must not be remembered as verified.
        let generation = self.keyring.generation();
        if let Some(verified) = self.verified.get(&digest)
            && verified.generation == generation
        {
            let claims = verified.at(now);
            if claims == Err(TokenError::Expired) {
                self.verified.remove(&digest);
            }
            return claims;
        }
        let verified = self.verify_signature(token, generation, now)?;
        let claims = verified.at(now)?;
        self.verified.insert(digest, verified);
        Ok(claims)
    }

    fn verify_signature(&self, token: &str, generation: u64, now: Instant) -> Result<Verified, TokenError> {
        let found = decode_header(token).map_err(|_| TokenError::Malformed)?;
        if found.alg != Algorithm::EdDSA {
            return Err(TokenError::WrongAlgorithm);
        }
        let kid = found.kid.as_deref().ok_or(TokenError::WrongHeader)?;
        // No `jku`, no `jwk`, no `crit`: nothing but what we write.
        if found != header(kid) {
            return Err(TokenError::WrongHeader);
        }
        let key = self.keyring.token_key(kid, now).ok_or(TokenError::UnknownKey)?;
        let claims =
            decode::<Claims>(token, &key.decoding, &self.validation).map_err(|error| match error.kind() {
                ErrorKind::InvalidSignature => TokenError::WrongSignature,
                ErrorKind::InvalidAlgorithm => TokenError::WrongAlgorithm,
                ErrorKind::InvalidIssuer => TokenError::WrongIssuer,
                ErrorKind::InvalidAudience => TokenError::WrongAudience,
                _ => TokenError::Malformed,
            })?;
        let claims = claims.claims;
        let lifetime = claims.exp.saturating_sub(claims.iat.min(claims.nbf));
        if !(1..=LIFETIME_S).contains(&lifetime) {
            return Err(TokenError::WrongLifetime);
        }
        let expires_at = instant(claims.exp);
        Ok(Verified {
            claims: AccessClaims {
                user_id: claims.sub,
                session_id: claims.sid,
                issued_at: instant(claims.iat),
                // Nothing outlives its key.
                expires_at: key.until.map_or(expires_at, |until| until.min(expires_at)),
            },
            not_before: instant(claims.nbf),
            generation,
        })
    }
}

/// The only header there is.
fn header(kid: &str) -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.kid = Some(kid.to_owned());
    header
}

fn instant(seconds: i64) -> Instant {
    Instant::from_micros(seconds.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{IdGen, SeededIds};
    use aws_lc_rs::hmac;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use jsonwebtoken::EncodingKey;
    use proptest::prelude::*;
    use secrecy::ExposeSecret;
    use serde_json::{Value, json};
    use std::sync::LazyLock;

    struct Setup {
        tokens: Tokens,
        ids: SeededIds,
        now: Instant,
        _folder: tempfile::TempDir,
    }

    impl Setup {
        fn new(seed: u64) -> Self {
            let ids = SeededIds::new(seed);
            let now = "2026-11-21T08:00:00.250Z".parse().unwrap();
            let folder = tempfile::tempdir().unwrap();
            let ring = Keyring::load_or_create(&folder.path().join("keys.json"), &ids, now).unwrap();
            let tokens = Tokens::new(Arc::new(ring), "https://pingma.example", "pingma-api");
            Self { tokens, ids, now, _folder: folder }
        }
        fn user(&self) -> UserId {
            "019a0000-0000-7000-8000-000000000001".parse().unwrap()
        }
        fn session(&self) -> SessionId {
            "019a0000-0000-7000-8000-000000000002".parse().unwrap()
        }
        fn issue(&self) -> String {
            let (token, _) = self.tokens.issue(self.user(), self.session(), self.now).unwrap();
            token.expose_secret().to_owned()
        }
        fn verify(&self, token: &str) -> Result<AccessClaims, TokenError> {
            self.tokens.verify(token, self.now)
        }
        fn after(&self, token: &str, micros: i64) -> Result<AccessClaims, TokenError> {
            self.tokens.verify(token, Instant::from_micros(self.now.micros() + micros))
        }
        fn claims(&self) -> Value {
            part(&self.issue(), 1)
        }
        fn header(&self) -> Value {
            part(&self.issue(), 0)
        }
        /// A token with the right signature over anything.
        fn signed(&self, header: &Value, claims: &Value) -> String {
            let message = format!("{}.{}", encoded(header), encoded(claims));
            let key = self.tokens.keyring.active_token_key();
            sign(&message, &key.encoding)
        }
        fn with(&self, member: &str, value: Value) -> Result<AccessClaims, TokenError> {
            let mut claims = self.claims();
            claims[member] = value;
            self.verify(&self.signed(&self.header(), &claims))
        }
    }

    fn sign(message: &str, key: &EncodingKey) -> String {
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::EdDSA).unwrap();
        format!("{message}.{signature}")
    }

    fn encoded(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn part(token: &str, index: usize) -> Value {
        let part = token.split('.').nth(index).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    const SECOND: i64 = 1_000_000;

    #[test]
    fn a_token_says_whom_it_is_for() {
        let setup = Setup::new(1);
        let (token, expires_in_s) = setup.tokens.issue(setup.user(), setup.session(), setup.now).unwrap();
        assert_eq!(expires_in_s, 599, "whole seconds that are surely left");
        let token = token.expose_secret();
        assert!(token.len() < 500, "{}", token.len());
        let claims = setup.verify(token).unwrap();
        assert_eq!((claims.user_id, claims.session_id), (setup.user(), setup.session()));
        assert_eq!(claims.expires_at.to_string(), "2026-11-21T08:10:00.000000Z");
        let session = Credential::Session { session_id: setup.session(), user_id: setup.user() };
        assert_eq!(claims.credential(), session);
        let kid = &setup.tokens.keyring.active_token_key().id;
        assert_eq!(part(token, 0), json!({"typ": "JWT", "alg": "EdDSA", "kid": kid}));
        assert_eq!(part(token, 1)["sub"], json!(setup.user().to_string()));
    }

    #[test]
    fn it_expires_at_the_exact_moment() {
        let setup = Setup::new(1);
        let token = setup.issue();
        let end: Instant = "2026-11-21T08:10:00Z".parse().unwrap();
        let just_before = Instant::from_micros(end.micros() - 1);
        assert!(setup.tokens.verify(&token, just_before).is_ok());
        assert_eq!(setup.tokens.verify(&token, end), Err(TokenError::Expired));
        assert_eq!(Setup::new(1).tokens.verify(&token, end), Err(TokenError::Expired), "nor uncached");
    }

    #[test]
    fn the_cache_does_not_outlive_it() {
        let setup = Setup::new(1);
        let token = setup.issue();
        assert!(setup.verify(&token).is_ok());
        assert_eq!(setup.tokens.verified.len(), 1);
        assert!(setup.verify(&token).is_ok());
        assert_eq!(setup.after(&token, 600 * SECOND), Err(TokenError::Expired));
        assert_eq!(setup.tokens.verified.len(), 0);
        assert_eq!(setup.after(&token, 601 * SECOND), Err(TokenError::Expired));
        assert_eq!(setup.tokens.verified.len(), 0);
        assert!(setup.verify(&token).is_ok(), "it is time that decides, not the order of calls");
        assert_eq!(setup.after(&token, -6 * SECOND), Err(TokenError::NotYet), "also of a cached one");
    }

    #[test]
    fn the_cache_holds_only_what_was_verified() {
        let setup = Setup::new(1);
        let token = setup.issue();
        let forged = format!("{}A", &token[..token.len() - 1]);
        for _ in 0..2 {
            assert!(setup.verify(&forged).is_err());
            assert!(setup.verify("").is_err());
        }
        assert_eq!(setup.tokens.verified.len(), 0);
    }

    #[test]
    fn one_of_the_future_is_refused_but_for_the_leeway() {
        let setup = Setup::new(1);
        let token = setup.issue();
        assert!(setup.after(&token, -5 * SECOND - 250_000).is_ok());
        assert_eq!(setup.after(&token, -5 * SECOND - 250_001), Err(TokenError::NotYet));
        let iat = setup.claims()["iat"].as_i64().unwrap();
        assert!(setup.with("nbf", json!(iat + 5)).is_ok());
        assert_eq!(setup.with("nbf", json!(iat + 6)), Err(TokenError::NotYet));
        assert!(setup.with("iat", json!(iat + 5)).is_ok());
        assert_eq!(setup.with("iat", json!(iat + 6)), Err(TokenError::NotYet));
    }

    #[test]
    fn no_lifetime_but_ours() {
        let setup = Setup::new(1);
        let iat = setup.claims()["iat"].as_i64().unwrap();
        assert_eq!(setup.with("exp", json!(iat + 601)), Err(TokenError::WrongLifetime));
        assert_eq!(setup.with("exp", json!(iat)), Err(TokenError::WrongLifetime));
        assert_eq!(setup.with("exp", json!(i64::MAX)), Err(TokenError::WrongLifetime));
        assert_eq!(setup.with("iat", json!(i64::MIN)), Err(TokenError::WrongLifetime));
        assert_eq!(setup.with("nbf", json!(iat - 1)), Err(TokenError::WrongLifetime));
        assert!(setup.with("exp", json!(iat + 1)).is_ok());
    }

    #[test]
    fn issuer_and_audience_are_ours() {
        let setup = Setup::new(1);
        assert_eq!(setup.with("iss", json!("https://other.example")), Err(TokenError::WrongIssuer));
        assert_eq!(setup.with("aud", json!("other-api")), Err(TokenError::WrongAudience));
        for several in [json!(["pingma-api", "other-api"]), json!(["pingma-api"]), json!(null), json!(7)] {
            assert_eq!(setup.with("aud", several), Err(TokenError::Malformed));
        }
    }

    #[test]
    fn every_claim_is_there_and_no_other() {
        let setup = Setup::new(1);
        for member in ["iss", "aud", "sub", "sid", "iat", "nbf", "exp"] {
            let mut claims = setup.claims();
            claims.as_object_mut().unwrap().remove(member);
            let token = setup.signed(&setup.header(), &claims);
            assert_eq!(setup.verify(&token), Err(TokenError::Malformed), "{member}");
        }
        assert_eq!(setup.with("role", json!("platform_admin")), Err(TokenError::Malformed));
        assert_eq!(setup.with("sub", json!("1")), Err(TokenError::Malformed));
        assert_eq!(setup.with("exp", json!("1")), Err(TokenError::Malformed));
        assert_eq!(setup.with("exp", json!(1.5)), Err(TokenError::Malformed));
    }

    #[test]
    fn other_algorithms_are_refused_even_with_a_fitting_signature() {
        let setup = Setup::new(1);
        let key = setup.tokens.keyring.active_token_key();
        let public = key.decoding.try_get_as_bytes().unwrap();
        for alg in ["HS256", "HS384", "ES256", "RS256", "PS256"] {
            let mut header = setup.header();
            header["alg"] = json!(alg);
            let message = format!("{}.{}", encoded(&header), encoded(&setup.claims()));
            // The classic: the public key taken for the secret of an HMAC.
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, public), message.as_bytes());
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag));
            assert_eq!(setup.verify(&token), Err(TokenError::WrongAlgorithm), "{alg}");
            let token = sign(&message, &key.encoding);
            assert_eq!(setup.verify(&token), Err(TokenError::WrongAlgorithm), "{alg} in name only");
        }
        for alg in [json!("none"), json!("None"), json!(""), json!("eddsa"), json!("Ed25519"), json!(null)] {
            let mut header = setup.header();
            header["alg"] = alg;
            let message = format!("{}.{}", encoded(&header), encoded(&setup.claims()));
            assert_eq!(setup.verify(&format!("{message}.")), Err(TokenError::Malformed));
            assert_eq!(setup.verify(&message), Err(TokenError::Malformed));
            assert_eq!(setup.verify(&sign(&message, &key.encoding)), Err(TokenError::Malformed));
        }
        let message = format!("{}.{}", encoded(&setup.header()), encoded(&setup.claims()));
        assert_eq!(setup.verify(&format!("{message}.")), Err(TokenError::WrongSignature));
    }

    #[test]
    fn a_header_with_anything_else_is_refused() {
        let setup = Setup::new(1);
        for (member, value) in [
            ("crit", json!(["exp"])),
            ("jku", json!("https://evil.example/keys")),
            ("x5u", json!("https://evil.example/keys")),
            ("jwk", json!({"kty": "OKP", "crv": "Ed25519", "x": "AAAA"})),
            ("cty", json!("JWT")),
            ("typ", json!("at+jwt")),
            ("zip", json!("DEF")),
            ("anything", json!(1)),
        ] {
            let mut header = setup.header();
            header[member] = value;
            let token = setup.signed(&header, &setup.claims());
            assert_eq!(setup.verify(&token), Err(TokenError::WrongHeader), "{member}");
        }
        let token = setup.signed(&json!({"typ": "JWT", "alg": "EdDSA"}), &setup.claims());
        assert_eq!(setup.verify(&token), Err(TokenError::WrongHeader));
    }

    #[test]
    fn a_foreign_key_is_of_no_use() {
        let (ours, foreign) = (Setup::new(1), Setup::new(2));
        assert_eq!(ours.verify(&foreign.issue()), Err(TokenError::UnknownKey));
        let under_our_name = foreign.signed(&ours.header(), &ours.claims());
        assert_eq!(ours.verify(&under_our_name), Err(TokenError::WrongSignature));
        let mut header = ours.header();
        for kid in ["", "../keys.json", "0000000000000000"] {
            header["kid"] = json!(kid);
            assert_eq!(ours.verify(&ours.signed(&header, &ours.claims())), Err(TokenError::UnknownKey));
        }
    }

    #[test]
    fn an_altered_payload_is_noticed() {
        let setup = Setup::new(1);
        let token = setup.issue();
        let mut claims = setup.claims();
        claims["sub"] = json!("019a0000-0000-7000-8000-00000000ffff");
        let parts: Vec<&str> = token.split('.').collect();
        let altered = format!("{}.{}.{}", parts[0], encoded(&claims), parts[2]);
        assert_eq!(setup.verify(&altered), Err(TokenError::WrongSignature));
    }

    #[test]
    fn long_ones_are_not_read() {
        let setup = Setup::new(1);
        let token = setup.issue();
        let long = format!("{token}{}", "A".repeat(2049 - token.len()));
        assert_eq!(setup.verify(&long), Err(TokenError::TooLong));
        assert_eq!(setup.verify(&long[..2048]), Err(TokenError::WrongSignature));
        let wide = Tokens::new(Arc::clone(&setup.tokens.keyring), &"x".repeat(2000), "pingma-api");
        let error = wide.issue(setup.user(), setup.session(), setup.now).unwrap_err();
        assert_eq!(error, TokenError::Signing, "none is made that would not be read");
    }

    #[test]
    fn rotation_leaves_tokens_valid_until_the_key_is_taken_out() {
        let setup = Setup::new(1);
        let ring = &setup.tokens.keyring;
        let old = setup.issue();
        assert!(setup.verify(&old).is_ok());
        ring.rotate_token_key(&setup.ids, setup.now).unwrap();
        assert!(setup.verify(&old).is_ok());
        assert!(setup.verify(&setup.issue()).is_ok());
        // An hour later the next rotation takes the first key out of the file.
        let mut header = setup.header();
        header["kid"] = part(&old, 0)["kid"].clone();
        ring.rotate_token_key(&setup.ids, setup.now.plus_seconds(3600)).unwrap();
        assert_eq!(setup.verify(&old), Err(TokenError::UnknownKey), "though it was in the cache");
        assert_eq!(setup.verify(&setup.signed(&header, &setup.claims())), Err(TokenError::UnknownKey));
    }

    #[test]
    fn no_token_outlives_its_key() {
        let setup = Setup::new(1);
        let key = setup.tokens.keyring.active_token_key();
        setup.tokens.keyring.rotate_token_key(&setup.ids, setup.now).unwrap();
        // Signed by a thief with the retired key, a minute before it is worthless.
        let end = setup.now.plus_seconds(3600);
        let now = end.plus_seconds(-60);
        let mut claims = setup.claims();
        let iat = now.micros() / SECOND;
        for (member, value) in [("iat", iat), ("nbf", iat), ("exp", iat + 600)] {
            claims[member] = json!(value);
        }
        let header = json!({"typ": "JWT", "alg": "EdDSA", "kid": key.id});
        let message = format!("{}.{}", encoded(&header), encoded(&claims));
        let token = sign(&message, &key.encoding);
        assert_eq!(setup.tokens.verify(&token, now).unwrap().expires_at, end);
        assert_eq!(setup.tokens.verify(&token, end), Err(TokenError::Expired));
    }

    #[test]
    fn debug_shows_no_token() {
        let setup = Setup::new(1);
        let token = setup.issue();
        setup.verify(&token).unwrap();
        assert!(format!("{:?}", setup.tokens).contains("verified: 1"));
    }

    static SHARED: LazyLock<(Setup, String)> = LazyLock::new(|| {
        let setup = Setup::new(1);
        let token = setup.issue();
        (setup, token)
    });

    proptest! {
        #[test]
        fn one_changed_character_is_noticed(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_.-]") {
            let (setup, token) = &*SHARED;
            let at = at.index(token.len());
            prop_assume!(token[at..=at] != to);
            let altered = format!("{}{to}{}", &token[..at], &token[at + 1..]);
            prop_assert!(setup.verify(&altered).is_err());
        }

        #[test]
        fn garbage_is_refused(text in any::<String>(), a in ".{0,40}", b in ".{0,40}") {
            let (setup, token) = &*SHARED;
            let garbage = [format!("{a}.{b}.{text}"), format!("{token}.{a}"), format!("{a}{token}."), text];
            for garbage in garbage {
                prop_assert!(setup.verify(&garbage).is_err());
            }
        }
    }

    #[test]
    fn the_given_time_decides_not_the_machines() {
        let setup = Setup::new(3);
        let ids: &dyn IdGen = &setup.ids;
        for year in ["1999", "2026", "2100"] {
            let now: Instant = format!("{year}-01-01T00:00:00Z").parse().unwrap();
            let (token, _) = setup.tokens.issue(ids.id(now), ids.id(now), now).unwrap();
            assert!(setup.tokens.verify(token.expose_secret(), now).is_ok(), "{year}");
        }
    }
}
