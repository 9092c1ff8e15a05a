//! Reading the text of MySQL GTID sets.
//!
//! The text is a list of entries separated by commas; an entry is a UUID followed by intervals, and by tags that
//! are followed by intervals of their own: `uuid:1-5:7:tag_a:1-3`. Blanks and newlines may stand between any
//! two parts, and entries may be empty.

use super::gtid::{GtidTag, MAX_GTID_NUMBER, ServerUuid};
use super::interval::Interval;

/// Why a text is not a GTID or a set of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GtidError {
    /// An entry has nothing after its UUID, or no UUID at all.
    #[error("Cannot parse OracleGtidSetEntry from {0}")]
    NoIntervals(String),
    /// The part before the first colon is not a UUID.
    #[error("Unexpected UUID: {0}")]
    Uuid(String),
    /// A part is neither a tag nor an interval of numbers from 1 to 2^63-2.
    #[error("Invalid format: {token:?} in {entry} is neither a tag nor an interval")]
    Interval {
        /// The unreadable part.
        token: String,
        /// The entry it stands in.
        entry: String,
    },
    /// A tag is followed by another tag or by the end.
    #[error("Invalid format: Found a tag without any intervals in {0}")]
    TagWithoutIntervals(String),
}

/// Hands every interval of one entry to `add`, in order. An error may come after some of them.
///
/// An interval whose end is below its start is empty and not handed over, as on the server.
pub(super) fn parse_entry(
    entry: &str,
    add: &mut dyn FnMut((ServerUuid, GtidTag, Interval)),
) -> Result<(), GtidError> {
    let entry = entry.trim();
    let no_intervals = || GtidError::NoIntervals(entry.to_owned());
    let (uuid, rest) = entry.split_once(':').ok_or_else(no_intervals)?;
    let uuid = ServerUuid::parse(uuid.trim()).ok_or_else(|| GtidError::Uuid(uuid.trim().to_owned()))?;
    if rest.trim().is_empty() {
        return Err(no_intervals());
    }
    let mut tag = GtidTag::NONE;
    let mut tag_awaits_interval = false;
    for token in rest.split(':').map(str::trim) {
        if let Some(found) = GtidTag::parse(token) {
            if tag_awaits_interval {
                return Err(GtidError::TagWithoutIntervals(entry.to_owned()));
            }
            tag = found;
            tag_awaits_interval = true;
            continue;
        }
        let run = parse_interval(token)
            .ok_or_else(|| GtidError::Interval { token: token.to_owned(), entry: entry.to_owned() })?;
        tag_awaits_interval = false;
        if run.first <= run.last {
            add((uuid, tag.clone(), run));
        }
    }
    if tag_awaits_interval {
        return Err(GtidError::TagWithoutIntervals(entry.to_owned()));
    }
    Ok(())
}

/// Reads `n` or `n-m`. The end may be below the start.
fn parse_interval(token: &str) -> Option<Interval> {
    match token.split_once('-') {
        None => parse_number(token).map(|number| Interval { first: number, last: number }),
        Some((first, last)) => Some(Interval { first: parse_number(first)?, last: parse_number(last)? }),
    }
}

fn parse_number(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| (1..=MAX_GTID_NUMBER).contains(number))
}
