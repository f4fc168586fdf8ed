//! Owns the HTTP of readiness probes: one GET, over TCP or a Unix socket, and its answer.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// An answer, as far as a probe looks at it.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Sends a GET over TCP. `header` is a whole header line, or empty.
pub(crate) fn tcp(address: SocketAddr, path: &str, header: &str) -> io::Result<Reply> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    exchange(stream, path, header)
}

/// Sends a GET over a Unix socket. `header` is a whole header line, or empty.
pub(crate) fn unix(socket: &Path, path: &str, header: &str) -> io::Result<Reply> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    exchange(stream, path, header)
}

fn exchange(mut stream: impl Read + Write, path: &str, header: &str) -> io::Result<Reply> {
    let ending = if header.is_empty() { "" } else { "\r\n" };
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{header}{ending}\r\n");
    // In one write: a server that answers the first of several and closes would reset the connection under the others.
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    // Limited, since any program may listen there.
    stream.take(MAX_ANSWER).read_to_end(&mut answer)?;
    parse(&String::from_utf8_lossy(&answer)).ok_or_else(|| io::Error::other("the answer is not HTTP"))
}

/// Parses the status line. The body stays as it was sent: chunk sizes, if any, stand between its lines.
fn parse(answer: &str) -> Option<Reply> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.1 ")?.split([' ', '\r']).next()?.parse().ok()?;
    Some(Reply { status, body: body.to_owned() })
}

/// The time limit of a probe: anything local that takes longer is not ready.
const PATIENCE: Duration = Duration::from_secs(3);

const MAX_ANSWER: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn answer_is_read_to_its_end() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut request = [0; 1024];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(b"HTTP/1.1 204 No Content\r\na: b\r\n\r\nrest\n").unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let reply = tcp(address, "/x", "a: b").unwrap();
        assert_eq!(reply, Reply { status: 204, body: "rest\n".to_owned() });
        let request = server.join().unwrap();
        assert_eq!(request, "GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\na: b\r\n\r\n");
    }

    #[test]
    fn what_is_not_http_is_no_answer() {
        for text in ["", "SSH-2.0\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\n"] {
            assert_eq!(parse(text), None, "`{text}`");
        }
    }
}
