//! After the log-in: bytes, both ways.

use tokio::io::{AsyncRead, AsyncWrite, copy, split};

/// Copies until one side closes, then closes the other: the driver hears of the server's end as soon as if it were
/// connected to it, and the server of the driver's. What was written before the end still arrives.
pub(crate) async fn carry(driver: impl AsyncRead + AsyncWrite, server: impl AsyncRead + AsyncWrite) {
    let (mut from_driver, mut to_driver) = split(driver);
    let (mut from_server, mut to_server) = split(server);
    // How it ended does not matter: to the driver both are a lost connection.
    tokio::select! {
        _ = copy(&mut from_server, &mut to_driver) => {}
        _ = copy(&mut from_driver, &mut to_server) => {}
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn the_end_of_one_side_ends_the_other() {
        for server_ends in [true, false] {
            let ((ours, driver), (server, theirs)) = (duplex(64), duplex(64));
            let (mut ending, mut other) = if server_ends { (theirs, ours) } else { (ours, theirs) };
            let (said, mut heard) = ([7; 1_000], Vec::new());
            let test = async {
                let speak = async {
                    ending.write_all(&said).await.unwrap();
                    drop(ending);
                };
                tokio::join!(speak, other.read_to_end(&mut heard)).1.unwrap();
            };
            tokio::join!(carry(driver, server), test);
            assert_eq!(heard, said);
        }
    }
}
