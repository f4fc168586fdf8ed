//! `brama-run`, which is what `make run` starts: it serves, says so, stops without a trace, and fails in a sentence.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use brama_e2e::client::Call;
use brama_e2e::stack::project;
use brama_run::Settings;

/// Where the programs were built.
fn programs() -> PathBuf {
    std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned()
}

/// The launcher, in an environment of its own.
fn launcher(variables: &[(&str, &str)]) -> Command {
    launcher_of(&programs(), variables)
}

fn launcher_of(programs: &Path, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(programs.join("brama-run"));
    for name in ["PORT", "ADMIN_PORT", "DATA_DIR", "FIXTURES", "POLICY", "DATABASE_URL", "BRAMA_PROJECT"] {
        command.env_remove(name);
    }
    command.envs([("PORT", "0"), ("ADMIN_PORT", "0")]).envs(variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A launcher whose gateway serves.
struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
    address: SocketAddr,
}

impl Running {
    fn start(variables: &[(&str, &str)]) -> Self {
        Self::spawn(&mut launcher(variables))
    }

    fn spawn(launcher: &mut Command) -> Self {
        let mut child = launcher.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("ready http://").unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        Self { child, output, address }
    }

    /// The processes it started.
    fn children(&self) -> Vec<u32> {
        let path = format!("/proc/{0}/task/{0}/children", self.child.id());
        fs::read_to_string(path).unwrap().split_whitespace().map(|id| id.parse().unwrap()).collect()
    }

    /// Stops it as Ctrl-C or a supervisor would, and gives the rest of its output.
    fn stop(mut self, signal: &str) -> (Option<i32>, String) {
        self.signal(signal);
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        (self.child.wait().unwrap().code(), rest)
    }

    fn signal(&self, signal: &str) {
        // The shell's own: a bare machine has no other.
        let command = format!("kill -{signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().unwrap().success());
    }
}

impl Drop for Running {
    /// A test that failed leaves nothing running either.
    fn drop(&mut self) {
        if self.child.try_wait().unwrap().is_none() {
            self.signal("INT");
            self.child.wait().unwrap();
        }
    }
}

fn runs(process: u32) -> bool {
    // A process that has ended and was not waited for has no command line.
    fs::read(format!("/proc/{process}/cmdline")).is_ok_and(|line| !line.is_empty())
}

/// The output of a launcher that must fail, and has started nothing that still runs.
#[track_caller]
fn fails(variables: &[(&str, &str)]) -> String {
    refuses(&mut launcher(variables))
}

#[track_caller]
fn refuses(launcher: &mut Command) -> String {
    let Output { status, stdout, stderr } = launcher.output().unwrap();
    assert!(!status.success());
    assert_eq!(String::from_utf8(stdout).unwrap(), "", "nothing was ready");
    String::from_utf8(stderr).unwrap()
}

#[test]
fn it_serves_says_what_to_try_and_stops_without_a_trace() {
    for signal in ["INT", "TERM"] {
        let running = Running::start(&[]);
        let address = running.address;
        assert_eq!(Call::new("GET", "/readyz").send(address).status, 200);
        let children = running.children();
        assert_eq!(children.len(), 2, "Envoy and the upstream");
        let (code, rest) = running.stop(signal);
        assert_eq!(code, Some(0));
        assert!(rest.contains("curl") && rest.contains("/api/clients/"), "{rest}");
        assert!(children.into_iter().all(|child| !runs(child)));
    }
}

/// Sends the request of a command line `curl -i -X METHOD http://ADDRESS/PATH -H 'name: value'...`.
#[track_caller]
fn as_curl_does(command: &str, address: SocketAddr) -> brama_e2e::client::Reply {
    let mut quoted = command.split('\'');
    let plain = quoted.next().unwrap();
    let words: Vec<_> = plain.split_whitespace().collect();
    let ["curl", "-i", "-X", method, url, "-H"] = words.as_slice() else { panic!("{plain}") };
    let path = url.strip_prefix(&format!("http://{address}")).unwrap();
    // Behind the first header, every other piece stands between quotes: ` -H `.
    let call = quoted.step_by(2).filter(|header| !header.is_empty()).fold(Call::new(method, path), |call, header| {
        let (name, value) = header.split_once(": ").unwrap();
        call.header(name, value)
    });
    call.send(address)
}

#[test]
fn requests_it_prints_are_answered_as_it_says() {
    let mut running = Running::start(&[]);
    let mut printed = String::new();
    while !printed.contains("administration") {
        assert!(running.output.read_line(&mut printed).unwrap() > 0, "{printed}");
    }
    // Each request has a sentence above it, and may go on behind a backslash.
    let printed = printed.replace("\\\n", " ");
    let lines: Vec<_> = printed.lines().collect();
    let mut tried = 0;
    for pair in lines.windows(2).filter(|pair| pair[1].trim_start().starts_with("curl")) {
        let expected = if pair[0].starts_with("Refused") { 401 } else { 200 };
        assert_eq!(as_curl_does(pair[1], running.address).status, expected, "{}", pair[1]);
        tried += 1;
    }
    assert_eq!(tried, 3, "{printed}");
    running.stop("INT");
}

#[test]
fn two_stacks_run_side_by_side() {
    let (first, second) = (Running::start(&[]), Running::start(&[]));
    let call = Call::delete(
        "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/e5372365-d47a-467f-81d0-f35117864352",
    )
    .api_key("uXhEczJ56adsfh3Ri9SUkc4en")
    .token("c2778f3064753ea70de870a53795f5c9");
    assert_eq!(call.send(first.address).status, 200);
    assert_eq!(call.send(first.address).status, 404);
    assert_eq!(call.send(second.address).status, 200);
    first.stop("INT");
    assert_eq!(call.send(second.address).status, 404);
    second.stop("INT");
}

#[test]
fn data_folder_that_is_given_keeps_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let variables = [("DATA_DIR", folder.path().to_str().unwrap())];
    let call = Call::delete(
        "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/e5372365-d47a-467f-81d0-f35117864352",
    )
    .api_key("uXhEczJ56adsfh3Ri9SUkc4en")
    .token("c2778f3064753ea70de870a53795f5c9");
    for status in [200, 404] {
        let running = Running::start(&variables);
        assert_eq!(call.send(running.address).status, status);
        running.stop("INT");
    }
}

#[test]
fn port_in_use_is_one_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for variable in ["PORT", "ADMIN_PORT"] {
        let error = fails(&[(variable, &port)]);
        assert!(error.contains(&format!("port {port} is in use")) && error.contains(variable), "{error}");
        assert_eq!(error.trim().lines().count(), 1, "{error}");
    }
    assert!(fails(&[("PORT", "abc")]).contains("PORT is `abc`"));
}

#[test]
fn missing_tool_is_one_sentence() {
    for variable in ["ENVOY", "BRAMA_WASM", "POLICY", "FIXTURES"] {
        let error = fails(&[(variable, "/nonexistent/file")]);
        assert!(error.contains("/nonexistent/file"), "{error}");
        assert_eq!(error.trim().lines().count(), 1, "{error}");
    }
}

fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> String {
    let path: PathBuf = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn policy_with_a_fault_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = fs::read_to_string(project().join("policies/ehealth.yaml")).unwrap();
    let faulty = shipped.replace("connection:delete", "connection delete").replace("methods: [GET]", "methods: []");
    let error = fails(&[("POLICY", &file(&folder, "faulty.yaml", &faulty))]);
    for place in ["faulty.yaml", "routes[0].require.scopes.all[0]", "routes[2].methods"] {
        assert!(error.contains(place), "{error}");
    }
    let error = fails(&[("POLICY", &file(&folder, "odd.yaml", "a: [1"))]);
    assert!(error.contains("odd.yaml:1:"), "{error}");
}

#[test]
fn fixture_with_a_fault_is_refused_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let shipped = fs::read_to_string(project().join("src/upstream/fixtures/demo.json")).unwrap();
    let faulty = shipped.replacen("\"name\": \"access_token\"", "\"name\": \"acces_token\"", 1);
    assert_ne!(faulty, shipped);
    let error = fails(&[("FIXTURES", &file(&folder, "faulty.json", &faulty))]);
    assert!(error.contains("tokens[0]") && error.contains("faulty.json"), "{error}");
}

#[test]
fn policy_of_ones_own_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let own = r#"
version: 1
name: own
forward: { headers: {} }
refusals: { format: ehealth }
routes:
  - { id: hello, methods: [GET], path: /hello, public: { because: "a test" } }
"#;
    let running = Running::start(&[("POLICY", &file(&folder, "own.yaml", own))]);
    assert_eq!(Call::new("GET", "/readyz").send(running.address).status, 403);
    // It passes the filter; the upstream knows no such path, and no identity.
    assert_eq!(Call::new("GET", "/hello").send(running.address).status, 401);
    running.stop("INT");
}

/// A checkout that was copied together with what was built in it, and then moved.
#[test]
fn copied_and_moved_checkout_serves_by_its_own_policy() {
    let folder = tempfile::tempdir().unwrap();
    let (copy, moved) = (folder.path().join("copy"), folder.path().join("moved"));
    let put = |from: &Path, to: &str| {
        fs::create_dir_all(copy.join(to).parent().unwrap()).unwrap();
        fs::copy(from, copy.join(to)).unwrap();
    };
    for file in ["src/run/Cargo.toml", "src/upstream/fixtures/demo.json"] {
        put(&project().join(file), file);
    }
    for entry in fs::read_dir(project().join("envoy")).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_file() {
            put(&entry.path(), &format!("envoy/{}", entry.file_name().display()));
        }
    }
    for program in ["brama", "brama-run", "brama-upstream"] {
        put(&programs().join(program), &format!("target/debug/{program}"));
    }
    put(&Settings::from_environment().unwrap().wasm, "target/brama_filter.wasm");
    fs::create_dir(copy.join("policies")).unwrap();
    let shipped = fs::read_to_string(project().join("policies/ehealth.yaml")).unwrap();
    let own = shipped.replace("path: /readyz", "path: /ready-in-the-copy");
    assert_ne!(own, shipped);
    fs::write(copy.join("policies/ehealth.yaml"), own).unwrap();

    fs::rename(&copy, &moved).unwrap();
    let launcher = || {
        let mut command = launcher_of(&moved.join("target/debug"), &[]);
        command.env_remove("BRAMA_WASM");
        command
    };
    let running = Running::spawn(&mut launcher());
    assert_eq!(Call::new("GET", "/readyz").send(running.address).status, 403, "no route of its policy");
    assert_ne!(Call::new("GET", "/ready-in-the-copy").send(running.address).status, 403, "a public one");
    running.stop("INT");

    fs::write(moved.join("policies/ehealth.yaml"), "garbage").unwrap();
    let error = refuses(&mut launcher());
    assert!(error.contains(&moved.join("policies/ehealth.yaml").display().to_string()), "{error}");
}
