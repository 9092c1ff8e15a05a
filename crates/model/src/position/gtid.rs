//! The parts of a MySQL GTID: server UUID, optional tag and number.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::gtid_parse::GtidError;

/// The largest number a server gives to a transaction: 2^63 - 2.
pub const MAX_GTID_NUMBER: u64 = i64::MAX as u64 - 1;

/// Longest tag, in characters.
const MAX_TAG_LENGTH: usize = 32;

/// Identity of a server or replication group, ordered as the server orders it (by bytes).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerUuid([u8; 16]);

impl ServerUuid {
    /// Its 16 bytes, most significant first.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads 32 hexadecimal digits of either case, with hyphens in the usual places or without any, in braces or
    /// not: the forms that the server takes. None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text).as_bytes();
        let has_hyphens = match text.len() {
            32 => false,
            36 => true,
            _ => return None,
        };
        let mut bytes = [0_u8; 16];
        let mut at = 0;
        for (index, byte) in bytes.iter_mut().enumerate() {
            if has_hyphens && matches!(index, 4 | 6 | 8 | 10) {
                if text[at] != b'-' {
                    return None;
                }
                at += 1;
            }
            *byte = hex_value(text[at])? << 4 | hex_value(text[at + 1])?;
            at += 2;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for ServerUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for ServerUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ServerUuid {
    type Err = GtidError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.trim()).ok_or_else(|| GtidError::Uuid(text.to_owned()))
    }
}

/// The tag of a GTID (MySQL 8.3 and later); the default is "no tag". Untagged sorts first, then by bytes.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GtidTag(Option<Arc<str>>);

impl GtidTag {
    /// No tag.
    pub const NONE: Self = Self(None);

    /// Reads a tag: a letter or `_`, then up to 31 letters, digits or `_`. Letters are made lower case. None for
    /// anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let first = text.bytes().next()?;
        let is_tag = text.len() <= MAX_TAG_LENGTH
            && !first.is_ascii_digit()
            && text.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
        is_tag.then(|| Self(Some(text.to_ascii_lowercase().into())))
    }

    /// The tag in lower case; none for a GTID without tag.
    pub fn as_str(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

impl fmt::Debug for GtidTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str().unwrap_or("(no tag)"))
    }
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Gtid {
    /// Server or group on which it was committed first.
    pub uuid: ServerUuid,
    /// Tag, if any.
    pub tag: GtidTag,
    /// Number, from 1 to [`MAX_GTID_NUMBER`].
    pub number: u64,
}

impl fmt::Display for Gtid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tag.as_str() {
            Some(tag) => write!(f, "{}:{tag}:{}", self.uuid, self.number),
            None => write!(f, "{}:{}", self.uuid, self.number),
        }
    }
}

impl FromStr for Gtid {
    type Err = GtidError;

    /// Reads `uuid:number` or `uuid:tag:number`. Errors: anything else, also a run of several numbers.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut found = None;
        super::gtid_parse::parse_entry(text, &mut |part| found = Some(part))?;
        let colons = text.matches(':').count();
        match found {
            Some((uuid, tag, run))
                if run.first == run.last && colons == if tag.as_str().is_some() { 2 } else { 1 } =>
            {
                Ok(Self { uuid, tag, number: run.first })
            }
            _ => Err(GtidError::Interval { token: text.to_owned(), entry: text.to_owned() }),
        }
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
