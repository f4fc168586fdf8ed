//! The partner's process, and what its clients ask of it.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use brama_e2e::client::{Call, Reply};
use brama_e2e::stack::project;
use serde_json::Value;
use tempfile::TempDir;

/// Whom the partner gives tokens to.
pub const CLIENT: &str = "b1c2a7d4-5e6f-4a8b-9c0d-1e2f3a4b5c6d";
const SECRET: &str = "client-secret";

/// Who may ask the partner about tokens.
const GATEWAY: &str = "gateway:50% off: a secret";
/// The same as the variable has it: RFC 6749, 2.3.1 has both parts encoded before they are joined, and the gateway
/// sends the variable's value as it is. (A space as `+`, which is the form's own encoding, Authlib does not decode.)
pub const GATEWAY_SENT: &str = "gateway:50%25%20off%3A%20a%20secret";

/// An OAuth 2 server that runs, and ends when this is dropped.
pub struct Partner {
    process: Child,
    folder: TempDir,
}

/// The steps in which it changes its key.
#[derive(Clone, Copy)]
pub enum Rotation {
    /// The new key can be fetched beside the old one.
    Publish,
    /// The new key signs.
    Sign,
    /// The old key is gone.
    Retire,
}

impl Partner {
    pub fn start() -> Self {
        let python = std::env::var_os("AUTHLIB")
            .expect("AUTHLIB: what `src/tools/install/authlib.sh` prints, as `make e2e` sets it");
        let folder = tempfile::Builder::new().prefix("e2e-").tempdir_in("/tmp").unwrap();
        let mut command = Command::new(python);
        command.arg(project().join("tests/e2e/partner/server.py")).arg(folder.path().join(SOCKET));
        command.args([&format!("{CLIENT}:{SECRET}"), GATEWAY]);
        // It ends when this pipe does, so it does not outlive a test that cannot drop it.
        let process = command.stdin(Stdio::piped()).spawn().unwrap();
        let mut partner = Self { process, folder };
        let until = Instant::now() + Duration::from_secs(30);
        while std::os::unix::net::UnixStream::connect(partner.socket()).is_err() {
            assert_eq!(partner.process.try_wait().unwrap(), None, "the partner ended");
            assert!(Instant::now() < until, "the partner does not listen");
            sleep(Duration::from_millis(20));
        }
        partner
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join(SOCKET)
    }

    /// A token that only the partner can tell anything about.
    pub fn opaque(&self, scope: &str) -> String {
        self.issue("/token", scope)
    }

    /// A token that is signed.
    pub fn jwt(&self, scope: &str) -> String {
        self.issue("/jwt", scope)
    }

    /// RFC 7009.
    pub fn revoke(&self, token: &str) {
        self.post("/revoke", &format!("token={token}&token_type_hint=access_token"));
    }

    pub fn rotate(&self, step: Rotation) {
        let path = match step {
            Rotation::Publish => "/keys/publish",
            Rotation::Sign => "/keys/sign",
            Rotation::Retire => "/keys/retire",
        };
        self.post(path, "");
    }

    /// RFC 6749, 4.4.
    fn issue(&self, path: &str, scope: &str) -> String {
        let reply = self.post(path, &format!("grant_type=client_credentials&scope={scope}"));
        let answer: Value = serde_json::from_str(&reply.text()).unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn post(&self, path: &str, form: &str) -> Reply {
        let login = STANDARD.encode(format!("{CLIENT}:{SECRET}"));
        let call = Call::new("POST", path)
            .header("Authorization", &format!("Basic {login}"))
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Content-Length", &form.len().to_string())
            .body(form);
        let reply = call.send_local(&self.socket());
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        reply
    }
}

impl Drop for Partner {
    fn drop(&mut self) {
        // Both fail only for a process that is gone.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const SOCKET: &str = "partner";
