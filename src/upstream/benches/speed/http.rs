//! The service, and requests to it: so many at once, each after the answer to the one before on its connection.

use std::cell::Cell;
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::LocalSet;

use crate::durable::Durable;
use crate::rows::{Kind, USER};

/// Eight for each connection to the database.
pub const AT_ONCE: usize = 16;

pub struct Service {
    process: Child,
    socket: PathBuf,
    _folder: TempDir,
}

impl Service {
    pub fn start(database: &Durable) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("public");
        let mut command = Command::new(env!("CARGO_BIN_EXE_brama-upstream"));
        command.arg("serve").env("DATABASE_URL", database.url()).env("DATABASE_CONNECTIONS", "2");
        command.env("BRAMA_AUTHORITY_SECRET", "the-secret-of-a-bench");
        command.env("PUBLIC_LISTEN", format!("unix:{}", socket.display()));
        command.env("INTERNAL_LISTEN", format!("unix:{}", folder.path().join("internal").display()));
        // A line for each request is written, as always, and read by nobody.
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let mut service = Self { process, socket, _folder: folder };
        let until = Instant::now() + Duration::from_secs(20);
        while std::os::unix::net::UnixStream::connect(&service.socket).is_err() {
            assert_eq!(service.process.try_wait().unwrap(), None, "the service ended");
            assert!(Instant::now() < until, "the service does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        service
    }

    /// Deletes these rows; how many in a second.
    pub fn delete(&self, kind: Kind, rows: Range<usize>) -> f64 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let tasks = LocalSet::new();
        let amount = f64::from(u32::try_from(rows.len()).unwrap());
        let rows = Rc::new(Cell::new(rows));
        let begin = Instant::now();
        for _ in 0..AT_ONCE {
            let (rows, socket) = (Rc::clone(&rows), self.socket.clone());
            tasks.spawn_local(async move {
                let mut stream = UnixStream::connect(socket).await.unwrap();
                while let Some(row) = next(&rows) {
                    delete(&mut stream, &kind.path(row)).await;
                }
            });
        }
        runtime.block_on(tasks);
        amount / begin.elapsed().as_secs_f64()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn next(rows: &Cell<Range<usize>>) -> Option<usize> {
    let mut left = rows.take();
    let row = left.next();
    rows.set(left);
    row
}

async fn delete(stream: &mut UnixStream, path: &str) {
    let request = format!("DELETE {path} HTTP/1.1\r\nhost: a\r\nx-consumer-id: {USER}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::with_capacity(1024);
    while !is_whole(&answer) {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the answer ends early");
    }
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
}

/// Whether all of the answer is there, as its content-length says.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    body.len() >= length.parse().unwrap()
}
