//! No secret is in the service's log, however much is logged, nor in what it answers.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::support::{FORM, KEY, exchange};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

const SECRET: &str = "the-authority-secret-5a1e";
const PREVIOUS: &str = "the-secret-before-5a1e";
const STRANGE: &str = "a-strange-credential-5a1e";

#[tokio::test]
async fn no_secret_is_logged_at_any_level_or_answered() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let command = |verb: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_brama-upstream"));
        command.arg(verb).env_clear().env("BRAMA_LOG", "trace").env("BRAMA_LOG_FORMAT", "json");
        command.env("DATABASE_URL", format!("sqlite://{}", at("brama.db").display())).stdout(Stdio::piped());
        command.stderr(Stdio::piped()).kill_on_drop(true);
        command
    };
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo.json");
    let seeded = command("seed").arg(demo).output().await.unwrap();
    assert!(seeded.status.success(), "{seeded:?}");

    let mut serve = command("serve");
    serve.env("BRAMA_AUTHORITY_SECRET", SECRET).env("BRAMA_AUTHORITY_SECRET_PREVIOUS", PREVIOUS);
    serve.env("PUBLIC_LISTEN", format!("unix:{}", at("public").display()));
    serve.env("INTERNAL_LISTEN", format!("unix:{}", at("internal").display()));
    let mut serving = serve.spawn().unwrap();
    for _ in 0..3000 {
        if tokio::net::UnixStream::connect(at("internal")).await.is_ok() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut said = Vec::new();
    for secret in [SECRET, PREVIOUS, STRANGE] {
        let authorization = format!("Bearer {secret}");
        let headers = [("authorization", authorization.as_str()), ("content-type", FORM)];
        for path in ["/introspect", "/revoke", "/nowhere"] {
            for form in [format!("token={STRANGE}"), format!("token={KEY}&token={STRANGE}"), format!("{STRANGE}=%zz")] {
                said.push(exchange(&at("internal"), "POST", path, &headers, &form).await.text);
            }
        }
        let query = format!("/revocations?after={STRANGE}");
        said.push(exchange(&at("internal"), "GET", &query, &headers, "").await.text);
    }
    let headers = [("x-consumer-id", STRANGE), ("authorization", STRANGE), ("api-key", KEY), ("cookie", STRANGE)];
    let path = format!("/api/admin/contract_divisions/x?token={STRANGE}");
    said.push(exchange(&at("public"), "DELETE", &path, &headers, STRANGE).await.text);

    said.push(exchange(&at("internal"), "GET", "/metrics", &[], "").await.text);

    // The last lines are written before its end.
    crate::support::process::signal(&serving, "-TERM");
    let _status = serving.wait().await.unwrap();
    let mut log = String::new();
    serving.stderr.take().unwrap().read_to_string(&mut log).await.unwrap();
    assert!(log.contains("\"level\":\"DEBUG\"") && log.contains("/introspect"), "much is logged: {log}");
    for secret in [SECRET, PREVIOUS, STRANGE, KEY] {
        for (place, text) in [("the log", &log), ("an answer", &said.concat())] {
            let line = text.lines().find(|line| line.contains(secret));
            assert_eq!(line, None, "`{secret}` is in {place}");
        }
    }
    for text in [seeded.stdout, seeded.stderr].map(|bytes| String::from_utf8(bytes).unwrap()) {
        assert!(!text.contains(KEY), "{text}");
    }
}
