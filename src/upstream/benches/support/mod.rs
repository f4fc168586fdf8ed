//! Parts that benches share: the service as a process, its databases, rows in them, and a client.

#![allow(dead_code, reason = "each bench uses a part of it")]

pub mod client;
pub mod database;
pub mod rows;
pub mod service;
