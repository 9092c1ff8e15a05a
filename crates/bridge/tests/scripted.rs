//! The bridge against a server that says what real ones rarely do. What real ones do say is tried by the live tests of
//! crate `mysql`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bridge::Dialer;
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, DriverError, Error, IoError, Opts, OptsBuilder, SslOpts};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

const PASSWORD: &str = "a tiger in the clear";
const KEY: &[u8] = include_bytes!("public_key.pem");
const SOON: Duration = Duration::from_secs(10);
const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];
const DENIED: &[u8] = b"\xff\x15\x04#28000Access denied";
const NONCE: &[u8] = b"abcdefghijklmnopqrst\0";

/// What the server says, and whether the log-in ends as it should then.
type Case<'a> = (&'a [u8], fn(&Error) -> bool);

/// The server's side of one connection; all that it was told.
struct Peer {
    stream: TcpStream,
    number: u8,
    heard: Vec<u8>,
}

impl Peer {
    async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = timeout(SOON, listener.accept()).await.expect("somebody connects").unwrap();
        Self { stream, number: 0, heard: Vec::new() }
    }

    async fn say(&mut self, payload: &[u8]) {
        let mut packet = u32::try_from(payload.len()).unwrap().to_le_bytes();
        packet[3] = self.number;
        self.stream.write_all(&[&packet, payload].concat()).await.unwrap();
        self.number += 1;
    }

    /// `None` at the end of the connection.
    async fn hear(&mut self) -> Option<Vec<u8>> {
        let mut header = [0; 4];
        self.stream.read_exact(&mut header).await.ok()?;
        let mut payload = vec![0; u32::from_le_bytes([header[0], header[1], header[2], 0]) as usize];
        self.stream.read_exact(&mut payload).await.ok()?;
        self.number = header[3] + 1;
        self.heard.extend(&payload);
        Some(payload)
    }

    /// Greets as this plugin's server; hears the driver's answer.
    async fn greet(&mut self, plugin: &str) {
        self.say_greeting(plugin).await;
        self.hear().await.expect("the driver answers");
    }

    /// Without TLS.
    async fn say_greeting(&mut self, plugin: &str) {
        let mut greeting = b"\x0a8.4.0\0\x01\0\0\0abcdefgh\0".to_vec();
        // Connections with a database, protocol 4.1, transactions, secure passwords; plugins.
        let flags = 0x0008_a209_u32.to_le_bytes();
        greeting.extend([flags[0], flags[1], 0xff, 2, 0, flags[2], flags[3], 21]);
        greeting.extend([0; 10]);
        greeting.extend(b"ijklmnopqrst\0");
        greeting.extend(plugin.bytes().chain([0]));
        self.say(&greeting).await;
    }

    async fn switch_to(&mut self, plugin: &str) {
        let request = [b"\xfe", plugin.as_bytes(), b"\0", NONCE].concat();
        self.say(&request).await;
    }

    /// The driver learns what it does not know, and goes.
    async fn refuse_the_driver(&mut self) {
        self.greet("mysql_native_password").await;
        self.switch_to("sha256_password").await;
        self.until_closed().await;
    }

    /// Logs a bridged driver in. Any sealed password is good enough.
    async fn let_in(&mut self) {
        self.greet("mysql_native_password").await;
        self.switch_to("sha256_password").await;
        assert_eq!(self.hear().await.as_deref(), Some(&[1][..]), "the key is asked for");
        self.say(&[b"\x01", KEY].concat()).await;
        assert_eq!(self.hear().await.map(|sealed| sealed.len()), Some(256));
        self.say(OK).await;
    }

    async fn until_closed(&mut self) {
        timeout(SOON, async { while self.hear().await.is_some() {} }).await.expect("the other side closes");
        let heard = String::from_utf8_lossy(&self.heard);
        assert!(!heard.contains(PASSWORD), "the password went in the clear");
    }
}

async fn listen() -> (TcpListener, OptsBuilder) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let options = OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(listener.local_addr().unwrap().port())
        .user(Some("sha"))
        .pass(Some(PASSWORD))
        .prefer_socket(false)
        .max_allowed_packet(Some(1 << 24))
        .wait_timeout(Some(1_000));
    (listener, options)
}

async fn dial(options: OptsBuilder) -> Result<Conn, Error> {
    timeout(SOON, Dialer::default().connect(options.into())).await.expect("it ends in time")
}

/// Folders for sockets that this process left behind.
fn left_behind() -> usize {
    let prefix = format!("orchestrator-{}-", std::process::id());
    let entries = std::fs::read_dir(std::env::temp_dir()).unwrap();
    entries
        .filter(|entry| {
            entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
        })
        .count()
}

#[tokio::test]
async fn the_driver_is_refused_once_and_both_sides_end_together() {
    let (listener, options) = listen().await;
    let logged_in = AtomicUsize::new(0);
    let server = async {
        Peer::accept(&listener).await.refuse_the_driver().await;
        for _ in 0..2 {
            let mut peer = Peer::accept(&listener).await;
            peer.let_in().await;
            logged_in.fetch_add(1, Ordering::Relaxed);
            assert_eq!(peer.hear().await.as_deref(), Some(&[14][..]), "ping");
            peer.say(OK).await;
            peer.until_closed().await;
        }
        let mut peer = Peer::accept(&listener).await;
        peer.let_in().await;
    };
    let client = async {
        let dialer = Dialer::default();
        for number in 1..=2 {
            let mut conn = dialer.connect(options.clone().into()).await.unwrap();
            assert_eq!(logged_in.load(Ordering::Relaxed), number);
            conn.ping().await.unwrap();
            conn.disconnect().await.unwrap();
        }
        let mut conn = dialer.connect(options.into()).await.unwrap();
        let lost =
            timeout(SOON, conn.ping()).await.expect("the end of the server comes through").unwrap_err();
        assert!(matches!(lost, Error::Io(_)), "{lost}");
        assert_eq!(left_behind(), 0);
    };
    tokio::join!(server, client);
}

/// These would get the password in the clear from a driver that believes to be on the server's machine.
#[tokio::test]
async fn what_else_a_server_asks_for_gets_no_password() {
    let requests: [&[u8]; 5] = [
        b"\xfemysql_clear_password\0abcdefghijklmnopqrst\0",
        // The whole password, of `caching_sha2_password`.
        b"\x01\x04",
        b"\xfedialog\0Password: ",
        b"\xfe",
        // What the driver began with was enough.
        OK,
    ];
    for request in requests {
        let (listener, options) = listen().await;
        let server = async {
            Peer::accept(&listener).await.refuse_the_driver().await;
            let mut bridged = Peer::accept(&listener).await;
            bridged.greet("caching_sha2_password").await;
            bridged.say(request).await;
            bridged.until_closed().await;
            let mut direct = Peer::accept(&listener).await;
            direct.greet("mysql_native_password").await;
            direct.say(DENIED).await;
            direct.until_closed().await;
        };
        let (_, denied) = tokio::join!(server, dial(options));
        assert!(matches!(&denied, Err(Error::Server(error)) if error.code == 1045), "{denied:?}");
    }
}

/// Answers to the request for the public key, and what becomes of the log-in.
#[tokio::test]
async fn a_password_waits_for_a_usable_key() {
    let short = b"\x01-----BEGIN PUBLIC KEY-----\ntiger\n-----END PUBLIC KEY-----\n".to_vec();
    let long = vec![1; 100_000];
    let cases: [Case<'_>; 5] = [
        (DENIED, |error| matches!(error, Error::Server(denied) if denied.code == 1045)),
        (&short, |error| matches!(error, Error::Other(_))),
        (&long, |error| matches!(error, Error::Driver(DriverError::PacketTooLarge))),
        (OK, |error| matches!(error, Error::Driver(DriverError::UnexpectedPacket { .. }))),
        (b"", |error| matches!(error, Error::Driver(DriverError::UnexpectedPacket { .. }))),
    ];
    for (answer, is_expected) in cases {
        let (listener, options) = listen().await;
        let server = async {
            Peer::accept(&listener).await.refuse_the_driver().await;
            let mut bridged = Peer::accept(&listener).await;
            bridged.greet("mysql_native_password").await;
            bridged.switch_to("sha256_password").await;
            bridged.hear().await.expect("the key is asked for");
            bridged.say(answer).await;
            bridged.until_closed().await;
        };
        let (_, outcome) = tokio::join!(server, dial(options));
        let error = outcome.unwrap_err();
        assert!(is_expected(&error), "{answer:?}: {error:?}");
    }
}

/// First words that are no greeting, and the driver's own error for them.
#[tokio::test]
async fn a_server_that_does_not_greet_is_told_by_its_own_error() {
    let busy = b"\xff\x10\x04Too many connections";
    let cases: [Case<'_>; 2] = [
        (busy, |error| matches!(error, Error::Server(busy) if busy.code == 1040)),
        (b"", |error| matches!(error, Error::Driver(_))),
    ];
    for (first, is_expected) in cases {
        let (listener, options) = listen().await;
        let server = async {
            Peer::accept(&listener).await.refuse_the_driver().await;
            let mut bridged = Peer::accept(&listener).await;
            bridged.say(first).await;
            bridged.until_closed().await;
        };
        let (_, outcome) = tokio::join!(server, dial(options));
        let error = outcome.unwrap_err();
        assert!(is_expected(&error), "{first:?}: {error:?}");
    }
}

#[tokio::test]
async fn encryption_is_not_done_without() {
    let (listener, options) = listen().await;
    let server = async {
        Peer::accept(&listener).await.refuse_the_driver().await;
        Peer::accept(&listener).await.let_in().await;
        let mut bridged = Peer::accept(&listener).await;
        bridged.say_greeting("mysql_native_password").await;
        bridged.until_closed().await;
    };
    let client = async {
        let dialer = Dialer::default();
        drop(dialer.connect(options.clone().into()).await.unwrap());
        // The account is known to need the bridge by now.
        dialer.connect(options.ssl_opts(SslOpts::default()).into()).await
    };
    let (_, outcome) = tokio::join!(server, client);
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Driver(DriverError::NoClientSslFlagFromServer)), "{error}");
}

/// Given up at each point of the log-in: nothing remains, and the server hears of it.
#[tokio::test]
async fn nothing_remains_of_a_connection_that_was_given_up() {
    for stage in 0..3 {
        let (listener, options) = listen().await;
        let server = async {
            Peer::accept(&listener).await.refuse_the_driver().await;
            let mut bridged = Peer::accept(&listener).await;
            if stage > 0 {
                bridged.greet("mysql_native_password").await;
            }
            if stage > 1 {
                bridged.switch_to("sha256_password").await;
                bridged.hear().await.expect("the key is asked for");
            }
            bridged.until_closed().await;
        };
        let client = async {
            let opts: Opts = options.into();
            let dialer = Dialer::default();
            timeout(Duration::from_millis(500), dialer.connect(opts))
                .await
                .expect_err("the server is silent");
        };
        tokio::join!(server, client);
        assert_eq!(left_behind(), 0);
    }
}

#[tokio::test]
async fn a_server_that_leaves_is_a_lost_connection() {
    let (listener, options) = listen().await;
    let server = async {
        Peer::accept(&listener).await.refuse_the_driver().await;
        let mut bridged = Peer::accept(&listener).await;
        bridged.greet("mysql_native_password").await;
    };
    let (_, outcome) = tokio::join!(server, dial(options));
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Io(IoError::Io(_))), "{error:?}");
}
