//! Owns `brama token verify`: the verification of one token, with its reasons.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use brama_policy::deciding::{Policy, UnixTime};
use brama_policy::identity::{
    Credential, CredentialKind, InvalidKeys, KeySet, KeySource, MAX_CREDENTIAL, MAX_KEY_SET, Verifier,
};
use clap::Args;

use crate::clock::{ClockError, clock};
use crate::commands::{Fault, Outcome};
use crate::output;
use crate::report::Colour;
use crate::source::Checked;
use crate::token::{Verdict, Verification};

/// Verify a token as the gateway would, and say why it is good or not.
///
/// Nobody is asked: the keys of an issuer that publishes them are given with `--jwks`, and a token that only its
/// authority can vouch for is not judged. The token is not shown again.
///
/// Exit codes: 0, it is good; 1, it is not; 2, nobody can say here, or something could not be read.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The policy, YAML or JSON.
    #[arg(long, value_name = "POLICY")]
    policy: PathBuf,
    /// The issuer's keys, a JWK Set, where the policy does not hold them.
    #[arg(long, value_name = "FILE")]
    jwks: Option<PathBuf>,
    /// The name of the credential that it is; `token`, or the policy's only one, without it.
    #[arg(long, value_name = "NAME")]
    credential: Option<String>,
    /// The time at which it is verified, in seconds since 1970; now without it.
    #[arg(long, value_name = "SECONDS")]
    now: Option<u64>,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    /// The token without its scheme, or `-` for standard input, which other users of the machine cannot see.
    token: String,
}

impl Verify {
    pub(crate) fn run(&self) -> Result<Outcome, Fault> {
        let checked = Checked::read(&self.policy).map_err(Fault::Input)?;
        let verification = self.verification(checked.policy())?;
        let text = if self.json {
            format!("{:#}\n", verification.json())
        } else {
            verification.human(Colour::on(&io::stdout()))
        };
        output::write(None, &text)?;
        Ok(match verification.verdict() {
            Verdict::Good => Outcome::Good,
            Verdict::Refused => Outcome::Bad,
            Verdict::Unknown => Outcome::Failed,
        })
    }

    /// The kind of credential that the token is.
    fn kind<'p>(&self, policy: &'p Policy) -> Result<&'p CredentialKind, TokenError> {
        let only = || policy.credentials().next().filter(|_first| policy.credentials().count() == 1);
        match &self.credential {
            Some(name) => policy.credential(name).ok_or_else(|| TokenError::Unknown(name.clone())),
            None => policy.credential("token").or_else(only).ok_or(TokenError::NoTokens),
        }
    }

    fn verification(&self, policy: &Policy) -> Result<Verification, TokenError> {
        let now = clock(self.now)?;
        let Ok(credential) = self.text()?.parse::<Credential>() else { return Ok(Verification::of_no_credential()) };
        let kind = self.kind(policy)?;
        let lookup = policy.lookup(kind, credential).ok_or(TokenError::NoTokens)?;
        let verification = self.verification_by(lookup.verifier(), lookup.credential(), (policy, kind), now)?;
        Ok(verification.among(&policy.claims(kind, lookup.credential())))
    }

    /// The result of the verifier that claims the token.
    fn verification_by(
        &self,
        verifier: &Verifier,
        credential: &Credential,
        (policy, kind): (&Policy, &CredentialKind),
        now: UnixTime,
    ) -> Result<Verification, TokenError> {
        let jwt = match verifier {
            Verifier::Introspection(_) => return Ok(Verification::of_opaque(credential)),
            Verifier::Jwt(jwt) => jwt,
            Verifier::Unclaimed(rejected) => {
                let issuers: Vec<_> = policy.issuers(kind).collect();
                return Ok(Verification::of_unclaimed(rejected, credential, &issuers));
            }
        };
        let published = self.jwks.as_deref().map(keys).transpose()?;
        match (jwt.keys(), &published) {
            (KeySource::Inline(_), Some(_)) => Err(TokenError::Inline),
            (KeySource::Inline(keys), None) => Ok(Verification::of(jwt, credential, Ok(keys), now)),
            (KeySource::Fetched(_), Some(keys)) => Ok(Verification::of(jwt, credential, Ok(keys), now)),
            (KeySource::Fetched(fetch), None) => Ok(Verification::of(jwt, credential, Err(fetch), now)),
        }
    }

    /// The token's text, without a line end.
    fn text(&self) -> Result<String, TokenError> {
        if self.token != "-" {
            return Ok(self.token.clone());
        }
        let text = read(io::stdin(), MAX_CREDENTIAL).map_err(|error| TokenError::Input(error.to_string()))?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let line = text.strip_suffix('\n').map_or(&*text, |line| line.strip_suffix('\r').unwrap_or(line));
        Ok(line.to_owned())
    }
}

fn keys(path: &Path) -> Result<KeySet, TokenError> {
    let unreadable = |error: io::Error| TokenError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let text = std::fs::File::open(path).and_then(|file| read(file, MAX_KEY_SET)).map_err(unreadable)?;
    KeySet::parse(&text).map_err(|reason| TokenError::Keys { path: path.to_owned(), reason })
}

/// The beginning of an input: `longest` bytes, two for a line end, and one more by which an input that is too long
/// shows.
fn read(input: impl Read, longest: usize) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let most = u64::try_from(longest).unwrap_or(u64::MAX).saturating_add(3);
    input.take(most).read_to_end(&mut text)?;
    Ok(text)
}

/// The reason why a token could not be verified.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the policy knows no `token`")]
    NoTokens,
    /// The policy has no credential of that name.
    #[error("the policy knows no `{0}`")]
    Unknown(String),
    #[error("--jwks: the policy holds the keys itself, and the gateway takes no others")]
    Inline,
    #[error("{} cannot be used: {reason}", path.display())]
    Keys { path: PathBuf, reason: InvalidKeys },
    #[error("{} cannot be read: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: String },
    #[error("standard input cannot be read: {0}")]
    Input(String),
    #[error(transparent)]
    Clock(#[from] ClockError),
}
