//! How ZooKeeper's clients and servers spell what they say: big-endian numbers, and texts, blobs and lists with their
//! length before them. Only what publication needs, as `zookeeper.jute` of the server describes it.

/// What an operation is, by the server's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Kind {
    Create = 1,
    Exists = 3,
    GetData = 4,
    SetData = 5,
    Transaction = 14,
    CloseSession = -11,
}

/// Bytes being written.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn int(mut self, value: i32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn long(mut self, value: i64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    pub(crate) fn flag(mut self, value: bool) -> Self {
        self.0.push(u8::from(value));
        self
    }

    pub(crate) fn blob(self, bytes: &[u8]) -> Self {
        let mut written = self.int(i32::try_from(bytes.len()).unwrap_or(i32::MAX));
        written.0.extend_from_slice(bytes);
        written
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.blob(text.as_bytes())
    }

    pub(crate) fn append(mut self, other: Self) -> Self {
        self.0.extend_from_slice(&other.0);
        self
    }

    /// The bytes with their length before them, as they go over the connection.
    pub(crate) fn frame(self) -> Vec<u8> {
        Self::default().blob(&self.0).0
    }
}

/// A first message: a new session with that time-out, which needs no server that is up to date with an earlier one.
pub(crate) fn greeting(session_millis: i32) -> Writer {
    let (protocol, last_seen, no_session, no_password) = (0, 0, 0, [0; 16]);
    Writer::default()
        .int(protocol)
        .long(last_seen)
        .int(session_millis)
        .long(no_session)
        .blob(&no_password)
        .flag(false)
}

/// A persistent node that everybody may read and change, as the original made them.
pub(crate) fn create(path: &str, data: &[u8]) -> Writer {
    let (all_rights, persistent) = (31, 0);
    let rights = Writer::default().int(1).int(all_rights).text("world").text("anyone");
    Writer::default().text(path).blob(data).append(rights).int(persistent)
}

/// The data of a node, whatever its version.
pub(crate) fn set_data(path: &str, data: &[u8]) -> Writer {
    let any_version = -1;
    Writer::default().text(path).blob(data).int(any_version)
}

/// A question about a node, without a watch.
pub(crate) fn about(path: &str) -> Writer {
    Writer::default().text(path).flag(false)
}

/// Operations that are carried out together or not at all.
pub(crate) fn transaction(operations: Vec<(Kind, Writer)>) -> Writer {
    let header = |kind: i32, is_end: bool| Writer::default().int(kind).flag(is_end).int(-1);
    let body = operations.into_iter().fold(Writer::default(), |written, (kind, operation)| {
        written.append(header(kind as i32, false)).append(operation)
    });
    body.append(header(-1, true))
}

/// Bytes being read; `None` when they end too early.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn int(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_be_bytes)
    }

    pub(crate) fn long(&mut self) -> Option<i64> {
        self.take(8)?.try_into().ok().map(i64::from_be_bytes)
    }

    /// A missing blob counts as an empty one.
    pub(crate) fn blob(&mut self) -> Option<&'a [u8]> {
        match self.int()? {
            -1 => Some(&[]),
            length => self.take(usize::try_from(length).ok()?),
        }
    }

    fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|byte| byte[0] != 0)
    }
}

/// The number of the operation that made a transaction fail, and of its error; `None` when all were carried out or the
/// answer is unlike any.
///
/// The others of a failed transaction have error 0 before it and -2 behind it.
pub(crate) fn transaction_error(body: &[u8]) -> Option<(usize, i32)> {
    let mut reader = Reader(body);
    for at in 0.. {
        let (kind, is_end, _) = (reader.int()?, reader.flag()?, reader.int()?);
        if is_end || kind != -1 {
            return None;
        }
        let error = reader.int()?;
        if error != 0 && error != -2 {
            return Some((at, error));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_bytes_of_the_server_s_own_client() {
        let frame = about("/a").frame();
        assert_eq!(frame, [0, 0, 0, 7, 0, 0, 0, 2, b'/', b'a', 0]);
        assert_eq!(greeting(10_000).frame().len(), 4 + 45);
        let created = create("/a", b"x").frame();
        assert_eq!(created.len(), 4 + 6 + 5 + 4 + 4 + 9 + 10 + 4);
    }

    #[test]
    fn an_answer_that_ends_too_early_is_noticed() {
        let mut reader = Reader(&[0, 0, 0, 9, 1]);
        assert_eq!(reader.blob(), None);
        assert_eq!(Reader(&[0xff; 4]).blob(), Some(&[][..]));
        assert_eq!(Reader(&[1, 2, 3]).int(), None);
    }

    #[test]
    fn the_operation_that_failed_is_found() {
        let result = |kind: i32, error: i32| Writer::default().int(kind).flag(false).int(error).int(error);
        let end = || Writer::default().int(-1).flag(true).int(-1);
        let failed = result(-1, 0).append(result(-1, -110)).append(result(-1, -2)).append(end());
        assert_eq!(transaction_error(&failed.0), Some((1, -110)));
        let done = Writer::default().int(5).flag(false).int(0).long(0).append(end());
        assert_eq!(transaction_error(&done.0), None);
    }
}
