//! The tree against a search one by one through all routes, the most exact first: slow, and plain to see.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

type Entry = (HostPattern, PathTemplate);

/// How exact a host and a template are: the smaller, the more.
fn rank((host, template): &Entry) -> (usize, Vec<u8>) {
    let host = match host {
        HostPattern::Name(_) => 0,
        HostPattern::Suffix(suffix) => 1000 - suffix.len(),
        HostPattern::Any => 1001,
    };
    let segments = template.segments().iter().map(|segment| match segment {
        Segment::Literal(_) => 0,
        Segment::Capture { kind: CaptureKind::Uuid | CaptureKind::Int, .. } => 1,
        Segment::Capture { kind: CaptureKind::Any, .. } => 2,
        Segment::Capture { kind: CaptureKind::Rest, .. } => 3,
    });
    (host, segments.collect())
}

fn one_by_one(routes: &[Entry], host: &Host<'_>, path: &CanonicalPath<'_>) -> Result<Option<usize>, Ambiguity> {
    let asked = HostPattern::Name(host.name().into_owned());
    let mut order: Vec<_> = routes.iter().enumerate().filter(|(_, (host, _))| host.covers(&asked)).collect();
    order.sort_by_key(|(_, entry)| rank(entry));
    for (number, (_, template)) in order {
        match template.matches(path) {
            Match::No => {}
            Match::Yes(_) => return Ok(Some(number)),
            Match::ButForCase => return Err(Ambiguity::LetterCase),
        }
    }
    Ok(None)
}

fn with_slash_rule(routes: &[Entry], host: &Host<'_>, path: &CanonicalPath<'_>) -> Result<Option<usize>, Ambiguity> {
    let found = one_by_one(routes, host, path)?;
    match (found, path.without_trailing_slash()) {
        (Some(route), Some(bare)) if one_by_one(routes, host, &bare)? != Some(route) => Err(Ambiguity::TrailingSlash),
        (found, _) => Ok(found),
    }
}

const UUID: &str = "1380df72-275a-11e7-93ae-92361f002671";

fn template() -> impl Strategy<Value = String> {
    let segment = select(vec!["a", "A", "b", "7", UUID, "{x}", "{x:int}", "{x:uuid}"]);
    (prop::collection::vec(segment, 0..4), any::<bool>()).prop_map(|(segments, rest)| {
        let mut text: String = segments
            .iter()
            .enumerate()
            .map(|(number, segment)| format!("/{}", segment.replace('x', &format!("x{number}"))))
            .collect();
        if rest || text.is_empty() {
            text.push_str("/{r...}");
        }
        text
    })
}

fn path() -> impl Strategy<Value = String> {
    let segment = select(vec![
        "a".to_owned(),
        "A".into(),
        "b".into(),
        "7".into(),
        "07".into(),
        UUID.into(),
        UUID.to_uppercase(),
        "c".into(),
    ]);
    (prop::collection::vec(segment, 1..5), prop::bool::weighted(0.2))
        .prop_map(|(segments, slash)| format!("/{}{}", segments.join("/"), if slash { "/" } else { "" }))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2048) })]

    #[test]
    fn tree_finds_what_a_search_one_by_one_finds(
        entries in prop::collection::vec((select(vec!["", "h", "*.h", "g.h", "*.g.h"]), template()), 1..8),
        host in select(vec!["h", "g.h", "f.g.h", "i.h", "other"]),
        path in path(),
    ) {
        let mut router = Router::default();
        let mut routes: Vec<Entry> = Vec::new();
        for (host, template) in entries {
            let host = if host.is_empty() { HostPattern::Any } else { host.parse().unwrap() };
            let template = PathTemplate::parse(&template).unwrap();
            // Equals are faults.
            if router.add(&host, "GET", &template, routes.len()).is_ok() {
                routes.push((host, template));
            }
        }
        let (host, path) = (Host::parse(host.as_bytes()).unwrap(), CanonicalPath::parse(path.as_bytes()).unwrap());
        let found = router.find("GET", &host, &path).map(|found| found.map(|found| found.route));
        prop_assert_eq!(found, with_slash_rule(&routes, &host, &path));
    }
}
