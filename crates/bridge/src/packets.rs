//! Packets of the connection phase: their framing, and the few fields that the bridge has to understand.

use std::io::ErrorKind;

use mysql_async::{DriverError, Error};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest packet accepted before the log-in. The longest real one is a public key or a list of attributes.
const LENGTH_MAX: usize = 64 * 1024;
const PROTOCOL: u8 = 10;
/// Flags in the lower half of a greeting: compression, encryption.
const COMPRESS: u16 = 0x0020;
const SSL: u16 = 0x0800;
/// The driver's answer begins with the part that also asks for encryption.
const SSL_REQUEST_LENGTH: usize = 32;
/// First bytes of what a server says.
pub(crate) const OK: u8 = 0x00;
pub(crate) const MORE_DATA: u8 = 0x01;
pub(crate) const SWITCH: u8 = 0xfe;
pub(crate) const ERROR: u8 = 0xff;

/// One side. Packets of a side are numbered in turn, whoever sends: a side that exchanged more than the other counts on.
pub(crate) struct Wire<S> {
    stream: S,
    number: u8,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self { stream, number: 0 }
    }

    /// The stream behind the last packet, with nothing read of what follows, and the next number.
    pub(crate) fn into_parts(self) -> (S, u8) {
        (self.stream, self.number)
    }

    /// Goes on counting over another stream.
    pub(crate) fn resume(stream: S, number: u8) -> Self {
        Self { stream, number }
    }

    pub(crate) async fn read(&mut self) -> Result<Vec<u8>, Error> {
        let mut header = [0; 4];
        self.fill(&mut header).await?;
        let [low, middle, high, number] = header;
        let length = u32::from_le_bytes([low, middle, high, 0]) as usize;
        if length > LENGTH_MAX {
            return Err(DriverError::PacketTooLarge.into());
        }
        let mut payload = vec![0; length];
        self.fill(&mut payload).await?;
        self.number = number.wrapping_add(1);
        Ok(payload)
    }

    async fn fill(&mut self, buffer: &mut [u8]) -> Result<(), Error> {
        match self.stream.read_exact(buffer).await {
            Ok(_) => Ok(()),
            // In the driver's words.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(std::io::Error::new(ErrorKind::UnexpectedEof, "connection closed").into())
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn write(&mut self, payload: &[u8]) -> Result<(), Error> {
        let length = u32::try_from(payload.len()).map_err(|_| DriverError::PacketTooLarge)?;
        let [low, middle, high, 0] = length.to_le_bytes() else {
            return Err(DriverError::PacketTooLarge.into());
        };
        let mut packet = Vec::with_capacity(4 + payload.len());
        packet.extend([low, middle, high, self.number]);
        packet.extend(payload);
        self.stream.write_all(&packet).await?;
        self.stream.flush().await?;
        self.number = self.number.wrapping_add(1);
        Ok(())
    }
}

/// Makes the greeting offer neither encryption nor compression; whether it offered encryption. `None`: no greeting.
pub(crate) fn take_offers(greeting: &mut [u8]) -> Option<bool> {
    let (&mut PROTOCOL, rest) = greeting.split_first_mut()? else { return None };
    let version = rest.iter().position(|byte| *byte == 0)?;
    // Behind the version: number of the connection, first part of the nonce, a zero.
    let rest = rest.get_mut(version + 1 + 4 + 8 + 1..)?;
    let flags: &mut [u8; 2] = rest.first_chunk_mut()?;
    let offered = u16::from_le_bytes(*flags);
    *flags = (offered & !(SSL | COMPRESS)).to_le_bytes();
    Some(offered & SSL != 0)
}

/// Makes the driver's answer to the greeting one over TLS; the part that asks for TLS. `None`: no such answer.
pub(crate) fn ask_for_tls(answer: &mut [u8]) -> Option<&[u8]> {
    let request = answer.get_mut(..SSL_REQUEST_LENGTH)?;
    let flags: &mut [u8; 2] = request.first_chunk_mut()?;
    *flags = (u16::from_le_bytes(*flags) | SSL).to_le_bytes();
    Some(request)
}

/// Plugin and data of a request to go on with another plugin. `None`: something else.
pub(crate) fn switch_in(packet: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&SWITCH, rest) = packet.split_first()? else { return None };
    let end = rest.iter().position(|byte| *byte == 0)?;
    Some((&rest[..end], &rest[end + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As a MySQL server sends it, with these flags in the lower half.
    fn greeting(version: &str, flags: u16) -> Vec<u8> {
        let mut packet = vec![PROTOCOL];
        packet.extend(version.as_bytes());
        packet.extend([0; 1 + 4 + 8 + 1]);
        packet.extend(flags.to_le_bytes());
        packet.extend([0; 31]);
        packet
    }

    #[test]
    fn offers_are_taken_out_of_a_greeting() {
        for (version, offered, left, is_tls) in [
            ("9.7.0", 0xffff, 0xf7df, true),
            ("5.6.51-log", 0xf7ff, 0xf7df, false),
            ("", 0x0820, 0, true),
            ("8.0.1", 0x0001, 0x0001, false),
        ] {
            let mut packet = greeting(version, offered);
            assert_eq!(take_offers(&mut packet), Some(is_tls), "{version}");
            assert_eq!(packet, greeting(version, left), "{version}");
        }
        let whole = greeting("9.7.0", 0);
        let short = 1 + 6 + 4 + 8 + 1 + 1;
        for mut broken in [vec![], vec![9, 0], vec![PROTOCOL], whole[..short].to_vec()] {
            assert_eq!(take_offers(&mut broken), None, "{broken:?}");
        }
    }

    #[test]
    fn an_answer_asks_for_encryption_in_both_places() {
        let mut answer = vec![0x85; 80];
        assert_eq!(ask_for_tls(&mut answer).map(|request| (request.len(), request[1])), Some((32, 0x8d)));
        assert_eq!((answer[0], answer[1], answer[2]), (0x85, 0x8d, 0x85));
        assert_eq!(ask_for_tls(&mut [0; 31]), None);
    }

    #[test]
    fn a_switch_names_plugin_and_data() {
        let found = Some((&b"sha256_password"[..], &b"nonce"[..]));
        assert_eq!(switch_in(b"\xfesha256_password\0nonce"), found);
        assert_eq!(switch_in(b"\xfedialog\0"), Some((&b"dialog"[..], &b""[..])));
        // The second is the plugin before plugins.
        for packet in [&b""[..], b"\xfe", b"\xfesha256_password", b"\0sha256_password\0"] {
            assert_eq!(switch_in(packet), None, "{packet:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..80), is_greeting: bool) {
            if is_greeting && !bytes.is_empty() {
                bytes[0] = PROTOCOL;
            }
            let before = bytes.len();
            let _ = switch_in(&bytes);
            let _ = ask_for_tls(&mut bytes.clone());
            if take_offers(&mut bytes).is_some() {
                prop_assert_eq!(take_offers(&mut bytes), Some(false));
            }
            prop_assert_eq!(bytes.len(), before);
        }

        #[test]
        fn packets_arrive_as_they_were_sent(payloads in proptest::collection::vec(
            proptest::collection::vec(any::<u8>(), 0..300), 1..5,
        )) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let (left, right) = tokio::io::duplex(64 * 1024);
                let (mut left, mut right) = (Wire::new(left), Wire::new(right));
                for payload in &payloads {
                    left.write(payload).await.unwrap();
                    assert_eq!(&right.read().await.unwrap(), payload);
                    assert_eq!(left.number, right.number);
                }
            });
        }
    }

    #[tokio::test]
    async fn a_packet_that_is_too_long_is_not_awaited() {
        let (left, right) = tokio::io::duplex(64);
        let (mut left, mut right) = (left, Wire::new(right));
        left.write_all(&[1, 0, 1, 0]).await.unwrap();
        let error = right.read().await.unwrap_err();
        assert!(matches!(error, Error::Driver(DriverError::PacketTooLarge)), "{error}");
    }
}
