//! Owns the rendered forms of a policy and the plugin, one for each platform.

pub(crate) mod ecds;
pub(crate) mod envoy_gateway;
pub(crate) mod form;
pub(crate) mod istio;
pub(crate) mod manifest;
mod module;
