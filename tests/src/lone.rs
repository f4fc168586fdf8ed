//! An Envoy without services behind it: it answers 200 itself to what its filters let through.

use std::fs::File;
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

/// Settings of an Envoy.
#[derive(Default)]
pub struct Setup {
    pub filters: Vec<Value>,
    pub clusters: Vec<Value>,
    /// Number of workers; `None`: one.
    pub workers: Option<usize>,
    pub environment: Vec<(&'static str, &'static str)>,
    /// Further arguments.
    pub arguments: Vec<&'static str>,
    /// File for its log; `None`: standard error of this process.
    pub log: Option<File>,
}

impl Lone {
    /// Starts Envoy with one worker and these HTTP filters.
    pub fn start(envoy: &Path, filters: &[Value]) -> Self {
        Self::with(envoy, Setup { filters: filters.to_vec(), ..Setup::default() })
    }

    /// Starts Envoy, and waits until it listens.
    pub fn with(envoy: &Path, setup: Setup) -> Self {
        // Envoy fails if another process takes the port meanwhile.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let bootstrap = folder.path().join("envoy.json");
        std::fs::write(&bootstrap, configuration(address, &setup).to_string()).unwrap();
        let mut command = Command::new(envoy);
        command.arg("-c").arg(bootstrap).args(["--disable-hot-restart", "--log-level", "error"]).args(setup.arguments);
        command.arg("--concurrency").arg(setup.workers.unwrap_or(1).to_string()).envs(setup.environment);
        if let Some(log) = setup.log {
            command.stderr(log);
        }
        let mut lone = Self { process: command.spawn().unwrap(), address, _folder: folder };
        lone.wait();
        lone
    }

    /// Waits until Envoy listens, which it does once its filters are ready.
    fn wait(&mut self) {
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(self.address).is_err() {
            assert_eq!(self.process.try_wait().unwrap(), None, "Envoy ended");
            assert!(Instant::now() < until, "Envoy does not listen");
            sleep(Duration::from_millis(5));
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// CPU time of all its threads, in the kernel too. `/proc/PID/stat` tells the same in hundredths of a second, too
    /// coarse for a short turn. Envoy ends none of its threads meanwhile.
    pub fn cpu(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.process.id())).unwrap();
        let of_thread = |thread: std::io::Result<std::fs::DirEntry>| {
            let told = std::fs::read_to_string(thread.unwrap().path().join("schedstat")).unwrap();
            // Linux, Documentation/scheduler/sched-stats.rst: the first field, in nanoseconds.
            Duration::from_nanos(told.split_whitespace().next().unwrap().parse().unwrap())
        };
        threads.map(of_thread).sum()
    }

    /// Resident memory, in KiB.
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

impl Drop for Lone {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

fn configuration(address: SocketAddr, setup: &Setup) -> Value {
    let router = json!({
        "name": "envoy.filters.http.router",
        "typed_config": { "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router" },
    });
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "public",
        "http_filters": setup.filters.iter().chain([&router]).collect::<Vec<_>>(),
        "route_config": { "virtual_hosts": [{
            "name": "everything",
            "domains": ["*"],
            "routes": [{ "match": { "prefix": "/" }, "direct_response": { "status": 200 } }],
        }]},
    });
    json!({ "static_resources": { "clusters": setup.clusters, "listeners": [{
        "name": "public",
        "address": { "socket_address": { "address": "127.0.0.1", "port_value": address.port() } },
        "filter_chains": [{ "filters": [{
            "name": "envoy.filters.network.http_connection_manager",
            "typed_config": manager,
        }]}],
    }]}})
}
