//! An Envoy of one worker with nothing behind it: what its filters let through, it answers itself.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

pub struct Lone {
    process: Child,
    address: SocketAddr,
    _folder: TempDir,
}

impl Lone {
    /// Starts Envoy with these HTTP filters.
    pub fn start(envoy: &Path, filters: &[Value]) -> Self {
        // Whoever takes the port meanwhile makes Envoy fail.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let bootstrap = folder.path().join("envoy.json");
        std::fs::write(&bootstrap, configuration(address, filters).to_string()).unwrap();
        let mut command = Command::new(envoy);
        command.arg("-c").arg(bootstrap).args(["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]);
        let mut lone = Self { process: command.spawn().unwrap(), address, _folder: folder };
        lone.wait();
        lone
    }

    /// It listens once its filters are ready.
    fn wait(&mut self) {
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(self.address).is_err() {
            assert_eq!(self.process.try_wait().unwrap(), None, "Envoy ended");
            assert!(Instant::now() < until, "Envoy does not listen");
            sleep(Duration::from_millis(50));
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The time that all its threads have had on a processor, in the kernel too.
    pub fn cpu(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        // proc(5): `utime` and `stime` are the 14th and the 15th field; the second, in parentheses, can hold spaces.
        let (_, fields) = stat.rsplit_once(')').unwrap();
        let ticks: u32 = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u32>().unwrap()).sum();
        ticks * TICK
    }
}

impl Drop for Lone {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn configuration(address: SocketAddr, filters: &[Value]) -> Value {
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
    });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "public",
        "http_filters": filters.iter().chain([&router]).collect::<Vec<_>>(),
        "route_config": { "virtual_hosts": [{
            "name": "everything",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "direct_response": { "status": 200 } }],
        }]},
    });
    json!({ "static_resources": { "listeners": [{
        "name": "public",
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": address.port() } },
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": manager,
        }]}],
    }]}})
}

/// Linux counts in hundredths of a second there (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);
