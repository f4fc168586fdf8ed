//! A PostgreSQL server that keeps what it has committed (fsync is on), to be measured, or killed and started again.

use std::fs::File;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::postgres::Place;

pub struct Durable {
    place: Place,
    server: Option<Child>,
}

impl Durable {
    pub fn start() -> Self {
        let mut durable = Self { place: Place::prepare(), server: None };
        durable.start_again();
        durable
    }

    /// Starts the server again after [`kill`](Self::kill), and waits until it has recovered what it had committed.
    pub fn start_again(&mut self) {
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "PostgreSQL does not start: {}", self.place.folder.display());
            // The processes of the killed server, which die a moment later, hold the memory that the new one needs.
            match self.server.as_mut().map(|server| server.try_wait().unwrap()) {
                None | Some(Some(_)) => self.server = Some(self.spawn()),
                Some(None) if self.answers() => return,
                Some(None) => {}
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Sends SIGKILL to the server's main process.
    pub fn kill(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    pub fn url(&self) -> String {
        self.place.url("postgres")
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    pub fn run(&self, statements: &str) {
        wait(async {
            let mut connection = self.connect().await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        });
    }

    /// The first column of every row, which is text.
    pub fn texts(&self, query: &str) -> Vec<String> {
        wait(async {
            let mut connection = self.connect().await.unwrap();
            let texts = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&mut connection).await.unwrap();
            connection.close().await.unwrap();
            texts
        })
    }

    fn answers(&self) -> bool {
        wait(async { self.connect().await }).is_ok()
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        self.url().parse::<PgConnectOptions>().unwrap().connect().await
    }

    fn spawn(&self) -> Child {
        let folder = &self.place.folder;
        let log = File::options().create(true).append(true).open(folder.join("log")).unwrap();
        let mut command = self.place.command(&self.place.programs.join("postgres"));
        command.args(["-D", "data", "-h", "", "-k"]).arg(folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
    }
}

impl Drop for Durable {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            // SIGQUIT: the server ends its processes at once, without cleaning up the folder, which goes anyway.
            let pid = server.id().to_string();
            std::process::Command::new("kill").args(["-QUIT", &pid]).status().unwrap();
            server.wait().unwrap();
        }
        std::fs::remove_dir_all(&self.place.folder).unwrap();
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

const PATIENCE: Duration = Duration::from_secs(60);
