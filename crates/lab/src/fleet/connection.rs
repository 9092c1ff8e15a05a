//! One connection to a simulated server: log-in, then requests, each statement answered by itself as servers do.

use std::hash::{BuildHasher, RandomState};
use std::io;

use mysql_common::constants::{CapabilityFlags, StatusFlags};
use mysql_common::io::ParseBuf;
use mysql_common::packets::{HandshakePacket, HandshakeResponse};
use mysql_common::proto::{MyDeserialize, MySerialize};
use mysql_common::scramble::scramble_native;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::facts::View;
use super::packets::{COLLATION, HEADER, OFFERED, Reply};
use super::servers::{Mode, Servers};
use super::statements::Statement;
use crate::credentials::ORCHESTRATOR;

/// How MariaDB introduces itself: older clients would stumble over a version of two digits.
const GREETED_VERSION: &str = "5.5.5-10.11.19-MariaDB-0+deb12u1-log";
const PLUGIN: &[u8] = b"mysql_native_password\0";
/// Longest request.
const LONGEST: usize = 1 << 20;
const FIRST_BUFFER: usize = 1_024;

const COM_QUIT: u8 = 0x01;
const COM_INIT_DB: u8 = 0x02;
const COM_QUERY: u8 = 0x03;
const COM_PING: u8 = 0x0e;

const ACCESS_DENIED: u16 = 1045;
const UNKNOWN_COMMAND: u16 = 1047;
const SYNTAX: u16 = 1064;

/// Talks until the client leaves or the server dies.
pub(super) async fn serve(stream: TcpStream, index: usize, servers: &Servers) {
    let mut life = servers.follow(index);
    let connection =
        Connection { stream, received: Vec::with_capacity(FIRST_BUFFER), mode: life.clone(), index, servers };
    tokio::select! {
        biased;
        _ = life.wait_for(|mode| *mode == Mode::Dead) => {}
        // Whatever ends it, the other side sees a closed connection.
        _ = connection.talk() => {}
    }
}

struct Connection<'a> {
    stream: TcpStream,
    received: Vec<u8>,
    mode: watch::Receiver<Mode>,
    index: usize,
    servers: &'a Servers,
}

impl Connection<'_> {
    async fn talk(mut self) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        if !self.log_in().await? {
            return Ok(());
        }
        loop {
            let (number, packet) = self.receive().await?;
            let mut reply = Reply::to(number);
            match packet.split_first() {
                Some((&COM_QUERY, text)) => self.answer(text, reply).await?,
                Some((&(COM_PING | COM_INIT_DB), _)) => {
                    reply.ok(false);
                    self.send(&mut reply).await?;
                }
                Some((&COM_QUIT, _)) | None => return Ok(()),
                Some(_) => {
                    reply.error(UNKNOWN_COMMAND, "08S01", "Unknown command");
                    self.send(&mut reply).await?;
                }
            }
        }
    }

    /// `false`: the account was refused.
    async fn log_in(&mut self) -> io::Result<bool> {
        let mut nonce = nonce();
        // Log-in begins with packet 0, and the server has the first word.
        let mut reply = Reply::to(u8::MAX);
        let head = HandshakePacket::new(
            10,
            GREETED_VERSION.as_bytes(),
            self.servers.next_connection(),
            std::array::from_fn(|at| nonce[at]),
            Some(nonce[8..].to_vec()),
            OFFERED,
            COLLATION,
            StatusFlags::SERVER_STATUS_AUTOCOMMIT,
            Some(PLUGIN),
        );
        reply.packet(|bytes| head.serialize(bytes));
        self.send(&mut reply).await?;
        nonce.pop();
        let (number, packet) = self.receive().await?;
        let mut reply = Reply::to(number);
        let (user, is_right) = check(&packet, &nonce)?;
        if is_right {
            reply.ok(false);
        } else {
            let message = format!("Access denied for user '{user}'@'127.0.0.1' (using password: YES)");
            reply.error(ACCESS_DENIED, "28000", &message);
        }
        self.send(&mut reply).await?;
        Ok(is_right)
    }

    async fn answer(&mut self, text: &[u8], mut reply: Reply) -> io::Result<()> {
        let script = self.servers.script(text);
        let mut statements = script.0.iter().peekable();
        while let Some(statement) = statements.next() {
            let is_followed = statements.peek().is_some();
            if let Statement::Nap(time) = statement {
                tokio::time::sleep(*time).await;
            }
            self.mode.wait_for(|mode| *mode != Mode::Hung).await.map_err(io::Error::other)?;
            let has_failed = self.execute(statement, &mut reply, is_followed);
            self.send(&mut reply).await?;
            self.servers.note_answered();
            if has_failed {
                break;
            }
        }
        Ok(())
    }

    /// `true`: it failed, and nothing after it is executed.
    fn execute(&self, statement: &Statement, reply: &mut Reply, is_followed: bool) -> bool {
        let view = |index| View::of(self.servers, index);
        match statement {
            Statement::Done | Statement::Nap(_) => reply.ok(is_followed),
            Statement::Rows(table) => table.put(reply, [view(self.index)], is_followed),
            Statement::OfReplica(table) => {
                let own = (self.servers.primary_of(self.index) != self.index).then(|| view(self.index));
                table.put(reply, own, is_followed);
            }
            Statement::OfEachReplica(table) => {
                let connected = self.servers.connected_to(self.index);
                table.put(reply, connected.map(view), is_followed);
            }
            Statement::Failure(number, state, message) => {
                reply.error(*number, state, message);
                return true;
            }
            Statement::Unknown(text) => {
                self.servers.note_unknown(text);
                let message = format!("This simulated server does not know the statement: {text}");
                reply.error(SYNTAX, "42000", &message);
                return true;
            }
        }
        false
    }

    /// Sends what was put together, once the server does not hang.
    async fn send(&mut self, reply: &mut Reply) -> io::Result<()> {
        self.mode.wait_for(|mode| *mode != Mode::Hung).await.map_err(io::Error::other)?;
        self.stream.write_all(&reply.bytes).await?;
        reply.bytes.clear();
        Ok(())
    }

    /// The number and the body of the next packet.
    async fn receive(&mut self) -> io::Result<(u8, Vec<u8>)> {
        loop {
            if let [a, b, c, number, rest @ ..] = self.received.as_slice() {
                let length = usize::from(*a) | usize::from(*b) << 8 | usize::from(*c) << 16;
                if length > LONGEST {
                    return Err(io::Error::other("a request of that size was not foreseen"));
                }
                if rest.len() >= length {
                    let packet = (*number, rest[..length].to_vec());
                    self.received.drain(..HEADER + length);
                    return Ok(packet);
                }
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// Twenty characters that nobody can foresee, and the zero that ends them.
fn nonce() -> Vec<u8> {
    let random = RandomState::new();
    let printable = |at: u8| u8::try_from(random.hash_one(at) % 94).unwrap_or_default() + 33;
    (0..20).map(printable).chain([0]).collect()
}

/// The user that a client named, and whether it knows the password.
fn check(packet: &[u8], nonce: &[u8]) -> io::Result<(String, bool)> {
    let response = HandshakeResponse::deserialize((), &mut ParseBuf(packet))?;
    if !response.capabilities().contains(CapabilityFlags::CLIENT_PROTOCOL_41) {
        return Err(io::Error::other("the client speaks a protocol from before 2004"));
    }
    let wanted = scramble_native(nonce, ORCHESTRATOR.password.as_bytes());
    let is_right = response.user() == ORCHESTRATOR.name.as_bytes()
        && wanted.is_some_and(|wanted| response.scramble_buf() == wanted);
    Ok((String::from_utf8_lossy(response.user()).into_owned(), is_right))
}
