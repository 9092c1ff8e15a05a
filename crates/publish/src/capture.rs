//! Keeping what a hook prints: its beginning and its end, however much it is.

use std::collections::VecDeque;
use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;

/// Bytes kept of the beginning, and as many of the end.
const KEPT: usize = 4 * 1024;

/// The reading end of a hook's output. Reads on when it is full, so that a hook that prints much never blocks.
pub(crate) struct Capture {
    receiver: Receiver,
    kept: Shortened,
}

impl Capture {
    pub(crate) fn new(receiver: Receiver) -> Self {
        Self { receiver, kept: Shortened::default() }
    }

    /// Reads until no process holds the writing end any more. May be dropped and called again: nothing read is lost.
    pub(crate) async fn read_to_end(&mut self) -> io::Result<()> {
        let mut buffer = [0; 8 * 1024];
        loop {
            match self.receiver.read(&mut buffer).await? {
                0 => return Ok(()),
                length => self.kept.push(&buffer[..length]),
            }
        }
    }

    /// What was read so far, shortened in the middle, without blanks around it. Bytes that are no UTF-8 become `�`.
    pub(crate) fn text(&self) -> String {
        self.kept.text()
    }
}

/// The first and the last bytes of a stream.
#[derive(Default)]
struct Shortened {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Shortened {
    fn push(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(KEPT - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let surplus = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..surplus);
        self.left_out += surplus as u64;
    }

    fn text(&self) -> String {
        let (tail_front, tail_back) = self.tail.as_slices();
        let bytes = if self.left_out == 0 {
            [self.head.as_slice(), tail_front, tail_back].concat()
        } else {
            let note = format!("\n[... {} bytes left out ...]\n", self.left_out);
            [self.head.as_slice(), note.as_bytes(), tail_front, tail_back].concat()
        };
        String::from_utf8_lossy(&bytes).trim().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{KEPT, Shortened};

    fn kept(pieces: &[&[u8]]) -> String {
        let mut shortened = Shortened::default();
        for piece in pieces {
            shortened.push(piece);
        }
        shortened.text()
    }

    #[test]
    fn short_output_is_kept_whole() {
        assert_eq!(kept(&[]), "");
        assert_eq!(kept(&[b"\n one", b"\n two \n"]), "one\n two");
        let full = vec![b'x'; 2 * KEPT];
        assert_eq!(kept(&[&full]).len(), 2 * KEPT);
    }

    #[test]
    fn long_output_keeps_its_beginning_and_its_end() {
        let middle = vec![b'm'; 3 * KEPT];
        let text = kept(&[b"begin", &middle, &middle, b"end"]);
        assert!(text.starts_with("beginm") && text.ends_with("mend"), "{text}");
        assert!(
            text.contains(&format!("[... {} bytes left out ...]", 5 + 6 * KEPT + 3 - 2 * KEPT)),
            "{text}"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        assert_eq!(kept(&[b"a\xffb"]), "a\u{fffd}b");
    }
}
