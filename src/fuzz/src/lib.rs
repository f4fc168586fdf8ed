//! Laws for every sequence of bytes: the code neither panics nor overflows, and each kind of input has a law of its
//! own.
//!
//! Each module is one kind: its `holds_for` panics if the law is broken. `make fuzz` runs each under libFuzzer for a
//! minute. Inputs worth keeping are packed in `corpus`, an archive for each kind, and the test `replay` goes through
//! them.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a law that is broken, or a policy of ours that is faulty, ends the run"
)]

pub mod answer;
pub mod carried;
pub mod condition;
pub mod host;
pub mod jwt;
pub mod key_set;
pub mod page;
pub mod path;
pub mod policy;
pub mod request;
pub mod session;
pub mod template;

mod gateway;

/// A law: a function of an input that panics if the law is broken.
pub type Law = fn(&[u8]);

/// Laws by the name of their kind of input, which is that of its program and of its archive in `corpus`.
pub const LAWS: [(&str, Law); 12] = [
    ("answer", answer::holds_for),
    ("carried", carried::holds_for),
    ("condition", condition::holds_for),
    ("host", host::holds_for),
    ("jwt", jwt::holds_for),
    ("key_set", key_set::holds_for),
    ("page", page::holds_for),
    ("path", path::holds_for),
    ("policy", policy::holds_for),
    ("request", request::holds_for),
    ("session", session::holds_for),
    ("template", template::holds_for),
];
