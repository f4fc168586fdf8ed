//! Owns the flags of each target of `brama render`. A missing flag and a useless one are both wrong usage.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory};

use super::manifest::{Label, Namespace, ObjectName};
use super::module::{Module, ModuleUrl, Sha256};
use super::{envoy_gateway, istio};
use crate::arguments::Arguments;
use crate::commands::render::{Render, Target};

/// A form to render, with its arguments.
#[derive(Debug)]
pub(crate) enum Form {
    PluginConfig,
    EnvoyEcds { wasm: PathBuf },
    Istio(istio::Placement),
    EnvoyGateway(envoy_gateway::Placement),
}

/// Flags of the targets that are manifests for Kubernetes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of istio and envoy-gateway")]
pub(crate) struct ClusterArguments {
    /// Source that the platform loads the plugin from: `oci://`, `https://` or, with Istio, `file://` in the proxy's
    /// container.
    #[arg(long, value_name = "URL", required_if_eq_any = [("target", "istio"), ("target", "envoy-gateway")])]
    wasm_url: Option<ModuleUrl>,
    /// The checksum of what is there: of an image its digest, otherwise the file's.
    #[arg(long, value_name = "HEX")]
    sha256: Option<Sha256>,
    /// The namespace of the gateway or workload.
    #[arg(long, value_name = "NAME", required_if_eq_any = [("target", "istio"), ("target", "envoy-gateway")])]
    namespace: Option<Namespace>,
    /// istio: what kind of proxy is to ask the plugin.
    #[arg(long, value_enum, required_if_eq("target", "istio"))]
    workload: Option<istio::Workload>,
    /// istio: a label of its pods; repeated, a pod must have all of them.
    #[arg(long, value_name = "KEY=VALUE", required_if_eq("target", "istio"))]
    selector: Vec<Label>,
    /// envoy-gateway: the Gateway whose routes are guarded, all of them.
    #[arg(long, value_name = "NAME", required_if_eq("target", "envoy-gateway"))]
    gateway: Option<ObjectName>,
}

impl Render {
    /// The form that the flags describe together.
    ///
    /// # Errors
    /// A flag that the target does not take, or flags that contradict each other.
    pub(crate) fn form(&self) -> Result<Form, clap::Error> {
        if let Some(flag) = self.useless() {
            return Err(usage(ErrorKind::ArgumentConflict, format!("`{flag}` means nothing for this target")));
        }
        match self.target {
            Target::PluginConfig => Ok(Form::PluginConfig),
            Target::EnvoyEcds => Ok(Form::EnvoyEcds { wasm: given(&self.wasm)? }),
            Target::Istio => Ok(Form::Istio(istio::Placement {
                module: self.module()?,
                namespace: given(&self.cluster.namespace)?,
                workload: given(&self.cluster.workload)?,
                selector: self.selector()?,
            })),
            Target::EnvoyGateway => {
                let Module::Remote(module) = self.module()? else {
                    return Err(usage(ErrorKind::ValueValidation, "Envoy Gateway loads no plugin from `file://`"));
                };
                let (namespace, gateway) = (given(&self.cluster.namespace)?, given(&self.cluster.gateway)?);
                Ok(Form::EnvoyGateway(envoy_gateway::Placement { module, namespace, gateway }))
            }
        }
    }

    fn useless(&self) -> Option<&'static str> {
        let (istio, gateway) = (self.target == Target::Istio, self.target == Target::EnvoyGateway);
        let cluster = &self.cluster;
        let flags = [
            ("--wasm", self.wasm.is_some(), self.target != Target::PluginConfig),
            ("--wasm-url", cluster.wasm_url.is_some(), istio || gateway),
            ("--sha256", cluster.sha256.is_some(), istio || gateway),
            ("--namespace", cluster.namespace.is_some(), istio || gateway),
            ("--workload", cluster.workload.is_some(), istio),
            ("--selector", !cluster.selector.is_empty(), istio),
            ("--gateway", cluster.gateway.is_some(), gateway),
        ];
        flags.into_iter().find(|(_flag, given, meant)| *given && !meant).map(|(flag, ..)| flag)
    }

    fn module(&self) -> Result<Module, clap::Error> {
        let url = given(&self.cluster.wasm_url)?;
        Module::new(url, self.cluster.sha256.clone(), self.wasm.clone())
            .map_err(|useless| usage(ErrorKind::ArgumentConflict, useless))
    }

    fn selector(&self) -> Result<BTreeMap<String, String>, clap::Error> {
        let mut selector = BTreeMap::new();
        for Label { key, value } in &self.cluster.selector {
            if selector.insert(key.clone(), value.clone()).is_some() {
                let message = format!("`--selector` asks for `{key}` twice");
                return Err(usage(ErrorKind::ArgumentConflict, message));
            }
        }
        Ok(selector)
    }
}

/// A flag that the declarations above require for the target.
fn given<T: Clone>(flag: &Option<T>) -> Result<T, clap::Error> {
    flag.clone().ok_or_else(|| usage(ErrorKind::MissingRequiredArgument, "a flag that this target needs is missing"))
}

fn usage(kind: ErrorKind, message: impl ToString) -> clap::Error {
    Arguments::command().error(kind, message.to_string())
}
