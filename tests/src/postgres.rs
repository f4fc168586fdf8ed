//! A PostgreSQL server for the tests of one process.
//!
//! It is started from the machine's own programs, in a folder of its own, and reached only by a socket in it. Or it is
//! the one that BRAMA_TEST_DATABASE_URL names, with a role that may create databases. Without either, tests fail.

use std::env;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};

pub struct Server {
    /// Address of the server, with `{}` for the database's name.
    url: String,
    created: AtomicU32,
    /// Process whose pipe tells the server of this process's end.
    _watch: Option<Child>,
}

impl Server {
    /// The one server, started by the first call.
    pub fn get() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(|| {
            let (url, watch) = match env::var("BRAMA_TEST_DATABASE_URL") {
                Ok(url) => (with_placeholder(&url), None),
                Err(_) => start(false),
            };
            Self { url, created: AtomicU32::new(0), _watch: watch }
        })
    }

    /// Creates an empty database, and returns its address.
    pub async fn create_database(&self) -> String {
        let number = self.created.fetch_add(1, Ordering::Relaxed);
        let name = format!("brama_test_{}_{number}", std::process::id());
        self.run(format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")).await;
        self.url.replace("{}", &name)
    }

    /// Drops a database, also with open connections to it.
    pub fn drop_database(&'static self, url: &str) {
        let (before, after) = self.url.split_once("{}").unwrap();
        let name = url.strip_prefix(before).unwrap().strip_suffix(after).unwrap().to_owned();
        let drop = async move { self.run(format!("DROP DATABASE {name} WITH (FORCE)")).await };
        // A test's own runtime may be ending.
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let dropped = std::thread::spawn(move || runtime().block_on(drop)).join();
        assert!(dropped.is_ok() || std::thread::panicking(), "the database was not dropped");
    }

    async fn run(&self, statement: String) {
        let options: PgConnectOptions = self.url.replace("{}", "postgres").parse().unwrap();
        let give_up = Instant::now() + Duration::from_secs(30);
        let mut connection = loop {
            match options.connect().await {
                Ok(connection) => break connection,
                Err(error) => assert!(Instant::now() < give_up, "the PostgreSQL server does not answer: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

fn with_placeholder(url: &str) -> String {
    let (address, query) = url.split_once('?').map_or((url, String::new()), |(url, query)| (url, format!("?{query}")));
    let (server, _) = address.rsplit_once('/').filter(|(server, _)| server.contains("//")).unwrap_or((address, ""));
    format!("{server}/{{}}{query}")
}

/// A standby that hears from no primary, and its address. It ends when its process's pipe is closed.
pub fn standby() -> (String, Option<Child>) {
    let (url, watch) = start(true);
    (url.replace("{}", "postgres"), watch)
}

/// A program that comes with the server, such as `pg_dump`.
pub fn program(name: &str) -> PathBuf {
    programs().join("postgres").canonicalize().unwrap().with_file_name(name)
}

/// Starts a server that ends with this process, in whatever way, and removes its folder then.
fn start(is_standby: bool) -> (String, Option<Child>) {
    let place = Place::prepare();
    if is_standby {
        File::create(place.folder.join("data/standby.signal")).unwrap();
    }
    let log = File::create(place.folder.join("log")).unwrap();
    // When this process is gone, `read` meets the end of its input.
    let watch = place
        .command(Path::new("/bin/sh"))
        .args([
            "-c",
            r#""$1" -D data -k "$2" -h '' -F -c max_connections=500 & read -r _; kill -QUIT $!; wait; rm -rf "$2""#,
        ])
        .arg("sh")
        .arg(place.programs.join("postgres"))
        .arg(&place.folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    (place.url("{}"), Some(watch))
}

/// A folder with the data of a new server, which listens there and nowhere else.
pub struct Place {
    pub folder: PathBuf,
    pub programs: PathBuf,
    is_root: bool,
}

impl Place {
    /// Makes the folder, which the caller removes.
    pub fn prepare() -> Self {
        let folder = tempfile::Builder::new().prefix("brama-pg-").tempdir().unwrap().keep();
        // The server refuses to run as root; the user nobody has the fewest rights.
        let is_root = folder.metadata().unwrap().uid() == 0;
        if is_root {
            chown(&folder, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let place = Self { folder, programs: programs(), is_root };
        let initialised = place
            .command(&place.programs.join("initdb"))
            .args(["-D", "data", "-U", "brama", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"])
            .output()
            .unwrap();
        assert!(initialised.status.success(), "{initialised:?}");
        place
    }

    /// Command of a program in the folder, as the user that may run the server, and in a process group of its own,
    /// which Ctrl-C does not reach.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env_clear().env("PATH", "/usr/bin:/bin").process_group(0);
        if self.is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    /// The address of a database.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://brama@localhost/{database}?host={}", self.folder.display())
    }
}

/// The folder with PostgreSQL's programs: on PATH, or where Debian puts them.
fn programs() -> PathBuf {
    let path = env::var_os("PATH").unwrap();
    let mut folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|entries| entries.map(|entry| entry.unwrap().path().join("bin")).collect())
        .unwrap_or_else(|_| Vec::new());
    versions.sort();
    folders.extend(versions.into_iter().rev());
    let found = folders.into_iter().find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists());
    found.expect(
        "initdb and postgres: run `make test-native`, which installs PostgreSQL, or set BRAMA_TEST_DATABASE_URL",
    )
}

const NOBODY: u32 = 65_534;
