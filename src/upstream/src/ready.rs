//! Owns the readiness check of a running service, for environments that can only run a command beside it.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use crate::listen::Listen;

/// Failure of the readiness check.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// An answer other than 200: its first line.
    #[error("the service answers `{0}`")]
    Answer(String),
    /// Failure of the connection, for example if nobody listens.
    #[error("the service cannot be asked")]
    System(#[from] std::io::Error),
    /// No answer in time.
    #[error("the service did not answer in time")]
    Timeout,
}

/// Sends `GET /readyz` to the internal listener at `internal`. Success is the status 200.
pub async fn ask(internal: &Listen) -> Result<(), NotReady> {
    tokio::time::timeout(PATIENCE, async {
        match internal {
            Listen::Unix(path) => exchange(UnixStream::connect(path).await?).await,
            Listen::Tcp(address) => exchange(TcpStream::connect(address).await?).await,
        }
    })
    .await
    .unwrap_or(Err(NotReady::Timeout))
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> Result<(), NotReady> {
    stream.write_all(REQUEST).await?;
    let mut answer = Vec::new();
    // Bounded, since any program may listen there.
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    let line = answer.lines().next().unwrap_or("");
    if line.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(NotReady::Answer(line.to_owned())) }
}

const REQUEST: &[u8] = b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

const MAX_ANSWER: u64 = 64 * 1024;

/// Time limit of the check: longer than the service waits for its database.
const PATIENCE: Duration = Duration::from_secs(2);
