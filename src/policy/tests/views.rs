//! What a policy tells of its routes, and of those that a request nearly took.

use brama_policy::authoring::{Difference, Requires};
use brama_policy::deciding::{CanonicalPath, Host, Policy, PolicyDocument};
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ROUTES: &str = "\
version: 1
name: x
mode: { shadow: { because: a trial } }
forward: { headers: {} }
refusals: { format: bare }
routes:
  - { id: one, methods: [GET], path: '/notes/{id:uuid}', public: { because: a } }
  - { id: any, methods: [GET], path: '/notes/{name}', public: { because: b }, mode: enforce }
  - { id: list, methods: [GET, POST], path: /notes, public: { because: c }, preflight: { because: browsers } }
  - { id: number, methods: [GET], hosts: [a.example, '*.b.example'], path: '/numbers/{n:int}', public: { because: d } }
  - { id: files, methods: [GET], path: '/files/{path...}', public: { because: e } }
";

fn policy(yaml: &str) -> Policy {
    let document: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    Policy::compile(&PolicyDocument::read(&document.to_string()).unwrap()).unwrap()
}

/// The near routes of a request, each with what is in the way.
fn near(method: &str, host: &str, path: &str) -> Vec<String> {
    let policy = policy(ROUTES);
    let (host, path) = (Host::parse(host.as_bytes()).unwrap(), CanonicalPath::parse(path.as_bytes()).unwrap());
    let near = policy.near(method, &host, &path);
    let words = near.iter().map(|near| {
        let apart = match &near.apart {
            Difference::Nothing => "nothing".to_owned(),
            Difference::Method => "method".to_owned(),
            Difference::Host => "host".to_owned(),
            Difference::Slash => "slash".to_owned(),
            Difference::Literal { wanted, sent } => format!("{sent} for {wanted}"),
            Difference::Capture { name, sent, .. } => format!("{name} not {sent}"),
        };
        format!("{} {apart}", near.route.rule().as_str())
    });
    words.collect()
}

#[test]
fn near_routes_differ_in_one_thing() {
    const ID: &str = "/notes/1380df72-275a-11e7-93ae-92361f002671";
    for (method, host, path, expected) in [
        ("GET", "x", ID, &["any nothing"][..]),
        ("GET", "x", "/notes/x", &["one id not x"]),
        (
            "GET",
            "x",
            "/notes/1380DF72-275A-11E7-93AE-92361F002671",
            // Both are public, so that the letters' case matters to nobody.
            &["one id not 1380DF72-275A-11E7-93AE-92361F002671"],
        ),
        ("DELETE", "x", ID, &["one method", "any method"]),
        ("DELETE", "x", "/notes/x", &["any method"]),
        ("GET", "x", "/notes/", &["one id not ", "any name not ", "list slash"]),
        ("GET", "x", "/ntoes", &["list ntoes for notes"]),
        ("GET", "x", "/Notes", &["list Notes for notes"]),
        ("GET", "x", "/ntoes/x", &["any ntoes for notes"]),
        ("GET", "x", "/letters", &[]),
        ("GET", "x", "/numbers/1", &["number host"]),
        ("GET", "b.example", "/numbers/1", &["number host"]),
        ("GET", "a.b.example", "/numbers/1", &[]),
        ("GET", "A.example:80", "/numbers/01", &["number n not 01"]),
        ("GET", "x", "/numbers/01", &[]),
        ("GET", "x", "/file/a/b", &["files file for files"]),
        ("GET", "x", "/files", &[]),
        ("PUT", "x", "/files/a/b", &["files method"]),
    ] {
        assert_eq!(near(method, host, path), expected, "{method} {host} {path}");
    }
}

#[test]
fn route_for_a_request_is_the_one_that_judges_it() {
    let policy = policy(ROUTES);
    let host = Host::parse(b"x").unwrap();
    for (path, expected) in [
        ("/notes/1380df72-275a-11e7-93ae-92361f002671", Ok(Some("one"))),
        ("/notes/x", Ok(Some("any"))),
        ("/other", Ok(None)),
        ("/Notes", Err(())),
    ] {
        let path = CanonicalPath::parse(path.as_bytes()).unwrap();
        let found = policy.route_for("GET", &host, &path);
        assert_eq!(found.map(|route| route.map(|route| route.rule().as_str())).map_err(drop), expected);
    }
}

#[test]
fn view_tells_what_the_document_says() {
    let policy = policy(ROUTES);
    let told = policy.routes().map(|route| {
        let hosts: Vec<_> = route.hosts().map(|host| host.to_string()).collect();
        let Requires::Nothing { because } = route.requires() else { return String::new() };
        let (rule, methods, hosts) = (route.rule().as_str(), route.methods().join(","), hosts.join(","));
        format!("{rule} {methods} {hosts} {} {} {because} {:?}", route.path(), route.is_in_shadow(), route.preflight())
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "one GET any host /notes/{id:uuid} true a None",
            "any GET any host /notes/{name} false b None",
            "list GET,POST any host /notes true c Some(\"browsers\")",
            "number GET a.example,*.b.example /numbers/{n:int} true d None",
            "files GET any host /files/{path...} true e None",
        ]
    );
}

#[test]
fn guarded_route_tells_what_it_requires() {
    let policy = policy(include_str!("../../../policies/ehealth.yaml"));
    let route = policy.routes().next().unwrap();
    let Requires::Caller(caller) = route.requires() else { panic!("{route:?}") };
    let kinds: Vec<_> = caller.credentials().map(|kind| kind.as_str()).collect();
    let of: Vec<_> = caller.scopes_of().map(|kind| kind.as_str()).collect();
    let owner = caller.owner().unwrap();
    assert_eq!((kinds, of), (vec!["api_key", "token"], vec!["token"]));
    assert_eq!(caller.scopes().unwrap().named().to_string(), "connection:delete");
    assert_eq!((owner.param(), owner.fact().to_string()), ("client_id", "token.client_id".to_owned()));
    assert_eq!(owner.except_client_types(), ["NHS", "NHS ADMIN"]);
    assert!(caller.binding().is_none() && caller.conditions().next().is_none());
}
