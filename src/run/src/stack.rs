//! Owns the running stack: the order in which its processes start, when it counts as ready, and its end.

use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::data::{Data, Logs};
use crate::error::StartError;
use crate::prepare::database_url;
use crate::probe;
use crate::process::Process;
use crate::settings::Settings;

/// A stack that serves. Dropping it stops it.
#[derive(Debug)]
pub struct Stack {
    // In the order in which they are dropped: first what takes requests, last the folders.
    envoy: Process,
    upstream: Process,
    address: SocketAddr,
    admin_address: SocketAddr,
    proof: Proof,
    data: Data,
}

/// The result of the last step of the start.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Proof {
    /// The filter itself refused the probe: it judges, but the way to the upstream was not tried.
    Filter,
    /// A request went through the filter to the upstream and back.
    Upstream,
}

/// The end of a process that should run.
#[derive(Debug)]
pub struct Death {
    name: &'static str,
    status: ExitStatus,
    report: String,
}

impl Stack {
    pub(crate) fn start(
        settings: &Settings,
        data: Data,
        secret: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<Self, StartError> {
        let mut upstream = start_upstream(settings, &data, secret, stop)?;
        let mut envoy = start_envoy(settings, &data, secret)?;
        let mut waiting = Waiting { stop, until: Instant::now() + ENVOY_PATIENCE, limit: ENVOY_PATIENCE };

        let admin_address = waiting.wait("Envoy's administration did not answer", &mut [&mut envoy], || {
            Ok(fs::read_to_string(data.admin_address()).ok().and_then(|text| text.trim().parse().ok()))
        })?;
        let address =
            waiting.wait("Envoy did not listen", &mut [&mut envoy, &mut upstream], || Ok(listener(admin_address)))?;
        let access_log = data.logs().access;
        let mut rejected = None;
        let proof = waiting.wait("no request came through the filter", &mut [&mut envoy, &mut upstream], || {
            match try_request(address, &access_log) {
                Attempt::Proved(proof) => Ok(Some(proof)),
                Attempt::NotYet => Ok(None),
                Attempt::NoPlugin(status) => {
                    // Reported only if it lasts, since Envoy may answer so while it loads the plugin.
                    let since: Instant = *rejected.get_or_insert_with(Instant::now);
                    match since.elapsed() > REJECTION_PATIENCE {
                        false => Ok(None),
                        true => Err(StartError::PluginRejected { status, report: String::new() }),
                    }
                }
            }
        });
        let proof = proof.map_err(|error| match error {
            StartError::PluginRejected { status, .. } => StartError::PluginRejected { status, report: envoy.report() },
            other => other,
        })?;
        Ok(Self { envoy, upstream, address, admin_address, proof, data })
    }

    /// The address at which the gateway listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address at which Envoy's administration listens.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// The result of the last step of the start.
    pub fn proof(&self) -> Proof {
        self.proof
    }

    /// The log files of the processes.
    pub fn logs(&self) -> Logs {
        self.data.logs()
    }

    /// The file with the policy as Envoy takes it. A file renamed onto it is taken up at any time.
    pub fn ecds(&self) -> PathBuf {
        self.data.ecds()
    }

    /// The first process that has ended by itself, if any.
    pub fn death(&mut self) -> Option<Death> {
        [&mut self.envoy, &mut self.upstream].into_iter().find_map(|process| {
            let status = process.ended()?;
            Some(Death { name: process.name(), status, report: process.report() })
        })
    }

    /// Stops the processes and removes the temporary folders.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // Both are asked at once; each is waited for when it is dropped.
        self.envoy.ask_to_end();
        self.upstream.ask_to_end();
    }
}

impl Death {
    /// The last lines of the process's log.
    pub fn report(&self) -> &str {
        &self.report
    }
}

impl fmt::Display for Death {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ended by itself ({})", self.name, self.status)
    }
}

fn start_upstream(
    settings: &Settings,
    data: &Data,
    secret: &str,
    stop: &dyn Fn() -> bool,
) -> Result<Process, StartError> {
    let mut command = Command::new(&settings.upstream);
    command.arg("serve");
    command.env("DATABASE_URL", database_url(settings, data));
    command.env("PUBLIC_LISTEN", format!("unix:{}", data.public_socket().display()));
    command.env("INTERNAL_LISTEN", format!("unix:{}", data.internal_socket().display()));
    // Only this run's secret is valid: another one in the environment must not open the authority.
    command.env("BRAMA_AUTHORITY_SECRET", secret).env_remove("BRAMA_AUTHORITY_SECRET_PREVIOUS");
    // The log is a file, so colours are off even if the launcher was started from a terminal.
    command.env("NO_COLOR", "1");
    let mut process = Process::start("the upstream", &mut command, &data.logs().upstream)?;

    let authorization = format!("Authorization: Bearer {secret}");
    let sockets = [(data.public_socket(), ""), (data.internal_socket(), authorization.as_str())];
    let mut waiting = Waiting { stop, until: Instant::now() + UPSTREAM_PATIENCE, limit: UPSTREAM_PATIENCE };
    waiting.wait("the upstream did not become ready", &mut [&mut process], || {
        let ready = |(socket, header): &(PathBuf, &str)| {
            probe::unix(socket, READINESS, header).is_ok_and(|reply| reply.status == 200)
        };
        Ok(sockets.iter().all(ready).then_some(()))
    })?;
    Ok(process)
}

fn start_envoy(settings: &Settings, data: &Data, secret: &str) -> Result<Process, StartError> {
    let mut command = Command::new(&settings.envoy);
    command.arg("-c").arg(data.bootstrap());
    command.arg("--admin-address-path").arg(data.admin_address());
    command.args(["--concurrency", &settings.workers.to_string()]);
    // Hot restart shares memory under a number, which would have to differ between two stacks on one machine.
    command.args(["--disable-hot-restart", "--log-level", settings.log_level]);
    // People and tests look at the access log right after a request; Envoy would wait for ten seconds.
    command.args(["--file-flush-interval-msec", "100"]);
    command.env("BRAMA_AUTHORITY_SECRET", secret);
    Process::start("Envoy", &mut command, &data.logs().envoy)
}

/// The address of the listener `public`, as Envoy's administration tells it: `public::127.0.0.1:8080`.
fn listener(admin_address: SocketAddr) -> Option<SocketAddr> {
    let reply = probe::tcp(admin_address, "/listeners", "").ok()?;
    let address: SocketAddr = reply.body.lines().find_map(|line| line.strip_prefix("public::"))?.trim().parse().ok()?;
    (address.port() != 0).then_some(address)
}

enum Attempt {
    NoPlugin(u16),
    NotYet,
    Proved(Proof),
}

/// Sends one request and finds out how far it came.
fn try_request(address: SocketAddr, access_log: &PathBuf) -> Attempt {
    let id = format!("brama-run-{}", Uuid::new_v4());
    let Ok(reply) = probe::tcp(address, READINESS, &format!("x-request-id: {id}")) else {
        return Attempt::NotYet;
    };
    match reply.status {
        // Only the upstream answers with this status at this path.
        200 => Attempt::Proved(Proof::Upstream),
        // The answer of the Wasm extension when it has no configuration to run.
        500 => Attempt::NoPlugin(500),
        // The log tells whether the filter refused or Envoy itself; the answer does not.
        400..500 => match logged(access_log, &id) {
            Some(line) if line.contains(r#""details":"via_upstream""#) => Attempt::Proved(Proof::Upstream),
            Some(line) if line.contains(r#""refusal":"own""#) => Attempt::Proved(Proof::Filter),
            _ => Attempt::NotYet,
        },
        _ => Attempt::NotYet,
    }
}

/// The access log's line about a request, which is written a moment after the answer.
fn logged(access_log: &PathBuf, id: &str) -> Option<String> {
    let until = Instant::now() + LOG_PATIENCE;
    while Instant::now() < until {
        let log = fs::read_to_string(access_log).unwrap_or_default();
        if let Some(line) = log.split_inclusive('\n').find(|line| line.contains(id) && line.ends_with('\n')) {
            return Some(line.to_owned());
        }
        sleep(PAUSE);
    }
    None
}

/// A wait with a time limit. It also ends when a process does, or when the caller wants to stop.
struct Waiting<'a> {
    stop: &'a dyn Fn() -> bool,
    until: Instant,
    limit: Duration,
}

impl Waiting<'_> {
    /// Repeats `attempt` until it has a result. After a timeout the log of the first process is the report.
    fn wait<T>(
        &mut self,
        waited_for: &'static str,
        processes: &mut [&mut Process],
        mut attempt: impl FnMut() -> Result<Option<T>, StartError>,
    ) -> Result<T, StartError> {
        loop {
            if (self.stop)() {
                return Err(StartError::Interrupted);
            }
            for process in processes.iter_mut() {
                process.must_run().map_err(|error| self.unless_stopped(error))?;
            }
            if let Some(result) = attempt()? {
                return Ok(result);
            }
            if Instant::now() > self.until {
                let report = processes.first().map(|process| process.report()).unwrap_or_default();
                return Err(StartError::Timeout { waited_for, seconds: self.limit.as_secs(), report });
            }
            sleep(PAUSE);
        }
    }

    /// The error, or an interruption if the caller wants to stop: Ctrl-C reaches the processes too, and one of them may
    /// end before we hear of it.
    fn unless_stopped(&self, error: StartError) -> StartError {
        sleep(SIGNAL_PATIENCE);
        if (self.stop)() { StartError::Interrupted } else { error }
    }
}

/// The path of the readiness probe. The upstream answers it on both of its listeners, and the shipped policy lets it
/// through.
const READINESS: &str = "/readyz";

/// The time for the upstream to create a database, or to connect to one over a network.
const UPSTREAM_PATIENCE: Duration = Duration::from_secs(30);
/// The time for Envoy to start. It compiles the plugin once for each worker before it listens; slow on a loaded
/// machine.
const ENVOY_PATIENCE: Duration = Duration::from_secs(60);
const REJECTION_PATIENCE: Duration = Duration::from_secs(2);
/// The time for a line of the access log: ten times the interval at which Envoy writes it.
const LOG_PATIENCE: Duration = Duration::from_secs(1);
const SIGNAL_PATIENCE: Duration = Duration::from_millis(100);
const PAUSE: Duration = Duration::from_millis(20);
