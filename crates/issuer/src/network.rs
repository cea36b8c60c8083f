//! Who counts as one client, where addresses are counted.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 address; of IPv6 a /64, as one subscriber has at least that much. With `crowded`, what is
/// probably one provider.
pub(crate) fn network(address: IpAddr, crowded: bool) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let bits = if crowded { 16 } else { 32 };
            IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << (32 - bits))))
        }
        IpAddr::V6(address) => {
            let bits = if crowded { 32 } else { 64 };
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - bits))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, crowded: bool) -> String {
        network(text.parse().unwrap(), crowded).to_string()
    }

    #[test]
    fn an_ipv6_subscriber_counts_as_one() {
        assert_eq!(of("2001:db8:1:2:3:4:5:6", false), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.7", false), "192.0.2.7");
    }

    #[test]
    fn neighbours_share_a_limit_when_there_are_too_many() {
        assert_eq!(of("2001:db8:1:2:3:4:5:6", true), "2001:db8::");
        assert_eq!(of("192.0.2.7", true), "192.0.0.0");
    }
}
