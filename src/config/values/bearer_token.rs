//! A secret that callers send.

use super::Value;
use secrecy::SecretString;

/// A secret that a caller sends as `Authorization: Bearer …`. Compare it in constant time.
#[derive(Debug, Clone)]
pub struct BearerToken(SecretString);

impl BearerToken {
    /// The secret.
    #[must_use]
    pub fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl Value for BearerToken {
    const SECRET: bool = true;
    fn allowed() -> String {
        "16 to 256 letters, digits and - . _ ~ + / =".to_owned()
    }
    fn read(text: &str) -> Option<Self> {
        let good = (16..=256).contains(&text.len())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/=".contains(c));
        good.then(|| Self(text.into()))
    }
}
