//! A password as it goes to a server without TLS: mixed with the server's nonce, sealed with the server's key.

use mysql_async::Error;
use mysql_common::crypto::rsa::{GetRandom, Pkcs1OaepPadding, PublicKey};
use num_bigint::BigUint;
use spki::der::asn1::UintRef;
use spki::der::{Decode, Reader, SliceReader};
use spki::{ObjectIdentifier, SubjectPublicKeyInfoRef};
use tokio_rustls::rustls::pki_types::SubjectPublicKeyInfoDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

/// Length of a nonce.
pub(crate) const NONCE: usize = 20;
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// Sizes of keys that are used, in bits: no toys, and none that would keep a processor busy.
const KEY_BITS: std::ops::RangeInclusive<u64> = 1_024..=16_384;
/// Longest exponent, in bits. Usual is 65537.
const EXPONENT_BITS: u64 = 64;
/// What the padding takes, in bytes.
const PADDING: usize = 42;

/// The password as a server can open it that sent this nonce and this key in PEM.
pub(crate) fn sealed(password: &[u8], nonce: &[u8; NONCE], pem: &[u8]) -> Result<Vec<u8>, Error> {
    let key = public_key(pem).ok_or_else(|| {
        Error::Other("the server sent no usable RSA key to encrypt the password with".into())
    })?;
    let ended = password.iter().chain([&0]);
    let masked: Vec<u8> = ended.zip(nonce.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    // The library panics at what does not fit.
    if masked.len() + PADDING > key.num_octets() {
        return Err(Error::Other("the password is too long for the server's RSA key; use TLS".into()));
    }
    Ok(key.encrypt_block(masked, Pkcs1OaepPadding::new(GetRandom)))
}

/// Read with care, because anybody could have sent it: the library's own reader panics.
fn public_key(pem: &[u8]) -> Option<PublicKey> {
    let der = SubjectPublicKeyInfoDer::from_pem_slice(pem).ok()?;
    let info = SubjectPublicKeyInfoRef::from_der(&der).ok().filter(|info| info.algorithm.oid == RSA)?;
    let mut numbers = SliceReader::new(info.subject_public_key.as_bytes()?).ok()?;
    let read = numbers.sequence(|inner| Ok((UintRef::decode(inner)?, UintRef::decode(inner)?)));
    let (modulus, exponent) = read.ok()?;
    let [modulus, exponent] = [modulus, exponent].map(|number| BigUint::from_bytes_be(number.as_bytes()));
    let is_usable = KEY_BITS.contains(&modulus.bits())
        && modulus.bit(0)
        && exponent.bit(0)
        && (2..=EXPONENT_BITS).contains(&exponent.bits());
    is_usable.then(|| PublicKey::new(modulus, exponent))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = include_str!("../tests/public_key.pem");

    #[test]
    fn a_password_is_sealed_anew_each_time() {
        let first = sealed(b"tiger", &[7; NONCE], KEY.as_bytes()).unwrap();
        assert_eq!(first.len(), 256);
        assert_ne!(first, sealed(b"tiger", &[7; NONCE], KEY.as_bytes()).unwrap());
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (length, fits) in [(213, true), (214, false), (100_000, false)] {
            assert_eq!(sealed(&vec![b'x'; length], &[7; NONCE], KEY.as_bytes()).is_ok(), fits, "{length}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let certificate = KEY.replace("PUBLIC KEY", "CERTIFICATE");
        let half = &KEY[..KEY.len() / 2];
        for pem in ["", "tiger", half, &certificate, &KEY.replace("MIIB", "MIIC")] {
            assert!(sealed(b"tiger", &[7; NONCE], pem.as_bytes()).is_err(), "{pem}");
        }
    }

    proptest! {
        #[test]
        fn no_key_that_a_server_can_send_panics(at in 0..KEY.len(), byte: u8, password in "\\PC{0,60}") {
            let mut pem = KEY.as_bytes().to_vec();
            pem[at] = byte;
            if let Ok(sealed) = sealed(password.as_bytes(), &[7; NONCE], &pem) {
                prop_assert!(sealed.len() >= 128);
            }
        }
    }
}
