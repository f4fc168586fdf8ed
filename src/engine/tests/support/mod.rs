//! Policies and requests that tests of the engine share.

pub(crate) mod feed;
pub(crate) mod proxy;
