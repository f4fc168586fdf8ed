//! Integration tests of the command, which run it as a process on files.

#![allow(clippy::restriction, reason = "a test ends where something is amiss")]

mod attack;
mod check;
mod decide;
mod diff;
mod explain;
mod help;
mod reference;
mod render;
mod render_cluster;
mod render_usage;
mod routes;
mod schema;
mod support;
mod test_command;
mod token;
