//! One short conversation with a server of ZooKeeper: greeting, questions and changes one after the other, farewell.
//!
//! It lives for one publication and sends no heartbeat. Dropping it closes the connection; the server ends the session
//! when its time is over.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::wire::{self, Kind, Reader, Writer};

/// How long a session outlives a connection that was lost. None outlives one that was closed well.
const SESSION: Duration = Duration::from_secs(10);
/// Largest answer, bytes; the server's own default for nodes.
const ANSWER_MAX: usize = 1024 * 1024;

/// The server's number for "there is no such node".
const NO_NODE: i32 = -101;

/// Why the server did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The connection is of no more use.
    Lost(String),
    /// The server refused this request.
    Refused(String),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.to_string())
    }
}

/// An open session.
pub(crate) struct Session {
    stream: TcpStream,
    last_request: i32,
}

impl Session {
    /// Connects and is greeted.
    pub(crate) async fn open(host: &str, port: u16) -> Result<Self, Failure> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let mut session = Self { stream, last_request: 0 };
        let millis = i32::try_from(SESSION.as_millis()).unwrap_or(i32::MAX);
        session.stream.write_all(&wire::greeting(millis).frame()).await?;
        let answer = session.read_frame().await?;
        let mut reader = Reader(&answer);
        match (reader.int(), reader.int()) {
            (Some(_protocol), Some(granted)) if granted > 0 => Ok(session),
            _ => Err(Failure::Lost("it grants no session".to_owned())),
        }
    }

    /// The data of a node; `None` when there is none.
    pub(crate) async fn data(&mut self, path: &str) -> Result<Option<Vec<u8>>, Failure> {
        let (error, body) = self.ask(Kind::GetData, wire::about(path)).await?;
        match error {
            0 => match Reader(&body).blob() {
                Some(data) => Ok(Some(data.to_vec())),
                None => Err(Failure::Lost("its answer cannot be understood".to_owned())),
            },
            NO_NODE => Ok(None),
            other => Err(refusal(other, path)),
        }
    }

    /// There is such a node.
    pub(crate) async fn exists(&mut self, path: &str) -> Result<bool, Failure> {
        match self.ask(Kind::Exists, wire::about(path)).await?.0 {
            0 => Ok(true),
            NO_NODE => Ok(false),
            other => Err(refusal(other, path)),
        }
    }

    /// Creates and changes nodes, all or none.
    pub(crate) async fn change(&mut self, changes: &[Change]) -> Result<(), Failure> {
        let operations = changes.iter().map(Change::operation).collect();
        let (error, body) = self.ask(Kind::Transaction, wire::transaction(operations)).await?;
        let failed = wire::transaction_error(&body).or((error != 0).then_some((0, error)));
        match failed {
            None => Ok(()),
            Some((at, number)) => Err(refusal(number, changes.get(at).map_or("", Change::path))),
        }
    }

    /// Ends the session, so that the server need not keep it.
    pub(crate) async fn close(mut self) -> Result<(), Failure> {
        self.ask(Kind::CloseSession, Writer::default()).await.map(drop)
    }

    /// Asks, and waits for the answer: the server's error number, and what follows.
    async fn ask(&mut self, kind: Kind, request: Writer) -> Result<(i32, Vec<u8>), Failure> {
        self.last_request += 1;
        let frame = Writer::default().int(self.last_request).int(kind as i32).append(request).frame();
        self.stream.write_all(&frame).await?;
        let answer = self.read_frame().await?;
        let mut reader = Reader(&answer);
        let (number, _state, error) = (reader.int(), reader.long(), reader.int());
        match (number, error) {
            (Some(number), Some(error)) if number == self.last_request => Ok((error, reader.0.to_vec())),
            _ => Err(Failure::Lost("its answer cannot be understood".to_owned())),
        }
    }

    async fn read_frame(&mut self) -> Result<Vec<u8>, Failure> {
        let mut length = [0; 4];
        self.stream.read_exact(&mut length).await?;
        let length = usize::try_from(i32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > ANSWER_MAX {
            return Err(Failure::Lost("what answers there is not ZooKeeper; check ZkAddress".to_owned()));
        }
        let mut frame = vec![0; length];
        self.stream.read_exact(&mut frame).await?;
        Ok(frame)
    }
}

/// A change of one node.
pub(crate) enum Change {
    /// Create it with this data.
    Create(String, Vec<u8>),
    /// Give it this data.
    Set(String, Vec<u8>),
}

impl Change {
    fn path(&self) -> &str {
        match self {
            Self::Create(path, _) | Self::Set(path, _) => path,
        }
    }

    fn operation(&self) -> (Kind, Writer) {
        match self {
            Self::Create(path, data) => (Kind::Create, wire::create(path, data)),
            Self::Set(path, data) => (Kind::SetData, wire::set_data(path, data)),
        }
    }
}

fn refusal(number: i32, path: &str) -> Failure {
    let text = match number {
        NO_NODE => format!("{path} was removed meanwhile"),
        -8 => format!("{path} is no path that it takes; give the cluster another alias"),
        -102 => format!("it lets nobody change {path} without an account; let `world:anyone` change it"),
        -108 => format!("the node above {path} can have none below; remove it"),
        -110 => format!("{path} was created by somebody else meanwhile"),
        -119 => "it is read-only now, cut off from the other servers".to_owned(),
        other => format!("it answers with error {other} for {path}"),
    };
    // A session that is over, or has moved, is over for the next request as well.
    if matches!(number, -112 | -118 | -119 | -4) { Failure::Lost(text) } else { Failure::Refused(text) }
}
