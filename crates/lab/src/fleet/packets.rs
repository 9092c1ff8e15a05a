//! The packets of the MySQL protocol that a server sends after log-in, framed and numbered.

use mysql_common::constants::{CapabilityFlags, ColumnType, StatusFlags};
use mysql_common::io::BufMutExt;
use mysql_common::packets::Column;
use mysql_common::proto::MySerialize;

/// What the simulated servers offer. No TLS, no compression, and result sets end with EOF packets.
pub(super) const OFFERED: CapabilityFlags = CapabilityFlags::CLIENT_PROTOCOL_41
    .union(CapabilityFlags::CLIENT_LONG_PASSWORD)
    .union(CapabilityFlags::CLIENT_LONG_FLAG)
    .union(CapabilityFlags::CLIENT_FOUND_ROWS)
    .union(CapabilityFlags::CLIENT_CONNECT_WITH_DB)
    .union(CapabilityFlags::CLIENT_TRANSACTIONS)
    .union(CapabilityFlags::CLIENT_SECURE_CONNECTION)
    .union(CapabilityFlags::CLIENT_MULTI_STATEMENTS)
    .union(CapabilityFlags::CLIENT_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_PS_MULTI_RESULTS)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH)
    .union(CapabilityFlags::CLIENT_PLUGIN_AUTH_LENENC_CLIENT_DATA)
    .union(CapabilityFlags::CLIENT_CONNECT_ATTRS);
/// Collation `utf8mb4_general_ci`.
pub(super) const COLLATION: u8 = 45;
/// Length and number of a packet.
pub(super) const HEADER: usize = 4;

const OK: u8 = 0x00;
const EOF: u8 = 0xfe;
const ERROR: u8 = 0xff;
const NULL: u8 = 0xfb;

/// Packets of one answer, not sent yet.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) bytes: Vec<u8>,
    number: u8,
}

impl Reply {
    /// The answer to the packet with this number.
    pub(super) fn to(number: u8) -> Self {
        Self { bytes: Vec::new(), number: number.wrapping_add(1) }
    }

    /// A packet of what `fill` appends.
    pub(super) fn packet(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        self.bytes.extend([0, 0, 0, self.number]);
        fill(&mut self.bytes);
        let length = u32::try_from(self.bytes.len() - start - HEADER).unwrap_or(u32::MAX);
        self.bytes[start..start + 3].copy_from_slice(&length.to_le_bytes()[..3]);
        self.number = self.number.wrapping_add(1);
    }

    /// A statement without result set is done; another answer follows, or none.
    pub(super) fn ok(&mut self, is_followed: bool) {
        self.packet(|bytes| {
            bytes.extend([OK, 0, 0]);
            bytes.extend(status(is_followed));
            bytes.extend([0, 0]);
        });
    }

    /// The end of the columns, or of the rows.
    pub(super) fn end(&mut self, is_followed: bool) {
        self.packet(|bytes| {
            bytes.extend([EOF, 0, 0]);
            bytes.extend(status(is_followed));
        });
    }

    /// A failure; nothing follows it.
    pub(super) fn error(&mut self, number: u16, state: &str, message: &str) {
        self.packet(|bytes| {
            bytes.push(ERROR);
            bytes.extend(number.to_le_bytes());
            bytes.push(b'#');
            bytes.extend(state.as_bytes());
            bytes.extend(message.as_bytes());
        });
    }

    /// The head of a result set.
    pub(super) fn columns(&mut self, columns: &Columns) {
        self.packet(|bytes| bytes.put_lenenc_int(columns.starts.len() as u64));
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(&columns.bytes);
        for start in &columns.starts {
            self.bytes[begin + start + 3] = self.number;
            self.number = self.number.wrapping_add(1);
        }
        self.end(false);
    }
}

/// One value of a row; `None` is NULL.
pub(super) fn put_value(bytes: &mut Vec<u8>, value: Option<&str>) {
    match value {
        Some(text) => bytes.put_lenenc_str(text.as_bytes()),
        None => bytes.push(NULL),
    }
}

fn status(is_followed: bool) -> [u8; 2] {
    let mut flags = StatusFlags::SERVER_STATUS_AUTOCOMMIT;
    flags.set(StatusFlags::SERVER_MORE_RESULTS_EXISTS, is_followed);
    flags.bits().to_le_bytes()
}

/// The packets that describe columns, made once. Every column is text, as all values are in this protocol.
#[derive(Debug)]
pub(super) struct Columns {
    bytes: Vec<u8>,
    /// Where each packet begins.
    starts: Vec<usize>,
}

impl Columns {
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut packets = Reply::to(0);
        let mut starts = Vec::new();
        for name in names {
            starts.push(packets.bytes.len());
            let column = Column::new(ColumnType::MYSQL_TYPE_VAR_STRING)
                .with_name(name.as_bytes())
                .with_org_name(name.as_bytes())
                .with_character_set(COLLATION.into())
                .with_column_length(1_024);
            packets.packet(|bytes| column.serialize(bytes));
        }
        Self { bytes: packets.bytes, starts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_numbered_through_a_whole_answer() {
        let mut reply = Reply::to(0);
        reply.columns(&Columns::new(["a", "b"]));
        reply.packet(|bytes| {
            put_value(bytes, Some("x"));
            put_value(bytes, None);
        });
        reply.end(true);
        let mut rest = &reply.bytes[..];
        let mut packets = Vec::new();
        while let [a, b, c, number, body @ ..] = rest {
            let length = usize::from(*a) + (usize::from(*b) << 8) + (usize::from(*c) << 16);
            packets.push((*number, body[..length].to_vec()));
            rest = &body[length..];
        }
        let numbers: Vec<u8> = packets.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
        assert_eq!(packets[4].1, [1, b'x', 0xfb]);
        assert_eq!(packets[5].1, [0xfe, 0, 0, 0x0a, 0]);
    }
}
