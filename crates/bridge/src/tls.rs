//! Encryption of the bridge's side towards the server, by the same settings as the driver's own.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use mysql_async::{DriverError, Error, Opts, SslOpts, TlsError};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, ServerName, UnixTime,
};
use tokio_rustls::rustls::{self, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::handshake::Server;

/// How to encrypt, and whom to expect.
pub(crate) struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Tls {
    /// What these options ask for, if anything. Reads the files.
    pub(crate) async fn of(opts: &Opts) -> Result<Option<Self>, Error> {
        let Some(ssl) = opts.ssl_opts() else { return Ok(None) };
        let name = ssl.tls_hostname_override().unwrap_or_else(|| opts.ip_or_hostname());
        let name = ServerName::try_from(name.to_owned()).map_err(TlsError::InvalidDnsName)?;
        Ok(Some(Self { connector: Arc::new(config(ssl).await?).into(), name }))
    }

    pub(crate) async fn encrypt(self, stream: Server) -> io::Result<TlsStream<Server>> {
        self.connector.connect(self.name, stream).await
    }
}

async fn config(ssl: &SslOpts) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    if !ssl.disable_built_in_roots() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    for file in ssl.root_certs() {
        for root in certificates(file.read().await?)? {
            roots.add(root)?;
        }
    }
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = if ssl.accept_invalid_certs() {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
    } else {
        builder.with_root_certificates(roots)
    };
    let Some(identity) = ssl.client_identity() else { return Ok(builder.with_no_client_auth()) };
    let chain = certificates(identity.cert_chain().read().await?)?;
    Ok(builder.with_client_auth_cert(chain, private_key(identity.priv_key().read().await?)?)?)
}

/// PEM, or one certificate as it is.
fn certificates(content: Cow<'_, [u8]>) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found = CertificateDer::pem_slice_iter(&content).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() && !content.is_empty() {
        return Ok(vec![content.into_owned().into()]);
    }
    Ok(found)
}

fn private_key(content: Cow<'_, [u8]>) -> Result<PrivateKeyDer<'static>, Error> {
    if std::str::from_utf8(&content).is_err() {
        return Ok(PrivatePkcs1KeyDer::from(content.into_owned()).into());
    }
    match PrivateKeyDer::from_pem_slice(&content) {
        Err(pem::Error::NoItemsFound) => Err(DriverError::NoKeyFound.into()),
        read => Ok(read?),
    }
}

/// The operator does not want certificates to be verified. That the server holds the key to its own still is.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
