//! Owns the listeners: their addresses, sockets and socket files.

use std::fmt;
use std::fs::Permissions;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use axum::Router;
use axum::serve::ListenerExt;
use clap::ValueEnum;
use tokio::net::{TcpListener, UnixListener};

use crate::accept::serve;

/// The two listeners.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Listener {
    /// The internal listener, for the gateway's lookups and polls.
    Internal,
    /// The public listener, for the gateway's routes.
    Public,
}

/// An address to listen at: `unix:/path/to.sock` or `tcp:127.0.0.1:8081`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Listen {
    /// A socket file, for this user only.
    Unix(PathBuf),
    /// An address and a port; port 0 means any free one.
    Tcp(SocketAddr),
}

/// Error for a text that is no address to listen at.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is neither unix:/absolute/path.sock, of {MAX_SOCKET_PATH} bytes at the most, nor tcp:address:port")]
pub struct InvalidListen(String);

/// Failure to listen at an address.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {address}: {error}")]
pub struct ListenError {
    address: Listen,
    error: io::Error,
}

/// A bound address, with its socket.
#[derive(Debug)]
pub struct Bound {
    address: Listen,
    socket: Socket,
    file: Option<SocketFile>,
}

#[derive(Debug)]
enum Socket {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A socket's file, removed when this is dropped.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl Listen {
    /// Binds the address. The file of a killed process's socket is replaced; the new one is for this user only (mode
    /// 0600).
    pub async fn bind(&self) -> Result<Bound, ListenError> {
        let bound = match self {
            Self::Unix(path) => bind_unix(path).await,
            Self::Tcp(address) => bind_tcp(*address).await,
        };
        bound.map_err(|error| ListenError { address: self.clone(), error })
    }

    /// Port 0: the system chooses the port, so that two of these are different addresses.
    pub(crate) fn is_any_port(&self) -> bool {
        matches!(self, Self::Tcp(address) if address.port() == 0)
    }
}

async fn bind_tcp(address: SocketAddr) -> io::Result<Bound> {
    let listener = TcpListener::bind(address).await?;
    Ok(Bound { address: Listen::Tcp(listener.local_addr()?), socket: Socket::Tcp(listener), file: None })
}

async fn bind_unix(path: &Path) -> io::Result<Bound> {
    remove_stale(path).await?;
    let listener = UnixListener::bind(path)?;
    let file = Some(SocketFile(path.to_owned()));
    std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(Bound { address: Listen::Unix(path.to_owned()), socket: Socket::Unix(listener), file })
}

/// Removes the socket's file of a process that was killed, which would block the address for ever.
async fn remove_stale(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(io::Error::other("the path exists and is not a socket"));
        }
        Ok(_) => {}
    }
    match tokio::net::UnixStream::connect(path).await {
        // Nobody listens: only the file is left.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => std::fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}

impl Bound {
    /// The address as it is now, with the port the system chose.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Serves `router` on up to `most` connections until `stop` is done and the open requests are answered. `stop`
    /// receives the socket's file, to remove it while the address is still ours.
    pub async fn serve<S>(self, router: Router, most: usize, stop: impl FnOnce(Option<SocketFile>) -> S)
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let stop = stop(self.file);
        match self.socket {
            Socket::Unix(listener) => serve(listener, router, most, stop).await,
            Socket::Tcp(listener) => {
                // Small answers go out at once (TCP_NODELAY). Where that cannot be set, they are merely late.
                let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
                serve(listener, router, most, stop).await;
            }
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.0.display(), %error, "cannot remove the socket's file");
        }
    }
}

impl FromStr for Listen {
    type Err = InvalidListen;

    fn from_str(text: &str) -> Result<Self, InvalidListen> {
        let is_file = |path: &str| path.starts_with('/') && !path.ends_with('/') && path.len() <= MAX_SOCKET_PATH;
        let listen = match text.split_once(':') {
            Some(("unix", path)) if is_file(path) => Some(Self::Unix(path.into())),
            Some(("tcp", address)) => address.parse().ok().map(Self::Tcp),
            _ => None,
        };
        listen.ok_or_else(|| InvalidListen(text.to_owned()))
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Internal => "internal",
            Self::Public => "public",
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(formatter, "unix:{}", path.display()),
            Self::Tcp(address) => write!(formatter, "tcp:{address}"),
        }
    }
}

/// Longest path of a socket, in bytes: `sockaddr_un` has 108, with a final NUL.
const MAX_SOCKET_PATH: usize = 107;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_prints_as_it_was_written() {
        for text in ["unix:/run/brama/u.sock", "tcp:127.0.0.1:8081", "tcp:[::1]:0"] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let long = format!("unix:/{}", "a".repeat(107));
        for text in [
            "",
            "8081",
            "127.0.0.1:8081",
            "tcp:8081",
            "tcp:127.0.0.1",
            "tcp:127.0.0.1:65536",
            "tcp:localhost:8081",
            "unix:",
            "unix:relative.sock",
            "unix:/folder/",
            "http://127.0.0.1:8081",
            &long,
        ] {
            assert!(text.parse::<Listen>().is_err(), "`{text}`");
        }
    }

    #[tokio::test]
    async fn stale_socket_file_is_replaced_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(path.exists());

        let bound = Listen::Unix(path.clone()).bind().await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        drop(bound);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn address_of_a_living_process_is_in_use() {
        let folder = tempfile::tempdir().unwrap();
        let unix = Listen::Unix(folder.path().join("s"));
        let _bound = unix.bind().await.unwrap();
        assert_eq!(unix.bind().await.unwrap_err().error.kind(), io::ErrorKind::AddrInUse);

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = Listen::Tcp(listener.local_addr().unwrap());
        assert_eq!(tcp.bind().await.unwrap_err().error.kind(), io::ErrorKind::AddrInUse);
    }

    #[tokio::test]
    async fn file_that_is_no_socket_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        std::fs::write(&path, "precious").unwrap();
        let fault = Listen::Unix(path.clone()).bind().await.unwrap_err();
        assert!(fault.to_string().ends_with("the path exists and is not a socket"), "{fault}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
    }
}
