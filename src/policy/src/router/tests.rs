//! Which route is found, by tables and against a search one by one.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;

// Draws from the system's randomness, which plain Wasm has not.
#[cfg(not(target_family = "wasm"))]
mod laws;

/// A router of `(host, method, template)`, in this order and in the other.
fn routers(routes: &[(&str, &str, &str)]) -> [Router; 2] {
    let add = |router: &mut Router, number: usize| {
        let (host, method, template) = routes[number];
        let host = if host.is_empty() { HostPattern::Any } else { host.parse().unwrap() };
        router.add(&host, method, &PathTemplate::parse(template).unwrap(), number).unwrap();
    };
    let mut routers = [Router::default(), Router::default()];
    (0..routes.len()).for_each(|number| add(&mut routers[0], number));
    (0..routes.len()).rev().for_each(|number| add(&mut routers[1], number));
    routers
}

#[track_caller]
fn find(routers: &[Router; 2], method: &str, host: &str, path: &str) -> Result<Option<usize>, Ambiguity> {
    let (host, path) = (Host::parse(host.as_bytes()).unwrap(), CanonicalPath::parse(path.as_bytes()).unwrap());
    let [one, two] = routers.each_ref().map(|router| router.find(method, &host, &path));
    assert_eq!(one, two);
    one.map(|found| found.map(|found| found.route))
}

const ID: &str = "/a/1380df72-275a-11e7-93ae-92361f002671";

#[test]
fn leftmost_literal_wins_and_captures_are_tried_in_order() {
    let templates = ["/a/b/c", "/a/b/{x}", "/a/{x:uuid}", "/a/{x:int}", "/a/{x}", "/a/{x...}", "/{x}/b/c", "/{x...}"];
    let routers = routers(&templates.map(|template| ("", "GET", template)));
    for (path, route) in [
        ("/a/b/c", Some(0)),
        ("/a/b/d", Some(1)),
        (ID, Some(2)),
        ("/a/7", Some(3)),
        ("/a/07", Some(4)),
        ("/a/b", Some(4)),
        ("/a/b/c/d", Some(5)),
        ("/x/b/c", Some(6)),
        ("/x/b/d", Some(7)),
        ("/a", Some(7)),
        ("/", None),
    ] {
        assert_eq!(find(&routers, "GET", "h", path), Ok(route), "{path}");
    }
    assert_eq!(find(&routers, "POST", "h", "/a/b"), Ok(None));
    assert_eq!(find(&routers, "get", "h", "/a/b"), Ok(None));
}

#[test]
fn host_decides_before_path() {
    let routers = routers(&[
        ("", "GET", "/a"),
        ("*.example", "GET", "/{x}"),
        ("*.b.example", "GET", "/a"),
        ("a.b.example", "GET", "/{x...}"),
        ("[::1]", "GET", "/a"),
    ]);
    for (host, path, route) in [
        ("other", "/a", Some(0)),
        ("example", "/a", Some(0)),
        ("notexample", "/a", Some(0)),
        ("c.example", "/a", Some(1)),
        ("d.c.example", "/b", Some(1)),
        ("c.b.example", "/a", Some(2)),
        ("c.b.example", "/b", Some(1)),
        ("a.b.example", "/a", Some(3)),
        ("A.B.Example:8443", "/a", Some(3)),
        ("a.b.example.", "/a", Some(3)),
        ("[0:0::1]:80", "/a", Some(4)),
        ("other", "/b", None),
    ] {
        assert_eq!(find(&routers, "GET", host, path), Ok(route), "{host}{path}");
    }
}

#[test]
fn path_that_differs_from_a_stricter_route_in_case_only_is_refused() {
    let routers = routers(&[("", "GET", "/admin/{x}"), ("", "GET", "/{x...}"), ("", "GET", "/{id:uuid}")]);
    assert_eq!(find(&routers, "GET", "h", "/Admin/1"), Err(Ambiguity::LetterCase));
    assert_eq!(find(&routers, "GET", "h", "/adm%C4%B1n/1"), Err(Ambiguity::LetterCase));
    assert_eq!(find(&routers, "GET", "h", &ID.trim_start_matches("/a").to_uppercase()), Err(Ambiguity::LetterCase));
    assert_eq!(find(&routers, "GET", "h", "/Other/1"), Ok(Some(1)));
}

#[test]
fn trailing_slash_is_no_way_round_a_stricter_route() {
    let routers = routers(&[("", "GET", "/admin/x"), ("", "GET", "/docs/{x}"), ("", "GET", "/{x...}")]);
    for path in ["/admin/x/", "/docs/a/"] {
        assert_eq!(find(&routers, "GET", "h", path), Err(Ambiguity::TrailingSlash), "{path}");
    }
    assert_eq!(find(&routers, "GET", "h", "/Admin/x/"), Err(Ambiguity::LetterCase));
    for path in ["/docs/", "/docs/a/b/", "/a/"] {
        assert_eq!(find(&routers, "GET", "h", path), Ok(Some(2)), "{path}");
    }
}

#[test]
fn routes_for_the_same_requests_collide() {
    let mut router = Router::default();
    let mut add = |host: &str, method: &str, template: &str, number| {
        let host = if host.is_empty() { HostPattern::Any } else { host.parse().unwrap() };
        router.add(&host, method, &PathTemplate::parse(template).unwrap(), number)
    };
    for (number, (host, method, template)) in [
        ("", "GET", "/a/{x}"),
        ("", "PUT", "/a/{x}"),
        ("h", "GET", "/a/{x}"),
        ("", "GET", "/a/{x:uuid}"),
        ("", "GET", "/a/{x:int}"),
        ("", "GET", "/a/{x...}"),
        ("", "GET", "/a"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(add(host, method, template, number), Ok(()), "{host} {method} {template}");
    }
    assert_eq!(add("", "GET", "/a/{y}", 10), Err(Taken { by: 0 }));
    assert_eq!(add("H", "GET", "/A/{y}", 10), Err(Taken { by: 2 }));
    assert_eq!(add("", "GET", "/a/{y...}", 10), Err(Taken { by: 5 }));
}
