//! Which route is found, by tables and against a search one by one.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::path::CanonicalPath;

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
fn find(routers: &[Router; 2], method: &str, host: &str, path: &str) -> Option<usize> {
    let (host, path) = (Host::parse(host.as_bytes()).unwrap(), CanonicalPath::parse(path.as_bytes()).unwrap());
    let [one, two] = routers.each_ref().map(|router| router.find(method, &host, path.segments()));
    assert_eq!(one, two);
    one.map(|found| found.route)
}

/// The routes that a path has for readers who do not heed the case of letters.
#[track_caller]
fn confusable(routers: &[Router; 2], path: &str) -> Vec<usize> {
    let (host, path) = (Host::parse(b"h").unwrap(), CanonicalPath::parse(path.as_bytes()).unwrap());
    let [one, two] = routers.each_ref().map(|router| {
        let mut routes = router.confusable("GET", &host, path.segments());
        routes.sort_unstable();
        routes
    });
    assert_eq!(one, two);
    one
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
        assert_eq!(find(&routers, "GET", "h", path), route, "{path}");
    }
    assert_eq!(find(&routers, "POST", "h", "/a/b"), None);
    assert_eq!(find(&routers, "get", "h", "/a/b"), None);
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
        assert_eq!(find(&routers, "GET", host, path), route, "{host}{path}");
    }
}

#[test]
fn path_is_every_route_s_from_which_it_differs_in_letter_case_only() {
    let templates = [
        "/admin/{x}",
        "/{x...}",
        "/{id:uuid}",
        "/d/Readme",
        "/d/README",
        "/d/{x}",
        "/n/{x:int}",
        "/docs/{x}/{y}",
        "/{d}/Secret/{y}",
    ];
    let routers = routers(&templates.map(|template| ("", "GET", template)));
    for (path, own, others) in [
        ("/admin/1", 0, &[][..]),
        ("/Admin/1", 1, &[0]),
        ("/adm%C4%B1n/1", 1, &[0]),
        ("/adm%C4%B0n/1", 1, &[0]),
        ("/%EF%BC%A1dmin/1", 1, &[0]),
        (&ID.trim_start_matches("/a").to_uppercase(), 1, &[2]),
        ("/d/Readme", 3, &[4]),
        ("/d/README", 4, &[3]),
        ("/d/readme", 5, &[3, 4]),
        ("/D/readme", 1, &[3, 4, 5]),
        ("/d/other", 5, &[]),
        ("/n/%EF%BC%97", 1, &[6]),
        ("/Other/1", 1, &[]),
        // Spelt as the other route has it, it is still this one's.
        ("/docs/secret/1", 7, &[7]),
        ("/x/secret/1", 1, &[8]),
    ] {
        assert_eq!(
            (find(&routers, "GET", "h", path), confusable(&routers, path)),
            (Some(own), others.to_vec()),
            "{path}"
        );
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
    assert_eq!(add("H", "GET", "/a/{y}", 10), Err(Taken { by: 2 }));
    assert_eq!(add("", "GET", "/a/{y...}", 10), Err(Taken { by: 5 }));
    // What differs in letter case only stands beside it, and is found.
    assert_eq!(add("H", "GET", "/A/{y}", 10), Ok(()));
    for (host, template, routes) in
        [("h", "/A/{z}", &[2][..]), ("h", "/a/{z}", &[10]), ("h", "/a/{z:int}", &[]), ("i", "/A/{z}", &[])]
    {
        let (host, template) = (host.parse().unwrap(), PathTemplate::parse(template).unwrap());
        assert_eq!(router.spelt_alike(&host, "GET", &template), routes, "{template}");
    }
}
