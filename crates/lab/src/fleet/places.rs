//! Where the simulated servers are: a number and its address follow from each other.

use std::net::Ipv4Addr;

/// Numbers used of each of the last two parts of an address: round ones are easier to read.
const PER_PART: usize = 250;
/// Numbers used of the second part; the first stays with whoever uses 127.0 for something else.
const SECOND_PARTS: usize = 250;
/// Most servers that have an address.
pub(super) const MOST: usize = SECOND_PARTS * PER_PART * PER_PART;

/// The address of a server, from 127.1.0.1 on.
pub(super) fn address(index: usize) -> Ipv4Addr {
    let part = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
    let (rest, last) = (index / PER_PART, index % PER_PART);
    Ipv4Addr::new(127, part(1 + rest / PER_PART), part(rest % PER_PART), part(1 + last))
}

/// The server that would have this address.
pub(super) fn index(address: Ipv4Addr) -> Option<usize> {
    let [127, second, third, last] = address.octets() else { return None };
    let rest = usize::from(second).checked_sub(1)? * PER_PART + usize::from(third);
    let last = usize::from(last).checked_sub(1)?;
    (usize::from(third) < PER_PART && last < PER_PART).then_some(rest * PER_PART + last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_its_address_belong_together() {
        for (number, text) in
            [(0, "127.1.0.1"), (249, "127.1.0.250"), (250, "127.1.1.1"), (62_500, "127.2.0.1")]
        {
            assert_eq!(address(number).to_string(), text);
            assert_eq!(index(address(number)), Some(number));
        }
        for strange in ["127.0.0.1", "127.1.0.0", "127.1.0.251", "127.1.250.1", "10.1.0.1"] {
            assert_eq!(strange.parse().ok().and_then(index), None, "{strange}");
        }
    }
}
