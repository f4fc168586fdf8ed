//! Owns the comparison of a policy with an API's description: the router itself is asked about each operation.

use std::collections::BTreeSet;

use brama_policy::authoring::HostView;
use brama_policy::deciding::{CanonicalPath, Host, Policy};
use serde_json::{Value, json};

use crate::explain::{quoted, why_not};
use crate::openapi::{Description, Operation, Sample};
use crate::output::untrusted;

/// The operations of an API with the rules that take them, and the routes that no operation reaches.
#[derive(Debug)]
pub(crate) struct Coverage {
    file: String,
    operations: Vec<Covered>,
    /// Route, method and path.
    without_operation: Vec<(String, String, String)>,
}

/// An operation, and the result of its sample requests.
#[derive(Debug)]
struct Covered {
    method: String,
    path: String,
    id: Option<String>,
    /// The rules that take some of its requests.
    rules: BTreeSet<String>,
    /// A sample request that no route takes.
    refused: Option<Refused>,
}

/// A request that no route takes.
#[derive(Debug)]
struct Refused {
    request: String,
    reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    Whole,
    Part,
    None,
}

impl Coverage {
    pub(crate) fn of(policy: &Policy, description: &Description) -> Self {
        let hosts = hosts(policy);
        let mut reached = BTreeSet::new();
        let operations = description.operations.iter().map(|operation| cover(policy, operation, &hosts, &mut reached));
        let operations = operations.collect();
        let pairs = policy.routes().flat_map(|route| route.methods().iter().map(move |method| (route, method)));
        let without_operation = pairs
            .map(|(route, method)| (route.rule().as_str().to_owned(), method.clone(), route.path().to_owned()))
            .filter(|(rule, method, _path)| !reached.contains(&(rule.clone(), method.clone())))
            .collect();
        Self { file: description.file.clone(), operations, without_operation }
    }

    /// `true` if every operation is covered whole, and every route has an operation for each of its methods.
    pub(crate) fn is_whole(&self) -> bool {
        self.without_operation.is_empty() && self.count(Extent::Whole) == self.operations.len()
    }

    fn count(&self, extent: Extent) -> usize {
        self.operations.iter().filter(|covered| covered.extent() == extent).count()
    }

    /// A line for each gap, and a summary.
    pub(crate) fn human(&self) -> String {
        let gaps = self.operations.iter().filter_map(|covered| covered.refused.as_ref().map(|gap| (covered, gap)));
        let gaps = gaps.map(|(covered, Refused { request, reason })| {
            let Covered { method, path, .. } = covered;
            let id = covered.id.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
            let word = if covered.extent() == Extent::Part { "covered in part" } else { "not covered" };
            let by = if covered.rules.is_empty() {
                String::new()
            } else {
                format!(" by {}, and not", covered.rules.iter().cloned().collect::<Vec<_>>().join(", "))
            };
            format!("{word:<16} {method} {path}{id}:{by} {request}: {reason}")
        });
        let without = self
            .without_operation
            .iter()
            .map(|(rule, method, path)| format!("{:<16} {rule}  {method} {path}", "no operation"));
        let gaps: String = gaps.chain(without).map(|line| format!("{}\n", untrusted(&line))).collect();
        let part = match self.count(Extent::Part) {
            0 => String::new(),
            part => format!(", {part} in part"),
        };
        let (whole, all) = (self.count(Extent::Whole), self.operations.len());
        let routes = match self.without_operation.len() {
            0 => "each route has one".to_owned(),
            1 => "1 route and method without one".to_owned(),
            more => format!("{more} routes and methods without one"),
        };
        let file = untrusted(&self.file);
        format!("{gaps}{file}: {whole} of {all} operations covered{part}; {routes}\n")
    }

    pub(crate) fn json(&self) -> Value {
        let operation = |covered: &Covered| {
            json!({
                "method": covered.method,
                "path": covered.path,
                "operation_id": covered.id,
                "covered": match covered.extent() {
                    Extent::Whole => "whole",
                    Extent::Part => "part",
                    Extent::None => "none",
                },
                "rules": covered.rules,
                "refused": covered.refused.as_ref().map(|gap| &gap.request),
                "reason": covered.refused.as_ref().map(|gap| &gap.reason),
            })
        };
        let route =
            |(rule, method, path): &(String, String, String)| json!({ "rule": rule, "method": method, "path": path });
        json!({
            "operations": self.operations.iter().map(operation).collect::<Vec<_>>(),
            "routes_without_operation": self.without_operation.iter().map(route).collect::<Vec<_>>(),
        })
    }
}

impl Covered {
    fn extent(&self) -> Extent {
        match (&self.refused, self.rules.is_empty()) {
            (None, _) => Extent::Whole,
            (Some(_), false) => Extent::Part,
            (Some(_), true) => Extent::None,
        }
    }
}

/// Asks the router about every sample of an operation. `reached` collects the routes and methods that take one.
fn cover(
    policy: &Policy,
    operation: &Operation,
    hosts: &[String],
    reached: &mut BTreeSet<(String, String)>,
) -> Covered {
    let Operation { method, path, id, samples } = operation;
    let (mut rules, mut refused): (BTreeSet<String>, Option<Refused>) = (BTreeSet::new(), None);
    for sample in samples {
        match ask(policy, method, sample, hosts) {
            Ok(taken) => {
                reached.extend(taken.iter().map(|rule| (rule.clone(), method.clone())));
                rules.extend(taken);
            }
            // The first reason other than `NO_ROUTE` is kept, else the first reason.
            Err(gap) if refused.as_ref().is_none_or(|kept| kept.reason == NO_ROUTE && gap.reason != NO_ROUTE) => {
                refused = Some(gap);
            }
            Err(_less_telling) => {}
        }
    }
    Covered { method: method.clone(), path: path.clone(), id: id.clone(), rules, refused }
}

/// The rules that take a request on its host. If the description names no host, every one of `hosts` is tried.
fn ask(policy: &Policy, method: &str, sample: &Sample, hosts: &[String]) -> Result<BTreeSet<String>, Refused> {
    let refused = |reason: String| {
        let host = sample.host.as_deref().unwrap_or_default();
        Refused { request: format!("{host}{}", sample.path), reason }
    };
    let path = CanonicalPath::parse(sample.path.as_bytes())
        .map_err(|ambiguity| refused(format!("it is refused, {}", quoted(&ambiguity.to_string()))))?;
    let hosts = sample.host.as_ref().map_or(hosts, std::slice::from_ref);
    let (mut rules, mut reason) = (BTreeSet::new(), None);
    for host in hosts {
        let host = Host::parse(host.as_bytes()).map_err(|invalid| refused(quoted(&invalid.to_string())))?;
        match policy.route_for(method, &host, &path) {
            Ok(Some(route)) => drop(rules.insert(route.rule().as_str().to_owned())),
            Ok(None) => reason = reason.or_else(|| Some(missed(policy, method, &host, &path))),
            Err(ambiguity) => reason = Some(format!("it is refused, {}", quoted(&ambiguity.to_string()))),
        }
    }
    if rules.is_empty() { Err(refused(reason.unwrap_or_else(|| NO_ROUTE.to_owned()))) } else { Ok(rules) }
}

/// The reason why no route takes a request, by the first route that is near.
fn missed(policy: &Policy, method: &str, host: &Host<'_>, path: &CanonicalPath<'_>) -> String {
    if method == "TRACE" {
        return "TRACE is refused always".to_owned();
    }
    match policy.near(method, host, path).first() {
        Some(near) => format!("not {}, {}", near.route.rule().as_str(), why_not(near, false)),
        None => NO_ROUTE.to_owned(),
    }
}

/// Sample hosts: one for each kind that the policy distinguishes, and one that it does not name.
fn hosts(policy: &Policy) -> Vec<String> {
    let named = policy.routes().flat_map(|route| route.hosts()).map(|host| match host {
        HostView::Any => UNNAMED.to_owned(),
        HostView::Name(name) => name.to_owned(),
        HostView::Below(suffix) => format!("unnamed.{suffix}"),
    });
    let distinct: BTreeSet<_> = named.chain([UNNAMED.to_owned()]).collect();
    distinct.into_iter().collect()
}

const NO_ROUTE: &str = "no route is near it";

/// The host for the kind that a policy does not name (RFC 6761, 6.4: `invalid` is reserved).
const UNNAMED: &str = "unnamed.invalid";
