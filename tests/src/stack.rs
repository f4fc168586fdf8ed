//! A stack for one test: the launcher's own, with a tap and a proxy between its parts.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use brama_run::{Prepared, Settings, Stack, StartError};
use serde_json::Value;
use tempfile::TempDir;

use crate::authority::Authority;
use crate::composed::{self, Turn};
use crate::database::Database;
use crate::tap::Tap;

/// A running stack: Envoy with the plugin, and the upstream.
pub struct Gateway {
    pub authority: Authority,
    pub tap: Tap,
    place: Place,
    pub database: Database,
}

/// Kind of a stack.
enum Place {
    /// A stack of the test's own, with its folders.
    Own { stack: Box<Stack>, _sockets: TempDir, _data: TempDir },
    /// The composed stack, in turns.
    Composed { turn: Turn },
}

/// Settings of a stack before its start.
pub struct Plan {
    settings: Settings,
    /// A bootstrap in place of the shipped one.
    bootstrap: Option<String>,
    edits: Vec<(String, String)>,
    ecds: Vec<fn(&mut Value, &Path)>,
    keys: Option<String>,
}

impl Gateway {
    /// The stack as it is shipped, with the demonstration's data.
    pub fn start() -> Self {
        Plan::shipped().start()
    }

    pub fn address(&self) -> SocketAddr {
        match &self.place {
            Place::Own { stack, .. } => stack.address(),
            Place::Composed { .. } => composed::GATEWAY,
        }
    }

    pub fn admin_address(&self) -> SocketAddr {
        match &self.place {
            Place::Own { stack, .. } => stack.admin_address(),
            Place::Composed { .. } => composed::ADMIN,
        }
    }

    /// The access log of this test's requests.
    fn access_log(&self) -> String {
        let (path, from) = match &self.place {
            Place::Own { stack, .. } => (stack.logs().access, 0),
            Place::Composed { turn } => (PathBuf::from(composed::ACCESS_LOG), turn.logged_before()),
        };
        // The log only grows.
        String::from_utf8_lossy(&composed::read_log(&path)[from..]).into_owned()
    }

    /// The files that the launcher and its processes have written.
    pub fn written(&self) -> Vec<PathBuf> {
        let Place::Own { _data: data, .. } = &self.place else { panic!("the composed stack has no folder") };
        let entries = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_file()).collect()
    }

    /// Replaces the plugin's configuration as `brama render` does: by a rename.
    pub fn reload(&self, change: impl Fn(&mut Value)) {
        let mut ecds: Value = serde_json::from_str(&fs::read_to_string(self.ecds()).unwrap()).unwrap();
        change(&mut ecds["resources"][0]["typed_config"]["config"]);
        ecds["version_info"] = Value::from(format!("{}+", ecds["version_info"].as_str().unwrap()));
        let next = self.ecds().with_extension("next");
        fs::write(&next, ecds.to_string()).unwrap();
        fs::rename(next, self.ecds()).unwrap();
    }

    /// Puts a policy in force as an operator does.
    pub fn render(&self, policy: &Path) -> Output {
        let settings = settings();
        let mut command = Command::new(settings.brama);
        command.arg("render").arg(policy).args(["--target", "envoy-ecds", "--wasm"]).arg(settings.wasm);
        command.arg("-o").arg(self.ecds()).output().unwrap()
    }

    /// The ECDS file: the policy as Envoy takes it.
    pub fn ecds(&self) -> PathBuf {
        match &self.place {
            Place::Own { stack, .. } => stack.ecds(),
            Place::Composed { .. } => composed::ECDS.into(),
        }
    }

    /// A counter of Envoy's by its name; 0 where it has not moved yet.
    pub fn counter(&self, name: &str) -> u64 {
        let request = crate::client::Call::new("GET", "/stats?format=json&usedonly").header("Host", "admin");
        let stats: Value = serde_json::from_str(&request.send(self.admin_address()).text()).unwrap();
        let found = stats["stats"].as_array().unwrap().iter().find(|stat| stat["name"] == name);
        found.map_or(0, |stat| stat["value"].as_u64().unwrap())
    }

    /// Address of the listener of this name.
    pub fn listener(&self, name: &str) -> Option<SocketAddr> {
        let request = crate::client::Call::new("GET", "/listeners").header("Host", "admin");
        let listeners = request.send(self.admin_address()).text();
        listeners.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("::")?.trim().parse().ok())
    }

    /// The access log's entry of the request with this id; it is written a moment after the answer.
    pub fn logged(&self, request_id: &str) -> Value {
        let until = Instant::now() + Duration::from_secs(60);
        while Instant::now() < until {
            let log = self.access_log();
            let mut entries = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            if let Some(entry) = entries.find(|entry| entry["request_id"] == request_id) {
                return entry;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("request {request_id} is not in the access log");
    }
}

impl Plan {
    pub fn shipped() -> Self {
        Self { settings: settings(), bootstrap: None, edits: Vec::new(), ecds: Vec::new(), keys: None }
    }

    /// The stack as it is shipped, with other data.
    pub fn with_data(fixtures: PathBuf) -> Self {
        Self { settings: Settings { fixtures, ..settings() }, ..Self::shipped() }
    }

    /// The stack with another policy.
    pub fn with_policy(policy: PathBuf) -> Self {
        Self { settings: Settings { policy, ..settings() }, ..Self::shipped() }
    }

    /// Sets one worker, so that cached facts serve every request.
    pub fn one_worker(mut self) -> Self {
        self.settings.workers = 1;
        self
    }

    /// Sets the plugin's log level to `info`.
    pub fn log_all(mut self) -> Self {
        self.settings.log_level = "info";
        self
    }

    /// Adds another gateway, with an upstream of its own, on the same database.
    pub fn beside(mut self, other: &Gateway) -> Self {
        self.settings.database_url = Some(other.database.url().to_owned());
        self
    }

    /// Sets another bootstrap, whose listener is called `public`; `${ECDS_FILE}`, `${PUBLIC_SOCKET}` and
    /// `${INTERNAL_SOCKET}` are filled in.
    pub fn bootstrap(mut self, bootstrap: String) -> Self {
        self.bootstrap = Some(bootstrap);
        self
    }

    /// Replaces a text of the bootstrap, which must be there; `${ECDS_FILE}` is filled in, as in the bootstrap.
    pub fn edit(mut self, text: &str, by: &str) -> Self {
        self.edits.push((text.to_owned(), by.to_owned()));
        self
    }

    /// Changes the plugin's configuration; the folder given is a place for files.
    pub fn plugin(mut self, change: fn(&mut Value, &Path)) -> Self {
        self.ecds.push(change);
        self
    }

    /// Makes the authority publish keys from the start.
    pub fn publish(mut self, keys: String) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Raises the time limits: lookups may take ten seconds, and requests may wait for both of theirs. So a test can
    /// hold them until it has seen what it waits for.
    pub fn patient(self) -> Self {
        let plan = self.plugin(|config, _folder| {
            let configuration = &mut config["configuration"]["value"];
            let mut policy: Value = serde_json::from_str(configuration.as_str().unwrap()).unwrap();
            let authority = &mut policy["authorities"]["mithril"];
            authority["timeout"] = "10s".into();
            if let Some(feed) = authority.get_mut("revocations") {
                feed["max_lag"] = "60s".into();
            }
            *configuration = policy.to_string().into();
        });
        plan.edit("stream_idle_timeout: 2.5s", "stream_idle_timeout: 60s")
    }

    /// Removes the feed from the policy, so that facts are trusted for as long as they are cached.
    pub fn without_feed(self) -> Self {
        self.plugin(|config, _folder| {
            let configuration = &mut config["configuration"]["value"];
            let mut policy: Value = serde_json::from_str(configuration.as_str().unwrap()).unwrap();
            let feed = policy["authorities"]["mithril"].as_object_mut().unwrap().remove("revocations");
            assert!(feed.is_some());
            *configuration = policy.to_string().into();
        })
    }

    pub fn start(self) -> Gateway {
        self.try_start().unwrap_or_else(|error| panic!("{error}\n{}", error.report()))
    }

    pub fn try_start(self) -> Result<Gateway, StartError> {
        match composed::is_wanted() {
            true => Ok(self.compose()),
            false => self.start_own(),
        }
    }

    /// Applies the plan to the composed stack. Panics if that cannot be started so.
    fn compose(self) -> Gateway {
        let is_possible = self.edits.is_empty()
            && self.bootstrap.is_none()
            && self.settings.workers == 2
            && self.settings.database_url.is_none();
        assert!(is_possible, "the composed stack cannot be started so: name this test in tests/e2e/not_composed.txt");
        let data = tempfile::tempdir().unwrap();
        let turn = Turn::begin(&self.settings, self.keys, |config| {
            for change in self.ecds {
                change(config, data.path());
            }
        });
        let (tap, authority) = (turn.tap(), turn.authority());
        let database = Database::at(composed::database_url());
        Gateway { authority, tap, place: Place::Composed { turn }, database }
    }

    fn start_own(self) -> Result<Gateway, StartError> {
        let data = tempfile::tempdir().unwrap();
        let sockets = tempfile::Builder::new().prefix("e2e-").tempdir_in("/tmp").unwrap();
        let database = match &self.settings.database_url {
            None if is_on_postgres() => Database::on_server(),
            shared => Database::of_stack(shared.as_deref(), data.path()),
        };
        let database_url = Some(database.url().to_owned());
        let settings = Settings { data_dir: Some(data.path().to_owned()), database_url, ..self.settings };
        let prepared = Prepared::new(settings).unwrap();
        let (tapped, proxied) = (sockets.path().join("tap"), sockets.path().join("proxy"));
        let tap = Tap::open(&tapped, prepared.public_socket());
        let authority = Authority::open(&proxied, prepared.internal_socket());
        authority.publish(self.keys);
        let edits = [(prepared.public_socket(), tapped), (prepared.internal_socket(), proxied)]
            .map(|(real, ours)| (real.display().to_string(), ours.display().to_string()));
        let mut bootstrap = match self.bootstrap {
            None => fs::read_to_string(prepared.bootstrap()).unwrap(),
            Some(bootstrap) => {
                let places = [
                    ("${ECDS_FILE}", prepared.ecds()),
                    ("${PUBLIC_SOCKET}", prepared.public_socket()),
                    ("${INTERNAL_SOCKET}", prepared.internal_socket()),
                ];
                places.iter().fold(bootstrap, |text, (name, path)| text.replace(name, &path.display().to_string()))
            }
        };
        for (text, by) in edits.iter().chain(&self.edits) {
            assert!(bootstrap.contains(text), "{text} is not in the bootstrap");
            let by = by.replace("${ECDS_FILE}", &prepared.ecds().display().to_string());
            bootstrap = bootstrap.replace(text, &by);
        }
        fs::write(prepared.bootstrap(), bootstrap).unwrap();
        if !self.ecds.is_empty() {
            let mut ecds: Value = serde_json::from_str(&fs::read_to_string(prepared.ecds()).unwrap()).unwrap();
            for change in self.ecds {
                change(&mut ecds["resources"][0]["typed_config"]["config"], data.path());
            }
            fs::write(prepared.ecds(), ecds.to_string()).unwrap();
        }
        let stack = Box::new(prepared.start()?);
        tap.take();
        authority.take();
        Ok(Gateway { authority, tap, place: Place::Own { stack, _sockets: sockets, _data: data }, database })
    }
}

/// Choice of PostgreSQL for each stack, by the variable `BRAMA_E2E_STORE`; by default it is a SQLite file.
fn is_on_postgres() -> bool {
    match env::var("BRAMA_E2E_STORE").as_deref() {
        Err(_) | Ok("sqlite") => false,
        Ok("postgres") => true,
        Ok(other) => panic!("BRAMA_E2E_STORE is `{other}`: it is sqlite or postgres"),
    }
}

/// Settings of the launcher: free ports, the shipped policy and data; the rest is the environment's.
pub fn settings() -> Settings {
    Settings {
        port: 0,
        admin_port: 0,
        data_dir: None,
        database_url: None,
        policy: project().join("policies/ehealth.yaml"),
        fixtures: project().join("src/upstream/fixtures/demo.json"),
        ..Settings::from_environment().unwrap()
    }
}

pub fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
