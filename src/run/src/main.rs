//! Owns the output of the program: when the stack is ready, what to try, and in one sentence why it stopped.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::Duration;

use brama_run::{Prepared, Proof, Settings, Stack, StartError};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

fn main() -> ExitCode {
    let stopping = Arc::new(AtomicBool::new(false));
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        if let Err(error) = signal_hook::flag::register(signal, Arc::clone(&stopping)) {
            eprintln!("brama-run: cannot listen for signals: {error}");
            return ExitCode::FAILURE;
        }
    }
    let stop = || stopping.load(Ordering::Relaxed);
    match run(&stop) {
        Ok(()) => ExitCode::SUCCESS,
        // Ctrl-C ends a preparing command as well, which then looks like a failure.
        Err(_) if stop() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("brama-run: {}", failure.sentence);
            if !failure.report.is_empty() {
                eprintln!("{}", failure.report);
            }
            ExitCode::FAILURE
        }
    }
}

struct Failure {
    sentence: String,
    report: String,
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        Self { sentence: error.to_string(), report: error.report().to_owned() }
    }
}

fn run(stop: &dyn Fn() -> bool) -> Result<(), Failure> {
    let settings = Settings::from_environment()?;
    let demonstration = settings.is_demonstration();
    let kept = settings.data_dir.is_some();
    let render = format!("{} render POLICY --target envoy-ecds --wasm {}", near(&settings.brama), near(&settings.wasm));
    let prepared = Prepared::new(settings)?;
    eprint!("{}", prepared.notes());
    if let Some(remark) = prepared.envoy_remark() {
        eprintln!("note: {remark}");
    }
    let mut stack = prepared.start_unless(stop)?;

    // The reader may have gone (`make run | head`); the gateway serves all the same.
    let _ = greet(&stack, demonstration, kept, &render);
    while !stop() {
        if let Some(death) = stack.death() {
            // Ctrl-C reaches the processes too, and one may end before we hear of it.
            sleep(PAUSE);
            return Err(Failure { sentence: death.to_string(), report: death.report().to_owned() });
        }
        sleep(PAUSE);
    }
    stack.stop();
    Ok(())
}

fn greet(stack: &Stack, demonstration: bool, kept: bool, render: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "ready http://{}", stack.address())?;
    if stack.proof() == Proof::Filter {
        writeln!(
            out,
            "\nThe filter judges; the way to the upstream was not tried: the policy has no public route for GET /readyz."
        )?;
    }
    if demonstration {
        write!(out, "{}", requests_to_try(stack.address()))?;
    }
    writeln!(out, "\nAnother policy, without a restart:\n  {render} -o {}", stack.ecds().display())?;
    let logs = stack.logs();
    let until = if kept { "" } else { ", removed when this stops (DATA_DIR keeps them)" };
    writeln!(out, "\nLogs{until}:")?;
    writeln!(out, "  {}\n  {}\n  {}", logs.access.display(), logs.envoy.display(), logs.upstream.display())?;
    writeln!(out, "Envoy's administration: http://{}", stack.admin_address())?;
    out.flush()
}

/// A path relative to the current folder, if it lies below that.
fn near(path: &Path) -> std::path::Display<'_> {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path).display()
}

/// The specifications' own examples, which the demonstration's fixture contains, and one request that is refused.
fn requests_to_try(address: SocketAddr) -> String {
    let connection =
        "api/clients/1380df72-275a-11e7-93ae-92361f002671/connections/e5372365-d47a-467f-81d0-f35117864352";
    let division = "api/admin/contract_divisions/b075f148-7f93-4fc2-b2ec-2d81b19a9b7b";
    format!(
        "
Refused, for want of a token:
  curl -i -X DELETE http://{address}/{connection} \\
    -H 'api-key: uXhEczJ56adsfh3Ri9SUkc4en'

A client deletes its own connection:
  curl -i -X DELETE http://{address}/{connection} \\
    -H 'api-key: uXhEczJ56adsfh3Ri9SUkc4en' -H 'Authorization: Bearer c2778f3064753ea70de870a53795f5c9'

An NHS administrator deletes a contract's division:
  curl -i -X DELETE http://{address}/{division} \\
    -H 'api-key: c2778f3064753ea70de870a53795f5c9' -H 'Authorization: Bearer 0d7b3a5e9c1f4826b4d0a6e2f8c3957e'
"
    )
}

/// The period at which signals and ended processes are looked for.
const PAUSE: Duration = Duration::from_millis(100);
