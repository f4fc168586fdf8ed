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

fn covering<'r>(routes: &'r [Entry], host: &Host<'_>) -> Vec<(usize, &'r PathTemplate)> {
    let asked = HostPattern::Name(host.name().into_owned());
    let mut order: Vec<_> = routes.iter().enumerate().filter(|(_, (host, _))| host.covers(&asked)).collect();
    order.sort_by_key(|(_, entry)| rank(entry));
    order.into_iter().map(|(number, (_, template))| (number, template)).collect()
}

fn one_by_one(routes: &[Entry], host: &Host<'_>, segments: &[Cow<'_, str>]) -> Option<usize> {
    covering(routes, host)
        .into_iter()
        .find(|(_, template)| template.matches(segments).is_some())
        .map(|(number, _)| number)
}

/// Each template spelt out on the path, where that makes another path of it that is the same but for the case of
/// letters.
fn alike_one_by_one(routes: &[Entry], host: &Host<'_>, segments: &[Cow<'_, str>]) -> Vec<usize> {
    let small = |text: &str| text.to_lowercase();
    let mut found = Vec::new();
    for (_, template) in covering(routes, host) {
        let mut spelt = segments.to_vec();
        for (place, segment) in spelt.iter_mut().zip(template.segments()) {
            match segment {
                Segment::Literal(text) => *place = text.clone().into(),
                Segment::Capture { kind: CaptureKind::Uuid | CaptureKind::Int, .. } => *place = small(place).into(),
                Segment::Capture { .. } => {}
            }
        }
        let is_alike = spelt.iter().zip(segments).all(|(one, two)| small(one) == small(two));
        if is_alike && spelt != segments && template.matches(&spelt).is_some() && template.matches(segments).is_none() {
            found.extend(one_by_one(routes, host, &spelt));
        }
    }
    found.sort_unstable();
    found
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
        let segments = path.segments();
        prop_assert_eq!(router.find("GET", &host, segments).map(|found| found.route), one_by_one(&routes, &host, segments));
        let mut alike = router.confusable("GET", &host, segments);
        alike.sort_unstable();
        prop_assert_eq!(alike, alike_one_by_one(&routes, &host, segments));
    }
}
