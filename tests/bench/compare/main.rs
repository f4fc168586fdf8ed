//! What a request costs with Brama, beside what else Envoy can do: nothing, a plugin that does nothing, its own
//! filters, Lua, and a service that is asked.
//!
//! Every Envoy answers by itself what its filters let through. All are up from beginning to end and take turns, short
//! ones, so that what else the machine does meets all alike. What is counted is the time of Envoy's process on a
//! processor; how long a client waits is measured beside it. The table is written to `target/bench`, with a picture.

mod authority;
mod brama;
mod envoys;
mod figures;
mod load;
mod once;
mod report;

use brama_run::Settings;

fn main() {
    // What is measured, by parts of its name; nothing named is all. `cargo bench` adds `--bench`.
    let only: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let settings = Settings::from_environment().unwrap();
    let authority = authority::Authority::start();
    let table = [1, 2].map(|workers| {
        let contest = envoys::Contest::start(&settings, &authority, workers, &only);
        contest.judges();
        (workers, load::rounds(&contest))
    });
    // What follows takes its time; this much is there.
    report::write(&table, &Vec::new());
    if only.is_empty() {
        report::write(&table, &once::measure(&settings, &authority));
    }
}
