//! Owns what a policy makes of a token, step by step, in the order in which a gateway does.

use brama_policy::{Credential, Facts, Jwt, KeyFetch, KeySet, Opened, Rejected, UnixTime};

mod shown;
mod signature;

/// All there is to say about one token; nothing of it repeats the token.
#[derive(Debug)]
pub(crate) struct Verification {
    /// The verifier's word in the policy; `None` where it came to none.
    verifier: Option<&'static str>,
    steps: Vec<Step>,
    facts: Option<Facts>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    outcome: Outcome,
    message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    /// With the stable name of the reason.
    Lacking(&'static str),
    /// Nobody can say here.
    Open,
}

/// What it all comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Refused,
    /// Nothing speaks against it, and not all that should speaks for it.
    Unknown,
}

impl Verification {
    /// Of a text that no request could present.
    pub(crate) fn of_no_credential() -> Self {
        let invalid = brama_policy::InvalidCredential;
        let step = Step { name: FORM, outcome: Outcome::Lacking("malformed"), message: invalid.to_string() };
        Self { verifier: None, steps: vec![step], facts: None }
    }

    /// Of a token that its authority would be asked about.
    pub(crate) fn of_opaque() -> Self {
        let message =
            "no JWT to this policy: the authority would be asked by introspection, and this command asks nobody";
        let step = Step { name: FORM, outcome: Outcome::Open, message: message.to_owned() };
        Self { verifier: Some("introspect"), steps: vec![step], facts: None }
    }

    /// Of a JWT; where its keys are published, and not given, `keys` is how they would be fetched.
    pub(crate) fn of(jwt: &Jwt, credential: &Credential, keys: Result<&KeySet, &KeyFetch>, now: UnixTime) -> Self {
        let mut verification = Self { verifier: Some("jwt"), steps: Vec::new(), facts: None };
        match jwt.open(credential) {
            Ok(opened) => verification.look_into(jwt, &opened, keys, now),
            Err(rejected) => verification.lacking(FORM, rejected),
        }
        verification
    }

    fn look_into(&mut self, jwt: &Jwt, opened: &Opened<'_>, keys: Result<&KeySet, &KeyFetch>, now: UnixTime) {
        let key_id = opened.key_id().map_or("no `kid`".to_owned(), |id| format!("kid `{id}`"));
        self.passed(FORM, format!("a JWT: alg {}, typ {}, {key_id}", opened.algorithm().as_str(), opened.kind()));
        for (name, outcome) in opened.claims(now) {
            match outcome {
                Ok(()) => self.passed(name, shown::claim(name, opened, now)),
                Err(rejected) => self.lacking_at(name, rejected, shown::since(name, opened, now)),
            }
        }
        let keys = match keys {
            Ok(keys) => keys,
            Err(fetch) => {
                let message = format!(
                    "published by `{}`, which this command does not ask; give it with `--jwks`",
                    fetch.authority()
                );
                return self.steps.push(Step { name: KEY, outcome: Outcome::Open, message });
            }
        };
        let check = match opened.check_with(keys) {
            Ok(check) => check,
            Err(no_key) => return self.lacking(KEY, no_key.into()),
        };
        self.passed(KEY, format!("one of {} that can be used; {} cannot", keys.usable(), keys.skipped()));
        let verified = match check.verified_by(signature::is_the_keys) {
            Ok(verified) => verified,
            Err(rejected) => return self.lacking(SIGNATURE, rejected),
        };
        let by = match opened.algorithm().envoy_hash() {
            Some(_) => "the key's",
            None => "the key's; only a plugin built with the feature `ps-eddsa` verifies it",
        };
        self.passed(SIGNATURE, by.to_owned());
        // A gateway could not hold it against the deny list.
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
            // A claim has lacked above.
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
        self.steps.push(Step { name, outcome: Outcome::Passed, message });
    }

    fn lacking(&mut self, name: &'static str, rejected: Rejected) {
        self.lacking_at(name, rejected, None);
    }

    fn lacking_at(&mut self, name: &'static str, rejected: Rejected, since: Option<String>) {
        let since = since.map(|since| format!(": {since}")).unwrap_or_default();
        let step = Step { name, outcome: Outcome::Lacking(rejected.code()), message: format!("{rejected}{since}") };
        self.steps.push(step);
    }
}

/// Whether it is a token at all, of a kind the policy takes.
const FORM: &str = "form";
const KEY: &str = "key";
const SIGNATURE: &str = "signature";
const FACTS: &str = "facts";
