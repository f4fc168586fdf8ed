//! The recipes (`docs/recipes.md`), as they stand on that page, in the bootstrap that ships; all of them at once.

mod service;

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use brama_e2e::client::{Call, Connection, Reply};
use brama_e2e::stack::{Gateway, Plan, project, settings};
use serde_json::Value;

use crate::recipes::service::Service;

const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";
const CONSOLE: &str = "https://console.example";
/// A secret that the authority does not know.
const STALE: &str = "of-yesterday";

/// Routes for what the recipes are about, two of them for streams that no recipe looks after.
const ROUTES: &str = r#"routes:
  - { id: events, methods: [GET], path: /events, require: { credentials: [api_key, token], scopes: none } }
  - { id: cut, methods: [GET], path: /cut, public: { because: a test } }
  - { id: idle, methods: [GET], path: /idle, public: { because: a test } }
  - { id: uploads, methods: [PUT], path: /uploads, require: { credentials: [api_key, token], scopes: none } }
  - { id: documents, methods: [PUT], path: /documents, require: { credentials: [api_key, token], scopes: none } }
"#;

/// The streams without a recipe: as the route for everything has it, and with its timeout taken away.
const UNAIDED: &str = "- match: { path: /cut }
  route: { cluster: service, timeout: 2s }
- match: { path: /idle }
  route: { cluster: service, timeout: 0s }
";

/// The pieces of YAML in one part of the page.
fn pieces(title: &str) -> Vec<String> {
    let page = fs::read_to_string(project().join("docs/recipes.md")).unwrap();
    let (_before, part) = page.split_once(&format!("\n## {title}\n")).unwrap();
    let part = part.split("\n## ").next().unwrap();
    part.split("```yaml\n").skip(1).map(|piece| piece.split_once("```").unwrap().0.to_owned()).collect()
}

fn piece(title: &str) -> String {
    let [piece] = &pieces(title)[..] else { panic!("{title}") };
    piece.clone()
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{line}\n", "")).collect()
}

/// The lock that `brama render` makes for Istio, as a filter.
fn lock_of_istio() -> Value {
    let mut command = Command::new(settings().brama);
    command.arg("render").arg(project().join("policies/ehealth.yaml")).args(["--target", "istio"]);
    command.args(["--wasm-url", "file:///opt/brama.wasm", "--namespace", "x", "--workload", "gateway"]);
    let output = command.args(["--selector", "app=x"]).output().unwrap();
    let manifests: Vec<Value> = serde_saphyr::from_multiple(&String::from_utf8(output.stdout).unwrap()).unwrap();
    manifests[1]["spec"]["configPatches"][0]["patch"]["value"].clone()
}

struct Kitchen {
    gateway: Gateway,
    service: Service,
    folder: tempfile::TempDir,
}

impl Kitchen {
    fn open() -> Self {
        let folder = tempfile::Builder::new().prefix("e2e-").tempdir_in("/tmp").unwrap();
        let service = Service::open(&folder.path().join("service"));
        let secret = folder.path().join("secret.json");
        replace(&secret, STALE);
        let gateway = plan(folder.path(), &secret).start();
        Self { gateway, service, folder }
    }

    fn send(&self, call: &Call) -> Reply {
        call.send(self.gateway.address())
    }
}

/// The bootstrap that ships, with every recipe.
fn plan(folder: &Path, secret: &Path) -> Plan {
    let uploads = pieces("Uploads beyond 16 KiB");
    let routes = [UNAIDED, &piece("Server-sent events"), &uploads[0], &uploads[1]];
    let routes = routes.concat().replace("cluster: upstream", "cluster: service");
    let [cors, origins] = &pieces("CORS")[..] else { panic!() };
    let [auth, injector] = &pieces("Rotating the gateway's secret")[..] else { panic!() };
    let injector = injector.replace("/etc/brama/secret.json", secret.to_str().unwrap());
    let cluster = format!(
        "- name: service
  load_assignment:
    cluster_name: service
    endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ pipe: {{ path: {} }} }} }} }}] }}]
",
        folder.join("service").display()
    );
    let mut plan = Plan::with_policy(policy(folder, auth)).one_worker();
    for (before, by, piece) in [
        ("                  - name: brama\n", 18, cors),
        ("                      routes:\n", 22, origins),
        ("                        - match: { prefix: \"/\" }\n", 24, &routes),
        ("                http_filters:\n", 16, &piece("A load balancer that adds headers")),
        ("                  - name: envoy.filters.http.router\n", 18, &format!("- {}\n", lock_of_istio())),
        ("admin:\n", 0, &piece("Labels for denials")),
    ] {
        plan = plan.edit(before, &(indented(piece, by) + before));
    }
    // The recipe has its own.
    plan = plan.edit("      typed_extension_protocol_options: *idle_for_less\n", "");
    for (behind, by, piece) in [("    - name: authority\n", 6, &injector), ("\n  clusters:\n", 4, &cluster)] {
        plan = plan.edit(behind, &(behind.to_owned() + &indented(piece, by)));
    }
    plan.edit("request_timeout: 10s", "request_timeout: 60s")
        .edit("per_connection_buffer_limit_bytes: 32768", "per_connection_buffer_limit_bytes: 1114112")
}

fn policy(folder: &Path, auth: &str) -> PathBuf {
    let shipped = fs::read_to_string(project().join("policies/ehealth.yaml")).unwrap();
    let auth = auth.lines().last().unwrap();
    let mut policy = shipped.clone();
    for (text, by) in [("auth: { bearer_env: BRAMA_AUTHORITY_SECRET }", auth), ("routes:\n", ROUTES)] {
        assert_eq!(shipped.matches(text).count(), 1, "{text}");
        policy = policy.replace(text, by);
    }
    let path = folder.join("policy.yaml");
    fs::write(&path, policy).unwrap();
    path
}

/// Renames a file with this secret onto the one that Envoy watches, in the form that the page shows.
fn replace(file: &Path, secret: &str) {
    let page = fs::read_to_string(project().join("docs/recipes.md")).unwrap();
    let shown = page.split_once("```json\n").unwrap().1.split_once("```").unwrap().0;
    let mut shown: Value = serde_json::from_str(shown).unwrap();
    let inline = &mut shown["resources"][0]["generic_secret"]["secret"]["inline_string"];
    assert!(inline.as_str().unwrap().starts_with("Bearer "));
    *inline = format!("Bearer {secret}").into();
    let next = file.with_extension("next");
    fs::write(&next, shown.to_string()).unwrap();
    fs::rename(next, file).unwrap();
}

/// The secret that the launcher has made for this stack, as the environment of its processes has it.
fn secret_of(gateway: &Gateway) -> String {
    let files = gateway.written();
    let folder = files[0].parent().unwrap().as_os_str().as_bytes();
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let is_ours = |process: &PathBuf| {
        let line = fs::read(process.join("cmdline")).unwrap_or_default();
        line.windows(folder.len()).any(|window| window == folder)
    };
    let mut environments = processes.filter(is_ours).map(|process| fs::read(process.join("environ")).unwrap());
    let secret = environments.find_map(|environment| {
        let mut variables = environment.split(|byte| *byte == 0);
        let value = variables.find_map(|variable| variable.strip_prefix(b"BRAMA_AUTHORITY_SECRET="))?;
        Some(String::from_utf8(value.to_vec()).unwrap())
    });
    secret.unwrap()
}

#[track_caller]
fn comes(what: &str, awaited: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(15);
    while !awaited() {
        assert!(Instant::now() < until, "{what}: not in time");
        sleep(Duration::from_millis(20));
    }
}

fn division() -> Call {
    Call::delete("/api/admin/contract_divisions/x")
}

fn known(call: Call) -> Call {
    call.api_key(API_KEY).token(TOKEN)
}

#[test]
fn recipes_do_what_their_page_says() {
    let kitchen = Kitchen::open();
    secret_is_replaced_without_a_restart(&kitchen);
    uploads_arrive_whole_and_refused_ones_do_not(&kitchen);
    browsers_can_read_refusals(&kitchen);
    events_outlive_the_gateways_timeouts(&kitchen);
    headers_of_a_balancer_are_taken_away(&kitchen);
    denials_are_labels_and_metrics_have_the_names_of_their_page(&kitchen);
}

fn uploads_arrive_whole_and_refused_ones_do_not(kitchen: &Kitchen) {
    let upload = |path: &str, size: usize| {
        Call::new("PUT", path).header("Content-Length", &size.to_string()).body(&"x".repeat(size))
    };
    let large = 4 << 20;
    // Nobody has asked about these credentials so far.
    kitchen.gateway.authority.take();
    for is_new in [true, false] {
        let reply = kitchen.send(&known(upload("/uploads", large)));
        assert_eq!((reply.status, reply.text()), (200, format!("{large} bytes")), "{reply:?}");
        assert_eq!(kitchen.service.take(), [Some(large)]);
        assert!(!is_new || !kitchen.gateway.authority.take().is_empty());
    }
    assert_eq!(kitchen.send(&upload("/uploads", large)).status, 401);
    assert!(!kitchen.service.has_uploads());
    // One that breaks off does so for the service, too.
    let mut client = TcpStream::connect(kitchen.gateway.address()).unwrap();
    let bytes = known(upload("/uploads", large)).bytes();
    client.write_all(&bytes[..large / 2]).unwrap();
    kitchen.service.wait_for_beginning();
    client.shutdown(Shutdown::Both).unwrap();
    assert_eq!(kitchen.service.take(), [None]);

    let whole = 1 << 20;
    assert_eq!(kitchen.send(&known(upload("/documents", whole))).status, 200);
    assert_eq!(kitchen.service.take(), [Some(whole)]);
}

fn browsers_can_read_refusals(kitchen: &Kitchen) {
    let origin = |reply: &Reply| reply.header("access-control-allow-origin").map(str::to_owned);
    let preflight = |origin: &str| {
        let call = Call::new("OPTIONS", "/api/admin/contract_divisions/x").header("Origin", origin);
        kitchen.send(&call.header("Access-Control-Request-Method", "DELETE"))
    };
    kitchen.gateway.tap.take();
    let reply = preflight(CONSOLE);
    assert_eq!((reply.status, origin(&reply).as_deref()), (200, Some(CONSOLE)));
    assert_eq!(reply.header("access-control-allow-methods"), Some("DELETE"));
    let reply = preflight("https://elsewhere.example");
    assert_eq!((reply.status, origin(&reply)), (403, None));
    assert_eq!(kitchen.gateway.tap.take(), "");

    for (call, status) in [(division(), 401), (known(Call::delete("/nowhere")), 403), (known(division()), 404)] {
        let reply = kitchen.send(&call.clone().header("Origin", CONSOLE));
        assert_eq!((reply.status, origin(&reply).as_deref()), (status, Some(CONSOLE)), "{reply:?}");
        assert_eq!(reply.header("access-control-expose-headers"), Some("x-request-id"));
        let reply = kitchen.send(&call.header("Origin", "https://elsewhere.example"));
        assert_eq!((reply.status, origin(&reply)), (status, None), "{reply:?}");
    }
}

/// A stream of events, as far as it was read.
struct Events(TcpStream, String);

impl Events {
    fn open(to: SocketAddr, call: &Call) -> Self {
        let mut client = TcpStream::connect(to).unwrap();
        client.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        client.write_all(&call.bytes()).unwrap();
        let mut events = Self(client, String::new());
        assert!(events.bring("data: first"), "{}", events.1);
        events
    }

    /// Whether this comes before the stream's end.
    fn bring(&mut self, text: &str) -> bool {
        let mut chunk = [0; 4096];
        while !self.1.contains(text) {
            match self.0.read(&mut chunk) {
                Ok(0) | Err(_) => return false,
                Ok(length) => self.1.push_str(&String::from_utf8_lossy(&chunk[..length])),
            }
        }
        true
    }
}

fn events_outlive_the_gateways_timeouts(kitchen: &Kitchen) {
    let open = |call: &Call| Events::open(kitchen.gateway.address(), call);
    let mut events = open(&known(Call::new("GET", "/events")));
    let unaided = ["/cut", "/idle"].map(|path| open(&Call::new("GET", path)));
    // These are cut off; the first stream is older than they are.
    for mut stream in unaided {
        assert!(!stream.bring("data: second"), "{}", stream.1);
    }
    kitchen.service.release();
    assert!(events.bring("data: second"), "{}", events.1);
}

fn headers_of_a_balancer_are_taken_away(kitchen: &Kitchen) {
    kitchen.gateway.tap.take();
    for (name, status) in [("x-original-url", 404), ("X-Forwarded-Uri", 404), ("x-original-uri", 400)] {
        let reply = kitchen.send(&known(division()).header(name, "/elsewhere"));
        assert_eq!(reply.status, status, "{name}");
        let sent = kitchen.gateway.tap.take();
        assert!(!sent.contains("/elsewhere"), "{sent}");
        assert_eq!(sent.is_empty(), status == 400, "{sent}");
    }
}

fn denials_are_labels_and_metrics_have_the_names_of_their_page(kitchen: &Kitchen) {
    let call = Call::new("GET", "/stats/prometheus").header("Host", "admin");
    let metrics = call.send(kitchen.gateway.admin_address()).text();
    assert!(metrics.contains("\nbrama_refused{brama_denial=\"path_overridden\"} 1\n"), "{metrics}");
    assert!(metrics.contains("\nbrama_allowed{} "), "{metrics}");
    assert!(kitchen.gateway.counter("http.public.rbac.allowed") > 0, "Istio's lock counts where Istio looks");

    let page = fs::read_to_string(project().join("docs/metrics.md")).unwrap();
    let (_before, table) = page.split_once("\n## Envoy, about the plugin\n").unwrap();
    let rows = table.split("\n## ").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    let names: Vec<_> = rows.map(|row| row.split_once('`').unwrap().0.trim_end_matches('}')).collect();
    assert!(names.len() >= 5);
    for name in names {
        let (name, label) = name.split_once('{').unwrap_or((name, ""));
        let is_there = |line: &str| line.starts_with(&format!("{name}{{")) && line.contains(label);
        assert!(metrics.lines().any(is_there), "{name}{{{label}: {metrics}");
    }
}

fn secret_is_replaced_without_a_restart(kitchen: &Kitchen) {
    let Kitchen { gateway, folder, .. } = kitchen;
    let connection = Connection::open(gateway.address());
    // Nobody has this key, says the authority to a gateway that it knows.
    let ask = |key: &str| {
        let call = division().api_key(key).token(TOKEN).header("Connection", "keep-alive");
        connection.exchange(&call.bytes()).unwrap().status
    };
    assert_eq!(ask("unknown-0"), 503);
    assert_eq!(gateway.authority.proof(), format!("authorization: Bearer {STALE}"));
    let secret = secret_of(gateway);
    replace(&folder.path().join("secret.json"), &secret);
    comes("the new secret", || ask("unknown-1") == 401);
    assert_eq!(gateway.authority.proof(), format!("authorization: Bearer {secret}"));
}
