//! A listener that nobody may reach: every connection to it is a failure.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Listens on all addresses of this machine, of both families.
#[derive(Clone, Debug)]
pub(super) struct Canary {
    pub(super) port: u16,
    connections: Arc<AtomicUsize>,
}

impl Canary {
    pub(super) fn start() -> Self {
        let v4 = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
        let port = v4.local_addr().expect("an address").port();
        let canary = Self::at(v4);
        // Where IPv4 has the port, IPv6 may have none of its own, or none at all.
        if let Ok(v6) = TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)) {
            canary.watch(v6);
        }
        canary
    }

    /// At one address, so that another with the same port can be somebody else's.
    pub(super) fn start_at(address: SocketAddr) -> Option<Self> {
        TcpListener::bind(address).ok().map(Self::at)
    }

    fn at(listener: TcpListener) -> Self {
        let port = listener.local_addr().expect("an address").port();
        let canary = Self { port, connections: Arc::default() };
        canary.watch(listener);
        canary
    }

    fn watch(&self, listener: TcpListener) {
        let connections = Arc::clone(&self.connections);
        std::thread::spawn(move || {
            while listener.accept().is_ok() {
                connections.fetch_add(1, Ordering::SeqCst);
            }
        });
    }

    #[track_caller]
    pub(super) fn assert_untouched(&self) {
        assert_eq!(self.connections.load(Ordering::SeqCst), 0, "somebody connected to where nobody may");
    }
}
