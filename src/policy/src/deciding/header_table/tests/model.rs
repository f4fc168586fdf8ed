//! The headers of a request, each looked for from the first to the last, and each name compared with every name of the
//! policy: slow, and plain to see. It knows nothing of the table.

use crate::deciding::condition::Headers;
use crate::deciding::decision::{Denial, OverriddenBy, RefusedMethod, Upgrade};
use crate::deciding::policy::Policy;
use crate::deciding::presentation::{Found, Malformed, Repeated};
use crate::header::HeaderPattern;
use crate::host::{Host, HostPattern};
use crate::identity::credential::CredentialKind;
use crate::path::CanonicalPath;

/// A request by a policy.
pub(super) struct Model<'a> {
    pub(super) policy: &'a Policy,
    pub(super) headers: &'a [(String, Vec<u8>)],
}

/// Method, host, path, and the method a preflight asks about.
pub(super) type Target<'a> = (&'a str, &'a str, &'a str, Option<&'a str>);

impl<'a> Model<'a> {
    fn once(&self, is_it: impl Fn(&str) -> bool) -> Option<&'a [u8]> {
        let mut values = self.headers.iter().filter(|(name, _value)| is_it(name)).map(|(_name, value)| &**value);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(sent, _value)| confusable(sent, name))
    }

    pub(super) fn id(&self) -> Option<&'a str> {
        let id = std::str::from_utf8(self.once(|name| name.eq_ignore_ascii_case("x-request-id"))?).ok()?;
        let plain = id.chars().all(|sign| sign.is_ascii_alphanumeric() || "#._-".contains(sign));
        (!id.is_empty() && id.len() <= 128 && plain).then_some(id)
    }

    pub(super) fn url(&self) -> String {
        let text = |name| String::from_utf8_lossy(self.once(|sent| sent == name).unwrap_or_default()).into_owned();
        let path = text(":path");
        format!("{}://{}{}", text(":scheme"), text(":authority"), path.split('?').next().unwrap())
    }

    pub(super) fn target(&self) -> Result<Target<'a>, Denial> {
        let part = |name| self.once(|sent| sent == name).ok_or(Denial::RequestIncomplete(name));
        let (method, host, path) = (part(":method")?, part(":authority")?, part(":path")?);
        let method = std::str::from_utf8(method).map_err(|_not_utf8| Denial::MethodRefused(RefusedMethod::NotUtf8))?;
        if method == "CONNECT" || self.has(":protocol") {
            return Err(Denial::MethodRefused(RefusedMethod::Connect));
        }
        if method == "TRACE" {
            return Err(Denial::MethodRefused(RefusedMethod::Trace));
        }
        if self.has("upgrade") {
            let to = self.once(|name| confusable(name, "upgrade"));
            let known = ["websocket", "h2c", "TLS/1.0", "connect-udp", "connect-ip"];
            let known = to.and_then(|to| known.into_iter().find(|known| to.eq_ignore_ascii_case(known.as_bytes())));
            return Err(Denial::UpgradeRefused(known.map_or(Upgrade::Other, Upgrade::To)));
        }
        if self.headers.iter().any(|(name, _value)| name.eq_ignore_ascii_case("_method")) {
            return Err(Denial::MethodOverridden(OverriddenBy::Header("_method")));
        }
        for name in ["x-forwarded-method", "x-http-method", "x-http-method-override", "x-method", "x-method-override"] {
            if self.has(name) {
                return Err(Denial::MethodOverridden(OverriddenBy::Header(name)));
            }
        }
        for name in ["x-forwarded-path", "x-forwarded-uri", "x-original-uri", "x-original-url", "x-rewrite-url"] {
            if self.has(name) {
                return Err(Denial::PathOverridden(OverriddenBy::Header(name)));
            }
        }
        let host = Host::parse(host).map_err(Denial::HostMalformed)?.as_str();
        let path = CanonicalPath::parse(path).map_err(Denial::PathAmbiguous)?.as_str();
        Ok((method, host, path, if method == "OPTIONS" { self.preflight_for() } else { None }))
    }

    fn preflight_for(&self) -> Option<&'a str> {
        let once = |name: &str| {
            let value = self.once(|sent| confusable(sent, name));
            value.filter(|_| self.headers.iter().any(|(sent, _value)| sent.eq_ignore_ascii_case(name)))
        };
        let is_one = !once("origin")?.contains(&b',');
        once("access-control-request-method").and_then(|method| std::str::from_utf8(method).ok()).filter(|_| is_one)
    }

    /// What presents a credential in whole, where it is a raw one.
    pub(super) fn value_of(&self, kind: &CredentialKind) -> Found<&'a [u8]> {
        let Some(rule) = self.policy.credential_rules().find(|rule| rule.kind == *kind) else { return Found::Nothing };
        let header = rule.presentation.sources[0].name();
        let mut exact = self.headers.iter().filter(|(sent, _value)| sent.eq_ignore_ascii_case(header));
        let Some((_name, value)) = exact.next() else { return Found::Nothing };
        if self.headers.iter().filter(|(sent, _value)| confusable(sent, header)).count() > 1 {
            return Found::Repeated(Repeated::Copies);
        }
        if value.contains(&b',') {
            return Found::Repeated(Repeated::Comma);
        }
        Found::One(value)
    }

    /// What is wrong with a raw credential, or the credential.
    pub(super) fn raw(&self, kind: &CredentialKind) -> Found<&'a str> {
        let value = match self.value_of(kind) {
            Found::One(value) => value,
            Found::Nothing => return Found::Nothing,
            Found::Malformed(what) => return Found::Malformed(what),
            Found::Repeated(how) => return Found::Repeated(how),
        };
        let Ok(text) = std::str::from_utf8(value) else { return Found::Malformed(Malformed::NotUtf8) };
        match text {
            "" => Found::Malformed(Malformed::Empty),
            _ if text.len() > 8192 => Found::Malformed(Malformed::TooLong),
            _ if !text.chars().all(|sign| sign.is_ascii_graphic()) => Found::Malformed(Malformed::NotVisible),
            _ => Found::One(text),
        }
    }

    pub(super) fn strips(&self, sent: &str) -> bool {
        let Policy { forward, routes, .. } = self.policy;
        let names_hosts = routes.iter().any(|route| route.hosts.iter().any(|host| *host != HostPattern::Any));
        let aliases = ["forwarded", "x-forwarded-host", "x-forwarded-server", "x-host", "x-original-host"];
        forward.strip.iter().any(|pattern| covers(pattern, sent))
            || (names_hosts && aliases.iter().any(|name| confusable(name, sent)))
            || forward.names().any(|name| confusable(name.as_str(), sent))
            || self.policy.credential_rules().any(|rule| {
                let header = rule.presentation.sources[0].name();
                let is_kept = forward.keep.contains(&rule.kind) && header.eq_ignore_ascii_case(sent);
                confusable(header, sent) && !is_kept
            })
    }

    pub(super) fn removals(&self) -> Vec<&'a str> {
        let mut names: Vec<_> =
            self.headers.iter().map(|(name, _value)| &**name).filter(|name| self.strips(name)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What conditions see.
    pub(super) fn shown(&self) -> Headers {
        let is_credential = |sent: &str| {
            let mut rules = self.policy.credential_rules();
            rules.any(|rule| confusable(rule.presentation.sources[0].name(), sent))
        };
        let headers = self.headers.iter().map(|(name, value)| (&**name, &**value));
        Headers::read(headers.filter(|(name, _value)| !is_credential(name) && !self.strips(name)))
    }
}

fn covers(pattern: &HeaderPattern, sent: &str) -> bool {
    match pattern {
        HeaderPattern::Exact(name) => confusable(name.as_str(), sent),
        HeaderPattern::Prefix(prefix) => {
            let (prefix, start) = (prefix.as_str(), sent.get(..prefix.as_str().len()));
            start.is_some_and(|start| confusable(prefix, start))
        }
    }
}

fn confusable(one: &str, two: &str) -> bool {
    let folded = |name: &str| -> Vec<u8> {
        let signs =
            name.bytes().map(|byte| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' });
        signs.collect()
    };
    folded(one) == folded(two)
}
