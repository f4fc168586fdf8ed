//! Owns what platforms load: a policy and the plugin, in the form of each.

pub(crate) mod ecds;
pub(crate) mod envoy_gateway;
pub(crate) mod form;
pub(crate) mod istio;
pub(crate) mod manifest;
mod module;
