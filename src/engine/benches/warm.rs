//! Time that the plugin itself takes for a request that is allowed with its facts cached: everything but the calls to the
//! proxy.
//!
//! The same runs natively and in a Wasm guest, where it is what the plugin's own code costs in Envoy. REQUESTS makes a run
//! shorter: a round of that many.

#![allow(missing_docs, clippy::restriction, reason = "a measurement ends where something is amiss")]

use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use brama_engine::config::Settings;
use brama_engine::host::{CallId, Counter, Host, HostFailed, RefusalNote, RootHost, RootId, StreamId};
use brama_engine::worker::{Flow, Worker};
use brama_policy::deciding::{Grant, Moment, Monotonic, RefusalResponse, UnixTime};
use brama_policy::identity::{Question, Reply, SignatureCheck, Unavailable};
use serde_json::{Value, json};

fn main() {
    let requests: u32 = std::env::var("REQUESTS").map_or(200_000, |text| text.parse().unwrap());
    let settings = Rc::new(settings());
    let mut worker = Worker::default();
    let mut proxy = Proxy::default();
    learn(&mut worker, &settings, &mut proxy);
    // Compiled and warm by then.
    (0..requests / 4).for_each(|_| request(&mut worker, &settings, &mut proxy));
    let mut rounds: Vec<_> = (0..9)
        .map(|_| {
            let begin = Instant::now();
            (0..requests).for_each(|_| request(&mut worker, &settings, &mut proxy));
            begin.elapsed() / requests
        })
        .collect();
    rounds.sort();
    println!("a request that is allowed, facts known: {:?}, the median of 9 rounds of {requests}", rounds[4]);
}

/// The shipped policy. Without its feed of revocations, which would have to be followed.
fn settings() -> Settings {
    let mut policy: Value = serde_saphyr::from_str(include_str!("../../../policies/ehealth.yaml")).unwrap();
    policy["authorities"]["mithril"].as_object_mut().unwrap().remove("revocations");
    Settings::load(policy.to_string().as_bytes(), |_name| Some("secret".to_owned())).unwrap()
}

/// The first request asks about both credentials.
fn learn(worker: &mut Worker, settings: &Rc<Settings>, proxy: &mut Proxy) {
    let root = RootId(1);
    assert_eq!(worker.on_headers(StreamId(1), Rc::clone(settings), proxy), Flow::Pause);
    let answers = [
        json!({ "active": true, "token_use": "api_key", "client_id": "m", "client_type": "MIS", "scope": "" }),
        json!({
            "active": true, "token_use": "access_token", "sub": "5c0b1e8e-0f3a-4c6e-9d52-7f1f6f1f2a11",
            "client_id": CLIENT, "client_type": "MSP", "scope": "connection:delete", "exp": 4_000_000_000_u64,
        }),
    ];
    for (call, answer) in (1..).zip(answers) {
        let _next = worker.on_tick(root, proxy);
        let body = answer.to_string();
        worker.on_reply(root, proxy, CallId(call), Ok(Reply { status: 200, body: body.as_bytes() }));
    }
    worker.close(StreamId(1));
    assert_eq!(proxy.allowed, 1);
}

fn request(worker: &mut Worker, settings: &Rc<Settings>, proxy: &mut Proxy) {
    let flow = worker.on_headers(StreamId(2), Rc::clone(settings), proxy);
    worker.close(StreamId(2));
    assert_eq!(flow, Flow::Continue);
}

const CLIENT: &str = "1380df72-275a-11e7-93ae-92361f002671";

/// Hands the same headers out again and again, and does nothing with what it is told.
#[derive(Default)]
struct Proxy {
    calls: u32,
    allowed: u32,
}

fn now() -> Moment {
    Moment { wall: UnixTime::from_seconds(1_700_000_000), monotonic: Monotonic::from_origin(Duration::from_secs(1)) }
}

impl RootHost for Proxy {
    type Stream = Self;

    fn now(&mut self) -> Moment {
        now()
    }

    fn dispatch(&mut self, _question: &Question<'_>) -> Result<CallId, Unavailable> {
        self.calls += 1;
        Ok(CallId(self.calls))
    }

    fn visit(&mut self, _stream: StreamId, visit: impl FnOnce(&mut Self)) {
        visit(self);
    }

    fn count(&mut self, _counter: Counter) {}
}

impl Host for Proxy {
    fn headers(&mut self) -> Vec<(String, Vec<u8>)> {
        [
            (":method", "DELETE"),
            (":scheme", "http"),
            (":authority", "127.0.0.1:8080"),
            (
                ":path",
                "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/e5372365-d47a-467f-81d0-f35117864352",
            ),
            ("x-request-id", "6617aeec-15e2-4d6f-b9bd-53559c358f97"),
            ("x-forwarded-proto", "http"),
            ("user-agent", "bench"),
            ("api-key", "uXhEczJ56adsfh3Ri9SUkc4en"),
            ("authorization", "Bearer good-c2778f3064753ea70de870a53795f5c9"),
        ]
        .map(|(name, value)| (name.to_owned(), value.into()))
        .into()
    }

    fn trailer_names(&mut self) -> Result<Vec<String>, HostFailed> {
        Ok(Vec::new())
    }

    fn now(&mut self) -> Moment {
        now()
    }

    fn new_request_id(&mut self) -> String {
        "fresh".to_owned()
    }

    fn set_request_id(&mut self, _request_id: &str) -> Result<(), HostFailed> {
        Ok(())
    }

    fn apply_grant(&mut self, grant: &Grant, _reason: Option<&str>) -> Result<(), HostFailed> {
        black_box(grant);
        self.allowed += 1;
        Ok(())
    }

    fn remove_trailer(&mut self, _name: &str) -> Result<(), HostFailed> {
        Ok(())
    }

    fn refuse(&mut self, refusal: &RefusalResponse, _note: RefusalNote<'_>) {
        panic!("refused: {refusal:?}")
    }

    fn resume(&mut self) {}

    fn request_tick(&mut self) {}

    fn verify_signature(&mut self, _check: &SignatureCheck<'_>) -> bool {
        false
    }

    fn count(&mut self, _counter: Counter) {}
}
