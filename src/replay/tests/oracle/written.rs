//! The model's policies and requests, written down as the core reads them; and what it says, in the model's words.

use brama_policy::deciding::Decision;
use serde_json::{Map, Value, json};

use crate::oracle::model::{
    Credential, Fact, Facts, Host, Kind, Need, Oddity, Request, Route, Scopes, Segment, Sent, Stated, Verdict,
};
use crate::oracle::roles::Role;

pub(crate) fn policy(routes: &[Route]) -> Value {
    let mut document: Value = serde_saphyr::from_str(include_str!("../../../../policies/ehealth.yaml")).unwrap();
    document["forward"] = json!({ "headers": { "x-subject": "token.subject", "x-client": "api_key.client_id" } });
    for kind in ["api_key", "token"] {
        let introspect = &mut document["credentials"][kind]["verify"][0]["introspect"];
        introspect["facts"] = json!({ "further": { "groups": { "list": "/groups" } } });
    }
    document["routes"] = routes.iter().map(route).collect();
    document
}

fn route(route: &Route) -> Value {
    let mut written = json!({ "id": route.id, "methods": route.methods, "path": template(&route.path) });
    if !route.hosts.is_empty() {
        written["hosts"] = route.hosts.iter().map(|host| host_name(*host)).collect();
    }
    if route.is_shadow {
        written["mode"] = json!("shadow");
    }
    let Need::Credentials(need) = &route.need else {
        written["public"] = json!({ "because": "a test" });
        return written;
    };
    let with = |role: Role| {
        let with = need.roles.in_order().into_iter().filter(move |(_kind, own)| *own == role);
        with.map(|(kind, _role)| kind_name(kind)).collect::<Vec<_>>()
    };
    let (all, any, optional) = (with(Role::Needed), with(Role::Alternative), with(Role::Optional));
    let credentials = if any.is_empty() && optional.is_empty() {
        json!(all)
    } else {
        let lists = [("all", &all), ("any", &any), ("optional", &optional)];
        let lists = lists.into_iter().filter(|(_name, list)| !list.is_empty());
        let mut written: Map<_, _> = lists.map(|(name, list)| (name.to_owned(), json!(list))).collect();
        if all.is_empty() && any.is_empty() {
            written.insert("because".to_owned(), json!("a test"));
        }
        Value::Object(written)
    };
    let of: Vec<_> = need.scopes_of.iter().map(|kind| kind_name(*kind)).collect();
    let scopes = match &need.scopes {
        Scopes::None => json!("none"),
        Scopes::All(scopes) => json!({ "all": scopes, "of": of }),
        Scopes::Any(scopes) => json!({ "any": scopes, "of": of }),
    };
    let mut require = json!({ "credentials": credentials, "scopes": scopes });
    if need.is_bound {
        require["bind"] = json!({ "token": "client_id", "api_key": "client_id" });
    }
    if let Some(owner) = &need.owner {
        let (relation, fact) = match owner.fact {
            Fact::ClientId => ("equals", "client_id"),
            Fact::Groups => ("in", "groups"),
            Fact::Subject => ("equals", "subject"),
        };
        let fact = format!("{}.{fact}", kind_name(owner.of));
        require["owner"] = json!({ "param": format!("p{}", owner.segment), relation: fact });
        if !owner.except.is_empty() {
            require["owner"]["except_client_types"] = json!(owner.except);
        }
    }
    written["require"] = require;
    written
}

fn template(path: &[Segment]) -> String {
    let segments = path.iter().enumerate().map(|(number, segment)| match segment {
        Segment::Literal(literal) => format!("/{literal}"),
        Segment::Uuid => format!("/{{p{number}:uuid}}"),
        Segment::Int => format!("/{{p{number}:int}}"),
        Segment::Any => format!("/{{p{number}}}"),
        Segment::Rest => format!("/{{p{number}...}}"),
    });
    segments.collect()
}

fn host_name(host: Host) -> String {
    match host {
        Host::Name(name) => name.to_owned(),
        Host::Below(suffix) => format!("*.{suffix}"),
    }
}

fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::ApiKey => "api_key",
        Kind::Token => "token",
        Kind::Any => "any",
    }
}

pub(crate) fn line(request: &Request) -> Value {
    let mut path = format!("/{}", request.segments.join("/"));
    let mut headers = Vec::new();
    match request.oddity {
        Oddity::None => {}
        Oddity::Path(part) => path.push_str(part),
        Oddity::Override(header) => headers.push([header, "x"]),
        Oddity::MethodInQuery(query) | Oddity::Query(query) => path = format!("{path}?{query}"),
        Oddity::Slash => path.push('/'),
        Oddity::Capitals | Oddity::Letters => path = format!("/{}", request.asked().join("/")),
        Oddity::SmallDigits => path = path.replace("%C3%A9", "%c3%a9"),
    }
    for (credential, name, once, malformed) in
        [(&request.api_key, "api-key", "k", "k k"), (&request.token, "authorization", "Bearer t", "Bearer t t")]
    {
        match credential.sent {
            // One is added for what is stated.
            Sent::Not | Sent::Once => {}
            Sent::Twice => headers.extend([[name, once], [name, once]]),
            Sent::Malformed => headers.push([name, malformed]),
        }
    }
    json!({
        "method": request.method, "host": request.host, "path": path, "headers": headers, "now": NOW,
        "api_key": statement(&request.api_key), "token": statement(&request.token),
    })
}

fn statement(credential: &Credential) -> Value {
    match credential.stated {
        _ if credential.sent == Sent::Not => Value::Null,
        Stated::Refused => json!("refused"),
        Stated::Unavailable => json!("unavailable"),
        Stated::Expired(facts) => stated(facts, NOW - 1),
        Stated::Active(facts) => stated(facts, NOW + 1),
    }
}

fn stated(facts: Facts, expires: u64) -> Value {
    let said = [
        ("client_id", facts.client_id),
        ("client_type", facts.client_type),
        ("scope", facts.scope),
        ("subject", facts.subject),
    ];
    let mut written: Map<_, _> =
        said.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))).collect();
    written.extend(facts.groups.map(|groups| ("groups".to_owned(), json!(groups))));
    written.insert("expires".to_owned(), json!(expires));
    Value::Object(written)
}

pub(crate) fn verdict(decision: &Decision) -> Verdict {
    let said = brama_replay::Verdict::from(decision);
    let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
    Verdict { denial: owned(said.denial), rule: owned(said.rule), would_refuse: owned(said.would_refuse) }
}

const NOW: u64 = 1_700_000_000;
