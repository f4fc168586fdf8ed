//! Integration tests of the service, over real databases and sockets.

#![allow(clippy::restriction, reason = "a test ends where something is amiss")]

mod api;
mod authority;
mod backup;
mod batches;
mod crowded;
mod cutoffs;
mod deny_list;
mod exactly_once;
mod feed;
mod following;
mod metrics;
mod numbering;
mod openapi;
mod postgres;
mod revocations;
mod secrets;
mod seed;
mod serve;
mod sqlite;
mod store;
mod support;
mod trouble;
mod unwritable;
