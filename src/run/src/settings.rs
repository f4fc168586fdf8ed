//! Owns the settings of a run: the variable and the default of each.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::StartError;
use crate::project::project;

/// The settings of a run: what to start, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The checkout whose files are run (`BRAMA_PROJECT`, else the one that this program lies in).
    pub project: PathBuf,
    /// The gateway's port (`PORT`, else 8080); 0 is any free port.
    pub port: u16,
    /// The port of Envoy's administration (`ADMIN_PORT`, else 9901); 0 is any free port.
    pub admin_port: u16,
    /// The folder of data, logs and rendered files (`DATA_DIR`, else a folder that is removed at the end).
    pub data_dir: Option<PathBuf>,
    /// The upstream's database (`DATABASE_URL`, else a SQLite file in the data folder).
    pub database_url: Option<String>,
    /// The policy (`POLICY`, else the one that is shipped).
    pub policy: PathBuf,
    /// The fixture, which is the database's first content (`FIXTURES`, else the demonstration that is shipped).
    pub fixtures: PathBuf,
    /// The plugin (`BRAMA_WASM`, else where `make wasm` puts it).
    pub wasm: PathBuf,
    /// Envoy (`ENVOY`, else `envoy` on PATH).
    pub envoy: PathBuf,
    /// The command that renders policies, beside this program.
    pub brama: PathBuf,
    /// The upstream, beside this program.
    pub upstream: PathBuf,
    /// Envoy's configuration, with placeholders.
    pub bootstrap: PathBuf,
    /// The number of Envoy's workers; each has a plugin of its own.
    pub workers: u16,
    /// The level from which on Envoy logs, by Envoy's name for it.
    pub log_level: &'static str,
}

impl Settings {
    /// Reads the settings from the environment. An empty variable counts as unset, as in `make run PORT=`.
    ///
    /// # Errors
    /// A variable with an invalid value, or no checkout whose files could be run.
    pub fn from_environment() -> Result<Self, StartError> {
        Self::read(|name| env::var_os(name))
    }

    /// `true` if policy and fixture are the shipped ones and no database is named, so that requests to try can be
    /// shown.
    pub fn is_demonstration(&self) -> bool {
        let shipped = |file: &str| self.project.join(file);
        self.policy == shipped(POLICY) && self.fixtures == shipped(FIXTURES) && self.database_url.is_none()
    }

    fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, StartError> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let port = |variable: &'static str, otherwise: u16| match given(variable) {
            None => Ok(otherwise),
            Some(value) => value.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| StartError::Setting {
                variable,
                value: value.to_string_lossy().into_owned(),
                form: "number from 0 to 65535",
            }),
        };
        let database_url = given("DATABASE_URL").map(OsString::into_string).transpose();
        let program = env::current_exe().unwrap_or_default();
        let project = project(given("BRAMA_PROJECT").map(PathBuf::from), &program)?;
        let path = |name: &str, otherwise: &str| given(name).map_or_else(|| project.join(otherwise), PathBuf::from);
        let programs = programs(&program);
        Ok(Self {
            port: port("PORT", 8080)?,
            admin_port: port("ADMIN_PORT", 9901)?,
            data_dir: given("DATA_DIR").map(PathBuf::from),
            database_url: database_url.map_err(|value| StartError::Setting {
                variable: "DATABASE_URL",
                value: value.to_string_lossy().into_owned(),
                form: "text in UTF-8",
            })?,
            policy: path("POLICY", POLICY),
            fixtures: path("FIXTURES", FIXTURES),
            wasm: path("BRAMA_WASM", WASM),
            envoy: given("ENVOY").map_or_else(|| PathBuf::from("envoy"), PathBuf::from),
            brama: programs.join("brama"),
            upstream: programs.join("brama-upstream"),
            bootstrap: project.join(BOOTSTRAP),
            workers: 2,
            log_level: "warning",
            project,
        })
    }
}

/// The folder in which cargo put this program and the others. Tests are built one folder further down.
fn programs(program: &Path) -> PathBuf {
    let folder = program.parent().unwrap_or(Path::new(""));
    let folder = if folder.ends_with("deps") { folder.parent().unwrap_or(folder) } else { folder };
    folder.to_owned()
}

const BOOTSTRAP: &str = "envoy/envoy.yaml";
const FIXTURES: &str = "src/upstream/fixtures/demo.json";
const POLICY: &str = "policies/ehealth.yaml";
const WASM: &str = "target/brama_filter.wasm";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, StartError> {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into());
        Settings::read(value)
    }

    #[test]
    fn nothing_given_is_the_demonstration() {
        let settings = read(&[]).unwrap();
        assert_eq!((settings.port, settings.admin_port, settings.data_dir.as_deref()), (8080, 9901, None));
        assert!(settings.is_demonstration());
        assert!(settings.bootstrap.is_file());
    }

    #[test]
    fn empty_variable_counts_as_unset() {
        assert_eq!(read(&[("PORT", ""), ("POLICY", ""), ("DATA_DIR", "")]).unwrap(), read(&[]).unwrap());
    }

    #[test]
    fn given_settings_are_taken() {
        let settings = read(&[("PORT", "0"), ("ADMIN_PORT", "65535"), ("POLICY", "own.yaml")]).unwrap();
        assert_eq!((settings.port, settings.admin_port), (0, 65535));
        assert_eq!(settings.policy, Path::new("own.yaml"));
        assert!(!settings.is_demonstration());
    }

    #[test]
    fn port_that_is_no_port_is_refused() {
        for value in ["abc", "-1", "65536", "80 80", "8080.0"] {
            let error = read(&[("ADMIN_PORT", value)]).unwrap_err().to_string();
            assert_eq!(error, format!("ADMIN_PORT is `{value}`: it must be a number from 0 to 65535"));
        }
    }
}
