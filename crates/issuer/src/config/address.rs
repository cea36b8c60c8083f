//! Addresses in `bestow.toml`: the Credential Issuer Identifier (META-01) and trusted proxies.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;
use oid4vci::metadata::parse_identifier;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// The Credential Issuer Identifier: written as wallets will compare it, byte by byte (META-13).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct IssuerUrl {
    text: String,
    plain_http: bool,
    host: Host,
    port: u16,
    path: String,
}

impl IssuerUrl {
    /// An issuer on this machine, to try things out.
    #[must_use]
    pub fn development() -> Self {
        Self {
            text: "https://localhost:8443".to_owned(),
            plain_http: false,
            host: Host::Domain("localhost".to_owned()),
            port: 8443,
            path: String::new(),
        }
    }

    /// As it is compared, without a `/` at the end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path, as a prefix for other paths; empty when there is none.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The host as a certificate names it: IPv6 without brackets.
    #[must_use]
    pub fn host(&self) -> String {
        match &self.host {
            Host::Domain(name) => name.clone(),
            Host::Ipv4(address) => address.to_string(),
            Host::Ipv6(address) => address.to_string(),
        }
    }

    /// Host and port as wallets show them: a port that everybody means is left out.
    #[must_use]
    pub fn host_and_port(&self) -> String {
        let usual = if self.plain_http { 80 } else { 443 };
        if self.port == usual {
            self.host.to_string()
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// Whether wallets reach it over plain HTTP.
    #[must_use]
    pub const fn is_plain_http(&self) -> bool {
        self.plain_http
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        }
    }

    /// Where to listen when nothing else is said: not for the world when the name is not.
    #[must_use]
    pub fn listen(&self) -> SocketAddr {
        let address = match self.host {
            Host::Ipv6(address) if address.is_loopback() => IpAddr::V6(address),
            Host::Ipv4(address) if address.is_loopback() => IpAddr::V4(address),
            _ if self.is_loopback() => Ipv4Addr::LOCALHOST.into(),
            Host::Domain(_) | Host::Ipv4(_) | Host::Ipv6(_) => Ipv4Addr::UNSPECIFIED.into(),
        };
        SocketAddr::new(address, self.port)
    }
}

impl TryFrom<String> for IssuerUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let url = parse_identifier(&text);
        let parts =
            url.as_ref().and_then(|url| Some((url, url.host()?, url.port_or_known_default()?)));
        let Some((url, host, port)) = parts else {
            return Err(format!(
                "{}\n\
                 write it like \"https://issuer.example\" or \"https://example.org/issuer\": https, \
                 host, optional port and path, nothing else",
                what_is_wrong(&text)
            ));
        };
        if port == 0 {
            let problem = format!("`{text}` has port 0, which nobody can reach");
            return Err(format!("{problem}\nwrite the port that wallets use, or none for 443"));
        }
        let canonical = url.as_str().trim_end_matches('/');
        if canonical != text {
            let problem = format!("`{text}` is not how wallets will see this address");
            return Err(format!("{problem}\nwrite \"{canonical}\""));
        }
        Ok(Self {
            plain_http: url.scheme() == "http",
            host: host.to_owned(),
            port,
            path: url.path().trim_end_matches('/').to_owned(),
            text,
        })
    }
}

/// Why a text is no Credential Issuer Identifier; a password in it is not repeated.
fn what_is_wrong(text: &str) -> String {
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            return format!("`{text}` does not begin with https://");
        }
        Err(error) => return format!("`{text}` is no address: {error}"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return "the address of an issuer has no user name and no password in it".to_owned();
    }
    let problem = match (url.scheme(), url.query(), url.fragment()) {
        ("https" | "http", Some(_), _) => "has a query (`?`)",
        ("https" | "http", None, Some(_)) => "has a fragment (`#`)",
        ("https" | "http", None, None) => "is not written as wallets will read it",
        _ => "does not begin with https://",
    };
    format!("`{text}` is no Credential Issuer Identifier: it {problem}")
}

impl From<IssuerUrl> for String {
    fn from(url: IssuerUrl) -> Self {
        url.text
    }
}

/// The address or the network of a reverse proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct TrustedProxy(IpNet);

impl TrustedProxy {
    /// Whether a connection comes from it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl TryFrom<String> for TrustedProxy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let address = text.parse().map(|address: IpAddr| IpNet::from(address));
        address.or_else(|_| text.parse()).map(Self).map_err(|_| {
            format!(
                "`{text}` is neither an address nor a network\n\
                 write it like \"10.0.0.7\" or \"10.0.0.0/8\""
            )
        })
    }
}

impl From<TrustedProxy> for String {
    fn from(proxy: TrustedProxy) -> Self {
        proxy.0.to_string()
    }
}
