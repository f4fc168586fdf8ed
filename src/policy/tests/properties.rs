//! Laws that hold for every request and policy, whatever the bytes.

use std::sync::Arc;

use brama_policy::deciding::{CanonicalPath, Decision, Host, Policy, PolicyDocument, Request, Step};
use brama_policy::identity::{Answer, Fact, Facts, GrantedScopes, Scope, Unavailable};
use proptest::prelude::*;
use proptest::sample::select;

const PATH: &str = "/api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/c1";

fn facts(client_id: &str, client_type: Option<&str>, scope: &str) -> Answer {
    Answer::Active(Arc::new(Facts {
        subject: Some("u".parse().unwrap()),
        client_id: Some(client_id.parse().unwrap()),
        client_type: client_type.map(|text| text.parse().unwrap()),
        scope: scope.parse().unwrap(),
        not_before: None,
        expires: None,
        further: Vec::new(),
    }))
}

fn allowed(policy: &Arc<Policy>, path: &str, answer: &Answer) -> bool {
    let headers = crate::support::headers("DELETE", path, &[("api-key", "k"), ("authorization", "Bearer t")]);
    matches!(crate::support::judge(policy, &headers, |_| answer.clone()), Decision::Allow(_))
}

/// Bytes a hostile client would put into a path.
fn target() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        select(vec![
            "/", "//", "/.", "/..", "%2f", "%2F", "%5C", "\\", ";", "#", "?", "%25", "%2541", "%00", "%", "%c3%28",
            "%C3%A9", "%c3%a9", "%c3%A9"
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        select(vec!["api", "clients", "connections", "1380df72-275a-11e7-93ae-92361f002671", "readyz", "Api", "c1"])
            .prop_map(|piece| format!("/{piece}").into_bytes()),
        prop::collection::vec(any::<u8>(), 0..4),
    ];
    prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn nobody_passes_a_guarded_route_without_being_vouched_for(
        method in "\\PC{0,8}|DELETE|GET",
        host in prop::collection::vec(any::<u8>(), 0..12),
        path in target(),
        token in prop::collection::vec(any::<u8>(), 0..20),
    ) {
        let headers = vec![
            (":method".to_owned(), method.into_bytes()),
            (":authority".to_owned(), host),
            (":path".to_owned(), path),
            ("api-key".to_owned(), b"k".to_vec()),
            ("authorization".to_owned(), token),
        ];
        if let Decision::Allow(grant) = crate::support::judge(&crate::support::ehealth(), &headers, |_| Answer::Inactive) {
            prop_assert_eq!((grant.rule().unwrap().as_str(), grant.set().len()), ("readyz", 0));
        }
    }

    #[test]
    fn only_the_one_spelling_of_a_route_passes(path in target()) {
        let policy = crate::support::ehealth();
        let mut headers = crate::support::headers("GET", "/", &[]);
        headers[3].1.clone_from(&path);
        if let Decision::Allow(_) = crate::support::judge(&policy, &headers, |_| Answer::Inactive) {
            prop_assert_eq!(path.split(|byte| *byte == b'?').next().unwrap(), b"/readyz");
        }
    }

    #[test]
    fn canonical_path_has_no_second_spelling(path in target()) {
        if let Ok(canonical) = CanonicalPath::parse(&path) {
            for (sent, decoded) in canonical.normal()[1..].split('/').zip(canonical.segments()) {
                prop_assert!(!decoded.contains(['/', '\\']) && *decoded != "." && *decoded != "..");
                prop_assert!(!decoded.chars().any(|letter| letter.is_ascii_control()));
                prop_assert_eq!(encoded(decoded, sent), sent);
            }
            prop_assert!(path.starts_with(canonical.as_str().as_bytes()));
        }
    }

    #[test]
    fn credential_is_one_segment_of_a_question_or_not_asked_about(
        api_key in prop_oneof!["[!-+--~]{1,12}", "[./%\\\\25fFeE]{1,6}"],
    ) {
        let policy = crate::support::policy(include_str!("support/mithril.yaml"));
        let headers = crate::support::headers("DELETE", "/brokered", &[("api-key", &api_key), ("authorization", "Bearer t")]);
        let Step::Ask(lookup, _awaiting) = policy.begin(&Request::new(&headers), crate::support::now()) else { panic!("{api_key}") };
        if let Ok(question) = lookup.question(|_name| None) {
            let (_name, path) = question.headers.iter().find(|(name, _value)| *name == ":path").unwrap();
            let read = CanonicalPath::parse(path.as_bytes()).unwrap();
            prop_assert_eq!(read.as_str(), path);
            prop_assert_eq!(read.segments(), ["admin", "api_key", api_key.as_str(), "verify"]);
        }
    }

    #[test]
    fn more_scopes_never_close_what_was_open(extra in prop::collection::vec("[a-z:]{1,10}", 0..5)) {
        let id = "1380df72-275a-11e7-93ae-92361f002671";
        let policy = crate::support::ehealth();
        let scope = format!("connection:delete {}", extra.join(" "));
        prop_assert!(allowed(&policy, PATH, &facts(id, Some("MSP"), &scope)));
        let without = extra.join(" ");
        if !extra.iter().any(|scope| scope == "connection:delete") {
            prop_assert!(!allowed(&policy, PATH, &facts(id, Some("MSP"), &without)));
        }
    }

    #[test]
    fn nobody_unnamed_acts_on_anothers(client_type in prop::option::of("[A-Z][A-Z ]{0,8}[A-Z]"), client_id in "[a-z0-9-]{1,36}") {
        let exempt = matches!(client_type.as_deref(), Some("NHS" | "NHS ADMIN"));
        let own = client_id == "1380df72-275a-11e7-93ae-92361f002671";
        let passes = allowed(&crate::support::ehealth(), PATH, &facts(&client_id, client_type.as_deref(), "connection:delete"));
        prop_assert_eq!(passes, exempt || own);
    }

    #[test]
    fn shadow_mode_tells_what_enforcing_would_do(
        path in prop_oneof![Just(PATH.as_bytes().to_vec()), target()],
        method in select(vec!["DELETE", "GET", "TRACE"]),
        sent in prop::collection::vec(select(vec![("api-key", "k"), ("api-key", "a b"), ("authorization", "Bearer t"), ("authorization", "Basic t"), ("x-consumer-id", "f")]), 0..4),
        answer in select(vec![0, 1, 2]),
        scope in select(vec!["", "connection:delete"]),
        client_id in select(vec!["1380df72-275a-11e7-93ae-92361f002671", "c"]),
    ) {
        let shipped = include_str!("../../../policies/ehealth.yaml");
        let shadow = crate::support::policy(&shipped.replacen("name: ehealth\n", "name: ehealth\nmode: { shadow: { because: a test } }\n", 1));
        let mut headers = crate::support::headers(method, "/", &sent);
        headers[3].1 = path;
        let authority = |_: &brama_policy::identity::Lookup| match answer {
            0 => Answer::Inactive,
            1 => Answer::Unavailable(Unavailable::NoReply),
            _ => facts(client_id, Some("MSP"), scope),
        };
        let enforced = crate::support::judge(&crate::support::ehealth(), &headers, authority);
        let shadowed = crate::support::judge(&shadow, &headers, authority);
        match (enforced, shadowed) {
            (Decision::Allow(one), Decision::Allow(two)) => prop_assert_eq!(one, two),
            (Decision::Refuse(one), Decision::Allow(two)) => {
                prop_assert!(one.denial().is_waived_in_shadow());
                prop_assert_eq!((Some(one.denial()), one.rule()), (two.would_refuse(), two.rule()));
                // Nothing a client sent passes for an identity.
                prop_assert!(headers.iter().all(|(name, _)| !name.starts_with("x-consumer") || two.remove().contains(name)));
            }
            (Decision::Refuse(one), Decision::Refuse(two)) => {
                prop_assert!(!two.denial().is_waived_in_shadow());
                // What shadow mode refuses may have stood behind what it waives.
                prop_assert!(one == two || one.denial().is_waived_in_shadow());
            }
            (Decision::Allow(one), Decision::Refuse(two)) => prop_assert!(false, "{:?} {:?}", one, two),
        }
    }

    #[test]
    fn order_of_routes_never_decides(order in Just(vec![0_usize, 1, 2, 3, 4]).prop_shuffle(), path in select(vec!["/a/b", "/a/1380df72-275a-11e7-93ae-92361f002671", "/a/x", "/x/b", "/x/y"])) {
        let templates = ["/a/b", "/a/{id:uuid}", "/a/{x}", "/{x}/b", "/{x}/{y}"];
        let routes: Vec<_> = order.iter().map(|index| serde_json::json!({
            "id": format!("r{index}"), "methods": ["GET"], "path": templates[*index], "public": {"because": "a test"}
        })).collect();
        let document = serde_json::json!({"version": 1, "name": "x", "forward": {"headers": {}}, "refusals": {"format": "ehealth"}, "routes": routes});
        let policy = Arc::new(Policy::compile(&PolicyDocument::read(&document.to_string()).unwrap()).unwrap());
        let Decision::Allow(grant) = crate::support::judge(&policy, &crate::support::headers("GET", path, &[]), |_| Answer::Inactive) else { panic!("refused") };
        let wanted = ["/a/b", "/a/1380df72-275a-11e7-93ae-92361f002671", "/a/x", "/x/b", "/x/y"].iter().position(|known| *known == path).unwrap();
        prop_assert_eq!(grant.rule().unwrap().as_str(), format!("r{wanted}"));
    }

    #[test]
    fn parsed_texts_print_as_they_were_read(text in "\\PC{0,20}") {
        if let Ok(scope) = text.parse::<Scope>() {
            prop_assert_eq!(scope.to_string(), text.as_str());
        }
        if let Ok(fact) = text.parse::<Fact>() {
            prop_assert_eq!(fact.to_string(), text.as_str());
        }
        if let Ok(host) = Host::parse(text.as_bytes()) {
            prop_assert_eq!(host.as_str(), text.as_str());
        }
        if let Ok(scopes) = text.parse::<GrantedScopes>() {
            prop_assert_eq!(scopes.to_string().parse::<GrantedScopes>().unwrap(), scopes);
        }
    }

    #[test]
    fn random_text_is_no_document(text in "\\PC{0,200}") {
        prop_assert!(PolicyDocument::read(&text).is_err());
    }

    #[test]
    fn shipped_policy_with_anything_cut_out_never_opens(cut in any::<prop::sample::Index>()) {
        let value: serde_json::Value = serde_saphyr::from_str(include_str!("../../../policies/ehealth.yaml")).unwrap();
        let mut pointers = Vec::new();
        collect(&value, String::new(), &mut pointers);
        let pointer = cut.get(&pointers);
        let mut less = value.clone();
        remove(&mut less, pointer);
        let Ok(document) = PolicyDocument::read(&less.to_string()) else { return Ok(()) };
        let Ok(policy) = Policy::compile(&document) else { return Ok(()) };
        // Ownership and exemptions may be left out on purpose; scopes and credentials may not.
        let policy = Arc::new(policy);
        let own = "1380df72-275a-11e7-93ae-92361f002671";
        prop_assert!(!allowed(&policy, PATH, &facts(own, Some("MSP"), "")), "{}", pointer);
        for missing in ["api-key", "authorization"] {
            let mut headers = crate::support::headers("DELETE", PATH, &[("api-key", "k"), ("authorization", "Bearer t")]);
            headers.retain(|(name, _)| name != missing);
            let decision = crate::support::judge(&policy, &headers, |_| facts(own, Some("MSP"), "connection:delete"));
            // A kind that is taken out of the list is no longer wanted; nothing else may open the route.
            let taken_out = pointer.starts_with("/routes/0/require/credentials/");
            prop_assert!(taken_out || matches!(decision, Decision::Refuse(_)), "{} {}", pointer, missing);
        }
    }
}

/// A segment's text as RFC 3986 writes it, where `sent` decides which of the reserved characters stand for themselves.
fn encoded(decoded: &str, sent: &str) -> String {
    let mut rest = sent;
    decoded
        .bytes()
        .map(|byte| {
            let plain = char::from(byte).to_string();
            let text = if rest.starts_with(&plain) && byte != b'%' { plain } else { format!("%{byte:02X}") };
            rest = rest.get(text.len()..).expect("as much was sent as was decoded");
            text
        })
        .collect()
}

fn collect(value: &serde_json::Value, at: String, pointers: &mut Vec<String>) {
    let children: Vec<(String, &serde_json::Value)> = match value {
        serde_json::Value::Object(members) => {
            members.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        serde_json::Value::Array(entries) => {
            entries.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _leaf => Vec::new(),
    };
    for (key, child) in children {
        let pointer = format!("{at}/{key}");
        pointers.push(pointer.clone());
        collect(child, pointer, pointers);
    }
}

fn remove(value: &mut serde_json::Value, pointer: &str) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        serde_json::Value::Object(members) => {
            members.remove(&last.replace("~1", "/").replace("~0", "~")).unwrap();
        }
        serde_json::Value::Array(entries) => {
            entries.remove(last.parse().unwrap());
        }
        _leaf => panic!("no parent"),
    }
}
