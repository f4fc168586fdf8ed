//! Owns the conditions of a route, and the names they may use: the same where they are compiled and where they are
//! linted.

use super::each;
use super::references::Alternatives;
use crate::deciding::condition::{Around, Budget, Condition, Hidden, Identity, Names};
use crate::deciding::header_table::refused_headers;
use crate::deciding::policy::HOST_ALIASES;
use crate::deciding::required::Required;
use crate::document::{CredentialDocument, PolicyDocument};
use crate::fault::{Faults, Place};
use crate::header::HeaderPattern;
use crate::host::HostPattern;
use crate::identity::credential::CredentialKind;
use crate::template::{CaptureKind, PathTemplate};

/// The requests a route is for.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) methods: &'a [String],
    pub(crate) hosts: &'a [HostPattern],
    pub(crate) path: &'a PathTemplate,
}

/// The names that the conditions of one route may use.
pub(crate) struct Known<'a> {
    captures: Vec<(&'a str, CaptureKind)>,
    credentials: Vec<Identity<'a>>,
    around: Around<'a>,
}

impl<'a> Known<'a> {
    /// `hidden` is what [`hidden`] finds in the document.
    pub(crate) fn of(
        entry: Entry<'a>,
        required: &Required,
        document: &'a PolicyDocument,
        hidden: &'a [Hidden],
    ) -> Self {
        let Entry { methods, hosts, path } = entry;
        let any = required.any.iter().filter_map(|kind| Some(document.credentials.get_key_value(kind.as_str())?.0));
        let alternatives = Alternatives::of(any);
        let identity = |kind: &CredentialKind| {
            let further =
                required.include(kind).then(|| alternatives.further_facts(kind, document).into_iter().collect());
            Identity { kind: kind.clone(), further, is_certain: required.is_certain(kind) }
        };
        let any = (!required.any.are_none()).then(|| CredentialKind::any().clone());
        Self {
            captures: path.named().collect(),
            credentials: document.kinds().iter().chain(&any).map(identity).collect(),
            around: Around { methods, hosts, path, hidden },
        }
    }

    pub(crate) fn names(&self) -> Names<'_> {
        let Self { captures, credentials, around } = self;
        Names { captures, credentials, around: *around }
    }
}

/// Checks the conditions of a route; without `known` nobody can say what they may name.
pub(super) fn conditions(
    written: &[String],
    known: Option<&Known<'_>>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Vec<Condition>> {
    if written.is_empty() {
        faults.add(place, "write at least one condition, or remove the key");
    }
    if written.len() > MAX_CONDITIONS {
        faults.add(place, format!("{} conditions are more than {MAX_CONDITIONS}", written.len()));
        return None;
    }
    let names = known?.names();
    let conditions = each(written.iter().enumerate(), |(index, text)| match Condition::compile(text, &names) {
        Ok(condition) => Some(condition),
        Err(invalid) => {
            faults.add_part(&place.index(index), invalid.to_string(), invalid.hint(), invalid.part());
            None
        }
    })?;
    let mut budget = Budget::whole();
    if conditions.iter().any(|condition| budget.spend(condition.least_work()).is_err()) {
        let costliest = conditions.iter().enumerate().max_by_key(|(_index, condition)| condition.least_work());
        let place = costliest.map_or_else(|| place.clone(), |(index, _condition)| place.index(index));
        let message = "the conditions of this route could take longer than a request may, and this one the longest";
        let hint = "look at a header as a whole once, and at nothing but a header itself in a loop over headers";
        faults.add_hinted(&place, message, Some(hint.to_owned()));
        return None;
    }
    Some(conditions)
}

/// The headers that no condition sees.
pub(crate) fn hidden(document: &PolicyDocument) -> Vec<Hidden> {
    let exact = |name: &str, reason| Some(Hidden { pattern: HeaderPattern::Exact(name.parse().ok()?), reason });
    let credentials = document.credentials.values().flat_map(CredentialDocument::headers);
    let credentials = credentials.filter_map(|name| exact(&name, CREDENTIAL));
    let forward = &document.forward;
    let of_routes = document.routes.iter().filter_map(|route| route.forward.as_ref());
    let of_routes = of_routes.flat_map(|forward| forward.headers.keys().chain(forward.json.keys()));
    let set = forward.headers.keys().chain(forward.json.keys()).chain(forward.fixed.keys()).chain(of_routes);
    let set = set.filter_map(|name| exact(name, SET));
    let stripped =
        forward.strip.iter().filter_map(|text| Some(Hidden { pattern: text.parse().ok()?, reason: STRIPPED }));
    let names_hosts = document.routes.iter().any(|route| route.hosts.is_some());
    let aliases = HOST_ALIASES.iter().filter(|_| names_hosts).filter_map(|name| exact(name, ALIAS));
    let refused = refused_headers().chain(["upgrade"]).filter_map(|name| exact(name, REFUSED));
    let host = exact("host", HOST);
    let connection = OF_A_CONNECTION.iter().filter_map(|name| exact(name, CONNECTION));
    credentials.chain(set).chain(stripped).chain(aliases).chain(refused).chain(host).chain(connection).collect()
}

const CREDENTIAL: &str = "it carries a credential, which conditions never see";

const SET: &str = "the gateway sets it by `forward`, and a client's own is never seen";

const STRIPPED: &str = "`forward.strip` removes it";

const ALIAS: &str = "it names a second host, and is removed where routes name hosts";

const REFUSED: &str = "a request that has it is refused before any condition";

const HOST: &str = "Envoy keeps it as the authority, which is `request.host`";

const CONNECTION: &str = "Envoy takes it off, for it is about one connection only";

/// The headers that Envoy has taken off a request before its first filter is asked
/// ([RFC 9110, 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1)). `te: trailers` stays.
const OF_A_CONNECTION: [&str; 4] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding"];

/// Each costs a request up to what its text and the longest list at hand allow.
const MAX_CONDITIONS: usize = 16;
