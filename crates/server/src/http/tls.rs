//! TLS on the listener: certificate and key, and whose client certificates are accepted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::Secret;
use pkcs8::{EncryptedPrivateKeyInfo, SecretDocument};
use settings::{Agents as AgentsSettings, Listener as ListenerSettings};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::asn1::{ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef};

const ENCRYPTED_BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const ENCRYPTED_END: &str = "-----END ENCRYPTED PRIVATE KEY-----";

/// `organizationalUnitName` in the subject of a certificate.
const UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");

/// Why TLS cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A key that TLS needs is not set.
    #[error("{needed_by} is set, and {key} is not; {cure}")]
    Missing {
        /// The key that needs it.
        needed_by: &'static str,
        /// What is missing.
        key: &'static str,
        /// What to do.
        cure: &'static str,
    },
    /// A file cannot be read as PEM.
    #[error("{key}: cannot read {file}: {reason}")]
    File {
        /// The configuration key.
        key: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// Certificate and key do not fit together, or cannot be used.
    #[error("{certificate} and {key} cannot be used: {reason}")]
    Unusable {
        /// The configuration key of the certificate.
        certificate: &'static str,
        /// The configuration key of the private key.
        key: &'static str,
        /// Why.
        reason: tokio_rustls::rustls::Error,
    },
    /// The authority cannot judge client certificates.
    #[error("{key} cannot be used for client certificates: {reason}")]
    Authority {
        /// The configuration key.
        key: &'static str,
        /// Why.
        reason: tokio_rustls::rustls::server::VerifierBuilderError,
    },
}

/// What the configuration says about the TLS of a listener, and how its keys are called.
pub(super) struct TlsSettings<'s> {
    names: &'static Names,
    is_on: bool,
    is_mutual: bool,
    certificate: Option<&'s Path>,
    key: Option<&'s Path>,
    authority: Option<&'s Path>,
    password: &'s str,
}

struct Names {
    is_on: &'static str,
    is_mutual: &'static str,
    certificate: &'static str,
    key: &'static str,
    authority: &'static str,
    password: &'static str,
    /// What to do when certificates are to be asked for without TLS.
    cure: &'static str,
}

const MAIN: Names = Names {
    is_on: "UseSSL",
    is_mutual: "UseMutualTLS",
    certificate: "SSLCertFile",
    key: "SSLPrivateKeyFile",
    authority: "SSLCAFile",
    password: "SSLPrivateKeyPassword",
    cure: "set it to true, or UseMutualTLS to false",
};

const AGENTS: Names = Names {
    is_on: "AgentsUseSSL",
    is_mutual: "AgentsUseMutualTLS",
    certificate: "AgentSSLCertFile",
    key: "AgentSSLPrivateKeyFile",
    authority: "AgentSSLCAFile",
    password: "AgentSSLPrivateKeyPassword",
    cure: "set it to true, or AgentsUseMutualTLS to false",
};

impl<'s> From<&'s ListenerSettings> for TlsSettings<'s> {
    fn from(settings: &'s ListenerSettings) -> Self {
        Self {
            names: &MAIN,
            is_on: settings.tls,
            is_mutual: settings.mutual_tls,
            certificate: settings.tls_certificate.as_deref(),
            key: settings.tls_key.as_deref(),
            authority: settings.tls_authority.as_deref(),
            password: settings.tls_key_password.expose(),
        }
    }
}

impl<'s> From<&'s AgentsSettings> for TlsSettings<'s> {
    fn from(settings: &'s AgentsSettings) -> Self {
        Self {
            names: &AGENTS,
            is_on: settings.tls,
            is_mutual: settings.mutual_tls,
            certificate: settings.tls_certificate.as_deref(),
            key: settings.tls_key.as_deref(),
            authority: settings.tls_authority.as_deref(),
            password: settings.tls_key_password.expose(),
        }
    }
}

/// Certificate and decrypted key with which this node shows itself to agents, as one PEM text; empty when the
/// configuration names none.
///
/// # Errors
/// A file that is named cannot be used.
pub fn agent_identity(settings: &AgentsSettings) -> Result<Secret, TlsError> {
    let (Some(certificate), Some(key)) = (&settings.tls_certificate, &settings.tls_key) else {
        return Ok(Secret::default());
    };
    let mut pem = String::new();
    for shown in certificates(AGENTS.certificate, certificate)? {
        push_pem(&mut pem, "CERTIFICATE", &shown);
    }
    let key = private_key(&AGENTS, key, settings.tls_key_password.expose())?;
    let label = match &key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    push_pem(&mut pem, label, key.secret_der());
    Ok(Secret::new(pem))
}

fn push_pem(to: &mut String, label: &str, der: &[u8]) {
    *to += &format!("-----BEGIN {label}-----\n");
    // 48 bytes make a line of 64 characters.
    for line in der.chunks(48) {
        *to += &STANDARD.encode(line);
        to.push('\n');
    }
    *to += &format!("-----END {label}-----\n");
}

/// Makes the acceptor that the configuration asks for; `None` without TLS.
///
/// # Errors
/// See [`TlsError`]; a listener that should be safe is never served unsafe.
pub(super) fn acceptor(settings: &TlsSettings<'_>) -> Result<Option<TlsAcceptor>, TlsError> {
    let names = settings.names;
    let missing = |needed_by, key, cure| TlsError::Missing { needed_by, key, cure };
    if !settings.is_on {
        return match settings.is_mutual {
            true => Err(missing(names.is_mutual, names.is_on, names.cure)),
            false => Ok(None),
        };
    }
    let unusable = |reason| TlsError::Unusable { certificate: names.certificate, key: names.key, reason };
    let named = |file: Option<&'_ Path>, key| {
        file.map(Path::to_owned).ok_or_else(|| missing(names.is_on, key, "name a PEM file"))
    };
    let chain = certificates(names.certificate, &named(settings.certificate, names.certificate)?)?;
    let key = private_key(names, &named(settings.key, names.key)?, settings.password)?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let builder = if settings.is_mutual {
        let cure = "name a PEM file with the authority of the clients";
        let authority = settings.authority.ok_or_else(|| missing(names.is_mutual, names.authority, cure))?;
        let mut roots = RootCertStore::empty();
        for root in certificates(names.authority, authority)? {
            roots.add(root).map_err(|error| refuse(names.authority, authority, &error))?;
        }
        // Without a certificate one may still ask for the status; see `accepts_certificate` for the rest.
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.allow_unauthenticated().build();
        let refuse = |reason| TlsError::Authority { key: names.authority, reason };
        builder.with_client_cert_verifier(verifier.map_err(refuse)?)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Some(TlsAcceptor::from(Arc::new(config))))
}

fn certificates(key: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_file_iter(file)
        .and_then(|found| found.collect::<Result<Vec<_>, _>>())
        .map_err(|error| refuse(key, file, &error))
}

/// The private key of a file, decrypted by the password if it is encrypted (PKCS #8).
fn private_key(names: &Names, file: &Path, password: &str) -> Result<PrivateKeyDer<'static>, TlsError> {
    let refuse = |reason: &dyn std::fmt::Display| refuse(names.key, file, reason);
    let pem = std::fs::read(file).map_err(|error| refuse(&error))?;
    let text = String::from_utf8_lossy(&pem);
    if text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(refuse(
            &"it is encrypted in a form without safeguards; rewrite it with `openssl pkcs8 -topk8`",
        ));
    }
    if !text.contains(ENCRYPTED_BEGIN) {
        return PrivateKeyDer::from_pem_slice(&pem).map_err(|error| refuse(&error));
    }
    if password.is_empty() {
        return Err(refuse(&format!("it is encrypted; set {}", names.password)));
    }
    let section = encrypted_section(&text).ok_or_else(|| refuse(&"the encrypted key has no end"))?;
    let (_label, document) = SecretDocument::from_pem(section).map_err(|error| refuse(&error))?;
    let encrypted = EncryptedPrivateKeyInfo::try_from(document.as_bytes()).map_err(|error| refuse(&error))?;
    let key = encrypted
        .decrypt(password)
        .map_err(|error| refuse(&format!("{} does not open it: {error}", names.password)))?;
    Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec())))
}
/// The encrypted key alone: a file may hold certificates beside it.
fn encrypted_section(text: &str) -> Option<&str> {
    let begin = text.find(ENCRYPTED_BEGIN)?;
    let end = begin + text[begin..].find(ENCRYPTED_END)? + ENCRYPTED_END.len();
    Some(&text[begin..end])
}

/// Organizational units of the certificate that a client showed and the authority signed; empty without one.
#[derive(Clone, Debug, Default)]
pub(super) struct ClientUnits(Arc<[String]>);

impl ClientUnits {
    /// Of the first of the certificates shown, which is the client's own.
    pub(super) fn of(shown: Option<&[CertificateDer<'_>]>) -> Self {
        let own = shown.and_then(<[_]>::first).and_then(|der| Certificate::from_der(der).ok());
        Self(own.map(|certificate| units(&certificate)).unwrap_or_default().into())
    }

    /// One of them is in the list; an empty list admits nobody.
    pub(super) fn has_one_of(&self, accepted: &[String]) -> bool {
        self.0.iter().any(|unit| accepted.contains(unit))
    }
}

fn units(certificate: &Certificate) -> Vec<String> {
    let attributes = certificate.tbs_certificate.subject.0.iter().flat_map(|name| name.0.iter());
    attributes
        .filter(|attribute| attribute.oid == UNIT)
        .filter_map(|attribute| {
            let value = &attribute.value;
            let utf8 = value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
            let printable =
                || value.decode_as::<PrintableStringRef<'_>>().map(|text| text.as_str().to_owned());
            let teletex = || value.decode_as::<TeletexStringRef<'_>>().map(|text| text.as_str().to_owned());
            utf8.or_else(|_| printable()).or_else(|_| teletex()).ok()
        })
        .collect()
}

fn refuse(key: &'static str, file: &Path, reason: &dyn std::fmt::Display) -> TlsError {
    TlsError::File { key, file: file.to_owned(), reason: reason.to_string() }
}
