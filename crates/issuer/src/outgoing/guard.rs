//! Where strangers may lead us: to public addresses, and to no others (catalogue F01).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use oid4vci::address::{is_localhost, is_off_limits, is_public};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// Names that are looked up at once. Whoever waits can go, the look-up cannot: it keeps a thread for
/// as long as a stranger's name server likes.
const NAMES_MAX: usize = 16;
/// For so long a name waits until one of those is done.
const PATIENCE: Duration = Duration::from_secs(1);

const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Decides by the addresses of a name, and the connection goes to just these: a second look-up could
/// answer differently (catalogue A02).
#[derive(Clone, Debug)]
pub(super) struct Guard {
    allows_private: bool,
    looking_up: Arc<Semaphore>,
}

impl Guard {
    pub(super) fn new(allows_private: bool) -> Self {
        Self { allows_private, looking_up: Arc::new(Semaphore::new(NAMES_MAX)) }
    }

    fn permits(&self, address: IpAddr) -> bool {
        !is_off_limits(address) && (self.allows_private || is_public(address))
    }

    /// One forbidden address among several forbids the name (catalogue F03).
    async fn look_up(self, name: String) -> Result<Vec<SocketAddr>, Unreached> {
        let addresses = if is_localhost(&name) {
            // RFC 6761 §6.3: nobody else is asked where this machine is.
            LOOPBACK.map(|address| SocketAddr::new(address, 0)).to_vec()
        } else {
            let turn = timeout(PATIENCE, Arc::clone(&self.looking_up).acquire_owned()).await;
            let turn = turn.map_err(|_| Unreached::Busy)?.map_err(|_| Unreached::Busy)?;
            let looking_up = tokio::spawn(async move {
                let found = tokio::net::lookup_host((name, 0)).await;
                drop(turn);
                found.map(Vec::from_iter)
            });
            let found = looking_up.await.map_err(|_| Unreached::UnknownHost)?;
            found.map_err(|_| Unreached::UnknownHost)?
        };
        if addresses.iter().all(|address| self.permits(address.ip())) {
            Ok(addresses)
        } else {
            Err(Unreached::ForbiddenAddress)
        }
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let looking_up = self.clone().look_up(name.as_str().to_owned());
        Box::pin(async move { Ok(Box::new(looking_up.await?.into_iter()) as Addrs) })
    }
}

/// Why a name leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreached {
    /// Not on the public internet.
    ForbiddenAddress,
    /// No address for the name.
    UnknownHost,
    /// Nobody has asked: names of others keep us waiting.
    Busy,
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ForbiddenAddress => "the name leads to an address that is not public",
            Self::UnknownHost => "the name has no address",
            Self::Busy => "too many names are being looked up",
        })
    }
}

impl std::error::Error for Unreached {}

#[cfg(test)]
mod tests {
    use super::*;

    /// A literal address is a name that resolves to itself, in every network (F01).
    #[tokio::test]
    async fn a_name_is_judged_by_what_it_leads_to() {
        let look_up = async |name: &str, allows_private| {
            Guard::new(allows_private).look_up(name.to_owned()).await
        };
        let forbidden = Err(Unreached::ForbiddenAddress);
        for name in
            ["127.0.0.1", "10.0.0.1", "fd00::1", "::ffff:10.0.0.1", "localhost", "a.localhost."]
        {
            assert_eq!(look_up(name, false).await, forbidden, "{name}");
            assert!(look_up(name, true).await.is_ok(), "{name}");
        }
        for name in ["169.254.169.254", "fe80::1", "fd00:ec2::254"] {
            for allows_private in [false, true] {
                assert_eq!(look_up(name, allows_private).await, forbidden, "{name}");
            }
        }
        assert!(look_up("1.1.1.1", false).await.is_ok());
    }
    /// F05: that name servers of others are slow is no fault of this name.
    #[tokio::test]
    async fn a_name_that_waits_for_others_is_not_unknown() {
        let guard = Guard::new(true);
        let all = u32::try_from(NAMES_MAX).unwrap_or(u32::MAX);
        let others = Arc::clone(&guard.looking_up).acquire_many_owned(all).await;
        assert_eq!(guard.clone().look_up("10.0.0.1".to_owned()).await, Err(Unreached::Busy));
        drop(others);
        assert!(guard.look_up("10.0.0.1".to_owned()).await.is_ok());
    }
}
