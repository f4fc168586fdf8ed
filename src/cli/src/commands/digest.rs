//! Owns `brama digest`: the SHA-256 of a policy.

use std::path::PathBuf;

use clap::Args;

use crate::commands::{Fault, Outcome};
use crate::output;
use crate::source::Checked;

/// Tell the digest of a policy: the SHA-256 of the document as the plugin receives it.
///
/// The plugin logs it when the policy comes into force, and the `version_info` of an ECDS document begins with it.
/// Comments and layout do not change it.
///
/// Exit codes: 0, it is told; 2, the policy could not be read or has a fault.
#[derive(Debug, Args)]
#[command(after_help = "Example: brama digest policies/ehealth.yaml")]
pub(crate) struct Digest {
    /// The policy, YAML or JSON.
    policy: PathBuf,
}

impl Digest {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let policy = Checked::read(&self.policy).map_err(Fault::Input)?;
        output::write(None, &format!("{}\n", policy.digest()))?;
        Ok(Outcome::Good)
    }
}
