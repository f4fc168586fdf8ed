//! What benches share: the service as a process, its databases, rows in them, and a client.

pub mod client;
pub mod database;
pub mod rows;
pub mod service;
