//! The service, and its clients: [`AT_ONCE`] connections, each with one request after the other.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;
use std::time::Instant;

use brama_e2e::durable::Durable;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::LocalSet;

use super::rows::{Kind, USER};
use crate::support::service;

/// Concurrent requests: eight for each connection to the database.
pub const AT_ONCE: usize = 16;

pub struct Service(service::Service);

impl Service {
    pub fn start(database: &Durable) -> Self {
        Self(service::Service::start(&database.url(), |command| {
            command.env("DATABASE_CONNECTIONS", "2");
        }))
    }

    /// Deletes these rows, and returns the rate a second.
    pub fn delete(&self, kind: Kind, rows: Range<usize>) -> f64 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let tasks = LocalSet::new();
        let amount = f64::from(u32::try_from(rows.len()).unwrap());
        let rows = Rc::new(Cell::new(rows));
        let begin = Instant::now();
        let clients: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (rows, socket) = (Rc::clone(&rows), self.0.public());
                tasks.spawn_local(async move {
                    let mut stream = UnixStream::connect(socket).await.unwrap();
                    while let Some(row) = next(&rows) {
                        delete(&mut stream, &kind.path(row)).await;
                    }
                })
            })
            .collect();
        runtime.block_on(tasks.run_until(async {
            for client in clients {
                client.await.expect("each deletion is answered 200");
            }
        }));
        amount / begin.elapsed().as_secs_f64()
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

/// Completeness of an answer, by its content-length.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    body.len() >= length.parse().unwrap()
}
