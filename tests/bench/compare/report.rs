//! Owns the table and the picture.

use std::fmt::Write;
use std::path::Path;

use super::envoys::{CHAIN, CHAIN_COLD, FLOOD, JWT_COLD, NONE, NOOP, ROUTES, SCOPE_MISSING, VARIANTS, WARM};
use super::figures::{Spread, Taken};
use super::load::{CLIENTS, ROUNDS, TURNS};
use super::once::Once;

type Rounds = Vec<Vec<Taken>>;

pub fn write(tables: &[(usize, Rounds); 2], once: &Once) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    std::fs::create_dir_all(&folder).unwrap();
    let text = text(tables, once);
    println!("{text}");
    std::fs::write(folder.join("table.md"), text).unwrap();
    std::fs::write(folder.join("picture.svg"), picture(&tables[0].1)).unwrap();
}

fn text(tables: &[(usize, Rounds); 2], once: &Once) -> String {
    let mut text = String::new();
    for (workers, rounds) in tables {
        writeln!(text, "## {workers} worker{}\n", if *workers == 1 { "" } else { "s" }).unwrap();
        writeln!(
            text,
            "{ROUNDS} rounds of {TURNS} turns, {CLIENTS} connections. Microseconds: the median of the rounds, and the first and the \
             third quarter.\n"
        )
        .unwrap();
        writeln!(text, "| what | CPU a request | above no filter | a client's wait: p50 | p90 | p99 |").unwrap();
        writeln!(text, "| --- | --- | --- | --- | --- | --- |").unwrap();
        for (which, variant) in VARIANTS.iter().enumerate().filter(|(which, _variant)| !rounds[0][*which].is_empty()) {
            let own = Spread::of(rounds.iter().map(|round| round[which].cpu()));
            let above = increments(rounds, variant.name);
            let wait = |percentile| Spread::of(rounds.iter().map(|round| round[which].wait(percentile))).median;
            let [p50, p90, p99] = [50, 90, 99].map(wait);
            writeln!(
                text,
                "| {} | {} | {} | {p50:.0} | {p90:.0} | {p99:.0} |",
                variant.name,
                own.written(1),
                above.written(1)
            )
            .unwrap();
        }
        writeln!(text, "\n| ratio of increments above no filter | measured | target |\n| --- | --- | --- |").unwrap();
        let are_measured = |(_, one, other, _): &(_, &str, &str, _)| {
            [one, other].iter().all(|name| !rounds[0][place(name)].is_empty())
        };
        for (what, one, other, target) in RATIOS.into_iter().filter(are_measured) {
            writeln!(text, "| {what} | {} | {target} |", ratio(rounds, one, other).written(2)).unwrap();
        }
        text.push('\n');
    }
    writeln!(text, "## Once\n\n| what | measured |\n| --- | --- |").unwrap();
    for (what, measured) in once {
        writeln!(text, "| {what} | {measured} |").unwrap();
    }
    text
}

/// What is held against what, and the target.
const RATIOS: [(&str, &str, &str, &str); 5] = [
    ("allowed, facts known, against Envoy's own chain", WARM, CHAIN, "at most 1.0; stretch 0.8"),
    ("refused for want of a scope, against allowed", SCOPE_MISSING, WARM, "at most 1.5"),
    ("a new JWT (RS256), against `jwt_authn` + `rbac` without a cache", JWT_COLD, CHAIN_COLD, "at most 1.05"),
    ("10,000 routes against 10", ROUTES[2].1, ROUTES[0].1, "at most 1.1"),
    ("refused: a token nobody knows, against the plugin that does nothing", FLOOD, NOOP, "at most 4"),
];

fn place(name: &str) -> usize {
    VARIANTS.iter().position(|variant| variant.name == name).unwrap()
}

fn increments(rounds: &Rounds, name: &str) -> Spread {
    Spread::of(rounds.iter().map(|round| round[place(name)].cpu() - round[place(NONE)].cpu()))
}

fn ratio(rounds: &Rounds, one: &str, other: &str) -> Spread {
    let none = place(NONE);
    let above = |round: &Vec<Taken>, name| round[place(name)].cpu() - round[none].cpu();
    Spread::of(rounds.iter().map(|round| above(round, one) / above(round, other)))
}

/// Bars of what each adds to a request.
fn picture(rounds: &Rounds) -> String {
    let measured = VARIANTS[1..].iter().filter(|variant| !rounds[0][place(variant.name)].is_empty());
    let bars: Vec<_> = measured.map(|variant| (variant.name, increments(rounds, variant.name).median)).collect();
    let most = bars.iter().map(|(_name, cost)| *cost).fold(1.0, f64::max);
    let (row, left, width) = (22, 300, 420.0);
    let height = bars.len() * row + 40;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 800 {height}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"800\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"8\" y=\"18\" font-weight=\"bold\">Microseconds of Envoy's CPU that a filter adds to a request (1 worker)</text>\n"
    );
    for (index, (name, cost)) in bars.iter().enumerate() {
        let y = index * row + 30;
        let fill = if name.starts_with("Brama") { "#2b6cb0" } else { "#a0aec0" };
        writeln!(
            svg,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{name}</text><rect x=\"{left}\" y=\"{y}\" width=\"{:.1}\" height=\"16\" \
             fill=\"{fill}\"/><text x=\"{:.1}\" y=\"{}\">{cost:.0}</text>",
            left - 8,
            y + 12,
            cost / most * width,
            f64::from(left) + cost / most * width + 6.0,
            y + 12
        )
        .unwrap();
    }
    svg.push_str("</svg>\n");
    svg
}
