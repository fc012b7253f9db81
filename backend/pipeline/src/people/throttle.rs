//! Which counters a try counts for.

use std::net::IpAddr;

use postern_domain::{SessionId, address::network_of, throttle::ThrottleKind};
use postern_store::people::ThrottleKey;

/// Told to who finds the line full.
pub(super) const FULL_LINE_WAIT_S: u64 = 1;

/// Whether the claimed user logged in there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// From the same network.
    ByNetwork,
    /// From elsewhere, with the same browser.
    ByBrowser,
    No,
}

/// Of a log-in. Where the owner is known, strangers' failures do not count: nobody can shut them out.
pub(super) fn of_log_in(email: &str, remote: Option<IpAddr>, known: Known) -> Vec<ThrottleKey> {
    let network = remote.map_or_else(|| "nowhere".to_owned(), |remote| network_of(remote).to_string());
    match known {
        Known::ByNetwork => {
            vec![ThrottleKey::new(ThrottleKind::AddressAndAccount, &format!("{network} {email}"))]
        }
        // One for all browsers of the owner: whoever has a copy of the proof can carry it to any number of networks.
        Known::ByBrowser => {
            vec![ThrottleKey::new(ThrottleKind::AddressAndAccount, &format!("browser {email}"))]
        }
        Known::No => {
            vec![ThrottleKey::new(ThrottleKind::Address, &network), ThrottleKey::new(ThrottleKind::Account, email)]
        }
    }
}

/// Of a password that is asked for within a session: a stolen session does not help to guess without end.
pub(super) fn of_session(session: SessionId) -> [ThrottleKey; 1] {
    [ThrottleKey::new(ThrottleKind::AddressAndAccount, &session.to_string())]
}
