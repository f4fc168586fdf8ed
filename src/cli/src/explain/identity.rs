//! Owns the statements about credentials on the command line: a word, facts, or an identity of the policy's cases.

use std::io::Read;
use std::path::{Path, PathBuf};

use brama_policy::authoring::nearest;
use brama_policy::deciding::Policy;
use brama_policy::identity::CredentialKind;
use brama_replay::Statement;
use serde_json::Value;

/// A flag about one kind of credential, as it was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Given<'a> {
    pub(crate) flag: &'static str,
    pub(crate) kind: &'a str,
    /// The value of the flag; `None` if the flag is absent.
    pub(crate) text: Option<&'a str>,
}

/// The case file in which identities have names.
#[derive(Debug)]
pub(crate) struct Identities {
    cases: PathBuf,
}

/// An invalid value of a flag. The message leaves out the value where that could be a credential, written by mistake.
#[derive(Debug, thiserror::Error)]
#[error("{flag}: {reason}")]
pub(crate) struct InvalidGiven {
    pub(crate) flag: &'static str,
    pub(crate) reason: String,
}

impl Identities {
    /// The identities of the case file `cases`, else of the one beside the policy.
    pub(crate) fn new(cases: Option<&Path>, policy: &Path) -> Self {
        Self { cases: cases.map_or_else(|| policy.with_extension("cases.yaml"), Path::to_owned) }
    }

    /// The statement of a flag.
    pub(crate) fn statement(&self, given: Given<'_>, policy: &Policy) -> Result<Statement, InvalidGiven> {
        let invalid = |reason: String| InvalidGiven { flag: given.flag, reason };
        let Some(text) = given.text else { return Ok(Statement::Nothing) };
        // A flag that is there for every policy may say `none` of what this one lacks. A name may be mistyped.
        if text == "none" && given.flag != NAMED {
            return Ok(Statement::Nothing);
        }
        let Some(kind) = policy.credential(given.kind) else {
            let known = policy.credentials().map(CredentialKind::as_str);
            let hint = nearest(given.kind, known).map(|hint| format!("; {hint}")).unwrap_or_default();
            return Err(invalid(format!("the policy knows no `{}`{hint}", given.kind)));
        };
        if text == "none" {
            return Ok(Statement::Nothing);
        }
        let value = match text.strip_prefix('@') {
            Some(name) => self.named(name, kind).map_err(invalid)?,
            None => written(text).map_err(invalid)?,
        };
        Statement::read(&value, kind, policy).map_err(|error| invalid(error.to_string()))
    }

    /// The facts of an identity that the case file names.
    fn named(&self, name: &str, kind: &CredentialKind) -> Result<Value, String> {
        let file = self.cases.display();
        let section = match kind.as_str() {
            "api_key" => "api_keys",
            "token" => "tokens",
            _ => "identities",
        };
        let text = std::fs::read_to_string(&self.cases)
            .map_err(|error| format!("identities are named in {file}, which cannot be read: {error}"))?;
        let cases = parse(&text).map_err(|reason| format!("{file} is no case file: {reason}"))?;
        let in_short = if section == "identities" { None } else { cases.get(section) };
        let sections = [in_short, cases.get("identities").and_then(|identities| identities.get(kind.as_str()))];
        let sections: Vec<_> = sections.into_iter().flatten().filter_map(Value::as_object).collect();
        if sections.is_empty() {
            return Err(format!("{file} has no `{section}` for `{}`", kind.as_str()));
        }
        let known: serde_json::Map<_, _> =
            sections.into_iter().flatten().map(|(name, identity)| (name.clone(), identity.clone())).collect();
        if let Some(identity) = known.get(name) {
            return Ok(identity.clone());
        }
        let hint = nearest(name, known.keys().map(String::as_str)).unwrap_or_else(|| {
            let names: Vec<_> = known.keys().map(|name| format!("`{name}`")).collect();
            format!("there are {}", names.join(", "))
        });
        Err(format!("`{name}` is none of `{section}` in {file} (a credential nobody vouches for is `refused`); {hint}"))
    }
}

/// The value of a statement: a word, facts as JSON, or a file of facts.
fn written(text: &str) -> Result<Value, String> {
    if text == "refused" || text == "unavailable" {
        return Ok(Value::String(text.to_owned()));
    }
    if text.starts_with('{') {
        return parse(text);
    }
    let mut read = String::new();
    let outcome = match text {
        "-" => std::io::stdin().read_to_string(&mut read).map(drop),
        path => std::fs::read_to_string(path).map(|facts| read = facts),
    };
    outcome.map_err(|error| {
        let hint = nearest(text, WORDS).unwrap_or_else(|| FORMS.to_owned());
        format!("there is no file of facts of this name ({error}); {hint}")
    })?;
    match parse(&read)? {
        facts @ Value::Object(_) => Ok(facts),
        // The message leaves out the text: it could be the credential itself.
        _other => Err(format!("this holds no object of facts; {FORMS}")),
    }
}

/// The value of a JSON or YAML text, in which a key written twice is an error.
fn parse(text: &str) -> Result<Value, String> {
    serde_saphyr::from_str(text).map_err(|error| error.without_snippet().to_string())
}

/// The flag about a credential of a name.
pub(crate) const NAMED: &str = "--credential";

const WORDS: [&str; 3] = ["none", "refused", "unavailable"];

const FORMS: &str =
    "write `{facts}`, a file of them, `-`, `@name`, `refused`, `unavailable` or `none`; never a credential itself";
