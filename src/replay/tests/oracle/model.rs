//! The order of decision, written once more from `docs/policy-language.md` alone: slow, and obvious where it can be.
//!
//! It shares no code with the core. Policies and requests are its own types; what the core is given is written from
//! them.

use crate::oracle::roles::{Role, Roles};
use crate::oracle::specificity::{specificity_of_host, specificity_of_path};

pub(crate) struct Route {
    pub(crate) id: String,
    pub(crate) methods: Vec<&'static str>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) path: Vec<Segment>,
    pub(crate) need: Need,
    pub(crate) is_shadow: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Host {
    Name(&'static str),
    /// `*.suffix`.
    Below(&'static str),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Segment {
    Literal(&'static str),
    Uuid,
    Int,
    Any,
    Rest,
}

pub(crate) enum Need {
    Nothing,
    Credentials(Requirement),
}

pub(crate) struct Requirement {
    pub(crate) roles: Roles,
    pub(crate) is_bound: bool,
    pub(crate) scopes: Scopes,
    pub(crate) scopes_of: Vec<Kind>,
    pub(crate) owner: Option<Owner>,
}

pub(crate) enum Scopes {
    None,
    All(Vec<&'static str>),
    Any(Vec<&'static str>),
}

pub(crate) struct Owner {
    /// The place of the captured segment.
    pub(crate) segment: usize,
    pub(crate) of: Kind,
    pub(crate) fact: Fact,
    pub(crate) except: Vec<&'static str>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    ApiKey,
    Token,
    /// The first of the alternatives that is there.
    Any,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Fact {
    ClientId,
    /// A list.
    Groups,
    Subject,
}

#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    pub(crate) host: &'static str,
    pub(crate) segments: Vec<String>,
    pub(crate) oddity: Oddity,
    pub(crate) api_key: Credential,
    pub(crate) token: Credential,
}

/// What leaves a request without one reading, or with another one than a route's.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Oddity {
    None,
    /// Such a part in the path.
    Path(&'static str),
    /// Such a header besides.
    Override(&'static str),
    /// Such a query, with a parameter `_method`.
    MethodInQuery(&'static str),
    /// Such a query, without.
    Query(&'static str),
    /// A slash at the end.
    Slash,
    /// Capitals.
    Capitals,
    /// Letters that some readers take for the same.
    Letters,
    /// The digits of escapes in lower case, which is the same path.
    SmallDigits,
}

#[derive(Clone)]
pub(crate) struct Credential {
    pub(crate) sent: Sent,
    pub(crate) stated: Stated,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Sent {
    Not,
    Once,
    Twice,
    Malformed,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Stated {
    Refused,
    Unavailable,
    Expired(Facts),
    Active(Facts),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Facts {
    pub(crate) client_id: Option<&'static str>,
    pub(crate) client_type: Option<&'static str>,
    pub(crate) scope: Option<&'static str>,
    pub(crate) subject: Option<&'static str>,
    pub(crate) groups: Option<&'static [&'static str]>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) denial: Option<String>,
    pub(crate) rule: Option<String>,
    /// What a rule in shadow mode would have refused it for.
    pub(crate) would_refuse: Option<String>,
}

impl Request {
    /// The segments as they are sent.
    pub(crate) fn asked(&self) -> Vec<String> {
        let mut segments = self.segments.clone();
        match self.oddity {
            Oddity::Slash => segments.push(String::new()),
            Oddity::Capitals => segments = segments.iter().map(|segment| segment.to_uppercase()).collect(),
            Oddity::Letters => {
                let odd = |segment: &String| segment.replace("is", "%C4%B1%C5%BF").replace("%C3%A9", "E%CC%81");
                segments = segments.iter().map(odd).collect();
            }
            Oddity::None
            | Oddity::Path(_)
            | Oddity::Override(_)
            | Oddity::MethodInQuery(_)
            | Oddity::Query(_)
            | Oddity::SmallDigits => {}
        }
        segments
    }
}

/// The whole decision, step by step.
pub(crate) fn decide(routes: &[Route], request: &Request) -> Verdict {
    let refused = |denial: &str, rule: Option<&Route>| Verdict {
        denial: Some(denial.to_owned()),
        rule: rule.map(|route| route.id.clone()),
        would_refuse: None,
    };
    // 1. One reading.
    match request.oddity {
        Oddity::Path(_) => return refused("path_ambiguous", None),
        Oddity::Override(header) if header.contains("method") => return refused("method_overridden", None),
        Oddity::Override(_) => return refused("path_overridden", None),
        Oddity::MethodInQuery(_) => return refused("method_overridden", None),
        Oddity::None | Oddity::Query(_) | Oddity::Slash | Oddity::Capitals | Oddity::Letters | Oddity::SmallDigits => {}
    }
    // 2. Route.
    let segments = request.asked();
    let found = find(routes, request, &segments);
    if is_stricter_but_for_case(routes, request, &segments, found) {
        return refused("path_ambiguous", None);
    }
    let Some(route) = found else { return refused("route_unknown", None) };
    if let [bare @ .., last] = segments.as_slice() {
        let is_stricter =
            find(routes, request, bare).is_none_or(|other| other.id != route.id && asks_more(other, route));
        if last.is_empty() && (is_stricter || is_stricter_but_for_case(routes, request, bare, found)) {
            return refused("path_ambiguous", None);
        }
    }
    let Need::Credentials(need) = &route.need else {
        return Verdict { denial: None, rule: Some(route.id.clone()), would_refuse: None };
    };
    // 3. Credentials that are there once and well formed: one that is repeated first, then what is lacking in their
    // order. Only that one is not there can be waived.
    let looked_at = || need.roles.in_order().into_iter().map(|(kind, role)| (kind, role, request.credential(kind)));
    for (kind, _role, credential) in looked_at() {
        if credential.sent == Sent::Twice {
            return refused(kind.code("repeated"), Some(route));
        }
    }
    let mut lacks = None;
    for (kind, role, credential) in looked_at() {
        match credential.sent {
            Sent::Malformed => return refused(kind.code("malformed"), Some(route)),
            Sent::Not if role == Role::Needed && !route.is_shadow => {
                return refused(kind.code("missing"), Some(route));
            }
            Sent::Not if role == Role::Needed => lacks = lacks.or(Some(kind.code("missing"))),
            Sent::Not | Sent::Once | Sent::Twice => {}
        }
    }
    if need.roles.has_alternatives() && need.roles.identity(Kind::Any, request).is_none() {
        if !route.is_shadow {
            return refused("unauthenticated", Some(route));
        }
        lacks = lacks.or(Some("unauthenticated"));
    }
    match lacks.or_else(|| lacking(need, request)) {
        None => Verdict { denial: None, rule: Some(route.id.clone()), would_refuse: None },
        Some(denial) if route.is_shadow => {
            Verdict { denial: None, rule: Some(route.id.clone()), would_refuse: Some(denial.to_owned()) }
        }
        Some(denial) => refused(denial, Some(route)),
    }
}

/// Steps 4 to 9, of credentials that are there.
fn lacking(need: &Requirement, request: &Request) -> Option<&'static str> {
    // 4. Each that is there, in their order.
    for (kind, _role) in need.roles.in_order() {
        match request.credential(kind).stated {
            _ if need.roles.identity(kind, request).is_none() => {}
            Stated::Refused => return Some(kind.code("refused")),
            Stated::Unavailable => return Some(kind.code("unavailable")),
            Stated::Expired(_) => return Some(kind.code("expired")),
            Stated::Active(_) => {}
        }
    }
    let there = |kind| match need.roles.identity(kind, request)?.stated {
        Stated::Active(facts) => Some(facts),
        Stated::Refused | Stated::Unavailable | Stated::Expired(_) => panic!("step 4 was passed"),
    };
    let facts = |kind| there(kind).expect("step 3 was passed");
    // 5. Binding, where both are there. A fact that is not stated equals nothing.
    let equal = |one: Option<&str>, other: Option<&str>| one.is_some() && one == other;
    let both = there(Kind::Token).zip(there(Kind::ApiKey)).filter(|_both| need.is_bound);
    if both.is_some_and(|(token, api_key)| !equal(token.client_id, api_key.client_id)) {
        return Some("not_bound");
    }
    // 6. Scopes, of each on its own.
    for kind in &need.scopes_of {
        let scope = facts(*kind).scope;
        let has = |wanted: &&&str| scope.is_some_and(|scope| scope.split(' ').any(|scope| scope == **wanted));
        let is_enough = match &need.scopes {
            Scopes::None => true,
            Scopes::All(wanted) => wanted.iter().all(|wanted| has(&wanted)),
            Scopes::Any(wanted) => wanted.iter().any(|wanted| has(&wanted)),
        };
        if !is_enough {
            return Some("scope_missing");
        }
    }
    // 7. Owner.
    if let Some(owner) = &need.owner {
        let facts = facts(owner.of);
        let is_exempt = facts.client_type.is_some_and(|client_type| owner.except.contains(&client_type));
        let asked = &*request.asked()[owner.segment];
        let is_owner = match owner.fact {
            Fact::ClientId => equal(Some(asked), facts.client_id),
            Fact::Groups => facts.groups.is_some_and(|groups| groups.contains(&asked)),
            Fact::Subject => equal(Some(asked), facts.subject),
        };
        if !is_exempt && !is_owner {
            return Some("not_owner");
        }
    }
    // 9. Forward: the token's subject and the API key's client, of those that are there.
    let is_stated =
        |kind, fact: fn(Facts) -> Option<&'static str>| there(kind).is_none_or(|facts| fact(facts).is_some());
    let all_stated = is_stated(Kind::Token, |facts| facts.subject) && is_stated(Kind::ApiKey, |facts| facts.client_id);
    if all_stated { None } else { Some("fact_missing") }
}

/// The most specific route that takes the request.
fn find<'r>(routes: &'r [Route], request: &Request, segments: &[String]) -> Option<&'r Route> {
    let mut found: Vec<(Vec<u8>, &Route)> = Vec::new();
    for route in routes.iter().filter(|route| route.methods.contains(&request.method)) {
        let hosts = route.hosts.iter().filter_map(|host| specificity_of_host(*host, request.host)).max();
        let host = if route.hosts.is_empty() { Some(0) } else { hosts };
        if let (Some(host), Some(path)) = (host, specificity_of_path(&route.path, segments)) {
            found.push(([vec![host], path].concat(), route));
        }
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found.pop().map(|(_, route)| route)
}

/// Stricter reading of the path: another route's path but for the case of letters, where that route asks for more than
/// the one that was found.
fn is_stricter_but_for_case(routes: &[Route], request: &Request, segments: &[String], found: Option<&Route>) -> bool {
    routes.iter().any(|route| {
        // As this route spells the path.
        let spelt: Vec<_> = (0..segments.len())
            .map(|number| match (route.path.get(number), &segments[number]) {
                (Some(Segment::Literal(literal)), _) => (*literal).to_owned(),
                (Some(Segment::Uuid), sent) => sent.to_lowercase(),
                (_, sent) => sent.clone(),
            })
            .collect();
        let is_alike = spelt.iter().zip(segments).all(|(one, other)| plain(one) == plain(other));
        let is_host = |host: &Host| specificity_of_host(*host, request.host).is_some();
        let is_here = specificity_of_path(&route.path, &spelt).is_some()
            && route.methods.contains(&request.method)
            && (route.hosts.is_empty() || route.hosts.iter().any(is_host));
        let other = find(routes, request, &spelt).filter(|_| is_alike && is_here && spelt != segments);
        other.is_some_and(|other| found.is_none_or(|own| asks_more(other, own)))
    })
}

/// A text in small letters, whatever the reader: only of the letters that this search sends.
fn plain(text: &str) -> String {
    let letters = [("%C4%B1", "i"), ("%C5%BF", "s"), ("E%CC%81", "%C3%A9"), ("%C3%89", "%C3%A9")];
    letters.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to)).to_lowercase()
}

/// Whether somebody could pass by `own` and not by the other.
fn asks_more(other: &Route, own: &Route) -> bool {
    let (asked, given) = match (&other.need, &own.need) {
        (Need::Nothing, _) => return false,
        (Need::Credentials(_), Need::Nothing) => return true,
        (Need::Credentials(asked), Need::Credentials(given)) => (asked, given),
    };
    let scopes = match (&asked.scopes, &given.scopes) {
        (Scopes::None, _) => false,
        (Scopes::All(asked), Scopes::All(given)) => asked.iter().any(|scope| !given.contains(scope)),
        (Scopes::Any(asked), Scopes::Any(given)) => given.iter().any(|scope| !asked.contains(scope)),
        (Scopes::Any(asked), Scopes::All(given)) => !given.iter().any(|scope| asked.contains(scope)),
        (Scopes::All(_), Scopes::None | Scopes::Any(_)) | (Scopes::Any(_), Scopes::None) => true,
    };
    let owner = match (&asked.owner, &given.owner) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(asked), Some(given)) => {
            asked.segment != given.segment
                || other.path[asked.segment] != own.path[given.segment]
                || asked.of != given.of
                || asked.fact != given.fact
                || given.except.iter().any(|exempt| !asked.except.contains(exempt))
        }
    };
    (own.is_shadow && !other.is_shadow)
        || asked.roles.ask_more_than(&given.roles)
        || (asked.is_bound && !given.is_bound)
        || asked.scopes_of.iter().any(|kind| !given.scopes_of.contains(kind))
        || scopes
        || owner
}
