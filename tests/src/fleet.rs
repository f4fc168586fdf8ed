//! Several gateways in front of several replicas of the upstream, which share one PostgreSQL database. Each process can
//! be killed, and started again at its place.

use std::fs::{self, OpenOptions};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use brama_run::{Prepared, Settings};
use serde_json::Value;
use tempfile::TempDir;

use crate::client::Call;
use crate::database::Database;
use crate::stack::settings;

pub struct Fleet {
    // Dropped in this order.
    pub gateways: Vec<Node>,
    pub replicas: Vec<Node>,
    pub database: Database,
    _folder: TempDir,
}

/// A process with an address that it keeps.
pub struct Node {
    command: Box<dyn Fn() -> Command + Send + Sync>,
    child: Mutex<Option<Child>>,
    at: At,
    log: PathBuf,
}

/// Address of a process.
enum At {
    Gateway(SocketAddr),
    Replica(Sockets),
}

/// Sockets of a replica's listeners.
#[derive(Clone)]
struct Sockets {
    public: PathBuf,
    internal: PathBuf,
}

impl Fleet {
    /// Starts a fleet with the shipped policy, and with this data in this database.
    pub fn start(gateways: usize, replicas: usize, database: Database, fixture: &Value) -> Self {
        let folder = tempfile::Builder::new().prefix("e2e-").tempdir_in("/tmp").unwrap();
        let fixtures = folder.path().join("fixture.json");
        fs::write(&fixtures, fixture.to_string()).unwrap();
        let place = |kind: &str, number: usize| {
            let place = folder.path().join(format!("{kind}{number}"));
            fs::create_dir(&place).unwrap();
            place
        };
        let settings = Settings { database_url: Some(database.url().to_owned()), fixtures, ..settings() };
        let sockets: Vec<_> = (0..replicas).map(|number| Sockets::in_folder(&place("replica", number))).collect();
        let gateways = (0..gateways).map(|number| gateway(&settings, &place("gateway", number), &sockets)).collect();
        let replicas = sockets.into_iter().map(|sockets| replica(&settings, sockets)).collect();
        let fleet = Self { gateways, replicas, database, _folder: folder };
        for node in fleet.replicas.iter().chain(&fleet.gateways) {
            node.start();
        }
        fleet
    }
}

impl Node {
    /// Starts the process, and waits until it serves.
    pub fn start(&self) {
        let mut child = (self.command)().spawn().unwrap();
        let until = Instant::now() + PATIENCE;
        while !self.serves() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "{ended:?}\n{}", self.log());
            sleep(Duration::from_millis(20));
        }
        *self.child.lock().unwrap() = Some(child);
    }

    /// Sends SIGKILL to the process.
    pub fn kill(&self) {
        let mut child = self.child.lock().unwrap().take().unwrap();
        // A process that has ended by itself is a fault, and not what is tested here.
        assert_eq!(child.try_wait().unwrap(), None, "{}", self.log());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Address of a gateway.
    pub fn address(&self) -> SocketAddr {
        match &self.at {
            At::Gateway(address) => *address,
            At::Replica(_) => panic!("a replica is reached through a gateway"),
        }
    }

    fn serves(&self) -> bool {
        let ready = Call::new("GET", "/readyz");
        match &self.at {
            // Through the filter to a replica and back.
            At::Gateway(address) => {
                std::net::TcpStream::connect(address).is_ok()
                    && ready.try_send(*address).is_some_and(|reply| reply.status == 200)
            }
            At::Replica(Sockets { public, internal }) => [public, internal]
                .into_iter()
                .all(|socket| UnixStream::connect(socket).is_ok() && ready.send_local(socket).status == 200),
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Sockets {
    fn in_folder(folder: &Path) -> Self {
        Self { public: folder.join("public"), internal: folder.join("internal") }
    }
}

fn replica(settings: &Settings, sockets: Sockets) -> Node {
    let (upstream, database_url) = (settings.upstream.clone(), settings.database_url.clone().unwrap());
    let log = sockets.public.with_file_name("log");
    let at = At::Replica(sockets.clone());
    let written = log.clone();
    let command = move || {
        let mut command = logged(&upstream, &written);
        command.arg("serve").env("DATABASE_URL", &database_url).env("BRAMA_AUTHORITY_SECRET", SECRET);
        command.env("PUBLIC_LISTEN", format!("unix:{}", sockets.public.display()));
        command.env("INTERNAL_LISTEN", format!("unix:{}", sockets.internal.display()));
        command
    };
    Node { command: Box::new(command), child: Mutex::new(None), at, log }
}

/// A gateway with the shipped bootstrap, and all replicas behind it.
fn gateway(settings: &Settings, place: &Path, replicas: &[Sockets]) -> Node {
    // Envoy fails if another process takes the port meanwhile.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let settings = Settings { port: address.port(), data_dir: Some(place.to_owned()), ..settings.clone() };
    let envoy = settings.envoy.clone();
    let prepared = Prepared::new(settings).unwrap();
    let bootstrap = fs::read_to_string(prepared.bootstrap()).unwrap();
    let public: Vec<_> = replicas.iter().map(|replica| replica.public.as_path()).collect();
    let internal: Vec<_> = replicas.iter().map(|replica| replica.internal.as_path()).collect();
    let bootstrap = with_endpoints(&bootstrap, &prepared.public_socket(), &public);
    let bootstrap = with_endpoints(&bootstrap, &prepared.internal_socket(), &internal);
    fs::write(prepared.bootstrap(), bootstrap).unwrap();
    let log = prepared.logs().envoy;
    let written = log.clone();
    let command = move || {
        let mut command = logged(&envoy, &written);
        command.arg("-c").arg(prepared.bootstrap()).args(["--concurrency", "2"]);
        command.args(["--disable-hot-restart", "--log-level", "warning"]).env("BRAMA_AUTHORITY_SECRET", SECRET);
        command
    };
    Node { command: Box::new(command), child: Mutex::new(None), at: At::Gateway(address), log }
}

fn with_endpoints(bootstrap: &str, one: &Path, many: &[&Path]) -> String {
    let is_endpoint = |line: &&str| line.contains(&format!("pipe: {{ path: \"{}\" }}", one.display()));
    assert_eq!(bootstrap.lines().filter(is_endpoint).count(), 1);
    let lines = bootstrap.lines().flat_map(|line| match is_endpoint(&line) {
        true => many.iter().map(|it| line.replace(&one.display().to_string(), &it.display().to_string())).collect(),
        false => vec![line.to_owned()],
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn logged(program: &Path, log: &Path) -> Command {
    let file = OpenOptions::new().create(true).append(true).open(log).unwrap();
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(file.try_clone().unwrap()).stderr(file);
    command
}

const PATIENCE: Duration = Duration::from_secs(120);

const SECRET: &str = "the-secret-of-the-gateways";
