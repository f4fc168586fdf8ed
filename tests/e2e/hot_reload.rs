//! A policy that is rendered anew under load: in force soon (it is printed how soon), and no request fails or is
//! answered wrongly.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use brama_e2e::client::Call;
use brama_e2e::stack::{Gateway, project};
use serde_json::json;

use crate::reload::wait_until;

const UPDATE_REJECTED: &str = "extension_config_discovery.http_filter.brama.update_rejected";
const RELOADS: usize = 50;
/// More than any status: what is wanted is told with the number of its reload.
const GENERATION: usize = 1000;

/// A division that is not there: 404 where the policy lets the caller pass, 403 where it wants another scope.
fn division() -> Call {
    Call::delete("/api/admin/contract_divisions/x")
        .api_key("uXhEczJ56adsfh3Ri9SUkc4en")
        .token("0d7b3a5e9c1f4826b4d0a6e2f8c3957e")
}

/// What clients ask all the time, and the answers there may be, whichever of the two policies is in force.
fn requests() -> [(Call, &'static [u16]); 4] {
    [
        (division(), &[403, 404]),
        (Call::delete("/api/admin/contract_divisions/x").api_key("uXhEczJ56adsfh3Ri9SUkc4en"), &[401]),
        (division().header("X-HTTP-Method-Override", "GET"), &[400]),
        (Call::new("GET", "/readyz"), &[200]),
    ]
}

/// Clients that ask without pause, and keep what was answered otherwise than it may be.
struct Load {
    stop: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    wrong: Arc<Mutex<Vec<String>>>,
    /// The one answer to `division` there may be at present; 0 while a reload is under way.
    wanted: Arc<AtomicUsize>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(address: SocketAddr) -> Self {
        let mut load = Self {
            stop: Arc::default(),
            asked: Arc::default(),
            wrong: Arc::default(),
            wanted: Arc::default(),
            clients: Vec::new(),
        };
        for (call, answers) in requests() {
            let (stop, asked, wrong, wanted) =
                (Arc::clone(&load.stop), Arc::clone(&load.asked), Arc::clone(&load.wrong), Arc::clone(&load.wanted));
            let is_division = answers.len() > 1;
            load.clients.push(thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let before = wanted.load(Ordering::SeqCst);
                    let status = call.try_send(address).map(|reply| usize::from(reply.status));
                    // Only an answer that began and ended under one policy says something of that policy.
                    let settled = is_division && before != 0 && before == wanted.load(Ordering::SeqCst);
                    let may = |status: &usize| answers.iter().any(|answer| usize::from(*answer) == *status);
                    if !status.is_some_and(|status| may(&status) && (!settled || status == before % GENERATION)) {
                        wrong.lock().unwrap().push(format!("{status:?}, one of {answers:?}, in force {before}"));
                    }
                    asked.fetch_add(1, Ordering::SeqCst);
                }
            }));
        }
        load
    }

    /// How many requests were sent, and what was wrong with the answers.
    fn stop(self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::SeqCst);
        self.clients.into_iter().for_each(|client| client.join().unwrap());
        (self.asked.load(Ordering::SeqCst), std::mem::take(&mut *self.wrong.lock().unwrap()))
    }
}

/// The shipped policy, and one that wants another scope for divisions.
fn policies(folder: &Path) -> [PathBuf; 3] {
    let shipped = fs::read_to_string(project().join("policies/ehealth.yaml")).unwrap();
    let variant = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    assert!(shipped.contains("private_contracts:write"));
    [
        variant("open.yaml", shipped.clone()),
        variant("shut.yaml", shipped.replace("private_contracts:write", "private_contracts:other")),
        variant("faulty.yaml", shipped.replace("private_contracts:write", "private contracts")),
    ]
}

#[test]
fn fifty_reloads_under_load_lose_and_confuse_no_request() {
    let folder = tempfile::tempdir().unwrap();
    let [open, shut, faulty] = policies(folder.path());
    let gateway = Gateway::start();
    let address = gateway.address();
    assert_eq!(division().send(address).status, 404);
    let load = Load::start(address);
    let mut times = Vec::new();
    for reload in 0..RELOADS {
        let (policy, status) = if reload % 2 == 0 { (&shut, 403) } else { (&open, 404) };
        load.wanted.store(0, Ordering::SeqCst);
        let began = Instant::now();
        let rendered = gateway.render(policy);
        assert!(rendered.status.success(), "{rendered:?}");
        // Each connection comes to a worker by chance: so many in a row mean that every worker has it.
        let mut in_a_row = 0;
        let mut taken = began.elapsed();
        while in_a_row < 24 {
            in_a_row = if division().send(address).status == status { in_a_row + 1 } else { 0 };
            if in_a_row == 0 {
                taken = began.elapsed();
            }
            assert!(taken < Duration::from_secs(60), "reload {reload} is not in force");
        }
        times.push(taken);
        // Of this reload and no other.
        load.wanted.store(reload * GENERATION + usize::from(status), Ordering::SeqCst);
        let asked = load.asked.load(Ordering::SeqCst);
        wait_until("there is load", || load.asked.load(Ordering::SeqCst) > asked);
        if reload % 10 == 5 {
            refused_twice(&gateway, &faulty, address, status);
        }
    }
    let (asked, wrong) = load.stop();
    times.sort_unstable();
    let (median, slowest) = (times[RELOADS / 2], times[RELOADS - 1]);
    println!(
        "{RELOADS} reloads, {asked} requests, {} wrong; in force after {median:?}, at most {slowest:?}",
        wrong.len()
    );
    assert_eq!(wrong, [""; 0]);
    assert!(asked >= RELOADS, "{asked}");
}

/// A faulty policy is refused by the command, which writes nothing; and where it comes to the plugin all the same, by
/// the plugin, which a metric tells. What is in force stays in force.
fn refused_twice(gateway: &Gateway, faulty: &Path, address: SocketAddr, status: u16) {
    let before = fs::read(gateway.ecds()).unwrap();
    let rendered = gateway.render(faulty);
    assert_eq!(rendered.status.code(), Some(1));
    let told = String::from_utf8(rendered.stderr).unwrap();
    assert!(told.contains("faulty.yaml") && told.contains("contains a space"), "{told}");
    assert_eq!(fs::read(gateway.ecds()).unwrap(), before);

    let rejected = gateway.counter(UPDATE_REJECTED);
    gateway.reload(|config| {
        let policy = config["configuration"]["value"].as_str().unwrap().replace("\"DELETE\"", "\"delete\"");
        config["configuration"]["value"] = json!(policy);
    });
    wait_until("the plugin refuses a faulty document", || gateway.counter(UPDATE_REJECTED) > rejected);
    for _ in 0..4 {
        assert_eq!(division().send(address).status, status);
    }
}
