//! A tap on the way to the upstream: it passes every byte on, and records what Envoy sent.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Clone, Default)]
pub struct Tap {
    seen: Arc<Mutex<Vec<u8>>>,
    shut: Arc<AtomicBool>,
}

impl Tap {
    /// Listens at `at` and passes on to `upstream`.
    pub fn open(at: &Path, upstream: PathBuf) -> Self {
        let tap = Self::default();
        tap.listen(at, upstream);
        tap
    }

    /// Listens at another place too.
    pub fn listen(&self, at: &Path, upstream: PathBuf) {
        let listener = UnixListener::bind(at).unwrap();
        let (record, closed) = (Arc::clone(&self.seen), Arc::clone(&self.shut));
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, record, closed) = (connection.unwrap(), Arc::clone(&record), Arc::clone(&closed));
                // The upstream is down: Envoy sees a closed connection, as it would without the tap.
                let Ok(service) = UnixStream::connect(&upstream) else { continue };
                let (back, answers) = (connection.try_clone().unwrap(), service.try_clone().unwrap());
                thread::spawn(move || pass(answers, back, |_| true));
                thread::spawn(move || {
                    pass(connection, service, |bytes| {
                        record.lock().unwrap().extend_from_slice(bytes);
                        !closed.load(Ordering::SeqCst)
                    });
                });
            }
        });
    }

    /// Closes connections that send a request, from now on.
    pub fn shut(&self) {
        self.shut.store(true, Ordering::SeqCst);
    }

    /// Passes requests on again, from now on.
    pub fn reopen(&self) {
        self.shut.store(false, Ordering::SeqCst);
    }

    /// All that Envoy has sent since the last call.
    pub fn take(&self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut *self.seen.lock().unwrap())).into_owned()
    }
}

/// Passes bytes on while `goes_on` is true of them.
fn pass(mut from: UnixStream, mut to: UnixStream, goes_on: impl Fn(&[u8]) -> bool) {
    let mut chunk = [0; 16384];
    while let Ok(length @ 1..) = from.read(&mut chunk) {
        if !goes_on(&chunk[..length]) {
            let _closed = from.shutdown(Shutdown::Both);
            break;
        }
        if to.write_all(&chunk[..length]).is_err() {
            break;
        }
    }
    let _closed = to.shutdown(Shutdown::Write);
}
