//! Random policies of a few routes, and requests that come near them.

use brama_kit::dice::Dice;

use crate::oracle::model::{
    Credential, Fact, Facts, Host, Need, Oddity, Owner, Request, Requirement, Route, Scopes, Segment, Sent, Stated,
};
use crate::oracle::roles::{Role, Roles};

const METHODS: [&str; 3] = ["GET", "POST", "DELETE"];
const LITERALS: [&str; 5] = ["a", "b", "is", "IS", "%C3%A9"];
const UUIDS: [&str; 2] = ["1380df72-275a-11e7-93ae-92361f002671", "c11e0000-0000-4000-8000-000000000010"];
const SCOPES: [&str; 3] = ["r:read", "r:write", "r:wri"];
const GROUPS: [&[&str]; 4] = [&[UUIDS[1], UUIDS[0]], &["x", "1380df72", UUIDS[0], "x"], &[], &["x 7"]];
const TYPES: [&str; 3] = ["MSP", "NHS", "NHS ADMIN"];
const HOSTS: [Host; 4] =
    [Host::Name("api.example"), Host::Name("x.eu.example"), Host::Below("eu.example"), Host::Below("example")];
const ASKED_HOSTS: [&str; 5] = ["api.example", "x.eu.example", "y.eu.example", "eu.example", "other.test"];

fn pick<T: Copy>(dice: &mut Dice, of: &[T]) -> T {
    of[dice.pick(of.len())]
}

fn one_in(dice: &mut Dice, sides: u64) -> bool {
    dice.roll(sides) == 0
}

fn some<T: Copy>(dice: &mut Dice, of: &[T]) -> Vec<T> {
    let chosen: Vec<T> = of.iter().copied().filter(|_| one_in(dice, 2)).collect();
    if chosen.is_empty() { vec![pick(dice, of)] } else { chosen }
}

pub(crate) fn routes(dice: &mut Dice) -> Vec<Route> {
    let is_by_host = one_in(dice, 3);
    (0..=dice.pick(5)).map(|number| route(number, is_by_host, dice)).collect()
}

fn route(number: usize, is_by_host: bool, dice: &mut Dice) -> Route {
    let path = path(dice);
    let hosts = if is_by_host && one_in(dice, 2) { vec![pick(dice, &HOSTS)] } else { Vec::new() };
    let need = if one_in(dice, 6) { Need::Nothing } else { Need::Credentials(requirement(&path, dice)) };
    let is_shadow = matches!(need, Need::Credentials(_)) && one_in(dice, 8);
    Route { id: format!("r{number}"), methods: some(dice, &METHODS), hosts, path, need, is_shadow }
}

fn path(dice: &mut Dice) -> Vec<Segment> {
    let mut path = Vec::new();
    for _ in 0..=dice.pick(3) {
        path.push(match dice.pick(8) {
            0..4 => Segment::Literal(pick(dice, &LITERALS)),
            4 => Segment::Uuid,
            5 => Segment::Int,
            6 => Segment::Any,
            _ => {
                path.push(Segment::Rest);
                break;
            }
        });
    }
    path
}

fn requirement(path: &[Segment], dice: &mut Dice) -> Requirement {
    use Role::{Alternative, Needed, Optional, Unused};
    let (api_key, token) = pick(
        dice,
        &[
            (Needed, Needed),
            (Needed, Needed),
            (Needed, Needed),
            (Unused, Needed),
            (Needed, Unused),
            (Alternative, Alternative),
            (Alternative, Alternative),
            (Needed, Optional),
            (Optional, Needed),
            (Optional, Unused),
            (Optional, Optional),
        ],
    );
    let roles = Roles { api_key, token, is_token_first: one_in(dice, 2) };
    let kinds = roles.certain();
    let scopes = match dice.pick(4) {
        _ if kinds.is_empty() => Scopes::None,
        0 => Scopes::None,
        1 => Scopes::Any(some(dice, &SCOPES)),
        _ => Scopes::All(some(dice, &SCOPES)),
    };
    let scopes_of = if matches!(scopes, Scopes::None) { Vec::new() } else { some(dice, &kinds) };
    let owned: Vec<_> =
        path.iter().enumerate().filter(|(_, segment)| matches!(segment, Segment::Uuid | Segment::Any)).collect();
    let owner = (!owned.is_empty() && !kinds.is_empty() && one_in(dice, 2)).then(|| Owner {
        segment: pick(dice, &owned).0,
        of: pick(dice, &kinds),
        fact: pick(dice, &[Fact::ClientId, Fact::ClientId, Fact::Groups, Fact::Subject]),
        except: if one_in(dice, 2) { some(dice, &TYPES[1..]) } else { Vec::new() },
    });
    let is_bound = api_key != Unused && token != Unused && one_in(dice, 3);
    Requirement { roles, is_bound, scopes, scopes_of, owner }
}

/// Mostly one that a route takes.
pub(crate) fn request(routes: &[Route], dice: &mut Dice) -> Request {
    let route = &routes[dice.pick(routes.len())];
    let is_near = !one_in(dice, 6);
    let segments = if is_near { taken(&route.path, dice) } else { (0..=dice.pick(3)).map(|_| segment(dice)).collect() };
    let host = match route.hosts.first() {
        Some(Host::Name(name)) if is_near => name,
        _ => pick(dice, &ASKED_HOSTS),
    };
    let oddity = match dice.roll(28) {
        0 => Oddity::Path(pick(
            dice,
            &["/./a", "/../a", "//a", "/%2fa", "/a;b", "/%61", "/a\\b", "/%00", "/%zz", "#a", "/%3B", "/%3b", "/%5c"],
        )),
        1 => Oddity::Override(pick(dice, &["x-http-method-override", "x-original-url", "x-forwarded-uri"])),
        2 => Oddity::Slash,
        3 => Oddity::Capitals,
        4 => Oddity::MethodInQuery(pick(dice, &["_method=GET", "a=1&_method", "%5fmethod=x"])),
        5 => Oddity::Query(pick(dice, &["", "method=x", "a=_method"])),
        6 | 7 => Oddity::SmallDigits,
        8 | 9 => Oddity::Letters,
        _ => Oddity::None,
    };
    Request {
        method: if is_near { pick(dice, &route.methods) } else { pick(dice, &METHODS) },
        host,
        segments,
        oddity,
        api_key: credential(dice),
        token: credential(dice),
    }
}

fn taken(path: &[Segment], dice: &mut Dice) -> Vec<String> {
    let mut segments = Vec::new();
    for wanted in path {
        segments.push(match wanted {
            Segment::Literal(literal) => (*literal).to_owned(),
            Segment::Uuid => pick(dice, &UUIDS).to_owned(),
            Segment::Int => pick(dice, &["0", "7", "9223372036854775807"]).to_owned(),
            Segment::Any | Segment::Rest => segment(dice),
        });
        while *wanted == Segment::Rest && one_in(dice, 2) {
            segments.push(segment(dice));
        }
    }
    segments
}

fn segment(dice: &mut Dice) -> String {
    let others = ["x", "007", "7", "-1", "9223372036854775808", "a.b", "~", "1380df72-275a-11e7-93ae-92361f00267"];
    match dice.pick(3) {
        0 => pick(dice, &LITERALS).to_owned(),
        1 => pick(dice, &UUIDS).to_owned(),
        _ => pick(dice, &others).to_owned(),
    }
}

fn credential(dice: &mut Dice) -> Credential {
    let sent = match dice.roll(20) {
        0..=3 => Sent::Not,
        4 => Sent::Twice,
        5 => Sent::Malformed,
        _ => Sent::Once,
    };
    let facts = facts(dice);
    let stated = match dice.roll(20) {
        0 => Stated::Refused,
        1 => Stated::Unavailable,
        2 => Stated::Expired(facts),
        _ => Stated::Active(facts),
    };
    Credential { sent, stated }
}

fn facts(dice: &mut Dice) -> Facts {
    let id = |dice: &mut Dice| (!one_in(dice, 8)).then(|| pick(dice, &[UUIDS[0], UUIDS[0], UUIDS[1], "x"]));
    let scopes = ["r:read r:write", "r:read", "r:write r:wri r:read", "r:read r:write", "", "R:READ", "r:writer"];
    Facts {
        client_id: id(dice),
        client_type: (!one_in(dice, 6)).then(|| pick(dice, &TYPES)),
        scope: (!one_in(dice, 10)).then(|| pick(dice, &scopes)),
        subject: id(dice),
        groups: (!one_in(dice, 8)).then(|| pick(dice, &GROUPS)),
    }
}
