//! A client that sends what it is told, byte for byte, and reads one answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// A request as it will be written.
#[derive(Clone)]
pub struct Call {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    pub fn new(method: &str, target: &str) -> Self {
        Self { line: format!("{method} {target} HTTP/1.1"), headers: Vec::new(), body: Vec::new() }
    }

    pub fn delete(target: &str) -> Self {
        Self::new("DELETE", target)
    }

    pub fn api_key(self, key: &str) -> Self {
        self.header("API-key", key)
    }

    pub fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the bytes that follow the headers, as they are.
    pub fn body(mut self, body: &str) -> Self {
        self.body = body.into();
        self
    }

    pub fn send(&self, to: SocketAddr) -> Reply {
        self.try_send(to).expect("an answer")
    }

    /// Sends the request; `None` where the connection is closed without an answer.
    pub fn try_send(&self, to: SocketAddr) -> Option<Reply> {
        exchange(to, &self.bytes())
    }

    /// Sends the request to a service at a Unix socket.
    pub fn send_local(&self, to: &Path) -> Reply {
        let stream = UnixStream::connect(to).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        converse(stream, &self.bytes()).expect("an answer")
    }

    /// The request as it goes over the wire. It gets `Host: api.example` and `Connection: close`, unless it has headers
    /// of these names.
    pub fn bytes(&self) -> Vec<u8> {
        let has = |name: &str| self.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let mut text = format!("{}\r\n", self.line);
        if !has("host") {
            text.push_str("Host: api.example\r\n");
        }
        if !has("connection") {
            text.push_str("Connection: close\r\n");
        }
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        [text.as_bytes(), &self.body].concat()
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A connection to the gateway, for one exchange after another.
pub struct Connection(TcpStream);

impl Connection {
    pub fn open(to: SocketAddr) -> Self {
        Self::try_open(to).expect("somebody who listens")
    }

    /// A connection; `None` where nobody listens.
    pub fn try_open(to: SocketAddr) -> Option<Self> {
        let stream = TcpStream::connect(to).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Some(Self(stream))
    }

    /// Writes bytes and reads the answer; `None` where the connection is closed without one.
    pub fn exchange(&self, bytes: &[u8]) -> Option<Reply> {
        converse(&self.0, bytes)
    }
}

/// An exchange on a connection of its own.
pub fn exchange(to: SocketAddr, bytes: &[u8]) -> Option<Reply> {
    Connection::open(to).exchange(bytes)
}

fn converse(mut stream: impl Read + Write, bytes: &[u8]) -> Option<Reply> {
    // The gateway may refuse and close before all is written.
    let _written = stream.write_all(bytes);
    // RFC 9110, 9.3.2: an answer to HEAD tells the length of a body that does not follow.
    let bodiless = bytes.starts_with(b"HEAD ");
    let mut answer = Vec::new();
    loop {
        if let Some(reply) = Reply::read(&answer, bodiless) {
            return Some(reply);
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(length) => answer.extend_from_slice(&chunk[..length]),
        }
    }
}

impl Reply {
    fn read(bytes: &[u8], bodiless: bool) -> Option<Self> {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Response::new(&mut headers);
        let httparse::Status::Complete(start) = parsed.parse(bytes).expect("an HTTP answer") else { return None };
        let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
        let headers: Vec<_> =
            parsed.headers.iter().map(|header| (header.name.to_lowercase(), text(header.value))).collect();
        let is = |name: &str, value: &str| headers.iter().any(|(known, said)| known == name && said == value);
        let rest = bytes.get(start..)?;
        let body = if bodiless {
            Vec::new()
        } else if is("transfer-encoding", "chunked") {
            chunks(rest)?
        } else {
            let length = headers.iter().find(|(name, _)| name == "content-length");
            rest.get(..length.map_or(0, |(_, value)| value.parse().unwrap()))?.to_vec()
        };
        Some(Self { status: parsed.code.unwrap(), headers, body })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let value = values.next();
        assert_eq!(values.next(), None, "{name} is there twice: {self:?}");
        value
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The body, checked as an envelope: JSON that says the answer's own status, type and id.
    #[track_caller]
    pub fn envelope(&self) -> Value {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"));
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        assert_eq!(body["meta"]["code"], self.status, "{body}");
        assert_eq!(body["meta"]["type"], "object", "{body}");
        assert_eq!(body["meta"]["request_id"].as_str(), self.header("x-request-id"), "{self:?}");
        assert_eq!(body["error"].is_object(), self.status >= 400, "{body}");
        body
    }

    /// Asserts a refusal or an error with these words.
    #[track_caller]
    pub fn is_error(&self, status: u16, kind: &str, message: &str) {
        let body = self.envelope();
        assert_eq!(
            (self.status, &body["error"]["type"], &body["error"]["message"]),
            (status, &kind.into(), &message.into()),
            "{body}"
        );
    }

    /// Asserts a 401: the same words and the same challenge, whatever was wrong.
    #[track_caller]
    pub fn is_unauthenticated(&self) {
        self.is_error(401, "access_denied", "Access denied");
        assert_eq!(self.header("www-authenticate"), Some("Bearer realm=\"ehealth\""));
    }

    /// Asserts a 503 that says when to come back.
    #[track_caller]
    pub fn is_unavailable(&self) {
        self.is_error(503, "internal_error", "Service unavailable");
        assert_eq!(self.header("retry-after"), Some("1"));
        assert_eq!(self.header("www-authenticate"), None);
    }
}

/// A body in chunks, if all of them are there (RFC 9112, 7.1).
fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let httparse::Status::Complete((start, length)) = httparse::parse_chunk_size(rest).unwrap() else {
            return None;
        };
        let end = start + usize::try_from(length).unwrap();
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(start..end)?);
        rest = rest.get(end + 2..)?;
    }
}

/// Time limit of a read: far longer than any timeout of the stack's, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(60);
