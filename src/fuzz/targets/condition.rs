//! `cargo fuzz` of [`brama_fuzz::condition`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::condition::holds_for(data));
