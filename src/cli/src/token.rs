//! Owns the verification of a token under a policy, in the steps and the order of a gateway.

use brama_policy::authoring::ClaimView;
use brama_policy::deciding::UnixTime;
use brama_policy::identity::{Credential, Facts, Jwt, JwtRejection, KeyFetch, KeySet, NoKey, Opened, Verifier};
use serde_json::{Value, json};

mod shown;
mod signature;

/// The result of verifying one token. It never contains the token.
#[derive(Debug)]
pub(crate) struct Verification {
    /// The keyword of the verifier in the policy, `jwt` or `introspect`; `None` if none was reached.
    verifier: Option<&'static str>,
    /// Each of several verifiers, and why it does not claim the token.
    claims: Vec<Claim>,
    steps: Vec<Step>,
    /// The keys of the set that cannot be used, each with its reason.
    left_out: Vec<String>,
    facts: Option<Facts>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    outcome: Outcome,
    message: String,
    apart: Option<Difference>,
}

/// One of several verifiers, and what the token is to it.
#[derive(Debug)]
struct Claim {
    /// Its place in the policy and its issuer, its prefix or its authority.
    told: String,
    /// The reason why it does not claim the token; `None` of the one that does.
    why_not: Option<String>,
}

/// The value that the token states, and those that would be accepted.
#[derive(Debug)]
struct Difference {
    stated: Value,
    /// The source of the accepted values: the policy or the key set.
    of: &'static str,
    wanted: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    /// A failure, with the stable name of its reason.
    Lacking(&'static str),
    /// A question that this command cannot answer.
    Open,
}

/// The verdict on a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Refused,
    /// No step failed, and at least one is open.
    Unknown,
}

impl Verification {
    /// The result for a text that is not a credential.
    pub(crate) fn of_no_credential() -> Self {
        let invalid = brama_policy::identity::InvalidCredential;
        let step =
            Step { name: FORM, outcome: Outcome::Lacking("malformed"), message: invalid.to_string(), apart: None };
        Self { steps: vec![step], ..Self::by(None) }
    }

    /// The result for a token that would be verified by introspection.
    pub(crate) fn of_opaque(credential: &Credential) -> Self {
        let has_header = ["typ", "kid"].iter().any(|name| Jwt::header_member(credential, name).is_some());
        let reason = if has_header { ", since the token has no `alg`" } else { "" };
        let message = format!(
            "no JWT to this policy{reason}: the authority would be asked by introspection, and this command asks nobody"
        );
        let step = Step { name: FORM, outcome: Outcome::Open, message, apart: None };
        Self { steps: vec![step], ..Self::by(Some("introspect")) }
    }

    /// The result for a token that no verifier claims. `issuers` are those of the policy.
    pub(crate) fn of_unclaimed(rejected: &JwtRejection, credential: &Credential, issuers: &[&str]) -> Self {
        let mut verification = Self::by(None);
        let is_about_the_issuer = matches!(
            rejected,
            JwtRejection::IssuerUnclaimed | JwtRejection::ClaimMissing("iss") | JwtRejection::ClaimShape("iss")
        );
        if is_about_the_issuer {
            let stated = Jwt::claim(credential, "iss").unwrap_or_default();
            let apart = Difference { stated, of: POLICY, wanted: json!(issuers) };
            verification.lacking_at("iss", rejected.clone(), None, Some(apart));
        } else {
            verification.lacking(FORM, rejected.clone());
        }
        verification
    }

    const fn by(verifier: Option<&'static str>) -> Self {
        Self { verifier, claims: Vec::new(), steps: Vec::new(), left_out: Vec::new(), facts: None }
    }

    /// The result with what the token is to each of several verifiers.
    pub(crate) fn among(mut self, claims: &[ClaimView<'_>]) -> Self {
        let told = |(index, claim): (usize, &ClaimView<'_>)| {
            let of = match (claim.verifier, claim.prefix) {
                (Verifier::Jwt(jwt), _) => format!("`jwt` of `{}`", jwt.issuer()),
                (Verifier::Introspection(_) | Verifier::Unclaimed(_), Some(prefix)) => {
                    format!("`introspect` of `{prefix}…`")
                }
                (Verifier::Introspection(_) | Verifier::Unclaimed(_), None) => "`introspect` of the rest".to_owned(),
            };
            Claim { told: format!("verify[{index}], {of}"), why_not: claim.why_not.clone() }
        };
        self.claims = claims.iter().enumerate().map(told).collect();
        self
    }

    /// The result for a JWT. `keys` is the key set, or the way to fetch a published one that is not given.
    pub(crate) fn of(jwt: &Jwt, credential: &Credential, keys: Result<&KeySet, &KeyFetch>, now: UnixTime) -> Self {
        let mut verification = Self::by(Some("jwt"));
        match jwt.open(credential) {
            Ok(opened) => verification.look_into(jwt, &opened, keys, now),
            Err(rejected) => {
                let apart = Difference::of_header(&rejected, jwt, credential);
                verification.lacking_at(FORM, rejected, None, apart);
            }
        }
        verification
    }

    fn look_into(&mut self, jwt: &Jwt, opened: &Opened<'_>, keys: Result<&KeySet, &KeyFetch>, now: UnixTime) {
        let key_id = opened.key_id().map_or("no `kid`".to_owned(), |id| format!("kid `{id}`"));
        self.passed(
            FORM,
            format!("a JWT: alg {}, typ {}, {key_id}", opened.algorithm().as_str(), opened.kind().unwrap_or("absent")),
        );
        for (name, outcome) in opened.claims(now) {
            match outcome {
                Ok(()) => self.passed(name, shown::claim(name, opened, now)),
                Err(rejected) => {
                    let apart = Difference::of_claim(&rejected, jwt, opened);
                    self.lacking_at(name, rejected, shown::since(name, opened, now), apart);
                }
            }
        }
        match opened.expected() {
            Ok(()) if jwt.expects() => self.passed(EXPECT, "what the policy expects".to_owned()),
            Ok(()) => {}
            Err(rejected) => self.lacking(EXPECT, rejected),
        }
        let keys = match keys {
            Ok(keys) => keys,
            Err(fetch) => {
                let message = format!(
                    "published by `{}`, which this command does not ask; give it with `--jwks`",
                    fetch.authority()
                );
                return self.steps.push(Step { name: KEY, outcome: Outcome::Open, message, apart: None });
            }
        };
        self.left_out = keys.left_out().iter().map(ToString::to_string).collect();
        let check = match opened.check_with(keys) {
            Ok(check) => check,
            Err(no_key) => {
                let apart = Difference::of_key(no_key, opened, keys);
                return self.lacking_at(KEY, no_key.into(), None, apart);
            }
        };
        self.passed(KEY, format!("one of {} that can be used; {} cannot", keys.usable(), self.left_out.len()));
        let verified = match check.verified_by(signature::is_the_keys) {
            Ok(verified) => verified,
            Err(rejected) => return self.lacking(SIGNATURE, rejected),
        };
        let by = match opened.algorithm().envoy_hash() {
            Some(_) => "the key's",
            None => "the key's; only a plugin built with the feature `ps-eddsa` verifies it",
        };
        self.passed(SIGNATURE, by.to_owned());
        // A gateway could not compare the token with the deny list.
        if jwt.feed().is_some()
            && let Err(rejected) = verified.deniable()
        {
            return self.lacking(FACTS, rejected);
        }
        match verified.accept(now) {
            Ok(facts) => {
                self.passed(FACTS, crate::explain::words::facts(&facts));
                self.facts = Some(facts);
            }
            // The failed claim is reported above.
            Err(_rejected) if self.verdict() == Verdict::Refused => {}
            Err(rejected) => self.lacking(FACTS, rejected),
        }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        let any = |wanted: fn(&Outcome) -> bool| self.steps.iter().any(|step| wanted(&step.outcome));
        if any(|outcome| matches!(outcome, Outcome::Lacking(_))) {
            Verdict::Refused
        } else if any(|outcome| matches!(outcome, Outcome::Open)) {
            Verdict::Unknown
        } else {
            Verdict::Good
        }
    }

    fn passed(&mut self, name: &'static str, message: String) {
        self.steps.push(Step { name, outcome: Outcome::Passed, message, apart: None });
    }

    fn lacking(&mut self, name: &'static str, rejected: JwtRejection) {
        self.lacking_at(name, rejected, None, None);
    }

    fn lacking_at(
        &mut self,
        name: &'static str,
        rejected: JwtRejection,
        since: Option<String>,
        apart: Option<Difference>,
    ) {
        let since = since.map(|since| format!(": {since}")).unwrap_or_default();
        let message = format!("{rejected}{since}");
        self.steps.push(Step { name, outcome: Outcome::Lacking(rejected.code()), message, apart });
    }
}

impl Difference {
    fn of_header(rejected: &JwtRejection, jwt: &Jwt, credential: &Credential) -> Option<Self> {
        let (name, wanted) = match rejected {
            JwtRejection::Type | JwtRejection::NoType => {
                ("typ", jwt.types().iter().map(|of| of.as_deref().unwrap_or("absent")).collect())
            }
            JwtRejection::Algorithm | JwtRejection::NoAlgorithm => {
                let known: Vec<_> = jwt.algorithms().iter().map(|algorithm| algorithm.as_str()).collect();
                ("alg", json!(known))
            }
            _ => return None,
        };
        let stated = Jwt::header_member(credential, name).unwrap_or_default();
        Some(Self { stated, of: POLICY, wanted })
    }

    fn of_claim(rejected: &JwtRejection, jwt: &Jwt, opened: &Opened<'_>) -> Option<Self> {
        let (name, wanted) = match rejected {
            JwtRejection::Issuer
            | JwtRejection::Tenant
            | JwtRejection::TenantClaim(_)
            | JwtRejection::ClaimMissing("iss")
            | JwtRejection::ClaimShape("iss") => ("iss", json!(jwt.issuer())),
            JwtRejection::Audience | JwtRejection::ClaimMissing("aud") | JwtRejection::ClaimShape("aud") => {
                ("aud", json!(jwt.audiences()?))
            }
            _ => return None,
        };
        let stated = opened.claim(name).cloned().unwrap_or_default();
        Some(Self { stated, of: POLICY, wanted })
    }

    fn of_key(no_key: NoKey, opened: &Opened<'_>, keys: &KeySet) -> Option<Self> {
        match no_key {
            NoKey::UnknownKid => {
                let wanted = json!(keys.ids().collect::<Vec<_>>());
                Some(Self { stated: json!(opened.key_id()), of: "the set", wanted })
            }
            NoKey::RepeatedKid | NoKey::Unfit | NoKey::NoneFits | NoKey::SeveralFit => None,
        }
    }
}

const POLICY: &str = "the policy";

/// The step that checks the shape of the token, its type and its algorithm.
const FORM: &str = "form";
const KEY: &str = "key";
const SIGNATURE: &str = "signature";
const EXPECT: &str = "expect";
const FACTS: &str = "facts";
