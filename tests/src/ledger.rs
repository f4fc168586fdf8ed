//! Rows to delete through gateways, each once; the answers, and their comparison with the database.
//!
//! After a 200 the row is wholly changed; without an answer, or after a 503, it is either untouched or wholly changed.
//! What changes: a connection goes, with its secret among the revoked ones and an entry in the feed; a division gets
//! new `is_active`, `updated_at` and `updated_by`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::sleep;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::client::{Call, Connection};
use crate::database::Database;

/// The rows and their answers. Rows are numbers: even ones are connections, odd ones divisions.
pub struct Ledger {
    rows: usize,
    next: AtomicUsize,
    told: Mutex<BTreeSet<usize>>,
    open: Mutex<BTreeSet<usize>>,
    is_over: AtomicBool,
}

impl Ledger {
    pub fn new(rows: usize) -> Self {
        Self { rows, next: 0.into(), told: Mutex::default(), open: Mutex::default(), is_over: false.into() }
    }

    /// Fixture with the demonstration's data and the rows.
    pub fn fixture(&self, demonstration: &str) -> Value {
        let mut fixture: Value = serde_json::from_str(demonstration).unwrap();
        let mut add = |kind: &str, row: Value| fixture[kind].as_array_mut().unwrap().push(row);
        add("contracts", json!({ "id": id(CONTRACT, 0), "type": "GB_CBP" }));
        for row in 0..self.rows {
            if is_connection(row) {
                // A provider and a consumer have one connection at most, so each has a consumer of its own.
                let consumer = id(CONSUMER, row);
                add(
                    "clients",
                    json!({ "id": consumer, "name": "n", "client_type": "MIS", "scope": "", "is_blocked": false }),
                );
                add(
                    "connections",
                    json!({
                        "id": id(CONNECTION, row), "client_id": PROVIDER, "consumer_id": consumer,
                        "secret": secret(row), "redirect_uri": "https://a.example",
                    }),
                );
            } else {
                let division = id(DIVISION, row);
                add(
                    "contract_divisions",
                    json!({
                        "id": division, "contract_id": id(CONTRACT, 0), "division_id": division, "is_active": true,
                    }),
                );
            }
        }
        fixture
    }

    /// Deletes row after row through a gateway as one client, until there is none left or [`end`](Self::end) was
    /// called.
    pub fn delete_at(&self, gateway: SocketAddr) {
        while !self.is_over.load(SeqCst) {
            let Some(connection) = Connection::try_open(gateway) else {
                sleep(Duration::from_millis(5));
                continue;
            };
            let row = self.next.fetch_add(1, SeqCst);
            if row >= self.rows {
                return;
            }
            sleep(PAUSE);
            match connection.exchange(&call(row).bytes()).map(|reply| reply.status) {
                Some(200) => self.told.lock().unwrap().insert(row),
                // The authority, the service or the way to it is gone, or the gateway is.
                Some(503) | None => {
                    sleep(Duration::from_millis(50));
                    self.open.lock().unwrap().insert(row)
                }
                Some(other) => panic!("{other} for row {row}"),
            };
        }
    }

    /// Makes the clients end.
    pub fn end(&self) {
        self.is_over.store(true, SeqCst);
    }

    pub fn is_used_up(&self) -> bool {
        self.next.load(SeqCst) >= self.rows
    }

    /// Number of rows that were answered 200.
    pub fn told(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    /// Number of rows without an answer, or with 503.
    pub fn open(&self) -> usize {
        self.open.lock().unwrap().len()
    }

    /// Secret of a connection whose deletion was answered 200: an API key that was active.
    pub fn dead_api_key(&self) -> String {
        let told = self.told.lock().unwrap();
        secret(*told.iter().rev().find(|row| is_connection(**row)).unwrap())
    }

    /// Rows whose state contradicts their answer.
    pub fn wrong(&self, database: &Database) -> Vec<usize> {
        let there = database.texts("SELECT CAST(id AS TEXT) FROM mithril_connections");
        let revoked = database.texts("SELECT secret_hash FROM mithril_revoked_secrets");
        let fed = database.texts("SELECT subject FROM brama_revocations WHERE kind = 'credential'");
        let active = "is_active AND updated_by IS NULL AND updated_at = inserted_at";
        let deleted = format!("NOT is_active AND updated_by = '{USER}' AND updated_at > inserted_at");
        let [active, deleted] = [active, &deleted].map(|condition| {
            database.texts(&format!("SELECT CAST(id AS TEXT) FROM prm_contract_divisions WHERE {condition}"))
        });
        let (told, open) = (self.told.lock().unwrap(), self.open.lock().unwrap());
        let is_right = |row: &usize| {
            let (untouched, changed) = match is_connection(*row) {
                true => {
                    let hash = hash(&secret(*row));
                    let traces = [revoked.contains(&hash), fed.contains(&hash)];
                    let is_there = there.contains(&id(CONNECTION, *row));
                    (is_there && traces == [false; 2], !is_there && traces == [true; 2])
                }
                false => (active.contains(&id(DIVISION, *row)), deleted.contains(&id(DIVISION, *row))),
            };
            match (told.contains(row), open.contains(row)) {
                (true, _) => changed,
                (false, true) => untouched || changed,
                (false, false) => untouched,
            }
        };
        (0..self.rows).filter(|row| !is_right(row)).collect()
    }
}

fn call(row: usize) -> Call {
    let path = match is_connection(row) {
        true => format!("/api/clients/{PROVIDER}/connections/{}", id(CONNECTION, row)),
        false => format!("/api/admin/contract_divisions/{}", id(DIVISION, row)),
    };
    Call::delete(&path).api_key(API_KEY).token(TOKEN)
}

fn is_connection(row: usize) -> bool {
    row.is_multiple_of(2)
}

fn id(kind: &str, row: usize) -> String {
    format!("{kind}-0000-4000-8000-{row:012}")
}

fn secret(row: usize) -> String {
    format!("secret-of-connection-{row}")
}

fn hash(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Pause of a client before each request, so that the rows last for all kills.
const PAUSE: Duration = Duration::from_millis(10);

pub const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";

/// Token of an administrator, who may delete everybody's rows.
pub const TOKEN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";

const USER: &str = "05e20000-0000-4000-8000-000000000002";
const PROVIDER: &str = "c11e0000-0000-4000-8000-000000000010";
const CONSUMER: &str = "c11e1111";
const CONNECTION: &str = "c0221111";
const CONTRACT: &str = "c0171111";
const DIVISION: &str = "d1711111";
