//! A policy's YAML, as far as a client, an authority and a service behind the gateway have to know it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

pub struct Policy {
    path: PathBuf,
    document: Value,
}

impl Policy {
    pub fn read(path: &Path) -> Self {
        let document = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        Self { path: path.to_owned(), document }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Format of the policy's refusals.
    pub fn format(&self) -> &str {
        self.document["refusals"]["format"].as_str().unwrap()
    }

    /// The kinds of credential, by their names.
    pub fn credentials(&self) -> impl Iterator<Item = &str> {
        self.document["credentials"].as_object().into_iter().flatten().map(|(name, _rule)| name.as_str())
    }

    /// The header that presents a credential: its name and value.
    pub fn presentation(&self, kind: &str, credential: &str) -> (&str, String) {
        let rule = &self.document["credentials"][kind];
        let source = rule["from"].as_array().and_then(|from| from.first()).unwrap_or(rule);
        if let Some(cookie) = source["cookie"].as_str() {
            return ("cookie", format!("{cookie}={credential}"));
        }
        let scheme = source["scheme"].as_str().map(|scheme| format!("{scheme} "));
        (source["header"].as_str().unwrap(), format!("{}{credential}", scheme.unwrap_or_default()))
    }

    /// Introspection of a credential; `None`: the policy has none of this kind, or nobody is asked about it.
    pub fn introspection(&self, kind: &str, credential: &str) -> Option<&Value> {
        let verifiers = self.document["credentials"].get(kind)?["verify"].as_array().unwrap();
        let is_jwt = credential.starts_with("eyJ") && verifiers.iter().any(|verifier| verifier.get("jwt").is_some());
        let mut asked = verifiers.iter().filter_map(|verifier| verifier.get("introspect")).filter(|_asked| !is_jwt);
        asked.find(|asked| asked["when"]["prefix"].as_str().is_none_or(|prefix| credential.starts_with(prefix)))
    }

    /// The headers that the gateway sets, on one route or another.
    pub fn sets(&self) -> BTreeSet<String> {
        let of_routes = self.document["routes"].as_array().into_iter().flatten().map(|route| &route["forward"]);
        let each = [&self.document["forward"]].into_iter().chain(of_routes);
        let maps = each.flat_map(|forward| ["headers", "json", "fixed"].map(|key| forward[key].as_object()));
        maps.flatten().flat_map(|map| map.keys()).map(|name| name.to_lowercase()).collect()
    }

    /// The headers that a rule lets go on, though they carry a credential elsewhere.
    pub fn passes(&self, rule: &str) -> BTreeSet<String> {
        let mut routes = self.document["routes"].as_array().into_iter().flatten();
        let route = routes.find(|route| route["id"] == rule).unwrap_or_else(|| panic!("no route `{rule}`"));
        let names = route["pass"].as_array().into_iter().flatten();
        names.map(|name| name.as_str().unwrap().to_owned()).collect()
    }

    /// Reserved names: those that a service could take for a header that only the gateway sets, or for a credential
    /// that is to stop at the gateway.
    pub fn reserves(&self, name: &str) -> bool {
        let name = folded(name);
        let is = |pattern: &str| match folded(pattern.trim_end_matches('*')) {
            start if pattern.ends_with('*') => name.starts_with(&start),
            whole => name == whole,
        };
        let texts = |value: &Value| {
            let entries = value.as_array().into_iter().flatten();
            entries.map(|entry| entry.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let kept = texts(&self.document["forward"]["keep"]);
        let stopped = self.document["credentials"].as_object().into_iter().flatten();
        let mut stopped = stopped.filter(|(kind, _)| !kept.contains(kind));
        self.sets().iter().any(|set| is(set))
            || texts(&self.document["forward"]["strip"]).iter().any(|pattern| is(pattern))
            || stopped.any(|(_, rule)| {
                let mut sources = [rule].into_iter().chain(rule["from"].as_array().into_iter().flatten());
                sources.any(|source| source["header"].as_str().is_some_and(is))
            })
    }
}

/// A header's name as CGI folds it: in one case, with `_` for other characters.
fn folded(name: &str) -> String {
    name.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign.to_ascii_lowercase() } else { '_' }).collect()
}
