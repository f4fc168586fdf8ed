//! What the fuzzer has found worth keeping, and what was written by hand for it to begin with: every law holds for all of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "test support")]

use std::path::Path;

use brama_fuzz::LAWS;

#[test]
fn laws_hold_for_all_that_was_found() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, holds_for) in LAWS {
        let inputs: Vec<_> = std::fs::read_dir(corpus.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(inputs.len() > 10, "{name} has {} inputs", inputs.len());
        for input in inputs {
            // The test's output, shown where it fails.
            println!("{}", input.display());
            holds_for(&std::fs::read(&input).unwrap());
        }
    }
}
