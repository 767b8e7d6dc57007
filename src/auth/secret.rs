//! Opaque secrets: 256 random bits with a prefix that says what they open.
//!
//! Refresh tokens (`pmr_…`) and device keys (`pmd_…`). They mean nothing by themselves; the database knows them
//! by their digest. A plain SHA-256 is enough for that: unlike a password, 256 random bits can't be guessed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use crate::clock::IdGen;
use crate::digest::sha256;

/// Random bytes of a secret.
const RANDOM_BYTES: usize = 32;
/// Characters of a secret without its prefix: 32 bytes in base64url.
const ENCODED_LENGTH: usize = 43;

/// What a secret opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// A refresh token: a new access token for the same session.
    Refresh,
    /// A device key: a scale talks as itself.
    Device,
}

impl SecretKind {
    /// What its text begins with, so that a person, a log filter or a secret scanner recognizes it.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "pmr_",
            Self::Device => "pmd_",
        }
    }
}

/// Not a secret of the kind that was expected. The text is not repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret of the form {}… with {ENCODED_LENGTH} characters of base64url is expected", .0.prefix())]
pub struct SecretError(pub SecretKind);

/// A secret as it is handed out once and comes back with every use. Kept nowhere; see [`Self::digest`].
#[derive(Clone)]
pub struct OpaqueSecret {
    kind: SecretKind,
    text: SecretString,
}

impl OpaqueSecret {
    /// A new secret.
    pub fn new(ids: &dyn IdGen, kind: SecretKind) -> Self {
        let bytes = Zeroizing::new(ids.bytes::<RANDOM_BYTES>());
        let encoded = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
        Self { kind, text: format!("{}{}", kind.prefix(), encoded.as_str()).into() }
    }

    /// Reads what a client sent. One secret has one spelling.
    pub fn parse(text: &str, kind: SecretKind) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(kind.prefix()).filter(|rest| rest.len() == ENCODED_LENGTH);
        let bytes = encoded.and_then(|encoded| URL_SAFE_NO_PAD.decode(encoded).ok()).map(Zeroizing::new);
        match bytes {
            Some(bytes) if bytes.len() == RANDOM_BYTES => Ok(Self { kind, text: text.into() }),
            _ => Err(SecretError(kind)),
        }
    }

    /// What it opens.
    pub fn kind(&self) -> SecretKind {
        self.kind
    }

    /// The text for the one answer that hands it out.
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// What is stored and looked up instead: the SHA-256 of the whole text, prefix included.
    pub fn digest(&self) -> [u8; 32] {
        sha256(&[self.text.expose_secret().as_bytes()])
    }
}

impl fmt::Debug for OpaqueSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[hidden]", self.kind.prefix())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededIds;
    use proptest::prelude::*;

    #[test]
    fn reads_what_it_writes() {
        let ids = SeededIds::new(1);
        for kind in [SecretKind::Refresh, SecretKind::Device] {
            let secret = OpaqueSecret::new(&ids, kind);
            let text = secret.text().expose_secret();
            assert_eq!(text.len(), 47);
            assert!(text.starts_with(kind.prefix()));
            let read = OpaqueSecret::parse(text, kind).unwrap();
            assert_eq!(read.digest(), secret.digest());
            assert_eq!(read.kind(), kind);
        }
    }

    #[test]
    fn secrets_differ_and_a_kind_does_not_open_the_other() {
        let ids = SeededIds::new(1);
        let (a, b) =
            (OpaqueSecret::new(&ids, SecretKind::Device), OpaqueSecret::new(&ids, SecretKind::Device));
        assert_ne!(a.digest(), b.digest());
        let text = a.text().expose_secret();
        assert_eq!(
            OpaqueSecret::parse(text, SecretKind::Refresh).unwrap_err(),
            SecretError(SecretKind::Refresh)
        );
        let renamed = text.replace("pmd_", "pmr_");
        assert_ne!(OpaqueSecret::parse(&renamed, SecretKind::Refresh).unwrap().digest(), a.digest());
    }

    #[test]
    fn one_spelling_only() {
        let good = format!("pmr_{}", "A".repeat(43));
        assert!(OpaqueSecret::parse(&good, SecretKind::Refresh).is_ok());
        let last_bits_set = format!("pmr_{}B", "A".repeat(42));
        for bad in ["", "pmr_", &good[..46], &format!("{good}="), &format!(" {good}"), &last_bits_set] {
            assert!(OpaqueSecret::parse(bad, SecretKind::Refresh).is_err(), "{bad}");
        }
    }

    #[test]
    fn debug_hides_it() {
        let secret = OpaqueSecret::new(&SeededIds::new(1), SecretKind::Refresh);
        assert_eq!(format!("{secret:?}"), "pmr_[hidden]");
    }

    proptest! {
        #[test]
        fn parsing_never_panics(text in any::<String>()) {
            prop_assert!(OpaqueSecret::parse(&text, SecretKind::Refresh).is_err());
            let prefixed = OpaqueSecret::parse(&format!("pmr_{text}"), SecretKind::Refresh);
            prop_assert_eq!(prefixed.is_ok(), text.len() == 43 && URL_SAFE_NO_PAD.decode(&text).is_ok());
        }
    }
}
