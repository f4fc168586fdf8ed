//! Policies and requests that tests of the engine share.

pub mod feed;
pub mod proxy;
