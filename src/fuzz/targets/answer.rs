//! `cargo fuzz` of [`brama_fuzz::answer`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::answer::holds_for(data));
