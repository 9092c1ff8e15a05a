//! Accepting connections: TCP, TLS or a Unix socket, with limits, until told to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use settings::Settings;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use tracing::{debug, info, warn};

use super::App;
use super::agents::AgentsApp;
use super::metrics::figures;
use super::tls::{ClientUnits, TlsError, acceptor};

/// Connections served at once; more wait in the queue of the operating system.
const CONNECTIONS_MAX: usize = 1024;
/// A client must have sent its headers, or finished its TLS handshake, after this.
const HEADERS_MAX: Duration = Duration::from_secs(10);
/// Shutdown waits that long for answers under way.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be bound.
    #[error("listen tcp {address}: {source}")]
    Tcp {
        /// As configured.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The socket cannot be made.
    #[error("listen unix {path}: {source}")]
    Unix {
        /// As configured.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// TLS cannot be served.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// A bound listener that does not accept yet.
pub struct Listener {
    socket: Socket,
    tls: Option<TlsAcceptor>,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    /// Binds what the configuration asks for: a Unix socket, else TCP, with TLS or without.
    ///
    /// # Errors
    /// See [`ListenError`]; bind before anything else is started.
    pub async fn bind(settings: &Settings) -> Result<Self, ListenError> {
        let listener = &settings.listener;
        if let Some(path) = &listener.socket {
            let refuse = |source| ListenError::Unix { path: path.clone(), source };
            remove_stale(path).map_err(refuse)?;
            let socket = UnixListener::bind(path).map_err(refuse)?;
            return Ok(Self { socket: Socket::Unix(socket, path.clone()), tls: None });
        }
        Self::bind_address(&listener.address, acceptor(&listener.into())?).await
    }

    /// Binds the address on which agents register; `None` when no agents are served.
    ///
    /// # Errors
    /// See [`ListenError`].
    pub async fn bind_agents(settings: &Settings) -> Result<Option<Self>, ListenError> {
        let agents = &settings.agents;
        if !agents.served {
            return Ok(None);
        }
        Self::bind_address(&agents.address, acceptor(&agents.into())?).await.map(Some)
    }

    async fn bind_address(address: &str, tls: Option<TlsAcceptor>) -> Result<Self, ListenError> {
        let socket = bind_tcp(address, tls.is_some())
            .await
            .map_err(|source| ListenError::Tcp { address: address.to_owned(), source })?;
        Ok(Self { socket: Socket::Tcp(socket), tls })
    }

    /// Where it listens, for people: `http://127.0.0.1:3000`.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        match &self.socket {
            Socket::Tcp(socket) => match socket.local_addr() {
                Ok(address) => format!("{scheme}://{address}"),
                Err(error) => format!("{scheme}: {error}"),
            },
            Socket::Unix(_, path) => format!("unix:{}", path.display()),
        }
    }
}

/// `:port` means every address of the machine, of both families where it has both.
async fn bind_tcp(address: &str, is_tls: bool) -> std::io::Result<TcpListener> {
    let address = match address {
        "" if is_tls => ":443",
        "" => ":80",
        given => given,
    };
    let Some(port) = address.strip_prefix(':') else { return TcpListener::bind(address).await };
    match TcpListener::bind(format!("[::]:{port}")).await {
        Ok(socket) => Ok(socket),
        Err(_) => TcpListener::bind(format!("0.0.0.0:{port}")).await,
    }
}

/// A socket file that a former process left behind.
fn remove_stale(path: &std::path::Path) -> std::io::Result<()> {
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => {
            Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, "another process serves this socket"))
        }
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(_) => Ok(()),
    }
}

/// Serves until `stop` is cancelled, then finishes answers under way.
pub async fn serve(listener: Listener, app: Arc<App>, stop: CancellationToken) {
    info!(address = listener.url(), "serving");
    crate::graphite::start(&app.engine, figures);
    accept_until(listener, app.router(), stop).await;
}

/// Serves agents until `stop` is cancelled, then finishes answers under way.
pub async fn serve_agents(listener: Listener, app: Arc<AgentsApp>, stop: CancellationToken) {
    info!(address = listener.url(), "waiting for agents");
    accept_until(listener, app.router(), stop).await;
}

async fn accept_until(listener: Listener, router: Router, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let graceful = GracefulShutdown::new();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let Ok(slot) = slots.clone().acquire_owned().await else { break };
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener.socket) => accepted,
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                // Out of file descriptors, for one; accepting again at once would only spin.
                warn!(error = %error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (tls, router, watcher) = (listener.tls.clone(), router.clone(), graceful.watcher());
        tasks.spawn(async move {
            let _slot = slot;
            match (tls, stream) {
                (None, stream) => serve_one(stream, router, ClientUnits::default(), watcher).await,
                (Some(tls), stream) => match tokio::time::timeout(HEADERS_MAX, tls.accept(stream)).await {
                    Ok(Ok(stream)) => {
                        let units = ClientUnits::of(stream.get_ref().1.peer_certificates());
                        serve_one(Box::new(stream), router, units, watcher).await;
                    }
                    Ok(Err(error)) => debug!(error = %error, "TLS handshake failed"),
                    Err(_elapsed) => debug!("TLS handshake took too long"),
                },
            }
        });
    }
    if tokio::time::timeout(DRAIN_MAX, graceful.shutdown()).await.is_err() {
        warn!("answers still under way at the end of shutdown are cut off");
    }
    if let Socket::Unix(_, path) = &listener.socket {
        // Somebody may have removed it already.
        let _ = std::fs::remove_file(path);
    }
}

/// A connection of any kind.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

async fn accept(socket: &Socket) -> std::io::Result<Box<dyn Stream>> {
    match socket {
        Socket::Tcp(socket) => {
            let (stream, _peer) = socket.accept().await?;
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        Socket::Unix(socket, _) => {
            let (stream, _peer) = socket.accept().await?;
            Ok(Box::new(stream))
        }
    }
}

async fn serve_one(
    stream: Box<dyn Stream>,
    router: Router,
    units: ClientUnits,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_MAX);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(Some(Duration::from_secs(30)));
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(units.clone());
        request
    });
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    if let Err(error) = watcher.watch(connection.into_owned()).await {
        debug!(error = %error, "a connection ended with an error");
    }
}
