//! No credential is in anything that the stack wrote: logs, metrics, answers, configuration, the database, the process
//! list.

use std::fs;
use std::path::PathBuf;

use brama_e2e::authority::Mode;
use brama_e2e::client::{Call, Reply};
use brama_e2e::stack::Gateway;

const API_KEY: &str = "uXhEczJ56adsfh3Ri9SUkc4en";
const TOKEN: &str = "0d7b3a5e9c1f4826b4d0a6e2f8c3957e";
/// Credentials nobody knows. Refused, they are a client's secrets all the same: it may have sent them to the wrong
/// place.
const STRANGE_KEY: &str = "strange-api-key-5a1e";
const STRANGE_TOKEN: &str = "strange-token-5a1e";
const IN_QUERY: &str = "token-in-query-5a1e";
const IN_COOKIE: &str = "token-in-cookie-5a1e";

const DIVISION: &str = "/api/admin/contract_divisions/b075f148-7f93-4fc2-b2ec-2d81b19a9b7b";

/// Requests that end in every way there is: allowed, refused by each step, unanswered, not understood.
fn requests() -> Vec<Call> {
    let delete = |path: &str| Call::delete(path);
    vec![
        delete(DIVISION).api_key(API_KEY).token(TOKEN),
        delete(DIVISION).api_key(API_KEY).token(TOKEN),
        delete(DIVISION).api_key(STRANGE_KEY).token(STRANGE_TOKEN),
        delete(DIVISION).api_key(API_KEY).token(STRANGE_TOKEN),
        delete(DIVISION).api_key(API_KEY).header("Authorization", STRANGE_TOKEN),
        delete(DIVISION).api_key(API_KEY).header("Authorization", &format!("Basic {STRANGE_TOKEN}")),
        delete(DIVISION).api_key(API_KEY).token(TOKEN).token(STRANGE_TOKEN),
        delete(DIVISION).api_key(API_KEY).api_key(STRANGE_KEY).token(TOKEN),
        delete(DIVISION).api_key(&format!("{STRANGE_KEY}\u{1}")).token(TOKEN),
        delete(DIVISION).api_key(API_KEY).token(&format!("{STRANGE_TOKEN} x")),
        delete(DIVISION).api_key(API_KEY).token("c2778f3064753ea70de870a53795f5c9"),
        delete(&format!("{DIVISION}?access_token={IN_QUERY}")).api_key(API_KEY).token(TOKEN),
        delete(&format!("{DIVISION}?access_token=<{IN_QUERY}")).api_key(API_KEY).token(TOKEN),
        delete(DIVISION).api_key(API_KEY).header("Cookie", &format!("token={IN_COOKIE}")),
        delete("/nowhere").api_key(STRANGE_KEY).token(STRANGE_TOKEN),
        Call::new("CONNECT", "a:1").api_key(STRANGE_KEY).token(STRANGE_TOKEN),
        delete(DIVISION).header("Transfer-Encoding", "chunked").header("Content-Length", "1").token(STRANGE_TOKEN),
        delete(DIVISION).api_key(API_KEY).token(TOKEN).header("Upgrade", "websocket").header("Connection", "upgrade"),
        delete(DIVISION).api_key(&STRANGE_KEY.repeat(3000)).token(TOKEN),
    ]
}

#[test]
fn no_credential_is_in_anything_that_was_written() {
    let gateway = Gateway::start();
    let mut said = Vec::new();
    for mode in [
        Mode::Pass,
        Mode::Answer(500, "no".to_owned()),
        Mode::Answer(200, format!(r#"{{"active":true,"token":"{STRANGE_TOKEN}"}}"#)),
        Mode::Hang,
        Mode::Stopped,
    ] {
        gateway.authority.set(mode);
        said.extend(requests().iter().filter_map(|call| call.try_send(gateway.address())).map(|reply| spelled(&reply)));
    }
    for path in ["/stats", "/stats/prometheus", "/clusters", "/config_dump?include_eds", "/listeners", "/server_info"] {
        said.push(spelled(&Call::new("GET", path).header("Host", "admin").send(gateway.admin_address())));
    }
    said.push(spelled(&gateway.authority.get("/metrics")));
    // The access log is written a moment later, in order.
    assert_eq!(Call::new("GET", "/nowhere").header("x-request-id", "last").send(gateway.address()).status, 403);
    gateway.logged("last");
    let files = gateway.written();
    let names: Vec<_> = files.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    for name in ["access.log", "envoy.log", "upstream.log", "envoy.yaml", "ecds.json", "brama.db"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
    let written = files.iter().map(|file| (file.display().to_string(), fs::read(file).unwrap()));
    let said = said.into_iter().map(|text| ("an answer".to_owned(), text.into_bytes()));
    let everything: Vec<_> = written.chain(said).chain(processes()).collect();
    assert!(everything.iter().any(|(_, bytes)| contains(bytes, DIVISION)), "the search finds what is there");

    let proof = gateway.authority.proof();
    let authority_secret = proof.split(' ').next_back().unwrap();
    assert!(authority_secret.len() >= 16, "{proof}");
    for secret in [API_KEY, TOKEN, STRANGE_KEY, STRANGE_TOKEN, IN_QUERY, IN_COOKIE, authority_secret] {
        for (place, bytes) in &everything {
            assert!(!contains(bytes, secret), "`{secret}` is in {place}");
        }
    }
}

fn spelled(reply: &Reply) -> String {
    format!("{reply:?}{}", reply.text())
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// How the stack's processes were started, as anybody on the machine can see.
fn processes() -> Vec<(String, Vec<u8>)> {
    let parent = format!("PPid:\t{}\n", std::process::id());
    let processes = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
    let is_ours =
        |process: &PathBuf| fs::read_to_string(process.join("status")).is_ok_and(|text| text.contains(&parent));
    let shown = |process: PathBuf| {
        let cmdline = process.join("cmdline");
        // One that has ended meanwhile shows nothing.
        fs::read(&cmdline).ok().map(|bytes| (cmdline.display().to_string(), bytes))
    };
    let all: Vec<_> = processes.filter(is_ours).filter_map(shown).collect();
    assert!(all.len() >= 2, "Envoy and the upstream: {all:?}");
    all
}
