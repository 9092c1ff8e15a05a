//! The listener with TLS: whose client certificates are accepted, and keys that are encrypted.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use server::http::{AgentsApp, App, Listener, agent_identity, serve, serve_agents};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tokio_util::sync::CancellationToken;

use crate::world::World;

fn certificate(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api/certificates").join(name).display().to_string()
}

/// Settings of a listener on a free port, with that private key.
fn listener(key: &str, more: &str) -> String {
    format!(
        r#""ListenAddress":"127.0.0.1:0","UseSSL":true,"SSLCertFile":"{}","SSLPrivateKeyFile":"{}","SSLCAFile":"{}"{more}"#,
        certificate("server.pem"),
        certificate(key),
        certificate("ca.pem"),
    )
}

/// The application behind its listener, until it is dropped.
struct Served {
    address: SocketAddr,
    stop: CancellationToken,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn serve_with(settings: &str) -> Served {
    let world = World::with_settings(settings).await;
    let listener = Listener::bind(&world.engine.settings()).await.unwrap_or_else(|error| panic!("{error}"));
    let address = listener.url().strip_prefix("https://").expect("TLS is served").parse().unwrap();
    let stop = CancellationToken::new();
    let serving = serve(listener, App::new(world.engine.clone()), stop.clone());
    world.engine.supervisor().start_loop("server", serving);
    Served { address, stop }
}

impl Served {
    /// The status of an answer, asked for with the certificate of that client.
    async fn status(&self, client: Option<&str>, path: &str) -> u16 {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate("ca.pem")).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match client {
            None => builder.with_no_client_auth(),
            Some(name) => {
                let shown = CertificateDer::from_pem_file(certificate(&format!("{name}.pem"))).unwrap();
                let key = PrivateKeyDer::from_pem_file(certificate(&format!("{name}-key.pem"))).unwrap();
                builder.with_client_auth_cert(vec![shown], key).unwrap()
            }
        };
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::from(self.address.ip());
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: orc\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // The end of the stream may come without a farewell; what matters has arrived by then.
        let _ = stream.read_to_end(&mut answer).await;
        let head = String::from_utf8_lossy(&answer);
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{head}"))
    }
}

#[tokio::test]
async fn only_clients_of_an_accepted_unit_are_served_but_for_the_status() {
    let mutual = r#","UseMutualTLS":true,"SSLValidOUs":["dba","ops"]"#;
    let served = serve_with(&listener("server-key.pem", mutual)).await;
    for (client, path, status) in [
        (Some("ops"), "/api/clusters", 200),
        (Some("ops"), "/metrics", 200),
        (Some("stranger"), "/api/clusters", 401),
        (None, "/api/clusters", 401),
        (None, "/metrics", 401),
        (None, "/api/status", 200),
        (Some("stranger"), "/api/status", 200),
        (None, "/api/begin-maintenance/db/3307/api/status", 401),
    ] {
        assert_eq!(served.status(client, path).await, status, "{client:?} {path}");
    }
    let strict = serve_with(&listener("server-key.pem", &format!(r#"{mutual},"StatusOUVerify":true"#))).await;
    assert_eq!(strict.status(None, "/api/status").await, 401);
    assert_eq!(strict.status(Some("ops"), "/api/status").await, 200);
    let nobody = serve_with(&listener("server-key.pem", r#","UseMutualTLS":true"#)).await;
    assert_eq!(nobody.status(Some("ops"), "/api/clusters").await, 401, "an empty list admits nobody");
}

#[tokio::test]
async fn an_encrypted_key_needs_its_password() {
    let key = "server-key-encrypted.pem";
    let served = serve_with(&listener(key, r#","SSLPrivateKeyPassword":"tiger""#)).await;
    assert_eq!(served.status(None, "/api/clusters").await, 200);
    for (more, reason) in [
        ("", "it is encrypted; set SSLPrivateKeyPassword"),
        (r#","SSLPrivateKeyPassword":"lion""#, "SSLPrivateKeyPassword does not open it"),
    ] {
        let world = World::with_settings(&listener(key, more)).await;
        let error = Listener::bind(&world.engine.settings()).await.err().expect("no key, no listener");
        assert!(error.to_string().contains(reason), "{error}");
        assert!(!error.to_string().contains("lion"), "{error}");
    }
}

#[tokio::test]
async fn client_certificates_cannot_be_asked_for_without_tls() {
    let world = World::with_settings(r#""UseMutualTLS":true,"SSLValidOUs":["ops"]"#).await;
    let error = Listener::bind(&world.engine.settings()).await.err().expect("nothing unsafe is served");
    assert_eq!(
        error.to_string(),
        "UseMutualTLS is set, and UseSSL is not; set it to true, or UseMutualTLS to false"
    );
    assert_eq!(world.get("/api/clusters").await.status, 401);
}

#[tokio::test]
async fn agents_show_certificates_to_a_listener_of_their_own() {
    let settings = format!(
        r#""ServeAgentsHttp":true,"AgentsServerPort":"127.0.0.1:0","AgentsUseSSL":true,"AgentSSLCertFile":"{}",
            "AgentSSLPrivateKeyFile":"{}","AgentSSLPrivateKeyPassword":"tiger","AgentSSLCAFile":"{}",
            "AgentsUseMutualTLS":true,"AgentSSLValidOUs":["ops"]"#,
        certificate("server.pem"),
        certificate("server-key-encrypted.pem"),
        certificate("ca.pem"),
    );
    let world = World::with_settings(&settings).await;
    let listener = Listener::bind_agents(&world.engine.settings()).await.unwrap().expect("agents are served");
    let address = listener.url().strip_prefix("https://").expect("TLS is served").parse().unwrap();
    let stop = CancellationToken::new();
    let serving = serve_agents(listener, AgentsApp::new(world.engine.clone()), stop.clone());
    world.engine.supervisor().start_loop("agents listener", serving);
    let served = Served { address, stop };
    for (client, status) in [(Some("ops"), 200), (Some("stranger"), 401), (None, 401)] {
        assert_eq!(served.status(client, "/api/agent-ping").await, status, "{client:?}");
    }
    assert_eq!(served.status(Some("ops"), "/api/clusters").await, 404, "nothing else is to be had there");

    // The same certificate is shown to agents that ask for one, with the key in the clear.
    let identity = agent_identity(&world.engine.settings().agents).unwrap();
    let pem = identity.expose();
    let plain = PrivateKeyDer::from_pem_file(certificate("server-key.pem")).unwrap();
    assert_eq!(PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap().secret_der(), plain.secret_der());
    let shown = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    assert_eq!(shown, CertificateDer::from_pem_file(certificate("server.pem")).unwrap());
    let without = World::new().await;
    assert!(agent_identity(&without.engine.settings().agents).unwrap().is_empty());
    assert!(Listener::bind_agents(&without.engine.settings()).await.unwrap().is_none());
}
