//! Owns `brama explain`: the decision on one request, with every step of its judgement.

use std::io;
use std::path::PathBuf;

use brama_policy::deciding::Decision;
use brama_replay::{Statements, moment};
use clap::Args;

use crate::clock::clock;
use crate::commands::{Fault, Outcome};
use crate::explain::{Asked, Explanation, Given, Identities, InvalidGiven, NAMED};
use crate::output;
use crate::report::Colour;
use crate::source::Checked;

/// Explain what a policy decides about a request: each step, what it required, what was found, and the answer.
///
/// Nobody is asked about credentials: what an authority would state is given, and a credential is presented for each
/// statement. It is `{facts}` as JSON, a file of them, `-` for standard input, `@name` for an identity of the policy's
/// cases, `refused` (nobody vouches for it), `unavailable` (nobody can say), or `none`.
///
/// Exit codes: 0, the request is allowed; 1, it is refused; 2, the policy has a fault, or something could not be read
/// or written.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  brama explain policies/ehealth.yaml --method GET --path /readyz
  brama explain policies/ehealth.yaml --method DELETE --api-key @mis --token @nhs_admin \\
    --path /api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1
  brama explain policies/ehealth.yaml --method DELETE --api-key refused --json \\
    --path /api/admin/contract_divisions/7 # exits with 1")]
pub(crate) struct Explain {
    /// The policy, YAML or JSON.
    policy: PathBuf,
    /// The request's method.
    #[arg(long, value_name = "METHOD")]
    method: String,
    /// Its path, with the query if there is one.
    #[arg(long)]
    path: String,
    /// Its host.
    #[arg(long, default_value = "localhost")]
    host: String,
    /// A further header, `name: value`; repeated, several. Values are not shown.
    #[arg(long, value_name = "NAME: VALUE")]
    header: Vec<String>,
    /// What is stated about its token.
    #[arg(long, value_name = "STATEMENT", allow_hyphen_values = true)]
    token: Option<String>,
    /// What is stated about its API key.
    #[arg(long, value_name = "STATEMENT", allow_hyphen_values = true)]
    api_key: Option<String>,
    /// What is stated about its credential of a name; repeated, several.
    #[arg(long, value_name = "NAME=STATEMENT")]
    credential: Vec<String>,
    /// The case file in which identities have names; the one beside the policy without it.
    #[arg(long, value_name = "FILE")]
    cases: Option<PathBuf>,
    /// The time of the request, in seconds since 1970; now without it.
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
    /// Write the explanation as JSON.
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        // Exit code 1 says that the request is refused; a policy with faults decides nothing, so it ends with 2.
        let policy = Checked::read(&self.policy).map_err(Fault::Input)?;
        let asked = Asked {
            method: self.method.clone(),
            host: self.host.clone(),
            path: self.path.clone(),
            headers: self.header.iter().map(|text| header(text)).collect::<Result<_, _>>()?,
        };
        let now = moment(clock(self.now)?);
        let explanation = Explanation::of(policy.policy(), &asked, &self.statements(&policy)?, now);
        let text = if self.json {
            format!("{:#}\n", explanation.json())
        } else {
            explanation.human(Colour::on(&io::stdout()))
        };
        output::write(None, &text)?;
        Ok(match explanation.decision() {
            Decision::Allow(_grant) => Outcome::Good,
            Decision::Refuse(_refused) => Outcome::Bad,
        })
    }

    fn statements(&self, policy: &Checked) -> Result<Statements, InvalidGiven> {
        let policy = policy.policy();
        let mut given = vec![
            Given { flag: "--token", kind: "token", text: self.token.as_deref() },
            Given { flag: "--api-key", kind: "api_key", text: self.api_key.as_deref() },
        ];
        for text in &self.credential {
            let invalid = |reason: String| InvalidGiven { flag: NAMED, reason };
            let (kind, text) = text.split_once('=').ok_or_else(|| invalid("write `name=statement`".to_owned()))?;
            if given.iter().any(|before| before.kind == kind && before.text.is_some()) {
                return Err(invalid(format!("`{kind}` is stated twice")));
            }
            given.push(Given { flag: NAMED, kind, text: Some(text) });
        }
        if let Some(second) = given.iter().filter(|given| given.text == Some("-")).nth(1) {
            let reason = "standard input has one statement, and another flag reads it".to_owned();
            return Err(InvalidGiven { flag: second.flag, reason });
        }
        let identities = Identities::new(self.cases.as_deref(), &self.policy);
        let statements = given.into_iter().map(|given| Ok((given.kind, identities.statement(given, policy)?)));
        let statements: Vec<_> = statements.collect::<Result<_, _>>()?;
        let known =
            statements.into_iter().filter_map(|(kind, statement)| Some((policy.credential(kind)?.clone(), statement)));
        Ok(known.collect())
    }
}

/// A header as it is written. An error leaves out its value, which may be a secret.
fn header(text: &str) -> Result<(String, String), InvalidGiven> {
    let invalid = |reason: &str| InvalidGiven { flag: "--header", reason: reason.to_owned() };
    let (name, value) = text.split_once(':').ok_or_else(|| invalid("write `name: value`"))?;
    // RFC 9110, 5.6.2.
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(invalid("before the colon stands no header's name"));
    }
    if name.eq_ignore_ascii_case("host") {
        return Err(invalid("the host is given with `--host`"));
    }
    if value.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err(invalid("a header's value has no control characters"));
    }
    // RFC 9110, 5.5: the spaces around it are not part of the value; HTTP/2 has names in lower case.
    Ok((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()))
}
