//! A stub DNS client: asks one server over UDP for the A and AAAA records of a name. For tests, and for operators who
//! point Postern at a resolver of their own; without one the system's resolver is used.
//!
//! It trusts its server to recurse, as every stub does, and judges nothing: that is the caller's part.

use std::{
    hash::{BuildHasher, RandomState},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::net::UdpSocket;

use crate::{resolver::LookupError, url_guard};

/// A datagram may be lost: the question is asked again after so long, until the caller's patience ends.
const ASK_AGAIN_AFTER: Duration = Duration::from_millis(900);
const MAX_ASKS: usize = 4;
const MAX_DATAGRAM_BYTES: usize = 4_096;
const HEADER_BYTES: usize = 12;
const CLASS_IN: u16 = 1;
const TYPE_A: u16 = 1;
const TYPE_CNAME: u16 = 5;
const TYPE_AAAA: u16 = 28;

/// All addresses of the name, of both families.
pub(crate) async fn look_up(server: SocketAddr, name: &str) -> Result<Vec<IpAddr>, LookupError> {
    let (v4, v6) = tokio::join!(ask(server, name, TYPE_A), ask(server, name, TYPE_AAAA));
    match (v4, v6) {
        (Err(LookupError::Refused), _) | (_, Err(LookupError::Refused)) => Err(LookupError::Refused),
        (Ok(mut found), Ok(more)) => {
            found.extend(more);
            Ok(found)
        }
        // One family failed: the other will do, if it has any.
        (Ok(found), Err(cause)) | (Err(cause), Ok(found)) => {
            if found.is_empty() {
                Err(cause)
            } else {
                Ok(found)
            }
        }
        (Err(cause), Err(_)) => Err(cause),
    }
}

async fn ask(server: SocketAddr, name: &str, record_type: u16) -> Result<Vec<IpAddr>, LookupError> {
    let question = encode(name, record_type).ok_or(LookupError::Unknown)?;
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let failed = |_| LookupError::Failed;
    let socket = UdpSocket::bind((any, 0)).await.map_err(failed)?;
    // Connected: datagrams from elsewhere do not arrive at all.
    socket.connect(server).await.map_err(failed)?;
    let mut datagram = vec![0; MAX_DATAGRAM_BYTES];
    for _ in 0..MAX_ASKS {
        socket.send(&question).await.map_err(failed)?;
        let answer = async {
            loop {
                let length = socket.recv(&mut datagram).await.map_err(failed)?;
                if let Some(answer) = decode(&datagram[..length], &question) {
                    return answer;
                }
            }
        };
        if let Ok(answer) = tokio::time::timeout(ASK_AGAIN_AFTER, answer).await {
            return answer;
        }
    }
    Err(LookupError::Slow)
}

/// The question, or nothing when the name cannot be written in DNS (a label of 64 bytes, for one).
fn encode(name: &str, record_type: u16) -> Option<Vec<u8>> {
    let name = name.trim_end_matches('.');
    if name.len() > 253 {
        return None;
    }
    // A fresh `RandomState` has random keys: together with the random source port, enough against blind forgery.
    let [id_high, id_low, ..] = RandomState::new().hash_one(record_type).to_be_bytes();
    let mut question = vec![id_high, id_low, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok().filter(|length| (1..=63).contains(length))?;
        question.push(length);
        question.extend_from_slice(label.as_bytes());
    }
    question.push(0);
    question.extend_from_slice(&record_type.to_be_bytes());
    question.extend_from_slice(&CLASS_IN.to_be_bytes());
    Some(question)
}

/// What the datagram says, or nothing when it is no answer to this question.
fn decode(datagram: &[u8], question: &[u8]) -> Option<Result<Vec<IpAddr>, LookupError>> {
    let asked = datagram.get(HEADER_BYTES..question.len())?;
    let is_ours = datagram[..2] == question[..2]
        && datagram[2] & 0x80 != 0
        && asked.eq_ignore_ascii_case(&question[HEADER_BYTES..]);
    if !is_ours {
        return None;
    }
    Some(match datagram[3] & 0x0f {
        0 => {
            let count = u16::from_be_bytes([datagram[6], datagram[7]]);
            let is_cut = datagram[2] & 0x02 != 0;
            records(datagram, question.len(), count).ok_or(LookupError::Failed).and_then(|records| {
                // An alias that ends inside without an address is a refusal, not a mystery.
                match (records.found.is_empty(), records.has_internal_alias, is_cut) {
                    (true, true, _) => Err(LookupError::Refused),
                    (true, false, true) => Err(LookupError::Failed),
                    _ => Ok(records.found),
                }
            })
        }
        3 => Err(LookupError::Unknown),
        _ => Err(LookupError::Failed),
    })
}

#[derive(Default)]
struct Records {
    found: Vec<IpAddr>,
    has_internal_alias: bool,
}

/// The addresses in the answer section. Aliases are followed by the server; their targets' addresses stand here too.
fn records(datagram: &[u8], mut at: usize, count: u16) -> Option<Records> {
    let mut records = Records::default();
    for _ in 0..count {
        at = skip_name(datagram, at)?;
        let &[t0, t1, _, _, _, _, _, _, l0, l1] = datagram.get(at..at + 10)?.first_chunk()?;
        let (start, length) = (at + 10, usize::from(u16::from_be_bytes([l0, l1])));
        at = start + length;
        let data = datagram.get(start..at)?;
        match u16::from_be_bytes([t0, t1]) {
            TYPE_A => records.found.push(IpAddr::from(<[u8; 4]>::try_from(data).ok()?)),
            TYPE_AAAA => records.found.push(IpAddr::from(<[u8; 16]>::try_from(data).ok()?)),
            TYPE_CNAME => records.has_internal_alias |= url_guard::is_internal_name(&read_name(datagram, start)?),
            _ => {}
        }
    }
    Some(records)
}

/// Where the name that begins at `at` ends.
fn skip_name(datagram: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *datagram.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            0xc0.. => return Some(at + 2),
            _ => return None,
        }
    }
}

/// The name that begins at `at`; pointers may only point back, so that it ends.
fn read_name(datagram: &[u8], mut at: usize) -> Option<String> {
    let mut name = String::new();
    let mut lowest = at;
    loop {
        match *datagram.get(at)? {
            0 => return Some(name),
            length @ 1..=63 => {
                let end = at + 1 + usize::from(length);
                name.push_str(&String::from_utf8_lossy(datagram.get(at + 1..end)?));
                name.push('.');
                at = end;
            }
            high @ 0xc0.. => {
                at = usize::from(u16::from_be_bytes([high & 0x3f, *datagram.get(at + 1)?]));
                if at >= lowest {
                    return None;
                }
                lowest = at;
            }
            _ => return None,
        }
    }
}
