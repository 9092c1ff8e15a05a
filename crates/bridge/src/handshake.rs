//! The log-in: who says what until the server lets the account in.
//!
//! The password leaves this process only for a server that asked for `sha256_password`: over TLS as it is, otherwise
//! sealed with the key that the server sends. Whatever else a server asks for, the bridge is not needed for.

use mysql_async::{DriverError, Error};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;

use crate::PLUGIN;
use crate::packets::{self, ERROR, MORE_DATA, OK, SWITCH, Wire};
use crate::password::{self, NONCE};
use crate::tls::Tls;

/// What the driver answers with the password as it is. It allows that over this connection only.
const CLEAR_PASSWORD: &[u8] = b"mysql_clear_password\0";
/// The client's request for the server's public key.
const KEY_REQUEST: &[u8] = &[0x01];
/// How an empty password is told.
const NO_PASSWORD: &[u8] = &[0x00];

/// Why the bridge did not bring the driver to the server.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The account does not use the plugin, or not any more: the driver shall connect by itself.
    NotNeeded,
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What carries bytes to the server and back.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub(crate) type Server = Box<dyn Stream>;

/// Leads driver and server, which has greeted, to the end of the log-in. `None`: the server refused, and the driver knows.
pub(crate) async fn log_in(
    driver: &mut Wire<UnixStream>,
    server: Wire<Server>,
    mut greeting: Vec<u8>,
    tls: Option<Tls>,
) -> Result<Option<Server>, Refusal> {
    if greeting.first() == Some(&ERROR) {
        driver.write(&greeting).await?;
        return Ok(None);
    }
    let offers_tls = packets::take_offers(&mut greeting).ok_or_else(|| unexpected(&greeting))?;
    if tls.is_some() && !offers_tls {
        return Err(Error::from(DriverError::NoClientSslFlagFromServer).into());
    }
    driver.write(&greeting).await?;
    let answer = driver.read().await?;
    let is_encrypted = tls.is_some();
    let mut server = introduce(server, answer, tls).await?;
    let asked = server.read().await?;
    if asked.first() == Some(&ERROR) {
        driver.write(&asked).await?;
        return Ok(None);
    }
    let switch = packets::switch_in(&asked).filter(|(plugin, _)| *plugin == PLUGIN.as_bytes());
    let (_, data) = switch.ok_or(Refusal::NotNeeded)?;
    let nonce = data.first_chunk().ok_or_else(|| unexpected(&asked))?;
    let password = ask_password(driver).await?;
    let verdict = prove(&mut server, &password, is_encrypted, nonce).await?;
    driver.write(&verdict).await?;
    Ok((verdict.first() == Some(&OK)).then(|| server.into_parts().0))
}

/// Sends the driver's answer to the greeting, encrypted if asked to.
async fn introduce(
    mut server: Wire<Server>,
    mut answer: Vec<u8>,
    tls: Option<Tls>,
) -> Result<Wire<Server>, Error> {
    if let Some(tls) = tls {
        let request = packets::ask_for_tls(&mut answer).ok_or_else(|| unexpected(&[]))?;
        server.write(request).await?;
        let (stream, number) = server.into_parts();
        server = Wire::resume(Box::new(tls.encrypt(stream).await?), number);
    }
    server.write(&answer).await?;
    Ok(server)
}

/// The password, from the driver.
async fn ask_password(driver: &mut Wire<UnixStream>) -> Result<Vec<u8>, Error> {
    driver.write(&[&[SWITCH], CLEAR_PASSWORD].concat()).await?;
    let mut password = driver.read().await?;
    password.pop_if(|last| *last == 0);
    Ok(password)
}

/// Proves to the server that we know the password; its verdict.
async fn prove(
    server: &mut Wire<Server>,
    password: &[u8],
    is_encrypted: bool,
    nonce: &[u8; NONCE],
) -> Result<Vec<u8>, Error> {
    if password.is_empty() {
        server.write(NO_PASSWORD).await?;
    } else if is_encrypted {
        server.write(&[password, &[0]].concat()).await?;
    } else {
        server.write(KEY_REQUEST).await?;
        let answer = server.read().await?;
        match answer.split_first() {
            Some((&MORE_DATA, key)) => server.write(&password::sealed(password, nonce, key)?).await?,
            Some((&ERROR, _)) => return Ok(answer),
            _ => return Err(unexpected(&answer)),
        }
    }
    let verdict = server.read().await?;
    if matches!(verdict.first(), Some(&(OK | ERROR))) { Ok(verdict) } else { Err(unexpected(&verdict)) }
}

/// Of a server: what drivers say must not come into messages.
fn unexpected(packet: &[u8]) -> Error {
    DriverError::UnexpectedPacket { payload: packet.to_vec() }.into()
}
