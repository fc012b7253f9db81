//! Gate 2: what a name stands for at the moment of dialling. The addresses judged here are the addresses dialled, so a
//! name that changes its mind between check and use gains nothing.
//!
//! If one address of several is refused, all are: filtering would let a mixed answer through now and then.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{address::AddressRules, dns, timing, url_guard};

/// A name that takes longer has no address this time.
const BUDGET: Duration = Duration::from_secs(3);

/// Why a name gave no address to dial. The texts are for people outside, and name no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LookupError {
    /// The guard refused: some address of the name is not public and not allowed.
    #[error("the host's name does not lead to public addresses only")]
    Refused,
    /// There is no such name, or it has no address.
    #[error("the host's name has no address")]
    Unknown,
    /// The name servers failed.
    #[error("the host's name could not be looked up")]
    Failed,
    /// The name servers took too long.
    #[error("the host's name was not found within 3 s")]
    Slow,
}

/// The resolver of the one client.
pub(crate) struct GuardedResolver {
    /// Judges what was found.
    pub(crate) addresses: Arc<AddressRules>,
    /// Asked instead of the system's resolver.
    pub(crate) dns: Option<SocketAddr>,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (addresses, dns) = (Arc::clone(&self.addresses), self.dns);
        Box::pin(async move {
            let found = tokio::time::timeout(BUDGET, look_up(name.as_str(), &addresses, dns)).await;
            let found = judge(found.unwrap_or(Err(LookupError::Slow))?, &addresses)?;
            timing::mark_resolved();
            // Port 0 is replaced by the URL's.
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

async fn look_up(name: &str, rules: &AddressRules, dns: Option<SocketAddr>) -> Result<Vec<IpAddr>, LookupError> {
    // Gate 1 lets `localhost` pass only where loopback is allowed; it is then what was allowed, whoever would be asked.
    if url_guard::is_localhost(name) {
        return Ok(rules.loopbacks().collect());
    }
    match dns {
        Some(server) => dns::look_up(server, name).await,
        None => match tokio::net::lookup_host((name, 0)).await {
            Ok(found) => Ok(found.map(|address| address.ip()).collect()),
            Err(_) => Err(LookupError::Unknown),
        },
    }
}

fn judge(found: Vec<IpAddr>, rules: &AddressRules) -> Result<Vec<IpAddr>, LookupError> {
    if found.is_empty() {
        return Err(LookupError::Unknown);
    }
    if found.iter().all(|address| rules.permits(*address)) { Ok(found) } else { Err(LookupError::Refused) }
}
