//! Owns one process of the stack: its start, its log, its state, and its end.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::StartError;

/// A process that runs, and ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`. Its output is appended to `log`.
    pub(crate) fn start(name: &'static str, command: &mut Command, log: &Path) -> Result<Self, StartError> {
        let open = || -> io::Result<(File, File)> {
            let file = OpenOptions::new().create(true).append(true).open(log)?;
            Ok((file.try_clone()?, file))
        };
        let (out, err) =
            open().map_err(|source| StartError::File { doing: "write the log", path: log.to_owned(), source })?;
        // It stays in our process group: Ctrl-C reaches everything at once, and so does whoever ends the group.
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = child.map_err(|source| StartError::Spawn { name, source })?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The exit status of the process, if it has ended. A process whose status cannot be read counts as running.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Checks that the process runs; else the error has its last lines.
    pub(crate) fn must_run(&mut self) -> Result<(), StartError> {
        match self.ended() {
            None => Ok(()),
            Some(status) => Err(StartError::Died { name: self.name, status, report: self.report() }),
        }
    }

    /// The last lines of the log.
    pub(crate) fn report(&self) -> String {
        last_lines(&self.log).unwrap_or_default()
    }

    /// Sends SIGTERM to the process, if it still runs.
    pub(crate) fn ask_to_end(&mut self) {
        // The process was not waited for so far, so the number is still its own.
        if self.ended().is_none()
            && let Ok(number) = i32::try_from(self.child.id())
            && let Some(process) = Pid::from_raw(number)
        {
            // The only way to fail is that it has just ended.
            let _ = kill_process(process, Signal::TERM);
        }
    }

    /// Ends the process: by SIGTERM, and after `PATIENCE` by force.
    pub(crate) fn end(&mut self) {
        self.ask_to_end();
        let patience = Instant::now() + PATIENCE;
        while Instant::now() < patience {
            if self.ended().is_some() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
        // Both fail only for a process that is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

fn last_lines(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(REPORT_BYTES)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let end = String::from_utf8_lossy(&end);
    let lines: Vec<&str> = end.lines().collect();
    Ok(lines.get(lines.len().saturating_sub(REPORT_LINES)..).unwrap_or_default().join("\n"))
}

/// The time for a process to end by itself: the upstream gives its open requests two seconds, and its database two.
const PATIENCE: Duration = Duration::from_secs(5);

const REPORT_BYTES: u64 = 8 * 1024;
const REPORT_LINES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, log: &Path) -> Process {
        Process::start("shell", Command::new("sh").args(["-c", script]), log).unwrap()
    }

    fn wait(process: &mut Process) -> ExitStatus {
        loop {
            if let Some(status) = process.ended() {
                return status;
            }
            sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn last_lines_of_a_dead_process_are_reported() {
        let folder = tempfile::tempdir().unwrap();
        let mut process = shell("seq 100; echo oh >&2; exit 3", &folder.path().join("log"));
        assert_eq!(wait(&mut process).code(), Some(3));
        let error = process.must_run().unwrap_err();
        assert_eq!(error.to_string(), "shell ended while the stack was starting (exit status: 3)");
        assert!(error.report().starts_with("82\n") && error.report().ends_with("100\noh"), "{}", error.report());
    }

    #[test]
    fn process_is_asked_before_it_is_forced() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut process = shell("trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done", &log);
        while !process.report().contains("up") {
            sleep(Duration::from_millis(5));
        }
        process.end();
        assert_eq!(process.report(), "up\nbye");
    }

    #[test]
    fn process_that_does_not_listen_is_forced() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let mut process = shell("trap '' TERM; echo up; while :; do sleep 0.05; done", &log);
        while !process.report().contains("up") {
            sleep(Duration::from_millis(5));
        }
        let begin = Instant::now();
        process.end();
        assert!(begin.elapsed() >= PATIENCE && process.ended().is_some());
    }
}
