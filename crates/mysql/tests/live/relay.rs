//! A relay in front of a server that counts requests: bursts of bytes from the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use model::InstanceKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Ends with the test.
pub(crate) struct CountingRelay {
    requests: Arc<AtomicU32>,
    port: u16,
    task: JoinHandle<()>,
}

impl CountingRelay {
    /// Relays connections, one after the other, to a server's port.
    #[expect(clippy::disallowed_methods, reason = "a test's helper, aborted when dropped")]
    pub(crate) async fn to(port: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let requests = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&requests);
        let own_port = listener.local_addr()?.port();
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // A broken connection ends one round; the next is accepted.
                let _ = carry(client, port, &counted).await;
            }
        });
        Ok(Self { requests, port: own_port, task })
    }

    pub(crate) fn key(&self) -> InstanceKey {
        InstanceKey::new("127.0.0.1", self.port)
    }

    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }
}

impl Drop for CountingRelay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(mut client: TcpStream, port: u16, requests: &AtomicU32) -> Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", port)).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (mut from_client, mut from_server) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                requests.fetch_add(1, Ordering::SeqCst);
                server.write_all(&from_client[..read]).await?;
            }
            read = server.read(&mut from_server) => {
                let read = read?;
                if read == 0 {
                    return Ok(());
                }
                client.write_all(&from_server[..read]).await?;
            }
        }
    }
}
