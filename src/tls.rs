//! TLS 1.2 and 1.3 by rustls and aws-lc-rs. The certificate is asked for at every handshake, so that a new one is taken
//! without a restart: connections that stand keep theirs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};

/// Why a certificate can't be used. Never repeats what is in the files.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read as PEM.
    #[error("{}: {reason}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// What the files hold can't be used together.
    #[error("{} and its key: {source}", path.display())]
    Unusable {
        /// The file of the certificate.
        path: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
    /// The library.
    #[error("TLS: {0}")]
    Library(rustls::Error),
}

/// When the two files changed last, as far as the file system tells.
type Seen = [Option<(SystemTime, u64)>; 2];

/// A certificate with its key, from two files that may change.
#[derive(Debug)]
pub struct Certificate {
    chain: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<CertifiedKey>,
    seen: Mutex<Seen>,
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// One can't be read, or they don't belong together.
    pub fn open(chain: &Path, key: &Path) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let seen = seen(chain, key);
        let first = read(chain, key, &provider)?;
        Ok(Arc::new(Self {
            chain: chain.to_owned(),
            key: key.to_owned(),
            provider,
            current: ArcSwap::from_pointee(first),
            seen: Mutex::new(seen),
        }))
    }

    /// What a listener needs.
    ///
    /// # Errors
    /// The library.
    pub fn server_config(self: &Arc<Self>) -> Result<ServerConfig, TlsError> {
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(TlsError::Library)?;
        Ok(builder.with_no_client_auth().with_cert_resolver(Arc::<Self>::clone(self)))
    }

    /// Reads the files again if one of them changed since they were last looked at; says whether new ones are in use. What
    /// can't be used is told once, and the certificate until now stays.
    ///
    /// # Errors
    /// As [`Certificate::open`].
    pub fn reload(&self) -> Result<bool, TlsError> {
        let now = seen(&self.chain, &self.key);
        let mut last = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *last == now {
            return Ok(false);
        }
        *last = now;
        self.current.store(Arc::new(read(&self.chain, &self.key, &self.provider)?));
        Ok(true)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

fn seen(chain: &Path, key: &Path) -> Seen {
    [chain, key].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

fn read(chain: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let wrong = |path: &Path, reason: String| TlsError::File { path: path.to_owned(), reason };
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(chain, error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong(chain, "there is no certificate in it".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, error.to_string()))?;
    CertifiedKey::from_der(certificates, private, provider)
        .map_err(|source| TlsError::Unusable { path: chain.to_owned(), source })
}
