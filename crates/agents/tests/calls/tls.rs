//! Agents that are called over TLS.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use agents::{AgentOptions, HttpAgents, ReadIdentity};
use model::{AgentCommand, Secret};
use ports::{AgentError, Agents};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::{agent, soon};

/// Certificates that the tests of the listener use as well.
fn certificate(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/tests/api/certificates").join(name)
}

/// Serves connections, as many as are awaited: each must show a certificate of the authority, and gets `"ok"`.
async fn serve(listener: TcpListener) {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(
            vec![CertificateDer::from_pem_file(certificate("server.pem")).unwrap()],
            PrivateKeyDer::from_pem_file(certificate("server-key.pem")).unwrap(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let Ok(mut stream) = acceptor.accept(stream).await else { continue };
        let mut request = [0; 4096];
        let Ok(1..) = stream.read(&mut request).await else { continue };
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\n\"ok\"";
        // The client may have hung up.
        let _ = stream.write_all(answer.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

async fn call(options: AgentOptions) -> Result<String, AgentError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let agent = agent(listener.local_addr().unwrap().port(), "t0ken");
    let client = HttpAgents::new(options);
    tokio::select! {
        answer = client.call(&agent, &AgentCommand::Unmount, soon()) => answer,
        () = serve(listener) => panic!("serving does not end"),
    }
}

fn identity() -> ReadIdentity {
    let read = |name| std::fs::read_to_string(certificate(name)).unwrap();
    Arc::new(move || Ok(Secret::new(read("ops.pem") + &read("ops-key.pem"))))
}

#[tokio::test]
async fn authority_and_client_certificate_are_used() {
    let ca_file = Some(certificate("ca.pem"));
    let both = AgentOptions { tls: true, ca_file: ca_file.clone(), identity: identity(), skip_verify: false };
    assert_eq!(call(both).await.unwrap(), "\"ok\"");
    let unproved = AgentOptions { tls: true, ca_file, ..AgentOptions::default() };
    assert!(call(unproved).await.is_err(), "the agent wants a certificate");
    let unknown = AgentOptions { tls: true, identity: identity(), ..AgentOptions::default() };
    let error = call(unknown).await.unwrap_err().to_string();
    assert!(error.contains("certificate"), "{error}");
    assert!(!error.contains("t0ken"), "{error}");
    let blind = AgentOptions { tls: true, skip_verify: true, identity: identity(), ca_file: None };
    assert_eq!(call(blind).await.unwrap(), "\"ok\"");
}

#[test]
fn files_that_cannot_be_used_are_named_with_their_key() {
    let prepare = |options: AgentOptions| HttpAgents::new(options).prepare().unwrap_err().to_string();
    let ca_file = Some(certificate("nosuch.pem"));
    let error = prepare(AgentOptions { tls: true, ca_file, ..AgentOptions::default() });
    assert!(error.starts_with("AgentSSLCAFile: cannot use ") && error.contains("nosuch.pem"), "{error}");
    let ca_file = Some(certificate("make.sh"));
    let error = prepare(AgentOptions { tls: true, ca_file, ..AgentOptions::default() });
    assert!(error.ends_with("it holds no certificate"), "{error}");
    let broken: ReadIdentity = Arc::new(|| Err("AgentSSLPrivateKeyFile: no".to_owned()));
    let error = prepare(AgentOptions { tls: true, identity: broken, ..AgentOptions::default() });
    assert_eq!(error, "AgentSSLPrivateKeyFile: no");
    // Without TLS nothing of that matters.
    let plain = AgentOptions { ca_file: Some(certificate("nosuch.pem")), ..AgentOptions::default() };
    assert!(HttpAgents::new(plain).prepare().is_ok());
}
