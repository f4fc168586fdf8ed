//! A service that takes uploads and sends events.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// What it has taken, and whether it may go on.
#[derive(Clone, Default)]
pub struct Service(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    /// Whether an upload has begun that has not ended.
    is_taking: bool,
    /// The lengths of the bodies that came whole, and `None` for each that broke off.
    uploads: Vec<Option<usize>>,
    /// Whether streams send their second event, and end.
    released: bool,
}

impl Service {
    pub fn open(at: &Path) -> Self {
        let service = Self::default();
        let listener = UnixListener::bind(at).unwrap();
        let shared = service.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, service) = (connection.unwrap(), shared.clone());
                thread::spawn(move || service.serve(connection));
            }
        });
        service
    }

    /// The uploads since the last time this was asked, once there is one.
    pub fn take(&self) -> Vec<Option<usize>> {
        let (state, changed) = &*self.0;
        let (mut state, _timeout) =
            changed.wait_timeout_while(state.lock().unwrap(), PATIENCE, |state| state.uploads.is_empty()).unwrap();
        std::mem::take(&mut state.uploads)
    }

    pub fn has_uploads(&self) -> bool {
        !self.0.0.lock().unwrap().uploads.is_empty()
    }

    /// Waits until an upload has begun.
    pub fn wait_for_beginning(&self) {
        let (state, changed) = &*self.0;
        let taking = changed.wait_timeout_while(state.lock().unwrap(), PATIENCE, |state| !state.is_taking);
        assert!(taking.unwrap().0.is_taking);
    }

    /// Lets every stream send its second event.
    pub fn release(&self) {
        self.change(|state| state.released = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let (state, changed) = &*self.0;
        change(&mut state.lock().unwrap());
        changed.notify_all();
    }

    fn serve(&self, mut connection: UnixStream) {
        while let Some((head, begun)) = read_head(&mut connection) {
            if head.starts_with("GET ") {
                return self.stream(connection);
            }
            self.change(|state| state.is_taking = true);
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let body = read_body(&mut connection, begun, length.parse().unwrap());
            self.change(|state| {
                state.is_taking = false;
                state.uploads.push(body);
            });
            let Some(length) = body else { return };
            let said = format!("{length} bytes");
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{said}", said.len());
            connection.write_all(answer.as_bytes()).unwrap();
        }
    }

    /// An event at once and another one when it may; who hears the second one is not asked.
    fn stream(&self, mut connection: UnixStream) {
        connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: first\n\n").unwrap();
        let (state, changed) = &*self.0;
        let _released = changed.wait_while(state.lock().unwrap(), |state| !state.released).unwrap();
        let _heard = connection.write_all(b"data: second\n\n");
    }
}

/// The head of a request, and what came of its body with it.
fn read_head(connection: &mut UnixStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            return Some((String::from_utf8(bytes).unwrap(), body));
        }
        let mut chunk = [0; 16384];
        match connection.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(length) => bytes.extend_from_slice(&chunk[..length]),
        }
    }
}

/// The length of a body that came whole.
fn read_body(connection: &mut UnixStream, mut body: Vec<u8>, length: usize) -> Option<usize> {
    let mut chunk = [0; 65536];
    while body.len() < length {
        match connection.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(read) => body.extend_from_slice(&chunk[..read]),
        }
    }
    Some(body.len())
}

const PATIENCE: Duration = Duration::from_secs(15);
