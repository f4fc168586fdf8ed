//! `cargo fuzz` of [`brama_fuzz::host`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| brama_fuzz::host::holds_for(data));
