//! Which addresses are taken for public (catalogue A01, F02).

use std::net::IpAddr;

use oid4vci::address::{is_off_limits, is_public, is_this_machine};
use url::Url;

#[test]
fn special_addresses_are_not_public() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.8",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b:1::a00:1",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd12:3456::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!is_public(address.parse::<IpAddr>().unwrap()), "{address}");
    }
}

#[test]
fn addresses_next_to_the_special_ones_are_public() {
    for address in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2a00::1",
        "3ffe:ffff::1",
    ] {
        assert!(is_public(address.parse::<IpAddr>().unwrap()), "{address}");
    }
}

/// Catalogue A01: what a person may agree to, and what nobody can want.
#[test]
fn link_local_addresses_and_metadata_services_are_off_limits() {
    for address in [
        "169.254.0.1",
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fe80::1",
        "febf::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "::169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
    ] {
        assert!(is_off_limits(address.parse::<IpAddr>().unwrap()), "{address}");
    }
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.253.0.1",
        "1.1.1.1",
        "::1",
        "fd00::1",
        "fec0::1",
        "::ffff:10.0.0.1",
        "2a00::1",
    ] {
        assert!(!is_off_limits(address.parse::<IpAddr>().unwrap()), "{address}");
    }
}

#[test]
fn only_loopback_names_are_this_machine() {
    for url in [
        "http://localhost:8080/",
        "http://LOCALHOST./",
        "http://issuer.localhost/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f000001/",
        "http://[::1]/",
    ] {
        assert!(is_this_machine(&Url::parse(url).unwrap()), "{url}");
    }
    for url in [
        "http://localhost.example/",
        "http://notlocalhost/",
        "http://127.0.0.1.example/",
        "http://10.0.0.1/",
        "http://[::ffff:7f00:1]/",
        "mailto:a@localhost",
    ] {
        assert!(!is_this_machine(&Url::parse(url).unwrap()), "{url}");
    }
}
