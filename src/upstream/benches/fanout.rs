//! Readers that one upstream feeds: the memory that each takes, the time until the last is told of a revocation, the
//! time until a place is free again, and the time of an introspection meanwhile. On PostgreSQL with fsync on; clients,
//! service and database share the machine. The thread of the readers has the lowest priority: what the readers do with
//! an answer is work of other machines, and would keep the service from the processors here.
//!
//! `READERS=1000,5000` sets the numbers of readers, and `PROGRAM` another build of the service. With
//! `THROUGH=127.0.0.1:8080` they ask a cache in front of the service, which then listens at `LISTEN=127.0.0.1:8081`.

#![allow(clippy::restriction, reason = "a measurement ends where something is amiss")]

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use brama_e2e::durable::Durable;
use rustix::process::{Resource, Rlimit, getrlimit, nice, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::task::LocalSet;
use tokio::time::sleep;

const ROUNDS: usize = 5;
const SECRET: &str = "the-secret-of-a-bench";

fn main() {
    let files = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: files, maximum: files }).unwrap();
    let database = Durable::start();
    let readers = std::env::var("READERS").unwrap_or_else(|_| "1000,5000".to_owned());
    for readers in readers.split(',') {
        on_this_thread(measure(&database, readers.parse().unwrap()));
    }
}

fn on_this_thread<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(LocalSet::new().run_until(work))
}

async fn measure(database: &Durable, readers: usize) {
    let service = Service::start(database).await;
    let door = std::env::var("THROUGH").unwrap_or_else(|_| service.address.clone());
    println!("== {readers} readers");
    println!("introspection, nobody waits: {}", introspect(&service.address, sleep(Duration::from_secs(3))).await);

    let before = service.memory();
    let crowd = Crowd::gather(&door, readers, 20_000);
    if door == service.address {
        service.until_waiting(readers).await;
        let taken = (service.memory() - before) / f64::from(u32::try_from(readers).unwrap());
        println!("memory: {taken:.1} KiB a reader that waits");
    }
    println!("introspection, all wait: {}", introspect(&service.address, sleep(Duration::from_secs(3))).await);
    for _ in 0..ROUNDS {
        crowd.forget();
        let (begin, work) = (Instant::now(), service.work());
        let all = async {
            ask(&mut connect(&service.address).await, "POST", "/revocations", r#"{"client_id":"nobody"}"#).await;
            let revoked = begin.elapsed();
            crowd.until_told(readers, begin).await;
            println!("revoked after {revoked:?}; {}", crowd.told(|told| told.since(begin)));
        };
        println!("introspection meanwhile: {}", introspect(&service.address, all).await);
        if door == service.address {
            service.until_waiting(readers).await;
            let work = (service.work() - work) * 1e6 / readers as f64;
            println!("all wait again after {:?}; {work:.0} us of the service's time each", begin.elapsed());
        }
    }
    let begin = Instant::now();
    crowd.hang_up();
    service.until_waiting(0).await;
    println!("all have hung up: the last place is free after {:?}", begin.elapsed());

    let crowd = Crowd::gather(&door, readers, 500);
    while crowd.told(|told| told.answered) < readers {
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_secs(2)).await;
    crowd.forget();
    let (polls, work, begin) = (service.polls().await, service.work(), Instant::now());
    sleep(Duration::from_secs(5)).await;
    let (seconds, work) = (begin.elapsed().as_secs_f64(), service.work() - work);
    let (answered, refused) = crowd.told(|told| (told.answered, told.refused));
    let reached = service.polls().await - polls;
    println!(
        "waits of 500 ms: {:.0} answers a second, {refused} of {answered} refused, {reached} polls reached the service, {:.0} us of its time each, {:.0} % of a core",
        answered as f64 / seconds,
        work * 1e6 / reached as f64,
        work * 100.0 / seconds,
    );
    println!("introspection meanwhile: {}", introspect(&service.address, sleep(Duration::from_secs(3))).await);
    crowd.forget();
    let begin = Instant::now();
    ask(&mut connect(&service.address).await, "POST", "/revocations", r#"{"client_id":"nobody"}"#).await;
    crowd.until_told(readers, begin).await;
    let told = crowd.told(|told| told.since(begin));
    println!("one revocation: {told}; memory {:.0} MiB", service.memory() / 1024.0);
    crowd.hang_up();
}

/// Answers that readers received.
#[derive(Debug, Default)]
struct Told {
    answered: usize,
    refused: usize,
    news: Vec<Instant>,
}

impl Told {
    fn since(&self, begin: Instant) -> String {
        let mut times: Vec<Duration> = self.news.iter().map(|told| told.duration_since(begin)).collect();
        times.sort();
        format!(
            "{} told: half after {:?}, the last after {:?}",
            times.len(),
            times[times.len() / 2],
            times[times.len() - 1]
        )
    }
}

/// Readers of the feed in a thread of their own, each on a connection of its own.
struct Crowd {
    told: Arc<Mutex<Told>>,
    staying: Sender<()>,
    thread: JoinHandle<()>,
}

impl Crowd {
    /// Readers, each of which follows the feed from its head and waits for `wait` milliseconds at a time.
    fn gather(door: &str, readers: usize, wait: usize) -> Self {
        let (staying, stay) = oneshot::channel();
        let told = Arc::<Mutex<Told>>::default();
        let (door, shared) = (door.to_owned(), Arc::clone(&told));
        let thread = std::thread::spawn(move || {
            nice(19).unwrap();
            on_this_thread(read(&door, readers, wait, &shared, stay));
        });
        Self { told, staying, thread }
    }

    fn told<T>(&self, look: impl FnOnce(&mut Told) -> T) -> T {
        look(&mut self.told.lock().unwrap())
    }

    fn forget(&self) {
        self.told(|told| *told = Told::default());
    }

    async fn until_told(&self, readers: usize, begin: Instant) {
        while self.told(|told| told.news.len()) < readers {
            assert!(begin.elapsed() < Duration::from_secs(60), "{} of {readers}", self.told(|told| told.news.len()));
            sleep(Duration::from_millis(2)).await;
        }
    }

    fn hang_up(self) {
        drop(self.staying);
        self.thread.join().unwrap();
    }
}

/// Starts the readers, no faster than connections are accepted, and has them hang up when nobody wants them to stay.
async fn read(door: &str, readers: usize, wait: usize, told: &Arc<Mutex<Told>>, stay: Receiver<()>) {
    for number in 0..readers {
        tokio::task::spawn_local(follow(door.to_owned(), wait, Arc::clone(told)));
        if number % 50 == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    stay.await.unwrap_err();
}

async fn follow(door: String, wait: usize, told: Arc<Mutex<Told>>) {
    let mut stream = connect(&door).await;
    let mut path = "/revocations".to_owned();
    loop {
        let (status, body) = ask(&mut stream, "GET", &path, "").await;
        if status != 200 {
            told.lock().unwrap().refused += 1;
            sleep(Duration::from_millis(100)).await;
            continue;
        }
        let next = body.split_once("\"next\":\"").unwrap().1.split('"').next().unwrap();
        path = format!("/revocations?after={next}&wait={wait}");
        let mut told = told.lock().unwrap();
        told.answered += 1;
        if !body.contains("\"entries\":[]") {
            told.news.push(Instant::now());
        }
    }
}

/// Introspects a credential again and again until `end`, and returns the durations as text. It runs in a thread of its
/// own, so that the readers' work does not delay it.
async fn introspect(address: &str, end: impl Future<Output = ()>) -> String {
    let (stop, stopped) = oneshot::channel();
    let address = address.to_owned();
    let asking = std::thread::spawn(move || on_this_thread(ask_until(&address, stopped)));
    end.await;
    drop(stop);
    asking.join().unwrap()
}

async fn ask_until(address: &str, mut stopped: Receiver<()>) -> String {
    let mut stream = connect(address).await;
    let (mut times, mut refused) = (Vec::new(), 0);
    while stopped.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
        let begin = Instant::now();
        let (status, _) = ask(&mut stream, "POST", "/introspect", "token=unknown").await;
        refused += usize::from(status != 200);
        times.push(begin.elapsed());
    }
    times.sort();
    // A percentile needs an answer.
    let at = |part: usize| *times.get(times.len() * part / 1000).expect("nobody was answered");
    let longest = *times.last().expect("nobody was answered");
    format!("{} in turn, {refused} refused: p50 {:?}, p99 {:?}, longest {longest:?}", times.len(), at(500), at(990))
}

struct Service {
    process: Child,
    address: String,
}

impl Service {
    async fn start(database: &Durable) -> Self {
        let address = std::env::var("LISTEN")
            .unwrap_or_else(|_| std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string());
        let program = std::env::var("PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_brama-upstream").to_owned());
        let mut command = Command::new(program);
        command.arg("serve").env("DATABASE_URL", database.url()).env("BRAMA_AUTHORITY_SECRET", SECRET);
        command.env("PUBLIC_LISTEN", "tcp:127.0.0.1:0").env("INTERNAL_LISTEN", format!("tcp:{address}"));
        let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while TcpStream::connect(&address).await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
        Self { process, address }
    }

    async fn until_waiting(&self, readers: usize) {
        while self.sample("feed_readers_waiting ").await != readers as f64 {
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Number of polls that the service has answered.
    async fn polls(&self) -> usize {
        let sample = "request_duration_seconds_count{listener=\"internal\",method=\"GET\",route=\"/revocations\",class=\"2xx\"} ";
        self.sample(sample).await as usize
    }

    async fn sample(&self, name: &str) -> f64 {
        let (_, text) = ask(&mut connect(&self.address).await, "GET", "/metrics", "").await;
        let value = text.lines().find_map(|line| line.strip_prefix("brama_upstream_")?.strip_prefix(name));
        value.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
    }

    /// Resident memory of the service, in KiB.
    fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// CPU time that the service has used, in seconds.
    fn work(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
        ticks / 100.0
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

async fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends a request, and returns the answer's status and body.
async fn ask(stream: &mut TcpStream, method: &str, path: &str, body: &str) -> (u16, String) {
    let form = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {SECRET}\r\naccept: application/json\r\ncontent-type: {form}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::with_capacity(1024);
    loop {
        assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the answer ends early");
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let head = head.to_ascii_lowercase();
        let length: usize =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
        if body.len() >= length {
            return (head.get(9..12).unwrap().parse().unwrap(), body.to_owned());
        }
    }
}
