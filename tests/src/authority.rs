//! A proxy in front of the authority, which can fail or answer in its place.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Call, Reply};
use crate::table::Table;

/// Behaviour of the proxy, for the next lookups and polls of the feed.
#[derive(Clone, Debug)]
pub enum Mode {
    /// Passes them on.
    Pass,
    /// Passes lookups on, and closes the connection of a poll.
    NoFeed,
    /// Passes requests on, each after so long.
    Slow(Duration),
    /// Passes requests on, each lookup once its form is released.
    Held(Arc<Hold>),
    /// Closes the connection, as if nobody listened.
    Stopped,
    /// Takes requests, and never answers.
    Hang,
    /// Answers with this status and body.
    Answer(u16, String),
    /// Sends these bytes, and nothing more.
    Bytes(&'static str),
    /// Answers lookups whose form contains the text with this body; passes other requests on.
    Double(String, String),
    /// Answers lookups from the table if the authority answers 200; passes its refusals on, and polls.
    Table(Arc<Table>),
}

/// Lookups that wait until a test releases them.
#[derive(Debug, Default)]
pub struct Hold {
    released: Mutex<Vec<String>>,
    changed: Condvar,
}

impl Hold {
    /// Releases the lookups whose form contains the text, those to come included; an empty text releases all.
    pub fn release(&self, text: &str) {
        self.released.lock().unwrap().push(text.to_owned());
        self.changed.notify_all();
    }

    fn wait(&self, form: &str) {
        let released = self.released.lock().unwrap();
        let is_held = |released: &mut Vec<String>| !released.iter().any(|text| form.contains(text.as_str()));
        // Limited, since a test that failed releases nobody.
        drop(self.changed.wait_timeout_while(released, Duration::from_secs(60), is_held).unwrap());
    }
}

#[derive(Clone)]
pub struct Authority {
    mode: Arc<Mutex<Mode>>,
    asked: Arc<Mutex<Vec<String>>>,
    keys: Arc<Mutex<Keys>>,
    /// The gateway's `Authorization` header; empty before its first request.
    proof: Arc<Mutex<String>>,
    /// Requests with an id: the path, a space, the id.
    ids: Arc<Mutex<Vec<String>>>,
    service: PathBuf,
}

/// Keys that are published at [`KEYS`].
#[derive(Default)]
struct Keys {
    /// `None`: a fetch is met by a closed connection, as if nobody listened.
    set: Option<String>,
    fetches: usize,
}

/// Path at which the proxy publishes keys itself, whatever its mode.
pub const KEYS: &str = "/jwks.json";

impl Authority {
    /// Listens at `at` and passes on to `authority`.
    pub fn open(at: &Path, authority: PathBuf) -> Self {
        let proxy = Self {
            mode: Arc::new(Mutex::new(Mode::Pass)),
            asked: Arc::default(),
            keys: Arc::default(),
            proof: Arc::default(),
            ids: Arc::default(),
            service: authority.clone(),
        };
        proxy.listen(at, authority);
        proxy
    }

    /// Listens at another place too, and passes on to `authority` from there.
    pub fn listen(&self, at: &Path, authority: PathBuf) {
        let listener = UnixListener::bind(at).unwrap();
        let proxy = Self { service: authority, ..self.clone() };
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, proxy) = (connection.unwrap(), proxy.clone());
                thread::spawn(move || {
                    let Self { mode, asked, keys, proof, ids, service } = &proxy;
                    serve(connection, mode, asked, keys, proof, ids, service)
                });
            }
        });
    }

    /// Sends a form to the authority itself with the gateway's secret, and returns the status of the answer.
    pub fn post(&self, path: &str, form: &str) -> u16 {
        let proof = self.proof();
        let head = format!("POST {path} HTTP/1.1\r\nhost: authority\r\n{proof}\r\n");
        let message = format!(
            "{head}content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        );
        let answer = ask(&self.service, message.as_bytes()).expect("an answer");
        String::from_utf8_lossy(&answer).split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The gateway's `Authorization` header, as a line; empty before its first request.
    pub fn proof(&self) -> String {
        self.proof.lock().unwrap().clone()
    }

    /// Sends a GET to the authority itself, without a secret.
    pub fn get(&self, path: &str) -> Reply {
        Call::new("GET", path).send_local(&self.service)
    }

    /// Publishes keys from now on; `None` closes the connection.
    pub fn publish(&self, set: Option<String>) {
        self.keys.lock().unwrap().set = set;
    }

    /// Number of fetches of the keys since the last call.
    pub fn take_fetches(&self) -> usize {
        std::mem::take(&mut self.keys.lock().unwrap().fetches)
    }

    pub fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    /// Waits for a lookup whose form contains the text. Lookups since the last [`take`](Self::take) count.
    #[track_caller]
    pub fn wait_for_lookup(&self, text: &str) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.asked.lock().unwrap().iter().any(|form| form.contains(text)) {
            assert!(Instant::now() < until, "nobody asks about {text}");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Requests with an id: the path, a space, the id.
    pub fn ids(&self) -> Vec<String> {
        self.ids.lock().unwrap().clone()
    }

    /// Forms of the lookups since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// Serves one connection of Envoy's pool, request by request.
fn serve(
    mut connection: UnixStream,
    mode: &Mutex<Mode>,
    asked: &Mutex<Vec<String>>,
    keys: &Mutex<Keys>,
    proof: &Mutex<String>,
    ids: &Mutex<Vec<String>>,
    authority: &Path,
) {
    while let Some((message, body)) = read_message(&mut connection) {
        let text = String::from_utf8_lossy(&message);
        if let Some(line) = text.lines().find(|line| line.to_lowercase().starts_with("authorization: ")) {
            *proof.lock().unwrap() = line.to_owned();
        }
        if let (Some(path), Some(id)) =
            (text.split(' ').nth(1), text.lines().find_map(|line| line.strip_prefix("x-request-id: ")))
        {
            ids.lock().unwrap().push(format!("{path} {id}"));
        }
        if message.starts_with(format!("GET {KEYS} ").as_bytes()) {
            let mut keys = keys.lock().unwrap();
            keys.fetches += 1;
            let Some(set) = &keys.set else { return };
            if connection.write_all(&response(200, set)).is_err() {
                return;
            }
            continue;
        }
        let asks_feed = message.starts_with(b"GET /revocations");
        if !asks_feed {
            asked.lock().unwrap().push(body.clone());
        }
        let current = mode.lock().unwrap().clone();
        let answer = match current {
            Mode::NoFeed if asks_feed => return,
            Mode::Double(..) | Mode::Table(_) if asks_feed => {
                let Some(answer) = ask(authority, &message) else { return };
                answer
            }
            Mode::Stopped => return,
            Mode::Hang => continue,
            Mode::Slow(span) => {
                thread::sleep(span);
                let Some(answer) = ask(authority, &message) else { return };
                answer
            }
            Mode::Held(hold) => {
                if !asks_feed {
                    hold.wait(&body);
                }
                let Some(answer) = ask(authority, &message) else { return };
                answer
            }
            Mode::Answer(status, answer) => response(status, &answer),
            Mode::Bytes(bytes) => {
                if connection.write_all(bytes.as_bytes()).is_err() {
                    return;
                }
                continue;
            }
            Mode::Double(text, answer) if body.contains(&text) => response(200, &answer),
            Mode::Pass | Mode::NoFeed | Mode::Double(..) => {
                let Some(answer) = ask(authority, &message) else { return };
                answer
            }
            Mode::Table(table) => {
                // The authority judges the secret, the path and the form. It does not know the table's credentials.
                let Some(answer) = ask(authority, &message) else { return };
                let (status, stated) = table.answer(&body);
                if answer.starts_with(b"HTTP/1.1 200 ") { response(status, &stated) } else { answer }
            }
        };
        if connection.write_all(&answer).is_err() {
            return;
        }
    }
}

/// The authority's own answer; `None`: it does not listen, or closes the connection.
fn ask(authority: &Path, message: &[u8]) -> Option<Vec<u8>> {
    let mut service = UnixStream::connect(authority).ok()?;
    service.write_all(message).unwrap();
    read_message(&mut service).map(|(answer, _)| answer)
}

fn response(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// One HTTP message with a content-length: all of it, and its body.
fn read_message(from: &mut UnixStream) -> Option<(Vec<u8>, String)> {
    let mut message = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&message).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, value)| value.trim().parse().unwrap());
            if body.len() >= length {
                return Some((message, body.to_owned()));
            }
        }
        let mut chunk = [0; 16384];
        match from.read(&mut chunk) {
            Ok(0) | Err(_) => return None,
            Ok(length) => message.extend_from_slice(&chunk[..length]),
        }
    }
}
