//! Owns the list of a policy's routes: a table for people, JSON for programs.

use brama_policy::authoring::{CallerView, HostView, Requires, RouteView};
use brama_policy::deciding::Policy;
use brama_policy::identity::{CredentialKind, Scope, WantedScopes};
use serde_json::{Map, Value, json};

use crate::explain;
use crate::output::untrusted;

/// A table with a line for each route. If it is wider than the terminal, a list with several lines for each route.
pub(crate) fn table(policy: &Policy, terminal: Option<usize>) -> String {
    let table = columns(policy);
    let is_too_wide = |width: &usize| table.lines().any(|line| line.chars().count() > *width);
    match terminal.filter(is_too_wide) {
        Some(width) => policy.routes().map(|route| stacked(route, width)).collect::<Vec<_>>().join("\n"),
        None => table,
    }
}

/// A route in several lines: its id, and below it its methods, path, hosts, mode and requirements.
fn stacked(route: RouteView<'_>, width: usize) -> String {
    let [id, methods, _hosts, path, mode, requires] = row(route);
    let mut lines = vec![untrusted(&id)];
    let mut add = |text: &str| lines.extend(wrapped(&untrusted(text), width));
    add(&format!("{methods} {path}"));
    if route.hosts().any(|host| host != HostView::Any) {
        add(&format!("on {}", hosts(route).join(", ")));
    }
    if route.is_in_shadow() {
        add(&mode);
    }
    add(&requires);
    lines.iter().map(|line| format!("{line}\n")).collect()
}

/// A text in indented lines of at most `width` characters. A longer word has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(format!("    {word}")),
            None => lines.push(format!("  {word}")),
        }
    }
    lines
}

fn columns(policy: &Policy) -> String {
    let head = ["ROUTE", "METHODS", "HOSTS", "PATH", "MODE", "REQUIRES"].map(str::to_owned);
    let rows: Vec<_> = [head].into_iter().chain(policy.routes().map(row)).collect();
    let mut widths = [0; COLUMNS];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    rows.iter().map(|row| format!("{}\n", line(row, &widths))).collect()
}

fn line(row: &[String; COLUMNS], widths: &[usize; COLUMNS]) -> String {
    let cells: Vec<_> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
    untrusted(cells.join("  ").trim_end())
}

fn row(route: RouteView<'_>) -> [String; COLUMNS] {
    [
        route.rule().as_str().to_owned(),
        route.methods().join(","),
        hosts(route).join(","),
        route.path().to_owned(),
        mode(route).to_owned(),
        requires(route),
    ]
}

fn hosts(route: RouteView<'_>) -> Vec<String> {
    route.hosts().map(|host| host.to_string()).collect()
}

fn mode(route: RouteView<'_>) -> &'static str {
    if route.is_in_shadow() { "shadow" } else { "enforce" }
}

fn requires(route: RouteView<'_>) -> String {
    let mut words = match route.requires() {
        Requires::Nothing { because } => vec![format!("public: {because}")],
        Requires::Caller(caller) => caller_words(caller),
    };
    words.extend(route.forwards().map(|names| format!("forwards {}", listed(names))));
    words.extend(route.passes().next().map(|_some| format!("passes {}", listed(route.passes()))));
    words.extend(route.preflight().map(|because| format!("preflight passes: {because}")));
    words.join("; ")
}

/// Names with commas between them; a word where there are none.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn caller_words(caller: CallerView<'_>) -> Vec<String> {
    let mut words = credentials(caller);
    words.extend(caller.audiences().map(|(kind, audience)| format!("{} for {audience}", kind.as_str())));
    words.extend(caller.binding().map(|(later, earlier)| format!("{later} = {earlier}")));
    words.push(match caller.scopes() {
        None => "no scope".to_owned(),
        Some(wanted) => {
            format!("{} with {}", kinds(caller.scopes_of()).join(" and "), explain::named(wanted))
        }
    });
    words.extend(caller.owner().map(|owner| {
        let except = match owner.except_client_types() {
            [] => String::new(),
            types => format!(" except {}", types.join(", ")),
        };
        let relation = if owner.is_list() { "in" } else { "=" };
        format!("{} {relation} {}{except}", owner.param(), owner.fact())
    }));
    words.extend(match caller.conditions().count() {
        0 => None,
        1 => Some("1 condition".to_owned()),
        more => Some(format!("{more} conditions")),
    });
    words
}

/// The credentials that a request needs, and those that it may have.
fn credentials(caller: CallerView<'_>) -> Vec<String> {
    let (all, any, optional) = (kinds(caller.all_of()), kinds(caller.any_of()), kinds(caller.optional()));
    let all = (!all.is_empty()).then(|| all.join(", "));
    let any = (!any.is_empty()).then(|| format!("any of {}", any.join(", ")));
    let optional = (!optional.is_empty()).then(|| format!("perhaps {}", optional.join(", ")));
    let because = caller.because().map(|because| format!("none needed: {because}"));
    all.into_iter().chain(any).chain(optional).chain(because).collect()
}

/// A list where a request needs all of them, and otherwise an object as in the policy.
fn credentials_json(caller: CallerView<'_>) -> Value {
    let (any, optional) = (kinds(caller.any_of()), kinds(caller.optional()));
    if any.is_empty() && optional.is_empty() {
        return json!(kinds(caller.all_of()));
    }
    json!({ "all": kinds(caller.all_of()), "any": any, "optional": optional, "because": caller.because() })
}

fn kinds<'a>(kinds: impl Iterator<Item = &'a CredentialKind>) -> Vec<&'a str> {
    kinds.map(CredentialKind::as_str).collect()
}

/// The routes as JSON, an object for each.
pub(crate) fn json(policy: &Policy) -> Vec<Value> {
    let object = |route: RouteView<'_>| {
        let (public, require) = match route.requires() {
            Requires::Nothing { because } => (Some(because), None),
            Requires::Caller(caller) => (None, Some(caller_json(caller))),
        };
        json!({
            "rule": route.rule().as_str(),
            "methods": route.methods(),
            "hosts": hosts(route),
            "path": route.path(),
            "mode": mode(route),
            "preflight": route.preflight(),
            "public": public,
            "require": require,
            "forwards": route.forwards().map(Iterator::collect::<Vec<_>>),
            "passes": route.passes().collect::<Vec<_>>(),
        })
    };
    policy.routes().map(object).collect()
}

fn caller_json(caller: CallerView<'_>) -> Value {
    let audiences: Map<_, _> =
        caller.audiences().map(|(kind, audience)| (kind.as_str().to_owned(), json!(audience))).collect();
    let audiences = (!audiences.is_empty()).then_some(audiences);
    let binding = caller.binding().map(|(later, earlier)| [later.to_string(), earlier.to_string()]);
    let scopes = caller.scopes().map(|wanted| {
        let named: Vec<_> = wanted.named().iter().map(Scope::as_str).collect();
        let how = match wanted {
            WantedScopes::All(_) => "all",
            WantedScopes::Any(_) => "any",
        };
        json!({ how: named, "of": kinds(caller.scopes_of()) })
    });
    let owner = caller.owner().map(|owner| {
        let relation = if owner.is_list() { "in" } else { "equals" };
        let (fact, except) = (owner.fact().to_string(), owner.except_client_types());
        json!({ "param": owner.param(), relation: fact, "except_client_types": except })
    });
    json!({
        "credentials": credentials_json(caller),
        "audience": audiences,
        "bind": binding,
        "scopes": scopes,
        "owner": owner,
        "conditions": caller.conditions().collect::<Vec<_>>(),
    })
}

const COLUMNS: usize = 6;
