//! Encrypted connections. On MySQL certificates are replaced while it runs; MariaDB starts with them.
//! `certificates/make.sh` made them.

use std::path::{Path, PathBuf};

use anyhow::Result;
use lab::{Family, ORCHESTRATOR};
use mysql::{MySqlOptions, MySqlServers, TlsMode, TlsOptions};
use ports::ErrorClass;

use crate::world::{World, options, probe_with};

/// PEM files of an authority, a server at 127.0.0.1, and a client.
pub(crate) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Copies the certificates to where the server may read them.
    pub(crate) fn create(folder: PathBuf) -> Result<Self> {
        let files = [
            ("ca.pem", include_str!("certificates/ca.pem")),
            ("server.pem", include_str!("certificates/server.pem")),
            ("server-key.pem", include_str!("certificates/server-key.pem")),
            ("client.pem", include_str!("certificates/client.pem")),
            ("client-key.pem", include_str!("certificates/client-key.pem")),
        ];
        for (name, content) in files {
            std::fs::write(folder.join(name), content)?;
        }
        Ok(Self { folder })
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Access with these TLS settings.
fn access(mode: TlsMode, set: impl FnOnce(&mut TlsOptions)) -> Result<MySqlServers> {
    let mut tls = TlsOptions { mode, ..TlsOptions::default() };
    set(&mut tls);
    Ok(MySqlServers::new(MySqlOptions { tls, ..options() })?)
}

/// The server shows these from now on.
pub(crate) async fn install(world: &World, certificates: &Certificates) -> Result<()> {
    let a = world.lab.server("a");
    let sql = |path: &Path| path.display().to_string();
    for (variable, file) in [("ssl_ca", "ca.pem"), ("ssl_cert", "server.pem"), ("ssl_key", "server-key.pem")]
    {
        a.execute(&format!("SET GLOBAL {variable} = '{}'", sql(&certificates.file(file)))).await?;
    }
    a.execute("ALTER INSTANCE RELOAD TLS").await
}

async fn encrypted_connections(world: &World) -> Result<String> {
    let a = world.lab.server("a");
    a.value(
        "SELECT COUNT(*) FROM performance_schema.status_by_thread s \
         JOIN performance_schema.threads t USING (thread_id) WHERE s.variable_name = 'Ssl_cipher' \
         AND s.variable_value <> '' AND t.processlist_user = 'orchestrator'",
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_certificate_is_verified_by_the_configured_authority() -> Result<()> {
    let world = World::start(Family::MySql, "a").await?;
    let certificates = Certificates::create(world.lab.folder("tls")?)?;
    install(&world, &certificates).await?;
    let key = world.key("a");

    let trusting = access(TlsMode::Always, |tls| tls.ca_file = Some(certificates.file("ca.pem")))?;
    probe_with(&trusting, &key).await?;
    assert_eq!(encrypted_connections(&world).await?, "1");

    // The public authorities do not know this certificate.
    let strict = access(TlsMode::Always, |_| ())?;
    let refused = probe_with(&strict, &key).await.expect_err("nobody vouches for the server");
    assert_eq!(refused.class, ErrorClass::Connection, "{refused}");

    let careless = access(TlsMode::Always, |tls| tls.skip_verify = true)?;
    probe_with(&careless, &key).await?;

    let plain = access(TlsMode::Never, |_| ())?;
    probe_with(&plain, &key).await?;
    assert_eq!(encrypted_connections(&world).await?, "2");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_needs_a_certificate_gets_it_in_every_mode() -> Result<()> {
    let world = World::start(Family::MySql, "a").await?;
    let certificates = Certificates::create(world.lab.folder("tls")?)?;
    install(&world, &certificates).await?;
    let (a, key) = (world.lab.server("a"), world.key("a"));
    a.execute(&format!("ALTER USER '{}'@'%' REQUIRE X509", ORCHESTRATOR.name)).await?;

    let anonymous = access(TlsMode::Always, |tls| tls.ca_file = Some(certificates.file("ca.pem")))?;
    let refused = probe_with(&anonymous, &key).await.expect_err("no certificate was shown");
    assert_eq!((refused.class, refused.number), (ErrorClass::AccessDenied, Some(1045)), "{refused}");

    let identify = |tls: &mut TlsOptions| {
        tls.ca_file = Some(certificates.file("ca.pem"));
        tls.cert_file = Some(certificates.file("client.pem"));
        tls.key_file = Some(certificates.file("client-key.pem"));
    };
    for mode in [TlsMode::Always, TlsMode::Mixed] {
        let known = access(mode, identify)?;
        probe_with(&known, &key).await?;
        probe_with(&known, &key).await?;
    }
    let unverified = access(TlsMode::Mixed, |tls| {
        identify(tls);
        tls.skip_verify = true;
    })?;
    probe_with(&unverified, &key).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mixed_mode_encrypts_only_where_the_server_insists() -> Result<()> {
    let world = World::start(Family::MySql, "a").await?;
    let certificates = Certificates::create(world.lab.folder("tls")?)?;
    install(&world, &certificates).await?;
    let (a, key) = (world.lab.server("a"), world.key("a"));
    let trust = |tls: &mut TlsOptions| tls.ca_file = Some(certificates.file("ca.pem"));

    let relaxed = access(TlsMode::Mixed, trust)?;
    probe_with(&relaxed, &key).await?;
    assert_eq!(encrypted_connections(&world).await?, "0");

    a.execute("SET GLOBAL require_secure_transport = ON").await?;
    let insisting = access(TlsMode::Mixed, trust)?;
    probe_with(&insisting, &key).await?;
    assert_eq!(encrypted_connections(&world).await?, "1");
    let plain = access(TlsMode::Never, |_| ())?;
    let refused = probe_with(&plain, &key).await.expect_err("encryption is required");
    assert_eq!((refused.class, refused.number), (ErrorClass::AccessDenied, Some(3159)), "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn mariadb_is_trusted_by_its_authority_and_shown_certificates() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let certificates = Certificates::create(folder.path().to_owned())?;
    // The server runs as another user than the test.
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let option = |name: &str, file: &str| format!("{name}={}", certificates.file(file).display());
    let builder = lab::Lab::builder().family(Family::MariaDb).shape("a");
    let builder = builder
        .server_option(option("--ssl-ca", "ca.pem"))
        .server_option(option("--ssl-cert", "server.pem"))
        .server_option(option("--ssl-key", "server-key.pem"));
    let world = World::of(builder).await?;
    let (a, key) = (world.lab.server("a"), world.key("a"));
    let require =
        async |what: &str| a.execute(&format!("ALTER USER '{}'@'%' REQUIRE {what}", ORCHESTRATOR.name)).await;
    let trust = |tls: &mut TlsOptions| tls.ca_file = Some(certificates.file("ca.pem"));
    let identify = |tls: &mut TlsOptions| {
        trust(tls);
        tls.cert_file = Some(certificates.file("client.pem"));
        tls.key_file = Some(certificates.file("client-key.pem"));
    };

    require("SSL").await?;
    probe_with(&access(TlsMode::Always, trust)?, &key).await?;
    let strict = access(TlsMode::Always, |_| ())?;
    let refused = probe_with(&strict, &key).await.expect_err("nobody vouches for the server");
    assert_eq!(refused.class, ErrorClass::Connection, "{refused}");
    let plain = access(TlsMode::Never, |_| ())?;
    let refused = probe_with(&plain, &key).await.expect_err("encryption is required");
    assert_eq!((refused.class, refused.number), (ErrorClass::AccessDenied, Some(1045)), "{refused}");

    require("X509").await?;
    let refused =
        probe_with(&access(TlsMode::Always, trust)?, &key).await.expect_err("no certificate was shown");
    assert_eq!((refused.class, refused.number), (ErrorClass::AccessDenied, Some(1045)), "{refused}");
    for mode in [TlsMode::Always, TlsMode::Mixed] {
        probe_with(&access(mode, identify)?, &key).await?;
    }
    Ok(())
}
