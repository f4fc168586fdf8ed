//! Proxy in memory, for tests and benches of a worker: the worker ([`Proxy`]), its requests ([`Request`]), the calls
//! that it sends, and the [`World`] around them, which tells the time and fails when it is told to.
//!
//! What a proxy must never see ends the test: a request that is decided twice, goes on though it was refused, or is
//! called upon when it has gone; a reason that tells a credential.

pub mod lines;
mod proxy;
mod request;
mod world;

use std::rc::Rc;

use brama_engine::config::Settings;

pub use proxy::{Call, Proxy, ROOT};
pub use request::{Done, Request, headers};
pub use world::{Clock, Failing, Observer, World};

/// Settings under a policy, whose secrets are all `s3cret`.
pub fn settings(yaml: &str) -> Rc<Settings> {
    let document: serde_json::Value = serde_saphyr::from_str(yaml).unwrap();
    Rc::new(Settings::load(document.to_string().as_bytes(), |_name| Some("s3cret".to_owned())).unwrap())
}
