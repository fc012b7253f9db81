//! Turns Nagle's algorithm off on the sockets to PostgreSQL.
//!
//! sqlx 0.9 opens its TCP socket without TCP_NODELAY and offers no hook to set it. A statement larger than one send
//! buffer then waits for the peer's delayed ACK, 40 ms each time. A socket option belongs to the open socket, not to the
//! descriptor, so it can be set through a duplicate: pidfd_getfd(2) on our own process gives one, safely. Where the
//! system does not allow that (a strict seccomp profile), the engine sends statements small enough not to wait.

use std::{net::SocketAddr, os::fd::OwnedFd};

use rustix::{
    net::{getpeername, sockopt},
    process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open},
};

/// Sets TCP_NODELAY on every TCP socket of this process whose peer has this port. True when at least one was found and
/// all took it.
pub(crate) fn on_sockets_to(port: u16) -> bool {
    let Ok(own) = pidfd_open(getpid(), PidfdFlags::empty()) else { return false };
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return false };
    let mut set = 0_usize;
    for entry in entries.flatten() {
        let is_socket = std::fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"));
        let Some(descriptor) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if !is_socket {
            continue;
        }
        let Ok(duplicate) = pidfd_getfd(&own, descriptor, PidfdGetfdFlags::empty()) else { return false };
        if peer_port(&duplicate) == Some(port) {
            if sockopt::set_tcp_nodelay(&duplicate, true).is_err() {
                return false;
            }
            set += 1;
        }
    }
    set > 0
}

fn peer_port(socket: &OwnedFd) -> Option<u16> {
    let peer = getpeername(socket).ok()??;
    SocketAddr::try_from(peer).ok().map(|address| address.port())
}
