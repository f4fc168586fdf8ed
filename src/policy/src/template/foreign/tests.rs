//! Which texts are wildcards of other routers, what each means, and which are literals all the same.

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use wasm_bindgen_test::wasm_bindgen_test as test;

use crate::template::PathTemplate;

#[track_caller]
fn fault(template: &str) -> String {
    PathTemplate::parse(template).err().unwrap_or_else(|| panic!("{template} is sound")).to_string()
}

/// A segment, and what the fault says to write.
const WILDCARDS: &[(&str, &str)] = &[
    // A whole segment, or all that is left.
    ("*", "write `{name}` for one segment, or `{rest...}` at the end for all that is left"),
    ("{*}", "write `{name}` for one segment, or `{rest...}` at the end for all that is left"),
    ("+", "write `{name}`"),
    ("**", "write `{rest...}` for all that is left"),
    ("{**}", "write `{rest...}`"),
    ("*path", "write `{path...}`"),
    ("**slug", "write `{slug...}`"),
    ("{*rest}", "write `{rest...}`"),
    ("{**rest}", "write `{rest...}`"),
    ("{+path}", "write `{path...}`"),
    ("{proxy+}", "write `{proxy...}`"),
    ("{file*}", "write `{file...}`"),
    ("{name=**}", "write `{name...}`"),
    ("{path:path}", "write `{path...}`"),
    ("{tail:.*}", "write `{tail...}`"),
    ("<path:rest>", "write `{rest...}`"),
    ("<rest..>", "write `{rest...}`"),
    ("[...slug]", "write `{slug...}`"),
    ("...", "write `{rest...}`"),
    ("rest...", "write `{rest...}`"),
    ("{...}", "write `{rest...}`"),
    ("$", "write `{rest...}`"),
    ("#", "write `{rest...}`"),
    (".*", "write `{rest...}`"),
    (".+", "write `{rest...}`"),
    ("(.*)", "write `{rest...}`"),
    (".*$", "write `{rest...}`"),
    (":path*", "write `{path...}`"),
    (":path+", "write `{path...}`"),
    // One segment.
    (":id", "; write `{id}` for any segment, or `%3Aid` for this very text"),
    (":cancel", "; write `{cancel}` for any segment, or `%3Acancel` for this very text"),
    (":userId", "write `{user_id}`"),
    // What may be an operation's name: a capture would take its siblings, too.
    ("$id", "; write `%24id` for this very text, or write `{id}` for any segment"),
    ("$everything", "; write `%24everything` for this very text, or write `{everything}` for any segment"),
    ("$validate-code", "; write `%24validate-code` for this very text, or write `{validate_code}` for any segment"),
    ("$me", "; write `%24me` for this very text"),
    ("${id}", "write `{id}`"),
    ("#{id}", "write `{id}`"),
    (":{id}", "write `{id}`"),
    ("{{id}}", "write `{id}`"),
    ("#id", "write `{id}`"),
    ("<id>", "write `{id}`"),
    ("<string:name>", "write `{name}`"),
    ("[id]", "write `{id}`"),
    ("{userId}", "write `{user_id}`"),
    ("{user-id}", "write `{user_id}`"),
    ("{}", "write `{name}`"),
    ("{name=*}", "write `{name}`"),
    ("{slug:[a-z0-9]+}", "write `{slug}`"),
    ("<slug:page>", "write `{page}`"),
    ("<slug>", "write `{slug}`"),
    ("{slug:alpha}", "write `{slug}`"),
    ("(?<slug>\\w+)", "write `{slug}`"),
    ("%s", "write `{name}`"),
    ("%d", "write `{name}`"),
    ("%", "write `{name}`"),
    // Of a type.
    ("<int:id>", "write `{id:int}` for any whole number"),
    ("<id:int>", "write `{id:int}`"),
    ("<uuid:id>", "write `{id:uuid}`"),
    ("{id:guid}", "write `{id:uuid}` for any UUID"),
    ("{id:long}", "write `{id:int}`"),
    ("{id:\\d+}", "write `{id:int}`"),
    ("{id:[0-9]+}", "write `{id:int}`"),
    (":id(\\d+)", "write `{id:int}`"),
    ("(?P<id>\\d+)", "write `{id:int}`"),
    ("$id<[0-9]+>", "write `{id:int}`"),
    ("(\\d+)", "write `{name:int}`"),
    ("[0-9]+", "write `{name:int}`"),
    // Or nothing.
    ("{id?}", "write two routes, one with `{id}` and one without it"),
    ("{id}?", "write two routes, one with `{id}` and one without it"),
    ("{id:int?}", "write two routes, one with `{id:int}` and one without it"),
    ("{id=5}", "write two routes, one with `{id}` and one without it"),
    (":id?", "write two routes, one with `{id}` and one without it"),
    ("(:id)", "write two routes, one with `{id}` and one without it"),
    ("[[id]]", "write two routes, one with `{id}` and one without it"),
    ("[[...slug]]", "write two routes, one with `{slug...}` and one without it"),
    // A part of a segment.
    ("*.json", "a capture takes a whole segment"),
    ("v*", "a capture takes a whole segment: write `{v}` alone, or `v%2A` for this very text"),
    ("x{id}", "a capture takes a whole segment"),
    ("{id}.json", "a capture takes a whole segment: write `{id}` alone"),
    ("{id}:archive", "a capture takes a whole segment: write `{id}` alone"),
    ("@{user}", "a capture takes a whole segment"),
    ("Items({id})", "a capture takes a whole segment"),
    ("[id].json", "a capture takes a whole segment"),
    ("{a}-{b}", "a capture takes a whole segment"),
    // Others.
    ("(a|b)", "write a route for each of its texts"),
    ("a|b", "write a route for each of its texts"),
    ("users?", "write a route for each of its texts"),
    ("{$}", "leave `^` and `$` out"),
    ("admin$", "leave `^` and `$` out"),
    ("^admin", "leave `^` and `$` out"),
    ("^admin$", "leave `^` and `$` out"),
];

#[test]
fn wildcard_of_another_router_is_a_fault_that_names_what_was_meant() {
    for (segment, meant) in WILDCARDS {
        for template in [format!("/{segment}"), format!("/admin/{segment}"), format!("/{segment}/x")] {
            let fault = fault(&template);
            let begins = [format!("`{segment}` is no literal"), format!("`{segment}` is no capture")];
            assert!(begins.iter().any(|begin| fault.starts_with(begin)), "{template}: {fault}");
            assert!(fault.contains(meant), "{template}: {fault}");
        }
    }
}

#[test]
fn what_a_fault_says_to_write_is_sound() {
    for (segment, _meant) in WILDCARDS {
        let fault = fault(&format!("/{segment}"));
        let (_fault, advice) = fault.split_once("; ").unwrap();
        if advice.starts_with("leave") {
            continue;
        }
        for written in advice.split('`').skip(1).step_by(2) {
            assert!(PathTemplate::parse(&format!("/{written}")).is_ok(), "{segment}: {written}");
        }
    }
}

#[test]
fn template_that_is_a_regular_expression_is_told_so() {
    for template in ["^/admin/.*$", "^/admin", "~ ^/admin", "~* /admin", "^.*$"] {
        assert!(fault(template).starts_with("a path template is no regular expression"), "{template}");
    }
    for (template, meant) in [("*", "write `{name}`"), ("**", "write `{rest...}`"), (".*", "write `{rest...}`")] {
        assert!(fault(template).contains(meant), "{template}");
    }
    for template in ["/@:user/settings", "/flights/from-:from", "/users/user-:id", "/files/name.:ext", "/a/_:id"] {
        assert!(fault(template).contains("write `{"), "{template}: {}", fault(template));
    }
    // What is optional with its slash is cut in two by it.
    for template in ["/posts(/:id)", "/users/:id(.:format)", "/users(.:format)", "/a/{name=shelves/*}", "/{id:[^/]+}"] {
        assert!(fault(template).contains("; write "), "{template}: {}", fault(template));
    }
}

#[test]
fn literals_that_services_have_are_no_wildcards() {
    for segment in [
        "books:batch",
        "12:30",
        "urn:x:1",
        "std::fmt",
        "v1:search",
        "-:aggregate",
        "@me",
        "@scope",
        "$metadata",
        "$batch",
        "$count",
        "$crossjoin(Products,Sales)",
        "Items(1)",
        "People('x')",
        "GetNearest(lat=1,lon=2)",
        "Default.Count()",
        "_search",
        "~user",
        "-",
        "a+b",
        "c++",
        "id+",
        "a$b",
        "a=b",
        "a,b",
        "main...dev",
        ".well-known",
        "robots.txt",
        "100%25",
        "O'Neil",
        "!",
        "%3Aid",
        "%24id",
        "%24everything",
        "%2A",
        "%2A%2A",
        "%7Bid%7D",
        "%28a%29",
        "%3Cid%3E",
        "%5Bid%5D",
    ] {
        for template in [format!("/{segment}"), format!("/a/{segment}"), format!("/{segment}/b")] {
            assert!(PathTemplate::parse(&template).is_ok(), "{template}: {}", fault(&template));
        }
    }
}
