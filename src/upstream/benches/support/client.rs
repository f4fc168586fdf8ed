//! Requests to the service, one after the other on a connection that is kept.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::support::service::SECRET;

pub struct Client {
    socket: PathBuf,
    stream: Option<UnixStream>,
}

pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Client {
    pub fn of(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), stream: None }
    }

    /// Sends a DELETE to the public listener in the name of a user, as a gateway does.
    pub fn delete(&mut self, path: &str) -> io::Result<Answer> {
        self.ask(&format!("DELETE {path} HTTP/1.1\r\nx-consumer-id: {USER}\r\n"), "")
    }

    /// Sends a GET to the internal listener, with the secret.
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.ask(&format!("GET {path} HTTP/1.1\r\nauthorization: Bearer {SECRET}\r\n"), "")
    }

    /// Posts JSON where the body is an object, and else a form.
    pub fn post(&mut self, path: &str, body: &str) -> io::Result<Answer> {
        let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nauthorization: Bearer {SECRET}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n"
        );
        self.ask(&head, body)
    }

    /// State of a token, by introspection; `None`: the service did not say.
    pub fn is_active(&mut self, token: &str) -> Option<bool> {
        let answer = self.post("/introspect", &format!("token={token}")).ok().filter(|answer| answer.status == 200)?;
        Some(answer.body.contains("\"active\":true"))
    }

    fn ask(&mut self, head: &str, body: &str) -> io::Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => UnixStream::connect(&self.socket)?,
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{head}host: a\r\n\r\n{body}").as_bytes())?;
        let (head, body) = read(&mut stream)?;
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        if !head.contains("\r\nconnection: close") {
            self.stream = Some(stream);
        }
        Ok(Answer { status, body })
    }
}

/// The head and the body of one answer.
fn read(stream: &mut UnixStream) -> io::Result<(String, String)> {
    let mut bytes = Vec::with_capacity(4096);
    let mut part = [0; 65536];
    let mut whole = None;
    while whole.is_none_or(|(_, end)| bytes.len() < end) {
        let more = stream.read(&mut part)?;
        if more == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&part[..more]);
        whole = whole.or_else(|| bounds(&bytes));
    }
    let (begin, _) = whole.unwrap();
    let body = bytes.split_off(begin);
    let text = |bytes| String::from_utf8(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData));
    Ok((text(bytes)?, text(body)?))
}

/// Begin and end of the body, once all of the head is there.
fn bounds(bytes: &[u8]) -> Option<(usize, usize)> {
    let begin = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = std::str::from_utf8(&bytes[..begin]).unwrap();
    let length =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |text| text.parse().unwrap());
    Some((begin, begin + length))
}

pub const USER: &str = "05e20000-0000-4000-8000-0000000000ff";

/// Time limit of a read, longer than the service takes for anything.
const PATIENCE: Duration = Duration::from_secs(60);
