//! Owns a request as bytes that nothing repairs, and the two ways in which it is sent.

use std::net::SocketAddr;

use brama_e2e::client;

use super::{API_KEY, NOTHING, TOKEN, http2};

/// A request, byte for byte.
#[derive(Clone)]
pub struct Raw {
    pub method: Vec<u8>,
    pub target: Vec<u8>,
    pub fields: Vec<Field>,
    /// What follows the fields; as it is with HTTP/1.1, as one frame with HTTP/2.
    pub body: Vec<u8>,
    /// With HTTP/2 only: with HTTP/1.1 they are a part of the body.
    pub trailers: Vec<Field>,
}

pub type Field = (Vec<u8>, Vec<u8>);

pub fn field(name: &str, value: &str) -> Field {
    (name.into(), value.into())
}

/// The protocol a request is sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    Http1,
    Http2,
}

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    Answered(u16),
    /// The stream was reset, or the connection closed, without an answer.
    Cut,
}

impl Raw {
    /// A request without credentials.
    pub fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            fields: Vec::new(),
            body: Vec::new(),
            trailers: Vec::new(),
        }
    }

    /// A request that is allowed as it stands.
    pub fn good() -> Self {
        let mut good = Self::new("DELETE", NOTHING);
        good.fields = vec![field("api-key", API_KEY), field("authorization", &format!("Bearer {TOKEN}"))];
        good
    }

    pub fn with(mut self, fields: &[Field]) -> Self {
        self.fields.extend_from_slice(fields);
        self
    }

    pub fn send(&self, wire: Wire, to: SocketAddr) -> Ending {
        match wire {
            Wire::Http1 => match client::exchange(to, &self.http1()) {
                Some(reply) => Ending::Answered(reply.status),
                None => Ending::Cut,
            },
            Wire::Http2 => http2::Connection::open(to).exchange(self),
        }
    }

    /// The request in HTTP/1.1, the last of its connection.
    pub fn http1(&self) -> Vec<u8> {
        let mut bytes = [&self.method[..], b" ", &self.target, b" HTTP/1.1\r\nhost: api.example\r\n"].concat();
        if !self.fields.iter().any(|(name, _value)| name.eq_ignore_ascii_case(b"connection")) {
            bytes.extend_from_slice(b"connection: close\r\n");
        }
        for (name, value) in &self.fields {
            bytes.extend_from_slice(&[&name[..], b": ", value, b"\r\n"].concat());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
