//! Owns the preparation of a stack: every check that can be made before a process runs, and every file that is needed.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use uuid::Uuid;

use crate::data::{Data, Logs, file_error};
use crate::error::StartError;
use crate::settings::Settings;
use crate::stack::Stack;
use crate::template::fill;
use crate::version;

/// A stack that could start: everything was checked and written, and nothing runs.
#[derive(Debug)]
pub struct Prepared {
    settings: Settings,
    data: Data,
    secret: String,
    notes: String,
}

impl Prepared {
    /// Checks the settings and writes the files.
    ///
    /// # Errors
    /// A port or a data folder that is in use, a file that is missing, or a policy, fixture or bootstrap that cannot be
    /// used.
    pub fn new(settings: Settings) -> Result<Self, StartError> {
        require_free_ports(&settings)?;
        let settings = find_files(settings)?;
        let data = Data::open(settings.data_dir.as_deref())?;
        // Two random numbers of 122 bits, new for each run and known only to the two processes that are given it.
        let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let mut prepared = Self { settings, data, secret, notes: String::new() };
        prepared.render_policy()?;
        prepared.seed()?;
        prepared.write_bootstrap()?;
        Ok(prepared)
    }

    /// Starts the stack and waits until it serves.
    ///
    /// # Errors
    /// A process that ended or did not become ready in time, or a plugin that Envoy rejected.
    pub fn start(self) -> Result<Stack, StartError> {
        self.start_unless(|| false)
    }

    /// Starts the stack and waits until it serves, or until `stop` returns `true`.
    ///
    /// # Errors
    /// Those of [`Prepared::start`], and [`StartError::Interrupted`].
    pub fn start_unless(self, stop: impl Fn() -> bool) -> Result<Stack, StartError> {
        Stack::start(&self.settings, self.data, &self.secret, &stop)
    }

    /// The filled-in bootstrap, which Envoy reads when it starts.
    pub fn bootstrap(&self) -> PathBuf {
        self.data.bootstrap()
    }

    /// The file with the policy as Envoy takes it. A file renamed onto it is taken up at any time.
    pub fn ecds(&self) -> PathBuf {
        self.data.ecds()
    }

    /// The socket of the upstream's public listener.
    pub fn public_socket(&self) -> PathBuf {
        self.data.public_socket()
    }

    /// The socket of the upstream's internal listener.
    pub fn internal_socket(&self) -> PathBuf {
        self.data.internal_socket()
    }

    /// The log files of the processes.
    pub fn logs(&self) -> Logs {
        self.data.logs()
    }

    /// The messages of the preparing commands, which succeeded; may be empty.
    pub fn notes(&self) -> &str {
        &self.notes
    }

    /// The remark on this Envoy's version; `None` for the newest that was tried.
    pub fn envoy_remark(&self) -> Option<String> {
        version::remark(&self.settings.envoy)
    }

    fn render_policy(&mut self) -> Result<(), StartError> {
        let mut command = Command::new(&self.settings.brama);
        command.arg("render").arg(&self.settings.policy).args(["--target", "envoy-ecds", "--wasm"]);
        command.arg(&self.settings.wasm).arg("-o").arg(self.data.ecds());
        self.require("the policy", &self.settings.policy.clone(), "brama", &mut command)
    }

    fn seed(&mut self) -> Result<(), StartError> {
        let mut command = Command::new(&self.settings.upstream);
        command.arg("seed").arg(&self.settings.fixtures);
        command.env("DATABASE_URL", database_url(&self.settings, &self.data));
        self.require("the fixture", &self.settings.fixtures.clone(), "brama-upstream", &mut command)
    }

    /// Runs a command that must succeed with `path`.
    fn require(
        &mut self,
        what: &'static str,
        path: &Path,
        name: &'static str,
        command: &mut Command,
    ) -> Result<(), StartError> {
        let output = command.stdin(Stdio::null()).output().map_err(|source| StartError::Spawn { name, source })?;
        let report = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
        if !output.status.success() {
            return Err(StartError::Refused { what, path: path.to_owned(), report });
        }
        if !report.is_empty() {
            self.notes.push_str(&report);
            self.notes.push('\n');
        }
        Ok(())
    }

    fn write_bootstrap(&self) -> Result<(), StartError> {
        let path = &self.settings.bootstrap;
        let template = fs::read_to_string(path).map_err(file_error("read", path))?;
        let text = |path: PathBuf| path.display().to_string();
        let [port, admin_port, public_socket, internal_socket, ecds_file, access_log] = PLACEHOLDERS;
        let values = [
            (port, self.settings.port.to_string()),
            (admin_port, self.settings.admin_port.to_string()),
            (public_socket, text(self.data.public_socket())),
            (internal_socket, text(self.data.internal_socket())),
            (ecds_file, text(self.data.ecds())),
            (access_log, text(self.data.logs().access)),
        ];
        let filled = fill(&template, &values).map_err(|source| StartError::Template { path: path.clone(), source })?;
        let bootstrap = self.data.bootstrap();
        fs::write(&bootstrap, filled).map_err(file_error("write", &bootstrap))
    }
}

/// The URL of the upstream's database.
pub(crate) fn database_url(settings: &Settings, data: &Data) -> String {
    settings.database_url.clone().unwrap_or_else(|| data.database_url())
}

fn require_free_ports(settings: &Settings) -> Result<(), StartError> {
    if settings.port == settings.admin_port && settings.port != 0 {
        return Err(StartError::OnePort(settings.port));
    }
    require_free_port(settings.port, "PORT")?;
    require_free_port(settings.admin_port, "ADMIN_PORT")
}

/// Checks early that a port is free, for a clear message. A process that takes it afterwards makes Envoy fail instead.
fn require_free_port(port: u16, variable: &'static str) -> Result<(), StartError> {
    // Port 0 lets the system choose a free port for Envoy, which is asked for it afterwards: no check is needed.
    if port == 0 {
        return Ok(());
    }
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(StartError::PortInUse { port, variable }),
        Err(source) => Err(StartError::PortRefused { port, variable, source }),
    }
}

/// The settings with every file found. A path becomes absolute where another process, or a file that stays, will name
/// it.
///
/// # Errors
/// The first file that is missing, and how to get it.
fn find_files(settings: Settings) -> Result<Settings, StartError> {
    let build = "run `make run`, or `cargo build` for this package";
    let file = |path: &Path, what, remedy| match path.canonicalize() {
        Ok(found) if found.is_file() => Ok(found),
        _ => Err(StartError::Missing { what, path: path.to_owned(), remedy }),
    };
    let program = |path: &Path, what, remedy| {
        find_program(path).ok_or_else(|| StartError::Missing { what, path: path.to_owned(), remedy })
    };
    file(&settings.policy, "the policy", "set POLICY to a file that is there")?;
    file(&settings.fixtures, "the fixture", "set FIXTURES to a file that is there")?;
    Ok(Settings {
        wasm: file(&settings.wasm, "the plugin", "run `make wasm`, or set BRAMA_WASM")?,
        bootstrap: file(&settings.bootstrap, "the bootstrap", "it belongs to the project")?,
        envoy: program(&settings.envoy, "the program", "run `make run`, which installs Envoy, or set ENVOY")?,
        brama: program(&settings.brama, "the program", build)?,
        upstream: program(&settings.upstream, "the program", build)?,
        ..settings
    })
}

/// A program by its path, or by its bare name in PATH, as a shell finds it.
fn find_program(path: &Path) -> Option<PathBuf> {
    let executable = |path: &Path| {
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    if path.as_os_str() != path.file_name().unwrap_or(OsStr::new("")) {
        return executable(path).then(|| path.to_owned());
    }
    env::split_paths(&env::var_os("PATH")?).map(|folder| folder.join(path)).find(|found| executable(found))
}

/// The placeholders of the bootstrap. Every one of them must occur in it.
pub(crate) const PLACEHOLDERS: [&str; 6] =
    ["PORT", "ADMIN_PORT", "PUBLIC_SOCKET", "INTERNAL_SOCKET", "ECDS_FILE", "ACCESS_LOG"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_in_use_names_its_variable() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let error = require_free_port(port, "ADMIN_PORT").unwrap_err().to_string();
        assert_eq!(error, format!("port {port} is in use: stop what listens there, or set ADMIN_PORT"));
        drop(listener);
        require_free_port(port, "ADMIN_PORT").unwrap();
    }

    #[test]
    fn one_port_is_not_enough_for_two() {
        let settings = Settings { port: 7, admin_port: 7, ..Settings::from_environment().unwrap() };
        assert!(matches!(require_free_ports(&settings), Err(StartError::OnePort(7))));
        let settings = Settings { port: 0, admin_port: 0, ..settings };
        assert!(require_free_ports(&settings).is_ok());
    }

    #[test]
    fn missing_program_is_named_with_its_remedy() {
        let settings = Settings::from_environment().unwrap();
        let settings = Settings { envoy: "/nowhere/envoy".into(), wasm: settings.bootstrap.clone(), ..settings };
        let settings = Settings {
            policy: settings.bootstrap.clone(),
            fixtures: settings.bootstrap.clone(),
            brama: "/bin/sh".into(),
            upstream: "/bin/sh".into(),
            ..settings
        };
        let error = find_files(settings).unwrap_err().to_string();
        assert_eq!(
            error,
            "the program `/nowhere/envoy` is missing: run `make run`, which installs Envoy, or set ENVOY"
        );
    }

    #[test]
    fn bare_name_is_looked_for_in_path() {
        assert!(find_program(Path::new("sh")).unwrap().is_absolute());
        assert_eq!(find_program(Path::new("/bin/sh")), Some("/bin/sh".into()));
        assert_eq!(find_program(Path::new("./sh")), None);
        assert_eq!(find_program(Path::new("/etc/passwd")), None);
        assert_eq!(find_program(Path::new("")), None);
    }
}
