//! How many requests `brama decide` decides in a second: a file of a million lines, five runs, the median.

#![allow(clippy::restriction, reason = "a measurement ends where something is amiss")]

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const LINES: u32 = 1_000_000;
const RUNS: usize = 5;

fn main() {
    // Cargo names its own folder under the target one.
    let input = Path::new(env!("CARGO_TARGET_TMPDIR")).join("requests.jsonl");
    write_requests(&input);
    let bytes = fs::metadata(&input).unwrap().len();
    println!("input: {LINES} lines, {} bytes each", bytes / u64::from(LINES));
    let mut runs: Vec<Duration> = (0..RUNS).map(|_run| decide(&input)).collect();
    fs::remove_file(&input).unwrap();
    runs.sort_unstable();
    let median = runs.get(RUNS / 2).unwrap();
    for run in &runs {
        println!("run: {:.2} s", run.as_secs_f64());
    }
    println!("brama decide: {:.0} lines per second (median of {RUNS})", f64::from(LINES) / median.as_secs_f64());
}

/// One run; its output goes nowhere.
fn decide(input: &Path) -> Duration {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/ehealth.yaml");
    let start = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_brama"))
        .arg("decide")
        .arg(policy)
        .stdin(File::open(input).unwrap())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "every line is a request");
    start.elapsed()
}

/// Requests as a gateway sees them: two in three may pass, each is of another client and resource, with the headers
/// that clients send.
fn write_requests(path: &Path) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    for number in 0..LINES {
        let client = format!("1380df72-275a-11e7-93ae-{:012x}", number.wrapping_mul(2_654_435_761));
        let other = format!("2380df72-275a-11e7-93ae-{number:012x}");
        let connection = format!("/api/clients/{client}/connections/e5372365-d47a-467f-81d0-{number:012x}");
        let division = format!("/api/admin/contract_divisions/b075f148-7f93-4fc2-b2ec-{number:012x}");
        let headers = format!(
            r#"[["user-agent","Mozilla/5.0 (X11; Linux x86_64)"],["accept","application/json"],["x-request-id","{number:016x}"],["x-forwarded-for","10.{}.{}.7"]]"#,
            number % 251,
            number % 241
        );
        let api_key = format!(r#"{{"client_id":"{other}","client_type":"MIS","scope":"connection:delete"}}"#);
        let token = |client: &str, kind: &str, scope: &str| {
            format!(
                r#"{{"subject":"9b2f0e3c-94a5-4b5e-8a50-{number:012x}","client_id":"{client}","client_type":"{kind}","scope":"{scope}","expires":4000000000}}"#
            )
        };
        let delete = |path: &str, token: &str| {
            format!(
                r#"{{"method":"DELETE","host":"api.example","path":"{path}","headers":{headers},"api_key":{api_key},"token":{token}}}"#
            )
        };
        let line = match number % 9 {
            0..=2 => delete(&connection, &token(&client, "MSP", "connection:read connection:delete")),
            3 => delete(&connection, &token(&other, "NHS", "connection:delete")),
            4 => delete(&division, &token(&client, "NHS ADMIN", "contracts:read private_contracts:write")),
            5 => format!(r#"{{"method":"GET","path":"/readyz","headers":{headers}}}"#),
            6 => delete(&connection, &token(&other, "MSP", "connection:delete")),
            7 => delete(&division, &token(&client, "MIS", "contracts:read")),
            _ => delete(&connection, r#""refused""#),
        };
        writeln!(file, "{line}").unwrap();
    }
    file.flush().unwrap();
}
