//! Owns what is logged, of the test that runs on this thread.

use std::cell::RefCell;
use std::sync::Once;

use log::{LevelFilter, Log, Metadata, Record};

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

struct Lines;

impl Log for Lines {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        LINES.with_borrow_mut(|lines| lines.push(record.args().to_string()));
    }

    fn flush(&self) {}
}

/// Lines are kept from now on.
pub fn listen() {
    static SET: Once = Once::new();
    SET.call_once(|| {
        log::set_logger(&Lines).unwrap();
        log::set_max_level(LevelFilter::Info);
    });
    let _of_others = take();
}

/// The lines since the last time.
pub fn take() -> Vec<String> {
    LINES.with_borrow_mut(std::mem::take)
}
