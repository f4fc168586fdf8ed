//! The composed stack (envoy/compose.yaml), which tests take in turns, from a container beside it.
//!
//! A turn begins with the data seeded anew and the plugin in a VM of its own, so that it starts without the state of
//! the turn before. Between the gateway and the two replicas are taps and proxies, as in every other stack of these
//! tests: the gateway's sockets are in volumes where this process listens (envoy/compose.test.yaml).

use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use brama_run::Settings;
use serde_json::Value;

use crate::authority::{Authority, Mode};
use crate::client::Call;
use crate::database::Database;
use crate::tap::Tap;

/// Address of the gateway. The tests share its network, so that Envoy's administration can be reached.
pub const GATEWAY: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080));
pub const ADMIN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 9901));
pub const ACCESS_LOG: &str = "/run/brama/log/access.log";
pub const ECDS: &str = "/run/brama/policy/ecds.json";

/// Folders of the gateway's sockets, and of the replicas'.
const SOCKETS: [(&str, &str); 2] = [("/run/brama/1", "/run/replica/1"), ("/run/brama/2", "/run/replica/2")];

/// Content of an access log; empty before the first request is logged, while the file is missing.
pub fn read_log(path: &Path) -> Vec<u8> {
    match fs::read(path) {
        Ok(log) => log,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => panic!("{}: {error}", path.display()),
    }
}

/// Choice of the composed stack, by the variable `BRAMA_E2E_COMPOSED`.
pub fn is_wanted() -> bool {
    env::var_os("BRAMA_E2E_COMPOSED").is_some()
}

pub fn database_url() -> String {
    env::var("DATABASE_URL").unwrap()
}

/// Exclusive use of the stack by one test, until it is dropped. A second one at a time panics: the tests are run one
/// after the other.
pub struct Turn {
    stack: &'static Composed,
    logged_before: usize,
}

static IS_TAKEN: AtomicBool = AtomicBool::new(false);

struct Composed {
    tap: Tap,
    authority: Authority,
}

impl Turn {
    pub fn begin(settings: &Settings, keys: Option<String>, change: impl FnOnce(&mut Value)) -> Self {
        assert!(!IS_TAKEN.swap(true, Ordering::SeqCst), "there is one composed stack, and it is taken");
        let logged_before = read_log(Path::new(ACCESS_LOG)).len();
        let turn = Self { stack: Composed::get(), logged_before };
        turn.stack.tap.reopen();
        turn.stack.authority.set(Mode::Pass);
        turn.stack.authority.publish(keys);
        seed_anew(&settings.upstream, &settings.fixtures);
        configure_anew(settings, change);
        turn.stack.tap.take();
        turn.stack.authority.take();
        turn
    }

    /// Length of the access log before this turn, in bytes.
    pub fn logged_before(&self) -> usize {
        self.logged_before
    }

    pub fn tap(&self) -> Tap {
        self.stack.tap.clone()
    }

    pub fn authority(&self) -> Authority {
        self.stack.authority.clone()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        IS_TAKEN.store(false, Ordering::SeqCst);
    }
}

impl Composed {
    fn get() -> &'static Self {
        static STACK: OnceLock<Composed> = OnceLock::new();
        STACK.get_or_init(|| {
            let ends = SOCKETS.map(|(gateway, replica)| {
                ["public", "internal"].map(|name| {
                    let ours = Path::new(gateway).join(name);
                    let _none_yet = fs::remove_file(&ours);
                    (ours, PathBuf::from(replica).join(name))
                })
            });
            let [[public, internal], [other_public, other_internal]] = ends;
            let tap = Tap::open(&public.0, public.1);
            tap.listen(&other_public.0, other_public.1);
            let authority = Authority::open(&internal.0, internal.1);
            authority.listen(&other_internal.0, other_internal.1);
            Self { tap, authority }
        })
    }
}

fn seed_anew(upstream: &Path, fixture: &Path) {
    let database = Database::at(database_url());
    for statement in [
        "DELETE FROM prm_contract_divisions",
        "DELETE FROM prm_contracts",
        "DELETE FROM mithril_clients",
        "DELETE FROM mithril_revoked_secrets",
        // Only numbered entries can be removed.
        "SELECT brama_number_revocations(1000000)",
        "DELETE FROM brama_revocations",
        "DELETE FROM brama_seeded",
    ] {
        database.run(statement);
    }
    let seeded = Command::new(upstream).arg("seed").arg(fixture).env("DATABASE_URL", database_url()).output().unwrap();
    assert!(seeded.status.success(), "{seeded:?}");
}

fn configure_anew(settings: &Settings, change: impl FnOnce(&mut Value)) {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let next = Path::new(ECDS).with_extension("next");
    let mut render = Command::new(&settings.brama);
    render.arg("render").arg(&settings.policy).args(["--target", "envoy-ecds", "--wasm"]).arg(&settings.wasm);
    let rendered = render.arg("-o").arg(&next).output().unwrap();
    assert!(rendered.status.success(), "{rendered:?}");
    let mut ecds: Value = serde_json::from_str(&fs::read_to_string(&next).unwrap()).unwrap();
    let config = &mut ecds["resources"][0]["typed_config"]["config"];
    let turn = format!("{}-{}", std::process::id(), TURN.fetch_add(1, Ordering::SeqCst));
    let vm = format!("{}:{turn}", config["vm_config"]["vm_id"].as_str().unwrap());
    config["vm_config"]["vm_id"] = vm.into();
    change(config);
    ecds["version_info"] = turn.clone().into();
    fs::write(&next, ecds.to_string()).unwrap();
    fs::rename(next, ECDS).unwrap();
    let until = Instant::now() + Duration::from_secs(20);
    let in_force = || {
        let dump = Call::new("GET", "/config_dump?resource=ecds_filters").header("Host", "admin").send(ADMIN).text();
        dump.contains(&format!("\"version_info\": \"{turn}\""))
    };
    while !in_force() {
        assert!(Instant::now() < until, "the configuration was not taken up: {ecds}");
        sleep(Duration::from_millis(20));
    }
    // Each worker takes the configuration with its next event. So there are requests for each, which reach no filter,
    // and more than one, since the first may come at the same time.
    for _ in 0..40 {
        let reply = Call::new("GET", "/").header("Transfer-Encoding", "unheard-of").send(GATEWAY);
        assert!(reply.status >= 400, "{reply:?}");
    }
}
