//! An authority of one process: every credential that is called good is, and nothing is ever revoked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::envoys::{API_KEY, CLIENT};

pub struct Authority {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Authority {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let asked = Arc::clone(&authority.asked);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (connection, asked) = (connection.unwrap(), Arc::clone(&asked));
                thread::spawn(move || serve(connection, &asked));
            }
        });
        authority
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How often it was asked about a credential since the last time this was asked.
    pub fn take(&self) -> usize {
        self.asked.swap(0, SeqCst)
    }
}

fn serve(connection: TcpStream, asked: &AtomicUsize) {
    connection.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let mut writer = connection;
    loop {
        let (mut line, mut length) = (String::new(), 0);
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        loop {
            let mut field = String::new();
            if reader.read_line(&mut field).unwrap_or(0) < 3 {
                break;
            }
            if let Some((name, value)) = field.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        let mut form = vec![0; length];
        reader.read_exact(&mut form).unwrap();
        let body = answer(&line, &String::from_utf8(form).unwrap(), asked);
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        if writer.write_all(&[head, body].concat().into_bytes()).is_err() {
            return;
        }
    }
}

fn answer(line: &str, form: &str, asked: &AtomicUsize) -> String {
    if line.contains("/revocations") {
        // News would be told at once; there are none.
        if let Some(wait) = line.split("wait=").nth(1) {
            let wait: String = wait.chars().take_while(char::is_ascii_digit).collect();
            thread::sleep(Duration::from_millis(wait.parse().unwrap()));
        }
        return json!({ "entries": [], "more": false, "reset": false, "next": "f:1" }).to_string();
    }
    if !line.starts_with("POST /introspect ") {
        // What `ext_authz` asks.
        return String::new();
    }
    asked.fetch_add(1, SeqCst);
    let token = form.split('&').find_map(|field| field.strip_prefix("token=")).unwrap();
    let scope = if token.starts_with("good") { "connection:delete" } else { "other" };
    match token {
        API_KEY => json!({ "active": true, "token_use": "api_key", "client_id": "m", "client_type": "MIS", "scope": "" }),
        token if token.starts_with("good") || token.starts_with("poor") => json!({
            "active": true, "token_use": "access_token", "sub": "5c0b1e8e-0f3a-4c6e-9d52-7f1f6f1f2a11", "client_id": CLIENT,
            "client_type": "MSP", "scope": scope, "exp": 4_000_000_000_u64,
        }),
        _unknown => json!({ "active": false }),
    }
    .to_string()
}
