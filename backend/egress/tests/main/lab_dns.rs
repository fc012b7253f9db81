//! A DNS server of one thread that answers what a test tells it to.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr, UdpSocket},
    thread,
};

/// One record of an answer; it belongs to the name that was asked, or to the alias before it.
pub(crate) enum Record {
    Address(IpAddr),
    Alias(&'static str),
}

/// What becomes of a question.
pub(crate) enum Reply {
    Records(Vec<Record>),
    Code(u8),
    Silence,
}

/// A question, and how often this name and family were asked before.
pub(crate) struct Question {
    pub(crate) name: String,
    pub(crate) wants_v6: bool,
    pub(crate) times_before: usize,
}

impl Question {
    /// The given addresses, those of the family that was asked for.
    pub(crate) fn addresses(&self, all: &[&str]) -> Reply {
        let all = all.iter().map(|text| text.parse::<IpAddr>().expect("an address"));
        Reply::Records(all.filter(|ip| ip.is_ipv6() == self.wants_v6).map(Record::Address).collect())
    }
}

/// Starts a server; `answer` is its zone.
pub(crate) fn start(answer: impl Fn(&Question) -> Reply + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("an address");
    thread::spawn(move || {
        let mut asked: HashMap<(String, bool), usize> = HashMap::new();
        let mut datagram = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut datagram) {
            let (name, record_type) = read_question(&datagram[..length]);
            let times = asked.entry((name.clone(), record_type == 28)).or_default();
            let question = Question { name, wants_v6: record_type == 28, times_before: *times };
            *times += 1;
            if let Some(reply) = write_reply(&datagram[..length], answer(&question)) {
                let _ = socket.send_to(&reply, from);
            }
        }
    });
    address
}

fn read_question(datagram: &[u8]) -> (String, u8) {
    let (mut at, mut labels) = (12, Vec::new());
    while datagram[at] != 0 {
        let end = at + 1 + usize::from(datagram[at]);
        labels.push(String::from_utf8_lossy(&datagram[at + 1..end]).to_lowercase());
        at = end;
    }
    (labels.join("."), datagram[at + 2])
}

fn write_reply(question: &[u8], reply: Reply) -> Option<Vec<u8>> {
    let (code, records) = match reply {
        Reply::Records(records) => (0, records),
        Reply::Code(code) => (code, Vec::new()),
        Reply::Silence => return None,
    };
    let mut answer = question.to_vec();
    answer[2] |= 0x80;
    answer[3] = 0x80 | code;
    answer[7] = u8::try_from(records.len()).expect("few records");
    // The owner of the next record, as a pointer into the datagram: first the name that was asked.
    let mut owner = 12;
    for record in records {
        answer.extend([
            0xc0 | u8::try_from(owner >> 8).expect("a short datagram"),
            u8::try_from(owner & 0xff).expect("a byte"),
        ]);
        let (record_type, data) = match record {
            Record::Address(IpAddr::V4(v4)) => (1, v4.octets().to_vec()),
            Record::Address(IpAddr::V6(v6)) => (28, v6.octets().to_vec()),
            Record::Alias(target) => (5, target.split('.').flat_map(label).chain([0]).collect()),
        };
        answer.extend([0, record_type, 0, 1, 0, 0, 0, 0, 0, u8::try_from(data.len()).expect("short data")]);
        if record_type == 5 {
            owner = answer.len();
        }
        answer.extend(data);
    }
    Some(answer)
}

fn label(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).expect("a label")], text.as_bytes()].concat()
}
