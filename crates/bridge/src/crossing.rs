//! One bridged connection, from the address to the logged-in driver.

use mysql_async::{Conn, Error, Opts, OptsBuilder};
use rustix::net::sockopt::{set_socket_keepalive, set_tcp_keepidle};
use tokio::net::TcpStream;

use crate::carry::carry;
use crate::door::Door;
use crate::handshake::{Refusal, Server, log_in};
use crate::packets::Wire;
use crate::tls::Tls;

/// A connection of the driver to the server that these options name, by way of the bridge.
///
/// Until the driver is logged in, everything belongs to this future: dropping it closes both sides.
pub(crate) async fn cross(opts: &Opts) -> Result<Conn, Refusal> {
    let tls = Tls::of(opts).await?;
    let mut server = Wire::new(Box::new(connect(opts).await?) as Server);
    let greeting = server.read().await?;
    let door = Door::open()?;
    let mut connecting = Conn::new(behind(&door, opts));
    let mut bridging = Box::pin(async move {
        let mut driver = Wire::new(door.accept().await?);
        if let Some(server) = log_in(&mut driver, server, greeting, tls).await? {
            carry(driver.into_parts().0, server).await;
        }
        Ok::<_, Refusal>(())
    });
    let connected = tokio::select! {
        biased;
        ended = &mut bridging => {
            ended?;
            // The server said its last word; the driver tells which.
            return Ok(connecting.await?);
        }
        connected = &mut connecting => connected?,
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "ends with the connection, as what the driver spawns itself"
    )]
    drop(tokio::spawn(bridging));
    Ok(connected)
}

/// As the driver connects by itself.
async fn connect(opts: &Opts) -> Result<TcpStream, Error> {
    let stream = TcpStream::connect((opts.ip_or_hostname(), opts.tcp_port())).await?;
    stream.set_nodelay(opts.tcp_nodelay())?;
    if let Some(idle) = opts.tcp_keepalive() {
        set_socket_keepalive(&stream, true).map_err(std::io::Error::from)?;
        set_tcp_keepidle(&stream, idle).map_err(std::io::Error::from)?;
    }
    Ok(stream)
}

/// The options with which the driver comes to us. The clear text that it is allowed here does not leave this process.
fn behind(door: &Door, opts: &Opts) -> Opts {
    OptsBuilder::from_opts(opts.clone())
        .socket(Some(door.path()))
        .ssl_opts(None)
        .compression(None)
        .enable_cleartext_plugin(true)
        .into()
}
