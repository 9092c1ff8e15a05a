//! TLS on the listener.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use settings::Listener as ListenerSettings;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A key that TLS needs is not set.
    #[error("UseSSL is set, and {0} is not; name a PEM file")]
    Missing(&'static str),
    /// A file cannot be read as PEM.
    #[error("{key}: cannot read {file}: {reason}; a PEM file without password is needed")]
    File {
        /// The configuration key.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// Certificate and key do not fit together, or cannot be used.
    #[error("SSLCertFile and SSLPrivateKeyFile cannot be used: {0}")]
    Unusable(#[from] tokio_rustls::rustls::Error),
    /// Client certificates are asked for.
    #[error(
        "UseMutualTLS is set, and this version cannot check client certificates; put a proxy in front that does, or \
         remove the key"
    )]
    MutualUnsupported,
}

/// Makes the acceptor that the configuration asks for; `None` without `UseSSL`.
///
/// # Errors
/// See [`TlsError`]; a listener that should be safe is never served unsafe.
pub(super) fn acceptor(settings: &ListenerSettings) -> Result<Option<TlsAcceptor>, TlsError> {
    if settings.mutual_tls {
        return Err(TlsError::MutualUnsupported);
    }
    if !settings.tls {
        return Ok(None);
    }
    let certificate = settings.tls_certificate.as_deref().ok_or(TlsError::Missing("SSLCertFile"))?;
    let key = settings.tls_key.as_deref().ok_or(TlsError::Missing("SSLPrivateKeyFile"))?;
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(|found| found.collect::<Result<Vec<_>, _>>())
        .map_err(|error| refuse("SSLCertFile", certificate, &error))?;
    let key_der =
        PrivateKeyDer::from_pem_file(key).map_err(|error| refuse("SSLPrivateKeyFile", key, &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key_der)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

fn refuse(key: &'static str, file: &Path, reason: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { key, file: file.to_owned(), reason: reason.to_string() }
}
