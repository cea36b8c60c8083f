//! Where a client may be answered (RFC 6749 §3.1.2, RFC 8252 §7).

use url::{Host, Url};

/// Longest redirect URI.
const REDIRECT_URI_BYTES_MAX: usize = 2048;
/// Schemes that a browser runs or reads by itself.
const NEVER: [&str; 8] =
    ["javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source"];

/// A redirect URI as it was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri(String);

impl RedirectUri {
    /// `https`, an app's own scheme (RFC 8252 §7.1), or `http` to a loopback address written as a
    /// number (RFC 8252 §7.3, RFC 8252 §8.3); without a fragment (RFC 6749 §3.1.2).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let plain = url.username().is_empty() && url.password().is_none();
        let allowed = match url.scheme() {
            "https" => url.has_host(),
            "http" => is_loopback(&url),
            scheme => !NEVER.contains(&scheme),
        };
        let bare = url.fragment().is_none() && text.len() <= REDIRECT_URI_BYTES_MAX;
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        (plain && allowed && bare && visible).then(|| Self(text.to_owned()))
    }

    /// As it was registered.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Equal, character by character (AUTHZ-01); but a loopback address may have any port, as the app
    /// that listens there takes the one that is free (RFC 8252 §7.3), be it one that has a key of its
    /// own (RFC 8252 §8.4).
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        if self.0 == given {
            return true;
        }
        match (split_loopback(&self.0), split_loopback(given)) {
            (Some(registered), Some(given)) => registered == given,
            _ => false,
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    }
}

/// What stands before and after the port; only of the two addresses that everybody writes alike.
fn split_loopback(uri: &str) -> Option<(&'static str, &str)> {
    for host in ["http://127.0.0.1", "http://[::1]"] {
        let Some(rest) = uri.strip_prefix(host) else { continue };
        let Some(port) = rest.strip_prefix(':') else {
            let complete = rest.is_empty() || rest.starts_with(['/', '?']);
            return complete.then_some((host, rest));
        };
        let digits = port.bytes().take_while(u8::is_ascii_digit).count();
        let (port, rest) = port.split_at_checked(digits)?;
        let complete = rest.is_empty() || rest.starts_with(['/', '?']);
        return (complete && port.parse::<u16>().is_ok()).then_some((host, rest));
    }
    None
}
