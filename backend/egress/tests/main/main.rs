//! What leaves and what does not: the client against a lab of loopback servers and a DNS server that lies.
//! Nothing here needs a network: public addresses occur only in answers that the guard must refuse.

#![expect(clippy::expect_used, reason = "a lab that does not come up fails its test")]

mod answers;
mod lab;
mod lab_dns;
mod names;
mod tls;
mod vectors;
